"""Of which models the receivers of Django's signals are told.

Source: https://docs.djangoproject.com/en/stable/topics/signals/#connecting-to-signals-sent-by-specific-senders.
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.link.mentions import Mentions
from auditor.link.scopes import Located, Scope, argument
from auditor.stores.sql.django.models import entity_of
from auditor.stores.sql.django.packages import user_model
from auditor.stores.sql.entities import Entity
from auditor.stores.sql.reading.frames import Reading
from auditor.stores.sql.reading.things import Class, Thing, either


def sender(reading: Reading, function: Located) -> dict[str, Thing]:
    """What `sender` is in a function below `@receiver(post_save, sender=Order)`; nothing where another one may be sent."""
    node = function.node
    assert isinstance(node, t.Function)
    connected = [d for d in node.decorators if t.last_word(t.callee(d)) == "receiver"]
    if not connected or not any(p.name == "sender" for p in node.params):
        return {}
    made: list[Thing] = []
    for call in connected:
        given = argument(call, None, "sender") if isinstance(call, t.Call) else None
        of_django = reading.code.name(t.callee(call), function.scope).startswith("django.dispatch.")
        entity = _model(reading, given, function.scope) if given and of_django else None
        if entity is None or entity.mapper != "django":
            return {}
        made.append(Class(entity))
    (mentions,) = reading.application.facts(Mentions)
    if not all(map(mentions.is_call, mentions.of(function))):
        return {}  # it may be connected with others: `post_save.connect(remember)`
    told = either(made)
    return {"sender": told} if told is not None else {}


def _model(reading: Reading, given: t.Expr, scope: Scope) -> Entity | None:
    """The model that is named: `Order`, `"shop.Order"`, `settings.AUTH_USER_MODEL`."""
    if t.last_word(given) == "AUTH_USER_MODEL":
        return user_model(reading.entities)
    if isinstance(given, t.Const) and isinstance(given.value, str):
        near = next((e for e in reading.entities if e.mapper == "django"), None)
        return reading.entities.called(given.value, near) if near is not None else None
    return entity_of(reading.entities, given, scope)
