"""Which values are secrets: by the name, the value's shape, what stands around, and the kind of file."""

from __future__ import annotations

import re

from auditor.discover.kinds import Role
from auditor.engines import Words
from auditor.extract.secrets import values
from auditor.extract.secrets.assignments import Assignment
from auditor.extract.secrets.names import Meaning, is_own, meaning_of, words_of
from auditor.extract.secrets.places import Place
from auditor.extract.secrets.structure import decode, is_common, jwt

Judged = tuple[str, str, str]
"""Kind, title, confidence."""


def judge(found: Assignment, text: bytes, place: Place) -> Judged | None:
    """Whether an assignment gives away a secret."""
    value, name = found.value.strip(), found.name
    sense = meaning_of(name)
    if sense is Meaning.PERHAPS and name in ("pass", "pw") and _is_in_a_login(found, text, value):
        sense = Meaning.PASSWORD
    if sense is Meaning.PASSWORD and (joined := _LOGINS.search(name)):
        value = value.partition("/" if joined[1] else ":")[2]
        if not value:
            return None
    if place.code and value.lower() == name.lower() and b"Enum)" in text:
        return None  # a kind of secret, among others
    if sense is None or (place.words and not values.looks_random(value)):
        return None
    if not _may_be_bare(found, place, value) or (
        len(value) < (2 if sense is Meaning.SIGNING and place.code else 3) and not is_common(value)
    ):
        return None
    known = sense is Meaning.PASSWORD and is_common(value)
    written = value[0] == "!" and (found.quoted or found.join != ":")
    if place.yaml and not place.composes and _CONSTANT.fullmatch(value) and meaning_of(value):
        return None  # `existingSecretKey: S3_SECRET_KEY`
    if values.is_reference(value) and not (written and (known or place.lines)):
        return None  # `!ChangeMe!` is a tag of YAML where it is not quoted
    if not (value.isascii() or values.looks_random(value)):
        return None
    typed = sense is Meaning.PASSWORD or (sense is Meaning.SECRET and place.composes)
    digits = value.isdigit() and (typed or is_common(value))
    if values.is_identifier(value) and not digits:
        return None
    if (
        place.shell
        and _lives_for_a_command(text, found.name_start)
        and not values.looks_random(value)
    ):
        return None
    if place.shell and _FOR_BUILDS.search(value):
        return None
    if b"arn:aws" in text[max(0, found.name_start - 80) : found.name_start]:
        return None
    if place.yaml and name.lower() == "secret" and _RESOURCE.fullmatch(value):
        if not _names_what_signs(found, text):
            return None
    if (found.quoted and _BETWEEN.fullmatch(value)) or _FILE.fullmatch(value):
        return None
    if value.startswith("eyJ") and value.count(".") == 2 and not jwt(value, ""):
        return None  # a key for browsers, or nothing that anybody has signed
    if sense is Meaning.PASSWORD and _makes_a_login(found, place, text):
        if not values.is_mixed(value) or values.is_placeholder(value) or is_common(value):
            return "default-password", "password of an account that it makes", "low"
        return "password", "password", "medium"
    signs = _holds_up(name, sense) and _is_written_in_code(found, place, text)
    if sense is not Meaning.SIGNING:
        signs = signs and _is_fallback(found)
    if (
        place.composes
        and values.is_repetitive(value)
        and (value.isalnum() or _ends_in_a_row(found, value))
        and "xxx" not in value.lower()
    ):
        known = True  # what a service is started with works, if nobody would choose it
    elif sense is Meaning.PASSWORD:
        known = known or values.is_number(value) or _is_the_service_s(found, place, value)
        known = known or _is_a_class_s_default(found, place)
    works = sense is Meaning.SIGNING and (place.composes or place.lines or place.spring)
    works = works or _is_for_developers(found, place, value)
    known = known or (works and not values.is_placeholder(value))
    if not _is_fallback(found) and not known and not works and _names_itself(value, name):
        own = name.rpartition(".")[2].lower().replace("_", "")
        if not signs or (value.lower() != "secret" and re.sub(r"[\W_]", "", value).lower() in own):
            return None
    if _shows_an_example(text, found.name_start) or _in_template(text, found.name_start):
        return None
    random = values.looks_random(value) and not values.is_text(value)
    if place.role in (Role.TEST, Role.EXAMPLE) and not (random and place.lines):
        lasting = place.role is Role.TEST and sense is Meaning.SIGNING and place.code
        return _key_of_tests(found, value) if lasting and random else None
    if signs and (not random or len(value) < 12):
        return _written_in_code(found, place, value)
    if not known and values.is_placeholder(value):
        return _is_started_with(found, sense, place, value, text)
    inner = decode(value) if len(value) >= 8 and len(value) % 4 == 0 else None
    if inner is not None and inner.isascii() and inner.decode().isprintable():
        hidden = inner.decode().strip()
        a_word = place.makes_secrets and sense is Meaning.PASSWORD and _ONE_WORD.fullmatch(hidden)
        given = sense in (Meaning.SECRET, Meaning.PERHAPS) and values.is_placeholder(hidden)
        if (is_common(hidden) and not given) or (a_word and not values.is_placeholder(hidden)):
            itself = not is_common(hidden) and _names_itself(hidden, name)
            works = not itself or _makes_an_account(found, place, text)
            told = "default-password", "default password, base64-encoded", "low"
            return told if works else None
        if values.is_placeholder(hidden) or values.is_reference(hidden):
            return _is_started_with(found, sense, place, hidden, text)
        random = random or values.is_mixed(hidden)
    if sense is Meaning.PASSWORD:
        return _password(found, place, value, random, text)
    if sense is Meaning.PERHAPS:
        return _perhaps(found, place, value, random)
    return _secret(found, sense, place, value, random, text)


