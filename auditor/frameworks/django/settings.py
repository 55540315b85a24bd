"""Django projects: which settings modules a tree has, and what each of them sets.

A project is found as Django finds it, by `DJANGO_SETTINGS_MODULE` in manage.py, wsgi.py, asgi.py or a
container's environment (https://docs.djangoproject.com/en/stable/topics/settings/); without that, by
the modules that bind ROOT_URLCONF or INSTALLED_APPS. Settings are often split: base, development,
production, with `from .base import *`. Each such variant is followed to its end, so that what it
sets is what it would set at run time, wherever the statement stands. Classes of
django-configurations are variants too.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import msgspec

from auditor.discover.environments import environment_of, environment_of_settings
from auditor.extract.python import tree as t
from auditor.libraries.logs import writes_json, writes_records
from auditor.link.application import Application, provides
from auditor.link.execution import Bound, Execution, Names
from auditor.link.layout import module_name
from auditor.link.scopes import Located, Module, Scope, place_of
from auditor.link.values import Evaluator, reads_settings
from auditor.model.deployment import Command
from auditor.model.operations import LogSetup
from auditor.model.places import Place, apart
from auditor.model.settings import FrameworkSetting, SettingDefinition
from auditor.model.values import Known, Setting, Value, possible

_VARIABLE = "DJANGO_SETTINGS_MODULE"
_MARKS = {"ROOT_URLCONF", "INSTALLED_APPS"}
_CONFIGURATION = "configurations.Configuration"


@dataclass(frozen=True)
class Variant:
    """One settings module (or class): its dotted name, its file, its environment, its names.

    `named` tells which files name it in DJANGO_SETTINGS_MODULE, by their stems (`wsgi`, `manage`).
    """

    name: str
    module: Module
    environment: str
    names: Names = field(repr=False)
    named: tuple[str, ...] = ()

    def get(self, name: str) -> Value | None:
        bound = self.names.get(name)
        return bound.value if bound else None

    def place(self, name: str) -> Place | None:
        bound = self.names.get(name)
        return bound.place if bound else None

    def known(self, name: str) -> Iterator[Any]:
        """Every plain value that a setting may have."""
        return (known.value for known in possible(self.get(name)))

    def text(self, name: str) -> str:
        return next((value for value in self.known(name) if isinstance(value, str)), "")

    def texts(self, name: str) -> list[str]:
        """The texts of a list in order, of all its possible values; None marks are left out."""
        found: dict[str, None] = {}
        for value in self.known(name):
            if isinstance(value, list):
                found |= dict.fromkeys(x for x in value if isinstance(x, str))
        return list(found)

    def always(self, name: str, item: str) -> bool:
        """Whether every possible value of a list holds an item."""
        lists = [value for value in self.known(name) if isinstance(value, list)]
        return bool(lists) and all(item in value for value in lists)


class DjangoProject(msgspec.Struct, frozen=True):
    """A project: `name` is its directory, as `WebApp.name`; `main` the variant that serves."""

    name: str
    main: Variant
    variants: tuple[Variant, ...]

    @property
    def place(self) -> Place:
        return self.main.place("ROOT_URLCONF") or Place(self.main.module.path, 1)


def uses_django(application: Application) -> bool:
    """Whether anything in the tree imports Django; what reads it may stop here if not."""
    return any(
        (node.module or node.names[0][0]).partition(".")[0] == "django"
        for node, _ in application.code.of_kind(t.Import)
        if not node.module.startswith(".")
    )


_GIVEN = re.compile(r"(?:--settings[= ]|DJANGO_SETTINGS_MODULE=)([\w.]+)")
"""How what a platform or container starts names its settings module."""


class _Pointer(msgspec.Struct, frozen=True):
    """A place that names a settings module."""

    target: str
    stem: str
    path: str


def _pointers(application: Application) -> Iterator[_Pointer]:
    code, values = application.code, application.values
    for site in code.method_calls("setdefault"):
        if values.text(site.arg(0), site.scope) == _VARIABLE:
            if target := values.text(site.arg(1), site.scope):
                yield _Pointer(target, PurePosixPath(site.path).stem, site.path)
    for assign, scope in code.of_kind(t.Assign):
        for target_of in assign.targets:
            if isinstance(target_of, t.Item) and isinstance(target_of.index, t.Const):
                if target_of.index.value == _VARIABLE:
                    if target := values.text(assign.value, scope):
                        path = scope.module.path
                        yield _Pointer(target, PurePosixPath(path).stem, path)
    for command in application.facts(Command):
        if command.environment not in ("development", "test", "example"):
            for told in _GIVEN.finditer(command.text):
                yield _Pointer(told[1], "environment", command.place.path)
    for setting in application.facts(SettingDefinition):
        if setting.name == _VARIABLE and setting.value:
            aside = setting.environment in ("development", "test", "example")
            stem = "developer" if aside else "environment"
            yield _Pointer(setting.value, stem, setting.place.path)


@dataclass
class _Finder:
    application: Application

    def __post_init__(self) -> None:
        self.code = self.application.code
        self.execution = Execution(self.application.values)
        self.named: dict[str, list[_Pointer]] = {}
        for pointer in _pointers(self.application):
            if module := self.located(pointer):
                self.named.setdefault(module.path, []).append(pointer)

    def located(self, pointer: _Pointer) -> Module | None:
        """The module that a dotted name means, seen from the file that names it, or anywhere."""
        tail = pointer.target.replace(".", "/")
        nearest = sorted(
            (m for m in self.code.modules.values() if _is(m.path, tail)),
            key=lambda m: (apart(m.path, pointer.path), m.path),
        )
        return nearest[0] if nearest else None

    def variants(self) -> list[Variant]:
        bases, starred = self._settings_modules()
        found = []
        configurations = self._configurations(bases)
        for path in bases:
            module = self.code.modules[path]
            classes = configurations.get(path, [])
            pointers = self.named.get(path, [])
            stems = tuple(p.stem for p in pointers)
            for each in classes:
                name = each.node.name  # type: ignore[attr-defined]
                environment = environment_of(_words(name))
                found.append(Variant(name, module, environment, self.execution.klass(each), stems))
            if classes or (path in starred and not pointers):
                continue
            names = {k: b for k, b in self.execution.module(module).items() if k.isupper()}
            if not names:
                continue
            dotted = pointers[0].target if pointers else module_name(path)
            found.append(Variant(dotted, module, _environment(path), names, stems))
        return found

    def _settings_modules(self) -> tuple[list[str], set[str]]:
        """Paths of settings modules, and of those that others import everything of."""
        paths = dict.fromkeys(self.named)
        for assign, scope in self.code.of_kind(t.Assign):
            if scope.owner is None or isinstance(scope.owner, t.Class):
                if any(isinstance(x, t.Name) and x.id in _MARKS for x in assign.targets):
                    if scope.owner is None or self._is_configuration(scope.owner, scope.parent):
                        paths[scope.module.path] = None
        if self._uses_configurations:
            paths |= {
                found.path: None
                for found in self.code.classes()
                if self._is_configuration(found.node, found.scope)  # type: ignore[arg-type]
            }
        imports = [
            (scope.module.path, module.path)
            for node, scope in self.code.of_kind(t.Import)
            if node.names == [("*", "")] and scope.owner is None
            if (module := self.code.module_of(node.module, scope)) is not None
        ]
        while more := [a for a, b in imports if b in paths and a not in paths]:
            paths |= dict.fromkeys(more)
        return list(paths), {b for a, b in imports if b in paths and a != b}

    def _is_configuration(self, node: t.Class, scope: Any) -> bool:
        return scope is not None and _CONFIGURATION in self.code.ancestry(Located(node, scope))

    def _configurations(self, paths: list[str]) -> dict[str, list[Located]]:
        """Classes of django-configurations that no other one inherits from, by their file."""
        if not self._uses_configurations:
            return {}
        classes = [
            Located(node, self.code.modules[path].scope)
            for path in paths
            for node in self.code.modules[path].body
            if isinstance(node, t.Class) and self._is_configuration(node, self.code.modules[path].scope)
        ]  # fmt: skip
        inherited = {name for each in classes for name in self.code.ancestry(each)[1:]}
        found: dict[str, list[Located]] = {path: [] for path in paths}
        for each in classes:
            if self.code.ancestry(each)[0] not in inherited:
                found[each.path].append(each)
        return found

    @functools.cached_property
    def _uses_configurations(self) -> bool:
        return any(
            node.module.partition(".")[0] == "configurations"
            or any(name.partition(".")[0] == "configurations" for name, _ in node.names)
            for node, _ in self.code.of_kind(t.Import)
        )


@provides(DjangoProject)
def projects(application: Application) -> Iterator[DjangoProject]:
    """One project for each root and URL configuration; test settings serve nobody."""
    if not uses_django(application):
        return
    groups: dict[tuple[str, str], list[Variant]] = {}
    for variant in _Finder(application).variants():
        if urls := variant.text("ROOT_URLCONF"):
            module = application.code.module_of(urls, variant.module.scope)
            root = _root(module.path if module else variant.module.path, urls)
            groups.setdefault((root, urls), []).append(variant)
    for (root, urls), variants in groups.items():
        serving = [v for v in variants if v.environment != "test" or v.named]
        aside = all(v.environment in ("development", "test") for v in variants)
        if aside and any(other != (root, urls) and other[0] == root for other in groups):
            continue  # URLs of a developer's own, beside those that serve
        if serving:
            main = min(serving, key=_rank)
            for name, bound in main.names.items():  # code reads them through django.conf
                application.values.named.setdefault(f"django.conf.settings.{name}", bound.value)
            yield DjangoProject(root, main, tuple(variants))


def _rank(variant: Variant) -> tuple[bool, ...]:
    """The variant that serves: named by the server's entry point, for production, named at all."""
    return (
        not ({"wsgi", "asgi", "environment"}.intersection(variant.named)),
        variant.environment != "production",
        not variant.named,
        variant.environment in ("development", "example", "test"),
    )


