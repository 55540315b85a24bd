"""What a file's name says of the values in it."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field

from auditor.discover.kinds import Kind, Role, kind_of
from auditor.engines import Words


@dataclass(frozen=True)
class Place:
    """What the file's name says of the values in it."""

    name: str
    role: Role
    text: bytes = field(default=b"", repr=False)

    @functools.cached_property
    def settings(self) -> bool:
        return _SETTINGS_FILE.search(self.name)

    @functools.cached_property
    def lines(self) -> bool:
        """Each line gives one value, without quotes."""
        return not self.code and _LINE_FILE.search(self.name)

    @functools.cached_property
    def yaml(self) -> bool:
        return _YAML.search(self.name)

    @functools.cached_property
    def shell(self) -> bool:
        return _SHELL.search(self.name)

    @functools.cached_property
    def sql(self) -> bool:
        return self.name.lower().endswith(".sql")

    @functools.cached_property
    def prose(self) -> bool:
        return _PROSE.search(self.name)

    @functools.cached_property
    def code(self) -> bool:
        return _CODE.search(self.name)

    @functools.cached_property
    def words(self) -> bool:
        """Texts for people, in one language."""
        return _TRANSLATION.search(self.name)

    @functools.cached_property
    def deploys(self) -> bool:
        """Whether the file is read by what starts the application."""
        return self.lines or self.yaml or _DEPLOYMENT.search(self.name)

    @functools.cached_property
    def composes(self) -> bool:
        """Whether services are started from it, as Docker's Compose does, whatever it is called."""
        if kind_of(self.name) is Kind.COMPOSE:
            return True
        return self.yaml and b"image:" in self.text and bool(_SERVICES.search(self.text))

    @functools.cached_property
    def says_it_is_a_template(self) -> bool:
        """Whether the comment that a settings file begins with tells to copy it and fill it in."""
        if self.code or not self.settings:
            return False
        match = _HEADER.match(self.text)
        if match is None:
            return False
        copied = self.name != ".env" and _TO_COPY.search(match[0])
        return bool(copied or _TEMPLATE.search(match[0]))

    @functools.cached_property
    def makes_secrets(self) -> bool:
        """Whether Kubernetes is told what its Secrets hold."""
        return self.yaml and bool(_SECRET_OF_KUBERNETES.search(self.text))

    @functools.cached_property
    def spring(self) -> bool:
        """Whether Spring Boot reads it: https://docs.spring.io/spring-boot/reference/features/external-config.html."""
        return _SPRING.search(self.name)

    @functools.cached_property
    def terraform(self) -> bool:
        return _TERRAFORM.search(self.name)


_HEADER = re.compile(rb"(?:---\r?\n)?(?:[ \t]{0,4}#[^\n]{0,200}\n|[ \t]{0,4}\r?\n){1,20}")
_TEMPLATE = re.compile(rb"(?i)\bthis is an? (?:\w+ )?template\b|\breplace all placeholder")
_TO_COPY = re.compile(rb"(?i)\bcop(?:y|ied) (?:this|the|it)\b[^\n]{0,60}\b(?:to|as|into)\b")
"""It says so of itself, unless it is the copy."""
_SERVICES = re.compile(rb"(?m)^services:[ \t]*\r?\n[ \t]+[\w.\-]+:[ \t]*\r?$")
_SECRET_OF_KUBERNETES = re.compile(rb"(?m)^kind:[ \t]*[\"']?Secret\b")
_SPRING = Words(r"^(?:application|bootstrap)(?:-[\w\-]+)?\.(?:ya?ml|properties)$")
_YAML = Words(r"(?i)\.ya?ml(?:\.|$)")
_SHELL = Words(
    r"(?i)\.(?:sh|bash|zsh|envrc|bat|ps1)$|^\.(?:bash|zsh)_?[a-z]+$|^\.profile$|dockerfile|^procfile|makefile"
)
_CODE = Words(r"(?i)\.(?:py|ipynb|[cm]?[jt]sx?|vue|svelte|rb|php|go|java|kts?|scala|cs|rs|exs?)$")
_PROSE = Words(r"(?i)\.(?:md|rst|txt|log|mdx|adoc|out|csv)$")
_DEPLOYMENT = Words(r"(?i)dockerfile|\.(?:tfvars|tf|toml)$")
_TERRAFORM = Words(r"(?i)\.(?:toml|tfvars|tf)$")
_SETTINGS_FILE = Words(
    r"(?i)(?:^|\.)env(?:\.|$)|^\.?env[_\-][a-z]+$|^\.env[a-z]{1,8}$|^\.(?:django|postgres|mysql|redis|celery|flower|minio|rabbitmq)$|\.(?:ya?ml|ini|cfg|conf|toml|properties|tfvars|tf|envrc)$|dockerfile|(?:^|[._\-]|orm|db)(?:settings|config|secrets?"
    r"|credentials?|constants|appsettings)[\w.\-]*\.(?:py|jsx?|tsx?|json|php|rb)$|^web\.config$|^\.npmrc$|^\.pypirc$|^\.netrc$"
)
_LINE_FILE = Words(
    r"(?i)(?:^|\.)env(?:\.|$)|^\.?env[_\-][a-z]+$|^\.env[a-z]{1,8}$|^\.(?:django|postgres|mysql|redis|celery|flower|minio|rabbitmq)$|\.(?:ini|cfg|conf|properties|envrc)$|^\.npmrc$|^\.pypirc$|^\.?credentials$|^\.my\.cnf$|^\.s3cfg$|^\.boto$"
)
_TRANSLATION = Words(
    r"(?i)^(?:messages|translations?|locales?|i18n|strings|lang|labels)?[_.\-]?(?:(?:ar|bg|bn|ca|cs|da|de|el|en|es|et|eu|fa|fi|fr|gl|he"
    r"|hi|hr|hu|id|it|ja|ka|ko|lt|lv|mk|mn|ms|nb|nl|nn|no|pl|pt|ro|ru|sk|sl|sq|sr|sv|sw|ta|te|th|tr|uk|ur|uz|vi|zh)(?:[_\-][a-z]{2,4})?)?"
    r"\.(?:json|ya?ml|properties|po|pot|xlf|arb|resx|strings)$"
)
