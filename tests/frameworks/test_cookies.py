"""Cookies and forms: what each framework sends, and what it demands."""

from __future__ import annotations

import textwrap

import pytest

from auditor.model.cookies import Cookie, CsrfGap, CsrfProtection, Flag
from tests.conftest import Build


def _cookies(build: Build, code: str, **files: str) -> list[Cookie]:
    return list(build({"app.py": textwrap.dedent(code), **files}).facts(Cookie))


_FASTAPI = """
import os
from fastapi import FastAPI, Response
app = FastAPI()
DEBUG = os.getenv("DEBUG", "false").lower() == "true"
OPTIONS = dict(httponly=True, secure=True, samesite="strict")
"""


@pytest.mark.parametrize(
    "call, expected",
    [
        ("set_cookie('session_id', sid)", (Flag.UNSET, Flag.UNSET, "lax")),
        ("set_cookie(key='token', value=t, secure=True, httponly=True)", (Flag.ON, Flag.ON, "lax")),
        ("set_cookie('token', t, **OPTIONS)", (Flag.ON, Flag.ON, "strict")),
        ("set_cookie('token', t, **options)", (Flag.UNKNOWN, Flag.UNKNOWN, "?")),
        ("set_cookie('token', t, None, None, '/', None, True, True, 'none')", (Flag.ON, Flag.ON, "none")),
        ("set_cookie('token', t, secure=not DEBUG)", (Flag.DEPENDS, Flag.UNSET, "lax")),
        ("set_cookie('token', t, secure=os.getenv('SECURE', 'no').lower() == 'yes')", (Flag.OFF, Flag.UNSET, "lax")),
    ],
)  # fmt: skip
def test_attributes_of_a_cookie(build: Build, call: str, expected: tuple[Flag, Flag, str]) -> None:
    code = f"{_FASTAPI}\ndef login(response: Response, t, sid, options): response.{call}\n"
    (cookie,) = _cookies(build, code)
    assert (cookie.secure, cookie.httponly, cookie.samesite) == expected


@pytest.mark.parametrize(
    "call",
    [
        "set_cookie('theme', theme)",
        "set_cookie('token', '')",
        "set_cookie('token', t, max_age=0)",
        "set_cookie('csrf_token', t)",
        "set_cookie('is_signed_in', 'true')",
        "set_cookie('oauth_state', state)",
    ],
)
def test_cookies_that_identify_nobody(build: Build, call: str) -> None:
    code = f"{_FASTAPI}\ndef login(response: Response, t, theme, state): response.{call}\n"
    assert _cookies(build, code) == []


def test_a_setting_with_an_insecure_default_is_named(build: Build) -> None:
    code = """
    import os
    from flask import Flask, session
    app = Flask(__name__)
    app.config["SESSION_COOKIE_SECURE"] = bool(strtobool(os.getenv("HTTPS_ONLY", "false")))
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    """
    (cookie,) = _cookies(build, code)
    assert (cookie.secure, cookie.unless, cookie.samesite) == (Flag.OFF, "HTTPS_ONLY", "lax")


def test_production_settings_count(build: Build) -> None:
    config = """
class Config:
    SESSION_COOKIE_SECURE = False
class ProductionConfig(Config):
    SESSION_COOKIE_SECURE = True
"""
    code = """
    from flask import Flask, session
    app = Flask(__name__)
    app.config.from_object("config.ProductionConfig")
    """
    (cookie,) = _cookies(build, code, **{"config.py": config})
    assert cookie.secure is Flag.ON


def test_configuration_from_outside_is_not_judged(build: Build) -> None:
    code = """
    from flask import Flask, session
    app = Flask(__name__)
    app.config.from_envvar("SETTINGS")
    """
    (cookie,) = _cookies(build, code)
    assert (cookie.secure, cookie.samesite) == (Flag.UNKNOWN, "?")


def test_an_application_without_sessions_sets_no_cookie(build: Build) -> None:
    assert _cookies(build, "from flask import Flask\napp = Flask(__name__)\n") == []


_FLASK = """
from flask import Flask, request, session
from flask_login import login_required, current_user
from flask_wtf import CSRFProtect, FlaskForm
app = Flask(__name__)
"""


