from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.assess.rule import Rule, asvs, cwe
from auditor.assess.verdict import (
    Evidence,
    Severity,
    State,
    Verdict,
    judge,
    not_applicable,
    present,
    unknown,
)
from auditor.link.application import Application
from auditor.model.data import Connection
from auditor.model.deployment import ContainerService, ManagedDatabase
from auditor.model.places import Place
from auditor.model.settings import SettingDefinition
from auditor.model.values import Masked, possible, settings_in

_LOCAL = re.compile(
    r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[?::1\]?|host\.docker\.internal|[a-z][\w-]*)(?::\d+)?"
)
_DATABASE = re.compile(r"(?:^|/)(?:mongo|postgres|mysql|mariadb)", re.I)
_LOGIN_SETTINGS = {
    "mongo": {
        "MONGO_INITDB_ROOT_PASSWORD",
        "MONGO_INITDB_ROOT_PASSWORD_FILE",
        "MONGODB_ROOT_PASSWORD",
    },
    "postgres": {"POSTGRES_PASSWORD", "POSTGRES_PASSWORD_FILE"},
    "mysql": {"MYSQL_ROOT_PASSWORD", "MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD_FILE"},
    "mariadb": {"MARIADB_ROOT_PASSWORD", "MYSQL_ROOT_PASSWORD", "MARIADB_ROOT_PASSWORD_FILE"},
}


