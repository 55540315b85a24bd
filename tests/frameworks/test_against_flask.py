"""Our routing table held against Flask's own, in every style at once.

Each sample is imported in a process of its own; `app.url_map` says which routes it serves, and the
test client who is turned away, without a credential and with a wrong one: by 401, by 403, by 422
(a token that is none) or by being sent to a login.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from apiflask import APIFlask

from auditor.model.web import Guarding, Route
from tests.conftest import Build, load, write

AUTH = """
import functools, hmac, os
from flask import abort, redirect, request, session, url_for

KEY = os.environ["SAMPLE_KEY"]

def key_required(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        if not hmac.compare_digest(request.headers.get("X-Key", ""), KEY):
            abort(401)
        return view(*args, **kwargs)
    return wrapper

def role_required(role):
    def decorator(view):
        @functools.wraps(view)
        def wrapper(*args, **kwargs):
            if session.get("role") != role:
                return {"error": "no"}, 403
            return view(*args, **kwargs)
        return wrapper
    return decorator

def both(view):
    return key_required(role_required("admin")(view))

class Login:
    def __init__(self, view):
        self.view = view
        functools.update_wrapper(self, view)
    def __call__(self, *args, **kwargs):
        if "user" not in session:
            return redirect(url_for("login"))
        return self.view(*args, **kwargs)

def logged(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        args = args or ()
        return view(*args, **kwargs)
    return wrapper
"""
SAMPLES: dict[str, Mapping[str, str]] = {
    "refusals that a helper returns": {
        "helpers.py": """
import os
import jwt
from flask import jsonify, request, session

def refusal():
    if "uid" not in session:
        return jsonify(error="no"), 401
    return None

def caller():
    token = request.headers.get("Authorization")
    if not token:
        return None, (jsonify(error="no"), 401)
    try:
        data = jwt.decode(token, os.environ["SAMPLE_KEY"], algorithms=["HS256"])
    except jwt.InvalidTokenError:
        return None, (jsonify(error="bad"), 401)
    return data, None

def flagged():
    token = request.headers.get("Authorization")
    try:
        return True, jwt.decode(token, os.environ["SAMPLE_KEY"], algorithms=["HS256"])
    except jwt.InvalidTokenError:
        return False, "bad"

def with_status():
    if "uid" not in session:
        return None, {"error": "no"}, 401
    return session["uid"], None, None

def user_or_refusal():
    if "uid" not in session:
        return jsonify(error="no"), 401
    return session["uid"]
""",
        "app.py": """
from functools import wraps
from flask import Flask, jsonify
from helpers import caller, flagged, refusal, user_or_refusal, with_status

app = Flask(__name__)
app.secret_key = "sample"

def guarded(view):
    @wraps(view)
    def wrapper(*args, **kwargs):
        user, error = caller()
        if error:
            return error
        return view(*args, **kwargs)
    return wrapper

@app.get("/handed-on")
def handed_on():
    error = refusal()
    if error:
        return error
    return "x"

@app.get("/walrus")
def walrus():
    if (error := refusal()) is not None:
        return error
    return "x"

@app.get("/not-heeded")
def not_heeded():
    refusal()
    return "x"

@app.get("/pair")
def pair():
    user, error = caller()
    if error:
        return error
    return "x"

@app.get("/pair-by-user")
def by_user():
    user, error = caller()
    if not user:
        return error
    return "x"

@app.get("/pair-not-looked-at")
def not_looked_at():
    user, error = caller()
    return "x"

@app.get("/pair-mistaken")
def mistaken():
    user, error = caller()
    if not error:
        return "known"
    return "x"

@app.get("/flag")
def flag():
    good, data = flagged()
    if not good:
        return jsonify(error=data), 401
    return "x"

@app.get("/three")
def three():
    user, error, status = with_status()
    if error:
        return jsonify(error), status
    return "x"

@app.get("/instance")
def instance():
    user = user_or_refusal()
    if isinstance(user, tuple):
        return user
    return "x"

@app.get("/instance-not-asked")
def instance_not_asked():
    user = user_or_refusal()
    return "x"

@app.get("/decorated")
@guarded
def decorated(): return "x"
""",
    },
    "functions that answer with the status they are given": {
        "answers.py": """
from flask import Response, abort, jsonify, make_response

def error(message, status=400):
    return jsonify(error=message), status

def status_first(status, code, message=None):
    payload = {"error": code}
    return jsonify(payload), status

def set_on(code):
    response = jsonify(error="x")
    response.status_code = code
    return response

def raised(code):
    abort(make_response(jsonify(error=1), code))

def error_response(message, status=401):
    return jsonify(error=message), status

def by_class(message, code):
    return Response(message, status=code)

class Answer:
    @staticmethod
    def failed(message, status_code=400):
        return make_response(jsonify(message=message), status_code)

    @classmethod
    def denied(cls, message="no", status=403):
        return cls.failed(message, status)

def told(message, code):
    print(message, code)
""",
        "app.py": """
from flask import Flask, session
from answers import Answer, by_class, error, error_response, raised, set_on, status_first, told

app = Flask(__name__)
app.secret_key = "sample"

def known(): return "uid" in session

@app.get("/error")
def by_error():
    if "uid" not in session:
        return error("who?", 401)
    return "x"

@app.get("/first")
def by_status_first():
    if "uid" not in session:
        return status_first(401, "who")
    return "x"

@app.get("/set")
def by_set():
    if "uid" not in session:
        return set_on(401)
    return "x"

@app.get("/raised")
def by_raising():
    if "uid" not in session:
        raised(401)
    return "x"

@app.get("/static-method")
def by_static_method():
    if "uid" not in session:
        return Answer.failed("who?", 401)
    return "x"

@app.get("/class-method")
def by_class_method():
    if "uid" not in session:
        return Answer.denied()
    return "x"

@app.get("/default")
def by_default():
    if "uid" not in session:
        return error_response("who?")
    return "x"

@app.get("/class")
def by_response():
    if "uid" not in session:
        return by_class(message="who?", code=401)
    return "x"

@app.get("/only-said")
def only_said():
    if "uid" not in session:
        told("who?", 401)
    return "x"

@app.get("/not-returned")
def not_returned():
    if "uid" not in session:
        error("who?", 401)
    return "x"

@app.get("/fine")
def fine():
    if "uid" not in session:
        return error("nobody", 200)
    return "x"
""",
    },
    "a factory of blueprints": {
        "auth.py": AUTH,
        "base.py": """
import hmac
from flask import Blueprint, abort, request
from auth import KEY

PREFIX = "/api/v1"

def demand_key():
    if not hmac.compare_digest(request.headers.get("X-Key", ""), KEY):
        abort(401)

def closed_blueprint(name, path):
    blueprint = Blueprint(name, __name__, url_prefix=f"{PREFIX}{path}")
    blueprint.before_request(demand_key)
    return blueprint

def registered(app, name):
    blueprint = Blueprint(name, __name__, url_prefix="/" + name)

    @blueprint.get("/ping")
    def ping(): return "x"
    app.register_blueprint(blueprint)
    return blueprint
""",
        "todos.py": """
from base import closed_blueprint
todos = closed_blueprint("todos", "/todos")

@todos.get("/")
def index(): return "x"
""",
        "tags.py": """
from base import closed_blueprint
tags = closed_blueprint("tags", path="/tags")

@tags.get("/<int:number>")
def one(number): return "x"
""",
        "app.py": """
from flask import Flask
import tags
import todos
from base import registered

app = Flask(__name__)
for blueprint in (todos.todos, tags.tags):
    app.register_blueprint(blueprint)
registered(app, "red")
registered(app, "blue")
""",
    },
    "decorators of every kind": {
        "auth.py": AUTH,
        "app.py": """
from flask import Flask, redirect, session, url_for
from auth import Login, both, key_required, logged, role_required

app = Flask(__name__)
app.secret_key = "sample"
admin_required = role_required("admin")

@app.route("/sign-in")
def login(): return "form"

@app.route("/open")
@logged
def open_(): return "x"

@app.get("/keyed")
@key_required
def keyed(): return "x"

@app.route("/role", methods=["GET", "POST"])
@logged
@role_required("user")
def role(): return "x"

@app.delete("/admin/<int:item>")
@admin_required
def admin(item): return "x"

@app.route("/both")
@both
def with_both(): return "x"

@app.route("/class")
@Login
def with_class(): return "x"

@key_required
@app.route("/above")
def above(): return "x"

@app.route("/first")
@key_required
@app.route("/second", endpoint="second")
def twice(): return "x"

@app.route("/body/<path:name>")
def body(name):
    if "user" not in session:
        return redirect(url_for("login"))
    return "x"

@app.route("/half", methods=["GET", "POST"])
def half():
    from flask import request, abort
    if request.method == "POST" and not session.get("user"):
        abort(403)
    return "x"

def added(): return "x"

app.add_url_rule("/added", view_func=key_required(added), methods=["PUT"])
app.add_url_rule("/added", "again", added)
""",
    },
    "blueprints": {
        "shop/__init__.py": """
from flask import Flask
from .views import register

def create_app():
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "sample"
    app.config["PREFIX"] = "/configured"
    register(app)
    return app
""",
        "shop/auth.py": AUTH,
        "shop/views/__init__.py": """
from flask import Blueprint
from .cars import bp as cars_bp
from . import leads
from .nested import outer
from .open import a, b

def register(app):
    from .late import bp
    app.register_blueprint(cars_bp)
    app.register_blueprint(leads.bp, url_prefix="/v2/leads/")
    app.register_blueprint(outer, url_prefix="/outer")
    app.register_blueprint(bp, url_prefix=app.config["PREFIX"])
    for blueprint, prefix in ((a, "/a"), (b, "/b")):
        app.register_blueprint(blueprint, url_prefix=prefix)
    app.register_blueprint(a, url_prefix="/again", name="again")
""",
        "shop/views/cars.py": """
from flask import Blueprint
from ..auth import key_required
bp = Blueprint("cars", __name__, url_prefix="/cars")

@bp.before_request
@key_required
def demand(): pass

@bp.route("/")
def index(): return "x"

@bp.route("")
def bare(): return "x"

@bp.post("/<uuid:car_id>/")
def change(car_id): return "x"
""",
        "shop/views/leads.py": """
from flask import Blueprint, abort, request, session
bp = Blueprint("leads", __name__, url_prefix="/replaced")
PUBLIC = {"leads.listed", "static"}

@bp.before_request
def demand():
    if request.endpoint in PUBLIC:
        return None
    if not session.get("user_id"):
        abort(401)

@bp.route("/all")
def listed(): return "x"

@bp.route("/one")
def one(): return "x"
""",
        "shop/views/nested.py": """
from flask import Blueprint, redirect, session
outer = Blueprint("outer", __name__)
inner = Blueprint("inner", __name__, url_prefix="/inner/")
deep = Blueprint("deep", __name__)

@outer.before_request
def demand():
    if session.get("user") is None:
        return redirect("/login")

@outer.get("/o")
def o(): return "x"

@inner.get("/i")
def i(): return "x"

@deep.get("/d")
def d(): return "x"

inner.register_blueprint(deep, url_prefix="deep")
outer.register_blueprint(inner)
""",
        "shop/views/late.py": """
from flask import Blueprint
bp = Blueprint("late", __name__)

@bp.get("/late")
def late(): return "x"
""",
        "shop/views/open.py": """
from flask import Blueprint
a, b = Blueprint("a", __name__), Blueprint("b", __name__, url_prefix="/own")
unused = Blueprint("unused", __name__)

@a.get("/x")
def ax(): return "x"

@b.get("/x")
def bx(): return "x"

@unused.get("/never")
def never(): return "x"
""",
        "app.py": "from shop import create_app\napp = create_app()\n",
    },
    "an application-wide hook": {
        "app.py": """
from flask import Flask, current_app, g, redirect, request, session, url_for

app = Flask(__name__)
app.secret_key = "sample"

def public(view):
    view.is_public = True
    return view

@app.before_request
def load_user():
    g.user = session.get("user")

@app.before_request
def require_login():
    view = current_app.view_functions.get(request.endpoint)
    if getattr(view, "is_public", False):
        return
    if request.path.startswith("/assets/") or request.method == "TRACE":
        return
    if g.user is None:
        return redirect(url_for("login"))

@app.route("/login", methods=["GET", "POST"])
@public
def login(): return "form"

@app.get("/assets/<name>")
def asset(name): return "x"

@app.get("/account")
def account(): return "x"

@app.post("/account")
def change(): return "x"
""",
    },
    "classes": {
        "auth.py": AUTH,
        "app.py": """
from flask import Flask
from flask.views import MethodView, View
from auth import key_required

app = Flask(__name__)

class Closed(MethodView):
    decorators = [key_required]
    init_every_request = False
    def get(self): return "x"
    def post(self): return "x"

class Half(MethodView):
    def get(self, item): return "x"
    @key_required
    def delete(self, item): return "x"

class Base(MethodView):
    def patch(self): return "x"

class Derived(Base):
    decorators = [key_required, *Closed.decorators]
    def get(self): return "x"

class Plain(View):
    methods = ["GET", "POST"]
    def dispatch_request(self): return "x"

class Given(View):
    def __init__(self, word): self.word = word
    def dispatch_request(self): return self.word

def register_view(app, routes, view_func, *args, **kwargs):
    for route in routes:
        app.add_url_rule(route, view_func=view_func, *args, **kwargs)

app.add_url_rule("/closed", view_func=Closed.as_view("closed"))
half = Half.as_view("half")
app.add_url_rule("/half/<int:item>", view_func=half, methods=["GET", "DELETE"])
app.add_url_rule("/derived", view_func=Derived.as_view("derived"))
app.add_url_rule("/plain", view_func=key_required(Plain.as_view("plain")))
app.add_url_rule("/given", view_func=Given.as_view("given", "x"))
register_view(app, routes=["/many", "/many/<slug>"], view_func=Given.as_view("many", "y"))
""",
    },
    "Flask-Login": {
        "app.py": """
from flask import Blueprint, Flask, abort, jsonify, make_response, request
from flask.views import MethodView
from flask_login import LoginManager, current_user, fresh_login_required, login_fresh, login_required

app = Flask(__name__)
app.secret_key = "sample"
manager = LoginManager(app)
bp = Blueprint("admin", __name__, url_prefix="/admin")

@manager.user_loader
def load(user_id): return None

@bp.before_request
@login_required
def demand(): pass

@bp.get("/x")
def x(): return "x"

def admin_only(view):
    from functools import wraps
    @wraps(view)
    @login_required
    def wrapper(*args, **kwargs):
        if not current_user.is_admin:
            abort(403)
        return view(*args, **kwargs)
    return wrapper

@app.get("/open")
def open_(): return "x"

@app.get("/closed")
@login_required
def closed(): return "x"

@app.get("/fresh")
@fresh_login_required
def fresh(): return "x"

@app.get("/only")
@admin_only
def only(): return "x"

@app.get("/own")
def own():
    if not current_user.is_authenticated:
        return app.login_manager.unauthorized()
    return "x"

recent = Blueprint("recent", __name__, url_prefix="/recent")

@recent.before_request
def check_fresh_login():
    if not login_fresh():
        return app.login_manager.needs_refresh()

@recent.get("/x")
def recent_x(): return "x"

def by_stored_key(view):
    from functools import wraps
    @wraps(view)
    def wrapper(*args, **kwargs):
        token = args[0].key
        if request.headers.get("X-Key") != token:
            return make_response(jsonify("no"), 403)
        return view(*args, **kwargs)
    return wrapper

class Stored(MethodView):
    key = "secret"
    @by_stored_key
    def get(self): return "x"

app.add_url_rule("/stored", view_func=Stored.as_view("stored"))
app.register_blueprint(bp)
app.register_blueprint(recent)
""",
    },
    "Flask-Login switched off": {
        "app.py": """
from flask import Flask
from flask_login import LoginManager, login_required

app = Flask(__name__)
app.config.update(SECRET_KEY="sample", LOGIN_DISABLED=True)
manager = LoginManager(app)

@manager.user_loader
def load(user_id): return None

@app.get("/closed")
@login_required
def closed(): return "x"
""",
    },
    "a request loader that accepts anybody": {
        "app.py": """
from flask import Flask
from flask_login import LoginManager, UserMixin, login_required

app = Flask(__name__)
app.secret_key = "sample"
manager = LoginManager(app)

class User(UserMixin):
    id = "1"

@manager.request_loader
def load(request): return User()

@app.get("/closed")
@login_required
def closed(): return "x"
""",
    },
    "tokens": {
        "app.py": """
import os
from flask import Flask
from flask_jwt_extended import JWTManager, get_jwt_identity, jwt_required, verify_jwt_in_request

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = os.environ["SAMPLE_KEY"]
JWTManager(app)

@app.get("/closed")
@jwt_required()
def closed(): return "x"

@app.get("/refresh-only")
@jwt_required(refresh=True)
def refreshed(): return "x"

@app.get("/maybe")
@jwt_required(optional=True)
def maybe(): return str(get_jwt_identity())

def admin_required(view):
    from functools import wraps
    @wraps(view)
    def wrapper(*args, **kwargs):
        verify_jwt_in_request()
        if get_jwt_identity() != "admin":
            return {"msg": "no"}, 403
        return view(*args, **kwargs)
    return wrapper

@app.get("/admin")
@admin_required
def admin(): return "x"

@app.get("/inside")
def inside():
    verify_jwt_in_request()
    return "x"
""",
    },
    "Flask-HTTPAuth": {
        "app.py": """
import os
from flask import Flask
from flask_httpauth import HTTPBasicAuth, HTTPTokenAuth, MultiAuth
from werkzeug.security import check_password_hash, generate_password_hash

app = Flask(__name__)
basic, token, loose = HTTPBasicAuth(), HTTPTokenAuth(scheme="Bearer"), HTTPTokenAuth()
multi = MultiAuth(basic, token)
users = {"a": generate_password_hash("b")}

@basic.verify_password
def verify_password(name, password):
    if name in users and check_password_hash(users.get(name), password):
        return name

@token.verify_token
def verify_token(sent):
    return "machine" if sent == os.environ["SAMPLE_KEY"] else None

@loose.verify_token
def accept(sent):
    return "anybody"

@app.get("/basic")
@basic.login_required
def a(): return "x"

@app.get("/token")
@token.login_required()
def b(): return "x"

@app.get("/multi")
@multi.login_required
def c(): return "x"

@app.get("/optional")
@basic.login_required(optional=True)
def d(): return "x"

@app.get("/loose")
@loose.login_required
def e(): return "x"
""",
    },
    "Flask-RESTful": {
        "auth.py": AUTH,
        "app.py": """
from flask import Blueprint, Flask
from flask_restful import Api, Resource
from auth import key_required

app = Flask(__name__)
bp = Blueprint("v1", __name__, url_prefix="/v1")
api, late = Api(app, prefix="/api"), Api()
inside = Api(bp, decorators=[key_required])

class Items(Resource):
    def get(self): return {}
    def post(self): return {}

class Item(Resource):
    method_decorators = {"delete": [key_required]}
    def get(self, item): return {}
    def delete(self, item): return {}

class Closed(Resource):
    method_decorators = [key_required]
    def put(self): return {}

api.add_resource(Items, "/items", "/items/")
api.add_resource(Item, "/items/<int:item>", endpoint="item")
inside.add_resource(Items, "/inside")
late.add_resource(Closed, "/closed")
late.init_app(app)
app.register_blueprint(bp, url_prefix="/v2")
""",
    },
    "Flask-RESTX": {
        "auth.py": AUTH,
        "app.py": """
from flask import Blueprint, Flask
from flask_restx import Api, Namespace, Resource
from auth import key_required

app = Flask(__name__)
bp = Blueprint("api", __name__, url_prefix="/api")
api = Api(bp, doc=False)
cats = Namespace("cats", description="Cats")
dogs = Namespace("dogs", path="/hounds/", decorators=[key_required])
birds = api.namespace("birds", path="/b")

@cats.route("/", "/all")
class Cats(Resource):
    def get(self): return []
    @key_required
    def post(self): return {}

@dogs.route("/<int:dog>")
class Dog(Resource):
    def get(self, dog): return {}

@birds.route("/x")
class Bird(Resource):
    def get(self): return {}

@api.route("/direct")
class Direct(Resource):
    def get(self): return {}

api.add_namespace(cats)
api.add_namespace(dogs, path="/d")
app.register_blueprint(bp)
""",
    },
    "own helpers that register": {
        "auth.py": AUTH,
        "app.py": """
from flask import Blueprint, Flask
from flask_restful import Api, Resource
from auth import key_required

app = Flask(__name__)
api = Api()

def timed(bp):
    bp.before_request(lambda: None)
    return bp

def resource(*urls, **kwargs):
    def wrapper(found):
        api.add_resource(found, *urls, **kwargs)
        return found
    return wrapper

one = timed(Blueprint("one", __name__))
two = timed(Blueprint("two", __name__))
api.init_app(two)
api.decorators = [key_required]

@one.get("/a")
def a(): return "x"

@resource("/cats", "/cats/<int:cat>")
class Cats(Resource):
    def get(self, cat=0): return {}

@resource("/dogs", endpoint="hounds")
class Dogs(Resource):
    def post(self): return {}

app.register_blueprint(one, url_prefix="/1")
app.register_blueprint(two, url_prefix="/2")
""",
    },
    "Flask-Admin": {
        "app.py": """
from flask import Flask, abort
from flask_admin import Admin, AdminIndexView, BaseView, expose
from flask_admin.contrib.fileadmin import FileAdmin
from flask_admin.contrib.sqla import ModelView
from flask_login import LoginManager, current_user
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config.update(SECRET_KEY="sample", SQLALCHEMY_DATABASE_URI="sqlite://")
db = SQLAlchemy(app)
manager = LoginManager(app)

@manager.user_loader
def load(user_id): return None

class Cat(db.Model):
    id = db.Column(db.Integer, primary_key=True)

class Dog(db.Model):
    id = db.Column(db.Integer, primary_key=True)

class Bird(db.Model):
    id = db.Column(db.Integer, primary_key=True)

class Guarded:
    def is_accessible(self):
        return current_user.is_authenticated

class Closed(Guarded, ModelView):
    pass

class Files(Guarded, FileAdmin):
    def delete(self): return "x"

class Home(AdminIndexView):
    def is_accessible(self):
        return current_user.is_authenticated and current_user.is_admin

class Report(BaseView):
    def is_accessible(self):
        return True

    @expose("/")
    def index(self): return "x"

    @expose("/run/<int:number>", methods=["POST"])
    @expose("/walk/<int:number>", methods=["POST"])
    def start(self, number): return "x"

admin = Admin(app, name="x", url="/manage", index_view=Home(url="/manage"))
admin.add_view(Closed(Cat, db.session))
admin.add_view(ModelView(Dog, db.session, endpoint="hounds"))
admin.add_view(Closed(Bird, db.session, name="Birds", url="b", endpoint="birds"))
admin.add_view(Report(name="Report", endpoint="report"))
admin.add_view(Files(".", "/", name="Files"))
""",
    },
    "own blueprints, and static files": {
        "modules.py": """
from flask import Blueprint

class Module(Blueprint):
    def __init__(self, name, import_name, **kwargs):
        kwargs.setdefault("url_prefix", "/" + name)
        kwargs.setdefault("static_folder", "files")
        super().__init__(name, import_name, **kwargs)

class Tool(Module):
    pass

class Versioned(Blueprint):
    def __init__(self, name):
        super().__init__(name, __name__, url_prefix=f"/v1/{name}")

tools, given, plain = Tool("tools", __name__), Module("given", __name__, url_prefix="/x"), Versioned("cars")
assets = Blueprint("assets", __name__, static_folder="web/dist", static_url_path="/bundle")

@tools.get("/a")
def a(): return "x"

@given.get("/b")
def b(): return "x"

@plain.get("/c")
def c(): return "x"
""",
        "app.py": """
import os
from flask import Flask, abort, request
from modules import assets, given, plain, tools

ROOT = os.path.dirname(__file__)
app = Flask(__name__, static_folder=os.path.join(ROOT, "..", "client"))
[app.register_blueprint(each) for each in (assets, given, plain, tools) if each]

@app.before_request
def guard():
    if request.endpoint == "tools.static" or request.path.startswith("/client"):
        return None
    if request.headers.get("X-Key") != os.environ["SAMPLE_KEY"]:
        abort(401)
""",
    },
    "Flask-Principal": {
        "app.py": """
from flask import Flask, abort
from flask_principal import Permission, Principal, RoleNeed

app = Flask(__name__)
app.secret_key = "sample"
Principal(app)
admin = Permission(RoleNeed("admin"))
nothing = Permission()

class Owner(Permission):
    def __init__(self, item):
        super().__init__(RoleNeed(f"owner-{item}"))

def admin_required(view):
    from functools import wraps
    @wraps(view)
    def wrapper(*args, **kwargs):
        if not admin.can():
            abort(403)
        return view(*args, **kwargs)
    return wrapper

@app.get("/decorated")
@admin.require(403)
def decorated(): return "x"

@app.get("/within")
def within():
    with admin.require(http_exception=403):
        return "x"

@app.get("/tested")
def tested():
    admin.test(403)
    return "x"

@app.get("/own")
@admin_required
def own(): return "x"

@app.get("/items/<int:item>")
def owned(item):
    if Owner(item).can():
        return "x"
    abort(403)

@app.get("/nothing")
@nothing.require(403)
def asks_nothing(): return "x"
""",
    },
    "Flask-Security": {
        "app.py": """
import uuid
from flask import Flask
from flask_security import (
    RoleMixin, Security, SQLAlchemyUserDatastore, UserMixin, auth_required, auth_token_required,
    current_user, login_required, permissions_required, roles_accepted, roles_required,
)
from flask_security.models import fsqla_v3 as fsqla
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config.update(SECRET_KEY="sample", SECURITY_PASSWORD_SALT="1",
                  SECURITY_LOGOUT_METHODS=["GET", "POST"], SECURITY_REGISTERABLE=True,
                  SECURITY_RECOVERABLE=True, SECURITY_CHANGEABLE=True, SECURITY_CONFIRMABLE=False,
                  SECURITY_URL_PREFIX="/accounts", SECURITY_CHANGE_URL="/new-password",
                  SQLALCHEMY_DATABASE_URI="sqlite://")
db = SQLAlchemy(app)
fsqla.FsModels.set_db_info(db)

class Role(db.Model, fsqla.FsRoleMixin):
    pass

class User(db.Model, fsqla.FsUserMixin):
    pass

Security(app, SQLAlchemyUserDatastore(db, User, Role))

@app.get("/open")
def open_(): return "x"

@app.get("/auth")
@auth_required()
def auth(): return "x"

@app.get("/either")
@auth_required("token", "session")
def either(): return "x"

@app.get("/token")
@auth_token_required
def token(): return "x"

@app.get("/login-only")
@login_required
def login_only(): return "x"

@app.get("/role")
@roles_required("admin")
def role(): return "x"

@app.get("/roles")
@roles_accepted("admin", "editor")
def roles(): return "x"

@app.get("/permission")
@permissions_required("read")
def permission(): return "x"

@app.get("/asked")
def asked():
    if not current_user.has_role("admin"):
        return "no", 403
    return "x"
""",
    },
    "flask-smorest": {
        "auth.py": AUTH,
        "app.py": """
from flask import Flask
from flask.views import MethodView
from flask_smorest import Api, Blueprint
from auth import key_required

app = Flask(__name__)
app.config.update(API_TITLE="x", API_VERSION="1", OPENAPI_VERSION="3.0.2")
api = Api(app)
blp = Blueprint("pets", "pets", url_prefix="/pets")

@blp.route("/")
class Pets(MethodView):
    @blp.response(200)
    def get(self): return {}
    @key_required
    @blp.response(201)
    def post(self): return {}

@blp.route("/<pet_id>", methods=["DELETE"])
@key_required
def remove(pet_id): return {}

api.register_blueprint(blp, url_prefix="/v1/pets")
""",
    },
    "APIFlask": {
        "app.py": """
import os
from apiflask import APIBlueprint, APIFlask, HTTPTokenAuth
from flask.views import MethodView

app = APIFlask(__name__, docs_path=None, spec_path=None)
auth = HTTPTokenAuth()
bp = APIBlueprint("p", __name__, url_prefix="/p")

@auth.verify_token
def verify(token):
    if token == os.environ["SAMPLE_KEY"]:
        return "me"
    return None

@app.get("/open")
def open_(): return {}

@app.get("/closed")
@app.auth_required(auth)
def closed(): return {}

@bp.post("/closed")
@bp.auth_required(auth)
def posted(): return {}

class Pet(MethodView):
    def get(self, pet): return {}
    @app.auth_required(auth)
    def delete(self, pet): return {}

app.add_url_rule("/pets/<int:pet>", view_func=Pet.as_view("pet"))
app.register_blueprint(bp)
""",
    },
    "what helpers hand down": {
        "auth.py": AUTH,
        "pets.py": """
from flask import Blueprint
from flask.views import MethodView
from auth import key_required

def named(kind, name="x"):
    return "/{}/{name}".format(kind, name=name)

def all_pets(data): return "x"

@key_required
def guarded(data): return "x"

class Cat(MethodView):
    def get(self): return "x"

bp = Blueprint("pets", __name__)
for kind in ["rated", "hot"]:
    bp.add_url_rule("/{}/<data>".format(kind), view_func=all_pets)
    bp.add_url_rule("/closed/%s/<data>" % kind, endpoint="closed_" + kind, view_func=guarded)
RULES = [("/a", "a", all_pets), ("/b", "b", guarded)]
for rule in RULES + [("/c", "c", guarded)]:
    bp.add_url_rule(*rule, defaults={"data": 1})
bp.add_url_rule(named("cats", name="all"), view_func=Cat.as_view("cat_list"))
VERSION = 1
""",
        "app.py": """
import os
from flask import Flask, abort, request
from pets import VERSION, bp

BLUEPRINTS = (bp,)

def directory(app, base, endpoint=None):
    base = base.strip("/")
    def serve(name): return name
    app.add_url_rule("/" + base + "/<path:name>", endpoint=endpoint or base, view_func=serve)

def never_used(app, path):
    app.add_url_rule(path, view_func=lambda: "x")

def create(name, blueprints=None):
    made = Flask(name)
    register(made, blueprints)
    directory(made, "/files/")
    directory(made, base="more")
    return made

def register(made, blueprints):
    for blueprint in blueprints:
        made.register_blueprint(blueprint, url_prefix=f"/api/{VERSION}")

app = create("x", BLUEPRINTS)

@app.before_request
def guard():
    if request.path.rstrip("/") == "/api/1/cats/all":
        return None
    endpoint = request.endpoint.split(".")[-1]
    if endpoint in {"all_pets", "more"}:
        return None
    if request.headers.get("X-Key") != os.environ["SAMPLE_KEY"]:
        abort(401)
""",
    },
    "checks that helpers make": {
        "app.py": """
import functools, hmac, os
from typing import Callable, cast
from flask import Flask, abort, g, redirect, request, session
from flask_login import LoginManager, UserMixin, current_user, login_required

app = Flask(__name__)
app.secret_key = "sample"
manager = LoginManager(app)
KEY = os.environ["SAMPLE_KEY"]

@manager.user_loader
def load_user(user_id): return None

def get_token():
    return request.headers.get("X-Key", "")

def by_token(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        token = get_token()
        if not hmac.compare_digest(token, KEY):
            abort(401)
        return view(*args, **kwargs)
    return wrapper

def typed(view: Callable) -> Callable:
    return cast(Callable, by_token(view))

def signed_in(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        if not current_user.is_authenticated:
            abort(401)
        return view(*args, **kwargs)
    return wrapper

def unless_off(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        return signed_in(view)(*args, **kwargs)
    return wrapper

class Found:
    objects = {KEY: "me"}
    @classmethod
    def get(cls, **wanted):
        return cls.objects.get(wanted["code"])
    @classmethod
    def get_by(cls, **wanted):
        return cls.get(**wanted)

class Key(UserMixin, Found):
    pass

def by_row(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        if not Key.get_by(code=request.headers.get("X-Key", "")):
            return {"error": "wrong"}, 401
        return view(*args, **kwargs)
    return wrapper

class Login:
    def __init__(self, password):
        self.password = password
    def valid(self, method, trust=False):
        if method == "LOCAL":
            return trust or hmac.compare_digest(self.password, KEY)
        return True

def by_password(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        login = Login(password=request.headers.get("X-Key", ""))
        if not login.valid(method="LOCAL"):
            abort(401)
        return view(*args, **kwargs)
    return wrapper

def by_anything(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        login = Login(password=request.headers.get("X-Key", ""))
        if not login.valid(method="TRUST"):
            abort(401)
        return view(*args, **kwargs)
    return wrapper

@app.get("/token")
@by_token
def token(): return "x"

@app.get("/row")
@by_row
def row(): return "x"

@app.get("/typed")
@typed
def with_type(): return "x"

@app.get("/spot")
@unless_off
def spot(): return "x"

@app.get("/password")
@by_password
def password(): return "x"

@app.get("/anything")
@by_anything
def anything(): return "x"

@app.get("/callback")
def callback():
    if session.get("nonce") != request.args.get("state"):
        abort(401)
    return "x"

@app.post("/renew")
def renew():
    if not hmac.compare_digest((request.get_json(silent=True) or {}).get("password", ""), KEY):
        return {"error": "wrong"}, 400
    return "x"
""",
    },
    "guards imported where they can be, and made by a decorator": {
        "flask_own/__init__.py": "",
        "flask_own/flask/__init__.py": """
from flask import Flask as Base

class Flask(Base):
    pass
""",
        "guards.py": """
import functools
from flask import abort, session

def login_required(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        if "uid" not in session:
            abort(401)
        return view(*args, **kwargs)
    return wrapper

def _documented(wrapper, view):
    wrapper.documentation = view.__doc__
    return wrapper

def documented_login(view):
    guarded = login_required(view)

    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        return guarded(*args, **kwargs)

    wrapper = _documented(wrapper, view)
    return wrapper

def documented(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        return view(*args, **kwargs)

    wrapper = _documented(wrapper, view)
    return wrapper
""",
        "pages/__init__.py": "from .plain import *\n",
        "pages/plain.py": """
from flask import Blueprint

plain = Blueprint("plain", __name__)

@plain.get("/plain")
def show(): return "x"
""",
        "pasted.py": """
@app.get("/never")
def never(): return "x"
""",
        "app.py": """
from guards import documented, documented_login
from flask_own.flask import Flask
from pages import plain

try:
    from guards import login_required
except ImportError:
    def login_required(view):
        return view
def start():
    global app
    app = Flask(__name__)
    app.secret_key = "sample"

start()
app.register_blueprint(plain)

@app.get("/guarded")
@login_required
def guarded(): return "x"

@app.get("/documented")
@documented_login
def with_documentation(): return "x"

@app.get("/open")
@documented
def only_documented(): return "x"
""",
    },
    "of two rules for one path the first is served": {
        "app.py": """
from flask import Blueprint, Flask, abort, session

page = Blueprint("page", __name__)
later = Blueprint("later", __name__)

@page.get("/")
def home():
    if "uid" not in session:
        abort(401)
    return "x"

@later.get("/late")
def late():
    if "uid" not in session:
        abort(401)
    return "x"

def create_app():
    made = Flask(__name__)
    made.secret_key = "sample"
    made.register_blueprint(page)

    @made.get("/")
    def index(): return "x"

    @made.get("/late")
    def first(): return "x"

    made.register_blueprint(later)
    return made

app = create_app()
""",
    },
    "guards that are off on a developer's machine": {
        "app.py": """
import functools
import os
from flask import Blueprint, Flask, abort, redirect, request, session, url_for

app = Flask(__name__)
app.secret_key = "sample"
DEBUG_MODE = False

def _refuse():
    if "uid" not in session:
        abort(401)

def by_environment(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        if os.getenv("FLASK_ENV", "production") == "development":
            return view(*args, **kwargs)
        _refuse()
        return view(*args, **kwargs)
    return wrapper

def by_stage(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        if os.environ.get("APP_ENV") not in ("dev", "test"):
            _refuse()
        return view(*args, **kwargs)
    return wrapper

def by_stand_in(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        caller = 1 if os.getenv("FLASK_ENV", "production") == "development" else None
        if not caller:
            _refuse()
        return view(*args, **kwargs)
    return wrapper

def by_constant(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        if not DEBUG_MODE:
            _refuse()
        return view(*args, **kwargs)
    return wrapper

def by_what_was_sent(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        if request.args.get("env") != "development":
            return view(*args, **kwargs)
        _refuse()
        return view(*args, **kwargs)
    return wrapper

@app.get("/environment")
@by_environment
def environment(): return "x"

@app.get("/stage")
@by_stage
def stage(): return "x"

@app.get("/stand-in")
@by_stand_in
def stand_in(): return "x"

@app.get("/constant")
@by_constant
def constant(): return "x"

@app.get("/sent")
@by_what_was_sent
def sent(): return "x"

office = Blueprint("office", __name__, url_prefix="/office")

@office.before_request
def staff_only():
    if not session.get("staff") and not request.url.endswith(url_for("office.entry")):
        return redirect("/login")

@office.get("/entry")
def entry(): return "x"

@office.get("/desk")
def desk(): return "x"

app.register_blueprint(office)
""",
    },
    "connexion": {
        "pets.yaml": """
openapi: 3.0.0
info: {title: x, version: "1"}
servers: [{url: /v1}]
security: [{bearer: []}]
components:
  parameters:
    pet: {name: pet-id, in: path, required: true, schema: {type: integer}}
  securitySchemes:
    bearer: {type: http, scheme: bearer, x-bearerInfoFunc: checks.bearer}
    trusting: {type: http, scheme: bearer, x-bearerInfoFunc: checks.trusting}
    key: {type: apiKey, in: header, name: X-Key, x-apikeyInfoFunc: checks.key}
    unread: {type: apiKey, in: header, name: X-Other}
paths:
  /pets:
    get: {operationId: api.pets.search, responses: {200: {description: x}}}
    post:
      operationId: create
      x-openapi-router-controller: api.pets
      security: [{key: []}]
      responses: {200: {description: x}}
  /pets/{pet-id}:
    parameters: [{$ref: "#/components/parameters/pet"}]
    get: {operationId: api.pets.get, security: [], responses: {200: {description: x}}}
    put: {operationId: api.pets.put, security: [{trusting: []}], responses: {200: {description: x}}}
    delete:
      operationId: api.pets.remove
      security: [{key: []}, {}]
      responses: {200: {description: x}}
  /both:
    get: {operationId: api.pets.both, security: [{key: [], bearer: []}], responses: {200: {description: x}}}
  /either:
    get:
      operationId: api.pets.either
      security: [{bearer: []}, {trusting: []}]
      responses: {200: {description: x}}
  /nobody:
    get: {operationId: api.pets.nobody, security: [{unread: []}], responses: {200: {description: x}}}
""",
        "swagger/more.json": """
{"swagger": "2.0", "info": {"title": "x", "version": "1"}, "basePath": "/more",
 "paths": {
  "/cats": {"get": {"responses": {"200": {"description": "x"}}},
            "post": {"responses": {"200": {"description": "x"}}}},
  "/cats/{name}": {
    "parameters": [{"name": "name", "in": "path", "type": "string", "required": true}],
    "delete": {"responses": {"200": {"description": "x"}}}}}}
""",
        "api/__init__.py": "",
        "api/pets.py": """
def search(): return []
def create(): return {}
def get(pet_id): return {}
def put(pet_id): return {}
def remove(pet_id): return {}
def both(): return {}
def either(): return {}
def nobody(): return {}
""",
        "api/cats.py": """
from checks import signed_in

def search(): return []
def post(): return {}
@signed_in
def delete(name): return {}
""",
        "checks.py": """
import functools, hmac, os
from flask import abort, request

def bearer(token):
    if hmac.compare_digest(token, os.environ["SAMPLE_KEY"]):
        return {"sub": "me"}
    return None

def trusting(token):
    return {"sub": token}

def key(apikey, required_scopes=None):
    if apikey == os.environ["SAMPLE_KEY"]:
        return {"sub": "me"}
    return None

def signed_in(view):
    @functools.wraps(view)
    def wrapper(*args, **kwargs):
        if request.headers.get("X-Key") != os.environ["SAMPLE_KEY"]:
            abort(401)
        return view(*args, **kwargs)
    return wrapper
""",
        "app.py": """
from pathlib import Path
from typing import Any
import connexion
from connexion.resolver import RestyResolver

app = connexion.FlaskApp(__name__, specification_dir=".")
app.add_api("pets.yaml")
app.add_api(Path(__file__).parent / "swagger" / "more.json", base_path="/else",
            resolver=RestyResolver("api"))
""",
    },
}
PROBE = Path(__file__).with_name("probe_flask.py")


def served(root: Path, module: str = "app", **settings: str) -> dict[tuple[str, str], bool]:
    """(method, path) -> whether strangers are turned away, as the framework itself says."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROBE), module],
        cwd=root,
        env={"SAMPLE_KEY": "k", "PATH": "", "PYTHONDONTWRITEBYTECODE": "1", **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {
        (method, path): closed for method, path, closed in json.loads(done.stdout.splitlines()[-1])
    }


@pytest.mark.parametrize("files", SAMPLES.values(), ids=SAMPLES.keys())
def test_same_routes_and_guards_as_the_framework(files: Mapping[str, str], tmp_path: Path) -> None:
    root = write(tmp_path, files)
    ours = {
        (r.method, r.path): r.authentication is Guarding.ENFORCED for r in load(root).facts(Route)
    }
    assert ours == served(root)


@pytest.mark.parametrize("given", [{}, {"spec_path": "/spec.json"}, {"docs_path": None}])
def test_what_apiflask_serves_of_itself(given: dict[str, Any], build: Build) -> None:
    written = ", ".join(f"{name}={value!r}" for name, value in given.items())
    source = f"from apiflask import APIFlask\napp = APIFlask(__name__, {written})\n"
    ours = {(r.path, r.authentication) for r in build({"app.py": source}).facts(Route)}
    rules = APIFlask("sample", **given).url_map.iter_rules()
    assert ours == {(rule.rule, Guarding.EXEMPT) for rule in rules}
