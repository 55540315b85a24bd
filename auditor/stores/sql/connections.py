"""Connections to databases other than MongoDB: SQLAlchemy, Flask-SQLAlchemy, Django, and the drivers themselves.

https://docs.sqlalchemy.org/en/20/core/engines.html#database-urls,
https://docs.djangoproject.com/en/stable/ref/settings/#databases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.discover.environments import environment_of_file
from auditor.extract.python import tree as t
from auditor.frameworks.django.settings import uses_django
from auditor.link.application import Application, provides
from auditor.link.scopes import Located, Scope, argument, place_of
from auditor.model.data import Connection
from auditor.model.settings import FrameworkSetting, in_service
from auditor.model.values import Value, possible
from auditor.stores.addresses import names_a_login, unchecked

_CALLS = {
    "sqlalchemy.create_engine": (0, "url"),
    "sqlalchemy.engine.create_engine": (0, "url"),
    "sqlalchemy.ext.asyncio.create_async_engine": (0, "url"),
    "sqlmodel.create_engine": (0, "url"),
    "sqlalchemy.async_engine_from_config": (None, "url"),
    "databases.Database": (0, "url"),
    "asyncpg.connect": (0, "dsn"),
    "asyncpg.create_pool": (0, "dsn"),
    "psycopg.connect": (0, "conninfo"),
    "psycopg.AsyncConnection.connect": (0, "conninfo"),
    "psycopg_pool.ConnectionPool": (0, "conninfo"),
    "psycopg_pool.AsyncConnectionPool": (0, "conninfo"),
    "psycopg2.connect": (0, "dsn"),
    "psycopg2.pool.SimpleConnectionPool": (2, "dsn"),
    "psycopg2.pool.ThreadedConnectionPool": (2, "dsn"),
    "pymysql.connect": (None, ""),
    "MySQLdb.connect": (None, ""),
    "mysql.connector.connect": (None, ""),
    "aiomysql.create_pool": (None, ""),
    "sqlite3.connect": (0, "database"),
    "aiosqlite.connect": (0, "database"),
    "pyodbc.connect": (0, "connectionstring"),
    "playhouse.db_url.connect": (0, "url"),
    "peewee.PostgresqlDatabase": (None, ""),
    "peewee.MySQLDatabase": (None, ""),
    "peewee.SqliteDatabase": (0, "database"),
}
_FILES = {"sqlite3.connect", "aiosqlite.connect", "peewee.SqliteDatabase"}


def _store(value: Value | None, name: str = "") -> str:
    """`sqlite` for a database in a file, empty for one in memory, else `sql`."""
    texts = [v.value for v in possible(value) if isinstance(v.value, str)]
    if name in _FILES or (texts and all(text.startswith("sqlite") for text in texts)):
        memory = [
            re.search(r":memory:|^sqlite(?:\+\w+)?:/{0,3}$|mode=memory", text) for text in texts
        ]
        return "" if memory and all(memory) else "sqlite"
    return "sql"


@provides(Connection)
def engines(application: Application) -> Iterator[Connection]:
    for site in application.code.calls(*_CALLS):
        name = application.code.name(site.node.func, site.scope)
        if re.search(r"(?:^|/)(?:alembic|migrations)/", site.path):
            continue  # the same database, for its migrations
        position, keyword = _CALLS[name]
        given = site.arg(position, keyword, "dsn", "url")
        url = application.values.value(given, site.scope) if given is not None else None
        options = tuple({"user": "username", "passwd": "password"}.get(k.name, k.name) for k in site.node.keywords if k.name)  # fmt: skip
        if store := _store(url, name):
            login = names_a_login(application.values, given, site.scope)
            plain = unchecked(application.values, given, site.scope)
            yield Connection(store, url, place_of(site), options, login, plain)


@provides(Connection)
def cosmos(application: Application) -> Iterator[Connection]:
    """Azure's Cosmos DB, which takes a key or an identity with every connection."""
    for site in application.code.calls(
        "azure.cosmos.CosmosClient", "azure.cosmos.aio.CosmosClient"
    ):
        yield Connection("cosmos", None, place_of(site), ("username", "password"))


@provides(Connection)
def flask_databases(application: Application) -> Iterator[Connection]:
    settings = [
        s for s in application.facts(FrameworkSetting)
        if s.framework.lower() == "flask" and s.name == "SQLALCHEMY_DATABASE_URI"
    ]  # fmt: skip
    given = {
        (scope.module.path, node.line): (node.value, scope)
        for node, scope in application.code.of_kind(t.Assign)
    }
    for setting in in_service(settings):
        if store := _store(setting.value):
            place = setting.place
            expr, scope = given.get((place.path, place.line), (None, None))
            login = scope is not None and names_a_login(application.values, expr, scope)
            yield Connection(store, setting.value, place, login=login)


@provides(Connection)
def django_databases(application: Application) -> Iterator[Connection]:
    if not uses_django(application):
        return
    for assign, scope in application.code.of_kind(t.Assign):
        target = assign.targets[0]
        named = isinstance(target, t.Name) and target.id == "DATABASES"
        item = (
            isinstance(target, t.Item)
            and t.dotted(target.value) == "DATABASES"
            and isinstance(target.index, t.Const)
        )
        if not (named or item) or assign.value is None:
            continue
        if environment_of_file(scope.module.path) == "test":
            continue
        value = assign.value
        if isinstance(value, t.Map) and named:
            for key, each in zip(value.keys, value.values, strict=True):
                alias = key.value if isinstance(key, t.Const) else ""
                if alias == "default" or len(value.keys) == 1:
                    yield from _database(application, each, scope, assign)
        else:
            yield from _database(application, value, scope, assign)


def _database(
    application: Application, value: t.Expr, scope: Scope, assign: t.Assign
) -> Iterator[Connection]:
    """One entry of DATABASES: a dict, or what a helper makes of a URL (dj-database-url, environ)."""
    place = place_of(Located(assign, scope))
    if isinstance(value, t.Map):
        given = {
            key.value: each
            for key, each in zip(value.keys, value.values, strict=True)
            if isinstance(key, t.Const)
        }
        engine = application.values.text(given.get("ENGINE"), scope) or ""
        if engine.endswith("dummy") or not given:
            return
        store = "sqlite" if engine.endswith(("sqlite3", "spatialite")) else "sql"
        options = tuple(
            {"USER": "username", "PASSWORD": "password"}.get(str(key), str(key)) for key in given
        )
        name = application.values.text(given.get("NAME"), scope)
        if store != "sqlite" or name != ":memory:":
            host = given.get("HOST")
            address = application.values.value(host, scope) if host is not None else None
            yield Connection(store, address, place, options)
    elif isinstance(value, t.Call):
        url = argument(value, None, "default") or (value.args[0] if value.args else None)
        worth = application.values.value(url, scope) if url is not None else None
        yield Connection("sql", worth if _is_url(worth) else None, place)


def _is_url(value: Value | None) -> bool:
    return any(isinstance(v.value, str) and "://" in v.value for v in possible(value))
