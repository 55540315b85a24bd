"""Models of Django of which the code itself lets no more than a few records be made.

A `save`, or the form or serializer that alone makes them, refuses a further one (`if Site.objects.count() >= 8: raise`,
`if not self.pk and Site.objects.exists(): raise`), or each record takes the place of the one before (`self.pk = 1`,
`Site.objects.all().delete()`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.mentions import Mentions
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope, argument, place_of
from auditor.model.data import Constant
from auditor.stores.makings import makings
from auditor.stores.sql.entities import Entities, Entity
from auditor.stores.waiting.once import runs_once

_MOST = 100
_SAVING = {"save", "asave", "clean", "full_clean"}
_CHECKING = {"validate", "clean", "create", "save", "__init__"}
_REFUSES = {"count", "exists", "acount", "aexists", "first"}
_REMOVES = {"delete"}
_KEYS = ("self.pk", "self.id")
_IS_NEW = re.compile(r"self\.(?:pk|id|instance(?:\.pk|\.id)?|_state(?:\.adding)?)$")
_SHOWS = re.compile(r"(?:^|\.)(?:List|Retrieve|Destroy|RetrieveDestroy|Update|RetrieveUpdate|RetrieveUpdateDestroy)APIView$|ReadOnlyModelViewSet$")  # fmt: skip


@provides(Constant)
def capped(application: Application) -> Iterator[Constant]:
    (entities,) = application.facts(Entities)
    if not any(e.mapper == "django" and e.found is not None for e in entities):
        return
    code = application.code
    for function in code.functions():
        owner, around = function.scope.owner, function.scope.parent
        assert isinstance(function.node, t.Function)
        name = function.node.name
        if name not in _SAVING | _CHECKING or not isinstance(owner, t.Class) or around is None:
            continue
        kind = Located(owner, around)
        own = entities.by_name.get(code.own_name(kind))
        model = own or _model_of(entities, kind)
        if model is None or model.mapper != "django" or runs_once(around.module):
            continue
        most = _most(entities, function, model)
        if most and (name in _SAVING if own is not None else _makes_alone(application, kind, model)):  # fmt: skip
            where = place_of(function)
            yield Constant("sql", model.table, f"{where} lets no more than {most} of its records be made")  # fmt: skip


def _model_of(entities: Entities, kind: Located) -> Entity | None:
    """The model of a form or serializer."""
    for stmt in kind.node.body:  # type: ignore[attr-defined]
        for inner in stmt.body if isinstance(stmt, t.Class) and stmt.name == "Meta" else ():
            match inner:
                case t.Assign(targets=[t.Name(id="model")], value=t.Name() | t.Attr() as value):
                    return entities.of(value, entities.code.inside(kind))
    return None


def _most(entities: Entities, function: Located, model: Entity) -> int:
    """How many records a method lets be made; 0 where it says nothing of that."""
    scope = entities.code.inside(function)
    pending: list[tuple[t.Stmt, bool]] = [(s, True) for s in function.node.body]  # type: ignore[attr-defined]
    while pending:
        stmt, always = pending.pop(0)
        match stmt:
            case t.Assign(targets=[target], value=t.Const(value=int())) if always:
                if t.dotted(target) in _KEYS:
                    return 1
            case t.Do(value=t.Call() as call) if _asks_all(entities, call, model, scope, _REMOVES):
                return 1
            case t.If(test=test, body=body):
                parts = test.values if isinstance(test, t.BoolOp) and test.op == "and" else [test]
                told = [n for part in parts if (n := _limit(entities, part, model, scope))]
                rest = [p for p in parts if not _limit(entities, p, model, scope) and not _asks_whether_new(p)]  # fmt: skip
                if rest:
                    continue
                if told and t.leaves(body):
                    return min(told)
                pending = [*((s, False) for s in body), *pending]
    return 0


def _limit(entities: Entities, test: t.Expr, model: Entity, scope: Scope) -> int:
    """`Site.objects.count() >= 8`, `Site.objects.exists()`."""
    match test:
        case t.Compare(left=t.Call() as call, ops=[">=" | ">" | "==" as op], rights=[t.Const(value=int(most))]):  # fmt: skip
            more = most + (op == ">")
            return more if 0 < more <= _MOST and _asks_all(entities, call, model, scope) else 0
        case t.Call():
            return int(_asks_all(entities, test, model, scope))
    return 0


def _asks_all(
    entities: Entities, call: t.Call, model: Entity, scope: Scope, methods: set[str] = _REFUSES
) -> bool:
    """Whether a call asks how many records there are of a model, or whether any; or does with all what `methods` say."""
    match call.func:
        case t.Attr(name=last, value=inner) if last in methods and not call.args:
            match inner:
                case t.Call(func=t.Attr(value=value, name="all"), args=[]):
                    inner = value
            match inner:
                case t.Attr(value=owner, name="objects" | "_default_manager"):
                    itself = t.dotted(owner) in ("self.__class__", "cls")
                    return itself or entities.of(owner, scope) is model
    return False


def _asks_whether_new(test: t.Expr) -> bool:
    """`not self.pk`, `self.pk is None`, `self._state.adding`."""
    match test:
        case t.Unary(op="not", value=value) | t.Compare(left=value, ops=["is"], rights=[t.Const(value=None)]):  # fmt: skip
            return _IS_NEW.match(t.dotted(value)) is not None
        case t.Attr():
            return t.dotted(test) == "self._state.adding"
    return False


def _makes_alone(application: Application, kind: Located, model: Entity) -> bool:
    """Whether nothing but this form or serializer makes records of a model, as far as the code says."""
    code, (mentions,) = application.code, application.facts(Mentions)
    made = (site for site in makings(application, model) if site is not None)
    if any(_class_of(site.scope) is not kind.node for site in made):
        return False
    (entities,) = application.facts(Entities)
    others = (
        x for x in code.classes() if x.node is not kind.node and _model_of(entities, x) is model
    )
    return all(_only_shows(code, mentions, site) for other in others for site in mentions.of(other))


def _class_of(scope: Scope) -> t.Node | None:
    around = scope.of_class
    return around.owner if around is not None else None


def _only_shows(code: Code, mentions: Mentions, site: Located) -> bool:
    """Whether a form or serializer is spoken of where none makes a record: in a view that lists, or without data."""
    around = site.scope.of_class
    if around is not None and around.owner is not None and around.parent is not None:
        if any(map(_SHOWS.search, code.ancestry(Located(around.owner, around.parent)))):
            return True
    call = mentions.call(site)
    serializer = t.last_word(site.node).endswith("Serializer")  # type: ignore[arg-type]
    return serializer and call is not None and argument(call.node, 1, "data") is None
