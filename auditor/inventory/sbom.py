"""A software bill of materials: CycloneDX 1.6 as JSON, with the vulnerabilities.

https://cyclonedx.org/docs/1.6/json/, package URLs by https://github.com/package-url/purl-spec. Written
with the library of the CycloneDX project. The serial number is made from the content, so that two
runs on the same tree differ in the time stamp only.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.vulnerability import (
    BomTarget,
    Vulnerability,
    VulnerabilityRating,
    VulnerabilityReference,
    VulnerabilitySeverity,
    VulnerabilitySource,
)
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

import auditor
from auditor.link.application import Application
from auditor.model.dependencies import Advisory, Checked, Dependency, Finding, NotChecked
from auditor.render.safe import plain


def render(application: Application) -> str:
    """The bill of materials of everything that would be installed."""
    dependencies = application.facts(Dependency)
    findings = application.lookup.findings(dependencies)
    root = Component(
        name=plain(application.tree.root.resolve().name) or "application",
        type=ComponentType.APPLICATION,
        bom_ref="application",
    )
    bom = Bom(serial_number=_serial(dependencies))
    bom.metadata.component = root
    bom.metadata.tools.components.add(
        Component(name="auditor", version=auditor.__version__, type=ComponentType.APPLICATION)
    )
    places: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        places[_reference(finding.dependency)].append(finding)
    components = {ref: _component(ref, found) for ref, found in sorted(places.items())}
    bom.components.update(components.values())
    _relate(bom, root, components, dependencies)
    for vulnerability in _vulnerabilities(places):
        bom.vulnerabilities.add(vulnerability)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _serial(dependencies: Sequence[Dependency]) -> uuid.UUID:
    text = "\n".join(sorted({_reference(d) for d in dependencies}))
    return uuid.uuid5(uuid.NAMESPACE_URL, text.encode("utf-8", "replace").decode("utf-8"))


def _reference(dependency: Dependency) -> str:
    return _purl(dependency).to_string()


def _purl(dependency: Dependency) -> PackageURL:
    namespace, _, name = dependency.name.rpartition("/")
    version = plain(dependency.version) or None
    return PackageURL(dependency.ecosystem, plain(namespace) or None, plain(name), version)


def _component(reference: str, found: Sequence[Finding]) -> Component:
    dependency = found[0].dependency
    production = any(not each.dependency.group for each in found)
    properties = [
        Property(name="auditor:declared-in", value=plain(str(each.dependency.place)))
        for each in found
    ]
    properties += [
        Property(name="auditor:not-checked", value=each.reason)
        for each in found
        if isinstance(each, NotChecked)
    ]
    if dependency.specifier:
        properties.append(Property(name="auditor:specifier", value=plain(dependency.specifier)))
    namespace, _, name = dependency.name.rpartition("/")
    return Component(
        name=plain(name),
        group=plain(namespace) or None,
        version=plain(dependency.version) or None,
        type=ComponentType.LIBRARY,
        bom_ref=reference,
        purl=_purl(dependency),
        scope=ComponentScope.REQUIRED if production else ComponentScope.EXCLUDED,
        properties=properties,
    )


def _relate(
    bom: Bom, root: Component, components: dict[str, Component], dependencies: Sequence[Dependency]
) -> None:
    """The application requires what its manifests name; packages what their lock file says."""
    by_name: dict[tuple[str, str, str], list[Component]] = defaultdict(list)
    for each in dependencies:
        by_name[each.place.path, each.ecosystem, each.name].append(components[_reference(each)])
    needed: dict[str, dict[str, Component]] = defaultdict(dict)
    direct: dict[str, Component] = {}
    for each in dependencies:
        reference = _reference(each)
        if each.direct:
            direct[reference] = components[reference]
        for name in each.requires:
            for component in by_name.get((each.place.path, each.ecosystem, name), ()):
                needed[reference][str(component.bom_ref)] = component
    bom.register_dependency(root, direct.values())
    for reference, component in components.items():
        bom.register_dependency(component, needed[reference].values())


def _vulnerabilities(places: dict[str, list[Finding]]) -> list[Vulnerability]:
    affected: dict[str, tuple[Advisory, set[str], str]] = {}
    for reference, found in places.items():
        for finding in found:
            if isinstance(finding, NotChecked):
                continue
            upgrade = finding.upgrade if isinstance(finding, Checked) else ""
            for advisory in finding.advisories:
                _, references, _ = affected.setdefault(advisory.id, (advisory, set(), upgrade))
                references.add(reference)
    return [
        Vulnerability(
            bom_ref=advisory.id,
            id=advisory.id,
            source=VulnerabilitySource(name=advisory.source),
            references=[
                VulnerabilityReference(id=alias, source=VulnerabilitySource(name=advisory.source))
                for alias in advisory.aliases
            ],
            ratings=[_rating(advisory)],
            description=plain(advisory.summary) or None,
            recommendation=f"Upgrade to {upgrade}." if upgrade else None,
            affects=[BomTarget(ref=reference) for reference in sorted(references)],
        )
        for _, (advisory, references, upgrade) in sorted(affected.items())
    ]


def _rating(advisory: Advisory) -> VulnerabilityRating:
    score = None if advisory.score is None else Decimal(str(advisory.score))
    return VulnerabilityRating(
        score=score, severity=VulnerabilitySeverity(advisory.severity or "unknown")
    )
