"""The URL configurations that packages bring: what `include("allauth.urls")` serves.

Sources: the `urls.py` of each package as documented (Django's authentication views, Django REST
framework, django-allauth, dj-rest-auth, djoser, social-auth-app-django, mozilla-django-oidc,
django-oauth-toolkit, django-prometheus, django-health-check, django-debug-toolbar).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from auditor.libraries.package_urls import served

_FORM = ("GET", "POST", "PUT")
_SHOWN = ("GET", "POST")
_ALL = ("GET", "POST", "PUT", "PATCH", "DELETE")


class PackagedView(msgspec.Struct, frozen=True):
    """One view: its route, its name, its methods, what it demands, and why it is public.

    No methods stand for those that are known of the view elsewhere.
    """

    route: str
    view: str
    methods: tuple[str, ...] = ()
    demands: str = ""
    public: str = ""
    since: tuple[int, ...] = ()
    before: tuple[int, ...] = ()
    """The versions of the package that have it."""


_USER = "demands a signed-in user"
_PLAIN = {"user", "open"}
_STEP = "demands a login that has begun in this session"


def _view(
    route: str,
    view: str,
    *methods: str,
    demands: str = "",
    public: str = "",
    since: tuple[int, ...] = (),
    before: tuple[int, ...] = (),
) -> PackagedView:
    return PackagedView(route, view, methods, demands, public, since, before)


_DJANGO_AUTH = (
    _view("login/", "LoginView"),
    _view("logout/", "LogoutView"),
    _view("password_change/", "PasswordChangeView"),
    _view("password_change/done/", "PasswordChangeDoneView"),
    _view("password_reset/", "PasswordResetView"),
    _view("password_reset/done/", "PasswordResetDoneView"),
    _view("reset/<uidb64>/<token>/", "PasswordResetConfirmView"),
    _view("reset/done/", "PasswordResetCompleteView"),
)
_RECOVERY = "password recovery"
ALLAUTH_ACCOUNT = (
    _view("login/", "LoginView", *_FORM, public="login"),
    _view("logout/", "LogoutView", *_SHOWN, public="logout"),
    _view("inactive/", "AccountInactiveView", "GET", public="login"),
    _view("signup/", "SignupView", *_FORM, public="registration"),
    _view("reauthenticate/", "ReauthenticateView", *_FORM, demands=_USER, since=(0, 59)),
    _view(
        "reauthenticate/code/",
        "RequestReauthenticationCodeView",
        *_FORM,
        demands=_USER,
        since=(65, 19),
    ),
    _view(
        "reauthenticate/code/confirm/",
        "ConfirmReauthenticationCodeView",
        *_FORM,
        demands=_USER,
        since=(65, 19),
    ),
    _view("email/", "EmailView", *_FORM, demands=_USER),
    _view("confirm-email/", "EmailVerificationSentView", "GET", public="registration"),
    _view("^confirm-email/(?P<key>[-:\\w]+)/$", "ConfirmEmailView", *_SHOWN, public="registration"),
    _view("password/change/", "PasswordChangeView", *_FORM, demands=_USER),
    _view("password/set/", "PasswordSetView", *_FORM, demands=_USER),
    _view("password/reset/", "PasswordResetView", *_FORM, public=_RECOVERY),
    _view("password/reset/done/", "PasswordResetDoneView", "GET", public=_RECOVERY),
    _view(
        "^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        "PasswordResetFromKeyView",
        *_FORM,
        public=_RECOVERY,
    ),
    _view("password/reset/key/done/", "PasswordResetFromKeyDoneView", "GET", public=_RECOVERY),
    _view("login/code/confirm/", "ConfirmLoginCodeView", *_FORM, demands=_STEP, since=(65,)),
)
_NOW = (0, 59)
"""The version of django-allauth that moved its views of social accounts."""
_ALLAUTH_SOCIAL = (
    _view("3rdparty/login/cancelled/", "LoginCancelledView", "GET", public="login", since=_NOW),
    _view("3rdparty/login/error/", "LoginErrorView", "GET", public="login", since=_NOW),
    _view("3rdparty/signup/", "SignupView", *_FORM, demands=_STEP, since=_NOW),
    _view("3rdparty/", "ConnectionsView", *_FORM, demands=_USER, since=_NOW),
    _view("social/login/cancelled/", "RedirectView", *_ALL, public="login", since=_NOW),
    _view("social/login/error/", "RedirectView", *_ALL, public="login", since=_NOW),
    _view("social/signup/", "RedirectView", *_ALL, public="login", since=_NOW),
    _view("social/connections/", "RedirectView", *_ALL, public="login", since=_NOW),
    _view("social/login/cancelled/", "LoginCancelledView", "GET", public="login", before=_NOW),
    _view("social/login/error/", "LoginErrorView", "GET", public="login", before=_NOW),
    _view("social/signup/", "SignupView", *_FORM, demands=_STEP, before=_NOW),
    _view("social/connections/", "ConnectionsView", *_FORM, demands=_USER, before=_NOW),
)
_ALLAUTH_MFA = (
    _view("2fa/", "IndexView", "GET", demands=_USER),
    _view("2fa/authenticate/", "AuthenticateView", *_SHOWN, demands=_STEP),
    _view("2fa/reauthenticate/", "ReauthenticateView", *_FORM, demands=_USER),
    _view("2fa/totp/activate/", "ActivateTOTPView", *_FORM, demands=_USER),
    _view("2fa/totp/deactivate/", "DeactivateTOTPView", *_FORM, demands=_USER),
    _view("2fa/recovery-codes/", "ViewRecoveryCodesView", "GET", demands=_USER),
    _view("2fa/recovery-codes/generate/", "GenerateRecoveryCodesView", *_FORM, demands=_USER),
    _view("2fa/recovery-codes/download/", "DownloadRecoveryCodesView", "GET", demands=_USER),
)
_WEBAUTHN = (
    _view("2fa/webauthn/", "ListWebAuthnView", "GET", demands=_USER),
    _view("2fa/webauthn/add/", "AddWebAuthnView", *_FORM, demands=_USER),
    _view("2fa/webauthn/reauthenticate/", "ReauthenticateWebAuthnView", *_FORM, demands=_USER),
    _view(
        "2fa/webauthn/keys/<int:pk>/remove/",
        "RemoveWebAuthnView",
        *("GET", "POST", "DELETE"),
        demands=_USER,
    ),
    _view("2fa/webauthn/keys/<int:pk>/edit/", "EditWebAuthnView", *_FORM, demands=_USER),
)
"""With `webauthn` in MFA_SUPPORTED_TYPES."""
_PASSKEYS = (_view("2fa/webauthn/login/", "LoginWebAuthnView", *_FORM, public="login"),)
"""With MFA_PASSKEY_LOGIN_ENABLED as well."""
_HEADLESS_WEBAUTHN = (
    _view("auth/webauthn/authenticate", "AuthenticateWebAuthnView", *_SHOWN, demands=_USER),
    _view("auth/webauthn/reauthenticate", "ReauthenticateWebAuthnView", *_SHOWN, demands=_USER),
    _view(
        "account/authenticators/webauthn",
        "ManageWebAuthnView",
        *("GET", "POST", "PUT", "DELETE"),
        demands=_USER,
    ),
)
_HEADLESS_PASSKEYS = (_view("auth/webauthn/login", "LoginWebAuthnView", *_SHOWN, public="login"),)
_PROVIDER_OIDC = (
    _view(".well-known/openid-configuration", "ConfigurationView", "GET", public="login"),
    _view(".well-known/jwks.json", "JwksView", "GET", public="login"),
    _view("identity/o/authorize", "AuthorizationView", *_FORM, demands=_USER),
    _view("identity/o/device", "DeviceAuthorizationView", "ANY", demands=_USER),
    _view("identity/o/logout", "LogoutView", *_FORM, public="logout"),
    _view("identity/o/api/token", "TokenView", "POST", public="login"),
    _view("identity/o/api/revoke", "RevokeView", "POST", public="logout"),
    _view("identity/o/api/device/code", "DeviceCodeView", "POST", public="login"),
    _view("identity/o/api/userinfo", "UserInfoView", *_SHOWN, demands="demands a token"),
)
_HEADLESS = (
    _view(
        "account/email", "ManageEmailView", "GET", "POST", "PUT", "PATCH", "DELETE", demands=_USER
    ),
    _view("account/password/change", "ChangePasswordView", "POST", demands=_USER),
    _view("account/phone", "ManagePhoneView", "GET", "POST", demands=_USER),
    _view("auth/code/confirm", "ConfirmLoginCodeView", "POST", public="login"),
    _view("auth/email/verify", "VerifyEmailView", "GET", "POST", public="registration"),
    _view(
        "auth/email/verify/resend", "ResendEmailVerificationCodeView", "POST", public="registration"
    ),
    _view("auth/login", "LoginView", "POST", public="login"),
    _view("auth/password/request", "RequestPasswordResetView", "POST", public="password recovery"),
    _view("auth/password/reset", "ResetPasswordView", "GET", "POST", public="password recovery"),
    _view("auth/phone/verify", "VerifyPhoneView", "POST", public="registration"),
    _view(
        "auth/phone/verify/resend", "ResendPhoneVerificationCodeView", "POST", public="registration"
    ),
    _view("auth/reauthenticate", "ReauthenticateView", "POST", demands=_USER),
    _view(
        "auth/reauthenticate/code/confirm", "ConfirmReauthenticationCodeView", "POST", demands=_USER
    ),
    _view(
        "auth/reauthenticate/code/request", "RequestReauthenticationCodeView", "POST", demands=_USER
    ),
    _view(
        "auth/reauthenticate/code/resend", "ResendReauthenticationCodeView", "POST", demands=_USER
    ),
    _view("auth/session", "SessionView", "GET", "DELETE", demands=_USER),
    _view("auth/signup", "SignupView", "POST", public="registration"),
    _view("config", "ConfigView", "GET", public="login"),
)
_HEADLESS_SOCIAL = (
    _view("account/providers", "ManageProvidersView", "GET", "DELETE", demands=_USER),
    _view("auth/provider/redirect", "RedirectToProviderView", "POST", demands=_USER),
    _view("auth/provider/signup", "ProviderSignupView", "GET", "POST", public="registration"),
    _view("auth/provider/token", "ProviderTokenView", "POST", public="login"),
)
_HEADLESS_MFA = (
    _view("account/authenticators", "AuthenticatorsView", "GET", demands=_USER),
    _view(
        "account/authenticators/recovery-codes",
        "ManageRecoveryCodesView",
        "GET",
        "POST",
        demands=_USER,
    ),
    _view("account/authenticators/totp", "ManageTOTPView", "GET", "POST", "DELETE", demands=_USER),
    _view("auth/2fa/authenticate", "AuthenticateView", "POST", demands=_USER),
    _view("auth/2fa/reauthenticate", "ReauthenticateView", "POST", demands=_USER),
)
_DJ_REST_AUTH = (
    _view("password/reset/", "PasswordResetView", "POST", public=_RECOVERY),
    _view("password/reset/confirm/", "PasswordResetConfirmView", "POST", public=_RECOVERY),
    _view("login/", "LoginView", "POST", public="login"),
    _view("logout/", "LogoutView", *_SHOWN, public="logout"),
    _view("user/", "UserDetailsView", "GET", "PUT", "PATCH", demands=_USER),
    _view("password/change/", "PasswordChangeView", "POST", demands=_USER),
)
_FILEPOND = (
    _view("process/", "ProcessView", "POST"),
    _view("^patch/(?P<chunk_id>[0-9a-zA-Z]{22})$", "PatchView", "PATCH"),
    _view("revert/", "RevertView", "DELETE"),
    _view("load/", "LoadView", "GET"),
    _view("restore/", "RestoreView", "GET"),
    _view("fetch/", "FetchView", "GET"),
)
_DJ_REST_REGISTRATION = (
    _view("", "RegisterView", "POST", public="registration"),
    _view("verify-email/", "VerifyEmailView", "POST", public="registration"),
    _view("resend-email/", "ResendEmailVerificationView", "POST", public="registration"),
)
_SOCIAL_DJANGO = (
    _view("login/<str:backend>/", "auth", "POST", public="sign-in callback"),
    _view("complete/<str:backend>/", "complete", "ANY", public="sign-in callback"),
    _view("disconnect/<str:backend>/", "disconnect", "POST", demands=_USER),
    _view("disconnect/<str:backend>/<int:association_id>/", "disconnect", "POST", demands=_USER),
)
_OIDC = (
    _view("callback/", "OIDCAuthenticationCallbackView", "GET", public="login"),
    _view("authenticate/", "OIDCAuthenticationRequestView", "GET", public="login"),
    _view("logout/", "OIDCLogoutView", *_SHOWN, public="logout"),
)
_OAUTH_METADATA = tuple(
    _view(f".well-known/oauth-{route}", view, "GET", public="login", since=(3, 4))
    for route, view in (
        ("authorization-server", "OAuthServerMetadataView"),
        ("authorization-server/<path:issuer_path>", "OAuthServerMetadataView"),
        ("protected-resource", "OAuthProtectedResourceMetadataView"),
        ("protected-resource/<path:resource_path>", "OAuthProtectedResourceMetadataView"),
    )
)
_DEVICE = "device-confirm/<slug:client_id>/<slug:user_code>"
_OAUTH_DEVICES = (
    _view("device-authorization/", "DeviceAuthorizationView", "POST", public="login", since=(3, 2)),
    _view("device/", "DeviceUserCodeView", *_FORM, demands=_USER, since=(3, 2)),
    _view(_DEVICE, "DeviceConfirmView", *_FORM, demands=_USER, since=(3, 2)),
    _view(
        _DEVICE.replace("confirm", "grant-status", 1),
        "DeviceGrantStatusView",
        "GET",
        demands=_USER,
        since=(3, 2),
    ),
)
_OAUTH_OIDC = (
    _view(
        "^\\.well-known/openid-configuration/?$", "ConnectDiscoveryInfoView", "GET", public="login"
    ),
    _view(".well-known/jwks.json", "JwksInfoView", "GET", public="login", since=(3,)),
    _view("^\\.well-known/jwks.json$", "JwksInfoView", "GET", public="login", before=(3,)),
    _view("userinfo/", "UserInfoView", *_SHOWN, demands="demands a token", since=(3,)),
    _view("^userinfo/$", "UserInfoView", *_SHOWN, demands="demands a token", before=(3,)),
    _view("logout/", "RPInitiatedLogoutView", *_FORM, public="logout", since=(3,)),
    _view("^logout/$", "RPInitiatedLogoutView", *_FORM, public="logout", since=(2, 4), before=(3,)),
    _view("register/", "DynamicClientRegistrationView", "POST", public="login", since=(3, 4)),
    _view(
        "register/<str:client_id>/",
        "DynamicClientRegistrationManagementView",
        *("GET", "PUT", "DELETE"),
        demands="demands a token",
        since=(3, 4),
    ),
)
_OAUTH = (
    _view("authorize/", "AuthorizationView", *_FORM, demands=_USER),
    _view("token/", "TokenView", "POST", public="login"),
    _view("revoke_token/", "RevokeTokenView", "POST", public="logout"),
    _view("introspect/", "IntrospectTokenView", *_SHOWN, demands="demands a token with a scope"),
)
_OAUTH_MANAGEMENT = tuple(
    _view(route, view, *methods, demands=_USER)
    for route, view, methods in (
        ("applications/", "ApplicationList", ("GET",)),
        ("applications/register/", "ApplicationRegistration", _FORM),
        ("applications/<slug:pk>/", "ApplicationDetail", ("GET",)),
        ("applications/<slug:pk>/delete/", "ApplicationDelete", ("GET", "POST", "DELETE")),
        ("applications/<slug:pk>/update/", "ApplicationUpdate", _FORM),
        ("authorized_tokens/", "AuthorizedTokensListView", ("GET",)),
        (
            "authorized_tokens/<slug:pk>/delete/",
            "AuthorizedTokenDeleteView",
            ("GET", "POST", "DELETE"),
        ),
    )
)


def _oauth_of_all_versions() -> tuple[PackagedView, ...]:
    """django-oauth-toolkit wrote its routes as regular expressions before 3.0."""
    plain = _OAUTH + _OAUTH_MANAGEMENT
    named = "(?P<pk>[\\w-]+)"
    written = tuple(
        replace(view, route=f"^{view.route.replace('<slug:pk>', named)}$", before=(3,))
        for view in plain
    )
    now = tuple(replace(view, since=(3,)) for view in plain)
    return _OAUTH_METADATA + now + written + _OAUTH_DEVICES + _OAUTH_OIDC


_TOOLBAR = tuple(  # each answers 404 to whom the toolbar is not shown, which `debug-mode` judges
    _view(f"{name}/", name, "ANY", public="debug toolbar")
    for name in (
        "render_panel", "sql_select", "sql_explain", "sql_profile", "template_source",
        "history_sidebar", "history_refresh",
    )
)  # fmt: skip
_URLS: dict[str, tuple[PackagedView, ...]] = {
    "django.contrib.auth.urls": _DJANGO_AUTH,
    "django.conf.urls.i18n": (_view("setlang/", "set_language"),),
    "rest_framework.urls": _DJANGO_AUTH[:2],
    "allauth.account.urls": ALLAUTH_ACCOUNT,
    "dj_rest_auth.urls": _DJ_REST_AUTH,
    "rest_auth.urls": _DJ_REST_AUTH,
    "django_drf_filepond.urls": _FILEPOND,
    "dj_rest_auth.registration.urls": _DJ_REST_REGISTRATION,
    "rest_auth.registration.urls": _DJ_REST_REGISTRATION[:2],
    "social_django.urls": _SOCIAL_DJANGO,
    "mozilla_django_oidc.urls": _OIDC,
    "oauth2_provider.urls": _oauth_of_all_versions(),
    "debug_toolbar.urls": _TOOLBAR,
    "django_prometheus.urls": (_view("metrics", "ExportToDjangoView", "ANY"),),
    "health_check.urls": (_view("", "MainView", "GET", public="health check"),),
    "allauth.idp.urls": _PROVIDER_OIDC,
    "allauth.idp.oidc.urls": _PROVIDER_OIDC,
    **{
        urls: tuple(
            PackagedView(
                route, view, methods, _USER if who == "user" else "", "" if who in _PLAIN else who
            )
            for methods, route, view, who in rows
        )
        for urls, rows in served().items()
    },
}
_PACKAGES = {"oauth2_provider": "django-oauth-toolkit", "allauth": "django-allauth"}
"""Modules -> distributions, of those whose URLs have changed."""
_PROVIDER = re.compile(r"^allauth\.socialaccount\.providers\.(\w+)$")


_FUNCTIONS = {
    "allauth.account.views": {
        "login": "LoginView", "logout": "LogoutView", "signup": "SignupView",
        "account_inactive": "AccountInactiveView", "reauthenticate": "ReauthenticateView",
        "email": "EmailView", "email_verification_sent": "EmailVerificationSentView",
        "confirm_email": "ConfirmEmailView", "password_change": "PasswordChangeView",
        "password_set": "PasswordSetView", "password_reset": "PasswordResetView",
        "password_reset_done": "PasswordResetDoneView",
        "password_reset_from_key": "PasswordResetFromKeyView",
        "password_reset_from_key_done": "PasswordResetFromKeyDoneView",
        "confirm_login_code": "ConfirmLoginCodeView",
    },
    "allauth.socialaccount.views": {
        "login_cancelled": "LoginCancelledView", "login_error": "LoginErrorView",
        "signup": "SignupView", "connections": "ConnectionsView",
    },
    "allauth.mfa.base.views": {
        "index": "IndexView", "authenticate": "AuthenticateView",
        "reauthenticate": "ReauthenticateView",
    },
    "allauth.mfa.totp.views": {
        "activate_totp": "ActivateTOTPView", "deactivate_totp": "DeactivateTOTPView",
    },
    "allauth.mfa.recovery_codes.views": {
        "view_recovery_codes": "ViewRecoveryCodesView",
        "generate_recovery_codes": "GenerateRecoveryCodesView",
        "download_recovery_codes": "DownloadRecoveryCodesView",
    },
}  # fmt: skip
"""Modules of views -> what a project may register by itself, and the view that it is."""


def _by_name() -> Iterator[tuple[str, PackagedView]]:
    for module, functions in _FUNCTIONS.items():
        served = {
            "allauth.account.views": ALLAUTH_ACCOUNT,
            "allauth.socialaccount.views": _ALLAUTH_SOCIAL,
        }.get(module, _ALLAUTH_MFA)
        views = {view.view: view for view in served}
        for function, name in functions.items():
            yield f"{module}.{function}", views[name]
            yield f"{module}.{name}", views[name]


PACKAGED_VIEWS = dict(_by_name())
"""Canonical name -> a package's view, for projects that give it a URL of their own."""


