"""What a Django route demands in the end: middleware, permissions and helpers, taken together."""

from __future__ import annotations

import pytest

from auditor.frameworks.django.guards import DjangoGuards
from auditor.link.checks import Strength
from auditor.model.openness import Openness, OpenRead
from auditor.model.pages import StaticPage
from auditor.model.web import Guarding, Route
from tests.conftest import Build

SETTINGS = """
SECRET_KEY = "x"
ROOT_URLCONF = "site_urls"
INSTALLED_APPS = ["django.contrib.auth", {apps}]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware", "own.Own"]
GUESTS = {guests}
"""
MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")\n'
VIEWS = """
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpResponse, JsonResponse
@login_required
def board(request): return HttpResponse("x")
@permission_required("shop.change")
def edit(request): return HttpResponse("x")
def plain(request): return HttpResponse("x")
def told(request):
    return HttpResponse("x") if request.user.is_authenticated else JsonResponse({}, status=403)
def asked(request):
    if not request.user.is_authenticated:
        return HttpResponse(status=403)
    return HttpResponse("x", status=200 if request.POST else 404)
"""
URLS = """
from django.urls import include, path
import views
urlpatterns = [path("board", views.board), path("edit", views.edit), path("plain", views.plain),
    path("told", views.told), path("asked", views.asked), path("away", lambda request: views.plain(request)),
    path("out/board", views.board)]
"""
SIGNING_IN = """
from django.conf import settings
from django.contrib.auth import login, get_user_model
OPEN = ("/out",)
def is_open(request):
    for start in OPEN:
        if request.path.startswith(start):
            return True
    return False
class Own:
    def __init__(self, get_response): self.get_response = get_response
    def __call__(self, request):
        if {test}:
            login(request, get_user_model().objects.get(username="guest"))
        return self.get_response(request)
"""
DECIDED = {
    "everybody": ("not request.user.is_authenticated", {"board": "decorative", "edit": "unknown"}),
    "a helper tells where": (
        "is_open(request) and not request.user.is_authenticated",
        {"board": "enforced", "edit": "enforced", "out/board": "decorative"},
    ),
    "off by default": ("settings.GUESTS", {"board": "enforced", "edit": "enforced"}),
    "who sends a header": ('request.headers.get("X-Proxy-User")', {"board": "enforced"}),
}


def states(build: Build, middleware: str, apps: str = "", urls: str = URLS) -> dict[str, str]:
    files = {
        "settings.py": SETTINGS.format(apps=apps, guests=False),
        "manage.py": MANAGE,
        "views.py": VIEWS,
        "site_urls.py": urls,
        "own.py": middleware,
    }
    return {
        route.path.lstrip("/"): route.authentication.value for route in build(files).facts(Route)
    }


@pytest.mark.parametrize("test, expected", DECIDED.values(), ids=DECIDED.keys())
def test_middleware_that_signs_in(test: str, expected: dict[str, str], build: Build) -> None:
    found = states(build, SIGNING_IN.format(test=test))
    assert {path: found[path] for path in expected} == expected


def test_bodies_and_lambdas(build: Build) -> None:
    found = states(build, "class Own:\n    def __init__(self, get_response): pass\n")
    assert found["told"] == found["asked"] == "enforced"
    assert found["plain"] == found["away"] == "absent"


