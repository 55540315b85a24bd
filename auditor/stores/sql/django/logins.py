"""What the tree's own manager of users is asked by Django at each login.

Source: https://docs.djangoproject.com/en/stable/topics/auth/customizing/#django.contrib.auth.models.CustomUserManager.
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.frameworks.django.settings import DjangoProject
from auditor.link.scopes import Located
from auditor.stores.sql.django.managers import is_manager_class, managed_by
from auditor.stores.sql.django.packages import user_model
from auditor.stores.sql.reading.frames import Reading, reads_classes

_ASKED = ("get_by_natural_key", "aget_by_natural_key")


@reads_classes
def manager_of_users(reading: Reading, found: Located, ancestry: list[str]) -> None:
    """Reads `get_by_natural_key`, by which ModelBackend finds who signs in."""
    own = [x for x in found.node.body if isinstance(x, t.Function) and x.name in _ASKED]  # type: ignore[attr-defined]
    if not own or not is_manager_class(reading, found) or not _is_asked(reading):
        return
    if user_model(reading.entities) in managed_by(reading, found):
        for method in own:
            reading.returns(Located(method, reading.code.inside(found)))


def _is_asked(reading: Reading) -> bool:
    """Whether Django's own backend is at work, as it is unless the settings name others alone."""
    variants = [v for project in reading.application.facts(DjangoProject) for v in project.variants]
    named = [v.get("AUTHENTICATION_BACKENDS") for v in variants]
    texts = [text for p in reading.application.facts(DjangoProject) for text in p.main.texts("AUTHENTICATION_BACKENDS")]  # fmt: skip
    return all(x is None for x in named) or any(x.endswith(".ModelBackend") for x in texts)
