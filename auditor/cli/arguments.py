"""What may be typed: commands, arguments, options.

The standard library's parser, for it loads in a few milliseconds: reading the texts of a small tree
takes no longer than that.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from auditor.advisories import SERVICES
from auditor.config import FAIL_ON, ConfigError

COMMANDS = {
    "scan": "Audit a repository (the default command).",
    "inventory": "List the routes, the stored data, the settings or the dependencies of an application.",
    "rules": "List every rule.",
    "explain": "Tell what a rule asks, why, what to do, and show its examples.",
    "diff": "Tell what got better between two states, what only looks better, and what got worse.",
}
FORMATS = "terminal, markdown or json."


class _Parser(argparse.ArgumentParser):
    """Wrong usage is a message in one line, as everything else that is wrong."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(message)


def parse(arguments: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The command, and what its function is called with. Raises ConfigError for wrong usage.

    Without a command it is `scan`. Help ends the process (SystemExit), as the parser does it.
    """
    if not arguments or arguments[0] not in (*COMMANDS, "-h", "--help"):
        arguments = ["scan", *arguments]
    parser = _Parser(
        "audit",
        description="Reads the repository of a web application and tells whether it is ready for production.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True, prog="audit")
    for name, told in COMMANDS.items():
        command = commands.add_parser(name, help=told, description=told, allow_abbrev=False)
        if name == arguments[0]:
            _OPTIONS[name](command)
    return arguments[0], vars(parser.parse_args(arguments))


def _scan(parser: _Parser) -> None:
    add = parser.add_argument
    _path(parser)
    _format(parser, FORMATS)
    add(
        "--output",
        "-o",
        action="append",
        default=[],
        dest="outputs",
        metavar="FILE",
        help="Also write FILE; the format by its suffix, or FORMAT:FILE.",
    )
    add(
        "--fail-on",
        metavar="SEVERITY",
        help=f"The least severity that fails: {', '.join(FAIL_ON)}.",
    )
    add("--rule", action="append", default=[], help="Only this rule (repeatable).")
    add(
        "--exclude-rule",
        action="append",
        default=[],
        metavar="RULE",
        help="Not this rule (repeatable).",
    )
    add(
        "--include",
        action="append",
        default=[],
        metavar="PATTERN",
        help="Only files that match (gitignore pattern).",
    )
    add(
        "--exclude",
        action="append",
        default=[],
        metavar="PATTERN",
        help="No files that match (gitignore pattern).",
    )
    add(
        "--config",
        type=Path,
        metavar="FILE",
        help="A configuration instead of the repository's own.",
    )
    _rules(parser)
    add("--history", action="store_true", help="Look for secrets in every commit, too.")
    add("--strict", action="store_true", help="An unknown verdict fails, too.")
    _advisories(parser)
    _reading(parser)
    add("--quiet", "-q", action="store_true", help="No report on standard output.")
    _look(parser)  # fmt: skip


def _inventory(parser: _Parser) -> None:
    parser.add_argument("what", help="routes, data, settings or dependencies.")
    _path(parser)
    _format(parser, "terminal or json.")
    parser.add_argument(
        "--state", action="append", default=[], help="Only routes in this state (repeatable)."
    )
    _advisories(parser)
    _reading(parser)
    _look(parser)


def _list_rules(parser: _Parser) -> None:
    _rules(parser)
    _no_color(parser)


def _explain(parser: _Parser) -> None:
    parser.add_argument("rule", help="The id of a rule.")
    _rules(parser)


def _diff(parser: _Parser) -> None:
    parser.add_argument("before", type=Path, help="A directory, or a JSON report.")
    parser.add_argument(
        "after", type=Path, nargs="?", default=Path("."), help="A directory, or a JSON report."
    )
    _format(parser, FORMATS)
    _reading(parser)
    _verbose(parser)


_OPTIONS = {
    "scan": _scan,
    "inventory": _inventory,
    "rules": _list_rules,
    "explain": _explain,
    "diff": _diff,
}


def _path(parser: _Parser) -> None:
    parser.add_argument(
        "path",
        type=Path,
        nargs="?",
        default=Path("."),
        help="The root of the repository (the current directory).",
    )


def _format(parser: _Parser, known: str) -> None:
    parser.add_argument(
        "--format", "-f", default="terminal", dest="format_", metavar="FORMAT", help=known
    )


def _rules(parser: _Parser) -> None:
    parser.add_argument(
        "--rules",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="More rules: a file or folder of rule modules.",
    )


def _advisories(parser: _Parser) -> None:
    add = parser.add_argument
    add(
        "--offline",
        action="store_true",
        default=_is_set("AUDITOR_OFFLINE"),
        help="Never use the network; advisories are unknown (also by AUDITOR_OFFLINE=1).",
    )
    add(
        "--advisory-db",
        type=Path,
        metavar="PATH",
        help="Advisories in the OSV format: a directory or a zip file, no network.",
    )
    add(
        "--advisory-service",
        default="pypi",
        metavar="SERVICE",
        help=f"Who is asked online: {' or '.join(SERVICES)}.",
    )
    add("--advisory-timeout", type=_seconds, default=60.0, metavar="SECONDS",
        help="Seconds that looking advisories up may take.")  # fmt: skip


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "").lower() in ("1", "true", "t", "yes", "y", "on")


def _reading(parser: _Parser) -> None:
    parser.add_argument("--jobs", type=_count, metavar="N", help="Processes to read files with.")
    parser.add_argument("--no-cache", action="store_true", help="Read every file again.")


def _look(parser: _Parser) -> None:
    _verbose(parser)
    _no_color(parser)


def _verbose(parser: _Parser) -> None:
    parser.add_argument(
        "--verbose",
        "-v",
        action="store_true",
        help="Show every place, and what went wrong inside.",
    )


def _no_color(parser: _Parser) -> None:
    parser.add_argument("--no-color", action="store_true", help="Plain text.")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds
