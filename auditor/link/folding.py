"""Arithmetic and text methods on values that are plain, optional or one of several.

Nothing is run but a closed list of the built-in types' own functions, on values of bounded size.
"""

from __future__ import annotations

import json
import math
import re
import urllib.parse
from collections.abc import Callable, Iterable
from typing import Any

from auditor.extract.python import tree as t
from auditor.model.places import Place
from auditor.model.values import Known, Masked, OneOf, Setting, Unknown, Value

_MAX_LENGTH = 100_000
_MAX_ALTERNATIVES = 8
_MAX_COMBINATIONS = 256
"""Of the alternatives of several values: twelve values of three each would be half a million."""
METHODS: dict[str, Callable[..., Any]] = {
    name: getattr(str, name)
    for name in [
        "split",
        "rsplit",
        "strip",
        "lstrip",
        "rstrip",
        "lower",
        "upper",
        "title",
        "replace",
        "join",
        "startswith",
        "endswith",
        "splitlines",
        "removeprefix",
        "removesuffix",
    ]
}


def as_bool(value: object) -> bool:
    """As decouple, environs and distutils read a text."""
    return (
        value.strip().lower() in ("1", "true", "yes", "y", "on", "t")
        if isinstance(value, str)
        else bool(value)
    )


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "builtins.str": str,
    "builtins.int": int,
    "builtins.float": float,
    "builtins.bool": bool,
    "builtins.list": list,
    "builtins.tuple": list,
    "builtins.set": list,
    "builtins.sorted": sorted,
    "builtins.len": len,
    "json.loads": json.loads,
    "urllib.parse.quote": urllib.parse.quote,
    "urllib.parse.quote_plus": urllib.parse.quote_plus,
}
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_PERCENT = re.compile(r"%(?:\((\w+)\))?[sd]")


def formatted(text: str, *given: Any, **named: Any) -> str:
    """`str.format` with plain placeholders only: widths could fill the memory."""
    rest = iter(given)

    def fill(match: re.Match[str]) -> str:
        key = match[1]
        return str(given[int(key)] if key.isdigit() else named[key] if key else next(rest))

    if re.search(r"[{}]", _PLACEHOLDER.sub("", text)):
        raise ValueError("more than plain placeholders")
    return _PLACEHOLDER.sub(fill, text)


def _modulo(left: Any, right: Any) -> Any:
    """`"/%s" % name`, or the rest of a division."""
    if not isinstance(left, str):
        return left % right
    if "%" in _PERCENT.sub("", left):
        raise ValueError("more than plain placeholders")
    given = iter(right if isinstance(right, list) else [right])
    return _PERCENT.sub(lambda m: str(right[m[1]] if m[1] else next(given)), left)


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "<<": lambda a, b: a << min(b, 64),
    "|": lambda a, b: a | b,
    "%": _modulo,
}
KINDS: dict[str, type] = {"str": str, "int": int, "bool": bool, "list": list, "dict": dict}
COLLECTING = {"set", "frozenset", "list", "tuple", "sorted"}
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def apply_to(element: t.Expr, target: str, item: Any) -> Any:
    match element:
        case t.Name(id=name) if name == target:
            return item
        case t.Call(func=t.Attr() as func, args=args) if func.name in METHODS:
            plain = [a.value for a in args if isinstance(a, t.Const)]
            return METHODS[func.name](apply_to(func.value, target, item), *plain)
        case t.Call(func=t.Name(id="str" | "int"), args=[inner]):
            return apply_to(inner, target, item)
    raise ValueError("not a plain expression")


def lift(function: Callable[..., Any], values: Iterable[Value], place: Place) -> Value:
    """Apply `function` to plain values; through settings' defaults and alternatives."""
    values = list(values)
    if math.prod(map(_alternatives, values)) > _MAX_COMBINATIONS:
        return Unknown("too many possible values", place)
    return _lift(function, values, place)


def _alternatives(value: Value) -> int:
    match value:
        case Setting(default=default) if default is not None:
            return _alternatives(default)
        case OneOf(values=options):
            return sum(map(_alternatives, options[:_MAX_ALTERNATIVES]))
    return 1


def _lift(function: Callable[..., Any], values: list[Value], place: Place) -> Value:
    for index, value in enumerate(values):
        match value:
            case Unknown():
                return Unknown(value.reason, place)
            case Masked():
                return Masked(value.shape, place)
            case Setting(name=name, default=default):
                if default is None:
                    return Setting(name, _when_unset(function, value, values, index), value.place)
                rest = [*values[:index], default, *values[index + 1 :]]
                return Setting(name, _lift(function, rest, value.place), value.place)
            case OneOf(values=options):
                rest_of = [
                    [*values[:index], o, *values[index + 1 :]] for o in options[:_MAX_ALTERNATIVES]
                ]
                return one_of([_lift(function, rest, place) for rest in rest_of], place)
    plain = [value.value for value in values if isinstance(value, Known)]
    try:
        if _too_large(plain):
            return Unknown("too large to compute", place)
        result = function(*plain)
    except Exception:  # noqa: BLE001 - the audited code's own mistake: its value is not known
        return Unknown("computed at run time", place)
    return Known(result, place)


def _when_unset(
    function: Callable[..., Any], setting: Setting, values: list[Value], index: int
) -> Value | None:
    """What a test of an optional setting says where it is not set: `os.environ.get("X") == "1"`."""
    if not setting.optional:
        return None
    nothing = Known(None, setting.place)
    result = lift(function, [*values[:index], nothing, *values[index + 1 :]], setting.place)
    return result if isinstance(result, Known) and isinstance(result.value, bool) else None


def _too_large(plain: list[Any]) -> bool:
    """Repeating a text by a large number could take all memory."""
    sizes = [len(x) if isinstance(x, str | list | dict) else 0 for x in plain]
    numbers = [abs(x) for x in plain if isinstance(x, int)]
    return sum(sizes) > _MAX_LENGTH or (any(sizes) and max(numbers, default=0) > _MAX_LENGTH)


def one_of(values: list[Value], place: Place) -> Value:
    """The value when it is one of these, each named once."""
    distinct: list[Value] = []
    for value in values:
        for each in value.values if isinstance(value, OneOf) else (value,):
            if each not in distinct:
                distinct.append(each)
    return distinct[0] if len(distinct) == 1 else OneOf(tuple(distinct), place)
