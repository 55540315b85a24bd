from __future__ import annotations

from collections import defaultdict
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
from auditor.model.pages import PageServer
from auditor.model.transport import (
    HostPolicy,
    HttpsRedirect,
    ResponseHeader,
    TlsEnd,
    Unverified,
)
from auditor.model.values import Known, Unknown, Value, possible
from auditor.model.web import WebApp

_HSTS = "strict-transport-security"
_SNIFFING = "x-content-type-options"
_FRAMES = ("x-frame-options", "content-security-policy")
_OUTSIDE = "whether what stands in front insists on HTTPS is not in this tree"


class TransportHeaders(Rule):
    """Requests travel by HTTPS to hosts that are known, and responses tell the browser to be careful.

    Calls to other servers that do not check their certificate are high, medium where a setting
    decides and is off by default or only the host's name is not looked at, low where they stay on the
    machine. Where the tree itself ends TLS
    (nginx, Caddy, the server's own certificate) and neither redirects to HTTPS nor sends HSTS, that is
    medium; where TLS ends outside of the tree, whether HTTPS is forced cannot be told and is said so.
    Trusted hosts of `*`, also as a default in code, answer any host: medium, for links in mails are made
    of it. Responses without any protecting header are low, medium where pages are served that other
    sites can frame; a missing one beside others is low. A setting or header that nothing sends is
    decorative. Headers count where every response gets them: middleware, `after_request`, settings, a
    proxy in the tree.
    """

    id = "transport-headers"
    title = "HTTPS, hosts and headers"
    section = "security"
    severity = Severity.MEDIUM
    risk = "Traffic can be read or changed on its way, and pages can be framed or read as something else."
    fix = "Send HSTS, nosniff and a frame policy from one middleware, list the hosts, and never switch off certificate checks."
    references = (cwe(319), cwe(295), cwe(1021), cwe(693), asvs("3.4.1"), asvs("12.1.1"))
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        apps = list({app.name: app for app in reversed(application.facts(WebApp))}.values())
        outbound = list(_outbound(application))
        if not apps and not outbound:
            return not_applicable("no web application was found, and nothing skips certificates")
        evidence = [*outbound, *_hosts(application)]
        told = True
        for app in apps:
            evidence += _headers(application, app)
            forced = _https(application, app)
            told = told and bool(forced)
            evidence += forced
        wrong = [e for e in evidence if e.state is not State.PRESENT]
        if not wrong and not told:
            settle = "what ends TLS: its configuration, or a waiver that names it"
            return unknown(f"Nothing is wrong in the tree; {_OUTSIDE}.", settle, evidence)
        summary = "HTTPS, hosts and headers are as they should be."
        if wrong:
            summary = f"{count(len(wrong), 'finding')} on HTTPS, hosts and headers"
            summary += f"; {_OUTSIDE}." if apps and not told else "."
        return judge(summary, evidence)

    good = (
        {
            "app.py": """
import os

import httpx
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

app = FastAPI()
app.add_middleware(TrustedHostMiddleware, allowed_hosts=["api.example.com"])

@app.middleware("http")
async def headers(request, call_next):
    response = await call_next(request)
    response.headers["Strict-Transport-Security"] = "max-age=31536000"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response

@app.get("/rates")
def rates():
    return httpx.get(os.environ["RATES_URL"], verify="/etc/ssl/partner.pem").json()
"""
        },
        {
            "app.py": """
from flask import Flask, render_template
from flask_talisman import Talisman

app = Flask(__name__)
Talisman(app)

@app.get("/")
def page():
    return render_template("page.html")
"""
        },
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
            "settings.py": """
import os

ROOT_URLCONF = "urls"
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 31_536_000
""",
            "urls.py": "urlpatterns = []\n",
        },
        {
            "app.py": "from flask import Flask\n\napp = Flask(__name__)\n",
            "nginx.conf": """
server { listen 80; return 301 https://$host$request_uri; }
server {
  listen 443 ssl;
  add_header X-Content-Type-Options nosniff always;
  location / { proxy_pass http://app:8000; }
}
""",
        },
    )
    bad = (
        {
            "app.py": """
import ssl

import requests
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

app = FastAPI()  # expect: low
app.add_middleware(TrustedHostMiddleware, allowed_hosts=["*"])  # expect: medium

@app.get("/rates")
def rates():
    return requests.get("https://partner.example.com/rates", verify=False).json()  # expect: high

def context():
    made = ssl.create_default_context()
    made.check_hostname = False  # expect: high
    made.verify_mode = ssl.CERT_NONE
    return made
"""
        },
        {
            "app.py": """
from flask import Flask, render_template

app = Flask(__name__)  # expect: medium

def security_headers(response):
    response.headers["X-Frame-Options"] = "DENY"
    return response

@app.get("/")
def page():
    return render_template("page.html")
"""
        },
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
            "settings.py": """
import os

ROOT_URLCONF = "urls"  # expect: medium
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "*").split(",")  # expect: medium
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
SECURE_HSTS_SECONDS = 31_536_000  # expect: medium
""",
            "urls.py": """
from django.urls import path
from django.views.generic import TemplateView

urlpatterns = [path("", TemplateView.as_view(template_name="page.html"))]
""",
        },
        {
            "app.py": """
from flask import Flask

app = Flask(__name__)

@app.after_request
def headers(response):
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
""",
            "nginx.conf": """
server {
  listen 443 ssl;  # expect: medium
  location / { proxy_pass http://app:8000; }
}
""",
        },
    )


