from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator

from auditor.assess.rule import Reference, Rule, cwe
from auditor.assess.verdict import (
    Coverage,
    Evidence,
    Severity,
    State,
    Verdict,
    count,
    judge,
    not_applicable,
    present,
)
from auditor.link.application import Application
from auditor.model.dependencies import (
    Checked,
    Dependency,
    EndOfLife,
    Lookalike,
    OutOfStep,
    Requirement,
    Undeclared,
    Usage,
)

_TOOLS = {
    "pytest", "black", "flake8", "isort", "mypy", "ruff", "pylint", "pytest-asyncio", "pytest-cov",
    "tox", "nox", "pre-commit", "coverage", "faker", "factory-boy", "ipython", "ipdb", "bandit",
    "autopep8", "pytest-django", "pytest-mock", "django-debug-toolbar", "jupyter", "notebook",
    "nodemon", "eslint", "prettier", "jest", "mocha", "vitest",
}  # fmt: skip
_FREEZE = 0.4
"""The share of unused packages from which on a file is taken for a list of all that is installed."""
_OLD = 3 * 365
"""Days after which a release is called old."""


class DependencyHygiene(Rule):
    """Dependencies are pinned or locked, agree with each other, in use and current.

    One finding for each manifest and each kind of fault. Low: dependencies without an exact version
    and without a lock file, what a lock file does not hold as the manifest declares it, two manifests
    that pin different versions, a language or framework line without security fixes (medium), an
    import that nothing would install. Info: development tools among what production installs, packages
    that nothing imports, releases of more than three years ago (where the index told), names that look
    like those of well-known packages (a hint only).

    Whether something uses a package without importing it cannot be told for sure: servers, drivers
    and names in settings are left alone.
    """

    id = "dependency-hygiene"
    title = "Dependency hygiene"
    section = "deployment"
    severity = Severity.LOW
    risk = "Tomorrow's installation differs from today's, and nobody knows which version runs."
    fix = "Pin every version through a lock file, keep one manifest, and move tools to a development group."
    references = (
        cwe(1357),
        cwe(1104),
        Reference(
            "pip: repeatable installs", "https://pip.pypa.io/en/stable/topics/repeatable-installs/"
        ),
        Reference("Status of Python versions", "https://devguide.python.org/versions/"),
    )
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        dependencies = application.facts(Dependency)
        if not dependencies:
            return not_applicable("no dependencies are declared")
        evidence = [
            *_pinned(dependencies),
            *_out_of_step(application.facts(OutOfStep)),
            *_disagreements(application.facts(Requirement)),
            *_tools(dependencies),
            *_ended(application.facts(EndOfLife)),
            *_undeclared(application.aside(Undeclared)),
            *_unused(dependencies, application.aside(Usage)),
            *_lookalikes(application.facts(Lookalike)),
            *_old(application),
        ]
        direct = [d for d in dependencies if d.direct]
        met = sum(d.pinned for d in direct)
        summary = f"{met} of {count(len(direct), 'declared dependency')} are pinned or locked."
        return judge(summary, evidence, Coverage(met, len(direct)) if direct else None)

    good = (
        {"requirements.txt": "fastapi==0.115.0\nmotor==3.6.0\n"},
        {
            "pyproject.toml": '[project]\nname = "shop"\nrequires-python = ">=3.10"\ndependencies = ["fastapi>=0.115"]\n',
            "uv.lock": 'version = 1\n\n[[package]]\nname = "fastapi"\nversion = "0.115.0"\n',
            "Dockerfile": "FROM python:3.13-slim\n",
        },
        {
            "requirements.txt": "Django==5.2.1\ndjango-filter==25.1\ngunicorn==23.0.0\n",
            "config/settings.py": 'import django\n\nINSTALLED_APPS = ["django_filter"]\n',
        },
    )
    bad = (
        {"requirements.txt": "fastapi  # expect: low\nmotor==3.6.0\n"},
        {
            "deploy/requirements.txt": "fastapi==0.110.0\n",
            "requirements.txt": "fastapi==0.115.0  # expect: low\npytest==8.3.0  # expect: info\n",
        },
        {
            "pyproject.toml": """[project]
name = "shop"
dependencies = [
    "fastapi>=0.115",  # expect: low
    "httpx==0.28.1",
]
""",
            "poetry.lock": '[[package]]\nname = "fastapi"\nversion = "0.110.0"\n',
        },
        {
            "requirements.txt": "Django==3.2.25  # expect: medium\n",
            "Dockerfile": "FROM python:3.8-slim  # expect: medium\n",
        },
        {
            "requirements.txt": "fastapi==0.115.0\nflask-login==0.6.3  # expect: info\nreqeusts==1.0  # expect: info\n",
            "app.py": "import fastapi\nimport reqeusts\nimport stripe  # expect: low\n",
        },
    )


def _pinned(dependencies: Iterable[Dependency]) -> Iterator[Evidence]:
    """One piece for each manifest or lock file."""
    by_path: dict[str, list[Dependency]] = defaultdict(list)
    for each in dependencies:
        by_path[each.place.path].append(each)
    for path, found in by_path.items():
        loose = [d for d in found if not d.pinned]
        if loose:
            told = f"{len(loose)} of {count(len(found), 'dependency')} may change by themselves: {_names(loose)}"
            yield Evidence(loose[0].place, State.ABSENT, Severity.LOW, told, f"{path} unpinned")
        else:
            told = f"all {len(found)} dependencies are pinned or locked"
            yield present(found[0].place, told, path)


