"""Indexes that code creates in MongoDB, and whether anything runs that code.

Source: PyMongo API, `Collection.create_index` and `IndexModel`
(https://pymongo.readthedocs.io/en/stable/api/pymongo/collection.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.assembly import Piece
from auditor.link.contexts import contexts_of
from auditor.link.origins import Env
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.link.values import Evaluator
from auditor.model.data import Index, UntoldIndexes
from auditor.model.places import Place
from auditor.model.values import Known, Plain, possible
from auditor.stores.mongo.collections import Collections
from auditor.stores.mongo.filters import Filters
from auditor.stores.mongo.mongodb import uses_mongodb
from auditor.stores.mongo.pipelines import direction
from auditor.stores.spans import ABOVE, above, span
from auditor.stores.waiting.once import is_migration
from auditor.stores.waiting.running import Running

_TIME, _META = ("timeField", "time_field"), ("metaField", "meta_field")
_KINDS = {"text": "text", "2dsphere": "geo", "2d": "geo", "hashed": "hash", "geoHaystack": "geo"}


class Created(msgspec.Struct, frozen=True):
    """What one call creates; untold where it runs and its keys cannot be told."""

    indexes: tuple[Index, ...]
    untold: UntoldIndexes | None = None


@provides(Index)
def indexes(application: Application) -> Iterator[Index]:
    for created in application.facts(Created):
        yield from created.indexes


@provides(Index)
def clustered(application: Application) -> Iterator[Index]:
    """What `create_collection("readings", timeseries={"timeField": "at"})` keeps by time."""
    code = application.code
    if not uses_mongodb(application):
        return
    reader = IndexReader(application.values)
    (runs,) = application.facts(Running)
    for site in code.method_calls("create_collection"):
        name = application.values.text(site.arg(0, "name"), site.scope)
        if name and (given := reader.option(site, "timeseries")):
            yield from reader.by_time(given, name, place_of(site), runs.of(site))


@provides(UntoldIndexes)
def untold_indexes(application: Application) -> Iterator[UntoldIndexes]:
    for created in application.facts(Created):
        if created.untold is not None:
            yield created.untold


@provides(Created)
def created_indexes(application: Application) -> Iterator[Created]:
    code = application.code
    if not uses_mongodb(application):
        return
    reader = IndexReader(application.values)
    (runs,) = application.facts(Running)
    renamed = reader.renamed()
    for site in code.method_calls("create_index", "ensure_index", "create_indexes"):
        func = site.node.func
        if not isinstance(func, t.Attr) or code.defined(func, site.scope) is not None:
            continue
        run = runs.of(site) or ("migration" if is_migration(site.scope.module) else "")
        seen: dict[tuple[object, ...], Index] = {}
        untold: dict[str, None] = {}
        for env in _runs(application.values, site):
            with application.values.within(env), contexts_of(application.values).spread(site) as at:
                declared = list(reader.declared(at, run))
                if run and not declared and site.node.args and not reader.names_none(at):
                    if (on := reader.collection(at)) is not None:
                        untold.setdefault(renamed.get(on, on))
                for index in declared:
                    name = renamed.get(index.collection, index.collection)
                    found = replace(index, collection=name)
                    seen.setdefault((name, index.fields, index.kind), found)
        if seen:
            yield Created(tuple(seen.values()))
        for on in untold:
            yield Created((), UntoldIndexes("mongodb", on, place_of(site)))


def _runs(values: Evaluator, site: CallSite) -> list[Env]:
    contexts = contexts_of(values)
    calls = contexts.calls(site)
    turns = contexts.loops_at(site.node, site.scope)
    instances = contexts.instances(site.scope) or [{}]
    met = (contexts.met(a, b) for a in instances for b in calls)
    return [{**both, **c} for both in met if both is not None for c in turns][:400]


class IndexReader:
    """Reads the calls that describe indexes."""

    def __init__(self, values: Evaluator) -> None:
        self.values, self.code = values, values.code
        self.collections, self.filters = Collections(values), Filters(values)

    def declared(self, site: CallSite, run: str) -> Iterator[Index]:
        """The indexes of one `create_index(…)` or `create_indexes([IndexModel(…), …])`."""
        assert isinstance(site.node.func, t.Attr)
        collection = self.collection(site)
        if collection is None:
            return
        where = {"": "script", "migration": "migration"}.get(run, "code")
        if site.node.func.name != "create_indexes":
            if index := self.index(site, collection, where, run):
                yield index
            return
        for piece in self.filters.items(site.arg(0, "indexes"), site.scope):
            with self.values.within(piece.env):
                made = [
                    CallSite(source.node, source.scope)
                    for source in self.values.sources(piece.expr, piece.scope)
                    if isinstance(source.node, t.Call)
                ]
                told = [self.index(described, collection, where, run) for described in made]
            yield from (index for index in told if index is not None)

    def by_time(self, given: Located, collection: str, place: Place, run: str) -> Iterator[Index]:
        """How a time series collection is kept: clustered by time, with an index on what it measures and the time.

        Sources: https://www.mongodb.com/docs/manual/core/timeseries-collections/,
        …/core/timeseries/timeseries-secondary-index/ (which MongoDB makes itself since 6.3).
        """
        told: dict[str, str] = {}
        for source in self.values.sources(given.node, given.scope):  # type: ignore[arg-type]
            match source.node:
                case t.Call(keywords=keywords):
                    named = [(keyword.name, keyword.value) for keyword in keywords]
                case t.Map(keys=keys, values=values):
                    texts = [self.values.text(key, source.scope) for key in keys if key is not None]
                    named = list(zip(texts, values, strict=False)) if None not in keys else []
                case _:
                    continue
            for name, value in named:
                told[name or ""] = self.values.text(value, source.scope) or ""
        time, meta = (next((told[n] for n in names if told.get(n)), "") for names in (_TIME, _META))
        for fields in ((time,), (meta, time)):
            if all(fields):
                keys_ = tuple((field, 1) for field in fields)
                yield Index("mongodb", collection, keys_, False, place, "code", run, implied="package")  # fmt: skip

    def listed(
        self, found: Located, collection: str, run: str, *, signs: bool = False
    ) -> list[Index]:
        """Those that a document class lists: `IndexModel(…)`, `"name"`, `[("name", 1), ("age", -1)]`, `{"name": 1}`."""
        told: list[Index] = []
        for piece in self.filters.items(found.node, found.scope):  # type: ignore[arg-type]
            with self.values.within(piece.env):
                index = (
                    self._listed(piece, collection, run, signs) if piece.expr is not None else None
                )
            told += [index] if index is not None else []
        return told

    def _listed(self, piece: Piece, collection: str, run: str, signs: bool) -> Index | None:
        for source in self.values.sources(piece.expr, piece.scope):
            if isinstance(source.node, t.Call):
                described = CallSite(source.node, source.scope)
                return self.index(described, collection, "model", run)
        keys, kind = self.keys(piece.expr, piece.scope, signs=signs)
        if not keys:
            return None
        place = place_of(Located(piece.expr, piece.scope))  # type: ignore[arg-type]
        return Index("mongodb", collection, keys, False, place, "model", run, kind=kind)

    def names_none(self, site: CallSite) -> bool:
        """`create_indexes([])`: what is listed can be told, and is nothing."""
        several = isinstance(site.node.func, t.Attr) and site.node.func.name == "create_indexes"
        return several and not list(self.filters.items(site.arg(0, "indexes"), site.scope))

    def collection(self, site: CallSite) -> str | None:
        """That on which a call creates indexes, empty when it cannot be told; None for other calls."""
        assert isinstance(site.node.func, t.Attr)
        found = self.collections.of(site.node.func.value, site.scope)
        if found is None or (not found[0] and not self._plausible(site)):
            return None
        return found[0]

    def renamed(self) -> dict[str, str]:
        """`made.rename("leads")`: a collection that is filled aside, with its indexes, and put in place."""
        found: dict[str, str] = {}
        for site in self.code.method_calls("rename"):
            name = self.values.text(site.arg(0, "new_name"), site.scope)
            if name and (before := self.collection(site)):
                found[before] = name
        return found

    def _plausible(self, site: CallSite) -> bool:
        assert isinstance(site.node.func, t.Attr)
        owner = site.node.func.value
        return self.collections.typed(owner, site.scope) or self.collections.hinted(owner)

    def index(
        self, described: CallSite, collection: str, where: str, run: str, place: Place | None = None
    ) -> Index | None:
        """The index that a call describes with its keys and options; None where it names none."""
        keys, kind = self.keys(described.arg(0, "keys", "key_or_list"), described.scope)
        if not keys:
            return None
        partial = self.option(described, "partialFilterExpression")
        condition: tuple[str, ...] = ()
        only: tuple[tuple[str, Plain], ...] = ()
        if partial is not None:
            whole = self.values.value(partial.node, partial.scope)  # type: ignore[arg-type]
            if isinstance(whole, Known):
                told = [*_required(whole.value)]
                condition = tuple(dict.fromkeys(name for name, _ in told))
                only = tuple((name, value) for name, values in told for value in values)
            else:  # the fields alone
                read = self.filters.read(partial.node, partial.scope)  # type: ignore[arg-type]
                condition = tuple(name for each in read[:1] for name in each.kinds)
                only = tuple(
                    (name, value)
                    for each in read[:1]
                    for name, told in each.values.items()
                    for value in told
                )
        elif self.true(described, "sparse"):
            condition = tuple(name for name, _ in keys[:1])
        return Index(
            "mongodb",
            collection,
            keys,
            self.true(described, "unique"),
            place or place_of(described),
            where,
            run,
            self.option(described, "expireAfterSeconds") is not None,
            kind,
            condition=condition,
            only=only,
        )

    def keys(
        self, expr: t.Expr | None, scope: Scope, *, signs: bool = False
    ) -> tuple[tuple[tuple[str, int], ...], str]:
        """(fields with direction, kind) of `"a"`, `[("a", 1), "b"]` or `{"a": -1}`.

        Of mappers that read `signs`, also of `"-a"`, `"$a"` and `"#a"`; to others these are fields of that name.
        """
        expr = _listed(expr)
        text = self.values.text(expr, scope)
        if text is not None:
            return (_signed(text, signs),), _kind_of(signs, text)
        found: list[tuple[str, int]] = []
        kind, letters = "ordered", []
        for source in self.values.sources(expr, scope):
            inner = source.scope
            pairs: list[tuple[t.Expr, t.Expr | None]] = []
            match source.node:
                case t.Map(keys=keys, values=values):
                    pairs = [(k, v) for k, v in zip(keys, values, strict=True) if k is not None]
                    if not all(self._directs(way, inner) for _, way in pairs):
                        return (), kind  # `{"keys": […], "unique": True}`: the driver refuses it
                case t.Seq(items=[t.Const(value=str()), t.Const(value=int()) | t.Attr()]) as one:
                    pairs = [(one.items[0], one.items[1])]
                case t.Seq(items=items):
                    for item in items:
                        pair = item.items if isinstance(item, t.Seq) else []
                        pairs.append((pair[0], pair[1]) if len(pair) == 2 else (item, None))
            for key, way in pairs:
                spelt = self.values.text(key, inner)
                if spelt is None:
                    return (), kind
                told = self.kind_of(way, inner)
                name, signed = _signed(spelt, signs)
                signed = signed if signed < 0 else direction(self.values, way, inner)
                if told == "hash" and len(pairs) > 1:
                    told, signed = "", 0  # one hashed field of several: for equality alone
                kind = told or kind
                found.append((name, signed))
                letters.append(spelt)
            if found:
                break
        return tuple(found), kind if kind != "ordered" else _kind_of(signs, *letters)

    def _directs(self, way: t.Expr | None, scope: Scope) -> bool:
        """Whether a value may say in which direction, or of which kind, an index keeps a field."""
        if isinstance(way, t.Seq | t.Map) or (
            isinstance(way, t.Const) and isinstance(way.value, bool)
        ):
            return False
        text = self.values.text(way, scope)
        return text is None or text in _KINDS

    def kind_of(self, way: t.Expr | None, scope: Scope) -> str:
        if way is None:
            return ""
        text = self.values.text(way, scope) or ""
        if not text:
            last = self.code.name(way, scope).rpartition(".")[2]
            text = {"TEXT": "text", "GEOSPHERE": "2dsphere", "GEO2D": "2d", "HASHED": "hashed"}.get(last, "")  # fmt: skip
        return _KINDS.get(text, "")

    def option(self, described: CallSite, name: str) -> Located | None:
        """What an index is given for an option, be it in `**options`."""
        if (given := described.arg(None, name)) is not None:
            return Located(given, described.scope)
        spread = [k.value for k in described.node.keywords if k.name is None]
        sources = [s for each in spread for s in self.values.sources(each, described.scope)]
        return next((found for s in sources if (found := self.values.entry(s, name))), None)

    def true(self, described: CallSite, name: str) -> bool:
        given = self.option(described, name)
        value = self.values.value(given.node, given.scope) if given else None  # type: ignore[arg-type]
        return value is not None and any(
            isinstance(k, Known) and k.value is True for k in possible(value)
        )


def _listed(expr: t.Expr | None) -> t.Expr | None:
    """What `list(keys.items())` lists."""
    match expr:
        case t.Call(func=t.Name(id="list" | "tuple"), args=[inner]):
            return _listed(inner)
        case t.Call(func=t.Attr(value=base, name="items"), args=[]):
            return base
    return expr


_UNKNOWN = "?"
"""What no query is known to ask for."""


def _required(partial: Any) -> Iterator[tuple[str, list[Plain]]]:
    """What a record has to have to be in a partial index: a field, with its values where it must have one of these.

    The planner uses the index where a query asks for that, or for less: it concludes nothing from a value to its type.
    Source: https://www.mongodb.com/docs/manual/core/index-partial/#query-coverage.
    """
    for name, asked in partial.items() if isinstance(partial, dict) else ():
        match asked:
            case [*parts] if name == "$and":
                for part in parts:
                    yield from _required(part)
            case _ if name.startswith("$"):
                yield _UNKNOWN, []
            case dict():
                for operator, value in asked.items():
                    yield _compared(name, operator, value)
            case _:
                yield name, [asked]


def _compared(name: str, operator: str, value: Plain) -> tuple[str, list[Plain]]:
    match operator, value:
        case "$eq", _:
            return name, [value]
        case "$in", [*values]:
            return name, values
        case "$exists", True:
            return name, []
        case _ if span(operator, value) == ABOVE:
            return above(name), []
    return _UNKNOWN, []


def _signed(name: str, signs: bool) -> tuple[str, int]:
    """The field and direction of `"-created"` in a mapper that reads signs."""
    if not signs or name.startswith("$*"):
        return name, 1
    return name.lstrip("+-#$"), -1 if name.startswith("-") else 1


def _kind_of(signs: bool, *names: str) -> str:
    """Of the signs of a mapper that reads them, and of wildcards."""
    for name in names:
        if signs and name.startswith("$") and not name.startswith("$*"):
            return "text"
        if signs and name.startswith("#"):
            return "hash"
        if name.endswith("$**"):
            return "other"
    return "ordered"
