"""What views of Django REST Framework ask for the methods that routes send them, held against what it runs."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Query
from tests.conftest import Build

_MODELS = """
from django.db import models
class Parcel(models.Model):
    weight = models.IntegerField()
    created = models.DateTimeField()
    class Meta:
        ordering = ("-created",)
"""
_SETTINGS = 'INSTALLED_APPS = ["rest_framework", "shop"]\nROOT_URLCONF = "proj.urls"\n'
_URLS = """
from django.urls import include, path
from rest_framework.routers import DefaultRouter
from shop.views import Parcels
router = DefaultRouter()
urlpatterns = [{routes}]
"""
_MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "proj.settings")\n'
_BODY = "    queryset = Parcel.objects.filter(weight=3)\n"


def _asked(build: Build, base: str, body: str, routes: str) -> set[tuple[str, tuple[str, ...]]]:
    code = f"from rest_framework import generics, viewsets\nfrom shop.models import Parcel\nclass Parcels({base}):\n{_BODY}{body}"
    files = {
        "manage.py": _MANAGE, "proj/__init__.py": "", "proj/settings.py": _SETTINGS, "proj/urls.py": _URLS.format(routes=routes),
        "shop/__init__.py": "", "shop/models.py": _MODELS, "shop/views.py": code,
    }  # fmt: skip
    return {(q.operation, tuple(sorted(q.equality))) for q in build(files).facts(Query)}


_LIST, _GET = ("select", ("weight",)), ("get", ("id", "weight"))
_OWN_UPDATE = "    def update(self, request):\n        return request.user\n"
_LOOKS_UP = "    def update(self, request, pk):\n        return self.change(self.get_object())\n"
_ABOVE = "    def update(self, request, pk):\n        return super().update(request, pk)\n"
_SENT_ON = "    def create(self, request):\n        return self.list(request)\n"


@pytest.mark.parametrize(
    ("base", "body", "routes", "asked"),
    [
        ("viewsets.ModelViewSet", "", "path('a', Parcels.as_view({'get': 'list'}))", {_LIST}),
        ("viewsets.ModelViewSet", "", "path('a', Parcels.as_view({'delete': 'destroy'}))", {_GET}),
        ("viewsets.ModelViewSet", "", "path('a', Parcels.as_view({'patch': 'partial_update'}))", {_GET}),
        ("viewsets.ModelViewSet", "", "path('a', Parcels.as_view({'post': 'create'}))", set()),
        ("viewsets.ModelViewSet", _SENT_ON, "path('a', Parcels.as_view({'post': 'create'}))", {_LIST}),
        ("viewsets.ModelViewSet", "", "path('a', Parcels.as_view({'post': 'create'})), path('b', Parcels.as_view({'get': 'list'}))", {_LIST}),
        ("viewsets.ModelViewSet", "", "path('', include(router.register('a', Parcels) or router.urls))", {_LIST, _GET}),
        ("viewsets.ModelViewSet", "", "*made(Parcels)", {_LIST, _GET}),
        ("viewsets.ModelViewSet", "", "path('a', Parcels.as_view({'delete': 'destroy'})), *made(Parcels)", {_LIST, _GET}),
        ("viewsets.ModelViewSet", "    http_method_names = ['post']\n", "*made(Parcels)", set()),
        ("generics.ListCreateAPIView", "", "path('a', Parcels.as_view())", {_LIST}),
        ("generics.CreateAPIView", "", "path('a', Parcels.as_view())", set()),
        ("generics.RetrieveAPIView", "", "path('a', Parcels.as_view())", {_GET}),
        ("generics.DestroyAPIView", "", "path('a', Parcels.as_view())", {_GET}),
        ("generics.UpdateAPIView", "", "path('a', Parcels.as_view())", {_GET}),
        ("generics.ListAPIView", "    def get(self, request):\n        return super().get(self, request)\n", "path('a', Parcels.as_view())", {_LIST}),
        ("generics.ListAPIView", "    def get(self, request):\n        return self.list(request)\n", "path('a', Parcels.as_view())", {_LIST}),
        ("generics.ListAPIView", "    def get(self, request):\n        return request.user\n", "path('a', Parcels.as_view())", set()),
        ("generics.RetrieveAPIView", "    def get(self, *args, **given):\n        return super().get(*args, **given)\n", "path('a', Parcels.as_view())", {_GET}),
        ("generics.UpdateAPIView", _OWN_UPDATE, "path('a', Parcels.as_view())", set()),
        ("generics.UpdateAPIView", _LOOKS_UP, "path('a', Parcels.as_view())", {_GET}),
        ("generics.UpdateAPIView", _ABOVE, "path('a', Parcels.as_view())", {_GET}),
        ("generics.RetrieveUpdateAPIView", _OWN_UPDATE, "path('a', Parcels.as_view())", {_GET}),
    ],
)  # fmt: skip
def test_a_view_asks_what_it_is_routed_for(
    build: Build, base: str, body: str, routes: str, asked: set[tuple[str, tuple[str, ...]]]
) -> None:
    assert _asked(build, base, body, routes) == asked


_DELETES = "path('a', Parcels.as_view({'delete': 'destroy'}))"


@pytest.mark.parametrize(
    ("body", "routes", "expected"),
    [
        ("    def list(self, request):\n        return self.found(4)\n", _DELETES, "no route leads to Parcels.list, which asks it"),
        ("    @action(detail=False)\n    def heavy(self, request):\n        return self.found(4)\n", _DELETES, "no route leads to Parcels.heavy, which asks it"),
        ("    def list(self, request):\n        return self.found(4)\n", "path('a', Parcels.as_view({'get': 'list'}))", ""),
        ("    def list(self, request):\n        return self.found(4)\n    def destroy(self, request, pk):\n        return self.list(request)\n", _DELETES, ""),
        ("    def list(self, request):\n        return self.found(4)\nclass Heir(Parcels):\n    pass\ndef shown(request):\n    return Heir.as_view({'get': 'list'})(request)\n", _DELETES, ""),
        ("    def list(self, request):\n        return self.found(4)\ndef shown(request):\n    return Parcels.as_view({'get': 'list'})(request)\n", _DELETES, ""),
        ("    @action(detail=False)\n    def heavy(self, request):\n        return self.found(4)\n", "path('', include(router.register('a', Parcels) or router.urls))", ""),
        ("    def get_queryset(self):\n        return self.found(4)\n", "path('a', Parcels.as_view({'get': 'list'}))", ""),
    ],
)  # fmt: skip
def test_an_action_that_no_route_leads_to(
    body: str, routes: str, expected: str, build: Build
) -> None:
    code = f"""
