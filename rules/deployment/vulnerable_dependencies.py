from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from auditor.assess.rule import Reference, Rule, asvs, cwe
from auditor.assess.verdict import (
    Coverage,
    Evidence,
    Severity,
    State,
    Verdict,
    count,
    judge,
    not_applicable,
    present,
    unknown,
)
from auditor.link.application import Application
from auditor.model.dependencies import (
    Admitted,
    Advisory,
    Checked,
    Dependency,
    NotChecked,
    Usage,
)
from auditor.model.places import Place

Imports = Mapping[tuple[str, str], tuple[Place, ...]]
"""(ecosystem, package) -> where it is imported."""


class VulnerableDependencies(Rule):
    """No dependency has a known vulnerability.

    Every version that a lock file or an exact pin fixes is held against an advisory database (PyPI or
    OSV over the network, or `--advisory-db` on this machine). A finding is worth what the CVSS score of
    its worst advisory says (9.0 critical, 7.0 high, 4.0 medium, else low; medium where no advisory
    carries a score), one step less where only development installs the package. A package that nothing
    pins is low where some of the versions that may be installed are affected, and worth its advisory
    where all known ones are.

    What the index does not know, what comes from a repository or a private index and what could not be
    looked up in time is not checked: it is named, and the verdict is never a pass because of it.
    """

    id = "vulnerable-dependencies"
    title = "Vulnerable dependencies"
    section = "deployment"
    severity = Severity.HIGH
    risk = "Attacks on published holes are automated: they come within days, to everybody who has not upgraded."
    fix = "Upgrade to the version named, lock it, and let CI look for new advisories every day."
    references = (
        cwe(1395),
        asvs("15.2.1"),
        Reference(
            "OWASP: vulnerable and outdated components",
            "https://owasp.org/Top10/A06_2021-Vulnerable_and_Outdated_Components/",
        ),
        Reference("OSV schema", "https://ossf.github.io/osv-schema/"),
    )
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        dependencies = application.facts(Dependency)
        if not dependencies:
            return not_applicable("no dependencies are declared")
        skipped = application.facts(NotChecked)
        if len(skipped) == len(dependencies):
            return unknown(
                f"None of {count(len(dependencies), 'package')} could be checked: {_reasons(skipped)}.",
                "Run it with access to the package index, or with --advisory-db and an OSV export.",
            )
        imports = {(u.ecosystem, u.distribution): u.places for u in application.aside(Usage)}
        evidence = [e for each in application.facts(Checked) if (e := _checked(each, imports))]
        evidence += [e for each in application.facts(Admitted) if (e := _admitted(each, imports))]
        total = len(dependencies)
        found = len(evidence)
        clean = total - found - len(skipped)
        if skipped:
            evidence.append(_not_checked(skipped))
        if clean:
            place = next(d.place for d in dependencies)
            told = f"{count(clean, 'package')} without a known vulnerability ({application.lookup.name})"
            evidence.append(present(place, told, "clean"))
        summary = f"{found} of {count(total, 'package')} {'has' if found == 1 else 'have'} a known vulnerability"
        summary += f"; {len(skipped)} could not be checked." if skipped else "."
        return judge(summary, evidence, Coverage(clean, total))

    good = (
        {"requirements.txt": "shopkit==1.4.2\n", "app.py": "import shopkit\n"},
        {"requirements.txt": "shopkit==2.1+local\nshopkit2==1.0\n"},
        {
            "package.json": '{"dependencies": {"@shop/cart": "1.2.3"}}',
            "requirements.txt": "shopkit>=2.1,<3\n",
        },
    )
    bad = (
        {
            "requirements.txt": "shopkit==1.4.1  # expect: high\n",
            "app.py": "import shopkit\n",
        },
        {"requirements-dev.txt": "shopkit==2.0  # expect: medium\n"},
        {"requirements.txt": "shopkit>=1.0  # expect: low\n"},
        {"requirements.txt": "shopkit<1.4.2  # expect: high\n"},
        {
            "requirements.txt": "git+https://git.example/team/tools.git  # expect: info\nshopkit==2.1\n",
        },
    )


