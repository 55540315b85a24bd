from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.assess.rule import Reference, Rule, asvs, cwe
from auditor.assess.verdict import (
    Evidence,
    Severity,
    State,
    Verdict,
    count,
    judge,
    not_applicable,
    present,
)
from auditor.discover import Kind, Role
from auditor.link.application import Application
from auditor.model.containers import Container, ContainerImage
from auditor.model.places import Place

_FLOATS = re.compile(
    r"|(?:latest|stable|lts|current|edge|mainline|main|master|nightly|alpine|slim)(?:-(?:alpine|slim|perl|latest))*"
)
"""Tags that name no version of what they hold."""


class ContainerHardening(Rule):
    """Images and containers are fit for production.

    For each image that is not for development: its process does not run as root (medium), no secret
    is a literal ENV or ARG (high; an ARG that names one, low: it stays in the image's history; an ENV that only
    stands in for one, low), no
    dotenv file with a secret is copied (medium) nor the whole context without a `.dockerignore` (low), the base
    has a tag or digest (low), compilers do not stay (low), something checks its health (low).

    For each compose service and Kubernetes workload that is not for development: no privileges over
    the host (high) nor the Docker socket or the host's network (medium), no database port open to every network (medium), nor an administration
    interface or store that asks for no login (Kong's, Traefik's, of Redis, Kafka or Celery, a vector store, a search
    index) or has the password that it comes with (Grafana: medium),
    a volume below each database (medium), a restart policy (low), limits and probes (low). A compose
    file is one for development when its name says so, when it mounts the source or starts a
    development server, or when another stands beside it for production.
    """

    id = "container-hardening"
    title = "Container hardening"
    section = "deployment"
    severity = Severity.MEDIUM
    risk = (
        "One hole in the application becomes a hole in the host, and secrets travel with the image."
    )
    fix = "Run as a user of its own, pin the base image, keep secrets out of the build, and give each container only what it needs."
    references = (
        cwe(250),
        asvs("13.2.2"),
        Reference(
            "OWASP Docker Security Cheat Sheet",
            "https://cheatsheetseries.owasp.org/cheatsheets/Docker_Security_Cheat_Sheet.html",
        ),
        Reference(
            "Docker: best practices", "https://docs.docker.com/build/building/best-practices/"
        ),
    )
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        images = application.facts(ContainerImage)
        containers = application.facts(Container)
        if not images and not containers:
            for file in application.tree.files:
                if file.kind is Kind.DOCKERFILE and file.role is Role.SOURCE:
                    return not_applicable(f"{file.path} builds nothing that runs in production, as far as the repository tells")  # fmt: skip
            return not_applicable("nothing is run in a container, as far as the repository tells")
        evidence = [e for image in images for e in self._image(image)]
        evidence += [e for container in containers for e in self._container(container)]
        evidence += self._restarts(containers)
        if not evidence:
            place = images[0].place if images else containers[0].place
            evidence = [present(place, "nothing speaks against this container", "container")]
        wrong = [e for e in evidence if e.state is not State.PRESENT]
        if not wrong:
            return judge("The images and containers are fit for production.", evidence)
        worst = max(wrong, key=lambda e: e.severity).message
        return judge(f"{worst[0].upper()}{worst[1:]}.", evidence)

    def _image(self, image: ContainerImage) -> Iterator[Evidence]:
        path = image.place.path
        for word, name, given, place in image.secrets:
            if given == "knows":
                if word == "ENV":
                    told = f"ENV {name} gives the container a value that anybody knows, where nothing else sets it"
                    yield Evidence(place, State.WEAK, Severity.LOW, told, f"{path} {name}")
            elif given:
                told = f"{word} {name} writes a secret into the image"
                yield Evidence(place, State.WEAK, Severity.HIGH, told, f"{path} {name}")
            else:
                told = f"the build argument {name} stays in the image's history: mount it as a build secret"
                yield Evidence(place, State.WEAK, Severity.LOW, told, f"{path} {name}")
        if not image.runs:
            return
        if image.root and not image.drops:  # nginx and httpd give up root for what serves
            last = image.bases[-1].name.rpartition("/")[2] if image.bases else ""
            severity = Severity.LOW if last in ("nginx", "httpd") else Severity.MEDIUM
            told = "the container's process runs as root"
            yield Evidence(image.user_place, State.ABSENT, severity, told, f"{path} user")
        elif image.root is False or image.drops:
            by = f" ({image.drops})" if image.drops else ""
            yield present(image.user_place, f"the process runs as another user than root{by}", path)
        for name, place in image.dotenv[:1]:
            told = f"{name} is copied into the image"
            yield Evidence(place, State.WEAK, Severity.MEDIUM, told, f"{path} dotenv")
        if image.unfiltered:
            told = "the whole context is copied, and no .dockerignore leaves out .env files"
            yield Evidence(image.unfiltered, State.ABSENT, Severity.LOW, told, f"{path} context")
        yield from self._bases(image)
        for name, place in image.tools[:1]:
            told = f"{name} stays in the image: build in an earlier stage"
            yield Evidence(place, State.WEAK, Severity.LOW, told, f"{path} tools")
        if image.healthcheck:
            yield present(image.place, "the image checks its own health", f"{path} health")
        elif image.serves and not image.probed:
            told = "nothing checks whether the container is well: no HEALTHCHECK, no probe"
            yield Evidence(image.place, State.ABSENT, Severity.LOW, told, f"{path} health")

    def _bases(self, image: ContainerImage) -> Iterator[Evidence]:
        loose = [
            base for base in image.bases
            if not base.digest and _FLOATS.fullmatch(base.tag)
            and base.name != "scratch" and "_" not in base.name and "$" not in base.name and "{" not in base.name
        ]  # fmt: skip
        for base in loose[:1]:
            told = f"the base image {base.name} is whatever is newest on that day"
            yield Evidence(base.place, State.WEAK, Severity.LOW, told, f"{image.place.path} base")
        if image.bases and not loose:
            pinned = all(base.digest for base in image.bases)
            how = "a digest" if pinned else "a version"
            yield present(image.bases[-1].place, f"the base image has {how}", image.place.path)

    def _container(self, each: Container) -> Iterator[Evidence]:
        subject = f"{each.place.path} {each.name}"
        for what, place in each.power:
            partly = what == "the Docker socket" or "network" in what.lower()
            severity = Severity.MEDIUM if partly else Severity.HIGH
            told = f"{each.source} has power over its host: {what}"
            yield Evidence(place, State.WEAK, severity, told, f"{subject} {what}")
        if each.root:
            told = f"{each.source} is told to run as root"
            yield Evidence(each.place, State.WEAK, Severity.MEDIUM, told, f"{subject} root")
        if each.published and not each.panel:
            told = f"{each.source} publishes a database port to every network: {each.published[0]}"
            yield Evidence(
                each.published_place or each.place,
                State.WEAK,
                Severity.MEDIUM,
                told,
                f"{subject} port",
            )
        if each.panel:
            told = f"{each.source} opens {each.panel} to every network"
            place = each.published_place or each.place
            yield Evidence(place, State.WEAK, Severity.MEDIUM, told, f"{subject} panel")
        if each.ephemeral:
            told = f"{each.source} keeps its data in the container, without a volume"
            yield Evidence(each.place, State.ABSENT, Severity.MEDIUM, told, f"{subject} volume")
        if each.unlimited:
            told = f"nothing bounds the memory of {each.source}"
            yield Evidence(each.place, State.ABSENT, Severity.LOW, told, f"{subject} limits")
        if each.unprobed:
            told = f"nothing asks whether {each.source} is well"
            yield Evidence(each.place, State.ABSENT, Severity.LOW, told, f"{subject} probes")

    def _restarts(self, containers: tuple[Container, ...]) -> Iterator[Evidence]:
        files: dict[str, list[Container]] = {}
        for each in containers:
            if not each.restarts:
                files.setdefault(each.place.path, []).append(each)
        for path, stopped in files.items():
            names = ", ".join(each.name for each in stopped[:4]) + (" …" if stopped[4:] else "")
            told = f"{count(len(stopped), 'service')} without a restart policy: {names}"
            yield Evidence(
                Place(path, stopped[0].place.line),
                State.ABSENT,
                Severity.LOW,
                told,
                f"{path} restart",
            )

    good = (
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "Dockerfile": """
FROM python:3.13.3-slim AS build
RUN apt-get update && apt-get install -y build-essential
COPY requirements.txt .
RUN pip install --prefix=/install -r requirements.txt

FROM python:3.13.3-slim
COPY --from=build /install /usr/local
COPY app.py .
USER 1000:1000
HEALTHCHECK CMD ["curl", "-f", "http://localhost:8000/health"]
CMD ["uvicorn", "app:app", "--host", "0.0.0.0"]
""",
            "docker-compose.yml": """
x-common: &common
  restart: unless-stopped
services:
  web:
    <<: *common
    build: .
    environment:
      DATABASE_PASSWORD: ${DATABASE_PASSWORD}
  db:
    <<: *common
    image: postgres:17
    volumes: ["data:/var/lib/postgresql/data"]
volumes:
  data:
""",
        },
        {  # root at first: the script gives it up; the compilers are removed again
            "Dockerfile": """
ARG VERSION=3.13
FROM python:${VERSION}-slim
RUN apk add --virtual .build gcc musl-dev && pip install uwsgi && apk del .build
COPY . /app
HEALTHCHECK CMD curl -f http://localhost/
ENTRYPOINT ["/app/entrypoint.sh"]
""",
            "entrypoint.sh": "#!/bin/sh\nchown -R app /data\nexec gosu app gunicorn app:app\n",
            ".dockerignore": ".git\n**/.env\n",
            ".env.example": "KEY=\n",
        },
        {  # a developer's machine
            "docker-compose.yml": """
services:
  web:
    build: .
    volumes: [".:/app"]
    command: flask run --debug
  db:
    image: postgres
    ports: ["5432:5432"]
""",
            "app.py": "",
        },
    )
    bad = (
        {  # a script starts the server; the cluster asks one of two images
            "shop/main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "shop/Dockerfile": 'FROM python:3.12-slim\nCOPY main.py start.sh ./\nUSER 1000\nENTRYPOINT ["./start.sh"]\n',
            "shop/start.sh": "#!/bin/sh\nexec gunicorn main:app --bind 0.0.0.0:8000\n",
            "mail/main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "mail/Dockerfile": 'FROM python:3.12-slim  # expect: low\nCOPY main.py ./\nUSER 1000\nCMD ["uvicorn", "main:app"]\n',
            "k8s/shop.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  template:
    spec:
      containers:
        - name: api
          image: registry.example.com/shop-api:1.4
          securityContext: {runAsNonRoot: true}
          resources: {limits: {memory: 256Mi}}
          readinessProbe:
            httpGet: {path: /health, port: 8000}
""",
        },
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "Dockerfile": 'FROM python:3.12-slim  # expect: low\nCOPY app.py start.sh ./\nUSER 1000\nENTRYPOINT ["./start.sh"]\n',
            "start.sh": "#!/bin/sh\nexec gunicorn app:app --bind 0.0.0.0:8000\n",
        },
        {
            "Dockerfile": """
FROM python  # expect: low
RUN apt-get update && apt-get install -y gcc libpq-dev  # expect: low
ENV API_SECRET=4f9a0c1e77b2  # expect: high
ARG NPM_TOKEN  # expect: low
COPY . .  # expect: medium
USER root  # expect: medium
CMD gunicorn app:app
""",
            ".env": "DATABASE_URL=postgres://shop:horse@db/shop\n",
            "docker-compose.yml": """
services:
  web:  # expect: low
    build: .
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost/"]
  db:  # expect: medium
    image: postgres:17
    restart: always
    ports: ["5432:5432"]  # expect: medium
  runner:
    image: example/runner:1
    restart: always
    privileged: true  # expect: high
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock  # expect: medium
""",
        },
        {
            "Dockerfile": """
FROM node:22-slim  # expect: low
USER 0  # expect: medium
COPY . .  # expect: low
CMD ["gunicorn", "app:app"]
""",
        },
    )
