"""The command line as a user meets it: exit codes, messages, formats, hostile trees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from markdown_it import MarkdownIt

from tests.conftest import write

START = "import sys; from auditor.cli.main import main; main()"
GOOD = "from fastapi import FastAPI\napp = FastAPI()\n\n@app.get('/health')\ndef health():\n    return {}\n"
FIXTURES = Path(__file__).parents[2] / "fixtures" / "fastapi-mongodb"
SECRET = "sk-emergent-" + "9f8E7d6C5b4A3z2Y1x"


def audit(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", START, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "AUDITOR_CACHE_DIR": str(Path(os.devnull) / "none")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def as_json(*arguments: str | Path) -> Any:
    done = audit(*arguments, "--format", "json")
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def test_the_three_exit_codes(tmp_path: Path) -> None:
    root = write(tmp_path, {"app.py": GOOD})
    assert audit(root).returncode == 1
    assert audit(root, "--fail-on", "never").returncode == 0
    assert audit(root / "missing").returncode == 2


def test_a_framework_that_is_not_read_leaves_every_question_open(tmp_path: Path) -> None:
    code = "from aiohttp import web\napp = web.Application()\nweb.run_app(app)\n"
    root = write(tmp_path, {"app.py": code, "requirements.txt": "aiohttp==3.12.0\n"})
    rules = ("continuous-integration", "health-checks", "backups")
    found = as_json(root, "--offline", *(word for rule in rules for word in ("--rule", rule)))
    assert {r["rule"]: r["verdict"] for r in found["results"]} == dict.fromkeys(rules, "unknown")


def test_the_current_directory_is_the_default(tmp_path: Path) -> None:
    root = write(tmp_path, {"app.py": GOOD})
    short = audit("--format", "json", cwd=root)
    long = audit("scan", ".", "--format", "json", cwd=root)
    first, second = json.loads(short.stdout), json.loads(long.stdout)
    first["generated_at"] = second["generated_at"] = ""
    assert first == second


WRONG = {
    "a missing path": (["missing"], "no such directory"),
    "a file": (["app.py"], "not a directory"),
    "an unknown option": (["--wrong"], "--wrong"),
    "an unknown format": ([".", "--format", "pdf"], "no format 'pdf'"),
    "an unknown rule": ([".", "--rule", "cors-origin"], "did you mean 'cors-origins'"),
    "an unknown level": ([".", "--fail-on", "severe"], "none of critical"),
    "an output without a format": ([".", "--output", "report.xyz"], "no format has that suffix"),
    "an output that cannot be": ([".", "--output", "none/report.json"], "none/report.json"),
    "an unknown inventory": (["inventory", "rutes"], "did you mean 'routes'"),
    "an unknown state": (["inventory", "routes", "--state", "absnt"], "did you mean 'absent'"),
    "a state of no route": (["inventory", "data", "--state", "absent"], "not for data"),
    "an unknown rule to explain": (["explain", "corss"], "no rule 'corss'"),
    "a missing report": (["diff", "before.json", "after.json"], "before.json"),
    "a file that is no report": (["diff", "wrong.json", "wrong.json"], "not a report"),
    "rules that are not there": ([".", "--rules", "nowhere"], "no rules there"),
    "a missing configuration": ([".", "--config", "none.toml"], "none.toml"),
}


@pytest.mark.parametrize("arguments, message", WRONG.values(), ids=WRONG.keys())
def test_wrong_usage_is_one_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    root = write(tmp_path, {"app.py": GOOD, "wrong.json": "[1]"})
    done = audit(*arguments, cwd=root)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


CONFIGURATIONS = {
    "an unknown key": ("[tool.auditor]\nfail_onn = 'low'\n", "did you mean 'fail-on'"),
    "a wrong type": ("[tool.auditor]\nstrict = 'yes'\n", "must be of type bool"),
    "a waiver without a reason": (
        "[[tool.auditor.waivers]]\nrule = 'backups'\n",
        "needs a rule and a reason",
    ),
}


@pytest.mark.parametrize("text, message", CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_wrong_configuration(text: str, message: str, tmp_path: Path) -> None:
    done = audit(write(tmp_path, {"app.py": GOOD, "pyproject.toml": text}))
    assert done.returncode == 2
    assert message in done.stderr


def test_configuration_and_waivers(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "app.py": "from fastapi import FastAPI\napp = FastAPI()\n\n"
            "@app.get('/a')\ndef a():  # audit: ignore[authentication] read by partners, until=2999-01-01\n"
            "    return {}\n",
            "auditor.toml": 'rules = ["authentication", "error-tracking"]\nfail_on = "high"\n'
            '[[waivers]]\nrule = "error-tracking"\nreason = "watched by the platform"\n',
        },
    )
    report = as_json(root)
    pieces = [p for r in report["results"] for p in r["evidence"]]
    assert {p["waived"]["reason"] for p in pieces} == {
        "read by partners",
        "watched by the platform",
    }
    assert report["summary"]["gate"]["passed"]


@pytest.mark.parametrize(
    "comment",
    ["# audit: ignore[authentication]", "# audit: ignore[authentication] why, until=2001-01-01"],
)
def test_waivers_that_do_not_hold(comment: str, tmp_path: Path) -> None:
    source = f"from fastapi import FastAPI\napp = FastAPI()\n\n@app.get('/a')\ndef a():  {comment}\n    return 1\n"
    report = as_json(write(tmp_path, {"app.py": source}), "--rule", "authentication")
    assert report["summary"]["findings"]["high"] == 1
    assert any("waiver" in limit for limit in report["limits"])


HOSTILE: dict[str, bytes] = {
    "utf8.py": b"x = '\xff\xfe\xff'\n",
    "nul.py": b"x = 1\0\n",
    "old.py": b"print 'x'\n",
    "deep.py": b"(" * 10_000,
    "pyproject.toml": b"[broken",
    "docker-compose.yml": b"services: [}\n",
    "vercel.json": b"{broken",
    ".env": b"=broken\nA='unclosed\n",
    "bomb/docker-compose.yml": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(
        f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n".encode()
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "app.py": GOOD.encode(),
}


def test_a_hostile_tree(tmp_path: Path) -> None:
    for name, data in HOSTILE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "loop").symlink_to(tmp_path)
    with (tmp_path / "huge.py").open("wb") as handle:
        handle.truncate(100 * 1024 * 1024)
    report = as_json(tmp_path)
    unread = {file["path"] for file in report["unread"]}
    assert unread >= set(HOSTILE) - {"app.py", "pyproject.toml"}
    assert any("huge.py" in limit for limit in report["limits"])
    assert any("pyproject.toml" in limit for limit in report["limits"])
    done = audit(tmp_path)
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file(tmp_path: Path) -> None:
    root = write(tmp_path, {"app.py": GOOD, "closed.py": "x"})
    (root / "closed.py").chmod(0)
    assert [f["path"] for f in as_json(root)["unread"]] == ["closed.py"]


@pytest.mark.parametrize(
    "files", [{}, {"notes.txt": "nothing"}, {"lib.py": "def add(a, b): return a + b"}]
)
def test_a_tree_without_an_application(files: dict[str, str], tmp_path: Path) -> None:
    report = as_json(write(tmp_path, files) if files else tmp_path)
    verdicts = {r["rule"]: r["verdict"] for r in report["results"]}
    assert verdicts["authentication"] == "not-applicable"
    assert verdicts["health-checks"] == "not-applicable"
    assert "pass" not in {
        v for rule, v in verdicts.items() if rule not in ("leaked-secrets", "code-weaknesses")
    }


OTHERS = {
    "Bottle": {"app.py": "from bottle import Bottle\napp = Bottle()\n"},
    "Django": {"manage.py": "import django.conf\n"},
    "Express": {"package.json": '{"dependencies": {"express": "4.0.0"}}', "index.js": ""},
}


@pytest.mark.parametrize("name, files", OTHERS.items(), ids=OTHERS.keys())
def test_a_framework_that_is_not_read_is_no_all_clear(
    name: str, files: dict[str, str], tmp_path: Path
) -> None:
    report = as_json(write(tmp_path, files))
    results = {r["rule"]: r for r in report["results"]}
    assert results["authentication"]["verdict"] == "unknown"
    assert name in results["authentication"]["summary"]
    assert report["summary"]["provisional"]
    assert report["summary"]["decision"] != "ready"


def test_a_tree_without_an_application_is_not_called_ready(tmp_path: Path) -> None:
    report = as_json(write(tmp_path, {"lib.py": "def add(a, b):\n    return a + b\n"}))
    assert report["summary"]["provisional"]
    assert report["summary"]["decision"] == "ready with conditions"
    assert "no application" in report["limits"][0]


def test_an_application_that_cannot_be_parsed(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "server.py": "from fastapi import FastAPI\napp = FastAPI()\n\ndef broken(:\n",
            "requirements.txt": "fastapi==1.0\n",
        },
    )
    report = as_json(root)
    summary = report["summary"]
    assert "server.py" in summary["blockers"][0]
    assert ":4:" in summary["blockers"][0]
    assert summary["decision"] == "not ready"
    assert not summary["gate"]["passed"]
    verdicts = {r["rule"]: r["verdict"] for r in report["results"]}
    for rule in (
        "authentication",
        "cors-origins",
        "health-checks",
        "database-indexes",
        "code-weaknesses",
    ):
        assert verdicts[rule] == "unknown"
    assert audit(root).stdout.startswith("The application in server.py cannot start")


NAMES = [
    "\x1b[31mred.py",
    "[bold]x[/bold].py",
    "a](http://evil.example) b.py",
    "<img src=x>.py",
    "# h.py",
    "`x`.py",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_files_cannot_inject(name: str, tmp_path: Path) -> None:
    (tmp_path / name.replace("/", "_")).write_text(
        "import subprocess\nsubprocess.call(x, shell=True)\n"
    )
    (tmp_path / "app.py").write_text(GOOD)
    terminal = audit(tmp_path, "--verbose").stdout
    assert "\x1b" not in terminal
    if "bold" in name:
        assert name.replace("/", "_") in terminal
    text = audit(tmp_path, "--format", "markdown").stdout
    assert "\x1b" not in text
    html = MarkdownIt("commonmark").enable("table").render(text)
    assert "<img" not in html
    assert 'evil.example"' not in html
    assert html.count("<h1>") == 1


def test_secrets_show_in_no_output(tmp_path: Path) -> None:
    root = write(
        tmp_path / "app",
        {
            "app.py": f'{GOOD}\nKEY = "{SECRET}"\nimport os\nX = os.getenv("API_KEY", "{SECRET}")\n',
            ".env": f"API_KEY={SECRET}\nMONGO_URL=mongodb://u:{SECRET}@h.example.net\n",
        },
    )
    outputs = [tmp_path / f"r.{suffix}" for suffix in ("json", "md", "txt")]
    done = audit(root, "--verbose", *(f"--output={path}" for path in outputs))
    settings = audit("inventory", "settings", root, "--format", "json")
    shown = done.stdout + done.stderr + settings.stdout + "".join(p.read_text() for p in outputs)
    assert "leaked-secrets" in shown
    assert SECRET[12:20] not in shown


def test_the_json_follows_its_published_schema(tmp_path: Path) -> None:
    from auditor.report import document

    published = Path(document.__file__).with_name("schema.json").read_bytes()
    assert published == document.json_schema(), "write it anew: document.json_schema()"
    report = as_json(write(tmp_path, {"app.py": GOOD}))
    jsonschema.validate(report, json.loads(published))


def test_two_runs_differ_in_the_time_only(tmp_path: Path) -> None:
    root = write(tmp_path, {"app.py": GOOD, "b.py": "eval('x')\n", ".env": "A=1\n"})
    first, second = as_json(root), as_json(root, "--jobs", "2")
    first["generated_at"] = second["generated_at"] = ""
    assert first == second


def test_inventories(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "app.py": "import json\nimport os\nfrom fastapi import FastAPI\nfrom pymongo import MongoClient\n"
            "db = MongoClient(os.environ['URL']).shop\napp = FastAPI()\n\n"
            "@app.on_event('startup')\ndef fill():\n    db.leads.insert_many(json.load(open('leads.json')))\n\n"
            "@app.get('/leads/{id}')\ndef lead(id: str):\n    return db.leads.find_one({'id': id})\n"
        },
    )
    (route,) = json.loads(audit("inventory", "routes", root, "--format", "json").stdout)
    assert (route["method"], route["path"], route["authentication"]["state"]) == (
        "GET",
        "/leads/{id}",
        "absent",
    )
    (store,) = json.loads(audit("inventory", "data", root, "--format", "json").stdout)
    assert store["queries"][0]["equality"] == ["id"]
    assert store["queries"][0]["index"]["state"] == "missing"
    (setting,) = json.loads(audit("inventory", "settings", root, "--format", "json").stdout)
    assert setting["name"] == "URL"
    assert "leads" in audit("inventory", "data", root).stdout


def test_an_inventory_says_what_it_could_not_read(tmp_path: Path) -> None:
    root = write(
        tmp_path, {"app.py": GOOD, "views.py": "def a():\n    print 'x'\n", "tests/test_a.py": "(("}
    )
    for what, form in (("data", "json"), ("settings", "terminal"), ("routes", "json")):
        done = audit("inventory", what, root, "--format", form)
        assert done.returncode == 0
        assert "views.py was not read: line 2: looks like Python 2" in done.stderr
        assert "was not read" not in done.stdout
    assert audit("inventory", "data", write(tmp_path / "fine", {"app.py": GOOD})).stderr == ""


CONTRACT = {
    "method": str, "path": str, "handler": str, "file": str, "line": int, "framework": str,
    "application": str, "authentication": {"state", "by"}, "rate_limit": {"state", "by"},
    "validation": {"state", "by"},
}  # fmt: skip


def test_routes_as_the_contract_has_them() -> None:
    fixture = FIXTURES / "hardened"
    rows = json.loads(audit("inventory", "routes", fixture, "--format", "json").stdout)
    assert rows
    for row in rows:
        assert row.keys() == CONTRACT.keys()
        for name, kind in CONTRACT.items():
            if isinstance(kind, set):
                assert row[name].keys() == kind
                for by in row[name]["by"]:
                    assert by.keys() == {"name", "file", "line", "via"}
            else:
                assert type(row[name]) is kind


def test_routes_by_state_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    fixture = FIXTURES / "vulnerable"
    monkeypatch.setenv("COLUMNS", "80")
    shown = audit("inventory", "routes", fixture).stdout
    lines = shown.split("\n")
    assert max(map(len, lines)) <= 80
    groups = [line.split(" · ")[0].strip() for line in lines if " · " in line]
    assert groups == ["decorative", "absent", "exempt"]
    assert "10 routes: 1 decorative, 7 absent, 2 exempt" in shown
    only = audit("inventory", "routes", fixture, "--state", "decorative").stdout
    assert "verify_token" in only
    assert "1 route: 1 decorative" in only
    assert "no routes" in audit("inventory", "routes", fixture, "--state", "unknown").stdout


def test_rules_and_explain() -> None:
    listed = audit("rules").stdout
    assert "cors-origins" in listed
    told = audit("explain", "cors-origins").stdout
    assert "CWE-942" in told
    assert "Example, bad 1" in told


def test_diff_of_two_states(tmp_path: Path) -> None:
    before = write(
        tmp_path / "before", {"app.py": GOOD + "\n@app.post('/a')\ndef a():\n    return 1\n"}
    )
    hollow = GOOD.replace(
        "app = FastAPI()\n",
        "from fastapi import Depends\nfrom fastapi.security import HTTPBearer\napp = FastAPI()\n\n"
        "def verify_token(c=Depends(HTTPBearer())):\n    return {'id': 1}\n",
    )
    after = write(
        tmp_path / "after",
        {
            "app.py": hollow
            + "\n@app.post('/a')\ndef a(user=Depends(verify_token)):\n    return 1\n"
        },
    )
    report = tmp_path / "before.json"
    audit(before, "--output", report)
    changes = json.loads(audit("diff", report, after, "--format", "json").stdout)["changes"]
    kinds = {change["rule"]: change["kind"] for change in changes}
    assert kinds["authentication"] == "looks-better"
    assert kinds["error-tracking"] == "unchanged"
    assert "What only looks better" in audit("diff", before, after).stdout


def test_rules_of_ones_own(tmp_path: Path) -> None:
    rule = write(
        tmp_path / "own",
        {
            "mine.py": "from auditor.assess.rule import Rule, cwe\n"
            "from auditor.assess.verdict import Severity, not_applicable\n\n"
            "class Mine(Rule):\n    '''Mine.'''\n    id = 'mine'\n    title = 'Mine'\n    section = 'security'\n"
            "    severity = Severity.LOW\n    risk = fix = 'x'\n    good = bad = ()\n"
            "    def assess(self, application):\n        raise ValueError('wrong')\n"
        },
    )
    root = write(tmp_path / "app", {"app.py": GOOD, "rules.py": "raise SystemExit('imported!')"})
    report = as_json(root, "--rules", rule, "--rule", "mine")
    (result,) = report["results"]
    assert result["verdict"] == "unknown"


def _chain(line: str, length: int = 60) -> str:
    return "".join(line.format(a=f"n{i}", b=f"n{i + 1}") for i in range(length))


TRAPS = {
    "names": _chain("{a} = {b} or {b} or {b}\n"),
    "functions": _chain(
        "def {a}():\n    if x: return {b}()\n    if y: return {b}()\n    return {b}()\n"
    ),
    "choices": _chain("{a} = {b} if x else {b}\n"),
    "texts": _chain("{a} = f'{{{b}}}{{{b}}}'\n"),
    "statements": "n0 = 'SELECT a FROM t WHERE '\n"
    + "".join(f"n{i + 1} = f'{{n{i}}} {{n{i}}}'\n" for i in range(60)),
    "statements in steps": "def f(cursor):\n    sql = 'SELECT a FROM t WHERE b = 1'\n"
    + "    sql += f' AND {sql}'\n" * 60
    + "    sql += sql\n" * 60
    + "    sql = '{0} {0}'.format(sql)\n" * 60
    + "    cursor.execute(sql)\n",
    "statements in ways": "def f(cursor, n):\n    sql = 'SELECT a FROM t WHERE b = 1'\n"
    + "    if n:\n        sql += ' AND c = 1'\n    else:\n        sql += f' OR {sql}'\n" * 80
    + "    cursor.execute(sql)\n",
    "lists": _chain("{a} = [{b}, *{b}, *{b}]\n"),
    "cycles": "a = b\nb = c\nc = a\ndef f(): return g()\ndef g(): return f()\n",
    "dependencies": "from fastapi import Depends\n"
    + _chain("def {a}(x=Depends({b}), y=Depends({b})): ...\n"),
    "routers": "from fastapi import APIRouter\n"
    + "".join(f"n{i} = APIRouter()\n" for i in range(61))
    + _chain("{a}.include_router({b}, prefix='/x')\n{a}.include_router({b}, prefix='/y')\n"),
    "classes": _chain("class {a}({b}, {b}2): x = {b}.x\nclass {a}2({b}): ...\n"),
}


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS.keys())
def test_code_made_to_hang_an_audit(trap: str, tmp_path: Path) -> None:
    source = f"""
import os
from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from pymongo import MongoClient
{trap}
app = FastAPI()
app.include_router(n0, prefix=n0)
app.add_middleware(CORSMiddleware, allow_origins=n0)
db = MongoClient(n0)[n0]

@app.get(n0)
def a(user=Depends(n0)):
    return n0.find_one(n0, sort=n0) or db[n0].find(n0).sort(n0)
"""
    done = audit(write(tmp_path, {"app.py": source}), "--format", "json")
    assert done.returncode in (0, 1), done.stderr
    failed = [
        r["rule"] for r in json.loads(done.stdout)["results"] if "rule failed" in r["summary"]
    ]
    assert failed == []