SERVING = """
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from app import Note, signed, told, work

class Own:
    def __init__(self, get_response): self.get_response = get_response
    def __call__(self, request): return self.get_response(request)

def refused(request):
    try:
        if request.user.id is None:
            return HttpResponse("no", status=401)
        return JsonResponse(work())
    except Exception as error:
        return message("went wrong", error)

def swallowed(request):
    try:
        if request.user.id is None:
            return HttpResponse("no", status=401)
    except Exception as error:
        pass
    return JsonResponse(work())

def message(text, error=None): return JsonResponse({"message": text, "error": str(error)})

def served(request):
    if request.user.is_authenticated:
        return JsonResponse(work())
    else:
        return message("not signed in")

def told_by_default(request):
    if not getattr(request.user, "is_authenticated", False):
        return HttpResponse("no", status=403)
    return JsonResponse(work())

def shown(request):
    if request.user.is_authenticated:
        return JsonResponse(work())
    return JsonResponse({"notes": Note.objects.count()})

def kept(request):
    if request.user.is_authenticated:
        work()
    Note.objects.create(text=request.POST["text"])
    return HttpResponse("ok")

def off(request):
    return HttpResponse()
    return JsonResponse(work())

@method_decorator(login_required, name="post")
class Half(View):
    def get(self, request): return JsonResponse(work())
    def post(self, request): return JsonResponse(work())
"""


def test_work_for_whom_is_verified_alone(build: Build) -> None:
    urls = """
from django.urls import path
import own
urlpatterns = [path("refused", own.refused), path("swallowed", own.swallowed), path("served", own.served),
    path("shown", own.shown), path("kept", own.kept), path("off", own.off), path("half", own.Half.as_view()),
    path("told-by-default", own.told_by_default)]
"""
    files = {"manage.py": MANAGE, "own.py": SERVING, "site_urls.py": urls}
    files["settings.py"] = SETTINGS.format(apps="", guests=False)
    application = build(files)
    found = {(r.path, r.method): r.authentication.value for r in application.facts(Route)}
    assert found == {
        ("/refused", "ANY"): "enforced",
        ("/swallowed", "ANY"): "absent",
        ("/served", "ANY"): "exempt",
        ("/told-by-default", "ANY"): "enforced",
        ("/shown", "ANY"): "absent",
        ("/kept", "ANY"): "absent",
        ("/off", "ANY"): "absent",
        ("/half", "GET"): "absent",
        ("/half", "POST"): "enforced",
    }
    assert [page.name for page in application.facts(StaticPage)] == ["ANY /off"]


EXPORT = """
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views import View

class Export(View):
    @method_decorator(login_required)
    def get(self, request): return HttpResponse("x")

@login_required
def shown(request): return HttpResponse("x")
"""


def test_what_guards_a_method_of_a_view_guards_no_call_of_its_name(build: Build) -> None:
    """`Note.objects.get(pk=pk)` may be taken for any `get`: that a view's is guarded says nothing."""
    guards = DjangoGuards(build({"own.py": EXPORT}))
    around = {f.node.name: guards.checks.around(f) for f in guards.code.functions()}  # type: ignore[attr-defined]
    assert around == {"get": Strength.NONE, "shown": Strength.VERIFIED}


FILTER = """
from django.http import HttpResponse
class Own:
    def __init__(self, get_response): self.get_response = get_response
    def __call__(self, request):
        token = request.META.get("HTTP_AUTHORIZATION", "")
        if {test}:
            return HttpResponse(status=401)
        return self.get_response(request)
"""


@pytest.mark.parametrize(
    "test, state",
    [('token.startswith("Basic ")', "absent"), ('not token.startswith("Basic ")', "decorative")],
)
def test_who_sends_nothing_passes_a_filter(test: str, state: str, build: Build) -> None:
    """Turning away who sends a password is no guard; turning away who sends none means to be one."""
    assert states(build, FILTER.format(test=test))["plain"] == state


