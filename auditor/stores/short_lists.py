"""Tables that read like short lists: of what other records refer to (categories, roles, academic years), or of settings.

Told by the last word of the name together with the columns: nothing but what describes an entry, and nobody whose
record it is. How many entries there are, the code does not say: that an index is missing there is not certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from auditor.stores.sql.entities import snake

_ENDS = re.compile(
    r"(?:categor(?:y|ies)|roles?|permissions?|types?|status(?:es)?|years?|terms?|semesters?|levels?|genres?|countr(?:y|ies)|continents?|currenc(?:y|ies)"
    r"|languages?|departments?|designations?|speciali[sz]ations?|specialt(?:y|ies)|departamentos?|categorias?|units?"
    r"|methods?|genders?|blood_?groups?|nationalit(?:y|ies)|complexit(?:y|ies)|occupations?|professions?"
    r"|(?:billing|brand|member(?:ship)?|payment|pric(?:e|ing)|service|shop|store|subscription|tariff)plans?|tariffs?)$"
)
_WHOLE = re.compile(
    r"^(?:kinds?|states?|priorit(?:y|ies)|quarters?|grades?|standards?|streams?|sections?|subjects?|facult(?:y|ies)|divisions?|disciplines?"
    r"|locales?|units?|plans?|tiers?|settings?|configs?|holidays?|shifts?|stages?|brands?|regions?|provinces?|zones?|amenit(?:y|ies)|badges?|colou?rs?|sizes?|tax(?:es)?|ranks?|religions?|banners?|sliders?|slides?|faqs?)$"
)
_BEGINS = re.compile(
    r"^(?:estados?|tip[oi]s?|categor[ií]as?|categorie|r[oô]l(?:es)?|ruol[oi]|perfil(?:es)?|perfis|pa[ií]s(?:es)?|provincias?|marcas?|idiomas?|mon?edas?"
    r"|g[eé]neros?|especialidad(?:es?)?|unidad(?:es?)?|nivel(?:es)?|n[ií]veis|m[eé]todos?|statuts?|types?)$"
)
"""The same in Spanish, Portuguese, Italian and French, whose names begin with what the entries are: `tipo_producto`."""
_ROLES = "auth_group"
"""Django's own groups: https://docs.djangoproject.com/en/stable/topics/auth/default/#groups."""
_SOMEBODY = re.compile(
    r"^(?:user|owner|customer|author|member|account|client|tenant|organi[sz]ation|org|company|workspace|team|project|student|teacher"
    r"|employee|seller|vendor|shop|store|hotel|school|branch)(?:_?id)?$"
)
_DESCRIBES = re.compile(
    r"^(?:_?id|uuid|guid|pk|(?:\w*name|title|label|desc(?:ription)?)(?:_[a-z]{2})?|(?:nombre|nome|nom|t[ií]tulo|descri\w+|c[oó]digo)(?:_\w+)?|(?:\w+_)?code|slug|\w*order|position|rank|level|\w*value|weight|colou?r|key|\w*(?:icon|image|photo|picture|logo|thumbnail)\w*"
    r"|is_\w+|\w*active|enabled|default|status|type|kind|year|number|abbreviation|symbol|(?:start|end|begin)(?:s|_?date|_?at|_?time)?|parent(?:_?id)?"
    r"|(?:created|updated|modified|deleted|added)\w*|(?:create|update|modify)_(?:time|date|at|by)(?:_id)?|[cmu]time|(?:date|time)_\w+|last_\w+|amount|price|rate|capacity|notes?|remarks?)$"
)
_OF_ALL = (
    r"(?:admin|app|application|base|common|company|core|general|global|main|payment|platform|restaurant|runtime|school|shop|site|store|system"
    r"|web|website)_?"
)
_SETTINGS = re.compile(
    rf"(?:^(?:{_OF_ALL})*|_(?:{_OF_ALL})+)(?:settings?|config(?:uration)?s?|options?|preferences?)$"
    r"|^(?:(?:schema|db|applied)_)?migrations?$|^(?:schema|alembic|db)_versions?$"
)
"""Also as Django calls the table of a model: `courses_systemsettings`."""
_PRICED = re.compile(r"^(?:plans?|tiers?|tariffs?)$")
_PRICE = re.compile(r"(?:^|_)(?:price|cost|fee|amount)(?:_|$)")
"""What is sold at a few prices; a plan without one may be anybody's."""
_LEADS = re.compile(
    r"(?:^|_)(?:manager|head|teacher|leader|supervisor|coordinator|director|dean|hod|in_?charge)$"
)
"""Who looks after an entry: nobody has many."""
_WHOSE = re.compile(
    r"^(?:group|guild|server|chat|channel|device|session|player|profile|user_?name|login|e?mail|phone|uid|sub"
    r"|question|poll|quiz|survey|product|item|variant|order)s?$"
)
"""Whose settings or options they are, besides."""
_MOST = 2
"""How many columns may say something else."""


def reads_like_a_list(name: str, columns: Iterable[str], *, seeded: bool = False) -> bool:
    """Whether a table or collection reads like a short list, by its name and its columns' names.

    Of one that constants of the code fill besides, and of plans with a price, any columns may say what an entry is.
    """
    columns = tuple(columns)
    set_once = _SETTINGS.search(snake(name).rpartition(".")[2])
    if set_once and not any(_WHOSE.match(snake(column)) for column in columns):
        return describes_entries(name, columns, most=len(columns))  # whatever is set
    if name == _ROLES:
        return True
    first, *rest = snake(name).rpartition(".")[2].split("_")
    last = rest[-1] if rest else first
    if not (_names_a_list(last) or _BEGINS.match(first)):
        return False
    told = seeded or (_PRICED.match(last) and any(map(_PRICE.search, map(snake, columns))))
    return describes_entries(name, columns, most=len(columns) if told else _MOST)


def describes_entries(name: str, columns: Iterable[str], most: int = _MOST) -> bool:
    """Whether columns do little more than to describe the entry of a list, and nobody is among them."""
    own = re.escape(re.sub(r"(?:ies|es|s)$", "", re.split(r"[._]", snake(name))[-1]))
    spelt = [re.sub(rf"^{own}(?:y|e)?_", "", snake(column)) for column in columns]
    if any(map(_SOMEBODY.match, spelt)):
        return False
    other = [column for column in spelt if not _DESCRIBES.match(column)]
    keys = [column.removesuffix("_id") for column in other if column.endswith("_id")]
    leaders = [key for key in keys if _LEADS.search(key)]
    told = all(_names_a_list(key) for key in keys if key not in leaders)
    return told and len(leaders) <= 1 and len(other) - len(keys) <= most


def _names_a_list(word: str) -> bool:
    return bool(_WHOLE.match(word) or _ENDS.search(word))
