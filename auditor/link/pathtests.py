"""Tests of the request's path and method, decided for one route.

`request.url.path.startswith("/api")`, `path in PUBLIC`, `any(path.startswith(p) for p in OPEN)`,
`request.method == "OPTIONS"`: what a middleware asks before it looks at a credential.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

import msgspec
import re2
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.link.contexts import contexts_of
from auditor.link.origins import Env
from auditor.link.scopes import CallSite, Located, Scope
from auditor.link.sequences import items_of
from auditor.link.values import Evaluator
from auditor.model.patterns import compiled
from auditor.model.values import possible

_MATCHING = re.compile(r"re\.(?:match|search|fullmatch)")
_MAX_DEPTH = 12
_MAX_TURNS = 50
_FORKS = 3
"""How much of the depth a test takes that cannot be decided: both ways are gone then."""
_VARIABLES = re.compile(r"values|(?:request\.)?view_args")
"""What Flask has matched in the path: `url_value_preprocessor` gets it, the request has it."""
_KWARGS = re.compile(r"^(?:self|view|\w+\.parser_context)\.kwargs$")
"""Where Django's class-based views keep it."""
_VIEWS = ("view_func", "view_function", "view")
_VIEW = re.compile(r"^(?:self|view|self\.view)$")
_ACTION = re.compile(r"^(?:self|view|self\.view)\.action$")
"""What a viewset of Django REST framework is asked to do, to a permission or to itself."""
_TEXT_METHODS = {
    "rstrip", "lstrip", "strip", "lower", "upper", "removeprefix", "removesuffix",
}  # fmt: skip
_ASKED = {
    "path", "path_info", "full_path", "method", "endpoint", "blueprint", "resolver_match", "view_name",
    "url_name", "action",
}  # fmt: skip
_RESOLVE = re.compile(r"(?:^|\.)resolve$")
"""`resolve(request.path_info)` of Django."""
_SPLITTING = {"split", "rsplit", "partition", "rpartition"}
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
"""What a route for ANY method answers: a test of the method is decided where all of them agree."""
_WHOLE = re.compile(r"(?:^|\.)request\.(?:url|base_url)$")
"""The whole URL, which ends as the path does."""
_PATH = re.compile(r"(?:^|\.)(?:url\.path|path|full_path|path_info|scope\.path)$")


UNNAMED = "<unnamed>"
"""The name of a route that has none, where routes have names."""


