"""What a file is, by its name, and what part it plays, by where it lies."""

from __future__ import annotations

import enum
from collections.abc import Collection

from auditor.engines import Choice, Words


class Kind(str, enum.Enum):
    """What a file claims to be; decides which extractors read it."""

    PYTHON = "python"
    DOTENV = "dotenv"
    MANIFEST = "manifest"
    LOCK = "lock"
    DOCKERFILE = "dockerfile"
    COMPOSE = "compose"
    WORKFLOW = "workflow"
    PLATFORM = "platform"
    PROXY = "proxy"
    SQL = "sql"
    JAVASCRIPT = "javascript"
    NOTEBOOK = "notebook"
    TEXT = "text"


class Role(str, enum.Enum):
    """What part a file plays; only source files make up the application."""

    SOURCE = "source"
    TEST = "test"
    EXAMPLE = "example"
    DOCUMENTATION = "documentation"


_BY_PATH: tuple[tuple[str, Kind], ...] = (
    (r"(?:^|/)\.github/workflows/[^/]+\.ya?ml$", Kind.WORKFLOW),
    (r"(?:^|/)(?:requirements?|reqs)/[^/]+\.(?:txt|in|pip)$", Kind.MANIFEST),
    (r"(?:^|/)\.github/(?:actions|workflows)/.+/action\.ya?ml$", Kind.WORKFLOW),
    (r"(?:^|/)(?:docker-)?compose(?:[-_.][^/]+)?\.ya?ml$", Kind.COMPOSE),
    (r"(?:^|/)(?:\.gitlab-ci|azure-pipelines|bitbucket-pipelines)[^/]*\.ya?ml$", Kind.WORKFLOW),
    (r"(?:^|/)\.?azure[-_]?(?:pipelines|devops)/.*\.ya?ml$", Kind.WORKFLOW),
    (r"(?:^|/)\.gitlab/[^.]+\.ya?ml$", Kind.WORKFLOW),
    (r"(?:^|/)\.?(?:gitlab[-_])?ci/[^.]+\.ya?ml$", Kind.WORKFLOW),
    (r"(?:^|/)\.circleci/.*\.ya?ml$", Kind.WORKFLOW),
    (r"(?:^|/)\.github/dependabot\.ya?ml$", Kind.WORKFLOW),
    (r"(?:^|/)(?:nginx|caddy|traefik)[^/]*/.*\.(?:conf(?:\.\w+)?|ya?ml|template)$", Kind.PROXY),
    (r"(?:^|/)(?:nginx|sites-(?:available|enabled))/[\w-]+$", Kind.PROXY),
    (
        r"(?:^|/)(?:k8s|kubernetes|manifests|deploy|deployment|helm|charts?|kustomize|base|overlays|argocd|openshift|templates)/.*\.ya?ml$",
        Kind.PLATFORM,
    ),
    (r"(?:^|/)(?:\.do|ansible|playbooks|roles)/.*\.ya?ml$", Kind.PLATFORM),
    (r"(?:^|/)\.envs?/(?:.+/)?\.?\w+$", Kind.DOTENV),
    (r"(?:^|/)(?:cloudformation|cfn|sam|aws)/.*\.(?:ya?ml|json|template)$", Kind.PLATFORM),
)
_BY_NAME: tuple[tuple[str, Kind], ...] = (
    (r"\.env(?:[-._].+)?|.+\.env(?:[-._](?:example|sample|template|dist))?|\.?(?:dot)?env[-._](?:example|sample|template|dist|defaults?)|\.flaskenv|\.envrc", Kind.DOTENV),
    (r"(?:.*[-_.])?(?:requirements?|reqs?)(?:[-_.].*)?\.(?:txt|in|pip)|pyproject\.toml|pipfile|setup\.cfg"
     r"|environment\.ya?ml|package\.json|constraints.*\.txt", Kind.MANIFEST),
    (r"poetry\.lock|uv\.lock|pdm\.lock|pipfile\.lock|package-lock\.json|yarn\.lock"
     r"|pnpm-lock\.yaml|npm-shrinkwrap\.json|pylock\.toml", Kind.LOCK),
    (r"dockerfile(?:[-_.].+)?|.+[-_.]dockerfile|containerfile(?:[-_.].+)?", Kind.DOCKERFILE),
    (r"\.gitlab-ci.*\.ya?ml|azure-pipelines.*\.ya?ml|bitbucket-pipelines\.ya?ml|jenkinsfile.*"
     r"|renovate\.json5?|\.renovaterc(?:\.json)?|\.travis\.ya?ml|cloudbuild\.ya?ml"
     r"|buildspec.*\.ya?ml|action\.ya?ml", Kind.WORKFLOW),
    (r".+\.tfvars(?:\.json)?", Kind.PLATFORM),
    (r"procfile|railway\.(?:json|toml)|vercel\.json|render\.ya?ml|fly\.toml|app\.(?:json|ya?ml)"
     r"|netlify\.toml|zappa_settings\.json|serverless\.ya?ml|nixpacks\.toml|supervisord?\.conf|.+\.service|.+\.timer"
     r"|.+\.tf|(?:sam-?)?template\.ya?ml|.+\.(?:cfn|cloudformation)\.(?:ya?ml|json)|cron\.ya?ml|now\.json|heroku\.ya?ml|chart\.ya?ml|manifest(?:[-_.].+)?\.ya?ml|\.platform\.app\.ya?ml"
     r"|(?:.+[-_.])?(?:deployment|ingress|cronjob|statefulset|daemonset|configmap)\.ya?ml", Kind.PLATFORM),
    (r"nginx.*\.conf(?:\.(?:template|j2|jinja2?|jnj))?|.+[.-]nginx(?:\.conf(?:\.(?:template|j2|jinja2?))?)?|caddyfile(?:\..+)?|.+\.caddyfile"
     r"|traefik.*\.(?:ya?ml|toml)|default\.conf(?:\.template)?|kong\.ya?ml", Kind.PROXY),
)  # fmt: skip
_PATHS = Choice([pattern for pattern, _ in _BY_PATH])
_NAMES = Choice([f"^(?:{pattern})$" for pattern, _ in _BY_NAME])
_BY_SUFFIX = {
    "py": Kind.PYTHON,
    "pyw": Kind.PYTHON,
    "sql": Kind.SQL,
    "ipynb": Kind.NOTEBOOK,
    **dict.fromkeys(("js", "jsx", "ts", "tsx", "mjs", "cjs", "vue", "svelte"), Kind.JAVASCRIPT),
}
BINARY_SUFFIXES = frozenset(
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "webp",
        "ico",
        "bmp",
        "tif",
        "tiff",
        "psd",
        "pdf",
        "zip",
        "gz",
        "tgz",
        "bz2",
        "xz",
        "7z",
        "rar",
        "jar",
        "war",
        "whl",
        "egg",
        "so",
        "dll",
        "dylib",
        "exe",
        "bin",
        "o",
        "a",
        "class",
        "pyc",
        "pyo",
        "pyd",
        "woff",
        "woff2",
        "ttf",
        "otf",
        "eot",
        "mp3",
        "mp4",
        "mov",
        "avi",
        "webm",
        "wav",
        "ogg",
        "flac",
        "db",
        "sqlite",
        "sqlite3",
        "pkl",
        "pickle",
        "npy",
        "npz",
        "parquet",
        "onnx",
        "pt",
        "pth",
        "h5",
        "model",
        "wasm",
        "heic",
        "avif",
    ]
)


