"""What an expression is worth without running it."""

from __future__ import annotations

import pytest

from auditor.model.values import Known, Setting, Unknown, possible, settings_in
from tests.conftest import Build

PLAIN = {
    "a constant": ("X = 'a'\nprobe(X)", "a"),
    "an f-string": ("V = '/v1'\nprobe(f'{V}/users')", "/v1/users"),
    "a list": ("probe(['a', *('b', 'c')])", ["a", "b", "c"]),
    "a split": ("probe('a, b'.split(','))", ["a", " b"]),
    "a comprehension": ("probe([x.strip() for x in 'a, b'.split(',')])", ["a", "b"]),
    "json": ("import json\nprobe(json.loads('[1]'))", [1]),
    "arithmetic": ("probe(5 * 1024 * 1024)", 5 * 1024 * 1024),
    "a class attribute": ("class S:\n    A = 'x'\ns = S()\nprobe(s.A)", "x"),
    "an imported constant": ("from other import PREFIX\nprobe(PREFIX)", "/api"),
    "a default after or": ("import os\nprobe(os.getenv('A') or '*')", "*"),
    "a default of a setting": ("import os\nprobe(os.environ.get('A', '*').split(','))", ["*"]),
    "a settings class": (
        "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    cors: str = '*'\n"
        "s = S()\nprobe(s.cors)",
        "*",
    ),
    "an attribute by its name": (
        "class S:\n    A = 'x'\ns = S()\nprobe(getattr(s, 'A', 'y'))",
        "x",
    ),
}


@pytest.mark.parametrize("source, expected", PLAIN.values(), ids=PLAIN.keys())
def test_plain_value(source: str, expected: object, build: Build) -> None:
    application = build({"main.py": source, "other.py": "PREFIX = '/api'\n"})
    (site,) = application.code.method_calls("probe")
    value = application.values.value(site.node.args[0], site.scope)
    assert next(possible(value)).value == expected


def test_setting_keeps_its_name(build: Build) -> None:
    application = build({"main.py": "import os\nprobe(os.environ['A'].split(','))"})
    (site,) = application.code.method_calls("probe")
    value = application.values.value(site.node.args[0], site.scope)
    assert [s.name for s in settings_in(value)] == ["A"]
    assert list(possible(value)) == []


def test_settings_class_maps_fields_to_variables(build: Build) -> None:
    source = (
        "from pydantic_settings import BaseSettings, SettingsConfigDict\n"
        "from pydantic import Field\n"
        "class S(BaseSettings):\n"
        "    model_config = SettingsConfigDict(env_prefix='APP_')\n"
        "    url: str\n"
        "    key: str = Field(..., validation_alias='API_KEY')\n"
        "s = S()\nprobe(s.url, s.key)"
    )
    application = build({"main.py": source})
    (site,) = application.code.method_calls("probe")
    found = [application.values.value(arg, site.scope) for arg in site.node.args]
    assert [v.name for v in found if isinstance(v, Setting)] == ["APP_URL", "API_KEY"]
    assert all(isinstance(v, Setting) and v.default is None for v in found)


@pytest.mark.parametrize(
    "source",
    ["probe('x' * 10**9)", "probe([0] * 99999999)", "X = X2 = 1\nX = X + X\nprobe(X * X)"],
)
def test_hostile_arithmetic_stays_small(source: str, build: Build) -> None:
    application = build({"main.py": source})
    (site,) = application.code.method_calls("probe")
    value = application.values.value(site.node.args[0], site.scope)
    assert not (isinstance(value, Known) and len(str(value.value)) > 1000)


def test_alternatives_do_not_multiply(build: Build) -> None:
    """Forty values of three each have more combinations than anybody can wait for."""
    several = "'a' if flag() else 'b' if flag() else 'c'"
    source = f"probe({several})\nprobe([{', '.join([several] * 40)}])"
    application = build({"main.py": source})
    values = application.values
    one, many = application.code.method_calls("probe")
    assert {v.value for v in possible(values.value(one.node.args[0], one.scope))} == set("abc")
    assert isinstance(values.value(many.node.args[0], many.scope), Unknown)


def test_what_is_computed_is_unknown(build: Build) -> None:
    application = build({"main.py": "import random\nprobe(random.random())"})
    (site,) = application.code.method_calls("probe")
    assert isinstance(application.values.value(site.node.args[0], site.scope), Unknown)


def test_the_default_of_an_attribute_that_may_be_there_is_not_its_value(build: Build) -> None:
    source = "def of(thing):\n    probe(getattr(thing, 'A', 'y'))\n"
    application = build({"main.py": source})
    (site,) = application.code.method_calls("probe")
    assert isinstance(application.values.value(site.node.args[0], site.scope), Unknown)


def test_modules_that_import_each_other_end(build: Build) -> None:
    application = build({"a.py": "from b import x\nprobe(x)", "b.py": "from a import x\n"})
    (site,) = application.code.method_calls("probe")
    assert isinstance(application.values.value(site.node.args[0], site.scope), Unknown)


def test_what_calls_pass_to_a_method(build: Build) -> None:
    code = "class S:\n    def m(self, x):\n        probe(x, self)\n\nS().m('a')\nS().m(x='b')\n"
    application = build({"main.py": code})
    (site,) = application.code.method_calls("probe")
    given, own = site.node.args
    passed = application.values.sources(given, site.scope)
    assert [source.node.value for source in passed] == ["a", "b"]  # type: ignore[attr-defined]
    assert [source.node for source in application.values.sources(own, site.scope)] == [own]


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("errors = []\n    if bad(): errors.append(1)\n    probe(errors)", None),
        ("errors = []\n    probe(not errors)", None),
        ("found = {}\n    probe(found or DEBUG)", None),
        ("sizes = ['s']\n    probe(sizes)", True),
        ("probe(DEBUG)", False),
        ("probe(not DEBUG)", True),
        ("probe(NONE)", False),
    ],
)
def test_a_list_of_a_function_that_begins_empty_may_be_filled(
    body: str, outcome: bool | None, build: Build
) -> None:
    application = build({"main.py": f"DEBUG = False\nNONE = []\ndef ask():\n    {body}\n"})
    (site,) = application.code.method_calls("probe")
    assert application.values.decided(site.node.args[0], site.scope) is outcome
