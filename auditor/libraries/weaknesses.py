"""What bandit finds, and where it weighs less: it sees a call, not what it is for or who runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.extract.weaknesses import Weakness
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.reach import Reach
from auditor.link.scopes import CallSite
from auditor.model.debugging import DebugSwitch
from auditor.model.deployment import CodeWeakness
from auditor.model.places import Place

_HASHES = {"hashlib.md5", "hashlib.sha1", "hashlib.new"}
_SECRET = re.compile(
    r"passw|pwd|secret|token|(?:api|private|signing|access|activation|license)_?key|salt|sign|auth|cred|otp|nonce|session|login|hmac|mac$|verif|pin$"
    r"|activat|reset|invit",
    re.I,
)
"""Words around a hash that has to withstand somebody."""
_STARTING = ("run", "call", "check_call", "check_output", "Popen", "getoutput")
_DEBUGGER = "B201"
_BY_WHOEVER_RUNS_IT = {"B602", "B605", "B202", "B604", "B609"}
"""Dangerous by what is handed in: in a script, by whoever starts it."""


@provides(CodeWeakness)
def weaknesses(application: Application) -> Iterator[CodeWeakness]:
    code = application.code
    hashes: dict[tuple[str, int], CallSite] | None = None
    commands: dict[tuple[str, int], CallSite] | None = None
    debugged: set[tuple[str, int]] | None = None
    for file, found in application.of(Weakness):
        eased = ""
        if found.severity == "high" and found.test_id == "B324":
            if hashes is None:
                hashes = {(site.path, site.node.line): site for site in code.calls(*_HASHES)}
            site = hashes.get((file.path, found.line))
            if site is not None and not _of_secrets(code, site):
                eased = "of nothing secret, so that `usedforsecurity=False` would say what is meant"
        elif found.severity == "high" and found.test_id == _DEBUGGER:
            if debugged is None:
                debugged = {(s.place.path, s.place.line) for s in application.facts(DebugSwitch)}
            if (file.path, found.line) in debugged:
                eased = "which debug-mode judges by how the application is started"
        elif found.severity == "high" and found.test_id in _BY_WHOEVER_RUNS_IT:
            (reach,) = application.facts(Reach)
            if reach.modules and file.path not in reach.modules:
                eased = "in a script that the application does not run"
            elif found.test_id == "B602":
                if commands is None:
                    commands = {
                        (site.path, site.node.line): site for site in code.method_calls(*_STARTING)
                    }
                started = commands.get((file.path, found.line))
                if started is not None and _is_constant(started.arg(0, "args")):
                    eased = "of a constant command"
        yield CodeWeakness(
            found.test_id,
            found.test_name,
            found.severity,
            found.confidence,
            found.message,
            found.cwe,
            Place(file.path, found.line, found.column, found.end_line),
            eased,
        )


def _is_constant(command: t.Expr | None) -> bool:
    """`f"wg genkey"`: nothing is put into it, though it is written as if."""
    return isinstance(command, t.Const) or (
        isinstance(command, t.Text) and all(isinstance(part, t.Const) for part in command.parts)
    )


def _of_secrets(code: Code, site: CallSite) -> bool:
    """Whether what is hashed, or what becomes of it, is called like something to be kept secret."""
    function = site.scope.function
    body = function.body if function is not None else site.scope.module.body
    statements = [
        s
        for s in t.walk_own(*body)
        if isinstance(s, t.Assign | t.Return | t.Do)
        and s.line <= site.node.line <= s.end_line
        and any(n is site.node for n in t.walk(s))
    ]
    nodes: list[t.Node] = [n for s in statements for n in t.walk(s)]
    if not site.node.args:  # `h = hashlib.md5()`, then `h.update(…)`
        for node in t.walk_own(*body):
            if isinstance(node, t.Call) and t.last_word(node.func) == "update":
                nodes += t.walk(node)
    words = [word for node in nodes if (word := _word(node))]
    if function is not None:
        words.append(function.name)
    return any(_SECRET.search(word) for word in words)


def _word(node: t.Node) -> str:
    match node:
        case t.Name(id=word) | t.Attr(name=word) | t.Const(value=str(word)):
            return word
    return ""
