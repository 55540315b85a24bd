"""How settings are read: os.environ, python-decouple, environs, django-environ, Starlette.

Sources: the libraries' documentation. Classes of pydantic-settings: `settings_classes.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from auditor.discover.environments import (
    environment_of,
    environment_of_file,
    environment_of_settings,
)
from auditor.extract.python import tree as t
from auditor.extract.sensitive import is_placeholder, safe_value
from auditor.libraries.settings_loops import in_turn
from auditor.link.application import Application, provides
from auditor.link.folding import as_bool, lift
from auditor.link.scopes import Located, Scope, argument, place_of
from auditor.link.values import Evaluator, reads_environment, reads_settings
from auditor.model.places import Place
from auditor.model.settings import (
    EnvironmentNames,
    LocalSettings,
    SettingDefinition,
    SettingMention,
    SettingRead,
)
from auditor.model.values import Known, Masked, Setting, Value

_GETTERS = {
    "os.getenv": "default",
    "os.environ.get": "default",
    "os.environ.pop": "default",
    "cfenv.AppEnv().get_credential": "default",
    "os.environb.get": "default",
    "decouple.config": "default",
    "decouple.Config()": "default",
    "decouple.AutoConfig()": "default",
    "decouple.Config().get": "default",
    "starlette.config.Config()": "default",
    "starlette.config.Config().get": "default",
    "dotenv.get_key": "",
}
_OPTIONAL = {"os.getenv", "os.environ.get"}
"""Readers that give None where the setting is missing."""
_ENVIRONS = re.compile(
    r"^(?:environs?|envparse)\.(?:(?:Env|FileAwareEnv)\(\)|env(?=[.]|$))(?:\.(?!read_env|prefixed)\w+)?$"
)
_URLS = {"db": "DATABASE_URL", "db_url": "DATABASE_URL", "cache": "CACHE_URL", "cache_url": "CACHE_URL",
         "email": "EMAIL_URL", "email_url": "EMAIL_URL", "search_url": "SEARCH_URL"}  # fmt: skip
"""What django-environ reads when it is told no name,
https://django-environ.readthedocs.io/en/latest/types.html."""
_CONFIGURATIONS = re.compile(r"^configurations\.values\.\w+Value$")
_READS_SWITCH = re.compile(r"^(?=.*env)(?=.*(?:bool|flag|switch))\w+$", re.I)
_TURNS_TO_SWITCH = re.compile(
    r"^_?(?:str(?:ing)?_?(?:2|to)_?bool(?:ean)?|(?:to|as|parse|cast|get)_?bool(?:ean)?|is_?true|truthy)$",
    re.I,
)


@reads_settings
def environment_reads(values: Evaluator, name: str, expr: t.Expr, scope: Scope) -> Value | None:
    """`os.environ["X"]`, `os.getenv("X", default)` and their kin."""
    place = place_of(Located(expr, scope))
    match expr:
        case t.Item(index=index) if name == "os.environ[]":
            setting = values.text(index, scope)
            return Setting(setting, None, place) if setting else None
        case t.Call(func=func, args=[first, *_]):
            callee = values.code.name(func, scope)
            if callee not in _GETTERS and not _ENVIRONS.match(callee):
                return None
            setting = values.text(first, scope)
            if not setting:
                return None
            if callee.startswith("starlette.config.Config()"):
                setting = _starlette_prefix(values, func, scope) + setting
            default = argument(expr, 1, "default")
            if _ENVIRONS.match(callee):
                if default is None:
                    default = _declared_default(values, func, setting, scope)
                setting = _environs_prefix(values, expr, scope) + setting
            worth = worth_of(values, default, scope)
            if worth is not None and _casts_to_bool(expr, callee, values, scope):
                worth = lift(as_bool, [worth], worth.place)
            return Setting(setting, worth, place, worth is None and callee in _OPTIONAL)
        case t.Call(func=t.Attr(name=word) as func, args=[]) if word in _URLS:
            if _ENVIRONS.match(values.code.name(func, scope)):
                default = argument(expr, None, "default")
                worth = values.value(default, scope) if default is not None else None
                return Setting(_URLS[word], worth, place)
    return None


