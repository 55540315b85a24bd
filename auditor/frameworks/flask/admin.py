"""flask-admin: the views of an administration, their paths, and what lets callers in.

An administration registers each view as a blueprint below its own URL; `is_accessible` is asked
before every method that a view exposes, and whom it does not let in gets 403 or what the view's
`inaccessible_callback` returns. https://flask-admin.readthedocs.io/en/stable/introduction/
What a view of a model may do is asked besides: `can_create`, `can_edit`, …, constants or properties.
https://flask-admin.readthedocs.io/en/stable/api/mod_model/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from auditor.extract.python import tree as t
from auditor.frameworks.flask.views import View, Views
from auditor.link.scopes import CallSite, Located, argument, place_of
from auditor.link.values import Evaluator
from auditor.model.values import possible

_ADMIN = ("flask_admin.Admin", "flask_admin.base.Admin")
_MODEL = re.compile(
    r"^flask_admin\.(?:contrib\.\w+(?:\.view)?\.ModelView|model(?:\.base)?\.BaseModelView)$"
)
_FILES = re.compile(r"^flask_admin\.contrib\.fileadmin(?:\.\w+)?\.(?:Base|S3|Azure)?FileAdmin$")
_VIEW = re.compile(r"^flask_admin\.\w[\w.]*$")
_GET, _POST, _BOTH = ("GET",), ("POST",), ("GET", "POST")
_MODEL_ROUTES = {
    "index_view": (("/", _GET),),
    "create_view": (("/new/", _BOTH),),
    "edit_view": (("/edit/", _BOTH),),
    "details_view": (("/details/", _GET),),
    "delete_view": (("/delete/", _POST),),
    "action_view": (("/action/", _POST),),
    "export": (("/export/<export_type>/", _GET),),
    "ajax_lookup": (("/ajax/lookup/", _GET),),
    "ajax_update": (("/ajax/update/", _POST),),
}
"""What every view of a model exposes, whatever it allows."""
_PERMISSIONS = {
    "create_view": ("can_create", True),
    "edit_view": ("can_edit", True),
    "delete_view": ("can_delete", True),
    "details_view": ("can_view_details", False),
    "export": ("can_export", False),
    "ajax_update": ("column_editable_list", False),
    "action_view": ("can_delete", True),
}
"""Method of a model's view -> what it asks first, and whether it may unless told otherwise."""
_FILE_ROUTES = {
    "index": (("/old_index", _GET), ("/old_b/<path:path>", _GET)),
    "index_view": (("/", _GET), ("/b/<path:path>", _GET)),
    "upload": (("/upload/", _BOTH), ("/upload/<path:path>", _BOTH)),
    "download": (("/download/<path:path>", _GET),),
    "mkdir": (("/mkdir/", _BOTH), ("/mkdir/<path:path>", _BOTH)),
    "delete": (("/delete/", _POST),),
    "rename": (("/rename/", _BOTH),),
    "edit": (("/edit/", _BOTH),),
    "action_view": (("/action/", _POST),),
}
"""What every view of a folder exposes."""
_INDEX_ROUTES = {"index": (("/", _GET),)}

Method = tuple[str, tuple[str, ...], Located | None]
"""Path below the view, verbs, and the function, where it is the tree's own."""


class Gate(msgspec.Struct, frozen=True):
    """What a view asks before each of its methods; None where it lets everybody in.

    `allowed` is a property that is asked for one of them, `refused` says why nobody may.
    """

    accessible: Located | None
    allowed: Located | None = None
    refused: str = ""


class Exposed(msgspec.Struct, frozen=True):
    path: str
    methods: tuple[str, ...]
    endpoint: str
    view: View
    gate: Gate
    public: str = ""