class DatabaseCredentials(Rule):
    """The database connection is authenticated and encrypted.

    A URL without user and password is high for a host elsewhere and low for this machine. A
    database service of a compose file without a password is high when its port is published, else
    low; a password written into the file is medium; one that anybody knows (`${PASSWORD:-changeme}`, or that of a
    dotenv file) medium with a published port, else low; in a file for a developer's machine each is a
    step lower. A service whose settings stand in a file outside of the repository is not judged. Encryption or its check turned off is medium.
    A URL that only the host knows leaves the verdict unknown.
    Databases in a file (SQLite) know no users, and are not judged.
    """

    id = "database-credentials"
    title = "Database connection"
    section = "security"
    severity = Severity.LOW
    risk = "Whoever reaches the database's network address can read and change everything."
    fix = (
        "Give the database a user with a strong password, require TLS, and do not publish its port."
    )
    references = (cwe(287), cwe(319), asvs("13.2.1"))
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        everywhere = application.facts(Connection)
        connections = tuple(c for c in everywhere if c.store != "sqlite")
        services = [s for s in application.facts(ContainerService) if _DATABASE.search(s.image)]
        if not connections and not services:
            if everywhere:
                return not_applicable("the database is a file (SQLite), which knows no users")
            for hosted in application.facts(ManagedDatabase):
                return not_applicable(
                    f"{hosted.name} is the database, and no address of it stands in the code"
                )
            return not_applicable("no database was found")
        found: dict[tuple[str, int], Evidence] = {}
        for each in (*self._connections(application, connections), *self._services(services)):
            found.setdefault((each.place.path, each.place.line), each)
        if not found and not connections:
            return unknown(
                f"The password of service {services[0].name} is set outside of the repository ({services[0].place}).",
                "Look whether the service asks for a user and a strong password.",
            )
        if not found:
            names = sorted({s.name for c in connections for s in settings_in(c.url)}) or ["the URL"]
            told = ", ".join(names)
            return unknown(
                f"The database's address is in {told}, which the repository does not give ({connections[0].place}).",
                f"Look at {told} in production: it should name a user, a password and TLS.",
            )
        wrong = [e for e in found.values() if e.state is not State.PRESENT]
        summary = (
            wrong[0].message[0].upper() + wrong[0].message[1:] + "."
            if wrong
            else "The database asks who connects."
        )
        return judge(summary, found.values())

    def _connections(
        self, application: Application, connections: tuple[Connection, ...]
    ) -> Iterator[Evidence]:
        definitions = application.facts(SettingDefinition)
        for connection in connections:
            if connection.unchecked:
                told = f"the server's certificate is not checked, or nothing is encrypted: {connection.unchecked}"
                subject = f"{connection.place.path} {connection.unchecked}"
                yield Evidence(connection.place, State.WEAK, Severity.MEDIUM, told, subject)
                continue
            if {"username", "password"} <= set(connection.options):
                yield present(connection.place, "the client is given a user and a password")
                continue
            if connection.login:
                yield present(
                    connection.place, "the address is put together with a user and a password"
                )
            if isinstance(connection.url, Masked):
                yield present(connection.place, "the URL in the code carries a login")
            for known in possible(connection.url):
                if isinstance(known.value, str):
                    yield from self._url(known.value, known.place, login=False)
            names = {s.name for s in settings_in(connection.url)}
            for definition in definitions:
                example = definition.environment == "example" and "localhost" in definition.value
                if definition.name in names and not (
                    definition.empty or definition.elsewhere or example
                ):
                    yield from self._url(definition.value, definition.place, definition.login)

    def _url(self, url: str, place: Place, login: bool) -> Iterator[Evidence]:
        match = re.match(r"\w+(?:\+\w+)?://(?:[^@/]*@)?([^/?,]+)(.*)", url)
        if match is None:
            return
        host, rest = match[1], match[2]
        if re.search(
            r"[?&](?:ssl|tls)=false|sslmode=(?:disable|allow)|tlsAllowInvalid\w+=true", rest, re.I
        ):
            yield Evidence(
                place,
                State.WEAK,
                Severity.MEDIUM,
                "the connection's encryption is turned off",
                host,
            )
        if login or "@" in url:
            yield present(place, "the URL carries a login", host)
        elif _LOCAL.fullmatch(host):
            told = f"the database at {host} is used without user and password"
            yield Evidence(place, State.ABSENT, Severity.LOW, told, host)
        else:
            told = f"the database at {host} is used without user and password"
            yield Evidence(place, State.ABSENT, Severity.HIGH, told, host)

    def _services(self, services: list[ContainerService]) -> Iterator[Evidence]:
        for service in services:
            kind = next((k for k in _LOGIN_SETTINGS if k in service.image.lower()), "")
            if not kind:
                continue
            given = {name for name, _ in service.settings}
            if service.literal_secrets:
                told = f"the password of service {service.name} is written in the file"
                severity = Severity.LOW if service.local else Severity.MEDIUM
                yield Evidence(service.place, State.WEAK, severity, told, service.name)
            elif not _LOGIN_SETTINGS[kind].isdisjoint(service.well_known):
                told = f"service {service.name} has a password that anybody knows, where no other is given"
                severity = Severity.MEDIUM if service.published and not service.local else Severity.LOW  # fmt: skip
                yield Evidence(service.place, State.WEAK, severity, told, service.name)
            elif given & _LOGIN_SETTINGS[kind] or "--auth" in service.command:
                yield present(service.place, f"service {service.name} has a password", service.name)
            elif not service.elsewhere:
                open_ = Severity.MEDIUM if service.local else Severity.HIGH
                severity = open_ if service.published else Severity.LOW
                where = " and its port is published" if service.published else ""
                told = f"service {service.name} has no password{where}"
                yield Evidence(service.place, State.ABSENT, severity, told, service.name)

    good = (
        {  # what the host knows, but that there is a login
            "app.py": """
import os
from urllib.parse import quote_plus
from sqlalchemy import create_engine
engine = create_engine(f"postgresql://{os.environ['DB_USER']}:{quote_plus(os.environ['DB_PASSWORD'])}@{os.environ['DB_HOST']}/shop")
""",
        },
        {
            "app.py": """
import os
from motor.motor_asyncio import AsyncIOMotorClient
client = AsyncIOMotorClient(os.environ["MONGO_URL"])
""",
            "docker-compose.yml": """
services:
  mongo:
    image: mongo:7
    environment:
      MONGO_INITDB_ROOT_USERNAME: app
      MONGO_INITDB_ROOT_PASSWORD: ${MONGO_PASSWORD}
""",
        },
        {
            "app.py": "import os\nfrom pymongo import MongoClient\nclient = MongoClient(os.environ['MONGO_URL'])\n",
            "compose.yml": "services:\n  web:\n    build: .\n  mongo:\n    image: mongo:7\n    env_file: [conf/mongo.env]\n    ports: ['27017:27017']\n",
            "conf/mongo.env": "MONGO_INITDB_ROOT_PASSWORD=${FROM_OUTSIDE}\n",
        },
        {
            "app.py": "import os\nfrom pymongo import MongoClient\nclient = MongoClient(os.environ['MONGO_URL'])\n"
        },
    )
    bad = (
        {  # passwords that anybody knows stand in for others
            "app.py": "import os\nfrom sqlalchemy import create_engine\nengine = create_engine(os.environ['DATABASE_URL'])\n",
            "docker-compose.prod.yml": """
services:
  web:
    build: .
  db:  # expect: low
    image: postgres:17
    environment:
      POSTGRES_PASSWORD: ${DB_PASSWORD:-changeme}
  stock:  # expect: medium
    image: mysql:8
    env_file: stock.env
    ports: ["3306:3306"]
""",
            "stock.env": "MYSQL_ROOT_PASSWORD=password\n",
        },
        {
            "app.py": """
import os
from motor.motor_asyncio import AsyncIOMotorClient
client = AsyncIOMotorClient(os.getenv("MONGO_URL", "mongodb://localhost:27017"))  # expect: low
""",
            ".env.production": "MONGO_URL=mongodb://db.shop.internal:27017/shop  # expect: high\n",
            "docker-compose.yml": """
services:
  web:
    build: .
  mongo:  # expect: high
    image: mongo:7
    ports: ["27017:27017"]
""",
            "docker-compose.dev.yml": """
services:
  mongo:  # expect: medium
    image: mongo:7
    ports: ["27017:27017"]
""",
        },
    )
