"""What open routes are likely to be: a registration, a visitor's cart, a catalogue, or a guard that is missing."""

from __future__ import annotations

import pytest

from auditor.model.deployment import CodeWeakness
from auditor.model.openness import Openness, OpenRead
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
