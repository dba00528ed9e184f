"""The command line: options, streams and exit codes. Heavy modules are imported by the command that needs them."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from poollint import __version__
from poollint.escape import clean, inert
from poollint.facts import Skipped

if TYPE_CHECKING:
    from poollint.facts import Project
    from poollint.pipeline import Outcome
    from poollint.report import Report

FINDINGS, USAGE, FAILURE = 1, 2, 3  # exit codes; 0 is clean
NO_SUCH_PATH = "no such file or folder"
JUDGE = "unused-suppression"
LEVELS = ("error", "warning", "note", "never")


class Commands(click.Group):
    """A first word that is a command is the command; anything else belongs to `check`."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        own = {*self.commands, *context.help_option_names, "--version"}
        if not arguments or arguments[0] not in own:
            arguments = ["check", *arguments]
        return super().parse_args(context, arguments)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`poollint [PATH ...]` is the same as `poollint check [PATH ...]`. "
    "To check a folder called like a command, write ./rules.",
)
@click.version_option(__version__, prog_name="poollint")
def poollint() -> None:
    """Read the code that makes a SQLAlchemy engine, the files that deploy it and the database's limit together.

    Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 wrong usage or configuration, 3 poollint itself failed.
    """


def main() -> None:
    """Run the command line; whatever goes wrong inside ends with one short message, not with a traceback."""
    gc.disable()  # a short run whose syntax trees hold no circles: looking for some takes a third of the time
    try:
        poollint.main(prog_name="poollint")
    except Exception as problem:  # noqa: BLE001 - the last line of defence
        say(_failure(problem))
        sys.exit(FAILURE)


