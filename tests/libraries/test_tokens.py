"""Tokens and passwords: what is found out about them by following the code."""

from __future__ import annotations

import textwrap

import pytest

from auditor.model.tokens import (
    Expiry,
    PasswordHash,
    PredictableToken,
    SigningKey,
    TokenCheck,
    TokenIssue,
)
from tests.conftest import Build

_HEAD = """
import os
import time
from datetime import datetime, timedelta
import jwt
KEY = os.environ["KEY"]
"""


def _issues(build: Build, code: str) -> list[TokenIssue]:
    return list(build({"app.py": _HEAD + textwrap.dedent(code)}).facts(TokenIssue))


def _checks(build: Build, code: str) -> list[TokenCheck]:
    return list(build({"app.py": _HEAD + textwrap.dedent(code)}).facts(TokenCheck))


@pytest.mark.parametrize(
    "code, expiry",
    [
        ("def f(u): return jwt.encode({'sub': u}, KEY)", Expiry.MISSING),
        ("def f(u): return jwt.encode({'sub': u, 'exp': time.time() + 60}, KEY)", Expiry.SET),
        ("def f(u): return jwt.encode({**u, 'exp': 1}, KEY)", Expiry.SET),
        ("def f(u): return jwt.encode(dict(sub=u, exp=1), KEY)", Expiry.SET),
        ("def f(u): return jwt.encode(u, KEY)", Expiry.UNKNOWN),
        (
            """
            def sign(data): return jwt.encode(data, KEY)
            def login(u): return sign({'sub': u})
            """,
            Expiry.MISSING,
        ),
        (
            """
            def sign(data):
                data = {k: v for k, v in data.items() if v}
                data |= {'exp': 1}
                return jwt.encode(data, KEY)
            """,
            Expiry.SET,
        ),
        (
            """
            def with_base(claims):
                base = {'iat': 1}
                return {**base, **claims}
            def sign(u): return jwt.encode(with_base({'sub': u, 'exp': 1}), KEY)
            """,
            Expiry.SET,
        ),
        (
            """
            def base(delta):
                claims = {'iat': 1}
                if delta:
                    claims['exp'] = datetime.now() + delta
                return claims
            def sign(u): return jwt.encode(base(timedelta(days=1)), KEY)
            """,
            Expiry.SET,
        ),
        (
            """
            def sign(u, delta=None):
                claims = {'iat': 1}
                if delta is not None:
                    claims['exp'] = datetime.now() + delta
                return jwt.encode(claims, KEY)
            def login(u): return sign(u)
            """,
            Expiry.MISSING,
        ),
        (
            """
            def sign(u, short):
                claims = {'sub': u, 'exp': 1}
                if short:
                    del claims['exp']
                return jwt.encode(claims, KEY)
            """,
            Expiry.SOMETIMES,
        ),
        (
            """
            class Payload:
                sub: str
                exp: int
            def sign(u): return jwt.encode(Payload(sub=u, exp=1).model_dump(), KEY)
            """,
            Expiry.SET,
        ),
    ],
)
def test_expiry_is_followed(build: Build, code: str, expiry: Expiry) -> None:
    (issue,) = _issues(build, code)
    assert issue.expiry is expiry


@pytest.mark.parametrize(
    "moment, days",
    [
        ("datetime.utcnow() + timedelta(days=2)", 2),
        ("int((datetime.now() + timedelta(weeks=1)).timestamp())", 7),
        ("time.time() + 3600 * 24", 1),
        ("int(time.time()) + 86400 * 3", 3),
        ("datetime.now() + timedelta(minutes=int(os.getenv('MINUTES', '1440')))", 1),
    ],
)
def test_lifetimes(build: Build, moment: str, days: int) -> None:
    (issue,) = _issues(build, f"def f(u): return jwt.encode({{'exp': {moment}}}, KEY)")
    assert issue.seconds == days * 86400


@pytest.mark.parametrize(
    "code, use",
    [
        ("def f(token): return jwt.decode(token, options={'verify_signature': False})", "trusted"),
        ("def f(t): return jwt.decode(t, options={'verify_signature': False})['iss']", "peek"),
        ("def f(id_token): return jwt.decode(id_token, options={'verify_signature': False})", "provider"),
        (
            """
            def f(token):
                try:
                    return jwt.decode(token, KEY, algorithms=["HS256"])
                except jwt.InvalidTokenError:
                    return jwt.decode(token, options={'verify_signature': False})
            """,
            "fallback",
        ),
    ],
)  # fmt: skip
def test_what_becomes_of_an_unverified_token(build: Build, code: str, use: str) -> None:
    (check,) = [c for c in _checks(build, code) if c.unverified]
    assert check.use == use


def test_a_test_of_the_setup_issues_no_token(build: Build) -> None:
    code = """
    def start():
        token = jwt.encode({'a': 1}, KEY)
        assert jwt.decode(token, KEY, algorithms=["HS256"]) == {'a': 1}
    """
    assert _issues(build, code) == []
    assert _checks(build, code) == []


def test_a_library_that_leaves_the_expiry_to_its_caller(build: Build) -> None:
    code = """
    from joserfc import jwt
    def unchecked(token, key): return jwt.decode(token, key).claims["sub"]
    def checked(token, key):
        claims = jwt.decode(token, key).claims
        if claims["exp"] < now(): raise ValueError
    """
    found = build({"app.py": textwrap.dedent(code)}).facts(TokenCheck)
    assert [c.expiry for c in found] == ["unchecked", "checked"]