_LOGINS = re.compile(r"(?i)(?:basic_?|(neo4j_?))auth$")
"""`user:password`, and Neo4j's `user/password`:
https://neo4j.com/docs/operations-manual/current/docker/introduction/."""


def _holds_up(name: str, sense: Meaning) -> bool:
    """Whether the application itself asks for a secret: it signs with it, or lets in whoever shows it."""
    if sense is Meaning.SIGNING:
        return True
    return sense is not Meaning.PASSWORD and _LETS_IN.fullmatch(name.rpartition(".")[2])


_LETS_IN = Words(
    r"(?:[A-Z0-9]+_)?(?:ADMIN|CRON|INTERNAL|SCHEDULER|MAINTENANCE|SYNC|WORKER|SETUP|BOOTSTRAP)_(?:API_)?(?:SECRET(?:_KEY)?|TOKEN|KEY)"
)


def _key_of_tests(found: Assignment, value: str) -> Judged | None:
    """A key that somebody had made for the settings of tests, where it is no word that says so."""
    made = found.quoted and found.name.isupper() and len(value) >= 40 and value.isalnum()
    return (
        ("secret-assignment", "secret", "low") if made and not values.is_for_tests(value) else None
    )


def _ends_in_a_row(found: Assignment, value: str) -> bool:
    """`shop-flag-secret-0123456789`, for what is called a secret."""
    return "secret" in found.name.lower() and value.translate(_WITHOUT_JOINS).isalnum()


_WITHOUT_JOINS = str.maketrans("", "", "-_.")


def _lives_for_a_command(text: bytes, start: int) -> bool:
    """`RUN SECRET_KEY=build python manage.py collectstatic`: set for one command of an image's build."""
    line = text[text.rfind(b"\n", 0, start) + 1 : start].strip()
    return line.startswith(b"RUN") and line.endswith((b"RUN", b"&&", b";"))


_FOR_BUILDS = Words(
    r"(?i)^(?:dummy|build)(?:[\-_. ]|$)|[\-_. ](?:dummy|build|for-build)$|build[\-_]?(?:time|only)"
)
"""`ENV SECRET_KEY=dummy-for-build`: what only an image's build needs."""


def _makes_a_login(found: Assignment, place: Place, text: bytes) -> bool:
    """`CREATE USER shop WITH PASSWORD 'shop'` in what sets up a database: that very text lets in."""
    if not found.quoted or place.role is not Role.SOURCE or not (place.sql or place.shell):
        return False
    begins = text.rfind(b";", 0, found.name_start)
    return bool(
        _MAKES_A_LOGIN.search(text[max(begins, found.name_start - 300, 0) : found.name_start])
    )


_MAKES_A_LOGIN = re.compile(rb"(?i)\b(?:create|alter)\s+(?:user|role|login)\b")


