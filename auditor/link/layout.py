"""Where the modules of a tree lie, and from which directories an import may start."""

from __future__ import annotations

import functools
from collections import defaultdict
from pathlib import PurePosixPath

from auditor.link.scopes import Module


class Layout:
    """Directories and files as Python's import system sees them."""

    def __init__(self, modules: dict[str, Module]) -> None:
        self.modules = modules

    @functools.cached_property
    def stems(self) -> frozenset[str]:
        """Paths of the modules without their ending, and of the directories that hold some."""
        found = {path.removesuffix(".py") for path in self.modules}
        return frozenset(
            found | {str(up) for path in self.modules for up in PurePosixPath(path).parents}
        )

    @functools.cached_property
    def namespaces(self) -> frozenset[str]:
        """Names of directories that hold modules, at any depth, and no `__init__.py` (PEP 420)."""
        holding = {str(above) for path in self.modules for above in PurePosixPath(path).parents}
        return frozenset(
            PurePosixPath(x).name for x in holding if f"{x}/__init__.py" not in self.modules
        ) - {""}

    @functools.cached_property
    def workspaces(self) -> dict[str, list[str]]:
        """Packages of a workspace: `worker_lib` -> the directory `libs/worker-lib` or its `src`."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.modules:
            package = PurePosixPath(path).parent
            root = package.parent
            if path.endswith("/__init__.py") and root.name:
                project = root.parent.name if root.name == "src" else root.name
                if project.replace("-", "_").lower() == package.name.lower():
                    found[package.name].append(str(root))
        return found

    def at(self, root: str, parts: list[str]) -> Module | None:
        """The package or module of a dotted name below a directory."""
        stem = below(root, parts)
        package = self.modules.get(f"{stem}/__init__.py" if stem else "__init__.py")
        return package or self.modules.get(f"{stem}.py")

    @functools.cache  # noqa: B019 - one Layout lives as long as the audit
    def roots(self, path: str) -> tuple[str, ...]:
        """Directories an absolute import may start from: the package's root, then those above.

        Last come the directories inside the package, for files run as scripts.
        """
        above = [str(p) for p in PurePosixPath(path).parents]
        packages = [p for p in above if f"{p}/__init__.py".removeprefix("./") in self.modules]
        outer = [p for p in above if p not in packages]
        sources = [f"{p}/src".removeprefix("./") for p in outer]
        return (*outer, *sources, *packages)


def below(root: str, parts: list[str]) -> str:
    """The path of a module below a directory, without its ending."""
    return "/".join(([] if root in (".", "") else [root]) + parts)


def module_name(path: str) -> str:
    """The dotted name of a module from the root of the tree: `shop.urls` of `shop/urls.py` and `shop/urls/__init__.py`."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def ends(name: str) -> list[str]:
    """What a module may be called from each folder above it: `a.b.c`, `b.c`, `c`."""
    parts = name.split(".")
    return [".".join(parts[at:]) for at in range(len(parts))]
