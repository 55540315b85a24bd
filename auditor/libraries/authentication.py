"""What well-known authentication packages do: which calls verify, which dependencies guard.

Sources: the packages' own documentation (PyJWT, python-jose, Authlib, passlib, firebase-admin,
itsdangerous, FastAPI's security utilities, fastapi-users, …).
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from auditor.extract.python import tree as t
from auditor.link.checks import Checks, Origin, Strength, Verification, recognises, vouches
from auditor.link.decisions import assures
from auditor.link.scopes import CallSite, Located, Scope, argument
from auditor.link.values import Evaluator
from auditor.model.values import Known, Masked, Value, possible, settings_in
from auditor.model.web import Guarding

JWT_DECODERS = {
    "jwt.decode": 1,
    "jwt.decode_complete": 1,
    "jwt.PyJWT().decode": 1,
    "jwt.api_jwt.decode": 1,
    "jose.jwt.decode": 1,
    "jose.jws.verify": 1,
    "authlib.jose.jwt.decode": 1,
    "authlib.jose.JsonWebToken().decode": 1,
    "joserfc.jwt.decode": 1,
    "joserfc.jws.deserialize_compact": 1,
    "joserfc.jwe.decrypt_compact": 1,
    "jose.jwe.decrypt": 1,
    "authlib.jose.JsonWebEncryption().deserialize_compact": 1,
    "jwcrypto.jwt.JWT": 1,
}
"""Function -> position of the key. All raise when the signature, or what was encrypted, does not fit."""

UNVERIFIED = {
    "jose.jwt.get_unverified_claims",
    "jose.jwt.get_unverified_header",
    "jwt.get_unverified_header",
}

_RAISING = {
    "firebase_admin.auth.verify_id_token",
    "firebase_admin.auth.verify_session_cookie",
    "google.oauth2.id_token.verify_oauth2_token",
    "google.oauth2.id_token.verify_firebase_token",
    "google.oauth2.id_token.verify_token",
    "argon2.PasswordHasher().verify",
    "cryptography.fernet.Fernet().decrypt",
    "itsdangerous.URLSafeTimedSerializer().loads",
    "itsdangerous.url_safe.URLSafeTimedSerializer().loads",
    "itsdangerous.TimedJSONWebSignatureSerializer().loads",
    "itsdangerous.JSONWebSignatureSerializer().loads",
    "itsdangerous.TimedSerializer().loads",
    "flask_jwt_extended.decode_token",
    "flask_praetorian.Praetorian().extract_jwt_token",
    "itsdangerous.URLSafeSerializer().loads",
    "itsdangerous.TimestampSigner().unsign",
    "itsdangerous.Signer().unsign",
    "cryptography.fernet.MultiFernet().decrypt",
    "keycloak.KeycloakOpenID().userinfo",
    "keycloak.KeycloakOpenID().introspect",
    "keycloak.KeycloakOpenID().decode_token",
    "clerk_backend_api.Clerk().authenticate_request",
    "kmsauth.KMSTokenValidator().decrypt_token",
    "jwt_ninja.cryptography.decode_jwt",
    "ldap.initialize().simple_bind_s",
    "ldap.initialize().bind_s",
}

_TELLING = {
    "hmac.compare_digest",
    "starlette.authentication.has_required_scope",
    "secrets.compare_digest",
    "bcrypt.checkpw",
    "werkzeug.security.check_password_hash",
    "django.contrib.auth.authenticate",
    "passlib.hash.bcrypt.verify",
    "passlib.hash.argon2.verify",
    "passlib.hash.pbkdf2_sha256.verify",
    "passlib.hash.pbkdf2_sha512.verify",
    "passlib.hash.sha256_crypt.verify",
    "passlib.hash.sha512_crypt.verify",
    "passlib.hash.bcrypt_sha256.verify",
    "passlib.hash.scrypt.verify",
    "passlib.apps.custom_app_context.verify",
    "flask_security.verify_password",
    "flask_security.utils.verify_password",
    "passlib.context.CryptContext().verify",
    "passlib.context.CryptContext().verify_and_update",
    "pwdlib.PasswordHash().verify",
    "pwdlib.PasswordHash.recommended().verify",
    "pyotp.TOTP().verify",
    "supabase.create_client().auth.get_user",
    "supabase.Client().auth.get_user",
}

_OKTA = re.compile(
    r"^okta_jwt_verifier\.(?:\w+\.)*\w+Verifier\(\)\.verify(?:_\w+_token)?(?:_sync)?$"
)
"""Raises JWTValidationException. https://github.com/okta/okta-jwt-verifier-python"""
_JWT_AUTHENTICATION = re.compile(
    r"^(?:rest_framework_simplejwt|ninja_jwt)\.(?:\w+\.)*\w*JWT\w*(?:\(\))?\.get_validated_token$"
)
"""Raises InvalidToken. https://django-rest-framework-simplejwt.readthedocs.io"""
_REST_AUTHENTICATION = re.compile(
    r"^(?:rest_framework|rest_framework_simplejwt)\.(?:\w+\.)*\w+Authentication(?:\(\))?\.authenticate$"
)
"""Gives a user with his credential, or None where none was sent; raises for a wrong one."""

