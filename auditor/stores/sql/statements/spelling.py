"""SQL that the code spells: the texts that a literal, an f-string or a sum of them may come to.

What is only known at run time is a mark in the text. A text that depends on the class, `FROM {self.table}`,
is one text for each class that says what its table is called.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from auditor.extract.python import tree as t
from auditor.link.assembly import Branches, Piece, Whole, assembled
from auditor.link.decisions import passed_by
from auditor.link.scopes import Located, Scope, argument
from auditor.model.values import Known, OneOf
from auditor.stores.sql.reading.frames import Frame, Reading
from auditor.stores.sql.reading.things import Statement, Thing, each, either
from auditor.stores.sql.statements.files import read_files

_DECLARING = r"(?:declare\s+@[^;\n]{0,500}|set\s+nocount\s+on)[ \t]*[;\n]"
DECLARES = re.compile(rf"(?im)^[ \t]*{_DECLARING}")
_COMMENTS = r"\s*(?:--[^\n]*\n\s*)*"
AHEAD = (
    rf"(?:{_COMMENTS}(?:(?:set|reset|pragma|use|start\s+transaction|savepoint|lock\s+tables?|truncate|drop|refresh|analy[sz]e)\b[^;]{{0,500}};"
    r"|begin(?:\s+(?:work|tran(?:saction)?|immediate|exclusive|deferred))?[ \t]*[;\n]))"
)
"""A statement that searches nothing, and stands in one text with those that follow: `SET TIME ZONE 'UTC'; SELECT …`."""
STARTS = re.compile(rf"{AHEAD}{{1,9}}", re.I)
BEFORE = rf"{AHEAD}{{0,9}}\s*(?:--[^\n]*\n\s*|\(\s*|{_DECLARING}\s*)*"
"""What may stand before a query: what sets up its session, comments, brackets, and what a batch of SQL Server declares."""
BEGINS = re.compile(
    BEFORE + r"(?:select|with|update|delete|insert|replace|execute|exec|call)\s",
    re.I,
)
"""What may become a query when more is added to it: `sql = "SELECT *"; sql += " FROM users"`."""
_MOST_TEXTS = 6
_LONGEST = 50_000
"""Characters of a text that is read, against texts that double."""
_MOST_CLASSES = 40
_NAME = re.compile(r"[\w.\"`]{1,80}")
_FRAGMENT = re.compile(r"[\w.,\s*()=<>?%$:\"'-]{0,300}")
MARK = "__given__"
_OPEN = re.compile(r"(?:^|\s)(?:where|and|or|having)\s*$", re.I)


def texts_of(reading: Reading, expr: t.Expr, frame: Frame, depth: int = 0) -> list[str]:
    """The texts that a literal may come to, what is only known at run time being a mark."""
    if depth > 20:
        return []
    match expr:
        case t.Const(value=str(text)):
            return [text]
        case t.Text(parts=parts):
            pieces = [
                [str(p.value)] if isinstance(p, t.Const) else _pieces(reading, p, frame)
                for p in parts
            ]
            return _joined(pieces)
        case t.BinOp(op="+", left=left, right=right):
            start = texts_of(reading, left, frame, depth + 1) or _held(reading, left, frame)
            spelt = texts_of(reading, right, frame, depth + 1)
            if spelt and not start:  # `", ".join(changes) + " WHERE id = ?"`
                start = _pieces(reading, left, frame)
            more = spelt or _pieces(reading, right, frame)
            return _joined([start, [f" {x} " if x == MARK else x for x in more]]) if start else []
        case t.BinOp(op="%", left=left, right=right):
            inner = texts_of(reading, left, frame, depth + 1)
            return _some([x for text in inner for x in _filled(reading, text, right, frame)])
        case t.Choice(then=then, other=other):
            ways = [(x, texts_of(reading, x, frame, depth + 1)) for x in (then, other)]
            if any(told for _, told in ways):
                return _least_first(
                    x for way, told in ways for x in told or _pieces(reading, way, frame)
                )
        case t.Call(args=[part]) if kind := composes(reading, expr, frame):
            items = part.items if isinstance(part, t.Seq) else None
            if kind == "SQL":
                return texts_of(reading, part, frame, depth + 1)
            if kind == "Composed" and items is not None:
                return _joined([_spelt(reading, x, frame, depth + 1) for x in items])
            return _pieces(reading, part, frame) if kind == "Identifier" else []
        case t.Call(func=t.Attr(value=value, name="format")):
            inner = texts_of(reading, value, frame, depth + 1) or _held(reading, value, frame)
            return _some([x for text in inner for x in _formatted(reading, text, expr, frame)])
    return []


_COMPOSES = {
    f"psycopg{x}.sql.{kind}": kind for x in ("", "2") for kind in ("SQL", "Identifier", "Composed")
}


def composes(reading: Reading, expr: t.Node, frame: Frame) -> str:
    """Which of the parts of a statement a call makes: `sql.SQL("…")`, `sql.Composed([…])`.

    Source: https://www.psycopg.org/psycopg3/docs/api/sql.html.
    """
    if not isinstance(expr, t.Call) or t.last_word(expr.func) not in _COMPOSES.values():
        return ""
    return _COMPOSES.get(reading.code.name(expr.func, frame.scope), "")


def _formatted(reading: Reading, text: str, call: t.Call, frame: Frame) -> list[str]:
    """`"SELECT … FROM {}".format(self.table)`."""
    plain, named = iter(call.args), {k.name: k.value for k in call.keywords}
    between, *rest = re.split(r"\{([^{}]*)\}", text)
    pieces = [[between]]
    for name, after in zip(rest[::2], rest[1::2], strict=True):
        at = int(name) if name.isdigit() else len(call.args)
        numbered = call.args[at] if at < len(call.args) else None
        given = (numbered or named.get(name)) if name else next(plain, None)
        pieces += [[MARK] if given is None else _pieces(reading, given, frame), [after]]
    return _joined(pieces)


_HOLE = re.compile(r"%(?:\((\w+)\))?[sd]|%%")


def _filled(reading: Reading, text: str, given: t.Expr, frame: Frame) -> list[str]:
    """`"SELECT … FROM %s WHERE id = %d" % (table, id)`."""
    plain = iter(given.items if isinstance(given, t.Seq) else [given])
    pairs = zip(given.keys, given.values, strict=True) if isinstance(given, t.Map) else ()
    named = {key.value: value for key, value in pairs if isinstance(key, t.Const)}
    pieces, at = list[list[str]](), 0
    for hole in _HOLE.finditer(text):
        pieces.append([text[at : hole.start()]])
        at = hole.end()
        if hole[0] == "%%":
            pieces.append(["%"])
            continue
        part = named.get(hole[1]) if hole[1] else next(plain, None)
        pieces.append([MARK] if part is None else _pieces(reading, part, frame))
    return _joined([*pieces, [text[at:]]])


def _joined(pieces: list[list[str]]) -> list[str]:
    ways = list(itertools.islice(itertools.product(*pieces), _MOST_TEXTS + 1))
    if len(ways) > _MOST_TEXTS:
        ways[-1] = tuple(_common(options) for options in pieces)
    return ["".join(way) for way in ways if sum(map(len, way)) <= _LONGEST]


def _least_first(texts: Iterable[str]) -> list[str]:
    """Texts without what is there twice, that of the run that adds nothing before all: of many the last are left out."""
    return sorted(dict.fromkeys(texts), key=bool)


def _common(texts: list[str]) -> str:
    """What several texts begin with, and a mark for what they differ in: stands for those that are not read."""
    if len(texts) < 2:
        return "".join(texts)
    first, last = min(texts), max(texts)  # what both begin with, all between them do
    differ = (at for at, (x, y) in enumerate(zip(first, last, strict=False)) if x != y)
    begins = first[: next(differ, len(first))].rpartition(" ")[0]
    return f"{begins} {MARK} " if begins else MARK


def _some(texts: list[str]) -> list[str]:
    """Of many texts the first, and one for the others."""
    return texts if len(texts) <= _MOST_TEXTS else [*texts[:_MOST_TEXTS], _common(texts)]


def _pieces(reading: Reading, expr: t.Expr, frame: Frame) -> list[str]:
    """What an f-string embeds: a constant's text, a statement that was begun, else a mark."""
    if (text := frame.texts.get(t.dotted(expr))) is not None:
        return [text]
    if held := _held(reading, expr, frame):
        return held
    key = id(expr), *sorted(frame.texts.items())
    if key not in frame.put_together:
        frame.put_together[key] = []  # what grows by itself ends here
        told = _growing(reading, expr, frame) or _some(_grown(reading, expr, frame))
        frame.put_together[key] = told
        if not told:
            inner = isinstance(expr, t.Choice | t.BinOp | t.Text) or composes(reading, expr, frame)
            made = texts_of(reading, expr, frame) if inner else _given_back(reading, expr, frame)
            frame.put_together[key] = _some(made)
    if told := frame.put_together[key]:
        return told
    texts, all_told = _told(reading, expr, frame)
    written = [x.node for x in reading.values.sources(expr, frame.scope)]
    plain = all_told and len(written) == len(texts) and all(isinstance(x, t.Const) for x in written)
    allowed = _allowed(reading, expr, frame)
    other = [MARK] if not allowed and _is_handed(expr, frame, len(written)) else []
    texts = list(dict.fromkeys([*texts, *allowed]))
    if (plain or allowed) and any(texts) and all(map(_FRAGMENT.fullmatch, texts)):
        return [*_some(texts), *other]  # what is joined of a list may have more in it
    text = next(iter(texts), "")
    if not text or not _FRAGMENT.fullmatch(text):
        return [MARK]
    return [text, *other]


