"""Queries that ask for no index because of who asks them, or of what a column can hold; and near misses."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

MODELS = """
from flask_sqlalchemy import SQLAlchemy
db = SQLAlchemy()
class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String)
    role = db.Column(db.String, default="member")
"""
APP = """
import click
from flask import Flask
from models import db, User
import store
app = Flask(__name__)
@app.route("/")
def index():
    return "ok"
"""


def fit(build: Build, files: dict[str, str], column: str = "email") -> tuple[Fit, str]:
    application = build({"models.py": MODELS, "app.py": APP, "store.py": "", **files})
    told = {
        (match.fit, match.why)
        for found in application.facts(CollectionFit)
        for query, match in found.fits
        if query.equality == (column,)
    }
    ((answer, why),) = told
    return answer, why


STORE = "from models import User\nclass Users:\n    def find_by_email(self, email):\n        return User.query.filter_by(email=email).first()\nusers = Users()\n"
SERVICE = "from store import Users\ndef look_up(email):\n    return Users().find_by_email(email)\n"


@pytest.mark.parametrize(
    ("added", "called"),
    [
        ({}, False),
        ({"service.py": SERVICE}, False),
        ({"service.py": SERVICE + "__all__ = ['look_up', 'find_by_email']\n"}, False),
        ({"service.py": SERVICE, "routes.py": "from app import app\nfrom service import look_up\n@app.route('/u/<e>')\ndef u(e):\n    return look_up(e)\n"}, True),
        ({"routes.py": "from app import app\nimport service\n@app.route('/u/<e>')\ndef u(e):\n    return service.users.find_by_email(e)\n"}, True),
        ({"routes.py": "def of(store, kind, x):\n    return getattr(store, f'find_by_{kind}')(x)\n"}, True),
        ({"routes.py": "def of(kind):\n    name = f'find_by_{kind}'\n    return getattr(STORES[kind], name)\n"}, True),
        ({"routes.py": "def of(row, kind, x):\n    row[f'{kind}_email'] = x\n    return {f'find_by_{kind}': x}\n"}, False),
        ({"routes.py": "def of(kind, x):\n    return vars(store)[f'find_by_{kind}'](x)\n"}, True),
        ({"routes.py": "def of(kind, x):\n    return store.__dict__[f'find_by_{kind}'](x)\n"}, True),
        ({"conf.py": "LOOK_UPS = ['store.Users.find_by_email']\n"}, True),
        ({"templates/a.html": "{{ users.find_by_email(x) }}"}, True),
        ({"conf.py": "from store import Users\nHOOK = Users.find_by_email\n"}, True),
    ],
)  # fmt: skip
def test_a_method_that_nothing_calls_asks_for_no_index(
    build: Build, added: dict[str, str], called: bool
) -> None:
    answer, why = fit(build, {"store.py": STORE, **added})
    assert (answer, "nothing that runs calls find_by_email" in why) == (
        (Fit.MISSING, False) if called else (Fit.COVERED, True)
    )


IDLE = STORE.replace("users = Users()\n", "").replace("find_by_email", "get")
NAMESAKE = "from app import app\nimport kit\n@app.route('/u/<e>')\ndef u(e):\n    users = kit.Sessions()\n    return users.get(e)\n"


@pytest.mark.parametrize(
    ("added", "called"),
    [
        ({}, False),
        ({"old.py": "from store import Users\ndef old(e):\n    return Users().get(e)\n"}, False),
        ({"store.py": IDLE + "class Members(Users):\n    pass\n"}, False),
        ({"store.py": IDLE + "class Members(Users):\n    pass\nmembers = Members()\n"}, True),
        ({"store.py": IDLE + "users = Users()\n"}, True),
        ({"store.py": IDLE + "from kit import kept\n@kept\nclass Members(Users):\n    pass\n"}, True),
        ({"store.py": IDLE.replace("class Users:", "class Users(User):")}, True),  # a row may be one
        ({"store.py": "from kit import rpc\n" + IDLE + "    @rpc\n    def ask(self, e):\n        return self.get(e)\n"}, True),
        ({"routes.py": NAMESAKE + "from store import Users\n@app.get('/m')\ndef m(users: Users):\n    return ''\n"}, True),
        ({"store.py": IDLE + "STORES = ['store.Users']\n"}, True),
        ({"more.py": "import store\ndef of(kind):\n    return getattr(store, kind)()\n"}, True),
        ({"routes.py": NAMESAKE + "def old():\n    from store import People\n"}, True),  # as it was called
        ({"conf.yaml": "store: store.Users\n"}, True),
    ],
)  # fmt: skip
def test_a_method_of_a_class_that_nothing_makes_is_called_by_nothing(
    build: Build, added: dict[str, str], called: bool
) -> None:
    answer, why = fit(
        build, {"store.py": IDLE, "routes.py": NAMESAKE, "app.py": APP + "import routes\n", **added}
    )
    assert (answer, "nothing that runs calls get" in why) == (
        (Fit.MISSING, False) if called else (Fit.COVERED, True)
    )


AUTH = "from store import Users\n{}class Auth{}:\n    def {}(self, email):\n        return Users().find_by_email(email)\n    def check(self, email):\n        return email\n"
ROUTES = "from app import app\nfrom service import Auth\n@app.route('/u/<e>')\ndef u(e):\n    return Auth().{}(e)\n"


@pytest.mark.parametrize(
    ("above", "base", "method", "asked", "called"),
    [
        ("", "", "authenticate", "check", False),
        ("", "", "authenticate", "authenticate", True),
        ("", "", "verify", "check", True),  # which packages ask of any object
        ("from elsewhere import Backend\n", "(Backend)", "authenticate", "check", True),
        ("import django\n", "", "authenticate", "check", True),
    ],
)
def test_only_django_asks_any_object_to_authenticate(
    build: Build, above: str, base: str, method: str, asked: str, called: bool
) -> None:
    files = {"store.py": STORE, "service.py": AUTH.format(above, base, method), "routes.py": ROUTES.format(asked)}  # fmt: skip
    assert fit(build, files)[0] is (Fit.MISSING if called else Fit.COVERED)


def test_a_method_that_a_framework_may_call_by_its_name_counts(build: Build) -> None:
    outside = STORE.replace("class Users:", "from somewhere import Base\nclass Users(Base):")
    assert fit(build, {"store.py": outside})[0] is Fit.MISSING
    mixed = STORE + "from somewhere import View\nclass UsersView(Users, View):\n    pass\n"
    assert fit(build, {"store.py": mixed})[0] is Fit.MISSING
    decorated = STORE.replace("    def", "    @receiver(saved)\n    def").replace(
        "class", "from elsewhere import receiver, saved\nclass", 1
    )
    assert fit(build, {"store.py": decorated})[0] is Fit.MISSING
    wrapped = STORE.replace("    def find_by_email(self, ", "    @staticmethod\n    def find_by_email(")  # fmt: skip
    assert fit(build, {"store.py": wrapped})[0] is Fit.COVERED


@pytest.mark.parametrize(
    ("kept", "base", "more", "called"),
    [
        ("fastapi.security", "HTTPBearer", "", False),
        ("ninja.security", "HttpBearer", "", False),
        ("graphene", "Mutation", "", False),
        ("wtforms", "Form", "class More(Users):\n    pass\n", False),
        ("graphene", "Mutation", "class Add:\n    make = Users.Field()\n", True),
        ("ninja.security", "HttpBearer", "AUTH = [Users()]\n", True),
        ("wtforms", "Form", "class More(Users):\n    pass\nmore = More()\n", True),
        ("fastapi.security", "HTTPBearer", "AUTH = 'store.Users'\n", True),
        ("graphene_django", "DjangoObjectType", "", True),  # which are found by their models
        ("elsewhere", "HTTPBearer", "", True),
    ],
)
def test_what_a_package_calls_by_a_fixed_name_is_called_where_the_code_names_its_class(
    build: Build, kept: str, base: str, more: str, called: bool
) -> None:
    heir = STORE.replace("class Users:", f"from {kept} import {base}\nclass Users({base}):")
    heir = heir.replace("find_by_email", "authenticate").replace("users = Users()\n", "")
    assert fit(build, {"store.py": heir + more})[0] is (Fit.MISSING if called else Fit.COVERED)


def test_a_method_is_called_by_what_is_passed_for_its_interface(build: Build) -> None:
    asking = (
        "from typing import Protocol\nfrom app import app\n"
        "class Finds(Protocol):\n    def find_by_email(self, email): ...\n"
        "class Other:\n    def find_by_email(self, email): return None\n"
    )
    through = "@app.route('/u/<e>')\ndef u(e, users: Finds):\n    return users.find_by_email(e)\n"
    assert fit(build, {"store.py": STORE, "r.py": asking + through})[0] is Fit.MISSING
    other = through.replace("users: Finds", "users: Other")
    assert fit(build, {"store.py": STORE, "r.py": asking + other})[0] is Fit.COVERED


FOUND = "    return User.query.filter_by(email='a@b.org').first()\n"


@pytest.mark.parametrize(
    ("files", "by_hand"),
    [
        ({"store.py": "import click\nfrom models import User\n@click.command()\ndef create_admin():\n" + FOUND}, True),
        ({"cli.py": "from app import app\nfrom models import User\n@app.cli.command('fix-users')\ndef fix():\n" + FOUND}, True),
        ({"store.py": "from models import User\ndef admin():\n" + FOUND, "cli.py": "import typer, store\ncli = typer.Typer()\n@cli.command()\ndef promote():\n    store.admin()\n"}, True),
        ({"cli.py": "import click\nfrom models import User\n@click.command()\ndef send_reminders():\n" + FOUND}, False),
        ({"cli.py": "import click\nfrom models import User\n@click.command('drop-guests')\ndef drop():\n" + FOUND, "docker-compose.yml": "services:\n  job:\n    command: flask drop-guests\n"}, False),
        ({"cli.py": "import click\nfrom models import User\n@click.command('seed-users')\ndef fill():\n" + FOUND, "start.sh": "python cli.py seed-users && exec gunicorn app:app\n"}, True),
        ({"store.py": "from models import User\ndef admin():\n" + FOUND, "cli.py": "import typer, store\ncli = typer.Typer()\n@cli.command()\ndef promote():\n    store.admin()\n", "routes.py": "import store\nfrom app import app\n@app.route('/a')\ndef a():\n    return store.admin()\n"}, False),
        ({"jobs.py": "from celery import shared_task\nfrom models import User\n@shared_task\ndef fix_users():\n" + FOUND}, False),
    ],
)  # fmt: skip
def test_a_command_that_is_run_by_hand_asks_for_no_index(
    build: Build, files: dict[str, str], by_hand: bool
) -> None:
    answer, why = fit(build, files)
    assert (answer, "run by hand" in why) == (
        (Fit.COVERED, True) if by_hand else (Fit.MISSING, False)
    )


COMMAND = """
from django.core.management.base import BaseCommand
from shop.models import Order
class Command(BaseCommand):
    def handle(self, *args, **options):
        self.work()
    def work(self):
        return Order.objects.filter(state="x").exists()
