"""Containers as compose files and Kubernetes manifests run them, with what several files together say.

Sources: the compose specification, and https://kubernetes.io/docs/concepts/security/pod-security-standards/.
A compose file may extend services of another, take others in, and be laid over others.
"""

from __future__ import annotations

import fnmatch
import functools
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.discover import Kind
from auditor.discover.environments import environment_of_file
from auditor.extract.readers.compose import ComposeInclude, Service
from auditor.extract.readers.dockerfiles import Image, is_aside
from auditor.extract.readers.kubernetes import Workload
from auditor.link.application import Application, provides
from auditor.model.containers import Container
from auditor.model.deployment import Hosted
from auditor.model.places import Place

DATABASE = re.compile(
    r"(?:^|/)(?:mongo|mongodb|postgres|postgresql|postgis|timescaledb|mysql|mariadb|redis|valkey"
    r"|elasticsearch|opensearch|cassandra|couchdb|neo4j|influxdb|clickhouse[\w-]*|memcached|rabbitmq"
    r"|mssql[\w/-]*|pgvector|pgbouncer|qdrant|weaviate|chroma(?:db)?|milvus|meilisearch|typesense|solr|arangodb|surrealdb|scylla|keydb|dragonfly"
    r"|kafka|cp-kafka|nats|zookeeper|cp-zookeeper|etcd)(?::|@|$)"
)
_KEEPS = re.compile(
    r"(?:^|/)(?:mongo|mongodb|postgres|postgresql|postgis|timescaledb|mysql|mariadb|couchdb|neo4j"
    r"|influxdb|clickhouse[\w-]*|pgvector|qdrant|weaviate|milvus|arangodb|surrealdb)(?::|@|$)"
)
"""Databases whose data is the application's own; caches and search indexes can be filled anew."""
_NOT_RUN = {"development", "test", "example"}
_TRIES = re.compile(
    r"(?:^|/)(?:locust|k6|load-?tests?|jmeter|gatling|\.?localstack)(?:/|$)"
    r"|compose[-_.](?:locust|k6|load-?tests?|jmeter|gatling|localstack)\.ya?ml$",
    re.I,
)


def for_developers(path: str) -> bool:
    """Whether a file is for development, tests or trying the load."""
    aside = environment_of_file(path) in _NOT_RUN or any(map(is_aside, path.split("/")))
    return aside or _TRIES.search(path) is not None


@provides(Container)
def compose_services(application: Application) -> Iterator[Container]:
    """Where a platform serves the application, a file that names no environment runs it at a developer's:
    nothing need restart it, and its databases may be asked from there.
    """
    (compose,) = application.facts(Compose)
    hosted = bool(application.facts(Hosted))
    for path, services in compose.files.items():
        if not compose.is_local(path):
            completed = _completed(path, compose.files)
            restarted = hosted and not environment_of_file(path) and not completed
            for service in services.values():
                whole = compose.whole(path, service)
                if any(each.image or each.build for each in whole):  # else it is laid over another
                    told = compose.told_elsewhere(path, service)
                    yield _container(path, service, whole, restarted or told)


