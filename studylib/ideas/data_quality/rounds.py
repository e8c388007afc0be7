"""What idea 5 trains once its text is cleaned: all that is left of one amount of raw text."""

from __future__ import annotations

from studylib.ideas.data_quality.schema import RAW, WEB, DataQualityParams
from studylib.ideas.data_quality.trials import scarce_data, scarce_trials
from studylib.spec import TrialSpec
from studylib.trials.queue import Round


def rounds_of(params: DataQualityParams) -> list[Round]:
    """How many tokens are left is known once the text is cleaned and cut into tokens."""
    texts = scarce_data(params)
    if not texts:
        return []
    runs = len(texts) + sum(name != RAW for name in texts)
    after = tuple(data.name for data in texts.values())
    return [Round("equal raw text", after, runs * len(params.seeds), lambda: (equal_raw_text(params), []))]


def equal_raw_text(params: DataQualityParams) -> list[TrialSpec]:
    """The trials of the round, from the prepared text."""
    from studylib.data import prepared_counts

    folder = params.folder / "data"
    counts = {name: prepared_counts(data, folder) for name, data in scarce_data(params).items()}
    return scarce_trials(params, {name: sides[WEB]["train"]["tokens"] for name, sides in counts.items()})
