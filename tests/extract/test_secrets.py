"""Secrets: what is found, what is not, and that no value ever shows.

Values are put together at run time, so that this file itself holds none.
"""

from __future__ import annotations

import base64
import json
import string
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.discover import discover
from auditor.discover.kinds import kind_of, role_of
from auditor.extract.pipeline import Extraction
from auditor.extract.secrets import Secret, find_secrets

ALNUM = string.ascii_letters + string.digits
RANDOM = "kX9vQ2mZ7pL4tR8wB3nC6yH1jF5gD0sAeUiO"


def value(length: int, alphabet: str = ALNUM) -> str:
    picked = (RANDOM * 6)[:length]
    return "".join(c if c in alphabet else alphabet[ord(c) % len(alphabet)] for c in picked)


def token(**claims: str | int) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    coded = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)
    return ".".join([*(part.rstrip("=") for part in coded), value(43)])


HEX = string.hexdigits[:16]
PROVIDERS = {
    "aws-access-key-id": "AKIA" + value(16, string.ascii_uppercase + "234567"),
    "github-token": "ghp_" + value(36),
    "google-api-key": "AIza" + value(35),
    "slack-token": "xoxb-" + "482915736042-" * 2 + value(24),
    "stripe-secret-key": "sk_live_" + value(24),
    "openai-key": "sk-proj-" + value(48),
    "anthropic-key": "sk-ant-" + value(40),
    "emergent-key": "sk-emergent-" + value(18),
    "sendgrid-key": "SG." + value(22) + "." + value(43),
    "npm-token": "npm_" + value(36),
    "huggingface-token": "hf_" + value(34, string.ascii_letters),
    "twilio-api-key": "SK" + value(32, HEX),
    "gitlab-token": "glpat-" + value(20),
}


@pytest.mark.parametrize("kind, secret", PROVIDERS.items(), ids=PROVIDERS.keys())
def test_providers_keys_anywhere(kind: str, secret: str) -> None:
    for text in (f"The key is {secret} for now", f'key = "{secret}"\n', f"K={secret}\n"):
        (found,) = find_secrets(text.encode(), "notes.md")
        assert found.kind == kind
        assert text.encode()[found.start : found.end].decode() == secret


