"""URL configurations whose views functions of the tree make, wrap or name."""

from __future__ import annotations

from auditor.model.web import Route
from tests.conftest import Build

SETTINGS = """
SECRET_KEY = "x"
ROOT_URLCONF = "site_urls"
INSTALLED_APPS = ["django.contrib.auth", "shop"]
MIDDLEWARE = ["django.contrib.auth.middleware.AuthenticationMiddleware"]
"""
MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")\n'
VIEWS = """
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.views import View
class Shelf(View):
    def get(self, request): return HttpResponse("x")
class Order(View):
    def post(self, request): return HttpResponse("x")
def shown(request): return HttpResponse("x")
@login_required
def kept(request): return HttpResponse("x")
def page(view): return view.as_view()
def own_page(view, **given):
    made = view.as_view(**given)
    return login_required(made)
def shelf(): return Shelf.as_view()
def either(view): return login_required(view.as_view()) if view is Order else view.as_view()
"""


def found(build: Build, urls: str, views: str = VIEWS) -> dict[str, str]:
    files = {
        "settings.py": SETTINGS,
        "manage.py": MANAGE,
        "views.py": views,
        "shop/__init__.py": "",
        "site_urls.py": urls,
    }
    routes = build(files).facts(Route)
    return {f"{r.method} {r.path}": r.authentication.value for r in routes}


def test_views_that_a_function_makes(build: Build) -> None:
    urls = """
from django.urls import path
from views import *
urlpatterns = [path("a", page(Shelf)), path("b", own_page(view=Order, extra=1)), path("c", shelf()),
    path("d", login_required(page(Order))), path("e", either(Order))]
"""
    assert found(build, urls) == {
        "GET /a": "absent", "POST /b": "enforced", "GET /c": "absent", "POST /d": "enforced",
        "ANY /e": "unknown",
    }  # fmt: skip


def test_functions_that_wrap_the_views_of_patterns(build: Build) -> None:
    urls = """
from django.urls import include, path
from views import *
def each_wrapped(patterns, decorator):
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            each_wrapped(pattern.url_patterns, decorator)
        if hasattr(pattern, "callback"):
            pattern.callback = decorator(pattern.callback)
    return patterns
def protected(patterns):
    for pattern in patterns:
        pattern.callback = login_required(pattern.callback)
    return patterns
def listed(patterns):
    return patterns
inner = [path("x", shown)]
urlpatterns = [path("a/", include(each_wrapped(inner, login_required))), path("b/", include(protected([path("y", shown)]))),
    path("c/", include(listed([path("z", shown)])))]
urlpatterns += each_wrapped([path("e", shown)], decorator=login_required)
"""
    assert found(build, urls) == {
        "ANY /a/x": "enforced", "ANY /b/y": "enforced", "ANY /c/z": "absent",
        "ANY /e": "enforced",
    }  # fmt: skip


def test_applications_that_are_installed(build: Build) -> None:
    urls = """
from django.apps import apps
from django.urls import path
from views import *
urlpatterns = [path("a", shown)]
if apps.is_installed("shop"):
    urlpatterns += [path("b", shown)]
if apps.is_installed("silk"):
    urlpatterns += [path("c", shown)]
if not apps.is_installed("silk"):
    urlpatterns += [path("d", shown)]
"""
    assert set(found(build, urls)) == {"ANY /a", "ANY /b", "ANY /d"}


def test_views_named_by_texts(build: Build) -> None:
    urls = """
from django.conf.urls import include, patterns, url
from views import Shelf
urlpatterns = patterns("views", url(r"^a/$", "shown"), (r"^b/$", "kept"), url(r"^c/$", Shelf.as_view()),
    (r"^d/", include(patterns("", (r"^e/$", "views.kept")))))
urlpatterns += patterns("", url(r"^f/$", "views.shown"))
"""
    assert found(build, urls) == {
        "ANY /a/": "absent", "ANY /b/": "enforced", "GET /c/": "absent", "ANY /d/e/": "enforced",
        "ANY /f/": "absent",
    }  # fmt: skip


def test_authentication_that_a_view_asks_by_hand(build: Build) -> None:
    views = """
from django.http import JsonResponse
from rest_framework_simplejwt.authentication import JWTAuthentication
def taken_apart(request):
    try:
        user, token = JWTAuthentication().authenticate(request)
    except Exception:
        return JsonResponse({}, status=401)
    return JsonResponse(read(user))
def asked(request):
    found = JWTAuthentication().authenticate(request)
    if found is None:
        return JsonResponse({}, status=401)
    return JsonResponse(read(found[0]))
def ignored(request):
    found = JWTAuthentication().authenticate(request)
    return JsonResponse(read(found))
"""
    urls = """
from django.urls import path
import views
urlpatterns = [path(name, view) for name, view in (("a", views.taken_apart), ("b", views.asked), ("c", views.ignored))]
"""
    assert found(build, urls, views) == {
        "ANY /a": "enforced",
        "ANY /b": "enforced",
        "ANY /c": "absent",
    }
