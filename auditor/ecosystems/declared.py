"""What the manifests of the tree declare, and which lock files hold it."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract import packages
from auditor.link.application import Application, provides
from auditor.model.dependencies import Lock, Requirement, Runtime
from auditor.model.places import Place


@provides(Requirement)
def requirements(application: Application) -> Iterator[Requirement]:
    """What other projects of the same tree are is no dependency: it is the application itself."""
    own = {(p.ecosystem, p.name) for _, p in application.of(packages.Project)}
    for file, found in application.of(packages.Dependency):
        if (found.ecosystem, found.name) in own:
            continue
        yield Requirement(
            found.name,
            found.specifier,
            found.exact,
            found.ecosystem,
            found.group,
            Place(file.path, found.line),
            found.origin,
            found.conditional,
        )


@provides(Lock)
def locks(application: Application) -> Iterator[Lock]:
    for file, found in application.of(packages.LockFile):
        yield Lock(found.tool, found.ecosystem, Place(file.path, 1))


@provides(Runtime)
def runtimes(application: Application) -> Iterator[Runtime]:
    for file, found in application.of(packages.Runtime):
        yield Runtime(found.language, found.specifier, Place(file.path, found.line))
