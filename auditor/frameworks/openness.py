"""Which open reads are those of a public site, and which look like a guard that is missing.

A blog, a shop or a catalogue shows most of what it holds to everybody, and guards what changes it. Where
an application shows that it tells these apart, an open read is judged by what it hands out and by the
reads beside it, not by being open alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.changes import changes, removes
from auditor.frameworks.django.strangers import fails_for_strangers
from auditor.frameworks.effects import keeps_nothing
from auditor.frameworks.inputs import declared_fields
from auditor.frameworks.objects import ObjectAnalysis
from auditor.frameworks.registrations import REGISTERS, registrations, rights_given
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import Located
from auditor.model.data import Query, Table
from auditor.model.objects import ObjectAccess, Ownership
from auditor.model.openness import BackOffice, Openness, OpenRead
from auditor.model.pages import PageServer
from auditor.model.places import Place
from auditor.model.traffic import Traffic
from auditor.model.web import ON_PURPOSE, Guarding, Route

_ENFORCED_WRITES = 0.9
"""The share of guarded changes from which an application shows that it tells changes from reads."""
_OPEN_WRITES = 1 / 3
"""How many open changes there may be for each open read, where content is changed in a back office."""
_OPEN_READS = 0.25
"""The share of open reads below which an open one is an exception."""
_PRIVATE_PATH = re.compile(
    r"(?:[a-z]+[-_])?(?:admin|internal|private|debug|secrets?|tokens?|api[-_]?keys?|credentials?|passwords?|users?|accounts?"
    r"|customers?|clients?|employees?|patients?|me|my(?:[-_]\w+)?|profiles?|orders?|invoices?|payments?|transactions?|billing"
    r"|subscriptions?|messages?|inbox|conversations?|chats?|notifications?|logs?|audit|exports?|backups?|dump"
    r"|dashboard|leads?|appointments?|bookings?|reservations?|salar(?:y|ies)|payroll|sessions?|settings?|config(?:uration)?"
    r"|environ(?:ment)?|env|silk|(?:django[-_])?rq|flower|sql[-_]?explorer|explorer|hijack|impersonate|rosetta)(?:[-_](?:list|details?|data|info|all))?(?:\.\w+)?",
    re.I,
)
_PRIVATE_COLUMN = re.compile(
    r"^salary$|^(?:.*_)?(?:password\w*|passwd|secret\w*|(?:access|refresh|api|auth)_?token|api_?key|private_?key|ssn|national_?id"
    r"|passport\w*|iban|card_?number|cvv|last_?login|diagnos\w+|blood_?\w+)$",
    re.I,
)
_SIGNS_IN = re.compile(r"^(?:password\w*|passwd|last_?login)$", re.I)
_SHOWN_KIND = re.compile(
    r"posts?|authors?|articles?|comments?|reviews?|ratings?|recipes?|questions?|answers?|topics?|threads?|blogs?|entr(?:y|ies)"
    r"|products?|brands?|photos?|images?|videos?|pictures?|books?|movies?|films?|songs?|albums?|projects?|packages?|stor(?:y|ies)"
    r"|events?|news|listings?|ads?|tweets?|likes?|tags?|categor(?:y|ies)|courses?|lessons?|quotes?|snippets?",
    re.I,
)
"""What its author publishes, whoever the column `user` refers to."""
_USER = re.compile(r"(?:user|owner|account|customer|member|client)_id$")
_WHO = re.compile(r"(?:user|owner|account|customer|member|client|uid)(?:_?(?:id|pk|uuid))?", re.I)
_NAMED = re.compile(r"(?:user_?name|slug|handle|nick_?name)$")
_FIGURES = {"join", "count", "count_documents", "exists", "aggregate"}
"""Operations that bring figures, or what belongs to other records."""


@provides(OpenRead)
def open_reads(application: Application) -> Iterator[OpenRead]:
    known = [r for r in application.facts(Route) if r.authentication is not Guarding.UNKNOWN]
    judged = [r for r in known if r.authentication is not Guarding.EXEMPT]
    unguarded = [r for r in judged if r.authentication is Guarding.ABSENT]
    registering = registrations(application, unguarded)
    failing = [r for r in unguarded if fails_for_strangers(application.code, r)]
    for route in failing:
        yield OpenRead(route.application, route.name, Openness.FAILS, _FAILS)
    opened = [
        r
        for r in unguarded
        if r not in registering
        and r not in failing
        and (_is_read(r) or _keeps_nothing(application, r))
    ]
    handed = _Handed(application)
    for route in known:
        if route.public == "start page" and (why := handed.accounts(route)):
            yield OpenRead(route.application, route.name, Openness.PRIVATE, why)
    yield from rights_given(application, known)
    for route in registering:
        yield OpenRead(route.application, route.name, Openness.REGISTERS, REGISTERS)
    if not opened:
        return
    shown = _Shown(application, [r for r in judged if r not in registering])
    starts = {id(r.function.node) for r in known if r.public == "start page" and r.function}
    for route in opened:
        openness, why = Openness.FORGOTTEN, ""
        if route.method == "GET" and (removed := removes(application.code, route)):
            openness, why = Openness.REMOVES, removed
        elif route.method == "ANY" and (changed := changes(application.code, route)):
            openness, why = Openness.CHANGES, changed
        elif not (apart := (said := _said(application.code, route)) or shown.apart(route)):
            if _on_own_session(application, route) and not handed.private(route, ""):
                openness, why = Openness.HARMLESS, "it works on the visitor's own session"
            elif not _is_read(route) and not handed.reads(route):
                openness, why = Openness.HARMLESS, "it reads nothing that is stored"
            elif route.function and id(route.function.node) in starts:
                openness, why = Openness.HARMLESS, "it shows the start page"
            elif (public := handed.published(route)) and not _private(route):
                openness, why = Openness.READ, public
                if not handed.page(route) and (beside := shown.beside(route)):
                    openness, why = Openness.BESIDE, beside
        elif private := _private(route, said) or handed.private(route, said):
            openness, why = Openness.PRIVATE, private
        elif not said and (beside := shown.beside(route)):
            openness, why = Openness.BESIDE, beside
        else:
            openness, why = (Openness.HARMLESS if handed.told(route) else Openness.READ), apart
        if not _is_read(route):
            why = f"{why}; it keeps nothing".removeprefix("; ")
        yield OpenRead(route.application, route.name, openness, why)


_FAILS = "it looks for what belongs to `request.user`, so that a stranger gets an error and no 401"


def _keeps_nothing(application: Application, route: Route) -> bool:
    """A calculator or a search that takes POST."""
    function = route.function
    if function is None or not isinstance(function.node, t.Function) or route.method == "WEBSOCKET":
        return False
    return keeps_nothing(application.code, function)


def _on_own_session(application: Application, route: Route) -> bool:
    """Whether a handler works on what the visitor himself has put into his session, a cart for one."""
    function = route.function
    if function is None or not isinstance(function.node, t.Function):
        return False
    return any(
        isinstance(n, t.Item | t.Attr) and _SESSION.search(t.dotted(n.value))
        for n in t.walk_own(*function.node.body)
    ) and keeps_nothing(application.code, function)


_SESSION = re.compile(r"(?:^|request\.)session$")


def _is_read(route: Route) -> bool:
    return not route.writes and route.method != "WEBSOCKET"


def _said(code: Code, route: Route) -> str:
    """What a view says of itself: somebody has thought of who may read it."""
    names = (g.name for g in route.guards if g.reason == ON_PURPOSE)
    if said := next((f"`{name}` {ON_PURPOSE}" for name in names), ""):
        return said
    kinds = (code.own_name(answer).rpartition(":")[2] for answer in _answers(code, route))
    return next((f"`{kind}` says that it is public" for kind in kinds if _PUBLIC.search(kind)), "")


_PUBLIC = re.compile(r"(?:^|[a-z_])Public(?:$|[A-Z_])|^Public(?:$|[A-Z_])")


def _answers(code: Code, route: Route) -> list[Located]:
    """The classes of the tree that FastAPI answers with, whose fields are all that leaves: `response_model=Page[Post]`.

    https://fastapi.tiangolo.com/tutorial/response-model/#response-model-filtering.
    """
    function = route.function
    if (
        function is None
        or not isinstance(function.node, t.Function)
        or route.framework != "FastAPI"
    ):
        return []
    models = [
        k.value
        for d in function.node.decorators
        if isinstance(d, t.Call)
        for k in d.keywords
        if k.name == "response_model"
    ] or [function.node.returns or t.Const(0, 0, 0, None)]
    named = (
        n for m in models if m is not None for n in t.walk(m) if isinstance(n, t.Name | t.Attr)
    )
    found = (code.defined(n, function.scope) for n in named)
    return [each for each in found if each is not None and isinstance(each.node, t.Class)]


def _private(route: Route, said: str = "") -> str:
    if said and "public" in f"{route.handler} {route.path} {said}".lower():
        return ""  # `PublicProfile`, and everybody is let in by name
    segments = [s for s in route.path.split("/") if s]
    literal = [s for s in segments if s[0] not in "{<"]
    by_author = bool(literal) and _SHOWN_KIND.fullmatch(literal[-1]) is not None
    for segment in segments:
        if by_author and _AUTHORS.fullmatch(segment):
            continue  # `/users/{id}/posts`
        if _PRIVATE_PATH.fullmatch(segment):
            return f"`{segment}` names what is not for everybody"
    return ""


_AUTHORS = re.compile(r"users?|accounts?|profiles?", re.I)


def resource(route: Route) -> tuple[str, str]:
    """Application, and what a path names first: `products` of `/api/v1/products/{id}`."""
    return route.application, next(iter(_segments(route)), "")


def _segments(route: Route) -> list[str]:
    return [s for s in route.path.split("/") if s and not re.fullmatch(r"api|v\d+", s)]


_ASKING = (Guarding.ENFORCED, Guarding.OPTIONAL)
"""What tells changes from reads: also a guard that a missing setting switches off, which is named for that."""
_MANAGING = re.compile(r"admin|management|manage|backoffice|staff|dashboard", re.I)


def _managed(route: Route) -> tuple[str, str] | None:
    segments = _segments(route)
    if len(segments) > 1 and _MANAGING.fullmatch(segments[0]):
        return route.application, segments[1]
    return None


def _beneath(query: Query, page: bool) -> bool:
    """Whether it finds what belongs to another record; on a page also the one that an address names."""
    return any(
        (f.endswith("_id") and (page or not _USER.match(f))) or (page and _NAMED.match(f))
        for f in query.equality
    )


def _before(query: Query, route: Route) -> bool:
    """Whether it is asked by what runs before the handler: a hook that loads who is signed in."""
    return any(
        each.path == query.place.path and each.node.line <= query.place.line <= each.node.end_line
        for each in route.dependencies
        if each is not route.function
    )


def _of_caller(query: Query, route: Route) -> bool:
    """Whether it finds what belongs to who is signed in: nothing, for a stranger."""
    if not any(_WHO.fullmatch(f) for f in query.equality):
        return False
    return not any(_WHO.fullmatch(p.name) or p.source == "body" for p in route.parameters)


def _is_shown(kind: str) -> bool:
    words = re.findall(r"[A-Z]?[a-z]+", kind.rpartition(".")[2])
    return bool(words) and _SHOWN_KIND.fullmatch(words[-1]) is not None


class _Shown:
    """What an application shows to all: whether it tells reads from changes, and where."""

    def __init__(self, application: Application, routes: list[Route]) -> None:
        office = {b.application: b.name for b in application.facts(BackOffice)}
        units: dict[str, list[Route]] = defaultdict(list)
        self.resources: dict[tuple[str, str], list[Route]] = defaultdict(list)
        self.managed: dict[tuple[str, str], list[Route]] = defaultdict(list)
        """What an administration does to a resource: `/admin/products` to that of `/products`."""
        self.files: dict[tuple[str, str], list[Route]] = defaultdict(list)
        for route in routes:
            units[route.application].append(route)
            self.resources[resource(route)].append(route)
            if managed := _managed(route):
                self.managed[managed].append(route)
            self.files[route.application, route.place.path].append(route)
        self.written = {(r.application, r.path) for r in routes if r.writes}
        self.apart_by = {
            name: told
            for name, found in units.items()
            if (told := self._tells_apart(found, office.get(name, "")))
        }

    @staticmethod
    def _tells_apart(routes: list[Route], office: str) -> str:
        """Whoever forgets guards forgets them before changes as well."""
        writes = {(r.path, r.authentication) for r in routes if r.writes}
        reads = [r for r in routes if _is_read(r)]
        opened = sum(r.authentication is Guarding.ABSENT for r in reads)
        if opened < _OPEN_READS * len(reads):
            return ""
        enforced = sum(state in _ASKING for _, state in writes)
        if enforced > 2 and enforced >= _ENFORCED_WRITES * len(writes):
            return "changes are guarded throughout the application"
        unguarded = sum(state is Guarding.ABSENT for _, state in writes)
        if office and unguarded <= _OPEN_WRITES * opened:
            return f"content is changed in {office}"
        return ""

    def apart(self, route: Route) -> str:
        """What tells that open reads are meant; empty where nothing does."""
        found = self.resources[resource(route)]
        changes = [r for r in (*found, *self.managed[resource(route)]) if r.writes]
        reads = [r for r in found if _is_read(r)]
        opened = [r for r in reads if r.authentication is Guarding.ABSENT]
        guarded = sum(r.authentication in _ASKING for r in changes)
        unguarded = sum(r.authentication is Guarding.ABSENT for r in changes)
        if guarded and guarded >= 2 * unguarded and 2 * len(opened) > len(reads):
            return "only changes are guarded there"
        return self.apart_by.get(route.application, "")

    def beside(self, route: Route) -> str:
        """Whether most reads of the same resource, or of the same file, are guarded."""
        for routes in (
            self.resources[resource(route)],
            self.files[route.application, route.place.path],
        ):
            reads = [
                r for r in routes if _is_read(r) and (r.application, r.path) not in self.written
            ]
            reads = [r for r in reads if r is route or not _private(r)]
            guarded = [r for r in reads if r.authentication is Guarding.ENFORCED]
            if guarded and 2 * len(guarded) >= len(reads):
                return f"{len(guarded)} of {len(reads)} reads beside it are guarded, {guarded[0].name} for one"
        return ""


class _Handed:
    """What routes read of the stores."""

    def __init__(self, application: Application) -> None:
        application.facts(ObjectAccess)  # what routes find or make by who calls
        (self.objects,) = application.facts(ObjectAnalysis)
        self.pages = {(p.application, p.name) for p in application.facts(PageServer)}
        (traffic,) = application.facts(Traffic)
        self.read: dict[tuple[str, str], dict[tuple[str, str], bool]] = defaultdict(dict)
        queries = application.facts(Query)
        stored: dict[Place, set[tuple[str, str]]] = defaultdict(set)
        for query in queries:
            stored[query.place].add((query.store, query.collection))
        for query in queries:
            if len(stored[query.place]) > 1:
                continue  # written once for many models: which of them a route reads is not told
            if query.reads and query.operation not in _FIGURES:
                for route in traffic.of(query):
                    name = route.application, route.name
                    if not (
                        _beneath(query, name in self.pages)
                        or _of_caller(query, route)
                        or _before(query, route)
                    ):
                        self.read[name][query.store, query.collection] = True
        self.tables = {(x.store, x.name): x for x in application.facts(Table)}
        self.classes = {(c.path, c.node.line): c for c in application.code.classes()}
        self._reasons: dict[tuple[tuple[str, str], bool], str] = {}

    def accounts(self, route: Route) -> str:
        """Why a start page that answers with data gives accounts away."""
        read = self.read.get((route.application, route.name), {})
        if self.page(route) or route.authentication is not Guarding.EXEMPT:
            return ""
        return next((why for key in read if (why := self._why(key, False))), "")

    def told(self, route: Route) -> bool:
        """Whether everything that a route reads could be told."""
        read = self.read.get((route.application, route.name), {})
        return bool(read) and all(key in self.tables for key in read)

    def reads(self, route: Route) -> bool:
        return (route.application, route.name) in self.read

    def page(self, route: Route) -> bool:
        return (route.application, route.name) in self.pages

    def published(self, route: Route) -> str:
        """Whether what a route shows is of a kind that is made to be shown: products, articles, events.

        A page reads other things as well, a role or a setting, of which it shows what its template names.
        """
        read = self.read.get((route.application, route.name), {})
        page = self.page(route)
        if not self.told(route) or any(self._why(key, page) for key in read):
            return ""
        kinds = [self._kind_of(key) for key in read]
        shown = sorted(kind for kind in kinds if _is_shown(kind))
        if not shown or (not page and len(shown) < len(kinds)):
            return ""
        return f"it reads {re.split('[.:]', shown[0])[-1]}, which sites show"

    def private(self, route: Route, said: str) -> str:
        """Why what a route reads is not for everybody; `said` why the view is meant to be open.

        Accounts are read for the name of an author as well, and where somebody is asked for his rights:
        they count where nobody has said that all may read, and a page shows nothing that has an author.
        """
        read = self.read.get((route.application, route.name), {})
        page = self.page(route)
        beside = page and any(_is_shown(self._kind_of(key)) for key in read)
        beside = beside or self._answers_with_others(route)
        found = (key for key in read if not ((said or beside) and self._holds_accounts(key)))
        return next((why for key in found if (why := self._why(key, page))), "")

    def _answers_with_others(self, route: Route) -> bool:
        """Whether it answers with declared fields, none of them of an account alone."""
        code = self.objects.code
        answers = _answers(code, route)
        return bool(answers) and not any(
            re.search(r"User|Account|Member|Customer|Client|Person|Profile", code.own_name(a))
            or any(map(_PRIVATE_COLUMN.match, declared_fields(code, a)))
            for a in answers
        )

    def _holds_accounts(self, key: tuple[str, str]) -> bool:
        table = self.tables.get(key)
        return table is not None and any(_SIGNS_IN.match(column) for column, _ in table.columns)

    def _why(self, key: tuple[str, str], page: bool) -> str:
        """Why a table is not for everybody; a page shows what its template names, not whole rows."""
        if (key, page) not in self._reasons:
            self._reasons[key, page] = self._look(key, page)
        return self._reasons[key, page]

    def _look(self, key: tuple[str, str], page: bool) -> str:
        table = self.tables.get(key)
        if table is None:
            return ""
        for column, _ in table.columns if not page else ():
            if _PRIVATE_COLUMN.match(column):
                return f"it reads {table.name}, which holds `{column}`"
        kind = self._kind_of(key)
        told, field = self.objects.owners.settled(kind, self.objects.held | self.objects.made)
        if told is Ownership.ACCOUNT:
            return f"it reads {table.name}, the accounts"
        if told is Ownership.OWNED and not _is_shown(kind):
            return f"it reads {table.name}, which belongs to `{field}`"
        return ""

    def _kind_of(self, key: tuple[str, str]) -> str:
        table = self.tables.get(key)
        if table is None:
            return ""
        if found := self.classes.get((table.place.path, table.place.line)):
            return self.objects.code.own_name(found)
        return f"table:{table.name}" if table.store == "sql" else f"collection:{table.name}"
