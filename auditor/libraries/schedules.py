"""What the application itself starts by the clock: Celery beat, APScheduler, schedule, scheduler, django-dbbackup.

https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html ,
https://apscheduler.readthedocs.io/en/3.x/userguide.html and https://digon.io/hyd/project/scheduler/t/master/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import Located, Scope, place_of
from auditor.model.deployment import ScheduledTask

CLOCKS = (
    "add_job",
    "add_periodic_task",
    "do",
    "scheduled_job",
    "periodic_task",
    "repeat_every",
    "cron",
    "hourly",
    "daily",
    "weekly",
    "cyclic",
)
"""What is handed a function, or decorates one, that runs time and again."""
_BEAT = re.compile(
    r"(?:^|\.|_)(?:beat_schedule|CELERY_BEAT_SCHEDULE|CELERYBEAT_SCHEDULE|CRONJOBS|Q_CLUSTER_SCHEDULES)$"
)


@provides(ScheduledTask)
def scheduled_tasks(application: Application) -> Iterator[ScheduledTask]:
    code = application.code
    for assign, scope in code.of_kind(t.Assign):
        if assign.value is not None and _BEAT.search(t.dotted(assign.targets[0])):
            yield ScheduledTask(_words(assign.value), place_of(Located(assign, scope)))
    for site in code.method_calls(*CLOCKS):
        function = code.decorated(site.node)
        words = [_words(each) for each in [*site.node.args, *[k.value for k in site.node.keywords]]]
        for expr in site.node.args[:2]:
            words.append(_body(application, expr, site.scope))
        if function is not None:
            name = function.node.name  # type: ignore[attr-defined]
            words += [name, *map(_words, function.node.body)]  # type: ignore[attr-defined]
        yield ScheduledTask(" ".join(words)[:2000], place_of(site))


@provides(ScheduledTask)
def loops_of_threads(application: Application) -> Iterator[ScheduledTask]:
    """A thread whose function goes round for ever, waiting in between: a scheduler of its own."""
    code = application.code
    for site in code.method_calls("Thread"):
        target = site.arg(1, "target")
        if not isinstance(target, t.Name | t.Attr):
            continue
        found = code.defined(target, site.scope)
        if found is None or not isinstance(found.node, t.Function):
            continue
        if any(isinstance(node, t.While) for node in t.walk_own(*found.node.body)):
            bodies = code.with_callees(found, 2)
            words = [w for each in bodies for w in (each.node.name, *map(_words, each.node.body))]  # type: ignore[attr-defined]
            yield ScheduledTask(" ".join(words)[:4000], place_of(site))


def _body(application: Application, expr: t.Expr, scope: Scope) -> str:
    inner = expr.func.value if isinstance(expr, t.Call) and isinstance(expr.func, t.Attr) else expr
    if not isinstance(inner, t.Name | t.Attr):
        return ""
    found = application.code.defined(inner, scope)
    if found is None or not isinstance(found.node, t.Function):
        return ""
    return " ".join(map(_words, found.node.body))


def _words(node: t.Node) -> str:
    """The names and texts that an expression or statement is spelt with."""
    found = []
    for each in t.walk(node):
        match each:
            case t.Const(value=str(text)):
                found.append(text)
            case t.Name(id=name) | t.Attr(name=name):
                found.append(name)
    return " ".join(found)
