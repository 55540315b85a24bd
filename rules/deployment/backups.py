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
)
from auditor.link.application import Application
from auditor.model.data import Connection, Query
from auditor.model.deployment import (
    BackupScript,
    Command,
    ManagedDatabase,
    PipelineStep,
)
from auditor.model.web import Route

_DUMPS = re.compile(
    r"mongodump|pg_dump|mysqldump|pgbackrest|wal-g|restic|velero|barman|pg_basebackup|\bbackups?\b"
    r"|(?:db|database|mongo|postgres|mysql)[-_]?backup|backup[-_]?(?:db|database|mongo|postgres|mysql)",
    re.I,
)
_WRITES = {"insert_one", "insert_many", "update_one", "update_many", "delete_one", "delete_many", "replace_one", "bulk_write", "find_one_and_update"}  # fmt: skip


class Backups(Rule):
    """The database is backed up, on a schedule.

    Counts are: a service, cron job or scheduled pipeline that dumps the database, or a managed
    database whose file says that it is backed up. A dump script that nothing schedules is decorative.
    Backups that a provider makes without a word in the repository cannot be seen: declare them with a
    waiver that names where they are described.
    """

    id = "backups"
    title = "Backup strategy"
    section = "deployment"
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
        if not connections and not writes:
            return not_applicable("the application writes to no database")
        scheduled = list(self._scheduled(application))
        if scheduled:
            return judge("The database is backed up on a schedule.", scheduled)
        changes = writes or any(route.writes for route in application.facts(Route))
        severity = Severity.CRITICAL if changes else Severity.MEDIUM
        evidence = [
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
            place = connections[0].place if connections else writes[0].place
            evidence = [
                Evidence(place, State.ABSENT, severity, "nothing backs up this database", "backups")
            ]
        return judge("No backup of the database is scheduled.", evidence, confidence="medium")

    def _scheduled(self, application: Application) -> Iterator[Evidence]:
        scripts = [script.name for script in application.facts(BackupScript)]

        def dumps(text: str) -> bool:
            return bool(_DUMPS.search(text)) or any(name in text for name in scripts)

        for command in application.facts(Command):
            recurring = command.schedule or command.source.startswith("service ")
            if recurring and dumps(f"{command.source} {command.text}"):
                yield present(
                    command.place, f"{command.source} backs up the database", command.source
                )
        for step in application.facts(PipelineStep):
            if step.scheduled and step.active and dumps(step.text):
                yield present(step.place, "a scheduled pipeline backs up the database", "pipeline")
        for store in application.facts(ManagedDatabase):
            if store.backups:
                yield present(store.place, f"{store.name} is backed up by its platform", store.name)

    good = (
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
    )
    bad = (
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
    )
