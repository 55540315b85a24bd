"""Metrics and traces: Prometheus, OpenTelemetry, StatsD and the agents of APM services.

Sources: their set-up pages. A metric that is counted and exposed nowhere tells nobody anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.readers.platforms import Traced
from auditor.extract.readers.scripts import ScriptLine
from auditor.link.application import Application, provides
from auditor.link.reach import Reach
from auditor.link.scopes import place_of
from auditor.model.deployment import Command
from auditor.model.operations import Telemetry
from auditor.model.places import Place
from auditor.model.settings import FrameworkSetting
from auditor.model.values import possible

_SETUPS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("Prometheus", r"prometheus_client\.(?:\w+\.)*(?:start_http_server|make_asgi_app|make_wsgi_app|generate_latest|push_to_gateway|start_wsgi_server)$"),
        ("Prometheus", r"prometheus_fastapi_instrumentator\.Instrumentator\(\).*\.(?:expose|instrument)$"),
        ("Prometheus", r"(?:starlette_exporter|starlette_prometheus|aioprometheus)\.\w+|prometheus_flask_exporter\.(?:\w+\.)*\w*PrometheusMetrics(?:\.for_app_factory)?$|flask_prometheus_metrics\.\w+"),
        ("Prometheus", r"(?:\w+\.)+\w*(?:Metrics|Prometheus\w*)\(\)\.init_app$"),
        ("OpenTelemetry", r"opentelemetry\.instrumentation\.(?:\w+\.)*\w+Instrumentor(?:\(\))?\.instrument(?:_app)?$"),
        ("OpenTelemetry", r"opentelemetry\.(?:trace\.set_tracer_provider|metrics\.set_meter_provider)$"),
        ("Jaeger", r"jaeger_client\.(?:config\.)?Config\(\)\.(?:initialize_tracer|new_tracer)$"),
        ("OpenTracing", r"opentracing\.set_global_tracer$|flask_opentracing\.(?:\w+\.)*FlaskTracer$|flask_opentracing\.(?:\w+\.)*FlaskTracing$"),
        ("Azure Monitor", r"azure\.monitor\.opentelemetry\.configure_azure_monitor$"),
        ("Logfire", r"logfire\.(?:instrument_\w+|configure)$"),
        ("Datadog", r"ddtrace\.(?:patch_all|patch|auto.*)$|datadog\.initialize$"),
        ("StatsD", r"statsd\.(?:StatsClient|TCPStatsClient)$|datadog\.(?:\w+\.)*statsd\.\w+$"),
        ("Markus", r"markus\.configure$"),
        ("New Relic", r"newrelic\.agent\.(?:initialize|WSGIApplicationWrapper|ASGIApplicationWrapper)$"),
        ("Elastic APM", r"elasticapm\.(?:Client|contrib\.(?:\w+\.)*\w+)$"),
        ("AppSignal", r"appsignal\.Appsignal$"),
        ("Scout", r"scout_apm\.(?:\w+\.)*\w+$"),
        ("AWS X-Ray", r"aws_xray_sdk\.(?:\w+\.)*(?:configure|patch_all|XRayMiddleware)$"),
        ("AWS Powertools", r"aws_lambda_powertools\.(?:\w+\.)*(?:Tracer|Metrics)$"),
    )
)  # fmt: skip
_LAST = (
    "start_http_server", "make_asgi_app", "make_wsgi_app", "generate_latest", "push_to_gateway", "expose", "instrument", "init_app",
    "instrument_app", "PrometheusMetrics", "GunicornPrometheusMetrics", "for_app_factory", "PrometheusMiddleware", "handle_metrics", "set_tracer_provider",
    "initialize_tracer", "new_tracer", "set_global_tracer", "FlaskTracer", "FlaskTracing", "set_meter_provider", "configure_azure_monitor", "configure", "patch_all", "patch", "initialize", "StatsClient", "TCPStatsClient",
    "WSGIApplicationWrapper", "ASGIApplicationWrapper", "Client", "make_apm_client", "Appsignal", "XRayMiddleware", "Tracer", "Metrics",
    "instrument_fastapi", "instrument_flask", "instrument_django", "increment", "gauge", "histogram", "timing", "add_middleware", "ElasticAPM",
)  # fmt: skip
_COUNTS = ("prometheus_client.Counter", "prometheus_client.Histogram", "prometheus_client.Gauge", "prometheus_client.Summary")  # fmt: skip
_MIDDLEWARE = re.compile(
    r"observability|prometheus|opentelemetry|elasticapm|ddtrace|scout_apm|apitally", re.I
)
_AGENTS = (
    ("Datadog", re.compile(r"\bddtrace-run\b")),
    ("New Relic", re.compile(r"\bnewrelic-admin\s+run-program\b")),
    ("OpenTelemetry", re.compile(r"\bopentelemetry-instrument\b")),
    ("AppSignal", re.compile(r"\bappsignal-wrap\b")),
)


@provides(Telemetry)
def telemetry(application: Application) -> Iterator[Telemetry]:
    code = application.code
    (reach,) = application.facts(Reach)
    found = False
    for site in code.method_calls(*_LAST):
        name = code.name(site.node.func, site.scope)
        if name.endswith(".add_middleware"):
            name = code.name(site.arg(0, "middleware_class"), site.scope)
            if not _MIDDLEWARE.search(name):
                continue
            yield Telemetry(name.split(".")[0], True, reach.started_by(site), place_of(site))
            found = True
            continue
        for title, pattern in _SETUPS:
            if name and pattern.match(name):
                found = True
                yield Telemetry(title, True, reach.started_by(site), place_of(site))
                break
    for site in code.calls("sentry_sdk.init"):
        given = site.arg(None, "traces_sample_rate", "traces_sampler")
        if given is not None:
            rate = application.values.value(given, site.scope)
            known = list(possible(rate))
            if not known or any(k.value for k in known):
                yield Telemetry("Sentry's tracing", True, reach.started_by(site), place_of(site))
    for setting in application.facts(FrameworkSetting):
        if setting.name in ("MIDDLEWARE", "INSTALLED_APPS"):
            words = [str(w) for k in possible(setting.value) if isinstance(k.value, list) for w in k.value]  # fmt: skip
            if word := next((w for w in words if _MIDDLEWARE.search(w)), ""):
                yield Telemetry(word, True, "start", setting.place)
    for title, place in agents(application):
        yield Telemetry(title, True, "start", place)
    for file, traced in application.of(Traced):
        yield Telemetry(traced.what, True, "start", Place(file.path, traced.line))
    if not found:
        for site in code.calls(*_COUNTS):
            yield Telemetry("Prometheus", False, reach.started_by(site), place_of(site))


def agents(application: Application) -> Iterator[tuple[str, Place]]:
    """What a command is wrapped in, which reports errors and traces of everything it starts."""
    started = [(c.text, c.place) for c in application.facts(Command)]
    started += [
        (line.text, Place(file.path, line.line)) for file, line in application.of(ScriptLine)
    ]
    for text, place in started:
        for title, pattern in _AGENTS:
            if pattern.search(text):
                yield title, place
