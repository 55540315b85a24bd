"""What each kind of deployment file yields."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.model.containers import Container, ContainerImage
from auditor.model.deployment import (
    BackupScript,
    Command,
    HealthProbe,
    ManagedDatabase,
    ProxyLocation,
)
from auditor.model.operations import Telemetry, Tracker
from auditor.model.pipelines import Job
from auditor.model.settings import EnvironmentNames
from auditor.model.transport import HttpsRedirect
from tests.conftest import Build, load, write
from tests.platforms.samples import DOCUMENT, SAMPLES, table, yields

_APP = "from fastapi import FastAPI\napp = FastAPI()\n"


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


def test_the_document_tells_what_each_file_yields(tmp_path: Path) -> None:
    rows = []
    for number, sample in enumerate(SAMPLES):
        application = load(write(tmp_path / str(number), sample.files))
        found = yields(application)
        assert found, sample.title
        assert not application.unread, sample.title
        rows.append((sample.title, found))
    assert table(rows) in DOCUMENT.read_text()


def test_files_of_a_gitlab_pipeline_make_one(build: Build) -> None:
    files = {
        ".gitlab-ci.yml": "include: [ci/test.yml]\nstages: [check, ship]\nship:\n  stage: ship\n  script: helm upgrade shop ./chart\n",
        "ci/test.yml": "unit:\n  stage: check\n  script: pytest\n",
        "ci/forgotten.yml": "old:\n  script: pytest\n",
    }
    jobs = {job.name: job for job in build(files).facts(Job)}
    assert jobs["ship"].before == ("unit",)
    assert jobs["unit"].active
    assert jobs["unit"].place.path == "ci/test.yml"
    assert not jobs["old"].active


def test_azure_templates_belong_to_who_starts_them(build: Build) -> None:
    files = {
        "azure-pipelines.yml": "steps:\n  - template: azure-pipelines/test.yml\n",
        "azure-pipelines/test.yml": "parameters: []\nsteps:\n  - script: pytest\n",
        "azure-pipelines/forgotten.yml": "parameters: []\nsteps:\n  - script: tox\n",
    }
    jobs = build(files).facts(Job)
    assert any(s.tests == "pytest" for job in jobs if job.active for s in job.steps)
    assert not any(s.tests == "tox" for job in jobs if job.active for s in job.steps)


def test_what_takes_in_a_compose_file_tells_whom_it_is_for(build: Build) -> None:
    files = {
        "compose.dev.yml": "include: [parts/store.yml]\nservices:\n  web:\n    build: .\n",
        "parts/store.yml": "services:\n  db:\n    image: postgres:17\n    ports: ['5432:5432']\n  api:\n    build: ..\n",
    }
    assert not build(files).facts(Container)
    files["compose.prod.yml"] = files.pop("compose.dev.yml")
    assert "db" in {c.name for c in build(files).facts(Container)}


def test_who_extends_a_service_completes_it(build: Build) -> None:
    files = {
        "compose.yml": "services:\n  web:\n    extends: {file: common.yml, service: base}\n    restart: always\n",
        "common.yml": "services:\n  base:\n    build: .\n",
    }
    assert all(c.restarts for c in build(files).facts(Container))


def test_ingress_limits_and_insists_on_https(build: Build) -> None:
    text = """
kind: Ingress
metadata:
  annotations:
    nginx.ingress.kubernetes.io/limit-rpm: "30"
spec:
  tls: [{hosts: [shop.example]}]
  rules: [{http: {paths: [{path: /api}]}}]
"""
    application = build({"k8s/ingress.yaml": text})
    (location,) = application.facts(ProxyLocation)
    assert (location.path, location.body, [x.name for x in location.limits]) == (
        "/api",
        1024 * 1024,
        ["limit-rpm"],
    )
    assert application.facts(HttpsRedirect)
    off = text.replace('limit-rpm: "30"', 'ssl-redirect: "false"')
    assert not build({"k8s/ingress.yaml": off}).facts(HttpsRedirect)


def test_cloudformation_tells_backups_and_protection(build: Build) -> None:
    text = """
