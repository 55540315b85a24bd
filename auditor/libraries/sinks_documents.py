"""Documents that the caller shapes: operators of MongoDB, and fields of stored objects."""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.libraries.sinks import Found, open_mapping, receiver_of
from auditor.link.flow import Form, Reached, Taint, drains, leaves

# --- MongoDB (CWE-943): https://www.mongodb.com/docs/manual/reference/operator/query/

_CLIENT = re.compile(r"^(?:motor|pymongo|mongomock|mongoengine)\b")
_MONGO_RECEIVER = re.compile(
    r"(?:^|[._])(?:db|database|mongo\w*|\w*collection|\w*coll|\w*_col)(?:[._]|$)", re.I
)
_FILTERS = {
    "find_one", "find", "count_documents", "update_one", "update_many", "replace_one", "delete_one",
    "delete_many", "find_one_and_update", "find_one_and_delete", "find_one_and_replace", "aggregate",
    "insert_one", "insert_many", "count", "distinct",
}  # fmt: skip
_CERTAIN = _FILTERS - {"find", "count", "distinct", "aggregate"}
_UPDATES = {"update_one", "update_many", "find_one_and_update"}


@drains(*sorted(_FILTERS))
def document_query(reached: Reached) -> Found:
    func = reached.site.node.func
    if not isinstance(func, t.Attr) or reached.receiver is not None:
        return
    known = _CLIENT.match(reached.name) or func.name in _CERTAIN
    if not known and not _MONGO_RECEIVER.search(receiver_of(reached)):
        return
    if func.name in ("insert_one", "insert_many"):
        yield "fields", open_mapping(reached.arg(0, "document", "documents"))
        return
    position = 1 if func.name == "distinct" else 0
    given = reached.arg(position, "filter", "pipeline", "query")
    if given is not None:
        yield from _operators(given)
    if func.name in _UPDATES and (update := reached.arg(1, "update")) is not None:
        yield from _updated(update)
    if func.name in ("replace_one", "find_one_and_replace"):
        yield "fields", open_mapping(reached.arg(1, "replacement"))


def _operators(given: Taint) -> Found:
    for path, leaf in leaves(given):
        if "$where" in path or "$function" in path:
            yield "where", leaf
        elif "$regex" in path:
            yield "regex", leaf if leaf.form in (Form.TEXT, Form.OBJECT) else None
        elif leaf.form is Form.OBJECT and not {
            "$set",
            "$project",
            "$text",
            "$limit",
            "$skip",
        } & set(path):
            yield "operator", leaf


def _updated(update: Taint) -> Found:
    """Operators of the caller's choosing, or fields of it below `$set`."""
    if update.form in (Form.OBJECT, Form.FIELDS):
        yield "operator", update
    for path, leaf in leaves(update):
        if path and path[0].startswith("$") and (len(path) == 1 or path[-1] == "**"):
            if leaf.form in (Form.OBJECT, Form.FIELDS) and not leaf.source.keys:
                yield "fields", leaf


# --- fields of the caller's choosing (CWE-915)

_STORED = re.compile(
    r"^(?:sqlalchemy|flask_sqlalchemy|django\.db\.models|mongoengine|peewee|tortoise|pony|sqlmodel)"
    r"|declarative_base|DeclarativeBase|SQLAlchemy\(\)"
)


def stored_class(reached: Reached, expr: t.Expr) -> bool:
    """Whether an expression names a class of the tree whose instances a database keeps."""
    code = reached.flow.code
    found = code.defined(expr, reached.site.scope)
    if found is None or not isinstance(found.node, t.Class):
        return False
    return any(_STORED.search(name) for name in code.ancestry(found))


@drains("setattr")
def attribute_set(reached: Reached) -> Found:
    name = reached.arg(1)
    if reached.name == "builtins.setattr" and name is not None and not name.led:
        yield "fields", name


@drains("()")
def model_of_fields(reached: Reached) -> Found:
    """`Model(**data)` of a class whose instances a database keeps, without a check of its own."""
    if stored_class(reached, reached.site.node.func):
        yield "fields", open_mapping(reached.named.get(None))


@drains(
    "create",
    "update_or_create",
    "get_or_create",
    "filter",
    "update",
    "insert",
    "values",
    "bulk_create",
)
def spread_into_model(reached: Reached) -> Found:
    """`Model.objects.create(**data)`."""
    func = reached.site.node.func
    given = reached.named.get(None)
    if given is None or not isinstance(func, t.Attr) or reached.receiver is not None:
        return
    if func.name in ("filter", "values", "insert"):
        if ".objects" not in "." + receiver_of(reached):
            return
    yield "fields", open_mapping(given)
