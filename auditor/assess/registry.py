"""The rules there are: built in, from installed packages, and from paths on the command line."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

from auditor.assess.rule import SECTIONS, Rule


class RuleError(Exception):
    """A rule cannot be loaded; an audit with fewer rules than asked for would be a false one."""


def all_rules(paths: Sequence[Path] = (), only: Sequence[str] = ()) -> list[Rule]:
    """Every rule, by section and id. Raises RuleError, also for an id that is used twice.

    Where all that `only` names are built in, these alone are loaded.
    """
    rules: dict[str, Rule] = {}
    named = _named(only)
    for module in (*(named or (*_built_in(), *_installed())), *_given(paths)):
        for kind in _rules_in(module):
            rule = kind()
            if rule.id in rules:
                raise RuleError(f"two rules have the id {rule.id}")
            if rule.section not in SECTIONS:
                raise RuleError(f"rule {rule.id}: there is no section {rule.section!r}")
            rules[rule.id] = rule
    order = list(SECTIONS)
    return sorted(rules.values(), key=lambda rule: (order.index(rule.section), rule.id))


def _rules_in(module: ModuleType) -> Iterator[type[Rule]]:
    for _, kind in sorted(inspect.getmembers(module, inspect.isclass)):
        if (
            issubclass(kind, Rule)
            and kind.__module__ == module.__name__
            and not inspect.isabstract(kind)
        ):
            yield kind


def _built_in() -> Iterable[ModuleType]:
    return map(importlib.import_module, _modules())


def _modules() -> list[str]:
    package = importlib.import_module("auditor.rules")
    return [found.name for found in pkgutil.walk_packages(package.__path__, "auditor.rules.")]


def _named(only: Sequence[str]) -> list[ModuleType]:
    """The modules of built-in rules, each of which is called like its rule; none if one is not."""
    known = {name.rpartition(".")[2].replace("_", "-"): name for name in _modules()}
    wanted = sorted(set(only)) if known.keys() >= set(only) else []
    return [importlib.import_module(known[id_]) for id_ in wanted]


def _installed() -> Iterator[ModuleType]:
    from importlib.metadata import entry_points  # slow to import, and wanted here only

    for entry in sorted(entry_points(group="auditor.rules"), key=lambda entry: entry.name):
        try:
            yield entry.load()
        except Exception as error:
            raise RuleError(f"rule package {entry.name} cannot be loaded: {error}") from error


def _given(paths: Sequence[Path]) -> Iterator[ModuleType]:
    for path in paths:
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        if not path.exists() or not files:
            raise RuleError(f"{path}: no rules there")
        for number, file in enumerate(files):
            spec = importlib.util.spec_from_file_location(
                f"_given_rules_{number}_{file.stem}", file
            )
            if spec is None or spec.loader is None:
                raise RuleError(f"{file}: not a Python file")
            module = importlib.util.module_from_spec(spec)
            try:
                spec.loader.exec_module(module)
            except Exception as error:
                raise RuleError(f"{file}: cannot be loaded: {error}") from error
            yield module
