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
from auditor.model.web import Intake, Route

_WORTH = {
    "injection": (State.ABSENT, Severity.HIGH),
    "untyped": (State.ABSENT, Severity.MEDIUM),
    "raw": (State.ABSENT, Severity.MEDIUM),
    "unbounded": (State.WEAK, Severity.LOW),
}


class InputValidation(Rule):
    """What enters is validated: typed, bounded, and never an operator.

    A body taken as `dict` or read raw is medium. A value of such a body that goes unchecked into a
    MongoDB filter is high, because `{"$ne": null}` then matches everything. Text without a greatest
    length is low. A model is named once, however many routes take it.
    """

    id = "input-validation"
    title = "Input validation"
    section = "security"
    severity = Severity.MEDIUM
    risk = "Malformed or hostile data is stored, breaks later reads, or changes what a query means."
    fix = "Take a model with a type and bounds for every field, also where the body is a `dict` today."
    references = (cwe(20), cwe(943), owasp_api(3), asvs("2.2.1"))

    def assess(self, application: Application) -> Verdict:
        routes = [r for r in application.facts(Route) if self._takes_input(r)]
        intakes = application.facts(Intake)
        routes += [i.route for i in intakes if i.route not in routes]
        if not routes:
            return not_applicable("no route takes input that needs validation")
        evidence: dict[tuple[str, int, str], Evidence] = {}
        for intake in intakes:
            state, severity = _WORTH[intake.kind]
            place = intake.place
            subject = f"{intake.kind} {place.symbol} {intake.message.partition(':')[0]}"
            key = (place.path, place.line, intake.kind + intake.message)
            evidence.setdefault(key, Evidence(place, state, severity, intake.message, subject))
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
