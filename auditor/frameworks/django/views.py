"""Views of Django and DRF: which methods a view serves, and by which function.

Sources: the documentation's lists of generic views (https://docs.djangoproject.com/en/stable/ref/
class-based-views/, https://www.django-rest-framework.org/api-guide/generic-views/ and /viewsets/).
"""

from __future__ import annotations

import http
import re
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.frameworks.responses import raised, returned
from auditor.link.names import Code
from auditor.link.pathtests import PathTests
from auditor.link.scopes import CallSite, Located, Scope, argument
from auditor.link.values import Evaluator
from auditor.model.values import possible

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_NOT_ALLOWED = http.HTTPStatus.METHOD_NOT_ALLOWED
_ALL_METHODS = {*METHODS, "HEAD", "OPTIONS"}
_FORM = ("GET", "POST", "PUT")
SERVED = {
    "TemplateView": ("GET",), "ListView": ("GET",), "DetailView": ("GET",), "ArchiveIndexView": ("GET",),
    "YearArchiveView": ("GET",), "MonthArchiveView": ("GET",), "DayArchiveView": ("GET",),
    "BaseListView": ("GET",), "BaseDetailView": ("GET",), "WeekArchiveView": ("GET",),
    "TodayArchiveView": ("GET",), "DateDetailView": ("GET",), "FilterView": ("GET",),
    "SingleTableView": ("GET",), "AutoResponseView": ("GET",), "Select2QuerySetView": ("GET", "POST"),
    "SessionWizardView": ("GET", "POST"), "CookieWizardView": ("GET", "POST"),
    "SocialLoginView": ("POST",), "SocialConnectView": ("POST",), "RegisterView": ("POST",),
    "FormView": _FORM, "CreateView": _FORM, "UpdateView": _FORM, "ProcessFormView": _FORM,
    "DeleteView": ("GET", "POST", "DELETE"), "DeletionMixin": ("POST", "DELETE"),
    "RedirectView": METHODS,
    "LoginView": _FORM, "PasswordResetView": _FORM, "PasswordResetConfirmView": _FORM,
    "PasswordChangeView": _FORM, "PasswordResetDoneView": ("GET",), "PasswordChangeDoneView": ("GET",),
    "PasswordResetCompleteView": ("GET",), "LogoutView": ("POST",),
    "ListAPIView": ("GET",), "RetrieveAPIView": ("GET",), "CreateAPIView": ("POST",),
    "DestroyAPIView": ("DELETE",), "UpdateAPIView": ("PUT", "PATCH"),
    "ListCreateAPIView": ("GET", "POST"), "RetrieveUpdateAPIView": ("GET", "PUT", "PATCH"),
    "RetrieveDestroyAPIView": ("GET", "DELETE"),
    "RetrieveUpdateDestroyAPIView": ("GET", "PUT", "PATCH", "DELETE"),
    "TokenObtainPairView": ("POST",), "TokenRefreshView": ("POST",), "TokenVerifyView": ("POST",),
    "TokenBlacklistView": ("POST",), "TokenObtainSlidingView": ("POST",),
    "TokenRefreshSlidingView": ("POST",), "ObtainAuthToken": ("POST",), "TokenViewBase": ("POST",),
    "SpectacularAPIView": ("GET",), "SpectacularSwaggerView": ("GET",),
    "SpectacularRedocView": ("GET",), "APIRootView": ("GET",), "JavaScriptCatalog": ("GET",),
}  # fmt: skip
MADE = {
    "obtain_auth_token": "ObtainAuthToken", "token_obtain_pair": "TokenObtainPairView",
    "token_refresh": "TokenRefreshView", "token_verify": "TokenVerifyView",
    "token_obtain_sliding": "TokenObtainSlidingView", "token_blacklist": "TokenBlacklistView",
    "obtain_jwt_token": "TokenObtainPairView", "refresh_jwt_token": "TokenRefreshView",
    "verify_jwt_token": "TokenVerifyView",
}  # fmt: skip
"""Views that packages have made of their classes already."""
ACTIONS = {
    "list": "GET", "create": "POST", "retrieve": "GET", "update": "PUT", "partial_update": "PATCH",
    "destroy": "DELETE",
}  # fmt: skip
_GIVEN = {
    "ModelViewSet": tuple(ACTIONS), "ReadOnlyModelViewSet": ("list", "retrieve"),
    "CreateModelMixin": ("create",), "ListModelMixin": ("list",), "RetrieveModelMixin": ("retrieve",),
    "UpdateModelMixin": ("update", "partial_update"), "DestroyModelMixin": ("destroy",),
}  # fmt: skip
_OF_ONE = re.compile(r"rest_framework\.generics\.(?:Retrieve|Update|Destroy)\w*$")
"""DRF's views of a single object."""
_GIVES_TOKENS = re.compile(
    r"^rest_framework\.authtoken\.views\.ObtainAuthToken$|^rest_framework_simplejwt\.views\.Token\w+$"
)
UPON_REST = re.compile(
    r"(?!rest_framework|drf_spectacular|drf_yasg)(?:rest_\w+|dj_rest_auth|djoser|knox|drf\w*)\.(?:\w+\.)*\w*View(?:Set)?(?:\(\))?$"
)
"""Views of packages that derive from DRF's."""
_LIMITING = {
    "require_POST": ("POST",), "require_GET": ("GET",), "require_safe": ("GET",),
}  # fmt: skip


