"""What Tortoise refuses before it asks, and what it sends for a prefetch.

Held against Tortoise 0.20.1 and 1.1.9 themselves.
"""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit, Query
from tests.conftest import Build

_APP = """
from tortoise import fields, models
from tortoise.query_utils import Prefetch
class Stamped:
    kept = fields.IntField()
class Sensor(models.Model):
    id = fields.IntField(pk=True)
class Reading(Stamped, models.Model):
    id = fields.IntField(pk=True)
    sensor = fields.ForeignKeyField("models.Sensor", related_name="readings")
    amount = fields.IntField()
async def run(key, recent):
    %s
"""


def _told(build: Build, body: str) -> list[tuple[str, tuple[str, ...], str]]:
    lines = "\n    ".join(body.splitlines())
    found = build({"app.py": _APP % lines}).facts(Query)
    return [(q.operation, q.equality, q.unresolved) for q in found if q.collection == "reading"]


@pytest.mark.parametrize(
    ("body", "raises"),
    [
        ("await Reading.filter(amount=key).annotate(s=Reading.amount.sum())", True),
        ("print(Reading.amount)\nawait Reading.filter(amount=key)", True),
        ("return await Reading.filter(amount=Reading.amount)", True),
        ("await Reading.filter(amount=key)\nprint(Reading.amount)", False),
        ("try:\n    print(Reading.amount)\nexcept AttributeError:\n    pass\nawait Reading.filter(amount=key)", False),
        ("print(recent and Reading.amount)\nawait Reading.filter(amount=key)", False),
        ("print(Reading.sensor, Reading.kept, Reading.other)\nawait Reading.filter(amount=key)", False),
    ],
)  # fmt: skip
def test_a_class_of_tortoise_has_no_columns(build: Build, body: str, raises: bool) -> None:
    ((_, _, unresolved),) = _told(build, body)
    assert ("takes its columns off" in unresolved) == raises


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("sensor = await Sensor.get(id=key)\nreturn await sensor.readings.count()", "a relation of Tortoise has no count()"),
        ("sensor = await Sensor.get(id=key)\nreturn await sensor.readings.all().count()", ""),
        ("sensor = await Sensor.get(id=key)\nreturn await sensor.readings.filter(amount=1).count()", ""),
        ("return await Reading.exclude(amount=1).count()", ""),
    ],
)  # fmt: skip
def test_a_relation_of_tortoise_has_few_methods(build: Build, body: str, told: str) -> None:
    assert {unresolved for _, _, unresolved in _told(build, body)} == {told}


def test_what_is_prefetched_of_a_key_is_found_by_it(build: Build) -> None:
    asked = 'Prefetch("sensor", queryset=Sensor.filter(id__gte=3))'
    code = _APP % f"return await Reading.filter(amount=key).prefetch_related({asked})"
    (fits,) = (c.fits for c in build({"app.py": code}).facts(CollectionFit) if c.name == "sensor")
    assert {(q.equality, m.fit) for q, m in fits} == {(("id",), Fit.COVERED)}


_ORDERED = """
from tortoise import fields, models
class Aged(models.Model):
    class Meta:
        abstract = True
        ordering = ["age"]
class Reading(Aged):
    id = fields.IntField(pk=True)
    sensor = fields.ForeignKeyField("models.Sensor")
    amount = fields.IntField()
    age = fields.IntField()
    class Meta:
        ordering = %s
async def run(key):
    return await Reading.filter(amount=key)%s
"""


@pytest.mark.parametrize(
    ("ordering", "step", "sort"),
    [
        ('["-age", "id"]', "", (("age", -1), ("id", 1))),
        ('("age",)', ".first()", (("age", 1),)),
        ('["age", "sensor__name", "id"]', "", (("age", 1),)),
        ('["-age"]', ".last()", ()),
        ('["-age"]', ".order_by('id')", (("id", 1),)),
        ('["-age"]', ".annotate(twice=F('amount') * 2)", ()),
        ('["-age"]', ".annotate(twice=F('amount') * 2).order_by('id')", (("id", 1),)),
        ('["-age"]', ".count()", ()),
    ],
)
def test_a_model_of_tortoise_has_an_order(
    build: Build, ordering: str, step: str, sort: tuple[tuple[str, int], ...]
) -> None:
    (found,) = build({"app.py": _ORDERED % (ordering, step)}).facts(Query)
    assert (found.equality, found.sort) == (("amount",), sort)


@pytest.mark.parametrize(
    "body",
    [
        "return await Reading.get(id=key).prefetch_related('sensor')",
        "found = Reading.filter(id=key)\nreturn await found.prefetch_related('sensor')",
    ],
)
def test_a_prefetch_of_a_key_is_told(build: Build, body: str) -> None:
    lines = "\n    ".join(body.splitlines())
    found = build({"app.py": _APP % lines}).facts(Query)
    assert ("sensor", ("id",)) in {(q.collection, q.equality) for q in found}
