"""Django's URL configuration: every pattern with its full route and the view behind it.

https://docs.djangoproject.com/en/stable/topics/http/urls/: from ROOT_URLCONF down through `include`,
routes are put together as they are written. A view may be wrapped where it is registered
(`login_required(View.as_view())`); such wrappers are kept, outermost first.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec.structs import replace

from auditor.ecosystems.installed import pinned
from auditor.extract.python import tree as t
from auditor.frameworks.django.made import made_view, wrapped_callbacks
from auditor.frameworks.django.patterns import path_parameters, readable
from auditor.frameworks.django.settings import REVERSED, DjangoProject
from auditor.libraries.url_configurations import PackagedView, Setup, packaged
from auditor.link.application import Application
from auditor.link.contexts import contexts_of
from auditor.link.scopes import Binding, CallSite, Located, Module, Scope, named, place_of
from auditor.model.blind import BlindSpot
from auditor.model.values import Known, possible

_PATTERNS = {"path", "re_path", "url"}
_MAX_DEPTH = 12
_WHILE_DEBUGGING = {"static", "staticfiles_urlpatterns", "debug_toolbar_urls"}
_ADMIN = re.compile(r"\.site\.urls$|admin\.\w*site\w*\.urls$", re.I)
_PASS_ON = {"format_suffix_patterns", "tuple", "list", "decorator_include"}


class Pattern(msgspec.Struct, frozen=True):
    """One URL pattern: its full route, its view, what wraps it, and its name with namespaces."""

    route: str
    view: Located
    wrappers: tuple[Located, ...]
    name: str
    site: CallSite
    packaged: PackagedView | None = None
    """The view, where a package's own URL configuration has the pattern."""


class Registry(msgspec.Struct, frozen=True):
    """A router or API object whose URLs stand below a route; `owner` is what has `.urls`."""

    route: str
    owner: Located
    wrappers: tuple[Located, ...]
    namespace: str


