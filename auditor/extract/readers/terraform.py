"""Terraform: managed databases and whether they are backed up, as far as literals tell.

https://developer.hashicorp.com/terraform/language/syntax/configuration and the providers' documentation.
The reader is tolerant: blocks, and attributes with literal values; expressions stay unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.readers.gateways import GatewayLimit
from auditor.extract.readers.platforms import (
    Alarm,
    HttpsOnly,
    ManagedStore,
    Probe,
    Process,
    Traced,
    Variable,
)
from auditor.extract.source import Source, extracts

_MAX_DEPTH = 20
_OPEN = re.compile(r"^([\w-]+)((?:[ \t]+(?:\"[^\"\n]*\"|[\w-]+))*)[ \t]*\{[ \t]*(\})?")
_ATTRIBUTE = re.compile(r"^\"?([\w-]+)\"?[ \t]*=[ \t]*(.*)$")


@dataclass
class Block:
    """`kind "label" … { … }`; attributes are texts, unquoted."""

    kind: str
    labels: list[str]
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    """Where each attribute stands."""

    def hold(self, attribute: re.Match[str], line: int) -> None:
        self.attributes[attribute[1]] = attribute[2].split(" #")[0].strip().strip('"')
        self.lines[attribute[1]] = line

    def walk(self) -> Iterator[Block]:
        yield self
        for block in self.blocks:
            yield from block.walk()

    def all(self, name: str) -> Iterator[str]:
        if name in self.attributes:
            yield self.attributes[name]
        for block in self.blocks:
            yield from block.all(name)

    def below(self, kind: str) -> Block | None:
        for block in self.blocks:
            if block.kind == kind:
                return block
            if found := block.below(kind):
                return found
        return None


def blocks(text: str) -> list[Block]:
    """The top-level blocks of a file; what does not look like one is passed over."""
    root = Block("", [], 0)
    stack = [root]
    ends = ""
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if ends:
            if line == ends:
                ends = ""
            continue
        if not line or line.startswith(("#", "//")):
            continue
        if match := re.search(r"<<-?(\w+)$", line):
            ends = match[1]
            continue
        if opened := _OPEN.match(line):
            block = Block(opened[1], re.findall(r"[\w.-]+", opened[2]), number)
            stack[-1].blocks.append(block)
            rest = line[opened.end() :].strip()
            if rest.endswith("}") and not opened[3]:
                _all_in_one(block, rest, number)
            elif not opened[3] and len(stack) < _MAX_DEPTH:
                stack.append(block)
        elif found := _ATTRIBUTE.match(line):
            stack[-1].hold(found, number)
            value = found[2].split(" #")[0].strip()
            if value.endswith("{") and len(stack) < _MAX_DEPTH:
                stack.append(Block(found[1], [], number))
                stack[-2].blocks.append(stack[-1])
            elif inside := re.search(r"\{(.+)\}[\])]*$", value):
                block = Block(found[1], [], number)
                _all_in_one(block, inside[1], number)
                stack[-1].blocks.append(block)
        else:
            if re.match(r"[\])]*\}", line) and len(stack) > 1:
                stack.pop()
            if line.endswith("{") and len(stack) < _MAX_DEPTH:  # an item of a list
                stack.append(Block("", [], number))
                stack[-2].blocks.append(stack[-1])
            elif line.startswith("{"):
                block = Block("", [], number)
                _all_in_one(block, line[1:], number)
                stack[-1].blocks.append(block)
    return root.blocks


def _all_in_one(block: Block, text: str, line: int) -> None:
    """The attributes of a block that stands in one line."""
    for part in re.split(r",\s*(?=\"?[\w-]+\"?\s*=)", text.rstrip("}]), ")):
        if found := _ATTRIBUTE.match(part.strip()):
            block.hold(found, line)


_ALWAYS = re.compile(
    r"azurerm_(?:postgresql|mysql|mariadb)(?:_flexible)?_server|azurerm_mssql_(?:database|managed_database)|azurerm_sql_database"
    r"|azurerm_cosmosdb_account|digitalocean_database_cluster|aiven_(?:pg|mysql)|aws_rds_cluster|aws_docdb_cluster|aws_neptune_cluster"
    r"|scaleway_rdb_instance|upstash_.*|neon_project|planetscale_.*|cloudfoundry_service_instance_rds"
)
"""Resources that are backed up unless they are told not to."""


_RUN_ELSEWHERE = re.compile(
    r"aws_(?:db_instance|rds_cluster|docdb_cluster)|google_sql_database_instance|azurerm_(?:postgresql|mysql)\w*_server|azurerm_mssql_\w+"
    r"|mongodbatlas_(?:advanced_)?cluster|digitalocean_database_cluster"
)
"""Databases that other code set up, and this one looks up."""


@extracts(Kind.PLATFORM, name=r".+\.tf")
def terraform(source: Source) -> Iterator[Fact]:
    for block in blocks(source.text):
        if block.kind == "variable" and block.labels and "default" in block.attributes:
            default = block.attributes["default"]
            if _PLAIN.fullmatch(default):
                yield Variable(block.labels[0], default, False, block.line)
        if block.kind == "module" and block.labels:
            yield from _module(block)
        if block.kind == "data" and block.labels and _RUN_ELSEWHERE.fullmatch(block.labels[0]):
            yield ManagedStore("Terraform", f"data.{block.labels[0]}.{block.labels[-1]}", None, block.line)  # fmt: skip
        if block.kind != "resource" or not block.labels:
            continue
        kind, name = block.labels[0], block.labels[-1]
        backups = _backed_up(kind, block)
        if not isinstance(backups, str):
            variable = _variable(block) if backups is None else ""
            yield ManagedStore("Terraform", f"{kind}.{name}", backups, block.line, _fragile(kind, block), variable)  # fmt: skip
        yield from _limits(kind, name, block)
        if line := _https_only(kind, block):
            yield HttpsOnly(kind, line)
        yield from _probes(kind, block)
        if kind in _ALARMS:
            what = _ALARMS[kind]
            yield Traced(what, block.line)
            watched = " ".join(
                [*block.all("metric_name"), *block.all("filter"), *block.all("query")]
            )
            told = kind != "aws_cloudwatch_metric_alarm" or any(block.all("alarm_actions"))
            if told and re.search(r"5xx|Http5|response_code_class|^Errors$", watched, re.I):
                yield Alarm(f"an alarm of {what}", block.line)
        if kind in (
            "aws_backup_plan",
            "mongodbatlas_cloud_backup_schedule",
            "google_backup_dr_backup_plan",
            "azurerm_data_protection_backup_policy_postgresql",
        ):
            schedule = next(block.all("schedule"), "") or "scheduled"
            yield Process("Terraform", name, f"backup {kind}", schedule, block.line)
        if kind.startswith("render_") and (command := block.attributes.get("start_command")):
            if not re.match(r"[a-z]+\.[\w.]+$", command):
                schedule = block.attributes.get("schedule", "")
                yield Process("Terraform", name, command, schedule, block.line)


def _limits(kind: str, name: str, block: Block) -> Iterator[GatewayLimit]:
    """Rate limits of the cloud's gateways for all that they hand on; those for some paths alone are left out."""
    rate = block.below("rate_based_statement") if kind == "aws_wafv2_web_acl" else None
    if rate is not None and rate.below("scope_down_statement") is None:
        yield GatewayLimit("AWS WAF", name, "", rate.line)
    throttled = kind in _THROTTLED and any(
        int(v) > 0 for v in block.all(_THROTTLED[kind]) if v.isdigit()
    )
    if throttled and block.attributes.get("method_path", "*/*") == "*/*":
        yield GatewayLimit("API Gateway", name, "", block.line)
    if kind == "cloudflare_rate_limit" and (
        path := _of_pattern(next(block.all("url_pattern"), "*"))
    ):
        yield GatewayLimit("Cloudflare", name, path, block.line)
    if kind == "cloudflare_ruleset" and block.attributes.get("phase") == "http_ratelimit":
        for rule in block.walk():
            if rule.kind in ("rules", "") and rule.below("ratelimit") is not None:
                expression = rule.attributes.get("expression", "")
                found = re.search(r"http\.request\.uri[^/]{0,40}(/[\w./-]*)", expression)
                if found or ".uri" not in expression:
                    yield GatewayLimit("Cloudflare", name, found[1] if found else "", rule.line)
    if kind == "google_compute_security_policy":
        for rule in block.blocks:
            everybody = rule.below("config") is not None and "*" in next(
                rule.all("src_ip_ranges"), ""
            )
            if rule.below("rate_limit_options") is not None and everybody:
                yield GatewayLimit("Cloud Armor", name, "", rule.line)


