"""Relations that serializers, schemas and response models read for each record they write out."""

from __future__ import annotations

import pytest

from auditor.model.data import Query
from auditor.model.traffic import Traffic
from tests.conftest import Build

_MODELS = """
from django.db import models
class Writer(models.Model):
    name = models.CharField(max_length=9)
class Note(models.Model):
    writer = models.ForeignKey(Writer, models.CASCADE)
class Tag(models.Model):
    note = models.ForeignKey(Note, models.CASCADE, related_name="tags")
"""
_SERIALIZERS = """
from rest_framework import serializers
from notes.models import Note, Tag, Writer
class TagSerializer(serializers.ModelSerializer):
    class Meta:
        model = Tag
        fields = ["id"]
class WriterSerializer(serializers.ModelSerializer):
    class Meta:
        model = Writer
        fields = ["name"]
class NoteSerializer(serializers.ModelSerializer):
    writer = WriterSerializer()
    tags = TagSerializer(many=True)
    name = serializers.SerializerMethodField()
    class Meta:
        model = Note
        fields = ["writer", "tags", "name"]
    def get_name(self, note):
        return note.writer.name
class ShortSerializer(serializers.ModelSerializer):
    class Meta:
        model = Note
        fields = ["id", "writer"]
"""
_VIEWS = """
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView
from notes.models import Note
from notes.serializers import NoteSerializer, ShortSerializer
class Notes(generics.ListAPIView):
    queryset = Note.objects.all()
    serializer_class = NoteSerializer
class Loaded(generics.ListAPIView):
    queryset = Note.objects.select_related("writer").prefetch_related("tags")
    serializer_class = NoteSerializer
class Short(generics.ListAPIView):
    queryset = Note.objects.all()
    serializer_class = ShortSerializer
class ByHand(APIView):
    def get(self, request):
        return Response(NoteSerializer(Note.objects.filter(writer=1), many=True).data)
"""
_URLS = """
from django.urls import path
from notes import views
urlpatterns = [path("x/", views.{}.as_view())]
"""


def _lazy(build: Build, view: str) -> list[tuple[str, int, tuple[str, ...]]]:
    imports, *classes = _VIEWS.split("\nclass ")
    chosen = next(c for c in classes if c.startswith(f"{view}("))
    application = build(
        {
            "notes/models.py": _MODELS,
            "notes/serializers.py": _SERIALIZERS,
            "notes/views.py": f"{imports}\nclass {chosen}",
            "notes/urls.py": _URLS.format(view),
            "settings.py": "ROOT_URLCONF = 'notes.urls'\nINSTALLED_APPS = ['notes']\n",
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
        }
    )
    (traffic,) = application.facts(Traffic)
    return sorted(
        (q.collection, q.place.line, tuple(r.path for r in traffic.of(q)))
        for q in application.facts(Query)
        if q.operation == "lazy" and q.loop is not None
    )


def test_what_a_list_view_writes_is_asked_for_each_record(build: Build) -> None:
    assert _lazy(build, "Notes") == [
        ("notes_tag", 14, ("/x/",)),
        ("notes_writer", 13, ("/x/",)),
        ("notes_writer", 20, ("/x/",)),
    ]


def test_what_was_loaded_with_the_list_is_not(build: Build) -> None:
    assert _lazy(build, "Loaded") == []


def test_a_key_needs_no_query(build: Build) -> None:
    assert _lazy(build, "Short") == []


def test_a_serializer_that_is_called(build: Build) -> None:
    assert [(name, line) for name, line, _ in _lazy(build, "ByHand")] == [
        ("notes_tag", 14),
        ("notes_writer", 13),
        ("notes_writer", 20),
    ]


_FASTAPI = """
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload
class Base(DeclarativeBase): pass
class Writer(Base):
    __tablename__ = "writers"
    id: Mapped[int] = mapped_column(primary_key=True)
    notes: Mapped[list["Note"]] = relationship(back_populates="writer")
class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    writer_id: Mapped[int] = mapped_column(ForeignKey("writers.id"))
    writer: Mapped[Writer] = relationship(back_populates="notes")
class NoteOut(BaseModel):
    id: int
class WriterOut(BaseModel):
    id: int
    notes: list[NoteOut]
class Brief(BaseModel):
    id: int
class WriterBaseSchema(BaseModel):
    notes: list[NoteOut]
class WriterSchema(WriterBaseSchema):
    id: int
app = FastAPI()
@app.get("/writers", response_model=list[{model}])
def writers(session: Session):
    return session.scalars(select(Writer){options}).all()
"""


