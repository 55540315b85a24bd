"""The online services against a local server that stands for the index and for OSV, and its faults."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from auditor.advisories.lookup import Lookup, Memory
from auditor.advisories.process import Process
from auditor.assess.registry import all_rules
from auditor.assess.verdict import Outcome, Verdict
from auditor.discover import discover
from auditor.extract.pipeline import Extraction
from auditor.link.application import Application
from auditor.model.dependencies import Admitted, Checked, Finding, NotChecked
from tests.advisories.test_database import dependency
from tests.conftest import ADVISORIES, write

Answer = tuple[int, bytes]
RECORDS = [json.loads(file.read_text()) for file in sorted(ADVISORIES.glob("*.json"))]
"""What OSV knows; the index knows `shopkit` and `steady`."""
RELEASES = {"shopkit": ["1.0", "1.4.1", "1.4.2", "2.0", "2.1"], "steady": ["1.0"]}


def index(name: str, version: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    if name == "shopkit" and version in ("1.0", "1.4.1", "2.0"):
        found = [
            {"id": "EXAMPLE-2026-0001", "aliases": ["CVE-2026-90001"], "details": "Made up.", "fixed_in": ["1.4.2", "2.1"]},
            {"id": "EXAMPLE-2026-0003", "aliases": [], "details": "Gone.", "fixed_in": [], "withdrawn": "2026-01-06T00:00:00Z"},
        ]  # fmt: skip
    files = [{"upload_time_iso_8601": "2021-05-06T07:08:09.000000Z"}]
    return {"info": {"name": name, "version": version}, "urls": files, "vulnerabilities": found}


def concerned(query: dict[str, Any]) -> dict[str, Any]:
    package = query["package"]
    found = [
        r for r in RECORDS
        if any(a["package"]["name"] == package["name"] and a["package"]["ecosystem"] == package["ecosystem"] for a in r["affected"])
    ]  # fmt: skip
    version = query.get("version")
    if version:
        found = [r for r in found if any(version in a.get("versions", ()) for a in r["affected"])]
    return {"vulns": found} if found else {}


def right(method: str, path: str, body: bytes) -> Answer:
    """A service that works."""
    parts = path.strip("/").split("/")
    if parts[0] == "pypi" and parts[1] in RELEASES:
        if len(parts) == 4 and parts[2] in RELEASES[parts[1]]:
            return 200, json.dumps(index(parts[1], parts[2])).encode()
        if len(parts) == 3:
            releases: dict[str, Any] = {v: [{"yanked": v == "1.0"}] for v in RELEASES[parts[1]]}
            return 200, json.dumps({"releases": {**releases, "0.1": []}}).encode()
    if parts[:2] == ["v1", "query"]:
        return 200, json.dumps(concerned(json.loads(body))).encode()
    for record in RECORDS:
        if parts == ["v1", "vulns", record["id"]]:
            return 200, json.dumps(record).encode()
    return 404, b"{}"


class Server:
    """A local server; `answer` may be replaced. `asked` are the requests it got."""

    def __init__(self) -> None:
        self.answer: Callable[[str, str, bytes], Answer] = right
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                server.asked.append(f"{self.command} {self.path}")
                status, data = server.answer(self.command, self.path, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def lookup(
    server: Server, service: str = "pypi", limit: float = 30.0, cache: Path | None = None
) -> Lookup:
    process = Process(service, None, server.url, f"{server.url}/v1")
    return Lookup(process, "nothing answered", service, limit, Memory(cache, service))


WANTED = (
    dependency("shopkit", "1.4.1", "==1.4.1"),
    dependency("steady", "1.0"),
    dependency("inhouse", "3.2"),
    dependency("shopkit", specifier=">=1.4"),
    dependency("@shop/cart", "1.0.0", ecosystem="npm"),
    dependency("steady", specifier=""),
)


@pytest.mark.parametrize("service", ["pypi", "osv"])
def test_what_the_services_know(service: str, server: Server) -> None:
    kit, steady, inhouse, loose, cart, unpinned = lookup(server, service).findings(WANTED)
    assert isinstance(kit, Checked)
    assert [(a.id, a.severity, a.score) for a in kit.advisories] == [
        ("CVE-2026-90001", "high", 7.5)
    ]
    assert (kit.upgrade, kit.within) == ("1.4.2", True)
    assert isinstance(steady, Checked)
    assert steady.advisories == ()
    if service == "pypi":  # OSV answers the same for what it does not know
        assert isinstance(inhouse, NotChecked)
        assert inhouse.reason == "the index does not know it"
        assert kit.released == "2021-05-06"
    assert isinstance(loose, Admitted)
    assert loose.known == ("1.4.1", "1.4.2", "2.0", "2.1")  # a yanked one is left out
    assert loose.affected == ("1.4.1", "2.0")
    assert isinstance(cart, Checked)
    assert [a.id for a in cart.advisories] == ["CVE-2026-90007"]
    assert isinstance(unpinned, Admitted)
    assert unpinned.affected == ()


def no_severities(method: str, path: str, body: bytes) -> Answer:
    return (503, b"") if path.startswith("/v1") else right(method, path, body)


def test_without_severities_the_flaw_is_still_told(server: Server) -> None:
    server.answer = no_severities
    (kit, *_) = lookup(server).findings(WANTED[:1])
    assert isinstance(kit, Checked)
    assert [(a.id, a.severity) for a in kit.advisories] == [("CVE-2026-90001", "")]
    assert kit.upgrade == "1.4.2"


def slow(method: str, path: str, body: bytes) -> Answer:
    time.sleep(20)
    return right(method, path, body)


FAULTS: dict[str, tuple[Callable[[str, str, bytes], Answer], str]] = {
    "404": (lambda *_: (404, b""), "the index does not know it"),
    "500": (lambda *_: (500, b"no"), "answered with status 500"),
    "429": (lambda *_: (429, b""), "answered with status 429"),
    "garbage": (lambda *_: (200, b"<html>captive portal</html>"), "answered nonsense"),
    "truncated": (lambda m, p, b: (right(m, p, b)[0], right(m, p, b)[1][:-9]), "answered nonsense"),
    "other JSON": (lambda *_: (200, b"[1, 2]"), "answered nonsense"),
    "wrong types": (lambda *_: (200, b'{"vulnerabilities": [7], "vulns": 3, "releases": 1}'), "nonsense"),
    "slow": (slow, "no answer within 2 seconds"),
}  # fmt: skip


def judged(server: Server, root: Path, limit: float) -> tuple[Verdict, tuple[Finding, ...]]:
    (rule,) = [r for r in all_rules() if r.id == "vulnerable-dependencies"]
    tree = discover(write(root, {"requirements.txt": "shopkit==1.4.1\nsteady==1.0\n"}))
    application = Application(tree, Extraction(tree, jobs=1), lookup(server, limit=limit))
    return rule.assess(application), application.facts(NotChecked)


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_is_taken_for_an_all_clear(fault: str, server: Server, tmp_path: Path) -> None:
    answer, told = FAULTS[fault]
    server.answer = answer
    began = time.monotonic()
    verdict, skipped = judged(server, tmp_path, 2.0 if fault == "slow" else 30.0)
    assert time.monotonic() - began < 15
    assert verdict.outcome is Outcome.UNKNOWN
    assert told in verdict.summary
    assert len(skipped) == 2


def half(method: str, path: str, body: bytes) -> Answer:
    return (404, b"") if "steady" in path else right(method, path, body)


def test_what_one_package_lacks_shows_beside_the_rest(server: Server, tmp_path: Path) -> None:
    server.answer = half
    verdict, _ = judged(server, tmp_path, 30.0)
    assert verdict.outcome is Outcome.FAIL
    assert any("steady" in e.message and "not checked" in e.message for e in verdict.evidence)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    server = Server()
    server.close()
    verdict, _ = judged(server, tmp_path, 30.0)
    assert verdict.outcome is Outcome.UNKNOWN
    assert "cannot be reached" in verdict.summary


def test_answers_are_remembered_with_their_age(server: Server, tmp_path: Path) -> None:
    first = lookup(server, cache=tmp_path).findings(WANTED[:2])
    asked = len(server.asked)
    again = lookup(server, cache=tmp_path)
    assert again.findings(WANTED[:2]) == first
    assert len(server.asked) == asked
    assert "2 answers are less than a minute old" in again.notes[0]
    offline = Lookup(None, "offline", "pypi", 1.0, Memory(tmp_path, "pypi"))
    assert offline.findings(WANTED[:3])[:2] == first
    assert offline.findings(WANTED[:3])[2] == NotChecked(WANTED[2], "offline")


def test_nothing_of_the_tree_runs_when_pip_audit_starts(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip-audit runs `python -m pip` on import; a `pip` in the working directory must not be it."""
    write(tmp_path, {"pip.py": "open('ran', 'w')", "requests.py": "open('ran', 'w')"})
    monkeypatch.chdir(tmp_path)
    (kit,) = lookup(server).findings(WANTED[:1])
    assert isinstance(kit, Checked)
    assert not (tmp_path / "ran").exists()
