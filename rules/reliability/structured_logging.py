from __future__ import annotations

from auditor.assess.rule import Rule, asvs, cwe, twelve_factor
from auditor.assess.verdict import (
    Evidence,
    Severity,
    State,
    Verdict,
    judge,
    not_applicable,
    present,
    unknown,
)
from auditor.link.application import Application
from auditor.model.operations import LogSetup, Print
from auditor.model.web import Route, WebApp


class StructuredLogging(Rule):
    """Logs are machine-readable, with levels.

    Plain text through `basicConfig`, or no set-up at all, is high for each application; a structured
    set-up that nothing runs is decorative. `print` in code that serves requests is one low finding
    for each file: it has no level and no time.
    """

    id = "structured-logging"
    title = "Structured logging"
    section = "reliability"
    severity = Severity.HIGH
    risk = "When something goes wrong at night, nobody can search the logs for the request that failed."
    fix = "Log JSON with time, level, logger and request id (structlog, python-json-logger or loguru)."
    references = (cwe(778), twelve_factor("logs"), asvs("16.2.1"))
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        apps = application.facts(WebApp)
        if not apps:
            return not_applicable("no web application was found")
        setups = application.facts(LogSetup)
        evidence: list[Evidence] = []
        live = [s for s in setups if s.structured and s.run]
        evidence += [
            present(s.place, f"{s.library} writes structured logs", s.library) for s in live
        ]
        for setup in setups:
            if setup.structured and not setup.run and not live:
                told = f"{setup.library} is set up for structured logs where nothing runs it"
                evidence.append(
                    Evidence(setup.place, State.DECORATIVE, Severity.HIGH, told, setup.library)
                )
        outside = [s for s in setups if s.structured is None and s.run]
        if not live and outside:
            return unknown(
                f"{outside[0].library} sets logging up, which lies outside of this tree ({outside[0].place}).",
                "Look at a line of the log in production: it should be JSON with a level and a time.",
            )
        if not live:
            routed = {r.application for r in application.facts(Route) if r.public != "static files"}
            serving = tuple(app for app in apps if app.name in routed)  # not one of a script
            evidence += self._plain(serving or apps, setups)
        evidence += self._prints(application)
        summary = (
            "Logs are structured."
            if live
            else "Logs are plain text, for people to read one by one."
        )
        return judge(summary, evidence)

    @staticmethod
    def _plain(apps: tuple[WebApp, ...], setups: tuple[LogSetup, ...]) -> list[Evidence]:
        found = []
        for app in apps:
            inside = [
                s
                for s in setups
                if s.run and s.structured is False and s.place.path == app.place.path
            ]
            folder = app.place.path.partition("/")[0]
            alone = not any(
                other.place.path.partition("/")[0] == folder for other in apps if other is not app
            )
            inside = inside or [
                s
                for s in setups
                if s.run
                and s.structured is False
                and (len(apps) == 1 or (alone and s.place.path.partition("/")[0] == folder))
            ]
            place = inside[0].place if inside else app.place
            told = (
                "logs are plain text" if inside else f"application {app.entry} sets up no logging"
            )
            found.append(Evidence(place, State.ABSENT, Severity.HIGH, told, app.name))
        return found

    @staticmethod
    def _prints(application: Application) -> list[Evidence]:
        first: dict[str, tuple[Print, int]] = {}
        for each in application.facts(Print):
            kept, count = first.get(each.place.path, (each, 0))
            first[each.place.path] = kept, count + 1
        return [
            Evidence(
                kept.place,
                State.WEAK,
                Severity.LOW,
                f"{count} × print instead of a log call",
                "print",
            )
            for kept, count in first.values()
        ]

    good = (
        {  # JSON in production, text at a developer's
            "app.py": """
import logging
import os
from fastapi import FastAPI
from pythonjsonlogger import jsonlogger

class Records(jsonlogger.JsonFormatter):
    pass

def setup(as_json: bool):
    handler = logging.StreamHandler()
    if as_json:
        formatter = Records("%(message)s")
    else:
        formatter = logging.Formatter("%(asctime)s %(message)s")
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)

setup(os.environ["ENVIRONMENT"] == "production")
app = FastAPI()
"""
        },
        {
            "app.py": """
import structlog
from fastapi import FastAPI
structlog.configure(processors=[structlog.processors.JSONRenderer()])
app = FastAPI()
"""
        },
        {
            "app.py": """
import logging
from fastapi import FastAPI
from pythonjsonlogger.jsonlogger import JsonFormatter

def configure():
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)

configure()
app = FastAPI()
"""
        },
        {
            "main.py": """
import logging.config
from fastapi import FastAPI
logging.config.fileConfig("logging.ini", disable_existing_loggers=False)
app = FastAPI()
""",
            "logging.ini": """
[formatters]
keys = json
[handlers]
keys = console
[formatter_json]
class = pythonjsonlogger.jsonlogger.JsonFormatter
[handler_console]
class = StreamHandler
formatter = json
""",
        },
        {
            "main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "Procfile": "web: uvicorn main:app --log-config log_config.yaml\n",
            "log_config.yaml": """
version: 1
formatters:
  json: {class: pythonjsonlogger.json.JsonFormatter}
handlers:
  console: {class: logging.StreamHandler, formatter: json}
""",
        },
    )
    bad = (
        {  # JSON that is off unless somebody turns it on
            "app.py": """
import logging
import os
from fastapi import FastAPI
from pythonjsonlogger import jsonlogger

def setup(json_format: bool = False):
    handler = logging.StreamHandler()
    if json_format:
        formatter = jsonlogger.JsonFormatter("%(message)s")
    else:
        formatter = logging.Formatter("%(asctime)s %(message)s")
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler])  # expect: high

setup(os.getenv("JSON_LOGS", "false") == "true")
app = FastAPI()
"""
        },
        {
            "main.py": """
import logging.config
from fastapi import FastAPI
logging.config.fileConfig("logging.ini")  # expect: high
app = FastAPI()
""",
            "logging.ini": """
[formatters]
keys = json,plain
[handlers]
keys = console
[formatter_json]
class = pythonjsonlogger.jsonlogger.JsonFormatter
[formatter_plain]
format = %(message)s
[handler_console]
class = StreamHandler
formatter = plain
""",
        },
        {
            "app.py": """
import logging
from fastapi import FastAPI
logging.basicConfig(level=logging.INFO)  # expect: high
app = FastAPI()

@app.get("/")
def start():
    print("called")  # expect: low
"""
        },
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()  # expect: high\n",
            "logs.py": """
import structlog
def configure():
    structlog.configure(processors=[structlog.processors.JSONRenderer()])  # expect: high
""",
        },
    )
