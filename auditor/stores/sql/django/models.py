"""Django's models: tables, with what abstract classes and `Meta` say of them, and relations.

Source: https://docs.djangoproject.com/en/stable/ref/models/options/.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.scopes import Located, Scope, argument, place_of
from auditor.stores.sql.django.fields import ONE, field_column, is_field, stored
from auditor.stores.sql.django.indexes import declared
from auditor.stores.sql.django.packages import (
    ORDERED,
    PACKAGED,
    entity_name,
    groups,
    join_table,
    package,
    packaged,
    user_model,
)
from auditor.stores.sql.entities import (
    Column,
    Declared,
    Entities,
    Entity,
    Relation,
    last_name,
    reads_entities,
)

_BASE = re.compile(
    r"^(?:django|model_utils|mptt|polymorphic|parler|treebeard|django_extensions|simple_history|modelcluster|taggit"
    r"|wagtail|oauth2_provider|guardian|rest_framework|allauth|safedelete|django_\w+)\b.*"
    r"(?:Model|AbstractUser|AbstractBaseUser|Mixin|Abstract\w+|Page|Node|Token|Permission|Group|User|Site|Session)$"
)


@reads_entities
def django_model(entities: Entities, found: Located, ancestry: list[str]) -> Entity | None:
    above = ancestry[1:]
    if any(_BASE.search(name) for name in above):
        kept = _is_told(above) or _has_fields(found) or _flag(_meta(found), "proxy")
    else:
        kept = _has_djangos_fields(entities, found, ancestry)
    return _Reading(entities, found, ancestry).entity() if kept else None


def _is_told(above: list[str]) -> bool:
    """Whether a class inherits from Django's own, or from one of a package that is known here."""
    return any(name.startswith("django.db.") or package(name) for name in above)


def _has_djangos_fields(entities: Entities, found: Located, ancestry: list[str]) -> bool:
    """Whether a class inherits from one of a package that nobody knows here, and gives it columns."""
    code = entities.code
    foreign = [x for x in ancestry[1:] if code.definition(x) is None and "." in x]
    if not foreign or any(x.startswith(("django.", "builtins.")) for x in foreign):
        return False
    inner = code.inside(found)
    return any(
        isinstance(stmt, t.Assign)
        and isinstance(stmt.value, t.Call)
        and re.search(r"(?:Field|ForeignKey)$", last_name(stmt.value))
        and code.name(stmt.value.func, inner).startswith(
            ("django.db.models.", "django.contrib.gis.db.")
        )
        for stmt in found.node.body  # type: ignore[attr-defined]
    )


def _has_fields(found: Located) -> bool:
    return any(
        isinstance(stmt, t.Assign)
        and re.search(r"Field$|^(?:ForeignKey|ParentalKey)$", last_name(stmt.value))
        for stmt in found.node.body  # type: ignore[attr-defined]
    )