Resources:
  Kept: {Type: AWS::RDS::DBInstance, Properties: {}}
  Off: {Type: AWS::RDS::DBInstance, Properties: {BackupRetentionPeriod: 0}}
  Told: {Type: AWS::RDS::DBInstance, Properties: {BackupRetentionPeriod: !Ref Days}}
  Replica: {Type: AWS::RDS::DBInstance, Properties: {SourceDBInstanceIdentifier: x}}
  Fragile: {Type: AWS::RDS::DBCluster, DeletionPolicy: Delete, Properties: {}}
"""
    stores = {s.name: s for s in build({"cloudformation/db.yml": text}).facts(ManagedDatabase)}
    assert {n.split()[1]: s.backups for n, s in stores.items()} == {
        "Kept": True,
        "Off": False,
        "Told": None,
        "Fragile": True,
    }
    assert [n.split()[1] for n, s in stores.items() if s.fragile] == ["Fragile"]


def test_jobs_of_ansible_that_are_taken_away_do_not_run(build: Build) -> None:
    text = """
- hosts: all
  tasks:
    - block:
        - cron: {name: dump, special_time: daily, job: dump.sh}
        - cron: {name: old, state: absent, job: old.sh}
"""
    found = [(c.text, c.schedule) for c in build({"site.yml": text}).facts(Command)]
    assert found == [("dump.sh", "daily")]


def test_path_that_a_chart_fills_in_is_asked_all_the_same(build: Build) -> None:
    template = """
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: web
          {{- if .Values.health }}
          livenessProbe: {httpGet: {path: "{{ .Values.health }}", port: http}}
          {{- end }}
"""
    application = build({"release/shop/templates/deployment.yaml": template})
    assert [probe.target for probe in application.facts(HealthProbe)] == [""]


def test_databases_with_the_tools_that_look_at_them_are_a_developers(build: Build) -> None:
    compose = """
services:
  db: {image: "postgres:17", ports: ["5432:5432"]}
  look: {image: "dpage/pgadmin4:8"}
"""
    assert not build({"docker-compose.yml": compose}).facts(Container)
    web = compose + "  web: {image: 'shop/web:1'}\n"
    assert len(build({"docker-compose.yml": web}).facts(Container)) == 3


@pytest.mark.parametrize(
    ("beside", "name", "restarts"),
    [
        ({}, "docker-compose.yml", False),
        ({"fly.toml": "[http_service]\nforce_https = true\n"}, "docker-compose.yml", True),
        ({"Procfile": "web: gunicorn app:app\n"}, "docker-compose.yml", True),
        ({"Procfile": "web: gunicorn app:app\n"}, "docker-compose.prod.yml", False),
    ],
)
def test_what_a_platform_serves_need_not_be_restarted_by_compose(
    build: Build, beside: dict[str, str], name: str, restarts: bool
) -> None:
    (container,) = build({name: "services:\n  web: {build: .}\n"} | beside).facts(Container)
    assert container.restarts is restarts


def test_images_of_databases_give_up_root_whatever_registry_they_come_from(build: Build) -> None:
    for base in ("postgres:17", "docker.io/postgres:17", "public.ecr.aws/docker/library/redis:7"):
        (image,) = build({"Dockerfile": f"FROM {base}\nCOPY a /a\n"}).facts(ContainerImage)
        assert image.root is False, base


def test_template_of_nginx_before_a_socket(build: Build) -> None:
    """nginx takes 1 MB unless it is told, and the socket's path is no path of the application."""
    text = "server {\n  location / {\n    proxy_pass http://unix:/run/web.sock;\n  }\n}\n"
    (found,) = build({"deploy/shop.nginx.conf.template": text}).facts(ProxyLocation)
    assert (found.path, found.replaced, found.body) == ("/", None, 1024 * 1024)


