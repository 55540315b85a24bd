"""Functions and classes of the tree: what they do with what they are given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from auditor.extract.python import tree as t
from auditor.link.flow.calls import Reached
from auditor.link.flow.expressions import Expressions
from auditor.link.flow.outside import FILLS, ITSELF, LISTS, MATCHING, MEMBERS, TELLS, TEXTUAL
from auditor.link.flow.summaries import Summary, bring, bring_source
from auditor.link.flow.taint import Form, Taint, each, join_all, record
from auditor.link.scopes import CallSite, Located

_QUERY = re.compile(r"\b(?:select|insert|update|delete|from|where|values|order\s+by|limit)\b", re.I)
_ALIKE = 3
"""Methods of one name that a call of something unknown is followed into."""
_COMMON = TEXTUAL | LISTS | ITSELF | MEMBERS | MATCHING | TELLS | FILLS


class Following(Expressions):
    """Follows calls into functions of the tree, and values into instances of its classes."""

    def arguments(self, reached: Reached, callee: Located) -> dict[str, Taint]:
        """The callee's parameters that get something of the caller's."""
        assert isinstance(callee.node, t.Function)
        params = list(callee.node.params)
        given: dict[str, Taint] = {}
        if isinstance(callee.scope.owner, t.Class) and params:
            told = {t.dotted(d) for d in callee.node.decorators}
            if "classmethod" in told or not (
                "staticmethod" in told or self.of_class_itself(reached.site)
            ):
                first = params.pop(0)
                if reached.receiver is not None:
                    given[first.name] = reached.receiver
        plain = [p for p in params if p.kind == "positional"]
        expr = reached.site.node
        for index, (arg, held) in enumerate(zip(expr.args, reached.positional, strict=True)):
            if held is None:
                continue
            if isinstance(arg, t.Star):
                rest = plain[index:] + [p for p in params if p.kind == "args"]
                if part := each(held):
                    for param in rest:
                        more = {"*": part} if param.kind == "args" else {}
                        given[param.name] = (record(part, more) if more else None) or part
            elif index < len(plain):
                given[plain[index].name] = held
            else:
                for param in params:
                    if param.kind == "args":
                        more = given[param.name].parts() if param.name in given else {}
                        more[str(index - len(plain))] = held
                        given[param.name] = record(held, more) or held
        names = {p.name for p in params}
        for keyword, held in reached.named.items():
            if held is None:
                continue
            if keyword is None:
                passed = {k.name for k in expr.keywords}
                for param in params:
                    if param.kind in ("positional", "keyword") and param.name not in given:
                        if param.name not in passed and (part := self.part(held, param.name)):
                            given.setdefault(param.name, part)
                    elif param.kind == "kwargs":
                        given[param.name] = held
            elif keyword in names:
                given[keyword] = held
            else:
                for param in params:
                    if param.kind == "kwargs":
                        more = given[param.name].parts() if param.name in given else {}
                        given[param.name] = record(held, {**more, keyword: held}) or held
        return given | self.captured(callee)

    def captured(self, callee: Located) -> dict[str, Taint]:
        """What a nested function finds in the variables around it."""
        if callee.scope is not self.scope or not isinstance(callee.node, t.Function):
            return {}
        own = {param.name for param in callee.node.params}
        return {
            node.id: held
            for node in t.walk_own(*callee.node.body)
            if isinstance(node, t.Name) and node.id not in own and (held := self.env.get(node.id))
        }

    def of_class_itself(self, site: CallSite) -> bool:
        """`Posts.find(x)`, of a class and not of an instance: its first parameter gets `x`."""
        if not isinstance(site.node.func, t.Attr):
            return False
        found = self.code.definition(self.code.name(site.node.func.value, site.scope))
        return found is not None and isinstance(found.node, t.Class)

    def through(
        self,
        callee: Located,
        given: dict[str, Taint],
        told: Iterable[str] = (),
        site: CallSite | None = None,
    ) -> Taint | None:
        """What a function of the tree gives back, and the sinks it leads to besides those told.

        Where SQL is put together here and only handed on, the flaw is here: `run(f"select …")`.
        """
        found = self.flow.summary(callee, given)
        name = callee.node.name  # type: ignore[attr-defined]
        for hit in found.hits:
            if hit.sink in told:
                continue
            source, steps = bring_source(hit.source, given)
            steps = tuple(dict.fromkeys((*steps, f"{name}()", *hit.steps)))[:6]
            brought = msgspec.structs.replace(hit, source=source, steps=steps)
            if site is not None and hit.sink == "sql" and hit.source.kind == "given":
                text = given.get(hit.source.name)
                if text is not None and _QUERY.search(text.leaf.within):
                    at = Located(site.node, site.scope)
                    brought = msgspec.structs.replace(brought, where=at, what=f"{name}()")
            self.hits.setdefault(brought.key, brought)
        if site is not None and found.changed:
            self.changed(site, callee, found, given)
        return bring(found.returns, given)

    def changed(
        self, site: CallSite, callee: Located, found: Summary, given: dict[str, Taint]
    ) -> None:
        """Objects that a function was handed and put something into."""
        params = callee.node.params  # type: ignore[attr-defined]
        bound = isinstance(callee.scope.owner, t.Class) and not self.of_class_itself(site)
        for name, taint in found.changed:
            index = next((i for i, param in enumerate(params) if param.name == name), 0)
            passed: t.Expr | None = site.arg(index - bound, name)
            if bound and index == 0:
                passed = site.node.func.value if isinstance(site.node.func, t.Attr) else None
            if passed is not None and (key := self.key(passed)):
                self.env[key] = bring(taint, given)

    def alike(self, reached: Reached) -> list[Located]:
        """Methods that a call of something unknown may mean, where few of the tree have its name."""
        func = reached.site.node.func
        told = (
            reached.name and ".py:" not in reached.name
        )  # what a function of the tree gives is open
        if not isinstance(func, t.Attr) or told or func.name in _COMMON:
            return []
        found = self.code.methods_named(func.name)
        return found if len(found) <= _ALIKE else []

    # --- instances of the tree's classes

    def constructed(self, reached: Reached, callee: Located) -> Taint | None:
        """An instance of a class of the tree: its attributes hold what it was given."""
        for sink, taint in self.flow.drained(reached, "()"):
            self.hit(sink, reached.site.node, reached.spelt, taint)
        ancestry = self.code.ancestry(callee)
        method = self.method(ancestry, "__init__")
        if method is not None:
            given = self.arguments(reached, method)
            self.through(method, given)
            kept = dict(self.flow.summary(method, given).changed)
            own = method.node.params[0].name if method.node.params else ""  # type: ignore[attr-defined]
            return bring(kept.get(own), given)
        validates = any(_validates(name) for name in ancestry)
        if validates and (reached.positional or None in reached.named):
            held = join_all([*reached.positional, *reached.named.values()])
            if held is None:
                return None
            return Taint(held.leaf.source, Form.MODEL, ancestry[0], steps=held.leaf.steps)
        parts = {
            k: v
            for k, v in reached.named.items()
            if k
            and v
            and not (validates and self.flow.models.member(ancestry[0], k, v.source) is None)
        }
        if any(reached.positional):
            parts |= {
                name: held
                for name, held in zip(self.declared(ancestry), reached.positional, strict=False)
                if held
            }
        return record(next(iter(parts.values())), parts) if parts else None

    def declared(self, ancestry: list[str]) -> Iterator[str]:
        """The fields of a dataclass or a named tuple in order, those of its bases first."""
        for name in reversed(ancestry):
            found = self.code.definition(name)
            for stmt in found.node.body if found and isinstance(found.node, t.Class) else ():
                match stmt:
                    case t.Assign(targets=[t.Name(id=field)], annotation=kind) if kind is not None:
                        yield field

    def method(self, ancestry: list[str], name: str) -> Located | None:
        for ancestor in ancestry:
            found = self.code.definition(f"{ancestor}.{name}")
            if found is not None and isinstance(found.node, t.Function):
                return found
        return None

    def method_of(self, instance: t.Expr, name: str) -> Located | None:
        """A method of the class of the tree that an expression is an instance of."""
        if name not in self.code.words:
            return None
        kind = self.code.name(instance, self.scope)
        found = self.code.definition(kind[:-2]) if kind.endswith("()") else None
        if found is None or not isinstance(found.node, t.Class):
            return None
        return self.method(self.code.ancestry(found), name)

    def asked(self, instance: t.Expr, held: Taint, name: str) -> Taint | None:
        """What a method that Python itself calls gives: a property, `__enter__`, `__getitem__`."""
        found = self.method_of(instance, name) if held.form is Form.RECORD else None
        if found is None or not found.node.params:  # type: ignore[attr-defined]
            return None
        return self.through(found, {found.node.params[0].name: held})  # type: ignore[attr-defined]

    def attribute(self, expr: t.Attr) -> Taint | None:
        found = super().attribute(expr)
        if found is not None or expr.name not in self.code.properties:
            return found
        if self.key(expr) in self.env:
            return None
        held = self.eval(expr.value)
        if held is not None:
            return self.asked(expr.value, held, expr.name)
        read = self.method_of(expr.value, expr.name) if self.flow.implicit else None
        return self.through(read, {}) if read is not None and self.flow.reads(read) else None

    def item(self, expr: t.Item) -> Taint | None:
        found = super().item(expr)
        if found is None and (held := self.eval(expr.value)) is not None:
            return self.asked(expr.value, held, "__getitem__")
        return found


def _validates(name: str) -> bool:
    return name.startswith(("pydantic.", "msgspec.", "ninja.")) and not name.endswith("dataclass")
