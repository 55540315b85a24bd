"""The command line. It knows the stages; no stage knows it."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec.structs import replace

import auditor
from auditor.advisories import SERVICES, DatabaseError
from auditor.assess.registry import RuleError, all_rules
from auditor.assess.rule import SECTIONS, Rule
from auditor.audit import LOOKED_UP, Request, audit, load
from auditor.cli import output
from auditor.config import FAIL_ON, Config, ConfigError, find_config, nearest, severity_of
from auditor.discover import DiscoveryError
from auditor.report.document import Report, ReportError, from_json

if TYPE_CHECKING:
    from auditor.advisories.lookup import Lookup

app = typer.Typer(
    add_completion=False,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Reads the repository of a web application and tells whether it is ready for production.",
)
FAILED, CANNOT = 1, 2

PathArgument = Annotated[Path, typer.Argument(help="The root of the repository.", show_default=".")]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", min=1, help="Processes to read files with.")
]
NoCacheOption = Annotated[bool, typer.Option("--no-cache", help="Read every file again.")]
RulesOption = Annotated[
    list[Path], typer.Option("--rules", help="More rules: a file or folder of rule modules.")
]
NoColorOption = Annotated[bool, typer.Option("--no-color", help="Plain text.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show every place, and what went wrong inside.")
]


OfflineOption = Annotated[
    bool,
    typer.Option(
        "--offline", envvar="AUDITOR_OFFLINE", help="Never use the network; advisories are unknown."
    ),
]
DatabaseOption = Annotated[
    Path | None,
    typer.Option(
        "--advisory-db", help="Advisories in the OSV format: a directory or a zip file, no network."
    ),
]
ServiceOption = Annotated[
    str, typer.Option("--advisory-service", help=f"Who is asked online: {' or '.join(SERVICES)}.")
]
TimeoutOption = Annotated[
    float,
    typer.Option(
        "--advisory-timeout", min=0.0, help="Seconds that looking advisories up may take."
    ),
]


@app.command()
def scan(
    path: PathArgument = Path("."),
    format_: Annotated[
        str, typer.Option("--format", "-f", help="terminal, markdown or json.")
    ] = "terminal",
    outputs: Annotated[
        list[str],
        typer.Option(
            "--output", "-o", help="Also write FILE; the format by its suffix, or FORMAT:FILE."
        ),
    ] = [],  # noqa: B006 - typer copies it
    fail_on: Annotated[
        str | None,
        typer.Option("--fail-on", help=f"The least severity that fails: {', '.join(FAIL_ON)}."),
    ] = None,
    rule: Annotated[list[str], typer.Option("--rule", help="Only this rule (repeatable).")] = [],  # noqa: B006
    exclude_rule: Annotated[
        list[str], typer.Option("--exclude-rule", help="Not this rule (repeatable).")
    ] = [],  # noqa: B006
    include: Annotated[
        list[str], typer.Option("--include", help="Only files that match (gitignore pattern).")
    ] = [],  # noqa: B006
    exclude: Annotated[
        list[str], typer.Option("--exclude", help="No files that match (gitignore pattern).")
    ] = [],  # noqa: B006
    config: Annotated[
        Path | None,
        typer.Option("--config", help="A configuration instead of the repository's own."),
    ] = None,
    rules: RulesOption = [],  # noqa: B006
    history: Annotated[
        bool, typer.Option("--history", help="Look for secrets in every commit, too.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="An unknown verdict fails, too.")
    ] = False,
    offline: OfflineOption = False,
    advisory_db: DatabaseOption = None,
    advisory_service: ServiceOption = "pypi",
    advisory_timeout: TimeoutOption = 60.0,
    jobs: JobsOption = None,
    no_cache: NoCacheOption = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No report on standard output.")
    ] = False,
    verbose: VerboseOption = False,
    no_color: NoColorOption = False,
) -> None:
    """Audit a repository (the default command)."""
    _log(verbose)
    output.check_format(format_)
    targets = [output.target(each) for each in outputs]
    settings, notes = find_config(path, config)
    only, without = [*settings.rules, *rule], [*settings.exclude_rules, *exclude_rule]
    with output.progress(quiet) as progress:
        request = replace(
            _request(path, settings, jobs, no_cache),
            rules=lambda: _choose(all_rules(rules, only), only, without),
            named=bool(only),
            include=[*settings.include, *include],
            exclude=[*settings.exclude, *exclude],
            fail_on=severity_of(fail_on or settings.fail_on),
            strict=strict or settings.strict,
            lookup=None
            if only and not set(only).intersection(LOOKED_UP)
            else _lookup(advisory_service, offline, advisory_db, advisory_timeout, no_cache),
            notes=notes,
            history=history,
            progress=progress,
        )
        report = audit(request)
    for form, file in targets:
        output.write(report, form, file)
    if not quiet:
        output.show(report, format_, no_color, verbose)
    raise typer.Exit(0 if report.summary.gate.passed else FAILED)


@app.command()
def inventory(
    what: Annotated[str, typer.Argument(help="routes, data, settings or dependencies.")],
    path: PathArgument = Path("."),
    format_: Annotated[str, typer.Option("--format", "-f", help="terminal or json.")] = "terminal",
    state: Annotated[
        list[str], typer.Option("--state", help="Only routes in this state (repeatable).")
    ] = [],  # noqa: B006
    offline: OfflineOption = False,
    advisory_db: DatabaseOption = None,
    advisory_service: ServiceOption = "pypi",
    advisory_timeout: TimeoutOption = 60.0,
    jobs: JobsOption = None,
    no_cache: NoCacheOption = False,
    no_color: NoColorOption = False,
    verbose: VerboseOption = False,
) -> None:
    """List the routes, the stored data, the settings or the dependencies of an application."""
    from auditor.inventory import NAMES
    from auditor.inventory import inventory as find

    _log(verbose)
    if what not in NAMES:
        raise typer.BadParameter(f"no inventory {what!r}{nearest(what, list(NAMES))}")
    module = find(what)
    exports = getattr(module, "EXPORTS", {})
    known = sorted({"terminal", "json", *exports})
    if format_ not in known:
        told = f"no format {format_!r} for {what}; known are {', '.join(known)}"
        raise typer.BadParameter(told)
    settings, _ = find_config(path, None)
    _check_states(what, state, list(getattr(module, "STATES", ())))
    request = _request(path, settings, jobs, no_cache)
    if what == "dependencies":
        lookup = _lookup(advisory_service, offline, advisory_db, advisory_timeout, no_cache)
        request = replace(request, lookup=lookup)
    with load(request) as application:
        if format_ in exports:
            sys.stdout.write(exports[format_](application))
            return
        rows: list[Any] = module.rows(application)
        if state:
            rows = [row for row in rows if row.state in state]
        output.show_table(rows, module, format_, no_color)
        sys.stdout.flush()
        output.tell_limits(application, routes=what == "routes")


def _check_states(what: str, states: list[str], known: list[str]) -> None:
    """Raises BadParameter for a state that an inventory does not tell apart."""
    for state in states:
        if not known:
            raise typer.BadParameter(f"--state is for routes, not for {what}")
        if state not in known:
            told = f"no state {state!r}{nearest(state, known)}; known are {', '.join(known)}"
            raise typer.BadParameter(told)


@app.command("rules")
def list_rules(rules: RulesOption = [], no_color: NoColorOption = False) -> None:  # noqa: B006
    """List every rule."""
    cells = [
        [rule.id, SECTIONS[rule.section], rule.severity.word, rule.question]
        for rule in all_rules(rules)
    ]
    output.print_table(["rule", "section", "severity", "question"], cells, no_color)


@app.command()
def explain(
    rule: Annotated[str, typer.Argument(help="The id of a rule.")],
    rules: RulesOption = [],  # noqa: B006
) -> None:
    """Tell what a rule asks, why, what to do, and show its examples."""
    (found,) = _choose(all_rules(rules), [rule], [])
    output.explain(found)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(help="A directory, or a JSON report.")],
    after: Annotated[Path, typer.Argument(help="A directory, or a JSON report.")] = Path("."),
    format_: Annotated[
        str, typer.Option("--format", "-f", help="terminal, markdown or json.")
    ] = "terminal",
    jobs: JobsOption = None,
    no_cache: NoCacheOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Tell what got better between two states, what only looks better, and what got worse."""
    from auditor.diff import compare, to_json, to_text

    _log(verbose)
    output.check_format(format_)
    found = compare(_side(before, jobs, no_cache), _side(after, jobs, no_cache))
    text = to_json(found) if format_ == "json" else to_text(found, markup=format_ == "markdown")
    sys.stdout.write(text)


