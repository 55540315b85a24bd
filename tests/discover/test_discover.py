"""Discovery, held against git where git has a word in it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.discover import DiscoveryError, Kind, Role, discover, read
from auditor.discover.kinds import kind_of, role_of
from tests.conftest import write


def git(root: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def paths(root: Path) -> set[str]:
    return {file.path for file in discover(root).files}


@pytest.mark.parametrize(
    "path, kind",
    [
        ("app/main.py", Kind.PYTHON),
        (".env.production", Kind.DOTENV),
        ("backend/requirements-dev.txt", Kind.MANIFEST),
        ("requirements.md", Kind.TEXT),
        ("uv.lock", Kind.LOCK),
        ("Dockerfile.prod", Kind.DOCKERFILE),
        ("static/js/uploader/server/Dockerfile", Kind.TEXT),
        ("statics/Dockerfile", Kind.DOCKERFILE),
        ("docker-compose.override.yml", Kind.COMPOSE),
        (".github/workflows/ci.yaml", Kind.WORKFLOW),
        ("workflows/ci.yaml", Kind.TEXT),
        ("railway.json", Kind.PLATFORM),
        ("k8s/web.yaml", Kind.PLATFORM),
        ("src/App.tsx", Kind.JAVASCRIPT),
        ("environment.py", Kind.PYTHON),
    ],
)
def test_kind(path: str, kind: Kind) -> None:
    assert kind_of(path) is kind


@pytest.mark.parametrize(
    "path, role",
    [
        ("app/main.py", Role.SOURCE),
        ("tests/test_main.py", Role.TEST),
        (".env.ci", Role.TEST),
        ("configs/config.test.yaml", Role.TEST),
        (".env.temp", Role.EXAMPLE),
        ("env/ci.env", Role.TEST),
        (".env.circle", Role.SOURCE),
        ("backend_test.py", Role.TEST),
        ("app/testimonials.py", Role.SOURCE),
        ("api_loadtests/server.py", Role.TEST),
        ("upload_tests_page/server.py", Role.SOURCE),
        ("orders/tests_finance.py", Role.TEST),
        ("backend/latest/main.py", Role.SOURCE),
        ("src/Button.spec.tsx", Role.TEST),
        ("examples/app.py", Role.EXAMPLE),
        ("backend_old/app.py", Role.EXAMPLE),
        ("backups/backup_2025-08-30/app.py", Role.EXAMPLE),
        ("backups/views.py", Role.SOURCE),
        ("backup_codes/views.py", Role.SOURCE),
        (".env.example", Role.EXAMPLE),
        ("shop/settings.py.dist", Role.EXAMPLE),
        ("config.dist.yml", Role.EXAMPLE),
        ("shop/settings.dist.py", Role.SOURCE),
        ("README.md", Role.DOCUMENTATION),
    ],
)
def test_role(path: str, role: Role) -> None:
    assert role_of(path) is role


def test_only_the_path_below_the_root_decides_the_role(tmp_path: Path) -> None:
    root = write(tmp_path / "tests" / "app", {"main.py": ""})
    assert [f.role for f in discover(root).files] == [Role.SOURCE]


def test_an_application_called_examples_is_no_example(tmp_path: Path) -> None:
    app = {f"shop/examples/{name}": "" for name in ("__init__.py", "apps.py", "urls.py")}
    files = {**app, "shop/examples/migrations/__init__.py": "", "shop/examples/tests/test_x.py": ""}
    root = write(tmp_path, {**files, "examples/apps.py": ""})
    roles = {f.path: f.role for f in discover(root).files}
    assert roles["shop/examples/urls.py"] is Role.SOURCE
    assert roles["shop/examples/tests/test_x.py"] is Role.TEST
    assert roles["examples/apps.py"] is Role.EXAMPLE


def test_leaves_out_what_nobody_wrote(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "main.py": "",
            "node_modules/x/index.js": "",
            "env/pyvenv.cfg": "",
            "env/lib/x.py": "",
            "__pycache__/main.py": "",
        },
    )
    tree = discover(root)
    assert [f.path for f in tree.files] == ["main.py"]
    assert {(x.path, x.reason) for x in tree.left_out} >= {
        ("node_modules/", "installed packages"),
        ("env/", "virtual environment"),
    }


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"secret.py": "x = 1"})
    root = write(tmp_path / "root", {"main.py": ""})
    (root / "loop").symlink_to(root)
    (root / "out").symlink_to(outside)
    (root / "file.py").symlink_to(outside / "secret.py")
    tree = discover(root)
    assert [f.path for f in tree.files] == ["main.py"]
    assert any(x.reason == "symbolic link, not followed" and x.count == 3 for x in tree.left_out)


def test_a_file_that_became_a_link_is_not_read(tmp_path: Path) -> None:
    root = write(tmp_path / "root", {"main.py": "x = 1"})
    (tmp_path / "secret").write_text("y")
    tree = discover(root)
    (root / "main.py").unlink()
    (root / "main.py").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic links"):
        read(tree, tree.files[0])


def test_a_huge_file_is_listed_and_not_read(tmp_path: Path) -> None:
    root = write(tmp_path, {"main.py": ""})
    with (root / "huge.py").open("wb") as handle:
        handle.truncate(100 * 1024 * 1024)
    tree = discover(root)
    assert [f.path for f in tree.files] == ["main.py"]
    assert any(x.path == "huge.py" and "over the limit" in x.reason for x in tree.left_out)


_TEMPLATE = "{{cookiecutter.slug}}/app/main.py"


@pytest.mark.parametrize(
    ("files", "role"),
    [
        ([_TEMPLATE], Role.SOURCE),
        ([_TEMPLATE, "cookiecutter.json", "tests/test_baking.py"], Role.SOURCE),
        ([_TEMPLATE, "maker/__init__.py"], Role.EXAMPLE),
        ([_TEMPLATE, "{{cookiecutter.slug}}/app/docs/main.py", "hooks/post_gen.py"], Role.SOURCE),
        (["{{cookiecutter.slug}}/README.md", "maker/main.py"], Role.DOCUMENTATION),
    ],
)
def test_a_tree_that_is_the_template_of_a_project(
    files: list[str], role: Role, tmp_path: Path
) -> None:
    write(tmp_path, dict.fromkeys(files, ""))
    assert {f.path: f.role for f in discover(tmp_path).files}[files[0]] is role


def test_special_files_are_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert discover(tmp_path).files == ()


@pytest.mark.parametrize("name", ["missing", "file.txt"])
def test_what_is_no_directory(name: str, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(DiscoveryError, match=name):
        discover(tmp_path / name)


def test_tracked_files_are_found_although_ignored(tmp_path: Path) -> None:
    root = write(
        tmp_path, {".gitignore": ".env\n*.log\n", ".env": "A=1", "x.log": "", "main.py": ""}
    )
    git(root, "init", "-q")
    git(root, "add", "-f", ".env", "main.py")
    found = {f.path: f.tracked for f in discover(root).files}
    assert found == {".env": True, ".gitignore": False, "main.py": True}


@pytest.mark.parametrize("version", ["2", "4"])
def test_index_versions(version: str, tmp_path: Path) -> None:
    root = write(tmp_path, {"a/one.py": "", "a/two.py": "", "b.py": ""})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "update-index", f"--index-version={version}")
    assert {f.path: f.tracked for f in discover(root).files} == dict.fromkeys(
        ("a/one.py", "a/two.py", "b.py"), True
    )


def test_commit_and_subdirectory(tmp_path: Path) -> None:
    root = write(tmp_path, {".gitignore": "*.tmp\n", "app/main.py": "", "app/x.tmp": ""})
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "x")
    tree = discover(root / "app")
    assert tree.commit == git(root, "rev-parse", "HEAD").strip()
    assert [(f.path, f.tracked) for f in tree.files] == [("main.py", True)]


def test_a_damaged_index_says_nothing(tmp_path: Path) -> None:
    root = write(tmp_path, {"main.py": ""})
    git(root, "init", "-q")
    (root / ".git" / "index").write_bytes(b"DIRC\0\0\0\2\xff\xff\xff\xff" + b"x" * 40)
    assert [(f.path, f.tracked) for f in discover(root).files] == [("main.py", None)]


NAMES = st.sampled_from(["a.py", "b.py", "build", "x", "lib"])
PATTERNS = st.sampled_from(
    [
        "a.py",
        "*.py",
        "!a.py",
        "/a.py",
        "x/",
        "build/",
        "**/b.py",
        "x/*.py",
        "lib/**",
        "!lib/a.py",
        "#a",
        "",
    ]
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    files=st.sets(st.lists(NAMES, min_size=1, max_size=3).map("/".join), min_size=1, max_size=8),
    rules=st.dictionaries(st.sampled_from(["", "x/", "lib/"]), st.lists(PATTERNS, max_size=4)),
)
def test_ignores_as_git_does(
    files: set[str], rules: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("tree")
    for path in sorted(files):
        target = root / path / "file.py" if not path.endswith(".py") else root / path
        if any(parent.is_file() for parent in target.parents) or target.is_dir():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("x")
    for folder, lines in rules.items():
        if (root / folder).is_dir():
            (root / folder / ".gitignore").write_text("\n".join(lines) + "\n")
    git(root, "init", "-q")
    expected = set(git(root, "ls-files", "-co", "--exclude-standard", "-z").split("\0")) - {""}
    assert paths(root) == expected


def test_a_project_inside_its_own_environment_is_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "venv/pyvenv.cfg": "",
            "venv/shop/manage.py": "import os",
            "venv/shop/shop/urls.py": "urlpatterns = []",
            "venv/Lib/site-packages/x.py": "",
            "other/pyvenv.cfg": "",
            "other/x/y.py": "",
            "blog/pyvenv.cfg": "",
            "blog/__init__.py": "",
            "blog/settings.py": "DEBUG = True",
        },
    )
    tree = discover(tmp_path)
    assert [f.path for f in tree.files] == [
        "blog/__init__.py",
        "blog/settings.py",
        "venv/shop/manage.py",
        "venv/shop/shop/urls.py",
    ]
    assert {x.path for x in tree.left_out} == {"venv/", "other/", "blog/"}


def test_github_runs_the_workflows_of_the_root_alone(tmp_path: Path) -> None:
    workflow = ".github/workflows/ci.yml"
    files = {
        workflow: "",
        f"packages/api/{workflow}": "",
        "packages/api/.github/dependabot.yml": "",
        f"checkout/{workflow}": "",
        "checkout/.git": "",
    }
    root = write(tmp_path, files)
    of_workflows = {f.path for f in discover(root).files if f.kind is Kind.WORKFLOW}
    assert len(of_workflows) == 4, "what lies where no repository is known"
    git(root, "init", "-q")
    of_workflows = {f.path for f in discover(root).files if f.kind is Kind.WORKFLOW}
    assert of_workflows == {workflow, f"checkout/{workflow}"}


def test_what_others_import_is_part_of_the_application(tmp_path: Path) -> None:
    files = {
        "app/__init__.py": "",
        "app/main.py": "from app.routes import (\n    users,  # not test_alone\n    test_checkout,\n)\n"
        "from app.api import tests\n",
        "app/routes/test_checkout.py": "router = make()\n",
        "app/routes/test_users.py": "import pytest\nfrom app.routes import users\n",
        "app/routes/test_alone.py": "run()\n",
        "app/api/tests.py": "from ..services.test_service import find\nfrom app.models.test import Test\n",
        "app/services/test_service.py": "def find(): ...\n",
        "app/models/test.py": "class Test(Base): ...\n",
        "app/other/tests.py": "run()\n",
        "app/settings/__init__.py": "from .test import TestSettings\n",
        "app/settings/test.py": "class TestSettings: ...\n",
        "app/docs/__init__.py": "",
        "app/docs/changelog.py": "router = make()\n",
        "docs/conf.py": "project = 'x'\n",
        "seed.py": "from tests.people import all_people\nfrom tests.test_all import run\n",
        "run.py": "import unittest\nfrom tests import everything\n",
        "tests/people.py": "all_people = []\n",
        "tests/everything.py": "everything = []\n",
        "tests/test_all.py": "def run(): ...\n",
    }
    write(tmp_path, files)
    roles = {file.path: file.role for file in discover(tmp_path).files}
    assert {path for path, role in roles.items() if role is Role.TEST} == {
        "app/routes/test_users.py",
        "app/routes/test_alone.py",
        "app/other/tests.py",
        "app/settings/test.py",
        "tests/everything.py",
        "tests/test_all.py",
    }
    assert roles["app/docs/changelog.py"] is Role.SOURCE
    assert roles["docs/conf.py"] is Role.DOCUMENTATION


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("CREATE TABLE a (id INT);", Kind.SQL),
        ("-- of the shop\n/* made; by hand */\nDROP TABLE IF EXISTS a;\nUSE shop;\ncreate table if not exists `a` (\n id INT);", Kind.SQL),
        ("Use it so: CREATE TABLE a (id INT);", Kind.TEXT),
        ("# Shop\n\n    CREATE TABLE a (id INT);", Kind.TEXT),
        ("SELECT 1;", Kind.TEXT),
        ("create table of contents\n", Kind.TEXT),
    ],
)  # fmt: skip
def test_a_schema_whose_name_has_no_ending(text: str, kind: Kind, tmp_path: Path) -> None:
    write(tmp_path, {"DATABASE": text, "DATABASE.txt": text})
    assert {f.path: f.kind for f in discover(tmp_path).files} == {"DATABASE": kind, "DATABASE.txt": Kind.TEXT}  # fmt: skip
