"""The plan of idea 6: what is trained and asked whatever comes out; `rounds` has what follows from it."""

from __future__ import annotations

from collections.abc import Sequence

from studylib.ideas._training import at_each_size
from studylib.ideas.finetune_mix.asked import asked_beforehand
from studylib.ideas.finetune_mix.schema import FinetuneMixParams
from studylib.ideas.finetune_mix.tunings import (
    PRETRAINED,
    amount_trials,
    longer_trials,
    mixture_trials,
    order_trials,
    pretrained,
    wording_trials,
)
from studylib.spec import Step, TrialSpec
from studylib.trials.speeds import speed_steps


def plan(params: FinetuneMixParams) -> list[Step]:
    """The pre-training and every mixture at every rate, at every size; at the largest amounts, wordings, orders, questions to some, how
    fast tunings are, and the text of the rounds."""
    *smaller, _ = params.at_every_size
    steps: list[Step] = [step for one in smaller for step in (pretrained(one), *mixture_trials(one))]
    trials = tunings(params)
    pairs = [] if params.preferences is None else [params.preferring_data]
    return [*steps, pretrained(params), *trials, *asked_beforehand(params), *pairs, *speed_steps(trials)]


def tunings(params: FinetuneMixParams) -> list[TrialSpec]:
    """What the largest model is tuned to whatever comes out."""
    return [
        *mixture_trials(params),
        *amount_trials(params),
        *wording_trials(params),
        *order_trials(params),
        *longer_trials(params),
    ]


def baselines(params: FinetuneMixParams, steps: Sequence[Step]) -> list[TrialSpec]:
    """The model that all tunings start from, at every size."""
    return at_each_size(steps, "pretrained", PRETRAINED)
