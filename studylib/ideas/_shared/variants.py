"""Variants of a baseline: groups of changes to the model, as parameter files give them. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studylib.errors import invalid
from studylib.spec import ModelSpec

BASELINE = "baseline"
# The fields of ModelSpec that are shape, not structure: all variants of a size share them.
SHAPE_FIELDS = ("num_layers", "hidden_size", "num_heads", "vocab_size", "seq_len", "intermediate_size")

Changes = dict[str, Any]
Groups = Mapping[str, Mapping[str, Changes]]


def variant_label(group: str, name: str) -> str:
    """The variant's name in tables, ``group: name``."""
    return f"{group}: {name}"


def variants_of(groups: Groups) -> dict[str, Changes]:
    """Changes to the baseline by the variant's name in tables."""
    return {variant_label(group, name): changes for group, named in groups.items() for name, changes in named.items()}


def labels_of(groups: Groups) -> dict[str, list[str]]:
    """The names in tables of every group's variants."""
    return {group: [variant_label(group, name) for name in named] for group, named in groups.items()}


def check_changes(place: str, changes: Changes) -> None:
    """Raise a StudyError unless all of ``changes`` are fields of the model that are not its shape."""
    known = sorted(set(ModelSpec.known_fields()) - set(SHAPE_FIELDS))
    for key, value in changes.items():
        if key not in known:
            raise invalid(f"key {key!r} in {place}", value, "is not a choice", choices=known, near=key)
