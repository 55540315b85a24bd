"""Peewee's models and conditions. What it sends was read from Peewee 4.5 itself (`query.sql()`)."""

from __future__ import annotations

import pytest

from auditor.model.data import Index, Query
from tests.conftest import Build
from tests.stores.test_sql_shapes import PEEWEE, SQLALCHEMY, of

MODELS = """
from peewee import BooleanField, CharField, DateTimeField, ForeignKeyField, IntegerField, Model, SqliteDatabase
db = SqliteDatabase("x.db")
class Base(Model):
    class Meta:
        database = db
class Term(Base):
    name = CharField()
    year = CharField()
class Event(Base):
    name = CharField()
    term = ForeignKeyField(Term)
    program = IntegerField(index=True)
    ends = DateTimeField(null=True)
    open = BooleanField(default=False)
class Seat(Base):
    event = ForeignKeyField(Event)
"""
Shape = tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]


def shapes(build: Build, line: str, models: str = MODELS) -> set[Shape]:
    code = f"{models}def ask(a, p):\n    return list({line})\n"
    found = build({"app.py": code}).facts(Query)
    assert not any(q.unresolved for q in found)
    return {(q.collection, q.equality, q.range, q.scanned) for q in found}


_NEVER = "no record meets its conditions, whatever there is"
CONDITIONS = {
    "the other table's column": (
        "Event.select().join(Term).where(Event.term.year == a)",
        {("term", ("year",), (), ()), ("event", ("term_id",), (), ())},
    ),
    "over two keys": (
        "Seat.select().join(Event).join(Term).where(Seat.event.term.year == a)",
        {("term", ("year",), (), ()), ("event", ("term_id",), (), ()), ("seat", ("event_id",), (), ())},
    ),
    "the other table's key to a third": (
        "Seat.select().join(Event).where(Seat.event.term == a)",
        {("event", ("term_id",), (), ()), ("seat", ("event_id",), (), ())},
    ),
    "the key itself": ("Event.select().where(Event.term == a)", {("event", ("term_id",), (), ())}),
    "a part of a date": ("Event.select().where(Event.ends.year == a)", {("event", (), (), ("ends",))}),
    "an alternative that never holds": (
        "Event.select().where((Event.ends > a) | (Event.ends is None))",
        {("event", (), ("ends",), ())},
    ),
    "always": (
        "Event.select().where((Event.program == a) & (Event.ends is not None))",
        {("event", ("program",), (), ())},
    ),
    "in, of Python": (
        "Event.select().where((Event.program == a) & (Event.name in [a, p]))",
        {("event", ("program",), (), ())},
    ),
    "in, of SQL": ("Event.select().where(Event.name << [a, p])", {("event", ("name",), (), ())}),
    "null": ("Event.select().where(Event.ends.is_null())", {("event", ("ends",), (), ())}),
    "itself in some runs": (
        "Event.select().where(Event.ends > a, Event.program == (p if p else Event.program))",
        {("event", ("program",), ("ends",), ()), ("event", (), ("ends",), ())},
    ),
    "one of two values": (
        "Event.select().where(Event.program == (p if p else 3))",
        {("event", ("program",), (), ())},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CONDITIONS)
def test_what_is_compared(case: str, build: Build) -> None:
    line, expected = CONDITIONS[case]
    assert shapes(build, line) == expected


def test_what_never_holds_finds_nothing(build: Build) -> None:
    for never in ("Event.ends is None", "False"):
        code = (
            f"{MODELS}def ask(a):\n    return list(Event.select().where({never}, Event.ends > a))\n"
        )
        (found,) = build({"app.py": code}).facts(Query)
        assert (found.range, found.unresolved) == ((), _NEVER)


def test_what_a_key_has_itself_is_no_column(build: Build) -> None:
    """`Event.term.name` is the text "term": that nothing was told is said."""
    code = f"{MODELS}def ask(a):\n    return list(Event.select().where(Event.term.name == a))\n"
    (found,) = build({"app.py": code}).facts(Query)
    assert found.unresolved
    assert not found.equality


@pytest.mark.parametrize(
    ("condition", "asked", "reason"),
    [
        ("Post.views == 1", ("views",), ""),
        ("or_(Post.views == 1, Post.author_id is None)", ("views",), ""),
        ("(Post.views == 1) & (Post.author_id not in [1])", ("views",), ""),
        ("Post.views in [1]", (), _NEVER),
        ("False", (), _NEVER),
        ("Post.views == 1, sa.false()", (), _NEVER),
        ("and_(literal(False), Post.views == 1)", (), _NEVER),
        ("or_(false(), Post.views == 1)", ("views",), ""),
        ("true() & (Post.views == 1)", ("views",), ""),
        ("literal(True), Post.views == 1", ("views",), ""),
        ("Post.views == literal(1)", ("views",), ""),
        ("Post.views == 1 and Post.author_id == 2", ("views",), ""),
        ("Post.views == 1 or Post.author_id == 2", ("author_id",), ""),
        ("Post.views == 1 and (Post.author_id == 2 or Post.author_id == 3)", ("views",), ""),
        ("Post.views == 1 and Post.author_id != 2", ("views",), ""),
        ("Post.views == 1 or and_(Post.author_id == 2)", ("author_id",), ""),
    ],
)
def test_python_compares_columns_of_sqlalchemy_too(
    condition: str, asked: tuple[str, ...], reason: str, build: Build
) -> None:
    head = f"{SQLALCHEMY}import sqlalchemy as sa\nfrom sqlalchemy import and_, false, literal, or_, select, true\n"
    code = f"{head}def ask(session):\n    return session.execute(select(Post).where({condition})).all()\n"
    (found,) = build({"app.py": code}).facts(Query)
    assert (found.equality, found.unresolved) == (asked, reason)


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("(given.kind >> None) | (Event.name == 'a')", False),
        ("(Event.name == 'a') | (given.kind >> None)", False),
        ("(given.kind >> None) & (Event.name == 'a')", True),
    ],
)
def test_an_alternative_that_is_not_told_is_not_left_out(
    condition: str, told: bool, build: Build
) -> None:
    code = f"{MODELS}def ask(given):\n    return list(Event.select().where({condition}))\n"
    found = build({"app.py": code}).facts(Query)
    assert any(q.unresolved for q in found) is not told


