"""What a call passes to the parameters of a function."""

from __future__ import annotations

import pytest

from auditor.extract.python import tree as t
from auditor.link.decisions import passed_by
from tests.conftest import Build


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("f(1, 2)", {"one": 1, "two": 2}),
        ("f(1, two=2)", {"one": 1, "two": 2}),
        ("f(1, *given, 3)", {"one": 1}),
        ("f(*given, 3, two=2)", {"two": 2}),
        ("Store().f(1)", {"one": 1}),
        ("Store.f(self, 1)", {"one": 1}),
    ],
)
def test_what_a_call_passes(call: str, told: dict[str, int], build: Build) -> None:
    method = "self, " if "Store" in call else ""
    source = f"class Store: pass\ndef f({method}one, two=0, three=0): pass\n{call}\n"
    code = build({"app.py": source}).code
    (function,) = (x.node for x in code.functions())
    (made,) = (x.node for x in code.all_calls() if t.last_word(x.node.func) == "f")
    assert isinstance(function, t.Function)
    passed = passed_by(function, made)
    found = {name: x.value for name, x in passed.items() if isinstance(x, t.Const)}
    assert found == told
