"""Secrets as they stand in real files: provider keys, assignments, URLs, keys, wrapped values."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator

from tests.labelled.files import SECRET, LabelledFile, notebook
from tests.labelled.values import Values

SETTINGS = "env, settings and compose"

_ENV = {
    "aws": "AWS_ACCESS_KEY_ID", "github": "GITHUB_TOKEN", "google": "GOOGLE_MAPS_SERVER", "slack": "SLACK_BOT",
    "stripe": "STRIPE_API", "openai-project": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY",
}  # fmt: skip


def provider_keys(values: Values) -> Iterator[LabelledFile]:
    """Every provider's format in prose, settings, code of several languages, logs and commands."""
    contexts: list[tuple[str, str, Callable[[str, str], str]]] = [
        ("notes.md", "documents and logs", lambda n, v: f"The {n} key is `{v}` for now."),
        ("app.log", "documents and logs", lambda n, v: f"2024-05-01 10:00:00 INFO calling {n} with {v}"),
        (".env.production", SETTINGS, lambda n, v: f"{_ENV.get(n, n.upper().replace('-', '_'))}={v}"),
        ("settings.py", SETTINGS, lambda n, v: f'{n.upper().replace("-", "_")} = "{v}"'),
        ("client.ts", "code", lambda n, v: f"const {n.replace('-', '')} = new Client('{v}');"),
        ("config.yml", SETTINGS, lambda n, v: f"  {n}:\n    value: {v}"),
        ("Api.java", "code", lambda n, v: f'    private static final String {n.replace("-", "")} = "{v}";'),
        ("bundle.min.js", "front end", lambda n, v: f'var a=function(t){{return e("{v}",t)}};'),
        ("deploy.sh", "code", lambda n, v: f"curl -H 'X-Auth: {v}' https://api.{n}.test/v1"),
    ]  # fmt: skip
    for name, group, line in contexts:
        file = LabelledFile(name, group)
        for provider, value in values.providers().items():
            for number, text in enumerate(lines := line(provider, value).split("\n"), 1):
                if number == len(lines):
                    file.add(text, SECRET, provider)
                else:
                    file.add(text)
                    file.near_misses -= 1
        yield file


def named(values: Values) -> Iterator[tuple[str, str]]:
    """Settings whose name tells that the value is secret, and values as people have them."""
    for name in ("DB_PASSWORD", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "ADMIN_PASSWORD", "SMTP_PASS",
                 "EMAIL_HOST_PASSWORD", "MAIL_PASSWORD", "LDAP_BIND_PASSWORD", "MYSQL_ROOT_PASSWORD",
                 "MONGO_INITDB_ROOT_PASSWORD", "RABBITMQ_DEFAULT_PASS", "MINIO_ROOT_PASSWORD", "DB_PWD"):  # fmt: skip
        yield name, values.human()
        yield name, values.alnum(values.randint(10, 24))
    for name in (
        "JWT_SECRET",
        "SECRET_KEY",
        "JWT_SECRET_KEY",
        "SESSION_SECRET",
        "NEXTAUTH_SECRET",
        "COOKIE_SECRET",
    ):
        yield name, values.phrase()
        yield name, values.hex(64)
        yield name, values.b64(32)
        yield name, values.alnum(40)
    yield "DJANGO_SECRET_KEY", values.of("abcdefghijklmnopqrstuvwxyz0123456789!@%^&*(-_=+)", 50)
    for name in ("API_KEY", "WEATHER_API_KEY", "NEWSAPI_KEY", "TMDB_API_KEY", "DEEPGRAM_API_KEY",
                 "CLOUDINARY_API_SECRET", "ELEVENLABS_API_KEY", "INTERNAL_API_KEY", "COINBASE_API_SECRET"):  # fmt: skip
        yield name, values.hex(32)
        yield name, values.alnum(27)
    for name in (
        "PAYPAL_CLIENT_SECRET",
        "GOOGLE_CLIENT_SECRET",
        "RAZORPAY_KEY_SECRET",
        "AUTH0_CLIENT_SECRET",
    ):
        yield name, values.urlsafe(40)
        yield name, values.alnum(24)
    for name in ("TWILIO_AUTH_TOKEN", "AUTH_TOKEN", "ZENDESK_TOKEN", "INFLUXDB_ADMIN_TOKEN"):
        yield name, values.hex(32)
        yield name, values.urlsafe(48)
    yield "FERNET_KEY", base64.urlsafe_b64encode(values.randbytes(32)).decode()
    yield "ENCRYPTION_KEY", values.hex(64)
    yield "APP_KEY", "base64:" + values.b64(32)
    yield "AWS_SECRET_ACCESS_KEY", values.aws_secret()
    yield "AZURE_OPENAI_API_KEY", values.hex(32)
    yield "HEROKU_API_KEY", values.uuid4()
    yield "PUSHER_APP_SECRET", values.hex(20)
    yield "EMAIL_PASSWORD", " ".join(values.of("abcdefghijklmnopqrstuvwxyz", 4) for _ in range(4))
    yield "GMAIL_APP_PASSWORD", values.of("abcdefghijklmnopqrstuvwxyz", 16)
    yield "WEBHOOK_SIGNING_KEY", values.hex(40)


