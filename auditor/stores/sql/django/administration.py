"""What pages of Django's administration ask with the object that they are handed.

Source: https://docs.djangoproject.com/en/stable/ref/contrib/admin/#modeladmin-methods
"""

from __future__ import annotations

from auditor.link.scopes import Located
from auditor.stores.sql.django.managers import administered, hand
from auditor.stores.sql.reading.frames import Reading, reads_classes
from auditor.stores.sql.reading.things import Row

_HANDED = ("save_model", "delete_model")
"""Methods that get the object after the request."""


@reads_classes
def page(reading: Reading, found: Located, ancestry: list[str]) -> None:
    if not any(name.endswith("ModelAdmin") for name in ancestry[1:]):
        return
    for entity in administered(reading, found):
        for name in _HANDED:
            hand(reading, found, name, 2, Row(entity))
