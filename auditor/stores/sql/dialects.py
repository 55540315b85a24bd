"""Which database an application is made for.

Its URLs, engines and drivers tell; where none does, the images that it is composed of and the spelling of its schemas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from auditor.discover import Role
from auditor.discover.walk import read
from auditor.extract.python import tree as t
from auditor.extract.readers.dotenv import DotenvEntry
from auditor.extract.readers.sql import SchemaText
from auditor.link.application import Application, provides
from auditor.model.dependencies import Requirement
from auditor.model.deployment import ContainerService

_DRIVERS = {
    "postgresql": r"psycopg\w*(?:-binary)?|asyncpg|pg8000|aiopg|django-pgvector|pgvector|psycopg2cffi",
    "mysql": r"mysqlclient|mariadb|pymysql|aiomysql|asyncmy|mysql-connector(?:-python)?|flask-mysql(?:db|-connector)?",
}
_IMPORTED = {
    "postgresql": ("psycopg", "psycopg2", "asyncpg", "pg8000", "aiopg", "supabase", "postgrest"),
    "mysql": (
        "pymysql",
        "MySQLdb",
        "mysql",
        "aiomysql",
        "asyncmy",
        "flask_mysqldb",
        "flask_mysql_connector",
        "mariadb",
        "flaskext.mysql",
    ),
}
_LOAD_DRIVERS = (
    "sqlalchemy", "flask_sqlalchemy", "sqlmodel", "django", "tortoise", "peewee", "playhouse", "pony", "ormar", "piccolo", "databases",
    "edgy", "saffier", "pandas", "dataset", "records",
)  # fmt: skip
"""What imports a driver by itself: without any of them the code's own connections tell the database."""
_IMAGES = {
    "postgresql": re.compile(
        r"(?:^|/)(?:postgres|postgresql|postgis|timescaledb|pgvector)(?:-\w+)?(?::|$)"
    ),
    "mysql": re.compile(r"(?:^|/)(?:mysql|mariadb|mysql-server|percona)(?::|$)"),
}
_URL = re.compile(
    r"^(postgres|postgresql|mysql|mariadb|sqlite|cockroachdb|oracle|mssql)(?:\+\w+)?:"
)
_ENGINE = re.compile(r"(?:backends|engine|gis|prometheus\.db)\.?.*?(postgresql|postgis|mysql|sqlite3|spatialite|oracle)")  # fmt: skip
_TORTOISE = re.compile(r"tortoise\.backends\.(asyncpg|psycopg|mysql|sqlite)\b")
_HINT = re.compile(r"[?&](?:ssl[-_]mode=[A-Z_]+|charset=utf8mb[34])\b")
"""Parameters of an address that only MySQL's clients and drivers take; PostgreSQL's are `sslmode` and `client_encoding`."""
_PARTS = re.compile(r"(postgres|postgresql|mysql|mariadb|sqlite|oracle|mssql)(?:\+\w+)?$")
"""`URL.create(drivername="mysql+pymysql")`, `MultiHostUrl.build(scheme="mysql")`."""
_NAMES = {"asyncpg": "postgresql", "psycopg": "postgresql", "postgres": "postgresql", "postgis": "postgresql", "cockroachdb": "postgresql", "mariadb": "mysql", "sqlite3": "sqlite", "spatialite": "sqlite"}  # fmt: skip


class Dialect(msgspec.Struct, frozen=True):
    """The kind of database that an application is made for; empty where it cannot be told."""

    name: str


def dialect(application: Application) -> str:
    """The database that the application is made for: as the module's text says."""
    (found,) = application.facts(Dialect)
    return found.name


@provides(Dialect)
def _dialect(application: Application) -> Iterator[Dialect]:
    told = _named(application)
    required = [
        (name, requirement.group)
        for requirement in application.facts(Requirement)
        for name, pattern in _DRIVERS.items()
        if re.fullmatch(pattern, requirement.name, re.I)
    ]
    drivers = {name for name, _ in required}
    served = {name for name, group in required if not group}  # others serve tests, or are a choice
    imported = {name for name, packages in _IMPORTED.items() if application.code.imports(*packages)}
    written = {fact.dialect for _, fact in application.of(SchemaText) if fact.dialect}
    images = (service.image for service in application.facts(ContainerService))
    composed = {name for image in images for name, way in _IMAGES.items() if way.search(image)}
    noted = set(_noted(application))
    hinted = set(_hinted(application)) if imported <= {"mysql"} else set()
    opens = any(True for _ in application.code.calls("sqlite3.connect", "aiosqlite.connect"))
    opened = opens and not imported and not application.code.imports(*_LOAD_DRIVERS)
    chosen = _set_up_with(application) == {"sqlite"}
    if drivers == {"mysql"} and (chosen or (told == {"sqlite"} and _requires_sqlite(application))):
        # the drivers are a choice, of which nothing but an address says which is taken
        opened = told | imported | noted | hinted | composed | written <= {"sqlite"}
    for certain in (
        {"sqlite"} if opened else set[str](), drivers, served, told - {"sqlite"}, hinted, told, imported, noted - {"sqlite"}, composed, written, noted
    ):  # fmt: skip
        if len(certain) == 1:
            yield Dialect(*certain)
            return
    yield Dialect("")


