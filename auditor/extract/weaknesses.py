"""What bandit finds in one file, in process.

bandit's own tests judge each node; only the walk around them is ours: bandit prepares a context
for every node and every test, we do so for the nodes that some test asks for, and compute the
lines of a statement when they are wanted. Relied on, of bandit 1.9: `BanditTestSet.tests` (node
type -> test functions), the keys of the context dictionary, `Issue`'s attributes, the
`_bandit_parent`/`_bandit_sibling` attributes of nodes, and `manager._parse_nosec_comment`. No
configuration file is read, so that the tree under audit cannot turn tests off.
"""

from __future__ import annotations

import ast
import functools
import io
import logging
import tokenize
import warnings
from collections.abc import Callable
from typing import Any, ClassVar

from auditor.extract.facts import Fact


class Weakness(Fact, frozen=True):
    """One finding of bandit: its test, place, and bandit's own severity and confidence words."""

    parsed: ClassVar[bool] = True
    late: ClassVar[bool] = True

    test_id: str
    test_name: str
    line: int
    column: int
    end_line: int
    severity: str
    confidence: str
    message: str
    cwe: int


def weaknesses(data: bytes, module: ast.Module) -> list[Weakness]:
    """bandit's findings in a file; `module` is its parsed tree, which gets bandit's marks."""
    walk = _Walk(data)
    walk.below(module)
    walk.run("File", {"node": module, "lineno": 0, "linerange": [0, 1], "col_offset": 0})
    return walk.found


def _without_values(test: str, text: str) -> str:
    """`Possible hardcoded password: '…'` goes on with what was found."""
    return text.partition(":")[0] if test in ("B105", "B106", "B107") else text


@functools.cache
def _tests() -> tuple[dict[str, list[tuple[Callable[..., Any], tuple[Any, ...]]]], Any, Any]:
    logging.getLogger("bandit").setLevel(logging.CRITICAL)
    logging.getLogger("stevedore").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from bandit.core import config, context, manager, test_set
    chosen = test_set.BanditTestSet(config.BanditConfig()).tests
    tests = {
        kind: [(test, (test._config,) if hasattr(test, "_config") else ()) for test in found]
        for kind, found in chosen.items()
    }
    return tests, context.Context, manager._parse_nosec_comment


class _Context(dict[str, Any]):
    """bandit's context; the lines a node spans are listed only when a test asks."""

    def __missing__(self, key: str) -> Any:
        if key != "linerange":
            raise KeyError(key)
        node = self["ranged"]
        self[key] = lines = list(range(node.lineno, node.end_lineno + 1))
        return lines


class _Walk:
    def __init__(self, data: bytes) -> None:
        self.handle = io.BytesIO(data)
        self.found: list[Weakness] = []
        self.imports: set[str] = set()
        self.aliases: dict[str, str] = {}
        self.namespace = ""
        self.tests, self.context, parse_nosec = _tests()
        self.nosec = _nosec_lines(data, parse_nosec)

    def below(self, node: ast.AST) -> None:
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                last = len(value) - 1
                for index, item in enumerate(value):
                    if isinstance(item, ast.AST):
                        sibling = value[index + 1] if index < last else None
                        self.visit(item, node, sibling)
            elif isinstance(value, ast.AST):
                self.visit(value, node, None)

    def visit(self, node: ast.AST, parent: ast.AST, sibling: Any) -> None:
        if isinstance(node, ast.expr_context | ast.operator | ast.boolop | ast.cmpop | ast.unaryop):
            return
        node._bandit_parent = parent  # type: ignore[attr-defined]
        node._bandit_sibling = sibling  # type: ignore[attr-defined]
        before = self.namespace
        match node:
            case ast.Constant():
                self.constant(node, parent)
            case ast.Call():
                self.call(node)
            case ast.Import() | ast.ImportFrom():
                self.importing(node)
            case ast.FunctionDef():
                self.namespace = f"{before}.{node.name}" if before else node.name
                more = {"function": node, "qualname": self.namespace, "name": node.name}
                self.run("FunctionDef", self.around(node, more))
            case ast.ClassDef():
                self.namespace = f"{before}.{node.name}" if before else node.name
            case _ if type(node).__name__ in self.tests:
                self.run(type(node).__name__, self.around(node, {}))
        self.below(node)
        self.namespace = before

    def around(self, node: Any, more: dict[str, Any]) -> _Context:
        return _Context(
            node=node,
            ranged=node,
            lineno=getattr(node, "lineno", 0),
            col_offset=getattr(node, "col_offset", 0),
            end_col_offset=getattr(node, "end_col_offset", 0),
            **more,
        )

    def constant(self, node: ast.Constant, parent: ast.AST) -> None:
        if isinstance(parent, ast.Expr):  # a docstring
            return
        kind = (
            "Str"
            if isinstance(node.value, str)
            else "Bytes"
            if isinstance(node.value, bytes)
            else ""
        )
        if kind and kind in self.tests:
            context = self.around(node, {kind.lower(): node.value})
            context["ranged"] = parent if hasattr(parent, "lineno") else node
            self.run(kind, context)

    def call(self, node: ast.Call) -> None:
        from bandit.core import utils

        qualname = utils.get_call_name(node, self.aliases)
        name = qualname.split(".")[-1]
        self.run("Call", self.around(node, {"call": node, "qualname": qualname, "name": name}))

    def importing(self, node: ast.Import | ast.ImportFrom) -> None:
        context = self.around(node, {})
        module = getattr(node, "module", None)
        for name in node.names:
            full = f"{module}.{name.name}" if module else name.name
            if module or name.asname:
                self.aliases[name.asname or name.name] = full
            self.imports.add(full)
            context["module"] = module or name.name
            if module:
                context["name"] = name.name
        kind = "ImportFrom" if module else "Import"
        self.run(kind, context)

    def run(self, kind: str, values: dict[str, Any]) -> None:
        """Ask the tests of a node type; they read the context and leave it as it is."""
        context = _Context(
            values,
            imports=self.imports,
            import_aliases=self.aliases,
            filename="<audited>",
            file_data=self.handle,
        )
        seen = self.context(context)
        for test, config in self.tests.get(kind, ()):
            try:
                issue = test(seen, *config)
            except Exception:
                logging.getLogger(__name__).debug("%s failed", test.__name__, exc_info=True)
                continue
            if issue is not None:
                self.note(issue, test, context)

    def note(self, issue: Any, test: Any, context: _Context) -> None:
        line = context["lineno"] if issue.lineno is None else issue.lineno
        test_id = issue.test_id or test._test_id
        skipped = [self.nosec.get(line), *map(self.nosec.get, context["linerange"])]
        wanted = [each for each in skipped if each is not None]
        if wanted and (not set().union(*wanted) or test_id in set().union(*wanted)):
            return
        lines = issue.linerange or context["linerange"]
        column = context["col_offset"] if issue.col_offset == -1 else issue.col_offset
        self.found.append(
            Weakness(
                test_id,
                test.__name__,
                line,
                column + 1,
                max(lines, default=line),
                issue.severity.lower(),
                issue.confidence.lower(),
                _without_values(test_id, issue.text),
                issue.cwe.id,
            )
        )


def _nosec_lines(data: bytes, parse: Callable[[str], set[str] | None]) -> dict[int, set[str]]:
    if b"nosec" not in data:
        return {}
    lines: dict[int, set[str]] = {}
    try:
        for token in tokenize.tokenize(io.BytesIO(data).readline):
            if token.type == tokenize.COMMENT and (skip := parse(token.string)) is not None:
                lines[token.start[0]] = skip
    except (tokenize.TokenError, SyntaxError):
        pass
    return lines