def _given_back(reading: Reading, expr: t.Expr, frame: Frame) -> list[str]:
    """What a function of the tree puts together for a statement of its caller, as this call has it: `where, values = narrowed(form)`."""
    call, place = _bound_to(expr, frame.scope) if isinstance(expr, t.Name) else (expr, None)
    if not isinstance(call, t.Call) or frame.depth >= _MOST_HANDED_ON:
        return []
    function = reading.code.defined(call.func, frame.scope)
    if function is None or not isinstance(function.node, t.Function):
        return []
    passed = passed_by(function.node, call)
    texts: dict[str, str] = {}
    for param in function.node.params:
        arg = passed.get(param.name) or param.default
        if arg is not None and (text := _alone(reading, arg, frame)) is not None:
            texts[param.name] = text
    scope = reading.code.inside(function)
    inside = Frame(scope, depth=frame.depth + 1, texts=texts, owner=frame.owner)
    found: dict[str, None] = {}
    for node in t.walk_own(*function.node.body):
        if isinstance(node, t.Return):
            value = node.value
            if place is not None:
                items = value.items if isinstance(value, t.Seq) else []
                value = items[place] if place < len(items) else None
            ways = _spelt(reading, value, inside) if value is not None else []
            found |= dict.fromkeys(ways or [MARK])
    texts_ = [x for x in found if x.strip()]
    alone = all(map(_GOES_ON.match, texts_))  # else the caller looks whether there is any
    return list(found) if alone or not texts_ else texts_