class Extra(msgspec.Struct, frozen=True):
    """A method of a viewset that `@action` routes: its path, its methods, and the decorator."""

    name: str
    detail: bool
    path: str
    methods: tuple[str, ...]
    decorator: t.Call
    function: Located


class Views:
    """Answers what a view serves."""

    def __init__(self, values: Evaluator) -> None:
        self.values = values
        self.code: Code = values.code

    old = False
    """Whether the project runs on a Django before 5.0, whose logout takes GET as well."""

    def given(self, short: str) -> tuple[str, ...] | None:
        """The methods of a known view, by its class; None where it is not known."""
        methods = SERVED.get(short)
        return ("GET", "POST") if short == "LogoutView" and self.old else methods

    def ancestry(self, found: Located) -> list[str]:
        return self.code.ancestry(found)

    def borrowed(self, found: Located) -> str:
        """The view of a package upon DRF that a class derives from, where nothing of the tree lists permissions.

        The package's own may, so that nobody can tell whom it lets pass.
        """
        if self.attribute(found, "permission_classes") is not None:
            return ""
        return next((n for n in self.ancestry(found)[1:] if UPON_REST.match(n)), "")

    def is_rest(self, found: Located) -> bool:
        """Whether a class is one of DRF's views."""
        return any(
            name.startswith(("rest_framework.", "rest_framework_"))
            or UPON_REST.match(name)
            or (":" not in name and name.endswith("APIView"))
            for name in self.ancestry(found)[1:]
        ) or self._has_permissions(found)

    def _has_permissions(self, found: Located) -> bool:
        """Whether a view lists DRF's permissions whose base comes from a package that is not known."""
        outside = any(
            ":" not in name and not name.startswith(("django.", "builtins.", "object"))
            for name in self.ancestry(found)[1:]
        )
        return outside and self.attribute(found, "permission_classes") is not None

    def method(self, found: Located, name: str) -> Located | None:
        """The function of the tree that a class or one of its bases gives for a name."""
        for ancestor in self.ancestry(found):
            definition = self.code.definition(ancestor)
            if definition is None:
                continue
            method = self.code.definition(f"{ancestor}.{name}")
            if method is not None and isinstance(method.node, t.Function):
                return method
            alias = self.code.inside(definition).bindings.get(name, ())  # post = get
            for binding in alias:
                if isinstance(binding.value, t.Name):
                    other = self.code.definition(f"{ancestor}.{binding.value.id}")
                    if other is not None and isinstance(other.node, t.Function):
                        return other
        return None

    def handler(self, found: Located, method: str) -> Located | None:
        """The function that answers a method; a form view's `put` calls its `post`."""
        own = self.method(found, method.lower())
        if own is None and method == "PUT":
            if any(SERVED.get(n.rpartition(".")[2]) == _FORM for n in self.ancestry(found)):
                return self.method(found, "post")
        return own

    def attribute(self, found: Located, name: str) -> Located | None:
        return next(iter(self.values.attribute(found, name)), None)

    def served(self, found: Located) -> tuple[str, ...]:
        """The methods of a class-based view, HEAD and OPTIONS left out."""
        methods: set[str] = set()
        for name in self.ancestry(found):
            methods.update(self.given(name.rpartition(".")[2]) or () if ":" not in name else ())
        methods.update(m for m in METHODS if self.method(found, m.lower()) is not None)
        return self.allowed(found, methods)

    def allowed(self, found: Located, methods: set[str]) -> tuple[str, ...]:
        """Those of some methods that `http_method_names` lets through."""
        if (listed := self.attribute(found, "http_method_names")) is not None:
            for known in possible(self.values.value(listed.node, listed.scope)):  # type: ignore[arg-type]
                if isinstance(known.value, list):
                    methods &= {str(m).upper() for m in known.value}
                    break
        return tuple(m for m in METHODS if m in methods)

    def signs_in(self, found: Located) -> bool:
        """Whether a DRF view derives from one that gives out tokens: it has `permission_classes = ()`."""
        return any(":" not in name and _GIVES_TOKENS.search(name) for name in self.ancestry(found))

    def gets_object(self, found: Located, handler: Located | None, action: str) -> bool:
        """Whether a DRF view asks the permissions about its object: `get_object` does so.

        https://www.django-rest-framework.org/api-guide/permissions/#object-level-permissions
        """
        own = self.method(found, "get_object")
        if own is not None and not _calls(own, {"check_object_permissions", "get_object"}):
            return False
        if handler is not None:
            return _calls(handler, {"get_object", "check_object_permissions"})
        if action:
            return action in ACTIONS and action not in ("list", "create")
        return any(_OF_ONE.match(name) for name in self.ancestry(found))

    def actions(self, found: Located) -> dict[str, str]:
        """The actions of a viewset and their methods."""
        names: set[str] = set()
        for ancestor in self.ancestry(found):
            if ":" not in ancestor:
                names.update(_GIVEN.get(ancestor.rpartition(".")[2], ()))
        names.update(name for name in ACTIONS if self.method(found, name) is not None)
        allowed = self.allowed(found, set(METHODS))
        return {a: m for a, m in ACTIONS.items() if a in names and m in allowed}

    def extras(self, found: Located) -> Iterator[Extra]:
        """Methods that `@action`, `@list_route` or `@detail_route` adds, nearest class first."""
        seen: set[str] = set()
        for ancestor in self.ancestry(found):
            definition = self.code.definition(ancestor)
            if definition is None or not isinstance(definition.node, t.Class):
                continue
            inner = self.code.inside(definition)
            for stmt in definition.node.body:
                if not isinstance(stmt, t.Function) or stmt.name in seen:
                    continue
                seen.add(stmt.name)
                for decorator in stmt.decorators:
                    if extra := self._extra(Located(stmt, inner), decorator):
                        yield extra
                        yield from self._mapped(extra, inner)

    def _extra(self, function: Located, decorator: t.Expr) -> Extra | None:
        if not isinstance(decorator, t.Call):
            return None
        last = t.dotted(decorator.func).rpartition(".")[2]
        if last not in ("action", "list_route", "detail_route"):
            return None
        scope = function.scope
        listed = self.values.value(argument(decorator, 0, "methods"), scope)
        methods: tuple[str, ...] = ("GET",)
        for known in possible(listed):
            if isinstance(known.value, list):
                methods = tuple(str(m).upper() for m in known.value)
                break
        name: str = function.node.name  # type: ignore[attr-defined]
        path = self.values.text(argument(decorator, None, "url_path"), scope)
        detail = self.values.value(argument(decorator, None, "detail"), scope)
        is_detail = last == "detail_route" or getattr(detail, "value", False) is True
        allowed = tuple(m for m in METHODS if m in methods)
        return Extra(name, is_detail, path or name, allowed, decorator, function)

    @staticmethod
    def _mapped(extra: Extra, scope: Scope) -> Iterator[Extra]:
        """`@name.mapping.delete` routes another method of the same path to another function."""
        for name, bindings in scope.bindings.items():
            for binding in bindings:
                node = binding.node
                for decorator in node.decorators if isinstance(node, t.Function) else ():
                    before, _, method = t.dotted(decorator).rpartition(".")
                    if before == f"{extra.name}.mapping":
                        function = Located(node, scope)
                        yield replace(
                            extra, name=name, methods=(method.upper(),), function=function
                        )

    def of_function(self, function: Located) -> tuple[str, ...]:
        """The methods of a function view; ANY where nothing limits them."""
        assert isinstance(function.node, t.Function)
        for decorator in function.node.decorators:
            call = decorator if isinstance(decorator, t.Call) else None
            before, _, last = t.dotted(call.func if call else decorator).rpartition(".")
            if last in _LIMITING:
                return _LIMITING[last]
            if before.endswith("api_view") and last.upper() in METHODS:
                return (last.upper(),)  # hatchway: `@api_view.get`
            if last in ("require_http_methods", "api_view"):
                listed = (
                    self.values.value(argument(call, 0, "http_method_names"), function.scope)
                    if call
                    else None
                )
                for known in possible(listed):
                    if isinstance(known.value, list):
                        named = {str(m).upper() for m in known.value}
                        return tuple(m for m in METHODS if m in named)
                return ("GET",) if last == "api_view" else ("ANY",)
            if call is not None and (limited := self._limited(CallSite(call, function.scope))):
                return limited
        return self._delegated(function) or self._not_refused(function) or ("ANY",)

    def _not_refused(self, function: Located) -> tuple[str, ...]:
        """`if request.method != "POST": return HttpResponse(status=405)`: those that get on."""
        scope = self.code.inside(function)
        body = function.node.body  # type: ignore[attr-defined]
        refusing = {id(n) for n in t.walk_own(*body) if self._is_refusal(n, scope)}
        if not refusing:
            return ()
        served = tuple(
            method
            for method in METHODS
            if not _refused(body, PathTests(self.values, method, ""), scope, refusing)
        )
        return served if len(served) < len(METHODS) else ()

    def _is_refusal(self, node: t.Node, scope: Scope) -> bool:
        """Whether a statement answers 405."""
        match node:
            case t.Return(value=value) if value is not None:
                return returned(self.values, value, scope).status == _NOT_ALLOWED
            case t.Raise(exception=thrown):
                answer = raised(self.values, thrown, scope)
                return answer is not None and answer.status == _NOT_ALLOWED
        return False

    def _delegated(self, function: Located) -> tuple[str, ...]:
        """`return ListView.as_view()(request)`: the methods of the class-based views that answer."""
        scope = self.code.inside(function)
        methods: set[str] = set()
        for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
            if not isinstance(node, t.Return):
                continue
            asked = node.value.func if isinstance(node.value, t.Call) else None
            found = list(self.values.sources(asked, scope)) if asked is not None else []
            match found:
                case [Located(node=t.Call(func=t.Attr(value=view, name="as_view")) as made)]:
                    defined = self.code.defined(view, found[0].scope)
                    served = self.served(defined) if defined is not None else ()
                    if not served or made.args:
                        return ()
                    methods.update(served)
                case _:
                    return ()
        return tuple(m for m in METHODS if m in methods)

    def _limited(self, site: CallSite) -> tuple[str, ...]:
        """`@cors("GET", "POST")`: a decorator of the tree that is given methods and asks for them."""
        listed = [self.values.value(given, site.scope) for given in site.node.args]
        known = [x.value for value in listed for x in possible(value)]
        words = [w for x in known for w in (x if isinstance(x, list) else [x])]
        if not words or not all(isinstance(w, str) and w.upper() in _ALL_METHODS for w in words):
            return ()
        found = self.code.defined(site.node.func, site.scope)
        if found is None or not isinstance(found.node, t.Function):
            return ()
        asks = any(isinstance(n, t.Attr) and n.name == "method" for n in t.walk(*found.node.body))
        return tuple(m for m in METHODS if m in {w.upper() for w in words}) if asks else ()


def _refused(
    body: list[t.Stmt], tests: PathTests, scope: Scope, refusing: set[int], chosen: bool = False
) -> bool | None:
    """Whether statements come to a refusal by the request's method alone; None where they go on.

    What turns callers away before the method is asked does not count; in a branch that the method
    has `chosen`, whatever answers does.
    """
    for stmt in body:
        if id(stmt) in refusing:
            return True
        told: bool | None = None
        match stmt:
            case t.Return() | t.Raise():
                return False
            case t.If(test=test, body=then, orelse=other):
                decided = tests.decide(test, scope)
                if decided is not None:
                    told = _refused(then if decided else other, tests, scope, refusing, True)
                elif chosen and any(isinstance(n, t.Return) for n in t.walk_own(stmt)):
                    return False
            case t.Try(body=inner) | t.With(body=inner):
                told = _refused(inner, tests, scope, refusing, chosen)
        if told is not None:
            return told
    return None


def _calls(function: Located, names: set[str]) -> bool:
    return any(
        isinstance(node, t.Call) and isinstance(node.func, t.Attr) and node.func.name in names
        for node in t.walk_own(*function.node.body)  # type: ignore[attr-defined]
    )
