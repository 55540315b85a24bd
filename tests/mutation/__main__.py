"""`python -m tests.mutation TREE`: take guards out of a real tree, one at a time, at random."""

from __future__ import annotations

import argparse
import gc
import random
import sys
from pathlib import Path

from auditor.discover import discover
from auditor.extract.pipeline import Extraction
from auditor.link.application import Application
from auditor.model.web import Guarding
from tests.mutation.expected import Mutation
from tests.mutation.trial import Trial


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--count", type=int, default=30, help="mutations (0: all there are)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="show the exact ones, too")
    given = parser.parse_args()
    sys.setrecursionlimit(20_000)
    gc.disable()
    tree = discover(given.tree)
    trial = Trial(Application(tree, Extraction(tree, late=False)))
    every = trial.mutations()
    chosen = choose(every, given.count, random.Random(given.seed))
    missed = 0
    for mutation in chosen:
        reason = trial.judge(mutation)
        gc.collect()
        missed += bool(reason)
        if reason or given.verbose:
            print(f"{'MISS ' if reason else 'exact'} {mutation.site}  ({told(mutation)})")
            if reason:
                print(f"      {reason}")
    opening = sum(bool(m.opened) for m in chosen)
    enforced = [r for r in trial.routes if r.authentication is Guarding.ENFORCED]
    reached = {id(route) for mutation in every for route in mutation.guarded}
    print(
        f"{tree.name}: {len(reached)} of {len(enforced)} guarded routes have a guard that"
        " can be taken out"
    )
    print(
        f"{given.tree.name}: {len(chosen)} of {len(every)} mutations"
        f" ({opening} open routes, {len(chosen) - opening} open none),"
        f" {len(chosen) - missed} exact, {missed} missed"
    )


def choose(every: list[Mutation], count: int, dice: random.Random) -> list[Mutation]:
    """Some mutations: those that open routes first, a fifth of those that must change nothing."""
    opening = [m for m in every if m.opened]
    idle = [m for m in every if not m.opened]
    if not count:
        return every
    chosen = dice.sample(idle, min(len(idle), max(count // 5, count - len(opening))))
    return dice.sample(opening, min(len(opening), count - len(chosen))) + chosen


def told(mutation: Mutation) -> str:
    names = [route.name for route in mutation.opened[:3]]
    more = f" and {len(mutation.opened) - 3} more" if len(mutation.opened) > 3 else ""
    return f"opens {', '.join(names)}{more}" if names else "opens nothing"


main()
