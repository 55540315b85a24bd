"""Tasks of Celery: what asks nothing where nothing sends them and no clock starts them."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_TASKS = """
from celery import shared_task
from shop.celery import app
from shop.models import Slot
@shared_task
def sent():
    return Slot.objects.filter(pk=1).delete()
@%s
def settle():
    return list(Slot.objects.filter(made=5))
%s
"""
_SETTINGS = 'INSTALLED_APPS = ["shop"]\nROOT_URLCONF = "proj.urls"\n'
_VIEWS = "from django.http import HttpResponse\nfrom shop import tasks\nfrom shop.models import Slot\ndef enter(request):\n    Slot.objects.create(made=request.POST['n'])\n%s    return HttpResponse()\n"
_SENDS = "    tasks.sent.delay()\n"


@pytest.mark.parametrize(
    ("decorator", "more", "settings", "view", "expected"),
    [
        ("shared_task", "", "", _SENDS, Fit.COVERED),
        ("shared_task(bind=True)", "", "", _SENDS, Fit.COVERED),
        ("app.task", "", "", _SENDS, Fit.COVERED),
        ("shared_task", "", "", _SENDS + "    tasks.settle.delay()\n", Fit.MISSING),
        ("shared_task", "", "", _SENDS + "    tasks.settle.s().apply_async()\n", Fit.MISSING),
        ("shared_task", "@shared_task\ndef both():\n    settle()\n", "", _SENDS, Fit.COVERED),
        ("shared_task", "", 'CELERY_BEAT_SCHEDULE = {"s": {"task": "shop.tasks.settle", "schedule": 9}}\n', _SENDS, Fit.MISSING),
        ("shared_task", "", 'INSTALLED_APPS.append("django_celery_beat")\n', _SENDS, Fit.MISSING),
        ("shared_task", "def send(name):\n    app.send_task(name)\n", "", _SENDS, Fit.MISSING),
        ("shared_task(name='shop.settle')", "", "", _SENDS, Fit.MISSING),  # sent by another name, from anywhere
        ("shared_task(name='shop.tasks.settle')", "", "", _SENDS, Fit.COVERED),  # as it is called by itself
        ("app.task(name='tasks.settle')", "", "", _SENDS, Fit.COVERED),
        ("app.task(name='settle')", "", "", _SENDS, Fit.MISSING),
        ("app.task(name=NAME)", "NAME = 'shop.tasks.settle'\n", "", _SENDS, Fit.MISSING),
        ("app.task(name='tasks.settle')", "", "", _SENDS + "    tasks.app.send_task('tasks.settle')\n", Fit.MISSING),
        ("app.task(name='tasks.settle')", "", 'CELERY_BEAT_SCHEDULE = {"s": {"task": "tasks.settle", "schedule": 9}}\n', _SENDS, Fit.MISSING),
        ("shared_task", "", "", "", Fit.COVERED),
        ("app.on_after_configure.connect", "", "", _SENDS, Fit.MISSING),  # no task
    ],
)  # fmt: skip
def test_a_task_that_nothing_sends(
    decorator: str, more: str, settings: str, view: str, expected: Fit, build: Build
) -> None:
    files = {
        "manage.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "proj.settings")\n',
        "proj/__init__.py": "",
        "proj/settings.py": _SETTINGS + settings,
        "proj/urls.py": "from django.urls import path\nfrom shop.views import enter\nurlpatterns = [path('', enter)]\n",
        "shop/__init__.py": "",
        "shop/celery.py": "from celery import Celery\napp = Celery('shop')\n",
        "shop/models.py": "from django.db import models\nclass Slot(models.Model):\n    made = models.IntegerField()\n",
        "shop/tasks.py": _TASKS % (decorator, more),
        "shop/views.py": _VIEWS % view,
    }
    found = build(files).facts(CollectionFit)
    told = {m.fit for f in found for q, m in f.fits if q.equality == ("made",)}
    assert told == {expected}


def test_tasks_of_a_tree_that_only_works(build: Build) -> None:
    """Who sends them is another program, where the tree serves nothing and speaks of none of them."""
    files = {
        "worker.py": "from celery import Celery\nfrom store import items\napp = Celery('shop')\n"
        "@app.task\ndef settle(number):\n    return items.find_one({'made': number})\n"
        "@app.task\ndef take(number):\n    items.insert_one({'made': number})\n%s"
        "if __name__ == '__main__':\n    app.worker_main()\n",
        "store.py": "from pymongo import MongoClient\nitems = MongoClient()['shop'].items\n",
    }
    for more, expected in (("", Fit.MISSING), ("take.delay(1)\n", Fit.COVERED)):
        found = build(files | {"worker.py": files["worker.py"] % more}).facts(CollectionFit)
        assert [m.fit for f in found for q, m in f.fits if q.equality == ("made",)] == [expected]


_OWN = """
import celery
class Queue(celery.Celery):
    def task(self, given=None, **options):
        make = %s
        def wrap(function):
            return make(%s)(function)
        return wrap(given) if given else wrap
app = Queue('shop')
"""


@pytest.mark.parametrize(
    ("make", "options", "expected"),
    [
        ("super().task", "**options", Fit.COVERED),
        ("super().task", "name='settle', **options", Fit.MISSING),  # it is sent by that name
        ("self.keep", "**options", Fit.MISSING),
    ],
)
def test_a_task_of_an_heir_of_celery(make: str, options: str, expected: Fit, build: Build) -> None:
    files = {
        "queues.py": _OWN % (make, options),
        "jobs.py": "from queues import app\nfrom store import items\n@app.task\ndef settle():\n    items.delete_many({'made': 5})\n",
        "main.py": "from fastapi import FastAPI\nfrom store import items\nserved = FastAPI()\n@served.post('/')\n"
        "def enter(made: int):\n    items.insert_one({'made': made})\n",
        "store.py": "from pymongo import MongoClient\nitems = MongoClient()['shop'].items\n",
    }
    found = build(files).facts(CollectionFit)
    assert [m.fit for f in found for q, m in f.fits if q.equality == ("made",)] == [expected]
