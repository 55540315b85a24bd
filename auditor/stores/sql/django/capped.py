"""Models of Django of which the code itself lets no more than a few records be made.

A `save`, or the form or serializer that alone makes them, refuses a further one (`if Site.objects.count() >= 8: raise`,
`if not self.pk and Site.objects.exists(): raise`), or each record takes the place of the one before (`self.pk = 1`,
`Site.objects.all().delete()`). So does what an abstract model saves for those that inherit from it, and that of django-solo.

Source: https://github.com/lazybird/django-solo.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.mentions import Mentions
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope, argument, place_of
from auditor.link.values import Evaluator
from auditor.model.data import Constant
from auditor.stores.flags import spelt
from auditor.stores.makings import makings
from auditor.stores.sql.entities import Entities, Entity
from auditor.stores.waiting.once import runs_once

_MOST = 100
_SAVING = {"save", "asave", "clean", "full_clean"}
_CHECKING = {"validate", "clean", "create", "save", "__init__"}
_REFUSES = {"count", "exists", "acount", "aexists", "first"}
_REMOVES = {"delete"}
_KEYS = ("self.pk", "self.id")
_SOLO = "solo.models.SingletonModel"
_IS_NEW = re.compile(r"self\.(?:pk|id|instance(?:\.pk|\.id)?|_state(?:\.adding)?)$")
_SHOWS = re.compile(r"(?:^|\.)(?:List|Retrieve|Destroy|RetrieveDestroy|Update|RetrieveUpdate|RetrieveUpdateDestroy)APIView$|ReadOnlyModelViewSet$")  # fmt: skip


@provides(Constant)
def capped(application: Application) -> Iterator[Constant]:
    (entities,) = application.facts(Entities)
    if not any(e.mapper == "django" and e.found is not None for e in entities):
        return
    code, values = application.code, application.values
    for model in entities:
        if model.found is not None and _SOLO in code.ancestry(model.found):
            yield Constant("sql", model.table, "django-solo keeps one record of it")
    for function in code.functions():
        kind, name = function.of_class, function.node.name  # type: ignore[attr-defined]
        if name not in _SAVING | _CHECKING or kind is None:
            continue
        models = _models_that_save(entities, kind, name) if name in _SAVING else []
        of_form = _model_of(entities, kind) if not models else None
        for model in models or filter(None, [of_form]):
            if model.mapper != "django" or model.found is None or runs_once(kind.scope.module):
                continue
            most = _Refusal(entities, values, function, model).most()
            if most and (model is not of_form or _makes_alone(application, kind, model)):
                why = f"{place_of(function)} lets no more than {most} of its records be made"
                yield Constant("sql", model.table, why)


def _models_that_save(entities: Entities, kind: Located, name: str) -> list[Entity]:
    """The models whose records a class's method of this name saves: its own, or those of its heirs that have it from it."""
    code = entities.code
    found = []
    for heir in code.heirs(kind):
        model = entities.by_name.get(code.own_name(heir))
        methods = (s for s in heir.node.body if isinstance(s, t.Function) and s.name == name)  # type: ignore[attr-defined]
        own = next(methods, None)
        if model is not None and (heir.node is kind.node or own is None or _calls_above(own)):
            found.append(model)
    return found


def _calls_above(method: t.Function) -> bool:
    """Whether a method runs that of the class above in any case: `super().clean()`."""
    done = (s.value for s in method.body if isinstance(s, t.Do | t.Assign | t.Return))
    calls = (x.func for x in done if isinstance(x, t.Call))
    return any(
        isinstance(f, t.Attr)
        and f.name == method.name
        and t.last_word(t.callee(f.value)) == "super"
        for f in calls
    )


def _model_of(entities: Entities, kind: Located) -> Entity | None:
    """The model of a form or serializer."""
    for stmt in kind.node.body:  # type: ignore[attr-defined]
        for inner in stmt.body if isinstance(stmt, t.Class) and stmt.name == "Meta" else ():
            match inner:
                case t.Assign(targets=[t.Name(id="model")], value=t.Name() | t.Attr() as value):
                    return entities.of(value, entities.code.inside(kind))
    return None


