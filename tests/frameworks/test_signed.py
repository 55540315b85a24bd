"""Webhooks that a service has signed: who verifies it is guarded, whatever he answers to others."""

from __future__ import annotations

import pytest

from auditor.model.web import Guarding, Route
from tests.conftest import Build

HEAD = """
import hashlib, hmac, os
import paypalrestsdk, razorpay
from acme import payments
from fastapi import FastAPI, Header, HTTPException, Request
from nacl.signing import VerifyKey
from svix.webhooks import Webhook, WebhookVerificationError
app = FastAPI()
client = razorpay.Client(auth=(os.environ["ID"], os.environ["SECRET"]))
parser = Webhook(os.environ["SECRET"])

def signed(body, signature):
    expected = hmac.new(os.environ["SECRET"].encode(), body, hashlib.sha512).hexdigest()
    return hmac.compare_digest(expected, signature)

@app.post("/payments/notices")
async def notice(request: Request, signature: str = Header()):
    body = await request.body()
"""
CASES = {
    "an SDK that raises": (
        """
    try:
        client.utility.verify_webhook_signature(body.decode(), signature, os.environ["SECRET"])
    except razorpay.errors.SignatureVerificationError:
        raise HTTPException(400, "bad signature")
    store(body)
""",
        Guarding.ENFORCED,
    ),
    "an SDK whose method has a plain name": (
        """
    try:
        event = parser.verify(body, dict(request.headers))
    except WebhookVerificationError:
        raise HTTPException(400)
    store(event)
""",
        Guarding.ENFORCED,
    ),
    "an SDK that tells": (
        """
    if not paypalrestsdk.WebhookEvent.verify(signature, "a", "b", "c", body, "d", "e"):
        raise HTTPException(400)
    store(body)
""",
        Guarding.ENFORCED,
    ),
    "an SDK that tells nobody": (
        """
    paypalrestsdk.WebhookEvent.verify(signature, "a", "b", "c", body, "d", "e")
    store(body)
""",
        Guarding.ABSENT,
    ),
    "an SDK that nobody knows": (
        """
    try:
        payments.verify_webhook_signature(body, signature)
    except Exception:
        raise HTTPException(400)
    store(body)
""",
        Guarding.UNKNOWN,
    ),
    "one answer for all": (
        """
    if not signed(body, signature):
        return {"status": "ignored"}
    store(body)
    return {"status": "done"}
""",
        Guarding.EXEMPT,
    ),
    "a comparison in plain sight, in a service that says no": (
        """
    if not process(body, signature):
        return {"status": "error"}
    return {"status": "done"}

def process(body, signature):
    expected = hmac.new(os.environ["SECRET"].encode(), body, hashlib.sha512).hexdigest()
    if signature != expected:
        return False
    store(body)
    return True
""",
        Guarding.EXEMPT,
    ),
    "a service that raises": (
        """
    process(body, signature)
    return {"status": "done"}

def process(body, signature):
    if not signed(body, signature):
        raise ValueError("bad signature")
    store(body)
""",
        Guarding.ENFORCED,
    ),
    "a check that says no while its secret is not set": (
        """
    if not checked(body, signature):
        raise HTTPException(400)
    store(body)

SECRET = os.environ.get("SECRET", "")

def checked(body, signature):
    if not SECRET:
        return False
    try:
        client.utility.verify_webhook_signature(body.decode(), signature, SECRET)
        return True
    except Exception:
        return False
""",
        Guarding.ENFORCED,
    ),
    "a check that says yes while its secret is not set": (
        """
    if not checked(body, signature):
        raise HTTPException(400)
    store(body)

SECRET = os.environ.get("SECRET", "")

def checked(body, signature):
    if not SECRET:
        return True
    return signed(body, signature)
""",
        Guarding.ABSENT,
    ),
    "work for all": (
        """
    if not signed(body, signature):
        store(body)
        return {"status": "ignored"}
    return {"status": "done"}
""",
        Guarding.ABSENT,
    ),
}


@pytest.mark.parametrize(("body", "state"), CASES.values(), ids=CASES.keys())
def test_what_a_webhook_verifies(body: str, state: Guarding, build: Build) -> None:
    (route,) = build({"main.py": HEAD + body}).facts(Route)
    assert route.authentication is state


def test_the_handshake_of_a_webhook_is_public_and_its_notices_are_not(build: Build) -> None:
    source = """
from fastapi import FastAPI, Query, Request
app = FastAPI()

@app.get("/whatsapp/notices")
async def handshake(mode: str = Query(None, alias="hub.mode"), answer: str = Query(None, alias="hub.challenge")):
    return answer

@app.post("/whatsapp/notices")
async def notice(request: Request):
    store(await request.json())
"""
    states = {r.method: r.authentication for r in build({"main.py": source}).facts(Route)}
    assert states == {"GET": Guarding.EXEMPT, "POST": Guarding.ABSENT}
