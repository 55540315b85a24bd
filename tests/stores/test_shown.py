"""What templates of Django ask: what their context holds, and relations of the objects in it."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build

_PROGRAM = """
from django.contrib.auth import get_user_model
from django.db import models
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.views.generic import DetailView, ListView, TemplateView
class Order(models.Model):
    code = models.CharField(max_length=20)
    day = models.DateField()
class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    kind = models.CharField(max_length=20)
    class Meta:
        db_table = "lines"
class Badge(models.Model):
    user = models.OneToOneField(get_user_model(), on_delete=models.CASCADE, related_name="badge")
    class Meta:
        db_table = "badges"
def page(request, given):
    {body}
def _page(name, context):
    return render_to_string(name, context)
"""
_ONE = "return render(request, 'page.html', {'order': get_object_or_404(Order, pk=given)})"
_MANY = "return render(request, 'page.html', {'orders': Order.objects.filter(code=given)})"
Asked = set[tuple[str, int, str, str]]


def _asked(body: str, text: str, build: Build, **more: str) -> Asked:
    """(file, line, operation, columns compared) of what is asked in templates."""
    files = {"app.py": _PROGRAM.replace("{body}", body.replace("\n", "\n    "))}
    files |= {"templates/page.html": text}
    files |= {f"templates/{name}.html": other for name, other in more.items()}
    fits = [q for c in build(files).facts(CollectionFit) for q, _ in c.fits]
    return {
        (q.place.path.rpartition("/")[2], q.place.line, q.operation, ",".join(q.equality))
        for q in fits
    }


def _in_templates(asked: Asked) -> list[tuple[str, int, str, str]]:
    return sorted(x for x in asked if x[0].endswith(".html"))


@pytest.mark.parametrize(
    ("body", "text", "asked"),
    [
        (_ONE, "{% for line in order.lines.all %}{{ line.kind }}{% endfor %}", ["select"]),
        (_ONE, "{{ order.lines.count }}", ["count"]),
        (_ONE, "{{ order.lines.all|length }}", ["select"]),
        (_ONE, "{% if user and order.lines.exists %}x{% endif %}", ["exists"]),
        (_ONE, "{% with lines=order.lines.all %}{% for x in lines %}{% endfor %}{% endwith %}", ["select"]),
        (_ONE, "{% if order %}{% else %}{{ order.lines.first.kind }}{% endif %}", ["select"]),
        (_MANY, "{% for o in orders %}{{ o.lines.count }}{% endfor %}", ["count"]),
        (_MANY, "{% for o in orders|slice:':3' %}{{ o.lines.count }}{% empty %}-{% endfor %}", ["count"]),
        (_ONE.replace("render(", "_page(").replace("request, ", ""), "{{ order.lines.count }}", ["count"]),
        ("context = {'a': 1}\ncontext['order'] = Order.objects.get(pk=given)\nreturn render(request, 'page.html', context)", "{{ order.lines.count }}", ["count"]),
        ("return render(request, 'page.html', {'old': {'one': Order.objects.get(pk=given)}})", "{{ old.one.lines.count }}", ["count"]),
        (_MANY, "{% for line in lines %}{{ line.order.lines.count }}{% endfor %}", ["count"]),
    ],
)  # fmt: skip
def test_relations_of_what_is_shown_are_asked(
    body: str, text: str, asked: list[str], build: Build
) -> None:
    found = _in_templates(_asked(body, f"\n{text}", build))
    assert found == [("page.html", 2, operation, "order_id") for operation in asked]


_BOTH = """
every = Order.objects.filter(code=given)
late = every.filter(day=given)
{}
return render(request, 'page.html', context)
"""
_LATE = "{{ orders.late.count }}"
_EVERY = "{% for x in orders.all %}{{ x.code }}{% endfor %}{{ orders.all.count }}"


@pytest.mark.parametrize(
    "context",
    [
        "context = {'orders': {'all': every, 'late': late}}",
        "context = {}\ncontext['orders'] = {'all': every, 'late': late}",
        "orders = {'all': every}\norders['late'] = late\ncontext = {'orders': orders}",
    ],
)
@pytest.mark.parametrize(
    ("text", "asked"), [(_LATE, {"code,day"}), (_LATE + _EVERY, {"code", "code,day"})]
)
def test_a_queryset_that_a_dict_shows_is_asked_beside_what_it_is_narrowed_to(
    context: str, text: str, asked: set[str], build: Build
) -> None:
    found = _asked(_BOTH.strip().format(context), text, build)
    assert {columns for *_, columns in found} == asked


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (_ONE, "{{ order.code }}{% comment %}{{ order.lines.count }}{% endcomment %}{# {{ order.lines.count }} #}"),
        (_ONE, "{% url 'lines' order.id %}{{ form.lines }}"),
        (_ONE, "{{ order.lines }}{% verbatim %}{{ order.lines.count }}{% endverbatim %}"),
        (_MANY.replace(".filter", ".prefetch_related('lines').filter"), "{% for o in orders %}{{ o.lines.all|length }}{{ o.lines.count }}{% endfor %}"),
        (_ONE, "{% for x in %}{% endfor %}{% endfor %}{% endblock %}{% empty %}{% block %}{% include %}{% extends %}{{ }}"),
        (_ONE.replace("page.html", "other.html"), "{{ order.lines.count }}"),
        ("return page_of(request, 'page.html', {'order': get_object_or_404(Order, pk=given)})", "{{ order.lines.count }}"),
    ],
)  # fmt: skip
def test_what_a_template_does_not_ask(body: str, text: str, build: Build) -> None:
    assert _in_templates(_asked(body, text, build)) == []


_VIEWS = """
return 1
class OrderView(DetailView):
    model = Order
    template_name = "page.html"
