"""Relations that are read while records are written out: a query for each record (N+1), unless they
were loaded with the list.

A serializer of Django REST Framework, a schema of marshmallow and a response model of FastAPI name
what is written of a record; what they name of other tables is asked for when it is written.

Sources: https://www.django-rest-framework.org/api-guide/relations/,
https://marshmallow.readthedocs.io/en/stable/nesting.html,
https://fastapi.tiangolo.com/tutorial/response-model/.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Located, Scope, argument, place_of
from auditor.model.data import Bound
from auditor.model.places import Place
from auditor.stores.sql.conditions import Draft
from auditor.stores.sql.entities import Entity, last_name
from auditor.stores.sql.reading.frames import Frame, Reading, reads_calls
from auditor.stores.sql.reading.things import (
    ALL,
    Chosen,
    Row,
    Rows,
    Thing,
    Written,
    each,
    either,
    executed,
)

_METHODS = {"get", "post", "put", "patch", "delete", "api_route", "route"}
_MAX_DEPTH = 5


class Part(msgspec.Struct, frozen=True):
    """What is written of a record: the attributes on the way, and how what is there is written.

    `whole` when the object at the end is read itself, where a key alone needs no query.
    """

    path: tuple[str, ...]
    node: t.Node
    whole: bool = True
    inner: Located | None = None
    chosen: Chosen = ALL
    method: Located | None = None


def kind_of(reading: Reading, found: Located) -> str:
    """ "rest", "marshmallow" or "pydantic", by what a class inherits from; empty for others."""
    assert isinstance(found.node, t.Class)
    if not found.node.bases:
        return ""
    for name in reading.code.ancestry(found)[1:]:
        if reading.code.definition(name) is not None:
            continue  # of the tree, whatever it is called: its own bases follow
        if name.startswith("rest_framework") and "erializer" in name:
            return "rest"
        if (
            name.endswith(("Serializer", "SerializerMixin"))
            and name.partition(".")[0] in _SERIALIZERS
        ):
            return "rest"
        if name.startswith(("marshmallow", "flask_marshmallow", "ma.")) or name.endswith("Schema"):
            return "marshmallow" if "chema" in name else ""
        if name.startswith(("pydantic.", "sqlmodel.")):
            return "pydantic"
    return ""


_SERIALIZERS = {
    "drf_writable_nested",
    "rest_polymorphic",
    "dynamic_rest",
    "rest_flex_fields",
    "taggit",
    "djoser",
}


@reads_calls
def serializes(
    reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame
) -> tuple[Thing | None, bool]:
    """`ItemSerializer(items, many=True)`, `items_schema.dump(items)`."""
    if base is not None or not call.args:
        return None, False
    func, found, ways = call.func, None, {ALL}
    if last in ("dump", "jsonify") and isinstance(func, t.Attr):
        name = reading.code.name(func.value, frame.scope)
        if name.endswith("()"):
            found = reading.code.definition(name[:-2])
            ways = {
                _chosen(reading, source.node, source.scope)
                for source in reading.values.sources(func.value, frame.scope)
                if isinstance(source.node, t.Call)
            } or ways
    elif last.endswith("Serializer") and isinstance(func, t.Name | t.Attr):
        found = reading.code.defined(func, frame.scope)
    if found is None or not isinstance(found.node, t.Class):
        return None, False
    if kind_of(reading, found) not in ("rest", "marshmallow"):
        return None, False
    many = _is(argument(call, None, "many"), True)
    for arg in (*call.args, *(k.value for k in call.keywords)):
        given = reading.thing(arg, frame)
        if arg is call.args[0]:
            if many:  # it asks a manager for all: `ItemSerializer(cart.items, many=True)`
                given = either([replace(x, manager=False) if isinstance(x, Draft) and "prefetched" not in x.eager else x for x in each(given)])  # fmt: skip
            for use in written(reading, found, given, reading.place(call, frame), frame):
                reading.written += [replace(use, chosen=chosen) for chosen in ways]
    return None, True


def written(
    reading: Reading, found: Located, given: Thing | None, place: Place, frame: Frame
) -> Iterator[Written]:
    for one in each(given):
        if isinstance(one, Row):
            yield Written(found, one)
        elif (rows := reading.rows(one, frame)) is not None:
            yield Written(found, Row(rows.entity, rows.draft, place))


def read(reading: Reading) -> None:
    """Records the queries of all that is written out."""
    _responses(reading)
    done: set[tuple[int, str, frozenset[str], frozenset[str], Place | None, Chosen]] = set()
    handed = _handed_on(reading)
    for use in reading.written:
        if use.found.node.name in handed:  # type: ignore[attr-defined]
            use = replace(use, chosen=ALL)
        draft, none = use.row.draft, frozenset[str]()
        eager, left = (draft.eager, draft.left) if draft is not None else (none, none)
        key = (id(use.found.node), use.row.entity.name, eager, left, use.row.loop, use.chosen)
        if key not in done:
            done.add(key)
            _write(reading, use.found, use.row, use.chosen, 0)


def _handed_on(reading: Reading) -> set[str]:
    """The schemas that are handed to a function, `results(NoteSchema, note)`, which may write out all that they have."""
    return {
        t.last_word(arg)
        for site in reading.code.all_calls()
        if reading.written and t.last_word(site.node.func) not in _NESTING
        for arg in site.node.args
        if isinstance(arg, t.Name | t.Attr)
    }


def _responses(reading: Reading) -> None:
    """What FastAPI's routes return, by the models of their responses.

    An asynchronous session refuses to load anything late, hence a tree that uses one loads it before.
    """
    code = reading.code
    if not code.imports("fastapi") or not reading.has("sqlalchemy"):
        return
    if any(
        (s.module or n).endswith("ext.asyncio")
        for s, _ in code.of_kind(t.Import)
        for n, _ in s.names
    ):
        return
    for function in code.functions():
        node = function.node
        assert isinstance(node, t.Function)
        if not node.decorators or (given := reading.given(function)) is None:
            continue
        for decorator in node.decorators:
            if not isinstance(decorator, t.Call) or last_name(decorator.func) not in _METHODS:
                continue
            model = argument(decorator, None, "response_model") or node.returns
            if model is None:
                continue
            place = place_of(Located(decorator, function.scope), node.name)
            frame = Frame(code.inside(function))
            for found in _classes(reading, model, function.scope):
                reading.written += written(reading, found, given, place, frame)


def _classes(reading: Reading, annotation: t.Expr, scope: Scope) -> Iterator[Located]:
    """The response models that an annotation names: `list[ItemOut]`, `Page[ItemOut] | None`."""
    for node in t.walk_own(annotation):
        if isinstance(node, t.Name | t.Attr):
            found = reading.code.defined(node, scope)
            if found is not None and isinstance(found.node, t.Class):
                if reading.entities.by_name.get(reading.code.own_name(found)) is None:
                    if kind_of(reading, found) == "pydantic":
                        yield found


def _write(reading: Reading, found: Located, row: Row, chosen: Chosen, depth: int) -> None:
    for part in parts(reading, found, row.entity, chosen):
        if part.method is not None:
            method = part.method.node
            assert isinstance(method, t.Function)
            if row.loop is not None:
                reading.looped.setdefault(id(method), row.loop)
            if len(method.params) > 1:
                reading.run(part.method, {method.params[1].name: row}, 1)
            continue
        frame = Frame(reading.code.inside(found))
        here: Thing | None = row
        walked = part.path if part.whole else part.path[:-1]
        for name in walked:
            here = _step(reading, here, name, part.node, frame) if isinstance(here, Row) else None
        if isinstance(here, Row) and part.inner is not None and depth < _MAX_DEPTH:
            _write(reading, part.inner, here, part.chosen, depth + 1)


def _step(reading: Reading, row: Row, name: str, node: t.Node, frame: Frame) -> Row | None:
    """The object, or one of the objects, that an attribute of a record gives."""
    if name not in row.entity.relations:
        return None
    obj = t.Name(node.line, node.column, node.end_line, "self")
    at = t.Attr(node.line, node.column, node.end_line, obj, name)
    eager = row.draft.eager if row.draft is not None else frozenset()
    below = frozenset(x.partition("__")[2] for x in eager if x.startswith(f"{name}__"))
    for given in each(reading.attribute(at, row, frame)):
        match given:
            case Row():
                return given
            case Draft(entity=Entity() as entity):  # a manager of Django
                if "prefetched" not in given.eager:
                    reading.record(executed(given, operation="lazy", bound=Bound.NONE))
                loop = row.loop or place_of(Located(node, frame.scope), frame.scope.qualname)
                return Row(entity, replace(given, eager=below), loop)
            case Rows(entity=entity, draft=draft):
                loop = row.loop or place_of(Located(node, frame.scope), frame.scope.qualname)
                inner = replace(draft, eager=below) if draft is not None else None
                return Row(entity, inner, loop)
    return None


# --- what is written of a record


def parts(reading: Reading, found: Located, entity: Entity, chosen: Chosen = ALL) -> Iterator[Part]:
    kind = kind_of(reading, found)
    if kind == "pydantic":
        yield from _of_model(reading, found, entity)
        return
    listed, every = _listed(reading, found, "fields")
    left = _listed(reading, found, "exclude")[0] if kind == "marshmallow" else frozenset()
    seen: set[str] = set()
    for name, call, scope in _fields(reading, found):
        if name in seen:
            continue
        seen.add(name)
        if listed and name not in listed and not every:
            continue
        if name in left or not chosen.has(name):
            continue
        part = _of_field(reading, found, name, call, scope)
        if part is not None:
            yield replace(part, chosen=part.chosen.also(chosen.below(name)))
    if kind == "rest":
        assert isinstance(found.node, t.Class)
        for name in listed - seen:  # keys of many others, by default
            relation = entity.relations.get(name)
            if relation is not None and relation.many:
                yield Part((name,), found.node)


def _fields(reading: Reading, found: Located) -> Iterator[tuple[str, t.Call, Scope]]:
    """The fields that a serializer or schema, and those that it extends, declare."""
    for name in reading.code.ancestry(found):
        owner = reading.code.definition(name)
        if owner is not None and isinstance(owner.node, t.Class):
            inner = reading.code.inside(owner)
            for stmt in owner.node.body:
                match stmt:
                    case t.Assign(targets=[t.Name(id=field)], value=t.Call() as call):
                        yield field, call, inner


def _listed(reading: Reading, found: Located, attribute: str) -> tuple[frozenset[str], bool]:
    """`Meta.fields`, and whether they are all; `Meta.exclude`."""
    for name in reading.code.ancestry(found):
        owner = reading.code.definition(name)
        if owner is None or not isinstance(owner.node, t.Class):
            continue
        for stmt in owner.node.body:
            if isinstance(stmt, t.Class) and stmt.name == "Meta":
                meta = Located(stmt, reading.code.inside(owner))
                for given in reading.values.attribute(meta, attribute)[:1]:
                    if (names := _names(reading, given.node, given.scope)) is not None:  # type: ignore[arg-type]
                        return names, False
                return frozenset(), True
    return frozenset(), True


def _names(reading: Reading, expr: t.Expr | None, scope: Scope) -> frozenset[str] | None:
    """The names that a list of the code has; None where that cannot be told."""
    worth = getattr(reading.values.value(expr, scope), "value", None) if expr is not None else None
    if not isinstance(worth, list | tuple | set):
        return None
    return frozenset(x for x in worth if isinstance(x, str))


def _chosen(reading: Reading, call: t.Call, scope: Scope) -> Chosen:
    """`NoteSchema(only=["id"])`, `fields.Nested(NoteSchema, exclude=("writer",))`."""
    without = _names(reading, argument(call, None, "exclude"), scope) or frozenset()
    return Chosen(_names(reading, argument(call, None, "only"), scope), without)


def _of_field(
    reading: Reading, found: Located, name: str, call: t.Call, scope: Scope
) -> Part | None:
    last = last_name(call.func)
    told = {k.name: k.value for k in call.keywords if k.name}
    if _is(told.get("write_only"), True) or _is(told.get("load_only"), True):
        return None
    if last == "SerializerMethodField" or (last == "Method" and call.args):
        given = argument(call, 0, "method_name")
        called = reading.values.text(given, scope) if given is not None else None
        for owner in reading.code.ancestry(found):
            method = reading.code.definition(f"{owner}.{called or f'get_{name}'}")
            if method is not None and isinstance(method.node, t.Function):
                return Part((), call, method=method)
        return None
    source = reading.values.text(told.get("source") or told.get("attribute"), scope) or name
    path = tuple(source.split("."))
    if source == "*":
        return None
    inner = _nested(reading, call, scope)
    if inner is not None:
        return Part(path, call, inner=inner[0], chosen=inner[1])
    if last in ("StringRelatedField", "SlugRelatedField", "Pluck"):
        return Part(path, call)
    if last in ("PrimaryKeyRelatedField", "HyperlinkedRelatedField", "ManyRelatedField"):
        return Part(path, call, whole=_is(told.get("many"), True))
    return Part(path, call, whole=False) if len(path) > 1 else None


_NESTING = {"Nested", "List", "Pluck", "ListSerializer"}


def _nested(reading: Reading, call: t.Call, scope: Scope) -> tuple[Located, Chosen] | None:
    """The serializer of a nested field, and what it writes: `UserSerializer()`, `fields.Nested(UserSchema)`."""
    exprs: list[t.Expr] = [call.func]
    if last_name(call.func) in _NESTING:
        exprs += [
            *call.args[:1],
            *(k.value for k in call.keywords if k.name in ("nested", "child")),
        ]
    for expr in exprs:
        chosen = _chosen(reading, call, scope)
        if isinstance(expr, t.Lambda):
            expr = expr.body
        while isinstance(expr, t.Call):
            if expr is not call and last_name(expr.func) == "Nested":
                return _nested(reading, expr, scope)
            chosen = chosen.also(_chosen(reading, expr, scope))
            expr = expr.func
        found = None
        if isinstance(expr, t.Name | t.Attr):
            found = reading.code.defined(expr, scope)
        elif isinstance(expr, t.Const) and isinstance(expr.value, str):
            found = _called(reading, expr.value.rpartition(".")[2])
        if found is not None and isinstance(found.node, t.Class):
            if kind_of(reading, found) in ("rest", "marshmallow"):
                return found, chosen
    return None


def _called(reading: Reading, name: str) -> Located | None:
    """The only class of the tree that has this name."""
    found = [c for c in reading.code.classes() if c.node.name == name]  # type: ignore[attr-defined]
    return found[0] if len(found) == 1 else None


def _of_model(reading: Reading, found: Located, entity: Entity) -> Iterator[Part]:
    """The fields of a pydantic model that the stored class has as relations."""
    seen: set[str] = set()
    for name in reading.code.ancestry(found):
        owner = reading.code.definition(name)
        if owner is None or not isinstance(owner.node, t.Class):
            continue
        for stmt in owner.node.body:
            match stmt:
                case t.Assign(targets=[t.Name(id=field)], annotation=t.Node() as annotation):
                    if field in entity.relations and field not in seen:
                        seen.add(field)
                        scope = reading.code.inside(owner)
                        inner = next(_classes(reading, annotation, scope), None)
                        yield Part((field,), stmt, inner=inner)


def _is(expr: t.Expr | None, value: object) -> bool:
    return isinstance(expr, t.Const) and expr.value is value
