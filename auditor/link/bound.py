"""Calls that stand for many: in a loop over a literal sequence, in a function that is called often.

    for blueprint, prefix in ((users, "/u"), (items, "/i")):
        app.register_blueprint(blueprint, url_prefix=prefix)

A call has one environment for each way it runs: the expressions that its loop variables and the
parameters of its function take then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from auditor.extract.python import tree as t
from auditor.link.names import CallSite, Located, Scope
from auditor.link.values import Evaluator

Env = Mapping[str, Located]

_MAX_ENVIRONMENTS = 400


class Bound:
    """Evaluates expressions in an environment."""

    def __init__(self, values: Evaluator) -> None:
        self.values = values
        self.code = values.code

    def sources(self, expr: t.Expr | None, scope: Scope, env: Env) -> list[Located]:
        """The expressions that create what `expr` stands for."""
        if isinstance(expr, t.Name) and expr.id in env:
            found = env[expr.id]
            return self.sources(found.node, found.scope, {})  # type: ignore[arg-type]
        return self.values.sources(expr, scope)

    def text(self, expr: t.Expr | None, scope: Scope, env: Env) -> str | None:
        match expr:
            case t.Name(id=name) if name in env:
                return self.text(env[name].node, env[name].scope, {})  # type: ignore[arg-type]
            case t.Text(parts=parts):
                texts = [self.text(part, scope, env) for part in parts]
                return None if None in texts else "".join(x for x in texts if x is not None)
            case t.BinOp(op="+", left=left, right=right):
                one, other = self.text(left, scope, env), self.text(right, scope, env)
                return None if one is None or other is None else one + other
        return self.values.text(expr, scope)

    def environments(self, site: CallSite, depth: int = 2) -> list[Env]:
        """The environments in which a call runs; one that binds nothing for a plain call."""
        names = sorted({n.id for n in t.walk_own(site.node) if isinstance(n, t.Name)})
        return list(self._expanded(names, site.scope, depth))[:_MAX_ENVIRONMENTS] or [{}]

    def _expanded(self, names: list[str], scope: Scope, depth: int) -> Iterator[Env]:
        loops: dict[int, tuple[t.For, Scope]] = {}
        functions: dict[int, Scope] = {}
        for name in names:
            found = self.code.find(name, scope)
            for binding in found[1] if found else ():
                if binding.kind == "element" and isinstance(binding.node, t.For):
                    loops.setdefault(id(binding.node), (binding.node, found[0]))  # type: ignore[index]
                elif binding.kind == "parameter" and isinstance(found[0].owner, t.Function):  # type: ignore[index]
                    functions.setdefault(id(found[0].owner), found[0])  # type: ignore[index]
        for loop, where in loops.values():  # what is looped over may be a parameter
            for node in t.walk_own(loop.iter):
                found = self.code.find(node.id, where) if isinstance(node, t.Name) else None
                if found and isinstance(found[0].owner, t.Function):
                    if any(b.kind == "parameter" for b in found[1]):
                        functions.setdefault(id(found[0].owner), found[0])
        envs: list[Env] = [{}]
        for inner in functions.values():
            envs = [{**env, **more} for env in envs for more in self._calls_of(inner, depth)]
        for loop, where in loops.values():
            envs = [{**env, **more} for env in envs for more in self._rounds(loop, where, env)]
            if len(envs) > _MAX_ENVIRONMENTS:
                break
        yield from envs

    def _calls_of(self, inner: Scope, depth: int) -> list[Env]:
        """What each call of a function passes for its parameters."""
        assert isinstance(inner.owner, t.Function)
        found: list[Env] = []
        for site in self.code.calls(f"{inner.module.path}:{inner.qualname}") if depth else ():
            if site.scope is inner:
                continue  # it calls itself
            outer = self.environments(site, depth - 1)
            for env in outer[:_MAX_ENVIRONMENTS]:
                found.append(self.passed(inner.owner, site, env))
        return found[:_MAX_ENVIRONMENTS] or [{}]

    def passed(self, function: t.Function, site: CallSite, env: Env) -> Env:
        """What a call passes for each parameter, its defaults included where they are texts."""
        bound: dict[str, Located] = {}
        method = bool(function.params) and function.params[0].name in ("self", "cls")
        shift = 1 if method else 0
        for position, param in enumerate(function.params):
            given = site.arg(position - shift if position >= shift else None, param.name)
            if given is None or param.kind in ("args", "kwargs"):
                continue
            if isinstance(given, t.Name) and given.id in env:
                bound[param.name] = env[given.id]
            else:
                bound[param.name] = Located(given, site.scope)
        return bound

    def _rounds(self, loop: t.For, where: Scope, env: Env) -> list[Env]:
        found: list[Env] = [
            bind(loop.target, item, scope) for item, scope in self._items(loop.iter, where, env)
        ]
        return found or [{}]

    def _items(self, expr: t.Expr, scope: Scope, env: Env) -> Iterator[tuple[t.Expr, Scope]]:
        """What a loop goes over: the items of a display, the pairs of a dictionary."""
        part = ""
        match expr:
            case t.Call(func=t.Attr(value=base, name="items" | "values" | "keys" as name), args=[]):
                expr, part = base, name
            case t.Call(func=t.Name(id="sorted" | "list" | "tuple" | "reversed"), args=[inner, *_]):
                expr = inner
        for source in self.sources(expr, scope, env):
            match source.node:
                case t.Seq(items=items):
                    for item in items:
                        if isinstance(item, t.Star):
                            yield from self._items(item.value, source.scope, env)
                        else:
                            yield item, source.scope
                case t.BinOp(op="+", left=left, right=right):
                    yield from self._items(left, source.scope, env)
                    yield from self._items(right, source.scope, env)
                case t.Map(keys=keys, values=values):
                    for key, value in zip(keys, values, strict=True):
                        if key is not None:
                            at = (key.line, key.column, key.end_line)
                            pair = t.Seq(*at, "tuple", [key, value])
                            yield {"items": pair, "values": value}.get(part, key), source.scope


def bind(target: t.Expr, item: t.Expr, scope: Scope) -> Env:
    """What the variables of a loop take for one item."""
    match target, item:
        case t.Name(id=name), _:
            return {name: Located(item, scope)}
        case t.Seq(items=names), t.Seq(items=values):
            bound: dict[str, Located] = {}
            for part, value in zip(names, values, strict=False):
                bound |= bind(part, value, scope)
            return bound
    return {}
