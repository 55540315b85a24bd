"""What a health check asks, and whether a failure of what it asks shows in its status code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import Located

_PATTERNS = (
    ("database", r"(?:Client|Database|Collection)\(\).*\.(?:command|server_info|list_\w+|find_one|find|count_documents|estimated_document_count)$"),
    ("database", r"(?:Session|session|engine|connection|Engine|AsyncSession)\w*(?:\(\))*.*\.(?:execute|scalar|connect|begin)$"),
    ("database", r"\.objects(?:\(\))?\.(?:\w+(?:\(\))?\.)*(?:a?first|a?exists|a?count|a?get|all|none)$"),
    ("database", r"\.ensure_connection$|\.query(?:\(\))?\.(?:\w+(?:\(\))?\.)*(?:first|count|all|get)$"),
    ("database", r"(?:^|[.:_])(?:check|ping|test|verify|is)_?(?:\w+_)?(?:database|db|connection|postgres|mongo|mysql)\w*$"),
    ("database", r"(?:^|[.:_])(?:database|db|mongo|postgres)_(?:ready|alive|ok|up|exists|health\w*|is_\w+)$"),
    ("database", r"(?:^|\.)(?:fetchval|fetchrow|fetchone|fetch_one|fetch_val)$"),
    ("cache", r"^django\.core\.cache\.caches?(?:\[\])?\.a?(?:get|set|add|touch)$|[Cc]ache\(\)\.(?:get|set)$"),
    ("cache", r"[Rr]edis(?!_h\b)(?!\w*(?:health|check|status))\w*(?:\(\))?.*\.(?:ping|get|set|info)$"),
    ("service", r"^(?:httpx|requests|aiohttp)\..*(?:get|post|head|request)$"),
    ("queue", r"(?:celery|kombu|aio_pika|pika)\..*\.(?:ping|connect\w*|inspect)$"),
    ("queue", r"^(?:pika\.\w*Connection|aio_pika\.connect\w*|kombu\.Connection|nats\.connect)(?:$|\()"),
    ("queue", r"(?:[Kk]afka|[Rr]abbit|[Bb]roker|[Nn]ats|[Cc]elery)\w*(?:\(\))?.*\.(?:ping|list_topics|bootstrap_connected|is_connected|partitions_for|inspect|ensure_connection)$"),
    ("queue", r"(?:^|[.:_])(?:check|ping|test|verify)_?(?:\w+_)?(?:kafka|rabbit(?:mq)?|broker|celery|queue)$|(?:^|[.:_])(?:kafka|rabbit(?:mq)?|broker|queue)_(?:ready|alive|ok|health\w*)$"),
    ("vector store", r"(?:[Qq]drant|[Ww]eaviate|[Cc]hroma|[Pp]inecone|[Mm]ilvus|[Vv]ector)\w*(?:\(\))?.*\.(?:get_collections?|collection_exists|count_\w+|get_collection_\w+|heartbeat|is_ready|is_live|list_\w+|describe_index\w*|get_server_version|info|ping|health\w*)$"),
    ("vector store", r"(?:^|[.:_])(?:check|ping|test|verify)_?(?:\w+_)?(?:qdrant|weaviate|chroma(?:db)?|pinecone|milvus|vector\w*)$|(?:^|[.:_])(?:qdrant|weaviate|chroma(?:db)?|pinecone|milvus|vector\w*)_(?:ready|alive|ok|health\w*)$"),
    ("search engine", r"(?:[Ee]lastic[Ss]earch|[Oo]pen[Ss]earch|[Tt]ypesense|[Mm]eili\w*)(?:\(\))?.*\.(?:ping|info|health)$"),
)  # fmt: skip
ASKS = tuple((what, re.compile(pattern)) for what, pattern in _PATTERNS)
"""What is asked by calls of a name."""


def reports_failure(code: Code, function: Located, plain: bool) -> bool:
    """Whether some way out is an error: an exception that goes on, or a response of 5xx.

    Without a `try` anywhere, a failing check ends in the framework's own status 500. `plain` tells
    that the framework takes a tuple for data (FastAPI's `return body, 503` is a 200).
    """
    functions = code.with_callees(function, _DEEP)
    nodes = [n for f in functions for n in t.walk_own(*f.node.body)]  # type: ignore[attr-defined]
    if not any(isinstance(node, t.Try) for node in nodes):
        return True
    return _goes_wrong(code, function, plain, _DEEP, set())


def _goes_wrong(code: Code, function: Located, plain: bool, depth: int, seen: set[int]) -> bool:
    """Whether a function may end in an error that it means: what a broad handler swallows does not count."""
    if id(function.node) in seen:
        return False
    seen.add(id(function.node))
    inside = code.inside(function)
    for node in _unswallowed(function.node.body, plain):  # type: ignore[attr-defined]
        if fails(node):
            return True
        if isinstance(node, t.Call):
            name = code.name(node.func, inside) or t.dotted(node.func)
            callee = code.defined(node.func, inside)
            if callee is None or not isinstance(callee.node, t.Function):
                if any(pattern.search(name) for _, pattern in ASKS):
                    return True  # its exception goes on
            elif depth and _goes_wrong(code, callee, False, depth - 1, seen):
                return True
    return False


def _unswallowed(body: Iterable[t.Node], plain: bool) -> Iterator[t.Node]:
    """The nodes of a body but those whose exceptions a handler for all of them takes."""
    for stmt in body:
        match stmt:
            case t.Try(body=tried, handlers=handlers, orelse=orelse, final=final):
                broad = any(h.catches is None or t.last_word(h.catches) in _BROAD for h in handlers)
                inner = list(_unswallowed(tried, plain))
                yield from (n for n in inner if not broad or not isinstance(n, t.Raise | t.Call))
                for handler in handlers:
                    yield from _unswallowed(handler.body, plain)
                yield from _unswallowed((*orelse, *final), plain)
            case t.Return(value=t.Seq(items=items)) if plain and items:
                yield from t.walk_own(items[0])
            case t.If(test=test, body=first, orelse=second):
                yield from t.walk_own(test)
                yield from _unswallowed((*first, *second), plain)
            case t.With(contexts=contexts, body=inner_body):
                yield from t.walk_own(*contexts)
                yield from _unswallowed(inner_body, plain)
            case t.For(body=inner_body, iter=iterated):
                yield from t.walk_own(iterated)
                yield from _unswallowed(inner_body, plain)
            case t.Function() | t.Class():
                pass
            case _:
                yield from t.walk_own(stmt)


_BROAD = {"Exception", "BaseException"}
_DEEP = 3


def fails(node: t.Node) -> bool:
    match node:
        case t.Raise():
            return True
        case t.Const(value=int(status)) if 500 <= status < 600:
            return True
        case t.Attr(name=name):
            return (
                re.search(
                    r"HTTP_5\d\d_|SERVICE_UNAVAILABLE|INTERNAL_SERVER_ERROR|BAD_GATEWAY|GATEWAY_TIMEOUT|^(?:InternalServerError|ServiceUnavailable)$",
                    name,
                )
                is not None
            )
    return False
