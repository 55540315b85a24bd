"""Objects found by ids of the caller's, and what ties them to who calls."""

from __future__ import annotations

import time

import pytest

from auditor.model.objects import ObjectAccess, Ownership, Tie, UnfollowedIds
from tests.conftest import Build

GUARD = """
import os, jwt
from fastapi import Body, Depends, FastAPI, Header, HTTPException
from fastapi.security import HTTPBearer
from pydantic import BaseModel

def current_user(credentials=Depends(HTTPBearer())):
    try:
        return jwt.decode(credentials.credentials, os.environ["KEY"], algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401)

app = FastAPI()
"""
SQL = """
from sqlalchemy import Column, ForeignKey, Integer, String, delete, select
from sqlalchemy.orm import Session, declarative_base
Base = declarative_base()

class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    password = Column(String)

class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))

class Tag(Base):
    __tablename__ = "tags"
    id = Column(Integer, primary_key=True)
    note_id = Column(ForeignKey("notes.id"))

def get_db():
    yield Session()
"""


def first(build: Build, code: str, **files: str) -> ObjectAccess:
    found = build({"app.py": GUARD + code, **files}).facts(ObjectAccess)
    assert found, "no access was found"
    return found[0]


def handler(body: str, params: str = "", path: str = "/notes/{note_id}") -> str:
    lines = "\n    ".join(body.strip().split("\n"))
    return f"""
@app.get("{path}")
def one(note_id: int, user=Depends(current_user), db: Session = Depends(get_db){params}):
    {lines}
"""


@pytest.mark.parametrize(
    ("body", "tie"),
    [
        ("return db.get(Note, note_id)", Tie.NONE),
        ("return db.query(Note).filter(Note.id == note_id).first()", Tie.NONE),
        ("return db.query(Note).filter_by(id=note_id, user_id=user['sub']).first()", Tie.QUERY),
        ("q = select(Note).where(Note.id == note_id)\nq = q.where(Note.user_id == user['sub'])\n"
         "return db.scalar(q)", Tie.QUERY),
        ("note = db.get(Note, note_id)\nif note.user_id != user['sub']:\n    raise HTTPException(403)\n"
         "return note", Tie.COMPARED),
        ("note = db.get(Note, note_id)\nassert note.user_id == user['sub']\nreturn note", Tie.COMPARED),
        ("note = db.get(Note, note_id)\nnote.user_id == user['sub']\nreturn note", Tie.IGNORED),
        ("note = db.get(Note, note_id)\nif note.user_id != user['sub']:\n    print('not theirs')\n"
         "return note", Tie.IGNORED),
        ("note = db.get(Note, note_id)\nprint(user['sub'], note_id)\nreturn note", Tie.NONE),
        ("note = db.get(Note, note_id)\nif note is None:\n    raise HTTPException(404)\n"
         "return {'note': note, 'user': user}", Tie.NONE),
        ("note = db.get(Note, note_id)\nif note.size > user['quota']:\n    raise HTTPException(402)\n"
         "return note", Tie.NONE),
        ("note = db.get(Note, note_id)\nenforcer.check(user, note)\nreturn note", Tie.CHECKED),
        ("if user['role'] != 'admin':\n    raise HTTPException(403)\nreturn db.get(Note, note_id)", Tie.ROLE),
        ("if user['role'] != 'admin':\n    print('hm')\nreturn db.get(Note, note_id)", Tie.NONE),
        ("mine = db.query(Note).filter(Note.user_id == user['sub']).all()\n"
         "return next(n for n in mine if n.id == note_id)", Tie.NONE),  # finds nothing by the id
    ],
)  # fmt: skip
def test_ties(build: Build, body: str, tie: Tie) -> None:
    accesses = build({"app.py": GUARD + SQL + handler(body)}).facts(ObjectAccess)
    assert {a.tie for a in accesses} == ({tie} if "mine" not in body else set())


def test_helper_that_ignores_the_caller_ties_nothing(build: Build) -> None:
    code = "\ndef load(db, note_id, user):\n    return db.get(Note, note_id)\n"
    assert first(build, SQL + code + handler("return load(db, note_id, user)")).tie is Tie.NONE


def test_helper_that_compares_ties(build: Build) -> None:
    code = """
def load(db, note_id, user):
    note = db.get(Note, note_id)
    if note.user_id != user["sub"]:
        raise HTTPException(404)
    return note
"""
    assert first(build, SQL + code + handler("return load(db, note_id, user)")).tie is Tie.COMPARED


