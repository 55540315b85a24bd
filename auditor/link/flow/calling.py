"""What a call does with what it is given, and what it gives back."""

from __future__ import annotations

import re
from dataclasses import replace

from auditor.extract.python import tree as t
from auditor.link.flow.calls import Reached
from auditor.link.flow.following import Following
from auditor.link.flow.outside import (
    BUILTINS,
    CLEANERS,
    DECODERS,
    DUMPS,
    FILLS,
    ITSELF,
    LISTS,
    MATCHING,
    MEMBERS,
    PARSERS,
    TELLS,
    TEXTUAL,
    WRAPPERS,
    coat_of,
    coat_of_rest,
)
from auditor.link.flow.request import of_request
from auditor.link.flow.taint import Form, Taint, each, join, join_all, record
from auditor.link.flow.variables import spot_of, value_of
from auditor.link.handing import LATER, THREADS, WRAPS, direct, unwrapped
from auditor.link.scopes import CallSite

_REGEX = re.compile(r"^(?:re|regex|re2)\.(?:compile\(\)\.)?\w+$")
_TAKES_ANYTHING = re.compile(r"\.[*+{]|\\S[*+{]|\[\^[^/\]]{0,8}\][*+{]|\(\.\)")
"""Parts of a pattern that take quotes, slashes and brackets too."""

_KEEPS = {"create", "update", "update_or_create", "get_or_create", "insert", "values"}


