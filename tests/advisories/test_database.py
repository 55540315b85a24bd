"""Databases on this machine: directories, zip files, what is wrong with them, what is kept of them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from auditor.advisories import DatabaseError
from auditor.advisories.database import Database, Local
from auditor.advisories.lookup import Lookup
from auditor.model.dependencies import Admitted, Checked, Dependency, Finding, NotChecked
from auditor.model.places import Place
from tests.conftest import ADVISORIES


def dependency(
    name: str, version: str = "", specifier: str = "", ecosystem: str = "pypi", origin: str = ""
) -> Dependency:
    place = Place("requirements.txt", 1)
    return Dependency(
        name, version, specifier, ecosystem, "", place, True, bool(version), (), origin
    )


def look(database: Path, *wanted: Dependency, cache: Path | None = None) -> tuple[Finding, ...]:
    return Lookup(Local(Database(database, cache))).findings(wanted)


def as_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in ADVISORIES.iterdir():
            archive.write(file, file.name)
    return path


def as_yaml(path: Path) -> Path:
    path.mkdir()
    for file in ADVISORIES.iterdir():
        (path / file.with_suffix(".yaml").name).write_text(file.read_text())  # JSON is YAML
    return path


@pytest.mark.parametrize("form", ["directory", "zip", "yaml", "remembered"])
def test_every_form_gives_the_same(form: str, tmp_path: Path) -> None:
    path, cache = ADVISORIES, None
    if form == "zip":
        path = as_zip(tmp_path / "all.zip")
    elif form == "yaml":
        path = as_yaml(tmp_path / "db")
    elif form == "remembered":
        cache = tmp_path / "cache"
        Database(path, cache)
        assert list(cache.iterdir())
    kit, other, cart = look(
        path,
        dependency("shopkit", "1.4.1"),
        dependency("shop.kit", "1.0"),
        dependency("@shop/cart", "1.0.0", ecosystem="npm"),
        cache=cache,
    )
    assert isinstance(kit, Checked)
    assert [(a.id, a.severity) for a in kit.advisories] == [("CVE-2026-90001", "high")]
    assert (kit.upgrade, kit.within) == ("1.4.2", True)
    assert isinstance(other, Checked)
    assert [a.id for a in other.advisories] == ["EXAMPLE-2026-0002"]
    assert isinstance(cart, Checked)
    assert [a.id for a in cart.advisories] == ["CVE-2026-90007"]


def test_what_is_not_pinned_is_held_against_every_known_version() -> None:
    some, every, none = look(
        ADVISORIES,
        dependency("shopkit", specifier=">=1.4"),
        dependency("shopkit", specifier="<1.4.2"),
        dependency("shopkit", specifier=">=2.1"),
    )
    assert isinstance(some, Admitted)
    assert (some.known, some.affected) == (("1.4.1", "1.4.2", "2.0", "2.1"), ("1.4.1", "2.0"))
    assert isinstance(every, Admitted)
    assert every.known == every.affected == ("1.0", "1.4.1")
    assert isinstance(none, Admitted)
    assert none.affected == ()


ELSEWHERE = [
    dependency("shopkit", "1.0", origin="vcs"),
    dependency("shopkit", "1.0", origin="url"),
    dependency("shopkit", "1.0", origin="path"),
    dependency("numpy", "1.0", ecosystem="conda", origin="conda"),
    dependency("inhouse", "1.0", origin="index"),
    dependency("shopkit", "not-a-version"),
]


@pytest.mark.parametrize("wanted", ELSEWHERE, ids=lambda d: d.origin or d.version)
def test_what_cannot_be_looked_up_is_never_clean(wanted: Dependency) -> None:
    (found,) = look(ADVISORIES, wanted)
    assert isinstance(found, NotChecked)
    assert found.reason


def test_an_ecosystem_that_the_database_does_not_hold_is_not_checked(tmp_path: Path) -> None:
    only = tmp_path / "db"
    only.mkdir()
    (only / "a.json").write_text((ADVISORIES / "EXAMPLE-2026-0001.json").read_text())
    (found,) = look(only, dependency("left-pad", "1.0.0", ecosystem="npm"))
    assert isinstance(found, NotChecked)
    assert "npm" in found.reason


def test_broken_files_are_counted(tmp_path: Path) -> None:
    good = json.loads((ADVISORIES / "EXAMPLE-2026-0001.json").read_text())
    (tmp_path / "good.json").write_text(json.dumps(good))
    (tmp_path / "broken.json").write_text('{"id": "X-1", "affected": [{"package": 3}]}')
    (tmp_path / "text.yaml").write_text("- [")
    assert Database(tmp_path).broken == 2


@pytest.mark.parametrize("content", [None, "text", "empty"])
def test_what_is_no_database_is_an_error_in_one_line(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "db"
    if content == "text":
        path.write_text("no zip")
    elif content == "empty":
        path.mkdir()
    with pytest.raises(DatabaseError) as error:
        Database(path)
    assert "\n" not in str(error.value)