class Setup(msgspec.Struct, frozen=True):
    """What of a project decides which URLs its packages serve."""

    installed: Sequence[str]
    """INSTALLED_APPS."""
    listed: Callable[[str], Sequence[str]]
    """The texts of a setting that is a list."""
    versions: Mapping[str, tuple[int, ...]]
    """Distribution -> the version that is installed, or the least that is asked for."""
    is_on: Callable[[str], bool]
    """Whether a setting is on."""
    username: str = "username"
    """The field of the user model that its users sign in with: djoser's URLs are called after it."""
    user_id: str = "id"
    """The field that they are told apart by: DJOSER's USER_ID_FIELD."""


def packaged(urls: str, setup: Setup) -> tuple[PackagedView, ...] | None:
    """What a package's URL configuration serves in a project; None if not known."""
    match urls:
        case "allauth.urls":
            views: Iterable[PackagedView] | None = _allauth(setup)
        case "allauth.headless.urls":
            views = _headless(setup)
        case "djoser.urls":
            views = (
                replace(
                    view,
                    route=view.route.replace("_username", f"_{setup.username}").replace(
                        "<id>", f"<{setup.user_id}>"
                    ),
                )
                for view in _URLS[urls]
            )
        case _:
            views = _URLS.get(urls)
    if views is None:
        return None
    version = setup.versions.get(_PACKAGES.get(urls.partition(".")[0], ""))
    if version is None:
        return tuple(view for view in views if not view.before)
    return tuple(
        view
        for view in views
        if view.since <= version and (not view.before or version < view.before)
    )


