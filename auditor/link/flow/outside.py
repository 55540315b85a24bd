"""What functions outside the tree do with what they are given, by their last names."""

from __future__ import annotations

import re

CLEANERS = {
    "int", "float", "bool", "len", "UUID", "ObjectId", "PydanticObjectId", "Decimal", "date",
    "datetime", "fromisoformat", "strptime", "parse_date", "parse_datetime", "ip_address",
    "ip_network", "hash", "id", "isinstance", "type", "abs", "round", "sum", "ord", "any", "all",
    "secure_filename", "clean", "sanitize", "slugify", "md5", "sha1", "sha256", "sha512",
    "hexdigest", "digest", "url_for", "reverse", "reverse_lazy", "url_path_for", "uuid5", "crc32",
    "get_valid_filename", "bindparam", "range", "Identifier", "Literal",
    "get_valid_name", "isoformat", "timestamp", "validate_filename",
}  # fmt: skip
"""Last names of calls whose result holds nothing harmful, whatever they are given.

They convert to a narrow type or keep only harmless characters.
"""

PARSERS = {"int", "float", "Decimal", "UUID", "ip_address", "ip_network"}
"""Of these, calls that fail unless what they are given is a number or an address itself."""

_ENCODERS = {
    "escape": "html", "conditional_escape": "html", "bleach": "html", "linkify": "html",
    "strip_tags": "html", "escapejs": "html", "sanitize_html": "html", "quote": "percent but slashes",
    "quote_plus": "percent", "urlencode": "percent", "b64encode": "encoded",
    "urlsafe_b64encode": "encoded", "b32encode": "encoded", "b16encode": "encoded",
    "hexlify": "encoded", "escape_string": "sql", "quote_ident": "sql", "quote_identifier": "sql",
    "escape_like": "sql", "escape_filter_chars": "ldap", "escape_dn_chars": "ldap", "escape_rdn": "ldap",
    "filter_format": "ldap", "basename": "a name", "safe_join": "a name",
}  # fmt: skip
"""Last names of calls that encode for one place, and the coat that they put on."""

DECODERS = {
    "b64decode": ("encoded",), "urlsafe_b64decode": ("encoded",), "standard_b64decode": ("encoded",),
    "b32decode": ("encoded",), "b16decode": ("encoded",), "unhexlify": ("encoded",),
    "unquote": ("percent", "percent but slashes"), "unquote_plus": ("percent", "percent but slashes"),
    "unescape": ("html",),
}  # fmt: skip
"""Last names of calls that take coats off again."""


def coat_of(name: str, last: str) -> str | None:
    """The coat that a call puts on what it is given, by its canonical and its last name."""
    if last == "clean" and name.startswith(("bleach.", "nh3.")):
        return "html"
    if last == "quote" and name.startswith(("shlex.", "pipes.")):
        return "shell"
    if last == "escape" and name.startswith(("re.", "regex.")):
        return "regex"
    return _ENCODERS.get(last)


_OTHERS = re.compile(r"\[\^((?:[^\]\\]|\\[wdsWDS_.\- ])+)\](?:[+*]|\{\d*,?\d*\})?")
"""A pattern that finds everything but the characters of a class."""
_CLASSES = re.compile(r"\\[wds]|[0-9A-Za-z]-[0-9A-Za-z]")


def coat_of_rest(pattern: str, replacement: str) -> str | None:
    """The coat of what is left when everything that a pattern finds is replaced: `re.sub(r"[^a-z0-9]+", "-", x)`.

    Letters, digits, dashes, underscores and blanks are a name anywhere; with dots it may be that of a host.
    """
    found = _OTHERS.fullmatch(pattern[:200])
    if found is None:
        return None
    left = _CLASSES.sub("", found[1]).replace("\\", "") + replacement
    if not all(char.isalnum() or char in "_-. " for char in left):
        return None
    return "words and dots" if "." in left else "words"


