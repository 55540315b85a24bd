"""Methods of repositories and models that nobody calls: what is called by their name is of an object of another class."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build

_SHOP = """
import abc, agents, httpx
from typing import Annotated, Generic, Optional, Protocol, TypeVar
from fastapi import Depends, FastAPI
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
app = FastAPI()
class Base(DeclarativeBase):
    pass
class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
T = TypeVar("T")
class Store(Generic[T]):
    def __init__(self, session):
        self.session = session
class Notes(Store[Note]):
    def by_title(self, title):
        return self.session.scalars(select(Note).where(Note.title == title)).all()
class Users(Store[Note]):
    pass
class Loose(abc.ABC):
    pass
class Named(Protocol):
    pass
class Open(Store[Note]):
    def __getattr__(self, name):
        return getattr(self.session, name)
"""
_BOTH = "class Both(Users, Notes):\n    pass\n"


def _why(text: str, build: Build) -> str:
    fits = [fit for each in build({"app.py": text}).facts(CollectionFit) for fit in each.fits]
    (told,) = {
        match.why or match.fit.value for query, match in fits if query.equality == ("title",)
    }
    return told


@pytest.mark.parametrize(
    ("held", "call"),
    [
        ("", "def ask(title: str, users: Client = None): users.by_title(title)"),
        ("", "def ask(title: str, users: Annotated[Client, Depends()]): users.by_title(title)"),
        ("", "def ask(title: str, users: Client | None = None): users.by_title(title)"),
        ("", "def ask(title: str, users: Optional[Client] = None): users.by_title(title)"),
        ("", "def ask(title: str): Client(title).by_title(title)"),
        ("", "def ask(title: str):\n    users = Client(title)\n    users.by_title(title)"),
        ("users = Client(None)", "def ask(title: str): users.by_title(title)"),
        ("class Kept:\n    def __init__(self, users: Client):\n        self.users = users\n    def ask_it(self, title): self.users.by_title(title)", "def ask(title: str, kept: Kept = Depends()): kept.ask_it(title)"),
        ("class Kept:\n    users: Client\n    def ask_it(self, title): self.users.by_title(title)", "def ask(title: str, kept: Kept = Depends()): kept.ask_it(title)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["Users", "httpx.Client"])
def test_of_another_class(kind: str, held: str, call: str, build: Build) -> None:
    asked = f"{held}\n@app.get('/')\n{call}\n@app.get('/all')\ndef every(s): Notes(s)\n"
    told = _why(_SHOP + asked.replace("Client", kind), build)
    assert told == "nothing that runs calls by_title, which asks it"


@pytest.mark.parametrize(
    "call",
    [
        "def ask(title: str, users=None): users.by_title(title)",
        "def ask(title: str, users: Notes = None): users.by_title(title)",
        "def ask(title: str, users: Store = None): users.by_title(title)",
        "def ask(title: str, users: Loose = None): users.by_title(title)",
        "def ask(title: str, users: Named = None): users.by_title(title)",
        "def ask(title: str, users: Open = None): users.by_title(title)",
        "def ask(title: str, users: 'Users | Notes' = None): users.by_title(title)",
        "def ask(title: str, users: Users | Notes = None): users.by_title(title)",
        "def ask(title: str):\n    users = Users(title)\n    if title: users = make(title)\n    users.by_title(title)",
        "def ask(title: str):\n    for users in (Users, Notes): users(title).by_title(title)",
        "def ask(title: str):\n    users = Users(title) if title else Notes(title)\n    users.by_title(title)",
        "def ask(title: str, users: Depends = None): users.by_title(title)",
        "def ask(title: str, users: agents.Session = None): users.by_title(title)",
        "def ask(title: str, users: Users = None): users.session.by_title(title)",
    ],
)
def test_perhaps_of_this_class(call: str, build: Build) -> None:
    asked = f"@app.get('/')\n{call}\n@app.get('/all')\ndef every(s): Notes(s)\n"
    assert _why(_SHOP + asked, build) == "missing"


def test_of_an_heir_of_both(build: Build) -> None:
    asked = "@app.get('/')\ndef ask(title: str, users: Users): users.by_title(title)\n@app.get('/all')\ndef every(s): Both(s)\n"
    assert _why(_SHOP + _BOTH + asked, build) == "missing"


_PORTS = """
class NotePort(abc.ABC):
    @abc.abstractmethod
    def by_title(self, title): ...
