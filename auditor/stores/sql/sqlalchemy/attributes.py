"""Attributes that a stored class does not have, where all that could give it one can be seen.

`order_by(Entry.nothing.desc())` ends with an AttributeError before anything is asked.
Source: https://docs.sqlalchemy.org/en/20/orm/declarative_config.html, /orm/backref.html.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import Located, Scope, argument
from auditor.stores.sql.conditions import no_column
from auditor.stores.sql.dialects import dialect
from auditor.stores.sql.entities import Entities, Entity, last_name
from auditor.stores.sql.reading.frames import Frame, Reading
from auditor.stores.sql.reading.things import Class
from auditor.stores.waiting.once import runs_once

_BASES = re.compile(
    r"sqlalchemy\.(?:orm|ext\.declarative|ext\.declarative\.api|ext\.asyncio)\.(?:declarative_base\(\)|DeclarativeBase(?:NoMeta)?"
    r"|MappedAsDataclass|AsyncAttrs)|flask_sqlalchemy\.SQLAlchemy\(\)\.Model|sqlmodel\.(?:main\.)?SQLModel|builtins\.object|abc\.ABC"
    r"|typing\.Generic|flask_login\.UserMixin"
)
"""Bases that give a class no column."""
_MADE_OF = {"cls", "model_class", "metaclass", None}
"""By which a base is made of a class of the code's own."""
_OF_BASES = {"metadata", "registry", "query", "query_class", "c", "columns", "awaitable_attrs",
             "is_active", "is_authenticated", "is_anonymous", "get_id"}  # fmt: skip
_OF_MODELS = re.compile(
    r"model_|_|(?:sqlmodel_update|from_orm|parse_\w+|dict|json|copy|schema|schema_json|construct|validate)$"
)
"""What SQLModel gives besides its columns.

Source: https://github.com/fastapi/sqlmodel/blob/main/sqlmodel/main.py, https://docs.pydantic.dev/latest/api/base_model/.
"""
_PLAIN = {"dataclass", "mapped", "mapped_as_dataclass", "total_ordering", "as_declarative"}
_RELATING = ("relationship", "Relationship", "relation", "dynamic_loader")
_ADDING = ("setattr", "add_property", "add_column")
_CLASS = re.compile(r"^[A-Z]|(?:^|_)(?:cls|class_?|klass|model|mapper)$")
"""What a variable that holds a class may be called."""


class Attributes:
    """Tells what the code gives a class within it, and from elsewhere."""

    def __init__(self, entities: Entities) -> None:
        self.entities, self.code, self.values = entities, entities.code, entities.values
        self._known: dict[str, bool] = {}

    def lacks(self, entity: Entity, name: str) -> bool:
        """Whether nothing gives a class an attribute, as far as everything that might can be seen."""
        if entity.mapper != "sqlalchemy" or entity.found is None or name.startswith("__"):
            return False
        if name in _OF_BASES or name in entity.relations or entity.column(name) is not None:
            return False
        if name in self.entities.by_class or self._given & {name, ""}:
            return False
        if _OF_MODELS.match(name):
            return False
        if entity.name not in self._known:
            self._known[entity.name] = self._is_told(entity.found)
        return self._known[entity.name] and not any(
            name in self.code.inside(owner).bindings for owner in self._classes(entity.found)
        )

    def _classes(self, found: Located) -> list[Located]:
        named = map(self.code.definition, self.code.ancestry(found))
        return [owner for owner in named if owner is not None]

    def _is_told(self, found: Located) -> bool:
        """Whether all that a class is made of is of this tree, or known to bring nothing."""
        return all(
            isinstance(owner.node, t.Class)
            and all(self._is_known(base, owner.scope) for base in owner.node.bases)
            and not any(k.name == "metaclass" for k in owner.node.keywords)
            and all(last_name(each) in _PLAIN for each in owner.node.decorators)
            and not any(map(_makes_names_up, t.walk_own(*owner.node.body)))
            for owner in self._classes(found)
        )

    def _is_known(self, base: t.Expr, scope: Scope) -> bool:
        named = base.value if isinstance(base, t.Item) else base  # Generic[T]
        name = self.code.name(named, scope)
        if self.code.definition(name) is not None:
            return True
        made = named.value if isinstance(named, t.Attr) else named  # db.Model
        sources = self.values.sources(made, scope)
        given = {k.name for source in sources for k in getattr(source.node, "keywords", ())}
        return _BASES.fullmatch(name) is not None and given.isdisjoint(_MADE_OF)

    @functools.cached_property
    def _given(self) -> frozenset[str]:
        """What classes are given from elsewhere, by name; the empty one is for any name."""
        return frozenset(self._names_given())

    def _names_given(self) -> Iterator[str]:
        for site in self.code.method_calls(*_RELATING):
            keywords = argument(site.node, None, "sa_relationship_kwargs")
            for given in (argument(site.node, None, "backref"), _entry(keywords, "backref")):
                if given is not None:
                    first = given.args[0] if isinstance(given, t.Call) and given.args else given
                    yield self.values.text(first, site.scope) or ""
        for site in self.code.method_calls(*_ADDING):
            if runs_once(site.scope.module):
                continue  # a migration changes tables, and no class
            # setattr(cls, name, column), cls.__mapper__.add_property(name, column)
            called = t.last_word(site.node.func) == "setattr"
            target, name = (site.arg(0), site.arg(1)) if called else (None, site.arg(0))
            if target is None or _CLASS.search(last_name(target)):
                yield (self.values.text(name, site.scope) if name is not None else "") or ""
        for assign, _ in self.code.of_kind(t.Assign):
            for to in assign.targets:
                if isinstance(to, t.Attr) and _CLASS.search(last_name(to.value)):
                    yield to.name


