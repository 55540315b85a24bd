"""Whether an index serves a query, for ordered stores of any kind.

An index serves in full when no other index could do better: it narrows the search to one run of its
keys, decides every condition on the keys, and gives the records in the order asked for. That is the
case when its fields are those compared for equality, in any order, then those sorted by, in theirs,
then those compared otherwise. Sources: MongoDB, "The ESR Guideline" and "Compound Indexes"
(https://www.mongodb.com/docs/manual/tutorial/equality-sort-range-guideline/); PostgreSQL, "Multicolumn
Indexes" and "Indexes and ORDER BY" (https://www.postgresql.org/docs/current/indexes-multicolumn.html);
MySQL, "Multiple-Column Indexes" (https://dev.mysql.com/doc/refman/8.4/en/multiple-column-indexes.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from auditor.model.data import Bound, Fit, Index, Match, Query
from auditor.model.values import Plain
from auditor.stores.spans import above

_RANK = {Fit.COVERED: 0, Fit.PARTIAL: 1, Fit.MISSING: 2, Fit.UNKNOWN: 3}

_DELETED = re.compile(
    r"(?:^|\.)(?:is_|date_?|time_?|when_)?(?:soft_?)?(?:deleted|removed|archived|trashed)(?:_?(?:at|on|by|date|time|ts))?(?:_id)?$",
    re.I,
)
"""Names of the marks of soft deletion: what is asked for is nearly always all that does not have it."""


def best(query: Query, indexes: Iterable[Index], constant: str = "") -> Match:
    """How the best of a collection's indexes serves a query; `constant` says why it stays small."""
    need = Need.of(query)
    if not query.collection:
        untold = Match(Fit.UNKNOWN, why=query.unresolved or NAMELESS)
        return _of_any(query, need, indexes) or untold
    if constant:
        return Match(Fit.COVERED, why=constant)
    untold = Match(Fit.UNKNOWN, why=query.unresolved)
    if need.nothing and not query.special:
        if query.unresolved:
            return untold
        return perhaps_few(query, indexes) or Match(Fit.COVERED, why=need.why)
    found = [serves(index, query, need) for index in indexes]
    nothing = Match(Fit.MISSING, missing=need.all)
    shared = {f for f in need.all if has_few_values(f)} | {*query.most, *dict(query.others)}
    found_by = need.equality
    if need.sort:  # where many share a value, the order may help more
        found_by -= shared
    match = min(  # of two that leave as much, one that finds by equality leaves less to go through
        [*found, nothing],
        key=lambda m: (
            _RANK[m.fit],
            len(m.missing),
            len(found_by.intersection(m.missing)),
            len({*m.missing} - shared),
        ),
    )
    finds = need.filters or need.scanned or query.special
    if query.unresolved and (match.fit is not Fit.COVERED or not finds):
        return untold  # what it does not find may stand anywhere in the order
    if match.by is not None and not match.by.by_prefix and _names(match.by) & {*query.begins}:
        return Match(Fit.UNKNOWN, missing=query.begins, why=_COLLATION)
    return match  # conditions that cannot be told narrow what is found by those that can


NAMELESS = "the collection is named at run time"


def _of_any(query: Query, need: Need, indexes: Iterable[Index]) -> Match | None:
    """What serves a search in a collection of MongoDB whatever its name: the index of `_id`, none where all is read."""
    if query.store != "mongodb" or not query.certain or query.special:
        return None
    if need.nothing and not query.others and query.unresolved in ("", NAMELESS):
        return Match(Fit.COVERED, why=need.why)
    keys = (
        x for x in indexes if x.implied == "primary key" and _names(x) <= need.equality - need.broad
    )
    return next((Match(Fit.COVERED, key) for key in keys), None)


def perhaps_few(query: Query, indexes: Iterable[Index] = ()) -> Match | None:
    """What becomes of a search by one of two values alone, where it is not the one that new records have."""
    for field, value in query.others:
        for index in indexes:
            if index.kind in ("ordered", "hash") and index.fields[0][0] == field and usable(index, query):  # fmt: skip
                return Match(Fit.COVERED, index)
        why = f"how many records have {field} = {value!r} is not told"
        return Match(Fit.UNKNOWN, missing=(field,), why=why)
    return None


