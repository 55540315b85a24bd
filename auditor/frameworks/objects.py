"""Which stored objects routes find by ids of the caller's, and what ties them to who calls.

CWE-639, OWASP API1:2023: an id in a URL is no proof that its object is the caller's.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.callers import Callers, Handlers
from auditor.frameworks.fastapi.dependencies import DependencyGuards
from auditor.frameworks.object_views import ObjectViews
from auditor.link.application import Application, provides
from auditor.link.labels.engine import SECRET, Access, Labels, Trace, sent_id
from auditor.link.scopes import Located, place_of
from auditor.model.objects import ObjectAccess, Ownership, Tie, UnfollowedIds
from auditor.model.web import Guarding, Route
from auditor.stores.ownership import Owners
from auditor.stores.sql.reading.selection import Selections

_EVERYWHERE = ("middleware", "application", "body")
"""Guards of all requests, which let pass who is nobody where they do not demand anybody."""
_MACHINES = re.compile(r"(?:^|[/_-])(?:web_?hooks?|hooks?|callback|inbound)(?:[/_$-]|$)", re.I)
"""Callers that are no users: they prove themselves by a signature."""
_ROLE = re.compile(
    r"admin|super_?user|staff|roles?(?:$|[A-Z_])|Roles?|permission|Permission|perms?(?:$|_)|scope|privilege"
    r"|capabilit|moderator|manager|user_passes_test|polic|[aA]uthoriz(?:e|ation)|^can_|^Can[A-Z]|Rights|acl|ACL|^requires?$"
    r"|^(?!login|auth|jwt|token|session|user|otp|fresh|csrf|api|signed|verified|confirm|htmx|ajax|hx|post|get)\w+_required$",
)
_ANYBODY = re.compile(
    r"^(?:role[_.])?(?:customer|user|member|basic|client|student|patient|guest|viewer|buyer|standard)$",
    re.I,
)
_TENANT = re.compile(
    r"^(?:user|owner|tenant|org(?:ani[sz]ation)?|account|customer|company|workspace)_?(?:id|uuid)$",
    re.I,
)
_NO_ROLE = re.compile(r"IsAuthenticated|login_required|LoginRequired|AllowAny")
_TIE = {"query": Tie.QUERY, "compared": Tie.COMPARED, "checked": Tie.CHECKED}


@provides(ObjectAccess)
def object_accesses(application: Application) -> Iterator[ObjectAccess]:
    routes = [route for route in application.facts(Route) if _identified(route)]
    if routes:
        (found,) = application.facts(ObjectAnalysis)
        for route in routes:
            found.trace(route)
        for route in application.facts(Route):
            if route.method == "GET" and not _identified(route):
                found.opened |= {a.kind for a in found.trace(route).accesses if a.kind}
        for route in routes:
            if not _by_capability(route):
                yield from found.of(route)


@provides(UnfollowedIds)
def unfollowed_ids(application: Application) -> Iterator[UnfollowedIds]:
    found = {id(access.route) for access in application.facts(ObjectAccess)}
    for route in application.facts(Route):
        if not _identified(route):
            continue
        named = tuple(
            p.name for p in route.parameters if p.source == "path" and sent_id(p.name, "path")
        )
        if named and id(route) not in found and route.function is not None:
            (judged,) = application.facts(ObjectAnalysis)
            if judged.trace(route).unfollowed:
                yield UnfollowedIds(route, named)


def _identified(route: Route) -> bool:
    """Whether a route knows its caller; open ones are the business of another rule."""
    if route.public or _MACHINES.search(route.path):
        return False
    if route.authentication is Guarding.ENFORCED:
        return True
    return any(
        g.state in (Guarding.UNKNOWN, Guarding.DECORATIVE) and g.via not in _EVERYWHERE
        for g in route.guards
    )


def _by_capability(route: Route) -> bool:
    """Whether who holds the link may use it: `/invitations/{token}`."""
    return any(p.source == "path" and SECRET.search(p.name) for p in route.parameters)


class ObjectAnalysis:
    """Judges the routes of an application one by one."""

    def __init__(self, application: Application) -> None:
        self.application, self.code, self.values = application, application.code, application.values
        self.selections = Selections(self.values)
        self.owners = Owners(self.values, self.selections)
        callers = Callers(self.code)
        self.labels = Labels(
            self.values, callers.ambient, self.selections.of, self.selections.served
        )
        self.handlers = Handlers(self.labels, DependencyGuards(application))
        self.views = ObjectViews(self.values, self.labels, self.selections)
        self._traces: dict[int, Trace] = {}
        self.held: set[str] = set()
        """Kinds of objects that some route finds by who calls, or holds against the caller."""
        self.made: set[str] = set()
        """Kinds of objects that some route makes with who calls."""
        self.opened: set[str] = set()
        """Kinds of objects that routes read for everybody."""

    def trace(self, route: Route) -> Trace:
        """Everything that happens to the ids of a route, from its guards to its queries."""
        if id(route) not in self._traces:
            found = Trace()
            if route.function is not None and isinstance(route.function.node, t.Function):
                given, before = self.handlers.given(route, route.function)
                found.add(before)
                if (own := self.labels.trace(route.function, given)) is not None:
                    found.add(own)
            if route.view is not None:
                found.add(self.views.of(route))
            self._traces[id(route)] = found
            met = {mark for tie in found.ties for mark in tie.ids}
            held = found.kept | {a.kind for a in found.accesses if a.kind and a.ids & met}
            self.held |= {self.owners.root(kind) for kind in held}
            self.made |= {self.owners.root(kind) for kind in found.made}
        return self._traces[id(route)]

    def of(self, route: Route) -> Iterator[ObjectAccess]:
        trace = self.trace(route)
        if not trace.accesses:
            return
        role = self._role(route, trace)
        tied = _closed(trace, self._by_guards(route))
        ignored = {m: tie for tie in trace.ties if tie.ignored for m in tie.ids}
        seen: set[tuple[object, ...]] = set()
        for access in trace.accesses:
            named = sorted(access.ids, key=lambda m: (m.source != "path", m.name))
            first = named[0]
            key = (*access.where.key, first)
            if key in seen:
                continue
            seen.add(key)
            told, owner = self.owners.settled(access.kind, self.held | self.made)
            if told is Ownership.UNCLEAR and owner and _TENANT.search(first.name):
                told = Ownership.OWNED
            tie, reason = Tie.NONE, ""
            if meeting := next((tied[m] for m in named if m in tied), None):
                tie, reason = meeting
            elif role:
                tie, reason = Tie.ROLE, role
            elif first in ignored:
                at = ignored[first]
                tie = Tie.IGNORED
                ignored_for = at.ignored.format(*(m.name for m in at.against))
                reason = f"what `{first.name}` leads to {ignored_for} ({place_of(at.where)})"
            if tie is Tie.NONE and first.source != "path" and (tied or trace.kept):
                own = told is Ownership.OWNED and "." not in owner and first in trace.changed
                if tied or not own:
                    tie = Tie.UNCLEAR
            yield ObjectAccess(
                route,
                first.name,
                first.source,
                place_of(access.where),
                _kind(access),
                told,
                owner,
                tie,
                reason,
                bool(access.ids & trace.changed)
                or (route.view is not None and route.function is None and route.writes),
                "" if _TENANT.search(first.name) else self._doubt(access.kind),
                access.kind in self.opened,
            )

    def _doubt(self, kind: str) -> str:
        if kind in self.opened:
            return "an open route reads such objects as well"
        held = [x for x in self.held if self.owners.of(x)[0] is Ownership.OWNED]
        if held and self.owners.root(kind) not in held:
            return "no route of the application holds such objects against anybody"
        return ""

    def _role(self, route: Route, trace: Trace) -> str:
        """Why the caller may be meant to reach the objects of others."""
        names = [g.name for g in route.guards]
        for function in route.dependencies:
            names.append(function.node.name)  # type: ignore[attr-defined]
            names.append(function.scope.qualname.partition(".")[0])
        demanded = [n for n in names if _ROLE.search(n) and not _NO_ROLE.search(n)]
        if any(self._for_everybody(route, name) for name in demanded):
            return ""
        if demanded:
            return f"`{demanded[0]}` demands a role"
        if self._scoped(route):
            return "a decorator or a scope demands a role"
        if trace.roles:
            return f"callers without the role are turned away ({place_of(next(iter(trace.roles)))})"
        return ""

    @staticmethod
    def _for_everybody(route: Route, guard: str) -> bool:
        """`RoleChecker([Role.CUSTOMER])`: a role that everybody has who signs up."""
        if route.function is None or not isinstance(route.function.node, t.Function):
            return False
        node = route.function.node
        declared = [*node.decorators, *(x for p in node.params for x in (p.default, p.annotation))]
        for expr in declared:
            for call in t.walk_own(expr) if expr is not None else ():
                if isinstance(call, t.Call) and t.dotted(call.func).endswith(guard):
                    for word in t.walk_own(*call.args, *(k.value for k in call.keywords)):
                        match word:
                            case t.Attr(name=name) | t.Const(value=str(name)):
                                if _ANYBODY.match(name):
                                    return True
        return False

    def _scoped(self, route: Route) -> bool:
        """`Security(get_user, scopes=["admin"])`, `@method_decorator(permission_required("x"))`."""
        params = route.function.node.params if route.function is not None else ()  # type: ignore[attr-defined]
        for param in params:
            for expr in (param.default, param.annotation):
                for node in t.walk_own(expr) if expr is not None else ():
                    if isinstance(node, t.Call) and t.dotted(node.func).endswith("Security"):
                        if len(node.args) > 1 or any(k.name == "scopes" for k in node.keywords):
                            return True
        for decorated in (route.function, route.view):
            for decorator in decorated.node.decorators if decorated is not None else ():  # type: ignore[attr-defined]
                for node in t.walk_own(decorator):
                    if isinstance(node, t.Name | t.Attr):
                        word = t.dotted(node).rpartition(".")[2]
                        if _ROLE.search(word) and not _NO_ROLE.search(word):
                            return True
        return False

    def _by_guards(self, route: Route) -> dict[str, tuple[Tie, str]]:
        """Ids that a guard looks at itself: `view_args["project_id"]`, a parameter of that name."""
        names = {p.name for p in route.parameters if p.source == "path"}
        found: dict[str, tuple[Tie, str]] = {}
        guards = [self._at((g.place.path, g.place.line)) for g in route.guards if g.via != "body"]
        for function in (*guards, *(route.dependencies if route.framework == "Flask" else ())):
            if function is None or not names:
                continue
            words = self._words(function)
            for name in names:
                if name in words or words & _ALL_PARTS:
                    where = place_of(function)
                    found[name] = Tie.CHECKED, f"a guard looks at it ({where})"
        return found

    def _words(self, function: Located) -> frozenset[str]:
        if id(function.node) not in self._worded:
            words: set[str] = set()
            for each in self.code.with_callees(function, 1):
                words.update(p.name for p in each.node.params if p.kind != "kwargs")  # type: ignore[attr-defined]
                for node in t.walk_own(*each.node.body):  # type: ignore[attr-defined]
                    match node:
                        case t.Const(value=str(word)) | t.Name(id=word) | t.Attr(name=word):
                            words.add(word)
                        case (
                            t.Item(value=t.Name(id="kwargs"))
                            | t.Call(func=t.Attr(value=t.Name(id="kwargs"), name="get" | "pop"))
                        ):
                            words.add("**kwargs")
            words.discard("kwargs")
            self._worded[id(function.node)] = frozenset(words)
        return self._worded[id(function.node)]

    @functools.cached_property
    def _worded(self) -> dict[int, frozenset[str]]:
        return {}

    def _at(self, key: tuple[str, int]) -> Located | None:
        return self._functions.get(key)

    @functools.cached_property
    def _functions(self) -> dict[tuple[str, int], Located]:
        return {(f.path, f.node.line): f for f in self.code.functions()}


_ALL_PARTS = {"view_args", "path_params"}


@provides(ObjectAnalysis)
def analysis(application: Application) -> list[ObjectAnalysis]:
    return [ObjectAnalysis(application)]


def _closed(trace: Trace, guarded: dict[str, tuple[Tie, str]]) -> dict[object, tuple[Tie, str]]:
    """Every id that is tied, by itself or through another that its object is held against."""
    tied: dict[object, tuple[Tie, str]] = {}
    for meeting in trace.ties:
        for mark in meeting.ids if not meeting.ignored else ():
            tied.setdefault(
                mark, (_TIE[meeting.how], f"{meeting.how} at {place_of(meeting.where)}")
            )
    everything = {m for a in trace.accesses for m in a.ids} | {m for x in trace.links for m in x}
    for mark in everything:
        if mark.name in guarded and mark.source == "path":
            tied.setdefault(mark, guarded[mark.name])
    links = [*trace.links, *(a.ids for a in trace.accesses if len(a.ids) > 1)]
    changed = True
    while changed:
        changed = False
        for link in links:
            through = next((m for m in link if m in tied), None)
            if through is not None:
                for mark in link:
                    if mark not in tied:
                        tied[mark] = (
                            tied[through][0],
                            f"held against `{through.name}`, which is tied",
                        )
                        changed = True
    return tied


def _kind(access: Access) -> str:
    kind = access.kind
    return re.split(r"[:.]", kind)[-1] if kind else "an object"
