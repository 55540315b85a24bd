"""Which packages the code imports, and which imports no manifest declares.

An import name is matched with a distribution by a table of those that differ, else by its own name
(https://packaging.python.org/en/latest/discussions/distribution-package-vs-import-package/).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

import msgspec

from auditor.extract.packages import NPM, PYPI
from auditor.extract.python import tree as t
from auditor.extract.readers.script_imports import ScriptImport
from auditor.link.application import Application, provides
from auditor.model.dependencies import Dependency, Undeclared, Usage
from auditor.model.places import Place

IMPORTED_AS: Mapping[str, tuple[str, ...]] = {
    "argon2-cffi": ("argon2",),
    "attrs": ("attr", "attrs"),
    "beautifulsoup4": ("bs4",),
    "djangorestframework": ("rest_framework",),
    "djangorestframework-simplejwt": ("rest_framework_simplejwt",),
    "dnspython": ("dns",),
    "drf-nested-routers": ("rest_framework_nested",),
    "drf-yasg": ("drf_yasg",),
    "faiss-cpu": ("faiss",),
    "fastapi-users-db-sqlalchemy": ("fastapi_users_db_sqlalchemy",),
    "gitpython": ("git",),
    "google-api-python-client": ("googleapiclient", "apiclient"),
    "google-auth": ("google.auth", "google.oauth2"),
    "google-cloud-storage": ("google.cloud.storage",),
    "google-generativeai": ("google.generativeai",),
    "google-genai": ("google.genai",),
    "grpcio": ("grpc",),
    "mysqlclient": ("MySQLdb",),
    "opencv-python": ("cv2",),
    "opencv-python-headless": ("cv2",),
    "pillow": ("PIL",),
    "protobuf": ("google.protobuf",),
    "psycopg2-binary": ("psycopg2",),
    "pycryptodome": ("Crypto",),
    "pycryptodomex": ("Cryptodome",),
    "pyjwt": ("jwt",),
    "pymongo": ("pymongo", "bson", "gridfs"),
    "pymupdf": ("fitz", "pymupdf"),
    "pyopenssl": ("OpenSSL",),
    "python-dateutil": ("dateutil",),
    "python-decouple": ("decouple",),
    "python-docx": ("docx",),
    "python-dotenv": ("dotenv",),
    "python-jose": ("jose",),
    "python-json-logger": ("pythonjsonlogger",),
    "python-ldap": ("ldap",),
    "python-magic": ("magic",),
    "python-multipart": ("multipart", "python_multipart"),
    "python-pptx": ("pptx",),
    "python-slugify": ("slugify",),
    "python-socketio": ("socketio",),
    "python-telegram-bot": ("telegram",),
    "pyyaml": ("yaml",),
    "pyzmq": ("zmq",),
    "scikit-image": ("skimage",),
    "scikit-learn": ("sklearn",),
    "sentry-sdk": ("sentry_sdk",),
    "setuptools": ("setuptools", "pkg_resources"),
    "sqlalchemy": ("sqlalchemy",),
    "typing-extensions": ("typing_extensions",),
    "websocket-client": ("websocket",),
}  # fmt: skip
"""Distribution -> what it is imported as, where that is not its name with `_` for `-`."""

RUN_NOT_IMPORTED = frozenset(
    [
        "gunicorn", "opentelemetry-distro", "uvicorn", "hypercorn", "daphne", "waitress", "uwsgi", "gevent", "eventlet", "meinheld",
        "psycopg2-binary", "psycopg2", "psycopg", "psycopg-binary", "asyncpg", "aiomysql", "aiosqlite",
        "mysqlclient", "pymysql", "mysql-connector-python", "cx-oracle", "oracledb", "pyodbc",
        "python-multipart", "email-validator", "uvloop", "httptools", "watchfiles", "websockets", "orjson",
        "ujson", "jinja2", "markupsafe", "itsdangerous", "whitenoise", "dnspython", "redis", "hiredis",
        "greenlet", "cryptography", "bcrypt", "argon2-cffi", "tzdata", "pytz", "pillow", "brotli",
        "setuptools", "wheel", "pip", "certifi", "urllib3", "alembic", "awscli", "honcho", "supervisor",
        "newrelic", "ddtrace", "lxml", "html5lib", "openpyxl", "xlrd", "pyarrow", "tabulate",
    ]
)  # fmt: skip
"""Packages that do their work without being imported: servers, drivers named in an address, parts that
a framework takes when they are there, commands."""
_PARTS = ("types-", "django-stubs", "opentelemetry-instrumentation", "pytest-", "flake8-", "mypy-")

WELL_KNOWN = frozenset(
    [
        "aiohttp", "beautifulsoup4", "boto3", "celery", "django", "djangorestframework", "fastapi", "flask",
        "flask-cors", "flask-login", "flask-sqlalchemy", "httpx", "matplotlib", "motor", "numpy", "openai",
        "opencv-python", "pandas", "passlib", "pillow", "psycopg2-binary", "pydantic-settings", "pyjwt", "pymongo",
        "python-dotenv", "python-jose", "pyyaml", "redis", "requests", "scikit-learn", "scipy", "sentry-sdk",
        "slowapi", "sqlalchemy", "sqlmodel", "stripe", "torch", "transformers", "twilio",
    ]
)  # fmt: skip
"""Packages whose import name nothing else has."""
BRINGS: Mapping[str, tuple[str, ...]] = {
    "beanie": ("motor", "pymongo"),
    "celery": ("redis",),
    "chromadb": ("numpy", "requests", "httpx", "pyyaml"),
    "dj-rest-auth": ("django", "djangorestframework"),
    "djangorestframework": ("django",),
    "djangorestframework-simplejwt": ("django", "djangorestframework", "pyjwt"),
    "fastapi": ("httpx", "pydantic-settings", "pyyaml"),
    "fastapi-users": ("fastapi", "pyjwt", "python-multipart"),
    "flask-cors": ("flask",),
    "flask-jwt-extended": ("flask", "pyjwt"),
    "flask-login": ("flask",),
    "flask-migrate": ("flask", "flask-sqlalchemy", "sqlalchemy"),
    "flask-restful": ("flask",),
    "flask-restx": ("flask",),
    "flask-sqlalchemy": ("flask", "sqlalchemy"),
    "gradio": ("fastapi", "httpx", "numpy", "pandas", "pillow", "pyyaml"),
    "langchain": ("requests", "pyyaml", "sqlalchemy", "numpy"),
    "matplotlib": ("numpy", "pillow"),
    "mongoengine": ("pymongo",),
    "motor": ("pymongo",),
    "odmantic": ("motor", "pymongo"),
    "openai": ("httpx",),
    "opencv-python": ("numpy",),
    "opencv-python-headless": ("numpy", "opencv-python"),
    "pandas": ("numpy",),
    "pydantic-settings": ("python-dotenv",),
    "scikit-learn": ("numpy", "scipy"),
    "scipy": ("numpy",),
    "sqlmodel": ("sqlalchemy",),
    "streamlit": ("numpy", "pandas", "requests", "pillow"),
    "stripe": ("requests",),
    "tensorflow": ("numpy", "requests"),
    "torch": ("numpy",),
    "transformers": ("numpy", "requests", "pyyaml"),
    "twilio": ("requests", "pyjwt", "aiohttp"),
    "uvicorn": ("python-dotenv", "pyyaml"),
}
"""Distribution -> well-known ones that it brings along, for manifests without a lock file."""


@provides(Usage)
def usages(application: Application) -> Iterator[Usage]:
    """Of each Python package that would be installed, where source files import it."""
    (found,) = application.facts(_Imports)
    heads: dict[str, tuple[Place, ...]] = {}
    for name, places in found.places.items():
        if "." not in name:
            heads.setdefault(_bare(name), places)
    mentioned = {_bare(name) for name in found.mentioned}
    for name in sorted({d.name for d in application.facts(Dependency) if d.ecosystem == PYPI}):
        spellings = _spellings(name)
        places = _places(name, found.places) or next(
            (heads[each] for each in spellings if each in heads), ()
        )
        otherwise = ""
        if not places:
            if name in RUN_NOT_IMPORTED or name.startswith(_PARTS):
                otherwise = "run or loaded by what else is installed"
            elif mentioned.intersection({*spellings, *map(_bare, _import_names(name))}):
                otherwise = "named in the code"
        yield Usage(PYPI, name, places, otherwise)


def _bare(name: str) -> str:
    return re.sub(r"[-_.]", "", name).lower()


def _spellings(distribution: str) -> list[str]:
    """What a package may be imported as, without separators: `django-cors-headers` as `corsheaders`."""
    bare = _bare(distribution)
    found = [bare, bare + "s", re.sub(r"\d+$", "", bare)]
    for prefix in ("django", "python", "py", "djangorest"):
        if bare.startswith(prefix) and len(bare) > len(prefix) + 2:
            found.append(bare.removeprefix(prefix))
    if bare.startswith("djangorestframework"):
        found.append(bare.removeprefix("django"))
    for suffix in ("python", "py", "slim", "client", "sdk"):
        if bare.endswith(suffix) and len(bare) > len(suffix) + 2:
            found.append(bare.removesuffix(suffix))
    return found


@provides(Usage)
def script_usages(application: Application) -> Iterator[Usage]:
    """The same of npm packages."""
    places: dict[str, list[Place]] = defaultdict(list)
    for file, found in application.of(ScriptImport):
        places[found.package].append(Place(file.path, found.line))
    for name in sorted({d.name for d in application.facts(Dependency) if d.ecosystem == NPM}):
        yield Usage(NPM, name, tuple(places.get(name, ())))


@provides(Undeclared)
def undeclared(application: Application) -> Iterator[Undeclared]:
    """Only packages whose import name is known, and only imports that are not allowed to fail."""
    installed = {d.name for d in application.facts(Dependency) if d.ecosystem in ("pypi", "conda")}
    if not installed:
        return
    brought = {part for name in installed for part in BRINGS.get(name, ())}
    (found,) = application.facts(_Imports)
    for distribution in sorted(WELL_KNOWN):
        names = _import_names(distribution)
        same = {d for d, others in IMPORTED_AS.items() if others == names}
        if ({distribution} | same) & (installed | brought):
            continue
        places = _places(distribution, found.places)
        if places:
            yield Undeclared(distribution, places[0])


class _Imports(msgspec.Struct, frozen=True):
    """Import name -> where, and the first parts of dotted names in texts (INSTALLED_APPS, settings)."""

    places: dict[str, tuple[Place, ...]]
    mentioned: frozenset[str]


@provides(_Imports)
def imports(application: Application) -> Iterator[_Imports]:
    """An import inside of a `try` is allowed to fail, and counts as a mention only."""
    places: dict[str, dict[str, Place]] = defaultdict(dict)
    mentioned: set[str] = set()
    for module in application.code.modules.values():
        optional: set[int] = set()
        for node, _ in application.code.nodes(module):
            match node:
                case t.Try():
                    optional.update(id(n) for n in t.walk(*node.body) if isinstance(n, t.Import))
                case t.Import() if not node.module.startswith("."):
                    for name in _names(node):
                        if id(node) in optional:
                            mentioned.add(name.partition(".")[0])
                        else:
                            places[name].setdefault(module.path, Place(module.path, node.line))
                case t.Const(value=str(text)) if len(text) < 120:
                    head = text.partition(".")[0]
                    mentioned.update(part for part in head.split("+") if part.isidentifier())
    yield _Imports(
        {name: tuple(found.values()) for name, found in places.items()}, frozenset(mentioned)
    )


def _names(node: t.Import) -> Iterator[str]:
    for name, _ in node.names or [("", "")]:
        parts = f"{node.module}.{name}".strip(".").split(".")
        for end in range(1, min(len(parts), 4) + 1):
            yield ".".join(parts[:end])


def _import_names(distribution: str) -> tuple[str, ...]:
    plain = distribution.replace("-", "_").replace(".", "_")
    dotted = distribution.replace("-", ".")
    return IMPORTED_AS.get(distribution) or tuple(dict.fromkeys((plain, dotted)))


def _places(distribution: str, imports: Mapping[str, tuple[Place, ...]]) -> tuple[Place, ...]:
    return next((imports[name] for name in _import_names(distribution) if name in imports), ())
