"""Decorators that are made of a test, and middleware that knows which views it leaves alone."""

from __future__ import annotations

import pytest

from auditor.model.web import Guarding, Route
from tests.conftest import Build

SETTINGS = """
SECRET_KEY = "x"
ROOT_URLCONF = "site_urls"
INSTALLED_APPS = ["django.contrib.auth"]
MIDDLEWARE = ["django.contrib.auth.middleware.AuthenticationMiddleware"{more}]
"""
MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")\n'
URLS = """
from django.urls import path
import views
urlpatterns = [path("view", views.{view})]
"""
MAKERS = """
import inspect
from functools import wraps
from django.contrib.auth.decorators import user_passes_test
from django.core.exceptions import PermissionDenied
from django.utils.decorators import method_decorator

def demanding(test):
    def around(view):
        @wraps(view)
        def inner(request, *args, **kwargs):
            if not test(request.user):
                raise PermissionDenied
            return view(request, *args, **kwargs)
        return inner
    return around

def demanding_of_both(test):
    def around(view):
        @wraps(view)
        def inner(request, *args, **kwargs):
            if not test(request.user):
                raise PermissionDenied
            return view(request, *args, **kwargs)
        return inner
    def either(view_or_class):
        if inspect.isclass(view_or_class):
            return method_decorator(around, name="dispatch")(view_or_class)
        return around(view_or_class)
    return either

@demanding
def managers_only(user):
    return user.is_manager

@demanding
def all_of_them(user):
    return True

@demanding_of_both
def staff_only(user):
    return user.is_staff

def with_rights(*rights):
    return user_passes_test(lambda u: u.is_superuser or any(u.has_perm(r) for r in rights))
"""
VIEW = "from django.http import HttpResponse\nfrom django.views import View\nfrom makers import *\n{}\n"
FUNCTION = "{}\ndef view(request): return HttpResponse('x')\n"
CLASS = "{}\nclass Page(View):\n    def get(self, request): return HttpResponse('x')\nview = Page.as_view()\n"


@pytest.mark.parametrize(
    "code, state",
    [
        (FUNCTION.format("@demanding(lambda user: user.is_staff)"), "enforced"),
        (FUNCTION.format("@demanding(lambda user: True)"), "optional"),
        (FUNCTION.format("@managers_only"), "enforced"),
        (FUNCTION.format("@all_of_them"), "optional"),
        (FUNCTION.format("@staff_only"), "enforced"),
        (CLASS.format("@staff_only"), "enforced"),
        (CLASS.format(""), "absent"),
        (FUNCTION.format("@with_rights('a', 'b')"), "enforced"),
        (FUNCTION.format("@user_passes_test(lambda u: u.has_perm('x'))"), "enforced"),
        (FUNCTION.format("@user_passes_test(lambda u: u.get_perms('x') or True)"), "decorative"),
    ],
)
def test_made_of_a_test(build: Build, code: str, state: str) -> None:
    files = {"settings.py": SETTINGS.format(more=""), "manage.py": MANAGE, "makers.py": MAKERS,
             "site_urls.py": URLS.format(view="view"), "views.py": VIEW.format(code)}  # fmt: skip
    (route,) = build(files).facts(Route)
    found = [g.state for g in route.guards]
    assert (found or [Guarding.ABSENT])[0].value == state


REGISTER = """
from weakref import WeakSet
from django.contrib.auth.views import redirect_to_login
OPEN = WeakSet()
class RequireLogin:
    def __init__(self, get_response): self.get_response = get_response
    def __call__(self, request): return self.get_response(request)
    @staticmethod
    def _is_open(view):
        return view in OPEN
    @classmethod
    def process_view(cls, request, view_func, args, kwargs):
        if request.user.is_authenticated:
            return None
        view = getattr(view_func, "view_class", view_func)
        if cls._is_open(view){also}:
            return None
        return redirect_to_login(request.get_full_path())
def open_to_all(view):
    OPEN.add(view)
    return view
"""


@pytest.mark.parametrize(
    "view, also, state",
    [
        ("guarded", "", Guarding.ENFORCED),
        ("opened", "", Guarding.ABSENT),
        ("guarded", " or view.__name__ in request.tenant.pages", Guarding.UNKNOWN),
    ],
)
def test_views_that_are_registered(build: Build, view: str, also: str, state: Guarding) -> None:
    views = (
        "from django.http import HttpResponse\nfrom own import open_to_all\n"
        "def guarded(request): return HttpResponse('x')\n"
        "@open_to_all\ndef opened(request): return HttpResponse('x')\n"
    )
    files = {"settings.py": SETTINGS.format(more=', "own.RequireLogin"'), "manage.py": MANAGE,
             "own.py": REGISTER.replace("{also}", also), "site_urls.py": URLS.format(view=view), "views.py": views}  # fmt: skip
    (route,) = build(files).facts(Route)
    assert route.authentication is state
