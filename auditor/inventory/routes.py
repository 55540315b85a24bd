"""Every route, what guards it, what limits it, what validates its input; the worst first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from auditor.link.application import Application
from auditor.model.validation import Validation
from auditor.model.web import Guarding, Intake, Limited

STATES = tuple(state.value for state in Guarding)
_MEANS = {
    "decorative": "a guard that verifies nothing",
    "absent": "open to everybody",
    "optional": "guarded, though not on every way",
    "unknown": "cannot be told from this tree",
    "exempt": "public by nature, or a sign-in",
    "enforced": "behind authentication",
}
_COLOURS = {
    "decorative": "bold red", "absent": "bold red", "optional": "yellow", "unknown": "yellow", "exempt": "cyan",
    "enforced": "green",
}  # fmt: skip
_WORDS = {
    "present": "yes",
    "weak": "weak",
    "absent": "no",
    "decorative": "void",
    "not-applicable": "-",
}
_METHOD, _SHORT = 9, 5
_LEAST = 72


class By(msgspec.Struct, frozen=True):
    """What does it; `via` is parameter, decorator, router, include, application, …"""

    name: str
    file: str
    line: int
    via: str


class Control(msgspec.Struct, frozen=True):
    state: str
    by: list[By]


class RouteRow(msgspec.Struct, frozen=True):
    method: str
    path: str
    handler: str
    file: str
    line: int
    framework: str
    application: str
    authentication: Control
    rate_limit: Control
    validation: Control


class Shown(msgspec.Struct, frozen=True):
    """A row, and why its route is public by nature, which only people are told."""

    row: RouteRow
    public: str

    @property
    def state(self) -> str:
        return self.row.authentication.state


def as_json(found: Sequence[Shown]) -> list[RouteRow]:
    return [each.row for each in found]


def rows(application: Application) -> list[Shown]:
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


def _row(found: Limited, intakes: Sequence[Intake], checked: Validation | None) -> Shown:
    route = found.route
    guards = [By(g.name, g.place.path, g.place.line, g.via) for g in route.guards]
    limits = [By(x.name, x.place.path, x.place.line, x.via) for x in found.limits]
    row = RouteRow(
        route.method,
        route.path,
        route.handler,
        route.place.path,
        route.place.line,
        route.framework,
        route.application,
        Control(route.authentication.value, guards),
        Control(found.state.value, limits),
        _validation(found, intakes, checked),
    )
    return Shown(row, route.public)


def _validation(found: Limited, intakes: Sequence[Intake], checked: Validation | None) -> Control:
    taken = [p for p in found.route.parameters if p.source in ("body", "form", "query", "file")]
    if intakes and all(i.kind == "unasked" for i in intakes):
        state = "decorative"
    elif any(i.kind != "unbounded" for i in intakes):
        state = "absent"
    elif intakes:
        state = "weak"
    else:
        state = "present" if taken or checked else "not-applicable"
    by = [
        By(p.type.rpartition(":")[2], p.model.path, p.model.node.line, "parameter")
        for p in taken
        if p.model is not None
    ]
    if checked is not None and checked.by:
        by.append(By(checked.by, checked.place.path, checked.place.line, "body"))
    return Control(state, by)


# --- for people


def show(found: Sequence[Shown], width: int) -> Iterator[list[tuple[str, str]]]:
    """Lines of (text, style): a group for each application and state, the worst first; a summary.

    `width` is in characters; what does not fit is shortened.
    """
    if not found:
        yield [("no routes", "dim")]
        return
    columns = _Columns(found, max(width, _LEAST))
    for (name, framework), group in groupby(
        found, lambda each: (each.row.application, each.row.framework)
    ):
        listed = list(group)
        title = framework if name == "." else f"{name}  {framework}"
        yield [(title, "bold"), (f", {_count(len(listed))}", "")]
        yield [(columns.line("method", "path", "guard", "limit", "input", "place"), "dim")]
        for state, same in groupby(listed, lambda each: each.state):
            members = list(same)
            yield [(f"  {state} · {len(members)}", _COLOURS[state]), (f"  {_MEANS[state]}", "dim")]
            for each in members:
                yield [(columns.row(each), "")]
        yield [("", "")]
    listed_rows = as_json(found)
    states = Counter(each.state for each in found)
    told = ", ".join(f"{states[state]} {state}" for state in STATES if states[state])
    yield [(f"{_count(len(found))}: {told}", "bold")]
    limited = sum(row.rate_limit.state in ("present", "weak") for row in listed_rows)
    taking = [row for row in listed_rows if row.validation.state != "not-applicable"]
    checked = sum(row.validation.state in ("present", "weak") for row in taking)
    yield [(f"limited: {limited} of {len(found)}; input checked: {checked} of {len(taking)}", "")]


class _Columns:
    """Widths of path, guard and place: the path gets what the others leave."""

    def __init__(self, found: Sequence[Shown], width: int) -> None:
        room = width - (4 + _METHOD + 2 * _SHORT + 10)
        self.guard = room
        wanted = (
            max(5, *(len(each.row.path) for each in found)),
            max(5, *(len(self._guard(each)) for each in found)),
            max(5, *(len(f"{each.row.file}:{each.row.line}") for each in found)),
        )
        least = (room * 40 // 100, room * 26 // 100, room * 34 // 100)
        short = [min(each, low) for each, low in zip(wanted, least, strict=True)]
        for index in (0, 2, 1):
            short[index] = min(wanted[index], short[index] + room - sum(short))
        self.path, self.guard, self.place = short

    def row(self, shown: Shown) -> str:
        row = shown.row
        return self.line(
            row.method,
            row.path,
            self._guard(shown),
            _WORDS[row.rate_limit.state],
            _WORDS[row.validation.state],
            f"{row.file}:{row.line}",
        )

    def _guard(self, shown: Shown) -> str:
        """The guards by name, as many as fit; why a route is public where none stands before it."""
        names = list(dict.fromkeys(by.name for by in shown.row.authentication.by))
        if not names:
            return f"({shown.public})" if shown.public else "-"
        for kept in range(len(names), 0, -1):
            more = f" +{len(names) - kept}" if kept < len(names) else ""
            text = ", ".join(names[:kept]) + more
            if len(text) <= self.guard:
                return text
        return names[0]

    def line(self, method: str, path: str, guard: str, limit: str, taken: str, place: str) -> str:
        cells = (
            f"{method:<{_METHOD}}",
            f"{_middle(path, self.path):<{self.path}}",
            f"{_middle(guard, self.guard):<{self.guard}}",
            f"{limit:<{_SHORT}}",
            f"{taken:<{_SHORT}}",
            _tail(place, self.place),
        )
        return ("    " + "  ".join(cells)).rstrip()


def _middle(text: str, width: int) -> str:
    if len(text) <= width:
        return text
    kept = width - 1
    return text[: kept - kept // 2] + "…" + text[len(text) - kept // 2 :]


def _tail(place: str, width: int) -> str:
    """The end of a place, from a directory on where one fits."""
    if len(place) <= width:
        return place
    parts = place.split("/")
    for start in range(1, len(parts)):
        text = "…/" + "/".join(parts[start:])
        if len(text) <= width:
            return text
    return "…" + place[len(place) - width + 1 :]


def _count(number: int) -> str:
    return f"{number} route" if number == 1 else f"{number} routes"
