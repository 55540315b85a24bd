"""How long clients wait that connect when they are told to."""

from __future__ import annotations

import pytest

from auditor.model.operations import OutboundCall
from tests.conftest import Build

CLIENTS = {
    "ftplib.FTP(host)": "none",
    "ftplib.FTP(host, timeout=9)": "given",
    "ftplib.FTP(); client.connect(host, 21, timeout=9)": "given",
    "ftplib.FTP(); client.connect(host, 21, 9)": "given",
    "ftplib.FTP(); client.connect(host, 21)": "none",
    "ftplib.FTP(timeout=9); client.connect(host, 21)": "given",
    "smtplib.SMTP(); client.connect(host)": "none",
}


@pytest.mark.parametrize("made, limit", CLIENTS.items(), ids=CLIENTS)
def test_clients(build: Build, made: str, limit: str) -> None:
    source = f"import ftplib, smtplib\ndef send(host):\n    client = {made}\n    client.quit()\n"
    (found,) = build({"app.py": source}).facts(OutboundCall)
    assert found.limit == limit
