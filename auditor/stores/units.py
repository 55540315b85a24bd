"""Which of the tree's applications a query, an index or a table belongs to."""

from __future__ import annotations

from auditor.link.application import Application
from auditor.model.data import Index, Query, Table, UntoldIndexes
from auditor.model.web import WebApp

Key = tuple[str, str, str]
"""Application, store, collection."""


class Units:
    """The applications of a tree, by the folders that they lie in."""

    def __init__(self, application: Application) -> None:
        self.names = [app.name for app in application.facts(WebApp)]

    def key(self, found: Query | Index | UntoldIndexes | Table) -> Key:
        name = found.name if isinstance(found, Table) else found.collection
        return self.of(found.place.path), found.store, name

    def of(self, path: str) -> str:
        """The application that a file belongs to: the one whose directory holds it, closest first."""
        inside = [unit for unit in self.names if unit != "." and path.startswith(unit + "/")]
        alone = self.names[0] if len(self.names) == 1 else ""
        return max(inside, key=len, default="." if "." in self.names else alone)