"""


@pytest.mark.parametrize(
    ("name", "added", "expected"),
    [
        ("setup_initial_data", {}, Fit.COVERED),
        ("setup_initial_data", {"deploy.sh": "python manage.py setup_initial_data\n"}, Fit.COVERED),
        ("fix_states", {}, Fit.COVERED),
        ("fix_states", {"README.md": "python manage.py fix_states"}, Fit.COVERED),
        ("fix_order_prices", {}, Fit.COVERED),
        ("sync_prices", {}, Fit.MISSING),
        ("expire_orders", {}, Fit.MISSING),
        ("auto_complete_orders", {}, Fit.MISSING),
        ("fix_states", {"README.md": "Put into the crontab: `python manage.py fix_states`\n"}, Fit.MISSING),
        ("fix_states", {"README.md": "    0 3 * * * python manage.py fix_states\n"}, Fit.MISSING),
        ("fix_states", {"crontab": "0 3 * * * python manage.py fix_states\n"}, Fit.MISSING),
        ("fix_states", {"shop/tasks.py": "from django.core.management import call_command\ndef nightly():\n    call_command('fix_states')\n"}, Fit.MISSING),
    ],
)  # fmt: skip
def test_a_management_command(
    build: Build, name: str, added: dict[str, str], expected: Fit
) -> None:
    model = (
        "from django.db import models\n"
        "class Order(models.Model):\n    state = models.CharField(max_length=9)\n"
    )
    files = {
        "manage.py": "",
        "shop/settings.py": "INSTALLED_APPS = ['shop']\nROOT_URLCONF = 'shop.urls'\n",
        "shop/urls.py": "from django.urls import path\nfrom shop import views\nurlpatterns = [path('', views.home)]\n",
        "shop/views.py": "def home(request):\n    return None\n",
        "shop/models.py": model,
        f"shop/management/commands/{name}.py": COMMAND,
        **added,
    }
    found = build(files).facts(CollectionFit)
    told = [m.fit for f in found for q, m in f.fits if q.equality == ("state",)]
    assert told == [expected]


READ = (
    "from app import app\nfrom models import User\n@app.route('/r')\ndef r():\n"
    "    return User.query.filter_by(role='member').all()\n"
    "def may(user):\n    return user.role == 'admin'\n"
)


@pytest.mark.parametrize(
    ("added", "two"),
    [
        ("", False),  # "member" by default, "admin" is compared: nothing tells what else is written
        ("def add():\n    return User(role='member')\n", True),
        ("def add(role):\n    return User(role=role)\n", False),
        ("def add():\n    return User(role='guest')\n", False),
        ("def add(given):\n    return User(role='member'), User(**given)\n", False),
        ("def add(user):\n    user.role = 'owner' if user.id == 1 else 'member'\n", False),
        ("def add(user):\n    user.role = 'admin' if user.id == 1 else 'member'\n", True),
        ("from pydantic import BaseModel\nclass New(BaseModel):\n    role: str\n", False),
        ("from elsewhere import Store\nclass BaseModel(Store):\n    pass\nclass New(BaseModel):\n    role: str\ndef add():\n    return User(role='member')\n", True),
        ("from pydantic import BaseModel\nclass UserResponse(BaseModel):\n    role: str\ndef add():\n    return User(role='member')\n", True),
        ("from typing import Literal\nfrom pydantic import BaseModel\nclass New(BaseModel):\n    role: Literal['admin', 'member']\ndef add(new: New):\n    return User(role=new.role)\n", True),
        ("from typing import Literal\nfrom pydantic import BaseModel\nclass New(BaseModel):\n    role: Literal['admin', 'member', 'guest']\ndef add(new: New):\n    return User(role=new.role)\n", False),
        ("from pydantic import BaseModel, Field\nclass New(BaseModel):\n    role: str = Field(pattern='^(admin|member)$')\ndef add(new: New):\n    return User(role=new.role)\n", True),
        ("from flask_wtf import FlaskForm\nfrom wtforms import SelectField\nclass NewForm(FlaskForm):\n    role = SelectField(choices=[('admin', _('A')), ('member', _('M'))])\ndef add(form):\n    return User(role=form.role.data)\n", True),
        ("SQL = \"ALTER TABLE user ADD CHECK (role IN ('admin', 'member'))\"\ndef add(role):\n    return User(role=role)\n", True),
        ("SQL = \"ALTER TABLE user ADD CHECK (role IN ('admin', 'member', 'x'))\"\ndef add(role):\n    return User(role=role)\n", False),
    ],
)  # fmt: skip
def test_a_column_whose_values_stand_elsewhere(build: Build, added: str, two: bool) -> None:
    answer, why = fit(build, {"routes.py": READ + added}, "role")
    assert (answer, "one of two values" in why) == (
        (Fit.COVERED, True) if two else (Fit.UNKNOWN, False)  # it is what new records have
    )


@pytest.mark.parametrize(("asked", "fit_"), [("member", Fit.COVERED), ("admin", Fit.UNKNOWN)])
def test_the_one_of_two_values_elsewhere_that_new_records_do_not_have(
    build: Build, asked: str, fit_: Fit
) -> None:
    read = READ.replace("role='member'", f"role='{asked}'")
    changed = "def add(user):\n    user.role = 'admin' if user.id == 1 else 'member'\n"
    assert fit(build, {"routes.py": read + changed}, "role")[0] is fit_


def test_a_comment_beside_the_column_tells_its_values(build: Build) -> None:
    open_ = READ + "def add(role):\n    return User(role=role)\n"
    said = MODELS.replace('default="member")', 'default="member")  # %s')
    for comment, expected in (
        ("admin or member", Fit.COVERED),
        ("'admin' / 'member'", Fit.COVERED),
        ("admin, member, guest", Fit.UNKNOWN),
        ("what she may do", Fit.UNKNOWN),
        ("optional or required", Fit.UNKNOWN),
    ):
        files = {"models.py": said.replace("%s", comment), "routes.py": open_}
        assert fit(build, files, "role")[0] is expected, comment


def test_two_values_and_another_field_are_an_ordinary_shape(build: Build) -> None:
    both = READ.replace("role='member'", "role='member', email='a'")
    application = build({"models.py": MODELS, "app.py": APP, "store.py": "", "routes.py": both})
    (found,) = [f for f in application.facts(CollectionFit) if f.name == "user"]
    assert [match.fit for _, match in found.fits] == [Fit.MISSING]


def test_a_field_that_tells_records_apart_is_no_flag(build: Build) -> None:
    seeds = "from models import User\nfrom app import app\n@app.route('/e')\ndef e():\n    User(email='a@b.org'); User(email='b@b.org')\n"
    assert fit(build, {"routes.py": seeds + FOUND}, "email")[0] is Fit.MISSING


SEED = "from models import db, User\ndef seed_admin():\n    if not User.query.filter_by(email='a@b.org').first():\n        db.session.add(User(email='a@b.org'))\n"


@pytest.mark.parametrize(
    ("files", "filling"),
    [
        ({"store.py": SEED, "run.py": "from store import seed_admin\nfrom app import app\nwith app.app_context():\n    seed_admin()\n"}, True),
        ({"store.py": SEED.replace("seed_admin", "prepare"), "run.py": "from store import prepare\nfrom app import app\nif __name__ == '__main__':\n    prepare()\n    app.run()\n"}, True),
        ({"store.py": SEED, "run.py": "import store\nfrom app import app\ndef create_app():\n    store.seed_admin()\n    return app\n"}, True),
        ({"store.py": SEED, "run.py": "import store\nfrom app import app\n@app.before_first_request\ndef first():\n    store.seed_admin()\n"}, True),
        ({"store.py": SEED, "run.py": "import store\nfrom app import app\n@app.post('/seed')\ndef first():\n    store.seed_admin()\n"}, False),
        ({"store.py": SEED, "run.py": "import store\nfrom app import app\nfrom elsewhere import scheduler\nscheduler.add_job(store.seed_admin, 'interval')\n"}, False),
        ({"store.py": "from models import User\ndef check():\n    User.query.filter_by(email='a@b.org').first()\n", "run.py": "import store\nfrom app import app\nfrom elsewhere import scheduler\ndef init_scheduler(app):\n    scheduler.add_job(func=store.check, trigger='interval')\ndef create_app():\n    init_scheduler(app)\n    return app\n"}, False),
        ({"store.py": "from models import db, User\ndef renew():\n    db.session.execute('ALTER TABLE users ADD COLUMN x INTEGER')\n    User.query.filter_by(email='a@b.org').delete()\n", "run.py": "import store\nstore.renew()\n"}, True),
        ({"store.py": "from models import User\ndef recover():\n    User.query.filter_by(email='a@b.org').delete()\n", "run.py": "import store\nstore.recover()\n"}, False),
        ({"store.py": SEED.replace("seed_admin", "work").replace("    if", "    from elsewhere import wait\n    while wait():\n     if"), "run.py": "import store, asyncio\nfrom app import app\n@app.on_event('startup')\ndef start():\n    asyncio.create_task(store.work())\n"}, False),
        ({"store.py": SEED.replace("db.session.add(User(email='a@b.org'))", "seen = set(); seen.add('a@b.org')").replace("seed_admin", "prepare"), "run.py": "import store\nif __name__ == '__main__':\n    store.prepare()\n"}, False),
        ({"run.py": "from app import app\nfrom models import db, User\nwith app.app_context():\n    there = User.query.filter_by(email='a@b.org').first()\n    if not there:\n        db.session.add(User(email='a@b.org'))\n"}, True),
        ({"run.py": "from app import app\nfrom models import db, User\nwith app.app_context():\n    there = User.query.first()\n    if not there:\n        db.session.add(User(email='a@b.org'))\n    print(User.query.filter_by(email='a@b.org').all())\n"}, False),
        ({"run.py": "import streamlit as st\nfrom app import app\nfrom models import db, User\nwith app.app_context():\n    there = User.query.filter_by(email='a@b.org').first()\n    if not there:\n        db.session.add(User(email='a@b.org'))\n"}, False),
        ({"store.py": "from models import User\ndef loop():\n    while True:\n        User.query.filter_by(email='a@b.org').first()\n", "run.py": "import store\nif __name__ == '__main__':\n    store.loop()\n"}, False),
    ],
)  # fmt: skip
def test_what_fills_a_new_database_at_the_start_asks_for_no_index(
    build: Build, files: dict[str, str], filling: bool
) -> None:
    adding = "from app import app\nfrom models import User\n@app.post('/u')\ndef u(given):\n    return User(**given)\n"
    answer, why = fit(build, {**files, "add.py": adding})
    assert (answer, "fills or alters the database" in why) == (
        (Fit.COVERED, True) if filling else (Fit.MISSING, False)
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("fix_users.py", Fit.COVERED),
        ("data_fix.py", Fit.COVERED),
        ("users.py", Fit.MISSING),
    ],
)
def test_a_script_that_makes_the_application_for_itself(
    build: Build, path: str, expected: Fit
) -> None:
    script = "from app import create_app\nfrom models import User\napp = create_app()\nwith app.app_context():\n    User.query.filter_by(email='a').delete()\n"
    made = APP + "def create_app():\n    return app\n"
    assert fit(build, {"app.py": made, path: script})[0] is expected


def test_marks_of_soft_deletion_alone_find_nearly_everything(build: Build) -> None:
    models = MODELS.replace("    email", "    date_deleted = db.Column(db.DateTime)\n    email")
    asked = "from app import app\nfrom models import User\n@app.route('/a')\ndef a():\n    return User.query.filter_by(date_deleted=None).count()\n"
    assert fit(build, {"models.py": models, "r.py": asked}, "date_deleted")[0] is Fit.COVERED


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("One-time repair endpoint: back-fills what is old.", Fit.COVERED),
        ("Sends a one-time password.", Fit.MISSING),
        ("", Fit.MISSING),
    ],
)
def test_what_says_of_itself_that_it_is_run_once(build: Build, said: str, expected: Fit) -> None:
    route = f"from app import app\nfrom models import User\n@app.post('/r/<email>')\ndef r(email):\n    '{said}'\n"
    assert fit(build, {"r.py": route + FOUND})[0] is expected


INSERTED = """
import os
from fastapi import FastAPI
from pymongo import MongoClient
db = MongoClient(os.environ["MONGO_URL"]).shop
app = FastAPI()
@app.get("/staff")
def staff():
    return list(db.users.find({"role": "staff"}))
