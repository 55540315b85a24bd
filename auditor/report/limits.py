"""What an audit could not read, and where it could not look: said, never taken for an answer."""

from __future__ import annotations

from auditor.discover.walk import ON_PURPOSE
from auditor.link.application import Application
from auditor.model.blind import BlindSpot
from auditor.model.web import WebApp


def unread(application: Application) -> list[tuple[str, str]]:
    """(path, reason) of each file that is not what it claims to be."""
    return [
        (path, f"line {fact.line}: {fact.reason}" if fact.line else fact.reason)
        for path, fact in application.unread
    ]


def left_out(application: Application, *, named: bool = False) -> list[str]:
    """Files that were not opened; only `named` ones: not how many are no text, and not what is left out on purpose."""
    return [
        f"{each.path or 'files'}: {each.reason}" + (f" ({each.count})" if each.count else "")
        for each in application.tree.left_out
        if not named or (each.path and each.reason not in ON_PURPOSE)
    ]


def blind(application: Application) -> list[str]:
    """Routes and applications that are there, or may be, and were not seen."""
    spots, failure = application.attempt(BlindSpot)
    apps, other = application.attempt(WebApp)
    found = [*filter(None, (failure, other)), *(f"{s.place}: {s.reason}" for s in spots)]
    if application.texts_only:
        found.insert(0, "only the text of files was read: nothing else was asked for")
    elif not apps and not other:
        found.insert(0, "no application of a framework that is read was found in this tree")
    return found