_THROTTLED = {
    "aws_api_gateway_method_settings": "throttling_rate_limit",
    "aws_apigatewayv2_stage": "throttling_rate_limit",
}


def _of_pattern(pattern: str) -> str:
    """The path of `example.com/api/*`; "/" for a pattern of everything, empty for one that is computed."""
    if "$" in pattern:
        found = re.search(r"\}(/[^*$]*)\*?$", pattern)
        return found[1] if found else ""
    path = re.sub(r"^\w+://|^\*://", "", pattern).partition("/")[2]
    return "/" + path.rstrip("*")


_PLAIN = re.compile(r"\d{1,6}|true|false")


@extracts(Kind.PLATFORM, Kind.TEXT, name=r".+\.tfvars")
def terraform_variables(source: Source) -> Iterator[Fact]:
    for number, line in enumerate(source.text.split("\n"), 1):
        found = re.match(r"^\s*(\w+)\s*=\s*\"?(\w+)\"?\s*(?:[#/].*)?$", line)
        if found and _PLAIN.fullmatch(found[2]):
            yield Variable(found[1], found[2], True, number)


_ALARMS = {
    "aws_cloudwatch_metric_alarm": "CloudWatch", "google_monitoring_alert_policy": "Cloud Monitoring",
    "azurerm_monitor_metric_alert": "Azure Monitor", "datadog_monitor": "Datadog",
}  # fmt: skip
_GROUPS = ("aws_lb_target_group", "aws_alb_target_group")


