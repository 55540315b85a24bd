from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import re2

from auditor.assess.rule import Reference, Rule, cwe
from auditor.assess.verdict import (
    Evidence,
    Severity,
    State,
    Verdict,
    count,
    judge,
    not_applicable,
    present,
    unknown,
)
from auditor.link.application import Application
from auditor.model.pipelines import Job, JobStep, WorkflowWeakness

_PINNED = re2.compile(r"@(?:[0-9a-f]{40}|sha256:[0-9a-f]{64})$")
_TRUSTED = ("actions/", "github/", "./", "docker://")
_OUTSIDERS = {
    "pull_request_target",
    "workflow_run",
    "issues",
    "issue_comment",
    "discussion",
    "discussion_comment",
}
"""Events that somebody without access to the repository starts, and that run with its secrets."""
_CALLERS = re2.compile(
    r"github\.(?:head_ref|event\.(?:issue\.(?:title|body)|pull_request\.(?:title|body|head\.(?:ref|label|repo\.\w+))"
    r"|comment\.body|review\.body|review_comment\.body|discussion\.(?:title|body)|pages.*?\.page_name"
    r"|commits.*?\.(?:message|author\.(?:name|email))|head_commit\.(?:message|author\.(?:name|email))"
    r"|workflow_run\.(?:head_branch|head_commit\.(?:message|author\.(?:name|email))|head_repository\.description)))"
)
_EXPRESSION = re2.compile(r"\$\{\{([^}]*)\}\}")
_HEAD = re2.compile(
    r"github\.event\.pull_request\.head\.(?:sha|ref)|github\.head_ref|github\.event\.workflow_run\.head_(?:sha|branch)"
    r"|refs/pull/|github\.event\.(?:issue|pull_request)\.number|github\.event\.number"
)
_ECHOES = re2.compile(r"(?m)^\s*(?:echo|printf)\b[^|>\n]*\$\{\{\s*secrets\.[^|>\n]*$")
_INPUT = re2.compile(r"^(?:github\.event\.)?inputs\.([\w-]+)$")
_ALL_SECRETS = re2.compile(r"toJSON\(\s*secrets\s*\)")
_LEFT_OUT = {"unpinned-uses", "dangerous-triggers", "dependabot-cooldown"}
"""Audits of zizmor's that are answered here by what a workflow really does, or ask something else."""
_WORTH = {
    "excessive-permissions": Severity.LOW,
    "github-app": Severity.LOW,
    "unpinned-images": Severity.LOW,
}
"""What an audit of zizmor's is worth here at most: it asks for a second wall behind the first."""
_EVERY_SECRET = "every secret of the repository is handed to one step"
_PASTED = "is pasted into a script: whoever writes it runs commands"


_ONLY = re2.compile(
    r"github\.event_name\s*==\s*'(\w+)'|(!\s*)?github\.event\.(pull_request|issue|comment|discussion|workflow_run)\b(?:\.[\w.]+)?(\s*(?:==|!=)\s*(?:null|''))?"
)
_OF_EVENT = {
    "pull_request": {"pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment"},
    "issue": {"issues", "issue_comment"},
    "comment": {"issue_comment", "pull_request_review_comment", "discussion_comment", "commit_comment"},
    "discussion": {"discussion", "discussion_comment"},
    "workflow_run": {"workflow_run"},
}  # fmt: skip
"""The events whose payload holds a part, which a condition may ask for."""
_HARMLESS = re2.compile(
    r"^(?:github\.(?:ref_type|sha|run_id|run_number|run_attempt|job|repository(?:_id|_owner|_owner_id)?|event_name|workspace"
    r"|server_url|api_url|graphql_url|action_path|actor_id|event\.(?:\w+\.)*(?:number|id|sha|merge_commit_sha|\w*_url|url|node_id))"
    r"|runner\.\w+|job\.status|steps\.[\w-]+\.(?:outcome|conclusion)|needs\.[\w-]+\.result)$"
)
"""Contexts that nobody can fill with commands: numbers, hashes, addresses of the platform's own."""