@dataclass
class Administrations:
    """Each administration with the application expression it is given, and its views."""

    values: Evaluator
    views: Views

    def __post_init__(self) -> None:
        self.code = self.values.code

    def found(self) -> Iterator[tuple[CallSite, list[CallSite], list[Exposed]]]:
        """(creation, the calls that name its application, what it exposes)."""
        for made in self.code.calls(*_ADMIN):
            attached = [s for s in self._calls("init_app", made) if s.arg(0, "app") is not None]
            index = self._view_of(next((s.arg(None, "index_view") for s in (made, *attached) if s.arg(None, "index_view")), None), made)  # fmt: skip
            url = self._text(made, None, "url") or (self._text(index, None, "url") if index else "")
            url = url or "/admin"
            exposed = [*self._exposed(index or made, url, True), self._static(made, url)]
            for site in self._calls("add_view", made):
                if (view := self._view_of(site.arg(0, "view"), site)) is not None:
                    exposed += self._exposed(view, url, False)
            for site in self._calls("add_views", made):
                for given in site.node.args:
                    if (view := self._view_of(given, site)) is not None:
                        exposed += self._exposed(view, url, False)
            yield made, attached, exposed

    def _static(self, made: CallSite, url: str) -> Exposed:
        """The files of the package itself, which no view guards."""
        given = self._text(made, None, "static_url_path")
        below = given or ("/static/admin" if url == "/" else "/static")
        path = f"{url.rstrip('/')}/{below.strip('/')}/<path:filename>"
        view = View("send_static_file", place_of(made), None)
        return Exposed(path, _GET, "admin.static", view, Gate(None), "static files")

    def _calls(self, method: str, made: CallSite) -> Iterator[CallSite]:
        for site in self.code.method_calls(method):
            match site.node.func:
                case t.Attr(value=owner):
                    if any(s.key == made.key for s in self.values.sources(owner, site.scope)):
                        yield site

    def _view_of(self, expr: t.Expr | None, site: CallSite) -> CallSite | None:
        for source in self.values.sources(expr, site.scope):
            if isinstance(source.node, t.Call):
                return CallSite(source.node, source.scope)
        return None

    def _text(self, site: CallSite, position: int | None, name: str) -> str:
        return self.values.text(site.arg(position, name), site.scope) or ""

    def _exposed(self, made: CallSite, url: str, index: bool) -> Iterator[Exposed]:
        """What one view exposes, below the administration's own URL."""
        found = self.code.defined(made.node.func, made.scope)
        own = found if found is not None and isinstance(found.node, t.Class) else None
        written = self.code.name(made.node.func, made.scope)
        ancestry = self.code.ancestry(own) if own else [written]
        model = any(_MODEL.match(name) for name in ancestry)
        files = any(_FILES.match(name) for name in ancestry)
        if not index and not any(_VIEW.match(name) for name in ancestry):
            return
        offset = 2 if model or files else 0
        name = own.node.name if own else written.rpartition(".")[2]  # type: ignore[attr-defined]
        word = t.dotted(made.arg(0, "model")).rpartition(".")[2] if model else name
        endpoint = self._text(made, offset + 2, "endpoint") or ("admin" if index else word.lower())
        given = self._text(made, offset + 3, "url") if not index else url
        if not given:
            given = f"{url.rstrip('/')}/{endpoint}"
        elif not given.startswith("/"):
            given = f"{url.rstrip('/')}/{given}"
        gate = Gate(self.views.method(own, "is_accessible") if own else None)
        outside = (
            _MODEL_ROUTES if model else _FILE_ROUTES if files else _INDEX_ROUTES if index else {}
        )
        for method, path, verbs, function in self._methods(own, outside):
            asked = self._permitted(own, method, function, gate) if model else gate
            place = place_of(function or Located(made.node, made.scope), f"{name}.{method}")
            decorators = self.views.of_function(function).decorators if function else ()
            view = View(f"{name}.{method}", place, function, decorators, owner=own)
            yield Exposed(
                f"{given.rstrip('/')}/{path.lstrip('/')}",
                verbs,
                f"{endpoint}.{method}",
                view,
                asked,
            )

    def _permitted(
        self, own: Located | None, method: str, function: Located | None, gate: Gate
    ) -> Gate:
        """The gate of one method of a model's view, with what it may do."""
        name, default = _PERMISSIONS.get(method, ("", True))
        if not name or (function is not None and not _goes_on(function, method)):
            return gate
        if own is not None:
            if method == "action_view" and self._has_actions(own):
                return gate
            if (asked := self.views.method(own, name)) is not None:
                return msgspec.structs.replace(gate, allowed=asked)
            given = self.views.class_values(own, name)
            for each in given[:1]:
                known = [k.value for k in possible(self.values.value(each.node, each.scope))]  # type: ignore[arg-type]
                default = bool(known[0]) if known else True
        return gate if default else msgspec.structs.replace(gate, refused=f"`{name}` lets nobody")

    def _has_actions(self, own: Located) -> bool:
        """Whether a view has actions of its own, which `can_delete` says nothing of."""
        found = (self.code.definition(name) for name in self.code.ancestry(own))
        return any(
            isinstance(node, t.Function)
            and any(
                isinstance(d, t.Call) and t.last_word(d.func) == "action" for d in node.decorators
            )
            for each in found
            if each is not None and isinstance(each.node, t.Class)
            for node in each.node.body
        )

    def _methods(
        self, own: Located | None, outside: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]
    ) -> Iterator[tuple[str, str, tuple[str, ...], Located | None]]:
        """(method, path, verbs, function): those of the package, and the tree's own."""
        exposed: dict[str, list[Method]] = {
            name: [(path, verbs, None) for path, verbs in routes]
            for name, routes in outside.items()
        }
        for ancestor in reversed(self.code.ancestry(own) if own else []):
            definition = self.code.definition(ancestor)
            if definition is None or not isinstance(definition.node, t.Class):
                continue
            inner = self.code.inside(definition)
            for node in definition.node.body:
                if isinstance(node, t.Function):
                    exposed.pop(node.name, None)  # without its decorator it is exposed no more
                    for decorator in node.decorators:
                        if isinstance(decorator, t.Call) and t.dotted(decorator.func).endswith("expose"):  # fmt: skip
                            site = CallSite(decorator, inner)
                            path = self._text(site, 0, "url") or "/"
                            verbs = self._verbs(argument(decorator, 1, "methods"), site)
                            exposed.setdefault(node.name, []).append(
                                (path, verbs, Located(node, inner))
                            )
        for name, methods in exposed.items():
            for path, verbs, function in methods:
                yield name, path, verbs, function

    def _verbs(self, expr: t.Expr | None, site: CallSite) -> tuple[str, ...]:
        for known in possible(self.values.value(expr, site.scope)):
            if isinstance(known.value, list):
                return tuple(str(x).upper() for x in known.value if str(x).upper() not in ("HEAD", "OPTIONS"))  # fmt: skip
        return ("GET",)


def _goes_on(function: Located, method: str) -> bool:
    """Whether a method of the tree hands on to the package's: `return super().edit_view()`."""
    return any(
        isinstance(node, t.Call) and t.last_word(node.func) == method
        for node in t.walk_own(*function.node.body)  # type: ignore[attr-defined]
    )