@dataclass
class Compose:
    """The compose files of the tree, and how they are put together."""

    application: Application
    files: dict[str, dict[str, Service]] = field(default_factory=dict)
    extended: dict[tuple[str, str], list[Service]] = field(default_factory=dict)
    """The services that take over from one, by its file and name."""
    parts: dict[str, list[str]] = field(default_factory=dict)
    """The files that take in a file by `include`."""
    _local: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for file, service in self.application.of(Service):
            self.files.setdefault(file.path, {})[service.name] = service
        for path, services in self.files.items():
            for service in services.values():
                if service.extends:
                    self.extended.setdefault(_extends(path, service), []).append(service)
        for including, part in self.application.of(ComposeInclude):
            written = re.sub(r"\$\{[^}]*\}", "*", part.path)
            wanted = posixpath.normpath(posixpath.join(posixpath.dirname(including.path), written))
            for path in fnmatch.filter(self.files, wanted):
                self.parts.setdefault(path, []).append(including.path)

    @functools.cached_property
    def _built(self) -> tuple[dict[str, str], dict[str, str]]:
        """Dockerfile -> context, of local compose files and of others."""
        local: dict[str, str] = {}
        served: dict[str, str] = {}
        for path, services in self.files.items():
            for service in services.values():
                if service.build and "://" not in service.build:
                    dockerfile, folder = dockerfile_of(path, service)
                    (local if self.is_local(path) else served)[dockerfile] = folder
        return local, served

    @property
    def dockerfiles_of_developers(self) -> set[str]:
        """Those that only local compose files build from."""
        local, served = self._built
        return local.keys() - served.keys()

    @functools.cached_property
    def dockerfiles_for_developers(self) -> set[str]:
        """Those that only local compose files build from, where another builds the same.

        `Dockerfile` beside `Dockerfile.prod`; `docker/Dockerfile`, which is given the root as its
        context, beside a `Dockerfile` at the root that no compose file names.
        """
        local, served = self._built
        alike = {_OF_ENVIRONMENTS.sub("", name) for name in served}
        unnamed = {
            posixpath.dirname(file.path)
            for file, _ in self.application.of(Image)
            if file.path not in local and not for_developers(file.path)
        }
        return {
            name
            for name, folder in local.items()
            if name not in served and (_OF_ENVIRONMENTS.sub("", name) in alike or folder in unnamed)
        }

    def whole(self, path: str, service: Service) -> list[Service]:
        """A service with what other files say of it, itself first."""
        users = self.extended.get((path, service.name), []) if not _PLAIN.search(path) else []
        return [service, *_laid(path, service, self.files), *users]

    def told_elsewhere(self, path: str, service: Service) -> bool:
        """Whether a file only adds to a service, and the one that it is laid over is looked at itself."""
        return not (service.image or service.build or service.extends) and any(
            (base.image or base.build) and other != path and not self.is_local(other)
            for other, services in self.files.items()
            if (base := services.get(service.name)) is not None
        )

    def is_local(self, path: str, depth: int = 0) -> bool:
        """Whether a compose file is for a developer's machine.

        A part is for whom the files are that take it in.
        """
        if path not in self._local:
            self._local[path] = self._is_local(path, depth)
        return self._local[path]

    def _is_local(self, path: str, depth: int) -> bool:
        above = self.parts.get(path, ())
        if above and depth < 5 and not environment_of_file(path):
            return all(self.is_local(each, depth + 1) for each in above)
        if path not in self.files:
            return False
        made = [(path, service) for service in self.files[path].values()]
        for service in self.files[path].values():
            if service.extends:
                file, name = _extends(path, service)
                if file != path and name in self.files.get(file, {}):
                    made.append((file, self.files[file][name]))
        return _is_local(self.application, path, made, self.files)


@provides(Compose)
def compose_files(application: Application) -> Iterator[Compose]:
    yield Compose(application)


def _container(path: str, service: Service, whole: list[Service], restarted: bool) -> Container:
    """`whole` is the service with what other files say of it, itself first."""
    image = service.image or (
        "" if service.build else next((s.image for s in whole if s.image), "")
    )
    database = bool(DATABASE.search(image))
    power = (
        [(service.privileged, Place(path, service.privileged_line))] if service.privileged else []
    )
    power += [
        ("the Docker socket", Place(path, line))
        for source, target, line in service.volumes
        if source.endswith("docker.sock") or target.endswith("docker.sock")
    ]
    published = tuple(
        port
        for port in service.ports
        if not re.match(r"(?:127\.0\.0\.1|localhost|\[?::1\]?):", port)
    )
    user = next((each.user for each in whole if each.user), "").split(":")[0]
    return Container(
        service.name,
        f"service {service.name}",
        image,
        Place(path, service.line),
        tuple(power),
        published if database and not restarted else (),
        Place(path, service.ports_line) if service.ports else None,
        None if service.one_off else {"": None, "root": True, "0": True}.get(user, False),
        restarted or any(each.restart or each.one_off for each in whole),
        database,
        bool(_KEEPS.search(image))
        and not any(each.volumes for each in whole)
        and bool(service.image),
        panel="" if restarted else _panel(image, published, whole),
    )


