"""Addresses that are put together: whether each that may be used names a user and a password."""

from __future__ import annotations

import pytest

from auditor.model.data import Connection
from tests.conftest import Build

_START = """
import os
from urllib.parse import quote, quote_plus
from sqlalchemy import URL, create_engine
user, word, host = (os.environ[n] for n in ("DB_USER", "DB_PASSWORD", "DB_HOST"))
"""
ADDRESSES = {
    'f"postgresql://{user}:{word}@{host}/x"': True,
    'f"postgresql://{quote_plus(user)}:{quote(word, safe=str())}@{host}/x"': True,
    '"postgresql://{}:{}@{}/x".format(user, quote_plus(word), host)': True,
    '"postgresql://%s:%s@%s/x" % (user, quote_plus(word), host)': True,
    '"postgresql://" + user + ":" + quote_plus(word) + "@" + host': True,
    'URL.create("postgresql", username=user, password=word, host=host)': True,
    'f"postgresql://{host}/x"': False,
    'f"postgresql://{user}@{host}/x"': False,
    'f"postgresql://{host}:{5432}/x@y"': False,
    'f"postgresql://{user}:{word}@{host}/x" if word else f"postgresql://{host}/x"': False,
    'URL.create("postgresql", host=host)': False,
    'os.environ["DATABASE_URL"]': False,
}


_ODBC = 'f"DRIVER={{ODBC}};SERVER={host};UID={user};PWD={word};MORE"'
STRINGS = {
    _ODBC.replace("MORE", "Encrypt=yes"): (True, ""),
    _ODBC.replace("MORE", "TrustServerCertificate=yes"): (True, "TrustServerCertificate=yes"),
    _ODBC.replace("MORE", "Encrypt=no"): (True, "Encrypt=no"),
    _ODBC.replace("MORE", "TrustServerCertificate=no"): (True, ""),
    'f"SERVER={host};Trusted_Connection=yes"': (False, ""),
    "os.environ['ODBC']": (False, ""),
}


@pytest.mark.parametrize("text, expected", STRINGS.items(), ids=STRINGS)
def test_connection_strings(build: Build, text: str, expected: tuple[bool, str]) -> None:
    source = f"{_START}\nimport pyodbc\nconnection = pyodbc.connect({text})\n"
    (found,) = build({"app.py": source}).facts(Connection)
    assert (found.login, found.unchecked) == expected


@pytest.mark.parametrize("address, login", ADDRESSES.items(), ids=ADDRESSES)
def test_logins(build: Build, address: str, login: bool) -> None:
    source = f"{_START}\nengine = create_engine({address})\n"
    assert [c.login for c in build({"app.py": source}).facts(Connection)] == [login]