class UserPort(abc.ABC):
    @abc.abstractmethod
    def by_title(self, title): ...
class OnlyPort(abc.ABC):
    @abc.abstractmethod
    def by_title(self, title): ...
class LoosePort(Protocol):
    def by_title(self, title): ...
class SqlLoose(LoosePort):
    def by_title(self, title): return []
class SqlUsers(UserPort):
    def by_title(self, title): return []
class SqlNotes({above}):
    def by_title(self, title):
        return self.session.scalars(select(Note).where(Note.title == title)).all()
{more}
class Ask:
    def __init__(self, users: {kind}):
        self.users = users
    def run(self, title): return self.users.by_title(title)
@app.get('/')
def ask(title: str, case: Ask = Depends()): return case.run(title)
@app.get('/all')
def every(s): SqlNotes(s), SqlUsers(s)
"""


@pytest.mark.parametrize(
    ("kind", "above", "more", "called"),
    [
        ("UserPort", "NotePort", "", False),
        ("Optional[UserPort]", "NotePort", "", False),
        ("SqlUsers", "NotePort", "", False),
        ("NotePort", "NotePort", "", True),
        ("UserPort | NotePort", "NotePort", "", True),
        ("UserPort", "NotePort, UserPort", "", True),
        ("UserPort", "NotePort", "class Both(UserPort, SqlNotes): ...", True),
        ("UserPort", "Base", "", True),  # passed for what it does not inherit from
        ("OnlyPort", "NotePort", "", True),
        ("LoosePort", "NotePort", "", True),
    ],
)
def test_abstract_classes(kind: str, above: str, more: str, called: bool, build: Build) -> None:
    text = _PORTS.format(kind=kind, above=above.replace("Base", "Generic[T]"), more=more)
    told = "missing" if called else "nothing that runs calls by_title, which asks it"
    assert _why(_SHOP.replace("Note.title ==", "Note.id ==") + text, build) == told


@pytest.mark.parametrize(
    ("above", "more", "called"),
    [
        ("", "", False),
        ("(NotePort)", "", False),
        ("", "notes = Depends(SqlNotes)", False),
        ("", "class Case:\n    def __init__(self, notes: SqlNotes): self.notes = notes\ncase = Case(SqlNotes(1))", False),
        ("", "app.state.notes = SqlNotes(1)", False),
        ("", "app.notes = SqlNotes(1)", True),
        ("", "agents.use(SqlNotes(1))", True),
        ("", "agents.use(stores=[SqlNotes(1)])", True),
        ("", "agents.use(SqlNotes)", True),
        ("", "STORES = [SqlNotes]", True),
        ("", "STORE = 'app.SqlNotes'", True),
        ("", "class Heir(SqlNotes, agents.Store): ...", True),
        ("", "class Heir(agents.Store):\n    notes = SqlNotes(1)", True),
        ("(NotePort)", "def give(notes: NotePort): agents.use(notes)", True),
        ("(NotePort)", "@app.get('/b')\ndef drop(notes: NotePort): notes.delete(2)", True),
        ("", "@app.get('/b')\ndef drop(notes): notes.delete(2)", True),
        ("(agents.Store)", "", True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["delete", "get"])
def test_common_names_of_classes_that_no_package_is_given(
    above: str, more: str, called: bool, name: str, build: Build
) -> None:
    ports = "class NotePort(abc.ABC):\n    @abc.abstractmethod\n    def delete(self, title): ...\n"
    mine = f"class SqlNotes{above}:\n    def __init__(self, session): self.session = session\n    def delete(self, title):\n        return self.session.scalars(select(Note).where(Note.title == title)).all()\n"
    text = f"{ports}{mine}@app.post('/a')\ndef every(s): SqlNotes(s)\n{more}\n"
    if name != "delete":
        text = text.replace("delete", name).replace(f"app.{name}('/b')", "app.get('/b')")
    told = "missing" if called else f"nothing that runs calls {name}, which asks it"
    assert _why(_SHOP.replace("Note.title ==", "Note.id ==") + text, build) == told


@pytest.mark.parametrize(
    ("imports", "name", "called"),
    [
        ("", "get_id", False),
        ("import flask_login", "get_id", True),
        ("from flask_security import UserMixin", "get_id", True),
        ("", "is_active", True),
    ],
)
def test_what_one_package_asks_of_users(
    imports: str, name: str, called: bool, build: Build
) -> None:
    text = f"{imports}{_SHOP}@app.get('/')\ndef ask(s): Notes(s)\n".replace("by_title", name)
    told = "missing" if called else f"nothing that runs calls {name}, which asks it"
    assert _why(text, build) == told


_DJANGO = {
    "manage.py": "import os\nif __name__ == '__main__':\n    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
    "settings.py": "INSTALLED_APPS = ['shop']\nROOT_URLCONF = 'urls'\n",
    "urls.py": "from django.urls import path\nfrom shop.views import show\nurlpatterns = [path('', show)]\n",
    "shop/__init__.py": "",
    "shop/views.py": "from shop.models import Report\ndef show(request): return Report.objects.first()\n",
    "shop/models.py": "from django.db import models\n"
    "class Entry(models.Model):\n    kind = models.CharField(max_length=70)\n"
    "class Report(models.Model):\n    kind = models.CharField(max_length=70)\n"
    "    def {name}(self): return list(Entry.objects.filter(kind=self.kind))\n",
}


@pytest.mark.parametrize(
    ("name", "more", "told"),
    [
        ("sum_up", {}, "nothing that runs calls sum_up, which asks it"),
        ("sum_up", {"shop/views.py": "def show(request, pk): return Report.objects.get(pk=pk).sum_up()"}, "missing"),
        ("sum_up", {"shop/templates/show.html": "{{ report.sum_up }}"}, "missing"),
        ("sum_up", {"shop/templates/show.html": "{{ sum_up }}{% url 'sum_up' %}{{ url_for('shop.sum_up') }}"}, "nothing that runs calls sum_up, which asks it"),
        ("sum_up", {"shop/templates/show.html": "{{ reports|map(attribute='sum_up') }}"}, "missing"),
        ("sum_up", {"shop/templates/show.html": "{% regroup reports by sum_up as sums %}"}, "missing"),
        ("sum_up", {"shop/views.py": "from rest_framework.serializers import ModelSerializer\nclass Shown(ModelSerializer):\n    class Meta:\n        fields = ['sum_up']"}, "missing"),
        ("get_absolute_url", {}, "missing"),
        ("clean_fields", {}, "missing"),
        ("validate_unique", {}, "missing"),
        ("_do_update", {}, "missing"),
        ("sum_up", {"settings.py": "MIDDLEWARE = ['shop.more.Middle']\n", "shop/more.py": "from shop.models import Report\nclass Middle:\n    def __init__(self, get_response): pass\n    def process_view(self, request, *given): Report.objects.first().sum_up()\n"}, "missing"),
    ],
)  # fmt: skip
def test_methods_of_models(name: str, more: dict[str, str], told: str, build: Build) -> None:
    tree = {path: text.replace("{name}", name) for path, text in _DJANGO.items()}
    tree |= {path: tree.get(path, "") + text for path, text in more.items()}
    fits = [fit for each in build(tree).facts(CollectionFit) for fit in each.fits]
    assert {m.why or m.fit.value for q, m in fits if q.equality == ("kind",)} == {told}


_MONGO = """
from fastapi import FastAPI
from pymongo import MongoClient
app = FastAPI()
db = MongoClient()["shop"]
class Store:
    def __init__(self, name):
        self.notes = db[name]
    def one(self, asked):
        return self.notes.find_one(asked)