def _out_of_step(found: Iterable[OutOfStep]) -> Iterator[Evidence]:
    """One piece for each manifest and its lock file."""
    by_files: dict[tuple[str, str], list[OutOfStep]] = defaultdict(list)
    for each in found:
        by_files[each.requirement.place.path, each.lock].append(each)
    for (path, lock), those in by_files.items():
        named = ", ".join(
            f"{o.requirement.name} {o.requirement.specifier}".strip()
            + (f" (locked: {o.locked})" if o.locked else " (not locked)")
            for o in those[:3]
        )
        more = f" and {len(those) - 3} more" if len(those) > 3 else ""
        told = f"{lock} is out of step with {path}: {named}{more}"
        place = those[0].requirement.place
        yield Evidence(place, State.WEAK, Severity.LOW, told, f"{path} {lock}")


def _disagreements(requirements: Iterable[Requirement]) -> Iterator[Evidence]:
    """Two manifests of one ecosystem that pin different versions of the same packages."""
    pinned: dict[tuple[str, str], dict[str, Requirement]] = defaultdict(dict)
    for requirement in requirements:
        if requirement.exact:
            key = requirement.ecosystem, requirement.name
            pinned[key].setdefault(requirement.exact, requirement)
    by_files: dict[tuple[str, str], list[list[Requirement]]] = defaultdict(list)
    for versions in pinned.values():
        if len(versions) > 1:
            clash = list(versions.values())
            by_files[clash[0].place.path, clash[1].place.path].append(clash)
    for (first, second), found in by_files.items():
        names = ", ".join(f"{c[0].name} {c[0].exact} and {c[1].exact}" for c in found[:3])
        told = f"{first} and {second} disagree on {count(len(found), 'version')}: {names}"
        yield Evidence(found[0][1].place, State.WEAK, Severity.LOW, told, f"{first} {second}")


def _tools(dependencies: Iterable[Dependency]) -> Iterator[Evidence]:
    by_path: dict[str, list[Dependency]] = defaultdict(list)
    for each in dependencies:
        if each.name in _TOOLS and not each.group and each.direct:
            by_path[each.place.path].append(each)
    for path, found in by_path.items():
        told = f"development tools are installed in production: {_names(found)}"
        yield Evidence(found[0].place, State.WEAK, Severity.INFO, told, f"{path} tools")


def _ended(found: Iterable[EndOfLife]) -> Iterator[Evidence]:
    for each in found:
        told = f"{each.name} {each.line} has had no security fixes since {each.end}"
        subject = f"{each.name} {each.line}"
        yield Evidence(each.place, State.WEAK, Severity.MEDIUM, told, subject)


def _undeclared(found: Iterable[Undeclared]) -> Iterator[Evidence]:
    for each in found:
        told = f"{each.distribution} is imported, and no manifest declares it"
        yield Evidence(each.place, State.ABSENT, Severity.LOW, told, each.distribution)


def _unused(dependencies: Iterable[Dependency], usages: Iterable[Usage]) -> Iterator[Evidence]:
    """Only where the tree has code at all, and of what it declares itself for production."""
    usages = [usage for usage in usages if usage.ecosystem == "pypi"]
    if not any(usage.places for usage in usages):
        return
    idle = {u.distribution for u in usages if not u.places and not u.otherwise}
    declared: dict[str, list[Dependency]] = defaultdict(list)
    for each in dependencies:
        if each.direct and not each.group and each.ecosystem == "pypi":
            declared[each.place.path].append(each)
    for path, all_of_it in declared.items():
        found = [d for d in all_of_it if d.name in idle and d.name not in _TOOLS]
        if not found or len(found) > len(all_of_it) * _FREEZE:
            continue
        told = f"nothing in the code imports {_names(found)}"
        yield Evidence(found[0].place, State.WEAK, Severity.INFO, told, f"{path} unused")


def _lookalikes(found: Iterable[Lookalike]) -> Iterator[Evidence]:
    for each in found:
        told = f"{each.requirement.name} looks like {each.meant}; make sure that it is meant"
        yield Evidence(
            each.requirement.place, State.WEAK, Severity.INFO, told, each.requirement.name
        )


def _old(application: Application) -> Iterator[Evidence]:
    """By the day of release, where the index told it."""
    dated = [c for c in application.facts(Checked) if c.released and c.dependency.direct]
    old = [c for c in dated if (application.today - _day(c.released)).days > _OLD]
    if old:
        named = ", ".join(
            f"{c.dependency.name} {c.dependency.version} ({c.released})" for c in old[:4]
        )
        more = f" and {len(old) - 4} more" if len(old) > 4 else ""
        told = f"{count(len(old), 'release')} of more than three years ago: {named}{more}"
        yield Evidence(old[0].dependency.place, State.WEAK, Severity.INFO, told, "old releases")
    elif dated:
        told = f"current versions: {len(dated)} releases are all younger than three years"
        yield present(dated[0].dependency.place, told, "current")


def _day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def _names(found: list[Dependency]) -> str:
    names = list(dict.fromkeys(d.name for d in found))
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