FOUND = {
    "a private key": (
        "x.pem",
        "-----BEGIN RSA PRIVATE "
        + "KEY-----\n"
        + (value(60) + "\n") * 6
        + "-----END RSA PRIVATE KEY-----",
        "private-key",
    ),
    "a password in a URL": (
        "config.py",
        'URL = "mongodb+srv://admin:' + value(12) + '@cluster0.abc.mongodb.net/x"',
        "url-password",
    ),
    "a password in a dotenv file": (".env", "DB_PASSWORD=" + value(14), "password"),
    "a secret in a dotenv file": (".env", "JWT_SECRET=" + value(32), "secret-assignment"),
    "a secret in JSON": ("a.json", '{"client_secret": "' + value(30) + '"}', "secret-assignment"),
    "a default of a signing secret": (
        "a.py",
        'import os\nK = os.getenv("JWT_SECRET", "my-secret-key")',
        "default-secret",
    ),
    "a default in JavaScript": (
        "a.js",
        'const k = process.env.JWT_SECRET || "supersecret";',
        "default-secret",
    ),
    "a signing secret in code": (
        "app.py",
        'app.secret_key = "super ' + 'secret key"',
        "signing-secret",
    ),
    "a made-up one": ("auth.py", 'JWT_SECRET: str = "your-' + 'secret-key"', "signing-secret"),
    "an item of a configuration": (
        "app.py",
        "app.config['SECRET_KEY'] = 'my" + "secretkey'",
        "signing-secret",
    ),
    "a session's": ("a.js", "app.use(session({ secret: 'keyboard " + "cat' }))", "signing-secret"),
    "what a token is signed with": (
        "a.js",
        "jwt.sign({id: u.id}, 'shh" + "hhh')",
        "signing-secret",
    ),
    "after claims with calls in them": (
        "a.py",
        'jwt.encode({"exp": now() + timedelta(hours=1)}, "s3cr3' + 't", algorithm="HS256")',
        "signing-secret",
    ),
    "the name of the service": (
        "compose.yml",
        "      - WORDPRESS_DB_PASSWORD=word" + "press",
        "default-password",
    ),
    "a word in a compose file": (
        "compose.yml",
        "    environment:\n      - MYSQL_PASSWORD=next" + "cloud",
        "default-password",
    ),
    "digits": ("compose.yml", "      MYSQL_ROOT_PASSWORD: 674" + "2530", "default-password"),
    "a password in SQL": (
        "a.sql",
        "CREATE USER 'a'@'%' IDENTIFIED BY 'zab" + "bix7x';",
        "password",
    ),
    "a Dockerfile's older form": ("Dockerfile", "ENV SECRET_KEY " + value(30), "secret-assignment"),
    "a login of .netrc": (".netrc", "machine a.io login me password " + value(16), "password"),
    "a name and a value": (
        "task.json",
        '{"name": "DB_PASSWORD",\n  "value": "' + value(16) + '"}',
        "password",
    ),
    "a short beginning in base64": (
        "a.py",
        'X = "' + base64.b64encode(b"token=ghp_" + value(36).encode()).decode() + '"',
        "github-token",
    ),
    "one of several": (
        "variables.tf",
        'variable "gossip_encryption_key_dc2" {\n  default = "' + value(43) + '="\n}',
        "secret-assignment",
    ),
    "the default of Spring": (
        "application.properties",
        "jwt.secret=${JWT_SECRET:" + value(40) + "}",
        "secret-assignment",
    ),
    "a known password of another machine": (
        ".env",
        "URL=mongodb+srv://admin:admin" + "123@shop.ab1cd.mongodb.net/",
        "url-password",
    ),
    "a known password in base64": (
        "secret.yaml",
        "  password: bWluaW8x" + "MjM=",
        "default-password",
    ),
    "a placeholder that the application is started with": (
        "compose.yml",
        "      SECRET_KEY: your-super-secret-key-change-in-production",
        "secret-assignment",
    ),
    "what curl logs in with": (
        "deploy.sh",
        "curl -X POST -u deploy:" + value(12) + " https://ci.shop.io/job",
        "curl-login",
    ),
    "a setter": ("A.java", 'factory.setPassword("' + value(14) + '");', "password"),
    "a salt of WordPress": (
        "wp-config.php",
        "define('AUTH_KEY', 'MW1pxMct(>M%0Vl 2(#o0|2$cB" + "+K|.G$hB~4Juw@]:(5;oV<<W3^e_R-fg');",
        "secret-assignment",
    ),
    "a secret that startproject makes": (
        "settings.py",
        'KEY = "django-insecure-' + "o39+_auk!pw@=y1sv^4pf7=m*vzi" + '9=3^aqwqsn*8bh=$-n@9y6"',
        "signing-secret",
    ),
    "a login of a registry": (
        "config.json",
        '{"auths": {"x": {"auth": "'
        + base64.b64encode(b"shop:" + value(14).encode()).decode()
        + '"}}}',
        "registry-login",
    ),
    "a registry's login in a cluster's secret": (
        "secret.yaml",
        ".dockerconfigjson: "
        + base64.b64encode(
            b'{"auths":{"x":{"auth":"' + base64.b64encode(b"shop:" + value(14).encode()) + b'"}}}'
        ).decode(),
        "registry-login",
    ),
    "a password of PostgreSQL": (".pgpass", "db.shop.io:5432:*:shop:" + value(10), "password"),
    "a password that git keeps": (
        ".git-credentials",
        "https://me@shop.io:" + value(10) + "@git.io",
        "password",
    ),
    "a password of a netrc": (
        ".netrc",
        "machine git.io login me password " + value(10),
        "password",
    ),
    "Rails' key": ("master.key", value(32, HEX), "password"),
    "a hash of a web server's user": (
        ".htpasswd",
        "admin:$apr1$tp8glkbm$" + value(22),
        "password-hash",
    ),
    "a hash of a host's user": (
        "shadow",
        "me:$6$" + value(16) + "$" + value(86) + ":17431:0:::",
        "password-hash",
    ),
    "the default of what lets an administrator in": (
        "a.py",
        'if given != os.getenv("ADMIN_SECRET", "shop-ad' + 'min-2024"):',
        "default-secret",
    ),
    "the default of what lets a job in": (
        "a.ts",
        'const wanted = process.env.CRON_SECRET || "run-the-' + 'jobs"',
        "default-secret",
    ),
    "the file of a container's settings": (
        ".postgres",
        "POSTGRES_PASSWORD=deb" + "ug",
        "default-password",
    ),
    "a word for the account of a database": (
        ".django",
        "SHOP_DATABASE_PASSWORD=sho" + "pper",
        "default-password",
    ),
    "a developer's token": (
        ".env.development",
        "VAULT_TOKEN=dev-root-" + "token",
        "default-password",
    ),
    "a key between services": (
        "config.py",
        'INTERNAL_SERVICE_KEY: str = "dev-internal-' + 'service-key"',
        "default-password",
    ),
    "what a database is made with": (
        ".env",
        "POSTGRES_PASSWORD=CHANGE_THIS_" + "PASSWORD",
        "default-password",
    ),
    "an account in SQL": (
        "init.sql",
        "CREATE USER shop WITH PASSWORD 'shop_dev_" + "password';",
        "default-password",
    ),
    "an account of a Secret": (
        "secrets.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop-postgres\nstringData:\n  POSTGRES_PASSWORD: CHANGE_ME",
        "default-password",
    ),
    "an account that the Secret is named after": (
        "postgres.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop-postgres\nstringData:\n  password: changeme-in-production",
        "default-password",
    ),
    "a key between services in a Secret": (
        "secrets.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop-postgres\nstringData:\n  INTERNAL_TOKEN: CHANGE_ME",
        "default-password",
    ),
    "an address of MySQL as Go writes it": (
        "config.go",
        'DSN: env("DSN", "root:ro' + 'ot@tcp(localhost:3306)/shop")',
        "local-url-password",
    ),
    "a client's secret in a realm": (
        "shop-realm.json",
        '{"clients": [{"secret": "shop-' + 'secret"}]}',
        "password",
    ),
    "a user's password in a realm": (
        "realm-export.json",
        '{"credentials": [{"type": "password", "value": "ad' + 'min77"}]}',
        "password",
    ),
    "a password that looks like a tag": (
        ".postgres",
        "POSTGRES_PASSWORD=!51246" + "84N@qmtl",
        "password",
    ),
    "the default of a settings class": (
        "config.py",
        'POSTGRES_PASSWORD: str = Field(default="auth_pass' + 'word")',
        "default-password",
    ),
    "an option over several lines": (
        "compose.yml",
        "    command: |\n      airflow users create \\\n        --password ad"
        + "min \\\n        --role Admin",
        "default-password",
    ),
    "an option in a list": (
        "compose.yml",
        "    command:\n      - redis-server\n      - --requirepass\n      - redis12"
        + "3456\n      - --appendonly",
        "default-password",
    ),
    "the placeholder that Airflow signs with": (
        ".env",
        "AIRFLOW__WEBSERVER__SECRET_KEY=your-secret-key-" + "here",
        "secret-assignment",
    ),
    "a key for the settings of tests": (
        "test.py",
        'SECRET_KEY = env("DJANGO_SECRET_KEY", default="' + value(64) + '")',
        "secret-assignment",
    ),
    "Neo4j's user and password": (
        "compose.yml",
        "    environment:\n      - NEO4J_AUTH=neo4j/shop" + "graph",
        "default-password",
    ),
    "Neo4j's user and password in a deployment": (
        "neo4j.yaml",
        "        - name: NEO4J_AUTH\n          value: neo4j/pass" + "word",
        "default-password",
    ),
    "a word of a Secret": (
        "secrets.yaml",
        "kind: Secret\nmetadata:\n  name: postgres-secret\ndata:\n  password: " + "c2hvcHBlcg==",
        "default-password",
    ),
    "an address with an escaped sign": (
        "ecosystem.config.js",
        "DATABASE_URL: 'mysql://shop:river%40" + "Lake5703@localhost:3306/shop'",
        "url-password",
    ),
    "an address with a sign left as it is": (
        "config.py",
        'URL = "mysql://shop:river@' + 'Lake5703?@db.shop.io:3306/shop"',
        "url-password",
    ),
    "a default within a type": (
        "config.py",
        'database_password: SecretStr = Field(default=SecretStr("post' + 'gres"))',
        "default-password",
    ),
    "what a comment tells of an account": (
        "init_db.sql",
        "-- the administrator (Password: River" + "5703)\nINSERT INTO users VALUES (1);",
        "password",
    ),
    "a number in an address": (
        "alembic.ini",
        "sqlalchemy.url = postgresql://postgres:6644" + "2211@localhost:5432/shop",
        "local-url-password",
    ),
    "a number for an administrator": ("compose.yml", "- ADMIN_KEY=48" + "21", "default-password"),
    "what Spring signs with": (
        "application.yml",
        "jwt:\n  secret: jwt-" + "secret",
        "secret-assignment",
    ),
    "the default of a database": (
        "a.py",
        'P = os.getenv("DB_PASSWORD", "post' + 'gres")',
        "default-password",
    ),
}


