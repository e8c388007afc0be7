"""``study evaluate``: a benchmark's questions to a model of a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from studylib.errors import StudyError
from studylib.registry import BENCHMARKS

if TYPE_CHECKING:
    from studylib.spec import EvaluationSpec, TrialSpec
    from studylib.spec.record import EvaluationRecord

_ERROR = "_error"


def evaluate(
    trial: Annotated[
        Path, typer.Argument(metavar="TRIAL", help="Folder of a trained trial: reports/quick/trials/0123456789abcdef.")
    ],
    benchmark: Annotated[str, typer.Argument(metavar="BENCHMARK", help=f"One of {', '.join(BENCHMARKS)}.")],
    path: Annotated[Path | None, typer.Option(help="The benchmark's file, your own copy.", metavar="FILE")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="An option of the benchmark; repeatable.", metavar="OPTION=VALUE")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Trial to compare with, where the benchmark does.", metavar="TRIAL")
    ] = None,
    reward_model: Annotated[
        Path | None, typer.Option(help="Trial that judges, where the benchmark asks one.", metavar="TRIAL")
    ] = None,
    harness: Annotated[
        Path | None,
        typer.Option(help="Write the same questions and the model for lm-evaluation-harness.", metavar="FOLDER"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Ask a trained model a benchmark's questions; print the scores and keep them in the study folder.

    What was asked before is read, not asked again. The rows are beside the scores, in `rows.parquet`.

    Examples:

    - `study evaluate reports/quick/trials/0123456789abcdef multiple_choice`
    - `study evaluate reports/quick/trials/0123456789abcdef multiple_choice --path questions.parquet --set each=4`
    - `study evaluate reports/quick/trials/0123456789abcdef exact_match --set tasks=[passage] --set questions=100 --json`
    """
    from studylib.params.overrides import parse_overrides
    from studylib.spec import EvaluationSpec, validated
    from studylib.trials.cache import Task
    from studylib.trials.run import run_steps

    others = {"reference": reference, "reward_model": reward_model}
    content = {name: _trial(folder) for name, folder in (others | {"trial": trial}).items() if folder is not None}
    options = parse_overrides(set_ or ()) | ({} if path is None else {"path": str(path.absolute())})
    for name in options.keys() & {*content, "trial", "benchmark"}:
        raise StudyError(f"--set {name}: is no option of a benchmark")
    spec = validated(EvaluationSpec, content | {"benchmark": benchmark} | options)
    spec.built().check()
    out = _study(trial)
    for folder in others.values():
        if folder is not None and _study(folder) != out:
            raise StudyError(f"{folder}: is not of the study {out}, as the trial is")
    task = Task.under(out, spec)
    if task.result() is None:
        run_steps([spec], out, launcher="inprocess", retry_failed=True, progress=_say)
    record = task.made()
    if harness is not None:
        _write_harness(spec, out, harness)
    if as_json:
        typer.echo(json.dumps(record.model_dump(mode="json"), ensure_ascii=False, indent=1))
    else:
        _print(spec, record)
        typer.echo(str(task.folder))


def _write_harness(spec: EvaluationSpec, out: Path, folder: Path) -> None:
    from studylib.train.benchmark._harness import write_harness
    from studylib.train.trained import load_trained

    trial = out / spec.trial.name
    trained = load_trained(spec.trial, trial, out / "data")
    task = spec.built().for_harness(trained)
    if task is None:
        raise StudyError(f"--harness {folder}: benchmark {spec.benchmark} has no form for lm-evaluation-harness")
    command, left_out = write_harness(task, spec.benchmark, trained, trial, folder)
    if left_out:
        typer.echo(f"{left_out:,} items are left out for the harness (context, or other tokens as one text)", err=True)
    typer.echo(command, err=True)


def _study(folder: Path) -> Path:
    return folder.absolute().parent.parent


def _trial(folder: Path) -> TrialSpec:
    from studylib.files import read_json
    from studylib.spec import TrialSpec, validated
    from studylib.train.kept import checkpoints
    from studylib.trials.cache import Task

    file = folder / "spec.json"
    try:
        content = read_json(file)
    except OSError:
        raise StudyError(f"{folder}: is no folder of a trial, which holds spec.json") from None
    except ValueError as error:
        raise StudyError(f"{file}: is damaged: {error}") from None
    spec = validated(TrialSpec, content, file=file)
    task = Task.under(_study(folder), spec)
    if task.folder != folder.absolute():
        why = f"its spec.json is that of {task.name}, of another version or another trial"
        raise StudyError(f"{folder}: is not where it was trained: {why}")
    if task.result() is None:
        failure = task.failure()
        raise StudyError(f"{folder}: {f'failed: {failure.message}' if failure else 'is not trained to its end'}")
    if not checkpoints(folder / "checkpoints"):
        raise StudyError(f"{folder}: has no checkpoint; train the trial with checkpoint_every above 0")
    return spec


def _say(event: dict[str, Any]) -> None:
    if event["event"] == "preparing":
        typer.echo(event["message"], err=True)


def _print(spec: EvaluationSpec, record: EvaluationRecord) -> None:
    """Scores of all, then by group; an error stands beside what it is of."""
    from studylib.cli_tables import print_table

    rows = [
        [name, _number(value), _error(record.scores, name)]
        for name, value in record.scores.items()
        if not name.endswith(_ERROR) and name != "items"
    ]
    title = f"{record.label}: {record.items:,} items"
    title += f", {record.left_out:,} left out that the context does not hold" if record.left_out else ""
    print_table(("score", "value", "standard error"), rows, title=title, right=("value", "standard error"))
    for by, groups in record.groups.items():
        names = [name for name in next(iter(groups.values())) if not name.endswith(_ERROR)]
        columns = (by, *names)
        cells = [[group, *(_with_error(scores, name) for name in names)] for group, scores in groups.items()]
        print_table(columns, cells, right=columns[1:])
    benchmark = spec.built()
    if benchmark.files and not benchmark.kept_out and not {*map(str, benchmark.files)} & {*_kept_out(spec)}:
        name = benchmark.files[0]
        typer.echo(f"note: the trial's data.evaluation_only does not name {name}: was it trained on?", err=True)


def _kept_out(spec: EvaluationSpec) -> list[str]:
    return [str(Path(file).absolute()) for file in spec.trial.data.evaluation_only]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4f}".rstrip("0").rstrip(".")


def _error(scores: dict[str, float], name: str) -> str:
    return _number(scores[name + _ERROR]) if name + _ERROR in scores else ""


def _with_error(scores: dict[str, float], name: str) -> str:
    if name not in scores:
        return ""
    error = _error(scores, name)
    return _number(scores[name]) + (f" ± {error}" if error else "")