PERMISSIONS = """
from rest_framework import permissions, viewsets
from rest_framework.decorators import action
from rest_framework.routers import SimpleRouter
class Reading(permissions.DjangoModelPermissions):
    authenticated_users_only = False
class Listed(permissions.IsAuthenticated):
    def has_permission(self, request, view):
        if hasattr(view, "action") and view.action not in ("list", "create"):
            return True
        return super().has_permission(request, view)
def may(*codes):
    class Needs(permissions.BasePermission):
        def has_permission(self, request, view):
            if not request.user.is_authenticated:
                return False
            return any(code in request.user.codes for code in codes)
    return Needs
def some(code):
    return {"a": permissions.AllowAny}.get(code, permissions.IsAuthenticated)
class Needing(viewsets.ModelViewSet):
    permission_classes = [may("things.see")]
class Made(viewsets.ModelViewSet):
    permission_classes = [some("a")]
class Things(viewsets.ModelViewSet):
    permission_classes = [Reading]
class Others(viewsets.ModelViewSet):
    permission_classes = [Listed]
router = SimpleRouter()
router.register("things", Things)
router.register("others", Others)
router.register("needing", Needing)
router.register("made", Made)
"""


def test_permissions_that_know_method_and_action(build: Build) -> None:
    urls = PERMISSIONS + "from django.urls import include, path\nurlpatterns = router.urls\n"
    files = {
        "settings.py": SETTINGS.format(apps='"rest_framework"', guests=False).replace(
            '"own.Own"', ""
        ),
        "manage.py": MANAGE,
        "site_urls.py": urls,
    }
    found = {(r.handler, r.method): r.authentication for r in build(files).facts(Route)}
    assert found["Things.list", "GET"] is Guarding.ABSENT
    assert found["Things.create", "POST"] is Guarding.ENFORCED
    assert found["Others.list", "GET"] is Guarding.ENFORCED
    assert found["Needing.list", "GET"] is Guarding.ENFORCED
    assert found["Made.list", "GET"] is Guarding.UNKNOWN
    assert found["Others.destroy", "DELETE"] is not Guarding.ENFORCED


def test_urls_of_packages_by_version(build: Build) -> None:
    urls = """
from django.urls import include, path
def listed(view, name): return include([path("", view, name=name), path("<int:page>", view)])
import views
urlpatterns = [path("o/", include("oauth2_provider.urls")), path("auth/", include("djoser.urls.jwt")),
    path("pages/", listed(views.plain, "pages"))]
"""
    own = "class Own:\n    def __init__(self, get_response): pass\n"
    found = states(build, own, urls=urls)
    assert found["pages/{page}"] == "absent"
    assert {state for path, state in found.items() if "jwt" in path} == {"exempt"}
    assert found["o/device/"] == "enforced"
    files = {
        "settings.py": SETTINGS.format(apps="", guests=False),
        "manage.py": MANAGE,
        "views.py": VIEWS,
        "site_urls.py": urls,
        "own.py": own,
        "requirements.txt": "django-oauth-toolkit==2.4.0\n",
    }
    paths = {r.path for r in build(files).facts(Route)}
    assert "/o/device/" not in paths


def test_several_ninja_apis_in_a_comprehension(build: Build) -> None:
    urls = """
from django.urls import path
from ninja import NinjaAPI, Router
from ninja.security import django_auth
first = NinjaAPI(urls_namespace="first", docs_url=None)
second = NinjaAPI(auth=django_auth, docs_url=None)
@first.get("/one")
def one(request): ...
@second.get("/two")
def two(request): ...
apis = [first, second]
urlpatterns = []
urlpatterns += [path("v1/", api.urls) for api in apis]
"""
    own = "class Own:\n    def __init__(self, get_response): pass\n"
    found = states(build, own, urls=urls)
    assert (found["v1/one"], found["v1/two"]) == ("absent", "enforced")


DECLARED = """
from rest_framework import permissions, viewsets
from unknown_package.views import DetailsView
from own import Note, Secret

class Notes(viewsets.ReadOnlyModelViewSet):
    queryset = Note.objects.all()
    permission_classes = [permissions.AllowAny]

class Drafts(viewsets.ReadOnlyModelViewSet):
    queryset = Note.objects.all()

class Invoices(viewsets.ReadOnlyModelViewSet):
    queryset = Note.objects.all()
    def get_permissions(self):
        return [permissions.AllowAny()]

class Details(DetailsView):
    permission_classes = [permissions.IsAuthenticated]

class Closed(viewsets.ModelViewSet):
    queryset = Note.objects.all()
    permission_classes = [permissions.IsAuthenticated]
"""
OWN = """
from django.db import models
class Own:
    def __init__(self, get_response): self.get_response = get_response
    def __call__(self, request): return self.get_response(request)
class Note(models.Model):
    text = models.CharField(max_length=9)
class Secret(models.Model):
    text = models.CharField(max_length=9)
"""


