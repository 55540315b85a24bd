from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from auditor.assess.rule import Rule, asvs, cwe, owasp_api
from auditor.assess.verdict import (
    Coverage,
    Evidence,
    Severity,
    State,
    Verdict,
    count,
    judge,
    not_applicable,
    present,
    unknown,
)
from auditor.link.application import Application
from auditor.model.blind import BlindSpot
from auditor.model.objects import ObjectAccess, Ownership, Tie, UnfollowedIds
from auditor.model.web import Route


class ObjectAuthorization(Rule):
    """An object that is found by an id of the caller's is held against who calls.

    Judged are routes behind authentication; open ones are the business of `authentication`. An
    object is tied to its caller when the query is narrowed by the caller's identity, when the object
    or the id is compared with it, when a guard or a function that is given both checks it, or when
    the route demands a role, whose holders are meant to reach the objects of others. What has no
    owner anywhere in its fields (countries, products) is not judged. An owner counts where the field
    refers to a user, or where some route finds or makes such objects by who calls.

    Data of somebody's that is read or changed is high. Medium is what speaks for data that all users
    share: an open route reads such objects as well, no route holds them against anybody while others
    are held, a change only refers to them, or they only name their author. Accounts that are read are
    medium, and low where open routes read them, too. A comparison that is thrown away, or that holds
    the id against another value of the caller's, is decorative. What a body refers to counts when it
    is changed. Not judged are links that hold a secret, and calls of machines (webhooks).
    """

    id = "object-authorization"
    title = "Access to objects of others"
    section = "security"
    severity = Severity.HIGH
    risk = "A signed-in user reads or changes the data of others by counting up an id in the URL."
    fix = (
        "Put the caller into the query (`owner_id == user.id`), or compare the owner before the object "
        "is used; best in one function that every route loads it through."
    )
    references = (cwe(639), owasp_api(1), asvs("8.2.2"))
    effort = "medium"

    def assess(self, application: Application) -> Verdict:
        accesses = application.facts(ObjectAccess)
        unfollowed = application.facts(UnfollowedIds)
        judged = _counted(accesses)
        if not judged:
            return self._nothing(application, accesses, unfollowed)
        by_route: dict[tuple[str, str], list[ObjectAccess]] = defaultdict(list)
        for access in judged:
            by_route[access.route.application, access.route.name].append(access)
        met = [found for found in by_route.values() if all(a.tied for a in found)]
        evidence = [*self._untied(judged), *self._tied(met)]
        summary = (
            f"{len(met)} of {count(len(by_route), 'route')} that find owned data by an id of the caller's"
            " hold it against the caller"
        )
        if unfollowed:
            summary += f" ({len(unfollowed)} more could not be followed)"
        return judge(summary + ".", evidence, Coverage(len(met), len(by_route)), "medium")

    def _nothing(
        self,
        application: Application,
        accesses: tuple[ObjectAccess, ...],
        unfollowed: tuple[UnfollowedIds, ...],
    ) -> Verdict:
        if not application.facts(Route):
            if unseen := [b for b in application.facts(BlindSpot) if b.kind == "routes"]:
                return unknown(
                    f"No route was read: {unseen[0].reason} ({unseen[0].place}).",
                    "Sign in as one user and ask for the id of another's object on each route.",
                )
            return not_applicable("no routes were found")
        unclear = {
            a.route.name for a in accesses if a.ownership is Ownership.UNCLEAR and not a.tied
        }
        names = sorted(unclear | {u.route.name for u in unfollowed})
        if names:
            return unknown(
                f"{count(len(names), 'route')} behind authentication take an id, and what they find by it"
                f" could not be followed ({', '.join(names[:3])}).",
                "Sign in as one user and ask for the id of another's object on each of these routes.",
            )
        if accesses:
            return not_applicable("what routes find by an id belongs to nobody")
        return not_applicable("no route behind authentication finds stored data by an id")

    def _untied(self, accesses: list[ObjectAccess]) -> Iterator[Evidence]:
        """One piece of evidence for each query; other routes that share it are named with it."""
        places: dict[tuple[str, int], list[ObjectAccess]] = defaultdict(list)
        reported: set[tuple[str, str, str]] = set()
        for access in accesses:
            if not access.tied:
                # one hole for each id of a route, where it is used first
                key = (access.route.application, access.route.name, access.parameter)
                if key not in reported:
                    reported.add(key)
                    places[access.place.path, access.place.line].append(access)
        for found in places.values():
            worst = max(found, key=_severity)
            routes = list(dict.fromkeys(a.route.name for a in found))
            more = (
                f" (and {', '.join(routes[1:4])}{', …' if len(routes) > 4 else ''})"
                if routes[1:]
                else ""
            )
            state = State.DECORATIVE if worst.tie is Tie.IGNORED else State.ABSENT
            yield Evidence(
                worst.place, state, _severity(worst), f"{_told(worst, routes[0])}{more}", routes[0]
            )

    def _tied(self, met: list[list[ObjectAccess]]) -> Iterator[Evidence]:
        by_tie: dict[Tie, list[ObjectAccess]] = defaultdict(list)
        for found in met:
            by_tie[found[0].tie].append(found[0])
        for tie, found in by_tie.items():
            first = found[0]
            message = f"{count(len(found), 'route')} {_HOW[tie]}, {first.route.name} for one"
            yield present(first.place, message, tie.value)

    good = (
        {
            "app.py": """
import os
import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBearer
from sqlalchemy import Column, ForeignKey, Integer, String, select
from sqlalchemy.orm import Session, declarative_base

Base = declarative_base()

class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    role = Column(String)
    hashed_password = Column(String)

class Project(Base):
    __tablename__ = "projects"
    id = Column(Integer, primary_key=True)
    owner_id = Column(ForeignKey("users.id"))

class Note(Base):
    __tablename__ = "notes"
    id = Column(Integer, primary_key=True)
    project_id = Column(ForeignKey("projects.id"))

class Country(Base):
    __tablename__ = "countries"
    id = Column(Integer, primary_key=True)
    name = Column(String)

def get_db():
    yield Session()

def current_user(credentials=Depends(HTTPBearer()), db: Session = Depends(get_db)):
    try:
        claims = jwt.decode(credentials.credentials, os.environ["KEY"], algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401)
    return db.get(User, claims["sub"])

def own_project(project_id: int, user: User = Depends(current_user), db: Session = Depends(get_db)):
    project = db.get(Project, project_id)
    if project is None or project.owner_id != user.id:
        raise HTTPException(404)
    return project

def ensure_owner(user, project):
    if project.owner_id != user.id:
        raise HTTPException(403)

app = FastAPI()

@app.get("/projects/{project_id}")
def one(project: Project = Depends(own_project)):
    return project

@app.put("/projects/{project_id}")
def change(project_id: int, user: User = Depends(current_user), db: Session = Depends(get_db)):
    project = db.scalar(select(Project).where(Project.id == project_id, Project.owner_id == user.id))
    return project

@app.delete("/projects/{project_id}")
def remove(project_id: int, user: User = Depends(current_user), db: Session = Depends(get_db)):
    project = db.query(Project).filter(Project.id == project_id).first()
    ensure_owner(user, project)
    db.delete(project)

@app.get("/projects/{project_id}/notes/{note_id}")
def note(note_id: int, project: Project = Depends(own_project), db: Session = Depends(get_db)):
    found = db.get(Note, note_id)
    if found.project_id != project.id:
        raise HTTPException(404)
    return found

@app.get("/narrowed/{project_id}")
def narrowed(project_id: int, user: User = Depends(current_user), db: Session = Depends(get_db)):
    def own(query):
        return query.where(Project.owner_id == user.id)
    return db.scalar(own(select(Project).where(Project.id == project_id)))

@app.get("/begun/{project_id}")
def begun(project_id: int, user: User = Depends(current_user), db: Session = Depends(get_db)):
    own = lambda: select(Project).where(Project.owner_id == user.id)
    return db.scalar(own().where(Project.id == project_id))

@app.get("/countries/{country_id}")
def country(country_id: int, user: User = Depends(current_user), db: Session = Depends(get_db)):
    return db.get(Country, country_id)

@app.get("/all-projects/{project_id}")
def any_project(project_id: int, user: User = Depends(current_user), db: Session = Depends(get_db)):
    if user.role != "admin":
        raise HTTPException(403)
    return db.get(Project, project_id)
"""
        },
        {
            "app.py": """
from flask import Flask, abort
from flask_login import current_user, login_required
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)

class Invoice(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.Integer)

@app.get("/invoices/<int:invoice_id>")
@login_required
def one(invoice_id):
    return Invoice.query.filter_by(id=invoice_id, user_id=current_user.id).first_or_404()

@app.post("/invoices/<int:invoice_id>")
@login_required
def pay(invoice_id):
    invoice = Invoice.query.get_or_404(invoice_id)
    if invoice.user_id != current_user.id:
        abort(403)
    return "paid"

@app.delete("/invoices/<int:invoice_id>")
@login_required
def remove(invoice_id):
    invoice = current_user.invoices.filter_by(id=invoice_id).first_or_404()
    db.session.delete(invoice)
    return "gone"
"""
        },
        {
            "manage.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n',
            "shop/__init__.py": "",
            "shop/settings.py": 'ROOT_URLCONF = "shop.urls"\nINSTALLED_APPS = ["shop", "rest_framework"]\n',
            "shop/models.py": """
from django.conf import settings
from django.db import models

class Order(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
""",
            "shop/views.py": """
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from rest_framework import permissions, viewsets
from .models import Order

class IsOwner(permissions.BasePermission):
    def has_object_permission(self, request, view, obj):
        return obj.user == request.user

class OrderViewSet(viewsets.ModelViewSet):
    permission_classes = [permissions.IsAuthenticated]

    def get_queryset(self):
        return Order.objects.filter(user=self.request.user)

class OwnViewSet(viewsets.ModelViewSet):
    queryset = Order.objects.all()
    permission_classes = [permissions.IsAuthenticated, IsOwner]

@login_required
def order(request, pk):
    return JsonResponse({"id": get_object_or_404(Order, pk=pk, user=request.user).id})
""",
            "shop/urls.py": """
from django.urls import include, path
from rest_framework.routers import DefaultRouter
from . import views

router = DefaultRouter()
router.register("orders", views.OrderViewSet, basename="order")
router.register("own", views.OwnViewSet)
urlpatterns = [path("api/", include(router.urls)), path("order/<int:pk>/", views.order)]
""",
        },
    )
    bad = (
        {
            "app.py": """
import os
import jwt
from bson import ObjectId
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBearer
from motor.motor_asyncio import AsyncIOMotorClient

db = AsyncIOMotorClient(os.environ["MONGO"])["shop"]

async def current_user(credentials=Depends(HTTPBearer())):
    try:
        return jwt.decode(credentials.credentials, os.environ["KEY"], algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401)

app = FastAPI()

class Orders:
    async def one(self, order_id, user):
        return await db.orders.find_one({"_id": ObjectId(order_id)})  # expect: high

orders = Orders()

@app.post("/orders")
async def create(user: dict = Depends(current_user)):
    await db.orders.insert_one({"user_id": user["sub"], "total": 0})

@app.get("/orders/{order_id}")
async def one(order_id: str, user: dict = Depends(current_user)):
    return await orders.one(order_id, user)

@app.delete("/orders/{order_id}")
async def remove(order_id: str, user_id: str, user: dict = Depends(current_user)):
    order = await db.orders.find_one({"_id": ObjectId(order_id)})  # expect: high
    if order["user_id"] != user_id:
        raise HTTPException(403)
    await db.orders.delete_one({"_id": ObjectId(order_id)})

@app.get("/inner/{order_id}")
async def inner(order_id: str, user: dict = Depends(current_user)):
    async def found(key):
        return await db.orders.find_one({"_id": ObjectId(key)})  # expect: high
    return await found(order_id)

@app.get("/mine")
async def mine(user_id: str, user: dict = Depends(current_user)):
    return await db.orders.find({"user_id": user_id}).to_list(10)  # expect: high

@app.get("/mine-really")
async def mine_really(user: dict = Depends(current_user)):
    return await db.orders.find({"user_id": user["sub"]}).to_list(10)
"""
        },
        {
            "app.py": """
import logging
from flask import Flask
from flask_login import current_user, login_required
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
db = SQLAlchemy(app)
logger = logging.getLogger(__name__)

class Invoice(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.Integer)

@app.get("/invoices/<int:invoice_id>")
@login_required
def one(invoice_id):
    logger.info("%s reads %s", current_user.id, invoice_id)
    return Invoice.query.get_or_404(invoice_id)  # expect: high

@app.post("/invoices/<int:invoice_id>")
@login_required
def pay(invoice_id):
    invoice = Invoice.query.get_or_404(invoice_id)  # expect: high
    if invoice.user_id != current_user.id:
        logger.warning("not the owner")
    invoice.paid_by = current_user.id
    return "paid"
"""
        },
        {
            "manage.py": 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n',
            "shop/__init__.py": "",
            "shop/settings.py": 'ROOT_URLCONF = "shop.urls"\nINSTALLED_APPS = ["shop", "rest_framework"]\n',
            "shop/models.py": """
from django.conf import settings
from django.db import models

class Order(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
""",
            "shop/views.py": """
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from rest_framework import permissions, viewsets
from .models import Order

class OrderViewSet(viewsets.ModelViewSet):
    queryset = Order.objects.all()  # expect: high
    permission_classes = [permissions.IsAuthenticated]

@login_required
def order(request, pk):
    return JsonResponse({"id": get_object_or_404(Order, pk=pk).id})  # expect: high
""",
            "shop/urls.py": """
from django.urls import include, path
from rest_framework.routers import DefaultRouter
from . import views

router = DefaultRouter()
router.register("orders", views.OrderViewSet, basename="order")
urlpatterns = [path("api/", include(router.urls)), path("order/<int:pk>/", views.order)]
""",
        },
    )


