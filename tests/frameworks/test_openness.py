"""What open routes are likely to be: a registration, a visitor's cart, a catalogue, or a guard that is missing."""

from __future__ import annotations

import pytest

from auditor.model.deployment import CodeWeakness
from auditor.model.openness import Openness, OpenRead
from auditor.model.pages import StaticPage
from auditor.model.web import Guarding, Route
from tests.conftest import Build

BLOG = """
import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from passlib.context import CryptContext
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from store import KEY, session
app = FastAPI()
context = CryptContext(schemes=["bcrypt"])
class Base(DeclarativeBase): pass
class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    password_hash: Mapped[str]
class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int]
class UserCreate(BaseModel):
    name: str
    password: str
{fields}
class {model}(BaseModel):
    id: int
    name: str
class PostOut(BaseModel):
    id: int
def caller(token: str = Depends(OAuth2PasswordBearer(tokenUrl="token"))):
    try:
        return jwt.decode(token, KEY, algorithms=["HS256"])["sub"]
    except jwt.PyJWTError:
        raise HTTPException(401)
@app.post("/token")
def token(form: OAuth2PasswordRequestForm = Depends()):
    user = session.scalar(select(User).where(User.name == form.username))
    if not user or not context.verify(form.password, user.password_hash):
        raise HTTPException(401)
    return jwt.encode({"sub": user.id}, KEY, algorithm="HS256")
@app.post("/users")
def create_user(form: UserCreate):
    session.add(User(name=form.name, password_hash=context.hash(form.password){given}))
@app.get("/users/{user_id}", response_model={model})
def one(user_id: int): return session.scalar(select(User).where(User.id == user_id))
@app.get("/users/{user_id}/posts", response_model=list[PostOut])
def theirs(user_id: int):
    session.scalar(select(User).where(User.id == user_id))
    return session.scalars(select(Post).limit(9)).all()
@app.post("/posts")
def a(user=Depends(caller)): keep()
@app.put("/posts/{post_id}")
def b(post_id: int, user=Depends(caller)): keep()
@app.delete("/comments/{comment_id}")
def c(comment_id: int, user=Depends(caller)): keep()
{more}
"""


def opened(build: Build, source: str) -> dict[str, Openness]:
    return {r.name: r.openness for r in build({"app.py": source}).facts(OpenRead)}


def blog(fields: str = "", model: str = "UserOut", more: str = "", given: str = "") -> str:
    source = BLOG
    parts = {"fields": fields, "model": model, "more": more, "given": given}
    for name, value in parts.items():
        source = source.replace("{" + name + "}", value)
    return source


ANOTHER = """
@app.post("/register")
def register(form: UserCreate):
    session.add(User(name=form.name, password_hash=context.hash(form.password)))
"""


@pytest.mark.parametrize(
    ("fields", "given", "more", "registers"),
    [
        ("", "", "", True),
        ("    role: str", "", "", True),
        ("    role: str", ", role=form.role", "", False),
        ("    is_admin: bool = False", ", **form.model_dump()", "", False),
        ("", "", ANOTHER, False),
    ],
)
def test_the_only_route_that_makes_accounts_may_be_the_registration(
    build: Build, fields: str, given: str, more: str, registers: bool
) -> None:
    found = opened(build, blog(fields, more=more, given=given))
    assert (found.get("POST /users") is Openness.REGISTERS) is registers


def test_what_leaves_is_told_by_the_model_of_the_response(build: Build) -> None:
    found = opened(build, blog())
    assert found["GET /users/{user_id}"] is Openness.PRIVATE
    assert found["GET /users/{user_id}/posts"] is not Openness.PRIVATE
    assert opened(build, blog(model="UserPublic"))["GET /users/{user_id}"] is not Openness.PRIVATE


def test_a_start_page_may_give_accounts_away(build: Build) -> None:
    start = """
@app.get("/")
def start(): return session.scalars(select(User)).all()
@app.get("/index")
def index(): return session.scalars(select(Post)).all()
"""
    found = opened(build, blog(more=start))
    assert found["GET /"] is Openness.PRIVATE
    assert "GET /index" not in found


