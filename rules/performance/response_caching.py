from __future__ import annotations

from collections.abc import Iterator

from auditor.assess.rule import Reference, Rule, cwe
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
)
from auditor.link.application import Application
from auditor.model.costs import HeavyRead
from auditor.model.data import Cache


class ResponseCaching(Rule):
    """Expensive, repeated reads are cached.

    Expensive are GET routes that aggregate, or that count or list distinct values more than once among
    three reads or more; the one count of a page is not. A cache that is set up and that no such route reads through
    is decorative. A route is medium when it makes five reads or more, else low.
    """

    id = "response-caching"
    title = "API response caching"
    section = "performance"
    severity = Severity.MEDIUM
    risk = "Every visit to a dashboard repeats the same work, and the database is the first to give in."
    fix = "Keep the result of dashboard and statistics routes for some seconds, in Redis when there are several workers."
    references = (
        cwe(400),
        Reference(
            "MDN: HTTP caching", "https://developer.mozilla.org/en-US/docs/Web/HTTP/Guides/Caching"
        ),
    )

    def assess(self, application: Application) -> Verdict:
        heavy = application.facts(HeavyRead)
        caches = application.facts(Cache)
        idle = [cache for cache in caches if not cache.used]
        if not heavy and not idle:
            return not_applicable("no route makes repeated expensive reads")
        met = sum(1 for read in heavy if read.cached)
        evidence = [*self._reads(heavy), *self._idle(idle)]
        summary = f"{met} of {len(heavy)} expensive reads are cached."
        return judge(summary, evidence, Coverage(met, len(heavy)) if heavy else None, "medium")

    def _reads(self, heavy: tuple[HeavyRead, ...]) -> Iterator[Evidence]:
        for read in heavy:
            subject = f"{read.route.application} {read.route.name}"
            if read.cached:
                yield present(
                    read.route.place, f"{read.route.name} reads through {read.cached.name}", subject
                )
            else:
                severity = Severity.MEDIUM if read.reads >= 5 else Severity.LOW
                message = f"{read.route.name} makes {count(read.reads, 'read')} on every call, with no cache"
                yield Evidence(read.route.place, State.ABSENT, severity, message, subject)

    def _idle(self, caches: list[Cache]) -> Iterator[Evidence]:
        for cache in caches:
            message = (
                f"a {cache.name} cache is set up, and nothing that the application serves reads it"
            )
            yield Evidence(cache.place, State.DECORATIVE, Severity.MEDIUM, message, cache.name)

    good = (
        {
            "app.py": """
import os
from aiocache import cached
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

db = AsyncIOMotorClient(os.environ["MONGO_URL"]).shop
app = FastAPI()

@cached(ttl=30)
async def numbers():
    return await db.leads.aggregate([{"$group": {"_id": "$status"}}]).to_list(10)

@app.get("/stats")
async def stats():
    return await numbers()

@app.get("/leads")
async def leads(owner: str):
    user = await db.users.find_one({"_id": owner})
    total = await db.leads.count_documents({"owner": user["_id"]})
    return total, await db.leads.find({"owner": user["_id"]}).to_list(20)
"""
        },
    )
    bad = (
        {
            "settings.py": "ROOT_URLCONF = 'urls'\nINSTALLED_APPS = ['shop']\n",
            "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'settings')\n",
            "urls.py": """
from django.urls import path
from shop import views
urlpatterns = [path("figures", views.figures), path("totals", views.totals)]
""",
            "shop/models.py": """
from django.db import models
class Sale(models.Model):
    price = models.IntegerField()
    kind = models.CharField(max_length=9)
    class Meta:
        app_label = "shop"
""",
            "shop/views.py": """
from django.core.cache import cache
from django.db.models import Sum
from django.http import JsonResponse
from shop.models import Sale

def figures(request):
    return JsonResponse(cache.get_or_set("figures", summed, 60))

def totals(request):  # expect: low
    return JsonResponse(cache.get_or_set("totals", {"sum": summed()}, 60))

def summed():
    return Sale.objects.aggregate(total=Sum("price"))
""",
        },
        {
            "app.py": """
import functools
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

class Base(DeclarativeBase):
    pass

class Sale(Base):
    __tablename__ = "sales"
    id: Mapped[int] = mapped_column(primary_key=True)
    price: Mapped[int]

STORE = {}

def cached(key):
    def around(function):
        @functools.wraps(function)
        def inner(*args):
            found = STORE.get(key)
            if found is None:
                found = STORE[key] = function(*args)
            return found
        return inner
    return around

def cached_by_nobody(key):
    return lambda function: function

app = FastAPI()

def session():
    with Session(create_engine("sqlite:///x.db")) as opened:
        yield opened

@cached("figures")
def summed(opened):
    return opened.execute(select(func.sum(Sale.price))).scalar()

@cached_by_nobody("totals")
def added(opened):
    return opened.execute(select(func.sum(Sale.price))).scalar()

@app.get("/figures")
def figures(opened: Session = Depends(session)):
    return summed(opened)

@app.get("/totals")
def totals(opened: Session = Depends(session)):  # expect: low
    return added(opened)
"""
        },
        {
            "app.py": """
import os
import redis
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

db = AsyncIOMotorClient(os.environ["MONGO_URL"]).shop
store = redis.from_url(os.environ["REDIS_URL"])  # expect: medium
app = FastAPI()

@app.get("/stats")
async def stats():  # expect: low
    return await numbers()

async def numbers():
    return await figures()

async def figures():
    return {
        "leads": await db.leads.count_documents({}),
        "sold": await db.sales.count_documents({"sold": True}),
        "cars": await db.cars.count_documents({}),
    }
"""
        },
    )
