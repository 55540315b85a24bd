"""environ-config: classes whose attributes are `environ.var()`, in groups below a prefix.

https://environ-config.readthedocs.io/: the name is PREFIX_GROUP_ATTRIBUTE unless one is told; the
prefix is APP where none is.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import Located, argument, place_of
from auditor.link.values import Evaluator
from auditor.model.settings import SettingRead

_DECORATOR = "environ.config"
_GROUPS = {"environ.group", "environ._environ_config.group"}
_MOST = 6


def _decorated(values: Evaluator, found: Located) -> t.Expr | None:
    for decorator in found.node.decorators:  # type: ignore[attr-defined]
        func = t.callee(decorator)
        if values.code.name(func, found.scope) == _DECORATOR:
            return decorator  # type: ignore[no-any-return]
    return None


@provides(SettingRead)
def environ_config_reads(application: Application) -> Iterator[SettingRead]:
    values = application.values
    code = application.code
    classes = [(c, d) for c in code.classes() if (d := _decorated(values, c)) is not None]
    grouped = {
        id(inner.node)
        for site in code.calls(*_GROUPS) if classes
        for inner in [code.defined(site.node.args[0], site.scope) if site.node.args else None]
        if inner is not None
    }  # fmt: skip
    for found, decorator in classes:
        if id(found.node) not in grouped:
            prefix = "APP"
            given = argument(decorator, None, "prefix") if isinstance(decorator, t.Call) else None
            if given is not None:
                prefix = values.text(given, found.scope) or ""
            yield from _class(values, found, (prefix,) if prefix else (), 0)


def _class(
    values: Evaluator, found: Located, path: tuple[str, ...], depth: int
) -> Iterator[SettingRead]:
    inner = values.code.inside(found)
    for stmt in found.node.body:  # type: ignore[attr-defined]
        match stmt:
            case t.Assign(targets=[t.Name(id=attribute)], value=t.Call() as made):
                name = values.code.name(made.func, inner)
            case _:
                continue
        if name in _GROUPS and made.args and depth < _MOST:
            below = values.code.defined(made.args[0], inner)
            if below is not None and isinstance(below.node, t.Class):
                yield from _class(values, below, (*path, attribute), depth + 1)
        elif name in ("environ.var", "environ.bool_var") or name.startswith("environ.secrets."):
            told = values.text(argument(made, None, "name"), inner)
            default = argument(made, 0 if name != "environ.bool_var" else None, "default")
            worth = values.value(default, inner) if default is not None else None
            place = place_of(Located(stmt, inner))
            yield SettingRead(told or "_".join((*path, attribute)).upper(), worth, place)
