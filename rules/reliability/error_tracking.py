from __future__ import annotations

from collections.abc import Iterator

from auditor.assess.rule import Rule, asvs, cwe
from auditor.assess.verdict import (
    Evidence,
    Severity,
    State,
    Verdict,
    count,
    judge,
    not_applicable,
    present,
)
from auditor.link.application import Application
from auditor.model.operations import BrowserErrors, OwnReport, Tracker
from auditor.model.values import Known, possible, settings_in
from auditor.model.web import WebApp


class ErrorTracking(Rule):
    """Production errors reach somebody.

    None of the known trackers set up is high, once for each repository. One without an address
    (an empty DSN), in a branch never taken, or in code that nothing runs is decorative. An address
    from a setting counts, also behind `if settings.SENTRY_DSN`, and so does an APM agent around the
    command that starts the application. Code of the application's own that sends what nothing caught to
    a chat or by mail is weak (low): somebody hears of it, but nothing groups the errors, and who sends too
    many is silenced. One that only writes them to a table, or sends them where they are caught and
    nowhere else, is weak (medium). A front end without a tracker is low.
    """

    id = "error-tracking"
    title = "Error tracking"
    section = "reliability"
    severity = Severity.HIGH
    risk = "Users meet errors that nobody hears of, until they leave."
    fix = "Initialise a tracker such as Sentry at start, with its DSN from a setting that production has."
    references = (cwe(778), asvs("16.5.2"))
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        apps = application.facts(WebApp)
        if not apps:
            return not_applicable("no web application was found")
        trackers = application.facts(Tracker)
        evidence = [e for tracker in trackers for e in self._tracker(tracker)]
        own = (
            () if any(e.state is State.PRESENT for e in evidence) else application.facts(OwnReport)
        )
        evidence += self._own(own)
        if not evidence:
            told = "no error tracker is set up"
            evidence = [Evidence(apps[0].place, State.ABSENT, Severity.HIGH, told, "tracker")]
        works = any(e.state is State.PRESENT for e in evidence)
        if works:
            evidence = list({(e.place, e.message): e for e in evidence if e.state is State.PRESENT}.values())  # fmt: skip
        evidence += self._front_ends(application)
        summary = "Errors are reported." if works else "Errors in production reach nobody."
        if not works and own:
            summary = "No error tracker is set up; the application tells of errors by itself."
        return judge(summary, evidence)

    def _own(self, found: tuple[OwnReport, ...]) -> Iterator[Evidence]:
        order = ("posts", "keeps", "caught")
        best = min((each.how for each in found), key=order.index, default="")
        seen: set[str] = set()
        for each in found:
            if each.how != best or each.where in seen:
                continue
            seen.add(each.where)
            by = f"code of its own tells {each.where} what nothing caught; nothing groups the errors or keeps them"
            severity = Severity.LOW
            if best == "keeps":
                by, severity = "what nothing caught is written to a table, and nobody is told", Severity.MEDIUM  # fmt: skip
            elif best == "caught":
                severity = Severity.MEDIUM
                number = count(each.places, "place")
                by = f"errors are told to {each.where} in {number} that catch them; what nothing catches reaches nobody"
            yield Evidence(each.place, State.WEAK, severity, by, f"own {best} {each.where}")

    def _front_ends(self, application: Application) -> Iterator[Evidence]:
        for each in application.facts(BrowserErrors):
            subject = f"front end {each.place.path}"
            if each.name and each.addressed:
                yield present(each.place, f"{each.name} reports the front end's errors", subject)
            elif each.name:
                told = f"{each.name} is set up in the front end without an address"
                yield Evidence(each.place, State.DECORATIVE, Severity.LOW, told, subject)
            else:
                told = "errors in the front end reach nobody"
                yield Evidence(each.place, State.ABSENT, Severity.LOW, told, subject)

    def _tracker(self, tracker: Tracker) -> Iterator[Evidence]:
        if not tracker.run:
            told = f"{tracker.name} is set up where the web application does not run it"
            yield Evidence(tracker.place, State.DECORATIVE, Severity.HIGH, told, tracker.name)
        elif _empty(tracker) and (tracker.needs_dsn or tracker.dsn is not None):
            told = f"{tracker.name} is set up without an address, so it sends nothing"
            yield Evidence(tracker.place, State.DECORATIVE, Severity.HIGH, told, tracker.name)
        else:
            names = ", ".join(s.name for s in settings_in(tracker.dsn))
            yield present(
                tracker.place,
                f"{tracker.name} reports errors" + (f" to {names}" if names else ""),
                tracker.name,
            )

    good = (
        {
            "app.py": """
import os
import sentry_sdk
from fastapi import FastAPI
sentry_sdk.init(dsn=os.environ["SENTRY_DSN"])
app = FastAPI()
"""
        },
        {
            "app.py": "from flask import Flask\napp = Flask(__name__)\n",
            "Procfile": "web: ddtrace-run gunicorn app:app\n",
            "web/package.json": '{"dependencies": {"react-dom": "19.0.0"}}\n',
            "web/src/main.tsx": "import * as Sentry from '@sentry/react';\nSentry.init({ dsn: import.meta.env.VITE_DSN });\n",
        },
    )
    bad = (
        {  # code of its own
            "app.py": """
import traceback
import requests
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
app = FastAPI()

def tell(text):
    requests.post("https://hooks.slack.com/services/x", json={"text": text}, timeout=5)

@app.exception_handler(Exception)
async def unexpected(request: Request, error: Exception):  # expect: low
    tell(traceback.format_exc())
    return JSONResponse(status_code=500, content={})
""",
        },
        {  # only where it is caught
            "app.py": """
import smtplib
from flask import Flask
app = Flask(__name__)

def mail_error(error):  # expect: medium
    with smtplib.SMTP("mail", timeout=5) as server:
        server.sendmail("a@example.org", "b@example.org", str(error))

@app.get("/")
def home():
    try:
        return str(1 / 0)
    except ZeroDivisionError as error:
        mail_error(error)
        raise
""",
        },
        {  # a message that tells of no error
            "app.py": """
import requests
from flask import Flask
app = Flask(__name__)  # expect: high

def send_alert(text):
    requests.post("https://hooks.slack.com/services/x", json={"text": text}, timeout=5)

@app.get("/")
def home():
    send_alert("somebody came")
    return ""

@app.errorhandler(404)
def missing(error):
    return "", 404
""",
        },
        {
            "app.py": "from flask import Flask\napp = Flask(__name__)  # expect: high\n",
            "web/package.json": '{"dependencies": {"vue": "3.5.0"}}\n',
            "web/src/main.js": "// Rollbar\nnew Rollbar({ accessToken: '' }); // expect: low\n",
        },
        {"app.py": "from fastapi import FastAPI\napp = FastAPI()  # expect: high\n"},
        {
            "app.py": """
import sentry_sdk
from fastapi import FastAPI
sentry_sdk.init(dsn="")  # expect: high
app = FastAPI()

def later():
    sentry_sdk.init(dsn="https://key@example.org/1")  # expect: high
"""
        },
    )


def _empty(tracker: Tracker) -> bool:
    """No address at all, or one that is an empty literal; a setting may be given outside."""
    if isinstance(tracker.dsn, Known):
        return not tracker.dsn.value
    return tracker.dsn is None and not any(True for _ in possible(tracker.dsn))
