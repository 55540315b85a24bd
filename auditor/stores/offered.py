"""The values that a field is ever given, as far as the code tells: `role` is "admin" or "member".

Told by the field's name over the whole tree: what schemas, forms and constraints allow, and where none
does, what the code itself writes and compares, if it writes nothing else. A name that is used for several
things has the values of all of them, and is then no flag.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import re2

from auditor.discover.walk import read
from auditor.extract.python import tree as t
from auditor.link.application import Application
from auditor.link.scopes import Located, Scope
from auditor.model.values import Known, OneOf, Plain, Value
from auditor.stores.flags import chosen
from auditor.stores.sql.entities import snake
from auditor.stores.sql.statements.files import sql_files


@dataclass
class _Told:
    """`allowed` by each schema, form or constraint; `listed` under its name, how many; `spelt` in the code, and whether new records are `given`
    such a value, or get it as their `default` and have it `changed`; `open` where something else is
    written, `free` where the caller may send anything."""

    allowed: list[frozenset[Plain]] = field(default_factory=list)
    listed: int = 0
    spelt: set[Plain] = field(default_factory=set)
    given: bool = False
    default: bool = False
    changed: bool = False
    open: bool = False
    free: bool = False
    truth: bool = False
    """Whether something gives it, asks it for or declares it as a truth value."""

    @property
    def two(self) -> bool:
        values = {str(x) for x in (*self.spelt, *frozenset().union(*self.allowed)) if x is not None}
        if self.allowed and not self.free:
            return 0 < len(values) <= 2
        told = self.given or (self.default and self.changed)
        return told and not (self.open or self.free) and len(values) == 2


_SHOWS = re.compile(r"(?:Response|Out|Read|Public|View|Info|InDB|Detail|Details|Result|Dto|DTO)$")
"""What an application answers with is no input."""
_GIVEN = re.compile(
    r"(?i)request|form|data|payload|body|json|args|params|input|kwargs|\bdto\b|create|update"
)
_SCHEMAS = {"BaseModel", "Schema", "Serializer", "ModelSerializer", "Form", "FlaskForm"}
_ASKS = re.compile(r"^(?:filter|filter_by|exclude|get|get_or_404|get_or_none|get_object_or_404|get_list_or_404|Q|When|first|exists|count|find\w*|count_documents|delete_\w+|update_one|update_many|where)$")  # fmt: skip
_ASKING = re.compile(r"(?i)quer|filter|criteria|where|cond|^q$|^match(?:_stage)?$")
_LISTED = r"""(?i)\b%s["'`\]]?(?:::\w+)?(?:\s+in\s*|\s*=\s*any\s*\(\s*array\s*|\s+enum\s*)[\(\[]\s*((?:N?'[^']*'|\d+)(?:::[\w ]+)?(?:\s*,\s*(?:N?'[^']*'|\d+)(?:::[\w ]+)?)*)\s*[\)\]]"""
_QUOTED = re2.compile(r"'([^']*)'|(\d+)")
_CONSTRAINS = re.compile(r"(?i)\bcheck\b|\benum\s*\(")
_WORDS = re2.compile(
    r"""^\W*?["'`]?([\w-]+)["'`]?\s*(?:/|\||,|\bor\b|\bou\b)\s*["'`]?([\w-]+)["'`]?\W*$"""
)
_SAYS_ELSE = {"optional", "nullable", "null", "none", "etc", "required", "unique", "primary", "key", "todo"}  # fmt: skip
_TELLING = {t.Map, t.Call, t.Compare, t.Assign, t.Function}


class Offered:
    """Tells which of some fields take one of two values; the tree is looked through once."""

    def __init__(self, application: Application, names: set[str]) -> None:
        self.application, self.values, self.names = application, application.values, names
        self.code = application.code
        self._told: dict[str, _Told] = defaultdict(_Told)
        self._own: set[tuple[str, str]] = set()
        self._filters: set[int] = set()
        self._spread: set[str] = set()
        """What is made of dictionaries that may hold anything: `User(**data)`."""
        self._loose = False
        """Whether documents are stored whose fields nothing tells."""
        self._changes: set[int] = set()
        for module in self.code.modules.values() if names else ():
            for node, scope in self.code.nodes(module):
                if type(node) in _TELLING:
                    self._look(node, scope)
        for text in self._constraints() if names else ():
            self._constrained(text)

    def two(self, name: str, owner: str = "") -> bool:
        """Whether a field takes one of two values; `owner` is the class that declares it."""
        told = self._told.get(name)
        if (owner, name) in self._own or told is None or not told.two:
            return (owner, name) in self._own
        return bool(told.allowed) or not (owner in self._spread if owner else self._loose)

    def how_many(self, name: str) -> int:
        """How many values a field may have by what schemas allow or a constant lists under its name; 0 where none tells."""
        told = self._told.get(name)
        if told is None:
            return 0
        values = frozenset().union(*told.allowed) if not told.free else frozenset[Plain]()
        return max(told.listed, len(values - {None}))

    def is_truth(self, name: str) -> bool:
        """Whether a field is true or false, as far as anything says what it is."""
        told = self._told.get(name)
        return told is not None and told.truth and told.spelt <= {None}

    def _look(self, node: t.Node, scope: Scope) -> None:
        match node:
            case t.Map(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if not isinstance(key, t.Const):
                        continue
                    if key.value == "$set":
                        self._changes.add(id(value))
                    if key.value in self.names:
                        written, changes = id(node) not in self._filters, id(node) in self._changes
                        self._given(str(key.value), value, scope, written, changes)
            case t.Call(args=args, keywords=keywords):
                word = t.last_word(node.func)
                self._stored(node, word, scope)
                if word == "add_argument" and args and isinstance(args[0], t.Const):
                    if args[0].value in self.names:
                        kinds = (k.value for k in keywords if k.name == "type")
                        named = any(t.last_word(kind) in ("bool", "boolean") for kind in kinds)
                        self._told[str(args[0].value)].truth |= named
                if args and isinstance(args[0], t.Map) and _ASKS.search(word):
                    self._filters.add(id(args[0]))
                for keyword in keywords:
                    if keyword.name in self.names and not _SHOWS.search(word):
                        self._given(keyword.name, keyword.value, scope, not _ASKS.search(word))
            case t.Compare(left=left, rights=rights):
                for name in {n for each in (left, *rights) if (n := self._named(each)) in self.names}:  # fmt: skip
                    for each in (left, *rights):
                        self._told[name].spelt |= set(self._constants(each, scope))
            case t.Assign(targets=targets):
                self._assigned(node, targets, scope)
            case t.Function(params=params):
                inner = self.code.inside(Located(node, scope))
                for param in params:
                    if param.name in self.names:
                        self._declared(param.name, param.annotation, param.default, inner)

    def _stored(self, call: t.Call, word: str, scope: Scope) -> None:
        """What is stored of which the fields are not spelt out."""
        if any(keyword.name is None for keyword in call.keywords):
            self._spread.add(word)
        if word in ("insert_one", "insert_many", "replace_one") and call.args:
            given = call.args[1 if word == "replace_one" else 0 :][:1]
            sources = [s.node for arg in given for s in self.values.sources(arg, scope)]
            self._loose |= not all(map(_is_spelt, sources))

    def _assigned(self, node: t.Assign, targets: list[t.Expr], scope: Scope) -> None:
        for target in targets:
            if isinstance(target, t.Name):
                if target.id in self.names and isinstance(scope.owner, t.Class):
                    self._field(target.id, node, scope, scope.owner)
                elif target.id.isupper() and (name := _lists(target.id)) in self._spelt_so:
                    told = self._told[self._spelt_so[name]]
                    told.listed = max(told.listed, _length(node.value))
                elif isinstance(node.value, t.Map) and _ASKING.search(target.id):
                    self._filters.add(id(node.value))
            elif (name := self._named(target)) in self.names and node.value is not None:
                asking = isinstance(target, t.Item) and bool(_ASKING.search(t.dotted(target.value)))
                self._given(name, node.value, scope, not asking, True)

    def _field(self, name: str, node: t.Assign, scope: Scope, owner: t.Class) -> None:
        if _SHOWS.search(owner.name):
            return
        if self._declared(name, node.annotation, node.value, scope):
            return
        if self._commented(name, node, scope):
            self._own.add((owner.name, name))
            return
        if scope.parent is not None and self._takes(Located(owner, scope.parent)):
            self._told[name].free = True

    def _takes(self, owner: Located) -> bool:
        """Whether a class is a schema or form of what callers send: many trees call their tables' base so too."""
        names = (n for n in self.code.ancestry(owner) if self.code.definition(n) is None)
        return any(name.rpartition(".")[2] in _SCHEMAS for name in names)

    def _declared(
        self, name: str, annotation: t.Expr | None, value: t.Expr | None, scope: Scope
    ) -> bool:
        """What a field's declaration allows."""
        words = t.walk_own(annotation) if annotation is not None else ()
        if any(isinstance(n, t.Name) and n.id == "bool" for n in words):
            self._told[name].truth = True
        allowed = chosen(self.values, annotation, value, scope)
        if allowed is not None:
            self._told[name].allowed.append(frozenset(allowed))
        defaults = [k.value for k in value.keywords if k.name in ("default", "server_default")] if isinstance(value, t.Call) else [value]  # fmt: skip
        for default in defaults:
            if isinstance(default, t.Const | t.Attr):
                spelt = set(self._constants(default, scope)) - {None}
                self._told[name].spelt |= spelt
                self._told[name].default |= bool(spelt)
        return allowed is not None

    def _given(
        self, name: str, value: t.Expr, scope: Scope, written: bool, changes: bool = False
    ) -> None:
        """What a field is given, or asked for."""
        told = self._told[name]
        told.truth |= _is_truth(value)
        if not written:
            told.spelt |= set(self._constants(value, scope))
            return
        if isinstance(value, t.Map):  # {"$in": [...]}, {"$ne": "x"}
            for each in value.values:
                told.spelt |= set(self._constants(each, scope))
            return
        if self._named(value) == name:  # the same field of another record
            told.open = told.open or bool(_GIVEN.search(_spelling(value)))
            return
        found = self.values.value(value, scope)
        plain = list(_plain(found))
        told.spelt |= {x for x in plain if not isinstance(x, bool)}
        if changes:
            told.changed |= bool(plain)
        else:
            told.given |= bool(plain)
        told.open = told.open or not plain

    def _constants(self, expr: t.Expr, scope: Scope) -> Iterator[Plain]:
        if isinstance(expr, t.Seq):
            for item in expr.items:
                yield from self._constants(item, scope)
        elif isinstance(expr, t.Const) and not isinstance(expr.value, bool):
            yield expr.value
        elif isinstance(expr, t.Attr):
            found = self.values.value(expr, scope)
            yield from (x for x in _plain(found) if not isinstance(x, bool))

    @functools.cached_property
    def _spelt_so(self) -> dict[str, str]:
        """The fields by how constants that list their values are called: `TAX_TYPE` of VALID_TAX_TYPES."""
        return {_lists(snake(name).upper()): name for name in self.names}

    @staticmethod
    def _named(expr: t.Expr) -> str:
        """The field that an expression reads: `x.role`, `x["role"]`, `x.get("role")`."""
        match expr:
            case t.Attr(name="value" | "data", value=t.Attr(name=name)):
                return name  # an enumeration's member, a form's field
            case t.Attr(name=name):
                return name
            case t.Item(index=t.Const(value=str(name))):
                return name
            case t.Call(func=t.Attr(name="get" | "pop"), args=[t.Const(value=str(name)), *_]):
                return name
        return ""

    # --- texts

    def _constraints(self) -> Iterator[str]:
        for node, _ in self.code.of_kind(t.Const):
            if (
                isinstance(node.value, str)
                and len(node.value) > 8
                and _CONSTRAINS.search(node.value)
            ):
                yield node.value
        for site in self.code.method_calls("CheckConstraint"):
            given = site.arg(0, "sqltext")
            if text := self.values.text(given, site.scope):
                yield text
        yield from sql_files(self.application)

    def _constrained(self, text: str) -> None:
        for name, pattern in self._patterns.items():
            for found in pattern.finditer(text) if name in text else ():
                values = [a or b for a, b in _QUOTED.findall(found[1])]
                self._told[name].allowed.append(frozenset(values))

    @functools.cached_property
    def _patterns(self) -> dict[str, re2._Regexp]:
        return {name: re2.compile(_LISTED % re2.escape(name)) for name in self.names}

    def _commented(self, name: str, node: t.Assign, scope: Scope) -> bool:
        """`kind = Column(String)  # in or out`."""
        lines = self._lines(scope.module.path)
        line = lines[node.end_line - 1] if 0 < node.end_line <= len(lines) else ""
        _, mark, comment = line.partition("#")
        found = _WORDS.search(comment[:80]) if mark else None
        if found is None or {found[1].lower(), found[2].lower()} & _SAYS_ELSE:
            return False
        self._told[name].allowed.append(frozenset((found[1], found[2])))
        return True

    @functools.cache  # noqa: B019 - lives as long as the audit of one tree
    def _lines(self, path: str) -> list[str]:
        tree = self.application.tree
        file = next((f for f in tree.files if f.path == path), None)
        return read(tree, file).decode("utf-8", "replace").splitlines() if file else []


_LISTS = re.compile(
    r"^_*(?:(?:VALID|ALLOWED|SUPPORTED|KNOWN|POSSIBLE|ACCEPTED)_)?(\w+?)(?:_(?:CHOICES|OPTIONS|VALUES|NAMES))?$"
)


def _lists(constant: str) -> str:
    """The field whose values a constant lists, in capitals and singular: VALID_TAX_TYPES, ROLE_CHOICES, ROLES."""
    found = _LISTS.match(constant)
    return re.sub(r"(?<=[SXZH])ES$|(?<!S)S$", "", found[1]) if found is not None else ""


def _length(value: t.Expr | None) -> int:
    """How many texts a sequence or set of texts holds; of a pair, the text is the first."""
    match value:
        case t.Call(func=t.Name(id="set" | "frozenset" | "tuple" | "list"), args=[inner]):
            return _length(inner)
        case t.Seq(items=items) if items:
            firsts = [x.items[0] if isinstance(x, t.Seq) and x.items else x for x in items]
            told = all(isinstance(x, t.Const) and isinstance(x.value, str) for x in firsts)
            return len(items) if told else 0
    return 0


def _plain(value: Value) -> Iterator[Plain]:
    """The values that something may have, none where it may have others."""
    match value:
        case Known(value=str() | int() | float() | None as plain):
            yield plain
        case OneOf(values=values):
            told = [list(_plain(each)) for each in values]
            if all(told):
                yield from (plain for each in told for plain in each)


def _is_truth(expr: t.Expr) -> bool:
    match expr:
        case t.Const(value=bool()) | t.Compare() | t.Unary(op="not"):
            return True
        case t.Call(func=t.Name(id="bool")):
            return True
    return False


def _is_spelt(node: t.Node) -> bool:
    """Whether the fields of what is stored are written out, or those of a class of the tree."""
    match node:
        case t.Map(keys=keys):
            return None not in keys
        case t.Seq(items=items):
            return all(map(_is_spelt, items))
        case t.Call(func=t.Attr(name=name)):
            return name in ("dict", "model_dump", "to_dict", "to_mongo", "asdict")
    return False


def _spelling(expr: t.Expr) -> str:
    """How what a field is read from is called."""
    match expr:
        case t.Attr(value=value) | t.Item(value=value) | t.Call(func=t.Attr(value=value)):
            return t.dotted(value) or _spelling(value)
    return ""
