"""Settings that are read into a name which nothing asks for.

Looked for where it matters what a setting decides: those that say which environment this is. A field of a
settings class counts as asked for by a method of the class only where something asks for the method.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import Scope
from auditor.model.settings import IdleSetting, SettingRead

_LOOKED_FOR = re.compile(
    r"ENV$|ENVIRONMENT$|STAGE$|MODE$|PROFILE$|(?:^|_)(?:DEV|PROD|STAGING)|CONFIG"
)
_OF_FRAMEWORKS = {"ENV", "DEBUG", "TESTING", "CONFIG"}
"""Names that Flask or the code's own loops over its settings may ask for."""


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
    found = {name: each for name, each in kept.items() if name not in _OF_FRAMEWORKS}
    asked = _asked(application, found, reads) if found else {}
    methods = {word for words in asked.values() for word in words if word}
    asked_methods = _asked(application, methods, reads) if methods else {}
    for name, each in found.items():
        if all(word and word not in asked_methods for word in asked.get(name, ())):
            yield from (IdleSetting(read.name, read.place) for read in each)


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
    """Name -> the methods that ask for it, "" for anything else; nothing for those that nobody asks for."""
    code, names = application.code, frozenset(wanted)
    found: dict[str, set[str]] = {}
    for module in code.modules.values():
        given: set[int] = set()
        for node, scope in code.nodes(module):
            match node:
                case t.Assign(targets=targets):
                    given.update(map(id, targets))
                case t.Name(id=name) | t.Attr(name=name) if name in names and id(node) not in given:
                    found.setdefault(name, set()).add(_method(scope))
                case t.Const(value=str(name), line=line) if name in names and (module.path, line) not in reads:  # fmt: skip
                    found.setdefault(name, set()).add("")
    return found


def _method(scope: Scope) -> str:
    """The method of a class that a place stands in."""
    function = scope.function
    while scope is not None and scope.owner is not function:
        scope = scope.parent  # type: ignore[assignment]
    in_class = (
        scope is not None and scope.parent is not None and isinstance(scope.parent.owner, t.Class)
    )
    return function.name if function is not None and in_class else ""
