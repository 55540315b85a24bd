"""Decorators that only wrap what they decorate: nobody calls it by them who does not speak of it."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.reach import OF_METHODS
from auditor.link.scopes import Scope

WRAPPING = {
    *OF_METHODS, "contextmanager", "asynccontextmanager", "lru_cache", "cache", "atomic", "transactional", "wraps", "sync_to_async", "database_sync_to_async",
}  # fmt: skip
"""Those of packages that register nothing."""
_OF_PACKAGES = {
    "aiocache.cached", "async_lru.alru_cache", "backoff.on_exception", "backoff.on_predicate", "beartype.beartype", "cachetools.cached",
    "cachetools.cachedmethod", "cachetools.func.lru_cache", "cachetools.func.ttl_cache", "deprecated.deprecated", "line_profiler.profile",
    "loguru.logger.catch", "memory_profiler.profile", "numba.jit", "numba.njit", "pony.orm.db_session", "pydantic.validate_arguments",
    "pydantic.validate_call", "pysnooper.snoop", "retry.retry", "retrying.retry", "sentry_sdk.trace", "snoop.snoop", "snoop.spy", "stamina.retry",
    "tenacity.retry", "timeout_decorator.timeout", "typeguard.typechecked", "typing.no_type_check", "typing_extensions.deprecated",
    "warnings.deprecated", "wrapt_timeout_decorator.timeout",
}  # fmt: skip
"""Those that trace, retry, keep or check a call, by their whole names: others may be called alike."""
_LOOKS_AT = {
    "wraps", "update_wrapper", "iscoroutinefunction", "isasyncgenfunction", "isgeneratorfunction", "signature", "callable",
    "getfullargspec", "getattr", "hasattr", "get_type_hints", "unwrap",
}  # fmt: skip
"""Functions that keep nothing of what they are given."""
GUARDS = (
    "django.contrib.auth.decorators.", "django.views.decorators.", "django.utils.decorators.", "django.db.transaction.",
    "rest_framework.decorators.", "drf_yasg.utils.", "drf_spectacular.utils.", "django_ratelimit.decorators.", "ratelimit.decorators.",
)  # fmt: skip
"""What decorators of Django and of packages for it begin with that only guard a view, or say how it answers."""


def only_wraps(code: Code, decorator: t.Expr, scope: Scope) -> bool:
    """Whether a decorator registers nothing: one of a package that is known to, or one of the tree that calls what it
    decorates, asks what it is, and gives it back."""
    named = t.callee(decorator)
    if t.last_word(named) in WRAPPING or code.name(named, scope) in _OF_PACKAGES:
        return True
    found = code.defined(named, scope) if isinstance(named, t.Name | t.Attr) else None
    if found is None or not isinstance(found.node, t.Function):
        return False
    takers = list(_inner(found.node)) if isinstance(decorator, t.Call) else [found.node]
    given = [(taker, name) for taker in takers if (name := _taken(taker))]
    return bool(given) and all(_keeps_nothing(taker, name) for taker, name in given)


def _inner(function: t.Function) -> Iterator[t.Function]:
    """The functions in a function's body that it gives back: what its call decorates with."""
    given: set[str] = set()
    for node in t.walk_own(*function.body):
        match node:
            case t.Return(value=t.Name(id=name)):
                given.add(name)
            case t.Return(
                value=t.Choice(
                    then=t.Call(func=t.Name(id=called)) | t.Name(id=called),
                    other=t.Call(func=t.Name(id=name)) | t.Name(id=name),
                )
            ) if called == name:  # `return take(func) if func else take`
                given.add(name)
    yield from (s for s in function.body if isinstance(s, t.Function) and s.name in given)


def _taken(function: t.Function) -> str:
    """The parameter that what is decorated comes in."""
    names = [p.name for p in function.params if p.name not in ("self", "cls")]
    return names[0] if names else ""


def _keeps_nothing(function: t.Function, name: str) -> bool:
    """Whether a function does no more with a parameter than to call it, to look at it, and to give it back."""
    harmless: set[int] = set()
    for node in t.walk(*function.body):
        match node:
            case t.Call(func=func, args=args) if t.last_word(func) in _LOOKS_AT:
                harmless.update(map(id, [func, *args]))
            case t.Call(func=func):
                harmless.add(id(func))
            case t.Attr(value=value) | t.Return(value=t.Name() as value):
                harmless.add(id(value))
    names = (n for n in t.walk(*function.body) if isinstance(n, t.Name) and n.id == name)
    return all(id(node) in harmless for node in names)
