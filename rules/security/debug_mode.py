from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.assess.rule import Rule, asvs, cwe
from auditor.assess.verdict import (
    Evidence,
    Outcome,
    Severity,
    State,
    Verdict,
    judge,
    not_applicable,
    present,
    unknown,
)
from auditor.link.application import Application
from auditor.model.debugging import Aid, DebugSwitch
from auditor.model.settings import SettingDefinition
from auditor.model.values import Known, OneOf, Setting, Value, possible, settings_in
from auditor.model.web import Guarding, Route, WebApp

_LOCAL = {"development", "test", "example", "staging"}
_OFF = {"", "0", "false", "no", "off", "n", "f", "none"}
_SPEAKS_OF_DEBUG = re.compile(r"DEBUG|RELOAD|ECHO", re.I)
_SEVERITIES = {
    Aid.DEBUGGER: Severity.HIGH,
    Aid.PAGES: Severity.HIGH,
    Aid.MODE: Severity.MEDIUM,
    Aid.SERVER: Severity.MEDIUM,
    Aid.RELOAD: Severity.MEDIUM,
    Aid.TOOLBAR: Severity.LOW,
    Aid.ECHO: Severity.LOW,
    Aid.DOCS: Severity.INFO,
}
_UNTOLD = {Aid.PAGES: Severity.MEDIUM, Aid.RELOAD: Severity.INFO}
"""Where it cannot be told whether production reaches the place; low for the others."""
_DOES = {
    Aid.DEBUGGER: "an error page with a console that runs what its visitor types",
    Aid.PAGES: "error pages show source, settings and local variables",
    Aid.MODE: "errors and templates are treated as on a developer's machine",
    Aid.SERVER: "Django's development server, which is not made for the open network",
    Aid.RELOAD: "the server watches its files and restarts, in one process",
    Aid.TOOLBAR: "its addresses are served whatever `DEBUG` says",
    Aid.ECHO: "every statement with its values goes to the log",
    Aid.DOCS: "anybody can read the description of an API whose routes are guarded",
}


