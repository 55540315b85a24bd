"""Synthetic values in the shapes that vendors document and people choose."""

from __future__ import annotations

import base64
import json
import random
import string
import uuid
import zlib

ALNUM = string.ascii_letters + string.digits
URLSAFE = ALNUM + "_-"
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits
_WORDS = [
    "river",
    "orange",
    "falcon",
    "winter",
    "summer",
    "garden",
    "silver",
    "dragon",
    "coffee",
    "market",
    "puzzle",
    "rocket",
    "tiger",
    "monday",
    "castle",
    "thunder",
    "purple",
    "hammer",
    "planet",
    "secret",
    "shadow",
    "galaxy",
    "bridge",
    "cactus",
    "welcome",
]
_NAMES = ["anna", "marco", "priya", "chen", "olga", "diego", "fatima", "john", "kofi", "lena"]


class Values(random.Random):
    """Seeded values; each call gives another one."""

    def of(self, alphabet: str, length: int) -> str:
        return "".join(self.choice(alphabet) for _ in range(length))

    # --- people and generators

    def hex(self, length: int = 64) -> str:
        return self.of(HEX, length)

    def b64(self, length: int = 32) -> str:
        return base64.b64encode(self.randbytes(length)).decode()

    def urlsafe(self, length: int = 32) -> str:
        return base64.urlsafe_b64encode(self.randbytes(length)).decode().rstrip("=")

    def alnum(self, length: int = 32) -> str:
        return self.of(ALNUM, length)

    def word(self) -> str:
        return self.choice(_WORDS)

    def human(self) -> str:
        """What people type for a password."""
        a, b = self.word(), self.word()
        return self.choice(
            [
                f"{a.capitalize()}{self.randint(1980, 2029)}{self.choice('!@*$.')}",
                f"{a}{b}{self.randint(10, 999)}",
                f"{a.capitalize()}@{self.randint(100, 9999)}",
                f"{self.choice(_NAMES).capitalize()}_{b}#{self.randint(1, 99)}",
                a.replace("e", "3").replace("o", "0").replace("a", "4") + str(self.randint(10, 99)),
                f"{a}-{b}-{self.choice(_WORDS)}-{self.randint(10, 99)}",
                f"{self.choice('PQRZ')}{self.of(ALNUM, 7)}!{self.randint(10, 99)}",
            ]
        )

    def phrase(self) -> str:
        """What people type for a signing secret."""
        return self.choice(
            [
                f"{self.word()}_{self.word()}_jwt_{self.randint(2019, 2029)}",
                f"{self.word()}-shop-{self.word()}-signing-{self.randint(10, 99)}!",
                f"{self.word()}{self.word().capitalize()}{self.randint(100, 99999)}",
            ]
        )

    def uuid4(self) -> str:
        return str(uuid.UUID(int=self.getrandbits(128), version=4))

    # --- providers

    def github(self, prefix: str = "ghp") -> str:
        """Thirty characters and six of a CRC32 in base 62, as GitHub's engineers describe."""
        body = self.of(BASE62, 30)
        rest, check = zlib.crc32(body.encode()), ""
        while rest:
            rest, digit = divmod(rest, 62)
            check = BASE62[digit] + check
        return f"{prefix}_{body}{check.rjust(6, '0')}"

    def npm(self) -> str:
        return "npm" + self.github("")

    def aws_id(self, prefix: str = "AKIA") -> str:
        return prefix + self.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)

    def aws_secret(self) -> str:
        return self.of(ALNUM + "/+", 40)

    def jwt(self, **claims: object) -> str:
        def part(data: object) -> str:
            text = json.dumps(data, separators=(",", ":"))
            return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

        head = {"alg": "HS256", "typ": "JWT"}
        body = {"sub": self.uuid4(), "name": self.choice(_NAMES), "exp": 4102444800, **claims}
        return f"{part(head)}.{part(body)}.{self.urlsafe(32)}"

    def pem(self, kind: str = "RSA ", lines: int = 13) -> str:
        body = "\n".join(self.of(ALNUM + "+/", 64) for _ in range(lines))
        name = f"{kind}PRIVATE KEY"
        start = {"RSA ": "MIIE", "": "MIIE", "EC ": "MHcC", "OPENSSH ": "b3BlbnNzaC1rZXktdjEA"}
        return f"-----BEGIN {name}-----\n{start.get(kind, 'MIIE')}{body}\n-----END {name}-----"

    def service_account(self) -> dict[str, str]:
        project = f"{self.word()}-{self.randint(100000, 999999)}"
        return {
            "type": "service_account",
            "project_id": project,
            "private_key_id": self.hex(40),
            "private_key": self.pem("") + "\n",
            "client_email": f"app@{project}.iam.gserviceaccount.com",
            "token_uri": "https://oauth2.googleapis.com/token",
        }

    def providers(self) -> dict[str, str]:
        """A value in each provider's own format, by provider."""
        of = self.of
        discord_id = base64.b64encode(of("123456789", 18).encode()).decode()
        return {
            "aws": self.aws_id(),
            "github": self.github(),
            "github-app": self.github("ghs"),
            "github-fine": "github_pat_" + of(ALNUM, 22) + "_" + of(ALNUM, 59),
            "gitlab": "glpat-" + of(URLSAFE, 20),
            "google": "AIza" + of(URLSAFE, 35),
            "google-oauth": "GOCSPX-" + of(URLSAFE, 28),
            "slack": f"xoxb-{of('123456789', 12)}-{of('123456789', 12)}-{of(ALNUM, 24)}",
            "slack-hook": f"https://hooks.slack.com/services/T{of(UPPER, 8)}/B{of(UPPER, 10)}/{of(ALNUM, 24)}",
            "stripe": "sk_live_" + of(ALNUM, 24),
            "stripe-long": "sk_live_51" + of(ALNUM, 97),
            "stripe-restricted": "rk_live_" + of(ALNUM, 24),
            "stripe-hook": "whsec_" + of(ALNUM, 32),
            "openai": "sk-" + of(ALNUM, 20) + "T3BlbkFJ" + of(ALNUM, 20),
            "openai-project": "sk-proj-" + of(URLSAFE, 74) + "T3BlbkFJ" + of(URLSAFE, 74),
            "anthropic": "sk-ant-api03-" + of(URLSAFE, 93) + "AA",
            "openrouter": "sk-or-v1-" + of(HEX, 64),
            "groq": "gsk_" + of(ALNUM, 52),
            "huggingface": "hf_" + of(string.ascii_letters, 34),
            "replicate": "r8_" + of(ALNUM, 37),
            "sendgrid": "SG." + of(URLSAFE, 22) + "." + of(URLSAFE, 43),
            "mailgun": "key-" + of(HEX, 32),
            "mailchimp": of(HEX, 32) + "-us14",
            "resend": "re_" + of(ALNUM, 8) + "_" + of(ALNUM, 24),
            "twilio": "SK" + of(HEX, 32),
            "telegram": of("123456789", 10) + ":AA" + of(URLSAFE, 33),
            "discord": f"{discord_id}.{of('ABCDEFGHYZ', 1)}{of(URLSAFE, 5)}.{of(URLSAFE, 38)}",
            "discord-hook": f"https://discord.com/api/webhooks/{of('123456789', 18)}/{of(URLSAFE, 68)}",
            "shopify": "shpat_" + of(HEX, 32),
            "square": "sq0atp-" + of(URLSAFE, 22),
            "square-secret": "sq0csp-" + of(URLSAFE, 43),
            "digitalocean": "dop_v1_" + of(HEX, 64),
            "heroku": "HRKU-AA" + of(URLSAFE, 58),
            "npm": self.npm(),
            "pypi": "pypi-AgEIcHlwaS5vcmc" + of(URLSAFE, 150),
            "docker": "dckr_pat_" + of(URLSAFE, 27),
            "linear": "lin_api_" + of(ALNUM, 40),
            "notion": "ntn_" + of(ALNUM, 46),
            "supabase": "sb_secret_" + of(ALNUM, 31),
            "supabase-role": self.jwt(role="service_role", iss="supabase"),
            "databricks": "dapi" + of(HEX, 32),
            "vault": "hvs." + of(URLSAFE, 90),
            "facebook": "EAA" + of(ALNUM, 100),
            "jwt": self.jwt(),
            "airtable": "pat" + of(ALNUM, 14) + "." + of(HEX, 64),
            "grafana": "glsa_" + of(ALNUM, 32) + "_" + of(HEX, 8),
            "postman": "PMAK-" + of(HEX, 24) + "-" + of(HEX, 34),
            "new-relic": "NRAK-" + of(UPPER, 27),
            "doppler": "dp.pt." + of(ALNUM, 43),
            "brevo": "xkeysib-" + of(HEX, 64) + "-" + of(ALNUM, 16),
            "perplexity": "pplx-" + of(ALNUM, 48),
            "xai": "xai-" + of(ALNUM, 80),
            "azure-storage": "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey="
            + base64.b64encode(self.randbytes(64)).decode()
            + ";EndpointSuffix=core.windows.net",
            "langsmith": "lsv2_pt_" + of(HEX, 32) + "_" + of(HEX, 10),
            "tavily": "tvly-" + of(ALNUM, 32),
            "razorpay": "rzp_live_" + of(ALNUM, 14),
            "flutterwave": "FLWSECK-" + of(HEX, 32) + "-X",
            "sentry-auth": "sntrys_" + of(ALNUM, 80),
            "openshift": "sha256~" + of(URLSAFE, 43),
            "pulumi": "pul-" + of(HEX, 40),
            "artifactory": "AKCp" + of(ALNUM, 69),
            "sourcegraph": "sgp_" + of(HEX, 16) + "_" + of(HEX, 40),
            "easypost": "EZAK" + of(ALNUM, 54),
            "shippo": "shippo_live_" + of(HEX, 40),
            "twitter": "A" * 22 + of(ALNUM, 24) + "%2F" + of(ALNUM, 12) + "%3D" + of(ALNUM, 40),
            "dynatrace": "dt0c01."
            + of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 24)
            + "."
            + of("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 64),
            "maxmind": of(ALNUM, 6) + "_" + of(ALNUM, 29) + "_mmk",
            "pinecone": "pcsk_" + of(ALNUM, 5) + "_" + of(ALNUM, 63),
        }
