"""Advisories from the network, through pip-audit's services; runs in a process of its own.

PyPI (https://docs.pypi.org/api/json/) tells what is known against one version, and that it does not
know a package; OSV (https://google.github.io/osv.dev/api/) tells severities, ranges and npm. Only
names and versions are sent. Nothing is resolved, built or installed.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import msgspec
import requests
from packaging.version import InvalidVersion, Version
from pip_audit._service import (
    OsvService,
    PyPIService,
    ResolvedDependency,
    ServiceError,
    SkippedDependency,
    VulnerabilityResult,
)

from auditor.advisories import osv
from auditor.advisories.answers import Answer, judged, wanted
from auditor.advisories.process import Job
from auditor.ecosystems.versions import scheme
from auditor.model.dependencies import Advisory, Checked, Dependency, Finding, NotChecked

log = logging.getLogger(__name__)

_TIMEOUT = 10
"""Seconds that one request may take to connect, and to bring its next bytes."""
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, IndexError)
"""What pip-audit raises, besides its own errors, on an answer that is none."""


_THREADS = 12
_HOPELESS = 3
"""Failures after which nothing more is asked, where nothing has answered at all."""


def main() -> None:
    """Read a job from standard input, and write a line of JSON for each answer."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    addresses = Addresses(job.pypi or _PUBLIC.pypi, job.osv or _PUBLIC.osv)
    online = Online(job.service, Path(job.cache), addresses)
    asked = _Asked(online)
    with ThreadPoolExecutor(_THREADS) as pool:
        futures = {pool.submit(asked, d): number for number, d in enumerate(job.dependencies)}
        for future in as_completed(futures):
            line = msgspec.json.encode((futures[future], Answer.of(future.result())))
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()


class Unreachable(Exception):
    """A service did not answer as it should; the message says how, in a few words."""


class _Asked:
    """Asks one dependency after another, until it is plain that nobody answers."""

    def __init__(self, online: Online) -> None:
        self._online = online
        self._failures, self._answers = 0, 0

    def __call__(self, dependency: Dependency) -> Finding:
        if self._failures >= _HOPELESS and not self._answers:
            return NotChecked(dependency, f"{self._online.name} cannot be reached")
        try:
            finding = self._online.check(dependency)
        except Unreachable as error:
            self._failures += 1
            return NotChecked(dependency, str(error))
        except Exception as error:
            log.debug("%s", dependency.name, exc_info=True)
            return NotChecked(dependency, f"looking it up failed ({type(error).__name__})")
        self._answers += 1
        return finding


class Addresses(msgspec.Struct, frozen=True):
    """Where the services are; tests put a local server in their place."""

    pypi: str = "https://pypi.org"
    osv: str = "https://api.osv.dev/v1"


_PUBLIC = Addresses()


