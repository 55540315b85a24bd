"""Jobs of continuous integration, with what they call in the tree put in its place.

https://docs.github.com/en/actions/how-tos/reuse-automations/reuse-workflows: a job may be a workflow of
the tree, a step one of its composite actions. https://docs.gitlab.com/ci/yaml/#include: the files of a GitLab
pipeline make one. https://learn.microsoft.com/azure/devops/pipelines/process/templates: steps, jobs and stages in
files of their own.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import re2

from auditor.discover import Role
from auditor.discover.environments import environment_of, environment_of_file
from auditor.extract.readers.pipelines import CiInclude, CiJob, CiStages, CiStep
from auditor.extract.readers.platforms import PushDeploy
from auditor.extract.readers.recipes import Recipe
from auditor.extract.readers.scanners import SCANNERS, ScanCommand, UpdateBot
from auditor.link.application import Application, provides
from auditor.model.deployment import Bot, PipelineStep
from auditor.model.pipelines import DependencyScan, Job, JobStep, PushDeployment, WorkflowWeakness
from auditor.model.places import Place
from auditor.model.settings import EnvironmentNames

_TESTS = re2.compile(
    r"(?im)(?:^|[^.\w-])pytest(?:$|[\s'\";&|)\]])|\bpy\.test\b|\bunittest\b|manage(?:\.py)?\s+test\b|\btox\b|\bnox\b|\bnose2?\b|\bjest\b|\bvitest\b"
    r"|\b(?:npm|yarn|pnpm|bun|make|just|task|invoke|inv|hatch|pdm|poe|rake|cargo|go|dotnet|mvn|gradle|deno)\b[^\n;&|]*\btests?\b"
    r"|\bplaywright\s+test\b|\bcypress\s+run\b|\brspec\b|\bcoverage\s+run\b|\bbehave\b|\brobot\b|\bschemathesis\b"
    r"|(?:^|[\s/_-])(?:run[-_]?)?tests?(?:[-_](?:unit|backend|api|all|start|ci))?\.(?:sh|py)\b|\brun[-_]?tests?\b"
    r"|\bcompose\b[^\n;&|]*[-_.]tests?[^\n;&|]*\s(?:up|run)\b|\bcompose\b[^\n;&|]*\brun\b[^\n;&|]*\btests?\b",
)
_PREPARES = re2.compile(
    r"(?m)^\s*(?:uv|pip|pip3|python3?\s+-m\s+pip|apt-get|apt|npm|yarn|poetry|pnpm)\s+(?:\S+\s+)?(?:install|add|sync)\b[^\n;&|]*",
)
_DEPLOYS = re2.compile(
    r"(?i)\bfly(?:ctl)?\s+deploy\b|superfly/flyctl-actions@|\bheroku\s+container:release\b|git push heroku|akhileshns/heroku-deploy"
    r"|\brailway\s+up\b|\bvercel\b[^\n]*--prod\b|amondnet/vercel-action|\bnetlify\s+deploy\b[^\n]*--prod"
    r"|\bkubectl\s+(?:apply|set image|rollout)\b|\bhelm\s+upgrade\b|\bserverless\s+deploy\b|\bsls\s+deploy\b|\bsam\s+deploy\b"
    r"|\bcdk\s+deploy\b|\beb\s+deploy\b|\baws\s+(?:ecs\s+update-service|lambda\s+update-function-code|deploy\s+create-deployment)"
    r"|aws-actions/amazon-ecs-deploy-task-definition|\bgcloud\s+(?:run|app|functions)\s+deploy\b|google-github-actions/deploy-"
    r"|azure/webapps-deploy|azure/functions-action|azure/k8s-deploy|azure/container-apps-deploy-action|\baz\s+webapp\b[^\n]*deploy|\bcf\s+push\b|cloud-gov/cg-cli-tools|18f/cg-deploy-action"
    r"|\bdokku\b|digitalocean/app_action|api\.render\.com/deploy|render-deploy|johnbeynon/render-deploy"
    r"|einaregilsson/beanstalk-deploy|\bcopilot\s+(?:svc\s+)?deploy\b|(?:^|[\s/])deploy(?:[-_](?:prod\w*|stag\w*|app|api|backend|server|web|uat|dev))?\.sh\b|[-_]deploy\.sh\b"
    r"|\bssh\s(?s:.{0,800}?)\b(?:docker[ -]compose\b[^\n]{0,200}\bup\b|docker\s+stack\s+deploy|systemctl\s+(?:re)?start|pm2\s+(?:re)?(?:start|load))"
    r"|\b(?:AzureWebApp|AzureFunctionApp|AzureRmWebAppDeployment|AzureWebAppContainer|Kubernetes|KubernetesManifest|HelmDeploy|AzureContainerApps)@[0-9]"
    r"|appleboy/ssh-action|\bansible-playbook\b|\bcap\s+\w+\s+deploy\b|\bterraform\s+apply\b|\bcapistrano\b|\bkamal\s+deploy\b",
)  # fmt: skip
_DEPLOYING = re2.compile(r"(?i)/\.github/workflows/[\w.-]*deploy[\w.-]*\.ya?ml")
"""A workflow of another repository that says that it deploys."""
_SHORT = re2.compile(
    r"\bmake\s+(?:-\S+\s+|\w+=\S+\s+)*([\w.-]+)|\b(?:npm|yarn|pnpm|bun)\s+(?:run\s+)?([\w:.-]+)|(?:^|[\s/])([\w.-]+\.(?:sh|bash)|ci|cibuild|check)(?:\s|$)"
)
"""`make ci`, `npm run ci`, `./scripts/ci.sh`."""
_MAX_DEPTH = 5
_MAX_INCLUDED = 200
_GITLAB = "GitLab CI"
_WORKFLOWS = ".github/workflows/"


@provides(EnvironmentNames)
def deployed_environments(application: Application) -> Iterator[EnvironmentNames]:
    """Pipelines that deploy to staging and to production apart, by their names or their jobs'."""
    found: dict[str, Place] = {}
    for job in application.facts(Job):
        if any(step.deploys for step in job.steps):
            named = (job.environment, job.place.path.rpartition("/")[2], job.name)
            told = [
                e for each in named if (e := environment_of(each)) not in ("", "test", "example")
            ]
            for each in told[:1] or _by_branch(job):
                found.setdefault(each, job.place)
    if "production" in found and ("staging" in found or "development" in found):
        yield EnvironmentNames("the pipelines", found["production"])


