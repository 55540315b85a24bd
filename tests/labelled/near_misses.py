"""Lines that look like secrets and are none, by the reason why they are none."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from tests.labelled.files import EITHER, NOTHING, SECRET, LabelledFile, notebook
from tests.labelled.positives import SETTINGS, named
from tests.labelled.values import Values

_PLACEHOLDERS = (
    "your-api-key-here", "your_secret_key", "YOUR_API_KEY", "changeme", "change-me-in-production", "CHANGE_ME", "<your-token>",
    "xxxxxxxxxxxxxxxxxxxx", "sk-...", "...", "********", "REPLACE_ME", "replace-with-a-long-random-string", "TODO",
    "placeholder", "example-key", "<secret>", "[REDACTED]", "insert-key-here", "dummy", "none", "null", "''", "xxxx-xxxx-xxxx",
    "my-secret-key-here", "put_your_key_here", "sk_test_your_key", "sk-your-openai-key", "${FOO}", "secret_goes_here",
    "generate-a-secure-secret", "enter_your_password", "some-long-random-value-here", "YOUR-CLIENT-SECRET", "$(openssl rand -hex 32)",
    "your_jwt_secret_here_min_32_chars", "1234567890abcdef", "abcdefghijklmnopqrstuvwxyz", "00000000000000000000000000000000",
    "fake-key-for-tests", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "AKIAIOSFODNN7EXAMPLE", "AIzaSy...", "<set-in-dashboard>",
)  # fmt: skip


_IN_USE = (".env", "docker-compose.yml", "settings.py", "config.json", "values.yaml")
_SIGNS = re.compile(
    r"JWT|SESSION|COOKIE|FERNET|ENCRYPTION|SIGNING|NEXTAUTH|DJANGO|^SECRET_KEY$|^APP_KEY$"
)
_OPENS = re.compile(r"PASSWORD|PASS$|PWD$")


def placeholders(values: Values) -> Iterator[LabelledFile]:
    """What shows where a value goes, in example files and in real ones.

    In what is in use an application signs with a made-up text as well as with any other, and a service
    makes its account with it (docs/secrets.md, "What counts as a leaked credential").
    """
    names = sorted({name for name, _ in named(values)})
    for name, group, form in (
        (".env.example", SETTINGS, "{}={}"),
        (".env", SETTINGS, "{}={}"),
        ("docker-compose.yml", SETTINGS, "      {}: {}"),
        ("settings.py", SETTINGS, '{} = "{}"'),
        ("config.json", SETTINGS, '  "{}": "{}",'),
        ("README.md", "documents and logs", "    export {}={}"),
        ("SETUP.md", "documents and logs", "1. Set `{}` to `{}`."),
        ("values.yaml", "deployment", "  {}: {}"),
    ):
        file = LabelledFile(name, group)
        for placeholder in _PLACEHOLDERS:
            setting = values.choice(names)
            works = name in _IN_USE and _SIGNS.search(setting)
            works = works or (name in (".env", "docker-compose.yml") and _OPENS.search(setting))
            file.add(form.format(setting, placeholder), EITHER if works else NOTHING)
            if placeholder in ("$(openssl rand -hex 32)",) and name == "SETUP.md":
                continue
        yield file


def references(values: Values) -> Iterator[LabelledFile]:
    """Values that come from elsewhere."""
    compose = LabelledFile("docker-compose.yml", SETTINGS)
    compose.add("services:\n  api:\n    environment:")
    for name in sorted({name for name, _ in named(values)}):
        compose.add(f"      {name}: ${{{name}}}")
        compose.add(f"      - {name}=${{{name}:?must be set}}")
        compose.add(f"      - {name}")
    yield compose
    python = LabelledFile("settings.py", SETTINGS)
    for name in sorted({name for name, _ in named(values)}):
        low = name.lower()
        python.add(f'{name} = os.environ["{name}"]')
        python.add(f'{name} = os.getenv("{name}", "")')
        python.add(f'    {low}: SecretStr = Field(..., alias="{name}")')
        python.add(f"{low} = config.get('{low}')")
        python.add(f'{low} = vault.read("secret/data/shop/{low}")["data"]')
        python.add(
            f'{low} = boto3.client("secretsmanager").get_secret_value(SecretId="prod/{low}")'
        )
        python.add(f'raise ValueError("{name} environment variable is not set")')
    yield python
    script = LabelledFile("client.ts", "code")
    for name in sorted({name for name, _ in named(values)}):
        script.add(f"const key = process.env.{name} as string;")
        script.add(f"  apiKey: import.meta.env.VITE_{name},")
        script.add(f"  password: user.{name.lower()},")
        script.add(f"  token: await getToken('{name.lower()}'),")
        script.add(f"if (!process.env.{name}) throw new Error('Missing {name}');")
    yield script
    workflow = LabelledFile("ci.yml", "deployment")
    for name in sorted({name for name, _ in named(values)}):
        workflow.add(f"          {name}: ${{{{ secrets.{name} }}}}")
        workflow.add(f"          {name}: !Ref {name.title().replace('_', '')}")
    yield workflow
    chart = LabelledFile("deployment.yaml", "deployment")
    for name in sorted({name for name, _ in named(values)}):
        chart.add(f"        - name: {name}\n          valueFrom:\n            secretKeyRef:")
        chart.add(f"              name: shop-secrets\n              key: {name.lower()}")
        chart.add(f"  {name.lower()}: {{{{ .Values.{name.lower()} | quote }}}}")
    yield chart
    terraform = LabelledFile("main.tf", "deployment")
    for name in sorted({name.lower() for name, _ in named(values)}):
        terraform.add(f"  {name} = var.{name}")
        terraform.add(f"  {name} = random_password.{name}.result")
        terraform.add(f'  {name} = "${{data.aws_secretsmanager_secret.{name}.arn}}"')
        terraform.add(f'variable "{name}" {{\n  type      = string\n  sensitive = true\n}}')
    yield terraform
    shell = LabelledFile("deploy.sh", "deployment")
    for name in sorted({name for name, _ in named(values)}):
        shell.add(f'export {name}="${name}"')
        shell.add(f'{name}="$(cat /run/secrets/{name.lower()})"')
        shell.add(f"{name}=`pass show {name.lower()}`")
    yield shell
    addresses = LabelledFile("db.py", "code")
    for text in (
        'URL = f"postgresql://{user}:{password}@{host}:5432/{name}"',
        'URL = "postgresql://%s:%s@%s/%s" % (user, password, host, name)',
        'URL = "mongodb://" + user + ":" + quote(password) + "@" + host',
        'URL = "postgresql://user:password@host:5432/dbname"',
        'URL = "mongodb+srv://<username>:<password>@cluster0.mongodb.net"',
        'URL = "mongodb://localhost:27017/shop"',
        'URL = "redis://redis:6379/0"',
        'URL = "https://user:pass@example.com/path"',
        'URL = "amqp://${RABBIT_USER}:${RABBIT_PASS}@rabbit:5672"',
        'ADDRESS = "http://localhost:3000/login?next=/a:b@c"',
        'PACKAGE = "https://registry.npmjs.org/@types/node/-/node-20.1.0.tgz"',
    ):
        addresses.add(text)
    yield addresses


def identifiers(values: Values) -> Iterator[LabelledFile]:
    """Hashes, UUIDs, ids and public keys: random, and no secrets."""
    data = LabelledFile("data.json", "code")
    for _ in range(12):
        data.add(f'  "id": "{values.uuid4()}",')
        data.add(f'  "sha": "{values.hex(40)}",')
        data.add(f'  "md5": "{values.hex(32)}",')
        data.add(f'  "checksum": "sha256:{values.hex(64)}",')
        data.add(f'  "etag": "\\"{values.hex(32)}\\"",')
        data.add(f'  "_id": {{"$oid": "{values.hex(24)}"}},')
        data.add(f'  "token_id": "{values.uuid4()}",')
        data.add(
            f'  "password_hash": "$2b$12${values.of("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij0123456789", 53)}",'
        )
        data.add(f'  "tokenAddress": "0x{values.hex(40)}",')
        data.add(f'  "public_key": "{values.b64(32)}",')
    yield data
    code = LabelledFile("constants.py", "code")
    for _ in range(6):
        code.add(f'GIT_COMMIT = "{values.hex(40)}"')
        code.add(f'NAMESPACE = uuid.UUID("{values.uuid4()}")')
        code.add(f'EXPECTED_SHA256 = "{values.hex(64)}"')
        code.add(f'IMAGE = "python@sha256:{values.hex(64)}"')
        code.add(f'PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{values.alnum(43)} me@host"')
        code.add(f'revision = "{values.hex(12)}"')
        code.add(f'cache_key = "user:{values.randint(1, 99)}:profile:v2"')
        code.add(f'PIXEL = "data:image/png;base64,{values.b64(60)}"')
        code.add(f'PASSWORD_HASH = "pbkdf2_sha256$600000${values.alnum(22)}${values.b64(32)}"')
        code.add(
            f'GOOGLE_CLIENT_ID = "{values.randint(10**11, 10**12)}-{values.of("abcdefghijklmnopqrstuvwxyz0123456789", 32)}.apps.googleusercontent.com"'
        )
        code.add(f'TWILIO_ACCOUNT_SID = "AC{values.hex(32)}"')
    yield code  # fmt: skip
    public = LabelledFile("public.pem", "private keys")
    public.add(values.pem("").replace("PRIVATE", "PUBLIC"))
    public.add(values.pem("").replace("PRIVATE KEY", "CERTIFICATE"))
    public.add(values.pem("").replace("PRIVATE KEY", "CERTIFICATE REQUEST"))
    yield public
    keys = LabelledFile("authorized_keys", "private keys")
    for _ in range(4):
        keys.add(f"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ{values.alnum(330)} deploy@host")
    yield keys
    parser = LabelledFile("pem.py", "code")
    for text in (
        'BEGIN = "-----BEGIN RSA PRIVATE KEY-----"',
        'if "-----BEGIN PRIVATE KEY-----" in text and "-----END PRIVATE KEY-----" in text:',
        'PEM = "-----BEGIN PRIVATE KEY-----\\n...\\n-----END PRIVATE KEY-----"',
        'KEY = "-----BEGIN PRIVATE KEY-----\\nYOUR_PRIVATE_KEY\\n-----END PRIVATE KEY-----\\n"',
    ):
        parser.add(text)
    yield parser


def lock_files(values: Values) -> Iterator[LabelledFile]:
    """Integrity hashes of packages, and front-end references to files by their hash."""
    npm = LabelledFile("package-lock.json", "generated")
    for name in ("jsonwebtoken", "js-tokens", "secret-stack", "password-hash", "keyv"):
        npm.add(f'    "node_modules/{name}": {{\n      "version": "4.0.0",')
        npm.add(f'      "resolved": "https://registry.npmjs.org/{name}/-/{name}-4.0.0.tgz",')
        npm.add(f'      "integrity": "sha512-{values.b64(64)}",')
    yield npm
    yarn = LabelledFile("yarn.lock", "generated")
    for name in ("jsonwebtoken", "js-tokens", "keytar"):
        yarn.add(
            f'{name}@^4.0.0:\n  resolved "https://registry.yarnpkg.com/{name}#{values.hex(40)}"'
        )
        yarn.add(f"  integrity sha512-{values.b64(64)}")
    yield yarn
    poetry = LabelledFile("poetry.lock", "generated")
    for name in ("passlib", "python-jose", "keyring"):
        poetry.add(f'    {{file = "{name}-1.0.tar.gz", hash = "sha256:{values.hex(64)}"}},')
    yield poetry
    pins = LabelledFile("requirements.txt", "generated")
    for name in ("passlib", "pyjwt", "keyring", "authlib"):
        pins.add(f"{name}==1.0.0 \\\n    --hash=sha256:{values.hex(64)}")
    yield pins
    page = LabelledFile("index.html", "generated")
    for _ in range(5):
        page.add(
            f'<script src="/static/js/main.{values.hex(8)}.js" integrity="sha384-{values.b64(48)}"></script>'
        )
        page.add(
            '<input type="password" name="password" class="form-control" placeholder="Password123!">'
        )
        page.add(f'<meta name="csrf-token" content="{values.alnum(40)}">')
        page.add(f'<input type="hidden" name="csrfmiddlewaretoken" value="{values.alnum(64)}">')
    yield page  # fmt: skip
    bundle = LabelledFile("vendor.min.js", "generated")
    for _ in range(12):
        a, b = values.alnum(2), values.alnum(3)
        bundle.add(
            f'!function(t,e){{var n={{token:"token",password:"password",secret:e.secret,apiKey:t.{b}}};return n.{a}("{values.hex(20)}")}}(this,{{}});'
        )
        bundle.add(
            'e.exports={tokenType:"punctuation",keyword:/\\b(?:secret|token)\\b/,passwordField:"input[type=password]",tokenSeparators:[","," "]}'
        )
        bundle.add(
            f'webpackChunk.push([[{values.randint(10, 999)}],{{{values.randint(1000, 9999)}:(e,t,n)=>{{t.Z=n.p+"static/media/logo.{values.hex(20)}.svg"}}}}])'
        )
        bundle.add(
            f'var K=[{",".join("0x" + values.hex(8) for _ in range(8))}],T="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";'
        )
    yield bundle  # fmt: skip


def words(values: Values) -> Iterator[LabelledFile]:
    """Texts for people, names of fields, classes of style sheets, messages, types and routes."""
    labels = {
        "password": "Password", "forgot_password": "Forgot your password?", "password_confirm": "Confirm password",
        "password_hint": "At least 8 characters, 1 number", "token_expired": "Your token has expired (code 401)",
        "secret": "Geheimnis", "api_key": "API-Schlüssel", "new_password": "Mot de passe n°2", "passwort": "Passwort1",
        "invalid_token": "Invalid or expired token.", "passwordReset": "Reset-Password2024", "password_placeholder": "Abc12345!",
    }  # fmt: skip
    for name in ("en.json", "de.json", "messages_fr.json"):
        file = LabelledFile(name, "words")
        for key, text in labels.items():
            file.add(f'  "{key}": "{text}",')
        yield file
    for name in ("messages.properties", "fr.yml"):
        file = LabelledFile(name, "words")
        separator = "=" if name.endswith("properties") else ": "
        for key, text in labels.items():
            file.add(f"{key}{separator}{text}")
        yield file
    python = LabelledFile("auth.py", "words")
    for text in (
        'PASSWORD_RESET_TEMPLATE = "emails/password_reset.html"',
        'TOKEN_URL = "/api/v1/login/access-token"',
        'oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")',
        'password: str = Field(..., min_length=8, example="Str0ngPass!")',
        'token_type: str = "bearer"',
        'SECRET_NAME = "prod/shop/database-credentials"',
        'detail="Could not validate credentials"',
        'TOKEN_COOKIE = "access_token_cookie"',
        'password = getpass.getpass("Password: ")',
        'password_field = "input#password-field-2"',
        'KEY_PREFIX = "session:token:v2:"',
        'if key == "api_key_secret_v2":',
        'secret_key_setting = "DJANGO_SECRET_KEY"',
        'REFRESH_TOKEN_EXPIRE = "30d"',
        'ACCESS_TOKEN_EXPIRE_MINUTES = "1440"',
        'ALLOWED_TOKENS = "word,subword,char"',
        'tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased-v2")',
        'TOKEN_PATTERN = "[A-Za-z0-9]{32}"',
        'API_KEY_HEADER = "X-API-Key-V2"',
        'error_password = "password must contain 8 chars"',
        "app.secret_key = secrets.token_hex(32)",
        'hashed_password = pwd_context.hash("")',
        'permissions = ["auth.change_password", "auth.view_token2"]',
        'next_token = "eyJwYWdlIjoyfQ"',
        'page_token="CAUQAA"',
        'sql = "SELECT password_hash FROM users WHERE token = %s AND id = 42"',
        'pad_token = "<|endoftext|>"',
        'author = "Jane Doe 1985"',
        'keyword = "python3"',
        'primary_key="user_id2"',
        'sort_key = "created_at_desc_v2"',
        'partition_key: "tenantId#2024"',
        'monkey = "orangutan99"',
        'passed = "test_01_passed"',
        'compass = "north-by-northwest-7"',
        'secretary = "Margaret Smith 42"',
    ):
        python.add(text)
    yield python
    style = LabelledFile("Login.jsx", "words")
    for text in (
        '<input className="password-input-field2 w-full" type="password" autoComplete="new-password" />',
        "const [password, setPassword] = useState('');",
        "<Label htmlFor='password'>Password</Label>",
        'placeholder="Enter your API key (sk-...)"',
        "localStorage.setItem('token', data.access_token);",
        "const TOKEN_KEY = 'shop.auth.token.v1';",
        'dispatch({ type: "auth/SET_TOKEN2", payload: token });',
        "toast.error('Password must be 8+ characters');",
        "  passwordStrength: 'weak',",
        'data-testid="login-password-input-1"',
        "apiKey: string;",
        "password: z.string().min(8, 'Min8Characters'),",
        "queryKey: ['auth', 'token', userId],",
        "secretType: 'kubernetes.io/tls',",
        'tokenEndpoint: "https://auth.shop.test/oauth2/v2.0/token",',
        "const passwordRegex = '^(?=.*[A-Z])(?=.*[0-9]).{8,}$';",
    ):
        style.add(text)
    yield style
    sheet = LabelledFile("app.css", "words")
    for text in (
        ".token.keyword { color: #07a; }",
        "--token-color-1: #2f80ed;",
        ".btn-password-2 { content: 'secret1'; }",
    ):
        sheet.add(text)
    yield sheet  # fmt: skip
    yaml = LabelledFile("config.yml", "words")
    for text in (
        "  token_lifetime: 15m", "  password_policy: strict-v2", "  secret_name: shop/prod-1/db", "  secretName: shop-tls-2024",
        "  api_key_header: X-Api-Key", "  imagePullSecrets: [regcred1]", "  password_file: /run/secrets/db_password1",
        "  tokenizer: bert-base-v2", "  keyvault: shop-vault-01", "  auth: oauth2-proxy-1", "  authentication: jwt-rs256",
        "  private_key_path: ./keys/dev1.pem", "  existingSecret: shop-postgres-1", "  passwordSecretRef: db-1",
        "  ssh_key_name: deploy-2024", "  max_tokens: 4096", "  monkey: banana1234",
    ):  # fmt: skip
        yaml.add(text)
    yield yaml


def tests_and_examples(values: Values) -> Iterator[LabelledFile]:
    """What tests and schemas make up."""
    test = LabelledFile("test_login.py", "tests")
    for text in (
        'client.post("/login", json={"email": "a@b.c", "password": "wrongpassword"})',
        'user = User(password="testpassword123")',
        'TOKEN = "test-token-12345"',
        'monkeypatch.setenv("API_KEY", "test-key")',
        'assert response.json()["token"] == "fake-token-1"',
        'SECRET_KEY = "test-secret-key-not-for-production"',
        'password = "password123"',
        'headers = {"Authorization": "Bearer invalid-token-1"}',
        'json={"password": "Test1234!"}',
        'API_KEY = "dummy-api-key-123456"',
        'jwt_secret="testing-secret-1"',
        'password="secret123"',
    ):
        test.add(text)
    yield test
    schema = LabelledFile("schemas.py", "tests")
    schema.add(
        'model_config = {"json_schema_extra": {"example": {"email": "a@b.c",\n'
        f'    "password": "{values.human()}", "token": "{values.alnum(20)}"}}}}}}'
    )
    yield schema


def publishable(values: Values) -> Iterator[LabelledFile]:
    """Keys that are made to be public."""
    env = LabelledFile(".env", SETTINGS)
    web = LabelledFile("config.ts", "front end")
    for file, form in ((env, "{}={}"), (web, 'export const {} = "{}";')):
        file.add(form.format("NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY", "pk_live_" + values.alnum(24)))
        file.add(form.format("VITE_STRIPE_KEY", "pk_test_51" + values.alnum(97)))
        anon = values.jwt(role="anon", iss="supabase")
        file.add(form.format("NEXT_PUBLIC_SUPABASE_ANON_KEY", anon))
        file.add(form.format("VITE_SUPABASE_PUBLISHABLE_KEY", "sb_publishable_" + values.alnum(31)))
        file.add(
            form.format(
                "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY", "pk_test_" + values.b64(24).rstrip("=")
            )
        )
        file.add(form.format("REACT_APP_GOOGLE_CLIENT_ID", "1234-x.apps.googleusercontent.com"))
        file.add(form.format("VITE_POSTHOG_KEY", "phc_" + values.alnum(43)))
        file.add(form.format("VITE_MAPBOX_TOKEN", f"pk.eyJ1Ijoic2hvcCJ9.{values.urlsafe(16)}"))
        file.add(form.format("REACT_APP_RECAPTCHA_SITE_KEY", "6L" + values.urlsafe(28)))
        file.add(form.format("NEXT_PUBLIC_RAZORPAY_KEY_ID", "rzp_test_" + values.alnum(14)), EITHER)
        file.add(form.format("VITE_FIREBASE_APP_ID", f"1:12345678:web:{values.hex(22)}"))
        file.add(form.format("NEXT_PUBLIC_VAPID_PUBLIC_KEY", "B" + values.urlsafe(64)))
        file.add(form.format("VITE_ALGOLIA_SEARCH_KEY", values.hex(32)), EITHER)
        file.add(form.format("VITE_FIREBASE_API_KEY", "AIza" + values.alnum(35)), EITHER)
        yield file


def defaults(values: Values) -> Iterator[LabelledFile]:
    """Well-known passwords of local services: worth a word, but no secret that leaked."""
    compose = LabelledFile("docker-compose.yml", SETTINGS)
    compose.add("services:\n  db:\n    environment:")
    for text in ("POSTGRES_PASSWORD: postgres", "MYSQL_ROOT_PASSWORD: root", "RABBITMQ_DEFAULT_PASS: guest",
                 "DATABASE_URL: postgresql://postgres:postgres@db:5432/app", "MINIO_ROOT_PASSWORD: minioadmin"):  # fmt: skip
        compose.add(f"      {text}", EITHER)
    yield compose


def numbers(values: Values) -> Iterator[LabelledFile]:
    """Output of notebooks and logs: traces, ids, tables, embedded images."""
    log = LabelledFile("server.log", "documents and logs")
    for _ in range(10):
        log.add(
            f"2024-05-01T10:00:00Z INFO request_id={values.uuid4()} token_count=1532 duration=0.2"
        )
        log.add(f"trace_id={values.hex(32)} span_id={values.hex(16)} auth=ok")
        log.add(f'ETag: W/"{values.hex(32)}" cache-key: {values.hex(40)}')
        log.add(f"commit {values.hex(40)}")
    yield log
    image = base64.b64encode(values.randbytes(300)).decode()
    cells = [(f"tokens = tokenizer('text', max_length={n})", NOTHING) for n in range(8)]
    cells += [
        (f"display('{image}')", NOTHING),
        ("api_key = userdata.get('OPENAI_API_KEY')", NOTHING),
    ]
    cells += [("os.environ['HF_TOKEN'] = getpass()", NOTHING)]
    yield notebook("output.ipynb", "documents and logs", cells)


def mixed(values: Values) -> Iterator[LabelledFile]:
    """One file with both."""
    env = LabelledFile(".env.staging", SETTINGS)
    for text, label in (
        ("NODE_ENV=staging", NOTHING),
        ("PORT=8000", NOTHING),
        (f"DB_PASSWORD={values.human()}", SECRET),
        ("# API_KEY=your-key", NOTHING),
        (f"# OLD_JWT_SECRET={values.hex(64)}", SECRET),
        ("JWT_ALGORITHM=HS256", NOTHING),
        ("JWT_EXPIRES_IN=7d", NOTHING),
        ("SECRET_KEY=", NOTHING),
        ("CORS_ORIGINS=http://localhost:3000,https://shop.test", NOTHING),
        (f"SENTRY_DSN=https://{values.hex(32)}@o4505.ingest.sentry.io/45061", EITHER),
        ("AWS_REGION=eu-central-1", NOTHING),
        (f"S3_BUCKET=shop-{values.hex(8)}", NOTHING),
        ("EMAIL_HOST_USER=shop@shop.test", NOTHING),
        ("PASSWORD_MIN_LENGTH=12", NOTHING),
        ("TOKEN_ISSUER=https://auth.shop.test/v2", NOTHING),
        ("PRIVATE_KEY_PATH=/etc/keys/jwt-2024.pem", NOTHING),
        ("AUTH_TYPE=oauth2", NOTHING),
        ("API_KEY_NAME=x-api-key", NOTHING),
        ("OPENAI_MODEL=gpt-4o-mini-2024-07-18", NOTHING),
        ("SECRET_MANAGER_PROJECT=shop-314159", NOTHING),
        ("TOKENIZERS_PARALLELISM=false", NOTHING),
        ("KEYCLOAK_REALM=shop2024", NOTHING),
        ("GITHUB_CLIENT_ID=Iv1.8a61f9b3a7aba766", NOTHING),
    ):
        env.add(text, label, "mixed")
    yield env


SOURCES = (
    placeholders, references, identifiers, lock_files, words, tests_and_examples, publishable, defaults, numbers, mixed,
)  # fmt: skip