WRAPPERS = {
    "str": "text", "bytes": "text", "repr": "text", "fspath": "text", "unquote": "text",
    "unquote_plus": "text", "b64decode": "text", "urlsafe_b64decode": "text", "unhexlify": "text",
    "dumps": "text", "BytesIO": "file", "StringIO": "file", "smart_str": "text",
    "force_str": "text", "dedent": "text", "normalize": "text", "Template": "same",
    "join": "path", "abspath": "text", "realpath": "text", "normpath": "text", "expanduser": "text",
    "dirname": "text", "Path": "path", "PurePath": "path", "PosixPath": "path", "urljoin": "second",
    "urlparse": "text", "urlsplit": "text", "urlunparse": "same", "parse_qs": "same", "URL": "text",
    "splitext": "same", "split": "same", "sub": "second", "loads": "object", "load_json": "object",
    "list": "same", "tuple": "same", "set": "same", "frozenset": "same", "dict": "same",
    "sorted": "same", "reversed": "same", "iter": "same", "next": "each", "zip": "same",
    "map": "same", "filter": "same", "min": "same", "max": "same", "enumerate": "same",
    "deepcopy": "same", "copy": "same", "chain": "same", "cast": "same", "jsonable_encoder": "same",
    "gather": "same", "run_until_complete": "same", "wait_for": "same", "Request": "same", "asdict": "same", "vars": "same",
    "shield": "same", "ensure_future": "same", "create_task": "same", "from_list": "same",
    "getattr": "same", "format": "text", "SON": "same", "OrderedDict": "same", "defaultdict": "same",
    "unescape": "text", "ImmutableMultiDict": "same",
}  # fmt: skip
"""Last names of functions outside the tree that hand on what they are given, and as what."""

BUILTINS = {
    "filter", "map", "zip", "list", "tuple", "set", "frozenset", "dict", "min", "max", "sorted", "reversed",
    "iter", "next", "enumerate", "vars", "getattr", "str", "bytes", "repr",
}  # fmt: skip
"""Of these, functions of Python itself: a method of the name is another one (`Model.objects.filter(…)`)."""

FILLS = {
    "append", "add", "extend", "insert", "appendleft", "update", "setdefault", "set", "write",
    "put", "put_nowait", "push",
}  # fmt: skip
TEXTUAL = {
    "strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "casefold", "replace",
    "removeprefix", "removesuffix", "encode", "decode", "format", "center", "ljust", "rjust",
    "zfill", "translate", "swapcase", "expandtabs", "join", "format_map", "unicode_string",
    "absolute", "resolve", "as_posix", "expanduser", "joinpath", "with_suffix", "with_name",
    "geturl", "read", "getvalue", "unescape", "hex", "read_text", "group", "expand",
}  # fmt: skip
LISTS = {"split", "rsplit", "splitlines", "partition", "rpartition", "getlist", "get_all"}
ITSELF = {
    "dict", "model_dump", "copy", "to_dict", "items", "values", "json", "get_json", "deepcopy",
    "__getitem__", "asdict", "model_copy", "multi_items", "lists", "jsonable_encoder", "form",
}  # fmt: skip
DUMPS = {"dict", "model_dump", "asdict", "json", "copy", "to_dict"}
MEMBERS = {"get", "pop", "setdefault", "getone", "get_default", "getfirst", "popleft", "get_nowait"}
MATCHING = {"match", "fullmatch", "search", "findall", "finditer", "split"}
"""Functions of `re` that give pieces of a text."""
TELLS = {
    "startswith", "endswith", "isdigit", "isalpha", "isalnum", "isnumeric", "isdecimal", "count",
    "find", "index", "rfind", "isidentifier", "islower", "isupper", "isspace", "exists", "is_file",
    "is_dir", "validate", "keys_match",
}  # fmt: skip
"""Methods of a value whose result holds nothing of it."""