def test_serverless_tells_stages_and_traces(build: Build) -> None:
    text = """
provider:
  stage: ${opt:stage, 'dev'}
  tracing: {lambda: true}
  environment: {TABLE: "leads-${self:provider.stage}"}
functions:
  api: {handler: app.handler}
"""
    application = build({"serverless.yml": text, "app.py": "def handler(): pass\n"})
    assert [t.name for t in application.facts(Telemetry)] == ["AWS X-Ray"]
    assert [e.place.line for e in application.facts(EnvironmentNames)] == [3]
    fixed = text.replace("${opt:stage, 'dev'}", "dev").replace("${self:provider.stage}", "dev")
    assert not build({"serverless.yml": fixed}).facts(EnvironmentNames)


def test_folder_of_supabase_is_a_database_that_others_run(build: Build) -> None:
    application = build({"supabase/migrations/1_leads.sql": "create table leads (id int);\n"})
    assert [(m.name, m.backups) for m in application.facts(ManagedDatabase)] == [("Supabase", None)]


def test_alarms_of_terraform_watch_and_tell(build: Build) -> None:
    text = """
resource "aws_cloudwatch_metric_alarm" "failing" {
  metric_name   = "HTTPCode_Target_5XX_Count"
  alarm_actions = [aws_sns_topic.alerts.arn]
}
resource "aws_cloudwatch_metric_alarm" "busy" {
  metric_name       = "CPUUtilization"
  alarm_description = "errors are near"
  alarm_actions     = [aws_sns_topic.alerts.arn]
}
resource "aws_cloudwatch_metric_alarm" "silent" {
  metric_name = "HTTPCode_Target_5XX_Count"
}
"""
    application = build(
        {"main.tf": text, "app.py": "from flask import Flask\napp = Flask(__name__)\n"}
    )
    assert [t.place.line for t in application.facts(Telemetry)] == [2, 6, 11]
    assert [t.place.line for t in application.facts(Tracker)] == [2]


def test_what_fly_asks_by_tcp_is_asked(build: Build) -> None:
    text = "[[services]]\n  [[services.tcp_checks]]\n    interval = 15\n"
    assert [p.source for p in build({"fly.toml": text}).facts(HealthProbe)] == ["Fly"]


def test_secrets_of_a_workflow_are_at_every_steps_hand(build: Build) -> None:
    workflow = """
on: push
env:
  FLY_API_TOKEN: ${{ secrets.FLY_API_TOKEN }}
jobs:
  deploy:
    env: {REGION: fra}
    steps:
      - uses: superfly/flyctl-actions/setup-flyctl@master
        env: {A: b}
"""
    (job,) = build({".github/workflows/fly.yml": workflow}).facts(Job)
    assert job.steps[0].environment == (
        "FLY_API_TOKEN=${{ secrets.FLY_API_TOKEN }}",
        "REGION=fra",
        "A=b",
    )


def test_pipelines_that_deploy_apart_name_the_environments(build: Build) -> None:
    deploy = "on: push\njobs:\n  deploy:\n    steps:\n      - run: fly deploy -a {}\n"
    one = {".github/workflows/fly_production.yml": deploy.format("shop")}
    assert not build(one).facts(EnvironmentNames)
    both = one | {".github/workflows/fly_staging.yml": deploy.format("shop-staging")}
    (names,) = build(both).facts(EnvironmentNames)
    assert names.name == "the pipelines"


@pytest.mark.parametrize(
    ("mounted", "local"),
    [("./backend:/app", True), (".:/app", True), ("./frontend:/srv:ro", False), ("./backend/data:/data", False)],
)  # fmt: skip
def test_compose_file_that_mounts_what_it_builds_is_a_developers(
    build: Build, mounted: str, local: bool
) -> None:
    compose = f"services:\n  web:\n    build: ./backend\n    volumes: ['{mounted}']\n"
    files = {
        "docker-compose.yml": compose,
        "backend/app.py": "",
        "frontend/main.js": "",
        "backend/data/a.csv": "",
    }
    assert bool(build(files).facts(Container)) is not local


