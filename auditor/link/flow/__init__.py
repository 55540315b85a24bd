"""How what the caller sent flows through functions, and which sinks it reaches.

A walk over statements in order carries what every variable holds of the caller's (`Taint`). Branches
meet, loops run twice, a test that turns a value away cleans it on the way that goes on
(``validation``). Calls of functions of the tree are followed; what a function does with
what it is given is remembered by the shape of what it is given, so that every function is walked a
few times at most, whatever the call graph looks like.

Frameworks say what enters (`reads_request`), libraries what is dangerous (`@drains`).
"""

from __future__ import annotations

from auditor.link.flow.calls import Reached, drains, reads_request
from auditor.link.flow.engine import Flow
from auditor.link.flow.models import patterned, validated_fields
from auditor.link.flow.summaries import Hit, bring, bring_source
from auditor.link.flow.taint import Form, Source, Taint, leaves

__all__ = [
    "Flow",
    "Form",
    "Hit",
    "Reached",
    "Source",
    "Taint",
    "bring",
    "bring_source",
    "drains",
    "leaves",
    "patterned",
    "reads_request",
    "validated_fields",
]
