"""Every setting: where it is read and defined, and what is odd about it.

Defaults and values of sensitive ones are masked.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from auditor.extract.readers.environments import Interpolated
from auditor.extract.secrets.names import names_a_credential
from auditor.extract.sensitive import is_sensitive, safe_value
from auditor.link.application import Application
from auditor.model.settings import ScriptRead, SettingDefinition, SettingRead
from auditor.model.values import Known, Masked, Setting, possible

_NONE = "None"


class ReadRow(msgspec.Struct, frozen=True):
    """`default` is null where none is written, and "None" where the code says that it may be missing."""

    file: str
    line: int
    default: str | None


class DefinedRow(msgspec.Struct, frozen=True):
    """`value` is empty where the setting is only named, and kept elsewhere."""

    file: str
    line: int
    value: str
    environment: str
    placeholder: bool
    tracked: bool | None
    elsewhere: bool = False


class SettingRow(msgspec.Struct, frozen=True):
    """`notes` say what is odd, the worst first; `level` is 0 (fine) to 3."""

    name: str
    sensitive: bool
    reads: list[ReadRow]
    defined: list[DefinedRow]
    notes: list[str] = []
    level: int = 0


def rows(application: Application) -> list[SettingRow]:
    reads: dict[str, list[ReadRow]] = defaultdict(list)
    definitions: dict[str, list[SettingDefinition]] = defaultdict(list)
    for read in application.facts(SettingRead):
        reads[read.name].append(ReadRow(read.place.path, read.place.line, _default(read)))
    for script in application.facts(ScriptRead):
        reads[script.name].append(_script(script))
    for definition in application.facts(SettingDefinition):
        definitions[definition.name].append(definition)
    names = sorted(filter(None, reads.keys() | definitions.keys()))
    taken_up = {found.name for _, found in application.of(Interpolated)}
    given = {name[: at.start()] for name in definitions for at in _BELOW.finditer(name)}
    return [
        _row(
            name,
            reads[name],
            definitions[name],
            below=name in given,
            above=name in taken_up
            or any(reads.get(name[: at.start()]) for at in _BELOW.finditer(name)),
        )
        for name in names
    ]


_BELOW = re.compile("(?<=[^_])__(?=[^_])")
"""`DATABASE__HOST` gives a part of `DATABASE`, in pydantic's settings and in Dynaconf."""


def _row(
    name: str,
    reads: list[ReadRow],
    definitions: list[SettingDefinition],
    *,
    below: bool,
    above: bool,
) -> SettingRow:
    notes = sorted(_notes(name, reads, definitions, below, above), key=lambda note: -note[0])
    return SettingRow(
        name,
        is_sensitive(name),
        reads,
        [
            DefinedRow(
                d.place.path,
                d.place.line,
                _masked(d),
                d.environment,
                d.placeholder,
                d.tracked,
                d.elsewhere,
            )
            for d in definitions
        ],
        [text for _, text in notes],
        max((level for level, _ in notes), default=0),
    )


_OPEN = re.compile(r"|[.~]{0,2}/(?:[\w.\-]+/)*[\w\-]+\.[a-z]{2,5}")
"""Nothing, or the path of a file: no secret, whatever the setting is called."""


def _script(read: ScriptRead) -> ReadRow:
    masked = is_sensitive(read.name) and not _OPEN.fullmatch(read.default or "")
    return ReadRow(read.place.path, read.place.line, "(masked)" if masked else read.default)


def _default(read: SettingRead) -> str | None:
    if read.default is None:
        return None
    if isinstance(read.default, Known) and read.default.value is None:
        return _NONE
    if isinstance(read.default, Known) and _OPEN.fullmatch(str(read.default.value)):
        return str(read.default.value)
    known = next((str(k.value) for k in possible(read.default)), "(computed)")
    if isinstance(read.default, Masked) or (is_sensitive(read.name) and known):
        another = isinstance(read.default, Setting) and known == "(computed)"
        return known if another else "(masked)"
    return safe_value(read.name, known)


