"""Django: applications and routes with what runs before them, DRF's included."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.django.guards import DjangoGuards
from auditor.frameworks.django.ninja import NinjaApis
from auditor.frameworks.django.rest import RestRouters
from auditor.frameworks.django.routes import ProjectRoutes
from auditor.frameworks.django.settings import DjangoProject, uses_django
from auditor.frameworks.django.urls import UrlConf
from auditor.link.application import Application, provides
from auditor.link.scopes import Located, place_of
from auditor.model.blind import BlindSpot
from auditor.model.openness import BackOffice
from auditor.model.web import Route, UnreadFramework, WebApp

_REGISTRIES = re.compile(r"(?:rest_framework|ninja|django\.)")
"""Packages whose routers and sites are read, or left alone on purpose."""
_BACK_OFFICES = (
    ("Wagtail's admin", re.compile(r"^wagtail\.admin")),
    ("Django's admin", re.compile(r"(?:^|\.)admin(?:\.|$)|AdminConfig$")),
)
"""Applications that are installed for staff to change content in."""


@provides(WebApp)
def django_web_apps(application: Application) -> Iterator[WebApp]:
    for project in application.facts(DjangoProject):
        yield WebApp(project.name, "Django", project.place, project.main.name)


@provides(BackOffice)
def back_offices(application: Application) -> Iterator[BackOffice]:
    for project in application.facts(DjangoProject):
        installed = project.main.texts("INSTALLED_APPS")
        for name, package in _BACK_OFFICES:
            if any(package.search(app) for app in installed):
                yield BackOffice(project.name, name)


@provides(UrlConf)
def url_confs(application: Application) -> Iterator[UrlConf]:
    for project in application.facts(DjangoProject):
        yield UrlConf(application, project)


@provides(BlindSpot)
def unseen_urls(application: Application) -> Iterator[BlindSpot]:
    for conf in application.facts(UrlConf):
        yield from dict.fromkeys(conf.blind)
        for each in conf.registries:
            for source in application.values.sources(each.owner.node, each.owner.scope):  # type: ignore[arg-type]
                if not isinstance(source.node, t.Call):
                    continue
                name = application.code.name(source.node.func, source.scope)
                if name and ":" not in name and not _REGISTRIES.match(name):
                    told = f"the routes that {name} serves under {each.route} come from outside this tree"  # fmt: skip
                    yield BlindSpot(place_of(source), "routes", told)


@provides(UnreadFramework)
def django_without_routes(application: Application) -> Iterator[UnreadFramework]:
    """Django in a tree whose URL configuration could not be found: what rests on it is unknown."""
    if uses_django(application) and not any(
        conf.patterns or conf.registries for conf in application.facts(UrlConf)
    ):
        places = (
            place_of(Located(node, scope))
            for node, scope in application.code.of_kind(t.Import)
            if (node.module or node.names[0][0]).partition(".")[0] == "django"
        )
        yield UnreadFramework(
            "Django", next(places), "whose settings and URLs are not in this tree"
        )


@provides(Route)
def django_routes(application: Application) -> Iterator[Route]:
    confs = application.facts(UrlConf)
    if not confs:
        return
    routers, apis = RestRouters(application), NinjaApis(application)
    guards = DjangoGuards(application)
    for conf in confs:
        builder = ProjectRoutes(application, conf, routers, apis, guards)
        taken: set[tuple[str, str]] = set()
        for route in builder.routes():
            if (route.method, route.written) not in taken:
                taken.add((route.method, route.written))
                yield route
