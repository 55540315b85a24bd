"""Dynaconf: settings of files, which the environment overrides under a prefix.

https://www.dynaconf.com/configuration/: `envvar_prefix` is DYNACONF where none is told, and `False`
takes names as they are; `settings.name`, `settings["name"]`, `settings.get("name", default)` and
`settings("name")` read without regard to letter case. Flask's and Django's extensions prefix by
FLASK and DJANGO.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator

import msgspec

from auditor.discover.environments import environment_of, environment_of_file
from auditor.extract.python import tree as t
from auditor.extract.readers.stored_settings import StoredSetting
from auditor.libraries.settings import worth_of
from auditor.link.application import Application, provides
from auditor.link.scopes import CallSite, Located, Scope, argument, place_of
from auditor.link.values import Evaluator, reads_settings
from auditor.model.places import Place
from auditor.model.settings import SettingDefinition, SettingRead
from auditor.model.values import Setting, Value, possible

_MAKERS = {
    "dynaconf.Dynaconf": "DYNACONF",
    "dynaconf.LazySettings": "DYNACONF",
    "dynaconf.FlaskDynaconf": "FLASK",
    "dynaconf.contrib.FlaskDynaconf": "FLASK",
    "dynaconf.DjangoDynaconf": "DJANGO",
    "dynaconf.contrib.DjangoDynaconf": "DJANGO",
}
_OWN = re.compile(
    r"^(?:as_dict|to_dict|get|set|update|reload|setenv|from_env|using_env|exists|configure|validators|load_file|current_env"
    r"|find_file|fresh|store|env|get_fresh|unset|populate_obj|to_yaml|path_for|is_overridden|loaded_\w+|pre_load|items|keys|values)$"
)
_ENVIRONMENTS = {"default", "global", "development", "production", "staging", "testing", "main", "dev", "prod", "stage", "test", "local"}  # fmt: skip
_NAMES = ("Dynaconf", "LazySettings", "FlaskDynaconf", "DjangoDynaconf")


class _Made(msgspec.Struct, frozen=True):
    """What one call sets up: the prefix, and the names of the files that are read."""

    prefix: str
    files: tuple[str, ...]
    site: CallSite

    def name(self, *path: str) -> str:
        return self.prefix + "__".join(path).upper()


def _made(values: Evaluator) -> Iterator[_Made]:
    for site in values.code.method_calls(*_NAMES):
        prefix = _MAKERS.get(values.code.name(site.node.func, site.scope))
        if prefix is None:
            continue
        given = site.arg(None, "envvar_prefix", "ENVVAR_PREFIX", "ENVVAR_PREFIX_FOR_DYNACONF")
        for known in possible(values.value(given, site.scope)) if given is not None else ():
            prefix = known.value if isinstance(known.value, str) else "" if known.value is False else prefix  # fmt: skip
        yield _Made(f"{prefix.upper()}_" if prefix else "", tuple(_files(site)), site)


def _files(site: CallSite) -> Iterator[str]:
    """The names of the files it is told, else the ones that are looked for."""
    told = False
    for key in ("settings_files", "settings_file", "secrets", "includes", "SETTINGS_FILE_FOR_DYNACONF", "root_path"):  # fmt: skip
        given = site.arg(None, key)
        for node in t.walk(given) if given is not None else ():
            if isinstance(node, t.Const) and isinstance(node.value, str) and "." in node.value:
                told = True
                yield node.value.rpartition("/")[2]
    if not told:
        for base in ("settings", ".secrets"):
            yield from (f"{base}.{suffix}" for suffix in ("toml", "yaml", "yml", "json"))


def _of(values: Evaluator, owner: t.Expr, scope: Scope) -> tuple[_Made, tuple[str, ...]] | None:
    """The object an expression stands for, and the path below it: `settings.DATABASE`."""
    path: list[str] = []
    while isinstance(owner, t.Attr) and not _maker(values.code.name(owner, scope)):
        path.insert(0, owner.name)
        owner = owner.value
    maker = _maker(values.code.name(owner, scope))
    if not maker or any(_OWN.match(part) for part in path):
        return None
    found = [made for made in _made(values) if _MAKERS[maker] == _MAKERS[values.code.name(made.site.node.func, made.site.scope)]]  # fmt: skip
    own = [m for m in found if any(s.node is m.site.node for s in values.sources(owner, scope))]
    return ((own or found)[0], tuple(path)) if found else None


def _maker(name: str) -> str:
    """`dynaconf.Dynaconf` of what is made by it; `from dynaconf import settings` is made by itself."""
    return name.removesuffix("()") if name.endswith("()") and name[:-2] in _MAKERS else ""


def _uses(values: Evaluator) -> bool:
    return any(True for _ in values.code.method_calls(*_NAMES))


@reads_settings
def dynaconf_reads(values: Evaluator, name: str, expr: t.Expr, scope: Scope) -> Value | None:
    if "dynaconf." not in name:
        return None
    match expr:
        case t.Attr(value=owner, name=word) if not _OWN.match(word) and word.strip("_") == word:
            key: str | None = word
            default = None
        case t.Call(func=t.Attr(value=owner, name="get"), args=[first, *_]):
            key, default = values.text(first, scope), argument(expr, 1, "default")
        case t.Call(func=owner, args=[first, *_]) if _maker(values.code.name(owner, scope)):
            key, default = values.text(first, scope), argument(expr, 1, "default")
        case t.Item(value=owner, index=index):
            key, default = values.text(index, scope), None
        case _:
            return None
    found = _of(values, owner, scope)
    if found is None or not key:
        return None
    worth = worth_of(values, default, scope)
    parts = key.replace(".", "__").split("__")
    return Setting(found[0].name(*found[1], *parts), worth, place_of(Located(expr, scope)))


@provides(SettingRead)
def reads(application: Application) -> Iterator[SettingRead]:
    values = application.values
    if not _uses(values):
        return
    inner: set[int] = set()  # `settings.DATABASE` of `settings.DATABASE.HOST` reads nothing more
    for module in values.code.modules.values():
        for node, scope in values.code.nodes(module):
            if not isinstance(node, t.Attr | t.Call | t.Item) or id(node) in inner:
                continue
            found = dynaconf_reads(values, values.code.name(node, scope), node, scope)
            if isinstance(found, Setting):
                below = t.callee(node)
                inner.update(id(n) for n in t.walk(below) if n is not node)
                yield SettingRead(found.name, found.default, found.place)
    yield from _validators(values)


def _validators(values: Evaluator) -> Iterator[SettingRead]:
    """`Validator("PORT", default=5000)`, https://www.dynaconf.com/validation/."""
    made = next(_made(values), None)
    for site in values.code.calls("dynaconf.Validator", "dynaconf.validator.Validator"):
        default = site.arg(None, "default")
        worth = values.value(default, site.scope) if default is not None else None
        for each in site.node.args:
            if made is not None and (name := values.text(each, site.scope)):
                told = made.name(*name.replace(".", "__").split("__"))
                yield SettingRead(told, worth, place_of(site))


@provides(SettingDefinition)
def definitions(application: Application) -> Iterator[SettingDefinition]:
    values = application.values
    made = list(_made(values))
    if not made:
        return
    for file, stored in application.of(StoredSetting):
        base = posixpath.basename(file.path)
        own = [m for m in made if any(fnmatch.fnmatch(base, _pattern(f, base)) for f in m.files)]
        if not own:
            continue
        path = list(stored.path)
        environment = environment_of_file(file.path)
        if len(path) > 1 and path[0].lower() in _ENVIRONMENTS:
            environment = environment_of(path.pop(0)) or environment
        yield SettingDefinition(
            own[0].name(*path),
            stored.value,
            Place(file.path, stored.line),
            "" if environment == "example" and ".example" not in base else environment,
            stored.empty,
            stored.placeholder,
            tracked=file.tracked,
        )


def _pattern(told: str, base: str) -> str:
    """`settings.local.toml` is read beside `settings.toml`."""
    stem, _, suffix = told.rpartition(".")
    return f"{stem}.local.{suffix}" if ".local." in base else told
