"""Logging: structured or plain, and whether anything runs the set-up.

Sources: the documentation of logging, structlog, loguru and python-json-logger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from auditor.extract.python import tree as t
from auditor.extract.readers.log_files import LogFile
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.reach import Reach, for_developers
from auditor.link.scopes import CallSite, Located, place_of
from auditor.model.deployment import Standing, Start
from auditor.model.operations import LogSetup, Print
from auditor.model.values import possible

_JSON_FORMATTERS = re.compile(
    r"^(?:pythonjsonlogger\..*JsonFormatter|json_log_formatter\.\w+|jsonlogger\.\w+"
    r"|logstash_formatter\.\w+|ecs_logging\.\w+|google\.cloud\.logging\..*|watchtower\..*"
    r"|logging_json\.\w+|asgi_correlation_id\..*Json\w*)\(\)$"
)


_OUTSIDE_LAST = ("init_app", "setup", "configure", "init", "setup_logging", "configure_logging", "init_logging")  # fmt: skip
_OUTSIDE = re.compile(
    r"^(?!logging\.|structlog\.|loguru\.)[A-Za-z]\w*(?:\.\w+)*?\.\w*(?:logging|log_config|logger|logs)\w*(?:\.\w+)*$"
)
"""A function of another package that sets logging up, by its name; how it writes lies outside of the tree."""


_STRUCTURED = {
    "aws_lambda_powertools.Logger": "AWS Powertools",
    "aws_lambda_powertools.logging.Logger": "AWS Powertools",
    "google.cloud.logging.Client().setup_logging": "Cloud Logging",
    "azure.monitor.opentelemetry.configure_azure_monitor": "Azure Monitor",
    "logfire.configure": "Logfire",
    "ecs_logging.StdlibFormatter": "ECS logging",
    "json_logging.init_fastapi": "json_logging",
    "json_logging.init_flask": "json_logging",
}
"""Set-ups whose logs leave as records with fields."""


_WRITES_RECORDS = (
    r"JsonFormatter|json_?log|structlog|JSONRenderer|log_formatter_(?:asim|ecs)|ASIMFormatter|ECSFormatter|ecs_logging|StdlibFormatter"
    r"|StackdriverJson|CloudLoggingHandler|StructuredLogHandler"
    r"|\"[\w@.-]{2,24}\"\s*:\s*\"?%\((?:asctime|levelname|message|name)\)"
)


def writes_json(configuration: str) -> bool:
    """Whether the words of a `dictConfig` name a formatter that writes JSON."""
    return bool(re.search(_WRITES_RECORDS, configuration, re.I))


def writes_records(configuration: dict[Any, Any]) -> bool:
    """Whether what a `dictConfig` sets up writes JSON: its root logger, or as many loggers as write text.

    A formatter that no handler uses, or one logger's among many, leaves the logs as they were.
    """
    text = str(configuration)
    if not writes_json(text):
        return False
    formatters = {
        name for name, each in _part(configuration, "formatters") if writes_json(str(each))
    }
    handlers: set[Any] = set()
    for name, each in _part(configuration, "handlers"):
        used = each.get("formatter") if isinstance(each, dict) else None
        if used in formatters or writes_json(f"{each}"):
            handlers.add(name)
    loggers = dict(_part(configuration, "loggers"))
    root = configuration.get("root") or loggers.pop("", None) or loggers.pop("root", None)
    if isinstance(root, dict) and _given(root):
        if handlers.intersection(_given(root)):
            return True
        loggers[""] = root
    writing = [
        bool(handlers.intersection(_given(each))) for each in loggers.values() if _given(each)
    ]
    if not writing:  # told by means that are not read here
        return bool(handlers) or not _part(configuration, "handlers")
    return writing.count(True) >= writing.count(False)


def _part(configuration: dict[Any, Any], name: str) -> list[tuple[Any, Any]]:
    part = configuration.get(name)
    return list(part.items()) if isinstance(part, dict) else []


def _given(logger: Any) -> list[str]:
    """The handlers of a logger, as far as they are names."""
    given = logger.get("handlers") if isinstance(logger, dict) else None
    return [each for each in given if isinstance(each, str)] if isinstance(given, list) else []


@provides(LogSetup)
def log_setups(application: Application) -> Iterator[LogSetup]:
    code = application.code
    (reach,) = application.facts(Reach)
    for site in code.calls("logging.basicConfig"):
        yield LogSetup("logging.basicConfig", False, place_of(site), reach.started_by(site))
    for site in code.calls("structlog.configure", "structlog.configure_once"):
        renders = any(True for _ in code.method_calls("JSONRenderer"))  # often set up elsewhere
        yield LogSetup("structlog", renders, place_of(site), reach.started_by(site))
    for site in code.calls("loguru.logger.add"):
        serialize = application.values.value(site.arg(None, "serialize"), site.scope)
        structured = any(k.value is True for k in possible(serialize))
        yield LogSetup("loguru", structured, place_of(site), reach.started_by(site))
    files = {found.name: found.structured for _, found in application.of(LogFile)}
    for site in code.calls("logging.config.dictConfig"):
        given = application.values.value(site.arg(0, "config"), site.scope)
        known = [k.value for k in possible(given) if isinstance(k.value, dict)]
        words = _words(application, site.arg(0, "config"), site)
        structured = (
            any(map(writes_records, known))
            if known
            else writes_json(words) or _in_file(files, words)
        )
        yield LogSetup("logging.config", structured, place_of(site), reach.started_by(site))
    for site in code.calls("logging.config.fileConfig"):
        words = _words(application, site.arg(0, "fname"), site)
        yield LogSetup("logging.config", _in_file(files, words), place_of(site), reach.started_by(site))  # fmt: skip
    for site in code.calls(*_STRUCTURED):
        name = code.name(site.node.func, site.scope)
        yield LogSetup(_STRUCTURED[name], True, place_of(site), reach.started_by(site))
    for site in code.calls("loguru.logger.configure"):
        structured = any(
            isinstance(n, t.Const) and n.value == "serialize"
            for source in application.values.sources(site.arg(0, "handlers"), site.scope)
            for n in t.walk_own(source.node)
        )
        yield LogSetup("loguru", structured, place_of(site), reach.started_by(site))
    for site in code.method_calls(*_OUTSIDE_LAST):
        name = code.name(site.node.func, site.scope)
        if _OUTSIDE.match(name) and code.defined(site.node.func, site.scope) is None:
            yield LogSetup(name.rpartition(".")[0], None, place_of(site), reach.started_by(site))
    for site in code.method_calls("addHandler"):
        if code.name(site.node.func, site.scope) == "logging.getLogger().addHandler":
            yield LogSetup("logging", False, place_of(site), reach.started_by(site))
    yield from _formatters(application, reach)


def _in_file(files: dict[str, bool], words: str) -> bool:
    """Whether the file that is named writes records; any file of the tree where the name is not told."""
    named = [structured for name, structured in files.items() if name in words]
    return any(named) if named else bool(files) and all(files.values())


@provides(LogSetup)
def given_to_servers(application: Application) -> Iterator[LogSetup]:
    """`uvicorn --log-config logging.yaml`, as gunicorn and hypercorn take it too."""
    files = {found.name: found.structured for _, found in application.of(LogFile)}
    for start in application.facts(Start):
        if start.standing is not Standing.LOCAL and (match := _GIVEN.search(start.command.text)):
            name = match[1].rpartition("/")[2]
            if name in files:
                yield LogSetup(name, files[name], start.command.place, "start")


_GUNICORN = re.compile(r"gunicorn[\w.-]*\.py|guniconf\.py")


@provides(LogSetup)
def given_to_gunicorn(application: Application) -> Iterator[LogSetup]:
    """`logconfig`, `logconfig_dict` and `logconfig_json` of gunicorn's own configuration file.

    https://docs.gunicorn.org/en/stable/settings.html#logconfig
    """
    files = {found.name: found.structured for _, found in application.of(LogFile)}
    for module in application.code.modules.values():
        if not _GUNICORN.fullmatch(module.path.rpartition("/")[2]):
            continue
        for name in ("logconfig", "logconfig_dict", "logconfig_json"):
            for binding in module.scope.bindings.get(name, ()):
                if binding.value is not None:
                    at = Located(binding.value, module.scope)
                    words = _words(application, binding.value, at)
                    structured = writes_json(words) or _in_file(files, words)
                    yield LogSetup("gunicorn's logconfig", structured, place_of(at), "start")


_GIVEN = re.compile(r"--log-config(?:-json)?[ =](\S+)")


def _words(application: Application, config: t.Expr | None, site: Located) -> str:
    found = []
    for source in application.values.sources(config, site.scope):
        for node in t.walk_own(source.node):
            if isinstance(node, t.Const) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, t.Name | t.Attr):
                found.append(t.dotted(node))
    return " ".join(found)


def _formatters(application: Application, reach: Reach) -> Iterator[LogSetup]:
    """`handler.setFormatter(JsonFormatter(…))`, a formatter of the tree that writes JSON too."""
    code = application.code
    for site in code.method_calls("setFormatter"):
        name = _formatter(code, site)
        own = code.definition(name.removesuffix("()"))
        above = code.ancestry(own) if own is not None and isinstance(own.node, t.Class) else []
        structured = any(
            _JSON_FORMATTERS.match(each.removesuffix("()") + "()") for each in [name, *above]
        ) or (
            own is not None
            and any(
                isinstance(n, t.Call) and t.dotted(n.func).endswith("json.dumps")
                for n in t.walk(*own.node.body)  # type: ignore[attr-defined]
            )
        )
        if structured:
            library = re.split(r"[.:]", name.removesuffix("()"))[-1]
            yield LogSetup(library, True, place_of(site), reach.started_by(site))


def _formatter(code: Code, site: CallSite) -> str:
    """What a handler is given: of two formatters that a condition chooses between, the one that is not `logging`'s.

    Unless the switch for it, a parameter of the function, is off where nothing is said.
    """
    given = site.arg(0, "fmt")
    names = [code.name(given, site.scope)]
    off = site.function is not None and any(
        "json" in p.name.lower() and isinstance(p.default, t.Const) and p.default.value is False
        for p in site.function.params
    )
    if isinstance(given, t.Name) and not off:
        for bound in site.scope.bindings.get(given.id, ()):
            if bound.value is not None:
                names.append(code.name(bound.value, site.scope))
    own = [each for each in names if each and not each.startswith("logging.")]
    return own[0] if own else names[0]


@provides(Print)
def prints(application: Application) -> Iterator[Print]:
    """`print` in code that the application runs, not in scripts."""
    (reach,) = application.facts(Reach)
    for site in application.code.calls("builtins.print"):
        if reach.started_by(site) and not for_developers(application.values, site):
            yield Print(place_of(site))
