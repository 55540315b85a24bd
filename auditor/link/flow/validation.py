"""What makes a value of the caller's harmless: conversions, and tests that turn others away."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from auditor.extract.python import tree as t
from auditor.link.flow.outside import CLEANERS
from auditor.link.flow.taint import Form, Taint, merge
from auditor.link.names import Code
from auditor.link.scopes import Located, Scope

if TYPE_CHECKING:
    from auditor.link.flow.engine import Flow
    from auditor.link.flow.summaries import Env
_STRICT = re.compile(
    r"valid|safe|allow|permit|check|verif|whitelist|known|legal|trusted|is_local|is_private|is_public"
    r"|sanit|ensure|assert|in_scope|within|same_origin|restrict|guard|reject|forbid|block|has_"
    r"|contains|exists_in|(?:module|plugin|handler|pipeline|backend|driver)_exists|match|relative_to|inside_of|is_inside|is_subpath|subdirectory",
    re.I,
)
_LOOSE = re.compile(
    r"allowed_file|allowed_ext|extension|file_?type|mime|password|token|auth|login", re.I
)
_ALIKE = re.compile(r"ext|suffix|mime|type|format|lang|size|length|scheme", re.I)
_WHOLE = {
    "isdigit",
    "isalnum",
    "isidentifier",
    "isnumeric",
    "isdecimal",
    "is_relative_to",
    "isalpha",
}
_SCHEME = re.compile(r"(?:https?:?)?/{0,2}(?:www\.)?")


def leads(before: list[str | None], after: list[str | None]) -> bool:
    """Whether the text before a value settles where a URL leads; None is text that is not known."""
    if any(word is None for word in before):
        return True
    text = "".join(word or "" for word in before).lstrip()
    if not _SCHEME.fullmatch(text):
        return True
    return bool(text) and any(re.match(r"\.[\w-]+\.\w", word or "") for word in after)


def _compares_places(callee: Located) -> bool:
    """Whether a function of the tree tells if a path lies below a directory, whatever it is called."""
    return isinstance(callee.node, t.Function) and any(
        isinstance(node, t.Call) and t.last_word(node.func) in _PLACES
        for node in t.walk_own(*callee.node.body)
    )


_TEXTS = {"str", "bytes", "PathLike", "Path"}
_PLACES = {"commonpath", "commonprefix", "is_relative_to", "relative_to"}


class Validation:
    """The tests of a walk: what is harmless once one has come out true or false."""

    env: Env
    scope: Scope
    code: Code
    flow: Flow
    lookups: dict[str, list[str]]
    """Variable -> keys of the values that it was looked up by."""
    verdicts: dict[str, t.Expr]
    """Variable -> the test whose outcome it holds."""
    looping: dict[str, t.Expr]
    """Variable of a loop -> what the loop goes through."""

    def eval(self, expr: t.Expr) -> Taint | None:
        raise NotImplementedError

    def words(self, expr: t.Expr) -> str | None:
        raise NotImplementedError

    def alternatives(self, expr: t.Expr | None) -> list[str]:
        raise NotImplementedError

    def key(self, expr: t.Expr) -> str:
        """A name for a variable or a part of one (`data['x']`, also as `data.get("x")`)."""
        match expr:
            case t.Name(id=name):
                return name
            case t.Attr(value=value, name=name):
                base = self.key(value)
                return f"{base}.{name}" if base else ""
            case t.Item(value=value, index=t.Const(value=str() | int() as index)):
                base = self.key(value)
                return f"{base}[{str(index)!r}]" if base else ""
            case t.Call(func=t.Attr(value=value, name="get"), args=[t.Const(value=str(index)), *_]):
                base = self.key(value)
                return f"{base}[{index!r}]" if base else ""
            case t.Await(value=value) | t.Bind(target=value):
                return self.key(value)
        return ""

    def subject(self, expr: t.Expr, depth: int = 0) -> t.Expr:
        """What a test is about: `x` of `x.lower()`, `str(x)`, `(x := …)`."""
        if self.key(expr) or depth > 6:
            return expr
        match expr:
            case t.Call(func=t.Attr(value=value)) if self.eval(value) is not None:
                return self.subject(value, depth + 1)
            case t.Call(args=[first, *_]):
                return self.subject(first, depth + 1)
            case t.Await(value=value) | t.Star(value=value):
                return self.subject(value, depth + 1)
        return expr

    def learn(self, test: t.Expr, outcome: bool) -> None:
        """What `test` having come out so says of the values it is about."""
        match test:
            case t.Name(id=name):
                if outcome:
                    for key in self.lookups.get(name, ()):
                        self.env[key] = None
                else:
                    self.empty(test)
                if told := self.verdicts.pop(name, None):
                    self.learn(told, outcome)
                    self.verdicts[name] = told
            case t.Attr(value=about, name="netloc" | "hostname"):
                if not outcome:
                    self.relative(about)
            case t.Attr() | t.Item() if not outcome:
                self.empty(test)
            case t.Compare(
                left=t.Name(id=name), ops=["is" | "is not" as op], rights=[t.Const(value=None)]
            ):
                self.learn(test.left, outcome == (op == "is not"))
            case t.Unary(op="not", value=value):
                self.learn(value, not outcome)
            case t.BoolOp(op=op, values=values):
                if (op == "and") == outcome:
                    for value in values:
                        self.learn(value, outcome)
                else:  # one of them came out so, and nobody knows which
                    before, ends = self.env, []
                    for value in values:
                        self.env = dict(before)
                        self.learn(value, outcome)
                        ends.append(self.env)
                    self.env = merge(ends)
            case t.Bind(value=value):
                self.learn(value, outcome)
            case t.Compare(left=left, ops=[op], rights=[right]):
                self.compared(left, op, right, outcome)
            case t.Call() if outcome:
                self.called(test)
            case t.Call(func=t.Name(id="any"), args=[t.Comp(elements=[element], loops=[loop])]):
                if isinstance(loop.target, t.Name):
                    self.looping[loop.target.id] = loop.iter
                self.learn(element, False)
            case t.Call(func=t.Attr(value=about, name="is_absolute")):
                self.relative(about)
            case t.Call(func=func) if re.search(
                r"unsafe|invalid|forbid|block|private|internal|local|contains|suspicious",
                t.last_word(func),
                re.I,
            ):
                for arg in test.args[:2]:
                    self.clean(arg)
            case t.Await(value=value):
                self.learn(value, outcome)

    def compared(self, left: t.Expr, op: str, right: t.Expr, outcome: bool) -> None:
        if op in ("not in", "!=", "is not"):
            op, outcome = {"not in": "in", "!=": "==", "is not": "is"}[op], not outcome
        if op == "in" and not outcome and self.eval(left) is None:
            for word in self.alternatives(left):
                self.dress(right, lambda held, word=word: held.without(word))  # type: ignore[misc]
            return
        if not outcome or op not in ("in", "=="):
            return
        if isinstance(left, t.Const) and op == "in":
            return
        if op == "==":
            if isinstance(right, t.Const) and right.value in (None, ""):
                self.learn(left, False)
                return
            if isinstance(left, t.Call) and t.last_word(left.func) == "type":
                self.clean_type(left.args[0] if left.args else left, right)
                return
            if self.eval(right) is None:
                self.clean(left)
            elif self.eval(left) is None:
                self.clean(right)
        elif self.eval(right) is None:
            self.clean(left)

    def called(self, call: t.Call) -> None:
        """A call that came out true."""
        last = t.last_word(call.func)
        if last == "isinstance" and len(call.args) == 2:
            self.clean_type(call.args[0], call.args[1])
        elif last in _WHOLE and isinstance(call.func, t.Attr):
            self.clean(call.func.value)
        elif last == "startswith" and isinstance(call.func, t.Attr) and call.args:
            prefix = call.args[0]
            words = [
                x.value
                for x in (prefix.items if isinstance(prefix, t.Seq) else [prefix])
                if isinstance(x, t.Const)
            ]
            if (
                not words
                or not all(isinstance(w, str) and _SCHEME.fullmatch(w) for w in words)
                or words == ["/"]
            ):
                self.clean(call.func.value)
        elif last == "len" and call.args and isinstance(call.args[0], t.Call):
            self.called(call.args[0])  # `if len(allowed(x)):`
        elif last in ("match", "fullmatch", "search"):
            for arg in call.args[:2]:
                self.clean(arg)
        elif last == "all" and call.args and isinstance(call.args[0], t.Comp):
            for loop in call.args[0].loops:
                self.clean(loop.iter)
        else:
            self.judged(call, last)
            callee = self.code.defined(call.func, self.scope)
            if callee is not None and _compares_places(callee):
                for arg in call.args[:2]:
                    self.clean(arg)

    def learn_from_call(self, call: t.Call) -> None:
        """`validate_url(url)`, `int(x)`: it raises unless the value is fine."""
        last = t.last_word(call.func)
        if last in CLEANERS:
            for arg in call.args[:1]:
                self.clean(arg)
        elif re.search(r"valid|check|ensure|assert|verif|sanit|guard|restrict", last, re.I):
            self.judged(call, last)

    def judged(self, call: t.Call, last: str) -> None:
        if not _STRICT.search(last) or _LOOSE.search(last):
            return
        for arg in [*call.args[:3], *(k.value for k in call.keywords)]:
            held = self.eval(arg) if not isinstance(arg, t.Star) else None
            if held is None and isinstance(arg, t.Call) and arg.args:
                arg = arg.args[0]  # `allowed(without_prefix(x))`
                held = self.eval(arg)
            if held is not None and held.form in (Form.TEXT, Form.OBJECT):
                self.clean(arg)

    def empty(self, expr: t.Expr) -> None:
        """A value proved false: nothing in it."""
        key = self.key(expr)
        if self.env.get(key) is not None or (key and self.eval(expr) is not None):
            self.env[key] = None

    def relative(self, expr: t.Expr) -> None:
        """A URL that names no host: it leads nowhere else."""
        self.dress(expr, lambda held: replace(held, coats=held.coats | {"relative"}))

    def dress(self, expr: t.Expr, put_on: Callable[[Taint], Taint]) -> None:
        """A value, and whatever else came from the same place, is harmless in some places."""
        about = self.subject(expr)
        held, key = self.eval(about), self.key(about)
        if held is None or held.form not in (Form.TEXT, Form.OBJECT):
            return
        if key:
            self.env[key] = put_on(held)
        for other, taint in list(self.env.items()):
            if taint is not None and taint.form is held.form and taint.source == held.source:
                self.env[other] = put_on(taint)

    def clean_type(self, value: t.Expr, kind: t.Expr) -> None:
        """`isinstance(x, str)`: text is no operator; any other plain type holds no text either."""
        key = self.key(value)
        held = self.eval(value)
        if not key or held is None:
            return
        names = {t.last_word(x) for x in (kind.items if isinstance(kind, t.Seq) else [kind])}
        if names & {"dict", "list", "Mapping"}:
            return
        if held.model == "dict" or (held.form is Form.FILE and names <= _TEXTS):
            self.env[key] = None  # never one of those
            return
        self.env[key] = held.as_text() if "str" in names or "bytes" in names else None

    def clean(self, expr: t.Expr) -> None:
        """A value, and everything else that came from the same place, is harmless from here on."""
        about = self.subject(expr)
        held = self.eval(about)
        if isinstance(about, t.Item) and held is not None and held == self.eval(about.value):
            return  # one character, or a few of them
        key = self.key(about)
        if key:
            self.env[key] = None
        if held is None or held.form not in (Form.TEXT, Form.OBJECT, Form.FILE):
            return
        if key and _ALIKE.search(key.rpartition(".")[2]):
            return  # its extension is fine, its name is not
        if not held.source.keys and held.form is Form.OBJECT:
            return
        for other, taint in list(self.env.items()):
            if (
                taint is not None
                and taint.form in (Form.TEXT, Form.OBJECT)
                and taint.source == held.source
            ):
                self.env[other] = None
