"""Whether the code itself creates the tables of its models.

Sources: https://docs.sqlalchemy.org/en/20/core/metadata.html (`create_all`), which is also handed on
(`await connection.run_sync(Base.metadata.create_all)`), and
https://docs.advanced-alchemy.litestar.dev/latest/usage/frameworks/litestar.html (`create_all=True`).
"""

from __future__ import annotations

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import CallSite
from auditor.stores.waiting.once import runs_once


def creates_all(code: Code) -> bool:
    """Whether anything but a migration creates every table of the models that is not there yet."""
    sites = [*code.method_calls("create_all"), *filter(_hands_on, code.all_calls())]
    return any(not runs_once(site.scope.module) for site in sites)


def _hands_on(site: CallSite) -> bool:
    """Whether a call is given the function, or told to call it."""
    return any(
        isinstance(arg, t.Attr) and arg.name == "create_all" for arg in site.node.args
    ) or any(
        keyword.name == "create_all"
        and isinstance(keyword.value, t.Const)
        and keyword.value.value is True
        for keyword in site.node.keywords
    )
