"""What a statement asks: the queries in its text, parsed by sqlglot.

Source: https://sqlglot.com/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from auditor.extract.sql import parse
from auditor.model.data import Bound
from auditor.model.places import Place
from auditor.stores.spans import ABOVE, span, till
from auditor.stores.sql import untold
from auditor.stores.sql.conditions import (
    COMPUTED,
    Condition,
    Draft,
    Every,
    Link,
    Opposite,
    Outer,
    Some,
    Test,
    Untold,
    branches,
    no_column,
)
from auditor.stores.sql.dialects import dialect
from auditor.stores.sql.entities import Entity
from auditor.stores.sql.join_order import is_flag, narrows
from auditor.stores.sql.migrations import History
from auditor.stores.sql.reading.frames import Frame, Reading
from auditor.stores.sql.statements.spelling import DECLARES, MARK, STARTS

_BY_NAME = re.compile(r"\s*(?:execute|exec|call)\s+([\w.\"\[\]]+)", re.I)
"""What was prepared before, and procedures of the database."""
_GOES_ON = re.compile(r"[;\n]\s*(?:select|update|delete|with)\b", re.I)
"""What a batch does besides."""
_GIVEN = rf"(?:%s|\?|:\w+|\$\d+|%\(\w+\)s|'[^']*'|\d+|{MARK})"
ROUTINE = rf"\s*select\s+([\w.\"]+)\s*\(\s*(?:{_GIVEN}(?:\s*,\s*{_GIVEN})*\s*)?\)(?:\s+as\s+\w+)?\s*(?:;\s*)?$"
"""A function of the database that is called by itself: `SELECT free_seats(%s)`."""
_CALLED = re.compile(ROUTINE, re.I)
_OF_DATABASE = re.compile(
    r"(?:pg_|sqlite_|current_|last_insert_|jsonb?_|regexp_|string_|pragma_|to_|ts_|st_|postgis|array_|generate_|utc_|uuid_|gen_random_|create_hypertable|cron\.|vault\.)\w*"
    r"|set_?config|setval|nextval|currval|lastval|(?:get|release|is_free|is_used)_lock|(?:row|found)_(?:count|rows)|changes|total_changes"
    r"|load_extension|version|database|schema|user|session_user|connection_id|sleep|now|date|time|datetime|strftime|julianday|unixepoch"
    r"|unix_timestamp|from_unixtime|curdate|curtime|uuid|random|rand|abs|round|coalesce|ifnull|nullif|concat|lower|upper|char_length|length"
    r"|substr|substring|trim|replace|md5|sha\d?|crypt|digest|password|hex|count|max|min|sum|exists|extract|cast|convert|similarity|format"
    r"|quote_ident|quote_literal|encode|decode|unnest|xmltable|openjson",
    re.I,
)
"""Functions that come with the database, and search no table, be it that they are selected or selected from."""


def routine(name: str) -> str:
    """Why what a function of the database asks is not told; nothing of one that comes with it."""
    return "" if _OF_DATABASE.fullmatch(name) else f"{name}, a function of the database, asks it"


_SYSTEM = re.compile(
    r"^(?:information_schema|pg_catalog|sys|mysql|performance_schema)\.|\.(?:pg_|sqlite_)"
)
"""Tables of the database's own."""
_CLAUSE = re.compile(
    rf"(?<=[\w)'])\s+{MARK}\s*(?=$|\)|;|where\b|group\b|order\b|limit\b|offset\b|having\b|{MARK})",
    re.I,
)
"""A clause that is put in at run time: `FROM audit {clause} GROUP BY …`, `WHERE kind = %s {more}`."""
_REMAINDER = re.compile(r"(?<=[\s\w)])%%(?=[\s(])")
"""The operator as a driver takes it that puts in values for `%s`; in a text it stands within quotes."""
_ENDS = re.compile(rf"(?is)(\border\s+by\b.{{1,500}}[\w)])\s+{MARK}\s*;?\s*$")
"""What is put in behind an order that says which way it goes: a limit."""
_NAMED = re.compile(r"%\([^()]{1,80}\)s")
"""A value by its name, as drivers take it, which may have more than letters: `%(u.id)s`."""
_SEVERAL = re.compile(rf"{MARK}(?:\s+{MARK})+")
_UNNAMED = re.compile(
    rf"(?i)(\bfrom\s+[\w.\"`]+)\s+{MARK}(?=\s*(?:$|\)|;|group\b|order\b|limit\b))"
)
"""Such a clause behind a table, where a parser takes it for the table's other name."""
_KEPT = re.compile(
    r"dual|spatial_ref_sys|geometry_columns|\w*(?:versions?|migrations?)|(?:all|user|dba)_(?:tab|obj|ind|cons|seq)\w*|v\$\w+"
    r"|inserted|deleted|excluded|new|old|pg_\w+|sqlite_\w+"
)
"""Tables that a database has by itself, and those of what changes its schema."""
_COMPARES = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_CHANGES = re.compile(r"\s*(insert|update|delete)\b", re.I)
_NARROWING = ("limit", "offset", "fetch", "having", "qualify")
_ORDER = "what it is ordered by is decided at run time"
_NATURAL = "the columns that a NATURAL JOIN compares are not told"
_ADDRESSES = {"ctid", "rowid", "_rowid_", "oid"}
_OF_ORACLE = {"rownum", "sysdate", "systimestamp", "ora_rowscn", "level"}
_GIVEN_NAMES = {
    *_ADDRESSES, *_OF_ORACLE, "xmin", "xmax", "cmin", "cmax", "tableoid", "uid", "user", "rank", "docid",
    "connect_by_isleaf", "connect_by_iscycle", "localtime", "localtimestamp", "current_time", "current_date",
    "current_timestamp", "utc_date", "utc_time", "utc_timestamp", "true", "false", "null", "default", "unknown",
    "sql_calc_found_rows", "sql_no_cache", "high_priority", "straight_join", "top", "all", "unique", "distinctrow",
}  # fmt: skip
"""Names that databases know without a table's declaration: a record's own place, the time, words before the columns."""