def _is_for_developers(found: Assignment, place: Place, value: str) -> bool:
    """`VAULT_TOKEN=dev-root-token`, `INTERNAL_KEY: str = "dev-internal-key"`: what an application and its own
    services take from each other where nothing else is set."""
    if place.role is not Role.SOURCE or not _WORDS.fullmatch(value):
        return False
    if not (place.lines or (place.code and place.settings and found.quoted)):
        return False
    return (_is_between_services(found) or is_own(found.name)) and _FOR_DEVELOPERS.search(value)


def _is_between_services(found: Assignment) -> bool:
    return not _BETWEEN_SERVICES.isdisjoint(words_of(found.name))


_BETWEEN_SERVICES = {"internal", "service", "vault", "shared", "gateway", "inter", "s2s"}


def _is_the_service_s(found: Assignment, place: Place, value: str) -> bool:
    """`WORDPRESS_DB_PASSWORD=wordpress`, and in a compose file whatever a service is started with."""
    if place.composes and found.name.isupper() and not values.is_placeholder(value):
        return True
    set_here = (place.settings or place.shell) and found.name.isupper()
    if not place.composes and not place.lines and not set_here:
        return False
    own = words_of(found.name)
    if len(value) >= 5 and value.lower() in own and meaning_of(value) is None:
        return True
    named = value.isalpha() and value.islower() and len(value) > 8 and value in "".join(own)
    return place.lines and place.role is Role.SOURCE and named


def _is_a_class_s_default(found: Assignment, place: Place) -> bool:
    """`DB_PASSWORD: str = Field(default="shop_password")`: what connects where nothing else is set."""
    typed = found.quoted and found.name.isupper() and _TYPED.fullmatch(found.join)
    return bool(typed and place.code and place.settings and place.role is Role.SOURCE)


def _password(
    found: Assignment, place: Place, value: str, random: bool, text: bytes
) -> Judged | None:
    default = ("default-password", "default password", "low")
    if found.join.startswith("!"):
        return None
    if (
        _OF_GOOGLE.fullmatch(value)
        and _OF_MAIL.search(found.name)
        and values.looks_random(value.replace(" ", ""))
    ):
        return "password", "Google app password", "medium"
    exports = place.shell and found.join == "=" and (found.quoted or found.name.isupper())
    exports = exports or (place.settings and found.quoted and found.name.isupper())
    if is_common(value) or value.isdigit():
        kept = place.deploys or (found.quoted and place.settings) or _is_fallback(found) or exports
        kept = kept or _is_in_a_login(found, text, value)
        typed = place.code and found.quoted and found.join in ("=", ":") and len(value) >= 6
        return default if kept or (typed and any(map(str.isdigit, value))) else None
    instead = _is_given_instead(found, text)
    exports = exports or (place.settings and found.quoted and place.name.endswith(".json"))
    word = _ONE_WORD.fullmatch(value) or (place.composes and value.isalpha())
    if word and (len(value) > 3 or instead or place.composes):
        if place.deploys or exports or instead or _is_in_a_login(found, text, value):
            return default
    if len(value) < 6:
        return None
    if random and len(value) >= 12:
        hashed = bool(place.code and len(value) in (32, 40, 64) and _HEX.fullmatch(value))
        if hashed and _is_in_a_login(found, text, value):
            hashed = False  # as Heroku draws them
        return "password", "password", "low" if hashed else "medium"
    if found.join == ":-" and values.is_mixed(value):
        return "default-password", "default password", "low"
    if values.is_text(value) or _is_phrase(value):
        mild = place.lines and not value.startswith(("/", ".", "http")) and "(" not in value
        return ("password", "password", "low") if mild else None
    mixed = values.is_mixed(value) or _NUMBER_AND_SIGNS.fullmatch(value)
    if not mixed or (place.prose and not (found.quoted or found.name.isupper())):
        return None
    if place.role is Role.DOCUMENTATION and values.is_for_tests(value):
        return None
    if place.deploys or place.settings:
        return "password", "password", "medium"
    made_up = values.is_for_tests(value) or place.prose
    return ("password", "password", "low" if made_up else "medium")