def _camel(name: str) -> str:
    first, *rest = name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


_FORMS: list[tuple[str, str, str, Callable[[str, str], str]]] = [
    (".env", SETTINGS, "", lambda n, v: f"{n}={v}" if " " not in v else f'{n}="{v}"'),
    (".env.local", SETTINGS, "", lambda n, v: f'export {n}="{v}"'),
    ("prod.env", SETTINGS, "", lambda n, v: f"{n}='{v}'"),
    ("docker-compose.yml", SETTINGS, "services:\n  api:\n    environment:", lambda n, v: f"      {n}: {json.dumps(v)}"),
    ("compose.prod.yaml", SETTINGS, "services:\n  api:\n    environment:", lambda n, v: f"      - {n}={v}"),
    ("settings.py", SETTINGS, "import os", lambda n, v: f'{n} = "{v}"'),
    ("config.py", SETTINGS, "class Config:", lambda n, v: f"    {n}: str = '{v}'"),
    ("flask_config.py", SETTINGS, "", lambda n, v: f'app.config["{n}"] = "{v}"'),
    ("config.json", SETTINGS, "{", lambda n, v: f'  "{_camel(n)}": "{v}",'),
    ("application.yml", SETTINGS, "shop:", lambda n, v: f"  {n.lower().replace('_', '-')}: {json.dumps(v)}"),
    ("application.properties", SETTINGS, "", lambda n, v: f"shop.{n.lower().replace('_', '.')}={v}"),
    ("config.ini", SETTINGS, "[shop]", lambda n, v: f"{n.lower()} = {v}"),
    ("config.toml", SETTINGS, "[shop]", lambda n, v: f'{n.lower()} = "{v}"'),
    ("terraform.tfvars", SETTINGS, "", lambda n, v: f'{n.lower()} = "{v}"'),
    ("main.tf", "deployment", 'resource "aws_db_instance" "x" {', lambda n, v: f'  {n.lower()} = "{v}"'),
    ("deploy.sh", "deployment", "#!/bin/bash", lambda n, v: f'export {n}="{v}"'),
    ("Dockerfile", "deployment", "FROM python:3.12", lambda n, v: f'ENV {n}="{v}"'),
    ("build.Dockerfile", "deployment", "FROM node:22", lambda n, v: f"ARG {n}={v}" if " " not in v else f'ARG {n}="{v}"'),
    ("ci.yml", "deployment", "jobs:\n  test:\n    env:", lambda n, v: f"      {n}: {json.dumps(v)}"),
    ("deployment.yaml", "deployment", "spec:\n  env:", lambda n, v: f"    - name: {n}\n      value: {json.dumps(v)}"),
    ("render.yaml", "deployment", "envVars:", lambda n, v: f"  - key: {n}\n    value: {json.dumps(v)}"),
    ("client.js", "code", "", lambda n, v: f"const {_camel(n)} = '{v}';"),
    ("server.ts", "code", "", lambda n, v: f'  {_camel(n)}: "{v}",'),
    ("fallback.js", "code", "", lambda n, v: f"const k = process.env.{n} || '{v}';"),
    ("fallback.py", "code", "import os", lambda n, v: f'k = os.environ.get("{n}", "{v}")'),
    ("Main.java", "code", "", lambda n, v: f'  private String {_camel(n)} = "{v}";'),
    ("main.go", "code", "", lambda n, v: f'\t{_camel(n)} := "{v}"'),
    ("config.php", "code", "<?php", lambda n, v: f"define('{n}', '{v}');"),
    ("web.config", "code", "<appSettings>", lambda n, v: f'  <add key="{n}" value="{v}" />'),
    ("bundle.js", "front end", "", lambda n, v: f'(()=>{{var e={{{_camel(n)}:"{v}",mode:"live"}};t(e)}})();'),
    ("README.md", "documents and logs", "", lambda n, v: f"    {n}={v}"),
    ("run.log", "documents and logs", "", lambda n, v: f'INFO request {{"{_camel(n)}": "{v}"}}'),
]  # fmt: skip


