"""GraphQL behind Django: one URL that answers everybody, and resolvers that may demand a user.

https://docs.graphene-python.org/projects/django/en/latest/authorization/ and
https://strawberry.rocks/docs/guides/permissions: neither view asks who is calling; what is wrapped
around it does, for all that the schema has, or each resolver for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.scopes import Located, place_of
from auditor.model.web import Guard, Guarding

_VIEWS = re.compile(
    r"^(?:graphene_django\.views|graphene_file_upload\.django|strawberry(?:_django)?\.(?:\w+\.)*views"
    r"|graphql_playground\.views|ariadne_django\.views)\.\w*(?:GraphQL|Playground)\w*$"
)
_DEMANDING = re.compile(
    r"^graphql_(?:jwt|auth)\.(?:\w+\.)*(?:login|permission|staff_member|superuser|verification)_required"
    r"(?:\(\))?$|^strawberry_django\.(?:permissions|auth)\.(?:Is\w+|Has\w+)(?:\(\))?$"
)


def is_graphql(name: str) -> bool:
    """Whether a canonical name is that of a view which answers GraphQL."""
    return _VIEWS.match(name) is not None


def resolvers(application: Application) -> Guard | None:
    """What resolvers demand by themselves: it does not close the URL, but some of what it gives."""
    found = list(_demanding(application))
    if not found:
        return None
    reason = f"the view answers everybody; {len(found)} resolvers demand a user by themselves"
    return Guard("resolvers", place_of(found[0]), "body", Guarding.OPTIONAL, reason)


def _demanding(application: Application) -> Iterator[Located]:
    code = application.code
    for function in code.functions():
        for decorator in function.node.decorators:  # type: ignore[attr-defined]
            if _DEMANDING.match(code.name(decorator, function.scope)):
                yield Located(decorator, function.scope)
    for site in code.method_calls("field", "mutation", "subscription", "connection", "node"):
        if re.match(r"strawberry(?:_django)?\.", code.name(site.node.func, site.scope)):
            for keyword in site.node.keywords:
                if keyword.name in ("permission_classes", "extensions") and _listed(keyword.value):
                    yield Located(keyword.value, site.scope)


def _listed(expr: t.Expr) -> bool:
    return not (isinstance(expr, t.Seq) and not expr.items)