def _checked(found: Checked, imports: Imports) -> Evidence | None:
    if not found.advisories:
        return None
    dependency = found.dependency
    named = ", ".join(_named(a) for a in found.advisories[:3])
    more = f" and {len(found.advisories) - 3} more" if len(found.advisories) > 3 else ""
    told = f"{dependency.name} {dependency.version}: {named}{more}; {_remedy(found)}"
    told += _context(dependency, imports)
    severity = _severity(found.advisories, dependency)
    return Evidence(dependency.place, State.WEAK, severity, told, _subject(dependency))


def _admitted(found: Admitted, imports: Imports) -> Evidence | None:
    if not found.affected:
        return None
    dependency = found.dependency
    wanted = f"{dependency.name} {dependency.specifier}".strip()
    named = ", ".join(_named(a) for a in found.advisories[:3])
    if len(found.affected) == len(found.known):
        severity = _severity(found.advisories, dependency)
        told = f"{wanted}: every version known to fit is affected: {named}"
    else:
        severity = Severity.LOW
        told = (
            f"{wanted} is not pinned, and admits {len(found.affected)} affected of"
            f" {len(found.known)} known versions: {named}"
        )
    told += _context(dependency, imports)
    return Evidence(dependency.place, State.WEAK, severity, told, _subject(dependency))


def _not_checked(skipped: Sequence[NotChecked]) -> Evidence:
    names = sorted({s.dependency.name for s in skipped})
    told = f"{count(len(skipped), 'package')} not checked: {', '.join(names[:8])}"
    told += f" and {len(names) - 8} more" if len(names) > 8 else ""
    place = skipped[0].dependency.place
    return Evidence(
        place, State.WEAK, Severity.INFO, f"{told} ({_reasons(skipped)})", "not checked"
    )


def _reasons(skipped: Sequence[NotChecked]) -> str:
    counted = Counter(s.reason for s in skipped)
    told = [
        f"{reason} ({n})" if len(counted) > 1 else reason for reason, n in counted.most_common(4)
    ]
    return "; ".join(told)


def _named(advisory: Advisory) -> str:
    score = f", {advisory.score:.1f}" if advisory.score is not None else ""
    return f"{advisory.id} ({advisory.severity or 'severity not told'}{score})"


def _remedy(found: Checked) -> str:
    if found.upgrade and found.within:
        return f"{found.upgrade} is safe"
    if found.upgrade:
        return f"{found.upgrade} is safe, which {found.dependency.specifier} does not admit"
    fixed = {version for advisory in found.advisories for version in advisory.fixed_in}
    return f"fixed in {', '.join(sorted(fixed)[:3])}" if fixed else "no fixed version is known"


def _context(dependency: Dependency, imports: Imports) -> str:
    """Through whom it comes, who needs it, and whether the application imports it."""
    told = ""
    if dependency.through:
        told += f"; it comes with {' → '.join(dependency.through)}"
    elif not dependency.direct:
        told += "; it is not declared, something else brings it"
    if dependency.group:
        told += f"; only for {dependency.group}"
    if places := imports.get((dependency.ecosystem, dependency.name), ()):
        more = f" and {len(places) - 1} more files" if len(places) > 1 else ""
        told += f"; imported in {places[0]}{more}"
    elif dependency.direct:
        told += "; no source file imports it"
    return told


_STEPS = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "": Severity.MEDIUM,
}


def _severity(advisories: Sequence[Advisory], dependency: Dependency) -> Severity:
    worst = max(_STEPS[a.severity] for a in advisories)
    return Severity(max(worst - 1, Severity.LOW)) if dependency.group else worst


def _subject(dependency: Dependency) -> str:
    return f"{dependency.ecosystem} {dependency.name} {dependency.version}"