@pytest.mark.parametrize(
    ("check", "tie"),
    [("not takes_part(note, caller)", Tie.COMPARED), ("note is None", Tie.NONE)],
)
def test_who_calls_is_read_from_the_token_in_the_handler(
    build: Build, check: str, tie: Tie
) -> None:
    code = f"""
def takes_part(note, user):
    return user in (note.user_id, note.editor_id)
def decoded(token):
    return int(jwt.decode(token, KEY, algorithms=["HS256"])["sub"])
@app.websocket("/ws/{{note_id}}")
async def edit(websocket: WebSocket, note_id: int):
    try:
        caller = decoded(websocket.query_params.get("token"))
    except jwt.PyJWTError:
        await websocket.close(code=1008)
        return
    db = get_db()
    note = db.get(Note, note_id)
    if {check}:
        await websocket.close(code=1008)
        return
    await websocket.accept()
    await websocket.send_text(note.text)
"""
    assert first(build, SQL + "from fastapi import WebSocket\n" + code).tie is tie


def test_dependency_that_takes_the_id_ties_what_hangs_on_its_object(build: Build) -> None:
    code = """
def own_note(note_id: int, user=Depends(current_user), db: Session = Depends(get_db)):
    note = db.get(Note, note_id)
    if note.user_id != user["sub"]:
        raise HTTPException(404)
    return note

@app.get("/notes/{note_id}/tags/{tag_id}")
def tag(tag_id: int, note: Note = Depends(own_note), db: Session = Depends(get_db)):
    return db.query(Tag).filter(Tag.id == tag_id, Tag.note_id == note.id).first()

@app.get("/notes/{note_id}/loose/{tag_id}")
def loose(tag_id: int, note: Note = Depends(own_note), db: Session = Depends(get_db)):
    return db.get(Tag, tag_id)
"""
    found = build({"app.py": GUARD + SQL + code}).facts(ObjectAccess)
    tags = {a.route.path: (a.tie, a.ownership, a.owner) for a in found if a.kind == "Tag"}
    assert tags["/notes/{note_id}/tags/{tag_id}"][0] is not Tie.NONE
    assert tags["/notes/{note_id}/loose/{tag_id}"] == (Tie.NONE, Ownership.OWNED, "note_id.user_id")


def test_owner_that_the_client_sends_is_no_owner(build: Build) -> None:
    body = "note = db.get(Note, note_id)\nif note.user_id != user_id:\n    raise HTTPException(403)\nreturn note"
    found = first(build, SQL + handler(body, ", user_id: int = 0"))
    assert found.tie is Tie.IGNORED
    assert "`user_id`, which the caller sends as well" in found.reason


def test_repository_of_a_class(build: Build) -> None:
    code = """
class Repository:
    def __init__(self, model):
        self.model = model

    def one(self, db, key):
        return db.query(self.model).filter(self.model.id == key).first()

notes = Repository(Note)
"""
    found = first(build, SQL + code + handler("return notes.one(db, note_id)"))
    assert (found.kind, found.tie, found.place.symbol) == ("Note", Tie.NONE, "Repository.one")


def test_query_put_together_over_and_over_takes_no_time(build: Build) -> None:
    more = "\n".join(f"q = q.filter(Note.size > {i})" for i in range(300))
    body = f"q = db.query(Note)\n{more}\nreturn q.filter(Note.id == note_id).first()"
    started = time.monotonic()
    found = first(build, SQL + handler(body))
    assert (found.kind, found.tie) == ("Note", Tie.NONE)
    assert time.monotonic() - started < 10


def test_owner_is_the_one_that_a_list_is_narrowed_by(build: Build) -> None:
    """Tags are listed by their note's user, so that a tag found by its id alone is somebody's."""
    code = """
@app.get("/tags")
def tags(user=Depends(current_user), db: Session = Depends(get_db)):
    return db.query(Tag).filter(Tag.note.user_id == user["sub"]).all()

@app.get("/tags/{tag_id}")
def tag(tag_id: int, user=Depends(current_user), db: Session = Depends(get_db)):
    return db.get(Tag, tag_id)
"""
    found = first(build, SQL + code)
    assert (found.owner, found.tie, found.doubt) == ("note_id.user_id", Tie.NONE, "")