_OF_GOOGLE = re.compile(r"[a-z]{16}|[a-z]{4}(?: [a-z]{4}){3}")
"""https://support.google.com/accounts/answer/185833."""
_OF_MAIL = re.compile(r"mail|smtp", re.I)
_BETWEEN = re.compile(r"[,;)\]}+].*[:=(,+\[{] *")
"""`"Password:", label: "…"`: what stands between two texts."""
_NUMBER_AND_SIGNS = re.compile(r"[0-9]+[!@#$%^&*+?]+")
_FILE = re.compile(r"[\w\-./]+\.(?:json|pem|key|crt|cer|p8|p12|pfx|jks)")
_RESOURCE = re.compile(r"[a-z]+(?:[\-.][a-z0-9]{1,12})+")
"""`secret: "shop-s3-config"`: what Kubernetes calls a secret."""
_HEX = re.compile(r"[0-9a-f]+")
"""In code, what a table of users holds rather than a password."""
_ONE_WORD = re.compile(
    r"(?!str(?:ing)?$|int$|text$|bool|object$|optional|required|yes$|no$|any$)[a-z][A-Za-z_\-]{2,40}"
)


def _is_in_a_login(found: Assignment, text: bytes, value: str) -> bool:
    """Whether a host and a user stand around a quoted password, so that any word is one."""
    if not found.quoted or found.join not in ("=", ":", "=>") or not value.islower():
        return False
    around = text[max(0, found.name_start - 300) : found.end + 200]
    named = value in words_of(found.name)
    return not named and bool(_HOST.search(around)) and bool(_USER.search(around))


_HOST = re.compile(
    rb"(?i)\b(?:host|hostname|server)[\"']?\s{0,4}(?:[:=]|=>)\s{0,4}[\"'][\w\-]*[.\w]"
)
_USER = re.compile(rb"(?i)\b(?:user|username|login)[\"']?\s{0,4}(?:[:=]|=>)\s{0,4}[\"']\w")


def _perhaps(found: Assignment, place: Place, value: str, random: bool) -> Judged | None:
    upper = found.name.isupper() or place.lines
    if place.deploys and values.is_uuid(value) and words_of(found.name)[-1] in ("token", "pat"):
        return _uuid(value, "low")
    if _is_the_service_s_default(found, place, value):
        return "default-password", "default secret", "low"
    least = 16 if place.settings or upper else 20 if found.name.lower() != "key" else 32
    if (
        not random
        or len(value) < least
        or values.has_uuid(value)
        or found.join.startswith(("!", ">"))
    ):
        return None
    names = re.search(r"[.:/](?!.*=$)", value) and not values.is_scrambled(value)
    if names and not values.looks_random(re.split(r"[.:/]", value)[-1]):
        return None
    return (
        "secret-assignment",
        "secret",
        "medium" if (upper and found.quoted) or place.settings else "low",
    )


def _is_the_service_s_default(found: Assignment, place: Place, value: str) -> bool:
    """`${SERVICE_TOKEN:-dev-service-token}`: what a service gets from its compose file."""
    if _is_for_developers(found, place, value):
        return True
    if not _WORDS.fullmatch(value):
        return False
    salts = found.name.isupper() and words_of(found.name)[-1] in ("salt", "pepper")
    for_developers = bool(_FOR_DEVELOPERS.search(value))
    if place.composes:
        return found.join == ":-" or salts or for_developers
    if place.shell and found.join == ":-":
        return for_developers
    return salts and found.quoted and _is_fallback(found)


_WORDS = re.compile(r"[a-z]+(?:[\-_][a-z0-9]+)+")


def _uuid(value: str, confidence: str) -> Judged | None:
    """A UUID is a secret where it is random (RFC 9562, version 4)."""
    random = value[14] == "4" and not values.is_repetitive(value.replace("-", ""))
    return ("secret-assignment", "secret", confidence) if random else None