@app.post("/users")
def add(name: str, given: dict):
    db.users.insert_one(%s)
"""


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ('{"name": name, "role": "guest"}', Fit.COVERED),
        ('{"name": name, "role": "guest", **given}', Fit.MISSING),
        ('{"name": name, "role": given["role"]}', Fit.MISSING),
        ("given", Fit.MISSING),
    ],
)
def test_a_field_of_documents_that_the_code_gives_one_of_two_values(
    build: Build, stored: str, expected: Fit
) -> None:
    found = build({"app.py": INSERTED % stored}).facts(CollectionFit)
    assert [m.fit for f in found for q, m in f.fits if q.equality == ("role",)] == [expected]


SHOP = {
    "models.py": MODELS,
    "shop/__init__.py": "",
    "shop/routes/__init__.py": "",
    "shop/main.py": "from fastapi import FastAPI\nfrom shop.routes import orders, users\napp = FastAPI()\napp.include_router(users.router)\n",
    "shop/routes/users.py": "from fastapi import APIRouter\nrouter = APIRouter()\n@router.get('/u')\ndef u(): return 1\n",
    "shop/routes/orders.py": "router = None\n",
}
AT_ONCE = 'from models import User\nFOUND = User.query.filter_by(email="x").first()\n'
LOOKING = """
from fastapi import APIRouter
from models import User
router = APIRouter()
@router.get("/find/{e}")
def find_one(e: str):
    return User.query.filter_by(email=e).first()
