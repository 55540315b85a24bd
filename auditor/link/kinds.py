"""Of which class an object surely is: told only where one thing alone says so.

`Code.name` tells what a name may well mean, by the first of several bindings that tells anything. Who concludes from
it that an object has no method of some name asks here.
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import Binding, Located, Scope, named

_DEEPEST = 8
BARE = {"builtins.object", "abc.ABC", "typing.Generic", "typing_extensions.Generic"}
"""What a class inherits from without getting any method by a plain name."""
_OF_ANY = {"typing", "typing_extensions", "types", "collections"}
"""Packages whose names say in an annotation what an object can do, not what it is."""
_ADDS_NOTHING = {"dataclass", "dataclasses.dataclass", "final", "total_ordering"}
_ANSWERS_ALL = ("__getattr__", "__getattribute__")


def kind_of(code: Code, expr: t.Expr, scope: Scope, depth: int = 0) -> str:
    """The canonical name of the class that an object is of, or that an expression names; empty where that is not sure."""
    if depth > _DEEPEST:
        return ""
    match expr:
        case t.Map() | t.Text() | t.Const(value=str()):
            return f"builtins.{'dict' if isinstance(expr, t.Map) else 'str'}"
        case t.Call(func=func):
            return _class_named(code, func.value if isinstance(func, t.Item) else func, scope)
        case t.Name(id=name):
            found = code.find(name, scope)
            if found is None or len(found[1]) != 1:
                return ""
            return _bound_to(code, expr, found[1][0], found[0], depth + 1)
        case t.Attr(value=owner, name=name):
            told = code.name(owner, scope) if isinstance(owner, t.Name) else ""
            if told.startswith("module:"):
                return kind_of(code, named(name), code.modules[told[7:]].scope, depth + 1)
            found_class = code.definition(kind_of(code, owner, scope, depth + 1))
            return _kept(code, found_class, name, depth + 1) if found_class is not None else ""
    return ""


def lacks(code: Code, kind: Located, name: str) -> bool:
    """Whether objects of a class of the tree, and of no heir of it, have nothing of a name, however they are made."""
    for each in code.ancestry(kind):
        found = code.definition(each)
        if found is None:
            if each not in BARE:
                return False
            continue
        node = found.node
        if not isinstance(node, t.Class) or node.keywords or not all_bases_told(code, found):
            return False
        if any(t.dotted(t.callee(d)) not in _ADDS_NOTHING for d in node.decorators):
            return False
        held = code.inside(found).bindings.keys() | code.attributes(found).keys()
        if not held.isdisjoint((name, *_ANSWERS_ALL)):
            return False
    return True


def all_bases_told(code: Code, found: Located) -> bool:
    """Whether each base of a class of the tree has a name."""
    bases = (b.value if isinstance(b, t.Item) else b for b in found.node.bases)  # type: ignore[attr-defined]
    return all(code.name(base, found.scope) for base in bases)


def _bound_to(code: Code, expr: t.Name, binding: Binding, where: Scope, depth: int) -> str:
    match binding:
        case Binding(kind="definition", node=t.Class()):
            return code.name(expr, where)
        case Binding(kind="parameter", node=t.Param(annotation=None) as param):
            method, around = where.owner, where.parent
            of_class = around is not None and isinstance(around.owner, t.Class)
            first = isinstance(method, t.Function) and method.params[:1] == [param]
            if not of_class or not first or around is None:
                return ""
            static = any(t.dotted(d) == "staticmethod" for d in method.decorators)  # type: ignore[union-attr]
            return "" if static else f"{around.module.path}:{around.qualname}"
        case Binding(kind="parameter", node=t.Param(annotation=annotation)):
            return _declared(code, annotation, where.parent or where)
        case Binding(kind="value" | "other", node=t.Assign(annotation=annotation)) if annotation:
            return _declared(code, annotation, where)
        case Binding(kind="value") if binding.part is not None:
            return kind_of(code, binding.part, where, depth)
        case Binding(kind="import", target=target):
            owner, _, name = target.rpartition(".")
            module = code.module_of(owner if owner.strip(".") else f"{owner}.", where)
            if module is not None:
                return kind_of(code, named(name), module.scope, depth)
    return ""


def _kept(code: Code, found: Located, name: str, depth: int) -> str:
    """What an attribute of the objects of a class is, where one place of all its classes gives it."""
    if not isinstance(found.node, t.Class):
        return ""
    told: list[str] = []
    for each in code.ancestry(found):
        above = code.definition(each)
        if above is not None and isinstance(above.node, t.Class):
            inner = code.inside(above)
            told += [
                _bound_to(code, named(name), b, inner, depth) for b in inner.bindings.get(name, ())
            ]
            values = code.attribute_values(above, name)
            told += [kind_of(code, v.node, v.scope, depth) for v in values]  # type: ignore[arg-type]
    return told[0] if len(told) == 1 else ""


def _declared(code: Code, annotation: t.Expr | None, scope: Scope) -> str:
    match annotation:
        case t.Const(value=str(text)) if text.isidentifier():
            return _declared(code, named(text), scope)
        case t.BinOp(op="|", left=left, right=t.Const(value=None)):
            return _declared(code, left, scope)
        case t.Item(value=value, index=index):
            match t.last_word(value):
                case "Optional":
                    return _declared(code, index, scope)
                case "Annotated" if isinstance(index, t.Seq) and index.items:
                    return _declared(code, index.items[0], scope)
            return _declared(code, value, scope)
        case t.Name() | t.Attr():
            return _class_named(code, annotation, scope)
    return ""


def _class_named(code: Code, expr: t.Expr, scope: Scope) -> str:
    """The class of the tree or of a package that an expression names."""
    root: t.Expr = expr
    while isinstance(root, t.Attr):
        root = root.value
    found = code.find(root.id, scope) if isinstance(root, t.Name) else None
    if found is not None and any(b.kind not in ("import", "definition") for b in found[1]):
        return ""
    if found is not None and len(found[1]) > 1:
        return ""
    name = code.name(expr, scope)
    defined = code.definition(name)
    if defined is not None:
        return name if isinstance(defined.node, t.Class) else ""
    package, dot, last = name.rpartition(".")
    if not dot or ":" in name or "(" in name or "[" in name:
        return ""
    known = last[:1].isupper() or (package == "builtins" and last in _BUILT_IN)
    return name if known and package.partition(".")[0] not in _OF_ANY else ""


_BUILT_IN = {"dict", "list", "set", "tuple", "str", "bytes", "int", "float", "bool"}
