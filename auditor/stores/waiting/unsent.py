"""Tasks of Celery that nothing sends and no clock starts: no worker is ever told to run them.

Source: https://docs.celeryq.dev/en/stable/userguide/calling.html and periodic-tasks.html there. Told where the tree
serves requests too, or speaks of another of its tasks, and where no database holds what the clock starts.
"""

from __future__ import annotations

import functools

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.layout import ends, module_name
from auditor.link.mentions import Mentions
from auditor.link.scopes import Located
from auditor.model.web import Route

_MAKES_TASKS = ("celery.shared_task", "celery.Celery().task")
_KEEPS_SCHEDULES = ("django_celery_beat", "redbeat", "celery_sqlalchemy_scheduler", "celerybeatmongo")  # fmt: skip
"""Packages whose clock looks up in a database which tasks it has to start."""


class Unsent:
    """Tells which functions run only where the tree speaks of them, though a decorator makes them tasks."""

    def __init__(self, application: Application) -> None:
        self.application, self.code = application, application.code

    def is_task(self, decorator: t.Expr, function: Located) -> bool:
        """Whether a decorator makes a task by the name of its function, as Celery would give it, which somebody has to send."""
        given = decorator.keywords if isinstance(decorator, t.Call) else []
        if any(k.name is None or (k.name == "name" and not _is_own(k.value, function)) for k in given):  # fmt: skip
            return False
        return self._makes_task(decorator, function) and self._is_sure

    def _makes_task(self, decorator: t.Expr, function: Located) -> bool:
        named = t.callee(decorator)
        if self.code.name(named, function.scope) in _MAKES_TASKS:
            return True
        if not isinstance(named, t.Attr) or named.name != "task":
            return False
        made, called, _ = self.code.name(named.value, function.scope).rpartition("()")
        return bool(called) and made in self._heirs

    @functools.cached_property
    def _heirs(self) -> frozenset[str]:
        """The tree's own classes of Celery that make tasks as it does: a `task` of theirs leaves to Celery what they are called."""
        heirs = (k for k in self.code.classes() if "celery.Celery" in self.code.ancestry(k))
        return frozenset(self.code.own_name(heir) for heir in heirs if self._leaves_names(heir))

    def _leaves_names(self, heir: Located) -> bool:
        """Whether a class has no `task` of its own, or one that hands on what it is given."""
        above = (self.code.definition(f"{kind}.task") for kind in self.code.ancestry(heir))
        for own in (each.node for each in above if each is not None):
            nodes = list(t.walk(*own.body))  # type: ignore[attr-defined]
            calls = (n for n in nodes if isinstance(n, t.Attr) and n.name == "task")
            if not any(t.last_word(t.callee(n.value)) == "super" for n in calls):
                return False
            given = [k.name for n in nodes if isinstance(n, t.Call) for k in n.keywords]
            if "name" in (*given, *(n.value for n in nodes if isinstance(n, t.Const))):
                return False
        return True

    @functools.cached_property
    def _is_sure(self) -> bool:
        """Whether whoever sends a task of this tree speaks of it."""
        texts = (n.value for n, _ in self.code.of_kind(t.Const) if isinstance(n.value, str))
        if any(text.partition(".")[0] in _KEEPS_SCHEDULES for text in texts):
            return False
        if any(not isinstance(s.arg(0, "name"), t.Const) for s in self.code.method_calls("send_task")):  # fmt: skip
            return False
        makes = bool(self._heirs) or any(True for _ in self.code.calls("celery.Celery"))
        if makes and any(True for _ in self.application.facts(Route)):
            return True
        (mentions,) = self.application.facts(Mentions)
        return any(
            mentions.of(function)
            for function in self.code.functions()
            if any(self._makes_task(d, function) for d in function.node.decorators)  # type: ignore[attr-defined]
        )


def _is_own(name: t.Expr, function: Located) -> bool:
    """Whether a task is named as it would be by itself: `shop.tasks.settle`."""
    own = f"{module_name(function.path)}.{function.node.name}"  # type: ignore[attr-defined]
    return isinstance(name, t.Const) and "." in str(name.value) and name.value in ends(own)
