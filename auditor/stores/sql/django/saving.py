"""What abstract models of Django ask when an object of one that inherits from them is saved or deleted.

Source: https://docs.djangoproject.com/en/stable/topics/db/models/#overriding-predefined-model-methods.
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.link.scopes import Located
from auditor.stores.receivers import SAVING
from auditor.stores.sql.django.managers import run_for
from auditor.stores.sql.reading.frames import Reading, reads_classes
from auditor.stores.sql.reading.things import Row


@reads_classes
def of_heirs(reading: Reading, found: Located, ancestry: list[str]) -> None:
    """Reads what an abstract class does for a model: `self.__class__.objects.filter(slug=slug)`."""
    entity = reading.entities.by_name.get(ancestry[0])
    if entity is None or entity.mapper != "django":
        return
    for above in ancestry[1:]:
        for name in sorted(SAVING) if above not in reading.entities.by_name else ():
            method = reading.code.definition(f"{above}.{name}")
            if method is None or not isinstance(method.node, t.Function):
                continue
            if reading.was_read(method):
                run_for(reading, method, Row(entity), reading.frame(reading.code.inside(found)), {})
                reading.of_heirs.add(id(method.node))
