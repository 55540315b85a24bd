"""Caches: what the application sets up, and whether any read goes through it.

Sources: the documentation of functools, cachetools, aiocache, fastapi-cache and redis-py. A cache
of the tree's own (a class or module named so) counts as used when something outside of it reads.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.reach import Reach
from auditor.link.scopes import CallSite, Located, argument, place_of
from auditor.model.data import Cache
from auditor.model.places import Place

_DECORATORS = re.compile(
    r"^(?:functools\.(?:lru_cache|cache)|cachetools(?:\.func)?\.\w*cached?|aiocache\.(?:decorators\.)?\w*cached"
    r"|fastapi_cache\.decorator\.cache|async_lru\.alru_cache|cashews\.\w+|flask_caching\.Cache\(\)\.(?:\w*cached?|memoize)"
    r"|django\.views\.decorators\.cache\.cache_page"
    r"|rest_framework_extensions\.cache\.decorators\.cache_response|dogpile\.cache\.\w+\(\)\.cache_on_arguments)"
    r"(?:\(\))?$"
)
_CLIENTS = {
    "redis.Redis", "redis.StrictRedis", "redis.from_url", "redis.asyncio.Redis",
    "redis.asyncio.from_url", "redis.asyncio.client.Redis", "aioredis.from_url",
    "aioredis.create_redis_pool", "redis.Redis.from_url", "redis.asyncio.Redis.from_url",
    "aiocache.Cache", "aiocache.SimpleMemoryCache", "aiocache.RedisCache", "flask_caching.Cache",
    "dogpile.cache.make_region", "diskcache.Cache", "cachetools.TTLCache", "cachetools.LRUCache", "pymemcache.client.base.Client",
}  # fmt: skip
_OWN = re.compile(r"(?:^|_)(?:cached?|caching|memoized?|remember)(?:_|$)", re.I)
_LOOKUPS = {"get", "aget", "get_or_set", "aget_or_set", "get_many", "aget_many"}
_READS = {"get", "mget", "hget", "hgetall", "json"}


@provides(Cache)
def caches(application: Application) -> Iterator[Cache]:
    code = application.code
    (reach,) = application.facts(Reach)
    yield from _decorated(code)
    yield from _of_django(code)
    clients = list(code.calls(*_CLIENTS))
    handed = _Handed(code) if clients else None
    for site in clients:
        name = code.name(site.node.func, site.scope).partition(".")[0]
        used = _uses(code, reach, site)
        if not used and handed is not None and handed.on(site):
            continue  # a queue's, a limiter's or a broker's connection
        yield Cache(name, place_of(site), tuple(used))


def _asks_later(call: t.Call) -> bool:
    """`get_or_set(key, compute)`; of `get_or_set(key, compute())` the work is done before it is asked."""
    default = argument(call, 1, "default")
    return isinstance(default, t.Name | t.Attr | t.Lambda)


class _Handed:
    """What is given to calls: `Queue("tasks", connection=app.redis)`, `RedisBackend(from_url(…))`."""

    def __init__(self, code: Code) -> None:
        given = [
            g for c in code.all_calls() for g in (*c.node.args, *(k.value for k in c.node.keywords))
        ]
        self.at_once = {id(each) for each in given}
        self.names = {t.last_word(each) for each in given if isinstance(each, t.Name | t.Attr)}
        self.kept: dict[int, set[str]] = defaultdict(set)
        """The names that a call's result is kept under."""
        for assign, _ in code.of_kind(t.Assign):
            names = {t.last_word(x) for x in assign.targets if isinstance(x, t.Name | t.Attr)}
            for node in t.walk_own(assign.value) if assign.value is not None else ():
                if isinstance(node, t.Call):
                    self.kept[id(node)] |= names

    def on(self, site: CallSite) -> bool:
        """Whether a client is given to something else."""
        kept = self.kept.get(id(site.node), set())
        return id(site.node) in self.at_once or not kept.isdisjoint(self.names)


def _decorated(code: Code) -> Iterator[Cache]:
    for function in code.functions():
        assert isinstance(function.node, t.Function)
        for decorator in function.node.decorators:
            name = code.name(decorator, function.scope)
            if _DECORATORS.match(name) and not re.search(
                r"settings|config|client|engine", function.node.name
            ):
                place = place_of(function, function.node.name)
                yield Cache(name.removesuffix("()").partition(".")[0], place, (place,))
            elif _reads_for(code.defined(_called(decorator), function.scope)):
                place = place_of(function, function.node.name)
                yield Cache(t.last_word(_called(decorator)), place, (place,))


def _called(decorator: t.Expr) -> t.Expr:
    return decorator.func if isinstance(decorator, t.Call) else decorator


def _reads_for(made: Located | None) -> bool:
    """Whether a decorator of the tree's own looks up what its function would compute."""
    if made is None or not isinstance(made.node, t.Function):
        return False
    return _OWN.search(made.node.name) is not None and any(
        isinstance(node, t.Call) and t.last_word(node.func) in _LOOKUPS
        for node in t.walk(*made.node.body)
    )


def _of_django(code: Code) -> Iterator[Cache]:
    """`cache.get(key)` of Django's cache, which is set up by the settings or in memory.

    Source: https://docs.djangoproject.com/en/stable/topics/cache/#the-low-level-cache-api
    """
    for call in code.method_calls(*_LOOKUPS):
        if isinstance(call.node.func, t.Attr):
            name = code.name(call.node.func.value, call.scope)
            if call.node.func.name.endswith("get_or_set") and not _asks_later(call.node):
                continue
            if name.startswith(("django.core.cache.cache", "django.core.cache.caches")):
                yield Cache("django", place_of(call), (place_of(call),))


def _uses(code: Code, reach: Reach, site: CallSite) -> list[Place]:
    """Reads of the cache that the application runs.

    Of a client inside a class or module of the tree's own, the reads are the calls that others make
    to it, not its own.
    """
    owner = site.scope
    while owner.parent is not None and owner.parent.owner is not None:
        owner = owner.parent
    wrapped = isinstance(owner.owner, t.Class)
    used = []
    for call in code.method_calls(*_READS):
        if not isinstance(call.node.func, t.Attr):
            continue
        name = code.name(call.node.func.value, call.scope)
        if re.search(r"redis|cache|memcache", name, re.I) and (
            not wrapped or call.path != site.path
        ):
            if reach.started_by(call):
                used.append(place_of(call))
    if wrapped:
        used += _reads_through(code, reach, site.path)
    return used


def _reads_through(code: Code, reach: Reach, path: str) -> list[Place]:
    """Calls and decorators, outside of the module at `path`, of its functions that read."""
    names = re.compile(
        r"(?:^|[_.])(?:get|fetch|read|cached|remember|get_or_set)(?:_|$)|cached$", re.I
    )
    used = []
    for name, found in code.definitions_in(path):
        if not isinstance(found.node, t.Function) or not names.search(found.node.name):
            continue
        if "stat" in found.node.name or "info" in found.node.name:
            continue
        for call in code.calls(name):
            if call.path != path and reach.started_by(call):
                used.append(place_of(call))
    return used