"""


def on(made: str, decorator: str) -> str:
    """A module that puts a function on an object of its own."""
    return f"from models import User\n{made}\n{decorator}\ndef find_one(e):\n    return User.query.filter_by(email=e).first()\n"


def loading(call: str, more: str = "") -> dict[str, str]:
    """A module that imports what it makes up the names of."""
    return {
        "shop/conf.py": f"import importlib\ndef load(name, part): return importlib.{call}\n{more}"
    }


ADDS = on("from shop.main import app", "@app.get('/old')")
DIVIDED = {
    "shop/main.py": SHOP["shop/main.py"] + "from shop.routes import more\n",
    "shop/routes/more.py": "from shop.main import app\n@app.get('/more')\ndef more(): return 1\n",
}
HANDS = "class Hands:\n    def can(self, done):\n        self.done = done\n        return done\n"


@pytest.mark.parametrize(
    ("added", "used"),
    [
        ({"shop/routes/orders.py": LOOKING}, False),  # imported, and never included
        ({"shop/routes/old.py": LOOKING}, False),  # imported by nothing
        ({"shop/routes/old.py": LOOKING, "shop/older.py": "from shop.routes.old import router\n"}, False),
        ({"shop/routes/users.py": LOOKING}, True),
        ({"shop/old.py": AT_ONCE}, False),
        ({"shop/v1/users.py": LOOKING}, False),  # another of its name is imported
        ({"shop/v1/users.py": AT_ONCE, "shop/main.py": SHOP["shop/main.py"] + "from shop.v1 import users as first\n"}, True),
        ({"shop/v1/users.py": AT_ONCE, "shop/routes/__init__.py": "from ..v1 import users\n"}, True),
        ({"shop/v1/users.py": AT_ONCE, "shop/routes/__init__.py": "from ..v2 import users\n"}, False),
        ({"shop/v1/users.py": AT_ONCE, "shop/main.py": SHOP["shop/main.py"] + "import users\n"}, True),  # from another folder
        ({"shop/v1/users.py": AT_ONCE, "shop/main.py": SHOP["shop/main.py"] + "import tree.shop.v1.users\n"}, True),
        ({"shop/old.py": AT_ONCE, "shop/parts.py": "LOADED = ['shop.old']\n"}, True),
        ({"shop/old.py": AT_ONCE, "docker-compose.yml": "services:\n  w:\n    command: celery -A shop.old worker\n"}, True),
        ({"shop-old.py": AT_ONCE + "if __name__ == '__main__':\n    print(FOUND)\n"}, False),
        ({"shop-new.py": AT_ONCE + "if __name__ == '__main__':\n    print(FOUND)\n"}, False),
        ({"shop-new.py": AT_ONCE + "if __name__ == '__main__':\n    while FOUND:\n        print(FOUND)\n"}, True),
        ({"shop/tasks.py": AT_ONCE}, True),
        ({"shop/routes/old.py": LOOKING, "shop/conf.py": "import importlib\ndef load(x): return importlib.import_module(x)\n"}, True),
        ({"shop/routes/old.py": LOOKING, **loading("import_module(f'shop.plugins.{name}')")}, False),
        ({"shop/routes/old.py": LOOKING, **loading("import_module('shop.plugins.' + name)")}, False),
        ({"shop/routes/old.py": LOOKING, **loading("import_module('shop.plugins.%s' % name)")}, False),
        ({"shop/routes/old.py": LOOKING, **loading("import_module('shop.plugins.{}'.format(name))")}, False),
        ({"shop/routes/old.py": LOOKING, **loading("import_module('.' + name, 'shop.plugins')")}, False),
        ({"shop/routes/old.py": LOOKING, **loading("import_module('.' + name, package=__package__)")}, True),
        ({"shop/routes/old.py": LOOKING, **loading("import_module('shop.' + name)")}, True),
        ({"shop/routes/old.py": LOOKING, **loading("import_module(f'{name}.routes')")}, True),
        ({"shop/routes/old.py": LOOKING, **loading("import_module('shop.models')")}, False),
        ({"shop/routes/old.py": LOOKING, **loading("import_module('shop.routes.old')")}, True),
        ({"shop/routes/old.py": LOOKING, **loading("import_module('shop.plugins.a')"), "shop/plugins/a.py": "from shop.routes import old\n"}, True),
        ({"shop/routes/old.py": LOOKING, **loading("import_module(f'{name}.{part}')", "load('shop.plugins', input())\n")}, False),
        ({"shop/routes/old.py": LOOKING, **loading("import_module(f'{name}.{part}')", "load('shop.routes', input())\n")}, True),
        ({"shop/routes/old.py": LOOKING, **loading("import_module(f'{name}.{part}')", "HOOK = load\n")}, True),
        ({"shop/routes/old.py": LOOKING, "shop/conf.py": "import importlib\nfor x in ('shop.plugins', 'shop.models'):\n    importlib.import_module(x)\n"}, False),
        ({"shop/routes/old.py": LOOKING, "shop/conf.py": "import importlib\nfor x in ('shop.plugins', 'shop.routes.old'):\n    importlib.import_module(x)\n"}, True),
        ({"shop/routes/old.py": LOOKING, "shop/conf.py": "import importlib\nfrom elsewhere import NAMES\nfor x in NAMES:\n    importlib.import_module(x)\n"}, True),
        ({"shop/routes/old.py": LOOKING, "shop/plugins/__init__.py": "import importlib, pkgutil\nfor _, x, _ in pkgutil.iter_modules(__path__):\n    importlib.import_module(f'{__name__}.{x}')\n"}, False),
        ({"shop/routes/old.py": LOOKING, "shop/conf.py": "import importlib, pkgutil\nfrom shop import plugins\nfor x in pkgutil.walk_packages(plugins.__path__):\n    importlib.import_module(f'{plugins.__name__}.{x.name}')\n", "shop/plugins/__init__.py": ""}, False),
        ({"shop/routes/old.py": LOOKING, "shop/conf.py": "import importlib, os\nimportlib.import_module(os.environ.get('MAILS', 'shop.mails.console'))\n", "shop/mails/console.py": ""}, False),
        ({"shop/routes/old.py": LOOKING, "shop/conf.py": "import importlib, os\nimportlib.import_module(os.environ.get('MAILS', 'shop.mails.console'))\n", "shop/mails/console.py": "", ".env": "MAILS=shop.routes.old\n"}, True),
        ({"shop/routes/old.py": LOOKING, "shop/conf.py": "import importlib, os\nimportlib.import_module(os.environ.get('MAILS', 'shop.routes.new'))\n", "shop/routes/new.py": ""}, True),
        ({"shop/routes/old.py": LOOKING, "shop/conf.py": "import importlib, os\nimportlib.import_module(os.environ.get('MAILS', 'console'))\n", "console.py": ""}, True),
        ({"shop/routes/old.py": LOOKING, "shop/routes/__init__.py": "import importlib, pkgutil\nfor _, x, _ in pkgutil.iter_modules(__path__):\n    importlib.import_module(f'{__name__}.{x}')\n"}, True),
        ({"shop/routes/old.py": LOOKING, "shop/conf.py": "import pkgutil\nfor f, x, _ in pkgutil.iter_modules(['shop/routes']):\n    f.find_module(x).load_module(x)\n"}, True),
        ({"shop/routes/old.py": LOOKING + "if __name__ == '__main__':\n    find_one('x')\n"}, True),
        ({"shop/a.py": on("from pydantic_ai import Agent\nrobot = Agent[None, str]('x')", "@robot.tool")}, False),
        ({"shop/a.py": on("from pydantic_ai import Agent\nrobot = Agent('x')\nrobot.to_cli_sync()", "@robot.tool")}, True),
        ({"shop/a.py": on("from pydantic_ai import Agent\nrobot = Agent('x')", "@robot.tool"), "shop/main.py": SHOP["shop/main.py"] + "import shop.a\n"}, True),
        ({"shop/a.py": on("from aiogram import Router\nparts = Router()", "@parts.message()")}, False),
        ({"shop/a.py": on("from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')", "@mcp.tool()")}, True),
        ({"shop/a.py": on("from celery import Celery\nqueue = Celery('x')", "@queue.task")}, False),  # nothing sends it
        ({"shop/a.py": on("from celery import Celery\nqueue = Celery('x')", "@queue.task(name='find')")}, True),
        ({"shop/a.py": on("from discord.ext import commands\nbot = commands.Bot('!')", "@bot.event")}, True),
        ({"shop/a.py": on("from unheard_of import Thing\nthing = Thing()", "@thing.part")}, True),
        ({"shop/a.py": on(f"{HANDS}hands = Hands()", "@hands.can")}, False),
        ({"shop/a.py": on(f"from celery import Celery\n{HANDS}class Both(Hands, Celery):\n    pass\nhands = Both()", "@hands.can")}, True),
        ({"shop/a.py": on(f"from elsewhere import bases\n{HANDS}class Both(Hands, bases()):\n    pass\nhands = Both()", "@hands.can")}, True),
        ({"shop/a.py": on("from functools import lru_cache", "@lru_cache(maxsize=9)")}, False),
        ({"shop/a.py": on("from prefect import flow", "@flow")}, True),
        ({"shop/old.py": "from admin_panel.app import app\nfrom models import User\n@app.register\nclass Home:\n    def find_one(self, e):\n        return User.query.filter_by(email=e).first()\n"}, False),
        ({**DIVIDED, "shop/old.py": ADDS}, False),
        ({**DIVIDED, "shop/old.py": ADDS.replace("\ndef", "\n@logged\ndef"), "shop/page.py": "PAGE = 'old.html'\n"}, False),
        ({**DIVIDED, "shop/old.py": ADDS + "class Kept:\n    pass\napp = Kept()\n"}, True),
        ({**DIVIDED, "passenger.py": AT_ONCE + "from shop.main import app as application\n"}, True),
        ({**DIVIDED, "shop/routes/more.py": "", "shop/old.py": ADDS}, True),  # nothing shows that routes are imported
    ],
)  # fmt: skip
def test_modules_and_routers_that_no_application_has(
    build: Build, added: dict[str, str], used: bool
) -> None:
    application = build({**SHOP, **added})
    ((answer, why),) = {
        (match.fit, match.why)
        for found in application.facts(CollectionFit)
        for query, match in found.fits
        if query.equality == ("email",)
    }
    assert (answer is Fit.MISSING) is used, why


@pytest.mark.parametrize(
    ("name", "expected"), [("put_pictures.py", Fit.COVERED), ("queue_worker.py", Fit.MISSING)]
)
def test_a_program_that_sets_django_up_for_itself(build: Build, name: str, expected: Fit) -> None:
    program = (
        "import os, django\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\ndjango.setup()\n"
        "from shop.models import Order\nfor order in Order.objects.filter(state='x'):\n    order.save()\n"
    )
    files = {
        "manage.py": "",
        "shop/settings.py": "INSTALLED_APPS = ['shop']\nROOT_URLCONF = 'shop.urls'\n",
        "shop/urls.py": "urlpatterns = []\n",
        "shop/models.py": "from django.db import models\nclass Order(models.Model):\n    state = models.CharField(max_length=9)\n",
        name: program,
    }
    found = build(files).facts(CollectionFit)
    assert [m.fit for f in found for q, m in f.fits if q.equality == ("state",)] == [expected]


AT_START = """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
app = Flask(__name__)
db = SQLAlchemy(app)
class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String)
@app.post("/")
def add():
    db.session.add(User(name="x"))
with app.app_context():
    db.create_all()
{lines}
"""
SEED = "    if not User.query.filter_by(name='root').first():\n        db.session.add(User(name='root'))"
NOTED = "    root = User.query.filter_by(name='root').first()\n    if root is None:\n        db.session.add(User(name='root'))"  # fmt: skip
LOOPS = "    while True:\n        if not User.query.filter_by(name='root').first():\n            db.session.add(User(name='root'))"  # fmt: skip
KEPT = "    root = User.query.filter_by(name='root').first()"


@pytest.mark.parametrize(
    ("lines", "fit"),
    [(SEED, Fit.COVERED), (NOTED, Fit.COVERED), (LOOPS, Fit.MISSING), (KEPT, Fit.MISSING)],
)
def test_what_a_module_fills_while_it_starts(lines: str, fit: Fit, build: Build) -> None:
    application = build({"app.py": AT_START.format(lines=lines)})
    fits = [m.fit for c in application.facts(CollectionFit) for q, m in c.fits if q.equality]
    assert fits == [fit]


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize(
    ("started", "reason"),
    [
        ("python3 seed_users.py || true\nexec gunicorn app:app\n", "only what fills or alters the database at the start asks it"),
        ("exec gunicorn app:app\n", "run by hand"),
    ],
)  # fmt: skip
def test_a_script_that_fills_the_database_where_the_deployment_runs_it(
    started: str, reason: str, beside: bool, build: Build
) -> None:
    asks = "from models import User\ndef first_user():\n" + FOUND
    main = "if __name__ == '__main__':\n    first_user()\n"
    files = (
        {"people.py": asks, "seed_users.py": "from people import first_user\n" + main}
        if beside
        else {"seed_users.py": asks + main}
    )
    answer, why = fit(build, {**files, "entrypoint.sh": started})
    assert answer is Fit.COVERED
    assert reason in why


@pytest.mark.parametrize(
    ("files", "clocked"),
    [
        ({"README.md": "```\n*/5 * * * * cd /srv/shop && python script/ask.py >> log\n```\n"}, True),
        ({"README.md": "0 3 * * 1-5 python -m script.ask\n"}, True),
        ({"docs/install.md": "Let cron run `python script/ask.py` every five minutes.\n"}, True),
        ({"crontab": "@daily root python /srv/shop/script/ask.py\n"}, True),
        ({"start.py": "print('add \"*/5 * * * * %s\" to the crontab' % ('cd ' + __file__ + ' && python -m script.ask'))\n"}, True),
        ({"start.py": "CRON = f'{0} 0 * * * python script/ask.py'\nLINE = '0 0 * * * python script/ask.py'\n"}, True),
        ({"README.md": "Run `python script/ask.py` to see who is there. Expire tokens by cron.\n"}, False),
        ({"README.md": "Run `python script/ask.py` once.\n\n0 3 * * * python other.py\n"}, False),
        ({"README.md": "Let cron run `python script/other.py`.\n"}, False),
        ({"README.md": "script/ask.py 1 2 3 4 5 users\n"}, False),
        ({"start.py": "print('python script/ask.py'); print('* * * * * python other.py')\n"}, False),
        ({}, False),
    ],
)  # fmt: skip
def test_a_script_that_a_clock_is_told_to_run(
    files: dict[str, str], clocked: bool, build: Build
) -> None:
    ask = "from models import User\ndef main():\n    print(User.query.filter_by(email=input()).first())\nmain()\n"
    found = build({"models.py": MODELS, "app.py": APP, "script/ask.py": ask, **files}).facts(CollectionFit)  # fmt: skip
    told = {m.why for c in found for q, m in c.fits if q.equality == ("email",)}
    assert told == ({""} if clocked else {"only a script that is run by hand asks it"})


@pytest.mark.parametrize(
    ("asking", "fit"),
    [
        ("return await Note.search(x).values('id')", Fit.COVERED),
        ("Note.search(x)", Fit.COVERED),
        ("return (await Note.search(x)).values('id')", Fit.MISSING),
        ("return await Note.search(x)", Fit.MISSING),
        ("Note.search(x).close()\n    return search(x)", Fit.MISSING),
        ("note = Note.search(x)\n    return await note", Fit.MISSING),
        ("return await gather(Note.search(x), Note.search(1))", Fit.MISSING),
        ("return names.search(x).group()", Fit.MISSING),
    ],
)
def test_a_coroutine_that_nothing_awaits(asking: str, fit: Fit, build: Build) -> None:
    code = f"""
