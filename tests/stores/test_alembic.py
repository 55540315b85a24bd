"""Indexes as revisions of Alembic make them: in loops, by helpers, in statements."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit, Index
from auditor.stores.sql import migrations
from tests.conftest import Build

REVISION = """
from alembic import op
import sqlalchemy as sa
from app.helpers import index_unless_there
revision = "1"
down_revision = None
PLANNED = [("ix_a", "posts", ["a"]), ("ix_b", "posts", ["b", "c"])]
SQL = "CREATE INDEX IF NOT EXISTS ix_{} ON posts ({})"

def _made(name, table, columns, **options):
    if name not in existing(table):
        op.create_index(name, table, columns, **options)

def _stamps():
    return (sa.Column("a", sa.Text, index=True), sa.Column("b", sa.Text))

def upgrade():
    op.create_table("posts", sa.Column("id", sa.Integer, primary_key=True), sa.Column("a", sa.Text),
                    sa.Column("b", sa.Text), sa.Column("c", sa.Text), sa.Column("d", sa.Text, index=True), sa.Column("name", sa.Text))
{steps}

def downgrade():
    op.drop_table("posts")
"""
HELPERS = """
from alembic import op

def index_unless_there(table, column, unique=False):
    inspector = sa.inspect(op.get_bind())
    if column not in [i["name"] for i in inspector.get_indexes(table)]:
        op.create_index(f"ix_{table}_{column}", table, [column], unique=unique)
"""
A, B, BC = (("a", 1),), (("b", 1),), (("b", 1), ("c", 1))
CASES: dict[str, tuple[str, set[tuple[tuple[str, int], ...]]]] = {
    "a column": ("pass", set()),
    "a loop": ("for name, table, columns in PLANNED:\n    op.create_index(name, table, columns)", {A, BC}),
    "a loop over a dict": ("for name, columns in {'ix_a': ['a'], 'ix_b': ['b', 'c']}.items():\n    op.create_index(name, 'posts', columns)", {A, BC}),
    "a loop over names": ("for name in ('a', 'b'):\n    op.create_index(op.f(f'ix_{name}'), 'posts', [name])", {A, B}),
    "a helper": ("_made('ix_a', 'posts', ['a'])\n_made('ix_b', table='posts', columns=['b', 'c'])", {A, BC}),
    "a helper elsewhere": ("index_unless_there('posts', 'a')\nindex_unless_there('posts', 'b', unique=True)", {A, B}),
    "a helper in a loop": ("for entry in PLANNED:\n    _made(entry[0], entry[1], entry[2])", {A, BC}),
    "columns that a function gives": ("op.create_table('logs', *_stamps())", {A}),
    "a batch": ("with op.batch_alter_table('posts') as batch_op:\n    for name in ['a']:\n        batch_op.create_index('ix_' + name, [name])", {A}),
    "statements": ("for name in ['a', 'b']:\n    op.execute(f'CREATE INDEX IF NOT EXISTS ix_{name} ON posts ({name})')", {A, B}),
    "statements, formatted": ("connection = op.get_bind()\nfor name in ['a']:\n    connection.execute(sa.text(SQL.format(name, name)))", {A}),
    "an index in place of another": ("op.create_index('old', 'posts', ['a'])\nop.create_index('new', 'posts', ['a'])\nop.drop_index('old')", {A}),
    "a statement in a variable": ("statements = ['CREATE INDEX ix_a ON posts (a)', 'CREATE INDEX ix_b ON posts (b)']\nfor one in statements:\n    op.execute(one)", {A, B}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_indexes(case: str, build: Build) -> None:
    steps, expected = CASES[case]
    lines = "\n".join(f"    {line}" for line in steps.splitlines())
    application = build(
        {"versions/1.py": REVISION.replace("{steps}", lines), "app/helpers.py": HELPERS}
    )
    made = {i.fields for i in application.facts(Index) if i.run == "migration"}
    assert made == expected | {(("id", 1),), (("d", 1),)}


APP = """
def ask(cursor, a, d):
    cursor.execute("SELECT * FROM posts WHERE a LIKE %s", (a,))
    cursor.execute("SELECT * FROM posts WHERE b = %s", (a,))
    cursor.execute("SELECT * FROM posts WHERE name LIKE '%x%'")
