"""Django's DEBUG, its toolbar and its development server.

https://docs.djangoproject.com/en/stable/howto/deployment/checklist/#debug: with DEBUG every error page
shows the source, the settings and the local variables.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.django.settings import DjangoProject, Variant
from auditor.link.application import Application, provides
from auditor.link.reach import around
from auditor.link.scopes import Located, place_of
from auditor.model.debugging import Aid, DebugSwitch
from auditor.model.values import Known

_TOOLBAR = "debug_toolbar"


@provides(DebugSwitch)
def django_switches(application: Application) -> Iterator[DebugSwitch]:
    projects = application.facts(DjangoProject)
    for project in projects:
        yield from _debug(application, project)
    if projects:
        yield from _toolbar(application, projects)


def _debug(application: Application, project: DjangoProject) -> Iterator[DebugSwitch]:
    main = project.main
    bound = main.names.get("DEBUG")
    if bound is None:
        place = (
            place_of(Located(main.module.body[0], main.module.scope))
            if main.module.body
            else project.place
        )
        yield DebugSwitch(Aid.PAGES, "`DEBUG`", Known(False, place), place, main.environment)
        return
    served: bool | None = True
    why = ""
    production = [v for v in project.variants if v is not main and v.environment == "production"]
    if main.environment != "production" and production:
        served = None
        why = f"`{main.name}` is the default, {production[0].module.path} is for production"
    elif outside := _overridden(application, main):
        served, why = None, f"unless {outside}, which is not in the tree, says otherwise"
    yield DebugSwitch(
        Aid.PAGES,
        "`DEBUG`",
        bound.value,
        bound.place,
        "" if main.named else main.environment,
        served,
        why,
        _any_text(application, main, bound.place.line, bound.place.path),
    )


def _overridden(application: Application, variant: Variant) -> str:
    """A module outside of the tree that a settings module imports everything of."""
    for stmt in t.walk_own(*variant.module.body):
        if isinstance(stmt, t.Import) and stmt.names == [("*", "")]:
            if application.code.module_of(stmt.module, variant.module.scope) is None:
                local = stmt.module.startswith(".") or "local" in stmt.module
                if local or "settings" in stmt.module:
                    return stmt.module.lstrip(".")
    return ""


_READS = {"os.getenv", "os.environ.get"}


def _any_text(application: Application, variant: Variant, line: int, path: str) -> bool:
    """Whether `DEBUG` is a text of the environment as it stands, so that "False" is true."""
    code = application.code
    for assign, scope in code.of_kind(t.Assign):
        if scope.module.path == path and assign.line == line:
            value = assign.value
            if isinstance(value, t.Call) and code.name(value.func, scope) == "builtins.bool":
                value = value.args[0] if value.args else None
            return isinstance(value, t.Call) and code.name(value.func, scope) in _READS
    return False


def _toolbar(
    application: Application, projects: tuple[DjangoProject, ...]
) -> Iterator[DebugSwitch]:
    """The toolbar's URLs, where they are mounted whatever DEBUG says."""
    if not any(p.main.always("INSTALLED_APPS", _TOOLBAR) for p in projects):
        return
    for site in application.code.method_calls("include", "debug_toolbar_urls"):
        given = site.node.args[0] if site.node.args else None
        named = application.values.text(given, site.scope) if given is not None else None
        dotted = application.code.name(given, site.scope) if given is not None else ""
        if not (named or dotted or "").startswith(_TOOLBAR) or around(site):
            continue
        place = place_of(site)
        yield DebugSwitch(Aid.TOOLBAR, "`debug_toolbar.urls`", Known(True, place), place)
