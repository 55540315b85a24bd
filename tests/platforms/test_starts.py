"""What a deployment starts, and what of it is production's."""

from __future__ import annotations

import pytest

from auditor.extract.readers.dockerfiles import Image
from auditor.model.containers import ContainerImage
from auditor.model.debugging import Aid, DebugSwitch
from auditor.model.deployment import ServerRun, Standing, Start
from auditor.model.settings import SettingDefinition
from auditor.model.values import Known, Setting
from tests.conftest import Build

APP = "from fastapi import FastAPI\napp = FastAPI()\n"


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


def test_script_for_the_same_environment_is_what_a_service_starts(build: Build) -> None:
    files = {
        "app.py": APP,
        "compose/local/web/start": "#!/bin/bash\nexec python manage.py runserver_plus\n",
        "compose/production/web/start": "#!/bin/bash\nexec /usr/bin/gunicorn shop.wsgi -w 4\n",
        "local.yml": "services:\n  web:\n    build: .\n    command: /start\n",
        "docker-compose.production.yml": "services:\n  web:\n    build: .\n    command: /start\n",
    }
    started = {s.standing: s.command.place.path for s in build(files).facts(Start)}
    assert started == {
        Standing.LOCAL: "compose/local/web/start",
        Standing.PRODUCTION: "compose/production/web/start",
    }


def test_variables_of_a_script_are_filled_in(build: Build) -> None:
    script = """#!/bin/bash
: "${LOG_CONFIG:=conf/logging.ini}"
MODULE=shop.main
exec uvicorn --log-config "$LOG_CONFIG" ${MODULE}:app --port $PORT
"""
    files = {"run.sh": script, "Dockerfile": 'FROM python:3.13\nCMD ["./run.sh"]\n'}
    (start,) = build(files).facts(Start)
    assert (
        start.command.text
        == "exec uvicorn --log-config conf/logging.ini shop.main:app --port $PORT"
    )


def test_dockerfile_of_a_local_compose_file_is_for_developers(build: Build) -> None:
    """It is given the same context as the one that no compose file names."""
    files = {
        "app.py": APP,
        "Dockerfile": "FROM python:3.13\nCMD gunicorn app:app -w 4\n",
        "docker/Dockerfile": "FROM python:3.13\nCMD uvicorn app:app --reload\n",
        "docker-compose.yml": """
services:
  web:
    build: {context: ., dockerfile: docker/Dockerfile}
    volumes: ["./:/code"]
""",
    }
    application = build(files)
    standing = {s.command.place.path: s.standing for s in application.facts(Start)}
    assert standing == {
        "Dockerfile": Standing.PRODUCTION,
        "docker/Dockerfile": Standing.LOCAL,
    }
    assert [image.place.path for image in application.facts(ContainerImage)] == ["Dockerfile"]


def test_uvicorn_that_reloads_is_no_server_for_production(build: Build) -> None:
    app = "import os\nimport uvicorn\nfrom fastapi import FastAPI\napp = FastAPI()\n"
    main = "if __name__ == '__main__':\n    uvicorn.run('app:app', reload={})\n"
    for given, production in (
        ("True", False),
        ("False", True),
        ("settings.DEBUG", True),
        ("os.environ.get('RELOAD', 'true') == 'true'", False),
    ):
        (run,) = build({"app.py": app + main.format(given)}).facts(ServerRun)
        assert run.production is production


@pytest.mark.parametrize(("name", "production"), [("compose.prod.yml", True), ("compose.dev.yml", False)])  # fmt: skip
def test_the_environment_decides_whether_uvicorn_reloads(
    build: Build, name: str, production: bool
) -> None:
    app = "import os\nimport uvicorn\nfrom fastapi import FastAPI\napp = FastAPI()\nSTAGE = os.getenv('STAGE', 'development')\n"
    main = "if __name__ == '__main__':\n    uvicorn.run('app:app', reload=STAGE == 'development')\n"
    compose = "services:\n  web:\n    build: .\n    environment: {STAGE: production}\n"
    (run,) = build({"app.py": app + main, name: compose}).facts(ServerRun)
    assert run.production is production


def test_script_that_starts_a_script_is_followed(build: Build) -> None:
    files = {
        "Dockerfile": 'FROM python:3.13\nENTRYPOINT ["/app/entry.sh"]\n',
        "entry.sh": "#!/bin/sh\n./wait.sh db\nexec bash /app/scripts/serve.sh\n",
        "wait.sh": "#!/bin/sh\n./entry.sh\n",
        "scripts/serve.sh": "#!/bin/sh\ngunicorn app:app -w 4\n",
    }
    (start,) = build(files).facts(Start)
    assert (start.command.place.path, start.server) == ("scripts/serve.sh", "server")
