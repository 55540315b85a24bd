from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from msgspec.structs import replace

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
    unknown,
)
from auditor.link.application import Application
from auditor.model.blind import BlindSpot
from auditor.model.openness import Openness, OpenRead
from auditor.model.pages import StaticPage
from auditor.model.web import OF_THE_PRIVATE, Guard, Guarding, Route, UnusedGuard


class Authentication(Rule):
    """Every route that should not be public is behind authentication that verifies something.

    Each route's guards are judged by what they do: a guard that accepts any token, never rejects,
    decodes without verifying or returns the same user for everybody is decorative, and the routes
    behind it count as open. Public by nature are health checks, login, registration, password
    recovery, documentation and the start page. A route that changes data, or removes it by a link, is critical,
    one that only reads is high. Where an application shows most of what it holds to everybody and guards its changes,
    as a shop or a blog does, an open read is judged by itself: it stays high where its path or its
    data belong to somebody (accounts, orders, tokens), where it takes a form, and where most reads
    beside it are guarded; other reads are medium (accept them with a waiver when they are meant so),
    and low where all that they read is told and belongs to nobody, or a page without data is all
    that is shown. A guard that compares with a secret whose default stands in the code works, and is
    reported as weak (high). A guard outside of the tree that is not known leaves its routes unknown.
    """

    id = "authentication"
    title = "Authentication"
    section = "security"
    severity = Severity.CRITICAL
    risk = "Anybody who finds the address can read and change the data."
    fix = (
        "Put a dependency that verifies a signature or session on the router or application, so that "
        "a new route is protected unless it says otherwise."
    )
    references = (cwe(306), owasp_api(2), asvs("8.2.1"))
    effort = "medium"

    def assess(self, application: Application) -> Verdict:
        routes = application.facts(Route)
        judged = [r for r in routes if r.authentication is not Guarding.EXEMPT]
        known = [r for r in judged if r.authentication is not Guarding.UNKNOWN]
        if not judged:
            if unseen := [b for b in application.facts(BlindSpot) if b.kind == "routes"]:
                return unknown(
                    f"No route that needs a guard was read: {unseen[0].reason} ({unseen[0].place}).",
                    "List the routes of the running application, and ask each without a credential.",
                )
            told = "every route is public by nature" if routes else "no routes were found"
            return not_applicable(told)
        met = [r for r in known if r.authentication is Guarding.ENFORCED]
        reads = {(r.application, r.name): r for r in application.facts(OpenRead)}
        static = {(page.application, page.name) for page in application.facts(StaticPage)}
        absent = [r for r in known if r.authentication is Guarding.ABSENT]
        opened = list(self._opened(_once(absent), reads, static))
        evidence = [*self._guards(known), *opened]
        evidence += [self._public(r, read) for r in routes if (read := _given_away(r, reads))]
        if worst := max(
            (e.severity for e in evidence if e.state is not State.PRESENT), default=None
        ):
            if 2 * len(met) > len(known):
                worst = min(worst, Severity.MEDIUM)
            evidence += self._unused(application, worst)
        if not known:
            guards = sorted(
                {g.name for r in judged for g in r.guards if g.state is Guarding.UNKNOWN}
            )
            return unknown(
                "The routes are guarded by code outside of the repository.",
                f"Read what {', '.join(guards)} does with a credential that is made up.",
            )
        exempt = len(routes) - len(judged)
        summary = (
            f"{len(met)} of {len(known)} routes are behind authentication that verifies something"
            f" ({exempt} more are public by nature"
            + (
                f", {len(judged) - len(known)} could not be judged)."
                if len(judged) > len(known)
                else ")."
            )
        )
        return judge(summary + _by_application(known), evidence, Coverage(len(met), len(known)))

    def _opened(
        self,
        routes: list[Route],
        reads: dict[tuple[str, str], OpenRead],
        static: set[tuple[str, str]],
    ) -> Iterator[Evidence]:
        """One piece of evidence for each route; one for all that a package brings by one line."""
        brought: dict[tuple[object, ...], list[Evidence]] = defaultdict(list)
        for route in routes:
            evidence = self._open(route, reads, static)
            if route.function is None and route.view is None:
                brought[route.application, route.place].append(evidence)
            else:
                yield evidence
        for found in brought.values():
            if len(found) < _PANEL:
                yield from found
                continue
            worst = max(found, key=lambda e: e.severity)
            told = f"{worst.message}, and {len(found) - 1} more routes that a package brings there"
            yield replace(worst, message=told)

    def _open(
        self,
        route: Route,
        reads: dict[tuple[str, str], OpenRead],
        static: set[tuple[str, str]],
    ) -> Evidence:
        severity, told = Severity.HIGH, f"{route.name} is open to everybody"
        read = reads.get((route.application, route.name))
        if (route.application, route.name) in static:
            severity, told = Severity.LOW, told + "; it shows a page without data"
        elif read is None:
            severity = Severity.CRITICAL
        else:
            severity = _SEVERITIES[read.openness]
            told += f"; {read.why}" if read.why else ""
        return Evidence(route.place, State.ABSENT, severity, told, _subject(route))

    def _public(self, route: Route, read: OpenRead) -> Evidence:
        message = f"{route.name} is open to everybody, as a {route.public} is; {read.why}"
        return Evidence(route.place, State.ABSENT, Severity.HIGH, message, _subject(route))

    def _guards(self, routes: list[Route]) -> Iterator[Evidence]:
        """One piece of evidence for each guard, with how many routes rest on it."""
        behind: dict[Guard, list[Route]] = defaultdict(list)
        for route in routes:
            for guard in route.guards:
                behind[guard].append(route)
        for guard, found in behind.items():
            alone = [r for r in found if r.authentication is guard.state]
            resting = found if guard.state is Guarding.ENFORCED else alone
            many = f"{len(resting)} route{'s' if len(resting) > 1 else ''} ({_few(resting)})"
            match guard.state:
                case Guarding.DECORATIVE if alone:
                    message = f"`{guard.name}` {guard.reason}; {many} rest on it"
                    yield Evidence(
                        guard.place, State.DECORATIVE, Severity.CRITICAL, message, guard.name
                    )
                case Guarding.OPTIONAL if alone:
                    message = f"`{guard.name}` {guard.reason}; {many} rest on it alone"
                    severity = Severity.MEDIUM if guard.reason == OF_THE_PRIVATE else Severity.HIGH
                    yield Evidence(guard.place, State.WEAK, severity, message, guard.name)
                case Guarding.ENFORCED if (
                    "written in the code" in guard.reason or "stands in the code" in guard.reason
                ):
                    message = f"`{guard.name}`: {guard.reason}; {many} rest on it"
                    yield Evidence(guard.place, State.WEAK, Severity.HIGH, message, guard.name)
                case Guarding.ENFORCED:
                    yield present(
                        guard.place, f"`{guard.name}` {guard.reason} for {many}", guard.name
                    )

    def _unused(self, application: Application, worst: Severity) -> Iterator[Evidence]:
        """Guards on no route: as grave as the gravest of the routes that they could stand before.

        Where most routes are guarded by others, an unused one tells little: the open ones are listed.
        """
        for guard in application.facts(UnusedGuard):
            message = f"`{guard.name}` is written to guard routes, and {guard.reason}"
            yield Evidence(guard.place, State.DECORATIVE, worst, message, guard.name)

    good = (
        {
            "app.py": """
import os
import jwt
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.security import HTTPBearer

bearer = HTTPBearer()

def current_user(credentials=Depends(bearer)):
    try:
        return jwt.decode(credentials.credentials, os.environ["JWT_SECRET"], algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401, "invalid token")

router = APIRouter(dependencies=[Depends(current_user)])

@router.get("/leads")
def leads():
    return []

app = FastAPI()
app.include_router(router, prefix="/api")

@app.get("/health")
def health():
    return {"status": "ok"}

@app.post("/ping")
def ping():
    return {"pong": True}

@app.post("/contact")
def contact(email: str, message: str):
    return keep(email, message)
"""
        },
    )
    bad = (
        {
            "app.py": """
from fastapi import FastAPI
from store import keep

app = FastAPI()

@app.post("/contacts")
def enter(name: str, phone: str, email: str):  # expect: critical
    return keep.insert_one([name, phone, email])

@app.post("/messages")
def send(sender_id: int, email: str, message: str):  # expect: critical
    return keep.insert_one([sender_id, email, message])

@app.post("/ping")
def beat(device: str):  # expect: critical
    keep.insert_one(device)
"""
        },
        {
            "app.py": """
from fastapi import FastAPI
from fastapi.responses import FileResponse

app = FastAPI()

@app.get("/api/.*", status_code=404)
def nothing():  # expect: low
    return None

@app.get("/{path:path}")
def front_end(path: str):  # expect: low
    return FileResponse("dist/index.html")

@app.get("/uploads/{path:path}")
def uploads(path: str):  # expect: high
    return FileResponse("uploads/" + path)
"""
        },
        {
            "app.py": """
import os
from fastapi import Depends, FastAPI, Header, HTTPException

app = FastAPI()

def staff(x_key: str = Header()):
    if x_key != os.environ["STAFF_KEY"]:
        raise HTTPException(401)

@app.get("/products")
def products():  # expect: medium
    return []

@app.post("/products", dependencies=[Depends(staff)])
def add():
    return {}
"""
        },
        {
            "app.py": """
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBearer

app = FastAPI()

async def verify_token(credentials=Depends(HTTPBearer())):  # expect: critical
    token = credentials.credentials
    if not token or len(token) < 10:
        raise HTTPException(status_code=401, detail="Invalid token")
    return {"user_id": "demo"}

@app.get("/leads")
async def leads(user: dict = Depends(verify_token)):
    return []

@app.delete("/leads/{lead_id}")
async def remove(lead_id: str):  # expect: critical
    return {}

@app.get("/stats")
async def stats():  # expect: high
    return {}
"""
        },
        {
            "app.py": """
import os
from fastapi import Depends, FastAPI, Header, HTTPException
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from store import session

app = FastAPI()

class Base(DeclarativeBase):
    pass

class Article(Base):
    __tablename__ = "articles"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]

class Login(Base):
    __tablename__ = "logins"
    id: Mapped[int] = mapped_column(primary_key=True)
    password_hash: Mapped[str]

def staff(x_key: str = Header()):
    if x_key != os.environ["STAFF_KEY"]:
        raise HTTPException(401)

@app.get("/latest")
def latest():  # expect: low
    return session.execute(select(Article).limit(10)).scalars().all()

@app.get("/archive")
def archive():  # expect: medium
    return []

@app.get("/authors")
def authors():  # expect: high
    return session.execute(select(Login).limit(10)).scalars().all()

@app.get("/users/{user_id}")
def one(user_id: int):  # expect: high
    return {}

@app.get("/drafts/new", dependencies=[Depends(staff)])
def newest_draft():
    return {}

@app.get("/drafts/old", dependencies=[Depends(staff)])
def oldest_draft():
    return {}

@app.get("/drafts/{draft_id}")
def draft(draft_id: int):  # expect: high
    return {}

@app.post("/publish", dependencies=[Depends(staff)])
def publish():
    return {}

@app.post("/withdraw", dependencies=[Depends(staff)])
def withdraw():
    return {}

@app.post("/rename", dependencies=[Depends(staff)])
def rename():
    return {}
"""
        },
        {
            "app.py": """
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException

app = FastAPI()

def user(authorization: str = Header()):  # expect: critical
    try:
        return jwt.decode(authorization, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise HTTPException(401)

@app.get("/me")
def me(user=Depends(user)):
    return user
"""
        },
    )


