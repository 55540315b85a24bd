"""What a model's own `save` asks is told where it stands, for every model that inherits it, and not where it is called."""

from __future__ import annotations

from auditor.model.data import Query
from tests.conftest import Build

_OWN = """
from django.db import models
class Invoice(models.Model):
    number = models.CharField(max_length=30)
    made = models.DateField()
    def save(self, *args, **kwargs):
        if not self.number:
            self.number = str(Invoice.objects.filter(made=self.made).count())
        super().save(*args, **kwargs)
    def like(self, **kwargs):
        return Invoice.objects.filter(**kwargs).count()
"""
_ABSTRACT = """
from django.db import models
class Slugged(models.Model):
    slug = models.CharField(max_length=30)
    class Meta:
        abstract = True
    def save(self, *args, **kwargs):
        if not self.slug:
            self.slug = str(self.__class__.objects.filter(slug="a").count())
        super().save(*args, **kwargs)
class Invoice(Slugged):
    made = models.DateField()
    def save(self, *args, **kwargs):
        super().save(*args, **kwargs)
class Bill(Slugged):
    made = models.DateField()
"""
_VIEWS = """
from shop.models import Invoice
def done(request, pk):
    invoice = Invoice.objects.get(pk=pk)

    invoice.made = request.POST["made"]

    invoice.save()


    invoice.like(made=1)
"""


def asked(build: Build, models: str) -> set[tuple[str, int, str, tuple[str, ...]]]:
    found = build({"shop/models.py": models, "shop/views.py": _VIEWS}).facts(Query)
    return {(q.place.path[5:], q.place.line, q.collection, q.equality) for q in found}


def test_saving_asks_where_the_method_stands(build: Build) -> None:
    assert asked(build, _OWN) - {("models.py", 11, "", ())} == {
        ("models.py", 8, "shop_invoice", ("made",)),
        ("views.py", 4, "shop_invoice", ("id",)),
        ("views.py", 11, "shop_invoice", ("made",)),  # its names narrow the query
    }


def test_an_abstract_model_saves_for_those_that_inherit(build: Build) -> None:
    assert {x for x in asked(build, _ABSTRACT) if x[0] == "models.py"} == {
        ("models.py", 9, "shop_bill", ("slug",)),
        ("models.py", 9, "shop_invoice", ("slug",)),
    }