from fastapi import FastAPI
from tortoise import fields
from tortoise.models import Model
app = FastAPI()
class Note(Model):
    title = fields.CharField(max_length=9)
    @classmethod
    async def search(cls, title):
        return await cls.filter(title=title).order_by("id")
@app.get("/")
async def ask(x):
    {asking}
"""
    (found,) = [c for c in build({"app.py": code}).facts(CollectionFit) if c.name == "note"]
    assert {m.fit for _, m in found.fits} == {fit}


def test_a_program_may_lie_in_a_folder_that_is_called_script(build: Build) -> None:
    models = MODELS.replace("from app import", "from script.app import")
    ask = "from script.models import User\ndef main():\n    print(User.query.filter_by(email=input()).first())\n"
    main = "from script.ask import main\nmain()\n"
    whole = {"script/models.py": models, "script/app.py": APP, "script/ask.py": ask, "script/main.py": main}  # fmt: skip
    beside = {"models.py": MODELS, "app.py": APP, "script/ask.py": ask.replace("script.", "") + "main()\n"}  # fmt: skip
    told = []
    for files in (whole, beside):
        found = build(files).facts(CollectionFit)
        told.append({m.why for c in found for q, m in c.fits if q.equality == ("email",)})
    assert told == [{""}, {"only a script that is run by hand asks it"}]


FILLED = (
    "CREATE TABLE Illness (id INT PRIMARY KEY, name TEXT);\nINSERT INTO Illness (name) VALUES ('a'), ('b');\n"
    "CREATE TABLE note (id INT PRIMARY KEY, name TEXT);\nINSERT INTO note (name) VALUES ('first');\n"
)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", {"illness": Fit.COVERED, "note": Fit.MISSING}),
        ("    cur.execute('INSERT INTO illness (name) VALUES (?)', (a,))\n", {"illness": Fit.MISSING, "note": Fit.MISSING}),
        ("    cur.execute(a)\n", {"illness": Fit.MISSING, "note": Fit.MISSING}),
    ],
)  # fmt: skip
def test_tables_that_only_the_schema_fills(
    more: str, expected: dict[str, Fit], build: Build
) -> None:
    code = (
        "import sqlite3\ncur = sqlite3.connect('x').cursor()\ndef main(a):\n"
        "    cur.execute('SELECT * FROM Illness WHERE name = ?', (a,))\n    cur.execute('SELECT * FROM note WHERE name = ?', (a,))\n"
        f"    cur.execute('INSERT INTO note (name) VALUES (?)', (a,))\n{more}main(input())\n"
    )
    found = build({"app.py": code, "schema.sql": FILLED}).facts(CollectionFit)
    assert {c.name: m.fit for c in found for q, m in c.fits if q.equality} == expected


@pytest.mark.parametrize(
    ("relation", "expected"), [("", Fit.COVERED), ("    tags = relationship('Tag', secondary=likes)\n", Fit.MISSING)]
)  # fmt: skip
def test_a_table_between_to_which_a_relation_adds(
    relation: str, expected: Fit, build: Build
) -> None:
    code = (
        "from sqlalchemy import Column, ForeignKey, Integer, Table, create_engine, text\n"
        "from sqlalchemy.orm import Session, declarative_base, relationship\n"
        "Base = declarative_base()\n"
        "likes = Table('likes', Base.metadata, Column('post_id', ForeignKey('post.id')), Column('tag_id', ForeignKey('tag.id')))\n"
        "class Tag(Base):\n    __tablename__ = 'tag'\n    id = Column(Integer, primary_key=True)\n"
        f"class Post(Base):\n    __tablename__ = 'post'\n    id = Column(Integer, primary_key=True)\n{relation}"
        "def main(a):\n    with Session(create_engine('sqlite://')) as session:\n"
        "        session.get(Post, 1).tags.append(Tag())\n"
        "        session.execute(text('SELECT * FROM likes WHERE tag_id = :a'), {'a': a})\n"
        "main(input())\n"
    )
    schema = "CREATE TABLE likes (post_id INT, tag_id INT);\nINSERT INTO likes (post_id, tag_id) VALUES (1, 2);\n"
    found = build({"app.py": code, "schema.sql": schema}).facts(CollectionFit)
    assert {m.fit for c in found if c.name == "likes" for q, m in c.fits if q.equality == ("tag_id",)} == {expected}  # fmt: skip


HANDLERS = """
from flask import Flask
from telegram.ext import Application, CommandHandler
from models import User, db
app = Flask(__name__)
@app.get("/")
def home():
    return "ok"
def keep(update):
    if not User.query.filter_by(email=update.text).first():
        db.session.add(User(email=update.text))
def main():
    {start}
main()
"""


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("Application.builder().add_handler(CommandHandler('keep', keep))", Fit.MISSING),
        ("keep('first')", Fit.COVERED),
        ("app.add_event_handler('startup', keep)", Fit.COVERED),
    ],
)
def test_a_handler_that_adds_what_it_does_not_find_fills_nothing(
    start: str, expected: Fit, build: Build
) -> None:
    files = {"models.py": MODELS, "app.py": HANDLERS.format(start=start)}
    (found,) = (c for c in build(files).facts(CollectionFit) if c.name == "user")
    assert [m.fit for q, m in found.fits if q.equality == ("email",)] == [expected]


@pytest.mark.parametrize(
    ("program", "fit"),
    [
        ("from aiohttp import web\napp = web.Application()\napp.router.add_get('/', page)\n", Fit.COVERED),
        ("from aiogram import Dispatcher\ndp = Dispatcher()\n@dp.message()\nasync def got(message):\n    await page(message)\n", Fit.COVERED),
        ("import telebot\nbot = telebot.TeleBot('x')\nbot.message_handler()(page)\nbot.infinity_polling()\n", Fit.COVERED),
        ("", Fit.MISSING),
    ],
)  # fmt: skip
def test_what_nothing_calls_in_a_bot_or_another_server(
    program: str, fit: Fit, build: Build
) -> None:
    """In a program, that is: the functions of a package are called by others."""
    code = (
        "async def page(request):\n    return await known(1)\n"
        "async def known(given):\n    return await pool.fetch('SELECT * FROM rounds WHERE owner = $1', given)\n"
        "async def forgotten(given):\n    return await pool.fetch('SELECT * FROM rounds WHERE bank = $1', given)\n"
    )
    schema = "CREATE TABLE rounds (id SERIAL PRIMARY KEY, owner INT, bank INT);\n"
    files = {
        "app.py": f"import asyncpg\nfrom elsewhere import pool\n{code}{program}",
        "schema.sql": schema,
    }
    told = {q.equality: m.fit for f in build(files).facts(CollectionFit) for q, m in f.fits}
    assert told == {("owner",): Fit.MISSING, ("bank",): fit}


@pytest.mark.parametrize(
    ("program", "fit"),
    [
        ("import argparse\nfrom store import known\nargs = argparse.ArgumentParser().parse_args()\nknown(args.line)\n", Fit.COVERED),
        ("from store import known\nif __name__ == '__main__':\n    known(1)\n", Fit.COVERED),
        ("from store import known\nknown(1)\n", Fit.MISSING),
    ],
)  # fmt: skip
def test_what_nothing_calls_in_a_program_of_the_line(program: str, fit: Fit, build: Build) -> None:
    store = (
        "import psycopg2\ncursor = psycopg2.connect().cursor()\n"
        "def known(given):\n    cursor.execute('SELECT * FROM rounds WHERE owner = %s', (given,))\n"
        "def forgotten(given):\n    cursor.execute('SELECT * FROM rounds WHERE bank = %s', (given,))\n"
    )
    schema = "CREATE TABLE rounds (id SERIAL PRIMARY KEY, owner INT, bank INT);\n"
    files = {"program.py": program, "store.py": store, "schema.sql": schema}
    told = {q.equality: m.fit for f in build(files).facts(CollectionFit) for q, m in f.fits}
    assert told["bank",] is fit


_VIEWS = """
from flask import Flask, request
from flask.views import MethodView
from flask_restful import Api, Resource
from pymongo import MongoClient
app = Flask(__name__)
api = Api(app)
db = MongoClient()["shop"]
class Orders(Resource):
    def post(self):
        db.orders.insert_one(dict(request.form))
class OldOrders(%s):
    def get(self):
        return self.one(request.args["code"])
    def one(self, code):
        return db.orders.find_one({"code": code})
