"""The conditions that a filter puts on fields, in whatever way it was written.

Filters in MongoDB's query language, keyword arguments of MongoEngine and expressions of Beanie and ODMantic
all become these; a query is made for each alternative that they leave.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.link.assembly import Branches
from auditor.model.values import Plain
from auditor.stores.spans import ABOVE

MOST = 16
"""Alternatives of one filter."""
_SOME = "which of these fields it asks is decided at run time"
FEW = 3
"""Optional fields that are looked at alone; of more, callers use combinations that cannot be told."""


def narrowed(
    found: list[Conditions], more: list[Conditions], branches: Branches
) -> list[Conditions]:
    """A search to which another step adds conditions, in all runs or in those that take some branches."""
    if not branches or 1 < len(more) <= MOST // len(found or more):  # one of several, if any
        return [a.joined(b, branches) for a in found for b in more][:MOST]
    for each in found:
        for part in more:
            each.add(part, branches)
    return found


@dataclass
class Conditions:
    """What one filter asks: the fields it compares, and how.

    `kinds` is field -> equality, range, above (more than 0) or scanned; `values` the constants that fields are compared with. `optional` are fields that are compared in some
    runs only, with the branches that these take; `either` are alternatives (`$or`), with whether they are only there in some runs,
    and `own` those among them that are the value of its own `$or`, by their identity: another one takes their place.
    """

    kinds: dict[str, str] = field(default_factory=dict)
    broad: set[str] = field(default_factory=set)
    optional: dict[str, Branches] = field(default_factory=dict)
    values: dict[str, tuple[Plain, ...]] = field(default_factory=dict)
    special: str = ""
    unresolved: str = ""
    either: list[tuple[list[Conditions], bool]] = field(default_factory=list)
    own: set[int] = field(default_factory=set)

    def add(self, more: Conditions, branches: Branches = ()) -> None:
        broad = set(more.broad)
        for name, kind in more.kinds.items():
            taken = (*branches, *more.optional.get(name, ()))
            narrow = name not in self.broad | self.optional.keys()
            if name not in self.kinds:
                self.kinds[name] = kind
                if taken:
                    self.optional[name] = taken
            elif not taken and narrow and name in broad:
                broad.discard(name)  # `{"$in": …}`, and `{"$nin": …}` besides: what narrows counts
            elif not taken and name in self.broad and name not in broad:
                self.broad.discard(name)
                self.optional.pop(name, None)
                self.kinds[name] = kind
            elif not taken:
                self.optional.pop(name, None)
                if kind == "equality" or (kind, self.kinds[name]) == ("range", ABOVE):
                    self.kinds[name] = kind
            elif any(-branch in taken for branch in self.optional.get(name, ())):
                del self.optional[name]  # one way or the other
        self.broad |= broad
        self.values |= more.values
        self.special = self.special or ("" if branches else more.special)
        self.unresolved = self.unresolved or more.unresolved
        self.either += [(ways, bool(branches) or maybe) for ways, maybe in more.either]
        self.own |= more.own

    def without(self, name: str, branches: Branches = ()) -> None:
        """Forget a field that is not asked for after all, in some runs or in all."""
        if branches and name in self.kinds:
            self.optional.setdefault(name, branches)
        elif not branches:
            self.kinds.pop(name, None)
            self.values.pop(name, None)
            self.broad.discard(name)
            self.optional.pop(name, None)
            if name == "$or":
                self.either = [each for each in self.either if id(each[0]) not in self.own]

    def without_all(self, roots: set[str]) -> None:
        """Forget the fields below some others, in the alternatives as well."""
        for name in [name for name in self.kinds if name.partition(".")[0] in roots]:
            self.without(name)
        for way in (way for ways, _ in self.either for way in ways):
            way.without_all(roots)

    def copies(self, count: int) -> list[Conditions]:
        """Itself, and as many more as to be `count`, for what may be one of several."""
        return [self, *(Conditions().joined(self) for _ in range(count - 1))]

    def joined(self, more: Conditions, branches: Branches = ()) -> Conditions:
        both = Conditions()
        both.add(self)
        both.add(more, branches)
        return both

    @property
    def narrows(self) -> bool:
        """Whether something is asked in every run by which an index finds little."""
        return bool(self.special) or any(
            kind != "scanned" and name not in self.broad | self.optional.keys()
            for name, kind in self.kinds.items()
        )

    def flat(self) -> Iterator[Conditions]:
        """One for each alternative, without the optional fields and with each.

        Of more than a few optional fields, callers use combinations that cannot be told.
        """
        for one in self._chosen():
            always = Conditions().joined(one)
            always.either = []
            for name in one.optional:
                always.without(name)
            yield always
            asked = one.optional.keys() - one.broad if one.narrows else one.optional.keys()
            if len(one.optional.keys() - one.broad) <= FEW:
                yield from map(one.asking, sorted(asked))
            elif asked:
                some = Conditions().joined(one)
                some.either = []
                some.broad |= one.optional.keys()
                some.unresolved = some.unresolved or _SOME
                yield some
            if one.narrows:
                continue
            for ways, _ in one.either:
                for way in ways:
                    yield always.joined(way)

    def _chosen(self) -> list[Conditions]:
        """One for each of the alternatives that there are in every run, nested ones included."""
        plain = Conditions()
        plain.add(self)
        plain.either = [(ways, maybe) for ways, maybe in self.either if maybe]
        found = [plain]
        for ways, maybe in self.either:
            if not maybe:
                parts = [part for way in ways for part in way._chosen()]
                found = [a.joined(b) for a in found for b in parts][:MOST]
        return found

    def asking(self, name: str) -> Conditions:
        """The same in a run in which an optional field is compared, and what comes with it."""
        one = Conditions()
        one.add(self)
        for other, branches in self.optional.items():
            if not set(branches) <= set(self.optional[name]):
                del one.kinds[other]
        one.either = []
        return one

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        return tuple(name for name, each in self.kinds.items() if each in kinds)
