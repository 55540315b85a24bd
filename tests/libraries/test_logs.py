"""Whether a set-up of logging writes records."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.libraries.logs import writes_records
from auditor.model.operations import LogSetup
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