api.add_resource(Orders, "/orders")
"""


@pytest.mark.parametrize(
    ("base", "added", "expected"),
    [
        ("Resource", "", Fit.COVERED),
        ("MethodView", "", Fit.COVERED),
        ("Resource", "class Older(OldOrders):\n    pass\n", Fit.COVERED),
        ("Resource", "class Older(OldOrders):\n    pass\napi.add_resource(Older, '/old')\n", Fit.MISSING),
        ("Resource", "api.add_resource(OldOrders, '/old')\n", Fit.MISSING),
        ("MethodView", "app.add_url_rule('/old', view_func=OldOrders.as_view('old'))\n", Fit.MISSING),
        ("Resource", "ROUTES = [(OldOrders, '/old')]\n", Fit.MISSING),
        ("Resource", "ROUTES = ['app.OldOrders']\n", Fit.MISSING),
        ("Resource", "for kind in Resource.__subclasses__():\n    api.add_resource(kind, kind.__name__)\n", Fit.MISSING),
        ("Listed", "", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_class_of_views_that_no_route_names(
    base: str, added: str, expected: Fit, build: Build
) -> None:
    listed = "class Listed(Resource):\n    def __init_subclass__(cls):\n        api.add_resource(cls, cls.__name__)\n"
    source = (_VIEWS % base).replace("class OldOrders", listed * (base == "Listed") + "class OldOrders")  # fmt: skip
    found = build({"app.py": source + added}).facts(CollectionFit)
    told = {(m.fit, m.why) for f in found for q, m in f.fits if q.equality == ("code",)}
    assert {fit for fit, _ in told} == {expected}


def test_a_class_of_views_that_a_decorator_puts_on_a_path(build: Build) -> None:
    source = """
from flask import Flask, request
from flask_restx import Api, Resource
from pymongo import MongoClient
app = Flask(__name__)
api = Api(app)
db = MongoClient()["shop"]
@api.route("/orders")
class Orders(Resource):
    def get(self):
        return db.orders.find_one({"code": request.args["code"]})
    def post(self):
        db.orders.insert_one(dict(request.form))
class Old(Resource):
    def get(self):
        return db.orders.find_one({"mail": request.args["mail"]})
"""
    found = build({"app.py": source}).facts(CollectionFit)
    told = {q.equality: m for f in found for q, m in f.fits}
    assert told[("code",)].fit is Fit.MISSING
    assert told[("mail",)].why == "no route leads to Old, which asks it"


_SITE = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')\n",
    "site/settings.py": "INSTALLED_APPS = ['shop']\nROOT_URLCONF = 'site.urls'\n",
    "site/urls.py": "from django.urls import path\nfrom shop import views\nurlpatterns = [path('b/', views.Routed.as_view()), path('c/', views.seen)]\n",
    "shop/__init__.py": "",
    "shop/models.py": "from django.db import models\nclass Note(models.Model):\n    title = models.CharField(max_length=50)\n    mark = models.CharField(max_length=50)\n",
}
_INCLUDED = {
    "site/urls.py": _SITE["site/urls.py"].replace("import path", "import include, path").replace("[path(", "[path('s/', include('shop.urls')), path(", 1)
}  # fmt: skip
_OF_HEIR = {
    "shop/urls.py": "from django.urls import path\nfrom shop.views import Heir\nurlpatterns = [path('', Heir.as_view())]\n"
}
_HEIR = {**_OF_HEIR, **_INCLUDED}
_DJANGO_VIEWS = """
from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views import generic
from django.views.decorators.cache import cache_page
from rest_framework import viewsets
from shop.models import Note

class Routed(generic.ListView):
    queryset = Note.objects.filter(mark="routed")

def seen(request):
    return render(request, "n.html", {"a": list(Note.objects.filter(mark=request.GET["m"]))})
"""


@pytest.mark.parametrize(
    ("view", "more", "fit"),
    [
        ("class Base(generic.ListView):\n    queryset = Note.objects.filter(title='a')\n", {}, Fit.COVERED),
        ("class Base(viewsets.ModelViewSet):\n    queryset = Note.objects.filter(title='a')\n", {}, Fit.COVERED),
        ("class Base(generic.View):\n    def get(self, request):\n        return list(Note.objects.filter(title='a'))\n", {}, Fit.COVERED),
        ("class Base(generic.ListView):\n    queryset = Note.objects.filter(title='a')\nclass Heir(Base):\n    queryset = Note.objects.all()\n", _HEIR, Fit.COVERED),
        ("class Base(generic.ListView):\n    queryset = Note.objects.filter(title='a')\nclass Heir(Base):\n    paginate_by = 5\n", _HEIR, Fit.MISSING),
        ("class Base(generic.ListView):\n    queryset = Note.objects.filter(title='a')\nclass Heir(Base):\n    paginate_by = 5\n", _OF_HEIR, Fit.COVERED),
        ("class Base(generic.ListView):\n    queryset = Note.objects.filter(title='a')\nclass Heir(Base):\n    paginate_by = 5\n", {**_OF_HEIR, "shop/parts.py": "URLS = 'shop.urls'\n"}, Fit.MISSING),
        ("class Base(generic.ListView):\n    queryset = Note.objects.filter(title='a')\nclass Heir(Base):\n    paginate_by = 5\n", {"shop/urls/__init__.py": _OF_HEIR["shop/urls.py"], "shop/parts.py": "URLS = 'shop.urls'\n"}, Fit.MISSING),
        ("class Base(generic.ListView):\n    def get_queryset(self):\n        return Note.objects.filter(title='a')\nclass Other(generic.ListView):\n    model = Note\n    def get_queryset(self):\n        return super().get_queryset()\n", {}, Fit.COVERED),
        ("class Base(generic.ListView):\n    def get_queryset(self):\n        return Note.objects.filter(title='a')\nclass Heir(Base):\n    paginate_by = 5\n", _HEIR, Fit.MISSING),
        ("class Base(generic.ListView):\n    queryset = Note.objects.filter(title='a')\nOTHER = Base.as_view()\n", {}, Fit.MISSING),
        ("class Base(generic.ListView):\n    queryset = Note.objects.filter(title='a')\n", {"shop/urls.py": "from shop import views\nfor name in ['Base']:\n    getattr(views, name)\n"}, Fit.MISSING),
        ("class Base(generic.ListView):\n    queryset = Note.objects.filter(title='a')\n", {"shop/urls.py": "import importlib\nimportlib.import_module('shop.' + 'views')\n"}, Fit.MISSING),
        ("class Base(generic.ListView):\n    queryset = Note.objects.filter(title='a')\n", {"shop/celery.py": "from celery import Celery\napp = Celery('shop')\napp.autodiscover_tasks()\n"}, Fit.COVERED),
        ("class Base(generic.ListView):\n    queryset = Note.objects.filter(title='a')\n", {"shop/celery.py": "from celery import Celery\napp = Celery('shop')\napp.autodiscover_tasks(related_name='views')\n"}, Fit.MISSING),
        ("class Base(generic.ListView):\n    queryset = Note.objects.filter(title='a')\n", {"shop/urls.py": "from django.urls import path\nfrom shop.views import *\nurlpatterns = [path('', Base.as_view())]\n", **_INCLUDED}, Fit.MISSING),
        ("def found():\n    return list(Note.objects.filter(title='a'))\nclass Base(generic.ListView):\n    def get_queryset(self):\n        return found()\n", {}, Fit.COVERED),
        ("def found():\n    return list(Note.objects.filter(title='a'))\nclass Base(generic.ListView):\n    def get_queryset(self):\n        return found()\nOTHER = Base.as_view()\n", {}, Fit.MISSING),
        ("@login_required\n@cache_page(9)\ndef old(request):\n    return list(Note.objects.filter(title=request.GET['t']))\n", {}, Fit.COVERED),
        ("from elsewhere import task\n@task\ndef old(request):\n    return list(Note.objects.filter(title=request.GET['t']))\n", {}, Fit.MISSING),
        ("@login_required\ndef old(request):\n    return list(Note.objects.filter(title=request.GET['t']))\nVIEWS = {'old': old}\n", {}, Fit.MISSING),
    ],
)  # fmt: skip
def test_views_of_django_to_which_no_url_leads(
    view: str, more: dict[str, str], fit: Fit, build: Build
) -> None:
    """Nobody waits for what they ask; a class that is only the base of others asks what these do not say anew."""
    found = build({**_SITE, "shop/views.py": _DJANGO_VIEWS + view, **more}).facts(CollectionFit)
    told = [(m.fit, m.why) for f in found for q, m in f.fits if f.name == "shop_note" and "title" in q.equality]  # fmt: skip
    assert {each for each, _ in told} == {fit}, told
    live = {m.fit for f in found for q, m in f.fits if f.name == "shop_note" and "mark" in q.equality}  # fmt: skip
    assert live == {Fit.MISSING}


@pytest.mark.parametrize(
    ("name", "base", "call", "fit"),
    [
        ("notes_of", "generic.ListView", "", Fit.COVERED),
        ("notes_of", "viewsets.ModelViewSet", "", Fit.COVERED),
        ("get_object", "viewsets.ModelViewSet", "", Fit.MISSING),  # the framework's own name
        ("notes_of", "generic.ListView", "    def get_queryset(self):\n        return self.notes_of(1)\n", Fit.MISSING),
        ("notes_of", "generic.ListView", "    def get(self, request, kind):\n        return getattr(self, f'notes_{kind}')()\n", Fit.MISSING),
        ("notes_of", "generic.ListView, Asking", "", Fit.MISSING),  # of a package that may call it
        ("notes_of", "generic.ListView", "class Heir(Base, Asking):\n    pass\n", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_method_of_views_that_nothing_calls(
    name: str, base: str, call: str, fit: Fit, build: Build
) -> None:
    own = f"from elsewhere import Asking\nclass Mixed:\n    def {name}(self, title='a'):\n        return Note.objects.get(title=title)\n"
    view = f"{own}class Base(Mixed, {base}):\n    model = Note\n{call}VIEW = Base.as_view()\n"
    found = build({**_SITE, "shop/views.py": _DJANGO_VIEWS + view}).facts(CollectionFit)
    assert {m.fit for f in found for q, m in f.fits if "title" in q.equality} == {fit}


_STOCK = """
from shop.models import Note
class Stock:
    def __init__(self, get_response):
        self.get_response = get_response
    def __call__(self, request):
        return self.get_response(request)
    def {hook}(self, request, *args):
        self.warn_of(request)
    def warn_of(self, request):
        request.low = list(Note.objects.filter(title="a"))
