"""Which routes spend money each time they are called."""

from __future__ import annotations

import pytest

from auditor.model.costs import Costly
from tests.conftest import Build


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ("stripe.PaymentIntent.create(amount=1)", "payments"),
        ("stripe.checkout.Session.create()", "payments"),
        ("stripe.StripeClient('').v1.charges.create()", "payments"),
        ("openai.OpenAI().chat.completions.create()", "a language model"),
        ("smtplib.SMTP('mail').send_message(x)", "e-mail"),
        ("stripe.PaymentIntent.retrieve(x)", None),
        ("stripe.Customer.list()", None),
        ("stripe.Webhook.construct_event(x, y, z)", None),
        ("stripe.billing_portal.Session.create()", None),
        ("openai.OpenAI().models.list()", None),
    ],
)
def test_costly(build: Build, call: str, what: str | None) -> None:
    source = f"""
import openai, smtplib, stripe
from fastapi import FastAPI
app = FastAPI()

@app.post("/x")
def handler(x: str):
    return {call}
"""
    found = [costly.what for costly in build({"app.py": source}).facts(Costly)]
    assert found == ([what] if what else [])


@pytest.mark.parametrize(
    ("body", "spending"),
    [
        ("if request.method == 'POST':\n        send()\n    return 'form'", ["POST"]),
        ("if form.validate_on_submit():\n        send()\n    return 'form'", ["POST"]),
        (
            "if request.method == 'GET':\n        return 'form'\n    send()\n    return 'sent'",
            ["POST"],
        ),
        (
            "if request.method == 'POST':\n        check()\n    send()\n    return 'sent'",
            ["GET", "POST"],
        ),
        (
            "if request.method == 'POST' or again:\n        send()\n    return 'form'",
            ["GET", "POST"],
        ),
        ("if request.args:\n        send()\n    return 'form'", ["GET", "POST"]),
    ],
)
def test_what_only_a_sent_form_spends(build: Build, body: str, spending: list[str]) -> None:
    source = f"""
import smtplib
from flask import Flask, request
app = Flask(__name__)

def send():
    smtplib.SMTP('mail').send_message(x)

@app.route("/x", methods=["GET", "POST"])
def handler():
    {body}
"""
    found = sorted(costly.route.method for costly in build({"app.py": source}).facts(Costly))
    assert found == spending