@provides(FrameworkSetting)
def django_settings(application: Application) -> Iterator[FrameworkSetting]:
    """Every name of every variant, with the value that it has at the variant's end."""
    for project in application.facts(DjangoProject):
        for variant in project.variants:
            for name, bound in variant.names.items():
                if name.isupper():
                    worth = _configured(name, bound)
                    yield FrameworkSetting(
                        "Django", project.name, name, worth, bound.place, variant.environment
                    )


@provides(LogSetup)
def logging_settings(application: Application) -> Iterator[LogSetup]:
    """Django hands LOGGING to `dictConfig` when it starts.

    https://docs.djangoproject.com/en/stable/ref/settings/#logging
    """
    for project in application.facts(DjangoProject):
        place = project.main.place("LOGGING")
        configured = [value for value in project.main.known("LOGGING") if isinstance(value, dict)]
        if place is not None and configured:
            yield LogSetup("LOGGING", any(map(writes_records, configured)), place, "start")
        else:
            yield from _made_elsewhere(application, project.main)


def _made_elsewhere(application: Application, main: Variant) -> Iterator[LogSetup]:
    """`LOGGING = get_logger_config(…)`, `from company.settings import LOGGING`: told by the texts of
    what makes it, unknown where that is not in the tree."""
    code, scope = application.code, main.module.scope
    place = main.place("LOGGING") or Place(main.module.path, 1)
    for binding in scope.bindings.get("LOGGING", ()):
        made = (
            code.defined(binding.value.func, scope) if isinstance(binding.value, t.Call) else None
        )
        if made is not None and isinstance(made.node, t.Function):
            texts = (n.value for n in t.walk_own(*made.node.body) if isinstance(n, t.Const))
            words = " ".join(text for text in texts if isinstance(text, str))
            yield LogSetup("LOGGING", writes_json(words), place, "start")
        elif isinstance(binding.value, t.Call):
            if t.last_word(binding.value.func) not in ("deepcopy", "copy", "dict"):
                yield LogSetup("LOGGING", None, place, "start")
        elif main.place("LOGGING") is None:
            yield LogSetup("LOGGING", None, place, "start")


