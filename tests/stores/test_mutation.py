"""Each index of a hardened application taken away once: exactly the queries that it served lose it."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.model.data import CollectionFit, Fit, Index
from auditor.stores.matching import best
from tests.conftest import load, write
from tests.stores.removals import FIXTURES, REMOVALS, Removal

INDEXES = {
    "fastapi-mongodb": (
        "backend/server.py",
        [
            '    await db.users.create_index("email", unique=True)\n',
            '    await db.leads.create_index("id", unique=True)\n',
            '    await db.leads.create_index([("tenant_id", 1), ("created_at", -1)])\n',
            '    await db.leads.create_index([("tenant_id", 1), ("status", 1)])\n',
            '    await db.leads.create_index("email")\n',
            '    await db.messages.create_index("tenant_id")\n',
            '    await db.appointments.create_index("tenant_id")\n',
        ],
    )
}
"""Twin -> the file that declares its indexes, and each declaration."""


def fits(root: Path) -> dict[tuple[str, str, tuple[str, ...]], tuple[Fit, Index | None]]:
    """(collection, function, fields) of each query -> how it fits, and by which index."""
    return {
        (found.name, query.place.symbol, query.fields): (match.fit, match.by)
        for found in load(root).facts(CollectionFit)
        for query, match in found.fits
    }


@pytest.mark.parametrize(
    ("twin", "declaration"),
    [(twin, line) for twin, (_, lines) in INDEXES.items() for line in lines],
    ids=lambda value: value.strip()[:60],
)
def test_the_queries_that_it_served_lose_it(twin: str, declaration: str, tmp_path: Path) -> None:
    hardened = FIXTURES / twin / "hardened"
    path, _ = INDEXES[twin]
    source = (hardened / path).read_text()
    assert declaration in source
    line = source[: source.index(declaration)].count("\n") + 1
    before = fits(hardened)
    files = {
        str(file.relative_to(hardened)): file.read_text()
        for file in hardened.rglob("*")
        if file.is_file() and file.suffix in (".py", ".toml", ".txt", ".env")
    }
    root = write(tmp_path / "mutated", {**files, path: source.replace(declaration, "")})
    after = fits(root)
    served = {key for key, (_, by) in before.items() if by is not None and by.place.line == line}
    lost = {key for key in before if after[key][0] is not before[key][0]}
    others = {key for key in before if _by(before[key]) != _by(after[key]) and key not in lost}
    assert lost <= served
    for key in served - lost:
        assert key in others, "what it served alone is served no more"
    assert all(after[key][0] in (Fit.MISSING, Fit.PARTIAL) for key in lost)


def _by(found: tuple[Fit, Index | None]) -> tuple[tuple[str, int], ...]:
    return found[1].fields if found[1] is not None else ()


@pytest.mark.parametrize("removal", REMOVALS, ids=str)
def test_the_queries_of_a_table_lose_the_index_that_it_declared(
    removal: Removal, tmp_path: Path
) -> None:
    before, after = fits(removal.hardened), fits(removal.mutated(tmp_path / "mutated"))
    served = {
        key
        for key, (_, by) in before.items()
        if key[0] == removal.table and by is not None
        if tuple(name for name, _ in by.fields) == removal.fields
    }
    assert served, "an index of a hardened application serves something"
    lost = {key for key in before if _by(after[key]) != _by(before[key])}
    assert lost == served  # to none, or to one that gives the order alone
    assert {after[key][0] for key in lost} <= {Fit.MISSING, Fit.PARTIAL}


def test_removing_another_index_changes_nothing() -> None:
    """Over every index of every twin: only the queries whose best index it is may fit worse."""
    order = [Fit.COVERED, Fit.PARTIAL, Fit.MISSING, Fit.UNKNOWN]
    for hardened in sorted(FIXTURES.glob("*/hardened")):
        for found in load(hardened).facts(CollectionFit):
            brought = [m.by for _, m in found.fits if m.by is not None and m.by.implied]
            for index in found.live:
                rest = [each for each in (*found.live, *brought) if each is not index]
                for query, match in found.fits:
                    again = best(query, rest)
                    if match.by is not index:
                        assert again.fit is match.fit
                    assert order.index(again.fit) >= order.index(match.fit)
