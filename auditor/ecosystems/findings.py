"""What is known against each dependency."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.link.application import Application, provides
from auditor.model.dependencies import Admitted, Checked, Dependency, NotChecked


@provides(Checked)
def checked(application: Application) -> list[Checked]:
    return [f for f in _findings(application) if isinstance(f, Checked)]


@provides(Admitted)
def admitted(application: Application) -> list[Admitted]:
    return [f for f in _findings(application) if isinstance(f, Admitted)]


@provides(NotChecked)
def not_checked(application: Application) -> list[NotChecked]:
    return [f for f in _findings(application) if isinstance(f, NotChecked)]


def _findings(application: Application) -> Sequence[Checked | Admitted | NotChecked]:
    return application.lookup.findings(application.facts(Dependency))