_COLLATION = (
    "its index finds what a text begins with under the collation C alone, or with text_pattern_ops"
)
"""https://www.postgresql.org/docs/current/indexes-opclass.html"""


def marks_deletion(field: str) -> bool:
    """Whether a field's name tells that it marks what is deleted, but not from the database."""
    return bool(_DELETED.search(field))


def has_few_values(field: str) -> bool:
    """Whether a field's name tells that many records share each value, so that another one narrows more."""
    return bool(_FEW.search(field))


_FEW = re.compile(
    r"(?i)(?:^|_)(?:status|state|type|kind|role|gender|sex|priority|level|active|enabled|deleted|visible|published)$|^(?:is|has)_"
)


class Need(msgspec.Struct, frozen=True):
    """What a query asks of an index."""

    equality: frozenset[str]
    sort: tuple[tuple[str, int], ...]
    spans: frozenset[str]
    broad: frozenset[str]
    scanned: tuple[str, ...]
    limited: bool
    store: str

    @classmethod
    def of(cls, query: Query) -> Need:
        equality = frozenset(query.equality)
        broad = {*query.broad, *(f for f in equality if marks_deletion(f))}
        limited = query.bound not in (Bound.NONE, Bound.UNKNOWN)
        sort = tuple(dict(s for s in query.sort if s[0] not in equality).items())
        if query.store == "sql" and not limited:
            sort = ()  # all that matches is read in any case; sorting it then costs little more
        if query.special == "text":
            sort = ()  # only the text index serves it, which keeps no order
        spans = frozenset(query.range) - equality
        scanned = tuple(f for f in query.scanned if f not in equality | (spans - broad))
        return cls(equality, sort, spans, frozenset(broad), scanned, limited, query.store)

    @property
    def filters(self) -> frozenset[str]:
        """The conditions that an index should decide."""
        return (self.equality | self.spans) - self.broad

    @property
    def nothing(self) -> bool:
        return not (self.filters or self.sort or self.scanned)

    @property
    def why(self) -> str:
        """Why a query that needs no index needs none."""
        if self.broad:
            return f"{', '.join(sorted(self.broad))} alone finds too much for an index to help"
        return "reads the whole collection" if self.store == "mongodb" else "reads the whole table"

    @property
    def all(self) -> tuple[str, ...]:
        order = [*sorted(self.equality), *(f for f, _ in self.sort), *sorted(self.spans)]
        names = [*(f for f in order if f in self.filters or f in dict(self.sort)), *self.scanned]
        return tuple(dict.fromkeys(names))


def serves(index: Index, query: Query, need: Need | None = None) -> Match:
    """How one index serves a query."""
    need = need or Need.of(query)
    if not usable(index, query):
        return Match(Fit.MISSING, missing=need.all)
    words = query.store == "sql" and query.special == "text"
    beside = words and index.kind in ("ordered", "hash")  # what else is asked may narrow it first
    if (query.special and not beside) or index.kind in ("text", "geo"):
        asked = {*query.range, *query.scanned} - {
            *query.broad
        }  # `$geoNear` need not name the field
        fits = query.special == index.kind and (
            index.kind == "text" or not asked or bool(_names(index) & asked)
        )
        if words:  # MongoDB has one of a collection
            names = _names(index)
            if any(name.startswith("to_tsvector(") for name in names):
                fits = asked <= _words(index)
            else:
                fits = asked <= names if index.kind == "text" else asked == names
            fits = fits and index.kind in ("text", "other")
        return Match(Fit.COVERED, index) if fits else Match(Fit.MISSING, missing=need.all)
    if index.unique and index.fields and _names(index) <= need.equality - need.broad:
        return Match(Fit.COVERED, index)
    match index.kind:
        case "ordered":
            decided, ordered = _walk((*index.fields, *index.behind), need)
        case "hash":
            decided, ordered = _names(index) & need.equality, 0
        case "vector":
            decided, ordered = set(), 0
        case _:
            decided, ordered = _words(index) & {*need.filters, *need.scanned}, 0
    if index.unique and need.sort and index.kind == "ordered":
        known = need.equality | {name for name, _ in need.sort[:ordered]}
        if _names(index) <= known:
            ordered = len(need.sort)  # no two records are left that the rest could put in order
    settled = _settled(index, query)
    decided |= settled
    left = [f for f in need.all if f not in decided and f not in dict(need.sort)]
    left += [f for f, _ in need.sort[ordered:]]
    few = settled | dict(query.others).keys()  # what new records do not have, the fewer have
    narrows = bool(decided - (need.broad - few)) and (
        index.kind != "ordered" or index.fields[0][0] in decided
    )
    in_order = bool(need.sort) and ordered == len(need.sort)
    if not left:
        return Match(Fit.COVERED, index)
    # of a search whose limit is not told, the order may spare that all is sorted
    spared = need.store == "mongodb" and (not need.filters or query.bound is Bound.UNKNOWN)
    sorts = in_order and (need.limited or spared)
    # what an index has alone is found in it, whatever its columns are
    apart = query.store == "sql" and bool(_implied(index, query) - need.broad - {*query.most})
    if narrows or sorts or apart or (ordered and need.store == "sql"):
        return Match(Fit.PARTIAL, index, tuple(dict.fromkeys(left)))
    return Match(Fit.MISSING, missing=need.all)


