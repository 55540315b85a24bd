"""Deployment: what is started where, what CI runs, what is backed up, what is declared."""

from __future__ import annotations

import enum

import msgspec

from auditor.model.places import Place

PRODUCTION_SERVERS = {"gunicorn", "uvicorn", "hypercorn", "waitress", "uwsgi", "granian", "daphne", "gevent", "mod-wsgi", "bjoern", "cheroot", "nginx-unit"}  # fmt: skip
"""Packages that serve an application in production."""


class Command(msgspec.Struct, frozen=True):
    """Something that is started: by a container, a platform, or the clock (`schedule`).

    `environment` is the one its file or service speaks of (production, development, …), or empty;
    `root` is what has systemd start it as root.
    """

    text: str
    source: str
    schedule: str
    place: Place
    environment: str = ""
    root: Place | None = None


class Standing(str, enum.Enum):
    """What is known of a start: whether production is started that way."""

    PRODUCTION = "production"
    PERHAPS = "perhaps"
    """A plain compose file beside another way to start: often that of a developer's machine."""
    LOCAL = "local"


class Start(msgspec.Struct, frozen=True):
    """A command that starts a Python server. `server` is gunicorn, uvicorn, flask, python, …

    `script` is the file of the tree that it runs as a program, where it runs one.
    """

    command: Command
    server: str
    script: str
    standing: Standing


class Workers(msgspec.Struct, frozen=True):
    """Several processes that serve the same application; `told` says how many."""

    told: str
    place: Place


class Hosted(msgspec.Struct, frozen=True):
    """A platform or cluster that the application is deployed to, by its own file in the tree."""

    platform: str
    place: Place


class ServerRun(msgspec.Struct, frozen=True):
    """A call in the code that serves the application: by a server for production, or for development."""

    server: str
    production: bool
    place: Place


class PipelineStep(msgspec.Struct, frozen=True):
    """A step of continuous integration; `active` when something starts it by itself."""

    text: str
    active: bool
    scheduled: bool
    tolerated: bool
    place: Place


class Bot(msgspec.Struct, frozen=True):
    """A service that proposes dependency updates; `ecosystems` in its own words, empty for all."""

    tool: str
    place: Place
    ecosystems: tuple[str, ...] = ()


class HealthProbe(msgspec.Struct, frozen=True):
    """A path or command by which the deployment asks whether the application is well."""

    source: str
    target: str
    place: Place


class ReleasedImage(msgspec.Struct, frozen=True):
    """A Dockerfile that a pipeline builds and pushes, or a platform builds, whatever its folder is called."""

    path: str
    place: Place


class ContainerService(msgspec.Struct, frozen=True):
    """A service of a compose file; `published` when its port is open to the host's network."""

    name: str
    image: str
    settings: tuple[tuple[str, str], ...]
    literal_secrets: tuple[str, ...]
    command: str
    published: bool
    place: Place
    replicas: int = 1
    local: bool = False
    """Whether its file is for a developer's machine."""
    well_known: tuple[str, ...] = ()
    """Settings whose password anybody knows, as it is written or where nothing else is given."""
    elsewhere: bool = False
    """Whether some of its settings stand in a file that the repository does not hold."""


class ProxyLimit(msgspec.Struct, frozen=True):
    """A rate limit of a proxy or gateway: what it counts by (`key`), and how much it allows."""

    server: str
    name: str
    key: str
    rate: str
    place: Place


class ProxyLocation(msgspec.Struct, frozen=True):
    """A part of the URL space that a reverse proxy hands on to an application.

    `match` is prefix, exact or regex; `replaced` is what stands for the prefix when the request is
    handed on, None where it stays. `body` is the greatest body in bytes, None for no limit. `hosts`
    are the names that it hands requests on to, none where that is not told. `cleans` tells that the
    proxy writes X-Forwarded-For anew, whatever the caller sent.
    """

    server: str
    match: str
    path: str
    replaced: str | None
    limits: tuple[ProxyLimit, ...]
    body: int | None
    place: Place
    hosts: tuple[str, ...] = ()
    cleans: bool = False


class BackupScript(msgspec.Struct, frozen=True):
    """A script that dumps a database."""

    name: str
    tool: str
    place: Place


class ScheduledTask(msgspec.Struct, frozen=True):
    """What the application starts by the clock itself; `words` are those that it is spelt with."""

    words: str
    place: Place


class ManagedDatabase(msgspec.Struct, frozen=True):
    """A database that the platform runs; `backups` is None where its file does not tell.

    `fragile` tells what lets one command delete it together with its backups.
    """

    name: str
    backups: bool | None
    place: Place
    fragile: str = ""


class LoadTest(msgspec.Struct, frozen=True):
    """A load-test scenario, or a pipeline's step that runs one (`runs`)."""

    tool: str
    place: Place
    runs: bool = False


class Leak(msgspec.Struct, frozen=True):
    """A secret in a file that may leave this machine; `role` is the file's part.

    `commit` and `date` (ISO 8601) say what brought it where only the git history still has it.
    `shipped` tells that it is in what browsers get.
    """

    kind: str
    title: str
    confidence: str
    shape: str
    variable: str
    host: str
    role: str
    place: Place
    commit: str = ""
    date: str = ""
    shipped: bool = False
    local: bool = False
    """Whether the file is for a developer's machine or for tests."""


class PublicCredential(msgspec.Struct, frozen=True):
    """A setting that is named like a credential, and that a build writes into what browsers get.

    `use` is what the page does with it: "read", "compared" (with what is typed), "sent" (as a login);
    empty where no page of the tree reads it. `given` are the files that give it a value.
    """

    name: str
    use: str
    given: tuple[str, ...]
    place: Place


class CodeWeakness(msgspec.Struct, frozen=True):
    """One finding of bandit; `eased` tells why it weighs less than bandit says, if it does."""

    test: str
    name: str
    severity: str
    confidence: str
    message: str
    cwe: int
    place: Place
    eased: str = ""
