"""One table of settings: Python and JavaScript, every kind of file that gives them, what is odd."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.discover import Kind, Role
from auditor.extract.pipeline import extract_source
from auditor.extract.sensitive import is_sensitive
from auditor.extract.source import Source
from auditor.inventory.settings import SettingRow, rows, show
from tests.conftest import Build


def of(build: Build, **files: str) -> dict[str, SettingRow]:
    named = {name.replace("__", "/").replace("_dot_", "."): text for name, text in files.items()}
    return {row.name: row for row in rows(build(named))}


SCRIPTS = {
    "const a = process.env.API_URL;": None,
    "const a = process.env['API_URL'] || 'http://x.test';": "http://x.test",
    'const a = import.meta.env.API_URL ?? "y"': "y",
    "const { PORT, API_URL = 'z' } = process.env;": "z",
    'Deno.env.get("API_URL")': None,
    "this.configService.get<string>('API_URL', 'w')": "w",
    "config.getOrThrow('API_URL')": None,
    "const env = process.env; const u = env.API_URL || 'k';": "k",
    "import { API_URL } from '$env/static/private'": None,
    "const { API_URL }: NodeJS.ProcessEnv = process.env": None,
    "const e = (process?.env?.API_URL ?? 'v')": "v",
    "const env = cleanEnv(process.env, {PORT: num(), API_URL: str() })": None,
    "Bun.env['API_URL']": None,
}


@pytest.mark.parametrize("source, default", SCRIPTS.items(), ids=SCRIPTS)
def test_scripts_read(build: Build, source: str, default: str | None) -> None:
    found = of(build, web_dot_ts=f"\n{source}\n")
    assert [(r.file, r.line, r.default) for r in found["API_URL"].reads] == [("web.ts", 2, default)]


@pytest.mark.parametrize(
    "source",
    [
        "import.meta.env.MODE",
        "// process.env.API_URL",
        "process.env.API_URL = 'x'",
        "const API_URL = env.url",
    ],
)
def test_scripts_that_do_not_read(build: Build, source: str) -> None:
    assert not of(build, web_dot_ts=f"{source}\n")


GIVEN = {
    "k8s/app.yaml": "kind: Deployment\nspec:\n  env:\n    - name: LEVEL\n      value: info\n",
    "k8s/map.yaml": "kind: ConfigMap\ndata:\n  LEVEL: info\n",
    ".github/workflows/ci.yml": "on: push\njobs:\n  t:\n    env:\n      LEVEL: info\n",
    "netlify.toml": '[context.production.environment]\nLEVEL = "info"\n',
    "app.json": '{"env": {"LEVEL": {"value": "info"}}}\n',
    "serverless.yml": "provider:\n  environment:\n    LEVEL: info\n",
    "render.yaml": "services:\n  - name: a\n    envVars:\n      - key: LEVEL\n        value: info\n",
    "fly.toml": '[env]\nLEVEL = "info"\n',
    "helm/templates/d.yaml": "{{- if .Values.x }}\n  - name: LEVEL\n    value: info\n{{- end }}\n",
    "docker-compose.yml": "services:\n  a:\n    image: a\n    environment:\n      - LEVEL=info\n",
    "Dockerfile": "FROM a\nENV LEVEL=info\n",
    "web/Dockerfile": "FROM a AS builder\nENV LEVEL=info\nFROM b\nCMD serve\n",
    "infra/main.tf": 'module "a" {\n  env_vars = {\n    LEVEL = "info"\n  }\n}\n',
    "infra/staging.tfvars": 'env_vars = {\n  LEVEL = "info"\n}\n',
    "infra/task.tf": 'resource "x" "y" {\n  containers = jsonencode([{\n    environment = [\n      { name = "LEVEL", value = "info" },\n    ]\n  }])\n}\n',
    "deploy/app.service": '[Service]\nEnvironment="LEVEL=info" OTHER=1\n',
    "helm/templates/map.yaml": "{{- if .Values.x }}\nkind: ConfigMap\ndata:\n  LEVEL: info\n{{- end }}\n",
    "helm/values.yaml": "configMap:\n  LEVEL: info\n  enabled: true\n",
    ".env": "LEVEL=info\n",
    "b.py": 'import os\nos.environ["LEVEL"] = "info"\n',
}


@pytest.mark.parametrize("path, text", GIVEN.items(), ids=GIVEN)
def test_what_gives_a_setting(build: Build, path: str, text: str) -> None:
    (row,) = [r for r in rows(build({path: text, "a.py": "x = 1\n"})) if r.name == "LEVEL"]
    assert [(d.file, d.value) for d in row.defined] == [(path, "info")]


PYTHON = {
    "an alias of several": (
        "from pydantic import Field, AliasChoices\nfrom pydantic_settings import BaseSettings\n"
        "class S(BaseSettings):\n    url: str = Field('r', validation_alias=AliasChoices('A_URL', 'B_URL'))\n",
        {"A_URL": "r", "B_URL": "r"},
    ),
    "a nested model": (
        "from pydantic import BaseModel\nfrom pydantic_settings import BaseSettings, SettingsConfigDict\n"
        "class Db(BaseModel):\n    host: str\n    port: int = 1\n"
        "class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='A_', env_nested_delimiter='__')\n"
        "    db: Db\n",
        {"A_DB": None, "A_DB__HOST": None, "A_DB__PORT": "1"},
    ),
    "a configuration of another name": (
        "from decouple import Config, RepositoryEnv\nread = Config(RepositoryEnv('.env'))\n"
        "a = read('A_X')\nb = read.get('B_X', default='z')\n",
        {"A_X": None, "B_X": "z"},
    ),
    "a prefix of Starlette's": (
        "from starlette.config import Config\nc = Config(env_prefix='A_')\nx = c('LEVEL', default='i')\n",
        {"A_LEVEL": "i"},
    ),
    "a database of django-environ": (
        "import environ\nenv = environ.Env()\nx = env.db()\ny = env.cache(default='locmemcache://')\n",
        {"DATABASE_URL": None, "CACHE_URL": "locmemcache://"},
    ),
    "the reader that environs makes": (
        "from environs import env\nx = env.str('A_X', 'd')\n",
        {"A_X": "d"},
    ),
    "names of a list": (
        "import os\nNAMES = ['A_X', 'B_X']\nfor name in NAMES:\n    os.environ[name]\n",
        {"A_X": None, "B_X": None},
    ),
    "names of a comprehension": (
        "import os\nx = {k: os.getenv(k, 'd') for k in ('A_X', 'B_X')}\n"
        "y = [os.getenv(f'{p}_KEY') for p in ('C',)]\n",
        {"A_X": "d", "B_X": "d", "C_KEY": None},
    ),
    "names with what they mean": (
        "from decouple import config\nfor name, why in {'A_X': 'a', 'B_X': 'b'}.items():\n    config(name)\n",
        {"A_X": None, "B_X": None},
    ),
    "a prefix of environs": (
        "from environs import Env\nenv = Env()\nwith env.prefixed('A_'):\n    x = env('X')\n"
        "    with env.prefixed('B_'):\n        y = env.int('Y', 1)\nz = env('Z')\n",
        {"A_X": None, "A_B_Y": "1", "Z": None},
    ),
    "names that version 1 of pydantic is told": (
        "from pydantic import BaseSettings, Field\nclass S(BaseSettings):\n"
        "    a: str\n    b: int = 1\n    c: str = Field('d', env=['C_X', 'C_Y'])\n"
        "    class Config:\n        env_prefix = 'p_'\n        fields = {'a': {'env': 'A_X'}}\n",
        {"A_X": None, "P_B": "1", "C_X": "d", "C_Y": "d"},
    ),
    "groups of environ-config": (
        "import environ\n@environ.config(prefix='A')\nclass C:\n    @environ.config\n    class D:\n"
        "        host = environ.var()\n    d = environ.group(D)\n    x = environ.bool_var(default=False, name='X_Y')\n",
        {"A_D_HOST": None, "X_Y": "False"},
    ),
    "settings of Dynaconf": (
        "from dynaconf import Dynaconf, Validator\ns = Dynaconf(envvar_prefix='A', validators=[Validator('PORT', default=1)])\n"
        "a = s.level\nb = s['NAME']\nc = s.get('wait', 3)\nd = s.database.host\ns.reload()\n",
        {"A_LEVEL": None, "A_NAME": None, "A_WAIT": "3", "A_DATABASE__HOST": None, "A_PORT": "1"},
    ),
    "a helper of the tree": (
        "import os\ndef need(name, fallback=None):\n    return os.environ.get(name, fallback)\n"
        "x = need('A_X')\ny = need('B_X', 'd')\n",
        {"A_X": None, "B_X": "d"},
    ),
}


@pytest.mark.parametrize("source, wanted", PYTHON.values(), ids=PYTHON.keys())
def test_python_reads(build: Build, source: str, wanted: dict[str, str | None]) -> None:
    found = of(build, a_dot_py=source)
    assert {name: row.reads[0].default for name, row in found.items()} == wanted


def test_dotenv_files_of_other_names_count_where_something_names_them(build: Build) -> None:
    lines = "# of the service\nA_X=1\n"
    tree = build(
        {
            "app.py": "from dotenv import load_dotenv\nload_dotenv(BASE / 'conf' / 'own.cfg')\n",
            "docker-compose.prod.yml": "services:\n  a:\n    image: a\n    env_file: [conf/web]\n",
            ".envs/.local/.django": lines,
            "conf/web": lines,
            "conf/own.cfg": lines,
            "conf/other": lines,
        }
    )
    (row,) = [r for r in rows(tree) if r.name == "A_X"]
    assert [(d.file, d.environment) for d in row.defined] == [
        (".envs/.local/.django", "development"),
        ("conf/own.cfg", ""),
        ("conf/web", "production"),
    ]


def test_files_of_dynaconf(build: Build) -> None:
    tree = build(
        {
            "conf.py": "from dynaconf import Dynaconf\nsettings = Dynaconf(envvar_prefix='A')\nx = settings.level\n",
            "settings.toml": '[default]\nlevel = "info"\n[default.db]\nhost = "h"\n\n[production]\nlevel = "error"\n',
            ".secrets.toml": '[default]\nkey = "0123456789abcdef"\n',
            "pipeline/settings.json": '{"level": "of something else"}',
        }
    )
    found = {row.name: row for row in rows(tree)}
    assert [(d.file, d.line, d.value, d.environment) for d in found["A_LEVEL"].defined] == [
        ("pipeline/settings.json", 1, "of something else", ""),
        ("settings.toml", 2, "info", ""),
        ("settings.toml", 7, "error", "production"),
    ]
    assert [(d.line, d.value) for d in found["A_DB__HOST"].defined] == [(4, "h")]
    assert [d.value for d in found["A_KEY"].defined] == ["(masked)"]


def test_a_line_is_that_of_the_name(build: Build) -> None:
    found = of(build, _dot_env="# first\n\n\nA_X=1\n\n# then\nB_X=2\n")
    assert [d.line for name in ("A_X", "B_X") for d in found[name].defined] == [4, 7]


def test_other_lookups_are_no_settings(build: Build) -> None:
    code = "def enabled(flag):\n    return FLAGS.get(flag, True)\nx = enabled('A_FLAG')\n"
    assert of(build, a_dot_py=code) == {}


def test_values_that_are_kept_elsewhere(build: Build) -> None:
    found = of(
        build,
        docker_dash_compose="",
        compose_dot_yml="services:\n  a:\n    image: a\n    environment:\n      API_TOKEN: ${API_TOKEN}\n",
        render_dot_yaml="services:\n  - envVars:\n      - key: OTHER_TOKEN\n        sync: false\n",
    )
    assert [d.elsewhere for d in found["API_TOKEN"].defined] == [True]
    assert [d.elsewhere for d in found["OTHER_TOKEN"].defined] == [True]
    assert found["API_TOKEN"].level < 3


def test_interpolation_as_python_dotenv_does_it(build: Build) -> None:
    text = "HOST=db\nURL=http://${HOST}:${PORT:-80}/${OUTSIDE}\nNAME='${HOST}'\n"
    found = of(build, _dot_env=text)
    assert found["URL"].defined[0].value == "http://db:80/${OUTSIDE}"
    assert found["NAME"].defined[0].value == "db"


def test_no_secret_shows(build: Build) -> None:
    value = "q7Rk2" + "vX9pLw4Tz8"
    text = f"DB_PASSWORD={value}\nURL=postgres://a:{value}@h/x\nCOPY=${{DB_PASSWORD}}\n"
    found = of(
        build,
        _dot_env=text,
        a_dot_js=f"const a = process.env.DB_PASSWORD || '{value}'\n",
        a_dot_py=f"import os\nx = os.getenv('DB_PASSWORD', '{value}')\n",
    )
    shown = repr({name: row for name, row in found.items() if name != "COPY"})
    assert value not in shown
    assert value[:6] not in "".join(
        text for line in show(list(found.values()), 200) for text, _ in line
    )


def test_notes(build: Build) -> None:
    found = of(
        build,
        a_dot_py="import os\nos.environ['MUST']\nos.environ['SHOWN']\nos.getenv('SIGNING_KEY', 'abc-def')\n",
        _dot_env_dot_example="SHOWN=1\n",
        _dot_env_dot_production="LEVEL=info\nIDLE=1\n",
        _dot_env_dot_development="LEVEL=debug\n",
        b_dot_js="process.env.LEVEL",
    )
    assert found["MUST"].notes == ["read without a default, and defined nowhere"]
    assert found["SHOWN"].notes == ["defined in examples only"]
    assert found["IDLE"].notes == ["defined, and read by no code here"]
    assert found["SIGNING_KEY"].notes == ["a secret with a default in code"]
    assert found["LEVEL"].notes == ["differs: production info, development debug"]


def test_what_the_code_must_be_given(build: Build) -> None:
    """A host sets DATABASE_URL and PORT, and nobody but its owner an API key."""
    reads = "".join(f"{n} = os.environ['{n}']\n" for n in ("OPENAI_API_KEY", "REDIS_HOST", "PORT"))
    found = of(build, app_dot_py=f"import os\n{reads}URL = os.environ['DATABASE_URL']\n")
    told = {name for name, row in found.items() if row.notes}
    assert told == {"OPENAI_API_KEY", "REDIS_HOST"}


def test_no_secret_is_a_default_that_is_empty_or_a_path(build: Build) -> None:
    source = """
        import os
        A = os.getenv("SMTP_PASSWORD", "")
        B = os.getenv("FIREBASE_CREDENTIALS", "/app/firebase.json")
        C = os.getenv("APP_TOKEN", "tok-9f8d7c6b5a")
    """
    found = of(build, app_dot_py=dedent(source))
    assert {name: row.notes for name, row in found.items()} == {
        "SMTP_PASSWORD": [],
        "FIREBASE_CREDENTIALS": [],
        "APP_TOKEN": ["a secret with a default in code"],
    }


def test_which_are_secrets() -> None:
    secret = "SLACK_WEBHOOK_URL RABBITMQ_DEFAULT_PASS GITHUB_PAT DUO_SKEY AUTH_TOKEN PG_PASS SECRET_KEY_BASE S3_ACCESS_KEY"
    plain = "WEBHOOK_URL PGBOUNCER_AUTH_TYPE TOKENIZERS_PARALLELISM AUTH_COOKIE_DOMAIN CHUNK_SIZE_TOKENS AUTH_USER_MODEL COMPASS"
    assert [name for name in secret.split() if not is_sensitive(name)] == []
    assert [name for name in plain.split() if is_sensitive(name)] == []


def test_a_pipeline_s_environment_is_no_setting(build: Build) -> None:
    job = "jobs:\n  d:\n    environment:\n      name: staging\n      url: https://s.shop.io\n    env:\n      LEVEL: info\n"
    asked = "on:\n  workflow_call:\n    inputs:\n      environment:\n        required: true\n        type: string\n"
    named = {".github/workflows/cd.yml": asked + job}
    assert [row.name for row in rows(build(named))] == ["LEVEL"]


def test_an_image_s_secret_that_anybody_knows_is_none(build: Build) -> None:
    image = "FROM python:3.13\nENV SECRET_KEY=fake\nENV API_TOKEN=x9Kq2LmZ7vRtP4\nCMD gunicorn app:app\n"
    found = {row.name: row.defined for row in rows(build({"Dockerfile": image}))}
    assert {name: [d.placeholder for d in defined] for name, defined in found.items()} == {
        "SECRET_KEY": [True],
        "API_TOKEN": [False],
    }


def test_what_a_chart_fills_in_differs_from_nothing(build: Build) -> None:
    chart = "kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n        - name: a\n          env:\n"
    template = (
        chart + '            - name: REDIS_HOST\n              value: "{{ .Release.Name }}-redis"\n'
    )
    compose = "services:\n  a:\n    image: a\n    environment:\n      REDIS_HOST: redis\n"
    named = {
        "helm/Chart.yaml": "name: a\nversion: 1.0.0\napiVersion: v2\n",
        "helm/templates/d.yaml": template,
    }
    (row,) = rows(build({**named, "docker-compose.yml": compose}))
    assert not any("filled" in d.value for d in row.defined)
    assert not any(note.startswith("differs") for note in row.notes)


def test_what_the_code_gives_itself_is_not_read_there(build: Build) -> None:
    source = 'import os\nos.environ["A_KEY"] = "x"\nb = os.environ["A_KEY"]\n'
    row = of(build, a_dot_py=source)["A_KEY"]
    assert [r.line for r in row.reads] == [3]
    assert [(d.line, d.value) for d in row.defined] == [(2, "(masked)")]
    assert row.notes == []


def test_another_setting_s_value_is_no_secret_in_code(build: Build) -> None:
    source = 'import os\nA_KEY = os.getenv("A_KEY", "")\nB_KEY = os.getenv("B_KEY", A_KEY)\n'
    assert of(build, a_dot_py=source)["B_KEY"].notes == []


def test_parts_of_a_table_define_it(build: Build) -> None:
    files = {
        "settings.toml": '[default]\nAPI = {url = "https://shop.io", port = 1}\n',
        "a.py": "from dynaconf import Dynaconf\n"
        's = Dynaconf(environments=True, settings_files=["settings.toml"])\nprint(s.API)\n',
    }
    notes = {row.name: row.notes for row in rows(build(files))}
    assert notes == {"DYNACONF_API": [], "DYNACONF_API__PORT": [], "DYNACONF_API__URL": []}


def test_a_default_elsewhere_is_one(build: Build) -> None:
    source = 'import os\na = os.environ.get("A_SIZE") or 3\nb = os.getenv("A_SIZE", "5")\n'
    assert of(build, a_dot_py=source)["A_SIZE"].notes == []


def test_the_worst_come_first(build: Build) -> None:
    files = {"a.py": "import os\nos.environ['A']\nos.getenv('B', '1')\n", ".env": "B=2\n"}
    texts = ["".join(text for text, _ in line) for line in show(rows(build(files)), 100)]
    assert [text.split()[0] for text in texts if text.startswith("  ")] == ["A", "B"]
    assert texts[-1].startswith("2 settings")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300), st.sampled_from(["a.js", "values.yaml", "netlify.toml", ".env"]))
def test_anything_can_be_read(text: str, name: str) -> None:
    kinds = {"a.js": Kind.JAVASCRIPT, ".env": Kind.DOTENV}
    data = ("process.env." + text).encode("utf-8", "replace")
    extract_source(Source(kinds.get(name, Kind.PLATFORM), Role.SOURCE, name, data))


def test_a_method_whose_own_class_is_looked_up(build: Build) -> None:
    source = "import os\nclass A:\n    def get(cls, key):\n        os.environ[cls]\n        return os.environ.get(key, cls)\nA().get('A_X')\n"
    assert "A_X" in of(build, a_dot_py=source)


@pytest.mark.parametrize(
    "name", ["CPATH", "LD_LIBRARY_PATH", "HOSTNAME", "PYTHON_VERSION", "NODE_VERSION", "HTTPS_PROXY", "OMP_NUM_THREADS"]
)  # fmt: skip
def test_what_the_system_or_the_build_reads_is_no_loose_end(build: Build, name: str) -> None:
    found = of(build, Dockerfile=f"FROM python:3.13\nENV {name}=1\n", a_dot_py="x = 1\n")
    assert found[name].notes == []


def test_railway_holds_no_settings_of_its_own(build: Build) -> None:
    text = '[env]\nLEVEL = "info"\n[environments.production.variables]\nMODE = "x"\n'
    assert set(of(build, railway_dot_toml=text, a_dot_py="x = 1\n")) == {"MODE"}


def test_keys_of_pages_are_secrets_by_their_names(build: Build) -> None:
    text = (
        "const a = [process.env.REACT_APP_FIREBASE_API_KEY, process.env.REACT_APP_ADMIN_PASSWORD]\n"
    )
    notes = {name: row.notes for name, row in of(build, a_dot_ts=text).items()}
    told = "named like a secret, and sent to every browser"
    assert [name for name, each in notes.items() if told in each] == ["REACT_APP_ADMIN_PASSWORD"]


_STACK = """
services:
  caddy:
    image: caddy:2
    ports: ["${STACK_PORT}:80"]
    environment:
      SITE: ${DOMAIN}
      TOKEN: ${TOKEN}
  web:
    build: .
    environment:
      OTHER: ${OTHER}
"""


def test_what_a_deployment_takes_up_is_no_loose_end(build: Build) -> None:
    dotenv = "DOMAIN=a.com\nSTACK_PORT=80\nOTHER=1\nUNUSED=1\nWORKERS=2\nSITE_NAME=b\nTOKEN=x\n"
    found = of(
        build,
        docker_compose_dot_yml="",
        compose_dot_yml=_STACK,
        _dot_env=dotenv,
        start_dot_sh="exec gunicorn -w $WORKERS app:app\n",
        Caddyfile="{$SITE_NAME} {\n reverse_proxy web:80\n}\n",
        a_dot_py="x = 1\n",
    )
    loose = {
        name for name, row in found.items() if "defined, and read by no code here" in row.notes
    }
    assert loose == {"OTHER", "UNUSED"}
