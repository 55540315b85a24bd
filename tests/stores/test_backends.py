"""Backends that sign people in to Django: what asks nothing where no setting names them."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_BACKEND = """
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import User
class Mail(%s):
    def authenticate(self, request, username=None, password=None):
        return User.objects.get(email=username)
%s
"""
_GETS = "    def get_user(self, key):\n        return User.objects.get(pk=key)\n"
_LISTS = "AUTHENTICATION_BACKENDS = %s\n"
_OTHER = _LISTS % "['django.contrib.auth.backends.ModelBackend']"


@pytest.mark.parametrize(
    ("base", "body", "settings", "expected"),
    [
        ("object", _GETS, _OTHER, Fit.COVERED),
        ("object", _GETS, "", Fit.COVERED),  # Django's own alone
        ("BaseBackend", "", _OTHER, Fit.COVERED),
        ("object", _GETS + "class Heir(Mail):\n    pass\n", _OTHER, Fit.COVERED),
        ("object", _GETS, _OTHER + "OTHER = 'django.core.mail.Mail'\n", Fit.COVERED),  # Django's own of that name
        ("object", "KINDS = [Mail]\n", _OTHER, Fit.MISSING),  # no backend
        ("object", "", _OTHER, Fit.COVERED),  # nor anything that something makes
        ("object", _GETS, "OTHER = 'people.backends.Mail'\n", Fit.MISSING),
        ("object", _GETS, "OTHER = 'Mail'\n", Fit.MISSING),
        ("object", _GETS, _LISTS % "['people.backends.Mail']", Fit.MISSING),
        ("object", _GETS + "class Heir(Mail):\n    pass\n", _LISTS % "['people.backends.Heir']", Fit.MISSING),
        ("object", _GETS, "import os\n" + _LISTS % "os.environ['BACKENDS'].split(',')", Fit.MISSING),
        ("object", _GETS + "mail = Mail()\n", _OTHER, Fit.MISSING),
    ],
)  # fmt: skip
def test_a_backend_of_django_that_no_setting_names(
    base: str, body: str, settings: str, expected: Fit, build: Build
) -> None:
    files = {
        "manage.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "proj.settings")\n',
        "proj/__init__.py": "",
        "proj/settings.py": f'INSTALLED_APPS = ["django.contrib.auth", "people"]\nROOT_URLCONF = "proj.urls"\n{settings}',
        "proj/urls.py": "from django.urls import path\nfrom people.views import enter\nurlpatterns = [path('', enter)]\n",
        "people/__init__.py": "",
        "people/views.py": "from django.contrib.auth import authenticate\ndef enter(request):\n    return authenticate(request)\n",
        "people/backends.py": _BACKEND % (base, body),
    }
    found = build(files).facts(CollectionFit)
    told = {m.fit for f in found for q, m in f.fits if q.equality == ("email",)}
    assert told == {expected}