def _requires_sqlite(application: Application) -> bool:
    names = (x.name.lower() for x in application.facts(Requirement) if not x.group)
    return "aiosqlite" in names


def _set_up_with(application: Application) -> set[str]:
    """The databases of the addresses in dotenv files, and in their examples, that are for no environment of its own."""
    return {
        _NAMES.get(found[1], found[1])
        for _, entry in application.of(DotenvEntry, Role.SOURCE, Role.EXAMPLE)
        if entry.environment in ("", "example", "production")
        if (found := _URL.match(f"{entry.scheme}:"))
    }


def _named(application: Application) -> set[str]:
    """The databases that URLs, their parts and engines name."""
    named: list[str] = []
    texts = [node.value for node, _ in application.code.of_kind(t.Const)]
    hidden = [node.shape for node, _ in application.code.of_kind(t.Hidden)]
    for text in (x for x in (*texts, *hidden) if isinstance(x, str)):
        if "AUTO_INCREMENT" in text:  # as a migration of MySQL spells it
            named.append("mysql")
        if 5 < len(text) < 300:
            found = _URL.match(text) or _TORTOISE.match(text)
            found = found or ("django" in text and _ENGINE.search(text)) or None
            named += [found[1]] if found else []
    for site in application.code.method_calls("build", "create", "URL"):
        given = site.arg(0 if t.last_word(site.node.func) == "create" else None, "scheme", "drivername")  # fmt: skip
        if found := _PARTS.match(application.values.text(given, site.scope) or ""):
            named.append(found[1])
    return {_NAMES.get(name, name) for name in named}


def _hinted(application: Application) -> Iterator[str]:
    """What drivers of MySQL alone are given: `?ssl-mode=REQUIRED`, `connect_args={"ssl": {"ca": …}}`.

    Source: https://docs.sqlalchemy.org/en/20/dialects/mysql.html#ssl-connections.
    """
    for node, _ in application.code.of_kind(t.Const):
        if isinstance(node.value, str) and len(node.value) < 300 and _HINT.search(node.value):
            yield "mysql"
    for site in application.code.all_calls():
        given = next((k.value for k in site.node.keywords if k.name == "connect_args"), None)
        for source in application.values.sources(given, site.scope) if given is not None else ():
            if isinstance(source.node, t.Map) and any(
                map(_is_ssl, source.node.keys, source.node.values)
            ):
                yield "mysql"


def _is_ssl(key: t.Expr | None, value: t.Expr) -> bool:
    return isinstance(key, t.Const) and key.value == "ssl" and isinstance(value, t.Map)


_ALEMBIC = re.compile(r"(?m)^[ \t]*sqlalchemy\.url[ \t]*=[ \t]*(\S+)")
_DIALECT = re.compile(r"sqlalchemy\.dialects\.(postgresql|mysql|sqlite)\b")


def _noted(application: Application) -> Iterator[str]:
    """The databases that dotenv files, Alembic's own and imported dialects name."""
    texts = [
        f"{entry.scheme}:" for _, entry in application.of(DotenvEntry, Role.SOURCE, Role.EXAMPLE)
    ]
    for file in application.tree.files:
        if file.path.rpartition("/")[2] == "alembic.ini":
            texts += _ALEMBIC.findall(read(application.tree, file).decode("utf-8", "replace"))
    found = [match[1] for text in texts if (match := _URL.match(text))]
    for node, _ in application.code.of_kind(t.Import):
        spelt = (f"{node.module}.{name}" if node.module else name for name, _ in node.names)
        found += [match[1] for name in spelt if (match := _DIALECT.match(name))]
    yield from (_NAMES.get(name, name) for name in found)
