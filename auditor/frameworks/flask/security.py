"""The routes of Flask-Security: which it registers, as its SECURITY_* settings say, and which it closes.

Defaults, paths and methods: https://flask-security-too.readthedocs.io/en/stable/configuration.html
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from auditor.model.blind import BlindSpot
from auditor.model.places import Place
from auditor.model.settings import FrameworkSetting, in_service
from auditor.model.values import possible

_GET, _POST, _BOTH = ("GET",), ("POST",), ("GET", "POST")


class Offered(msgspec.Struct, frozen=True):
    """A route of the package; `closed` where it asks for who is signed in."""

    endpoint: str
    path: str
    methods: tuple[str, ...]
    closed: bool = False


_ALWAYS: tuple[tuple[str, str, str, str, tuple[str, ...], bool], ...] = (
    ("", "login", "LOGIN_URL", "/login", _BOTH, False),
    ("", "logout", "LOGOUT_URL", "/logout", _BOTH, False),
    ("", "verify", "VERIFY_URL", "/verify", _BOTH, True),
)
_OPTIONAL: tuple[tuple[str, str, str, str, tuple[str, ...], bool], ...] = (
    ("REGISTERABLE", "register", "REGISTER_URL", "/register", _BOTH, False),
    ("RECOVERABLE", "forgot_password", "RESET_URL", "/reset", _BOTH, False),
    ("RECOVERABLE", "reset_password", "RESET_URL", "/reset/<token>", _BOTH, False),
    ("CONFIRMABLE", "send_confirmation", "CONFIRM_URL", "/confirm", _BOTH, False),
    ("CONFIRMABLE", "confirm_email", "CONFIRM_URL", "/confirm/<token>", _BOTH, False),
    ("CHANGEABLE", "change_password", "CHANGE_URL", "/change", _BOTH, True),
    ("PASSWORDLESS", "token_login", "LOGIN_URL", "/login/<token>", _GET, False),
    ("CHANGE_EMAIL", "change_email", "CHANGE_EMAIL_URL", "/change-email", _BOTH, True),
    ("CHANGE_EMAIL", "change_email_confirm", "CHANGE_EMAIL_URL", "/change-email/<token>", _GET, False),
    ("CHANGE_USERNAME", "change_username", "CHANGE_USERNAME_URL", "/change-username", _BOTH, True),
    ("USERNAME_RECOVERY", "recover_username", "USERNAME_RECOVERY_URL", "/recover-username", _BOTH, False),
    ("TWO_FACTOR", "two_factor_setup", "TWO_FACTOR_SETUP_URL", "/tf-setup", _BOTH, False),
    ("TWO_FACTOR", "two_factor_setup_validate", "TWO_FACTOR_SETUP_URL", "/tf-setup/<token>", _POST, True),
    ("TWO_FACTOR", "two_factor_token_validation", "TWO_FACTOR_TOKEN_VALIDATION_URL", "/tf-validate", _BOTH, False),
    ("TWO_FACTOR", "two_factor_rescue", "TWO_FACTOR_RESCUE_URL", "/tf-rescue", _BOTH, False),
    ("TWO_FACTOR", "tf_select", "TWO_FACTOR_SELECT_URL", "/tf-select", _BOTH, False),
    ("UNIFIED_SIGNIN", "us_signin", "US_SIGNIN_URL", "/us-signin", _BOTH, False),
    ("UNIFIED_SIGNIN", "us_signin_send_code", "US_SIGNIN_SEND_CODE_URL", "/us-signin/send-code", _POST, False),
    ("UNIFIED_SIGNIN", "us_setup", "US_SETUP_URL", "/us-setup", _BOTH, True),
    ("UNIFIED_SIGNIN", "us_setup_validate", "US_SETUP_URL", "/us-setup/<token>", _POST, True),
    ("UNIFIED_SIGNIN", "us_verify", "US_VERIFY_URL", "/us-verify", _BOTH, True),
    ("UNIFIED_SIGNIN", "us_verify_send_code", "US_VERIFY_SEND_CODE_URL", "/us-verify/send-code", _POST, True),
    ("UNIFIED_SIGNIN", "us_verify_link", "US_VERIFY_LINK_URL", "/us-verify-link", _GET, False),
    ("MULTI_FACTOR_RECOVERY_CODES", "mf_recovery_codes", "MULTI_FACTOR_RECOVERY_CODES_URL", "/mf-recovery-codes", _BOTH, True),
    ("MULTI_FACTOR_RECOVERY_CODES", "mf_recovery", "MULTI_FACTOR_RECOVERY_URL", "/mf-recovery", _BOTH, False),
    ("WEBAUTHN", "wan_register", "WAN_REGISTER_URL", "/wan-register", _BOTH, True),
    ("WEBAUTHN", "wan_register_response", "WAN_REGISTER_URL", "/wan-register/<token>", _POST, True),
    ("WEBAUTHN", "wan_signin", "WAN_SIGNIN_URL", "/wan-signin", _BOTH, False),
    ("WEBAUTHN", "wan_signin_response", "WAN_SIGNIN_URL", "/wan-signin/<token>", _POST, False),
    ("WEBAUTHN", "wan_delete", "WAN_DELETE_URL", "/wan-delete", _BOTH, True),
    ("WEBAUTHN", "wan_verify", "WAN_VERIFY_URL", "/wan-verify", _BOTH, True),
    ("WEBAUTHN", "wan_verify_response", "WAN_VERIFY_URL", "/wan-verify/<token>", _POST, True),
    ("OAUTH_ENABLE", "oauthstart", "OAUTH_START_URL", "/login/oauthstart/<name>", _POST, False),
    ("OAUTH_ENABLE", "oauthresponse", "OAUTH_RESPONSE_URL", "/login/oauthresponse/<name>", _GET, False),
)  # fmt: skip
"""(setting that turns it on, endpoint, setting of its URL, default with what follows, methods, closed)."""


def offered(settings: list[FrameworkSetting], place: Place) -> Iterator[Offered | BlindSpot]:
    """What an application of these settings serves; a setting that cannot be told is a blind spot."""
    known: dict[str, list[FrameworkSetting]] = {}
    for each in settings:
        if each.name.startswith("SECURITY_"):
            known.setdefault(each.name[len("SECURITY_") :], []).append(each)

    def told(name: str) -> list[object]:
        return [k.value for s in in_service(known.get(name, ())) for k in possible(s.value)]

    (prefix, *_) = [*(x for x in told("URL_PREFIX") if isinstance(x, str)), ""]
    untold: set[str] = set()
    for switch, endpoint, setting, default, methods, closed in (*_ALWAYS, *_OPTIONAL):
        if switch:
            if switch in known and not told(switch):
                untold.add(switch)
                continue
            if not any(told(switch)):
                continue
        path = default
        for url in told(setting):
            if isinstance(url, str):
                suffix = default[default.index("/<") :] if "/<" in default else ""
                path = url.rstrip("/") + suffix
        for value in told("LOGOUT_METHODS") if endpoint == "logout" else ():
            if isinstance(value, list):
                methods = tuple(str(method).upper() for method in value)
        yield Offered(endpoint, f"{prefix.rstrip('/')}{path}", methods, closed)
    for switch in sorted(untold):
        what = (
            f"Flask-Security registers routes if SECURITY_{switch} is on, which is told at run time"
        )
        yield BlindSpot(place, "routes", what)
    folder = next((x for x in told("STATIC_FOLDER_URL") if isinstance(x, str)), "/fs-static")
    yield Offered("static", f"{prefix.rstrip('/')}{folder}/<path:filename>", _GET)
