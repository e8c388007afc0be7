"""Making the text of idea 4: sampled from a model of the study, and rewritten by rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studylib.data import prepare
from studylib.data.pseudo import made_text, rewrite, rewritten_by, write_made_text
from studylib.ideas.data_order.schema import DataOrderParams
from studylib.ideas.data_order.trials import generator, made_files, scarce_data
from studylib.trials import Task


def make_text(params: DataOrderParams, *, progress: Callable[[str], None] | None = print) -> dict[str, dict[str, Any]]:
    """Make what is not there yet; the trial that ``generator`` names must be finished.

    Returns
    -------
    dict
        By kind: what made it, ``documents`` and ``bytes``.
    """
    from studylib.train.sample import sample_text

    files, folder = made_files(params), params.folder / "data"
    data = scarce_data(params)
    trial = Task.under(params.folder, generator(params))
    found = {}
    found["sampled"] = sample_text(
        trial.spec, trial.folder, folder, params.sampling, files["sampled"], progress=progress
    )
    about = rewritten_by(data, params.scarce.label, params.rewrite_rules)
    record = made_text(files["rewritten"], about)
    if record is None:
        texts = rewrite(prepare(data, folder), params.scarce.label, params.rewrite_rules)
        record = write_made_text(files["rewritten"], texts, about)
    found["rewritten"] = record
    return found