def test_changes_are_told_from_reads(build: Build) -> None:
    read = first(build, SQL + handler("return db.get(Note, note_id)"))
    change = first(build, SQL + handler("db.execute(delete(Note).where(Note.id == note_id))"))
    assign = first(build, SQL + handler("note = db.get(Note, note_id)\nnote.text = 'x'"))
    counter = first(build, SQL + handler("note = db.get(Note, note_id)\nnote.views += 1"))
    assert [x.changes for x in (read, change, assign, counter)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("stored", "query"),
    [
        ("from beanie import Document\nclass Note(Document):\n    user_id: str\n", "Note.get(note_id)"),
        ("from beanie import Document\nclass Note(Document):\n    user_id: str\n", "Note.find_one(Note.id == note_id)"),
        ("from tortoise import fields, models\nclass Note(models.Model):\n"
         "    user_id = fields.IntField()\n", "Note.get_or_none(id=note_id)"),
        ("from peewee import IntegerField, Model\nclass Note(Model):\n    user_id = IntegerField()\n",
         "Note.get_by_id(note_id)"),
        ("from peewee import IntegerField, Model\nclass Note(Model):\n    user_id = IntegerField()\n",
         "Note.select().where(Note.id == note_id).get()"),
        ("from sqlmodel import Field, SQLModel, Session, select\nclass Note(SQLModel, table=True):\n"
         "    id: int = Field(primary_key=True)\n    user_id: int\nsession = Session()\n",
         "session.exec(select(Note).where(Note.id == note_id)).first()"),
        ("from pymongo import MongoClient\ndb = MongoClient()['shop']\n"
         "def add(u):\n    db.notes.insert_one({'user_id': u})\n", "db.notes.find_one({'_id': note_id})"),
        ("import sqlite3\ndb = sqlite3.connect('x')\ndb.execute('INSERT INTO notes (user_id, text) VALUES (?, ?)')\n",
         "db.execute('SELECT * FROM notes WHERE id = ?', (note_id,)).fetchone()"),
        ("import sqlite3\ndb = sqlite3.connect('x')\ndb.execute('INSERT INTO notes (user_id, text) VALUES (?, ?)')\n",
         "db.execute(f'SELECT * FROM notes WHERE id = {note_id}').fetchone()"),
    ],
)  # fmt: skip
def test_stores(build: Build, stored: str, query: str) -> None:
    code = f'{stored}\n@app.get("/notes/{{note_id}}")\ndef one(note_id: str, user=Depends(current_user)):\n    return {query}\n'
    found = first(build, code)
    assert (found.tie, found.ownership, found.owner) == (Tie.NONE, Ownership.OWNED, "user_id")


def test_raw_update_takes_its_last_parameter_for_the_row(build: Build) -> None:
    code = """
import sqlite3
db = sqlite3.connect("x")
db.execute("INSERT INTO notes (user_id, text) VALUES (?, ?)")

@app.put("/notes/{note_id}")
def change(note_id: int, user=Depends(current_user)):
    db.execute("UPDATE notes SET editor = ? WHERE id = ?", (user["sub"], note_id))

@app.put("/mine/{note_id}")
def mine(note_id: int, user=Depends(current_user)):
    db.execute("UPDATE notes SET text = ? WHERE id = ? AND user_id = ?", ("x", note_id, user["sub"]))
"""
    found = build({"app.py": GUARD + code}).facts(ObjectAccess)
    assert {a.route.path: a.tie for a in found} == {
        "/notes/{note_id}": Tie.NONE, "/mine/{note_id}": Tie.QUERY,
    }  # fmt: skip


def test_what_belongs_to_nobody(build: Build) -> None:
    code = """
class Country(Base):
    __tablename__ = "countries"
    id = Column(Integer, primary_key=True)
    owner = Column(String)
"""
    found = first(build, SQL + code + handler("return db.get(Country, note_id)"))
    assert found.ownership is Ownership.SHARED


def test_open_routes_secret_links_and_machines_are_not_judged(build: Build) -> None:
    code = """
@app.get("/open/{note_id}")
def open_one(note_id: int, db: Session = Depends(get_db)):
    return db.get(Note, note_id)

@app.get("/shared/{token}/{note_id}")
def shared(token: str, note_id: int, user=Depends(current_user), db: Session = Depends(get_db)):
    return db.get(Note, note_id)

@app.post("/webhooks/{note_id}")
def hook(note_id: int, user=Depends(current_user), db: Session = Depends(get_db)):
    return db.get(Note, note_id)
"""
    assert build({"app.py": GUARD + SQL + code}).facts(ObjectAccess) == ()