def worth_of(values: Evaluator, default: t.Expr | None, scope: Scope) -> Value | None:
    """What a default is worth; None where there is none, or where it says so."""
    worth = values.value(default, scope) if default is not None else None
    return None if isinstance(worth, Known) and worth.value is None else worth


def _environs_prefix(values: Evaluator, call: t.Call, scope: Scope) -> str:
    """`with env.prefixed("APP_"):` and `Env(prefix="APP_")`, https://github.com/sloria/environs."""
    prefix = ""
    if any(True for _ in values.code.method_calls("prefixed")):
        for node, inside in values.code.nodes(scope.module):
            if isinstance(node, t.With) and inside is scope and _within(call, node):
                for each in node.contexts:
                    match each:
                        case t.Call(func=t.Attr(name="prefixed"), args=[first, *_]):
                            prefix += values.text(first, scope) or ""
    owner = call.func.value if isinstance(call.func, t.Attr) else call.func
    for source in values.sources(owner, scope):
        if isinstance(source.node, t.Call):
            return (values.text(argument(source.node, None, "prefix"), source.scope) or "") + prefix
    return prefix


def _within(call: t.Call, block: t.With) -> bool:
    return any(stmt.line <= call.line <= stmt.end_line for stmt in block.body)


def _starlette_prefix(values: Evaluator, func: t.Expr, scope: Scope) -> str:
    """`Config(env_prefix="APP_")`, https://starlette.dev/config/."""
    owner = func.value if isinstance(func, t.Attr) else func
    for source in values.sources(owner, scope):
        if isinstance(source.node, t.Call):
            return values.text(argument(source.node, None, "env_prefix"), source.scope) or ""
    return ""


_PARSED = ("getboolean", "getint", "getfloat")


@reads_settings
def switches(values: Evaluator, name: str, expr: t.Expr, scope: Scope) -> Value | None:
    """`env_bool("DEBUG", "no")`, `strtobool(os.getenv("DEBUG"))`: helpers known by their names."""
    match expr:
        case t.Call(func=t.Name(id=word) | t.Attr(name=word), args=[first, *_]):
            pass
        case _:
            return None
    if word in _PARSED:  # configparser: `config[section].getboolean(key, fallback=…)`
        return _parsed(values, expr, scope)
    if _READS_SWITCH.search(word) and (setting := values.text(first, scope)):
        default = argument(expr, 1, "default")
        place = place_of(Located(expr, scope))
        if default is None:
            return Setting(setting, None, place, True)
        return Setting(setting, lift(as_bool, [values.value(default, scope)], place), place)
    if _TURNS_TO_SWITCH.search(word) and len(expr.args) == 1:
        worth = values.value(first, scope)
        return lift(as_bool, [worth], place_of(Located(expr, scope)))
    return None


def _parsed(values: Evaluator, expr: t.Call, scope: Scope) -> Value | None:
    """https://docs.python.org/3/library/configparser.html: what a file beside the code says."""
    setting = values.text(expr.args[-1], scope)
    if setting and len(expr.args) == 2:
        section = values.text(expr.args[0], scope)
        if section and (said := values.switches.get((section, setting.lower()))):
            return said
    fallback = argument(expr, None, "fallback")
    worth = values.value(fallback, scope) if fallback is not None else None
    return Setting(setting, worth, place_of(Located(expr, scope))) if setting else None


def _declared_default(values: Evaluator, func: t.Expr, setting: str, scope: Scope) -> t.Expr | None:
    """`environ.Env(DEBUG=(bool, False))`: the default that django-environ was created with."""
    owner = func.value if isinstance(func, t.Attr) else func
    for source in [Located(owner, scope), *values.sources(owner, scope)]:
        if isinstance(source.node, t.Call):
            match argument(source.node, None, setting):
                case t.Seq(items=[_, default]):
                    return default
    return None


def _casts_to_bool(call: t.Call, callee: str, values: Evaluator, scope: Scope) -> bool:
    cast = argument(call, 2, "cast")
    return callee.endswith(".bool") or values.code.name(cast, scope) == "builtins.bool"