PRESENCE_SCHEMES = re.compile(
    r"fastapi\.security\.(?:\w+\.)?(?:HTTPBearer|HTTPBasic|HTTPDigest|OAuth2|OAuth2PasswordBearer"
    r"|OAuth2AuthorizationCodeBearer|OpenIdConnect|APIKeyHeader|APIKeyQuery|APIKeyCookie)"
)
"""Security schemes that only demand that a credential is sent; none looks at what it says."""


class KnownGuard(msgspec.Struct, frozen=True):
    pattern: re.Pattern[str]
    state: Guarding
    reason: str


KNOWN_GUARDS = tuple(
    KnownGuard(re.compile(pattern), state, reason)
    for pattern, state, reason in (
        (
            r"^django\.contrib\.auth\.decorators\.(?:login_required|permission_required)(?:\(\))?$",
            Guarding.ENFORCED,
            "Django demands a signed-in user",
        ),
        (
            r"^django\.contrib\.admin\.(?:views\.decorators\.)?staff_member_required(?:\(\))?$"
            r"|(?:^|\.)superuser_required(?:\(\))?$",
            Guarding.ENFORCED,
            "Django demands a member of staff",
        ),
        (
            r"^django\.contrib\.admin\.sites\.AdminSite\(\)\.admin_view|\.site\.admin_view(?:\(\))?$",
            Guarding.ENFORCED,
            "the administration's own login guards the view",
        ),
        (
            r"^(?:guardian|rules)\.(?:\w+\.)*(?:permission_required|permission_required_or_403)(?:\(\))?$",
            Guarding.ENFORCED,
            "demands a permission",
        ),
        (
            r"^(?:allauth|two_factor|django_otp)\.(?:\w+\.)*(?:\w*login_required|verified_email_required|otp_required|reauthentication_required)(?:\(\))?$",
            Guarding.ENFORCED,
            "demands a signed-in user",
        ),
        (
            r"^oauth2_provider\.decorators\.(?:protected_resource|rw_protected_resource)(?:\(\))?$",
            Guarding.ENFORCED,
            "django-oauth-toolkit verifies the token",
        ),
        (
            r"^ninja(?:_extra)?\.security\.(?:\w+\.)*(?:django_auth\w*|(?:Async)?SessionAuth\w*)(?:\(\))?$",
            Guarding.ENFORCED,
            "django-ninja demands a signed-in user",
        ),
        (
            r"^(?:ninja_jwt|jwt_ninja)\.(?:\w+\.)*\w*JWT\w*Auth\w*(?:\(\))?$",
            Guarding.ENFORCED,
            "verifies the token",
        ),
        (
            r"^ninja_apikey\.security\.\w+(?:\(\))?$"
            r"|^allauth\.headless\.contrib\.(?:ninja|rest_framework)\.\w+\.\w+(?:\(\))?$",
            Guarding.ENFORCED,
            "looks the key or session up",
        ),
        (
            r"fastapi_users\.FastAPIUsers\(\)\.current_user\(\)$",
            Guarding.ENFORCED,
            "fastapi-users verifies the session or token",
        ),
        (
            r"fastapi_users\.FastAPIUsers\(\)\.(?:authenticator\.)?current_token\(\)$",
            Guarding.ENFORCED,
            "fastapi-users verifies the token",
        ),
        (
            r"fastapi_login\.LoginManager\(\)$",
            Guarding.ENFORCED,
            "fastapi-login verifies the token",
        ),
        (
            r"fastapi_azure_auth\.\w+\(\)$",
            Guarding.ENFORCED,
            "fastapi-azure-auth verifies the token",
        ),
        (
            r"fastapi_cloudauth\.\w+(?:\.\w+)?\(\)",
            Guarding.ENFORCED,
            "fastapi-cloudauth verifies the token",
        ),
        (
            r"fastapi_keycloak\.FastAPIKeycloak\(\)\.get_current_user\(\)$",
            Guarding.ENFORCED,
            "fastapi-keycloak verifies the token",
        ),
        (
            r"fastapi_clerk_auth\.ClerkHTTPBearer\(\)$",
            Guarding.ENFORCED,
            "fastapi-clerk-auth verifies the token",
        ),
        (
            r"fastapi_auth0\.Auth0\(\)\.get_user$",
            Guarding.ENFORCED,
            "fastapi-auth0 verifies the token",
        ),
        (
            r"authx\.AuthX\(\)\.(?:access_token_required|get_token_from_request|fresh_token_required)",
            Guarding.ENFORCED,
            "AuthX verifies the token",
        ),
        *(
            (rf"^(?:{pattern})(?:\(\))?$", Guarding.ENFORCED, reason)
            for pattern, reason in (
                (
                    r"(?:flask|quart)_(?:login|auth)(?:\.utils)?\.(?:login_required|fresh_login_required)",
                    "the login extension demands a signed session with a user",
                ),
                (
                    r"(?:flask|quart)_jwt_extended(?:\.view_decorators)?\."
                    r"(?:jwt_required|fresh_jwt_required|jwt_refresh_token_required)",
                    "flask-jwt-extended verifies the token",
                ),
                (r"flask_jwt\.jwt_required", "flask-jwt verifies the token"),
                (
                    r"flask_jwt_oidc(?:\.\w+)?\.JwtManager\(\)\."
                    r"(?:requires_auth|requires_roles|has_one_of_roles|requires_auth_cookie)",
                    "flask-jwt-oidc verifies the token",
                ),
                (
                    r"flask_security(?:\.decorators)?\.(?:auth_required|login_required"
                    r"|auth_token_required|http_auth_required|roles_required|roles_accepted"
                    r"|permissions_required|permissions_accepted)",
                    "flask-security demands an authenticated user",
                ),
                (
                    r"flask_praetorian(?:\.decorators)?\.(?:auth_required|roles_required|roles_accepted)",
                    "flask-praetorian verifies the token",
                ),
                (
                    r"flask_oidc\.OpenIDConnect\(\)\.(?:require_login|accept_token|require_keycloak_role)",
                    "flask-oidc verifies the session or token",
                ),
                (
                    r"flask_pyoidc(?:\.\w+)*\.OIDCAuthentication\(\)\.(?:oidc_auth|token_auth|access_control)",
                    "flask-pyoidc verifies the session or token",
                ),
                (
                    r"flask_user(?:\.\w+)?\.(?:login_required|roles_required|roles_accepted)",
                    "flask-user demands an authenticated user",
                ),
                (
                    r"flask_appbuilder(?:\.security(?:\.decorators)?)?\.(?:has_access|has_access_api|protect)",
                    "Flask-AppBuilder checks the caller's permissions",
                ),
                (
                    r"authlib\.integrations\.flask_oauth2(?:\.\w+)?\.ResourceProtector\(\)(?:\(\))?",
                    "Authlib verifies the token",
                ),
                (
                    r"flask_oauthlib\.provider(?:\.\w+)?\.OAuth[12]Provider\(\)\.require_oauth",
                    "flask-oauthlib verifies the token",
                ),
                (
                    r"flask_basicauth\.BasicAuth\(\)\.required|quart_auth\.basic_auth_required",
                    "checks the password of every request",
                ),
                (
                    r"flask_simplelogin\.login_required|flask_cas\.login_required"
                    r"|flask_discord(?:\.\w+)*\.requires_authorization"
                    r"|flask_cognito(?:_lib\.decorators)?\.(?:cognito_auth_required|auth_required)"
                    r"|flask_awscognito\.AWSCognitoAuthentication\(\)\.authentication_required",
                    "the extension demands an authenticated caller",
                ),
            )
        ),
        (
            r"^flask_allows2?(?:\.\w+)*(?:\.Allows\(\))?\.requires\(\)$",
            Guarding.UNKNOWN,
            "flask-allows asks a requirement, which is not followed",
        ),
        *(
            (rf"^(?:{pattern})(?:\(\))?$", Guarding.OPTIONAL, "lets anonymous callers pass")
            for pattern in (
                r"flask_jwt_extended(?:\.view_decorators)?\.jwt_optional",
                r"flask_praetorian(?:\.decorators)?\.auth_accepted",
            )
        ),
        (
            r"starlette\.authentication\.requires\(\)$",
            Guarding.ENFORCED,
            "Starlette's requires() demands an authenticated scope",
        ),
    )
)