def _secret(
    found: Assignment, sense: Meaning, place: Place, value: str, random: bool, text: bytes
) -> Judged | None:
    if values.is_uuid(value):
        return _uuid(value, "medium" if place.deploys else "low")
    if value.isdigit():
        return ("default-password", "default secret", "low") if place.composes else None
    if random and len(value) >= 12:
        return "secret-assignment", "secret", "medium"
    if " " in value:
        return None
    ours = sense is Meaning.SECRET or not found.name.isupper()
    if place.composes and ours and "secret" in found.name.lower():
        if _WORDS.fullmatch(value) or (value.isalpha() and value.islower() and len(value) > 4):
            return "default-password", "default secret", "low"
    if "secret" in found.name.lower() and is_common(value):
        signs = sense is Meaning.SIGNING
        kept = place.deploys or (place.settings and found.quoted and not signs)
        if kept and len(value) >= (8 if signs else 5):
            return "default-password", "default password", "low"  # `MINIO_SECRET_KEY=minioadmin`
    if sense is not Meaning.SIGNING and _is_the_service_s_default(found, place, value):
        return "default-password", "default secret", "low"
    if sense is Meaning.SIGNING and (
        place.lines
        or place.spring
        or (place.deploys and _OWN_NAME.search(found.name))
        or (place.yaml and len(value) < 8 and _names_what_signs(found, text))
    ):
        if _ANY_KEY.fullmatch(value) and "." not in value[-5:]:
            weak = "known default for a signing secret"
            return "secret-assignment", "secret" if values.is_mixed(value) else weak, "medium"
    if len(value) < 8:
        return None
    if sense is Meaning.SIGNING and place.yaml and values.is_text(value):
        unlike_a_name = "-" not in value or (found.quoted and _FOR_DEVELOPERS.search(value))
        if unlike_a_name and _names_what_signs(found, text):
            return "secret-assignment", "known default for a signing secret", "low"
    if sense is Meaning.SIGNING and (place.deploys or place.settings):
        if values.is_text(value) and not re.fullmatch(r"[\w\-]+", value):
            return None
        if values.is_mixed(value) or place.lines:
            title = "secret" if values.is_mixed(value) else "known default for a signing secret"
            return "secret-assignment", title, "medium"
    if values.is_text(value) or not values.is_mixed(value) or not any(c.isdigit() for c in value):
        return None
    if place.code and "secret" not in found.name.lower() and _NAMES_AN_ENTRY.fullmatch(value):
        return None
    if sense is Meaning.SIGNING and len(value) >= 12 and found.join in ("=", ":", ":="):
        return (
            "secret-assignment",
            "secret",
            "low" if place.prose or values.is_for_tests(value) else "medium",
        )
    if (place.deploys or place.settings) and len(value) >= 10 and not _is_phrase(value):
        return "secret-assignment", "secret", "low" if place.role is Role.TEST else "medium"
    return None


_ANY_KEY = re.compile(r"[\w\-.!@#%^&*+]{3,40}|[^\s/\\$<>][^\s/\\<>]{3,200}")


def _is_started_with(
    found: Assignment, sense: Meaning, place: Place, value: str, text: bytes
) -> Judged | None:
    """A placeholder for a signing secret in what configures the application, or for the password of
    an account that is made with it: it works as well."""
    if sense is Meaning.PASSWORD and place.role is Role.SOURCE:
        made = _makes_an_account(found, place, text) and not _NO_TEXT.search(value)
        made = made and bool(_A_WORD.fullmatch(value))
        return ("default-password", "default password", "low") if made else None
    if place.makes_secrets and place.role is Role.SOURCE and _is_between_services(found):
        told = _A_WORD.fullmatch(value) and not _NO_TEXT.search(value)
        return ("default-password", "default secret", "low") if told else None
    if sense is not Meaning.SIGNING or place.role is not Role.SOURCE or place.code:
        return None
    writes_lines = place.shell and b"<<" in text[: found.name_start]
    if not (place.deploys or place.settings or writes_lines) or _NO_TEXT.search(value):
        return None
    known = "secret-assignment", "known default for a signing secret", "low"
    if place.composes and found.name.isupper() and _SENTENCE.fullmatch(value):
        return known
    return known if _A_WORD.fullmatch(value) and _names_what_signs(found, text) else None


def _makes_an_account(found: Assignment, place: Place, text: bytes) -> bool:
    """Whether a service is started with a password, whatever it is, and makes an account with it."""
    words = set(words_of(found.name))
    if place.makes_secrets and words <= {"password", "root"}:  # of what the Secret is named after
        before = text[max(text.rfind(b"\n---", 0, found.name_start), 0) : found.name_start]
        words |= {
            word for name in _NAMED.findall(before) for word in words_of(name.decode("ascii"))
        }
    if place.composes or place.makes_secrets:
        return not _MAKES_ACCOUNTS.isdisjoint(words)
    return (
        place.lines and bool(OF_AN_IMAGE.fullmatch(found.name)) and _TO_CHANGE.search(found.value)
    )


