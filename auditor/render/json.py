"""The report as JSON, as published in `auditor/report/schema.json`."""

from __future__ import annotations

from auditor.report.document import Report, to_json


def render(report: Report) -> str:
    return to_json(report).decode()
