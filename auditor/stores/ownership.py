"""Whom stored data belongs to, told by its fields: an owner, a tenant, a relation to what has one."""

from __future__ import annotations

import functools
import re
from collections import defaultdict

from auditor.extract.python import tree as t
from auditor.link.scopes import Located
from auditor.link.values import Evaluator
from auditor.model.objects import Ownership
from auditor.stores.sql.reading.selection import Selections

_SUFFIX = r"(?:_?(?:id|uuid|pk|ref|guid|fk))?$"
_OWNER = re.compile(
    r"^(?:user|owner|owned_by|belongs_to|account|tenant|customer|member|client|subscriber"
    r"|patient|student|employee|seller|buyer|vendor|merchant|recipient|borrower|holder"
    r"|org(?:ani[sz]ation)?|company|workspace|household|current_user|(?:from|to)_(?:account|user)|sender|receiver|user_?name|user_?email|owner_?email)"
    + _SUFFIX,
    re.I,
)
_AUTHOR = re.compile(
    r"^(?:author|creator|created_by|created_by_user|uploaded_by|submitted_by|poster|posted_by|added_by)"
    + _SUFFIX,
    re.I,
)
_RECORD = re.compile(
    r"^(?:account|customer|client|patient|student|employee|seller|buyer|vendor|merchant|borrower|holder)s?$",
    re.I,
)
_BASES_OF_ACCOUNTS = {
    "AbstractUser", "AbstractBaseUser", "SQLAlchemyBaseUserTable", "SQLAlchemyBaseUserTableUUID", "UserMixin",
    "BeanieBaseUser",
}  # fmt: skip
_CREDENTIAL = re.compile(
    r"^(?:hashed_?|encrypted_?)?(?:password|passwd|password_hash|pw_?hash|password_digest)", re.I
)
_ACCOUNT = re.compile(
    r"^(?:(?:app|custom|auth|db|site)_?)?users?(?:_?(?:model|table|account|db))?$", re.I
)
_USER = re.compile(
    r"(?:^|[._])(?:user|(?:from|to)_account)(?:_?(?:id|uuid|pk|ref|guid|fk|name|email))?$", re.I
)
_FOREIGN = {
    "ForeignKey",
    "OneToOneField",
    "ForeignKeyField",
    "Reference",
    "Link",
    "ParentalKey",
    "ReferenceField",
}
_RELATION = {
    "relationship",
    "Relationship",
    "db.relationship",
    "ManyToManyField",
    "ManyToManyRelation",
    "ReverseRelation",
}
_TEXTS = {
    "String",
    "Text",
    "CharField",
    "TextField",
    "str",
    "Unicode",
    "EmailField",
    "Boolean",
    "bool",
    "BooleanField",
}
_MAX_DEPTH = 3

Told = tuple[Ownership, str]