_DEPLOYING = (Kind.DOCKERFILE, Kind.WORKFLOW, Kind.PLATFORM)
_ASSETS = {"static", "staticfiles", "bower_components"}
"""Folders of what browsers are given: a Dockerfile among it came with a library, and deploys nothing."""


def kind_of(path: str) -> Kind:
    """The kind of a file, by its path relative to the root."""
    *folders, name = path.split("/")
    if (first := _PATHS.first(path)) is not None:
        return _BY_PATH[first][1]
    if (first := _NAMES.first(name)) is not None:
        kind = _BY_NAME[first][1]
        brought = kind in _DEPLOYING and not _ASSETS.isdisjoint(folders)
        return Kind.TEXT if brought else kind
    return _BY_SUFFIX.get(name.rpartition(".")[2].lower(), Kind.TEXT)


_TEST_FOLDERS = {
    "test", "tests", "testing", "__tests__", "spec", "specs", "cypress", "e2e", "__mocks__",
    "testdata", "test_data", "__snapshots__", "cassettes", "unit_tests", "unittests", "integration_tests", "fixtures",
    "molecule", "mock_server", "mock-server", "mockserver", "mock_api", "mock-api", "fake_server", "fake_api",
}  # fmt: skip
_TEST_FOLDER = Words(
    r"(?:^|/)(?:tests_\w+|(?:e2e|functional|acceptance|api|ui|smoke|regression|load|performance)[-_]tests?|(?:\w+[-_])?load[-_]?tests?)/"
)
_TEST_NAME = Words(
    r"(?i)(?:tests?_.+|.+_tests?|tests?|conftest)\.py|.+[.-](?:spec|test)\.[jt]sx?|.+\.cy\.[jt]sx?|.+_test\.go|.+_(?:spec|test)\.rb"
    r"|.+tests?\.(?:java|kt|cs|php)|.+\.snap|pytest\.ini|tox\.ini"
    r"|test(?:ing)?[-_].+\.(?:cfg|ini|toml|conf)"
    r"|(?:.+[-_])?(?:mock|fake|stub)[-_]?(?:servers?|apis?|services?|backend|app)\.py"
    r"|(?:vi|je)s?test[.-]?(?:setup|config)\.\w+|setup-?tests?\.[jt]sx?"
    r"|\.?(?:[\w\-]+\.)?env[-_.](?:test(?:ing|s)?|ci)|\.?(?:tests?|ci)\.env|(?:config[-_.])?tests?\.(?:toml|ini|json|properties)|config[-_.]tests?\.ya?ml|test_.+\.sh|(?:.+[-_])?tests?\.sh|(?:docker-)?compose(?:[-_.][\w.\-]+)?[-_.](?:e2e|tests?)\.ya?ml|application-(?:test|it)\.(?:ya?ml|properties)|appsettings\.tests?(?:ing)?\.json"
)
_SETTINGS_FOLDERS = {"settings", "config", "configs", "conf", "env", "envs", "environments"}
_SET_ASIDE = Words(
    r"(?i)\w+[-_](?:backup|bak|old)(?:[-_]?v?\d+)?|(?:backup|bak|old)[-_]?v?\d[-_\d]*|_?archived|_archive|attic"
)
"""Folders that hold what the code once was: `app_backup_v2`, `backend_old`, `backup_2025-08-30`, `archived`."""
_EXAMPLE_FOLDERS = {"example", "examples", "sample", "samples", "demo", "demos", "snippets"}
_EXAMPLE_NAME = Words(
    r"(?i)\.(?:example|sample|template|tmpl|tpl|exemple|exemplo|ejemplo|esempio|beispiel)(?:\.|$)|\.dist(?:\.|$)"
    r"|compose(?:[-_.][\w.\-]+)?[-_](?:example|sample|template)s?[-_.]"
    r"|^\.?(?:dot)?env(?:\.\w+)?[-_]?(?:example|sample|template|dist)(?:\.txt)?$|^(?:example|sample|template)[-_.](?:dot)?env(?:\.|$)"
    r"|^\.env\.temp$|^(?:example|sample)[-_].+\.(?:cfg|ini|toml|conf)$|_example\.py$|^example_.+\.py$"
)
"""`settings.py.dist` is to be copied; `settings.dist.py` is what others import."""
_DOCUMENT_FOLDERS = {"docs", "doc", "documentation"}
_DOCUMENT_SUFFIXES = {"md", "rst", "mdx", "adoc"}