def assignments(values: Values) -> Iterator[LabelledFile]:
    """Generic assignments in the formats of settings, deployment, code, bundles and documents."""
    for name, group, head, line in _FORMS:
        file = LabelledFile(name, group)
        if head:
            file.add(head)
            file.near_misses = 0
        pairs = list(named(values))
        values.shuffle(pairs)
        for key, value in pairs[: 26 if group == SETTINGS else 16]:
            *before, last = line(key, value).split("\n")
            for text in before:
                file.add(text)
                file.near_misses -= 1
            file.add(last, SECRET, key)
        yield file
    pairs = list(named(values))[:14]
    yield notebook(
        "analysis.ipynb", "documents and logs", [(f'{k} = "{v}"', SECRET) for k, v in pairs]
    )


def urls(values: Values) -> Iterator[LabelledFile]:
    """Passwords in addresses and connection strings."""
    made: list[Callable[[str], str]] = [
        lambda p: f"mongodb+srv://shop:{p}@cluster0.x7k2p.mongodb.net/shop?retryWrites=true",
        lambda p: f"postgresql://shop:{p}@db.shop-internal.net:5432/shop",
        lambda p: f"postgres://u8d7:{p}@ec2-54-83-1-2.compute-1.amazonaws.com:5432/d9",
        lambda p: f"mysql+pymysql://root:{p}@10.0.4.17:3306/shop",
        lambda p: f"redis://:{p}@redis-12345.c1.us-east-1-2.ec2.cloud.redislabs.com:12345/0",
        lambda p: f"amqps://shop:{p}@sparrow.rmq.cloudamqp.com/shop",
        lambda p: f"jdbc:postgresql://db.shop-internal.net:5432/shop?user=shop&password={p}",
        lambda p: f"Server=tcp:shop.database.windows.net,1433;Database=shop;User Id=shop;Password={p};Encrypt=True",
        lambda p: f"cloudinary://123498761234987:{p}@shopcloud",
        lambda p: f"https://deploy:{p}@git.shop-internal.net/shop.git",
    ]  # fmt: skip
    forms: list[tuple[str, str, Callable[[str], str]]] = [
        (".env", SETTINGS, lambda u: f"DATABASE_URL={u}"),
        ("docker-compose.yml", SETTINGS, lambda u: f"      - CONNECTION={u}"),
        ("database.py", SETTINGS, lambda u: f'engine = connect("{u}")'),
        ("db.js", "code", lambda u: f"mongoose.connect('{u}', {{}})"),
        ("values.yaml", "deployment", lambda u: f"  url: {u}"),
        ("HOWTO.md", "documents and logs", lambda u: f"Connect with `{u}`"),
    ]
    for name, group, line in forms:
        file = LabelledFile(name, group)
        for make in made:
            file.add(line(make(values.alnum(values.randint(12, 20)))), SECRET, "url")
        yield file


def keys(values: Values) -> Iterator[LabelledFile]:
    """Private keys: in their own files, escaped into one line, in service accounts, wrapped."""
    for number, kind in enumerate(("RSA ", "", "EC ", "OPENSSH ")):
        file = LabelledFile(f"id_{number}.pem", "private keys")
        file.add(values.pem(kind), SECRET, "private key")
        yield file
    env = LabelledFile(".env", SETTINGS)
    escaped = values.pem("").replace("\n", "\\n")
    env.add(f'FIREBASE_PRIVATE_KEY="{escaped}\\n"', SECRET, "private key")
    env.add(f'JWT_PRIVATE_KEY="{values.pem("RSA ")}"', SECRET, "private key")
    yield env
    account = LabelledFile("credentials.json", "private keys")
    for line in json.dumps(values.service_account(), indent=2).split("\n"):
        account.add(line, SECRET if '"private_key":' in line else "nothing", "private key")
    account.near_misses = 0
    yield account
    code = LabelledFile("signing.py", "code")
    code.add(f'KEY = """{values.pem("EC ")}"""', SECRET, "private key")
    code.add(f"KEY2 = b'{escaped}'", SECRET, "private key")
    yield code
    block = LabelledFile("secrets.yaml", "deployment")
    block.add("tls:")
    block.near_misses = 0
    block.add("  key: |\n    " + values.pem("").replace("\n", "\n    "), SECRET, "private key")
    yield block


