"""What guards a Django view: decorators, mixins, permissions, middleware, its own body.

https://docs.djangoproject.com/en/stable/topics/auth/default/#limiting-access-to-logged-in-users and
https://www.django-rest-framework.org/api-guide/permissions/. `request.user` is always there and may
be nobody; only asking it something tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.frameworks.decorators import Applied, Layer
from auditor.frameworks.django.permission_guards import ASKING, Judged, PermissionGuards
from auditor.frameworks.django.settings import DjangoProject
from auditor.frameworks.guards import CREDENTIAL
from auditor.frameworks.wrappers import CSRF, least
from auditor.libraries.authentication import known_guard
from auditor.link.checks import Strength, Summary
from auditor.link.contexts import contexts_of
from auditor.link.origins import instance_attribute
from auditor.link.pathtests import PathTests
from auditor.link.scopes import CallSite, Located, Module, Scope, named, place_of
from auditor.model.web import Guard, Guarding

_ENFORCED, _ABSENT = Guarding.ENFORCED, Guarding.ABSENT

_TESTING = re.compile(r"(?:^|[.:])user_passes_test(?:\(\))?$")
_DECORATING = re.compile(r"(?:^|\.)method_decorator(?:\(\))?$")
_EXEMPTING = re.compile(r"(?:^|[.:])login_not_required$")
_MIXINS = {
    "LoginRequiredMixin": "Django's LoginRequiredMixin demands a signed-in user",
    "PermissionRequiredMixin": "Django's PermissionRequiredMixin demands a permission",
    "StaffuserRequiredMixin": "django-braces demands a member of staff",
    "SuperuserRequiredMixin": "django-braces demands a superuser",
    "GroupRequiredMixin": "django-braces demands a member of a group",
    "MultiplePermissionsRequiredMixin": "django-braces demands permissions",
    "PermissionListMixin": "",
}
_MIXIN_HOMES = (
    "django.contrib.auth.mixins.",
    "braces.views.",
    "guardian.mixins.",
    "rules.contrib.views.",
)
_VIEW = re.compile(r"^django\.views\..*View$")
LOGIN_VIEWS = {
    "PasswordChangeView": "Django's password change demands a signed-in user",
    "PasswordChangeDoneView": "Django's password change demands a signed-in user",
    "UserDetailsView": "dj-rest-auth's UserDetailsView demands a signed-in user",
}
LOGIN_FREE_VIEWS = {
    "LoginView", "PasswordResetView", "PasswordResetDoneView", "PasswordResetConfirmView",
    "PasswordResetCompleteView",
}  # fmt: skip
"""Django's own views that LoginRequiredMiddleware leaves alone."""
_REQUEST = re.compile(r"(?:^|\.)request(?:\._request)?$")
_IDENTIFYING = {"user", "auth", "session", "COOKIES", "get_signed_cookie"}
_BODY = {"data", "POST", "body", "FILES"}
_HEADERS = re.compile(r"request\.(?:headers|META)$")
_ISSUES = re.compile(
    r"(?:^|\.)(?:auth_)?login$|for_user\w*$|(?:create|generate|issue|make|get)_\w*(?:token|jwt)s?$"
    r"|[Tt]oken\.objects\.\w*create$|jwt\.encode$|set_cookie$",
)
_REDIRECT = re.compile(r"(?:HttpResponse(?:Permanent)?Redirect|(?:^|\.)redirect)(?:\(\))?$")
_TO_LOGIN = re.compile(r"log-?_?in|sign-?_?in|auth", re.I)
_MIDDLEWARE = re.compile(
    r"(?:(?:Login|Auth\w*|Permission)Required|Require(?:Login|Auth|Permission)|LoginRequirement)\w*$"
)
_PATH_WORDS = re.compile(
    r"(?:^|[._])(?:path|path_info|url|urls|url_name|view_name|view|view_func|resolver_match|route)s?$|exempt|public|allowed|whitelist|open_",
    re.I,
)
_HOOKS = ("__call__", "process_view", "process_request")


