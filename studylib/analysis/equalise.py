"""Moves losses a little: to the tokens that a variant would have had, were something else held equal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from studylib.analysis.loss_surface import Cell, LossSurface, fit_loss_surface, reference_at
from studylib.analysis.margin import MARGIN
from studylib.analysis.speed import speed_draws
from studylib.errors import StudyError, invalid
from studylib.words import Text, Words

_FAR = 2.0
_SAME_MEMORY = 1.05  # of the median variant's
_DRAWS = 2000

TOO_LARGE = Words(
    en="{{ variant }} needs {{ '%.2g' % percent }} % more memory than is allowed",
    ja="{{ variant }} は許容量より {{ '%.2g' % percent }} % 多くのメモリを要する",
)
TOO_FAR = Words(
    en="{{ variant }} would have {{ '%.2g' % times }} times its tokens, too far to move its loss",
    ja="{{ variant }} はトークン数が {{ '%.2g' % times }} 倍となり、損失を移すには遠すぎる",
)
TOO_ROUGH = Words(
    en="""moving {{ variant }} to {{ '%.2g' % times }} times its tokens has an error of {{ error | fixed }}, more than the differences to be
        judged ({{ judged | fixed }}){% if untried %}, for no run of another length was trained{% endif %}""",
    ja="""{{ variant }} をトークン数 {{ '%.2g' % times }} 倍へ移す誤差 {{ error | fixed }} が、判定すべき差({{ judged | fixed }})より大きい
        {%- if untried %}(別の長さの学習がないため){% endif %}""",
)


@dataclass(frozen=True)
class Moved:
    """Losses of one accounting. Keys of the mappings are ``size/variant``.

    Attributes
    ----------
    trials
        One row a trial of every variant in the race; ``val_bpb`` as moved, beside it ``unadjusted`` and ``token_ratio``
        (tokens of this accounting by tokens trained).
    errors
        [K] draws of the error of each variant's move, in bits per byte. Draw k of all of them is one surface and
        one set of speeds.
    refused
        Variants that cannot be compared, and why; their sizes have no verdict.
    bounded
        Variants whose move was refused, too, but which this accounting gives fewer tokens: they stay in the race with the
        loss that they had with more, which is at most too good. Should one of them lead, there is no verdict.
    out
        Variants that this accounting leaves out because they need too much memory, and why.
    """

    trials: pl.DataFrame
    errors: Mapping[str, np.ndarray]
    refused: Mapping[str, Text] = field(default_factory=dict)
    bounded: Mapping[str, Text] = field(default_factory=dict)
    out: Mapping[str, Text] = field(default_factory=dict)


def at_size(mapping: Mapping[str, object], size: str) -> dict:
    """The entries of one size, by variant."""
    return {key[len(size) + 1 :]: value for key, value in mapping.items() if key.startswith(f"{size}/")}


@dataclass(frozen=True)
class _Move:
    """One variant at one size: which of its runs, and draws of the logs of where it is moved to and of what that does."""

    tokens: float
    ratio: float
    change: np.ndarray
    level: float  # mean loss of the run, as trained

    @property
    def factor(self) -> float:
        return float(np.exp(self.change).mean())

    @property
    def error(self) -> np.ndarray:
        return self.level * (np.exp(self.change) - self.factor)


class Mover:
    """The runs of a study and the surface through them; arguments as of ``accounting.accountings``."""

    def __init__(
        self,
        trials: pl.DataFrame,
        lengths: pl.DataFrame | None,
        reference: Mapping[str, str] | str | None,
        spread: float,
    ) -> None:
        self.reference = reference
        self.race = _finished(trials)
        both = [self.race] if lengths is None else [self.race, _finished(lengths)]
        # Where a variant has been trained twice at one length, the race's own row counts.
        self.runs = pl.concat(both, how="diagonal_relaxed").unique(
            ["size", "variant", "seed", "tokens"], keep="first", maintain_order=True
        )
        self.surface: LossSurface = fit_loss_surface(self.runs, reference=reference, spread=spread, draws=_DRAWS)
        costs = [name for name in ("flops", "target_tokens", "memory_bytes", "tokens_per_s") if name in trials.columns]
        table = self.race.group_by("size", "variant", maintain_order=True).agg(
            pl.col("tokens").n_unique().alias("_lengths"), pl.col("seed").n_unique().alias("_seeds"),
            pl.col("tokens", *costs).cast(pl.Float64).median(),
        )  # fmt: skip
        self.cells: dict[Cell, dict[str, float]] = {
            (str(row.pop("size")), str(row.pop("variant"))): row for row in table.iter_rows(named=True)
        }
        for (size, variant), row in self.cells.items():
            if row["_lengths"] > 1:
                raise invalid("trials", f"{size}/{variant}", "has runs of several lengths; give those as lengths")
        means = self.runs.group_by("size", "variant", "tokens", maintain_order=True).agg(
            pl.col("val_bpb").mean(), pl.col("seed").n_unique()
        )
        self.levels: dict[Cell, dict[float, float]] = {}
        for size, variant, tokens, level, seeds in means.iter_rows():
            if seeds >= self.cells.get((size, variant), {"_seeds": math.inf})["_seeds"]:  # as good as the race's own
                self.levels.setdefault((size, variant), {})[float(tokens)] = level

    def tokens_at_equal(self, cost: str) -> dict[Cell, np.ndarray | float]:
        """Tokens of every variant when each spends what the reference spends of a cost that goes with tokens."""
        spent = {cell: self._cost(cell, cost) for cell in self.cells}
        return {
            (size, variant): self.cells[size, variant]["tokens"] * self._reference(spent, size) / spent[size, variant]
            for size, variant in self.cells
        }

    def tokens_in_equal_seconds(self, speeds: Mapping[str, Sequence[float]] | None) -> dict[Cell, np.ndarray | float]:
        """Draws of the tokens of every variant in the reference's time, at the sizes whose speed is known."""
        if not speeds:
            own = self.race.group_by("size", "variant", maintain_order=True).agg("tokens_per_s")
            speeds = {f"{size}/{variant}": rates for size, variant, rates in own.iter_rows()}
        timed = {size for size, variant in self.cells if f"{size}/{variant}" in speeds}
        cells = [cell for cell in self.cells if cell[0] in timed]
        for size, variant in cells:
            if f"{size}/{variant}" not in speeds:
                raise invalid("speeds", f"{size}/{variant}", "has no measurement", choices=speeds)
        drawn = speed_draws({cell: speeds["/".join(cell)] for cell in cells}, _DRAWS)
        seconds = {cell: self.cells[cell]["tokens"] / drawn[cell] for cell in cells}
        return {cell: drawn[cell] * self._reference(seconds, cell[0]) for cell in cells}

    def _cost(self, cell: Cell, name: str) -> float:
        value = self.cells[cell].get(name)
        if value is None or not value > 0:
            raise StudyError(f"variant {cell[1]!r} has no {name} to compare at")
        return value

    def _reference(self, costs: Mapping[Cell, np.ndarray | float], size: str) -> np.ndarray | float:
        if (size, name := reference_at(self.reference, size)) in costs:
            return costs[size, name]
        return np.exp(np.mean([np.log(cost) for (own, _), cost in costs.items() if own == size], axis=0))

    def moved(self, wanted: Mapping[Cell, np.ndarray | float]) -> Moved:
        """Losses at the wanted tokens: the nearest run of each variant, moved the rest of the way where that is allowed."""
        moves = {cell: self._move(cell, tokens) for cell, tokens in wanted.items()}
        refused, bounded = {}, {}
        for size in dict.fromkeys(size for size, _ in moves):
            here = {cell: move for cell, move in moves.items() if cell[0] == size}
            for cell, why in self._too_far(here).items():
                shortened = self._at_most(cell, wanted[cell])
                (refused if shortened is None else bounded)["/".join(cell)] = why
                if shortened is None:
                    del moves[cell]
                else:
                    moves[cell] = shortened
        return Moved(
            trials=self._rows(moves),
            errors={"/".join(cell): move.error for cell, move in moves.items()},
            refused=refused,
            bounded=bounded,
        )

    def within(self, moved: Moved, cap: float | None) -> Moved:
        """Without the variants that need more memory than ``cap``; by default, than the median variant of their size."""
        memory = {cell: self._cost(cell, "memory_bytes") for cell in self.cells}
        if cap is not None and cap < min(memory.values()):
            raise invalid("cap", cap, f"is below the smallest variant's {min(memory.values()):.0f} bytes")
        out = {}
        for (size, variant), need in memory.items():
            limit = cap or _SAME_MEMORY * float(np.median([one for (own, _), one in memory.items() if own == size]))
            if need > limit:
                out[f"{size}/{variant}"] = TOO_LARGE(variant=variant, percent=100 * (need / limit - 1))
        left = {name: {k: v for k, v in getattr(moved, name).items() if k not in out} for name in _MAPPINGS}
        key = pl.concat_str("size", "variant", separator="/")
        return replace(moved, trials=moved.trials.filter(~key.is_in(list(out))), out=out, **left)

    def _move(self, cell: Cell, wanted: np.ndarray | float) -> _Move:
        middle = float(np.exp(np.mean(np.log(wanted))))
        runs = self.levels[cell]
        tokens = min(runs, key=lambda own: abs(math.log(own / middle)))
        return _Move(tokens, middle / tokens, self.surface.change(*cell, tokens, wanted), runs[tokens])

    def _at_most(self, cell: Cell, wanted: np.ndarray | float) -> _Move | None:
        """The shortest run with more tokens than wanted, as it is: its loss is at most better than the one asked for."""
        longer = [tokens for tokens in self.levels[cell] if tokens >= np.quantile(wanted, 0.975)]
        if not longer:
            return None
        tokens = min(longer)
        return _Move(tokens, 1.0, np.zeros(_DRAWS), self.levels[cell][tokens])

    def _too_far(self, moves: Mapping[Cell, _Move]) -> dict[Cell, Text]:
        """The moves of one size that are not made, and why."""
        far = {cell for cell, move in moves.items() if not 1 / _FAR <= move.ratio <= _FAR}
        found = {}
        near = {cell: move for cell, move in moves.items() if cell not in far}
        ends = [move.level * move.factor for move in near.values()]
        judged = max(float(np.std(ends, ddof=1)) if len(ends) > 1 else 0.0, MARGIN * float(np.mean(ends or [0.0])))
        common = np.mean([move.error for move in near.values()], axis=0) if near else 0.0
        for cell, move in moves.items():
            size, variant = cell
            untried = not self.surface.measured(size)
            if cell in far:
                found[cell] = TOO_FAR(variant=variant, times=move.ratio)
            elif (error := float((move.error - common).std())) > judged:
                found[cell] = TOO_ROUGH(variant=variant, times=move.ratio, error=error, judged=judged, untried=untried)
        return found

    def _rows(self, moves: Mapping[Cell, _Move]) -> pl.DataFrame:
        """The chosen runs with their loss as moved."""
        chosen = pl.DataFrame(
            [(*cell, int(move.tokens), move.factor, move.ratio) for cell, move in moves.items()],
            schema={"size": pl.String, "variant": pl.String, "tokens": pl.Int64, "_factor": pl.Float64, "token_ratio": pl.Float64},
            orient="row",
        )  # fmt: skip
        rows = self.runs.join(chosen, on=["size", "variant", "tokens"], how="inner", maintain_order="left")
        return rows.with_columns(unadjusted="val_bpb", val_bpb=pl.col("val_bpb") * pl.col("_factor")).drop("_factor")


_MAPPINGS = ("errors", "refused", "bounded")


def _finished(trials: pl.DataFrame) -> pl.DataFrame:
    rows = trials.filter(pl.col("val_bpb").is_finite().fill_null(False) & pl.col("tokens").is_not_null())
    rows = rows.filter(pl.col("status") == "done") if "status" in rows.columns else rows
    return rows.with_columns(pl.col("size", "variant").cast(pl.String), pl.col("tokens").cast(pl.Int64))
