"""FastAPI's and Starlette's debug mode and FastAPI's interactive documentation.

https://www.starlette.io/applications/: with `debug=True` an error's traceback is the response.
https://fastapi.tiangolo.com/tutorial/metadata/#docs-urls: documentation is on unless `docs_url` and
`redoc_url`, or `openapi_url`, are None.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.fastapi.routers import Routing
from auditor.link.application import Application, provides
from auditor.link.contexts import contexts_of
from auditor.link.folding import one_of
from auditor.link.origins import Env
from auditor.link.reach import under
from auditor.link.scopes import CallSite, Located, place_of
from auditor.link.values import Evaluator
from auditor.model.debugging import Aid, DebugSwitch
from auditor.model.values import Known, Value


@provides(DebugSwitch)
def fastapi_switches(application: Application) -> Iterator[DebugSwitch]:
    (routing,) = application.facts(Routing)
    for _, router in routing.apps():
        site = router.site
        if (value := _given(application, site, "debug")) is not None:
            value = under(application.values, site, value)
            yield DebugSwitch(Aid.PAGES, f"`{router.framework}(debug=…)`", value, place_of(site))
        if router.framework == "FastAPI":
            yield from _documentation(application, site)
    if routing.routers:
        yield from _assigned(application, routing)


def _assigned(application: Application, routing: Routing) -> Iterator[DebugSwitch]:
    for assign, scope in application.code.of_kind(t.Assign):
        for target in assign.targets:
            if isinstance(target, t.Attr) and target.name == "debug" and assign.value is not None:
                if routing.identify(target.value, scope):
                    site = Located(assign, scope)
                    value = application.values.value(assign.value, scope)
                    value, place = under(application.values, site, value), place_of(site)
                    yield DebugSwitch(Aid.PAGES, f"`{t.dotted(target)}`", value, place)


def _given(application: Application, site: CallSite, name: str) -> Value | None:
    """A keyword of the application's call, also out of `**options` that the code tells."""
    values = application.values
    if (given := site.arg(None, name)) is not None:
        called = [env for env in contexts_of(values).of(site.node, site.scope) if env]
        told = [_within(values, env, given, site) for env in called]
        return one_of(told, place_of(site)) if told else values.value(given, site.scope)
    for keyword in site.node.keywords:
        if keyword.name is None:
            for source in values.sources(keyword.value, site.scope):
                if isinstance(source.node, t.Map):
                    for key, value in zip(source.node.keys, source.node.values, strict=True):
                        if key is not None and values.text(key, source.scope) == name:
                            return values.value(value, source.scope)
    return None


def _within(values: Evaluator, env: Env, given: t.Expr, site: CallSite) -> Value:
    """What an argument is worth in one call of the function that makes the application."""
    with values.within(env):
        return values.value(given, site.scope)


def _documentation(application: Application, site: CallSite) -> Iterator[DebugSwitch]:
    place = place_of(site)
    if under(application.values, site, Known(True, place)) != Known(True, place):
        return
    if any(keyword.name is None for keyword in site.node.keywords):
        return
    openapi = _given(application, site, "openapi_url")
    if openapi is not None and openapi != Known(None, openapi.place):
        yield DebugSwitch(Aid.DOCS, "`openapi_url`", openapi, place)
    elif openapi is None:
        for name in ("docs_url", "redoc_url"):
            value = _given(application, site, name)
            if value is None:
                yield DebugSwitch(Aid.DOCS, f"`{name}`", Known(True, place), place)
                return
            if value != Known(None, value.place):
                yield DebugSwitch(Aid.DOCS, f"`{name}`", value, place)
                return
