"""What idea 3 trains once its tokenizers are there: the vocabulary sweep at equal text."""

from __future__ import annotations

from studylib.ideas._shared.lengths import equal_seconds_rounds
from studylib.ideas.tokenizer.schema import TokenizerParams
from studylib.ideas.tokenizer.trials import equal_text_trials, race, tokenizers, trials, vocab_label
from studylib.spec import TrialSpec
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
    from studylib.ideas.tokenizer.tables import mixture_rates

    return equal_text_trials(params, mixture_rates(_swept(params), params.folder / "data"))


def _swept(params: TokenizerParams) -> dict:
    trained = tokenizers(params)
    return {name: trained[name] for name in (vocab_label(size) for size in params.vocab_sizes)}