def _about_path(test: t.Expr) -> bool:
    """Whether a test mentions where a request goes."""
    return any(
        isinstance(node, t.Name | t.Attr) and _PATH_WORDS.search(t.dotted(node))
        for node in t.walk_own(test)
    )


class DjangoGuards(PermissionGuards):
    """Judges what runs before a view of one project."""

    _processing = False

    def heard(self, summary: Summary) -> Summary:
        """`process_view` answers in the view's stead with anything but None."""
        if not self._processing:
            return summary
        passing = tuple(e for e in summary.exits if e.falsy)
        if len(passing) == len(summary.exits):
            return summary
        nodes = tuple(e.node for e in summary.exits if e not in passing)
        denies = summary.denies or summary.guaranteed < Strength.VERIFIED <= least(passing)
        return replace(summary, exits=passing, denies=denies, rejects=(*summary.rejects, *nodes))

    # --- handlers

    def body(self, function: Located, tests: PathTests | None = None) -> Guard | None:
        """As elsewhere; but who is only sent on, wherever he comes from, meets no guard."""
        guard = super().body(function, tests)
        if guard is None:
            return None
        summary = self.checks.summary(function, tests)
        if all(
            self._sends_on(n, function)
            for n in (*summary.rejects, *(e.node for e in summary.exits))
        ):
            return None
        return guard

    def _sends_on(self, node: t.Node, function: Located) -> bool:
        """Whether a statement answers with a redirect that does not lead to a login."""
        match node:
            case t.Return(value=t.Call(func=func, args=args)):
                target = " ".join(
                    t.dotted(n)
                    for a in args
                    for n in t.walk_own(a)
                    if isinstance(n, t.Name | t.Attr)
                )
                texts = " ".join(
                    str(n.value) for a in args for n in t.walk_own(a) if isinstance(n, t.Const)
                )
                name = self.code.name(func, self.code.inside(function)) or t.dotted(func)
                return bool(_REDIRECT.search(name)) and not _TO_LOGIN.search(f"{target} {texts}")
        return False

    def exchanges(self, function: Located) -> bool:
        """Whether a handler hands out a session or token for what the body brings: it is a login.

        It asks nothing else of the caller, neither who he is already nor for a header.
        """
        brings = False
        for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
            match node:
                case t.Attr(value=owner, name=name) if _REQUEST.search(t.dotted(owner)):
                    if name in _IDENTIFYING:
                        return False
                    brings = brings or name in _BODY
                case (
                    t.Call(func=t.Attr(value=owner, name="get"), args=[t.Const(value=str(key)), *_])
                    | t.Item(value=owner, index=t.Const(value=str(key)))
                ) if _HEADERS.search(t.dotted(owner)) and CREDENTIAL.search(key):
                    return False
        if not brings:
            return False
        reached = self.code.with_callees(function, 2)
        nodes = [n for each in reached for n in t.walk_own(*each.node.body)]  # type: ignore[attr-defined]
        asks = any(
            isinstance(n, t.Attr) and isinstance(n.value, t.Attr) and n.value.name == "user"
            and _REQUEST.search(t.dotted(n.value.value))
            for n in nodes
        )  # fmt: skip
        return not asks and any(
            isinstance(n, t.Call) and _ISSUES.search(t.dotted(n.func)) for n in nodes
        )

    # --- decorators

    def outside(self, layer: Layer, short: str) -> Judged | None:
        expr = layer.used.node
        if _TESTING.search(layer.name) and isinstance(expr, t.Call):
            return self.test(CallSite(expr, layer.used.scope).arg(0, "test_func"), layer.used.scope)
        if known := known_guard(layer.name):
            return known.state, known.reason
        if self.may_guard(layer.name):
            what = layer.name.replace("()", "")
            return Guarding.UNKNOWN, f"{what} lies outside this tree and is not known"
        return None

    def test(self, expr: t.Expr | None, scope: Scope) -> Judged:
        """What a test of `user_passes_test` or a `test_func` demands."""
        found = self.code.defined(expr, scope) if expr is not None else None
        for source in self.values.sources(expr, scope) if found is None else ():
            if isinstance(source.node, t.Lambda):
                found = self.code.as_function(Located(source.node, source.scope))
        if found is None or not isinstance(found.node, t.Function):
            return Guarding.UNKNOWN, "what the test demands could not be found"
        return self.telling(found)

    def method_decorators(self, expr: t.Expr, scope: Scope) -> Iterator[tuple[str, Located]]:
        """(method name or "", decorator) of `@method_decorator(login_required, name="dispatch")`."""
        if not isinstance(expr, t.Call) or not _DECORATING.search(
            self.code.name(expr.func, scope) or t.dotted(expr.func)
        ):
            return
        site = CallSite(expr, scope)
        given = site.arg(0, "decorator")
        name = self.values.text(site.arg(None, "name"), scope) or ""
        for source in self.values.sources(given, scope):
            items = source.node.items if isinstance(source.node, t.Seq) else [source.node]
            for item in items:
                yield name, Located(item, source.scope)

    # --- class-based views

    def of_class(
        self,
        found: Located,
        method: str,
        handler: Located | None,
        tests: PathTests,
        made: CallSite | None = None,
    ) -> Iterator[Guard]:
        """What a class-based view and its bases demand before the handler of a method runs.

        `made` is the `as_view(…)`, whose keywords take the place of the attributes.
        """
        bound = contexts_of(self.values).instance(found)
        if made is not None:
            for keyword in made.node.keywords:
                if keyword.name is not None:
                    bound[instance_attribute(found, keyword.name)] = Located(
                        keyword.value, made.scope
                    )
        behind_view = ""
        for ancestor in self.code.ancestry(found):
            short = re.split(r"[.:]", ancestor)[-1]
            definition = self.code.definition(ancestor)
            if definition is None:
                with self.checks.within(bound):
                    known = list(self._known_base(ancestor, short, found, behind_view))
                yield from known
                if _VIEW.match(ancestor):  # it has `dispatch`
                    behind_view = behind_view or "stands behind the view among the bases"
                continue
            if not behind_view and self._ends_here(definition):
                behind_view = f"stands behind {short}, whose dispatch does not call super()"
            with self.checks.within(bound):
                own = [
                    *self._metaclass(definition, tests),
                    *self._own_base(definition, method, tests),
                ]
            yield from own
        if handler is not None:
            for decorator in handler.node.decorators:  # type: ignore[attr-defined]
                inner = [given for _, given in self.method_decorators(decorator, handler.scope)]
                for given in inner or [Located(decorator, handler.scope)]:
                    yield from self.applied(Applied(given, "decorator"), tests)

    def _known_base(self, name: str, short: str, found: Located, late: str) -> Iterator[Guard]:
        at = place_of(found, short)
        if short == "UserPassesTestMixin" and name.startswith(_MIXIN_HOMES):
            test = self._method(found, "test_func")
            if test is not None:
                judged = self.telling(test)
                state = Guarding.DECORATIVE if judged[0] is _ABSENT else judged[0]
                yield Guard("test_func", place_of(test, "test_func"), "class", state, judged[1])
            return
        reason = _MIXINS.get(short) if name.startswith(_MIXIN_HOMES) else LOGIN_VIEWS.get(short)
        asked = self._method(found, "has_permission") if short in ASKING else None
        if asked is not None and isinstance(asked.node, t.Function):
            state, reason = self.telling(asked)
            yield Guard(short, place_of(asked, short), "class", state, reason)
        elif reason and late:
            told = f"{short} {late}, so that it never runs"
            yield Guard(short, at, "class", Guarding.DECORATIVE, told)
        elif reason:
            yield Guard(short, at, "class", _ENFORCED, reason)
        elif known := known_guard(name):
            yield Guard(short, at, "class", known.state, known.reason)
        elif re.search(r"(?:Login|Auth\w*|Permission|Staff|Superuser)Required\w*$", short) or (
            short.endswith("Mixin") and self.may_guard(name)
        ):
            told = f"{name} lies outside this tree and is not known"
            yield Guard(short, at, "class", Guarding.UNKNOWN, told)

    def _ends_here(self, definition: Located) -> bool:
        """Whether a class has a `dispatch` that calls that of no mixin behind it."""
        own = self.code.definition(f"{self.code.own_name(definition)}.dispatch")
        if own is None or not isinstance(own.node, t.Function):
            return False
        called = [n.func for n in t.walk(*own.node.body) if isinstance(n, t.Call)]
        mixins = (self.code.name(f, own.scope) for f in called if isinstance(f, t.Attr))
        return not any(isinstance(f, t.Name) and f.id == "super" for f in called) and not any(
            name.endswith("Mixin.dispatch") for name in mixins
        )

    def _own_base(self, definition: Located, method: str, tests: PathTests) -> Iterator[Guard]:
        inner = self.code.inside(definition)
        for decorator in definition.node.decorators:  # type: ignore[attr-defined]
            applied = list(self.method_decorators(decorator, definition.scope))
            if not applied and self.code.defined(t.callee(decorator), definition.scope) is not None:
                applied = [("", Located(decorator, definition.scope))]  # one of the tree's own
            for name, given in applied:
                if name in ("", "dispatch", method.lower()):
                    yield from (
                        replace(g, via="class")
                        for g in self.applied(Applied(given, "class"), tests)
                    )
        for stmt in definition.node.body:  # type: ignore[attr-defined]
            if not isinstance(stmt, t.Function) or stmt.name not in (
                "dispatch",
                "setup",
                "initial",
            ):
                continue
            dispatch = Located(stmt, inner)
            for decorator in stmt.decorators:
                for _, given in self.method_decorators(decorator, inner):
                    yield from (
                        replace(g, via="class")
                        for g in self.applied(Applied(given, "class"), tests)
                    )
            if guard := self.body(dispatch, tests) or self._careless(dispatch, tests):
                yield replace(guard, via="class")

    def _metaclass(self, definition: Located, tests: PathTests) -> Iterator[Guard]:
        """What the metaclass of a view wraps its `dispatch` in."""
        for keyword in definition.node.keywords:  # type: ignore[attr-defined]
            made = self.code.defined(keyword.value, definition.scope)
            if keyword.name != "metaclass" or made is None or not isinstance(made.node, t.Class):
                continue
            for stmt in made.node.body:
                for node in t.walk_own(*stmt.body) if isinstance(stmt, t.Function) else ():
                    match node:
                        case (
                            t.Call(args=[_, t.Const(value="dispatch"), t.Call(func=wrapper)])
                            | t.Assign(
                                targets=[t.Item(index=t.Const(value="dispatch")) | t.Attr(name="dispatch")],
                                value=t.Call(func=wrapper),
                            )
                        ):  # fmt: skip
                            given = Located(wrapper, self.code.inside(made))
                            yield from self.applied(Applied(given, "class"), tests)

    def _careless(self, dispatch: Located, tests: PathTests) -> Guard | None:
        """A `dispatch` that turns some away for who they are, and lets others pass unasked."""
        if not self.checks.may_deny(dispatch):
            return None
        summary = self.checks.summary(dispatch, tests)
        if not (summary.denies and summary.conditional and summary.exits):
            return None
        name = dispatch.node.name  # type: ignore[attr-defined]
        at = place_of(Located(summary.rejects[0], dispatch.scope), name)
        reason = "turns callers away for who they are, though not on every way"
        return Guard(name, at, "body", Guarding.OPTIONAL, reason)

    # --- middleware

    def middleware(self, project: DjangoProject, tests: PathTests, exempt: bool) -> list[Guard]:
        """What the project's middleware demands of a request for one route."""
        found: list[Guard] = []
        for dotted in project.main.texts("MIDDLEWARE"):
            short = dotted.rpartition(".")[2]
            definition = self._middleware_of(dotted, project)
            if definition is None:
                if _MIDDLEWARE.search(short) and not exempt:
                    at = project.main.place("MIDDLEWARE") or project.place
                    reason = "demands a signed-in user for every view that says nothing else"
                    state = _ENFORCED if dotted.startswith("django.") else Guarding.UNKNOWN
                    found.append(Guard(short, at, "middleware", state, reason))
                continue
            if CSRF.search(short):
                continue
            is_class = isinstance(definition.node, t.Class)
            made = contexts_of(self.values).instance(definition) if is_class else {}
            for function in self.hooks(definition):
                self._processing = function.node.name.startswith("process_")  # type: ignore[attr-defined]
                with self.checks.within(made):
                    guard = self.each_request(function, short, tests)
                    if guard is not None and guard.state is Guarding.OPTIONAL:
                        guard = self._undecided(guard, function, tests)
                self._processing = False
                if guard is not None:
                    found.append(guard)
                    break
        return found

    def _undecided(self, guard: Guard, function: Located, tests: PathTests) -> Guard | None:
        """A guard with exceptions, where it cannot be told whether a route is among them."""
        for each in self.code.with_callees(function, 2):
            scope = self.code.inside(each)
            for node in t.walk_own(*each.node.body):  # type: ignore[attr-defined]
                if isinstance(node, t.If | t.Choice) and _about_path(node.test):
                    if tests.decide(node.test, scope) is None:
                        reason = "which paths it lets pass cannot be told"
                        return replace(guard, state=Guarding.UNKNOWN, reason=reason)
        return None

    def _middleware_of(self, dotted: str, project: DjangoProject) -> Located | None:
        module: Module | None = self.code.module_of(
            dotted.rpartition(".")[0], project.main.module.scope
        )
        if module is None:
            return None
        return self.code.defined(named(dotted.rpartition(".")[2]), module.scope)

    def middlewares(self, project: DjangoProject) -> Iterator[Located]:
        """The middleware of the tree that a project runs."""
        for dotted in project.main.texts("MIDDLEWARE"):
            if (found := self._middleware_of(dotted, project)) is not None:
                yield found

    def hooks(self, definition: Located) -> Iterator[Located]:
        if isinstance(definition.node, t.Function):
            nested = self.code.definition(self.code.result(self.code.own_name(definition)))
            if nested is not None and isinstance(nested.node, t.Function):
                yield nested
            return
        for name in _HOOKS:
            if (method := self._method(definition, name)) is not None:
                yield method

    def around_dispatch(self, found: Located) -> list[Located]:
        """What decorates the `dispatch` of a class: `as_view` hands its marks on to the view."""
        listed: list[Located] = []
        for ancestor in self.code.ancestry(found):
            definition = self.code.definition(ancestor)
            if definition is None:
                continue
            for decorator in definition.node.decorators:  # type: ignore[attr-defined]
                named = self.method_decorators(decorator, definition.scope)
                listed += [given for name, given in named if name == "dispatch"]
            own = self.code.definition(f"{ancestor}.dispatch")
            if own is not None and isinstance(own.node, t.Function):
                for decorator in own.node.decorators:
                    inner = [x for _, x in self.method_decorators(decorator, own.scope)]
                    listed += inner or [Located(decorator, own.scope)]
                break
        return listed

    def is_login_free(self, found: Located) -> bool:
        """Whether a class has its `dispatch` from a view that LoginRequiredMiddleware leaves alone."""
        for ancestor in self.code.ancestry(found):
            if self.code.definition(ancestor) is None:
                if re.split(r"[.:]", ancestor)[-1] in LOGIN_FREE_VIEWS:
                    return True
            elif self.code.definition(f"{ancestor}.dispatch") is not None:
                return False
        return False

    def exempt(self, decorators: Sequence[Located]) -> bool:
        """Whether `@login_not_required` takes a view out of LoginRequiredMiddleware."""
        return any(_EXEMPTING.search(self.code.name(d.node, d.scope) or "") for d in decorators)  # type: ignore[arg-type]
