"""Who waits for a query: nobody, where a script or command is run by hand, where the start of the application
fills an empty database, and where nothing calls the code.

Such queries are told, and ask for no index: it would cost every write, for what is seldom or never
asked. Whatever might be called is called.
"""

from __future__ import annotations

import enum
import functools
import re
import sys
from collections import defaultdict

from auditor.discover import Kind, Role
from auditor.discover.walk import read
from auditor.extract.python import tree as t
from auditor.libraries.schedules import CLOCKS
from auditor.link.application import Application, provides
from auditor.link.mentions import Mentions
from auditor.link.raising import Raising
from auditor.link.reach import Reach, is_main_guard
from auditor.link.resolvers import calls_none
from auditor.link.scopes import Located, Module, Scope
from auditor.model.places import Place
from auditor.stores.waiting.by_hand import ByHand
from auditor.stores.waiting.hooks import ASKS_VIEWS, NAMED, OF_VIEWS
from auditor.stores.waiting.kept import INJECTS, STORING, Kept
from auditor.stores.waiting.once import runs_once
from auditor.stores.waiting.running import command_of, is_command_class
from auditor.stores.waiting.unrouted import Unrouted
from auditor.stores.waiting.unsent import Unsent
from auditor.stores.waiting.unserved import Unserved
from auditor.stores.waiting.unused import Unused, bases_of
from auditor.stores.waiting.wrapping import only_wraps


class Asked(enum.IntEnum):
    """By whom something is run, what matters most last."""

    NEVER = 0
    SCRIPT = 1
    BY_HAND = 2
    FILLING = 3
    LIVE = 4


_MAPPERS = {"sqlalchemy", "sqlmodel", "flask_sqlalchemy", "mongoengine", "flask_mongoengine", "beanie", "bunnet", "odmantic", "peewee", "tortoise"}  # fmt: skip
"""Packages that make objects of the classes that inherit from theirs: of a kind that a row tells."""
_CALLING = {
    re.compile(
        r"django\.db\.models\.(?:\w+\.)?(?:Model|Manager|QuerySet)|django\.contrib\.auth\.(?:models|base_user)\.\w+"
    ): re.compile(
        r"a?(?:save|delete|refresh_from_db|from_db|save_base)|clean\w*|full_clean|validate_\w+|check\w*|natural_key|as_manager|as_sql|deconstruct"
        r"|contribute_to_class|(?:prepare|resolve|serializable|unique|date)_\w+|(?:set|has|is|email|normalize|make|with)_\w+|a?create\w*|a?(?:bulk|update|get_or)_\w+"
        r"|db_manager|using|iterator|values_list|order_by|select_\w+|prefetch_\w+|distinct|annotate|aggregate|alias|defer|only|none|all|latest|earliest|in_bulk"
        r"|get_(?:queryset|by_natural_key|absolute_url|url|full_name|short_name|username|email_field_name|session_\w+|constraints|deferred_fields"
        r"|(?:user|group|all)_permissions|next_\w+|previous_\w+|\w+_display)"
    ),
    re.compile(r"advanced_alchemy\.(?:\w+\.)*\w*(?:Repository|Service)(?:\w*Mixin)?"): re.compile(
        r"(?:list|get|create|update|upsert|delete|add|find|check|to|is|provide|filter|count|exists|new)(?:_(?:and_count|one|one_or_none|many|where|model|schema"
        r"|health|and_update|and_upsert|or_\w+|model_\w+|id_\w+|dict\w*))?"
    ),
}
"""Packages' classes that do call methods of what inherits from them, and by what names."""
_PLAIN = {"", "builtins", "abc", "typing", "typing_extensions", "enum", "dataclasses", "collections", "pydantic", "flask_login", *_MAPPERS}  # fmt: skip
"""Packages whose classes call no method of those that inherit from them but by decorators and `__names__`."""
_HOOKS = {
    "clean", "save", "delete", "is_active", "is_authenticated", "is_anonymous", "handle", "handler", "lambda_handler", "main",
    "application", "lifespan",
}  # fmt: skip
"""Names by which models, function services and servers call what is theirs."""


