"""What an audit could not look at."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.model.places import Place


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """Something of a kind ("routes", "queries", …) that lies outside of what the source tells."""

    place: Place
    kind: str
    reason: str