_NO_LOGIN, _FIRST_LOGIN = (
    "which asks for no login,",
    "whose administrator has the password that it comes with,",
)
_PANELS = (
    (re.compile(r"(?:^|/)kong(?:-gateway)?(?::|@|$)"), "8001", "Kong's administration", re.compile(r"KONG_ADMIN_LISTEN=.*(?:0\.0\.0\.0|\[::\])")),
    (re.compile(r"(?:^|/)traefik(?::|@|$)"), "8080", "Traefik's panel", re.compile(r"(?i)api\.insecure(?:=true)?(?:\s|$)|TRAEFIK_API_INSECURE=true")),
    (re.compile(r"(?:^|/)redis-?commander(?::|@|$)"), "8081", "Redis Commander", re.compile(r"^(?!.*HTTP_USER=)")),
    (re.compile(r"(?:^|/)redis-?insight(?::|@|$)"), "5540", "Redis Insight", re.compile("")),
    (re.compile(r"(?:^|/)prometheus(?::|@|$)"), "9090", "Prometheus", re.compile(r"^(?!.*web\.config\.file)")),
    (re.compile(r"(?:^|/)alertmanager(?::|@|$)"), "9093", "Alertmanager", re.compile(r"^(?!.*web\.config\.file)")),
    (re.compile(r"(?:^|/)loki(?::|@|$)"), "3100", "Loki", re.compile("")),
    (re.compile(r"(?:^|/)(?:dozzle|cadvisor)(?::|@|$)"), "8080", "what watches the containers", re.compile(r"^(?!.*(?:DOZZLE_AUTH|http_auth|auth-provider))")),
    (re.compile(r"(?:^|/)kibana(?::|@|$)"), "5601", "Kibana", re.compile(r"(?i)^(?!.*ELASTICSEARCH_(?:USERNAME|PASSWORD|SERVICE_?ACCOUNT_?TOKEN)=)(?!.*kibana\.ya?ml).*ELASTICSEARCH_(?:HOSTS|URL)=\S*http://")),
    (re.compile(r"(?:^|/)kafka-ui(?::|@|$)"), "8080", "the Kafka console", re.compile(r"^(?!.*AUTH_TYPE=)")),
    (re.compile(r"(?:^|/)(?:mher/)?flower(?::|@|$)"), "5555", "Flower", re.compile(r"(?i)^(?!.*basic[-_]auth)(?!.*FLOWER_AUTH|.*--auth)")),
    (re.compile(r"(?:^|/)grafana(?:-oss|-enterprise)?(?::|@|$)"), "3000", "Grafana", re.compile(r"(?i)GF_AUTH_ANONYMOUS_ENABLED=true.*GF_AUTH_ANONYMOUS_ORG_ROLE=(?:Admin|Editor)|GF_AUTH_ANONYMOUS_ORG_ROLE=(?:Admin|Editor).*GF_AUTH_ANONYMOUS_ENABLED=true|GF_AUTH_DISABLE_LOGIN_FORM=true(?!.*GF_AUTH_)")),
    (re.compile(r"(?:^|/)qdrant(?::|@|$)"), "6333", "Qdrant", re.compile(r"^(?!.*QDRANT__SERVICE__(?:API_KEY|JWT_RBAC))(?!.*qdrant/config)")),
    (re.compile(r"(?:^|/)weaviate(?::|@|$)"), "8080", "Weaviate", re.compile(r"(?i)^(?!.*AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED=false)(?!.*AUTHENTICATION_(?:APIKEY|OIDC)_ENABLED=true)")),
    (re.compile(r"(?:^|/)elasticsearch(?::|@|$)"), "9200", "Elasticsearch", re.compile(r"(?i)xpack\.security\.enabled=false")),
    (re.compile(r"(?:^|/)opensearch(?::|@|$)"), "9200", "OpenSearch", re.compile(r"(?i)DISABLE_SECURITY_PLUGIN=true|plugins\.security\.disabled=true")),
    (re.compile(r"(?:^|/)chroma(?:db)?(?::|@|$)"), "8000", "Chroma", re.compile(r"^(?!.*CHROMA_SERVER_AUTH)")),
    (re.compile(r"(?:^|/)meilisearch(?::|@|$)"), "7700", "Meilisearch", re.compile(r"^(?!.*MEILI_MASTER_KEY=)(?!.*--master-key)")),
)  # fmt: skip
"""Image, port inside, name, and what its settings and command say where nobody is asked who they are."""
_GRAFANA = re.compile(r"(?:^|/)grafana(?:-oss|-enterprise)?(?::|@|$)")


