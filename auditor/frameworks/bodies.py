"""How Flask and Django handlers check the bodies that they read themselves.

By a form (WTForms, Django), a serializer (DRF), a schema (marshmallow, pydantic, webargs, flask-smorest,
APIFlask, Flask-RESTX), or by hand: a test that answers 400. https://flask-wtf.readthedocs.io/en/latest/form/,
https://docs.djangoproject.com/en/stable/ref/forms/validation/, https://www.django-rest-framework.org/api-guide/
serializers/#validation, https://flask-restx.readthedocs.io/en/latest/swagger.html#input-payload-validation:
`expect` documents, and validates only when told to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import msgspec

from auditor.extract.python import tree as t
from auditor.frameworks.harmless import Harmless
from auditor.libraries.schemas import Field, fields, filled, kind_of, read_only, used_in
from auditor.link.application import Application, provides
from auditor.link.names import Code
from auditor.link.scopes import Located, argument, place_of
from auditor.link.values import Evaluator
from auditor.model.places import Place
from auditor.model.settings import FrameworkSetting
from auditor.model.validation import Checked, Validation
from auditor.model.values import Known
from auditor.model.web import Intake, Route

_REQUEST = re.compile(r"(?:^|[._])(?:request|req)(?:\._request)?$")
_BODIES = {
    "json": "body",
    "form": "form",
    "values": "form",
    "POST": "form",
    "data": "body",
    "body": "body",
}
_CALLED = {"get_json": "body", "get_data": "body"}
_ASKS = {"is_valid", "validate_on_submit", "validate", "full_clean", "clean", "errors", "save"}
_VALUES = {"data", "initial_data", "cleaned_data", "populate_obj"}
_VALIDATES = re.compile(
    r"(?:^|\.)(?:jsonschema(?:\.\w+)*\.validate|fastjsonschema(?:\.\w+)*|parse_args|validate_python|validate_json"
    r"|model_validate(?:_json)?|parse_obj|parse_raw|parse_obj_as|validate_on_submit|check_schema|iter_errors"
    r"|(?:flask|django|web)?parser\.parse|best_match)$"
)
_OWN = re.compile(
    r"^_?(?:validate|check|require|ensure|verify|clean|parse|sanit[iy]|assert)\w*$", re.I
)
_DECORATORS = re.compile(
    r"(?:^|\.)(?:use_args|use_kwargs|use_annotations|arguments|input|body|json|validate(?:_\w+)?|doc_kwargs"
    r"|expects_json|schema_validate\w*|accepts|request_schema|validate_schema|querystring|use_schema)\(\)$"
)
_EXPECT = re.compile(r"(?:^|\.)expect\(\)$")
_REJECTS = (400, 409, 411, 415, 422)
_REJECTING = re.compile(r"HTTP_4(?:00|09|22)_|BAD_REQUEST|UNPROCESSABLE")
_INVALID = re.compile(
    r"ValidationError|BadRequest|ParseError|UnprocessableEntity|Invalid\w*$|SuspiciousOperation"
)
_GENERIC = ("get_serializer", "get_form", "get_form_class", "get_serializer_class")
_UNBOUNDED = ("form", "wtforms", "serializer", "marshmallow")
_TEXTS = re.compile(r"(?:^|\.)(?:CharField|StringField|TextAreaField|String|Str)(?:\(\))?$")
_STORED = re.compile(r"(?:^|\.)(?:models|db)\.")
"""Fields of a database model, which are bounded by their column."""
_BOUNDS = {
    "max_length",
    "Length",
    "Regexp",
    "OneOf",
    "AnyOf",
    "choices",
    "validate",
    "Email",
    "read_only",
    "dump_only",
}
_WRITES = ("POST", "PUT", "PATCH", "ANY")
_SUPER = {"create", "update", "partial_update", "post", "put", "patch", "form_valid", "dispatch"}


class _Read(msgspec.Struct, frozen=True):
    source: str
    node: t.Node
    place: Place


@provides(Validation)
def validations(application: Application) -> Iterator[Validation]:
    finder = _Bodies(application)
    for route in application.facts(Route):
        if route.framework not in ("FastAPI", "Starlette") and route.method in _WRITES:
            if (found := finder.of(route)) is not None:
                yield found


@provides(Intake)
def unchecked(application: Application) -> Iterator[Intake]:
    """Bodies that nothing looks at, or that only seem to be looked at."""
    seen: set[Place] = set()
    for each in application.facts(Validation):
        if each.place in seen:
            continue
        route = each.route
        if each.state is Checked.ABSENT:
            what = "the form's fields" if each.source == "form" else "the body"
            kind = "form" if each.source == "form" else "raw"
            yield Intake(
                route, each.place, kind, f"{route.name} reads {what}; nothing validates it"
            )
        elif each.state is Checked.DECORATIVE:
            told = f"{route.name}: `{each.by}` validates nothing: {each.reason}"
            yield Intake(route, each.place, "unasked", told)
        elif each.model is not None and kind_of(application.code, each.model) in _UNBOUNDED:
            free = _free(application.values, each.model)
            name = each.model.node.name  # type: ignore[attr-defined]
            if free and (at := place_of(each.model, name)) not in seen:
                seen.add(at)
                listed = ", ".join(free[:3]) + (f" and {len(free) - 3} more" if free[3:] else "")
                told = f"{name}: text of any length is accepted ({listed})"
                yield Intake(route, at, "unbounded", told)
            continue
        else:
            continue
        seen.add(each.place)


def _free(values: Evaluator, model: Located) -> list[str]:
    """The text fields that a form, serializer or schema declares without a greatest length."""
    names = []
    for name, each in fields(values, model).items():
        call = each.call.node
        if isinstance(call, t.Call) and _TEXTS.search(each.type) and not read_only(each):
            words = {k.name for k in call.keywords} | {
                t.dotted(n.func).rpartition(".")[2]
                for n in t.walk_own(call)
                if isinstance(n, t.Call)
            }
            if not words & _BOUNDS and not _STORED.search(each.type):
                if not _looked_at(values, model, each):
                    names.append(name)
    return names


def _looked_at(values: Evaluator, model: Located, each: Field) -> bool:
    """Whether a method of the form, or a validator that a name stands for, looks at a field."""
    code = values.code
    for ancestor in code.ancestry(model):
        if any(code.definition(f"{ancestor}.{how}_{each.name}") for how in ("validate", "clean")):
            return True
    for node in t.walk_own(each.call.node):
        if isinstance(node, t.Name):
            for source in values.sources(node, each.call.scope):
                if isinstance(source.node, t.Function):
                    return True
                if isinstance(source.node, t.Call):
                    if t.dotted(source.node.func).rpartition(".")[2] in _BOUNDS:
                        return True
    return False


class _Bodies:
    def __init__(self, application: Application) -> None:
        self.code: Code = application.code
        self.values: Evaluator = application.values
        self.validating = any(
            s.name in ("RESTX_VALIDATE", "RESTPLUS_VALIDATE")
            and isinstance(s.value, Known)
            and s.value.value is True
            for s in application.facts(FrameworkSetting)
        )
        self._known: dict[int, Validation | None] = {}

    def of(self, route: Route) -> Validation | None:
        function = route.function
        if function is None or not isinstance(function.node, t.Function):
            return self._generic(route)
        key = id(function.node)
        if key not in self._known:
            self._known[key] = self._judge(route, function)
        found = self._known[key]
        return replace(found, route=route) if found is not None else None

    def _judge(self, route: Route, function: Located) -> Validation | None:
        functions = self.code.with_callees(function, 2)
        made = Validation(route, "body", Checked.DECLARED, "", route.place)
        reads = [(each, read) for each in functions for read in self._reads(each)]
        read = next((read for _, read in reads), None)
        told = self._decorated(function, route)
        if told is not None and (told.state is Checked.DECLARED or read is not None):
            return told
        schema = self._schema(functions, route)
        if schema is not None and schema.state is Checked.DECLARED:
            return schema
        if read is None:
            return self._inherited(route, function)
        made = replace(made, source=read.source, place=read.place)
        if by := self._validating(functions):
            return replace(made, by=by)
        if by := self._by_hand(functions):
            return replace(made, state=Checked.BY_HAND, by=by)
        uses = {id(each.node): Harmless(each) for each, _ in reads}
        if schema is None and all(uses[id(each.node)].of(read.node) for each, read in reads):
            return replace(made, state=Checked.BY_HAND, by="converted or compared")
        return schema or replace(made, state=Checked.ABSENT)

    # --- what is read

    def _reads(self, function: Located) -> Iterator[_Read]:
        """Where a function reads the request's body or form itself."""
        inner = self.code.inside(function)
        called = {
            id(n.func.value)
            for n in t.walk_own(*function.node.body)  # type: ignore[attr-defined]
            if isinstance(n, t.Call) and isinstance(n.func, t.Attr) and n.func.name == "get"
            and any(k.name == "type" for k in n.keywords)
        }  # fmt: skip
        for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
            match node:
                case t.Attr(value=owner, name=name) if (
                    name in _BODIES and _REQUEST.search(t.dotted(owner)) and id(node) not in called
                ):
                    yield _Read(_BODIES[name], node, place_of(Located(node, inner)))
                case t.Call(func=t.Attr(value=owner, name=name)) if (
                    name in _CALLED and _REQUEST.search(t.dotted(owner))
                ):
                    yield _Read(_CALLED[name], node, place_of(Located(node, inner)))

    # --- what declares it

    def _decorated(self, function: Located, route: Route) -> Validation | None:
        found: Validation | None = None
        for decorator in function.node.decorators:  # type: ignore[attr-defined]
            name = self.code.name(decorator, function.scope) or f"{t.dotted(t.callee(decorator))}()"
            at = place_of(Located(decorator, function.scope))
            short = t.dotted(t.callee(decorator)).rpartition(".")[2]
            made = Validation(route, "body", Checked.DECLARED, short, at)
            if _EXPECT.search(name) and isinstance(decorator, t.Call):
                if self._enforced(decorator, function):
                    return made
                reason = "it documents the body, `validate=True` is not set"
                found = replace(made, state=Checked.DECORATIVE, reason=reason)
            elif _DECORATORS.search(name) and isinstance(decorator, t.Call):
                return made
        return found

    def _enforced(self, decorator: t.Call, function: Located) -> bool:
        """Whether `expect` validates: told so itself, by the API, by a parser, or by the settings."""
        given = argument(decorator, None, "validate")
        if given is not None:
            value = self.values.value(given, function.scope)
            return not (isinstance(value, Known) and value.value is False)
        if self.validating or any("parser" in t.dotted(arg).lower() for arg in decorator.args):
            return True
        owner = decorator.func.value if isinstance(decorator.func, t.Attr) else None
        for source in self.values.sources(owner, function.scope) if owner is not None else ():
            if isinstance(source.node, t.Call):
                told = argument(source.node, None, "validate")
                if isinstance(told, t.Const) and told.value is True:
                    return True
        return False

    def _schema(self, functions: list[Located], route: Route) -> Validation | None:
        """The form, serializer or schema that the body is put into, and whether it is asked."""
        for each in functions:
            for found, call in used_in(self.values, each):
                kind = kind_of(self.code, found)
                if not (filled(call) or self._given_request(call)):
                    continue
                name: str = found.node.name  # type: ignore[attr-defined]
                at = place_of(Located(call, self.code.inside(each)))
                source = "form" if kind in ("form", "wtforms") else "body"
                made = Validation(route, source, Checked.DECLARED, name, at, model=found)
                if kind in ("pydantic", "marshmallow") or not self._unasked(call, each, functions):
                    return made
                reason = "its values are taken, and nothing asks whether they are valid"
                return replace(made, state=Checked.DECORATIVE, reason=reason)
        if any(self._calls(each, _GENERIC) for each in functions) and self._asked(functions):
            return Validation(route, "body", Checked.DECLARED, "get_serializer", route.place)
        return None

    def _unasked(self, call: t.Call, function: Located, functions: list[Located]) -> bool:
        """Whether the values of a form are taken without asking whether they are valid."""
        if self._asked(functions):
            return False
        names = {
            target.id
            for node in t.walk_own(*function.node.body)  # type: ignore[attr-defined]
            if isinstance(node, t.Assign) and node.value is call
            for target in node.targets
            if isinstance(target, t.Name)
        }
        return any(
            isinstance(n, t.Attr)
            and n.name in _VALUES
            and t.dotted(n.value).partition(".")[0] in names
            for n in t.walk_own(*function.node.body)  # type: ignore[attr-defined]
        )

    @staticmethod
    def _given_request(call: t.Call) -> bool:
        """`ContactForm(request.POST)`, `FilterForm(request.POST or None)`, `Schema(**request.json)`."""
        given = (
            *call.args,
            *(k.value for k in call.keywords if k.name in (None, "data", "formdata")),
        )
        return any(
            isinstance(n, t.Attr) and n.name in (*_BODIES, *_CALLED) and _REQUEST.search(t.dotted(n.value))
            for arg in given
            for n in t.walk_own(arg)
        )  # fmt: skip

    def _asked(self, functions: list[Located]) -> bool:
        return any(
            isinstance(n, t.Attr) and n.name in _ASKS
            for each in functions
            for n in t.walk_own(*each.node.body)  # type: ignore[attr-defined]
        )

    @staticmethod
    def _calls(function: Located, names: tuple[str, ...]) -> bool:
        return any(
            isinstance(n, t.Call) and isinstance(n.func, t.Attr) and n.func.name in names
            for n in t.walk_own(*function.node.body)  # type: ignore[attr-defined]
        )

    def _generic(self, route: Route) -> Validation | None:
        """A view whose own class of the framework handles the method: by the class it names."""
        if route.view is None:
            return None
        for name in ("serializer_class", "form_class"):
            for value in self.values.attribute(route.view, name)[:1]:
                short = t.dotted(value.node).rpartition(".")[2]  # type: ignore[arg-type]
                source = "form" if name == "form_class" else "body"
                model = self.code.defined(value.node, value.scope)  # type: ignore[arg-type]
                at = place_of(value)
                if short:
                    return Validation(route, source, Checked.DECLARED, short, at, model=model)
        return None

    def _inherited(self, route: Route, function: Located) -> Validation | None:
        """A handler that hands on to its base, which validates by the class it names."""
        for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
            match node:
                case t.Call(func=t.Attr(value=t.Call(func=t.Name(id="super")), name=name)):
                    if name in _SUPER:
                        return self._generic(route)
                case t.Call(func=t.Attr(value=t.Name(id="self"), name=name)) if name in _SUPER:
                    return self._generic(route)
        return None

    def _validating(self, functions: list[Located]) -> str:
        """The library's function that checks, by its name."""
        for each in functions:
            inner = self.code.inside(each)
            for node in t.walk_own(*each.node.body):  # type: ignore[attr-defined]
                if isinstance(node, t.Call):
                    name = self.code.name(node.func, inner) or t.dotted(node.func)
                    if _VALIDATES.search(name) or _VALIDATES.search(t.dotted(node.func)):
                        return t.dotted(node.func) or name
        return ""

    def _by_hand(self, functions: list[Located]) -> str:
        """A test of the handler's, or of what it calls, that answers 400."""
        for each in functions:
            name: str = each.node.name  # type: ignore[attr-defined]
            held = self._held(each)
            for node in t.walk_own(*each.node.body):  # type: ignore[attr-defined]
                match node:
                    case t.If(test=test, body=[*_, t.Raise()]) if _mentions(test, held):
                        return name
                    case t.Const(value=int(status)) if status in _REJECTS and status is not True:
                        return name
                    case t.Attr(name=word) if _REJECTING.search(word):
                        return name
                    case t.Raise(exception=t.Call(func=func) | (t.Name() | t.Attr() as func)):
                        if _INVALID.search(t.dotted(func)):
                            return name
                    case t.Call(func=func, args=[_, *_]) if _OWN.match(t.last_word(func)):
                        return t.last_word(func)
                    case t.Call(func=t.Attr(name=word)) if word in ("is_valid", "full_clean"):
                        return word
                    case t.Name(id=word) | t.Attr(name=word) if "BadRequest" in word:
                        return name
        return ""

    def _held(self, function: Located) -> set[str]:
        """The variables that hold what a function reads."""
        held: set[str] = set()
        for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
            if (
                isinstance(node, t.Assign)
                and node.value is not None
                and _mentions(node.value, held)
            ):
                held |= {x.id for x in node.targets if isinstance(x, t.Name)}
        return held


def _mentions(expr: t.Expr, held: set[str]) -> bool:
    """Whether an expression holds something of the body that was read."""
    for node in t.walk_own(expr):
        match node:
            case t.Name(id=name) if name in held:
                return True
            case t.Attr(value=owner, name=name) if name in _BODIES or name in _CALLED:
                if _REQUEST.search(t.dotted(owner)):
                    return True
    return False
