from __future__ import annotations

import re
from collections.abc import Iterator

import re2

from auditor.assess.rule import Rule, asvs, cwe, owasp_api
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
from auditor.model.patterns import compiled
from auditor.model.settings import SettingDefinition
from auditor.model.values import Setting, Value, possible, settings_in
from auditor.model.web import CorsPolicy, Route, WebApp


class CorsOrigins(Rule):
    """Cross-origin requests are limited to known origins.

    A wildcard is reported where it stands: as a literal, as the default of a setting in code (which
    holds wherever the setting is missing, whatever a `.env` file says), or in a settings file. With
    credentials it is high: Starlette, Flask-CORS and django-cors-headers then answer a request that
    carries cookies with the caller's own origin, so every site is allowed. Without credentials it is medium, and low for an
    application that only reads. `null` and a pattern that matches any host count as wildcards. A
    setting without a default whose value is not in the repository leaves the verdict unknown.
    """

    id = "cors-origins"
    title = "CORS configuration"
    section = "security"
    severity = Severity.HIGH
    risk = "Any web site can call the API from a visitor's browser, and read what comes back."
    fix = "List the origins of your own front ends, from a setting that has no wildcard default."
    references = (cwe(942), owasp_api(8), asvs("3.4.2"))
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        apps = application.facts(WebApp)
        policies = application.facts(CorsPolicy)
        if not apps:
            return not_applicable("no web application was found")
        if not policies:
            evidence = [
                present(app.place, "no cross-origin policy: browsers refuse others") for app in apps
            ]
            return judge(
                "Other origins are refused, as no cross-origin policy opens them.", evidence
            )
        found = [each for policy in policies for each in self._policy(application, policy)]
        if not found:
            names = ", ".join(sorted({s.name for p in policies for s in settings_in(p.origins)}))
            return unknown(
                f"The allowed origins come from {names or 'outside the repository'} ({policies[0].place}).",
                f"Look at the value of {names or 'the setting'} in production.",
            )
        wide = [e for e in found if e.state is not State.PRESENT]
        summary = (
            f"{len(wide)} of {len(policies)} cross-origin policies let any origin in."
            if wide
            else "Cross-origin requests are limited to listed origins."
        )
        return judge(summary, found)

    def _policy(self, application: Application, policy: CorsPolicy) -> Iterator[Evidence]:
        severity = self._severity(application, policy)
        wide = [*_wildcards(policy.origins), *_open_pattern(policy.origin_regex)]
        if policy.reflected:
            wide = ["sends back whatever origin asks"]
        for how in wide:
            yield Evidence(
                policy.place, State.ABSENT, severity, f"{how}{_credentials(policy)}", how
            )
        names = {setting.name for setting in settings_in(policy.origins)}
        defined = [
            d
            for d in application.facts(SettingDefinition)
            if d.name in names and not (d.empty or d.elsewhere)
            if not (wide and d.environment in ("example", "development", "test"))
        ]
        for definition in defined:
            if "*" in [part.strip() for part in definition.value.strip("[]\"'").split(",")]:
                told = f"{definition.name} is `*` here{_credentials(policy)}"
                lowered = (
                    Severity.LOW
                    if definition.environment in ("example", "development", "test")
                    else severity
                )
                yield Evidence(definition.place, State.ABSENT, lowered, told, definition.name)
                wide.append(told)
        given = any(d.environment != "example" for d in defined)
        if not wide and (given or any(True for _ in possible(policy.origins))):
            yield present(policy.place, "only listed origins may call")

    def _severity(self, application: Application, policy: CorsPolicy) -> Severity:
        if any(known.value for known in possible(policy.credentials)):
            return Severity.HIGH
        writes = any(
            r.writes for r in application.facts(Route) if r.application == policy.application
        )
        return Severity.MEDIUM if writes else Severity.LOW

    good = (
        {
            "app.py": """
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example.org"], allow_credentials=True)
"""
        },
        {
            "app.py": """
import os
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=os.environ["ORIGINS"].split(","))
""",
            ".env.production": "ORIGINS=https://shop.example.org\n",
        },
        {"app.py": "from fastapi import FastAPI\napp = FastAPI()\n"},
        {
            "app.py": """
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(
    CORSMiddleware,
    allow_origin_regex=r"https://([a-z0-9-]+\\.)?shop\\.example\\.com",
    allow_credentials=True,
)
"""
        },
        {
            "app.py": """
from flask import Flask, request
from flask_cors import CORS
app = Flask(__name__)
app.config["CORS_ORIGINS"] = ["https://shop.example.org"]
cors = CORS()
cors.init_app(app, supports_credentials=True)

@app.after_request
def ours(response):
    origin = request.headers.get("Origin")
    if origin in ("https://shop.example.org",):
        response.headers["Access-Control-Allow-Origin"] = origin
    return response
"""
        },
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
            "settings.py": """
import django
ROOT_URLCONF = "urls"
MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware"]
CORS_ALLOW_ALL_ORIGINS = False
CORS_ALLOWED_ORIGINS = ["https://shop.example.org"]
CORS_ALLOW_CREDENTIALS = True
""",
        },
    )
    bad = (
        {
            "app.py": """
import os
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(  # expect: high
    CORSMiddleware, allow_credentials=True, allow_origins=os.environ.get("ORIGINS", "*").split(","),
)
""",
            ".env": "ORIGINS=https://shop.example.org\n",
            ".env.production": "ORIGINS=*  # expect: high\n",
            ".env.example": "ORIGINS=*\n",
        },
        {
            "app.py": """
from fastapi import FastAPI
from fastapi.middleware import Middleware
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI(middleware=[Middleware(CORSMiddleware, allow_origins=["*"])])  # expect: low
"""
        },
        {
            "app.py": """
import os
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=os.environ["ORIGINS"].split(","), allow_credentials=True)
""",
            ".env.production": "ORIGINS=*  # expect: high\n",
        },
        {
            "app.py": """
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origin_regex=".*", allow_credentials=True)  # expect: high
"""
        },
        {
            "app.py": """
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origin_regex=".*.(shop.com|shop.org)", allow_credentials=True)  # expect: high
"""
        },
        {
            "app.py": """
from flask import Flask, request
from flask_cors import CORS, cross_origin
app = Flask(__name__)
CORS(app, resources={
    r"/api/*": {"origins": "*"},  # expect: medium
    r"/shop/*": {"origins": ["https://shop.example.org"]},
})

@app.post("/orders")
@cross_origin(supports_credentials=True)  # expect: high
def order():
    return {}

@app.after_request
def anybody(response):
    response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin")  # expect: high
    response.headers["Access-Control-Allow-Credentials"] = "true"
    return response
"""
        },
        {
            "app.py": "from flask import Flask\nfrom flask_cors import CORS\napp = Flask(__name__)\nCORS(app)  # expect: low\n"
        },
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
            "settings.py": """
import django
ROOT_URLCONF = "urls"
MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware"]
CORS_ORIGIN_ALLOW_ALL = True  # expect: high
CORS_ALLOW_CREDENTIALS = True
""",
        },
    )