class PathTests(msgspec.Struct, frozen=True):
    """Decides tests for requests with this method and path."""

    values: Evaluator
    method: str
    path: str
    endpoint: str = ""
    """The route's name, where the framework has one (`blueprint.view`, a URL's name)."""
    marks: frozenset[str] | None = None
    """Attributes that decorators have put on the view; None where views carry none."""
    action: str | None = None
    """What a viewset is asked to do; empty for other views, None where there are no viewsets."""

    env: Env = msgspec.field(default_factory=dict)
    """What the hook's own constructor was given."""

    @property
    def key(self) -> tuple[object, ...]:
        given = (id(x.node) for x in self.env.values())
        return self.method, self.path, self.endpoint, self.marks, self.action, *given

    def decide(self, test: t.Expr, scope: Scope) -> bool | None:
        """The outcome of a test, None where it does not hang on path and method alone."""
        with self.values.within(self.env):
            told = self._decide(test, scope)
            if told is None or self.method != "ANY":
                return told
            each = (replace(self, method=method) for method in _METHODS)
            return told if all(x._decide(test, scope) is told for x in each) else None

    def _decide(self, test: t.Expr, scope: Scope, depth: int = 0) -> bool | None:
        if depth > _MAX_DEPTH:
            return None  # a variable that is made of itself ends here
        match test:
            case t.Unary(op="not", value=value):
                inner = self._decide(value, scope, depth + 1)
                return None if inner is None else not inner
            case t.BoolOp(op=op, values=values):
                return self._combined(op, [self._decide(v, scope, depth + 1) for v in values])
            case t.Compare(left=left, ops=[op], rights=[right]):
                return self._compared(left, op, right, scope)
            case t.Call(
                func=t.Attr(value=base, name="startswith" | "endswith" as name), args=[arg]
            ):
                subject = self._subject(base, scope)
                if subject is None and name == "endswith" and _WHOLE.search(t.dotted(base)):
                    subject = self.path
                if subject is None:
                    return None
                test_of = str.startswith if name == "startswith" else str.endswith
                texts = self._texts(arg, scope)
                return None if texts is None else any(test_of(subject, x) for x in texts)
            case t.Call(args=[pattern, subject, *_]) if _MATCHING.fullmatch(t.dotted(test.func)):
                return self._matched(t.dotted(test.func), pattern, subject, scope, scope)
            case t.Call(
                func=t.Attr(value=pattern, name="match" | "search" | "fullmatch" as name),
                args=[subject],
            ) if made := self._compiled(pattern, scope):
                return self._matched(name, made.node, subject, made.scope, scope)
            case t.Call(func=t.Name(id="any"), args=[t.Comp(elements=[element], loops=[loop])]):
                return self._any(element, loop, scope)
            case t.Call(
                func=t.Name(id="getattr" | "hasattr"), args=[view, t.Const(value=mark), *_]
            ):
                return self._marked(view, str(mark), scope)
            case t.Call(func=t.Name(id="bool"), args=[inner_test]):
                return self._decide(inner_test, scope, depth + 1)
            case t.Attr(name="resolver_match") if self.endpoint:
                return True
            case t.Attr(name="endpoint") if self.endpoint and t.dotted(test) == "request.endpoint":
                return True
            case t.Call(
                func=t.Attr(value=owner, name="get" | "pop"), args=[t.Const(value=key), *_]
            ):
                if self.endpoint and _VARIABLES.fullmatch(t.dotted(owner)):
                    return self._takes(str(key))
                if self.marks is not None and _KWARGS.search(t.dotted(owner)):
                    return self._takes(str(key))
            case t.Call(func=func):
                return self._told_by(func, test, scope, depth)
            case t.Name():
                origins = self.values.origins(test, scope)
                if len(origins) == 1 and not isinstance(origins[0].node, t.Name):
                    return self._decide(origins[0].node, origins[0].scope, depth + 1)  # type: ignore[arg-type]
        return None

    # --- helpers of the tree

    def _told_by(self, func: t.Expr, call: t.Call, scope: Scope, depth: int) -> bool | None:
        """`is_public(request)`: what a function says that only looks at path and method."""
        found = self.values.code.defined(func, scope)
        if found is None or not isinstance(found.node, t.Function) or not _asks(found.node):
            return None
        inner = self.values.code.inside(found)
        if id(inner) in self.values.bound_scopes:
            return None  # a function that calls itself ends here
        env = contexts_of(self.values).bound_by(CallSite(call, scope))
        with self.values.within({**env, (id(inner), ""): found}):
            told = self._runs(found.node.body, inner, {}, depth + 1)
        return told if isinstance(told, bool) else None

    def _runs(
        self, body: list[t.Stmt], scope: Scope, known: dict[str, bool | None], depth: int
    ) -> bool | str | None:
        """What statements return for this route; "" where they go on, None where nobody can tell."""
        if depth > _MAX_DEPTH:
            return None
        for index, stmt in enumerate(body):
            told: bool | str | None = ""
            match stmt:
                case t.Return(value=None):
                    return False
                case t.Return(value=t.Const(value=value)):
                    return bool(value)
                case t.Return(value=t.Name(id=name)) if name in known:
                    return known[name]
                case t.Return(value=value) if value is not None:
                    return self._decide(value, scope, depth)
                case t.If(test=test, body=then, orelse=other):
                    outcome = self._decide(test, scope, depth)
                    if outcome is None:
                        rest = body[index + 1 :]
                        ways = {
                            self._runs([*way, *rest], scope, dict(known), depth + _FORKS)
                            for way in (then, other)
                        }
                        return ways.pop() if len(ways) == 1 else None
                    told = self._runs(then if outcome else other, scope, known, depth + 1)
                case t.For(target=t.Name(id=name), iter=listed, body=turn):
                    texts = self._texts(listed, scope)
                    if texts is None or len(texts) > _MAX_TURNS:
                        return None
                    for text in texts:
                        at = Located(t.Const(stmt.line, stmt.column, stmt.line, text), scope)
                        with self.values.within({(id(scope), name): at}):
                            told = self._runs(turn, scope, known, depth + 1)
                        if told != "":
                            break
                case t.Assign(targets=[t.Name(id=name)], value=t.Const(value=bool(value))):
                    known[name] = value
                case t.Assign() | t.Do() | t.Jump():
                    pass  # names are looked up where they are used
                case _:
                    return None
            if told != "":
                return told
        return ""

    def _takes(self, name: str) -> bool:
        """Whether the route has a variable of this name."""
        return re.search(rf"[<:]{re.escape(name)}>", self.path) is not None

    def _marked(self, view: t.Expr, mark: str, scope: Scope) -> bool | None:
        """`getattr(app.view_functions[request.endpoint], "is_public", False)`."""
        if mark == "action" and self.action is not None and _VIEW.search(t.dotted(view)):
            return self.action != ""
        if self.marks is None:
            return None
        if t.dotted(view) in _VIEWS:
            return mark in self.marks  # what Django's process_view is given
        for source in self.values.sources(view, scope):
            for node in t.walk_own(source.node):
                if isinstance(node, t.Attr) and node.name == "view_functions":
                    return mark in self.marks
        return None

    @staticmethod
    def _combined(op: str, outcomes: list[bool | None]) -> bool | None:
        decisive = op == "or"
        if decisive in outcomes:
            return decisive
        return None if None in outcomes else not decisive

    def _subject(self, expr: t.Expr, scope: Scope, depth: int = 8) -> str | None:
        """The request's path or method, when `expr` is that."""
        if depth == 0:
            return None  # `name = name.strip()`: a variable that is made of itself
        match expr:
            case t.Call(func=t.Attr(value=base, name=name), args=given) if name in _TEXT_METHODS:
                whole = self._subject(base, scope, depth - 1)
                texts = [x.value for x in given if isinstance(x, t.Const)]
                if whole is None or len(texts) < len(given):
                    return whole
                return _applied(whole, name, texts)
            case t.Item(
                value=t.Call(
                    func=t.Attr(value=base, name=name),
                    args=[t.Const(value=str(separator)), *_] as given,
                ),
                index=index,
            ) if name in _SPLITTING:
                whole = self._subject(base, scope, depth - 1)
                at = next((k.value for k in possible(self.values.value(index, scope))), None)
                if whole is None or not isinstance(at, int):
                    return None
                counts = [x.value for x in given[1:] if isinstance(x, t.Const)]
                parts = getattr(whole, name)(separator, *counts)
                return parts[at] if -len(parts) <= at < len(parts) else None
            case (
                t.Item(value=t.Name(id="scope") | t.Attr(name="scope"), index=t.Const(value=key))
                | t.Call(
                    func=t.Attr(value=t.Name(id="scope") | t.Attr(name="scope"), name="get"),
                    args=[t.Const(value=key), *_],
                )
            ):
                kind = "websocket" if self.method == "WEBSOCKET" else "http"
                return {"path": self.path, "method": self.method, "type": kind}.get(str(key))
            case t.Name(id=name):
                origins = [o for o in self.values.origins(expr, scope) if o.node is not expr]
                for origin in origins:
                    told = self._subject(origin.node, origin.scope, depth - 1)  # type: ignore[arg-type]
                    if told is not None:
                        return told
                if name == "endpoint" and self.endpoint and not origins:
                    return self.endpoint
                if name == "path" and not self.values.is_bound(expr, scope):
                    return self.path
                return None
        dotted = self._spelt_out(expr, scope)
        if _PATH.search(dotted) and "." in dotted:
            return self.path
        if dotted.endswith(".method"):
            return self.method
        if self.action is not None and _ACTION.search(dotted):
            return self.action
        if self.endpoint and dotted.endswith(("request.endpoint", "resolver_match.view_name")):
            return self.endpoint
        if self.endpoint and dotted.endswith("resolver_match.url_name"):
            return self.endpoint.rpartition(":")[2]
        if self.endpoint and dotted.endswith(("request.blueprint", "resolver_match.namespace")):
            return (
                re.split(r"[.:](?=[^.:]*$)", self.endpoint)[0]
                if re.search(r"[.:]", self.endpoint)
                else ""
            )
        return None

    def _spelt_out(self, expr: t.Expr, scope: Scope) -> str:
        """`match.url_name` as `request.resolver_match.url_name`, where `match` is that."""
        match expr:
            case t.Attr(value=t.Name() | t.Call() as owner, name=name) if name in _ASKED:
                for origin in [Located(owner, scope), *self.values.origins(owner, scope)]:
                    match origin.node:
                        case t.Attr():
                            return f"{t.dotted(origin.node)}.{name}"
                        case t.Call(func=func) if _RESOLVE.search(t.dotted(func)):
                            return f"request.resolver_match.{name}"
        return t.dotted(expr)

    def _texts(self, expr: t.Expr, scope: Scope) -> list[str] | None:
        if self.values.code.name(expr, scope).endswith("permissions.SAFE_METHODS"):
            return ["GET", "HEAD", "OPTIONS"]  # rest_framework's name for what changes nothing
        if self.endpoint and (named := self._addresses(expr)):
            return named
        for known in possible(self.values.value(expr, scope)):
            listed = known.value if isinstance(known.value, list) else [known.value]
            if all(isinstance(x, str) for x in listed):
                return listed
            if isinstance(known.value, dict):
                return [str(x) for x in known.value]
        return None

    def _addresses(self, expr: t.Expr) -> list[str]:
        """`url_for("auth.login")`, or several: this path where the route is that one."""
        found = []
        for each in expr.items if isinstance(expr, t.Seq) else [expr]:
            match each:
                case t.Call(func=func, args=[t.Const(value=str(name))], keywords=[]) if (
                    t.last_word(func) == "url_for"
                ):
                    same = self.endpoint == name or (
                        name[:1] == "." and self.endpoint.endswith(name)
                    )
                    found.append(self.path if same else f"url_for({name})")
                case _:
                    return []
        return found

    def _compared(self, left: t.Expr, op: str, right: t.Expr, scope: Scope) -> bool | None:
        if self.marks is not None and op in ("in", "not in") and t.dotted(left) in _VIEWS:
            return (f"in {t.last_word(right)}" in self.marks) == (op == "in")
        subject = self._subject(left, scope)
        if subject is None and op in ("in", "not in"):
            whole, part = self._subject(right, scope), self._texts(left, scope)
            if self.marks is not None and part and _KWARGS.search(t.dotted(right)):
                return self._takes(part[0]) == (op == "in")
            if whole is not None and part is not None and len(part) == 1:
                return (part[0] in whole) == (op == "in")
        if subject is None and isinstance(left, t.Name) and self._turns(left, scope):
            subject = _only(self._texts(left, scope))
        if subject is None or op not in ("==", "!=", "in", "not in"):
            return None
        texts = self._texts(right, scope)
        if texts is None:
            return None
        return (subject in texts) == (op in ("==", "in"))

    def _turns(self, name: t.Name, scope: Scope) -> bool:
        """Whether a name is bound for a turn of a loop: `if prefix != "/"`."""
        if id(scope) not in self.values.bound_scopes:
            return False
        return self.values.is_bound(name, scope) or self.values.code.find(name.id, scope) is None

    def _compiled(self, pattern: t.Expr, scope: Scope) -> Located | None:
        """The text of the pattern that `OPEN = re.compile("^/public/")` keeps under a name."""
        for source in self.values.sources(pattern, scope):
            match source.node:
                case t.Call(func=func, args=[text, *_]) if (
                    self.values.code.name(func, source.scope) == "re.compile"
                ):
                    return Located(text, source.scope)
        return None

    def _matched(
        self, function: str, pattern: t.Node, subject: t.Expr, there: Scope, scope: Scope
    ) -> bool | None:
        """`re.match(pattern, request.path)`, by an engine without backtracking."""
        where, texts = self._subject(subject, scope), self._texts(pattern, there)  # type: ignore[arg-type]
        if where is None or not texts:
            return None
        try:
            return _found(texts[0], function.rpartition(".")[2], where)
        except re2.error:
            return None

    def _any(self, element: t.Expr, loop: t.Loop, scope: Scope) -> bool | None:
        """`any(path.startswith(p) for p in OPEN)`, `any(m.match(path) for m in PATTERNS)`."""
        items = items_of(self.values, loop.iter, scope)
        if items is None or not isinstance(loop.target, t.Name):
            return None
        outcomes = []
        for item, env in items:
            with self.values.within({**env, (id(scope), loop.target.id): item}):
                asked = [self._decide(each, scope) for each in (*loop.conditions, element)]
                outcomes.append(self._combined("and", asked))
        return self._combined("or", outcomes)