@reads_settings
def own_declarations(values: Evaluator, name: str, expr: t.Expr, scope: Scope) -> Value | None:
    """`confi.str("POLICY_ROUTE", "/policy")`: a class of the tree that declares settings.

    Known by its name, by a name in capitals that it is given, and by its parameter `default`.
    """
    match expr:
        case t.Call(func=func, args=[t.Const(value=str(setting)), *_]) if _CAPITALS.match(setting):
            found = values.code.defined(func, scope)
        case _:
            return None
    if found is None or not isinstance(found.node, t.Function) or reads_environment(found.node):
        return None
    if not _DECLARING.search(values.code.own_name(found).partition(":")[2]):
        return None
    params = [p.name for p in found.node.params if p.name != "self"]
    if "default" not in params:
        return None
    worth = worth_of(values, argument(expr, params.index("default"), "default"), scope)
    return Setting(setting, worth, place_of(Located(expr, scope)), worth is None)


_CAPITALS = re.compile(r"[A-Z][A-Z0-9_]{2,}$")
_DECLARING = re.compile(r"conf|env|setting", re.I)


@reads_settings
def configuration_values(values: Evaluator, name: str, expr: t.Expr, scope: Scope) -> Value | None:
    """`values.BooleanValue(True)` of django-configurations; its name is DJANGO_ and the attribute's."""
    if not isinstance(expr, t.Call) or not isinstance(expr.func, t.Attr | t.Name):
        return None
    if not _CONFIGURATIONS.match(name.removesuffix("()")):
        return None
    given = values.text(argument(expr, None, "environ_name"), scope) or ""
    default = argument(expr, 0, "default")
    worth = values.value(default, scope) if default is not None else None
    return Setting(given, worth, place_of(Located(expr, scope)))


@provides(SettingRead)
def setting_reads(application: Application) -> Iterator[SettingRead]:
    values = application.values
    code = application.code
    written = {id(item) for item, _, _ in _given(application)}
    places: list[tuple[t.Expr, Scope]] = [
        (item, scope)
        for item, scope in code.of_kind(t.Item)
        if "env" in t.dotted(item.value).lower() and id(item) not in written
    ]
    places += [(site.node, site.scope) for site in code.all_calls() if _may_read(site.node)]
    reads = []
    helpers: dict[int, _Helper] = {}
    for node, scope in places:
        if _may_be_environment(code.name(t.callee(node), scope), node) and (
            helper := _helper(node, scope)
        ):
            helpers[id(helper.function)] = helper
            continue
        read = environment_reads(values, code.name(node, scope), node, scope)
        if isinstance(read, Setting):
            default = read.default or _nothing(values, node, scope)
            reads.append(SettingRead(read.name, default, read.place))
        elif (key := _key(node)) is not None and _reads(code.name(t.callee(node), scope)):
            place, default = place_of(Located(node, scope)), None
            if isinstance(node, t.Call):
                given = argument(node, 1, "default")
                default = values.value(given, scope) if given is not None else None
            reads += [
                SettingRead(each, default, place) for each in in_turn(application, key, node, scope)
            ]
    for helper in helpers.values():
        reads += helper.reads(values)
    yield from sorted(reads, key=lambda read: read.place)


def _given(application: Application) -> Iterator[tuple[t.Item, t.Expr, Scope]]:
    """`os.environ["X"] = …`"""
    for node, scope in application.code.of_kind(t.Assign):
        match node:
            case t.Assign(targets=[t.Item(value=owner) as item], value=value, op="") if value:
                if "env" in t.dotted(owner) and application.code.name(owner, scope) == "os.environ":
                    yield item, value, scope


@provides(SettingDefinition)
def settings_that_code_gives(application: Application) -> Iterator[SettingDefinition]:
    for item, value, scope in _given(application):
        worth = application.values.value(value, scope)
        name = application.values.text(item.index, scope)
        if not name:
            continue
        place = place_of(Located(item, scope))
        text = str(worth.value) if isinstance(worth, Known) else ""
        yield SettingDefinition(
            name,
            safe_value(name, text),
            place,
            environment_of_file(place.path),
            empty=text == "" and isinstance(worth, Known),
            placeholder=is_placeholder(text),
            elsewhere=not isinstance(worth, Known | Masked),
        )