@pytest.mark.parametrize(
    "code, weak",
    [
        ("KEY = 'secret'", True),
        ("KEY = os.environ['KEY']", False),
        ("KEY = os.getenv('KEY', 'secret')", True),
        ("KEY = os.getenv('KEY') or 'secret'", True),
        ("KEY = os.getenv('KEY', secrets.token_hex())", False),
        ("def env(name, default=None): return os.environ.get(name) or default\nKEY = env('KEY', 'x1')", True),
    ],
)  # fmt: skip
def test_keys(build: Build, code: str, weak: bool) -> None:
    use = "def f(u): return jwt.encode({'sub': u}, KEY)"
    (key,) = build({"app.py": f"import jwt, os, secrets\n{code}\n{use}\n"}).facts(SigningKey)
    assert bool(key.weakness) is weak


def test_a_default_that_the_start_refuses(build: Build) -> None:
    code = """
    import jwt, os
    KEY = os.getenv("KEY", "changeme")
    if os.getenv("ENV") == "production" and KEY == "changeme":
        raise RuntimeError("set KEY")
    def f(u): return jwt.encode({'sub': u}, KEY)
    """
    (key,) = build({"app.py": textwrap.dedent(code)}).facts(SigningKey)
    assert key.weakness
    assert key.refused


def test_a_secret_that_callers_must_know_is_no_refusal(build: Build) -> None:
    code = """
    import jwt, os
    KEY = os.getenv("KEY", "changeme")
    def f(u): return jwt.encode({'sub': u}, KEY)
    def guard(sent):
        if sent != KEY:
            raise HTTPException(401)
    """
    (key,) = build({"app.py": textwrap.dedent(code)}).facts(SigningKey)
    assert not key.refused


def test_a_function_that_looks_at_the_secrets_before_the_start(build: Build) -> None:
    code = """
    import jwt, os
    KEY = os.getenv("JWT_KEY", "changeme")
    def is_weak(value): return len(value) < 32
    def check_production_secrets():
        weak = [name for name in ("JWT_KEY",) if is_weak(os.environ[name])]
        if weak:
            raise RuntimeError(weak)
    def f(u): return jwt.encode({'sub': u}, KEY)
    """
    (key,) = build({"app.py": textwrap.dedent(code)}).facts(SigningKey)
    assert key.refused


@pytest.mark.parametrize(
    "code, weaknesses",
    [
        ("import hashlib\ndef f(password): return hashlib.md5(password.encode()).hexdigest()", 1),
        ("import hashlib\ndef f(content): return hashlib.md5(content).hexdigest()", 0),
        ("import hashlib\ndef f(u): return hashlib.md5(u.password_hash).hexdigest()", 0),
        ("import hashlib, bcrypt\ndef f(password):\n"
         "    return bcrypt.hashpw(hashlib.sha256(password).digest(), bcrypt.gensalt())", 0),
        ("import hashlib\ndef f(password):\n"
         "    digest = hashlib.sha1(password).hexdigest()\n    return get('https://api.pwnedpasswords.com')", 0),
        ("def f(form):\n    return form.password.data == form.confirm.data", 0),
        ("def f(db, password):\n    user = db.users.find_one({})\n    return user['password'] == password", 1),
        ("import bcrypt\ndef f(p): return bcrypt.gensalt(4)", 1),
        ("from werkzeug.security import generate_password_hash as h\ndef f(p): return h(p, 'sha256')", 1),
        ("from passlib.context import CryptContext\nc = CryptContext(schemes=['md5_crypt', 'bcrypt'])", 1),
        ("from passlib.context import CryptContext\nc = CryptContext(schemes=['bcrypt', 'md5_crypt'])", 0),
        ("def f(db, name, password):\n"
         "    query = f\"SELECT * FROM users WHERE name='{name}' AND password='{password}'\"", 1),
        ("def f(n):\n    text = f'{n}{1}'", 0),
        ("def f(user):\n    user['password_hash'] = 'placeholder'", 1),
        ("def f(user):\n    user['password_hash'] = '!unusable'", 0),
    ],
)  # fmt: skip
def test_passwords(build: Build, code: str, weaknesses: int) -> None:
    found = build({"app.py": code + "\n"}).facts(PasswordHash)
    assert len([h for h in found if h.weakness]) == weaknesses


@pytest.mark.parametrize(
    "code, words",
    [
        ("def reset_token(): return ''.join(random.choices('ab', k=9))", ["reset_token"]),
        ("def f(user): user.otp_code = random.randint(1, 9)", ["otp_code"]),
        ("def f(): return User(api_key=random.getrandbits(64))", ["api_key"]),
        ("def f(): num_tokens = random.randint(1, 9)", []),
        ("def f(): return random.choice(['red'])", []),
        (
            "def web_session():\n    headers = {'User-Agent': random.choice(['a'])}\n    return Session(headers)",
            [],
        ),
        (
            "def web_session():\n    headers = {'token': random.choice(['a'])}\n    return headers",
            ["token"],
        ),
        ("def token(): return random.SystemRandom().choice('ab')", []),
    ],
)
def test_predictable_tokens(build: Build, code: str, words: list[str]) -> None:
    found = build({"app.py": f"import random\n{code}\n"}).facts(PredictableToken)
    assert [token.what for token in found] == words


def test_seeds_draw_what_they_like(build: Build) -> None:
    code = "import random\ndef token(): return random.random()\n"
    assert build({"management/commands/seed.py": code}).facts(PredictableToken) == ()
