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
