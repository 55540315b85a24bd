"""Calls that cost money: language models, text messages, e-mail, payments."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import Located
from auditor.link.values import place_of
from auditor.model.costs import Costly
from auditor.model.web import Route

_CALLS = tuple(
    (what, re.compile(pattern))
    for what, pattern in (
        ("a language model", r"^(?:openai|anthropic|google\.generativeai|google\.genai|groq|cohere|mistralai|langchain\w*|litellm|emergentintegrations|together|replicate)\."),
        ("text messages", r"^(?:twilio|vonage|messagebird|plivo)\.(?!request_validator|twiml|base\.exceptions|jwt)"),
        ("e-mail", r"^(?:smtplib|aiosmtplib|sendgrid|resend|fastapi_mail|mailjet_rest|postmarker)\.|^boto3.*send_email"),
        (
            "payments",
            r"^stripe\.(?:\w+(?:\(\))?\.)*?(?:Charge|PaymentIntent|SetupIntent|Subscription|Invoice|Payout|Transfer|Refund"
            r"|PaymentLink|checkout\.Session|payment_intents|setup_intents|charges|subscriptions|invoices|payouts|transfers"
            r"|refunds|checkout\.sessions)\.(?:create|confirm|capture|pay)(?:_async)?$"
            r"|^(?:paypalrestsdk|razorpay|braintree|square)\..*\b(?:create|sale|capture|execute|charge|pay)\w*$",
        ),
    )
)  # fmt: skip
_FREE = re.compile(
    r"\.(?:\w*(?:Error|Exception|Config|Settings|Schema)|list\w*|retrieve\w*|count_tokens|models\.\w+)(?:\(\))?$"
    r"|^(?:openai|anthropic|groq|cohere|mistralai|together|replicate)\.[A-Z]\w*$"
)
"""What asks or describes and spends nothing: a list of models, an exception, a client that is made."""
_ADDRESSES = tuple(
    (what, re.compile(pattern))
    for what, pattern in (
        ("a language model", r"api\.(?:openai|anthropic|groq|mistral)\.(?:com|ai)"),
        ("text messages", r"api\.twilio\.com|textbelt\.com"),
        ("e-mail", r"api\.(?:sendgrid|mailgun|resend)\.(?:com|net)"),
        ("payments", r"api\.stripe\.com|api-m\.paypal\.com"),
    )
)
_MAX_DEPTH = 3


@provides(Costly)
def costly_routes(application: Application) -> Iterator[Costly]:
    direct = _Direct(application.code)
    for route in application.facts(Route):
        if route.function is not None and (found := direct.below(route.function, _MAX_DEPTH)):
            what, located = found
            yield Costly(route, what, place_of(located))


class _Direct:
    """Which functions spend money, themselves or through what they call."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self.known: dict[int, tuple[str, Located] | None] = {}

    def below(self, function: Located, depth: int) -> tuple[str, Located] | None:
        key = id(function.node)
        if key not in self.known:
            self.known[key] = None
            self.known[key] = self._look(function, depth)
        return self.known[key]

    def _look(self, function: Located, depth: int) -> tuple[str, Located] | None:
        inner = self.code.inside(function)
        callees = []
        for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
            if isinstance(node, t.Const) and isinstance(node.value, str) and "//" in node.value:
                for what, address in _ADDRESSES:
                    if address.search(node.value):
                        return what, Located(node, inner)
            if isinstance(node, t.Call):
                name = self.code.name(node.func, inner)
                for what, call in _CALLS:
                    if call.match(name) and not _FREE.search(name):
                        return what, Located(node, inner)
                callee = self.code.definition(name)
                if callee is not None and isinstance(callee.node, t.Function):
                    callees.append(callee)
        for callee in callees if depth else ():
            if found := self.below(callee, depth - 1):
                return found
        return None
