"""Calls to other systems: how long they may take, and how they are tried again.

Sources: the documentation of requests (no timeout unless given), httpx (5 s), aiohttp (300 s), urllib,
urllib3, smtplib (none unless given), the clients of OpenAI and Anthropic (10 minutes) and Groq (1 minute), and tenacity, backoff and urllib3's Retry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.reach import Reach
from auditor.link.scopes import CallSite, Located, place_of
from auditor.model.operations import OutboundCall, Retry
from auditor.model.values import Known, possible

_VERB = r"(?:get|post|put|patch|delete|head|options|request)"
_CALLS = tuple(
    (library, re.compile(pattern + "$"), position, default)
    for library, pattern, position, default in (
        ("requests", rf"requests\.(?:api\.)?{_VERB}", None, "none"),
        ("requests", rf"requests\.(?:sessions\.)?[sS]ession\(\)\.{_VERB}", None, "none"),
        ("httpx", rf"httpx\.(?:{_VERB}|stream|Client|AsyncClient)", None, "default"),
        ("aiohttp", r"aiohttp\.(?:client\.)?ClientSession", None, "long"),
        ("urllib", r"urllib\.request\.urlopen", 2, "none"),
        ("urllib3", r"urllib3\.(?:PoolManager|request)", None, "none"),
        ("smtplib", r"smtplib\.SMTP(?:_SSL)?", None, "none"),
        ("http.client", r"http\.client\.HTTPS?Connection", 2, "none"),
        ("ftplib", r"ftplib\.FTP(?:_TLS)?", None, "none"),
        ("openai", r"openai\.(?:Async)?(?:Azure)?OpenAI", None, "long"),
        ("anthropic", r"anthropic\.(?:Async)?Anthropic\w*", None, "long"),
        ("groq", r"groq\.(?:Async)?Groq", None, "default"),
    )
)
_LAST = (
    "get", "post", "put", "patch", "delete", "head", "options", "request", "stream", "Client", "AsyncClient",
    "ClientSession", "urlopen", "PoolManager", "SMTP", "SMTP_SSL", "HTTPConnection", "HTTPSConnection", "FTP", "FTP_TLS",
    "OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI", "Anthropic", "AsyncAnthropic", "AnthropicBedrock",
    "AsyncAnthropicBedrock", "AnthropicVertex", "AsyncAnthropicVertex", "Groq", "AsyncGroq",
)  # fmt: skip


@provides(OutboundCall)
def outbound_calls(application: Application) -> Iterator[OutboundCall]:
    code = application.code
    (reach,) = application.facts(Reach)
    adapted = _adapters(application)
    for site in code.method_calls(*_LAST):
        name = code.name(site.node.func, site.scope)
        for library, pattern, position, default in _CALLS:
            if not pattern.match(name):
                continue
            limit = _limit(application, site, position, default)
            if library in _CONNECTING and not site.node.args and site.arg(None, "host") is None:
                limit = _connecting(application, site)
            if limit in ("long", "none") and library in _LATER and _given_later(site):
                limit = "given"
            if library in _MODELS and site.arg(None, "http_client") is not None:
                continue  # which is judged where it is made
            if limit == "long" and library in _MODELS and _is_told_later(application, site):
                limit = "given"
            if limit == "none" and adapted and "ession()" in name:
                limit = "unknown"
            yield OutboundCall(library, limit, bool(reach.started_by(site)), place_of(site))
            break


_MODELS = {"openai", "anthropic"}
_CONNECTING = {"ftplib", "smtplib"}
"""Libraries whose clients connect when they are made with a host, else when they are told to."""


def _connecting(application: Application, site: CallSite) -> str:
    """The limit of `client.connect(host, port, timeout=10)` in the same function, if it has one."""
    if site.arg(None, "timeout") is not None:
        return _limit(application, site, None, "none")
    body = getattr(site.scope.owner, "body", None)
    for node in t.walk_own(*body) if isinstance(body, list) else ():
        if (
            isinstance(node, t.Call)
            and isinstance(node.func, t.Attr)
            and node.func.name == "connect"
        ):
            if made := application.code.name(node.func.value, site.scope):
                if made == application.code.name(site.node, site.scope):
                    return _limit(application, CallSite(node, site.scope), 2, "none")
    return "none"


_LATER = {"aiohttp", "ftplib", "smtplib"}
_ASKING = {"get", "post", "put", "patch", "delete", "head", "options", "request", "ws_connect", "connect"}  # fmt: skip


def _given_later(site: CallSite) -> bool:
    """Whether what is made here is told its limit where it is used: `session.get(url, timeout=5)`."""
    body = getattr(site.scope.owner, "body", None)
    calls = [
        n
        for n in (t.walk_own(*body) if isinstance(body, list) else ())
        if isinstance(n, t.Call) and isinstance(n.func, t.Attr) and n.func.name in _ASKING
    ]
    return bool(calls) and all(any(k.name == "timeout" for k in n.keywords) for n in calls)


def _is_told_later(application: Application, site: CallSite) -> bool:
    """Whether the module gives a limit with what it asks: `client.messages.create(…, timeout=30)`."""
    return any(
        call.scope.module is site.scope.module and call.arg(None, "timeout") is not None
        for call in application.code.method_calls("create", "parse", "stream", "with_options")
    )


def _limit(application: Application, site: CallSite, position: int | None, default: str) -> str:
    given = site.arg(position, "timeout")
    if given is None:
        spread = any(k.name is None for k in site.node.keywords)
        return (
            "unknown" if spread or any(isinstance(a, t.Star) for a in site.node.args) else default
        )
    values = list(possible(application.values.value(given, site.scope)))
    return (
        "none"
        if values and all(isinstance(v, Known) and v.value is None for v in values)
        else "given"
    )


def _adapters(application: Application) -> bool:
    """Whether a transport adapter or a session of the tree's own gives a timeout to all requests."""
    for found in application.code.classes():
        if any("requests." in each for each in application.code.ancestry(found)):
            if any((isinstance(n, t.Const) and n.value == "timeout") or (isinstance(n, t.Name) and n.id == "timeout")
                   for n in t.walk(*found.node.body)):  # type: ignore[attr-defined]  # fmt: skip
                return True
    return False


@provides(Retry)
def retries(application: Application) -> Iterator[Retry]:
    code = application.code
    for site in code.calls("tenacity.retry", "tenacity.Retrying", "tenacity.AsyncRetrying"):
        spread = any(k.name is None for k in site.node.keywords)
        yield Retry("tenacity", spread or site.arg(None, "wait") is not None, place_of(site))
    for site in code.calls("urllib3.util.retry.Retry", "urllib3.Retry", "urllib3.util.Retry", "requests.packages.urllib3.util.retry.Retry"):  # fmt: skip
        yield Retry("urllib3", site.arg(None, "backoff_factor") is not None, place_of(site))
    for function in code.functions():
        for decorator in function.node.decorators:  # type: ignore[attr-defined]
            if isinstance(decorator, t.Name | t.Attr):
                if code.name(decorator, function.scope) == "tenacity.retry":
                    yield Retry("tenacity", False, place_of(Located(decorator, function.scope)))
