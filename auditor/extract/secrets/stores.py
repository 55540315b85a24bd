"""Files that programs keep logins in: what stands at a password's place there is one.

Each has a layout of its own, told by its name: pgpass (https://www.postgresql.org/docs/current/libpq-pgpass.html),
netrc (https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html), git's store
(https://git-scm.com/docs/git-credential-store), npmrc (https://docs.npmjs.com/cli/configuring-npm/npmrc),
htpasswd (https://httpd.apache.org/docs/current/misc/password_encryptions.html), shadow(5), Rails'
`config/master.key` (https://guides.rubyonrails.org/security.html#custom-credentials), FileZilla's sites, Keycloak's
realms (https://www.keycloak.org/server/importExport).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from auditor.engines import Words, engine

_HASH = r"\$(?:apr1|1|2[abxy]|5|6|7|y)\$[^\s:]{10,200}"


class Store(msgspec.Struct, frozen=True):
    """A kind of file by its `names`; the group `v` of `regex` is the secret, which `title` tells."""

    names: str
    title: str
    regex: str
    confidence: str = "medium"


_STORES = (
    Store(r"\.?pgpass(?:\.conf)?", "password in a pgpass file", r"(?m)^[^#\s:]+:[^:\n]*:[^:\n]*:[^:\n]*:(?P<v>[^\s:]{3,})$"),
    Store(r"[._]netrc|\.?authinfo", "password in a netrc file", r"\bpassword\s+(?P<v>[^\s\"']{3,})"),
    Store(r"\.git-credentials", "password that git keeps", r"(?m)^https?://[^\s:/]+:(?P<v>\S{3,})@[\w.\-:]+/?$"),
    Store(r"\.(?:npmrc|yarnrc)", "login of a package registry", r"(?m)(?:^|:)_(?:auth|password)\s*=\s*[\"']?(?P<v>[^\s\"']{6,})"),
    Store(r"\.(?:esmtprc|msmtprc|fetchmailrc|muttrc|mailrc)", "password of a mail account",
          r"(?m)^\s*(?:set\s+)?(?:imap_|smtp_)?pass(?:word)?[\s=]+[\"']?(?P<v>[^\s\"'#]{3,})"),
    Store(r"(?i:filezilla|sitemanager|recentservers)\.xml", "password that FileZilla keeps",
          r"<Pass(?: encoding=\"base64\")?>(?P<v>[^<\s]{3,})</Pass>"),
    Store(r"[\w\-.]*realm[\w\-.]*\.json", "secret of a realm of Keycloak", r"\"secret\"\s{0,4}:\s{0,4}\"(?P<v>[^\"*$\s]{3,})\"", "low"),
    Store(r"[\w\-.]*realm[\w\-.]*\.json", "password of a user of Keycloak",
          r"\"type\"\s{0,4}:\s{0,4}\"password\"\s{0,4},(?:\s{0,40}\"(?:temporary|userLabel)\"[^,}]{0,60},)?\s{0,40}\"value\"\s{0,4}:\s{0,4}\"(?P<v>[^\"*$]{3,})\"", "low"),
    Store(r"master\.key", "Rails' master key", r"^(?P<v>[0-9a-f]{32})\s*$", "high"),
    Store(r"\.?htpasswd", "password hash", rf"(?m)^[^#\s:]+:(?P<v>{_HASH}|\{{SHA\}}\S{{20,}})"),
    Store(r"g?shadow-?|\w*passwd", "password hash", rf"(?m)^[\w.\-]+:(?P<v>{_HASH}):"),
)  # fmt: skip
_ANY = Words("|".join(f"(?:{store.names})" for store in _STORES))


def stored(text: bytes, name: str) -> Iterator[tuple[int, int, Store]]:
    """Where a file's layout has secrets, by its base name."""
    if not _ANY.fullmatch(name):
        return
    for store in _STORES:
        if Words(store.names).fullmatch(name):
            for match in engine(store.regex).finditer(text):
                yield *match.span(1), store
