"""The README speaks of what there is."""

from __future__ import annotations

import re
from pathlib import Path

from auditor.assess.registry import all_rules
from auditor.assess.rule import SECTIONS

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_it_lists_every_rule_in_its_section() -> None:
    for section, title in SECTIONS.items():
        row = next(line for line in README.split("\n") if line.startswith(f"| {title} |"))
        assert re.findall(r"`([\w-]+)`", row) == [r.id for r in all_rules() if r.section == section]