def _of_response(build: Build, model: str, options: str = "") -> list[str]:
    source = _FASTAPI.replace("{model}", model).replace("{options}", options)
    asked = build({"app.py": source}).facts(Query)
    return [q.collection for q in asked if q.operation == "lazy" and q.loop is not None]


def test_response_models(build: Build) -> None:
    assert _of_response(build, "WriterOut") == ["notes"]
    assert _of_response(build, "WriterOut", ".options(selectinload(Writer.notes))") == []
    assert _of_response(build, "Brief") == []
    assert _of_response(build, "WriterSchema") == ["notes"]


_MARSHMALLOW = """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from marshmallow import Schema, fields
app = Flask(__name__)
db = SQLAlchemy(app)
class Writer(db.Model):
    id = db.Column(db.Integer, primary_key=True)
class Note(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    writer_id = db.Column(db.ForeignKey("writer.id"))
    writer = db.relationship("Writer")
class WriterSchema(Schema):
    id = fields.Int()
class NoteSchema(Schema):
    id = fields.Int()
    writer = fields.Nested(WriterSchema)
notes_schema = NoteSchema(many=True)
@app.get("/notes")
def notes():
    return notes_schema.dump(Note.query.all())
"""


def test_schemas_of_marshmallow(build: Build) -> None:
    asked = build({"app.py": _MARSHMALLOW}).facts(Query)
    assert [q.collection for q in asked if q.operation == "lazy" and q.loop] == ["writer"]


@pytest.mark.parametrize(
    ("changes", "loaded"),
    [
        ({}, True),
        ({"given": "many=True, exclude=['writer']"}, False),
        ({"given": "many=True, exclude=LEFT"}, False),
        ({"given": "many=True, only=('id',)"}, False),
        ({"given": "many=True, only=('id', 'writer')"}, True),
        ({"given": "many=True, only=('writer.id',)"}, True),
        ({"given": "many=True, only=told()"}, True),
        ({"given": "many=True, exclude=told()"}, True),
        ({"given": "many=True, exclude=['writer.id']"}, True),
        ({"meta": "class Meta:\n        exclude = ('writer',)"}, False),
        ({"meta": "class Meta:\n        fields = ('id',)"}, False),
        ({"meta": "class Meta:\n        fields = ('id', 'writer')"}, True),
    ],
)
def test_what_a_schema_leaves_is_not_loaded(
    changes: dict[str, str], loaded: bool, build: Build
) -> None:
    told = {"given": "many=True", "meta": "pass", **changes}
    code = _MARSHMALLOW.replace("many=True", told["given"])
    code = code.replace(
        "class NoteSchema(Schema):", f"class NoteSchema(Schema):\n    {told['meta']}"
    )
    code = code.replace("db = SQL", "LEFT = ['writer']\ndb = SQL")
    asked = build({"app.py": code}).facts(Query)
    assert ([q.collection for q in asked if q.operation == "lazy"] == ["writer"]) is loaded
    direct = code.replace("return notes_schema.dump", f"return NoteSchema({told['given']}).dump")
    asked = build({"app.py": direct}).facts(Query)
    assert ([q.collection for q in asked if q.operation == "lazy"] == ["writer"]) is loaded


def test_what_a_function_writes_out_by_a_schema_that_it_is_handed(build: Build) -> None:
    code = _MARSHMALLOW.replace("many=True", "many=True, exclude=['writer']")
    code += "def one(id):\n    return results(NoteSchema, found(id))\n"
    asked = build({"app.py": code}).facts(Query)
    assert [q.collection for q in asked if q.operation == "lazy"] == ["writer"]


