"""The ``parameters`` cell of a notebook, written from the schema: names, values and help are declared there and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from studylib.params import StudyParams

_WIDTH = 110


def parameters_cell(schema: type[StudyParams], content: Mapping[str, Any]) -> str:
    """``name = literal  # help``, a parameter a line where it fits, in the schema's order; what papermill can list.

    Parameters
    ----------
    content
        What the parameter file of scale quick says; the schema's defaults hold for the rest.

    Raises
    ------
    ValueError
        A field has no value or no help, or one that papermill's ``--help-notebook`` cannot read (it stops at a second ``=``).
    """
    lines = []
    for name, field in schema.model_fields.items():
        if (field.is_required() and name not in content) or not field.description:
            raise ValueError(f"{schema.__name__}.{name} needs a value and a description for the notebook's cell")
        value = content[name] if name in content else plain(field.get_default(call_default_factory=True))
        room = _WIDTH - len(f"{name} =   # {field.description}")  # for the value, if all is to fit on one line
        line = f"{name} = {_literal(value, room=room)}  # {field.description}"
        if line.count("=") > 1:
            raise ValueError(f"{schema.__name__}.{name}: papermill cannot list a parameter with a second '='")
        lines.append(line)
    return "\n".join(lines)


def plain(value: Any) -> Any:
    """As a parameter file would say it: whole models by what differs from their defaults, ``seeds`` by their count."""
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields if _differs(value, name)}
    if isinstance(value, tuple | list):
        return len(value) if value and value == tuple(range(len(value))) else [plain(one) for one in value]
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return value


def _differs(model: BaseModel, name: str) -> bool:
    field = type(model).model_fields[name]
    return field.is_required() or getattr(model, name) != field.get_default(call_default_factory=True)


def _literal(value: Any, indent: int = 0, room: int = _WIDTH) -> str:
    inline = _inline(value)
    if len(inline) + indent <= room or not isinstance(value, dict | list) or not value:
        return inline
    pad = " " * (indent + 4)
    if isinstance(value, dict):
        parts = [f'{pad}"{key}": {_literal(one, indent + 4)},' for key, one in value.items()]
        return "\n".join(["{", *parts, f"{' ' * indent}}}"])
    return "\n".join(["[", *(f"{pad}{_literal(one, indent + 4)}," for one in value), f"{' ' * indent}]"])


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}": {_inline(one)}' for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, int):
        return f"{value:_}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return _number(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _number(value: float) -> str:
    """``3e-3`` and ``1e10`` rather than ``0.003`` and ``10000000000.0``; whole numbers of any size stay floats."""
    if value and (abs(value) < 0.01 or abs(value) >= 1e5):
        mantissa, exponent = f"{value:.10e}".split("e")
        short = f"{re.sub(r'0+$', '', mantissa).rstrip('.')}e{int(exponent)}"
        if float(short) == value:
            return short
    return repr(value)