_FILLS = re.compile(
    r"^_*(?:async_)?(?:(?:seed|populate|backfill|bootstrap|migrate|init|initiali[sz]e|setup|set_up)(?:_\w+)?"
    r"|(?:create|add|insert|ensure|make|load|fill)_(?:\w+_)?(?:defaults?|initial|admins?|superusers?|superadmin|super_admin|first|demo|samples?"
    r"|roles|permissions|root|system|builtin|dummy|fixtures|data)(?:_\w+)?|\w+_(?:seed|seeder|seeds))$"
)
"""Functions that add what a new database lacks."""
_ADDING = {"add", "add_all", "insert", "insert_one", "insert_many", "create", "save", "get_or_create", "update_or_create", "bulk_create", "create_user", "create_superuser"}  # fmt: skip
_ALTERS = re.compile(r"(?i)\balter\s+(?:table|type)\s")
_STARTS = {"on_event", "on_startup", "startup", "before_first_request", "before_serving", "lifespan"}  # fmt: skip
_ONCE = re.compile(
    r"\bone[- ](?:time|off)\s+(?:[\w-]+\s+)?(?:repair|fix|migration|back-?fill|seed|script|clean-?up|endpoint|set-?up|import|job|task|operation)",
    re.I,
)
_REGISTERS = re.compile(r"(?i)handler$|^add_\w*handler|^(?:register|command|callback|add_(?:route|url_rule|api_route)|subscribe|listen|bind|on|connect)$")  # fmt: skip
_OF_THE_START = {
    "post_migrate",
    "pre_migrate",
    "worker_init",
    "worker_ready",
    "worker_process_init",
    "beat_init",
}
"""Signals of Django and Celery that are sent when a process starts, or when the database was migrated."""
_SERVERS = ("aiohttp.web.Application", "aiogram.Dispatcher", "litestar.Litestar", "litestar.app.Litestar")  # fmt: skip
_RUNNING = {
    "run_app", "run_polling", "start_polling", "infinity_polling", "run_until_disconnected", "run_webhook", "start_webhook",
}  # fmt: skip
"""Calls by which servers and bots are run whose handlers are not followed."""
_INTERFACES = {
    "accept", "acquire", "add", "allow", "append", "apply", "authorize", "begin", "bind", "build", "call", "callback", "can", "cancel",
    "check", "clean", "clear", "close", "collect", "commit", "compute", "configure", "connect", "consume", "convert", "copy", "count", "create", "decode",
    "decorate", "default", "delete", "deserialize", "destroy", "disconnect", "dispatch", "do", "dump", "dumps", "emit", "encode", "enter", "exit",
    "export", "execute", "extract", "fetch", "fetchall", "fetchone", "field", "fields", "filter", "finish", "flush", "format", "forward", "generate",
    "get", "handle", "handler", "has", "head", "identify", "identity", "import", "index", "init", "initialize", "insert", "invoke", "items", "iterate",
    "key", "keys", "list", "listen", "load", "loads", "lock", "log", "login", "logout", "match", "message", "middleware", "name", "next", "notify", "on",
    "open", "options", "parse", "patch", "perform", "permissions", "ping", "poll", "pop", "post", "predict", "prepare", "process", "produce", "publish",
    "put", "query", "read", "ready", "receive", "register", "release", "remove", "render", "replace", "reset", "resolve", "respond", "response",
    "retrieve", "retry", "rollback", "route", "run", "save", "scopes", "search", "select", "send", "serialize", "serve", "set", "setup", "shutdown",
    "sort", "start", "stop", "store", "submit", "subscribe", "sync", "teardown", "tick", "transform", "unlock", "unregister", "update", "user",
    "validate", "value", "values", "verify", "visit", "work", "write",
}  # fmt: skip
"""Methods that packages ask of objects of any class: protocols of authentication, storage, serialization, servers."""
_OF_PACKAGES = {
    "flask_login": {"get_id"}, "flask_security": {"get_id"}, "flask_user": {"get_id"}, "flask_appbuilder": {"get_id"},
    "django": {"authenticate", "process_request", "process_view", "process_template_response", "process_response", "process_exception"},
    "falcon": {
        "process_request", "process_resource", "process_response", "process_startup", "process_shutdown",
        "on_get", "on_post", "on_put", "on_patch", "on_delete",
    },
    "scrapy": {"process_item", "open_spider", "close_spider", "process_request", "process_response"},
}  # fmt: skip
"""Methods that one package alone asks of objects of any class: of users, backends, middleware, resources and pipelines."""
_READ = {"property", "cached_property", "hybrid_property", "reify"}
_OPENS = re.compile(r"lifespan|startup|^main$")
_MAKES = re.compile(r"^(?:create|make|build|get|init)_(?:\w+_)?app(?:lication)?$")


