"""Files that the image of a database runs when it makes the database, before the application starts.

Sources: "Initialization scripts" and "Initializing a fresh instance" of the images' pages
(https://hub.docker.com/_/postgres, https://hub.docker.com/_/mysql, https://hub.docker.com/_/mongo).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from auditor.extract.readers.compose import Service
from auditor.link.application import Application

_RUN_AT_FIRST = "/docker-entrypoint-initdb.d"


def run_at_first(application: Application) -> Callable[[str], bool]:
    """Tells of a path whether a compose file puts it, or its folder, where the image looks for scripts."""
    mounted = {
        posixpath.normpath(posixpath.join(posixpath.dirname(file.path), source))
        for file, service in application.of(Service)
        for source, target, _ in service.volumes
        if source.startswith(".") and target.split(":")[0].startswith(_RUN_AT_FIRST)
    }
    return lambda path: any(path == at or path.startswith(f"{at}/") for at in mounted)
