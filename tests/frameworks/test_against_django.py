"""Our routing table held against Django's own, in every style at once.

Each sample is loaded in a process of its own, with its database in memory: the URL resolver says which
routes it serves and by what, and the test client who is turned away, without a credential and with a
wrong one: by 401, by 403 or by being sent to a login.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from auditor.frameworks.django.patterns import readable
from auditor.model.web import Guarding, Route
from tests.conftest import load, write

SETTINGS = """
import os

SECRET_KEY = os.environ["SAMPLE_KEY"]
ROOT_URLCONF = "shop.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
LOGIN_URL = "/sign-in/"
LANGUAGE_CODE = "en"
"""
MANAGE = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
"""
GUARDED = 'REST_FRAMEWORK = {"DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"]}'
MEMBERS = """
from django.contrib.auth.models import User
from rest_framework import serializers, viewsets

class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "username"]

class Base(viewsets.ModelViewSet):
    queryset = User.objects.order_by("id")
    serializer_class = UserSerializer
"""
PERMISSIONS = """
import hmac, os
from rest_framework import permissions

class Nothing(permissions.BasePermission):
    message = "You may not do this."

class Forgiving(permissions.BasePermission):
    def has_permission(self, request, view):
        if request.user.is_authenticated:
            return True
        return True

class HasKey(permissions.BasePermission):
    def has_permission(self, request, view):
        return hmac.compare_digest(request.headers.get("X-Key", ""), os.environ["SAMPLE_KEY"])

class Member(permissions.BasePermission):
    def has_permission(self, request, view):
        return bool(request.user and request.user.is_authenticated)

class Chief(Member):
    def has_permission(self, request, view):
        return super().has_permission(request, view) and request.user.is_superuser

class MemberWrites(permissions.BasePermission):
    def has_permission(self, request, view):
        if request.method in permissions.SAFE_METHODS:
            return True
        return request.user.is_authenticated

class OwnerOnly(permissions.BasePermission):
    def has_object_permission(self, request, view, obj):
        return obj.id == request.user.id

class AnyoneReads(permissions.IsAuthenticated):
    def has_permission(self, request, view):
        return request.method == "GET" or super().has_permission(request, view)
"""


def project(urls: str, settings: str = "", **modules: str) -> dict[str, str]:
    """The files of a project: its URLs, what is added to its settings, and other modules."""
    return {
        "manage.py": MANAGE,
        "shop/__init__.py": "",
        "shop/settings.py": SETTINGS + settings,
        "shop/urls.py": urls,
        **{f"shop/{name}.py": text for name, text in modules.items()},
    }


