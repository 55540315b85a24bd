"""Uploads: which routes take files, and who looks at their size, type and name (CWE-400, CWE-434, CWE-22).

What limits a file: the handler, a form's or serializer's validators, Flask's MAX_CONTENT_LENGTH, a
middleware that reads Content-Length, a proxy. Django's DATA_UPLOAD_MAX_MEMORY_SIZE does not:
https://docs.djangoproject.com/en/stable/ref/settings/#data-upload-max-memory-size leaves files out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from auditor.extract.python import tree as t
from auditor.frameworks.django.settings import DjangoProject
from auditor.frameworks.fastapi.application import unit_of
from auditor.frameworks.fastapi.routers import Routing
from auditor.frameworks.middleware import entry
from auditor.libraries.schemas import Field, fields, filled, kind_of, listed, read_only, used_in
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope, place_of
from auditor.link.values import Evaluator
from auditor.model.places import Place
from auditor.model.settings import FrameworkSetting
from auditor.model.values import Known
from auditor.model.web import Intake, Route, Sink, Upload
from auditor.platforms.front import Front

_SIZE = re.compile(r"size|max_?bytes|too_large|max_upload|content_length", re.I)
_TYPE = re.compile(
    r"FileAllowed|extension|content_?type|mime|file_?type|format|imghdr|magic|is_image", re.I
)
_MEASURE = re.compile(r"\blen\b|size|length|bytes|\btell\b", re.I)
_OTHER_MEASURE = re.compile(r"file_?name|\bname\b|title|\bfiles\b|\bext\b|rows?\b|lines?\b|page", re.I)  # fmt: skip
_NAMES_TYPE = ("content_type", "filename", "suffix", "mime", "mimetype", "format")
_KIND = re.compile(r"(?:^|_)(?:ext|suffix|mime)|extension|(?:file|content|media|image)_?type", re.I)
_NOTHING = ("", ".", None)
_PARSERS = re.compile(r"^(?:magic|imghdr|filetype|puremagic|mimetypes)\.|(?:^|\.)Image\.open$")
_REQUEST = re.compile(r"(?:^|[._])(?:request|req)$")
_SENDING = ("POST", "PUT", "PATCH", "ANY")


class _Checks(msgspec.Struct, frozen=True):
    size: bool
    kind: bool

    def __or__(self, other: _Checks) -> _Checks:
        return _Checks(self.size or other.size, self.kind or other.kind)


@provides(Upload)
def uploads(application: Application) -> Iterator[Upload]:
    finder = _Uploads(application)
    routes = [r for r in application.facts(Route) if r.method in _SENDING]
    found = [(r, place, checks) for r in routes for place, checks in finder.of(r)]
    if not found:
        return
    names = _trusted_names(application)
    around = _Around(application)
    for route, place, checks in found:
        size = checks.size or around.limits(route)
        named = names.get((route.application, route.name))
        yield Upload(route, place, size, checks.kind, named)


def _trusted_names(application: Application) -> dict[tuple[str, str], Place]:
    """Where the name that the client gave its file becomes part of a path."""
    return {
        (i.route.application, i.route.name): i.place
        for i in reversed(application.facts(Intake))
        if i.sink is Sink.PATH and i.source == "file"
    }


class _Uploads:
    """Finds the files that routes take, and what their own code checks."""

    def __init__(self, application: Application) -> None:
        self.values: Evaluator = application.values
        self.code: Code = application.code
        self._forms: dict[int, list[_Checks]] = {}

    def of(self, route: Route) -> Iterator[tuple[Place, _Checks]]:
        taken = [p.place for p in route.parameters if p.source == "file"]
        bodies = self.code.with_callees(route.function, 2) if route.function is not None else []
        forms = list(self.forms(route, bodies))
        direct = taken or [p for b in bodies[:3] if (p := self._reads(b)) is not None]
        if not direct and not forms:
            return
        given = [
            b for d in route.dependencies if _takes_file(d) for b in self.code.with_callees(d, 2)
        ]
        nodes = [n for b in (*bodies, *given) for n in t.walk_own(*b.node.body)]  # type: ignore[attr-defined]
        checks = _Checks(any(map(_limits_size, nodes)), any(map(_checks_type, nodes)))
        if forms:
            own = _Checks(all(f.size for f in forms), all(f.kind for f in forms))
            checks = checks | own
        yield (direct or [route.place])[0], checks

    def _reads(self, function: Located) -> Place | None:
        """`request.files["x"]`, `request.FILES.get("x")`; not what a form is filled from."""
        inner = self.code.inside(function)
        body: list[t.Stmt] = function.node.body  # type: ignore[attr-defined]
        handed = {
            id(arg)
            for node in t.walk_own(*body)
            if isinstance(node, t.Call)
            and (t.dotted(node.func)[-4:].lower() == "form" or kind_of(self.code, self.code.defined(node.func, inner)) or "serializer" in t.dotted(node.func).lower())
            for arg in (*node.args, *(k.value for k in node.keywords))
        }  # fmt: skip
        for node in t.walk_own(*body):
            match node:
                case t.Attr(value=owner, name="files" | "FILES") if id(node) not in handed:
                    if _REQUEST.search(t.dotted(owner)):
                        return place_of(Located(node, inner))
        return self._raw(body, inner)

    @staticmethod
    def _raw(body: list[t.Stmt], inner: Scope) -> Place | None:
        """`content = await request.body()`, which is written to a file as it is."""
        kept: dict[str, t.Node] = {}
        for node in t.walk_own(*body):
            match node:
                case t.Assign(targets=[t.Name(id=name)], value=value) if value is not None:
                    called = value.value if isinstance(value, t.Await) else value
                    asked = t.dotted(called.func if isinstance(called, t.Call) else called)
                    owner, _, last = asked.rpartition(".")
                    if _REQUEST.search(owner) and last in ("body", "get_data", "data"):
                        kept[name] = node
        for node in t.walk_own(*body) if kept else ():
            match node:
                case t.Call(func=t.Attr(name="write" | "write_bytes"), args=[t.Name(id=name)]) if name in kept:  # fmt: skip
                    return place_of(Located(kept[name], inner))
        return None

    # --- forms, serializers, schemas

    def forms(self, route: Route, bodies: list[Located]) -> Iterator[_Checks]:
        """What the classes that a route validates with check of their files."""
        found = {id(each.node): each for each in self.classes(route, bodies)}
        for each in found.values():
            yield from self.form(each)

    def classes(self, route: Route, bodies: list[Located]) -> Iterator[Located]:
        for body in bodies[:4]:
            yield from (found for found, call in used_in(self.values, body) if filled(call))
        if route.function is not None:
            for decorator in route.function.node.decorators:  # type: ignore[attr-defined]
                for arg in decorator.args if isinstance(decorator, t.Call) else ():
                    expr = t.callee(arg)
                    found = self.code.defined(expr, route.function.scope)
                    if found is not None and kind_of(self.code, found):
                        yield found
        if route.view is not None and (route.function is None or any(map(_fills, bodies))):
            for name in ("serializer_class", "form_class", "schema"):
                for value in self.values.attribute(route.view, name)[:1]:
                    found = self.code.defined(value.node, value.scope)  # type: ignore[arg-type]
                    if found is not None and isinstance(found.node, t.Class):
                        yield found

    def form(self, found: Located) -> list[_Checks]:
        key = id(found.node)
        if key not in self._forms:
            self._forms[key] = []  # a cycle ends here
            taken = [f for f in fields(self.values, found).values() if f.takes_file(self.code)]
            names = listed(self.values, found, "read_only_fields") or []
            taken = [f for f in taken if not read_only(f) and f.name not in names]
            self._forms[key] = [self._field(found, each) for each in taken]
        return self._forms[key]

    def _field(self, form: Located, each: Field) -> _Checks:
        """What a field's own validators and the form's methods for it check."""
        words = " ".join(_words(each.call.node))
        last = each.type.rpartition(".")[2].rpartition(":")[2]
        checks = _Checks(
            _SIZE.search(words) is not None, _TYPE.search(words) is not None or "Image" in last
        )
        own = self.code.definition(each.type.removesuffix("()"))
        functions: list[Located] = []
        for call in (n for n in t.walk_own(each.call.node) if isinstance(n, t.Name)):
            validator = self.code.defined(call, each.call.scope)
            if validator is not None and isinstance(validator.node, t.Function):
                functions.append(validator)
        if own is not None and isinstance(own.node, t.Class):
            inner = " ".join(w for s in own.node.body for w in _words(s))
            checks |= _Checks(_SIZE.search(inner) is not None, _TYPE.search(inner) is not None)
        for ancestor in self.code.ancestry(form):
            for name in (f"clean_{each.name}", f"validate_{each.name}", "clean", "validate"):
                if method := self.code.definition(f"{ancestor}.{name}"):
                    functions.append(method)
        for function in functions:
            if isinstance(function.node, t.Function):
                bodies = self.code.with_callees(function, 1)
                nodes = [n for b in bodies for n in t.walk_own(*b.node.body)]  # type: ignore[attr-defined]
                checks |= _Checks(any(map(_limits_size, nodes)), any(map(_checks_type, nodes)))
        return checks


class _Around:
    """What stands before every route and limits the size of what it gets."""

    def __init__(self, application: Application) -> None:
        self.application, self.code = application, application.code
        (self.front,) = application.facts(Front)
        self.configured = {
            s.application
            for s in application.facts(FrameworkSetting)
            if s.name == "MAX_CONTENT_LENGTH"
            and s.framework == "Flask"
            and not (isinstance(s.value, Known) and s.value.value is None)
        }
        self.behind = set(self._middleware())

    def limits(self, route: Route) -> bool:
        if route.framework == "Quart":  # 16 MB unless told
            return True
        if route.framework == "Flask" and route.application in self.configured:
            return True
        if route.application in self.behind or any(map(self._measures, route.dependencies)):
            return True
        reached = self.front.reached(route)
        return bool(reached) and all(each.body is not None for each in reached)

    def _middleware(self) -> Iterator[str]:
        """Applications with a middleware that turns large bodies away."""
        for routing in self.application.facts(Routing):
            for key, router in routing.routers.items():
                for each in router.middleware:
                    function = entry(self.code, each)
                    limits = function is not None and self._measures(function)
                    if limits or re.search(r"(?:content|body|upload|request)_?size", each.name, re.I):  # fmt: skip
                        yield unit_of(key[0])
        for project in self.application.facts(DjangoProject):
            for dotted in project.main.texts("MIDDLEWARE"):
                short = dotted.rpartition(".")[2]
                for found in self.code.classes():
                    if found.node.name == short:  # type: ignore[attr-defined]
                        methods = [n for n in found.node.body if isinstance(n, t.Function)]  # type: ignore[attr-defined]
                        inner = self.code.inside(found)
                        if any(self._measures(Located(m, inner)) for m in methods):
                            yield project.name

    def _measures(self, function: Located) -> bool:
        """Whether a function reads Content-Length and knows an answer for what is too large."""
        if not isinstance(function.node, t.Function):
            return False
        bodies = self.code.with_callees(function, 1)
        nodes = [n for b in bodies for n in t.walk_own(*b.node.body)]  # type: ignore[attr-defined]
        words = " ".join(w for n in nodes for w in _word(n))
        return re.search(r"content[-_]length", words, re.I) is not None and any(
            map(_limits_size, nodes)
        )


def _takes_file(function: Located) -> bool:
    """Whether a dependency is handed a file: FastAPI's `UploadFile`."""
    return isinstance(function.node, t.Function) and any(
        "UploadFile" in " ".join(_words(p.annotation))
        for p in function.node.params
        if p.annotation is not None
    )


