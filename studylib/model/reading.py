"""A model that reads rows of tokens bit by bit and goes on from what it has read: what sampling needs."""

from __future__ import annotations

import torch

from studylib.choices.past import Past
from studylib.model.gpt import GPT


class Reading:
    """Rows that ``gpt`` (on one pipeline stage, not compiled) reads from their beginning, all at the same position.

    Every layer keeps what the next tokens need (``studylib.choices.past``), so a token costs its own pass through the model and
    what its mixers look back at. The hidden states are those of one pass over all that was read.
    """

    def __init__(self, gpt: GPT):
        self.gpt = gpt
        self.pasts = [Past() for _ in gpt.model.decoder]
        self.length = 0

    @torch.no_grad()
    def hidden_states(self, input_ids: torch.Tensor, prefix_len: torch.Tensor | None = None) -> torch.Tensor:
        """The next tokens, int64 [rows, any number], to the residual stream behind the last layer, [rows, the same, hidden].

        ``prefix_len`` (int64 [rows], for a model built with ``prefixes``) goes with the first tokens and reaches no further
        than they do.
        """
        pipeline = self.gpt.model
        passed_on = pipeline.token_position_embeddings.pp_block(input_ids, first=self.length)
        if pipeline.prefixes:
            passed_on["both_ways"] = prefix_len
        self.length += input_ids.shape[1]
        for layer, past in zip(pipeline.decoder, self.pasts, strict=True):
            passed_on = layer.pp_block(**passed_on, past=past)
            past.length = self.length
        return passed_on["hidden_states"]

    @torch.no_grad()
    def next_logits(self, input_ids: torch.Tensor, prefix_len: torch.Tensor | None = None) -> torch.Tensor:
        """As ``hidden_states``, but what follows the last of the tokens: logits [rows, vocab / tp]."""
        hidden_states = self.hidden_states(input_ids, prefix_len)
        return self.gpt.model.lm_head.pp_block.logits(hidden_states[:, -1:])[:, 0]

    def select(self, rows: torch.Tensor) -> None:
        """Go on with these rows (int64) in this order; one may come more than once, to try several texts behind it."""
        for past in self.pasts:
            past.select(rows)