def _failure(problem: Exception) -> str:
    """Describe a defect of poollint without the exception's text, which may quote the project."""
    frames = []
    trace = problem.__traceback__
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if "poollint" in Path(file).parts:
            frames.append(f"{Path(file).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    where = " < ".join(reversed(frames[-4:]))
    return (
        f"poollint {__version__} failed: {type(problem).__name__} at {where}\n"
        "This is a defect of poollint, not of your project. "
        "Please report this message with the smallest project that shows it."
    )


def say(text: str) -> None:
    """Print to stderr; in a log that a CI system reads, nothing may act as its command."""
    for line in text.split("\n"):
        click.echo(inert(clean(line)), err=True)


# -- options that several commands share ---------------------------------------------------------------------------


def _assumptions(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    assume = {}
    for value in values:
        key, separator, text = value.partition("=")
        if not separator or not text:
            raise click.BadParameter(f"{value!r} is not KEY=VALUE, such as api.instances=20")
        assume[key.strip()] = text.strip()
    return assume


def _rules(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> frozenset[str]:
    from poollint import rulebook
    from poollint.config import meant

    chosen = {name.strip() for value in values for name in value.split(",") if name.strip()}
    for name in sorted(chosen - rulebook.names()):
        raise click.BadParameter(f"there is no rule {name!r}{meant(name, rulebook.names())}")
    return frozenset(chosen)


PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
PROJECT = (
    click.option("--assume", multiple=True, metavar="KEY=VALUE", callback=_assumptions,
                 help="State what the files do not: api.instances=20, orders.max-connections=200. Repeatable."),
    click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
                 help="Read this configuration instead of the project's."),
    click.option("--isolated", is_flag=True, help="Read no configuration."),
)  # fmt: skip
QUIET = click.option("-q", "--quiet", is_flag=True, help="Say nothing on standard error but what went wrong.")
COLOR = click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Color the text.")


def _verbose(what: str) -> Any:
    return click.option("-v", "--verbose", is_flag=True, help=f"Also print {what}.")


def _with(*options: Any) -> Any:
    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _formats() -> tuple[str, ...]:
    from pkgutil import iter_modules

    folder = str(Path(__file__).parent / "report")
    return tuple(sorted(info.name for info in iter_modules([folder]) if not info.name.startswith("_")))


# -- check ---------------------------------------------------------------------------------------------------------


@poollint.command()
@PATHS
@click.option("--format", "formats", multiple=True, type=click.Choice(_formats()), help="Repeatable; text by default.")
@click.option("--output", "outputs", multiple=True, type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
              help="The n-th belongs to the n-th --format; - is standard output.")  # fmt: skip
@click.option("--select", multiple=True, callback=_rules, metavar="RULE[,RULE]", help="Judge by these rules only.")
@click.option("--ignore", multiple=True, callback=_rules, metavar="RULE[,RULE]", help="Leave these rules out.")
@click.option(
    "--fail-on", type=click.Choice(LEVELS), help="Exit 1 for findings from this level on; warning by default."
)
@click.option("--strict", is_flag=True, help="Also exit 1 when a file could not be read or an input is unknown.")
@click.option("--statistics", is_flag=True, help="Count the findings of each rule, on standard error.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of --format json, and stop.")
@_with(*PROJECT, QUIET, _verbose("what is suppressed, and every unknown"), COLOR)
def check(paths: tuple[Path, ...], **options: Any) -> None:
    """Judge the project under the PATHs (default: here)."""
    if options["schema"]:
        click.echo((Path(__file__).parent / "schemas" / "poollint-1.json").read_text("utf-8"), nl=False)
        return
    wanted = _outputs(options["formats"], options["outputs"])
    present, absent = _present(paths)
    from poollint import pipeline
    from poollint.report import Report

    outcome = _judged(pipeline.run, present, options)
    for path in absent:
        outcome.tree.skip(path, NO_SUCH_PATH)
    for name, target in wanted:
        _write(Report(outcome, options["verbose"], _colored(options["color"], target)), name, target)
    report = Report(outcome)
    if options["quiet"]:
        _skipped(one for one in outcome.skipped if one.path in absent)
    else:
        _remarks(report, options["statistics"])
    sys.exit(USAGE if absent else _verdict(report, options["fail_on"], options["strict"]))


def _judged(run: Callable[..., Outcome], paths: list[Path], options: Mapping[str, Any]) -> Outcome:
    select, ignore = options["select"] or None, options["ignore"]
    if select is None or JUDGE not in select:
        return run(paths, select=select, ignore=ignore, **_project_options(options))
    # Only when every rule has judged is it known what a suppression silences.
    outcome = run(paths, ignore=ignore, **_project_options(options))
    return replace(outcome, findings=tuple(finding for finding in outcome.findings if finding.rule in select))


def _outputs(formats: tuple[str, ...], outputs: tuple[str, ...]) -> list[tuple[str, str]]:
    """Pair each format with where it goes; what has no --output goes to standard output, which holds one format."""
    names = formats or ("github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text",)
    if len(outputs) > len(names):
        raise click.UsageError("more --output than --format: the n-th --output belongs to the n-th --format")
    targets = [*outputs, *["-"] * (len(names) - len(outputs))]
    if targets.count("-") > 1:
        raise click.UsageError("several formats on standard output: give all but one an --output")
    return list(zip(names, targets))


def _present(paths: tuple[Path, ...]) -> tuple[list[Path], list[str]]:
    """Split the PATHs into those that exist and those that do not; with none that exists there is nothing to do."""
    wanted = list(paths) or [Path(".")]
    absent = [path for path in wanted if not path.exists()]
    if len(absent) == len(wanted):
        raise click.UsageError("; ".join(f"{clean(str(path))}: {NO_SUCH_PATH}" for path in absent))
    return [path for path in wanted if path not in absent], [path.as_posix() for path in absent]


def _project_options(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "configuration_file": options["config"],
        "isolated": options["isolated"],
        "assume": options["assume"],
        # pre-commit stashes changes to tracked files but leaves untracked ones lying around.
        "tracked_only": os.environ.get("PRE_COMMIT") == "1",
    }


def _write(report: Report, name: str, target: str) -> None:
    from poollint.report import format_named

    module = format_named(name)
    text = module.render(report)
    if target == "-":
        click.echo(text, nl=False, color=report.color)
    else:
        try:
            Path(target).write_text(text, "utf-8")
        except OSError as problem:
            raise click.FileError(target, problem.strerror or "cannot be written") from None
    if hasattr(module, "publish"):
        module.publish(report)


def _colored(choice: str, target: str) -> bool:
    if choice != "auto" or target != "-":
        return choice == "always" and target == "-"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def _remarks(report: Report, statistics: bool) -> None:
    """Say on stderr what belongs to the verdict but is no finding."""
    outcome, project = report.outcome, report.outcome.project
    _skipped(outcome.skipped)
    if outcome.tree.above:
        say(f"note: only {', '.join(outcome.tree.bases)} was read; the rest of the repository above was left out")
    if statistics:
        _statistics(report)
    if not project.engines:
        _no_engine(project)
        return
    counts = [_counted(report.count(level), level) for level in ("error", "warning", "note")]
    if report.suppressed:
        counts.append(f"{len(report.suppressed)} suppressed")
    kinds = ((project.engines, "engine"), (project.workloads, "workload"), (project.databases, "database"))
    seen = ", ".join(_counted(len(facts), noun) for facts, noun in kinds)
    say(f"{', '.join(counts)}. Read {_counted(project.files, 'file')}: {seen}.")


def _skipped(files: Iterable[Skipped]) -> None:
    for one in files:
        say(f"skipped: {one.path}{f':{one.line}' if one.line else ''}: {one.reason}")


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _statistics(report: Report) -> None:
    from collections import Counter

    for rule, count in Counter(finding.rule for finding in report.findings).most_common():
        say(f"{count:6,}  {rule}")


def _verdict(report: Report, fail_on: str | None, strict: bool) -> int:
    level = fail_on or report.outcome.configuration.fail_on
    failing = LEVELS[: LEVELS.index(level) + 1] if level != "never" else ()
    if any(finding.severity in failing for finding in report.findings):
        return FINDINGS
    return FINDINGS if strict and (report.outcome.skipped or report.missing) else 0


# -- what poollint saw and knows -----------------------------------------------------------------------------------

AS_TEXT_OR_JSON = click.option("--format", "name", type=click.Choice(["text", "json"]), default="text")


@poollint.command()
@PATHS
@AS_TEXT_OR_JSON
@_with(*PROJECT, QUIET, _verbose("why places and roles are believed"))
def facts(paths: tuple[Path, ...], name: str, **options: Any) -> None:
    """Print what poollint saw and how it linked it."""

    def render(project: Project) -> str:
        from poollint.report import _facts

        return _facts.as_json(project) if name == "json" else _facts.as_text(project, options["verbose"])

    _show(paths, render, options)


@poollint.command()
@PATHS
@click.option("--format", "name", type=click.Choice(["text", "json", "markdown"]), default="text")
@_with(*PROJECT, QUIET)
def budget(paths: tuple[Path, ...], name: str, **options: Any) -> None:
    """Print who may open how many connections to which database."""

    def render(project: Project) -> str:
        from poollint.report import _budget

        return {"json": _budget.as_json, "markdown": _budget.as_markdown}.get(name, _budget.as_text)(project)

    _show(paths, render, options)


def _show(paths: tuple[Path, ...], render: Callable[[Project], str], options: Mapping[str, Any]) -> NoReturn:
    """Read the project and print one view of it."""
    present, absent = _present(paths)
    from poollint import pipeline

    _, _, project = pipeline.read(present, **_project_options(options))
    click.echo(render(project), nl=False)
    _skipped(Skipped(path, NO_SUCH_PATH) for path in absent)
    if not options["quiet"]:
        _skipped(project.skipped)
        if not project.engines:
            _no_engine(project)
    sys.exit(USAGE if absent else 0)


def _no_engine(project: Project) -> None:
    say(f"No SQLAlchemy engine found in {_counted(project.files, 'file')}.")


@poollint.command()
@click.argument("rule")
def explain(rule: str) -> None:
    """Print the page of a rule."""
    from poollint import rulebook
    from poollint.config import meant

    if rule not in rulebook.names():
        raise click.UsageError(f"there is no rule {clean(rule)!r}{meant(rule, rulebook.names())}")
    found = rulebook.rule(rule)
    click.echo(f"{found.name} ({found.severity}): {found.summary}\n\n{found.page}", nl=False)


@poollint.command()
@AS_TEXT_OR_JSON
def rules(name: str) -> None:
    """List the rules."""
    from poollint import rulebook
    from poollint.report._data import dumps

    known = rulebook.rules().values()
    if name == "json":
        rows = [{"name": r.name, "severity": r.severity, "summary": r.summary, "url": r.url} for r in known]
        click.echo(dumps({"version": 1, "rules": rows}), nl=False)
        return
    _table((rule.name, rule.severity, rule.summary) for rule in known)


@poollint.command()
@click.argument("provider", required=False)
@AS_TEXT_OR_JSON
def providers(provider: str | None, name: str) -> None:
    """List the database providers and platforms, or print what is known of one, with sources."""
    from poollint import providers as known
    from poollint.config import meant
    from poollint.report._data import dumps

    if provider is not None and provider not in known.table():
        raise click.UsageError(f"there is no provider {clean(provider)!r}{meant(provider, known.table())}")
    if name == "json":
        click.echo(dumps(known.as_json(provider)), nl=False)
    elif provider is not None:
        click.echo(known.describe(provider))
    else:
        _table((row.name, row.title) for row in known.table().values())


def _table(rows: Iterable[tuple[str, ...]]) -> None:
    cells = list(rows)
    widths = [max(len(cell) for cell in column) for column in zip(*cells)]
    for row in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
