"""What signals and clocks run is run time and again; what a signal of the start runs, and what nothing starts, is not."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build

_FILES = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')\n",
    "site/settings.py": "INSTALLED_APPS = ['shop']\nROOT_URLCONF = 'site.urls'\n",
    "site/urls.py": "from django.urls import path\nfrom shop import views\nurlpatterns = [path('', views.add)]\n",
    "shop/__init__.py": "",
    "shop/views.py": "from shop.models import Share\ndef add(request):\n    Share.objects.create(code=request.POST['c'])\n",
    "shop/models.py": "from django.db import models\nclass Share(models.Model):\n    code = models.CharField(max_length=20)\n",
}
_HANDLER = "from shop.models import Share\ndef note(sender, instance=None, **kwargs):\n    for share in Share.objects.filter(code=instance.code):\n        share.save()\n"


def _why(build: Build, files: dict[str, str]) -> str:
    found = build({**_FILES, **files}).facts(CollectionFit)
    (why,) = {m.why for f in found for q, m in f.fits if q.equality == ("code",)}
    return why


def _apps(line: str) -> str:
    return (
        "from django.apps import AppConfig\nfrom django.db.models import signals\nfrom django.db.models.signals import post_migrate, post_save\n"
        f"class ShopConfig(AppConfig):\n    name = 'shop'\n    def ready(self):\n        from shop import moves\n        from shop.moves import note\n        {line}\n"
    )


@pytest.mark.parametrize(
    ("line", "at_start"),
    [
        ("post_save.connect(note, sender='shop.Share')", False),
        ("signals.post_save.connect(moves.note, dispatch_uid='n')", False),
        ("post_save.connect(receiver=note)", False),
        ("post_migrate.connect(note, sender=self)", True),
        ("signals.post_migrate.connect(moves.note)", True),
        ("note(self, 1)", True),
    ],
)
def test_what_a_configuration_connects(line: str, at_start: bool, build: Build) -> None:
    why = _why(build, {"shop/apps.py": _apps(line), "shop/moves.py": f"{_HANDLER}        Share.objects.create(code='x')\n"})  # fmt: skip
    assert ("at the start" in why) is at_start


@pytest.mark.parametrize(
    ("decorator", "at_start"),
    [("receiver(post_save)", False), ("receiver([post_save, post_migrate])", False), ("receiver(post_migrate)", True)],
)  # fmt: skip
def test_what_a_decorator_connects(decorator: str, at_start: bool, build: Build) -> None:
    code = _HANDLER.replace("def note", f"@{decorator}\ndef note") + "        Share.objects.create(code='x')\n"  # fmt: skip
    moves = f"from django.dispatch import receiver\nfrom django.db.models.signals import post_migrate, post_save\n{code}"
    why = _why(build, {"shop/apps.py": _apps("pass"), "shop/moves.py": moves})
    assert ("at the start" in why) is at_start


_SCRIPT = "import django\ndjango.setup()\nfrom shop.models import Share\nfor share in Share.objects.filter(code=input()):\n    print(share)\n"
_GUARDED = "import django\ndjango.setup()\nfrom shop.models import Share\ndef look():\n    return list(Share.objects.filter(code=input()))\nif __name__ == '__main__':\n    look()\n"


@pytest.mark.parametrize("script", [_SCRIPT, _GUARDED])
@pytest.mark.parametrize(
    ("added", "by_hand"),
    [
        ({}, True),
        ({"Dockerfile": 'FROM python\nRUN echo "30 07 * * * /usr/bin/python /app/shop/look.py >> /l 2>&1" > /etc/cron.d/x\n'}, False),
        ({"crontab": "*/5 * * * * /app/shop/look.py\n"}, False),
        ({"deploy/shop.cron": "0 3 * * mon root cd /app && python shop/look.py\n"}, False),
        ({"docker-compose.yml": "services:\n  clock:\n    build: .\n    command: sh -c 'while true; do python shop/look.py; sleep 60; done'\n"}, False),
        ({"README.md": "Add to your crontab:\n\n    0 3 * * * python /srv/shop/look.py\n"}, False),
        ({"README.md": "Look at the shares by `python shop/look.py`.\n"}, True),
        ({"Dockerfile": "FROM python\nCOPY shop/look.py /app/\n"}, True),
        ({"Makefile": "all:\n\techo 1 2 3 4 5 look.py\n"}, True),
    ],
)  # fmt: skip
def test_a_script(script: str, added: dict[str, str], by_hand: bool, build: Build) -> None:
    why = _why(build, {"shop/look.py": script, **added})
    assert ("run by hand" in why) is by_hand
