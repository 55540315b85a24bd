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
    unknown,
)
from auditor.link.application import Application
from auditor.model.cookies import Cookie, CsrfGap, CsrfProtection, Flag
from auditor.model.web import WebApp

_OPEN = (Flag.OFF, Flag.UNSET)


class SessionCookies(Rule):
    """Cookies that identify a user travel over HTTPS only, hide from scripts, and stay on this site.

    Judged are the cookies of sessions, tokens and logins, not preferences. Without Secure or HttpOnly
    they are medium, and low where only SameSite is missing, which browsers do not fill in alike.
    SameSite=None is high unless something demands a token of forms. Django without its CSRF middleware is
    high, as is a protection that is switched off; a route that is exempt, or takes a form that nothing
    checks, is medium, and low where SameSite keeps the session at home. Routes that take JSON, or know
    their caller by a header, need no token. Settings count as they are in production; an
    attribute that the environment decides is taken to be right there, and one that comes from outside of
    the code is not judged.
    """

    id = "session-cookies"
    title = "Cookies and forms"
    section = "security"
    severity = Severity.MEDIUM
    risk = "A stolen session cookie is a login, and a page elsewhere can act in the name of a visitor who is signed in."
    fix = "Set Secure, HttpOnly and SameSite=Lax on cookies that identify a user, and demand a CSRF token of every form."
    references = (cwe(614), cwe(1004), cwe(1275), cwe(352), asvs("3.3.1"), asvs("3.5.1"))
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        cookies = application.facts(Cookie)
        gaps = application.facts(CsrfGap)
        protections = [p for p in application.facts(CsrfProtection) if p.sessions]
        if not (cookies or gaps or protections):
            if not application.facts(WebApp):
                return not_applicable("no web application was found")
            return not_applicable("no cookie that identifies a user is set here")
        guarded = any(p.name and not p.off for p in protections)
        found = [
            *(e for cookie in cookies for e in _cookie(cookie, guarded)),
            *(e for p in protections for e in _protection(p)),
            *(_gap(gap, cookies) for gap in gaps),
        ]
        found = list(dict.fromkeys(found))
        if not found:
            return unknown(
                "Cookies identify users, and their attributes come from outside of the code.",
                "Look at the Set-Cookie headers of a login: Secure, HttpOnly, SameSite.",
            )
        wrong = [e for e in found if e.state is not State.PRESENT]
        summary = (
            f"{count(len(wrong), 'finding')} on cookies and forms."
            if wrong
            else "Cookies that identify users are protected."
        )
        return judge(summary, found)

    good = (
        {
            "app.py": """
from fastapi import FastAPI, Response
app = FastAPI()

@app.post("/login")
def login(response: Response):
    response.set_cookie("access_token", make_token(), httponly=True, secure=True)
    response.set_cookie("theme", "dark")
"""
        },
        {
            "app.py": """
from flask import Flask, session
from flask_wtf import CSRFProtect
app = Flask(__name__)
app.config.update(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Lax")
CSRFProtect(app)
"""
        },
        {
            "app.py": """
import os
from fastapi import FastAPI
from starlette.middleware.sessions import SessionMiddleware
app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key=os.environ["KEY"], https_only=True)
"""
        },
        {"app.py": "from fastapi import FastAPI\napp = FastAPI()\n"},
    )
    bad = (
        {
            "app.py": """
from fastapi import FastAPI, Response
from starlette.middleware.sessions import SessionMiddleware
app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key=KEY)  # expect: medium

@app.post("/login")
def login(response: Response):
    response.set_cookie("session_id", new_session())  # expect: medium
    response.set_cookie("token", make_token(), secure=True, httponly=True, samesite="none")  # expect: high
"""
        },
        {
            "app.py": """
from flask import Flask, request
from flask_login import login_required, current_user
app = Flask(__name__)  # expect: medium

@app.post("/email")
@login_required
def email():  # expect: medium
    current_user.email = request.form["email"]

@app.post("/name")
@login_required
def name():
    current_user.name = request.get_json()["name"]
"""
        },
        {
            "settings.py": """
ROOT_URLCONF = "urls"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
SESSION_COOKIE_SECURE = False  # expect: medium
CSRF_COOKIE_SECURE = True
""",
            "urls.py": """
from django.urls import path
from django.contrib.auth.decorators import login_required
from django.views.decorators.csrf import csrf_exempt

@csrf_exempt
@login_required
def transfer(request):  # expect: medium
    request.user.pay(request.POST["to"])

@csrf_exempt
def webhook(request):
    verify(request.headers["X-Signature"])

urlpatterns = [path("transfer", transfer), path("webhook", webhook)]
""",
            "manage.py": """
import os
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
""",
        },
    )


