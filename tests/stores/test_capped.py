"""Tables of which the code itself lets no more than a few records be made; and near misses."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_MODEL = """
from django.core.exceptions import ValidationError
from django.db import models
class Barber(models.Model):
    name = models.CharField(max_length=50)
    live = models.IntegerField()
{more}
"""
_SEARCH = """
from shop.models import Barber
def find(request, x):
    return Barber.objects.filter(name__icontains=x).first()
"""
_SERIALIZER = """
from rest_framework import generics, serializers
from shop.models import Barber
class BarberSerializer(serializers.ModelSerializer):
    class Meta:
        model = Barber
        fields = "__all__"
    def validate(self, attrs):
        if self.instance is None:
            if Barber.objects.count() >= 8:
                raise serializers.ValidationError("full")
        return attrs
class Shown(serializers.ModelSerializer):
    class Meta:
        model = Barber
        fields = "__all__"
class Barbers(generics.ListCreateAPIView):
    queryset = Barber.objects.all()
    serializer_class = BarberSerializer
class All(generics.ListAPIView):
    queryset = Barber.objects.all()
    serializer_class = Shown
"""


def _fit(build: Build, save: str = "", views: str = "") -> Fit:
    more = f"    def save(self, *args, **kwargs):\n{save}        super().save(*args, **kwargs)\n" if save else ""  # fmt: skip
    files = {"shop/models.py": _MODEL.format(more=more), "shop/find.py": _SEARCH, "shop/views.py": views}  # fmt: skip
    fits = [f for f in build(files).facts(CollectionFit) if f.name == "shop_barber"]
    (told,) = (m.fit for f in fits for q, m in f.fits if q.place.path == "shop/find.py")
    return told


@pytest.mark.parametrize(
    "save",
    [
        "        if not self.pk and Barber.objects.exists():\n            raise ValidationError('one')\n",
        "        if Barber.objects.count() == 1 and not self.id:\n            raise Exception('one')\n",
        "        if self._state.adding and Barber.objects.all().count() >= 5:\n            raise ValidationError('five')\n",
        "        if self.pk is None:\n            if self.__class__.objects.count() > 2:\n                raise ValidationError('three')\n",
        "        if not self.pk and Barber.objects.exists():\n            return\n",
        "        self.pk = 1\n",
        "        self.id = 1\n",
        "        Barber.objects.all().delete()\n",
        "        if not self.pk:\n            self.__class__.objects.all().delete()\n",
    ],
)
def test_a_model_that_saves_no_more_stays_short(save: str, build: Build) -> None:
    assert _fit(build, save) is Fit.COVERED


@pytest.mark.parametrize(
    "save",
    [
        "        if not self.pk and Barber.objects.exists():\n            print('more')\n",
        "        Barber.objects.filter(live=0).delete()\n",
        "        if self.live:\n            Barber.objects.all().delete()\n",
        "        if not self.pk and Barber.objects.filter(name=self.name).exists():\n            raise ValidationError('twice')\n",
        "        if self.live and Barber.objects.count() >= 8:\n            raise ValidationError('live')\n",
        "        if Barber.objects.count() >= 100000:\n            raise ValidationError('many')\n",
        "        if Barber.objects.count() < 8:\n            raise ValidationError('few')\n",
        "        if self.live:\n            self.pk = 1\n",
        "        self.live = 1\n",
    ],
)
def test_a_model_that_saves_more_does_not(save: str, build: Build) -> None:
    assert _fit(build, save) is Fit.MISSING


def test_what_alone_makes_records_may_refuse_them(build: Build) -> None:
    assert _fit(build, views=_SERIALIZER) is Fit.COVERED


@pytest.mark.parametrize(
    "more",
    [
        "def add(request):\n    Barber.objects.create(name=request.POST['name'])\n",
        "def add(request):\n    Shown(data=request.data).save()\n",
        "class More(generics.CreateAPIView):\n    serializer_class = Shown\n",
    ],
)
def test_what_does_not_make_them_alone_may_not(more: str, build: Build) -> None:
    assert _fit(build, views=_SERIALIZER + more) is Fit.MISSING
