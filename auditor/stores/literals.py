"""What the code puts together of constants alone, however often it runs: the rows of a seed.

A list counts that stands in the code or in a small file beside it (`countries.csv`), or that is filled in loops over
such lists; a value that needs nothing of a caller, of another file or of another server. How much of anything else there
may be, the code does not say.
"""

from __future__ import annotations

import builtins
import functools
import re
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.mentions import Mentions
from auditor.link.scopes import Binding, CallSite, Located, Module, Scope, named
from auditor.model.values import Known

_MAX_DEPTH = 16
_OF_A_CALLER = re.compile(
    r"^(?:flask|quart|sanic|bottle|starlette|fastapi|django)\b.*\.(?:request|session|g|websocket)\b|\bcurrent_user\b|^builtins\.(?:input|open)\b|^sys\.(?:argv|stdin)\b"
)
_SAME_ROWS = {"list", "tuple", "set", "frozenset", "sorted", "reversed", "enumerate", "zip", "dict", "deepcopy", "copy", "iter"}  # fmt: skip
"""What gives the rows that it is given."""
_PARTS = {"items", "keys", "values", "copy"}
_OF_A_FILE = {
    "csv.DictReader", "csv.reader", "json.load", "json.loads", "yaml.safe_load", "yaml.load", "tomllib.load", "tomli.load", "pandas.read_csv",
    "pandas.read_json",
}  # fmt: skip
"""What gives the rows of a file, or of its text, that it is given."""
_OPENS = {"open", "read", "read_text", "read_bytes", "splitlines", "readlines", "iterrows", "itertuples", "to_dict"}  # fmt: skip
"""What opens a file, or gives what is in it."""
_DATA = (".csv", ".tsv", ".json", ".yaml", ".yml", ".toml")
_LARGEST = 16_384
"""Bytes of a file of some hundred rows."""
_MOST_TURNS = 300
"""How often a loop over numbers may go round that is one over constants."""
_ONE_MORE = {"append", "add", "insert", "setdefault"}
_MORE = {"extend", "update"}
_SETTLED = re.compile(
    r"^(?:os\.(?:getenv|environ\.get)|decouple\.config|(?:flask|quart)\.(?:Flask\(\)|Quart\(\)|current_app)\.config(?:\.get)?"
    r"|sqlalchemy\.(?:\w+\.)*(?:func\.(?:lower|upper|trim)|and_|or_))$"
)
"""What of packages gives the same each time."""
_PLAIN_BASES = re.compile(r"^(?:pydantic\w*|enum|typing|abc|builtins)\.")
_SESSION = re.compile(
    r"^(?:sqlalchemy\.(?:[\w.]+\.)?|sqlmodel\.(?:[\w.]+\.)?)(?:Session|AsyncSession|(?:async_)?sessionmaker\(\)|scoped_session\(\))\(\)$"
)
"""What is added to it are records, no rows of a list; where its database stands is no part of them."""


class _Change(msgspec.Struct, frozen=True):
    """A statement that puts something into what a variable holds; `many` where each row of it.

    `given` is None where a function does that is handed it.
    """

    given: tuple[t.Expr, ...] | None
    scope: Scope
    line: int
    many: bool = False