SHOP = """
from flask import Flask, redirect, render_template, request, session
from flask_login import login_required
from flask_sqlalchemy import SQLAlchemy
app = Flask(__name__)
db = SQLAlchemy(app)
class Product(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    price = db.Column(db.Integer)
class Margin(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    cost = db.Column(db.Integer)
@app.post("/add")
def add():
    product = Product.query.get(request.form["id"])
    session["{key}"] = {product.id: product.price}
    session.modified = True
    return redirect("/")
@app.get("/shown")
def shown():
    if "{key}" not in session:
        return redirect("/")
    return render_template("shown.html", held=session["{key}"])
@app.get("/products/<int:id>")
def one(id): return render_template("one.html", product=Product.query.get_or_404(id))
@app.get("/margins/<int:id>")
def margin(id): return render_template("margin.html", margin=Margin.query.get_or_404(id))
{guarded}
"""
GUARDED = "".join(
    f"""
@app.{method}("/{word}")
@login_required
def {method}_{word}(): return keep()
"""
    for word in ("reports", "stock", "staff", "figures", "returns")
    for method in ("get", "post")
)


@pytest.mark.parametrize(
    ("key", "state"),
    [
        ("cart", Guarding.ABSENT),
        ("Warenkorb", Guarding.ABSENT),
        ("user_id", Guarding.ENFORCED),
        ("logged_in", Guarding.ENFORCED),
    ],
)
def test_what_a_visitor_has_put_into_his_session_shows_nobody(
    build: Build, key: str, state: Guarding
) -> None:
    source = SHOP.replace("{key}", key).replace("{guarded}", GUARDED)
    states = {r.name: r.authentication for r in build({"app.py": source}).facts(Route)}
    assert states["GET /shown"] is state


def test_a_session_that_a_helper_opens_counts(build: Build) -> None:
    source = """
from flask import Flask, abort, session
app = Flask(__name__)
def begin(who):
    session["held"] = who
@app.get("/shown")
def shown():
    if "held" not in session:
        abort(401)
    return find()
"""
    (route,) = [r for r in build({"app.py": source}).facts(Route) if r.path == "/shown"]
    assert route.authentication is Guarding.ENFORCED


def test_a_cart_and_a_catalogue_are_told_from_a_missing_guard(build: Build) -> None:
    found = opened(build, SHOP.replace("{key}", "cart").replace("{guarded}", GUARDED))
    assert found["POST /add"] is Openness.HARMLESS
    assert found["GET /shown"] is Openness.HARMLESS
    assert found["GET /products/<int:id>"] is Openness.READ
    assert found["GET /margins/<int:id>"] is Openness.FORGOTTEN


CHANGE = """
import json
from django.http import JsonResponse
from django.urls import path
from store import User
def change(request):
    data = json.loads(request.body)
    user = User.objects.get(number=data["number"])
    {check}
        user.set_password(data["new_password"])
        user.save()
        return JsonResponse({"message": "changed"})
    return JsonResponse({"error": "wrong"}, status=400)
urlpatterns = [path("change/", change)]
"""


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ('if user.check_password(data["current_password"]):', "password change"),
        ('if data["new_password"]:', ""),
        ('if request.user.check_password(data["current_password"]):', ""),
    ],
)
def test_a_password_change_asks_for_the_one_in_use(build: Build, check: str, why: str) -> None:
    files = {"urls.py": CHANGE.replace("{check}", check), "settings.py": "ROOT_URLCONF = 'urls'"}
    assert {r.public for r in build(files).facts(Route)} == {why}


