from __future__ import annotations

from auditor.assess.rule import Reference, Rule, cwe
from auditor.assess.verdict import (
    Coverage,
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
from auditor.model.operations import OutboundCall, Retry
from auditor.model.web import WebApp


class OutboundTimeouts(Rule):
    """Calls to other systems time out, and are tried again with care.

    A call without a timeout (requests, urllib, urllib3, smtplib; httpx with `timeout=None`) is medium
    where the application makes it while it serves, low in scripts and tasks. aiohttp's default of
    five minutes and that of the clients of OpenAI and Anthropic, of ten, are low. Retries without a pause that grows are low. Calls whose options are only
    known at run time are not judged.
    """

    id = "outbound-timeouts"
    title = "Outbound timeouts"
    section = "reliability"
    severity = Severity.MEDIUM
    risk = "One slow service elsewhere occupies every worker, and the application stands still with it."
    fix = "Give every call a timeout of a few seconds, and let retries wait longer each time."
    references = (
        cwe(400),
        cwe(1088),
        Reference(
            "requests: timeouts",
            "https://requests.readthedocs.io/en/latest/user/advanced/#timeouts",
        ),
    )
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        if not application.facts(WebApp):
            return not_applicable("no web application was found")
        calls = [c for c in application.facts(OutboundCall) if c.limit != "unknown"]
        retries = application.facts(Retry)
        if not calls and not retries:
            return not_applicable(
                "no calls to other systems were found whose timeout could be told"
            )
        evidence = []
        for call in calls:
            subject = f"{call.place.path} {call.library}"
            if call.limit == "none":
                severity = Severity.MEDIUM if call.serving else Severity.LOW
                told = f"{call.library} waits without an end here: no timeout"
                evidence.append(Evidence(call.place, State.ABSENT, severity, told, subject))
            elif call.limit == "long":
                told = f"{call.library} waits for five minutes or more here: its default timeout"
                evidence.append(Evidence(call.place, State.WEAK, Severity.LOW, told, subject))
            else:
                how = "with a timeout" if call.limit == "given" else "with its default timeout"
                evidence.append(present(call.place, f"{call.library} {how}", subject))
        for retry in retries:
            if retry.backoff:
                evidence.append(
                    present(retry.place, f"{retry.library} waits between tries", "retry")
                )
            else:
                told = f"{retry.library} tries again at once, without a pause that grows"
                evidence.append(Evidence(retry.place, State.WEAK, Severity.LOW, told, "retry"))
        met = sum(1 for c in calls if c.limit in ("given", "default"))
        summary = f"{met} of {count(len(calls), 'outbound call')} time out."
        return judge(summary, evidence, Coverage(met, len(calls)) if calls else None)

    good = (
        {
            "app.py": """
import httpx
import requests
from fastapi import FastAPI
app = FastAPI()

@app.get("/a")
def rates():
    requests.get("https://example.org", timeout=5)
    httpx.get("https://example.org")
    options = {}
    requests.post("https://example.org", **options)
    return {}.get("a")
"""
        },
        {
            "app.py": """
import httpx
from fastapi import FastAPI
from groq import Groq
from openai import AsyncOpenAI
app = FastAPI()
model = AsyncOpenAI(timeout=20)
fast = Groq()
sent = AsyncOpenAI(http_client=httpx.AsyncClient(timeout=20))
"""
        },
        {
            "app.py": """
import openai
from fastapi import FastAPI
app = FastAPI()
model = openai.OpenAI()

@app.get("/a")
def answer(text: str):
    return model.responses.create(model="m", input=text, timeout=20)
"""
        },
        {  # told where it is used
            "app.py": """
import ftplib
import aiohttp
from fastapi import FastAPI
app = FastAPI()

@app.get("/a")
async def rates():
    async with aiohttp.ClientSession() as session:
        async with session.get("https://example.org", timeout=5) as response:
            return await response.json()

@app.post("/b")
def send():
    ftp = ftplib.FTP()
    ftp.connect("files.example.org", 21, timeout=30)
"""
        },
    )
    bad = (
        {
            "app.py": """
import httpx
import requests
import smtplib
from fastapi import FastAPI
from tenacity import retry, stop_after_attempt
app = FastAPI()
client = httpx.AsyncClient(timeout=None)  # expect: medium

@retry(stop=stop_after_attempt(3))  # expect: low
def ask():
    return requests.get("https://example.org")  # expect: medium

@app.get("/a")
def rates():
    smtplib.SMTP("mail.example.org")  # expect: medium
    return ask()
""",
            "job.py": "import requests\nrequests.get('https://example.org')  # expect: low\n",
        },
        {
            "app.py": """
from anthropic import AsyncAnthropic
from fastapi import FastAPI
from openai import OpenAI
app = FastAPI()
model = OpenAI(api_key="")  # expect: low
other = AsyncAnthropic(timeout=None)  # expect: medium

@app.get("/a")
def answer(text: str):
    return model.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
"""
        },
    )
