"""Where answers and outgoing requests lead: markup, redirects, hosts."""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.libraries.sinks import Found, receiver_of, text_of
from auditor.link.flow import Form, Reached, Taint, drains
from auditor.link.flow.taint import each
from auditor.link.scopes import Scope, argument

_HTML_RESPONSES = re.compile(
    r"(?:fastapi|starlette)\.responses\.HTMLResponse|django\.(?:http|shortcuts)(?:\.response)?\.HttpResponse(?:BadRequest|NotFound|Forbidden|ServerError|Gone)?$"
    r"|flask\.(?:make_response|Response)$|flask\.wrappers\.Response$"
)


@drains("HTMLResponse", "HttpResponse", "make_response", "Response", "HttpResponseBadRequest",
        "HttpResponseNotFound", "HttpResponseForbidden", "HttpResponseServerError", "HttpResponseGone")  # fmt: skip
def reflected(reached: Reached) -> Found:
    if not _HTML_RESPONSES.match(reached.name):
        return
    if (
        argument(reached.site.node, None, "content_type", "mimetype", "media_type", "headers")
        is not None
    ):
        return
    given = reached.arg(0, "content", "response")
    if given is not None and given.form is Form.RECORD:  # `make_response((text, status))`
        given = given.parts().get("0")
    if given is not None and given.form is Form.TEXT:
        yield "markup", given


@drains("render_template", "render", "TemplateResponse", "render_to_string", "render_to_response")
def shown_unescaped(reached: Reached) -> Found:
    """`render_template("page.html", note=note)` of a template that has `{{ note|safe }}` (CWE-79)."""
    call, values = reached.site.node, reached.flow.values
    given = [
        *call.args[:2],
        *(k.value for k in call.keywords if k.name in ("name", "template_name")),
    ]
    names = [text for arg in given if (text := values.text(arg, reached.site.scope))]
    if not names:
        return
    context = {k: v for k, v in reached.named.items() if k}
    for held in (*reached.positional[1:3], reached.named.get("context"), reached.named.get(None)):
        if held is not None and held.form is Form.RECORD:
            context |= held.parts()
    for path, shown in reached.flow.unescaped.get(names[0].rpartition("/")[2], {}).items():
        if path == names[0] or path.endswith(f"/{names[0]}"):
            for name in sorted(shown & context.keys()):
                held = each(context[name]) if context[name] else None
                yield "markup", text_of(held)


@drains("mark_safe", "Markup", "SafeString", "SafeText")
def marked_safe(reached: Reached) -> Found:
    if re.match(r"django\.utils\.safestring|markupsafe|flask\.|jinja2", reached.name):
        yield "markup", text_of(reached.arg(0))


# --- outgoing requests (CWE-918) and redirects (CWE-601)

_HTTP = re.compile(
    r"^(?:requests|httpx|aiohttp|urllib\.request|urllib3|urllib2|http\.client|pycurl|niquests|curl_cffi)\b"
)
_HTTP_RECEIVER = re.compile(
    r"(?:http|requests|aio|web)_?(?:client|session)|^(?:requests|httpx)$", re.I
)


@drains(
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "head",
    "options",
    "urlopen",
    "urlretrieve",
    "stream",
    "Request",
)
def outgoing(reached: Reached) -> Found:
    yield "url", _host(reached, 0)


@drains("HTTPConnection", "HTTPSConnection", "create_connection")
def connected(reached: Reached) -> Found:
    """A connection to a host of the caller's, without a URL."""
    if re.match(r"http\.client\.HTTPS?Connection$|socket\.create_connection$", reached.name):
        given = reached.arg(0, "host", "address")
        if given is not None and given.form is Form.RECORD:
            given = given.parts().get("0")
        yield "url", text_of(given)


@drains("request")
def outgoing_by_method(reached: Reached) -> Found:
    yield "url", _host(reached, 1)


def _host(reached: Reached, position: int) -> Taint | None:
    if reached.receiver is not None:
        return None
    name = reached.name
    if not _HTTP.match(name) and (name or not _HTTP_RECEIVER.search(receiver_of(reached))):
        return None
    url = text_of(reached.arg(position, "url"))
    if url is None or url.led or _has_transport(reached):
        return None
    return url


def _has_transport(reached: Reached) -> bool:
    """A client with a transport of its own, which may refuse inner addresses."""
    func = reached.site.node.func
    if not isinstance(func, t.Attr):
        return False
    code = reached.flow.code
    pending, seen = [(func.value, reached.site.scope)], 0
    while pending and seen < 20:
        expr, scope = pending.pop()
        seen += 1
        if isinstance(expr, t.Call):
            own = code.defined(expr.func, scope)
            if argument(expr, None, "transport", "connector") is not None:
                return True
            if own is not None and _adapts(own.node):
                return True
        elif isinstance(expr, t.Name) and (bound := code.find(expr.id, scope)):
            pending += [(b.part, bound[0]) for b in bound[1] if isinstance(b.part, t.Call)]
            if isinstance(bound[0].owner, t.Function):
                pending += _passed(reached, bound[0].owner, expr.id)
    return False


def _passed(reached: Reached, function: t.Function, name: str) -> list[tuple[t.Expr, Scope]]:
    """What the module's calls of a function give for one of its parameters."""
    position = next((i for i, p in enumerate(function.params) if p.name == name), None)
    if position is None:
        return []
    sites = list(reached.flow.code.method_calls(function.name))[:8]
    given = [(site.arg(position, name), site.scope) for site in sites]
    module = reached.site.scope.module
    return [(expr, scope) for expr, scope in given if expr is not None and scope.module is module]


_CHOOSES = {"mount", "send", "get_adapter", "rebuild_auth"}


def _adapts(node: t.Node) -> bool:
    """A session class of the tree that has a say in where requests go."""
    return isinstance(node, t.Class) and any(
        (isinstance(inner, t.Function) and inner.name in _CHOOSES)
        or (
            isinstance(inner, t.Call)
            and isinstance(inner.func, t.Attr)
            and inner.func.name in _CHOOSES
        )
        for inner in t.walk(*node.body)
    )


_REDIRECTS = re.compile(
    r"(?:fastapi|starlette)\.responses\.RedirectResponse|(?:flask|quart|werkzeug\.utils)\.redirect$|flask\.helpers\.redirect"
    r"|django\.shortcuts\.redirect|django\.http\.(?:response\.)?HttpResponse(?:Permanent)?Redirect"
)


@drains("RedirectResponse", "redirect", "HttpResponseRedirect", "HttpResponsePermanentRedirect")
def redirected(reached: Reached) -> Found:
    if not _REDIRECTS.match(reached.name):
        return
    target = text_of(reached.arg(0, "url", "location", "redirect_to", "to"))
    if target is not None and not target.led and not target.source.segment:
        yield "redirect", target