LINKS = """
from flask import Flask, g, session
from flask_login import login_required
from flask_sqlalchemy import SQLAlchemy
app = Flask(__name__)
db = SQLAlchemy(app)
class User(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(80))
    password_hash = db.Column(db.String(80))
class Post(db.Model):
    id = db.Column(db.Integer, primary_key=True)
@app.before_request
def load():
    g.user = User.query.filter_by(name=session.get("name")).first()
@app.get("/")
def start(): return {"welcome": True}
@app.get("/posts/<int:id>/remove")
def remove(id):
    db.session.delete(Post.query.get_or_404(id))
    db.session.commit()
    return {}
@app.get("/posts/<int:id>")
def shown(id):
    post = Post.query.get_or_404(id)
    post.seen += 1
    db.session.commit()
    return {"id": post.id}
@app.get("/forget")
def forget():
    cache.delete("posts")
    return {}
@app.get("/init")
def begin():
    db.drop_all()
    db.create_all()
    return {}
"""


def test_a_link_that_removes_something_is_no_read(build: Build) -> None:
    found = opened(build, LINKS)
    removing = {name for name, openness in found.items() if openness is Openness.REMOVES}
    assert removing == {"GET /posts/<int:id>/remove", "GET /init"}


def test_what_a_hook_loads_is_not_handed_out(build: Build) -> None:
    assert "GET /" not in opened(build, LINKS)


PERMISSION = """
from django.urls import path
from rest_framework.permissions import BasePermission
from rest_framework.views import APIView
class Confirmed(BasePermission):
    def has_permission(self, request, view):
        return bool({test})
class View(APIView):
    permission_classes = [Confirmed]
    def get(self, request): return find()
urlpatterns = [path("view/", View.as_view())]
"""


@pytest.mark.parametrize(
    ("test", "state"),
    [
        ("request.user.confirmed", Guarding.ENFORCED),
        ("request.user.role and request.data", Guarding.ENFORCED),
        ("request.user.groups", Guarding.DECORATIVE),
        ("request.user.is_anonymous", Guarding.DECORATIVE),
        ("request.data", Guarding.DECORATIVE),
    ],
)
def test_a_field_that_only_users_have_fails_on_a_stranger(
    build: Build, test: str, state: Guarding
) -> None:
    files = {"urls.py": PERMISSION.replace("{test}", test), "settings.py": "ROOT_URLCONF = 'urls'"}
    assert {r.authentication for r in build(files).facts(Route)} == {state}


def test_a_container_gives_what_a_parameter_names(build: Build) -> None:
    files = {
        "app.py": """
from dishka import FromDishka
from dishka.integrations.fastapi import inject
from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from cases import Remove
app = FastAPI()
bearer = HTTPBearer()
@app.delete("/posts/{post_id}")
@inject
async def remove(post_id: int, case: FromDishka[Remove], token=Depends(bearer)):
    await case.execute(post_id)
""",
        "cases.py": """
from dataclasses import dataclass
import jwt
from fastapi import HTTPException, Request
from store import KEY, posts
@dataclass
class Tokens:
    request: Request
    def subject(self):
        token = self.request.headers.get("Authorization")
        try:
            return jwt.decode(token, KEY, algorithms=["HS256"])["sub"]
        except jwt.PyJWTError:
            raise HTTPException(401)
@dataclass
class Remove:
    tokens: Tokens
    async def execute(self, post_id):
        who = self.tokens.subject()
        posts.remove(post_id, who)
""",
    }
    (route,) = [r for r in build(files).facts(Route) if r.method == "DELETE"]
    assert route.authentication is Guarding.ENFORCED


def test_a_module_of_the_same_name_beside_is_not_the_package(build: Build) -> None:
    files = {
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')",
        "settings.py": "ROOT_URLCONF = 'urls'",
        "urls.py": "from django.urls import include, path\nurlpatterns = [path('', include('users.urls.auth'))]",
        "users/__init__.py": "",
        "users/views.py": "def start(request): return find()\n",
        "users/urls/users.py": "import users.views\n",
        "users/urls/auth.py": """
from django.urls import path
import users.views
urlpatterns = [path("begin/", users.views.start)]
""",
    }
    (route,) = build(files).facts(Route)
    assert route.place.path == "users/views.py"


