"""Containers: what an image is made of, and what a container may do where it runs."""

from __future__ import annotations

import msgspec

from auditor.model.places import Place


class BaseImage(msgspec.Struct, frozen=True):
    """An image from outside that a stage starts from; `tag` and `digest` are empty where not given."""

    name: str
    tag: str
    digest: str
    place: Place


class ContainerImage(msgspec.Struct, frozen=True):
    """An image that the tree builds for more than a developer's machine.

    `root` tells whether its process runs as root, None where only the base image knows; `drops` what
    gives up root at start. `secrets` holds (instruction, name, what is given, place): a `secret`, a value that
    anybody `knows`, or nothing.
    """

    place: Place
    bases: tuple[BaseImage, ...]
    root: bool | None
    user_place: Place
    drops: str
    secrets: tuple[tuple[str, str, str, Place], ...]
    tools: tuple[tuple[str, Place], ...]
    """Compilers that stay in the image."""
    dotenv: tuple[tuple[str, Place], ...]
    """Dotenv files that lie in what is copied into it."""
    unfiltered: Place | None
    """Where the whole context is copied, and nothing leaves out secrets and the repository's history."""
    downloads: tuple[Place, ...]
    healthcheck: str
    serves: bool
    runs: bool
    """Something is known to run it as it is; it is more than a base for others."""
    probed: bool = False
    """Whether what runs it asks whether it is well."""


class Container(msgspec.Struct, frozen=True):
    """A container as a compose file or a Kubernetes manifest runs it.

    `power` is what gives it power over its host, `published` the ports open to every network,
    `root` whether it is told to run as root (False: told not to; None: not told).
    `ephemeral` is set for a database whose files vanish with the container.
    """

    name: str
    source: str
    image: str
    place: Place
    power: tuple[tuple[str, Place], ...] = ()
    published: tuple[str, ...] = ()
    published_place: Place | None = None
    root: bool | None = None
    restarts: bool = True
    database: bool = False
    ephemeral: bool = False
    panel: str = ""
    """An administration interface that it opens to every network without asking who it is."""
    unlimited: bool = False
    """Nothing bounds the memory that it takes (Kubernetes)."""
    unprobed: bool = False
    """Nothing asks whether it is well (Kubernetes)."""
