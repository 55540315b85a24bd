"""Web applications: routes, what guards them, what they take in, and the policies around them."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from auditor.model.places import Place
from auditor.model.values import Value

if TYPE_CHECKING:
    from auditor.link.scopes import Located


class Guarding(str, enum.Enum):
    """What protects a route, worst first."""

    DECORATIVE = "decorative"
    ABSENT = "absent"
    OPTIONAL = "optional"
    UNKNOWN = "unknown"
    EXEMPT = "exempt"
    ENFORCED = "enforced"


class Guard(msgspec.Struct, frozen=True):
    """Something that runs before a handler and may turn the caller away.

    `via` is how the route gets it: parameter, decorator, router, include, application,
    middleware, class or body. `place` is where it is defined, or used when it comes from outside.
    """

    name: str
    place: Place
    via: str
    state: Guarding
    reason: str


class Limiting(str, enum.Enum):
    """What a rate limit does for a route, worst first."""

    DECORATIVE = "decorative"
    ABSENT = "absent"
    WEAK = "weak"
    PRESENT = "present"


class Limit(msgspec.Struct, frozen=True):
    """A rate limit on a route; `via` as for guards and proxy, `rate` as written ("10/minute").

    `state` is never absent; `reason` says why it is not present. `memory` tells that it counts in
    the memory of one process.
    """

    name: str
    place: Place
    via: str
    rate: str = ""
    state: Limiting = Limiting.PRESENT
    reason: str = ""
    memory: bool = False


class Limited(msgspec.Struct, frozen=True):
    """A route with all that limits it, what stands in front of its application included."""

    route: Route
    limits: tuple[Limit, ...]

    @property
    def best(self) -> Limit | None:
        """The limit that does most; None where there is none."""
        states = list(Limiting)
        return max(self.limits, key=lambda limit: states.index(limit.state), default=None)

    @property
    def state(self) -> Limiting:
        return self.best.state if self.best else Limiting.ABSENT


class Limiter(msgspec.Struct, frozen=True):
    """A limiter object, and whether it limits what nothing else limits.

    `memory` tells that it counts in the memory of one process, `spoofable` how the caller can change
    what it is counted by, `off` why it never limits; both are empty where that is not so.
    """

    name: str
    place: Place
    default_limits: bool
    memory: bool = False
    spoofable: str = ""
    off: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a handler takes from the request.

    `source` is path, query, header, cookie, body, form, file or request (the raw request);
    `type` the annotation's canonical name, `model` the class of this tree that validates it.
    `constrained` tells whether a length, range, pattern, enumeration or narrow type bounds it.
    """

    name: str
    source: str
    type: str
    constrained: bool
    place: Place
    model: Located | None = field(default=None, compare=False, repr=False)