def _effective(job: Job) -> set[str]:
    """The events that a job runs on: those of its workflow, as far as its condition lets them."""
    triggers = set(job.triggers)
    if "||" in job.condition or "!(" in job.condition.replace(" ", ""):
        return triggers
    for named, negated, part, compared in _ONLY.findall(job.condition):
        if named:
            triggers &= {named}
        elif "==" in compared:
            triggers -= _OF_EVENT[part]
        elif not negated:
            triggers &= _OF_EVENT[part]
    return triggers


def _pasted(triggers: set[str]) -> Severity:
    """How bad it is when a script holds text that anybody can write."""
    if _OUTSIDERS & triggers:
        return Severity.HIGH
    only = triggers <= {"pull_request", "merge_group", "workflow_call"}
    return Severity.LOW if only else Severity.MEDIUM


def _input(expression: str) -> str:
    """The name of an input of the workflow, as `inputs.x` or `github.event.inputs.x`."""
    match = _INPUT.match(expression)
    return str(match[1]) if match else ""


def _told(weakness: WorkflowWeakness) -> str:
    """What a finding says, in the words of our own where we may have said it already."""
    if weakness.audit == "overprovisioned-secrets" and "entire" in weakness.detail:
        return _EVERY_SECRET
    if weakness.audit == "template-injection":
        if match := _CALLERS.search(weakness.expression):
            return f"{match[0]} {_PASTED}"
        what = weakness.expression or "a value"
        who = "starts or calls it" if _input(what) else "decides its value"
        return f"{what} is pasted into a script: whoever {who} may run commands"
    pointing = not weakness.detail or weakness.detail.startswith("this ")
    return weakness.title if pointing else f"{weakness.title}: {weakness.detail}"


def _worth(weakness: WorkflowWeakness, triggers: set[str]) -> Severity | None:
    """The severity that a finding of zizmor's has here; None where it is none of ours."""
    if weakness.audit in _LEFT_OUT or weakness.severity not in ("high", "medium"):
        return None
    if weakness.audit == "excessive-permissions" and "overly broad" not in weakness.detail:
        return None  # write-all and silence have findings of our own
    if _CALLERS.search(weakness.expression):
        return _pasted(triggers)
    if _HARMLESS.match(weakness.expression):
        return None
    if weakness.audit == "bot-conditions" and not _OUTSIDERS & triggers:
        return Severity.LOW  # who pretends to be a bot gains no secrets on a pull request
    unsure = weakness.confidence == "low"
    if weakness.severity == "medium" or weakness.audit == "template-injection":
        return None if unsure else Severity.LOW
    severity = Severity.LOW if unsure else Severity.MEDIUM
    return min(severity, _WORTH.get(weakness.audit, severity))