def test_unit_of_systemd_goes_on_over_lines(build: Build) -> None:
    unit = "[Service]\nExecStart=/usr/bin/gunicorn \\\n  --workers 3 \\\n  shop.wsgi\n\n[Install]\n"
    (command,) = build({"deploy/web.service": unit}).facts(Command)
    assert command.text == "web /usr/bin/gunicorn --workers 3 shop.wsgi"


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ("User=root", 3),
        ("User=0", 3),
        ("User=www-data", 0),
        ("User={{ app_user }}", 0),
        ("DynamicUser=yes", 0),
        ("[Install]\nWantedBy=multi-user.target", 2),
        ("[Install]\nWantedBy=default.target", 0),
        ("User=shop\n[Install]\nWantedBy=multi-user.target", 0),
    ],
)
def test_user_of_a_unit(build: Build, lines: str, line: int) -> None:
    unit = f"[Service]\nExecStart=/usr/bin/gunicorn shop.wsgi\n{lines}\n"
    (command,) = build({"deploy/web.service": unit}).facts(Command)
    assert (command.root.line if command.root else 0) == line


def test_image_beside_a_serverless_adapter_is_a_developers(build: Build) -> None:
    files = {
        "backend/app.py": "from fastapi import FastAPI\nfrom mangum import Mangum\napp = FastAPI()\nhandler = Mangum(app)\n",
        "backend/Dockerfile": "FROM python:3.13\nCOPY . .\nCMD uvicorn app:app --reload\n",
        "docker-compose.yml": "services:\n  web:\n    build: backend\n    volumes: ['./backend:/app']\n",
    }
    assert not build(files).facts(ContainerImage)


def test_workflow_of_another_repository_that_deploys(build: Build) -> None:
    call = """
on: push
jobs:
  deploy:
    uses: shop/actions/.github/workflows/call-deploy.yml@main
    secrets: inherit
"""
    files = {".github/workflows/deploy-production.yml": call}
    files[".github/workflows/deploy-staging.yml"] = call
    application = build(files)
    steps = [step for job in application.facts(Job) for step in job.steps]
    assert all(step.deploys and step.environment == ("secrets.*",) for step in steps)
    assert [names.name for names in application.facts(EnvironmentNames)] == ["the pipelines"]


def test_compose_file_of_a_load_test_is_no_deployment(build: Build) -> None:
    compose = "services:\n  locust: {image: 'locustio/locust:2'}\n"
    assert not build({"docker-compose.locust.yml": compose}).facts(Container)


def test_probe_of_a_local_compose_file_says_nothing_of_production(build: Build) -> None:
    compose = """
services:
  web:
    build: .
    healthcheck: {test: "curl -f http://localhost:8000/health"}
    volumes: ["VOLUME"]
"""
    local = {"docker-compose.yml": compose.replace("VOLUME", ".:/app"), "app.py": ""}
    assert not build(local).facts(HealthProbe)
    assert build({"docker-compose.yml": compose.replace("VOLUME", "data:/data")}).facts(HealthProbe)


def test_database_of_a_compose_file_beside_a_cluster_is_asked_from_the_desk(build: Build) -> None:
    compose = "services:\n  web: {build: .}\n  db: {image: 'postgres:17', ports: ['5432:5432'], volumes: ['data:/d']}\n"
    application = build({"docker-compose.yml": compose, "k8s/web.yaml": "kind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: 'shop/web:1'}]}}}\n"})  # fmt: skip
    assert not any(each.published for each in application.facts(Container))


def test_workflows_below_the_root_are_not_run_beside_those_at_it(build: Build) -> None:
    workflow = "on: push\njobs:\n  test:\n    steps:\n      - run: pytest\n"
    nested = {"iac/cdk/.github/workflows/lint.yml": workflow}
    assert [job.pipeline for job in build(nested).facts(Job)] == list(nested)
    both = nested | {".github/workflows/ci.yml": workflow}
    assert [job.pipeline for job in build(both).facts(Job)] == [".github/workflows/ci.yml"]