class Online:
    """One service for Python (`pypi` or `osv`), OSV for npm and for what is not pinned."""

    def __init__(self, service: str, cache: Path, addresses: Addresses) -> None:
        self.name = {"pypi": "PyPI", "osv": "OSV"}[service]
        self._service, self._cache, self._addresses = service, cache, addresses
        self._local = threading.local()

    def check(self, dependency: Dependency) -> Finding:
        if dependency.ecosystem == "pypi" and dependency.version:
            return self._pinned(dependency)
        released = self._released(dependency) if dependency.ecosystem == "pypi" else []
        if released is None:
            return NotChecked(dependency, "the index does not know it")
        return judged(dependency, self._records(dependency), "OSV", released)

    # --- Python, pinned: pip-audit's word

    def _pinned(self, dependency: Dependency) -> Finding:
        try:
            version = Version(dependency.version)
        except InvalidVersion:
            return NotChecked(dependency, f"{dependency.version!r} is no version")
        service, seen = self._tools()
        seen.clear()
        try:
            spec, results = service.query(ResolvedDependency(dependency.name, version))
        except requests.RequestException as error:
            raise Unreachable(_told(error, self.name)) from error
        except ServiceError as error:
            raise Unreachable(_told(error.__cause__ or error, self.name)) from error
        except _MALFORMED as error:
            raise Unreachable(f"{self.name} answered nonsense") from error
        if isinstance(spec, SkippedDependency):
            return NotChecked(dependency, "the index does not know it")
        body = seen[-1] if seen else {}
        released = _release_day(body)
        if not results:
            return Checked(dependency, (), released=released)
        return self._vulnerable(dependency, results, body, released)

    def _vulnerable(
        self,
        dependency: Dependency,
        results: list[VulnerabilityResult],
        body: Any,
        released: str,
    ) -> Finding:
        """Severities, ranges and merged names need the advisories themselves, which OSV has."""
        known = scheme("pypi")
        assert known is not None
        records = _converted(body.get("vulns")) if self._service == "osv" else []
        records = records or [r for each in results for r in self._told_of(each, dependency)]
        told = {r.id for r in records} | {a for r in records for a in r.aliases or ()}
        matches = osv.matching(records, "pypi", dependency.name)
        found = osv.merged(matches, dependency.version, known, self.name)
        for result in results:
            if not told & {str(result.id), *map(str, result.aliases)}:
                found.append(_as_told(result, self.name))
        upgrade, within = osv.upgrade(
            matches, dependency.version, wanted(dependency), known, _fixed(results)
        )
        return Checked(dependency, tuple(found), upgrade, within, released)

    def _told_of(self, result: VulnerabilityResult, dependency: Dependency) -> list[osv.Record]:
        """The advisories on one flaw, up to the first that rates it; GitHub's do."""
        found: list[osv.Record] = []
        names = sorted({str(result.id), *map(str, result.aliases)}, key=_rating_first)
        for name in names[:4]:
            record = self._record(name)
            if record is not None and record.concerns("pypi", dependency.name):
                found.append(record)
                if record.severity or any(a.severity for a in record.affected or ()):
                    break
        return found

    def _record(self, id_: str) -> osv.Record | None:
        """An advisory by its name; None where OSV cannot be had, or does not know it."""
        try:
            response = self._session.get(f"{self._addresses.osv}/vulns/{id_}", timeout=_TIMEOUT)
            return osv.decode(response.content) if response.ok else None
        except (requests.RequestException, osv.Malformed):
            return None

    # --- by name

    def _records(self, dependency: Dependency) -> list[osv.Record]:
        """All advisories on a name, for the matcher. Raises Unreachable."""
        package = {"name": dependency.name, "ecosystem": osv.ECOSYSTEMS[dependency.ecosystem]}
        records: list[osv.Record] = []
        token = ""
        for _ in range(20):
            query = {"package": package, **({"page_token": token} if token else {})}
            try:
                response = self._session.post(
                    f"{self._addresses.osv}/query", data=json.dumps(query), timeout=_TIMEOUT
                )
                response.raise_for_status()
                body = response.json()
                records += _converted(body.get("vulns") or [], strict=True)
                token = body.get("next_page_token") or ""
            except requests.RequestException as error:
                raise Unreachable(_told(error, "OSV")) from error
            except _MALFORMED as error:
                raise Unreachable("OSV answered nonsense") from error
            if not token:
                return records
        raise Unreachable("OSV's answer has no end")

    def _released(self, dependency: Dependency) -> list[str] | None:
        """Every release of a Python package; None where the index does not know it."""
        url = f"{self._addresses.pypi}/pypi/{dependency.name}/json"
        try:
            response = self._session.get(url, timeout=_TIMEOUT)
            if response.status_code == 404:
                return None
            response.raise_for_status()
            releases = response.json()["releases"]
            return [
                version
                for version, files in releases.items()
                if any(not file.get("yanked") for file in files)
            ]
        except requests.RequestException as error:
            raise Unreachable(_told(error, "PyPI")) from error
        except _MALFORMED as error:
            raise Unreachable("PyPI answered nonsense") from error

    # --- one service a thread

    def _tools(self) -> tuple[PyPIService | OsvService, list[Any]]:
        """pip-audit's service, and the JSON bodies that its session has received."""
        if not hasattr(self._local, "service"):
            service: PyPIService | OsvService
            if self._service == "osv":
                service = OsvService(self._cache, _TIMEOUT, f"{self._addresses.osv}/query")
            else:
                service = PyPIService(self._cache, _TIMEOUT)
            if self._addresses.pypi != _PUBLIC.pypi:
                service.session.mount(_PUBLIC.pypi, _Elsewhere(_PUBLIC.pypi, self._addresses.pypi))
            seen: list[Any] = []

            def keep(response: requests.Response, *_: Any, **__: Any) -> None:
                try:
                    body = response.json()
                except ValueError:
                    return
                if isinstance(body, dict):
                    seen[:] = [body]

            service.session.hooks["response"].append(keep)
            self._local.service, self._local.seen = service, seen
        return self._local.service, self._local.seen

    @property
    def _session(self) -> requests.Session:
        return self._tools()[0].session  # type: ignore[no-any-return]


class _Elsewhere(requests.adapters.HTTPAdapter):
    """Sends what is meant for one host to another: pip-audit's address of PyPI is fixed."""

    def __init__(self, meant: str, sent: str) -> None:
        super().__init__()
        self._meant, self._sent = meant, sent

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        request.url = (request.url or "").replace(self._meant, self._sent, 1)
        return super().send(request, **options)


def _converted(found: Any, strict: bool = False) -> list[osv.Record]:
    """Advisories of a body. Raises TypeError where `strict` and one is none."""
    records = []
    for each in found if isinstance(found, list) else ():
        try:
            records.append(osv.convert(each))
        except osv.Malformed as error:
            if strict:
                raise TypeError(str(error)) from error
    return records


def _as_told(result: VulnerabilityResult, source: str) -> Advisory:
    """pip-audit's row as it is: no severity."""
    return Advisory(
        str(result.id),
        tuple(sorted(map(str, result.aliases))),
        result.description[:200],
        "",
        None,
        tuple(map(str, result.fix_versions)),
        source,
    )


def _rating_first(name: str) -> tuple[bool, bool, str]:
    return not name.startswith("GHSA-"), name.startswith("CVE-"), name


def _fixed(results: list[VulnerabilityResult]) -> list[str]:
    return [str(version) for result in results for version in result.fix_versions]


def _release_day(body: Any) -> str:
    try:
        days = [str(each["upload_time_iso_8601"])[:10] for each in body.get("urls") or ()]
    except _MALFORMED:
        return ""
    return min(days, default="")


def _told(error: BaseException, name: str) -> str:
    """What went wrong, in a few words without addresses."""
    if isinstance(error, requests.Timeout):
        return f"{name} did not answer in time"
    if isinstance(error, requests.exceptions.ProxyError):
        return f"{name} cannot be reached through the proxy"
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"{name} answered with status {error.response.status_code}"
    if isinstance(error, requests.exceptions.JSONDecodeError | ValueError):
        return f"{name} answered nonsense"
    return f"{name} cannot be reached"
