"""What secrets look like: the providers' own formats, and the names people give to secrets.

Sources: each vendor's documentation of its key format. `public` is the constant prefix that may be
shown; everything else of a value is never printed. All patterns are RE2: they cannot backtrack.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pattern:
    """A provider's format; the group `v` of `regex`, or the whole match, is the secret."""

    kind: str
    title: str
    regex: str
    public: str = ""
    confidence: str = "high"


PROVIDERS = (
    Pattern(
        "aws-access-key-id", "AWS access key id", r"\b(?P<v>(?:AKIA|ASIA)[A-Z2-7]{16})\b", "AKIA"
    ),
    Pattern(
        "aws-secret-access-key",
        "AWS secret access key",
        r"(?i)aws.{0,20}(?:secret|sk).{0,20}[\"'=:\s](?P<v>[A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)",
    ),
    Pattern("github-token", "GitHub token", r"\b(?P<v>gh[pousr]_[A-Za-z0-9]{36})\b", "gh*_"),
    Pattern(
        "github-token",
        "GitHub token",
        r"\b(?P<v>github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b",
        "github_pat_",
    ),
    Pattern("gitlab-token", "GitLab token", r"\b(?P<v>glpat-[A-Za-z0-9_\-]{20,})", "glpat-"),
    Pattern(
        "google-api-key",
        "Google API key",
        r"\b(?P<v>AIza[A-Za-z0-9_\-]{35})(?:[^A-Za-z0-9_\-]|$)",
        "AIza",
    ),
    Pattern(
        "google-oauth-secret",
        "Google OAuth client secret",
        r"\b(?P<v>GOCSPX-[A-Za-z0-9_\-]{28})",
        "GOCSPX-",
    ),
    Pattern("slack-token", "Slack token", r"\b(?P<v>xox[abeoprs]-[A-Za-z0-9\-]{20,})", "xox*-"),
    Pattern(
        "slack-webhook",
        "Slack webhook",
        r"(?P<v>https://hooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{20,})",
        "https://hooks.slack.com/services/",
    ),
    Pattern(
        "stripe-secret-key",
        "Stripe secret key",
        r"\b(?P<v>(?:sk|rk)_live_[A-Za-z0-9]{16,})\b",
        "sk_live_",
    ),
    Pattern(
        "stripe-test-key",
        "Stripe test key",
        r"\b(?P<v>(?:sk|rk)_test_[A-Za-z0-9]{16,})\b",
        "sk_test_",
        "low",
    ),
    Pattern(
        "stripe-webhook-secret",
        "Stripe webhook secret",
        r"\b(?P<v>whsec_[A-Za-z0-9+/]{24,})",
        "whsec_",
    ),
    Pattern(
        "openai-key",
        "OpenAI API key",
        r"\b(?P<v>sk-[A-Za-z0-9_\-]*T3BlbkFJ[A-Za-z0-9_\-]{20,})",
        "sk-",
    ),
    Pattern(
        "openai-key",
        "OpenAI API key",
        r"\b(?P<v>sk-(?:proj|svcacct|admin)-[A-Za-z0-9_\-]{40,})",
        "sk-proj-",
    ),
    Pattern(
        "anthropic-key", "Anthropic API key", r"\b(?P<v>sk-ant-[A-Za-z0-9_\-]{24,})", "sk-ant-"
    ),
    Pattern(
        "openrouter-key", "OpenRouter API key", r"\b(?P<v>sk-or-v1-[0-9a-f]{64})\b", "sk-or-v1-"
    ),
    Pattern(
        "emergent-key",
        "Emergent LLM key",
        r"\b(?P<v>sk-emergent-[A-Za-z0-9]{12,})\b",
        "sk-emergent-",
    ),
    Pattern("groq-key", "Groq API key", r"\b(?P<v>gsk_[A-Za-z0-9]{52})\b", "gsk_"),
    Pattern("huggingface-token", "Hugging Face token", r"\b(?P<v>hf_[A-Za-z]{34})\b", "hf_"),
    Pattern("replicate-token", "Replicate token", r"\b(?P<v>r8_[A-Za-z0-9]{37})\b", "r8_"),
    Pattern(
        "sendgrid-key",
        "SendGrid API key",
        r"\b(?P<v>SG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43})",
        "SG.",
    ),
    Pattern("mailgun-key", "Mailgun API key", r"\b(?P<v>key-[0-9a-f]{32})\b", "key-"),
    Pattern("mailchimp-key", "Mailchimp API key", r"\b(?P<v>[0-9a-f]{32}-us[0-9]{1,2})\b"),
    Pattern("resend-key", "Resend API key", r"\b(?P<v>re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24})\b", "re_"),
    Pattern("twilio-api-key", "Twilio API key", r"\b(?P<v>SK[0-9a-f]{32})\b", "SK"),
    Pattern(
        "twilio-auth-token",
        "Twilio auth token",
        r"(?i)twilio.{0,30}(?:auth|token).{0,10}[\"'=:\s](?P<v>[0-9a-f]{32})\b",
    ),
    Pattern(
        "telegram-bot-token",
        "Telegram bot token",
        r"\b(?P<v>[0-9]{8,10}:AA[A-Za-z0-9_\-]{33})(?:[^A-Za-z0-9_\-]|$)",
    ),
    Pattern(
        "discord-token",
        "Discord bot token",
        r"\b(?P<v>[MNO][A-Za-z0-9_\-]{23,25}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,38})(?:[^A-Za-z0-9_\-]|$)",
        "",
        "medium",
    ),
    Pattern(
        "discord-webhook",
        "Discord webhook",
        r"(?P<v>https://(?:canary\.|ptb\.)?discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_\-]{60,})",
        "https://discord.com/api/webhooks/",
    ),
    Pattern(
        "shopify-token", "Shopify token", r"\b(?P<v>shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32})\b", "shp*_"
    ),
    Pattern(
        "square-token", "Square token", r"\b(?P<v>(?:sq0atp|sq0csp)-[A-Za-z0-9_\-]{22,43})", "sq0*-"
    ),
    Pattern(
        "digitalocean-token", "DigitalOcean token", r"\b(?P<v>do[opr]_v1_[0-9a-f]{64})\b", "do*_v1_"
    ),
    Pattern("npm-token", "npm token", r"\b(?P<v>npm_[A-Za-z0-9]{36})\b", "npm_"),
    Pattern(
        "pypi-token", "PyPI token", r"\b(?P<v>pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_\-]{50,})", "pypi-"
    ),
    Pattern("docker-token", "Docker token", r"\b(?P<v>dckr_pat_[A-Za-z0-9_\-]{27})", "dckr_pat_"),
    Pattern("linear-key", "Linear API key", r"\b(?P<v>lin_api_[A-Za-z0-9]{40})\b", "lin_api_"),
    Pattern(
        "notion-token",
        "Notion token",
        r"\b(?P<v>(?:secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40,}))\b",
    ),
    Pattern(
        "supabase-key",
        "Supabase secret key",
        r"\b(?P<v>sb_secret_[A-Za-z0-9_\-]{20,})",
        "sb_secret_",
    ),
    Pattern("azure-storage-key", "Azure storage key", r"AccountKey=(?P<v>[A-Za-z0-9+/]{86}==)"),
    Pattern(
        "sentry-token", "Sentry auth token", r"\b(?P<v>sntr[ysu]_[A-Za-z0-9+/=_\-]{40,})", "sntr*_"
    ),
    Pattern("databricks-token", "Databricks token", r"\b(?P<v>dapi[0-9a-f]{32})\b", "dapi"),
    Pattern("hashicorp-vault-token", "Vault token", r"\b(?P<v>hvs\.[A-Za-z0-9_\-]{24,})", "hvs."),
    Pattern("facebook-token", "Facebook access token", r"\b(?P<v>EAA[A-Za-z0-9]{60,})\b", "EAA"),
    Pattern(
        "json-web-token",
        "signed JSON web token",
        r"\b(?P<v>eyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{20,})",
        "eyJ",
        "medium",
    ),
    Pattern(
        "private-key",
        "private key",
        r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY(?: BLOCK)?-----"
        r"(?P<v>[\sA-Za-z0-9+/=:,\-\\\"']{64}[\sA-Za-z0-9+/=:,\-\\\"']*?)-----END",
    ),
)
"""Formats that identify themselves."""

