"""Rate limiters that a tree writes itself, judged by what they do.

One counts calls, and turns a caller away with status 429 (RFC 6585, section 4) when there are too
many. One that never counts turns nobody away, and is decorative; a 429 that only passes on what
another server said is no limiter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from auditor.extract.python import tree as t
from auditor.libraries.schemas import kind_of, used_in
from auditor.link.application import Application
from auditor.link.pathtests import PathTests
from auditor.link.scopes import Located, Scope, place_of
from auditor.model.places import Place

_TOO_MANY = re.compile(r"HTTP_429|TOO_MANY_REQUESTS")
_EXCEPTION = re.compile(r"(?:RateLimit|TooManyRequest|Throttled|Ratelimited|TooManyAttempt)\w*$")
_ALLOWS = re.compile(
    r"(?:allow_request|authori[sz]e\w*|is_?rate_?limited|is_?allowed|allow|hit|test|consume|try_acquire|acquire"
    r"|check_(?:rate_?)?limit|check_throttles?|(?:check_)?rate_?limit\w*|throttle\w*|is_?throttled"
    r"|(?:is_)?(?:blocked|locked(?:_out)?)|should_throttle|exceeds?_\w+)$",
    re.I,
)
"""Methods whose answer tells whether a caller may go on."""
_COUNTS = re.compile(
    r"^(?:a?incr(?:by)?|increment\w*|hincrby|zadd|zcard|zcount|[lr]push|append|appendleft|add|a?set(?:ex)?|a?update"
    r"|insert\w*|count\w*|eval(?:sha)?|pipeline|execute|executemany|record\w*|register\w*|save|commit|create|hit|test|consume"
    r"|try_acquire|acquire|reserve|setdefault|allow_request|is_ratelimited|get_or_create|update_or_create|touch)$"
)  # fmt: skip
"""Methods that keep count, in a store or a variable."""
_LOOKS = re.compile(r"limit|throttl|bucket|quota|attempt|allow", re.I)
_FORWARDED = re.compile(r"^(?:http[-_])?x[-_]forwarded[-_]for$", re.I)
_MEMORY = re.compile(
    r"^(?:collections\.(?:defaultdict|deque|OrderedDict|Counter)|builtins\.(?:dict|list)|cachetools\.\w+"
    r"|expiringdict\.\w+|dict|list)$"
)  # fmt: skip
_CLEANS = re.compile(r"clean|validate")
_DEPTH = 3


class Counter(msgspec.Struct, frozen=True):
    """What a limiter of the tree does; `spoofable` is where it asks who the caller is."""

    place: Place
    counts: bool
    memory: bool
    spoofable: bool


class Counters:
    """Finds the limiter that a function is, or that it calls."""

    def __init__(self, application: Application) -> None:
        self.code, self.values = application.code, application.values
        self._found: dict[int, Counter | None] = {}
        self._answers: dict[int, bool] = {}

    def of(self, function: Located, tests: PathTests | None = None) -> Counter | None:
        """The limiter in a function; `tests` decides tests of path and method for one route."""
        key = id(function.node)
        if key not in self._found:
            self._found[key] = self._judge(function)
        found = self._found[key]
        if found is None or tests is None:
            return found
        reached = list(self._reached(function.node.body, function, tests))  # type: ignore[attr-defined]
        nodes = [n for root in reached for n in t.walk_own(root)]
        return found if self._says(function, nodes) else None

    def forwarded(self, function: Located) -> bool:
        """Whether a key function takes what the caller can write into X-Forwarded-For."""
        return any(self._forwarded(each) for each in self.code.with_callees(function, 2))

    def _judge(self, function: Located) -> Counter | None:
        if not self._says(function, list(t.walk_own(*function.node.body))):  # type: ignore[attr-defined]
            return None
        forms = [f for f, _ in used_in(self.values, function)]
        cleaning = [each for form in forms for each in self._cleaning(form)]
        functions = [
            f for each in (function, *cleaning) for f in self.code.with_callees(each, _DEPTH)
        ]
        counting = [n for each in functions for n in self._counting(each)]
        outside = any(self._asks(each) for each in functions)
        return Counter(
            place_of(function, function.node.name),  # type: ignore[attr-defined]
            bool(counting) or outside,
            bool(counting) and not outside and all(self._in_memory(n) for n in counting),
            any(self._forwarded(each) for each in functions),
        )

    # --- turning away

    def _says(self, function: Located, nodes: list[t.Node], depth: int = _DEPTH) -> bool:
        """Whether these nodes of a function, or a function they call, turn callers away for it."""
        inner = self.code.inside(function)
        telling = [n for n in nodes if self._tells(n) or (depth and self._calls(n, inner, depth))]
        if not telling:
            return False
        passed_on = self._passed_on(nodes)
        return any(id(node) not in passed_on for node in telling)

    def _tells(self, node: t.Node) -> bool:
        """Whether a node by itself speaks of too many requests."""
        match node:
            case t.Const(value=429):
                return True
            case t.Attr(name=name):
                return bool(_TOO_MANY.search(name))
            case t.Raise(exception=t.Call(func=func) | (t.Name() | t.Attr() as func)):
                return bool(_EXCEPTION.search(t.dotted(func)))
            case t.If(test=test, body=[*_, t.Raise() | t.Return()]):
                return self._unless(test)
        return False

    def _calls(self, node: t.Node, scope: Scope, depth: int) -> bool:
        """Whether a node calls a function of the tree that turns callers away for it."""
        if not isinstance(node, t.Call):
            return False
        callee = self.code.defined(node.func, scope)
        if callee is None or callee.node is scope.owner:
            return False
        if isinstance(callee.node, t.Function):
            return self._answering(callee, depth - 1)
        return any(self._answering(each, depth - 1) for each in self._cleaning(callee))

    def _cleaning(self, form: Located) -> Iterator[Located]:
        """What a form or serializer runs when it is asked whether it is valid."""
        if not isinstance(form.node, t.Class) or not kind_of(self.code, form):
            return
        for ancestor in self.code.ancestry(form):
            found = self.code.definition(ancestor)
            if found is not None and isinstance(found.node, t.Class):
                inner = self.code.inside(found)
                for stmt in found.node.body:
                    if isinstance(stmt, t.Function) and _CLEANS.match(stmt.name):
                        yield Located(stmt, inner)

    def _answering(self, function: Located, depth: int) -> bool:
        key = id(function.node)
        if key not in self._answers:
            self._answers[key] = False
            nodes = list(t.walk_own(*function.node.body))  # type: ignore[attr-defined]
            self._answers[key] = self._says(function, nodes, depth)
        return self._answers[key]

    @staticmethod
    def _unless(test: t.Expr) -> bool:
        """`if not LoginThrottle().allow_request(request, self)`, `if is_ratelimited(request, …)`."""
        for node in t.walk_own(test):
            if isinstance(node, t.Call):
                dotted = t.dotted(node.func)
                last = t.last_word(node.func)
                if last in ("allow_request", "is_ratelimited"):
                    return True
                if _ALLOWS.search(last) and _LOOKS.search(dotted or last):
                    return True
        return False

    @staticmethod
    def _passed_on(nodes: list[t.Node]) -> set[int]:
        """Nodes that compare with 429, or hand on what failed elsewhere."""
        found: set[int] = set()
        for node in nodes:
            if isinstance(node, t.Compare) or _lists_statuses(node):
                found.update(id(n) for n in t.walk_own(node))
            elif isinstance(node, t.If) and any(_is_429(n) for n in t.walk_own(node.test)):
                found.update(id(n) for n in t.walk_own(*node.body))
            elif isinstance(node, t.Try):
                calls = (n.func for n in t.walk_own(*node.body) if isinstance(n, t.Call))
                if not any(
                    _LOOKS.search(t.dotted(f)) or _ALLOWS.search(t.dotted(f)) for f in calls
                ):
                    for handler in node.handlers:
                        found.update(id(n) for n in t.walk_own(*handler.body))
        return found

    # --- counting

    def _counting(self, function: Located) -> Iterator[Located]:
        """What a function counts in: the object of each call or assignment that keeps something."""
        inner = self.code.inside(function)
        for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
            match node:
                case t.Assign(targets=[target], op=op) if op or isinstance(target, t.Item):
                    base = target.value if isinstance(target, t.Item) else target
                    if not isinstance(base, t.Name) or self._lasts(base, inner):
                        yield Located(base, inner)
                case t.Call(func=t.Attr(value=owner, name=name)) if _COUNTS.match(name):
                    base = owner.value if isinstance(owner, t.Item) else owner
                    lasts = not isinstance(base, t.Name) or self._lasts(base, inner)
                    if lasts or name not in ("append", "add", "update", "appendleft"):
                        yield Located(base, inner)

    def _lasts(self, base: t.Name, scope: Scope) -> bool:
        """Whether what a name holds outlives the call: bound outside of the function, or an entry
        of something that is (`window = self._hits[ip]`, `hits.setdefault(ip, [])`)."""
        bound = self.code.find(base.id, scope)
        if bound is None or bound[0].owner is None:
            return bound is not None
        for binding in bound[1]:
            held = binding.value
            while isinstance(held, t.Call) and isinstance(held.func, t.Attr):
                if held.func.name not in ("get", "setdefault"):
                    break
                held = held.func.value
            held = held.value if isinstance(held, t.Item) else held
            if isinstance(held, t.Attr) and held is not binding.value:
                return True
            if isinstance(held, t.Name) and held.id != base.id and held is not binding.value:
                if self._lasts(held, bound[0]):
                    return True
        return False

    def _asks(self, function: Located) -> bool:
        """Whether a function asks something outside of the tree whose name speaks of limits."""
        inner = self.code.inside(function)
        for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
            if isinstance(node, t.Call) and self.code.defined(node.func, inner) is None:
                last = t.last_word(node.func)
                if _ALLOWS.search(last) and _LOOKS.search(t.dotted(node.func) or last):
                    return True
        return False

    def _in_memory(self, base: Located) -> bool:
        for source in self.values.sources(base.node, base.scope):  # type: ignore[arg-type]
            match source.node:
                case t.Map() | t.Seq() | t.Comp():
                    return True
                case t.Call(func=func):
                    return _MEMORY.match(self.code.name(func, source.scope) or t.dotted(func)) is not None  # fmt: skip
                case t.Const(value=int()):
                    return True
        return False

    def _forwarded(self, function: Located) -> bool:
        nodes = list(t.walk_own(*function.node.body))  # type: ignore[attr-defined]
        if not any(isinstance(n, t.Const) and isinstance(n.value, str) and _FORWARDED.match(n.value) for n in nodes):  # fmt: skip
            return False
        return not any(isinstance(n, t.Item) and _from_the_end(n.index) for n in nodes)

    # --- what is reached on one route

    def _reached(self, body: list[t.Stmt], function: Located, tests: PathTests) -> Iterator[t.Node]:
        """The statements that a request of a route may come to; tests are yielded as they are met."""
        yield from self._block(body, self.code.inside(function), tests)[0]

    def _block(
        self, body: list[t.Stmt], scope: Scope, tests: PathTests
    ) -> tuple[list[t.Node], bool]:
        found: list[t.Node] = []
        for stmt in body:
            match stmt:
                case t.If(test=test, body=then, orelse=other):
                    outcome = tests.decide(test, scope)
                    found.append(test)
                    ways = [then, other] if outcome is None else [then if outcome else other]
                    ends = []
                    for way in ways:
                        inner, ended = self._block(way, scope, tests)
                        if outcome is None and self._unless(test):
                            found.append(stmt)
                        found += inner
                        ends.append(ended)
                    if all(ends):
                        return found, True
                case t.Try(body=inner_body):
                    inner, ended = self._block(inner_body, scope, tests)
                    found += inner
                    for handler in stmt.handlers:
                        found += handler.body
                    if ended:
                        return found, True
                case t.With(body=inner_body):
                    found += stmt.contexts
                    inner, ended = self._block(inner_body, scope, tests)
                    found += inner
                    if ended:
                        return found, True
                case _:
                    found.append(stmt)
                    if isinstance(stmt, t.Return | t.Raise):
                        return found, True
        return found, False


def _lists_statuses(node: t.Node) -> bool:
    """`Retry(status_forcelist=[429, 502, 503])`: answers of others that are asked again."""
    return (
        isinstance(node, t.Seq)
        and any(isinstance(n, t.Const) and n.value in (500, 502, 503, 504) for n in node.items)
        and any(map(_is_429, node.items))
    )


def _is_429(node: t.Node) -> bool:
    match node:
        case t.Const(value=429):
            return True
        case t.Attr(name=name):
            return _TOO_MANY.search(name) is not None
    return False


def _from_the_end(index: t.Expr) -> bool:
    match index:
        case t.Unary(op="-") | t.Const(value=int(-1)):
            return True
    return False