def _allauth(setup: Setup) -> Iterator[PackagedView]:
    yield from ALLAUTH_ACCOUNT
    if setup.is_on("ACCOUNT_LOGIN_BY_CODE_ENABLED"):
        yield _view("login/code/", "RequestLoginCodeView", *_FORM, public="login")
    if "allauth.mfa" in setup.installed:
        yield from _ALLAUTH_MFA
        if "webauthn" in setup.listed("MFA_SUPPORTED_TYPES"):
            yield from _WEBAUTHN
            if setup.is_on("MFA_PASSKEY_LOGIN_ENABLED"):
                yield from _PASSKEYS
    if "allauth.usersessions" in setup.installed:
        yield _view("sessions/", "ListUserSessionsView", *_FORM, demands=_USER)
    if "allauth.socialaccount" in setup.installed:
        yield from _ALLAUTH_SOCIAL
    for app in setup.installed:
        if match := _PROVIDER.match(app):
            for tail in ("login/", "login/callback/"):
                yield _view(f"{match[1]}/{tail}", "view", "ANY", public="login")
            if match[1] in ("google", "facebook"):
                yield _view(
                    f"{match[1]}/login/token/", "LoginByTokenView", "GET", "POST", public="login"
                )


def _headless(setup: Setup) -> Iterator[PackagedView]:
    """https://docs.allauth.org/en/latest/headless/openapi-specification/"""
    clients = setup.listed("HEADLESS_CLIENTS") or ("app", "browser")
    views = [*_HEADLESS]
    if "allauth.socialaccount" in setup.installed:
        views += _HEADLESS_SOCIAL
    if "allauth.mfa" in setup.installed:
        views += _HEADLESS_MFA
        if "webauthn" in setup.listed("MFA_SUPPORTED_TYPES"):
            views += _HEADLESS_WEBAUTHN
            if setup.is_on("MFA_PASSKEY_LOGIN_ENABLED"):
                views += _HEADLESS_PASSKEYS
    for client in clients:
        for view in views:
            yield replace(view, route=f"{client}/v1/{view.route}")
    if "app" in clients:
        yield _view("app/v1/tokens/refresh", "RefreshTokenView", "POST", public="token refresh")
