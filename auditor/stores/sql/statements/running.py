"""Which files of SQL something runs: code, a file of deployment, or somebody as the instructions tell him."""

from __future__ import annotations

import functools
import re

from auditor.discover.walk import read
from auditor.extract.python import tree as t
from auditor.link.application import Application

_NAMING = re.compile(
    r"(?:\.ya?ml|\.sh|\.bash|\.bat|\.cmd|\.ps1|\.toml|\.json|\.tpl|\.tf|dockerfile[^/]*|containerfile|makefile|procfile|justfile|jenkinsfile)$",
    re.I,
)
_INSTRUCTIONS = re.compile(r"\.(?:md|rst|txt|adoc|sql)$|(?:^|/)(?:readme|install)$", re.I)
_RUNS = re.compile(
    r"\b(?:psql|mysql|mariadb|sqlite3?|pgadmin|phpmyadmin|workbench|sqlcmd|source|import\w*|run|execute\w*|load|apply|restore)\b|\\i",
    re.I,
)
_TAKES = re.compile(r"dump\b[^|]*>|^\s*copy\b", re.I)
"""What writes such a file, and reads none."""
_FILE = re.compile(r"[\w.-]+\.sql\b")
_AT_FIRST = "docker-entrypoint-initdb.d"
_DUMP = re.compile(rb"--\s+(?:postgresql database|mysql|mariadb|phpmyadmin sql)\s+dump\b", re.I)
_LARGEST = 200_000
_LONGEST = 2000


class RunFiles:
    """Tells of a file of SQL whether anything runs it."""

    def __init__(self, application: Application) -> None:
        self.application = application

    @functools.cached_property
    def mentioned(self) -> frozenset[str]:
        """File names that the code mentions, `open("schema.sql")`, and ends of those that it puts together."""
        return frozenset(
            node.value.rpartition("/")[2]
            for node, _ in self.application.code.of_kind(t.Const)
            if isinstance(node.value, str) and node.value.endswith(".sql")
        )

    def is_named(self, path: str) -> bool:
        """Whether anything may run a file: what names it, what runs all of a folder, or the server whose image it is."""
        if any(not name.removesuffix(".sql").strip("*") for name in self.mentioned):
            return True  # of a folder that is gone through
        parts = path.split("/")
        return (
            parts[-1] in self._named
            or any(f in self._folders for f in parts[:-1])
            or self._is_dump(path)
        )

    @functools.cached_property
    def _named(self) -> frozenset[str]:
        """The files that a deployment, another file of SQL or a line of instructions that runs something names."""
        named: set[str] = set()
        for path, line in self._lines:
            if _FILE.search(line) and not _TAKES.search(line):
                if _NAMING.search(path) or _RUNS.search(_FILE.sub("", line)):
                    named.update(_FILE.findall(line))
        return frozenset(named)

    @functools.cached_property
    def _folders(self) -> frozenset[str]:
        """The words of the lines that put a folder where an image of a database looks for scripts: `COPY sql/ /docker-…`."""
        lines = (line for _, line in self._lines if _AT_FIRST in line)
        return frozenset(
            word for line in lines for word in re.findall(r"[\w-]+", line.partition(_AT_FIRST)[0])
        )

    @functools.cached_property
    def _lines(self) -> list[tuple[str, str]]:
        tree, found = self.application.tree, []
        for file in tree.files:
            if file.size < _LARGEST and (
                _NAMING.search(file.path) or _INSTRUCTIONS.search(file.path)
            ):
                text = read(tree, file).decode("utf-8", "replace")
                if ".sql" in text or _AT_FIRST in text:
                    found += [(file.path, line[:_LONGEST]) for line in text.splitlines()]
        return found

    def _is_dump(self, path: str) -> bool:
        """Whether a database that stands was written down in it."""
        file = next(f for f in self.application.tree.files if f.path == path)
        return _DUMP.search(read(self.application.tree, file)[:2000]) is not None