_OF_BRANCHES = (
    ("production", re2.compile(r"(?i)^(?:main|master|prod\w*|release)$")),
    ("staging", re2.compile(r"(?i)^(?:stag\w*|stg|uat|preprod\w*|qa)$")),
    ("development", re2.compile(r"(?i)^dev\w*$")),
)
_ASKS_BRANCH = re2.compile(
    r"(?i)ref_name|github\.ref\b|GITHUB_REF|COMMIT_(?:BRANCH|REF_NAME)|CIRCLE_BRANCH|SourceBranch|\$\{?BRANCH"
)
_BRANCH = re2.compile(r"(?i)(?:refs/heads/|[\"'])([a-z]+)[\"')\s]|refs/heads/([a-z]+)")


def _by_branch(job: Job) -> Iterator[str]:
    """The environments that a job deploys to by the branches it runs for, or that it asks about."""
    texts = [job.condition, *(s.condition for s in job.steps), *(s.run for s in job.steps)]
    asked = [text for text in texts if _ASKS_BRANCH.search(text)]
    words = [match[1] or match[2] for text in asked for match in _BRANCH.finditer(f"{text} ")]
    for environment, names in _OF_BRANCHES:
        if any(names.search(each) for each in (*job.branches, *words)):
            yield environment


@provides(Job)
def jobs(application: Application) -> Iterator[Job]:
    files: dict[str, list[CiJob]] = defaultdict(list)
    for file, job in application.of(CiJob):
        files[file.path].append(job)
    if any(path.startswith(_WORKFLOWS) for path in files):  # GitHub runs no others
        files = {p: found for p, found in files.items() if f"/{_WORKFLOWS}" not in p}
    linked = _Jobs(application, files)
    for root, whole in linked.pipelines.items():
        for path, job in whole:
            if "action" not in job.triggers and not job.name.startswith("."):
                yield linked.job(root, path, job)


@provides(PushDeployment)
def push_deployments(application: Application) -> Iterator[PushDeployment]:
    """Those of production, the first of each file."""
    seen = set()
    for file, found in application.of(PushDeploy):
        tried = {environment_of_file(file.path), environment_of(found.branch)} - {"", "production"}
        if not tried and file.path not in seen:
            seen.add(file.path)
            place = Place(file.path, found.line)
            yield PushDeployment(found.platform, found.branch, found.written, place)


