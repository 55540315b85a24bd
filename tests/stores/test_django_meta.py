"""What a Django model takes over from the `Meta` of the classes above it, as `Model._meta` has it."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from auditor.stores.sql.entities import Entities
from tests.conftest import Build

MODELS = """
from django.db import models
class Base(models.Model):
    made = models.DateTimeField()
    kind = models.CharField(max_length=9)
    class Meta:
        abstract = True
        app_label = "shop"
        ordering = ["-made"]
        get_latest_by = "made"
        indexes = [models.Index(fields=["made"])]
class Other(models.Model):
    b = models.IntegerField()
    class Meta:
        abstract = True
        ordering = ["b"]
class Bare(models.Model):
    c = models.IntegerField()
    class Meta:
        abstract = True
class Stored(models.Model):
    made = models.DateTimeField()
    class Meta:
        ordering = ["-made"]
        indexes = [models.Index(fields=["made"])]
"""
MADE = (("made", -1),)


@pytest.mark.parametrize(
    ("code", "ordering", "indexes"),
    [
        ("class M(Base):\n    pass\n", MADE, ["made"]),
        ("class M(Base):\n    class Meta:\n        verbose_name = 'x'\n", (), []),
        ("class M(Base):\n    class Meta(Base.Meta):\n        verbose_name = 'x'\n", MADE, ["made"]),
        ("class M(Base):\n    class Meta(Base.Meta):\n        ordering = ['kind']\n", (("kind", 1),), ["made"]),
        ("class M(Base):\n    class Meta(Base.Meta):\n        indexes = [models.Index(fields=['kind'])]\n", MADE, ["kind"]),
        ("class M(Base):\n    class Meta(Base.Meta):\n"
         "        indexes = Base.Meta.indexes + [models.Index(fields=['kind'])]\n", MADE, ["made", "kind"]),
        ("class M(Base):\n    class Meta(Base.Meta):\n"
         "        indexes = [*Base.Meta.indexes, models.Index(fields=['kind'])]\n", MADE, ["made", "kind"]),
        ("class Mid(Base):\n    class Meta(Base.Meta):\n        abstract = True\n        ordering = ['kind']\n"
         "class M(Mid):\n    pass\n", (("kind", 1),), ["made"]),
        ("class Mid(Base):\n    class Meta:\n        abstract = True\nclass M(Mid):\n    pass\n", (), []),
        ("class M(Base, Other):\n    pass\n", MADE, ["made"]),
        ("class M(Other, Base):\n    pass\n", (("b", 1),), []),
        ("class M(Bare, Base):\n    pass\n", (), []),
        ("class M(Stored):\n    class Meta:\n        proxy = True\n", MADE, []),
        ("class M(Stored):\n    class Meta:\n        proxy = True\n        ordering = []\n", (), []),
        ("class M(Stored):\n    class Meta:\n        ordering = ['made']\n", (), []),
    ],
)  # fmt: skip
def test_options_are_inherited_as_django_does(
    build: Build, code: str, ordering: tuple[tuple[str, int], ...], indexes: list[str]
) -> None:
    (entities,) = build({"shop/models.py": MODELS + code}).facts(Entities)
    (found,) = entities.by_class["M"]
    assert found.ordering == ordering
    assert [name for each in found.declared for name, _ in each.columns] == indexes


def test_a_proxy_has_the_table_of_the_class_that_keeps_it(build: Build) -> None:
    code = MODELS + (
        "class Extra:\n    pass\n"
        "class One(Extra, Stored):\n    class Meta:\n        proxy = True\n"
        "class Two(One):\n    class Meta:\n        proxy = True\n"
        "from django.contrib.auth.models import User\n"
        "class Staff(User):\n    class Meta:\n        proxy = True\n"
    )
    application = build({"shop/models.py": code})
    (entities,) = application.facts(Entities)
    tables = {name: entities.by_class[name][0].table for name in ("One", "Two", "Staff")}
    assert tables == {"One": "shop_stored", "Two": "shop_stored", "Staff": "auth_user"}
    assert "username" in entities.by_class["Staff"][0].columns


PACKAGED = """
from django.db import models
from django_extensions.db.models import ActivatorModel, TimeStampedModel, TitleSlugDescriptionModel
from model_utils import models as utils
class Base(models.Model):
    class Meta:
        abstract = True
        ordering = ["rank"]
class M({bases}):
    rank = models.IntegerField()
