"""Modules that nothing imports, routers that no application includes, classes of views that no route names, and backends
of Django that no setting names: nobody waits for what they ask.

Routes of an earlier version, a repository that another has taken the place of. A tree that imports what
its code makes up has none as far as can be told; of Django, which loads modules by their names, those of views and the like alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

from auditor.discover import Role
from auditor.extract.python import tree as t
from auditor.frameworks.django.settings import DjangoProject
from auditor.link.application import Application
from auditor.link.layout import ends, module_name
from auditor.link.mentions import Mentions
from auditor.link.reach import Reach, is_main_guard
from auditor.link.scopes import Located, Module, Scope
from auditor.model.blind import BlindSpot
from auditor.model.places import Place
from auditor.model.values import Known
from auditor.model.web import Route
from auditor.stores.waiting.by_hand import stem
from auditor.stores.waiting.made_up import MadeUp
from auditor.stores.waiting.running import Running
from auditor.stores.waiting.unawaited import unawaited
from auditor.stores.waiting.wrapping import GUARDS, WRAPPING, only_wraps

_LOADS_BY_NAME = ("scrapy", "odoo", "frappe", "streamlit", "azure.functions", "chalice")
_LOADED_BY_NONE = re.compile(
    r"(?:^|/)(?:\w+_)?(?:views?|viewsets?|serializers|services?|selectors)(?:_\w+)?(?:/(?:\w+/)*\w+)?\.py$"
)
_LOADED_BY_DJANGO = re.compile(r"(?:^|/)(?:templatetags|management|migrations|models)/")
"""Modules that Django itself, or a package for it, loads by no name of theirs, and those below folders that it loads."""
_ENTRIES = {"handler", "lambda_handler", "main", "application", "app", "server", "worker", "celery"}
"""What something outside of the tree asks a module for."""
_LOADED = re.compile(
    r"(?:\w+_)?(?:conf(?:ig)?|settings?|hooks?|plugins?|tasks|jobs|workers?|celery|cli|commands|manage|setup|wsgi|asgi)$"
)
"""Names of modules that servers, workers and tools load."""
_DEPLOYED = re.compile(r"\.(?:ya?ml|toml|json|sh|cfg|ini|conf|service)$|(?:dockerfile|procfile|makefile)[^/]*$", re.I)  # fmt: skip
_REGISTERS = {"get", "post", "put", "patch", "delete", "head", "options", "route", "api_route", "websocket", "websocket_route"}  # fmt: skip
_NAME = re.compile(
    r"[A-Za-z_]\w*(?:[.:](?!(?:html?|jinja2?|j2|txt|md|css|js|json|xml|csv|sql|db|sqlite3?|png|jpe?g|svg|pdf|ico)$)[A-Za-z_]\w*)+"
    r"|[\w./-]+\.py"
)
"""What may name a module, and no template, document, picture or database."""
_LONGEST = 200
_ROUTER = re.compile(r"(?:^|\.)(?:APIRouter|Router|Blueprint|APIBlueprint)\(\)$")
_VIEW = re.compile(
    r"(?:flask_restful|flask_restx|flask_restplus)\.(?:.*\.)?Resource|(?:flask|quart|apiflask)\.views\.(?:Method)?View"
    r"|(?:flask_classful|flask_classy)\.FlaskView|aiohttp\.web\.View|tornado\.web\.RequestHandler"
    r"|starlette\.endpoints\.HTTPEndpoint|sanic\.views\.HTTPMethodView"
)
"""Classes of views that serve nothing until something names them."""
_FINDS_CLASSES = {"__subclasses__", "getmembers", "issubclass", "globals", "vars", "locals", "dir"}
"""What code finds classes by which it does not name."""
_MODULES = re.compile(r"(?:module:|sys\.modules\b|importlib\.)")
"""What stands for a module, whose classes may be asked for by names that are made up."""
_PART = re.compile(r"(?:Agent|Router|Blueprint|Namespace|Limiter|Cache|HTTP\w*Auth|LoginManager|Registry|EventEmitter|SocketIO)\(\)$")  # fmt: skip
"""Objects of packages that are a part of an application, whatever it is: no server, worker or tool loads a module for
one of them, as they do for an application, a bot, a broker, a group of commands or what serves tools."""


class Unused:
    """Tells what of a tree is in nobody's way."""

    def __init__(self, application: Application) -> None:
        self.application, self.code = application, application.code
        (self.reach,) = application.facts(Reach)
        (self.running,) = application.facts(Running)
        self.made_up = MadeUp(application)

    @functools.cached_property
    def modules(self) -> frozenset[str]:
        """The paths of modules that nothing imports which is imported itself."""
        if not self.reach.roots or self.code.imports(*_LOADS_BY_NAME) or self._makes_names_up:
            return frozenset()
        of_django = self.code.imports("django")
        if of_django and (self.is_blind or not self._served):
            return frozenset()
        modules = self.code.modules
        sources = {f.path for f in self.application.tree.files if f.role is Role.SOURCE}
        left = {
            path: stem(path)
            for path in sources & modules.keys() - self.reach.modules.keys()
            if not path.endswith("__init__.py")
            and not self.made_up.may_be(path)
            and not (of_django and not _is_loaded_by_none(path))
            and not self._runs(modules[path])
        }
        named = {path: set[str]() for path in modules}
        for node, scope in self.code.of_kind(t.Import) if left else ():
            named[scope.module.path].update(_named_by(node, scope.module.path))
        heard = self._spoken() if left else frozenset()
        while True:
            told = set().union(*(named[path] for path in named if path not in left))
            spelt = told | {end for name in told for end in ends(name)}
            kept = {
                path
                for path, name in left.items()
                if name in heard
                or module_name(path) in spelt
                or not told.isdisjoint(ends(module_name(path)))
            }
            if not kept:
                return frozenset(left)
            for path in kept:
                del left[path]

    def _spoken(self) -> frozenset[str]:
        """What texts of the code and deployment files speak of: `include=["workers.mails"]`, `-A shop.tasks`."""
        told = self.running.words(_DEPLOYED)
        texts = (node.value for node, _ in self.code.of_kind(t.Const))
        named = (
            x for x in texts if isinstance(x, str) and len(x) < _LONGEST and _NAME.fullmatch(x)
        )
        return frozenset(
            part.removesuffix(".py")
            for word in (*told, *named)
            for part in re.split(r"[.:/](?!py$)", word)
        )

    @functools.cached_property
    def _makes_names_up(self) -> bool:
        if self.made_up.below is None:
            return True
        finding = self.code.method_calls(
            "autodiscover_tasks"
        )  # modules called tasks, unless told otherwise
        return any(site.arg(1, "related_name") is not None for site in finding)

    def is_left_out(self, function: Located) -> bool:
        """Whether a function is a route of a router that no application includes."""
        if id(function.node) in self._served or not self._served or self.is_blind:
            return False
        if self.made_up.may_be(function.path):
            return False
        return any(
            isinstance(named := t.callee(d), t.Attr)
            and _is_route(d)
            and _ROUTER.search(self.code.name(named.value, function.scope))
            for d in function.node.decorators  # type: ignore[attr-defined]
        )

    def replaced(self, place: Place) -> str:
        """The function or class that a place lies in, where another of its name takes its place before anything speaks
        of it; empty where none does."""
        module = self.code.modules.get(place.path)
        body = module.body if module is not None else []
        while True:
            around = (s for s in body if isinstance(s, t.Function | t.Class))
            found = next((s for s in around if s.line <= place.line <= s.end_line), None)
            if found is None:
                return ""
            if _is_defined_anew(found, body):
                return found.name
            body = found.body if isinstance(found, t.Class) else []

    def is_unawaited(self, function: Located) -> bool:
        """Whether each call of a coroutine is thrown away or asked for an attribute, so that it never begins:
        `await Post.search(x).values()`."""
        node = function.node
        if not isinstance(node, t.Function) or not node.is_async:
            return False
        if any(isinstance(n, t.Yield) for n in t.walk_own(*node.body)):
            return False  # a generator
        if any(t.last_word(d) not in ("staticmethod", "classmethod") for d in node.decorators):
            return False
        (mentions,) = self.application.facts(Mentions)
        calls = [mentions.call(site) for site in mentions.of(function)]
        return bool(calls) and all(
            x is not None
            and id(x.node) in unawaited(self.code, x.scope.module)
            and (told := self.code.defined(x.node.func, x.scope)) is not None
            and told.node is node  # and no other of that name, which a framework may call besides
            for x in calls
        )

    def view(self, function: Located) -> str:
        """The class of views that a method belongs to, where nothing names it or one that inherits from it."""
        found = function.of_class
        if found is None or self._finds_views:
            return ""
        if id(function.node) in self._served or self.made_up.may_be(function.path):
            return ""
        kinds = self.code.ancestry(found)
        if not any(map(_VIEW.fullmatch, kinds)):
            return ""
        return "" if self._has_named_heir(found) else found.node.name  # type: ignore[attr-defined]

    def backend(self, function: Located) -> str:
        """The class of a backend that signs people in to Django, where its settings name neither it nor an heir.

        Source: https://docs.djangoproject.com/en/stable/topics/auth/customizing/#writing-an-authentication-backend.
        """
        found = function.of_class
        if found is None or not self._lists_backends:
            return ""
        idle = self.is_backend(found) and not self._has_named_heir(found)
        return found.node.name if idle else ""  # type: ignore[attr-defined]

    def is_backend(self, found: Located) -> bool:
        """Whether a class has what Django asks of a backend: it loads one by the name in a setting."""
        kinds = self.code.ancestry(found)
        made = all(
            any(self.code.definition(f"{kind}.{name}") is not None for kind in kinds)
            for name in ("authenticate", "get_user")
        )
        return made or any(kind.startswith("django.contrib.auth.backends.") for kind in kinds)

    @functools.cached_property
    def _lists_backends(self) -> bool:
        """Whether the settings of Django can be read that name the backends."""
        variants = [
            v for project in self.application.facts(DjangoProject) for v in project.variants
        ]
        listed = (v.get("AUTHENTICATION_BACKENDS") for v in variants)
        return bool(variants) and all(x is None or isinstance(x, Known) for x in listed)

    def _has_named_heir(self, found: Located) -> bool:
        """Whether something names a class, or one that inherits from it."""
        heirs = self.code.heirs(found)
        bases = bases_of(heirs)
        return any(self._is_named(each, bases) for each in heirs)

    def _is_named(self, found: Located, bases: set[int]) -> bool:
        """Whether something may ask a class of views for what it serves: a route, a decorator, a base that sees it."""
        return self.is_seen(found) or any(True for _ in self.speaking(found, bases))

    def speaking(self, found: Located, besides: set[int]) -> Iterator[Located]:
        """Where what may run speaks of a class, but for nodes (by `id`) that ask nothing of it."""
        (mentions,) = self.application.facts(Mentions)
        for site in mentions.of(found):
            if id(site.node) not in besides and site.path not in self.modules:
                yield site

    def is_seen(self, found: Located) -> bool:
        """Whether a decorator or a base may take note of a class."""
        above = [k for kind in self.code.ancestry(found) if (k := self.code.definition(kind))]
        return any(
            k.node.decorators or k.node.keywords or _sees_heirs(k.node)
            for k in above
            if isinstance(k.node, t.Class)
        )

    @functools.cached_property
    def finds_classes(self) -> bool:
        """Whether the code looks for classes by itself; what an object holds, `vars(args)`, has none."""
        return any(
            t.last_word(site.node.func) != "vars"
            or not site.node.args
            or not self.code.name(site.node.args[0], site.scope).endswith("()")
            for site in self.code.method_calls(*sorted(_FINDS_CLASSES))
        )

    @functools.cached_property
    def finds_by_name(self) -> bool:
        """Whether code looks for classes by itself: `getattr(models, kind)`, `Store.__subclasses__()`."""
        asked = (
            s for s in self.code.all_calls() if t.dotted(s.node.func) == "getattr" and s.node.args
        )
        return self.finds_classes or any(
            not isinstance(site.arg(1, "name"), t.Const)
            and _MODULES.match(self.code.name(site.node.args[0], site.scope))
            for site in asked
        )

    @functools.cached_property
    def deployed(self) -> frozenset[str]:
        """The words of deployment files and settings that are no code."""
        lines = self.running.lines(_DEPLOYED)
        return frozenset(word for line in lines for word in re.findall(r"\w+", line[:_LONGEST]))

    @functools.cached_property
    def _finds_views(self) -> bool:
        """Whether views may be named by no name: by code that looks for classes, or by a document."""
        if self._makes_names_up or self.code.imports("connexion", "django", *_LOADS_BY_NAME):
            return True
        return self.finds_classes

    def _runs(self, module: Module) -> bool:
        """Whether a module is a program, or something outside of the tree may ask it for what it defines."""
        if _LOADED.match(stem(module.path)):
            return True
        functions = (s for s in module.body if isinstance(s, t.Function))
        wrapped = (s.decorators for s in functions if not any(map(_is_route, s.decorators)))
        if any(self._is_hook(d, module.scope) for decorators in wrapped for d in decorators):
            return True
        entries = _ENTRIES & module.scope.bindings.keys()
        if any(not self._takes_part(module, name) for name in entries):
            return True
        if any(map(is_main_guard, module.body)):
            return True
        return any(
            isinstance(s, t.Do) and isinstance(s.value, t.Call) and not _is_setting_up(s.value)
            for s in module.body
        )

    def _takes_part(self, module: Module, name: str) -> bool:
        """Whether a module takes a name from a package, or from another module as others do that are imported, to work
        with it: servers ask for the module that makes an application, and for none that adds routes to it."""
        bound = module.scope.bindings[name]
        if not all(b.kind == "import" for b in bound):
            return False
        if not any(isinstance(s, t.Function | t.Class) for s in module.body):
            return False
        sources = [b.node.module for b in bound if isinstance(b.node, t.Import)]
        of_tree = any(self.code.module_of(x, module.scope) is not None for x in sources)
        return self._is_divided if of_tree else True

    @functools.cached_property
    def _is_divided(self) -> bool:
        """Whether modules that add routes to the application of another are imported by what serves it."""
        modules = self.code.modules
        parts = self.reach.modules.keys() - {root.path for root in self.reach.roots}
        return any(
            _is_route_of_another(decorator, modules[path].scope)
            for path in parts
            for s in modules[path].body
            if isinstance(s, t.Function)
            for decorator in s.decorators
        )

    def _is_hook(self, decorator: t.Expr, scope: Scope) -> bool:
        """Whether a decorator makes a command, a task or whatever else is called by another way than a route."""
        named = t.callee(decorator)
        if only_wraps(self.code, decorator, scope) or self.code.name(named, scope).startswith(GUARDS):  # fmt: skip
            return False
        return not (isinstance(named, t.Attr) and self._is_part(named.value, scope))

    def _is_part(self, expr: t.Expr, scope: Scope) -> bool:
        """Whether an object is of a class that nothing outside of the tree asks a module for."""
        name = self.code.name(expr, scope)
        made = self.code.definition(name.removesuffix("()")) if name.endswith("()") else None
        if made is None or not isinstance(made.node, t.Class):
            return _PART.search(name) is not None
        kinds = [k for kind in self.code.ancestry(made) if (k := self.code.definition(kind))]
        return all(
            self.code.definition(self.code.name(base, kind.scope)) is not None
            for kind in kinds
            for base in kind.node.bases  # type: ignore[attr-defined]
        )

    @functools.cached_property
    def _served(self) -> frozenset[int]:
        return frozenset(id(r.function.node) for r in self.application.facts(Route) if r.function)

    @functools.cached_property
    def is_blind(self) -> bool:
        """Whether some routes of the tree could not be told."""
        spots = self.application.facts(BlindSpot)
        return any(spot.hides_views for spot in spots) or self._makes_names_up


