"""One-to-one relations of Django that are read from the other side, and who signs in."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build

_PROGRAM = """
from django.contrib.auth import authenticate, get_user_model
from django.db import models
class Card(models.Model):
    user = models.OneToOneField(get_user_model(), on_delete=models.CASCADE, related_name="card")
    twin = models.OneToOneField("Card", on_delete=models.CASCADE, related_name="+")
    class Meta:
        db_table = "cards"
def view(request, given):
    {body}
"""


def _asked(
    body: str, build: Build, program: str = _PROGRAM
) -> list[tuple[str, str, tuple[str, ...]]]:
    files = {"app.py": program.replace("{body}", body.replace("\n", "\n    "))}
    return [
        (q.operation, q.collection, q.equality)
        for c in build(files).facts(CollectionFit)
        for q, _ in c.fits
    ]


@pytest.mark.parametrize(
    "body",
    [
        "return request.user.card.pk",
        "return hasattr(request.user, 'card')",
        "return getattr(request.user, 'card', None)",
        "if hasattr(request.user, 'card'):\n    return request.user.card.pk",
        "try:\n    card = request.user.card\nexcept Card.DoesNotExist:\n    card = None",
    ],
)
def test_what_refers_to_a_record_is_asked_for_by_its_key(body: str, build: Build) -> None:
    assert _asked(body, build) == [("lazy", "cards", ("user_id",))]


@pytest.mark.parametrize(
    "body",
    [
        "return getattr(given, 'card', None)",
        "return hasattr(request, 'card') and request.user.cards",
        "return [c.user_id for c in given.card]",
    ],
)
def test_what_is_no_such_relation_asks_nothing(body: str, build: Build) -> None:
    assert _asked(body, build) == []


def test_the_relation_that_is_loaded_with_its_owner_asks_nothing(build: Build) -> None:
    body = "user = get_user_model().objects.select_related('card').get(pk=given)\nreturn user.card"
    assert [x[1] for x in _asked(body, build)] == ["auth_user"]


_OWN = """
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
class Members(BaseUserManager):
    def get_by_natural_key(self, name):
        return self.get(mail__iexact=name)
class Member(AbstractBaseUser):
    mail = models.EmailField(unique=True)
    objects = Members()
    USERNAME_FIELD = "mail"
"""


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("return authenticate(request, username=given, password=given)", [("get", "auth_user", ("username",))]),
        ("user = authenticate(username=given)\nreturn user.card", [("get", "auth_user", ("username",)), ("lazy", "cards", ("user_id",))]),
        ("return authenticate(request, token=given)", []),
        ("return given.authenticate(username=given)", []),
    ],
)  # fmt: skip
def test_who_signs_in_is_looked_up_by_name(
    body: str, asked: list[tuple[str, str, tuple[str, ...]]], build: Build
) -> None:
    assert _asked(body, build) == asked


def test_the_trees_own_manager_of_users_looks_them_up(build: Build) -> None:
    program = _PROGRAM.partition("class Card")[0] + _OWN + "def view(request, given):\n    {body}\n"
    body = "return authenticate(mail=given, password=given)"
    assert [x[2] for x in _asked(body, build, program)] == [()]


_CHOSEN = """
from django.db import models
class Person(models.Model):
    kind = models.CharField(max_length=30)
def by(field, value):
    return lambda found: found.filter(**{field: value})
CHOICES = {"a": by("kind", "a"), "b": by("kind", "b")}
def stats(found):
    {body}
def view(request):
    return stats(Person.objects.all())
"""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return {k: narrow(found).count() for k, narrow in CHOICES.items()}", False),
        ("return [narrow(found).count() for narrow in CHOICES.values()]", False),
        ("for narrow in CHOICES.values():\n        print(narrow(found).count())", False),
        ("return [found.filter(kind=kind).count() for kind in CHOICES]", True),
    ],
)
def test_what_one_of_several_functions_makes_of_a_queryset_is_not_told(
    body: str, told: bool, build: Build
) -> None:
    fits = build({"app.py": _CHOSEN.replace("{body}", body)}).facts(CollectionFit)
    counts = [q for c in fits for q, _ in c.fits if q.operation == "count"]
    assert counts
    assert any(not q.unresolved for q in counts) is told


def test_permissions_of_groups_are_asked_between_both(build: Build) -> None:
    body = "from django.contrib.auth.models import Group\ngroup = Group.objects.get(pk=given)\nreturn list(group.permissions.all())"
    asked = _asked(body, build)
    assert ("join", "auth_group_permissions", ("group_id",)) in asked
