"""Where the search of a query over several tables starts, and by what it goes on."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit, Query
from tests.conftest import Build

MODELS = """
from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Integer, String, and_, or_, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    email = Column(String, unique=True)
    team = Column(String)
class Post(Base):
    __tablename__ = "posts"
    id = Column(Integer, primary_key=True)
    author_id = Column(ForeignKey("users.id"))
    editor_id = Column(ForeignKey("users.id"), index=True)
    slug = Column(String, index=True)
    status = Column(String)
    live = Column(Boolean)
    kind = Column(String, index=True)
    made = Column(DateTime, index=True)
class Like(Base):
    __tablename__ = "likes"
    id = Column(Integer, primary_key=True)
    post_id = Column(ForeignKey("posts.id"), index=True)
    user_id = Column(ForeignKey("users.id"))
"""
SCHEMA = """
CREATE TABLE users (id serial PRIMARY KEY, email text UNIQUE, team text);
CREATE TABLE posts (id serial PRIMARY KEY, author_id int, editor_id int, slug text, status text, live boolean, kind text, made timestamp);
CREATE INDEX ON posts (kind);
CREATE INDEX ON posts (made);
CREATE INDEX ON posts (editor_id);
CREATE INDEX ON posts (slug);
CREATE TABLE likes (id serial PRIMARY KEY, post_id int, user_id int);
CREATE INDEX ON likes (post_id);
CREATE TABLE marks (post_id int, user_id int, PRIMARY KEY (post_id, user_id));
"""
CASES = {
    "looked up by its key, whatever else is asked of it": (
        "select(User).join(Post, Post.author_id == User.id).where(Post.slug == 'a', User.team == 'b')",
        "SELECT * FROM users u JOIN posts p ON p.author_id = u.id WHERE p.slug = %s AND u.team = %s",
        set(),
    ),
    "looked up by an indexed foreign key": (
        "select(Post).join(User, Post.editor_id == User.id).where(User.email == 'a', Post.status == 'b')",
        "SELECT * FROM posts p JOIN users u ON p.editor_id = u.id WHERE u.email = %s AND p.status = %s",
        set(),
    ),
    "no index on the key that joins": (
        "select(Post).join(User, Post.author_id == User.id).where(User.email == 'a', Post.status == 'b')",
        "SELECT * FROM posts p JOIN users u ON p.author_id = u.id WHERE u.email = %s AND p.status = %s",
        {("posts", ("author_id", "status"))},
    ),
    "nothing to start from": (
        "select(Post).join(User, Post.editor_id == User.id).where(User.team == 'a')",
        "SELECT * FROM posts p JOIN users u ON p.editor_id = u.id WHERE u.team = %s",
        {("users", ("team",))},
    ),
    "two that an index could narrow": (
        "select(Post).join(User, Post.author_id == User.id).where(User.team == 'a', Post.status == 'b')",
        "SELECT * FROM posts p JOIN users u ON p.author_id = u.id WHERE u.team = %s AND p.status = %s",
        {("posts", ("author_id", "status"))},
    ),
    "an equality narrows more than a range of the table that is brought": (
        "select(User).join(Post, Post.author_id == User.id).where(Post.status == 'a').where(User.team >= 'b')",
        "SELECT * FROM users u JOIN posts p ON p.author_id = u.id WHERE p.status = %s AND u.team >= %s",
        {("posts", ("author_id", "status"))},
    ),
    "an equality narrows more than all that was before a time, though that is indexed": (
        "select(Post).join(User, Post.editor_id == User.id).where(User.team == 'a').where(Post.made < 'b')",
        "SELECT * FROM posts p JOIN users u ON p.editor_id = u.id WHERE u.team = %s AND p.made < %s",
        {("users", ("team",))},
    ),
    "an index finds what was since a time": (
        "select(Post).join(User, Post.editor_id == User.id).where(User.team == 'a').where(Post.made >= 'b')",
        "SELECT * FROM posts p JOIN users u ON p.editor_id = u.id WHERE u.team = %s AND p.made >= %s",
        set(),
    ),
    "an index finds what was between two times": (
        "select(Post).join(User, Post.editor_id == User.id).where(User.team == 'a').where(Post.made >= 'b', Post.made < 'c')",
        "SELECT * FROM posts p JOIN users u ON p.editor_id = u.id WHERE u.team = %s AND p.made BETWEEN %s AND now()",
        set(),
    ),
    "a flag narrows less than a range": (
        "select(User).join(Post, Post.author_id == User.id).where(Post.live == True).where(User.team >= 'b')",
        "SELECT * FROM users u JOIN posts p ON p.author_id = u.id WHERE p.live = %s AND u.team >= %s",
        {("posts", ("author_id",)), ("users", ("team",))},
    ),
    "the first few in an order, of those that most are among": (
        "select(Like).join(Post, Like.post_id == Post.id).where(Post.live == True).order_by(Like.user_id).limit(9)",
        "SELECT * FROM likes l JOIN posts p ON l.post_id = p.id WHERE p.live = %s ORDER BY l.user_id LIMIT 9",
        {("likes", ("user_id",))},
    ),
    "the first few in an order, of those that few are among": (
        "select(Like).join(Post, Like.post_id == Post.id).where(Post.slug == 'a').order_by(Like.user_id).limit(9)",
        "SELECT * FROM likes l JOIN posts p ON l.post_id = p.id WHERE p.slug = %s ORDER BY l.user_id LIMIT 9",
        set(),
    ),
    "all of which another table holds a word": (
        "select(Post).join(User, Post.editor_id == User.id).where(User.team.ilike('%a%'))",
        "SELECT * FROM posts p JOIN users u ON p.editor_id = u.id WHERE u.team ILIKE '%a%'",
        {("users", ("team",))},
    ),
    "a few of all, of which another table holds a word": (
        "select(Post).join(User, Post.editor_id == User.id).where(User.team.ilike('%a%')).limit(9)",
        "SELECT * FROM posts p JOIN users u ON p.editor_id = u.id WHERE u.team ILIKE '%a%' LIMIT 9",
        {("users", ("team",))},
    ),
    "the first few of an order, of which another table holds a word": (
        "select(Post).join(User, Post.editor_id == User.id).where(User.team.ilike('%a%')).order_by(Post.id).limit(9)",
        "SELECT * FROM posts p JOIN users u ON p.editor_id = u.id WHERE u.team ILIKE '%a%' ORDER BY p.id LIMIT 9",
        set(),
    ),
    "what an index finds, of which another table holds a word": (
        "select(Post).join(User, Post.editor_id == User.id).where(Post.slug == 'a', User.team.ilike('%a%'))",
        "SELECT * FROM posts p JOIN users u ON p.editor_id = u.id WHERE p.slug = %s AND u.team ILIKE '%a%'",
        set(),
    ),
    "over a table between": (
        "select(User).join(Post, Post.author_id == User.id).join(Like, Like.post_id == Post.id)"
        ".where(Post.slug == 'a', User.team == 'b')",
        "SELECT * FROM users u JOIN posts p ON p.author_id = u.id JOIN likes l ON l.post_id = p.id"
        " WHERE p.slug = %s AND u.team = %s",
        set(),
    ),
    "an alternative that finds half of the table": (
        "select(Post).where(or_(Post.live == True, Post.status == 'a'))",
        "SELECT * FROM posts p WHERE p.live OR p.status = %s",
        set(),
    ),
    "an alternative for each of which an index is wanted": (
        "select(Post).where(Post.live == True, or_(Post.slug == 'b', Post.status == 'a'))",
        "SELECT * FROM posts p WHERE p.live AND (p.slug = %s OR p.status = %s)",
        {("posts", ("status",))},
    ),
    "what is worked out from several columns": (
        "select(Post).where(Post.author_id - Post.editor_id > 3)",
        "SELECT * FROM posts p WHERE p.author_id - p.editor_id > %s",
        set(),
    ),
    "a question for each record": (
        "select(Post).where(select(Like.id).where(Like.post_id == Post.id, Like.user_id == 3).exists())",
        "SELECT * FROM posts p WHERE EXISTS (SELECT 1 FROM likes l WHERE l.post_id = p.id AND l.user_id = %s)",
        set(),
    ),
    "a question for each record, without an index": (
        "select(User).where(select(Like.id).where(Like.user_id == User.id).exists())",
        "SELECT * FROM users u WHERE EXISTS (SELECT 1 FROM likes l WHERE l.user_id = u.id)",
        {("likes", ("user_id",))},
    ),
    "what an outer join asks finds nothing": (
        "select(Post).outerjoin(Like, and_(Like.post_id == Post.id, Like.user_id == 3)).where(Post.slug == 'a')",
        "SELECT * FROM posts p LEFT JOIN likes l ON l.post_id = p.id AND l.user_id = %s WHERE p.slug = %s",
        set(),
    ),
    "each record with a part of another table": (
        "select(Post).outerjoin(Like, and_(Like.post_id == Post.id, Like.user_id == 3))",
        "SELECT * FROM posts p LEFT JOIN likes l ON l.post_id = p.id AND l.user_id = %s",
        set(),
    ),
    "each record with a part of another table, without an index": (
        "select(User).outerjoin(Post, and_(Post.author_id == User.id, Post.status == 'a'))",
        "SELECT * FROM users u LEFT JOIN posts p ON p.author_id = u.id AND p.status = %s",
        {("posts", ("author_id", "status"))},
    ),
    "what has no match is taken too": (
        "select(Post).outerjoin(Like, Like.post_id == Post.id).where(Post.slug == 'a', Like.user_id.is_(None))",
        "SELECT * FROM posts p LEFT JOIN likes l ON l.post_id = p.id WHERE p.slug = %s AND l.user_id IS NULL",
        set(),
    ),
    "what has no match is taken too, of all": (
        "select(Post).outerjoin(Like, Like.post_id == Post.id).where(or_(Like.user_id == 3, Like.user_id == None))",
        "SELECT * FROM posts p LEFT JOIN likes l ON l.post_id = p.id WHERE l.user_id = %s OR l.user_id IS NULL",
        set(),
    ),
    "what has a match alone is taken": (
        "select(Post).outerjoin(Like, Like.post_id == Post.id).where(Like.user_id == 3)",
        "SELECT * FROM posts p LEFT JOIN likes l ON l.post_id = p.id WHERE l.user_id = %s",
        {("likes", ("user_id",))},
    ),
    "what has no value": (
        "select(Post).join(Like, Like.post_id == Post.id).where(Like.user_id.is_(None))",
        "SELECT * FROM posts p JOIN likes l ON l.post_id = p.id WHERE l.user_id IS NULL",
        {("likes", ("user_id",))},
    ),
    "what is paired with all of another is looked up for both": (
        "select(Post).join(User, User.id > 0).outerjoin(Like, and_(Like.post_id == Post.id, Like.user_id == User.id)).where(User.email == 'a')",
        "SELECT * FROM users u CROSS JOIN posts p LEFT JOIN marks m ON m.post_id = p.id AND m.user_id = u.id WHERE u.email = %s",
        set(),
    ),
    "every pair of two that are narrowed": (
        "select(Post, User).where(Post.slug == 'a', User.team == 'b')",
        "SELECT * FROM posts p, users u WHERE p.slug = %s AND u.team = %s",
        {("users", ("team",))},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("spelling", ["models", "text"])
def test_missing(case: str, spelling: str, build: Build) -> None:
    expression, text, expected = CASES[case]
    if spelling == "models":
        files = {
            "app.py": f"{MODELS}\ndef ask(session):\n    return session.scalars({expression})\n"
        }
    else:
        code = f"def ask(cursor, a, b):\n    cursor.execute({text!r}, (a, b))\n"
        files = {"app.py": code, "schema.sql": SCHEMA}
    found = {
        (fit.name, tuple(sorted(match.missing)))
        for fit in build(files).facts(CollectionFit)
        for _, match in fit.fits
        if match.fit is Fit.MISSING
    }
    assert found == expected


@pytest.mark.parametrize(
    "asked, expected",
    [
        ("p.kind = %s AND p.status = %s ORDER BY p.id DESC LIMIT 1", {("posts", ("editor_id", "kind", "status")), ("users", ("email",))}),
        ("p.kind = 'done' AND p.status = %s", {("posts", ("editor_id", "kind", "status")), ("users", ("email",))}),
        ("p.slug = %s AND p.status = %s", {("posts", ("slug", "status")), ("users", ("id", "email"))}),
    ],
)  # fmt: skip
def test_starts_beside_the_first(
    asked: str, expected: set[tuple[str, tuple[str, ...]]], build: Build
) -> None:
    text = f"SELECT p.id FROM posts p JOIN users u ON p.editor_id = u.id WHERE u.email = %s AND {asked}"
    files = {"app.py": f"def ask(cursor, a):\n    cursor.execute({text!r}, a)\n", "schema.sql": SCHEMA}  # fmt: skip
    fits = [fit for c in build(files).facts(CollectionFit) for fit in c.fits]
    assert {(q.collection, q.equality) for q, _ in fits} == expected


_GROUPS = "pairs = select(Like.post_id, func.count().label('n')).group_by(Like.post_id)"


@pytest.mark.parametrize(
    "pairs, more, expected",
    [
        ("", ".order_by(Post.status).limit(9)", {("posts", ("status",))}),
        ("", ".where(Post.status == 'a')", {("posts", ("status",))}),
        ("", "", set()),
        ("", ".where(pairs.c.n == 3).order_by(Post.status).limit(9)", set()),
        (".where(Like.post_id == 3)", ".order_by(Post.status).limit(9)", set()),
        (".having(func.count() > 5)", ".order_by(Post.status).limit(9)", set()),
    ],
)
def test_a_subquery_of_all_there_is_finds_no_record(
    pairs: str, more: str, expected: set[tuple[str, tuple[str, ...]]], build: Build
) -> None:
    code = (
        f"{MODELS}\nfrom sqlalchemy import func\ndef ask(session):\n    {_GROUPS}{pairs}.subquery()\n"
        f"    session.execute(select(Post.id).join(pairs, Post.id == pairs.c.post_id){more})\n"
    )
    fits = [fit for c in build({"app.py": code}).facts(CollectionFit) for fit in c.fits]
    assert {(q.collection, m.missing) for q, m in fits if m.fit is Fit.MISSING} == expected


def test_conditions_of_a_join_that_some_runs_have_more_of(build: Build) -> None:
    code = (
        f"{MODELS}\ndef ask(session, kind=None):\n    asked = [Post.author_id == User.id, Post.status == 'a']\n"
        "    if kind:\n        asked.append(Post.slug >= kind)\n"
        "    session.execute(select(User.id, Post.id).outerjoin(Post, and_(*asked)))\n"
    )
    fits = [fit for c in build({"app.py": code}).facts(CollectionFit) for fit in c.fits]
    assert {(q.equality, q.range) for q, _ in fits if q.collection == "posts"} == {
        (("author_id", "status"), ()),
        (("author_id", "status"), ("slug",)),
    }


@pytest.mark.parametrize(
    "condition", ["email IS NOT NULL", "NOT email IS NULL", "team NOT LIKE 'x%'"]
)
def test_what_must_not_hold_narrows_nothing(condition: str, build: Build) -> None:
    code = f'def ask(cursor):\n    cursor.execute("SELECT * FROM users WHERE {condition}")\n'
    files = {"app.py": code, "schema.sql": SCHEMA}
    fits = [m.fit for c in build(files).facts(CollectionFit) for _, m in c.fits]
    assert fits == [Fit.COVERED]


def test_a_script_beside_an_application_asks_its_tables(build: Build) -> None:
    serving = "from fastapi import FastAPI\napp = FastAPI()\n"
    script = (
        "def main(cursor):\n    cursor.execute('CREATE INDEX by_team ON users (team)')\n"
        "    cursor.execute('SELECT * FROM users WHERE id = 1')\n"
        "    cursor.execute('SELECT * FROM users WHERE team = 1')\n"
    )
    files = {"one/main.py": serving + MODELS, "two/main.py": serving, "index.py": script}
    found = {
        (c.unit, q.equality): m.fit for c in build(files).facts(CollectionFit) for q, m in c.fits
    }
    assert found == {("", ("id",)): Fit.COVERED, ("", ("team",)): Fit.COVERED}


@pytest.mark.parametrize(
    "where, expected",
    [
        ("or_(Post.slug == 'a', User.email == 'b')", {("posts", Fit.UNKNOWN), ("users", Fit.COVERED)}),
        ("(Post.slug == 'a') | (User.email == 'b')", {("posts", Fit.UNKNOWN), ("users", Fit.COVERED)}),
        ("and_(Post.live == True, or_(Post.slug == 'a', User.email == 'b'))", {("posts", Fit.UNKNOWN), ("users", Fit.COVERED)}),
        ("and_(Post.slug == 'a', or_(Post.status == 'b', User.email == 'c'))", {("posts", Fit.COVERED), ("users", Fit.COVERED)}),
        ("and_(Post.slug == 'a', User.email == 'b')", {("posts", Fit.COVERED), ("users", Fit.COVERED)}),
        ("or_(Post.slug == 'a', and_(Post.slug == 'b', User.email == 'c'))", {("posts", Fit.COVERED), ("users", Fit.COVERED)}),
        ("or_(Post.slug.like('%a%'), User.email.like('%b%'))", {("posts", Fit.UNKNOWN), ("users", Fit.COVERED)}),
        ("or_(Post.slug == 'a', Post.editor_id == 1)", {("posts", Fit.COVERED), ("users", Fit.COVERED)}),
    ],
)  # fmt: skip
def test_alternatives_of_several_tables(
    where: str, expected: set[tuple[str, Fit]], build: Build
) -> None:
    """PostgreSQL, MySQL and SQLite join both tables before they look at such an OR, indexes or not."""
    code = f"select(Post).join(User, Post.editor_id == User.id).where({where})"
    files = {"app.py": f"{MODELS}\ndef ask(session):\n    return session.scalars({code})\n"}
    found = {
        (fit.name, match.fit) for fit in build(files).facts(CollectionFit) for _, match in fit.fits
    }
    assert found == expected


_LINES = """
CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, code TEXT, live BOOLEAN);
CREATE TABLE lines (id INTEGER PRIMARY KEY, person_id INTEGER, street TEXT, code TEXT);
CREATE TABLE calls (id INTEGER PRIMARY KEY, person_id INTEGER, said TEXT);
"""
_PAIRS = "FROM people p JOIN lines c ON p.id = c.person_id"
_EITHER = "p.name LIKE ? OR c.street LIKE ?"


@pytest.mark.parametrize(
    ("text", "sqlite", "postgresql"),
    [
        (f"{_PAIRS} WHERE {_EITHER}", [], []),
        (f"{_PAIRS} WHERE p.name = ? OR c.street = ?", [], []),
        (f"{_PAIRS} WHERE {_EITHER} LIMIT 20", [], []),
        (f"{_PAIRS} WHERE {_EITHER} ORDER BY p.name LIMIT 20", [], []),
        (f"{_PAIRS} WHERE p.live = TRUE AND ({_EITHER})", [], []),
        (f"FROM people p, lines c WHERE p.id = c.person_id AND ({_EITHER})", [], []),
        (f"FROM lines c JOIN people p ON p.id = c.person_id WHERE {_EITHER}", [], []),
        # without it SQLite makes an index for each run
        (f"FROM people p LEFT JOIN lines c ON p.id = c.person_id WHERE {_EITHER}", ["lines.person_id"], []),
        (f"FROM people p JOIN lines c ON p.code = c.code WHERE {_EITHER}", ["lines.code"], []),
        (f"{_PAIRS} JOIN calls d ON d.person_id = p.id WHERE {_EITHER}", ["calls.person_id"], []),
        # something narrows it
        (f"{_PAIRS} WHERE p.id = ? AND ({_EITHER})", ["lines.person_id"], ["lines.person_id"]),
        (f"{_PAIRS} WHERE p.name = ? OR p.code = ?", ["lines.person_id", "people.code", "people.name"], ["lines.person_id", "people.code", "people.name"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("driver", ["sqlite3", "psycopg"])
def test_of_alternatives_of_several_tables_one_is_read_and_leads_to_the_others(
    text: str, sqlite: list[str], postgresql: list[str], driver: str, build: Build
) -> None:
    """By EXPLAIN, with rows: SQLite starts where keys lead to the others, PostgreSQL joins all by tables of hashes."""
    code = f"import {driver}\ndef ask(a):\n    {driver}.connect('').execute({'SELECT * ' + text!r}, a)\n"
    found = build({"app.py": code, "schema.sql": _LINES}).facts(CollectionFit)
    missing = {f"{c.name}.{f}" for c in found for _, m in c.fits if m.fit is Fit.MISSING for f in m.missing}  # fmt: skip
    assert sorted(missing) == (sqlite if driver == "sqlite3" else postgresql)


def test_a_flag_is_no_other_side_to_start_from(build: Build) -> None:
    """SQLite scans `likes` then, and searches it once there is an index on `user_id`."""
    likes = '    __table_args__ = (UniqueConstraint("post_id", "user_id"),)\n'
    models = "from sqlalchemy import UniqueConstraint\n" + MODELS.replace(
        '    __tablename__ = "likes"\n', f'    __tablename__ = "likes"\n{likes}'
    )
    assert likes in models
    for flag, expected in (("Post.live == True", {"user_id"}), ("Post.slug == 'a'", set[str]())):
        code = f"session.query(Post).join(Like, Like.post_id == Post.id).filter(Like.user_id == 1, {flag}).all()"
        files = {"app.py": f"{models}\ndef ask(session):\n    return {code}\n"}
        fits = [(c.name, m) for c in build(files).facts(CollectionFit) for _, m in c.fits]
        assert {f for n, m in fits for f in m.missing if n == "likes" and m.fit is Fit.MISSING} == expected  # fmt: skip


@pytest.mark.parametrize("steps", ["", ".limit(10)"])
def test_groups_are_made_of_whole_tables(steps: str, build: Build) -> None:
    code = f"session.query(User).join(Post, Post.author_id == User.id).group_by(User.id).order_by(func.count(Post.id).desc()){steps}.all()"
    files = {"app.py": f"from sqlalchemy import func\n{MODELS}\ndef ask(session):\n    return {code}\n"}  # fmt: skip
    fits = [m.fit for c in build(files).facts(CollectionFit) for _, m in c.fits]
    assert set(fits) == {Fit.COVERED}


@pytest.mark.parametrize(
    ("condition", "missing"),
    [("User.email.ilike('%a%')", {"email"}), ("User.email != 'a'", set[str]())],
)
def test_a_pattern_is_looked_for_in_the_table_that_is_joined(
    condition: str, missing: set[str], build: Build
) -> None:
    code = f"session.scalars(select(Post).join(User, Post.editor_id == User.id).where({condition})).all()"
    files = {"app.py": f"{MODELS}\ndef ask(session):\n    return {code}\n"}
    found = build(files).facts(CollectionFit)
    assert {f for c in found if c.name == "users" for _, m in c.fits for f in m.missing} == missing


@pytest.mark.parametrize("key", [("user_id", "post_id"), ("post_id", "user_id")])
def test_what_is_asked_of_a_table_between_and_what_leads_to_it_are_one_key(
    key: tuple[str, str], build: Build
) -> None:
    one, two = key
    likes = f'    __table_args__ = (UniqueConstraint("{one}", "{two}"),)\n'
    models = "from sqlalchemy import UniqueConstraint\n" + MODELS.replace(
        '    __tablename__ = "likes"\n', f'    __tablename__ = "likes"\n{likes}'
    )
    code = "session.query(Post).join(Like, Like.post_id == Post.id).filter(Like.user_id == 1, Post.slug == 'a').all()"
    found = build({"app.py": f"{models}\ndef ask(session):\n    return {code}\n"})
    fits = [m.fit for c in found.facts(CollectionFit) if c.name == "likes" for _, m in c.fits]
    assert fits == [Fit.COVERED]


_BETS = """
CREATE TABLE users (name TEXT PRIMARY KEY, mail INT);
CREATE TABLE games (id INT PRIMARY KEY, day TEXT);
CREATE TABLE bets (id INT PRIMARY KEY, name TEXT, game_id INT, UNIQUE (name, game_id));
"""


@pytest.mark.parametrize(
    ("joins", "missing"),
    [
        (" JOIN users u ON u.mail IN (1, 2) LEFT JOIN bets b ON b.game_id = g.id AND u.name = b.name", [{"mail"}]),
        (" JOIN users u ON u.mail IN (1, 2) LEFT JOIN bets b ON b.game_id = g.id AND b.name = u.name", [{"mail"}]),
        # nothing brings users but the bets of a game
        (" JOIN bets b ON b.game_id = g.id LEFT JOIN users u ON u.name = b.name", [{"game_id"}]),
        (" LEFT JOIN bets b ON b.game_id = g.id LEFT JOIN users u ON u.mail = b.id", [{"game_id"}, {"mail"}]),
        (" JOIN bets b ON b.game_id = g.id JOIN users u ON u.name = b.name AND u.mail = 3", [{"game_id"}]),
    ],
)  # fmt: skip
def test_what_an_outer_join_brings_leads_to_nothing(
    joins: str, missing: list[set[str]], build: Build
) -> None:
    code = f"def ask(cursor, a):\n    cursor.execute({'SELECT * FROM games g' + joins + ' WHERE g.id = %s'!r}, (a,))\n"
    found = build({"app.py": code, "schema.sql": _BETS}).facts(CollectionFit)
    told = [{*m.missing} for f in found for _, m in f.fits if m.fit is not Fit.COVERED]
    assert told == missing


@pytest.mark.parametrize("join", ["", "LEFT"])
def test_an_outer_join_that_something_else_narrows_leads_on(join: str, build: Build) -> None:
    text = f"SELECT * FROM users u LEFT JOIN bets b ON b.name = u.name {join} JOIN games g ON g.id = b.game_id WHERE g.id = %s"
    code = f"def ask(cursor, a):\n    cursor.execute({text!r}, (a,))\n"
    found = build({"app.py": code, "schema.sql": _BETS}).facts(CollectionFit)
    assert {(f.name, m.why or (m.by and m.by.fields)) for f in found for _, m in f.fits} >= {
        ("users", (("name", 1),))
    }


def test_each_record_with_half_of_another_table(build: Build) -> None:
    text = "SELECT * FROM users u LEFT JOIN posts p ON p.author_id = u.id AND p.live = TRUE"
    code = f"def ask(cursor):\n    cursor.execute({text!r})\n"
    found = build({"app.py": code, "schema.sql": SCHEMA}).facts(CollectionFit)
    assert {m.fit for f in found for _, m in f.fits} == {Fit.COVERED}


_GOODS = """
CREATE TABLE goods (id INTEGER PRIMARY KEY, title TEXT, active BOOLEAN DEFAULT TRUE, deleted_at TIMESTAMP);
CREATE TABLE sales (id INTEGER PRIMARY KEY, good_id INTEGER, amount INTEGER, day DATE, deleted_at TIMESTAMP);
"""
_OF_SALES = "SELECT s.amount, g.title FROM sales s JOIN goods g ON g.id = s.good_id WHERE"


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (f"{_OF_SALES} g.active = TRUE", []),
        (f"{_OF_SALES} g.deleted_at IS NULL", []),
        (f"{_OF_SALES} g.deleted_at IS NULL AND s.deleted_at IS NULL", []),
        (f"{_OF_SALES} g.active = TRUE GROUP BY g.title", []),
        # what narrows goods leads to their sales
        (f"{_OF_SALES} g.active = TRUE AND g.title = %s", ["sales.good_id", "goods.title"]),
        (f"{_OF_SALES} g.active = TRUE AND g.id = %s", ["sales.good_id"]),
        # a few are looked up for the first goods in that order
        (f"{_OF_SALES} g.active = TRUE ORDER BY g.id LIMIT 10", ["sales.good_id"]),
        # nobody knows that this is most of them
        (f"{_OF_SALES} g.active = FALSE", ["sales.good_id"]),
    ],
)  # fmt: skip
def test_a_table_that_is_joined_with_most_of_another_is_read_from_end_to_end(
    text: str, missing: list[str], build: Build
) -> None:
    """SQLite and PostgreSQL read `sales` and look `goods` up by the key, also with an index on `good_id`."""
    code = f"def ask(cursor, a):\n    return cursor.execute({text!r}, (a,)).fetchall()\n"
    found = build({"app.py": code, "schema.sql": _GOODS}).facts(CollectionFit)
    told = {f"{f.name}.{x}" for f in found for _, m in f.fits if m.fit is Fit.MISSING for x in m.missing}  # fmt: skip
    assert told == set(missing)


_EACH_WITH = "SELECT g.id, SUM(s.amount) FROM goods g LEFT JOIN sales s ON s.good_id = g.id"


@pytest.mark.parametrize(
    ("driver", "condition", "missing"),
    [
        ("", "s.day >= %s", [("good_id", "day")]),
        ("psycopg", "s.day >= %s", [("day",)]),
        ("", "s.amount > 0", []),
        ("", "s.deleted_at IS NULL", []),
        ("psycopg", "s.deleted_at IS NULL", []),
    ],
)  # fmt: skip
def test_each_record_with_the_latest_of_another_table(
    driver: str, condition: str, missing: list[tuple[str, ...]], build: Build
) -> None:
    """SQLite looks `sales` up by an index of both for each of `goods`, PostgreSQL finds them by one of the day."""
    text = f"{_EACH_WITH} AND {condition} WHERE g.active = TRUE GROUP BY g.id"
    code = f"def ask(cursor, a):\n    return cursor.execute({text!r}, (a,)).fetchall()\n"
    files = {"app.py": code, "schema.sql": _GOODS, "requirements.txt": driver}
    found = build(files).facts(CollectionFit)
    assert [m.missing for f in found for _, m in f.fits if m.fit is Fit.MISSING] == missing


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        # most orders end so: what was made since then is fewer
        ("Order.state == 'completed', Item.made > day", {("items", ("made",))}),
        ("Order.state == 'late', Item.made > day", set()),
        ("Order.state == 'completed', Item.code == 'a'", {("items", ("code",))}),
        ("Order.state == 'completed'", set()),
    ],
)
def test_what_an_index_finds_most_by_is_no_start(
    condition: str, told: set[tuple[str, tuple[str, ...]]], build: Build
) -> None:
    code = f"""
