"""Where settings are given a value: dotenv files, compose, images, platforms, pipelines.

A file of `NAME=value` lines with a name of its own counts where a compose file or the code names it.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator

from auditor.discover import Kind, Role
from auditor.discover.environments import environment_of_file
from auditor.extract.python import tree as t
from auditor.extract.readers.compose import Service
from auditor.extract.readers.dockerfiles import Image
from auditor.extract.readers.dotenv import DotenvEntry
from auditor.extract.readers.environments import GivenSetting
from auditor.extract.readers.platforms import PlatformSetting, Staged
from auditor.extract.readers.script_settings import ScriptSetting
from auditor.extract.sensitive import is_sensitive
from auditor.link.application import Application, provides
from auditor.link.scopes import arguments
from auditor.model.places import Place
from auditor.model.settings import EnvironmentNames, ScriptRead, SettingDefinition
from auditor.platforms.compose import Compose


@provides(EnvironmentNames)
def stages(application: Application) -> Iterator[EnvironmentNames]:
    for file, found in application.of(Staged):
        yield EnvironmentNames(found.name, Place(file.path, found.line))


@provides(ScriptRead)
def script_reads(application: Application) -> Iterator[ScriptRead]:
    for file, found in application.of(ScriptSetting):
        if not file.generated:
            yield ScriptRead(found.name, found.default, Place(file.path, found.line))


_LOADS = (
    "load_dotenv",
    "dotenv_values",
    "find_dotenv",
    "read_env",
    "RepositoryEnv",
    "RepositoryIni",
    "Config",
    "read_envfile",
)
"""What reads a dotenv file that it is told: python-dotenv, django-environ, environs, decouple, Starlette."""


def _named_by_compose(application: Application) -> dict[str, set[str]]:
    """Dotenv file -> the environments of the compose files whose services take it in."""
    found: dict[str, set[str]] = defaultdict(set)
    (compose,) = application.facts(Compose)
    for file, service in application.of(Service, Role.SOURCE, Role.EXAMPLE):
        local = "development" if compose.is_local(file.path) else ""
        for path in service.env_files:
            whole = posixpath.normpath(posixpath.join(posixpath.dirname(file.path), path))
            found[whole].add(environment_of_file(file.path) or local)
    return found


def _named_by_code(application: Application) -> set[str]:
    """The names of the files that the code reads as dotenv files."""
    code = application.code
    given: list[t.Expr] = []
    for site in code.method_calls(*_LOADS):
        given += arguments(site.node)
    for site in code.all_calls():
        given += [k.value for k in site.node.keywords if k.name in ("env_file", "_env_file")]
    for node, _ in code.of_kind(t.Assign):
        if node.value is not None and any(
            isinstance(x, t.Name) and x.id == "env_file" for x in node.targets
        ):
            given.append(node.value)
    texts = (n.value for each in given for n in t.walk(each) if isinstance(n, t.Const))
    return {text.rpartition("/")[2] for text in texts if isinstance(text, str)}


def _dotenv(application: Application) -> Iterator[SettingDefinition]:
    named = _named_by_compose(application)
    entries = list(application.of(DotenvEntry, Role.SOURCE, Role.EXAMPLE))
    others = any(file.kind is not Kind.DOTENV for file, _ in entries)
    by_code = _named_by_code(application) if others else set()
    for file, entry in entries:
        if file.kind is not Kind.DOTENV and file.path not in named:
            if file.path.rpartition("/")[2] not in by_code:
                continue
        environment = entry.environment or environment_of_file(file.path)
        if not environment and len(named.get(file.path, ())) == 1:
            (environment,) = named[file.path]
        yield SettingDefinition(
            entry.name,
            entry.value,
            Place(file.path, entry.line),
            environment,
            entry.empty,
            entry.placeholder,
            entry.login,
            file.tracked,
        )


@provides(SettingDefinition)
def setting_definitions(application: Application) -> Iterator[SettingDefinition]:
    yield from _dotenv(application)
    (compose,) = application.facts(Compose)
    built = {service.name for _, service in application.of(Service) if service.build}
    for file, service in application.of(Service):
        foreign = bool(service.image) and not service.build and service.name not in built
        environment = environment_of_file(file.path)
        if not environment and compose.is_local(file.path):
            environment = "development"
        for name, value, line in service.environment:
            place = Place(file.path, line, 1, 0, service.name)
            written = (
                (name, line) in service.literal_secrets
                if is_sensitive(name)
                else not _refers(value)
            )
            yield SettingDefinition(
                name,
                value,
                place,
                environment,
                tracked=file.tracked,
                elsewhere=not written,
                foreign=foreign,
            )
    for file, image in application.of(Image):
        environment = environment_of_file(file.path)
        for name, value, line in image.environment:
            known = is_sensitive(name) and ("ENV", name, "secret", line) not in image.secrets
            yield SettingDefinition(
                name,
                value,
                Place(file.path, line),
                environment,
                placeholder=known,
                tracked=file.tracked,
            )
    platforms = [
        (file, setting.name, setting.value, setting.environment, setting.line)
        for file, setting in application.of(PlatformSetting)
    ]
    for file, name, value, environment, line in platforms:
        place = Place(file.path, line)
        yield SettingDefinition(
            name,
            value,
            place,
            environment or environment_of_file(file.path) or "production",
            tracked=file.tracked,
        )
    seen = {(file.path, name) for file, name, *_ in platforms}
    for file, given in application.of(GivenSetting):
        if (file.path, given.name) not in seen:
            yield SettingDefinition(
                given.name,
                given.value,
                Place(file.path, given.line),
                given.environment or environment_of_file(file.path) or "production",
                not given.value and not given.elsewhere and not is_sensitive(given.name),
                given.placeholder,
                tracked=file.tracked,
                elsewhere=given.elsewhere,
            )


def _refers(value: str) -> bool:
    """`${NAME}` or `${NAME:?message}` of compose: the value is that of another setting."""
    return re.fullmatch(r"\$(?:\w+|\{\w+(?::?\?[^}]*)?\})", value) is not None
