from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.assess.rule import Reference, Rule, cwe
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
from auditor.model.dependencies import Requirement
from auditor.model.deployment import PRODUCTION_SERVERS, ServerRun, Standing, Start
from auditor.model.settings import SettingDefinition
from auditor.model.web import WebApp

_SETS_WORKERS = {"gunicorn.conf.py", "app.json", "heroku.yml"}
"""gunicorn's own configuration file, and the signs of Heroku, whose Python buildpack sets WEB_CONCURRENCY."""
_RELOAD = re.compile(r"\s--(?:auto)?-?reload\b(?!-)|\s--py-autoreload\b|\bfastapi\s+dev\b")
_WORKERS = re.compile(
    r"(?:^|\s)(?:-w|--workers|-k|--worker-class|--threads|-c|--config)(?:[ =]|\d)|WEB_CONCURRENCY|\$"
)


_GIVES_UP = re.compile(r"\s(?:--user|--uid|-u)[ =]?(?!root\b|0\b)\w|\b(?:sudo|runuser|su|gosu|setpriv)\s|\b(?:docker|podman)\b")  # fmt: skip
"""What has the server run as another user, or elsewhere."""


class ProductionServer(Rule):
    """The application is served by a production server.

    Flask's own server, Django's `runserver`, `fastapi dev` and a reloading server in the command
    that a Dockerfile, Procfile, compose file, platform file or script starts are medium each. So is
    `app.run()` as the only way of starting, where no production server is among the dependencies.
    gunicorn with its single default worker is low, unless a setting or configuration file gives
    more. A unit of systemd that runs the server as root, by `User=` or for want of it, is medium. Where the repository does not tell how the application is started the verdict is unknown.
    """

    id = "production-server"
    title = "Production server"
    section = "deployment"
    severity = Severity.MEDIUM
    risk = "A server made for one developer serves everybody: slow, one request at a time, and not hardened."
    fix = "Start gunicorn, uvicorn, hypercorn or uWSGI with several workers, without reloading."
    references = (
        cwe(1188),
        Reference(
            "Flask: deploying to production",
            "https://flask.palletsprojects.com/en/stable/deploying/",
        ),
        Reference(
            "Django: runserver",
            "https://docs.djangoproject.com/en/stable/ref/django-admin/#runserver",
        ),
    )
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        apps = application.facts(WebApp)
        if not apps:
            return not_applicable("no web application was found")
        runs = application.facts(ServerRun)
        starts = [s for s in application.facts(Start) if s.standing is Standing.PRODUCTION]
        starts = starts or [s for s in application.facts(Start) if s.standing is Standing.PERHAPS]
        found = [(s, e) for s in starts for e in self._start(application, s, runs)]
        evidence = [
            e for start, e in found if not _branch(start, e, found) and not _beside(start, e, found)
        ]
        if not evidence:
            evidence = [*self._code(application, runs)]
        evidence += self._roots(starts)
        if not evidence:
            return unknown(
                "The repository does not tell by which server the application is started.",
                "Look at the command that the host starts: it should name gunicorn, uvicorn or the like.",
            )
        wrong = [e for e in evidence if e.state is not State.PRESENT]
        summary = "A production server serves the application."
        if wrong:
            worst = max(wrong, key=lambda e: e.severity).message
            summary = f"{worst[0].upper()}{worst[1:]}."
        return judge(summary, {(e.place, e.message): e for e in evidence}.values())

    def _start(
        self, application: Application, start: Start, runs: tuple[ServerRun, ...]
    ) -> Iterator[Evidence]:
        command, place = start.command, start.command.place
        subject = f"{place.path} {command.source}"
        name = {"flask": "`flask run`", "runserver": "`runserver`"}.get(start.server, "")
        if start.server == "python" and start.script:
            found = [run for run in runs if run.place.path == start.script]
            for run in found:
                if run.production:
                    yield present(place, f"{command.source} starts {run.server}", subject)
                else:
                    told = f"{command.source} starts {start.script}, which serves with {run.server}"
                    yield Evidence(place, State.ABSENT, Severity.MEDIUM, told, subject)
        elif name:
            told = f"{command.source} starts {name}, a server for development"
            yield Evidence(place, State.ABSENT, Severity.MEDIUM, told, subject)
        elif match := _RELOAD.search(f" {command.text}"):
            told = f"{command.source} starts a server that reloads on every change (`{match[0].strip()}`)"
            yield Evidence(place, State.WEAK, Severity.MEDIUM, told, subject)
        elif start.server in ("server", "fastapi"):
            if command.source != "Procfile" and self._lonely(application, command.text):
                told = f"{command.source} starts gunicorn with its single default worker"
                yield Evidence(place, State.WEAK, Severity.LOW, told, f"{subject} workers")
            else:
                yield present(place, f"{command.source} starts a production server", subject)

    @staticmethod
    def _roots(starts: list[Start]) -> Iterator[Evidence]:
        for command in (start.command for start in starts):
            if command.root and not _GIVES_UP.search(command.text):
                how = " (no `User=` says otherwise)" if command.root == command.place else ""
                told = f"{command.source} runs the server as root{how}"
                subject = f"{command.root.path} root"
                yield Evidence(command.root, State.WEAK, Severity.MEDIUM, told, subject)

    @staticmethod
    def _lonely(application: Application, text: str) -> bool:
        match = re.search(r"(?:^|[\s/\"'])gunicorn\b(.*)", text, re.S)
        if match is None or _WORKERS.search(match[1]):
            return False
        given = {d.name for d in application.facts(SettingDefinition)}
        if {"WEB_CONCURRENCY", "GUNICORN_CMD_ARGS"} & given:
            return False
        names = {f.path.rpartition("/")[2] for f in application.tree.files}
        return not names & _SETS_WORKERS

    @staticmethod
    def _code(application: Application, runs: tuple[ServerRun, ...]) -> Iterator[Evidence]:
        """What the code itself starts, where nothing else of the tree starts anything."""
        names = {r.name for r in application.facts(Requirement)}
        for run in runs:
            if run.production:
                yield present(
                    run.place, f"the application is served by {run.server}", run.place.path
                )
        if any(run.production for run in runs) or names & PRODUCTION_SERVERS or not names:
            return
        for run in runs:
            told = (
                f"{run.server} is the only way of starting, and no production server is installed"
            )
            yield Evidence(run.place, State.ABSENT, Severity.MEDIUM, told, run.place.path)

    good = (
        {
            "app.py": "from flask import Flask\napp = Flask(__name__)\nif __name__ == '__main__':\n    app.run(debug=True)\n",
            "Procfile": "web: gunicorn app:app --workers 4\n",
        },
        {
            "main.py": "import uvicorn\nfrom fastapi import FastAPI\napp = FastAPI()\nif __name__ == '__main__':\n    uvicorn.run(app, workers=4)\n",
            "Dockerfile": 'FROM python:3.13\nCMD ["python", "main.py"]\n',
        },
        {
            "app.py": "from flask import Flask\napp = Flask(__name__)\nif __name__ == '__main__':\n    app.run()\n",
            "requirements.txt": "flask==3.0.0\ngunicorn==23.0.0\n",
        },
        {  # an image for developers beside what the platform starts; the buildpack sets the workers
            "app.py": "from flask import Flask\napp = Flask(__name__)\n",
            "Procfile": "web: gunicorn app:app\n",
            "app.json": '{"addons": ["heroku-postgresql"]}\n',
            "Dockerfile": "FROM python:3.13\nCMD flask --app app run\n",
        },
        {
            "app.py": "from flask import Flask\napp = Flask(__name__)\n",
            "Dockerfile": 'FROM python:3.13\nENTRYPOINT ["make", "serve"]\n',
            "Makefile": "serve: assets\n\tcd src && gunicorn app:app --workers=3\n",
        },
    )
    bad = (
        {
            "app.py": "from flask import Flask\napp = Flask(__name__)\n",
            "ops/shop.service": "[Service]\nExecStart=/srv/venv/bin/gunicorn -w 4 app:app # expect: medium\n[Install]\nWantedBy=multi-user.target\n",
        },
        {
            "app.py": "from flask import Flask\napp = Flask(__name__)\nif __name__ == '__main__':\n    app.run()\n",
            "Dockerfile": "FROM python:3.13\nCMD python app.py # expect: medium\n",
        },
        {
            "app.py": "from flask import Flask\napp = Flask(__name__)\nif __name__ == '__main__':\n    app.run()  # expect: medium\n",
            "requirements.txt": "flask==3.0.0\n",
        },
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "Procfile": "web: uvicorn app:app --reload # expect: medium\n",
        },
        {
            "app.py": "from flask import Flask\napp = Flask(__name__)\n",
            "Dockerfile": "FROM python:3.13\nCOPY . .\nCMD gunicorn app:app # expect: low\n",
        },
    )


def _branch(start: Start, evidence: Evidence, found: list[tuple[Start, Evidence]]) -> bool:
    """Whether a script that can start a production server starts this one instead when it is told to."""
    if evidence.state is State.PRESENT:
        return False
    return any(
        other.command.place.path == start.command.place.path
        and other.command.source == start.command.source
        and piece.state is State.PRESENT
        for other, piece in found
    )


def _beside(start: Start, evidence: Evidence, found: list[tuple[Start, Evidence]]) -> bool:
    """Whether an image starts a server for developers, while a platform starts one for production."""
    developing = start.server in ("runserver", "flask")
    if start.command.source != "Dockerfile" or not developing or evidence.state is State.PRESENT:
        return False
    return any(
        other.command.source != "Dockerfile"
        and not other.command.source.startswith("service ")
        and piece.state is State.PRESENT
        for other, piece in found
    )
