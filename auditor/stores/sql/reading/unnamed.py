"""Expressions that are only put into a template's context, under a key that the template never names.

A query that asks nothing before it is gone through is not sent then: `render(request, "notes.html", {"old": old})`.
What else is done with the context or with a name that keeps the query leaves it asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.templates import Templates
from auditor.link.application import Application
from auditor.link.names import Code
from auditor.link.scopes import Located

_DJANGO = ("django.shortcuts.render", "django.template.response.TemplateResponse")
_FLASK = ("flask.render_template",)
_ADDS = "get_context_data"
_CHOOSES = {
    "get_template_names",
    "render_to_response",
    "template_name_field",
    "template_engine",
    "response_class",
    "get",
}
"""What a class-based view says by itself of what is shown."""
_OPENS_NAMES = {"locals", "vars", "eval", "exec"}
Words = frozenset[str]
Pairs = list[tuple[str | None, t.Expr]]


def unnamed(application: Application) -> frozenset[int]:
    """Those expressions, by their `id`."""
    code = application.code
    methods = [f for f in code.functions() if isinstance(f.node, t.Function) and f.node.name == _ADDS]  # fmt: skip
    if not methods and not any(True for _ in code.calls(*_DJANGO, *_FLASK)):
        return frozenset()
    (templates,) = application.facts(Templates)
    jinja = _FLASK if templates.is_plain_jinja else ()
    django = _DJANGO if jinja or not code.imports("jinja2") else ()
    found: dict[int, _Contexts] = {}
    for site in code.calls(*django, *jinja):
        owner, flask = site.scope.owner, t.last_word(site.node.func) == "render_template"
        named = site.arg(0 if flask else 1, "template_name", "template")
        if not isinstance(owner, t.Function):
            continue
        if id(owner) not in found:
            found[id(owner)] = _Contexts(owner)
        if not isinstance(named, t.Const):
            continue
        words = templates.words(str(named.value))
        if flask:
            found[id(owner)].give_each(_pairs(site.node), words)
        elif (context := site.arg(2, "context")) is not None:
            found[id(owner)].give(context, words)
    views = _of_views(code, templates, methods) if django and methods else []
    return frozenset(x for each in (*found.values(), *views) for x in each.unnamed())


def _of_views(code: Code, templates: Templates, methods: list[Located]) -> Iterator[_Contexts]:
    """What each `get_context_data` adds, for the templates of all views that run it."""
    read = frozenset(_read(code))
    renamed = any(k.name == "template_name" for s in code.method_calls("as_view") for k in s.node.keywords)  # fmt: skip
    for method in methods if not renamed else ():
        owner, around, function = method.scope.owner, method.scope.parent, method.node
        if not isinstance(owner, t.Class) or not isinstance(function, t.Function) or around is None:
            continue
        if function.decorators:
            continue
        heirs = code.heirs(Located(owner, around))
        named = [_template(code, heir) for heir in heirs if _is_view(code, heir)]
        words = [templates.words(name) if name else None for name in named]
        told = [x for x in words if x is not None]
        if not named or len(told) < len(words):
            continue
        contexts = _Contexts(function)
        for node in t.walk_own(*function.body):
            if isinstance(node, t.Return) and node.value is not None:
                contexts.give(node.value, read.union(*told))
        yield contexts


def _is_view(code: Code, found: Located) -> bool:
    return any(name.startswith("django.views.generic") for name in code.ancestry(found))


def _template(code: Code, view: Located) -> str:
    """The template that a class-based view names, where it alone says what is shown."""
    kinds = [k for name in code.ancestry(view) if (k := code.definition(name)) is not None]
    named = [code.inside(kind).bindings for kind in kinds]
    if any(not own.keys().isdisjoint(_CHOOSES) for own in named):
        return ""
    told = next((own["template_name"] for own in named if "template_name" in own), [])
    match [binding.node for binding in told]:
        case [t.Assign(value=t.Const(value=str(name)))]:
            return name
    return ""


def _read(code: Code) -> Iterator[str]:
    """The keys that code takes something by: `context["old"]`, `context.get("old")`."""
    filled = {id(x) for node, _ in code.of_kind(t.Assign) if not node.op for x in node.targets}
    for node, _ in code.of_kind(t.Item):
        if isinstance(node.index, t.Const) and id(node) not in filled:
            yield str(node.index.value)
    for site in (s for word in ("get", "pop", "setdefault") for s in code.method_calls(word)):
        if isinstance(key := site.arg(0), t.Const):
            yield str(key.value)


class _Contexts:
    """What one function puts into the contexts of templates."""

    def __init__(self, function: t.Function) -> None:
        self.nodes = list(t.walk(*function.body))
        self.bound = {p.name for p in function.params}
        self.given: dict[str, list[Words | None]] = defaultdict(list)
        """The names of contexts, and the words of each template that is given one."""
        self.put: list[tuple[str, t.Expr, Words | None]] = []
        self.kept: set[int] = set()
        """Names, by `id`, whose place does nothing with what they stand for."""

    def give(self, context: t.Expr, words: Words | None) -> None:
        """Note that a template of these words is given a context."""
        if isinstance(context, t.Name):
            self.given[context.id].append(words)
            self.kept.add(id(context))
        elif _is_new(context) or _is_inherited(context):
            self.give_each(_pairs(context), words)

    def give_each(self, pairs: Pairs, words: Words | None) -> None:
        for key, value in pairs:
            if key:
                self.put.append((key, value, words))
            elif key is None and isinstance(value, t.Name):
                self.give(value, words)

    def unnamed(self) -> Iterator[int]:
        if any(isinstance(n, t.Name) and n.id in _OPENS_NAMES for n in self.nodes):
            return
        for name in list(self.given):
            self._fill(name)
        told = [(value, words is not None and key not in words) for key, value, words in self.put]
        idle = [value for value, is_unnamed in told if is_unnamed]
        left = [part for value in idle for part in _ways(value)]
        self.kept |= set(map(id, left))
        names = set[str]()
        for part in left:  # which grows by what the names among them keep
            if not isinstance(part, t.Name) or part.id in names:
                continue
            names.add(part.id)
            items = self._items(part.id)
            self.kept |= set(map(id, items))
            if self._is_kept(part.id):
                given = [x.value for x in self._assigned(part.id) if x.value]
                inner = [way for x in (*given, *items.values()) for way in _ways(x)]
                self.kept |= set(map(id, inner))
                left += inner
        yield from map(id, left)

    def _fill(self, name: str) -> None:
        """Note what is put into a context that a name stands for, one that the function makes itself."""
        words: Words | None = frozenset()
        for given in self.given[name]:
            words = None if words is None or given is None else words | given
        put, read = Pairs(), set[str]()
        for node in self.nodes:
            match node:
                case t.Assign(targets=[t.Name(id=own)], value=value, op="") if own == name:
                    self.kept.update(map(id, node.targets))
                    if value is None or not (_is_new(value) or _is_inherited(value)):
                        return
                    put += _pairs(value)
                case t.Assign(targets=[t.Item(value=t.Name(id=own) as at, index=t.Const(value=key))], value=value, op="") if own == name and value:  # fmt: skip
                    self.kept.add(id(at))
                    put.append((str(key), value))
                case t.Do(value=t.Call(func=t.Attr(value=t.Name(id=own) as at, name="update")) as call) if own == name:  # fmt: skip
                    self.kept.add(id(at))
                    put += _pairs(call)
                case t.Item(value=t.Name(id=own) as at, index=t.Const(value=key)) if own == name and id(at) not in self.kept:  # fmt: skip
                    self.kept.add(id(at))
                    read.add(str(key))
        if self._is_kept(name) and words is not None:
            self.put += ((key, value, words | read) for key, value in put if key)

    def _assigned(self, name: str) -> Iterator[t.Assign]:
        for node in self.nodes:
            match node:
                case t.Assign(targets=[t.Name(id=own)], op="") if own == name:
                    yield node

    def _items(self, name: str) -> dict[t.Name, t.Expr]:
        """What is put into a dict that the function makes itself, `board[stage] = …`, by the names of the dict."""
        if not all(x.value is not None and _is_new(x.value) for x in self._assigned(name)):
            return {}
        found = dict[t.Name, t.Expr]()
        for node in self.nodes:
            match node:
                case t.Assign(targets=[t.Item(value=t.Name(id=own) as at)], value=value, op="") if own == name and value:  # fmt: skip
                    found[at] = value
        return found

    def _is_kept(self, name: str) -> bool:
        """Whether a name is the function's own, and all that is done with it leaves alone what it stands for."""
        mine = {id(x.targets[0]) for x in self._assigned(name)} | self.kept
        for node in self.nodes:
            match node:
                case t.Name(id=own) if own == name and id(node) not in mine:
                    return False
                case t.Jump(kind=kind) if name in kind.split():  # `global`
                    return False
        return name not in self.bound and "__" not in name