_NAMED = re.compile(rb"(?m)^[ \t]{1,4}name:[ \t]*[\"']?([\w.\-]{1,80})")
OF_AN_IMAGE = re.compile(
    r"POSTGRES(?:QL)?_PASSWORD|(?:MYSQL|MARIADB)_(?:ROOT_)?PASSWORD|MONGO_INITDB_ROOT_PASSWORD|RABBITMQ_DEFAULT_PASS"
    r"|MINIO_ROOT_PASSWORD|REDIS_PASSWORD"
)
"""What the images of databases make an account with."""
_TO_CHANGE = Words(r"(?i)change|replace_?me")
_MAKES_ACCOUNTS = {
    "postgres", "postgresql", "mysql", "mariadb", "mongo", "mongodb", "initdb", "redis", "rabbitmq", "minio", "keycloak",
    "pgadmin", "db", "database", "root", "admin", "superuser", "grafana", "elastic", "clickhouse", "mssql", "neo4",
}  # fmt: skip
_SENTENCE = re.compile(r"[A-Za-z]+(?:[\-_ ][A-Za-z0-9]+){2,}[!.]*")
_A_WORD = re.compile(r"(?!(?:true|false|yes|no)$)[A-Za-z][\w\-.!@#%^&*+=]{2,100}")


def _names_what_signs(found: Assignment, text: bytes) -> bool:
    """Whether a name, or what stands around it, tells that the application signs with the value:
    what else is called a secret may be somebody else's, or the name of one."""
    if found.name.lower() in ("secret", "secrets"):
        before = text[max(0, found.name_start - 100) : found.name_start].lower()
        return b"jwt" in before or b"session" in before
    line = text.rfind(b"\n", 0, found.name_start)
    around = text[max(text.rfind(b"\n", 0, max(line, 0)), 0) : found.end][-300:].lower()
    return is_own(found.name) and b"accesskey" not in around.translate(None, b"_-")


_NAMES_AN_ENTRY = re.compile(r"[a-z]+(?:[\-_.:][a-z]+)*[\-_.:]v?\d{1,2}")
"""`SESSION_KEY = "shop-session-id-v1"`: where a browser or a cache keeps something."""
_OWN_NAME = re.compile(r"^[A-Z0-9_]*SECRET[A-Z0-9_]*$|[jJ][wW][tT]")


def _is_written_in_code(found: Assignment, place: Place, text: bytes) -> bool:
    """Whether the application signs with the very text that stands here."""
    if not found.quoted or place.role is not Role.SOURCE or not place.code:
        return False
    if _is_fallback(found):
        return _is_given_instead(found, text)
    if found.join not in _ASSIGNS and not _TYPED.fullmatch(found.join):
        return False
    name = found.name.lower()
    if place.name.endswith(".ipynb") and values.is_placeholder(found.value):
        return False
    if found.join in (":", "=>") and not _OWN_NAME.search(found.name):
        if _SHORT_WORD.fullmatch(found.value) or values.is_placeholder(found.value):
            return False
    if values.is_placeholder(found.value) and name.endswith("_secret") and not is_own(found.name):
        return False  # `FACEBOOK_APP_SECRET = "your-app-secret"`
    if name in ("secret", "secrets"):
        before = text[max(0, found.name_start - 100) : found.name_start].lower()
        return b"session(" in before or b"jwt" in before
    if name.startswith(("test", "mock", "fake", "dummy", "example")):
        return False
    return "secret" in name or bool(_OWN_KEY.search(name))


def _is_given_instead(found: Assignment, text: bytes) -> bool:
    """Whether a value is what a setting is where nothing sets it."""
    return _is_fallback(found) and (found.join != "," or _gets(text, found.name_start))


def _gets(text: bytes, start: int) -> bool:
    """Whether a name is the first argument of what gets a setting."""
    before = text[max(0, start - 60) : start].rstrip(b"\"'` \n\t")
    return _GETTER.search(before) is not None


_GETTER = re.compile(rb"(?i)(?:(?:^|[^a-z])(?:get|read)[a-z_]*|env|config|\.str|default|secret)\($")