def _spelt(reading: Reading, expr: t.Expr, frame: Frame, depth: int = 0) -> list[str]:
    """The texts that a part of a statement comes to, a mark where it is none."""
    return texts_of(reading, expr, frame, depth) or _pieces(reading, expr, frame)


def _alone(reading: Reading, expr: t.Expr, frame: Frame) -> str | None:
    """The one text that is handed to a function, if it is told."""
    if (text := reading.text(expr, frame)) is not None:
        return text
    texts = texts_of(reading, expr, frame)
    return texts[0] if len(texts) == 1 else None


_GOES_ON = re.compile(r"\s*(?:where|and|or|order|limit|group|having|join|left|inner)\b", re.I)


def _bound_to(name: t.Name, scope: Scope) -> tuple[t.Expr | None, int | None]:
    """What a variable is bound to that is bound once before it stands, and its place in it: `where, values = narrowed(form)`,
    then `where = "SELECT *" + where`."""
    bound = [b for b in scope.bindings.get(name.id, ()) if not _is_bound_by(name, b.node)]
    if scope.function is None or len(bound) != 1:
        return None, None
    node = bound[0].node
    match node if t.holds(scope.function.body, node) else None:
        case t.Assign(targets=[t.Name()], value=value, op=""):
            return value, None
        case t.Assign(targets=[t.Seq(items=names)], value=value, op=""):
            for at, each_ in enumerate(names):
                if isinstance(each_, t.Name) and each_.id == name.id:
                    return value, at
    return None, None


