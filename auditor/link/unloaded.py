"""Modules of a tree that no import ever loads, whatever they hold: they are no part of the program.

A module beside a package of its name, `views.py` beside `views/__init__.py`: Python takes the package
(https://docs.python.org/3/library/importlib.html#importlib.machinery.FileFinder). What lies in a folder that is no package
beside a module of its name, `models/orders.py` beside `models.py`: Python takes the module. Copies that a Django project holds
of its own packages, in a folder from which nothing imports: `media/shop` beside `shop`. And what a folder keeps as a
backup of the program beside it: `backups/2025-08/app` beside `app`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator

from auditor.extract.python import tree as t

_ENTRIES = ("manage.py", "wsgi.py", "asgi.py")
_HOLDS_FILES = {
    "media", "mediafiles", "media_root", "uploads", "static", "staticfiles", "static_root", "assets", "public", "dist", "build",
    "copy", "temp", "tmp", "trash", "archive",
}  # fmt: skip
"""Folders from which nothing is served as a program, whatever was copied there."""

_BACKUP = re.compile(r"(?:backups?|bak|old)(?:[-_. ].+)?", re.IGNORECASE)
"""What folders may be called that keep an earlier state of a program."""

Bodies = dict[str, list[t.Stmt]]


def unloaded(bodies: Bodies) -> frozenset[str]:
    """The paths of such modules."""
    beside = {path for path, body in bodies.items() if _is_shadowed(path, body, bodies)}
    texts = {text.rpartition("/")[2] for body in bodies.values() for text in _texts(body)} if beside else set()  # fmt: skip
    beside = {
        path for path in beside if path.rpartition("/")[2] not in texts
    }  # `from_pyfile("config.py")`
    beside |= _behind(bodies)
    return frozenset(beside | _copies({p: body for p, body in bodies.items() if p not in beside}))


def _is_shadowed(path: str, body: list[t.Stmt], paths: Collection[str]) -> bool:
    """Whether a package of the same name lies beside a module which does nothing when it is run as a program."""
    return f"{path.removesuffix('.py')}/__init__.py" in paths and not any(map(_acts, body))


def _behind(bodies: Bodies) -> set[str]:
    """What lies in folders that are no packages, beside modules of their names of which the tree imports what they define.

    None where something in the folder is run as a program, or may be loaded from there by another name or by its path.
    """
    inside: dict[str, set[str]] = {}
    for path in bodies:
        folders = path.split("/")[:-1]
        for at in range(1, len(folders) + 1):
            folder = "/".join(folders[:at])
            if f"{folder}.py" in bodies and f"{folder}/__init__.py" not in bodies:
                inside.setdefault(folder, set()).add(path)
    texts = {text for body in bodies.values() for text in _texts(body)} if inside else set()
    words = {x.rpartition("/")[2].partition(".")[0] for x in texts if "." in x}
    return {
        path
        for folder, paths in inside.items()
        if _gives(folder, bodies[f"{folder}.py"], texts)
        and words.isdisjoint(names := _roots(folder, paths))
        and all(map(str.isidentifier, names))  # `001_orders.py` is loaded by its path
        and not any(_acts(stmt) for each in paths for stmt in bodies[each])
        for path in paths
    }


def _gives(folder: str, module: list[t.Stmt], texts: Collection[str]) -> bool:
    """Whether the tree imports from a module what it defines, and it does nothing when it is run as a program."""
    name = folder.rpartition("/")[2]
    defined = tuple(f".{name}.{s.name}" for s in module if isinstance(s, t.Function | t.Class))
    return any(f".{text}".endswith(defined) for text in texts) and not any(map(_acts, module))


def _roots(folder: str, paths: Collection[str]) -> set[str]:
    """What imports that begin in a folder may begin with, and what its files are called."""
    inner = [path.removeprefix(f"{folder}/").removesuffix(".py").split("/") for path in paths]
    return {name for parts in inner for name in (parts[0], parts[-1])}


def _acts(stmt: t.Stmt) -> bool:
    match stmt:
        case t.Do(value=t.Const()):
            return False
        case t.Assign(targets=targets):
            return any(t.last_word(x) in ("app", "application") for x in targets)
        case (
            t.If(test=t.Compare(left=t.Name(id="__name__")))
            | t.Do()
            | t.For()
            | t.While()
            | t.With()
        ):
            return True
    return False


def _copies(bodies: Bodies) -> set[str]:
    """What lies in packages of which a Django project, or a program with a backup of it, has the same nearer to its root."""
    projects = {path.removesuffix("manage.py") for path in bodies if f"/{path}".endswith("/manage.py")}  # fmt: skip
    copied: Counter[tuple[str, str]] = Counter()
    for path in bodies:
        parts = path.split("/")
        above, in_backup = [""], False
        for at in range(1, len(parts) - 1):
            folder, rest = f"{above[-1]}{parts[at - 1]}/", "/".join(parts[at:])
            in_backup = in_backup or _is_backup(parts[at - 1])
            roots = above if in_backup else projects.intersection(above)
            if any(
                f"{root}{rest}" in bodies and not f"{root}{rest}".startswith(folder)
                for root in roots
            ):
                copied[folder, parts[at]] += 1
            above.append(folder)
    found: set[str] = set()
    for (folder, package), count in copied.items():
        kept = folder if _is_backup(folder) else f"{folder}{package}/"
        inside = {path for path in bodies if path.startswith(kept)}
        same = count > 1 and (kept == folder or 2 * count >= len(inside))
        if same and _is_aside(folder, package, bodies):
            found |= inside
    return found


def _is_backup(folder: str) -> bool:
    return any(_BACKUP.fullmatch(name) for name in folder.split("/"))


def _is_aside(folder: str, package: str, bodies: Bodies) -> bool:
    """Whether nothing imports a package from a folder, and no server or command starts there."""
    name = folder.rstrip("/").rpartition("/")[2]
    starts = any(p.startswith(folder) and p.rpartition("/")[2] in _ENTRIES for p in bodies)
    kept = name.lower() in _HOLDS_FILES or _is_backup(folder)
    if f"{folder}__init__.py" in bodies or (starts and not kept):
        return False
    outside = (body for path, body in bodies.items() if not path.startswith(folder))
    return not any(_speaks_of(body, name, package) for body in outside)


def _speaks_of(body: list[t.Stmt], folder: str, package: str) -> bool:
    """Whether a module names a package in a folder, or puts the folder on the path of imports."""
    texts = set(_texts(body))
    on_path = any(isinstance(n, t.Attr) and t.dotted(n) == "sys.path" for n in t.walk(*body))
    return any(f"{folder}.{package}" in text for text in texts) or (
        on_path and any(folder in text.split("/") for text in texts)
    )


def _texts(body: list[t.Stmt]) -> Iterator[str]:
    for node in t.walk(*body):
        match node:
            case t.Import(module=module, names=names):
                yield from (f"{module}.{name}" for name, _ in names)
            case t.Const(value=str(text)):
                yield text
