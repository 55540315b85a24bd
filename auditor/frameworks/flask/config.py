"""Flask's configuration: what is put into `app.config`, wherever and however.

https://flask.palletsprojects.com/en/stable/config/: single keys, `update`, `from_mapping`,
`from_object` with a class, a module or its dotted name, `from_pyfile`, and the attributes of the
application that stand for keys. `app.run(debug=…)` is given under the name `run(debug)`.
"""

from __future__ import annotations

import re
import weakref
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from auditor.discover.environments import environment_of
from auditor.extract.python import tree as t
from auditor.frameworks.flask.apps import FlaskApps, is_app_name, uses_flask
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import CallSite, Located, Module, Scope, argument, named, place_of
from auditor.link.values import Evaluator, reads_settings
from auditor.model.places import Place
from auditor.model.settings import FrameworkSetting
from auditor.model.values import Known, OneOf, Setting, Value

_ATTRIBUTES = {
    "secret_key": "SECRET_KEY",
    "debug": "DEBUG",
    "testing": "TESTING",
    "permanent_session_lifetime": "PERMANENT_SESSION_LIFETIME",
    "send_file_max_age_default": "SEND_FILE_MAX_AGE_DEFAULT",
    "session_cookie_name": "SESSION_COOKIE_NAME",
    "use_x_sendfile": "USE_X_SENDFILE",
}
_LOADERS = {"from_object", "from_mapping", "from_pyfile", "update", "setdefault"}
_OUTSIDE = {
    "from_envvar",
    "from_prefixed_env",
    "from_pyfile",
    "from_file",
    "from_json",
    "from_toml",
}
_CONFIGURATION = re.compile(r"(?:^|\.)config$")
_CONFIG_MODULE = re.compile(r"(?:^|/)(?:\w*_)?(?:config|settings|configuration)(?:/__init__)?\.py$")
_KEY = re.compile(r"[A-Z][A-Z0-9_]*")
_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def environment_of_class(name: str) -> str:
    """The environment that a class's name speaks of: `ProductionConfig`, `DevelopmentSettings`."""
    return _environment(_WORD_ENDS.sub("_", name))


def _environment(name: str) -> str:
    """As files are named, except that a default is no example here: it holds everywhere."""
    told = environment_of(name)
    return "" if told == "example" else told


class _Entry(msgspec.Struct, frozen=True, eq=False):
    """One key's value, with the expression that gives it."""

    name: str
    value: Located
    place: Place
    environment: str


_E = TypeVar("_E", _Entry, FrameworkSetting)