def _is_bound_by(name: t.Name, node: t.Node) -> bool:
    """Whether a variable is bound by the statement that a name stands in."""
    return isinstance(node, t.Assign) and not node.op and node.value is not None and t.holds([node], name)  # fmt: skip


def _is_handed(expr: t.Expr, frame: Frame, told: int) -> bool:
    """Whether a variable is a parameter, or an entry of something, that is set anew in some runs, and is not told in the others."""
    bound = frame.scope.bindings.get(expr.id, ()) if isinstance(expr, t.Name) else ()
    return told < len(bound) and any(each.kind in ("parameter", "element") for each in bound)


def _allowed(reading: Reading, expr: t.Expr, frame: Frame) -> list[str]:
    """The texts to which a test keeps a variable: `if sort not in ("nick", "tag"): sort = "nick"`, `if key in ("nick", "tag"): …`."""
    if not isinstance(expr, t.Name) or frame.scope.function is None:
        return []
    for node in t.walk_own(*frame.scope.function.body):
        match node:
            case t.If(
                test=t.Compare(left=t.Name(id=name), ops=["not in"], rights=[held]), body=body
            ):
                sets = (n for n in body if isinstance(n, t.Assign) and not n.op)
                bound = any(t.dotted(x) == name for n in sets for x in n.targets)
                if name == expr.id and (bound or t.leaves(body)):
                    return _constants(reading, held, frame)
            case t.If(test=t.Compare(left=t.Name(id=name), ops=["in"], rights=[held]), body=body):
                if name == expr.id and t.holds(body, expr):
                    return _constants(reading, held, frame)
    return []


def _constants(reading: Reading, held: t.Expr, frame: Frame) -> list[str]:
    """The texts of a list or a dict's keys, where they are all that it has."""
    sources = [source.node for source in reading.values.sources(held, frame.scope)]
    match sources:
        case [t.Seq(items=[*given]) | t.Map(keys=[*given])]:
            pass
        case _:
            return []
    texts = [x.value for x in given if isinstance(x, t.Const) and isinstance(x.value, str)]
    return texts if len(texts) == len(given) else []


def _growing(
    reading: Reading, expr: t.Expr, frame: Frame, depth: int = 0, seen: set[str] | None = None
) -> list[str]:
    """What is joined of a list to which more is added: `where = ["1 = 1"]`, as each run has it. `seen` are the variables
    that were looked at on the way: each is once."""
    seen = set() if seen is None else seen
    match expr:
        case t.Call(func=t.Attr(value=joining, name="join"), args=[t.Name() as held]):
            if (
                composes(reading, joining, frame) == "SQL"
                and isinstance(joining, t.Call)
                and joining.args
            ):
                joining = joining.args[0]
            if not isinstance(joining, t.Const) or not isinstance(between := joining.value, str):
                return []
            wholes = assembled(reading.values, held, frame.scope, frame.told)
            if not any(len(whole) > 1 for whole in wholes):
                return []
            if not any(piece.taken for whole in wholes for piece in whole):
                spelt = [[_items(reading, piece, frame) for piece in whole] for whole in wholes]
                return _some([x for x in _ways(wholes, spelt, between) if x])
            texts, _ = _told(reading, expr, frame)
            return [f"{x}{between}{MARK}" for x in texts if x]
        case t.Name(id=name) if name not in seen and depth < _MOST_HANDED_ON:
            seen.add(name)
            sources = reading.values.sources(expr, frame.scope)
            made = [x.node for x in sources if x.scope is frame.scope and isinstance(x.node, _MADE)]
            key = (*(id(source.node) for source in sources), *sorted(frame.texts.items()))
            if key in frame.plain:
                return []
            # what is joined may itself be put into another text: `found = f"FROM users {where}"`
            parts = (n for x in made for n in t.walk_own(x) if isinstance(n, t.Call | t.Name))
            if len(made) == len(sources) and any(_growing(reading, n, frame, depth + 1, seen) for n in parts):  # fmt: skip
                told = [_growing(reading, x, frame) or texts_of(reading, x, frame) for x in made]
                return _least_first(text for texts in told for text in texts or [MARK])
            if depth == 0:
                frame.plain.add(key)
    return []


