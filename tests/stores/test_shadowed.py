"""Views of Django to which no request comes: a pattern before theirs takes it."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_VIEWS = """
from django.views.generic import ListView
from django.http import HttpResponse
from shop.models import Cook
def one(request, **given):
    return HttpResponse("")
def add(request):
    Cook.objects.create(city=request.POST["city"])
def cooks(request):
    return HttpResponse(str(list(Cook.objects.filter(city=request.GET["city"]))))
class Cooks(ListView):
    def get_queryset(self):
        return Cook.objects.filter(city=self.request.GET["city"])
"""
_ADD = "path('new/', views.add)"
_ONE = "path('{}', views.one)"
_BOTH = "path('{0}', views.cooks), path('{0}', views.Cooks.as_view())"


def _fits(build: Build, patterns: str, more: str = "") -> set[Fit]:
    files = {
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
        "settings.py": "ROOT_URLCONF = 'urls'\nINSTALLED_APPS = ['shop']\nSECRET_KEY = 'x'\n",
        "urls.py": f"from django.urls import include, path, re_path\nfrom shop import views\nurlpatterns = [{_ADD}, {patterns}]\n{more}",
        "shop/__init__.py": "",
        "shop/models.py": "from django.db import models\nclass Cook(models.Model):\n    city = models.CharField(max_length=80)\n",
        "shop/views.py": _VIEWS,
    }
    found = build(files).facts(CollectionFit)
    return {match.fit for each in found for query, match in each.fits if query.equality}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("<slug:slug>/", "cooks/"),
        ("<slug>/", "cooks/"),
        ("<str:slug>/<int:pk>/", "cooks/<int:number>/"),
        ("cooks/<slug:slug>", "cooks/<int:pk>"),
        ("cooks/", "cooks/"),
        ("<path:rest>", "cooks/<str:city>/"),
    ],
)
def test_a_pattern_before_takes_the_path(build: Build, first: str, second: str) -> None:
    patterns = f"{_ONE.format(first)}, {_BOTH.format(second)}"
    assert _fits(build, patterns) == {Fit.COVERED}


@pytest.mark.parametrize(
    "patterns",
    [
        f"{_BOTH.format('cooks/')}, {_ONE.format('<slug:slug>/')}",
        f"{_ONE.format('<int:pk>/')}, {_BOTH.format('cooks/')}",
        f"{_ONE.format('<slug:slug>/')}, {_BOTH.format('<str:city>/')}",
        f"{_ONE.format('<slug:slug>/')}, {_BOTH.format('cooks.all/')}",
        f"{_ONE.format('<slug:slug>')}, {_BOTH.format('cooks/')}",
        f"{_ONE.format('<str:slug>/')}, {_BOTH.format('<path:rest>/')}",
        f"{_ONE.format('<path:rest>')}, {_BOTH.format('')}",
        f"{_ONE.format('<slug:slug>/')}, {_BOTH.format('cooks/')}, {_BOTH.format('all/cooks/')}",
        f"re_path('^[a-b]/', views.one), {_BOTH.format('cooks/')}",
        f"*([{_ONE.format('<slug:slug>/')}] if DEBUG else []), {_BOTH.format('cooks/')}",
    ],
)
def test_a_pattern_that_may_leave_the_path(build: Build, patterns: str) -> None:
    assert Fit.MISSING in _fits(build, patterns)


@pytest.mark.parametrize(
    "more", ["urlpatterns.reverse()", "def other(request):\n    return views.cooks(request)"]
)
def test_a_view_that_is_run_all_the_same(build: Build, more: str) -> None:
    also = ", path('more/a/', other)" if "other" in more else ""
    patterns = f"{_ONE.format('<slug:slug>/')}, {_BOTH.format('cooks/')}{also}"
    assert Fit.MISSING in _fits(build, patterns, more)
