"""Reading learning curves, and the scoreboard."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import polars as pl
import pytest

from studylib import StudyError, analysis
from studylib.result import Text


def write_metrics(tmp_path, name: str, records: list[dict], tail: str = "") -> None:
    folder = tmp_path / "trials" / name
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records) + tail)


def test_curves_hold_training_validation_and_sources(tmp_path):
    records = [
        {
            "step": 1,
            "tokens": 10,
            "loss": 5.0,
            "learning_rate": 0.1,
            "grad_norm": 1.0,
            "seconds": 1.0,
            "tokens_per_s": 10.0,
        },
        {
            "step": 1,
            "tokens": 10,
            "val_loss": 5.1,
            "val_bpb": 3.0,
            "val": {"ja": {"loss": 5.2, "bpb": 3.1}},
            "seconds": 1.5,
        },
        {
            "step": 1,
            "tokens": 10,
            "loss": 4.9,
            "learning_rate": 0.1,
            "grad_norm": 1.0,
            "seconds": 2.0,
            "tokens_per_s": 10.0,
        },
    ]
    write_metrics(tmp_path, "aa", records, tail='{"step": 2, "lo')  # killed in the middle of a line
    trials = pl.DataFrame({"hash": ["aa", "never-started"], "variant": ["x", "y"], "seed": [0, 0]})
    frame = analysis.read_curves(tmp_path, trials)
    assert frame.filter(pl.col("split") == "train")["loss"].to_list() == [4.9]  # the resumed record counts
    assert frame.filter(pl.col("source") == "ja")["bpb"].to_list() == [3.1]
    assert set(frame["variant"]) == {"x"}


def test_no_curves_is_an_empty_frame_with_its_columns(tmp_path):
    frame = analysis.read_curves(tmp_path, ["nothing"])
    assert frame.is_empty()
    assert {"split", "loss", "bpb", "tokens"} <= set(frame.columns)


@pytest.mark.parametrize(
    ("interval", "claimed", "expected"),
    [
        ((-0.03, -0.01), (-math.inf, 0), "agrees"),
        ((0.01, 0.03), (-math.inf, 0), "disagrees"),
        ((-0.01, 0.03), (-math.inf, 0), "underpowered"),
        ((50, 70), (40, 128), "agrees"),
        ((10, 400), (40, 128), "underpowered"),
        ((200, 400), (40, 128), "disagrees"),
        (None, (40, 128), "underpowered"),
        ((40, math.inf), (40, 128), "underpowered"),
    ],
)
def test_outcomes(interval, claimed, expected):
    assert analysis.outcome(interval, claimed) == expected


def test_a_score_writes_its_evidence_in_both_languages():
    anchor = analysis.score(Text(en="flat", ja="平ら"), "2001.08361", (0.01, 0.02), (-math.inf, 0.03), unit="bpb")
    assert anchor.outcome == "agrees"
    assert "0.01 to 0.02 bpb" in anchor.evidence.en
    assert "0.03 未満" in anchor.evidence.ja
    with pytest.raises(StudyError, match="range"):
        analysis.score(Text(en="", ja=""), "", (2, 1), (0, 1))


def test_importing_the_package_loads_nothing_heavy():
    heavy = "('torch', 'scipy', 'polars', 'seaborn', 'jinja2', 'nbconvert')"
    code = f"import sys, studylib.analysis, studylib.report; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_analysis_runs_without_torch():
    code = (
        "import sys; from studylib import analysis; [getattr(analysis, name) for name in analysis.__all__]; "
        "print('torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
