"""What each kind of deployment file yields."""

from __future__ import annotations

from auditor.model.containers import Container, ContainerImage
from auditor.model.deployment import Command, HealthProbe, ManagedDatabase
from auditor.model.pipelines import Job
from tests.conftest import Build


def test_helm_template_is_read_without_its_actions(build: Build) -> None:
    template = """
{{- if .Values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.fullname" . }}
spec:
  template:
    spec:
      containers:
        - name: web
          image: "{{ .Values.image }}"
          securityContext:
            privileged: true
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
          livenessProbe:
            httpGet: {path: /live, port: 80}
{{- end }}
"""
    application = build({"chart/templates/web.yaml": template})
    (container,) = application.facts(Container)
    assert [what for what, _ in container.power] == ["privileged: true"]
    assert not container.unlimited  # the values decide
    assert not container.unprobed
    assert [probe.target for probe in application.facts(HealthProbe)] == ["/live"]


def test_terraform_tells_whether_a_database_is_backed_up(build: Build) -> None:
    text = """
resource "aws_db_instance" "none" {
  engine = "postgres"
}
resource "aws_db_instance" "kept" { backup_retention_period = 7 }
resource "aws_db_instance" "variable" {
  backup_retention_period = var.days
}
resource "aws_s3_bucket" "files" {
  bucket = "files"
}
"""
    stores = {s.name: s.backups for s in build({"main.tf": text}).facts(ManagedDatabase)}
    assert stores == {
        "Terraform aws_db_instance.none": False,
        "Terraform aws_db_instance.kept": True,
        "Terraform aws_db_instance.variable": None,
    }


def test_stage_below_gives_its_user_and_tools(build: Build) -> None:
    text = """
ARG PYTHON=3.13
FROM python:${PYTHON}-slim AS base
RUN <<EOF
apt-get update
apt-get install -y gcc
EOF
USER 1000
FROM base AS prod
CMD ["gunicorn", "app:app"]
FROM base AS test
USER root
"""
    (image,) = build({"Dockerfile": text}).facts(ContainerImage)
    assert image.root is False
    assert [(base.name, base.tag) for base in image.bases] == [("python", "3.13-slim")]
    assert [name for name, _ in image.tools] == ["gcc"]


def test_merge_keys_and_files_laid_over(build: Build) -> None:
    files = {
        "compose.yml": "x-all: &all\n  restart: always\nservices:\n  web:\n    <<: *all\n    build: .\n  db:\n    image: postgres:17\n",
        "compose.prod.yml": "services:\n  db:\n    volumes: ['data:/var/lib/postgresql/data']\n    restart: always\n",
    }
    found = {c.name: c for c in build(files).facts(Container) if c.place.path == "compose.yml"}
    assert found["web"].restarts
    assert found["db"].restarts
    assert not found["db"].ephemeral


def test_gitlab_stages_and_templates(build: Build) -> None:
    text = """
.base:
  before_script: [pip install tox]
test:
  extends: .base
  script: tox
deploy:
  stage: deploy
  script: helm upgrade shop ./chart
"""
    jobs = {job.name: job for job in build({".gitlab-ci.yml": text}).facts(Job)}
    assert jobs["test"].steps[0].tests
    assert jobs["deploy"].before == ("test",)
    assert jobs["deploy"].steps[0].deploys


def test_timer_gives_its_service_a_schedule(build: Build) -> None:
    files = {
        "ops/dump.service": "[Service]\nExecStart=/bin/dump.sh\n",
        "ops/dump.timer": "[Timer]\nOnCalendar=daily\n",
        "ops/crontab": "# m h\n0 3 * * * root /bin/other.sh\n",
    }
    found = {(c.source, c.text, c.schedule) for c in build(files).facts(Command)}
    assert found == {
        ("systemd", "dump /bin/dump.sh", "daily"),
        ("cron", "root /bin/other.sh", "0 3 * * *"),
    }
