"""What templates of Django ask of the context that they are shown with: `{% for line in order.lines.all %}`.

A template is read as a function of its context, so that what is asked for stands in its own lines.
"""

from __future__ import annotations

from auditor.discover.walk import read
from auditor.extract.python import tree as t
from auditor.frameworks.django.pages import OTHER, Page
from auditor.frameworks.templates import Templates
from auditor.link.scopes import Located, argument
from auditor.stores.sql.django.generic_views import shown_by, template_of
from auditor.stores.sql.django.managers import method_of
from auditor.stores.sql.django.packages import user_model
from auditor.stores.sql.django.relations import of_row
from auditor.stores.sql.reading.frames import (
    Frame,
    Reading,
    reads_attributes,
    reads_calls,
    reads_classes,
)
from auditor.stores.sql.reading.things import (
    Keyed,
    Row,
    Rows,
    Thing,
    Told,
    each,
)

_SHOWS = {"render": 1, "render_to_string": 0, "TemplateResponse": 1}
"""What shows a template, and at which place it is named; the context follows."""
_DEEPEST = 5
_MOST = 20_000
"""Statements of templates that are taken in by others, all in all."""
_LARGEST = 400_000


class Shown(Frame):
    """The names of a template while it is read."""


@reads_calls
def shows(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    """`render(request, "order.html", {"order": order})`."""
    if (at := _SHOWS.get(last)) is None or base is not None or not reading.has("django"):
        return None, False
    if not reading.code.name(call.func, frame.scope).startswith("django."):
        return None, False
    named = argument(call, at, "template_name", "template")
    context = argument(call, at + 1, "context")
    name = reading.text(named, frame) if named is not None else None
    if name and context is not None:
        for given in each(reading.thing(context, frame)):
            if isinstance(given, Keyed):
                show(reading, name, given)
    return None, False


@reads_calls
def includes(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    """Another template in one: it has the names of the first, and those that it is given."""
    if last != OTHER or not isinstance(frame, Shown) or not isinstance(call.func, t.Name):
        return None, False
    names = {k.name: reading.thing(k.value, frame) for k in call.keywords if k.name}
    name = reading.text(call.args[0], frame)
    if name and frame.depth < _DEEPEST and reading.taken_in < _MOST:
        _run(reading, name, names, frame)
    return None, True


@reads_calls
def named(reading: Reading, call: t.Call, last: str, base: Thing | None, frame: Frame) -> Told:
    """`users.all` of a dict that has this key: a template looks for it before a method of that name."""
    if not isinstance(frame, Shown) or not isinstance(base, Keyed) or call.args:
        return None, False
    kept = base.get(last)
    return kept, kept is not None


@reads_attributes
def part(reading: Reading, expr: t.Attr, base: Thing | None, frame: Frame) -> Thing | None:
    """What a template takes of a dict by its key, `stats.late`, of a page of a list, and of who is signed in."""
    if not isinstance(frame, Shown):
        return None
    match base:
        case Keyed():
            return base.get(expr.name)
        case Rows() if expr.name == "object_list":
            return base
        case None if expr.name and t.dotted(expr.value) == "user" and not frame.find("user")[0]:
            if any(expr.name in entity.relations for entity in reading.entities):
                user = user_model(reading.entities)
                return of_row(reading, expr, Row(user), frame) if user is not None else None
    return None


def show(reading: Reading, name: str, context: Keyed) -> None:
    """Read a template with what the context keeps."""
    _run(reading, name, dict(context.kept), None)


def _run(reading: Reading, name: str, names: dict[str, Thing | None], around: Shown | None) -> None:
    taken, depth = frozenset[str](), around.depth + 1 if around is not None else 0
    for _ in range(_DEEPEST):
        if (page := _page(reading, name, taken)) is None:
            return
        if around is not None:
            reading.taken_in += len(page.body)
            if page.scope is around.scope:
                return  # it takes in itself
        frame = Shown(page.scope, around, names, depth=depth, loop=around.loop if around else None)
        reading.block(page.body, frame)
        name, taken = page.parent, page.replaced


def _page(reading: Reading, name: str, taken: frozenset[str]) -> Page | None:
    """The template of a name, where one file alone may be meant; `taken` are blocks that another one replaces."""
    if (name, taken) not in reading.pages:
        (templates,) = reading.application.facts(Templates)
        paths = set(templates.paths(name)) if name else set()
        files = [f for f in reading.application.tree.files if f.path in paths and f.size < _LARGEST]
        page = None
        if len(files) == len(paths) == 1:
            text = read(reading.application.tree, files[0]).decode("utf-8", "replace")
            page = Page(files[0].path, text, taken)
        reading.pages[name, taken] = page
    return reading.pages[name, taken]


@reads_classes
def view(reading: Reading, found: Located, ancestry: list[str]) -> None:
    """What the template of a class-based view asks."""
    if not any(a.startswith("django.views.") or a.endswith("FilterView") for a in ancestry):
        return
    kept = list(shown_by(reading, found))
    if not (name := template_of(reading, found, kept)):
        return
    method = method_of(reading, found, "get_context_data")
    given = reading.returns(method) if method is not None else None
    for context in [x for x in each(given) if isinstance(x, Keyed)] or [Keyed(())]:
        show(reading, name, Keyed((), kept=(*kept, *context.kept)))
