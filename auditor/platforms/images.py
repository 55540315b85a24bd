"""Images, with what several files together say of them.

Sources: https://docs.docker.com/build/building/best-practices/, and the
documentation of the official images on the user they run as.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import msgspec

from auditor.discover import Kind
from auditor.discover.environments import environment_of, environment_of_file
from auditor.extract.readers.compose import Service
from auditor.extract.readers.dockerfiles import Ignored, Image
from auditor.extract.readers.dotenv import DotenvEntry
from auditor.extract.readers.kubernetes import Workload
from auditor.extract.readers.platforms import BuiltFrom
from auditor.extract.readers.scripts import PrivilegeDrop, ScriptLine
from auditor.extract.sensitive import is_sensitive
from auditor.link.application import Application, provides
from auditor.model.containers import BaseImage, ContainerImage
from auditor.model.deployment import HealthProbe, ReleasedImage, ServerRun, Standing, Start
from auditor.model.pipelines import Job
from auditor.model.places import Place
from auditor.platforms.compose import DATABASE, Compose, dockerfile_of, for_developers

_OFFICIAL = re.compile(
    r"(?:(?:docker\.io/|public\.ecr\.aws/docker/)?library/|docker\.io/)?[a-z0-9-]+|(?:mcr\.microsoft\.com|tiangolo"
    r"|nvidia|pytorch|continuumio|registry\.access\.redhat\.com|ghcr\.io/astral-sh|osgeo|ghcr\.io/osgeo)/.+"
)
_NOT_ROOT = re.compile(
    r"nonroot|non-root|unprivileged|rootless|chainguard|elasticsearch|jenkins|sonarqube|micromamba"
)
_DROPS_ITSELF = re.compile(
    r"^(?:docker\.io/|public\.ecr\.aws/docker/)?(?:library/)?(?:postgres|mysql|mariadb|mongo|redis|valkey|rabbitmq|memcached|postgis/postgis"
    r"|timescale/timescaledb(?:-ha)?|pgvector/pgvector|couchdb|cassandra|neo4j|influxdb|solr)(?::|@|$)"
)
"""Their entry points give up root before the server starts (gosu, su-exec, a user of their own)."""
_SERVES = re.compile(r"(?:^|/)(?:nginx|httpd|caddy|traefik)(?:[:@]|$)")
_LAMBDA = re.compile(r"(?:^|/)(?:lambda|aws-lambda|azure-functions)/")
_LAMBDA_ENTRY = re.compile(r"\bawslambdaric\b|(?:^|\s)[\w./]+\.(?:lambda_)?handler$")
_DROPS = re.compile(
    r"(?:^|[\s/\"'])(gosu|su-exec|setpriv|runuser|s6-setuidgid|chpst|setuser)\s|\b(su)\s+-|\s(--uid|--user)[= ]"
)


@provides(ContainerImage)
def images(application: Application) -> Iterator[ContainerImage]:
    context = _Context(application)
    (compose,) = application.facts(Compose)
    released = {each.path for each in application.facts(ReleasedImage)}
    aside = set(compose.dockerfiles_for_developers)
    elsewhere = any(
        s.standing is Standing.PRODUCTION
        and not s.command.source.startswith(("Dockerfile", "service "))
        for s in application.aside(Start)
    )  # a platform starts the application without an image
    elsewhere = elsewhere or any(
        run.server == "a serverless adapter" for run in application.aside(ServerRun)
    )
    if elsewhere or any(f.path in released and i.copies for f, i in application.of(Image)):
        aside |= compose.dockerfiles_of_developers
    kept = [
        (file.path, image)
        for file, image in application.of(Image)
        if file.path in released or not (for_developers(file.path) or file.path in aside)
    ]
    probed = _probed(application, compose)
    own = [(path, image) for path, image in kept if "contrib" not in path.split("/")]
    made = [
        context.image(path, image) for path, image in own or kept
    ]  # not what others contributed
    for (_, image), each in zip(own or kept, made, strict=True):
        if not any(other.runs for other in made) and any(
            s.strip("./") == "" for s, _ in image.copies
        ):
            each = msgspec.structs.replace(each, runs=True)  # whoever starts it names the command
        yield msgspec.structs.replace(each, probed=probed is None or each.place.path in probed)


def _probed(application: Application, compose: Compose) -> set[str] | None:
    """The Dockerfiles of services that are asked whether they are well; None where that cannot be told apart.

    A platform or cluster asks what it runs, whatever image that is, unless the image is called like one of
    the Dockerfiles; a database's check tells of nothing else.
    """
    deployed = _deployed(application)
    found: set[str] = set()
    for probe in application.facts(HealthProbe):
        if probe.source == "Dockerfile":
            continue
        if not probe.source.startswith("service "):
            named = deployed.get(probe.place.path)
            if not named:
                return None
            found |= named
            continue
        path = probe.place.path
        service = compose.files[path][probe.source.removeprefix("service ")]
        whole = compose.whole(path, service)
        built = [dockerfile_of(path, s)[0] for s in whole if s.build]
        if not built and not DATABASE.search(next((s.image for s in whole if s.image), "postgres")):
            return None
        found |= set(built)
    return found


def _deployed(application: Application) -> dict[str, set[str]]:
    """Manifest -> the Dockerfiles that the images of its workloads are called like.

    `mmm-sync:latest` is made from `Dockerfile.sync` or `sync/Dockerfile`, where there are several.
    """
    words = {
        file.path: posixpath.dirname(file.path).rpartition("/")[2]
        if posixpath.basename(file.path) == "Dockerfile"
        else posixpath.basename(file.path)
        .lower()
        .removeprefix("dockerfile.")
        .removesuffix(".dockerfile")
        for file, _ in application.of(Image)
    }
    if len(set(words.values())) < len(words) or len(words) < 2:
        return {}
    found: dict[str, set[str]] = {}
    for file, workload in application.of(Workload):
        name = re.split(r"[-_.]", workload.image.rpartition("/")[2].partition(":")[0].lower())
        called = {path for path, word in words.items() if word and word.lower() in name}
        found.setdefault(file.path, set()).update(called)
    return found


_PUSHES = re.compile(
    r"\bdocker(?:x)?\s+push\b|--push\b|\bpush:?\s*=?\s*(?!false)\w|kaniko|\bbuildah\b"
)
_NAMES_FILE = re.compile(r"(?:[\w.-]+/)*[\w.-]*[Dd]ockerfile[\w.-]*")


@provides(ReleasedImage)
def released_images(application: Application) -> Iterator[ReleasedImage]:
    held = {file.path for file, _ in application.of(Image)}
    for job in application.facts(Job):
        texts = [(s, " ".join([s.run, *(f"{k}={v}" for k, v in s.arguments)])) for s in job.steps]
        if not any(_PUSHES.search(text) for _, text in texts):
            continue
        for step, text in texts:
            given = dict(step.arguments)
            named = _NAMES_FILE.findall(text)
            if "build-push" in step.uses and not given.get("file"):
                named.append(posixpath.join(given.get("context", "."), "Dockerfile"))
            for name in named:
                path = f"/{posixpath.normpath(name).lstrip('/')}"  # below where it is checked out
                found = [each for each in held if path.endswith(f"/{each}")]
                if found:
                    yield ReleasedImage(max(found, key=len), step.place)
    for file, built in application.of(BuiltFrom):
        if environment_of_file(file.path) in ("", "production", "staging"):
            folders = (posixpath.dirname(file.path), "")
            paths = [posixpath.normpath(posixpath.join(f, built.dockerfile)) for f in folders]
            if path := next((each for each in paths if each in held), ""):
                yield ReleasedImage(path, Place(file.path, built.line))


@dataclass
class _Context:
    application: Application

    @cached_property
    def ignored(self) -> dict[str, list[str]]:
        return {f.path: found.patterns for f, found in self.application.of(Ignored)}

    @cached_property
    def dotenv(self) -> list[str]:
        """Dotenv files that hold a secret."""
        secret = {
            f.path
            for f, entry in self.application.of(DotenvEntry)
            if not entry.empty and (entry.login or is_sensitive(entry.name))
        }
        return [
            f.path
            for f in self.application.files(Kind.DOTENV)
            if environment_of(f.path.rpartition("/")[2]) not in ("example", "test")
            and f.path in secret
        ]

    @cached_property
    def examples(self) -> bool:
        return any(True for _ in self.application.files(Kind.DOTENV))

    @cached_property
    def drops(self) -> dict[str, str]:
        return {d.script: d.tool for _, d in self.application.of(PrivilegeDrop)}

    @cached_property
    def scripts(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for _, line in self.application.of(ScriptLine):
            found.setdefault(line.script, []).append(line.text)
        return found

    @cached_property
    def starts(self) -> set[str]:
        """The files whose command starts a server: Dockerfiles, and those that a served compose file builds."""
        (compose,) = self.application.facts(Compose)
        found = set()
        for start in self.application.aside(Start):
            command = start.command
            found.add(command.place.path)
            name = command.source.removeprefix("service ")
            service = compose.files.get(command.place.path, {}).get(name)
            if service is not None and service.build and not compose.is_local(command.place.path):
                found.add(dockerfile_of(command.place.path, service)[0])
        return found

    @cached_property
    def contexts(self) -> dict[str, str]:
        """Dockerfile -> the directory that it is built in, as the compose files say."""
        found = {}
        for file, service in self.application.of(Service):
            if service.build and "://" not in service.build:
                dockerfile, folder = dockerfile_of(file.path, service)
                found[dockerfile] = folder
        return found

    def image(self, path: str, image: Image) -> ContainerImage:
        bases = tuple(_base(name, Place(path, line)) for name, line in image.bases)
        folder = self.contexts.get(path, posixpath.dirname(path))
        copied = [(source, Place(path, line)) for source, line in image.copies]
        whole = next(
            (place for source, place in copied if source.rstrip("/") in (".", "", "*")), None
        )
        dotenv = self._dotenv(path, folder, copied)
        filtered = self._patterns(path, folder)
        heeded = any(".env" in each or each.startswith("env") for each in filtered or ())
        exposed = filtered is None or (self.examples and not heeded and not _leaves_out(filtered, ".env"))  # fmt: skip
        return ContainerImage(
            Place(path, image.line),
            bases,
            _root(image),
            Place(path, image.user_line or image.line),
            self._drop(image),
            tuple(
                (word, name, given, Place(path, line)) for word, name, given, line in image.secrets
            ),
            tuple((name, Place(path, line)) for name, line in image.tools),
            dotenv,
            whole if whole and not dotenv and exposed else None,
            tuple(Place(path, line) for _, line in image.downloads),
            image.healthcheck,
            path in self.starts or self._started_by_script(path, image),
            bool(image.command) or path in self.contexts or bool(_SERVES.search(image.base)),
        )

    def _started_by_script(self, path: str, image: Image) -> bool:
        """Whether a script beside the Dockerfile, which its command names, starts the server."""
        folder = self.contexts.get(path, posixpath.dirname(path))
        words = {word.rpartition("/")[2] for word in re.findall(r"[\w./-]+", image.command)}
        return any(
            each.endswith(".sh")
            and each.rpartition("/")[2] in words
            and (not folder or each.startswith(folder + "/"))
            for each in self.starts
        )

    def _drop(self, image: Image) -> str:
        if match := _DROPS.search(f" {image.command} "):
            return next(filter(None, match.groups()), match[0].strip())
        words = {word.rpartition("/")[2] for word in re.findall(r"[\w./-]+", image.command)}
        for script in words & self.scripts.keys():
            for text in self.scripts[script]:
                words |= {word.rpartition("/")[2] for word in re.findall(r"[\w./-]+", text)}
        return next((tool for script, tool in self.drops.items() if script in words), "")

    def _patterns(self, path: str, folder: str) -> list[str] | None:
        """The `.dockerignore` that counts; the root's where nothing tells the context, None for one without a word."""
        above = () if path in self.contexts else (".dockerignore",)
        for candidate in (
            f"{path}.dockerignore",
            posixpath.join(folder, ".dockerignore"),
            *above,
        ):
            if candidate in self.ignored:
                return self.ignored[candidate] or None
        return None

    def _dotenv(
        self, path: str, folder: str, copied: list[tuple[str, Place]]
    ) -> tuple[tuple[str, Place], ...]:
        patterns = self._patterns(path, folder) or []
        found = []
        for source, place in copied:
            below = posixpath.normpath(posixpath.join(folder, source))
            for each in self.dotenv:
                inside = below == "." or each == below or each.startswith(below + "/")
                relative = each.removeprefix(folder + "/") if folder else each
                if inside and not _leaves_out(patterns, relative):
                    found.append((each, place))
        return tuple(dict(found).items())