def _configured(name: str, bound: Bound) -> Value:
    """`DEBUG = values.BooleanValue(True)` reads DJANGO_DEBUG, as django-configurations does."""
    match bound.value:
        case Setting(name="", default=default, place=place):
            return Setting(f"DJANGO_{name}", default, place)
    return bound.value


def _is(path: str, tail: str) -> bool:
    return any(
        path == f"{tail}{suffix}" or path.endswith(f"/{tail}{suffix}")
        for suffix in (".py", "/__init__.py")
    )


def _words(name: str) -> str:
    """`ProductionConfig` as `Production.Config`, so that its words can be told apart."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", ".", name)


def _environment(path: str) -> str:
    stem = PurePosixPath(path.removesuffix("/__init__.py")).stem
    return "" if re.fullmatch(r"defaults?", stem) else environment_of_settings(stem)


def _root(path: str, urls: str) -> str:
    """The directory that the project's modules are imported from; "." for the tree's root."""
    stem = f"/{path.removesuffix('.py').removesuffix('/__init__')}"
    tail = "/" + urls.replace(".", "/")
    root = stem.removesuffix(tail) if stem.endswith(tail) else str(PurePosixPath(stem).parent)
    return root.strip("/") or "."


def place_in(variant: Variant, name: str) -> Place:
    """Where a setting is given its value; the settings module where it is not."""
    return variant.place(name) or place_of(Located(variant.module.body[0], variant.module.scope))


REVERSED = "django.urls.reverse:"
"""What the paths of named URLs without parameters are kept under."""
_REVERSING = re.compile(
    r"django\.(?:urls(?:\.base)?\.reverse(?:_lazy)?|shortcuts\.resolve_url)\(\)$"
)


@reads_settings
def reversed_url(values: Evaluator, name: str, expr: t.Expr, scope: Scope) -> Value | None:
    """`reverse("login")`, where a URL has that name and takes no parameters."""
    if isinstance(expr, t.Call) and _REVERSING.match(name) and len(expr.args) == 1:
        if not expr.keywords and (told := values.text(expr.args[0], scope)):
            return values.named.get(f"{REVERSED}{told}")
    return None


@reads_settings
def asked_setting(values: Evaluator, name: str, expr: t.Expr, scope: Scope) -> Value | None:
    """`getattr(settings, "EXEMPT_URLS", [])`."""
    match expr:
        case t.Call(
            func=t.Name(id="getattr"), args=[owner, t.Const(value=str(setting)), *rest]
        ) if values.code.name(owner, scope) == "django.conf.settings":
            told = values.named.get(f"django.conf.settings.{setting}")
            return told or (values.value(rest[0], scope) if rest else None)
    return None


@reads_settings
def script_prefix(values: Evaluator, name: str, expr: t.Expr, scope: Scope) -> Value | None:
    """`get_script_prefix()` is "/" unless the server says otherwise."""
    if isinstance(expr, t.Call) and name == "django.urls.get_script_prefix()":
        return Known("/", place_of(Located(expr, scope)))
    return None
