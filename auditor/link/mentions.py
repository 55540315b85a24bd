"""Where functions are spoken of: who may call one, as far as its name tells.

A call of an object of a class that is told to be another one is no call of a method, and a name that its module
imports from where another function is defined, or defines itself, is no call of this one; whatever else is spelt like it
(an attribute, a text without spaces, a template's word) may be one.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.kinds import BARE, all_bases_told, kind_of, lacks
from auditor.link.layout import module_name
from auditor.link.names import Code
from auditor.link.scopes import Binding, CallSite, Located, Module, Scope

_WORD = re.compile(r"\w+")
_SPACE = re.compile(r"\s")
_SPEAKING = {t.Const, t.Import, t.Call}
_LONGEST = 200
_SHORTEST = 3
_ADDRESSES = (
    "django.urls.path", "django.urls.re_path", "django.conf.urls.url", "django.urls.reverse", "django.urls.reverse_lazy",
    "django.shortcuts.redirect", "django.shortcuts.resolve_url",
)  # fmt: skip
"""What texts are given to that are addresses, or names of them: `path("slots/", views.slots, name="slots")`."""
_LOOSE = ("Protocol", "ABC")
"""What a class inherits from that others are passed for without saying so."""


_SURE = {
    "builtins", "re", "logging", "datetime", "pathlib", "sqlalchemy", "sqlmodel", "flask_sqlalchemy", "pymongo", "motor", "redis", "valkey",
    "httpx", "requests", "aiohttp", "pandas", "fastapi", "starlette", "flask", "boto3", "botocore",
}  # fmt: skip
"""Packages for whose objects none of another class is passed: no protocols."""
_HANDED = {"fastapi.Depends", "fastapi.Security"}
"""What stands for an object of any class."""


class Mentions:
    """Where each name of a function or class is written, but for its definition and imports of it."""

    def __init__(self, code: Code) -> None:
        self.code = code
        self._written: dict[str, list[Located]] = defaultdict(list)
        self._built: list[tuple[str, str]] = []
        names = {f.node.name for f in (*code.functions(), *code.classes())}  # type: ignore[attr-defined]
        calls_none = {
            id(node)
            for assign, _ in code.of_kind(t.Assign)
            if t.dotted(assign.targets[0]) == "__all__" and assign.value is not None
            for node in t.walk(assign.value)
        }
        for call in code.calls(*_ADDRESSES):
            calls_none |= {id(call.arg(0, "route", "regex", "viewname", "to")), id(call.arg(None, "name"))}  # fmt: skip
        written, values, opened = self._written, set[int](), False
        made_up: list[tuple[int, list[tuple[str, str]]]] = []
        for module in code.modules.values():
            for node, scope in code.nodes(module):
                kind = type(node)
                if kind is t.Attr or kind is t.Name:
                    name: str = node.name if kind is t.Attr else node.id  # type: ignore[attr-defined]
                    opened = opened or (kind is t.Attr and name == "__dict__")
                    if name in names:
                        written[name].append(Located(node, scope))
                elif isinstance(node, t.Text):
                    made_up.append((id(node), _ends(node)))
                elif kind in _SPEAKING:
                    for name in self._names(node):
                        if name in names and id(node) not in calls_none:
                            written[name].append(Located(node, scope))
                if kind is t.Item or kind is t.Map:
                    calls_none |= {id(key) for key in _keys(node)}
                if kind in _HOLDING:
                    values |= {id(text) for text in _values(node)}
        if not opened and not _looks_up(code):
            for name, sites in written.items():
                written[name] = [site for site in sites if id(site.node) not in values]
        self._built += [ends for key, told in made_up if key not in calls_none for ends in told]

    def _names(self, node: t.Node) -> Iterator[str]:
        match node:
            case t.Const(value=str(text)) if len(text) < _LONGEST and not _SPACE.search(text):
                if text.startswith("/"):
                    return  # the path of a route or a file
                yield from _WORD.findall(text)
            case t.Import(names=names):
                yield from (name.rpartition(".")[2] for name, alias in names if alias and alias != name)  # fmt: skip
            case t.Call(func=t.Name(id="getattr"), args=[_, name, *_]):
                self._built += _ends(name)

    def of(self, found: Located) -> list[Located]:
        """Where a function or class may be meant, itself and what its own decorators say left out."""
        name: str = found.node.name  # type: ignore[attr-defined]
        inner = self.code.inside(found)
        means = self._meaning(found)
        above = {id(node) for node in t.walk(*found.node.decorators)}  # type: ignore[attr-defined]
        return [
            site
            for site in self._written.get(name, ())
            if id(site.node) not in above
            and not _within(site.scope, inner)
            and means(site)
            and not self._is_asked_of_none(site)
        ]

    def _is_asked_of_none(self, site: Located) -> bool:
        """Whether an attribute is asked of a name that its module imported while it was None: what sets it later, `global`,
        sets it where it comes from alone."""
        match site.node:
            case t.Attr(value=t.Name(id=name)) if found := self.code.find(name, site.scope):
                where, bindings = found
            case _:
                return False
        match bindings:
            case [Binding(kind="import", node=t.Import() as taken, target=target)] if any(
                stmt is taken for stmt in where.module.body
            ):
                path, _, own = target.rpartition(".")
            case _:
                return False
        source = self.code.module_of(path if path.strip(".") else f"{path}.", where)
        if source is None or own in self.code.set_attributes or self.code.writes_names(source):
            return False
        match source.scope.bindings.get(own):
            case [Binding(kind="value", index=None, value=t.Const(value=None))]:
                bound = self.code.may_bind(where.module, name)
                return not bound and self._is_set_after(source, own, Located(taken, where))
        return False

    def _is_set_after(self, module: Module, name: str, taken: Located) -> bool:
        """Whether a module's functions set a name of it only once another has imported it: the functions of that one alone,
        which are made after the import, speak of them."""
        for node, scope in self.code.nodes(module):
            if not isinstance(node, t.Jump) or name not in node.kind.split()[1:]:
                continue
            writer = self.code.enclosing(scope)
            if writer is None or writer.scope.owner is not None or writer.node.decorators:  # type: ignore[attr-defined]
                return False
            if self.built(writer.node.name):  # type: ignore[attr-defined]
                return False
            for site in self.of(writer):
                outer = self.code.enclosing(site.scope)
                if site.path != taken.path or outer is None or outer.node.line < taken.node.line:
                    return False
        return True

    def is_call(self, site: Located) -> bool:
        """Whether what is spoken of is called there and then."""
        return self.call(site) is not None

    def call(self, site: Located) -> CallSite | None:
        """The call of what is spoken of, where it is called there and then."""
        return self._calls.get(id(site.node))

    @functools.cached_property
    def _calls(self) -> dict[int, CallSite]:
        """Every call, by the `id` of what it calls."""
        return {id(call.node.func): call for call in self.code.all_calls()}

    def built(self, name: str) -> bool:
        """Whether the code makes up names like this one: `getattr(self, f"handle_{kind}")`."""
        return any(name.startswith(first) and name.endswith(last) for first, last in self._built)

    def means_another(self, owner: str, method: Located) -> bool:
        """Whether a name is that of another stored class, which has a method of this name itself: `event.rating()`, where
        `Event` and `User` have one."""
        own = method.of_class
        others = self._having.get((_plain(owner), method.node.name), [])  # type: ignore[attr-defined]
        if not others or own is None:
            return False
        above = {name for heir in self.code.heirs(own) for name in self.code.ancestry(heir)}
        named = {_plain(heir.node.name) for heir in self.code.heirs(own)}  # type: ignore[attr-defined]
        return _plain(owner) not in named and all(
            self.code.own_name(other) not in above and self._is_stored(other) for other in others
        )

    def _is_stored(self, kind: Located) -> bool:
        """Whether a class inherits from one of a package: no protocol, for which others are passed."""
        names = [name for name in self.code.ancestry(kind) if self.code.definition(name) is None]
        return any(name not in BARE for name in names) and not any(map(_is_of_any, names))

    @functools.cached_property
    def _having(self) -> dict[tuple[str, str], list[Located]]:
        """The classes that have a method themselves, by their names and its name."""
        found: dict[tuple[str, str], list[Located]] = defaultdict(list)
        for kind in self.code.classes():
            for stmt in kind.node.body:  # type: ignore[attr-defined]
                if isinstance(stmt, t.Function):
                    found[_plain(kind.node.name), stmt.name].append(kind)  # type: ignore[attr-defined]
        return found

    def is_looked_up(self, method: Located) -> bool:
        """Whether a method of the same object is called by a name that nothing tells: `getattr(self, action)()`."""
        own = method.of_class
        heirs = self.code.heirs(own) if own is not None and self._looking else []
        return any(not self._looking.isdisjoint(self.code.ancestry(heir)) for heir in heirs)

    @functools.cached_property
    def _looking(self) -> frozenset[str]:
        """The classes of whose objects a method is called that is looked up by a name which nothing tells."""
        found: set[str] = set()
        for site in self.code.calls("builtins.getattr"):
            match site.node.args:
                case [t.Name(id="self" | "cls"), name, *_] if not isinstance(
                    name, t.Const | t.Text | t.BinOp
                ):
                    around = site.scope.of_class
                    kind = Located(around.owner, around.parent) if around and around.owner and around.parent else None  # fmt: skip
                case [of, name, *_] if not isinstance(name, t.Const | t.Text | t.BinOp):
                    kind = self.code.definition(kind_of(self.code, of, site.scope))
                case _:
                    continue
            if kind is not None and isinstance(kind.node, t.Class) and _is_run(site):
                found.add(self.code.own_name(kind))
        return frozenset(found)

    def _meaning(self, found: Located) -> _Meaning:
        own = found.of_class
        if own is None:
            return _Meaning(self, found, frozenset())
        name: str = found.node.name  # type: ignore[attr-defined]
        kinds = self.code.ancestry(own)
        return _Meaning(self, found, frozenset(f"{kind}.{name}" for kind in kinds))


@provides(Mentions)
def mentions(application: Application) -> list[Mentions]:
    return [Mentions(application.code)]


class _Meaning:
    """Tells whether a mention may mean a function or class; `above` are the names of a method's own and those it overrides."""

    def __init__(self, mentions: Mentions, found: Located, above: frozenset[str]) -> None:
        self.mentions, self.code, self.found, self.above = mentions, mentions.code, found, above
        self.name: str = found.node.name  # type: ignore[attr-defined]

    def __call__(self, site: Located) -> bool:
        match site.node:
            case t.Attr() as node if self.above:
                told = self.code.defined(node, site.scope)
                if told is None:
                    without = (
                        self._is_of_a_module_without,
                        self._is_of_another_kind,
                        self._is_named_for_another,
                    )
                    return not any(asks(node.value, site.scope) for asks in without)
                known = self.code.own_name(told) in self.above
                known = known or (self._is_loose(told) and self._may_be_meant(node.value, site.scope))  # fmt: skip
                return known and self._may_have(node.value, site.scope)
            case t.Attr(value=t.Name() as value):
                return not self._is_of_another_module(value, site.scope)
            case t.Name(id=name):
                return not self._is_bound_to_another(name, site.scope)
            case t.Import(names=names) as node:
                aliases = [x for name, x in names if x and name.rpartition(".")[2] == self.name]
                return not all(self._is_bound_to_another(x, site.scope, node) for x in aliases)
            case t.Const(value=str(text)):
                return not self._is_of_a_package(text)
        return True

    def _is_of_a_package(self, text: str) -> bool:
        """Whether a text is the whole name of what a package has, not the tree: `"django.core.mail.backends.smtp.EmailBackend"`."""
        root, *rest = text.split(".")
        whole = len(rest) > 1 and rest[-1] == self.name and all(map(str.isidentifier, rest))
        return whole and root in self.code.packages - self.code.parts

    def _may_have(self, owner: t.Expr, scope: Scope) -> bool:
        """Whether an object of the class that `owner` is of may have this method: not that of a sibling, by a class of the
        tree above both."""
        kind = self.code.definition(self.code.name(owner, scope).removesuffix("()"))
        if kind is None or not isinstance(kind.node, t.Class):
            return True
        above = self.code.ancestry(kind)
        own = {name.rpartition(".")[0] for name in self.above} & set(above)
        if not any(map(self.code.definition, own)) or any(x.endswith(".Protocol") for x in above):
            return True
        mine = self.code.own_name(self.found).rpartition(".")[0]
        return any(mine in self.code.ancestry(heir) for heir in self.code.heirs(kind))

    def _is_of_another_kind(self, owner: t.Expr, scope: Scope) -> bool:
        """Whether an object is surely of a class that has no such method, and this one's no heir of it."""
        told = kind_of(self.code, owner, scope)
        kind = self.code.definition(told)
        if kind is not None:
            if any(map(_is_of_any, self.code.ancestry(kind))) or not lacks(
                self.code, kind, self.name
            ):
                return False
            mine = self.code.own_name(self.found).rpartition(".")[0]
            return not any(mine in self.code.ancestry(heir) for heir in self.code.heirs(kind))
        own = self.found.scope
        sure = _SURE - self.code.parts
        if told.partition(".")[0] not in sure or told in _HANDED or own.parent is None:
            return False
        for heir in self.code.heirs(Located(own.owner, own.parent)):  # type: ignore[arg-type]
            for name in self.code.ancestry(heir):
                above = self.code.definition(name)
                if name not in BARE if above is None else not all_bases_told(self.code, above):
                    return False
        return True

    def _is_named_for_another(self, owner: t.Expr, scope: Scope) -> bool:
        named = t.last_word(owner) if isinstance(owner, t.Name | t.Attr) else ""
        return bool(named) and self.mentions.means_another(named, self.found)

    def _is_loose(self, found: Located) -> bool:
        own = found.of_class
        return own is not None and any(map(_is_of_any, self.code.ancestry(own)))

    def _may_be_meant(self, owner: t.Expr, scope: Scope) -> bool:
        """Whether an object that is told by a loose class may be one of this method's: that of an abstract class that has
        heirs is none of them where this method has an interface of its own."""
        kind = self.code.definition(kind_of(self.code, owner, scope))
        mine = self.code.own_name(self.found)
        if kind is None or not any(map(self.code.definition, self.above - {mine})):
            return True
        above = self.code.ancestry(kind)
        classes = [found for name in above if (found := self.code.definition(name))]
        has_heirs = any(len(self.code.heirs(found)) > 1 for found in classes)
        if not has_heirs or any(name.endswith(".Protocol") for name in above):
            return True
        heirs = map(self.code.ancestry, self.code.heirs(kind))
        return any(mine.rpartition(".")[0] in names for names in heirs)

    # --- names that are bound to another function

    def _is_of_a_module_without(self, owner: t.Expr, scope: Scope) -> bool:
        """Whether `owner` is a module that has nothing of this name: to ask it for a method of one of its objects fails."""
        told = self.code.name(owner, scope) if isinstance(owner, t.Name) else ""
        path = told.removeprefix("module:")
        if path == told or path not in self.code.modules:
            return False
        module = self.code.modules[path]
        held = {self.name, "__getattr__"} & module.scope.bindings.keys()
        return not held and not self.code.bound_through_star(self.name, module)

    def _is_of_another_module(self, owner: t.Name, scope: Scope) -> bool:
        """Whether `owner.name` is what a module defines that `owner` alone stands for."""
        bound = self.code.find(owner.id, scope)
        if bound is None or len(bound[1]) != 1 or bound[1][0].kind != "import":
            return False
        told = self.code.name(owner, scope)
        path = told.removeprefix("module:")
        return path != told and self._defines_another(self.code.modules[path], self.name, 0)

    def _is_bound_to_another(self, name: str, scope: Scope, by: t.Import | None = None) -> bool:
        """Whether all that binds a name around a place, or one import, gives it the meaning of another function."""
        around: Scope | None = scope
        found: list[Binding] = []
        while around is not None:
            found += around.bindings.get(name, ())
            around = around.parent
        if by is not None:
            found = [binding for binding in found if binding.node is by]
        return self._all_another(found, name, scope.module, 0)

    def _defines_another(self, module: Module, name: str, depth: int) -> bool:
        return self._all_another(module.scope.bindings.get(name, []), name, module, depth + 1)

    def _all_another(self, found: list[Binding], name: str, module: Module, depth: int) -> bool:
        if not found or depth > _DEEPEST or self.code.bound_through_star(name, module):
            return False
        return all(self._is_another(binding, module, depth) for binding in found)

    def _is_another(self, binding: Binding, module: Module, depth: int) -> bool:
        match binding:
            case Binding(kind="definition", node=node):
                return node is not self.found.node
            case Binding(kind="import", node=t.Import(module=str(source)), target=target) if source:
                meant = self.code.module_of(source, module.scope)
                if meant is None or self._may_be_here(source):
                    return False
                return self._defines_another(meant, target.rpartition(".")[2], depth)
        return False

    def _may_be_here(self, source: str) -> bool:
        """Whether a module's name may be that of the one looked for too, from another root: `from utils import f`."""
        dotted = module_name(self.found.path)
        return not source.startswith(".") and f".{dotted}".endswith(f".{source}")


