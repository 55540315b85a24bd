"""Calls that cost money: language models, text messages, e-mail, payments."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import Located, place_of
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
    r"|^langchain_(?:mcp_adapters|text_splitters)\.|^langchain\.text_splitter\.|^litellm\.(?!a?(?:completion|embedding|speech|transcription|image_generation|responses|rerank|moderation|text_completion)\b|Router\b)"
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
_SENDS = re.compile(r"(?i)post|stream|^a?request$|^send|fetch|call|invoke|urlopen")
"""What asks an address for work; one that only looks whether it answers spends nothing."""
_MAX_DEPTH = 3


@provides(Costly)
def costly_routes(application: Application) -> Iterator[Costly]:
    direct = _Direct(application.code)
    for route in application.facts(Route):
        if route.function is None:
            continue
        found = direct.below(route.function, _MAX_DEPTH)
        if found and route.method in ("GET", "HEAD"):
            found = direct.when_read(route.function)
        if found:
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

    def when_read(self, function: Located) -> tuple[str, Located] | None:
        """What a handler spends on a GET: not what it does with a form that was sent."""
        body: list[t.Stmt] = function.node.body  # type: ignore[attr-defined]
        return self._look(function, _MAX_DEPTH, _without_forms(body))

    def _look(
        self, function: Located, depth: int, body: list[t.Stmt] | None = None
    ) -> tuple[str, Located] | None:
        inner = self.code.inside(function)
        callees = []
        stmts: list[t.Stmt] = function.node.body if body is None else body  # type: ignore[attr-defined]
        sends = any(
            isinstance(n, t.Call) and _SENDS.search(t.last_word(n.func)) for n in t.walk_own(*stmts)
        )
        for node in t.walk_own(*stmts):
            if isinstance(node, t.Const) and isinstance(node.value, str) and "//" in node.value:
                for what, address in _ADDRESSES:
                    if address.search(node.value) and sends:
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


def _without_forms(body: list[t.Stmt]) -> list[t.Stmt]:
    """The statements that run for a GET; after a refused form those of the other branch do."""
    found: list[t.Stmt] = []
    for stmt in body:
        match stmt:
            case t.If(test=test) if _is_sent(test):
                found += _without_forms(stmt.orelse)
            case t.If(test=test, body=[*_, t.Return()]) if _is_read(test):
                return found + stmt.body
            case t.If():
                kept = _without_forms(stmt.body), _without_forms(stmt.orelse)
                found += [
                    t.Do(stmt.line, stmt.column, stmt.end_line, stmt.test),
                    *kept[0],
                    *kept[1],
                ]
            case t.Try():
                found += _without_forms(stmt.body)
                found += [s for h in stmt.handlers for s in _without_forms(h.body)]
                found += _without_forms([*stmt.orelse, *stmt.final])
            case _:
                found.append(stmt)
    return found


def _is_read(test: t.Expr) -> bool:
    """`request.method == "GET"`, `request.method != "POST"`."""
    match test:
        case t.Compare(left=t.Attr(name="method"), ops=[op], rights=[t.Const(value=str(method))]):
            return (op, method) in (("==", "GET"), ("!=", "POST"))
    return False


def _is_sent(test: t.Expr) -> bool:
    """`request.method == "POST"`, `form.validate_on_submit()`, also as one of several conditions."""
    match test:
        case t.Compare(left=t.Attr(name="method"), ops=["=="], rights=[t.Const(value="POST")]):
            return True
        case t.Call(func=t.Attr(name="validate_on_submit")) | t.Attr(name="POST"):
            return True
        case t.BoolOp(op="and", values=values):
            return any(_is_sent(value) for value in values)
    return False