def kept_by_database(place: Place, name: str, frame: Frame) -> Draft:
    """What a procedure asks, which the code only calls by its name."""
    asks = f"{name}, which the database keeps, asks it"
    return Draft("sql", None, place, "execute", unresolved=asks, loop=frame.loop)


def drafts(
    reading: Reading, text: str, place: Place, frame: Frame, *, like: str = "", whole: bool = True
) -> list[Draft]:
    """The queries of a statement: its own, and those of its subqueries.

    `whole` where its names belong together, and are not put together of what several calls hand over.
    `like` is how a LIKE of what is bound to it searches: range, prefix, or empty where it may begin with a wildcard.
    """
    from sqlglot import exp

    if text == MARK:  # one of several, which is told nowhere
        return [Draft("sql", None, place, "execute", unresolved=untold.REASON, loop=frame.loop)]
    text = DECLARES.sub("", text)
    if (starts := STARTS.match(text)) is not None:
        text = text[starts.end() :]
    if (kept := _BY_NAME.match(text)) is not None and not _GOES_ON.search(text):
        return [kept_by_database(place, kept[1], frame)]
    if (routine := _CALLED.match(text)) is not None:
        if _OF_DATABASE.fullmatch(routine[1]):
            return []
        return [kept_by_database(place, routine[1], frame)]
    found: list[Draft] = []
    spelt = _REMAINDER.sub("%", re.sub(r"\{\{|\}\}", "", text))
    spelt = _SEVERAL.sub(MARK, _NAMED.sub("%(given)s", spelt))
    plain = _UNNAMED.sub(rf"\1 where {MARK} ", spelt)
    parsed = parse(plain) or parse(_CLAUSE.sub(rf" where {MARK} ", plain))
    parsed = parsed or parse(_CLAUSE.sub(rf" and {MARK} ", plain))
    parsed = parsed or parse(_ENDS.sub(rf"\1 limit {MARK}", plain))
    if not parsed:
        told = _CHANGES.match(text)
        asks = told[1].lower() if told is not None else "select"
        return [Draft("sql", None, place, asks, unresolved=untold.UNPARSED, loop=frame.loop)]  # fmt: skip
    for tree in parsed[:20]:
        if tree.key in ("execute", "command") and (kept := _BY_NAME.match(tree.sql("tsql"))):
            found.append(kept_by_database(place, kept[1], frame))
        named = {cte.alias_or_name.lower(): cte.this for cte in tree.find_all(exp.CTE)}
        put_in = [x for x in named.values() if isinstance(x, exp.Column) and MARK in x.name]
        if put_in:  # `WITH r AS ({piece}) SELECT … FROM r`
            found.append(Draft("sql", None, place, unresolved=untold.REASON, loop=frame.loop, tentative=True))  # fmt: skip
        for node in tree.find_all(exp.Select, exp.Update, exp.Delete, exp.Insert):
            _unbracket(node)
            asked = Asked(reading, node, named, place, frame, like)
            if made := asked.draft():
                refused = asked.refused() if whole and not made.unresolved else ""
                found.append(replace(made, unresolved=refused) if refused else made)
    return found


def _unbracket(node: Any) -> None:
    """Put the tables of a join in brackets, `FROM ((a JOIN b …) JOIN c …)`, in the place of these."""
    from sqlglot import exp

    start = node.args.get("from_") or node.args.get("from")
    while start is not None and isinstance(outer := start.this, exp.Subquery) and not outer.alias:
        inner = outer.this
        if not isinstance(inner, exp.Table | exp.Subquery):
            return
        inner.set("joins", [*(inner.args.get("joins") or []), *(outer.args.get("joins") or [])])
        start.set("this", inner)


def _narrowed(where: list[Condition]) -> bool:
    """Whether something is looked up besides, whatever the order."""
    return any(narrows(test) for branch in branches(Every(tuple(where))) for test in branch.tests)