@pytest.mark.parametrize("name, text, kind", FOUND.values(), ids=FOUND.keys())
def test_found(name: str, text: str, kind: str) -> None:
    assert [s.kind for s in find_secrets(text.encode(), name)] == [kind]


NOT_FOUND = {
    "a placeholder": (".env", "API_KEY=your-api-key-here"),
    "a reference": ("a.yml", "password: ${DB_PASSWORD}"),
    "an environment read": ("a.py", 'password = os.environ["DB_PASSWORD"]'),
    "an empty value before another setting": (
        ".env",
        "JWT_SECRET=\nORIGINS=http://localhost:3000\n",
    ),
    "a name": ("a.py", 'password_field = "user_password_input"'),
    "the word itself": ("a.js", '{ password: "password" }'),
    "a message": ("a.py", 'token_error = "The token has expired, sign in again"'),
    "a repeated character": (".env", "SECRET_KEY=xxxxxxxxxxxxxxxxxxxxxxxx"),
    "a sequence": (".env", "STRIPE_SECRET_KEY=abcdefghijklmnopqrst"),
    "a template for what an application signs with": (".env.exemple", "SECRET_KEY=change-me"),
    "a template of another name": (".env.docker-example", "SECRET_KEY=foo"),
    "a stack that shows something": ("docker-compose-example-alpine.yml", "POSTGRES_PASSWORD: postgres"),
    "a stack for tests": ("docker-compose.e2e.yml", "POSTGRES_PASSWORD: postgres"),
    "settings of tests": (".env-test", "POSTGRES_PASSWORD=tester_test_db"),
    "a script of tests": ("test_routes.sh", "PASSWORD=TestPass123"),
    "Turnstile's for everybody": ("a.yml", "CAPTCHA_SECRET_KEY: 1x" + "0" * 31 + "AA"),
    "a profile for tests": ("application-test.yml", 'secret: "dGVzdC1zZWNyZXQta2V5LWZvci10ZXN0"'),
    "an alias of YAML": ("compose.yml", "DB_PASSWORD: *db-password\n"),
    "a default login that a comment shows": ("a.yml", "# as in postgres://postgres:postgres@db.shop.svc:5432/shop"),
    "a login as documentation writes it": (".env", "DATABASE_URL=postgres://username:password@localhost/shop"),
    "a placeholder for a secret of somebody else": (".env", "WECHAT_APP_SECRET=your-app-secret"),
    "a placeholder that a comment shows": (".env", "# JWT_SECRET=change-me"),
    "what another secret is called in YAML": ("values.yaml", "jwtSecret: jwt-secret"),
    "what a missing setting is told": ("compose.yml", "  A: ${FLOWER_BASIC_AUTH:?Set FLOWER_BASIC_AUTH=user:password in .env}"),
    "a placeholder for somebody else's signing key": ("config.yaml", "QSTASH_CURRENT_SIGNING_KEY: your-signing-key"),
    "Neo4j without a login": ("compose.yml", "    environment:\n      - NEO4J_AUTH=none"),
    "a placeholder of a Secret": ("secrets.yaml", "kind: Secret\ndata:\n  password: " + "Y2hhbmdlbWU8aGVyZT4="),
    "a login as tools generate it": ("alembic.ini", "sqlalchemy.url = postgresql://user:pass@localhost/shop"),
    "a password to change, on a host to fill in": (".env.staging", "DATABASE_URL=postgresql://shop:CHANGE_PASSWORD@shop-xxxxx.rds.amazonaws.com/shop"),
    "a password to change": (".env.staging", "DATABASE_URL=postgresql://shop:CHANGE_PASSWORD@db.shop.io/shop"),
    "a placeholder of a Secret for somebody else's service": ("secrets.yaml", "kind: Secret\ndata:\n  LLM_API_KEY: " + "Y2hhbmdlbWU="),
    "what a comment of SQL tells of a column": ("init.sql", "-- password: hashed\nCREATE TABLE users (password text);"),
    "an address that ends before a sign": ("a.py", 'URL = "https://shop.io:8080/@river/Lake5703@3"'),
    "what an address is filled in with": ("a.py", 'URL = "mysql://%s:%s@db.shop.io/shop"'),
    "a realm without values": ("realm.json", '{"secret": "**********", "clients": [{"secret": "${SECRET}"}]}'),
    "names in a list": ("a.yml", "fields:\n  - password\n  - email"),
    "a secret of a manager": ("cloudbuild.yaml", "- 'DB_PASSWORD=shop-db-password:latest'"),
    "what only an image's build needs": ("Dockerfile", "ENV JWT_SECRET=dummy-build-secret"),
    "a developer's key for somebody else": (".env.development", "STRIPE_API_KEY=dev-stripe-key"),
    "the name of a header": ("config.py", 'API_KEY_HEADER: str = "x-api-key"'),
    "an account in SQL from a setting": ("init.sql", "CREATE USER a WITH PASSWORD '${DB_PASSWORD}';"),
    "a comment in SQL": ("init.sql", "COMMENT ON COLUMN users.password IS 'hashed_password';"),
    "somebody else's key in a Secret": (
        "secrets.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop-postgres\nstringData:\n  OPENAI_API_KEY: CHANGE_ME\n  SMTP_PASSWORD: CHANGE_ME",
    ),
    "how Go's addresses are written": ("a.go", '// user:password@tcp(host:port)/dbname'),
    "what a file that is to be copied says": (
        ".env.prod",
        "# Copy this to .env and fill in the values\nDB_PASSWORD=changeme",
    ),
    "a placeholder of a database's account": (".env", "POSTGRES_PASSWORD=your-password-here"),
    "a UUID": ("a.json", '{"token_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}'),
    "a lock file": ("package-lock.json", '"secret": "' + value(40) + '"'),
    "a URL without a password": ("a.py", 'URL = "mongodb://localhost:27017"'),
    "an example URL": ("README.md", "postgres://user:password@host.com/db"),
    "a setting's number": ("a.py", "ACCESS_TOKEN_EXPIRE_MINUTES = 30"),
    "a schema's example": ("a.py", 'schema = {"example": {"password": "' + value(10) + '"}}'),
    "a schema in YAML": ("openapi.yaml", "        password: { type: string },"),
    "the word in YAML": ("openapi.yml", "        password: string"),
    "a label": ("a.ts", 'secret: "Enter your secret"'),
    "the name of a setting": ("a.ts", 'const JWT_SECRET_KEY = "JWT_SECRET_KEY"'),
    "a path in a configuration": ("a.go", 'HMACSecret = "providers.oidc.hmac_secret"'),
    "an algorithm": ("a.py", 'jwt.decode(token, SECRET, "HS256")'),
    "the key of a session": ("a.py", 'SESSION_KEY = "_auth_user_id"'),
    "a check of a setting": ("a.py", 'self.require_setting("cookie_secret", "secure cookies")'),
    "a piece of a picture": ("a.svg", "AAAA/EAA" + value(120) + "/" + value(40)),
    "a value of a template": ("a.yaml", '  {{- $password = index $secret.data "password" }}'),
    "a place for a password": ("a.conf", 'U = "postgresql://<USERNAME>:<PASSWORD>@localhost/x"'),
    "a path": ("a.js", "BLIND_CREDENTIALS: 'v1/archive/blind_credentials',"),
    "an encrypted value": ("application.yml", "password: ENC(" + value(40) + ")"),
    "the next item of a dictionary": (
        "model.py",
        '{"client_secret": obj.get("client_secret"), "redirect_uris": obj.get("redirect_uris")}',
    ),
    "a text that is put together": ("a.py", 'sql = "ALTER ROLE app WITH PASSWORD \'" + pw + "\'"'),
    "the digest of an image": ("run.sh", "pull app/shop-secret:1.2@sha256:" + value(64, HEX)),
    "a call in a script of YAML": (
        "job.yaml",
        "      data['credentials'] = collect_k8s_credentials()",
    ),
    "what a secret is called": ("gitlab.yaml", '      secret: "gitlab-s3-config"'),
    "where a browser keeps something": (
        "a.ts",
        "const SESSION_KEY = 'shop-presence-session-id-v1'",
    ),
    "an escaped address": ("a.py", "uri = 'http://%C3%BCser:p%C3%A5ssword@xn--n3h.net/'"),
    "a place in a notebook": ("a.ipynb", '"c = C(SecretKey=\\"your cos ' + 'secret_key\\")"'),
    "what Web Push shows": ("a.js", "applicationServerKey: 'B" + value(86) + "'"),
    "a public key": (
        "a.java",
        'String SECRET_KEY = "MIGfMA0GCSqGSIb3DQEBAQUAA' + value(100) + '";',
    ),
    "two rows at once": (".env", "API_KEY=key_1a2b3c4d5e" + "6f7g8h"),
    "a description": ("a.py", "needed = {'SECRET_KEY': 'Application secret key'}"),
    "what curl is given by its caller": (
        "deploy.sh",
        'curl -u "$USER:$PASSWORD" https://ci.shop.io',
    ),
    "a type": ("a.ts", "interface A { accessToken: string; }"),
    "a key for browsers": ("a.py", f'SUPABASE_KEY = "{token(role="anon", exp=4102444800)}"'),
    "no token at all": (".env", "SUPABASE_KEY=eyJ" + value(33) + ".eyJ" + value(90) + "." + value(43)),
    "a key that another encrypts": ("app.config", '<add sessionKey="AQIAAA5m' + value(60) + '" />'),
    "what stands between two texts": ("a.js", '{userLabel:"Name:",passwordLabel:"Password:",savedLabel:"Saved"}'),
    "the other way round": ("a.conf", '"//localhost:1337/:_password = "+new Buffer("feast").toString()'),
    "a setting of Stalwart": ("values.yaml", 'secret = "%{env:LDAP_BIND_PASSWORD}%"'),
    "a test of Jinja": ("a.yml", "when: users | selectattr('rotate_password', 'defined') | list"),
    "a fingerprint": ("a.jsonl", "SSH host key: SHA256:" + value(43) + " (ED25519)"),
    "what sops encrypts": ("a.yaml", "smtpPassword: ENC[AES256_GCM,data:" + value(9) + "==,iv:" + value(43) + "=,tag:x=,type:str]"),
    "Spring's password of a start": ("a.log", "Using generated security password: 1f3870be-274f-4c49-" + "b3e3-1a0c6728957f"),
    "a file with a key": ("a.py", 'os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = "shop-96c0' + 'a1b2d3e4.json"'),
    "what a form says where nothing is given": ("a.py", 'token = data.get("admin_token", "unknown")'),
    "somebody else's, where nothing is given": ("a.py", 'k = os.getenv("STRIPE_SECRET", "none-yet")'),
    "no default of what lets in": ("a.py", 'k = os.getenv("ADMIN_SECRET", "")'),
    "a public key of no prefix": (".env", 'PUBLIC_KEY="' + value(64) + '"'),
    "a placeholder in a netrc": (".netrc", "machine git.io login me password <your-password>"),
    "a message of a setter": ("a.ts", 'setPassword("Password is required")'),
    "a rule for passwords": ("a.js", 'const password = "^(?=.*[a-z])(?=.*[A-Z])(?=.*\\d)[A-Za-z\\d@$!%*?&]{8,}$"'),
    "a cast": ("a.conf", "pwd = (char *) (p + ulen + 2);"),
    "a local service's key in a document": ("a.md", "MINIO_SECRET_KEY=minioadmin"),
}  # fmt: skip


