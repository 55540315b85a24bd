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
    return _found(build, files)


def _found(build: Build, files: dict[str, str]) -> Fit:
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


_CLEAN = """
    MOST = 5
    def clean(self):
        others = self.__class__.objects.all()
        if self.pk:
            others = others.exclude(pk=self.pk)
        {check}
"""


def _checked(build: Build, check: str) -> Fit:
    models = _MODEL.format(more=_CLEAN.format(check=check))
    return _found(build, {"shop/models.py": models, "shop/find.py": _SEARCH})


@pytest.mark.parametrize(
    "check",
    [
        "if others.count() >= self.MOST:\n            raise ValidationError('five')",
        "if type(self).objects.exclude(pk=self.pk).exists():\n            raise ValidationError('one')",
        "errors = {}\n        if others.count() >= self.MOST:\n            errors['live'] = 'five'\n        if errors:\n            raise ValidationError(errors)",
    ],
)
def test_what_a_record_is_checked_by_bounds_them_too(check: str, build: Build) -> None:
    assert _checked(build, check) is Fit.COVERED


@pytest.mark.parametrize(
    "check",
    [
        "if self.live:\n            others = others.filter(live=1)\n        if others.count() >= self.MOST:\n            raise ValidationError('five')",
        "if self.pk:\n            if others.count() >= self.MOST:\n                raise ValidationError('five')",
        "if others.exclude(live=self.live).exists():\n            raise ValidationError('one')",
        "errors = {}\n        if others.count() >= self.MOST:\n            errors['live'] = 'five'\n        if errors:\n            print(errors)",
    ],
)
def test_what_it_is_checked_by_bounds_some_of_them(check: str, build: Build) -> None:
    assert _checked(build, check) is Fit.MISSING


_ABOVE = """
from django.db import models
class One(models.Model):
    class Meta:
        abstract = True
    def save(self, *args, **kwargs):
        self.pk = 1
        super().save(*args, **kwargs)
"""


@pytest.mark.parametrize(
    ("base", "more", "fit"),
    [
        ("from shop.one import One", "", Fit.COVERED),
        ("from solo.models import SingletonModel as One", "", Fit.COVERED),
        ("from shop.one import One", "    def save(self, **kwargs):\n        super().save(**kwargs)\n", Fit.COVERED),
        ("from shop.one import One", "    def save(self, **kwargs):\n        models.Model.save(self, **kwargs)\n", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_model_has_its_bound_from_above(base: str, more: str, fit: Fit, build: Build) -> None:
    model = _MODEL.format(more=more).replace("class Barber(models.Model)", f"{base}\nclass Barber(One)")  # fmt: skip
    files = {"shop/models.py": model, "shop/find.py": _SEARCH, "shop/one.py": _ABOVE}
    assert _found(build, files) is fit


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


def test_a_form_of_a_model_that_is_not_here_says_nothing(build: Build) -> None:
    form = "from django import forms\nfrom django.contrib.auth.models import User\nclass Joining(forms.ModelForm):\n    class Meta:\n        model = User\n    def clean(self):\n        if User.objects.count() >= 8:\n            raise forms.ValidationError('full')\n"  # fmt: skip
    assert _fit(build, views=form) is Fit.MISSING
