"""What runs the code that creates indexes: the application's start, its routes, a program that a
deployment file starts, or what its operator runs as he runs migrations: a command of the application's own
command line, a script that the instructions name. A script that nothing names is run by nobody that could be seen.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

from auditor.discover import Kind
from auditor.discover.walk import read
from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.layout import ends
from auditor.link.names import Code
from auditor.link.reach import Reach, is_main_guard
from auditor.link.scopes import CallSite, Located, Module

_LARGEST = 200_000
_LONGEST = 2000
_MAX_DEPTH = 5
_FILES = re.compile(
    r"(?:\.ya?ml|\.sh|\.toml|\.json|\.tpl|dockerfile[^/]*|makefile|procfile|justfile|jenkinsfile)$",
    re.I,
)
_INSTRUCTIONS = re.compile(r"(?:^|/)(?:readme|install\w*|setup|deploy\w*|getting[_-]started)(?:\.(?:md|rst|txt|adoc))?$", re.I)  # fmt: skip
_COMMAND = re.compile(r"\bpython[\d.]*\s+(-m\s+)?([\w./-]+)")
_TOLD = re.compile(r"\.(?:md|rst|txt|adoc)$|(?:^|/)(?:readme|[\w.-]*cron(?:tab)?s?)$", re.I)
_AT = r"(?:\*|\d{1,2})(?:[-/,]\d{1,2})*"
_CLOCK = re.compile(
    rf"(?:^|[\s\"'`#])(?=[^\n]*\*)(?:{_AT}\s+){{4}}(?:{_AT}|[A-Za-z]{{3}}(?:[-,][A-Za-z]{{3}})*)(?=\s+\S)|@(?:hourly|daily|weekly|monthly)\s"
)
"""A line of a crontab: `*/5 * * * * python send.py`."""
_SPEAKS_OF_CLOCKS = re.compile(r"\bcron(?:tab|job)?s?\b|\btask scheduler\b|\bsystemd timer", re.I)
_NAMES = re.compile(r"manage\.py\s+(\w+)|\b(?!manage\.py)([\w-]+\.py)\b|-m\s+([\w.]+)")
_STARTS = re.compile(
    r"python|\buv\b|poetry|pipenv|command|entrypoint|\bcmd\b|\brun\b|exec|hook|script", re.I
)
_WORD = re.compile(r"[\w./-]+")
_MANAGEMENT = re.compile(r"(?:^|/)management/commands/\w+\.py$")
_CHAT = re.compile(r"(?:discord|nextcord|disnake|twitchio|telebot)\.")


class Running:
    """Tells what runs a place: start, handler, program, command, or nothing (empty)."""

    def __init__(self, application: Application) -> None:
        self.application, self.code = application, application.code
        (self.reach,) = application.facts(Reach)
        self._known: dict[int, str] = {}

    def of(self, site: Located, depth: int = 0) -> str:
        if how := self.reach.started_by(site):
            return how
        if self.programs is not None and self.programs.started_by(site):
            return "program"
        if self.instructed is not None and self.instructed.started_by(site):
            return "instructions"
        function = self.code.enclosing(site.scope)
        if function is None or depth > _MAX_DEPTH:
            return ""
        if command_of(self.code, function):
            return "command"
        key = id(function.node)
        if key not in self._known:
            self._known[key] = ""
            callers = list(self._callers(function))
            self._known[key] = self.of_any(callers, depth + 1)
            if callers and not self.reach.roots:  # of a framework that is not read
                self._known[key] = self._known[key] or "program"
        return self._known[key]

    def of_any(self, sites: Iterable[Located], depth: int = 0) -> str:
        """What runs the first of these places that anything runs."""
        return next((how for site in sites if (how := self.of(site, depth))), "")

    def _callers(self, function: Located) -> Iterator[Located]:
        """Calls of a function; of a method, also those on what nobody knows the type of."""
        yield from self.code.calls(self.code.own_name(function))
        own = function.scope
        if not isinstance(own.owner, t.Class) or own.parent is None:
            return
        name: str = function.node.name  # type: ignore[attr-defined]
        above = {f"{kind}.{name}" for kind in self.code.ancestry(Located(own.owner, own.parent))}
        for call in self.code.method_calls(name):
            if isinstance(call.node.func, t.Attr) and self._may_mean(call, above) and _takes(function, call):  # fmt: skip
                yield call

    def _may_mean(self, call: CallSite, above: set[str]) -> bool:
        """Whether a call may run a method in some run: on an object of no told class, or of one above."""
        assert isinstance(call.node.func, t.Attr)
        found = self.code.defined(call.node.func, call.scope)
        if found is not None:
            return self.code.own_name(found) in above
        owner = self.code.name(call.node.func.value, call.scope).removesuffix("()")
        return not owner or self.code.definition(owner) is not None

    @functools.cached_property
    def programs(self) -> Reach | None:
        """What the files that the deployment starts as programs run."""
        words = self.words(_FILES)
        roots = [m for m in self.code.modules.values() if words and self._named(m, words)]
        return self._started(roots)

    @functools.cached_property
    def instructed(self) -> Reach | None:
        """What the programs run that a README tells to run."""
        return self._started(self._told)

    @functools.cached_property
    def _told(self) -> list[Module]:
        """What a README tells to run: `python init_db.py`, `python -m scripts.indexes`."""
        told: set[str] = set()
        for line in self.lines(_INSTRUCTIONS):
            for dotted, name in _COMMAND.findall(line[:_LONGEST]):
                path = name.removeprefix("./")
                told.add(path.replace(".", "/") + ".py" if dotted else path)
        ends = tuple("/" + path for path in told if path.endswith(".py"))
        modules = self.code.modules.values()
        return [m for m in modules if ends and ("/" + m.path).endswith(ends)]

    @functools.cached_property
    def by_clock(self) -> frozenset[str]:
        """What lines of a crontab name, and lines of instructions that speak of one: files, dotted names, commands."""
        found: set[str] = set()
        for line in self.lines(_TOLD):
            line = line[:_LONGEST]
            if _CLOCK.search(line):
                found |= _words(line)
                continue
            for sentence in filter(_SPEAKS_OF_CLOCKS.search, re.split(r"[.;]\s", line)):
                found.update(name for names in _NAMES.findall(sentence) for name in names if name)
        for const, scope in self.code.of_kind(t.Const):
            if isinstance(const.value, str) and "*" in const.value and _CLOCK.search(const.value):
                texts = self._said_with(const, scope.module)
                found.update(word for text in texts for word in _words(text[:_LONGEST]))
        return frozenset(found)

    def _said_with(self, const: t.Const, module: Module) -> Iterator[str]:
        """The texts of the statement that a text stands in; the lines of one that a clock reads, of a longer one."""
        lines = str(const.value).splitlines()
        if len(lines) > 1:
            yield from filter(_CLOCK.search, lines)
            return
        for node, _ in self.code.nodes(module):
            if isinstance(node, t.Do | t.Assign | t.Return) and node.line <= const.line <= node.end_line:  # fmt: skip
                within = [n for n in t.walk_own(node) if isinstance(n, t.Const)]
                if any(n is const for n in within):
                    yield from (n.value for n in within if isinstance(n.value, str))

    def is_started(self, module: Module) -> bool:
        """Whether a file of deployment, instructions or a clock start a module as a program."""
        words = self.words(_FILES)
        named = bool(words) and self._named(module, words)
        return named or module in self._told or self.is_clocked(module.path)

    def is_clocked(self, path: str) -> bool:
        """Whether instructions tell a clock to run a file."""
        return _is_among(path, self.by_clock)

    def _started(self, roots: list[Module]) -> Reach | None:
        roots = [module for module in roots if module.path not in self.reach.modules]
        if not roots:
            return None
        found = Reach(self.code, roots)
        for module in roots:
            for stmt in module.body:
                if is_main_guard(stmt):
                    found.run_statement(stmt, module.scope)
        return found

    @staticmethod
    def _named(module: Module, words: frozenset[str]) -> bool:
        if not any(is_main_guard(stmt) or _runs(stmt) for stmt in module.body):
            return module.path.rpartition("/")[2] in words and any(map(_acts, module.body))
        return _is_among(module.path, words)

    def words(self, files: re.Pattern[str]) -> frozenset[str]:
        """The words of the lines of deployment files that may start something."""
        found: set[str] = set()
        for line in self.lines(files):
            if _STARTS.search(line):
                found |= _words(line[:_LONGEST])
        return frozenset(found)

    def lines(self, files: re.Pattern[str]) -> Iterator[str]:
        tree = self.application.tree
        for file in tree.files:
            if file.kind is not Kind.PYTHON and file.size < _LARGEST and files.search(file.path):
                yield from read(tree, file).decode("utf-8", "replace").splitlines()


def _words(line: str) -> set[str]:
    """The words of a line, of files only their names."""
    words = _WORD.findall(line)
    return {word.rpartition("/")[2] if word.endswith(".py") else word for word in words}


def _is_among(path: str, words: frozenset[str]) -> bool:
    name = path.removesuffix(".py").removesuffix("/__main__").replace("/", ".")
    by_name = "." in name and not words.isdisjoint(ends(name))
    return by_name or path.rpartition("/")[2] in words


def _takes(method: Located, call: CallSite) -> bool:
    """Whether a method takes as much as it is given: not `create_index(cls)` what the driver's own `create_index("name")` is."""
    assert isinstance(method.node, t.Function)
    params = method.node.params
    if any(p.kind == "args" for p in params) or any(isinstance(a, t.Star) for a in call.node.args):
        return True
    static = any(t.last_word(each) == "staticmethod" for each in method.node.decorators)
    return len(call.node.args) + (not static) <= sum(p.kind == "positional" for p in params)


