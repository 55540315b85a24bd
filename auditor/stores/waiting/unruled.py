"""Views of Flask to which no request comes: an earlier rule of the same path and method answers, or what the rule
passes is not what the view takes, so that each request fails before it.

Sources: https://werkzeug.palletsprojects.com/en/stable/routing/ (of equal rules the first that was added matches) and
https://flask.palletsprojects.com/en/stable/quickstart/#variable-rules (variables are passed as keyword arguments).
"""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.frameworks.flask.nodes import UNTOLD
from auditor.frameworks.flask.routing import FlaskRouting, Found, converters
from auditor.link.application import Application

_APPS = {"flask.Flask", "flask.app.Flask", "quart.Quart", "quart.app.Quart"}
_ROUTES = {"route", "get", "post", "put", "delete", "patch"}
_PASS_ON = {"flask_login.login_required", "flask_jwt_extended.jwt_required", "flask_cors.cross_origin"}  # fmt: skip
"""Decorators that call a view with what they are called with."""
_PLAIN = {"methods", "endpoint", "strict_slashes"}
_CHANGES = {"view_args", "view_functions", "url_value_preprocessor", "app_url_value_preprocessor", "url_defaults"}  # fmt: skip
"""By which an application calls other views, or calls them with something else."""


def unruled(application: Application) -> dict[int, str]:
    """The views, by the `id` of their functions, of which each rule is taken or cannot be called, and why."""
    (routing,) = application.facts(FlaskRouting)
    code = application.code
    reasons: dict[int, list[str]] = {}
    for key, node in routing.nodes.items():
        if node.kind != "app":
            continue
        plain = code.name(node.site.node.func, node.site.scope) in _APPS and not routing.blind
        first: dict[tuple[str, str], Found] = {}
        for found in routing.served(key):
            path = re.sub(r"(?<=[<:])\w+(?=>)", "", found.path)
            before = [first.setdefault((method, path), found) for method in found.rule.methods]
            if (function := found.rule.view.function) is None:
                continue
            taken = bool(before) and all(_takes(one, found) for one in before)
            why = (
                f"{before[0].rule.view.name}, declared before, takes its requests" if taken else ""
            )
            why = why or (_misfit(application, found) if plain else "")
            reasons.setdefault(id(function.node), []).append(why)
    told = {view: whys[0] for view, whys in reasons.items() if all(whys)}
    return {} if told and _calls_otherwise(application) else told


def _takes(first: Found, found: Found) -> bool:
    """Whether a rule is surely added before another that is equal to it: both stand beside each other, to be added in any case."""
    one, two = first.rule.site, found.rule.site
    if one is None or two is None or one.scope is not two.scope or first.endpoint == found.endpoint:
        return False
    owner, module = one.scope.function, one.scope.module
    if owner is None and one.scope is not module.scope:
        return False
    body = owner.body if owner is not None else module.body
    for site, rule in ((one, first.rule), (two, found.rule)):
        function = rule.view.function
        plain = {k.name for k in site.node.keywords} <= _PLAIN
        decorated = function is not None and any(d is site.node for d in function.node.decorators)  # type: ignore[attr-defined]
        if not plain or not decorated or not any(s is function.node for s in body):  # type: ignore[union-attr]
            return False
    match one.node.func, two.node.func:
        case t.Attr(value=t.Name(id=name)), t.Attr(value=t.Name(id=other)) if name == other:
            return one.node.line < two.node.line and len(one.scope.bindings.get(name, ())) < 2
    return False


def _misfit(application: Application, found: Found) -> str:
    """What a view is not called with, or with too much, by the rule: Python raises TypeError."""
    view, site = found.rule.view, found.rule.site
    function = view.function
    if function is None or view.owner is not None or site is None or UNTOLD in found.path:
        return ""
    node = function.node
    assert isinstance(node, t.Function)
    if not any(d is site.node for d in node.decorators) or not {k.name for k in site.node.keywords} <= _PLAIN:  # fmt: skip
        return ""
    names = (application.code.name(t.callee(d), function.scope) for d in node.decorators)
    if any(name not in _PASS_ON and not _is_route(d) for name, d in zip(names, node.decorators, strict=True)):  # fmt: skip
        return ""
    given = {name for _, name in converters(found.path)}
    own = {p.name for p in node.params}
    if any(p.annotation is not None and p.name not in given for p in node.params):
        return ""  # what puts in objects by their types may give it
    for p in node.params:
        if p.kind in ("positional", "keyword") and p.default is None and p.name not in given:
            return f"the rule {found.path} gives it no {p.name}, which it requires"
    if not any(p.kind == "kwargs" for p in node.params) and (more := sorted(given - own)):
        return f"the rule {found.path} gives it {more[0]}, which it does not take"
    return ""


def _is_route(decorator: t.Expr) -> bool:
    func = decorator.func if isinstance(decorator, t.Call) else None
    return isinstance(func, t.Attr) and func.name in _ROUTES


def _calls_otherwise(application: Application) -> bool:
    """Whether something changes what views are called with, or which."""
    code = application.code
    nodes = (node for module in code.modules.values() for node, _ in code.nodes(module))
    return any(
        (isinstance(n, t.Attr) and n.name in _CHANGES)
        or (isinstance(n, t.Call) and any(k.name in _CHANGES for k in n.keywords))
        for n in nodes
    )
