"""Classes of pydantic-settings, which gather settings and check them at start.

A field is the environment variable of its prefixed name, letter case ignored, unless it has an alias;
fields of a nested model follow behind a delimiter
(https://docs.pydantic.dev/latest/concepts/pydantic_settings/).
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Located, Scope, argument
from auditor.link.values import Evaluator, place_of, reads_settings
from auditor.model.settings import SettingRead, SettingsClass
from auditor.model.values import Known, Setting, Value

_SETTINGS_BASES = {
    "pydantic_settings.BaseSettings",
    "pydantic_settings.main.BaseSettings",
    "pydantic.BaseSettings",
    "pydantic.env_settings.BaseSettings",
    "pydantic.v1.BaseSettings",
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
    def __init__(self, name: str, node: t.Assign) -> None:
        self.name, self.node = name, node

    def names(self, values: Evaluator, scope: Scope, prefix: str) -> list[str]:
        """What the environment calls it: its aliases, else its prefixed name."""
        default = self.node.value
        if isinstance(default, t.Call) and values.code.name(default.func, scope).endswith(".Field"):
            for keyword in ("alias", "validation_alias", "env"):
                match argument(default, None, keyword):
                    case t.Call(func=func, args=choices) if values.code.name(func, scope).endswith(
                        ".AliasChoices"
                    ):
                        return [n for c in choices if (n := values.text(c, scope))]
                    case given if alias := values.text(given, scope):
                        return [alias]
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
        if isinstance(worth, Known) and worth.value is None:
            worth = None
        return Setting(name, worth, place_of(Located(self.node, scope)))


def _fields(found: Located) -> Iterator[_Field]:
    for stmt in found.node.body:  # type: ignore[attr-defined]
        match stmt:
            case t.Assign(targets=[t.Name(id=name)]) if not name.startswith("_"):
                if name not in ("model_config", "Config"):
                    yield _Field(name, stmt)


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
        yield SettingRead(setting.name, setting.default or outer.default, setting.place)
        yield from _nested(values, part, inner, setting, delimiter, depth + 1)


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
                    yield SettingRead(name, setting.default, setting.place)
                yield from _nested(values, field, inner, setting, delimiter)