def _plain(name: str) -> str:
    """A class's name as a variable is called for it: `BlogPost`, `blog_post`."""
    return name.replace("_", "").lower()


def _is_of_any(kind: str) -> bool:
    """Whether a class is one that others are passed for without saying so."""
    return kind.rpartition(".")[2] in _LOOSE


_DEEPEST = 8
"""How many imports are followed from one module to the next."""


_HELD_BY_NAME = {"globals", "locals", "vars", "__dict__"}


def _keys(node: t.Node) -> list[t.Expr]:
    """The keys that are made up for values, `row[f"{name}_id"]`, which call nothing: not those of what holds functions by
    their names."""
    match node:
        case t.Item(value=t.Call(func=of) | (t.Attr() as of)) if t.last_word(of) in _HELD_BY_NAME:
            return []
        case t.Item(index=t.Text() as key):
            return [key]
        case t.Map(keys=keys):
            return [key for key in keys if isinstance(key, t.Text)]
    return []


def _is_run(site: CallSite) -> bool:
    """Whether what is looked up is called, at once or by the name that it is given."""
    body = getattr(site.scope.owner, "body", site.scope.module.body)
    nodes = list(t.walk_own(*body)) if isinstance(body, list) else []
    given = {
        n.targets[0].id
        for n in nodes
        if isinstance(n, t.Assign) and n.value is site.node and isinstance(n.targets[0], t.Name)
    }
    called = (n.func for n in nodes if isinstance(n, t.Call))
    return any(x is site.node or (isinstance(x, t.Name) and x.id in given) for x in called)