def _outbound(application: Application) -> Iterator[Evidence]:
    for found in application.facts(Unverified):
        severity = Severity.MEDIUM if found.default else Severity.HIGH
        severity = Severity.MEDIUM if found.name else severity
        severity = Severity.LOW if found.local else severity
        message = f"`{found.what}`: the other server's certificate is not checked"
        if found.name:
            message = f"`{found.what}`: a certificate of any other server is taken for this one's"
        if found.default:
            message += " unless a setting says so"
        subject = f"outbound {found.place.symbol or found.what}"
        state = State.WEAK if found.name else State.ABSENT
        yield Evidence(found.place, state, severity, message, subject)


def _hosts(application: Application) -> Iterator[Evidence]:
    policies = {policy.place: policy for policy in reversed(application.facts(HostPolicy))}
    for policy in reversed(policies.values()):  # projects may share their settings
        subject = f"{policy.application} hosts"
        definite = isinstance(policy.hosts, Known)
        if any(_anything(value) for value in _listed(policy.hosts)):
            told = "answers any host" if definite else "answers any host unless a setting says otherwise"  # fmt: skip
            message = f"`{policy.via}` {told}"
            state = State.DECORATIVE if definite else State.WEAK
            yield Evidence(policy.place, state, Severity.MEDIUM, message, subject)
        elif not isinstance(policy.hosts, Unknown) and (not definite or policy.hosts.value):  # type: ignore[union-attr]
            yield present(
                policy.place, f"`{policy.via}` names the hosts that are answered", subject
            )


def _listed(hosts: Value) -> Iterator[object]:
    for known in possible(hosts):
        if isinstance(known.value, list):
            yield from known.value
        else:
            yield known.value


def _anything(host: object) -> bool:
    return isinstance(host, str) and any(part.strip() == "*" for part in host.split(","))


def _headers(application: Application, app: WebApp) -> Iterator[Evidence]:
    sent: dict[str, list[ResponseHeader]] = defaultdict(list)
    for header in application.facts(ResponseHeader):
        if header.application in ("", app.name):
            sent[header.name].append(header)
    void = [each[0] for each in sent.values() if all(h.void for h in each)]
    works = {name: each for name, each in sent.items() if any(not h.void for h in each)}
    for header in void:
        message = f"`{header.name}` of {header.via} does nothing: {header.void}"
        subject = f"{app.name} {header.name}"
        yield Evidence(header.place, State.DECORATIVE, Severity.MEDIUM, message, subject)
    by_via: dict[str, list[ResponseHeader]] = defaultdict(list)
    for each in works.values():
        by_via[each[0].via].append(each[0])
    for via, headers in by_via.items():
        names = ", ".join(h.name for h in headers)
        yield present(headers[0].place, f"{via} sends {names}", f"{app.name} headers of {via}")
    pages = [p for p in application.facts(PageServer) if p.application == app.name]
    wanting = [] if _SNIFFING in works else [f"{_SNIFFING}: nosniff"]
    if pages and not any(name in works for name in _FRAMES):
        wanting.append("x-frame-options or a content-security-policy with frame-ancestors")
    subject = f"{app.name} headers"
    if not works:
        framed = f", and pages such as {pages[0].name} can be framed by any site" if pages else ""
        severity = Severity.MEDIUM if pages else Severity.LOW
        message = f"no response of {app.entry} carries a protecting header{framed}"
        yield Evidence(app.place, State.ABSENT, severity, message, subject)
    elif wanting:
        message = f"responses of {app.entry} lack {' and '.join(wanting)}"
        at = next(iter(works.values()))[0].place
        yield Evidence(at, State.WEAK, Severity.LOW, message, subject)


def _https(application: Application, app: WebApp) -> list[Evidence]:
    """What is known of HTTPS in front of an application; empty where that lies outside."""
    subject = f"{app.name} https"
    for redirect in application.facts(HttpsRedirect):
        if redirect.application in ("", app.name):
            return [present(redirect.place, f"{redirect.via} insists on HTTPS", subject)]
    for header in application.facts(ResponseHeader):
        if header.name == _HSTS and header.application in ("", app.name) and not header.void:
            return [present(header.place, f"{header.via} tells browsers to use HTTPS", subject)]
    for end in application.facts(TlsEnd):
        message = f"{end.what} ends TLS here, and nothing redirects to HTTPS or sends HSTS"
        return [Evidence(end.place, State.ABSENT, Severity.MEDIUM, message, subject)]
    return []