def in_template(path: str) -> bool:
    """Whether a file lies in a folder that is named when a project is made of it: `{{cookiecutter.slug}}/`."""
    return "{{" in path.rpartition("/")[0]


def role_of(path: str, packages: Collection[str] = (), *, is_template: bool = False) -> Role:
    """The part a file plays, by folder and naming conventions (pytest, Jest, Cypress).

    What lies in one of the Python `packages` is code: `app/api/docs/changelog.py` documents nothing. What lies in a
    template of a project is an example of one, but where the whole tree `is_template`.
    """
    *folders, name = path.lower().split("/")
    if ".github" in folders and name.endswith((".yml", ".yaml")):
        return Role.SOURCE  # what is called test there runs the tests
    if _TEST_FOLDERS.intersection(folders) or _TEST_NAME.fullmatch(name):
        return Role.TEST
    if _TEST_FOLDER.search(path.lower()):
        return Role.TEST
    if "features" in folders and ("steps" in folders or name == "environment.py"):  # behave's
        return Role.TEST
    if name.rpartition(".")[2] in _DOCUMENT_SUFFIXES or (
        _DOCUMENT_FOLDERS.intersection(folders)
        and not (name.endswith(".py") and _in_package(path, packages))
    ):
        return Role.DOCUMENTATION
    if in_template(path) and not is_template:
        return Role.EXAMPLE
    if any(_SET_ASIDE.fullmatch(folder) for folder in folders) or folders[:1] == ["archive"]:
        return Role.EXAMPLE
    if "/build/lib/" in f"/{path}" or name in ("get-pip.py", "ez_setup.py"):
        return Role.EXAMPLE  # a copy that setuptools made, and tools that were copied in
    if name.endswith(".conf"):
        folders = [
            folder for folder in folders if folder != "snippets"
        ]  # nginx's, as Debian has them
    if name.endswith(".conf.template") and ("nginx" in path.lower() or name.startswith("default.")):
        name = name.removesuffix(".template")  # nginx's image fills it in when it starts
    if name.endswith(".py"):  # a part of the application that is called example
        folders = [
            folder
            for at, folder in enumerate(folders)
            if not ({"/".join(folders[:at]), "/".join(folders[: at + 1])} <= set(packages) and at)
        ]
    if _EXAMPLE_FOLDERS.intersection(folders) or _EXAMPLE_NAME.search(
        name.removesuffix(".dist.py")
    ):
        return Role.EXAMPLE
    return Role.SOURCE


