"""The rule: one question about the whole application, in one file."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import msgspec

from auditor.assess.verdict import Severity, Verdict

if TYPE_CHECKING:
    from auditor.link.application import Application

SECTIONS = {
    "security": "Security and configuration",
    "performance": "Performance and scalability",
    "reliability": "Reliability and monitoring",
    "deployment": "Deployment and operations",
}


class Reference(msgspec.Struct, frozen=True):
    """A published source for a rule."""

    id: str
    url: str


def cwe(number: int) -> Reference:
    return Reference(f"CWE-{number}", f"https://cwe.mitre.org/data/definitions/{number}.html")


def owasp_api(number: int) -> Reference:
    """An entry of the OWASP API Security Top 10, 2023."""
    slugs = {
        1: "broken-object-level-authorization",
        2: "broken-authentication",
        3: "broken-object-property-level-authorization",
        4: "unrestricted-resource-consumption",
        5: "broken-function-level-authorization",
        6: "unrestricted-access-to-sensitive-business-flows",
        7: "server-side-request-forgery",
        8: "security-misconfiguration",
        9: "improper-inventory-management",
        10: "unsafe-consumption-of-apis",
    }
    base = "https://owasp.org/API-Security/editions/2023/en"
    return Reference(f"OWASP API{number}:2023", f"{base}/0xa{number:x}-{slugs[number]}/")


def asvs(section: str) -> Reference:
    """A requirement of the OWASP Application Security Verification Standard 5.0."""
    return Reference(
        f"ASVS v5.0.0-{section}",
        "https://owasp.org/www-project-application-security-verification-standard/",
    )


def twelve_factor(topic: str) -> Reference:
    return Reference(f"The Twelve-Factor App: {topic}", f"https://12factor.net/{topic}")


Example = Mapping[str, str]
"""A small application: file name -> content.

In a `bad` example a comment `expect: SEVERITY` (`# expect: high`) on a line says that the rule
must report that line with that severity, and no other line.
"""


class Rule(abc.ABC):
    """A question about the application, and how it is answered.

    The docstring's first line states the control as it should be; the rest is the documentation
    shown by `audit explain`: why it matters, when the severity differs from the plain case, what
    is not judged. `risk` and `fix` are one or two sentences for somebody who is not a security
    engineer. `good` applications must pass, or at least raise no finding; `bad` ones must give
    exactly the findings marked in them.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    section: ClassVar[str]
    severity: ClassVar[Severity]
    """What the plain case is worth; also the rule's weight in the grade."""
    risk: ClassVar[str]
    fix: ClassVar[str]
    references: ClassVar[tuple[Reference, ...]] = ()
    effort: ClassVar[str] = "medium"
    """What the fix takes: small (hours), medium (a day or two), large (more)."""
    texts_only: ClassVar[bool] = False
    """Asks for nothing but what the text of a file tells by itself: no code is read for it."""
    seeks: ClassVar[bool] = False
    """Fails where nothing of its kind is found, so that a file that cannot be read leaves it open."""
    good: ClassVar[tuple[Example, ...]]
    bad: ClassVar[tuple[Example, ...]]

    @abc.abstractmethod
    def assess(self, application: Application) -> Verdict:
        """Answer the question. Must not raise; whatever it says must rest on evidence."""

    @property
    def question(self) -> str:
        return inspect.cleandoc(self.__doc__ or "").partition("\n")[0]

    @property
    def documentation(self) -> str:
        return inspect.cleandoc(self.__doc__ or "").partition("\n")[2].strip()
