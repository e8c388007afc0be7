"""``study publish`` and ``study restore``: a study's evidence without its text and weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def publish(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Study folder, such as reports/cpu.")],
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where it is published.")] = Path(
        "reports/published"
    ),
) -> None:
    """Pack what a study measured into files that can be given away: records and learning curves; no text, no weights, no logs.

    What the folder holds from before stays: each sitting adds its steps. Nothing is written if a record names a path, host or user of
    this machine, or if all is more than 20 MB. The report's pages are added where the study itself holds no text, which is so after
    `study restore` into an empty folder and `study run`.

    Examples:

    - `study publish reports/cpu` : into reports/published
    - `study publish reports/cpu --to evidence`
    """
    from studylib.published import publish as publish_study

    done = publish_study(folder, to, _say)
    told = ", ".join(f"{count} {kind}" for kind, count in done.counts.items())
    typer.echo(f"{done.folder}: {told}; {done.added} new; {done.bytes / 1e6:.2f} MB")
    pages = f"no pages: {done.no_pages}; restore into an empty folder and run there" if done.no_pages else ""
    typer.echo(pages or f"{done.pages} files of the report: {done.folder / 'index.html'}")


def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="Published folder, such as reports/published.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Study folder; made if it is not there.")],
) -> None:
    """Lay published records out in a study folder, where the steps then count as done: run, plan and status go on from there.

    What is done in the folder stays. A row that today's schema refuses is named and skipped. Text and weights are not there: what
    needs them is done again when it is asked for.

    Examples:

    - `study restore reports/published reports/mine`
    - `study run depth_width --scale cpu --out reports/mine` : then builds the report from them
    """
    from studylib.published import restore as restore_study

    done = restore_study(source, folder, _say)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(done.counts.items())) or "nothing new"
    typer.echo(f"{folder}: {told}; {done.kept} kept as they were; {len(done.skipped)} skipped")


def _say(line: str) -> None:
    typer.echo(line, err=True)
