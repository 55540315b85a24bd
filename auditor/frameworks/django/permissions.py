"""The permissions of a DRF view or action: which entries of which list apply to a request.

https://www.django-rest-framework.org/api-guide/permissions/: `permission_classes` of the action, what
`get_permissions` returns for it, `permission_classes` of the view, DEFAULT_PERMISSION_CLASSES.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from auditor.extract.python import tree as t
from auditor.frameworks.django.settings import DjangoProject
from auditor.frameworks.django.views import Extra, Views
from auditor.link.application import Application
from auditor.link.scopes import CallSite, Located, Scope
from auditor.model.values import possible

Entries = list["Located | None"]
"""The entries of one list of permissions; None stands for those that the project sets as default."""
_MAX_WAYS = 16
_MAX_DEPTH = 8


class Permissions:
    """The permission expressions that apply to one method of a DRF view.

    Where it hangs on more than the request's method and action, there are several ways, any of which
    a request may take.
    """

    listed_in, chosen_by = "permission_classes", "get_permissions"
    setting = "DEFAULT_PERMISSION_CLASSES"

    def __init__(self, application: Application, project: DjangoProject) -> None:
        self.values, self.code = application.values, application.code
        self.views = Views(self.values)
        self.project = project

    def default(self) -> list[str]:
        """The dotted names of DEFAULT_PERMISSION_CLASSES; DRF's own default lets everybody pass."""
        for value in self.project.main.known("REST_FRAMEWORK"):
            if isinstance(value, dict):
                listed = value.get(self.setting)
                if isinstance(listed, list):
                    return [x for x in listed if isinstance(x, str)]
        return []

    def of(
        self,
        view: Located,
        method: str,
        action: str,
        extra: Extra | None,
        made: CallSite | None = None,
    ) -> list[Entries]:
        """`made` is the `as_view(…)`, whose keywords take the place of the attributes."""
        given = made.arg(None, self.listed_in) if made is not None else None
        if given is not None and self.views.method(view, self.chosen_by) is None:
            return [self.items(Located(given, made.scope))]  # type: ignore[union-attr]
        if extra is not None:
            for keyword in extra.decorator.keywords:
                if keyword.name == self.listed_in:
                    return [self.items(Located(keyword.value, extra.function.scope))]
        own = self.views.method(view, self.chosen_by)
        if own is not None:
            return _Choice(self, view, method, action).of(own)
        return [self.of_class(view)]

    def of_class(self, view: Located) -> Entries:
        found = self.views.attribute(view, self.listed_in)
        if found is not None:
            return self.items(found)
        return [] if self.views.signs_in(view) else [None]

    def of_function(self, function: Located) -> list[Entries]:
        for decorator in function.node.decorators:  # type: ignore[attr-defined]
            match decorator:
                case t.Call(func=func, args=[given, *_]):
                    if t.dotted(func).rpartition(".")[2] == self.listed_in:
                        return [self.items(Located(given, function.scope))]
        return [[None]]

    def items(self, found: Located) -> Entries:
        """The entries of a list of permissions, lists added up."""
        node = found.node
        match node:
            case t.BinOp(op="+", left=left, right=right):
                return [
                    *self.items(Located(left, found.scope)),
                    *self.items(Located(right, found.scope)),
                ]
            case t.Seq(items=items):
                entries: Entries = []
                for item in items:
                    if isinstance(item, t.Star):
                        entries += self.items(Located(item.value, found.scope))
                    else:
                        entries.append(Located(item, found.scope))
                return entries
        entries = []
        for source in self.values.sources(node, found.scope):  # type: ignore[arg-type]
            if isinstance(source.node, t.Seq | t.BinOp) and source.node is not node:
                entries += self.items(source)
        return entries or [found]


