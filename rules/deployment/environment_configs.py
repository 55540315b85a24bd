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
from auditor.discover.environments import environment_of_file
from auditor.link.application import Application
from auditor.model.deployment import ContainerService
from auditor.model.places import Place
from auditor.model.settings import (
    EnvironmentNames,
    FrameworkSetting,
    IdleSetting,
    LocalSettings,
    ScriptRead,
    SettingDefinition,
    SettingMention,
    SettingRead,
    SettingsClass,
)
from auditor.model.values import possible
from auditor.model.web import WebApp

_SELECTS = re.compile(
    r"^(?:APP_|FLASK_|FASTAPI_)?(?:ENV|ENVIRONMENT|STAGE|MODE|PROFILE|SETTINGS_MODULE)$|_ENV$|ENVIRONMENT$"
    r"|(?:^|_)(?:IS_)?(?:DEV|DEVELOPMENT|PROD|PRODUCTION|STAGING)(?:_MODE)?$"
    r"|^(?:FLASK_|APP_|DJANGO_)?(?:CONFIG|SETTINGS|CONFIGURATION)(?:_NAME|_FILE|_PATH|_CLASS)?$|^(?!LOG)[A-Z]+_(?:CONFIG|SETTINGS|CONF)(?:_FILE|_NAME|_PATH|_FILE_PATH|_MODULE)?$"
)
"""Names of settings that say which environment this is, or which configuration to load."""
_OF_THE_RUNTIME = {"NODE_ENV", "RAILS_ENV", "RACK_ENV", "VIRTUAL_ENV", "CONDA_DEFAULT_ENV", "UV_PROJECT_ENVIRONMENT"}  # fmt: skip
"""Read by the runtime and its frameworks, whatever the code does."""
_OF_OTHERS = re.compile(
    r"^(?:SENTRY|ROLLBAR|BUGSNAG|DD|OTEL|NEW_RELIC|ELASTIC_APM|ADYEN|AIRWALLEX|AMADEUS|BRAINTREE|CASHFREE|CHECKOUT|COINBASE|DOCUSIGN|FLUTTERWAVE|GOCARDLESS|KLARNA|MPESA|PADDLE|PAYPAL|PAYSTACK"
    r"|PAYU|PLAID|POLAR|QUICKBOOKS|RAZORPAY|SQUARE|STRIPE|TRUELAYER|WISE|XERO|ZOHO|APPLE|APNS|PINECONE|AWS_EXECUTION|UV|PIP|POETRY|NPM|YARN)_"
)
"""The sandbox or the real thing of a provider, what a tracker is told, or who runs the code: not which environment
this is."""
_REAL = {"production", "staging", "development", "test"}
_DEPLOYED = {"production", "staging", "development"}