class Errands:
    """Tells why nobody waits for what is asked at a place; nothing where somebody may."""

    def __init__(self, application: Application) -> None:
        self.application, self.code = application, application.code
        (self.reach,) = application.facts(Reach)
        (self.raising,) = application.facts(Raising)
        self.by_hand, self.unused = ByHand(application), Unused(application)
        self.unrouted, self.unsent = Unrouted(application, self.unused), Unsent(application)
        self.unserved = Unserved(application)
        self.kept = Kept(application, self.unused)
        self._known: dict[int, Asked] = {}
        self._idle: dict[int, bool] = {}

    def why(self, place: Place) -> str:
        function = self._function(place)
        if function is not None and self._is_program and _ONCE.search(_text_of(function)):
            return "it is run once, as its own text says"
        match self.of(place):
            case Asked.SCRIPT if place.path not in self.by_hand.errands:
                return "only a program that ends by itself asks it, and nothing here starts it"
            case Asked.SCRIPT:
                return "only a script that is run by hand asks it"
            case Asked.BY_HAND:
                return "only a command that is run by hand asks it"
            case Asked.FILLING:
                return "only what fills or alters the database at the start asks it"
            case Asked.NEVER if reason := self.raising.why(place):
                return f"nothing comes so far as to ask it: {reason}"
            case Asked.NEVER if place.path in self.unused.modules:
                return f"nothing imports {place.path}, which asks it"
            case Asked.NEVER if name := self.unused.replaced(place):
                return f"another {name} takes the place of the one that asks it"
            case Asked.NEVER if view := self._unrouted_view(place):
                return f"no route leads to {view}, which asks it"
            case Asked.NEVER if function is not None and (taken := self.unserved.why(function)):
                return f"no request comes so far as to ask it: {taken}"
            case Asked.NEVER if function is not None and self.unused.is_unawaited(function):
                return f"nothing awaits {function.node.name}, which asks it"  # type: ignore[attr-defined]
            case Asked.NEVER if function is not None and (backend := self.unused.backend(function)):
                return f"AUTHENTICATION_BACKENDS does not name {backend}, which asks it"
            case Asked.NEVER if function is not None and (action := self.unrouted.action(function)):
                return f"no route leads to {action}, which asks it"
            case Asked.NEVER:
                return f"nothing that runs calls {place.symbol.rpartition('.')[2]}, which asks it"
        return ""

    def of(self, place: Place) -> Asked:
        """By whom a place is run: whatever is in doubt, by somebody who waits."""
        if place.path in self.by_hand.scripts:
            return Asked.FILLING if place.path in self.by_hand.at_start else Asked.SCRIPT
        if place.path in self.unused.modules or self.raising.why(place):
            return Asked.NEVER
        if self._is_program and self.unused.replaced(place):
            return Asked.NEVER
        view = self._view(place)
        if view is not None and self.unrouted.asks_nothing(view):
            return Asked.NEVER
        function = self._function(place)
        if function is None and not place.symbol and self._fills_at_once(place):
            return Asked.FILLING
        return self._asked(function) if function and self._is_program else Asked.LIVE

    @functools.cached_property
    def _is_program(self) -> bool:
        """Whether the tree is a program, and no package whose functions others call."""
        if self.reach.roots or any(True for _ in self.code.calls(*_SERVERS)):
            return True
        if any(True for _ in self.code.method_calls(*sorted(_RUNNING))):
            return True
        sources = (f.path for f in self.application.tree.files if f.role is Role.SOURCE)
        modules = (self.code.modules[path] for path in sources if path in self.code.modules)
        return any(_is_run(module) for module in modules if not runs_once(module))

    def _fills_at_once(self, place: Place) -> bool:
        """Whether code of a module's own adds what it does not find: `if not User.query.first(): db.session.add(…)`."""
        module = self.code.modules.get(place.path)
        if module is None or self.code.imports("streamlit"):
            return False  # its pages are modules, which each view runs anew
        return self._fills_in(module.body, place.line, module.scope)

    def _fills_in(self, block: list[t.Stmt], line: int, scope: Scope) -> bool:
        """Whether a line of a block is one that adds what is not found, or gives it what it asks about."""
        needed: set[str] = set()
        for stmt in reversed(block):
            here = stmt.line <= line <= stmt.end_line
            match stmt:
                case t.If(test=t.Unary(op="not") | t.Compare(), body=body) if self._adds_in(body, scope):  # fmt: skip
                    if here:
                        return True
                    needed |= {n.id for n in t.walk(stmt) if isinstance(n, t.Name)}
                case t.Assign(targets=[t.Name(id=name)]) if name in needed:
                    if here:
                        return True
                    needed |= {n.id for n in t.walk(stmt) if isinstance(n, t.Name)}
                case t.While() | t.For() | t.Function() | t.Class():
                    continue
                case _ if here:
                    return any(self._fills_in(inner, line, scope) for inner in t.blocks(stmt))
        return False

    def _unrouted_view(self, place: Place) -> str:
        """The class of views that asks something, itself or in a method, where no route names it."""
        if (function := self._function(place)) is not None:
            return self.unused.view(function) or self.unrouted.view(function)
        view = self._view(place)
        return view.node.name if view is not None else ""  # type: ignore[attr-defined]

    def _view(self, place: Place) -> Located | None:
        """The class that asks something itself, in none of its methods."""
        found = self.code.definition(f"{place.path}:{place.symbol}") if place.symbol else None
        return found if found is not None and isinstance(found.node, t.Class) else None

    def _function(self, place: Place) -> Located | None:
        found = self.code.definition(f"{place.path}:{place.symbol}") if place.symbol else None
        if found is None or not isinstance(found.node, t.Function):
            return None
        owner = found.scope.owner
        body = owner.body if isinstance(owner, t.Class) else found.scope.module.body
        alike = (s for s in body if isinstance(s, t.Function) and s.name == found.node.name)
        around = (s for s in alike if s.line <= place.line <= s.end_line)
        return Located(next(around, found.node), found.scope)  # routes may be called alike

    # --- functions

    def _asked(self, function: Located) -> Asked:
        """Who calls a function, near or far: whatever is in doubt, somebody who waits."""
        key = id(function.node)
        if key not in self._known:
            seen: set[int] = set()
            self._known[key] = told = self._search(function, seen)
            if told is Asked.NEVER:
                self._known |= dict.fromkeys(seen, told)
        return self._known[key]

    def _search(self, function: Located, seen: set[int]) -> Asked:
        told, started, fills, goes_on = Asked.NEVER, False, self._adds(function), False
        pending = [function]
        while pending:
            each = pending.pop()
            if id(each.node) in seen or self._known.get(id(each.node)) is Asked.NEVER:
                continue
            seen.add(id(each.node))
            if self._is_in_no_use(each) or self.unused.is_unawaited(each):
                continue  # whoever calls its methods by their names, he means others
            by = self._by_itself(each)
            if by is Asked.LIVE:
                return by
            fills |= bool(_FILLS.search(each.node.name))  # type: ignore[attr-defined]
            goes_on |= _loops(each) and not _alters(each)
            fills |= _alters(each) or (_empties(each) and self._adds(each))
            started |= by is Asked.FILLING and each.path not in self.by_hand.at_start
            told = max(told, by)
            for site in self.mentions.of(each) if by is Asked.NEVER else ():
                outer = self.code.enclosing(site.scope)
                if site.path in self.unused.modules or site.path in self.unrouted.left_out:
                    continue
                if id(site.node) in self.unrouted.shadowed.nodes:
                    continue
                call = self.mentions.call(site)
                if self.raising.never(site) or (call is not None and self.raising.refuses(call)):
                    continue
                if id(site.node) in self._by_the_clock or id(site.node) in self._registered:
                    return Asked.LIVE
                if outer is not None:
                    pending.append(outer)
                elif site.path in self.by_hand.at_start:
                    told = max(told, Asked.FILLING)
                elif site.path in self.by_hand.scripts:
                    told = max(told, Asked.BY_HAND)
                elif site.scope.owner is None and self.mentions.is_call(site):
                    told, started = Asked.FILLING, True
                else:
                    return Asked.LIVE
        return told if (fills and not goes_on) or not started else Asked.LIVE

    def _is_in_no_use(self, function: Located) -> bool:
        """Whether a function is a method of a backend, a view, what belongs to one, or an action to which nothing leads."""
        unused, unrouted = self.unused, self.unrouted
        leads = (unused.backend, unused.view, unrouted.view, unrouted.action)
        return any(named(function) for named in leads) or self._is_never_made(function)

    def _is_never_made(self, function: Located) -> bool:
        """Whether a function is a method of a class of which nothing that runs speaks, nor of its heirs: there is no object
        to call it on, whatever else has methods of its name."""
        owner, around = function.scope.owner, function.scope.parent
        if not isinstance(owner, t.Class) or around is None or around.owner is not None:
            return False
        if id(owner) not in self._idle:
            self._idle[id(owner)] = False  # while it is looked at: one of its own may make it
            self._idle[id(owner)] = self._is_idle(Located(owner, around))
        return self._idle[id(owner)]

    def _is_idle(self, found: Located) -> bool:
        if self.unused.finds_by_name or self.unused.made_up.may_be(found.path) or not self.is_plain(found, NAMED):  # fmt: skip
            return False
        heirs = self.code.heirs(found)
        if any(self._may_be_made(heir) for heir in heirs):
            return False
        bases = bases_of(heirs)
        return all(
            (outer := self.code.enclosing(site.scope)) and self._asked(outer) is Asked.NEVER
            for heir in heirs
            for site in self.unused.speaking(heir, bases)
        ) and self.unused.deployed.isdisjoint(heir.node.name for heir in heirs)  # type: ignore[attr-defined]

    def _may_be_made(self, found: Located) -> bool:
        """Whether a package may make objects of a class that nothing speaks of: by its base, a decorator, a method's."""
        if self.unused.is_seen(found) or self.code.imports("fire"):
            return True
        if found.path in self.raising.asked_in_vain:
            return True  # by a name that it had
        if self.unused.is_backend(found):
            return True  # by a name in a setting
        for name in self.code.ancestry(found):
            kind = self.code.definition(name)
            if kind is None:
                if name.partition(".")[0] in _MAPPERS:
                    return True
                continue
            methods = (s for s in kind.node.body if isinstance(s, t.Function))  # type: ignore[attr-defined]
            inner = self.code.inside(kind)
            if any(not only_wraps(self.code, d, inner) for s in methods for d in s.decorators):
                return True
        return False

    def _adds(self, function: Located) -> bool:
        """Whether a function adds what it did not find."""
        return self._adds_in(function.node.body, self.code.inside(function))  # type: ignore[attr-defined]

    def _adds_in(self, body: list[t.Stmt], scope: Scope) -> bool:
        calls = (n for n in t.walk_own(*body) if isinstance(n, t.Call))
        return any(
            t.last_word(call.func) in _ADDING and not self._is_in_memory(call.func, scope)
            for call in calls
        )

    def _is_in_memory(self, method: t.Expr, scope: Scope) -> bool:
        """Whether a method is one of a set or list of the program's own: `seen = set()`, `seen.add(row[0])`."""
        match method:
            case t.Attr(value=value):
                made = [x.node for x in self.application.values.sources(value, scope)]
                return bool(made) and all(map(_makes_a_collection, made))
        return False

    def _by_itself(self, function: Located) -> Asked:
        """What a function is called by that does not speak of it; `FILLING` is the start of the application."""
        if function.path in self.by_hand.scripts:
            return Asked.FILLING if function.path in self.by_hand.at_start else Asked.BY_HAND
        if self._is_start(function):
            return Asked.FILLING
        if self.unserved.why(function):
            return Asked.NEVER
        if id(function.node) in self._handlers:
            return Asked.LIVE
        if function.path in self.unused.modules or self.unused.is_left_out(function):
            return Asked.NEVER
        if calls_none(self.code, function):
            return Asked.NEVER
        if command := command_of(self.code, function):
            return Asked.BY_HAND if self.by_hand.is_errand(command) else Asked.LIVE
        return Asked.LIVE if self._is_called_by_name(function) else Asked.NEVER

    def _is_start(self, function: Located) -> bool:
        node = function.node
        assert isinstance(node, t.Function)
        if (
            id(node) in self._started
            or _MAKES.search(node.name)
            or node.name in ("lifespan", "main")
        ):
            return True
        return any(
            t.last_word(t.callee(d)) in _STARTS or _is_of_the_start(d) for d in node.decorators
        )

    @functools.cached_property
    def _started(self) -> frozenset[int]:
        return frozenset(id(f.node) for f in self.reach.started)

    @functools.cached_property
    def _registered(self) -> frozenset[int]:
        """Where a function is handed on to be called for what comes: `CommandHandler("add", add)`."""
        return frozenset(
            id(given)
            for site in self.code.all_calls()
            if _REGISTERS.search(t.last_word(site.node.func))
            and not _is_of_the_start(site.node)
            and not any(
                isinstance(x, t.Const) and x.value in ("startup", "shutdown")
                for x in site.node.args
            )
            for given in (*site.node.args, *(k.value for k in site.node.keywords))
            if isinstance(given, t.Name | t.Attr)
        )

    @functools.cached_property
    def _by_the_clock(self) -> frozenset[int]:
        """Where a scheduler is handed a function: `scheduler.add_job(func=check, trigger="interval")`."""
        sites = self.code.method_calls(*CLOCKS)
        return frozenset(
            id(given)
            for site in sites
            for given in (*site.node.args, *(k.value for k in site.node.keywords))
        )

    @functools.cached_property
    def _handlers(self) -> frozenset[int]:
        return frozenset(id(f.node) for f in self.reach.handlers)

    def _is_called_by_name(self, function: Located) -> bool:
        """Whether a framework may call it, or code that makes names up."""
        node = function.node
        assert isinstance(node, t.Function)
        if node.name.startswith("__") or self.mentions.built(node.name):
            return True
        if any(self._may_register(decorator, function) for decorator in node.decorators):
            return True
        named = {node.name, node.name.lower()} & (_HOOKS | self._interfaces)
        found = function.of_class
        if named and named <= STORING and found is not None and self.kept.is_kept(found):
            named = set()
        if node.name in _HOOKS & named:
            return True
        if found is None:
            return False
        if self.mentions.is_looked_up(function):
            return True
        if is_command_class(self.code, found):
            return False
        read = any(t.last_word(t.callee(d)) in _READ for d in node.decorators)
        if named and not read:
            return True
        if self._may_be_called_by_base(node.name, found):
            return True
        besides = ASKS_VIEWS if node.name not in OF_VIEWS else None
        if self._is_shown(function) or not self.is_plain(found, besides):
            return True
        handed = any(self.code.own_name(heir) in self._handed for heir in self.code.heirs(found))
        return handed and not node.name.startswith("_")

    def _may_be_called_by_base(self, name: str, found: Located) -> bool:
        """Whether a package calls methods of this name of what inherits from its classes."""
        above = {kind for heir in self.code.heirs(found) for kind in self.code.ancestry(heir)}
        return any(
            (name.startswith("_") or called.fullmatch(name)) and any(map(kind.fullmatch, above))
            for kind, called in _CALLING.items()
        )

    @functools.cached_property
    def _interfaces(self) -> set[str]:
        of_packages = (names for root, names in _OF_PACKAGES.items() if self.code.imports(root))
        return _INTERFACES.union(*of_packages)

    def _may_register(self, decorator: t.Expr, function: Located) -> bool:
        if only_wraps(self.code, decorator, function.scope):
            return False
        if self.unsent.is_task(decorator, function):
            return False
        return not self.unrouted.registers_nothing(decorator, function)

    def is_plain(self, found: Located, besides: re.Pattern[str] | None = None) -> bool:
        """Whether nothing that a class inherits from, or is mixed with, calls its methods by their names, but for
        packages' classes that `besides` tells."""
        return all(self._has_plain_bases(each, besides) for each in self.code.heirs(found))

    def _has_plain_bases(self, found: Located, besides: re.Pattern[str] | None) -> bool:
        owners = [self.code.definition(name) for name in self.code.ancestry(found)]
        for owner in owners:
            for base in owner.node.bases if owner and isinstance(owner.node, t.Class) else ():
                expr = base.value if isinstance(base, t.Item) else base
                name = self.code.name(expr, owner.scope)  # type: ignore[union-attr]
                known = name.partition(".")[0] in _PLAIN or self.code.definition(name) is not None
                known |= besides is not None and besides.search(name) is not None
                known |= any(kind.fullmatch(name) for kind in _CALLING)
                if not name or not known:
                    return False
        return True

    @functools.cached_property
    def _handed(self) -> frozenset[str]:
        """The classes of which an object is given to one of a package, which calls its methods by their names, though
        it asks for no base: `FastMCP("shop", auth_server_provider=Provider())`."""
        return frozenset(
            name.removesuffix("()")
            for site in self.code.all_calls()
            if self._is_of_a_package(site.node.func, site.scope)
            for given in (*site.node.args, *(k.value for k in site.node.keywords))
            if isinstance(given, t.Name | t.Attr | t.Call)
            and (name := self.code.name(given, site.scope)).endswith("()")
        )

    def _is_of_a_package(self, kind: t.Expr, scope: Scope) -> bool:
        """Whether a class is one of a package that may call what its objects are made with."""
        last = t.last_word(kind)
        if not last[:1].isupper() or last in INJECTS:
            return False
        name = self.code.name(kind, scope)
        root, dot, _ = name.partition(".")
        known = _PLAIN | sys.stdlib_module_names
        return bool(dot) and root not in known and self.code.definition(name) is None

    @functools.cached_property
    def mentions(self) -> Mentions:
        (mentions,) = self.application.facts(Mentions)
        return mentions

    def _is_shown(self, method: Located) -> bool:
        """Whether a template may ask what it shows for a method: what stands alone, or begins a path, is a name that it is
        given."""
        owners = self._shown.get(method.node.name, ())  # type: ignore[attr-defined]
        return any(not self.mentions.means_another(owner, method) for owner in owners)

    @functools.cached_property
    def _shown(self) -> dict[str, set[str]]:
        """The words by which the tree's templates may ask something, and what they ask, as far as it has a name."""
        tree = self.application.tree
        found: dict[str, set[str]] = defaultdict(set)
        for file in tree.files:
            if file.kind is not Kind.TEXT or not _TEMPLATE.search(file.path):
                continue
            for part in _INSIDE.findall(read(tree, file).decode("utf-8", "replace")[:_LONGEST]):
                for asked in _ASKED.finditer(_ADDRESS.sub("", part)):
                    owner, word, texts = asked.groups(default="")
                    for each in _WORD.findall(word or texts):
                        found[each].add(owner)
        return found


