"""Reading Python: what is readable gives facts, what is not says where and why."""

from __future__ import annotations

import ast
import contextlib
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.discover import Kind, Role, discover
from auditor.extract.facts import Unread
from auditor.extract.pipeline import Extraction, extract_source
from auditor.extract.python import tree as t
from auditor.extract.python.build import build
from auditor.extract.python.downgrade import NotPython, downgrade
from auditor.extract.python.parse import UnreadablePython, parse
from auditor.extract.python.syntax import Syntax
from auditor.extract.source import Source
from tests.conftest import write


def facts(data: bytes) -> list[object]:
    return list(extract_source(Source(Kind.PYTHON, Role.SOURCE, "a.py", data)))


UNREADABLE = {
    "NUL bytes": (b"x = 1\n\0", "NUL bytes", 2),
    "no UTF-8": (b"x = '\xff\xfe'\n", "", 0),
    "a print statement": (b"import os\nprint 'x'\n", "Python 2", 2),
    "an old except": (b"try:\n    x\nexcept IOError, e:\n    print 'x'\n", "Python 2", 3),
    "nested brackets": (b"(" * 10_000, "nested", 0),
    "balanced nested brackets": (b"x = " + b"[" * 5_000 + b"]" * 5_000, "nested", 0),
    "a deep chain": (b"x = " + b"-" * 50_000 + b"1", "", 0),
    "a long chain": (b"x = " + b"+".join([b"1"] * 20_000), "", 0),
    "deep attributes": (b"x = a" + b".b" * 20_000, "", 0),
    "nonsense": (b"def f(:\n", "no supported Python version", 1),
}


@pytest.mark.parametrize("data, reason, line", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_unreadable(data: bytes, reason: str, line: int) -> None:
    (unread,) = [fact for fact in facts(data) if isinstance(fact, Unread)]
    assert reason in unread.reason
    assert "\n" not in unread.reason
    assert not line or unread.line == line


def test_text_that_no_encoding_holds(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "x = '\\ud800'\ny = call(1)\n"})
    (fact,) = Extraction(discover(tmp_path), jobs=1).facts["a.py"]
    assert isinstance(fact, Syntax)


def test_an_unreadable_application_is_known_as_one() -> None:
    (unread,) = [f for f in facts(b"app = FastAPI()\ndef f(:\n") if isinstance(f, Unread)]
    assert unread.application
    (unread,) = [f for f in facts(b"# app = FastAPI()\ndef f(:\n") if isinstance(f, Unread)]
    assert not unread.application


NEWER = {
    "except*": "try:\n    f()\nexcept* ValueError as e:\n    g(e)\n",
    "type parameters": "def f[T](x: T) -> T:\n    return g(x)\n\nclass A[T]:\n    x = 1\n",
    "a type statement": "type Pair = tuple[int, int]\nx = 1\n",
    "nested quotes": 'x = f"{d["key"]} and {other}"\ny = 2\n',
    "bare exceptions": "try:\n    f()\nexcept ValueError, os.error:\n    g()\n",
    "nested quotes beside other strings": 'x = (\n    f"{d["key"]} "\n    "and"\n    f"{other}"\n).strip()\ny = f"a {1}" "b"\n',
    "nested quotes side by side": (
        'x = (\n    f"a {d["key"]}"\n    "b"  # c\n    f"{call(y["k"])}"\n)\ny = call(2)\n'
    ),
    "nested quotes over lines": 'x = f"{\n    d["key"]\n}"\ny = call(1)\n',
}


