"""Exceptions that are caught and forgotten: CWE-390, CWE-396."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.reach import Reach
from auditor.link.scopes import Located, Scope, place_of
from auditor.model.operations import Swallowed
from auditor.model.web import Route

_BROAD = {"Exception", "BaseException"}
_CLEANS = ("close", "aclose", "quit", "disconnect", "shutdown", "unlink", "remove", "rmtree", "cancel", "kill", "terminate", "stop", "__del__", "flush", "rollback")  # fmt: skip


@provides(Swallowed)
def swallowed(application: Application) -> Iterator[Swallowed]:
    code = application.code
    (reach,) = application.facts(Reach)
    routes = {id(r.function.node) for r in application.facts(Route) if r.function is not None}
    for module in code.modules.values():
        for node, scope in code.nodes(module):
            if not isinstance(node, t.Try):
                continue
            for handler in node.handlers:
                caught = _caught(handler)
                if not caught:
                    continue
                found = Located(handler, scope)
                serving = bool(reach.started_by(found))
                if _does_nothing(handler.body):
                    if not _is_cleanup(node, scope):
                        yield Swallowed(caught, False, serving, place_of(found))
                elif scope.function is not None and id(scope.function) in routes:
                    if _says_well(handler.body):
                        yield Swallowed(caught, True, True, place_of(found))


def _caught(handler: t.Handler) -> str:
    """`except:` or `except Exception:` as it is spelt; empty where it is narrower."""
    if handler.catches is None:
        return "except:"
    parts = handler.catches.items if isinstance(handler.catches, t.Seq) else [handler.catches]
    broad = next((p.id for p in parts if isinstance(p, t.Name) and p.id in _BROAD), "")
    return f"except {broad}:" if broad else ""


def _does_nothing(body: list[t.Stmt]) -> bool:
    return all(
        isinstance(stmt, t.Jump)
        or (isinstance(stmt, t.Do) and isinstance(stmt.value, t.Const | t.Name))
        for stmt in body
    )


def _is_cleanup(stmt: t.Try, scope: Scope) -> bool:
    """What is tried only tidies up, or is tried at the import of something that may be missing."""
    function = scope.function
    if function is not None and function.name.strip("_") in ("del", "exit", "aexit"):
        return True
    if any(isinstance(s, t.Import) for s in stmt.body):
        return True
    calls = [n for s in stmt.body for n in t.walk_own(s) if isinstance(n, t.Call)]
    last = [t.last_word(c.func) for c in calls]
    return bool(last) and last[0] in _CLEANS and len(last) <= 2


def _says_well(body: list[t.Stmt]) -> bool:
    """A lone answer without an error's status: `return {"ok": True}`, `return []`."""
    if len(body) != 1 or not isinstance(body[0], t.Return):
        return False
    value = body[0].value
    if isinstance(value, t.Seq) and value.kind != "tuple":
        return not value.items
    if isinstance(value, t.Map):
        words = " ".join(str(n.value).lower() for n in t.walk_own(value) if isinstance(n, t.Const))
        return not any(word in words for word in ("error", "fail", "false", "detail", "unhealthy", "down", "unavailable", "invalid", "not "))  # fmt: skip
    return isinstance(value, t.Const) and value.value in (True, "ok", "OK", "success")
