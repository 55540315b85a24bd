"""Calls that find stored objects by a key: SQLAlchemy, SQLModel, Django, Tortoise, Peewee, Beanie,
MongoDB, FastCRUD, and SQL as text.

Sources: the query APIs' documentation (https://docs.sqlalchemy.org/en/20/orm/queryguide/,
https://docs.djangoproject.com/en/stable/ref/models/querysets/, https://tortoise.github.io/query.html,
https://docs.peewee-orm.com/en/latest/peewee/querying.html, https://beanie-odm.dev/tutorial/finding-documents/).
"""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.link.labels.engine import Selection
from auditor.link.scopes import Located, Scope, argument
from auditor.link.values import Evaluator
from auditor.stores.mongo.collections import Collections
from auditor.stores.mongo.mongodb import FILTERED

_STORED = re.compile(
    r"^(?:sqlalchemy|flask_sqlalchemy|django\.(?:db|contrib)|mongoengine|peewee|tortoise|pony|sqlmodel|beanie"
    r"|odmantic|ormar|piccolo|mptt|parler|polymorphic|model_utils|wagtail|treebeard|advanced_alchemy|flask_appbuilder)\b"
    r"|declarative_base|DeclarativeBase|SQLAlchemy\(\)|\.Document$|automap_base"
)
"""Canonical names of what a stored class inherits from, of any mapper."""
_BY_MODEL = {
    "get", "get_or_404", "get_object_or_404", "aget_object_or_404", "get_list_or_404", "get_one",
    "get_object_or_exception", "first_or_404", "one_or_404",
}  # fmt: skip
"""Calls whose first argument is the class, and the others its key."""
_STARTS = {"select", "delete", "update", "query", "select_from", "exists", "Query", "QuerySet"}
_SELECTORS = {
    "get", "aget", "get_or_404", "get_or_none", "aget_or_none", "get_by_id", "filter", "filter_by", "where",
    "find", "find_one", "find_all", "find_one_or_none", "first_or_404", "one_or_404", "get_or_raise",
    "delete_many", "delete_by_id", "get_object_or_404", "get_one", "in_bulk", "having", "exists", "get_multi",
    "find_many", "get_or_exception", "get_by", "find_by_id",
}  # fmt: skip
_REPOSITORY = re.compile(r"^(?:fastcrud|crudrouter|advanced_alchemy|sqlalchemy_crud_plus)\b")
_REPOSITORY_CALLS = {
    "get", "get_joined", "get_one", "get_one_or_none", "delete", "db_delete", "update", "exists", "get_multi",
    "get_multi_joined", "delete_model", "update_model", "select_model",
}  # fmt: skip
_DATA = {"object", "data", "values", "item", "obj_in"}
_SQL = re.compile(
    r"^\s*(?:select\b.*?\bfrom|update|delete\s+from)\s+[\"`\[]?(?:\w+\.)?[\"`]?(\w+)", re.I | re.S
)
_INSERT = re.compile(r"\s*insert\s+into\b", re.I)
_RUNS_SQL = re.compile(r"execute|fetch|query|run|select|read_sql|raw|all|one|first|scalar", re.I)