def test_query_that_cannot_be_followed(build: Build) -> None:
    code = "\nimport store\n" + handler("return store.load(note_id)")
    application = build({"app.py": GUARD + SQL + code})
    assert application.facts(ObjectAccess) == ()
    assert [u.parameters for u in application.facts(UnfollowedIds)] == [("note_id",)]


FLASK = """
from functools import wraps
from flask import Flask, abort, request, session
from flask_login import current_user, login_required
from flask_sqlalchemy import SQLAlchemy
app = Flask(__name__)
db = SQLAlchemy(app)

class Note(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.Integer)
"""


@pytest.mark.parametrize(
    ("decorator", "body", "tie"),
    [
        ("", "return Note.query.get_or_404(note_id)", Tie.NONE),
        ("", "return db.get_or_404(Note, note_id)", Tie.NONE),
        ("", "return current_user.notes.filter_by(id=note_id).first()", None),
        ("", "note = Note.query.get(note_id)\n    if note not in current_user.notes:\n        abort(404)\n"
             "    return note", Tie.COMPARED),
        ("", "note = Note.query.get(note_id)\n    if note.user_id != session['user_id']:\n        abort(404)\n"
             "    return note", Tie.COMPARED),
        ("@owner_required", "return Note.query.get(note_id)", Tie.CHECKED),
        ("@logged", "return Note.query.get(note_id)", Tie.NONE),
        ("@admin_required", "return Note.query.get(note_id)", Tie.ROLE),
    ],
)  # fmt: skip
def test_flask(build: Build, decorator: str, body: str, tie: Tie | None) -> None:
    code = f"""
def owner_required(view):
    @wraps(view)
    def wrapper(*args, **kwargs):
        if Note.query.get(kwargs["note_id"]).user_id != current_user.id:
            abort(403)
        return view(*args, **kwargs)
    return wrapper

def logged(view):
    @wraps(view)
    def wrapper(*args, **kwargs):
        print("called")
        return view(*args, **kwargs)
    return wrapper

def admin_required(view):
    @wraps(view)
    def wrapper(*args, **kwargs):
        if not current_user.is_admin:
            abort(403)
        return view(*args, **kwargs)
    return wrapper

@app.get("/notes/<int:note_id>")
@login_required
{decorator}
def one(note_id):
    {body}
"""
    found = build({"app.py": FLASK + code}).facts(ObjectAccess)
    assert {a.tie for a in found} == ({tie} if tie else set())


DJANGO = {
    "manage.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n',
    "shop/__init__.py": "",
    "shop/settings.py": 'ROOT_URLCONF = "shop.urls"\nINSTALLED_APPS = ["shop", "rest_framework"]\n',
    "shop/models.py": """
from django.conf import settings
from django.db import models

class Note(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
""",
    "shop/urls.py": """
from django.urls import path
from . import views
urlpatterns = [path("notes/<int:pk>/", views.one)]
""",
}


