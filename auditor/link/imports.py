"""What an import names: modules of the tree, what they bind and hand on, packages outside of it.

Sources: https://docs.python.org/3/reference/import.html,
https://docs.python.org/3/reference/simple_stmts.html#the-import-statement.
"""

from __future__ import annotations

import builtins
import functools
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

from auditor.extract.python import tree as t
from auditor.link.index import Index
from auditor.link.layout import Layout, below
from auditor.link.scopes import Binding, Module, Scope
from auditor.link.stars import starred

BUILTINS = frozenset(dir(builtins))


class Imports(Index):
    """Follows imports through the modules of the tree."""

    def __init__(self, modules: Iterable[Module]) -> None:
        super().__init__(modules)
        self._layout = Layout(self.modules)
        self._stars: dict[tuple[str, str], str] = {}

    # --- what `names` does

    def _bound(self, binding: Binding, scope: Scope, depth: int) -> str:
        """The canonical name of what a binding gives its name."""
        raise NotImplementedError

    def _member(self, base: str, name: str, depth: int) -> str:
        """The canonical name of an attribute of something that has one."""
        raise NotImplementedError

    # --- modules

    def module_of(self, target: str, scope: Scope) -> Module | None:
        """The module of the tree that an import target (with its leading dots) names."""
        module = scope.module
        if not target.startswith("."):
            for root in self._roots(module.path):
                found = self._layout.at(root, target.split("."))
                if found is not None and found is not module:
                    return found
        name = self._imported(target, module, 0)
        return self.modules[name[7:]] if name.startswith("module:") else None

    def _imported(self, target: str, module: Module, depth: int) -> str:
        """The canonical name of a dotted import target as written in `module`."""
        if target.startswith("."):
            return self._relative(target, module, depth)
        parts = target.split(".")
        roots = [*self._roots(module.path), *self._layout.workspaces.get(parts[0], ())]
        if len(parts) == 1 and (wanted := _submodules(module, target)):
            roots.sort(key=lambda root: not any(self._layout.at(root, below) for below in wanted))
        for root in roots:
            if name := self._walk_modules(root, parts, module, depth, 1):
                return name
        if parts[0] == self._own_name:
            return self._walk_modules("", parts[1:], module, depth) or target
        return target

    @functools.cached_property
    def _own_name(self) -> str:
        """What imports call the tree's root where it is itself a package: the name of its folder, which a checkout need not keep.

        That is no name of the tree, and most of what is imported below it is there.
        """
        if "__init__.py" not in self.modules:
            return ""
        found: Counter[str] = Counter()
        bindings = (
            b for m in self.modules.values() for bs in m.scope.bindings.values() for b in bs
        )
        for node in {id(b.node): b.node for b in bindings if b.kind == "import"}.values():
            assert isinstance(node, t.Import)
            for name, _ in node.names:
                parts = [*filter(None, node.module.split(".")), *name.split(".")]
                if len(parts) > 1 and name != "*" and not node.module.startswith("."):
                    found[parts[0]] += 1 if self._is_of_root(parts[1:]) else -1
        words = [
            word
            for word, count in found.items()
            if count > 0 and word not in self._layout.stems and word not in sys.stdlib_module_names
        ]
        return words[0] if len(words) == 1 else ""

    def _is_of_root(self, parts: list[str]) -> bool:
        """Whether a dotted name below the root is a module of the tree or what one binds."""
        if self._layout.at("", parts):
            return True
        holder = self._layout.at("", parts[:-1])
        return holder is not None and parts[-1] in holder.scope.bindings

    def _relative(self, target: str, module: Module, depth: int) -> str:
        rest = target.lstrip(".")
        base = PurePosixPath(module.path).parent
        for _ in range(len(target) - len(rest) - 1):
            base = base.parent
        return self._walk_modules(str(base), rest.split(".") if rest else [], module, depth)

    def _walk_modules(
        self, root: str, parts: list[str], importer: Module, depth: int, first: int = 0
    ) -> str:
        """Follow `parts` below a directory through packages, then through a module's names.

        The first `first` parts must be modules: `import os` in a package is not what its
        `__init__.py` calls `os`. All but the last part are modules where there are such, whatever
        their packages call by the same name.
        """
        longest = len(parts)
        if longest and below(root, parts[:1]) not in self._layout.stems:
            longest = 0  # most imports are of packages that are not in the tree
        if longest < first:
            return ""
        cuts = [*range(longest - 1, first - 1, -1), longest] if longest else [0]
        for cut in cuts:  # a name of the deepest package before the submodule of that name
            found = self._layout.at(root, parts[:cut])
            plain = (
                first == 1 and cut < 2
            )  # `from redis import Redis` of `kept/redis.py`: the package of that name
            if found is None or (
                found is importer and plain and not self._may_name_itself(found, root)
            ):
                continue
            if cut == 0 and parts and self._layout.at(root, parts[:1]):
                continue  # a submodule is reached through its own path, not through its package
            name = f"module:{found.path}"
            for part in parts[cut:]:
                name = self._member(name, part, depth)
            if name:
                return name
        return ""

    def _may_name_itself(self, module: Module, root: str) -> bool:
        """Whether a module may import from itself: a package, and not by its name within another."""
        inside = f"{root}/__init__.py".removeprefix("./") in self.modules
        return module.path.endswith("__init__.py") and not (
            inside and str(PurePosixPath(module.path).parent) != root
        )

    def _module_member(self, module: Module, name: str, depth: int, guessed: bool = True) -> str:
        for binding in reversed(module.scope.bindings.get(name, ())):
            if binding.kind == "import" and binding.target == f".{name}":
                continue  # `from . import name`: the submodule below
            if meaning := self._bound(binding, module.scope, depth):
                return meaning
        if module.path.endswith("__init__.py"):
            directory = str(PurePosixPath(module.path).parent)
            if found := self._layout.at(directory, [name]):
                if _brings_namesake(module, found, name):
                    return f"{found.path}:{name}"
                return f"module:{found.path}"
        if name in module.scope.bindings:
            return f"{module.path}:{name}"
        meaning = self._starred(module, name, depth)
        return meaning or (self._of_packages(module, name, depth) if guessed else "")

    def _starred(self, module: Module, name: str, depth: int) -> str:
        """What `name` means through a `from x import *` of `module`."""
        key = (module.path, name)
        if key not in self._stars:
            self._stars[key] = ""  # packages that import all of each other end here
            self._stars[key] = self._through_stars(module, name, depth)
        return self._stars[key]

    def _through_stars(self, module: Module, name: str, depth: int) -> str:
        for star in self._star_sources(module, depth):
            if star.startswith("module:"):
                if meaning := self._module_member(self.modules[star[7:]], name, depth + 1, False):
                    return meaning
        return ""

    @functools.cache  # noqa: B019 - one Code lives as long as the audit
    def bound_through_star(self, name: str, module: Module) -> str:
        """The path of the module whose binding of a name `from x import *` brings into `module`."""
        seen, left = {module.path}, [module]
        while left:
            for star in self._star_sources(left.pop(0), 0):
                path = star.removeprefix("module:")
                if path == star or path in seen:
                    continue
                if name in self.modules[path].scope.bindings:
                    return path
                seen.add(path)
                left.append(self.modules[path])
        return ""

    def _of_packages(self, module: Module, name: str, depth: int) -> str:
        """What a name that the tree nowhere binds means by a `from package import *`."""
        if name in BUILTINS:
            return ""
        key = (module.path, f"{name}*")
        if key not in self._stars:
            self._stars[key] = ""  # modules that import all of each other end here
            self._stars[key] = starred(self._foreign_stars(module, depth), name)
        return self._stars[key]

    def _star_sources(self, module: Module, depth: int) -> list[str]:
        targets = (b.target.removesuffix(".*") or "." for b in module.scope.bindings.get("*", ()))
        return [self._imported(target, module, depth) for target in targets]

    def _foreign_stars(self, module: Module, depth: int) -> list[str]:
        """Packages outside of the tree of which `module`, or what it imports all of, imports all."""
        found: dict[str, None] = {}
        seen, left = {module.path}, [module]
        while left:
            for star in self._star_sources(left.pop(), depth):
                if star.startswith("module:"):
                    if star[7:] in seen:
                        continue
                    seen.add(star[7:])
                    left.append(self.modules[star[7:]])
                elif star:
                    found.setdefault(star)
        return list(found)

    @functools.cache  # noqa: B019 - one Code lives as long as the audit
    def _roots(self, path: str) -> tuple[str, ...]:
        """Where an absolute import of a file may start; last, what the tree puts on `sys.path`."""
        return (*self._layout.roots(path), *self._on_path)

    @functools.cached_property
    def _on_path(self) -> list[str]:
        """`sys.path.insert(0, BASE_DIR / "apps")`: the directory of that name nearest to the file.

        Told by how it is spelt: names are told by it.
        """
        found: dict[str, None] = {}
        for site in (*self._calls.get("insert", ()), *self._calls.get("append", ())):
            func = site.node.func
            if not (isinstance(func, t.Attr) and t.dotted(func.value).endswith("sys.path")):
                continue
            texts = [n.value for n in t.walk(*site.node.args) if isinstance(n, t.Const)]
            words = "/".join(x for x in texts if isinstance(x, str)).split("/")
            tail = "/".join(word for word in words if word.strip("."))
            for above in PurePosixPath(site.path).parents if tail else ():
                directory = f"{above}/{tail}".removeprefix("./")
                if any(path.startswith(f"{directory}/") for path in self.modules):
                    found[directory] = None
                    break
        return list(found)


def _brings_namesake(package: Module, submodule: Module, name: str) -> bool:
    """Whether `from .Top import *` in a package puts the class `Top` over the file of that name."""
    starred = any(b.target == f".{name}.*" for b in package.scope.bindings.get("*", ()))
    return starred and any(b.kind == "definition" for b in submodule.scope.bindings.get(name, ()))


def _submodules(module: Module, package: str) -> list[list[str]]:
    """What a module imports below a package: `import users.views`, whatever `users.py` stands beside it."""
    nodes = (b.node for b in module.scope.bindings.get(package, ()) if b.kind == "import")
    return [
        name.split(".")
        for node in nodes
        if isinstance(node, t.Import) and not node.module
        for name, alias in node.names
        if not alias and name.startswith(f"{package}.")
    ]