def _cookie(cookie: Cookie, guarded: bool) -> Iterator[Evidence]:
    missing = [
        name
        for name, flag in (("Secure", cookie.secure), ("HttpOnly", cookie.httponly))
        if flag in _OPEN
    ]
    name = f"the cookie `{cookie.name}`"
    subject = f"cookie {cookie.name}"
    if cookie.what == "csrf":
        if missing:
            told = f"{name}, which forms are checked against, is sent over plain HTTP too"
            yield Evidence(cookie.place, State.WEAK, Severity.LOW, told, subject)
        return
    severity = Severity.MEDIUM
    if cookie.samesite == "none" and not guarded:
        told = f"{name} is sent along from every other site (SameSite=None), and no form demands a token"
        yield Evidence(cookie.place, State.ABSENT, Severity.HIGH, told, subject)
        if not missing:
            return
    if not missing and cookie.samesite:
        if Flag.UNKNOWN not in (cookie.secure, cookie.httponly) and cookie.samesite != "?":
            told = f"{name} is Secure, HttpOnly and SameSite={cookie.samesite}"
            if Flag.DEPENDS in (cookie.secure, cookie.httponly):
                told += ", where the environment says so"
            yield present(cookie.place, told, subject)
        return
    if not missing:
        if guarded or Flag.UNKNOWN in (cookie.secure, cookie.httponly):
            return
        severity = Severity.LOW
    if not cookie.samesite:
        missing.append("SameSite")
    listed = missing[0] if len(missing) == 1 else f"{', '.join(missing[:-1])} and {missing[-1]}"
    what = {"session": "the session", "login": "a login", "token": "a token"}[cookie.what]
    told = f"{name}, which carries {what}, is set without {listed}"
    if cookie.unless and cookie.secure is Flag.OFF:
        told += f", unless {cookie.unless} says otherwise"
    yield Evidence(cookie.place, State.WEAK, severity, told, subject)


def _protection(protection: CsrfProtection) -> Iterator[Evidence]:
    subject = f"CSRF {protection.framework}"
    if protection.name and not protection.off:
        told = f"{protection.name} demands a token of forms"
        yield present(protection.place, told, subject)
    elif protection.name:
        told = f"{protection.name} is set up and does nothing: {protection.off}"
        yield Evidence(protection.place, State.DECORATIVE, Severity.HIGH, told, subject)
    elif protection.framework == "Django":
        told = "sessions are kept, and no CsrfViewMiddleware demands a token of forms"
        yield Evidence(protection.place, State.ABSENT, Severity.HIGH, told, subject)


def _gap(gap: CsrfGap, cookies: tuple[Cookie, ...]) -> Evidence:
    own = [c for c in cookies if c.application == gap.application]
    known = [c for c in own if c.framework == gap.framework] or own
    kept = next((c.samesite for c in known if c.what in ("session", "token")), "")
    told = f"{gap.route}: {gap.why}"
    severity = Severity.MEDIUM
    if kept == "none":
        severity = Severity.HIGH
    elif kept == "strict" or (kept == "lax" and not gap.exempt):
        severity = Severity.LOW
        told += f"; SameSite={kept} keeps most browsers from sending it"
    return Evidence(gap.place, State.ABSENT, severity, told, gap.route)