_MADE = (t.Const, t.BinOp, t.Text, t.Call, t.Choice)
_MOST_HANDED_ON = 3


def _items(reading: Reading, piece: Piece, frame: Frame) -> list[list[str]]:
    """The texts that each item of a piece of a list may be."""
    if piece.scope is not frame.scope or not isinstance(piece.expr, t.Seq):
        return [[]]
    return [texts_of(reading, item, frame) for item in piece.expr.items]


def _grown(reading: Reading, expr: t.Expr, frame: Frame) -> list[str]:
    """The texts that a variable comes to which begins as one, and to which some runs add more: `where += " AND at > ?"`."""
    if not isinstance(expr, t.Name):
        return []
    wholes = assembled(reading.values, expr, frame.scope, frame.told)
    wholes = wholes if any(len(way) > 1 for way in wholes) else []
    spelt = [
        [
            [texts_of(reading, piece.expr, frame) if piece.expr is not None else []]
            for piece in whole
        ]
        for whole in wholes
    ]
    begun = all(each[0] != [[]] for each in spelt)
    taken = any(piece.taken for whole in wholes for piece in whole)
    return _ways(wholes, spelt, "") if begun and not taken else []


def _ways(wholes: list[Whole], spelt: list[list[list[list[str]]]], between: str) -> list[str]:
    """The texts of the runs that come to no optional piece, to each by itself, and to all of them."""
    found: dict[str, None] = {}
    for whole, told in zip(wholes, spelt, strict=True):
        ways = [
            (),
            *(piece.branches for piece in whole),
            *([every] if (every := _every(whole)) else []),
        ]
        for way in dict.fromkeys(ways):
            taken = [
                texts or [MARK]
                for piece, items in zip(whole, told, strict=True)
                if set(piece.branches) <= {*way}
                for texts in items
            ]
            apart = [x for texts in taken for x in ([between], texts)][1:]
            found |= dict.fromkeys(_joined(apart))
    return list(found)


def _every(whole: Whole) -> Branches:
    """The branches of a run that comes to all pieces, if one does."""
    every = tuple(dict.fromkeys(branch for piece in whole for branch in piece.branches))
    return () if any(-branch in every for branch in every) else every


def _told(reading: Reading, expr: t.Expr, frame: Frame) -> tuple[list[str], bool]:
    """The texts that an expression may be, and whether these are all that it may be."""
    value = reading.values.value(expr, frame.scope)
    ways = value.values if isinstance(value, OneOf) else (value,)
    texts = [x.value for x in ways if isinstance(x, Known) and isinstance(x.value, str)]
    if not texts and (read := _read(reading, expr, frame)):
        return read, True
    # what a list holds that is joined is told where it begins, before anything is added to it
    texts = [f"{x} {MARK}" if _OPEN.search(x) else x for x in texts]
    return texts, len(texts) == len(ways)


