"""Tests that the code, its settings or the request's path decide, whoever is calling."""

from __future__ import annotations

import re

from auditor.extract.python import tree as t
from auditor.link.checks.parts import Part
from auditor.link.checks.strength import Env
from auditor.link.scopes import argument
from auditor.model.values import Known, OneOf, Setting, Unknown, possible, settings_in

_SWITCHES_OFF = re.compile(r"disable|bypass|skip|insecure|without|no_?auth|allow_?anonymous", re.I)
_OFF = {"", "0", "false", "no", "off", "none", "n", "f"}
_SWITCH = re.compile(
    _SWITCHES_OFF.pattern
    + r"|auth|login|secur|protect|enable|debug|^testing$|(?:dev|test|local)_?mode",
    re.I,
)
"""Settings that turn guarding on or off."""
_OPTIONS = re.compile(r"(?:^|[._])(?:config|configuration|settings?|options|preferences)$", re.I)
"""Where an application keeps its options, by name."""
_CONVERSIONS = {"str", "bool", "int", "lower", "upper", "strip", "casefold"}
"""What a setting goes through before it is compared: `str(DISABLE_AUTH).lower() == "true"`."""
_STAGE = re.compile(r"(?:^|_)(?:env|environment|stage|app_?mode|run_?mode)$", re.I)
"""Settings that name where an application runs."""
_AT_HOME = re.compile(r"(?:local|dev(?:el|elop|elopment)?|test(?:s|ing)?|debug|ci)$", re.I)
_DEPLOYED = re.compile(r"(?:prod(?:uction)?|live|release|staging|stage)$", re.I)
_TELLS_STAGE = re.compile(
    r"^(?:is_?|in_?|on_?)?(?:(production|prod|live)|local|dev(?:elopment)?)(?:_?(?:env(?:ironment)?|mode))?$",
    re.I,
)
"""`settings.is_prod`, `settings.is_development`."""
_CONFIGURATION = re.compile(r"conf|setting|option|pref|env|flags?$|app$|args$", re.I)


