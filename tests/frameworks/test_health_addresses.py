"""What a health check asks by an address."""

from __future__ import annotations

import pytest

from auditor.model.web import HealthCheck
from tests.conftest import Build


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ('f"{QDRANT_URL}/healthz"', "vector store"),
        ("'http://weaviate:8080/v1/.well-known/ready'", "vector store"),
        ("settings.billing_url", "service"),
    ],
)
def test_addresses(build: Build, address: str, asked: str) -> None:
    source = f"""
import httpx
from fastapi import FastAPI
from config import QDRANT_URL, settings
app = FastAPI()

@app.get("/ready")
async def ready():
    async with httpx.AsyncClient(timeout=2) as client:
        response = await client.get({address})
    response.raise_for_status()
    return {{"status": "ok"}}
"""
    (found,) = build({"app.py": source}).facts(HealthCheck)
    assert found.checks == (asked,)
