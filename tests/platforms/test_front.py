"""Which applications a proxy stands in front of, and what gets past it."""

from __future__ import annotations

import pytest

from auditor.model.deployment import ProxyLocation
from auditor.model.transport import HttpsRedirect, TlsEnd
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


_SITE = "server {\n  location / { proxy_pass http://app:8000; }\n}\n"
_LIMITS = "limit_req_zone $remote_addr zone=slow:10m rate=5r/s;\nlimit_req zone=slow;\n"


@pytest.mark.parametrize(
    ("files", "state"),
    [
        ({"prod/nginx.conf": f"http {{\n{_SITE}}}\n", "dev/nginx.conf": f"http {{\n{_LIMITS}{_SITE}}}\n"}, Limiting.ABSENT),
        ({"nginx/nginx.conf": f"http {{\n{_LIMITS}include conf.d/*.conf;\n}}\n", "nginx/conf.d/shop.conf": _SITE}, Limiting.PRESENT),
        ({"nginx/conf.d/limits.conf": _LIMITS, "nginx/conf.d/shop.conf": _SITE}, Limiting.PRESENT),
    ],
)  # fmt: skip
def test_sites_of_nginx_share_nothing(build: Build, files: dict[str, str], state: Limiting) -> None:
    """What includes a site, or lies beside it in `conf.d`, is read with it; another site is not."""
    assert _state(build, {"app.py": _APP, **files})[0] is state


def test_snippets_of_caddy_hold_where_they_are_imported(build: Build) -> None:
    snippet = "(slow) {\n\trate_limit {\n\t\tzone all {\n\t\t\tkey {remote_host}\n\t\t}\n\t}\n}\n"
    for taken, state in (("import slow", Limiting.PRESENT), ("encode gzip", Limiting.ABSENT)):
        site = f"shop.example.com {{\n\t{taken}\n\treverse_proxy app:8000\n}}\n"
        assert _state(build, {"app.py": _APP, "Caddyfile": snippet + site})[0] is state, taken


def test_a_proxy_of_caddy_may_have_a_block_of_its_own(build: Build) -> None:
    site = "shop.example.com {\n\trate_limit {\n\t\tzone all {\n\t\t\tkey {remote_host}\n\t\t}\n\t}\n\treverse_proxy app:8000 {\n\t\theader_up Host {host}\n\t}\n}\n"
    application = build({"app.py": _APP, "Caddyfile": site})
    assert [end.what for end in application.facts(TlsEnd)] == ["Caddy"]
    assert [each.hosts for each in application.facts(ProxyLocation)] == [("app",)]


@pytest.mark.parametrize(
    ("site", "ends", "insisted"),
    [
        (":80, :8080 {\n BODY\n}", 0, 0),
        (":80, shop.com {\n BODY\n}", 1, 0),
        ("a.com,\nb.com {\n BODY\n}", 1, 1),
        ("http://a.com, http://b.com {\n BODY\n}", 0, 0),
        ("http://a.com, https://a.com {\n BODY\n}", 1, 0),
        ("a.com:80 {\n BODY\n}", 0, 0),
        (":443 {\n tls internal\n BODY\n}", 1, 0),
        (":8443 {\n tls /cert.pem /key.pem\n BODY\n}", 1, 0),
        ("{$DOMAIN} {\n BODY\n}", 1, 1),
        ("{$DOMAIN::80} {\n BODY\n}", 0, 0),
        ("{$DOMAIN:shop.com} {\n BODY\n}", 1, 1),
        ("shop.com\nBODY", 1, 1),
        (":80\nBODY", 0, 0),
        ("{\n auto_https off\n}\nshop.com {\n BODY\n}", 0, 0),
    ],
)
def test_addresses_of_caddy(build: Build, site: str, ends: int, insisted: int) -> None:
    """https://caddyserver.com/docs/caddyfile/concepts#addresses"""
    files = {"app.py": _APP, "Caddyfile": site.replace("BODY", "reverse_proxy app:8000") + "\n"}
    application = build(files)
    assert len(application.facts(TlsEnd)) == ends
    assert len(application.facts(HttpsRedirect)) == insisted
    assert len(application.facts(ProxyLocation)) == 1


