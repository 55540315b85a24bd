"""Calls that have another call made: in a thread, by a loop, from a queue, or later.

Sources: https://docs.python.org/3/library/asyncio-task.html#asyncio.to_thread,
https://docs.python.org/3/library/functools.html#functools.partial,
https://docs.djangoproject.com/en/stable/topics/async/#sync-to-async,
https://www.starlette.io/threadpool/.
"""

from __future__ import annotations

from collections.abc import Callable

from auditor.extract.python import tree as t

THREADS = {"to_thread": 0, "run_in_threadpool": 0, "run_sync": 0, "run_in_executor": 1}
"""What gives what the function at this position gives, called with the arguments after it."""
WRAPS = {"sync_to_async": 0, "async_to_sync": 0, "database_sync_to_async": 0, "partial": 0}
"""What gives a function that calls the one at this position."""
LATER = {"add_task": 0, "submit": 0, "call_soon": 0, "enqueue": 0}
"""What has the function at this position called some time."""


def direct(call: t.Call, *tables: dict[str, int]) -> t.Call | None:
    """The call that is made: `to_thread(f, x)` is `f(x)`. A new node each time."""
    last = t.last_word(call.func)
    for table in tables:
        at = table.get(last)
        if at is not None and len(call.args) > at and isinstance(call.args[at], t.Name | t.Attr):
            return _made(call, call.args[at], call.args[at + 1 :])
    return None


def unwrapped(call: t.Call) -> t.Call | None:
    """The call of what was wrapped at the same place: `sync_to_async(f)(x)` is `f(x)`. A new node each time."""
    inner = call.func
    if not isinstance(inner, t.Call) or (made := direct(inner, WRAPS)) is None:
        return None
    return _made(call, made.func, [*made.args, *call.args], made.keywords)


def handed(call: t.Call, wanted: Callable[[t.Expr], bool]) -> t.Call | None:
    """The call that some function makes of the first wanted one that it is handed, whatever its name.

    `run(leads.find_one, {…})` and `retrying(leads.find_one)({…})` are `leads.find_one({…})`. A new node each time.
    """
    given = [*call.func.args, *call.args] if isinstance(call.func, t.Call) else call.args
    for position, arg in enumerate(given):
        if wanted(arg):
            return _made(call, arg, given[position + 1 :])
    return None


def _made(
    call: t.Call, func: t.Expr, args: list[t.Expr], more: list[t.Keyword] | None = None
) -> t.Call:
    return t.Call(
        call.line, call.column, call.end_line, func, args, [*(more or ()), *call.keywords]
    )
