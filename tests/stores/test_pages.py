"""A page of what a query finds, and how many there are of all: two queries, put together in one call or by one function."""

from __future__ import annotations

import pytest

from tests.conftest import Build
from tests.stores.test_sql_shapes import SQLALCHEMY, TORTOISE, of

_FLASK = """
from flask_sqlalchemy import SQLAlchemy
db = SQLAlchemy()
class Post(db.Model):
    __tablename__ = "posts"
    id = db.Column(db.Integer, primary_key=True)
    views = db.Column(db.Integer)
"""
_BY_VIEWS = ("views",)
_PAGE, _COUNT = ("select", _BY_VIEWS, (("id", 1),)), ("count", _BY_VIEWS, ())


@pytest.mark.parametrize(
    ("base", "body", "asked"),
    [
        (_FLASK, "Post.query.filter_by(views=n).order_by(Post.id).paginate(per_page=5)", {_PAGE, _COUNT}),
        (_FLASK, "db.paginate(db.select(Post).where(Post.views == n).order_by(Post.id), per_page=5)", {_PAGE, _COUNT}),
        (_FLASK, "Post.query.filter_by(views=n).order_by(Post.id).paginate(per_page=5, count=False)", {_PAGE}),
        (
            f"from fastapi_pagination.ext.sqlalchemy import paginate\n{SQLALCHEMY}",
            "paginate(s, select(Post).where(Post.views == n).order_by(Post.id))",
            {_PAGE, _COUNT},
        ),
    ],
)  # fmt: skip
def test_pages_count_besides(base: str, body: str, asked: set[object], build: Build) -> None:
    found = of(build({"app.py": f"{base}def page(s, n):\n    return {body}\n"}), "posts")
    assert {(q.operation, q.equality, q.sort) for q in found} == asked


def test_queries_that_a_function_gives_back_together_are_each_gone_on_with(build: Build) -> None:
    code = (
        f"{TORTOISE}def search(model, n):\n    query = model.all()\n    if n:\n        query = query.filter(views=n)\n"
        "    return query.limit(10).offset(20), query\n"
        "async def page(n):\n    found, all_ = search(Post, n)\n    return await found, await all_.count()\n"
    )
    found = {(q.operation, q.equality) for q in of(build({"app.py": code}), "posts")}
    assert found == {(x, y) for x in ("select", "count") for y in ((), _BY_VIEWS)}
