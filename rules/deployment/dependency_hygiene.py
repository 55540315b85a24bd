from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from auditor.assess.rule import Reference, Rule, cwe
from auditor.assess.verdict import (
    Coverage,
    Evidence,
    Severity,
    State,
    Verdict,
    judge,
    not_applicable,
    present,
)
from auditor.link.application import Application
from auditor.model.deployment import Lock, Requirement

_TOOLS = {
    "pytest", "black", "flake8", "isort", "mypy", "ruff", "pylint", "pytest-asyncio", "pytest-cov",
    "tox", "nox", "pre-commit", "coverage", "faker", "factory-boy", "ipython", "ipdb", "bandit",
}  # fmt: skip


class DependencyHygiene(Rule):
    """Dependencies are pinned or locked, agree with each other, and hold no development tools.

    One finding for each manifest and each kind of fault: Python dependencies without an exact version
    and without a lock file (low), npm dependencies without a lock file (low), two manifests of one
    directory tree that pin different versions (low), development tools among what production
    installs (info). How current the versions are is not judged: that needs the package index.
    """

    id = "dependency-hygiene"
    title = "Dependency hygiene"
    section = "deployment"
    severity = Severity.LOW
    risk = "Tomorrow's installation differs from today's, and nobody knows which version runs."
    fix = "Pin every version through a lock file, keep one manifest, and move tools to a development group."
    references = (
        cwe(1357),
        Reference(
            "pip: repeatable installs", "https://pip.pypa.io/en/stable/topics/repeatable-installs/"
        ),
    )
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        requirements = application.facts(Requirement)
        if not requirements:
            return not_applicable("no dependencies are declared")
        locks = application.facts(Lock)
        manifests: dict[str, list[Requirement]] = defaultdict(list)
        for requirement in requirements:
            manifests[requirement.place.path].append(requirement)
        evidence = [
            e for path, found in manifests.items() for e in self._manifest(path, found, locks)
        ]
        evidence += self._disagreements(requirements)
        met = sum(1 for r in requirements if r.exact or _locked(r, locks))
        summary = f"{met} of {len(requirements)} dependencies are pinned or locked."
        return judge(summary, evidence, Coverage(met, len(requirements)))

    def _manifest(
        self, path: str, found: list[Requirement], locks: tuple[Lock, ...]
    ) -> Iterator[Evidence]:
        loose = [r for r in found if not r.exact and not _locked(r, locks)]
        if loose:
            names = ", ".join(r.name for r in loose[:4]) + (" …" if len(loose) > 4 else "")
            told = f"{len(loose)} of {len(found)} dependencies may change by themselves: {names}"
            yield Evidence(loose[0].place, State.ABSENT, Severity.LOW, told, f"{path} unpinned")
        else:
            yield present(
                found[0].place, f"all {len(found)} dependencies are pinned or locked", path
            )
        tools = [r for r in found if r.name in _TOOLS and not r.group and r.ecosystem == "pypi"]
        if tools:
            names = ", ".join(r.name for r in tools)
            told = f"development tools are installed in production: {names}"
            yield Evidence(tools[0].place, State.WEAK, Severity.INFO, told, f"{path} tools")

    def _disagreements(self, requirements: tuple[Requirement, ...]) -> Iterator[Evidence]:
        pinned: dict[tuple[str, str], dict[str, Requirement]] = defaultdict(dict)
        for requirement in requirements:
            if requirement.exact:
                pinned[requirement.ecosystem, requirement.name].setdefault(
                    requirement.exact, requirement
                )
        clashes = [list(found.values()) for found in pinned.values() if len(found) > 1]
        by_files: dict[tuple[str, str], list[list[Requirement]]] = defaultdict(list)
        for clash in clashes:
            if clash[0].ecosystem == "pypi":
                by_files[clash[0].place.path, clash[1].place.path].append(clash)
        for (first, second), found in by_files.items():
            names = ", ".join(f"{c[0].name} {c[0].exact} and {c[1].exact}" for c in found[:3])
            told = f"{first} and {second} disagree on {len(found)} versions: {names}"
            yield Evidence(found[0][1].place, State.WEAK, Severity.LOW, told, f"{first} {second}")

    good = (
        {"requirements.txt": "fastapi==0.115.0\nmotor==3.6.0\n"},
        {
            "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["fastapi>=0.115"]\n',
            "uv.lock": "version = 1\n" + "# every version that is installed stands here\n" * 6,
        },
    )
    bad = (
        {"requirements.txt": "fastapi  # expect: low\nmotor==3.6.0\n"},
        {
            "deploy/requirements.txt": "fastapi==0.110.0\n",
            "requirements.txt": "fastapi==0.115.0  # expect: low\npytest==8.3.0  # expect: info\n",
        },
    )


def _locked(requirement: Requirement, locks: tuple[Lock, ...]) -> bool:
    """Whether a lock file of the same ecosystem lies in the manifest's folder or above it."""
    folders = {str(p) for p in PurePosixPath(requirement.place.path).parents}
    return any(
        lock.ecosystem == requirement.ecosystem
        and str(PurePosixPath(lock.place.path).parent) in folders
        for lock in locks
    )
