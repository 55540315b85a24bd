"""What the analyser makes of a tree with one guard less, without writing anything."""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from auditor.assess.registry import all_rules
from auditor.assess.rule import Rule
from auditor.assess.verdict import State
from auditor.discover import Kind, Role, read
from auditor.extract.pipeline import extract_source
from auditor.extract.source import Source, Stage
from auditor.link.application import Application
from auditor.model.web import Guarding, Route
from tests.mutation.expected import Expectation, Mutation
from tests.mutation.names import Names
from tests.mutation.sites import Site, sites

OPEN = {Guarding.ABSENT, Guarding.DECORATIVE, Guarding.OPTIONAL}
Key = tuple[str, str, str, str]
States = dict[Key, list[Guarding]]


@dataclass
class Trial:
    """A tree and what is known of it; `overlay` holds the files that differ from it."""

    base: Application
    overlay: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def sources(self) -> dict[str, str]:
        """The text of every source file in Python."""
        found = {}
        for file in self.base.tree.files:
            if file.kind is Kind.PYTHON and file.role is Role.SOURCE:
                data = read(self.base.tree, file)
                found[file.path] = data.decode("utf-8", "replace").removeprefix("\ufeff")
        return found | dict(self.overlay)

    @cached_property
    def application(self) -> Application:
        return changed(self.base, self.overlay) if self.overlay else self.base

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        return self.application.facts(Route)

    @cached_property
    def names(self) -> Names:
        return Names.of(self.sources)

    @cached_property
    def states(self) -> States:
        return states(self.routes)

    @cached_property
    def findings(self) -> Counter[str]:
        return findings(self.application)

    def mutations(self) -> list[Mutation]:
        """Every guard that can be taken out."""
        found = [s for path, text in self.sources.items() for s in self._sites(path, text)]
        return list(Expectation(self.routes, self.names, found, self.sources).mutations())

    def _sites(self, path: str, text: str) -> list[Site]:
        handlers = {route.place.path for route in self.routes}
        words = (
            "dependencies", "before_", "decorators", "permission_classes", "PERMISSION_CLASSES",
            "Depends(", "path(",
        )  # fmt: skip
        return sites(path, text) if path in handlers or any(w in text for w in words) else []

    def without(self, site: Site) -> Trial:
        return Trial(self.base, {**self.overlay, site.path: site.mutated()})

    def judge(self, mutation: Mutation) -> str:
        """Why the report is not exact once a guard is gone; empty where it is."""
        after = self.without(mutation.site)
        try:
            compile(after.sources[mutation.site.path], mutation.site.path, "exec")
        except SyntaxError as error:
            return f"the mutation is not Python ({error.msg})"
        wanted = Counter(key_of(route) for route in (*mutation.opened, *mutation.exempt))
        moved = _moved(self.states, after.states)
        for key in map(key_of, mutation.unsure):
            moved.pop(key, None)
        if moved != wanted:
            return "; ".join(_differences(wanted, moved, self.states, after.states))
        for route in mutation.opened:
            key = key_of(route)
            rest = {guard.state for guard in route.guards if guard.state is Guarding.UNKNOWN}
            if not set(after.states[key]) & (OPEN | rest):
                return f"{_name(key)} is {after.states[key][0].value} afterwards"
        return self._reported(mutation, after)

    def _reported(self, mutation: Mutation, after: Trial) -> str:
        """What the findings lack or have too many; those at weaker guards name no single route."""
        unguarded = Counter(
            _subject(r) for r in after.routes if r.authentication is Guarding.ABSENT
        ) - Counter(_subject(r) for r in self.routes if r.authentication is Guarding.ABSENT)
        known = {_subject(route) for route in self.routes}
        new = Counter({s: n for s, n in (after.findings - self.findings).items() if s in known})
        gone = [s for s in self.findings - after.findings if s in known]
        if set(new) != set(unguarded) or gone:
            return f"findings: {sorted(new)} instead of {sorted(unguarded)}; gone: {gone}"
        return ""


def changed(base: Application, overlay: Mapping[str, str]) -> Application:
    """The application as it would be with other contents of some files."""
    extraction = copy.copy(base.extraction)
    facts, late = dict(base.extraction.facts), dict(base.extraction.late_facts)
    for file in base.tree.files:
        if file.path in overlay:
            name = file.path.rpartition("/")[2]
            source = Source(file.kind, file.role, name, overlay[file.path].encode())
            facts[file.path] = tuple(extract_source(source))
            if late.get(file.path) is not None:
                late[file.path] = tuple(extract_source(source, Stage.LATE))
    vars(extraction).update(facts=facts, late_facts=late)
    return Application(base.tree, extraction, base.lookup, base.today)


def rule_named(name: str) -> Rule:
    return next(rule for rule in all_rules() if rule.id == name)


def findings(application: Application) -> Counter[str]:
    """The subjects of what is found wrong with authentication."""
    verdict = rule_named("authentication").assess(application)
    return Counter(p.subject for p in verdict.evidence if p.state is not State.PRESENT)


def key_of(route: Route) -> Key:
    return route.application, route.name, route.place.path, route.handler


def _subject(route: Route) -> str:
    return f"{route.application} {route.name}"


def states(routes: Iterable[Route]) -> States:
    found: States = defaultdict(list)
    for route in routes:
        found[key_of(route)].append(route.authentication)
    return {key: sorted(each) for key, each in found.items()}


def _moved(before: States, after: States) -> Counter[Key]:
    """How many routes of each key have another state, have come or have gone."""
    moved: Counter[Key] = Counter()
    for key in before.keys() | after.keys():
        old, new = Counter(before.get(key, ())), Counter(after.get(key, ()))
        moved[key] = max((old - new).total(), (new - old).total())
    return +moved


def _differences(
    wanted: Counter[Key], moved: Counter[Key], before: States, after: States
) -> Iterable[str]:
    for what, keys in (("not opened", wanted - moved), ("also changed", moved - wanted)):
        for key in list(keys)[:4]:
            old = ", ".join(s.value for s in before.get(key, ())) or "nothing"
            new = ", ".join(s.value for s in after.get(key, ())) or "nothing"
            yield f"{what}: {_name(key)} ({old} -> {new})"
        if len(keys) > 4:
            yield f"{what}: {len(keys) - 4} more"


def _name(key: Key) -> str:
    return f"{key[1]} [{key[3]}]"
