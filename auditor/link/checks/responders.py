"""Functions of the tree that answer with the status that they are given: `error("No", 401)`.

Whether such a call turns the caller away is told by what stands at the call, or by the default of the
parameter, not by the function.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from auditor.extract.python import tree as t
from auditor.link.contexts import contexts_of
from auditor.link.scopes import CallSite, Located, Scope, argument
from auditor.link.values import Evaluator

_MAKES_RESPONSE = re.compile(r"(?:^|\.)(?:make_response|\w*Response|HTTPException|APIException)$")
_STATUSES = ("status", "status_code", "code")


class _Answer(msgspec.Struct, frozen=True):
    """What a function takes the status of its answer from; whether it raises the answer."""

    status: t.Expr
    raises: bool


class Responders:
    """Finds the status in calls of such functions; remembers the functions."""

    def __init__(self, values: Evaluator) -> None:
        self.values, self.code = values, values.code
        self._known: dict[int, _Answer | None] = {}

    def status(self, call: t.Call, scope: Scope, raised: bool = False) -> Located | None:
        """The status that a call answers with; `raised` where nothing returns what it gives."""
        function = self.code.defined(call.func, scope)
        if function is None or not isinstance(function.node, t.Function):
            return None
        answer = self._answer(function)
        if answer is None or (raised and not answer.raises):
            return None
        inner = self.code.inside(function)
        if not isinstance(answer.status, t.Name):
            return Located(answer.status, inner)
        bound = contexts_of(self.values).bound_by(CallSite(call, scope))
        return bound.get((id(inner), answer.status.id))

    def _answer(self, function: Located) -> _Answer | None:
        key = id(function.node)
        if key not in self._known:
            self._known[key] = None  # a cycle ends here
            self._known[key] = self._read(function)
        return self._known[key]

    def _read(self, function: Located) -> _Answer | None:
        node, inner = function.node, self.code.inside(function)
        assert isinstance(node, t.Function)
        params = {p.name for p in node.params}
        own = list(t.walk_own(*node.body))
        found: list[t.Expr] = []
        raises = False
        for each in own:
            match each:
                case t.Return(value=value) if value is not None:
                    status = next(self._statuses(value, own, inner), None)
                    if status is None:
                        return None
                    found.append(status)
                case t.Do(value=t.Call(func=func, args=[given, *_])) if t.dotted(func).endswith("abort"):  # fmt: skip
                    found.append(next(self._statuses(given, own, inner), given))
                    raises = True
                case t.Raise(exception=value) if value is not None:
                    status = next(self._statuses(value, own, inner), None)
                    if status is not None:
                        found.append(status)
                        raises = True
        raises = raises and _always_ends(node.body)  # else it turns some away, not all
        names = {x.id for x in found if isinstance(x, t.Name) and x.id in params}
        plain = [x for x in found if not isinstance(x, t.Name)]
        if len(names) == 1 and not plain and all(isinstance(x, t.Name) for x in found):
            return _Answer(found[0], raises)
        if plain and len(plain) == len(found) and len({_written(x) for x in plain}) == 1:
            return _Answer(plain[0], raises)
        return None

    def _statuses(self, value: t.Expr, own: list[t.Node], inner: Scope) -> Iterator[t.Expr]:
        """The status of a returned response: of a pair, a call that makes one, a variable for one."""
        match value:
            case t.Seq(items=[_, status, *_]):
                yield status
            case t.Call(func=func, args=written) if _MAKES_RESPONSE.search(t.dotted(func)):
                named = [argument(value, None, name) for name in _STATUSES]
                yield from (x for x in named if x is not None)
                if len(written) > 1:
                    yield written[1]
                elif written:
                    yield from self._statuses(written[0], own, inner)
            case t.Call():
                if (below := self.status(value, inner)) is not None:
                    yield below.node  # type: ignore[misc]
            case t.Name(id=name):
                for each in own:
                    match each:
                        case t.Assign(
                            targets=[t.Attr(value=t.Name(id=of), name=what)], value=given
                        ) if of == name and what in _STATUSES and given is not None:
                            yield given
                for each in own:
                    match each:
                        case t.Assign(targets=[t.Name(id=of)], value=t.Call() as made) if (
                            of == name
                        ):
                            yield from self._statuses(made, own, inner)


def _written(status: t.Expr) -> str:
    return str(status.value) if isinstance(status, t.Const) else t.dotted(status)


def _always_ends(body: list[t.Stmt]) -> bool:
    """Whether nothing gets past the end of statements."""
    match body[-1] if body else None:
        case t.Return() | t.Raise():
            return True
        case t.Do(value=t.Call(func=func)):
            return t.dotted(func).endswith("abort")
        case t.If(body=then, orelse=other):
            return _always_ends(then) and _always_ends(other)
        case t.With(body=within):
            return _always_ends(within)
        case t.Try(body=tried, handlers=handlers):
            return _always_ends(tried) and all(_always_ends(h.body) for h in handlers)
    return False
