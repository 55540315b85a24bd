from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.assess.rule import Rule, asvs, cwe, twelve_factor
from auditor.assess.verdict import (
    Evidence,
    Severity,
    State,
    Verdict,
    judge,
    not_applicable,
    present,
)
from auditor.link.application import Application
from auditor.model.places import Place
from auditor.model.settings import ScriptRead, SettingDefinition, SettingRead, SettingsClass
from auditor.model.web import WebApp

_SELECTS = re.compile(
    r"^(?:APP_|FLASK_|FASTAPI_|NODE_)?(?:ENV|ENVIRONMENT|STAGE|MODE|PROFILE|SETTINGS_MODULE)$|_ENV$|ENVIRONMENT$"
)
_REAL = {"production", "staging", "development", "test"}


class EnvironmentConfigs(Rule):
    """Development, staging and production are told apart.

    Counts are: a settings class or code that reads which environment it runs in, or dotenv files for
    more than one environment. A file that names the environment which no code reads is decorative.
    """

    id = "environment-configs"
    title = "Environment-specific configuration"
    section = "deployment"
    severity = Severity.MEDIUM
    risk = "A setting meant for a laptop reaches production, or a test writes to the real database."
    fix = "Name the environment in one setting, read it in a settings class, and keep an example file for each."
    references = (cwe(1188), twelve_factor("config"), asvs("13.4.2"))
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        apps = application.facts(WebApp)
        if not apps:
            return not_applicable("no web application was found")
        reads = [r for r in application.facts(SettingRead) if _SELECTS.search(r.name)]
        definitions = application.facts(SettingDefinition)
        files = _files(definitions)
        evidence = [*self._strengths(application, reads, files)]
        works = bool(reads) or len(files.keys() & _REAL) > 1
        if not works:
            evidence = [*self._unread(application, definitions), *evidence]
            if not any(e.state is State.DECORATIVE for e in evidence):
                told = "nothing tells development, staging and production apart"
                evidence.append(
                    Evidence(apps[0].place, State.ABSENT, Severity.MEDIUM, told, "environments")
                )
            evidence = [e for e in evidence if e.state is not State.PRESENT]
        summary = (
            "The environments are told apart." if works else "Nothing tells the environments apart."
        )
        return judge(summary, evidence)

    def _strengths(
        self, application: Application, reads: list[SettingRead], files: dict[str, Place]
    ) -> Iterator[Evidence]:
        for read in reads[:3]:
            yield present(read.place, f"{read.name} decides which environment this is", read.name)
        for kind in application.facts(SettingsClass):
            yield present(kind.place, f"`{kind.name}` gathers the settings", kind.name)
        for environment, place in sorted(files.items()):
            if environment in _REAL:
                yield present(place, f"settings for {environment}", environment)
        yield from _different(application.facts(SettingDefinition))

    def _unread(
        self, application: Application, definitions: tuple[SettingDefinition, ...]
    ) -> Iterator[Evidence]:
        scripts = {read.name for read in application.facts(ScriptRead)}
        for definition in definitions:
            if (
                definition.environment == "test"
                or definition.name in scripts
                or definition.elsewhere
            ):
                continue
            if _SELECTS.search(definition.name):
                told = f"{definition.name}={definition.value} is set here, and no code reads it"
                yield Evidence(
                    definition.place, State.DECORATIVE, Severity.MEDIUM, told, definition.name
                )

    good = (
        {
            "app.py": """
import os
from fastapi import FastAPI
app = FastAPI(docs_url=None if os.environ["ENVIRONMENT"] == "production" else "/docs")
"""
        },
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            ".env.development": "LEVEL=debug\n",
            ".env.production": "LEVEL=info\n",
        },
    )
    bad = (
        {"app.py": "from fastapi import FastAPI\napp = FastAPI()  # expect: medium\n"},
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "fly.toml": '[env]\nENVIRONMENT = "production"  # expect: medium\n',
        },
    )


def _different(definitions: tuple[SettingDefinition, ...]) -> Iterator[Evidence]:
    """Settings that production is given another value of than a developer's machine."""
    by_name: dict[str, dict[str, SettingDefinition]] = {}
    for each in definitions:
        if each.environment in ("production", "development") and each.value:
            by_name.setdefault(each.name, {})[each.environment] = each
    differ = [
        found["production"]
        for _, found in sorted(by_name.items())
        if len(found) == 2 and len({d.value for d in found.values()}) == 2
    ]
    if differ:
        names = ", ".join(d.name for d in differ[:4])
        more = f" and {len(differ) - 4} more" if len(differ) > 4 else ""
        told = f"production has other values than development: {names}{more}"
        yield present(differ[0].place, told, "differences")


def _files(definitions: tuple[SettingDefinition, ...]) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for definition in definitions:
        name = definition.place.path.rpartition("/")[2]
        if definition.environment and "env" in name.lower():
            found.setdefault(definition.environment, Place(definition.place.path, 1))
    return found
