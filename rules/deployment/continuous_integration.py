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
from auditor.model.pipelines import Job, JobStep, PushDeployment
from auditor.model.places import Place
from auditor.model.web import WebApp

_BACK = re.compile(r"roll[-_ ]?back|revert", re.I)
"""What goes back to a version that was tested then."""
_TEST_STARTS = {"push", "pull_request", "merge_group", "pull_request_target"}


_PIPELINE = re.compile(
    r"(?:^|/)(?:azure-pipelines[^/]*\.ya?ml|\.gitlab-ci\.ya?ml|jenkinsfile|\.travis\.ya?ml|bitbucket-pipelines\.ya?ml|\.drone\.ya?ml)$"
    r"|^\.circleci/config\.ya?ml$|^\.github/workflows/[^/]+\.ya?ml$|^\.(?:buildkite|semaphore|woodpecker)/",
    re.I,
)
"""Files of pipelines, told by their names."""


class ContinuousIntegration(Rule):
    """Tests run by themselves on every change, can fail, and stand before a deployment.

    No pipeline at all, or none that runs tests, is medium. Tests whose failure is ignored
    (`|| true`, `continue-on-error`, `allow_failure`), or that nothing starts by itself, are
    decorative. A job that deploys on a push without waiting for tests is medium where no test runs
    in its workflow, low where another workflow tests the same changes: only the repository's own
    settings could make it wait. The same of a platform whose file says that it deploys what is pushed
    (Render's `autoDeploy`, App Platform's `deploy_on_push`, Vercel's `deploymentEnabled`).
    """

    id = "continuous-integration"
    title = "Continuous integration"
    section = "deployment"
    seeks = True
    severity = Severity.MEDIUM
    risk = "A change that breaks the application is found by its users."
    fix = "Run the tests on every pull request, let them fail the pipeline, and deploy only after them."
    references = (
        cwe(1053),
        Reference(
            "DORA: continuous integration", "https://dora.dev/capabilities/continuous-integration/"
        ),
    )
    effort = "medium"

    def assess(self, application: Application) -> Verdict:
        # pipelines do not rest on what the code says, only whether there is anything to test
        apps = application.aside(WebApp) or application.facts(WebApp)
        if not apps:
            return not_applicable("no web application was found")
        jobs = application.facts(Job)
        others = [f.path for f in application.tree.files if _PIPELINE.search(f.path)]
        if not jobs and others:
            if others[0] in dict(application.unread):
                return unknown(
                    f"{others[0]} cannot be read, so whether tests run cannot be told.",
                    f"Make {others[0]} parse, and audit again.",
                )
            return unknown(
                f"{others[0]} takes its jobs from elsewhere, so whether tests run is not in this tree.",
                "Look at a run of the pipeline: it should run the tests on every change.",
            )
        tests = [(job, step) for job in jobs for step in job.steps if step.tests]
        works = [(job, step) for job, step in tests if _runs(job) and not step.tolerated]
        evidence = [
            present(step.place, f"{job.system} runs tests ({step.tests})", step.place.path)
            for job, step in _one_each(works)
        ]
        if not works:
            evidence += self._missing(jobs, tests, application)
        evidence += self._ungated(jobs, bool(works))
        evidence += self._pushed(application, jobs, bool(works))
        wrong = [e for e in evidence if e.state is not State.PRESENT]
        summary = "Tests run on every change."
        if wrong:
            summary = f"{wrong[0].message[0].upper()}{wrong[0].message[1:]}."
        return judge(summary, evidence)

    @staticmethod
    def _missing(
        jobs: tuple[Job, ...], tests: list[tuple[Job, JobStep]], application: Application
    ) -> Iterator[Evidence]:
        for job, step in _one_each(tests):
            if step.tolerated and job.active:
                told = "tests run, and their failure is ignored"
            else:
                told = "tests stand in a pipeline that no change starts"
            yield Evidence(step.place, State.DECORATIVE, Severity.MEDIUM, told, step.place.path)
        if not tests:
            place = jobs[0].place if jobs else application.aside(WebApp)[0].place
            told = "no pipeline runs tests" if jobs else "no pipeline runs on a change"
            yield Evidence(place, State.ABSENT, Severity.MEDIUM, told, "tests")

    @staticmethod
    def _ungated(jobs: tuple[Job, ...], tested: bool) -> Iterator[Evidence]:
        seen: set[Place] = set()
        for job in jobs:
            step = next((s for s in job.steps if s.deploys), None)
            by_hand = not {"push", "schedule"} & set(job.triggers) if job.triggers else False
            if step is None or not job.active or by_hand or job.after or "manual" in job.condition:
                continue
            if _BACK.search(job.name) or _TRIED.search(job.environment):
                continue  # where a change is tried before it is let in
            own = [
                j for j in jobs if j.pipeline == job.pipeline and j.name in (*job.before, job.name)
            ]
            if any(s.tests and not s.tolerated for j in own for s in j.steps):
                continue
            elsewhere = tested and job.system == "GitHub Actions"
            severity = Severity.LOW if elsewhere else Severity.MEDIUM
            told = f"{job.name or job.system} deploys ({step.deploys}) without waiting for tests"
            if step.place not in seen:  # one action may deploy to several places
                seen.add(step.place)
                yield Evidence(step.place, State.WEAK, severity, told, f"{job.pipeline} {job.name}")

    @staticmethod
    def _pushed(
        application: Application, jobs: tuple[Job, ...], tested: bool
    ) -> Iterator[Evidence]:
        ordered = {
            found for job in jobs for s in job.steps for found in _ORDERED.findall(s.text.lower())
        }
        for each in application.facts(PushDeployment):
            if not each.written and each.platform.lower() in ordered:
                continue  # a pipeline orders it, so that the default may be switched off there
            severity = Severity.LOW if tested else Severity.MEDIUM
            told = f"{each.platform} deploys what is pushed without waiting for tests"
            if not each.written:
                told += ", unless it is told otherwise"
            yield Evidence(each.place, State.WEAK, severity, told, each.platform)

    good = (
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            "render.yaml": "services:\n- {type: web, name: shop, runtime: python, autoDeployTrigger: checksPass}\n",
            ".github/workflows/ci.yml": """
on: [push, pull_request]
jobs:
  test:
    steps:
      - uses: ./.github/actions/check
  deploy:
    needs: test
    if: github.ref == 'refs/heads/main'
    steps:
      - run: flyctl deploy --remote-only
""",
            ".github/actions/check/action.yml": """
runs:
  using: composite
  steps:
    - run: uv run pytest
      shell: bash
""",
        },
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            ".gitlab-ci.yml": """
stages: [check, release]
unit:
  stage: check
  script:
    - pip install tox
    - tox -e py
ship:
  stage: release
  script: helm upgrade shop ./chart
""",
        },
    )
    bad = (
        {"app.py": "from fastapi import FastAPI\napp = FastAPI()  # expect: medium\n"},
        {  # tests run beside what is deployed all the same
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            ".github/workflows/ci.yml": "on: push\njobs:\n  test:\n    steps:\n      - run: pytest\n",
            "render.yaml": "services:\n- type: web\n  name: shop\n  autoDeploy: true  # expect: low\n",
            ".do/app.yaml": "services:\n- name: shop\n  github:\n    branch: main\n    deploy_on_push: true  # expect: low\n",
        },
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            ".github/workflows/ci.yml": """
on: push
jobs:
  test:
    steps:
      - run: pip install pytest
      - run: pytest || true  # expect: medium
  deploy:
    needs: test
    steps:
      - run: kubectl apply -f k8s/  # expect: medium
""",
        },
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
            ".circleci/config.yml": """
version: 2.1
jobs:
  test:
    steps:
      - checkout
      - run: make test
  deploy:
    steps:
      - run: heroku container:release web  # expect: medium
workflows:
  all:
    jobs: [test, deploy]
""",
        },
    )


_ORDERED = re.compile(r"render|vercel|digitalocean")
_TRIED = re.compile(
    r"(?i)(?:^|[-_/ ])(?:dev\w*|test\w*|uat|qa|review|preview|sandbox|stag\w*|ephemeral)(?:$|[-_/ ])"
)


def _runs(job: Job) -> bool:
    """Whether a change starts a job: its pipeline's own triggers, or those of what calls it."""
    if not job.active or job.condition in ("false", "manual"):
        return False
    return not job.triggers or bool(
        {*_TEST_STARTS, "workflow_call", "workflow_run"} & set(job.triggers)
    )


def _one_each(found: list[tuple[Job, JobStep]]) -> list[tuple[Job, JobStep]]:
    """The first of each pipeline; a workflow that another one calls counts once."""
    first = {job.pipeline: (job, step) for job, step in reversed(found)}
    return list({step.place: (job, step) for job, step in first.values()}.values())[::-1]
