"""Which calls of well-known SDKs verify what a service has signed: its webhooks, above all.

Each from the package's own documentation of verifying webhooks.
"""

from __future__ import annotations

import re

from auditor.link.checks import Strength, Verification, recognises, signing
from auditor.link.scopes import CallSite
from auditor.link.values import Evaluator

_RAISING = re.compile(
    r"razorpay\.(?:\w+\.)*Client\(\)\.utility\.verify_\w*signature"
    r"|(?:svix|standardwebhooks)\.(?:webhooks\.)?Webhook\(\)\.verify"
    r"|stripe\.(?:\w+\.)*(?:Webhook\.construct_event|WebhookSignature\.verify_header|StripeClient\(\)\.(?:construct|parse)_\w+)"
    r"|linebot\.(?:\w+\.)*(?:WebhookHandler\(\)\.handle|WebhookParser\(\)\.parse)"
    r"|nacl\.signing\.VerifyKey\(\)\.verify"
    r"|openai\.\w+\(\)\.webhooks\.(?:unwrap|verify_signature)"
    r"|appstoreserverlibrary\.(?:\w+\.)*SignedDataVerifier\(\)\.verify_and_decode_\w+"
    r"|polar_sdk\.webhooks\.validate_event"
    r"|workos\.(?:\w+\.)*webhooks\.verify_(?:event|header)"
    r"|braintree\.(?:\w+\.)*(?:BraintreeGateway\(\)\.webhook_notification|WebhookNotification)\.parse"
    r"|cashfree_pg\.(?:\w+\.)*Cashfree(?:\(\))?\.PGVerifyWebhookSignature"
    r"|livekit\.api\.(?:\w+\.)*WebhookReceiver\(\)\.receive"
    r"|webauthn\.verify_(?:authentication|registration)_response"
    r"|fido2\.server\.Fido2Server\(\)\.(?:authenticate|register)_complete"
)
_TELLING = re.compile(
    r"paypalrestsdk\.(?:notifications\.)?WebhookEvent\.verify"
    r"|square\.(?:\w+\.)*(?:is_valid_webhook_event_signature|webhooks_helper\.verify_signature)"
    r"|sendgrid\.(?:\w+\.)*EventWebhook\(\)\.verify_signature"
    r"|paddle_billing\.(?:\w+\.)*Verifier\(\)\.verify"
    r"|discord_interactions\.verify_key"
    r"|paytmchecksum\.(?:\w+\.)*verifySignature"
    r"|stream_chat\.\w+\(\)\.verify_webhook"
    r"|pusher\.Pusher\(\)\.validate_webhook"
    r"|plivo\.(?:\w+\.)*validate_(?:v3_)?signature"
    r"|vonage\w*\.(?:\w+\.)*verify_signature"
    r"|twilio\.request_validator\.RequestValidator\(\)\.validate"
    r"|slack_sdk\.signature\.SignatureVerifier\(\)\.is_valid(?:_request)?"
)
signing(
    _RAISING,
    "verify", "handle", "parse", "unwrap", "validate_event", "receive", "PGVerifyWebhookSignature",
    "verify_and_decode_notification", "verify_and_decode_signed_transaction", "verify_event",
)  # fmt: skip
signing(
    _TELLING,
    "verify", "is_valid_webhook_event_signature", "verifySignature", "validate_webhook", "validate_v3_signature",
    "validate", "is_valid_request", "is_valid",
)  # fmt: skip
signing(re.compile(r"hmac\.(?:new|digest)"), "new", "digest")


@recognises
def verifying_signatures(site: CallSite, name: str, values: Evaluator) -> Verification | None:
    if _RAISING.fullmatch(name):
        return Verification(Strength.VERIFIED, raises=True, denies="ebhook" in name)
    if _TELLING.fullmatch(name):
        return Verification(Strength.VERIFIED, raises=False)
    return None
