"""Enumerations of the tree: their members, and what these are worth.

Source: https://docs.python.org/3/library/enum.html; `Choices` are Django's.
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope

_KINDS = ("Enum", "Choices", "Flag")


def is_enumeration(code: Code, found: Located | None) -> bool:
    if found is None or not isinstance(found.node, t.Class):
        return False
    return any(kind.rpartition(".")[2].endswith(_KINDS) for kind in code.ancestry(found))


def members(code: Code, found: Located | None) -> dict[str, t.Expr] | None:
    """What each member is given, by its name; None for what is no enumeration."""
    if found is None or not isinstance(found.node, t.Class) or not is_enumeration(code, found):
        return None
    labelled = _is_choices(code, found)
    return {
        s.targets[0].id: _unlabelled(s.value) if labelled else s.value
        for s in found.node.body
        if isinstance(s, t.Assign) and isinstance(s.targets[0], t.Name)
        and s.value is not None and not s.targets[0].id.startswith("_")
    }  # fmt: skip


def is_member(code: Code, value: Located) -> bool:
    """Whether an expression is what the body of an enumeration gives a member."""
    kind = _kind_of(value)
    return kind is not None and is_enumeration(code, kind)


def worth(code: Code, value: Located) -> Located:
    """What a member is worth to which a class gives a value; anything else is itself."""
    kind = _kind_of(value) if isinstance(value.node, t.Seq) else None
    if kind is None or not _is_choices(code, kind):
        return value
    return Located(_unlabelled(value.node), value.scope)  # type: ignore[arg-type]


def _kind_of(value: Located) -> Located | None:
    """The class in whose body an expression stands."""
    kind, around = value.scope.owner, value.scope.parent
    return Located(kind, around) if isinstance(kind, t.Class) and around is not None else None


def _is_choices(code: Code, found: Located) -> bool:
    return any(kind.rpartition(".")[2].endswith("Choices") for kind in code.ancestry(found))


def _unlabelled(given: t.Expr) -> t.Expr:
    """`OPEN = "open", _("Open")` of Django's choices is worth the first: the last of several is how it is shown.

    Source: https://docs.djangoproject.com/en/stable/ref/models/fields/#enumeration-types.
    """
    match given:
        case t.Seq(items=[value, _]):
            return value
    return given


def given_by_kind(code: Code, scope: Scope) -> list[dict[tuple[int, str], Located]]:
    """What a call may bind: of `def listed(kind: Kind)` that `kind` is `Kind.a`, or `Kind.b`."""
    for param in scope.owner.params if isinstance(scope.owner, t.Function) else ():
        kind = param.annotation
        if isinstance(kind, t.Name | t.Attr):
            if (found := members(code, code.defined(kind, scope))) is not None:
                made = [t.Attr(kind.line, kind.column, kind.end_line, kind, name) for name in found]
                return [{(id(scope), param.name): Located(each, scope)} for each in made]
    return []
