"""Ways of a function that no call of it takes, and tests of one value in several places."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit
from tests.conftest import Build

_DJANGO = """
from django.db import models
class Note(models.Model):
    user_id = models.CharField(max_length=50, db_index=True)
    state = models.CharField(max_length=50)
"""
_ASKS = """
def find(user_id=None, state=None):
    asked = Note.objects.all()
    if user_id:
        asked = asked.filter(user_id=user_id)
    if state:
        asked = asked.filter(state=state)
    return list(asked)
"""
_STORE = """
class Store{base}:
    {decorator}
    def get({first}, given, model=None):
        {before}
        if model is None:
            return list(Note.objects.filter(user_id=given))
        else:
            return list(Note.objects.filter(state=given))
    def post(self, request):
        return {call}
"""
_TESTS = """
def ask(request, given):
    state = {state}
    user = request.GET.get("user")
    asked = Note.objects.all()
    {body}
    return list(asked)
"""
_ALL, _STATE, _USER, _BOTH = (), ("state",), ("user_id",), ("user_id", "state")


def _asked(text: str, build: Build) -> set[tuple[str, ...]]:
    found = build({"app/models.py": _DJANGO + text, "requirements.txt": "django"})
    return {q.equality for c in found.facts(CollectionFit) for q, _ in c.fits}


@pytest.mark.parametrize(
    ("calls", "shapes"),
    [
        ("def one(user, s):\n    return find(user_id=user.id, state=s)", {_USER, _BOTH}),
        ("def one(user, s):\n    key = str(user.id)\n    return find(key, s)", {_USER, _BOTH}),
        ("def one(user_id: int, s):\n    return find(user_id, s)", {_USER, _BOTH}),
        ("@app.get('/of/<int:user_id>')\ndef one(user_id, s):\n    return find(user_id, s)", {_USER, _BOTH}),
        ("def one(user_id: int | None, s):\n    return find(user_id, 'x')", {_STATE, _BOTH}),
        ("def one(given, s):\n    return find(str(given), 'x')", {_STATE, _BOTH}),
        ("def one(note, s):\n    return find(note.user_id, 'x')", {_STATE, _BOTH}),
        ("def one(user, s):\n    return find(user.id, s)\ndef two(s):\n    return find(state=s)", {_ALL, _STATE, _USER}),
        ("def one(user, s):\n    return find(user.id, s)\nHANDLERS = [find]", {_ALL, _STATE, _USER}),
        ("def one(user, s):\n    key = user.id\n    if s:\n        key = None\n    return find(key, 'x')", {_STATE, _BOTH}),
    ],
)  # fmt: skip
def test_what_every_call_gives_is_asked_for(
    calls: str, shapes: set[tuple[str, ...]], build: Build
) -> None:
    assert _asked(f"{_ASKS}{calls}\n", build) == shapes


@pytest.mark.parametrize(
    ("base", "decorator", "before", "call", "shapes"),
    [
        ("", "", "", "self.get(request)", {_USER}),
        ("", "@classmethod", "", "Store.get(request)", {_USER}),
        ("", "@staticmethod", "", "Store.get(request)", {_USER}),
        ("(View)", "@staticmethod", "", "Store.get(request)", {_USER}),
        ("", "@cached", "", "self.get(request)", {_USER, _STATE}),
        ("", "@classmethod", "", "Store.get(request, 1)", {_STATE}),
        ("(View)", "", "", "self.get(request)", {_USER, _STATE}),  # which may call it itself
        ("", "", "model = model or given.model", "self.get(request)", {_USER, _STATE}),
    ],
)
def test_what_no_call_gives_is_what_it_is_by_default(
    base: str, decorator: str, before: str, call: str, shapes: set[tuple[str, ...]], build: Build
) -> None:
    first = "given_first" if "static" in decorator else "cls" if "class" in decorator else "self"
    text = _STORE.replace("{first}, ", "") if "static" in decorator else _STORE
    text = text.format(base=base, decorator=decorator, before=before or "pass", call=call, first=first)  # fmt: skip
    assert _asked(f"from django.views import View\n{text}", build) == shapes


_GUARD = "if not state and not user:\n        return []\n    "
_EITHER = "if state and not user:\n        asked = asked.filter(state=state)\n    if user:\n        asked = asked.filter(user_id=user)"


@pytest.mark.parametrize(
    ("state", "body", "shapes"),
    [
        ("request.GET.get('state')", _GUARD + _EITHER, {_STATE, _USER}),
        ("request.GET.get('state')", f"print(asked)\n    {_GUARD}{_EITHER}", {_ALL, _STATE, _USER}),
        ("request.GET.get('state')", _EITHER, {_ALL, _STATE, _USER}),
        ("request.GET.get('state')", f"state = state or given\n    {_GUARD}{_EITHER}", {_ALL, _STATE, _USER}),
        ("[]", f"{_GUARD}if user:\n        state.append(given)\n    {_EITHER}", {_ALL, _STATE, _USER}),
    ],
)  # fmt: skip
def test_tests_of_a_variable_hang_together(
    state: str, body: str, shapes: set[tuple[str, ...]], build: Build
) -> None:
    assert _asked(_TESTS.format(state=state, body=body), build) == shapes
