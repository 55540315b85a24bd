"""Error trackers: who is told of an error in production, and whether that set-up runs.

Sources: the set-up pages of Sentry, Rollbar, Bugsnag, Honeybadger, Elastic APM, New Relic, Datadog,
Airbrake, Raygun and Logfire. All of the first ones do nothing without an address or key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.extract.readers.browser_trackers import BrowserTracker, ComponentLibrary
from auditor.extract.readers.platforms import Alarm
from auditor.libraries.telemetry import agents
from auditor.link.application import Application, provides
from auditor.link.reach import Reach
from auditor.link.scopes import CallSite, place_of
from auditor.model.dependencies import Requirement
from auditor.model.operations import BrowserErrors, Tracker
from auditor.model.places import Place
from auditor.model.settings import FrameworkSetting
from auditor.model.values import Known, Unknown, Value, possible

_TRACKERS = {
    "sentry_sdk.init": ("Sentry", 0, "dsn", "SENTRY_DSN"),
    "rollbar.init": ("Rollbar", 0, "access_token", ""),
    "bugsnag.configure": ("Bugsnag", None, "api_key", ""),
    "honeybadger.honeybadger.configure": ("Honeybadger", None, "api_key", ""),
    "elasticapm.contrib.starlette.make_apm_client": ("Elastic APM", 0, "config", ""),
    "elasticapm.Client": ("Elastic APM", 0, "config", ""),
    "newrelic.agent.initialize": ("New Relic", 0, "config_file", "NEW_RELIC_LICENSE_KEY"),
    "ddtrace.patch_all": ("Datadog", None, "", ""),
    "ddtrace.patch": ("Datadog", None, "", ""),
    "pybrake.Notifier": ("Airbrake", None, "project_key", ""),
    "elasticapm.contrib.flask.ElasticAPM": ("Elastic APM", 0, "app", ""),
    "bugsnag.flask.handle_exceptions": ("Bugsnag", None, "", ""),
    "honeybadger.contrib.FlaskHoneybadger": ("Honeybadger", 0, "app", ""),
    "rollbar.contrib.fastapi.add_to": ("Rollbar", 0, "app", ""),
    "appsignal.Appsignal": ("AppSignal", None, "", ""),
    "azure.monitor.opentelemetry.configure_azure_monitor": ("Azure Monitor", None, "", ""),
    "azure.monitor.opentelemetry.exporter.AzureMonitorTraceExporter": (
        "Azure Monitor",
        None,
        "",
        "",
    ),
    "azure.monitor.opentelemetry.exporter.AzureMonitorLogExporter": ("Azure Monitor", None, "", ""),
    "opencensus.ext.azure.log_exporter.AzureLogHandler": ("Azure Monitor", None, "", ""),
    "airbrake.Airbrake": ("Airbrake", None, "", ""),
    "raven.Client": ("Sentry (raven)", 0, "dsn", "SENTRY_DSN"),
    "raven.contrib.flask.Sentry": ("Sentry (raven)", 0, "app", "SENTRY_DSN"),
    "scout_apm.flask.ScoutApm": ("Scout", 0, "app", ""),
    "raygun4py.raygunprovider.RaygunSender": ("Raygun", 0, "api_key", ""),
    "logfire.configure": ("Logfire", None, "token", "LOGFIRE_TOKEN"),
}
"""Function -> tracker, place and name of the address or key, setting read when it is not given."""


@provides(Tracker)
def trackers(application: Application) -> Iterator[Tracker]:
    (reach,) = application.facts(Reach)
    for site in application.code.calls(*_TRACKERS):
        name = application.code.name(site.node.func, site.scope)
        title, position, keyword, fallback = _TRACKERS[name]
        given = site.arg(position, keyword) if keyword else None
        dsn: Value | None = None
        if given is not None:
            dsn = application.values.value(given, site.scope)
            if isinstance(dsn, Known) and not dsn.value and _configured(application, given, site):
                dsn = Unknown("the configuration may set it", dsn.place)
        needs = bool(keyword) and not fallback
        run = "" if _never(site) else reach.started_by(site)
        yield Tracker(title, place_of(site), dsn, needs, run)


_MIDDLEWARE = {
    "rollbar.contrib": "Rollbar", "elasticapm.contrib": "Elastic APM", "raven.contrib": "Sentry (raven)",
    "bugsnag.django": "Bugsnag", "honeybadger.contrib": "Honeybadger", "scout_apm.django": "Scout",
    "airbrake.": "Airbrake", "raygun4py.": "Raygun",
}  # fmt: skip


@provides(Tracker)
def django_trackers(application: Application) -> Iterator[Tracker]:
    """Trackers that Django starts by their place in MIDDLEWARE or INSTALLED_APPS."""
    for setting in application.facts(FrameworkSetting):
        if setting.name in ("MIDDLEWARE", "INSTALLED_APPS") and setting.environment != "test":
            for known in possible(setting.value):
                for word in known.value if isinstance(known.value, list) else ():
                    for start, title in _MIDDLEWARE.items():
                        if str(word).startswith(start):
                            yield Tracker(title, setting.place, None, False, "start")


@provides(Tracker)
def mails_to_admins(application: Application) -> Iterator[Tracker]:
    """Django mails errors of requests to ADMINS, where there are any; logging's SMTPHandler to whom it is told.

    https://docs.djangoproject.com/en/stable/howto/error-reporting/#email-reports
    """
    for setting in application.facts(FrameworkSetting):
        if setting.framework == "Django" and setting.name == "ADMINS":
            if setting.environment not in ("test", "development", "example"):
                if any(isinstance(k.value, list) and k.value for k in possible(setting.value)):
                    yield Tracker("Django's mail to ADMINS", setting.place, None, False, "start")
    (reach,) = application.facts(Reach)
    for site in application.code.calls("logging.handlers.SMTPHandler"):
        yield Tracker("mail", place_of(site), None, False, reach.started_by(site))


@provides(Tracker)
def alarms(application: Application) -> Iterator[Tracker]:
    """What watches the load balancer or the function tells of failing responses, if not of the error."""
    for file, alarm in application.of(Alarm):
        yield Tracker(alarm.what, Place(file.path, alarm.line), None, False, "start")


@provides(Tracker)
def agent_trackers(application: Application) -> Iterator[Tracker]:
    """Agents around the command report what it raises; OpenTelemetry's alone tells nobody."""
    for title, place in agents(application):
        if title != "OpenTelemetry":
            yield Tracker(title, place, None, False, "start")


