"""What a call does with what it is given, and what it gives back."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import msgspec

from auditor.extract.python import tree as t
from auditor.link.flow.calls import Reached
from auditor.link.flow.expressions import Expressions
from auditor.link.flow.outside import (
    CLEANERS,
    DECODERS,
    DUMPS,
    FILLS,
    HANDS_ON,
    HARMFUL,
    ITSELF,
    LISTS,
    MATCHING,
    MEMBERS,
    PARSERS,
    TELLS,
    TEXTUAL,
    WRAPPERS,
    coat_of,
)
from auditor.link.flow.request import of_request
from auditor.link.flow.summaries import bring, bring_source
from auditor.link.flow.taint import Form, Taint, each, join, join_all, record
from auditor.link.flow.variables import spot_of, value_of
from auditor.link.scopes import CallSite, Located

_REGEX = re.compile(r"^(?:re|regex|re2)\.(?:compile\(\)\.)?\w+$")
_TAKES_ANYTHING = re.compile(r"\.[*+{]|\\S[*+{]|\[\^[^/\]]{0,8}\][*+{]|\(\.\)")
"""Parts of a pattern that take quotes, slashes and brackets too."""
_QUERY = re.compile(r"\b(?:select|insert|update|delete|from|where|values|order\s+by|limit)\b", re.I)


class Calling(Expressions):
    """Follows calls of the tree's functions and knows those outside of it."""

    def call(self, expr: t.Call) -> Taint | None:
        self.flow.statements += 1
        func = expr.func
        receiver = None
        if isinstance(func, t.Attr):
            if (key := self.key(expr)) in self.env:
                return self.env[key]
            if func.name in ("unescape", "striptags"):
                match func.value:  # markup that is taken apart again
                    case t.Call(func=t.Name(id="Markup"), args=[inner]):
                        return self.eval(inner)
            receiver = self.eval(func.value)
        elif not isinstance(func, t.Name):
            self.eval(func)
        positional = tuple([self.eval(arg) for arg in expr.args])
        named = {k.name: self.eval(k.value) for k in expr.keywords} if expr.keywords else {}
        if receiver is None and not any(positional) and not any(named.values()):
            return self.untouched(expr)
        reached = Reached(CallSite(expr, self.scope), self.flow, receiver, positional, named)
        last = t.last_word(func)
        if last in HANDS_ON and self.handed_on(expr, HANDS_ON[last]):
            return self.eval(self.handed_on(expr, HANDS_ON[last]))  # type: ignore[arg-type]
        sinks = set()
        for sink, taint in self.flow.drained(reached, last):
            sinks.add(sink)
            self.hit(sink, expr, reached.spelt, taint)
        return self.result(reached, last, sinks)

    def handed_on(self, expr: t.Call, position: int) -> t.Call | None:
        """`run_in_executor(None, f, x)` as `f(x)`."""
        if len(expr.args) <= position or not isinstance(expr.args[position], t.Name | t.Attr):
            return None
        rest = expr.args[position + 1 :]
        return t.Call(
            expr.line, expr.column, expr.end_line, expr.args[position], rest, expr.keywords
        )

    def untouched(self, expr: t.Call) -> Taint | None:
        """A call that is given nothing of the caller's may still read the request by itself."""
        if not self.flow.implicit:
            return None
        callee = self.code.defined(expr.func, self.scope)
        if callee is None or not isinstance(callee.node, t.Function) or not self.flow.reads(callee):
            return None
        return self.through(callee, {})

    def result(self, reached: Reached, last: str, sinks: set[str]) -> Taint | None:
        expr = reached.site.node
        callee = self.code.defined(expr.func, self.scope)
        if callee is not None and isinstance(callee.node, t.Function):
            return self.through(callee, self.arguments(reached, callee), sinks, reached.site)
        if callee is not None:
            return self.constructed(reached, callee)
        given = join_all([*reached.positional, *reached.named.values()])
        coat = coat_of(reached.name, last)
        if coat is not None:
            encoded = given or reached.receiver
            return encoded.dressed(coat) if encoded is not None else None
        if last in CLEANERS:
            if last in PARSERS and len(expr.args) == 1:
                self.clean(expr.args[0])  # it would have raised
            return None
        if last in MATCHING and (pieces := self.matched(reached, last)) is not None:
            return pieces
        if reached.receiver is not None:
            return self.of_method(reached, reached.receiver, last, given)
        if given is None:
            return None
        if isinstance(expr.func, t.Attr):
            if last in FILLS:
                self.grow(expr.func.value, reached, last)
                return None
            if last == "join" and reached.name.partition("(")[0] not in (
                "os.path.join",
                "posixpath.join",
            ):
                part = each(given)
                return part.as_text(led=False) if part else None
            if last in ("format", "format_map"):
                return self.formatted(expr.func.value, None, given)
            if last == "joinpath":
                return given.as_text(led=True)
        if reached.name in ("asyncio.run", "asyncio.Runner().run"):
            return reached.arg(0)
        if reached.name in ("tarfile.open", "tarfile.TarFile.open"):
            return Taint(given.leaf.source, Form.FILE, steps=given.leaf.steps)
        if last in DECODERS:
            return given.bare(*DECODERS[last])
        wrapper = WRAPPERS.get(last)
        if wrapper is None:
            return None
        if wrapper == "path":
            return given.as_text(reached.arg(0) is None or given.led)
        if wrapper == "text":
            return given.as_text()
        if wrapper == "file":
            return Taint(
                given.leaf.source, Form.FILE, coats=given.leaf.coats, steps=given.leaf.steps
            )
        if wrapper == "object":
            return Taint(given.leaf.source, Form.OBJECT, steps=given.leaf.steps)
        if last in ("vars", "asdict") and given.form is Form.MODEL:
            return self.dump(given)
        if wrapper == "second":
            second = reached.arg(1) or reached.arg(2)
            return second.as_text() if second else None
        return reached.arg(0) or given

    def matched(self, reached: Reached, last: str) -> Taint | None:
        """What a pattern finds in a text, unless the pattern takes only harmless characters."""
        if not _REGEX.match(reached.name):
            return None
        compiled = reached.name.endswith(f"().{last}")
        text = reached.arg(0 if compiled else 1, "string")
        if text is None or text.form is not Form.TEXT:
            return None
        if not compiled:
            pattern = self.flow.values.text(reached.site.arg(0), self.scope)
            if pattern is not None and not _TAKES_ANYTHING.search(pattern):
                return None
        elif not self.takes_anything(reached.site):
            return None
        return text if last in ("match", "fullmatch", "search") else record(text, {"*": text})

    def takes_anything(self, site: CallSite) -> bool:
        """Whether a compiled pattern may take any character."""
        func = site.node.func
        assert isinstance(func, t.Attr)
        made = [s.node for s in self.flow.values.sources(func.value, site.scope)]
        patterns = [
            self.flow.values.text(call.args[0], site.scope)
            for call in made
            if isinstance(call, t.Call) and call.args
        ]
        return not patterns or any(p is None or _TAKES_ANYTHING.search(p) for p in patterns)

    def of_method(
        self, reached: Reached, base: Taint, last: str, given: Taint | None
    ) -> Taint | None:
        if base.form is Form.REQUEST:
            return of_request(base, last, called=True)
        if last in TELLS:
            return None
        if last in MEMBERS:
            key = self.constant(reached.site.arg(0))
            if base.form is Form.RECORD and len(reached.site.node.args) > 1:
                under = spot_of([self.constant(arg) for arg in reached.site.node.args])
                key = under if under in base.parts() else key
            found = self.part(base, key)
            default = reached.arg(1)
            return join(found, default) if default is not None else found
        if last in LISTS:
            part = (
                self.part(base, self.constant(reached.site.arg(0)))
                if last.startswith("get")
                else base
            )
            text = part.as_text() if part else None
            if text is not None and _cuts_end(reached.site.node, last):
                return record(text, {"0": text, "1": text.dressed("a name")})
            return record(text, {"*": text}) if text else None
        if last in ITSELF:
            if base.form is Form.MODEL and last in DUMPS:
                return self.dump(base)
            if last == "items" and base.form is Form.DUMP:
                pair = record(base, {"1": value_of(base)})
                return record(base, {"*": pair}) if pair else None
            if last == "items" and base.form in (Form.OBJECT, Form.FIELDS):
                key_part = replace(base, form=Form.TEXT, source=base.source.at("*"))
                value = each(base)  # of files: the file, under the name of its field
                pair = record(base, {"0": key_part, "1": value} if value else {"0": key_part})
                return record(base, {"*": pair}) if pair else None
            if last == "items" and base.form is Form.RECORD:
                inner = each(base)
                pair = record(base, {"1": inner}) if inner else None
                return record(base, {"*": pair}) if pair else None
            if last == "values":
                inner = each(base)
                return record(base, {"*": inner}) if inner else None
            return base
        if base.form is Form.FILE:
            return base.as_text() if last in ("read", "getvalue") else None
        if last == "replace" and (self.constant(reached.site.arg(0)) or "x") in HARMFUL:
            return None
        if last in TEXTUAL:
            return base.as_text() if base.form is not Form.MODEL else None
        if last == "keys" and base.form in (Form.OBJECT, Form.FIELDS):
            part = replace(base, form=Form.TEXT, source=base.source.at("*"))
            return record(part, {"*": part})
        return None

    # --- functions of the tree

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
                for param in plain[index:]:
                    if part := each(held):
                        given[param.name] = part
            elif index < len(plain):
                given[plain[index].name] = held
            else:
                for param in params:
                    if param.kind == "args":
                        given[param.name] = record(held, {"*": held}) or held
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
        return given

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
        return bring(found.returns, given)

    def constructed(self, reached: Reached, callee: Located) -> Taint | None:
        """An instance of a class of the tree: its attributes hold what it was given."""
        for sink, taint in self.flow.drained(reached, "()"):
            self.hit(sink, reached.site.node, reached.spelt, taint)
        ancestry = self.code.ancestry(callee)
        for ancestor in ancestry:
            method = self.code.definition(f"{ancestor}.__init__")
            if method is not None and isinstance(method.node, t.Function):
                given = self.arguments(reached, method)
                self.through(method, given)
                kept = self.flow.summary(method, given).attributes
                parts = {name: part for name, taint in kept if (part := bring(taint, given))}
                return record(next(iter(parts.values())), parts) if parts else None
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
        return record(next(iter(parts.values())), parts) if parts else None


def _cuts_end(call: t.Call, last: str) -> bool:
    """`stem, suffix = name.rsplit(".", 1)`: what follows the last dot climbs nowhere."""
    match call.args:
        case [t.Const(value="."), t.Const(value=1)]:
            return last == "rsplit"
    return False


def _validates(name: str) -> bool:
    return name.startswith(("pydantic.", "msgspec.", "ninja.")) and not name.endswith("dataclass")