_HOW = {
    Tie.QUERY: "narrow the query by the caller's identity",
    Tie.COMPARED: "compare what they find with the caller",
    Tie.CHECKED: "have it checked against the caller",
    Tie.ROLE: "demand a role whose holders may reach the objects of others",
}
_PERSON = re.compile(
    r"^(?:\w*(?:user|account|member|customer|person))?_?(?:id|pk|uuid|guid|number|no)$", re.I
)
"""What counts accounts; by their names people are known to each other."""
_TENANT = re.compile(r"^(?:user|owner|tenant|org(?:ani[sz]ation)?|account)_?(?:id|uuid)$", re.I)
_USER = re.compile(r"^(?:user|owner|account|customer)_?(?:id)?$")
_ACCOUNT_ID = re.compile(r"^(?:user|account|customer|member|tenant)_?(?:id|uuid|number|no)$", re.I)


def _counted(accesses: tuple[ObjectAccess, ...]) -> list[ObjectAccess]:
    """Accesses to data of somebody's, without those that may rest on what else the route checks."""
    tied = {(a.route.application, a.route.name) for a in accesses if a.source == "path" and a.tied}
    return [
        a
        for a in accesses
        if _counts(a)
        and (a.source == "path" or a.changes or (a.route.application, a.route.name) not in tied)
    ]


