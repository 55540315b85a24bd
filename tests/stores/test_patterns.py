"""Conditions of SQLAlchemy's columns that compare with a pattern, or ask for its absence."""

from __future__ import annotations

import pytest

from auditor.model.data import CollectionFit, Fit
from tests.conftest import Build

_ORDERS = """
from sqlalchemy import Column, Integer, String, func, select
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    state = Column(String)
    owner = Column(Integer)
def ask(session, text):
    return session.scalars(select(Order).where({})).all()
"""


@pytest.mark.parametrize(
    ("condition", "fit"),
    [
        ('Order.state.notlike("%done%")', Fit.COVERED),
        ('Order.state.not_like("%done%")', Fit.COVERED),
        ('Order.state.not_ilike("%done%")', Fit.COVERED),
        ("Order.state.notilike(text)", Fit.COVERED),
        ('func.lower(Order.state).notlike("%done%")', Fit.COVERED),
        ('func.lower(Order.state) != "done"', Fit.COVERED),
        ('~Order.state.like("%done%")', Fit.COVERED),
        ('Order.state.notlike("%done%"), Order.owner == text', Fit.MISSING),
        ('Order.state.ilike("%done%")', Fit.MISSING),
    ],
)
def test_what_no_record_like_a_pattern_asks_needs_no_index(
    condition: str, fit: Fit, build: Build
) -> None:
    (found,) = build({"app.py": _ORDERS.format(condition)}).facts(CollectionFit)
    assert [match.fit for _, match in found.fits] == [fit]


_TICKETS = """
from sqlalchemy import Column, DateTime, Index, Integer, String, func, select
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import declarative_base
Base = declarative_base()
class Ticket(Base):
    __tablename__ = "tickets"
    id = Column(Integer, primary_key=True)
    subject = Column(String)
    body = Column(String)
    words = Column(TSVECTOR)
    at = Column(DateTime, index=True)
    __table_args__ = ({index})
def ask(session, text):
    query = func.plainto_tsquery("english", text)
    searched = func.to_tsvector("english", Ticket.subject)
    both = func.to_tsvector("english", func.coalesce(Ticket.subject, "") + " " + func.coalesce(Ticket.body, ""))
    return session.scalars(select(Ticket).where({where}).order_by(Ticket.at.desc()).limit(50)).all()
"""
_OF_SUBJECT = 'Index("i", func.to_tsvector("english", subject), postgresql_using="gin"),'
_OF_BOTH = (
    'Index("i", func.to_tsvector("english", func.coalesce(subject, "") + " " + func.coalesce(body, "")),'
    ' postgresql_using="gin"),'
)
_OF_WORDS = 'Index("i", words, postgresql_using="gin"),'


@pytest.mark.parametrize(
    ("where", "index", "searched", "fit"),
    [
        ('searched.op("@@")(query)', "", ("subject",), Fit.MISSING),
        ('searched.op("@@")(query)', _OF_SUBJECT, ("subject",), Fit.COVERED),
        ('searched.op("@@")(query)', _OF_WORDS, ("subject",), Fit.MISSING),
        ('searched.bool_op("@@")(query)', "", ("subject",), Fit.MISSING),
        ("searched.match(text)", _OF_SUBJECT, ("subject",), Fit.COVERED),
        (
            'func.to_tsvector("english", Ticket.subject).op("@@")(query)',
            "",
            ("subject",),
            Fit.MISSING,
        ),
        ('both.op("@@")(query)', "", ("subject", "body"), Fit.MISSING),
        ('both.op("@@")(query)', _OF_SUBJECT, ("subject", "body"), Fit.MISSING),
        ('both.op("@@")(query)', _OF_BOTH, ("subject", "body"), Fit.COVERED),
        ('Ticket.words.op("@@")(query)', "", ("words",), Fit.MISSING),
        ('Ticket.words.op("@@")(query)', _OF_WORDS, ("words",), Fit.COVERED),
        ('Ticket.subject.op("~*")(text)', "", ("subject",), Fit.PARTIAL),
        # what else is asked may narrow the search first
        (
            'searched.op("@@")(query), Ticket.body == text',
            'Index("i", "body", "at"),',
            ("subject",),
            Fit.PARTIAL,
        ),
        (
            'searched.op("@@")(query), Ticket.body == text',
            'Index("i", "at", "body"),',
            ("subject",),
            Fit.MISSING,
        ),
        ('searched.op("@@")(query), Ticket.id == text', "", ("subject",), Fit.COVERED),
        ('searched.op("@@")(query), Ticket.body == text', _OF_SUBJECT, ("subject",), Fit.COVERED),
    ],
)
def test_a_search_of_words_by_an_operator_is_one(
    where: str, index: str, searched: tuple[str, ...], fit: Fit, build: Build
) -> None:
    code = _TICKETS.replace("{where}", where).replace("{index}", index)
    files = {"app.py": code, "requirements.txt": "psycopg2"}
    (found,) = build(files).facts(CollectionFit)
    assert [(query.scanned, match.fit) for query, match in found.fits] == [(searched, fit)]


def test_the_order_of_what_is_not_told_decides_nothing(build: Build) -> None:
    """A condition that is not told may find little, however well the order is served."""
    code = _TICKETS.replace("{where}", "other(text)").replace("{index}", "")
    code = "from elsewhere import other\n" + code
    (found,) = build({"app.py": code}).facts(CollectionFit)
    assert [match.fit for _, match in found.fits] == [Fit.UNKNOWN]
