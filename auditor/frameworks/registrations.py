"""Open routes that make accounts: the registration that an application has, or one that hands out rights."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.signins import chosen_right, makes_account
from auditor.link.application import Application
from auditor.link.names import Code
from auditor.model.openness import Openness, OpenRead
from auditor.model.web import Guarding, Route

REGISTERS = "it makes an account from a password that is sent, and nothing else registers anybody"


_STAFF = "whoever finds it becomes an administrator"
_OF_STAFF = re.compile(r"(?:^|[/_-])(?:super)?admin(?:istrator)?s?(?:$|[/_-])|superuser", re.I)
_FIRST_ONLY = re.compile(
    r"^(?:\w*admins?_?exists?|(?:has|no|first|any)_?(?:\w+_)?admins?|\w*count\w*|\w*(?:secret|invite|invitation|setup|allow)\w*"
    r"|\w*(?:admin|access|master|security|registration)_?(?:code|key|token|pin|pass)\w*|is_?first\w*)$",
    re.I,
)
"""Words of what holds a registration of staff back: it is for the first of them, or asks for a secret."""


def _registers_staff(code: Code, route: Route) -> bool:
    """Whether a registration that everybody reaches makes administrators, whoever else there is."""
    function = route.function
    if route.public != "registration" or not (route.writes or route.method == "ANY"):
        return False
    if route.authentication is not Guarding.EXEMPT or function is None:
        return False
    if not isinstance(function.node, t.Function) or not _OF_STAFF.search(
        f"{route.path}/{function.node.name}"
    ):
        return False
    words = (
        n.id if isinstance(n, t.Name) else n.name if isinstance(n, t.Attr) else str(n.value)
        for n in t.walk_own(*function.node.body)
        if isinstance(n, t.Name | t.Attr) or (isinstance(n, t.Const) and isinstance(n.value, str))
    )
    return not any(_FIRST_ONLY.match(word[:60]) for word in words)


def registrations(application: Application, unguarded: list[Route]) -> list[Route]:
    """Open routes that make an account, where somebody signs in and no other route registers anybody.

    Whether everybody may, or only staff should, is not told: it is named, and not as a change of data.
    """
    made = [r for r in unguarded if r.method == "POST" and makes_account(application.code, r)]
    if not made:
        return []
    there = {(r.application, r.public) for r in application.facts(Route) if r.method != "GET"}
    return [
        r
        for r in made
        if (r.application, "login") in there and (r.application, "registration") not in there
    ]


def rights_given(application: Application, known: list[Route]) -> Iterator[OpenRead]:
    """Registrations that make administrators, or let whoever registers choose to be one."""
    for route in known:
        if _registers_staff(application.code, route):
            yield OpenRead(route.application, route.name, Openness.PRIVATE, _STAFF)
        elif route.public == "registration" and (field := chosen_right(application.code, route)):
            why = f"whoever registers sets `{field}` himself"
            yield OpenRead(route.application, route.name, Openness.PRIVATE, why)
