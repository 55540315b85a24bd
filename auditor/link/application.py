"""The application: the model linked from the facts of all files.

`Application.facts(Kind)` gives every fact of a kind. Facts are provided by functions registered
with `provides(Kind)` in the modules that know a framework, a library, a store or a platform; each
kind is computed once, when first asked for. Adding a framework or a kind of fact touches no list.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import importlib
import logging
import pkgutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from auditor.discover import Kind, Role, SourceFile, Tree
from auditor.extract.facts import Fact, Unread
from auditor.extract.pipeline import Extraction
from auditor.model.places import Place

if TYPE_CHECKING:
    from auditor.advisories.lookup import Lookup
    from auditor.extract.history import History
    from auditor.extract.zizmor import Inspection
    from auditor.link.names import Code
    from auditor.link.values import Evaluator
    from auditor.model.values import Value

log = logging.getLogger(__name__)

T = TypeVar("T")
F = TypeVar("F", bound=Fact)
Provider = Callable[["Application"], Iterable[Any]]

_PROVIDERS: dict[type, list[Provider]] = defaultdict(list)
_KNOWLEDGE = ("frameworks", "stores", "libraries", "platforms", "ecosystems")


def provides(kind: type[T]) -> Callable[[Callable[[Application], Iterable[T]]], Any]:
    """Register a function that finds all facts of `kind` in an application."""

    def register(provider: Callable[[Application], Iterable[T]]) -> Any:
        _PROVIDERS[kind].append(provider)
        return provider

    return register


@functools.cache
def load_knowledge() -> None:
    """Import every module that knows a framework, store, library or platform, in name order."""
    for folder in _KNOWLEDGE:
        package = importlib.import_module(f"auditor.{folder}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)


def load_leaks() -> None:
    """Import what tells leaked secrets, for which nothing needs to be known."""
    importlib.import_module("auditor.platforms.leaks")


@dataclass
class Watch:
    """What an answer rested on."""

    code: bool = False


@dataclass
class Application:
    """Everything known of the repository under audit."""

    tree: Tree
    extraction: Extraction
    _lookup: Lookup | None = None
    today: datetime.date = field(
        default_factory=lambda: datetime.datetime.now(datetime.timezone.utc).date()
    )
    """The day of the audit, for what ends on a day."""
    history: History | None = None
    """The git history, where it was asked for."""
    inspection: Inspection | None = None
    """What zizmor says of the workflows, where it was asked."""
    _facts: dict[type, tuple[Any, ...]] = field(default_factory=dict)
    _from_code: dict[type, bool] = field(default_factory=dict)
    _watches: list[Watch] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.texts_only:
            load_leaks()
        else:
            load_knowledge()

    @property
    def texts_only(self) -> bool:
        """Whether nothing but the text of files was read, because nothing else was asked for."""
        return self.extraction.texts_only

    @functools.cached_property
    def lookup(self) -> Lookup:
        """Where advisories on dependencies come from: the one thing that lies outside of the tree."""
        from auditor.advisories.lookup import Lookup

        return self._lookup or Lookup()

    # --- for rules, inventories and reports

    def facts(self, kind: type[T]) -> tuple[T, ...]:
        """All facts of a kind, in stable order."""
        if kind not in self._facts:
            self._facts[kind] = ()  # a provider that asks for its own kind sees none yet
            try:
                with self.watching() as watch:
                    found = [fact for provider in _PROVIDERS[kind] for fact in provider(self)]
            except BaseException:
                del self._facts[kind]  # a failure must not be taken for an empty answer later
                raise
            self._facts[kind] = tuple(found)
            self._from_code[kind] = watch.code
        if self._from_code.get(kind):
            self._touch_code()
        return cast("tuple[T, ...]", self._facts[kind])

    def attempt(self, kind: type[T]) -> tuple[tuple[T, ...], str]:
        """All facts of a kind, or why they cannot be told: what a failure of ours leaves of a report."""
        try:
            return self.facts(kind), ""
        except Exception as error:
            log.warning("%s: %s", kind.__name__, error, exc_info=log.isEnabledFor(logging.DEBUG))
            return (
                (),
                f"asking for {kind.__name__} failed ({type(error).__name__}): please report it",
            )

    def aside(self, kind: type[T]) -> tuple[T, ...]:
        """The same for what is only mentioned: the answer does not rest on it."""
        watches, self._watches = self._watches, []
        try:
            return self.facts(kind)
        finally:
            self._watches = watches

    @contextlib.contextmanager
    def watching(self) -> Iterator[Watch]:
        """Whether what happens inside rests on the Python code of the tree."""
        watch = Watch()
        self._watches.append(watch)
        try:
            yield watch
        finally:
            self._watches.pop()

    def _touch_code(self) -> None:
        for watch in self._watches:
            watch.code = True

    @functools.cached_property
    def unread(self) -> tuple[tuple[str, Unread], ...]:
        """Files that no extractor could read, with the reason."""
        return tuple((file.path, fact) for file, fact in self.of(Unread, *Role))

    @functools.cached_property
    def root_place(self) -> Place:
        """Where to point when a control is absent and no file is closer: the first source file."""
        source = [f.path for f in self.tree.files if f.role is Role.SOURCE]
        return Place((source or [f.path for f in self.tree.files] or ["."])[0], 1)

    # --- for the modules that know frameworks

    def of(self, kind: type[F], *roles: Role) -> Iterator[tuple[SourceFile, F]]:
        """Extracted facts of a kind with their files; of source files unless roles are named."""
        wanted = roles or (Role.SOURCE,)
        facts = self.extraction.late_facts if kind.late else self.extraction.facts
        if kind.parsed:
            self._touch_code()
        for file in self.tree.files:
            if file.role in wanted:
                for fact in facts.get(file.path, ()):
                    if isinstance(fact, kind):
                        yield file, fact

    def files(self, *kinds: Kind) -> Iterator[SourceFile]:
        return (f for f in self.tree.files if f.kind in kinds)

    @property
    def values(self) -> Evaluator:
        """The Python of all source files; tests, examples, documentation and what no import loads are left out."""
        self._touch_code()
        return self._values

    @functools.cached_property
    def _values(self) -> Evaluator:
        from auditor.extract.python.syntax import Syntax
        from auditor.link.names import Code
        from auditor.link.scopes import Module
        from auditor.link.unloaded import unloaded
        from auditor.link.values import Evaluator

        bodies = {file.path: syntax.body for file, syntax in self.of(Syntax)}
        left = unloaded(bodies)
        code = Code(Module(path, body) for path, body in bodies.items() if path not in left)
        return Evaluator(code, switches=self._switches())

    def _switches(self) -> dict[tuple[str, str], Value]:
        """What the INI files of the tree, those of other environments left out, agree on."""
        from auditor.discover.environments import environment_of_file
        from auditor.extract.readers.ini_switches import IniSwitch
        from auditor.model.values import Known

        said: dict[tuple[str, str], dict[bool, Known]] = defaultdict(dict)
        for file, switch in self.of(IniSwitch):
            if environment_of_file(file.path) in ("", "production"):
                place = Place(file.path, switch.line)
                said[switch.section, switch.option].setdefault(switch.on, Known(switch.on, place))
        return {key: found.popitem()[1] for key, found in said.items() if len(found) == 1}

    @property
    def code(self) -> Code:
        return self.values.code
