"""Views that nothing guards and that look only for what belongs to `request.user`: a stranger gets an error.

Django's AnonymousUser cannot be looked for nor kept (`filter(user=request.user)` raises TypeError), so that
nobody reads or changes anything; what is missing is the answer 401.
https://docs.djangoproject.com/en/stable/ref/contrib/auth/#anonymoususer-object.
"""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.model.web import Route

_USER = re.compile(r"(?:self\.)?request\.user$")
_LOOKS = {"filter", "get", "get_object_or_404", "get_list_or_404", "save", "create"}


def fails_for_strangers(code: Code, route: Route) -> bool:
    """Whether whatever a generic view of DRF does begins with `user=request.user`."""
    if route.view is None or not isinstance(route.view.node, t.Class) or route.method == "ANY":
        return False
    if route.function is not None and isinstance(route.function.node, t.Function):
        return False  # a method of its own may do anything else
    wanted = "perform_create" if route.method == "POST" else "get_queryset"
    for name in code.ancestry(route.view):
        method = code.definition(f"{name}.{wanted}")
        if method is not None and isinstance(method.node, t.Function):
            return _needs_user(method.node)
    return False


def _needs_user(method: t.Function) -> bool:
    """Whether every way through a method asks by the user first."""
    for stmt in method.body:
        match stmt:
            case t.Assign(value=value) | t.Return(value=value) | t.Do(value=value):
                if value is not None and any(map(_by_user, t.walk_own(value))):
                    return True
                if isinstance(stmt, t.Return):
                    return False
            case _:
                return False
    return False


def _by_user(node: t.Node) -> bool:
    return (
        isinstance(node, t.Call)
        and t.last_word(node.func) in _LOOKS
        and any(k.name and _USER.match(t.dotted(k.value)) for k in node.keywords)
    )
