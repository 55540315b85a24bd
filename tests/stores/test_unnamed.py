"""Querysets that are only put into a template's context, which the template never names."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build

_DJANGO = """
from django.db import models
from django.shortcuts import render
class Note(models.Model):
    title = models.CharField(max_length=50)
    state = models.CharField(max_length=50)
def page(request, given):
    {body}
"""
_FLASK = """
from flask import Flask, render_template
import peewee
class Note(peewee.Model):
    title = peewee.CharField()
def page(given):
    {body}
"""
_SQLALCHEMY = """
from flask import render_template
from flask_sqlalchemy import SQLAlchemy
db = SQLAlchemy()
class Note(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(50))
def page(given):
    {body}
"""
_PAGE = "notes/templates/page.html"
_QUERY = "Note.objects.filter(title=given)"
_RENDER = "return render(request, 'page.html', context)"
_AT_ONCE = f"return render(request, 'page.html', {{'old': {_QUERY}}})"


def _asked(program: str, body: str, files: dict[str, str], build: Build) -> list[tuple[str, ...]]:
    body = body.replace("QUERY", _QUERY).replace("\n", "\n    ")
    application = build({"notes/app.py": program.format(body=body), **files})
    return [q.equality for c in application.facts(CollectionFit) for q, _ in c.fits]


@pytest.mark.parametrize(
    ("program", "body"),
    [
        (_DJANGO, _AT_ONCE),
        (_DJANGO, "return render(request, 'page.html', dict(form=1, old=QUERY.order_by('state')))"),
        (_DJANGO, "old = QUERY\nreturn render(request, 'page.html', {'old': old})"),
        (_DJANGO, f"context = {{'old': QUERY[:5]}}\n{_RENDER}"),
        (_DJANGO, f"context = {{'form': 1}}\ncontext['old'] = QUERY\n{_RENDER}"),
        (_DJANGO, f"old = QUERY\ncontext = dict()\ncontext.update(old=old)\n{_RENDER}"),
        (_DJANGO, f"context = {{}}\ncontext.update({{'old': QUERY}})\nprint(context['form'])\n{_RENDER}"),
        (_DJANGO, "context = {'old': QUERY if given else None}\nreturn render(request, 'page.html', {**context, 'a': 1})"),
        (_DJANGO, "old = {}\nfor x in 'ab':\n    old[x] = QUERY\nreturn render(request, 'page.html', {'old': old})"),
        (_DJANGO, "old = {}\nold['a'] = QUERY\nreturn render(request, 'page.html', {'old': {'both': old}})"),
        (_DJANGO, "one = QUERY\nold = {'a': one}\nreturn render(request, 'page.html', {'old': old})"),
        (_FLASK, "return render_template('page.html', old=Note.select().where(Note.title == given))"),
        (_FLASK, "context = {'old': Note.select().where(Note.title == given)}\nreturn render_template('page.html', **context)"),
        (_SQLALCHEMY, "return render_template('page.html', old=Note.query.filter_by(title=given))"),
    ],
)  # fmt: skip
def test_what_no_template_names_is_not_asked(program: str, body: str, build: Build) -> None:
    files = {
        _PAGE: "{% extends 'base.html' %}<p>old</p>{{ form.as_p|safe }}{% include \"x/a.html\" with x=1 only %}",
        "templates/base.html": "{% block old_one %}{% endblock %}",
        "notes/templates/x/a.html": "{% if x %}{{ x }}{% endif %}",
    }
    assert _asked(program, body, files, build) == []


@pytest.mark.parametrize(
    ("program", "body"),
    [
        (_DJANGO, "return render(request, 'page.html', {'form': QUERY})"),
        (_DJANGO, "return render(request, 'page.html', {'old': list(QUERY)})"),
        (_DJANGO, "return render(request, 'other.html', {'old': QUERY})"),
        (_DJANGO, "return render(request, given, {'old': QUERY})"),
        (_DJANGO, "old = QUERY\nprint(len(old))\nreturn render(request, 'page.html', {'old': old})"),
        (_DJANGO, "old = QUERY\nreturn render(request, 'page.html', {'old': old, 'form': old})"),
        (_DJANGO, f"context = {{'old': QUERY}}\nlist(context['old'])\n{_RENDER}"),
        (_DJANGO, f"context = {{'old': QUERY}}\nlog(context)\n{_RENDER}"),
        (_DJANGO, f"context = {{given: QUERY}}\n{_RENDER}"),
        (_DJANGO, "old = {'a': QUERY}\nreturn render(request, 'page.html', {given: old})"),
        (_DJANGO, "old = {}\nold[1] = QUERY\nreturn render(request, 'page.html', {'form': old})"),
        (_DJANGO, "old = {}\nold[1] = QUERY\nlog(old)\nreturn render(request, 'page.html', {'old': old})"),
        (_DJANGO, "old = base()\nold[1] = QUERY\nreturn render(request, 'page.html', {'old': old})"),
        (_DJANGO, "old = {}\nold[1] = list(QUERY)\nreturn render(request, 'page.html', {'old': old})"),
        (_DJANGO, "context = {'old': QUERY}\nif given:\n    return render(request, 'other.html', context)\nreturn render(request, 'page.html', context)"),
        (_DJANGO, f"from contexts import base\ncontext = base(old=QUERY)\n{_RENDER}"),
        (_DJANGO, "return render(request, 'page.html', base(old=QUERY))"),
        (_DJANGO, f"context = {{'old': QUERY}}\nprint(locals())\n{_RENDER}"),
        (_FLASK, "return render_template('page.html', form=Note.select().where(Note.title == given))"),
        (_SQLALCHEMY, "return render_template('page.html', old=Note.query.filter_by(title=given).all())"),
    ],
)  # fmt: skip
def test_what_may_be_asked_for_is_asked(program: str, body: str, build: Build) -> None:
    assert _asked(program, body, {_PAGE: "{{ form }}"}, build) == [("title",)]


@pytest.mark.parametrize(
    "files",
    [
        {_PAGE: "{% for note in old %}{% endfor %}"},
        {_PAGE: "{{ form }}", "other/templates/page.html": "{{ old.count }}"},
        {_PAGE: "{% extends base %}"},
        {_PAGE: "{% include 'x.html' if a else 'y.html' %}", "templates/x.html": "", "templates/y.html": ""},
        {_PAGE: "{% extends 'gone.html' %}"},
        {_PAGE: "{% include 'a.html' %}", "templates/a.html": "{%- if\n old -%}"},
        {_PAGE: "{% debug %}"},
        {_PAGE: "{% of_package %}"},
        {_PAGE: "{{ '}}' ~ old }}"},
        {_PAGE: "{{ form }}" + " " * 400_000},
        {_PAGE: "<img src='data:image/png;base64," + "AAAA/+" * 99_999 + "'>{{ old }}"},
        {_PAGE: "<img src='data:image/png;base64," + "AAA. AA" * 99_999 + "'>{{ form }}"},
        {_PAGE: "{{" * 20_001},
        {"notes/pages/page.html": "{{ form }}"},
        {_PAGE: "{% latest %}", "notes/templatetags/a.py": "@register.simple_tag(takes_context=True)\ndef latest(context):\n    return context['old']\n"},
        {_PAGE: "{% newest %}", "notes/templatetags/a.py": "@register.tag('newest')\ndef parsed(parser, token):\n    return Node()\n"},
        {_PAGE: "{% crispy form %}", "notes/forms.py": "layout = HTML('{% if old %}x{% endif %}')\n"},
    ],
)  # fmt: skip
def test_a_template_that_may_name_it_asks(files: dict[str, str], build: Build) -> None:
    assert _asked(_DJANGO, _AT_ONCE, files, build) == [("title",)]


@pytest.mark.parametrize(
    "files",
    [
        {_PAGE: "{{ form }}<img src='data:image/png;base64," + "old/+" * 99_999 + "=='><style>@media {a {}}</style>"},
        {_PAGE: "{% extends 'admin/base_site.html' %}{% load static %}{{ form }}"},
        {_PAGE: "{% latest form %}", "notes/templatetags/a.py": "@register.simple_tag\ndef latest(form):\n    return form\n"},
        {_PAGE: "{% include 'page.html' %}{% include 'plain.html' %}", "templates/plain.html": "<p>old</p>"},
    ],
)  # fmt: skip
def test_a_template_that_surely_does_not_name_it_asks_nothing(files: dict[str, str], build: Build) -> None:  # fmt: skip
    assert _asked(_DJANGO, _AT_ONCE, files, build) == []


_VIEWS = """
from django.db import models
from django.views.generic import ListView, TemplateView
class Note(models.Model):
    title = models.CharField(max_length=50)
    state = models.CharField(max_length=50)
