"""What limits a Django view: DRF's throttles, django-ratelimit, django-axes, allauth, middleware.

https://www.django-rest-framework.org/api-guide/throttling/: a throttle without a rate lets everybody
pass; AnonRateThrottle counts only who has not signed in, and permissions are asked before it; a view
without `throttle_scope` is left alone by ScopedRateThrottle. https://django-ratelimit.readthedocs.io/:
with `block=False` the view has to look at `request.limited`. https://django-axes.readthedocs.io/.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.frameworks.django.guards import DjangoGuards
from auditor.frameworks.django.permissions import Entries, Throttles
from auditor.frameworks.django.settings import DjangoProject, Variant, place_in
from auditor.frameworks.django.views import Extra
from auditor.frameworks.limits import Limits
from auditor.libraries.limiters import SPOOFABLE
from auditor.libraries.url_configurations import ALLAUTH_ACCOUNT, PackagedView
from auditor.link.application import Application
from auditor.link.pathtests import PathTests
from auditor.link.scopes import CallSite, Located, place_of
from auditor.model.places import Place
from auditor.model.values import Known
from auditor.model.web import Guarding, Limit, Limiting, Route

_RATELIMIT = re.compile(r"^(django_)?ratelimit\.(?:decorators\.)?ratelimit\(\)$")
_THROTTLES = re.compile(r"^(?:rest_framework|ninja)\.throttling\.(\w+)$")
_UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
_FORWARDED = re.compile(r"header:x-forwarded-for", re.I)
_LOCAL = re.compile(r"(?:locmem|LocMemCache)")
_DUMMY = re.compile(r"(?:dummy|DummyCache)")
_ALLAUTH = ("login", "registration", "password recovery")


class _Cache(msgspec.Struct, frozen=True):
    """What the default cache of a project is: limits count there."""

    memory: bool
    dummy: bool
    place: Place


class DjangoLimits:
    """Finds the limits of the views of one project."""

    def __init__(
        self, application: Application, project: DjangoProject, guards: DjangoGuards
    ) -> None:
        self.application, self.project, self.guards = application, project, guards
        self.code, self.values = application.code, application.values
        self.limits = Limits(application)
        self.throttles = Throttles(application, project)

    # --- what is asked for each route

    def around(self, decorators: Sequence[Located], via: str, tests: PathTests, function: Located | None) -> Iterator[Limit]:  # fmt: skip
        """What decorators of a view, or of where it is registered, limit."""
        for used in decorators:
            if (limit := self._ratelimit(used, via, tests.method, function)) or (
                limit := self.limits.decorator(used, via)
            ):
                yield limit

    def of_class(
        self, found: Located, method: str, handler: Located | None, tests: PathTests
    ) -> Iterator[Limit]:
        """What decorates a class, its `dispatch`, or the handler of a method; and what that does."""
        for ancestor in self.code.ancestry(found):
            definition = self.code.definition(ancestor)
            if definition is None or not isinstance(definition.node, t.Class):
                continue
            for decorator in definition.node.decorators:
                for name, given in self.guards.method_decorators(decorator, definition.scope):
                    if name in ("", "dispatch", method.lower()):
                        yield from self.around([given], "class", tests, handler)
        for name in ("dispatch", "initial", "setup"):
            dispatch = self.throttles.views.method(found, name)
            if dispatch is not None:
                yield from self.handler(dispatch, "class", tests)
        if handler is not None:
            yield from self.handler(handler, "decorator", tests)

    def handler(self, function: Located, via: str, tests: PathTests) -> Iterator[Limit]:
        """What decorates a function, and the limiter that it is itself."""
        for decorator in function.node.decorators:  # type: ignore[attr-defined]
            inner = [x for _, x in self.guards.method_decorators(decorator, function.scope)]
            yield from self.around(inner or [Located(decorator, function.scope)], via, tests, function)  # fmt: skip
        yield from self.limits.first([function], "body")

    def everywhere(self, tests: PathTests) -> Iterator[Limit]:
        """What the project's own middleware limits on a route."""
        for name, function in self._middleware:
            if limit := self.limits.running(function, name, "middleware", tests):
                yield limit

    def throttled(
        self,
        view: Located | None,
        method: str,
        action: str = "",
        extra: Extra | None = None,
        made: CallSite | None = None,
        function: Located | None = None,
    ) -> Iterator[Limit]:
        """DRF's throttles of a view, an action or a function; those that every way of asking has."""
        if view is not None:
            ways = self.throttles.of(view, method, action, extra, made)
            if any("ObtainAuthToken" in name for name in self.code.ancestry(view)):
                if self.throttles.views.attribute(view, "throttle_classes") is None:
                    ways = [[]]
        elif function is not None:
            ways = self.throttles.of_function(function)
        else:
            ways = [[None]]
        found = [list(self._entries(entries, view)) for entries in ways]
        if found and all(found):
            yield from found[0]

    def signing_in(self, route: Route) -> Iterator[Limit]:
        """What packages put on every way of signing in."""
        main = self.project.main
        if route.public == "login" and route.method in (*_UNSAFE, "ANY"):
            if (axes := self._axes) is not None:
                yield axes
            for middleware in main.texts("MIDDLEWARE"):
                if middleware.startswith("defender."):
                    yield Limit("django-defender", place_in(main, "MIDDLEWARE"), "middleware")

    # --- DRF

    def _entries(self, entries: Entries, view: Located | None) -> Iterator[Limit]:
        for entry in entries:
            if entry is None:
                for dotted in self.throttles.default():
                    name, found = self._dotted(dotted)
                    at = place_in(self.project.main, "REST_FRAMEWORK")
                    if limit := self._throttle(name, found, view, at, "application"):
                        yield limit
            else:
                expr: t.Expr = entry.node  # type: ignore[assignment]
                rate = ""
                if isinstance(expr, t.Call):
                    rate = (
                        self.values.text(CallSite(expr, entry.scope).arg(0, "rate"), entry.scope)
                        or ""
                    )
                    expr = expr.func
                name = self.code.name(expr, entry.scope) or t.dotted(expr)
                found = self.code.definition(name)
                at = place_of(found or entry, re.split(r"[.:]", name)[-1])
                if limit := self._throttle(name, found, view, at, "class", rate):
                    yield limit

    def _throttle(
        self, name: str, found: Located | None, view: Located | None, at: Place, via: str, rate: str = ""
    ) -> Limit | None:  # fmt: skip
        """What a throttle class does for a view; None where it leaves it alone."""
        ancestry = self.code.ancestry(found) if found is not None else [name]
        base = next((m[1] for n in ancestry if (m := _THROTTLES.match(n))), "")
        short = re.split(r"[.:]", name)[-1]
        limit = Limit(short, at, via, rate, memory=self._cache.memory)
        own = self.throttles.views.method(found, "allow_request") if found is not None else None
        if own is not None:
            return self._judged(own, limit)
        if not base:
            return limit  # of another package
        kind = {"AnonRateThrottle": "anon", "UserRateThrottle": "user"}.get(base, "")
        rate = rate or self._attribute(found, "rate")
        if not rate and found is not None and self.throttles.views.method(found, "get_rate"):
            rate = "told by get_rate()"
        if not rate:
            scope = self._attribute(found, "scope") or kind
            if base == "ScopedRateThrottle":
                scope = self._attribute(view, "throttle_scope")
                if not scope:
                    return None
            rate_of, told = self._rate(scope, found)
            if told:
                return replace(limit, state=Limiting.DECORATIVE, reason=told)
            rate = rate_of
        if self._cache.dummy:
            told = f"counts in a cache that keeps nothing ({self._cache.place})"
            return replace(limit, state=Limiting.DECORATIVE, reason=told)
        return replace(limit, rate=rate, name=f"{short}")

    def _judged(self, method: Located, limit: Limit) -> Limit:
        """A throttle with a method of its own: one that always says yes is none."""
        returned = [n.value for n in t.walk_own(*method.node.body) if isinstance(n, t.Return)]  # type: ignore[attr-defined]
        if returned and all(isinstance(v, t.Const) and v.value is True for v in returned):
            reason = f"{limit.name}.allow_request() says yes to everybody"
            return replace(limit, state=Limiting.DECORATIVE, reason=reason)
        return limit

    def _rate(self, scope: str, found: Located | None) -> tuple[str, str]:
        """(rate, why there is none) of a scope."""
        rates: dict[str, object] = {"user": None, "anon": None}
        for value in self.project.main.known("REST_FRAMEWORK"):
            if isinstance(value, dict) and "DEFAULT_THROTTLE_RATES" in value:
                given = value["DEFAULT_THROTTLE_RATES"]
                if not isinstance(given, dict):
                    return "", ""  # it cannot be told
                rates = given
        own = self.throttles.views.attribute(found, "THROTTLE_RATES") if found is not None else None
        if own is not None:
            value = self.values.value(own.node, own.scope)  # type: ignore[arg-type]
            if not (isinstance(value, Known) and isinstance(value.value, dict)):
                return "", ""
            rates = value.value
        if scope not in rates:
            return "", f"no rate is set for its scope `{scope}`, so that every request fails"
        rate = rates[scope]
        if rate is None:
            return "", f"no rate is set for its scope `{scope}`, so that it lets everybody pass"
        return (rate if isinstance(rate, str) else ""), ""

    def _attribute(self, found: Located | None, name: str) -> str:
        located = self.throttles.views.attribute(found, name) if found is not None else None
        if located is None:
            return ""
        return self.values.text(located.node, located.scope) or "set at run time"  # type: ignore[arg-type]

    def _dotted(self, dotted: str) -> tuple[str, Located | None]:
        """A class named in the settings: its canonical name, its definition."""
        module = self.code.module_of(dotted.rpartition(".")[0], self.project.main.module.scope)
        if module is None:
            return dotted, None
        name = f"{module.path}:{dotted.rpartition('.')[2]}"
        return name, self.code.definition(name)

    def reaching(self, route: Route, limits: Sequence[Limit]) -> Iterator[Limit]:
        """The limits that hold for the callers that a route lets in.

        DRF asks permissions before throttles, so that one for strangers counts nobody where all must
        sign in. Without NUM_PROXIES it knows a stranger by the whole of X-Forwarded-For.
        """
        for limit in limits:
            anonymous = limit.name in self._anonymous
            if anonymous and route.authentication is Guarding.ENFORCED:
                continue
            strangers = route.authentication is not Guarding.ENFORCED
            drf = anonymous or limit.name in self._by_user
            if strangers and drf and limit.state is Limiting.PRESENT and self._forwarded:
                yield replace(limit, state=Limiting.WEAK, reason=self._forwarded)
            else:
                yield limit

    @functools.cached_property
    def _anonymous(self) -> frozenset[str]:
        return self._deriving("AnonRateThrottle")

    @functools.cached_property
    def _by_user(self) -> frozenset[str]:
        return self._deriving("UserRateThrottle") | self._deriving("ScopedRateThrottle")

    def _deriving(self, base: str) -> frozenset[str]:
        full = f"rest_framework.throttling.{base}"
        own = (c.node.name for c in self.code.classes() if full in self.code.ancestry(c))  # type: ignore[attr-defined]
        return frozenset((base, *own))

    @functools.cached_property
    def _forwarded(self) -> str:
        """Why strangers can change what they are counted by."""
        for value in self.project.main.known("REST_FRAMEWORK"):
            if isinstance(value, dict) and value.get("NUM_PROXIES", None) is not None:
                return ""
        if self.project.main.place("REST_FRAMEWORK") is None:
            return ""
        if not any(isinstance(v, dict) for v in self.project.main.known("REST_FRAMEWORK")):
            return ""
        return "counts strangers by the whole of X-Forwarded-For, which they write themselves: NUM_PROXIES is not set"  # fmt: skip

    # --- django-ratelimit

    def _ratelimit(
        self, used: Located, via: str, method: str, function: Located | None
    ) -> Limit | None:
        if not isinstance(used.node, t.Call):
            return None
        match = _RATELIMIT.match(self.code.name(used.node, used.scope))
        if match is None:
            return None
        site = CallSite(used.node, used.scope)
        if not self._covers(site.arg(3, "method"), site, method):
            return None
        rate = self.values.text(site.arg(2, "rate"), site.scope) or ""
        key = self.values.text(site.arg(1, "key"), site.scope) or ""
        limit = Limit("ratelimit", place_of(used), via, rate, memory=self._cache.memory)
        blocks = self.values.value(site.arg(4, "block"), site.scope)
        told = isinstance(blocks, Known)
        blocking = blocks.value if isinstance(blocks, Known) else match[1] is not None
        if not (told or site.arg(4, "block") is None):
            blocking = True  # decided at run time
        if not blocking and not (function is not None and self._looks(function)):
            reason = "does not block, and nothing looks at `request.limited`"
            return replace(limit, state=Limiting.DECORATIVE, reason=reason)
        if any(value is False for value in self.project.main.known("RATELIMIT_ENABLE")):
            at = place_in(self.project.main, "RATELIMIT_ENABLE")
            return replace(limit, state=Limiting.DECORATIVE, reason=f"RATELIMIT_ENABLE is False ({at})")  # fmt: skip
        if self._cache.dummy:
            told_so = f"counts in a cache that keeps nothing ({self._cache.place})"
            return replace(limit, state=Limiting.DECORATIVE, reason=told_so)
        found = self.code.defined(site.arg(1, "key"), site.scope) if site.arg(1, "key") else None  # type: ignore[arg-type]
        own = found is not None and isinstance(found.node, t.Function)
        if _FORWARDED.match(key) or (own and self.limits.counters.forwarded(found)):  # type: ignore[arg-type]
            return replace(limit, state=Limiting.WEAK, reason=SPOOFABLE)
        return limit

    def _covers(self, given: t.Expr | None, site: CallSite, method: str) -> bool:
        """Whether `method=` of a limit holds for a route's method."""
        if given is None or method == "ANY":
            return True
        if t.dotted(given).endswith("UNSAFE"):
            return method in _UNSAFE
        value = self.values.value(given, site.scope)
        if isinstance(value, Known):
            listed = value.value if isinstance(value.value, list) else [value.value]
            return method in listed or None in listed
        return True

    def _looks(self, function: Located) -> bool:
        """Whether a view asks whether its caller is over the limit."""
        return any(
            (isinstance(n, t.Attr) and n.name == "limited")
            or (isinstance(n, t.Const) and n.value == "limited")
            for n in t.walk(*function.node.body)  # type: ignore[attr-defined]
        )

    # --- sign-in packages

    @functools.cached_property
    def _axes(self) -> Limit | None:
        main = self.project.main
        if not any(
            app == "axes" or app.startswith("axes.") for app in main.texts("INSTALLED_APPS")
        ):
            return None
        limit = Limit("django-axes", place_in(main, "INSTALLED_APPS"), "application")
        if any(value is False for value in main.known("AXES_ENABLED")):
            told = f"AXES_ENABLED is False ({place_in(main, 'AXES_ENABLED')})"
            return replace(limit, state=Limiting.DECORATIVE, reason=told)
        backends = main.texts("AUTHENTICATION_BACKENDS")
        if not any(backend.startswith("axes.") for backend in backends):
            if main.get("AUTHENTICATION_BACKENDS") is not None and not backends:
                return limit  # cannot be told
            told = "is installed, but AUTHENTICATION_BACKENDS does not name its backend, which locks out"
            return replace(limit, state=Limiting.DECORATIVE, reason=told)
        return limit

    def packaged(self, view: PackagedView) -> Iterator[Limit]:
        """What a package limits in the views that it brings itself."""
        if view not in ALLAUTH_ACCOUNT or view.public not in _ALLAUTH:
            return
        main = self.project.main
        limit = Limit("allauth", place_in(main, "INSTALLED_APPS"), "application")
        if any(value is False for value in main.known("ACCOUNT_RATE_LIMITS")):
            told = f"ACCOUNT_RATE_LIMITS is False ({place_in(main, 'ACCOUNT_RATE_LIMITS')})"
            yield replace(limit, state=Limiting.DECORATIVE, reason=told)
        else:
            yield replace(limit, memory=self._cache.memory)

    # --- the project

    @functools.cached_property
    def _middleware(self) -> list[tuple[str, Located]]:
        found = []
        for dotted in self.project.main.texts("MIDDLEWARE"):
            _, definition = self._dotted(dotted)
            if definition is not None:
                short = dotted.rpartition(".")[2]
                found += [(short, hook) for hook in self.guards.hooks(definition)]
        return found

    @functools.cached_property
    def _cache(self) -> _Cache:
        return cache_of(self.project.main)


def cache_of(main: Variant) -> _Cache:
    """https://docs.djangoproject.com/en/stable/ref/settings/#caches: the process's memory unless told."""
    if main.get("CACHES") is None:
        return _Cache(True, False, place_in(main, "CACHES"))
    backends = []
    for value in main.known("CACHES"):
        default = value.get("default") if isinstance(value, dict) else None
        if isinstance(default, dict):
            backends.append(str(default.get("BACKEND") or ""))
    memory = bool(backends) and all(_LOCAL.search(b) for b in backends)
    dummy = bool(backends) and all(_DUMMY.search(b) for b in backends)
    return _Cache(memory, dummy, place_in(main, "CACHES"))
