"""How an ecosystem orders its versions and writes down which of them fit.

PyPI: PEP 440 (https://packaging.python.org/en/latest/specifications/version-specifiers/), through
`packaging`. npm: Semantic Versioning 2.0 and node-semver's ranges, through `semantic_version`.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Protocol

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from semantic_version import NpmSpec
from semantic_version import Version as SemanticVersion


class Scheme(Protocol):
    """The versions of one ecosystem."""

    def key(self, version: str) -> Any:
        """Something that orders as the versions do; None for what is no version."""

    def admits(self, specifier: str, version: str) -> bool | None:
        """Whether a version fits; None where that cannot be told. An empty specifier admits all."""

    def preliminary(self, version: str) -> bool:
        """Whether it came before a release, and installers pass it over."""


class Pep440:
    @functools.lru_cache(maxsize=50_000)  # noqa: B019 - there is one scheme for the whole run
    def key(self, version: str) -> Version | None:
        """Local parts are left out: a vendor's build of 1.0 has what 1.0 has."""
        try:
            parsed = Version(version)
        except (InvalidVersion, ValueError):  # a number of too many digits
            return None
        return Version(parsed.public) if parsed.local else parsed

    def admits(self, specifier: str, version: str) -> bool | None:
        found = _specifiers(specifier)
        return None if found is None or self.key(version) is None else found.contains(version, True)

    def preliminary(self, version: str) -> bool:
        parsed = self.key(version)
        return parsed is not None and parsed.is_prerelease


@functools.lru_cache(maxsize=4096)
def _specifiers(text: str) -> SpecifierSet | None:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None


class Semver:
    @functools.lru_cache(maxsize=50_000)  # noqa: B019 - there is one scheme for the whole run
    def key(self, version: str) -> Any:
        return _semantic(version)

    def admits(self, specifier: str, version: str) -> bool | None:
        if specifier.strip() in ("", "*", "latest", "x"):
            return True
        parsed, found = _semantic(version), _npm(specifier.strip())
        return None if parsed is None or found is None else parsed in found

    def preliminary(self, version: str) -> bool:
        parsed = _semantic(version)
        return parsed is not None and bool(parsed.prerelease)


@functools.lru_cache(maxsize=50_000)
def _semantic(text: str) -> Any:
    plain = text.strip().lstrip("v=")
    match = re.fullmatch(
        r"(\d{1,12})(?:\.(\d{1,12}))?(?:\.(\d{1,12}))?([-+][0-9A-Za-z.+-]{1,120})?", plain
    )
    if match is None:
        return None
    numbers = (match[1], match[2] or "0", match[3] or "0")
    try:
        return SemanticVersion(".".join(str(int(n)) for n in numbers) + (match[4] or ""))
    except ValueError:
        return None


@functools.lru_cache(maxsize=4096)
def _npm(text: str) -> NpmSpec | None:
    if len(text) > 200:
        return None
    try:
        return NpmSpec(re.sub(r"\s+", " ", re.sub(r"([<>=~^])\s+(?=\d)", r"\1", text)))
    except ValueError:
        return None


_SCHEMES: dict[str, Scheme] = {"pypi": Pep440(), "npm": Semver()}


def scheme(ecosystem: str) -> Scheme | None:
    """How an ecosystem's versions are read; None for one that is not known."""
    return _SCHEMES.get(ecosystem)
