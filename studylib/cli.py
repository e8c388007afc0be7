"""The command ``study``."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from studylib.cli_backtest import backtest
from studylib.cli_clean import clean
from studylib.cli_evaluate import evaluate
from studylib.cli_mask import mask
from studylib.cli_publish import publish, restore
from studylib.cli_recipe import recipe
from studylib.errors import StudyError, invalid

app = typer.Typer(
    name="study",
    help="Small models that decide how to build a large one: run the ideas' notebooks and read their verdicts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

_UsageError = typer.BadParameter.__base__  # of click, or of the copy of it that newer typers bring along

Ideas = Annotated[list[str] | None, typer.Argument(metavar="IDEA", help="Which ideas; all if left out.")]
# Named, because typer 0.27 takes a metavar that equals the name for the name and would ask for --SCALE.
Scale = Annotated[
    str | None, typer.Option("--scale", help="smoke, quick, cpu, gpu or cluster. Default: quick.", metavar="SCALE")
]
Params = Annotated[Path | None, typer.Option(help="A parameter file of your own, for one idea.", metavar="FILE")]
Texts = Annotated[
    Path | None,
    typer.Option(help="Texts by name, read in place of the parameter files' sources of that name.", metavar="FILE"),
]
Set = Annotated[list[str] | None, typer.Option("--set", help="Change a parameter; repeatable.", metavar="KEY=VALUE")]
Out = Annotated[Path | None, typer.Option(help="Study folder. Default: reports/SCALE.", metavar="DIR")]
Jobs = Annotated[
    int | None,
    typer.Option(
        min=1, help="Notebooks at a time; they share the cores. Default: one a core, four at most.", metavar="INTEGER"
    ),
]
_NOTEBOOKS = 4  # at a time, half a gigabyte each
Failed = Annotated[bool, typer.Option("--failed", help="Run trials again that failed before.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be started, sbatch scripts too; start nothing.")
]
Timeout = Annotated[float | None, typer.Option(help="Seconds that one notebook may take.", metavar="SECONDS")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def run(
    ideas: Ideas = None, scale: Scale = None, params: Params = None, texts: Texts = None, set_: Set = None,
    out: Out = None, jobs: Jobs = None, failed: Failed = False, dry_run: DryRun = False, timeout: Timeout = None,
) -> None:  # fmt: skip
    """Run notebooks, build the report, print its path. Only what is missing is run.

    Exit status: 0 if every idea succeeded, 1 if one did not, 2 for bad input.

    Examples:

    - `study run` : every idea at scale quick
    - `study run depth_width --scale smoke`
    - `study run depth_width --set seeds=5 --set data.tokenizer.vocab_size=2048 --out reports/mine`
    - `study run --scale cpu --texts params/local-texts.yaml` : every idea on text of your own, without a network
    - `study run --scale cpu --jobs 2 --failed`
    - `study run depth_width --scale cluster --set launcher=slurm --dry-run`
    """
    from studylib.batch.dry_run import read_text, what_would_start
    from studylib.batch.jobs import choose_jobs

    chosen = choose_jobs(
        ideas or (), scale=scale, params=params, overrides=set_ or (), out=out, retry_failed=failed, texts=texts
    )
    if timeout is not None and timeout <= 0:
        raise invalid("--timeout", timeout, "must be more than 0 seconds")
    if dry_run:  # before the text is looked for: showing a script needs no network
        for job in chosen:
            typer.echo(what_would_start(job))
        return
    _raise_on_sigterm()
    read_text(chosen, lambda line: typer.echo(line, err=True))
    from studylib.batch.display import summary_line
    from studylib.batch.run import run_study
    from studylib.environment import cores

    # Their steps are done by then: what is left of each keeps one core busy for a quarter of a minute.
    outcomes = run_study(chosen, side_by_side=jobs or min(cores(), _NOTEBOOKS), timeout=timeout)
    bad = [one for one in outcomes if not one.ok]
    for one in bad:
        typer.echo(summary_line(one.idea, one.status, one.message, one.seconds), err=True)
    for study in dict.fromkeys(job.study for job in chosen):
        _report(study)
    if bad:
        raise typer.Exit(1)


@app.command()
def plan(
    ideas: Ideas = None, scale: Scale = None, params: Params = None, texts: Texts = None, set_: Set = None,
    out: Out = None, jobs: Jobs = None, failed: Failed = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """List the trials with their state, FLOPs and estimated seconds, and the hours of each idea and of all. Trains nothing.

    Examples:

    - `study plan --scale quick`
    - `study plan depth_width --scale gpu --set seeds=5`
    - `study plan --scale cpu --texts params/local-texts.yaml`
    - `study plan depth_width --json`
    """
    from studylib.batch.dry_run import look_at_text
    from studylib.batch.jobs import choose_jobs
    from studylib.cli_tables import plan_as_json, print_plan
    from studylib.trials.estimate import SpeedEstimate

    with _nothing_collected():
        chosen = choose_jobs(
            ideas or (), scale=scale, params=params, overrides=set_ or (), out=out, retry_failed=failed, texts=texts
        )
        unread = look_at_text(chosen)
        speeds = {study: SpeedEstimate(study) for study in {job.study for job in chosen}}
        plans = {job.idea.name: job.idea.planned(job.params, job.steps, speeds[job.study]) for job in chosen}
    if as_json:
        typer.echo(json.dumps(plan_as_json(plans, unread), ensure_ascii=False, indent=1))
    else:
        print_plan(plans, unread)


@app.command()
def status(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Study folder, such as reports/quick.")],
    as_json: AsJson = False,
) -> None:
    """Show what a study folder holds: ideas, trials, and why some failed.

    Examples:

    - `study status reports/quick`
    - `study status reports/quick --json`
    """
    from studylib.batch.status import study_status
    from studylib.cli_tables import print_status

    found = study_status(folder)
    if as_json:
        typer.echo(json.dumps(found.as_json(), ensure_ascii=False, indent=1))
    else:
        print_status(found)


@app.command()
def report(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Study folder, such as reports/quick.")]) -> None:
    """Build the HTML report of a study folder anew and print its path.

    Examples:

    - `study report reports/quick`
    """
    if not folder.is_dir():
        raise StudyError(f"{folder}: there is no such study folder; 'study run' makes one")
    _report(folder)


@app.command()
def ideas(as_json: AsJson = False) -> None:
    """List the ideas: what each asks, and at which scales it can be run.

    Examples:

    - `study ideas`
    - `study ideas --json`
    """
    from studylib import registry
    from studylib.cli_tables import print_ideas
    from studylib.project import params_file, scales

    known = sorted((registry.IDEAS[name] for name in registry.IDEAS), key=lambda idea: (idea.after_all, idea.number))
    rows = [
        {
            "number": idea.number, "idea": idea.name, "question": idea.question.en, "question_ja": idea.question.ja,
            "notebook": idea.notebook, "scales": [name for name in scales() if params_file(name, idea.name).exists()],
        }
        for idea in known
    ]  # fmt: skip
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        print_ideas(rows)


@app.command()
def fingerprint(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Benchmark files: JSON, JSON lines, CSV, TSV, parquet or plain text; .gz too."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Default: in the project's folder fingerprints, named after the first file.", metavar="FILE"),
    ] = None,
    instructions: Annotated[
        bool, typer.Option("--instructions", help="The texts are instructions of sets derived from a benchmark.")
    ] = False,
) -> None:
    """Make fingerprints of files whose text must never be trained on: salted hashes, no text.

    All files in the project's folder `fingerprints` hold for every study, as those do that come with the package.

    Examples:

    - `study fingerprint jnli-v1.3/train-v1.3.json jsquad-v1.3/train-v1.3.json` : add JGLUE's other training splits
    - `study fingerprint held_out.jsonl --out fingerprints/held_out.npz`
    """
    from studylib.data.guard.known import write_fingerprints

    path, known, size = write_fingerprints(files, out, instructions=instructions)
    typer.echo(f"{path}: {known} texts, {size / 1e6:.2f} MB")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
def bench(context: typer.Context) -> None:
    """Measure training speed on this machine; `study bench --help` lists what can be measured.

    Examples:

    - `study bench`
    - `study bench --help`
    """
    from studylib.bench import main as bench_main

    raise typer.Exit(bench_main(context.args) or 0)


app.command()(clean)
app.command()(mask)
app.command()(evaluate)
app.command()(recipe)
app.command()(backtest)
app.command()(publish)
app.command()(restore)


@contextlib.contextmanager
def _nothing_collected() -> Iterator[None]:
    """Without looking for what could be freed: nearly all that a plan makes lives until it is printed, and the looking is a tenth of
    its time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _report(folder: Path) -> None:
    from studylib.report import build_report

    typer.echo(str(build_report(folder)))


def _raise_on_sigterm() -> None:
    """SIGTERM and a closed terminal unwind like Ctrl-C does, so that everything started is ended."""

    def unwind(number: int, _: Any) -> None:
        for name in (signal.SIGTERM, signal.SIGHUP):  # once: the unwinding itself must not be cut short
            signal.signal(name, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, unwind)


def main(arguments: list[str] | None = None) -> None:
    """Entry point: bad input is one line on stderr and exit status 2."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        sys.exit(app(arguments or ["--help"], prog_name="study", standalone_mode=False) or 0)
    except StudyError as error:
        sys.stderr.write(f"study: {error}\n")
        sys.exit(2)
    except _UsageError as error:
        place = f"{error.ctx.command_path}: " if error.ctx else "study: "
        sys.stderr.write(f"{place}{' '.join(error.format_message().split())} (see --help)\n")
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("study: interrupted; what was finished is kept\n")
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output went away, as in `study plan | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(141)


if __name__ == "__main__":
    main()