class _Refusal:
    """Tells how many records of a model a method lets be made."""

    def __init__(
        self, entities: Entities, values: Evaluator, function: Located, model: Entity
    ) -> None:
        self.entities, self.values, self.model = entities, values, model
        self.scope = entities.code.inside(function)
        self.body: list[t.Stmt] = function.node.body  # type: ignore[attr-defined]
        self.all: set[str] = set()
        """Variables that hold all records there are, but for the one that is saved: `others = Site.objects.all()`."""
        self.noted: dict[str, int] = {}
        """What keeps errors, by its name, and how many records there are at most where it stays empty."""

    def most(self) -> int:
        """How many records there are at most; 0 where nothing says so."""
        pending: list[tuple[t.Stmt, bool]] = [(s, True) for s in self.body]
        while pending:
            stmt, always = pending.pop(0)
            match stmt:
                case t.Assign(targets=[t.Name(id=name)], value=value) if value is not None:
                    (self.all.add if self._are_all(value) else self.all.discard)(name)
                case t.Assign(targets=[target], value=t.Const(value=int())) if always:
                    if t.dotted(target) in _KEYS:
                        return 1
                case t.Do(value=t.Call() as call) if self._asks_all(call, _REMOVES):
                    return 1
                case t.If(test=t.Name(id=name), body=body) if name in self.noted and t.leaves(body):
                    return self.noted[name]
                case t.If(test=t.Attr() as test, orelse=orelse) if _IS_NEW.match(t.dotted(test)):
                    # the rest is of one that is there
                    pending = [*((s, always) for s in orelse), *pending]
                case t.If(test=test, body=body):
                    parts = test.values if isinstance(test, t.BoolOp) and test.op == "and" else [test]  # fmt: skip
                    limits = {id(part): self._limit(part) for part in parts}
                    if not all(limits[id(part)] or _asks_whether_new(part) for part in parts):
                        self._forget(stmt)
                        continue
                    told = [most for most in limits.values() if most]
                    if told and t.leaves(body):
                        return min(told)
                    if told and (name := _notes(body)):
                        self.noted[name] = min(told)
                    pending = [*((s, False) for s in body), *pending]
                case _:
                    self._forget(stmt)
        return 0

    def _forget(self, stmt: t.Stmt) -> None:
        """What some ways alone bind holds no longer what it did."""
        bound = (n for n in t.walk(stmt) if isinstance(n, t.Assign))
        self.all -= {t.dotted(target) for node in bound for target in node.targets}

    def _limit(self, test: t.Expr) -> int:
        """`Site.objects.count() >= 8`, `Site.objects.exists()`."""
        match test:
            case t.Compare(left=t.Call() as call, ops=[">=" | ">" | "==" as op], rights=[right]):
                told = spelt(self.values, right, self.scope)
                most = told[0] + (op == ">") if told and isinstance(told[0], int) else 0
                return most if 0 < most <= _MOST and self._asks_all(call) else 0
            case t.Call():
                return int(self._asks_all(test))
        return 0

    def _asks_all(self, call: t.Call, methods: set[str] = _REFUSES) -> bool:
        """Whether a call asks how many records there are of a model, or whether any; or does with all what `methods` say."""
        match call.func:
            case t.Attr(name=last, value=inner) if last in methods and not call.args:
                return self._are_all(inner)
        return False

    def _are_all(self, expr: t.Expr) -> bool:
        """Whether an expression stands for all records, but for the one that is saved: `Site.objects.exclude(pk=self.pk)`."""
        match expr:
            case t.Name(id=name):
                return name in self.all
            case t.Call(func=t.Attr(value=inner, name="all"), args=[]):
                return self._are_all(inner)
            case t.Call(func=t.Attr(value=inner, name="exclude"), args=[], keywords=[given]):
                itself = given.name in ("pk", "id") and t.dotted(given.value) in _KEYS
                return itself and self._are_all(inner)
            case t.Attr(value=owner, name="objects" | "_default_manager"):
                kind = owner.func if isinstance(owner, t.Call) else owner
                if t.dotted(kind) in ("self.__class__", "cls", "type"):
                    return True
                return self.entities.of(owner, self.scope) is self.model
        return False


def _notes(body: list[t.Stmt]) -> str:
    """What keeps an error for later: `errors["slot"] = "no more than five"`."""
    match body:
        case [t.Assign(targets=[t.Item(value=t.Name(id=name))])]:
            return name
    return ""


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
