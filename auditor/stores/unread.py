"""Mappers that have no reader here: what is asked of their classes is listed as unknown, never left out.

Sources: https://piccolo-orm.com, https://collerek.github.io/ormar, https://python-gino.org, https://edgy.dymmond.com,
https://saffier.tarsild.io, https://orator-orm.com, https://www.sqlobject.org, https://docs.ponyorm.org,
https://prisma-client-py.readthedocs.io.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import CallSite, Scope, place_of
from auditor.model.data import Query

_BASES = re.compile(
    r"^(?:piccolo\.table\.Table|piccolo(?:_\w+)?\.(?:\w+\.)*tables\.\w+|ormar\.(?:\w+\.)*Model|gino\.(?:\w+\.)*Gino\(\)\.Model|(?:edgy|saffier)\.(?:\w+\.)*Model"
    r"|orator\.(?:\w+\.)*Model|sqlobject\.(?:\w+\.)*SQLObject|pony\.orm\.(?:\w+\.)*Database\(\)\.Entity)$"
)
_CLIENT = re.compile(
    r"^(prisma)\.(?:\w+\.)*Prisma\(\)\.\w+\.(?:find|count|group_by|update|upsert|delete)\w*$"
)
_MAPPERS = (
    "piccolo",
    "piccolo_api",
    "ormar",
    "gino",
    "edgy",
    "saffier",
    "orator",
    "sqlobject",
    "pony",
    "prisma",
)
_PONY_SET = re.compile(r"^pony\.orm\.(?:core\.)?Set$")
_REASON = "queries of {} are not read"
_MAKES = re.compile(r"^(?:create|insert|bulk_create|add|alter|exists_table|drop)")
"""What a class does that asks nothing of what is stored."""

_OF_PONY = (
    "pony.orm.select", "pony.orm.get", "pony.orm.exists", "pony.orm.count", "pony.orm.delete", "pony.orm.max",
    "pony.orm.min", "pony.orm.sum", "pony.orm.avg", "pony.orm.left_join",
)  # fmt: skip
"""What Pony asks by a generator: `select(lead for lead in Lead if lead.email == email)`."""

_OF_PONY_SET = {"select", "random", "count", "filter", "is_empty", "load", "order_by", "sort_by", "page"}  # fmt: skip
"""What asks the other side of a relation of Pony, on whatever object: `table.seats.select(…)`."""


@provides(Query)
def queries(application: Application) -> Iterator[Query]:
    code = application.code
    if not code.imports(*_MAPPERS):
        return
    inner = {id(call) for site in code.all_calls() for call in _before(site.node)}
    for site in code.calls(*_OF_PONY):
        name = t.last_word(site.node.func)
        yield Query("sql", "", name, (), (), (), place_of(site), _REASON.format("pony"))
    sets = _sets_of_pony(code)
    for site in code.all_calls():
        func = site.node.func
        if isinstance(func, t.Attr) and id(site.node) not in inner and (name := _mapper(application, site, sets)):  # fmt: skip
            if not _MAKES.match(func.name) and code.defined(func, site.scope) is None:
                yield Query("sql", "", func.name, (), (), (), place_of(site), _REASON.format(name))


def _before(call: t.Call) -> Iterator[t.Call]:
    """The nearest call that one is made on: with that it is asked, `Lead.query.where(…).gino.first()`."""
    expr = call.func
    while isinstance(expr, t.Attr):
        expr = expr.value
    if isinstance(expr, t.Call):
        yield expr


def _sets_of_pony(code: Code) -> frozenset[str]:
    """The attributes that entities of Pony reach others by: `seats = Set("Seat")`."""
    return frozenset(
        target.id
        for assign, scope in code.of_kind(t.Assign)
        if isinstance(scope.owner, t.Class) and isinstance(assign.value, t.Call)
        if _PONY_SET.match(code.name(assign.value.func, scope))
        for target in assign.targets
        if isinstance(target, t.Name)
    )


def _mapper(application: Application, site: CallSite, sets: frozenset[str]) -> str:
    """The mapper of the client that is asked or of the class that a chain of calls begins with, if it is one's."""
    expr = site.node.func
    if client := _CLIENT.match(application.code.name(expr, site.scope)):
        return client[1]
    while isinstance(expr, t.Call | t.Attr | t.Item):
        if isinstance(expr, t.Attr) and (name := _of_class(application, expr.value, site.scope)):
            return name
        match expr:
            case t.Attr(value=t.Attr(name=held), name=asked) if held in sets:
                if asked in _OF_PONY_SET:
                    return "pony"
        expr = expr.func if isinstance(expr, t.Call) else expr.value
    return ""


def _of_class(application: Application, expr: t.Expr, scope: Scope) -> str:
    kind = application.values.bound(expr, scope) if isinstance(expr, t.Name | t.Attr) else None
    code = application.code
    if kind is not None and isinstance(kind.node, t.Class):
        names = code.ancestry(kind)
    else:  # `BaseUser` of the package itself
        names = [code.name(expr, scope)] if isinstance(expr, t.Name | t.Attr) else []
    found = next((name.partition(".")[0] for name in names if _BASES.match(name)), "")
    return found.partition("_")[0]
