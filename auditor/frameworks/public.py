"""Routes that are public by nature, and why.

By the words of their path: a health check, a login or a webhook's documentation must be reachable
without a session. A word counts as a whole path segment, so that `/login-history` is not a login,
and an action counts only as the end of a path, so that `/token/{id}/owner` is none.
"""

from __future__ import annotations

import re

_ACTIONS = tuple(
    (why, re.compile(words, re.I))
    for why, words in (
        (
            "login",
            r"(?:(?!cannot|cant|trouble|problem|no|unable|help)[a-z]+[-_])?(?:log|sign)[-_]?in(?:[-_](?:challenge|page|form))?"
            r"|authenticate|access[-_]?token|oauth2?|sso|authorize"
            r"|(?:send|verify|request|resend)[-_]otp|(?:[a-z]+[-_])?captcha(?:[-_](?:image|code|id))?|(?:(?:get|send|request)[-_])?(?:sms|image|img|verification|verify)[-_]?code|(?:send|request|resend)[-_]code|magic(?:[-_]?link)?|2fa|mfa|otp[-_/](?:sync|send|resend|request)"
            r"|(?:auth|login|oauth2?|users?)[-/](?:token|otp|session|jwt)|token|otp|auth/verify"
            r"|iniciar[-_]?sesion|entrar|anmeld(?:en|ung)|logowanie"
            r"|(?:ssh|key|worker|client|device)[-_]authorize"
            r"|(?:oidc|oauth2?|saml2?|sso|device)/(?:auth[-_]?)?(?:init|poll|start|begin|device[-_](?:code|token))"
            r"|(?:2fa|mfa)/(?:totp|otp|verify|fido2?|webauthn|sms|email)"
            r"|(?:login|token|auth|2fa|mfa)/(?:fido2?|webauthn|passkeys?)/(?:begin|complete|start|finish|verify|options)"
            r"|(?:github|gitlab|google|auth|oauth2?|device)/device[-_](?:code|token)"
            r"|(?:log|sign)[-_]?in/(?:totp|otp|mfa|2fa|oidc|sso|saml2?|ldap|oauth2?|verify|challenge|providers)"
            r"|(?:oauth2?|oidc|openid|saml2?|sso)[-/](?:tokens?|exchange|config(?:uration)?|providers?)"
            r"|(?:google|github|gitlab|facebook|microsoft|apple|discord|oauth2?|oidc|sso)/(?:auth[-_]?)?url"
            r"|(?:auth|login|social|sign[-_]?in|accounts?|oauth2?|oidc|sso)[-_/]"
            r"(?:google|facebook|github|gitlab|apple|twitter|microsoft|linkedin|kakao|naver|yandex|vk|telegram)"
            r"|(?:google|facebook|github|gitlab|apple|twitter|microsoft|linkedin|kakao|naver|yandex|vk|telegram)"
            r"[-_](?:auth|login|sign[-_]?in)",
        ),
        ("logout", r"(?:log|sign)[-_]?(?:out|off)|token/(?:blacklist|revoke)"),
        (
            "registration",
            r"(?:(?!(?:extract|parse|scan|lookup|check|vehicle|company|business|domain|trade|gst|course|event)[-_])[a-z]+[-_])?(?:register|registration|sign[-_]?up)"
            r"|registro|registrar(?:se)?|cadastr(?:o|ar)|inscri(?:ption|pcion|cao|zione)|registrierung|rejestracja"
            r"|(?:register|sign[-_]?up)/(?:user|customer|account|member|student|teacher|parent|patient|doctor|seller|buyer|vendor"
            r"|driver|candidate|employer|employee|company|client|artist|organi[sz]ation)s?"
            r"|(?:register|registration|sign[-_]?up)/(?:confirm|activat|verif|complet|done|success|resend|pending|\w+[-_]wait)\w*",
        ),
        ("token refresh", r"refresh|refresh[-_]?token|token[-_]?refresh|token/refresh"),
        (
            "password recovery",
            r"(?:request[-_])?(?:forgot(?:ten)?|forget|reset|recover)[-_/]?(?:my[-_])?password|password[-_/]?(?:reset|recovery|forgot)"
            r"(?:[-_/](?:confirm|request|complete))?|recover|verify[-_]?email|email[-_]?verification"
            r"|confirm[-_]?email|request[-_]?verify[-_]?token|resend[-_]?(?:confirmation|verification)(?:[-_]?email)?"
            r"|reset[-_]?password/(?:new[-_]?password|confirm|complete|finali[sz]e|finish)"
            r"|(?:forgot(?:ten)?|forget|lost)[-_]?password/(?:ask|request|change|set|sent|new|reset|confirm|complete|done)"
            r"|(?:forgot|reset)[-_]?password/\w*(?:token|code)"
            r"|(?:auth|accounts?|login)/(?:(?:request[-_])?(?:reset|recover|recovery|forgot)|(?:reset|recovery?)[-_]request"
            r"|activate|unlock|(?:e?mail|phone|sms)[-_]code)",
        ),
        (
            "link of a mail",
            r"(?:account|user|e?mail)[-_/](?:confirm(?:ation)?|activat(?:e|ion)|verif(?:y|ication))"
            r"|(?:confirm|activate|verify)[-_/](?:account|e?mail)|accept[-_]invit(?:e|ation)",
        ),
        (
            "report of a browser",
            r"csp[-_]?(?:violation[-_]?)?reports?|csp[-_]violations?|report[-_]?uri",
        ),
        (
            "sign-in callback",
            r"(?:[a-z]+[-_/])?callback"
            r"|(?:google|github|gitlab|azure|facebook|twitter|oidc|oauth2?|openid|saml2?|sso)[-_/]"
            r"(?:authori[sz]ed|acs|metadata|sls|complete)",
        ),
    )
)
_PLACES = tuple(
    (why, re.compile(words, re.I))
    for why, words in (
        (
            "health check",
            r"(?:_|(?:api|service|system|server|app)[-_])?health(?:z|[-_]?check)?|__health(?:z|check)?__|liv(?:ez?|eness)|ready?z?|readiness|ping|alive|(?:__)?(?:lb)?heart[-_]?beat(?:__)?|up",
        ),
        (
            "documentation",
            r"docs|redoc|openapi(?:\.json|\.ya?ml)?|swagger(?:\.json|\.ya?ml)?|(?:api)?spec(?:\.json|\.ya?ml)?|version",
        ),
        (
            "static files",
            r"static|assets|favicon\.ico|(?:robots|humans|security)\.txt|sitemap\.xml|\.well-known|manifest\.json"
            r"|site\.webmanifest|opensearch\.xml|browserconfig\.xml|(?:service[-_]?worker|sw)\.js",
        ),
        (
            "information",
            r"privacy(?:[-_]policy)?|terms(?:[-_](?:of[-_])?(?:service|use))?|imprint|legal|about(?:[-_]us)?|faq"
            r"|cookies?[-_]policy|contact(?:[-_]us)?",
        ),
        ("metrics", r"metrics"),
        ("error page", r"(?:errors?[-_/])?[45]\d\d"),
    )
)
_FORMS = re.compile(
    r"contact[-_](?:us|form)|contact/(?:submit|send)|feedback|(?:send|give|submit)[-_]feedback|newsletter(?:[-_/](?:subscribe|unsubscribe|signup))?|(?:un)?subscribe"
    r"|(?:i18n/)?set[-_]?lang(?:uage)?|cookie[-_]?consent",
    re.I,
)
"""What visitors of a site send without an account, at the top of the site."""
_FILE = re.compile(r"[^{}]*\.(?:js|css|map|png|jpe?g|svg|gif|ico|woff2?|ttf|webmanifest)", re.I)
_OF_THINGS = re.compile(
    r"(?:applications?|apps?|clients?|devices?|(?:web)?hooks?|services?|domains?|events?|courses?|(?:push[-_]?)?tokens|phones?|fcm|push|notifications?)",
    re.I,
)
"""Below these, `register` is no registration of people."""
_ENTERS = re.compile(r"registro|registrar(?:se)?|cadastr(?:o|ar)", re.I)
_OF_PEOPLE = re.compile(
    r"usuarios?|users?|cuentas?|contas?|accounts?|auth|autenticacion|autenticacao|clientes?|login|sesion|sessao|perfil",
    re.I,
)
"""What those words are a registration of; elsewhere they mean that a record of anything is entered."""
_DEEPEST = {"health check": 2, "information": 1, "error page": 2}
_MAILED = re.compile(
    r"(?:re)?set|(?:re)?set[-_]?password|confirm|activate|verify|unsubscribe|(?:accept[-_]?)?invit(?:e|ation)s?",
    re.I,
)
"""What the link of a mail does: its secret is the credential."""
_SECRET = re.compile(
    r"\{(?:token|email|code|uid|key)(?!_?id\})\w*\}|\{(?:\w+_)?(?:confirm|confirmation|activation|verification|reset|invite|invitation)_?(?:token|code|key)\}",
    re.I,
)
_WHOSE = re.compile(r"\{(?:uid\w*|user_?id|user|pk|id)\}", re.I)
_START = re.compile(r"index(?:\.html?)?|home(?:[-_]?page)?|landing(?:[-_]?page)?|welcome", re.I)
_STATUS = re.compile(r"(?:_?status|(?:api|public|server|system|app|service)[-/]status)", re.I)
_BARE = {"token", "otp", "recover", "refresh"}
"""Words that name an action only when they are the whole path, or stand below `auth`."""