def _nothing(values: Evaluator, node: t.Expr, scope: Scope) -> Value | None:
    """None, where it is written as the default."""
    given = argument(node, 1, "default") if isinstance(node, t.Call) else None
    worth = values.value(given, scope) if given is not None else None
    return worth if isinstance(worth, Known) and worth.value is None else None


def _key(node: t.Expr) -> t.Expr | None:
    """What names the setting, where that is no plain text."""
    match node:
        case t.Item(index=key) | t.Call(args=[key, *_]) if not isinstance(key, t.Const):
            return key
    return None


def _may_be_environment(name: str, node: t.Expr) -> bool:
    whole = (
        node.func if isinstance(node, t.Call) else node.value if isinstance(node, t.Item) else node
    )
    return _reads(name) or "env" in t.dotted(whole).lower()


def _reads(name: str) -> bool:
    return name == "os.environ[]" or name in _GETTERS or _ENVIRONS.match(name) is not None


class _Helper(msgspec.Struct, frozen=True):
    """A function of the tree that reads the setting that it is told: `get_env("NAME", default)`."""

    function: t.Function
    named: str
    default: str

    def reads(self, values: Evaluator) -> Iterator[SettingRead]:
        params = _parameters(self.function)
        fallback = next(p.default for p in self.function.params if p.name == self.named)
        for site in values.code.method_calls(self.function.name):
            found = values.code.defined(site.node.func, site.scope)
            if found is None or found.node is not self.function:
                continue
            given = argument(site.node, params.index(self.named), self.named) or fallback
            name = values.text(given, site.scope)
            if name and _CAPITALS.match(name):
                worth = None
                if self.default:
                    own = argument(site.node, params.index(self.default), self.default)
                    worth = values.value(own, site.scope) if own is not None else None
                yield SettingRead(name, worth, place_of(site))


def _parameters(function: t.Function) -> list[str]:
    return [p.name for p in function.params if p.name not in ("self", "cls")]


def _helper(node: t.Expr, scope: Scope) -> _Helper | None:
    function = scope.owner
    if not isinstance(function, t.Function):
        return None
    params = _parameters(function)
    default: t.Expr | None = None
    match node:
        case t.Item(index=t.Name(id=named)):
            pass
        case t.Call(args=[t.Name(id=named), *_]):
            default = argument(node, 1, "default")
        case _:
            return None
    if named not in params:
        return None
    told = default.id if isinstance(default, t.Name) and default.id in params else ""
    told = told or next((p for p in params if p.startswith(("default", "fallback"))), "")
    return _Helper(function, named, told)


def _may_read(call: t.Call) -> bool:
    """Whether a call could read a setting, by its last word; spares naming every call."""
    func = call.func
    if not call.args:
        return isinstance(func, t.Attr) and func.name in _URLS and "env" in t.dotted(func).lower()
    last = t.last_word(func)
    return (
        last in ("get", "getenv", "config", "pop", "get_key")
        or "env" in last.lower()
        or (isinstance(func, t.Name) and _is_capital(call.args[0]))
        or (isinstance(func, t.Attr) and "env" in t.dotted(func).lower())
    )


def _is_capital(expr: t.Expr) -> bool:
    return (
        isinstance(expr, t.Const)
        and isinstance(expr.value, str)
        and bool(_CAPITALS.match(expr.value))
    )


_LOCAL = re.compile(
    r"(?:^|\.)(?:(?:local|deployment|deploy|production|prod|private|secret|secrets|instance|site)_?(?:settings|config)"
    r"|(?:settings|config)_?(?:local|deployment|deploy|production|prod|private|secret|secrets|instance|site))$"
)


