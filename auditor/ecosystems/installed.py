"""What would be installed: each manifest's dependencies with the versions that its lock file fixes.

A lock file belongs to the manifest beside it, and to those of the other members of its workspace. A requirements file that pip-compile or uv wrote is a lock file, its own and that of the file
it was made of.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from auditor.ecosystems.versions import scheme
from auditor.extract import packages
from auditor.link.application import Application, provides
from auditor.model.dependencies import Dependency, OutOfStep, Requirement
from auditor.model.places import Place


@dataclass
class Locked:
    """A lock file with its packages by name, and the requirements that it holds."""

    path: str
    ecosystem: str
    members: list[str] | None = None
    overridden: list[str] = field(default_factory=list)
    by_name: dict[str, list[packages.Locked]] = field(default_factory=lambda: defaultdict(list))
    requirements: list[Requirement] = field(default_factory=list)

    def holds(self, manifest: str) -> bool:
        """Whether it is the lock file of a manifest: of its own folder, or of a member of its workspace."""
        at, folder = (path.rpartition("/")[0] for path in (self.path, manifest))
        if at == folder:
            return True
        if self.members is None:
            return not at or folder.startswith(f"{at}/")
        return folder in (_beside(self.path, member) for member in self.members)

    def version_of(self, requirement: Requirement) -> packages.Locked | None:
        """The locked package that a requirement gets: the one that fits, else the first."""
        found = self.by_name.get(requirement.name, [])
        known = scheme(self.ecosystem)
        for each in found:
            if known is not None and known.admits(requirement.specifier, each.version):
                return each
        return found[0] if found else None


@provides(Locked)
def locked(application: Application) -> list[Locked]:
    """Every lock file, with the requirements of the manifests beside and below it."""
    found: dict[str, Locked] = {}
    for file, fact in application.of(packages.LockFile):
        found[file.path] = Locked(file.path, fact.ecosystem, fact.members, fact.overridden)
    own = {(p.ecosystem, p.name) for _, p in application.of(packages.Project)}
    for file, package in application.of(packages.Locked):
        if file.path in found and (package.ecosystem, package.name) not in own:
            found[file.path].by_name[package.name].append(package)
    for requirement in application.facts(Requirement):
        for lock in _locks_of(requirement, found.values()):
            lock.requirements.append(requirement)
    return list(found.values())


_LOCKED_BY = {
    "pyproject.toml": ("poetry.lock", "uv.lock", "pdm.lock", "pylock.toml"),
    "pipfile": ("pipfile.lock",),
    "package.json": ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml"),
}
"""Manifest -> the lock files that hold it."""


def _locks_of(requirement: Requirement, locks: Iterable[Locked]) -> list[Locked]:
    """The lock files of the nearest folder that has any for this manifest.

    A compiled requirements file holds itself, and the `.in` file beside it.
    """
    path = requirement.place.path
    name = path.rpartition("/")[2].lower()
    compiled = path.removesuffix(".in") + ".txt" if path.endswith(".in") else path
    wanted = _LOCKED_BY.get(name, ())
    holding = [
        lock
        for lock in locks
        if lock.path == compiled
        or (lock.path.rpartition("/")[2].lower() in wanted and lock.holds(path))
    ]
    nearest = max((lock.path.count("/") for lock in holding), default=0)
    return [lock for lock in holding if lock.path.count("/") == nearest]


@provides(OutOfStep)
def out_of_step(application: Application) -> Iterator[OutOfStep]:
    """What a manifest declares and its lock file does not hold so: somebody forgot to lock again."""
    for lock in application.facts(Locked):
        known = scheme(lock.ecosystem)
        if known is None or not lock.by_name:
            continue
        for requirement in lock.requirements:
            found = lock.version_of(requirement)
            if requirement.origin or (found is not None and found.origin):
                continue
            if found is None and requirement.conditional:
                continue
            if found is None:
                yield OutOfStep(requirement, lock.path, "")
            elif (
                known.admits(requirement.specifier, found.version) is False
                and requirement.name not in lock.overridden
            ):
                yield OutOfStep(requirement, lock.path, found.version)


@provides(Dependency)
def dependencies(application: Application) -> Iterator[Dependency]:
    """Each package of each lock file once, then what no lock file holds."""
    held: set[int] = set()
    for lock in application.facts(Locked):
        held.update(id(r) for r in lock.requirements if r.name in lock.by_name or r.conditional)
        yield from _of_lock(lock)
    constraints = _constraints(application)
    for requirement in application.facts(Requirement):
        if id(requirement) not in held:
            constrained = constraints.get(requirement.place.path, {}).get(requirement.name, "")
            version = requirement.exact or constrained
            yield Dependency(
                requirement.name,
                version,
                requirement.specifier,
                requirement.ecosystem,
                requirement.group,
                requirement.place,
                direct=True,
                pinned=bool(version or requirement.specifier.startswith("@"))
                or requirement.origin in ("path", "url"),
                origin=requirement.origin,
            )


_PINNED = re.compile(r"(?:===?|~=|\^|~)?\s*v?(\d+(?:\.\d+)*)")
"""A version, or a specifier that leaves no newer release with other behaviour open."""


def pinned(application: Application) -> dict[str, tuple[int, ...]]:
    """The versions of the packages from PyPI that are fixed, by their names in small letters."""
    found: dict[str, tuple[int, ...]] = {}
    for each in application.facts(Dependency):
        fixed = _PINNED.match(each.version or each.specifier)
        if each.ecosystem == packages.PYPI and fixed:
            found[each.name.lower()] = tuple(map(int, fixed[1].split(".")))
    return found


def _constraints(application: Application) -> dict[str, dict[str, str]]:
    """Requirements file -> package -> the version that the constraints it names (`-c`) give it."""
    exact: dict[str, dict[str, str]] = defaultdict(dict)
    for file, found in application.of(packages.Constraint):
        exact[file.path][found.name] = found.exact
    held: dict[str, dict[str, str]] = defaultdict(dict)
    for file, include in application.of(packages.Include):
        if include.constraint:
            held[file.path].update(exact.get(_beside(file.path, include.path), {}))
    return held


def _beside(path: str, target: str) -> str:
    """A path as it stands in a file, relative to the root."""
    parts = path.split("/")[:-1]
    for part in target.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/".join(parts)


def _of_lock(lock: Locked) -> Iterator[Dependency]:
    declared: dict[str, Requirement] = {}
    for each in sorted(lock.requirements, key=lambda r: (bool(r.group), bool(r.exact))):
        declared.setdefault(each.name, each)
    chains = _chains(lock, [name for name, r in declared.items() if not r.group])
    others = _chains(lock, [name for name in declared if name not in chains])
    told = any(each.requires for found in lock.by_name.values() for each in found)
    for name, found in lock.by_name.items():
        requirement = declared.get(name)
        direct = lock.version_of(requirement) if requirement else None
        for package in _versions(found, direct):
            yield Dependency(
                name,
                package.version,
                requirement.specifier if requirement and package is direct else "",
                lock.ecosystem,
                _group(package, requirement if package is direct else None, chains, told),
                Place(lock.path, package.line),
                direct=package is direct,
                pinned=True,
                through=()
                if package is direct
                else (chains.get(name) or others.get(name, ()))[:-1],
                origin=package.origin,
                requires=tuple(package.requires),
            )


def _versions(
    found: Iterable[packages.Locked], direct: packages.Locked | None
) -> list[packages.Locked]:
    """Each version once: with extras, or in several folders, some lock files hold it several times.

    Of several the direct one stands for all, else one that production needs.
    """
    by_version: dict[str, packages.Locked] = {}
    for each in sorted(found, key=lambda p: (p is not direct, bool(p.group))):
        by_version.setdefault(each.version, each)
    return sorted(by_version.values(), key=lambda p: p.line)


def _group(
    package: packages.Locked,
    declared: Requirement | None,
    chains: Mapping[str, tuple[str, ...]],
    told: bool,
) -> str:
    """Empty where production needs it; `told` when the lock file says what requires what."""
    if declared is not None:
        return declared.group
    if package.ecosystem == "npm" and package.group is not None:
        return package.group  # of one name some versions may be for development only
    if package.name in chains or (package.group is None and not told):
        return ""
    return "dev" if package.group is None else package.group


def _chains(lock: Locked, roots: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Name -> the shortest chain of names from a root to it, itself included."""
    chains: dict[str, tuple[str, ...]] = {name: (name,) for name in sorted(roots)}
    waiting = deque(chains)
    while waiting:
        name = waiting.popleft()
        for package in lock.by_name.get(name, ()):
            for needed in package.requires:
                if needed not in chains and needed in lock.by_name:
                    chains[needed] = (*chains[name], needed)
                    waiting.append(needed)
    return chains
