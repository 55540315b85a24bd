"""Alembic's migrations, in the order of their revisions.

Source: https://alembic.sqlalchemy.org/en/latest/ops.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.extract.sql import SchemaStep, kind_of_method, schema_steps
from auditor.link.application import Application
from auditor.link.origins import Env
from auditor.link.scopes import Located, Module, Scope, argument, place_of
from auditor.stores.sql.entities import Entities, last_name, pattern_class, truth
from auditor.stores.sql.migrations import Origin, Steps, gives_steps
from auditor.stores.sql.sqlalchemy.columns import column

_MARK = "given_at_run_time"
_CONSTRAINTS = {"UniqueConstraint", "PrimaryKeyConstraint", "ForeignKeyConstraint", "Index"}


@gives_steps
def alembic_steps(application: Application) -> Steps:
    (entities,) = application.facts(Entities)
    for module in _in_order(entities):
        origin = Origin(module.path, True, "migration")
        for step in _Revision(entities, module).steps():
            yield step, origin


def _in_order(entities: Entities) -> list[Module]:
    """The revisions, each after those that it follows."""
    revisions: dict[str, tuple[Module, list[str]]] = {}
    for module in entities.code.modules.values():
        names = module.scope.bindings
        if "down_revision" in names and "revision" in names and "upgrade" in names:
            told = [_texts(entities, module, name) for name in ("revision", "down_revision")]
            if told[0]:
                revisions[told[0][0]] = (module, told[1])
    ordered: list[Module] = []
    done: set[str] = set()
    waiting = sorted(revisions)
    while waiting:
        ready = [
            r for r in waiting if all(d in done or d not in revisions for d in revisions[r][1])
        ]
        for revision in ready or waiting[:1]:  # a cycle is cut somewhere
            done.add(revision)
            ordered.append(revisions[revision][0])
        waiting = [r for r in waiting if r not in done]
    return ordered


def _texts(entities: Entities, module: Module, name: str) -> list[str]:
    for binding in module.scope.bindings[name]:
        if binding.value is not None:
            worth = getattr(entities.values.value(binding.value, module.scope), "value", None)
            if isinstance(worth, str):
                return [worth]
            if isinstance(worth, list):
                return [x for x in worth if isinstance(x, str)]
    return []


_UPGRADES = ("upgrade", "schema_upgrades", "upgrade_")
_MAX_STEPS = 4000
_MAX_DEPTH = 4
_INDEX = re.compile(r"\s*create\s+(?:unique\s+)?index\b", re.I)


class _Revision:
    """What a revision does, in its order: also in loops over lists that stand in the code, and in
    functions of the tree that it calls."""

    def __init__(self, entities: Entities, module: Module) -> None:
        self.entities, self.values, self.module = entities, entities.values, module
        self.code = entities.code
        self.batches: dict[str, str] = {}
        self.made: list[SchemaStep] = []
        self.left = _MAX_STEPS

    def steps(self) -> list[SchemaStep]:
        for stmt in self.module.body:
            if isinstance(stmt, t.Function) and stmt.name in _UPGRADES:
                self.block(stmt.body, self.module.scopes[id(stmt)], 0)
        return self.made

    def block(self, body: Sequence[t.Stmt], scope: Scope, depth: int) -> None:
        for stmt in body:
            self.left -= 1
            if self.left < 0:
                return
            match stmt:
                case t.For(target=target, iter=iter_, body=inner):
                    for turn in self.turns(target, iter_, scope) or [{}]:
                        with self.values.within(turn):
                            self.block(inner, scope, depth)
                case t.If(test=test, body=inner, orelse=other):
                    self.calls(test, scope, depth)
                    self.block([*inner, *other], scope, depth)
                case t.Try(body=inner, handlers=handlers, orelse=other, final=final):
                    caught = [x for handler in handlers for x in handler.body]
                    self.block([*inner, *other, *caught, *final], scope, depth)
                case t.With(contexts=contexts, targets=targets, body=inner):
                    for context, name in zip(contexts, targets, strict=True):
                        self.batch(context, name, scope)
                        self.calls(context, scope, depth)
                    self.block(inner, scope, depth)
                case t.Function() | t.Class():
                    pass
                case _:
                    self.calls(stmt, scope, depth)

    def batch(self, context: t.Expr, target: t.Expr | None, scope: Scope) -> None:
        if isinstance(context, t.Call) and last_name(context) == "batch_alter_table":
            if isinstance(target, t.Name):
                self.batches[target.id] = self.text(argument(context, 0, "table_name"), scope)

    def turns(self, target: t.Expr, iter_: t.Expr, scope: Scope) -> list[Env]:
        """What each turn of a loop over a list of the code binds."""
        of_pairs = isinstance(iter_, t.Call) and last_name(iter_) == "items" and not iter_.args
        listed = iter_.func.value if of_pairs and isinstance(iter_.func, t.Attr) else iter_  # type: ignore[union-attr]
        made: list[Env] = []
        for source in self.values.sources(listed, scope):
            match source.node:
                case t.Seq(items=items):
                    turns = [self.bound(target, Located(x, source.scope), scope) for x in items]
                case t.Map(keys=keys, values=values):
                    pairs = [t.Seq(k.line, 1, k.line, "tuple", [k, v] if of_pairs else [k]) for k, v in zip(keys, values, strict=True) if k]  # fmt: skip
                    turns = [self.bound(target, Located(x if of_pairs else x.items[0], source.scope), scope) for x in pairs]  # fmt: skip
                case _:
                    turns = []
            made += turns
        return made

    def bound(self, target: t.Expr, item: Located, scope: Scope) -> Env:
        """`for table, columns in …`: each name with its part of an item."""
        match target, item.node:
            case t.Name(id=name), _:
                return {(id(scope), name): item}
            case t.Seq(items=names), t.Seq(items=parts):
                made: Env = {}
                for name_, part in zip(names, parts, strict=False):
                    made |= self.bound(name_, Located(part, item.scope), scope)
                return made
        return {}

    def calls(self, node: t.Node, scope: Scope, depth: int) -> None:
        for call in t.walk_own(node):
            if not isinstance(call, t.Call):
                continue
            called = self.code.defined(call.func, scope) if depth < _MAX_DEPTH else None
            if called is not None and isinstance(called.node, t.Function):
                inner = self.code.inside(called)
                with self.values.within(self.given(called.node, call, inner, scope)):
                    self.block(called.node.body, inner, depth + 1)
            elif isinstance(call.func, t.Attr):
                self.made += self.operation(call, call.func, scope)

    @staticmethod
    def given(function: t.Function, call: t.Call, inner: Scope, scope: Scope) -> Env:
        """What a call gives a function's parameters; those left out have their defaults."""
        made: Env = {}
        for position, param in enumerate(function.params):
            value = argument(call, position if param.kind == "positional" else None, param.name)
            if value is not None:
                made[id(inner), param.name] = Located(value, scope)
        return made

    def text(self, expr: t.Expr | None, scope: Scope) -> str:
        if isinstance(expr, t.Call) and last_name(expr) in (
            "f",
            "text",
            "quoted_name",
            "_f",
            "naming",
        ):
            expr = expr.args[0] if expr.args else None
        return self.values.text(expr, scope) or ""

    def operation(self, call: t.Call, func: t.Attr, scope: Scope) -> Iterator[SchemaStep]:
        line = call.line
        batch = self.batches.get(func.value.id) if isinstance(func.value, t.Name) else None

        def given(position: int, *names: str) -> t.Expr | None:
            if batch is not None and "table_name" in names:
                return None
            return argument(call, position - 1 if batch is not None and position else position, *names)  # fmt: skip

        def table(position: int, *names: str) -> str:
            return batch if batch is not None else self.text(argument(call, position, *names), scope)  # fmt: skip

        match func.name:
            case "create_table":
                name = self.text(argument(call, 0, "table_name"), scope)
                yield SchemaStep("table", name, line=line)
                for arg in call.args[1:]:
                    for inner in self.members(arg, scope):
                        yield from self.member(inner.node, name, inner.scope, whole=True)  # type: ignore[arg-type]
            case "add_column":
                name = table(0, "table_name")
                made = call.args[-1] if call.args else None
                if isinstance(made, t.Call):
                    yield from self.member(made, name, scope)
            case "drop_column":
                yield SchemaStep("drop column", table(0, "table_name"), self.text(call.args[-1] if call.args else argument(call, None, "column_name"), scope), line=line)  # fmt: skip
            case "drop_table":
                yield SchemaStep("drop table", self.text(argument(call, 0, "table_name"), scope), line=line)  # fmt: skip
            case "rename_table":
                old, new = (self.text(argument(call, i), scope) for i in (0, 1))
                yield SchemaStep("rename table", old, to=new, line=line)
            case "create_index":
                name = self.text(argument(call, 0, "index_name"), scope)
                owner = table(1, "table_name")
                columns = given(2, "columns")
                found = self.columns(columns, scope)
                if not found:
                    yield SchemaStep("untold index", owner, line=line)
                    return
                unique = truth(self.values, call, scope, "unique") is True
                using = self.text(argument(call, None, "postgresql_using"), scope)
                kind = kind_of_method(using)
                condition = _condition(call)
                yield SchemaStep("index", owner, name, found, "", unique, kind, condition, "", line, pattern=pattern_class(call))  # fmt: skip
            case "drop_index":
                yield SchemaStep("drop index", "", self.text(argument(call, 0, "index_name"), scope), line=line)  # fmt: skip
            case "create_unique_constraint" | "create_primary_key":
                name = self.text(argument(call, 0, "constraint_name"), scope)
                owner = table(1, "table_name", "source")
                found = self.columns(given(2, "columns"), scope)
                action = "constraint" if "unique" in func.name else "key"
                yield SchemaStep(action if found else "untold index", owner, name, found, "", True, line=line)  # fmt: skip
            case "create_foreign_key":
                owner = table(1, "source_table")
                position = 3 if batch is None else 2
                found = self.columns(argument(call, position, "local_cols"), scope)
                to = self.text(argument(call, position - 1, "referent_table"), scope)
                yield SchemaStep("foreign key", owner, columns=found, to=to, line=line)
            case "drop_constraint":
                yield SchemaStep("drop constraint", table(1, "table_name"), self.text(argument(call, 0, "constraint_name"), scope), line=line)  # fmt: skip
            case "alter_column":
                new = self.text(argument(call, None, "new_column_name"), scope)
                if new:
                    before = argument(call, 1 if batch is None else 0, "column_name")
                    yield SchemaStep("rename column", table(0, "table_name"), self.text(before, scope), to=new, line=line)  # fmt: skip
            case "execute" | "exec_driver_sql":
                yield from self.statement(argument(call, 0, "sqltext", "statement"), scope, line)

    def statement(self, expr: t.Expr | None, scope: Scope, line: int) -> Iterator[SchemaStep]:
        """`op.execute("CREATE INDEX …")`; of what is put in at run time only that it is there is known."""
        if text := self.text(expr, scope):
            yield from schema_steps(text, line=line)
            return
        inner = expr.args[0] if isinstance(expr, t.Call) and expr.args else expr
        for source in self.values.sources(inner, scope):
            if isinstance(source.node, t.Text):
                parts = [self.text(x, source.scope) for x in source.node.parts]
                text = "".join(part or _MARK for part in parts)
                for step in schema_steps(text, line=line) if _INDEX.match(text) else ():
                    table = "" if _MARK in step.table else step.table
                    if any(_MARK in column for column, _ in step.columns):
                        yield SchemaStep("untold index", table, line=line)
                    else:
                        yield replace(step, table=table)

    def columns(self, expr: t.Expr | None, scope: Scope) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        sources = self.values.sources(expr, scope)
        if len(sources) == 1 and isinstance(sources[0].node, t.Seq):
            expr, scope = sources[0].node, sources[0].scope
        items = expr.items if isinstance(expr, t.Seq) else None
        if items is None:
            worth = getattr(self.values.value(expr, scope), "value", None)
            return [(x, 1) for x in worth if isinstance(x, str)] if isinstance(worth, list) else []
        for item in items:
            way = 1
            if isinstance(item, t.Call) and isinstance(item.func, t.Attr) and item.func.name in ("desc", "asc"):  # fmt: skip
                way = -1 if item.func.name == "desc" else 1
                item = item.func.value
            text = self.text(item, scope) or _applied(item)
            if text:
                plain = text.lower().split()
                down = len(plain) > 1 and plain[1] == "desc"
                alone = len(plain) > 1 and (
                    plain[1] in ("desc", "asc") or plain[1].endswith("_ops")
                )
                spelt = plain[0] if alone else text.replace(" ", "").lower()
                found.append(
                    (spelt if len(plain) > 1 or "(" in text else text, -1 if down else way)
                )
        return found

    def members(self, arg: t.Expr, scope: Scope) -> list[Located]:
        """`sa.Column(…)`, `*columns`, `*timestamps()`."""
        if not isinstance(arg, t.Star):
            return [Located(arg, scope)] if isinstance(arg, t.Call) else []
        listed = [s for s in self.values.sources(arg.value, scope) if isinstance(s.node, t.Seq)]
        if not listed and isinstance(arg.value, t.Call):
            return [Located(arg.value, scope)]
        return [Located(x, s.scope) for s in listed for x in s.node.items if isinstance(x, t.Call)]  # type: ignore[attr-defined]

    def member(
        self, call: t.Call, table: str, scope: Scope, *, whole: bool = False
    ) -> Iterator[SchemaStep]:
        """A column or constraint; `whole` where its table is created with it, and what listens to that runs."""
        kind, line = last_name(call.func), call.line
        if kind == "Column" and call.args:
            name = self.text(call.args[0], scope)
            made = column(self.entities, name, call, None, scope, place_of(Located(call, scope)))
            yield SchemaStep("column", table, made.name, type=made.type, line=line)
            only = [(made.name, 1)]
            if made.primary:
                yield SchemaStep("key", table, columns=only, unique=True, line=line)
            if made.unique and not made.indexed:
                yield SchemaStep("constraint", table, columns=only, unique=True, line=line)
            if made.indexed:
                yield SchemaStep("index", table, f"ix_{table}_{made.name}", only, unique=made.unique, line=line)  # fmt: skip
            if made.spatial and whole:  # GeoAlchemy's types create theirs then
                yield SchemaStep("index", table, f"idx_{table}_{made.name}", only, kind="other", line=line)  # fmt: skip
            if made.target:
                yield SchemaStep("foreign key", table, columns=only, to=made.target.rpartition(".")[0], line=line)  # fmt: skip
        elif kind in _CONSTRAINTS:
            args = call.args[1:] if kind == "Index" else call.args
            if kind == "ForeignKeyConstraint":
                columns = self.columns(call.args[0] if call.args else None, scope)
                yield SchemaStep("foreign key", table, columns=columns, line=line)
                return
            columns = self.columns(t.Seq(line, 1, line, "list", list(args)), scope)
            name = self.text(call.args[0] if kind == "Index" and call.args else argument(call, None, "name"), scope)  # fmt: skip
            action = {"UniqueConstraint": "constraint", "PrimaryKeyConstraint": "key"}.get(kind, "index")  # fmt: skip
            unique = action != "index" or truth(self.values, call, scope, "unique") is True
            yield SchemaStep(action, table, name, columns, "", unique, line=line)


def _applied(expr: t.Expr) -> str:
    """`sa.func.lower(sa.column("email"))`, `sa.column("email")`."""
    match expr:
        case t.Call(func=t.Attr(value=owner, name=name), args=[inner, *_]) if last_name(owner) == "func":  # fmt: skip
            return f"{name}({_applied(inner)})"
        case t.Call(args=[t.Const(value=str(text)), *_]):
            return text
        case t.Const(value=str(text)):
            return text
    return ""


def _condition(call: t.Call) -> list[str]:
    words: list[str] = []
    for keyword in call.keywords:
        if keyword.name and keyword.name.endswith("_where"):
            for node in t.walk_own(keyword.value):
                if isinstance(node, t.Const) and isinstance(node.value, str):
                    words += re.findall(r"[a-z_]\w*", node.value.lower())
    skip = {"is", "not", "null", "and", "or", "true", "false", "in"}
    return [w for w in dict.fromkeys(words) if w not in skip][:1]
