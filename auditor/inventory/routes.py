"""Every route, what guards it, what limits it, what validates its input; the worst first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from auditor.link.application import Application
from auditor.model.validation import Validation
from auditor.model.web import Guarding, Intake, Limited


class By(msgspec.Struct, frozen=True):
    """What does it; `via` is parameter, decorator, router, include, application, …"""

    name: str
    file: str
    line: int
    via: str


class Authentication(msgspec.Struct, frozen=True):
    state: str
    by: list[By]
    reason: str


class Control(msgspec.Struct, frozen=True):
    state: str
    by: list[By]


class RouteRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """`pattern` is the path as the framework writes it, given where it reads otherwise."""

    method: str
    path: str
    handler: str
    file: str
    line: int
    framework: str
    application: str
    authentication: Authentication
    rate_limit: Control
    validation: Control
    pattern: str = ""


def rows(application: Application) -> list[RouteRow]:
    """Rows by application, then by state, worst first, then in the order of registration."""
    intakes: dict[int, list[Intake]] = defaultdict(list)
    for intake in application.facts(Intake):
        intakes[id(intake.route)].append(intake)
    checks = {id(each.route): each for each in application.facts(Validation)}
    worst = list(Guarding)
    found = sorted(
        application.facts(Limited),
        key=lambda f: (f.route.application, worst.index(f.route.authentication)),
    )
    return [
        _row(each, intakes.get(id(each.route), []), checks.get(id(each.route))) for each in found
    ]


def _row(found: Limited, intakes: Sequence[Intake], checked: Validation | None) -> RouteRow:
    route = found.route
    guards = [By(g.name, g.place.path, g.place.line, g.via) for g in route.guards]
    reasons = [g.reason for g in route.guards] or ([route.public] if route.public else [])
    limits = [By(x.name, x.place.path, x.place.line, x.via) for x in found.limits]
    taken = [p for p in route.parameters if p.source in ("body", "form", "query", "file")]
    if intakes and all(i.kind == "unasked" for i in intakes):
        validation = "decorative"
    elif any(i.kind != "unbounded" for i in intakes):
        validation = "absent"
    elif intakes:
        validation = "weak"
    else:
        validation = "present" if taken or checked else "not-applicable"
    models = [
        By(p.type.rpartition(":")[2], p.model.path, p.model.node.line, "parameter")
        for p in taken
        if p.model is not None
    ]
    if checked is not None and checked.by:
        models.append(By(checked.by, checked.place.path, checked.place.line, "body"))
    return RouteRow(
        route.method,
        route.path,
        route.handler,
        route.place.path,
        route.place.line,
        route.framework,
        route.application,
        Authentication(route.authentication.value, guards, "; ".join(dict.fromkeys(reasons))),
        Control(found.state.value, limits),
        Control(validation, models),
        "" if route.written == route.path else route.written,
    )


def table(found: Sequence[RouteRow]) -> tuple[list[str], list[list[str]]]:
    columns = ["application", "state", "method", "path", "guard", "limit", "input", "place"]
    return columns, [
        [
            row.application,
            row.authentication.state,
            row.method,
            row.path,
            ", ".join(f"{by.name} ({by.via})" for by in row.authentication.by)
            or row.authentication.reason,
            ", ".join(by.name for by in row.rate_limit.by),
            row.validation.state,
            f"{row.file}:{row.line}",
        ]
        for row in found
    ]