class OrdersView(ListView):
    model = Order
    template_name = "list.html"
    def get_context_data(self, **kwargs):
        context = super().get_context_data(first=Order.objects.first(), **kwargs)
        context["last"] = Order.objects.last()
        return context
class HomeView(TemplateView):
    template_name = "home.html"
    def get_context_data(self, **kwargs):
        return {**super().get_context_data(**kwargs), "order": Order.objects.first()}
"""


def test_views_of_django_give_their_templates_what_they_look_up(build: Build) -> None:
    body = _VIEWS.replace("\n", "\n", 1).strip()
    program = _PROGRAM.replace("{body}", "return 1") + body.partition("\n")[2]
    files = {
        "app.py": program,
        "templates/page.html": "{{ object.lines.count }}\n{{ order.lines.count }}",
        "templates/list.html": "{% for o in order_list %}{{ o.lines.count }}{% endfor %}\n"
        "{% for o in page_obj.object_list %}{{ o.lines.count }}{% endfor %}\n{{ first.lines.count }}\n{{ last.lines.count }}",
        "templates/home.html": "{{ order.lines.count }}",
    }
    fits = [q for c in build(files).facts(CollectionFit) for q, _ in c.fits]
    told = sorted(
        f"{q.place.path[10:]}:{q.place.line}" for q in fits if q.equality == ("order_id",)
    )
    assert told == ["home.html:1", "list.html:1", "list.html:2", "list.html:3", "list.html:4", "page.html:1", "page.html:2"]  # fmt: skip


def test_templates_that_are_taken_in_ask_in_their_own_lines(build: Build) -> None:
    more = {
        "base": "{% block a %}{{ order.lines.first }}{% endblock %}\n{% block b %}{{ order.lines.last }}{% endblock %}",
        "part": "{{ o.lines.count }}",
    }
    text = (
        "{% extends 'base.html' %}{% block a %}{% include 'part.html' with o=order %}{% endblock %}"
    )
    found = _in_templates(_asked(_ONE, text, build, **more))
    assert [x[:2] for x in found] == [("base.html", 2), ("part.html", 1)]


def test_a_template_that_takes_in_itself_ends(build: Build) -> None:
    text = "{{ order.lines.count }}{% include 'page.html' %}"
    assert len(_in_templates(_asked(_ONE, text, build))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "{% for x in xs %}" * 3000 + "{{ order.lines.count }}",
        "{% block a %}" * 3000 + "{% with b=order %}" * 3000,
        "{{ order" + ".lines.first" * 3000 + " }}{{ order" + "|length" * 3000 + " }}",
        "{% " * 60_000 + "{{" * 60_000 + "{#" * 10_000,
        "{% include 'page.html' %}{% include 'part.html' %}" * 300,
    ],
)
def test_a_template_made_to_hang_ends(text: str, build: Build) -> None:
    assert (
        len(_in_templates(_asked(_ONE, text, build, part="{% include 'page.html' %}" * 300))) <= 1
    )


_BASE = "today = Order.objects.filter(day=given)\nfirst = today.filter(code='x').first()\n"
_RENDERS = "return render(request, 'page.html', {'today': today, 'first': first})"


@pytest.mark.parametrize(
    ("text", "operations"),
    [
        ("{% for o in today %}{{ o.code }}{% endfor %}", {"select"}),
        ("{{ today|length }}", {"select"}),
        ("{% if today %}x{% endif %}", {"select"}),
        ("{% for o in today %}{% endfor %}{{ today.count }}", {"select"}),
        ("{{ today.count }}", {"count"}),
        ("{% table today %}", {"select"}),
        ("{{ first.code }}{% url 'today' %}", set()),
    ],
)
def test_a_queryset_that_others_are_made_of_is_asked_where_a_template_goes_through_it(
    text: str, operations: set[str], build: Build
) -> None:
    for body in (_BASE + _RENDERS, _BASE + _RENDERS.replace("render(request, ", "_page(")):
        found = _asked(body, text, build)
        assert {x[2] for x in found if x[3] == "day"} == operations
        assert ("app.py", 21, "select", "day,code") in found