"""


@pytest.mark.parametrize(
    ("bases", "columns", "ordering", "latest"),
    [
        ("TimeStampedModel", {"created", "modified", "id"}, (), (("modified", 1),)),
        ("utils.TimeStampedModel", {"created", "modified", "id"}, (), ()),
        ("TimeStampedModel, Base", {"created", "modified", "id"}, (), (("modified", 1),)),
        ("Base, TimeStampedModel", {"created", "modified", "id"}, (("rank", 1),), ()),
        ("TitleSlugDescriptionModel", {"title", "slug", "description", "id"}, (), ()),
        ("ActivatorModel", {"status", "activate_date", "deactivate_date", "id"}, (("status", 1), ("activate_date", -1)), ()),
        ("utils.StatusModel", {"status", "status_changed", "id"}, (), ()),
        ("utils.TimeFramedModel", {"start", "end", "id"}, (), ()),
        ("utils.SoftDeletableModel", {"is_removed", "id"}, (), ()),
        ("utils.UUIDModel", {"id"}, (), ()),
        ("models.Model", {"id"}, (), ()),
    ],
)  # fmt: skip
def test_bases_of_packages_bring_columns_and_orders(
    build: Build, bases: str, columns: set[str],
    ordering: tuple[tuple[str, int], ...], latest: tuple[tuple[str, int], ...],
) -> None:  # fmt: skip
    (entities,) = build({"shop/models.py": PACKAGED.replace("{bases}", bases)}).facts(Entities)
    (found,) = entities.by_class["M"]
    assert found.columns.keys() == columns | {"rank"}
    assert (found.ordering, found.latest) == (ordering, latest)
    indexed = {c.name for c in found.columns.values() if c.indexed}
    assert indexed == ({"slug"} if "slug" in columns else set())


def test_what_a_base_with_a_table_keeps_is_not_kept_again(build: Build) -> None:
    code = PACKAGED.replace("{bases}", "utils.TimeStampedModel") + "class Low(M):\n    pass\n"
    (entities,) = build({"shop/models.py": code}).facts(Entities)
    (low,) = entities.by_class["Low"]
    assert low.columns.keys() == {"m_ptr"}


_NAMESAKES = {
    "django": """
from django.db import models
class Kind(models.Model):
    name = models.CharField(max_length=50)
class Task(models.Model):
    {name} = models.ForeignKey(Kind, models.CASCADE)
def of(key):
    return list(Task.objects.filter({name}__id=key)), list(Task.objects.filter({name}__name=key))
""",
    "peewee": """
from peewee import CharField, ForeignKeyField, Model
class Kind(Model):
    name = CharField()
class Task(Model):
    {name} = ForeignKeyField(Kind)
def of(key):
    return list(Task.select().where(Task.{name} == key)), list(Task.select().join(Kind).where(Kind.name == key))
""",
}


@pytest.mark.parametrize("name", ["Kind", "kind"])
@pytest.mark.parametrize("mapper", _NAMESAKES)
def test_a_key_may_be_called_like_the_model_that_it_refers_to(
    mapper: str, name: str, build: Build
) -> None:
    found = build({"shop/models.py": _NAMESAKES[mapper].format(name=name)}).facts(Query)
    asked = {(q.collection.rpartition("_")[2], q.equality, q.scanned) for q in found}
    assert ("task", (f"{name}_id",), ()) in asked
    assert ("kind", ("name",), ()) in asked


@pytest.mark.parametrize(
    ("code", "columns"),
    [
        ("class M(Base):\n    kind = None\n", {"made", "id"}),
        ("class M(Base):\n    kind = models.IntegerField()\n    kind = None\n", {"made", "id"}),
        ("class Less(Base):\n    kind = None\n    class Meta:\n        abstract = True\n"
         "class M(Less):\n    kind = models.IntegerField()\n", {"made", "kind", "id"}),
        ("class M(Base):\n    kind = 'x'.upper()\n    objects = None\n", {"made", "kind", "id"}),
        ("from django.contrib.auth.models import AbstractUser\n"
         "class M(AbstractUser):\n    username = None\n",
         {"id", "password", "last_login", "is_superuser", "first_name", "last_name", "email", "is_staff", "is_active", "date_joined"}),
    ],
)  # fmt: skip
def test_a_field_that_a_class_says_is_none_is_not_inherited(
    code: str, columns: set[str], build: Build
) -> None:
    (entities,) = build({"shop/models.py": MODELS + code}).facts(Entities)
    (model,) = (e for e in entities if e.name.endswith(":M"))
    assert {c.attribute for c in model.columns.values()} == columns