def _panel(image: str, published: tuple[str, ...], whole: list[Service]) -> str:
    told = " ".join(f"{n}={v}" for s in whole for n, v, _ in s.environment)
    mounted = " ".join(source for s in whole for source, _, _ in s.volumes)
    told = f"{' '.join(s.command for s in whole)} {told} {mounted}"
    inside = {port.split("/")[0].rpartition(":")[2] for port in published}
    for images, port, name, open_ in _PANELS:
        if images.search(image) and port in inside and open_.search(told):
            return f"{name}, {_NO_LOGIN}"
    if "3000" in inside and _GRAFANA.search(image) and _comes_with(whole, told):
        return f"Grafana, {_FIRST_LOGIN}"
    if "5555" in inside and re.search(r"\bflower\b", told) and not re.search(r"(?i)basic[-_]auth|--auth", told):  # fmt: skip
        return f"Flower, {_NO_LOGIN}"
    return ""


def _comes_with(whole: list[Service], told: str) -> bool:
    """Whether Grafana's administrator has `admin` for a password: where it is written so, or nothing is."""
    name = "GF_SECURITY_ADMIN_PASSWORD"
    if any(name in service.well_known for service in whole):
        return True
    elsewhere = any(service.env_files for service in whole) or "grafana.ini" in told
    return not elsewhere and f"{name}" not in told and "GF_AUTH_DISABLE_LOGIN" not in told


def _laid(path: str, service: Service, files: dict[str, dict[str, Service]]) -> Iterator[Service]:
    """What a service takes over by `extends`, and what is laid over it or below it in other files."""
    folder = posixpath.dirname(path)
    at, current = path, service
    for _ in range(_LONGEST_CHAIN):
        if not current.extends:
            break
        at, name = _extends(at, current)
        found = files.get(at, {}).get(name)
        if found is None:
            break
        yield found
        current = found
    for other, theirs in files.items():
        beside = posixpath.dirname(other) == folder and other != path
        if beside and service.name in theirs and environment_of_file(other) not in _NOT_RUN:
            if _PLAIN.search(other) or _PLAIN.search(path):
                yield theirs[service.name]


def _extends(path: str, service: Service) -> tuple[str, str]:
    """The file and the name of the service that a service takes over from."""
    file, _, name = service.extends.rpartition(":")
    folder = posixpath.dirname(path)
    return posixpath.normpath(posixpath.join(folder, file)) if file else path, name


def dockerfile_of(path: str, service: Service) -> tuple[str, str]:
    """The Dockerfile that a service is built from, and the directory that is its context."""
    folder = posixpath.normpath(posixpath.join(posixpath.dirname(path), service.build))
    folder = "" if folder == "." else folder
    return posixpath.normpath(posixpath.join(folder, service.dockerfile or "Dockerfile")), folder


@provides(Container)
def workloads(application: Application) -> Iterator[Container]:
    """A base that an overlay completes may look unlimited: only what the file itself says counts."""
    for file, found in application.of(Workload):
        if for_developers(file.path):
            continue
        database = bool(DATABASE.search(found.image))
        place = Place(file.path, found.line)
        yield Container(
            found.name,
            f"{found.kind} {found.name}",
            found.image,
            place,
            tuple((what, Place(file.path, line)) for what, line in found.power),
            root=found.root,
            database=database,
            ephemeral=bool(_KEEPS.search(found.image)) and not found.volumes,
            unlimited=found.limited is False,
            unprobed=found.probed is False,
        )