def known_guard(name: str, made: Located | None = None) -> KnownGuard | None:
    """The guard of a well-known package that a canonical name stands for.

    `made` is the call that makes it: `optional=True` lets callers without a credential pass.
    """
    guard = next((guard for guard in KNOWN_GUARDS if guard.pattern.search(name)), None)
    if guard is not None and made is not None and isinstance(made.node, t.Call):
        optional = argument(made.node, None, "optional")
        if isinstance(optional, t.Const) and optional.value is True:
            reason = "lets callers without a credential pass (optional=True)"
            return KnownGuard(guard.pattern, Guarding.OPTIONAL, reason)
    return guard


@recognises
def jwt_decoding(site: CallSite, name: str, values: Evaluator) -> Verification | None:
    """Decoding a token verifies its signature unless it is told not to (CWE-347)."""
    if name in UNVERIFIED:
        return Verification(Strength.FORM, raises=True, note="reads the token without verifying it")
    position = JWT_DECODERS.get(name)
    if position is None:
        return None
    if reason := verification_off(site, values):
        return Verification(Strength.FORM, raises=True, note=reason)
    key = site.arg(position, "key", "secret", "secret_key")
    if key is None:
        return Verification(Strength.VERIFIED, raises=True)
    worth = values.value(key, site.scope)
    if reason := weak_key(worth):
        return Verification(Strength.DEFAULT_SECRET, raises=True, note=reason)
    return Verification(Strength.VERIFIED, raises=True)