def test_a_debugger_is_told_once(build: Build) -> None:
    source = """
from flask import Flask
app = Flask(__name__)
if __name__ == "__main__":
    app.run(debug=True)
"""
    found = build({"app.py": source}).facts(CodeWeakness)
    assert [w.eased != "" for w in found if w.test == "B201"] == [True]


STAFF = """
from flask import Flask, redirect, render_template, request
from flask_sqlalchemy import SQLAlchemy
from werkzeug.security import generate_password_hash
app = Flask(__name__)
db = SQLAlchemy(app)
class Admin(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(80))
    password = db.Column(db.String(80))
@app.route("{path}", methods=["GET", "POST"])
def {handler}():
    {check}
    if request.method == "POST":
        password = generate_password_hash(request.form["password"])
        db.session.add(Admin(name=request.form["name"], password=password))
        db.session.commit()
        return redirect("/")
    return render_template("register.html", told="the first password and the second differ")
"""


@pytest.mark.parametrize(
    ("path", "handler", "check", "told"),
    [
        ("/admin_register", "admin_register", "pass", True),
        ("/admin/register", "register", "existing_user = Admin.query.first()", True),
        ("/register", "register", "pass", False),
        ("/admin/register", "register", "admin_exists = Admin.query.first()", False),
        (
            "/admin/register",
            "register",
            "assert request.form['admin_code'] == app.config['CODE']",
            False,
        ),
    ],
)
def test_whoever_registers_as_an_administrator(
    build: Build, path: str, handler: str, check: str, told: bool
) -> None:
    source = STAFF
    for name, value in {"path": path, "handler": handler, "check": check}.items():
        source = source.replace("{" + name + "}", value)
    found = opened(build, source)
    assert (found.get(f"POST {path}") is Openness.PRIVATE) is told


@pytest.mark.parametrize(
    ("fields", "given", "told"),
    [
        ("    is_admin: bool = False", ", is_admin=form.is_admin", True),
        ("    is_admin: bool = False", "", False),
        ("    is_staff: bool = False", ", **form.model_dump()", True),
        ("    age: int = 0", ", age=form.age", False),
    ],
)
def test_whoever_registers_chooses_to_be_staff(
    build: Build, fields: str, given: str, told: bool
) -> None:
    source = blog(fields, given=given).replace('@app.post("/users")', '@app.post("/register")')
    found = opened(build, source)
    assert (found.get("POST /register") is Openness.PRIVATE) is told


FORMS = """
import logging
from fastapi import FastAPI, Form, Request
from fastapi.templating import Jinja2Templates
app = FastAPI()
logger = logging.getLogger(__name__)
templates = Jinja2Templates("pages")
@app.get("/begin")
def begin(request: Request):
    logger.info("Renders the page")
    return templates.TemplateResponse("begin.html", {"request": request})
@app.get("/told")
def told(request: Request):
    logger.info("Renders the page")
    return templates.TemplateResponse("told.html", {"request": request, "told": find()})
@app.post("/estimate")
def estimate(request: Request, guests: int = Form()):
    return templates.TemplateResponse("estimate.html", {"request": request, "sum": guests * 20})
"""


def test_a_page_is_static_whatever_it_logs(build: Build) -> None:
    static = {page.name for page in build({"app.py": FORMS}).facts(StaticPage)}
    assert "GET /begin" in static
    assert "GET /told" not in static


def test_a_form_that_reads_nothing_gives_nothing_away(build: Build) -> None:
    assert opened(build, FORMS)["POST /estimate"] is Openness.HARMLESS


