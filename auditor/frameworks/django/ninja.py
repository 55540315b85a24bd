"""django-ninja and django-ninja-extra: what an API object serves, and which `auth` stands before it.

https://django-ninja.dev/guides/routers/ and /guides/authentication/: an operation's own `auth` counts,
else that of `add_router`, of its router, of the routers around it, of the API; `auth=None` takes it
away. Several are alternatives. https://eadwincode.github.io/django-ninja-extra/: a controller is a class
whose methods are operations, with permissions that work as DRF's do.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.frameworks.django.guards import DjangoGuards
from auditor.libraries.authentication import known_guard
from auditor.libraries.ninja_routers import SUPPLIED, SuppliedOperation
from auditor.link.application import Application
from auditor.link.contexts import contexts_of
from auditor.link.origins import Env
from auditor.link.pathtests import PathTests
from auditor.link.scopes import CallSite, Located, Module, Scope, named, place_of
from auditor.model.values import possible
from auditor.model.web import Guard, Guarding, Limit

Key = tuple[str, int, int]
Auth = tuple["Located | SuppliedOperation", str]
"""What was given as `auth` or `throttle`, and by which of Guard.via."""

_KINDS = re.compile(
    r"^ninja(?:_extra)?(?:\.\w+)*\.(NinjaAPI|NinjaExtraAPI|Router|RouterPaginated)$"
)
_VERBS = {"get", "post", "put", "patch", "delete", "head", "options"}
_SEVERAL = {"api_operation", "generic"}
"""Registrations that are given a list of methods."""
_CONTROLLER = re.compile(r"(?:^|\.)api_controller(?:\(\))?$")
_ROUTED = re.compile(r"^(?:\w+\.)*(?:route\.|http_)(get|post|put|patch|delete|generic)$")
_DISCOVERED = re.compile(r"(?:^|/)(?:api|controllers)(?:/__init__)?\.py$|/(?:api|controllers)/")
_UNSET = re.compile(r"(?:^|\.)NOT_SET$")
_DOCS = (("openapi_url", "openapi.json", "openapi_json"), ("docs_url", "docs", "openapi_view"))
_MAX_DEPTH = 8


class NinjaOperation(msgspec.Struct, frozen=True):
    """One method of a path below an API, its handler, and what says who may call it."""

    path: str
    method: str
    name: str
    function: Located | None
    site: Located
    auth: Auth | None = None
    permissions: Located | None = None
    """The list of permissions of a controller's operation."""
    decorators: tuple[Located, ...] = ()
    public: str = ""
    throttle: Auth | None = None


@dataclass
class _Router:
    site: CallSite
    is_api: bool
    auth: Auth | None
    throttle: Auth | None
    operations: list[NinjaOperation] = field(default_factory=list)
    mounts: list[tuple[str, Key | str, Auth | None, Auth | None]] = field(default_factory=list)
    """Prefix, router (a canonical name where a package brings it), `auth` and `throttle` of each."""
    controllers: list[Located] = field(default_factory=list)


