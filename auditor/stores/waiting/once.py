"""Migrations: code that runs once. Their queries are not the application's, their models are what tables once were."""

from __future__ import annotations

import re

from auditor.link.scopes import Module

_FOLDER = re.compile(r"(?:^|/)(?:migrations?|alembic)(?:/|\.py$)")


def runs_once(module: Module) -> bool:
    """Whether a module is a migration: its queries run once, however long they take."""
    bound = module.scope.bindings.keys()
    django = {"Migration", "migrations"} <= bound
    return django or "down_revision" in bound or _FOLDER.search(module.path) is not None