from rest_framework import viewsets
from rest_framework.decorators import action
from shop.models import Parcel
class Parcels(viewsets.ModelViewSet):
    queryset = Parcel.objects.all()
{body}"""
    code = code.replace("self.found(4)", "Parcel.objects.filter(weight=4)")
    files = {
        "manage.py": _MANAGE, "proj/__init__.py": "", "proj/settings.py": _SETTINGS, "proj/urls.py": _URLS.format(routes=routes),
        "shop/__init__.py": "", "shop/models.py": _MODELS, "shop/views.py": code,
    }  # fmt: skip
    found = build(files).facts(CollectionFit)
    told = {m.why for f in found for q, m in f.fits if q.equality == ("weight",)}
    assert told == {expected}


@pytest.mark.parametrize(
    ("routes", "view", "why"),
    [
        ("path('heavy/', other.heavy, name='heavy')", "return 1", "nothing that runs calls heavy, which asks it"),
        ("path('heavy/', other.heavy, name='heavy')", "return redirect('heavy')", "nothing that runs calls heavy, which asks it"),
        ("path('heavy/', other.heavy, name='heavy')", "return call('heavy')", ""),
        ("path('heavy/', api.heavy, name='heavy')", "return 1", ""),
        ("path('light/', other.heavy, name=api.heavy)", "return 1", ""),
        ("path('heavy/', 'heavy')", "return 1", ""),
    ],
)  # fmt: skip
def test_what_an_address_is_called_calls_no_view_of_that_name(
    routes: str, view: str, why: str, build: Build
) -> None:
    api = "from shop.models import Parcel\ndef heavy(request):\n    return str(Parcel.objects.filter(weight=4))\n"
    other = f"from django.shortcuts import redirect\ndef heavy(request):\n    {view}\n"
    urls = f"from django.urls import path\nfrom shop import api, other\nurlpatterns = [{routes}]\n"
    files = {
        "manage.py": _MANAGE, "proj/__init__.py": "", "proj/settings.py": _SETTINGS, "proj/urls.py": urls,
        "shop/__init__.py": "", "shop/models.py": _MODELS, "shop/api.py": api, "shop/other.py": other,
    }  # fmt: skip
    found = build(files).facts(CollectionFit)
    assert {m.why for f in found for q, m in f.fits if q.equality == ("weight",)} == {why}
