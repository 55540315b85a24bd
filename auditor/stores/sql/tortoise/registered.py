"""Which models of Tortoise are in the modules that its configuration names: of others it makes no table, and refuses
to ask them anything.

Source: https://tortoise.github.io/setup.html#discovery (what a module imports is found in it too).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.layout import module_name
from auditor.link.scopes import Module, Scope
from auditor.model.values import Known
from auditor.stores.sql.entities import Entity
from auditor.stores.waiting.by_hand import ByHand

_SETS_UP = ("register_tortoise", "RegisterTortoise", "init", "init_models", "init_app")
_PUTS_IN = {"globals", "locals", "vars", "setattr", "import_module", "__import__"}
"""What gives a module classes that it does not name."""


class Registered:
    """Tells whether Tortoise surely never finds a model."""

    def __init__(self, application: Application) -> None:
        self.application, self.code = application, application.code

    def lacks(self, entity: Entity) -> bool:
        if entity.mapper != "tortoise" or entity.found is None or not self._listed:
            return False
        own: str = entity.found.node.name  # type: ignore[attr-defined]
        return bool(self._modules) and not any(
            module is entity.found.scope.module or self._may_have(module, own)
            for module in self._modules
        )

    def _may_have(self, module: Module, name: str) -> bool:
        """Whether a module has a class, by its own name or another, or may have any."""
        bindings = module.scope.bindings
        imported = (b.target.rpartition(".")[2] for many in bindings.values() for b in many)
        if name in bindings or "__models__" in bindings or name in imported:
            return True
        if self.code.bound_through_star(name, module):
            return True
        calls = (node for node, _ in self.code.nodes(module) if isinstance(node, t.Call))
        return any(t.last_word(call.func) in _PUTS_IN for call in calls)

    @functools.cached_property
    def _modules(self) -> list[Module]:
        return [m for m in self.code.modules.values() if self._is_listed(module_name(m.path))]

    def _is_listed(self, dotted: str) -> bool:
        return any(f".{dotted}".endswith(f".{x}") or f".{x}".endswith(f".{dotted}") for x in self._listed or ())  # fmt: skip

    @functools.cached_property
    def _listed(self) -> set[str] | None:
        """The modules that are named anywhere; None where one cannot be told."""
        found: set[str] = set()
        own = self._of_program()
        for expr, scope in self._lists() if own is None else own:
            told = self.application.values.value(expr, scope) if expr is not None else None
            names = told.value if isinstance(told, Known) else None
            names = [names] if isinstance(names, str) else names
            if not isinstance(names, list) or not all(isinstance(x, str) for x in names):
                return None
            found.update(map(str, names))
        return None if "__main__" in found else found

    def _of_program(self) -> list[tuple[t.Expr | None, Scope]] | None:
        """What the web application itself is set up with, whatever else a file lists for Aerich or a script; None
        where that is not told."""
        sites = [
            site
            for site in self.code.method_calls(*_SETS_UP)
            if self.code.name(site.node.func, site.scope).startswith("tortoise.")
        ]
        if not sites:
            return None
        by_hand = ByHand(self.application)
        sites = [x for x in sites if x.path not in by_hand.scripts]
        if not any(x.path in by_hand.reach.modules for x in sites):
            return None
        found: list[tuple[t.Expr | None, Scope]] = []
        for site in sites:
            at = 1 if t.last_word(site.node.func) == "register_tortoise" else 0
            modules = site.arg(None, "modules")
            given = modules if modules is not None else site.arg(at, "config")
            told = self.application.values.sources(given, site.scope)
            if not (len(told) == 1 and isinstance(told[0].node, t.Map)):
                return None
            listed: list[t.Expr | None] = [*told[0].node.values]
            if modules is None:
                listed = [x for node in t.walk(told[0].node) if isinstance(node, t.Map) for x in _of_application(node)]  # fmt: skip
                if not listed:
                    return None
            found += [(each, told[0].scope) for each in listed]
        changed = any(
            _puts_in(x) for m in self.code.modules.values() for x, _ in self.code.nodes(m)
        )
        return None if changed else found

    def _lists(self) -> Iterator[tuple[t.Expr | None, Scope]]:
        """`modules={"app": ["app.models"]}`, `{"apps": {"app": {"models": ["app.models"]}}}`; None for what may be any."""
        for module in self.code.modules.values():
            for node, scope in self.code.nodes(module):
                if _puts_in(node):
                    yield None, scope
                elif isinstance(node, t.Map):
                    yield from ((given, scope) for given in _of_application(node))
                elif isinstance(node, t.Call) and t.last_word(node.func) in ("dict", "AppConfig"):
                    yield from ((k.value, scope) for k in node.keywords if k.name == "models")
        for site in self.code.method_calls(*_SETS_UP):
            for keyword in site.node.keywords:
                if keyword.name == "modules" and isinstance(keyword.value, t.Map):
                    yield from ((value, site.scope) for value in keyword.value.values)
                elif keyword.name == "modules":
                    yield keyword.value, site.scope  # of which nothing is told
                elif keyword.name == "config_file":
                    yield None, site.scope
            if t.last_word(site.node.func) == "init_models":
                yield site.arg(0, "models_paths"), site.scope


def _of_application(node: t.Map) -> Iterator[t.Expr]:
    """The list of models in what a configuration says of an application."""
    told = {key.value: value for key, value in zip(node.keys, node.values, strict=True) if isinstance(key, t.Const)}  # fmt: skip
    given = told.get("models")
    if given is not None and not isinstance(given, t.Map):
        if isinstance(given, t.Seq | t.Name) or "default_connection" in told:
            yield given


def _puts_in(node: t.Node) -> bool:
    """`config["apps"]["shop"]["models"].append(name)`, `… += names`."""
    match node:
        case t.Call(
            func=t.Attr(
                value=t.Item(index=t.Const(value="models")), name="append" | "extend" | "insert"
            )
        ):
            return True
        case t.Assign(targets=[t.Item(index=t.Const(value="models"))]):
            return True
    return False


@provides(Registered)
def registered(application: Application) -> list[Registered]:
    return [Registered(application)]
