"""Hostile text, shown."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from auditor.render.safe import code, markdown, plain


@given(st.text())
def test_plain_has_no_control_characters(text: str) -> None:
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in plain(text))


@given(st.text(alphabet="ab \n`*_[]()<>#!|\\-+1.&:/~=\x1b\u202e"))
def test_markdown_makes_nothing_but_text(text: str) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse("- " + markdown(text) + "\n")
    kinds = {child.type for token in tokens for child in (token.children or [])}
    kinds |= {token.type for token in tokens}
    assert kinds <= {
        "bullet_list_open", "list_item_open", "paragraph_open", "inline", "paragraph_close",
        "list_item_close", "bullet_list_close", "text", "code_inline", "text_special",
    }  # fmt: skip


@given(st.text(alphabet="ab `|\\\n"))
def test_a_code_span_holds_anything(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse("- " + code(text) + "\n") if text.strip() else []
    children = [child.type for token in tokens for child in (token.children or [])]
    assert set(children) <= {"code_inline"}


def test_links_do_not_become_links() -> None:
    assert "http://" not in markdown("see http://evil.example")