class WorkflowSecurity(Rule):
    """Continuous integration cannot be used against the repository.

    A job that outsiders start with the repository's secrets (`pull_request_target`, `workflow_run`,
    comments) and that checks out what they wrote is high, and so is text of theirs in a shell script
    there (low on `pull_request`, whose token can do nothing; medium otherwise). Actions of third
    parties that follow a tag or branch are medium where the job has secrets or may write, else low;
    permissions for everything are medium, none stated low; secrets that are printed are medium.
    GitHub Actions are judged; of other systems only what stands in their scripts is known.

    Where zizmor is installed (`pip install 'auditor[workflows]'`), its findings are taken in, one for
    each file and kind: what it calls high is medium here, what it calls medium low, one less where it
    is not confident; what it calls low is left out, and so are what is answered above and how soon
    Dependabot proposes a release. Text that only people with write access or callers choose
    (`inputs`), pasted into a script, is low. A `zizmor: ignore[...]` comment counts, its configuration
    file does not. Its absence is no error: the checks above are then all there is, and the report
    says so.
    """

    id = "workflow-security"
    title = "CI workflow security"
    section = "deployment"
    severity = Severity.MEDIUM
    risk = (
        "Whoever can open a pull request, or take over an action, reads the secrets and ships code."
    )
    fix = "State `permissions: contents: read`, pin actions to a commit, pass event text through `env`, and never check out a fork with secrets."
    references = (
        cwe(829),
        cwe(94),
        Reference(
            "GitHub: secure use reference",
            "https://docs.github.com/en/actions/reference/security/secure-use",
        ),
        Reference("zizmor: audits", "https://docs.zizmor.sh/audits/"),
    )
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        jobs = [job for job in application.facts(Job) if job.system == "GitHub Actions"]
        weaknesses = application.facts(WorkflowWeakness)
        if not jobs and not weaknesses:
            broken = [p for p, _ in application.unread if p.startswith(".github/workflows/")]
            if broken:
                return unknown(
                    f"{broken[0]} cannot be read, so it cannot be judged.",
                    f"Make {broken[0]} parse, and audit again.",
                )
            return not_applicable("no GitHub Actions workflow was found")
        evidence = [e for job in jobs for e in self._job(job)]
        evidence += self._unpinned(jobs)
        evidence += self._silent(jobs)
        evidence += self._zizmor(weaknesses, jobs, evidence)
        unique = {(e.place.path, e.place.line, e.message): e for e in evidence}
        if not unique and not jobs:
            return not_applicable("no GitHub Actions workflow was found")
        if not unique:
            told = f"{count(len(jobs), 'job')} with stated permissions and pinned actions"
            return judge("The workflows are safe.", [present(jobs[0].place, told, "workflows")])
        worst = max(unique.values(), key=lambda e: e.severity).message
        return judge(f"{worst[0].upper()}{worst[1:]}.", unique.values())

    def _job(self, job: Job) -> Iterator[Evidence]:
        subject = f"{job.pipeline} {job.name}"
        outside = _OUTSIDERS & _effective(job)
        if "write-all" in job.permissions:
            told = f"the token of {job.name} may write everything"
            yield Evidence(job.place, State.WEAK, Severity.MEDIUM, told, f"{subject} permissions")
        for step in job.steps:
            yield from self._checkout(job, step, subject, outside)
            yield from self._injected(job, step, subject)
            if any("::add-mask::" not in match[0] for match in _ECHOES.finditer(step.run)):
                told = "a secret is printed into the log"
                yield Evidence(step.place, State.WEAK, Severity.MEDIUM, told, f"{subject} echo")
            if _ALL_SECRETS.search(
                " ".join([step.run, *step.environment, *dict(step.arguments).values()])
            ):
                yield Evidence(
                    step.place, State.WEAK, Severity.MEDIUM, _EVERY_SECRET, f"{subject} secrets"
                )

    def _checkout(
        self, job: Job, step: JobStep, subject: str, outside: set[str]
    ) -> Iterator[Evidence]:
        given = dict(step.arguments)
        fetched = f"{given.get('ref', '')} {given.get('repository', '')}"
        checks_out = step.uses.startswith("actions/checkout@") and _HEAD.search(fetched)
        by_hand = "gh pr checkout" in step.run
        if outside and (checks_out or by_hand):
            guarded = f"{job.condition} {step.condition}"
            told = f"{'/'.join(sorted(outside))} checks out what an outsider wrote, with the repository's secrets"
            if (
                any(
                    word in guarded
                    for word in (
                        "author_association",
                        "label",
                        "permission",
                        "fork",
                        "head.repo.full_name",
                        "actor",
                    )
                )
                or job.environment
            ):
                told += "; a condition stands before it"
                yield Evidence(step.place, State.WEAK, Severity.MEDIUM, told, f"{subject} checkout")
            else:
                yield Evidence(step.place, State.WEAK, Severity.HIGH, told, f"{subject} checkout")

    def _injected(self, job: Job, step: JobStep, subject: str) -> Iterator[Evidence]:
        script = step.run or (
            dict(step.arguments).get("script", "") if "github-script" in step.uses else ""
        )
        for expression in _EXPRESSION.findall(script):
            match = _CALLERS.search(expression)
            if match is None:
                continue
            severity, told = _pasted(_effective(job)), f"{match[0]} {_PASTED}"
            yield Evidence(step.place, State.WEAK, severity, told, f"{subject} {match[0]}")

    def _unpinned(self, jobs: list[Job]) -> Iterator[Evidence]:
        files: dict[str, dict[str, tuple[JobStep, bool]]] = {}
        for job in jobs:
            secret = "write" in job.permissions or any(
                "secrets." in text
                for step in job.steps
                for text in (step.run, *step.environment, *dict(step.arguments).values())
            )
            for step in job.steps:
                if (
                    step.uses
                    and not step.uses.startswith(_TRUSTED)
                    and not _PINNED.search(step.uses.split(" ")[0])
                ):
                    known = files.setdefault(step.place.path, {})
                    before = known.get(step.uses)
                    known[step.uses] = (
                        before[0] if before else step,
                        secret or bool(before and before[1]),
                    )
        for path, found in files.items():
            names = ", ".join(list(found)[:3]) + (" …" if len(found) > 3 else "")
            able = any(secret for _, secret in found.values())
            what = "and secrets or write access are at hand" if able else "which may change"
            told = f"{count(len(found), 'action')} of third parties at a tag or branch, {what}: {names}"
            first = next((s for s, secret in found.values() if secret == able))
            severity = Severity.MEDIUM if able else Severity.LOW
            yield Evidence(first.place, State.WEAK, severity, told, f"{path} unpinned")

    def _silent(self, jobs: list[Job]) -> Iterator[Evidence]:
        silent = {
            job.pipeline: job
            for job in reversed(jobs)
            if not job.permissions and set(job.triggers) != {"workflow_call"}
        }
        if silent:
            first = list(silent.values())[-1]
            total = len({job.pipeline for job in jobs})
            told = f"{len(silent)} of {count(total, 'workflow')} leave the token's permissions to the repository's default"
            yield Evidence(first.place, State.ABSENT, Severity.LOW, told, "permissions")

    def _zizmor(
        self, weaknesses: Iterable[WorkflowWeakness], jobs: list[Job], own: list[Evidence]
    ) -> Iterator[Evidence]:
        """What zizmor sees beyond the findings of our own: one for each file and kind."""
        triggers: dict[str, set[str]] = defaultdict(set)
        limited: dict[str, set[str]] = defaultdict(set)
        for job in jobs:
            triggers[job.pipeline].update(job.triggers)
            limited[job.pipeline].update(job.limited)
        said = {(e.place.path, e.message) for e in own}
        groups: dict[tuple[str, str], list[tuple[Severity, WorkflowWeakness]]] = defaultdict(list)
        for weakness in weaknesses:
            path = weakness.place.path
            if _input(weakness.expression) in limited[path]:
                continue  # a choice, a number or a flag: nobody writes commands into it
            severity = _worth(weakness, triggers[path])
            if severity is not None and (path, _told(weakness)) not in said:
                groups[path, weakness.audit].append((severity, weakness))
        for (path, audit), found in groups.items():
            severity, worst = max(found, key=lambda each: each[0])
            more = f", {count(len(found), 'place')}" if len(found) > 1 else ""
            told = f"{_told(worst)} (zizmor: {audit}{more})"
            yield Evidence(worst.place, State.WEAK, severity, told, f"{path} {audit}")

    good = (
        {
            ".github/workflows/ci.yml": """
on: [push, pull_request]
permissions:
  contents: read
jobs:
  test:
    steps:
      - uses: actions/checkout@v5
      - uses: astral-sh/setup-uv@d4b2f3b6ecc6e67c4457f6d3e41ec42d3d0fcb86 # v5.4.2
      - run: echo "$TITLE"
        env:
          TITLE: ${{ github.event.pull_request.title }}
      - run: echo "${{ secrets.TOKEN }}" | docker login --password-stdin
"""
        },
    )
    bad = (
        {
            ".github/workflows/label.yml": """
on: pull_request_target
permissions: write-all
jobs:
  label:  # expect: medium
    steps:
      - uses: actions/checkout@v5  # expect: high
        with:
          ref: ${{ github.event.pull_request.head.sha }}
      - run: echo "${{ github.event.pull_request.title }}"  # expect: high
      - uses: someone/labeler@main  # expect: medium
""",
            ".github/workflows/ci.yml": """
on: pull_request
jobs:
  test:  # expect: low
    steps:
      - uses: someone/setup@v2  # expect: low
      - run: git switch ${{ github.head_ref }}  # expect: low
  debug:
    permissions: {}
    steps:
      - run: echo ${{ secrets.TOKEN }}  # expect: medium
""",
        },
    )
