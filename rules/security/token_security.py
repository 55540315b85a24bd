from __future__ import annotations

from collections.abc import Iterator

from auditor.assess.rule import Rule, asvs, cwe, owasp_api
from auditor.assess.verdict import (
    Evidence,
    Severity,
    State,
    Verdict,
    count,
    judge,
    not_applicable,
    present,
    unknown,
)
from auditor.link.application import Application
from auditor.model.tokens import (
    Expiry,
    KnownAccount,
    PasswordHash,
    PredictableToken,
    SigningKey,
    TokenCheck,
    TokenIssue,
)

_MONTH = 30 * 24 * 3600
_NOUNS = {
    "access": "an access token",
    "refresh": "a refresh token",
    "link": "a token for a link",
    "state": "the state of a sign-in",
    "outgoing": "a token for another service",
}


class TokenSecurity(Rule):
    """Tokens are signed with a secret key, verified, and end; passwords are hashed slowly.

    An access token without an end is high: whoever steals it keeps the account; medium where its
    claims name a record that the server can delete, and for links; low for tokens that are shown to
    another service. A lifetime over 30 days is medium. What is read without a check of its signature
    is high, decorative where the code means to verify; peeking at the issuer to find the key is fine.
    A key that stands in the code, also as a setting's default, is high, unless the application
    refuses to start with it; a setting without a default is a strength. Fast password hashes and
    plain text are high, low work factors medium. Secrets from `random` are high, short codes medium.
    An account that the application makes with a password of the code is high, low in a script that nothing runs.
    A login that hands out a text of the code, and a hash that is one, are decorative and high.
    Settings for tests and development do not count where others serve. The strength of a key that
    comes from the environment is not judged, nor whether tokens are revoked when a user signs out.
    """

    id = "token-security"
    title = "Tokens and passwords"
    section = "security"
    severity = Severity.HIGH
    risk = "Whoever forges, steals or guesses a token acts as its user, and a leaked table gives every password away."
    fix = (
        "Sign with a random key from the environment, name the algorithm where tokens are read, let access "
        "tokens end within hours, hash passwords with Argon2 or bcrypt, and draw secrets from `secrets`."
    )
    references = (
        cwe(347),
        cwe(613),
        cwe(916),
        cwe(338),
        owasp_api(2),
        asvs("9.1.1"),
        asvs("11.4.2"),
    )
    effort = "medium"

    def assess(self, application: Application) -> Verdict:
        issues = application.facts(TokenIssue)
        checks = application.facts(TokenCheck)
        keys = application.facts(SigningKey)
        hashes = application.facts(PasswordHash)
        drawn = application.facts(PredictableToken)
        known = application.facts(KnownAccount)
        if not (issues or checks or keys or hashes or drawn or known):
            return not_applicable("no token is signed or read here, and no password is kept")
        found = [
            *(e for issue in issues for e in _issued(issue)),
            *(e for check in checks for e in _checked(check)),
            *(e for key in keys for e in _keyed(key)),
            *(e for each in hashes for e in _hashed(each)),
            *(_predictable(token) for token in drawn),
            *map(_known, known),
        ]
        distinct = list({(e.place.path, e.place.line, e.message): e for e in found}.values())
        if not distinct:
            return unknown(
                "Tokens are used, and what they hold cannot be followed in the code.",
                "Look at a token that the application issues: does it end, and who signs it?",
            )
        wrong = [e for e in distinct if e.state is not State.PRESENT]
        summary = (
            f"{count(len(wrong), 'finding')} on how tokens and passwords are handled."
            if wrong
            else "Tokens are signed, verified and end; passwords are hashed with care."
        )
        return judge(summary, distinct)

    good = (
        {
            "app.py": """
import bcrypt
import hashlib
from fastapi import FastAPI
from passlib.context import CryptContext

app = FastAPI()
context = CryptContext(schemes=["bcrypt"])

def hash_password(password: str):
    digest = hashlib.sha256(password.encode()).hexdigest()
    return context.hash(digest)

def prehashed(password: str) -> bytes:
    return hashlib.sha256(password.encode()).hexdigest().encode()

def verify_password(password: str, kept: bytes):
    return bcrypt.checkpw(prehashed(password), kept)

@app.post("/register")
def register(password: str):
    return save(hash_password(password))
"""
        },
        {
            "app.py": """
import os
from datetime import datetime, timedelta, timezone
import jwt
from fastapi import FastAPI
from passlib.context import CryptContext
app = FastAPI()
pwd_context = CryptContext(schemes=["bcrypt"], deprecated="auto")
SECRET_KEY = os.environ["SECRET_KEY"]

def create_access_token(data: dict, expires_delta: timedelta | None = None):
    to_encode = data.copy()
    if expires_delta:
        expire = datetime.now(timezone.utc) + expires_delta
    else:
        expire = datetime.now(timezone.utc) + timedelta(minutes=15)
    to_encode.update({"exp": expire})
    return jwt.encode(to_encode, SECRET_KEY, algorithm="HS256")

def read(token: str):
    return jwt.decode(token, SECRET_KEY, algorithms=["HS256"])
"""
        },
        {
            "app.py": """
import jwt
from fastapi import FastAPI
app = FastAPI()

def issuer_of(token: str):
    return jwt.decode(token, options={"verify_signature": False})["iss"]

def key_of(token: str):
    return KEYS[jwt.get_unverified_header(token)["kid"]]

def read(token: str):
    return jwt.decode(token, key_of(token), algorithms=["RS256"], issuer=issuer_of(token))
"""
        },
        {
            "settings.py": """
from datetime import timedelta
import os
ROOT_URLCONF = "urls"
SECRET_KEY = os.environ["SECRET_KEY"]
INSTALLED_APPS = ["django.contrib.auth"]
SIMPLE_JWT = {"ACCESS_TOKEN_LIFETIME": timedelta(minutes=5)}
""",
            "settings_test.py": """
from settings import *
SECRET_KEY = "test"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
""",
            "manage.py": """
import os
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
""",
            "urls.py": "urlpatterns = []\n",
        },
        {
            "app.py": """
import os
from datetime import datetime, timedelta
import jwt
from fastapi import FastAPI, HTTPException
app = FastAPI()
KEY = os.environ["KEY"]

def create_token(user):
    expires = (datetime.utcnow() + timedelta(minutes=30)).isoformat()
    return jwt.encode({"sub": user.id, "expires": expires}, KEY, algorithm="HS256")

def read(token: str):
    payload = jwt.decode(token, KEY, algorithms=["HS256"])
    if datetime.fromisoformat(payload["expires"]) < datetime.utcnow():
        raise HTTPException(401)
    return payload
"""
        },
        {
            "app.py": """
import hashlib
import random
import secrets
def hash_password_reset_token(token): return hashlib.md5(token.encode()).hexdigest()
def checksum(data): return hashlib.sha256(data).hexdigest()
def of_file(file):
    digest = hashlib.md5()
    for chunk in file:
        digest.update(chunk)
    return digest.hexdigest()
def colour(): return random.choice(["red", "blue"])
def reset_token(): return secrets.token_urlsafe(32)
"""
        },
        {"app.py": "from fastapi import FastAPI\napp = FastAPI()\n"},
    )
    bad = (
        {
            "app.py": """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from werkzeug.security import generate_password_hash

app = Flask(__name__)
db = SQLAlchemy(app)

class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(80))
    password_hash = db.Column(db.String(200))

def first_user():
    password = "admin"
    hashed = generate_password_hash(password)  # expect: high
    db.session.add(User(name="admin", password_hash=hashed))

def developer():
    if app.debug:
        db.session.add(User(name="dev", password_hash=generate_password_hash("dev")))  # expect: low

with app.app_context():
    first_user()
    developer()

DUMMY = generate_password_hash("so that a login takes as long for a stranger")

@app.post("/register")
def register():
    db.session.add(User(name="x", password_hash=generate_password_hash(request.form["password"])))
    return "", 201
""",
            "seed.py": """
from app import User, db

def seed():
    user = User(name="demo")
    user.set_password("demo")  # expect: low
""",
        },
        {
            "app.py": """
import hashlib
from flask import Flask
app = Flask(__name__)

class Password:
    def __init__(self, given):
        self.given = given

    def matches(self, kept):
        return self.hashed(self.given) == kept

    def hashed(self, text):
        return hashlib.sha256(text).hexdigest()  # expect: high

def hash_pword(pword):
    digest = hashlib.md5()  # expect: high
    digest.update(pword.encode())
    return digest.hexdigest()
"""
        },
        {
            "app.py": """
import jwt
from fastapi import FastAPI
app = FastAPI()
SECRET_KEY = "changeme"  # expect: high

def create_token(user):
    claims = {"sub": user.id}
    claims["role"] = user.role
    return jwt.encode(claims, SECRET_KEY, algorithm="HS256")  # expect: high

def read(token):
    return jwt.decode(token, SECRET_KEY, algorithms=["HS256"], options={"verify_exp": False})  # expect: medium
"""
        },
        {
            "tokens.py": """
import os
from datetime import datetime, timedelta
from jose import jwt
KEY = os.getenv("JWT_SECRET", "dev")  # expect: high

def create_token(data, expires=None):
    if expires:
        data["exp"] = datetime.utcnow() + expires
    return jwt.encode(data, KEY)  # expect: high

def login(user):
    return create_token({"sub": user.name})

def remember(user):
    return create_token({"sub": user.name}, timedelta(days=1))

def who(token):
    return jwt.get_unverified_claims(token)["sub"]  # expect: high

def user(token):
    return jwt.decode(token, KEY)  # expect: medium
"""
        },
        {
            "app.py": """
import os
from datetime import datetime, timedelta
import jwt
from fastapi import FastAPI
app = FastAPI()
KEY = os.environ["KEY"]

def create_token(user):
    expires = (datetime.utcnow() + timedelta(minutes=30)).isoformat()
    return jwt.encode({"sub": user.id, "expires": expires}, KEY, algorithm="HS256")  # expect: high

def read(token: str):
    return jwt.decode(token, KEY, algorithms=["HS256"])["expires"]
"""
        },
        {
            "app.py": """
import hashlib
import random
import string
from datetime import datetime, timedelta
import jwt
from models import User

def register(email, password):
    return User(email=email, password=hashlib.sha256(password.encode()).hexdigest())  # expect: high

def login(email, password):
    user = User.query.filter_by(email=email).first()
    if user.password == password:  # expect: high
        return user

def reset_token():
    return "".join(random.choice(string.ascii_letters) for _ in range(24))  # expect: high

def year(user, key):
    expires = datetime.utcnow() + timedelta(days=365)
    return jwt.encode({"sub": user.id, "exp": expires}, key, "HS256")  # expect: medium

def read(token, key):
    header = jwt.get_unverified_header(token)
    return jwt.decode(token, key, algorithms=[header["alg"]])  # expect: high
"""
        },
        {
            "config.py": """
class Config:
    JWT_ACCESS_TOKEN_EXPIRES = False  # expect: high
class TestingConfig(Config):
    BCRYPT_LOG_ROUNDS = 4
class ProductionConfig(Config):
    BCRYPT_LOG_ROUNDS = 6  # expect: medium
""",
            "app.py": """
from flask import Flask
from flask_jwt_extended import JWTManager
app = Flask(__name__)
app.config.from_object("config.ProductionConfig")
JWTManager(app)
""",
        },
    )


