"""Fields that take one of two values: an index on one alone finds half of what there is."""

from __future__ import annotations

from collections.abc import Iterator, Set

import re2

from auditor.extract.python import tree as t
from auditor.link.enumerations import members
from auditor.link.scopes import Scope, argument
from auditor.link.values import Evaluator
from auditor.model.values import Known, Plain


def how_many(values: Evaluator, expr: t.Expr | None, scope: Scope) -> int:
    """How many values `choices=…` or an enumeration offers; 0 where that cannot be told."""
    return len(_offers(values, expr, scope) or ())


def is_flag(values: Evaluator, field: t.Assign, scope: Scope) -> bool:
    """Whether a field of a document is declared as a boolean, or as one of two values."""
    match field.value:
        case t.Call(func=func) if field.annotation is None:
            if t.last_word(func) == "BooleanField":
                return True
    words = t.walk_own(field.annotation) if field.annotation is not None else ()
    if any(isinstance(node, t.Name | t.Attr) and t.last_word(node) == "bool" for node in words):
        return True
    allowed = chosen(values, field.annotation, field.value, scope)
    return allowed is not None and 0 < len(allowed) <= 2


def spelt(values: Evaluator, expr: t.Expr | None, scope: Scope) -> tuple[Plain, ...]:
    """What a constant of the code is worth; empty for nothing, and what only a run tells."""
    worth = values.value(expr, scope) if expr is not None else None
    if isinstance(worth, Known) and isinstance(worth.value, str | int | float):
        return (worth.value,)
    return ()


_MOST = 16
"""Constants of a list that are looked at."""


def spelt_in(values: Evaluator, expr: t.Expr | None, scope: Scope) -> tuple[Plain, ...]:
    """The constants of a list, where all that stands in it is told: `["open", "held"]`, `[State.OPEN]`."""
    worth = values.value(expr, scope) if expr is not None else None
    told = worth.value if isinstance(worth, Known) and isinstance(worth.value, list) else []
    plain = all(isinstance(x, str | int | float | None) for x in told)
    return tuple(told) if plain and len(told) <= _MOST else ()


def first_value(values: Evaluator, declared: t.Expr | None, scope: Scope) -> tuple[Plain, ...]:
    """The constant that a field's declaration gives a new record; empty where it tells none.

    `default="member"`, `server_default=text("false")`, `Field(True)`, `active: bool = True`.
    """
    if not isinstance(declared, t.Call):
        return spelt(values, declared, scope)
    position = 0 if t.last_word(declared.func) == "Field" else None
    given = argument(declared, position, "default", "server_default", "db_default")
    match given:
        case t.Call(func=func, args=[inner, *_]) if t.last_word(func) == "text":
            return spelt(values, inner, scope)
        case t.Call(func=func) if t.last_word(func) in ("true", "false"):
            return (t.last_word(func) == "true",)
    return spelt(values, given, scope)


_MOVES_ON = re2.compile(r"(?i)status|state|stage|phase|step|progress|situa|estado|etat|statut")
_USUAL = re2.compile(
    r"(?i)^(?:active|enabled|available|approved|accepted|confirmed|complete[d]?|done|finished|closed|resolved|delivered|settled|fulfilled|executed|captured|paid|success(?:ful)?"
    r"|succeeded|publish(?:ed)?|public|verified|valid|normal|regular|standard|default|reviewed|registered|present|processed|ok"
    r"|users?|members?|customers?|clients?|buyers?|students?|patients?|employees?|a[ck]tiv[eao]?|disponible|aprobad[oa]|aprovad[oa]|completad[oa]"
    r"|conclu[ií]d[oa]|publicad[oa]|pagad[oa]|pago)$"
)


def moves_on(field: str) -> bool:
    """Whether a field is named for what a record is at the moment: what it begins with, it soon leaves."""
    return _MOVES_ON.search(field) is not None


def may_be_most(
    field: str, asked: tuple[Plain, ...], first: tuple[Plain, ...], choices: int = 0, ends: tuple[Plain, ...] = ()
) -> bool:  # fmt: skip
    """Whether the constants that are asked for may be those of nearly all records: what new ones have and keep, what
    a record ends in and anybody is (`ends` are those that `choices` call so), or more than half of the choices."""
    kept = bool(first) and not others(asked, first) and not moves_on(field)
    called = {_plainly(x) for x in ends}
    usual = any(_plainly(x) in called or (isinstance(x, str) and _USUAL.search(x)) for x in asked)
    return bool(asked) and (kept or usual or 0 < choices < 2 * len(set(map(_plainly, asked))))


def usual(values: Evaluator, expr: t.Expr | None, scope: Scope) -> tuple[Plain, ...]:
    """The values of `choices` that are called as what a record ends in, or anybody is: `("3", "Completed")`."""
    return tuple(value for value, name in _called(values, expr, scope) if _USUAL.search(name))


def _called(values: Evaluator, expr: t.Expr | None, scope: Scope) -> Iterator[tuple[Plain, str]]:
    """Each value of a list of choices or an enumeration, with what it is called."""
    if isinstance(expr, t.Attr) and expr.name == "choices":
        expr = expr.value
    if isinstance(expr, t.Call) and isinstance(expr.func, t.Attr) and expr.func.name == "choices":
        expr = expr.func.value
    found = values.code.defined(expr, scope) if isinstance(expr, t.Name | t.Attr) else None
    given = members(values.code, found)
    if given is not None and found is not None:
        inner = values.code.inside(found)
        yield from ((value, name) for name, x in given.items() for value in spelt(values, x, inner))
        return
    for source in values.sources(expr, scope) if expr is not None else ():
        for pair in source.node.items if isinstance(source.node, t.Seq) else ():
            match pair:
                case t.Seq(items=[value, t.Const(value=str(name)) | t.Call(args=[t.Const(value=str(name)), *_])]):  # fmt: skip
                    yield from ((x, name) for x in spelt(values, value, source.scope))