def _probes(kind: str, block: Block) -> Iterator[Probe]:
    """What a load balancer or the platform asks; a path is empty where it only connects."""
    if kind in _GROUPS and (check := block.below("health_check")):
        if check.attributes.get("enabled") != "false":
            yield Probe("Terraform", check.attributes.get("path", ""), check.line)
    for each in block.walk():
        if path := each.attributes.get("health_check_path"):
            yield Probe("Terraform", path, each.lines["health_check_path"])
        elif path := each.attributes.get("request_path"):  # google_compute_health_check
            yield Probe("Terraform", path, each.lines["request_path"])
        elif each.kind in ("liveness_probe", "readiness_probe", "startup_probe"):
            yield Probe("Terraform", next(each.all("path"), ""), each.line)


_NO_DATABASE = "no database"
_DATABASE_MODULE = re.compile(
    r"(?:^|[/_-])(?:rds|aurora|postgres(?:ql)?|mysql|sql-db|database|db)(?:[/_-]|$)"
)


def _module(block: Block) -> Iterator[Fact]:
    """A module that makes a database, where it is told for how long to keep backups."""
    source, name = block.attributes.get("source", ""), block.labels[0]
    kept = next(block.all("backup_retention_period"), None)
    if kept is None or not _DATABASE_MODULE.search(f"{source} {name}".split("?")[0]):
        return
    variable = _variable(block) if _days(kept) is None else ""
    yield ManagedStore("Terraform", f"module.{name}", _days(kept), block.line, _fragile("aws_db_instance", block), variable)  # fmt: skip


def _fragile(kind: str, block: Block) -> str:
    """What lets one command delete a database together with its backups."""
    protected = block.attributes.get("deletion_protection", "")
    if kind in ("aws_db_instance", "aws_rds_cluster", "aws_docdb_cluster"):
        if block.attributes.get("skip_final_snapshot") == "true" and protected in ("", "false"):
            return "skip_final_snapshot without deletion_protection"
    if kind.startswith("google_sql_database_instance") and protected == "false":
        return "deletion_protection = false"
    return ""


def _https_only(kind: str, block: Block) -> int:
    """The line of a resource that sends plain HTTP on to HTTPS; 0 for others."""
    if kind.startswith("azurerm_") and block.attributes.get("https_only") == "true":
        return block.line
    if kind in ("aws_lb_listener", "aws_alb_listener") and "HTTPS" in [
        each.attributes.get("protocol") for each in block.blocks for each in each.blocks if each.kind == "redirect"
    ]:  # fmt: skip
        return block.line
    if kind == "aws_cloudfront_distribution" and set(block.all("viewer_protocol_policy")) <= {"redirect-to-https", "https-only"}:  # fmt: skip
        return block.line
    if kind == "google_compute_url_map" and next(block.all("https_redirect"), "") == "true":
        return block.line
    return 0


def _backed_up(kind: str, block: Block) -> bool | str | None:
    """True, False, None where an expression decides; `_NO_DATABASE` for other resources."""
    match kind:
        case "aws_db_instance":
            if block.attributes.get("replicate_source_db"):
                return _NO_DATABASE
            return _days(block.attributes.get("backup_retention_period", "0"))
        case "aws_rds_cluster" | "aws_docdb_cluster" | "aws_neptune_cluster":
            return _days(block.attributes.get("backup_retention_period", "1"))
        case "google_sql_database_instance":
            below = block.below("backup_configuration")
            return False if below is None else _flag(below.attributes.get("enabled", "false"))
        case "google_alloydb_cluster":
            return True  # continuous backup is on by default
        case "mongodbatlas_cluster" | "mongodbatlas_advanced_cluster":
            names = ("cloud_backup", "backup_enabled", "provider_backup_enabled")
            return _flag(next((block.attributes[n] for n in names if n in block.attributes), "false"))  # fmt: skip
        case "aws_dynamodb_table" if block.attributes.get("hash_key") == "LockID":
            return _NO_DATABASE  # what Terraform itself locks
        case "aws_dynamodb_table":
            below = block.below("point_in_time_recovery")
            return None if below is None else _flag(below.attributes.get("enabled", "false"))
        case "render_postgres":
            return block.attributes.get("plan", "") != "free"
        case "scaleway_rdb_instance" if block.attributes.get("disable_backup") == "true":
            return False
    return True if _ALWAYS.fullmatch(kind) else _NO_DATABASE


_DECIDES = ("backup_retention_period", "enabled", "cloud_backup", "backup_enabled", "provider_backup_enabled", "backup_retention_days")  # fmt: skip


def _variable(block: Block) -> str:
    """The variable that decides whether a database is backed up."""
    for name in _DECIDES:
        for value in block.all(name):
            if found := re.fullmatch(r"(?:\$\{)?var\.(\w+)\}?", value):
                return found[1]
    return ""


def _days(text: str) -> bool | None:
    return int(text) > 0 if text.isdigit() else None


def _flag(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text)