class DebugMode(Rule):
    """Debug mode and its helpers are off in production.

    What counts is what production reaches: `app.run(debug=True)` below `if __name__ == "__main__"` is
    high where the deployment (Dockerfile, compose, Procfile, platform, start script) runs that file,
    low where the tree does not tell how it is deployed, medium where no server for production is even installed,
    and nothing where a real server starts the application. Of several settings modules or classes, the one for production counts. A default
    that is on wherever a setting is missing is as bad as a literal, and medium where the deployment
    sets it. Werkzeug's debugger lets a visitor run code; Django's and Starlette's pages show the
    source and local variables. Reloading and development servers are medium, a log of every SQL
    statement is low. The documentation of a guarded FastAPI application is noted, and fails nothing.
    """

    id = "debug-mode"
    title = "Debug mode"
    section = "security"
    severity = Severity.HIGH
    risk = (
        "An error page shows a visitor the source and secrets; Werkzeug's runs the visitor's code."
    )
    fix = (
        "Leave debug off by default, and switch it on by a setting of the developer's machine only."
    )
    references = (cwe(489), cwe(215), cwe(94), asvs("13.4.2"))
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        apps = application.facts(WebApp)
        if not apps:
            return not_applicable("no web application was found")
        switches = list(dict.fromkeys(application.facts(DebugSwitch)))
        evidence = [e for switch in switches for e in self._judge(application, switch)]
        untold = [s for s in switches if _matters(s) and _untold(s)]
        findings = [e for e in evidence if e.state is not State.PRESENT]
        if untold and not any(e.severity >= Severity.MEDIUM for e in findings):
            first = untold[0]
            return unknown(
                f"Whether {first.name} is on is decided at run time ({first.place}).",
                f"Look at what {first.name} is in production.",
                evidence,
            )
        if not findings:
            seen = {e.place.path for e in evidence}
            evidence += [
                present(app.place, "debug mode is off unless it is switched on, and nothing does")
                for app in apps
                if app.place.path not in seen
            ]
            return judge("Debug mode is off in production.", evidence)
        verdict = judge(_summary(findings), evidence)
        if all(e.severity is Severity.INFO for e in findings):
            return replace(
                verdict, outcome=Outcome.PASS, summary="Debug mode is off in production."
            )
        return verdict

    def _judge(self, application: Application, switch: DebugSwitch) -> Iterator[Evidence]:
        if not _matters(switch):
            return
        if switch.aid is Aid.DOCS:
            if _worth(switch.value) is True and _is_private(application):
                yield self._finding(switch, switch.place, f"{switch.name} is public")
            return
        worth = _worth(switch.value)
        names = [s.name for s in settings_in(switch.value) if s.name]
        name = names[0] if names else ""
        defined = [d for d in application.facts(SettingDefinition) if d.name in names]
        given = [d for d in defined if _deploys(d) and _SPEAKS_OF_DEBUG.search(d.name)]
        on = [d for d in given if switch.text or d.value.strip("\"'").lower() not in _OFF]
        if worth is True and switch.served is False:
            yield present(switch.place, f"{switch.name} is for development: {switch.why}")
        elif worth is True and not name:
            yield self._finding(switch, switch.place, f"{switch.name} is on", literal=True)
        elif worth is True:
            told = f"{switch.name} is on wherever {name} is not set"
            if any(k.value is True for k in possible(switch.value)) and switch.text:
                told = f"{switch.name} is on wherever {name} is any text, `False` too, or not set"
            mild = bool(given) and not on
            told += f" ({given[0].place} sets it)" if mild else ""
            yield self._finding(switch, switch.place, told, mild=mild)
        elif worth is False and switch.served is not False:
            for each in on:
                told = f"{each.name}={each.value} switches {switch.aid.value} on"
                yield self._finding(switch, each.place, told, mild=_is_dotenv(each))
            if not on:
                unless = f" unless {name} says otherwise" if name else ""
                yield present(switch.place, f"{switch.name} is off{unless}")

    def _finding(
        self,
        switch: DebugSwitch,
        place: object,
        told: str,
        mild: bool = False,
        literal: bool = False,
    ) -> Evidence:
        severity = _SEVERITIES[switch.aid]
        if switch.served is None:
            least = Severity.MEDIUM if switch.alone else Severity.LOW
            severity = min(severity, _UNTOLD.get(switch.aid, least))
        if mild:
            severity = min(severity, Severity.MEDIUM)
        message = f"{told}: {_DOES[switch.aid]}"
        if switch.why:
            message += f" ({switch.why})"
        state = State.ABSENT if literal and switch.served else State.WEAK
        return Evidence(place, state, severity, message, f"{switch.aid.name} {switch.name}")  # type: ignore[arg-type]

    good = (
        {"app.py": "from fastapi import FastAPI\napp = FastAPI()\n"},
        {
            "app.py": """
from flask import Flask
app = Flask(__name__)
if __name__ == "__main__":
    app.run(debug=True)
""",
            "Dockerfile": 'FROM python:3.12\nCMD ["gunicorn", "app:app"]\n',
        },
        {
            "app.py": """
import os
import uvicorn
from fastapi import FastAPI
app = FastAPI(debug=os.environ.get("DEBUG", "false").lower() == "true")
if __name__ == "__main__":
    uvicorn.run("app:app", reload=True)
""",
            "Procfile": "web: uvicorn app:app\n",
            ".env.development": "DEBUG=true\n",
            "docker-compose.override.yml": "services:\n  web:\n    command: uvicorn app:app --reload\n",
        },
        {
            "config.py": """
class Config:
    DEBUG = False

class DevelopmentConfig(Config):
    DEBUG = True

class ProductionConfig(Config):
    DEBUG = False

configs = {"development": DevelopmentConfig, "production": ProductionConfig}
""",
            "app.py": """
import os
from flask import Flask
from config import configs
app = Flask(__name__)
app.config.from_object(configs[os.environ["FLASK_CONFIG"]])
""",
        },
        {
            "manage.py": """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings.local")
""",
            "shop/wsgi.py": """
import os
from django.core.wsgi import get_wsgi_application
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings.production")
application = get_wsgi_application()
""",
            "shop/settings/base.py": "import os\nDEBUG = False\nROOT_URLCONF = 'shop.urls'\n",
            "shop/settings/local.py": "from .base import *\nDEBUG = True\n",
            "shop/settings/production.py": "from .base import *\n",
            "shop/urls.py": "from django.urls import path\nurlpatterns = []\n",
        },
    )
    bad = (
        {
            "app.py": """
from flask import Flask
app = Flask(__name__)
if __name__ == "__main__":
    app.run(host="0.0.0.0", debug=True)  # expect: high
""",
            "Dockerfile": 'FROM python:3.12\nENTRYPOINT ["python"]\nCMD ["app.py"]\n',
        },
        {
            "app.py": """
from flask import Flask
app = Flask(__name__)
if __name__ == "__main__":
    app.run(debug=True)  # expect: low
"""
        },
        {
            "app.py": """
from flask import Flask
app = Flask(__name__)
if __name__ == "__main__":
    app.run(debug=True)  # expect: medium
""",
            "requirements.txt": "Flask==3.0.3\n",
        },
        {
            "app.py": """
from flask import Flask
app = Flask(__name__)
if __name__ == "__main__":
    app.run(debug=True)  # expect: low
""",
            "requirements.txt": "Flask==3.0.3\ngunicorn==22.0.0\n",
        },
        {
            "app.py": """
from flask import Flask
def create_app():
    app = Flask(__name__)
    return app

def main():
    create_app().run(debug=True)  # expect: high
""",
            "serve.py": "from app import main\nif __name__ == '__main__':\n    main()\n",
            "start.sh": "#!/bin/sh\nset -e\nexec python serve.py\n",
            "Dockerfile": 'FROM python:3.12\nCMD ["./start.sh"]\n',
        },
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "Dockerfile": """FROM python:3.12 AS dev
CMD ["uvicorn", "app:app"]
FROM python:3.12
ENV PORT=80
CMD uvicorn app:app --port $PORT --reload  # expect: medium
""",
        },
        {
            "app.py": """
from fastapi import FastAPI
from sqlalchemy import create_engine
app = FastAPI(debug=True)  # expect: high
engine = create_engine("sqlite://", echo=True)  # expect: low
"""
        },
        {
            "manage.py": """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
""",
            "shop/settings.py": """
import os
DEBUG = bool(os.environ.get("DEBUG", "False"))  # expect: high
ROOT_URLCONF = "shop.urls"
""",
            "shop/urls.py": "from django.urls import path\nurlpatterns = []\n",
            "Dockerfile": """FROM python:3.12
CMD python manage.py runserver 0.0.0.0:80  # expect: medium
""",
        },
        {
            "shop/settings.py": """
import os
DEBUG = os.environ.get("DEBUG") == "1"
ROOT_URLCONF = "shop.urls"
""",
            "shop/urls.py": "from django.urls import path\nurlpatterns = []\n",
            "docker-compose.yml": """services:
  web:
    command: gunicorn shop.wsgi
    environment:
      DEBUG: "1"  # expect: high
""",
        },
        {
            "app.py": "from flask import Flask\napp = Flask(__name__)\napp.debug = True  # expect: medium\n",
            "Procfile": "web: gunicorn app:app\n",
        },
    )


