"""Cross-origin policies by middleware (https://fastapi.tiangolo.com/tutorial/cors/)."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.frameworks.fastapi.application import unit_of
from auditor.frameworks.fastapi.routers import Routing
from auditor.link.application import Application, provides
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
            nothing, false = Known([], each.place), Known(False, each.place)
            yield CorsPolicy(
                each.place,
                unit_of(key[0]),
                values.value(origins, site.scope) if origins is not None else nothing,
                values.value(regex, site.scope) if regex is not None else None,
                values.value(credentials, site.scope) if credentials is not None else false,
            )