def _masked(definition: SettingDefinition) -> str:
    hidden = is_sensitive(definition.name) and not definition.empty and not definition.elsewhere
    return "(masked)" if hidden else definition.value


# --- what is odd

_OF_TOOLS = re.compile(
    r"^PYTHON|^(?:POSTGRES|PG|MYSQL|MARIADB|MONGO|RABBITMQ|REDIS|MINIO|PYTHON|PIP|POETRY|UV|NODE|NPM|YARN|PNPM|LC|FLASK|UVICORN|GUNICORN"
    r"|HYPERCORN|COMPOSE|DOCKER|BUILDKIT|AWS|GOOGLE|GCP|GITHUB|GH|CI|SENTRY|OTEL|DD|NEW_RELIC|OPENAI|ANTHROPIC|GEMINI|ELASTIC|ES"
    r"|DISCOVERY|KAFKA|ZOOKEEPER|KC|KEYCLOAK|GRAFANA|GF|TRAEFIK|NGINX|DEBIAN|VIRTUAL_ENV|CARGO|RUST|GO|JAVA|PRISMA|NEXT|VITE"
    r"|REACT_APP|DATABASE_URL|NEXTAUTH|AUTH|CELERY|STRIPE|HF|HUGGINGFACE|LANGCHAIN|LANGSMITH|SUPABASE|PGADMIN|TWILIO)(?:_|$)"
    r"|^(?:PATH|LANG|TZ|HOME|PORT|HOST|USER|UID|GID|TERM|SHELL|TAG|VERSION|WEB_CONCURRENCY|WORKERS|TIMEOUT|DJANGO_SETTINGS_MODULE"
    r"|WDS_SOCKET_PORT|GENERATE_SOURCEMAP|CHOKIDAR_USEPOLLING|BROWSER|FAST_REFRESH|PUID|PGID)$"
)
"""Names that tools, images and libraries read by themselves."""
_OF_SYSTEMS = re.compile(
    r"^(?:(?:LD|DYLD|MALLOC|OMP|OPENBLAS|MKL|CUDA|NVIDIA|XDG|SSL_CERT|DOTNET|ASPNETCORE|TRANSFORMERS|TOKENIZERS|PLAYWRIGHT|PUPPETEER"
    r"|COREPACK|TURBO|NIXPACKS|BUN|DENO|GEM|BUNDLE|CMAKE|JAVA|JVM|ANDROID|SYSTEMD)_\w+"
    r"|(?:C|CPLUS|PKG_CONFIG|LIBRARY|MAN|INFO|C_INCLUDE|CPLUS_INCLUDE)_?PATH|(?:C|CXX|CPP|LD|MAKE)FLAGS|CC|CXX|AR|DISPLAY|EDITOR|PAGER|LOGNAME"
    r"|(?:REQUESTS|CURL)_CA_BUNDLE|(?i:https?_proxy|no_proxy|all_proxy|ftp_proxy)|(?:RUBY|GO|DENO|BUN|PHP|JAVA|RUST|POETRY|UV)_VERSION)$"
)
"""Names that the loader, the compiler, a runtime or a build reads by itself."""
_OF_HOSTS = re.compile(
    r"^(?:PATH|PWD|LANG|LC_\w+|TZ|HOME|PORT|HOST|HOSTNAME|USER|UID|GID|TERM|SHELL|TMPDIR|CI|VIRTUAL_ENV|NODE_ENV|NO_COLOR|DYNO"
    r"|DATABASE_URL|REDIS_URL|K_SERVICE|(?:PYTHON|PYTEST|KUBERNETES_|GITHUB_|GITLAB_|CI_|HEROKU_|RENDER|RAILWAY_|VERCEL|FLY_|GAE_"
    r"|GOOGLE_CLOUD_|AWS_(?:REGION|DEFAULT_REGION|LAMBDA_|EXECUTION_))\w*)$"
)
"""Names that a shell, a pipeline or a host sets by itself."""
_REAL = ("production", "staging", "development")