def _read(reading: Reading, expr: t.Expr, frame: Frame) -> list[str]:
    """What the SQL files hold that an expression is read from, where all of them are told."""
    if not reading.statement_files or not isinstance(expr, t.Name | t.Attr | t.Call | t.Item):
        return []
    bound = reading.code.find(expr.id, frame.scope) if isinstance(expr, t.Name) else None
    if bound is not None and any(each.kind == "parameter" for each in bound[1]):
        return []  # told where it is handed over
    files = read_files(reading.code, reading.values, expr, frame.scope)
    texts = [reading.statement_files.get(name) for found in files for name in found]
    return [x for x in texts if x] if all(texts) and all(files) else []


def _held(reading: Reading, expr: t.Expr, frame: Frame) -> list[str]:
    """The statements that a name stands for here."""
    held = frame.find(expr.id)[1] if isinstance(expr, t.Name) else None
    texts = [one.text for one in each(held) if isinstance(one, Statement)]
    half = (
        _MOST_TEXTS // 2
    )  # the first are those with the least in them, the last those with the most
    if len(texts) <= _MOST_TEXTS:
        return texts
    return [*texts[:half], *texts[-half:], _common(texts)]


def statement(reading: Reading, expr: t.Expr, frame: Frame) -> Thing | None:
    """A query, or what may become one."""
    if isinstance(expr, t.Const):
        text = expr.value
        if not isinstance(text, str) or len(text) < 8 or not BEGINS.match(text[:4000]):
            return None
        return Statement(text, expr)
    texts = texts_of(reading, expr, frame)
    if any(MARK in x and BEGINS.match(x[:4000]) for x in texts):
        texts = _by_class(reading, expr, frame) or texts
    return either([Statement(x, expr) for x in texts if BEGINS.match(x[:4000])])


def kept(reading: Reading, expr: t.Expr, frame: Frame) -> Thing | None:
    """A query that a constant of another module, or of a class, holds."""
    texts, _ = _told(reading, expr, frame)
    return _as_statements(texts, expr)


def of_file(reading: Reading, expr: t.Expr, frame: Frame) -> Thing | None:
    """A query that a file of SQL holds."""
    return _as_statements(_read(reading, expr, frame), expr)


def _as_statements(texts: list[str], expr: t.Expr) -> Thing | None:
    return either([Statement(x, expr) for x in texts if len(x) >= 8 and BEGINS.match(x[:4000])])


def _by_class(reading: Reading, expr: t.Expr, frame: Frame) -> list[str]:
    """The texts by what the class says of itself, and each that inherits from it: `FROM {self.table}`."""
    if frame.owner is None:
        return []
    paths = {t.dotted(n) for n in t.walk_own(expr) if isinstance(n, t.Attr)}
    paths -= {x.rpartition(".")[0] for x in paths}
    asked = sorted(x for x in paths if x.startswith(("self.", "cls.")) and x.count(".") < 3)
    found: dict[str, None] = {}
    before = frame.texts
    of = frame.kind or frame.owner
    own = reading.code.own_name(of)
    for kind in [of, *reading.entities.heirs(own)][:_MOST_CLASSES] if asked else ():
        told = [_of_class(reading, kind, x.split(".")[1:]) for x in asked]
        for way in itertools.islice(itertools.product(*told), _MOST_CLASSES):
            frame.texts = before | dict(zip(asked, way, strict=True))
            found.update(dict.fromkeys(texts_of(reading, expr, frame)))
    frame.texts = before
    return list(found)[:_MOST_CLASSES]


def _of_class(reading: Reading, kind: Located, names: list[str]) -> list[str]:
    """What a class and its objects give as `table`, or as `model.table`."""
    found: list[str] = []
    for origin in reading.values.attribute(kind, names[0])[:4]:
        if not names[1:] and (handed := _handed_up(reading, kind, origin)) is not None:
            found += [handed] if _NAME.fullmatch(handed) else []
            continue
        for source in reading.values.sources(origin.node, origin.scope)[:_MOST_CLASSES]:  # type: ignore[arg-type]
            if names[1:]:
                named = isinstance(source.node, t.Name | t.Attr)
                model = reading.code.defined(source.node, source.scope) if named else None  # type: ignore[arg-type]
                if model is not None and isinstance(model.node, t.Class):
                    found += _of_class(reading, model, names[1:])
                continue
            text = reading.values.text(source.node, source.scope)  # type: ignore[arg-type]
            found += [text] if text and _NAME.fullmatch(text) else []
        if not names[1:]:
            found += _made_with(reading, kind, origin)
    return list(dict.fromkeys(found))