class Owners:
    """Answers whom data of a kind belongs to, and the field that says so."""

    def __init__(self, values: Evaluator, selections: Selections) -> None:
        self.values, self.code, self.selections = values, values.code, selections
        self._known: dict[str, Told] = {}
        self._above: dict[str, str] = {}
        self._tables = self._by_table()
        self._documents: dict[str, set[str]] | None = None
        self._columns: dict[str, set[str]] | None = None

    def of(self, kind: str, depth: int = 0) -> Told:
        if kind not in self._known:
            self._known[kind] = Ownership.SHARED, ""  # a cycle ends here
            self._known[kind] = self._of(kind, depth)
        return self._known[kind]

    def root(self, kind: str) -> str:
        """The kind whose own field names the owner: the order of an order's items."""
        self.of(kind)
        seen = 0
        while self._above.get(kind) and seen < 5:
            kind, seen = self._above[kind], seen + 1
        return self._tables.get(kind[6:], kind) if kind.startswith("table:") else kind

    def settled(self, kind: str, kept: set[str]) -> Told:
        """Whom data belongs to, given the kinds that the application finds or makes by who calls.

        A field `owner` or `company` may describe anything. It tells an owner where it refers to a
        user, or where some route finds or makes such objects by who calls.
        """
        told, field = self.of(kind)
        if told is not Ownership.OWNED or _USER.search(field) or self.root(kind) in kept:
            return told, field
        return Ownership.UNCLEAR, field

    def _of(self, kind: str, depth: int) -> Told:
        if not kind:
            return Ownership.UNCLEAR, ""
        if kind.startswith("collection:"):
            return self._by_names(kind, self.documents(), depth)
        if kind.startswith("table:"):
            found = self._tables.get(kind[6:])
            if found is not None:
                return self.of(found, depth)
            return self._by_names(kind, self.columns(), depth)
        definition = self.code.definition(kind)
        if definition is None or not isinstance(definition.node, t.Class):
            return Ownership.UNCLEAR, ""
        return self._of_class(definition, depth)

    # --- classes

    def _of_class(self, found: Located, depth: int) -> Told:
        assert isinstance(found.node, t.Class)
        if self._is_account(found):
            return Ownership.ACCOUNT, ""
        fields = self._fields(found)
        for field, (value, owner) in fields.items():
            if _OWNER.match(field) and (
                field[-2:] == "id" or _USER.search(field) or self._refers(value)
            ):
                target = self._target(field, value, owner)
                if target is None or self._can_own(target, depth):
                    return Ownership.OWNED, field
        author = next(
            (f for f, (v, _) in fields.items() if _AUTHOR.match(f) and self._refers(v)), ""
        )
        if author:
            return Ownership.AUTHORED, author
        if depth < _MAX_DEPTH:
            for field, (value, owner) in fields.items():
                target = self._target(field, value, owner)
                if target is None or target.node is found.node:
                    continue
                told, through = self.of(self.code.own_name(target), depth + 1)
                if re.search(r"_by(?:_id)?$", field):
                    continue  # who edited, approved or signed it last
                if told is Ownership.ACCOUNT and self._keyed(value):
                    return (Ownership.AUTHORED if _AUTHOR.search(field) else Ownership.OWNED), field
                if told is Ownership.OWNED and field != through:
                    self._above[self.code.own_name(found)] = self.code.own_name(target)
                    return Ownership.OWNED, f"{field}.{through}"
        return Ownership.SHARED, ""

    def _can_own(self, target: Located, depth: int) -> bool:
        """Whether what an `owner` refers to is an account or a tenant, and not a service or team page."""
        name: str = target.node.name  # type: ignore[attr-defined]
        if depth >= _MAX_DEPTH or (_OWNER.match(name) and not self._is_record(name)):
            return True
        told, _ = self.of(self.code.own_name(target), depth + 1)
        return told in (Ownership.ACCOUNT, Ownership.OWNED) or target.node in self._of_accounts

    def _is_record(self, name: str) -> bool:
        """Whether a class is called after people or accounts of which books are kept.

        Where the accounts that sign in are another class: the accounts of a ledger, the customers of a
        trader own nothing unless they are tied to those.
        """
        return bool(self._accounts) and _RECORD.match(name) is not None

    def _is_account(self, found: Located) -> bool:
        """Whether who signs in is kept in a class: by its name, a password, or its base class."""
        fields = self._fields(found)
        return _is_account(found.node.name, fields) or any(  # type: ignore[attr-defined]
            x.rpartition(".")[2] in _BASES_OF_ACCOUNTS for x in self.code.ancestry(found)
        )

    @functools.cached_property
    def _accounts(self) -> list[Located]:
        kinds = dict.fromkeys(self._tables.values())
        found = (self.code.definition(kind) for kind in kinds)
        return [each for each in found if each is not None and self._is_account(each)]

    @functools.cached_property
    def _of_accounts(self) -> set[t.Node]:
        """The classes that accounts refer to: `User.customer_id`."""
        return {
            target.node
            for account in self._accounts
            for field, (value, owner) in self._fields(account).items()
            if (target := self._target(field, value, owner)) is not None
        }

    def _fields(self, found: Located) -> dict[str, tuple[t.Expr | None, Located]]:
        fields: dict[str, tuple[t.Expr | None, Located]] = {}
        for ancestor in reversed(self.code.ancestry(found)):
            owner = self.code.definition(ancestor)
            if owner is None or not isinstance(owner.node, t.Class):
                continue
            for stmt in owner.node.body:
                match stmt:
                    case t.Assign(targets=[t.Name(id=name)], value=value, annotation=annotation):
                        if value is not None and self._many(value):
                            continue
                        if not name.startswith("__") and (
                            isinstance(value, t.Call) or annotation is not None
                        ):
                            fields[name] = (value if value is not None else annotation, owner)
        return fields

    @staticmethod
    def _many(value: t.Expr) -> bool:
        """A relation whose column stands in the other table."""
        return isinstance(value, t.Call) and t.dotted(value.func).rpartition(".")[2] in {
            x.rpartition(".")[2] for x in _RELATION
        }

    @staticmethod
    def _refers(value: t.Expr | None) -> bool:
        """Whether a field can hold a reference: `owner = Column(String)` is a description."""
        if value is None:
            return False
        return not any(
            isinstance(n, t.Name | t.Attr) and t.dotted(n).rpartition(".")[2] in _TEXTS
            for n in t.walk_own(value)
        )

    @staticmethod
    def _keyed(value: t.Expr | None) -> bool:
        return value is not None and any(
            (isinstance(n, t.Call) and t.dotted(n.func).rpartition(".")[2] in _FOREIGN)
            or (isinstance(n, t.Item) and t.dotted(n.value).rpartition(".")[2] == "Link")
            or (isinstance(n, t.Call) and any(k.name == "foreign_key" for k in n.keywords))
            for n in t.walk_own(value)
        )

    def _target(self, field: str, value: t.Expr | None, owner: Located) -> Located | None:
        """The class that a field refers to."""
        if value is None:
            return None
        inner = self.code.inside(owner)
        for node in t.walk_own(value):
            match node:
                case t.Call(func=func, args=args, keywords=keywords):
                    if t.dotted(func).rpartition(".")[2] in _FOREIGN:
                        told = [
                            *args[:1],
                            *(k.value for k in keywords if k.name in ("to", "model")),
                        ]
                        for target in told:
                            if found := self._named(target, inner):
                                return found
                    for keyword in keywords:
                        if keyword.name == "foreign_key":
                            if found := self._named(keyword.value, inner):
                                return found
                case t.Item(value=base, index=index) if t.dotted(base).rpartition(".")[2] == "Link":
                    if found := self._named(index, inner):
                        return found
        return None

    def _named(self, target: t.Expr, scope: object) -> Located | None:
        match target:
            case t.Const(value=str(text)):
                for word in (
                    text,
                    text.rpartition(".")[2],
                    text.split(".")[-2] if "." in text else text,
                ):
                    kind = self._tables.get(word.lower())
                    if kind is not None:
                        return self.code.definition(kind)
                return None
            case t.Name() | t.Attr():
                found = self.code.defined(target, scope)  # type: ignore[arg-type]
                if found is None and isinstance(
                    target, t.Attr
                ):  # User.id, settings.AUTH_USER_MODEL
                    found = self.code.defined(target.value, scope)  # type: ignore[arg-type]
                    if target.name == "AUTH_USER_MODEL":
                        kind = self._tables.get("user")
                        return self.code.definition(kind) if kind else None
                if found is not None and isinstance(found.node, t.Class):
                    return found
        return None

    def _by_table(self) -> dict[str, str]:
        """Table and class names, in small letters -> the stored class."""
        tables: dict[str, str] = {}
        for found in self.code.classes():
            if not self.selections.stored(found):
                continue
            name = self.code.own_name(found)
            node = found.node
            assert isinstance(node, t.Class)
            tables.setdefault(node.name.lower(), name)
            for stmt in node.body:
                match stmt:
                    case t.Assign(
                        targets=[t.Name(id="__tablename__")], value=t.Const(value=str(text))
                    ):
                        tables[text.lower()] = name
        return tables

    # --- documents and tables, by the names that the tree uses with them

    def _by_names(self, kind: str, known: dict[str, set[str]], depth: int) -> Told:
        store, _, name = kind.partition(":")
        names = known.get(name, set())
        if not name:
            return Ownership.UNCLEAR, ""
        if _ACCOUNT.match(name) or any(_CREDENTIAL.match(field) for field in names):
            return Ownership.ACCOUNT, ""
        for pattern, told in ((_OWNER, Ownership.OWNED), (_AUTHOR, Ownership.AUTHORED)):
            owner = next((field for field in sorted(names) if pattern.match(field)), "")
            if owner:
                return told, owner
        for field in sorted(names) if depth < _MAX_DEPTH else ():
            if field.endswith("_id"):
                for other in _plurals(field[:-3]):
                    for target in known:
                        if target != name and (target == other or target.endswith(f"_{other}")):
                            told, through = self.of(f"{store}:{target}", depth + 1)
                            if told is Ownership.OWNED:
                                self._above[kind] = f"{store}:{target}"
                                return told, f"{field}.{through}"
        return (Ownership.SHARED if names else Ownership.UNCLEAR), ""

    def documents(self) -> dict[str, set[str]]:
        """Collection -> the keys of its documents, as far as displays and filters name them."""
        if self._documents is None:
            found: dict[str, set[str]] = defaultdict(set)
            mongo = self.selections.mongo
            for site in self.code.method_calls(*_DOCUMENT_CALLS):
                if not isinstance(site.node.func, t.Attr):
                    continue
                told = mongo.of(site.node.func.value, site.scope)
                if told is None or not told[0]:
                    continue
                for arg in site.node.args[:2]:
                    for source in [Located(arg, site.scope), *self.values.sources(arg, site.scope)]:
                        found[told[0]] |= self._keys(source)
            self._documents = found
        return self._documents

    def _keys(self, source: Located) -> set[str]:
        keys: set[str] = set()
        match source.node:
            case t.Map(keys=names, values=values):
                for key, value in zip(names, values, strict=True):
                    if isinstance(key, t.Const) and isinstance(key.value, str):
                        keys.add(key.value.partition(".")[0])
                        if key.value.startswith("$"):
                            keys |= self._keys(Located(value, source.scope))
            case t.Call(func=t.Attr(name="dict" | "model_dump" | "to_dict"), args=[]) | t.Call():
                func = source.node.func
                built = func.value if isinstance(func, t.Attr) else func
                name = self.code.name(built, source.scope).removesuffix("()")
                model = self.code.definition(name)
                if model is not None and isinstance(model.node, t.Class):
                    keys |= set(self._fields(model))
        return keys

    def columns(self) -> dict[str, set[str]]:
        """Table -> the columns that SQL text of the tree names with it."""
        if self._columns is None:
            found: dict[str, set[str]] = defaultdict(set)
            for node, _ in self.code.of_kind(t.Const):
                if isinstance(node.value, str) and len(node.value) > 15:
                    for match in _DEFINITION.finditer(node.value):
                        body = node.value[match.end() :]
                        found[match[1].lower()] |= set(
                            _WORD.findall(body.partition(";")[0].lower())
                        )
                    for match in _INSERTION.finditer(node.value):
                        found[match[1].lower()] |= set(_WORD.findall(match[2].lower()))
            self._columns = found
        return self._columns


_DOCUMENT_CALLS = (
    "insert_one", "insert_many", "find_one", "find", "update_one", "replace_one", "delete_one", "update_many",
    "count_documents", "find_one_and_update",
)  # fmt: skip
_DEFINITION = re.compile(r"create\s+table\s+(?:if\s+not\s+exists\s+)?[\"`]?(\w+)", re.I)
_INSERTION = re.compile(r"insert\s+into\s+[\"`]?(\w+)[\"`]?\s*\(([^)]*)\)", re.I)
_WORD = re.compile(r"[a-z_]{3,40}")


def _is_account(name: str, fields: dict[str, tuple[t.Expr | None, Located]]) -> bool:
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return bool(_ACCOUNT.match(snake)) or any(_CREDENTIAL.match(field) for field in fields)


def _plurals(word: str) -> tuple[str, ...]:
    return (word, f"{word}s", f"{word[:-1]}ies" if word.endswith("y") else f"{word}es")
