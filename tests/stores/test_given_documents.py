"""A document class of Beanie that an object is given where others keep a collection: `super().__init__(collection=Lead)`."""

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_MODELS = """
from beanie import Document, Indexed
class Lead(Document):
    email: Indexed(str, unique=True)
    town: str
class Shop(Document):
    email: str
"""
_SERVICE = """
class Service:
    def __init__(self, {kept}):
        self.{kept} = {kept}
    async def by(self, q):
        return await self.{kept}.find_one({{"gone": {{"$ne": True}}, **q}})
"""
_HEIRS = """
from models import Lead, Shop
from service import Service
class Leads(Service):
    def __init__(self):
        super(Leads, self).__init__({kept}=Lead)
    async def of_town(self, town):
        return await self.{kept}.find({{"town": town}}).to_list()
class Shops(Service):
    def __init__(self):
        super().__init__({kept}=Shop)
"""
_MADE = """
from models import Lead, Shop
from service import Service
class Leads(Service):
    async def of_town(self, town):
        return await self.{kept}.find({{"town": town}}).to_list()
class Shops(Service):
    pass
class Maker:
    def leads(self):
        return Leads({kept}=Lead)
    def shops(self):
        return Shops({kept}=Shop)
"""
_APP = """
from fastapi import Depends, FastAPI
from heirs import *
app = FastAPI()
{begin}
@app.get("/leads/{{email}}")
async def lead(email: str, leads: Leads = Depends({leads})):
    return await leads.by({{"email": email}})
@app.get("/towns/{{town}}")
async def town(town: str, leads: Leads = Depends({leads})):
    return await leads.of_town(town)
@app.get("/shops/{{email}}")
async def shop(email: str, shops: Shops = Depends({shops})):
    return await shops.by({{"email": email}})
"""
_BEGIN = """
from beanie import init_beanie
from motor.motor_asyncio import AsyncIOMotorClient
@app.on_event("startup")
async def start():
    await init_beanie(AsyncIOMotorClient("mongodb://db").shop, document_models=[Lead, Shop])
"""
_OF_HEIRS = {"leads": "Leads", "shops": "Shops"}
_OF_MAKER = {"leads": "Maker().leads", "shops": "Maker().shops"}

Told = set[tuple[str, tuple[str, ...], Fit]]


def _told(
    build: Build, heirs: str, made: dict[str, str], kept: str, begin: str, service: str = _SERVICE
) -> Told:
    app = build(
        {
            "models.py": _MODELS,
            "service.py": service.format(kept=kept),
            "heirs.py": heirs.format(kept=kept),
            "app.py": _APP.format(begin=begin, **made),
        }
    )
    return {(f.name, q.equality, m.fit) for f in app.facts(CollectionFit) for q, m in f.fits}


@pytest.mark.parametrize("kept", ["collection", "lead_collection", "repo", "model"])
@pytest.mark.parametrize(("heirs", "made"), [(_HEIRS, _OF_HEIRS), (_MADE, _OF_MAKER)])
def test_each_asks_its_own(heirs: str, made: dict[str, str], kept: str, build: Build) -> None:
    assert _told(build, heirs, made, kept, _BEGIN) == {
        ("Lead", ("email",), Fit.COVERED),
        ("Lead", ("town",), Fit.MISSING),
        ("Shop", ("email",), Fit.MISSING),
    }


def test_a_type_that_says_collection_is_none(build: Build) -> None:
    """The parameter says `Collection`, and gets a class of documents."""
    typed = _SERVICE.replace("self, {kept}", "self, {kept}: Collection")
    service = f"from pymongo.collection import Collection\n{typed}"
    told = _told(build, _HEIRS, _OF_HEIRS, "collection", _BEGIN, service)
    assert ("Shop", ("email",), Fit.MISSING) in told
    assert not any(name == "" for name, _, _ in told)


def test_a_collection_beside_documents(build: Build) -> None:
    """One heir keeps a collection of the driver: it is told too."""
    heirs = _HEIRS.replace("{kept}=Shop", '{kept}=client.shop["stores"]')
    client = "from motor.motor_asyncio import AsyncIOMotorClient\nclient = AsyncIOMotorClient()\n"
    told = _told(build, client + heirs, _OF_HEIRS, "collection", _BEGIN)
    assert {name for name, _, _ in told if name} == {"Lead", "stores"}


def test_what_is_begun_elsewhere_has_what_it_declares(build: Build) -> None:
    """No `init_beanie` is called here: the one that is creates what the class declares, but nothing else."""
    assert _told(build, _HEIRS, _OF_HEIRS, "collection", "") == {
        ("Lead", ("email",), Fit.UNKNOWN),
        ("Lead", ("town",), Fit.MISSING),
        ("Shop", ("email",), Fit.MISSING),
    }
