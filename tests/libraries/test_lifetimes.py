"""Who closes what lives as long as the application."""

from __future__ import annotations

import pytest

from auditor.model.operations import Resource
from tests.conftest import Build

_CACHE = """
import redis.asyncio as redis
class Cache:
    def __init__(self, url):
        self.client = redis.from_url(url)
    async def close(self):
        await self.client.close()
"""
_STORE = """
import redis.asyncio as redis
class Store:
    def __init__(self, url):
        self._client = redis.from_url(url)
"""
_APP = """
from contextlib import asynccontextmanager
from arq import create_pool
from fastapi import FastAPI
from cache import Cache
from store import Store
cache, store = Cache("redis://a"), Store("redis://a")

@asynccontextmanager
async def lifespan(app):
    yield
    CLOSED

app = FastAPI(lifespan=lifespan)
"""


@pytest.mark.parametrize(
    ("closed", "run"),
    [("await cache.close()", True), ("redis = await create_pool(); await redis.close()", False)],
)
def test_a_class_closes_its_own(build: Build, closed: str, run: bool) -> None:
    files = {"cache.py": _CACHE, "store.py": _STORE, "main.py": _APP.replace("CLOSED", closed)}
    cache, store = sorted(build(files).facts(Resource), key=lambda each: each.place.path)
    assert bool(cache.run) is run
    assert store.closed is None