_PANEL = 5
"""How many routes of one line make a panel of a package."""


def _given_away(route: Route, reads: dict[tuple[str, str], OpenRead]) -> OpenRead | None:
    """What a start page or a registration gives away that is not for everybody."""
    exempt = route.authentication is Guarding.EXEMPT
    return reads.get((route.application, route.name)) if exempt else None


def _once(routes: list[Route]) -> list[Route]:
    """One route of those that differ in the slash at their end alone."""
    found: dict[tuple[object, ...], Route] = {}
    for route in routes:
        key = route.application, route.method, route.path.rstrip("/"), route.place
        found.setdefault(key, route)
    return list(found.values())


def _subject(route: Route) -> str:
    return f"{route.application} {route.name}"


def _few(routes: list[Route]) -> str:
    names = ", ".join(route.name for route in routes[:3])
    return names + (f" and {len(routes) - 3} more" if len(routes) > 3 else "")


def _by_application(routes: list[Route]) -> str:
    """How each of several applications stands."""
    units: dict[str, list[Route]] = defaultdict(list)
    for route in routes:
        units[route.application].append(route)
    if len(units) < 2:
        return ""
    told = [
        f"{name} {sum(r.authentication is Guarding.ENFORCED for r in found)} of {len(found)}"
        for name, found in units.items()
    ]
    return f" By application: {', '.join(told)}."


_SEVERITIES = {
    Openness.REMOVES: Severity.CRITICAL,
    Openness.CHANGES: Severity.HIGH,
    Openness.PRIVATE: Severity.HIGH,
    Openness.BESIDE: Severity.HIGH,
    Openness.FORGOTTEN: Severity.HIGH,
    Openness.REGISTERS: Severity.MEDIUM,
    Openness.FAILS: Severity.MEDIUM,
    Openness.READ: Severity.MEDIUM,
    Openness.HARMLESS: Severity.LOW,
}
