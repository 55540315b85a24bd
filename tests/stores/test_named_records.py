"""Tables whose records the code makes by names of its own, where none of that name is there; and near misses."""

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_ALCHEMY = """
from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
app = Flask(__name__)
db = SQLAlchemy(app)
class Knob(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    key = db.Column(db.String)
    worth = db.Column(db.String)
    {column}
def found(key):
    row = Knob.query.filter_by(key=key).first()
    if row is None:
        {made}
        db.session.add(row)
    return row
@app.post("/knobs/<given>")
def turn(given):
    {body}
    return str(Knob.query.filter_by(key=given).first())
"""
_MADE = "row = Knob(key=key, worth=request.form['w'])"
_ASKED = "row = found('soft'), found('hard')"


@pytest.mark.parametrize(
    ("body", "made", "column", "fit"),
    [
        (_ASKED, _MADE, "", Fit.COVERED),
        ("row = [found(key) for key in ('soft', 'hard')]", _MADE, "", Fit.COVERED),
        ("row = found(given)", _MADE, "", Fit.MISSING),
        ("row = found('soft')\n    db.session.add(Knob(key='hard'))", _MADE, "", Fit.MISSING),
        ("row = found('soft')\n    db.session.add(Knob(**request.form))", _MADE, "", Fit.MISSING),
        (_ASKED, "row = Knob(key='other', worth=request.form['w'])", "", Fit.MISSING),
        (_ASKED, "row = Knob(worth=request.form['w'])", "", Fit.MISSING),
        (_ASKED, _MADE, "owner_id = db.Column(db.ForeignKey('user.id'))\nclass User(db.Model):\n    id = db.Column(db.Integer, primary_key=True)", Fit.MISSING),
        (_ASKED + "\n    row = Knob.query.filter_by(worth=given).first()\n    row.key = given", _MADE, "", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_record_for_each_name(body: str, made: str, column: str, fit: Fit, build: Build) -> None:
    found = build({"app.py": _ALCHEMY.format(body=body, made=made, column=column)})
    told = [m for f in found.facts(CollectionFit) for q, m in f.fits if q.equality == ("key",)]
    assert {m.fit for m in told} == {fit}


_MODELS = """
from django.db import models
class Knob(models.Model):
    name = models.TextField()
    worth = models.TextField()
"""
_VIEWS = """
from shop.models import Knob
def found(name):
    row = Knob.objects.filter(name=name).first()
    if row is None:
        row = Knob(name=name, worth="5")
        row.save()
    return row
def ask(request):
    return found("soft"), found("hard")
"""
_URLS = "from django.urls import path\nfrom shop import views\nurlpatterns = [path('ask', views.ask), {}]\n"
_PAGES = "from django.contrib import admin\nfrom shop.models import Knob\n"
_REGISTERED = _PAGES + "class Page(admin.ModelAdmin):\n    pass\nadmin.site.register(Knob, Page)\n"
_DECORATED = _PAGES + "@admin.register(Knob)\nclass Page(admin.ModelAdmin):\n    pass\n"
_FORM = "from django.forms import ModelForm\nclass Form(ModelForm):\n    class Meta:\n        model = Knob\ndef ask2(request):\n    Form(request.POST).save()\n"


@pytest.mark.parametrize(
    ("more", "pages", "route", "fit"),
    [
        ("", "", "", Fit.COVERED),
        ("", _REGISTERED, "", Fit.UNKNOWN),
        ("", _DECORATED, "", Fit.UNKNOWN),
        ("def ask2(request):\n    return Knob.objects.filter(name=request.GET['n']).first()\n", "", "path('ask2', views.ask2)", Fit.COVERED),
        ("def ask2(request):\n    return Knob.objects.filter(name=request.GET['n']).first()\n", _REGISTERED, "path('ask2', views.ask2)", Fit.MISSING),
        ("def ask2(request):\n    return list(Knob.objects.filter(name='soft'))\n", _REGISTERED, "path('ask2', views.ask2)", Fit.MISSING),
        (_FORM, "", "path('ask2', views.ask2)", Fit.MISSING),
        ("def ask2(request):\n    Knob.objects.get_or_create(name='third', defaults={'worth': request.GET['w']})\n", "", "path('ask2', views.ask2)", Fit.COVERED),
        ("def ask2(request):\n    Knob.objects.get_or_create(name='third', worth=request.GET['w'])\n", "", "path('ask2', views.ask2)", Fit.MISSING),
        ("", "", "path('found/<name>', views.found)", Fit.MISSING),
    ],
)  # fmt: skip
def test_models_of_django(more: str, pages: str, route: str, fit: Fit, build: Build) -> None:
    files = {
        "manage.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.settings")',
        "site1/settings.py": 'ROOT_URLCONF = "shop.urls"\nINSTALLED_APPS = ["shop"]\nDATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}',
        "shop/__init__.py": "",
        "shop/models.py": _MODELS,
        "shop/views.py": _VIEWS + more,
        "shop/admin.py": pages,
        "shop/urls.py": _URLS.format(route),
    }
    told = [
        m
        for f in build(files).facts(CollectionFit)
        for q, m in f.fits
        if q.equality == ("name",) and q.operation != "insert"
    ]
    assert {m.fit for m in told} == {fit}
