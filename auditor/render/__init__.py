"""How a report is shown: one module per format, one function each."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from auditor.report.document import Report

FORMATS = {"terminal": ".txt", "markdown": ".md", "json": ".json"}
"""Format -> the file suffix that stands for it."""


def renderer(format_: str) -> Callable[[Report], str]:
    """The function that renders a report; imported when wanted, as rich is slow to import."""
    module = importlib.import_module(f"auditor.render.{format_}")
    render: Callable[[Report], str] = module.render
    return render
