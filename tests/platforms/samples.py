"""A small sample of every kind of deployment file, and what it must yield in the model.

The table of docs/deployment.md is made of these: `python -m tests.platforms.samples` writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from auditor.link.application import Application
from auditor.model.containers import Container, ContainerImage
from auditor.model.deployment import (
    Bot,
    Command,
    HealthProbe,
    LoadTest,
    ManagedDatabase,
    ProxyLocation,
    ServerRun,
)
from auditor.model.operations import LogSetup, Telemetry, Tracker
from auditor.model.pipelines import DependencyScan, Job, PushDeployment
from auditor.model.settings import EnvironmentNames, SettingDefinition
from auditor.model.transport import HttpsRedirect, ResponseHeader, TlsEnd

DOCUMENT = Path(__file__).parents[2] / "docs" / "deployment.md"


@dataclass(frozen=True)
class Sample:
    """Files by name; `title` as the table shows it."""

    title: str
    files: Mapping[str, str]


def yields(application: Application) -> list[str]:
    """What an application's files say, in the words of the table."""
    return list(dict.fromkeys(_yields(application)))


def _yields(application: Application) -> Iterator[str]:
    facts = application.facts
    commands = facts(Command)
    yield from _if(any(c.text.strip() and not c.schedule for c in commands), "what is started")
    yield from _if(any(c.schedule for c in commands), "what the clock starts")
    yield from _if(facts(ServerRun), "what serves the application")
    yield from _if(facts(HealthProbe), "health probe")
    yield from _if(facts(SettingDefinition), "settings")
    yield from _if(facts(EnvironmentNames), "environments told apart")
    yield from _if(facts(Telemetry), "metrics or traces")
    yield from _if(facts(Tracker), "alarms on errors")
    images = facts(ContainerImage)
    yield from _if(images, "base image")
    yield from _if(any(i.root is not None for i in images), "user of the process")
    yield from _if(any(i.secrets for i in images), "secrets in the image")
    yield from _if(any(i.dotenv or i.unfiltered for i in images), "dotenv files in the image")
    yield from _if(any(i.tools for i in images), "compilers that stay")
    containers = facts(Container)
    yield from _if(containers, "containers")
    yield from _if(any(c.power for c in containers), "power over the host")
    yield from _if(any(c.published for c in containers), "published databases")
    yield from _if(any(c.ephemeral for c in containers), "databases without a volume")
    yield from _if(any(not c.restarts for c in containers), "missing restart policies")
    yield from _if(any(c.unlimited for c in containers), "missing limits")
    stores = facts(ManagedDatabase)
    yield from _if(stores, "managed database")
    yield from _if(any(s.backups is not None for s in stores), "its backups")
    yield from _if(any(s.fragile for s in stores), "its deletion protection")
    jobs = facts(Job)
    steps = [step for job in jobs for step in job.steps]
    yield from _if(jobs, "jobs")
    yield from _if(any(step.tests for step in steps), "tests")
    yield from _if(any(step.deploys for step in steps), "deployments")
    yield from _if(facts(PushDeployment), "deployment of what is pushed")
    yield from _if(any(job.before for job in jobs), "what waits for what")
    yield from _if(any(job.scheduled for job in jobs), "schedules")
    yield from _if(any(job.permissions for job in jobs), "permissions")
    yield from _if(facts(DependencyScan), "dependency scans")
    yield from _if(facts(Bot), "update bot")
    yield from _if(facts(LoadTest), "load test")
    locations = facts(ProxyLocation)
    yield from _if(any(each.limits for each in locations), "rate limits")
    yield from _if(any(each.body is not None for each in locations), "greatest body")
    yield from _if(facts(HttpsRedirect), "HTTPS insisted on")
    yield from _if(facts(TlsEnd), "where TLS ends")
    yield from _if(facts(ResponseHeader), "response headers")
    yield from _if(facts(LogSetup), "how logs are written")


def _if(found: Iterable[object] | bool, word: str) -> Iterator[str]:
    if found if isinstance(found, bool) else any(True for _ in found):
        yield word


def table(rows: Iterable[tuple[str, list[str]]]) -> str:
    lines = ["| file | what it yields |", "| --- | --- |"]
    lines += [f"| {title} | {', '.join(words)} |" for title, words in rows]
    return "\n".join(lines) + "\n"