@pytest.mark.parametrize(
    ("method", "read"),
    [
        ("@classmethod\n def a(klass, x): return klass.b(x)", "def a(cls, x): return cls.b(x)"),
        ("@classmethod\n def a(klass): return [klass for x in klass.b]", "def a(cls): return [cls for x in cls.b]"),
        ("@classmethod\n def a(klass, cls): return klass, cls", "def a(klass, cls): return klass, cls"),
        ("@classmethod\n def a(klass): return lambda klass: klass", "def a(klass): return lambda klass: klass"),
        ("def a(klass): return klass", "def a(klass): return klass"),
        ("@staticmethod\n def a(klass): return klass", "def a(klass): return klass"),
    ],
)  # fmt: skip
def test_a_class_method_calls_its_class_cls(method: str, read: str) -> None:
    def names(source: str) -> list[object]:
        (made,) = build(parse(f"class A:\n {source}\n".encode()))
        assert isinstance(made, t.Class)
        (function,) = made.body
        assert isinstance(function, t.Function)
        params = [param.name for param in function.params]
        return [*params, *(n.id for n in t.walk(*function.body) if isinstance(n, t.Name))]

    assert names(method) == names(read)


def test_exceptions_without_brackets_are_read() -> None:
    """PEP 758; Python 2 meant a name by the second word, and its files are told by the rest."""
    source = b"try:\n    f()\nexcept KeyError, errors.Wrong:\n    raise Denied(401)\n"
    assert any(isinstance(fact, Syntax) for fact in facts(source))
    newest = b"type Pair = tuple[int, int]\ntry:\n    f()\nexcept A, B:\n    g()\n"
    assert any(isinstance(fact, Syntax) for fact in facts(newest))


@pytest.mark.parametrize("source", NEWER.values(), ids=NEWER.keys())
def test_newer_syntax_gives_the_same_facts(source: str) -> None:
    older = ast.parse(downgrade(source), feature_version=(3, 10))
    names = {(n.id, n.lineno) for n in ast.walk(older) if isinstance(n, ast.Name)}
    lines = source.split("\n")
    for name, line in names:
        assert name in lines[line - 1]
    expected = source.count("\n")
    assert max(getattr(n, "end_lineno", 0) or 0 for n in ast.walk(older)) <= expected
    assert any(isinstance(fact, Syntax) for fact in facts(source.encode()))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="this interpreter cannot read it to compare")
@pytest.mark.parametrize("source", NEWER.values(), ids=NEWER.keys())
def test_newer_syntax_keeps_calls_in_their_lines(source: str) -> None:
    def calls(text: str) -> set[tuple[str, int]]:
        found = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call))
        return {(n.func.id, n.lineno) for n in found if isinstance(n.func, ast.Name)}

    if "ValueError, os" in source and sys.version_info < (3, 14):
        pytest.skip("this interpreter cannot read it to compare")
    assert calls(source) == calls(downgrade(source))


def test_downgrade_refuses_what_is_no_python() -> None:
    with pytest.raises(NotPython):
        downgrade("def f(:\n")


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200), st.text(max_size=200).map(lambda s: s.encode("utf-8", "replace"))
    )
)
def test_anything_parses_or_is_unreadable(data: bytes) -> None:
    with contextlib.suppress(UnreadablePython):
        assert isinstance(parse(data), ast.Module)


@pytest.mark.parametrize(
    ("body", "leaves", "turn"),
    [
        ("return 1", True, True),
        ("raise ValueError", True, True),
        ("continue", False, True),
        ("pass", False, False),
        ("if x:\n  return 1\nelse:\n  raise ValueError", True, True),
        ("if x:\n  return 1", False, False),
        ("if x:\n  return 1\nelse:\n  break", False, True),
        ("with x:\n  return 1", True, True),
        ("try:\n  return 1\nexcept ValueError:\n  pass", False, False),
        ("try:\n  return 1\nexcept ValueError:\n  raise", True, True),
        ("try:\n  x()\nfinally:\n  return 1", True, True),
        ("return 1\nx()", True, True),
    ],
)
def test_what_gets_past_the_end_of_a_block(body: str, leaves: bool, turn: bool) -> None:
    code = "for y in z:\n" + "\n".join("    " + line for line in body.splitlines())
    syntax = next(x for x in facts(code.encode()) if isinstance(x, Syntax))
    (loop,) = syntax.body
    assert isinstance(loop, t.For)
    assert (t.leaves(loop.body), t.leaves(loop.body, turn=True)) == (leaves, turn)