def _looks_up(code: Code) -> bool:
    """Whether a call looks a method up by a text that is no constant: `getattr(self, action)`."""
    got = ("builtins.getattr", "operator.attrgetter", "operator.methodcaller")
    by_name = (site.node.args[:2] for site in code.calls(*got))
    held = code.calls(*(f"builtins.{name}" for name in _HELD_BY_NAME))
    return any(held) or not all(args and isinstance(args[-1], t.Const) for args in by_name)


def _values(node: t.Node) -> Iterator[t.Expr]:
    """The texts that are values, and name no method where nothing looks one up by a text: what is compared, the keys of
    what is worked out, the choices of a field."""
    match node:
        case t.Compare(left=left, rights=rights):
            for side in (left, *rights):
                yield from side.items if isinstance(side, t.Seq) else (side,)
        case t.Map(keys=keys, values=values):
            yield from (
                k for k, x in zip(keys, values, strict=True) if k and isinstance(x, _WORKED_OUT)
            )
        case t.Call(keywords=keywords):
            yield from (x for k in keywords if k.name == "choices" for x in _choices(k.value))
        case t.Assign(targets=[t.Name(id=name)], value=t.Seq() as value) if (
            "choices" in name.lower()
        ):
            yield from _choices(value)


def _choices(value: t.Expr) -> Iterator[t.Expr]:
    """`[("open", "Open"), ("done", "Done")]`."""
    pairs = value.items if isinstance(value, t.Seq) else ()
    return (x for pair in pairs if isinstance(pair, t.Seq) for x in pair.items)


_WORKED_OUT = (t.Call, t.Await, t.Item, t.BinOp, t.Compare, t.Comp, t.Choice, t.Text)
_HOLDING = {t.Compare, t.Map, t.Call, t.Assign}


def _ends(name: t.Expr) -> list[tuple[str, str]]:
    """How a name begins and ends that is made up of parts."""
    match name:
        case t.Text(parts=[_, *_] as inside):
            pass
        case t.BinOp(op="+", left=left, right=right):
            inside = [left, right]
        case _:
            return []
    first, last = (x.value if isinstance(x, t.Const) else "" for x in (inside[0], inside[-1]))
    texts = (first if isinstance(first, str) else "", last if isinstance(last, str) else "")
    spelt = all(not text or text.isidentifier() for text in texts)
    return [texts] if spelt and max(map(len, texts)) >= _SHORTEST else []


def _within(scope: Scope | None, outer: Scope) -> bool:
    while scope is not None and scope is not outer:
        scope = scope.parent
    return scope is outer