def _in_package(path: str, packages: Collection[str]) -> bool:
    """Whether every folder that is called like one for documents lies in a package."""
    *folders, _ = path.split("/")
    return all(
        "/".join(folders[:at]) in packages
        for at, folder in enumerate(folders)
        if folder.lower() in _DOCUMENT_FOLDERS
    )


def may_be_no_test(path: str) -> bool:
    """Whether only the name of a Python module, or only its folder, says that it tests.

    What a folder of settings has for tests is imported beside the others, and set where tests run.
    """
    *folders, name = path.lower().split("/")
    by_name = _TEST_NAME.fullmatch(name)
    if name == "conftest.py" or (by_name and _SETTINGS_FOLDERS.intersection(folders[-1:])):
        return False
    return not by_name or role_of("/".join([*folders, "module.py"])) is Role.SOURCE


_GENERATED = Words(r"(?i).+\.min\.(?:js|css)|.+\.map|.+[.-]bundle\.js|.+\.chunk\.js")
_HASHED = Words(r".+[.-][0-9a-f]{8,}\.(?:js|css)")
_BUILD_FOLDERS = {"dist", "build", "out", "static", "public", "assets", "_next"}


def is_generated(path: str) -> bool:
    """A built bundle that was committed: nobody edits it, but it may carry secrets."""
    *folders, name = path.lower().split("/")
    if not name.endswith((".js", ".css", ".map")):
        return False
    hashed = bool(_BUILD_FOLDERS.intersection(folders)) and _HASHED.fullmatch(name)
    return hashed or _GENERATED.fullmatch(name)
