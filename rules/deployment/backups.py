from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.assess.rule import Reference, Rule, cwe
from auditor.assess.verdict import (
    Evidence,
    Severity,
    State,
    Verdict,
    judge,
    not_applicable,
    present,
    unknown,
)
from auditor.link.application import Application
from auditor.model.containers import Container
from auditor.model.data import Connection, Query
from auditor.model.deployment import (
    BackupScript,
    Command,
    ManagedDatabase,
    PipelineStep,
    ScheduledTask,
)
from auditor.model.pipelines import Job
from auditor.model.places import Place
from auditor.model.settings import FrameworkSetting, LocalSettings, in_service
from auditor.model.values import settings_in
from auditor.model.web import Route, WebApp

_DUMPS = re.compile(
    r"mongodump|pg_dump|create-db-(?:cluster-)?snapshot|mysqldump|mariadb-dump|pgbackrest|wal-g|wal-e|restic|velero|barman|pg_basebackup|litestream"
    r"|borgmatic|\bkopia\b|duplicity|dbbackup|cloudnative-pg|xtrabackup|\bbackups?\b|(?:db|database|mongo|postgres|mysql)[-_]?backup"
    r"|backup[-_]?(?:\w+_)?(?:db|database|mongo|postgres|mysql)|(?:create|make|run|do|perform|execute|take|trigger|scheduled?|auto\w*)_(?:\w+_)?backups?\b|\b_?backup_(?:task|job)\b",
    re.I,
)
_LOCK = re.compile(r"lock|tf_?state|terraform[-_]?state", re.I)
"""What Terraform keeps for itself."""
_TABLE = re.compile(r"[Tt]able|dynamodb", re.I)
"""Tables of DynamoDB, which the code asks by HTTP."""
_ABOUT = re.compile(r"\b[\w-]+\s+--version\b|\b(?:apt-get|apt|apk|dnf|yum|brew)\s+[^\n;&|]*")
"""What tells of a tool or installs it does not run it."""
_WRITES = {"insert_one", "insert_many", "update_one", "update_many", "delete_one", "delete_many", "replace_one", "bulk_write", "find_one_and_update", "insert", "update", "delete"}  # fmt: skip


def _deployed_from(application: Application) -> tuple[str, Place] | None:
    """Another repository that a pipeline writes the new version into, for what watches it to deploy."""
    for job in application.facts(Job):
        named = next((value for s in job.steps for key, value in s.arguments if key == "repository" and "checkout" in s.uses), "")  # fmt: skip
        pushes = next((s for s in job.steps if re.search(r"\bgit push\b|\bkustomize edit\b", s.run)), None)  # fmt: skip
        if named and pushes is not None and job.active:
            return named, pushes.place
    return None


def _fragile(application: Application) -> Iterator[Evidence]:
    for store in application.facts(ManagedDatabase):
        if store.backups and store.fragile:
            told = f"{store.name} can be deleted together with its backups: {store.fragile}"
            yield Evidence(store.place, State.WEAK, Severity.LOW, told, f"{store.name} deletion")


_OF_CODE = re.compile(r"github\.repository\b|\bgit\s+(?:clone|bundle)\b")
"""A pipeline that saves the repository itself."""
_CONFIGURED = {"DATABASES", "SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_BINDS"}


