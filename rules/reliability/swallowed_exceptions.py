from __future__ import annotations

from auditor.assess.rule import Rule, asvs, cwe
from auditor.assess.verdict import (
    Evidence,
    Severity,
    State,
    Verdict,
    judge,
    not_applicable,
    present,
)
from auditor.link.application import Application
from auditor.model.operations import Swallowed
from auditor.model.web import WebApp


class SwallowedExceptions(Rule):
    """Failures are handled, not hidden.

    `except:` and `except Exception:` with nothing but `pass` are low for each place, and so is a
    route that answers as if all were well. Narrow exceptions that are passed over on purpose, tidying
    up, and optional imports are left alone.
    """

    id = "swallowed-exceptions"
    title = "Swallowed exceptions"
    section = "reliability"
    severity = Severity.LOW
    risk = "Something stops working, and neither the user nor the log says so."
    fix = (
        "Catch what you expect, log the rest with its traceback, and answer with an error's status."
    )
    references = (cwe(390), cwe(396), asvs("16.5.4"))
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        apps = application.facts(WebApp)
        if not apps:
            return not_applicable("no web application was found")
        found = application.facts(Swallowed)
        if not found:
            told = "no handler was found that passes over every exception"
            return judge("No exception is swallowed.", [present(apps[0].place, told, "exceptions")])
        evidence = [
            Evidence(
                each.place,
                State.WEAK,
                Severity.LOW,
                f"`{each.caught}` answers as if all were well"
                if each.answers
                else f"`{each.caught}` passes over every failure without a trace",
                each.place.path,
            )
            for each in found
        ]
        hidden = "1 handler hides" if len(found) == 1 else f"{len(found)} handlers hide"
        return judge(f"{hidden} failures.", evidence)

    good = (
        {
            "app.py": """
import contextlib
import logging
from fastapi import FastAPI
try:
    import uvloop
except Exception:
    pass
app = FastAPI()

@app.get("/a")
def a(session):
    try:
        return session.read()
    except KeyError:
        pass
    except Exception:
        logging.exception("reading failed")
        return {"items": []}
    finally:
        try:
            session.close()
        except Exception:
            pass
"""
        },
    )
    bad = (
        {
            "app.py": """
from fastapi import FastAPI
app = FastAPI()

@app.get("/a")
def a(session):
    try:
        session.write()
    except Exception:  # expect: low
        pass
    try:
        return session.read()
    except:  # expect: low
        return {"status": "ok"}
"""
        },
    )