def verification_off(site: CallSite, values: Evaluator) -> str:
    options = values.value(site.arg(None, "options"), site.scope)
    for known in possible(options):
        if isinstance(known.value, dict) and known.value.get("verify_signature") is False:
            return "decodes the token with verify_signature turned off"
    if _is_false(values.value(site.arg(None, "verify"), site.scope)):
        return "decodes the token with verify=False"
    algorithms = values.value(site.arg(2, "algorithms"), site.scope)
    for known in possible(algorithms):
        named = known.value if isinstance(known.value, list) else [known.value]
        if any(isinstance(a, str) and a.lower() == "none" for a in named):
            return "accepts the algorithm `none`, which needs no signature"
    return ""


def _is_false(value: Value) -> bool:
    return isinstance(value, Known) and value.value is False


def weak_key(value: Value) -> str:
    """Why a signing key is known to anybody who reads the code, or an empty text."""
    settings = list(settings_in(value))
    if isinstance(value, Masked) or (settings and isinstance(settings[-1].default, Masked)):
        where = f"the default of {settings[-1].name}" if settings else "the key"
        return f"{where} that signs the tokens is written in the code"
    if any(isinstance(k.value, str) and k.value for k in possible(value)):
        where = f"the default of {settings[0].name}" if settings else "the key"
        return f"{where} that signs the tokens is written in the code"
    return ""


