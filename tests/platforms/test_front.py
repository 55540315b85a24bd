"""Which applications a proxy stands in front of, and what gets past it."""

from __future__ import annotations

from auditor.model.web import Limited, Limiting
from tests.conftest import Build

_APP = """
from fastapi import FastAPI
app = FastAPI()

@app.get("/api/orders")
def orders(): ...
"""
_LIMITED = """
limit_req_zone $binary_remote_addr zone=pages:10m rate=5r/s;
upstream api { server web:8000; }
server {
  location /api/ { limit_req zone=pages; proxy_pass http://api; }
}
"""
_PLAIN = "server { location /api/ { proxy_pass http://web:8000; } }\n"
_COMPOSE = """
services:
  web:
    build: backend
    command: gunicorn app:app
  nginx:
    image: nginx:1
    ports: ["80:80"]
    volumes: ["./nginx/nginx.conf:/etc/nginx/nginx.conf:ro"]
  pages:
    build: frontend
"""
_TRAEFIK = """
services:
  grafana:
    image: grafana/grafana:11
    labels:
      - traefik.http.routers.grafana.middlewares=slow
      - traefik.http.middlewares.slow.ratelimit.average=5
  web:
    build: .
    command: gunicorn app:app
    labels:
      - traefik.http.routers.plain.middlewares=secure
      - traefik.http.middlewares.secure.redirectscheme.scheme=https
      - traefik.http.routers.web.tls=true
      - traefik.http.routers.web.middlewares=MIDDLEWARES
"""
_KONG = """
_format_version: "3.0"
services:
  - name: other
    url: http://other:8000
    routes: [{paths: [/other]}]
    plugins: [{name: rate-limiting, config: {minute: 5}}]
  - name: shop
    url: http://web:8000
    routes: [{name: api, paths: [/shop]}]
plugins: [PLUGIN]
"""
_SERVICES = (
    "services:\n  web:\n    build: .\n    command: gunicorn app:app\n  other:\n    build: other\n"
)


def _state(build: Build, files: dict[str, str]) -> tuple[Limiting, str]:
    (found,) = build(files).facts(Limited)
    return found.state, found.best.reason if found.best else ""


def test_proxy_that_nobody_reaches_is_no_way_in(build: Build) -> None:
    files = {
        "backend/app.py": _APP,
        "nginx/nginx.conf": _LIMITED,
        "frontend/nginx.conf": _PLAIN,
        "frontend/Dockerfile": "FROM nginx:1\nCOPY nginx.conf /etc/nginx/conf.d/default.conf\n",
        "docker-compose.prod.yml": _COMPOSE,
    }
    assert _state(build, files)[0] is Limiting.PRESENT
    published = _COMPOSE.replace("build: frontend", 'build: frontend\n    ports: ["81:80"]')
    assert _state(build, files | {"docker-compose.prod.yml": published})[0] is Limiting.ABSENT


def test_port_of_the_application_gets_round_its_proxy(build: Build) -> None:
    compose = _COMPOSE.replace("app:app", 'app:app\n    ports: ["8000:8000"]')
    files = {
        "backend/app.py": _APP,
        "nginx/nginx.conf": _LIMITED,
        "docker-compose.prod.yml": compose,
    }
    state, reason = _state(build, files)
    assert state is Limiting.WEAK
    assert "publishes 8000:8000" in reason
    local = compose.replace("8000:8000", "127.0.0.1:8000:8000")
    assert _state(build, files | {"docker-compose.prod.yml": local})[0] is Limiting.PRESENT


def test_limit_of_another_service_is_none(build: Build) -> None:
    for used, state in (
        ("nothing", Limiting.ABSENT),
        ("slow@docker", Limiting.PRESENT),
        ("all@file", Limiting.PRESENT),
    ):
        files = {
            "app.py": _APP,
            "docker-compose.prod.yml": _TRAEFIK.replace("MIDDLEWARES", used),
            "traefik/dynamic.yml": "http:\n  middlewares:\n    all:\n      chain: {middlewares: [slow]}\n",
        }
        assert _state(build, files)[0] is state, used


def test_plugins_of_kong_hold_for_what_they_stand_at(build: Build) -> None:
    for plugin, state in (
        ("{name: cors}", Limiting.ABSENT),
        ("{name: rate-limiting, config: {minute: 5}}", Limiting.PRESENT),
        ("{name: rate-limiting, route: api, config: {minute: 5}}", Limiting.PRESENT),
        ("{name: rate-limiting, service: other, config: {minute: 5}}", Limiting.ABSENT),
        ("{name: rate-limiting, config: {limit_by: header, header_name: X-Tenant}}", Limiting.WEAK),
    ):
        files = {
            "app.py": _APP,
            "compose.prod.yml": _SERVICES,
            "kong.yml": _KONG.replace("PLUGIN", plugin),
        }
        assert _state(build, files)[0] is state, plugin
