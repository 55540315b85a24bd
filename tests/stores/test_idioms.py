"""What is proposed is written as the project writes its models, and serves once it stands there."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_MODELS = {
    "SQLAlchemy": (
        "from sqlalchemy import Index, String, select, text\n"
        "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n"
        "class Base(DeclarativeBase): pass\n"
        "class Note(Base):\n"
        "    __tablename__ = 'notes'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
        "    owner: Mapped[str] = mapped_column(String(9))\n"
        "    made: Mapped[int]\n"
        "    {}\n"
        "def notes(session, owner):\n"
        "    return session.scalars(select(Note).where(Note.owner == owner).order_by(Note.made.desc()).limit(9)).all()\n",
        'Note: __table_args__ = (Index("ix_notes_owner_made", "owner", text("made DESC")),)',
        '__table_args__ = (Index("ix_notes_owner_made", "owner", text("made DESC")),)',
    ),
    "SQLAlchemy Core": (
        "from sqlalchemy import Column, Index, Integer, MetaData, String, Table, select, text\n"
        "notes = Table('notes', MetaData(), Column('id', Integer, primary_key=True),\n"
        "    Column('owner', String(9)), Column('made', Integer),\n"
        "    {}\n"
        ")\n"
        "def of(connection, owner):\n"
        "    return connection.execute(select(notes).where(notes.c.owner == owner)).all()\n",
        'Index("ix_notes_owner", "owner")',
        'Index("ix_notes_owner", "owner")',
    ),
    "SQLModel": (
        "from sqlmodel import Field, SQLModel, select\n"
        "class Note(SQLModel, table=True):\n"
        "    id: int = Field(primary_key=True)\n"
        "    owner: str{}\n"
        "def of(session, owner):\n"
        "    return session.exec(select(Note).where(Note.owner == owner)).all()\n",
        "Note.owner: Field(index=True)",
        " = Field(index=True)",
    ),
    "Django": (
        "from django.db import models\n"
        "class Writer(models.Model):\n"
        "    name = models.CharField(max_length=9)\n"
        "class Note(models.Model):\n"
        "    writer = models.ForeignKey(Writer, models.CASCADE, db_index=False, db_column='by_id')\n"
        "    made = models.DateTimeField()\n"
        "    class Meta:\n"
        "        {}\n"
        "def of(writer):\n"
        "    return list(Note.objects.filter(writer=writer).order_by('-made')[:9])\n",
        'Note.Meta: indexes = [models.Index(fields=["writer", "-made"])]',
        'indexes = [models.Index(fields=["writer", "-made"])]',
    ),
    "Tortoise": (
        "from tortoise import fields\n"
        "from tortoise.models import Model\n"
        "class Note(Model):\n"
        "    id = fields.IntField(pk=True)\n"
        "    owner = fields.CharField(9, source_field='by')\n"
        "    made = fields.DatetimeField()\n"
        "    class Meta:\n"
        "        {}\n"
        "async def of(owner):\n"
        "    return await Note.filter(owner=owner).order_by('-made').limit(9)\n",
        'Note.Meta: indexes = [("owner", "made")]',
        'indexes = [("owner", "made")]',
    ),
    "Peewee": (
        "from peewee import CharField, IntegerField, Model\n"
        "class Note(Model):\n"
        "    owner = CharField()\n"
        "    made = IntegerField()\n"
        "    class Meta:\n"
        "        {}\n"
        "def of(owner):\n"
        "    return list(Note.select().where(Note.owner == owner).order_by(Note.made.desc()).limit(9))\n",
        'Note.Meta: indexes = ((("owner", "made"), False),)',
        'indexes = ((("owner", "made"), False),)',
    ),
}  # fmt: skip


@pytest.mark.parametrize("library", _MODELS)
def test_what_is_proposed_serves_once_it_stands_there(library: str, build: Build) -> None:
    source, code, declaration = _MODELS[library]
    empty = "pass" if "    class Meta:\n        {}" in source else ""
    (before,) = _fits(build, source.replace("{}", empty))
    assert [p.code for p in before.proposed] == [code]
    assert {m.fit for _, m in before.fits} == {Fit.MISSING}
    (after,) = _fits(build, source.replace("{}", declaration))
    assert {m.fit for _, m in after.fits} == {Fit.COVERED}


def _fits(build: Build, source: str) -> list[CollectionFit]:
    found = build({"app.py": source}).facts(CollectionFit)
    return [fit for fit in found if fit.fits]


def test_a_direction_that_peewee_needs_is_written(build: Build) -> None:
    source = _MODELS["Peewee"][0].replace("{}", "pass")
    mixed = source.replace("Note.made.desc()", "Note.owner, Note.made.desc()").replace(
        ".where(Note.owner == owner)", ""
    )
    (fit,) = _fits(build, mixed)
    assert [p.code for p in fit.proposed] == [
        "Note.add_index(Note.index(Note.owner, Note.made.desc()))"
    ]
