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
_MAX_DEPTH = 12


class Bound:
    """Evaluates expressions in an environment."""

    def __init__(self, values: Evaluator) -> None:
        self.values = values
        self.code = values.code
        self._making: list[t.Call] = []

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
        text = self.values.text(expr, scope)
        return self._made(expr, scope, env) if text is None and isinstance(expr, t.Call) else text

    def _made(self, call: t.Call, scope: Scope, env: Env) -> str | None:
        """The text that a function of the tree makes of its arguments; its last return counts."""
        found = self.code.defined(call.func, scope)
        if found is None or not isinstance(found.node, t.Function) or call in self._making:
            return None
        self._making.append(call)
        given = self.passed(found.node, CallSite(call, scope), env)
        texts = [
            self.text(node.value, self.code.inside(found), given)
            for node in t.walk_own(*found.node.body)
            if isinstance(node, t.Return) and node.value is not None
        ]
        self._making.pop()
        return next((text for text in reversed(texts) if text is not None), None)

    def spread(self, site: CallSite, env: Env) -> tuple[CallSite, Env]:
        """A call whose `*args` are written out, where they are told; names stand for the items."""
        if not any(isinstance(arg, t.Star) for arg in site.node.args):
            return site, env
        args: list[t.Expr] = []
        bound = dict(env)
        for arg in site.node.args:
            if not isinstance(arg, t.Star):
                args.append(arg)
                continue
            found = list(self.items(arg.value, site.scope, env))
            if not found:
                return site, env
            for item, scope in found:
                name = f"*{len(args)}"
                bound[name] = Located(item, scope)
                args.append(t.Name(item.line, item.column, item.end_line, name))
        call = site.node
        written = t.Call(call.line, call.column, call.end_line, call.func, args, call.keywords)
        return CallSite(written, site.scope), bound

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
            bind(loop.target, item, scope) for item, scope in self.items(loop.iter, where, env)
        ]
        return found or [{}]

    def items(
        self, expr: t.Expr, scope: Scope, env: Env, depth: int = 0
    ) -> Iterator[tuple[t.Expr, Scope]]:
        """What a loop goes over: the items of a display, the pairs of a dictionary."""
        part = ""
        if depth > _MAX_DEPTH:
            return
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
                            yield from self.items(item.value, source.scope, env, depth + 1)
                        else:
                            yield item, source.scope
                case t.BinOp(op="+", left=left, right=right):
                    yield from self.items(left, source.scope, env, depth + 1)
                    yield from self.items(right, source.scope, env, depth + 1)
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