def _side(path: Path, jobs: int | None, no_cache: bool) -> Report:
    if path.is_file():
        return from_json(path.read_bytes())
    settings, _ = find_config(path, None)
    return audit(_request(path, settings, jobs, no_cache))


def _request(path: Path, settings: Config, jobs: int | None, no_cache: bool) -> Request:
    return Request(path, jobs=jobs, cache=_cache(no_cache), waivers=settings.waivers)


def _cache(no_cache: bool) -> Path | None:
    if no_cache:
        return None
    from auditor.extract.cache import default_directory

    return default_directory()


def _lookup(
    service: str, offline: bool, database: Path | None, limit: float, no_cache: bool
) -> Lookup:
    """Raises ConfigError for a service that there is not, DatabaseError for a useless database."""
    if service not in SERVICES:
        raise ConfigError(f"no advisory service {service!r}{nearest(service, list(SERVICES))}")
    import datetime

    from auditor.advisories.sources import lookup as advisories

    cache = _cache(no_cache)
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return advisories(service, offline, database, cache, limit, today)


def _choose(rules: list[Rule], only: list[str], without: list[str]) -> list[Rule]:
    """The rules asked for. Raises ConfigError for an id that there is not."""
    known = [rule.id for rule in rules]
    for id_ in (*only, *without):
        if id_ not in known:
            raise ConfigError(f"no rule {id_!r}{nearest(id_, known)}")
    return [rule for rule in rules if (not only or rule.id in only) and rule.id not in without]


