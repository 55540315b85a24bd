"""How many processes serve an application: what one keeps in its memory, the others do not know.

https://docs.gunicorn.org/en/stable/settings.html#workers, https://www.uvicorn.org/settings/#production,
https://uwsgi-docs.readthedocs.io/en/latest/Options.html#processes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import Located, place_of
from auditor.model.deployment import ContainerService, Standing, Start, Workers
from auditor.model.settings import SettingDefinition
from auditor.model.values import Known

_OPTION = re.compile(r"(?:--workers|--processes|(?<![\w-])-w)[ =](\d+|\$\(nproc\))")
_CONFIGURATION = re.compile(r"gunicorn[\w.-]*\.py|guniconf\.py")
_SERVES = re.compile(r"\b(?:gunicorn|uvicorn|hypercorn|granian|uwsgi|fastapi)\b")


@provides(Workers)
def workers(application: Application) -> Iterator[Workers]:
    for start in application.facts(Start):
        text = start.command.text
        if start.standing is not Standing.LOCAL and _SERVES.search(text):
            for count in _OPTION.findall(text):
                if count.startswith("$") or int(count) > 1:
                    yield Workers(f"{count} workers", start.command.place)
    for setting in application.facts(SettingDefinition):
        if setting.name == "WEB_CONCURRENCY" and setting.value.isdecimal():
            if int(setting.value) > 1:
                yield Workers(f"{setting.value} workers", setting.place)
    for service in application.facts(ContainerService):
        if service.replicas > 1 and (service.published or _SERVES.search(service.command)):
            yield Workers(f"{service.replicas} containers", service.place)
    yield from _configured(application)


def _configured(application: Application) -> Iterator[Workers]:
    for module in application.code.modules.values():
        if _CONFIGURATION.fullmatch(PurePosixPath(module.path).name):
            for binding in module.scope.bindings.get("workers", ()):
                if binding.value is None:
                    continue
                at = place_of(Located(binding.value, module.scope))
                value = application.values.value(binding.value, module.scope)
                if isinstance(value, Known) and isinstance(value.value, int):
                    if value.value > 1:
                        yield Workers(f"{value.value} workers", at)
                elif any(
                    isinstance(n, t.Call) and "cpu_count" in t.dotted(n.func)
                    for n in t.walk(binding.value)
                ):
                    yield Workers("a worker for each processor", at)