class Asked:
    """One SELECT, UPDATE, DELETE or INSERT of a statement."""

    def __init__(
        self,
        reading: Reading,
        node: Any,
        named: dict[str, Any],
        place: Place,
        frame: Frame,
        like: str,
    ) -> None:
        from sqlglot import exp

        self.exp: Any = exp
        self.reading, self.node, self.named = reading, node, named
        self.place, self.frame = place, frame
        self.like = like
        self.tables: dict[str, str] = {}
        self.qualified: set[str] = set()
        """The tables of which it says where they are: `auth.users`."""
        self.worked_out: dict[str, Any] = {}
        """What it also selects from, by its names: subqueries, common table expressions."""
        self.whole: set[str] = set()
        """Those of them that have rows of whole tables, which each row is held against."""

    def draft(self) -> Draft | None:
        exp, node = self.exp, self.node
        operation = {exp.Update: "update", exp.Delete: "delete", exp.Insert: "insert"}.get(type(node), "select")  # fmt: skip
        sources: list[Any] = []
        if isinstance(node, exp.Insert):
            target = node.this.this if isinstance(node.this, exp.Schema) else node.this
            sources = [target]
        elif isinstance(node, exp.Select):
            start = node.args.get("from_") or node.args.get("from")
            if start is None:
                clause = node.args.get("where")  # in place of what it reads from
                put_in = clause is not None and MARK in clause.sql()
                return self._untold(operation) if put_in else None
            sources = [start.this]
        else:
            sources = [node.this]
            more = node.args.get("from_") or node.args.get("from") or node.args.get("using")
            if isinstance(more, exp.From):
                sources.append(more.this)
            elif isinstance(more, list):  # DELETE FROM a USING b
                sources += more
        joins = node.args.get("joins") or []
        inner = [j for x in sources for j in x.args.get("joins") or []]
        for source in [*sources, *(j.this for j in joins), *(j.this for j in inner)]:
            if isinstance(source, exp.Table):
                if self._table(source):
                    self.worked_out[source.alias_or_name.lower()] = source
                for nested in source.args.get("joins") or []:
                    if isinstance(nested.this, exp.Table):
                        self._table(nested.this)
            elif isinstance(source, exp.Subquery | exp.Lateral | exp.Unnest | exp.Values):
                self.worked_out[source.alias_or_name.lower()] = source
        clause = node.args.get("where")
        if self.worked_out:
            self.whole = self._read_whole(clause)
        root = sources[0]
        if not self.tables:  # a subquery, a common table expression: read where it is defined
            reason = self._hides(root)
            return self._untold(operation, reason) if reason else None
        entity = self.entity(next(iter(self.tables.values())))
        reason = ""
        if MARK in entity.table:
            return self._untold(operation, "the table is named at run time")
        where: list[Condition] = []
        if clause is not None and operation != "insert":
            where.append(self.condition(clause.this))
        before = [x.alias_or_name.lower() for x in sources]
        for join in [*joins, *inner]:
            if join.args.get("method") == "NATURAL":
                where.append(self._natural(join))
            name = join.this.alias_or_name.lower()
            for compared in [join.args.get("on"), *self._using(join, before)]:
                if compared is not None:
                    asked = self.condition(compared)
                    outer = join.side == "LEFT" and next(iter(self.tables)) != name
                    where.append(Outer(asked, self.tables.get(name, "")) if outer else asked)
            before.append(name)
        figures = isinstance(node, exp.Select) and self._figures()
        sort: tuple[tuple[str, str, int], ...] = ()
        order = node.args.get("order")
        if order is not None and not figures and not node.args.get("group"):
            sort = self._sort(order)
            few = node.args.get("limit") or node.args.get("fetch")
            if few is not None and not sort and (not _narrowed(where) or self._is_distance(order)):
                where += [Untold(_ORDER)] if MARK in order.sql() else self._computed(order)
        bound, limited = Bound.UNKNOWN, None
        limit = node.args.get("limit") or node.args.get("fetch")
        if limit is not None:
            count = limit.args.get("expression") or limit.args.get("count")
            known = isinstance(count, exp.Literal)
            limited = Bound.LIMITED if known else Bound.UNKNOWN
            bound = Bound.LIMITED if known else Bound.UNKNOWN
            if known and count.this == "1":
                bound = Bound.ONE
        if figures:
            bound = Bound.ONE
        columns = tuple(c.name for c in node.expressions if isinstance(c, exp.Column)) if isinstance(node, exp.Select) else ()  # fmt: skip
        if operation == "select" and (figures or node.args.get("group")):
            operation = "aggregate"
        return Draft(
            "sql", entity, self.place, operation, tuple(where), sort=sort, bound=bound, limited=limited,
            projection=columns, unresolved=reason, loop=self.frame.loop,
            tables=tuple(map(self.entity, self.tables.values())), correlated=isinstance(node.parent, exp.Exists),
        )  # fmt: skip

    def _untold(self, operation: str, reason: str = untold.REASON) -> Draft:
        return Draft("sql", None, self.place, operation, unresolved=reason, loop=self.frame.loop)

    def _table(self, table: Any) -> bool:
        name = self._own(table)
        if not name or name in self.named or _SYSTEM.search(f"{table.db.lower()}.{name}"):
            return True
        alias = (table.alias or name).lower()
        self.tables[alias] = name
        if table.db:
            self.qualified.add(name)
        return False

    def _read_whole(self, clause: Any) -> set[str]:
        """Which of what is worked out has rows of whole tables, and is read itself from end to end."""
        exp, order = self.exp, self.node.args.get("order")
        few = self.node.args.get("limit") or self.node.args.get("fetch")
        if few and (order is None or not self._sort(order)):
            return set()  # a few of its rows, for each of which the others are looked up
        found = {name for name, source in self.worked_out.items() if self._is_whole(source)}
        parts = clause.this.flatten() if clause and isinstance(clause.this, exp.And) else [clause]
        for part in parts if clause else ():
            asked = {c.table.lower() for c in part.find_all(exp.Column)}
            found -= asked if len(asked) == 1 else set()  # it is narrowed itself
        return found

    def _is_whole(self, source: Any) -> bool:
        """Whether a subquery gives many rows, of all that its tables hold."""
        exp = self.exp
        if isinstance(source, exp.Table):
            name = source.name.lower()
            if not isinstance(told := self.named.get(name, False), bool):
                self.named[name] = False  # what is made of its own rows looks them up one by one
                told = self.named[name] = self._is_whole(told)
            return told
        query = source.unnest()
        if isinstance(query, exp.SetOperation):
            return self._is_whole(query.left) and self._is_whole(query.right)
        if not isinstance(query, exp.Select) or any(query.args.get(x) for x in _NARROWING):
            return False
        start = query.args.get("from_") or query.args.get("from")
        given = query.expressions if start is None else [start.this]
        if any(isinstance(x.unalias(), exp.Unnest | exp.Explode | exp.Values) for x in given):
            return False  # the rows that the statement itself is given, each of which is looked up
        asked = Asked(self.reading, query, self.named, self.place, self.frame, self.like)
        draft = asked.draft()
        if {*asked.worked_out} != asked.whole or asked._figures():
            return False
        found = branches(Every(draft.where)) if draft is not None else []
        return not any(
            branch.reasons or any(map(self._finds_few, branch.tests)) for branch in found
        )

    def _finds_few(self, test: Test) -> bool:
        return narrows(test) and not is_flag(self.reading.tables.get(test.table), test.column)

    def _of_whole(self, node: Any) -> bool:
        """Whether a column is one of what has rows of whole tables."""
        if not (self.whole and isinstance(node, self.exp.Column)) or self.column(node) is not None:
            return False
        return node.table.lower() in self.whole if node.table else self.whole == {*self.worked_out}

    def _natural(self, join: Any) -> Condition:
        """What a NATURAL JOIN compares: the columns that a table has in common with those before it."""
        joined = (join.this.alias or self._own(join.this)).lower()
        names = list(self.tables)
        if joined not in names:
            return Untold(_NATURAL)
        own, *others = [
            self.tables[joined],
            *(self.tables[x] for x in names[: names.index(joined)]),
        ]
        known = [self.reading.tables.get(table) for table in (own, *others)]
        if self.worked_out or not all(entity is not None and entity.columns for entity in known):
            return Untold(_NATURAL)
        links: dict[str, Link] = {}
        columns = {e.table: {c.name.lower(): c.name for c in e.stored()} for e in known if e}
        for other in others:
            for name in sorted(columns[own].keys() & columns[other].keys()):
                link = Link(other, columns[other][name], own, columns[own][name])
                links.setdefault(name, link)
        asked = Every(tuple(links.values()))
        return Outer(asked) if join.side == "LEFT" else asked

    def _using(self, join: Any, before: list[str]) -> Iterator[Any]:
        """What USING compares: each column with that of the first table joined before which has it.

        Source: https://www.postgresql.org/docs/current/queries-table-expressions.html#QUERIES-JOIN.
        """
        for using in join.args.get("using") or []:
            name = using.name.lower()
            known = {x: self.reading.tables.get(self.tables.get(x, "")) for x in before}
            told = {x: e for x, e in known.items() if e is not None and e.columns}
            has = [x for x, e in told.items() if e.column(self._spelt(e.table, name)) is not None]
            holder = [*has, *(x for x in before if x not in told), *before][0]
            one, two = (
                self.exp.column(name, table=x) for x in (holder, join.this.alias_or_name.lower())
            )
            yield one.eq(two)

    def _hides(self, source: Any) -> str:
        """Why nothing is known of what is read, where neither a table nor a query stands for it."""
        exp = self.exp
        if isinstance(source, exp.Subquery) and isinstance(source.this, exp.Table):
            return untold.REASON if MARK in source.this.name else ""
        if not isinstance(source, exp.Table) or not isinstance(source.this, exp.Anonymous):
            return ""
        name = str(source.this.this).lower()
        return routine(name)

    def _own(self, table: Any) -> str:
        """A table by the name that its declaration has: MySQL and SQLite compare names without case."""
        name = str(table.name) if table.this.args.get("quoted") else str(table.name).lower()
        if name in self.reading.tables:
            return name
        if (
            name.lower() in self.reading.tables
            and dialect(self.reading.application) != "postgresql"
        ):
            return name.lower()  # `[Sent]` of what is created as Sent
        return self.reading.spelt.get(name.lower(), name)

    def entity(self, table: str) -> Entity:
        found = self.reading.tables.get(table)
        if found is None:
            found = Entity(f"sql:{table}", "sql", table, self.place)
        return found

    def _figures(self) -> bool:
        """Whether it gives figures over all rows: `SELECT count(*) FROM …`, and `SELECT name, count(*) …` where a database takes it."""
        return not self.node.args.get("group") and any(
            self._is_figure(x) for part in self.node.expressions for x in part.find_all(self.exp.AggFunc)
        )  # fmt: skip

    def _is_figure(self, node: Any) -> bool:
        """Whether an aggregate makes one row of all, not a window's, a subquery's, or the greater of two as SQLite takes it."""
        exp = self.exp
        around = node.find_ancestor(exp.Select, exp.Window)
        return around is self.node and not (
            isinstance(node, exp.Max | exp.Min) and node.expressions
        )

    def _sort(self, order: Any) -> tuple[tuple[str, str, int], ...]:
        sort: list[tuple[str, str, int]] = []
        for item in order.expressions:
            inner = item.this if isinstance(item, self.exp.Ordered) else item
            if isinstance(inner, self.exp.And) and inner.expression.name == MARK:
                inner = inner.this  # `ORDER BY made {way}`
            told = self.column(self._meant(inner))
            if told is None:
                return ()
            sort.append((*told, -1 if item.args.get("desc") else 1))
        return tuple(sort)

    def _is_distance(self, order: Any) -> bool:
        """Whether an order begins with a distance, of which an index may find the nearest, whatever else is asked of them."""
        exp = self.exp
        first = order.expressions[0]
        given = self._meant(first.this if isinstance(first, exp.Ordered) else first)
        return isinstance(given.unnest(), exp.Distance | exp.NullSafeEQ)

    def _computed(self, order: Any) -> list[Condition]:
        """What is said of an order by an expression, for the few first of which all rows are gone through."""
        exp = self.exp
        first = order.expressions[0]
        given = self._meant(first.this if isinstance(first, exp.Ordered) else first)
        if isinstance(given, exp.Column):
            return []
        named = (own[1] for x in given.find_all(exp.Column) if (own := self.column(x)) is not None)
        column = next(named, None)
        return [Untold(COMPUTED.format(column=column))] if column else []

    def _meant(self, node: Any) -> Any:
        """What a name or a place stands for that the query itself gives: `SELECT a + b AS total … ORDER BY total`, `ORDER BY 1`."""
        exp = self.exp
        if not isinstance(self.node, exp.Select):
            return node
        if isinstance(node, exp.Literal) and node.is_int:
            given = dict(enumerate(self.node.expressions, 1)).get(int(node.this))
            return node if given is None or self.node.is_star else given.unalias()
        if not isinstance(node, exp.Column) or node.table:
            return node
        named = (x for x in self.node.expressions if isinstance(x, exp.Alias))
        return next((x.this for x in named if x.alias.lower() == node.name.lower()), node)

    def column(self, node: Any) -> tuple[str, str] | None:
        """(table, column) of a column; None for what belongs to no table of this query."""
        exp = self.exp
        if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
            return None
        quoted = isinstance(node.this, exp.Identifier) and node.this.args.get("quoted")
        name = node.name if quoted else node.name.lower()
        if MARK in name or name in ("true", "false", "current_timestamp", "current_date", "rowid"):
            return None
        qualifier = node.table.lower()
        if qualifier:
            table = self.tables.get(qualifier)
            return (table, self._spelt(table, name)) if table else None
        if len(self.tables) == 1:
            table = next(iter(self.tables.values()))
            known = self.reading.tables.get(table)
            spelt = self._spelt(table, name)
            if (
                (self.worked_out or self._is_around(name))
                and known is not None
                and known.columns
                and known.column(spelt) is None
            ):
                return None
            return table, spelt
        untold: list[str] = []
        for table in self.tables.values():
            known = self.reading.tables.get(table)
            if known is None or not known.columns:
                untold.append(table)
            elif known.column(spelt := self._spelt(table, name)) is not None:
                return table, spelt
        others = () if self.worked_out else self.tables.values()
        return next(((table, name) for table in (*untold, *others)), None)

    def _spelt(self, table: str, name: str) -> str:
        """A column by the name that its declaration has."""
        known = self.reading.tables.get(table)
        if known is None or known.column(name) is not None:
            return name
        return next((c.name for c in known.stored() if c.name.lower() == name.lower()), name)

    def _lacks(self, table: str, name: str) -> bool:
        """Whether statements create a table without this column, so that another program must add it."""
        known = self.reading.tables.get(table)
        made = known is not None and known.mapper == "sql" and bool(known.columns)
        return made and known is not None and known.column(name) is None

    def _is_around(self, name: str) -> bool:
        """Whether a name may be a column of the query that this one stands in."""
        exp = self.exp
        outer = self.node.find_ancestor(exp.CTE, exp.Select, exp.Update, exp.Delete)
        if outer is None or isinstance(outer, exp.CTE):
            return False
        around = (self.entity(self._own(table)) for table in outer.find_all(exp.Table))
        return any(self._spelt(x.table, name) in x.columns for x in around)

    def refused(self) -> str:
        """Why the database refuses the statement: it names a table that nothing creates beside one that a statement
        does, or a column that its table does not have.

        Conditions say so themselves of columns (`_test`). A name by itself may be a great many things; it counts where it
        stands as a column does, and one table holds all that is read.
        """
        exp, node = self.exp, self.node
        (history,) = self.reading.application.facts(History)
        made = history.tables
        nowhere = [x for x in self.tables.values() if not self._may_be_there(x, history)]
        if nowhere and any(x in made and made[x].created for x in self.tables.values()):
            return f"{nowhere[0]} is no table that the code creates"
        parts = [] if isinstance(node, exp.Insert | exp.Delete) else [*node.expressions]
        parts += [node.args.get(x) for x in ("joins", "where", "group", "having", "order")]
        every = [
            c
            for x in parts
            if x
            for each in (x if isinstance(x, list) else [x])
            for c in each.find_all(exp.Column)
        ]
        named = {x.alias.lower() for x in node.expressions if isinstance(x, exp.Alias)}
        for column in every:
            if column.find_ancestor(exp.Select, exp.Update, exp.Delete) is not node:
                continue
            name, qualifier = column.name, column.table.lower()
            if MARK in name or name.lower() in _GIVEN_NAMES or isinstance(column.this, exp.Star):
                continue
            table = self.tables.get(qualifier, "")
            if not qualifier and self._stands_as_column(column) and name.lower() not in named:
                table = self._only()
            if (
                table
                and history.tells_columns(table)
                and self._lacks(table, self._spelt(table, name))
            ):
                return no_column(name)
        return ""

    def _may_be_there(self, table: str, history: History) -> bool:
        """Whether something creates a table, or may: a statement that is put together, a program that is not read."""
        reading = self.reading
        told = {
            *reading.tables,
            *history.views,
            *history.unread,
            *history.more,
            *self.tables.keys() - {table},
        }
        untold = not told.isdisjoint(("", MARK)) or history.uncertain or any(reading.entities)
        named = MARK in table or table in self.qualified or bool(_KEPT.fullmatch(table))
        return untold or named or table in told or table in reading.words_of_others

    def _only(self) -> str:
        """The table of which all names are that stand by themselves; empty where there may be another."""
        exp = self.exp
        joined = [x for x in self.node.find_all(exp.Join) if x.find_ancestor(exp.Select, exp.Update, exp.Delete) is self.node]  # fmt: skip
        alone = len(self.tables) == 1 and not self.worked_out and not joined
        return next(iter(self.tables.values())) if alone and self.node.parent is None else ""

    def _stands_as_column(self, column: Any) -> bool:
        exp, parent = self.exp, column.parent
        if column.this.args.get("quoted"):  # a text, to SQLite and MySQL
            return dialect(self.reading.application) == "postgresql"
        if column.name.lower() in self.tables:  # the whole record
            return False
        if isinstance(parent, exp.Dot | exp.Kwarg | exp.Collate | exp.PropertyEQ | exp.Lambda):
            return False
        plain = (
            exp.Select,
            exp.Alias,
            exp.Ordered,
            exp.Binary,
            exp.AggFunc,
            exp.Coalesce,
            exp.Distinct,
            exp.Group,
        )
        return isinstance(parent, plain)

    # --- conditions

    def condition(self, node: Any, depth: int = 0) -> Condition:
        exp = self.exp
        if depth > 60:
            return Untold("the condition is nested too deeply")
        if hasattr(node, "args") and node.args.get("negate"):  # `IS NOT NULL`, in newer sqlglot
            if isinstance(node, exp.Like):
                return self._test(node.this, "unequal")
            plain = node.copy()
            plain.set("negate", None)
            return Opposite(self.condition(plain, depth + 1))
        match node:
            case exp.Paren():
                return self.condition(node.this, depth + 1)
            case exp.And():
                return Every(tuple(self.condition(x, depth + 1) for x in node.flatten()))
            case exp.Or():
                if self._may_hold_always(node):
                    return Every(())
                return Some(tuple(self.condition(x, depth + 1) for x in node.flatten()))
            case exp.Not():
                return Opposite(self.condition(node.this, depth + 1))
            case exp.EQ() | exp.NullSafeEQ():
                return self._equal(node)
            case exp.NEQ() | exp.NullSafeNEQ():
                return Opposite(self._equal(node))
            case exp.In() | exp.Is():
                asked = node.args.get("query")
                if asked is not None and self._of_each(node.this, asked):
                    return Every(())
                made = self._test(node.this, "equality")
                listed = node.expressions if isinstance(node, exp.In) else []
                plain = all(isinstance(x, exp.Literal) and MARK not in x.name for x in listed)
                if isinstance(made, Test) and isinstance(node, exp.Is):
                    return replace(made, null=isinstance(node.expression, exp.Null))
                if isinstance(made, Test) and plain:
                    return replace(made, values=tuple(x.name for x in listed))
                return made
            case exp.GT() | exp.GTE() | exp.LT() | exp.LTE() if isinstance(node.this, exp.Tuple):
                # of `(made, id) < (?, ?)` only what comes first has a bound
                first = node.copy()
                first.set("this", node.this.expressions[0])
                return self.condition(first, depth + 1)
            case exp.GT() | exp.GTE() | exp.LT() | exp.LTE() | exp.Between():
                if not isinstance(node, exp.Between):
                    if (
                        self._of_record(node)
                        or self._of_whole(node.this)
                        or self._of_whole(node.expression)
                    ):
                        return Every(())
                left = self._test(node.this, self._span(node, node.expression))
                way = _COMPARES.get(node.key, "")
                if isinstance(left, Every | Untold) and not isinstance(node, exp.Between):
                    right = self._test(node.expression, self._span(node, node.this, mirrored=True))
                    if isinstance(right, Test):
                        return replace(right, till=till(way, mirrored=True))
                    return left if right == Every(()) else right
                return replace(left, till=till(way)) if isinstance(left, Test) else left
            case exp.Like():
                pattern = node.expression.unnest()
                if self.like and isinstance(pattern, exp.Placeholder):
                    searched = dialect(self.reading.application) in ("mysql", "postgresql")
                    return self._test(node.this, self.like if searched else "scanned")
                other = self.column(pattern)
                told = isinstance(pattern, exp.Literal) or (
                    other is not None and self._is_text(pattern, *other)
                )
                text = pattern.name if told else "%"
                begins = text[len(MARK) :] if text.startswith(MARK) else text[:1] not in ("%", "_")
                return self._test(node.this, "prefix" if begins else "scanned")
            case exp.Glob():  # as SQLite's indexes are ordered, which LIKE is not
                text = node.expression.unnest().name
                begins = isinstance(node.expression.unnest(), exp.Literal) and text[:1] not in (
                    "",
                    *"*?[",
                )
                return self._test(node.this, "range" if begins else "scanned")
            case exp.Match() if self._is_plain(node.this):
                return Untold("SQLite refuses MATCH on a table that is none of FTS")
            case exp.MatchAgainst() | exp.Match() if hasattr(exp, "Match"):
                return self._test(node.expressions[0] if node.expressions else node.this, "text")
            case exp.Exists() | exp.Boolean() | exp.Literal() | exp.Placeholder() | exp.Null() | exp.Parameter():  # fmt: skip
                return Every(())
            case exp.Column():
                if MARK in node.name:
                    return Untold("a condition is put together at run time")
                return self._test(node, "equality")
        found = [c for c in node.find_all(exp.Column) if self.column(c)] if hasattr(node, "find_all") else []  # fmt: skip
        return Every(tuple(self._test(c, "scanned") for c in found[:6]))

    def _span(self, node: Any, value: Any, *, mirrored: bool = False) -> str:
        plain = isinstance(value, self.exp.Literal) and value.is_number
        number = {"0": 0, "0.0": 0, "1": 1}.get(value.this) if plain else None
        return span(_COMPARES.get(node.key, ""), number, mirrored=mirrored)

    def _may_hold_always(self, alternatives: Any) -> bool:
        """Whether one of them is a value alone, `(owner = ? OR ?)`, of which SQLite's plan knows nothing.

        Other drivers put it into the text, so that the plan is made for it.
        """
        exp = self.exp
        values = (exp.Placeholder, exp.Parameter)
        given = (self._value_alone(x.unnest(), values) for x in alternatives.flatten())
        return dialect(self.reading.application) == "sqlite" and any(given)

    def _value_alone(self, node: Any, values: tuple[Any, ...]) -> bool:
        exp = self.exp
        if isinstance(node, exp.EQ | exp.Is | exp.NEQ):
            return isinstance(node.this, values) and not list(node.find_all(exp.Column))
        return isinstance(node, values)

    def _of_record(self, node: Any) -> bool:
        """Whether two columns are compared, or one with what is found for its record: no index serves that."""
        one, two = node.this, node.expression
        if self.column(one) is not None and (other := self.column(two)) is not None:
            return not self._is_text(two, *other)
        return any(
            self._of_each(column, value) or self._works_out(column, value)
            for column, value in ((one, two), (two, one))
        )

    def _works_out(self, column: Any, value: Any) -> bool:
        """Whether a value is worked out from the record that a column is of: `julianday() - julianday(made) < term`."""
        own = self.column(column)
        if own is None or isinstance(value, self.exp.Subquery):
            return False
        inside = ((each, self.column(each)) for each in value.find_all(self.exp.Column))
        return any(
            told is not None and told[0] == own[0] and not self._is_text(each, *told)
            for each, told in inside
        )

    def _of_each(self, column: Any, value: Any) -> bool:
        """Whether a column is compared with what a query finds for its own record: no index serves that either.

        `version = (SELECT max(n.version) FROM docs n WHERE n.doc = d.doc)`.
        """
        exp = self.exp
        if not isinstance(column, exp.Column):
            return False
        record = column.table.lower() or (next(iter(self.tables)) if len(self.tables) == 1 else "")
        return any(
            named.table.lower() == record and record in self.tables
            for query in value.find_all(exp.Select)
            if record not in {x.alias_or_name.lower() for x in query.find_all(exp.Table)}
            for named in query.find_all(exp.Column)
        )

    def _is_plain(self, node: Any) -> bool:
        """Whether a column is of a plain table of SQLite, which knows no search of words (https://www.sqlite.org/fts5.html)."""
        own = self.column(node)
        known = self.reading.tables.get(own[0]) if own is not None else None
        told = known is not None and own is not None and known.column(own[1]) is not None
        return told and dialect(self.reading.application) == "sqlite"

    def _is_text(self, node: Any, table: str, name: str) -> bool:
        """Whether a name in quotes is a text, as SQLite and MySQL take it: `status = "new"`, `ends < date("now")`.

        Source: https://www.sqlite.org/quirks.html#double_quoted_string_literals_are_accepted.
        """
        known = self.reading.tables.get(table)
        other = known is not None and bool(known.columns) and known.column(name) is None
        quoted = not node.table and node.this.args.get("quoted")
        return bool(quoted) and other and dialect(self.reading.application) != "postgresql"

    def _equal(self, node: Any) -> Condition:
        exp = self.exp
        left, right = node.this, node.expression
        if isinstance(left, exp.Literal) and isinstance(right, exp.Literal):
            return Every(())
        one, two = self.column(left), self.column(right)
        text = one is not None and two is not None and self._is_text(right, *two)
        if any(
            self._of_whole(x) or self._of_each(x, y) or ((one is None or two is None) and self._works_out(x, y))
            for x, y in ((left, right), (right, left))
        ):  # fmt: skip
            return Every(())  # each row is held against those
        two = None if text else two
        if one and two and one[0] != two[0]:
            return Link(*one, *two)
        if one and two:
            return Every(())
        if isinstance(right, exp.Any) and one is None:
            many = self.column(right.this.unnest())  # of a list, whose GIN index knows `@>` alone
            return Test(many[0], f"ANY({many[1]})", "scanned") if many is not None else Every(())
        if one is None and two is not None:
            left = right
        if isinstance(right, exp.Any) and one is not None:
            return Test(*one)
        if isinstance(left, exp.Coalesce) and (unset := self._unset(left, right)) is not None:
            return Test(*unset, "unequal")
        given = right if left is node.this else node.this
        made = self._test(left, "equality")
        if isinstance(made, Test) and (text or isinstance(given, exp.Literal | exp.Boolean)):
            return replace(made, values=(given.name or given.sql(),))
        return made

    def _of_its_own_type(self, cast: Any) -> tuple[str, str] | None:
        """The column of a cast that changes nothing: `day::date` of a date, which an index serves."""
        own = self.column(cast.this)
        known = self.reading.tables.get(own[0]) if own is not None else None
        column = known.column(own[1]) if known is not None and own is not None else None
        same = column is not None and column.type.lower() == cast.to.sql().lower()
        return own if same else None

    def _flag(self, node: Any) -> tuple[str, str] | None:
        """The column of `COALESCE(done, 0)`, where it answers yes or no: most records have the value that is asked."""
        own = self.column(node.this)
        plain = all(isinstance(x, self.exp.Literal | self.exp.Boolean) for x in node.expressions)
        known = self.reading.tables.get(own[0]) if own is not None else None
        return own if own is not None and plain and is_flag(known, own[1]) else None

    def _unset(self, node: Any, value: Any) -> tuple[str, str] | None:
        """The column of `COALESCE(dead, 0) = 0`, where it is a small number: nearly all, that nobody has set."""
        own = self.column(node.this)
        known = self.reading.tables.get(own[0]) if own is not None else None
        column = known.column(own[1]) if known is not None and own is not None else None
        small = column is not None and column.type.lower() == "tinyint"
        return own if small and node.expressions == [value] else None

    def _test(self, node: Any, how: str, *, meant: bool = False) -> Condition:
        """A column compared; `meant` where a name that the query gives stands for it, which is looked up once."""
        exp = self.exp
        if isinstance(node, exp.Paren):
            node = node.this
        if isinstance(node, exp.Tuple):
            return Every(tuple(self._test(x, how) for x in node.expressions))
        if (own := self.column(node)) is not None:
            declares = self.reading.tables.get(own[0])
            if own[1].lower() in _ADDRESSES and not (declares and declares.column(own[1])):
                return Every(())  # the record's own place is found without an index
            if self._lacks(*own):
                if own[1].lower() in _OF_ORACLE:
                    return Every(())
                # SQLite and MySQL's HAVING know names that the query gives too
                if not meant and (given := self._meant(node)) is not node:
                    return self._test(given, how, meant=True)
                return Untold(no_column(own[1]))
            return Test(*own, how)
        inner = list(node.find_all(exp.Column)) if hasattr(node, "find_all") else []
        if any(MARK in c.name for c in inner):
            return Untold("which column is compared is decided at run time")
        if isinstance(node, exp.Cast) and (cast := self._of_its_own_type(node)) is not None:
            return Test(*cast, how)
        if isinstance(node, exp.AggFunc):
            return Every(())
        if isinstance(node, exp.Coalesce) and (flag := self._flag(node)) is not None:
            return Test(*flag, how)
        told = [own for c in inner if (own := self.column(c)) is not None]
        if isinstance(node, exp.Subquery | exp.Select) or not told:
            return Every(())
        if (isinstance(node, exp.Binary) or how in ("range", "prefix", ABOVE)) and len(
            set(told)
        ) > 1:
            return Every(())  # worked out from several columns: no index has it
        table, name = told[0]
        spelt = node.sql().lower().replace(" ", "").replace('"', "")
        spelt = re.sub(r"\b\w+\.", "", spelt)
        return Test(table, name, "scanned", applied=(spelt, how))
