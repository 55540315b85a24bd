"""Turning callers away: which exceptions and responses do."""

from __future__ import annotations

import re
from collections.abc import Callable

from auditor.extract.python import tree as t
from auditor.link.checks.parts import Part
from auditor.link.scopes import Located, arguments

DENIAL = {401, 403, 1008, 3000, 3003, 4001, 4003, 4401, 4403}
"""HTTP statuses, and close codes of web sockets (RFC 6455, section 7.4; 4000 up are private)."""
DENIAL_NAMES = re.compile(r"_40[13]_|UNAUTHORIZED|FORBIDDEN|POLICY_VIOLATION")
_ERROR_NAMES = re.compile(
    r"HTTP_[45]\d\d_|UNAUTHORIZED|FORBIDDEN|BAD_REQUEST|NOT_FOUND|HttpResponse(?:BadRequest|Forbidden|Not\w+|Gone|ServerError)$"
)
DENIAL_WORDS = re.compile(r"auth|credential|permission|forbidden|token|denied|login", re.I)
TURNS_AWAY = re.compile(
    r"redirect|unauthorized|forbidden|no_permission|permission_denied|_jwt_in_request|jwt_\w*required"
    r"|authori[sz]e|authenticate|construct_event|require_(?:user|login|role|perm|auth)",
    re.I,
)
_RESPONSES = re.compile(
    r"(?:Response\w*|abort|[rR]edirect\w*|(?:make|create)_response|unauthorized|forbidden|handle_no_permission"
    r"|permission_denied|render|redirect_to_login)$"
)
_SENDING = re.compile(r"(?:^|\.)(?:websocket|ws|socket)\.close$|^send$|^\w*(?:response|resp)$")
_LOGIN = re.compile(r"log-?_?in|sign-?_?in|auth", re.I)
_DEMANDING = re.compile(r"(?:^|\.)(?:login_required|staff_member_required|permission_required)$")


_REDIRECT = re.compile(r"[rR]edirect\w*$")
_ADDRESS = re.compile(r"(?:^|\.)(?:url_for|reverse|reverse_lazy)$")
_TELLING = re.compile(r"(?:^|\.)flash$|messages\.\w+$|log(?:ger|ging)?\.\w+$|^print$")


