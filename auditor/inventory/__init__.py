"""Inventories: listings of one part of the model, useful by themselves.

One module per inventory with `rows(application)`, which gives the structs that are its JSON, and
`table(rows)`, which gives the columns and cells for people. Formats of its own stand in `EXPORTS`.
"""

from __future__ import annotations

import importlib
from typing import Any

NAMES = ("routes", "data", "settings", "dependencies")


def inventory(name: str) -> Any:
    """The module of an inventory."""
    return importlib.import_module(f"auditor.inventory.{name}")
