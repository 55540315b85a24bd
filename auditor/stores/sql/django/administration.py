"""What pages of Django's administration ask with the object that they are handed.

Source: https://docs.djangoproject.com/en/stable/ref/contrib/admin/#modeladmin-methods
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.link.scopes import Located
from auditor.stores.sql.django.managers import administered, run_for
from auditor.stores.sql.reading.frames import Reading, reads_classes
from auditor.stores.sql.reading.things import Row, Self, Thing

_HANDED = ("save_model", "delete_model")
"""Methods that get the object after the request."""


@reads_classes
def page(reading: Reading, found: Located, ancestry: list[str]) -> None:
    if not any(name.endswith("ModelAdmin") for name in ancestry[1:]):
        return
    frame = reading.frame(reading.code.inside(found))
    for name in _HANDED:
        above = (reading.code.definition(f"{owner}.{name}") for owner in ancestry)
        method = next((m for m in above if m is not None), None)
        if method is None or not isinstance(method.node, t.Function):
            continue
        for entity in administered(reading, found):
            given: dict[str, Thing] = {p.name: Row(entity) for p in method.node.params[2:3]}
            run_for(reading, method, Self(found), frame, given)
