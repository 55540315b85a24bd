"""Facts kept between runs, by the content they were taken from.

One SQLite file in the user's own cache directory, never in the tree under audit. Values are
MessagePack: reading them cannot run anything. Whatever goes wrong with the file, the audit goes on
without it and the next run starts a new one.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path

import platformdirs

_MAX_ROWS = 50_000
_SCHEMA = "CREATE TABLE IF NOT EXISTS facts (key BLOB PRIMARY KEY, value BLOB, used INTEGER)"


def default_directory() -> Path:
    """`AUDITOR_CACHE_DIR`, or the platform's cache directory for this program."""
    return Path(os.environ.get("AUDITOR_CACHE_DIR") or platformdirs.user_cache_dir("auditor"))


class Cache:
    """Facts by key. Never raises: a cache that cannot be used is an empty one."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "facts.sqlite3"
        self._connection: sqlite3.Connection | None = None
        for attempt in (1, 2):
            try:
                self._open()
                return
            except (sqlite3.Error, OSError) as error:
                self.close()
                if attempt == 1 and _damaged(error):
                    self._remove()

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._connection = sqlite3.connect(self.path, timeout=5, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.execute(_SCHEMA)
        self._connection.execute("SELECT key, value, used FROM facts LIMIT 1").fetchall()

    def get(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """The values that are there, for as many of the keys as there are."""
        found: dict[bytes, bytes] = {}
        if self._connection is None:
            return found
        try:
            for key in keys:
                row = self._connection.execute(
                    "SELECT value FROM facts WHERE key = ?", (key,)
                ).fetchone()
                if row is not None and isinstance(row[0], bytes):
                    found[key] = row[0]
        except sqlite3.Error as error:
            self._failed(error)
        return found

    def put(self, values: Mapping[bytes, bytes]) -> None:
        if self._connection is None or not values:
            return
        try:
            with contextlib.closing(self._connection.cursor()) as cursor:
                cursor.execute("BEGIN IMMEDIATE")
                (last,) = cursor.execute("SELECT coalesce(max(used), 0) FROM facts").fetchone()
                cursor.executemany(
                    "INSERT OR REPLACE INTO facts VALUES (?, ?, ?)",
                    [(key, value, last + 1) for key, value in values.items()],
                )
                cursor.execute(
                    "DELETE FROM facts WHERE key IN "
                    "(SELECT key FROM facts ORDER BY used DESC LIMIT -1 OFFSET ?)",
                    (_MAX_ROWS,),
                )
                cursor.execute("COMMIT")
        except sqlite3.Error as error:
            self._failed(error)

    def _failed(self, error: sqlite3.Error) -> None:
        """Go on without the cache; a damaged file makes room for a new one."""
        self.close()
        if _damaged(error):
            self._remove()

    def _remove(self) -> None:
        """The file and what SQLite keeps beside it."""
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                Path(f"{self.path}{suffix}").unlink()

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _damaged(error: Exception) -> bool:
    """Whether the file itself is wrong. A file that is busy belongs to another run, and is kept."""
    busy = re.search(r"locked|busy|readonly|unable to open", str(error))
    return isinstance(error, sqlite3.Error) and busy is None