@pytest.mark.parametrize(
    ("field", "given", "loaded"),
    [
        ("Nested(NoteSchema)", "", True),
        ("Nested(lambda: NoteSchema(exclude=['writer']))", "", False),
        ("Nested(NoteSchema(only=['id']))", "", False),
        ("Nested(NoteSchema, exclude=('writer',))", "", False),
        ("Nested('NoteSchema', only=('id',))", "", False),
        ("List(fields.Nested(NoteSchema(exclude=['writer'])))", "", False),
        ("Nested(NoteSchema)", "exclude=['note.writer']", False),
        ("Nested(NoteSchema)", "only=['note.id']", False),
        ("Nested(NoteSchema)", "only=['note']", True),
        ("Nested(NoteSchema)", "only=['note.writer.id']", True),
        ("Nested(NoteSchema(exclude=['id']))", "", True),
    ],
)
def test_what_a_nested_schema_leaves(field: str, given: str, loaded: bool, build: Build) -> None:
    code = _MARSHMALLOW + (
        "class Tag(db.Model):\n    id = db.Column(db.Integer, primary_key=True)\n"
        "    note_id = db.Column(db.ForeignKey('note.id'))\n    note = db.relationship('Note')\n"
        f"class TagSchema(Schema):\n    note = fields.{field}\n"
        f"@app.get('/tags')\ndef tags():\n    return TagSchema(many=True, {given}).dump(Tag.query.all())\n"
    )
    asked = [q for q in build({"app.py": code}).facts(Query) if q.operation == "lazy"]
    line = code[: code.index("writer = fields")].count("\n") + 1
    assert (line in {q.place.line for q in asked if q.loop and q.loop.symbol == "tags"}) is loaded


def test_a_repeated_query_is_that_of_the_routes_that_run_the_loop(build: Build) -> None:
    views = _VIEWS.split("\nclass ")[0] + (
        "\nclass One(APIView):\n    def get(self, request, pk):\n"
        "        return Response(NoteSerializer(Note.objects.select_related('writer').get(pk=pk)).data)\n"
        "class Many(APIView):\n    def get(self, request):\n"
        "        return Response(NoteSerializer(Note.objects.all(), many=True).data)\n"
    )
    urls = (
        "from django.urls import path\nfrom notes import views\n"
        "urlpatterns = [path('one/<pk>/', views.One.as_view()), path('many/', views.Many.as_view())]\n"
    )
    application = build(
        {
            "notes/models.py": _MODELS,
            "notes/serializers.py": _SERIALIZERS,
            "notes/views.py": views,
            "notes/urls.py": urls,
            "settings.py": "ROOT_URLCONF = 'notes.urls'\nINSTALLED_APPS = ['notes']\n",
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
        }
    )
    (traffic,) = application.facts(Traffic)
    lazy = [q for q in application.facts(Query) if q.operation == "lazy" and q.loop is not None]
    assert lazy
    for query in lazy:
        assert query.loop is not None
        assert {r.path for r in traffic.at(query.loop)} == {"/many/"}


@pytest.mark.parametrize(
    ("loaded", "given", "asked"),
    [
        ("Note.objects.get(id=pk)", "note.tags, many=True", True),
        ("Note.objects.get(id=pk)", "note.tags.all(), many=True", True),
        ("Note.objects.get(id=pk)", "note.tags", False),  # of which nothing is gone through
        ("Note.objects.prefetch_related('tags').get(id=pk)", "note.tags, many=True", False),
    ],
)
def test_a_manager_that_many_are_written_of_is_asked_for_all(
    loaded: str, given: str, asked: bool, build: Build
) -> None:
    view = (
        "from rest_framework.response import Response\nfrom rest_framework.views import APIView\n"
        "from notes.models import Note\nfrom notes.serializers import TagSerializer\n"
        f"class Tags(APIView):\n    def get(self, request, pk):\n        note = {loaded}\n"
        f"        return Response(TagSerializer({given}).data)\n"
    )
    files = {
        "notes/models.py": _MODELS,
        "notes/serializers.py": _SERIALIZERS,
        "notes/views.py": view,
        "notes/urls.py": _URLS.format("Tags"),
    }
    by_key = [q for q in build(files).facts(Query) if q.equality == ("note_id",)]
    assert any(q.place.line == 8 for q in by_key) is asked
