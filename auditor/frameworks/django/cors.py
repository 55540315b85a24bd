"""Cross-origin policies of django-cors-headers (https://pypi.org/project/django-cors-headers/).

Its middleware lets in what the settings list; without it the settings do nothing. Older releases
call them CORS_ORIGIN_….
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.frameworks.cookie_settings import serving_variant
from auditor.frameworks.django.settings import DjangoProject, Variant, place_in
from auditor.link.application import Application, provides
from auditor.model.values import Known, Value, possible
from auditor.model.web import CorsPolicy

_MIDDLEWARE = "corsheaders.middleware.CorsMiddleware"
_ALL = ("CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL")
_LISTED = ("CORS_ALLOWED_ORIGINS", "CORS_ORIGIN_WHITELIST")
_PATTERNS = ("CORS_ALLOWED_ORIGIN_REGEXES", "CORS_ORIGIN_REGEX_WHITELIST")
_CREDENTIALS = "CORS_ALLOW_CREDENTIALS"


@provides(CorsPolicy)
def django_policies(application: Application) -> Iterator[CorsPolicy]:
    for project in application.facts(DjangoProject):
        main = serving_variant(project)
        if _MIDDLEWARE not in main.texts("MIDDLEWARE"):
            continue
        at = place_in(main, "MIDDLEWARE")
        credentials = main.get(_CREDENTIALS) or Known(False, at)
        every = _first(main, _ALL)
        if every is not None and any(_is_true(known.value) for known in possible(main.get(every))):
            place = place_in(main, every)
            yield CorsPolicy(place, project.name, Known("*", place), None, credentials)
            continue
        listed, patterns = _first(main, _LISTED), _first(main, _PATTERNS)
        place = place_in(main, listed or patterns or every or "MIDDLEWARE")
        origins = main.get(listed) if listed else None
        if origins is None and every is not None and not any(True for _ in possible(main.get(every))):  # fmt: skip
            origins = main.get(every)
        pattern = _pattern(main.get(patterns)) if patterns else None
        yield CorsPolicy(place, project.name, origins or Known([], place), pattern, credentials)


def _first(variant: Variant, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if variant.get(name) is not None), None)


def _is_true(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.lower() in ("true", "1", "yes"))


def _pattern(patterns: Value | None) -> Value | None:
    for known in possible(patterns):
        if isinstance(known.value, list):
            for each in known.value:
                if isinstance(each, str):
                    return Known(each, known.place)
    return None