class NinjaApis:
    """Every API and router object of the tree with what is registered on it."""

    def __init__(self, application: Application) -> None:
        self.values, self.code = application.values, application.code
        self.contexts = contexts_of(self.values)
        self.routers: dict[Key, _Router] = {}
        self._find()
        if self.routers:
            self._register()

    # --- what there is

    def _find(self) -> None:
        kinds: dict[str, str] = {}
        for found in self.code.classes():
            for name in self.code.ancestry(found)[1:]:
                if match := _KINDS.match(name):
                    kinds[self.code.ancestry(found)[0]] = match[1]
        for site in self.code.all_calls():
            word = t.dotted(site.node.func).rpartition(".")[2]
            if not re.search("API|Api|outer", word):
                continue
            name = self.code.name(site.node.func, site.scope)
            match = _KINDS.match(name)
            if kind := kinds.get(name) or (match[1] if match else ""):
                is_api = "API" in kind
                via = "application" if is_api else "router"
                auth = self._given_as("auth", site, via)
                throttle = self._given_as("throttle", site, via)
                self.routers[site.key] = _Router(site, is_api, auth, throttle)

    def of(self, expr: t.Expr | None, scope: Scope) -> list[Key]:
        """The API or router objects that an expression stands for; a text names one."""
        found = [s.key for s in self.values.sources(expr, scope) if s.key in self.routers]
        if not found and (dotted := self.values.text(expr, scope)):
            owner, _, name = dotted.rpartition(".")
            module = self.code.module_of(owner, scope) if owner else None
            if module is not None:
                return self.of(named(name), module.scope)
        return found

    def _given_as(self, word: str, site: CallSite, via: str) -> Auth | None:
        """What a call is given as `auth` or `throttle`."""
        given = site.arg(None, word)
        if given is None or _UNSET.search(self.code.name(given, site.scope) or t.dotted(given)):
            return None
        return Located(given, site.scope), via

    def _register(self) -> None:
        for function in self.code.functions():
            decorators: list[t.Expr] = function.node.decorators  # type: ignore[attr-defined]
            for index, decorator in enumerate(decorators):
                match decorator:
                    case t.Call(func=t.Attr(value=owner, name=verb)) if verb in _VERBS | _SEVERAL:
                        site = CallSite(decorator, function.scope)
                        for key in self.of(owner, function.scope):
                            below = decorators[index + 1 :]
                            self.routers[key].operations += self._operations(
                                site, verb, function, self._plain(below, function.scope)
                            )
        for site in self.code.method_calls("add_api_operation"):
            if isinstance(site.node.func, t.Attr):
                given = site.arg(2, "view_func")
                view = self.code.defined(given, site.scope) if given is not None else None
                for key in self.of(site.node.func.value, site.scope):
                    self.routers[key].operations += self._added(site, view)
        for site in self.code.method_calls("add_router"):
            if isinstance(site.node.func, t.Attr):
                for env in self.contexts.of(site.node, site.scope):
                    with self.values.within(env):
                        self._mount(site, site.node.func.value)
        for site in self.code.method_calls("register_controllers"):
            if isinstance(site.node.func, t.Attr):
                for key in self.of(site.node.func.value, site.scope):
                    self.routers[key].controllers += self._given(site)
        for site in self.code.method_calls("auto_discover_controllers"):
            if isinstance(site.node.func, t.Attr):
                for key in self.of(site.node.func.value, site.scope):
                    self.routers[key].controllers += self._discovered()

    def _plain(self, decorators: list[t.Expr], scope: Scope) -> tuple[Located, ...]:
        """What decorates a handler; `@decorate_view(a, b)` is taken apart, registrations left out."""
        found: list[Located] = []
        for each in decorators:
            match each:
                case t.Call(func=t.Attr(name=verb)) if verb in _VERBS | _SEVERAL:
                    continue
                case t.Call(func=func, args=args) if t.dotted(func).endswith("decorate_view"):
                    found += [Located(given, scope) for given in args]
                case _:
                    found.append(Located(each, scope))
        return tuple(found)

    def _operations(
        self, site: CallSite, verb: str, function: Located, decorators: tuple[Located, ...]
    ) -> Iterator[NinjaOperation]:
        name = function.node.name  # type: ignore[attr-defined]
        several = verb in _SEVERAL
        path = self.values.text(site.arg(1 if several else 0, "path"), site.scope)
        auth = self._given_as("auth", site, "decorator")
        throttle = self._given_as("throttle", site, "decorator")
        shown = _brackets("{?}" if path is None else path)
        for method in self._methods(site, 0) if several else (verb.upper(),):
            yield NinjaOperation(
                shown, method, name, function, function, auth, None, decorators, "", throttle
            )

    def _added(self, site: CallSite, view: Located | None) -> Iterator[NinjaOperation]:
        path = self.values.text(site.arg(0, "path"), site.scope) or ""
        found = view if view is not None and isinstance(view.node, t.Function) else None
        name = found.node.name if found else t.dotted(site.arg(2, "view_func"))  # type: ignore
        for method in self._methods(site, 1):
            auth = self._given_as("auth", site, "decorator")
            yield NinjaOperation(_brackets(path), method, name, found, found or site, auth)

    def _methods(self, site: CallSite, position: int) -> list[str]:
        for known in possible(self.values.value(site.arg(position, "methods"), site.scope)):
            if isinstance(known.value, list):
                return [str(m).upper() for m in known.value]
        return ["GET"]

    def _mount(self, site: CallSite, receiver: t.Expr) -> None:
        prefix = self.values.text(site.arg(0, "prefix"), site.scope)
        shown = _brackets("{?}" if prefix is None else prefix)
        given = site.arg(1, "router")
        auth = self._given_as("auth", site, "include")
        throttle = self._given_as("throttle", site, "include")
        targets: list[Key | str] = [*self.of(given, site.scope)]
        if not targets:
            name = self.code.name(given, site.scope) or self.values.text(given, site.scope) or ""
            targets = [name] if name in SUPPLIED else []
        for key in self.of(receiver, site.scope):
            self.routers[key].mounts += [
                (shown, each, auth, throttle) for each in targets if each != key
            ]

    # --- controllers

    def _given(self, site: CallSite) -> Iterator[Located]:
        for given in site.node.args:
            exprs = [Located(given, site.scope)]
            if isinstance(given, t.Star):
                exprs = [
                    Located(item, source.scope)
                    for source in self.values.sources(given.value, site.scope)
                    if isinstance(source.node, t.Seq)
                    for item in source.node.items
                ]
            for each in exprs:
                found = self.code.defined(each.node, each.scope)  # type: ignore[arg-type]
                if dotted := self.values.text(each.node, each.scope):  # type: ignore[arg-type]
                    owner, _, name = dotted.rpartition(".")
                    module: Module | None = self.code.module_of(owner, each.scope)
                    if module is not None:
                        found = self.code.definition(f"{module.path}:{name}")
                yield found or each

    def _discovered(self) -> Iterator[Located]:
        for found in self.code.classes():
            if _DISCOVERED.search(found.path) and self._controller(found) is not None:
                yield found

    def _controller(self, found: Located) -> CallSite | None:
        """The `@api_controller(…)` of a class."""
        for decorator in found.node.decorators:  # type: ignore[attr-defined]
            func = t.callee(decorator)
            if _CONTROLLER.search(self.code.name(func, found.scope) or t.dotted(func)):
                if isinstance(decorator, t.Call):
                    return CallSite(decorator, found.scope)
                at = (decorator.line, decorator.column, decorator.end_line)
                return CallSite(t.Call(*at, decorator, [], []), found.scope)
        return None

    def _controlled(self, found: Located) -> Iterator[NinjaOperation]:
        name = self.code.name(found.node, found.scope) if not _is_class(found) else ""  # type: ignore[arg-type]
        for each in SUPPLIED.get(name, ()):
            yield _supplied(each, "", found)
        site = self._controller(found) if _is_class(found) else None
        if site is None:
            return
        prefix = self.values.text(site.arg(0, "prefix_or_class"), site.scope) or ""
        general = site.arg(None, "permissions")
        taken: set[str] = set()
        for ancestor in self.code.ancestry(found):
            definition = self.code.definition(ancestor)
            if definition is None or not _is_class(definition):
                for each in SUPPLIED.get(ancestor, ()):
                    yield _supplied(each, prefix, found)
                continue
            inner = self.code.inside(definition)
            for stmt in definition.node.body:  # type: ignore[attr-defined]
                if isinstance(stmt, t.Function) and stmt.name not in taken:
                    taken.add(stmt.name)
                    own = Located(stmt, inner)
                    yield from self._routed(own, found, site, prefix, general)

    def _routed(
        self, method: Located, found: Located, site: CallSite, prefix: str, general: t.Expr | None
    ) -> Iterator[NinjaOperation]:
        decorators: list[t.Expr] = method.node.decorators  # type: ignore[attr-defined]
        for index, decorator in enumerate(decorators):
            if not isinstance(decorator, t.Call):
                continue
            match = _ROUTED.match(t.dotted(decorator.func))
            if match is None:
                continue
            own = CallSite(decorator, method.scope)
            several = match[1] == "generic"
            path = self.values.text(own.arg(0, "path"), method.scope) or ""
            demanded = own.arg(None, "permissions")
            permissions = Located(demanded, own.scope) if demanded is not None else None
            if permissions is None and general is not None:
                permissions = Located(general, site.scope)
            yield from (
                NinjaOperation(
                    _joined(_brackets(prefix), _brackets(path)),
                    verb,
                    f"{found.node.name}.{method.node.name}",  # type: ignore[attr-defined]
                    method,
                    method,
                    self._given_as("auth", own, "decorator")
                    or self._given_as("auth", site, "class"),
                    permissions,
                    self._plain(decorators[index + 1 :], method.scope),
                    "",
                    self._given_as("throttle", own, "decorator")
                    or self._given_as("throttle", site, "class"),
                )
                for verb in (self._methods(own, 1) if several else [match[1].upper()])
            )
            return

    # --- what an API serves

    def operations(self, key: Key) -> Iterator[NinjaOperation]:
        """Everything below an API object, with the `auth` that applies to it."""
        api = self.routers[key]
        yield from self._documentation(api.site)
        yield from self._below(key, "", api.auth, api.throttle, ())
        for controller in api.controllers:
            for each in self._controlled(controller):
                throttle = each.throttle or api.throttle
                yield replace(each, auth=each.auth or api.auth, throttle=throttle)

    def _below(
        self,
        key: Key,
        prefix: str,
        auth: Auth | None,
        throttle: Auth | None,
        trail: tuple[Key, ...],
    ) -> Iterator[NinjaOperation]:
        """What a router serves where it is mounted, with the `auth` and `throttle` it has there."""
        if key in trail or len(trail) > _MAX_DEPTH:
            return
        router = self.routers[key]
        for each in router.operations:
            path, limit = _joined(prefix, each.path), each.throttle or throttle
            yield replace(each, path=path, auth=each.auth or auth, throttle=limit)
        for below, child, mounted, slowed in router.mounts:
            path = _joined(prefix, below)
            if isinstance(child, str):
                yield from (_supplied(each, path, router.site) for each in SUPPLIED[child])
            else:
                given = mounted or self.routers[child].auth or router.auth or auth
                limit = slowed or self.routers[child].throttle or router.throttle or throttle
                yield from self._below(child, path, given, limit, (*trail, key))

    def _documentation(self, site: CallSite) -> Iterator[NinjaOperation]:
        decorator = site.arg(None, "docs_decorator")
        around = (Located(decorator, site.scope),) if decorator is not None else ()
        for argument, default, view in _DOCS:
            given = site.arg(None, argument)
            if isinstance(given, t.Const) and given.value in (None, ""):
                break  # without its description there is no page, either
            path = self.values.text(given, site.scope) if given is not None else default
            yield NinjaOperation(
                (path or default).lstrip("/"), "ANY", view, None, site, None, None, around,
                "documentation",
            )  # fmt: skip
        yield NinjaOperation("", "ANY", "default_home", None, site, public="start page")


