"""Handlers that keep nothing, and what an open read hands to strangers."""

from __future__ import annotations

import pytest

from auditor.frameworks.effects import keeps_nothing
from auditor.model.openness import Openness, OpenRead
from auditor.model.pages import StaticPage
from tests.conftest import Build

HEAD = """
from store import db, Item
import requests, smtplib
STORE, found = {}, []
class Prices:
    def __init__(self, session):
        self.session = session
    def of(self, names):
        return self.session.query(Item).filter(Item.name.in_(names)).all()
    def keep(self, item):
        self.session.add(item)
def total(rows):
    sums = {}
    for row in rows:
        sums[row.name] = sums.get(row.name, 0) + row.price
    return sums
def handler(cart, session):
"""


@pytest.mark.parametrize(
    ("body", "keeps"),
    [
        ("return total(Prices(db).of(cart))", False),
        ("cart['x'] = len(cart)\nreturn dict(cart)", False),
        ("names = []\nnames.append(str(cart))\nreturn names", False),
        ("session['shop'] = int(cart)\nreturn ''", False),
        ("return db.items.find_one({'name': str(cart)})", False),
        ("return {}", True),  # not written yet
        ("Prices(db).keep(cart)", True),
        ("STORE[str(cart)] = 1", True),
        ("found.append(str(cart))", True),
        ("global found\nfound = list(cart)", True),
        ("item = db.get(Item, cart)\nitem.sold = True", True),
        ("db.items.insert_one(dict(cart))", True),
        ("requests.post('https://example.org', json=dict(cart))", True),
        ("smtplib.SMTP('mail').send_message(cart)", True),
        ("db.execute(f'drop table {cart}')", True),
        ("open('/tmp/x', 'w')", True),
        ("def later():\n    db.drop(cart)\nstr(later)", True),
    ],
)
def test_what_a_handler_keeps(build: Build, body: str, keeps: bool) -> None:
    lines = "\n".join(f"    {line}" for line in body.split("\n"))
    code = build({"app.py": HEAD + lines + "\n"}).code
    (handler,) = (f for f in code.functions() if f.node.name == "handler")  # type: ignore[attr-defined]
    assert keeps_nothing(code, handler) is not keeps


SHOP = """
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy import Column, ForeignKey, Integer, String, create_engine
from sqlalchemy.orm import Session, declarative_base
import jwt
Base = declarative_base()
app = FastAPI()
engine = create_engine("sqlite:///x.db")
class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    email = Column(String)
class Team(Base):
    __tablename__ = "teams"
    id = Column(Integer, primary_key=True)
    user_id = Column(Integer, ForeignKey("users.id"))
class Offer(Base):
    __tablename__ = "offers"
    id = Column(Integer, primary_key=True)
    title = Column(String)
def caller(token: str = Depends(OAuth2PasswordBearer(tokenUrl="t"))):
    try:
        return jwt.decode(token, KEY, algorithms=["HS256"])["sub"]
    except jwt.PyJWTError:
        raise HTTPException(401)
@app.post("/a")
def a(user=Depends(caller)): keep()
@app.post("/b")
def b(user=Depends(caller)): keep()
@app.post("/c")
def c(user=Depends(caller)): keep()
@app.get("/teams")
def own(user=Depends(caller)):
    with Session(engine) as db:
        return db.query(Team).filter(Team.user_id == user).all()
@app.get("/about")
def about(): return {"shop": len(app.routes)}
@app.get("/hours")
def hours(): return {"hours": len(app.routes)}
@app.get("/offers")
def offers({params}):
    with Session(engine) as db:
        team = db.query(Team).filter(Team.user_id == {who}).first()
        return db.query(Offer).limit(20).all()
"""


@pytest.mark.parametrize(
    ("params", "who", "openness"),
    [("", "remembered()", Openness.HARMLESS), ("user_id: int", "user_id", Openness.PRIVATE)],
)
def test_what_is_found_by_who_calls_is_not_handed_out(
    build: Build, params: str, who: str, openness: Openness
) -> None:
    source = SHOP.replace("{params}", params).replace("{who}", who)
    reads = {r.name: r.openness for r in build({"app.py": source}).facts(OpenRead)}
    assert reads["GET /offers"] is openness


PAGES = """
from fastapi import FastAPI, Request
from fastapi.templating import Jinja2Templates
app = FastAPI()
templates = Jinja2Templates("pages")
@app.get("/orders/{order}/edit")
async def shell(request: Request, order: int):
    return templates.TemplateResponse("orders.html", {"request": request, "order": order})
@app.get("/orders")
async def listed(request: Request):
    return templates.TemplateResponse("orders.html", {"request": request, "orders": find()})
@app.get("/orders/{order}")
async def shown(request: Request, order: int):
    return templates.TemplateResponse("order.html", {"request": request, "order": find(order)})
@app.get("/orders/{order}/raw")
async def raw(order: int):
    return Response(order)
@app.get("/pages/{name}")
async def chosen(request: Request, name: str):
    return templates.TemplateResponse(name, {"request": request})
"""


def test_a_page_that_gets_nothing_but_its_address_shows_no_data(build: Build) -> None:
    pages = build({"app.py": PAGES}).facts(StaticPage)
    assert [page.name for page in pages] == ["GET /orders/{order}/edit"]