"""


@pytest.mark.parametrize(
    ("hook", "listed", "fit"),
    [
        ("process_view", "Stock", Fit.MISSING),
        ("process_exception", "Stock", Fit.MISSING),
        ("process_note", "Stock", Fit.COVERED),  # no hook of Django's
        ("process_view", "Other", Fit.COVERED),
    ],
)
def test_what_django_calls_of_a_middleware(hook: str, listed: str, fit: Fit, build: Build) -> None:
    settings = _SITE["site/settings.py"] + f"MIDDLEWARE = ['shop.late.{listed}']\n"
    files = {**_SITE, "site/settings.py": settings, "shop/views.py": _DJANGO_VIEWS, "shop/late.py": _STOCK.format(hook=hook)}  # fmt: skip
    told = [m.fit for f in build(files).facts(CollectionFit) for q, m in f.fits if "title" in q.equality]  # fmt: skip
    assert told == [fit]


@pytest.mark.parametrize(
    ("included", "fit"),
    [
        ("forum.urls", Fit.COVERED),  # a package's: they lead to its own views
        ("shop.more.urls", Fit.MISSING),  # a module of the tree's that is not there
        ("shop.rest", Fit.MISSING),
    ],
)
def test_the_urls_of_a_package_lead_to_its_own_views(included: str, fit: Fit, build: Build) -> None:
    urls = _SITE["site/urls.py"].replace("import path", "import include, path")
    urls = urls.replace("[path(", f"[path('x/', include('{included}')), path(", 1)
    view = "class Base(generic.ListView):\n    queryset = Note.objects.filter(title='a')\n"
    files = {**_SITE, "site/urls.py": urls, "shop/views.py": _DJANGO_VIEWS + view}
    told = [m.fit for f in build(files).facts(CollectionFit) for q, m in f.fits if "title" in q.equality]  # fmt: skip
    assert told == [fit]


_SORTED = """
from flask import Flask, request
from pymongo import MongoClient
app = Flask(__name__)
db = MongoClient()["shop"]
@app.post("/rules")
def add():
    db.rules.insert_one({"tag": request.form["tag"], "on": %s})
@app.get("/rules")
def rules():
    return str(list(db.rules.find({}).sort("on", -1)%s))
"""


@pytest.mark.parametrize(
    ("given", "more", "expected"),
    [
        ('bool(request.form.get("on"))', "", Fit.COVERED),
        ("True", "", Fit.COVERED),
        ('request.form["x"] == "y"', "", Fit.COVERED),
        ('request.form["on"]', "", Fit.MISSING),
        ('"today"', "", Fit.MISSING),
        ("True", ".limit(20)", Fit.MISSING),
        ("True", '.sort([("on", 1), ("tag", 1)])', Fit.MISSING),
    ],
)
def test_all_there_is_with_one_half_of_it_first(
    given: str, more: str, expected: Fit, build: Build
) -> None:
    found = build({"app.py": _SORTED % (given, more)}).facts(CollectionFit)
    assert {m.fit for f in found for q, m in f.fits if q.sort} == {expected}


_FIRST_VALUES = {
    "sqlalchemy": """
class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    shown = Column(Boolean, {}default=True)
    role = Column(Enum(Role), default=Role.MEMBER)
    gone = Column(Boolean, server_default=text("false"))
    done = Column(Boolean)
def ask(session):
    session.scalars(select(Post).where({})).all()
""",
    "sqlmodel": """
class Post(SQLModel, table=True):
    id: int = Field(primary_key=True)
    shown: bool = {}True
    role: Role = Field(default=Role.MEMBER, sa_column=Column(Enum(Role)))
    gone: bool = Field(False)
    done: bool
def ask(session):
    session.exec(select(Post).where({})).all()
""",
    "peewee": """
class Post(Model):
    shown = BooleanField({}default=True)
    gone = BooleanField(default=False)
def ask():
    return list(Post.select().where({}))
""",
    "django": """
class Post(models.Model):
    shown = models.BooleanField({}default=True)
    role = models.CharField(choices=[("member", "a"), ("admin", "b")], default="member")
    done = models.BooleanField(null=True)
def ask():
    return list(Post.objects.filter({}))
""",
    "tortoise": """
class Post(Model):
    shown = fields.BooleanField({}default=True)
async def ask():
    return await Post.filter({})
""",
    "sql": """
SCHEMA = "CREATE TABLE post (id INT PRIMARY KEY, shown BOOLEAN DEFAULT TRUE, kind TEXT DEFAULT 'a' CHECK (kind IN ('a', 'b')), {} done BOOLEAN)"
def ask(cursor):
    cursor.execute(SCHEMA)
    cursor.execute("INSERT INTO post (id) VALUES (%s)", (1,))
    cursor.execute("SELECT * FROM post WHERE {}")
""",
    "beanie": """
class Post(Document):
    shown: {} bool = True
    role: Role = Role.MEMBER
    done: bool
async def ask():
    return await Post.find({}).to_list()
""",
    "mongoengine": """
class Post(Document):
    shown = BooleanField({}default=True)
def ask():
    return list(Post.objects({}))