_PASSWORD = {"password", "passwd", "pwd", "pass", "username"}
_RECOVERY = {"forgot", "forgotten", "forget", "reset", "recover", "recovery", "lost", "retrieve"}
_PROVING = {"verify", "verification", "confirm", "confirmation", "activate", "activation"}
_PROVEN = {"email", "mail", "otp", "code", "account", "phone", "mobile", "registration", "signup"}
_SENT = {"code", "otp", "token"}
_AROUND = {
    "request", "send", "resend", "check", "validate", "start", "initiate", "complete", "finish", "submit", "new",
    "code", "otp", "token", "link", "email", "mail", "by", "with", "via", "my", "your", "user", "form", "page", "done",
    "confirm", "confirmation", "verify", "api", "auth",
}  # fmt: skip
"""What stands beside the words of an action: `request-password-reset`, `verify-email-code`."""
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def _named_by_words(segment: str) -> str:
    """What the words of a segment say together, in any order."""
    words = {word.lower() for word in _WORD.findall(segment)}
    if words & _PASSWORD and words & _RECOVERY and words <= _PASSWORD | _RECOVERY | _AROUND:
        return "password recovery"
    proving = words & (_PROVING | {"check", "validate"})
    if (
        proving
        and words & _RECOVERY
        and words & _SENT
        and words <= _RECOVERY | _SENT | _PROVING | _AROUND
    ):
        return "password recovery"
    if words & _PROVING and words & _PROVEN and words <= _PROVING | _PROVEN | _AROUND:
        return "link of a mail"
    if words & _PROVING and "resend" in words and words <= _PROVING | _AROUND:
        return "link of a mail"
    return ""


