"""Parameters of a notebook: a YAML file, checked by a schema, handed to the notebook, and read back there.

Every idea has its own subclass of `StudyParams`. Each field is a top-level key of ``params/<scale>/<idea>.yaml`` and
a name in the notebook's cell tagged ``parameters``.
"""

from __future__ import annotations

from studylib.params.load import load_params, params_from, read_with
from studylib.params.overrides import parse_overrides
from studylib.params.schema import StudyParams, assigned_names, given_to_papermill
from studylib.params.texts import Texts, names_in, sources_in
from studylib.params.yaml_file import read_yaml

__all__ = [
    "StudyParams",
    "Texts",
    "assigned_names",
    "given_to_papermill",
    "load_params",
    "names_in",
    "sources_in",
    "params_from",
    "parse_overrides",
    "read_with",
    "read_yaml",
]