def test_table_that_terraform_locks_is_no_database(build: Build) -> None:
    text = 'resource "aws_dynamodb_table" "this" {\n  hash_key = "LockID"\n}\n'
    assert not build({"main.tf": text}).facts(ManagedDatabase)


def test_service_that_runs_once_needs_no_restart(build: Build) -> None:
    compose = "services:\n  certbot-init: {image: certbot/certbot:v4}\n  initiative: {image: 'shop/initiative:1'}\n"
    restarts = {c.name: c.restarts for c in build({"compose.yml": compose}).facts(Container)}
    assert restarts == {"certbot-init": True, "initiative": False}


def test_script_that_sets_up_a_crontab_schedules_what_it_writes(build: Build) -> None:
    script = """#!/bin/bash
cat > /opt/dump.sh << EOF
pg_dump shop > /var/dumps/shop.sql
EOF
(crontab -l; echo "0 2 * * * /opt/dump.sh") | crontab -
cat > /etc/cron.d/tidy <<'END'
30 4 * * * root /opt/tidy.sh
END
"""
    commands = build({"app.py": _APP, "ops/install.sh": script}).facts(Command)
    assert {(c.schedule, c.text) for c in commands if c.schedule} == {
        ("0 2 * * *", "/opt/dump.sh"),
        ("30 4 * * *", "root /opt/tidy.sh"),
    }


def test_variable_of_terraform_decides_on_backups(tmp_path: Path) -> None:
    database = 'resource "aws_db_instance" "shop" {\n  backup_retention_period = var.kept\n}\n'
    default = 'variable "kept" {\n  type    = number\n  default = 7\n}\n'
    files = {"app.py": _APP, "terraform/rds.tf": database}
    cases: tuple[tuple[dict[str, str], bool | None], ...] = (
        ({}, None),
        ({"terraform/variables.tf": default}, True),
        ({"terraform/variables.tf": default, "terraform/terraform.tfvars": "kept = 0\n"}, False),
        ({"terraform/variables.tf": default, "terraform/staging.tfvars": "kept = 0\n"}, True),
        (
            {
                "terraform/staging.tfvars": "kept = 0\n",
                "terraform/environments/production/terraform.tfvars": "kept = 30\n",
            },
            True,
        ),
    )
    for number, (more, backups) in enumerate(cases):
        application = load(write(tmp_path / str(number), files | more))
        (store,) = application.facts(ManagedDatabase)
        assert store.backups is backups, more


