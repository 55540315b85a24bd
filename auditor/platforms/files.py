"""From what the files of a deployment say to the vocabulary of the model."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

import re2

from auditor.discover import Role
from auditor.discover.environments import environment_of, environment_of_file
from auditor.extract.python import tree as t
from auditor.extract.readers.compose import Service
from auditor.extract.readers.dockerfiles import Image
from auditor.extract.readers.dotenv import DotenvEntry
from auditor.extract.readers.kubernetes import Workload
from auditor.extract.readers.operations import BackupCommand, LoadScenario
from auditor.extract.readers.platforms import (
    VOLUME,
    HttpsOnly,
    ManagedStore,
    Probe,
    Process,
    Variable,
)
from auditor.extract.readers.schedules import Unit
from auditor.link.application import Application, provides
from auditor.model.data import Connection
from auditor.model.deployment import (
    BackupScript,
    Command,
    ContainerService,
    HealthProbe,
    Hosted,
    LoadTest,
    ManagedDatabase,
    PipelineStep,
    ReleasedImage,
)
from auditor.model.places import Place
from auditor.model.settings import SettingDefinition, SettingRead
from auditor.model.values import possible
from auditor.platforms.compose import Compose, for_developers


@provides(Command)
def commands(application: Application) -> Iterator[Command]:
    (compose,) = application.facts(Compose)
    released = {each.path for each in application.facts(ReleasedImage)}
    for file, image in application.of(Image):
        command = image.command or (image.base if image.base.startswith("tiangolo/") else "")
        if command:  # tiangolo's images start a server by themselves
            place = Place(file.path, image.command_line or image.line)
            environment = "" if file.path in released else environment_of_file(file.path)
            if file.path in compose.dockerfiles_for_developers and file.path not in released:
                environment = environment or "development"
            yield Command(command, "Dockerfile", "", place, environment)
    for file, service in application.of(Service):
        text = f"{service.image} {service.command}".strip()
        environment = (
            environment_of_file(file.path)
            or environment_of(service.name)
            or _told_by_settings(service)
            or ("development" if _for_developer(service) and compose.is_local(file.path) else "")
        )
        place = Place(file.path, service.line)
        yield Command(text, f"service {service.name}", "", place, environment)
    for file, process in application.of(Process):
        place = Place(file.path, process.line)
        environment = environment_of_file(file.path)
        yield Command(process.command, process.platform, process.schedule, place, environment)


def _for_developer(service: Service) -> bool:
    """`.:/app` or `./backend:/app` of what is built there: the code is that of whoever runs it."""
    own = {".", "${PWD}", "./", service.build.rstrip("/")} - {""}
    return any(source.rstrip("/") in own for source, _, _ in service.volumes)


_SELECTS = re.compile(r"(?:^|_)(?:ENV|ENVIRONMENT|SETTINGS_MODULE|CONFIG|MODE|STAGE)$")


def _told_by_settings(service: Service) -> str:
    """`DJANGO_SETTINGS_MODULE=shop.settings.development`: the environment that a service is told."""
    told = [
        environment_of(value.replace("/", "."))
        for name, value, _ in service.environment
        if _SELECTS.search(name)
    ]
    return "development" if "development" in told and "production" not in told else ""


@provides(Command)
def units(application: Application) -> Iterator[Command]:
    """Services of systemd, with the timer that starts them."""
    found = list(application.of(Unit))
    timers = {unit.name: unit.calendar for _, unit in found if unit.kind == "timer"}
    for file, unit in found:
        if unit.command:
            place = Place(file.path, unit.line)
            text, schedule = f"{unit.name} {unit.command}", timers.get(unit.name, "")
            root = Place(file.path, unit.root) if unit.root else None
            yield Command(text, "systemd", schedule, place, environment_of_file(file.path), root)


@provides(HealthProbe)
def probes(application: Application) -> Iterator[HealthProbe]:
    (compose,) = application.facts(Compose)
    for file, probe in application.of(Probe):
        yield HealthProbe(probe.platform, probe.path, Place(file.path, probe.line))
    for file, image in application.of(Image):
        if image.healthcheck:
            yield HealthProbe("Dockerfile", image.healthcheck, Place(file.path, image.line))
    for file, service in application.of(Service):
        if service.healthcheck and not compose.is_local(file.path):
            source = f"service {service.name}"
            yield HealthProbe(source, service.healthcheck, Place(file.path, service.line))


@provides(ContainerService)
def services(application: Application) -> Iterator[ContainerService]:
    (compose,) = application.facts(Compose)
    given: dict[str, dict[str, bool]] = {}
    for file, entry in application.of(DotenvEntry):
        given.setdefault(file.path, {})[entry.name] = entry.well_known
    for file, service in application.of(Service):
        published = any(
            not re.match(r"(?:127\.0\.0\.1|localhost):", port) for port in service.ports if port
        )
        folder = posixpath.dirname(file.path)
        named = [posixpath.normpath(posixpath.join(folder, each)) for each in service.env_files]
        settings = [(name, value) for name, value, _ in service.environment]
        settings += [(name, "") for each in named for name in sorted(given.get(each, ()))]
        yield ContainerService(
            service.name,
            service.image,
            tuple(settings),
            tuple(name for name, _ in service.literal_secrets),
            service.command,
            published,
            Place(file.path, service.line),
            service.replicas,
            compose.is_local(file.path),
            (
                *service.well_known,
                *(n for each in named for n, known in given.get(each, {}).items() if known),
            ),
            any(each not in given for each in named),
        )


@provides(Hosted)
def hosted(application: Application) -> Iterator[Hosted]:
    """Platforms that build and restart what they serve; what else starts it is for a developer."""
    for file, process in application.of(Process):
        if process.platform in _PLATFORMS and not process.schedule:
            yield Hosted(process.platform, Place(file.path, process.line))
    for file, https in application.of(HttpsOnly):
        if https.what in _PLATFORMS:
            yield Hosted(https.what, Place(file.path, https.line))
    for file, workload in application.of(Workload):
        if not for_developers(file.path):
            yield Hosted("Kubernetes", Place(file.path, workload.line))


_PLATFORMS = {"Procfile", "Railway", "Render", "Fly", "Vercel", "App Platform", "Heroku", "App Engine", "Cloud Foundry", "API Gateway"}  # fmt: skip


@provides(BackupScript)
def backup_scripts(application: Application) -> Iterator[BackupScript]:
    for file, found in application.of(BackupCommand):
        yield BackupScript(found.name, found.tool, Place(file.path, found.line))


@provides(ManagedDatabase)
def managed_databases(application: Application) -> Iterator[ManagedDatabase]:
    given: dict[str, list[tuple[bool, str, str]]] = {}
    for file, found in application.of(Variable):
        given.setdefault(found.name, []).append((found.given, file.path, found.value))
    connections = application.facts(Connection)
    in_files = bool(connections) and all(each.store == "sqlite" for each in connections)
    for file, store in application.of(ManagedStore):
        if store.platform == VOLUME and not in_files:
            continue
        name = f"{store.platform} {store.name}".strip()
        backups = store.backups
        if backups is None and store.variable:
            backups = _decided(given.get(store.variable, []), file.path)
        yield ManagedDatabase(name, backups, Place(file.path, store.line), store.fragile)


def _decided(values: list[tuple[bool, str, str]], path: str) -> bool | None:
    """What a variable decides for production: by a file of values for it, by one for all, by its default."""
    folder = posixpath.dirname(path)
    near = [each for each in values if posixpath.dirname(each[1]).startswith(folder) or each[0]]
    named = {
        e[1]: environment_of(e[1].rpartition("/")[2]) or environment_of_file(e[1]) for e in near
    }
    serious = [e for e in near if e[0] and named[e[1]] == "production"]
    general = [e for e in near if e[0] and not named[e[1]]]
    default = [e for e in near if not e[0]]
    chosen = serious or general or default
    told = {value not in ("0", "false") for _, _, value in chosen}
    return told.pop() if len(told) == 1 else None


_HOSTED = (
    ("Amazon RDS", r"\.rds\.amazonaws\.com"),
    ("Amazon DocumentDB", r"\.docdb\.amazonaws\.com"),
    ("MongoDB Atlas", r"\.mongodb\.net"),
    (
        "Azure Database",
        r"\.(?:postgres|mysql|mariadb)\.database\.azure\.com|\.database\.windows\.net",
    ),
    ("Azure Cosmos DB", r"\.(?:mongo\.)?cosmos\.azure\.com|\.documents\.azure\.com"),
    ("Cloud SQL", r"/cloudsql/"),
    ("Neon", r"\.neon\.tech"),
    ("Supabase", r"\.supabase\.(?:co|com)"),
    ("Render Postgres", r"-postgres\.render\.com"),
    ("DigitalOcean", r"\.db\.ondigitalocean\.com"),
    ("Aiven", r"\.aivencloud\.com"),
    ("CockroachDB Cloud", r"\.cockroachlabs\.cloud"),
    ("PlanetScale", r"\.psdb\.cloud"),
    ("Railway", r"\.rlwy\.net|\.railway\.internal"),
    ("ElephantSQL", r"\.elephantsql\.com"),
)
"""Services that run a database, by the names of their hosts."""
_HOST = re.compile("|".join(f"({pattern})" for _, pattern in _HOSTED))


@provides(ManagedDatabase)
def hosted_databases(application: Application) -> Iterator[ManagedDatabase]:
    """A service that the address of a database names: its own pages tell of backups."""
    seen = set()
    addresses = [(d.value, d.place) for d in application.facts(SettingDefinition) if d.environment not in ("example", "test")]  # fmt: skip
    for connection in application.facts(Connection):
        addresses += [(str(known.value), known.place) for known in possible(connection.url)]
    for address, place in addresses:
        if (match := _HOST.search(address)) and match.lastindex:
            name = _HOSTED[match.lastindex - 1][0]
            if name not in seen:
                seen.add(name)
                yield ManagedDatabase(name, None, place)


_OF_SUPABASE = re.compile(r"(?:^|/)supabase/(?:config\.toml|migrations/[^/]+\.sql)$")


@provides(ManagedDatabase)
def supabase(application: Application) -> Iterator[ManagedDatabase]:
    """The folder that Supabase's command line keeps: https://supabase.com/docs/guides/local-development.

    Or an address that code with no other database reads.
    """
    found = sorted(f.path for f in application.tree.files if _OF_SUPABASE.search(f.path))
    if found:
        yield ManagedDatabase("Supabase", None, Place(found[0], 1))
    elif not application.facts(Connection):
        reads = (r for r in application.facts(SettingRead) if _ADDRESS_OF_SUPABASE.match(r.name))
        if (read := next(reads, None)) is not None:
            yield ManagedDatabase("Supabase", None, read.place)


_ADDRESS_OF_SUPABASE = re.compile(r"SUPABASE_(?:\w+_)?URL$", re.I)


@provides(LoadTest)
def load_tests(application: Application) -> Iterator[LoadTest]:
    modules = application.code.modules
    for file, found in application.of(LoadScenario, Role.SOURCE, Role.TEST, Role.EXAMPLE):
        if file.path in modules and not _imports(modules[file.path].body, found.tool.lower()):
            continue  # a text that code writes
        yield LoadTest(found.tool, Place(file.path, found.line))
    for step in application.facts(PipelineStep):
        for tool, words in _LOADS:
            if step.active and words.search(step.text):
                yield LoadTest(tool, step.place, True)


def _imports(body: list[t.Stmt], package: str) -> bool:
    return any(
        isinstance(node, t.Import)
        and package in {node.module.split(".")[0], *(name.split(".")[0] for name, _ in node.names)}
        for node in t.walk(*body)
    )


_LOADS = (
    ("k6", re2.compile(r"\bk6 (?:cloud )?run\b|grafana/(?:run-)?k6-action|grafana/setup-k6")),
    ("Locust", re2.compile(r"(?m)(?:^|[\s/])locust\s+-|locust-action")),
    ("Artillery", re2.compile(r"\bartillery run\b|artilleryio/action")),
    ("JMeter", re2.compile(r"(?m)(?:^|[\s/])jmeter\s+-|jmeter-action")),
    ("Gatling", re2.compile(r"\bgatling:test\b|\bgatlingRun\b|gatling/enterprise-action")),
    ("wrk, ab, hey, vegeta or oha", re2.compile(r"(?m)(?:^|[\s/;&|])(?:wrk2?|ab|hey|vegeta|oha|autocannon|bombardier)\s+(?:-|attack)[^\n]*(?:https?://|localhost|\$)")),
)  # fmt: skip
