from __future__ import annotations

from auditor.assess.rule import Rule, asvs, cwe, owasp_api
from auditor.assess.verdict import (
    Coverage,
    Evidence,
    Severity,
    State,
    Verdict,
    judge,
    not_applicable,
    present,
)
from auditor.link.application import Application
from auditor.model.validation import Checked, Validation
from auditor.model.web import Intake, Route, Sink, Upload

_WORTH = {
    "untyped": (State.ABSENT, Severity.MEDIUM),
    "raw": (State.ABSENT, Severity.MEDIUM),
    "unasked": (State.DECORATIVE, Severity.MEDIUM),
    "form": (State.ABSENT, Severity.LOW),
    "unbounded": (State.WEAK, Severity.LOW),
}
_REACHED = {
    Sink.SQL: Severity.CRITICAL,
    Sink.SHELL: Severity.CRITICAL,
    Sink.CODE: Severity.CRITICAL,
    Sink.DESERIALISATION: Severity.CRITICAL,
    Sink.TEMPLATE: Severity.CRITICAL,
    Sink.WHERE: Severity.CRITICAL,
    Sink.OPERATOR: Severity.HIGH,
    Sink.XPATH: Severity.HIGH,
    Sink.LDAP: Severity.HIGH,
    Sink.XML: Severity.HIGH,
    Sink.PATH: Severity.HIGH,
    Sink.URL: Severity.HIGH,
    Sink.REDIRECT: Severity.MEDIUM,
    Sink.MARKUP: Severity.MEDIUM,
    Sink.FIELDS: Severity.MEDIUM,
    Sink.REGEX: Severity.LOW,
    Sink.EXISTENCE: Severity.LOW,
}
_BY_LINK = {Sink.MARKUP, Sink.REDIRECT}
"""What harms a visitor who follows a link or sends a form of somebody else's."""
_NOT_BY_LINK = {"header", "cookie", "file", "body"}
"""What another site cannot make a visitor's browser send."""