def _fills(function: Located) -> bool:
    """Whether a view hands what was sent to a form or serializer of its class, or to its base."""
    for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
        if isinstance(node, t.Call):
            last = t.dotted(node.func).rpartition(".")[2]
            if last in ("get_form", "create", "update", "partial_update", "post", "put"):
                return True
            if re.search(r"serializer|form", last, re.I) and filled(node):
                return True
    return False


def _word(node: t.Node) -> tuple[str, ...]:
    match node:
        case t.Name(id=word) | t.Attr(name=word) | t.Const(value=str(word)):
            return (word,)
    return ()


def _words(node: t.Node) -> Iterator[str]:
    for inner in t.walk(node):
        yield from _word(inner)


def _limits_size(node: t.Node) -> bool:
    match node:
        case t.Compare(ops=[">" | ">=" | "<" | "<="]):
            words = " ".join(_words(node))
            return _MEASURE.search(words) is not None and not _OTHER_MEASURE.search(words)
    return False


def _checks_type(node: t.Node) -> bool:
    match node:
        case t.Compare(left=left, ops=["in" | "not in" | "==" | "!="], rights=[right]):
            if any(isinstance(s, t.Const) and s.value in _NOTHING for s in (left, right)):
                return False
            return any(
                word in _NAMES_TYPE or _KIND.search(word)
                for n in t.walk_own(node)
                if isinstance(n, t.Attr | t.Name)
                for word in _word(n)
            )
        case t.Call(func=t.Attr(name="startswith"), args=[first, *_]) if _is_magic(first):
            return True  # the first bytes tell
        case t.Call(func=t.Attr(name="startswith" | "endswith" | "match" | "fullmatch")):
            return any(word in _NAMES_TYPE for n in t.walk_own(node) for word in _word(n))
        case t.Call(func=t.Attr(name="get"), args=[asked, *_]) if _of_file(asked):
            return True  # a table of the types that are taken
        case t.Call(func=func):
            return _PARSERS.search(t.dotted(func)) is not None
    return False


def _of_file(expr: t.Expr) -> bool:
    return any(
        isinstance(n, t.Attr) and n.name in ("content_type", "suffix", "mimetype")
        for n in t.walk_own(expr)
    )


_MAGIC = re.compile(r"%PDF|\x89PNG|RIFF|GIF8|\xff\xd8|\xc3\xbf\xc3\x98|PK\x03")


def _is_magic(expr: t.Expr) -> bool:
    """`b"%PDF"`, or a name that says so."""
    return any(
        (isinstance(n, t.Const) and isinstance(n.value, str) and _MAGIC.match(n.value))
        or (isinstance(n, t.Name | t.Attr) and re.search(r"magic|signature", t.last_word(n), re.I))
        for n in t.walk_own(expr)
    )
