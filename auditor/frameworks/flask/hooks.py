"""Functions that Flask calls beside views: error handlers, and what runs before and after requests.

https://flask.palletsprojects.com/en/stable/api/#flask.Flask.before_request
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import Located

_HOOKS = {
    "errorhandler", "app_errorhandler", "before_request", "before_app_request", "after_request",
    "after_app_request", "url_value_preprocessor", "context_processor", "app_context_processor",
}  # fmt: skip


def hooks(code: Code) -> Iterator[Located]:
    """The functions of a tree that are decorated as one."""
    for function in code.functions():
        for decorator in function.node.decorators:  # type: ignore[attr-defined]
            func = t.callee(decorator)
            if isinstance(func, t.Attr) and func.name in _HOOKS:
                yield function
                break
