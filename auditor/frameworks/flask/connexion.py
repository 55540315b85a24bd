"""connexion: routes that an OpenAPI document declares, and the functions that verify for it.

`app.add_api("openapi.yaml")` serves every operation of the document by the function that its
`operationId` names; the schemes under `security` name the functions that look at the credential.
https://connexion.readthedocs.io/en/stable/routing.html, …/security.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from auditor.discover import Role
from auditor.extract.python import tree as t
from auditor.extract.readers.openapi import Operation, Specification
from auditor.link.application import Application
from auditor.link.contexts import contexts_of
from auditor.link.names import Code
from auditor.link.scopes import CallSite, Located, Scope, named, place_of
from auditor.link.values import Evaluator
from auditor.model.places import Place, shared

_OTHER_ROLES = (Role.TEST, Role.EXAMPLE, Role.DOCUMENTATION)
"""A folder `spec` or `docs` may hold what the application serves."""
_DOCUMENT = re.compile(r"[^*?{}]+\.(?:ya?ml|json)$", re.I)
_CONVERTERS = {"integer": "int", "number": "float", "path": "path"}
_RESTY = re.compile(r"connexion(?:\.resolver)?\.(RestyResolver|MethodView\w*|MethodResolver)$")


class Scheme(msgspec.Struct, frozen=True):
    """What verifies a scheme: a function of the tree, a server outside, or nothing."""

    name: str
    function: Located | None
    remote: bool = False
    named: str = ""
    """The function as the document names it, which may lie outside of the tree."""


class Demand(msgspec.Struct, frozen=True):
    """What an operation asks of its caller: all schemes of any alternative."""

    place: Place
    alternatives: tuple[tuple[Scheme, ...], ...]


class Served(msgspec.Struct, frozen=True):
    """An operation as `add_api` serves it, under a path as Flask writes it."""

    method: str
    path: str
    name: str
    handler: Located | None
    place: Place
    demand: Demand | None


class Connexion:
    """Finds the documents that calls of `add_api` name, and what they serve."""

    def __init__(self, application: Application) -> None:
        self.values: Evaluator = application.values
        self.code: Code = application.code
        self._written: list[t.Expr] = []
        """Kept, since names are remembered by the identity of their expressions."""
        self.documents = {file.path: fact for file, fact in application.of(Specification)}
        for file, fact in application.of(Specification, *_OTHER_ROLES):
            self.documents.setdefault(file.path, fact)

    def served(self, site: CallSite) -> Iterator[Served]:
        """What a call of `add_api` adds, in the order of the document."""
        context = contexts_of(self.values)
        base = context.text(site.arg(1, "base_path"), site.scope)
        given = self._mapped(site)
        for path in self.named(site.arg(0, "specification"), site.scope):
            document = self.documents[path]
            for operation in document.operations:
                handler = self._handler(operation, site)
                name = operation.handler.rpartition(".")[2] or operation.method.lower()
                at = Place(path, operation.line, 1, 0, name)
                yield Served(
                    operation.method,
                    _flask_path((document.base if base is None else base).rstrip("/"), operation),
                    name,
                    handler,
                    place_of(handler, name) if handler else at,
                    self._demand(document, operation, site, given, at),
                )

    def named(self, expr: t.Expr | None, scope: Scope) -> list[str]:
        """The documents that an expression names, by the end of their paths."""
        words = [word for word in self._texts(expr, scope) if _DOCUMENT.search(word)]
        found: list[str] = []
        for word in words:
            clean = re.sub(r"^(?:\.{0,2}/)+", "", word)
            fits = [p for p in self.documents if p == clean or p.endswith("/" + clean)]
            near = max((shared(p, scope.module.path) for p in fits), default=0)
            found += [p for p in fits if shared(p, scope.module.path) == near]
        if not words and expr is not None:  # it is computed: every document that names functions
            found = [p for p, d in self.documents.items() if any(o.handler for o in d.operations)]
        return list(dict.fromkeys(found))

    def _texts(self, expr: t.Expr | None, scope: Scope) -> list[str]:
        """The paths in an expression; the parts of one path are joined."""
        if expr is None:
            return []
        text = self.values.text(expr, scope)
        if text is not None:
            return [text]
        found: list[str] = []
        for source in self.values.sources(expr, scope) or [Located(expr, scope)]:
            nodes = list(t.walk_own(source.node))
            constants = [n.value for n in nodes if isinstance(n, t.Const) and n.value]
            parts: list[str] = []
            for value in constants:
                if isinstance(value, str):
                    parts.append(value)
                    if _DOCUMENT.search(value):
                        found.append("/".join(parts))
                        parts = []
        return found

    def _handler(self, operation: Operation, site: CallSite) -> Located | None:
        name = operation.handler
        if operation.controller and name:
            name = f"{operation.controller}.{name}"
        if not name:
            name = self._by_path(operation, site)
        return self.function(name, site.scope)

    def _by_path(self, operation: Operation, site: CallSite) -> str:
        """What `RestyResolver("api")` calls for a path: `api.pets.search`, `api.pets.get`."""
        resolver = site.arg(None, "resolver")
        for source in self.values.sources(resolver, site.scope):
            match source.node:
                case t.Call(func=func, args=[root, *_]):
                    name = self.code.name(func, source.scope)
                    kind = _RESTY.search(name)
                    module = self.values.text(root, source.scope)
                    if kind is None or module is None:
                        continue
                    parts = [p for p in operation.path.split("/") if p]
                    words = [p.replace("-", "_") for p in parts if not p.startswith("{")]
                    verb = operation.method.lower()
                    if verb == "get" and words and not parts[-1].startswith("{"):
                        verb = "search"
                    if kind[1] != "RestyResolver" and words:
                        view = "".join(w.title() for w in words[-1].split("_")) + "View"
                        words = [*words[:-1], view]
                    return ".".join([operation.controller or module, *words, verb])
        return ""

    def function(self, name: str, scope: Scope) -> Located | None:
        """The function of the tree that a dotted name stands for, a method of a class included."""
        parts = name.split(".")
        for split in range(len(parts) - 1, 0, -1):
            module = self.code.module_of(".".join(parts[:split]), scope)
            if module is None and parts[:split] == [_stem(scope.module.path)]:
                module = scope.module
            if module is not None:
                found = self.code.definition(f"{module.path}:{'.'.join(parts[split:])}")
                if found is None:  # imported there, or inherited
                    expr: t.Expr = named(parts[split])
                    for part in parts[split + 1 :]:
                        expr = t.Attr(1, 1, 1, expr, part)
                    self._written.append(expr)
                    found = self.code.defined(expr, module.scope)
                return found if found and isinstance(found.node, t.Function) else None
        return None

    def _demand(
        self,
        document: Specification,
        operation: Operation,
        site: CallSite,
        given: dict[str, Located],
        place: Place,
    ) -> Demand | None:
        if not operation.security:
            return None
        alternatives = []
        for names in operation.security:
            schemes = []
            for name in names:
                written = document.schemes.get(name, "")
                function = given.get(name) or self.function(written, site.scope)
                remote = name in document.remote
                schemes.append(Scheme(name, function, remote, written))
            alternatives.append(tuple(schemes))
        return Demand(place, tuple(alternatives))

    def _mapped(self, site: CallSite) -> dict[str, Located]:
        """`security_map={"Bearer": handler}`: the functions given in the code."""
        found: dict[str, Located] = {}
        for source in self.values.sources(site.arg(None, "security_map"), site.scope):
            if isinstance(source.node, t.Map):
                for key, value in zip(source.node.keys, source.node.values, strict=True):
                    name = self.values.text(key, source.scope) if key is not None else None
                    function = self.code.defined(value, source.scope)
                    if name and function and isinstance(function.node, t.Function):
                        found[name] = function
        return found


def _flask_path(base: str, operation: Operation) -> str:
    """`/pets/{pet-id}` as Flask has it: `/pets/<int:pet_id>`."""

    def variable(match: re.Match[str]) -> str:
        converter = _CONVERTERS.get(operation.types.get(match[1], ""))
        name = re.sub(r"[^\w]", "_", match[1])
        return f"<{converter}:{name}>" if converter else f"<{name}>"

    return base + re.sub(r"\{([^{}]+)\}", variable, operation.path)


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".py")