class Refusals(Part):
    """Judges exceptions and responses."""

    def is_denial(self, what: t.Expr) -> bool:
        """Whether an exception or response says 401 or 403."""
        name = self.code.name(t.callee(what), self.scope)
        words = f"{name} {t.dotted(t.callee(what))}"
        if DENIAL_WORDS.search(words):
            return True
        if isinstance(what, t.Call) and (status := self.answered(what)) is not None:
            return _says(status.node, _denial)
        if "edirect" in words and isinstance(what, t.Call):
            return any(self.leads_to_login(given) for given in arguments(what))
        if isinstance(what, t.Seq) and len(what.items) > 1:
            return any(_says(status, _denial) for status in self.statuses(what.items[1]))
        origins = [Located(what, self.scope)]
        if isinstance(what, t.Name):
            origins = self.values.origins(what, self.scope) or origins
        for origin in origins:
            if self.sends_to_login(origin.node):
                return True
            if _says(origin.node, _denial):
                return True
        return False

    def sends_to_login(self, response: t.Node) -> bool:
        """An exception or response with a `Location` header that leads to a login."""
        for node in t.walk_own(response):
            if isinstance(node, t.Map):
                for key, target in zip(node.keys, node.values, strict=True):
                    if isinstance(key, t.Const) and str(key.value).lower() == "location":
                        return self.leads_to_login(target)
        return False

    def answered(self, call: t.Call, raised: bool = False) -> Located | None:
        """The status with which a function of the tree answers: `error("No", 401)`."""
        return self.checks.responders.status(call, self.scope, raised)

    def statuses(self, status: t.Expr) -> list[t.Node]:
        """What stands for a status: `body, status = error("No", 401)` names it at the call."""
        if isinstance(status, t.Name):
            bindings = self.scope.bindings.get(status.id, ())
            calls = [b.value for b in bindings if b.index == 1 and isinstance(b.value, t.Call)]
            found = [self.answered(call) for call in calls]
            if found and len(found) == len(bindings):
                return [each.node if each is not None else status for each in found]
        return [status]

    def aborts(self, value: t.Expr, returned: bool = True) -> bool:
        """A response that turns the caller away: `abort(401)`, `JSONResponse(status_code=401)`.

        `returned` tells whether it is what a function returns, or only done.
        """
        call = value.value if isinstance(value, t.Await) else value
        if self.checks.tuples_respond and isinstance(call, t.Seq) and len(call.items) > 1:
            return all(map(_is_error, self.statuses(call.items[1])))
        if self.trace.refusing and returned and tells_error(call):
            return True
        if isinstance(call, t.Name) and returned:
            made = [o.node for o in self.values.origins(call, self.scope)]
            calls = [node for node in made if isinstance(node, t.Call)]
            return bool(calls) and len(calls) == len(made) and all(map(self.aborts, calls))
        if not isinstance(call, t.Call):
            return False
        if isinstance(call.func, t.Call) and _DEMANDING.search(t.dotted(call.func.func)):
            self.trace.deny(call)  # `return login_required(view)(request)`
            return False
        if (status := self.answered(call, raised=not returned)) is not None:
            return _is_error(status.node)
        name = self.code.name(call.func, self.scope) or t.dotted(call.func)
        if _SENDING.search(t.dotted(call.func)) and not name.endswith(".make_response"):
            return self.sends_denial(call)
        if not _RESPONSES.search(name):
            return self.always_denies(name, returned)
        if self.is_model(name):
            return False
        if re.search(r"[rR]edirect\w*$", name) and not name.endswith("redirect_to_login"):
            return self.trace.refusing or any(
                self.leads_to_login(given) for given in arguments(call)
            )
        return self.is_denial(call) or _is_error(call)

    def is_model(self, name: str) -> bool:
        """Whether what is called a response is only a record that one is made of: `TokenResponse(…)`."""
        found = self.code.definition(name)
        if found is None or not isinstance(found.node, t.Class):
            return False
        outside = [base for base in self.code.ancestry(found) if ":" not in base]
        return not any(_RESPONSES.search(base) or "Exception" in base for base in outside)

    def turns_back(self, stmt: t.If) -> bool:
        """`if not post: flash("gone"); return redirect(url_for("index"))`: as good as a 404."""
        *above, last = stmt.body
        if not _is_missing(stmt.test) or not isinstance(last, t.Return):
            return False
        call = last.value
        if not isinstance(call, t.Call) or not _REDIRECT.search(t.dotted(call.func)):
            return False
        return _is_own_address(call) and all(
            isinstance(each, t.Do)
            and isinstance(each.value, t.Call)
            and _TELLING.search(t.dotted(each.value.func))
            for each in above
        )

    def sends_denial(self, call: t.Call) -> bool:
        """`await response(scope, receive, send)`, `send({"status": 401})`, `websocket.close(1008)`."""
        if isinstance(call.func, t.Name) and len(call.args) == 3:
            responses = self.values.origins(call.func, self.scope)
            found = [r.node for r in responses if isinstance(r.node, t.Call)]
            denied = bool(found) and all(self.is_denial(response) for response in found)
            self.trace.denies |= denied
            return denied
        if isinstance(call.func, t.Attr) and call.func.name == "close":
            return self.is_denial(call)
        return any(isinstance(given, t.Map) and _is_error(given) for given in arguments(call))

    def always_denies(self, name: str, returned: bool) -> bool:
        """A function of the tree that makes the response which turns callers away."""
        found = self.code.definition(name)
        if found is None or not isinstance(found.node, t.Function):
            return False
        if not self.checks.may_deny(found):
            return False
        summary = self.checks.summary(found)
        return summary.denies and not summary.exits and (returned or not summary.answers)

    def leads_to_login(self, target: t.Expr) -> bool:
        """`/login`, `url_for("auth.login")`, `reverse("login")`, `settings.LOGIN_URL`."""
        if _LOGIN.search(self.values.text(target, self.scope) or ""):
            return True
        for node in t.walk_own(target):
            match node:
                case t.Const(value=str(word)) | t.Name(id=word) | t.Attr(name=word):
                    if _LOGIN.search(word):
                        return True
        return False

    def reject(self, node: t.Node, what: t.Expr | None) -> None:
        self.trace.rejects.append(node)
        if what is not None and (self.trace.refusing or self.is_denial(what)):
            self.trace.denies = True