def test_views_that_say_that_they_are_for_everybody(build: Build) -> None:
    urls = """
from django.urls import include, path
from rest_framework.routers import SimpleRouter
import views
router = SimpleRouter()
for name, view in (("notes", views.Notes), ("drafts", views.Drafts), ("invoices", views.Invoices), ("closed", views.Closed)):
    router.register(name, view)
urlpatterns = [path("", include(router.urls)), path("details", views.Details.as_view())]
"""
    files = {"manage.py": MANAGE, "own.py": OWN, "views.py": DECLARED, "site_urls.py": urls}
    files["settings.py"] = SETTINGS.format(apps='"rest_framework"', guests=False)
    application = build(files)
    states = {r.path: r.authentication.value for r in application.facts(Route)}
    assert states["/details"] == states["/closed/"] == "enforced"
    reads = {r.name: r.openness for r in application.facts(OpenRead)}
    assert reads["GET /notes/"] is Openness.HARMLESS
    assert reads["GET /drafts/"] is not Openness.HARMLESS
    assert reads["GET /invoices/"] is Openness.PRIVATE


def test_a_template_view_shows_no_data_whatever_its_pattern(build: Build) -> None:
    files = {
        "manage.py": MANAGE,
        "settings.py": SETTINGS.format(apps="", guests="()").replace(', "own.Own"', ""),
        "site_urls.py": """
from django.urls import path, re_path
from django.views.generic import DetailView, TemplateView
class Page(DetailView):
    template_name = "page.html"
urlpatterns = [
    re_path(r"^(?!api/|admin/).*$", TemplateView.as_view(template_name="index.html")),
    path("pages/<int:pk>", Page.as_view()),
]
""",
    }
    application = build(files)
    assert len(application.facts(Route)) == 2
    assert [page.name for page in application.facts(StaticPage)] == [
        next(r.name for r in application.facts(Route) if r.handler == "TemplateView")
    ]


READ_ONLY = {
    "manage.py": MANAGE,
    "settings.py": 'SECRET_KEY = "x"\nROOT_URLCONF = "site_urls"\nINSTALLED_APPS = ["rest_framework"]\n',
    "site_urls.py": """
from django.urls import path
from actions import LISTING, of_the_day
import views
urlpatterns = [
    path("told/", views.Notes.as_view(LISTING)),
    path("untold/", views.Notes.as_view(of_the_day())),
]
""",
    "actions.py": """
import store
READING = {"get": "list"}
LISTING = {**READING, **{"post": "create"}}
def of_the_day():
    return store.load("actions")
""",
    "views.py": """
from rest_framework import permissions, viewsets
class StaffOrReadOnly(permissions.BasePermission):
    def has_permission(self, request, view):
        return bool(request.method in permissions.SAFE_METHODS or
            (request.user and request.user.is_authenticated and request.user.is_staff))
class Notes(viewsets.ModelViewSet):
    permission_classes = [StaffOrReadOnly]
""",
}


def test_a_permission_to_read_is_no_decoration(build: Build) -> None:
    found = {r.name: r.authentication for r in build(READ_ONLY).facts(Route)}
    told = {name: state for name, state in found.items() if "untold" not in name}
    assert told == {"GET /told/": Guarding.ABSENT, "POST /told/": Guarding.ENFORCED}
    assert {state for name, state in found.items() if name not in told} <= {
        Guarding.OPTIONAL,
        Guarding.ABSENT,
        Guarding.ENFORCED,
    }