def _pairs(context: t.Expr) -> Pairs:
    """What a context is made of, by its keys: "" where one is not told, None for what is spread in it."""
    match context:
        case t.Map(keys=keys, values=values):
            told = (
                None if k is None else str(k.value) if isinstance(k, t.Const) else "" for k in keys
            )
            return list(zip(told, values, strict=True))
        case t.Call(args=args, keywords=keywords):
            given = [pair for arg in args if isinstance(arg, t.Map) for pair in _pairs(arg)]
            return given + [(k.name or None, k.value) for k in keywords]
    return []


def _is_new(context: t.Expr) -> bool:
    """Whether a function makes a context of its own, which nothing else holds."""
    return isinstance(context, t.Map) or (isinstance(context, t.Call) and t.dotted(context.func) == "dict")  # fmt: skip


def _is_inherited(context: t.Expr) -> bool:
    """Whether it is the context that a view's base makes for it: `super().get_context_data(**kwargs)`."""
    match context:
        case t.Call(func=t.Attr(value=t.Call(func=t.Name(id="super")), name=name)):
            return name == _ADDS
    return False


def _ways(value: t.Expr) -> Iterator[t.Expr]:
    """What an expression may come to, each side of a choice, and what a dict in it keeps."""
    match value:
        case t.Choice(then=then, other=other):
            yield from (*_ways(then), *_ways(other))
        case t.Map(values=values):
            for kept in values:
                yield from _ways(kept)
        case _:
            yield value
