"""The parts of a request, by the names that frameworks give them."""

from __future__ import annotations

from auditor.link.flow.taint import Form, Source, Taint

_FIELDS = {
    "query_params": "query", "args": "query", "GET": "query", "values": "form", "form": "form",
    "POST": "form", "cookies": "cookie", "COOKIES": "cookie", "headers": "header",
    "path_params": "path", "view_args": "path", "FILES": "file", "files": "file", "REQUEST": "form",
    "params": "query", "query": "query",
}  # fmt: skip
_BODIES = {
    "json": "body",
    "get_json": "body",
    "data": "body",
    "JSON": "body",
    "json_body": "body",
}
_ADDRESS = {"path", "path_info", "base_url"}
_URL = {"url", "full_path", "get_full_path", "build_absolute_uri", "get_full_path_info"}
"""With the query string, which holds what the caller likes."""
_TEXTS = {
    "body": "body",
    "get_data": "body",
    "raw_post_data": "body",
    "query_string": "query",
}


def of_request(base: Taint, name: str, called: bool) -> Taint | None:
    """A part of the request, by the names that frameworks give it."""
    if kind := _FIELDS.get(name):
        segment = kind == "path"
        return Taint(Source(kind, segment=segment), Form.FIELDS)
    if kind := _BODIES.get(name):
        return (
            base
            if name == "json" and not called and base.source.name == "starlette"
            else Taint(Source(kind), Form.OBJECT)
        )
    if kind := _TEXTS.get(name):
        return Taint(Source(kind))
    if name in _ADDRESS:
        return Taint(Source("url"))
    if name in _URL:
        return Taint(Source("url", name))
    return None
