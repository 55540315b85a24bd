"""Classes of pydantic-settings, which gather settings and check them at start.

A field is the environment variable of its prefixed name, letter case ignored, unless it has an alias;
fields of a nested model follow behind a delimiter
(https://docs.pydantic.dev/latest/concepts/pydantic_settings/).
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import Located, Scope, argument, place_of
from auditor.link.values import Evaluator, reads_settings
from auditor.model.settings import SettingRead, SettingsClass
from auditor.model.values import Known, Setting, Value

_SETTINGS_BASES = {
    "pydantic_settings.BaseSettings",
    "pydantic_settings.main.BaseSettings",
    "pydantic.BaseSettings",
    "pydantic.env_settings.BaseSettings",
    "pydantic.v1.BaseSettings",
    "pydantic.v1.env_settings.BaseSettings",
    "goodconf.GoodConf",
}


@reads_settings
def class_reads(values: Evaluator, name: str, expr: t.Expr, scope: Scope) -> Value | None:
    """`settings.jwt_secret`, where the object is of a pydantic settings class of the tree."""
    if not isinstance(expr, t.Attr):
        return None
    owner = values.code.definition(values.code.name(expr.value, scope).removesuffix("()"))
    if owner is None or not is_settings_class(values, owner):
        return None
    for ancestor in values.code.ancestry(owner):
        found = values.code.definition(ancestor)
        if found is None:
            continue
        for field in _fields(found):
            if field.name == expr.name:
                return field.setting(values, values.code.inside(found), _prefix(values, owner))
    return None


def is_settings_class(values: Evaluator, found: Located) -> bool:
    return isinstance(found.node, t.Class) and bool(
        _SETTINGS_BASES.intersection(values.code.ancestry(found))
    )


class _Field:
    def __init__(self, name: str, node: t.Assign, told: t.Expr | None = None) -> None:
        self.name, self.node, self.told = name, node, told

    def names(self, values: Evaluator, scope: Scope, prefix: str) -> list[str]:
        """What the environment calls it: its aliases, else its prefixed name."""
        default = self.node.value
        given = [
            self.told
        ]  # https://docs.pydantic.dev/1.10/usage/settings/#environment-variable-names
        if isinstance(default, t.Call) and values.code.name(default.func, scope).endswith(".Field"):
            given += [argument(default, None, k) for k in ("validation_alias", "alias", "env")]
        for each in given:
            match each:
                case t.Seq(items=choices):
                    found = choices
                case t.Call(func=func, args=choices) if values.code.name(func, scope).endswith(".AliasChoices"):  # fmt: skip
                    found = choices
                case _:
                    found = [each] if each is not None else []
            if names := [n for c in found if (n := values.text(c, scope))]:
                return names
        return [prefix + self.name.upper()]

    def setting(self, values: Evaluator, scope: Scope, prefix: str) -> Setting:
        names, default = self.names(values, scope, prefix), self.node.value
        name = names[0] if names else prefix + self.name.upper()
        if isinstance(default, t.Call) and values.code.name(default.func, scope).endswith(".Field"):
            made = argument(default, None, "default_factory")
            default = argument(default, 0, "default")
            if isinstance(made, t.Lambda):
                default = made.body
        if isinstance(default, t.Name) and default.id == "...":
            default = None
        worth = values.value(default, scope) if default is not None else None
        nothing = isinstance(worth, Known) and worth.value is None
        worth = None if nothing else worth
        return Setting(name, worth, place_of(Located(self.node, scope)), nothing)


def _fields(found: Located) -> Iterator[_Field]:
    told = dict(_told_names(found))
    for stmt in found.node.body:  # type: ignore[attr-defined]
        match stmt:
            case t.Assign(targets=[t.Name(id=name)]) if not name.startswith("_"):
                if name not in ("model_config", "Config"):
                    yield _Field(name, stmt, told.get(name))


def _told_names(found: Located) -> Iterator[tuple[str, t.Expr]]:
    """`fields = {"url": {"env": "DATABASE_URL"}}` of version 1's inner `Config`."""
    for stmt in found.node.body:  # type: ignore[attr-defined]
        for inner in stmt.body if isinstance(stmt, t.Class) and stmt.name == "Config" else ():
            match inner:
                case t.Assign(targets=[t.Name(id="fields")], value=t.Map(keys=keys, values=worth)):
                    for key, value in zip(keys, worth, strict=True):
                        if isinstance(key, t.Const) and isinstance(value, t.Map):
                            for name, told in zip(value.keys, value.values, strict=True):
                                if isinstance(name, t.Const) and name.value == "env":
                                    yield str(key.value), told


def _nested(
    values: Evaluator, field: _Field, scope: Scope, outer: Setting, delimiter: str, depth: int = 0
) -> Iterator[SettingRead]:
    """`APP_DB__HOST`: a field of a model of the tree, by `env_nested_delimiter`.

    Where the outer field has a default, the inner ones have theirs in it.
    """
    model = values.code.defined(field.node.annotation, scope) if field.node.annotation else None
    if not delimiter or depth > 4 or model is None or not isinstance(model.node, t.Class):
        return
    inner = values.code.inside(model)
    for part in _fields(model):
        setting = part.setting(values, inner, f"{outer.name}{delimiter}".upper())
        yield SettingRead(setting.name, _default(setting) or _default(outer), setting.place)
        yield from _nested(values, part, inner, setting, delimiter, depth + 1)


def _default(setting: Setting) -> Value | None:
    return Known(None, setting.place) if setting.optional else setting.default


def _prefix(values: Evaluator, found: Located) -> str:
    """`env_prefix` of `model_config` or of an inner `Config`."""
    return _configured(values, found, "env_prefix").upper()


def _configured(values: Evaluator, found: Located, key: str) -> str:
    for node in t.walk(*found.node.body):  # type: ignore[attr-defined]
        match node:
            case t.Call() if (given := argument(node, None, key)) is not None:
                return values.text(given, values.code.inside(found)) or ""
            case t.Assign(targets=[t.Name(id=name)], value=t.Const(value=str(text))) if name == key:
                return text
    return ""


@provides(SettingsClass)
def settings_classes(application: Application) -> Iterator[SettingsClass]:
    values = application.values
    for found in application.code.classes():
        if is_settings_class(values, found):
            name = found.node.name  # type: ignore[attr-defined]
            fields = tuple(field.name for field in _fields(found))
            yield SettingsClass(name, place_of(found, name), fields)


@provides(SettingRead)
def fields_read(application: Application) -> Iterator[SettingRead]:
    values = application.values
    for found in application.code.classes():
        if is_settings_class(values, found):
            prefix, inner = _prefix(values, found), application.code.inside(found)
            delimiter = _configured(values, found, "env_nested_delimiter")
            for field in _fields(found):
                setting = field.setting(values, inner, prefix)
                for name in field.names(values, inner, prefix):
                    yield SettingRead(name, _default(setting), setting.place)
                yield from _nested(values, field, inner, setting, delimiter)
