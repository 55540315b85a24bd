"""What a deployment starts, and what of it is production's."""

from __future__ import annotations

from auditor.extract.readers.dockerfiles import Image
from auditor.model.debugging import Aid, DebugSwitch
from auditor.model.deployment import Start
from auditor.model.settings import SettingDefinition
from auditor.model.values import Known, Setting
from tests.conftest import Build


def _starts(build: Build, files: dict[str, str]) -> list[tuple[str, str, str]]:
    return [(s.server, s.script, s.standing.value) for s in build(files).facts(Start)]


def test_script_of_the_entry_point_is_followed(build: Build) -> None:
    files = {
        "Dockerfile": 'FROM python\nCOPY . .\nENTRYPOINT ["/app/docker/entry.sh"]\n',
        "docker/entry.sh": "#!/usr/bin/env bash\nset -e\nexport A=1\nexec python -u -m shop.serve\n",
        "other/entry.sh": "#!/bin/sh\npython other.py\n",
        "shop/serve.py": "",
        "other.py": "",
    }
    assert _starts(build, files) == [("python", "shop/serve.py", "production")]


def test_compose_beside_a_dockerfile_is_perhaps_local(build: Build) -> None:
    files = {
        "Dockerfile": "FROM python\nCMD gunicorn app:app\n",
        "docker-compose.yml": "services:\n  web:\n    command: python app.py\n",
        "docker-compose.dev.yml": "services:\n  web:\n    command: flask run\n",
        "app.py": "",
    }
    assert _starts(build, files) == [
        ("server", "", "production"),
        ("flask", "", "local"),
        ("python", "app.py", "perhaps"),
    ]


def test_configuration_of_a_server_is_no_program(build: Build) -> None:
    files = {"Procfile": "web: gunicorn -c gunicorn.conf.py app:app\n", "gunicorn.conf.py": ""}
    assert _starts(build, files) == [("server", "", "production")]


def test_last_stage_of_a_build_runs(build: Build) -> None:
    dockerfile = """FROM python:3.12 AS base
ENV A=1 B="two words"
ENTRYPOINT ["python"]
CMD ["dev.py"]
FROM base
ENV A 2
CMD ["serve.py"]
"""
    application = build({"Dockerfile": dockerfile})
    ((_, image),) = application.of(Image)
    assert (image.base, image.command) == ("python:3.12", "python serve.py")
    defined = [(d.name, d.value, d.place.line) for d in application.facts(SettingDefinition)]
    assert defined == [("A", "2", 6), ("B", "two words", 2)]


def _debug(build: Build, expression: str) -> object:
    app = f"import os\nfrom fastapi import FastAPI\napp = FastAPI(debug={expression})\n"
    switches = build({"app.py": app}).facts(DebugSwitch)
    return next(s.value for s in switches if s.aid is Aid.PAGES)


def test_test_of_a_missing_setting_is_told(build: Build) -> None:
    value = _debug(build, 'os.getenv("STAGE") != "production"')
    assert isinstance(value, Setting)
    assert isinstance(value.default, Known)
    assert value.default.value is True


def test_helper_that_reads_a_switch_is_known_by_its_name(build: Build) -> None:
    for expression in ('env_bool("DEBUG", "no")', 'strtobool(os.environ.get("DEBUG", "false"))'):
        value = _debug(build, expression)
        assert isinstance(value, Setting)
        assert value.name == "DEBUG"
        assert isinstance(value.default, Known)
        assert value.default.value is False


def test_text_put_together_from_a_missing_setting_stays_unknown(build: Build) -> None:
    value = _debug(build, "f\"{os.getenv('STAGE')}-x\"")
    assert isinstance(value, Setting)
    assert value.default is None