@dataclass
class _Configuration:
    """All that the tree puts into the configuration of its applications."""

    values: Evaluator
    entries: dict[str, list[_Entry]] = field(default_factory=lambda: defaultdict(list))
    outside: bool = False
    """Whether something outside of the code fills it too."""

    def __post_init__(self) -> None:
        self.code = self.values.code
        self._seen: set[tuple[str, int, int, str]] = set()
        self._modules: set[str] = set()
        for assign, scope in self.code.of_kind(t.Assign):
            if assign.value is not None and not assign.op:
                for target in assign.targets:
                    self._assigned(target, Located(assign.value, scope))
        for site in self.code.method_calls(*sorted(_LOADERS | _OUTSIDE)):
            if isinstance(site.node.func, t.Attr):
                if is_configuration(self.code, site.node.func.value, site.scope):
                    self._loaded(site, site.node.func.name)
        for site in self.code.method_calls("run"):
            if isinstance(site.node.func, t.Attr) and (debug := site.arg(2, "debug")) is not None:
                if _is_app(self.code, site.node.func.value, site.scope):
                    self._add("run(debug)", Located(debug, site.scope), "")

    def _add(self, name: str, value: Located, environment: str) -> None:
        at = (*value.key, name)
        if at not in self._seen:
            self._seen.add(at)
            entry = _Entry(name, value, place_of(value), environment)
            self.entries[name].append(entry)

    def _assigned(self, target: t.Expr, value: Located) -> None:
        match target:
            case t.Item(value=base, index=index):
                if is_configuration(self.code, base, value.scope):
                    if key := self.values.text(index, value.scope):
                        self._add(key, value, "")
            case t.Attr(value=base, name=name) if name in _ATTRIBUTES:
                if _is_app(self.code, base, value.scope):
                    self._add(_ATTRIBUTES[name], value, "")

    def _loaded(self, site: CallSite, how: str) -> None:
        self.outside |= how in _OUTSIDE
        match how:
            case "from_object":
                self._from_object(site.arg(0, "obj"), site.scope)
            case "from_pyfile":
                self._from_file(self.values.text(site.arg(0, "filename"), site.scope) or "")
            case "setdefault":
                key = self.values.text(site.arg(0), site.scope)
                if key and (value := site.arg(1)) is not None:
                    self._add(key, Located(value, site.scope), "")
            case "update" | "from_mapping":
                self._keywords(site.node, site.scope)
                for given in site.node.args:
                    self._mapping(given, site.scope)

    def _keywords(self, call: t.Call, scope: Scope) -> None:
        for keyword in call.keywords:
            if keyword.name is None:
                self._mapping(keyword.value, scope)
            else:
                self._add(keyword.name, Located(keyword.value, scope), "")

    def _mapping(self, expr: t.Expr, scope: Scope) -> None:
        for source in self.values.sources(expr, scope):
            match source.node:
                case t.Map(keys=keys, values=values):
                    for key, value in zip(keys, values, strict=True):
                        if key is None:
                            self._mapping(value, source.scope)
                        elif name := self.values.text(key, source.scope):
                            self._add(name, Located(value, source.scope), "")
                case t.Call(func=t.Name(id="dict")) as call:
                    self._keywords(call, source.scope)

    # --- from_object

    def _from_object(self, expr: t.Expr | None, scope: Scope) -> None:
        found = list(self._objects(expr, scope)) if expr is not None else []
        for each, environment in found or self._likely(scope):
            if isinstance(each, Module):
                self._from_module(each)
            else:
                self._from_class(each, environment)

    def _objects(
        self, expr: t.Expr, scope: Scope, environment: str = "", depth: int = 0
    ) -> Iterator[tuple[Module | Located, str]]:
        """The classes and modules that an argument of `from_object` may be, with an environment."""
        if depth > 5:
            return
        if direct := self._object(self.code.name(expr, scope).removesuffix("()")):
            yield direct, environment
            return
        if isinstance(expr, t.Name) and expr.id == "__name__":
            yield scope.module, environment
            return
        for source in self.values.sources(expr, scope):
            node = source.node
            match node:
                case t.Item(value=table) | t.Call(func=t.Attr(value=table, name="get")):
                    named = False
                    for mapping in self.values.sources(table, source.scope):
                        if isinstance(mapping.node, t.Map):
                            for key, value in zip(
                                mapping.node.keys, mapping.node.values, strict=True
                            ):
                                named = True
                                told = self.values.text(key, mapping.scope) or "" if key else ""
                                yield from self._objects(
                                    value, mapping.scope, _environment(told), depth + 1
                                )
                    if not named:
                        yield from self._named(node, source.scope)
                case t.Call(func=func) if self.code.name(func, source.scope) in _IMPORTERS:
                    if (given := argument(node, 0)) is not None:
                        yield from self._named(given, source.scope)
                case t.Name() | t.Attr() | t.Call() if node is not expr:
                    yield from self._objects(node, source.scope, environment, depth + 1)
                case _:
                    yield from self._named(node, source.scope)  # type: ignore[arg-type]

    def _object(self, name: str) -> Module | Located | None:
        if name.startswith("module:"):
            return self.code.modules[name[7:]]
        found = self.code.definition(name)
        return found if found is not None and isinstance(found.node, t.Class) else None

    def _named(self, expr: t.Expr, scope: Scope) -> Iterator[tuple[Module | Located, str]]:
        """Dotted names: `"shop.config.Production"`, `f"config.{name}"`, a setting's default."""
        if isinstance(expr, t.Text):
            start = expr.parts[0] if expr.parts else None
            if isinstance(start, t.Const) and isinstance(start.value, str):
                if module := self.code.module_of(start.value.rpartition(".")[0] or "?", scope):
                    yield from self._classes(module)
            return
        text = self.values.text(expr, scope)
        if not text or not all(part.isidentifier() for part in re.split(r"[.:]", text)):
            return
        if module := self.code.module_of(text, scope):
            yield module, ""
            return
        owner, _, name = text.replace(":", ".").rpartition(".")
        module = self.code.module_of(owner, scope) if owner else None
        if module is None:
            return
        if not isinstance(expr, t.Const):  # a setting chooses: each class is possible
            yield from self._classes(module)
        elif found := self._object(self.code.name(named(name), module.scope)):
            yield found, ""

    def _classes(self, module: Module) -> Iterator[tuple[Located, str]]:
        for stmt in module.body:
            if isinstance(stmt, t.Class):
                yield Located(stmt, module.scope), ""

    def _likely(self, scope: Scope) -> list[tuple[Located, str]]:
        """Where nothing tells which object it is: the configuration classes of the tree."""
        return [
            found
            for path, module in self.code.modules.items()
            if _CONFIG_MODULE.search(path)
            for found in self._classes(module)
            if any(re.search("config|settings", n, re.I) for n in _words(self.code, found[0]))
        ]

    def _from_class(self, found: Located, environment: str) -> None:
        for ancestor in self.code.ancestry(found):
            each = self.code.definition(ancestor)
            if each is None or not isinstance(each.node, t.Class):
                continue
            told = environment_of_class(each.node.name)
            if each.node is found.node:
                told = told or environment
            self._body(each.node.body, self.code.inside(each), told)

    def _from_module(self, module: Module) -> None:
        if module.path in self._modules:
            return
        self._modules.add(module.path)
        name = module.path.removesuffix("/__init__.py").rpartition("/")[2]
        self._body(module.body, module.scope, _environment(name.removesuffix(".py")))
        for star in module.scope.bindings.get("*", ()):
            if below := self.code.module_of(star.target.removesuffix(".*") or ".", module.scope):
                self._from_module(below)

    def _from_file(self, name: str) -> None:
        """`from_pyfile("config.py")`: relative to the application or to its instance folder."""
        name = name.lstrip("./")
        for path, module in self.code.modules.items() if name.endswith(".py") else ():
            if path == name or path.endswith("/" + name):
                self._from_module(module)

    def _body(self, body: list[t.Stmt], scope: Scope, environment: str) -> None:
        for stmt in body:
            match stmt:
                case t.Assign(value=value, op="") if value is not None:
                    for target in stmt.targets:
                        if isinstance(target, t.Name) and _KEY.fullmatch(target.id):
                            self._add(target.id, Located(value, scope), environment)
                case t.If():
                    self._body([*stmt.body, *stmt.orelse], scope, environment)
                case t.Try():
                    inner = [*stmt.body, *stmt.orelse, *(s for h in stmt.handlers for s in h.body)]
                    self._body(inner, scope, environment)

    # --- reading

    def read(
        self, name: str, default: t.Expr | None, scope: Scope, place: Place, optional: bool = False
    ) -> Value | None:
        """What `app.config[name]` holds where the application serves, as far as the code tells."""
        found = in_production(self.entries.get(name, []))
        worths = [self.values.value(e.value.node, e.value.scope) for e in found]  # type: ignore[arg-type]
        distinct = list(dict.fromkeys(map(_Same, worths)))
        if distinct:
            if len(distinct) == 1:
                return distinct[0].value
            return OneOf(tuple(same.value for same in distinct), place)
        otherwise = self.values.value(default, scope) if default is not None else None
        if self.outside:
            return Setting(name, otherwise, place)
        return otherwise or (Known(None, place) if optional else None)


