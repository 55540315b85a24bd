"""Which document classes a variable or parameter may stand for: `kind = Lead if new else Order`, `kind: type[Base]`.

What is given counts: by callers, in a dict or list of classes. Where nothing tells that, the annotation does:
the classes of documents that it names, or those below them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from auditor.extract.python import tree as t
from auditor.link.origins import Env
from auditor.link.scopes import Binding, Located, Scope
from auditor.model.data import Query
from auditor.stores.mongo.documents import Documents

_MOST = 16
_MAX_DEPTH = 4
_TYPE = {"type", "Type"}


def ways(documents: Documents, expr: t.Expr, scope: Scope, library: str = "") -> list[Env]:
    """What to bind a name to, once for each class (of a library) that it may stand for; a single empty one
    where it names a class itself, or none."""
    found = documents.code.find(expr.id, scope) if isinstance(expr, t.Name) else None
    if found is None or not isinstance(expr, t.Name):
        return [{}]
    if documents.values.bound_class(expr, scope) is not None or _is_told(found[1]):
        return [{}]
    kinds = _kinds(documents, expr, scope, library)
    return [{(id(found[0]), expr.id): kind} for kind in kinds[:_MOST]] or [{}]


def asked_of_each(
    documents: Documents,
    expr: t.Expr,
    scope: Scope,
    library: str,
    ask: Callable[[], Iterable[Query]],
) -> Iterator[Query]:
    """What is asked of each class that a name may stand for."""
    for way in ways(documents, expr, scope, library):
        with documents.values.within(way):
            found = list(ask())
        yield from found


def is_typed(documents: Documents, expr: t.Expr, scope: Scope, library: str) -> bool:
    """Whether a parameter or attribute is annotated as a class of documents, whichever."""
    return any(
        documents.library(named) == library or documents.is_base(name, library)
        for name, named in _annotated(documents, expr, scope)
    )


def _is_told(bindings: list[Binding]) -> bool:
    return all(binding.kind in ("definition", "import") for binding in bindings)


def _kinds(documents: Documents, expr: t.Expr, scope: Scope, library: str) -> list[Located]:
    given = _given(documents, expr, scope, 0)
    named = given or [
        below
        for _, kind in _annotated(documents, expr, scope)
        if kind is not None
        for below in documents.below(kind)
    ]
    distinct = {id(kind.node): kind for kind in named if documents.library(kind)}
    return [x for x in distinct.values() if not library or documents.library(x) == library]


def _given(documents: Documents, expr: t.Expr, scope: Scope, depth: int) -> list[Located]:
    """The classes that a variable is made of, or that callers pass."""
    values = documents.values
    found: list[Located] = []
    for source in values.sources(expr, scope) if depth < _MAX_DEPTH else ():
        match source.node:
            case t.Name() | t.Attr() as spelt:
                kind = documents.code.definition(documents.code.name(spelt, source.scope))
                if kind is not None and isinstance(kind.node, t.Class):
                    found.append(kind)
                elif isinstance(spelt, t.Name) and (
                    held := documents.code.find(spelt.id, source.scope)
                ):
                    for binding in held[1]:
                        found += _looped(documents, binding, held[0], depth)
            case t.Class():
                found.append(source)
            case t.Item(value=base) | t.Call(func=t.Attr(value=base, name="get")):
                found += _held(documents, base, source.scope, depth)
            case t.BoolOp(values=parts):
                for part in parts:
                    found += _given(documents, part, source.scope, depth + 1)
    return found


def _looped(documents: Documents, binding: Binding, scope: Scope, depth: int) -> Iterator[Located]:
    """`for name, kind in KINDS.items()`."""
    match binding.kind, binding.value:
        case "element", t.Call(func=t.Attr(value=base, name="items" | "values")):
            yield from _held(documents, base, scope, depth)


def _held(documents: Documents, base: t.Expr, scope: Scope, depth: int) -> Iterator[Located]:
    """The classes that a dict holds."""
    for source in documents.values.sources(base, scope):
        for value in source.node.values if isinstance(source.node, t.Map) else ():
            yield from _given(documents, value, source.scope, depth + 1)


def _annotated(
    documents: Documents, expr: t.Expr, scope: Scope
) -> Iterator[tuple[str, Located | None]]:
    """The classes that an annotation names: `type[Lead]`, `Type[T]` of a variable `T` with a bound."""
    for annotation, outer in _annotations(documents, expr, scope):
        for node in t.walk_own(annotation):
            if isinstance(node, t.Item) and t.last_word(node.value) in _TYPE:
                for each in t.walk_own(node.index):
                    if isinstance(each, t.Name | t.Attr):
                        yield from _bounds(documents, each, outer)


def _annotations(
    documents: Documents, expr: t.Expr, scope: Scope
) -> Iterator[tuple[t.Expr, Scope]]:
    """Those of a parameter, and of an attribute of `self`."""
    match expr:
        case t.Name(id=name) if (found := documents.code.find(name, scope)) is not None:
            for binding in found[1]:
                if isinstance(binding.node, t.Param) and binding.node.annotation is not None:
                    yield binding.node.annotation, found[0].parent or found[0]
        case t.Attr(value=t.Name(id="self" | "cls"), name=name) if around := scope.of_class:
            assert isinstance(around.owner, t.Class)
            for stmt in around.owner.body:
                match stmt:
                    case t.Assign(targets=[t.Name(id=field)], annotation=annotation) if (
                        field == name
                    ):
                        if annotation is not None:
                            yield annotation, around
            for origin in documents.code.attributes(
                Located(around.owner, around.parent or around)
            ).get(name, ()):
                if isinstance(origin.node, t.Name):
                    yield from _annotations(documents, origin.node, origin.scope)


def _bounds(
    documents: Documents, spelt: t.Name | t.Attr, scope: Scope
) -> Iterator[tuple[str, Located | None]]:
    name = documents.code.name(spelt, scope)
    yield name, documents.code.definition(name)
    for origin in documents.values.origins(spelt, scope):
        match origin.node:
            case t.Call(func=func, args=[_, *several], keywords=keywords) if (
                t.last_word(func) == "TypeVar"
            ):
                for each in (*several, *(k.value for k in keywords if k.name == "bound")):
                    name = documents.code.name(each, origin.scope)
                    yield name, documents.code.definition(name)