_ASKED = {
    "is_authenticated", "is_staff", "is_superuser", "has_perm", "has_perms", "has_role",
    "has_module_perms", "logged_in", "is_logged_in",
}  # fmt: skip
_REQUEST_USER = re.compile(r"(?:self\.)?(?:request|req|websocket|info\.context)\.user")
CURRENT_USER = re.compile(
    r"(?:(?:flask|quart)_(?:login|security|user|auth)(?:\.utils)?|flask_jwt_extended(?:\.utils)?)\.current_user"
)
_FRESH = re.compile(r"(?:flask|quart)_(?:login|security)(?:\.utils)?\.login_fresh\(\)")
"""Whether the signed session says that its user has just signed in; nobody has."""
TOKEN_IDENTITY = re.compile(
    r"(?:flask|quart)_jwt_extended(?:\.\w+)?\.(?:get_jwt_identity|get_jwt_claims|get_jwt|get_current_user)"
    r"|flask_jwt\.current_identity"
)
_OF_ANYBODY = {"is_anonymous", "groups", "user_permissions", "username", "get_username", "objects"}
"""What Django's AnonymousUser has as well, and is no "no" there; a field of the project's own fails on it."""
_NOBODY_TOO = {"is_anonymous", "get_id"}
"""What flask-login's anonymous user has as well."""
_SCOPES = re.compile(r"(?:self\.)?(?:request|req|websocket|conn)\.auth\.scopes")
_REQUEST = re.compile(r"(?:self\.)?request")
_MIDDLEWARE = frozenset({"__call__", "__acall__", "process_request", "process_view", "middleware"})
_STATE = re.compile(r"(?:self\.)?(?:request|req|websocket|conn|connection)\.(?:state|scope|ctx)")


@assures
def signed_in_under_jwt(expr: t.Expr, function: t.Function) -> Literal["something"] | None:
    """Who is signed in, where flask-jwt-extended's decorator answers all others: `get_jwt_identity()`."""
    required = (
        each
        for each in function.decorators
        if isinstance(each, t.Call) and t.last_word(each.func) == "jwt_required"
    )
    is_asked = isinstance(expr, t.Call) and t.last_word(expr.func) == "get_jwt_identity"
    return (
        "something" if is_asked and any(_lets_nobody_else_in(call) for call in required) else None
    )


def _lets_nobody_else_in(required: t.Call) -> bool:
    return not required.args and all(k.name != "optional" for k in required.keywords)