def _notes(
    name: str,
    reads: list[ReadRow],
    definitions: list[SettingDefinition],
    below: bool,
    above: bool,
) -> Iterator[tuple[int, str]]:
    """(level, sentence) of what a setting's owner should know.

    `below` tells that parts of it are defined, `above` that what it is a part of is read, or that a
    file of the deployment takes it up.
    """
    secret = is_sensitive(name)
    real = [d for d in definitions if d.environment not in ("example", "test")]
    written = [d for d in real if not (d.empty or d.placeholder or d.elsewhere)]
    if secret:
        tracked = sorted({d.place.path for d in written if d.tracked})
        if tracked:
            yield 3, f"a secret, written in {_listed(tracked)}"
        if any(r.default == "(masked)" for r in reads):
            yield 2, "a secret with a default in code"
        if names_a_credential(name):
            yield 3, "named like a secret, and sent to every browser"
    required = [r for r in reads if r.default is None]
    given = bool(definitions) or below or any(r.default not in (None, _NONE) for r in reads)
    of_hosts = _OF_HOSTS.match(name) is not None or _OF_SYSTEMS.match(name) is not None
    if required and not given and not of_hosts:
        yield 2, "read without a default, and defined nowhere"
    elif required and not real and definitions and not of_hosts:
        yield 1, "defined in examples only"
    if definitions and not (reads or above or of_hosts or _OF_TOOLS.match(name)):
        ours = not any(d.foreign for d in definitions)
        if ours and any(d.environment != "test" for d in definitions):
            yield 1, "defined, and read by no code here"
    if len({r.default for r in reads if r.default not in (None, _NONE)}) > 1 and not secret:
        yield 1, "has several defaults"
    values = {d.environment: d.value for d in written if d.environment in _REAL and not secret}
    if len(set(values.values())) > 1:
        yield 0, "differs: " + ", ".join(f"{e} {_short(values[e])}" for e in _REAL if e in values)


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 2} more" if len(paths) > 2 else ""
    return ", ".join(paths[:2]) + more


def _short(value: str) -> str:
    return value if len(value) <= 24 else value[:23] + "…"


# --- for people

_TITLES = {3: "To be changed now", 2: "To be looked at", 1: "Loose ends", 0: "Fine"}
_COLOURS = {3: "bold red", 2: "yellow", 1: "cyan", 0: "green"}


def show(found: Sequence[SettingRow], width: int) -> Iterator[list[tuple[str, str]]]:
    """Lines of (text, style), the worst group first; `width` is in characters."""
    if not found:
        yield [("no settings", "dim")]
        return
    room = min(max((len(row.name) for row in found), default=0), max(20, width // 3))
    groups: dict[int, list[SettingRow]] = defaultdict(list)
    for row in found:
        groups[row.level].append(row)
    for level in sorted(groups, reverse=True):
        yield [(f"{_TITLES[level]} ({len(groups[level])})", _COLOURS[level])]
        for row in groups[level]:
            mark = "secret" if row.sensitive else ""
            head = [(f"  {row.name[:room]:<{room}}", "bold"), (f" {mark:<6} ", "magenta")]
            notes = "; ".join(row.notes)
            yield [*head, (f"{notes}  " if notes else "", _COLOURS[level]), (_told(row), "dim")]
    count = Counter("secret" if row.sensitive else "plain" for row in found)
    read = sum(1 for row in found if row.reads)
    told = f"{len(found)} settings, {count['secret']} of them secret; {read} are read by code"
    yield [(told, "bold")]


def _told(row: SettingRow) -> str:
    defaults = sorted({r.default for r in row.reads if r.default is not None})
    parts = [f"read {_places([(r.file, r.line) for r in row.reads])}" if row.reads else "not read"]
    if defaults:
        parts.append("default " + ", ".join(_short(each) or "empty" for each in defaults[:2]))
    if row.defined:
        parts.append(f"set {_places([(d.file, d.line) for d in row.defined])}")
    return "; ".join(parts)


def _places(places: Sequence[tuple[str, int]]) -> str:
    first = "/".join(places[0][0].split("/")[-2:])
    more = f" +{len(places) - 1}" if len(places) > 1 else ""
    return f"{first}:{places[0][1]}{more}"
