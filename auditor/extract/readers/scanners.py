"""What looks after dependencies: the bots that propose updates, and scanners in files that pipelines run.

https://docs.github.com/en/code-security/dependabot/working-with-dependabot/dependabot-options-reference,
https://docs.renovatebot.com/configuration-options/, https://docs.gitlab.com/user/application_security/dependency_scanning/,
and the documentation of pip-audit, Safety, OSV-Scanner, Trivy, Snyk and Grype.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import re2

from auditor.discover import Kind, Role
from auditor.extract.facts import Fact
from auditor.extract.markup import at, read_json, read_yaml, text_at
from auditor.extract.source import Source, Unreadable, extracts

SCANNERS = re2.compile(
    r"(?i)\bpip-audit\b|pypa/gh-action-pip-audit|\bsafety (?:check\b|scan\b|ci\b|--)|pyupio/safety|\bosv-scanner\b|google/osv-scanner"
    r"|\btrivy\b|aquasecurity/trivy|\bsnyk\b|anchore/(?:scan|grype)|\bgrype\b|dependency-review-action|\b(?:npm|yarn|pnpm|bun) audit\b"
    r"|\byarn npm audit\b|\bbetter-npm-audit\b|\baudit-ci\b|dependency-check|\bdep-scan\b|renovatebot/|gemnasium|dependency[-_]scanning"
    r"|\bjake (?:ddt|iq|sbom)\b|\bsocket (?:ci|scan)\b|fossas/fossa|\bfossa test\b|\baudit (?:scan )?\."
    r"|\bpoetry audit\b|\buv audit\b|\bpython-safety-dependencies-check\b|\bwhitesource\b|mend-cli|docker[ /]scout|\bguarddog\b"
)


class UpdateBot(Fact, frozen=True):
    """A bot that proposes dependency updates; `ecosystems` as it calls them, empty for all."""

    tool: str
    line: int
    ecosystems: list[str] = []


class ScanCommand(Fact, frozen=True):
    """A scanner in a file that something else has to run: `runner` is what does (make, nox, a script)."""

    runner: str
    tool: str
    line: int


@extracts(Kind.WORKFLOW, name=r"dependabot\.ya?ml")
def dependabot(source: Source) -> Iterator[Fact]:
    for document in read_yaml(source.text):
        updates = at(document.data, "updates")
        found = [text_at(each, "package-ecosystem") for each in updates if isinstance(each, dict)] if isinstance(updates, list) else []  # fmt: skip
        if found:
            yield UpdateBot("Dependabot", document.line("updates"), sorted(set(found)))


@extracts(Kind.WORKFLOW, name=r"renovate\.json5?|\.renovaterc(?:\.json5?)?")
def renovate(source: Source) -> Iterator[Fact]:
    """Switched off where `enabled` is false for all, not for some packages."""
    try:
        off = at(read_json(source.text).data, "enabled") is False
    except Unreadable:  # JSON5
        off = bool(re.match(r"[\s{]*[\"']?enabled[\"']?\s*:\s*false", source.text))
    if not off:
        yield UpdateBot("Renovate", 1)


@extracts(Kind.MANIFEST, name=r"package\.json")
def renovate_in_package(source: Source) -> Iterator[Fact]:
    if '"renovate"' in source.text:
        document = read_json(source.text)
        if isinstance(at(document.data, "renovate"), dict):
            yield UpdateBot("Renovate", document.line("renovate"))


@extracts(Kind.TEXT, name=r"\.pyup\.ya?ml|\.whitesource")
def other_bots(source: Source) -> Iterator[Fact]:
    tool = "PyUp" if "pyup" in source.name.lower() else "Mend"
    if not re.search(r"(?m)^update:\s*(?:false|off|no)\b", source.text):
        yield UpdateBot(tool, 1)


_RUNNERS = (
    ("make", re.compile(r"(?:gnu)?makefile", re.I)),
    ("nox", re.compile(r"noxfile\.py")),
    ("tox", re.compile(r"tox\.(?:ini|toml)")),
    ("pre-commit", re.compile(r"\.pre-commit-config\.ya?ml")),
    ("just", re.compile(r"\.?justfile", re.I)),
    ("task", re.compile(r"taskfile\.ya?ml", re.I)),
    ("inv", re.compile(r"tasks\.py")),
)


@extracts(
    Kind.TEXT,
    Kind.PYTHON,
    name=r"(?:gnu)?makefile|noxfile\.py|tox\.(?:ini|toml)|\.pre-commit-config\.ya?ml|\.?justfile|taskfile\.ya?ml|tasks\.py|.+\.sh",
)
def scan_commands(source: Source) -> Iterator[Fact]:
    """The first scanner of a file; a comment is none."""
    if source.role is Role.DOCUMENTATION:
        return
    runner = next((name for name, names in _RUNNERS if names.fullmatch(source.name)), source.name)
    for number, line in enumerate(source.text.split("\n"), 1):
        if not line.lstrip().startswith(("#", "echo ", "printf ", "print(")) and (
            match := SCANNERS.search(line)
        ):
            yield ScanCommand(runner, match[0].strip(), number)
            return
