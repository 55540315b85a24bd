"""Which models of Tortoise are in the modules that its configuration names: of others it makes no table.

Source: https://tortoise.github.io/setup.html#discovery (what a module imports is found in it too).
"""

from __future__ import annotations

import functools

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.layout import module_name
from auditor.link.scopes import Module, Scope
from auditor.model.values import Known
from auditor.stores.sql.entities import Entity


class Registered:
    """Tells whether Tortoise surely never finds a model."""

    def __init__(self, application: Application) -> None:
        self.application, self.code = application, application.code

    def lacks(self, entity: Entity) -> bool:
        if entity.mapper != "tortoise" or entity.found is None or not self._listed:
            return False
        modules = [m for m in self.code.modules.values() if self._is_listed(m)]
        name: str = entity.found.node.name  # type: ignore[attr-defined]
        return bool(modules) and not any(
            module is entity.found.scope.module
            or name in module.scope.bindings
            or self.code.bound_through_star(name, module)
            for module in modules
        )

    def _is_listed(self, module: Module) -> bool:
        dotted = module_name(module.path)
        return any(f".{dotted}".endswith(f".{x}") or f".{x}".endswith(f".{dotted}") for x in self._listed or ())  # fmt: skip

    @functools.cached_property
    def _listed(self) -> set[str] | None:
        """The modules that are named anywhere; None where one cannot be told."""
        found: set[str] = set()
        for expr, scope in self._lists():
            told = self.application.values.value(expr, scope)
            names = told.value if isinstance(told, Known) else None
            if not isinstance(names, list) or not all(isinstance(x, str) for x in names):
                return None
            found.update(map(str, names))
        return found

    def _lists(self) -> list[tuple[t.Expr, Scope]]:
        """`modules={"app": ["app.models"]}`, `{"apps": {"app": {"models": ["app.models"]}}}`."""
        found: list[tuple[t.Expr, Scope]] = []
        every = (x for module in self.code.modules.values() for x in self.code.nodes(module))
        for node, scope in every:
            for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, t.Map) else ():  # fmt: skip
                if isinstance(key, t.Const) and key.value == "models" and isinstance(value, t.Seq | t.Name):  # fmt: skip
                    found.append((value, scope))
        for site in self.code.method_calls("register_tortoise", "RegisterTortoise", "init"):
            for keyword in site.node.keywords:
                if keyword.name == "modules" and isinstance(keyword.value, t.Map):
                    found += ((value, site.scope) for value in keyword.value.values)
                elif keyword.name == "modules":
                    found.append((keyword.value, site.scope))  # of which nothing is told
        return found
