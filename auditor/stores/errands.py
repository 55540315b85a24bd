"""What nobody waits for: scripts and commands that somebody runs by hand, and code that nothing calls.

Their queries are told, and ask for no index: it would cost every write, for what is seldom or never
asked. Work that is done by the clock or by a worker is no errand, and whatever might be called is called.
"""

from __future__ import annotations

import enum
import functools
import re
from collections import defaultdict

from auditor.discover import Kind, Role
from auditor.discover.walk import read
from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.mentions import Mentions
from auditor.link.reach import Reach, imported, is_main_guard
from auditor.link.scopes import Located, Module
from auditor.model.places import Place
from auditor.stores.running import Running, command_of, is_command_class

_FOLDER_OF_SCRIPTS = re.compile(
    r"(?:^|/)(?:scripts?|tools?|bin|utilities|benchmarks?)/(?:[^/]+/)*[^/]+\.py$", re.I
)
_FILLING = re.compile(
    r"(?:^|/)(?:\w+_)?(?:seed(?:s|er|ing)?|populate|migrate|backfill|reset|bootstrap)(?:_\w+)?\.py$"
)
_ERRAND = re.compile(
    r"(?:^|/)(?:add|adjust|assign|check|clean|cleanup|clear|convert|copy|count|create|debug|delete|deduplicate|dump"
    r"|drop|export|find|fix|generate|get|import|inspect|init|insert|link|list|load|make|manual|merge|move|print"
    r"|promote|purge|recreate|remove|rename|repair|restore|revert|sanitize|set|setup|show|test|truncate|update"
    r"|upgrade|upload|validate|verify|view|wipe)_\w+\.py$"
)
"""Scripts that are called by what somebody does with them."""
_BY_CLOCK = re.compile(
    r"(?:^|_)(?:send|notif(?:y|ications?)|remind(?:ers?)?|expir(?:e|es|ed|y|ing)|overdue|due|daily|weekly|monthly|nightly|hourly"
    r"|periodic(?:ally)?|cron|schedule[drs]?|sync|poll|worker|consumer?|listen(?:er)?|watch(?:er)?|serve|loop|process|dispatch"
    r"|deliver|retry|digest|escalate|monitor|refresh|renew|rotate|archive|old|stale|abandoned|sessions|tokens|metrics"
    r"|stat(?:istic)?s|rates|prices|newsletters?|reports?|fetch|crawl|scrape|queue)(?:_|$)|^(?:run|start|bot)$",
    re.I,
)
"""Commands whose names say that they are run again and again, whoever sets their clock."""


_FILLS = re.compile(
    r"(?:^|_)(?:init|initial(?:i[sz]e)?|setup|seed(?:s|er|ing)?|populate|backfill|bootstrap|reset|demo|samples?|fixtures?|dummy|fake|superuser"
    r"|admin|migrate|load_?data)(?:_|$)",
    re.I,
)
"""Commands that fill a database, also where every deployment runs them: they add what is not there yet."""


class _Asked(enum.IntEnum):
    NEVER = 0
    BY_HAND = 1
    LIVE = 2


_DEPLOYS = re.compile(
    r"(?:\.ya?ml|\.sh|\.toml|\.json|\.tpl|\.service|\.conf|\.cron|dockerfile[^/]*|procfile|jenkinsfile|cron[^/]*)$",
    re.I,
)
"""Files that start what they name; what a Makefile names, somebody starts."""
_WRAPPING = {
    "staticmethod", "classmethod", "property", "cached_property", "abstractmethod", "override", "overload", "contextmanager",
    "asynccontextmanager", "lru_cache", "cache", "atomic", "transactional", "wraps", "sync_to_async", "database_sync_to_async",
}  # fmt: skip
"""Decorators that register nothing."""
_PLAIN = {
    "", "builtins", "abc", "typing", "typing_extensions", "enum", "dataclasses", "collections", "pydantic", "sqlalchemy", "sqlmodel",
    "flask_sqlalchemy", "mongoengine", "flask_mongoengine", "beanie", "bunnet", "odmantic", "peewee", "tortoise",
}  # fmt: skip
"""Packages whose classes call no method of those that inherit from them but by decorators and `__names__`."""
_HOOKS = {
    "clean", "save", "delete", "get_id", "is_active", "is_authenticated", "is_anonymous", "handle", "handler", "lambda_handler", "main",
    "application", "lifespan",
}  # fmt: skip
"""Names by which models, function services and servers call what is theirs."""