_SHORT_WORD = re.compile(r"[a-z]{1,8}")
_ASSIGNS = ("=", ":", ":=", "=>")
_TYPED = re.compile(r":[^=]+=")
_OWN_KEY = re.compile(r"(?:signing|encryption|fernet|hmac)[_\-]?key$")
_PHRASE = re.compile(r"[\w\-]+(?:[ .!]+[\w\-]+)* *[.!]*")
_CONSTANT = re.compile(r"[A-Z]+\d{0,2}(?:_[A-Z]*\d{0,3})+|\w+(?:\.\w+)+")
_NO_TEXT = Words(
    r"(?i)\.\.\.|<|>|\*\*|xxx|^[^a-z0-9]*$|^(?:todo|none|null|undefined|auto-?generated.*|str(?:ing)?|int(?:eger)?|bool(?:ean)?|text|password|object)$"
)
_FOR_DEVELOPERS = Words(r"(?i)(?:^|[._\-])(?:dev|development|local|tests?|testing|ci)(?:[._\-]|$)")


def _written_in_code(found: Assignment, place: Place, value: str) -> Judged | None:
    if _NO_TEXT.search(value) or len(value) > 100:
        return None
    if values.is_text(value) and not _PHRASE.fullmatch(value):
        return None
    if value.lower().startswith(("mock", "dummy")):
        return None
    if found.join == ":" and " " in value and value[0].isupper():
        return None  # `{"SECRET_KEY": "Application secret key"}` tells what it is
    if _CONSTANT.fullmatch(value) and not values.is_placeholder(value):
        return None
    confidence = "low" if _FOR_DEVELOPERS.search(place.name) else "medium"
    if _is_fallback(found):
        what = "signing secret" if meaning_of(found.name) is Meaning.SIGNING else "secret"
        title = "secret" if values.is_mixed(value) else f"known default for a {what}"
        return "default-secret", title, confidence
    return "signing-secret", "signing secret in the code", confidence


def _is_fallback(found: Assignment) -> bool:
    return (found.quoted and found.join in (",", "or", "||", "??")) or found.join == ":-"


def _may_be_bare(found: Assignment, place: Place, value: str) -> bool:
    if found.quoted or place.lines or place.yaml or found.join == ":-":
        return True
    if place.shell or place.terraform:
        word = found.name.isupper() and (len(words_of(found.name)) > 1 or is_common(value))
        return found.join in ("=", "", ":") and (word or not values.is_text(value))
    if ("." in value and not value.startswith("ey")) or re.search(r"[(\[{]", value):
        return False
    if place.prose and found.name.isupper() and found.join == "=":
        return True
    if place.sql and found.join == ":":  # `-- the administrator (password: …)`
        return values.is_mixed(value) and len(value) >= 8
    return found.join in ("=", ":", "", ">") and values.looks_random(value) and len(value) >= 16


def _names_itself(value: str, name: str) -> bool:
    flat, own = (text.encode().lower().translate(None, _SIGNS) for text in (value, name))
    if not flat or flat in own or (own in flat and len(flat) < len(own) + 6):
        return True
    return all(word in _SPEAKING or _VERSION.fullmatch(word) for word in words_of(value))


_SIGNS = bytes(code for code in range(128) if not chr(code).isalnum())
_SPEAKING = {
    "password", "passwd", "passwort", "passphrase", "passcode", "pass", "pwd", "pw", "secret", "secrets", "token",
    "jwt", "apikey", "credential", "credentials", "creds", "auth", "authorization", "bearer", "key", "keys", "salt",
    "pepper", "sas", "pat", "senha", "api", "user", "access", "client", "db", "id", "name",
}  # fmt: skip
"""Words for secrets, as in `api_key_secret`."""
_VERSION = re.compile(r"v?\d")


def _is_phrase(value: str) -> bool:
    """`password_reset_v2`, `Min8Characters`: words with a number among them."""
    return " " in value and len(words_of(value)) >= 3


def _in_template(text: bytes, start: int) -> bool:
    """`{{- $password = include "…" }}`, and what is said where a setting is missing: `${X:?set X=…}`."""
    before = text[max(text.rfind(b"\n", 0, start) + 1, start - 200) : start]
    return before.rfind(b"{{") > before.rfind(b"}}") or before.rfind(b":?") > before.rfind(b"}")


def _shows_an_example(text: bytes, start: int) -> bool:
    """Inside of a schema's example: `json_schema_extra = {"example": {"password": …}}`."""
    before = text[max(0, start - 300) : start]
    if before.endswith(b"Using generated security "):
        return True  # Spring Boot makes another one at each start
    if b"otpauth://" in before[-100:] or b"motp://" in before[-100:]:
        return True
    return b"xample" in before and _EXAMPLE.search(before) is not None


_EXAMPLE = re.compile(rb"[Ee]xamples?[\"']?\s*[:=]")
