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
        return self.code.name(t.callee(decorator), function.scope) in _MAKES_TASKS

    @functools.cached_property
    def _is_sure(self) -> bool:
        """Whether whoever sends a task of this tree speaks of it."""
        texts = (n.value for n, _ in self.code.of_kind(t.Const) if isinstance(n.value, str))
        if any(text.partition(".")[0] in _KEEPS_SCHEDULES for text in texts):
            return False
        if any(not isinstance(s.arg(0, "name"), t.Const) for s in self.code.method_calls("send_task")):  # fmt: skip
            return False
        if any(True for _ in self.application.facts(Route)) and any(
            True for _ in self.code.calls("celery.Celery")
        ):
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
