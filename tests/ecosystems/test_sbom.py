"""The bill of materials is valid CycloneDX, and holds what the lock file holds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from auditor.inventory.sbom import render
from auditor.model.dependencies import Dependency
from tests.conftest import Build, load

LOCKS = Path(__file__).parent / "locks"


@pytest.mark.parametrize("tool", ["uv", "poetry", "npm", "yarn", "pipenv", "piptools"])
def test_it_is_valid_and_whole(tool: str) -> None:
    application = load(LOCKS / tool)
    text = render(application)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    versions = {(d.name, d.version) for d in application.facts(Dependency)}
    assert len(document["components"]) == len(versions)
    related = {d["ref"]: d.get("dependsOn", []) for d in document["dependencies"]}
    assert len(related["application"]) == (2 if tool == "piptools" else 3)
    if tool == "uv":
        assert "pkg:pypi/werkzeug@3.1.9" in related["pkg:pypi/flask@3.1.3"]
    if tool == "npm":
        assert related["pkg:npm/semver@7.5.4"] == ["pkg:npm/lru-cache@6.0.0"]


def test_it_names_the_vulnerabilities(build: Build) -> None:
    files = {
        "requirements.txt": "shopkit==1.4.1\n",
        "requirements-dev.txt": "pytest==8.0\n",
        "package.json": '{"dependencies": {"@shop/cart": "1.0.0", "kit": "git+https://git.example/kit.git"}}',
    }
    text = render(build(files))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    found = {v["id"]: v for v in document["vulnerabilities"]}
    assert found.keys() == {"CVE-2026-90001", "CVE-2026-90007"}
    kit = found["CVE-2026-90001"]
    assert kit["affects"] == [{"ref": "pkg:pypi/shopkit@1.4.1"}]
    assert kit["ratings"] == [{"score": 7.5, "severity": "high"}]
    assert kit["recommendation"] == "Upgrade to 1.4.2."
    scopes = {c["purl"]: c["scope"] for c in document["components"]}
    assert scopes["pkg:pypi/pytest@8.0"] == "excluded"
    assert scopes["pkg:npm/%40shop/cart@1.0.0"] == "required"


def test_two_runs_differ_in_the_time_stamp_only() -> None:
    def text() -> str:
        return re.sub(r'"timestamp": "[^"]+"', "", render(load(LOCKS / "uv")))

    assert text() == text()
