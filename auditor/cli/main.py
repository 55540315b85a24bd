"""The command line. It knows the stages; no stage knows it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

import auditor
from auditor.advisories import SERVICES, DatabaseError
from auditor.assess.registry import RuleError, all_rules
from auditor.assess.rule import SECTIONS, Rule
from auditor.audit import LOOKED_UP, Request, audit, load
from auditor.cli import output
from auditor.cli.arguments import parse
from auditor.config import Config, ConfigError, find_config, nearest, severity_of
from auditor.discover import DiscoveryError
from auditor.report.document import Report, ReportError, from_json

if TYPE_CHECKING:
    from auditor.advisories.lookup import Lookup

FAILED, CANNOT = 1, 2


def scan(
    path: Path,
    format_: str,
    outputs: list[str],
    fail_on: str | None,
    rule: list[str],
    exclude_rule: list[str],
    include: list[str],
    exclude: list[str],
    config: Path | None,
    rules: list[Path],
    history: bool,
    strict: bool,
    offline: bool,
    advisory_db: Path | None,
    advisory_service: str,
    advisory_timeout: float,
    jobs: int | None,
    no_cache: bool,
    quiet: bool,
    verbose: bool,
    no_color: bool,
) -> int:
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
    return 0 if report.summary.gate.passed else FAILED


def inventory(
    what: str,
    path: Path,
    format_: str,
    state: list[str],
    offline: bool,
    advisory_db: Path | None,
    advisory_service: str,
    advisory_timeout: float,
    jobs: int | None,
    no_cache: bool,
    verbose: bool,
    no_color: bool,
) -> int:
    """List the routes, the stored data, the settings or the dependencies of an application."""
    from auditor.inventory import NAMES
    from auditor.inventory import inventory as find

    _log(verbose)
    if what not in NAMES:
        raise ConfigError(f"no inventory {what!r}{nearest(what, list(NAMES))}")
    module = find(what)
    exports = getattr(module, "EXPORTS", {})
    known = sorted({"terminal", "json", *exports})
    if format_ not in known:
        told = f"no format {format_!r} for {what}; known are {', '.join(known)}"
        raise ConfigError(told)
    settings, _ = find_config(path, None)
    _check_states(what, state, list(getattr(module, "STATES", ())))
    request = _request(path, settings, jobs, no_cache)
    if what == "dependencies":
        lookup = _lookup(advisory_service, offline, advisory_db, advisory_timeout, no_cache)
        request = replace(request, lookup=lookup)
    with load(request) as application:
        if format_ in exports:
            sys.stdout.write(exports[format_](application))
            return 0
        rows: list[Any] = module.rows(application)
    if state:
        rows = [row for row in rows if row.state in state]
    output.show_table(rows, module, format_, no_color)
    return 0


def _check_states(what: str, states: list[str], known: list[str]) -> None:
    """Raises ConfigError for a state that an inventory does not tell apart."""
    for state in states:
        if not known:
            raise ConfigError(f"--state is for routes, not for {what}")
        if state not in known:
            told = f"no state {state!r}{nearest(state, known)}; known are {', '.join(known)}"
            raise ConfigError(told)


def list_rules(rules: list[Path], no_color: bool) -> int:
    """List every rule."""
    cells = [
        [rule.id, SECTIONS[rule.section], rule.severity.word, rule.question]
        for rule in all_rules(rules)
    ]
    output.print_table(["rule", "section", "severity", "question"], cells, no_color)
    return 0


def explain(rule: str, rules: list[Path]) -> int:
    """Tell what a rule asks, why, what to do, and show its examples."""
    (found,) = _choose(all_rules(rules), [rule], [])
    output.explain(found)
    return 0


def diff(
    before: Path, after: Path, format_: str, jobs: int | None, no_cache: bool, verbose: bool
) -> int:
    """Tell what got better between two states, what only looks better, and what got worse."""
    from auditor.diff import compare, to_json, to_text

    _log(verbose)
    output.check_format(format_)
    found = compare(_side(before, jobs, no_cache), _side(after, jobs, no_cache))
    text = to_json(found) if format_ == "json" else to_text(found, markup=format_ == "markdown")
    sys.stdout.write(text)
    return 0


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


_COMMANDS: dict[str, Callable[..., int]] = {
    "scan": scan,
    "inventory": inventory,
    "rules": list_rules,
    "explain": explain,
    "diff": diff,
}


def _log(verbose: bool) -> None:
    import logging

    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.ERROR,
        format="audit: %(message)s",
    )


def main() -> None:
    """The console script: 0 gate passed, 1 gate failed, 2 the audit could not be done as asked."""
    if sys.argv[1:2] == ["--version"]:
        sys.stdout.write(f"auditor {auditor.__version__}\n")
        return
    code: Any = CANNOT
    try:
        command, options = parse(sys.argv[1:])
        code = _COMMANDS[command](**options)
    except SystemExit as end:  # help was shown
        code = end.code or 0
    except KeyboardInterrupt:
        sys.stderr.write("audit: interrupted\n")
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except (DiscoveryError, ConfigError, DatabaseError, RuleError, ReportError, OSError) as error:
        sys.stderr.write(f"audit: {output.one_line(error)}\n")
    except Exception as error:
        told = f"internal error ({type(error).__name__}: {output.one_line(error)})"
        sys.stderr.write(f"audit: {told}; --verbose tells more\n")
        if {"--verbose", "-v"} & set(sys.argv):
            import logging

            logging.getLogger(__name__).debug("", exc_info=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # all is written; taking the model apart object by object would cost time