@pytest.mark.parametrize("name, text", NOT_FOUND.values(), ids=NOT_FOUND.keys())
def test_not_found(name: str, text: str) -> None:
    assert find_secrets(text.encode(), name, role_of(name)) == []


MILD = {
    "a test's own": ("settings.py", 'SECRET_KEY = "test-secret-key-' + 'not-for-production"'),
    "the key of a map in a page": (
        "index.html",
        '<script src="https://maps.googleapis.com/maps/api/js?key=AIza' + value(35) + '"></script>',
    ),
    "what a script gives itself": (
        "run.py",
        'os.environ.setdefault("SESSION_SECRET", "offline-' + 'session-key")',
    ),
    "a documentation string": (
        "config.py",
        '"""Use it so::\n\n    SECRET_KEY = ' + "'development key'" + '\n"""',
    ),
    "a role's tests": (".env-example", "API_KEY=" + value(24)),
    "a token that is a UUID": (
        ".env",
        "HOST_UPDATE_TOKEN=" + "1f3870be-274f-4c49-" + "b3e3-1a0c6728957f",
    ),
    "a key that a comment explains": (
        "a.go",
        '// Mask keys (e.g., "api_key:AIza' + value(35) + '")',
    ),
    "a local service's key": (".env", "MINIO_SECRET_KEY=minioadmin"),
    "what somebody typed into a template": (
        ".env.example",
        "MONGODB_URI=mongodb+srv://shop8:" + "River5703@cluster0.s6wq8.mongodb.net/?appName=C",
    ),
}