def _log(verbose: bool) -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.ERROR,
        format="audit: %(message)s",
    )


def _with_default_command(arguments: list[str]) -> list[str]:
    """`audit .` and `audit --format json` are `audit scan …`."""
    known = {"scan", "inventory", "rules", "explain", "diff"}
    if arguments and (arguments[0] in known or arguments[0] in ("--help", "--version")):
        return arguments
    return ["scan", *arguments]


def main() -> None:
    """The console script: 0 gate passed, 1 gate failed, 2 the audit could not be done as asked."""
    arguments = _with_default_command(sys.argv[1:])
    if arguments[0] == "--version":
        sys.stdout.write(f"auditor {auditor.__version__}\n")
        return
    code = CANNOT
    try:
        code = app(arguments, prog_name="audit", standalone_mode=False) or 0
    except typer.Exit as error:
        code = error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        sys.stderr.write("audit: interrupted\n")
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except (DiscoveryError, ConfigError, DatabaseError, RuleError, ReportError, OSError) as error:
        sys.stderr.write(f"audit: {output.one_line(error)}\n")
    except Exception as error:
        message = getattr(error, "format_message", lambda: "")()
        if message:
            sys.stderr.write(f"audit: {message}\n")
        else:
            told = f"audit: internal error ({type(error).__name__}: {output.one_line(error)}); --verbose tells more\n"
            sys.stderr.write(told)
        if {"--verbose", "-v"} & set(arguments):
            logging.getLogger(__name__).debug("", exc_info=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # all is written; taking the model apart object by object would cost time
