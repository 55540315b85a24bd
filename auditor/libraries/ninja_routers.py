"""Routers and controllers that packages bring for django-ninja: what each serves.

Sources: the documentation of django-ninja-jwt ("Getting started": `NinjaJWTDefaultController`, routers).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


class SuppliedOperation(msgspec.Struct, frozen=True):
    """One operation of a package's router: open to everybody, for the reason given."""

    path: str
    method: str
    name: str
    public: str


_LOGIN, _REFRESHES = "login", "token refresh"
_PAIR = (
    ("/pair", "TokenObtainPairController.obtain_token", _LOGIN),
    ("/refresh", "TokenObtainPairController.refresh_token", _REFRESHES),
)
_SLIDING = (
    ("/sliding", "TokenObtainSlidingController.obtain_token", _LOGIN),
    ("/sliding/refresh", "TokenObtainSlidingController.refresh_token", _REFRESHES),
)
_VERIFY = (("/verify", "TokenVerificationController.verify_token", _REFRESHES),)
_BLACKLIST = (("/blacklist", "TokenBlackListController.blacklist_token", "logout"),)
_CONTROLLERS = {
    "NinjaJWTDefaultController": ("/token", (*_VERIFY, *_PAIR)),
    "NinjaJWTSlidingController": ("/token", (*_VERIFY, *_SLIDING)),
    "TokenObtainPairController": ("", _PAIR),
    "TokenObtainSlidingController": ("", _SLIDING),
    "TokenVerificationController": ("", _VERIFY),
    "TokenBlackListController": ("", _BLACKLIST),
}
_ROUTERS = {
    "obtain.obtain_pair_router": _PAIR,
    "obtain.sliding_router": _SLIDING,
    "verify.verify_router": _VERIFY,
    "blacklist.blacklist_router": _BLACKLIST,
}


def _supplied() -> Iterator[tuple[str, tuple[SuppliedOperation, ...]]]:
    for name, (prefix, operations) in _CONTROLLERS.items():
        for kind in ("", "Async"):
            yield (
                f"ninja_jwt.controller.{kind}{name}",
                tuple(
                    SuppliedOperation(prefix + path, "POST", kind + handler, public)
                    for path, handler, public in operations
                ),
            )
    for name, operations in _ROUTERS.items():
        yield (
            f"ninja_jwt.routers.{name}",
            tuple(
                SuppliedOperation(path, "POST", handler.rpartition(".")[2], public)
                for path, handler, public in operations
            ),
        )


SUPPLIED = dict(_supplied())
"""Canonical name -> operations. Controllers named so are registered, or derived from."""
