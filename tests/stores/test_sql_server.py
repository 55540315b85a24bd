"""Statements as SQL Server spells them, and batches of them."""

from __future__ import annotations

import pytest

from auditor.model.data import Bound, CollectionFit, Query
from tests.conftest import Build

_SCHEMA = """
CREATE TABLE Sent (SentID INT IDENTITY(1,1) PRIMARY KEY, Who INT NOT NULL, Status NVARCHAR(20), At DATETIME2);
GO
CREATE TABLE Reads (ReadID INT IDENTITY(1,1) PRIMARY KEY, SentID INT NOT NULL, At DATETIME2);
GO
"""


def _asked(text: str, build: Build) -> list[tuple[str, tuple[str, ...], str]]:
    code = f"import pyodbc\ndef ask(given):\n    pyodbc.connect('').cursor().execute({text!r}, given)\n"
    found = build({"app.py": code, "schema.sql": _SCHEMA}).facts(CollectionFit)
    return sorted((c.name, m.missing, q.unresolved) for c in found for q, m in c.fits)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("SELECT TOP (?) Status FROM Sent WHERE Who = ?", {"sent": ("who",)}),
        ("SELECT TOP 5 Status FROM [dbo].[Sent] WITH (NOLOCK) WHERE Who = ?", {"sent": ("who",)}),
        ("SELECT TOP (10) Status FROM Sent WHERE SentID = ?", {"sent": ()}),
        ("UPDATE Sent SET Status = 'x' OUTPUT inserted.SentID WHERE Who = ?", {"sent": ("who",)}),
        ("SET NOCOUNT ON; SELECT Status FROM Sent WHERE Who = ?", {"sent": ("who",)}),
        ("DECLARE @who INT = ?;\nSELECT Status FROM Sent WHERE Who = @who", {"sent": ("who",)}),
        ("DECLARE @who INT = ?\nSELECT Status FROM Sent WHERE Who = @who", {"sent": ("who",)}),
        (
            "SELECT s.Status, r.At FROM Sent s OUTER APPLY (SELECT TOP 1 At FROM Reads x WHERE x.SentID = s.SentID) r WHERE s.SentID = ?",
            {"sent": (), "reads": ("sentid",)},
        ),
    ],
)  # fmt: skip
def test_a_statement_is_read(text: str, missing: dict[str, tuple[str, ...]], build: Build) -> None:
    assert _asked(text, build) == sorted((name, fields, "") for name, fields in missing.items())


@pytest.mark.parametrize(
    "text",
    [
        "DECLARE @id INT;\nEXEC sp_Send @Who=?, @SentID=@id OUTPUT;\nSELECT s.Status FROM Sent s WHERE s.SentID = @id;",
        "EXEC sp_Send @Who=?;\nSELECT Status FROM Sent WHERE SentID = ?",
    ],
)
def test_a_batch_calls_a_procedure_and_asks(text: str, build: Build) -> None:
    found = _asked(text, build)
    assert ("sent", (), "") in found
    assert [why for _, _, why in found if why] == ["sp_Send, which the database keeps, asks it"]


def test_top_is_a_limit(build: Build) -> None:
    code = "import pyodbc\ndef ask(a):\n    return pyodbc.connect('').cursor().execute('SELECT TOP 5 * FROM Sent ORDER BY At', a).fetchall()\n"
    (query,) = build({"app.py": code, "schema.sql": _SCHEMA}).facts(Query)
    assert (query.bound, query.sort) == (Bound.LIMITED, (("at", 1),))


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("LOG.append({'sql': sql, 'given': given})", 0),
        ("logger.info(sql)", 0),
        ("return connect().execute(sql, given)", 1),
        ("LOG.append(sql)\n    connect().execute(sql, given)", 1),
    ],
)
def test_what_only_writes_statements_down_asks_nothing(body: str, asked: int, build: Build) -> None:
    code = (
        f"from lib import connect, logger\nLOG = []\ndef _record(sql, given=()):\n    {body}\n"
        "def ask(given):\n    _record('SELECT * FROM Sent WHERE Who = ?', given)\n"
    )
    found = build({"app.py": code, "schema.sql": _SCHEMA}).facts(Query)
    assert len([q for q in found if q.collection == "sent"]) == asked
