"""A small syntax tree of Python: serialisable, immutable, free of what an audit never asks.

It keeps the standard library's shape (see the `ast` module's abstract grammar) with fewer node
types, so that both front ends (`ast`, and libcst for newer syntax) meet in one vocabulary, and so
that whole-program questions can be answered without parsing again. Lines and columns count from
one, as editors show them.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec


class Node(msgspec.Struct, frozen=True, tag=True, array_like=True, gc=False, eq=False):
    """Anything with a place in the source."""

    line: int
    column: int
    end_line: int


# --- expressions -----------------------------------------------------------------------------


class Const(Node, frozen=True, gc=False, eq=False):
    """A literal. Bytes appear as text, an ellipsis as the name `...`."""

    value: bool | int | float | str | None


class Hidden(Node, frozen=True, gc=False, eq=False):
    """A literal whose value is a secret: only its masked shape is kept."""

    shape: str


class Name(Node, frozen=True, gc=False, eq=False):
    id: str


class Attr(Node, frozen=True, gc=False, eq=False):
    value: Expr
    name: str


class Keyword(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`name=value` in a call or a class header; `name` is None for `**value`."""

    name: str | None
    value: Expr


class Call(Node, frozen=True, gc=False, eq=False):
    func: Expr
    args: list[Expr]
    keywords: list[Keyword]


class Item(Node, frozen=True, gc=False, eq=False):
    """A subscript, `value[index]`."""

    value: Expr
    index: Expr


class Seq(Node, frozen=True, gc=False, eq=False):
    """A list, tuple or set display."""

    kind: str
    items: list[Expr]


class Map(Node, frozen=True, gc=False, eq=False):
    """A dict display; a key is None for `**value`."""

    keys: list[Expr | None]
    values: list[Expr]


class Text(Node, frozen=True, gc=False, eq=False):
    """An f-string: constants and embedded expressions in order."""

    parts: list[Expr]


class BinOp(Node, frozen=True, gc=False, eq=False):
    op: str
    left: Expr
    right: Expr


class BoolOp(Node, frozen=True, gc=False, eq=False):
    """`and` / `or` over two or more values."""

    op: str
    values: list[Expr]


class Unary(Node, frozen=True, gc=False, eq=False):
    op: str
    value: Expr


class Compare(Node, frozen=True, gc=False, eq=False):
    left: Expr
    ops: list[str]
    rights: list[Expr]


class Choice(Node, frozen=True, gc=False, eq=False):
    """`then if test else other`."""

    test: Expr
    then: Expr
    other: Expr


class Await(Node, frozen=True, gc=False, eq=False):
    value: Expr


class Yield(Node, frozen=True, gc=False, eq=False):
    value: Expr | None


class Lambda(Node, frozen=True, gc=False, eq=False):
    params: list[Param]
    body: Expr