@functools.lru_cache(maxsize=4096)
def _asks(function: t.Function) -> bool:
    """Whether a function mentions what it could learn of a request's path or method."""
    return any(
        isinstance(node, t.Attr | t.Name)
        and (node.name if isinstance(node, t.Attr) else node.id) in {*_ASKED, *_VIEWS}
        for node in t.walk_own(*function.body)
    )


_MAX_AHEAD = 2
_NOT_AHEAD = re.compile(r"\(\?!([^()\\]*)\)")


def _found(pattern: str, method: str, text: str) -> bool:
    """Whether a pattern matches; what must not follow, which the engine does not know, is looked for
    wherever the part before it may end."""
    if (excluded := _NOT_AHEAD.search(pattern)) is None:
        return getattr(compiled(pattern), method)(text) is not None
    if len(_NOT_AHEAD.findall(pattern)) > _MAX_AHEAD:
        raise re2.error("looks ahead too often")
    skipped = ".*" if method == "search" and not pattern.startswith("^") else ""
    before = compiled(skipped + pattern[: excluded.start()])
    ahead = compiled(excluded[1])
    after = pattern[excluded.end() :]
    rest = "fullmatch" if method == "fullmatch" else "match"
    return any(
        before.fullmatch(text[:end]) is not None
        and ahead.match(text[end:]) is None
        and _found(after, rest, text[end:])
        for end in range(len(text) + 1)
    )


def _only(texts: list[str] | None) -> str | None:
    return texts[0] if texts is not None and len(texts) == 1 else None


def _applied(text: str, method: str, given: Sequence[object]) -> str:
    """A method of texts on one; what it cannot take leaves the text as it is."""
    try:
        return str(getattr(text, method)(*given))
    except TypeError:
        return text
