"""Asks Django which routes it serves and who is turned away; run as `probe_django.py SETTINGS [STATUS …]`.

Prints [method, path, closed, handler] for each pattern of the URL configuration but the admin's own
and DRF's format suffixes. A function that nothing limits to methods is listed as ANY. A route is
closed when it answers 401, 403 or one of the statuses given, or sends to a login, both without a
credential and with wrong ones, by each of its methods.
"""

import functools
import inspect
import json
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.urls import URLResolver, get_resolver

TRIED: tuple[dict[str, str], ...] = (
    {},
    {"HTTP_AUTHORIZATION": "Token junk"},
    {"HTTP_X_KEY": "junk", "HTTP_X_SIGNATURE": "junk"},
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NOBODY = "00000000-0000-0000-0000-000000000000"
CONVERTED = {"int": "1", "uuid": NOBODY, "uuidstr": NOBODY}


def patterns(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, Any]]:
    for each in resolver.url_patterns:
        path = prefix + str(each.pattern)
        if not isinstance(each, URLResolver):
            if "format>" not in path:
                yield path, each.callback
        elif each.app_name != "admin":
            yield from patterns(each, path)


def filled(path: str) -> str:
    """A URL that a route matches."""
    path = re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)", "1", path)
    path = re.sub(r"<(?:(\w+):)?\w+>", lambda m: CONVERTED.get(m[1] or "", "1"), path)
    return re.sub(r"[\^$\\?]", "", path)


def handled(view: Any) -> dict[str, str]:
    """Method -> name of what answers."""
    if inspect.isfunction(view):  # django-ninja keeps what it serves in the view's closure
        held = inspect.getclosurevars(view).nonlocals.get("self")
        if operations := getattr(held, "operations", None):
            return {
                method: inspect.unwrap(each.view_func).__qualname__
                for each in operations
                for method in each.methods
            }
    if actions := getattr(view, "actions", None):
        listed = set(view.cls.http_method_names) - {"head"}  # the others get 405 from `dispatch`
        return {m.upper(): f"{view.cls.__name__}.{a}" for m, a in actions.items() if m in listed}
    if cls := getattr(view, "view_class", None) or getattr(view, "cls", None):
        served = [
            m for m in METHODS if hasattr(cls, m.lower()) and m.lower() in cls.http_method_names
        ]
        return dict.fromkeys(served or ["ANY"], cls.__name__)
    return {}


def main() -> None:
    sys.path[0] = "."
    os.environ["DJANGO_SETTINGS_MODULE"] = sys.argv[1]
    away = {int(status) for status in sys.argv[2:]} | {401, 403}
    django.setup()
    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", run_syncdb=True, verbosity=0)
    from django.contrib.auth import get_user_model
    from django.test import Client

    stranger, chief = Client(raise_request_exception=False), Client(raise_request_exception=False)
    chief.force_login(
        get_user_model()._default_manager.create_superuser("chief", "c@example.org", "x")
    )

    def closed(method: str, url: str) -> bool:
        for headers in TRIED:
            answer = stranger.generic(method, url, secure=True, **headers)
            sent = re.search("log-?in|sign-?in", answer.headers.get("Location", ""))
            if answer.status_code not in away and not sent:
                return False
        return True

    rows = []
    answering: set[str] = set()
    for path, view in list(patterns(get_resolver(), "/")):
        if re.sub(r"[\^$]", "", path) in answering:
            continue  # the first pattern that matches is asked, and no other
        answering.add(re.sub(r"[\^$]", "", path))
        url = filled(path)
        methods = handled(view)
        if not methods:
            served = [m for m in METHODS if chief.generic(m, url, secure=True).status_code != 405]
            plain = inspect.unwrap(view)
            plain = plain.func if isinstance(plain, functools.partial) else plain
            name = getattr(plain, "__name__", type(view).__name__)
            methods = dict.fromkeys(["ANY"] if len(served) == len(METHODS) else served, name)
        for method, name in methods.items():
            asked = METHODS if method == "ANY" else (method,)
            rows.append([method, path, all(closed(m, url) for m in asked), name])
    sys.stdout.write(json.dumps(rows))


if __name__ == "__main__":
    main()
