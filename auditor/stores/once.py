"""Code that runs once: migrations, and scripts that somebody starts by hand.

The queries of a migration are not the application's, its models are what tables once were. Those of a
script that fills or repairs the data are told, and ask for no index: no user waits for them.
"""

from __future__ import annotations

import re

from auditor.link.application import Application
from auditor.link.reach import Reach
from auditor.link.scopes import Module
from auditor.stores.running import Running

_FOLDER = re.compile(r"(?:^|/)(?:migrations?|alembic)(?:/|\.py$)")


def runs_once(module: Module) -> bool:
    """Whether a module is a migration: its queries run once, however long they take."""
    bound = module.scope.bindings.keys()
    django = {"Migration", "migrations"} <= bound
    return django or "down_revision" in bound or _FOLDER.search(module.path) is not None


_FOLDER_OF_SCRIPTS = re.compile(r"(?:^|/)(?:scripts?|tools?|bin|utilities)/(?:[^/]+/)*[^/]+\.py$")
_ERRAND = re.compile(
    r"(?:^|/)(?:\w+_)?(?:seed(?:s|er|ing)?|populate|migrate|backfill|reset|bootstrap)(?:_\w+)?\.py$"
)


def run_by_hand(application: Application, paths: set[str]) -> set[str]:
    """Those of these files that are scripts of which nothing tells that a program or service runs them."""
    (reach,) = application.facts(Reach)
    aside = {path for path in paths if path not in reach.modules}
    errands = {path for path in aside if _ERRAND.search(path)}
    scripts = {path for path in aside - errands if _FOLDER_OF_SCRIPTS.search(path)}
    programs = Running(application).programs if scripts else None
    return errands | {path for path in scripts if programs is None or path not in programs.modules}
