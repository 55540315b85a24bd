"""Compose files: https://github.com/compose-spec/compose-spec/blob/main/spec.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, read_yaml, text_at
from auditor.extract.readers.gateways import labelled
from auditor.extract.secrets.structure import is_common
from auditor.extract.sensitive import is_sensitive, safe_value
from auditor.extract.source import Source, Unreadable, extracts

_REDIRECTS = re.compile(r"(?:redirections\.entrypoint|redirectscheme)\.scheme=https", re.I)
_SERVED_BY_TLS = re.compile(r"traefik\.http\.routers\.[^.]+\.tls(?:=true|\.certresolver=)", re.I)


class Service(Fact, frozen=True):
    """One service of a compose file; `environment` holds (name, value, line)."""

    name: str
    image: str
    command: str
    ports: list[str]
    """What is published, as `8000:80`, `127.0.0.1:8000:80` or `80`, which gets a random port."""
    environment: list[tuple[str, str, int]]
    literal_secrets: list[tuple[str, int]]
    healthcheck: str
    line: int
    replicas: int = 1
    redirects: bool = False
    """Whether Traefik sends plain HTTP on to HTTPS, for this service or for all."""
    tls: bool = False
    """Whether Traefik serves it by TLS."""
    build: str = ""
    """The directory it is built from; empty where it runs an image as it is."""
    dockerfile: str = ""
    target: str = ""
    restart: str = ""
    volumes: list[tuple[str, str, int]] = []
    """(source, target, line); the source is empty for an anonymous volume."""
    privileged: str = ""
    """What gives it power over the host: `privileged`, `network_mode: host`, a capability."""
    privileged_line: int = 0
    user: str = ""
    extends: str = ""
    """`file:service` that it takes over from."""
    ports_line: int = 0
    env_files: list[str] = []
    """The dotenv files that it takes its settings from, relative to the compose file."""
    well_known: list[str] = []
    """Settings whose password anybody knows, as it is written or where nothing else is given: `${X:-changeme}`."""
    container: str = ""
    """The name that its container is given, which others may call it by."""
    one_off: bool = False
    """Started by hand or once: it has a profile, or is not to be restarted."""


class ComposeInclude(Fact, frozen=True):
    """Another compose file that is a part of this one, relative to it."""

    path: str
    line: int


_SERVICES = re.compile(r"(?m)^services:[ \t]*(?:#.*)?$")


@extracts(Kind.COMPOSE, Kind.TEXT, Kind.PLATFORM, name=r".+\.ya?ml")
def compose(source: Source) -> Iterator[Fact]:
    """What is included or extended may have any name; services are told by what they are made of."""
    named = source.kind is Kind.COMPOSE
    if not named and not _SERVICES.search(source.text):
        return
    try:
        documents = read_yaml(source.text)
    except Unreadable:
        if named:
            raise
        return
    for document in documents:
        services = at(document.data, "services")
        services = services if isinstance(services, dict) else {}
        if not named:
            services = {n: s for n, s in services.items() if at(s, "image") or at(s, "build")}
        for index, part in enumerate(_list(at(document.data, "include"))):
            paths = part if isinstance(part, str) else at(part, "path")
            for path in paths if isinstance(paths, list) else [paths]:
                if isinstance(path, str) and "://" not in path:
                    yield ComposeInclude(path, document.line("include", index))
        finished = {
            name
            for service in services.values()
            for name in _list_of(at(service, "depends_on"))
            if text_at(service, "depends_on", name, "condition") == "service_completed_successfully"
        }
        for name, service in services.items():
            if isinstance(service, dict) and name != "?":
                yield _service(document, name, service, name in finished)
                yield from labelled(_told(service), name, document.line("services", name))


def _list_of(value: Any) -> list[str]:
    return list(value) if isinstance(value, dict) else []


_ONCE = re.compile(
    r"(?:^|[-_])(?:init(?:iali[sz]e)?|migrat(?:e|ions?)|setup|seed|bootstrap)(?:[-_]|$)", re.I
)


def _service(document: Document, name: str, data: dict[str, Any], finishes: bool) -> Service:
    environment = _environment(document, name, data.get("environment"))
    told = " ".join(f"{key}={value}" for key, value in _told(data).items())
    replicas = at(data, "deploy", "replicas") or data.get("scale")
    build = data.get("build")
    power = _power(data)
    check = text_at(data, "healthcheck", "test")
    command = text_at(data, "command") or text_at(data, "entrypoint")
    restart = text_at(data, "restart") or text_at(data, "deploy", "restart_policy", "condition")
    if "restart_policy" in (at(data, "deploy") or ()) and not restart:
        restart = "any"  # https://docs.docker.com/reference/compose-file/deploy/#restart_policy
    return Service(
        name,
        str(data.get("image") or ""),
        command,
        list(filter(None, map(_port, _list(data.get("ports"))))),
        [(key, safe_value(key, value), line) for key, value, line in environment],
        [
            (key, line)
            for key, value, line in environment
            if is_sensitive(key) and value and not value.startswith("$") and "${" not in value
        ],
        "" if at(data, "healthcheck", "disable") is True or check.startswith("NONE") else check,
        document.line("services", name),
        replicas if isinstance(replicas, int) else 1,
        redirects=_REDIRECTS.search(told) is not None,
        tls=_SERVED_BY_TLS.search(told) is not None,
        build=build
        if isinstance(build, str)
        else (text_at(build, "context") or "." if build else ""),
        dockerfile=text_at(build, "dockerfile"),
        target=text_at(build, "target"),
        restart=restart,
        volumes=list(_volumes(document, name, data)),
        privileged=power,
        privileged_line=document.line("services", name, power.split(":")[0].split(" ")[0]),
        user=re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", text_at(data, "user")),
        extends=_extended(data.get("extends")),
        ports_line=document.line("services", name, "ports"),
        container=text_at(data, "container_name"),
        env_files=list(_env_files(data.get("env_file"))),
        well_known=[
            key for key, value, _ in environment if is_sensitive(key) and is_common(_written(value))
        ],
        one_off=finishes
        or command.startswith(("chown", "chmod", "mkdir"))
        or _ONCE.search(name) is not None
        or bool(data.get("profiles"))
        or restart in ("no", "none", "False"),
    )


def _written(value: str) -> str:
    """A value, or what stands in for it: `${PASSWORD:-changeme}`."""
    return re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", value)


_CAPABILITIES = {"ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "NET_ADMIN", "DAC_READ_SEARCH"}


def _power(data: dict[str, Any]) -> str:
    """https://docs.docker.com/engine/security/#linux-kernel-capabilities."""
    if data.get("privileged") is True:
        return "privileged: true"
    for key in ("network_mode", "pid", "ipc"):
        if text_at(data, key) == "host":
            return f"{key}: host"
    added = {str(each).upper().removeprefix("CAP_") for each in _list(data.get("cap_add"))}
    if found := sorted(added & _CAPABILITIES):
        return f"cap_add {found[0]}"
    return ""


