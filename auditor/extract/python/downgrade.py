"""Newer Python written in older words, line for line.

libcst reads syntax that the running interpreter may not know; what is newer than Python 3.10 is
rewritten: `except*` (PEP 654), type parameters and `type X = …` (PEP 695), f-strings that reuse
their quotes (PEP 701), template strings (PEP 750), several exceptions without brackets (PEP 758).
Lines stay where they are.
"""

from __future__ import annotations

import re

import libcst as cst

_BARE_EXCEPTIONS = re.compile(
    r"^([^\S\n]*except\*?[^\S\n]+)([\w.]+(?:[^\S\n]*,[^\S\n]*[\w.]+)+)(?=[^\S\n]*:)", re.M
)


class NotPython(Exception):
    """libcst does not read the source either."""


def downgrade(source: str) -> str:
    """`source` in the grammar of Python 3.10. Raises NotPython."""
    try:
        bracketed = _BARE_EXCEPTIONS.sub(r"\1(\2)", source)
        return cst.parse_module(bracketed).visit(_Older()).code
    except (cst.ParserSyntaxError, RecursionError, cst.CSTValidationError) as error:
        raise NotPython(str(error)) from error


class _Older(cst.CSTTransformer):
    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef:
        return updated_node.with_changes(type_parameters=None)

    def leave_ClassDef(
        self, original_node: cst.ClassDef, updated_node: cst.ClassDef
    ) -> cst.ClassDef:
        return updated_node.with_changes(type_parameters=None)

    def leave_TypeAlias(
        self, original_node: cst.TypeAlias, updated_node: cst.TypeAlias
    ) -> cst.Assign:
        target = cst.AssignTarget(updated_node.name)
        return cst.Assign([target], updated_node.value, semicolon=updated_node.semicolon)

    def leave_TryStar(self, original_node: cst.TryStar, updated_node: cst.TryStar) -> cst.Try:
        handlers = [
            cst.ExceptHandler(
                body=handler.body,
                type=handler.type,
                name=handler.name,
                leading_lines=handler.leading_lines,
                whitespace_after_except=cst.SimpleWhitespace(" "),
            )
            for handler in updated_node.handlers
        ]
        return cst.Try(
            updated_node.body,
            handlers,
            updated_node.orelse,
            updated_node.finalbody,
            leading_lines=updated_node.leading_lines,
        )

    def leave_FormattedString(
        self, original_node: cst.FormattedString, updated_node: cst.FormattedString
    ) -> cst.BaseExpression:
        if not any(isinstance(p, cst.FormattedStringExpression) for p in updated_node.parts):
            return updated_node
        return _as_plain_quotes(updated_node)

    def visit_ConcatenatedString(self, node: cst.ConcatenatedString) -> bool:
        return False  # a part that becomes a call has no place in one

    def leave_ConcatenatedString(
        self, original_node: cst.ConcatenatedString, updated_node: cst.ConcatenatedString
    ) -> cst.BaseExpression:
        """Strings side by side, added where one of them is no string any more."""
        parts: list[cst.BaseExpression] = []
        gaps: list[cst.BaseParenthesizableWhitespace] = []
        rest: cst.BaseExpression = original_node
        while isinstance(rest, cst.ConcatenatedString):
            parts.append(_visited(rest.left, self))
            gaps.append(rest.whitespace_between)
            rest = rest.right
        parts.append(_visited(rest, self))
        if not any(isinstance(part, cst.Call) for part in parts):
            whole = parts.pop()
            for gap, part in zip(reversed(gaps), reversed(parts), strict=True):
                whole = cst.ConcatenatedString(part, whole, whitespace_between=gap)  # type: ignore[arg-type]
            return whole.with_changes(lpar=original_node.lpar, rpar=original_node.rpar)
        whole = parts[0]
        for gap, part in zip(gaps, parts[1:], strict=True):
            plus = cst.Add(whitespace_before=gap, whitespace_after=cst.SimpleWhitespace(" "))
            whole = cst.BinaryOperation(whole, plus, part)
        return whole.with_changes(
            lpar=[cst.LeftParen(), *original_node.lpar],
            rpar=[*original_node.rpar, cst.RightParen()],
        )


def _visited(node: cst.BaseExpression, visitor: cst.CSTTransformer) -> cst.BaseExpression:
    found = node.visit(visitor)
    return found if isinstance(found, cst.BaseExpression) else node


def _as_plain_quotes(node: cst.FormattedString) -> cst.BaseExpression:
    """An f-string whose expressions reuse its quotes, as an f-string of names it can hold.

    Where the embedded code holds a quote, a backslash or a comment, which older versions refuse,
    the string becomes a concatenation of its parts: the same expressions at the same lines.
    """
    module = cst.Module([])
    quote = node.end[0]
    codes = [
        module.code_for_node(part)
        for part in node.parts
        if isinstance(part, cst.FormattedStringExpression)
    ]
    if not any(quote in code or "\\" in code or "#" in code for code in codes):
        return node
    pieces = []
    for part in node.parts:
        if isinstance(part, cst.FormattedStringExpression):
            whole, inner = module.code_for_node(part), module.code_for_node(part.expression)
            before, _, after = whole.partition(inner)
            pieces.append("\n" * before.count("\n") + f"({inner})," + "\n" * after.count("\n"))
        elif isinstance(part, cst.FormattedStringText):
            pieces.append(f"{part.value!r}," + "\n" * part.value.count("\n"))
    return cst.parse_expression('"".join((' + "".join(pieces) + "))")
