"""What the templates of a tree may take from the context that they are given.

Sources: https://docs.djangoproject.com/en/stable/ref/templates/language/,
https://docs.djangoproject.com/en/stable/howto/custom-template-tags/, https://jinja.palletsprojects.com/en/stable/templates/.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from auditor.discover import Role
from auditor.extract.python import tree as t
from auditor.extract.readers.templates import TemplateNames
from auditor.link.application import Application, provides
from auditor.link.scopes import argument

_TAGS = {
    "autoescape", "endautoescape", "block", "endblock", "comment", "endcomment", "cycle", "csrf_token", "extends",
    "filter", "endfilter", "firstof", "for", "empty", "endfor", "if", "elif", "else", "endif", "ifchanged",
    "endifchanged", "ifequal", "endifequal", "ifnotequal", "endifnotequal", "include", "load", "now", "regroup",
    "resetcycle", "spaceless", "endspaceless", "templatetag", "url", "verbatim", "endverbatim", "widthratio",
    "with", "endwith", "partial", "partialdef", "endpartialdef", "querystring", "lorem", "trans", "translate",
    "blocktrans", "blocktranslate", "endblocktrans", "endblocktranslate", "plural", "language", "endlanguage",
    "get_current_language", "get_current_language_bidi", "get_available_languages", "get_language_info",
    "get_language_info_list", "localize", "endlocalize", "localtime", "endlocaltime", "timezone", "endtimezone",
    "get_current_timezone", "cache", "endcache", "static", "get_static_prefix", "get_media_prefix", "macro",
    "endmacro", "call", "endcall", "import", "from", "set", "endset", "do", "raw", "endraw", "endtrans",
    "pluralize", "break", "continue", "crispy", "bootstrap_form", "bootstrap_field", "bootstrap_button",
    "bootstrap_css", "bootstrap_javascript", "bootstrap_alert", "render_field", "thumbnail", "endthumbnail",
    "compress", "endcompress", "render_bundle", "provider_login_url", "user_display",
}  # fmt: skip
"""Tags of Django, of Jinja and of well-known packages that take nothing from the context but what they are told, or
names of their own."""
_OF_PACKAGES = ("admin/", "registration/", "django/", "rest_framework/", "bootstrap/")
"""Templates that packages bring, which take what their own views give them."""
_FOLDERS = ("templates/", "jinja2/")
_MAKES_TAGS = {"simple_tag", "inclusion_tag", "assignment_tag", "simple_block_tag", "tag"}
_MARKS = re.compile(r"\{[{%]")
_WORD = re.compile(r"\w+")
_SEES_CONTEXT = {"pass_context", "contextfunction", "contextfilter"}
"""What gives a function or filter of Jinja all of the context."""
_SPELT_ANEW = {"block_start_string", "variable_start_string", "line_statement_prefix", "line_comment_prefix"}  # fmt: skip


class Templates:
    """Tells what a template and all that it extends, includes and imports name."""

    def __init__(self, application: Application) -> None:
        self.application, self.code = application, application.code
        self._known: dict[str, frozenset[str] | None] = {}

    def words(self, name: str) -> frozenset[str] | None:
        """The words that the template of this name may mean something of its context by; None where that is not sure.

        Of several files that a name may mean, all count.
        """
        if name not in self._known:
            self._known[name] = self._words(name)
        return self._known[name]

    def _words(self, name: str) -> frozenset[str] | None:
        words, taken, left = set(self._of_code), set[str](), [name]
        while left:
            part = left.pop()
            if part in taken:
                continue
            taken.add(part)
            files = list(self._files(part))
            if not files and not (part != name and part.startswith(_OF_PACKAGES)):
                return None
            for found in files:
                if found is None or found.is_open or not self._tags.issuperset(found.tags):
                    return None
                words.update(found.words)
                left += found.parts
        return frozenset(words)

    def _files(self, name: str) -> Iterable[TemplateNames | None]:
        """What the files say that a name may mean; nothing where none lies in a folder for templates."""
        yield from (self._read.get(path) for path in self.paths(name))

    def paths(self, name: str) -> list[str]:
        """The files that a name may mean; none where none lies in a folder for templates."""
        paths = [p for p in self._paths[name.rpartition("/")[2]] if f"/{p}".endswith(f"/{name}")]
        told = any(f"/{p}".endswith(f"/{folder}{name}") for p in paths for folder in _FOLDERS)
        return paths if told else []

    @functools.cached_property
    def _read(self) -> dict[str, TemplateNames]:
        return {file.path: found for file, found in self.application.of(TemplateNames, *Role)}

    @functools.cached_property
    def _paths(self) -> defaultdict[str, list[str]]:
        """The files of the tree, and those that were left out, by their last names."""
        tree, found = self.application.tree, defaultdict[str, list[str]](list)
        for path in (*(f.path for f in tree.files), *(x.path for x in tree.left_out)):
            found[path.rpartition("/")[2]].append(path)
        return found

    @functools.cached_property
    def _of_code(self) -> frozenset[str]:
        """The words of templates that stand in the code: a form's layout, a column of a table."""
        texts = (
            node.value for node, _ in self.code.of_kind(t.Const) if isinstance(node.value, str)
        )
        return frozenset(word for x in texts if _MARKS.search(x) for word in _WORD.findall(x))

    @functools.cached_property
    def _tags(self) -> frozenset[str]:
        """The tags that see no more of a context than what they are told."""
        plain, seeing = set[str](), set[str]()
        for function in self.code.functions():
            assert isinstance(function.node, t.Function)
            for decorator in function.node.decorators:
                if (kind := t.last_word(t.callee(decorator))) in _MAKES_TAGS:
                    given = decorator if isinstance(decorator, t.Call) else None
                    named = argument(given, 0 if kind == "tag" else None, "name") if given else None
                    name = named.value if isinstance(named, t.Const) else function.node.name
                    keywords = given.keywords if given else []
                    sees = kind == "tag" or any(k.name in ("takes_context", None) for k in keywords)
                    (seeing if sees else plain).add(str(name))
        return frozenset((_TAGS | plain) - seeing)

    @functools.cached_property
    def is_plain_jinja(self) -> bool:
        """Whether templates of Jinja are spelt as they are by default, and none of their functions sees the context."""
        told = _SPELT_ANEW | _SEES_CONTEXT
        return not any(word in told for word in self._spoken())

    def _spoken(self) -> Iterator[str]:
        for function in self.code.functions():
            yield from (t.last_word(t.callee(d)) for d in function.node.decorators)  # type: ignore[attr-defined]
        for assign, _ in self.code.of_kind(t.Assign):
            yield from map(t.last_word, assign.targets)
        yield from (name for node, _ in self.code.of_kind(t.Import) for name, _ in node.names)
        yield from (str(node.value) for node, _ in self.code.of_kind(t.Const))
        yield from (k.name or "" for call in self.code.all_calls() for k in call.node.keywords)


@provides(Templates)
def templates(application: Application) -> list[Templates]:
    return [Templates(application)]