@pytest.mark.parametrize("name, text", MILD.values(), ids=MILD.keys())
def test_mild(name: str, text: str) -> None:
    assert [s.confidence for s in find_secrets(text.encode(), name, role_of(name))] == ["low"]


def test_what_a_pipeline_signs_with() -> None:
    text = b"env:\n  FIELD_ENCRYPTION_KEY: " + value(43).encode() + b"=\n"
    path = ".github/workflows/ci.yml"
    assert [s.confidence for s in find_secrets(text, "ci.yml", role_of(path), kind_of(path))] == [
        "low"
    ]


@pytest.mark.parametrize(
    "host, told", [("http://localhost:15672/api", 0), ("https://ci.shop.io/build", 1)]
)
@pytest.mark.parametrize(
    "command", ["curl -f {0} -u shop:river-5703", "curl -u shop:river-5703 {0}"]
)
def test_a_login_for_what_a_job_starts(command: str, host: str, told: int) -> None:
    """A service on the job's own machine lives as long as the job."""
    path, text = ".github/workflows/ci.yml", f"      - run: {command.format(host)}\n".encode()
    assert len(find_secrets(text, "ci.yml", role_of(path), kind_of(path))) == told


@pytest.mark.parametrize("around, told", [("services:\n  db:\n    env:\n", 0), ("env:\n", 1)])
def test_a_database_that_a_job_starts(around: str, told: int) -> None:
    path, text = (
        ".github/workflows/ci.yml",
        f"{around}      POSTGRES_PASSWORD: r1v3rl4k3\n".encode(),
    )
    assert len(find_secrets(text, "ci.yml", role_of(path), kind_of(path))) == told


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_other_encodings(encoding: str, tmp_path: Path) -> None:
    """What PowerShell writes is read as well."""
    text = "DEBUG=1\nAPI_KEY=" + value(30) + "\n"
    (tmp_path / "local.settings").write_bytes(text.encode(encoding))
    tree = discover(tmp_path)
    (found,) = Extraction(tree, jobs=1, texts_only=True).facts["local.settings"]
    assert isinstance(found, Secret)
    assert (found.line, found.column) == (2, 9)


