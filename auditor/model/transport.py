"""What protects requests on their way: TLS, hosts, the headers of responses; calls to other servers."""

from __future__ import annotations

import msgspec

from auditor.model.places import Place
from auditor.model.values import Value


class ResponseHeader(msgspec.Struct, frozen=True):
    """A header that every response of an application carries.

    `name` is in lower case; `application` as in `WebApp.name`, empty for all that stand behind a
    proxy; `via` names what sends it; `void` says why it is never sent or does nothing.
    """

    application: str
    name: str
    via: str
    place: Place
    void: str = ""


class HostPolicy(msgspec.Struct, frozen=True):
    """Which `Host` headers an application answers."""

    application: str
    via: str
    hosts: Value
    place: Place


class HttpsRedirect(msgspec.Struct, frozen=True):
    """Plain HTTP is sent on to HTTPS; `application` is empty where a proxy does it."""

    application: str
    via: str
    place: Place


class TlsEnd(msgspec.Struct, frozen=True):
    """Something of the tree that ends TLS itself."""

    what: str
    place: Place


class Unverified(msgspec.Struct, frozen=True):
    """A connection to another server whose certificate is not checked.

    `default` tells that a setting decides, and is off by default; `local` that it stays on the host;
    `name` that the certificate is checked, though not whose it is.
    """

    what: str
    place: Place
    default: bool = False
    local: bool = False
    name: bool = False
