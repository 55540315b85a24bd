"""Scripts and commands that somebody runs by hand: seeds, repairs, imports.

Work that is done by the clock or by a worker is none of them.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterator, Set

from auditor.discover import Role
from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.layout import module_name
from auditor.link.reach import Reach, is_main_guard, named_by
from auditor.link.scopes import Module
from auditor.model.web import WebApp
from auditor.stores.waiting.running import Running

_FOLDER_OF_SCRIPTS = re.compile(
    r"(?:^|/)(?:(?:\w+[-_])?scripts|script|tools?|bin|utilities|benchmarks?|writeups?|exploits?|scratch)/(?=(?:[^/]+/)*[^/]+\.py$)",
    re.I,
)
_MOST = 0.75
_FILLING = re.compile(
    r"(?:^|/)(?:\w+_)?(?:seed(?:s|er|ing)?|populate|migrate|backfill|reset|bootstrap)(?:_\w+)?\.py$"
)
_KEPT_ASIDE = re.compile(r"[\w ][-_. ](?:old|bak|backup|copy|orig|deprecated)\.py$", re.I)
"""What somebody keeps of an earlier version of a program."""
_ERRAND = re.compile(
    r"(?:^|/)(?:(?:add|adjust|assign|check|clean|cleanup|clear|convert|copy|count|create|debug|delete|deduplicate|dump"
    r"|drop|ensure|export|find|fix|generate|get|import|inspect|init|insert|link|list|load|make|manual|merge|move|print"
    r"|promote|purge|recreate|remove|rename|repair|restore|revert|sanitize|set|setup|show|test|truncate|update"
    r"|upgrade|upload|validate|verify|view|wipe|scratch)_\w+|\w+_(?:fix|repair|scratch)|scratch)\.py$"
)
"""Scripts that are called by what somebody does with them."""
_BY_CLOCK = re.compile(
    r"(?:^|_)(?:send|notif(?:y|ications?)|remind(?:ers?)?|expir(?:e|es|ed|y|ing)|overdue|due|daily|weekly|monthly|quarterly|yearly|annual"
    r"|nightly|hourly|periodic(?:ally)?|auto(?:matic(?:ally)?)?|cron|schedule[drs]?|sync|poll|worker|consumer?|listen(?:er)?|watch(?:er)?|serve|loop|process"
    r"|dispatch|deliver|retry|digest|escalate|monitor|refresh|renew|rotate|archive|old|stale|abandoned|sessions|tokens|metrics"
    r"|stat(?:istic)?s|rates|prices|newsletters?|reports?|fetch|crawl|scrape|queue)(?:_|$)|^(?:run|start|bot)$",
    re.I,
)
"""Commands whose names say that they are run again and again, whoever sets their clock."""
_SERVES = re.compile(
    r"(?:__)?(?:main|app|server|service|api|index|manage|wsgi|asgi|cli|agent|gateway|backend|bot)",
    re.I,
)
"""Names of programs that serve."""
_GOES_ON = re.compile(r"(?:^|_)(?:run|serve|forever|polling|listen|consum\w+|subscribe|schedule\w*|every|start\w*|sleep|add_job|main_?loop)(?:_|$)")  # fmt: skip
_ONCE = {"asyncio.run", "anyio.run", "trio.run", "subprocess.run", "loop.run_until_complete"}
_MENDS = re.compile(r"(?:fix|repair|correct|convert|dedup\w*|rename|debug)_")
"""Commands that put right what has gone wrong once, whatever it is: `fix_booking_prices`."""
_FILLS = re.compile(
    r"(?:^|_)(?:init|initial(?:i[sz]e)?|setup|seed(?:s|er|ing)?|populate|backfill|bootstrap|reset|demo|samples?|fixtures?|dummy|fake|superuser"
    r"|admin|migrate|load_?data)(?:_|$)",
    re.I,
)
"""Commands that fill a database, also where every deployment runs them: they add what is not there yet."""
_DEPLOYS = re.compile(
    r"(?:\.ya?ml|\.sh|\.toml|\.json|\.tpl|\.service|\.conf|\.cron|dockerfile[^/]*|procfile|jenkinsfile|cron[^/]*)$", re.I
)  # fmt: skip
"""Files that start what they name; what a Makefile names, somebody starts."""


class ByHand:
    """The scripts and commands of a tree of which nothing tells that a program or service runs them."""

    def __init__(self, application: Application) -> None:
        self.application, self.code = application, application.code
        (self.reach,) = application.facts(Reach)
        (self.running,) = application.facts(Running)

    def is_errand(self, command: str) -> bool:
        """Whether nothing tells that a command is run by the clock, or by what is deployed."""
        name = command.replace("-", "_")
        if _FILLS.search(name):
            return True
        by_clock = _BY_CLOCK.search(name) and not _MENDS.match(name)
        return not by_clock and not {name, command} & self._started

    @functools.cached_property
    def _started(self) -> frozenset[str]:
        """The words of what a deployment, a clock or the code itself starts."""
        called = (site.arg(0) for site in self.code.method_calls("call_command"))
        named = {x.value for x in called if isinstance(x, t.Const) and isinstance(x.value, str)}
        return self.running.words(_DEPLOYS) | self.running.by_clock | named

    @functools.cached_property
    def at_start(self) -> frozenset[str]:
        """Those of the scripts that the deployment runs: what fills a database before the application starts."""
        programs = self.running.programs if self.scripts else None
        return self.scripts & programs.modules.keys() if programs is not None else frozenset()

    @functools.cached_property
    def scripts(self) -> frozenset[str]:
        return self.errands | self.ending

    @functools.cached_property
    def errands(self) -> frozenset[str]:
        """What a folder or name tells to be run by hand."""
        modules = self.code.modules
        aside = {p for p in modules if p not in self.reach.modules or p in self._own_programs}
        filling = {path for path in aside if _FILLING.search(path)}
        scripts = {
            path
            for path in aside - filling
            if self._is_beside(path)
            or _KEPT_ASIDE.search(path)
            or path in self._for_django
            or (_ERRAND.search(path) and _starts(modules[path]))
        }
        return frozenset(filling | self._unstarted(scripts - self._used(scripts)))

    def _unstarted(self, paths: Set[str]) -> Set[str]:
        """Those that no file of deployment starts, and no clock."""
        programs = self.running.programs if paths else None
        started = programs.modules.keys() if programs is not None else frozenset[str]()
        return {path for path in paths - started if not self.running.is_clocked(path)}

    @functools.cached_property
    def ending(self) -> frozenset[str]:
        """Programs beside a web application that end by themselves, and that neither code nor instructions speak of."""
        if not self.reach.roots:
            return frozenset()
        instructed = self.running.instructed
        found = {
            path
            for path, module in self.code.modules.items()
            if path not in self.reach.modules
            and not (instructed is not None and path in instructed.modules)
            and any(map(is_main_guard, module.body))
            and stem(path) not in self._imported
            and not _BY_CLOCK.search(stem(path))
            and not _SERVES.match(stem(path))
            and not any(_goes_on(node) for node, _ in self.code.nodes(module))
        }
        return frozenset(self._unstarted(found))

    @functools.cached_property
    def _imported(self) -> frozenset[str]:
        """The words of what is imported."""
        return frozenset(word for node, _ in self.code.of_kind(t.Import) for word in spoken(node))

    def _is_beside(self, path: str) -> bool:
        """Whether a module lies in a folder of scripts: not where most of the program does."""
        found = _FOLDER_OF_SCRIPTS.search(path)
        return found is not None and self._share(path[: found.end()]) < _MOST

    @functools.cache  # noqa: B019 - lives as long as the audit of one tree
    def _share(self, folder: str) -> float:
        """How much of the modules lies in a folder."""
        modules = self.code.modules
        return sum(path.startswith(folder) for path in modules) / len(modules)

    @functools.cached_property
    def _for_django(self) -> frozenset[str]:
        """What sets Django up for itself, as its servers and commands never do."""
        return frozenset(
            site.scope.module.path
            for site in self.code.calls("django.setup")
            if not _BY_CLOCK.search(stem(site.scope.module.path))
        )

    @functools.cached_property
    def _own_programs(self) -> frozenset[str]:
        """What makes an application for itself, and is imported by nothing: `app = create_app()` of a repair."""
        declaring = {app.place.path for app in self.application.facts(WebApp)}
        return frozenset(
            module.path
            for module in self.reach.roots
            if module.path not in declaring and stem(module.path) not in self._imported
        )

    def _used(self, scripts: set[str]) -> set[str]:
        """Those of these files that other code imports which is no script itself: a worker's, a job's."""
        sources = (
            {f.path for f in self.application.tree.files if f.role is Role.SOURCE} if scripts else set()
        )  # fmt: skip
        stems = {stem(path) for path in scripts}
        found: set[str] = set()
        handed_on: dict[str, set[str]] = defaultdict(set)
        for node, scope in self.code.of_kind(t.Import) if scripts else ():
            path = scope.module.path
            if path not in sources or stems.isdisjoint(spoken(node)):
                continue
            imported = {module.path for module in named_by(self.code, node, scope)} & scripts
            if path in scripts or self._is_beside(path) or _ERRAND.search(path):
                handed_on[path] |= imported
            else:
                found |= imported
        pending = list(found)
        while pending:  # `tools/__init__.py` of a program, which imports what lies beside it
            pending += (more := handed_on.pop(pending.pop(), set()) - found)
            found |= more
        return found


def _goes_on(node: t.Node) -> bool:
    """Whether something goes round while a condition holds, waits, or hands itself to what serves: `bot.start()`."""
    if isinstance(node, t.Call):
        return (
            _GOES_ON.search(t.last_word(node.func)) is not None and t.dotted(node.func) not in _ONCE
        )
    return isinstance(node, t.While)


def stem(path: str) -> str:
    """The name that a module is imported by."""
    return module_name(path).rpartition(".")[2]


def spoken(node: t.Import) -> Iterator[str]:
    """The names of the modules that an import may name."""
    yield from node.module.split(".")
    for name, _ in node.names:
        yield from name.split(".")


def _starts(module: Module) -> bool:
    """Whether a module does something by itself, and is no part of something else."""
    calls = (s for s in module.body if isinstance(s, t.Do | t.For | t.With | t.Try))
    return any(map(is_main_guard, module.body)) or any(not _is_text(s) for s in calls)


def _is_text(stmt: t.Stmt) -> bool:
    return isinstance(stmt, t.Do) and isinstance(stmt.value, t.Const)
