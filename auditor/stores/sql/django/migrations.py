"""Django's migrations, app by app in the order of their numbers.

Source: https://docs.djangoproject.com/en/stable/ref/migration-operations/.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.extract.sql import SchemaStep, schema_steps
from auditor.link.application import Application
from auditor.link.scopes import Located, Module, Scope, argument, place_of
from auditor.stores.sql.django.fields import field_column
from auditor.stores.sql.django.indexes import declared
from auditor.stores.sql.django.models import label_of
from auditor.stores.sql.entities import Declared, Entities, Entity, last_name
from auditor.stores.sql.migrations import Origin, Steps, gives_steps, migration_class
from auditor.stores.sql.tortoise.aerich import of_tortoise


@dataclass
class _App:
    """The models of an app as its migrations leave them, by name in small letters."""

    label: str
    models: dict[str, Entity] = field(default_factory=dict)
    uncertain: set[str] = field(default_factory=set)


@gives_steps
def django_steps(application: Application) -> Steps:
    (entities,) = application.facts(Entities)
    for label, modules in _by_app(entities).items():
        app = _App(label)
        text: list[tuple[SchemaStep, Origin]] = []
        for module in modules:
            reader = _Migration(entities, app, module)
            for step in reader.replay():
                text.append((step, Origin(module.path, True, "migration")))
        others = any(of_tortoise(entities, module) for module in modules)
        for name, entity in app.models.items():
            if entity.managed and not others:
                yield from _left(entity, name in app.uncertain)
        yield from text


def _left(entity: Entity, uncertain: bool) -> Iterator[tuple[SchemaStep, Origin]]:
    """What a model's table holds in the end."""
    origin = Origin(entity.place.path, True, "migration")
    yield SchemaStep("table", entity.table, line=entity.place.line), origin
    for column in entity.columns.values():
        yield SchemaStep("column", entity.table, column.name, type=column.type), origin
    for each in entity.indexes():
        action = {"primary key": "key", "unique": "constraint"}.get(each.implied, "index")
        at = Origin(each.place.path, True, "migration")
        yield SchemaStep(
            action, entity.table, each.name, list(each.columns), "", each.unique, each.kind, list(each.condition),
            "", each.place.line,
        ), at  # fmt: skip
    if uncertain:
        yield SchemaStep("unknown", entity.table), origin


def _by_app(entities: Entities) -> dict[str, list[Module]]:
    found: dict[str, list[Module]] = defaultdict(list)
    for path, module in sorted(entities.code.modules.items()):
        match = re.search(r"(?:^|/)(\w+)/migrations/\w+\.py$", path)
        if match and "Migration" in module.scope.bindings:
            found[label_of(entities, path.rpartition("/migrations/")[0] + "/models.py")].append(
                module
            )
    for label, modules in found.items():
        replaced = {name for m in modules for name in _replaced(entities, m)}
        found[label] = [m for m in modules if m.path.rpartition("/")[2][:-3] not in replaced]
    return dict(found)


def _replaced(entities: Entities, module: Module) -> Iterator[str]:
    node = migration_class(module)
    for stmt in node.body if node is not None else ():
        match stmt:
            case t.Assign(targets=[t.Name(id="replaces")], value=t.Seq(items=items)):
                for item in items:
                    if isinstance(item, t.Seq) and len(item.items) == 2:
                        yield entities.values.text(item.items[1], module.scope) or ""