class EnvironmentConfigs(Rule):
    """Development, staging and production are told apart.

    Counts are: code that reads which environment it runs in or which configuration to load, names of
    the environments in an enumeration of the code, settings modules of Django for more than one, and
    dotenv or deployment files that give settings to more than one. A file that names the environment
    which no code reads is decorative, and so is a setting of the code that nothing asks for.
    """

    id = "environment-configs"
    title = "Environment-specific configuration"
    section = "deployment"
    seeks = True
    severity = Severity.MEDIUM
    risk = "A setting meant for a laptop reaches production, or a test writes to the real database."
    fix = "Name the environment in one setting, read it in a settings class, and keep an example file for each."
    references = (cwe(1188), twelve_factor("config"), asvs("13.4.2"))
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        apps = application.facts(WebApp)
        if not apps:
            return not_applicable("no web application was found")
        definitions = application.facts(SettingDefinition)
        named = [r for r in application.facts(SettingRead) if _tells(r.name)]
        choosing = [r for r in named if _chooses(r, definitions)]
        idle = {each.place for each in application.facts(IdleSetting)}
        reads: list[SettingRead | SettingMention] = [r for r in choosing if r.place not in idle]
        known = {(r.place.path, r.place.line) for r in named}
        reads += [
            m
            for m in application.facts(SettingMention)
            if _tells(m.name) and (m.place.path, m.place.line) not in known
        ]
        files = _files(definitions)
        evidence = [*self._strengths(application, reads, files), *_told(application, definitions)]
        works = bool(reads) or len(files.keys() & _REAL) > 1 or any(True for _ in _told(application, definitions))  # fmt: skip
        if not works:
            evidence = [*self._unread(application, definitions), *evidence]
            for read in choosing:
                said = f"{read.name} is read here, and nothing asks for it"
                evidence.append(Evidence(read.place, State.DECORATIVE, Severity.MEDIUM, said, read.name))  # fmt: skip
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
        self,
        application: Application,
        reads: list[SettingRead | SettingMention],
        files: dict[str, Place],
    ) -> Iterator[Evidence]:
        for read in list({(r.name, r.place.path, r.place.line): r for r in reads}.values())[:3]:
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
        scripts |= {read.name for read in application.facts(SettingRead)}
        for definition in definitions:
            if (
                definition.environment == "test"
                or definition.name in scripts
                or definition.elsewhere
            ):
                continue
            if _tells(definition.name):
                told = f"{definition.name}={definition.value} is set here, and no code reads it"
                yield Evidence(
                    definition.place, State.DECORATIVE, Severity.MEDIUM, told, definition.name
                )

    good = (
        {  # Django's settings, and those of production beside them
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
            "shop/__init__.py": "",
            "shop/settings.py": "ROOT_URLCONF = 'shop.urls'\nINSTALLED_APPS = []\n",
            "shop/settings_production.py": "from .settings import *\nDEBUG = False\n",
            "shop/urls.py": "urlpatterns = []\n",
        },
        {  # what holds everywhere, and what changes where it serves
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'config.settings.base')\n",
            "config/settings/base.py": "ROOT_URLCONF = 'config.urls'\nINSTALLED_APPS = []\n",
            "config/settings/pro.py": "from .base import *\nDEBUG = False\n",
            "config/urls.py": "urlpatterns = []\n",
        },
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
        {
            "app.py": """
from enum import Enum
from fastapi import FastAPI

class Stage(str, Enum):
    LOCAL = "local"
    PRODUCTION = "production"

app = FastAPI()
"""
        },
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "compose.dev.yml": "services:\n  web:\n    build: .\n    environment:\n      LEVEL: debug\n",
            "compose.prod.yml": "services:\n  web:\n    build: .\n    environment:\n      LEVEL: info\n",
        },
    )
    bad = (
        {  # a provider's sandbox or the real thing
            "app.py": "import os\nfrom fastapi import FastAPI\napp = FastAPI()  # expect: medium\nmode = os.environ['ADYEN_ENVIRONMENT']\n",
        },
        {  # a file of data, whose place is told
            "app.py": "import os\nfrom fastapi import FastAPI\napp = FastAPI()  # expect: medium\npath = os.getenv('CONFIG_FILE', '/data/config.yaml')\n",
        },
        {  # declared, and nothing asks for it
            "settings.py": """
from pydantic_settings import BaseSettings

class Settings(BaseSettings):
    environment: str = "development"  # expect: medium
    url: str = ""

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

settings = Settings()
""",
            "app.py": "from fastapi import FastAPI\nfrom settings import settings\napp = FastAPI()\nurl = settings.url\n",
        },
        {"app.py": "from fastapi import FastAPI\napp = FastAPI()  # expect: medium\n"},
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "fly.toml": '[env]\nENVIRONMENT = "production"  # expect: medium\n',
        },
        {  # read, and not asked for: no code decides by it
            "app.py": "import os\nfrom fastapi import FastAPI\napp = FastAPI()\n",
            "settings.py": "import os\nDEMO_ENV = os.getenv('DEMO_ENV')  # expect: medium\n",
            ".env.example": "DEMO_ENV=here\n",
        },
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()  # expect: medium\n",
            "fly.toml": '[env]\nNODE_ENV = "production"\nUV_NO_DEV = "1"\n',
        },
    )


_PLAIN = re.compile(r"(?:docker-)?compose\.ya?ml")
"""A compose file of no environment, beside one for development: it is for the rest."""


def _tells(name: str) -> bool:
    """Whether a setting says which environment this is."""
    told = _SELECTS.search(name) is not None and name not in _OF_THE_RUNTIME
    return told and _OF_OTHERS.match(name) is None


_FILE_OF = re.compile(r"_(?:FILE|PATH)$")


def _chooses(read: SettingRead, definitions: tuple[SettingDefinition, ...]) -> bool:
    """Whether a setting that names a file chooses one for each environment: its values speak of them.

    One without a default is given for each environment.
    """
    if not _FILE_OF.search(read.name):
        return True
    values = [d.value for d in definitions if d.name == read.name]
    values += [str(known.value) for known in possible(read.default)] if read.default else []
    return read.default is None or any(environment_of_file(each) in _REAL for each in values)


def _told(
    application: Application, definitions: tuple[SettingDefinition, ...]
) -> Iterator[Evidence]:
    """What else tells the environments apart: their names in the code, files for each of them."""
    for found in application.facts(EnvironmentNames):
        yield present(found.place, f"`{found.name}` names the environments", found.name)
    for local in application.facts(LocalSettings):
        told = f"`{local.name}` holds what differs from machine to machine"
        yield present(local.place, told, local.name)
    modules = {
        s.environment: s.place
        for s in application.facts(FrameworkSetting)
        if s.framework == "Django" and s.environment in _DEPLOYED
    }
    given = {
        d.environment: Place(d.place.path, 1)
        for d in reversed(definitions)
        if d.environment in _DEPLOYED
        and ".devcontainer/" not in d.place.path
        and not d.place.path.endswith(".py")
    }
    if "development" in given and "production" not in given:
        folder = given["development"].path.rpartition("/")[0]
        for service in application.facts(ContainerService):
            plain = _PLAIN.fullmatch(service.place.path.rpartition("/")[2]) and not service.local
            if plain and service.place.path.rpartition("/")[0] == folder:
                given.setdefault("production", Place(service.place.path, 1))
    for what, places in (("settings modules", modules), ("deployment files", given)):
        if len(places) > 1:
            told = f"{what} for {' and '.join(sorted(places))}"
            yield present(places.get("production") or places[min(places)], told, what)


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