SAMPLES: dict[str, Mapping[str, str]] = {
    "decorated functions": project(
        """
from django.contrib import admin
from django.urls import path
from shop import views as v

urlpatterns = [
    path("admin/", admin.site.urls),
    path("sign-in/", v.sign_in),
    path("open/", v.open_),
    path("member/", v.member, name="member"),
    path("called/", v.called),
    path("permitted/<int:item>/", v.permitted),
    path("hidden/", v.hidden),
    path("asking/", v.asking),
    path("staff/", v.staff),
    path("chief/", v.chief),
    path("pass/", v.passing),
    path("lambda/", v.with_lambda),
    path("posted/", v.posted),
    path("either/", v.either),
    path("own/", v.own),
    path("logged/", v.logged_view),
    path("body/", v.body),
    path("raised/", v.raised),
    path("half/", v.half),
    path("keyed/", v.keyed),
    path("careless/", v.careless),
    path("async/", v.waiting),
    path("many/", v.many),
    path("either-way/", v.either_way),
]
""",
        views="""
import functools, hmac, os
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_required, permission_required, user_passes_test
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseForbidden, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

def is_chief(user):
    return user.is_superuser

def anybody(user):
    return user is not None

def own_required(view):
    @functools.wraps(view)
    def wrapper(request, *args, **kwargs):
        if not request.user.is_authenticated:
            return redirect("/sign-in/")
        return view(request, *args, **kwargs)
    return wrapper

def logged(view):
    @functools.wraps(view)
    def wrapper(request, *args, **kwargs):
        request.seen = True
        return view(request, *args, **kwargs)
    return wrapper

def careless_required(view):
    @functools.wraps(view)
    def wrapper(request, *args, **kwargs):
        if not request.user:
            return redirect("/sign-in/")
        return view(request, *args, **kwargs)
    return wrapper

chief_required = user_passes_test(is_chief)

def sign_in(request): return HttpResponse("form")

def open_(request): return HttpResponse("x")

@login_required
def member(request): return HttpResponse("x")

@login_required(login_url="/login/")
def called(request): return HttpResponse("x")

@permission_required("auth.change_user")
def permitted(request, item): return HttpResponse("x")

@permission_required("auth.change_user", raise_exception=True)
def hidden(request): return HttpResponse("x")

@user_passes_test(lambda user: user.is_active and user.groups.filter(name="x").exists())
def asking(request): return HttpResponse("x")

@staff_member_required
def staff(request): return HttpResponse("x")

@chief_required
def chief(request): return HttpResponse("x")

@user_passes_test(anybody)
def passing(request): return HttpResponse("x")

@user_passes_test(lambda user: user.is_authenticated)
def with_lambda(request): return HttpResponse("x")

@require_POST
@login_required
def posted(request): return HttpResponse("x")

@csrf_exempt
@require_http_methods(["GET", "DELETE"])
@own_required
def either(request): return HttpResponse("x")

@logged
@own_required
def own(request): return HttpResponse("x")

@logged
def logged_view(request): return HttpResponse("x")

def body(request):
    if not request.user.is_authenticated:
        return HttpResponseForbidden()
    return HttpResponse("x")

def raised(request):
    if request.user.is_anonymous:
        raise PermissionDenied
    return HttpResponse("x")

def half(request):
    if request.method == "POST":
        if not request.user.is_staff:
            raise PermissionDenied
        return HttpResponse("saved")
    return HttpResponse("x")

def keyed(request):
    if not hmac.compare_digest(request.headers.get("X-Key", ""), os.environ["SAMPLE_KEY"]):
        return JsonResponse({"error": "no"}, status=401)
    return JsonResponse({})

@careless_required
def careless(request): return HttpResponse("x")

@login_required
async def waiting(request): return HttpResponse("x")

def either_way(request):
    if request.user.is_authenticated:
        return redirect("/member/")
    return redirect("/open/")

@login_required
@permission_required("auth.add_user")
def many(request): return HttpResponse("x")
""",
    ),
    "class-based views": project(
        """
from django.contrib.auth.decorators import login_required, permission_required
from django.urls import path
from shop import views as v

urlpatterns = [
    path("open/", v.Open.as_view()),
    path("member/", v.Members.as_view()),
    path("behind/", v.Behind.as_view()),
    path("behind-list/", v.BehindList.as_view()),
    path("heir/", v.Heir.as_view()),
    path("permitted/", v.Permitted.as_view()),
    path("tested/", v.Tested.as_view()),
    path("untested/", v.Untested.as_view()),
    path("dispatching/", v.Dispatching.as_view()),
    path("named/", v.Named.as_view()),
    path("several/", v.Several.as_view()),
    path("own-dispatch/", v.Own.as_view()),
    path("own-mixin/", v.WithOwnMixin.as_view()),
    path("forgot/", v.Forgot.as_view()),
    path("one/", v.One.as_view()),
    path("post/", v.OnlyPost.as_view()),
    path("wrapped/", login_required(v.Open.as_view())),
    path("wrapped-twice/", login_required(permission_required("auth.x")(v.Open.as_view()))),
    path("page/", v.TemplateView.as_view(template_name="admin/base.html")),
    path("edit/<int:pk>/", v.Edit.as_view()),
    path("set-up/", v.SetUp.as_view()),
    path("assigned/", v.assigned),
    path("page-open/", v.Page.as_view()),
    path("page-closed/", v.Page.as_view(login_needed=True)),
]
""",
        views="""
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.mixins import LoginRequiredMixin, PermissionRequiredMixin, UserPassesTestMixin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views import View
from django.views.generic import ListView, TemplateView, UpdateView

class Open(View):
    def get(self, request): return HttpResponse("x")

class Members(LoginRequiredMixin, View):
    def get(self, request): return HttpResponse("x")
    def post(self, request): return HttpResponse("x")

class Behind(View, LoginRequiredMixin):
    def get(self, request): return HttpResponse("x")

class BehindList(ListView, LoginRequiredMixin):
    queryset = User.objects.order_by("id")
    template_name = "admin/base.html"

class Heir(Members):
    def post(self, request): return HttpResponse("y")

class Permitted(PermissionRequiredMixin, View):
    permission_required = "auth.add_user"
    def delete(self, request): return HttpResponse("x")

class Tested(UserPassesTestMixin, View):
    def test_func(self): return self.request.user.is_staff
    def get(self, request): return HttpResponse("x")

class Untested(UserPassesTestMixin, View):
    def test_func(self): return True
    def get(self, request): return HttpResponse("x")

class Dispatching(View):
    @method_decorator(login_required)
    def dispatch(self, *args, **kwargs): return super().dispatch(*args, **kwargs)
    def get(self, request): return HttpResponse("x")

@method_decorator(login_required, name="dispatch")
class Named(View):
    def get(self, request): return HttpResponse("x")

@method_decorator([login_required, permission_required("auth.add_user")], name="dispatch")
class Several(View):
    def get(self, request): return HttpResponse("x")

class Own(View):
    def dispatch(self, request, *args, **kwargs):
        if not request.user.is_authenticated:
            return redirect("/sign-in/")
        return super().dispatch(request, *args, **kwargs)
    def get(self, request): return HttpResponse("x")

class OwnMixin:
    def dispatch(self, request, *args, **kwargs):
        if not request.user.is_staff:
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

class WithOwnMixin(OwnMixin, View):
    def get(self, request): return HttpResponse("x")

class Forgot(LoginRequiredMixin, View):
    def dispatch(self, request, *args, **kwargs):
        return View.dispatch(self, request, *args, **kwargs)
    def get(self, request): return HttpResponse("x")

class One(View):
    def get(self, request): return HttpResponse("x")
    @method_decorator(login_required)
    def post(self, request): return HttpResponse("x")

class OnlyPost(LoginRequiredMixin, View):
    http_method_names = ["post"]
    def get(self, request): return HttpResponse("x")
    def post(self, request): return HttpResponse("x")

class Edit(LoginRequiredMixin, UpdateView):
    model = User
    fields = ["username"]
    success_url = "/"
    template_name = "admin/base.html"

class SetUp(View):
    def setup(self, request, *args, **kwargs):
        super().setup(request, *args, **kwargs)
        if not request.user.is_authenticated:
            raise PermissionDenied
    def get(self, request): return HttpResponse("x")

class Page(View):
    login_needed = False
    def dispatch(self, request, *args, **kwargs):
        if self.login_needed and not request.user.is_authenticated:
            return redirect("/sign-in/")
        return super().dispatch(request, *args, **kwargs)
    def get(self, request): return HttpResponse("x")

assigned = login_required(Open.as_view())
""",
    ),
    "URL configurations": project(
        """
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from shop import views as v

extra = [path("a/", v.open_), path("b/<slug:name>/", v.member)]

urlpatterns = [
    path("", v.open_),
    path("admin/", admin.site.urls),
    path("accounts/", include("django.contrib.auth.urls")),
    path("shop/", include("shop.inner", namespace="first")),
    path("again/", include(("shop.inner", "inner"), namespace="second")),
    path("listed/", include(extra)),
    path("tuple/", include((extra, "extra"))),
    re_path(r"^old/(?P<year>[0-9]{4})/$", v.year),
    re_path(r"^deep/", include([re_path(r"^(?P<pk>\\d+)/", include(extra))])),
    path("moved/", RedirectView.as_view(url="/")),
    path("feed/", v.News()),
    path("object/", v.Answering()),
    path("kept/", login_required(v.open_), {"x": 1}, name="kept"),
]
for name in ["one", "two"]:
    urlpatterns += [path(f"each/{name}/", v.open_)]
for route, view in (("third/", v.open_), ("fourth/", v.member)):
    urlpatterns.append(path(route, view))
urlpatterns += i18n_patterns(path("translated/", v.member), path("free/", v.open_))
urlpatterns.append(path("last/", v.member))
""",
        inner="""
from django.urls import include, path
from . import views

app_name = "inner"
urlpatterns = [
    path("", views.open_, name="index"),
    path("more/", include("shop.innermost")),
    path("by/<uuid:key>/", views.member),
]
""",
        innermost="""
from django.urls import path
from shop.views import member, open_
urlpatterns = [path("x", open_), path("y", member)]
""",
        views="""
from django.contrib.auth.decorators import login_required
from django.contrib.syndication.views import Feed
from django.http import HttpResponse

def open_(request, **kwargs): return HttpResponse("x")

@login_required
def member(request, **kwargs): return HttpResponse("x")

def year(request, year): return HttpResponse("x")

class News(Feed):
    title = description = link = "/"
    def items(self): return []

class Answering:
    def __call__(self, request):
        if not request.user.is_authenticated:
            return HttpResponse(status=401)
        return HttpResponse("x")
""",
    ),
    "LoginRequiredMiddleware": project(
        """
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth import views as auth
from django.urls import include, path
from shop import views as v

urlpatterns = [
    path("sign-in/", auth.LoginView.as_view()),
    path("accounts/", include("django.contrib.auth.urls")),
    path("closed/", v.closed),
    path("free/", v.free),
    path("class/", v.Closed.as_view()),
    path("free-class/", v.Free.as_view()),
    path("free-dispatch/", v.FreeDispatch.as_view()),
    path("freed/", login_not_required(v.Closed.as_view())),
    path("api/", v.api),
    path("api-class/", v.ApiClass.as_view()),
]
""",
        'MIDDLEWARE += ["django.contrib.auth.middleware.LoginRequiredMiddleware"]\n',
        views="""
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from rest_framework.decorators import api_view
from rest_framework.response import Response
from rest_framework.views import APIView

def closed(request): return HttpResponse("x")

@login_not_required
def free(request): return HttpResponse("x")

class Closed(View):
    def get(self, request): return HttpResponse("x")

@method_decorator(login_not_required, name="dispatch")
class Free(View):
    def get(self, request): return HttpResponse("x")

class FreeDispatch(View):
    @method_decorator(login_not_required)
    def dispatch(self, *args, **kwargs): return super().dispatch(*args, **kwargs)
    def get(self, request): return HttpResponse("x")

@api_view(["GET", "POST"])
def api(request): return Response({})

class ApiClass(APIView):
    def get(self, request): return Response({})
""",
    ),
    "a middleware of its own": project(
        """
from django.urls import path
from shop import views as v

urlpatterns = [
    path("", v.page),
    path("sign-in/", v.page),
    path("public/<slug:name>/", v.page),
    path("health", v.page, name="health"),
    path("reports/", v.page),
    path("api/things/", v.page),
]
""",
        'MIDDLEWARE += ["shop.middleware.MembersOnly"]\n',
        views="""
from django.http import HttpResponse

def page(request, **kwargs): return HttpResponse("x")
""",
        middleware="""
from django.shortcuts import redirect

EXCEPT = ("/sign-in/", "/health")

class MembersOnly:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path in EXCEPT or request.path.startswith("/public/"):
            return self.get_response(request)
        if not request.user.is_authenticated:
            return redirect("/sign-in/")
        return self.get_response(request)
""",
    ),
    "middleware that asks the view": project(
        """
from django.urls import path
from shop import views as v

urlpatterns = [
    path("sign-in/", v.sign_in, name="sign-in"),
    path("closed/", v.closed, name="closed"),
    path("marked/", v.marked, name="marked"),
    path("named/", v.closed, name="named"),
    path("keyed/", v.closed, name="keyed"),
]
""",
        'MIDDLEWARE += ["shop.middleware.logging", "shop.middleware.Guard"]\nFREE = ["named"]\n',
        views="""
from django.http import HttpResponse
from shop.middleware import free

def closed(request): return HttpResponse("x")

@free
def marked(request): return HttpResponse("x")

@free
def sign_in(request): return HttpResponse("x")
""",
        middleware="""
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.deprecation import MiddlewareMixin

def free(view):
    view.is_free = True
    return view

def logging(get_response):
    def middleware(request):
        response = get_response(request)
        response["X-Seen"] = "1"
        return response
    return middleware

class Guard(MiddlewareMixin):
    def process_view(self, request, view, args, kwargs):
        if getattr(view, "is_free", False):
            return None
        if request.resolver_match.url_name in settings.FREE:
            return None
        if request.user.is_authenticated:
            return None
        return redirect("/sign-in/")
""",
    ),
    "DRF's routers": project(
        """
from django.urls import include, path
from rest_framework.routers import DefaultRouter, SimpleRouter
from rest_framework_nested.routers import NestedSimpleRouter
from shop import views as v

router = DefaultRouter()
router.register("users", v.Members, basename="user")
router.register(r"open", v.Open, basename="open")
router.register("reads", v.Reads, basename="read")
simple = SimpleRouter(trailing_slash=False)
simple.register("keyed", v.Keyed, basename="keyed")
simple.register("", v.Reads, basename="rootless")
nested = NestedSimpleRouter(router, "users", lookup="user")
nested.register("things", v.Things, basename="thing")
shadowed = DefaultRouter()
shadowed.register("", v.Members, basename="member")
CHANGING = {"put": "update", "delete": "destroy"}
LISTING = {**{"get": "list"}, "post": "create"}

urlpatterns = [
    path("api/", include(router.urls)),
    path("api/", include(nested.urls)),
    path("v2/", include((simple.urls, "v2"))),
    path("one/", v.Members.as_view({"get": "list", "post": "create"})),
    path("spread/", v.Members.as_view(LISTING)),
    path("spread/<int:pk>/", v.Members.as_view(actions={**{"get": "retrieve"}, **CHANGING})),
    path("shadowed/", include(shadowed.urls)),
    path("two/<int:pk>/", v.Open.as_view({"delete": "destroy"})),
    path("three/", v.Listed.as_view({"get": "list", "post": "create"})),
    path("auth/", include("rest_framework.urls")),
]
""",
        members=MEMBERS,
        views="""
from django.contrib.auth.models import User
from rest_framework import mixins, permissions, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response
from shop.members import Base

class Members(Base):
    permission_classes = [permissions.IsAuthenticated]

    @action(detail=True, methods=["post"])
    def block(self, request, pk=None): return Response({})

    @action(detail=False, url_path="me/info", permission_classes=[permissions.AllowAny])
    def me(self, request): return Response({})

    @action(methods=["get", "put"], detail=True, permission_classes=[permissions.IsAdminUser])
    def photo(self, request, pk=None): return Response({})

    @photo.mapping.delete
    def remove_photo(self, request, pk=None): return Response({})

class Open(Base):
    pass

class Listed(Members):
    http_method_names = ["get", "head"]

class Reads(viewsets.ReadOnlyModelViewSet):
    queryset = User.objects.order_by("id")
    serializer_class = Base.serializer_class
    permission_classes = (permissions.IsAdminUser,)
    lookup_field = "username"

class Keyed(mixins.ListModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet):
    queryset = User.objects.order_by("id")
    serializer_class = Base.serializer_class
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]
    lookup_value_regex = "[0-9]+"

class Things(viewsets.ViewSet):
    permission_classes = [permissions.IsAuthenticated]
    def list(self, request, user_pk=None): return Response([])
    def retrieve(self, request, user_pk=None, pk=None): return Response({})
""",
    ),
    "DRF's permissions": project(
        """
from django.urls import path
from rest_framework import permissions as p
from shop import views as v

urlpatterns = [
    path("plain/", v.plain),
    path("member/", v.member),
    path("allowed/", v.allowed),
    path("keyed/", v.keyed),
    path("nothing/", v.Nothing.as_view()),
    path("forgiving/", v.Forgiving.as_view()),
    path("chief/", v.Chief.as_view()),
    path("writes/", v.Writes.as_view()),
    path("either/", v.Either.as_view()),
    path("either-open/", v.EitherOpen.as_view()),
    path("both/", v.Both.as_view()),
    path("not/", v.Not.as_view()),
    path("not-chief/", v.NotChief.as_view()),
    path("composed/", v.Composed.as_view()),
    path("owner/<int:pk>/", v.Owner.as_view()),
    path("no-authentication/", v.NoAuthentication.as_view()),
    path("inherited/", v.Inherited.as_view()),
    path("reads/", v.Reads.as_view()),
    path("read-only/", v.ReadOnly.as_view()),
    path("initial/", v.Initial.as_view()),
    path("empty/", v.Empty.as_view()),
    path("body/", v.Body.as_view()),
    path("given/", v.Empty.as_view(permission_classes=[p.IsAdminUser])),
    path("enter/", v.Enter.as_view()),
]
""",
        permissions=PERMISSIONS,
        members=MEMBERS,
        views="""
from django.contrib.auth import authenticate, login
from rest_framework import generics, permissions as p
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.response import Response
from rest_framework.views import APIView
from shop import permissions as own
from shop.members import Base

class Answering(APIView):
    def get(self, request): return Response({})
    def post(self, request): return Response({})

@api_view()
def plain(request): return Response({})

@api_view(["GET", "POST"])
@permission_classes([p.IsAuthenticated])
def member(request): return Response({})

@api_view(["GET"])
@permission_classes((p.AllowAny,))
def allowed(request): return Response({})

@api_view(["PUT"])
@authentication_classes([])
@permission_classes([own.HasKey])
def keyed(request): return Response({})

class Nothing(Answering):
    permission_classes = [own.Nothing]

class Forgiving(Answering):
    permission_classes = [own.Forgiving]

class Chief(Answering):
    permission_classes = [own.Chief]

class Writes(Answering):
    permission_classes = [own.MemberWrites]

class Either(Answering):
    permission_classes = [own.Member | p.IsAdminUser]

class EitherOpen(Answering):
    permission_classes = [p.IsAuthenticated | own.Nothing]

class Both(Answering):
    permission_classes = [p.AllowAny & own.Member]

class Not(Answering):
    permission_classes = [~p.AllowAny]

class NotChief(Answering):
    permission_classes = [~p.IsAdminUser]

WRITERS = p.IsAuthenticated & (p.IsAdminUser | own.HasKey)

class Composed(Answering):
    permission_classes = [WRITERS]

class Owner(generics.RetrieveAPIView):
    queryset = Base.queryset
    serializer_class = Base.serializer_class
    permission_classes = [own.OwnerOnly]

class NoAuthentication(Answering):
    authentication_classes = []
    permission_classes = [p.IsAuthenticated]

class Inherited(Chief):
    permission_classes = Chief.permission_classes + [p.AllowAny]

class Reads(Answering):
    permission_classes = [p.IsAuthenticatedOrReadOnly]

class ReadOnly(Answering):
    permission_classes = [own.AnyoneReads]

class Initial(Answering):
    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if not request.user.is_authenticated:
            raise NotAuthenticated()

class Empty(Answering):
    permission_classes = []

class Enter(APIView):
    def post(self, request):
        user = authenticate(username=request.data.get("name"), password=request.data.get("word"))
        if user is None:
            return Response({"detail": "wrong"}, status=400)
        if not user.is_staff:
            raise PermissionDenied()
        login(request, user)
        return Response({})

class Body(APIView):
    def get(self, request):
        if not request.user.is_staff:
            raise PermissionDenied()
        return Response({})
    def post(self, request):
        if request.user.is_anonymous:
            return Response({"detail": "no"}, status=401)
        return Response({})
""",
    ),
    "DRF closed by default": project(
        """
from django.urls import include, path
from rest_framework import routers
from rest_framework.authtoken.views import obtain_auth_token
from shop import views as v

router = routers.DefaultRouter()
router.register("users", v.Members)
router.register("free", v.Free, basename="free")

urlpatterns = [
    path("", include(router.urls)),
    path("plain/", v.plain),
    path("allowed/", v.allowed),
    path("class/", v.Plain.as_view()),
    path("empty/", v.Empty.as_view()),
    path("function/", v.function),
    path("token/", obtain_auth_token),
]
""",
        GUARDED + '\nINSTALLED_APPS += ["rest_framework.authtoken"]\n',
        members=MEMBERS,
        views="""
from django.http import HttpResponse
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView
from shop.members import Base

class Members(Base):
    @action(detail=False, permission_classes=[AllowAny])
    def count(self, request): return Response({})
    @action(detail=False, permission_classes=[])
    def sum(self, request): return Response({})

class Free(Base):
    permission_classes = [AllowAny]

@api_view(["GET"])
def plain(request): return Response({})

@api_view(["GET"])
@permission_classes([AllowAny])
def allowed(request): return Response({})

class Plain(APIView):
    def get(self, request): return Response({})

class Empty(APIView):
    permission_classes = ()
    def get(self, request): return Response({})

def function(request): return HttpResponse("x")
""",
    ),
    "permissions by action": project(
        """
from django.urls import include, path
from rest_framework.routers import SimpleRouter
from shop import views as v

router = SimpleRouter()
for prefix, viewset in [("a", v.Branches), ("b", v.Mapped), ("c", v.Added), ("d", v.Methods),
                        ("e", v.Both), ("f", v.Early), ("g", v.Tried), ("h", v.Heir)]:
    router.register(prefix, viewset, basename=prefix)

urlpatterns = [path("", include(router.urls))]
""",
        members=MEMBERS,
        permissions=PERMISSIONS,
        views="""
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS, AllowAny, IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from shop.members import Base
from shop.permissions import Member

class Branches(Base):
    def get_permissions(self):
        if self.action in ["list", "retrieve"]:
            permission_classes = [AllowAny]
        elif self.action == "destroy":
            permission_classes = [IsAdminUser]
        else:
            permission_classes = [Member]
        return [permission() for permission in permission_classes]

class Mapped(Base):
    by_action = {"list": [AllowAny], "create": [IsAuthenticated]}
    def get_permissions(self):
        return [each() for each in self.by_action.get(self.action, [IsAdminUser])]

class Added(Base):
    permission_classes = [IsAuthenticated]
    def get_permissions(self):
        if self.action == "create":
            return [AllowAny()]
        return super().get_permissions()
    @action(detail=False, methods=["post"])
    def more(self, request): return Response({})

class Methods(Base):
    def get_permissions(self):
        if self.request.method in SAFE_METHODS:
            return []
        return [IsAuthenticated()]

class Both(Base):
    permission_classes = [AllowAny]
    def get_permissions(self):
        permissions = super().get_permissions()
        if self.action in ("update", "partial_update", "destroy"):
            permissions.append(IsAuthenticated())
        return permissions

class Early(Base):
    def get_permissions(self):
        if self.action == "list":
            self.permission_classes = [AllowAny]
        else:
            self.permission_classes = [IsAdminUser]
        return super().get_permissions()

class Tried(Base):
    permission_classes = [IsAuthenticated]
    permission_classes_by_action = {"list": [AllowAny]}
    def get_permissions(self):
        try:
            return [each() for each in self.permission_classes_by_action[self.action]]
        except KeyError:
            return [each() for each in self.permission_classes]

class Heir(Branches):
    def get_permissions(self):
        extra = [IsAdminUser()] if self.action == "list" else []
        return super().get_permissions() + extra
""",
    ),
    "django-ninja": project(
        """
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.urls import path
from ninja import NinjaAPI, Router
from ninja.security import django_auth
from ninja.throttling import AnonRateThrottle, UserRateThrottle
from shop import security as s
from shop.items import items

api = NinjaAPI(urls_namespace="api", throttle=[UserRateThrottle("100/h")])
closed = NinjaAPI(auth=django_auth, urls_namespace="closed", docs_decorator=staff_member_required)
bare = NinjaAPI(urls_namespace="bare", openapi_url=None)

@api.get("/open")
def open_(request): return {}

@api.get("/keyed", auth=s.Key())
def keyed(request): return {}

@api.post("/bearer", auth=s.Bearer())
def bearer(request): return {}

@api.get("/trusting", auth=s.Trusting())
def trusting(request): return {}

@api.get("/function", auth=s.by_key)
def function(request): return {}

@api.get("/either", auth=[s.Key(), django_auth])
def either(request): return {}

@api.get("/either-open", auth=[s.Key(), s.anybody])
def either_open(request): return {}

@api.get("/lambda", auth=lambda request: request.user.is_staff)
def with_lambda(request): return {}

@api.api_operation(["POST", "PATCH"], "/several/{int:item}", auth=s.Key())
def several(request, item: int): return {}

@api.get("/body")
def body(request):
    if not request.user.is_authenticated:
        return api.create_response(request, {"detail": "no"}, status=401)
    return {}

@closed.get("/member")
def member(request): return {}

@closed.get("/free", auth=None)
def free(request): return {}

@bare.delete("/gone/{item}")
def gone(request, item: str): return {}

inner = Router(auth=s.Key())
nested = Router()
unset = Router()

@inner.get("/")
def inner_list(request): return []

@inner.post("/free", auth=None, throttle=AnonRateThrottle("10/s"))
def inner_free(request): return {}

@nested.get("/{uuid:item}")
def nested_one(request, item): return {}

@unset.get("things")
def things(request): return []

inner.add_router("/nested/", nested)
api.add_router("/inner", inner)
api.add_router("/plain/", unset)
api.add_router("/items", items)
closed.add_router("/items/", "shop.others.router")
bare.add_router("/guarded", "shop.others.second", auth=s.Key())

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("closed/", closed.urls),
    path("bare/", bare.urls),
]
""",
        security="""
import hmac, os
from django.contrib.auth.models import User
from ninja.security import APIKeyHeader, HttpBearer

class Key(APIKeyHeader):
    param_name = "X-Key"
    def authenticate(self, request, key):
        if hmac.compare_digest(key or "", os.environ["SAMPLE_KEY"]):
            return key

class Bearer(HttpBearer):
    def authenticate(self, request, token):
        return User.objects.filter(password=token).first()

class Trusting(APIKeyHeader):
    param_name = "X-Key"
    def authenticate(self, request, key):
        return key or "nobody"

def by_key(request):
    return request.headers.get("X-Key") == os.environ["SAMPLE_KEY"]

def anybody(request):
    return True
""",
        items="""
from ninja import Router
from ninja.pagination import paginate

items = Router(tags=["items"])

@items.get("", response=list[int])
@paginate
def listed(request) -> list[int]: return []

@items.put("/{item_id}")
def changed(request, item_id: int): return {}
""",
        others="""
from ninja import Router

router = Router()
second = Router()

@router.get("/one")
def one(request): return {}

@second.get("/two")
def two(request): return {}
""",
    ),
    "django-ninja-extra": project(
        """
from django.urls import path
from ninja.security import django_auth
from ninja_extra import NinjaExtraAPI
from ninja_jwt.controller import NinjaJWTDefaultController
from shop.controllers import Free, Members, Others, Things

api = NinjaExtraAPI(urls_namespace="extra")
closed = NinjaExtraAPI(urls_namespace="closed-extra", auth=django_auth)
api.register_controllers(NinjaJWTDefaultController, Members, Things)
api.register_controllers(*[Free])
closed.register_controllers("shop.controllers.Others")

urlpatterns = [path("api/", api.urls), path("closed/", closed.urls)]
""",
        'INSTALLED_APPS += ["ninja_extra", "ninja_jwt"]\n',
        controllers="""
from ninja_extra import ControllerBase, api_controller, http_get, http_post, route
from ninja_extra.permissions import AllowAny, BasePermission, IsAdminUser, IsAuthenticated
from ninja_jwt.authentication import JWTAuth

class Nothing(BasePermission):
    def has_permission(self, request, controller):
        return True

@api_controller("/members", auth=JWTAuth(), permissions=[IsAuthenticated])
class Members(ControllerBase):
    @route.get("/")
    def all(self): return []

    @route.post("/open", auth=None, permissions=[AllowAny])
    def open_(self): return {}

    @route.generic("/both", methods=["PUT", "DELETE"])
    def both(self): return {}

@api_controller("/things/{int:shelf}", permissions=[Nothing])
class Things:
    @http_get("/one/{thing}", permissions=[IsAuthenticated | IsAdminUser])
    def one(self, shelf: int, thing: str): return {}

    @http_post("/one")
    def add(self, shelf: int): return {}

@api_controller
class Free:
    @http_get("/free")
    def free(self): return {}

@api_controller("/others")
class Others:
    @http_get("/mine")
    def mine(self): return {}

    @http_get("/yours", auth=None)
    def yours(self): return {}
""",
    ),
    "in the wild": project(
        """
from django.urls import include, path
from rest_framework.permissions import IsAdminUser
from rest_framework.routers import DefaultRouter
from rest_framework.schemas import get_schema_view
from shop import views as v

class BulkRouter(DefaultRouter):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.routes[0].mapping.update({"delete": "bulk_destroy", "patch": "bulk_absent"})

router = BulkRouter()
router.register("users", v.Users, basename="user")
schema_view = get_schema_view(title="x", permission_classes=[IsAdminUser])

def made(prefix):
    found = [path("first/", v.limited)]
    found.append(path(f"{prefix}/", v.scoped))
    return found

urlpatterns = [
    path("api/", include(router.urls)),
    path("limited/", v.limited),
    path("scoped/", v.scoped),
    path("preview/", v.Preview(v.Article)),
    path("made/", include(made("second"))),
    path("schema/", schema_view),
    path("list/", v.ByPath.as_view()),
    path("one/<int:pk>/", v.ByPath.as_view()),
    path("grouped/", v.grouped),
    path("late/", v.late),
]
""",
        'MIDDLEWARE += ["shop.middleware.Tokens"]\nINSTALLED_APPS += ["rest_framework.authtoken"]\n'
        'METRICS_KEY = os.environ.get("METRICS_KEY")\n',
        middleware="""
from shop.tokens import Tokens
""",
        tokens="""
from rest_framework.authtoken.models import Token

class Tokens:
    def __init__(self, get_response):
        self.get_response = get_response
    def __call__(self, request):
        request.token = None
        sent = request.headers.get("X-Token")
        if sent:
            request.token = Token.objects.filter(key=sent).first()
        return self.get_response(request)
""",
        members=MEMBERS,
        views="""
import functools
from django.conf import settings
from django.contrib.auth.decorators import user_passes_test
from django.http import HttpResponse, HttpResponseForbidden
from rest_framework import permissions
from rest_framework.response import Response
from rest_framework.views import APIView
from shop.members import Base

def methods(*allowed):
    def decorate(view):
        @functools.wraps(view)
        def wrapper(request, *args, **kwargs):
            if request.method not in allowed:
                return HttpResponse(status=405)
            return view(request, *args, **kwargs)
        return wrapper
    return decorate

def scope_required(scope, strict=True):
    def decorate(view):
        @functools.wraps(view)
        def wrapper(request, *args, **kwargs):
            if not request.token:
                if request.user.is_authenticated:
                    pass
                else:
                    return HttpResponse(status=401)
            elif not request.token.user.has_perm(scope):
                return HttpResponse(status=403)
            return view(request, *args, **kwargs)
        return wrapper
    return decorate

def in_group(user, groups):
    if not user.is_authenticated:
        return False
    return user.groups.filter(name__in=groups).exists()

def group_required(*groups):
    def test(user):
        return in_group(user, groups)
    return user_passes_test(test)

@methods("GET", "DELETE")
def limited(request): return HttpResponse("x")

@scope_required("read")
def scoped(request): return HttpResponse("x")

@group_required("editors")
def grouped(request): return HttpResponse("x")

def late(request):
    if not settings.METRICS_KEY:
        return HttpResponseForbidden()
    if request.headers.get("X-Key") != settings.METRICS_KEY:
        return HttpResponseForbidden()
    return HttpResponse("x")

class Article: ...

class Preview:
    def __init__(self, form): self.form = form
    def __call__(self, request):
        if not request.user.is_staff:
            return HttpResponseForbidden()
        return HttpResponse("x")

class WithKey(permissions.BasePermission):
    def has_permission(self, request, view):
        return request.user.is_authenticated or "pk" in view.kwargs

class ByPath(APIView):
    permission_classes = [WithKey]
    def get(self, request, pk=None): return Response({})

class Users(Base):
    permission_classes = [permissions.IsAuthenticated]
    def bulk_destroy(self, request): return Response({})
""",
    ),
    "sessions, methods in the body, and DEBUG": project(
        """
from django.conf import settings
from django.conf.urls.static import static
from django.urls import include, path
from rest_framework.routers import DefaultRouter
from shop import views as v
from shop.more import urlpatterns

router = DefaultRouter()
router.register("", v.Users, basename="user")

urlpatterns = [
    path("more/", include(urlpatterns)),
    path("got/", v.got),
    path("taken/", v.taken),
    path("caught/", v.caught),
    path("asked/", v.asked),
    path("wrapped/", v.wrapped),
    path("basket/", v.basket),
    path("only-post/", v.only_post),
    path("two/", v.two),
    path("either/", v.either),
    path("users/", include(router.urls)),
] + static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT)
""",
        'DEBUG = True\nMEDIA_URL = "media/"\nMEDIA_ROOT = "/srv/media"\n',
        more="""
from django.urls import path
from shop.views import got, open_
urlpatterns = [path("got/", got), path("open/", open_)]
""",
        views=MEMBERS
        + """
import functools
from django.http import HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import redirect

class Users(Base):
    pass

def open_(request): return HttpResponse("x")

def got(request):
    if not request.session.get("member_id"):
        return redirect("/sign-in/")
    return HttpResponse("x")

def taken(request):
    if "member_id" in request.session:
        return HttpResponse("x")
    return redirect("/sign-in/")

def caught(request):
    try:
        user = User.objects.get(pk=request.session["member_id"])
    except KeyError:
        return redirect("/sign-in/")
    return HttpResponse(user.username)

def asked(request):
    if request.session.get("staff") is not True:
        return JsonResponse({}, status=403)
    return HttpResponse("x")

def member_required(view):
    @functools.wraps(view)
    def inner(request, *args, **kwargs):
        found = request.session.get("_member")
        if not found:
            return redirect("/sign-in/")
        try:
            request.member = User.objects.get(pk=found, is_active=True)
        except User.DoesNotExist:
            request.session.pop("_member", None)
            return redirect("/sign-in/")
        return view(request, *args, **kwargs)
    return inner

@member_required
def wrapped(request): return HttpResponse("x")

def basket(request):
    if not request.session.get("cart"):
        return redirect("/open/")
    return HttpResponse("x")

def only_post(request):
    if not request.user.is_authenticated:
        return JsonResponse({}, status=401)
    if request.method != "POST":
        return JsonResponse({}, status=405)
    return HttpResponse("x")

def two(request):
    if request.method == "GET":
        return HttpResponse("x")
    elif request.method == "POST":
        if request.POST.get("x"):
            return HttpResponse("x")
        return HttpResponse("y")
    return HttpResponseNotAllowed(["GET", "POST"])

def either(request):
    if not request.user.is_authenticated:
        return JsonResponse({}, status=401)
    if request.method == "POST":
        return HttpResponse("saved")
    return HttpResponse("x")
""",
    ),
    "middleware with exceptions": project(
        """
from django.urls import path
from shop import views as v

urlpatterns = [
    path("sign-in/", v.page, name="sign-in"),
    path("about/us/", v.page, name="about"),
    path("legal/terms/", v.page),
    path("legal/other/", v.page),
    path("plain/", v.page),
    path("named/", v.page, name="named"),
]
""",
        """
MIDDLEWARE += ["shop.middleware.LoginRequiredMiddleware"]
LOGIN_EXEMPT_URLS = (r"^about/", r"^legal/terms")
""",
        middleware="""
from re import compile
from django.conf import settings
from django.http import HttpResponseRedirect
from django.utils.deprecation import MiddlewareMixin

EXEMPT_URLS = [compile(settings.LOGIN_URL.lstrip("/"))]
if hasattr(settings, "LOGIN_EXEMPT_URLS"):
    EXEMPT_URLS += [compile(expr) for expr in settings.LOGIN_EXEMPT_URLS]

class LoginRequiredMiddleware(MiddlewareMixin):
    def process_request(self, request):
        assert hasattr(request, "user")
        if not request.user.is_authenticated:
            path = request.path_info.lstrip("/")
            if not any(m.match(path) for m in EXEMPT_URLS):
                return HttpResponseRedirect("%s?next=%s" % (settings.LOGIN_URL, request.path))
""",
        views="""
from django.http import HttpResponse
def page(request): return HttpResponse("x")
""",
    ),
    "middleware that keeps its exceptions on itself": project(
        """
from django.urls import path
from shop import views as v

urlpatterns = [
    path("sign-in/", v.page, name="sign-in"),
    path("about/us/", v.page, name="about"),
    path("legal/terms/", v.page),
    path("legal/other/", v.page),
    path("plain/", v.page),
    path("named/", v.page, name="named"),
]
""",
        """
MIDDLEWARE += ["shop.middleware.LoginRequiredMiddleware"]
LOGIN_EXEMPT_URLS = (r"^about/", r"^legal/terms")
""",
        middleware="""
import re
from django.conf import settings
from django.shortcuts import redirect

class LoginRequiredMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response
        self.exempt = [re.compile(x) for x in getattr(settings, "LOGIN_EXEMPT_URLS", [])]

    def __call__(self, request):
        if not request.user.is_authenticated:
            path = request.path_info.lstrip("/")
            if not any(url.match(path) for url in self.exempt):
                return redirect(settings.LOGIN_URL)
        return self.get_response(request)
""",
        views="""
from django.http import HttpResponse
def page(request): return HttpResponse("x")
""",
    ),
    "middleware that asks for names": project(
        """
from django.urls import path
from shop import views as v

urlpatterns = [
    path("sign-in/", v.page, name="sign-in"),
    path("about/us/", v.page, name="about"),
    path("legal/terms/", v.page),
    path("legal/other/", v.page),
    path("plain/", v.page),
    path("named/", v.page, name="named"),
]
""",
        """
MIDDLEWARE += ["shop.middleware.LoginRequiredMiddleware"]
LOGIN_EXEMPT_URLS = (r"^about/", r"^legal/terms")
""",
        middleware="""
from django.shortcuts import redirect
from django.urls import resolve

class LoginRequiredMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        asked = resolve(request.path_info).url_name
        if not request.user.is_authenticated and asked not in ["sign-in", "about"]:
            return redirect("sign-in")
        return self.get_response(request)
""",
        views="""
from django.http import HttpResponse
def page(request): return HttpResponse("x")
""",
    ),
    "middleware that reverses names": project(
        """
from django.urls import path
from shop import views as v

urlpatterns = [
    path("sign-in/", v.page, name="sign-in"),
    path("about/us/", v.page, name="about"),
    path("legal/terms/", v.page),
    path("legal/other/", v.page),
    path("plain/", v.page),
    path("named/", v.page, name="named"),
]
""",
        """
MIDDLEWARE += ["shop.middleware.LoginRequiredMiddleware"]
LOGIN_EXEMPT_URLS = (r"^about/", r"^legal/terms")
""",
        middleware="""
from django.shortcuts import redirect
from django.urls import reverse

class LoginRequiredMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        exempt = [reverse("sign-in"), "/about/us/"]
        if not request.user.is_authenticated and request.path not in exempt:
            return redirect("sign-in")
        return self.get_response(request)
""",
        views="""
from django.http import HttpResponse
def page(request): return HttpResponse("x")
""",
    ),
    "GraphQL": project(
        """
from django.contrib.auth.decorators import login_required
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from graphene_django.views import GraphQLView
from strawberry.django.views import AsyncGraphQLView, GraphQLView as StrawberryView
from shop.schema import plain, schema
from shop.views import Closed, Dispatching

urlpatterns = [
    path("open/", csrf_exempt(GraphQLView.as_view(schema=plain, graphiql=True))),
    path("wrapped/", login_required(GraphQLView.as_view(schema=plain))),
    path("closed/", Closed.as_view(schema=plain)),
    path("dispatching/", Dispatching.as_view(schema=plain)),
    path("strawberry/", StrawberryView.as_view(schema=schema)),
    path("strawberry-closed/", login_required(StrawberryView.as_view(schema=schema))),
    path("strawberry-async/", AsyncGraphQLView.as_view(schema=schema)),
]
""",
        'INSTALLED_APPS += ["graphene_django"]\n',
        schema="""
import graphene
import strawberry
from strawberry.permission import BasePermission

class Query(graphene.ObjectType):
    name = graphene.String()

plain = graphene.Schema(query=Query)

class IsMember(BasePermission):
    message = "no"
    def has_permission(self, source, info, **kwargs):
        return info.context.request.user.is_authenticated

@strawberry.type
class Root:
    @strawberry.field(permission_classes=[IsMember])
    def secret(self) -> str:
        return "x"

schema = strawberry.Schema(query=Root)
""",
        views="""
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpResponseForbidden
from graphene_django.views import GraphQLView

class Closed(LoginRequiredMixin, GraphQLView):
    pass

class Dispatching(GraphQLView):
    def dispatch(self, request, *args, **kwargs):
        if not request.user.is_authenticated:
            return HttpResponseForbidden()
        return super().dispatch(request, *args, **kwargs)
""",
    ),
}
PROBE = Path(__file__).with_name("probe_django.py")


