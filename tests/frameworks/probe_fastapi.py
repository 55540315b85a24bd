"""Runs in a process of its own: prints what a FastAPI or Starlette application really serves.

Walks the framework's routing table (recent FastAPI fills it lazily, so that included routers stand
in it as wrappers), mounted applications included, and asks for each route without a credential.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

FILL = {"int": "1", "float": "1.5", "uuid": "7d9f0bb0-9a5c-4b9e-9c5a-2a2f0f5d0001"}


def table(routes: list[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(method, full path) of every route, documentation and static files left out."""
    import fastapi.routing
    from starlette.routing import Mount

    contexts = getattr(fastapi.routing, "iter_route_contexts", lambda found: found)
    for route in contexts(routes):
        original = getattr(route, "original_route", route)
        if isinstance(original, Mount):
            below = getattr(original.app, "routes", None)
            if below is not None:
                yield from table(below, prefix + original.path)
            continue
        path = prefix + (getattr(route, "path", "") or "")
        if getattr(route, "endpoint", None) is None:
            continue
        if route.endpoint.__module__.startswith("fastapi.applications"):
            continue
        methods = getattr(route, "methods", None) or set()
        if isinstance(route.endpoint, type):
            verbs = {"get", "post", "put", "patch", "delete"}
            methods = {name.upper() for name in verbs & set(dir(route.endpoint))}
        if not methods and "WebSocket" in type(original).__name__:
            yield "WEBSOCKET", path
        for method in sorted(methods):
            if method != "HEAD" or "GET" not in methods:
                yield method, path


def url(path: str) -> str:
    return re.sub(r"\{\w+(?::(\w+))?\}", lambda found: FILL.get(found[1] or "", "1"), path)


def turned_away(client: object, method: str, path: str) -> bool:
    if method == "WEBSOCKET":
        from starlette.websockets import WebSocketDisconnect

        try:
            with client.websocket_connect(url(path)):  # type: ignore[attr-defined]
                return False
        except WebSocketDisconnect as error:
            return error.code in (1008, 3000, 3003, 4001, 4003, 4401, 4403)
    answer = client.request(method, url(path), follow_redirects=False)  # type: ignore[attr-defined]
    to_login = answer.is_redirect and "login" in answer.headers.get("location", "")
    return answer.status_code in (401, 403) or to_login


def main() -> None:
    from starlette.testclient import TestClient

    sys.path.insert(0, ".")
    module, _, name = (sys.argv[1:] or ["app:app"])[0].partition(":")
    app = getattr(importlib.import_module(module), name)
    with TestClient(app, raise_server_exceptions=False) as client:
        seen = dict.fromkeys(table(app.routes))
        rows = [[method, path, turned_away(client, method, path)] for method, path in seen]
    print(json.dumps(rows))


main()
