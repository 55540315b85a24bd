"""Models that Django itself and packages bring: their columns, their tables, and who the user is."""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.model.places import Place
from auditor.stores.field_models import refer
from auditor.stores.sql.entities import Column, Declared, Entities, Entity, Relation

Told = tuple[str, str, bool, bool, bool]
_USER: tuple[Told, ...] = (
    ("password", "CharField", False, False, False), ("last_login", "DateTimeField", False, False, False),
)  # fmt: skip
_ABSTRACT_USER: tuple[Told, ...] = (
    *_USER,
    ("username", "CharField", False, True, False), ("first_name", "CharField", False, False, False),
    ("last_name", "CharField", False, False, False), ("email", "EmailField", False, False, False),
    ("is_staff", "BooleanField", False, False, False), ("is_active", "BooleanField", False, False, False),
    ("is_superuser", "BooleanField", False, False, False), ("date_joined", "DateTimeField", False, False, False),
)  # fmt: skip
_TREE: tuple[Told, ...] = (
    ("lft", "PositiveIntegerField", False, False, False), ("rght", "PositiveIntegerField", False, False, False),
    ("tree_id", "PositiveIntegerField", False, False, True), ("level", "PositiveIntegerField", False, False, False),
)  # fmt: skip
_TIMES: tuple[Told, ...] = (
    ("created", "DateTimeField", False, False, False), ("modified", "DateTimeField", False, False, False),
)  # fmt: skip
_TITLED: tuple[Told, ...] = (
    ("title", "CharField", False, False, False), ("description", "TextField", False, False, False),
)  # fmt: skip
PACKAGED: dict[str, tuple[Told, ...]] = {
    "django.AbstractBaseUser": _USER,
    "django.AbstractUser": _ABSTRACT_USER,
    "django.PermissionsMixin": (("is_superuser", "BooleanField", False, False, False),),
    "mptt.MPTTModel": _TREE,
    "django_extensions.TimeStampedModel": _TIMES,
    "django_extensions.TitleDescriptionModel": _TITLED,
    "django_extensions.TitleSlugDescriptionModel": (*_TITLED, ("slug", "AutoSlugField", False, False, True)),
    "django_extensions.ActivatorModel": (
        ("status", "IntegerField", False, False, False), ("activate_date", "DateTimeField", False, False, False),
        ("deactivate_date", "DateTimeField", False, False, False),
    ),
    "model_utils.TimeStampedModel": _TIMES,
    "model_utils.TimeFramedModel": (
        ("start", "DateTimeField", False, False, False), ("end", "DateTimeField", False, False, False),
    ),
    "model_utils.StatusModel": (
        ("status", "StatusField", False, False, False), ("status_changed", "MonitorField", False, False, False),
    ),
    "model_utils.SoftDeletableModel": (("is_removed", "BooleanField", False, False, False),),
    "model_utils.UUIDModel": (("id", "UUIDField", True, False, False),),
}  # fmt: skip
"""Columns of abstract models of packages: (name, type, primary, unique, indexed)."""
ORDERED: dict[str, dict[str, tuple[tuple[str, int], ...]]] = {
    "django_extensions.TimeStampedModel": {"latest": (("modified", 1),)},
    "django_extensions.ActivatorModel": {"ordering": (("status", 1), ("activate_date", -1))},
}
"""What the `Meta` of these say of an order."""
_TABLES: dict[str, tuple[str, tuple[Told, ...]]] = {
    "django.contrib.auth.models.User": ("auth_user", _ABSTRACT_USER),
    "django.contrib.auth.models.Group": ("auth_group", (("name", "CharField", False, True, False),)),
    "django.contrib.auth.models.Permission": (
        "auth_permission",
        (("name", "CharField", False, False, False), ("codename", "CharField", False, False, False),
         ("content_type_id", "ForeignKey", False, False, True)),
    ),
    "django.contrib.contenttypes.models.ContentType": (
        "django_content_type",
        (("app_label", "CharField", False, False, False), ("model", "CharField", False, False, False)),
    ),
    "django.contrib.sites.models.Site": ("django_site", (("domain", "CharField", False, True, False), ("name", "CharField", False, False, False))),
    "django.contrib.sessions.models.Session": (
        "django_session",
        (("session_key", "CharField", True, False, False), ("expire_date", "DateTimeField", False, False, True)),
    ),
    "rest_framework.authtoken.models.Token": (
        "authtoken_token",
        (("key", "CharField", True, False, False), ("user_id", "OneToOneField", False, True, False),
         ("created", "DateTimeField", False, False, False)),
    ),
}  # fmt: skip
"""Models of packages that applications query themselves."""


def package(name: str) -> str:
    """The abstract model of a package that a canonical name is, as `PACKAGED` calls it, or nothing."""
    name = name.removesuffix(".Meta")
    short = f"{name.partition('.')[0]}.{name.rpartition('.')[2]}"
    return short if short in PACKAGED else ""