class InputValidation(Rule):
    """What enters is validated: typed, bounded, and never code, query or address.

    Values are followed from the request through variables and functions to where they are
    interpreted. SQL text, commands, code, templates and pickles are critical; an operator in a
    MongoDB filter (`{"$ne": null}` matches everything), a file's path and the host of an outgoing
    request are high; redirects, markup and fields of the caller's choosing medium (low where a link cannot send
    the value: headers, cookies, JSON); patterns and questions whether a file exists low.
    Conversions to narrow types, escaping, query parameters and tests that turn other values away
    end a flow. A body taken as `dict` or read raw is medium; forms, serializers and schemas validate
    it, so do tests that answer 400 or turn it into numbers. One that nothing asks whether it is valid,
    or that only documents, is decorative (medium). Fields of a form that are kept as they come are
    low, and so is text without a greatest length. A model is named once, however many routes take it.
    """

    id = "input-validation"
    title = "Input validation"
    section = "security"
    severity = Severity.MEDIUM
    risk = "Malformed or hostile data is stored, breaks later reads, or changes what a query means."
    fix = (
        "Hand values to SQL, commands and templates as parameters, never as part of their text, and check paths and "
        "hosts against a list; then take a model with a type and bounds for every field."
    )
    references = (cwe(20), cwe(74), cwe(943), cwe(918), owasp_api(3), owasp_api(7), asvs("2.2.1"))

    def assess(self, application: Application) -> Verdict:
        routes = [r for r in application.facts(Route) if self._takes_input(r)]
        named = {u.trusts_name for u in application.facts(Upload)}  # told by upload-limits
        intakes = [i for i in application.facts(Intake) if i.place not in named]
        checked = {(v.route.application, v.route.name): v for v in application.facts(Validation)}
        known = {(r.application, r.name) for r in routes}
        for route in (*(v.route for v in checked.values()), *(i.route for i in intakes)):
            if (route.application, route.name) not in known:
                known.add((route.application, route.name))
                routes.append(route)
        if not routes:
            return not_applicable("no route takes input that needs validation")
        evidence: dict[tuple[str, int, str], Evidence] = {}
        for intake in intakes:
            if intake.sink is not None:
                state, severity = State.ABSENT, _REACHED[intake.sink]
                if intake.sink in _BY_LINK and intake.source in _NOT_BY_LINK:
                    severity = Severity.LOW
            else:
                state, severity = _WORTH[intake.kind]
            place = intake.place
            subject = f"{intake.kind} {place.symbol} {intake.message.partition(':')[0]}"
            key = (place.path, place.line, intake.kind + intake.message)
            message = f"{intake.message} (CWE-{intake.sink.cwe})" if intake.sink else intake.message
            evidence.setdefault(key, Evidence(place, state, severity, message, subject))
        wrong = {(i.route.application, i.route.name) for i in intakes if i.kind != "unbounded"}
        met = [r for r in routes if (r.application, r.name) not in wrong]
        found = list(evidence.values())
        by_hand = [
            r
            for r in met
            if (v := checked.get((r.application, r.name))) and v.state is Checked.BY_HAND
        ]
        declared = [r for r in met if r not in by_hand]
        if declared:
            message = f"{len(declared)} routes take typed input, {declared[0].name} for one"
            found.append(present(declared[0].place, message, "typed"))
        if by_hand:
            message = f"{len(by_hand)} routes check their input by hand, {by_hand[0].name} for one"
            found.append(present(by_hand[0].place, message, "by hand"))
        summary = f"{len(met)} of {len(routes)} routes that take input have it typed and checked."
        return judge(summary, found, Coverage(len(met), len(routes)))

    @staticmethod
    def _takes_input(route: Route) -> bool:
        return any(p.source in ("body", "form", "query") for p in route.parameters)

    good = (
        {
            "app.py": """
import re
from pathlib import Path
from typing import Annotated
from fastapi import FastAPI, Query
app = FastAPI()
ROOT = Path("data")
OTHERS = re.compile(r"[^A-Za-z0-9_]")
Title = Annotated[str, Query(max_length=80)]

def slug(value: str, fallback: str = "page") -> str:
    value = re.sub(r"[^a-z0-9]+", "-", (value or fallback).lower())
    return re.sub(r"-+", "-", value).strip("-") or fallback

@app.get("/a")
def a(title: Title):
    (ROOT / f"{slug(title)}.json").write_text("{}")

@app.get("/b")
def b(title: Title):
    (ROOT / OTHERS.sub("_", title)).mkdir()
"""
        },
        {
            "app.py": """
from typing import Annotated
from fastapi import FastAPI, Query
from pydantic import BaseModel, EmailStr, Field

class Lead(BaseModel):
    email: EmailStr
    name: str = Field(min_length=1, max_length=80)
    note: Annotated[str, Field(max_length=500)] = ""
    age: int = Field(ge=0, le=150)

app = FastAPI()

@app.post("/leads")
def create(lead: Lead, source: str = Query("web", max_length=20)):
    return lead
"""
        },
        {
            "app.py": """
from flask import Flask, abort, request
from flask_wtf import FlaskForm
from marshmallow import Schema, fields, validate
from wtforms import StringField
from wtforms.validators import Length

app = Flask(__name__)
app.config["SECRET_KEY"] = "for the example"

class Order(Schema):
    note = fields.String(validate=validate.Length(max=200))

class Contact(FlaskForm):
    name = StringField(validators=[Length(max=80)])

@app.post("/orders")
def order():
    return keep(Order().load(request.get_json()))

@app.post("/contact")
def contact():
    form = Contact()
    if form.validate_on_submit():
        keep({"name": form.name.data})
    return ""

@app.post("/votes")
def vote():
    votes = request.get_json()
    if not isinstance(votes.get("for"), str):
        abort(400)
    return keep({"for": votes["for"]})

def keep(found):
    return found
"""
        },
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
            "settings.py": "ROOT_URLCONF = 'urls'\nINSTALLED_APPS = ['rest_framework']\n",
            "urls.py": """
from django import forms
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST
from rest_framework import generics, serializers

class Note(forms.Form):
    text = forms.CharField(max_length=200)

class Order(serializers.Serializer):
    note = serializers.CharField(max_length=200)

class Orders(generics.CreateAPIView):
    serializer_class = Order

@require_POST
def note(request):
    form = Note(request.POST)
    if form.is_valid():
        print(form.cleaned_data)
    return HttpResponse()

urlpatterns = [path("notes/", note), path("orders/", Orders.as_view())]
""",
        },
    )
    bad = (
        {
            "app.py": """
import re
from pathlib import Path
from typing import Annotated
from fastapi import FastAPI, Query
app = FastAPI()
ROOT = Path("data")
Title = Annotated[str, Query(max_length=80)]

@app.get("/a")
def a(title: Title):
    (ROOT / re.sub(r"[^a-z./]", "", title)).mkdir()  # expect: high

@app.get("/b")
def b(title: Title):
    (ROOT / re.sub(r"[^a-z0-9]", "../", title)).mkdir()  # expect: high

@app.get("/c")
def c(title: Title):
    (ROOT / re.sub(r"[a-z]", "", title)).mkdir()  # expect: high
"""
        },
        {
            "app.py": """
from flask import Flask, render_template_string
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text
app = Flask(__name__)
db = SQLAlchemy(app)

@app.route("/greet/<name>")
def greet(name):
    page = open("greet.html").read()
    page = page.replace("NAME", name)
    return render_template_string(page)  # expect: critical

@app.route("/users/<name>")
def one(
    name: int,
):
    return db.session.execute(text(f"SELECT * FROM users WHERE id = {name}")).all()  # expect: critical
"""
        },
        {
            "app.py": """
from flask import Flask, render_template, request
from posts import posts
app = Flask(__name__)
app.register_blueprint(posts)

@app.get("/search")
def search():
    term = request.args.get("term", "")[:80]
    return render_template(  # expect: medium
        "search.html", term=term, shown=term,
    )
""",
            "posts.py": """
from flask import Blueprint
from store import connection
posts = Blueprint("posts", __name__)

class Posts:
    def find(number):
        return connection.execute(f"SELECT * FROM posts WHERE id = {number}").fetchone()  # expect: critical

@posts.get("/posts/<number>")
def post(number):
    return {"post": Posts.find(number)}
""",
            "templates/search.html": "<p>{{ term|safe }}</p><p>{{ shown }} {{ shown|e|safe }}</p>\n",
        },
        {
            "app.py": """
from fastapi import FastAPI, Request
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel

app = FastAPI()
db = AsyncIOMotorClient("mongodb://localhost")["shop"]

class Lead(BaseModel):  # expect: low
    name: str

@app.post("/leads")
def create(lead: Lead):
    return lead

@app.post("/claims")
async def claim(
    data: dict,  # expect: medium
):
    return await db.leads.find_one({
        "email": data.get("email"),  # expect: high
    })

@app.post("/hook")
async def hook(request: Request):
    body = await request.json()  # expect: medium
    return str(body)
"""
        },
        {
            "app.py": """
import sqlite3
from flask import Flask, request
from flask_restx import Api, Resource, fields

app = Flask(__name__)
api = Api(app)
model = api.model("Order", {"note": fields.String})

@app.post("/orders")
def order():
    return keep(request.get_json())  # expect: medium

@app.get("/find")
def find():
    name = request.args["name"]
    return look(f"select * from orders where name = '{name}'")  # expect: critical

def look(text):
    return sqlite3.connect("orders.db").execute(text).fetchall()

@api.route("/notes")
class Notes(Resource):
    @api.expect(model)  # expect: medium
    def post(self):
        return keep(request.json)

def keep(found):
    return found
"""
        },
        {
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
            "settings.py": "ROOT_URLCONF = 'urls'\nINSTALLED_APPS = ['rest_framework']\n",
            "urls.py": """
from django import forms
from django.db import connection
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST
from rest_framework.views import APIView

class Note(forms.Form):  # expect: low
    text = forms.CharField()

class Orders(APIView):
    def post(self, request):
        return keep(request.data)  # expect: medium

    def get(self, request):
        with connection.cursor() as cursor:
            cursor.execute("select * from orders where id = %s" % request.GET["id"])  # expect: critical
        return HttpResponse()

@require_POST
def note(request):
    form = Note(request.POST)  # expect: medium
    return keep(form.data["text"])

@require_POST
def other(request):
    form = Note(request.POST)
    form.is_valid()
    return keep(form.cleaned_data)

def keep(found):
    print(len(found))
    return HttpResponse()

urlpatterns = [path("notes/", note), path("others/", other), path("orders/", Orders.as_view())]
""",
        },
    )