URL_PASSWORD = (
    r"\b(?P<scheme>mongodb(?:\+srv)?|postgres(?:ql)?(?:\+\w+)?|mysql(?:\+\w+)?|mariadb(?:\+\w+)?|rediss?"
    r"|amqps?|mssql(?:\+\w+)?|https?|ftp|smtps?|nats|clickhouse(?:\+\w+)?)"
    r"://(?P<user>[^\s:@/\"'`<>]{0,64}):(?P<v>[^\s@/\"'`<>]{1,128})@(?P<host>[A-Za-z0-9_.\-\[\]$\{\}]{1,255})"
)

NAMES = (
    r"passw(?:or)?d|passwd|pwd|passphrase|secret|token|api[_\-]?key|apikey|access[_\-]?key"
    r"|auth[_\-]?key|private[_\-]?key|signing[_\-]?key|encryption[_\-]?key|client[_\-]?secret"
    r"|jwt[_\-]?key|credential|llm[_\-]?key|secret[_\-]?key|auth"
)
_WORD = rf"(?P<name>[A-Za-z0-9_.\-]{{0,60}}(?i:{NAMES})[A-Za-z0-9_.\-]{{0,40}})"

ASSIGNMENT = (
    _WORD
    + r"[\"'`]?\]?[ \t]{0,8}(?::[ \t]{0,4}(?:str|string|String|Final|Optional\[str\])[ \t]{0,4}=|:=|=>|={1,3}|:)[ \t]{0,8}"
    r"(?:[bru]?[\"'`](?P<q>[^\"'`\n]{4,512})[\"'`]|(?P<bare>[^\s\"'`;,<>(){}\[\]#]{6,512})[^\S\n]*(?:$|[\n#;,\"'`]))"
)
"""`name = "value"`, `"name": "value"`, `NAME=value`, `name: value`."""

DEFAULT = (
    r"(?:environ(?:\.get)?|getenv|env|config|env\.str|get_env|process\.env(?:\.|\[))[\(\[]?\s{0,4}[\"'`]?"
    + _WORD
    + r"[\"'`]?\]?\s{0,4}(?:,|\)?\s{0,4}(?:\|\||\?\?|or))\s{0,8}(?:default\s{0,2}=\s{0,2})?"
    r"[\"'`](?P<q>[^\"'`\n]{1,512})[\"'`]"
)
"""A literal default of a sensitive setting: `os.getenv("JWT_SECRET", "…")`, `process.env.X || "…"`."""