_BEFORE = re.compile(
    r"api|v\d+(?:\.\d+)*|\{(?:(?:api_?)?version|lang(?:uage)?(?:_code)?|locale)\}", re.I
)
"""What stands before every path of an application and says nothing of any."""
_PARAMETER = re.compile(r"<(?:[^:<>]+:)?(\w+)>|\{(\w+):\w+\}")


def public_by_nature(method: str, path: str) -> str:
    """Why a route is public by nature; empty where it is not. A start page is public."""
    path = path.removeprefix("{?}")  # a prefix that is told at run time
    segments = [_PARAMETER.sub(r"{\1\2}", s) for s in path.split("/") if s]
    while segments and _BEFORE.fullmatch(segments[0]):
        segments.pop(0)
    reads = method in ("GET", "HEAD", "OPTIONS")
    if not segments or (len(segments) == 1 and _START.fullmatch(segments[0])):
        return "start page" if reads else ""
    mailed = False
    if len(segments) > 1 and _SECRET.fullmatch(segments[-1]):
        secret = segments.pop()  # the link of a mail: `/reset-password/{token}`
        mailed = secret[1:].endswith(("token}", "code}", "key}")) and method in ("GET", "POST")
        if mailed and len(segments) > 1 and _WHOSE.fullmatch(segments[-1]):
            segments.pop()  # `/reset/{uid}/{token}`
    if _with_provider("/".join(segments[-3:])):
        return "sign-in callback"
    shown = reads and len(segments) > 1 and segments[0].lower() in ("open", "public")
    named = "public by its name" if shown else ""  # `/public/products/{id}`
    if any(segment.startswith("{") for segment in segments[:-1]):
        return named
    *above, last = segments
    if reads and _FILE.fullmatch(last):
        return "static files"
    if last.startswith("{"):
        return "static files" if above and reads and _PLACES[2][1].fullmatch(above[0]) else named
    pair = f"{above[-1]}/{last}" if above else ""
    for why, words in _ACTIONS:
        if why == "registration" and above and _OF_THINGS.fullmatch(above[-1]):
            continue
        if _ENTERS.fullmatch(last) and above and not _OF_PEOPLE.fullmatch(above[-1]):
            continue  # `/paciente/registrar`: a record is entered
        if pair and words.fullmatch(pair):
            return why
        if words.fullmatch(last) and (
            last.lower() not in _BARE or not above or _is_auth(above[-1])
        ):
            return why
    if words_say := _named_by_words(last) or _named_by_words(pair):
        return words_say
    if method in ("POST", "PUT") and len(segments) <= 2 and _FORMS.fullmatch("/".join(segments)):
        return "form for visitors"
    if mailed and _MAILED.fullmatch(last):
        return "link of a mail"
    if reads:
        if _PLACES[-1][1].fullmatch(pair):
            return "error page"
        for why, words in _PLACES:
            of_health = why != "health check" or len(segments) == 1 or _CHECKED.fullmatch(last)
            if words.fullmatch(segments[0]) and len(segments) <= _DEEPEST.get(why, len(segments)):
                if of_health:
                    return why
            if (
                why == "health check"
                and words.fullmatch(last)
                and len(segments) <= 2
                and not _is_admin(above)
            ):
                return why
        if _STATUS.fullmatch(pair or last) or last == "_status":
            return "health check"
        if _PUBLIC_KEY.fullmatch(last):
            return "public by its name"
    if any(segment.lower() == "public" for segment in above):
        return "public by its name"
    return named


