"""What a permission of Django REST framework demands: one of its own, one of the tree, or several put together.

https://www.django-rest-framework.org/api-guide/permissions/
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.frameworks.wrappers import WrapperGuards
from auditor.libraries.authentication import known_guard
from auditor.link.checks import Origin, Strength, Verification, recognises
from auditor.link.origins import Env
from auditor.link.pathtests import PathTests
from auditor.link.scopes import CallSite, Located, Scope, place_of
from auditor.link.values import Evaluator
from auditor.model.values import possible
from auditor.model.web import Guard, Guarding

Judged = tuple[Guarding, str]
_ENFORCED, _ABSENT = Guarding.ENFORCED, Guarding.ABSENT
_SAFE = {"GET", "HEAD", "OPTIONS"}
ASKING = {"PermissionRequiredMixin"}
"""Those that ask a `has_permission` of the view, which may be its own."""
_PERMISSIONS: dict[str, Judged | None] = {
    "IsAuthenticated": (_ENFORCED, "DRF's IsAuthenticated demands a signed-in user"),
    "IsAdminUser": (_ENFORCED, "DRF's IsAdminUser demands a member of staff"),
    "DjangoModelPermissions": (_ENFORCED, "DRF's DjangoModelPermissions demands a signed-in user"),
    "DjangoObjectPermissions": (
        _ENFORCED,
        "DRF's DjangoObjectPermissions demands a signed-in user",
    ),
    "IsAuthenticatedOrTokenHasScope": (_ENFORCED, "demands a signed-in user or a token's scope"),
    "TokenHasScope": (_ENFORCED, "django-oauth-toolkit demands a token with a scope"),
    "TokenHasReadWriteScope": (_ENFORCED, "django-oauth-toolkit demands a token with a scope"),
    "TokenMatchesOASRequirements": (_ENFORCED, "django-oauth-toolkit demands a token with a scope"),
    "HasAPIKey": (_ENFORCED, "djangorestframework-api-key looks the key up"),
    "AllowAny": None,
    "BasePermission": None,
}
_OR_READ_ONLY = {
    "IsAuthenticatedOrReadOnly", "DjangoModelPermissionsOrAnonReadOnly",
    "IsAdminUserOrReadOnly",
}  # fmt: skip
_OF_MODELS = {"DjangoModelPermissions", "DjangoObjectPermissions"}
_HAS_PERMISSION = re.compile(r"(?:\w+\.)+(\w+?)(?:\(\))?\.has_permission")


@recognises
def asking_permissions(site: CallSite, name: str, values: Evaluator) -> Verification | None:
    """`super().has_permission(request, view)`, `IsAuthenticated().has_permission(…)`."""
    match = _HAS_PERMISSION.fullmatch(name)
    if match is None or match[1] in _OR_READ_ONLY:
        return None
    if match[1] in ASKING:
        return Verification(Strength.VERIFIED, raises=False)
    judged = _PERMISSIONS.get(match[1])
    known = judged is not None and judged[0] is _ENFORCED
    return Verification(Strength.VERIFIED, raises=False) if known else None


@recognises
def authenticating_by_hand(site: CallSite, name: str, values: Evaluator) -> Verification | None:
    """`JWTAuthentication().authenticate(request)`: None for who sends nothing, an exception for the rest.

    https://www.django-rest-framework.org/api-guide/authentication/#custom-authentication
    """
    match = _BY_HAND.match(name)
    if match is None:
        return None
    return Verification(Strength.VERIFIED, raises=match[1] != "authenticate")


_BY_HAND = re.compile(
    r"^(?:rest_framework(?:_simplejwt|_jwt)?|knox|oauth2_provider|dj_rest_auth)\.(?:\w+\.)*\w+Authentication\(\)"
    r"\.(authenticate|authenticate_credentials|get_validated_token)$"
)


class PermissionGuards(WrapperGuards):
    """Judges the permissions of DRF's views, and whatever tells whether to let a user pass."""

    view: Located | None = None
    """The view class whose permissions are judged just now: permission classes ask it."""
    about_object = False
    """Whether that view asks them about an object as well."""

    def telling(
        self,
        function: Located,
        tests: PathTests | None = None,
        given: Mapping[str, Origin] | None = None,
    ) -> Judged:
        """What holds when a function that tells whether to let pass says yes.

        `given` is what its parameters are; else one alone, or one called so, is the user.
        """
        params = function.node.params  # type: ignore[attr-defined]
        if given is None:
            given = {
                p.name: Origin(identity=True)
                for p in params
                if "user" in p.name or len(params) == 1
            }
        summary = self.checks.summary(function, tests, given)
        name = function.node.name  # type: ignore[attr-defined]
        notes = "; ".join(summary.notes)
        yes = [e for e in summary.exits if not e.falsy]
        truth = summary.when_truthy if yes else Strength.VERIFIED
        if truth in (Strength.VERIFIED, Strength.DEFAULT_SECRET):
            return _ENFORCED, notes or f"{name} demands a signed-in user"
        if truth is Strength.OUTSIDE:
            return Guarding.UNKNOWN, notes or f"{name} rests on code outside this tree"
        if all(e.constant for e in yes):
            return _ABSENT, f"{name} says yes to everybody"
        if Strength.VERIFIED in {max(e.strength, e.truth) for e in yes}:
            return Guarding.OPTIONAL, f"{name} lets callers pass whom it does not verify"
        return Guarding.DECORATIVE, notes or f"{name} does not ask who is calling"

    def permission(
        self, expr: t.Expr, scope: Scope, tests: PathTests, depth: int = 0
    ) -> list[Guard]:
        """What one entry of `permission_classes` demands of a request."""
        match expr:
            case t.BinOp(op="&", left=left, right=right):
                return [*self.permission(left, scope, tests), *self.permission(right, scope, tests)]
            case t.BinOp(op="|", left=left, right=right):
                return self.either(
                    self.permission(left, scope, tests), self.permission(right, scope, tests)
                )
            case t.Unary(value=value):
                return self._negated(self.permission(value, scope, tests), Located(expr, scope))
            case t.Call(func=t.Name() | t.Attr() as func) if depth == 0:
                made = self.code.defined(func, scope)
                if made is not None and isinstance(made.node, t.Function):
                    return self._made(made, tests)
                return self.permission(func, scope, tests, 1)
        name = self.code.name(expr, scope) or t.dotted(expr)
        found = self.code.definition(name)
        if found is None and isinstance(expr, t.Name | t.Attr) and depth < 4:
            for source in self.values.sources(expr, scope):
                if (
                    isinstance(source.node, t.BinOp | t.Name | t.Attr | t.Call)
                    and source.node is not expr
                ):
                    return self.permission(source.node, source.scope, tests, depth + 1)
        at = place_of(
            found if found is not None else Located(expr, scope), re.split(r"[.:]", name)[-1]
        )
        judged = self.permission_class(name, found, tests)
        if judged is None:
            return []
        return [Guard(at.symbol, at, "class", *judged)]

    def _made(self, function: Located, tests: PathTests) -> list[Guard]:
        """What the class demands that a function of the tree makes: `require("orders.view")`."""
        assert isinstance(function.node, t.Function)
        inner, name = self.code.inside(function), function.node.name
        for node in t.walk_own(*function.node.body):
            if isinstance(node, t.Return) and node.value is not None:
                if (made := self.code.defined(node.value, inner)) is not None:
                    judged = self.permission_class(self.code.own_name(made), made, tests)
                    return [Guard(name, place_of(made, name), "class", *judged)] if judged else []
        why = f"what {name}() makes is not known"
        return [Guard(name, place_of(function, name), "class", Guarding.UNKNOWN, why)]

    @staticmethod
    def _negated(found: list[Guard], at: Located) -> list[Guard]:
        """`~A` lets pass whom A does not: nobody where A lets everybody, else strangers as well."""
        if found:
            return [replace(g, name=f"~{g.name}") for g in found if g.state is Guarding.UNKNOWN]
        return [Guard("~", place_of(at), "class", _ENFORCED, "negates what everybody meets")]

    @staticmethod
    def either(left: list[Guard], right: list[Guard]) -> list[Guard]:
        """`A | B` demands what both demand: nothing, where one lets everybody pass."""
        good = {_ENFORCED}
        if any(g.state in good for g in left) and any(g.state in good for g in right):
            return left
        if not left or not right:
            return []
        return [g for g in (*left, *right) if g.state is not _ENFORCED]

    def _asked_of(self, method: Located) -> Env:
        """The binding of `has_permission(self, request, view)` for the view it is asked of."""
        params = method.node.params  # type: ignore[attr-defined]
        if self.view is None or len(params) < 3:
            return {}
        return {(id(self.code.inside(method)), params[2].name): self.view}

    def permission_class(self, name: str, found: Located | None, tests: PathTests) -> Judged | None:
        short = re.split(r"[.:]", name)[-1].removesuffix("()")
        if found is None:
            if short in _OR_READ_ONLY:
                return None if tests.method in _SAFE else (_ENFORCED, f"{short} guards what writes")
            if short in _PERMISSIONS:
                return _PERMISSIONS[short]
            if known := known_guard(name):
                return known.state, known.reason
            return Guarding.UNKNOWN, f"{name} lies outside this tree and is not known"
        if not isinstance(found.node, t.Class):
            return Guarding.UNKNOWN, f"what {short} makes is not known"
        if tests.method in _SAFE and self._lets_read(found):
            return None
        for ancestor in self.code.ancestry(found):
            definition = self.code.definition(ancestor)
            if definition is None:
                return self.permission_class(ancestor, None, tests) or self._of_object(found, tests)
            method = self.code.definition(f"{ancestor}.has_permission") or self.code.definition(
                f"{ancestor}.has_permission_async"
            )
            if method is not None and isinstance(method.node, t.Function):
                with self.checks.within(self._asked_of(method)):
                    state, reason = self.telling(method, tests)
                    if state is Guarding.DECORATIVE:
                        if self.telling(method, replace(tests, method="POST"))[0] is _ENFORCED:
                            state, reason = Guarding.OPTIONAL, "lets everybody read"
                            if tests.method in _SAFE:
                                state = _ABSENT
                told = None if state is _ABSENT else (state, reason)
                return told if state is _ENFORCED else self._of_object(found, tests) or told
        return self._of_object(found, tests)

    def _lets_read(self, found: Located) -> bool:
        """Whether a class of DRF's DjangoModelPermissions does not ask who reads.

        https://www.django-rest-framework.org/api-guide/permissions/#djangomodelpermissions: with
        `authenticated_users_only` off, who reads is asked for what `perms_map` lists: nothing.
        """
        bases = (re.split(r"[.:]", name)[-1] for name in self.code.ancestry(found))
        if not any(base in _OF_MODELS for base in bases) or self.values.attribute(
            found, "perms_map"
        ):
            return False
        for source in self.values.attribute(found, "authenticated_users_only"):
            value = self.values.value(source.node, source.scope)  # type: ignore[arg-type]
            return any(not known.value for known in possible(value))
        return False

    def _of_object(self, found: Located, tests: PathTests) -> Judged | None:
        """What a permission demands with its object in hand, where the view asks about one."""
        method = self._method(found, "has_object_permission") if self.about_object else None
        if method is None or not isinstance(method.node, t.Function):
            return None
        state, reason = self.telling(method, tests)
        return (state, reason) if state is _ENFORCED else None

    def _method(self, found: Located, name: str) -> Located | None:
        for ancestor in self.code.ancestry(found):
            if method := self.code.definition(f"{ancestor}.{name}"):
                return method
        return None
