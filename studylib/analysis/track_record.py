"""What backtests on public ladders found, as it comes with the package; ``study backtest --record FILE`` writes it anew.

Summaries, curves and bins with where they are from; no row of a ladder.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from studylib.errors import StudyError
from studylib.files import read_json, write_json
from studylib.frozen import Frozen, validated

Interval = tuple[float, float, float]  # low, middle, high
SHIPPED = Path(__file__).with_name("track_record.json")


class Source(Frozen):
    """A ladder: where it is from, and how many losses of how many runs were read."""

    ladder: str
    title: str
    repository: str = ""
    commit: str = ""
    licence: str = ""
    losses: int
    runs: int


class HoldOuts(Frozen):
    """Of a ladder (or of all, up to so many times the size): what fits on smaller sizes said of larger ones: how many truths lay inside the 90 % interval; errors (absolute) and widths in
    percent; ``plain``: of a least-squares fit of one form."""

    ladder: str
    metrics: int
    hold_outs: int
    inside: int
    median_error_percent: float
    median_plain_error_percent: float
    median_width_percent: float
    largest_times: float


class Forecasted(Frozen):
    """One hold-out for a figure: percent of the truth, so that ladders share an axis."""

    ladder: str
    run: str
    metric: str
    times: float
    low_percent: float
    error_percent: float
    high_percent: float


class Reruns(Frozen):
    """The same runs again with another seed: standard deviation of one run's log loss in percent, by the median difference (a few
    validation sets are far noisier than the others), and the least and greatest of the sizes."""

    ladder: str
    pairs: int
    sd_percent: float
    by_size: tuple[float, float]


class ChoiceMemory(Frozen):
    """The memory of the rankings of one kind of choice in one ladder (decades of parameters, 90 %), and what it was fitted to."""

    choice: str
    ladder: str
    series: int
    effective_series: float
    memory: Interval
    spread_percent: float
    noise_percent: float


class HeldPairs(Frozen):
    """Pairs of variants whose order at one size was held against that at another, by the factor of the sizes and by the gap over the
    noise of a difference; ``expected``: the share by the memory of the other choices, 90 %."""

    choice: str
    factor: tuple[float, float]
    gap: tuple[float, float]
    pairs: int
    held: int
    expected: Interval


class HeldEffects(Frozen):
    """Contrasts between variants at a series' largest size, forecast from smaller ones by a form of the model of effects: how many lay
    inside the 90 % interval, and the mean log density of one (percent of the loss); the memory is that of the other choices."""

    choice: str
    form: str
    contrasts: int
    inside: int
    log_density: float


class ShapeCost(Frozen):
    """A class of aspect ratios (width over depth): percent of the loss above the best class at equal FLOPs, and at equal seconds."""

    aspect: str
    sizes: int
    behind_flops: float
    behind_flops_error: float
    behind_seconds: float
    behind_seconds_error: float


class CorpusOrder(Frozen):
    """The order of corpora under one validation set: best first at each size, and the pairs whose order is that of the largest size."""

    metric: str
    params: tuple[float, ...]
    best: tuple[str, ...]
    pairs: int
    held: int


class TrackRecord(Frozen):
    """The whole record; ``memory`` are quantiles of the memory of a choice that no ladder has tried, equally likely, rising.
    ``hold_outs`` are by ladder, ``by_reach`` all of them by how far they reach."""

    date: str
    command: str
    memory: tuple[float, ...]
    spread_over_noise: float = 1.0
    sources: tuple[Source, ...]
    choices: tuple[ChoiceMemory, ...] = ()
    reruns: tuple[Reruns, ...] = ()
    hold_outs: tuple[HoldOuts, ...] = ()
    together: HoldOuts | None = None
    by_reach: tuple[HoldOuts, ...] = ()
    forecasts: tuple[Forecasted, ...] = ()
    pairs: tuple[HeldPairs, ...] = ()
    effects: tuple[HeldEffects, ...] = ()
    shapes: tuple[ShapeCost, ...] = ()
    corpora: tuple[CorpusOrder, ...] = ()

    def write(self, file: Path) -> None:
        write_json(file, self.model_dump(mode="json"))


def read_track_record(file: Path) -> TrackRecord:
    """Read and validate a record.

    Raises
    ------
    StudyError
        The file cannot be read, or is none.
    """
    try:
        content = read_json(file)
    except (OSError, ValueError) as error:
        raise StudyError(f"{file}: cannot be read as a track record: {error}") from None
    return validated(TrackRecord, content, file=file)


@cache
def shipped_record() -> TrackRecord:
    """The record that comes with the package."""
    return read_track_record(SHIPPED)