@dataclass
class _Jobs:
    application: Application
    files: dict[str, list[CiJob]]
    pipelines: dict[str, list[tuple[str, CiJob]]] = field(default_factory=dict)
    """The jobs of each pipeline, those of files that it includes with their own path."""

    @cached_property
    def recipes(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for _, recipe in self.application.of(Recipe, Role.SOURCE, Role.TEST):
            found[recipe.call].append(recipe.text)
        return found

    def __post_init__(self) -> None:
        self.called = {
            target
            for path, jobs in self.files.items()
            for job in jobs
            for step in job.steps
            if job.active and (target := self._target(path, step.uses))
        }
        self.stages = {f.path: found.stages for f, found in self.application.of(CiStages)}
        self.includes: dict[str, list[str]] = defaultdict(list)
        for file, found in self.application.of(CiInclude):
            self.includes[file.path].append(found.path)
        of_gitlab = [p for p, jobs in self.files.items() if any(j.system == _GITLAB for j in jobs)]
        of_gitlab += [path for path in self.includes if path not in self.files]
        below = {path: self._included(path, of_gitlab) for path in of_gitlab}
        included = {path for found in below.values() for path in found}
        for path in dict.fromkeys((*self.files, *of_gitlab)):
            if path not in included:
                whole = (path, *below.get(path, ()))
                self.pipelines[path] = [(each, job) for each in whole for job in self.files.get(each, ())]  # fmt: skip

    def _included(self, path: str, candidates: list[str]) -> dict[str, None]:
        """The files that a GitLab pipeline takes in, near and far."""
        found: dict[str, None] = {}
        pending = list(self.includes[path])
        while pending and len(found) < _MAX_INCLUDED:
            pattern = pending.pop(0)
            for each in candidates:
                if each != path and each not in found and fnmatch.fnmatchcase(each, pattern):
                    found[each] = None
                    pending += self.includes[each]
        return found

    def job(self, root: str, path: str, job: CiJob) -> Job:
        called = path in self.called and ("workflow_call" in job.triggers or not job.triggers)
        active = job.active or (called and job.condition != "false")
        if job.system == _GITLAB and root == path and "gitlab-ci" not in path.lower():
            active = False  # a part that no pipeline includes
        steps = job.steps or [
            step for _, other in self.pipelines[root] if other.name in job.extends for step in other.steps
        ]  # fmt: skip
        return Job(
            job.system,
            job.name,
            root,
            tuple(job.triggers),
            active,
            job.scheduled,
            tuple(self._before(root, job)),
            tuple(job.after),
            job.condition,
            job.permissions,
            job.environment,
            tuple(job.branches),
            job.tolerated,
            tuple(self._steps(path, steps, job.tolerated, 0, _tests_by_name(job, steps))),
            Place(path, job.line),
            tuple(job.limited),
        )

    def _steps(
        self, path: str, steps: list[CiStep], tolerated: bool, depth: int, named: str = ""
    ) -> Iterator[JobStep]:
        """`named` is the job's name where that says that it tests: its last command then does."""
        last = next((step for step in reversed(steps) if step.run), None)
        for step in steps:
            by_name = named if step is last else ""
            yield JobStep(
                step.run,
                step.uses,
                tuple(step.arguments.items()),
                tuple(step.environment),
                step.condition,
                step.tolerated or tolerated,
                self._tests(step.run) or by_name,
                _word(_DEPLOYS, step.run or step.uses) or _word(_DEPLOYING, step.uses),
                Place(path, step.line),
            )
            target = self._target(path, step.uses)
            if target and depth < _MAX_DEPTH:
                for job in self.files[target]:
                    yield from self._steps(target, job.steps, tolerated, depth + 1)

    def _tests(self, run: str, depth: int = 0) -> str:
        """The words by which a step tests, its own or those of what it runs by a short name."""
        if word := _word(_TESTS, _PREPARES.sub("", run)):
            return word
        for match in _SHORT.finditer(run) if depth < _MAX_DEPTH else ():
            call = (
                f"make {match[1]}" if match[1] else f"npm run {match[2]}" if match[2] else match[3]
            )
            for text in self.recipes.get(call, ()):
                if self._tests(text, depth + 1):
                    return call
        return ""

    def _target(self, path: str, uses: str) -> str:
        """The file of the tree that `uses: ./…` names, or a template of Azure Pipelines."""
        if uses.startswith("./"):
            root = path.rpartition(".github/")[0]
            plain = posixpath.normpath(posixpath.join(root, uses))
            plain = "" if plain == "." else plain
            candidates = [
                plain,
                *(posixpath.join(plain, f"action.{end}") for end in ("yml", "yaml")),
            ]
        elif uses.endswith((".yml", ".yaml")) and " " not in uses:
            candidates = [posixpath.normpath(posixpath.join(posixpath.dirname(path), uses)), uses.lstrip("/")]  # fmt: skip
        else:
            return ""
        return next((each for each in candidates if each in self.files and each != path), "")

    def _before(self, root: str, job: CiJob) -> dict[str, None]:
        """The jobs that a job waits for, near and far; `stage:x` stands for all of a stage."""
        own = {e.name: e for _, e in self.pipelines[root] if not e.name.startswith(".")}
        found: dict[str, None] = {}
        pending = self._needs(root, job)
        while pending:
            need = pending.pop()
            if need.startswith("stage:"):
                pending += [each.name for each in own.values() if each.stage == need[6:]]
            elif need in own and need not in found:
                found[need] = None
                pending += self._needs(root, own[need])
        return found

    def _needs(self, root: str, job: CiJob) -> list[str]:
        """Without `needs`, GitLab's jobs wait for all of the stages before their own."""
        if job.needs or job.system != _GITLAB:
            return list(job.needs)
        told = next((self.stages[p] for p, _ in self.pipelines[root] if p in self.stages), None)
        stages = [".pre", *(told or ("build", "test", "deploy")), ".post"]
        return [f"stage:{each}" for each in stages[: stages.index(job.stage)]] if job.stage in stages else []  # fmt: skip


_NAMED = re2.compile(r"(?i)^(?:\w+[-_ ])*(?:unit|integration|e2e|end-to-end|smoke|functional|system|acceptance|api)[-_ ]?tests?(?:[-_ ]\w+)*$")  # fmt: skip


def _tests_by_name(job: CiJob, steps: list[CiStep]) -> str:
    """The name of a job that tests by its name, and in no words that are known."""
    if any(_TESTS.search(_PREPARES.sub("", step.run)) for step in steps):
        return ""
    return job.name if _NAMED.search(job.name) else ""


def _word(pattern: Any, text: str) -> str:
    """The line in which a pattern is found, shortened."""
    match = pattern.search(text)
    if match is None:
        return ""
    start = text.rfind("\n", 0, match.start() + 1) + 1
    return text[max(start, match.start() - 20) :].strip().split("\n")[0][:50]


@provides(PipelineStep)
def steps(application: Application) -> Iterator[PipelineStep]:
    for job in application.facts(Job):
        for step in job.steps:
            yield PipelineStep(step.text, job.active, job.scheduled, step.tolerated, step.place)


@provides(Bot)
def bots(application: Application) -> Iterator[Bot]:
    for file, bot in application.of(UpdateBot):
        yield Bot(bot.tool, Place(file.path, bot.line), tuple(bot.ecosystems))


def _trivy_tells(step: JobStep) -> bool:
    """Whether somebody learns what trivy finds: it ends well unless told otherwise.

    https://trivy.dev/latest/docs/configuration/others/#exit-code; a report may go elsewhere (SARIF, a file).
    """
    words = " ".join([step.run, *(f"{k}={v}" for k, v in step.arguments)])
    return bool(re2.search(r"exit-code[=\s\"']+[1-9]|sarif|output|upload|setup-trivy", words + step.uses))  # fmt: skip


@provides(DependencyScan)
def scans(application: Application) -> Iterator[DependencyScan]:
    """Scanners in pipelines, and in files that a pipeline runs: Makefile, noxfile, pre-commit, scripts."""
    steps = application.facts(PipelineStep)
    for job in application.facts(Job):
        for each in job.steps:
            if match := SCANNERS.search(each.text):
                tool = match[0].strip()
                tolerated = each.tolerated or ("trivy" in tool and not _trivy_tells(each))
                yield DependencyScan(tool, job.active, tolerated, each.place, "")
    for file, found in application.of(ScanCommand, Role.SOURCE, Role.TEST):
        calls = re2.compile(rf"(?:^|[\s/]){re2.escape(found.runner)}\b")
        by = [step for step in steps if calls.search(step.text)]
        active = [step for step in by if step.active]
        tolerated = bool(active) and all(step.tolerated for step in active)
        place = Place(file.path, found.line)
        yield DependencyScan(found.tool, bool(active), tolerated, place, found.runner)


@provides(WorkflowWeakness)
def weaknesses(application: Application) -> Iterator[WorkflowWeakness]:
    for found in application.inspection.findings() if application.inspection else ():
        yield WorkflowWeakness(
            found.audit,
            found.title,
            found.detail,
            found.expression,
            found.severity,
            found.confidence,
            Place(found.path, found.line),
        )