_COUNTED = """
from fastapi import FastAPI, Request
from slowapi import Limiter
limiter = Limiter(key_func=lambda request: request.headers.get("X-Forwarded-For"), storage_uri="redis://r")
app = FastAPI()

@app.get("/api/orders")
@limiter.limit("5/minute")
def orders(request: Request): ...
"""


@pytest.mark.parametrize(
    ("caddy", "ports", "state"),
    [
        ("shop.com {\n reverse_proxy web:8000\n}\n", "", Limiting.PRESENT),
        ("shop.com {\n reverse_proxy web:8000\n}\n", '    ports: ["8000:8000"]\n', Limiting.WEAK),
        ("{\n servers {\n  trusted_proxies static 0.0.0.0/0\n }\n}\nshop.com {\n reverse_proxy web:8000\n}\n", "", Limiting.WEAK),
        ("shop.com {\n reverse_proxy web:8000 {\n  header_up X-Forwarded-For {header.X-Real-IP}\n }\n}\n", "", Limiting.WEAK),
        ("shop.com {\n reverse_proxy web:8000 {\n  header_up X-Forwarded-For {remote_host}\n }\n}\n", "", Limiting.PRESENT),
        ("", "", Limiting.WEAK),
    ],
)  # fmt: skip
def test_caddy_writes_down_who_asked(build: Build, caddy: str, ports: str, state: Limiting) -> None:
    compose = f"services:\n  web:\n    build: .\n    command: gunicorn app:app\n{ports}  caddy:\n    image: caddy:2\n    ports: ['443:443']\n"
    files = {"app.py": _COUNTED, "compose.prod.yml": compose, "Caddyfile": caddy}
    assert _state(build, files)[0] is state


def test_elastic_beanstalk_s_nginx_takes_in_what_the_tree_gives(build: Build) -> None:
    files = {
        "app.py": _APP,
        ".platform/nginx/conf.d/body.conf": "client_max_body_size 10M;\n",
        "other/nginx/conf.d/body.conf": "client_max_body_size 20M;\n",
    }
    (found,) = build(files).facts(ProxyLocation)
    assert (found.path, found.body) == ("/", 10 * 1024 * 1024)


def test_limits_of_the_cloud_in_terraform(build: Build) -> None:
    for text, state in (
        ('resource "aws_api_gateway_method_settings" "all" {\n  method_path = "*/*"\n  settings {\n    throttling_rate_limit = 10\n  }\n}\n', Limiting.PRESENT),
        ('resource "aws_api_gateway_method_settings" "one" {\n  method_path = "other/GET"\n  settings {\n    throttling_rate_limit = 10\n  }\n}\n', Limiting.ABSENT),
        ('resource "aws_apigatewayv2_stage" "live" {\n  default_route_settings {\n    throttling_rate_limit = 0\n  }\n}\n', Limiting.ABSENT),
        ('resource "cloudflare_rate_limit" "all" {\n  threshold = 9\n  match {\n    request {\n      url_pattern = "${var.domain}/*"\n    }\n  }\n}\n', Limiting.PRESENT),
        ('resource "cloudflare_rate_limit" "other" {\n  match {\n    request {\n      url_pattern = "example.com/elsewhere/*"\n    }\n  }\n}\n', Limiting.ABSENT),
        ('resource "cloudflare_ruleset" "all" {\n  phase = "http_ratelimit"\n  rules {\n    ratelimit {\n      period = 10\n    }\n    expression = "true"\n  }\n}\n', Limiting.PRESENT),
        ('resource "cloudflare_ruleset" "other" {\n  phase = "http_ratelimit"\n  rules {\n    ratelimit {\n      period = 10\n    }\n    expression = "(http.request.uri.path eq \\"/elsewhere\\")"\n  }\n}\n', Limiting.ABSENT),
    ):  # fmt: skip
        assert _state(build, {"app.py": _APP, "main.tf": text})[0] is state, text
