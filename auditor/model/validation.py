"""What looks at the body of a request before it is used."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auditor.model.places import Place
from auditor.model.web import Route

if TYPE_CHECKING:
    from auditor.link.scopes import Located


class Checked(str, enum.Enum):
    """How the body of a request is checked, worst first."""

    DECORATIVE = "decorative"
    ABSENT = "absent"
    BY_HAND = "by hand"
    DECLARED = "declared"


@dataclass(frozen=True, slots=True)
class Validation:
    """The check of what a route reads itself, where no parameter declares it.

    `source` is body or form; `by` names what checks, a schema, form or serializer where it is
    declared; `reason` says why a decorative one checks nothing.
    """

    route: Route
    source: str
    state: Checked
    by: str
    place: Place
    reason: str = ""
    model: Located | None = field(default=None, compare=False, repr=False)
