"""Tables of one name in several databases of SQLite, of which each has indexes of its own."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Sequence

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.scopes import Scope
from auditor.model.data import Index, Query
from auditor.stores.sql.statements.scripts import statement_steps

_FILE = re.compile(r"([\w.-]+\.(?:db3?|s3db|sqlite3?))(?:\?[^/]*)?$")
_DEEPEST = 4
"""`path = Path(path)` gives itself."""


class Databases:
    """The files that modules open, and what they create there."""

    def __init__(self, application: Application) -> None:
        self.application = application
        opened: dict[str, set[str]] = defaultdict(set)
        for site in application.code.calls("sqlite3.connect", "aiosqlite.connect"):
            opened[site.path] |= self._names(site.arg(0, "database"), site.scope)
        self.opened = {path: files for path, files in opened.items() if "" not in files}

    def _names(self, path: t.Expr | None, scope: Scope, depth: int = 0) -> set[str]:
        """What a file may be called, whatever folder it lies in; empty where that is not told."""
        found: set[str] = set()
        sources = self.application.values.sources(path, scope) if depth < _DEEPEST else []
        for source in sources:
            match source.node:
                case t.Const(value=str(text)):
                    found.add(name[1] if (name := _FILE.search(text)) else "")
                case t.Text(parts=[*_, last]) | t.Call(args=[*_, last]) | t.BinOp(right=last):
                    found |= self._names(last, source.scope, depth + 1)
                case _:
                    found.add("")
        return found or {""}

    @functools.cached_property
    def _made(self) -> dict[str, dict[str, set[tuple[str, ...]]]]:
        """By table and module, what the module's own statements index of it."""
        made: dict[str, dict[str, set[tuple[str, ...]]]] = defaultdict(lambda: defaultdict(set))
        for step, origin in statement_steps(self.application):
            if step.action in ("table", "key", "constraint", "index"):
                made[step.table][origin.path].add(tuple(name for name, _ in step.columns))
        return made

    def there(self, query: Query, indexes: Sequence[Index]) -> Sequence[Index]:
        """Without those that only another database has, where a query's own has a table of that name too."""
        own = self.opened.get(query.place.path, set())
        if not own or len(set().union(*self.opened.values())) == 1:
            return indexes
        made = self._made.get(query.collection, {})
        near = [told for path, told in made.items() if self.opened.get(path, own) & own]
        here = set().union(*near)
        return [
            i for i in indexes
            if not here or i.place.path not in made or tuple(name for name, _ in i.fields) in here
        ]  # fmt: skip
