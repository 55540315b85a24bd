"""What the variables of a function, and the parts of their values, hold of the caller's."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec

from auditor.extract.python import tree as t
from auditor.link.flow.calls import Reached
from auditor.link.flow.request import of_request
from auditor.link.flow.summaries import Hit
from auditor.link.flow.taint import Form, Taint, each, join, join_all, record
from auditor.link.flow.validation import Validation
from auditor.link.scopes import Located

_LOOKS_UP = re.compile(
    r"get|find|fetch|query|select|exist|lookup|first|one|scalar|filter|load", re.I
)


class Variables(Validation):
    """Binds names and fills displays; takes values apart."""

    hits: dict[tuple[object, ...], Hit]
    rebound: set[str]
    level: int
    lists: dict[str, tuple[int, list[Taint | None]]]
    """Lists that are filled in order -> the level of the block that fills them, what stands where."""

    def hit(self, sink: str, node: t.Node, what: str, taint: Taint) -> None:
        leaf = taint.leaf
        if isinstance(node, t.Call):
            node = self.part_of(node, leaf) or node
        found = Hit(sink, Located(node, self.scope), what, leaf.source, leaf.steps)
        self.hits.setdefault(found.key, found)

    def part_of(self, call: t.Call, leaf: Taint) -> t.Expr | None:
        """The entry of a display in a call's arguments that holds a value."""
        stack = [x for x in call.args if isinstance(x, t.Map | t.Seq)]
        while stack:
            display = stack.pop()
            for entry in display.values if isinstance(display, t.Map) else display.items:
                if isinstance(entry, t.Map | t.Seq):
                    stack.append(entry)
                elif (held := self.eval(entry)) is not None and held.leaf == leaf:
                    return entry
        return None

    def remember(self, name: str, value: t.Expr) -> None:
        """`found = get_by_name(x)`: once `found` proves true, `x` names something that exists."""
        call = value.value if isinstance(value, t.Await) else value
        self.lookups.pop(name, None)
        if isinstance(call, t.Call) and _LOOKS_UP.search(t.last_word(call.func)):
            keys = [self.key(x) for x in [*call.args, *(k.value for k in call.keywords)]]
            found = [k for k in keys if k and (held := self.env.get(k)) and held.form is Form.TEXT]
            if found and not any(hit.where.node is call for hit in self.hits.values()):
                self.lookups[name] = found

    def bind(self, target: t.Expr, held: Taint | None, value: t.Expr | None = None) -> None:
        match target:
            case t.Name(id=name):
                self.forget(name)
                self.env[name] = held.step(name) if held else None
                if isinstance(value, t.Seq) and not any(isinstance(x, t.Star) for x in value.items):
                    self.lists[name] = (self.level, [self.eval(item) for item in value.items])
            case t.Seq(items=items):
                if held is not None and isinstance(value, t.Call) and is_splitext(value):
                    self.bind(items[0], held.as_text())
                    self.bind(items[-1], held.dressed("a name"))
                    return
                spread = value.items if isinstance(value, t.Seq) else None
                for index, item in enumerate(items):
                    inner = item.value if isinstance(item, t.Star) else item
                    if (spread is not None and len(spread) == len(items)) or (
                        held is not None and held.form is Form.RECORD
                    ):
                        self.bind(inner, self.part(held, str(index)))
                    else:
                        self.bind(inner, each(held))
            case t.Attr(value=owner):
                self.keep(target.name, held, target)
                if key := self.key(target):
                    self.env[key] = held
                    self.put(self.key(owner), target.name, held)
                else:
                    self.eval(owner)
            case t.Item(value=owner, index=index):
                self.fill(owner, index, held)

    def keep(self, name: str, held: Taint | None, at: t.Expr) -> None:
        """Text put into an attribute that a template shows as it is, once it comes back from a store."""
        if name in self.flow.shown and held is not None and not held.proof("markup"):
            if held.form is Form.TEXT or (held.form is Form.OBJECT and held.source.keys):
                self.hit(f"kept {name}", at, name, held)

    def put(self, owner: str, name: str, held: Taint | None) -> None:
        """`owner.name = held`, as a part of the owner."""
        before = self.env.get(owner)
        if before is not None and before.form is not Form.RECORD:
            return
        parts = before.parts() if before else {}
        if held is None:
            parts.pop(name, None)
        else:
            parts[name] = held
        if held is not None or before is not None:
            self.env[owner] = record(next(iter(parts.values())), parts) if parts else None

    def forget(self, name: str) -> None:
        """A variable is bound anew: what was known of its parts is about another value."""
        self.rebound.add(name)
        self.lists.pop(name, None)
        stale = [k for k in self.env if k.startswith((name + ".", name + "[", name + "("))]
        for key in stale:
            del self.env[key]
        for told in [x for x, test in self.verdicts.items() if x == name or _mentions(test, name)]:
            del self.verdicts[told]

    def fill(self, owner: t.Expr, index: t.Expr, held: Taint | None) -> None:
        """`owner[index] = held`."""
        key = self.key(owner)
        place = self.eval(index)
        if (
            held is not None
            and held.form is Form.TEXT
            and not held.led
            and _is_location(owner, index)
        ):
            if not held.proof("redirect"):
                self.hit("redirect", index, "Location", held)
        if not key:
            return
        self.lists.pop(key, None)
        before = self.env.get(key)
        self.env.pop(f"{key}[{self.constant(index)!r}]", None)
        if before is not None and before.form is not Form.RECORD:
            return
        parts = before.parts() if before else {}
        name = self.constant(index)
        if name is not None:
            parts.pop(name, None)
            if held is not None:
                parts[name] = held
        elif held is not None:
            if place is not None:
                parts["**"] = Taint(held.source, Form.OBJECT, steps=held.steps)
            parts["*"] = join(parts.get("*"), held) or held
        self.env[key] = record(held or before, parts) if (held or before) else None  # type: ignore[arg-type]

    def grow(self, owner: t.Expr, reached: Reached, last: str) -> None:
        """`items.append(x)`, `query.update({…})`."""
        key = self.key(owner)
        place = {"insert": 1, "setdefault": 1, "set": max(len(reached.positional) - 1, 0)}.get(
            last, 0
        )
        held = reached.arg(place) or join_all(reached.named.values())
        if not key or held is None:
            return
        before = self.env.get(key)
        if before is not None and before.form is not Form.RECORD:
            return
        parts = before.parts() if before else {}
        if last == "update":
            parts |= held.parts() if held.form is Form.RECORD else {"**": held}
        elif last == "set":  # `config.set("section", "key", value)`
            parts = self.stored(reached, parts, held)
        elif last == "setdefault":
            parts[self.constant(reached.site.arg(0)) or "*"] = held
        else:
            grown = each(held) if last == "extend" else held
            if grown is not None:
                parts["*"] = join(parts.get("*"), grown) or grown
        self.env[key] = record(held, parts)

    def reorder(self, name: str, call: t.Call, filled: tuple[int, list[Taint | None]]) -> None:
        """`items.append(x)`, `items.pop(0)`: what stands where, while the same block does it."""
        level, order = filled
        match t.last_word(call.func), call.args:
            case "append", [item] if level == self.level:
                order.append(self.eval(item))
            case "insert", [t.Const(value=int(at)), item] if level == self.level:
                order.insert(at, self.eval(item))
            case "pop", [] if level == self.level:
                del order[-1:]
            case "pop", [t.Const(value=int(at))] if level == self.level:
                del order[at : at + 1]
            case "insert" | "pop" | "remove" | "reverse" | "sort", _:
                self.mix(name)
                return
            case _:
                return
        self.lists[name] = filled

    def mix(self, name: str) -> None:
        """What stands where in a list is not known any more."""
        held = self.env.get(name)
        if held is not None and held.form is Form.RECORD and (some := each(held)):
            self.env[name] = record(some, {"*": some})

    def stored(self, reached: Reached, parts: dict[str, Taint], held: Taint) -> dict[str, Taint]:
        """The parts of a store once a value is kept under the constants that stand before it."""
        *under, value = [self.constant(arg) for arg in reached.site.node.args] or [None]
        if value is not None or not under or None in under:
            return parts
        return parts | {spot_of(under): held}

    # --- the parts of a value

    def get(self, base: Taint, name: str) -> Taint | None:
        """An attribute of a tainted value."""
        match base.form:
            case Form.REQUEST:
                return of_request(base, name, called=False)
            case Form.MODEL:
                return self.field(base, name)
            case Form.RECORD:
                return base.parts().get(name)
            case Form.FILE:
                if (
                    name == "name"
                ):  # Django's: https://docs.djangoproject.com/en/stable/ref/files/uploads/
                    return replace(
                        base.as_text(), source=msgspec.structs.replace(base.source, segment=True)
                    )
                return base.as_text() if name in ("filename", "file", "stream") else None
            case Form.TEXT:
                if name in (
                    "filename",
                    "path",
                    "netloc",
                    "hostname",
                    "query",
                    "parent",
                    "stem",
                    "name",
                    "value",
                    "raw",
                ):
                    return base
                return None
            case Form.FIELDS if name not in ("get", "items"):
                return replace(base, form=Form.TEXT, source=base.source.at(name))
        return replace(base, source=base.source.at(name))

    def field(self, base: Taint, name: str) -> Taint | None:
        found = self.flow.models.member(base.model, name, base.source)
        return replace(found, steps=base.steps) if found else None

    def part(self, base: Taint | None, key: str | None) -> Taint | None:
        """A subscript of a tainted value."""
        if base is None or key is None:
            return value_of(base) if base is not None and base.form is Form.DUMP else each(base)
        match base.form:
            case Form.RECORD:
                parts = base.parts()
                if key in parts:
                    return parts[key]
                return join(parts.get("*"), self.part(parts.get("**"), key))
            case Form.MODEL | Form.DUMP:
                return self.field(base, key)
            case Form.FIELDS:
                form = Form.FILE if base.source.kind == "file" else Form.TEXT
                return replace(base, form=form, source=base.source.at(key))
            case Form.OBJECT:
                return replace(base, source=base.source.at(key), model="")
        return base

    @staticmethod
    def constant(expr: t.Expr | None) -> str | None:
        if isinstance(expr, t.Const) and isinstance(expr.value, str | int):
            return str(expr.value)
        return None

    def dump(self, base: Taint) -> Taint:
        """A validated instance as a mapping: its keys are the class's, unless it takes any others."""
        return replace(
            base, form=Form.FIELDS if self.flow.models.takes_more(base.model) else Form.DUMP
        )


def is_splitext(call: t.Call) -> bool:
    return t.dotted(call.func).rpartition(".")[2] == "splitext"


def value_of(base: Taint) -> Taint:
    """Some value of a mapping whose keys a model names."""
    return Taint(base.source.at("*"), Form.TEXT, steps=base.steps)


def spot_of(constants: list[str | None]) -> str:
    """The key of a part that stands under several constants."""
    return "\0".join(x or "" for x in constants)


def _mentions(test: t.Expr, name: str) -> bool:
    return any(isinstance(node, t.Name) and node.id == name for node in t.walk_own(test))


def _is_location(owner: t.Expr, index: t.Expr) -> bool:
    """`response.headers["Location"]`."""
    named = isinstance(index, t.Const) and str(index.value).lower() == "location"
    return named and isinstance(owner, t.Attr) and owner.name == "headers"
