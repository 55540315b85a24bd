"""Which modules code may import by names that it makes up: those below what all such names begin with.

`import_module(f"shop.plugins.{name}")` imports nothing outside of `shop/plugins/`.
Sources: https://docs.python.org/3/library/importlib.html#importlib.import_module and pkgutil.html there.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.layout import ends, module_name
from auditor.link.mentions import Mentions
from auditor.link.reach import imported_from
from auditor.link.scopes import CallSite, Located, Scope
from auditor.model.settings import SettingDefinition
from auditor.model.values import Known, Setting

_BY_NAME = {"import_module", "__import__", "find_modules", "run_module", "import_string"}
_BY_PATH = {"walk_packages", "load_module", "run_path", "exec_module"}
"""`walk_packages` imports the packages below a path; the others load whatever they are given."""
_DEEPEST = 6
_OPEN = "*"
"""At the end of a name: it goes on, nobody knows how."""


class MadeUp:
    """Tells which modules of a tree may be imported by a name that stands in no import."""

    def __init__(self, application: Application) -> None:
        self.application, self.code = application, application.code

    def may_be(self, path: str) -> bool:
        """Whether a module, or one that imports it, may be imported so."""
        return self.below is None or path in self._with_imports

    @functools.cached_property
    def below(self) -> frozenset[str] | None:
        """The paths of the modules that may be imported so; None where it may be any."""
        names = {
            name
            for site in self.code.method_calls(*sorted(_BY_NAME | _BY_PATH))
            for name in self._asked_for(site)
        }
        stems = {name.rpartition(".")[0] if name.endswith(_OPEN) else name for name in names}
        if not all(stems):
            return None
        return frozenset(
            path
            for path in self.code.modules
            for end in ends(module_name(path))
            if _is_below(end, stems)
        )

    @functools.cached_property
    def _with_imports(self) -> set[str]:
        return imported_from(self.code, {*(self.below or ())})

    def _asked_for(self, site: CallSite) -> Iterable[str]:
        last = t.last_word(site.node.func)
        if last == "walk_packages":
            match site.arg(0, "path"):
                case t.Attr(value=value, name="__path__"):
                    return self._module(value, site.scope)
                case t.Name(id="__path__"):
                    return {module_name(site.path)}
            return {_OPEN}
        if last in _BY_PATH:
            return {_OPEN}
        found = self._names(site.arg(0, "name", "import_path", "import_name", "mod_name"), site.scope)  # fmt: skip
        if not any(name.startswith(".") for name in found):
            return found
        packages = self._names(site.arg(1, "package"), site.scope)
        return {
            package if package.endswith(_OPEN) else f"{package}.{name.lstrip('.')}"
            for name in found
            for package in packages
        }

    # --- what a name may be, as far as it can be told

    def _names(self, expr: t.Expr | None, scope: Scope, depth: int = 0) -> set[str]:
        if depth > _DEEPEST:
            return {_OPEN}
        match expr:
            case t.Const(value=str(text)):
                return {text}
            case t.Text(parts=parts):
                return self._joined(parts, scope, depth)
            case t.BinOp(op="+", left=left, right=right):
                return self._joined([left, right], scope, depth)
            case t.BinOp(op="%", left=t.Const(value=str(text))):
                return {text.partition("%")[0] + _OPEN}
            case t.Call(func=t.Attr(value=t.Const(value=str(text)), name="format")):
                return {text.partition("{")[0] + _OPEN}
            case t.Name(id="__name__"):
                return {module_name(scope.module.path)}
            case t.Name(id="__package__"):
                return {_package(scope.module.path)}
            case t.Attr(value=value, name="__name__"):
                return self._module(value, scope, depth)
            case t.Name(id=name):
                return self._meant(name, scope, depth) or self._worth(expr, scope)
            case t.Attr() | t.Call():
                return self._worth(expr, scope)
        return {_OPEN}

    def _joined(self, parts: list[t.Expr], scope: Scope, depth: int) -> set[str]:
        found = {""}
        for part in parts:
            after = self._names(part, scope, depth + 1)
            found = {x if x.endswith(_OPEN) else x + y for x in found for y in after}
        return found

    def _module(self, expr: t.Expr, scope: Scope, depth: int = 0) -> set[str]:
        """The names of the module that an expression stands for."""
        name = self.code.name(expr, scope)
        if name.startswith("module:"):
            return {module_name(name.removeprefix("module:"))}
        found = self.code.find(expr.id, scope) if isinstance(expr, t.Name) else None
        match found[1] if found else None:
            case [binding] if isinstance(call := binding.part, t.Call):
                if t.last_word(call.func) in _BY_NAME and call.args:
                    return self._names(call.args[0], scope, depth + 1)
        return {_OPEN}

    def _meant(self, name: str, scope: Scope, depth: int) -> set[str]:
        """What a parameter is given, and what a loop goes through."""
        bound = self.code.find(name, scope)
        if bound is None:
            return set()
        where, bindings = bound
        found: set[str] = set()
        for binding in bindings:
            if binding.kind == "parameter":
                found |= self._given(name, where, depth)
            elif binding.kind == "value" and binding.part is not None:
                found |= self._names(binding.part, where, depth + 1)
            elif binding.kind == "element" and binding.index is None:
                found |= self._elements(binding.value, where)
            else:
                found.add(_OPEN)
        return found

    def _given(self, name: str, inner: Scope, depth: int) -> set[str]:
        node, around = inner.owner, inner.parent
        if not isinstance(node, t.Function) or around is None or isinstance(around.owner, t.Class):
            return {_OPEN}
        position = next(i for i, p in enumerate(node.params) if p.name == name)
        default = node.params[position].default
        found = self._names(default, around, depth + 1) if default is not None else set()
        (mentions,) = self.application.facts(Mentions)
        for site in mentions.of(Located(node, around)):
            call = mentions.call(site)
            given = call.arg(position, name) if call is not None else None
            if given is not None and call is not None:
                found |= self._names(given, call.scope, depth + 1)
            elif call is None or default is None:
                found.add(_OPEN)
        return found

    def _elements(self, expr: t.Expr | None, scope: Scope) -> set[str]:
        """What a loop over a list that is kept elsewhere goes through: `for name in PLUGINS`."""
        match self.application.values.value(expr, scope):
            case Known(value=[*items]) if items and all(isinstance(x, str) for x in items):
                return set(items)
        return {_OPEN}

    def _worth(self, expr: t.Expr, scope: Scope) -> set[str]:
        match self.application.values.value(expr, scope):
            case Known(value=str(text)):
                return {text}
            case Setting(name=name, default=Known(value=str(text))):
                told = self.code.module_of(text, scope) is not None
                module = text if told else text.rpartition(".")[0]
                beside = module.rpartition(".")[0]  # where others lie that do the same
                return {f"{beside}.{_OPEN}".lstrip("."), *self._defined.get(name, ())}
        return {_OPEN}

    @functools.cached_property
    def _defined(self) -> dict[str, set[str]]:
        """What the tree's files of the environment give each setting."""
        found: dict[str, set[str]] = defaultdict(set)
        for given in self.application.facts(SettingDefinition):
            found[given.name].add(given.value or _OPEN)
        return found


def _package(path: str) -> str:
    name = module_name(path)
    return name if path.endswith("__init__.py") else name.rpartition(".")[0]


def _is_below(name: str, stems: set[str]) -> bool:
    return any(name == stem or name.startswith(f"{stem}.") for stem in stems)
