"""Serializers, forms and pages of the admin site that no view makes use of: nobody waits for what they ask."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_SITE = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')\n",
    "site/settings.py": "INSTALLED_APPS = ['shop']\nROOT_URLCONF = 'site.urls'\n",
    "site/urls.py": "from django.urls import path\nfrom shop import views\nurlpatterns = [path('a/', views.Adding.as_view())]\n",
    "shop/__init__.py": "",
    "shop/models.py": "from django.db import models\nclass Note(models.Model):\n    title = models.CharField(max_length=50)\n",
}
_VIEWS = """
from rest_framework import generics
from shop import parts
from shop.models import Note
class Adding(generics.CreateAPIView):
    queryset = Note.objects.all()
{}
"""
_PARTS = """
from django import forms
from django.contrib import admin
from rest_framework import serializers
from shop.models import Note
class Part({}):
    def validate_title(self, value):
        return Note.objects.filter(title=value).exists()
"""
_SERIALIZER = "serializers.ModelSerializer"
_OLD = "class Old(generics.CreateAPIView):\n    serializer_class = parts.Part\n"


@pytest.mark.parametrize(
    ("base", "parts", "views", "fit"),
    [
        (_SERIALIZER, "", "", Fit.COVERED),
        ("forms.ModelForm", "", "", Fit.COVERED),
        ("admin.ModelAdmin", "", "", Fit.COVERED),
        ("admin.ModelAdmin", "admin.site.register(Note, Part)", "", Fit.MISSING),
        (_SERIALIZER, "", "    serializer_class = parts.Part", Fit.MISSING),
        (_SERIALIZER, "", "    def get_serializer_class(self):\n        return parts.Part", Fit.MISSING),
        (_SERIALIZER, "class Heir(Part):\n    pass", "", Fit.COVERED),
        (_SERIALIZER, "class Heir(Part):\n    pass", "    serializer_class = parts.Heir", Fit.MISSING),
        (_SERIALIZER, "class Whole(serializers.Serializer):\n    part = Part()", "", Fit.COVERED),
        (_SERIALIZER, "class Whole(serializers.Serializer):\n    part = Part()", "    serializer_class = parts.Whole", Fit.MISSING),
        (_SERIALIZER, "class Whole(serializers.Serializer):\n    part = Part()\nKEPT = {'whole': Whole}", "", Fit.MISSING),
        (_SERIALIZER, "", _OLD, Fit.COVERED),
        (_SERIALIZER, "", _OLD + "OLD = Old.as_view()", Fit.MISSING),
        (_SERIALIZER, "NAMES = ['shop.parts.Part']", "", Fit.MISSING),
        (_SERIALIZER, "KINDS = serializers.Serializer.__subclasses__()", "", Fit.MISSING),
    ],
)  # fmt: skip
def test_what_no_view_that_is_routed_makes_use_of(
    base: str, parts: str, views: str, fit: Fit, build: Build
) -> None:
    code = {"shop/views.py": _VIEWS.format(views), "shop/parts.py": _PARTS.format(base) + parts}
    found = build({**_SITE, **code}).facts(CollectionFit)
    assert {m.fit for f in found for q, m in f.fits if "title" in q.equality} == {fit}
