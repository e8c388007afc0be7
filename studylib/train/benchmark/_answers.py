"""What a model answers: greedily, or drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studylib.data.pseudo import SamplingSpec
from studylib.train.benchmark._likelihood import Prompt, prompt_tokens
from studylib.train.draw import draw_continuations
from studylib.train.trained import Trained

GREEDY = SamplingSpec(top_p=1e-9)
"""The likeliest token alone makes up so little."""


@dataclass(frozen=True)
class Answer:
    """An answer: its text, the tokens of it without its end, whether the model ended it, and the tokens of its prompt."""

    text: str
    tokens: np.ndarray
    ended: bool
    prompt: np.ndarray


def answers(
    trained: Trained, prompts: Sequence[Prompt], *, max_tokens: int, sampling: SamplingSpec = GREEDY
) -> list[Answer]:
    """One a prompt, each up to what ends an answer or to ``max_tokens``; every prompt must fit the context (`room`)."""
    asked = prompt_tokens(trained.encoder, prompts)
    drawn = draw_continuations(
        trained.model, trained.compute, trained.tokenizer, [prompt.tolist() for prompt in asked], trained.seq_len,
        sampling.replace(max_tokens=max_tokens), end=trained.encoder.end_id,
    )  # fmt: skip
    return [
        Answer(trained.tokenizer.decode(tokens), tokens, ended, prompt)
        for (tokens, ended), prompt in zip(drawn, asked, strict=True)
    ]
