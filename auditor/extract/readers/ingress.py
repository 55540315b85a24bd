"""Kubernetes Ingresses: what they limit, how large a body they let pass, whether they insist on HTTPS.

https://kubernetes.io/docs/concepts/services-networking/ingress/ and
https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/: with `tls`, ingress-nginx sends
plain HTTP on to HTTPS unless it is told not to; `proxy-body-size` is 1 MB unless told, `limit-rps` and `limit-rpm`
count by the caller's address. Charts write them in a template or under `ingress` in their values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.markup import Document, at, items, read_yaml, text_at
from auditor.extract.readers.kubernetes import FILLED, rendered
from auditor.extract.source import Source, Unreadable, extracts

_NGINX = re.compile(r"(?:^|\.)ingress\.kubernetes\.io/([\w-]+)$")
"""`nginx.ingress.kubernetes.io/…`, and the first name of the same, which is still understood."""


class Ingress(Fact, frozen=True):
    """One Ingress. `limit` names the annotation that limits the rate; `body` is as it is written.

    `nginx` tells that ingress-nginx serves it; `body` is then 1m where nothing else is told.
    """

    paths: list[str]
    limit: str
    limit_line: int
    body: str
    nginx: bool
    https: bool
    line: int


@extracts(Kind.PLATFORM, name=r".+\.ya?ml")
def ingresses(source: Source) -> Iterator[Fact]:
    if "ngress" not in source.text:
        return
    text = rendered(source.text) if "{{" in source.text else source.text
    try:
        documents = read_yaml(text)
    except Unreadable:
        return
    for document in documents:
        data = document.data
        if text_at(data, "kind") == "Ingress":
            rules = at(data, "spec", "rules")
            paths = [
                text_at(path, "path")
                for rule in (rules if isinstance(rules, list) else ())
                for path in at(rule, "http", "paths") or ()
            ]
            told = text_at(data, "spec", "ingressClassName")
            annotations: tuple[str, ...] = ("metadata", "annotations")
            yield _ingress(document, annotations, paths, told, at(data, "spec", "tls"))
        elif source.name.lower().startswith("values") and not at(data, "kind"):
            yield from _values(document, data, (), 0)


def _values(document: Document, data: Any, path: tuple[str, ...], depth: int) -> Iterator[Fact]:
    """`ingress:` of a chart's values, of the chart itself or of one of its parts."""
    for key, value in items(data):
        if key == "ingress" and isinstance(value, dict):
            if value.get("enabled") is not False and (value.get("annotations") or value.get("tls")):
                told = text_at(value, "className") or text_at(value, "ingressClassName")
                where = (*path, key, "annotations")
                yield _ingress(document, where, [], told, value.get("tls"))
        elif isinstance(value, dict) and depth < 3:
            yield from _values(document, value, (*path, key), depth + 1)


def _ingress(
    document: Document, where: tuple[str, ...], paths: list[str], kind: str, tls: Any
) -> Ingress:
    notes = {str(key): str(value) for key, value in items(at(document.data, *where))}
    own = {match[1]: (key, notes[key]) for key in notes if (match := _NGINX.search(key))}
    kind = kind or notes.get("kubernetes.io/ingress.class", "")
    nginx = "nginx" in kind or any("nginx.ingress" in key for key in notes)
    limit, limit_line = "", 0
    for name in ("limit-rps", "limit-rpm"):
        if name in own and own[name][1] not in ("", "0"):
            limit, limit_line = name, document.line(*where, own[name][0])
            break
    body = own.get("proxy-body-size", ("", ""))[1]
    return Ingress(
        [path for path in paths if path and FILLED not in path],
        limit,
        limit_line,
        "" if FILLED in body else body or ("1m" if nginx else ""),
        nginx,
        _https(notes, own, tls, nginx),
        document.line(*where[:-1]) if len(where) > 2 else document.line("kind"),
    )


def _https(notes: dict[str, str], own: dict[str, tuple[str, str]], tls: Any, nginx: bool) -> bool:
    forced = own.get("force-ssl-redirect", ("", ""))[1] == "true"
    if nginx:
        return forced or (bool(tls) and own.get("ssl-redirect", ("", ""))[1] != "false")
    return forced or any(
        key.startswith("alb.ingress.kubernetes.io/ssl-redirect")
        or (key.endswith("/redirect-entry-point") and value == "https")
        for key, value in notes.items()
    )