class Selections:
    """Tells which calls find stored objects, of which kind, and by which arguments."""

    def __init__(self, values: Evaluator) -> None:
        self.values, self.code = values, values.code
        self.mongo = Collections(values)
        self._stored: dict[int, bool] = {}
        self._known: dict[tuple[int, int], Selection | None] = {}
        self._variables: dict[tuple[str, int], str | None] = {}

    def of(self, call: t.Call, scope: Scope) -> Selection | None:
        key = (id(call), id(scope))
        if key not in self._known:
            self._known[key] = self._of(call, scope)
        return self._known[key]

    def _of(self, call: t.Call, scope: Scope) -> Selection | None:
        func = call.func
        last = t.last_word(func)
        given = (*call.args, *(k.value for k in call.keywords))
        if not given:
            return None
        if found := self._sql(call, last, scope):
            return found
        if last in _BY_MODEL and call.args:
            first = call.args[0]
            if kind := self.model(first, scope) or self._of_chain(first, scope):
                return Selection(kind, given[1:], first)
            if isinstance(first, t.Attr) and first.name in _MODELS and len(given) > 1:
                return Selection("", given[1:], first)
        if not isinstance(func, t.Attr):
            return None
        if last in FILTERED and (collection := self._collection(call, last, scope)):
            return collection
        if last in _REPOSITORY_CALLS:
            name = self.code.name(func.value, scope)
            kinds = self.code.kinds(name) if name else []
            if any(_REPOSITORY.match(kind) for kind in kinds):
                keys = [k.value for k in call.keywords if k.name not in _DATA and k.name != "db"]
                if last.endswith("_model") or not keys:
                    keys += call.args
                return Selection(self.served(func.value, scope), tuple(keys))
        if last not in _SELECTORS:
            return None
        kind = self._of_chain(func.value, scope)
        if kind is None:
            kind = next((k for arg in given if (k := self._column(arg, scope))), None)
        return None if kind is None else Selection(kind, given, changes=_starts_change(func.value))

    # --- classes

    def model(self, expr: t.Expr, scope: Scope) -> str:
        """The canonical name of the stored class that an expression names; empty for others."""
        found = self.code.defined(expr, scope) if isinstance(expr, t.Name | t.Attr) else None
        if found is None or not isinstance(found.node, t.Class) or not self.stored(found):
            return ""
        return self.code.own_name(found)

    def stored(self, found: Located) -> bool:
        key = id(found.node)
        if key not in self._stored:
            names = self.code.ancestry(found)
            self._stored[key] = any(_STORED.search(name) for name in names) or any(
                isinstance(stmt, t.Assign)
                and isinstance(stmt.targets[0], t.Name)
                and stmt.targets[0].id in ("__tablename__", "__table__")
                for stmt in found.node.body  # type: ignore[attr-defined]
            )
        return self._stored[key]

    def _of_chain(self, expr: t.Expr, scope: Scope, depth: int = 0) -> str | None:
        """The class that a chain of calls starts from; empty where it is the object's own."""
        while depth < 20:
            depth += 1
            match expr:
                case t.Await(value=value) | t.Item(value=value):
                    expr = value
                case t.Call(func=func, args=args):
                    last = t.last_word(func)
                    if last in _STARTS or last in _BY_MODEL:
                        for arg in args:
                            if kind := self._mentioned(arg, scope):
                                return kind
                            if _own_model(arg):
                                return ""
                    if not isinstance(func, t.Attr):
                        return None
                    expr = func.value
                case t.Attr(value=value, name=name):
                    if kind := self.model(expr, scope):
                        return kind
                    if name in _MODELS or name in ("queryset", "get_queryset"):
                        return ""
                    expr = value
                case t.Name():
                    return self._of_name(expr, scope, depth)
                case _:
                    return None
        return None

    def _of_name(self, expr: t.Name, scope: Scope, depth: int) -> str | None:
        if kind := self.model(expr, scope):
            return kind
        if expr.id in _MODELS or expr.id == "cls":
            return ""
        key = (expr.id, id(scope))
        if key not in self._variables:
            self._variables[key] = None  # a variable made of itself, `q = q.filter(…)`, ends here
            self._variables[key] = self._of_variable(expr, scope, depth)
        return self._variables[key]

    def _of_variable(self, expr: t.Name, scope: Scope, depth: int) -> str | None:
        bound = self.code.find(expr.id, scope)
        for binding in bound[1] if bound is not None else ():
            if binding.kind == "value" and isinstance(binding.part, t.Call | t.Attr | t.Await):
                assert bound is not None
                kind_ = self._of_chain(binding.part, bound[0], depth + 3)
                if kind_ is not None:
                    return kind_
        return None

    def _mentioned(self, arg: t.Expr, scope: Scope) -> str:
        """`Item`, `Item.id`, `func.count(Item.id)`."""
        if kind := self.model(arg, scope):
            return kind
        for node in t.walk_own(arg):
            if isinstance(node, t.Attr) and isinstance(node.value, t.Name | t.Attr):
                if kind := self.model(node.value, scope):
                    return kind
        return ""

    def _column(self, arg: t.Expr, scope: Scope) -> str:
        """The class of a condition, `Item.id == id`."""
        match arg:
            case t.Compare(left=t.Attr(value=owner)):
                return self.model(owner, scope)
            case t.Call(func=t.Attr(value=t.Attr(value=owner))):  # Item.id.in_(ids)
                return self.model(owner, scope)
        return ""

    def served(self, owner: t.Expr, scope: Scope) -> str:
        """What a repository serves: `CRUDItem(Item)`, `class Items(Repository[Item])`, `Item.objects`."""
        if kind := self._of_chain(owner, scope):
            return kind
        collection, certain = self.mongo.of(owner, scope) or ("", False)
        if collection and certain:
            return f"collection:{collection}"
        if isinstance(owner, t.Name) and owner.id in ("self", "cls"):
            own = scope.parent
            if own is None or not isinstance(own.owner, t.Class) or own.parent is None:
                return ""
            return self.of_class(Located(own.owner, own.parent))
        for source in self.values.sources(owner, scope):
            if isinstance(source.node, t.Call):
                given = [*source.node.args, *(k.value for k in source.node.keywords)]
                for arg in given:
                    found = self.code.defined(arg, source.scope)
                    if found is not None and isinstance(found.node, t.Class):
                        return self.code.own_name(found)
        name = self.code.name(owner, scope).removesuffix("()")
        found = self.code.definition(name)
        if found is not None and isinstance(found.node, t.Class):
            if kind := self.of_class(found):
                return kind
        return f"collection:{collection}" if collection else ""

    def of_class(self, found: Located) -> str:
        """`class Items(Repository[Item])`, `model = Item`."""
        for ancestor in self.code.ancestry(found):
            owner = self.code.definition(ancestor)
            if owner is None or not isinstance(owner.node, t.Class):
                continue
            inner = self.code.inside(owner)
            for stmt in owner.node.body:
                match stmt:
                    case t.Assign(
                        targets=[t.Name(id="model" | "_model" | "model_class")], value=value
                    ) if value is not None:
                        if (named := self.code.defined(value, inner)) is not None:
                            return self.code.own_name(named)
            for base in owner.node.bases:
                if isinstance(base, t.Item):
                    parts = base.index.items if isinstance(base.index, t.Seq) else [base.index]
                    for part in parts:
                        named = self.code.defined(part, owner.scope)
                        if named is not None and isinstance(named.node, t.Class):
                            return self.code.own_name(named)
        return ""

    # --- documents and text

    def _collection(self, call: t.Call, last: str, scope: Scope) -> Selection | None:
        assert isinstance(call.func, t.Attr)
        found = self.mongo.of(call.func.value, scope)
        position = FILTERED[last]
        if found is None or len(call.args) <= position:
            return None
        name, certain = found
        if not certain and last not in ("find_one", "update_one", "delete_one", "delete_many", "update_many",
                                        "find_one_and_update", "find_one_and_delete", "replace_one"):  # fmt: skip
            return None
        if not certain and not isinstance(call.args[position], t.Map | t.Name):
            return None
        return Selection(f"collection:{name}", (call.args[position],))

    def _sql(self, call: t.Call, last: str, scope: Scope) -> Selection | None:
        """`execute("SELECT … FROM loans WHERE id = %s", (id,))`, also as an f-string."""
        if not _RUNS_SQL.search(last):
            return None
        given = argument(call, 0, "query", "sql", "statement", "stmt")
        text = self._text(given, scope) if given is not None else ""
        if not text:
            return None
        match = _SQL.match(text)
        if match is None:
            made = _INSERT.match(text)
            return Selection("", (), whole=True) if made else None
        changes = text.lstrip()[:1] in "uUdD"
        keys = [
            x for arg in (*call.args, *(k.value for k in call.keywords)) for x in _where(arg, text)
        ]
        return Selection(f"table:{match[1].lower()}", tuple(keys), whole=True, changes=changes)

    def _text(self, expr: t.Expr, scope: Scope, depth: int = 0) -> str:
        match expr:
            case t.Const(value=str(text)):
                return text
            case t.Text(parts=parts):
                return "".join(str(p.value) if isinstance(p, t.Const) else "x" for p in parts)
            case t.BinOp(left=left):
                return self._text(left, scope, depth)
            case t.Call(func=t.Name(id="text") | t.Attr(name="text"), args=[inner, *_]):
                return self._text(inner, scope, depth)
            case t.Name(id=name) if depth < 3:
                bound = self.code.find(name, scope)
                for binding in bound[1] if bound is not None else ():
                    if binding.kind == "value" and binding.part is not None and bound is not None:
                        if found := self._text(binding.part, bound[0], depth + 1):
                            return found
        return ""


_MODELS = {
    "model",
    "_model",
    "model_class",
    "entity",
    "model_type",
    "table",
    "document_class",
    "model_cls",
}


def _where(arg: t.Expr, text: str) -> list[t.Expr]:
    """The parameters that say which rows: `SET a = %s WHERE id = %s` takes its first for the row."""
    if not isinstance(arg, t.Seq) or not re.match(r"\s*update", text, re.I):
        return [arg]
    before = re.split(r"\bwhere\b", text, maxsplit=1, flags=re.I)[0]
    return arg.items[len(re.findall(r"%s|\?", before)) :]


def _starts_change(expr: t.Expr) -> bool:
    """`delete(Item).where(…)`."""
    while isinstance(expr, t.Call | t.Attr):
        if isinstance(expr, t.Call) and isinstance(expr.func, t.Name):
            return expr.func.id in ("delete", "update")
        expr = expr.func if isinstance(expr, t.Call) else expr.value
    return False


def _own_model(expr: t.Expr) -> bool:
    match expr:
        case t.Attr(name=name) | t.Name(id=name):
            return name in _MODELS or name in ("self", "cls")
    return False
