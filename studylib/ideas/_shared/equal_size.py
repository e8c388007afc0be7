"""Models that cost what their reference does, whatever choices they make. No torch."""

from __future__ import annotations

from studylib.errors import invalid
from studylib.model.cost import flops_per_token, parameter_count
from studylib.model.family import of_equal_size
from studylib.numbers import short
from studylib.spec import ModelSpec

# A choice may cost more or fewer parameters than the intermediate size can make good to the last one.
TOLERANCE = 0.03
_WIDE = 128  # hidden size from which experts are cut as finely as kernels like it


def fitted(model: ModelSpec, reference: ModelSpec, *, multiple: int, name: str, field: str = "factors") -> ModelSpec:
    """``model`` with the intermediate size that gives it the parameters of ``reference`` (within 3 %).

    Raises
    ------
    StudyError
        No intermediate size does; ``field`` and ``name`` are what is then at fault.
    """
    found = of_equal_size(model, reference, ffn_multiple=multiple)
    wanted = parameter_count(reference).non_embedding
    error = parameter_count(found).non_embedding / wanted - 1
    if abs(error) > TOLERANCE:
        why = f"cannot have {short(wanted)} parameters: {error:+.1%} at the nearest intermediate size {found.ffn_size}"
        raise invalid(field, name, f"{why}; use larger budgets or a smaller head_dim")
    return found


def experts_at_equal_flops(model: ModelSpec, reference: ModelSpec) -> ModelSpec:
    """``model``, which has experts, with the expert size that brings the FLOPs of a token nearest to those of ``reference``."""
    multiple, wanted = 8 if model.hidden_size >= _WIDE else 4, flops_per_token(reference)
    first, second = (flops_per_token(model.replace(**{"moe.expert_size": n * multiple})) for n in (1, 2))
    units = max(1, round(1 + (wanted - first) / (second - first)))
    return model.replace(**{"moe.expert_size": units * multiple})
