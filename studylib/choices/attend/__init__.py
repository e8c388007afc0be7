"""Ways to compute attention (``compute.attention``); ``studylib.choices.attention`` calls them.

A choice is a class derived from ``Backend``. All give the same numbers up to rounding.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch

from studylib.choices.pattern import Pattern
from studylib.errors import invalid


class Backend(ABC):
    """One way to compute attention. ``takes`` names what it can do beyond causal attention."""

    takes: ClassVar[tuple[str, ...]] = ()

    def unusable(self, device: str) -> str:
        """Why it cannot be used on ``device`` ("cpu" or "cuda") here; empty when it can."""
        return ""

    def problem(
        self, device: str, *, bias: bool = False, prefix_len: bool = False, begin: bool = False,
        pattern: Pattern | None = None,
    ) -> str:  # fmt: skip
        """Why it cannot do what is asked; empty when it can."""
        if why := self.unusable(device):
            return why
        asked = {
            "bias": bias,
            "prefix_len": prefix_len,
            "begin": begin,
            "pattern": pattern is not None and pattern.sparse,
        }
        missing = [name for name, wanted in asked.items() if wanted and name not in self.takes]
        return f"does not take {' and '.join(missing)}" if missing else ""

    def __call__(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, bias: torch.Tensor | None = None,
        prefix_len: torch.Tensor | None = None, begin: torch.Tensor | None = None, pattern: Pattern | None = None,
    ) -> torch.Tensor:  # fmt: skip
        """See ``causal_attention``.

        Raises
        ------
        StudyError
            It cannot do this.
        """
        why = self.problem(
            query.device.type, bias=bias is not None, prefix_len=prefix_len is not None, begin=begin is not None,
            pattern=pattern,
        )  # fmt: skip
        if why:
            raise invalid("compute.attention", type(self).__name__, why)
        sparse = pattern if pattern is not None and pattern.sparse else None
        return self.attend(query, key, value, bias, prefix_len, begin, sparse)

    @abstractmethod
    def attend(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor | None,
        prefix_len: torch.Tensor | None, begin: torch.Tensor | None, pattern: Pattern | None,
    ) -> torch.Tensor:  # fmt: skip
        """The computation; ``pattern`` is None for dense attention."""


def visible_keys(
    length: int,
    device: torch.device,
    prefix_len: torch.Tensor | None,
    begin: torch.Tensor | None,
    pattern: Pattern | None,
    queries: int | None = None,
) -> torch.Tensor:
    """Which of ``length`` keys the last ``queries`` positions (all) read: bool [queries, keys], or with ``prefix_len`` or
    ``begin`` [batch, 1, queries, keys]. With ``begin`` all positions read."""
    place = torch.arange(length, device=device)
    if begin is not None:  # patterns speak of places in a text
        inside = place - begin
        query, key = inside[:, None, :, None], inside[:, None, None, :]
        seen = key <= query if pattern is None else pattern.mask(query, key)
        return seen & (begin[:, None, :, None] == begin[:, None, None, :])
    first = 0 if queries is None else length - queries
    query, key = place[first:, None], place[None, :]
    seen = key <= query if pattern is None else pattern.mask(query, key)
    if prefix_len is not None:
        inside = place[None, :] < prefix_len[:, None]
        seen = seen | (inside[:, first:, None] & inside[:, None, :])[:, None]
    return seen


def repeat_kv(key: torch.Tensor, heads: int) -> torch.Tensor:
    """[batch, kv_heads, seq, head_dim] to one for each query head."""
    return key if key.shape[1] == heads else key.repeat_interleave(heads // key.shape[1], dim=1)
