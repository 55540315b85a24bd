"""Webhooks: who did not sign is refused, with whatever status."""

from __future__ import annotations

import pytest

from auditor.model.web import Guarding, Route
from tests.conftest import Build

FASTAPI = """
import hashlib, hmac, os
import stripe
from fastapi import FastAPI, HTTPException, Request
app = FastAPI()
SECRET = os.environ["WEBHOOK_SECRET"]

@app.post("/stripe")
async def receive(request: Request):
    payload = await request.body()
    {body}
    return {{"received": True}}
"""
SIGNED = {
    "Stripe's event": """
    try:
        event = stripe.Webhook.construct_event(payload, request.headers["stripe-signature"], SECRET)
    except Exception:
        raise HTTPException(status_code=400, detail="bad signature")
""",
    "by keywords, with a header that has to be there": """
    sig = request.headers.get("stripe-signature")
    if not sig:
        raise HTTPException(status_code=400)
    try:
        event = stripe.Webhook.construct_event(payload=payload, sig_header=sig, secret=SECRET)
    except stripe.error.SignatureVerificationError:
        raise HTTPException(status_code=400)
""",
    "a keyed hash": """
    mine = hmac.new(SECRET.encode(), payload, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(mine, request.headers.get("x-signature", "")):
        raise HTTPException(status_code=400)
""",
    "what a helper tells beside the data": """
    def parsed(sent):
        try:
            mine = hmac.new(SECRET.encode(), payload, hashlib.sha256).hexdigest()
            return hmac.compare_digest(mine, sent), payload
        except Exception:
            return False, {}
    ok, data = parsed(request.headers.get("x-signature", ""))
    if not ok:
        raise HTTPException(status_code=400)
""",
}
UNSIGNED = {
    "whatever it is told": """
    event = stripe.Event.construct_from(await request.json(), SECRET)
""",
    "the sender's word where the signature does not fit": """
    try:
        event = stripe.Webhook.construct_event(payload, request.headers["stripe-signature"], SECRET)
    except Exception:
        event = await request.json()
""",
    "a body of the right form": """
    event = await request.json()
    if "type" not in event:
        raise HTTPException(status_code=400)
""",
}
DJANGO = """
import json, os
import stripe
from django.http import HttpResponse, HttpResponseBadRequest
from django.views.decorators.csrf import csrf_exempt

@csrf_exempt
def receive(request):
    try:
        event = {event}
    except Exception:
        return HttpResponseBadRequest()
    return HttpResponse(event["id"])
"""
PROJECT = {
    "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\nimport django\n",
    "shop/__init__.py": "",
    "shop/settings.py": "ROOT_URLCONF = 'shop.urls'\nINSTALLED_APPS = []\nMIDDLEWARE = []\n",
    "shop/urls.py": "from django.urls import path\nfrom shop.views import receive\n"
    "urlpatterns = [path('stripe/', receive)]\n",
}


def _state(build: Build, files: dict[str, str]) -> Guarding:
    (route,) = build(files).facts(Route)
    return route.authentication


@pytest.mark.parametrize("body", SIGNED.values(), ids=SIGNED.keys())
def test_who_did_not_sign_is_refused(body: str, build: Build) -> None:
    source = FASTAPI.format(body=body.strip())
    assert _state(build, {"main.py": source}) is Guarding.ENFORCED


@pytest.mark.parametrize("body", UNSIGNED.values(), ids=UNSIGNED.keys())
def test_who_did_not_sign_is_let_in(body: str, build: Build) -> None:
    source = FASTAPI.format(body=body.strip())
    assert _state(build, {"main.py": source}) is Guarding.ABSENT


@pytest.mark.parametrize(
    "event, state",
    [
        (
            "stripe.Webhook.construct_event(request.body, request.META['HTTP_STRIPE_SIGNATURE'], os.environ['S'])",
            Guarding.ENFORCED,
        ),
        ("json.loads(request.body)", Guarding.ABSENT),
    ],
)
def test_a_bad_request_of_django(event: str, state: Guarding, build: Build) -> None:
    files = {**PROJECT, "shop/views.py": DJANGO.format(event=event)}
    assert _state(build, files) is state
