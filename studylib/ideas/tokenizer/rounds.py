"""What idea 3 trains once its tokenizers are there: the vocabulary sweep at equal text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from studylib.ideas._shared.lengths import equal_seconds_rounds
from studylib.ideas.tokenizer.schema import TokenizerParams
from studylib.ideas.tokenizer.trials import equal_text_trials, race, tokenizers, trials, vocab_label
from studylib.spec import DataSpec, TrialSpec
from studylib.trials.queue import Round


def rounds_of(params: TokenizerParams) -> list[Round]:
    """How many tokens make up the same text is known once each size's tokenizer is trained, how many fit into the same seconds
    once each model's speed is measured."""
    after = tuple(data.name for data in _swept(params).values())
    expected = len(params.vocab_sizes) * sum(len(params.seeds_of(budget)) for budget in params.budgets)
    text = Round("vocabularies at equal text", after, expected, lambda: (equal_text(params), []))
    reference = vocab_label(params.data.tokenizer.vocab_size)
    return [text, *equal_seconds_rounds(params, race(trials(params)), reference)]


def equal_text(params: TokenizerParams) -> list[TrialSpec]:
    return equal_text_trials(params, mixture_rates(_swept(params), params.folder / "data"))


def mixture_rates(tokenizers: Mapping[str, DataSpec], folder: Path) -> dict[str, float]:
    """Bytes of training text a token, by variant name."""
    from studylib.data import prepared_counts  # here: a plan of nothing but trials to do needs neither
    from studylib.data.measure import bytes_per_token

    return {
        name: bytes_per_token(prepared_counts(data, folder), {source.label: source.weight for source in data.sources})
        for name, data in tokenizers.items()
    }


def _swept(params: TokenizerParams) -> dict[str, DataSpec]:
    trained = tokenizers(params)
    return {name: trained[name] for name in (vocab_label(size) for size in params.vocab_sizes)}
