"""Error trackers: who is told of an error in production, and whether that set-up runs.

Sources: the set-up pages of Sentry, Rollbar, Bugsnag, Honeybadger, Elastic APM, New Relic, Datadog,
Airbrake, Raygun and Logfire. All of the first ones do nothing without an address or key.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import CallSite
from auditor.link.reach import Reach
from auditor.link.values import place_of
from auditor.model.operations import Tracker
from auditor.model.values import Value

_TRACKERS = {
    "sentry_sdk.init": ("Sentry", 0, "dsn", "SENTRY_DSN"),
    "rollbar.init": ("Rollbar", 0, "access_token", ""),
    "bugsnag.configure": ("Bugsnag", None, "api_key", ""),
    "honeybadger.honeybadger.configure": ("Honeybadger", None, "api_key", ""),
    "elasticapm.contrib.starlette.make_apm_client": ("Elastic APM", 0, "config", ""),
    "elasticapm.Client": ("Elastic APM", 0, "config", ""),
    "newrelic.agent.initialize": ("New Relic", 0, "config_file", ""),
    "ddtrace.patch_all": ("Datadog", None, "", ""),
    "ddtrace.patch": ("Datadog", None, "", ""),
    "pybrake.Notifier": ("Airbrake", None, "project_key", ""),
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
        needs = bool(keyword) and not fallback
        run = "" if _never(site) else reach.started_by(site)
        yield Tracker(title, place_of(site), dsn, needs, run)


def _never(site: CallSite) -> bool:
    """Whether the call stands in `if False:` or `if 0:`."""
    body = getattr(site.scope.owner, "body", None) or site.scope.module.body
    for node in t.walk_own(*body):
        if isinstance(node, t.If) and isinstance(node.test, t.Const) and not node.test.value:
            if any(inner is site.node for inner in t.walk_own(*node.body)):
                return True
    return False