class Calling(Following):
    """Knows what calls of functions outside of the tree do; follows the others."""

    def call(self, expr: t.Call) -> Taint | None:
        match expr.func:
            case t.Attr(value=t.Name(id=name)) if name in self.lists:
                filled = self.lists[name]
                given = self.reach(expr)
                self.reorder(name, expr, filled)
                return given
        return self.reach(expr)

    def reach(self, expr: t.Call) -> Taint | None:
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
            if (chosen := self.chosen(func)) is not None:
                self.hit("code", expr, "a function by its name", chosen)
        elif (chosen := self.env.get(f"{func.id}()")) is not None:
            self.hit("code", expr, func.id, chosen)
        positional = tuple([self.eval(arg) for arg in expr.args])
        named = {k.name: self.eval(k.value) for k in expr.keywords} if expr.keywords else {}
        if receiver is None and not any(positional) and not any(named.values()):
            return self.untouched(expr)
        reached = Reached(CallSite(expr, self.scope), self.flow, receiver, positional, named)
        last = t.last_word(func)
        if (made := direct(expr, THREADS, WRAPS, LATER) or unwrapped(expr)) is not None:
            return self.eval(made)
        for name, held in named.items() if self.flow.shown else ():
            if name and (last[:1].isupper() or last in _KEEPS):
                self.keep(name, held, expr)
        sinks = set()
        for sink, taint in self.flow.drained(reached, last):
            sinks.add(sink)
            self.hit(sink, expr, reached.spelt, taint)
        return self.result(reached, last, sinks)

    def chosen(self, expr: t.Expr) -> Taint | None:
        """The name by which any function of a module is taken: `getattr(module, name)` (CWE-470)."""
        match expr:
            case t.Call(func=t.Name(id="getattr"), args=[owner, name, *_]):
                if not self.code.name(owner, self.scope).startswith("module:") and not (
                    isinstance(owner, t.Name)
                    and any(
                        b.kind == "import"
                        for b in self.scope.module.scope.bindings.get(owner.id, ())
                    )
                ):
                    return None
            case t.Item(value=t.Call(func=t.Name(id="globals" | "locals")), index=name):
                pass
            case t.Call(
                func=t.Attr(value=t.Call(func=t.Name(id="globals" | "locals")), name="get"),
                args=[name, *_],
            ):
                pass
            case _:
                return None
        held = self.eval(name)
        return None if held is None or held.led or held.proof("code") else held.as_text()

    def untouched(self, expr: t.Call) -> Taint | None:
        """A call that is given nothing of the caller's may still read the request by itself."""
        callee = self.code.defined(expr.func, self.scope)
        if callee is None or not isinstance(callee.node, t.Function):
            return self.closed(expr)
        if around := self.captured(callee):
            return self.through(callee, around)
        if not self.flow.implicit or not self.flow.reads(callee):
            return None
        return self.through(callee, {}, site=CallSite(expr, self.scope))

    def closed(self, expr: t.Call) -> Taint | None:
        """What a function without a name gives, by what is around it: `later = lambda: x`, `later()`."""
        bound = self.scope.bindings.get(expr.func.id, ()) if isinstance(expr.func, t.Name) else ()
        made = bound[0].value if len(bound) == 1 else None
        return self.function(made) if isinstance(made, t.Lambda) and not made.params else None

    def rest(self, reached: Reached) -> Taint | None:
        """What is left of a text of which only harmless characters are kept; None where others may be."""
        site = reached.site
        if reached.name in ("re.sub", "regex.sub"):
            pattern, replacement, place = site.arg(0, "pattern"), site.arg(1, "repl"), 2
        elif reached.name in ("re.compile().sub", "regex.compile().sub"):
            made = (
                CallSite(o.node, o.scope).arg(0, "pattern")
                for o in self.flow.values.sources(site.node.func.value, self.scope)  # type: ignore[union-attr, arg-type]
                if isinstance(o.node, t.Call)
            )
            pattern, replacement, place = next(made, None), site.arg(0, "repl"), 1
        else:
            return None
        finds, puts = self.constant(pattern), self.constant(replacement)
        held = reached.arg(place, "string")
        if finds is None or puts is None or held is None:
            return None
        coat = coat_of_rest(finds, puts)
        return held.dressed(coat) if coat else None

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
        if last == "sub" and (rest := self.rest(reached)) is not None:
            return rest
        if last in CLEANERS:
            if last in PARSERS and len(expr.args) == 1:
                self.clean(expr.args[0])  # it would have raised
            return None
        if reached.name in ("builtins.setattr", "builtins.getattr") and (
            attribute := self.constant(reached.site.arg(1))
        ):
            named = t.Attr(expr.line, expr.column, expr.end_line, expr.args[0], attribute)
            if last == "getattr":
                return join(self.attribute(named), reached.arg(2))
            self.bind(named, reached.arg(2))
            return None
        if last in MATCHING and (pieces := self.matched(reached, last)) is not None:
            return pieces
        if followed := self.alike(reached):
            return join_all(
                self.through(each_of, self.arguments(reached, each_of), sinks, reached.site)
                for each_of in followed
            )
        receiver = reached.receiver
        if isinstance(expr.func, t.Attr) and (receiver is None or receiver.form is Form.RECORD):
            if last == "clear":
                self.env[self.key(expr.func.value)] = None
            if last in FILLS and given is not None:
                self.grow(expr.func.value, reached, last)
                return given if last == "setdefault" else None
        if receiver is not None:
            return self.of_method(reached, receiver, last, given)
        if given is None:
            return None
        if isinstance(expr.func, t.Attr):
            if last == "join" and reached.name.partition("(")[0] not in (
                "os.path.join",
                "posixpath.join",
            ):
                part = each(given)
                return part.as_text(led=False) if part else None
            if last in ("format", "format_map"):
                return self.formatted(expr.func.value, reached)
            if last == "replace" and len(reached.positional) > 1 and (put := reached.arg(1)):
                return put.as_text(led=False)  # `page.replace("NAME", name)`
            if last == "joinpath":
                return given.as_text(led=True)
        if reached.name == "urllib.request.Request":
            return reached.arg(0, "url")  # what it carries leads nowhere
        if reached.name in ("asyncio.run", "asyncio.Runner().run"):
            return reached.arg(0)
        if reached.name in ("tarfile.open", "tarfile.TarFile.open"):
            return Taint(given.leaf.source, Form.FILE, steps=given.leaf.steps)
        if last in DECODERS:
            return given.bare(*DECODERS[last])
        method_alike = isinstance(expr.func, t.Attr) and last in BUILTINS
        wrapper = None if method_alike else WRAPPERS.get(last)
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
        if wrapper == "each":
            return each(given)
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
        if last == "replace":
            return self.replaced(reached, base)
        if last in TEXTUAL:
            return base.as_text() if base.form is not Form.MODEL else None
        if last == "keys" and base.form in (Form.OBJECT, Form.FIELDS):
            part = replace(base, form=Form.TEXT, source=base.source.at("*"))
            return record(part, {"*": part})
        return None

    def replaced(self, reached: Reached, base: Taint) -> Taint:
        """`text.replace(old, new)`; done once, it leaves `../` of `....//` (CWE-182)."""
        put = reached.site.arg(1)
        new = self.words(put) if put is not None else None
        text = join(base.as_text(), reached.arg(1)) or base
        for old in self.alternatives(reached.site.arg(0)):
            if new == old * 2:
                text = text.dressed("sql")
            elif new is not None and old not in new and not _remade(old, new):
                text = text.without(old)
        return text


def _remade(old: str, new: str) -> bool:
    """Whether taking a word out of itself, written within itself, leaves it standing."""
    old = old[:20]
    return any(old in f"{old[:at]}{old}{old[at:]}".replace(old, new) for at in range(1, len(old)))


def _cuts_end(call: t.Call, last: str) -> bool:
    """`stem, suffix = name.rsplit(".", 1)`: what follows the last dot climbs nowhere."""
    match call.args:
        case [t.Const(value="."), t.Const(value=1)]:
            return last == "rsplit"
    return False
