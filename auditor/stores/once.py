"""Code that runs once: migrations, and scripts that somebody starts by hand.

The queries of a migration are not the application's, its models are what tables once were. Those of a
script that fills or repairs the data are told, and ask for no index: no user waits for them.
"""

from __future__ import annotations

import re

from auditor.discover import Role
from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.reach import Reach, imported, is_main_guard
from auditor.link.scopes import Module
from auditor.stores.running import Running

_FOLDER = re.compile(r"(?:^|/)(?:migrations?|alembic)(?:/|\.py$)")


def runs_once(module: Module) -> bool:
    """Whether a module is a migration: its queries run once, however long they take."""
    bound = module.scope.bindings.keys()
    django = {"Migration", "migrations"} <= bound
    return django or "down_revision" in bound or _FOLDER.search(module.path) is not None


_FOLDER_OF_SCRIPTS = re.compile(
    r"(?:^|/)(?:scripts?|tools?|bin|utilities|benchmarks?)/(?:[^/]+/)*[^/]+\.py$", re.I
)
_FILLING = re.compile(
    r"(?:^|/)(?:\w+_)?(?:seed(?:s|er|ing)?|populate|migrate|backfill|reset|bootstrap)(?:_\w+)?\.py$"
)
_ERRAND = re.compile(
    r"(?:^|/)(?:add|adjust|assign|check|clean|cleanup|clear|convert|copy|count|create|debug|delete|deduplicate|dump"
    r"|drop|export|find|fix|generate|get|import|inspect|init|insert|link|list|load|make|manual|merge|move|print"
    r"|promote|purge|recreate|remove|rename|repair|restore|revert|sanitize|set|setup|show|test|truncate|update"
    r"|upgrade|upload|validate|verify|view|wipe)_\w+\.py$"
)
"""Scripts that are called by what somebody does with them."""


def run_by_hand(application: Application, paths: set[str]) -> set[str]:
    """Those of these files that are scripts of which nothing tells that a program or service runs them."""
    (reach,) = application.facts(Reach)
    aside = {path for path in paths if path not in reach.modules}
    filling = {path for path in aside if _FILLING.search(path)}
    modules = application.code.modules
    scripts = {
        path
        for path in aside - filling
        if _FOLDER_OF_SCRIPTS.search(path) or (_ERRAND.search(path) and _starts(modules[path]))
    }
    scripts -= _used(application, scripts)
    programs = Running(application).programs if scripts else None
    return filling | {path for path in scripts if programs is None or path not in programs.modules}


def _starts(module: Module) -> bool:
    """Whether a module does something by itself, and is no part of something else."""
    calls = (s for s in module.body if isinstance(s, t.Do | t.For | t.With | t.Try))
    return any(map(is_main_guard, module.body)) or any(not _is_text(s) for s in calls)


def _is_text(stmt: t.Stmt) -> bool:
    return isinstance(stmt, t.Do) and isinstance(stmt.value, t.Const)


def _used(application: Application, scripts: set[str]) -> set[str]:
    """Those of these files that other code imports which is no script itself: a worker's, a job's."""
    sources = (
        {f.path for f in application.tree.files if f.role is Role.SOURCE} if scripts else set()
    )
    return {
        module.path
        for path, importer in application.code.modules.items()
        if path in sources and not _FOLDER_OF_SCRIPTS.search(path) and not _ERRAND.search(path)
        for module in imported(application.code, importer)
        if module.path in scripts
    }