def served(
    root: Path, settings: str, **environment: str
) -> dict[tuple[str, str], tuple[bool, str]]:
    """(method, path) -> whether strangers are turned away, and what answers, as Django itself says."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROBE), settings],
        cwd=root,
        env={"SAMPLE_KEY": "k", "PATH": "", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[tuple[str, str], tuple[bool, str]] = {}
    for method, path, closed, handler in json.loads(done.stdout):
        found.setdefault((method, path), (closed, handler))  # the first pattern answers
    return found


@pytest.mark.parametrize("files", SAMPLES.values(), ids=SAMPLES.keys())
def test_same_routes_and_guards_as_the_framework(files: Mapping[str, str], tmp_path: Path) -> None:
    root = write(tmp_path, files)
    ours = {
        (r.method, r.written): (r.authentication is Guarding.ENFORCED, r.handler)
        for r in load(root).facts(Route)
    }
    assert ours == served(root, "shop.settings")


def test_throttles_of_ninja_operations(tmp_path: Path) -> None:
    routes = load(write(tmp_path, SAMPLES["django-ninja"])).facts(Route)
    rates = {r.path: [(x.name, x.rate, x.via) for x in r.limits] for r in routes}
    assert rates["/api/open"] == [("UserRateThrottle", "100/h", "application")]
    assert rates["/api/inner/free"] == [("AnonRateThrottle", "10/s", "decorator")]
    assert rates["/closed/member"] == []


def test_graphql_tells_what_its_resolvers_demand(tmp_path: Path) -> None:
    routes = load(write(tmp_path, SAMPLES["GraphQL"])).facts(Route)
    states = {r.path: r.authentication for r in routes}
    assert states["/open/"] is Guarding.OPTIONAL
    assert states["/closed/"] is Guarding.ENFORCED


@pytest.mark.parametrize(
    "pattern, shown",
    [
        ("/api/^users/(?P<pk>[^/.]+)/$", "/api/users/{pk}/"),
        ("/items/<int:item>/<slug>", "/items/{item}/{slug}"),
        (r"/^img/(?P<name>[\w.]+\.(?:png|jpe?g))$", "/img/{name}"),
        (r"/^x\.(json|xml)/?$", "/x.{…}/"),
        (r"/^(?:en/)?about/(?P<a>(b)[)])/\d+$", r"/en/about/{a}/\d+"),
    ],
)
def test_paths_read_well(pattern: str, shown: str) -> None:
    assert readable(pattern) == shown