def _runs(stmt: t.Stmt) -> bool:
    """`asyncio.run(main())`, without asking whether it is the program."""
    match stmt:
        case t.Do(value=t.Call(func=func) | t.Await(value=t.Call(func=func))):
            return t.last_word(func) in ("run", "run_until_complete", "run_forever", "main")
    return False


def _acts(stmt: t.Stmt) -> bool:
    """Whether a script does its work without a function: `for order in Order.objects.filter(…)`."""
    return isinstance(stmt, t.For | t.While | t.With) or (
        isinstance(stmt, t.Do) and isinstance(stmt.value, t.Call)
    )


@provides(Running)
def running(application: Application) -> list[Running]:
    return [Running(application)]


def command_of(code: Code, function: Located) -> str:
    """The name of the command that a function is: `@click.command()`, `@cli.command("index")`,
    `@app.cli.command()`, the `handle` of a management command; empty where it is none."""
    node = function.node
    assert isinstance(node, t.Function)
    own = function.of_class
    if own is not None:
        if node.name == "handle" and is_command_class(code, own):
            return function.path.rpartition("/")[2].removesuffix(".py")
    for decorator in node.decorators:
        named = t.callee(decorator)
        name = code.name(named, function.scope) or t.dotted(named)
        if name.endswith(".command") and not _CHAT.match(name):
            given = decorator.args[:1] if isinstance(decorator, t.Call) else []
            texts = [x.value for x in given if isinstance(x, t.Const) and isinstance(x.value, str)]
            return texts[0] if texts else node.name
    return ""


def is_command_class(code: Code, found: Located) -> bool:
    """Whether a class is a management command of Django."""
    kinds = code.ancestry(found)
    return _MANAGEMENT.search(found.path) is not None or any(k.endswith("BaseCommand") for k in kinds)  # fmt: skip