@provides(BrowserErrors)
def browser_errors(application: Application) -> Iterator[BrowserErrors]:
    """Front ends, each with the tracker that its code starts."""
    trackers = list(application.of(BrowserTracker))
    seen = {f.path.rpartition("/")[0] for f, _ in application.of(ComponentLibrary)}
    for requirement in application.facts(Requirement):
        folder = requirement.place.path.rpartition("/")[0]
        if (
            requirement.ecosystem == "npm"
            and requirement.name in _FRONT_ENDS
            and folder not in seen
        ):
            seen.add(folder)
            own = [(f, x) for f, x in trackers if not folder or f.path.startswith(folder + "/")]
            found = next(iter(sorted(own, key=lambda item: item[1].empty)), None)
            if found is None:
                yield BrowserErrors("", False, requirement.place)
            else:
                place = Place(found[0].path, found[1].line)
                yield BrowserErrors(found[1].name, not found[1].empty, place)


_FRONT_ENDS = {"react-dom", "vue", "@angular/core", "svelte", "next", "nuxt", "solid-js", "preact"}


def _configured(application: Application, given: t.Expr, site: CallSite) -> bool:
    """Whether an address is looked up in the application's configuration: empty until that is set."""
    return any(
        isinstance(node, t.Attr | t.Name) and _OPTIONS.search(t.dotted(node))
        for source in [given, *(s.node for s in application.values.sources(given, site.scope))]
        for node in t.walk_own(source)
    ) or (isinstance(given, t.Name) and _assigned_from_options(given.id, site))


def _assigned_from_options(name: str, site: CallSite) -> bool:
    bindings = site.scope.bindings.get(name, ())
    return any(
        isinstance(node, t.Attr | t.Name) and _OPTIONS.search(t.dotted(node))
        for b in bindings
        if b.value is not None
        for node in t.walk_own(b.value)
    )


_OPTIONS = re.compile(r"(?:^|\.)(?:config|settings|options|conf)$")


def _never(site: CallSite) -> bool:
    """Whether the call stands in `if False:` or `if 0:`."""
    body = getattr(site.scope.owner, "body", None) or site.scope.module.body
    for node in t.walk_own(*body):
        if isinstance(node, t.If) and isinstance(node.test, t.Const) and not node.test.value:
            if any(inner is site.node for inner in t.walk_own(*node.body)):
                return True
    return False