class _Same:
    """A value that equals another one of the same worth, lists included."""

    def __init__(self, value: Value) -> None:
        self.value = value

    def __hash__(self) -> int:
        return hash(repr(self.value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and repr(self.value) == repr(other.value)


def in_production(entries: list[_E]) -> list[_E]:
    """The entries that hold in production: its own, else those of no environment in particular."""
    own = [e for e in entries if e.environment == "production"]
    shared = [e for e in entries if not e.environment]
    return own or shared or entries


def _words(code: Code, found: Located) -> list[str]:
    """The plain names of a class and its bases."""
    return [re.split(r"[.:]", name)[-1] for name in code.ancestry(found)]


_IMPORTERS = {
    "werkzeug.utils.import_string", "werkzeug.import_string", "importlib.import_module",
    "flask.helpers.import_string",
}  # fmt: skip
_CONFIGURATIONS: weakref.WeakKeyDictionary[Code, _Configuration | None]
_CONFIGURATIONS = weakref.WeakKeyDictionary()


def _configuration(values: Evaluator) -> _Configuration | None:
    """The configuration of a tree's applications, looked for once; None without Flask."""
    code = values.code
    if code not in _CONFIGURATIONS:
        _CONFIGURATIONS[code] = None  # what is asked while it is read ends here
        if uses_flask(code):
            _CONFIGURATIONS[code] = _Configuration(values)
    return _CONFIGURATIONS[code]


def filled_from_outside(values: Evaluator) -> bool:
    """Whether a file, or the environment, fills the configuration besides the code."""
    found = _configuration(values)
    return found is not None and found.outside


def _is_app(code: Code, expr: t.Expr, scope: Scope) -> bool:
    name = code.name(expr, scope)
    if name:
        if ":" not in name:
            return is_app_name(name)
        return any(is_app_name(kind) for kind in code.kinds(name))
    return t.dotted(expr).rpartition(".")[2] in ("app", "application", "current_app", "flask_app")


def is_configuration(code: Code, expr: t.Expr, scope: Scope) -> bool:
    """Whether an expression is an application's `config`."""
    if isinstance(expr, t.Attr):
        return expr.name == "config" and _is_app(code, expr.value, scope)
    if not isinstance(expr, t.Name):
        return False
    owner, _, last = code.name(expr, scope).rpartition(".")
    return last == "config" and is_app_name(owner)


@reads_settings
def configuration_reads(values: Evaluator, name: str, expr: t.Expr, scope: Scope) -> Value | None:
    """`app.config["X"]`, `current_app.config.get("X", default)`, `app.secret_key`."""
    default: t.Expr | None = None
    match expr:
        case t.Item(value=base, index=index):
            if not _CONFIGURATION.search(t.dotted(base)):
                return None
        case t.Call(
            func=t.Attr(value=base, name="get" | "setdefault" | "pop"), args=[index, *rest]
        ):
            if not _CONFIGURATION.search(t.dotted(base)):
                return None
            default = rest[0] if rest else None
        case t.Attr(value=base, name=attribute) if attribute in _ATTRIBUTES:
            found = _configuration(values) if _is_app(values.code, base, scope) else None
            place = place_of(Located(expr, scope))
            return found.read(_ATTRIBUTES[attribute], None, scope, place) if found else None
        case _:
            return None
    if not is_configuration(values.code, base, scope):
        return None
    configuration, key = _configuration(values), values.text(index, scope)
    if configuration is None or not key:
        return None
    optional = isinstance(expr, t.Call)
    return configuration.read(key, default, scope, place_of(Located(expr, scope)), optional)


@provides(FrameworkSetting)
def flask_settings(application: Application) -> Iterator[FrameworkSetting]:
    """Each key with its value and place, in the order of the keys' names."""
    values = application.values
    configuration = _configuration(values)
    if configuration is None:
        return
    (apps,) = application.facts(FlaskApps)
    for name in sorted(configuration.entries):
        for entry in configuration.entries[name]:
            framework = "Quart" if set(apps.frameworks.values()) == {"Quart"} else "Flask"
            worth = values.value(entry.value.node, entry.value.scope)  # type: ignore[arg-type]
            unit = apps.unit(entry.place.path)
            yield FrameworkSetting(framework, unit, name, worth, entry.place, entry.environment)
