"""Routes that are public by nature, and their near-misses."""

from __future__ import annotations

import pytest

from auditor.frameworks.public import public_by_nature
from auditor.model.web import Guarding, Route
from tests.conftest import Build


@pytest.mark.parametrize(
    "method, path, why",
    [
        ("GET", "/", "start page"),
        ("GET", "/api", "start page"),
        ("POST", "/paciente/registrar/", ""),
        ("POST", "/usuario/registrar/", "registration"),
        ("POST", "/cadastro", "registration"),
        ("GET", "/home", "start page"),
        ("GET", "/index.html", "start page"),
        ("POST", "/home", ""),
        ("GET", "/home/members", ""),
        ("GET", "/health", "health check"),
        ("GET", "/api/v1/healthz", "health check"),
        ("GET", "/health/detailed", "health check"),
        ("GET", "/__health__", "health check"),
        ("GET", "/auth/captcha", "login"),
        ("POST", "/passport/sms_code", "login"),
        ("POST", "/admin/telegram/request-code", "login"),
        ("GET", "/codes/country_code", ""),
        ("GET", "/api/public/status", "health check"),
        ("POST", "/auth/login", "login"),
        ("GET", "/api/v1/auth/oauth/google", "login"),
        ("GET", "/social/oauth/callback/{platform}", "sign-in callback"),
        ("GET", "/callback/{order}", ""),
        ("POST", "/users/verify-reset-code", "password recovery"),
        ("POST", "/devices/reset-token", ""),
        ("GET", "/api/v1/open/products/{id}", "public by its name"),
        ("POST", "/api/v1/open/orders", ""),
        ("GET", "/tickets/open", ""),
        ("POST", "/token", "login"),
        ("POST", "/forgot-password/ask", "password recovery"),
        ("POST", "/forgot-password/change", "password recovery"),
        ("POST", "/register/confirm", "registration"),
        ("POST", "/api/{version}/user/login/", "login"),
        ("POST", "/{lang}/auth/signin", "login"),
        ("POST", "/{tenant}/login", ""),
        ("POST", "/auth/telegram-auth/", "login"),
        ("POST", "/auth/email/send-verification/", "link of a mail"),
        ("POST", "/user/confirm/resend/", "link of a mail"),
        ("POST", "/user/request-username/", ""),
        ("POST", "/orders/confirm-payment/", ""),
        ("POST", "/orders/resend/", ""),
        ("GET", "/register/spamcheck-wait", "registration"),
        ("POST", "/register/spamcheck-hook", ""),
        ("POST", "/otp/sync/", "login"),
        ("POST", "/api/v1/core/auth/otp/send/", "login"),
        ("POST", "/otp/delete/", ""),
        ("POST", "/api/v1/authentication/login_challenge/", "login"),
        ("GET", "/js/app.js", "static files"),
        ("GET", "/spec", "documentation"),
        ("GET", "/reports/{name}.js", ""),
        ("POST", "/js/app.js", ""),
        ("POST", "/auth/token", "login"),
        ("POST", "/auth/extension-login", "login"),
        ("POST", "/login/magic/{email}", "login"),
        ("POST", "/users/register", "registration"),
        ("POST", "/auth/refresh", "token refresh"),
        ("POST", "/reset-password/{token}", "password recovery"),
        ("GET", "/forgot/password", "password recovery"),
        ("GET", "/static/{path}", "static files"),
        ("POST", "/auth/reset", "password recovery"),
        ("POST", "/auth/reset/<token>", "password recovery"),
        ("GET", "/confirm/<string:token>", "link of a mail"),
        ("POST", "/invitations/{token}", "link of a mail"),
        ("POST", "/register/customer", "registration"),
        ("POST", "/reset-password/new-password", "password recovery"),
        ("GET", "/google/authorized", "sign-in callback"),
        ("POST", "/api/auth/token/blacklist/", "logout"),
        ("GET", "/privacy-policy/", "information"),
        ("GET", "/manifest.json", "static files"),
        ("GET", "/legal/cases", ""),
        ("POST", "/contact", ""),
        ("POST", "/contact-us/", "form for visitors"),
        ("POST", "/feedback/", "form for visitors"),
        ("POST", "/newsletter/subscribe", "form for visitors"),
        ("POST", "/i18n/setlang/", "form for visitors"),
        ("POST", "/auth/request-password-reset", "password recovery"),
        ("POST", "/auth/verify-email-code", "link of a mail"),
        ("POST", "/auth/resendVerificationCode", "link of a mail"),
        ("POST", "/users/{id}/reset-password", ""),
        ("POST", "/auth/send-email", ""),
        ("POST", "/confirm-order-email", ""),
        ("POST", "/reset-password-policy", ""),
        ("POST", "/public/booking", "public by its name"),
        ("GET", "/api/v1/public/business", "public by its name"),
        ("POST", "/publications/new", ""),
        ("POST", "/admin/public", ""),
        ("GET", "/feedback/", ""),
        ("DELETE", "/feedback/", ""),
        ("POST", "/plans/{plan_id}/subscribe", ""),
        ("POST", "/courses/{course_id}/feedback", ""),
        ("GET", "/error/404/", "error page"),
        ("GET", "/email_confirmation/{confirmation_key}/", "link of a mail"),
        ("GET", "/files/{api_key}", ""),
        ("POST", "/set-password/{user_id}/{password_reset_token}/", "link of a mail"),
        ("POST", "/set-password/{user_id}/", ""),
        ("GET", "/accounts/request-reset-password/", "password recovery"),
        ("GET", "/auth/google/url/", "login"),
        ("GET", "/files/url", ""),
        ("POST", "/recruiter/auth/accept-invitation/", "link of a mail"),
        ("POST", "/items/reset", ""),
        ("POST", "/register/device", ""),
        ("POST", "/accounts/signup/student/", "registration"),
        ("POST", "/signup/coupon", ""),
        ("POST", "/auth/request_reset", "password recovery"),
        ("PUT", "/api/v1/auth/recovery", "password recovery"),
        ("POST", "/backups/recovery", ""),
        ("GET", "/push/vapid-public-key", "public by its name"),
        ("DELETE", "/push/vapid-public-key", ""),
        ("GET", "/users/{id}/keys", ""),
        ("DELETE", "/invitations/{token}", ""),
        ("GET", "/verify/{email}", ""),
        ("GET", "/user/<username>", ""),
        ("POST", "/", ""),
        ("GET", "/auth/account_confirmation", "link of a mail"),
        ("GET", "/confirm-email", "password recovery"),
        ("POST", "/orders/confirm", ""),
        ("POST", "/users/verify", ""),
        ("POST", "/health", ""),
        ("GET", "/admin/health", ""),
        ("GET", "/orders/{id}/status", ""),
        ("GET", "/health/records/{id}", ""),
        ("GET", "/users/{id}/token", ""),
        ("POST", "/devices/token", ""),
        ("GET", "/login-history", ""),
        ("GET", "/leads", ""),
    ],
)
def test_public_by_nature(method: str, path: str, why: str) -> None:
    assert public_by_nature(method, path) == why


