"""Credentials that a build writes into what browsers get, whatever their values are.

A bundler puts the value of `process.env.NEXT_PUBLIC_X` where it is read. Where the name is that of a
credential, no store of secrets that the value comes from keeps it one.
https://nextjs.org/docs/app/guides/environment-variables, https://vite.dev/guide/env-and-mode,
https://create-react-app.dev/docs/adding-custom-environment-variables.
"""

from __future__ import annotations

from collections.abc import Iterator

from auditor.discover.kinds import Kind
from auditor.engines import Words, engine
from auditor.extract.facts import Fact
from auditor.extract.secrets.names import PREFIXES, names_a_credential


class ShippedCredential(Fact, frozen=True):
    """A place that gives such a setting (`use` is "set") or reads it.

    Of what reads it `use` is "read", "compared" or "sent"; `server` tells that its file does not run
    in a browser.
    """

    name: str
    use: str
    server: bool
    line: int


_NAME = rf"(?:{PREFIXES})_[A-Z][A-Z0-9_]{{2,80}}"
_GIVEN = rf"(?m)(?:^|[\s\-\"'{{,]|--build-arg[ =])({_NAME})[\"']?(?:\s{{0,20}}[:=]|\s{{0,20}}$)"
_READ = rf"(process\??\.env|import\.meta\.env)[!)]{{0,2}}(?:\??\.|\[[\"'`])({_NAME})\b"
_OF_VITE = ("VITE_", "PUBLIC_")
"""What is read from `import.meta.env` alone; a server's `process.env` may hold it, too."""
_SERVER = Words(
    r"[\"']use server[\"']|[\"']server-only[\"']|[\"'](?:express|fastify|koa|hono|@nestjs/common|(?:node:)?fs|next/server)[\"']"
    r"|NextApiRequest|defineConfig|Deno\.serve"
)
_LOGIN = Words(
    r"(?i)(?:pass(?:word|wd)?|pwd|secret|authorization|x-[\w-]*(?:api|admin|auth|key|token|secret)[\w-]*)[\"'`]?\s*:\s*[^,;]*$"
    r"|(?:Basic|Bearer)\s[^,;]*$|\.set\([^,;]*,[^,;]*$"
)
_COMMENTS = (b"//", b"*", b"/*", b"#", b"<!--", b"{/*")


def shipped(text: bytes, kind: Kind) -> Iterator[ShippedCredential]:
    if kind is Kind.JAVASCRIPT:
        yield from _reads(text)
    elif kind in (Kind.WORKFLOW, Kind.COMPOSE, Kind.DOCKERFILE, Kind.PLATFORM):
        for match in engine(_GIVEN).finditer(text):
            name = match[1].decode()
            if names_a_credential(name) and not _line_before(text, match.start(1)).startswith(b"#"):
                yield ShippedCredential(
                    name, "set", False, text.count(b"\n", 0, match.start(1)) + 1
                )


def _reads(text: bytes) -> Iterator[ShippedCredential]:
    server: bool | None = None
    for match in engine(_READ).finditer(text):
        name = match[2].decode()
        before = _line_before(text, match.start())
        if not names_a_credential(name) or before.startswith(_COMMENTS):
            continue
        end = match.end() + (text[match.end() : match.end() + 2] in (b'"]', b"']", b"`]")) * 2
        if _begins(_ASSIGNED, text, end):
            continue
        if server is None:
            server = _SERVER.search(text.decode("utf-8", "replace"))
        elsewhere = server or (name.startswith(_OF_VITE) and match[1].startswith(b"process"))
        line = text.count(b"\n", 0, match.start()) + 1
        yield ShippedCredential(name, _use(text, before, end), elsewhere, line)


_ASSIGNED = r"\s{0,4}=(?:[^=>]|$)"
_COMPARED = r"[!)\s]{0,6}[!=]==?"
_COMPARES = Words(r"[!=]==?[\s(]*$")
_KEPT = Words(r"^\s*(?:export\s+)?(?:const|let|var)\s+\w+(?:\s*:\s*[\w<>| ]+)?\s*=\s*\(*$")


def _use(text: bytes, before: bytes, end: int) -> str:
    """What becomes of what is read, by the line, or by those that name what it is kept in."""
    line = before.decode("utf-8", "replace")
    if _COMPARES.search(line) or _begins(_COMPARED, text, end):
        return "compared"
    if _LOGIN.search(line):
        return "sent"
    if _KEPT.search(line):
        name = line.replace("export ", "").split("=")[0].split(":")[0].split()[1]
        for other in engine(rf"(?m)^(.{{0,300}})\b{name}\b(?:{_COMPARED})").finditer(text):
            if not other[1].lstrip().startswith(_COMMENTS):
                return "compared"
        for other in engine(rf"(?m)^(.{{0,300}}\W){name}\b").finditer(text):
            said = other[1].decode("utf-8", "replace")
            if _COMPARES.search(said):
                return "compared"
            if _LOGIN.search(said):
                return "sent"
    return "read"


def _begins(expression: str, text: bytes, at: int) -> bool:
    return engine(rf"^(?:{expression})").search(text[at : at + 40]) is not None


def _line_before(text: bytes, start: int) -> bytes:
    """What stands before a place on its line, as far as one looks."""
    return text[max(text.rfind(b"\n", 0, start) + 1, start - 300) : start].lstrip()
