"""Functions as a service: serverless.yml and Zappa's settings.

https://www.serverless.com/framework/docs/providers/aws/guide/serverless.yml, https://github.com/logandk/serverless-wsgi and
https://github.com/zappa/Zappa#advanced-settings. API Gateway takes HTTPS alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from auditor.discover import Kind
from auditor.discover.environments import environment_of
from auditor.extract.facts import Fact
from auditor.extract.markup import at, items, read_json, read_yaml, text_at
from auditor.extract.readers.platforms import (
    Alarm,
    HttpsOnly,
    PlatformSetting,
    Process,
    Staged,
    Traced,
)
from auditor.extract.sensitive import safe_value
from auditor.extract.source import Source, extracts


class Adapted(Fact, frozen=True):
    """What hands requests of a platform on to a WSGI application, which no server then starts."""

    line: int


@extracts(Kind.PLATFORM, name=r"serverless\.ya?ml")
def serverless(source: Source) -> Iterator[Fact]:
    for document in read_yaml(source.text):
        for name, value in items(at(document.data, "provider", "environment")):
            if isinstance(value, str | int):
                line = document.line("provider", "environment", name)
                yield PlatformSetting("Serverless", name, safe_value(name, str(value)), "", line)
        for name, function in items(at(document.data, "functions")):
            for event in _list(at(function, "events")):
                schedule = text_at(event, "schedule") or text_at(event, "schedule", "rate")
                if schedule:
                    line = document.line("functions", name)
                    handler = f"{name} {text_at(function, 'handler')}"
                    yield Process("Serverless", name, handler, schedule, line)
        if at(document.data, "functions"):
            events = [event for _, f in items(at(document.data, "functions")) for event in _list(at(f, "events"))]  # fmt: skip
            if any("http" in event or "httpApi" in event for event in events if isinstance(event, dict)):  # fmt: skip
                yield HttpsOnly("API Gateway", document.line("functions"))
        for name, function in items(at(document.data, "functions")):
            if _ADAPTER.fullmatch(text_at(function, "handler")):
                yield Adapted(document.line("functions", name, "handler"))
                break
        if any(at(document.data, "provider", "tracing", of) for of in ("lambda", "apiGateway")):
            yield Traced("AWS X-Ray", document.line("provider", "tracing"))
        alarms = str(at(document.data, "custom", "alerts", "alarms"))
        if "functionErrors" in alarms and at(document.data, "custom", "alerts", "topics"):
            yield Alarm("an alarm of CloudWatch", document.line("custom", "alerts"))
        if at(document.data, "custom", "lambdaInsights", "defaultLambdaInsights"):
            yield Traced("Lambda Insights", document.line("custom", "lambdaInsights"))
    chosen = list(_STAGE.finditer(source.text))
    if len(chosen) > 1:  # the stage is given from outside, and something else depends on it
        yield Staged("the stage", source.text.count("\n", 0, chosen[0].start()) + 1)


@extracts(Kind.PLATFORM, name=r"zappa_settings\.json")
def zappa(source: Source) -> Iterator[Fact]:
    """One table for each stage."""
    document = read_json(source.text)
    stages = [(n, s) for n, s in items(document.data) if isinstance(s, dict)]
    for stage, settings in stages:
        if settings.get("app_function") or settings.get("django_settings"):
            yield Adapted(document.line(stage))
            yield HttpsOnly("API Gateway", document.line(stage))
        for key in ("environment_variables", "aws_environment_variables"):
            for name, value in items(settings.get(key)):
                line, shown = document.line(stage, key, name), safe_value(name, str(value))
                yield PlatformSetting("Zappa", name, shown, environment_of(stage), line)
        for event in _list(settings.get("events")):
            if schedule := text_at(event, "expression"):
                line = document.line(stage, "events")
                yield Process("Zappa", stage, text_at(event, "function"), schedule, line)
        if settings.get("xray_tracing") is True:
            yield Traced("AWS X-Ray", document.line(stage, "xray_tracing"))
    if len({environment_of(stage) for stage, _ in stages} - {""}) > 1:
        yield Staged("Zappa's stages", document.line(stages[0][0]))


_ADAPTER = re.compile(r"(?:.*/)?(?:serverless_)?wsgi_handler\.handler|(?:.*/)?wsgi\.handler")
_STAGE = re.compile(r"\$\{(?:opt:stage|sls:stage|self:provider\.stage)\b")


def _list(data: Any) -> list[Any]:
    return data if isinstance(data, list) else []
