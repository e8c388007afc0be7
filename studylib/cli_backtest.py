"""``study backtest``: what fits and rankings at smaller sizes said of larger ones, on public ladders or a table of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from studylib.errors import StudyError, invalid
from studylib.numbers import short

if TYPE_CHECKING:
    import polars as pl

    from studylib.analysis.backtests import Tested
    from studylib.analysis.track_record import TrackRecord


def backtest(
    ladders: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LADDER",
            help="Public ladders by name, or tables: CSV, JSON lines, parquet. Default: all public ones here.",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Where public ladders lie. Default: $STUDYLIB_LADDERS, then what was fetched.", metavar="DIR"
        ),
    ] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Get the files of public ladders that are not here.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    record: Annotated[
        Path | None,
        typer.Option(help="Write what was found as a track record (JSON); no rows of ladders.", metavar="FILE"),
    ] = None,
) -> None:
    """Hold forecasts and rankings from smaller sizes against larger ones that were trained.

    Public ladders: `chinchilla`, `gadre`, `gemstones`, `olmo`; the first and the third can be fetched.

    A table of your own has a row a loss. Columns: `params`, `tokens`, `loss`; and where there are such `ladder`, `metric`, `run`,
    `variant` (what is compared at equal size and tokens), `non_embedding_params`, `total_params`, `flops`, `width`, `depth`,
    `seconds_per_step`, `rerun`. Six shapes or more with all that they need are compared by their aspect ratio.

    Examples:

    - `study backtest gemstones chinchilla --fetch`
    - `study backtest --folder ladders --record track_record.json`
    - `study backtest runs.csv --json`
    """
    from studylib.analysis.backtests import make_record

    if record is not None and record.is_dir():  # before a minute of fits
        raise invalid("--record", str(record), "is a folder, not a file")
    tested = list(_tested(ladders or [], folder, fetch))
    found = make_record(tested, date=_today(), command=_command(ladders or [], record))
    if record is not None:
        try:
            found.write(record)
        except OSError as error:
            raise invalid("--record", str(record), f"cannot be written: {error.strerror}") from None
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json"), ensure_ascii=False, indent=1))
    else:
        _print(found)


def _tested(names: list[str], folder: Path | None, fetch: bool) -> Iterator[Tested]:
    from studylib.ladders import fetch_ladder, read_ladder
    from studylib.ladders.read import here, ladders_folder
    from studylib.registry import LADDERS

    if fetch:
        wanted = [name for name in names if name in LADDERS] or [name for name in LADDERS if not names]
        for name in wanted:
            if LADDERS[name].fetchable or (names and here(name, folder) is None):
                typer.echo(f"{name}: {fetch_ladder(LADDERS[name], ladders_folder(folder))}", err=True)
    chosen = names or [name for name in LADDERS if here(name, folder) is not None]
    if not chosen:
        raise StudyError(
            "there is no public ladder here: name their folder with --folder, or --fetch those that can be fetched; or name tables of "
            "your own (columns: study backtest --help)"
        )
    seen: dict[str, str] = {}
    for name in chosen:
        for one in _described(name, read_ladder(name, folder=folder)):
            ladder = one.source.ladder
            if seen.setdefault(ladder, name) != name:
                raise StudyError(
                    f"{name}: ladder {ladder!r} is also that of {seen[ladder]}; name it apart in a column 'ladder'"
                )
            yield one


def _described(name: str, rows: pl.DataFrame) -> Iterator[Tested]:
    """A public ladder, or each ladder of a table."""
    from studylib.analysis.backtests import Tested
    from studylib.analysis.public_rankings import compared_in
    from studylib.analysis.track_record import Source
    from studylib.registry import LADDERS

    for (ladder,), own in rows.group_by(["ladder"], maintain_order=True):
        counts = {"losses": len(own), "runs": own["run"].n_unique()}
        if name in LADDERS:
            known = LADDERS[name]
            origin = {"repository": known.repository, "commit": known.commit, "licence": known.licence}
            yield Tested(Source(ladder=name, title=known.title, **origin, **counts), own, known.choices)
        else:
            yield Tested(Source(ladder=str(ladder), title=Path(name).name, **counts), own, compared_in(own))


def _today() -> str:
    from datetime import date

    return date.today().isoformat()


def _command(names: list[str], record: Path | None) -> str:
    parts = ["study backtest", *(Path(name).name for name in names)]
    return " ".join([*parts, "--record", record.name] if record else parts)


def _print(found: TrackRecord) -> None:
    from studylib.cli_tables import print_table

    rows = [
        [
            one.ladder,
            one.losses,
            one.runs,
            f"{one.repository.removeprefix('https://')}@{one.commit[:8]}" if one.commit else one.title,
            one.licence,
        ]
        for one in found.sources
    ]
    print_table(["ladder", "losses", "runs", "from", "licence"], rows, title="ladders", right=("losses", "runs"))
    rows = [
        [one.ladder, one.hold_outs, one.inside, f"{100 * one.inside / one.hold_outs:.0f} %", f"{one.median_error_percent:.2f} %",
         f"{one.median_plain_error_percent:.2f} %", f"{one.median_width_percent:.2f} %", f"{one.largest_times:.1f}"]
        for one in (*found.hold_outs, *([found.together] if found.together else []), *found.by_reach)
    ]  # fmt: skip
    columns = [
        "ladder",
        "hold-outs",
        "inside",
        "hit rate",
        "median |error|",
        "of a plain fit",
        "median width",
        "most times",
    ]
    if rows:
        print_table(columns, rows, title="forecasts of larger sizes, 90 % intervals", right=columns[1:])
    else:
        print("forecasts: no ladder has runs and sizes enough to fit some and hold others out")
    for one in found.reruns:
        low, high = one.by_size
        print(
            f"{one.ladder}: {one.pairs} reruns, noise of one run {one.sd_percent:.3f} % of the loss ({low:.3f} to {high:.3f} by size)"
        )
    if not found.choices:
        print("rankings: no ladder has variants at two sizes")
        return
    rows = [
        [
            one.choice,
            one.ladder,
            one.series,
            f"{one.effective_series:.1f}",
            _interval(one.memory),
            f"{one.spread_percent:.2f}",
            f"{one.noise_percent:.3f}",
        ]
        for one in found.choices
    ]
    columns = ["choice", "ladder", "series", "worth", "memory, decades", "spread, %", "noise, %"]
    print_table(columns, rows, title="memory of rankings (90 %)", right=columns[2:])
    rows = [
        [
            one.choice,
            _range(one.factor),
            _range(one.gap),
            one.pairs,
            one.held,
            f"{100 * one.held / one.pairs:.0f} %",
            _interval(tuple(100 * end for end in one.expected), 0),
        ]
        for one in found.pairs
    ]
    columns = ["choice", "times the size", "gap / noise", "pairs", "held", "share", "expected by the others, %"]
    print_table(columns, rows, title="pairs whose order held", right=columns[3:])
    rows = [
        [
            one.choice,
            one.form,
            one.contrasts,
            f"{100 * one.inside / one.contrasts:.0f} %",
            f"{one.log_density:.2f}",
        ]
        for one in found.effects
    ]
    columns = ["choice", "form of the model", "contrasts", "inside 90 %", "log density"]
    print_table(columns, rows, title="effects at the largest size, forecast from smaller ones", right=columns[2:])
    if found.corpora:
        rows = [
            [
                one.metric,
                " ".join(f"{short(size)}:{best}" for size, best in zip(one.params, one.best, strict=True)),
                f"{one.held}/{one.pairs}",
            ]
            for one in found.corpora
        ]
        print_table(["metric", "best variant by size", "pairs as at the largest"], rows, title="variants by size")
    if found.shapes:
        rows = [
            [
                one.aspect,
                one.sizes,
                f"{one.behind_flops:.2f} ± {one.behind_flops_error:.2f}",
                f"{one.behind_seconds:.2f} ± {one.behind_seconds_error:.2f}",
            ]
            for one in found.shapes
        ]
        columns = ["width / depth", "sizes", "behind at equal FLOPs, %", "behind at equal seconds, %"]
        print_table(columns, rows, title="shapes against the best class (standard errors)", right=columns[1:])


def _interval(ends: tuple[float, float, float], digits: int = 1) -> str:
    low, middle, high = (f"{end:.{digits}f}" for end in ends)
    return f"{middle} ({low} to {high})"


def _range(ends: tuple[float, float]) -> str:
    return f"{ends[0]:g} to {ends[1]:g}"