def _issued(issue: TokenIssue) -> Iterator[Evidence]:
    noun = _NOUNS[issue.purpose]
    subject = f"{issue.library} {issue.place.symbol}"
    missing = issue.expiry is Expiry.MISSING
    if missing or (issue.expiry is Expiry.SOMETIMES and issue.why):
        how = "can be signed without an end" if not missing else "never ends"
        why = f": {issue.why}" if issue.why else ""
        told = f"{noun} {how}{why}"
        severity = Severity.HIGH
        if issue.revocable and issue.purpose == "access":
            told += "; only deleting the record that its claims name ends it"
        if issue.revocable or issue.purpose == "link":
            severity = Severity.MEDIUM
        if issue.purpose in ("outgoing", "state") or issue.library == "itsdangerous":
            severity = Severity.LOW
        yield Evidence(issue.place, State.ABSENT, severity, told, subject)
    elif issue.seconds is not None and issue.seconds > _MONTH and issue.purpose == "access":
        days = round(issue.seconds / 86400)
        told = f"{noun} is good for {days} days"
        yield Evidence(issue.place, State.WEAK, Severity.MEDIUM, told, subject)
    elif issue.expiry is Expiry.SET:
        span = f" after {_span(issue.seconds)}" if issue.seconds else ""
        yield present(issue.place, f"{noun} ends{span}", subject)


