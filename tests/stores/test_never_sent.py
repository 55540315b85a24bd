"""Querysets and cursors that are put together and that nothing goes through: a statement by themselves, a name that nothing reads."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build

_DJANGO = """
from django.db import models
class Note(models.Model):
    title = models.CharField(max_length=50)
    state = models.CharField(max_length=50)
def ask(request, given):
    {body}
"""
_SQLALCHEMY = """
from sqlalchemy import String, select
from sqlalchemy.orm import DeclarativeBase, mapped_column
class Base(DeclarativeBase):
    pass
class Note(Base):
    __tablename__ = "notes"
    id = mapped_column(primary_key=True)
    title = mapped_column(String(50))
def ask(session, given):
    {body}
"""
_PEEWEE = """
import peewee
class Note(peewee.Model):
    title = peewee.CharField()
def ask(given):
    {body}
"""
_PYMONGO = """
from pymongo import MongoClient
notes = MongoClient()["app"].notes
def ask(given):
    {body}
"""
_MONGOENGINE = """
from mongoengine import Document, StringField
class Note(Document):
    title = StringField()
    state = StringField()
def ask(given):
    {body}
"""
_BEANIE = """
from beanie import Document
class Note(Document):
    title: str
async def ask(given):
    {body}
"""


def _asked(program: str, body: str, build: Build) -> list[tuple[str, ...]]:
    text = program.format(body=body.replace("\n", "\n    "))
    return [q.equality for c in build({"app.py": text}).facts(CollectionFit) for q, _ in c.fits]


@pytest.mark.parametrize(
    ("program", "body"),
    [
        (_DJANGO, "Note.objects.filter(title=given)"),
        (_DJANGO, "Note.objects.filter(title=given).order_by('state').distinct()"),
        (_DJANGO, "if given:\n    Note.objects.exclude(state='old').filter(title=given)"),
        (_DJANGO, "found = Note.objects.filter(title=given)"),
        (_SQLALCHEMY, "select(Note).where(Note.title == given)"),
        (_SQLALCHEMY, "session.query(Note).filter(Note.title == given)"),
        (_PEEWEE, "Note.select().where(Note.title == given)"),
        (_PEEWEE, "Note.delete().where(Note.title == given)"),
        (_PEEWEE, "Note.update(title='').where(Note.title == given)"),
        (_PYMONGO, "notes.find({'title': given})"),
        (_PYMONGO, "if given:\n    notes.find({'title': given}).sort('state').limit(2)"),
        (_MONGOENGINE, "Note.objects(title=given)"),
        (_MONGOENGINE, "Note.objects.filter(title=given)"),
        (_MONGOENGINE, "Note.objects(title=given).filter(state='x').order_by('state')"),
        (_BEANIE, "Note.find(Note.title == given).sort('title')"),
        (_BEANIE, "Note.find_one(Note.title == given)"),
        (_BEANIE, "if given:\n    Note.find(Note.title == given).delete()"),
        (_BEANIE, "return await Note.find(Note.title == given)"),
    ],
)
def test_what_nothing_goes_through_is_not_asked(program: str, body: str, build: Build) -> None:
    assert _asked(program, body, build) == []


@pytest.mark.parametrize(
    ("program", "body"),
    [
        (_DJANGO, "Note.objects.filter(title=given).delete()"),
        (_DJANGO, "Note.objects.filter(title=given).update(state='new')"),
        (_DJANGO, "Note.objects.filter(title=given)[0]"),
        (_DJANGO, "list(Note.objects.filter(title=given))"),
        (_DJANGO, "found = Note.objects.filter(title=given)\nfound.filter(state='x')\nlist(found)"),
        (_DJANGO, "[n.title for n in Note.objects.filter(title=given)]"),
        (_SQLALCHEMY, "session.query(Note).filter(Note.title == given).all()"),
        (_SQLALCHEMY, "session.execute(select(Note).where(Note.title == given))"),
        (_SQLALCHEMY, "session.query(Note).filter(Note.title == given).delete()"),
        (_PEEWEE, "Note.delete().where(Note.title == given).execute()"),
        (_PEEWEE, "list(Note.select().where(Note.title == given))"),
        (_PYMONGO, "notes.find_one({'title': given})"),
        (_PYMONGO, "notes.aggregate([{'$match': {'title': given}}])"),
        (_PYMONGO, "notes.find({'title': given}).next()"),
        (_PYMONGO, "notes.find({'title': given})[0]"),
        (_MONGOENGINE, "Note.objects(title=given).first()"),
        (_MONGOENGINE, "Note.objects(title=given).update(state='x')"),
        (_MONGOENGINE, "Note.objects(title=given).aggregate([])"),
        (_BEANIE, "await Note.find(Note.title == given).to_list()"),
        (_BEANIE, "(await Note.find(Note.title == given).to_list()).sort()"),
        (_BEANIE, "print(await Note.find_one(Note.title == given))"),
        (_BEANIE, "print(await Note.find(Note.title == given).delete())"),
        (_BEANIE, "found = Note.find(Note.title == given)\nawait found.delete()"),
        (_BEANIE.replace("beanie", "bunnet"), "Note.find(Note.title == given).delete()"),
    ],
)
def test_what_is_gone_through_is_asked(program: str, body: str, build: Build) -> None:
    assert _asked(program, body, build) == [("title",)]
