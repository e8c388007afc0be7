"""What the run reaches and costs: the loss by a law, GPU-hours by utilisation, money by a price."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from pydantic import Field

from studylib.analysis.loss_law import fit_forecaster, published_law
from studylib.frozen import Frozen
from studylib.model.cost import flops_per_token, parameter_count
from studylib.recipe.cards import Card
from studylib.recipe.cost import gpu_hours
from studylib.recipe.layouts import LayoutCost
from studylib.recipe.options import RecipeOptions
from studylib.recipe.own_runs import own_runs
from studylib.recipe.published_runs import published_utilisation
from studylib.spec import TrialSpec
from studylib.words import Text, Words

Interval = tuple[float, float, float]  # low, middle, high
_ENDS = (0.05, 0.5, 0.95)

_OWN_LAW = Words(
    en="{{ runs }} own runs of up to {{ params | short }} parameters and {{ tokens | short }} tokens, on this study's text and with its tokenizer",
    ja="本研究の {{ runs }} 試行(最大 {{ params | short }} パラメータ、{{ tokens | short }} トークン)。本研究の文章とトークナイザでの値",
)
_PUBLISHED_LAW = Words(
    en="own trials carry nothing so far ({{ why }}); differences by {{ source }}",
    ja="自前の試行では予測できない({{ why }})ため、差のみ {{ source }} による",
)
_NO_RUNS = Text(en="no runs of one kind over sizes and lengths", ja="規模と長さを変えた同種の試行がない")
_GIVEN = Text(en="as given", ja="指定値")
_MODELLED = Words(
    en="{{ middle | percent }} by the cost model for this layout; published runs reach {{ low | percent }} to {{ high | percent }}",
    ja="この配置の費用モデルでは {{ middle | percent }}、公表された学習では {{ low | percent }}〜{{ high | percent }}",
)


class Prediction(Frozen):
    """The run at one number of tokens: what it reaches, and what it costs."""

    tokens: float
    steps: int
    tokens_per_param: float = Field(description="of all parameters")
    flops: float
    loss_bpb: Interval | None = Field(default=None, description="90 %; none: own trials carry nothing so far")
    relative_percent: Interval | None = Field(
        default=None, description="of the loss: above that at the run's own tokens, 90 %; negative: better"
    )
    gpu_hours: Interval = Field(description="at the highest, the middle and the lowest utilisation")
    days: Interval = Field(description="on the cards asked for")
    cost: Interval | None = Field(default=None, description="in the currency of the price; none: no price was given")


class Outlook(Frozen):
    """What is predicted, and from what."""

    law: Text = Field(description="whose trials, or which published law")
    carried: bool = Field(
        description="whether own trials forecast the loss itself; else only differences by the published law"
    )
    slope: Interval = Field(description="d log(loss) / d log(FLOPs) at the run's tokens, by more tokens; 90 %")
    level_bpb: float | None = Field(description="predicted loss of the run, bits per byte; none: not carried")
    utilisation: Interval = Field(description="share of the dense bf16 peak: lowest, middle, highest")
    utilisation_source: Text
    predictions: tuple[Prediction, ...]

    @property
    def run(self) -> Prediction:
        """At the tokens of the run that is written out."""
        return self.predictions[0]


def outlook(study: Path, trial: TrialSpec, layout: LayoutCost, card: Card, options: RecipeOptions) -> Outlook:
    """At the run's tokens first, then at ``options.budgets``."""
    count = parameter_count(trial.model)
    budgets = dict.fromkeys((float(trial.train_tokens), *(one for one in options.budgets if one != options.tokens)))
    law = _law(study, count.non_embedding, list(budgets))
    shares, source = _utilisation(layout, card, options)
    per_token, batch = flops_per_token(trial.model), trial.tokens_per_step
    found = []
    for tokens in budgets:
        hours = tuple(gpu_hours(trial, card, tokens, share) for share in reversed(shares))
        price = options.price_per_gpu_hour
        found.append(
            Prediction(
                tokens=tokens, steps=math.ceil(tokens / batch), tokens_per_param=tokens / count.total, flops=per_token * tokens,
                loss_bpb=law.losses.get(tokens), relative_percent=law.relative[tokens], gpu_hours=hours,
                days=tuple(one / options.gpus / 24 for one in hours),
                cost=None if price is None else tuple(one * price for one in hours),
            )
        )  # fmt: skip
    return Outlook(
        law=law.text, carried=bool(law.losses), slope=law.slope, level_bpb=law.losses[found[0].tokens][1] if law.losses else None,
        utilisation=shares, utilisation_source=source, predictions=tuple(found),
    )  # fmt: skip


class _Law:
    """The loss at several numbers of tokens, by own trials or by the published law."""

    def __init__(self, text: Text, slope: Interval, relative: dict[float, Interval], losses: dict[float, Interval]):
        self.text, self.slope, self.relative, self.losses = text, slope, relative, losses


def _law(study: Path, params: float, budgets: list[float]) -> _Law:
    """By own trials where they carry the loss to the run itself; budgets that they do not reach have differences by the published law."""
    runs, law = own_runs(study), published_law()
    fitted = fit_forecaster(runs) if len(runs) else _NO_RUNS
    relative = {tokens: _ends(100 * (law.relative(params, tokens, (params, budgets[0])) - 1)) for tokens in budgets}
    first = fitted if isinstance(fitted, Text) else fitted.at(params, budgets[0])
    if isinstance(fitted, Text) or isinstance(first, Text):
        return _Law(_PUBLISHED_LAW(why=first, source=law.source), law.slope(params, budgets[0]), relative, {})
    said = {tokens: fitted.at(params, tokens) for tokens in budgets}
    reached = {tokens: one for tokens, one in said.items() if not isinstance(one, Text)}
    relative |= {tokens: _ends(100 * (one.draws / first.draws - 1)) for tokens, one in reached.items()}
    text = _OWN_LAW(runs=len(runs), params=runs["params"].max(), tokens=runs["tokens"].max())
    return _Law(text, first.slope, relative, {tokens: _ends(one.draws) for tokens, one in reached.items()})


def _ends(draws: np.ndarray) -> Interval:
    low, middle, high = np.quantile(draws, _ENDS)
    return float(low), float(middle), float(high)


def _utilisation(layout: LayoutCost, card: Card, options: RecipeOptions) -> tuple[Interval, Text]:
    if options.utilisation is not None:
        return (options.utilisation,) * 3, _GIVEN
    low, _, high = published_utilisation(card.name)
    middle = layout.cost.utilisation
    return (min(low, middle), middle, max(high, middle)), _MODELLED(low=low, middle=middle, high=high)