_APP = {"app.py": "from fastapi import FastAPI\napp = FastAPI()\n"}

SAMPLES = (
    Sample(
        "Dockerfile, `Dockerfile.*`, `*.dockerfile`, Containerfile, with `.dockerignore`",
        {
            "Dockerfile": """
ARG VERSION=3.13
FROM python:${VERSION}-slim AS base
ENV API_KEY=sk_0123456789abcdef PORT=80
RUN apt-get update && apt-get install -y gcc
FROM base
COPY . .
HEALTHCHECK CMD curl -f localhost/health
CMD ["gunicorn", "app:app"]
""",
            ".env": "PASSWORD=correct-horse\n",
        },
    ),
    Sample(
        "compose files: services, `extends`, `include`, profiles, what is laid over them",
        {
            "compose.yml": """
include: [parts/store.yml]
services:
  web:
    extends: {file: parts/common.yml, service: base}
    command: gunicorn app:app
    environment: {LEVEL: info}
    healthcheck: {test: curl -f localhost}
    labels:
      - traefik.http.middlewares.slow.ratelimit.average=10
      - traefik.http.routers.web.middlewares=slow
      - traefik.http.routers.web.tls=true
      - traefik.http.middlewares.s.redirectscheme.scheme=https
""",
            "parts/common.yml": "services:\n  base:\n    build: ..\n    privileged: true\n",
            "parts/store.yml": "services:\n  db:\n    image: postgres:17\n    ports: ['5432:5432']\n",
        },
    ),
    Sample(
        "Kubernetes: workloads, CronJobs, ConfigMaps, operators' resources",
        {
            "k8s/web.yaml": """
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      hostNetwork: true
      containers:
        - name: web
          image: shop:1
          command: [gunicorn, "app:app"]
          env: [{name: LEVEL, value: info}]
          livenessProbe: {httpGet: {path: /live, port: 80}}
---
kind: CronJob
metadata: {name: dump}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {containers: [{image: "postgres:17", command: [pg_dump]}]}}}}
""",
        },
    ),
    Sample(
        "Kubernetes Ingress, and `ingress` in a chart's values",
        {
            "chart/templates/ingress.yaml": """
{{- if .Values.ingress.enabled }}
kind: Ingress
metadata:
  name: {{ .Release.Name }}
  annotations:
    nginx.ingress.kubernetes.io/limit-rps: "{{ .Values.rps }}"
    nginx.ingress.kubernetes.io/proxy-body-size: 8m
spec:
  ingressClassName: nginx
  tls: [{hosts: [shop.example]}]
{{- end }}
""",
        },
    ),
    Sample(
        "Helm templates and values",
        {
            "chart/templates/web.yaml": """
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  template:
    spec:
      containers:
        - name: web
          image: "{{ .Values.image }}"
          env:
            - name: LEVEL
              value: info
          readinessProbe: {httpGet: {path: /ready, port: 80}}
""",
        },
    ),
    Sample(
        "GitHub Actions: workflows, called workflows, composite actions",
        {
            ".github/workflows/ci.yml": """
on:
  push:
  schedule: [{cron: "0 3 * * 1"}]
permissions: {contents: read}
jobs:
  test:
    steps:
      - uses: ./.github/actions/check
      - run: pip-audit
  load:
    steps: [{run: k6 run load.js}]
  ship:
    needs: test
    env: {STAGE: production}
    steps: [{run: flyctl deploy}]
""",
            ".github/actions/check/action.yml": "runs:\n  using: composite\n  steps: [{run: pytest, shell: bash}]\n",
        },
    ),
    Sample(
        "Dependabot, Renovate, PyUp, Mend",
        {".github/dependabot.yml": "updates:\n  - package-ecosystem: pip\n    directory: /\n"},
    ),
    Sample(
        "GitLab CI, with `include` of files, templates and components, and `extends`",
        {
            ".gitlab-ci.yml": "include:\n  - local: /ci/*.yml\n  - template: Jobs/Dependency-Scanning.gitlab-ci.yml\nstages: [check, ship]\n",
            "ci/test.yml": "unit:\n  stage: check\n  extends: .python\n.python:\n  script: pytest\n  variables: {LEVEL: debug}\n",
            "ci/ship.yml": "ship:\n  stage: ship\n  script: helm upgrade shop ./chart\n",
        },
    ),
    Sample(
        "CircleCI",
        {
            ".circleci/config.yml": """
version: 2.1
jobs:
  test: {steps: [checkout, {run: pytest}]}
  ship: {steps: [{run: heroku container:release web}]}
workflows:
  nightly:
    triggers: [{schedule: {cron: "0 3 * * *"}}]
    jobs: [test, {ship: {requires: [test]}}]
""",
        },
    ),
    Sample(
        "Azure Pipelines, with templates",
        {
            "azure-pipelines.yml": """
trigger: [main]
schedules: [{cron: "0 3 * * *"}]
variables: {LEVEL: debug}
stages:
  - stage: test
    jobs: [{job: unit, steps: [{template: pipelines/test.yml}]}]
  - stage: ship
    jobs: [{job: ship, steps: [{script: az webapp deploy}]}]
""",
            "azure-pipelines/unused.yml": "parameters: []\nsteps:\n  - script: pytest\n",
            "pipelines/test.yml": "steps:\n  - script: pytest\n",
        },
    ),
    Sample(
        "Bitbucket, Travis, Cloud Build, CodeBuild, Jenkins",
        {
            "bitbucket-pipelines.yml": "pipelines:\n  default:\n    - step:\n        script: [pytest, serverless deploy]\n",
            "Jenkinsfile": "pipeline { stages { stage('t') { steps { sh 'pytest' } } } }\n",
        },
    ),
    Sample("Procfile", {"Procfile": "web: gunicorn app:app\n"}),
    Sample(
        "`railway.json`, `railway.toml`",
        {
            **_APP,
            "railway.json": '{"deploy": {"startCommand": "gunicorn app:app", "healthcheckPath": "/health"},\n "environments": {"staging": {"variables": {"LEVEL": "debug"}}}}\n',
        },
    ),
    Sample(
        "`render.yaml`",
        {
            **_APP,
            "render.yaml": """
services:
  - {type: web, name: web, startCommand: gunicorn app:app, healthCheckPath: /health, envVars: [{key: LEVEL, value: info}]}
  - {type: cron, name: dump, schedule: "0 3 * * *", startCommand: ./dump.sh}
databases: [{name: shop, plan: standard}]
""",
        },
    ),
    Sample(
        "`fly.toml` (its schedules are machines of their own, which the file does not hold)",
        {
            **_APP,
            "fly.toml": '[processes]\nweb = "gunicorn app:app"\n[env]\nLEVEL = "info"\n[http_service]\nforce_https = true\n[[http_service.checks]]\npath = "/health"\n',
        },
    ),
    Sample(
        "`vercel.json`",
        {
            **_APP,
            "vercel.json": '{"git": {"deploymentEnabled": true}, "builds": [{"src": "app.py", "use": "@vercel/python"}], "env": {"LEVEL": "info"},\n "crons": [{"path": "/dump", "schedule": "0 3 * * *"}]}\n',
        },
    ),
    Sample(
        "`netlify.toml`",
        {"netlify.toml": '[context.production.environment]\nLEVEL = "info"\n'},
    ),
    Sample(
        "Heroku and Dokku: `app.json`, `heroku.yml`",
        {
            "app.json": '{"addons": ["heroku-postgresql"], "env": {"LEVEL": {"value": "info"}},\n "cron": [{"command": "./dump.sh", "schedule": "@daily"}]}\n',
            "heroku.yml": "run:\n  web: gunicorn app:app\n",
        },
    ),
    Sample(
        "DigitalOcean App Platform: `.do/*.yaml`, `app.yaml`",
        {
            **_APP,
            ".do/app.yaml": """
name: shop
services:
  - name: web
    run_command: gunicorn app:app
    github: {branch: main, deploy_on_push: true}
    health_check: {http_path: /health}
    envs: [{key: LEVEL, value: info}]
jobs:
  - {name: dump, kind: SCHEDULED, schedule: {cron: "0 3 * * *"}, run_command: ./dump.sh}
databases: [{name: db, engine: PG, production: true}]
""",
        },
    ),
    Sample(
        "Google App Engine: `app.yaml`, `cron.yaml`",
        {
            **_APP,
            "app.yaml": "runtime: python313\nentrypoint: gunicorn app:app\nliveness_check: {path: /live}\nenv_variables: {LEVEL: info}\nhandlers:\n  - {url: /.*, script: auto, secure: always}\n",
            "cron.yaml": "cron:\n  - {url: /tasks/dump, schedule: every 24 hours}\n",
        },
    ),
    Sample(
        "`serverless.yml`",
        {
            **_APP,
            "serverless.yml": """
provider:
  name: aws
  stage: ${opt:stage, 'dev'}
  tracing: {lambda: true}
  environment: {LEVEL: info, TABLE: "shop-${self:provider.stage}"}
functions:
  web: {handler: wsgi_handler.handler, events: [{httpApi: "*"}]}
  dump: {handler: dump.run, events: [{schedule: rate(1 day)}]}
resources:
  Resources:
    Db: {Type: "AWS::RDS::DBInstance", Properties: {BackupRetentionPeriod: 7}}
""",
        },
    ),
    Sample(
        "Zappa: `zappa_settings.json`",
        {
            **_APP,
            "zappa_settings.json": """
{"dev": {"app_function": "app.app"},
 "production": {"app_function": "app.app", "xray_tracing": true, "environment_variables": {"LEVEL": "info"},
   "events": [{"function": "dump.run", "expression": "rate(1 day)"}]}}
""",
        },
    ),
    Sample(
        "CloudFormation and SAM templates",
        {
            **_APP,
            "template.yaml": """
Resources:
  Api: {Type: "AWS::Serverless::HttpApi"}
  Traced: {Type: "AWS::Serverless::Api", Properties: {TracingEnabled: true}}
  Dump:
    Type: AWS::Serverless::Function
    Properties:
      Handler: dump.run
      Environment: {Variables: {LEVEL: info}}
      Events: {Daily: {Type: Schedule, Properties: {Schedule: rate(1 day)}}}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties: {ContainerDefinitions: [{Name: web, Command: [gunicorn, "app:app"]}]}
  Target: {Type: "AWS::ElasticLoadBalancingV2::TargetGroup", Properties: {HealthCheckPath: /health}}
  Db:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Delete
    Properties: {BackupRetentionPeriod: !Ref Days}
  Orders:
    Type: AWS::DynamoDB::Table
    Properties: {PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true}}
""",
        },
    ),
    Sample(
        "Cloud Foundry: `manifest*.yml`",
        {
            "manifest.yml": """
applications:
  - name: shop
    command: gunicorn app:app
    health-check-http-endpoint: /health
    services: [shop-rds]
    env: {LEVEL: info}
""",
        },
    ),
    Sample(
        "Terraform: databases of AWS, Azure, Google, DigitalOcean, Atlas …, modules, load balancers, gateways (WAF, API Gateway, Cloudflare, Cloud Armor), what is started with which settings",
        {
            **_APP,
            "main.tf": """
resource "aws_db_instance" "shop" {
  backup_retention_period = 7
  skip_final_snapshot = true
}
resource "aws_cloudwatch_metric_alarm" "failing" {
  metric_name = "HTTPCode_Target_5XX_Count"
  alarm_actions = [aws_sns_topic.alerts.arn]
}
resource "aws_backup_plan" "daily" {
  rule { schedule = "cron(0 3 * * ? *)" }
}
resource "render_web_service" "web" {
  start_command = "gunicorn app:app"
}
resource "aws_lb_target_group" "web" {
  health_check {
    path = "/health"
  }
}
module "service" {
  env_vars = {
    LEVEL = "info"
  }
}
resource "aws_apigatewayv2_stage" "live" {
  default_route_settings {
    throttling_rate_limit = 50
  }
}
resource "aws_lb_listener" "plain" {
  default_action {
    redirect {
      protocol = "HTTPS"
    }
  }
}
""",
        },
    ),
    Sample(
        "nginx configuration and templates of it, with what it includes (`.platform/nginx` of Elastic Beanstalk, too)",
        {
            "nginx.conf": """
http {
  limit_req_zone $binary_remote_addr zone=all:10m rate=5r/s;
  add_header X-Content-Type-Options nosniff;
  server { listen 80; return 301 https://$host$request_uri; }
  server {
    listen 443 ssl;
    location / { limit_req zone=all; include snippets/handed-on.conf; }
  }
}
""",
            "snippets/handed-on.conf": "proxy_pass http://app:8000;\nclient_max_body_size 8m;\n",
        },
    ),
    Sample(
        "Caddyfile",
        {
            "Caddyfile": "shop.example {\n  header X-Content-Type-Options nosniff\n  request_body { max_size 8MB }\n  rate_limit { zone all { key {remote_host} } }\n  reverse_proxy app:8000\n}\n",
        },
    ),
    Sample(
        "Traefik: static and dynamic files (labels: see compose)",
        {
            "traefik/traefik.yml": "entryPoints:\n  web:\n    http: {redirections: {entryPoint: {to: websecure, scheme: https}}}\n",
            "traefik/dynamic.yml": """
http:
  middlewares:
    slow: {rateLimit: {average: 10}}
    small: {buffering: {maxRequestBodyBytes: 8000000}}
  routers:
    web: {rule: "PathPrefix(`/`)", middlewares: [slow, small]}
""",
        },
    ),
    Sample(
        "Kong's declarative file",
        {
            "kong.yml": """
_format_version: "3.0"
services:
  - name: shop
    url: http://web:8000
    routes: [{name: api, paths: [/api], strip_path: false}]
plugins:
  - name: rate-limiting
    config: {minute: 5}
"""
        },
    ),
    Sample(
        "systemd units and timers, crontabs",
        {
            "ops/web.service": "[Service]\nEnvironment=LEVEL=info\nExecStart=/usr/bin/gunicorn app:app\n",
            "ops/dump.service": "[Service]\nExecStart=/usr/bin/dump.sh\n",
            "ops/dump.timer": "[Timer]\nOnCalendar=daily\n",
            "ops/crontab": "0 3 * * * root /usr/bin/dump.sh\n",
        },
    ),
    Sample(
        "Ansible: cron jobs of playbooks and roles",
        {
            "roles/db/tasks/main.yml": '- name: nightly dump\n  ansible.builtin.cron: {name: dump, hour: "3", job: /usr/bin/dump.sh}\n',
        },
    ),
    Sample(
        "supervisor, Nixpacks, Platform.sh",
        {
            "supervisord.conf": "[program:web]\ncommand=gunicorn app:app\n",
            "nixpacks.toml": '[start]\ncmd = "gunicorn app:app"\n[variables]\nLEVEL = "info"\n',
            ".platform.app.yaml": "web: {commands: {start: gunicorn app:app}}\ncrons:\n  dump: {spec: 0 3 * * *, cmd: ./dump.sh}\n",
        },
    ),
    Sample(
        "logging files for `fileConfig`, `dictConfig` and `--log-config`",
        {
            "app.py": "import logging.config\nfrom fastapi import FastAPI\nlogging.config.fileConfig('logging.ini')\napp = FastAPI()\n",
            "logging.ini": "[formatters]\nkeys = plain\n[handlers]\nkeys = console\n",
        },
    ),
    Sample(
        "scenarios of k6, Locust, JMeter, Artillery, Gatling, Molotov, Taurus",
        {"load/locustfile.py": "from locust import HttpUser\n"},
    ),
    Sample(
        "dotenv files, those of other names that a compose file or the code names",
        {".env.production": "LEVEL=info\n"},
    ),
    Sample(
        "settings files of Dynaconf (TOML, YAML, JSON)",
        {
            "conf.py": "from dynaconf import Dynaconf\nsettings = Dynaconf()\n",
            "settings.toml": '[production]\nlevel = "info"\n',
        },
    ),
)


def main() -> None:
    import tempfile

    from tests.conftest import load, write

    rows = []
    for sample in SAMPLES:
        with tempfile.TemporaryDirectory() as folder:
            rows.append((sample.title, yields(load(write(Path(folder), sample.files)))))
    head, mark, _ = DOCUMENT.read_text().partition("| file | what it yields |")
    DOCUMENT.write_text(head + table(rows) if mark else head + "\n" + table(rows))


if __name__ == "__main__":
    main()