""",
}
_HEADS = {
    "sqlalchemy": "from sqlalchemy import Boolean, Column, Enum, Integer, select, text\nfrom sqlalchemy.orm import declarative_base\nBase = declarative_base()\n",
    "sqlmodel": "from sqlalchemy import Column, Enum\nfrom sqlmodel import Field, SQLModel, select\n",
    "peewee": "from peewee import BooleanField, Model\n",
    "django": "from django.db import models\n",
    "tortoise": "from tortoise import fields\nfrom tortoise.models import Model\n",
    "sql": "import psycopg2\n",
    "beanie": "from beanie import Document, init_beanie\n",
    "mongoengine": "from mongoengine import BooleanField, Document\n",
}


@pytest.mark.parametrize(
    ("mapper", "asked", "expected"),
    [
        ("sqlalchemy", "Post.shown", Fit.COVERED),
        ("sqlalchemy", "Post.shown == True", Fit.COVERED),
        ("sqlalchemy", "Post.shown.is_(False)", Fit.UNKNOWN),
        ("sqlalchemy", "~Post.shown", Fit.UNKNOWN),
        ("sqlalchemy", "Post.gone == False", Fit.COVERED),
        ("sqlalchemy", "Post.gone", Fit.UNKNOWN),
        ("sqlalchemy", "Post.role == Role.ADMIN", Fit.UNKNOWN),
        ("sqlalchemy", "Post.role == 'member'", Fit.COVERED),
        ("sqlalchemy", "Post.role == asked()", Fit.COVERED),
        ("sqlalchemy", "Post.done == True", Fit.COVERED),
        ("sqlalchemy", "Post.gone == False, Post.shown == False", Fit.UNKNOWN),
        ("sqlmodel", "Post.shown == True", Fit.COVERED),
        ("sqlmodel", "Post.shown == False", Fit.UNKNOWN),
        ("sqlmodel", "Post.role == Role.ADMIN", Fit.UNKNOWN),
        ("sqlmodel", "Post.gone == True", Fit.UNKNOWN),
        ("sqlmodel", "Post.done == True", Fit.COVERED),
        ("peewee", "Post.gone == False", Fit.COVERED),
        ("peewee", "Post.gone == True", Fit.UNKNOWN),
        ("django", "shown=True", Fit.COVERED),
        ("django", "shown=False", Fit.UNKNOWN),
        ("django", "role='admin'", Fit.UNKNOWN),
        ("django", "done=True", Fit.COVERED),
        ("tortoise", "shown=False", Fit.UNKNOWN),
        ("tortoise", "shown=True", Fit.COVERED),
        ("sql", "shown = TRUE", Fit.COVERED),
        ("sql", "shown = FALSE", Fit.UNKNOWN),
        ("sql", "kind = 'b'", Fit.UNKNOWN),
        ("sql", "kind = 'a'", Fit.COVERED),
        ("sql", "done = TRUE", Fit.COVERED),
        ("beanie", "Post.shown == True", Fit.COVERED),
        ("beanie", "Post.shown == False", Fit.UNKNOWN),
        ("beanie", "{'role': Role.ADMIN}", Fit.UNKNOWN),
        ("beanie", "Post.done == True", Fit.COVERED),
        ("mongoengine", "shown=False", Fit.UNKNOWN),
        ("mongoengine", "shown=True", Fit.COVERED),
    ],
)  # fmt: skip
def test_one_of_two_values_that_new_records_do_not_have(
    mapper: str, asked: str, expected: Fit, build: Build
) -> None:
    code = (
        _HEADS[mapper]
        + "import enum\nclass Role(str, enum.Enum):\n    MEMBER = 'member'\n    ADMIN = 'admin'\n"
    )
    code += _FIRST_VALUES[mapper].format("", asked)
    found = build({"shop/models.py": code}).facts(CollectionFit)
    told = {(m.fit, m.why) for f in found for _, m in f.fits}
    ((fit, why),) = told
    assert fit is expected, why
    assert ("how many records have" in why) is (expected is Fit.UNKNOWN)


def test_an_index_of_one_of_two_values_finds_the_one_that_new_records_do_not_have(
    build: Build,
) -> None:
    code = _HEADS["sqlalchemy"] + _FIRST_VALUES["sqlalchemy"].replace(
        "Enum(Role), default=Role.MEMBER", "Integer"
    )
    code = code.format("index=True, ", "Post.shown == False")
    (found,) = build({"shop/models.py": code}).facts(CollectionFit)
    assert [m.by is not None for _, m in found.fits if m.fit is Fit.COVERED] == [True]


DOCTORS = (
    "from models import User\n"
    "def doctors():\n    return User.query.filter_by(email='a@b.org').all()\n"
    "if __name__ == '__main__':\n    print(doctors())\n"
)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"verificar_medicos.py": DOCTORS}, Fit.COVERED),
        ({"doctors.py": DOCTORS, "README.md": "See below.\n"}, Fit.COVERED),
        ({"doctors.py": DOCTORS, "README.md": "Start it by `python doctors.py`.\n"}, Fit.MISSING),
        ({"doctors.py": DOCTORS, "Procfile": "clock: python doctors.py\n"}, Fit.MISSING),
        ({"doctors.py": DOCTORS.replace("    print(", "    while True:\n        print(")}, Fit.MISSING),
        ({"doctors.py": DOCTORS.replace("    print(", "    bot.run_polling(")}, Fit.MISSING),
        ({"doctors.py": DOCTORS, "service.py": "import doctors\n"}, Fit.MISSING),
        ({"send_doctors.py": DOCTORS}, Fit.MISSING),
        ({"server.py": DOCTORS}, Fit.MISSING),
        ({"doctors.py": DOCTORS, "app.py": "print('no application')\n"}, Fit.MISSING),
    ],
)  # fmt: skip
def test_a_program_that_ends_by_itself(files: dict[str, str], expected: Fit, build: Build) -> None:
    answer, why = fit(build, files)
    assert answer is expected
    assert (why == "only a program that ends by itself asks it, and nothing here starts it") is (expected is Fit.COVERED)  # fmt: skip


TWICE = "from models import User\nfrom elsewhere import keeps\nclass Users:\n    {first}def find(self, x):\n        return User.query.filter_by(email=x).first()\n    {between}\n    {second}def find(self, x):\n        return User.query.filter_by(name=x).first()\n"  # fmt: skip
FINDS = "from app import app\nfrom store import Users\n@app.route('/u/<x>')\ndef u(x):\n    return Users().find(x)\n"


@pytest.mark.parametrize(
    ("first", "between", "second", "expected"),
    [
        ("", "", "", Fit.COVERED),
        ("@staticmethod\n    ", "def other(self): return self.find(1)", "", Fit.COVERED),
        ("", "keep = find", "", Fit.MISSING),
        ("@keeps\n    ", "", "", Fit.MISSING),
        ("", "", "@find.or_else\n    ", Fit.MISSING),
    ],
)
def test_a_function_that_another_of_its_name_takes_the_place_of(
    first: str, between: str, second: str, expected: Fit, build: Build
) -> None:
    code = TWICE.format(first=first, between=between, second=second)
    answer, why = fit(build, {"store.py": code, "routes.py": FINDS})
    assert (answer, "another find takes the place" in why) == (expected, expected is Fit.COVERED)


@pytest.mark.parametrize(
    ("between", "again", "expected"),
    [
        ("", "class Users:", Fit.COVERED),
        ("def other():\n    return Users()", "class Users:", Fit.COVERED),  # it is asked later
        ("", "class Users(Users):", Fit.MISSING),
        ("users = Users()", "class Users:", Fit.MISSING),
        ("class Heir(Users):\n    pass", "class Users:", Fit.MISSING),
        ("", "@keeps(Users)\nclass Users:", Fit.MISSING),
        ("", "class Other:", Fit.MISSING),
    ],
)
def test_a_class_that_another_of_its_name_takes_the_place_of(
    between: str, again: str, expected: Fit, build: Build
) -> None:
    first = TWICE.format(first="", between="\0", second="").partition("\0")[0]
    found = {
        "store.py": f"{first}\n{between}\n{again}\n    def find(self, x):\n        return x\n",
        "routes.py": FINDS,
    }
    answer, why = fit(build, found)
    assert (answer, "another Users takes the place" in why) == (expected, expected is Fit.COVERED)


@pytest.mark.parametrize(
    ("decorator", "name", "added", "expected"),
    [
        ("@property", "often", "", Fit.COVERED),
        (
            "@property",
            "often",
            "from pydantic import BaseModel\nclass Out(BaseModel):\n    often: bool\n",
            Fit.MISSING,
        ),
        ("@property", "often", "SHOWN = ['id', 'often']\n", Fit.MISSING),
        ("", "often", "", Fit.COVERED),
        ("", "validate", "", Fit.MISSING),  # packages ask objects for it
        ("", "often", "SHOWN = ['id', 'often']\n", Fit.MISSING),
        ("@property", "__often__", "", Fit.MISSING),
    ],
)
def test_a_property_that_nothing_reads_and_a_method_of_one_word(
    decorator: str, name: str, added: str, expected: Fit, build: Build
) -> None:
    asking = f"    {decorator}\n    def {name}(self):\n        return User.query.filter_by(email=self.email).count() > 3\n"
    models = MODELS.replace("class User(db.Model):\n", f"class User(db.Model):\n{asking}")
    assert asking in models
    assert fit(build, {"models.py": models + added})[0] is expected


_WRAPS = "    @wraps(f)\n    def inner(*args):\n        print(f.__name__)\n        return f(*args)\n    return inner\n"
_NAMED = f"def timed(name):\n    def take(f):\n{_WRAPS.replace(chr(10) + '    ', chr(10) + '        ').replace('    @', '        @', 1)}    return take\n"
_EITHER = "class Clock:\n    def timed(self, func=None, *, name=None):\n        def take(f):\n            return f\n        return take(func) if func else take\nclock = Clock()\n"


@pytest.mark.parametrize(
    ("made", "decorator", "expected"),
    [
        (f"def timed(f):\n{_WRAPS}", "timed", Fit.COVERED),
        (_NAMED, "timed('find_one')", Fit.COVERED),  # its own decorator's text is no call
        ("class Clock:\n    def timed(self, f):\n        return f\nclock = Clock()\n", "clock.timed", Fit.COVERED),
        (_EITHER, "clock.timed(name='a')", Fit.COVERED),
        (_EITHER, "clock.timed", Fit.MISSING),  # handed on, and not followed
        (_EITHER.replace("            return f\n", "            self.kept.append(f)\n            return f\n"), "clock.timed(name='a')", Fit.MISSING),
        (_EITHER.replace("take(func) if func", "self.other(name) if name"), "clock.timed(name='a')", Fit.MISSING),
        ("KEPT = []\ndef timed(f):\n    KEPT.append(f)\n    return f\n", "timed", Fit.MISSING),
        ("KEPT = {}\ndef timed(f):\n    KEPT['a'] = f\n    return f\n", "timed", Fit.MISSING),
        ("def timed(f):\n    f.first = f\n    return f\n", "timed", Fit.MISSING),
        ("def timed(f):\n    app.add_url_rule('/a', view_func=f)\n    return f\n", "timed", Fit.MISSING),
        ("KEPT = []\ndef timed(name):\n    def take(f):\n        KEPT.append(f)\n        return f\n    return take\n", "timed('a')", Fit.MISSING),
        ("class timed:\n    def __init__(self, f):\n        self.f = f\n", "timed", Fit.MISSING),
        ("from elsewhere import timed\n", "timed", Fit.MISSING),
        ("import pysnooper\n", "pysnooper.snoop()", Fit.COVERED),
        ("from tenacity import retry\n", "retry", Fit.COVERED),
        ("from elsewhere import retry\n", "retry", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_decorator_that_only_wraps(
    made: str, decorator: str, expected: Fit, build: Build
) -> None:
    code = f"from functools import wraps\nfrom app import app\nfrom models import User\n{made}\n@{decorator}\ndef find_one(x):\n    return User.query.filter_by(email=x).first()\n"
    answer, why = fit(build, {"store.py": code, "routes.py": "import store\n"})
    assert answer is expected, why


_LITESTAR = """
from litestar import Controller, Litestar, get
from store import Users
class UserController(Controller):
    path = "/users"
    @get("/")
    async def some(self, email: str) -> dict:
        return {body}
app = Litestar(route_handlers=[UserController])
"""


@pytest.mark.parametrize(
    ("body", "called"), [("{}", False), ("Users().find_by_email(email)", True)]
)
def test_a_server_of_litestar_is_a_program(body: str, called: bool, build: Build) -> None:
    app = _LITESTAR.replace("{body}", body)
    answer, why = fit(build, {"app.py": app, "store.py": STORE})
    assert (answer is Fit.MISSING, "nothing that runs calls find_by_email" in why) == (called, not called)  # fmt: skip


_PROVIDER = """
from packaged.server import Server
from store import Users
class Provider:
    def lookup_token(self, email):
        return self._found(email)
    def _found(self, email):
        return Users().find_by_email(email)
class Nearer(Provider):
    pass
"""


@pytest.mark.parametrize(
    ("made", "called"),
    [
        ("server = Server('a', provider=Provider())\n", True),
        ("provider = Nearer()\nserver = Server('a', provider)\n", True),
        ("provider = Provider()\n", False),
        ("server = Server('a', provider=Provider)\n", False),
        ("class Keeps:\n    def __init__(self, provider): self.kept = provider\nkept = Keeps(Provider())\n", False),
        ("from threading import Thread\nthread = Thread(None, Provider())\n", False),
        ("from fastapi import Depends\ngiven = Depends(Provider())\n", False),
    ],
)  # fmt: skip
def test_a_package_calls_what_it_is_given(made: str, called: bool, build: Build) -> None:
    answer, why = fit(build, {"store.py": STORE, "serve.py": _PROVIDER + made, "routes.py": "import serve\n"})  # fmt: skip
    assert (answer, "nothing that runs calls" in why) == (
        (Fit.MISSING, False) if called else (Fit.COVERED, True)
    )