@pytest.mark.parametrize(
    "view, public",
    [
        ("if user.parola == request.form['parola']:\n        session['nume'] = user.nume", "login"),
        ("if check_password_hash(user.hash, request.form['password']): login_user(user)", "login"),
        ("if find(f\"SELECT 1 FROM u WHERE n = '{n}' AND password = '{request.form['password']}'\"): session['n'] = n", "login"),
        ("if ok(request.form['password']): session['n'] = 1\n    return render_template('login.html')", "login"),
        ("return render_template('auth/login.html')", "login"),
        ("user.password = request.form['password']\n    user.save()", ""),
        ("user = users.find_one({'name': n, 'password': request.form['password']})\n    return create_access_token(user)", "login"),
        ("users.insert_one({'name': n, 'password': request.form['password']})\n    return create_access_token(n)", ""),
        ("session['cart'] = request.form['item']", ""),
        ("return render_template('profile.html')", ""),
        ("if request.form['password'] == request.form['repeat']: save()", ""),
    ],
)  # fmt: skip
def test_sign_ins_are_told_by_what_they_do(build: Build, view: str, public: str) -> None:
    code = f"""
from flask import Flask, render_template, request, session
from flask_login import login_user
app = Flask(__name__)

@app.post("/verificare")
def verificare():
    {view}
"""
    routes = build({"app.py": code}).facts(Route)
    assert [r.public for r in routes if r.path == "/verificare"] == [public]


@pytest.mark.parametrize(
    "handler, body, public",
    [
        (
            "login_view",
            "find(request.form['name']).check_password(request.form['password'])",
            "login",
        ),
        ("register_view", "create(request.form['name'], request.form['password'])", "registration"),
        ("register_device", "create(request.form['name'], request.form['password'])", ""),
        ("register", "create(request.form['serial'])", ""),
        ("login_history", "check_password(request.form['password'])", ""),
        ("wanted", "forgot_username(request.form['mail'])", "password recovery"),
        (
            "profile",
            "User.objects.create_user(request.form['password']); send_mail('confirm_account')",
            "registration",
        ),
        ("profile", "User.objects.create_user(request.form['confirm_password']); send_mail(m)", ""),
        ("profile", "create(request.form['password']); send_mail('confirm_account')", ""),
    ],
)
def test_entrances_are_told_by_handlers(build: Build, handler: str, body: str, public: str) -> None:
    code = f"""
from flask import Flask, request
app = Flask(__name__)

@app.post("/people")
def {handler}():
    {body}
    return "fine"
"""
    routes = build({"app.py": code}).facts(Route)
    assert [r.public for r in routes if r.path == "/people"] == [public]


@pytest.mark.parametrize(
    "call, state",
    [
        ("verify_jwt_refresh_token_in_request", Guarding.ENFORCED),
        ("verify_fresh_jwt_in_request", Guarding.ENFORCED),
        ("verify_jwt_in_request_optional", Guarding.ABSENT),
    ],
)
def test_flask_jwt_extended_of_the_third_version(build: Build, call: str, state: Guarding) -> None:
    code = f"""
from functools import wraps
from flask import Flask
from flask_jwt_extended import {call}
app = Flask(__name__)

def guarded(view):
    @wraps(view)
    def inner(*args, **kwargs):
        {call}()
        return view(*args, **kwargs)
    return inner

@app.get("/people")
@guarded
def people():
    return "people"
"""
    routes = build({"app.py": code}).facts(Route)
    assert [r.authentication for r in routes if r.path == "/people"] == [state]
