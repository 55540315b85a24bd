"""Collections that a unique index over enumerations keeps small, and those that grow all the same."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

WORDINGS = """
from enum import Enum
from typing import List, Optional
from beanie import Document, init_beanie
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import IndexModel
app = FastAPI()
class Event(str, Enum):
    PAID = "paid"
    SENT = "sent"
class Channel(str, Enum):
    MAIL = "mail"
    SMS = "sms"
    CHAT = "chat"
    FAX = "fax"
    CALL = "call"
    LETTER = "letter"
class Wording(Document):
    event: Event
    channel: Channel
    body: str
    class Settings:
        name = "wordings"
        indexes = [IndexModel([("event", 1), ("channel", 1)], unique=True)]
@app.on_event("startup")
async def startup():
    await init_beanie(database=AsyncIOMotorClient("mongodb://localhost")["shop"], document_models=[Wording])
@app.get("/wordings")
async def wordings(channel: Channel):
    return await Wording.find({"channel": channel}).to_list()
@app.post("/wordings")
async def add(wording: Wording):
    await wording.insert()
"""


@pytest.mark.parametrize(
    ("before", "after", "fit"),
    [
        ("", "", Fit.COVERED),
        ("    channel: Channel\n    body", "    channel: Optional[Channel] = None\n    body", Fit.COVERED),
        (", unique=True", "", Fit.MISSING),
        ("unique=True)", "unique=True, sparse=True)", Fit.MISSING),
        ("unique=True)", "unique=True, partialFilterExpression={'body': 'x'})", Fit.MISSING),
        ("    channel: Channel\n    body", "    channel: List[Channel]\n    body", Fit.MISSING),
        ("    channel: Channel\n    body", "    channel: str\n    body", Fit.MISSING),
        ('("channel", 1)]', '("channel", 1), ("body", 1)]', Fit.MISSING),
        ('    CHAT = "chat"\n', "".join(f"    C{n} = 'c{n}'\n" for n in range(70)), Fit.MISSING),
        ("document_models=[Wording]", "document_models=[Wording], skip_indexes=True", Fit.MISSING),
    ],
)  # fmt: skip
def test_a_unique_index_over_enumerations_keeps_a_collection_small(
    before: str, after: str, fit: Fit, build: Build
) -> None:
    assert before in WORDINGS
    found = build({"app.py": WORDINGS.replace(before, after)}).facts(CollectionFit)
    (told,) = (m for f in found if f.name == "wordings" for q, m in f.fits if "channel" in q.equality)  # fmt: skip
    assert told.fit is fit
    if fit is Fit.COVERED and not before:
        assert told.why.startswith("its unique index of event, channel allows 12 documents")


@pytest.mark.parametrize("channel", ["Channel | None", "Optional[Channel]"])
def test_a_field_that_may_be_left_out_has_one_value_more(channel: str, build: Build) -> None:
    code = WORDINGS.replace("channel: Channel\n    body", f"channel: {channel} = None\n    body")
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert "allows 14 documents" in found.fits[0][1].why
