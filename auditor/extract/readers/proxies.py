"""Reverse proxies: nginx's and Caddy's configuration, statement by statement.

https://nginx.org/en/docs/beginners_guide.html#conf_structure and https://caddyserver.com/docs/caddyfile/concepts:
both are statements in nested blocks; nginx ends one with a semicolon, Caddy with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.source import Source, extracts

_TOKEN = re.compile(
    r"[^\S\n]*(?:#[^\n]*)?"
    r"(\n|;|\{\{|\{%|(?:\$?\{\$?[\w.\-]+(?::[^{}\s]*)?\}|[^\s;{}\"'#])+|\{|\}|\"[^\"\n]*\"|'[^'\n]*')?"
)
"""`{$DOMAIN:localhost}` and `{remote_host}` of Caddy, `${NAME}` of nginx are parts of words."""
_MAX_STATEMENTS = 5_000
_MAX_DEPTH = 12


class ProxyStatement(Fact, frozen=True):
    """`words` of one statement; `blocks` are the (header, line) pairs around it, outermost first."""

    server: str
    blocks: list[tuple[str, int]]
    words: list[str]
    line: int


@extracts(
    Kind.PROXY,
    name=r".*\.conf(?:\..+)?|.*nginx.*|default\.conf.*|.*\.template|.*\.j2|(?!caddy)[\w-]+",
)
def nginx(source: Source) -> Iterator[Fact]:
    yield from _statements("nginx", source.text, by_line=False)


_NGINX = re.compile(
    r"(?m)^\s*(?:proxy_pass|uwsgi_pass|proxy_set_header|limit_req(?:_zone)?|client_max_body_size|ssl_certificate|add_header)\s"
)


@extracts(Kind.TEXT, name=r".+\.conf(?:\.(?:template|j2|jinja2?))?")
def nginx_parts(source: Source) -> Iterator[Fact]:
    """What nginx includes may have any name: its statements tell what it is."""
    if _NGINX.search(source.text[:100_000]):
        yield from _statements("nginx", source.text, by_line=False)


@extracts(Kind.PROXY, name=r"caddyfile.*|.*\.caddy(?:file)?")
def caddy(source: Source) -> Iterator[Fact]:
    yield from _one_site(_statements("caddy", source.text, by_line=True))


def _one_site(statements: Iterator[ProxyStatement]) -> Iterator[ProxyStatement]:
    """A file of one site may leave its braces out: its first line is the address, the rest is inside."""
    site: tuple[str, int] | None = None
    for each in statements:
        alone = not each.blocks or not each.blocks[0][0].strip()
        if site is None and not each.blocks and each.words[0] != "import":
            site = (" ".join(each.words), each.line)
        elif site is not None and not (alone and each.blocks):
            yield ProxyStatement(each.server, [site, *each.blocks], each.words, each.line)
        else:
            yield each


def _statements(server: str, text: str, by_line: bool) -> Iterator[ProxyStatement]:
    """A template's own tags are passed over; what they would fill in stays unknown."""
    blocks: list[tuple[str, int]] = []
    words: list[str] = []
    line, position, start, found = 1, 0, 1, 0
    while position < len(text) and found < _MAX_STATEMENTS:
        match = _TOKEN.match(text, position)
        if match is None or match.end() == position:
            break
        token = match[1] or ""
        position = match.end()
        if token in ("{{", "{%"):
            end = text.find("}}" if token == "{{" else "%}", position)
            if end < 0:
                break
            line += text.count("\n", position, end)
            position = end + 2
            if token == "{{":
                words.append("{{}}")
            continue
        goes_on = bool(words) and words[-1].endswith(",") and not blocks  # a list of addresses
        ends = token in (";", "}") or (token == "\n" and by_line and not goes_on)
        if token == "{":
            if len(blocks) < _MAX_DEPTH:
                blocks.append((" ".join(words), start if words else line))
            words = []
        elif ends:
            if words:
                found += 1
                yield ProxyStatement(server, list(blocks), words, start)
            words = []
            if token == "}" and blocks:
                blocks.pop()
        elif token and token != "\n":
            if not words:
                start = line
            words.append(token.strip("\"'"))
        if token == "\n":
            line += 1
