"""Flask's debug mode, and Werkzeug's interactive debugger, which runs what its visitor types.

https://flask.palletsprojects.com/en/stable/debugging/: `app.run(debug=True)`, `flask run` with
FLASK_DEBUG, and DebuggedApplication bring the debugger; a server such as gunicorn never does, so that
there `DEBUG` only changes how errors are handled. FLASK_ENV means nothing from Flask 2.3 on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.frameworks.flask.apps import FlaskApps
from auditor.frameworks.flask.config import in_production
from auditor.link.application import Application, provides
from auditor.link.reach import around, is_main_guard, under
from auditor.link.scopes import CallSite, place_of
from auditor.model.debugging import Aid, DebugSwitch
from auditor.model.dependencies import Requirement
from auditor.model.deployment import PRODUCTION_SERVERS, Standing, Start
from auditor.model.settings import FrameworkSetting, SettingDefinition
from auditor.model.values import Known
from auditor.platforms.starts import Serving

_DEBUGGED = {"werkzeug.debug.DebuggedApplication", "werkzeug.DebuggedApplication"}
_SIMPLE = {"werkzeug.serving.run_simple", "werkzeug.run_simple"}
_SOCKETS = "flask_socketio.SocketIO()"
_OFF = {"", "0", "false", "no", "off", "n", "f"}


@provides(DebugSwitch)
def flask_switches(application: Application) -> Iterator[DebugSwitch]:
    (apps,) = application.facts(FlaskApps)
    if not apps.sites:
        return
    serving = Serving(application)
    runs = list(_runs(application, apps, serving))
    yield from runs
    yield from _debuggers(application, serving)
    yield from _configured(application, apps)
    yield from _variables(application)


def _runs(application: Application, apps: FlaskApps, serving: Serving) -> Iterator[DebugSwitch]:
    """`app.run(debug=…)`, `socketio.run(app, debug=…)`, `run_simple(…, use_debugger=…)`."""
    code = application.code
    installed = {r.name for r in application.facts(Requirement)}
    alone = bool(installed) and not installed & PRODUCTION_SERVERS
    for site in code.method_calls("run", "run_simple"):
        callee, func = code.name(site.node.func, site.scope), site.node.func
        if callee in _SIMPLE:
            given = site.arg(4, "use_debugger")
        elif callee == f"{_SOCKETS}.run":
            given = site.arg(None, "debug")
        elif (
            isinstance(func, t.Attr) and func.name == "run" and apps.is_app(func.value, site.scope)
        ):
            given = site.arg(2, "debug")
        else:
            continue
        if given is not None:
            served, why = serving.of(site)
            name = f"`{t.dotted(func) or func_name(site)}({_keyword(site)}…)`"
            value = application.values.value(given, site.scope)
            value = under(application.values, site, value)
            yield DebugSwitch(
                Aid.DEBUGGER, name, value, place_of(site), "", served, why, alone=alone
            )


def func_name(site: CallSite) -> str:
    return site.node.func.name if isinstance(site.node.func, t.Attr) else "run"


def _keyword(site: CallSite) -> str:
    named = (k.name for k in site.node.keywords if k.name in ("debug", "use_debugger"))
    return next((f"{name}=" for name in named), "")


def _debuggers(application: Application, serving: Serving) -> Iterator[DebugSwitch]:
    for site in application.code.calls(*_DEBUGGED):
        value = under(application.values, site, Known(True, place_of(site)))
        served, why = serving.of(site) if any(map(is_main_guard, around(site))) else (True, "")
        yield DebugSwitch(
            Aid.DEBUGGER, "`DebuggedApplication`", value, place_of(site), "", served, why
        )


def _configured(application: Application, apps: FlaskApps) -> Iterator[DebugSwitch]:
    """The DEBUG of `app.config` that holds in production, by application."""
    aid = Aid.MODE if _without_debugger(application) else Aid.DEBUGGER
    found: dict[str, list[FrameworkSetting]] = {}
    for setting in application.facts(FrameworkSetting):
        if setting.framework in ("Flask", "Quart") and setting.name == "DEBUG":
            found.setdefault(setting.application, []).append(setting)
    for settings in found.values():
        for each in in_production(settings):
            yield DebugSwitch(aid, "`DEBUG`", each.value, each.place, each.environment)


def _without_debugger(application: Application) -> bool:
    """Whether every known start uses a server that never brings Werkzeug's debugger."""
    starts = [s for s in application.facts(Start) if s.standing is not Standing.LOCAL]
    return bool(starts) and all(s.server in ("server", "fastapi") for s in starts)


def _variables(application: Application) -> Iterator[DebugSwitch]:
    """FLASK_DEBUG and FLASK_ENV, in the files that set the environment."""
    aid = Aid.MODE if _without_debugger(application) else Aid.DEBUGGER
    for each in application.facts(SettingDefinition):
        value = _default_of(each.value)
        on = each.name == "FLASK_DEBUG" and value.lower() not in _OFF
        named = each.name == "FLASK_ENV" and value.lower() == "development"
        if each.tracked is False or not (on or (named and _knows_flask_env(application))):
            continue
        switch = DebugSwitch(
            aid, f"`{each.name}={value}`", Known(True, each.place), each.place, each.environment
        )
        if each.place.path.rpartition("/")[2] == ".flaskenv":
            why = "only the `flask` command reads this file"
            servers = {s.server for s in application.facts(Start)}
            served = True if "flask" in servers else False if servers else None
            switch = replace(switch, served=served, why=why)
        yield switch


def _default_of(value: str) -> str:
    """`${FLASK_DEBUG:-1}` of a compose file gives its default; without one nothing is known."""
    if match := re.fullmatch(r"\$\{\w+:?-([^}]*)\}", value):
        return match[1]
    return "" if "$" in value else value


def _knows_flask_env(application: Application) -> bool:
    for requirement in application.facts(Requirement):
        if requirement.name.lower() == "flask" and requirement.exact:
            numbers = re.findall(r"\d+", requirement.exact)[:2]
            if tuple(map(int, numbers)) < (2, 3):
                return True
    return False
