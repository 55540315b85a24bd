"""Whether what a function reads of a request is only converted, compared or looked up.

A value that is turned into a number, held against others or used as the key of a lookup needs no schema:
what else it holds goes nowhere.
"""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.link.scopes import Located

_CONVERTS = {
    "int", "float", "bool", "Decimal", "UUID", "ObjectId", "len", "date", "datetime", "fromisoformat", "strptime",
    "parse_date", "parse_datetime", "isinstance", "check_password", "check_password_hash", "compare_digest",
    "verify", "authenticate", "findall", "to_python", "secure_filename", "loads_signed", "a2i",
}  # fmt: skip
_LOOKS_UP = re.compile(
    r"^(?:a?get\w*|find\w*|lookup\w*|resolve\w*|filter|exclude|filter_by|first_or_404|by_\w+|exists)$"
)
_READS = {
    "get",
    "getlist",
    "pop",
    "strip",
    "lower",
    "upper",
    "split",
    "rstrip",
    "lstrip",
    "setdefault",
}
_MAX_STEPS = 12


class Harmless:
    """Follows the uses of what one function reads."""

    def __init__(self, function: Located) -> None:
        self.parents: dict[int, t.Node] = {}
        self.uses: dict[str, list[t.Name]] = {}
        body: list[t.Stmt] = function.node.body  # type: ignore[attr-defined]
        pending: list[t.Node] = list(body)
        while pending:
            node = pending.pop()
            if isinstance(node, t.Name):
                self.uses.setdefault(node.id, []).append(node)
            for child in t.children(node):
                self.parents[id(child)] = node
                pending.append(child)

    def of(self, node: t.Node, depth: int = 0) -> bool:
        """Whether the value of an expression is put to harmless use only."""
        for _ in range(_MAX_STEPS):
            parent = self.parents.get(id(node))
            match parent:
                case None:
                    return False
                case t.Compare() | t.Assert():
                    return True
                case t.If(test=test) | t.While(test=test) | t.Choice(test=test) if test is node:
                    return True
                case t.Do():
                    return True
                case t.Unary(op="not"):
                    return True
                case t.Attr(name=name) if name in _READS:
                    node = parent
                case t.Call(func=func) if func is node:
                    node = parent
                case t.Call(func=func):
                    last = (
                        func.name if isinstance(func, t.Attr) else t.dotted(func).rpartition(".")[2]
                    )
                    named = all(arg is not node for arg in parent.args)
                    return last in _CONVERTS or (_LOOKS_UP.match(last) is not None and (named or "get" in last))  # fmt: skip
                case t.Item(value=value) if value is node:
                    node = parent
                case t.BoolOp() | t.Await() | t.Choice() | t.Bind():
                    node = parent
                case t.Assign(targets=[t.Name(id=name)]):
                    return depth < 3 and self._variable(name, parent, depth)
                case _:
                    return False
        return False

    def _variable(self, name: str, assigned: t.Node, depth: int) -> bool:
        found = [n for n in self.uses.get(name, ()) if self.parents.get(id(n)) is not assigned]
        if any(isinstance(self.parents.get(id(n)), t.Compare) for n in found):
            return True
        return all(self.of(n, depth + 1) for n in found)
