from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from auditor.assess.rule import Rule, asvs, cwe, twelve_factor
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
)
from auditor.link.application import Application
from auditor.model.deployment import ContainerService, Leak
from auditor.model.settings import (
    FrameworkSetting,
    Integration,
    SettingDefinition,
    SettingRead,
    SettingsClass,
)

_OPENS = re.compile(
    r"(?i)key|token(?!s(?:_|$))|secret|passw|credential|cert|dsn|webhook|_sid$|service_account|cloudinary_url"
)
"""Names of settings that let in, and do not only say where to or what for: no `FIREBASE_PROJECT_ID`."""
_CODE = re.compile(r"\.(?:py|js|jsx|ts|tsx)$")


class ExternalizedConfiguration(Rule):
    """Keys and endpoints come from the environment, not from the code.

    Each outside service that the code uses is listed with the settings its keys come from. A
    literal key in code is medium here (what it can do is said under leaked secrets), and so is the value
    of a setting that is written into a document or a settings file of the repository. A service whose
    key comes from nowhere that can be seen is not reported: some need none.
    """

    id = "externalized-configuration"
    title = "Externalised configuration"
    section = "security"
    severity = Severity.MEDIUM
    risk = "A key in the code is in every copy of it, and cannot be changed without a release."
    fix = "Read keys and addresses from environment variables or a settings class, and from nowhere else."
    references = (cwe(547), twelve_factor("config"), asvs("13.3.1"))
    effort = "small"

    def assess(self, application: Application) -> Verdict:
        reads = application.facts(SettingRead)
        integrations = application.facts(Integration)
        literal = [*self._literal(application), *self._written_down(application)]
        if not reads and not integrations and not literal:
            return not_applicable("the code reads no settings and uses no outside service")
        evidence = [*literal, *self._strengths(application)]
        if not evidence:
            place = integrations[0].place
            message = f"{integrations[0].name} is used, and no setting is read anywhere"
            evidence = [Evidence(place, State.ABSENT, Severity.LOW, message, integrations[0].name)]
        names = {read.name for read in reads}
        total = len(names) + len(literal)
        keyed = [i.name for i in integrations if any(map(_OPENS.search, i.settings))]
        summary = f"{len(names)} settings are read from the environment"
        summary += f", for {', '.join(keyed)} among others." if keyed else "."
        if literal:
            summary = f"{count(len(literal), 'key')} written in the repository; " + summary
        return judge(summary, evidence, Coverage(len(names), total) if total else None)

    def _literal(self, application: Application) -> Iterator[Evidence]:
        aside = {
            (s.place.path, s.place.line)
            for s in application.facts(FrameworkSetting)
            if s.environment in ("development", "test")
        }
        for leak in application.facts(Leak):
            if (
                leak.role == "source"
                and not leak.local
                and (leak.place.path, leak.place.line) not in aside
                and _CODE.search(leak.place.path)
                and leak.confidence != "low"
            ):
                if leak.kind == "default-secret":
                    message = f"{leak.variable} has a working default in code"
                else:
                    message = f"{leak.title} is written in the code ({leak.shape})"
                yield Evidence(
                    leak.place,
                    State.ABSENT,
                    Severity.MEDIUM,
                    message,
                    f"{leak.kind} {leak.variable}",
                )

    def _written_down(self, application: Application) -> Iterator[Evidence]:
        """The value of a setting that the code reads, written into another file."""
        names = {read.name for read in application.facts(SettingRead)}
        local = {s.place.path for s in application.facts(ContainerService) if s.local}
        found: dict[str, list[Leak]] = defaultdict(list)
        for leak in application.facts(Leak):
            if leak.local or leak.place.path in local:
                continue
            if leak.variable in names and not _CODE.search(leak.place.path):
                found[leak.variable].append(leak)
        for name, leaks in sorted(found.items()):
            places = len({leak.place.path for leak in leaks})
            message = (
                f"{name} is read from the environment, and its value is written in {places} files"
            )
            yield Evidence(leaks[0].place, State.WEAK, Severity.MEDIUM, message, name)

    def _strengths(self, application: Application) -> Iterator[Evidence]:
        for kind in application.facts(SettingsClass):
            message = f"`{kind.name}` gathers {len(kind.fields)} settings and checks them at start"
            yield present(kind.place, message, kind.name)
        for integration in application.facts(Integration):
            keys = [name for name in integration.settings if _OPENS.search(name)]
            if integration.settings:
                told = (
                    f"gets its keys from {', '.join(keys[:3])}"
                    if keys
                    else f"is set up by {', '.join(integration.settings[:3])}"
                )
                yield present(integration.place, f"{integration.name} {told}", integration.name)
        reads = application.facts(SettingRead)
        if reads:
            names = sorted({read.name for read in reads})
            listed = ", ".join(names[:4]) + (
                f" and {len(names) - 4} more" if len(names) > 4 else ""
            )
            yield present(
                reads[0].place, f"settings are read from the environment: {listed}", "settings"
            )
        yield from _documented(application, {read.name for read in reads})

    good = (
        {"app.py": 'import os\nimport stripe\nstripe.api_key = os.environ["STRIPE_API_KEY"]\n'},
    )
    bad = (
        {
            "app.py": "import stripe\nstripe.api_key = '"
            + "sk_live_"
            + "4eC39HqLyjWDarjtT1zdp7dc'  # expect: medium\n"
        },
    )


def _documented(application: Application, names: set[str]) -> Iterator[Evidence]:
    """Example files that name what has to be set."""
    examples = [d for d in application.facts(SettingDefinition) if d.environment == "example"]
    named = {d.name for d in examples} & names
    if named:
        told = f"an example file names {len(named)} of the {len(names)} settings"
        yield present(examples[0].place, told, "example file")