"""


def _fits(application_files: dict[str, str], build: Build) -> dict[tuple[str, ...], Fit]:
    found = build(application_files).facts(CollectionFit)
    return {(*q.fields, *q.scanned): m.fit for c in found if c.name == "posts" for q, m in c.fits}


def test_an_index_on_what_the_code_does_not_tell_may_be_any(build: Build) -> None:
    steps = (
        "    for name in wanted():\n        op.execute(f'CREATE INDEX ix_{name} ON posts ({name})')"
    )
    revision = REVISION.replace("{steps}", steps)
    assert _fits({"versions/1.py": revision, "app.py": APP}, build)["b",] is Fit.UNKNOWN
    plain = REVISION.replace("{steps}", "    pass")
    assert _fits({"versions/1.py": plain, "app.py": APP}, build)["b",] is Fit.MISSING


def test_a_trigram_index_stands_beside_a_plain_one(build: Build) -> None:
    steps = (
        "    op.create_index('ix_name', 'posts', ['name'])\n"
        "    op.create_index('ix_grams', 'posts', [sa.text('name gin_trgm_ops')], postgresql_using='gin')"
    )
    revision = REVISION.replace("{steps}", steps)
    assert _fits({"versions/1.py": revision, "app.py": APP}, build)["name",] is Fit.COVERED


@pytest.mark.parametrize("way", [1, -1])
def test_what_the_program_does_to_the_schema_comes_after_its_migrations(
    way: int, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A revision drops what the program makes anew whenever it starts; the order of imports is no matter."""
    build({"app.py": APP}).facts(Index)
    monkeypatch.setattr(migrations, "_SOURCES", migrations._SOURCES[::way])
    revision = REVISION.replace("{steps}", "    op.drop_index('ix_b', 'posts')")
    app = (
        "import psycopg2\nfrom flask import Flask\napp = Flask(__name__)\ncursor = psycopg2.connect().cursor()\n"
        f"cursor.execute('CREATE INDEX ix_b ON posts (b)')\n{APP}"
        "@app.route('/')\ndef home():\n    ask(cursor, 1, 2)\n"
    )
    found = _fits({"versions/1.py": revision, "app.py": app}, build)
    assert found["b",] is Fit.COVERED
    without = app.replace("CREATE INDEX ix_b", "-- CREATE INDEX ix_b")
    assert _fits({"versions/1.py": revision, "app.py": without}, build)["b",] is Fit.MISSING


@pytest.mark.parametrize(
    ("steps", "made"),
    [
        ("op.create_table('kiosks', PLACE)", True),
        ("op.create_table('kiosks', PLACE); op.drop_index('idx_kiosks_place')", False),
        ("op.create_table('kiosks', FLAT)", False),
        ("op.create_table('kiosks'); op.add_column('kiosks', PLACE)", False),
    ],
)
def test_a_table_is_created_with_the_indexes_of_geoalchemy(
    steps: str, made: bool, build: Build
) -> None:
    place = "sa.Column('place', Geography('POINT', srid=4326{}))"
    steps = steps.replace("PLACE", place.format(""))
    steps = steps.replace("FLAT", place.format(", spatial_index=False"))
    revision = (
        "from alembic import op\nfrom geoalchemy2 import Geography\nimport sqlalchemy as sa\n"
        f"revision = '1'\ndown_revision = None\ndef upgrade():\n    {steps}\n"
    )
    app = build({"versions/1.py": revision, "app.py": "import psycopg2\n"})
    assert [[c for c, _ in x.fields] for x in app.facts(Index)] == [["place"]] * made