class Errands:
    """Tells why nobody waits for what is asked at a place; nothing where somebody may."""

    def __init__(self, application: Application) -> None:
        self.application, self.code = application, application.code
        (self.reach,) = application.facts(Reach)
        self._known: dict[int, _Asked] = {}

    def why(self, place: Place) -> str:
        if place.path in self.scripts:
            return "only a script that is run by hand asks it"
        function = self._function(place)
        if function is None or not self.reach.roots:
            return ""
        match self._asked(function):
            case _Asked.BY_HAND:
                return "only a command that is run by hand asks it"
            case _Asked.NEVER:
                return f"nothing calls {place.symbol.rpartition('.')[2]}, which asks it"
        return ""

    def _function(self, place: Place) -> Located | None:
        found = self.code.definition(f"{place.path}:{place.symbol}") if place.symbol else None
        return found if found is not None and isinstance(found.node, t.Function) else None

    # --- functions

    def _asked(self, function: Located) -> _Asked:
        """Who calls a function, near or far: whatever is in doubt, somebody who waits."""
        key = id(function.node)
        if key not in self._known:
            seen: set[int] = set()
            self._known[key] = told = self._search(function, seen)
            if told is _Asked.NEVER:
                self._known |= dict.fromkeys(seen, told)
        return self._known[key]

    def _search(self, function: Located, seen: set[int]) -> _Asked:
        told, pending = _Asked.NEVER, [function]
        while pending:
            each = pending.pop()
            if id(each.node) in seen:
                continue
            seen.add(id(each.node))
            by = self._known.get(id(each.node)) or self._by_itself(each)
            if by is _Asked.LIVE:
                return by
            told = max(told, by)
            for scope in self.mentions.of(each) if by is _Asked.NEVER else ():
                outer = self.code.enclosing(scope)
                if outer is not None:
                    pending.append(outer)
                elif scope.module.path in self.scripts:
                    told = _Asked.BY_HAND
                else:
                    return _Asked.LIVE
        return told

    def _by_itself(self, function: Located) -> _Asked:
        """What a function is called by that does not speak of it."""
        if function.path in self.scripts:
            return _Asked.BY_HAND
        if id(function.node) in self._roots:
            return _Asked.LIVE
        if command := command_of(self.code, function):
            return _Asked.BY_HAND if self._is_errand(command) else _Asked.LIVE
        return _Asked.LIVE if self._is_called_by_name(function) else _Asked.NEVER

    @functools.cached_property
    def _roots(self) -> frozenset[int]:
        return frozenset(id(f.node) for f in (*self.reach.started, *self.reach.handlers))

    def _is_called_by_name(self, function: Located) -> bool:
        """Whether a framework may call it, or code that makes names up."""
        node = function.node
        assert isinstance(node, t.Function)
        if node.name.startswith("__") or node.name in _HOOKS or self.mentions.built(node.name):
            return True
        if any(t.last_word(t.callee(d)) not in _WRAPPING for d in node.decorators):
            return True
        owner = function.scope.owner
        if not isinstance(owner, t.Class) or function.scope.parent is None:
            return False
        found = Located(owner, function.scope.parent)
        if is_command_class(self.code, found):
            return False
        return node.name in self._shown or not self._is_plain(found)

    def _is_plain(self, found: Located) -> bool:
        """Whether nothing that a class inherits from, or is mixed with, calls its methods by their names."""
        heirs = self._heirs.get(self.code.own_name(found), [found])
        return all(self._has_plain_bases(each) for each in heirs)

    def _has_plain_bases(self, found: Located) -> bool:
        owners = [self.code.definition(name) for name in self.code.ancestry(found)]
        for owner in owners:
            for base in owner.node.bases if owner and isinstance(owner.node, t.Class) else ():
                expr = base.value if isinstance(base, t.Item) else base
                name = self.code.name(expr, owner.scope)  # type: ignore[union-attr]
                known = name.partition(".")[0] in _PLAIN or self.code.definition(name) is not None
                if not name or not known:
                    return False
        return True

    @functools.cached_property
    def _heirs(self) -> dict[str, list[Located]]:
        """Every class by the names of those it inherits from, its own included."""
        found: dict[str, list[Located]] = defaultdict(list)
        for each in self.code.classes():
            for name in self.code.ancestry(each):
                found[name].append(each)
        return found

    @functools.cached_property
    def mentions(self) -> Mentions:
        return Mentions(self.code)

    @functools.cached_property
    def _shown(self) -> frozenset[str]:
        """The words of the tree's templates, which name methods of what they show."""
        tree = self.application.tree
        return frozenset(
            word
            for file in tree.files
            if file.kind is Kind.TEXT and _TEMPLATE.search(file.path)
            for part in _INSIDE.findall(read(tree, file).decode("utf-8", "replace")[:_LONGEST])
            for word in _WORD.findall(part)
        )

    # --- commands

    def _is_errand(self, command: str) -> bool:
        """Whether nothing tells that a command is run by the clock, or by what is deployed."""
        name = command.replace("-", "_")
        if _FILLS.search(name):
            return True
        return not _BY_CLOCK.search(name) and not {name, command} & self._started

    @functools.cached_property
    def _started(self) -> frozenset[str]:
        """The words of what a deployment, a clock or the code itself starts."""
        called = (site.arg(0) for site in self.code.method_calls("call_command"))
        named = {x.value for x in called if isinstance(x, t.Const) and isinstance(x.value, str)}
        return Running(self.application).words(_DEPLOYS) | named

    # --- scripts

    @functools.cached_property
    def scripts(self) -> frozenset[str]:
        """The files that are scripts of which nothing tells that a program or service runs them."""
        modules = self.code.modules
        aside = {path for path in modules if path not in self.reach.modules}
        filling = {path for path in aside if _FILLING.search(path)}
        scripts = {
            path
            for path in aside - filling
            if _FOLDER_OF_SCRIPTS.search(path) or (_ERRAND.search(path) and _starts(modules[path]))
        }
        scripts -= self._used(scripts)
        programs = Running(self.application).programs if scripts else None
        return frozenset(filling | {p for p in scripts if programs is None or p not in programs.modules})  # fmt: skip

    def _used(self, scripts: set[str]) -> set[str]:
        """Those of these files that other code imports which is no script itself: a worker's, a job's."""
        sources = (
            {f.path for f in self.application.tree.files if f.role is Role.SOURCE} if scripts else set()
        )  # fmt: skip
        return {
            module.path
            for path, importer in self.code.modules.items()
            if path in sources and not _FOLDER_OF_SCRIPTS.search(path) and not _ERRAND.search(path)
            for module in imported(self.code, importer)
            if module.path in scripts
        }


_TEMPLATE = re.compile(r"\.(?:x?html?|jinja2?|j2|txt|mjml)$", re.I)
_INSIDE = re.compile(r"\{[{%][^{}]{0,300}[%}]\}")
_WORD = re.compile(r"\w+")
_LONGEST = 400_000


def _starts(module: Module) -> bool:
    """Whether a module does something by itself, and is no part of something else."""
    calls = (s for s in module.body if isinstance(s, t.Do | t.For | t.With | t.Try))
    return any(map(is_main_guard, module.body)) or any(not _is_text(s) for s in calls)


def _is_text(stmt: t.Stmt) -> bool:
    return isinstance(stmt, t.Do) and isinstance(stmt.value, t.Const)