@dataclass
class UrlConf:
    """The URL patterns of one project."""

    application: Application
    project: DjangoProject
    patterns: list[Pattern] = field(default_factory=list)
    registries: list[Registry] = field(default_factory=list)
    blind: list[BlindSpot] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    """The paths of the modules whose lists of patterns it leads to."""
    named_below: str | None = None
    """The module that views are named from, within `patterns("shop.views", …)`."""
    before: tuple[Scope | None, Sequence[Binding]] = (None, ())
    """A module, and what `urlpatterns` was there before the list that is read just now."""

    def __post_init__(self) -> None:
        self.code = self.application.code
        self.values = self.application.values
        self.contexts = contexts_of(self.values)
        variant = self.project.main
        self.installed = [*variant.texts("INSTALLED_APPS"), *self._installed_elsewhere()]
        module = self.code.module_of(variant.text("ROOT_URLCONF"), variant.module.scope)
        if module is not None:
            self._module(module, _Prefix("/"), ())
        for pattern in self.patterns:
            at = place_of(pattern.site)
            if pattern.name and not any(path_parameters(pattern.route, at)):
                path = Known(readable(pattern.route), at)
                self.values.named.setdefault(f"{REVERSED}{pattern.name}", path)

    def _never(self, node: t.Node, scope: Scope) -> bool:
        """Whether a statement stands under a test that the settings' defaults decide against it."""
        return any(
            (known := self._told(test, scope)) is not None and known != outcome
            for test, outcome in self.contexts.conditions(node, scope)
        )

    def _told(self, test: t.Expr, scope: Scope) -> bool | None:
        """The outcome of a test as the settings have it: `apps.is_installed("debug_toolbar")`."""
        match test:
            case t.Unary(op="not", value=value):
                told = self._told(value, scope)
                return None if told is None else not told
            case t.Call(func=t.Attr(name="is_installed"), args=[given]):
                app = self.values.text(given, scope)
                if app is not None and any(f"{x}.".startswith(f"{app}.") for x in self.installed):
                    return True
                own = app is None or self.code.module_of(app, scope) or self._from_root(app)
                return None if own else False
        known = next((k.value for k in possible(self.values.value(test, scope))), None)
        return None if known is None else bool(known)

    # --- lists of patterns

    def _module(self, module: Module, prefix: _Prefix, trail: tuple[str, ...]) -> None:
        if module.path in trail or len(trail) > _MAX_DEPTH:
            return
        trail = (*trail, module.path)
        self.read.add(module.path)
        scope = module.scope
        found = self.code.find("urlpatterns", scope)
        if found is not None:
            self._bound(found[1], found[0], prefix, trail)
        for site in self._added(module):
            if not self._never(site.node, site.scope):
                self._list(site.node.args[-1], site.scope, prefix, trail)

    def _bound(
        self, bindings: Sequence[Binding], scope: Scope, prefix: _Prefix, trail: tuple[str, ...]
    ) -> None:
        """The lists that `urlpatterns` is, from the last one that takes the place of all before it."""
        body = {id(node) for node in scope.module.body}
        for start in range(len(bindings) - 1, -1, -1):
            node = bindings[start].node
            if isinstance(node, t.Assign) and not node.op and id(node) in body:
                break
        else:
            start = 0
        for index, binding in enumerate(bindings[start:], start):
            if self._never(binding.node, scope):
                continue
            before, self.before = self.before, (scope, bindings[:index])
            if binding.value is not None:
                self._list(binding.value, scope, prefix, trail)
            elif binding.kind == "import":
                self._imported(binding, scope, prefix, trail)
            self.before = before

    def _imported(
        self, binding: Binding, scope: Scope, prefix: _Prefix, trail: tuple[str, ...]
    ) -> None:
        owner, _, name = binding.target.rpartition(".")
        module = self.code.module_of(owner, scope) if name == "urlpatterns" else None
        if module is not None:
            self._module(module, prefix, trail)
            return
        for source in self.values.sources(named("urlpatterns"), scope):
            if not isinstance(source.node, t.Name):
                self._list(source.node, source.scope, prefix, trail)  # type: ignore[arg-type]

    def _so_far(self, expr: t.Expr, scope: Scope, prefix: _Prefix, trail: tuple[str, ...]) -> bool:
        """`urlpatterns = [path("api/", include(urlpatterns))]`: what the name was before."""
        if not isinstance(expr, t.Name) or expr.id != "urlpatterns":
            return False
        where, bindings = self.before
        if where is not scope or not bindings:
            return False
        self._bound(bindings, scope, prefix, trail)
        return True

    def _added(self, module: Module) -> Iterator[CallSite]:
        """`urlpatterns.append(…)` in the module, or in another that imports its list."""
        for site in self.code.method_calls("append", "extend", "insert"):
            match site.node:
                case t.Call(func=t.Attr(value=t.Name(id="urlpatterns") as listed), args=[_, *_]):
                    if site.path == module.path or (
                        self._is_list_of(listed, site, module) and self._is_installed(site.path)
                    ):
                        yield site
                case t.Call(
                    func=t.Attr(value=t.Attr(name="urlpatterns", value=owner)), args=[_, *_]
                ):
                    if self.code.name(owner, site.scope) == f"module:{module.path}":
                        if self._is_installed(site.path):
                            yield site

    def _installed_elsewhere(self) -> Iterator[str]:
        """`INSTALLED_APPS.append("shop")` in another module than the settings."""
        for site in self.code.method_calls("append", "extend", "insert"):
            match site.node:
                case t.Call(func=t.Attr(value=listed), args=[*_, given]) if (
                    t.dotted(listed).rpartition(".")[2] == "INSTALLED_APPS"
                ):
                    for known in possible(self.values.value(given, site.scope)):
                        apps = known.value if isinstance(known.value, list) else [known.value]
                        yield from (app for app in apps if isinstance(app, str))

    def _is_installed(self, path: str) -> bool:
        """Whether a file belongs to an application that INSTALLED_APPS names."""
        root = "" if self.project.name == "." else self.project.name + "/"
        folder = path.removeprefix(root).rpartition("/")[0].replace("/", ".")
        return any(f"{app}.".startswith(f"{folder}.") for app in self.installed)

    def _is_list_of(self, listed: t.Name, site: CallSite, module: Module) -> bool:
        """Whether a name is the `urlpatterns` that a file imports from a module."""
        found = self.code.find(listed.id, site.scope)
        for binding in found[1] if found else ():
            if binding.kind == "import" and binding.target.endswith(".urlpatterns"):
                source = self.code.module_of(binding.target.rpartition(".")[0], site.scope)
                if source is not None and source.path == module.path:
                    return True
        return False

    def _list(
        self, expr: t.Expr, scope: Scope, prefix: _Prefix, trail: tuple[str, ...], depth: int = 0
    ) -> None:
        """Everything in a list of patterns, however it is put together."""
        if depth > _MAX_DEPTH:
            return
        match expr:
            case t.Seq(items=items):
                for item in items:
                    self._list(item, scope, prefix, trail, depth + 1)
            case t.BinOp(op="+", left=left, right=right):
                self._list(left, scope, prefix, trail, depth + 1)
                self._list(right, scope, prefix, trail, depth + 1)
            case t.Star(value=value):
                self._list(value, scope, prefix, trail, depth + 1)
            case t.Choice(then=then, other=other):
                self._list(then, scope, prefix, trail, depth + 1)
                self._list(other, scope, prefix, trail, depth + 1)
            case t.Comp(elements=[element], loops=[loop, *_]):
                for turn in self.contexts.turns(loop, scope) or [{}]:
                    with self.values.within(turn):
                        self._list(element, scope, prefix, trail, depth + 1)
            case t.Call():
                self._call(CallSite(expr, scope), prefix, trail, depth)
            case t.Attr(name="urls"):
                self._registry(expr, scope, prefix, ())
            case t.Name() | t.Attr() if not self._so_far(expr, scope, prefix, trail):
                for source in self.values.sources(expr, scope):
                    if source.node is not expr:
                        self._list(source.node, source.scope, prefix, trail, depth + 1)  # type: ignore[arg-type]

    def _call(self, site: CallSite, prefix: _Prefix, trail: tuple[str, ...], depth: int) -> None:
        last = t.dotted(site.node.func).rpartition(".")[2]
        if last not in _PATTERNS:  # `from django.urls import re_path as pattern`
            named = self.code.name(site.node.func, site.scope)
            if named.startswith("django."):
                last = named.rpartition(".")[2].removesuffix("()")
        if last in _PATTERNS:
            for env in self.contexts.of(site.node, site.scope):
                with self.values.within(env):
                    self._pattern(site, prefix, trail)
        elif last == "i18n_patterns":
            inner = prefix.below(self._language(site))
            for given in site.node.args:
                self._list(given, site.scope, inner, trail, depth + 1)
        elif last == "include":
            self._include(site, prefix, trail)
        elif last in _PASS_ON:
            for given in site.node.args[:1]:
                self._list(given, site.scope, prefix, trail, depth + 1)
        elif last in _WHILE_DEBUGGING:
            self._while_debugging(site, last, prefix)
        elif last == "patterns" and site.node.args:
            self._of_strings(site, prefix, trail)
        else:
            function = self.code.defined(site.node.func, site.scope)
            if function is not None and isinstance(function.node, t.Function):
                around = tuple(wrapped_callbacks(self.code, function, site))
                prefix = replace(prefix, wrappers=(*prefix.wrappers, *around))
                before = len(self.patterns) + len(self.registries)
                with self.values.within(self.contexts.bound_by(site)):
                    self._returned(function, prefix, trail, depth)
                if len(self.patterns) + len(self.registries) == before:
                    told = f"the routes that {last}() makes under {prefix.route} are put together at run time"  # fmt: skip
                    self.blind.append(BlindSpot(place_of(site), "routes", told))

    def _of_strings(self, site: CallSite, prefix: _Prefix, trail: tuple[str, ...]) -> None:
        """`patterns("shop.views", url(r"^$", "index"), (r"^all/$", listed))`, until Django 1.10.

        https://docs.djangoproject.com/en/1.9/ref/urls/#patterns
        """
        outer, self.named_below = self.named_below, self.values.text(site.node.args[0], site.scope)
        for given in site.node.args[1:]:
            if isinstance(given, t.Seq) and given.items:
                at = (given.line, given.column, given.end_line)
                given = t.Call(*at, t.Name(*at, "url"), given.items, [])
            self._list(given, site.scope, prefix, trail, 1)
        self.named_below = outer

    def _by_string(self, view: Located) -> Located | None:
        """The view that a text names by its module."""
        dotted = self.values.text(view.node, view.scope)  # type: ignore[arg-type]
        if not dotted:
            return None
        dotted = f"{self.named_below}.{dotted}" if self.named_below else dotted
        owner, _, name = dotted.rpartition(".")
        module = self.code.module_of(owner, view.scope) or self._from_root(owner)
        return Located(named(name), module.scope) if module is not None else None

    def _while_debugging(self, site: CallSite, last: str, prefix: _Prefix) -> None:
        """What is served with DEBUG on alone: the files below a setting's URL, the debug toolbar.

        https://docs.djangoproject.com/en/stable/howto/static-files/#serving-files-uploaded-by-a-user-during-development
        """
        if next(self.project.main.known("DEBUG"), None) is not True:
            return
        if last == "debug_toolbar_urls":
            views = packaged("debug_toolbar.urls", self._setup) or ()
            self._packaged(views, site, prefix.below("^__debug__/"))
            return
        below = site.arg(0, "prefix")
        text = self.values.text(below, site.scope)
        if below is None and last == "staticfiles_urlpatterns":
            text = self.project.main.text("STATIC_URL")
        if text and "//" not in text:
            files = PackagedView(
                f"^{text.lstrip('/')}(?P<path>.*)$", "serve", public="static files"
            )
            self._packaged([files], site, prefix)

    def _packaged(self, views: Iterable[PackagedView], site: CallSite, prefix: _Prefix) -> None:
        here = Located(site.node, site.scope)
        for view in views:
            at = prefix.below(view.route)
            self.patterns.append(Pattern(at.route, here, at.wrappers, view.view, site, view))

    def _returned(
        self, function: Located, prefix: _Prefix, trail: tuple[str, ...], depth: int
    ) -> None:
        """The list of patterns that a function returns, with what it adds to it before."""
        inner = self.code.inside(function)
        nodes = list(t.walk_own(*function.node.body))  # type: ignore[attr-defined]
        returned = [n.value for n in nodes if isinstance(n, t.Return) and n.value is not None]
        names = {value.id for value in returned if isinstance(value, t.Name)}
        for value in returned:
            self._list(value, inner, prefix, trail, depth + 1)
        for node in nodes:
            match node:
                case t.Call(
                    func=t.Attr(value=t.Name(id=name), name="append" | "extend" | "insert"),
                    args=[*_, given],
                ) if name in names:
                    if not self._made_at_run_time(given, inner):
                        self._list(given, inner, prefix, trail, depth + 1)

    def _made_at_run_time(self, pattern: t.Expr, scope: Scope) -> bool:
        """`paths.append(path(each["path"], each["view"]))`: which view that is cannot be told."""
        view = CallSite(pattern, scope).arg(1, "view") if isinstance(pattern, t.Call) else None
        if isinstance(view, t.Item):
            return True
        if not isinstance(view, t.Name):
            return False
        views = [s for s in self.values.sources(view, scope) if s.node is not view]
        return self.code.defined(view, scope) is None and not any(
            isinstance(s.node, t.Call | t.Function | t.Class) and self._tells(s.node, s.scope)
            for s in views
        )

    def _tells(self, node: t.Node, scope: Scope) -> bool:
        """Whether a class or function of the tree stands for what is made."""
        match node:
            case t.Call(func=t.Attr(value=view, name="as_view")):
                return self.code.defined(view, scope) is not None
            case t.Call(func=func):
                return self.code.defined(func, scope) is not None
        return True

    def _language(self, site: CallSite) -> str:
        """The prefix of the default language, as Django shows it."""
        given = self.values.value(site.arg(None, "prefix_default_language"), site.scope)
        if getattr(given, "value", None) is False:
            return ""
        return (self.project.main.text("LANGUAGE_CODE") or "en-us") + "/"

    # --- patterns

    def _pattern(self, site: CallSite, prefix: _Prefix, trail: tuple[str, ...]) -> None:
        route = self.values.text(site.arg(0, "route", "regex"), site.scope)
        below = prefix.below("{?}" if route is None else route)
        view = site.arg(1, "view")
        name = self.values.text(site.arg(3, "name"), site.scope) or ""
        if view is None:
            return
        wrappers: list[Located] = []
        target = Located(view, site.scope)
        seen: set[int] = set()  # `view = required(view)` stands for itself
        while True:
            node: t.Node = target.node
            if isinstance(node, t.Name | t.Attr) and not _ADMIN.search(t.dotted(node)):
                found = [s for s in self.values.sources(node, target.scope) if s.node is not node]
                found = [s for s in found if id(s.node) not in seen]
                if len(found) == 1 and isinstance(found[0].node, t.Call | t.Name | t.Attr):
                    if self.code.defined(node, target.scope) is None:
                        target = found[0]
                        seen.add(id(target.node))
                        continue
            match node:
                case t.Call(func=t.Attr(name="as_view")):
                    break
                case t.Const(value=str()) if (by_string := self._by_string(target)) is not None:
                    target = by_string
                    break
                case t.Call() if (
                    made := made_view(self.code, CallSite(node, target.scope))
                ) is not None:
                    wrappers += made.wrappers
                    target = made.view
                    continue
                case t.Call() if self._makes_patterns(node.func, target.scope):
                    wrapped = replace(below, wrappers=(*below.wrappers, *wrappers))
                    self._call(CallSite(node, target.scope), wrapped, trail, 0)
                    return
                case t.Call(func=func, args=[inner, *_]) if _wraps(
                    func, inner
                ) and not self._makes_view(func, inner, target.scope):
                    if t.dotted(func).rpartition(".")[2] == "include":
                        break
                    wrappers.append(Located(func, target.scope))
                    target = Located(inner, target.scope)
                    continue
            break
        node = target.node
        if isinstance(node, t.Call) and t.dotted(node.func).rpartition(".")[2] == "include":
            inner_prefix = replace(below, wrappers=(*below.wrappers, *wrappers))
            self._include(CallSite(node, target.scope), inner_prefix, trail)
        elif isinstance(node, t.Attr) and node.name == "urls":
            self._registry(node, target.scope, below, tuple(wrappers))
        elif isinstance(node, t.Seq | t.Attr) and _is_urls(node):
            self._list(node.items[0], target.scope, below, trail)  # type: ignore[union-attr]
        else:
            full = f"{below.namespace}:{name}" if below.namespace else name
            around = (*below.wrappers, *wrappers)
            self.patterns.append(Pattern(below.route, target, around, full, site))

    def _makes_patterns(self, func: t.Expr, scope: Scope) -> bool:
        """`listed(View, "name")`: a function of the tree that returns `include([…])`, or a list."""
        made = self.code.defined(func, scope)
        if made is None or not isinstance(made.node, t.Function):
            return False
        nodes = list(t.walk_own(*made.node.body))
        returned = [n.value for n in nodes if isinstance(n, t.Return)]
        return bool(returned) and all(
            (isinstance(value, t.Call) and t.dotted(value.func).rpartition(".")[2] == "include")
            or (isinstance(value, t.Seq) and len(value.items) == 3)
            for value in returned
        )

    def _makes_view(self, func: t.Expr, given: t.Expr, scope: Scope) -> bool:
        """`FormPreview(ArticleForm)`: a view that is an object, made with a class that is no view."""
        made = self.code.defined(func, scope)
        used = self.code.defined(given, scope) if isinstance(given, t.Name | t.Attr) else None
        return (
            made is not None
            and isinstance(made.node, t.Class)
            and used is not None
            and isinstance(used.node, t.Class)
        )

    def _include(self, site: CallSite, prefix: _Prefix, trail: tuple[str, ...]) -> None:
        given = site.arg(0, "arg")
        namespace = self.values.text(site.arg(1, "namespace"), site.scope) or ""
        mark = f"{site.path}:{site.node.line}:{site.node.column}"
        if given is None or trail.count(mark) > 1 or len(trail) > _MAX_DEPTH:
            return  # patterns that include themselves
        trail = (*trail, mark)
        if self._so_far(given, site.scope, prefix.named(namespace), trail):
            return
        dotted = self.values.text(given, site.scope)
        if dotted is not None:
            module = self.code.module_of(dotted, site.scope) or self._from_root(dotted)
            known = packaged(dotted, self._setup) if module is None else None
            if known is not None:
                self._packaged(known, site, prefix.named(namespace))
                return
            if module is None:
                told = f"the routes of {dotted} under {prefix.route} come from outside this tree"
                self.blind.append(BlindSpot(place_of(site), "routes", told, self._foreign(dotted)))
                return
            self._module(module, prefix.named(namespace or self._app_name(module)), trail)
            return
        named = self.code.name(given, site.scope)
        if named.startswith("module:"):
            module = self.code.modules[named[7:]]
            self._module(module, prefix.named(namespace or self._app_name(module)), trail)
            return
        if isinstance(given, t.Call) and self._is_function(given.func, site.scope):
            self._call(CallSite(given, site.scope), prefix.named(namespace), trail, 0)
            return
        for source in self.values.sources(given, site.scope):
            match source.node:
                case t.Seq(kind="tuple", items=[patterns, app, *_]):
                    space = namespace or self.values.text(app, source.scope) or ""
                    self._named_or_listed(patterns, source.scope, prefix.named(space), trail)
                case t.Attr(name="urls") as urls:
                    self._registry(urls, source.scope, prefix.named(namespace), ())
                case node:
                    self._list(node, source.scope, prefix.named(namespace), trail)  # type: ignore[arg-type]

    @functools.cached_property
    def _setup(self) -> Setup:
        """What decides which URLs the packages of this project serve."""
        main = self.project.main
        return Setup(
            self.installed,
            main.texts,
            pinned(self.application),
            lambda name: True in list(main.known(name)),
            self._username(),
            next((str(x.get("USER_ID_FIELD", "id")) for x in main.known("DJOSER")), "id"),
        )

    def _username(self) -> str:
        """USERNAME_FIELD of the model that AUTH_USER_MODEL names."""
        app, _, name = self.project.main.text("AUTH_USER_MODEL").rpartition(".")
        for found in self.code.classes() if name else ():
            if found.node.name == name and f"/{app}/" in f"/{found.path}":  # type: ignore[attr-defined]
                for source in self.values.attribute(found, "USERNAME_FIELD"):
                    if told := self.values.text(source.node, source.scope):  # type: ignore[arg-type]
                        return told
        return "username"

    def _is_function(self, func: t.Expr, scope: Scope) -> bool:
        found = self.code.defined(func, scope)
        return found is not None and isinstance(found.node, t.Function)

    def _named_or_listed(
        self, patterns: t.Expr, scope: Scope, prefix: _Prefix, trail: tuple[str, ...]
    ) -> None:
        """The first part of `include((patterns, app))`: a module's name, or a list."""
        dotted = self.values.text(patterns, scope)
        if dotted is None:
            self._list(patterns, scope, prefix, trail)
        elif module := self.code.module_of(dotted, scope) or self._from_root(dotted):
            self._module(module, prefix, trail)

    def _from_root(self, dotted: str) -> Module | None:
        """A module named from the project's root, wherever the naming file lies."""
        root = "" if self.project.name == "." else self.project.name + "/"
        stem = root + dotted.replace(".", "/")
        return self.code.modules.get(f"{stem}.py") or self.code.modules.get(f"{stem}/__init__.py")

    def _foreign(self, dotted: str) -> bool:
        """Whether nothing of the tree is called as the package of a module is, from whatever root."""
        package = dotted.partition(".")[0]
        paths = (path.removesuffix(".py").split("/") for path in self.code.modules)
        return not any(package in parts for parts in paths)

    def _app_name(self, module: Module) -> str:
        return self.values.text(named("app_name"), module.scope) or ""

    def _registry(
        self, urls: t.Attr, scope: Scope, prefix: _Prefix, wrappers: tuple[Located, ...]
    ) -> None:
        if _ADMIN.search(t.dotted(urls)) or ".admin" in self.code.name(urls.value, scope):
            return  # Django's own administration, behind its own login
        owner = Located(urls.value, scope)
        if self.values.bound_scopes:  # `path("", api.urls) for api in apis`
            owner = next(iter(self.values.sources(urls.value, scope)), owner)
        around = (*prefix.wrappers, *wrappers)
        self.registries.append(Registry(prefix.route, owner, around, prefix.namespace))


class _Prefix(msgspec.Struct, frozen=True):
    route: str
    namespace: str = ""
    wrappers: tuple[Located, ...] = ()

    def below(self, route: str) -> _Prefix:
        return replace(self, route=self.route + route)

    def named(self, namespace: str) -> _Prefix:
        if not namespace:
            return self
        full = f"{self.namespace}:{namespace}" if self.namespace else namespace
        return replace(self, namespace=full)


def _wraps(func: t.Expr, inner: t.Expr) -> bool:
    """Whether a call in a view's place wraps the view that it is given first."""
    return isinstance(inner, t.Name | t.Attr | t.Call) and not (
        isinstance(func, t.Attr) and func.name == "as_view"
    )


def _is_urls(node: t.Expr) -> bool:
    """`(patterns, "app", "namespace")` in a view's place."""
    return isinstance(node, t.Seq) and len(node.items) > 1
