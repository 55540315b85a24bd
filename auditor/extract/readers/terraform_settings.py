"""Settings that Terraform gives to what it starts, in any provider's spelling.

Maps (`environment`, `variables`, `app_settings`, `env_vars`), blocks (`env { name = … value = … }`) and
lists of names with values, also those of `container_definitions`. What an expression decides is kept elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import re2

from auditor.discover import Kind
from auditor.extract.facts import Fact
from auditor.extract.readers.environments import GivenSetting
from auditor.extract.readers.terraform import Block, blocks
from auditor.extract.sensitive import is_placeholder, safe_value
from auditor.extract.source import Source, extracts

_MAPS = re.compile(
    r"env|environment|environment_variables|env_?(?:vars?|secrets)|variables|app_settings|secrets?(?:_env)?|plain_env_vars?|config_vars|extra_env"
)
_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,100}")
_EXPRESSION = re.compile(
    r"\$\{|^(?:var|local|data|module|each|self|random_\w+|[a-z]+_\w+)\.|\(|^arn:"
)
_IN_TEXT = re2.compile(
    r"\"name\"\s*:\s*\"([A-Z][A-Z0-9_]{1,100})\"\s*,\s*\"(value|valueFrom)\"\s*:\s*\"([^\"\n]{0,300})\""
)
"""Container definitions that stand as JSON in a text."""


@extracts(Kind.PLATFORM, name=r".+\.(?:tf|tfvars|hcl)")
def terraform_settings(source: Source) -> Iterator[Fact]:
    for block in blocks(source.text):
        for each in block.walk():
            yield from _given(each)
    for match in _IN_TEXT.finditer(source.text):
        line = source.text.count("\n", 0, match.start()) + 1
        yield _setting(match[1], match[3], match[2] == "valueFrom", line)


def _given(block: Block) -> Iterator[GivenSetting]:
    name = block.attributes.get("name", block.attributes.get("key", ""))
    told = next(
        (k for k in ("value", "valueFrom", "value_from", "secret") if k in block.attributes), ""
    )
    sourced = any(each.kind in ("value_from", "value_source") for each in block.blocks)
    if _NAME.fullmatch(name) and (told or sourced):
        value = block.attributes.get(told, "")
        yield _setting(name, value, told != "value", block.lines.get("name", block.line))
    elif _MAPS.fullmatch(block.kind):
        for name, value in block.attributes.items():
            if _NAME.fullmatch(name):
                away = "secret" in block.kind
                yield _setting(name, value, away, block.lines[name])


def _setting(name: str, value: str, away: bool, line: int) -> GivenSetting:
    away = away or bool(_EXPRESSION.search(value))
    shown = "" if away else safe_value(name, value.rstrip(","))
    return GivenSetting(name, shown, away, not away and is_placeholder(value), "", line)