class _Migration:
    def __init__(self, entities: Entities, app: _App, module: Module) -> None:
        self.entities, self.values, self.app, self.module = entities, entities.values, app, module
        node = migration_class(module)
        self.scope: Scope = module.scopes[id(node)] if node is not None else module.scope
        self.node = node

    def replay(self) -> Iterator[SchemaStep]:
        for stmt in self.node.body if self.node is not None else ():
            match stmt:
                case t.Assign(targets=[t.Name(id="operations")], value=value) if value is not None:
                    for source in self.values.sources(value, self.scope):
                        if isinstance(source.node, t.Seq):
                            for item in source.node.items:
                                if isinstance(item, t.Call):
                                    yield from self.operation(item)

    def text(self, call: t.Call, position: int | None, *names: str) -> str:
        return self.values.text(argument(call, position, *names), self.scope) or ""

    def operation(self, call: t.Call) -> Iterator[SchemaStep]:
        kind = last_name(call.func)
        if kind == "SeparateDatabaseAndState":
            for held in (argument(call, 0, "database_operations"), argument(call, 1, "state_operations")):  # fmt: skip
                for item in held.items if isinstance(held, t.Seq) else ():
                    if isinstance(item, t.Call):
                        yield from self.operation(item)
            return
        if kind == "RunSQL":
            given = argument(call, 0, "sql")
            for each in given.items if isinstance(given, t.Seq) else [given]:
                if text := self.values.text(each, self.scope):
                    yield from schema_steps(text, line=call.line)
            return
        if kind == "CreateModel":
            self.create(call)
            return
        if kind == "DeleteModel":
            self.app.models.pop(self.text(call, 0, "name").lower(), None)
            return
        if kind == "RenameModel":
            self.rename(call)
            return
        named = ("name",) if kind in ("AlterUniqueTogether", "AlterIndexTogether", "AlterModelTable", "AlterModelOptions") else ("model_name",)  # fmt: skip
        model = self.app.models.get(self.text(call, 0, *named).lower())
        if model is not None:
            self.change(model, kind, call)

    def create(self, call: t.Call) -> None:
        name = self.text(call, 0, "name")
        place = place_of(Located(call, self.scope), name)
        model = Entity(f"{self.app.label}:{name}", "django", f"{self.app.label}_{name.lower()}", place)  # fmt: skip
        fields = argument(call, 1, "fields")
        for pair in fields.items if isinstance(fields, t.Seq) else ():
            match pair:
                case t.Seq(items=[first, t.Call() as made]):
                    self.add(model, self.values.text(first, self.scope) or "?", made)
        options = argument(call, 2, "options")
        if isinstance(options, t.Map):
            for option, value in zip(options.keys, options.values, strict=True):
                self.option(model, self.values.text(option, self.scope) or "", value)
        self.app.models[name.lower()] = model

    def rename(self, call: t.Call) -> None:
        old, new = self.text(call, 0, "old_name").lower(), self.text(call, 1, "new_name")
        model = self.app.models.pop(old, None)
        if model is not None:
            if model.table == f"{self.app.label}_{old}":
                model.table = f"{self.app.label}_{new.lower()}"
            self.app.models[new.lower()] = model

    def add(self, model: Entity, name: str, call: t.Call) -> None:
        model.columns.pop(name, None)
        column = field_column(self.entities, name, call, self.scope)
        if column is not None:
            model.columns[name] = column

    def option(self, model: Entity, name: str, value: t.Expr) -> None:
        match name:
            case "managed":
                model.managed = not (isinstance(value, t.Const) and value.value is False)
            case "db_table":
                model.table = self.values.text(value, self.scope) or model.table
            case "unique_together" | "index_together":
                self.together(model, name.startswith("unique"), value)
            case "indexes" | "constraints":
                for node in t.walk_own(value):
                    if isinstance(node, t.Call):
                        made = declared(self.entities, model, Located(node, self.scope), self.scope)
                        if made is not None:
                            model.declared.append(made)

    def together(self, model: Entity, unique: bool, value: t.Expr | None) -> None:
        kind = "unique" if unique else "together"
        model.declared = [d for d in model.declared if d.name or d.implied != kind]
        worth = getattr(self.values.value(_listed(value), self.scope), "value", None)
        groups = worth if isinstance(worth, list) else []
        if groups and all(isinstance(x, str) for x in groups):
            groups = [groups]
        for group in groups:
            if isinstance(group, list):
                names = tuple((self.stored(model, x), 1) for x in group if isinstance(x, str))
                place = place_of(Located(value or self.node, self.scope), model.name)  # type: ignore[arg-type]
                model.declared.append(
                    Declared(names, place, unique, "", kind if unique else "together")
                )

    @staticmethod
    def stored(model: Entity, name: str) -> str:
        column = model.column(name)
        return column.name if column else name

    def change(self, model: Entity, kind: str, call: t.Call) -> None:
        match kind:
            case "AddField" | "AlterField":
                made = argument(call, 2, "field")
                if isinstance(made, t.Call):
                    self.add(model, self.text(call, 1, "name"), made)
            case "RemoveField":
                model.columns.pop(self.text(call, 1, "name"), None)
            case "RenameField":
                old, new = self.text(call, 1, "old_name"), self.text(call, 2, "new_name")
                column = model.columns.pop(old, None)
                if column is not None:
                    suffix = "_id" if column.name == f"{old}_id" else ""
                    stored = f"{new}{suffix}" if column.name in (old, f"{old}_id") else column.name
                    model.columns[new] = replace(column, attribute=new, name=stored)
                    model.declared = [
                        replace(d, columns=tuple((stored if c == column.name else c, w) for c, w in d.columns))
                        for d in model.declared
                    ]  # fmt: skip
            case "AddIndex" | "AddConstraint" | "AddIndexConcurrently":
                made = argument(call, 1, "index", "constraint")
                found = next((s for s in self.values.sources(made, self.scope) if isinstance(s.node, t.Call)), None)  # fmt: skip
                if found is not None:
                    if (one := declared(self.entities, model, found, found.scope)) is not None:
                        model.declared.append(one)
                else:
                    self.app.uncertain.add(model.name.rpartition(":")[2].lower())
            case "RemoveIndex" | "RemoveConstraint" | "RemoveIndexConcurrently":
                name = self.text(call, 1, "name")
                model.declared = [d for d in model.declared if d.name != name]
            case "RenameIndex":
                old, new = self.text(call, None, "old_name"), self.text(call, None, "new_name")
                model.declared = [replace(d, name=new) if d.name == old and old else d for d in model.declared]  # fmt: skip
            case "AlterUniqueTogether" | "AlterIndexTogether":
                self.together(model, "Unique" in kind, argument(call, 1, "unique_together", "index_together"))  # fmt: skip
            case "AlterModelTable":
                model.table = self.text(call, 1, "table") or model.table


def _listed(value: t.Expr | None) -> t.Expr | None:
    """`set([("a", "b")])` and `{("a", "b")}` alike."""
    if isinstance(value, t.Call) and last_name(value) in ("set", "list", "tuple"):
        return value.args[0] if value.args else t.Seq(value.line, 1, value.line, "list", [])
    return value