_with_provider = re.compile(
    r"(?:.*/)?(?:oauth2?|oidc|openid|sso|saml2?|social(?:[-_]?(?:auth|login))?|auth|login|sign-?in)/(?:"
    r"\{(?:oauth_?)?(?:provider|backend|idp)(?:_?(?:name|id|slug))?\}(?:/(?:authori[sz]ed?|callback|register|login"
    r"|complete|authenticate|redirect|return|start|initiate|acs))?|callback/\{\w+\})",
    re.I,
).fullmatch
"""`/oauth/{provider}/callback`: another server's word is the credential."""


_PUBLIC_KEY = re.compile(r"(?:[a-z]+[-_])*public[-_]?keys?|jwks(?:\.json)?", re.I)
_CHECKED = re.compile(
    r"live\w*|read(?:y|iness)\w*|start\w*|check\w*|status|ping|alive|up|ok|details?|detailed|full|deep|all|info|summary|simple|basic"
    r"|internal|external|db|databases?|postgres\w*|mysql|mongo\w*|redis|caches?|queues?|celery|workers?|brokers?|storage|disk|memory"
    r"|services?|dependenc\w+|components?|metrics|versions?|system|app|api|z|healthz?",
    re.I,
)
"""What a part of a health check is of; `/health/records` are a patient's or an animal's."""


def looks_like_health(path: str) -> bool:
    """Whether a path names a health check, public or not."""
    last = path.rstrip("/").rpartition("/")[2]
    return _PLACES[0][1].fullmatch(last) is not None


def _is_auth(segment: str) -> bool:
    return (
        re.fullmatch(r"auth|oauth2?|login|users?|accounts?|jwts?|tokens?|sessions?", segment, re.I)
        is not None
    )


def _is_admin(above: list[str]) -> bool:
    return any(re.fullmatch(r"admin|internal|private", segment, re.I) for segment in above)