def wrapped(values: Values) -> Iterator[LabelledFile]:
    """Secrets inside of base64: service accounts, keys, Basic credentials, Kubernetes secrets."""

    def b64(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    env = LabelledFile(".env.production", SETTINGS)
    env.add(f"GOOGLE_CREDENTIALS={b64(json.dumps(values.service_account()))}", SECRET, "base64")
    env.add(f"SSH_KEY_B64={b64(values.pem('OPENSSH '))}", SECRET, "base64")
    env.add(f"CONFIG_B64={b64('OPENAI_API_KEY=' + values.providers()['openai'])}", SECRET, "base64")
    yield env
    code = LabelledFile("call.py", "code")
    for _ in range(4):
        login = b64(f"{values.word()}:{values.human()}")
        code.add(f'headers = {{"Authorization": "Basic {login}"}}', SECRET, "basic")
    code.add(f'headers = {{"Authorization": "Bearer {values.urlsafe(40)}"}}', SECRET, "bearer")
    code.add(f'blob = "{b64("key: " + values.providers()["sendgrid"])}"', SECRET, "base64")
    yield code
    secret = LabelledFile("secret.yaml", "deployment")
    secret.add("apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop\ndata:")
    secret.near_misses = 0
    for name in ("db-password", "jwt-secret", "SMTP_PASSWORD", "redis-password"):
        secret.add(f"  {name}: {b64(values.alnum(18))}", SECRET, "base64")
    secret.add("stringData:")
    secret.near_misses = 0
    for name in ("admin-password", "api-key"):
        secret.add(f"  {name}: {values.alnum(22)}", SECRET, "kubernetes")
    yield secret


def several_lines(values: Values) -> Iterator[LabelledFile]:
    """Values that stand on another line than their name, or on several."""
    python = LabelledFile("secrets_config.py", SETTINGS)
    for _ in range(4):
        python.add(f'JWT_SECRET = (\n    "{values.hex(64)}"\n)', SECRET, "multi-line")
        python.add(
            f'API_SECRET = os.getenv(\n    "API_SECRET",\n    "{values.alnum(32)}",\n)',
            SECRET,
            "multi-line",
        )
    yield python
    terraform = LabelledFile("variables.tf", "deployment")
    for name in ("db_password", "jwt_secret", "api_key", "admin_password"):
        terraform.add(
            f'variable "{name}" {{\n  type    = string\n  default = "{values.alnum(20)}"\n}}',
            SECRET,
            "multi-line",
        )
    yield terraform
    json_file = LabelledFile("appsettings.json", SETTINGS)
    for name in ("ClientSecret", "ApiKey", "SmtpPassword"):
        json_file.add(f'  "{name}":\n    "{values.alnum(24)}",', SECRET, "multi-line")
    yield json_file


def front_end(values: Values) -> Iterator[LabelledFile]:
    """Secrets under the names whose values a build writes into what browsers get."""
    file = LabelledFile(".env", SETTINGS)
    for prefix in (
        "VITE_",
        "REACT_APP_",
        "NEXT_PUBLIC_",
        "EXPO_PUBLIC_",
        "GATSBY_",
        "NUXT_PUBLIC_",
    ):
        file.add(
            f"{prefix}OPENAI_API_KEY={values.providers()['openai-project']}", SECRET, "shipped"
        )
        file.add(f"{prefix}API_SECRET={values.alnum(32)}", SECRET, "shipped")
    yield file
    code = LabelledFile("api.tsx", "front end")
    code.add(
        f"const openai = new OpenAI({{ apiKey: '{values.providers()['openai']}' }})",
        SECRET,
        "shipped",
    )
    code.add(
        f"axios.post(url, body, {{ headers: {{ 'x-api-key': '{values.alnum(36)}' }} }})",
        SECRET,
        "shipped",
    )
    code.add(
        f"fetch(`https://api.weather.test/v2?city=${{c}}&apikey={values.hex(32)}`)",
        SECRET,
        "shipped",
    )
    yield code  # fmt: skip


SOURCES = (provider_keys, assignments, urls, keys, wrapped, several_lines, front_end)