def _span(seconds: float) -> str:
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = round(seconds / size)
            return f"1 {word}" if number == 1 else f"{number} {word}s"
    return f"{round(seconds)} seconds"


def _checked(check: TokenCheck) -> Iterator[Evidence]:
    subject = f"{check.library} {check.place.symbol}"
    at = check.place
    if check.unverified:
        match check.use:
            case "peek" | "own":
                return
            case "provider":
                told = f"{check.unverified}: an ID token is safe to read so only where it comes straight from its provider"
                yield Evidence(at, State.WEAK, Severity.LOW, told, subject)
            case "fallback":
                told = f"{check.unverified} after verifying it has failed: any forged token passes"
                yield Evidence(at, State.DECORATIVE, Severity.HIGH, told, subject)
            case _:
                told = f"{check.unverified}: anybody can write such a token"
                yield Evidence(at, State.DECORATIVE, Severity.HIGH, told, subject)
        return
    wrong = list(_gaps(check))
    for severity, told in wrong:
        yield Evidence(at, State.WEAK, severity, told, subject)
    if not wrong and check.library != "itsdangerous":
        yield present(at, "the signature is verified", subject)
    elif not wrong:
        yield present(at, "the signature and the token's age are verified", subject)


def _gaps(check: TokenCheck) -> Iterator[tuple[Severity, str]]:
    if check.algorithms == "token":
        yield Severity.HIGH, "the token's own header chooses the algorithm it is verified with"
    elif check.algorithms == "missing":
        yield (
            Severity.MEDIUM,
            f"no algorithm is demanded: {check.library} takes any that the token names",
        )
    elif check.algorithms == "mixed":
        yield (
            Severity.MEDIUM,
            "takes shared secrets and public keys alike: a public key may pass as the secret",
        )
    if check.expiry == "off":
        yield Severity.MEDIUM, "tokens that have ended are taken (verify_exp is off)"
    elif check.expiry == "unchecked" and check.library == "itsdangerous":
        severity = Severity.MEDIUM if check.purpose in ("access", "link") else Severity.LOW
        yield severity, "the token's age is not asked for (max_age), so it never ends"
    elif check.expiry == "unchecked":
        yield (
            Severity.MEDIUM,
            f"the token's end is not looked at: {check.library} verifies the signature alone",
        )
    if check.audience_off and check.algorithms == "told":
        yield Severity.LOW, "tokens made for other audiences are taken (verify_aud is off)"


