"""Names that look like those of the most used packages: typosquatting (CWE-1357).

A hint: the index may well hold an honest package of that name.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.link.application import Application, provides
from auditor.model.dependencies import Lookalike, Requirement

_USED = {
    "pypi": frozenset(
        [
            "aiohttp", "alembic", "anthropic", "asyncpg", "beautifulsoup4", "boto3", "botocore", "celery",
            "certifi", "cffi", "click", "cryptography", "django", "djangorestframework", "fastapi", "flask",
            "flask-cors", "flask-login", "flask-sqlalchemy", "gunicorn", "httpx", "idna", "itsdangerous",
            "jinja2", "jsonschema", "langchain", "lxml", "markupsafe", "matplotlib", "motor", "numpy",
            "openai", "opencv-python", "packaging", "pandas", "passlib", "pillow", "protobuf", "psycopg2",
            "psycopg2-binary", "pydantic", "pyjwt", "pymongo", "pymysql", "pytest", "python-dateutil",
            "python-dotenv", "python-jose", "python-multipart", "pytz", "pyyaml", "redis", "requests",
            "rich", "scikit-learn", "scipy", "selenium", "sentry-sdk", "setuptools", "six", "sqlalchemy",
            "sqlmodel", "starlette", "stripe", "tensorflow", "torch", "tornado", "tqdm", "transformers",
            "twilio", "typer", "typing-extensions", "urllib3", "uvicorn", "werkzeug", "wheel",
        ]
    ),
    "npm": frozenset(
        [
            "angular", "axios", "babel", "body-parser", "bootstrap", "chalk", "commander", "cookie-parser",
            "cors", "cross-env", "debug", "dotenv", "electron", "eslint", "ethers", "express", "jest",
            "jquery", "jsonwebtoken", "lodash", "moment", "mongodb", "mongoose", "next", "node-fetch",
            "nodemailer", "passport", "prettier", "puppeteer", "react", "react-dom", "react-router",
            "react-router-dom", "redux", "request", "socket.io", "tailwindcss", "typescript", "underscore", "uuid",
            "vite", "vue", "webpack", "winston",
        ]
    ),
}  # fmt: skip
_HONEST = frozenset(
    ["aredis", "beautifulsoup", "httpx2", "preact", "psycopg", "pymssql", "tslint", "unicorn"]
)
"""Packages of their own whose names are near by chance."""


@provides(Lookalike)
def lookalikes(application: Application) -> Iterator[Lookalike]:
    for requirement in application.facts(Requirement):
        used = _USED.get(requirement.ecosystem, frozenset())
        name = requirement.name
        if not used or name in used or name in _HONEST or requirement.origin or len(name) < 5:
            continue
        for each in sorted(used):
            if len(each) >= 5 and _near(name, each):
                yield Lookalike(requirement, each)
                break


def _near(name: str, other: str) -> bool:
    """One letter more, less, other, or two swapped; separators do not count."""
    plain, meant = (text.replace("-", "").replace("_", "") for text in (name, other))
    if plain == meant:
        return "-" in name or "-" in other or "_" in name
    if abs(len(plain) - len(meant)) > 1:
        return False
    start = 0
    while start < min(len(plain), len(meant)) and plain[start] == meant[start]:
        start += 1
    a, b = plain[start:], meant[start:]
    if a[1:] == b[1:] or a[1:] == b or a == b[1:]:
        return True
    return len(a) > 1 and len(b) > 1 and a[0] == b[1] and a[1] == b[0] and a[2:] == b[2:]