class Throttles(Permissions):
    """The same of throttles: https://www.django-rest-framework.org/api-guide/throttling/."""

    listed_in, chosen_by = "throttle_classes", "get_throttles"
    setting = "DEFAULT_THROTTLE_CLASSES"

    def of_class(self, view: Located) -> Entries:
        found = self.views.attribute(view, self.listed_in)
        if found is not None:
            return self.items(found)
        return [] if self.views.signs_in(view) else [None]


class _MissingKeyError(Exception):
    """A table of permissions has no entry for the action."""


class _Choice:
    """Follows `get_permissions` for one action: branches on method and action decided."""

    def __init__(self, permissions: Permissions, view: Located, method: str, action: str) -> None:
        self.permissions, self.view = permissions, view
        self.values, self.code = permissions.values, permissions.code
        self.method, self.action = method, action
        self.function, self.scope = view, self.code.inside(view)
        self.depth = 0

    def of(self, function: Located) -> list[Entries]:
        return self._called(function, {})

    def _called(self, function: Located, held: dict[str, Entries]) -> list[Entries]:
        if self.depth > _MAX_DEPTH:
            return [[None]]
        outer = self.function, self.scope
        self.function, self.scope = function, self.code.inside(function)
        self.depth += 1
        try:
            ways = self._run(function.node.body, held)  # type: ignore[attr-defined]
            return list(islice(ways, _MAX_WAYS)) or [[None]]
        except _MissingKeyError:
            return [[Located(function.node, function.scope)]]  # fails, for what we can see
        finally:
            self.depth -= 1
            self.function, self.scope = outer

    def _run(self, body: list[t.Stmt], held: dict[str, Entries]) -> Iterator[Entries]:
        """What is returned on each way through the statements; a generator for its early end."""
        for index, stmt in enumerate(body):
            rest = body[index + 1 :]
            match stmt:
                case t.Assign(targets=[target], value=value, op=op) if value is not None:
                    before = held.get(t.dotted(target), []) if op else []
                    (given,) = self._listed(value, held)[:1]
                    held = {**held, t.dotted(target): [*before, *given]}
                case t.Do(
                    value=t.Call(
                        func=t.Attr(value=target, name="append" | "extend" | "insert" as how),
                        args=[*_, given],
                    )
                ) if t.dotted(target) in held:
                    more = (
                        self._listed(given, held)[0]
                        if how == "extend"
                        else [Located(given, self.scope)]
                    )
                    held = {**held, t.dotted(target): [*held[t.dotted(target)], *more]}
                case t.Return(value=value):
                    yield from [[]] if value is None else self._listed(value, held)
                    return
                case t.Raise():
                    return
                case t.If(test=test, body=then, orelse=other):
                    outcome = self._decide(test)
                    ways = [then, other] if outcome is None else [then if outcome else other]
                    for way in ways:
                        yield from self._run([*way, *rest], held)
                    return
                case t.Try():
                    yield from self._tried(stmt, rest, held)
                    return
        yield held.get(f"self.{self.permissions.listed_in}", [None])

    def _tried(
        self, stmt: t.Try, rest: list[t.Stmt], held: dict[str, Entries]
    ) -> Iterator[Entries]:
        try:
            ways = list(self._run([*stmt.body, *stmt.orelse, *rest], held))
        except _MissingKeyError:
            ways = []
            for handler in stmt.handlers:
                ways += self._run([*handler.body, *rest], held)
        yield from ways

    def _listed(self, expr: t.Expr, held: dict[str, Entries]) -> list[Entries]:
        """The entries that an expression lists, on each way."""
        match expr:
            case t.Comp(loops=[loop]):
                return self._listed(loop.iter, held)
            case t.Call(func=t.Name(id="list" | "tuple"), args=[given]):
                return self._listed(given, held)
            case t.Name() | t.Attr() if t.dotted(expr) in held:
                return [held[t.dotted(expr)]]
            case t.Attr(value=t.Name(id="self"), name=name):
                found = self.permissions.views.attribute(self.view, name)
                if found is not None:
                    return [self.permissions.items(found)]
                return (
                    [[None]]
                    if name == self.permissions.listed_in
                    else [[Located(expr, self.scope)]]
                )
            case t.BinOp(op="+", left=left, right=right):
                firsts, seconds = self._listed(left, held), self._listed(right, held)
                return [[*a, *b] for a in firsts for b in seconds][:_MAX_WAYS]
            case t.Choice(test=test, then=then, other=other):
                outcome = self._decide(test)
                ways = [then, other] if outcome is None else [then if outcome else other]
                return [way for each in ways for way in self._listed(each, held)]
            case t.Call(func=t.Attr(value=t.Call(func=t.Name(id="super")), name=name)) if (
                name == self.permissions.chosen_by
            ):
                return self._inherited(held)
            case t.Call(func=t.Attr(value=table, name="get"), args=[key, *default]):
                return self._picked(expr, table, key, default, held)
            case t.Item(value=table, index=key):
                return self._picked(expr, table, key, [], held)
        return [self.permissions.items(Located(expr, self.scope))]

    def _inherited(self, held: dict[str, Entries]) -> list[Entries]:
        """`super().get_permissions()`: of the next class that has one, else of the attribute."""
        owner = self.code.own_name(self.function).rpartition(".")[0]
        ancestry = self.code.ancestry(self.view)
        after = ancestry[ancestry.index(owner) + 1 :] if owner in ancestry else []
        for ancestor in after:
            found = self.code.definition(f"{ancestor}.{self.permissions.chosen_by}")
            if found is not None and isinstance(found.node, t.Function):
                own = {k: v for k, v in held.items() if k.startswith("self.")}
                return self._called(found, own)
        return [
            held.get(f"self.{self.permissions.listed_in}") or self.permissions.of_class(self.view)
        ]

    def _picked(
        self,
        expr: t.Expr,
        table: t.Expr,
        key: t.Expr,
        default: list[t.Expr],
        held: dict[str, Entries],
    ) -> list[Entries]:
        """`self.permissions_by_action[self.action]`, and the like with `get`."""
        maps = list(self._tables(table))
        if t.dotted(key) != "self.action" or not maps:
            return [[Located(expr, self.scope)]]
        for each, scope in maps:
            for name, value in zip(each.keys, each.values, strict=True):
                if isinstance(name, t.Const) and name.value == self.action:
                    return [self.permissions.items(Located(value, scope))]
        if default:
            return self._listed(default[0], held)
        if isinstance(expr, t.Item):
            raise _MissingKeyError
        return [[]]

    def _tables(self, table: t.Expr) -> Iterator[tuple[t.Map, Scope]]:
        sources = self.values.sources(table, self.scope)
        if isinstance(table, t.Attr) and t.dotted(table.value) == "self":
            sources = self.values.attribute(self.view, table.name)
        for source in sources:
            if isinstance(source.node, t.Map):
                yield source.node, source.scope

    def _decide(self, test: t.Expr) -> bool | None:
        match test:
            case t.Unary(op="not", value=value):
                inner = self._decide(value)
                return None if inner is None else not inner
            case t.BoolOp(op=op, values=values):
                outcomes = [self._decide(v) for v in values]
                if (op == "or") in outcomes:
                    return op == "or"
                return None if None in outcomes else op == "and"
            case t.Compare(left=left, ops=[op], rights=[right]):
                dotted = t.dotted(left)
                subject = (
                    self.action
                    if dotted.endswith("self.action")
                    else self.method
                    if dotted.endswith("request.method")
                    else None
                )
                if subject is None:
                    return None
                if self.code.name(right, self.scope).endswith("SAFE_METHODS"):
                    return (self.method in ("GET", "HEAD", "OPTIONS")) == (op == "in")
                for known in possible(self.values.value(right, self.scope)):
                    listed = known.value if isinstance(known.value, list) else [known.value]
                    inside = subject in listed
                    return inside == (op in ("==", "in"))
        return None