class Page(TemplateView):
    template_name = "page.html"
    def get_context_data(self, **kwargs):
        {body}
{more}
"""
_ADDED = "context = super().get_context_data(**kwargs)\ncontext['old'] = QUERY\nreturn context"
_HEIR = "class Other(Page):\n    template_name = 'other.html'\n"


def _added(body: str, more: str, files: dict[str, str], build: Build) -> list[tuple[str, ...]]:
    body = body.replace("QUERY", "Note.objects.filter(title=kwargs['given'])").replace("\n", "\n        ")  # fmt: skip
    program = _VIEWS.format(body=body, more=more)
    application = build({"notes/app.py": program, _PAGE: "{{ form }}", **files})
    return [q.equality for c in application.facts(CollectionFit) for q, _ in c.fits]


@pytest.mark.parametrize(
    ("body", "more", "files"),
    [
        (_ADDED, "", {}),
        ("return super().get_context_data(old=QUERY, **kwargs)", "", {}),
        ("return {**super().get_context_data(**kwargs), 'old': QUERY}", "", {}),
        ("context = super().get_context_data(**kwargs)\ncontext.update({'old': QUERY})\nreturn context", "", {}),
        ("old = QUERY\ncontext = super().get_context_data(**kwargs)\ncontext['old'] = old\nreturn context", "", {}),
        (_ADDED, _HEIR, {"notes/templates/other.html": "{% extends 'page.html' %}"}),
    ],
)  # fmt: skip
def test_what_a_view_adds_and_no_template_names(
    body: str, more: str, files: dict[str, str], build: Build
) -> None:
    assert _added(body, more, files, build) == []


@pytest.mark.parametrize(
    ("body", "more", "files"),
    [
        (_ADDED, "", {_PAGE: "{{ old }}"}),
        (_ADDED, _HEIR, {"notes/templates/other.html": "{{ old.count }}"}),
        (_ADDED, _HEIR, {}),
        (_ADDED, "class Other(Page):\n    def get_template_names(self):\n        return ['x']\n", {}),
        (_ADDED, "def shown(view):\n    return list(view.get_context_data()['old'])\n", {}),
        (_ADDED, "page = Page.as_view(template_name='other.html')\n", {}),
        (_ADDED.replace("return context", "log(context)\nreturn context"), "", {}),
        (_ADDED.replace("QUERY", "list(QUERY)"), "", {}),
        ("self.old = QUERY\nreturn super().get_context_data(old=self.old, **kwargs)", "", {}),
    ],
)  # fmt: skip
def test_what_a_view_adds_and_a_template_may_name(
    body: str, more: str, files: dict[str, str], build: Build
) -> None:
    assert ("title",) in _added(body, more, files, build)