_LONGEST_CHAIN = 8
_OF_ENVIRONMENTS = re.compile(r"[._-](?:prod\w*|dev\w*|local|debug|stag\w*|live)(?=[._-]|$)", re.I)
_PLAIN = re.compile(r"(?:^|/)(?:docker-)?compose\.ya?ml$")
_DEVELOPERS = re.compile(
    r"localstack|mailhog|mailpit|maildev|mailcatcher|azurite|selenium|fake-gcs|dynamodb-local|sonarqube"
)
"""Images that stand in for a real service on a developer's machine, or check the code there."""
_BESIDE = re.compile(
    rf"{DATABASE.pattern}|(?:^|/)(?:adminer|pgadmin4?|phpmyadmin|mongo-express|redis-?commander|redis-?insight|pgweb"
    r"|rabbitmq|minio|kafka-ui|cp-(?:kafka|zookeeper)|kafka|zookeeper|nats|chroma|qdrant|weaviate|jaegertracing/\S+)(?::|@|$)"
)
"""What runs beside an application that is started otherwise: databases, and tools that look at them."""
_DEVELOPS = re.compile(
    r"\brunserver\b|--reload\b|\bflask\b.*\brun\b|\b(?:npm|yarn|pnpm)\b.*\b(?:dev|start|serve)\b|\bvite\b|--watch\b"
)


_SERVED_FILES = re.compile(
    r"(?:^|/)(?:static\w*|media|uploads?|assets|public|dist|logs?|data|templates|certs?|storage|backups?|migrations|alembic)$",
    re.I,
)
"""Folders that are mounted to be served or kept, whatever scripts lie in them."""
_ENDS_TLS = re.compile(r"(?:^|/)(?:nginx|caddy|traefik|haproxy|nginx-proxy)(?::|@|$)")
_HTTPS = re.compile(r"(?:0\.0\.0\.0:)?443:")
"""A proxy that serves HTTPS to everybody stands in production, also where the code is mounted there."""


def _is_local(
    application: Application,
    path: str,
    made: list[tuple[str, Service]],
    files: dict[str, dict[str, Service]],
) -> bool:
    """A compose file for a developer's machine: by its name, or as it mounts or serves the source.

    `made` are its services with those of other files that they take over from, each with its file.
    """
    environment = environment_of_file(path)
    services = [service for _, service in made]
    if for_developers(path) or any(_DEVELOPERS.search(each.image) for each in services):
        return True
    if environment:
        return False
    folder = posixpath.dirname(path)
    for other, theirs in files.items():
        above = posixpath.dirname(other)
        near = above == folder or (_PLAIN.search(path) and _holds(above or ".", path))
        if near and environment_of_file(other) == "production":
            if all(each.image or each.build for each in theirs.values()):
                return True  # the one for production stands alone
    if _completed(path, files):
        return False
    if any(each.tls for each in services):
        return False  # Traefik serves it by TLS, also where the code is mounted there
    if any(_DEVELOPS.search(each.command) or is_aside(each.target) for each in services):
        return True
    if any(_ENDS_TLS.search(s.image) and any(_HTTPS.match(p) for p in s.ports) for s in services):
        return not any(each.build or not _BESIDE.search(each.image) for each in services)
    built = {each.image for each in services if each.build and each.image}
    sources = {
        mounted
        for at, each in made
        if each.build or not each.image or each.image in built
        for source, _, _ in each.volumes
        if source.startswith(".")
        and not _SERVED_FILES.search(source.rstrip("/"))
        and _of_build(
            mounted := posixpath.normpath(posixpath.join(posixpath.dirname(at), source)), at, each
        )
    }
    return any(
        _holds(source, file.path)
        for file in application.files(Kind.PYTHON, Kind.JAVASCRIPT)
        for source in sources
    ) or not any(each.build or not _BESIDE.search(each.image) for each in services)


def _completed(path: str, files: dict[str, dict[str, Service]]) -> bool:
    """Whether a file for production is laid over a plain one, and cannot do without it."""
    return _PLAIN.search(path) is not None and any(
        posixpath.dirname(other) == posixpath.dirname(path)
        and environment_of_file(other) == "production"
        and not all(each.image or each.build for each in theirs.values())
        for other, theirs in files.items()
    )


def _of_build(mounted: str, path: str, service: Service) -> bool:
    """Whether a folder holds, or is part of, what a service is built from: its own source.

    What is built elsewhere and mounted to be served (`./frontend:/srv`) is not.
    """
    if not service.build or "://" in service.build:
        return True
    context = posixpath.normpath(posixpath.join(posixpath.dirname(path), service.build))
    return _holds(mounted, context) or _holds(context, mounted) or mounted == context


def _holds(folder: str, path: str) -> bool:
    return folder == "." or path.startswith(folder + "/")
