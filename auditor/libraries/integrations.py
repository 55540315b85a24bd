"""Outside services an application talks to, by what it imports, calls or reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import Located, place_of
from auditor.model.places import Place
from auditor.model.settings import Integration, SettingRead

_SERVICES = (
    ("Twilio", r"twilio", r"api\.twilio\.com", r"TWILIO"),
    ("Stripe", r"stripe", r"api\.stripe\.com", r"STRIPE"),
    ("OpenAI", r"openai", r"api\.openai\.com", r"OPENAI"),
    ("Anthropic", r"anthropic", r"api\.anthropic\.com", r"ANTHROPIC|CLAUDE"),
    ("Emergent LLM", r"emergentintegrations", r"", r"EMERGENT"),
    ("Google Gemini", r"google\.(?:generativeai|genai)", r"generativelanguage\.googleapis\.com", r"GEMINI"),
    ("Groq", r"groq", r"api\.groq\.com", r"GROQ"),
    ("SendGrid", r"sendgrid", r"api\.sendgrid\.com", r"SENDGRID"),
    ("Mailgun", r"", r"api\.mailgun\.net", r"MAILGUN"),
    ("Resend", r"resend", r"api\.resend\.com", r"RESEND"),
    ("Facebook", r"facebook(?:_business)?", r"graph\.facebook\.com", r"FACEBOOK|FB_"),
    ("TikTok", r"", r"(?:business-api|open)\.tiktok(?:apis)?\.com", r"TIKTOK"),
    ("TextBelt", r"", r"textbelt\.com", r"TEXTBELT"),
    ("Slack", r"slack_sdk|slack_bolt", r"hooks\.slack\.com|slack\.com/api", r"SLACK"),
    ("Telegram", r"telegram|aiogram|telebot", r"api\.telegram\.org", r"TELEGRAM"),
    ("AWS", r"boto3|aiobotocore|aioboto3", r"", r"AWS_"),
    ("Google Cloud", r"google\.cloud", r"", r"GOOGLE_APPLICATION_CREDENTIALS|GCP_"),
    ("Firebase", r"firebase_admin", r"", r"FIREBASE"),
    ("Cloudinary", r"cloudinary", r"api\.cloudinary\.com", r"CLOUDINARY"),
    ("PayPal", r"paypalrestsdk|paypalcheckoutsdk", r"api(?:-m)?\.paypal\.com", r"PAYPAL"),
    ("Razorpay", r"razorpay", r"api\.razorpay\.com", r"RAZORPAY"),
    ("Plaid", r"plaid", r"plaid\.com", r"PLAID"),
    ("Supabase", r"supabase", r"supabase\.co", r"SUPABASE"),
    ("Auth0", r"auth0", r"auth0\.com", r"AUTH0"),
    ("Pinecone", r"pinecone", r"pinecone\.io", r"PINECONE"),
)  # fmt: skip


@provides(Integration)
def integrations(application: Application) -> Iterator[Integration]:
    imports, texts = _imports_and_texts(application)
    reads = application.facts(SettingRead)
    for service, module, url, setting in _SERVICES:
        names = [read for read in reads if re.match(setting, read.name)]
        place = _first(imports, module) or _first(texts, url)
        place = place or (names[0].place if names else None)
        if place is not None:
            yield Integration(service, place, tuple(sorted({read.name for read in names})))


def _first(found: list[tuple[str, Place]], pattern: str) -> Place | None:
    if not pattern:
        return None
    wanted = re.compile(rf"(?:^|//|[\w]\.)?(?:{pattern})(?:\.|/|$)")
    return next((place for text, place in found if wanted.match(text)), None)


def _imports_and_texts(
    application: Application,
) -> tuple[list[tuple[str, Place]], list[tuple[str, Place]]]:
    imports, texts = [], []
    for imported, scope in application.code.of_kind(t.Import):
        place = place_of(Located(imported, scope))
        imports += [(imported.module or name, place) for name, _ in imported.names]
    for text, scope in application.code.of_kind(t.Const):
        if isinstance(text.value, str) and "//" in text.value:
            address = text.value.partition("//")[2][:200]
            texts.append((address, place_of(Located(text, scope))))
    return imports, texts