class _Reading:
    def __init__(self, entities: Entities, found: Located, ancestry: list[str]) -> None:
        assert isinstance(found.node, t.Class)
        self.entities, self.code, self.values = entities, entities.code, entities.values
        self.found, self.name, self.ancestry = found, found.node.name, ancestry
        self.classes = [
            owner
            for name in ancestry
            if (owner := self.code.definition(name)) is not None and isinstance(owner.node, t.Class)
        ]

    def entity(self) -> Entity | None:
        if _flag(_meta(self.found), "abstract"):
            return None
        place = place_of(self.found, self.name)
        entity = Entity(self.ancestry[0], "django", self.keeper.table(), place, self.found)
        match self.meta.get("managed"):
            case Located(node=t.Const(value=False)):
                entity.managed = False
        if self.is_proxy:
            entity.managed = False
            found = (packaged(self.entities, n) for n in self.ancestry[1:] if self.above is None)
            if (base := next((e for e in found if e is not None), None)) is not None:
                entity.table, entity.relations = base.table, base.relations
                entity.columns = dict(base.columns)
        parent = self.above if not self.is_proxy else None
        above = parent.ancestry if parent is not None else []
        for name in (n for n in reversed(self.ancestry) if n not in above):
            for attribute, kind, primary, unique, indexed in PACKAGED.get(package(name), ()):
                entity.columns[attribute] = Column(
                    attribute, attribute, kind, place, primary, unique, indexed
                )
        fields: dict[str, tuple[t.Call, Scope]] = {}
        for owner in reversed(self.classes):
            if self.code.own_name(owner) in above:
                continue  # its fields stand in the table of its own
            inner = self.code.inside(owner)
            for stmt in owner.node.body:  # type: ignore[attr-defined]
                match stmt:
                    case t.Assign(targets=[t.Name(id=name)], value=t.Call(func=func) as call):
                        if is_field(self.code.name(func, inner), last_name(func)):
                            fields.pop(name, None)
                            fields[name] = (call, inner)
                    case t.Assign(targets=[t.Name(id=name)], value=t.Const(value=None)):
                        fields.pop(name, None)  # what a class says is None, it does not inherit
                        entity.columns.pop(name, None)
        for name, (call, inner) in fields.items():
            self.field(entity, name, call, inner)
        if parent is not None:
            entity.pending.append(
                (2, lambda all_: self.inherit(entity, all_.by_name.get(above[0])))
            )
            name = f"{parent.name.lower()}_ptr"
            entity.columns[name] = Column(name, f"{name}_id", "OneToOneField", place, primary=True)
        if {"AbstractUser", "PermissionsMixin"} & {n.rpartition(".")[2] for n in self.ancestry}:
            entity.pending.append((2, lambda all_: groups(all_, entity)))
        if not any(c.primary for c in entity.columns.values()):
            entity.columns["id"] = Column("id", "id", "AutoField", place, primary=True)
        for known in map(package, reversed(self.metas)):
            entity.ordering = ORDERED.get(known, {}).get("ordering", entity.ordering)
            entity.latest = ORDERED.get(known, {}).get("latest", entity.latest)
        entity.pending.append((1, lambda _: self.options(entity)))
        entity.pending.append((3, lambda all_: self.cut(entity, all_)))
        return entity

    def concrete(self, owner: Located) -> bool:
        """Whether a base has a table of its own."""
        ancestry = self.code.ancestry(owner)
        return (
            any(_BASE.search(n) for n in ancestry[1:])
            and _is_told(ancestry[1:])
            and not _flag(_meta(owner), "abstract")
        )  # fmt: skip

    def inherit(self, entity: Entity, parent: Entity | None) -> None:
        """Multi-table inheritance: one key for both tables."""
        key = entity.key
        if parent is None or key is None or parent.key is None:
            return
        entity.relations[key.attribute] = Relation(
            key.attribute, parent.name, False, key.name, parent.key.name
        )
        back = entity_name(entity)
        parent.relations.setdefault(
            back, Relation(back, entity.name, False, parent.key.name, key.name)
        )

    def label(self) -> str:
        return self._option("app_label") or label_of(self.entities, self.found.path)

    def table(self) -> str:
        return self._option("db_table") or f"{self.label()}_{self.name.lower()}"

    def _option(self, name: str) -> str:
        given = self.meta.get(name)
        return self.values.text(given.node, given.scope) or "" if given is not None else ""  # type: ignore[arg-type]

    @functools.cached_property
    def is_proxy(self) -> bool:
        return bool(_flag(_meta(self.found), "proxy"))

    @functools.cached_property
    def keeper(self) -> _Reading:
        """The class whose table it is: that of a proxy is the next above which has one."""
        base = self.above if self.is_proxy else None
        return base.keeper if base is not None else self

    @functools.cached_property
    def above(self) -> _Reading | None:
        """The next class above that is no abstract one."""
        base = next((o for o in self.classes[1:] if self.concrete(o)), None)
        return _Reading(self.entities, base, self.code.ancestry(base)) if base is not None else None

    @functools.cached_property
    def metas(self) -> list[str]:
        """The names of its `Meta`, or that of the nearest abstract class, and of those that this inherits from."""
        stored = self.above.ancestry if self.above is not None else ()
        for name in (n for n in self.ancestry if n not in stored):
            if package(name):
                return [f"{name}.Meta"]
            owner = self.code.definition(name)
            meta = _meta(owner) if owner is not None and isinstance(owner.node, t.Class) else None
            if meta is not None and (name == self.ancestry[0] or _flag(meta, "abstract")):
                return self.code.ancestry(meta)
        return []

    @functools.cached_property
    def meta(self) -> dict[str, Located]:
        """What its `Meta` says, with what that inherits; else that of the nearest abstract class."""
        found: dict[str, Located] = {}
        for name in self.metas:
            owner = self.code.definition(name)
            for stmt in getattr(owner.node, "body", ()) if owner is not None else ():
                match stmt:
                    case t.Assign(targets=[t.Name(id=option)], value=value) if value is not None:
                        found.setdefault(option, Located(value, self.code.inside(owner)))  # type: ignore[arg-type]
        if self.is_proxy and self.above is not None:
            orders = ("ordering", "get_latest_by")
            found = {k: v for k, v in self.above.meta.items() if k in orders} | found
        return found

    # --- fields

    def field(self, entity: Entity, name: str, call: t.Call, scope: Scope) -> None:
        kind = last_name(call.func)
        entity.columns.pop(name, None)
        if kind in ("ManyToManyField", "ParentalManyToManyField"):
            entity.pending.append((3, lambda all_: self.many(entity, name, call, scope)))
            return
        if kind == "GenericRelation":
            entity.pending.append((2, lambda all_: self.generic(entity, name, call, scope)))
        column = field_column(self.entities, name, call, scope)
        if column is not None:
            entity.columns[name] = column
            if column.target:
                entity.pending.append((2, lambda all_: self.key(entity, column, call, scope)))

    def key(self, entity: Entity, column: Column, call: t.Call, scope: Scope) -> None:
        target = self.target(entity, argument(call, 0, "to"), scope)
        if target is None:
            return
        remote = target.key.name if target.key else "id"
        if to_field := self.values.text(argument(call, None, "to_field"), scope):
            found = target.column(to_field)
            remote = found.name if found else to_field
        entity.columns[column.attribute] = replace(column, target=f"{target.table}.{remote}")
        entity.relations[column.attribute] = Relation(
            column.attribute, target.name, False, column.name, remote
        )
        related = self.values.text(argument(call, None, "related_name"), scope)
        one = last_name(call.func) in ONE
        back = _filled(related, entity, self.label()) or (
            entity_name(entity) if one else f"{entity_name(entity)}_set"
        )
        if back.endswith("+"):
            return
        query_name = self.values.text(argument(call, None, "related_query_name"), scope)
        relation = Relation(back, entity.name, not one, remote, column.name)
        target.relations.setdefault(back, relation)
        plain = query_name or (back if related else entity_name(entity))
        target.relations.setdefault(_filled(plain, entity, self.label()) or plain, relation)

    def generic(self, entity: Entity, name: str, call: t.Call, scope: Scope) -> None:
        """https://docs.djangoproject.com/en/stable/ref/contrib/contenttypes/#reverse-generic-relations"""
        target = self.target(entity, argument(call, 0, "to"), scope)
        if target is None:
            return
        key = self.values.text(argument(call, None, "object_id_field"), scope) or "object_id"
        kind = self.values.text(argument(call, None, "content_type_field"), scope) or "content_type"
        one, two = target.column(key), target.column(kind)
        if one is not None and two is not None:
            local = entity.key.name if entity.key else "id"
            entity.relations[name] = Relation(
                name, target.name, True, local, one.name, kind=two.name
            )

    def many(self, entity: Entity, name: str, call: t.Call, scope: Scope) -> None:
        target = self.target(entity, argument(call, 0, "to"), scope)
        if target is None:
            return
        through = argument(call, None, "through")
        between = self.target(entity, through, scope) if through is not None else None
        if between is not None:
            own, other = _key_to(between, entity), _key_to(between, target)
            if own is None or other is None:
                return
            via = (between.table, own.name, other.name)
        else:
            table = (
                self.values.text(argument(call, None, "db_table"), scope)
                or f"{entity.table}_{name}"
            )
            one, two = f"{self.stored_as(entity)}_id", f"{entity_name(target)}_id"
            if one == two:
                one, two = f"from_{one}", f"to_{two}"
            via = (table, one, two)
            place = place_of(Located(call, scope), name)
            join_table(self.entities, entity, target, via, place)
        entity.relations[name] = Relation(name, target.name, True, "", "", "", via)
        related = self.values.text(argument(call, None, "related_name"), scope)
        back = _filled(related, entity, self.label()) or f"{entity_name(entity)}_set"
        if not back.endswith("+"):
            relation = Relation(back, entity.name, True, "", "", "", (via[0], via[2], via[1]))
            target.relations.setdefault(back, relation)
            if not related:
                target.relations.setdefault(entity_name(entity), relation)

    def stored_as(self, entity: Entity) -> str:
        """The name of the class whose table it is: a proxy's is the one above it."""
        return entity_name(entity) if self.keeper is self else self.keeper.name.lower()

    def target(self, entity: Entity, expr: t.Expr | None, scope: Scope) -> Entity | None:
        """The model that a field refers to: a class, `"self"`, `"app.Model"`, the user model."""
        if expr is None:
            return None
        if isinstance(expr, t.Const) and expr.value == "self":
            return entity
        if isinstance(expr, t.Const) and isinstance(expr.value, str):
            return self.entities.called(expr.value, entity) or packaged(
                self.entities, f"x.{expr.value}"
            )
        found = entity_of(self.entities, expr, scope)
        if found is None and last_name(expr) in ("AUTH_USER_MODEL", "get_user_model", "User"):
            return user_model(self.entities)
        return found

    # --- Meta

    def options(self, entity: Entity) -> None:
        for name, given in self.meta.items():
            self.option(entity, name, given.node, given.scope)  # type: ignore[arg-type]

    def option(self, entity: Entity, name: str, value: t.Expr, scope: Scope) -> None:
        match name:
            case "unique_together" | "index_together":
                unique = name == "unique_together"
                for names in self._together(value, scope):
                    fields = tuple((stored(entity, n), 1) for n in names)
                    place = place_of(Located(value, scope), entity.name.rpartition(":")[2])
                    implied = "unique" if unique else ""
                    entity.declared.append(Declared(fields, place, unique, "", implied))
            case "indexes" | "constraints":
                for call in self._listed(value, scope):
                    if made := declared(self.entities, entity, call, call.scope):
                        entity.declared.append(made)
            case "ordering":
                entity.ordering = tuple(self._ordering(entity, value, scope))
            case "get_latest_by":
                entity.latest = tuple(self._ordering(entity, value, scope))

    def _listed(self, value: t.Expr, scope: Scope) -> Iterator[Located]:
        """The calls of a list, `[models.Index(…)]`, also of one that is added to another."""
        match value:
            case t.BinOp(op="+", left=left, right=right):
                parts = [left, right]
            case t.Seq(items=items):
                parts = [i.value if isinstance(i, t.Star) else i for i in items]
            case t.Name() | t.Attr():
                for source in self.values.sources(value, scope):
                    if isinstance(source.node, t.Expr) and source.node is not value:
                        yield from self._listed(source.node, source.scope)
                return
            case t.Call() if last_name(value) not in ("list", "tuple"):
                yield Located(value, scope)
                return
            case _:
                parts = value.args if isinstance(value, t.Call) else []
        for part in parts:
            yield from self._listed(part, scope)

    def _together(self, value: t.Expr, scope: Scope) -> list[list[str]]:
        plain = getattr(self.values.value(value, scope), "value", None)
        if not isinstance(plain, list) or not plain:
            return []
        if all(isinstance(x, str) for x in plain):
            return [plain]
        return [list(x) for x in plain if isinstance(x, list) and all(isinstance(y, str) for y in x)]  # fmt: skip

    def _ordering(self, entity: Entity, value: t.Expr, scope: Scope) -> Iterator[tuple[str, int]]:
        for item in value.items if isinstance(value, t.Seq) else [value]:
            text = self.values.text(item, scope)
            if text is None or "__" in text or text == "?":
                return
            if self.above is not None and entity.column(text.lstrip("-")) is None:
                return  # a column of the table above
            yield stored(entity, text.lstrip("-")), -1 if text.startswith("-") else 1

    @staticmethod
    def cut(entity: Entity, every: Entities) -> None:
        """A relation to a model that has an order sorts by that order, not by the key: no index has it."""
        kept: list[tuple[str, int]] = []
        for name, way in entity.ordering:
            column = entity.column(name)
            relation = entity.relations.get(column.attribute) if column is not None else None
            target = every.by_name.get(relation.target) if relation is not None else None
            if target is not None and target.ordering:
                break
            kept.append((name, way))
        entity.ordering = tuple(kept)


