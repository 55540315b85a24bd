"""What the command line writes: reports, tables, progress."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from auditor.assess.rule import SECTIONS, Rule
from auditor.config import ConfigError, nearest
from auditor.link.application import Application
from auditor.render import FORMATS, renderer
from auditor.render.safe import plain
from auditor.report import limits
from auditor.report.document import Report

_MOST_LIMITS = 16


def check_format(format_: str) -> None:
    """Raises ConfigError for a format that there is not."""
    if format_ == "cyclonedx":
        raise ConfigError("an SBOM is written by `audit inventory dependencies --format cyclonedx`")
    if format_ not in FORMATS:
        raise ConfigError(f"no format {format_!r}{nearest(format_, list(FORMATS))}")


def target(text: str) -> tuple[str, Path]:
    """(format, file) of `FILE` or `FORMAT:FILE`."""
    format_, colon, file = text.partition(":")
    if colon and format_ in FORMATS:
        return format_, Path(file)
    for known, suffix in FORMATS.items():
        if Path(text).suffix == suffix:
            return known, Path(text)
    raise ConfigError(f"{text}: no format has that suffix; write FORMAT:FILE")


def write(report: Report, format_: str, file: Path) -> None:
    file.write_text(renderer(format_)(report), "utf-8")


def show(report: Report, format_: str, no_color: bool, verbose: bool) -> None:
    if format_ != "terminal":
        sys.stdout.write(renderer(format_)(report))
        return
    from rich.console import Console

    from auditor.render import terminal

    if sys.stdout.isatty():
        console = Console(no_color=no_color, highlight=False, emoji=False)
        terminal.show(report, console, verbose)
    else:
        sys.stdout.write(terminal.render(report, verbose))


def show_table(rows: Sequence[Any], module: Any, format_: str, no_color: bool) -> None:
    if format_ == "json":
        found = module.as_json(rows) if hasattr(module, "as_json") else rows
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")
    elif hasattr(module, "show"):
        print_lines(module.show, rows, no_color)
    else:
        columns, cells = module.table(rows)
        print_table(columns, cells, no_color)


def tell_limits(application: Application, *, routes: bool) -> None:
    """Beside an inventory, what it cannot know of; routes that were not seen matter to that of routes."""
    told = [f"{path} was not read: {reason}" for path, reason in limits.unread(application)]
    spots = limits.blind(application) if routes else []
    told += [
        f"not looked at: {limit}" for limit in (*spots, *limits.left_out(application, named=True))
    ]
    for line in told[:_MOST_LIMITS]:
        sys.stderr.write(f"? {plain(line)}\n")
    if len(told) > _MOST_LIMITS:
        sys.stderr.write(f"? and {len(told) - _MOST_LIMITS} more\n")


def print_lines(lines: Callable[..., Any], rows: Sequence[Any], no_color: bool) -> None:
    """Lines of (text, style), made for the width of the terminal."""
    from rich.console import Console
    from rich.text import Text

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120
    console = Console(no_color=no_color, width=width, highlight=False, emoji=False)
    for parts in lines(rows, console.width):
        line = Text(no_wrap=True, overflow="ellipsis")
        for text, style in parts:
            line.append(plain(text), style)
        console.print(line)


def print_table(columns: Sequence[str], cells: Sequence[Sequence[str]], no_color: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in cells:
        table.add_row(*(Text(plain(cell)) for cell in row))
    width = None if sys.stdout.isatty() else 160
    Console(no_color=no_color, width=width, highlight=False, emoji=False).print(table)


def explain(rule: Rule) -> None:
    lines = [
        f"{rule.title} ({rule.id})",
        f"{SECTIONS[rule.section]}, plainly worth {rule.severity.word}",
        "",
        rule.question,
        "",
        rule.documentation,
        "",
        f"Risk: {rule.risk}",
        f"Fix:  {rule.fix}",
        "",
        "References:",
        *(f"  {reference.id}: {reference.url}" for reference in rule.references),
    ]
    for word, examples in (("good", rule.good), ("bad", rule.bad)):
        for number, example in enumerate(examples, 1):
            lines += ["", f"Example, {word} {number}:"]
            for name, content in example.items():
                lines.append(f"  {name}")
                lines += [f"    {line}" for line in content.strip("\n").split("\n")]
    sys.stdout.write("\n".join(lines) + "\n")


@contextlib.contextmanager
def progress(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, on a terminal, when there is more than a moment's work."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def one_line(error: BaseException) -> str:
    """An error's message in one harmless line."""
    if isinstance(error, OSError) and error.filename is not None:
        return plain(f"{error.filename}: {(error.strerror or 'cannot be used').lower()}")
    return plain(" ".join(str(error).split()))[:500]