@pytest.mark.parametrize(
    ("params", "given", "told"),
    [
        ("id", "Event.get(id)", True),
        ("event_id", "Event.get_or_none(event_id)", True),
        ("number: int", "Event.get(number)", True),
        ("number", "Event.get(int(number))", True),
        ("", "Event.get(1)", True),
        ("request", 'Event.get(request["id"])', False),
        ("given", "Event.get(given)", False),  # it may be a condition
        ("given: str", "Event.get(given)", False),
        ("id, given", "Event.get(id, given)", False),
    ],
)
def test_a_number_alone_is_the_primary_key(
    params: str, given: str, told: bool, build: Build
) -> None:
    (found,) = build({"app.py": f"{MODELS}def ask({params}):\n    return {given}\n"}).facts(Query)
    assert (found.equality == ("id",)) is told
    assert bool(found.unresolved) is not told


def test_a_number_is_no_primary_key_that_does_not_count_up(build: Build) -> None:
    models = f"{MODELS}class Note(Base):\n    code = CharField(primary_key=True)\n"
    (found,) = build({"app.py": f"{models}def ask(id):\n    return Note.get(id)\n"}).facts(Query)
    assert found.unresolved


def test_a_number_that_a_base_gets_is_the_primary_key(build: Build) -> None:
    base = MODELS.replace(
        "class Term(Base)",
        "    @classmethod\n    def one(cls, id):\n        return cls.get(id)\nclass Term(Base)",
    )
    found = build({"app.py": f"{base}def ask(id):\n    return Event.one(id)\n"}).facts(Query)
    assert {(q.equality, q.unresolved) for q in found if q.collection == "event"} == {(("id",), "")}


BEFORE = """class Solve(Base):
    class Meta:
        primary_key = {}
    team = {}
    event = {}
"""
KEY, PLAIN = "ForeignKeyField(Event)", "IntegerField()"


@pytest.mark.parametrize(
    ("primary", "column", "name", "fields"),
    [
        ('CompositeKey("team", "event")', KEY, "_id", {("team_id", "event_id"), ("team_id",), ("event_id",)}),
        ('CompositeKey("event", "team")', KEY, "_id", {("event_id", "team_id"), ("team_id",), ("event_id",)}),
        ('CompositeKey("event", "team")', PLAIN, "", {("event", "team")}),
        ("False", PLAIN, "", set()),
    ],
)  # fmt: skip
def test_a_key_over_several_columns_is_an_index(
    primary: str, column: str, name: str, fields: set[tuple[str, ...]], build: Build
) -> None:
    code = MODELS + "from peewee import CompositeKey\n" + BEFORE.format(primary, column, column)
    found = [i for i in build({"app.py": code}).facts(Index) if i.collection == "solve"]
    assert {tuple(column for column, _ in i.fields) for i in found} == fields


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("post.update(views=3).execute()", True),  # it changes all posts, as `Post.update` does
        ("await post.update(views=3)", True),
        ("post.update(views=3)", False),
        ("{'views': 1}.update(views=3)", False),
        ("session.update(views=3).execute()", False),
    ],
)
def test_an_update_that_is_asked_of_an_object(line: str, told: bool, build: Build) -> None:
    code = f"{PEEWEE}async def change(key):\n    post = Post.get_by_id(key)\n    {line}\n"
    found = [q for q in of(build({"app.py": code}), "post") if q.operation == "update"]
    assert [(q.equality, q.unresolved) for q in found] == ([((), "")] if told else [])


