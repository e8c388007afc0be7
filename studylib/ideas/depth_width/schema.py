"""Keys of idea 1's parameter files."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import Field

from studylib.ideas._shared.sizes import SizesParams
from studylib.spec import Above0, Count, Positive


class DepthWidthParams(SizesParams):
    """Keys of ``params/<scale>/depth_width.yaml``."""

    aspects: tuple[Above0, ...] = Field(min_length=3, description="wanted hidden_size / num_layers")
    leave_out: tuple[Annotated[str, Field(pattern=r"^\d+x\d+$")], ...] = Field(
        default=(),
        description="shapes that are not trained, such as 26x80 (layers x hidden size): known to lose, or too dear",
    )
    heads: tuple[Positive, ...] = Field(
        default=(), description="head counts tried on the middle shape of the smallest budget"
    )
    edge_rounds: Count = Field(
        default=1,
        description="times that the next shape out is tried where the best shape of a budget is the last on its side",
    )
    lr_factors: tuple[Above0, ...] = Field(default=(), description="other rates tried on the extreme and middle shapes")
    target_vocab_size: Positive = Field(default=100_000, description="vocabulary of the model that is to be built")

    def at_size(self, size: float, keep: Collection[str] = ()) -> dict[str, Any]:
        return super().at_size(size) | {"heads": [], "lr_factors": []}
