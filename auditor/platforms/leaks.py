"""From secrets in the text of files, and in the history, to what has leaked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from auditor.discover import Kind, Role
from auditor.discover.environments import environment_of_file
from auditor.extract.secrets import Secret
from auditor.extract.secrets.names import SHIPPED
from auditor.extract.secrets.shipped import ShippedCredential
from auditor.link.application import Application, provides
from auditor.model.deployment import Leak, PublicCredential
from auditor.model.places import Place


@provides(Leak)
def leaks(application: Application) -> Iterator[Leak]:
    """Secrets of every file that could leave this machine: not of a dotenv file git leaves out."""
    for file, found in application.of(Secret, *Role):
        if file.kind is Kind.DOTENV and file.tracked is False:
            continue
        if file.kind is Kind.WORKFLOW and found.kind in ("local-url-password", "default-password"):
            continue  # the database of a test run, which ends with it
        if file.kind is Kind.WORKFLOW and found.kind == "password":
            found = msgspec.structs.replace(found, confidence="low")
        yield _leak(found, file.path, file.role, local=file.kind is Kind.WORKFLOW)
    for past in application.history.past if application.history else ():
        yield _leak(past.secret, past.path, past.role, past.commit, past.date)


def _leak(
    found: Secret, path: str, role: Role, commit: str = "", date: str = "", local: bool = False
) -> Leak:
    place = Place(path, found.line, found.column, found.end_line, found.variable)
    return Leak(
        found.kind,
        found.title,
        found.confidence,
        found.shape,
        found.variable,
        found.host,
        role.value,
        place,
        commit,
        date,
        bool(SHIPPED.match(found.variable)),
        local or environment_of_file(path) in ("development", "test"),
    )


_OF_SERVERS = re.compile(
    r"(?:^|/)(?:pages/api|server|backend|functions|scripts)/|^(?:[\w-]+/)?api/"
    r"|(?:^|/)(?:route|middleware|instrumentation|\+server|[\w.+-]+\.(?:server|config))\.[cm]?[jt]sx?$"
)
"""Where Next, SvelteKit, Netlify and Vercel keep what never runs in a browser."""
_GRAVEST = ("compared", "sent", "read", "")


@provides(PublicCredential)
def public_credentials(application: Application) -> Iterator[PublicCredential]:
    """Each setting once, at the gravest thing that a page does with it, else where it is given."""
    given: dict[str, list[Place]] = defaultdict(list)
    read: dict[str, list[tuple[int, Place]]] = defaultdict(list)
    for file, found in application.of(ShippedCredential):
        place = Place(file.path, found.line)
        if found.use == "set":
            given[found.name].append(place)
        elif not (found.server or file.generated or _OF_SERVERS.search(file.path)):
            read[found.name].append((_GRAVEST.index(found.use), place))
    for name in sorted(given.keys() | read.keys()):
        use, place = min(read[name]) if read[name] else (_GRAVEST.index(""), given[name][0])
        files = sorted({each.path for each in given[name]})
        yield PublicCredential(name, _GRAVEST[use], tuple(files), place)
