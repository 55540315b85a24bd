"""Every guard of every hardened twin taken out once: exactly the routes that it alone guards open.

What opens is asked of the framework itself where the twin can be run, and told from where the guard
stands in any case. Where two guards protect the same routes, the shared one is also taken out first,
so that the others stand alone.
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from auditor.assess.registry import all_rules
from auditor.assess.verdict import State
from auditor.link.application import Application
from auditor.model.web import Guarding
from tests.conftest import load
from tests.mutation.expected import Mutation
from tests.mutation.runtime import Answers, Run, ask
from tests.mutation.trial import Trial

FIXTURES = Path(__file__).parents[2] / "fixtures"
TWINS = sorted(path.parent.name for path in FIXTURES.glob("*/hardened"))
RUNS = {
    "django-rest": Run(
        ".",
        "probe_django.py",
        ["agency.settings"],
        {
            "ENVIRONMENT": "production",
            "SECRET_KEY": "of-the-test",
            "ALLOWED_HOSTS": "agency.example.org",
            "DATABASE_KIND": "sqlite3",
            "DATABASE_NAME": ":memory:",
            "DATABASE_HOST": "",
            "DATABASE_PASSWORD": "",
            "CACHE_KIND": "locmem.LocMemCache",
            "CACHE_URL": "agency",
            "SENTRY_DSN": "",
            "WEBHOOK_SECRET": "of-the-test",
        },
    ),
    "fastapi-mongodb": Run(
        "backend",
        "probe_fastapi.py",
        ["server:app"],
        {
            "ENVIRONMENT": "production",
            "MONGO_URL": "mongodb://localhost",
            "DB_NAME": "leads",
            "JWT_SECRET": "of-the-test",
            "CORS_ORIGINS": "https://leads.example.org",
            "SENTRY_DSN": "",
            "OPENAI_API_KEY": "of-the-test",
        },
    ),
    "flask-sqlalchemy": Run(
        ".",
        "probe_flask.py",
        ["wsgi", "401", "403"],
        {
            "ENVIRONMENT": "production",
            "SECRET_KEY": "of-the-test",
            "DATABASE_URL": "sqlite://",
            "LIMITER_STORAGE": "memory://",
            "SENTRY_DSN": "",
        },
    ),
}


def others(application: Application) -> Counter[tuple[str, str, str, str]]:
    """What every rule says that does not rest on the guards.

    Where the guard is gone that told who calls, nothing can be held against the caller.
    """
    said: Counter[tuple[str, str, str, str]] = Counter()
    for rule in all_rules():
        if rule.id not in ("authentication", "object-authorization"):
            verdict = rule.assess(application)
            said[rule.id, verdict.outcome.value, "", ""] += 1
            for piece in verdict.evidence:
                if piece.state is not State.PRESENT:
                    said[rule.id, piece.state.value, piece.severity.name, piece.subject] += 1
    return said


def rounds(trial: Trial) -> list[tuple[Trial, list[Mutation]]]:
    """The twin with all its mutations, and the twin without each shared guard that is one of two."""
    every = trial.mutations()
    spare = [m.site for m in every if m.site.shared and not m.opened and not m.exempt]
    weaker = [trial.without(site) for site in spare]
    return [(trial, every), *((each, each.mutations()) for each in weaker)]


@pytest.mark.parametrize("twin", TWINS)
def test_one_guard_less_opens_exactly_its_routes(twin: str, tmp_path: Path) -> None:
    root = Path(shutil.copytree(FIXTURES / twin / "hardened", tmp_path / "hardened"))
    tried = rounds(Trial(load(root)))
    opened: Counter[str] = Counter()
    for trial, mutations in tried:
        for mutation in mutations:
            reason = trial.judge(mutation)
            assert not reason, f"{mutation.site}: {reason}"
            after = trial.without(mutation.site)
            assert others(after.application) == others(trial.application), mutation.site
            opened.update(route.name for route in mutation.opened)
    first = tried[0][0]
    enforced = [r for r in first.routes if r.authentication is Guarding.ENFORCED]
    assert enforced
    assert opened.keys() >= {r.name for r in enforced if not r.public}


@pytest.mark.parametrize("twin", sorted(set(TWINS) & RUNS.keys()))
def test_the_framework_opens_the_same(twin: str, tmp_path: Path) -> None:
    root = Path(shutil.copytree(FIXTURES / twin / "hardened", tmp_path / "hardened"))
    tried = rounds(Trial(load(root)))
    versions = [t.overlay for t, _ in tried]
    versions += [t.without(m.site).overlay for t, mutations in tried for m in mutations]
    answers = ask(RUNS[twin], root, versions)
    before, after = answers[: len(tried)], iter(answers[len(tried) :])
    for closed, (_, mutations) in zip(before, tried, strict=True):
        assert any(closed.values())
        for mutation in mutations:
            opened = _opened(closed, next(after))
            expected = {(r.method, r.written) for r in mutation.opened}
            assert opened >= {route for route in expected if closed[route]}, mutation.site
            if mutation.site.shared and mutation.site.kind == "decorator":
                continue  # what is left of a hook may fail on a stranger: neither closed nor open
            public = {
                (r.method, r.written) for r in mutation.exempt
            }  # a logout may lead to the login
            assert opened <= public | expected, mutation.site


def _opened(before: Answers, after: Answers) -> set[tuple[str, str]]:
    assert before.keys() == after.keys()
    return {route for route, closed in before.items() if closed and not after[route]}
