"""What lives as long as the application, and whether it is closed when that stops.

https://fastapi.tiangolo.com/advanced/events/, https://www.python-httpx.org/advanced/clients/, and the
documentation of the drivers; https://docs.python.org/3/library/asyncio-task.html#asyncio.create_task: the
loop keeps only weak references to tasks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.reach import Reach
from auditor.link.scopes import CallSite, arguments, place_of
from auditor.model.operations import Resource
from auditor.model.web import WebApp

_KINDS = {
    "motor.motor_asyncio.AsyncIOMotorClient": ("the MongoDB client", ("close",)),
    "pymongo.AsyncMongoClient": ("the MongoDB client", ("close",)),
    "httpx.AsyncClient": ("the HTTP client", ("aclose", "__aexit__")),
    "aiohttp.ClientSession": ("the HTTP session", ("close",)),
    "redis.asyncio.Redis": ("the Redis client", ("aclose", "close")),
    "redis.asyncio.from_url": ("the Redis client", ("aclose", "close")),
    "redis.asyncio.Redis.from_url": ("the Redis client", ("aclose", "close")),
    "asyncpg.create_pool": ("the database pool", ("close",)),
    "psycopg_pool.AsyncConnectionPool": ("the database pool", ("close",)),
    "sqlalchemy.ext.asyncio.create_async_engine": ("the database engine", ("dispose",)),
    "databases.Database": ("the database", ("disconnect",)),
    "elasticsearch.AsyncElasticsearch": ("the Elasticsearch client", ("close",)),
    "aiokafka.AIOKafkaProducer": ("the Kafka producer", ("stop",)),
    "aiokafka.AIOKafkaConsumer": ("the Kafka consumer", ("stop",)),
    "aio_pika.connect_robust": ("the RabbitMQ connection", ("close",)),
    "aio_pika.connect": ("the RabbitMQ connection", ("close",)),
    "grpc.insecure_channel": ("the gRPC channel", ("close",)),
    "grpc.secure_channel": ("the gRPC channel", ("close",)),
    "grpc.aio.insecure_channel": ("the gRPC channel", ("close",)),
    "grpc.aio.secure_channel": ("the gRPC channel", ("close",)),
    "qdrant_client.AsyncQdrantClient": ("the Qdrant client", ("close",)),
    "apscheduler.schedulers.asyncio.AsyncIOScheduler": ("the scheduler", ("shutdown",)),
    "apscheduler.schedulers.background.BackgroundScheduler": ("the scheduler", ("shutdown",)),
    "concurrent.futures.ThreadPoolExecutor": ("the thread pool", ("shutdown",)),
    "concurrent.futures.ProcessPoolExecutor": ("the process pool", ("shutdown",)),
}
_TASKS = ("asyncio.create_task", "asyncio.ensure_future")


@provides(Resource)
def resources(application: Application) -> Iterator[Resource]:
    code = application.code
    (reach,) = application.facts(Reach)
    if not application.facts(WebApp):
        return
    for site in code.calls(*_KINDS):
        name = code.name(site.node.func, site.scope)
        kind, closers = _KINDS[name]
        if not reach.started_by(site) or not _lasts(site):
            continue
        pool = site.arg(None, "poolclass")
        if pool is not None and code.name(pool, site.scope).endswith(".NullPool"):
            continue  # nothing stays open between its uses
        closed = None
        run = ""
        same = [
            (close, func)
            for close, func in _closings(code, closers)
            if not close.path.endswith("/env.py")  # Alembic's, which makes one of its own
            and _same(code.name(func.value, close.scope), name, func, site)
            and not _of_another_class(close, func, site)
        ]
        own = [each for each in same if each[0].path == site.path and _of_self(each[1])]
        for close, _ in (
            own or same
        ):  # a class that closes what it keeps is asked to, or nobody does
            where = reach.started_by(close) or (_asked_elsewhere(code, reach, close) if own else "")
            nearer = close.path == site.path and closed is not None and closed.path != site.path
            if closed is None or (where and (not run or nearer)):
                closed, run = place_of(close), where
        yield Resource(kind, name.rpartition(".")[2], place_of(site), closed, run)
    for site in code.calls(*_TASKS):
        if reach.started_by(site) and _dropped(site):
            yield Resource("a background task", "create_task", place_of(site), None, "")


_KEEPS = (
    "register",
    "add_event_handler",
    "callback",
    "push",
    "push_async_callback",
    "add_done_callback",
    "connect",
)
"""What is handed a method to call at the end: atexit, Starlette's events, exit stacks, signals."""


