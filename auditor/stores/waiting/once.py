"""Migrations: code that runs once. Their queries are not the application's, their models are what tables once were."""

from __future__ import annotations

import re

from auditor.link.scopes import Module

_FOLDER = re.compile(r"(?:^|/)(?:migrations?|alembic)/")
_FILE = re.compile(r"(?:^|/)(?:migrations?|alembic)\.py$")


def runs_once(module: Module) -> bool:
    """Whether a module is a migration, or holds them: its queries run once, however long they take."""
    return is_migration(module) or _FILE.search(module.path) is not None


def is_migration(module: Module) -> bool:
    """Whether a module is one of those that a tool runs in their order."""
    bound = module.scope.bindings.keys()
    django = {"Migration", "migrations"} <= bound
    return django or "down_revision" in bound or _FOLDER.search(module.path) is not None