@pytest.mark.parametrize(
    ("view", "tie"),
    [
        ("class One(LoginRequiredMixin, DetailView):\n    model = Note\none = One.as_view()", Tie.NONE),
        ("class One(LoginRequiredMixin, DeleteView):\n    model = Note\n    def get_queryset(self):\n"
         "        return super().get_queryset().filter(user=self.request.user)\none = One.as_view()", Tie.CHECKED),
        ("class One(LoginRequiredMixin, DetailView):\n    model = Note\n    def dispatch(self, request, *a, **k):\n"
         "        if not request.user.is_authenticated:\n            return None\n"
         "        return super().dispatch(request, *a, **k)\none = One.as_view()", Tie.NONE),
        ("class One(PermissionRequiredMixin, UpdateView):\n    model = Note\none = One.as_view()", Tie.ROLE),
        ("@login_required\ndef one(request, pk):\n    note = Note.objects.get(pk=pk)\n"
         "    if note.user != request.user:\n        raise Http404\n    return render(request, 'x', {'n': note})",
         Tie.COMPARED),
        ("@login_required\ndef one(request, pk):\n    note = get_object_or_404(Note, pk=pk)\n"
         "    return render(request, 'x', {'n': note, 'user': request.user})", Tie.NONE),
        ("@login_required\ndef one(request, pk):\n"
         "    return render(request, 'x', {'n': get_object_or_404(request.user.note_set, pk=pk)})", None),
        ("@login_required\ndef one(request, pk):\n    note = get_object_or_404(Note.objects.filter(user=request.user), pk=pk)\n"
         "    return render(request, 'x', {'n': note})", Tie.QUERY),
        ("def allowed(user_id, permission):\n    return Grant.objects.filter(user=user_id, name=permission).exists()\nRIGHT = 'x'\n"
         "@login_required\ndef one(request, pk):\n    if allowed(request.user.id, RIGHT):\n"
         "        return render(request, 'x', {'n': Note.objects.get(pk=pk)})\n    else:\n        return render(request, 'no')",
         Tie.ROLE),
        ("def accept(request, by):\n    if request.user_id != by.pk:\n        raise PermissionError\n    request.delete()\n"
         "@login_required\ndef one(request, pk):\n    accept(get_object_or_404(Note, pk=pk), request.user)\n"
         "    return render(request, 'x')", Tie.COMPARED),
        ("def logged(user_id, action):\n    return True\nRIGHT = 'x'\n"
         "@login_required\ndef one(request, pk):\n    if logged(request.user.id, RIGHT):\n"
         "        return render(request, 'x', {'n': Note.objects.get(pk=pk)})\n    else:\n        return render(request, 'no')",
         Tie.NONE),
    ],
)  # fmt: skip
def test_django(build: Build, view: str, tie: Tie | None) -> None:
    views = f"""
from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin, PermissionRequiredMixin
from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.views.generic import DeleteView, DetailView, UpdateView
from .models import Note

{view}
"""
    urls = DJANGO["shop/urls.py"]
    if "as_view" in view:
        view_class = "views.One.as_view()"
        urls, views = (
            urls.replace("views.one", view_class),
            views.replace("one = One.as_view()", ""),
        )
    found = build({**DJANGO, "shop/views.py": views, "shop/urls.py": urls}).facts(ObjectAccess)
    assert {a.tie for a in found} == ({tie} if tie else set())


@pytest.mark.parametrize(
    ("among", "tie"),
    [("shelf_of(self.request).note_set.all()", {Tie.CHECKED}), ("Note.objects.all()", {Tie.NONE})],
)
def test_objects_of_what_a_permission_asks_about(build: Build, among: str, tie: set[Tie]) -> None:
    views = f"""
from rest_framework import permissions, viewsets
from .models import Note, Shelf

def shelf_of(request):
    return Shelf.objects.get(name=request.parser_context["kwargs"].get("shelf"))

class OfShelf(permissions.BasePermission):
    def has_permission(self, request, view):
        return request.user.is_authenticated and request.user in shelf_of(request).users.all()

class Notes(viewsets.ModelViewSet):
    queryset = Note.objects.all()
    permission_classes = [permissions.IsAuthenticated, OfShelf]
    def get_queryset(self):
        return {among}
"""
    urls = """
from django.urls import path
from . import views
urlpatterns = [path("<slug:shelf>/notes/<int:pk>/", views.Notes.as_view({"get": "retrieve"}))]
"""
    found = build({**DJANGO, "shop/views.py": views, "shop/urls.py": urls}).facts(ObjectAccess)
    assert {a.tie for a in found if a.kind == "Note"} == tie


@pytest.mark.parametrize(
    ("permission", "tie"),
    [("OwnOrAdmin", {Tie.CHECKED}), ("permissions.IsAuthenticated", {Tie.NONE})],
)
def test_permissions_that_a_method_chooses(build: Build, permission: str, tie: set[Tie]) -> None:
    views = f"""
from rest_framework import permissions, viewsets
from .models import Note

class OwnOrAdmin(permissions.BasePermission):
    def has_permission(self, request, view):
        return request.user.is_authenticated
    def has_object_permission(self, request, view, obj):
        return obj.user == request.user

class Notes(viewsets.ModelViewSet):
    queryset = Note.objects.all()
    def get_permissions(self):
        if self.action == "retrieve":
            return [{permission}()]
        return [permissions.IsAdminUser()]
"""
    urls = """
from django.urls import path
from . import views
urlpatterns = [path("notes/<int:pk>/", views.Notes.as_view({"get": "retrieve"}))]
"""
    found = build({**DJANGO, "shop/views.py": views, "shop/urls.py": urls}).facts(ObjectAccess)
    assert {a.tie for a in found} == tie