class Notes(Store):
    def __init__(self):
        super().__init__("notes")
    def by_title(self, title):
        return self.one({"title": title})
    def by_state(self, state):
        return self.one({"state": state})
notes = Notes()
@app.get("/{title}")
def ask(title: str):
    return notes.by_title(title)
"""


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", {"title"}),
        (
            "@app.get('/state/all')\ndef again(): return [x.by_state('x') for x in (notes, notes)]\n",
            {"title", "state"},
        ),
    ],
)
def test_handed_on_by_what_nobody_calls(more: str, told: set[str], build: Build) -> None:
    fits = [f for each in build({"app.py": _MONGO + more}).facts(CollectionFit) for f in each.fits]
    assert {name for query, _ in fits for name in query.equality} == told


_ROUTES = """
from fastapi import FastAPI
from shop.agent import answer
app = FastAPI()
@app.get("/{title}")
def ask(title: str):
    return answer(title)
"""
_ANSWERS = "def answer(title):\n    from shop.tools import look\n    return look(title)\n"
_LOOKS = (
    "from pymongo import MongoClient\ndb = MongoClient()['shop']\n"
    "def look(title): return db.notes.find_one({'title': title})\n"
)


@pytest.mark.parametrize(
    ("package", "told"),
    [
        ("from shop.tools.looking import look\n", "missing"),
        ("from .looking import look\n", "missing"),
        ("", "only a script that is run by hand asks it"),
    ],
)
def test_tools_of_a_program(package: str, told: str, build: Build) -> None:
    tree = {
        "app.py": _ROUTES, "shop/__init__.py": "", "shop/agent.py": _ANSWERS, "shop/tools/__init__.py": package,
        "shop/tools/looking.py": _LOOKS + "db.notes.insert_one({'title': input()})\n", "shop/more.py": "",
    }  # fmt: skip
    fits = [fit for each in build(tree).facts(CollectionFit) for fit in each.fits]
    assert {m.why or m.fit.value for q, m in fits if q.equality == ("title",)} == {told}


@pytest.mark.parametrize(
    ("decorator", "told"),
    [("staticmethod", "nothing that runs calls by_title, which asks it"), ("needed", "missing")],
)
def test_a_static_method_is_given_no_object(decorator: str, told: str, build: Build) -> None:
    """What it hands to a package is no object of its class, whose methods the package might call."""
    more = (
        "from bson import ObjectId\nclass Kept:\n"
        "    @staticmethod\n    def by_title(title): return session.scalars(select(Note).where(Note.title == title)).all()\n"
        f"    @{decorator}\n    def drop(key): return ObjectId(key)\n"
        "@app.get('/')\ndef ask(key: str): Kept.drop(key)\n"
    )
    text = _SHOP.replace("by_title", "by_its_title") + more.replace("    @needed\n", "")
    fits = [fit for each in build({"app.py": text}).facts(CollectionFit) for fit in each.fits]
    told_of_kept = [m.why or m.fit.value for q, m in fits if q.place.symbol == "Kept.by_title"]
    assert told_of_kept == [told]


_TITLED = """
import sqlite3
from fastapi import FastAPI
app = FastAPI()
class Notes:
    @staticmethod
    def by_title(title):
        return sqlite3.connect("notes.db").execute("SELECT * FROM notes WHERE title = ?", (title,))