from sqlalchemy import Column, DateTime, ForeignKey, Integer, String, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    state = Column(String, default="new", index=True)
class Item(Base):
    __tablename__ = "items"
    id = Column(Integer, primary_key=True)
    order_id = Column(ForeignKey("orders.id"), index=True)
    made = Column(DateTime)
    code = Column(String)
def ask(session, day):
    return session.scalars(select(Item).join(Order, Item.order_id == Order.id).where({condition})).all()
"""
    found = build({"app.py": code}).facts(CollectionFit)
    fits = ((f.name, m) for f in found for _, m in f.fits)
    assert {(name, m.missing) for name, m in fits if m.fit is not Fit.COVERED} == told


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("User.team == 'a', Like.user_id == 3", ("post_id", "user_id")),
        ("Post.status == 'a', and_(Like.user_id == 3, User.team == 'b')", ("post_id", "user_id")),
        ("User.team == 'a', Like.user_id != 3", ("post_id",)),
    ],
)
def test_an_equality_beside_the_key_of_a_join_that_no_index_has(
    condition: str, told: tuple[str, ...], build: Build
) -> None:
    code = MODELS.replace('ForeignKey("posts.id"), index=True', 'ForeignKey("posts.id")')
    asks = f"def ask(session):\n    return session.scalars(select(User).join(Post, Post.author_id == User.id).join(Like, Like.post_id == Post.id).where({condition})).all()\n"
    found = build({"app.py": code + asks}).facts(CollectionFit)
    assert [m.missing for f in found if f.name == "likes" for _, m in f.fits] == [told]


@pytest.mark.parametrize(
    ("keyed", "dated", "ends", "told"),
    [
        # the newest are looked for by their day, each with its shop, as without the join
        ("", ", index=True", ".order_by(Order.day.desc()).limit(20)", (Fit.PARTIAL, ("shop_id",))),
        ("", "", ".order_by(Order.day.desc()).limit(20)", (Fit.MISSING, ("shop_id",))),
        ("", ", index=True", ".order_by(Order.day.desc())", (Fit.MISSING, ("shop_id",))),
        ("", ", index=True", ".limit(20)", (Fit.MISSING, ("shop_id",))),
        (", index=True", ", index=True", ".order_by(Order.day.desc()).limit(20)", (Fit.COVERED, ())),
        ("", ", index=True", ".where(Order.shop_id == owner).order_by(Order.day.desc()).limit(20)", (Fit.PARTIAL, ("shop_id",))),
        ("", "", ".where(Order.shop_id == owner).order_by(Order.day.desc()).limit(20)", (Fit.MISSING, ("shop_id",))),
    ],
)  # fmt: skip
def test_the_first_few_of_a_table_that_a_join_reaches_by_no_index(
    keyed: str, dated: str, ends: str, told: tuple[Fit, tuple[str, ...]], build: Build
) -> None:
    code = f"""
