from __future__ import annotations

from auditor.assess.rule import Reference, Rule, asvs, cwe
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
from auditor.model.operations import LoggedValue
from auditor.model.web import WebApp

_SEVERITIES = {
    "a secret": Severity.MEDIUM,
    "a whole request": Severity.MEDIUM,
    "personal data": Severity.LOW,
}


class LogHygiene(Rule):
    """Logs keep secrets and personal data out.

    A password, token or key, the address by which a database is signed in to, and the whole content or all headers of a request, are medium for each
    place that logs them (or prints them while serving); an e-mail address, telephone or identity
    number is low. What is masked, hashed, measured or cut before is not reported.
    """

    id = "log-hygiene"
    title = "Log hygiene"
    section = "reliability"
    severity = Severity.MEDIUM
    risk = "Logs are copied, kept and read by many: whoever reads one can sign in as somebody else."
    fix = "Log identifiers instead of contents, and leave out passwords, tokens and whole requests."
    references = (
        cwe(532),
        asvs("16.2.5"),
        Reference(
            "OWASP Logging Cheat Sheet",
            "https://cheatsheetseries.owasp.org/cheatsheets/Logging_Cheat_Sheet.html#data-to-exclude",
        ),
    )
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        apps = application.facts(WebApp)
        if not apps:
            return not_applicable("no web application was found")
        found = application.facts(LoggedValue)
        if not found:
            told = "no log call was found that writes a secret, personal data or a whole request"
            return judge("Logs keep secrets out.", [present(apps[0].place, told, "logs")])
        evidence = [
            Evidence(
                each.place,
                State.WEAK,
                _SEVERITIES[each.what],
                f"{each.what} is logged: {each.name}",
                f"{each.place.path} {each.name}",
            )
            for each in found
        ]
        written = "1 log call writes" if len(found) == 1 else f"{len(found)} log calls write"
        return judge(f"{written} what should not be kept.", evidence)

    good = (
        {  # where the database is, without who signs in; a file has no password
            "app.py": """
import logging
import os
from fastapi import FastAPI
from pydantic_settings import BaseSettings
logger = logging.getLogger(__name__)

class Settings(BaseSettings):
    database_url: str = "postgresql://app@db/shop"

settings = Settings()
CACHE_URL = "sqlite:///cache.db"
app = FastAPI()

@app.get("/where")
def where():
    logger.info("database at %s", settings.database_url.split("@")[-1])
    logger.info("a database is configured: %s", bool(settings.database_url))
    logger.info("cache at %s", CACHE_URL)
"""
        },
        {
            "app.py": """
import logging
import os
from fastapi import FastAPI
logger = logging.getLogger(__name__)
app = FastAPI()

@app.post("/login")
def login(password: str, token: str):
    logger.info("login with %d characters", len(password))
    logger.info("token %s…", token[:4])
    logger.warning("the password is wrong")
    logger.info("token_count %s", 3)
    logger.info("asking with a key: %s", bool(os.environ["PARTNER_API_KEY"]))
"""
        },
        {  # what only a developer sees
            "app.py": """
import os
from fastapi import FastAPI
DEBUG = os.environ.get("DEBUG") == "1"
app = FastAPI()

@app.post("/mail")
def mail(email: str):
    if DEBUG:
        print(f"to {email}")
"""
        },
    )
    bad = (
        {
            "app.py": """
import logging
import os
from fastapi import FastAPI
from pydantic_settings import BaseSettings
logger = logging.getLogger(__name__)

class Settings(BaseSettings):
    mongodb_url: str

settings = Settings()
app = FastAPI()

@app.on_event("startup")
async def started():
    logger.info(f"MongoDB at {settings.mongodb_url}")  # expect: medium
    logger.info("PostgreSQL at %s", os.environ["DATABASE_URL"])  # expect: medium
    logger.info("Redis at %s", os.getenv("REDIS_URL"))  # expect: medium
"""
        },
        {
            "app.py": """
import logging
import os
from fastapi import FastAPI, Request
from pydantic import BaseModel
logger = logging.getLogger(__name__)
app = FastAPI()

class Login(BaseModel):
    email: str
    password: str

@app.post("/login")
async def login(data: Login, request: Request):
    logger.info(f"login {data.email}")  # expect: low
    token = secrets.token_urlsafe(32)
    link = f"https://shop.example/reset?token={token}"
    logger.info("link for %s: %s", data.email, link)  # expect: medium
    logger.debug("with %s", data.password)  # expect: medium
    logger.debug("data %s", data)  # expect: medium
    print(await request.json())  # expect: medium
    logger.info("asking with %s", os.environ["PARTNER_API_KEY"])  # expect: medium
"""
        },
        {
            "app.py": """
import os
import threading
from fastapi import FastAPI
app = FastAPI()
DEBUG = os.environ.get("DEBUG") == "1"

class Mailer(threading.Thread):
    def __init__(self, email):
        super().__init__()
        self.email = email

    def run(self):
        print("to", self.email)  # expect: low

def connect(password: str):
    url = f"postgresql://shop:{password}@db/shop"
    print(url)  # expect: medium

@app.post("/mail")
def mail(address: str):
    if not DEBUG:
        print("with", os.environ["MAIL_API_KEY"])  # expect: medium
    Mailer(address).start()
"""
        },
    )
