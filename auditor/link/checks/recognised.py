"""What libraries and frameworks say of verifying; they register it here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from auditor.extract.python import tree as t
from auditor.link.checks.strength import (
    Origin,
    Verification,
)
from auditor.link.scopes import CallSite, Scope
from auditor.link.values import Evaluator

if TYPE_CHECKING:
    from auditor.link.checks.summaries import Checks

Recogniser = Callable[[CallSite, str, Evaluator], "Verification | None"]
RECOGNISERS: list[Recogniser] = []


def recognises(recogniser: Recogniser) -> Recogniser:
    """Register a library's verifying functions: (call, canonical name, evaluator) -> effect."""
    RECOGNISERS.append(recogniser)
    return recogniser


SIGNED: dict[str, list[re.Pattern[str]]] = {}
"""Last names of calls that verify what was signed -> their canonical names."""


def signing(names: re.Pattern[str], *last: str) -> None:
    """Register the functions of libraries that verify what was signed, by their last names."""
    for each in last:
        SIGNED.setdefault(each, []).append(names)


Voucher = Callable[[t.Expr, str, Scope, "Checks"], "Origin | None"]
VOUCHERS: list[Voucher] = []


def vouches(voucher: Voucher) -> Voucher:
    """Register what a framework says of the caller: (expression, canonical name, scope, checks).

    A signed session, `request.user`, `flask_login.current_user`. The origin's `truth` is what holds
    when the expression is truthy; `identity` marks the caller as the framework knows him, who may be
    nobody, so that only comparing him with something tells.
    """
    VOUCHERS.append(voucher)
    return voucher
