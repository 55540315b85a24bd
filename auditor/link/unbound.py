"""How names are bound: the scope that does, and names that nothing binds, by which code would not run.

Sources: https://docs.python.org/3/reference/executionmodel.html#naming-and-binding. Whatever may bind a name binds it: a `*`
of a package, `exec`, `globals()`, an attribute that another module sets.
"""

from __future__ import annotations

import functools
import re

from auditor.extract.python import tree as t
from auditor.link.imports import BUILTINS, Imports
from auditor.link.scopes import Binding, Module, Scope

_GIVEN = re.compile(
    r"__\w+__$|_{1,2}$|N_$|n?gettext$|ic$|get_ipython$|display$|dbutils$|spark$|reveal_\w+$|_?[A-Z]\w{0,2}$"
    r"|(?:unicode|basestring|long|xrange|raw_input|unichr|reduce|file|cmp|execfile|reload|intern|apply|buffer|coerce)$"
)
"""Names that something outside puts into a module or among the builtins, parameters of types (`class Box[T]`), and the
builtins of Python 2, by which a tree may still be run."""
_WRITES_NAMES = {"exec", "execfile", "globals", "vars"}


class Unbound(Imports):
    """Tells by Python's rules what binds a name."""

    def find(self, name: str, scope: Scope) -> tuple[Scope, list[Binding]] | None:
        """The nearest scope that binds `name`, by Python's rules, and how it does."""
        here: Scope | None = scope
        while here is not None:
            if here is scope or not isinstance(here.owner, t.Class):
                if bindings := here.bindings.get(name):
                    return here, bindings
            here = here.parent
        return None

    def is_unbound(self, expr: t.Expr, scope: Scope) -> bool:
        """Whether an expression begins with a name that its module cannot know: it would not run."""
        while isinstance(expr, t.Attr):
            expr = expr.value
        if not isinstance(expr, t.Name) or not expr.id.isidentifier():
            return False
        if self.find(expr.id, scope) is not None:
            return False
        return expr.id not in BUILTINS and not self.may_bind(scope.module, expr.id)

    @functools.cache  # noqa: B019 - one Code lives as long as the audit
    def may_bind(self, module: Module, name: str) -> bool:
        """Whether something may bind a name for all code of a module that no statement of the module itself binds."""
        if _GIVEN.match(name) or self._is_set(module, name):
            return True
        if self.imports("builtins", "__builtin__"):  # something is put there, perhaps
            return True
        if "*" in module.scope.bindings and self._may_bring(module, name):
            return True
        return self.writes_names(module) or name in self._declared(module)

    def may_have(self, module: Module, name: str) -> bool:
        """Whether a module may have an attribute, submodules aside."""
        bound = module.scope.bindings
        return name in bound or "__getattr__" in bound or self.may_bind(module, name)

    def writes_names(self, module: Module) -> bool:
        """Whether a module makes names by code of its own: `globals()[name] = x`, `sys.modules[__name__]`."""
        return module.path in self._writing

    @functools.cached_property
    def _writing(self) -> frozenset[str]:
        calls = self.method_calls(*sorted(_WRITES_NAMES))
        return frozenset(
            site.path
            for site in calls
            if isinstance(site.node.func, t.Name)
            and not (site.node.func.id == "vars" and site.node.args)
        ) | {
            scope.module.path
            for item, scope in self.of_kind(t.Item)
            if t.dotted(item.value) == "sys.modules" or t.last_word(item.value) == "__dict__"
        }

    def _may_bring(self, module: Module, name: str) -> bool:
        """Whether a `*` may bring a name: of a package outside of the tree, any."""
        if self._foreign_stars(module, 0) or self._starred(module, name, 0):
            return True
        seen, left = {module.path}, [module]
        while left:
            for star in self._star_sources(left.pop(), 0):
                if not star.startswith("module:"):
                    return True
                each = self.modules[star.removeprefix("module:")]
                if name in each.scope.bindings or name in self._declared(each):
                    return True
                if self.writes_names(each) or self._is_set(each, name):
                    return True
                if each.path not in seen:
                    seen.add(each.path)
                    left.append(each)
        return False

    @functools.cache  # noqa: B019 - one Code lives as long as the audit
    def _declared(self, module: Module) -> frozenset[str]:
        """What functions of a module declare `global`, and what comprehensions of it go through."""
        found: set[str] = set()
        for node, _ in self.nodes(module):
            match node:
                case t.Jump(kind=kind):
                    found.update(kind.split()[1:])
                case t.Comp(loops=loops):
                    inner = t.walk(*(loop.target for loop in loops))
                    found.update(n.id for n in inner if isinstance(n, t.Name))
        return frozenset(found)

    def _is_set(self, module: Module, name: str) -> bool:
        """Whether code of the tree sets an attribute of this name on the module: `views.db = db`."""
        own = f"module:{module.path}"
        return any(
            target is None or self._named(target, scope) == own
            for target, scope in self.set_attributes.get(name, ())
        )

    def _named(self, expr: t.Expr, scope: Scope) -> str:
        """The canonical name of an expression."""
        raise NotImplementedError

    @functools.cached_property
    def set_attributes(self) -> dict[str, list[tuple[t.Expr | None, Scope]]]:
        """What attributes are set on, by their names; None for whatever `setattr` may set them on."""
        found: dict[str, list[tuple[t.Expr | None, Scope]]] = {}
        for assign, scope in self.of_kind(t.Assign):
            for target in t.walk(*assign.targets):
                if isinstance(target, t.Attr):
                    found.setdefault(target.name, []).append((target.value, scope))
        withs = ((x, scope) for stmt, scope in self.of_kind(t.With) for x in stmt.targets)
        loops = ((stmt.target, scope) for stmt, scope in self.of_kind(t.For))
        for bound, scope in (*withs, *loops):
            if isinstance(bound, t.Attr):
                found.setdefault(bound.name, []).append((bound.value, scope))
        for site in self.method_calls("setattr"):
            match site.arg(1):
                case t.Const(value=str(name)):
                    found.setdefault(name, []).append((None, site.scope))
        return found
