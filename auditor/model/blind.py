"""What an audit could not look at."""

from __future__ import annotations

import msgspec

from auditor.model.places import Place


class BlindSpot(msgspec.Struct, frozen=True):
    """Something of a kind ("routes", "queries", …) that lies outside of what the source tells.

    `foreign` where it is a package's own, and leads to nothing of the tree.
    """

    place: Place
    kind: str
    reason: str
    foreign: bool = False

    @property
    def hides_views(self) -> bool:
        """Whether routes that are not told may lead to views of the tree."""
        return self.kind == "routes" and not self.foreign