def test_consoles_without_a_login(build: Build) -> None:
    compose = """
services:
  web:
    build: .
    restart: always
  kong:
    image: kong:3
    restart: always
    environment: {KONG_ADMIN_LISTEN: 0.0.0.0:8001}
    ports: ["8000:8000", "8001:8001"]
  inside:
    image: kong:3
    restart: always
    environment: {KONG_ADMIN_LISTEN: 0.0.0.0:8001}
    ports: ["8000:8000", "127.0.0.1:8001:8001"]
  proxy:
    image: traefik:3
    command: ["--api.insecure=true"]
    ports: ["80:80", "9090:8080"]
  flower:
    build: .
    command: celery -A shop flower --basic_auth=$LOGIN
    ports: ["5555:5555"]
  vectors:
    image: qdrant/qdrant:v1
    ports: ["6333:6333"]
  vectors-with-key:
    image: qdrant/qdrant:v1
    environment: {QDRANT__SERVICE__API_KEY: $KEY}
    ports: ["6333:6333"]
  search:
    image: docker.elastic.co/elasticsearch/elasticsearch:8.11.3
    environment: ["xpack.security.enabled=false"]
    ports: ["9200:9200"]
  charts:
    image: grafana/grafana:11
    ports: ["3000:3000"]
  charts-told:
    image: grafana/grafana:11
    environment: {GF_SECURITY_ADMIN_PASSWORD: "${CHARTS_PASSWORD:-admin}"}
    ports: ["3001:3000"]
  charts-safe:
    image: grafana/grafana:11
    environment: {GF_SECURITY_ADMIN_PASSWORD: $CHARTS_PASSWORD}
    ports: ["3002:3000"]
  logs:
    image: kibana:8.11.3
    environment: {ELASTICSEARCH_HOSTS: "http://elasticsearch:9200"}
    ports: ["5601:5601"]
  logs-with-login:
    image: docker.elastic.co/kibana/kibana:8.11.3
    environment: {ELASTICSEARCH_HOSTS: "http://elasticsearch:9200", ELASTICSEARCH_PASSWORD: $SECRET}
    ports: ["5601:5601"]
  logs-by-a-file:
    image: docker.elastic.co/kibana/kibana:8.11.3
    environment: {ELASTICSEARCH_HOSTS: "http://elasticsearch:9200"}
    volumes: ["./kibana.yml:/usr/share/kibana/config/kibana.yml"]
    ports: ["5601:5601"]
"""
    found = build({"app.py": _APP, "compose.prod.yml": compose}).facts(Container)
    assert {c.name: c.panel for c in found if c.panel} == {
        "kong": "Kong's administration, which asks for no login,",
        "logs": "Kibana, which asks for no login,",
        "proxy": "Traefik's panel, which asks for no login,",
        "vectors": "Qdrant, which asks for no login,",
        "search": "Elasticsearch, which asks for no login,",
        "charts": "Grafana, whose administrator has the password that it comes with,",
        "charts-told": "Grafana, whose administrator has the password that it comes with,",
    }
    assert {c.name for c in found if c.published} == {"vectors", "vectors-with-key", "search"}


def test_health_of_a_database_says_nothing_of_what_is_built(build: Build) -> None:
    compose = """
services:
  db:
    image: postgres:17
    healthcheck: {test: pg_isready}
  web:
    build: .
"""
    files = {"app.py": _APP, "Dockerfile": "FROM python:3\nCMD gunicorn app:app\n"}
    for more, probed in (("", False), ("\n    healthcheck: {test: curl localhost}", True)):
        whole = compose.replace("build: .", f"build: .{more}")
        (image,) = build(files | {"compose.prod.yml": whole}).facts(ContainerImage)
        assert image.probed is probed


def test_compose_file_that_serves_https_is_no_developers(build: Build) -> None:
    compose = "services:\n  web:\n    build: .\n    volumes: ['./:/app']\n  proxy:\n    image: caddy:2\n    ports: ['PORT']\n"
    for port, served in (("443:443", True), ("8080:80", False)):
        files = {"app.py": _APP, "compose.yml": compose.replace("PORT", port)}
        assert bool(build(files).facts(Container)) is served


def test_volume_of_fly_keeps_a_database_in_a_file(build: Build) -> None:
    code = "import os\nfrom fastapi import FastAPI\nfrom sqlalchemy import create_engine\napp = FastAPI()\nengine = create_engine(URL)\n"
    fly = 'app = "shop"\n[mounts]\nsource = "data"\ndestination = "/data"\nMORE'
    for url, more, backups in (
        ('"sqlite:////data/shop.db"', "", [True]),
        ('"sqlite:////data/shop.db"', "scheduled_snapshots = false\n", [False]),
        ('os.environ["DATABASE_URL"]', "", []),
    ):
        files = {"app.py": code.replace("URL", url), "fly.toml": fly.replace("MORE", more)}
        assert [s.backups for s in build(files).facts(ManagedDatabase)] == backups


def test_what_is_served_is_no_mounted_source(build: Build) -> None:
    compose = "services:\n  web:\n    build: .\n    volumes: ['./FOLDER:/app/FOLDER']\n"
    for folder, served in (("static", True), ("shop", False)):
        files = {
            "app.py": _APP,
            f"{folder}/menu.js": "menu();\n",
            "compose.yml": compose.replace("FOLDER", folder),
        }
        assert bool(build(files).facts(Container)) is served


