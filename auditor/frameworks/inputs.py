"""What enters a route, and whether anything looks at it first (CWE-20, CWE-943, CWE-915)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.flow import validated_fields
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope, argument, place_of
from auditor.model.web import Intake, Parameter, Route

_UNTYPED = {
    "builtins.dict",
    "typing.Dict",
    "typing.Any",
    "builtins.list",
    "typing.List",
    "builtins.object",
}
_MODELS = {"pydantic.BaseModel", "pydantic.main.BaseModel", "sqlmodel.SQLModel", "beanie.Document"}
_BOUNDS = {
    "min_length", "max_length", "pattern", "regex", "ge", "gt", "le", "lt", "multiple_of",
    "max_items", "min_items", "max_digits",
}  # fmt: skip
_FREE_TEXT = {"builtins.str"}


@provides(Intake)
def intakes(application: Application) -> Iterator[Intake]:
    for route in application.facts(Route):
        if route.function is None:
            continue
        yield from _untyped(application.code, route)
        yield from _raw(application.code, route, route.function)
        yield from _unbounded(application, route)


def _untyped(code: Code, route: Route) -> Iterator[Intake]:
    for parameter in route.parameters:
        untyped = parameter.type in _UNTYPED or not parameter.type
        if parameter.source == "body" and untyped and not _elements(code, route, parameter):
            spelt = parameter.type.rpartition(".")[2] or "an untyped value"
            message = f"{route.name} takes `{parameter.name}` as {spelt}: any content is accepted"
            yield Intake(route, parameter.place, "untyped", message)


def _elements(code: Code, route: Route, parameter: Parameter) -> bool:
    """Whether `list[Lead]` or `dict[str, int]` tells the type of what it holds."""
    assert route.function is not None
    for param in route.function.node.params:  # type: ignore[attr-defined]
        if param.name == parameter.name and param.line == parameter.place.line:
            match param.annotation:
                case t.Item(index=t.Seq(items=[*_, element])) | t.Item(index=element):
                    name = code.name(element, route.function.scope)
                    return bool(name) and name not in _UNTYPED
    return False


def _raw(code: Code, route: Route, function: Located) -> Iterator[Intake]:
    """`await request.json()` whose result no model validates."""
    inner = code.inside(function)
    body = function.node.body  # type: ignore[attr-defined]
    validated = any(
        (
            isinstance(n, t.Call)
            and t.dotted(n.func).endswith((".model_validate", ".parse_obj", ".validate"))
        )
        or (
            isinstance(n, t.Call)
            and any(k.name is None for k in n.keywords)
            and _is_model(code, n, inner)
        )
        for n in t.walk_own(*body)
    )
    if validated:
        return
    for node in t.walk_own(*body):
        if isinstance(node, t.Call) and isinstance(node.func, t.Attr):
            if re.search(r"\.(?:Request|HTTPConnection)\(\)\.json$", code.name(node.func, inner)):
                message = f"{route.name} reads the raw JSON body; nothing validates it"
                yield Intake(route, place_of(Located(node, inner)), "raw", message)
                return


def _is_model(code: Code, call: t.Call, scope: Scope) -> bool:
    found = code.defined(call.func, scope)
    return found is not None and isinstance(found.node, t.Class) and is_model(code, found)


def is_model(code: Code, found: Located) -> bool:
    """Whether a class of the tree is one that validates its fields."""
    return isinstance(found.node, t.Class) and bool(_MODELS.intersection(code.ancestry(found)))


def _unbounded(application: Application, route: Route) -> Iterator[Intake]:
    """Models whose text fields have no greatest length: any amount is stored."""
    for parameter in route.parameters:
        if parameter.source == "body" and parameter.model is not None:
            free = free_fields(application, parameter.model)
            if free:
                name = parameter.model.node.name  # type: ignore[attr-defined]
                listed = ", ".join(free[:3]) + (
                    f" and {len(free) - 3} more" if len(free) > 3 else ""
                )
                message = f"{name}: text of any length is accepted ({listed})"
                yield Intake(route, place_of(parameter.model, name), "unbounded", message)
        elif _free_text(parameter):
            message = f"{route.name}: `{parameter.name}` accepts text of any length"
            yield Intake(route, parameter.place, "unbounded", message)


def _free_text(parameter: Parameter) -> bool:
    return (
        parameter.source in ("query", "form")
        and parameter.type in _FREE_TEXT
        and not parameter.constrained
    )


def declared_fields(code: Code, model: Located) -> set[str]:
    """The fields of a class, inherited ones included."""
    owners = (code.definition(name) for name in code.ancestry(model))
    return {
        stmt.targets[0].id
        for owner in owners
        if owner is not None and isinstance(owner.node, t.Class)
        for stmt in owner.node.body
        if isinstance(stmt, t.Assign) and isinstance(stmt.targets[0], t.Name)
    }


def free_fields(application: Application, model: Located) -> list[str]:
    """The fields of a model that take text without a bound, inherited ones included."""
    code, values = application.code, application.values
    found: dict[str, bool] = {}
    for ancestor in reversed(code.ancestry(model)):
        definition = code.definition(ancestor)
        if definition is None or not isinstance(definition.node, t.Class):
            continue
        inner = code.inside(definition)
        if _strips_length(application, definition):
            return []
        for stmt in definition.node.body:
            match stmt:
                case t.Assign(targets=[t.Name(id=name)], annotation=annotation) if (
                    annotation is not None
                ):
                    found[name] = _takes_any_text(values, annotation, stmt.value, inner)
        validated = validated_fields(definition.node)
        for name in found:
            if name in validated:
                found[name] = False
    return [name for name, free in found.items() if free]


def _strips_length(application: Application, found: Located) -> bool:
    """`model_config = ConfigDict(str_max_length=…)` bounds every text field."""
    return any(
        isinstance(node, t.Call) and argument(node, None, "str_max_length") is not None
        for node in t.walk_own(*found.node.body)  # type: ignore[attr-defined]
    )


def _takes_any_text(
    values: object, annotation: t.Expr, default: t.Expr | None, scope: Scope
) -> bool:
    code: Code = values.code  # type: ignore[attr-defined]
    declared = [annotation, *([default] if default is not None else [])]
    for source in [s for d in declared for s in values.sources(d, scope)]:  # type: ignore[attr-defined]
        for node in t.walk_own(source.node):
            if isinstance(node, t.Call) and any(k.name in _BOUNDS for k in node.keywords):
                return False
    match annotation:
        case t.Item(index=t.Seq(items=[first, *_])) if t.dotted(annotation.value).endswith(
            "Annotated"
        ):
            annotation = first
        case t.Item(index=index) if t.dotted(annotation.value).endswith("Optional"):
            annotation = index
        case t.BinOp(op="|", left=left):
            annotation = left
    return code.name(annotation, scope) in _FREE_TEXT