def _makes_a_collection(node: t.Node) -> bool:
    match node:
        case t.Call(func=t.Name(id="set" | "list")) | t.Seq() | t.Comp():
            return True
    return False


def _is_run(module: Module) -> bool:
    """Whether somebody runs a module: it asks whether it is the program, or for the arguments of the line."""
    if module.path.rpartition("/")[2] == "setup.py":
        return False
    asks = (s.value for s in module.body if isinstance(s, t.Assign | t.Do))
    return any(map(is_main_guard, module.body)) or any(
        isinstance(value, t.Call) and t.last_word(value.func) in ("parse_args", "parse_known_args")
        for value in asks
    )


def _is_of_the_start(call: t.Expr) -> bool:
    """Whether a handler is connected with a signal that is sent once: `post_migrate.connect(fill)`, `@receiver(post_migrate)`."""
    match call:
        case (
            t.Call(func=t.Attr(value=signal, name="connect")) | t.Attr(value=signal, name="connect")
        ):
            return t.last_word(signal) in _OF_THE_START
        case t.Call(func=func, args=[signal, *_]) if t.last_word(func) == "receiver":
            given = signal.items if isinstance(signal, t.Seq) else [signal]
            return all(t.last_word(each) in _OF_THE_START for each in given)
    return False


def _loops(function: Located) -> bool:
    """Whether a function goes round while something holds, as what works for ever does."""
    body = function.node.body  # type: ignore[attr-defined]
    return any(isinstance(node, t.While) for node in t.walk_own(*body))