class Loop(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One `for target in iter if …` of a comprehension."""

    target: Expr
    iter: Expr
    conditions: list[Expr]


class Comp(Node, frozen=True, gc=False, eq=False):
    """A comprehension; a dict comprehension has two elements."""

    kind: str
    elements: list[Expr]
    loops: list[Loop]


class Star(Node, frozen=True, gc=False, eq=False):
    """`*value` in a call or a display."""

    value: Expr


class Bind(Node, frozen=True, gc=False, eq=False):
    """`target := value`."""

    target: Expr
    value: Expr


class Slice(Node, frozen=True, gc=False, eq=False):
    lower: Expr | None
    upper: Expr | None


# --- statements ------------------------------------------------------------------------------


class Param(Node, frozen=True, gc=False, eq=False):
    """One parameter; `kind` is positional, keyword, args or kwargs."""

    name: str
    kind: str
    annotation: Expr | None
    default: Expr | None


class Assign(Node, frozen=True, gc=False, eq=False):
    """Plain (`op` empty), annotated or augmented assignment; `value` is None for `x: int`."""

    targets: list[Expr]
    value: Expr | None
    annotation: Expr | None
    op: str


class Do(Node, frozen=True, gc=False, eq=False):
    """An expression evaluated for its effect."""

    value: Expr


class Return(Node, frozen=True, gc=False, eq=False):
    value: Expr | None


class Raise(Node, frozen=True, gc=False, eq=False):
    exception: Expr | None
    cause: Expr | None


class Assert(Node, frozen=True, gc=False, eq=False):
    test: Expr


class If(Node, frozen=True, gc=False, eq=False):
    test: Expr
    body: list[Stmt]
    orelse: list[Stmt]


class For(Node, frozen=True, gc=False, eq=False):
    target: Expr
    iter: Expr
    body: list[Stmt]
    orelse: list[Stmt]


class While(Node, frozen=True, gc=False, eq=False):
    test: Expr
    body: list[Stmt]
    orelse: list[Stmt]


class Handler(Node, frozen=True, gc=False, eq=False):
    """`except catches as name`."""

    catches: Expr | None
    name: str
    body: list[Stmt]


class Try(Node, frozen=True, gc=False, eq=False):
    body: list[Stmt]
    handlers: list[Handler]
    orelse: list[Stmt]
    final: list[Stmt]


class With(Node, frozen=True, gc=False, eq=False):
    """`with context as target`; targets run parallel to contexts."""

    contexts: list[Expr]
    targets: list[Expr | None]
    body: list[Stmt]


class Case(msgspec.Struct, frozen=True, array_like=True, gc=False):
    values: list[Expr]
    names: list[str]
    guard: Expr | None
    body: list[Stmt]


class Match(Node, frozen=True, gc=False, eq=False):
    subject: Expr
    cases: list[Case]


class Function(Node, frozen=True, gc=False, eq=False):
    """A function; its line is that of `def`, not of its first decorator."""

    name: str
    params: list[Param]
    decorators: list[Expr]
    returns: Expr | None
    body: list[Stmt]
    is_async: bool


class Class(Node, frozen=True, gc=False, eq=False):
    name: str
    bases: list[Expr]
    keywords: list[Keyword]
    decorators: list[Expr]
    body: list[Stmt]


class Import(Node, frozen=True, gc=False, eq=False):
    """`from module import name as alias`: `module` has its leading dots; `import a.b` has no name.

    `names` holds (name, alias) pairs; the alias is empty where there is none.
    """

    module: str
    names: list[tuple[str, str]]


class Jump(Node, frozen=True, gc=False, eq=False):
    """`pass`, `break`, `continue`, and declarations (`global`, `nonlocal`)."""

    kind: str


class Delete(Node, frozen=True, gc=False, eq=False):
    targets: list[Expr]


Expr = (
    Const
    | Hidden
    | Name
    | Attr
    | Call
    | Item
    | Seq
    | Map
    | Text
    | BinOp
    | BoolOp
    | Unary
    | Compare
    | Choice
    | Await
    | Yield
    | Lambda
    | Comp
    | Star
    | Bind
    | Slice
)
Stmt = (
    Assign
    | Do
    | Return
    | Raise
    | Assert
    | If
    | For
    | While
    | Try
    | With
    | Match
    | Function
    | Class
    | Import
    | Jump
    | Delete
)


_HOLDS_NODES = re.compile(r"\b(?:Expr|Stmt|Param|Handler|Keyword|Loop|Case)\b")
_PARTS = (Keyword, Loop, Case)


def _fields(kind: type) -> tuple[str, ...]:
    """The fields of a node type that can hold nodes."""
    hints: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        hints.update(inspect.get_annotations(base))
    return tuple(name for name, hint in hints.items() if _HOLDS_NODES.search(hint))


_KINDS: tuple[type, ...] = (*Node.__subclasses__(), *_PARTS)
_FIELDS = {kind: _fields(kind) for kind in _KINDS}


_FREQUENT: dict[type, Callable[[Any], Sequence[Node]]] = {
    Const: lambda node: (),
    Name: lambda node: (),
    Attr: lambda node: (node.value,),
    Call: lambda node: (node.func, *node.args, *[k.value for k in node.keywords]),
    Item: lambda node: (node.value, node.index),
    Seq: lambda node: node.items,
    Map: lambda node: [*[key for key in node.keys if key is not None], *node.values],
    Text: lambda node: node.parts,
    Await: lambda node: (node.value,),
    Do: lambda node: (node.value,),
}
"""The node types that make up most of a tree, spelt out: they are asked for a million times."""


def children(node: object) -> Sequence[Node]:
    """The nodes directly below `node`, in source order."""
    if frequent := _FREQUENT.get(type(node)):
        return frequent(node)
    found: list[Node] = []
    for field in _FIELDS[type(node)]:
        value = getattr(node, field)
        if type(value) is list:
            for item in value:
                if isinstance(item, _PARTS):
                    found += children(item)
                elif item is not None:
                    found.append(item)
        elif value is not None:
            found.append(value)
    return found


def walk(*roots: Node) -> Iterator[Node]:
    """Every node below and including `roots`, nested functions and classes included."""
    stack = list(reversed(roots))
    while stack:
        node = stack.pop()
        yield node
        if below := children(node):
            stack.extend(reversed(below))


_NESTED = frozenset((Function, Class, Lambda))


def walk_own(*roots: Node) -> Iterator[Node]:
    """Like `walk`, but does not enter functions, classes and lambdas, roots included."""
    for root in roots:
        yield from _own(root)


@functools.lru_cache(maxsize=500_000)
def _own(root: Node) -> list[Node]:
    """Asked of the same statement by every analysis, hence remembered."""
    if type(root) in _NESTED:
        return [root]
    found: list[Node] = []
    stack = [root]
    while stack:
        node = stack.pop()
        found.append(node)
        if below := children(node):
            stack.extend(child for child in reversed(below) if type(child) not in _NESTED)
    return found


def surely(*roots: Node) -> Iterator[Node]:
    """What is evaluated in any case when these expressions are, and not only in some runs."""
    left: list[Node] = list(reversed(roots))
    while left:
        node = left.pop()
        yield node
        match node:
            case Lambda():
                continue
            case Comp(loops=[first, *_]):
                left.append(first.iter)
            case BoolOp(values=[first, *_]):
                left.append(first)
            case Choice(test=test):
                left.append(test)
            case Compare(left=one, rights=[two, *_]):
                left += [two, one]
            case Bind(value=value):
                left.append(value)
            case _:
                left.extend(reversed(children(node)))


def dotted(expr: Expr | None) -> str:
    """`a.b.c` for a chain of attributes on a name, else an empty string."""
    parts: list[str] = []
    while isinstance(expr, Attr):
        parts.append(expr.name)
        expr = expr.value
    if not isinstance(expr, Name):
        return ""
    parts.append(expr.id)
    return ".".join(reversed(parts))


def callee(node: Node) -> Expr:
    """What a call calls; of anything else itself: the `route` of `@route("/x")` and of `@route`."""
    return node.func if isinstance(node, Call) else node  # type: ignore[return-value]


def leaves(body: Sequence[Stmt], turn: bool = False) -> bool:
    """Whether nothing gets past the end of statements of a function, or of a `turn` of a loop."""
    match body[-1] if body else None:
        case Return() | Raise():
            return True
        case Jump(kind="break" | "continue"):
            return turn
        case If(body=then, orelse=other):
            return leaves(then, turn) and leaves(other, turn)
        case With(body=within):
            return leaves(within, turn)
        case Try(body=tried, handlers=handlers, orelse=orelse, final=final):
            ends = leaves(orelse or tried, turn) and all(leaves(h.body, turn) for h in handlers)
            return ends or leaves(final, turn)
    return False


def holds(body: Sequence[Node], wanted: Node) -> bool:
    """Whether one of these holds a node, itself or below it, and not in a function or class of its own."""
    return any(node is wanted for node in walk_own(*body))


def blocks(stmt: Stmt) -> list[list[Stmt]]:
    """The statements that a statement runs one after the other: a list for each way through it."""
    match stmt:
        case (
            If(body=then, orelse=other)
            | For(body=then, orelse=other)
            | While(body=then, orelse=other)
        ):
            return [then, other]
        case With(body=then) | Function(body=then) | Class(body=then):
            return [then]
        case Try(body=then, handlers=handlers, orelse=other, final=final):
            return [[*then, *other], *(handler.body for handler in handlers), final]
        case Match(cases=cases):
            return [case.body for case in cases]
    return []


def levels(body: list[Stmt]) -> Iterator[list[Stmt]]:
    """The statements that follow each other, at each level of a function; not those of one within it."""
    yield body
    for stmt in body:
        if not isinstance(stmt, Function | Class):
            for inner in blocks(stmt):
                yield from levels(inner)


def last_word(expr: Expr) -> str:
    """`c` of `a.b.c` and of `f().c`, the name itself of a name, else an empty string."""
    match expr:
        case Name(id=word) | Attr(name=word):
            return word
    return ""