@vouches
def the_caller(expr: t.Expr, name: str, scope: Scope, checks: Checks) -> Origin | None:
    """`request.user` (Django, Starlette) and `current_user` (flask-login): who may be nobody.

    https://docs.djangoproject.com/en/stable/ref/contrib/auth/, https://flask-login.readthedocs.io.
    """
    asked = t.callee(expr)
    if (
        isinstance(asked, t.Attr)
        and asked.name in _ASKED
        and re.search("user|session", t.dotted(asked.value))
    ):
        return Origin(truth=Strength.VERIFIED)
    if _SCOPES.fullmatch(t.dotted(expr)) or _in_group(expr):
        return Origin(truth=Strength.VERIFIED)
    if isinstance(expr, t.Call) and _FRESH.fullmatch(name):
        return Origin(truth=Strength.VERIFIED, identity=True)
    match expr:
        case t.Attr(value=owner, name="is_active") if _REQUEST_USER.fullmatch(t.dotted(owner)):
            return Origin(truth=Strength.VERIFIED)
        case t.Attr(value=owner, name="id" | "pk") if _REQUEST_USER.fullmatch(t.dotted(owner)):
            return Origin(truth=Strength.VERIFIED, identity=True)  # None of who is not signed in
        case t.Attr(value=owner, name=attribute) if attribute not in _OF_ANYBODY and (
            _REQUEST_USER.fullmatch(t.dotted(owner))
        ):
            return Origin(truth=Strength.VERIFIED, identity=True)  # nobody has a role, a profile
    if _REQUEST_USER.fullmatch(t.dotted(expr)):
        return Origin(identity=True)
    if (match := CURRENT_USER.match(name)) is None:
        return None
    rest = name[match.end() :]
    if not rest or rest.removesuffix("()")[1:] in _NOBODY_TOO:
        return Origin(identity=True)
    return Origin(truth=Strength.VERIFIED, identity=True) if rest[0] == "." else None


def _in_group(expr: t.Expr) -> bool:
    """`user.groups.filter(name="editors").exists()`: an anonymous user is in no group."""
    match expr:
        case t.Call(
            func=t.Attr(name="exists" | "count" | "first", value=t.Call(func=t.Attr() as f))
        ):
            return bool(re.search(r"user\.groups\.filter$", t.dotted(f)))
    return False


@vouches
def token_identity(expr: t.Expr, name: str, scope: Scope, checks: Checks) -> Origin | None:
    """What flask-jwt-extended gives once it has verified a token; None where none was sent."""
    if isinstance(expr, t.Call) and TOKEN_IDENTITY.fullmatch(name.removesuffix("()")):
        return Origin(truth=Strength.VERIFIED, identity=True)
    return None


@vouches
def kept_with_the_request(expr: t.Expr, name: str, scope: Scope, checks: Checks) -> Origin | None:
    """`request.state.user`, which a middleware or an earlier dependency has put there."""
    match expr:
        case t.Attr(value=owner, name=attribute) if _STATE.fullmatch(t.dotted(owner)):
            return checks.assigned(_STATE, attribute)
        case t.Call(
            func=t.Name(id="getattr" | "hasattr"), args=[owner, t.Const(value=str(attribute)), *_]
        ):
            if _STATE.fullmatch(t.dotted(owner)):
                return checks.assigned(_STATE, attribute)
    return None


@vouches
def told_by_proxy(expr: t.Expr, name: str, scope: Scope, checks: Checks) -> Origin | None:
    """`request.headers.get("Remote-User")`: who a proxy in front says is calling, if there is one.

    Whether it authenticates, and strips what callers send under that name, is its configuration's
    affair: https://www.authelia.com/integration/trusted-header-sso/introduction/.
    """
    match expr:
        case t.Call(func=t.Attr(value=owner, name="get"), args=[t.Const(value=str(header)), *_]):
            pass
        case t.Item(value=owner, index=t.Const(value=str(header))):
            pass
        case _:
            return None
    if t.dotted(owner).endswith("headers") and _BY_PROXY.match(header):
        return Origin(truth=Strength.OUTSIDE)
    return None


_BY_PROXY = re.compile(
    r"(?:x[-_])?(?:remote|auth[-_]request|authentik|webauth|cf[-_]access[-_]authenticated|goog[-_]authenticated"
    r"|amzn[-_]oidc|ms[-_]client[-_]principal|tailscale)[-_](?:user|role|group|email|name|identity|id)s?\b",
    re.I,
)