@pytest.mark.parametrize("secret", PROVIDERS.values())
def test_no_part_of_a_value_shows(secret: str) -> None:
    (found,) = find_secrets(f'token = "{secret}"'.encode(), "a.py")
    body = secret[12:] if secret.startswith("sk-emergent-") else secret[8:]
    shown = repr(found)
    assert not any(body[i : i + 4] in shown for i in range(len(body) - 3))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_anything_can_be_searched(data: bytes) -> None:
    for found in find_secrets(data, ".env"):
        assert 0 <= found.start < found.end <= len(data)


@pytest.mark.parametrize(
    "piece", [b"password=", b"pw", b"key_", b"key{ ", b"identified  ", b"a://b:", b"pass\n"]
)
def test_one_long_line_is_no_trap(piece: bytes) -> None:
    """Four times the text takes about four times as long."""
    spent = []
    for size in (100_000, 400_000):
        data = piece * (size // len(piece)) + b"token: '" + b"a" * size
        start = time.process_time()
        find_secrets(data, "bundle.js")
        spent.append(time.process_time() - start)
    assert spent[1] < 9 * spent[0] + 0.2


def test_nothing_else_is_read_for_them(tmp_path: Path) -> None:
    """`--rule leaked-secrets` imports no parser, no knowledge of frameworks and no advisories."""
    (tmp_path / "a.py").write_text(f'API_TOKEN = "{value(30)}"\n')
    command = [
        sys.executable,
        "-X",
        "importtime",
        "-c",
        "from auditor.cli.main import main; main()",
    ]
    arguments = [str(tmp_path), "--rule", "leaked-secrets", "--no-cache", "--format", "json"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert '"path": "a.py"' in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.split("\n")}
    assert "auditor.extract.secrets" in imported
    ours = {"auditor.link.names", "auditor.frameworks", "auditor.advisories.lookup"}
    assert not imported & {*ours, "auditor.extract.python", "libcst", "bandit", "cyclonedx"}


COMPOSED = {
    "passwords of several": ("compose.yaml", "- KAFKA_CLIENT_PASSWORDS=" + value(20), ["medium"]),
    "a token of a vault": (".env", "VAULT_TOKEN=" + value(24), ["medium"]),
    "whatever a service starts with": ("docker-compose.yml", "MYSQL_ROOT_PASSWORD: mysqlrootpassword", ["low"]),
    "a placeholder with signs": ("values.yaml", 'postgresqlPassword: "!ChangeMe!"', ["low"]),
    "the service's own name": ("app.properties", "shop.instance.dbPassword=instance", ["low"]),
    "an address beside the service": ("docker-compose.yml", "URL: postgres://shop:chummy7@db:5432/x", ["low"]),
    "an option with one dash": ("ci.yml", "- goveralls -repotoken " + "3gHdORO5k5ziZcWM" + "Bxnd9LrMZaJs8m9x5", ["medium"]),
    "a value that is appended": ("ci.yml", "TOKEN+='" + "79960c12a1" + "e067f2ec'", ["medium"]),
    "hashes that another scanner keeps": (".secrets.baseline", '"hashed_secret": "' + "9d989e8d27dc9e0ec3389fc8" + '55f142c3d40f0c50"', []),
    "what another name gives": ("compose.yml", "POSTGRES_PASSWORD: ${PG:-sho" + "pdata}", ["low"]),
    "three letters": ("compose.yml", "POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-hub}", ["low"]),
    "words that a service gets": ("compose.yml", "SHOP_TOKEN: ${SHARED_TOKEN:-dev-service-token}", ["low"]),
    "a default of MinIO in settings": ("config.py", 'MINIO_SECRET_KEY: str = "minio' + 'admin"', ["low"]),
    "a database on the host": ("compose.yml", "URL=amqp://guest:guest@host.docker.internal:5672/", ["low"]),
    "what psql is given": ("entry.sh", "PGPASSWORD=postgres psql -h db", ["low"]),
    "an address that is kept secret": ("config.py", 'uri: SecretStr = SecretStr("mongodb://localhost:27017")', []),
    "what signs a service's tokens": ("compose.yml", "- JWT_SECRET_KEY=dev-jwt-secret-key", ["medium"]),
    "a tag that is none in a list": ("compose.yml", "- POSTGRES_PASSWORD=!ChangeMe!", ["low"]),
    "a default that a comment shows": ("compose.yml", "#  - POSTGRES_PASSWORD=postgres", []),
    "a number in a connection": ("appsettings.json", '"Main": "Server=db;Uid=shop;Password=7831' + '01;"', ["low"]),
    "a login in a table": ("config.json", '{"host": "db.shop.io", "user": "shop", "password": "ora' + 'cle"}', ["low"]),
    "labels of a form": ("form.js", "f({host: 'Host', user: 'User', password: 'Password'})", []),
    "the names of a login's fields": ("form.js", "f({host: 'host', user: 'user', password: 'password'})", []),
    "an environment variable of an image": ("Dockerfile", "ENV A=b \\\n  FTP_PASSWORD=applic" + "ation \\\n  C=d", ["low"]),
    "a parameter's default": ("stack.json", '"DBPassword": {"Type": "String", "Default": "' + value(14) + '"}', ["medium"]),
    "a placeholder that makes an account": ("compose.yml", "POSTGRES_PASSWORD: ${DB_PASSWORD:-change_this_password}", ["low"]),
    "a placeholder for an account elsewhere": ("compose.yml", "SMTP_PASSWORD: your_smtp_password", []),
    "what MySQL's client is given": ("load.sh", "mysql -h db -uroot -pHarbor_48 shop <x.sql", ["medium"]),
    "what it asks for": ("load.sh", "mysql -h db -u root -p shop <x.sql", []),
    "what its caller gives": ("load.sh", 'mysql -h db -u root -p"$PW" -P3306 shop', []),
    "a default in a check": ("compose.yml", "test: mysqladmin ping -u root -proot", ["low"]),
    "what Redis's client is given": ("check.sh", "redis-cli -h cache -a Harbor_48 ping", ["medium"]),
    "a default of tests in pytest's settings": (
        "pyproject.toml",
        '[tool.pytest.ini_options]\nenv = ["DB_PASSWORD=postgres", "U=postgres://a:secret123@localhost/x"]',
        [],
    ),
    "a placeholder in base64": (
        "secret.yaml",
        "  JWT_SECRET: " + base64.b64encode(b"your-jwt-secret-key-change-this").decode(),
        ["low"],
    ),
    "signs in a line": (".env", "SECRET_KEY=django-shop-j$6g63%^!90l2-sunset#0qw%$6vh5(f2joe", ["medium"]),
    "a salt where nobody sets one": ("config.py", 'SALT = os.environ.get("SALT", "default-salt-of-shop")', ["low"]),
    "lines in a file of another name": (".envprod", "DB_PASSWORD=" + value(14), ["medium"]),
    "what a build sets for a command": ("Dockerfile", "RUN SECRET_KEY=build-only python manage.py collectstatic", []),
    "a template by what it says": ("secrets.yaml", "# This is a template file.\n# Copy it.\nkind: Secret\nstringData:\n  POSTGRES_PASSWORD: postgres", []),
    "a kind of secret": ("secrets_manager.py", 'class K(str, Enum):\n    PASSWORD = "password"', []),
    "a login for a page": ("compose.yml", "- FLOWER_BASIC_AUTH=guest:guest", ["low"]),
    "an option of a server": ("compose.yml", "- --static-auth-secret=shop-turn-secret", ["low"]),
    "digits for a secret": ("compose.yml", "- OTP_SECRET=123456", ["low"]),
    "what developers work with": ("compose.yml", "- API_ACCESS_KEY=dev-test-key", ["low"]),
    "what a script falls back to": ("dev.sh", 'export API_KEY="${API_KEY:-dev-test-key}"', ["low"]),
    "a placeholder of somebody else's in code": ("settings.py", 'FACEBOOK_APP_SECRET: str = "YOUR_FACEBOOK_APP_SECRET"', []),
    "what a script writes for an application": ("setup.sh", "cat > .env <<E\nSECRET_KEY=change-this-to-a-secret-key\nE", ["low"]),
    "the two letters of H2's": ("application.yml", "password: sa", ["low"]),
    "three letters that are given": ("compose.yml", "- POSTGRES_PASSWORD=pwd", ["low"]),
    "a word and many digits": ("compose.yml", "MYSQL_ROOT_PASSWORD: ${ROOT:-root123456}", ["low"]),
    "letters in order": ("compose.yml", "APP_SPA_SECRET: abcdefg", ["medium"]),
    "a service's name in a script": ("start.sh", 'FLOWER_PWD="flower"', ["low"]),
    "what a session is signed with": ("configuration.yml", "session:\n  secret: 'insecure_session_secret'", ["low"]),
    "the word itself": ("config.py", 'SECRET_KEY = "SECRET"', ["medium"]),
    "what a chart calls an entry": ("values.yaml", "existingSecretKey: S3_SECRET_KEY", []),
    "the address of a secret": ("stack.yaml", "- 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/SMTP-a1B2c3'", []),
    "an example that a comment shows": ("a.conf", "# password=my-provider.com-password", []),
    "what a pipeline signs with": (".circleci/config.yml", "SECRET_KEY: changeme", []),
    "a switch for passwords": ("compose.yml", "MARIADB_RANDOM_ROOT_PASSWORD: tak", []),
    "a key of an error tracker": ("compose.yml", "SENTRY_KEY: " + value(32, HEX), []),
    "a placeholder that is signed with": (".env", "JWT_SECRET=your_jwt_secret", ["low"]),
    "one in a manifest": ("secret.yaml", '  JWT_SECRET: "change-me"', ["low"]),
    "one in a section": ("appsettings.json", '"Jwt": {"Secret": "your-very-long-secret"}', ["low"]),
    "one in a section of YAML": ("application.yml", "jwt:\n  secret: change-this-secret", ["low"]),
    "the setting's own name": (".env", "SECRET_KEY=secretkey", ["medium"]),
    "an anchor of YAML": ("compose.yml", "POSTGRES_PASSWORD: &db-password postgres", ["low"]),
    "services in a file of another name": ("db.yaml", "services:\n  db:\n    image: postgres\n    environment:\n      POSTGRES_PASSWORD: postgres_password", ["low"]),
    "an option of Redis": ("compose.yml", "command: redis-server --requirepass shopredis", ["low"]),
    "the same in its own file": ("redis.conf", "requirepass Harbor#48", ["medium"]),
    "what Redis is asked with": ("compose.yml", "REDIS_AUTH: shop-redis-secret", ["low"]),
    "a word in a configuration": ("config.json", '"db_password": "shopdatabase"', ["low"]),
    "a fallback for an option of a section": ("config.py", "P = c.get('redis', 'password', fallback='1234')", ["low"]),
    "a salt in a stack": ("compose.yml", "SALT: local-dev-salt-of-shop", ["low"]),
    "an address in a Secret": (
        "secret.yaml",
        "kind: Secret\ndata:\n  db_url: " + base64.b64encode(b"postgres://shop:Harbor48@db.shop.io/shop").decode(),
        ["high"],
    ),
    "the default of a schema": ("schema.ts", "  DB_PASSWORD: Joi.string().default('post" + "gres'),", ["low"]),
    "what a schema signs with": ("schema.ts", "  SESSION_SECRET: z.string().min(3).default('shop-session'),", ["medium"]),
    "a schema without a default": ("schema.ts", "  DB_PASSWORD: Joi.string().required(),", []),
    "a digit or three in an address": ("compose.yml", "DSN: postgresql://postgres:123@db:5432/shop", ["low"]),
    "a port in an address": ("a.yml", "url: tcp://shop:5432@db", []),
    "a word in a connection string": ("appsettings.json", '"Default": "User ID=shop;Password=shop-pass' + 'word;Host=db"', ["low"]),
    "what tokens are signed with": ("appsettings.json", '"TokenOptions": {"SecurityKey": "mySecretKey_mySecretKey"}', ["low"]),
    "a word that tokens are signed with": ("config.yaml", "JWT:\n  Secret: shopper\n  Issuer: shop", ["medium"]),
    "a word with a capital": ("compose.yml", "PGADMIN_DEFAULT_PASSWORD: SuperShopper", ["low"]),
    "a user called like one": ("settings.py", "default='postgres://user_admin:pass" + "word@localhost:5432/shop'", ["low"]),
    "the user of documentation": ("settings.py", "default='postgres://user:pass" + "word@localhost:5432/shop'", []),
    "a key between services in a Secret": ("secret.yaml", "kind: Secret\ndata:\n  SERVICE_API_KEY: " + base64.b64encode(b"some_api_key").decode(), ["low"]),
    "a word for a mail server in a Secret": ("secret.yaml", "kind: Secret\ndata:\n  SMTP_PASSWORD: " + base64.b64encode(b"smtp-password").decode(), []),
    "what is made at run time": ("data.py", 'data = {"password": f"{uuid.uuid4()}"}', []),
}  # fmt: skip


@pytest.mark.parametrize("name, text, wanted", COMPOSED.values(), ids=COMPOSED.keys())
def test_what_services_are_started_with(name: str, text: str, wanted: list[str]) -> None:
    found = find_secrets(f"{text}\n".encode(), name.rpartition("/")[2], kind=kind_of(name))
    assert [s.confidence for s in found] == wanted
