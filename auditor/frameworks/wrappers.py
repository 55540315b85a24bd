"""Guards that stand around a handler: decorators of the tree, and those that come from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from auditor.extract.python import tree as t
from auditor.frameworks.decorators import Applied, Decorators, Layer, letting_pass
from auditor.frameworks.guards import CREDENTIAL, Guards
from auditor.link.application import Application
from auditor.link.checks import Exit, Strength, Summary
from auditor.link.pathtests import PathTests
from auditor.link.scopes import Located, place_of
from auditor.model.web import Guard, Guarding

CSRF = re.compile(r"csrf|xsrf|cors|captcha|host|maintenance|throttl|rate_?limit", re.I)
"""Names of what turns callers away for other reasons than who they are."""
_CARRIERS = re.compile(r"request\.(?:headers|cookies|args|values|form|json|META|GET|POST)$")

_ENTERED = re.compile(r"permission|auth|login|require|access|role", re.I)
"""Names of what a wrapper enters, which may turn the caller away there."""

Judged = tuple[Guarding, str]


def _entered(layer: Layer) -> str:
    """What a wrapper enters before it calls the view, where that sounds like a guard."""
    for node in t.walk_own(*layer.wrapper.node.body) if layer.wrapper else ():  # type: ignore[attr-defined]
        if isinstance(node, t.With):
            for item in node.contexts:
                name = t.dotted(t.callee(item))
                if _ENTERED.search(name.rpartition(".")[2]):
                    return name
    return ""


def least(exits: tuple[Exit, ...]) -> Strength:
    return min((e.strength for e in exits), default=Strength.VERIFIED)


class WrapperGuards(Guards):
    """Judges decorators as guards; what one from outside does is the framework's to tell."""

    def __init__(self, application: Application) -> None:
        super().__init__(application)
        self.decorators = Decorators(self.values)
        self._layers: dict[int, tuple[Layer, ...]] = {}
        self._wrapped: dict[int, Strength] = {}
        self.checks.around = self.around
        self.checks.applied = self.on_the_spot

    def around(self, function: Located) -> Strength:
        """What the decorators of a function establish for whoever calls it."""
        decorators = function.node.decorators  # type: ignore[attr-defined]
        found = (self.on_the_spot(Located(each, function.scope)) for each in decorators)
        return max(found, default=Strength.NONE)

    def on_the_spot(self, decorator: Located) -> Strength:
        """What a decorator establishes before the function that it is given runs."""
        key = id(decorator.node)
        if key not in self._wrapped:
            self._wrapped[key] = Strength.NONE  # a cycle ends here
            guards = self.applied(Applied(decorator, "decorator"))
            if any(guard.state is Guarding.ENFORCED for guard in guards):
                self._wrapped[key] = Strength.VERIFIED
        return self._wrapped[key]

    def outside(self, layer: Layer, short: str) -> Judged | None:
        """What a decorator of a package does; None where it guards nothing."""
        return None

    def applied(self, decorator: Applied, tests: PathTests | None = None) -> list[Guard]:
        """The guards that a decorator of a view is, for one route."""
        found = [
            guard
            for layer in self.layers(decorator.found)
            if (guard := self._layer(layer, decorator.via, tests)) is not None
        ]
        return found or list(self._unread(decorator))

    def _unread(self, decorator: Applied) -> Iterator[Guard]:
        """A guard by its name that gives something else than it got, made in a way not followed."""
        made = self.code.defined(t.callee(decorator.found.node), decorator.found.scope)
        if made is None or not isinstance(made.node, t.Function):
            return
        name = made.node.name
        if not self.sounds_like_guard(name) or CSRF.search(name):
            return
        functions = [made.node, *(n for n in t.walk(*made.node.body) if isinstance(n, t.Function))]
        returned = [n.value for f in functions for n in t.walk_own(*f.body) if isinstance(n, t.Return)]  # fmt: skip
        if any(isinstance(value, t.Call) for value in returned):
            reason = "what it puts around the view is made in a way that is not followed"
            yield Guard(name, place_of(made, name), decorator.via, Guarding.UNKNOWN, reason)

    def layers(self, decorator: Located) -> tuple[Layer, ...]:
        key = id(decorator.node)
        if key not in self._layers:
            self._layers[key] = tuple(self.decorators.layers(decorator))
        return self._layers[key]

    def _layer(self, layer: Layer, via: str, tests: PathTests | None) -> Guard | None:
        short = re.split(r"[.:]", layer.name.replace("()", ""))[-1]
        if layer.wrapper is None:
            judged = self.outside(layer, short)
            return Guard(short, place_of(layer.used), via, *judged) if judged else None
        summary = self._wrapping(layer, tests)
        sounds = self.sounds_like_guard(short)
        if not (
            sounds
            or summary.denies
            or (summary.rejects and least(summary.exits) >= Strength.DEFAULT_SECRET)
        ):
            return None
        if CSRF.search(short):
            return None
        state, reason = self.judge_summary(summary)
        if state is Guarding.DECORATIVE and sounds and (entered := _entered(layer)):
            state, reason = Guarding.UNKNOWN, f"rests on what `{entered}` does when it is entered"
        if not sounds and not self.demands(state, summary, layer.wrapper):
            return None
        return Guard(short, place_of(layer.wrapper, short), via, state, reason)

    def _wrapping(self, layer: Layer, tests: PathTests | None) -> Summary:
        """The ways through a wrapper: only those that hand over to the view let the caller pass."""
        assert layer.wrapper is not None
        with self.checks.within(dict(layer.bound)):
            summary = self.checks.summary(layer.wrapper, tests)
        passing = letting_pass(layer.wrapper, layer.around)
        kept = tuple(e for e in summary.exits if id(e.node) in passing)
        if not kept:
            return summary
        others = tuple(e.node for e in summary.exits if id(e.node) not in passing)
        return replace(summary, exits=kept, rejects=(*summary.rejects, *others))

    def demands(self, state: Guarding, summary: Summary, function: Located) -> bool:
        """Whether what verifies nothing is a guard at all: it insists on a credential."""
        if state is not Guarding.DECORATIVE:
            return True
        insists = summary.guaranteed >= Strength.FORM and bool(summary.exits)
        return insists and self._takes_credential(function)

    def _takes_credential(self, function: Located) -> bool:
        """Whether a function looks at a credential that the request carries."""
        for node in t.walk_own(*function.node.body):  # type: ignore[attr-defined]
            match node:
                case t.Attr(name="authorization"):
                    return True
                case (
                    t.Call(func=t.Attr(value=owner), args=[t.Const(value=str(key)), *_])
                    | t.Item(value=owner, index=t.Const(value=str(key)))
                ):
                    if _CARRIERS.search(t.dotted(owner)) and CREDENTIAL.search(key):
                        if not CSRF.search(key):
                            return True
        return False