@vouches
def kept_on_the_request(expr: t.Expr, name: str, scope: Scope, checks: Checks) -> Origin | None:
    """`request.token`, `request.tenant`: what a middleware of the tree puts on Django's request."""
    match expr:
        case t.Attr(value=owner, name=attribute) if (
            attribute not in ("user", "auth", "session")
            and _REQUEST.fullmatch(t.dotted(owner))
            and checks.assigns(_REQUEST, attribute, _MIDDLEWARE)
        ):
            kept = checks.assigned(_REQUEST, attribute)
            return Origin(truth=kept.truth) if kept.truth > Strength.FORM else None
    return None


@recognises
def guard_applied_on_the_spot(site: CallSite, name: str, values: Evaluator) -> Verification | None:
    """`login_required(view)(*args)`: what a decorator made is called at once."""
    match site.node.func:
        case t.Call(func=func, args=[_, *_]):
            known = known_guard(values.code.name(func, site.scope))
            if known is not None and known.state is Guarding.ENFORCED:
                return Verification(Strength.VERIFIED, raises=True)
    return None


_PRINCIPAL = re.compile(r"flask_principal\.(?:Permission|Denial|IdentityContext)$")


def asks_for_need(func: t.Expr, scope: Scope, values: Evaluator) -> bool:
    """`permission.can`, `.test`, `.require`: whether they ask for something that nobody has.

    A permission without needs lets everybody pass. https://pythonhosted.org/Flask-Principal/
    """
    if not isinstance(func, t.Attr) or func.name not in ("can", "test", "require"):
        return False
    for source in values.sources(func.value, scope):
        if isinstance(source.node, t.Call):
            made = values.code.name(source.node.func, source.scope)
            found = values.code.defined(source.node.func, source.scope)
            if found is not None and isinstance(found.node, t.Class):
                return any(_PRINCIPAL.match(base) for base in values.code.ancestry(found))
            if _PRINCIPAL.match(made):
                return bool(source.node.args)
    return False


@recognises
def permission_asked_for(site: CallSite, name: str, values: Evaluator) -> Verification | None:
    """`permission.can()` of flask-principal tells, `test()` and `with require():` raise."""
    match site.node.func:
        case t.Attr(name=asked) as func if asks_for_need(func, site.scope, values):
            return Verification(Strength.VERIFIED, raises=asked != "can", denies=asked != "can")
    return None


_JWT_IN_REQUEST = re.compile(
    r"^\w*jwt\w*\.(?:[\w.]+\.)?verify_(?:fresh_)?jwt_(?:refresh_token_)?in_request$"
)
"""Of Flask-JWT-Extended, in the names of its third version too."""


@recognises
def verifying_calls(site: CallSite, name: str, values: Evaluator) -> Verification | None:
    if _JWT_IN_REQUEST.search(name):
        optional = values.value(site.arg(0, "optional"), site.scope)
        if not (isinstance(optional, Known) and optional.value is False) and site.arg(
            0, "optional"
        ):
            return None  # who sends no token passes
        return Verification(Strength.VERIFIED, raises=True, denies=True)
    if name in _RAISING or _OKTA.search(name) or _JWT_AUTHENTICATION.search(name):
        return Verification(Strength.VERIFIED, raises=True, denies="ebhook" in name)
    if name in _TELLING or _REST_AUTHENTICATION.search(name):
        return Verification(Strength.VERIFIED, raises=False)
    return None


@recognises
def unknown_verifiers(site: CallSite, name: str, values: Evaluator) -> Verification | None:
    """A call into a package outside the tree that sounds like verifying: it cannot be judged."""
    if (
        not name
        or ":" in name
        or name.startswith(("builtins.", "module:", "logging.", "flask_httpauth."))
    ):
        return None
    last = name.rpartition(".")[2].removesuffix("()")
    sounds = re.search(r"verify|validate|authenticate|introspect|decode", last, re.I)
    about = re.search(r"token|jwt|auth|session|credential|password|signature|user", name, re.I)
    if sounds and about and isinstance(site.node.func, t.Attr | t.Name):
        return Verification(Strength.OUTSIDE, raises=True, note=f"{name} lies outside this tree")
    return None