@app.get("/")
def main():
    sqlite3.connect("notes.db").execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT)")
"""
_NOBODY = "nothing that runs calls by_title, which asks it"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("def counted(rows):\n    return {'by_title': len(rows)}\n", _NOBODY),
        ("def shown(kind):\n    return kind == 'by_title' or kind in ('by_title', 'all')\n", _NOBODY),
        ("ORDER_CHOICES = [('by_title', 'By title')]\n", _NOBODY),
        ("def field(made):\n    return made(choices=(('by_title', 'By title'),))\n", _NOBODY),
        ("def counted(rows, how):\n    return {'by_title': len(rows)}, getattr(Notes, how)('a')\n", "missing"),
        ("def shown(kind):\n    if kind == 'by_title':\n        vars(Notes)[kind]('a')\n", "missing"),
        ("def shown(kind):\n    if kind == 'by_title':\n        Notes.__dict__[kind]('a')\n", "missing"),
    ],
)  # fmt: skip
def test_a_value_is_no_name_of_a_method(more: str, told: str, build: Build) -> None:
    asked = more.replace("def ", "@app.get('/more')\ndef ")
    assert _why(_TITLED + asked, build) == told


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return getattr(self, how)('a')", "missing"),
        ("found = getattr(self, how, None)\n        return found('a')", "missing"),
        ("return getattr(self, how)", _NOBODY),
        ("return getattr(how, how)('a')", _NOBODY),
        ("return getattr(self, 'all')('a')", _NOBODY),
        ("return getattr(self, f'all_{how}')('a')", _NOBODY),
    ],
)
def test_a_method_that_is_looked_up_may_be_any_of_its_object(
    body: str, told: str, build: Build
) -> None:
    more = f"class Named(Notes):\n    def run(self, how):\n        {body}\n@app.get('/run')\ndef run(how: str):\n    Named().run(how)\n"
    assert _why(_TITLED + more, build) == told


_WATCH = {
    "models.py": "from tortoise import fields, models\nclass Visit(models.Model):\n    id = fields.IntField(pk=True)\n    ended = fields.IntField(null=True)\n",
    "watch.py": "from typing import Optional\nfrom models import Visit\nclass Watch:\n    async def look(self): return await Visit.filter(ended=3)\n"
    "watch: Optional[Watch] = None\ndef set_up():\n    global watch\n    watch = Watch()\n    return watch\n",
    "main.py": "from fastapi import FastAPI\nfrom watch import set_up, watch\napp = FastAPI()\n"
    "@app.get('/')\nasync def look():\n    if watch: await watch.look()\n@app.on_event('startup')\nasync def begin():\n    set_up()\n",
}


@pytest.mark.parametrize(
    ("file", "old", "new", "called"),
    [
        ("main.py", "", "", False),
        ("main.py", "import set_up, watch", "import set_up, watch as watch", False),
        ("main.py", "    set_up()\n", "    global watch\n    watch = set_up()\n", True),
        ("main.py", "    set_up()\n", "    await set_up().look()\n", True),
        ("main.py", "app = FastAPI()\n", "app = FastAPI()\nset_up()\n", True),
        (
            "main.py",
            "import set_up, watch",
            "import set_up\nset_up()\nfrom watch import watch",
            True,
        ),
        (
            "main.py",
            "async def look():\n",
            "async def look():\n    from watch import watch\n",
            True,
        ),
        ("main.py", "if watch: await watch", "import watch as w\n    await w.watch", True),
        ("main.py", "    set_up()\n", "    import watch as w\n    w.watch = w.Watch()\n", True),
        ("watch.py", "watch: Optional[Watch] = None", "watch: Optional[Watch] = Watch()", True),
        ("watch.py", "    return watch\n", "    return watch\nset_up()\n", True),
        ("watch.py", "def set_up", "@now\ndef set_up", True),
        (
            "more.py",
            "",
            "from watch import set_up\ndef late():\n    set_up()\n    import main\n",
            True,
        ),
    ],
)
def test_a_name_imported_while_it_was_none(
    file: str, old: str, new: str, called: bool, build: Build
) -> None:
    tree = _WATCH | {file: _WATCH.get(file, "").replace(old, new, 1)}
    fits = [fit for each in build(tree).facts(CollectionFit) for fit in each.fits]
    told = {m.why or m.fit.value for q, m in fits if q.equality == ("ended",)}
    assert told == {"missing" if called else "nothing that runs calls look, which asks it"}


_PAGES = """
from flask import Flask, render_template
from flask_sqlalchemy import SQLAlchemy
app = Flask(__name__)
db = SQLAlchemy(app)
class Author(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    def rating(self):
        return Book.query.filter_by(title=self.id).all()
class Book(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String)
    def rating(self):
        return 1
class Painter(Author):
    pass
@app.route("/<key>")
def page(key, each=None, author=None):
    book = Book.query.get(key)
    return render_template("page.html", book=book, held=ASKED)
"""


@pytest.mark.parametrize(
    ("asked", "page", "called"),
    [
        ("book.rating()", "{{ book.rating() }}", False),
        ("book.rating()", "{{ page.book.rating() }}", False),
        ("book.rating()", "{{ author.rating() }}", True),
        ("book.rating()", "{{ painter.rating() }}", True),
        ("book.rating()", "{{ each.rating() }}", True),
        ("book.rating()", "{{ books|map(attribute='rating') }}", True),
        ("each.rating()", "{{ book.rating() }}", True),
        ("author.rating()", "{{ book.rating() }}", True),
    ],
)
def test_a_name_that_is_anothers_means_that_one(
    asked: str, page: str, called: bool, build: Build
) -> None:
    text = _PAGES.replace("ASKED", asked)
    fits = build({"app.py": text, "templates/page.html": page}).facts(CollectionFit)
    (told,) = {m.why for f in fits for q, m in f.fits if q.equality == ("title",)}
    assert (told != "nothing that runs calls rating, which asks it") is called
