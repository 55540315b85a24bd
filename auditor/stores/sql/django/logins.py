"""What Django asks at each login: the model of users by its name for them, or the tree's own manager of users.

Sources: https://docs.djangoproject.com/en/stable/topics/auth/default/#authenticating-users, https://docs.djangoproject.com/en/stable/topics/auth/customizing/#django.contrib.auth.models.CustomUserManager.
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.frameworks.django.settings import DjangoProject
from auditor.link.scopes import Located
from auditor.model.data import Bound
from auditor.stores.lookups import bound
from auditor.stores.sql.conditions import Draft, Lookup
from auditor.stores.sql.django.managers import is_manager_class, managed_by
from auditor.stores.sql.django.packages import name_of_user, user_model
from auditor.stores.sql.reading.frames import Frame, Reading, reads_calls, reads_classes
from auditor.stores.sql.reading.things import Row, Thing, Told

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


@reads_calls
def authenticate(
    reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame
) -> Told:
    """`authenticate(username=name, password=given)`, as ModelBackend answers it where no manager of the tree does."""
    if last not in ("authenticate", "aauthenticate") or not reading.has("django"):
        return None, False
    if not reading.code.name(call.func, frame.scope).startswith("django.contrib.auth."):
        return None, False
    given = {k.name for k in call.keywords}
    user = user_model(reading.entities) if _is_asked(reading) else None
    name = name_of_user(reading.entities, user) if user is not None else None
    if user is None or not name or not given & {"username", name}:
        return None, False
    named = any(user in managed_by(reading, Located(f.scope.owner, f.scope.parent)) for m in _ASKED for f in reading.code.methods_named(m) if isinstance(f.scope.owner, t.Class) and f.scope.parent is not None)  # fmt: skip
    where = bound(Lookup(name), user, reading.entities, frozenset())
    if not named:
        place = reading.place(call, frame)
        reading.record(Draft("django", user, place, "get", (where,), bound=Bound.ONE))
    return Row(user), True


def _is_asked(reading: Reading) -> bool:
    """Whether Django's own backend is at work, as it is unless the settings name others alone."""
    variants = [v for project in reading.application.facts(DjangoProject) for v in project.variants]
    named = [v.get("AUTHENTICATION_BACKENDS") for v in variants]
    texts = [text for p in reading.application.facts(DjangoProject) for text in p.main.texts("AUTHENTICATION_BACKENDS")]  # fmt: skip
    return all(x is None for x in named) or any(x.endswith(".ModelBackend") for x in texts)