def _counts(access: ObjectAccess) -> bool:
    """Whether an access is one to data that belongs to somebody."""
    match access.ownership:
        case Ownership.OWNED:  # what a body refers to is often meant to be referred to
            return (
                access.source == "path"
                or (access.changes and bool(_USER.search(access.owner)))
                or (access.source != "query" and bool(_TENANT.search(access.parameter)))
                or (access.source == "query" and not access.route.writes)
            )
        case (
            Ownership.ACCOUNT
        ):  # whom to invite, to follow, to pay: others are named for good reasons
            named = access.source == "path" or _ACCOUNT_ID.search(access.parameter)
            read = named and not access.route.writes and _PERSON.search(access.parameter)
            return access.changes or bool(read)
        case Ownership.AUTHORED:
            return access.changes and access.source == "path"
    return False


def _severity(access: ObjectAccess) -> Severity:
    """What changes or leaves the application matters; what is only referred to, less."""
    alone = access.doubt and not access.opened
    match access.ownership:
        case Ownership.OWNED if access.changes and not alone:
            return Severity.HIGH
        case Ownership.OWNED if not access.doubt and not access.route.writes:
            return Severity.HIGH
        case Ownership.ACCOUNT if access.changes:
            return Severity.HIGH
        case Ownership.ACCOUNT if access.doubt:
            return Severity.LOW
    return Severity.MEDIUM


def _told(access: ObjectAccess, name: str) -> str:
    whose = {
        Ownership.OWNED: f"which belongs to its `{access.owner}`",
        Ownership.AUTHORED: f"which names its `{access.owner}`",
        Ownership.ACCOUNT: "an account",
    }.get(access.ownership, "")
    does = "changes" if access.changes else "finds"
    what = f"{name} {does} {access.kind}, {whose}, by `{access.parameter}` of the {access.source}"
    doubt = f" ({access.doubt})" if access.doubt and not (access.changes and access.opened) else ""
    return f"{what}; {access.reason or 'nothing ties it to the caller'}{doubt}"