NAMED = """
from django.contrib.auth import logout
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path
from django.views.generic import TemplateView
from store import Address, Poll, Post
class Shown(TemplateView):
    template_name = "shown.html"
class Told(TemplateView):
    template_name = "told.html"
    def get_context_data(self, **kwargs): return {"posts": Post.objects.all()}
def leave(request):
    logout(request)
    return HttpResponseRedirect("/")
def leave_for_good(request):
    request.user.delete()
    logout(request)
    return HttpResponseRedirect("/")
def vote(request, pk):
    poll = get_object_or_404(Poll, pk=pk)
    poll.votes.add(request.user)
    return HttpResponseRedirect("/")
def choose(request, pk):
    Address.objects.filter(pk=pk).update(chosen=True)
    return HttpResponseRedirect("/")
def count(request, pk):
    Post.objects.filter(pk=pk).update(seen=F("seen") + 1)
    return HttpResponseRedirect("/")
urlpatterns = [
    path("shown/", Shown.as_view()), path("told/", Told.as_view()), path("leave/now/", leave),
    path("leave/for-good/", leave_for_good), path("vote/<int:pk>/", vote), path("choose/<int:pk>/", choose),
    path("count/<int:pk>/", count),
]
"""


def test_views_of_any_method_by_what_they_do(build: Build) -> None:
    application = build({"urls.py": NAMED, "settings.py": "ROOT_URLCONF = 'urls'"})
    assert {page.name for page in application.facts(StaticPage)} == {"GET /shown/"}
    public = {r.path for r in application.facts(Route) if r.public}
    assert public == {"/leave/now/"}
    reads = {r.name: r.openness for r in application.facts(OpenRead)}
    changing = {name for name, openness in reads.items() if openness is Openness.CHANGES}
    assert changing == {"ANY /vote/{pk}/", "ANY /choose/{pk}/"}


def test_a_key_among_the_keys_of_a_session(build: Build) -> None:
    source = """
from flask import Flask, redirect, session
app = Flask(__name__)
@app.get("/shown")
def shown():
    if "user" not in session.keys():
        return redirect("/login")
    return find()
"""
    (route,) = [r for r in build({"app.py": source}).facts(Route) if r.path == "/shown"]
    assert route.authentication is Guarding.ENFORCED


MINE = """
from django.shortcuts import get_object_or_404
from django.urls import path
from rest_framework import generics
from store import Order, OrderSerializer
class Orders(generics.ListCreateAPIView):
    serializer_class = OrderSerializer
    def get_queryset(self):
        return {found}
    def perform_create(self, serializer):
        serializer.save({kept})
urlpatterns = [path("orders/", Orders.as_view())]
"""


@pytest.mark.parametrize(
    ("found", "kept", "failing"),
    [
        ("Order.objects.filter(user=self.request.user)", "user=self.request.user", {"GET", "POST"}),
        ("Order.objects.filter(user_id=self.request.user.id)", "", set()),
        ("Order.objects.all()", "user=self.request.user", {"POST"}),
    ],
)
def test_what_is_looked_for_by_the_user_fails_for_a_stranger(
    build: Build, found: str, kept: str, failing: set[str]
) -> None:
    source = MINE.replace("{found}", found).replace("{kept}", kept)
    files = {"urls.py": source, "settings.py": "ROOT_URLCONF = 'urls'"}
    reads = build(files).facts(OpenRead)
    assert {r.name.split()[0] for r in reads if r.openness is Openness.FAILS} == failing


START = """
from flask import Flask, redirect, render_template, request, session
from flask_sqlalchemy import SQLAlchemy
app = Flask(__name__)
db = SQLAlchemy(app)
class Product(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(80))
@app.route("/", methods=["GET", "POST"])
def home():
    return render_template("index.html", products=Product.query.all(){more})
@app.route("/cart")
def cart():
    if "user" not in session:
        return redirect("/login")
    return render_template("cart.html", products=Product.query.all())
@app.route("/login", methods=["POST"])
def login(): return "hello"
"""


@pytest.mark.parametrize(
    ("more", "told"),
    [("", Openness.HARMLESS), (", new=db.session.add(Product(name=request.form['name']))", None)],
)
def test_a_start_page_that_answers_post_too(build: Build, more: str, told: Openness | None) -> None:
    application = build({"app.py": START.replace("{more}", more)})
    found = {r.name: r.openness for r in application.facts(OpenRead)}
    assert found.get("POST /") == told
