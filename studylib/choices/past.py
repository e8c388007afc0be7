"""What a layer keeps of the positions it has read, so that it can go on from there."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch.nn import functional as F


@dataclass
class Past:
    """What the mixer of one layer keeps of ``length`` positions: attention its keys and values, the others their state.

    Each mixer has its own names in ``kept``; all tensors have the rows of the batch first. A mixer that is given a past reads
    it and brings it up to date; ``studylib.model.reading`` then counts the positions.
    """

    length: int = 0
    kept: dict[str, torch.Tensor] = field(default_factory=dict)

    def select(self, rows: torch.Tensor) -> None:
        """Go on with these rows (int64) in this order; one may come more than once."""
        self.kept = {name: tensor[rows] for name, tensor in self.kept.items()}

    def appended(self, name: str, new: torch.Tensor) -> torch.Tensor:
        """All that there is of ``name`` with ``new`` [rows, heads, positions, size] behind it: a view of what is kept.

        Room is made for twice as many positions whenever there is none, so that a token is not paid for by copying all before.
        """
        last = self.length + new.shape[-2]
        room = self.kept.get(name)
        if room is None or room.shape[-2] < last:
            wider = new.new_empty(*new.shape[:-2], max(64, 1 << (last - 1).bit_length()), new.shape[-1])
            if room is not None:
                wider[..., : self.length, :] = room[..., : self.length, :]
            self.kept[name] = room = wider
        room[..., self.length : last, :] = new
        return room[..., :last, :]


def with_tail(past: Past | None, name: str, new: torch.Tensor, count: int) -> torch.Tensor:
    """``new`` [batch, seq, channels] behind the ``count`` positions before it; zeros before the first position of all."""
    tail = None if past is None else past.kept.get(name)
    joined = F.pad(new, (0, 0, count, 0)) if tail is None else torch.cat([tail, new], dim=1)
    if past is not None:
        past.kept[name] = joined[:, -count:]
    return joined