@pytest.mark.parametrize(
    "code, gaps",
    [
        ("@app.post('/a')\n@login_required\ndef a(): current_user.x = request.form['x']", 1),
        ("@app.post('/a')\n@login_required\ndef a(): current_user.x = request.get_json()", 0),
        ("@app.post('/a')\n@login_required\ndef a():\n    if Form().validate_on_submit(): save()", 0),
        ("@app.post('/a')\ndef a(): save(request.form['x'])", 0),
        ("@app.post('/a')\ndef a():\n    if 'user' not in session: abort(401)\n    save(session['user'], request.form['x'])", 1),
        ("@app.post('/in')\ndef a():\n    session['user'] = check_password(request.form['x'])", 0),
        ("@app.put('/a')\n@login_required\ndef a(): current_user.x = request.form['x']", 0),
        ("CSRFProtect(app)\n@app.post('/a')\n@login_required\ndef a(): current_user.x = request.form['x']", 0),
        ("csrf = CSRFProtect(app)\n@app.post('/a')\n@csrf.exempt\n@login_required\n"
         "def a(): current_user.x = request.form['x']", 1),
        ("app.config['WTF_CSRF_ENABLED'] = False\nCSRFProtect(app)\n@app.post('/a')\n@login_required\n"
         "def a(): current_user.x = request.form['x']", 1),
        ("@app.before_request\ndef check():\n    if request.form['csrf'] != session['csrf']: abort(403)\n"
         "@app.post('/a')\n@login_required\ndef a(): current_user.x = request.form['x']", 0),
    ],
)  # fmt: skip
def test_forms_of_flask(build: Build, code: str, gaps: int) -> None:
    assert len(build({"app.py": _FLASK + code + "\n"}).facts(CsrfGap)) == gaps


_DJANGO = {
    "settings.py": 'ROOT_URLCONF = "urls"\nMIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]\n',
    "manage.py": 'import os\nimport django\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")\n',
}


def test_django_without_its_middleware(build: Build) -> None:
    application = build({**_DJANGO, "urls.py": "urlpatterns = []\n"})
    (protection,) = application.facts(CsrfProtection)
    assert protection.sessions
    assert protection.name == ""
    session, csrf = application.facts(Cookie)
    assert (session.secure, session.httponly, session.samesite) == (Flag.UNSET, Flag.ON, "lax")
    assert csrf.what == "csrf"


@pytest.mark.parametrize(
    "view, gaps",
    [
        ("@csrf_exempt\n@login_required\ndef a(request): request.user.x = request.POST['x']", 1),
        ("@csrf_exempt\n@login_required\ndef a(request): return render(request, 'a.html')", 0),
        ("@login_required\ndef a(request): request.user.x = request.POST['x']", 0),
        ("@csrf_exempt\ndef a(request): save(request.POST['x'])", 0),
        ("@csrf_exempt\ndef a(request): save(request.POST['x'], by=request.user)", 1),
        ("@csrf_exempt\n@login_required\ndef a(request):\n"
         "    check(request.headers['X-Signature'])\n    save(request.POST['x'])", 0),
    ],
)  # fmt: skip
def test_exempt_views_of_django(build: Build, view: str, gaps: int) -> None:
    urls = (
        "from django.urls import path\nfrom django.contrib.auth.decorators import login_required\n"
        f"from django.views.decorators.csrf import csrf_exempt\n{view}\nurlpatterns = [path('a', a)]\n"
    )
    assert len(build({**_DJANGO, "urls.py": urls}).facts(CsrfGap)) == gaps


def test_an_authentication_that_leaves_the_check_out(build: Build) -> None:
    code = """
    from rest_framework.authentication import SessionAuthentication
    class Lenient(SessionAuthentication):
        def enforce_csrf(self, request):
            return
    class Strict(SessionAuthentication):
        def enforce_csrf(self, request):
            super().enforce_csrf(request)
    """
    (gap,) = build({"auth.py": textwrap.dedent(code)}).facts(CsrfGap)
    assert gap.route == "Lenient"
