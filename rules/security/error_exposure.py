from __future__ import annotations

from auditor.assess.rule import Rule, asvs, cwe, owasp_api
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
from auditor.model.web import ErrorHandler, Exposure, WebApp


class ErrorExposure(Rule):
    """Responses keep internals to themselves.

    The text of an unexpected exception, or a traceback, in a response is medium: it names hosts,
    paths, queries and libraries. Under a client error (4xx) it is low, and exceptions that are
    raised to tell the caller something (ValueError, own classes) with a 4xx are not reported.
    """

    id = "error-exposure"
    title = "Error exposure"
    section = "security"
    severity = Severity.MEDIUM
    risk = "Error messages tell an attacker about hosts, libraries and data behind the API."
    fix = (
        "Log the exception and answer with a fixed text; one handler for all exceptions does both."
    )
    references = (cwe(209), owasp_api(8), asvs("16.5.1"))
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        apps = application.facts(WebApp)
        if not apps:
            return not_applicable("no web application was found")
        found = [self._evidence(exposure) for exposure in application.facts(Exposure)]
        handlers = application.facts(ErrorHandler)
        found += [
            present(h.place, "one handler answers for every exception nothing else caught")
            for h in handlers
        ]
        wrong = sum(1 for e in found if e.state is not State.PRESENT)
        if not found:
            found = [present(app.place, "no response carries an exception's text") for app in apps]
        summary = (
            f"An exception's text goes to the caller in {count(wrong, 'place')}."
            if wrong
            else "No response carries internals."
        )
        return judge(summary, found)

    @staticmethod
    def _evidence(exposure: Exposure) -> Evidence:
        severity = Severity.LOW if 400 <= exposure.status < 500 else Severity.MEDIUM
        message = f"sends {exposure.what} to the caller (status {exposure.status})"
        return Evidence(exposure.place, State.ABSENT, severity, message, exposure.place.symbol)

    good = (
        {
            "app.py": """
import logging
from fastapi import FastAPI, HTTPException
app = FastAPI()

@app.get("/leads")
def leads():
    try:
        return load()
    except ValueError as error:
        raise HTTPException(400, detail=str(error))
    except Exception as error:
        logging.error("failed: %s", error)
        raise HTTPException(500, detail="Internal error")
"""
        },
    )
    bad = (
        {
            "app.py": """
import traceback
from fastapi import FastAPI, HTTPException
app = FastAPI()

@app.get("/leads")
def leads():
    try:
        return load()
    except Exception as error:
        raise HTTPException(status_code=500, detail=f"Failed: {error}")  # expect: medium

@app.get("/cars")
def cars():
    try:
        return load()
    except Exception:
        return {"error": traceback.format_exc()}  # expect: medium

@app.post("/cars")
def add():
    try:
        return load()
    except Exception as e:
        raise HTTPException(400, str(e))  # expect: low
"""
        },
    )
