"""fastapi-jwt-auth and its successors: an injected object that is asked to verify the token.

https://indominusbyte.github.io/fastapi-jwt-auth/usage/basic/: `Authorize: AuthJWT = Depends()`, then
`Authorize.jwt_required()` raises 401, `jwt_optional()` raises for a wrong token only, and what the
token says is None where none was sent.
"""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.link.checks import Checks, Origin, Strength, Verification, recognises, vouches
from auditor.link.scopes import CallSite, Scope
from auditor.link.values import Evaluator

_OBJECT = r"^(?:\w*fastapi\w*jwt_auth)(?:\.\w+)*\.AuthJWT(?:Bearer)?\(\)(?:\(\))?\."
_DEMANDS = re.compile(_OBJECT + r"(?:jwt_required|fresh_jwt_required|jwt_refresh_token_required)$")
_TELLS = re.compile(_OBJECT + r"(?:get_jwt_subject|get_raw_jwt)(?:\(\))?$")


@recognises
def token_demanded(site: CallSite, name: str, values: Evaluator) -> Verification | None:
    if "AuthJWT" in name and _DEMANDS.search(name):
        return Verification(Strength.VERIFIED, raises=True, denies=True)
    return None


@vouches
def token_subject(expr: t.Expr, name: str, scope: Scope, checks: Checks) -> Origin | None:
    if "AuthJWT" in name and isinstance(expr, t.Call) and _TELLS.search(name):
        return Origin(truth=Strength.VERIFIED, identity=True)
    return None
