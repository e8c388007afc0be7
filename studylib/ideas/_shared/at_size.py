"""How an idea is asked for another size: what its parameters have to say instead. No torch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from studylib.spec import SourceSpec

MOST_TOKENS = 20.0  # for a parameter: an idea that reads more at its own size is asked for no more than this
_BYTES_A_TOKEN = 8  # of Japanese text in pieces of a large vocabulary, and some to spare for validation and the gate
_AMOUNTS = ("max_bytes", "bytes")  # options of a source: how much text it gives
_ASPECT, _WEIGHTS = (
    64,
    12,
)  # hidden_size / num_layers; a layer's weights over the square of its width, Llama's feed-forward


def sizes_up_to(size: float) -> list[int]:
    """Three sizes within a decade, the largest ``size``: an optimum is carried from three, and the two smaller cost a tenth."""
    return [int(float(f"{size * share:.2g}")) for share in (0.1, 0.3, 1.0)]


def one_shape(size: float, head_dim: int) -> dict[str, int]:
    """``num_layers``, ``hidden_size`` and ``num_heads`` of about so many parameters without embeddings."""
    layers = max(2, round((size / (_WEIGHTS * _ASPECT**2)) ** (1 / 3)))
    heads = max(1, round((size / (_WEIGHTS * layers)) ** 0.5 / head_dim))
    return {"num_layers": layers, "hidden_size": heads * head_dim, "num_heads": heads}


def layers_size(num_layers: int, hidden_size: int) -> float:
    """Parameters without embeddings of such a shape, about."""
    return _WEIGHTS * num_layers * hidden_size**2


def more_text(place: str, sources: Iterable[SourceSpec] | SourceSpec, tokens: float) -> dict[str, int]:
    """Of the sources at ``place`` as much text as runs of so many tokens need; no less than there was."""
    single = isinstance(sources, SourceSpec)
    each = {place: sources} if single else {f"{place}.{n}": source for n, source in enumerate(sources)}
    total = sum(source.weight for source in each.values())
    return {
        f"{name}.options.{amount}": needed
        for name, source in each.items()
        for amount in _AMOUNTS
        if isinstance(given := source.options.get(amount), int)
        and (needed := round(_BYTES_A_TOKEN * tokens * source.weight / total)) > given
    }


def kept(names: Iterable[str], keep: Collection[str]) -> list[str]:
    """Those of ``names`` that are to be kept; all where none is asked for."""
    return [name for name in names if name in keep or not keep]


def kept_groups(
    place: str,
    groups: Mapping[str, Mapping[str, Mapping[str, Any]]],
    labels: Mapping[str, Sequence[str]],
    keep: Collection[str],
) -> dict[str, Any]:
    """Groups with the variants that are kept, as parameter files have them; ``labels``: their names in tables, by group.

    All of them where no group has any: the study that asks was of other variants.
    """
    found: dict[str, Any] = {}
    for group, named in groups.items():
        own = {
            name: dict(changes)
            for (name, changes), label in zip(named.items(), labels[group], strict=True)
            if label in keep
        }
        if own:
            found[group] = own
    return {place: found} if found else {}
