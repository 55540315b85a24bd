"""From the standard library's syntax tree to ours."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from auditor.extract.python import tree as t

_BIN = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Mod: "%",
    ast.BitOr: "|",
    ast.BitAnd: "&",
    ast.Pow: "**",
    ast.FloorDiv: "//",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitXor: "^",
    ast.MatMult: "@",
}
_CMP = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
_UNARY = {ast.Not: "not", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}

_LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)

Mask = Callable[[ast.expr], "str | None"]
"""A text literal -> the shape to show in its place where it holds a secret."""


MAX_DEPTH = 400
"""Deeper trees are not converted; long chains of operators reach a few hundred levels."""


class TooDeep(Exception):
    """The tree is nested deeper than any person writes; what reads it later would recurse as far."""


def build(module: ast.Module, mask: Mask | None = None) -> list[t.Stmt]:
    """The statements of `module`; literals that `mask` names become `Hidden`. Raises TooDeep."""
    return _Builder(mask, _casts(module)).block(module.body)


def _casts(module: ast.Module) -> frozenset[str]:
    """What a module calls `typing.cast`: SQLAlchemy has one that does something."""
    found: set[str] = set()
    for node in module.body:
        match node:
            case ast.ImportFrom(module="typing" | "typing_extensions", level=0, names=names):
                found.update(x.asname or x.name for x in names if x.name == "cast")
            case ast.Import(names=names):
                found.update(f"{x.asname or x.name}.cast" for x in names if x.name in ("typing", "typing_extensions"))  # fmt: skip
    return frozenset(found)


class _Builder:
    def __init__(self, mask: Mask | None, casts: frozenset[str]) -> None:
        self.mask = mask
        self.casts = casts
        """Names of calls that give back what they are given, and speak to type checkers only."""
        self.depth = 0

    # --- statements

    def block(self, body: list[ast.stmt]) -> list[t.Stmt]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooDeep
        statements = [self.stmt(node) for node in _reached(body)]
        self.depth -= 1
        return statements

    def stmt(self, node: ast.stmt) -> t.Stmt:
        at = (node.lineno, node.col_offset + 1, node.end_lineno or node.lineno)
        expr, maybe, block = self.expr, self.maybe, self.block
        match node:
            case ast.Assign():
                return t.Assign(*at, [expr(x) for x in node.targets], expr(node.value), None, "")
            case ast.AnnAssign():
                annotation = expr(node.annotation)
                return t.Assign(*at, [expr(node.target)], maybe(node.value), annotation, "")
            case ast.AugAssign():
                op = _BIN[type(node.op)]
                return t.Assign(*at, [expr(node.target)], expr(node.value), None, op)
            case ast.Expr(value=ast.ListComp() | ast.SetComp() as made):
                return self.loop(made.generators, made.elt, at)
            case ast.Expr():
                return t.Do(*at, expr(node.value))
            case ast.Return():
                return t.Return(*at, maybe(node.value))
            case ast.Raise():
                return t.Raise(*at, maybe(node.exc), maybe(node.cause))
            case ast.Assert():
                return t.Assert(*at, expr(node.test))
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                return t.If(*at, expr(node.test), block(_told(node.body)), block(node.orelse))
            case ast.If():
                return t.If(*at, expr(node.test), block(node.body), block(node.orelse))
            case ast.For() | ast.AsyncFor():
                target, source = expr(node.target), expr(node.iter)
                return t.For(*at, target, source, block(node.body), block(node.orelse))
            case ast.While():
                return t.While(*at, expr(node.test), block(node.body), block(node.orelse))
            case ast.With() | ast.AsyncWith():
                contexts = [expr(x.context_expr) for x in node.items]
                targets = [maybe(x.optional_vars) for x in node.items]
                return t.With(*at, contexts, targets, block(node.body))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return self.function(node, at)
            case ast.ClassDef():
                return t.Class(
                    *at,
                    node.name,
                    [expr(x) for x in node.bases],
                    [t.Keyword(k.arg, expr(k.value)) for k in node.keywords],
                    [expr(x) for x in node.decorator_list],
                    block(node.body),
                )
            case ast.Import():
                return t.Import(*at, "", [(x.name, x.asname or "") for x in node.names])
            case ast.ImportFrom():
                module = "." * node.level + (node.module or "")
                return t.Import(*at, module, [(x.name, x.asname or "") for x in node.names])
            case ast.Match():
                return t.Match(*at, expr(node.subject), [self.case(c) for c in node.cases])
            case ast.Delete():
                return t.Delete(*at, [expr(x) for x in node.targets])
            case ast.Global() | ast.Nonlocal():
                return t.Jump(*at, "global " + " ".join(node.names))
        if isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
            return self.attempt(node, at)
        return t.Jump(*at, type(node).__name__.lower())

    def call(self, node: ast.Call, at: tuple[int, int, int]) -> t.Expr:
        """A call; `getattr(user, "is_staff", False)` says what `user.is_staff` says, `cast(T, x)` is `x`, and
        `Store.find(self=self)` is `Store.find(self)`."""
        args, keywords = node.args, node.keywords
        match node:
            case ast.Call(func=ast.Name(id=name), args=[_, value]) if name in self.casts:
                return self.expr(value)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=owner), attr=name), args=[_, value]
            ) if f"{owner}.{name}" in self.casts:
                return self.expr(value)
            case ast.Call(
                func=ast.Name(id="getattr"),
                args=[
                    ast.Name(id=whom) | ast.Attribute(attr=whom) as owner,
                    ast.Constant(value=str(name)),
                    ast.Constant(value=None | False),
                ],
                keywords=[],
            ) if name.startswith("is_") and whom.endswith("user"):
                return t.Attr(*at, self.expr(owner), name)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=whom) | ast.Attribute(attr=whom)),
                args=[],
                keywords=[ast.keyword(arg="self", value=ast.Name(id="self") as itself), *others],
            ) if whom[:1].isupper():
                args, keywords = [itself], others
        return t.Call(
            *at,
            self.expr(node.func),
            [self.expr(x) for x in args],
            [t.Keyword(k.arg, self.expr(k.value)) for k in keywords],
        )

    def attempt(self, node: Any, at: tuple[int, int, int]) -> t.Try:
        handlers = [
            t.Handler(
                h.lineno,
                h.col_offset + 1,
                h.end_lineno or h.lineno,
                self.maybe(h.type),
                h.name or "",
                self.block(h.body),
            )
            for h in node.handlers
        ]
        block = self.block
        return t.Try(*at, block(node.body), handlers, block(node.orelse), block(node.finalbody))

    def case(self, case: ast.match_case) -> t.Case:
        values: list[t.Expr] = []
        names: list[str] = []
        at = (case.pattern.lineno, case.pattern.col_offset + 1, case.pattern.end_lineno)
        for node in ast.walk(case.pattern):
            if isinstance(node, ast.MatchValue | ast.MatchClass):
                values.append(self.expr(node.value if hasattr(node, "value") else node.cls))
            elif isinstance(node, ast.MatchSingleton):
                values.append(t.Const(*at, node.value))
            elif isinstance(node, ast.MatchSequence | ast.MatchMapping):
                values.append(t.Seq(*at, "pattern", []))
            elif isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
                names.append(node.name)
        return t.Case(values, names, self.maybe(case.guard), self.block(case.body))

    def function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, at: tuple[int, int, int]
    ) -> t.Function:
        _call_cls(node)
        return t.Function(
            *at,
            node.name,
            self.params(node.args),
            [self.expr(x) for x in node.decorator_list],
            self.maybe(node.returns),
            self.block(node.body),
            isinstance(node, ast.AsyncFunctionDef),
        )

    def params(self, args: ast.arguments) -> list[t.Param]:
        positional = [*args.posonlyargs, *args.args]
        defaults: list[ast.expr | None] = [None] * (len(positional) - len(args.defaults))
        found = [
            self.param(arg, "positional", default)
            for arg, default in zip(positional, [*defaults, *args.defaults], strict=True)
        ]
        if args.vararg:
            found.append(self.param(args.vararg, "args", None))
        for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
            found.append(self.param(arg, "keyword", default))
        if args.kwarg:
            found.append(self.param(args.kwarg, "kwargs", None))
        return found

    def param(self, arg: ast.arg, kind: str, default: ast.expr | None) -> t.Param:
        return t.Param(
            arg.lineno,
            arg.col_offset + 1,
            arg.end_lineno or arg.lineno,
            arg.arg,
            kind,
            self.maybe(arg.annotation),
            self.maybe(default),
        )

    # --- expressions

    def loop(
        self, generators: list[ast.comprehension], element: ast.expr, at: tuple[int, int, int]
    ) -> t.Stmt:
        """A comprehension whose result nobody takes, `[register(x) for x in xs]`, as the loop it is."""
        first, *rest = generators
        done = self.loop(rest, element, at) if rest else t.Do(*at, self.expr(element))
        for condition in reversed(first.ifs):
            done = t.If(*at, self.expr(condition), [done], [])
        return t.For(*at, self.expr(first.target), self.expr(first.iter), [done], [])

    def maybe(self, node: ast.expr | None) -> t.Expr | None:
        return None if node is None else self.expr(node)

    def expr(self, node: ast.expr) -> t.Expr:
        build = _EXPRESSIONS.get(type(node))
        at = (node.lineno, node.col_offset + 1, node.end_lineno or node.lineno)
        if build is None:
            return t.Name(*at, "...")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooDeep
        result: t.Expr = build(self, node, at)
        self.depth -= 1
        return result

    def constant(self, node: ast.Constant, at: tuple[int, int, int]) -> t.Expr:
        value = node.value
        if isinstance(value, str | bytes):
            if self.mask and (shape := self.mask(node)):
                return t.Hidden(*at, shape)
            text = value if isinstance(value, str) else value.decode("latin-1")
            if not text.isascii():  # a lone surrogate is legal in a literal, and in no encoding
                text = text.encode("utf-8", "replace").decode()
            return t.Const(*at, text)
        if value is Ellipsis or isinstance(value, complex):
            return t.Name(*at, "...")
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
            return t.Const(*at, float("inf"))  # wider than the wire format; the size is what counts
        return t.Const(*at, value)

    def text(self, node: ast.JoinedStr, at: tuple[int, int, int]) -> t.Expr:
        if self.mask and (shape := self.mask(node)):
            return t.Hidden(*at, shape)
        parts = [
            self.expr(x.value if isinstance(x, ast.FormattedValue) else x) for x in node.values
        ]
        return t.Text(*at, parts)

    def comp(self, node: Any, at: tuple[int, int, int]) -> t.Expr:
        expr = self.expr
        elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        loops = [
            t.Loop(expr(g.target), expr(g.iter), [expr(c) for c in g.ifs]) for g in node.generators
        ]
        return t.Comp(*at, type(node).__name__, [expr(x) for x in elements], loops)


_At = tuple[int, int, int]
_EXPRESSIONS: dict[type, Callable[[_Builder, Any, _At], t.Expr]] = {
    ast.Constant: _Builder.constant,
    ast.JoinedStr: _Builder.text,
    ast.Name: lambda b, n, at: t.Name(*at, n.id),
    ast.Attribute: lambda b, n, at: t.Attr(*at, b.expr(n.value), n.attr),
    ast.Call: lambda b, n, at: b.call(n, at),
    ast.Subscript: lambda b, n, at: t.Item(*at, b.expr(n.value), b.expr(n.slice)),
    ast.List: lambda b, n, at: t.Seq(*at, "list", [b.expr(x) for x in n.elts]),
    ast.Tuple: lambda b, n, at: t.Seq(*at, "tuple", [b.expr(x) for x in n.elts]),
    ast.Set: lambda b, n, at: t.Seq(*at, "set", [b.expr(x) for x in n.elts]),
    ast.Dict: lambda b, n, at: t.Map(
        *at, [b.maybe(x) for x in n.keys], [b.expr(x) for x in n.values]
    ),
    ast.BinOp: lambda b, n, at: t.BinOp(*at, _BIN[type(n.op)], b.expr(n.left), b.expr(n.right)),
    ast.BoolOp: lambda b, n, at: t.BoolOp(
        *at, "and" if isinstance(n.op, ast.And) else "or", [b.expr(x) for x in n.values]
    ),
    ast.UnaryOp: lambda b, n, at: t.Unary(*at, _UNARY[type(n.op)], b.expr(n.operand)),
    ast.Compare: lambda b, n, at: t.Compare(
        *at, b.expr(n.left), [_CMP[type(o)] for o in n.ops], [b.expr(x) for x in n.comparators]
    ),
    ast.IfExp: lambda b, n, at: t.Choice(*at, b.expr(n.test), b.expr(n.body), b.expr(n.orelse)),
    ast.Await: lambda b, n, at: t.Await(*at, b.expr(n.value)),
    ast.Yield: lambda b, n, at: t.Yield(*at, b.maybe(n.value)),
    ast.YieldFrom: lambda b, n, at: t.Yield(*at, b.expr(n.value)),
    ast.Lambda: lambda b, n, at: t.Lambda(*at, b.params(n.args), b.expr(n.body)),
    ast.ListComp: _Builder.comp,
    ast.SetComp: _Builder.comp,
    ast.DictComp: _Builder.comp,
    ast.GeneratorExp: _Builder.comp,
    ast.Starred: lambda b, n, at: t.Star(*at, b.expr(n.value)),
    ast.NamedExpr: lambda b, n, at: t.Bind(*at, b.expr(n.target), b.expr(n.value)),
    ast.Slice: lambda b, n, at: t.Slice(*at, b.maybe(n.lower), b.maybe(n.upper)),
}


def _call_cls(node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    """A class method that calls its class `klass` reads as one that calls it `cls`, by which it is known everywhere."""
    first = (node.args.posonlyargs or node.args.args)[:1]
    marked = any(isinstance(x, ast.Name) and x.id == "classmethod" for x in node.decorator_list)
    if not marked or not first or (name := first[0].arg) == "cls":
        return
    inside = [below for each in node.body for below in ast.walk(each)]
    named = [below for below in inside if isinstance(below, ast.Name)]
    params = {
        x.arg
        for x in (*inside, *ast.walk(node.args))
        if isinstance(x, ast.arg) and x is not first[0]
    }
    if "cls" in {x.id for x in named} | params or name in params:
        return  # it would mean something else
    for each in (x for x in named if x.id == name):
        each.id = "cls"
    first[0].arg = "cls"


def _reached(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements of a block up to the one that always leaves it: what follows never runs.

    A `yield` that is never reached still makes its function a generator, so it stays.
    """
    for index, node in enumerate(body[:-1], 1):
        if isinstance(node, _LEAVING):
            rest = (below for each in body[index:] for below in ast.walk(each))
            if any(isinstance(below, ast.Yield | ast.YieldFrom) for below in rest):
                return body
            return body[:index]
    return body


def _told(body: list[ast.stmt]) -> list[ast.stmt]:
    """What a block for type checkers tells: its functions are stubs of those that others bring."""
    return [x for x in body if not isinstance(x, ast.FunctionDef | ast.AsyncFunctionDef)]
