"""Every place of a source file where a guard may stand, with the source without it.

FastAPI: a parameter with a dependency (a default, `Annotated`, or an alias), a class attribute with
one, an entry of `dependencies=[…]`. Flask: a decorator, an entry of `decorators` or
`method_decorators`, a `before_request` registration. Django and Django REST framework: a decorator,
a mixin, an entry of `permission_classes`, a function around a view in a URLconf. Whether a guard
stands there is told later, from the inventory of the unchanged application. The names that Django's
settings list for every view (`DEFAULT_PERMISSION_CLASSES`) are entries as well.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from auditor.model.places import Place
from tests.mutation.names import DEPENDS, Span, dependency_names, mentioned

_LISTS = {"decorators", "method_decorators", "permission_classes"}
_DEFAULTS = {"DEFAULT_PERMISSION_CLASSES"}
_ROUTING = {"path", "re_path", "url"}
_NO_GUARD = {"as_view", "include", *_ROUTING}
_HOOKS = {"before_request", "before_app_request"}
_REGISTERS = re.compile(
    r"^(?:get|post|put|patch|delete|head|options|trace|route|\w+_route|websocket|action|expose"
    r"|\w*handler|on_event|middleware|after_\w+|context_processor|register|api_view|wraps"
    r"|property|staticmethod|classmethod|setter|command|permission_classes)$"
)
"""What makes a handler of a function: without it there is no route, or another one."""


@dataclass(frozen=True)
class Site:
    """Something that can be taken out: `kind` says what it is, `text` how it was written.

    `vias` are the ways by which a route gets such a guard. `owner` is the function or class that it
    belongs to; `shared` the variable of the router or application that it guards, `"?"` where none
    is told; `hook` the lines of the hook of which it is the registration or a decorator. `names` are what it mentions; `used` tells whether its owner's code needs what it gives.
    """

    kind: str
    path: str
    span: Span
    columns: tuple[int, int]
    text: str
    names: frozenset[str]
    vias: frozenset[str]
    owner: Span | None
    owner_name: str
    shared: str
    hook: Span | None
    used: bool
    mutated: Callable[[], str]

    def holds(self, place: Place) -> bool:
        """Whether a place is within what is taken out."""
        if not self.span.holds(place.path, place.line):
            return False
        after = place.line > self.span.first or place.column >= self.columns[0]
        return after and (place.line < self.span.last or place.column < self.columns[1])

    def __str__(self) -> str:
        return f"{self.path}:{self.span.first} {self.kind} `{self.text}`"


def sites(path: str, text: str) -> list[Site]:
    """All sites of a file, in the order of its lines."""
    try:
        wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
    except cst.ParserSyntaxError:
        return []
    finder = _Finder(path, wrapper.module)
    wrapper.visit(finder)
    return sorted(finder.found, key=lambda site: (site.span.first, site.span.last))


class _Finder(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, path: str, module: cst.Module) -> None:
        super().__init__()
        self.path, self.module = path, module
        self.found: list[Site] = []
        self.around: list[cst.FunctionDef | cst.ClassDef] = []
        self.assigned = "?"

    # --- what is found

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.around.append(node)
        self._decorators(node)
        if node.decorators or len(self.around) > 1:
            for param in (*node.params.params, *node.params.kwonly_params):
                self._parameter(node, param)

    def visit_ClassDef(self, node: cst.ClassDef) -> None:
        self.around.append(node)
        self._decorators(node)
        for base in node.bases if len(node.bases) > 1 else ():
            self._add("mixin", base, base.value, {"class", "mixin", "decorator"})
        for line in node.body.body:
            for stmt in line.body if isinstance(line, cst.SimpleStatementLine) else ():
                self._attribute(stmt)

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self.around.pop()

    def leave_ClassDef(self, original_node: cst.ClassDef) -> None:
        self.around.pop()

    def visit_Assign(self, node: cst.Assign) -> None:
        target = node.targets[0].target
        self.assigned = target.value if isinstance(target, cst.Name) else "?"

    def leave_Assign(self, original_node: cst.Assign) -> None:
        self.assigned = "?"

    def visit_Expr(self, node: cst.Expr) -> None:
        call = node.value
        if isinstance(call, cst.Call) and _last(call.func) in _HOOKS and len(call.args) == 1:
            vias = {"router", "application", "include"}
            gone = cst.Expr(cst.Name("None"))
            self._add("hook", node, call.args[0].value, vias, _owner(call.func), replaced=gone)

    def visit_Call(self, node: cst.Call) -> None:
        name = _last(node.func)
        if name in _ROUTING and not self.around:
            for arg in node.args[1:2]:
                self._wrappers(arg.value)
        if name == "permission_classes" and self.around and self._decorates(node):
            for entry in _entries(node.args[0].value) if node.args else ():
                self._add("entry", entry, entry.value, {"class", "decorator"})
        for arg in node.args:
            if arg.keyword is not None and arg.keyword.value == "permission_classes":
                for entry in _entries(arg.value) if self.around and self._decorates(node) else ():
                    self._add("entry", entry, entry.value, {"class", "decorator"})
            if arg.keyword is None or arg.keyword.value != "dependencies":
                continue
            via, shared = {
                "include_router": ("include", "?"),
                "APIRouter": ("router", self.assigned),
                "FastAPI": ("application", self.assigned),
            }.get(name, ("decorator", ""))
            if via == "decorator" and not (self.around and self._decorates(node)):
                via, shared = "router", self.assigned
            for entry in _entries(arg.value):
                self._add("dependency", entry, entry.value, {via}, shared)

    def visit_DictElement(self, node: cst.DictElement) -> None:
        if isinstance(node.key, cst.SimpleString) and node.key.evaluated_value in _DEFAULTS:
            for entry in _entries(node.value):
                if isinstance(entry.value, cst.SimpleString):
                    last = str(entry.value.evaluated_value).rpartition(".")[2]
                    vias = {"application"}
                    self._add("default", entry, entry.value, vias, "?", extra={last})

    # --- each kind

    def _decorators(self, node: cst.FunctionDef | cst.ClassDef) -> None:
        hook = next((d.decorator for d in node.decorators if _last(d.decorator) in _HOOKS), None)
        shared = _owner(hook) if hook is not None else ""
        vias = {"decorator", "class"} if hook is None else {"router", "application", "include"}
        for decorator in node.decorators:
            if hook is not None and decorator.decorator is hook:
                extra = {node.name.value, *(_last(d.decorator) for d in node.decorators)}
                self._add("hook", decorator, decorator.decorator, vias, shared, extra=extra)
            elif not _REGISTERS.match(_last(decorator.decorator)):
                self._add("decorator", decorator, decorator.decorator, vias, shared)

    def _parameter(self, function: cst.FunctionDef, param: cst.Param) -> None:
        kinds = [param.annotation.annotation] if param.annotation else []
        kinds += [param.default] if param.default else []
        names = {n for kind in kinds for n in dependency_names(self._plain(kind))}
        injected = any(_last(c) in DEPENDS for kind in kinds for c in _calls(kind))
        if not names or not (injected or (param.default is None and _alias(param))):
            return
        used = any(_mentions(stmt, param.name.value) for stmt in function.body.body)
        changed = _without(function, param, used)
        if changed is not None:
            self._site("parameter", param, names, {"parameter"}, "", used, function, changed)

    def _attribute(self, stmt: cst.BaseSmallStatement) -> None:
        kinds: list[cst.BaseExpression]
        match stmt:
            case cst.Assign(targets=[cst.AssignTarget(target=target)], value=value):
                kinds = [value]
            case cst.AnnAssign(target=target, annotation=annotation, value=default):
                value = default or annotation.annotation
                kinds = [value, annotation.annotation]
            case _:
                return
        if isinstance(target, cst.Name) and target.value in _LISTS:
            for entry in _entries(value):
                self._add("entry", entry, entry.value, {"class", "decorator"})
        if any(_last(call) in DEPENDS for kind in kinds for call in _calls(kind)):
            names = {n for kind in kinds for n in dependency_names(self._plain(kind))}
            gone = cst.Assign([cst.AssignTarget(target)], cst.Name("None"))
            self._site("attribute", stmt, names, {"class"}, "", True, stmt, gone)

    def _wrappers(self, expr: cst.BaseExpression) -> None:
        if isinstance(expr, cst.Call) and expr.args and _last(expr.func) not in _NO_GUARD:
            vias = {"decorator", "class", "include", "router"}
            view = _view(expr)
            self._add(
                "wrapper", expr, expr.func, vias, replaced=expr.args[0].value, owner_name=view
            )
            self._wrappers(expr.args[0].value)

    # --- building

    def _decorates(self, node: cst.Call) -> bool:
        return any(d.decorator is node for d in self.around[-1].decorators)

    def _plain(self, node: cst.BaseExpression) -> ast.expr:
        return ast.parse(f"({self.module.code_for_node(node)})", mode="eval").body

    def _add(
        self,
        kind: str,
        node: cst.CSTNode,
        expr: cst.BaseExpression,
        vias: set[str],
        shared: str = "",
        replaced: cst.CSTNode | None = None,
        extra: frozenset[str] | set[str] = frozenset(),
        owner_name: str = "",
    ) -> None:
        names = {*mentioned(self._plain(expr)), *extra} - DEPENDS
        self._site(kind, node, names, vias, shared, False, node, replaced, owner_name)

    def _site(
        self,
        kind: str,
        node: cst.CSTNode,
        names: set[str],
        vias: set[str],
        shared: str,
        used: bool,
        old: cst.CSTNode,
        new: cst.CSTNode | None,
        owner_name: str = "",
    ) -> None:
        owner = self.around[-1] if self.around else None
        if isinstance(owner, cst.FunctionDef) and owner.name.value == "dispatch":
            owner = self.around[-2] if len(self.around) > 1 else owner
        at = self.get_metadata(PositionProvider, node)

        def mutated() -> str:
            module = self.module
            changed = module.deep_remove(old) if new is None else module.deep_replace(old, new)
            assert isinstance(changed, cst.Module)
            return changed.code

        self.found.append(
            Site(
                kind,
                self.path,
                Span(self.path, at.start.line, at.end.line),
                (at.start.column + 1, at.end.column + 1),
                " ".join(self.module.code_for_node(node).split())[:90],
                frozenset(names),
                frozenset(vias),
                self._span(owner) if owner is not None and not shared else None,
                owner.name.value if owner is not None and not shared else owner_name,
                shared,
                self._span(owner) if owner is not None and kind in ("hook", "decorator") else None,
                used,
                mutated,
            )
        )

    def _span(self, node: cst.CSTNode) -> Span:
        at = self.get_metadata(PositionProvider, node)
        first = at.start.line
        for decorator in getattr(node, "decorators", ()):
            first = min(first, self.get_metadata(PositionProvider, decorator).start.line)
        return Span(self.path, first, at.end.line)


def _without(function: cst.FunctionDef, param: cst.Param, used: bool) -> cst.FunctionDef | None:
    """A function without a parameter; where its body uses it, it is None there."""
    params = function.params
    kwonly = [p for p in params.kwonly_params if p is not param]
    star = params.star_arg
    if not kwonly and isinstance(star, cst.ParamStar):
        star = cst.MaybeSentinel.DEFAULT
    changed = params.with_changes(
        params=[p for p in params.params if p is not param], kwonly_params=kwonly, star_arg=star
    )
    body = function.body
    if used:
        if not isinstance(body, cst.IndentedBlock):
            return None
        line = cst.parse_statement(f"{param.name.value} = None\n")
        at = 1 if _is_docstring(body.body[0]) else 0
        body = body.with_changes(body=[*body.body[:at], line, *body.body[at:]])
    return function.with_changes(params=changed, body=body)


def _is_docstring(stmt: cst.BaseStatement) -> bool:
    match stmt:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.SimpleString())]):
            return True
    return False


def _alias(param: cst.Param) -> bool:
    """Whether an annotation may be an alias of `Annotated[…]`."""
    return param.annotation is not None and isinstance(
        param.annotation.annotation, cst.Name | cst.Attribute
    )


def _entries(expr: cst.BaseExpression) -> Sequence[cst.Element]:
    if isinstance(expr, cst.List | cst.Tuple):
        return [e for e in expr.elements if isinstance(e, cst.Element)]
    return ()


def _last(expr: cst.BaseExpression) -> str:
    while isinstance(expr, cst.Call):
        expr = expr.func
    if isinstance(expr, cst.Attribute):
        return expr.attr.value
    return expr.value if isinstance(expr, cst.Name) else ""


def _owner(expr: cst.BaseExpression) -> str:
    """`app` of `app.include_router` and of `app.before_request()`."""
    while isinstance(expr, cst.Call):
        expr = expr.func
    match expr:
        case cst.Attribute(value=cst.Name(value=name)):
            return name
    return "?"


def _view(expr: cst.BaseExpression) -> str:
    """`Page` of `login_required(Page.as_view())`, `page` of `login_required(views.page)`."""
    while isinstance(expr, cst.Call) and expr.args:
        expr = expr.args[0].value
    if _last(expr) == "as_view" and isinstance(expr, cst.Call):
        return _last(expr.func.value) if isinstance(expr.func, cst.Attribute) else ""
    return _last(expr)


def _calls(node: cst.CSTNode) -> Iterator[cst.Call]:
    if isinstance(node, cst.Call):
        yield node
    for child in node.children:
        yield from _calls(child)


def _mentions(node: cst.CSTNode, name: str) -> bool:
    if isinstance(node, cst.Name) and node.value == name:
        return True
    return any(_mentions(child, name) for child in node.children)
