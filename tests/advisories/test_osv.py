"""Which versions an advisory affects: ranges, lists, names; held against a plain model of the schema."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from auditor.advisories import osv
from auditor.ecosystems.versions import Pep440, Scheme, Semver

PYPI, NPM = Pep440(), Semver()


def affected(
    events: list[dict[str, str]], versions: list[str] | None = None, kind: str = "ECOSYSTEM"
) -> osv.Affected:
    return osv.Affected(osv.Package("kit", "PyPI"), [osv.Range(kind, events)], versions)


INTRODUCED, FIXED, LAST = "introduced", "fixed", "last_affected"
CASES: list[tuple[list[dict[str, str]], str, bool]] = [
    ([{INTRODUCED: "0"}, {FIXED: "1.4"}], "1.3.9", True),
    ([{INTRODUCED: "0"}, {FIXED: "1.4"}], "1.4", False),
    ([{INTRODUCED: "0"}, {FIXED: "1.4"}], "1.4.0", False),
    ([{INTRODUCED: "0"}, {FIXED: "1.4"}], "1.4rc1", True),
    ([{INTRODUCED: "0"}, {FIXED: "1.4"}], "1.4.post1", False),
    ([{INTRODUCED: "0"}, {FIXED: "1.4"}], "1.3+vendor.2", True),
    ([{INTRODUCED: "0"}, {FIXED: "1.4"}], "1!0.1", False),
    ([{INTRODUCED: "0"}], "0.dev1", True),
    ([{INTRODUCED: "1.0"}, {LAST: "2.3"}], "2.3", True),
    ([{INTRODUCED: "1.0"}, {LAST: "2.3"}], "2.3+cu118", True),
    ([{INTRODUCED: "1.0"}, {LAST: "2.3"}], "2.3.post1", False),
    ([{INTRODUCED: "1.0"}, {LAST: "2.3"}], "0.9", False),
    ([{INTRODUCED: "1"}, {FIXED: "1.2"}, {INTRODUCED: "2"}, {FIXED: "2.2"}], "1.5", False),
    ([{INTRODUCED: "1"}, {FIXED: "1.2"}, {INTRODUCED: "2"}, {FIXED: "2.2"}], "2.1", True),
    ([{FIXED: "2.2"}, {INTRODUCED: "2"}, {FIXED: "1.2"}, {INTRODUCED: "1"}], "2.1", True),
    ([{INTRODUCED: "0"}, {"limit": "2.0"}], "2.1", False),
    ([{INTRODUCED: "0"}, {"limit": "2.0"}], "1.9", True),
    ([{INTRODUCED: "not a version"}], "1.0", False),
]  # fmt: skip


@pytest.mark.parametrize("events, version, expected", CASES)
def test_a_range(events: list[dict[str, str]], version: str, expected: bool) -> None:
    assert osv.affects(affected(events), version, PYPI) is expected


def test_a_list_needs_no_range_and_names_are_read_as_versions() -> None:
    assert osv.affects(affected([], ["1.0"]), "1.0.0", PYPI)
    assert osv.affects(affected([], ["weird-2011"]), "weird-2011", PYPI)
    assert not osv.affects(affected([], ["1.0"]), "1.0.1", PYPI)


def test_ranges_of_commits_say_nothing() -> None:
    assert not osv.affects(affected([{INTRODUCED: "0"}], None, "GIT"), "1.0", PYPI)


SEMVER = [
    ("1.2.2", True),
    ("1.2.3", False),
    ("2.0.0-beta.1", True),
    ("2.0.0-alpha", False),
    ("2.0.0", False),
]


@pytest.mark.parametrize("version, expected", SEMVER)
def test_semver_orders_what_comes_before_a_release(version: str, expected: bool) -> None:
    events = [
        {INTRODUCED: "1.0.0"},
        {FIXED: "1.2.3"},
        {INTRODUCED: "2.0.0-beta.1"},
        {FIXED: "2.0.0"},
    ]
    assert osv.affects(affected(events, None, "SEMVER"), version, NPM) is expected


NUMBER = st.integers(0, 4)
VERSION = st.builds(
    lambda a, b, pre: f"{a}.{b}{pre}",
    NUMBER,
    NUMBER,
    st.sampled_from(["", "", "rc1", ".post1", ".dev2"]),
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(VERSION, unique_by=Version, max_size=6),
    st.lists(VERSION, min_size=1, max_size=12),
    st.randoms(),
)
def test_the_range_gives_what_its_intervals_enumerate(
    borders: list[str], versions: list[str], dice: Any
) -> None:
    """Alternating borders are half-open intervals; the events may stand in any order."""
    borders.sort(key=Version)
    events = [{INTRODUCED if n % 2 == 0 else FIXED: each} for n, each in enumerate(borders)]
    intervals = [
        (Version(each), Version(borders[n + 1]) if n + 1 < len(borders) else None)
        for n, each in enumerate(borders)
        if n % 2 == 0
    ]
    dice.shuffle(events)
    for version in versions:
        at = Version(version)
        expected = any(low <= at and (high is None or at < high) for low, high in intervals)
        assert osv.affects(affected(events), version, PYPI) is expected


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_is_too_strange(version: str, other: str) -> None:
    schemes: tuple[Scheme, ...] = (PYPI, NPM)
    for known in schemes:
        osv.affects(affected([{INTRODUCED: other}, {FIXED: version}], [other]), version, known)
        known.admits(other, version)
        known.preliminary(version)
    osv.cvss_score(other)


def record(id_: str, aliases: list[str], **more: Any) -> osv.Record:
    events = [{INTRODUCED: "0"}, {FIXED: more.pop("fixed", "2.0")}]
    body = {
        "id": id_,
        "aliases": aliases,
        "affected": [
            {
                "package": {"name": "Kit_", "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }
        ],
        **more,
    }
    return osv.convert(body)


def test_one_row_for_one_flaw_under_its_best_known_name() -> None:
    high = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"}]
    records = [
        record("PYSEC-2026-1", ["CVE-2026-1"], fixed="2.1"),
        record("GHSA-aaaa-bbbb-cccc", ["CVE-2026-1"], severity=high),
        record("OTHER-1", ["GHSA-aaaa-bbbb-cccc"]),
        record("PYSEC-2026-2", []),
        record("GHSA-gone-gone-gone", [], withdrawn="2026-01-01T00:00:00Z"),
    ]
    matches = osv.matching(records, "pypi", "kit-")
    found = osv.merged(osv.affecting(matches, "1.0", PYPI), "1.0", PYPI, "test")
    assert [a.id for a in found] == ["CVE-2026-1", "PYSEC-2026-2"]
    assert found[0].aliases == ("GHSA-aaaa-bbbb-cccc", "PYSEC-2026-1", "OTHER-1")
    assert (found[0].score, found[0].severity) == (7.5, "high")
    assert found[0].fixed_in == ("2.0", "2.1")
    assert osv.upgrade(matches, "1.0", "<2.1", PYPI, ()) == ("2.1", False)
    assert osv.upgrade(matches, "1.0", ">=1", PYPI, ()) == ("2.1", True)
    assert osv.upgrade(matches, "1.0", "", PYPI, ["1.9", "2.0.5", "2.2rc1", "2.2"]) == ("2.1", True)


SCORES = [
    ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
    ("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:L/A:N", 4.2),
    ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3),
    ("AV:N/AC:L/Au:N/C:P/I:P/A:P", 7.5),
    ("CVSS:3.1/AV:N", None),
    ("high", None),
]


@pytest.mark.parametrize("vector, expected", SCORES)
def test_scores_are_those_of_the_calculator(vector: str, expected: float | None) -> None:
    assert osv.cvss_score(vector) == expected


NPM_SPECIFIERS = [
    ("^1.2.0", "1.9.9", True), ("^1.2.0", "2.0.0", False), ("~1.2.3", "1.2.9", True), ("1.x", "1.7.0", True),
    (">=1 <3 || 4.0.0", "4.0.0", True), ("> 1.0", "1.5.0", True), ("", "9.9.9", True), ("latest", "1.0.0", True),
    ("^0.2.3", "0.3.0", False), ("nonsense !", "1.0.0", None),
]  # fmt: skip


@pytest.mark.parametrize("specifier, version, expected", NPM_SPECIFIERS)
def test_ranges_of_node_semver(specifier: str, version: str, expected: bool | None) -> None:
    assert NPM.admits(specifier, version) is expected
