"""Formsets of Django's models, which ask for their objects when they are made."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from tests.conftest import Build

_MODELS = """
from django.db import models
class Order(models.Model):
    name = models.CharField(max_length=20)
class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE)
    kind = models.CharField(max_length=20)
"""
_FORMS = """
from django.forms import inlineformset_factory, modelformset_factory, formset_factory
from shop.models import Line, Order
Lines = inlineformset_factory(Order, Line, fields=["kind"])
Orders = modelformset_factory(Order, fields=["name"])
Others = formset_factory(dict)
"""


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ("Lines(instance=given)", {("shop_line", ("order_id",))}),
        ("Lines(instance=given, queryset=Line.objects.filter(kind='a'))", {("shop_line", ("kind", "order_id"))}),
        ("Lines()", set()),  # of nothing that is there
        ("Orders()", {("shop_order", ())}),
        ("Orders(request.POST)", {("shop_order", ())}),
        ("Orders(queryset=Order.objects.filter(name='a'))", {("shop_order", ("name",))}),
        ("Orders(queryset=Order.objects.none())", set()),
        ("Others()", set()),
    ],
)  # fmt: skip
def test_what_a_formset_asks(
    build: Build, made: str, told: set[tuple[str, tuple[str, ...]]]
) -> None:
    views = f"from shop.forms import *\nfrom shop.models import Line, Order\ndef show(request, given):\n    return {made}\n"
    files = {"manage.py": "", "settings.py": "INSTALLED_APPS = ['shop']", "shop/__init__.py": "", "shop/models.py": _MODELS, "shop/forms.py": _FORMS, "shop/views.py": views.replace("import *", "import Lines, Orders, Others")}  # fmt: skip
    found = build(files).facts(Query)
    assert {(q.collection, q.equality) for q in found} == told