class Backups(Rule):
    """The database is backed up, on a schedule.

    Counts are: a service, cron job, systemd timer, operator's resource, scheduled task or scheduled
    pipeline that dumps the database, or a managed database whose file (Terraform, Render, …) says that
    it is backed up. One whose file turns backups off is critical; a dump script that nothing schedules
    is decorative; a database that one command deletes together with its backups is low. Where a platform runs the database and the file does not tell, the verdict is
    unknown. An application that only reads is medium. Backups that a provider makes without a word in
    the repository cannot be seen: declare them with a waiver that names where they are described.
    Whether a restore was ever tried cannot be seen either.
    """

    id = "backups"
    title = "Backup strategy"
    section = "deployment"
    seeks = True
    severity = Severity.CRITICAL
    risk = "One wrong command, one failed disk or one intruder, and all data is gone."
    fix = "Schedule a dump to another place, keep several, and try a restore before launch."
    references = (
        cwe(693),
        Reference("MongoDB: backup methods", "https://www.mongodb.com/docs/manual/core/backups/"),
    )
    effort = "medium"

    def assess(self, application: Application) -> Verdict:
        connections = application.facts(Connection)
        writes = [q for q in application.facts(Query) if q.operation in _WRITES]
        configured = [s for s in application.facts(FrameworkSetting) if s.name in _CONFIGURED]
        managed = [s for s in application.facts(ManagedDatabase) if not _LOCK.search(s.name)]
        elsewhere = any("Supabase" in store.name or _TABLE.search(store.name) for store in managed)
        if not connections and not writes and not configured and not elsewhere:
            local = application.facts(LocalSettings)
            if local and any(app.framework == "Django" for app in application.facts(WebApp)):
                return unknown(
                    f"The database is set in {local[0].name}, which lies outside of this tree ({local[0].place}).",
                    "Look at the backups of that database: a schedule, and how long they are kept.",
                )
            return not_applicable("the application writes to no database")
        scheduled = list(self._scheduled(application))
        if scheduled:
            return judge(
                "The database is backed up on a schedule.", [*scheduled, *_fragile(application)]
            )
        untold = [store for store in managed if store.backups is None]
        off = [store for store in managed if store.backups is False]
        if untold and not off:
            name = untold[0].name
            return unknown(
                f"{name} runs the database, and its file does not tell of backups ({untold[0].place}).",
                f"Look at the backups of {name}: a schedule, and how long they are kept.",
            )
        if not off and not application.facts(BackupScript):
            if (away := _deployed_from(application)) is not None:
                name, place = away
                return unknown(
                    f"What is deployed stands in another repository, {name} ({place}).",
                    f"Look in {name} for a job that dumps the database, or for a managed database's backups.",
                )
        changes = writes or any(route.writes for route in application.facts(Route))
        severity = Severity.CRITICAL if changes else Severity.MEDIUM
        evidence = [
            Evidence(
                store.place,
                State.ABSENT,
                severity,
                f"{store.name} is not backed up, by its own file",
                store.name,
            )
            for store in off
        ]
        evidence += [
            Evidence(
                script.place,
                State.DECORATIVE,
                severity,
                f"{script.name} runs {script.tool}, and nothing schedules it",
                script.name,
            )
            for script in application.facts(BackupScript)
        ]
        if not evidence:
            own = [c for c in connections if any(True for _ in settings_in(c.url))]
            served = [c for c in connections if c.store != "sqlite"]
            chosen = own or served or connections  # an address from a setting is its own
            serving = {s.place.path for s in in_service(configured)}
            chosen = sorted(chosen, key=lambda c: bool(serving) and c.place.path not in serving)
            places = [each.place for each in chosen] + [each.place for each in writes]
            places += [each.place for each in in_service(configured)]
            place = places[0]
            evidence = [
                Evidence(place, State.ABSENT, severity, "nothing backs up this database", "backups")
            ]
        return judge("No backup of the database is scheduled.", evidence, confidence="medium")

    def _scheduled(self, application: Application) -> Iterator[Evidence]:
        scripts = [script.name for script in application.facts(BackupScript)]

        def dumps(text: str) -> bool:
            text = _ABOUT.sub("", text)
            words = set(re.findall(r"[\w.-]+", text))
            return bool(_DUMPS.search(text)) or any(name in words for name in scripts)

        for command in application.facts(Command):
            recurring = command.schedule or command.source.startswith("service ")
            if recurring and dumps(f"{command.source} {command.text}"):
                yield present(
                    command.place, f"{command.source} backs up the database", command.source
                )
        for each in application.facts(Container):  # one that keeps its own clock
            if each.source.startswith(("Deployment", "StatefulSet")) and dumps(f"{each.source} {each.image}"):  # fmt: skip
                yield present(each.place, f"{each.source} backs up the database", each.source)
        for step in application.facts(PipelineStep):
            of_code = _OF_CODE.search(step.text) is not None
            if step.scheduled and step.active and dumps(step.text) and not of_code:
                yield present(step.place, "a scheduled pipeline backs up the database", "pipeline")
        for task in application.facts(ScheduledTask):
            if dumps(task.words):
                yield present(task.place, "a scheduled task backs up the database", "task")
        for store in application.facts(ManagedDatabase):
            if store.backups:
                yield present(store.place, f"{store.name} is backed up by its platform", store.name)

    good = (
        {  # a thread of its own goes round
            "app.py": """
import os
import threading
import time
from pymongo import MongoClient
from fastapi import FastAPI
db = MongoClient(os.environ["MONGO_URL"]).shop
db.leads.insert_one({"a": 1})
app = FastAPI()

def run_backup():
    os.system("mongodump --archive=/backup/shop")

def loop():
    while True:
        run_backup()
        time.sleep(86400)

threading.Thread(target=loop, daemon=True).start()
"""
        },
        {
            "app.py": """
import os
from pymongo import MongoClient
db = MongoClient(os.environ["MONGO_URL"]).shop
db.leads.insert_one({"a": 1})
""",
            ".github/workflows/backup.yml": """
on:
  schedule:
    - cron: "0 3 * * *"
jobs:
  dump:
    steps:
      - run: ./backup.sh
""",
            "backup.sh": "mongodump --uri $MONGO_URL --archive | aws s3 cp - s3://shop-backups/latest\n",
        },
        {  # Django and a timer of systemd
            "shop/settings.py": """
INSTALLED_APPS = []
ROOT_URLCONF = "shop.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop"}}
""",
            "ops/shop-dump.service": "[Service]\nExecStart=/usr/local/bin/dump.sh\n",
            "ops/shop-dump.timer": "[Timer]\nOnCalendar=daily\n",
            "ops/dump.sh": "#!/bin/sh\npg_dump shop | gzip > /backup/shop.gz\n",
        },
        {  # an operator, and Terraform
            "app.py": "import os\nfrom sqlalchemy import create_engine\nengine = create_engine(os.environ['DATABASE_URL'])\n",
            "k8s/backup.yaml": """
apiVersion: postgresql.cnpg.io/v1
kind: ScheduledBackup
metadata:
  name: nightly
spec:
  schedule: "0 0 3 * * *"
""",
        },
        {
            "app.py": "import os\nfrom sqlalchemy import create_engine\nengine = create_engine(os.environ['DATABASE_URL'])\n",
            "infra/main.tf": """
resource "aws_db_instance" "main" {
  engine                  = "postgres"
  backup_retention_period = 14
}
""",
        },
        {  # a template of CloudFormation
            "app.py": "import os\nfrom sqlalchemy import create_engine\nengine = create_engine(os.environ['DATABASE_URL'])\n",
            "cloudformation/database.yml": """
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Snapshot
    Properties:
      BackupRetentionPeriod: 7
      DeletionProtection: true
""",
        },
        {
            "app.py": "import sqlite3\ndb = sqlite3.connect('/data/shop.db')\n",
            "tasks.py": """
import subprocess
from apscheduler.schedulers.background import BackgroundScheduler

def nightly():
    subprocess.run(["litestream", "snapshots"])

scheduler = BackgroundScheduler()
scheduler.add_job(nightly, "cron", hour=3)
""",
        },
    )
    bad = (
        {  # a table that the code asks by HTTP, and one that Terraform locks
            "app.py": "import boto3\nfrom fastapi import FastAPI\napp = FastAPI()\nleads = boto3.resource('dynamodb').Table('leads')\n\n@app.post('/leads')\ndef add(body: dict):\n    leads.put_item(Item=body)\n",
            "main.tf": 'resource "aws_dynamodb_table" "locks" {\n  name = "locks"\n}\nresource "aws_dynamodb_table" "leads" {  # expect: critical\n  name = "leads"\n  point_in_time_recovery {\n    enabled = false\n  }\n}\n',
        },
        {  # a scheduled pipeline that only tells the version of the tool
            "app.py": """
import os
from pymongo import MongoClient
db = MongoClient(os.environ["MONGO_URL"]).shop  # expect: critical
db.leads.insert_one({"a": 1})
""",
            ".github/workflows/nightly.yml": """
on:
  schedule:
    - cron: "0 3 * * *"
jobs:
  check:
    steps:
      - run: sudo apt-get install -y mongodump && mongodump --version
""",
        },
        {
            "app.py": """
import os
from pymongo import MongoClient
db = MongoClient(os.environ["MONGO_URL"]).shop  # expect: critical
db.leads.insert_one({"a": 1})
"""
        },
        {
            "app.py": "from pymongo import MongoClient\ndb = MongoClient().shop\ndb.leads.insert_one({})\n",
            "backup.sh": "mongodump --archive=/backup/today  # expect: critical\n",
        },
        {
            "app.py": "import os\nfrom sqlalchemy import create_engine\nengine = create_engine(os.environ['DATABASE_URL'])\n",
            "main.tf": """
resource "aws_db_instance" "shop" {  # expect: low
  backup_retention_period = 7
  skip_final_snapshot     = true
}
""",
        },
        {
            "app.py": """
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql://db/shop"
db = SQLAlchemy(app)

@app.post("/orders")
def order():
    db.session.commit()
    return ""
""",
            "main.tf": """
resource "google_sql_database_instance" "shop" {  # expect: critical
  settings {
    backup_configuration {
      enabled = false
    }
  }
}
""",
        },
        {
            "settings.py": """
ROOT_URLCONF = "urls"
INSTALLED_APPS = []
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}  # expect: medium
""",
            "manage.py": "import os\nfrom django.core.management import execute_from_command_line\nos.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\n",
        },
    )