def _meta(found: Located) -> Located | None:
    scope = found.scope.module.scopes[id(found.node)]
    for stmt in found.node.body:  # type: ignore[attr-defined]
        if isinstance(stmt, t.Class) and stmt.name == "Meta":
            return Located(stmt, scope)
    return None


def _flag(meta: Located | None, name: str) -> bool:
    """Whether a `Meta` itself says `abstract = True`: it is not inherited."""
    for stmt in meta.node.body if meta is not None else ():  # type: ignore[attr-defined]
        match stmt:
            case t.Assign(targets=[t.Name(id=own)], value=t.Const(value=True)) if own == name:
                return True
    return False


def _filled(name: str | None, entity: Entity, label: str) -> str:
    return (name or "").replace("%(class)s", entity_name(entity)).replace("%(app_label)s", label)


def _key_to(entity: Entity, target: Entity) -> Column | None:
    for column in entity.columns.values():
        relation = entity.relations.get(column.attribute)
        if relation is not None and relation.target == target.name:
            return column
    return None


def label_of(entities: Entities, path: str) -> str:
    """The label of the app that a module belongs to: its package, or what its `AppConfig` says."""
    folder = PurePosixPath(path).parent
    for each in (folder, *folder.parents):
        base = str(each)
        if base in (".", ""):
            break
        if f"{base}/apps.py" in entities.code.modules:
            module = entities.code.modules[f"{base}/apps.py"]
            for stmt in module.body:
                if isinstance(stmt, t.Class):
                    for inner in stmt.body:
                        match inner:
                            case t.Assign(
                                targets=[t.Name(id="label")], value=t.Const(value=str(text))
                            ):
                                return text
            return each.name
        if f"{base}/models.py" in entities.code.modules or f"{base}/models/__init__.py" in entities.code.modules:  # fmt: skip
            return each.name
    names = [p.name for p in (folder, *folder.parents) if p.name not in ("models", "")]
    return names[0] if names else "app"


def entity_of(entities: Entities, expr: t.Expr, scope: Scope) -> Entity | None:
    """The model that an expression names, `get_user_model()` and Django's own models included."""
    if isinstance(expr, t.Call):
        if last_name(expr.func) == "get_user_model":
            return user_model(entities)
        if last_name(expr.func) == "get_model" and expr.args:
            texts = [entities.values.text(a, scope) or "" for a in expr.args[:2]]
            known = next(iter(entities), None)
            return entities.called(".".join(texts), known) if known is not None else None
        return None
    if (found := entities.of(expr, scope)) is not None:
        return found
    if not isinstance(expr, t.Name | t.Attr):
        return None
    for origin in entities.values.origins(expr, scope)[:1]:
        match origin.node:
            case t.Call(func=func, args=[t.Lambda(body=body)]) if last_name(func) == "Depends":
                return entities.of(body, origin.scope)  # model=Depends(lambda: Item)
    name = entities.code.name(expr, scope)
    if name.endswith("get_user_model()"):
        return user_model(entities)
    if name.endswith("get_model()"):
        for source in entities.values.sources(expr, scope)[:1]:
            if isinstance(source.node, t.Call):
                return entity_of(entities, source.node, source.scope)
    return packaged(entities, name)
