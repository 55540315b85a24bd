"""What every way through a function has checked before it lets the caller pass.

A guard is judged by its paths. Walking the statements of a function, each path collects the
*strength* of the tests it has passed: nothing, the presence or form of a credential, a comparison
with a secret whose default stands in the code, something outside the tree that cannot be judged,
or a real verification (signature, session or key lookup, password check, comparison with a secret
from outside). A path ends by turning the caller away (an exception, a response of 401 or 403) or
by accepting. The function verifies when no accepting path lacks a verification.

Where tests meet again after both branches went on, what only one of them knew is forgotten: an
outcome that changes nothing is not a check. An exception handler starts with what was known before
the `try`, so a verification whose failure is swallowed does not count.
"""

from __future__ import annotations

from auditor.link.checks.recognised import recognises, signing, vouches
from auditor.link.checks.strength import (
    OF_NOBODY,
    Exit,
    Origin,
    Strength,
    Summary,
    Verification,
)
from auditor.link.checks.summaries import Checks

__all__ = [
    "OF_NOBODY",
    "Checks",
    "Exit",
    "Origin",
    "Strength",
    "Summary",
    "Verification",
    "recognises",
    "signing",
    "vouches",
]
