from __future__ import annotations

from auditor.assess.rule import Rule, asvs, cwe, owasp_api
from auditor.assess.verdict import (
    Coverage,
    Evidence,
    Severity,
    State,
    Verdict,
    judge,
    not_applicable,
    present,
)
from auditor.link.application import Application
from auditor.model.web import Intake, Route, Sink, Upload

_WORTH = {
    "untyped": (State.ABSENT, Severity.MEDIUM),
    "raw": (State.ABSENT, Severity.MEDIUM),
    "unbounded": (State.WEAK, Severity.LOW),
}
_REACHED = {
    Sink.SQL: Severity.CRITICAL,
    Sink.SHELL: Severity.CRITICAL,
    Sink.CODE: Severity.CRITICAL,
    Sink.DESERIALISATION: Severity.CRITICAL,
    Sink.TEMPLATE: Severity.CRITICAL,
    Sink.OPERATOR: Severity.HIGH,
    Sink.PATH: Severity.HIGH,
    Sink.URL: Severity.HIGH,
    Sink.REDIRECT: Severity.MEDIUM,
    Sink.MARKUP: Severity.MEDIUM,
    Sink.FIELDS: Severity.MEDIUM,
    Sink.REGEX: Severity.LOW,
}


class InputValidation(Rule):
    """What enters is validated: typed, bounded, and never code, query or address.

    Values are followed from the request through variables and functions to where they are
    interpreted. SQL text, commands, code, templates and pickles are critical; an operator in a
    MongoDB filter (`{"$ne": null}` matches everything), a file's path and the host of an outgoing
    request are high; redirects, markup and fields of the caller's choosing medium; patterns low.
    Conversions to narrow types, escaping, query parameters and tests that turn other values away
    end a flow. A body taken as `dict` or read raw is medium. Text without a greatest length is
    low. A model is named once, however many routes take it.
    """

    id = "input-validation"
    title = "Input validation"
    section = "security"
    severity = Severity.MEDIUM
    risk = "Malformed or hostile data is stored, breaks later reads, or changes what a query means."
    fix = "Take a model with a type and bounds for every field, also where the body is a `dict` today."
    references = (cwe(20), cwe(74), cwe(943), cwe(918), owasp_api(3), owasp_api(7), asvs("2.2.1"))

    def assess(self, application: Application) -> Verdict:
        routes = [r for r in application.facts(Route) if self._takes_input(r)]
        named = {u.trusts_name for u in application.facts(Upload)}  # told by upload-limits
        intakes = [i for i in application.facts(Intake) if i.place not in named]
        routes += [i.route for i in intakes if i.route not in routes]
        if not routes:
            return not_applicable("no route takes input that needs validation")
        evidence: dict[tuple[str, int, str], Evidence] = {}
        for intake in intakes:
            if intake.sink is not None:
                state, severity = State.ABSENT, _REACHED[intake.sink]
            else:
                state, severity = _WORTH[intake.kind]
            place = intake.place
            subject = f"{intake.kind} {place.symbol} {intake.message.partition(':')[0]}"
            key = (place.path, place.line, intake.kind + intake.message)
            message = f"{intake.message} (CWE-{intake.sink.cwe})" if intake.sink else intake.message
            evidence.setdefault(key, Evidence(place, state, severity, message, subject))
        wrong = {(i.route.application, i.route.name) for i in intakes if i.kind != "unbounded"}
        met = [r for r in routes if (r.application, r.name) not in wrong]
        found = list(evidence.values())
        if met:
            message = f"{len(met)} routes take typed input, {met[0].name} for one"
            found.append(present(met[0].place, message, "typed"))
        summary = f"{len(met)} of {len(routes)} routes that take input have it typed and checked."
        return judge(summary, found, Coverage(len(met), len(routes)))

    @staticmethod
    def _takes_input(route: Route) -> bool:
        return any(p.source in ("body", "form", "query") for p in route.parameters)

    good = (
        {
            "app.py": """
from typing import Annotated
from fastapi import FastAPI, Query
from pydantic import BaseModel, EmailStr, Field

class Lead(BaseModel):
    email: EmailStr
    name: str = Field(min_length=1, max_length=80)
    note: Annotated[str, Field(max_length=500)] = ""
    age: int = Field(ge=0, le=150)

app = FastAPI()

@app.post("/leads")
def create(lead: Lead, source: str = Query("web", max_length=20)):
    return lead
"""
        },
    )
    bad = (
        {
            "app.py": """
from fastapi import FastAPI, Request
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel

app = FastAPI()
db = AsyncIOMotorClient("mongodb://localhost")["shop"]

class Lead(BaseModel):  # expect: low
    name: str

@app.post("/leads")
def create(lead: Lead):
    return lead

@app.post("/claims")
async def claim(
    data: dict,  # expect: medium
):
    return await db.leads.find_one({
        "email": data.get("email"),  # expect: high
    })

@app.post("/hook")
async def hook(request: Request):
    body = await request.json()  # expect: medium
    return str(body)
"""
        },
    )