@pytest.mark.parametrize(
    ("line", "version", "told"),
    [
        ("post.update(views=3).where(Post.views == key).execute()", "3.8.2", [("update", ("views",), False)]),
        ("post.update(views=3).where(Post.views == key).execute()", "4.5.3", [("update", ("views",), False)]),
        ("post.delete().where(Post.views == key).execute()", "3.8.2", [("delete", ("views",), False)]),
        ("post.delete().where(Post.views == key).execute()", "4.5.3", [("delete", (), True)]),  # a TypeError
        ("post.delete_all().where(Post.views == key).execute()", "3.8.2", []),
        ("post.update(views=3)", "3.8.2", []),
        ("session.update(views=3).where(Post.views == key).execute()", "3.8.2", []),
    ],
)  # fmt: skip
def test_what_is_asked_of_an_object_is_asked_of_its_class(
    line: str, version: str, told: list[tuple[str, tuple[str, ...], bool]], build: Build
) -> None:
    code = f"{PEEWEE}def change(key):\n    post = Post.get_by_id(key)\n    {line}\n"
    files = {"app.py": code, "requirements.txt": f"peewee=={version}\n"}
    found = [q for q in of(build(files), "post") if q.operation in ("update", "delete")]
    assert [(q.operation, q.equality, bool(q.unresolved)) for q in found] == told


def test_a_method_that_a_model_has_itself_is_not_one_of_its_class(build: Build) -> None:
    code = (
        f"{PEEWEE}class Note(Post):\n    def update(self, **given):\n        return Elsewhere(given)\n"
        "def change(key):\n    note = Note.get_by_id(key)\n"
        "    note.update(views=3).where(Note.views == key).execute()\n"
    )
    assert not [q for q in build({"app.py": code}).facts(Query) if q.operation == "update"]


_OWN = """
import peewee
class Place(peewee.Model):
    name = peewee.CharField()
    parent = peewee.ForeignKeyField("self", null=True)
class Thing(peewee.Model):
    place = peewee.ForeignKeyField(Place)
    def tell(self, given):
        %s
"""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return self.place.name", [("place", "lazy", ("id",))]),
        ("node = self.place\n        while node:\n            node = node.parent", [("place", "lazy", ("id",))]),
        ("return self.place_id", []),
        ("self.place = given", []),
        ("return given.place", []),
    ],
)  # fmt: skip
def test_a_method_of_a_model_reads_what_its_own_foreign_key_leads_to(
    build: Build, body: str, told: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    found = build({"app.py": _OWN % body}).facts(Query)
    assert [(q.collection, q.operation, q.equality) for q in found] == told


@pytest.mark.parametrize(
    ("imported", "asked", "reasons"),
    [
        ("from somelib.models.user import User", "User.get(id=1)", ["somelib.models.user.User is not in this tree"]),
        ("from models.gone import User", "User.all()", ["models.gone.User is not in this tree"]),
        ("from somelib.client import User", "User.get(id=1)", []),
        ("from models.gone import users", "users.get(1)", []),
    ],
)  # fmt: skip
def test_a_model_that_the_tree_does_not_have_is_unknown(
    build: Build, imported: str, asked: str, reasons: list[str]
) -> None:
    code = f"import peewee\n{imported}\ndef run():\n    return {asked}\n"
    assert [q.unresolved for q in build({"app.py": code}).facts(Query)] == reasons


@pytest.mark.parametrize("value", ["row", "row.name", "kept"])
def test_a_row_that_others_are_compared_with_is_asked_for_once(value: str, build: Build) -> None:
    code = (
        f"{MODELS}def term_of(a):\n    return Term.select().where(Term.year == a).order_by(Term.name).first().name\n"
        "def rows(value):\n    return list(Event.select().where(Event.name == value))\n"
        "def ask(a):\n    row = Term.select().where(Term.year == a).order_by(Term.name).get()\n"
        f"    kept = term_of(a)\n    return rows({value})\n"
    )
    found = build({"app.py": code}).facts(Query)
    asked = [(q.equality, [name for name, _ in q.sort]) for q in found if q.collection == "term"]
    assert asked == [(("year",), ["name"])] * 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Event[a].name", {("event", ("id",), (), ())}),
        ("[Event[key].name for key in a]", {("event", ("id",), (), ())}),
        ("(Event[a:p], list[Event])", set()),
    ],
)
def test_a_class_gives_the_object_of_a_key(build: Build, line: str, told: set[Shape]) -> None:
    assert shapes(build, line) == told