def _alters(function: Located) -> bool:
    """Whether a function changes what tables are, as migrations do."""
    body = function.node.body  # type: ignore[attr-defined]
    texts = (n.value for n in t.walk_own(*body) if isinstance(n, t.Const))
    return any(isinstance(text, str) and _ALTERS.search(text) for text in texts)


def _empties(function: Located) -> bool:
    """Whether a function drops all tables there are, to begin anew."""
    body = function.node.body  # type: ignore[attr-defined]
    return any(isinstance(n, t.Call) and t.last_word(n.func) == "drop_all" for n in t.walk_own(*body))  # fmt: skip


def _text_of(function: Located) -> str:
    """What a function says of itself."""
    match function.node:
        case t.Function(body=[t.Do(value=t.Const(value=str(text))), *_]):
            return text
    return ""


@provides(Errands)
def errands(application: Application) -> list[Errands]:
    return [Errands(application)]


_TEMPLATE = re.compile(r"\.(?:x?html?|djhtml|jinja2?|j2|txt|mjml|xml|tex)$", re.I)
_INSIDE = re.compile(r"\{[{%][^{}]{0,300}[%}]\}")
_ADDRESS = re.compile(r"""(?:\burl_for\s*\(|%[-+]?\s*url\b)\s*(?:"[^"]*"|'[^']*')""")
_ASKED = re.compile(r"""(\w*)\s*\.\s*(?=(\w+))|(\bby\s+\w+|"[^"]*"|'[^']*')""")
"""`user.title`, `{% regroup users by title %}`, `users|map(attribute="title")`."""
_WORD = re.compile(r"\w+")
_LONGEST = 400_000
