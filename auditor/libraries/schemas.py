"""Classes that validate input: forms, serializers, schemas, models; their fields and how they are asked.

Sources: the documentation of pydantic, WTForms and Flask-WTF, Django's forms, DRF's serializers, marshmallow
(Flask-Marshmallow, marshmallow-sqlalchemy, APIFlask), attrs-like libraries left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from auditor.extract.python import tree as t
from auditor.link.names import Code
from auditor.link.scopes import Located, argument
from auditor.link.values import Evaluator
from auditor.model.values import possible

_KINDS = (
    ("pydantic", re.compile(r"^(?:pydantic|sqlmodel|beanie|ninja|msgspec|flask_openapi3)\b.*(?:BaseModel|SQLModel|Document|Schema|Struct|RootModel|BaseSettings)$")),
    ("wtforms", re.compile(r"^(?:flask_wtf|wtforms|flask_security|wtforms_alchemy|flask_admin)\b.*Form$|(?:^|\.)FlaskForm$")),
    ("form", re.compile(r"^(?:django\.forms|django\.contrib\.auth\.forms|allauth|crispy_forms|django_registration|registration)\b.*Form$|^forms\.(?:Model)?Form$")),
    ("serializer", re.compile(r"^(?:rest_framework|drf_\w+|rest_framework_\w+|rest_auth|dj_rest_auth|djoser|rest_polymorphic|django_restql|drf_writable_nested)\b.*Serializer$")),
    ("marshmallow", re.compile(r"(?:^|\.)(?:marshmallow|flask_marshmallow|apiflask|marshmallow_sqlalchemy)\b.*Schema$|Marshmallow\(\)\.\w*Schema$")),
)  # fmt: skip
MODELS = frozenset(("pydantic", "ninja"))
_FILES = re.compile(r"(?:File|Files|Image|Upload)Field(?:\(\))?$")


class Field(msgspec.Struct, frozen=True):
    """A declared field: the call that makes it, in its class."""

    name: str
    call: Located
    type: str

    def takes_file(self, code: Code) -> bool:
        """Whether it is an upload: of a library's type, or of a class of the tree made from one."""
        definition = code.definition(self.type.removesuffix("()"))
        made = definition is not None and isinstance(definition.node, t.Class)
        types = code.ancestry(definition) if definition is not None and made else [self.type]
        return any(_FILES.search(name) for name in types)


def kind_of(code: Code, found: Located | None) -> str:
    """Which kind of validating class it is; empty for any other."""
    if found is None or not isinstance(found.node, t.Class):
        return ""
    for ancestor in code.ancestry(found)[1:]:
        if ":" not in ancestor:
            for kind, pattern in _KINDS:
                if pattern.search(ancestor):
                    return kind
    return ""


def fields(values: Evaluator, found: Located) -> dict[str, Field]:
    """The fields that a class and its bases declare, and those of the model behind it."""
    code = values.code
    own: dict[str, Field] = {}
    for ancestor in reversed(code.ancestry(found)):
        definition = code.definition(ancestor)
        if definition is None or not isinstance(definition.node, t.Class):
            continue
        inner = code.inside(definition)
        for stmt in definition.node.body:
            match stmt:
                case t.Assign(targets=[t.Name(id=name)], value=t.Call() as call):
                    kind = code.name(call.func, inner) or t.dotted(call.func)
                    own[name] = Field(name, Located(call, inner), kind)
    return {**_stored(values, found), **own}


def meta(values: Evaluator, found: Located, name: str) -> list[Located]:
    """What `class Meta` of a class or a base of it gives a name."""
    code = values.code
    for ancestor in code.ancestry(found):
        definition = code.definition(f"{ancestor}.Meta")
        if definition is not None and isinstance(definition.node, t.Class):
            inner = code.inside(definition)
            bound = [Located(b.value, inner) for b in inner.bindings.get(name, ()) if b.value]
            if bound:
                return bound
    return []


def listed(values: Evaluator, found: Located, name: str) -> list[str] | None:
    """The names that `fields` or `exclude` of Meta lists, `["__all__"]` for all; None where not told."""
    for each in meta(values, found, name):
        for known in possible(values.value(each.node, each.scope)):  # type: ignore[arg-type]
            if isinstance(known.value, list):
                return [str(item) for item in known.value]
            if isinstance(known.value, str):
                return [known.value]
    return None


def stored_model(values: Evaluator, found: Located) -> Located | None:
    """The model that a ModelForm or ModelSerializer is made for."""
    for each in meta(values, found, "model"):
        model = values.code.defined(each.node, each.scope)  # type: ignore[arg-type]
        if model is not None and isinstance(model.node, t.Class):
            return model
    return None


_PLAIN_FORMS = frozenset(
    f"django.contrib.auth.forms.{name}"
    for name in ("PasswordChangeForm", "SetPasswordForm", "AuthenticationForm", "PasswordResetForm")
)
"""Django's own forms that are made for no model, whatever Meta names."""


def _stored(values: Evaluator, found: Located) -> dict[str, Field]:
    """Fields that come from the model, by what Meta lists and takes out."""
    model = stored_model(values, found)
    if model is None or _PLAIN_FORMS.intersection(values.code.ancestry(found)):
        return {}
    names, out = listed(values, found, "fields"), listed(values, found, "exclude") or []
    fixed = {*(listed(values, found, "read_only_fields") or []), *out}
    all_names = names is None or "__all__" in names
    return {
        name: each
        for name, each in fields(values, model).items()
        if (all_names or name in (names or ())) and name not in fixed
    }


def used_in(values: Evaluator, function: Located) -> Iterator[tuple[Located, t.Call]]:
    """The validating classes that a function makes an instance of or calls a method on."""
    code = values.code
    inner = code.inside(function)
    for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
        if not isinstance(node, t.Call):
            continue
        for expr in (node.func, node.func.value if isinstance(node.func, t.Attr) else None):
            found = code.defined(expr, inner) if expr is not None else None
            if found is None and expr is not None and expr is not node.func:
                found = code.definition(code.name(expr, inner).removesuffix("()"))  # an instance
            if found is not None and kind_of(code, found):
                yield found, node
                break


def read_only(field: Field) -> bool:
    call = field.call.node
    given = argument(call, None, "read_only", "dump_only") if isinstance(call, t.Call) else None
    return isinstance(given, t.Const) and given.value is True


def filled(call: t.Call) -> bool:
    """Whether a form or serializer is given what was sent; Flask's forms fill themselves."""
    if any(k.name in ("data", "files", "instance_data") for k in call.keywords):
        return True
    if t.dotted(call.func).endswith(("Form", "form")):
        return True
    return isinstance(call.func, t.Attr) and call.func.name in (
        "load", "loads", "validate", "model_validate", "model_validate_json", "parse_obj", "parse_raw",
    )  # fmt: skip
