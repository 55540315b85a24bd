"""The routes of one Django project: each view with all that runs before it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import msgspec

from auditor.extract.python import tree as t
from auditor.frameworks.decorators import Applied
from auditor.frameworks.django.graphql import is_graphql, resolvers
from auditor.frameworks.django.guards import LOGIN_FREE_VIEWS, LOGIN_VIEWS, DjangoGuards
from auditor.frameworks.django.limits import DjangoLimits
from auditor.frameworks.django.ninja import NinjaApis, NinjaGuards, NinjaOperation
from auditor.frameworks.django.patterns import path_parameters, readable
from auditor.frameworks.django.permissions import Entries, Permissions
from auditor.frameworks.django.rest import RestRoute, RestRouters
from auditor.frameworks.django.signins import SignIns
from auditor.frameworks.django.urls import Pattern, Registry, UrlConf
from auditor.frameworks.django.views import MADE, METHODS, SERVED, UPON_REST, Views
from auditor.frameworks.visitors import public
from auditor.libraries.url_configurations import PACKAGED_VIEWS, PackagedView
from auditor.link.application import Application
from auditor.link.pathtests import UNNAMED, PathTests
from auditor.link.scopes import CallSite, Located, Scope, named, place_of
from auditor.model.dependencies import Requirement
from auditor.model.places import Place
from auditor.model.values import possible
from auditor.model.web import ON_PURPOSE, Guard, Guarding, Limit, Route

_SCHEMA_VIEW = re.compile(
    r"^(?:rest_framework\.schemas|drf_yasg\.views)\.(?:\w+\.)*get_schema_view$"
    r"|^rest_framework_swagger\.views\.get_swagger_view$"
)
_FOR_ALL = re.compile(r"AllowAny$|ReadOnly$|^(?:Is)?Public\w*$")
_PUBLIC_VIEWS = {
    "LoginView": "login", "LogoutView": "logout", "PasswordResetView": "password recovery",
    "PasswordResetDoneView": "password recovery", "PasswordResetConfirmView": "password recovery",
    "PasswordResetCompleteView": "password recovery", "TokenObtainPairView": "login",
    "TokenObtainSlidingView": "login", "TokenViewBase": "login", "TokenRefreshView": "token refresh",
    "TokenRefreshSlidingView": "token refresh", "TokenVerifyView": "token refresh",
    "SocialLoginView": "login", "RegisterView": "registration",
    "ObtainAuthToken": "login", "obtain_auth_token": "login", "SpectacularAPIView": "documentation",
    "SpectacularSwaggerView": "documentation", "SpectacularRedocView": "documentation",
    "JavaScriptCatalog": "static files", "set_language": "static files", "serve": "static files",
    "RedirectView": "redirection",
}  # fmt: skip


class ProjectRoutes:
    """Makes the routes of one project."""

    def __init__(
        self,
        application: Application,
        conf: UrlConf,
        routers: RestRouters,
        apis: NinjaApis,
        guards: DjangoGuards,
    ) -> None:
        self.application, self.conf, self.guards = application, conf, guards
        self.routers, self.apis, self.ninja = routers, apis, NinjaGuards(guards)
        self.code, self.values = application.code, application.values
        self.views = Views(self.values)
        self.views.old = _is_old(application)
        self.permissions = Permissions(application, conf.project)
        self.limits = DjangoLimits(application, conf.project, guards)
        self.signins = SignIns(guards, conf.project)

    def routes(self) -> Iterator[Route]:
        for route in self._all():
            reaching = self.limits.reaching(route, route.limits)
            limits = (*reaching, *self.limits.signing_in(route))
            yield replace(route, limits=tuple(dict.fromkeys(limits)))

    def _all(self) -> Iterator[Route]:
        for pattern in self.conf.patterns:
            yield from self._pattern(pattern)
        for registry in self.conf.registries:
            for key in self.routers.of(registry.owner.node, registry.owner.scope):  # type: ignore[arg-type]
                for route in self.routers.routes(key):
                    yield self._rest(registry, route)
            for key in self.apis.of(registry.owner.node, registry.owner.scope):  # type: ignore[arg-type]
                for operation in self.apis.operations(key):
                    yield self._operation(registry, operation)

    # --- one pattern

    def _pattern(self, pattern: Pattern) -> Iterator[Route]:
        node, scope = pattern.view.node, pattern.view.scope
        if pattern.packaged is not None:
            yield from self._packaged(pattern, pattern.packaged)
            return
        if (
            isinstance(node, t.Call)
            and isinstance(node.func, t.Attr)
            and node.func.name == "as_view"
        ):
            yield from self._class_view(pattern, node, node.func.value, scope)
            return
        if (schema := self._schema(node, scope)) is not None:
            yield self._schema_view(pattern, schema)
            return
        if isinstance(node, t.Call) and node.keywords and not node.args and _by_method(node):
            for keyword in node.keywords:  # `methods(get=shown, put=changed)`
                view = msgspec.structs.replace(pattern, view=Located(keyword.value, scope))
                for route in self._pattern(view):
                    if route.method in ("ANY", str(keyword.name).upper()):
                        yield replace(route, method=str(keyword.name).upper())
            return
        found = self.code.defined(node, scope) if isinstance(node, t.Name | t.Attr) else None
        if isinstance(node, t.Lambda):
            found = self.code.as_function(Located(node, scope))
        if found is not None and isinstance(found.node, t.Function):
            for method in self.views.of_function(found):
                yield self._function_view(pattern, found, method)
            return
        short = t.dotted(node).rpartition(".")[2] if isinstance(node, t.Name | t.Attr) else "view"
        if found is None and (known := PACKAGED_VIEWS.get(self.code.name(node, scope))):  # type: ignore[arg-type]
            yield from self._packaged(pattern, known)
            return
        if found is None and short in MADE and not isinstance(node, t.Call):
            yield from self._foreign(pattern, MADE[short], MADE[short])
            return
        made = self.code.defined(node.func, scope) if isinstance(node, t.Call) else None
        if made is not None and isinstance(made.node, t.Class):
            yield self._instance_view(pattern, made)
            return
        tests = self._tests("ANY", pattern)
        found_guards = [*self._around(pattern, tests), *self._everywhere(tests, pattern.wrappers)]
        name = self.code.name(node, scope)  # type: ignore[arg-type]
        found_guards += self._unseen(name or short, short, pattern)
        yield self._route(
            pattern, "ANY", short or "view", place_of(pattern.site), None, found_guards, short
        )

    def _instance_view(self, pattern: Pattern, made: Located) -> Route:
        """A view that is an object which is called: `LatestEntriesFeed()`."""
        name = made.node.name  # type: ignore[attr-defined]
        called = self.views.method(made, "__call__")
        if called is not None:
            return replace(self._function_view(pattern, called, "ANY"), handler=name)
        tests = self._tests("ANY", pattern)
        guards = [*self._around(pattern, tests), *self._everywhere(tests, pattern.wrappers)]
        outside = (a for a in self.code.ancestry(made) if self.code.definition(a) is None)
        guards += self._unseen(next(outside, "django."), name, pattern)
        return self._route(pattern, "ANY", name, place_of(made, name), None, guards, name)

    def _function_view(self, pattern: Pattern, found: Located, method: str) -> Route:
        decorators = [Located(d, found.scope) for d in found.node.decorators]  # type: ignore[attr-defined]
        tests = self._tests(method, pattern, decorators)
        guards = self._around(pattern, tests)
        for decorator in decorators:
            guards += self.guards.applied(Applied(decorator, "decorator"), tests)
        names = [self.code.name(d.node, d.scope) or t.dotted(t.callee(d.node)) for d in decorators]  # type: ignore[arg-type]
        rest = any(re.search(r"(?:^|\.)api_view(?:\(\))?$", name) for name in names)
        if rest:
            guards += self._permitted(self.permissions.of_function(found), tests)
        if body := self.guards.body(found, tests):
            guards.append(body)
        guards += self._everywhere(tests, [*decorators, *pattern.wrappers], rest)
        name = found.node.name  # type: ignore[attr-defined]
        limits = list(self.limits.handler(found, "decorator", tests))
        if rest:
            limits += self.limits.throttled(None, method, function=found)
        at = place_of(found, name)
        return self._route(pattern, method, name, at, found, guards, name, limits)

    def _class_view(
        self, pattern: Pattern, call: t.Call, view: t.Expr, scope: Scope
    ) -> Iterator[Route]:
        found = self.code.defined(view, scope)
        dotted = t.dotted(view)
        short = dotted.rpartition(".")[2]
        if found is None and isinstance(view, t.Call) and len(view.args) == 1:
            given = self.code.defined(view.args[0], scope)  # `extensions.get(Page).as_view()`
            if given is not None and not self.guards.sounds_like_guard(_last(view.func)):
                found, short = given, _last(view.args[0])
        if found is None or not isinstance(found.node, t.Class):
            name = self.code.name(view, scope) or dotted
            if (known := PACKAGED_VIEWS.get(name)) is not None:
                yield from self._packaged(pattern, known)
                return
            if "()" not in name:
                short = name.rpartition(".")[2]  # whatever it is imported as
            yield from self._foreign(pattern, name, short)
            return
        mapping = self._mapping(call, scope)
        if mapping:
            extras = {extra.name: extra for extra in self.views.extras(found)}
            for method in self.views.allowed(found, set(mapping)):
                action = mapping[method]
                route = RestRoute("", method, action, found, extras.get(action), pattern.site)
                yield self._action(pattern, route)
            return
        for method in self.views.served(found) or ("ANY",):
            yield self._method(pattern, found, method, short)

    def _schema(self, node: t.Node, scope: Scope) -> CallSite | None:
        """The `get_schema_view(…)` of DRF or drf-yasg that a view comes from."""
        match node:
            case t.Call(func=t.Attr(value=made, name="with_ui" | "without_ui" | "as_cached_view")):
                node = made
        for source in self.values.sources(node, scope):  # type: ignore[arg-type]
            if isinstance(source.node, t.Call):
                if _SCHEMA_VIEW.match(self.code.name(source.node.func, source.scope)):
                    return CallSite(source.node, source.scope)
        return None

    def _schema_view(self, pattern: Pattern, made: CallSite) -> Route:
        tests = self._tests("GET", pattern)
        given = made.arg(None, "permission_classes")
        listed: Entries = [None]
        if given is not None:
            listed = self.permissions.items(Located(given, made.scope))
        guards = [*self._around(pattern, tests), *self._permitted([listed], tests)]
        guards += self._everywhere(tests, pattern.wrappers, True)
        at = place_of(pattern.site)
        route = self._route(pattern, "GET", "SchemaView", at, None, guards, "SchemaView")
        return replace(route, public=route.public or "documentation")

    def _packaged(self, pattern: Pattern, view: PackagedView) -> Iterator[Route]:
        """The routes of a view that a package's own URL configuration registers."""
        for method in view.methods or self.views.given(view.view) or ("ANY",):
            tests = self._tests(method, pattern)
            guards = self._around(pattern, tests)
            exempt = view.view in LOGIN_FREE_VIEWS
            guards += self._everywhere(tests, pattern.wrappers, exempt)
            at = place_of(pattern.site)
            if view.demands:
                guards.append(Guard(view.view, at, "class", Guarding.ENFORCED, view.demands))
            elif view.view == "APIRootView":  # a router's own: what the project demands by default
                guards += self._permitted([[None]], tests)
            elif not view.methods:
                guards += self._outside(view.view, view.view, pattern)
            limits = list(self.limits.packaged(view))
            made = self._route(pattern, method, view.view, at, None, guards, view.view, limits)
            yield replace(made, public=view.public or made.public)

    def _mapping(self, call: t.Call, scope: Scope) -> dict[str, str]:
        """`as_view({"get": "list"})`, written there or kept under a name: method -> action."""
        given = CallSite(call, scope).arg(0, "actions")
        for known in possible(self.values.value(given, scope)):
            if isinstance(known.value, dict):
                return {str(k).upper(): str(v) for k, v in known.value.items()}
        return {}

    def _foreign(self, pattern: Pattern, name: str, short: str) -> Iterator[Route]:
        """The routes of a class-based view that comes from outside of the tree."""
        for method in self.views.given(short) or ("ANY",):
            tests = self._tests(method, pattern)
            guards = [*self._around(pattern, tests)]
            guards += self._everywhere(tests, pattern.wrappers, short in LOGIN_FREE_VIEWS)
            guards += self._answers(name)
            guards += self._outside(name, short, pattern) or self._unseen(name, short, pattern)
            guards += self._demanded(pattern, name, short, tests)
            rest = name.startswith("rest_framework") or UPON_REST.match(name) is not None
            throttled = rest and "ObtainAuthToken" not in name and short not in MADE
            limits = list(self.limits.throttled(None, method)) if throttled else []
            at = place_of(pattern.site)
            made = self._route(pattern, method, short, at, None, guards, short, limits)
            sent_on = "redirect" if short == "RedirectView" else ""
            yield replace(made, public=made.public or sent_on)

    def _demanded(self, pattern: Pattern, name: str, short: str, tests: PathTests) -> list[Guard]:
        """The permissions that a foreign view is given where it is made, or by its own setting.

        https://drf-spectacular.readthedocs.io/en/latest/settings.html: SERVE_PERMISSIONS.
        """
        made = _made(pattern)
        given = made.arg(None, self.permissions.listed_in) if made is not None else None
        if made is not None and given is not None:
            return self._permitted([self.permissions.items(Located(given, made.scope))], tests)
        if not name.startswith("drf_spectacular."):
            return []
        main = self.conf.project.main
        listed = (
            names
            for known in main.known("SPECTACULAR_SETTINGS")
            if isinstance(known, dict) and isinstance(names := known.get("SERVE_PERMISSIONS"), list)
        )
        at = main.place("SPECTACULAR_SETTINGS") or self.conf.project.place
        return self._named(next(listed, []), at, tests)

    def _unseen(self, name: str, short: str, pattern: Pattern) -> list[Guard]:
        """What a view does that lies outside of the tree and is not known: nobody can tell."""
        if name.startswith(("django.", "rest_framework")) or short in {*SERVED, *_PUBLIC_VIEWS}:
            return []
        if is_graphql(name):
            return []
        reason = f"{name or 'the view'} comes from outside this tree"
        return [Guard(short or "view", place_of(pattern.site), "class", Guarding.UNKNOWN, reason)]

    def _answers(self, *names: str) -> list[Guard]:
        """What the resolvers behind a view demand that answers GraphQL."""
        found = self.resolvers if any(is_graphql(name) for name in names) else None
        return [found] if found is not None else []

    @functools.cached_property
    def resolvers(self) -> Guard | None:
        return resolvers(self.application)

    def _outside(self, name: str, short: str, pattern: Pattern) -> list[Guard]:
        if reason := LOGIN_VIEWS.get(short):
            return [Guard(short, place_of(pattern.site), "class", Guarding.ENFORCED, reason)]
        return []

    def _method(self, pattern: Pattern, found: Located, method: str, short: str) -> Route:
        decorators = self.guards.around_dispatch(found)
        tests = self._tests(method, pattern, decorators, "")
        handler = self.views.handler(found, method)
        guards = [
            *self._around(pattern, tests),
            *self.guards.of_class(found, method, handler, tests, _made(pattern)),
            *self._answers(*self.code.ancestry(found)),
        ]
        rest = self.views.is_rest(found)
        borrowed = self.views.borrowed(found) if rest else ""
        if borrowed and not any(g.state is Guarding.ENFORCED for g in guards):
            reason = f"{borrowed} comes from outside this tree, with permissions of its own"
            guards.append(Guard(short, place_of(found, short), "class", Guarding.UNKNOWN, reason))
        elif rest:
            listed = self.permissions.of(found, method, "", None, _made(pattern))
            asks = self.views.gets_object(found, handler, "")
            guards += self._permitted(listed, tests, found, asks)
        if handler is not None and (body := self.guards.body(handler, tests)):
            guards.append(body)
        free = rest or self.guards.is_login_free(found)
        guards += self._everywhere(tests, [*decorators, *pattern.wrappers], free)
        at = place_of(handler, short) if handler else place_of(found, short)
        public = next(
            (n for a in self.code.ancestry(found) if (n := a.rpartition(".")[2]) in _PUBLIC_VIEWS),
            short,
        )
        limits = list(self.limits.of_class(found, method, handler, tests))
        if rest:
            limits += self.limits.throttled(found, method, made=_made(pattern))
        made = self._route(pattern, method, short, at, handler or found, guards, public, limits)
        return replace(made, view=found)

    # --- DRF

    def _rest(self, registry: Registry, route: RestRoute) -> Route:
        name = f"{registry.namespace}:{route.action}" if registry.namespace else route.action
        pattern = Pattern(
            registry.route + route.path, registry.owner, registry.wrappers, name, route.site
        )
        if route.viewset is not None:
            return self._action(pattern, route)
        tests = self._tests(route.method, pattern)
        guards = [*self._around(pattern, tests), *self._permitted([[None]], tests)]
        if route.action == "?":
            reason = "the viewset that is registered here comes from outside this tree"
            guards = [Guard("viewset", place_of(route.site), "class", Guarding.UNKNOWN, reason)]
        guards += self._everywhere(tests, [], True)
        at = place_of(route.site)
        limits = list(self.limits.throttled(None, route.method))
        short = "APIRootView"
        root = self._route(pattern, route.method, short, at, None, guards, short, limits)
        return replace(root, public=root.public or ("start page" if route.action == "root" else ""))

    def _action(self, pattern: Pattern, route: RestRoute) -> Route:
        assert route.viewset is not None
        found = route.viewset
        tests = self._tests(route.method, pattern, action=route.action)
        handler = self.views.method(found, route.action)
        made = _made(pattern)
        listed = self.permissions.of(found, route.method, route.action, route.extra, made)
        asks = self.views.gets_object(found, handler, route.action)
        guards = [
            *self._around(pattern, tests),
            *self.guards.of_class(found, route.action, handler, tests, made),
            *self._permitted(listed, tests, found, asks),
        ]
        if handler is not None and (body := self.guards.body(handler, tests)):
            guards.append(body)
        guards += self._everywhere(tests, [], True)
        short = f"{found.node.name}.{route.action}"  # type: ignore[attr-defined]
        at = place_of(handler or found, short)
        limits = [
            *self.limits.of_class(found, route.action, handler, tests),
            *self.limits.throttled(found, route.method, route.action, route.extra, made),
        ]
        served = self._route(pattern, route.method, short, at, handler or found, guards, "", limits)
        return replace(served, view=found)

    # --- django-ninja

    def _operation(self, registry: Registry, each: NinjaOperation) -> Route:
        name = f"{registry.namespace}:{each.name}" if registry.namespace else each.name
        site = CallSite(each.site.node, each.site.scope)  # type: ignore[arg-type]
        pattern = Pattern(registry.route + each.path, registry.owner, registry.wrappers, name, site)
        tests = self._tests(each.method, pattern, each.decorators)
        guards = self._around(pattern, tests)
        if each.auth is not None:
            guards += self.ninja.demanded(each.auth, tests)
        if each.permissions is not None:
            guards += self._permitted([self.permissions.items(each.permissions)], tests)
        for decorator in each.decorators:
            guards += self.guards.applied(Applied(decorator, "decorator"), tests)
        if each.function is not None and (body := self.guards.body(each.function, tests)):
            guards.append(body)
        guards += self._everywhere(tests, [*each.decorators, *pattern.wrappers])
        at = place_of(each.site, each.name)
        limits = list(self.ninja.limits(each.throttle)) if each.throttle is not None else []
        if each.function is not None:
            limits += self.limits.handler(each.function, "decorator", tests)
        made = self._route(
            pattern, each.method, each.name, at, each.function, guards, each.name, limits
        )
        return replace(made, public=each.public or made.public)

    # --- permissions

    def _permitted(
        self,
        ways: list[Entries],
        tests: PathTests,
        view: Located | None = None,
        about_object: bool = False,
    ) -> list[Guard]:
        """What DRF's permissions demand of a request, whichever way it takes."""
        self.guards.view, self.guards.about_object = view, about_object
        demanded = [[g for entry in entries for g in self._entry(entry, tests)] for entries in ways]
        return functools.reduce(self.guards.either, demanded) or self._on_purpose(ways)

    @staticmethod
    def _on_purpose(ways: list[Entries]) -> list[Guard]:
        """A view that says itself that it is for everybody: `permission_classes = [AllowAny]`."""
        for entry in (entry for entries in ways for entry in entries if entry is not None):
            name = t.last_word(t.callee(entry.node))
            if _FOR_ALL.search(name):
                return [Guard(name, place_of(entry, name), "class", Guarding.ABSENT, ON_PURPOSE)]
        return []

    def _entry(self, entry: Located | None, tests: PathTests) -> list[Guard]:
        if entry is not None:
            return self.guards.permission(entry.node, entry.scope, tests)  # type: ignore[arg-type]
        at = self.conf.project.main.place("REST_FRAMEWORK") or self.conf.project.place
        return self._named(self.permissions.default(), at, tests)

    def _named(self, classes: Iterable[str], at: Place, tests: PathTests) -> list[Guard]:
        """The permissions that a setting names by their modules."""
        found = []
        for dotted in classes:
            name, definition = dotted, None
            module = self.code.module_of(
                dotted.rpartition(".")[0], self.conf.project.main.module.scope
            )
            if module is not None:
                name = self.code.name(named(dotted.rpartition(".")[2]), module.scope)
                definition = self.code.definition(name)
            judged = self.guards.permission_class(name, definition, tests)
            if judged is not None:
                found.append(Guard(dotted.rpartition(".")[2], at, "application", *judged))
        return found

    # --- what every route shares

    def _tests(
        self,
        method: str,
        pattern: Pattern,
        decorators: Sequence[Located] = (),
        action: str | None = None,
    ) -> PathTests:
        around = (*decorators, *pattern.wrappers)
        marks = (m for d in around for m in self.guards.decorators.marks(d))
        path = re.sub(r"[\^$]", "", pattern.route)
        name = pattern.name
        if not name and isinstance(pattern.view.node, t.Name | t.Attr | t.Call):
            name = UNNAMED
        return PathTests(self.values, method, path, name, frozenset(marks), action)

    def _around(self, pattern: Pattern, tests: PathTests) -> list[Guard]:
        """What wraps the view where it is registered."""
        return [
            g for w in pattern.wrappers for g in self.guards.applied(Applied(w, "include"), tests)
        ]

    def _everywhere(
        self, tests: PathTests, decorators: Sequence[Located], exempt: bool = False
    ) -> list[Guard]:
        return self.guards.middleware(
            self.conf.project, tests, exempt or self.guards.exempt(decorators)
        )

    def _route(
        self,
        pattern: Pattern,
        method: str,
        handler: str,
        at: Place,
        found: Located | None,
        guards: list[Guard],
        view: str,
        limits: Sequence[Limit] = (),
    ) -> Route:
        path = readable(pattern.route)
        function = found if found is not None and isinstance(found.node, t.Function) else None
        why = _PUBLIC_VIEWS.get(view, "") or public(self.code, method, path, function)
        tests = self._tests(method, pattern)
        around = self.limits.around(pattern.wrappers, "include", tests, function)
        everywhere = self.limits.everywhere(tests)
        return Route(
            method,
            path,
            handler,
            at,
            "Django",
            self.conf.project.name,
            tuple(dict.fromkeys(self.signins.behind(guards, tests))),
            (*around, *limits, *everywhere),
            tuple(path_parameters(pattern.route, at)),
            why,
            function,
            pattern=pattern.route if pattern.route != path else "",
        )


def _made(pattern: Pattern) -> CallSite | None:
    """The `View.as_view(…)` of a pattern."""
    node = pattern.view.node
    return CallSite(node, pattern.view.scope) if isinstance(node, t.Call) else None


def _is_old(application: Application) -> bool:
    """Whether what is declared asks for a Django before 5.0."""
    asked = [r for r in application.facts(Requirement) if r.name.lower() == "django"]
    versions = [re.match(r"\D*(\d+)", r.exact or r.specifier) for r in asked]
    return bool(versions) and all(v is not None and int(v[1]) < 5 for v in versions)


def _by_method(call: t.Call) -> bool:
    """Whether a call is given one view for each HTTP method."""
    return all(keyword.name and keyword.name.upper() in METHODS for keyword in call.keywords)


def _last(expr: t.Expr) -> str:
    return t.dotted(expr).rpartition(".")[2]
