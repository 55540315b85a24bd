"""What servers are told that only developers want: reloading, Django's and Flask's own server.

https://www.uvicorn.org/settings/#development: reloading watches every file and runs one worker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.discover.environments import environment_of
from auditor.extract.readers.functions import Adapted
from auditor.link.application import Application, provides
from auditor.link.reach import under
from auditor.link.scopes import place_of
from auditor.model.debugging import Aid, DebugSwitch
from auditor.model.deployment import ServerRun, Standing, Start
from auditor.model.pipelines import Job
from auditor.model.places import Place
from auditor.model.settings import SettingDefinition
from auditor.model.values import Known, Setting, settings_in
from auditor.model.web import WebApp
from auditor.platforms.starts import Serving

_RUN = {"uvicorn.run", "uvicorn.main.run", "uvicorn.Config", "hypercorn.run", "granian.Granian"}
_RELOAD = re.compile(r"\s--(?:auto)?-?reload\b(?!-)|\bfastapi\s+dev\b|\s--py-autoreload\b")
_DEBUG = re.compile(r"\s--debug\b")


@provides(DebugSwitch)
def reloads(application: Application) -> Iterator[DebugSwitch]:
    serving: Serving | None = None
    for site in application.code.calls(*_RUN):
        if (given := site.arg(None, "reload")) is not None:
            serving = serving or Serving(application)
            value = application.values.value(given, site.scope)
            value = under(application.values, site, value)
            served, why = serving.of(site)
            yield DebugSwitch(Aid.RELOAD, "`reload=…`", value, place_of(site), "", served, why)


@provides(DebugSwitch)
def commands(application: Application) -> Iterator[DebugSwitch]:
    """`--reload`, `fastapi dev`, `flask run --debug` and `manage.py runserver` in a deployment."""
    starts = application.facts(Start)
    serious = any(s.standing is Standing.PRODUCTION and s.server == "server" for s in starts)
    for start in starts:
        text, place = start.command.text, start.command.place
        aside = start.standing is Standing.PERHAPS and serious and start.server != "server"
        if start.standing is Standing.LOCAL or aside:
            continue
        served = True if start.standing is Standing.PRODUCTION else None
        why = start.command.source
        found: list[tuple[Aid, str]] = []
        if match := _RELOAD.search(text):
            found.append((Aid.RELOAD, f"`{match[0].strip()}`"))
        if start.server == "flask" and _DEBUG.search(text):
            found.append((Aid.DEBUGGER, "`flask --debug`"))
        if start.server == "runserver":
            plus = "runserver_plus" in text
            found.append(
                (Aid.DEBUGGER, "`runserver_plus`") if plus else (Aid.SERVER, "`runserver`")
            )
        for aid, name in found:
            yield DebugSwitch(aid, name, Known(True, place), place, "", served, why)


@provides(ServerRun)
def app_service(application: Application) -> Iterator[ServerRun]:
    """Azure App Service starts gunicorn where it finds Django's or Flask's entry point, and is told of no other command.

    https://learn.microsoft.com/azure/app-service/configure-language-python#container-startup-process
    """
    entries = ("app.py", "application.py", "index.py", "server.py")
    found = any(
        app.framework == "Django" or (app.framework == "Flask" and app.place.path in entries)
        for app in application.facts(WebApp)
    )
    for job in application.facts(Job) if found else ():
        for step in job.steps:
            given = {key.lower() for key, _ in step.arguments}
            if _APP_SERVICE.search(step.uses) and given.isdisjoint(("images", "startupcommand", "startup-command")):  # fmt: skip
                yield ServerRun("gunicorn, which Azure App Service starts", True, step.place)


_APP_SERVICE = re.compile(r"^(?:AzureWebApp@|azure/webapps-deploy@)", re.I)
_SERVES = (
    (re.compile(r"(?:flask|quart|apiflask)\.\w*\(\)\.run$"), "Flask's app.run", False),
    (re.compile(r"(?:connexion)\.\w*\(\)\.run$"), "connexion's app.run", False),
    (re.compile(r"flask_socketio\.SocketIO\(\)\.run$"), "socketio.run", True),
    (re.compile(r"werkzeug\.serving\.run_simple$"), "werkzeug's run_simple", False),
    (re.compile(r"wsgiref\.simple_server\.make_server$"), "wsgiref", False),
    (re.compile(r"uvicorn(?:\.main)?\.run$"), "uvicorn", True),
    (re.compile(r"(?:waitress\.serve|hypercorn\.\w+(?:\.\w+)*|granian\.Granian|bjoern\.run)$"), "a server", True),
    (re.compile(r"(?:gevent\.pywsgi|eventlet\.wsgi|cheroot\.wsgi)\.\w+$"), "a WSGI server", True),
    (re.compile(r"mangum\.Mangum$|awsgi\.response$|serverless_wsgi\.\w+$"), "a serverless adapter", True),
)  # fmt: skip
_LAST = ("run", "run_simple", "make_server", "serve", "Granian", "WSGIServer", "server", "Server", "Mangum", "response", "handle_request")  # fmt: skip


@provides(ServerRun)
def adapters(application: Application) -> Iterator[ServerRun]:
    for file, found in application.of(Adapted):
        yield ServerRun("a serverless adapter", True, Place(file.path, found.line))


def _told(application: Application, value: Setting) -> bool:
    """Whether a file for production gives `ENVIRONMENT=production`, by which the code decides."""
    names = {setting.name for setting in settings_in(value)}
    return any(
        each.name in names
        and each.environment == "production"
        and environment_of(each.value) == "production"
        for each in application.facts(SettingDefinition)
    )


@provides(ServerRun)
def server_runs(application: Application) -> Iterator[ServerRun]:
    for site in application.code.method_calls(*_LAST):
        name = application.code.name(site.node.func, site.scope)
        for pattern, server, production in _SERVES:
            if name and pattern.match(name):
                reload = site.arg(None, "reload")
                if production and reload is not None:
                    value = application.values.value(reload, site.scope)
                    value = under(application.values, site, value)
                    if isinstance(value, Setting) and not _told(application, value):
                        value = value.default or value  # on, unless somebody sets it
                    if isinstance(value, Known) and value.value:
                        server, production = f"{server}, which reloads on every change", False
                yield ServerRun(server, production, place_of(site))
                break
