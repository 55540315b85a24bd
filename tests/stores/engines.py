"""Databases that tests start for themselves: SQLite in memory, PostgreSQL in a temporary directory."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MISSING = "PostgreSQL is not installed (Debian: apt-get install postgresql)"


def programs() -> Path | None:
    """The directory of PostgreSQL's programs; None where it is not installed."""
    for found in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (found / "initdb").exists():
            return found
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextmanager
def postgresql() -> Iterator[str]:
    """A server on a free port; yields `host=… port=… user=… dbname=…`.

    It refuses to run as root, so that it runs as the user that the package makes.
    """
    found = programs()
    assert found is not None, MISSING
    root = Path(tempfile.mkdtemp(prefix="pg"))
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(root, account.pw_uid, account.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": root}
    data = root / "data"
    control = [str(found / "pg_ctl"), "-D", str(data), "-w"]
    options = f"-p {port} -k {root} -c listen_addresses=127.0.0.1 -c fsync=off"
    try:
        subprocess.run(
            [str(found / "initdb"), "-D", str(data), "-U", "tests", "-A", "trust", "-E", "UTF8", "--locale=C"],
            check=True, user=user, **quiet,  # type: ignore[call-overload]
        )  # fmt: skip
        subprocess.run([*control, "-o", options, "start"], check=True, user=user, **quiet)  # type: ignore[call-overload]
        yield f"host=127.0.0.1 port={port} user=tests dbname=postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], user=user, **quiet)  # type: ignore[call-overload]
        shutil.rmtree(root, ignore_errors=True)