def _matters(switch: DebugSwitch) -> bool:
    return switch.environment not in _LOCAL


def _worth(value: Value) -> bool | None:
    """Whether a value is on where nothing says otherwise; None where that cannot be told."""
    match value:
        case Known(value=plain):
            return bool(plain)
        case Setting(default=None):
            return False
        case Setting(default=default) if default is not None:
            return _worth(default)
        case OneOf(values=values):
            worths = {_worth(each) for each in values}
            return worths.pop() if len(worths) == 1 else None
    return None


def _untold(switch: DebugSwitch) -> bool:
    """Whether it cannot be told of something that production reaches, and that shows internals."""
    return (
        switch.aid in (Aid.DEBUGGER, Aid.PAGES, Aid.MODE)
        and (switch.served is True or switch.aid is Aid.PAGES)
        and _worth(switch.value) is None
    )


def _deploys(definition: SettingDefinition) -> bool:
    """Whether a file that sets a setting may be the deployment's."""
    return (
        definition.environment not in _LOCAL
        and definition.tracked is not False
        and not (definition.empty or definition.elsewhere)
        and "$" not in definition.value
    )


def _is_dotenv(definition: SettingDefinition) -> bool:
    return "env" in definition.place.path.rpartition("/")[2]


def _is_private(application: Application) -> bool:
    """Whether most routes of the application demand a credential."""
    routes = [r for r in application.facts(Route) if r.framework == "FastAPI" and not r.public]
    guarded = [r for r in routes if r.authentication is Guarding.ENFORCED]
    return len(routes) > 2 and len(guarded) > 0.7 * len(routes)


def _summary(findings: list[Evidence]) -> str:
    worst = max(findings, key=lambda e: e.severity)
    if worst.severity >= Severity.MEDIUM:
        return f"Production runs with what only developers need: {worst.message}."
    return f"Debug mode: {worst.message}."