def bases_of(heirs: Iterable[Located]) -> set[int]:
    """Where classes name the ones that they inherit from (by `id`)."""
    return {id(base) for heir in heirs for base in heir.node.bases}  # type: ignore[attr-defined]


def _is_loaded_by_none(path: str) -> bool:
    return bool(_LOADED_BY_NONE.search(path)) and not _LOADED_BY_DJANGO.search(path)


def _named_by(node: t.Import, path: str) -> Iterator[str]:
    """The modules that an import names or may name, by their dotted names."""
    module = node.module.lstrip(".")
    if up := len(node.module) - len(module):
        package = path.split("/")[:-up]
        module = ".".join([*package, *([module] if module else [])])
    yield module
    for name, _ in node.names:
        yield f"{module}.{name}" if module else name


def _is_defined_anew(first: t.Function | t.Class, body: list[t.Stmt]) -> bool:
    """Whether a statement of the same block defines its name again, and nothing between speaks of it."""
    alike = [s for s in body if isinstance(s, t.Function | t.Class) and s.name == first.name]
    last = alike[-1]
    if first is last or any(t.last_word(t.callee(d)) not in WRAPPING for d in first.decorators):
        return False
    after = body[body.index(first) + 1 : body.index(last)]
    at_once: list[t.Node] = [s for s in after if not isinstance(s, t.Function)]
    at_once += [d for s in (*after, last) for d in getattr(s, "decorators", ())]
    at_once += last.bases if isinstance(last, t.Class) else []
    names = (n for n in t.walk(*at_once) if isinstance(n, t.Name | t.Attr))
    return not any(t.last_word(n) == first.name for n in names)


def _is_route(decorator: t.Expr) -> bool:
    return isinstance(decorator, t.Call) and t.last_word(decorator.func) in _REGISTERS


def _is_route_of_another(decorator: t.Expr, scope: Scope) -> bool:
    """`@app.get("/")` where `app` is imported."""
    match t.callee(decorator):
        case t.Attr(value=t.Name(id=name)) if _is_route(decorator):
            return all(b.kind == "import" for b in scope.bindings.get(name, ()))
    return False


def _sees_heirs(kind: t.Class) -> bool:
    return any(isinstance(s, t.Function) and s.name == "__init_subclass__" for s in kind.body)


def _is_setting_up(call: t.Call) -> bool:
    """`logging.basicConfig()`, `load_dotenv()`: a module that does no more by itself is no program."""
    return t.last_word(call.func) in ("basicConfig", "load_dotenv", "append", "insert")