@provides(LocalSettings)
def local_settings(application: Application) -> Iterator[LocalSettings]:
    """`from local_settings import *`, `app.config.from_envvar("APP_SETTINGS")`."""
    for node, scope in application.code.of_kind(t.Import):
        if _LOCAL.search(node.module) and application.code.module_of(node.module, scope) is None:
            yield LocalSettings(node.module, place_of(Located(node, scope)))
    held = {file.path.rpartition("/")[2] for file in application.tree.files}
    for site in application.code.method_calls("from_pyfile"):
        name = application.values.text(site.arg(0, "filename"), site.scope)
        if name and name.rpartition("/")[2] not in held:
            yield LocalSettings(name, place_of(site))
    for site in application.code.method_calls("from_envvar"):
        name = application.values.text(site.arg(0, "variable_name"), site.scope)
        yield LocalSettings(name or "from_envvar", place_of(site))


_NAMED = re.compile(r"(?i)^(prod(?:uction)?|live)$|^(?:dev(?:elopment)?|local|stag(?:e|ing)|test(?:ing)?|qa|uat|sandbox)$")  # fmt: skip


@provides(EnvironmentNames)
def environment_names(application: Application) -> Iterator[EnvironmentNames]:
    for found in application.code.classes():
        node = found.node
        assert isinstance(node, t.Class)
        members = [
            match
            for stmt in node.body
            if isinstance(stmt, t.Assign) and isinstance(stmt.value, t.Const)
            if isinstance(stmt.value.value, str) and (match := _NAMED.match(stmt.value.value))
        ]
        names = {match[0].lower() for match in members}
        paying = names <= {"live", "sandbox", "test"}  # the modes of a payment provider
        if len(members) > 1 and any(match[1] for match in members) and not paying:
            yield EnvironmentNames(node.name, place_of(found, node.name))
    yield from _settings_modules(application)


_OF_SETTINGS = re.compile(
    r"(?:^|/)((?:settings|configs?|configuration)/)(\w+)\.py$|(?:^|/)()(\w+_(?:settings|config)|(?:settings|config)_\w+)\.py$"
)


def _settings_modules(application: Application) -> Iterator[EnvironmentNames]:
    """`settings/production.py` beside `settings/dev.py`, whichever is loaded by what."""
    folders: dict[str, dict[str, str]] = {}
    for path in application.code.modules:
        if match := _OF_SETTINGS.search(path):
            environment = environment_of_settings(match[2] or match[4])
            if environment in ("production", "staging", "development"):
                folders.setdefault(path.rpartition("/")[0], {}).setdefault(environment, path)
    for folder, found in folders.items():
        for name in ("settings", "base", "common", "default", "defaults"):
            path = f"{folder}/{name}.py".lstrip("/")
            if "production" in found and path in application.code.modules:
                found.setdefault("development", path)  # what holds where nothing else is chosen
    for file in application.tree.files:
        if match := _OF_DEPLOYMENTS.search(file.path):
            environment = environment_of(match[2])
            if environment in ("production", "staging", "development"):
                folders.setdefault(match[1], {}).setdefault(environment, file.path)
    for folder, found in folders.items():
        if len(found) > 1:
            yield EnvironmentNames(f"{folder}/", Place(found[min(found)], 1))


_OF_DEPLOYMENTS = re.compile(
    r"^((?:[^/]+/)*(?:envs?|environments?|overlays|stages|live))/(prod\w*|stag\w*|dev\w*)/[^/]+\.(?:tf|hcl|tfvars|ya?ml|env)$"
)
"""Terragrunt's and Kustomize's folders: one for each environment."""


_MAY_TELL = re.compile(r"ENV|PROD|DEV|STAG|MODE|CONFIG")
_WRITES = re.compile(
    r"(?:^|\.)(?:setdefault|setenv|delenv|putenv|print|log|info|debug|warning|error)$"
)


@provides(SettingMention)
def mentions(application: Application) -> Iterator[SettingMention]:
    """`get_bool("DEV_ENV", False)`: what a function of any kind may look up under a setting's name."""
    for site in application.code.all_calls():
        match site.node.args:
            case [t.Const(value=str(name)), *_] if name.isupper() and _MAY_TELL.search(name):
                if not _WRITES.search(t.dotted(site.node.func)):
                    yield SettingMention(name, place_of(site))
