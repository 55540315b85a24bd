"""What the managers of Django's users have besides."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_USER = """
from django.contrib.auth.models import AbstractUser, AbstractBaseUser, BaseUserManager, UserManager
from django.db import models
class LiveManager(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(removed__isnull=True)
{more}
"""
_PLAIN = "class User(AbstractUser):\n    removed = models.DateTimeField(null=True)\n"
_LIVE = f"class Users(LiveManager, UserManager):\n    pass\n{_PLAIN}    objects = Users()\n"
_NAMED = "class User(AbstractBaseUser):\n    email = models.EmailField(unique=True)\n    USERNAME_FIELD = 'email'\n    objects = BaseUserManager()\n"
_OWN = f"class Users(UserManager):\n    def normalize_email(self, email):\n        return self.filter(email=email).first() or email\n{_PLAIN}    objects = Users()\n"
_OTHER = "class User(models.Model):\n    email = models.EmailField()\n"


@pytest.mark.parametrize(
    ("model", "call", "asked"),
    [
        (_PLAIN, "normalize_email(x)", set()),
        (_LIVE, "normalize_email(x)", set()),
        (_LIVE, "make_random_password()", set()),
        (_OWN, "normalize_email(x)", {("select", ("email",))}),
        (_PLAIN, "get_by_natural_key(x)", {("get", ("username",))}),
        (_LIVE, "get_by_natural_key(x)", {("get", ("removed", "username"))}),
        (_NAMED, "get_by_natural_key(x)", {("get", ("email",))}),
        (_OTHER, "get_by_natural_key(x)", {("select", ())}),
    ],
)
def test_helpers_of_managers(
    model: str, call: str, asked: set[tuple[str, tuple[str, ...]]], build: Build
) -> None:
    code = f"from shop.models import User\ndef join(x):\n    return User.objects.{call}\n"
    files = {"shop/models.py": _USER.format(more=model), "shop/views.py": code}
    assert {(q.operation, q.equality) for q in build(files).facts(Query)} == asked


@pytest.mark.parametrize(
    ("settings", "base", "asked"),
    [
        ("", "BaseUserManager", {("get", 7)}),
        ("AUTHENTICATION_BACKENDS = ['x.Mails', 'django.contrib.auth.backends.ModelBackend']", "BaseUserManager", {("get", 7)}),
        ("AUTHENTICATION_BACKENDS = ['x.Mails']", "BaseUserManager", set()),
        ("", "object", set()),
    ],
)  # fmt: skip
def test_a_login_asks_the_manager_of_users(
    settings: str, base: str, asked: set[tuple[str, int]], build: Build
) -> None:
    own = f"class Members({base}):\n    def get_by_natural_key(self, name):\n        return self.get(email__iexact=name)\n"
    users = _NAMED.replace("BaseUserManager()", "Members()")
    code = f"from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager\nfrom django.db import models\n\n\n{own}{users}"
    files = {
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
        "settings.py": f"ROOT_URLCONF = 'urls'\nINSTALLED_APPS = ['shop']\nSECRET_KEY = 'x'\n{settings}\n",
        "shop/__init__.py": "",
        "shop/models.py": code,
    }
    assert {(q.operation, q.place.line) for q in build(files).facts(Query)} == asked