_TILL = re2.compile(
    r"(?i)^(?:is_?|has_?|was_?|been_?)*(?:accepted|answered|approved|archived|checked|checked_?out|closed|completed|complete|confirmed|delivered|done"
    r"|ended|executed|expired|finished|fulfilled|handled|imported|notified|paid|processed|published|read|replied|resolved|returned"
    r"|reviewed|seen|sent|settled|shipped|synced|synchronized|validated|verified)$"
)


def waits(
    field: str, asked: tuple[Plain, ...], first: tuple[Plain, ...], changed: Set[str]
) -> bool:
    """Whether a search is for the records that a flag is still to be set of, `is_approved=False`: they have it from the
    first, and the code sets it to true (`changed` are the names of what it does so to). How many wait, nothing tells."""
    begin = bool(first) and {_plainly(x) for x in (*asked, *first)} == {"0"}
    return (
        begin
        and bool(asked)
        and field in changed
        and (moves_on(field) or _TILL.search(field) is not None)
    )


def others(asked: tuple[Plain, ...], first: tuple[Plain, ...]) -> tuple[Plain, ...]:
    """The constants that are asked for, where new records are given none of them: how many have one, no
    declaration tells."""
    known = {_plainly(x) for x in first}
    return asked if known and not known & {_plainly(x) for x in asked} else ()


_SPELT = {"true": "1", "t": "1", "yes": "1", "false": "0", "f": "0", "no": "0"}


def _plainly(value: Plain) -> str:
    """A value as the code and SQL both may spell it: `True`, `"true"`, `1`; `Role.ADMIN` by name or value."""
    text = str(value).strip("'\"() ").lower()
    return _SPELT.get(text, text)


def chosen(
    values: Evaluator, annotation: t.Expr | None, value: t.Expr | None, scope: Scope
) -> list[Plain] | None:
    """The values that a field's declaration allows; None where it allows any.

    `Literal["a", "b"]`, an enumeration, `choices=…`, `OneOf([…])`, `pattern="^(a|b)$"`.
    """
    for node in t.walk_own(annotation) if annotation is not None else ():
        match node:
            case t.Item(value=t.Name(id="Literal") | t.Attr(name="Literal"), index=index):
                items = index.items if isinstance(index, t.Seq) else [index]
                return [x.value for x in items if isinstance(x, t.Const)]
            case t.Name() | t.Attr() if (members := _members(values, node, scope)) is not None:
                return members
            case t.Call() if (listed := _by_call(values, node, scope)) is not None:
                return listed
    for node in t.walk_own(value) if isinstance(value, t.Call) else ():
        if isinstance(node, t.Call) and (listed := _by_call(values, node, scope)) is not None:
            return listed
    return None


def _by_call(values: Evaluator, call: t.Call, scope: Scope) -> list[Plain] | None:
    kind = t.last_word(call.func)
    for keyword in call.keywords:
        if keyword.name in ("choices", "enum"):
            return _offers(values, keyword.value, scope)
        if keyword.name in ("pattern", "regex"):
            return _alternatives(values.text(keyword.value, scope) or "")
    if kind in ("OneOf", "AnyOf", "Enum", "EnumField", "ChoiceField") and call.args:
        if all(isinstance(x, t.Const) for x in call.args):
            return [x.value for x in call.args if isinstance(x, t.Const)]
        return _offers(values, call.args[0], scope)
    return None


_CHOICE = re2.compile(r"^\^?\(?(?:\?:)?((?:[\w -]+\|)*[\w -]+)\)?\$?$")


def _alternatives(pattern: str) -> list[Plain] | None:
    """`^(asc|desc)$`."""
    found = _CHOICE.search(pattern) if "|" in pattern else None
    return list(found[1].split("|")) if found is not None else None


def _members(values: Evaluator, expr: t.Expr, scope: Scope) -> list[Plain] | None:
    """The values of an enumeration's members; of a member whose value cannot be told, its name."""
    found = values.code.defined(expr, scope) if isinstance(expr, t.Name | t.Attr) else None
    given = members(values.code, found)
    if given is None:
        return None
    return [x.value if isinstance(x, t.Const) else name for name, x in given.items()]


def _offers(values: Evaluator, expr: t.Expr | None, scope: Scope) -> list[Plain] | None:
    """What a list of choices holds: values, or pairs of a value and what it is called."""
    if isinstance(expr, t.Attr) and expr.name == "choices":
        expr = expr.value
    if isinstance(expr, t.Call) and t.last_word(expr.func) == "choices":
        expr = expr.func.value if isinstance(expr.func, t.Attr) else expr
    if expr is None or (members := _members(values, expr, scope)) is not None:
        return members if expr is not None else None
    listed = getattr(values.value(expr, scope), "value", None)
    if isinstance(listed, dict):
        return list(listed)
    if isinstance(listed, list):
        return [x[0] if isinstance(x, list) and x else x for x in listed]
    nodes = [source.node for source in values.sources(expr, scope)]
    told = _firsts(nodes[0]) if len(nodes) == 1 else []
    return [x.value if isinstance(x, t.Const) else str(i) for i, x in enumerate(told)] or None


def _firsts(expr: t.Node) -> list[t.Expr]:
    """The values of pairs whose second part cannot be told: `[("a", _("All"))]`."""
    pairs = expr.items if isinstance(expr, t.Seq) else []
    if all(isinstance(pair, t.Seq) and pair.items for pair in pairs):
        return [pair.items[0] for pair in pairs if isinstance(pair, t.Seq)]
    return []