def _keyed(key: SigningKey) -> Iterator[Evidence]:
    if not key.weakness:
        yield present(
            key.place,
            f"{key.name}, which signs {key.signs}, comes from outside of the code",
            key.name,
        )
    elif key.refused:
        told = f"the application does not start with the {key.name} that stands in the code"
        yield present(key.place, told, key.name)
    elif key.sometimes:
        told = f"{key.name}, which signs {key.signs}, is {key.weakness} in one of the ways that settings are loaded"
        yield Evidence(key.place, State.WEAK, Severity.LOW, told, key.name)
    else:
        told = f"{key.name}, which signs {key.signs}, is {key.weakness}: anybody who reads it forges {key.signs}"
        yield Evidence(key.place, State.WEAK, Severity.HIGH, told, key.name)


def _hashed(each: PasswordHash) -> Iterator[Evidence]:
    subject = f"{each.method} {each.place.symbol}"
    if not each.weakness:
        yield present(each.place, f"passwords are hashed with {each.method}", subject)
    elif each.grave:
        told = f"passwords are kept with {each.weakness}"
        if each.method == "plain text":
            told = f"passwords are kept in {each.weakness}"
        yield Evidence(each.place, State.ABSENT, Severity.HIGH, told, subject)
    else:
        told = f"passwords are hashed with {each.weakness}"
        yield Evidence(each.place, State.WEAK, Severity.MEDIUM, told, subject)


def _known(account: KnownAccount) -> Evidence:
    told = "an account is made with a password that stands in the code: whoever reads it signs in"
    if not account.run:
        told += ", where this is run"
    severity = Severity.HIGH if account.run else Severity.LOW
    return Evidence(account.place, State.ABSENT, severity, told, f"account {account.place.symbol}")


def _predictable(token: PredictableToken) -> Evidence:
    if not token.source:
        told = f"the `{token.what}` that is handed out is the same text for everybody, and says nothing about who signed in"
        return Evidence(token.place, State.DECORATIVE, Severity.HIGH, told, token.what)
    severity = Severity.HIGH if token.lasting else Severity.MEDIUM
    told = f"`{token.what}` is drawn from {token.source}, whose next values can be told from earlier ones"
    return Evidence(token.place, State.WEAK, severity, told, token.what)