def entity_name(entity: Entity) -> str:
    """The class's own name in small letters."""
    return entity.name.rpartition(":")[2].rpartition(".")[2].lower()


def join_table(
    entities: Entities, entity: Entity, target: Entity, via: tuple[str, str, str], place: Place
) -> None:
    """The table that Django makes for a relation of many to many."""
    table, one, two = via
    made = Entity(f"through:{table}", "django", table, place)
    own, other = (e.key.name if e.key else "id" for e in (entity, target))
    made.columns = {
        "id": Column("id", "id", "AutoField", place, primary=True),
        one: Column(one, one, "ForeignKey", place, False, False, True, f"{entity.table}.{own}"),
        two: Column(two, two, "ForeignKey", place, False, False, True, f"{target.table}.{other}"),
    }
    made.declared = [Declared(((one, 1), (two, 1)), place, True, "", "unique")]
    entities.add(made, "")


def groups(entities: Entities, entity: Entity) -> None:
    """What `PermissionsMixin` refers to."""
    for name, model in (("groups", "Group"), ("user_permissions", "Permission")):
        target = packaged(entities, f"django.contrib.auth.models.{model}")
        if target is not None:
            via = (f"{entity.table}_{name}", f"{entity_name(entity)}_id", f"{model.lower()}_id")
            join_table(entities, entity, target, via, entity.place)
            entity.relations.setdefault(name, Relation(name, target.name, True, "", "", "", via))
            back = Relation("user", entity.name, True, "", "", "", (via[0], via[2], via[1]))
            target.relations.setdefault("user", back)
            target.relations.setdefault("user_set", back)


_BROUGHT = re.compile(
    r"^django\.contrib\.auth\.(?:forms|admin|backends|views)\.(?=(?:User|Group|Permission)$)"
)
"""Modules that import these models for themselves, where others find them: `from django.contrib.auth.forms import User`."""


def packaged(entities: Entities, name: str) -> Entity | None:
    """A model of Django's own or of a package, `django.contrib.auth.models.User`."""
    last = name.rpartition(".")[2]
    name = _BROUGHT.sub("django.contrib.auth.models.", name)
    exact = next((k for k in _TABLES if k == name), None)
    full = exact or next(
        (k for k in _TABLES if name.startswith("x.") and k.rpartition(".")[2] == last), None
    )
    if full is None:
        return None
    if full not in entities.by_name:
        table, told = _TABLES[full]
        place = Place(next(iter(entities.code.modules), "."), 1)
        made = Entity(full, "django", table, place, managed=False)
        made.columns = {
            attribute: Column(
                attribute.removesuffix("_id"), attribute, kind, place, primary, unique, indexed
            )
            for attribute, kind, primary, unique, indexed in told
        }
        if not any(c.primary for c in made.columns.values()):
            made.columns["id"] = Column("id", "id", "AutoField", place, primary=True)
        if table == "auth_permission":
            made.declared.append(
                Declared((("content_type_id", 1), ("codename", 1)), place, True, "", "unique")
            )
        if table == "django_content_type":
            made.declared.append(
                Declared((("app_label", 1), ("model", 1)), place, True, "", "unique")
            )
        entities.add(made, "")
        if table == "auth_user":
            groups(entities, made)
        permission = packaged(entities, "django.contrib.auth.models.Permission") if table == "auth_group" else None  # fmt: skip
        if permission is not None:
            via = ("auth_group_permissions", "group_id", "permission_id")
            join_table(entities, made, permission, via, place)
            made.relations["permissions"] = Relation("permissions", permission.name, True, "", "", "", via)  # fmt: skip
            back = Relation("group_set", full, True, "", "", "", (via[0], via[2], via[1]))
            permission.relations |= {"group_set": back, "group": back}
        if table == "authtoken_token" and (user := user_model(entities)) is not None:
            key = made.columns.pop("user_id")
            made.columns[key.attribute] = key
            refer(made, key.attribute, user, "auth_token", False)
    return entities.by_name[full]


def name_of_user(entities: Entities, entity: Entity) -> str | None:
    """The field by which a model of users tells them apart, its `USERNAME_FIELD`; None of other models."""
    if entity.found is None:
        return "username" if entity.table == "auth_user" else None
    names = {a.rpartition(".")[2] for a in entities.code.ancestry(entity.found)}
    for origin in entities.values.attribute(entity.found, "USERNAME_FIELD")[:1]:
        if isinstance(origin.node, t.Expr) and names & {"AbstractUser", "AbstractBaseUser"}:
            return entities.values.text(origin.node, origin.scope)
    return "username" if "AbstractUser" in names else None


def user_model(entities: Entities) -> Entity | None:
    """What `AUTH_USER_MODEL` names: the tree's own user, else Django's."""
    for entity in entities:
        if entity.mapper == "django" and entity.found is not None:
            names = {a.rpartition(".")[2] for a in entities.code.ancestry(entity.found)}
            if names & {"AbstractUser", "AbstractBaseUser"}:
                return entity
    return packaged(entities, "django.contrib.auth.models.User")