from sqlalchemy import Column, Date, ForeignKey, Integer, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Shop(Base):
    __tablename__ = "shops"
    id = Column(Integer, primary_key=True)
    owner = Column(Integer, index=True)
class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    shop_id = Column(ForeignKey("shops.id"){keyed})
    day = Column(Date{dated})
def ask(session, owner):
    return session.scalars(select(Order).join(Shop, Order.shop_id == Shop.id).where(Shop.owner == owner){ends}).all()
"""
    found = build({"app.py": code}).facts(CollectionFit)
    assert [(m.fit, m.missing) for f in found if f.name == "orders" for _, m in f.fits] == [told]


@pytest.mark.parametrize(
    ("email", "asked", "expected"),
    [
        ("text UNIQUE", "u.email = %s AND p.status = %s ORDER BY p.made DESC LIMIT 5", ((("editor_id", "status"), (("made", -1),)))),
        ("text UNIQUE", "u.email IN (%s, %s) AND p.status = %s", (("editor_id", "status"), ())),
        ("text UNIQUE", "u.email > %s AND p.status = %s", (("editor_id",), ())),
        ("text", "u.email = %s AND p.status = %s", (("editor_id",), ())),
        ("text UNIQUE", "u.team = %s AND p.live", (("editor_id",), ())),
    ],
)  # fmt: skip
def test_what_belongs_to_one_record_is_asked_by_its_key_and_all_else(
    email: str, asked: str, expected: tuple[tuple[str, ...], object], build: Build
) -> None:
    text = f"SELECT p.id FROM posts p JOIN users u ON p.editor_id = u.id WHERE {asked}"
    schema = SCHEMA.replace("email text UNIQUE", f"email {email}").replace("CREATE INDEX ON posts (made);\n", "CREATE INDEX ON users (email);\nCREATE INDEX ON users (team);\n")  # fmt: skip
    files = {"app.py": f"def ask(cursor, a):\n    cursor.execute({text!r}, a)\n", "schema.sql": schema}  # fmt: skip
    (found,) = [q for q in build(files).facts(Query) if q.collection == "posts"]
    assert (found.equality, found.sort) == expected


@pytest.mark.parametrize(
    ("asked", "missing"),
    [
        ("lots.id = %s", set()),
        ("lots.size = %s", {"stocks"}),  # many lots, and no index finds them
        ("lots.id > %s", {"stocks"}),
        ("stocks.size = %s", {"stocks"}),  # no record of lots is told
    ],
)
def test_what_lies_between_is_reached_from_one_record_at_the_far_end(
    build: Build, asked: str, missing: set[str]
) -> None:
    schema = "".join(
        f"CREATE TABLE {x} (id serial PRIMARY KEY, {y} int, size int);\n"
        for x, y in (("companies", "town"), ("branches", "company_id"), ("stocks", "company_id"), ("lots", "stock_id"))
    )  # fmt: skip
    code = f"""
import psycopg
def show(a, b):
    with psycopg.connect("postgresql://x/y") as connection:
        return connection.execute("SELECT count(*) FROM branches JOIN companies ON companies.id = branches.company_id JOIN stocks ON stocks.company_id = companies.id JOIN lots ON lots.stock_id = stocks.id WHERE branches.id = %s AND {asked}", (a, b)).fetchone()
"""
    fits = build({"schema.sql": schema, "app.py": code}).facts(CollectionFit)
    told = {each.name for each in fits for _, match in each.fits if match.fit is Fit.MISSING}
    assert told & {"stocks"} == missing
