"""What protects requests on their way: TLS, hosts, the headers of responses; calls to other servers."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.model.places import Place
from auditor.model.values import Value


@dataclass(frozen=True, slots=True)
class ResponseHeader:
    """A header that every response of an application carries.

    `name` is in lower case; `application` as in `WebApp.name`, empty for all that stand behind a
    proxy; `via` names what sends it; `void` says why it is never sent or does nothing.
    """

    application: str
    name: str
    via: str
    place: Place
    void: str = ""


@dataclass(frozen=True, slots=True)
class HostPolicy:
    """Which `Host` headers an application answers."""

    application: str
    via: str
    hosts: Value
    place: Place


@dataclass(frozen=True, slots=True)
class HttpsRedirect:
    """Plain HTTP is sent on to HTTPS; `application` is empty where a proxy does it."""

    application: str
    via: str
    place: Place


@dataclass(frozen=True, slots=True)
class TlsEnd:
    """Something of the tree that ends TLS itself."""

    what: str
    place: Place


@dataclass(frozen=True, slots=True)
class Unverified:
    """A connection to another server whose certificate is not checked.

    `default` tells that a setting decides, and is off by default; `local` that it stays on the host;
    `name` that the certificate is checked, though not whose it is.
    """

    what: str
    place: Place
    default: bool = False
    local: bool = False
    name: bool = False