_CHECKING = {"login", "registration", "password recovery", "sign-in callback"}
"""What is public by nature and checks a credential as its work."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path that an application serves.

    `function` is the handler's definition for the modules that read code; rules do not.
    `dependencies` are the definitions that run before it, nearest first.
    """

    method: str
    path: str
    handler: str
    place: Place
    framework: str
    application: str
    guards: tuple[Guard, ...] = ()
    limits: tuple[Limit, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    public: str = ""
    """Why the route is public by nature (health check, login, …), empty where it is not."""
    function: Located | None = field(default=None, compare=False, repr=False)
    dependencies: tuple[Located, ...] = field(default=(), compare=False, repr=False)
    view: Located | None = field(default=None, compare=False, repr=False)
    """The class that it is a method of, as it was routed."""
    pattern: str = ""
    """The path as the framework writes it, where it reads otherwise: a regular expression."""

    @property
    def written(self) -> str:
        """The path in the framework's own notation."""
        return self.pattern or self.path

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def writes(self) -> bool:
        return self.method in {"POST", "PUT", "PATCH", "DELETE"}

    @property
    def authentication(self) -> Guarding:
        """The best that its guards do; exempt where it is public and no guard stands before it.

        What a public handler checks itself (a login its password) is its work, not its guard.
        """
        checks_itself = self.public in _CHECKING
        states = {g.state for g in self.guards if not (checks_itself and g.via == "body")}
        if Guarding.ENFORCED in states:
            return Guarding.ENFORCED
        if self.public or Guarding.EXEMPT in states:
            return Guarding.EXEMPT
        for state in (Guarding.UNKNOWN, Guarding.OPTIONAL, Guarding.DECORATIVE):
            if state in states:
                return state
        return Guarding.ABSENT


@dataclass(frozen=True, slots=True)
class WebApp:
    """An application object: `name` is its directory ("backend"), `entry` "server:app"-like."""

    name: str
    framework: str
    place: Place
    entry: str
    source: Located | None = field(default=None, compare=False, repr=False)


class CorsPolicy(msgspec.Struct, frozen=True):
    """Which other origins may call the application; values may come from settings."""

    place: Place
    application: str
    origins: Value
    origin_regex: Value | None
    credentials: Value
    reflected: bool = False
    """Whether the request's own Origin is sent back, whatever it is."""


ON_PURPOSE = "says itself that it is for everybody"
OF_THE_PRIVATE = "asks who is calling only for what is not marked as public"
"""Why a guard is optional that lets everybody have what its owner has published."""


class UnusedGuard(msgspec.Struct, frozen=True):
    """A function written to guard routes that no route uses."""

    name: str
    place: Place
    reason: str


class HealthCheck(msgspec.Struct, frozen=True):
    """A health route: what it checks, and whether a failure shows in the status code.

    `checks` names the things it really asks; `broken` says why a check cannot work.
    """

    route: Route
    checks: tuple[str, ...]
    reports_failure: bool
    claims: str
    broken: str = ""
    broken_place: Place | None = None
    needs: tuple[str, ...] = ()
    """What its application depends on: the database, the vector store, the queue."""


class Exposure(msgspec.Struct, frozen=True):
    """A response that carries internals: `what` is the exception's text, a traceback, …"""

    place: Place
    what: str
    status: int


class ErrorHandler(msgspec.Struct, frozen=True):
    """A handler for exceptions that nothing else caught."""

    place: Place
    application: str


class Sink(str, enum.Enum):
    """Where a value of the caller's is interpreted instead of kept."""

    SQL = "sql"
    SHELL = "shell"
    CODE = "code"
    DESERIALISATION = "deserialisation"
    TEMPLATE = "template"
    OPERATOR = "operator"
    WHERE = "where"
    XPATH = "xpath"
    LDAP = "ldap"
    XML = "xml"
    PATH = "path"
    EXISTENCE = "existence"
    URL = "url"
    REDIRECT = "redirect"
    MARKUP = "markup"
    FIELDS = "fields"
    REGEX = "regex"

    @property
    def cwe(self) -> int:
        return _CONSEQUENCES[self][0]

    @property
    def consequence(self) -> str:
        return _CONSEQUENCES[self][1]


_CONSEQUENCES = {
    Sink.SQL: (89, "the caller writes part of the SQL"),
    Sink.SHELL: (78, "the caller writes part of the command"),
    Sink.CODE: (94, "the caller's text runs as code"),
    Sink.DESERIALISATION: (502, "loading it can run code of the caller's"),
    Sink.TEMPLATE: (1336, "the caller's text runs as a template"),
    Sink.OPERATOR: (943, "an operator such as $ne matches every document"),
    Sink.WHERE: (943, "the caller's text runs as code in the database"),
    Sink.XPATH: (643, "the caller writes part of the XPath query"),
    Sink.LDAP: (90, "the caller writes part of the LDAP filter"),
    Sink.XML: (
        611,
        "entities that the document declares are followed, to files and inner addresses",
    ),
    Sink.PATH: (22, "`../` leads to files outside of the directory"),
    Sink.EXISTENCE: (
        22,
        "`../` lets the caller ask which files there are outside of the directory",
    ),
    Sink.URL: (918, "the caller chooses which host the server asks"),
    Sink.REDIRECT: (601, "a link to this site can lead to any other"),
    Sink.MARKUP: (79, "the caller's markup becomes part of the page"),
    Sink.FIELDS: (915, "the caller chooses which fields are set"),
    Sink.REGEX: (1333, "a pattern of the caller's can match anything, or take very long"),
}


class Intake(msgspec.Struct, frozen=True):
    """Input of a route that is not validated; `kind` is untyped, raw, unbounded or injection.

    An injection names the `sink` that it reaches; its place is there. `source` is the part of the
    request it came from, as of `Parameter.source`.
    """

    route: Route
    place: Place
    kind: str
    message: str
    sink: Sink | None = None
    source: str = ""


class Upload(msgspec.Struct, frozen=True):
    """A route that takes files, and what it checks of them."""

    route: Route
    place: Place
    limits_size: bool
    checks_type: bool
    trusts_name: Place | None


class UnreadFramework(msgspec.Struct, frozen=True):
    """A web framework that the tree uses and whose application cannot be told, and why not."""

    name: str
    place: Place
    why: str = "which is not read yet"