def _base(text: str, place: Place) -> BaseImage:
    name, _, digest = text.partition("@")
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        head, tag = name, ""
    return BaseImage(head, tag, digest, place)


def _root(image: Image) -> bool | None:
    if _DROPS_ITSELF.search(image.base) and not image.user:
        return False
    if image.user:
        return image.user in ("root", "0") if not image.user.startswith("$") else None
    name = _base(image.base, Place("", 1))
    if _LAMBDA_ENTRY.search(image.command):
        return False  # https://docs.aws.amazon.com/lambda/latest/dg/images-create.html: its platform's user
    if _NOT_ROOT.search(image.base) or _LAMBDA.search(image.base):
        return False
    return True if _OFFICIAL.fullmatch(name.name) else None


def _leaves_out(patterns: list[str], path: str) -> bool:
    """Whether a `.dockerignore` keeps a path out of the context; the last pattern that fits decides."""
    out = False
    for pattern in patterns:
        keeps = pattern.startswith("!")
        plain = pattern.lstrip("!").strip("/").removeprefix("./")
        names = [path, *("/".join(path.split("/")[:end]) for end in range(1, path.count("/") + 1))]
        if any(fnmatch.fnmatchcase(name, plain) for name in names) or (
            plain.startswith("**/")
            and any(fnmatch.fnmatchcase(name.rpartition("/")[2], plain[3:]) for name in names)
        ):
            out = not keeps
    return out