def _closings(code: Code, closers: tuple[str, ...]) -> Iterator[tuple[CallSite, t.Attr]]:
    """Calls of these methods, and calls that are handed one: `atexit.register(pool.shutdown)`."""
    for site in code.method_calls(*closers):
        if isinstance(site.node.func, t.Attr):
            yield site, site.node.func
    for site in code.method_calls(*_KEEPS):
        for given in arguments(site.node):
            if isinstance(given, t.Attr) and given.name in closers:
                yield site, given


def _same(name: str, made: str, func: t.Attr, site: CallSite) -> bool:
    """Whether what is closed is what was made: by its name, or by the word it is kept under."""
    if name:
        return name.startswith((made + "()", made))
    kept = _kept(site)
    return bool(kept) and t.dotted(func.value).rpartition(".")[2] == kept


def _of_another_class(close: CallSite, func: t.Attr, site: CallSite) -> bool:
    """Whether a method closes what its own object keeps, and this is kept by one of another class."""
    closing, making = _class_around(close), _class_around(site)
    if not _of_self(func) or closing is None or making is None or closing is making:
        return False
    return not (closing.bases or making.bases)  # one may be the other's base


def _class_around(site: CallSite) -> t.Class | None:
    scope = site.scope.of_class
    return scope.owner if scope is not None and isinstance(scope.owner, t.Class) else None


def _of_self(func: t.Attr) -> bool:
    return t.dotted(func.value).startswith(("self.", "cls."))


def _asked_elsewhere(code: Code, reach: Reach, close: CallSite) -> str:
    """Whether the method that closes is called of something that cannot be told, and may be this.

    Of what `app.state` keeps, or by a name like that of the class's module: `ai_service.close()`.
    """
    name = getattr(close.function, "name", "")
    own = set(close.path.rpartition("/")[2].removesuffix(".py").split("_"))
    maker = close.scope.parent.owner if close.scope.parent is not None else None
    if isinstance(maker, t.Class):  # `storage.mongo`, of the class MongoStorage
        own |= {word.lower() for word in _WORDS.findall(maker.name)}
    own -= _GENERAL
    for site in code.method_calls(name) if name else ():
        func = site.node.func
        if not isinstance(func, t.Attr) or t.dotted(func).startswith(("self.", "cls.")):
            continue
        told = code.name(func.value, site.scope)
        if isinstance(maker, t.Class) and told.endswith("()") and maker.name not in told:
            continue  # of something else: `pool = await create_pool(…)`
        words = set(t.last_word(func.value).split("_"))
        if (".state." in t.dotted(func) or words & own) and (how := reach.started_by(site)):
            return how
    return ""


_WORDS = re.compile(r"[A-Z][a-z]+|[A-Z]+(?![a-z])")
_GENERAL = {
    "storage",
    "manager",
    "base",
    "service",
    "services",
    "client",
    "clients",
    "api",
    "session",
    "db",
    "database",
    "utils",
}


def _kept(site: CallSite) -> str:
    for stmt in _body(site):
        if isinstance(stmt, t.Assign) and stmt.value is not None:
            value = stmt.value.value if isinstance(stmt.value, t.Await) else stmt.value
            if value is site.node:
                return t.dotted(stmt.targets[0]).rpartition(".")[2]
    return ""


def _lasts(site: CallSite) -> bool:
    """Made when a module is loaded, or kept in an attribute or a global: not within one request."""
    if site.scope.function is None:
        return True
    for stmt in _body(site):
        if isinstance(stmt, t.Assign) and stmt.value is not None:
            value = stmt.value.value if isinstance(stmt.value, t.Await) else stmt.value
            if value is site.node:
                target = stmt.targets[0]
                shared = {n for s in _body(site) if isinstance(s, t.Jump) for n in re.findall(r"\w+", s.kind)}  # fmt: skip
                return (isinstance(target, t.Attr) and t.dotted(target).split(".")[0] in ("self", "cls", "app", "request")) or (
                    isinstance(target, t.Name) and target.id in shared
                )  # fmt: skip
    return False


def _body(site: CallSite) -> Iterator[t.Node]:
    body = getattr(site.scope.owner, "body", None) or site.scope.module.body
    for stmt in body if isinstance(body, list) else ():
        yield from t.walk_own(stmt)


def _dropped(site: CallSite) -> bool:
    return any(isinstance(n, t.Do) and n.value is site.node for n in _body(site))