class NinjaGuards:
    """Judges what is given as `auth`."""

    def __init__(self, guards: DjangoGuards) -> None:
        self.guards, self.code, self.values = guards, guards.code, guards.values
        self.contexts = contexts_of(guards.values)

    def demanded(self, auth: Auth, tests: PathTests) -> list[Guard]:
        """What one of several alternatives demands at least; nothing for `auth=None`."""
        given, via = auth
        if isinstance(given, SuppliedOperation):
            return []
        each = [self._callback(item, via, tests) for item in self._alternatives(given)]
        return functools.reduce(self.guards.either, each) if each else []

    def limits(self, throttle: Auth) -> Iterator[Limit]:
        """https://django-ninja.dev/guides/throttling/: what each throttle allows."""
        given, via = throttle
        for item in self._alternatives(given) if isinstance(given, Located) else ():
            if not isinstance(item.node, t.Call):
                continue
            site = CallSite(item.node, item.scope)
            name = re.split(r"[.:]", self.code.name(item.node.func, item.scope))[-1]
            rate = self.values.text(site.arg(0, "rate"), item.scope) or ""
            yield Limit(name or t.dotted(item.node.func), place_of(item), via, rate)

    def _alternatives(self, given: Located) -> list[Located]:
        found: list[Located] = []
        for source in self.values.sources(given.node, given.scope):  # type: ignore[arg-type]
            match source.node:
                case t.Seq(items=items):
                    for item in items:
                        found += self._alternatives(Located(item, source.scope))
                case t.BinOp(op="+", left=left, right=right):
                    for part in (left, right):
                        found += self._alternatives(Located(part, source.scope))
                case _:
                    found.append(source)
        return found

    def _callback(self, item: Located, via: str, tests: PathTests) -> list[Guard]:
        node = item.node
        if isinstance(node, t.Const) and node.value is None:
            return []
        name = self.code.name(node, item.scope) or t.dotted(t.callee(node))  # type: ignore[arg-type]
        short = re.split(r"[.:]", name.removesuffix("()"))[-1]
        made = isinstance(node, t.Call)
        found = self.code.defined(t.callee(node), item.scope)
        if found is None and isinstance(node, t.Lambda):
            found = self.code.as_function(item)
        if found is not None and isinstance(found.node, t.Function) and not made:
            return [Guard(short, place_of(found, short), via, *self._judged(found, tests))]
        if found is None or not _is_class(found):
            return [Guard(short, place_of(item), via, *self._outside(name))]
        for ancestor in self.code.ancestry(found):
            definition = self.code.definition(ancestor)
            if definition is None:
                return [Guard(short, place_of(item), via, *self._outside(ancestor))]
            for method in ("__call__", "authenticate"):
                own = self.code.definition(f"{ancestor}.{method}")
                if own is not None and isinstance(own.node, t.Function):
                    with self.guards.checks.within(self._bound(node, item.scope)):
                        judged = self._judged(own, tests)
                    return [Guard(short, place_of(own, short), via, *judged)]
        return [Guard(short, place_of(item), via, *self._outside(name))]

    def _judged(self, function: Located, tests: PathTests) -> tuple[Guarding, str]:
        state, reason = self.guards.telling(function, tests, {})
        return (Guarding.DECORATIVE if state is Guarding.ABSENT else state), reason

    def _bound(self, node: t.Node, scope: Scope) -> Env:
        """What the call that makes an object binds: `TokenAuth(optional=True)`."""
        return self.contexts.bound_by(CallSite(node, scope)) if isinstance(node, t.Call) else {}

    @staticmethod
    def _outside(name: str) -> tuple[Guarding, str]:
        if known := known_guard(name):
            return known.state, known.reason
        return Guarding.UNKNOWN, f"{name} lies outside this tree and is not known"


def _supplied(each: SuppliedOperation, prefix: str, at: Located) -> NinjaOperation:
    path = _joined(prefix, each.path)
    return NinjaOperation(
        path, each.method, each.name, None, at, (each, "router"), public=each.public
    )


def _joined(prefix: str, path: str) -> str:
    """A route as django-ninja puts it together: double slashes are taken for mistakes."""
    return re.sub(r"/{2,}", "/", "/".join(part for part in (prefix, path) if part)).lstrip("/")


def _brackets(path: str) -> str:
    """`/items/{int:id}` in Django's notation; UUIDs are left to pydantic to convert."""
    if path == "{?}":
        return path
    path = re.sub(r"\{uuid:(\w+)\}", r"{uuidstr:\1}", path, flags=re.IGNORECASE)
    return path.replace("{", "<").replace("}", ">")


def _is_class(found: Located) -> bool:
    return isinstance(found.node, t.Class)
