"""CloudFormation and SAM templates, and the resources of serverless.yml.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/ and
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/. RDS keeps automated backups for one
day unless told otherwise, 0 turns them off; a reference to a parameter is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, items, read_json, read_yaml, text_at
from auditor.extract.readers.platforms import HttpsOnly, ManagedStore, Probe, Process, Traced
from auditor.extract.source import Source, extracts

_Path = tuple[str | int, ...]
_RETAINED = {
    "AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::DocDB::DBCluster", "AWS::Neptune::DBCluster",
}  # fmt: skip


@extracts(Kind.PLATFORM, name=r".+\.(?:ya?ml|json|template)")
def templates(source: Source) -> Iterator[Fact]:
    if "AWS::" not in source.text or "{{-" in source.text:
        return
    is_json = source.text.lstrip().startswith("{")
    for document in [read_json(source.text)] if is_json else read_yaml(source.text):
        if "Resources" in (document.data if isinstance(document.data, dict) else ()):
            yield from resources(document, ("Resources",))


@extracts(Kind.PLATFORM, name=r"serverless\.ya?ml")
def serverless_resources(source: Source) -> Iterator[Fact]:
    for document in read_yaml(source.text):
        yield from resources(document, ("resources", "Resources"))


def resources(document: Document, path: _Path) -> Iterator[Fact]:
    """What the resources of a template at `path` yield."""
    for name, resource in items(at(document.data, *path)):
        kind, properties = text_at(resource, "Type"), at(resource, "Properties")
        line = document.line(*path, name)
        if (
            str(at(properties, "TracingEnabled")).lower() == "true"
            or at(properties, "Tracing") == "Active"
        ):
            yield Traced("AWS X-Ray", line)
        if kind in _RETAINED:
            yield from _database(name, resource, line)
        elif kind == "AWS::DynamoDB::Table":
            key = ("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")
            yield ManagedStore("CloudFormation", name, _flag(at(properties, *key), False), line)
        elif kind == "AWS::Backup::BackupPlan":
            yield Process("CloudFormation", name, f"backup {name}", "scheduled", line)
        elif kind == "AWS::Events::Rule" and at(properties, "ScheduleExpression"):
            schedule = text_at(properties, "ScheduleExpression")
            yield Process("CloudFormation", name, name, schedule, line)
        elif kind == "AWS::Serverless::Function":
            yield from _function(name, properties, line)
        elif kind in ("AWS::Serverless::Api", "AWS::Serverless::HttpApi"):
            yield HttpsOnly("API Gateway", line)
        elif kind == "AWS::ElasticLoadBalancingV2::Listener":
            for action in _list(at(properties, "DefaultActions")):
                if text_at(action, "RedirectConfig", "Protocol") == "HTTPS":
                    yield HttpsOnly("the load balancer", line)
        elif kind == "AWS::ElasticLoadBalancingV2::TargetGroup":
            if check := text_at(properties, "HealthCheckPath"):
                yield Probe("the load balancer", check, line)
        elif kind == "AWS::ECS::TaskDefinition":
            for container in _list(at(properties, "ContainerDefinitions")):
                title = text_at(container, "Name")
                command = f"{text_at(container, 'EntryPoint')} {text_at(container, 'Command')}"
                if command.strip():
                    yield Process("ECS", title, command.strip(), "", line)
                if check := text_at(container, "HealthCheck", "Command"):
                    yield Probe("ECS", check, line)


def _database(name: str, resource: Any, line: int) -> Iterator[Fact]:
    properties = at(resource, "Properties")
    if at(properties, "SourceDBInstanceIdentifier") or at(properties, "DBClusterIdentifier"):
        if text_at(resource, "Type").endswith("Instance"):
            return  # a replica, or a member of a cluster that is backed up as a whole
    kept = at(properties, "BackupRetentionPeriod")
    backups = True if kept is None else int(kept) > 0 if str(kept).isdigit() else None
    protected = _flag(at(properties, "DeletionProtection"), False)
    fragile = ""
    if text_at(resource, "DeletionPolicy") == "Delete" and protected is False:
        fragile = "DeletionPolicy: Delete without DeletionProtection"
    yield ManagedStore("CloudFormation", name, backups, line, fragile)


def _function(name: str, properties: Any, line: int) -> Iterator[Fact]:
    for _, event in items(at(properties, "Events")):
        if text_at(event, "Type") in ("Schedule", "ScheduleV2"):
            schedule = text_at(event, "Properties", "Schedule") or text_at(
                event, "Properties", "ScheduleExpression"
            )
            handler = f"{name} {text_at(properties, 'Handler')}".strip()
            yield Process("CloudFormation", name, handler, schedule or "scheduled", line)


def _flag(value: Any, default: bool | None) -> bool | None:
    """True, False, or None where a parameter decides."""
    if value is None:
        return default
    return {"true": True, "false": False}.get(str(value).lower())


def _list(data: Any) -> list[Any]:
    return data if isinstance(data, list) else []