def _is_missing(test: t.Expr) -> bool:
    """`not found`, `found is None`, `kind not in KINDS`."""
    match test:
        case t.Unary(op="not", value=t.Name()):
            return True
        case t.Compare(left=t.Name(), ops=["is" | "=="], rights=[t.Const(value=None)]):
            return True
        case t.Compare(left=t.Name(), ops=["not in"]):
            return True
    return False


def _is_own_address(redirect: t.Call) -> bool:
    """Whether a redirect leads to a page of the application, whose address says nothing."""
    if not redirect.args:
        return False
    target = redirect.args[0]
    if isinstance(target, t.Call):
        return bool(_ADDRESS.search(t.dotted(target.func)))
    return isinstance(target, t.Const) and isinstance(target.value, str)


_ERROR_KEY = re.compile(r"err(?:or|no|code|msg|_?message|_?code)?s?$", re.I)
_SUCCESS_KEY = re.compile(r"(?:is_?)?(?:success|ok|succeeded|authenticated)$", re.I)
_CODE_KEY = re.compile(r"(?:status|code|status_?code|http_?code)$", re.I)


def tells_error(response: t.Node) -> bool:
    """`jsonify(errno=4101, errmsg="sign in first")`, `{"code": 401}`: an error that is told with a status of 200."""
    entries: list[tuple[str, t.Expr]] = []
    match response:
        case t.Map(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, t.Const):
                    entries.append((str(key.value), value))
        case t.Call(func=func, args=args, keywords=keywords) if _WRAPS.search(t.dotted(func)):
            entries = [(k.name, k.value) for k in keywords if k.name]
            if any(tells_error(arg) for arg in args):
                return True
    for name, value in entries:
        told = value.value if isinstance(value, t.Const) else ...
        if _ERROR_KEY.search(name) and (told is ... or (told and told != 200)):
            return True
        if _SUCCESS_KEY.match(name) and told is False:
            return True
        if _CODE_KEY.match(name) and (told in ("error", "fail", "failed") or _error(value)):
            return True
    return False


_WRAPS = re.compile(r"(?:^|\.)(?:jsonify|dict|dumps|JsonResponse|JSONResponse|make_response|json)$")


def _is_error(call: t.Node) -> bool:
    """Whether a response carries a status of 4xx or 5xx."""
    return _says(call, _error)


def _says(node: t.Node, status: Callable[[t.Node], bool]) -> bool:
    """Whether a response has such a status; of `200 if done else 400` both have to be such."""
    if status(node):
        return True
    if isinstance(node, t.Lambda):
        return False
    if isinstance(node, t.Choice):
        return _says(node.then, status) and _says(node.other, status)
    return any(_says(below, status) for below in t.children(node))


def _error(node: t.Node) -> bool:
    match node:
        case t.Const(value=int(code)):
            return 400 <= code < 600
        case t.Attr(name=name) | t.Name(id=name):
            return bool(_ERROR_NAMES.match(name))
    return False


def _denial(node: t.Node) -> bool:
    match node:
        case t.Const(value=int(code)):
            return code in DENIAL
        case t.Attr() | t.Name():
            return bool(DENIAL_NAMES.search(t.dotted(node)))
    return False
