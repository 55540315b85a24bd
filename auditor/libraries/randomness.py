"""Secrets drawn from generators that can be predicted (CWE-338): `random`, the clock, `uuid1`.

https://docs.python.org/3/library/random.html: the Mersenne Twister is unsuitable for security; `secrets`
and `random.SystemRandom` are made for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.extract.python import tree as t
from auditor.link.application import Application, provides
from auditor.link.scopes import CallSite, Located, place_of
from auditor.model.tokens import PredictableToken
from auditor.model.web import Route

_DRAWS = {
    f"random.{name}"
    for name in (
        "choice",
        "choices",
        "sample",
        "randint",
        "randrange",
        "random",
        "getrandbits",
        "randbytes",
        "shuffle",
    )
}
_NUMPY = {"numpy.random.randint", "numpy.random.choice"}
_UUID = {"uuid.uuid1"}
_LASTING = re.compile(
    r"(?:^|_)(?:token|secret|password|passwd|pwd|api_?key|apikey|session_?(?:id|key|token)?|reset_?(?:token|key|code)"
    r"|access_?key|signing_?key|secret_?key|private_?key|csrf|auth_?(?:token|key|code)|hash_?key|credential|salt"
    r"|activation_?key|confirmation_?(?:key|token)|magic_?link|license_?key)(?:$|_)", re.I
)  # fmt: skip
_SHORT = re.compile(
    r"(?:^|_)(?:otp|one_?time_?(?:code|password)|(?:reset_?)?pin(?:_?code)?|pass_?code|verif\w*_?(?:code|number|pin)"
    r"|sms_?code|auth_?code|login_?code|confirm\w*_?code|recovery_?codes?|backup_?codes?|cvv|activation_?code|nonce"
    r"|invit\w*_?code|two_?factor\w*|mfa\w*|captcha_?answer)(?:$|_)", re.I
)  # fmt: skip
_NOT_SECRETS = re.compile(r"tokens$|_tokens_|num_|max_|n_|count|length|size|index|limit|prefix|weights?$|volume|batch|probab|sleep|delay|jitter|color", re.I)  # fmt: skip
_MADE_UP = re.compile(
    r"(?:^|/)(?:libs|vendor|_?vendored|third_?party|site-packages)/|(?:^|/)(?:management/commands|migrations|alembic|seed\w*|fake\w*|factor(?:y|ies)|mocks?|demo\w*|simulat\w*|dev_?tools"
    r"|load_?test\w*|benchmarks?)(?:/|\.py$)|(?:^|/)[^/]*(?:seed|fake|dummy|demo|mock|populate|generate_data|sample_data|simulat)[^/]*\.py$", re.I
)  # fmt: skip


@provides(PredictableToken)
def predictable_tokens(application: Application) -> Iterator[PredictableToken]:
    code = application.code
    found: dict[tuple[str, int], PredictableToken] = {}
    for site in code.calls(*_DRAWS, *_NUMPY, *_UUID):
        if _MADE_UP.search(site.path):
            continue
        for word in _targets(application, site):
            lasting = bool(_LASTING.search(word))
            if _NOT_SECRETS.search(word) or not (lasting or _SHORT.search(word)):
                continue
            name = code.name(site.node.func, site.scope)
            lasting = lasting and not _SHORT.search(word)
            token = PredictableToken(word, f"{name}()", place_of(site), lasting)
            found.setdefault((site.path, site.node.line), token)
            break
    yield from found.values()


_HANDED_OUT = {
    "token",
    "access_token",
    "auth_token",
    "jwt",
    "jwt_token",
    "session_token",
    "id_token",
}
_SIGNS_IN = re.compile(r"log_?in|sign_?(?:in|up)|auth|token|regist", re.I)


@provides(PredictableToken)
def constant_tokens(application: Application) -> Iterator[PredictableToken]:
    """`return {"token": "mock_jwt_token"}` from a login route."""
    for function in {id(r.function): r.function for r in application.facts(Route)}.values():
        if function is None or not isinstance(function.node, t.Function):
            continue
        if not _SIGNS_IN.search(function.node.name):
            continue
        for node in t.walk_own(*function.node.body):
            if not isinstance(node, t.Return) or node.value is None:
                continue
            for inner in t.walk_own(node.value):
                for key, value in _pairs(inner):
                    if key in _HANDED_OUT and _is_text(value):
                        place = place_of(Located(value, application.code.inside(function)))
                        yield PredictableToken(key, "", place, True)


def _pairs(node: t.Node) -> Iterator[tuple[str, t.Expr]]:
    match node:
        case t.Map(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, t.Const) and isinstance(key.value, str):
                    yield key.value, value
        case t.Call(keywords=keywords):
            yield from ((k.name, k.value) for k in keywords if k.name)


def _is_text(value: t.Expr) -> bool:
    return isinstance(value, t.Hidden) or (
        isinstance(value, t.Const) and isinstance(value.value, str) and len(value.value) > 3
    )


def _targets(application: Application, site: CallSite) -> Iterator[str]:
    """What a drawn value is called: the variable, argument or key it becomes, else its function."""
    statement = _statement(application, site)
    match statement:
        case t.Assign(targets=targets):
            for target in targets:
                yield from _word(target)
    holders: list[tuple[str, t.Expr, bool]] = []
    for node in t.walk_own(statement) if statement is not None else ():
        match node:
            case t.Call(keywords=keywords):
                for keyword in keywords:
                    if keyword.name and _holds(keyword.value, site.node):
                        holders.append((keyword.name, keyword.value, False))
            case t.Map(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, t.Const) and isinstance(key.value, str):
                        if _holds(value, site.node):
                            holders.append((key.value, value, True))
    keyed = any(
        is_key for _, _, is_key in holders
    )  # what the function gives is the record around it
    for name, value, _ in holders:  # the innermost: `session=Session(duration=randint(90, 180))`
        if not any(other is not value and _holds(value, other) for _, other, _ in holders):
            yield name
    function = site.function
    if function is not None and not keyed and _made_for_return(function, statement):
        yield function.name


def _statement(application: Application, site: CallSite) -> t.Stmt | None:
    """The simple statement that a call stands in."""
    owner = site.scope.owner
    body = site.scope.module.body if owner is None else getattr(owner, "body", [])
    if not isinstance(body, list):
        return None
    for node in t.walk_own(*body):
        if isinstance(node, t.Assign | t.Return | t.Do | t.Raise):
            if node.line <= site.node.line <= node.end_line and _holds(node, site.node):
                return node
    return None


def _holds(root: t.Node, wanted: t.Node) -> bool:
    return any(node is wanted for node in t.walk(root))


def _word(target: t.Expr) -> Iterator[str]:
    match target:
        case t.Name(id=name) | t.Attr(name=name):
            yield name
        case t.Item(index=t.Const(value=str(name))):
            yield name


def _made_for_return(function: t.Function, statement: t.Stmt | None) -> bool:
    """Whether a function's result is what was drawn."""
    if isinstance(statement, t.Return):
        return True
    if not isinstance(statement, t.Assign):
        return False
    names = {target.id for target in statement.targets if isinstance(target, t.Name)}
    return any(
        isinstance(node, t.Return)
        and node.value is not None
        and any(isinstance(n, t.Name) and n.id in names for n in t.walk_own(node.value))
        for node in t.walk_own(*function.body)
    )
