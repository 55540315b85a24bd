"""Settings that are read into a name which nothing asks for.

Looked for where it matters what a setting decides: those that say which environment this is. A field of a
settings class counts as asked for by a method of the class only where something asks for the method, and so
does what a function reads or asks for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Iterable, Iterator

from auditor.extract.python import tree as t
from auditor.frameworks.flask.apps import uses_flask
from auditor.link.application import Application, provides
from auditor.link.scopes import Scope
from auditor.model.settings import IdleSetting, SettingRead

_LOOKED_FOR = re.compile(
    r"ENV$|ENVIRONMENT$|STAGE$|MODE$|PROFILE$|(?:^|_)(?:DEV|PROD|STAGING)|CONFIG"
)
_OF_FLASK = {"ENV", "DEBUG", "TESTING", "CONFIG"}
"""Names that Flask itself asks a configuration for."""
_FROM_OUTSIDE = re.compile(
    r"__|(?:main|run|cli|setup|handler|application|app|server|worker|upgrade|downgrade|get_app\w*|model_post_init|settings_customise_sources"
    r"|(?:create|make|build|on|pre|post|when|worker|child|pytest|run_migrations)_\w+|\w+_handler)$"
)
"""Functions that servers, tools and libraries call by their names."""
_PLAIN_DECORATORS = {"property", "cached_property", "classmethod", "staticmethod", "lru_cache", "cache"}  # fmt: skip
_PLAIN_BASES = re.compile(r"Settings|Config|^(?:BaseModel|object|ABC|Enum|StrEnum|str)$")
_MOST_STEPS = 5


@provides(IdleSetting)
def idle_settings(application: Application) -> Iterator[IdleSetting]:
    code = application.code
    reads = {
        (read.place.path, read.place.line): read
        for read in application.facts(SettingRead)
        if _LOOKED_FOR.search(read.name)
    }
    if not reads:
        return
    kept: dict[str, list[SettingRead]] = {}
    for assign, scope in code.of_kind(t.Assign):
        read = reads.get((scope.module.path, assign.line))
        match assign.targets:
            case [t.Name(id=name) | t.Attr(name=name)] if read is not None:
                whole = isinstance(scope.owner, t.Class) or _is_read(assign.value, read.name)
                if whole and (scope.function is None or isinstance(assign.targets[0], t.Attr)):
                    kept.setdefault(name, []).append(read)
    left_alone = _OF_FLASK if uses_flask(code) else frozenset[str]()
    found = {name: each for name, each in kept.items() if name not in left_alone}
    inside = dict(_inside_functions(application, reads))
    asked = _askers(application, {*found, *inside.values()}, reads)
    for name, each in found.items():
        if not _is_alive(name, asked):
            yield from (IdleSetting(read.name, read.place) for read in each)
    for at, name in inside.items():
        if not _is_alive(name, asked):
            yield IdleSetting(reads[at].name, reads[at].place)


def _inside_functions(
    application: Application, reads: Container[tuple[str, int]]
) -> Iterator[tuple[tuple[str, int], str]]:
    """Where a setting is read inside of a function, with the name that the function is asked for by."""
    code = application.code
    places: list[tuple[t.Expr, Scope]] = [(site.node, site.scope) for site in code.all_calls()]
    for node, scope in (*places, *code.of_kind(t.Item)):
        at = (scope.module.path, node.line)
        if at in reads and (name := _asker(scope)):
            yield at, name


def _askers(
    application: Application, wanted: Collection[str], reads: Container[tuple[str, int]]
) -> dict[str, set[str]]:
    """Name -> what asks for it, and what asks for that."""
    asked: dict[str, set[str]] = {}
    for _ in range(_MOST_STEPS):
        if not wanted:
            return asked
        asked |= {name: set() for name in wanted} | _asked(application, wanted, reads)
        wanted = {word for name in wanted for word in asked[name] if word} - asked.keys()
    return asked | {name: {""} for name in wanted}


def _is_alive(name: str, asked: dict[str, set[str]]) -> bool:
    """Whether something asks for a name that is not itself a function which nothing asks for."""
    pending, seen = [name], {name}
    while pending:
        words = asked[pending.pop()]
        if "" in words:
            return True
        pending += words - seen
        seen |= words
    return False


def _is_read(value: t.Expr | None, name: str) -> bool:
    """Whether a value is what a setting is worth, as it is or converted: `os.getenv("ENV").lower()`."""
    for _ in range(4):
        match value:
            case t.Item(index=t.Const(value=key)) | t.Call(args=[t.Const(value=key), *_]):
                return key == name
            case (
                t.Call(func=t.Attr(value=t.Call() | t.Item() as inner), args=[])
                | t.Call(args=[inner])
            ):
                value = inner
            case _:
                return False
    return False


def _asked(
    application: Application, wanted: Iterable[str], reads: Container[tuple[str, int]]
) -> dict[str, set[str]]:
    """Name -> the functions that ask for it, "" for anything else; nothing for those that nobody asks for."""
    code, names = application.code, frozenset(wanted)
    found: dict[str, set[str]] = {}
    for module in code.modules.values():
        given: set[int] = set()
        for node, scope in code.nodes(module):
            match node:
                case t.Assign(targets=targets):
                    given.update(map(id, targets))
                case t.Name(id=name) | t.Attr(name=name) if name in names and id(node) not in given:
                    found.setdefault(name, set()).add(_asker(scope))
                case t.Const(value=str(name), line=line) if name in names and (module.path, line) not in reads:  # fmt: skip
                    found.setdefault(name, set()).add("")
    return found


def _asker(scope: Scope) -> str:
    """The name of the function that a place stands in, where nothing but the tree's code calls it."""
    function = scope.function
    if function is None or _FROM_OUTSIDE.match(function.name):
        return ""
    within: Scope | None = scope
    while within is not None and within.owner is not function:
        within = within.parent
    around = within.parent.owner if within is not None and within.parent is not None else None
    words = {t.last_word(t.callee(decorator)) for decorator in function.decorators}
    if words - _PLAIN_DECORATORS or isinstance(around, t.Function):
        return ""
    if isinstance(around, t.Class) and not words:
        if not all(_PLAIN_BASES.search(t.last_word(base)) for base in around.bases):
            return ""  # a method that the base's own code may call
    return function.name
