"""Classes that stand for MongoDB collections: of Beanie, MongoEngine, ODMantic, PyMODM and umongo.

Sources: Beanie, "Defining a document" (https://beanie-odm.dev/tutorial/defining-a-document/);
MongoEngine, "Document collections"
(https://docs.mongoengine.org/guide/defining-documents.html#document-collections); ODMantic, "Modeling"
(https://art049.github.io/odmantic/modeling/).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Container, Iterable, Iterator, Mapping

from auditor.extract.python import tree as t
from auditor.link.scopes import Binding, Located, Scope
from auditor.link.values import Evaluator
from auditor.model.values import Plain
from auditor.stores.flags import first_value, is_flag
from auditor.stores.sql.entities import snake

_LIBRARIES = {
    "Beanie": re.compile(
        r"^beanie\.(?:[\w.]+\.)?(?:Document\w*|View|UnionDoc)$|^bunnet\.Document$"
    ),
    "MongoEngine": re.compile(
        r"^(?:mongoengine|flask_mongoengine|mongoengine_goodjson)\b.*\.(?:Dynamic)?Document$"
    ),
    "umongo": re.compile(r"^umongo\.(?:[\w.]+\.)?Document$"),
    "PyMODM": re.compile(r"^pymodm\.(?:[\w.]+\.)?MongoModel$"),
    "ODMantic": re.compile(r"^odmantic\.(?:[\w.]+\.)?(?:Reactive)?Model$"),
}
_PLAIN_BASES = {
    "beanie.Document", "bunnet.Document", "odmantic.Model", "odmantic.EmbeddedModel", "pydantic.BaseModel",
    "typing.Generic", "typing.Protocol", "abc.ABC", "builtins.object",
}  # fmt: skip
_OF_ALL = {"id", "pk", "revision_id", "fields", "json", "dict", "copy", "schema", "count", "set", "state", "settings"}  # fmt: skip
"""Attributes that any class of documents has: its key and version, and methods that are called like fields."""
_STORED_AS = ("db_field", "key_name", "mongo_name")
_DEEPEST = 3
_CONTAINERS = ("Settings", "Collection", "Config", "Meta")


class Documents:
    """Tells which classes are documents, of which library and collection."""

    def __init__(self, values: Evaluator) -> None:
        self.values, self.code = values, values.code
        self._libraries: dict[int, str] = {}
        self._collections: dict[int, str] = {}

    def library(self, found: Located | None) -> str:
        """Beanie, MongoEngine, ODMantic, PyMODM or umongo for a document class; empty for others."""
        if found is None or not isinstance(found.node, t.Class):
            return ""
        key = id(found.node)
        if key not in self._libraries:
            ancestry = self.code.ancestry(found)
            self._libraries[key] = next(
                (
                    library
                    for library, pattern in _LIBRARIES.items()
                    if any(pattern.match(name) for name in ancestry)
                ),
                "",
            )
        return self._libraries[key]

    def is_base(self, name: str, library: str) -> bool:
        """Whether a name is that of the class from which the documents of a library derive."""
        return bool(_LIBRARIES[library].match(name))

    def below(self, found: Located) -> list[Located]:
        """The document classes that derive from a class; itself where none does."""
        name = self.code.own_name(found)
        heirs = [x for x in self.code.classes() if name in self.code.ancestry(x)[1:]]
        return [heir for heir in heirs if self.library(heir)] or [found]

    def all(self, library: str) -> Iterator[Located]:
        return (found for found in self.code.classes() if self.library(found) == library)

    def named(self, expr: t.Expr, scope: Scope) -> Located | None:
        """The document class that an expression names; the one `self.model` is bound to, too."""
        if not isinstance(expr, t.Name | t.Attr | t.Call):
            return None
        found = self.values.bound(expr, scope)
        return found if self.library(found) else None

    def starts(self, expr: t.Expr, scope: Scope, depth: int = 0) -> bool:
        """Whether a chain of calls starts from a class of documents: `Gift.objects.filter(…)`, also in a variable."""
        while isinstance(expr, t.Call | t.Attr | t.Item | t.Await):
            if isinstance(expr, t.Attr) and self.named(expr.value, scope) is not None:
                return True
            expr = expr.func if isinstance(expr, t.Call) else expr.value
        made = self.values.sources(expr, scope) if isinstance(expr, t.Name) and depth < 3 else []
        return any(
            isinstance(x.node, t.Call | t.Attr) and self.starts(x.node, x.scope, depth + 1)
            for x in made
        )

    def at_hand(
        self, expr: t.Expr, scope: Scope, library: str, single: Container[str], depth: int = 0
    ) -> set[str]:
        """The collections of the document that a variable holds: by its type, or by the search that found it, which
        ends with one of the calls that give a `single` one, here or in a function of the tree that gives it back."""
        own, around = self.named(expr, scope), scope.of_class
        itself = t.dotted(expr.func if isinstance(expr, t.Call) else expr) in ("self", "super")
        if itself and around is not None and around.parent:
            own = Located(around.owner, around.parent)  # type: ignore[arg-type]
        if own is not None and self.library(own) == library:
            return {self.collection(kind) for kind in self.below(own)}
        found = self.code.find(expr.id, scope) if isinstance(expr, t.Name) else None
        names: set[str] = set()
        if library == "Beanie" and found is not None and _is_search_by_then(expr, found[1], single):
            return names
        held = [(b.value, b.kind, found[0]) for b in found[1]] if found is not None else []
        if library != "Beanie" or isinstance(expr, t.Await):  # not awaited it is a search still
            held.append((expr, "value", scope))
        for made, kept, where in held:
            made = made.value if isinstance(made, t.Await) else made
            if isinstance(made, t.Call) and depth < _DEEPEST:
                for given, inner in self._given_back(made, where):
                    names |= self.at_hand(given, inner, library, single, depth + 1)
            called = isinstance(made, t.Call) and t.last_word(made.func) in single
            if kept != "element" and not called and not _is_first(made):
                continue
            while isinstance(made, t.Call | t.Attr | t.Item):
                if isinstance(made, t.Attr):
                    kind = self.named(made.value, where)
                    if kind is not None and self.library(kind) == library:
                        names.add(self.collection(kind))
                made = made.func if isinstance(made, t.Call) else made.value
        return names

    def _given_back(self, call: t.Call, scope: Scope) -> Iterator[tuple[t.Expr, Scope]]:
        """What a function of the tree gives back."""
        function = self.code.defined(call.func, scope)
        if function is not None and isinstance(function.node, t.Function):
            inner = self.code.inside(function)
            for node in t.walk_own(*function.node.body):
                if isinstance(node, t.Return) and node.value is not None:
                    yield node.value, inner

    def collection(self, found: Located) -> str:
        """The name of a document class's collection."""
        key = id(found.node)
        if key not in self._collections:
            self._collections[key] = self._collection(found)
        return self._collections[key]

    def _collection(self, found: Located) -> str:
        library = self.library(found)
        owner = found if library == "Beanie" else self._root(found, library)
        for each in self._lineage(owner):
            if name := self._declared(each, library):
                return name
        plain: str = owner.node.name  # type: ignore[attr-defined]
        if library == "Beanie":
            root = self._beanie_root(found)
            return self._declared(root, library) or root.node.name  # type: ignore[attr-defined]
        if library == "ODMantic":
            return snake(plain.removesuffix("Model") or plain)
        return re.sub(r"(?<!^)(?=[A-Z])", "_", plain).lower()

    def _lineage(self, found: Located) -> list[Located]:
        known = (self.code.definition(name) for name in self.code.ancestry(found))
        return [each for each in known if each is not None and isinstance(each.node, t.Class)]

    def _root(self, found: Located, library: str) -> Located:
        """The topmost document class that is not abstract: those below share its collection."""
        above = [each for each in self._lineage(found) if self.library(each) == library]
        stored = [each for each in above if not self._abstract(each)]
        return stored[-1] if stored and library in ("MongoEngine", "PyMODM") else found

    def _beanie_root(self, found: Located) -> Located:
        for each in self._lineage(found):
            if self.setting(each, "is_root") is True:
                return each
        return found

    def _abstract(self, found: Located) -> bool:
        return self.meta(found).get("abstract") is True

    def _declared(self, found: Located, library: str) -> str:
        if library == "MongoEngine":
            name = self.meta(found).get("collection")
            return name if isinstance(name, str) else ""
        for key in ("name", "collection", "collection_name"):
            if isinstance(name := self.setting(found, key), str):
                return name
        if library == "ODMantic":
            for value in self._assigned(found, "model_config"):
                given = getattr(self.values.value(value, self.code.inside(found)), "value", None)
                if isinstance(given, dict) and isinstance(given.get("collection"), str):
                    return str(given["collection"])
        return ""

    def setting(self, found: Located, key: str) -> object:
        """`key` of `class Settings`, with the value that stands there."""
        located = self.setting_expr(found, key)
        if located is None:
            return None
        return getattr(self.values.value(located.node, located.scope), "value", None)  # type: ignore[arg-type]

    def settings(self, found: Located, key: str) -> list[Located]:
        """What a class of Beanie gives an option, with `merge_indexes` also what each above it gives."""
        merged = key == "indexes" and self.setting(found, "merge_indexes") is True
        each = self._lineage(found) if merged else [found]
        return [given for kind in each if (given := self.setting_expr(kind, key)) is not None]

    def setting_expr(self, found: Located, key: str) -> Located | None:
        """What `class Settings` of a class, or of what it inherits, gives an option."""
        for stmt in found.node.body:  # type: ignore[attr-defined]
            if isinstance(stmt, t.Class) and stmt.name in _CONTAINERS:
                own = Located(stmt, self.code.inside(found))
                for each in [own, *self._lineage(own)[1:]]:
                    inner = self.code.inside(each)
                    for assign in each.node.body:  # type: ignore[attr-defined]
                        match assign:
                            case t.Assign(targets=[t.Name(id=name)], value=value) if (
                                name == key and value is not None
                            ):
                                return Located(value, inner)
        return None

    def meta(self, found: Located) -> dict[str, object]:
        """MongoEngine's `meta`, as far as its values stand in the code."""
        told: dict[str, object] = {}
        for value in self._assigned(found, "meta"):
            if isinstance(value, t.Map):
                for key, given in zip(value.keys, value.values, strict=True):
                    name = self.values.text(key, self.code.inside(found)) if key else None
                    if name:
                        worth = self.values.value(given, self.code.inside(found))
                        told[name] = getattr(worth, "value", None)
        return told

    def meta_expr(self, found: Located, key: str) -> Located | None:
        inner = self.code.inside(found)
        for value in self._assigned(found, "meta"):
            if isinstance(value, t.Map):
                for name, given in zip(value.keys, value.values, strict=True):
                    if name is not None and self.values.text(name, inner) == key:
                        return Located(given, inner)
        return None

    def _assigned(self, found: Located, name: str) -> list[t.Expr]:
        return [
            stmt.value
            for stmt in found.node.body  # type: ignore[attr-defined]
            if isinstance(stmt, t.Assign) and stmt.value is not None
            for target in stmt.targets
            if isinstance(target, t.Name) and target.id == name
        ]

    # --- fields

    def fields(self, found: Located) -> Iterator[tuple[str, t.Assign, Scope]]:
        """(attribute, its statement, scope) of every field, those of bases included."""
        seen: set[str] = set()
        for each in self._lineage(found):
            for stmt in each.node.body:  # type: ignore[attr-defined]
                match stmt:
                    case t.Assign(targets=[t.Name(id=name)]) if name not in seen:
                        seen.add(name)
                        yield name, stmt, self.code.inside(each)

    def lacks(self, found: Located, name: str) -> bool:
        """Whether a class of Beanie or ODMantic surely has no such attribute: to name it then raises."""
        if name.startswith(("_", "model_")) or name in _OF_ALL or name in self.code.set_attributes:
            return False
        for base in self.code.ancestry(found):
            kind = self.code.definition(base)
            if kind is None:
                if base not in _PLAIN_BASES:
                    return False  # its fields are not in this tree
                continue
            node = kind.node
            if not isinstance(node, t.Class) or node.keywords or node.decorators:
                return False
            if name in self.code.inside(kind).bindings:
                return False
        return True

    def stored(self, found: Located, attribute: str) -> str:
        """The name under which a field is stored: `id` is `_id`, others as `db_field` or alias say."""
        if attribute in ("id", "pk"):
            return "_id"
        return self._aliases(id(found.node), found).get(attribute, attribute)

    def links(self, found: Located, attribute: str) -> bool:
        """Whether a field is a `Link` to another document, stored by its key."""
        return any(
            isinstance(node, t.Name) and node.id in ("Link", "BackLink")
            for name, stmt, _ in self.fields(found)
            if name == attribute and stmt.annotation is not None
            for node in t.walk_own(stmt.annotation)
        )

    def flags(self, found: Located | None) -> Mapping[str, tuple[Plain, ...]]:
        """The stored names of the fields that take one of two values, with that of new records if it is told."""
        return self._flags(id(found.node), found) if found is not None else {}

    @functools.cache  # noqa: B019 - one Documents lives as long as the audit
    def _flags(self, key: int, found: Located) -> Mapping[str, tuple[Plain, ...]]:
        return {
            self.stored(found, name): first_value(self.values, stmt.value, scope)
            for name, stmt, scope in self.fields(found)
            if is_flag(self.values, stmt, scope)
        }

    def declares(self, found: Located) -> bool:
        """Whether a class names its collection itself, and did not inherit the name."""
        return bool(self._declared(found, self.library(found)))

    @functools.cache  # noqa: B019 - one Documents lives as long as the audit
    def _aliases(self, key: int, found: Located) -> dict[str, str]:
        names: dict[str, str] = {}
        spelt = ("attribute",) if self.library(found) == "umongo" else _STORED_AS
        for name, stmt, scope in self.fields(found):
            for call in (stmt.value, stmt.annotation):
                for node in t.walk_own(call) if call is not None else ():
                    if isinstance(node, t.Call):
                        for keyword in node.keywords:
                            if keyword.name in spelt:
                                if text := self.values.text(keyword.value, scope):
                                    names[name] = text
                            elif keyword.name == "primary_key" or keyword.name == "primary_field":
                                if getattr(keyword.value, "value", None) is True:
                                    names[name] = "_id"
        return names


@functools.lru_cache(maxsize=8)
def documents_of(values: Evaluator) -> Documents:
    """The document classes of an evaluator's code, found once."""
    return Documents(values)


def _is_first(expr: t.Node | None) -> bool:
    """`Lead.objects(…)[0]`: one of what is found."""
    return isinstance(expr, t.Item) and isinstance(expr.index, t.Const) and isinstance(expr.index.value, int)  # fmt: skip


def _is_search_by_then(name: t.Expr, bindings: Iterable[Binding], single: Container[str]) -> bool:
    """Whether a variable was given last what is not awaited: `found = Lead.find_one(…)` is a search still."""
    before = [
        b
        for b in bindings
        if b.kind == "value"
        and b.node.line <= name.line
        and not any(node is name for node in t.walk_own(b.node))
    ]
    given = max(before, key=lambda b: b.node.line).value if before else None
    return isinstance(given, t.Call) and t.last_word(given.func) in single
