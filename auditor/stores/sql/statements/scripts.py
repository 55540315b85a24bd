"""Schemas written as SQL: `.sql` files, and statements that stand in the code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.discover import Role
from auditor.extract.python import tree as t
from auditor.extract.readers.sql import SchemaText
from auditor.extract.sql import SchemaStep, altered_steps, schema_steps, split, unread_steps
from auditor.link.application import Application
from auditor.link.contexts import contexts_of
from auditor.link.reach import Reach, is_main_guard
from auditor.link.scopes import CallSite, Located, Module, Scope
from auditor.link.values import Evaluator
from auditor.stores.first_start import run_at_first
from auditor.stores.sql.entities import Entities
from auditor.stores.sql.migrations import Origin, Steps, gives_steps
from auditor.stores.sql.sqlalchemy.creation import creates_all
from auditor.stores.sql.statements.running import RunFiles
from auditor.stores.waiting.once import runs_once

_FOLDER = re.compile(r"(?:^|/)(?:migrations?|migrate|versions|initdb\S*|docker-entrypoint-initdb\.d|alembic|db/changelog|flyway|sqitch|deploy)(?:/|$)", re.I)  # fmt: skip
_DOWN = re.compile(r"(?:^|[._-])down(?:[._-]|$)|(?:^|[/_-])(?:rollback|revert|undo)", re.I)
_STATEMENT = re.compile(r"\s*(?:--[^\n]*\n\s*)*(?:create\s+(?:unique\s+|or\s+replace\s+|materialized\s+)*(?:table|index|view)|create\s+virtual\s+table\b[^(]{1,200}\bfts[345]|alter\s+table|drop\s+(?:table|index))\b", re.I)  # fmt: skip
_BEFORE = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*[^*]{0,2000}\*/\s*)*(?:create\s+(?:or\s+replace\s+)?(?:extension|type|schema|domain|sequence|function|database|role)\b"
    r"|drop\s+(?:extension|type|schema|view|trigger|function)\b|do\s+\$|if\s+(?:not\s+exists|object_id)\s*\(|use\s+\S+\s*;|pragma\s+\w+|set\s+names\b"
    r"|set\s+(?:session\s+|local\s+|global\s+)?[\w.@]+\s*(?::?=|to\s)|begin\s*(?:(?:work|transaction|immediate|exclusive)\s*)?;|start\s+transaction\b)",
    re.I,
)
"""What may stand before the tables in a text that is executed as a whole."""
OTHERWISE = {"upgrade", "downgrade", "forwards", "backwards", "rollback", "down", "revert", "undo"}
"""Functions of migrations that say their steps in an order of their own, or that take them back."""


@gives_steps
def script_steps(application: Application) -> Steps:
    """SQL files by path: migrations, then schemas that something reads, then those nothing does."""
    running, at_first = RunFiles(application), run_at_first(application)
    own: set[str] | None = None
    files = [(file.path, fact) for file, fact in application.of(SchemaText)]
    files += _documented(application, files, running)
    for path, fact in sorted(files, key=lambda item: _natural(item[0])):
        if _DOWN.search(path.rpartition("/")[2]):
            continue
        # the tables stand before `create_all` looks for them, which adds nothing to one that stands
        migrates = bool(_FOLDER.search(path)) or at_first(path)
        read = path.rpartition("/")[2] in running.mentioned
        run = "migration" if migrates else "start" if read else ""
        stray = False
        if not run and any(step.action == "table" for step in fact.steps):
            run = "table"  # what creates the table creates its indexes
            if stray := not running.is_named(path):
                own = _made_by_code(application) if own is None else own
        for step in fact.steps:
            makes = "" if stray and own is not None and step.table in own else run
            yield step, Origin(path, migrates, makes, stray)


def _documented(
    application: Application, files: list[tuple[str, SchemaText]], running: RunFiles
) -> list[tuple[str, SchemaText]]:
    """What files among the documents, `doc/schema.sql`, say of tables that neither a model nor another file tells of, and
    of any where something runs them."""
    told = application.of(SchemaText, Role.DOCUMENTATION)
    documents = [(file.path, fact) for file, fact in told if not _FOLDER.search(file.path)]
    if not documents:
        return []
    (entities,) = application.facts(Entities)
    known = {x.table for x in entities}
    known |= {x.table for _, fact in files for x in fact.steps if x.action == "table"}
    return [
        (path, fact)
        if running.is_named(path)
        else (path, replace(fact, steps=[x for x in fact.steps if x.table not in known]))
        for path, fact in documents
    ]


def _natural(path: str) -> list[tuple[int, str]]:
    return [(int(x), "") if x.isdigit() else (-1, x) for x in re.split(r"(\d+)", path)]


def _made_by_code(application: Application) -> set[str]:
    """The tables that the code itself makes of its models."""
    (entities,) = application.facts(Entities)
    made = creates_all(application.code)
    return {
        e.table for e in entities if made and e.mapper == "sqlalchemy" and e.managed and e.columns
    }


@gives_steps
def statement_steps(application: Application) -> Iterator[tuple[SchemaStep, Origin]]:
    """`cursor.execute("CREATE TABLE …")`."""
    reach: Reach | None = None
    found = list(_statements(application))
    for text, node, scope in sorted(found, key=lambda x: (_natural(x[2].module.path), x[1].line)):
        owner = scope.function
        if owner is not None and owner.name in OTHERWISE and not _runs_itself(owner, scope.module):
            continue
        if reach is None:
            (reach,) = application.facts(Reach)
        run = reach.started_by(CallSite(t.Call(node.line, 1, node.line, node, [], []), scope))
        migrates = bool(
            re.search(r"migrat|schema|upgrade", f"{scope.module.path} {scope.qualname}", re.I)
        )
        past = runs_once(scope.module)
        origin = Origin(scope.module.path, past, run or ("migration" if migrates else "table"))
        steps = schema_steps(text, line=node.line) or [
            step for step in unread_steps(text, node.line) if step.action == "unread table"
        ]
        if any(step.action == "table" and _UNTOLD in step.table for step in steps):
            yield SchemaStep("unread table", "", line=node.line), origin
            continue  # a table of its own, named at run time
        for step in steps:
            if past or step.action != "drop table":  # statements of running code stand in no order
                if (told := _told(step)) is not None:
                    yield told, origin


def _runs_itself(function: t.Function, module: Module) -> bool:
    """Whether a module is a program whose `upgrade` is run by it, and no revision that something else puts in order."""
    guards = (s for s in module.body if is_main_guard(s))
    return function.name == "upgrade" and any(
        isinstance(node, t.Call) and t.dotted(node.func) == function.name
        for node in t.walk_own(*guards)
    )


@gives_steps
def altering_steps(application: Application) -> Iterator[tuple[SchemaStep, Origin]]:
    """Columns and tables that are added by a text which is put together, or stands in a block of another statement, and
    those of a table that pandas writes (https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.to_sql.html)."""
    spelt = {id(node) for _, node, _ in _statements(application)}
    texts: list[tuple[t.Expr, Scope, str]] = []
    inside: set[int] = set()
    for made, scope in application.code.of_kind(t.Text):
        texts += [(made, scope, _with_holes(made))] if id(made) not in spelt else []
        inside.update(id(part) for part in made.parts)
    for plain, scope in application.code.of_kind(t.Const):
        if isinstance(plain.value, str) and id(plain) not in inside:
            texts.append((plain, scope, plain.value))
    for node, scope, text in texts:
        if _MAKES.search(text):
            yield (
                SchemaStep("unread table", "", line=node.line),
                Origin(scope.module.path, False, ""),
            )
        steps = list(altered_steps(text, node.line))
        if steps and (_HOLE.search(text) or not schema_steps(text)):
            yield from ((step, Origin(scope.module.path, False, "")) for step in steps)
    for site in application.code.method_calls("to_sql"):
        table = application.values.text(site.arg(0, "name"), site.scope) or ""
        yield SchemaStep("untold column", table), Origin(site.path, False, "")


_MAKES = re.compile(
    r"\bcreate\s+(?:\w+\s+){0,3}?table\s+(?:if\s+not\s+exists\s+)?[\"`\[]?[\w.]*(?:%|\{|$)", re.I
)
"""What makes a table whose name is put in, or follows."""
_HOLE = re.compile(r"%s|\{\w*\}")


def _with_holes(node: t.Text) -> str:
    return "".join(str(part.value) if isinstance(part, t.Const) else "{}" for part in node.parts)


_UNTOLD = "untold__"
"""What stands in a statement for what is only known at run time."""
_KEYS = ("index", "constraint", "key")


def _told(step: SchemaStep) -> SchemaStep | None:
    """A step as far as it can be told: that something is indexed, where it is not told what."""
    names = [step.table, *(name for name, _ in step.columns)]
    if step.action == "column" and any(_UNTOLD in name for name in (step.name, step.table)):
        return SchemaStep("untold column", "" if _UNTOLD in step.table else step.table)
    if not any(_UNTOLD in name for name in names):
        return step
    if step.action not in _KEYS:
        return None
    if step.action == "index" and not any(_UNTOLD in name for name in names[1:]):
        return replace(step, table="", name="")  # of one table or another
    return SchemaStep("untold index", "" if _UNTOLD in step.table else step.table, line=step.line)


def _statements(application: Application) -> Iterator[tuple[str, t.Expr, Scope]]:
    """Texts that change a schema: literals, and f-strings that a call runs or that define columns, for each turn and caller."""
    code, values = application.code, application.values
    inside = set(_undoing(application))
    sites = code.method_calls("execute", "executescript", "executemany", "exec_driver_sql", "text", "run")  # fmt: skip
    given = [x for site in sites for x in values.sources(site.arg(0), site.scope)]
    given += [Located(x, scope) for x, scope in code.of_kind(t.Text) if _defines(x)]
    for source in given:
        if isinstance(source.node, t.Text) and id(source.node) not in inside:
            inside.add(id(source.node))
            inside.update(id(part) for part in source.node.parts)
            for text in _spelt(values, source.node, source.scope):
                yield text, source.node, source.scope
    # what stands in a text that is put together is no statement by itself
    inside.update(id(part) for node, _ in code.of_kind(t.Text) for part in node.parts)
    for node, scope in code.of_kind(t.Const):
        text_ = node.value
        if isinstance(text_, str) and len(text_) > 15 and id(node) not in inside:
            for each in _changes(text_):
                yield each, node, scope


def _defines(made: t.Text) -> bool:
    """Whether an f-string has columns as tables do, wherever it is run."""
    texts = (part.value for part in made.parts if isinstance(part, t.Const))
    return any(isinstance(text, str) and _COLUMNS.search(text) for text in texts)


_COLUMNS = re.compile(r"\b(?:primary|foreign)\s+key\b|\w\s+not\s+null\s*,", re.I)


def _changes(text: str) -> list[str]:
    """A text that changes a schema, or those statements of one that begins otherwise which do: `CREATE EXTENSION …; CREATE TABLE …`."""
    if _STATEMENT.match(text[:1000]):
        return [text]
    return [each for each, _ in split(text)] if _BEFORE.match(text) else []


def _undoing(application: Application) -> Iterator[int]:
    """The texts, by `id`, that take back what a migration of Django or Tortoise does.

    Source: https://docs.djangoproject.com/en/stable/ref/migration-operations/#runsql.
    """
    for site in application.code.method_calls("RunSQL"):
        given = site.arg(1, "reverse_sql")
        for each in given.items if isinstance(given, t.Seq) else [given]:
            for source in application.values.sources(each, site.scope):
                yield id(source.node)
    for module in application.code.modules.values():
        for node, scope in application.code.nodes(module) if runs_once(module) else ():
            for part in _taking_back(node):
                for inner in t.walk_own(part):
                    if isinstance(inner, t.Name):
                        yield from (id(x.node) for x in application.values.sources(inner, scope))
                    yield id(inner)


def _taking_back(node: t.Node) -> Iterator[t.Expr]:
    """What a migration of the tree's own says beside each step to take it back: `steps = [[up, down], …]`,
    `step("CREATE …", "DROP …")` of yoyo (https://ollycope.com/software/yoyo/latest/#migrations-as-python-scripts), `{"up": …, "down": …}`."""
    match node:
        case t.Seq(items=[t.Seq(), *_] as pairs):
            parts = [pair.items for pair in pairs if isinstance(pair, t.Seq)]
            if len(parts) == len(pairs) and all(map(_is_pair, parts)):
                yield from (second for _, second in parts)
        case t.Call(args=[t.Const() | t.Text(), second] as args) if _is_pair(args):
            yield second
        case t.Map(keys=keys, values=values):
            named = ((k.value if isinstance(k, t.Const) else "", v) for k, v in zip(keys, values, strict=True))  # fmt: skip
            yield from (value for name, value in named if _BACK.search(str(name)))
        case t.Assign(targets=[t.Name(id=name)], value=value) if value is not None:
            if _BACK.search(name):
                yield value
    for keyword in node.keywords if isinstance(node, t.Call) else ():
        if _BACK.search(keyword.name or ""):
            yield keyword.value


def _is_pair(parts: list[t.Expr]) -> bool:
    """Whether of two texts one takes back what the other does."""
    return len(parts) == 2 and _adds(parts[0]) != _adds(parts[1])


def _adds(part: t.Expr) -> bool:
    """Whether a text does more than to take away: it is told, and no DROP; what is named is taken for a step."""
    match part:
        case t.Const(value=str(text)):
            return bool(text.strip()) and _DROPS.match(text) is None
        case t.Const(value=None):
            return False
        case t.Name(id=name):
            return _BACK.search(name) is None
    return True


_BACK = re.compile(
    r"(?:^|_)(?:down(?:grade)?|rollback|revert|undo|backwards?|reverse)(?:_|$)", re.I
)
_DROPS = re.compile(
    r"\s*(?:--[^\n]*\n\s*)*(?:drop|delete|truncate|alter\s+table\s+(?:if\s+exists\s+)?\S+\s+(?:drop|rename))\b",
    re.I,
)


def _spelt(values: Evaluator, node: t.Text, scope: Scope) -> Iterator[str]:
    """What an f-string that changes a schema is, under each binding of the names in it."""
    plain = [part.value if isinstance(part, t.Const) else _UNTOLD for part in node.parts]
    begins = "".join(map(str, plain)).lstrip()
    if not begins.startswith(_UNTOLD) and not _changes(begins):  # f"{CREATE} {NAME} (…)" may be one
        return
    found: dict[str, None] = {}
    for env in contexts_of(values).of(node, scope):
        with values.within(env):
            texts = [values.text(part, scope) for part in node.parts]
        found.setdefault("".join(_UNTOLD if text is None else text for text in texts))
    for each in found:
        yield from _changes(each)