class Literals:
    """Tells what of a tree is put together of its constants."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.values, self.code, self.tree = application.values, application.code, application.tree
        self._busy: set[tuple[int, int]] = set()
        self._turned: frozenset[tuple[int, str]] = frozenset()
        """The variables of the comprehensions around what is looked at, which go over such lists."""
        self._changes: dict[str, dict[str, list[_Change]]] = {}
        self._loops: dict[str, list[tuple[t.For | t.While, Scope]]] = {}
        self._comprehensions: dict[str, list[tuple[t.Comp, Scope]]] = {}
        self._beside: dict[str, bool] = {}
        self._settled = False
        """Whether only what is the same each time counts."""
        self._in_path = False
        """Whether the path of a file is looked at: it begins to count its steps anew, once."""

    def rows(self, expr: t.Expr, scope: Scope, depth: int = 0) -> bool:
        """Whether a list has what stands in the code and no more."""
        if depth > _MAX_DEPTH:
            return False
        deeper = depth + 1
        match expr:
            case t.Const():
                return True
            case t.Seq(items=items):
                return all(
                    self.rows(x.value, scope, deeper) if isinstance(x, t.Star) else self.value(x, scope, deeper)
                    for x in items
                )  # fmt: skip
            case t.Map():
                return self.value(expr, scope, depth)
            case t.BinOp(op="+" | "|", left=one, right=other) | t.Choice(then=one, other=other):
                return self.rows(one, scope, deeper) and self.rows(other, scope, deeper)
            case t.BoolOp(values=values):
                return all(self.rows(each, scope, deeper) for each in values)
            case t.Await(value=inner) | t.Bind(value=inner) | t.Item(value=inner):
                return self.rows(inner, scope, deeper)
            case t.Comp(elements=elements, loops=loops):
                before = self._turned
                try:
                    for loop in loops:
                        if not self.rows(loop.iter, scope, deeper):
                            return False
                        names = [n.id for n in t.walk(loop.target) if isinstance(n, t.Name)]
                        self._turned |= {(id(scope), name) for name in names}
                    return all(self.value(each, scope, deeper) for each in elements)
                finally:
                    self._turned = before
            case t.Call(func=t.Name(id="range"), args=args):
                return all(self._is_small(each, scope) for each in args)
            case t.Call(func=t.Attr(value=inner, name=name), args=[]) if name in _PARTS:
                return self.rows(inner, scope, deeper)
            case t.Call(func=func, args=args) if t.last_word(func) in _SAME_ROWS:
                named = all(self.value(k.value, scope, deeper) for k in expr.keywords)
                return named and all(self.rows(each, scope, deeper) for each in args)
            case t.Call(func=func, args=[given, *_]) if self.code.name(func, scope) in _OF_A_FILE:
                return self._of_the_tree(given, scope, deeper)
            case t.Call(func=t.Attr(value=inner, name=name)) if name in _OPENS:
                return self.rows(inner, scope, deeper)
            case t.Call(func=func):
                return self._given_back(func, scope, deeper)
            case t.Name() | t.Attr():
                return self._held(expr, scope, deeper, rows=True)
        return False

    def _of_the_tree(self, expr: t.Expr, scope: Scope, depth: int) -> bool:
        """Whether what is read is of a file that the tree brings, and small: its path is put together of constants, and
        so are the files that are named where that stands."""
        if depth > _MAX_DEPTH:
            return False
        match expr:
            case t.Call(func=t.Attr(value=inner, name=name)) if name in _OPENS:
                return self._of_the_tree(inner, scope, depth + 1)
            case t.Call(func=t.Name(id="open"), args=[path, *_]):
                return self._of_the_tree(path, scope, depth + 1)
            case t.Name(id=name) if (found := self.code.find(name, scope)) is not None:
                where, bindings = found
                held = [b.value for b in bindings if b.kind in ("context", "value")]
                opened = [x for x in held if isinstance(x, t.Call) and t.last_word(x.func) in _OPENS]  # fmt: skip
                if len(opened) == len(bindings):
                    return all(self._of_the_tree(x, where, depth + 1) for x in opened)
        if self._in_path or not self._names_small(scope.module):
            return False  # a path that stands in another file is none of the code
        self._in_path = True
        try:
            return self.value(expr, scope)  # it takes many steps
        finally:
            self._in_path = False

    def _names_small(self, module: Module) -> bool:
        """Whether a module names files of data, and none but small ones of the tree."""
        if module.path not in self._beside:
            texts = (n.value for n, _ in self.code.nodes(module) if isinstance(n, t.Const))
            named = {x.rpartition("/")[2] for x in texts if isinstance(x, str) and x.endswith(_DATA)}  # fmt: skip
            self._beside[module.path] = bool(named) and all(map(self._small.get, named))
        return self._beside[module.path]

    @functools.cached_property
    def _small(self) -> dict[str, bool]:
        """Whether the tree's files of data are small, by their names."""
        found: dict[str, bool] = {}
        for file in self.tree.files:
            name = file.path.rpartition("/")[2]
            if name.endswith(_DATA):
                found[name] = found.get(name, True) and file.size <= _LARGEST
        return found

    def value(self, expr: t.Expr, scope: Scope, depth: int = 0) -> bool:
        """Whether a value needs nothing but what the code says, the clock and chance."""
        if depth > _MAX_DEPTH:
            return False
        match expr:
            case t.Name() | t.Attr():
                return self._held(expr, scope, depth + 1, rows=False)
            case t.Comp():
                return self.rows(expr, scope, depth + 1)
            case t.Map(keys=keys, values=values):
                spelt = [key for key in keys if key is not None]
                return all(self.value(each, scope, depth + 1) for each in (*spelt, *values))
            case t.Lambda() | t.Yield():
                return False
            case t.Compare(rights=rights) if self._settled:  # what a column is compared with
                return all(self.value(each, scope, depth + 1) for each in rights)
            case t.Call(func=func, args=args, keywords=keywords):
                if self._settled and not self._gives_the_same(func, scope, depth + 1):
                    return False
                given = [*args, *(k.value for k in keywords)]
                return all(self.value(each, scope, depth + 1) for each in (func, *given))
        return all(self.value(each, scope, depth + 1) for each in t.children(expr))  # type: ignore[arg-type]

    def settled(self, expr: t.Expr, scope: Scope) -> bool:
        """Whether a value is one that the code or a setting names: the clock, chance, and what a package brings give another each time."""
        self._settled = True
        try:
            return self.value(expr, scope)
        finally:
            self._settled = False

    def _gives_the_same(self, func: t.Expr, scope: Scope, depth: int) -> bool:
        """Whether a call gives the same each time it is given the same: one of the tree, of Python, or of what it is a method of."""
        name, found = self.code.name(func, scope), self.code.defined(func, scope)
        match found.node if found is not None else None:
            case t.Class():
                kinds = self.code.ancestry(found)  # type: ignore[arg-type]
                return all(self.code.definition(k) or _PLAIN_BASES.match(k) for k in kinds)
            case t.Function(body=body):
                inner = self.code.inside(found)  # type: ignore[arg-type]
                given = [n.value for n in t.walk_own(*body) if isinstance(n, t.Return)]
                return all(x is None or self.value(x, inner, depth) for x in given)
        while isinstance(func, t.Attr | t.Call | t.Item):
            func = func.func if isinstance(func, t.Call) else func.value
        bound = self.code.find(func.id, scope) if isinstance(func, t.Name) else None
        imported = bound is not None and any(b.kind == "import" for b in bound[1])
        return bool(_SETTLED.match(name)) or not imported or ":" in name

    def _is_small(self, expr: t.Expr, scope: Scope) -> bool:
        """Whether it is a small number, or a setting that is one where nobody says otherwise."""
        told = self.values.value(expr, scope)
        numbers = [told.value] if isinstance(told, Known) else [
            o.node.value for o in self.values.origins(expr, scope) if isinstance(o.node, t.Const)
        ]  # fmt: skip
        return bool(numbers) and all(isinstance(n, int) and abs(n) <= _MOST_TURNS for n in numbers)

    def told_turns(self, line: int, scope: Scope, depth: int = 0) -> bool:
        """Whether the loops of a scope around a line go over such lists alone."""
        self._changes_in(scope)
        loops = [
            loop for loop, around in self._loops[scope.module.path]
            if around is scope and loop.line < line <= loop.end_line
        ]  # fmt: skip
        return all(isinstance(x, t.For) and self.rows(x.iter, scope, depth) for x in loops)

    def _given_back(self, func: t.Expr, scope: Scope, depth: int) -> bool:
        """Whether a function of the tree gives such a list, whoever calls it."""
        found = self.code.defined(func, scope)
        if found is None or not isinstance(found.node, t.Function):
            return False
        inner = self.code.inside(found)
        given = [n.value for n in t.walk_own(*found.node.body) if isinstance(n, t.Return)]
        told = [value for value in given if value is not None]
        return bool(told) and all(self.rows(value, inner, depth) for value in told)

    # --- variables

    def _held(self, expr: t.Name | t.Attr, scope: Scope, depth: int, *, rows: bool) -> bool:
        key = (id(expr), id(scope))
        if key in self._busy:
            return True  # what it is made of besides decides
        self._busy.add(key)
        try:
            return self._holds(expr, scope, depth, rows=rows)
        finally:
            self._busy.discard(key)

    def _holds(self, expr: t.Name | t.Attr, scope: Scope, depth: int, *, rows: bool) -> bool:
        judge = self.rows if rows else self.value
        if isinstance(expr, t.Name) and (id(scope), expr.id) in self._turned:
            return True
        if isinstance(expr, t.Name) and (gone_over := self._gone_over(expr, scope)):
            return all(self.rows(each, scope, depth) for each in gone_over)
        called = self.code.name(expr, scope)
        if _OF_A_CALLER.search(called):
            return False
        if _SESSION.search(called) or (self._settled and _SETTLED.match(called)):
            return not rows
        found = self.code.find(expr.id, scope) if isinstance(expr, t.Name) else None
        if found is not None and not all(b.kind == "import" for b in found[1]):
            where, bindings = found
            told = all(self._is(b, where, depth, rows=rows) for b in bindings)
            return told and self._grows_by_constants(expr, where, depth)  # type: ignore[arg-type]
        origins = [o for o in self.values.origins(expr, scope) if o.node is not expr]
        if origins:
            name = named(expr.id if isinstance(expr, t.Name) else expr.name)
            wheres = [o.scope for o in origins] + ([found[0]] if found is not None else [])
            told = all(judge(o.node, o.scope, depth) for o in origins)  # type: ignore[arg-type]
            return told and all(self._grows_by_constants(name, each, depth) for each in wheres)
        if isinstance(expr, t.Attr):
            return not rows and self.value(expr.value, scope, depth)
        return not rows and (
            found is not None or expr.id == "__file__" or hasattr(builtins, expr.id)
        )

    def _gone_over(self, name: t.Name, scope: Scope) -> list[t.Expr]:
        """What the comprehensions around a variable of theirs go over."""
        self._changes_in(scope)
        return [
            loop.iter
            for comp, around in self._comprehensions[scope.module.path]
            for loop in comp.loops
            if around is scope and comp.line <= name.line <= comp.end_line
            and any(isinstance(n, t.Name) and n.id == name.id for n in t.walk(loop.target))
        ]  # fmt: skip

    def _is(self, binding: Binding, where: Scope, depth: int, *, rows: bool) -> bool:
        judge = self.rows if rows else self.value
        match binding.kind:
            case "value":
                part = binding.part or binding.value
                return part is not None and judge(part, where, depth)
            case "element":
                return binding.value is not None and self.rows(binding.value, where, depth)
            case "definition" | "import":
                return not rows
            case "parameter":
                return self._is_passed(binding, where, depth, rows=rows)
        return False

    def _is_passed(self, binding: Binding, where: Scope, depth: int, *, rows: bool) -> bool:
        """Whether every call of a function passes constants; one that a framework calls is passed anything."""
        judge = self.rows if rows else self.value
        function = where.owner
        if not isinstance(function, t.Function) or function.decorators:
            return False
        assert isinstance(binding.node, t.Param)
        param = binding.node
        own = f"{where.module.path}:{where.qualname}"
        sites = list(self.code.calls(own))
        named = [x for x in self.code.method_calls(function.name) if not self._of_a_package(x)]
        if len(sites) != len(named) or not sites or self._is_handed_on(function, where):
            return False
        position = function.params.index(param) - (function.params[0].name in ("self", "cls"))
        for site in sites:
            given = site.arg(position, param.name) if position >= 0 else None
            told = given if given is not None else param.default
            if told is None or not judge(told, site.scope if given is not None else where, depth):
                return False
        return True

    def _is_handed_on(self, function: t.Function, where: Scope) -> bool:
        """Whether a function is spoken of without a call: a route is told of it, and passes what it likes."""
        assert where.parent is not None
        (mentions,) = self.application.facts(Mentions)
        spoken = mentions.of(Located(function, where.parent))
        return any(isinstance(x.node, t.Name | t.Attr) and not mentions.is_call(x) for x in spoken)

    def _of_a_package(self, site: CallSite) -> bool:
        """Whether what is called is what a package has: `pandas.read_csv`."""
        name = self.code.name(site.node.func, site.scope)
        return "." in name and ":" not in name and name.rpartition(".")[0] in self.code.packages

    def _grows_by_constants(self, name: t.Name, where: Scope, depth: int) -> bool:
        """Whether whatever is put into a variable's list or dict later is of constants too."""
        for change in self._changes_in(where)[name.id]:
            found = self.code.find(name.id, change.scope)
            if found is None or found[0] is not where:
                continue
            if change.scope is not where or change.given is None or depth > _MAX_DEPTH:
                return False  # a call of its own each time
            if not self.told_turns(change.line, where, depth):
                return False
            judge = self.rows if change.many else self.value
            if not all(judge(each, where, depth) for each in change.given):
                return False
        return True

    def _changes_in(self, where: Scope) -> dict[str, list[_Change]]:
        """What a module puts into what its variables hold, by their names."""
        module = where.module
        if module.path not in self._changes:
            found: dict[str, list[_Change]] = defaultdict(list)
            loops = self._loops[module.path] = []
            comprehensions = self._comprehensions[module.path] = []
            for node, scope in self.code.nodes(module):
                if isinstance(node, t.For | t.While):
                    loops.append((node, scope))
                elif isinstance(node, t.Comp):
                    comprehensions.append((node, scope))
                for name, change in _changes(node, scope):
                    found[name].append(change)
                if isinstance(node, t.Call):
                    for name, change in self._filled(CallSite(node, scope)):
                        found[name].append(change)
            self._changes[module.path] = found
        return self._changes[module.path]

    def _filled(self, site: CallSite) -> Iterator[tuple[str, _Change]]:
        """What a function of the tree may put into a list that it is handed: `collect(docs)`."""
        names = [arg.id for arg in site.node.args if isinstance(arg, t.Name)]
        found = self.code.defined(site.node.func, site.scope) if names else None
        if found is None or not isinstance(found.node, t.Function):
            return
        inner = self.code.inside(found)
        params = {param.name for param in found.node.params}
        for node in t.walk_own(*found.node.body):
            for name, _ in _changes(node, inner):
                if name in params:
                    for each in names:
                        yield each, _Change(None, site.scope, site.node.line)


def _changes(node: t.Node, scope: Scope) -> Iterator[tuple[str, _Change]]:
    """`docs.append(doc)`, `docs += more`, `doc["name"] = name`."""
    match node:
        case t.Call(func=t.Attr(value=t.Name(id=name), name=method)) if method in _ONE_MORE | _MORE:
            given = (*node.args, *(k.value for k in node.keywords))
            yield name, _Change(given, scope, node.line, method in _MORE and not node.keywords)
        case t.Assign(targets=targets, value=value) if value is not None:
            for target in targets:
                if isinstance(target, t.Item) and isinstance(target.value, t.Name):
                    yield target.value.id, _Change((target.index, value), scope, node.line)


@provides(Literals)
def literals(application: Application) -> list[Literals]:
    return [Literals(application)]