def _port(port: Any) -> str:
    if not isinstance(port, dict):
        return str(port)
    published = text_at(port, "published")
    address = text_at(port, "host_ip")
    return ":".join(filter(None, (address, published, text_at(port, "target"))))


def _volumes(document: Document, name: str, data: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    for index, volume in enumerate(_list(data.get("volumes"))):
        line = document.line("services", name, "volumes", index)
        if isinstance(volume, dict):
            yield text_at(volume, "source"), text_at(volume, "target"), line
        else:
            source, colon, rest = re.sub(r"\$\{[^}]*\}", "$", str(volume)).partition(":")
            yield (source, rest.split(":")[0], line) if colon else ("", source, line)


def _env_files(value: Any) -> Iterator[str]:
    """A path, a list of them, or of maps that hold one; the plain part where a variable stands in it."""
    for each in value if isinstance(value, list) else [value]:
        path = each if isinstance(each, str) else text_at(each, "path")
        path = re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", path)
        if path and "$" not in path:
            yield path


def _extended(value: Any) -> str:
    if isinstance(value, str):
        return f":{value}"
    return f"{text_at(value, 'file')}:{text_at(value, 'service')}" if value else ""


def _told(data: dict[str, Any]) -> dict[str, str]:
    """The labels of a service, and the arguments that it is started with."""
    labels = _labels(data.get("labels")) | _labels(at(data, "deploy", "labels"))
    return labels | _labels(text_at(data, "command").split())


def _labels(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {str(key): str(label) for key, label in value.items()}
    parts = (str(item).partition("=") for item in _list(value))
    return {key: label for key, _, label in parts}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _environment(document: Document, name: str, data: Any) -> list[tuple[str, str, int]]:
    found = []
    if isinstance(data, dict):
        for key, value in data.items():
            line = document.line("services", name, "environment", key)
            found.append((str(key), "" if value is None else str(value), line))
    for index, item in enumerate(_list(data)):
        key, _, value = str(item).partition("=")
        found.append((key, value, document.line("services", name, "environment", index)))
    return found