def _entry(given: t.Expr | None, name: str) -> t.Expr | None:
    """What a dict that the code spells out has for a key."""
    if not isinstance(given, t.Map):
        return None
    pairs = zip(given.keys, given.values, strict=True)
    return next((v for k, v in pairs if isinstance(k, t.Const) and k.value == name), None)


def _makes_names_up(node: t.Node) -> bool:
    """`locals()[name] = Column(…)` in the body of a class, `__table__ = reflected`."""
    match node:
        case t.Call(func=t.Name(id="locals" | "vars" | "exec")) | t.Const(value="properties"):
            return True
        case t.Assign(targets=[t.Name(id="__table__")]):
            return True
    return False


_OF = {
    "strftime": "SQLite", "julianday": "SQLite", "date_format": "MySQL", "unix_timestamp": "MySQL", "str_to_date": "MySQL",
    "timestampdiff": "MySQL", "date_trunc": "PostgreSQL", "array_agg": "PostgreSQL", "string_agg": "PostgreSQL", "jsonb_agg": "PostgreSQL",
}  # fmt: skip
"""Functions that one database alone has.

Sources: https://www.sqlite.org/lang_datefunc.html, https://dev.mysql.com/doc/refman/8.4/en/date-and-time-functions.html,
https://www.postgresql.org/docs/current/functions-aggregate.html."""


def refusal(reading: Reading, nodes: Iterable[t.Expr], frame: Frame) -> str:
    """Why these expressions end with an error: `Entry.nothing.desc()`, `models.Entry` of a module that has none."""
    (told,) = reading.application.facts(Attributes)
    for each in t.surely(*nodes):
        match each:
            case t.Name(id=name) if name[:1].isupper() and not frame.find(name)[0]:
                if reading.code.is_unbound(each, frame.scope):
                    return f"{name} is defined nowhere in this file"
            case t.Attr(name=name) if reading.code.lacks(each, frame.scope):
                return f"{t.dotted(each)} is defined nowhere"
            case t.Call(func=t.Attr(value=value, name=name)) if (
                name in _OF and t.last_word(value) == "func"
            ):
                kind = dialect(reading.application)
                if kind in ("mysql", "postgresql") and kind != _OF[name].lower():
                    return f"{name} is a function of {_OF[name]}, and the database is another: it refuses the query"
            case t.Attr(value=value, name=name) if _may_be_class(value):
                owner = reading.thing(value, frame)
                if isinstance(owner, Class) and told.lacks(owner.entity, name):
                    return no_column(name)
    return ""


def unknown_name(reading: Reading, entities: Iterable[Entity | None], call: t.Call) -> str:
    """Why `filter_by(nothing=1)` ends with an error: none of these classes has what it compares."""
    (told,) = reading.application.facts(Attributes)
    known = [x for x in entities if x is not None]
    for keyword in call.keywords if known else ():
        if keyword.name and all(told.lacks(entity, keyword.name) for entity in known):
            return no_column(keyword.name)
    return ""


def _may_be_class(expr: t.Expr) -> bool:
    return isinstance(expr, t.Name) or (isinstance(expr, t.Attr) and expr.name[:1].isupper())


@provides(Attributes)
def attributes(application: Application) -> list[Attributes]:
    (entities,) = application.facts(Entities)
    return [Attributes(entities)]
