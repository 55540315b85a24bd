"""SQLAlchemy's `echo`: every statement with its values in the log.

https://docs.sqlalchemy.org/en/20/core/engines.html#sqlalchemy.create_engine.params.echo.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.frameworks.flask.config import in_production
from auditor.link.application import Application, provides
from auditor.link.scopes import place_of
from auditor.model.debugging import Aid, DebugSwitch
from auditor.model.settings import FrameworkSetting

_ENGINES = {
    f"{owner}.{name}"
    for owner in ("sqlalchemy", "sqlmodel", "sqlalchemy.engine", "sqlalchemy.ext.asyncio")
    for name in ("create_engine", "create_async_engine")
} | {"sqlmodel.ext.asyncio.engine.create_async_engine"}


@provides(DebugSwitch)
def echoes(application: Application) -> Iterator[DebugSwitch]:
    for site in application.code.calls(*_ENGINES):
        if (given := site.arg(None, "echo")) is not None:
            value = application.values.value(given, site.scope)
            yield DebugSwitch(Aid.ECHO, "`echo=…`", value, place_of(site))
    settings = [s for s in application.facts(FrameworkSetting) if s.name == "SQLALCHEMY_ECHO"]
    for each in in_production(settings):
        yield DebugSwitch(Aid.ECHO, "`SQLALCHEMY_ECHO`", each.value, each.place, each.environment)
