"""Routes that cannot be seen are said to be unseen."""

from __future__ import annotations

import pytest

from auditor.model.blind import BlindSpot
from tests.conftest import Build

HEAD = "from fastapi import APIRouter, FastAPI\napp = FastAPI()\n"
CASES = {
    "a router of another package": (
        "from other import router\napp.include_router(router, prefix='/x')\n",
        "the routes of other.router under /x come from outside this tree",
    ),
    "a mounted application": (
        "from prometheus_client import make_asgi_app\napp.mount('/metrics', make_asgi_app())\n",
        "the routes of prometheus_client.make_asgi_app under /metrics come from outside this tree",
    ),
    "a router that is handed out": (
        "from voice import Chat\nrouter = APIRouter()\nChat.register(router)\napp.include_router(router)\n",
        "voice.Chat.register may add routes to `router`, which lie outside this tree",
    ),
}


@pytest.mark.parametrize("source, reason", CASES.values(), ids=CASES.keys())
def test_unseen_routes(source: str, reason: str, build: Build) -> None:
    assert [s.reason for s in build({"app.py": HEAD + source}).facts(BlindSpot)] == [reason]


def test_static_files_hide_no_routes(build: Build) -> None:
    source = (
        "from fastapi.staticfiles import StaticFiles\napp.mount('/s', StaticFiles(directory='s'))\n"
    )
    assert build({"app.py": HEAD + source}).facts(BlindSpot) == ()
