"""``study clean``: cleaning steps on files of one's own, outside any study."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from studylib.errors import StudyError

_SECONDS_BETWEEN_LINES = 5.0


def clean(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILES...", help="Parquet, JSON lines or plain text: files, folders, patterns."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the cleaned text, its record and the page.", metavar="DIR")],
    step: Annotated[
        list[str] | None,
        typer.Option(
            help="A step, in the order given; repeatable. Default: all for web text.", metavar="NAME[:KEY=VALUE,...]"
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML with `steps` and what these options say.", metavar="FILE")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes. Default: one a core.", metavar="N")] = None,
    executor: Annotated[str | None, typer.Option(help="local, slurm or ray.")] = None,
    executor_option: Annotated[
        list[str] | None,
        typer.Option(help="Of datatrove's executor, such as partition=cpu; repeatable.", metavar="KEY=VALUE"),
    ] = None,
    alone: Annotated[
        bool | None, typer.Option("--alone/--no-alone", help="Measure each step as if it were the only one, too.")
    ] = None,
    text_column: Annotated[str | None, typer.Option(help="Where the text is. Default: text.", metavar="NAME")] = None,
    document: Annotated[
        str | None, typer.Option(help="One document of plain text: file, blank (between blank lines) or line.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of text that is not UTF-8, such as cp932.")] = None,
) -> None:
    """Clean files: filters, corrections, deduplication, masks of personal data. Writes shards, a record and a page.

    Run it again after an interruption: what was finished is kept. JGLUE is refused, as everywhere.

    Examples:

    - `study clean web.parquet --out cleaned`
    - `study clean crawl/*.jsonl.gz --out cleaned --step length:min_characters=50 --step exact --step minhash --workers 8`
    - `study clean notes.txt --document line --out cleaned --step personal --no-alone`
    - `study clean crawl --out cleaned --config steps.yaml --executor slurm --executor-option partition=cpu --executor-option time=4:00:00`
    """
    from studylib.data.cleaning import clean_files
    from studylib.environment import cores
    from studylib.report.cleaning import write_cleaning_page

    asked = {
        "workers": workers, "executor": executor, "alone": alone, "text_column": text_column, "document": document,
        "encoding": encoding, "steps": [_step(one) for one in step or ()] or None,
        "executor_options": dict(_pair("--executor-option", one) for one in executor_option or ()) or None,
    }  # fmt: skip
    chosen = _chosen(config, {"workers": cores()}, {name: value for name, value in asked.items() if value is not None})
    with _Progress() as progress:
        made = chosen.cleaning(files, out, progress.say)
        folder = clean_files(made)
    _print_funnel(folder.record)
    typer.echo(str(write_cleaning_page(folder)))


def _chosen(config: Path | None, defaults: dict[str, Any], asked: dict[str, Any]) -> Any:
    """What the file says, and over it what the command line says."""
    from studylib.data.cleaning import CleanFiles
    from studylib.params import read_yaml
    from studylib.spec import validated

    of_file = {} if config is None else read_yaml(config)
    if config is not None:
        validated(CleanFiles, of_file, file=config)  # so that a mistake in it is told as one
    return validated(CleanFiles, defaults | of_file | asked, file="study clean")


def _step(text: str) -> dict[str, Any]:
    """``length:min_characters=50,max_characters=1000`` as a specification has it."""
    from studylib.spec import CleanerSpec, validated

    name, _, rest = text.partition(":")
    # A comma parts two options only where a key follows: a value may be a list.
    options = dict(_pair(f"--step {name}", one) for one in re.split(r",(?=\s*\w+\s*=)", rest) if rest)
    step = {"cleaner": name.strip()} | options
    validated(CleanerSpec, step, file=f"--step {text}")
    return step


def _pair(option: str, text: str) -> tuple[str, Any]:
    import yaml

    from studylib.params.yaml_file import Loader, what_is_wrong

    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise StudyError(f"{option}: {text!r} is not of the form key=value")
    try:
        return key.strip(), yaml.load(value, Loader)
    except yaml.YAMLError as error:
        raise StudyError(f"{option}: {text!r}: {value!r} is not valid YAML: {what_is_wrong(error)}") from None


def _print_funnel(record: Any) -> None:
    from studylib.cli_tables import print_table

    def share(part: int | None, whole: int) -> str:
        return "" if part is None else f"{100 * part / whole:.1f} %" if whole else "–"

    rows: Iterable[Any] = [
        [
            one.cleaner, f"{one.given.documents:,}", f"{one.dropped.documents:,}",
            share(one.dropped.documents, one.given.documents),
            share(one.alone and one.alone.documents, record.raw.documents), f"{max(one.removed_bytes, 0) / 1e6:.2f}",
        ]
        for one in record.steps
    ]  # fmt: skip
    columns = ("step", "documents", "dropped", "share", "alone", "MB taken out")
    print_table(columns, list(rows), right=columns[1:])
    typer.echo(
        f"{record.raw.documents:,} documents, {record.raw.bytes / 1e6:.1f} MB -> "
        f"{record.kept.documents:,} documents, {record.kept.bytes / 1e6:.1f} MB"
    )


class _Progress:
    """One line on stderr that changes; where that is no terminal, a line now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._part, self._said = "", float("-inf")

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._terminal:
            sys.stderr.write("\r\x1b[K")

    @property
    def say(self) -> Callable[[str], None]:
        return self._say

    def _say(self, line: str) -> None:
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
            return
        part, _, count = line.rpartition(":")
        done, _, whole = count.strip().partition(" of ")
        now = time.monotonic()
        if part != self._part or done == whole or now - self._said >= _SECONDS_BETWEEN_LINES:
            self._part, self._said = part, now
            sys.stderr.write(line + "\n")
