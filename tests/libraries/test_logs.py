"""Whether a set-up of logging writes records."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.libraries.logs import writes_records
from auditor.model.operations import LoggedValue, LogSetup
from tests.conftest import Build

FORMATTERS = {
    "json": {"()": "pythonjsonlogger.jsonlogger.JsonFormatter"},
    "text": {"format": "%(message)s"},
}
HANDLERS = {
    "records": {"class": "logging.StreamHandler", "formatter": "json"},
    "console": {"class": "logging.StreamHandler", "formatter": "text"},
}


@pytest.mark.parametrize(
    ("loggers", "writes"),
    [
        ({"root": {"handlers": ["records"]}}, True),
        ({"root": {"handlers": ["console"]}}, False),
        ({"loggers": {"": {"handlers": ["records"]}, "noisy": {"handlers": ["console"]}}}, True),
        (
            {"root": {"handlers": ["console"]}, "loggers": {"django": {"handlers": ["console"]}, "audit": {"handlers": ["records"]}}},
            False,
        ),
        ({"loggers": {"django": {"handlers": ["records"]}, "shop": {"handlers": ["records"]}}}, True),
    ],
)  # fmt: skip
def test_records_of_most_loggers(loggers: dict[str, Any], writes: bool) -> None:
    configuration = {"version": 1, "formatters": FORMATTERS, "handlers": HANDLERS} | loggers
    assert writes_records(configuration) is writes


def test_formatter_that_no_handler_uses_writes_nothing() -> None:
    handlers = {"console": HANDLERS["console"]}
    assert not writes_records({"formatters": FORMATTERS, "handlers": handlers, "root": {"handlers": ["console"]}})  # fmt: skip


def test_set_up_of_another_package_is_not_judged(build: Build) -> None:
    app = """
from fastapi import FastAPI
from company.logging import setup_logging
setup_logging()
app = FastAPI()
"""
    (setup,) = build({"app.py": app}).facts(LogSetup)
    assert setup.structured is None
    own = {"app.py": app, "company/__init__.py": "", "company/logging.py": "def setup_logging():\n    pass\n"}  # fmt: skip
    assert not build(own).facts(LogSetup)


MANAGE = """
import os
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
"""
RECORDS = """
def configured(level):
    return {
        "version": 1,
        "formatters": {"json": {"()": "pythonjsonlogger.jsonlogger.JsonFormatter"}},
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["out"], "level": level},
    }
"""


@pytest.mark.parametrize(
    ("settings", "more", "structured"),
    [
        ("from shop.logs import configured\nLOGGING = configured('INFO')", {"shop/logs.py": RECORDS}, [True]),
        (
            "from shop.logs import configured\nLOGGING = configured('INFO')",
            {"shop/logs.py": RECORDS.replace("pythonjsonlogger.jsonlogger.JsonFormatter", "logging.Formatter")},
            [False],
        ),
        ("from company.logs import configured\nLOGGING = configured()", {}, [None]),
        ("from company.settings import LOGGING", {}, [None]),
        ("import copy\nfrom django.utils.log import DEFAULT_LOGGING\nLOGGING = copy.deepcopy(DEFAULT_LOGGING)", {}, []),
        ("DEBUG = False", {}, []),
    ],
)  # fmt: skip
def test_logging_of_django_that_something_else_makes(
    build: Build, settings: str, more: dict[str, str], structured: list[bool | None]
) -> None:
    """By the texts of the function that makes it, unknown where that is not in the tree; a copy of
    Django's own sets nothing up."""
    files = {
        "manage.py": MANAGE,
        "shop/__init__.py": "",
        "shop/urls.py": "urlpatterns = []",
        "shop/settings.py": f"ROOT_URLCONF = 'shop.urls'\nINSTALLED_APPS = ['shop']\n{settings}\n",
    }
    found = build({**files, **more}).facts(LogSetup)
    assert [setup.structured for setup in found] == structured


def test_credentials_that_django_masks(build: Build) -> None:
    """A receiver of `user_login_failed` is handed stars; the same name elsewhere is a secret."""
    source = """
import logging
log = logging.getLogger(__name__)

def failed(sender, credentials, request, **kwargs):
    log.warning("login failed: %s", credentials)

def tried(credentials):
    log.warning("trying %s", credentials)
"""
    found = build({"app.py": source}).facts(LoggedValue)
    assert [(value.what, value.place.line) for value in found] == [("a secret", 9)]


def test_the_id_of_a_receipt_is_nobody(build: Build) -> None:
    source = """
import logging
log = logging.getLogger(__name__)

def sent(receipt_id_email, user_email):
    log.info("sent %s", receipt_id_email)
    log.info("to %s", user_email)
"""
    found = build({"app.py": source}).facts(LoggedValue)
    assert [(value.what, value.place.line) for value in found] == [("personal data", 7)]


@pytest.mark.parametrize(
    ("logged", "found"),
    [
        ('texts["email"].format(id=user.id)', False),
        ("log_messages.email", False),
        ('"%s", form.errors["password"]', False),
        ("SENT.email", False),
        ('message["email"]', True),
        ('"from %s", message.from_email', False),
        ('"sent to %s", user.email', True),
        ('f"asked with {dict(self.request.headers)}"', True),
        ('f"asked by {self.request.headers.get(1)}"', False),
        ('"sent", extra={"email": user.email}', True),
        ('"sent", extra={"email": user.id}', False),
    ],
)
def test_wordings_name_what_they_are_about(build: Build, logged: str, found: bool) -> None:
    text = f"""
import logging
from fastapi import FastAPI
app = FastAPI()
logger = logging.getLogger(__name__)

class SENT:
    email = "The email was sent"

@app.get("/")
def sent(user, message, form, texts, log_messages):
    logger.info({logged})
"""
    assert bool(build({"app.py": text}).facts(LoggedValue)) is found
