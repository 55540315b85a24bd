"""Schemas written as SQL: `.sql` files, and statements that stand in the code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.extract.readers.sql import SchemaText
from auditor.extract.sql import SchemaStep, schema_steps
from auditor.link.application import Application
from auditor.link.reach import Reach
from auditor.link.scopes import CallSite, Scope
from auditor.stores.sql.migrations import Origin, Steps, gives_steps
from auditor.stores.waiting.once import runs_once

_FOLDER = re.compile(r"(?:^|/)(?:migrations?|migrate|versions|initdb\S*|docker-entrypoint-initdb\.d|alembic|db/changelog|flyway|sqitch|deploy)(?:/|$)", re.I)  # fmt: skip
_DOWN = re.compile(r"(?:^|[._-])down(?:[._-]|$)|(?:^|[/_-])(?:rollback|revert|undo)", re.I)
_STATEMENT = re.compile(r"\s*(?:create\s+(?:unique\s+)?(?:table|index)|alter\s+table|drop\s+(?:table|index))\b", re.I)  # fmt: skip
OTHERWISE = {"upgrade", "downgrade", "forwards", "backwards", "rollback", "down", "revert", "undo"}
"""Functions of migrations that say their steps in an order of their own, or that take them back."""


@gives_steps
def script_steps(application: Application) -> Steps:
    """SQL files by path: migrations, then schemas that something reads, then those nothing does."""
    mentioned = _mentioned(application)
    files = [(file.path, fact) for file, fact in application.of(SchemaText)]
    for path, fact in sorted(files, key=lambda item: _natural(item[0])):
        if _DOWN.search(path.rpartition("/")[2]):
            continue
        migrates = bool(_FOLDER.search(path))
        run = "migration" if migrates else "start" if path.rpartition("/")[2] in mentioned else ""
        if not run and any(step.action == "table" for step in fact.steps):
            run = "table"  # what creates the table creates its indexes
        for step in fact.steps:
            yield step, Origin(path, migrates, run)


def _natural(path: str) -> list[tuple[int, str]]:
    return [(int(x), "") if x.isdigit() else (-1, x) for x in re.split(r"(\d+)", path)]


def _mentioned(application: Application) -> set[str]:
    """File names that the code mentions: `open("schema.sql")`."""
    names: set[str] = set()
    for node, _ in application.code.of_kind(t.Const):
        if isinstance(node.value, str) and node.value.endswith(".sql"):
            names.add(node.value.rpartition("/")[2])
    return names


@gives_steps
def statement_steps(application: Application) -> Iterator[tuple[SchemaStep, Origin]]:
    """`cursor.execute("CREATE TABLE …")`."""
    reach: Reach | None = None
    for text, node, scope in _statements(application):
        owner = scope.function
        if owner is not None and owner.name in OTHERWISE:
            continue
        if reach is None:
            (reach,) = application.facts(Reach)
        run = reach.started_by(CallSite(t.Call(node.line, 1, node.line, node, [], []), scope))
        migrates = bool(re.search(r"migrat|schema", f"{scope.module.path} {scope.qualname}", re.I))
        past = runs_once(scope.module)
        origin = Origin(scope.module.path, past, run or ("migration" if migrates else "table"))
        for step in schema_steps(text, line=node.line):
            if past or step.action != "drop table":  # statements of running code stand in no order
                yield step, origin


def _statements(application: Application) -> Iterator[tuple[str, t.Expr, Scope]]:
    """Texts that change a schema: literals, and f-strings that a call runs."""
    code = application.code
    inside: set[int] = set()
    for site in code.method_calls(
        "execute", "executescript", "executemany", "exec_driver_sql", "text", "run"
    ):
        for arg in site.node.args[:1]:
            if isinstance(arg, t.Text):
                inside.update(id(part) for part in arg.parts)
                text = "".join(
                    part.value
                    if isinstance(part, t.Const) and isinstance(part.value, str)
                    else "given"
                    for part in arg.parts
                )
                if _STATEMENT.match(text[:200]):
                    yield text, arg, site.scope
    for node, scope in code.of_kind(t.Const):
        text_ = node.value
        if isinstance(text_, str) and len(text_) > 15 and id(node) not in inside:
            if _STATEMENT.match(text_[:200]):
                yield text_, node, scope
