"""Cross-origin policies by middleware (https://fastapi.tiangolo.com/tutorial/cors/)."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.application import unit_of
from auditor.frameworks.fastapi.routers import Routing
from auditor.link.application import Application, provides
from auditor.link.scopes import Scope
from auditor.link.values import Evaluator
from auditor.model.values import Known
from auditor.model.web import CorsPolicy

_MIDDLEWARE = "CORSMiddleware"


@provides(CorsPolicy)
def cors_policies(application: Application) -> Iterator[CorsPolicy]:
    (routing,) = application.facts(Routing)
    values = application.values
    for key, router in routing.routers.items():
        for each in router.middleware:
            if each.site is None or not each.name.endswith("." + _MIDDLEWARE):
                continue
            site = each.site
            regex = site.arg(None, "allow_origin_regex")
            origins, credentials = (
                site.arg(None, "allow_origins"),
                site.arg(None, "allow_credentials"),
            )
            refused = _refused_to_all(values, credentials, origins, site.scope)
            nothing, false = Known([], each.place), Known(False, each.place)
            yield CorsPolicy(
                each.place,
                unit_of(key[0]),
                values.value(origins, site.scope) if origins is not None else nothing,
                values.value(regex, site.scope) if regex is not None else None,
                false if refused or credentials is None else values.value(credentials, site.scope),
            )


def _refused_to_all(values: Evaluator, credentials: t.Expr | None, origins: t.Expr | None, scope: Scope) -> bool:  # fmt: skip
    """`allow_credentials="*" not in origins`: where everybody may ask, nobody may with cookies."""
    if credentials is None or not isinstance(origins, t.Name):
        return False
    asked = (s.node for s in values.sources(credentials, scope))
    return any(
        isinstance(test, t.Compare)
        and test.ops[0] in ("not in", "!=")
        and any(isinstance(n, t.Name) and n.id == origins.id for n in t.walk_own(test))
        for test in asked
    )
