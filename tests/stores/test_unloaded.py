"""What no import ever loads: modules beside packages of their names, copies of packages, models declared again, views."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build, write

_MODELS = "from django.db import models\nclass Order(models.Model):\n    place = models.CharField(max_length=9)\n    name = models.CharField(max_length=9)\n"
_VIEWS = "from django.contrib.auth.decorators import login_required\nfrom shop.models import Order\n@login_required\ndef orders(request):\n    return list(Order.objects.filter({}=request.GET['p']))\n"
_PLACE, _NAME = _VIEWS.format("place"), _VIEWS.format("name")
_FILES = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')\n",
    "site/__init__.py": "",
    "site/settings.py": "INSTALLED_APPS = ['shop']\nROOT_URLCONF = 'site.urls'\nMEDIA_ROOT = 'media'\n",
    "site/urls.py": "from django.urls import path\nfrom shop import views\nurlpatterns = [path('', views.orders)]\n",
    "shop/__init__.py": "",
    "shop/models.py": _MODELS,
}


def _told(build: Build, files: dict[str, str]) -> dict[str, str]:
    """What is told of the queries by each field: its fit, or that nothing imports what asks it."""
    found = build({**_FILES, **files}).facts(CollectionFit)
    return {
        q.equality[0]: "no import" if "nothing imports" in m.why else m.fit.value
        for f in found
        for q, m in f.fits
    }


def test_python_takes_the_package(tmp_path: Path) -> None:
    write(tmp_path, {"views.py": "x = 1", "views/__init__.py": "x = 2", "asks.py": "x = 1", "asks/other.py": ""})  # fmt: skip
    found = subprocess.run(
        [sys.executable, "-c", "import asks, views; print(views.x, asks.x)"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout == "2 1\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"shop/views.py": _PLACE, "shop/views/__init__.py": _NAME}, {"name": "missing"}),
        ({"shop/views.py": _PLACE, "shop/views/other.py": ""}, {"place": "missing"}),
        ({"shop/views.py": f"{_PLACE}if __name__ == '__main__':\n    orders(None)\n", "shop/views/__init__.py": _NAME}, {"name": "missing", "place": "missing"}),
        ({"shop/views.py": _PLACE, "shop/models/__init__.py": _MODELS}, {"place": "missing"}),
        ({"shop/views.py": _PLACE, "shop/views/__init__.py": _NAME, "shop/tasks.py": "run_path('shop/views.py')\n"}, {"name": "missing", "place": "missing"}),
    ],
)  # fmt: skip
def test_a_module_beside_a_package_of_its_name(
    files: dict[str, str], expected: dict[str, str], build: Build
) -> None:
    assert _told(build, files) == expected


@pytest.mark.parametrize(
    ("files", "behind"),
    [
        ({}, True),
        ({"shop/models/deep/rings.py": ""}, True),
        ({"shop/models/__init__.py": _MODELS}, False),
        ({"shop/models.py": f"{_MODELS}if __name__ == '__main__':\n    print(Order)\n"}, False),
        ({"shop/views.py": "from shop.models import other\n"}, False),
        ({"shop/tasks.py": "from again import Order\n"}, False),
        ({"shop/tasks.py": "run_path('shop/models/again.py')\n"}, False),
        ({"shop/models/seed.py": "if __name__ == '__main__':\n    print(1)\n"}, False),
        ({"shop/models/001_first.py": ""}, False),
    ],
)  # fmt: skip
def test_a_folder_behind_a_module_of_its_name(
    files: dict[str, str], behind: bool, build: Build
) -> None:
    whole = {**_FILES, "shop/views.py": _PLACE, "shop/models/again.py": _MODELS, **files}
    assert ("shop/models/again.py" not in build(whole).code.modules) is behind


_COPY = {"shop/views.py": _PLACE, "media/shop/models.py": _MODELS, "media/shop/views.py": _NAME}


@pytest.mark.parametrize(
    ("files", "left_out"),
    [
        ({}, True),
        ({"media/site/settings.py": _FILES["site/settings.py"], "media/site/urls.py": _FILES["site/urls.py"]}, True),
        ({"media/manage.py": _FILES["manage.py"]}, True),
        ({"media/__init__.py": ""}, False),
        ({"shop/tasks.py": "from media.shop import views\n"}, False),
        ({"shop/tasks.py": "VIEW = 'media.shop.views.orders'\n"}, False),
        ({"manage.py": f"import sys\nsys.path.insert(0, 'media')\n{_FILES['manage.py']}"}, False),
        ({"media/shop/more.py": "", "media/shop/others.py": "", "media/shop/rest.py": ""}, False),
    ],
)  # fmt: skip
def test_a_copy_of_a_package(files: dict[str, str], left_out: bool, build: Build) -> None:
    application = build({**_FILES, **_COPY, **files})
    assert ("media/shop/views.py" not in application.code.modules) is left_out
    assert "shop/views.py" in application.code.modules


def test_a_project_of_its_own_is_no_copy(build: Build) -> None:
    files = {path.replace("media/", "backend/"): text for path, text in _COPY.items()}
    application = build({**_FILES, **files, "backend/manage.py": _FILES["manage.py"]})
    assert "backend/shop/views.py" in application.code.modules


_AGAIN = (
    _MODELS
    + "    class Meta:\n        app_label = 'shop'\n        indexes = [models.Index(fields=['place'])]\n"
)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"shop/models.py": "from .orders import Order\n", "shop/orders.py": _MODELS, "shop/unified.py": _AGAIN}, "missing"),
        ({"shop/unified.py": _AGAIN}, "missing"),
        ({"shop/models.py": "from .orders import Order\n", "shop/orders.py": _AGAIN, "shop/unified.py": _MODELS}, "covered"),
        ({"shop/models.py": "from .orders import Order\n", "shop/orders.py": _AGAIN}, "covered"),
    ],
)  # fmt: skip
def test_a_model_that_is_declared_again_where_nothing_imports_it(
    files: dict[str, str], expected: str, build: Build
) -> None:
    assert _told(build, {"shop/views.py": _PLACE, **files}) == {"place": expected}


_LIVE = {"shop/views/__init__.py": "from .log_views import orders\n", "shop/views/log_views.py": _NAME}  # fmt: skip


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "no import"),
        ({"shop/views/__init__.py": "from .log_views import orders\nfrom .logs.old_views import *\n"}, "missing"),
        ({"shop/tasks.py": "from shop.views.logs import old_views\nold_views.orders(None)\n"}, "missing"),
        ({"site/settings.py": f"{_FILES['site/settings.py']}HOOK = 'shop.views.logs.old_views.orders'\n"}, "missing"),
        ({"site/urls.py": "from django.urls import path\nfrom elsewhere import made\nurlpatterns = [path('', made('orders'))]\n"}, "missing"),
    ],
)  # fmt: skip
def test_a_view_of_a_module_that_nothing_imports(
    files: dict[str, str], told: str, build: Build
) -> None:
    assert _told(build, {**_LIVE, "shop/views/logs/old_views.py": _PLACE, **files})["place"] == told


def test_what_django_loads_by_its_name_is_in_use(build: Build) -> None:
    files = {"shop/views.py": _NAME, "shop/templatetags/order_views.py": _PLACE}
    assert _told(build, files)["place"] != "no import"


_ASKS = "import sqlite3\nfrom app.db import connect\ndef ask(given):\n    return connect().execute('SELECT * FROM notes WHERE title = ?', (given,)).fetchall()\n"
_PROGRAM = {
    "run.py": "from app import ask\nprint(ask.ask('x'))\n",
    "app/__init__.py": "",
    "app/ask.py": _ASKS,
    "app/db.py": "import sqlite3\ndef connect():\n    return sqlite3.connect('x.db')\n",
}


def test_a_copy_of_a_project_in_an_archive(build: Build) -> None:
    copy = {f"tools/archive/{path}": text for path, text in _FILES.items()}
    views = {"shop/views.py": _PLACE, "tools/archive/shop/views.py": _NAME}
    modules = build({**_FILES, **copy, **views}).code.modules
    assert "tools/archive/shop/views.py" not in modules
    assert "shop/views.py" in modules


@pytest.mark.parametrize(
    ("folder", "more", "left_out"),
    [
        ("backups/2025-08", {"backups/2025-08/manage.py": "import app"}, True),
        ("old", {"old/app/one.py": "", "old/app/two.py": "", "old/app/three.py": ""}, True),
        ("server/Backup", {"server/__init__.py": ""}, True),
        ("service", {}, False),
        ("old", {"old/__init__.py": ""}, False),
        ("old", {"more.py": "from old.app import ask\n"}, False),
        ("holders", {}, False),
    ],
)
def test_a_backup_of_the_program(
    folder: str, more: dict[str, str], left_out: bool, build: Build
) -> None:
    copy = {f"{folder}/{path}": text for path, text in _PROGRAM.items()}
    modules = build({**_PROGRAM, **copy, **more}).code.modules
    assert (f"{folder}/app/ask.py" not in modules, f"{folder}/run.py" not in modules) == (
        left_out,
    ) * 2
    assert "app/ask.py" in modules


def test_what_is_called_old_and_is_no_copy_stays(build: Build) -> None:
    modules = build({**_PROGRAM, "old/app/models.py": "", "old/app/views.py": ""}).code.modules
    assert "old/app/views.py" in modules


_HALL = {
    "run.py": "from hall import create_app, socketio\nsocketio.run(create_app())\n",
    "hall/__init__.py": "from flask import Flask\nfrom flask_socketio import SocketIO\nfrom hall.models import db\nsocketio = SocketIO()\ndef create_app():\n    app = Flask(__name__)\n    db.init_app(app)\n    socketio.init_app(app)\n    return app\n",
    "hall/models.py": "from flask_sqlalchemy import SQLAlchemy\ndb = SQLAlchemy()\nclass Order(db.Model):\n    id = db.Column(db.Integer, primary_key=True)\n    place = db.Column(db.String(9))\n",
}
_TALK = "from hall import socketio\nfrom hall.models import Order\n@socketio.on('connect')\ndef enter():\n    return Order.query.filter_by(place='x').all()\n"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "no import"),
        ({"run.py": f"import hall.talk\n{_HALL['run.py']}"}, "missing"),
        ({"hall/talk.py": _TALK.replace("socketio.on(", "broker.task(").replace("hall import socketio", "celery_app import broker")}, "missing"),
    ],
)  # fmt: skip
def test_what_is_sent_to_sockets_where_nothing_imports_it(
    files: dict[str, str], told: str, build: Build
) -> None:
    found = build({**_HALL, "hall/talk.py": _TALK, **files}).facts(CollectionFit)
    (why,) = {"no import" if "nothing imports" in m.why else m.fit.value for f in found for _, m in f.fits}  # fmt: skip
    assert why == told