def _handed_up(reading: Reading, kind: Located, origin: Located) -> str | None:
    """What a class hands the constructor of its base: `super().__init__("users")`."""
    maker = origin.scope.owner
    assert isinstance(kind.node, t.Class)
    if not isinstance(origin.node, t.Name) or not isinstance(maker, t.Function):
        return None
    names = [p.name for p in maker.params]
    for own in kind.node.body if maker not in kind.node.body and origin.node.id in names else ():
        if not isinstance(own, t.Function) or own.name != "__init__":
            continue
        scope = reading.code.inside(Located(own, reading.code.inside(kind)))
        for call in (n for n in t.walk(*own.body) if isinstance(n, t.Call)):
            if isinstance(call.func, t.Attr) and call.func.name == maker.name == "__init__":
                above = isinstance(call.func.value, t.Call)  # super()
                given = argument(call, names.index(origin.node.id) - above, origin.node.id)
                return reading.values.text(given, scope) if given is not None else None
    return None


def _made_with(reading: Reading, kind: Located, origin: Located) -> list[str]:
    """What the calls that make objects of a class hand its constructor: `Store("users")`."""
    maker = origin.scope.owner
    if (
        not isinstance(origin.node, t.Name)
        or not isinstance(maker, t.Function)
        or maker.name != "__init__"
    ):
        return []
    names = [p.name for p in maker.params]
    if origin.node.id not in names:
        return []
    position = names.index(origin.node.id) - 1
    assert isinstance(kind.node, t.Class)
    found = []
    for site in itertools.islice(reading.code.method_calls(kind.node.name), _MOST_CLASSES):
        given = site.arg(position, origin.node.id)
        text = reading.values.text(given, site.scope) if given is not None else None
        found += [text] if text and _NAME.fullmatch(text) else []
    return found


_JOINS = re.compile(r"\s*(?:(?:left|right|inner|outer|cross|natural)\s+){0,2}join\b", re.I)
_JOIN = re.compile(r"\bjoin\s+[\w.\"`]+\s+(?:as\s+)?(\w+)\s+on\b.*?(?=\bjoin\b|\bwhere\b|\bgroup\b|\border\b|$)", re.I | re.S)  # fmt: skip


def consistent(given: list[Statement]) -> list[Statement]:
    """Of the texts that runs of a function may come to those that hang together: a table is joined where, and only
    where, something is asked of it, if each way adds it for that."""
    joined = [{x.lower() for x in _JOIN.findall(one.text)} for one in given]
    rest = (_JOIN.sub(" ", one.text).lower() for one in given)
    names = set().union(*joined)
    asked = [{x for x in names if re.search(rf"\b{x}\.", text)} for text in rest]
    some = {x for x in names if not all(x in own for own in joined)}
    needed = {x for x in some if any(x in own & of for own, of in zip(joined, asked, strict=True))}
    kept = [
        one
        for one, own, of in zip(given, joined, asked, strict=True)
        if of & some <= own and own & needed <= of
    ]
    return kept or given


def continued(reading: Reading, one: Statement, more: t.Expr, frame: Frame) -> list[Thing]:
    """`sql += " WHERE id = %s"`."""
    texts = texts_of(reading, more, frame) or _pieces(reading, more, frame)
    texts = [f" {text} " if text == MARK else text for text in texts]
    joins = all(_JOINS.match(text) for text in texts if text.strip())
    joining = one.joining | {id(more)} if joins else one.joining
    return [
        Statement(one.text + text, one.node, (*one.added, more), joining)
        for text in texts
        if len(one.text) + len(text) <= _LONGEST
    ]