def _wildcards(origins: Value) -> Iterator[str]:
    for known in possible(origins):
        listed = known.value if isinstance(known.value, list) else [known.value]
        for origin in ("*", "null"):
            if origin in [str(each).strip() for each in listed]:
                name = next(
                    (s.name for s in settings_in(origins) if _in_default(s, known.place)), ""
                )
                where = f", the default of {name} in code" if name else ""
                yield f"allows origin `{origin}`{where}"


def _in_default(setting: Setting, place: object) -> bool:
    return any(known.place == place for known in possible(setting.default))


_MATCHES_ALL = re.compile(r"\^?(?:https?|http\(s\)\?|https\?)?(?:://)?\(?\.[*+]\)?\$?")


def _open_pattern(pattern: Value | None) -> Iterator[str]:
    for known in possible(pattern):
        if not isinstance(known.value, str):
            continue
        if _MATCHES_ALL.fullmatch(known.value):
            yield "allows every origin by a pattern"
        elif origin := _foreign(known.value):
            yield f"allows origins of others by a loose pattern, {origin} for one"


_DOMAIN = re.compile(
    r"[A-Za-z0-9-]+(?:\\?\.[A-Za-z0-9-]+)*\\?\.(?:com|org|net|io|dev|app|co|ai|de|eu|uk|fr)\b"
)


def _foreign(pattern: str) -> str:
    """An origin that anybody can register and that a pattern matches as a whole, as Starlette asks it.

    `.*` or nothing that ends before a domain lets `evil-shop.example` in, a dot that is not escaped
    `shopXexample.com`.
    """
    try:
        expression = compiled(pattern)
    except re2.error:
        return ""
    for found in list(_DOMAIN.finditer(pattern))[:10]:
        domain = found[0].replace("\\", "")
        first, _, rest = domain.partition(".")
        hosts = [f"evil{domain}", f"x.evil{domain}", f"{domain}.evil.example"]
        for host in hosts + [f"{first}x{rest}"] * ("." in rest):
            origin = f"https://{host}"
            if expression.fullmatch(origin):
                return origin
    return ""


def _credentials(policy: CorsPolicy) -> str:
    if any(known.value for known in possible(policy.credentials)):
        return ", with credentials: the caller's own origin is sent back, so cookies work from any site"
    return ""