def helps(index: Index, query: Query) -> bool:
    """Whether a query that asks for an index can use this one."""
    need = Need.of(query)
    if need.nothing and not query.special:
        # where most records have the other value, a flag's index finds the few that have this one
        return any(name in need.broad & need.equality for name, _ in index.fields[:1])
    return serves(index, query, need).fit is not Fit.MISSING


def usable(index: Index, query: Query) -> bool:
    """Whether every record that a query may find is in the index."""
    if not index.condition and not index.only:
        return True
    given, only = _by_field(query.values), _by_field(index.only)
    more = {
        f for f, told in given.items() if all(isinstance(x, int | float) and x > 0 for x in told)
    }
    asked = {*query.equality, *query.range, *map(above, more.union(query.above))}
    if not set(index.condition) <= asked:
        return False
    if any(None in given.get(field, ()) for field in index.condition if field not in only):
        return False  # what depends on a field has no record without it
    return all(field in given and given[field] <= held for field, held in only.items())


def _settled(index: Index, query: Query) -> set[str]:
    """The conditions that hold for every record of an index that a query can use."""
    given, only = _by_field(query.values), _by_field(index.only)
    return {field for field, held in only.items() if given.get(field) == held}


def _implied(index: Index, query: Query) -> set[str]:
    """The values that every record of an index has which a query asks for: what has none may be nearly all."""
    given = _by_field(query.values)
    return {field for field in _by_field(index.only) if None not in given.get(field, {None})}


def _by_field(values: Iterable[tuple[str, Plain]]) -> dict[str, set[Plain]]:
    found: dict[str, set[Plain]] = {}
    for field, value in values:
        found.setdefault(field, set()).add(value)
    return found


def _names(index: Index) -> set[str]:
    return {name for name, _ in index.fields}


def _words(index: Index) -> set[str]:
    """The fields of an index, also those inside of what it computes: `to_tsvector('simple',name)`."""
    return {word for name, _ in index.fields for word in (name, *re.findall(r"\w+", name))}


def _walk(fields: Sequence[tuple[str, int]], need: Need) -> tuple[set[str], int]:
    """(conditions decided in one run of the keys, fields of the sort in their order)."""
    decided: set[str] = set()
    position = ordered = 0
    while position < len(fields) and fields[position][0] in need.equality:
        decided.add(fields[position][0])
        position += 1
    ways: set[int] = set()
    for wanted, direction in need.sort:
        while position < len(fields) and fields[position][0] in need.equality:
            position += 1  # of one value in all that is asked for: it does not disturb the order
        name, way = fields[position] if position < len(fields) else ("", 0)
        if name != wanted or not way or len(ways | {way * direction}) > 1:
            break
        ways.add(way * direction)
        position, ordered = position + 1, ordered + 1
        if name in need.spans:
            decided.add(name)
    for name, way in fields[position:]:
        if name not in need.spans or not way:
            break
        if name in need.broad and need.store == "sql":
            break  # it bounds no run of the keys; MongoDB seeks from each value to the next
        decided.add(name)
    return decided, ordered