def test_command_over_ssh_deploys(build: Build) -> None:
    workflow = """
on: {push: {branches: [main]}}
jobs:
  live:
    runs-on: ubuntu-latest
    steps:
      - run: |
          ssh deploy@example.org << EOF
            cd /srv/shop
            COMMAND
          EOF
"""
    for command, deploys in (("docker compose pull && docker compose up -d", True), ("ls", False)):
        text = workflow.replace("COMMAND", command)
        (job,) = build({"app.py": _APP, ".github/workflows/live.yml": text}).facts(Job)
        assert any(step.deploys for step in job.steps) is deploys


def test_plain_compose_file_below_one_for_production_is_part_of_it(build: Build) -> None:
    plain = "services:\n  web:\n    build: .\n    volumes: ['./:/app']\n  db:\n    image: mysql:8\n    ports: ['3306:3306']\n"
    files = {"app.py": _APP, "compose.yml": plain, "Procfile": "web: gunicorn app:app\n"}
    for overlay, published in (
        ("services:\n  web:\n    command: gunicorn app:app\n", {"db"}),
        ("services:\n  web:\n    image: shop\n", set()),
    ):
        found = build(files | {"compose.prod.yml": overlay}).facts(Container)
        assert {c.name for c in found if c.published} == published


_IMAGES = {
    "backend/app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
    "backend/Dockerfile": "FROM python:3.13\nCOPY . .\nCMD uvicorn app:app\n",
    "backend/Dockerfile.production": "FROM python:3.13\nCMD uvicorn app:app\n",
    "docker-compose.yml": "services:\n  web:\n    build: backend\n    volumes: ['./backend:/app']\n",
    "docker-compose.production.yml": "services:\n  web:\n    build: {context: backend, dockerfile: Dockerfile.production}\n",
}


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("x.txt", "", False),
        (".do/app.yaml", "services:\n- name: a\n  dockerfile_path: ./backend/Dockerfile\n", True),
        ("render.yaml", "services:\n- type: web\n  name: a\n  dockerfilePath: ./backend/Dockerfile\n", True),
        ("render.yaml", "services:\n- type: web\n  name: a\n  rootDir: backend\n  dockerfilePath: Dockerfile\n", True),
        ("backend/fly.toml", "[build]\ndockerfile = 'Dockerfile'\n", True),
        ("railway.json", '{"build": {"dockerfilePath": "backend/Dockerfile"}}', True),
        ("fly.toml", "[build]\ndockerfile = 'other/Dockerfile'\n", False),
    ],
)  # fmt: skip
def test_image_that_a_platform_builds(build: Build, name: str, text: str, found: bool) -> None:
    images = build({**_IMAGES, name: text}).facts(ContainerImage)
    assert ("backend/Dockerfile" in {each.place.path for each in images}) is found


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("save.sh", 'sqlite3 "$DB" ".backup \'$FILE\'"\n', True),
        ("save.sh", "sqlite3 shop.db .dump | gzip > shop.sql.gz\n", True),
        ("save.sh", "sqlite3 shop.db 'select 1'\n", False),
        ("copy.py", "import sqlite3\nsqlite3.connect('a').backup(target)\n", False),
    ],
)
def test_scripts_that_save_a_file_of_sqlite(
    build: Build, name: str, text: str, found: bool
) -> None:
    assert bool(build({name: text}).facts(BackupScript)) is found


@pytest.mark.parametrize("name", ["compose.other.yml", "compose.prod.yml"])
def test_what_is_laid_over_a_file_is_told_once(build: Build, name: str) -> None:
    base = "services:\n  web:\n    build: .\n"
    over = "services:\n  web:\n    environment: {A: b}\n"
    found = build({"compose.yml": base, name: over}).facts(Container)
    assert [c.place.path for c in found if not c.restarts] == ["compose.yml"]
