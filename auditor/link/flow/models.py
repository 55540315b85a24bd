"""What a validated value of a declared type may still hold."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from auditor.extract.python import tree as t
from auditor.link.flow.taint import Form, Source, Taint, join, join_all
from auditor.link.scopes import Located, Scope

if TYPE_CHECKING:
    from auditor.link.flow.engine import Flow


class Models:
    """The fields of validating classes."""

    def __init__(self, flow: Flow) -> None:
        self.flow, self.code = flow, flow.code
        self._open: dict[str, bool] = {}

    def member(self, model: str, name: str, source: Source, depth: int = 0) -> Taint | None:
        """The value of a field of a validating class, by its declared type."""
        found = self.code.definition(model)
        if found is None or depth > 4:
            return None
        for ancestor in self.code.ancestry(found):
            owner = self.code.definition(ancestor)
            if owner is None or not isinstance(owner.node, t.Class):
                continue
            inner = self.code.inside(owner)
            if name in validated_fields(owner.node) and not self._lets_pass(owner, name):
                return None
            for stmt in owner.node.body:
                match stmt:
                    case t.Assign(targets=[t.Name(id=target)], annotation=declared) if (
                        target == name and declared is not None
                    ):
                        if patterned(stmt.value) or patterned(declared):
                            return None
                        return self.typed(declared, inner, source.at(name))
        return None

    def _lets_pass(self, owner: Located, name: str) -> bool:
        """Whether the validators of a field only look at its length, case or scheme."""
        assert isinstance(owner.node, t.Class)
        own = [f for f in owner.node.body if isinstance(f, t.Function) and _is_about(f, name)]
        if not own or len(own) != _mentions(owner.node, name):
            return False
        inner = self.code.inside(owner)
        for function in own:
            if len(function.params) < 2 or not all(
                t.last_word(node.func) in _TRIVIAL
                for node in t.walk_own(*function.body)
                if isinstance(node, t.Call)
            ):
                return False
            given = {function.params[1].name: Taint(Source("given", function.params[1].name))}
            if self.flow.summary(Located(function, inner), given).returns is None:
                return False
        return True

    def takes_more(self, model: str) -> bool:
        """Whether a validating class keeps fields that it does not declare: `extra="allow"`."""
        found = self.code.definition(model)
        if found is None or model in self._open:
            return self._open.get(model, False)
        self._open[model] = any(
            definition is not None
            and isinstance(definition.node, t.Class)
            and _allows_more(definition.node)
            for definition in map(self.code.definition, self.code.ancestry(found))
        )
        return self._open[model]

    def typed(
        self, annotation: t.Expr, scope: Scope, source: Source, depth: int = 0
    ) -> Taint | None:
        """What a validated value of this declared type may still hold; None for narrow types."""
        if depth > 6:
            return None
        match annotation:
            case t.Item(value=base, index=index):
                parts = index.items if isinstance(index, t.Seq) else [index]
                last = t.dotted(base).rpartition(".")[2]
                if last == "Literal":
                    return None
                if last == "Annotated":
                    if any(patterned(part) for part in parts[1:]):
                        return None
                    return self.typed(parts[0], scope, source, depth + 1) if parts else None
                if last in ("Dict", "dict", "Mapping", "MutableMapping", "OrderedDict"):
                    value = self.typed(parts[-1], scope, source, depth + 1)
                    form = Form.OBJECT if value and value.form is Form.OBJECT else Form.FIELDS
                    return Taint(source, form, "dict")
                inner = [self.typed(part, scope, source, depth + 1) for part in parts]
                return join_all(inner)
            case t.BinOp(op="|", left=left, right=right):
                return join(
                    self.typed(left, scope, source, depth + 1),
                    self.typed(right, scope, source, depth + 1),
                )
            case t.Const(value=None):
                return None
        name = self.code.name(annotation, scope)
        if name in _TEXT_TYPES:
            return Taint(source)
        if _URL_TYPES.match(name):
            return Taint(source, coats=frozenset({"a URL"}))
        if name in _OPEN_TYPES:
            return Taint(source, Form.OBJECT, "dict" if name in _MAPPINGS else "")
        found = self.code.definition(name)
        if found is not None and isinstance(found.node, t.Class):
            ancestry = self.code.ancestry(found)
            if any(x.startswith("enum.") for x in ancestry):
                return None
            return Taint(source, Form.MODEL, model=ancestry[0])
        return None


_TEXT_TYPES = {"builtins.str", "builtins.bytes", "pydantic.SecretStr", "typing.Text"}
_MAPPINGS = {"builtins.dict", "typing.Dict", "typing.Mapping"}
_URL_TYPES = re.compile(r"^pydantic\.(?:networks\.)?(?:(?:Any)?(?:Http)?Url|HttpUrl)$")
_OPEN_TYPES = {
    "builtins.dict", "typing.Dict", "typing.Any", "builtins.object", "builtins.list",
    "typing.List", "typing.Mapping", "pydantic.JsonValue", "pydantic.Json",
}  # fmt: skip


@functools.lru_cache(maxsize=4096)
def validated_fields(node: t.Class) -> frozenset[str]:
    """Fields that a validator of the class looks at, by its decorator or in its body."""
    names: set[str] = set()
    for stmt in node.body:
        if isinstance(stmt, t.Function):
            names |= _validated_by(stmt)
    return frozenset(names)


def _validated_by(function: t.Function) -> set[str]:
    names: set[str] = set()
    told = [t.dotted(t.callee(d)) for d in function.decorators]
    if not any("validator" in name for name in told) and "validate" not in function.name:
        return names
    for decorator in function.decorators:
        if isinstance(decorator, t.Call):
            for argument in decorator.args:
                if isinstance(argument, t.Const) and isinstance(argument.value, str):
                    names.add(argument.value)
    if function.name.startswith("validate") or any("root" in x or "model" in x for x in told):
        for inner in t.walk_own(*function.body):
            match inner:
                case t.Attr(value=t.Name(), name=name) | t.Const(value=str(name)):
                    names.add(name)
    return names


_TRIVIAL = {
    "len", "strip", "lstrip", "rstrip", "lower", "upper", "startswith", "endswith", "isinstance", "str",
    "ValueError", "TypeError", "AssertionError", "PydanticCustomError", "title", "join", "format",
}  # fmt: skip
"""What validators call that say nothing of what a text holds."""


def _is_about(function: t.Function, name: str) -> bool:
    """`@field_validator("name")`, after the whole value is there."""
    for decorator in function.decorators:
        if isinstance(decorator, t.Call) and "validator" in t.dotted(decorator.func):
            if any(_is_text(argument, name) for argument in decorator.args):
                return True
    return False


def _mentions(node: t.Class, name: str) -> int:
    """How many functions of a class validate a field, in whatever way."""
    return sum(name in _validated_by(x) for x in node.body if isinstance(x, t.Function))


def _allows_more(node: t.Class) -> bool:
    """`class A(BaseModel, extra="allow")`, `model_config = ConfigDict(extra="allow")`, `class Config`."""
    told = [k.value for k in node.keywords if k.name == "extra"]
    for stmt in node.body:
        match stmt:
            case t.Assign(targets=[t.Name(id="model_config")], value=t.Call(keywords=keywords)):
                told += [k.value for k in keywords if k.name == "extra"]
            case t.Assign(
                targets=[t.Name(id="model_config")], value=t.Map(keys=keys, values=values)
            ):
                told += [v for k, v in zip(keys, values, strict=True) if _is_text(k, "extra")]
            case t.Class(name="Config", body=body):
                for inner in body:
                    match inner:
                        case t.Assign(targets=[t.Name(id="extra")], value=value) if (
                            value is not None
                        ):
                            told.append(value)
    return any(_is_text(x, "allow") or t.dotted(x) == "Extra.allow" for x in told)


def _is_text(expr: t.Expr | None, word: str) -> bool:
    return isinstance(expr, t.Const) and expr.value == word


def patterned(expr: t.Expr | None) -> bool:
    """Whether a declaration carries a pattern: `Field(pattern=…)`, `constr(regex=…)`."""
    return isinstance(expr, t.Call) and any(k.name in ("pattern", "regex") for k in expr.keywords)