class Switches(Part):
    """Decides tests."""

    def outcome(self, test: t.Expr) -> bool | None:
        """The outcome of a test, by what decides it or as its settings are by default."""
        decided = self.decided(test)
        return self.configured(test) if decided is None else decided

    def decided(self, test: t.Expr) -> bool | None:
        """The outcome of a test that hangs on the request's path and method, or on switches."""
        match test:
            case t.Unary(op="not", value=value):
                inner = self.decided(value)
                return None if inner is None else not inner
            case t.BoolOp(op=op, values=values):
                outcomes = [self.decided(value) for value in values]
                if (op == "or") in outcomes:
                    return op == "or"
                return None if None in outcomes else op == "and"
        known = self.tests.decide(test, self.scope) if self.tests else None
        if known is None and self.trace.by_default:
            if option := _fallback(test):
                self.trace.note(f"{option[0]} decides whether it is asked at all")
                said = self.values.value(test, self.scope)  # by a file of the tree
                known = bool(said.value) if isinstance(said, Known) else option[1]
            else:
                known = self.switched(test)
            self.trace.optional |= known is not None
        return known

    def switched(self, test: t.Expr) -> bool | None:
        """The outcome of a test of a switch that the code sets, or that is off unless it is set."""
        if not isinstance(test, t.Name | t.Attr | t.Item | t.Call):
            return None
        words = _last_word(test)
        if not words or not _SWITCH.search(words) or self.of_a_thing(test):
            return None
        for origin in self.values.origins(test, self.scope):
            if isinstance(origin.node, t.Call) and self.code.defined(
                origin.node.func, origin.scope
            ):  # a helper of the tree reads it: only a default that it is given tells
                read = list(settings_in(self.values.value(test, self.scope)))
                if len(read) == 1 and isinstance(read[0].default, Known):
                    self.trace.note(f"{read[0].name} decides whether it is asked at all")
                    return str(read[0].default.value).lower() not in _OFF
                return None
        value = self.values.value(test, self.scope)
        if isinstance(value, OneOf) and any(isinstance(x, Unknown) for x in value.values):
            return None  # `auth_result = await authenticate(…)`, which may give nothing
        plain = list(possible(value))
        if not plain and list(settings_in(value)):
            return False if _SWITCHES_OFF.search(words) else None
        outcomes = {bool(known.value) for known in plain}
        return outcomes.pop() if len(outcomes) == 1 else None

    def of_a_thing(self, test: t.Expr) -> bool:
        """Whether a test is about a field of an object at hand, `service.auth`, not about a setting.

        Its class may have a default; what this one holds comes from the database or the caller.
        """
        match test:
            case t.Attr(value=t.Name(id=name)):
                if _CONFIGURATION.search(name) or self.values.is_bound(test, self.scope):
                    return False
                return any(
                    b.kind in ("value", "parameter") for b in self.scope.bindings.get(name, ())
                ) and name not in ("self", "cls")
        return False

    def configured(self, test: t.Expr) -> bool | None:
        """The outcome of a test of a setting, as its default in the code has it."""
        if any(isinstance(node, t.Call | t.Compare) for node in t.walk_own(test)):
            compared = isinstance(test, t.Compare) and all(
                t.last_word(node.func) in _CONVERSIONS
                or isinstance(self.values.value(node, self.scope), Setting)
                for node in t.walk_own(test)
                if isinstance(node, t.Call)
            )
            if not compared:
                return None
        if self.trace.by_default and (at_home := self.at_home(test)) is not None:
            self.trace.optional = True
            return at_home
        value = self.values.value(test, self.scope)
        unset = value
        while isinstance(unset, Setting) and unset.default is not None:
            unset = unset.default  # a field of a settings class that reads the environment itself
        if isinstance(value, Setting) and isinstance(unset, Known) and self.trace.by_default:
            self.trace.note(f"{value.name} decides whether it is asked at all")
            self.trace.optional = True
            return bool(unset.value)
        outcome = self.stored_option(test) if self.trace.by_default else None
        self.trace.optional |= outcome is not None
        return outcome

    def at_home(self, test: t.Expr) -> bool | None:
        """The outcome in production of a test of where an application runs."""
        match test:
            case t.Compare(left=left, ops=[("==" | "!=" | "in" | "not in") as op], rights=[right]):
                told = [k.value for k in possible(self.values.value(right, self.scope))]
                stages = told[0] if len(told) == 1 and isinstance(told[0], list) else told
                for stage, equal in ((_AT_HOME, False), (_DEPLOYED, True)):
                    if stages and all(isinstance(x, str) and stage.match(x) for x in stages):
                        return equal == (op in ("==", "in")) if self._of_stage(left) else None
            case t.Unary(op="not", value=inner):
                outcome = self.at_home(inner)
                return None if outcome is None else not outcome
            case t.Name() | t.Attr() if told_by := _TELLS_STAGE.match(_last_word(test)):
                return bool(told_by[1]) if self._of_stage(test) else None
        return None

    def _of_stage(self, expr: t.Expr) -> bool:
        """Whether an expression hangs on a setting that names where the application runs."""
        named = [s.name for s in settings_in(self.values.value(expr, self.scope))]
        if not named or not all(_STAGE.search(name) for name in named):
            return False
        self.trace.note(f"{named[0]} decides whether it is asked at all")
        return True

    def stored_option(self, test: t.Expr) -> bool | None:
        """The outcome of a test of an option kept in the database, as its column's default has it."""
        match test:
            case t.Unary(op="not", value=inner):
                outcome = self.stored_option(inner)
                return None if outcome is None else not outcome
            case t.Attr(value=owner, name=name) if _OPTIONS.search(t.dotted(owner)):
                default = self.checks.column_defaults.get(name)
                return None if default is None else bool(default.value)
            case t.Compare(
                left=t.Attr(value=owner, name=name),
                ops=[("==" | "!=") as op],
                rights=[right],
            ) if _OPTIONS.search(t.dotted(owner)):
                default = self.checks.column_defaults.get(name)
                wanted = self.values.value(right, self.scope)
                if default is not None and isinstance(wanted, Known):
                    return bool(default.value == wanted.value) == (op == "==")
            case t.BoolOp(op=op, values=values):
                outcomes = [self.stored_option(value) for value in values]
                return (op == "or") if (op == "or") in outcomes else None
        return None


def _fallback(test: t.Expr) -> tuple[str, bool] | None:
    """The name of an option of an ini file, and what it is where the file does not say."""
    match test:
        case t.Call(func=t.Attr(name="getboolean"), args=[_, t.Const(value=str(option))]) as call:
            match argument(call, None, "fallback"):
                case t.Const(value=value):
                    return option, bool(value)
    return None


def settled(test: t.Expr, env: Env) -> bool | None:
    """The outcome of a test of names that hold constants."""
    match test:
        case t.Const(value=value):
            return bool(value)
        case t.Name(id=name) if name in env and env[name].constant:
            return not env[name].falsy
        case t.Unary(op="not", value=inner):
            outcome = settled(inner, env)
            return None if outcome is None else not outcome
        case t.BoolOp(op=op, values=values):
            outcomes = [settled(v, env) for v in values]
            decisive = op == "or"
            if decisive in outcomes:
                return decisive
            return None if None in outcomes else not decisive
    return None


def _last_word(test: t.Expr) -> str:
    """What a test of a setting is called: the key, the attribute or the variable."""
    match test:
        case t.Name(id=word) | t.Attr(name=word):
            return word
        case t.Item(index=t.Const(value=str(word))):
            return word
        case t.Call(args=[t.Const(value=str(word)), *_]):
            return word
    return ""
