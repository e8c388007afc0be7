"""``study bench cleaning`` measures what it says, on a little text; its figures are read by people."""

from __future__ import annotations

import json

import pytest

from studylib.bench import main
from studylib.errors import StudyError


def test_every_part_prints_and_keeps_its_rows(tmp_path, capsys):
    file = tmp_path / "found.json"
    parts = [word for part in ("speed", "memory", "register") for word in ("--part", part)]
    asked = ["--megabytes", "0.2", "--size", "1", "--register-megabytes", "0.5", "--json", str(file)]
    assert main(["cleaning", *parts, *asked]) == 0
    found, printed = json.loads(file.read_text(encoding="utf-8")), capsys.readouterr().out
    assert found["speed"][-1]["step"] == "all of these" and all(row["mb_per_s"] > 0 for row in found["speed"])
    (memory,) = found["memory"]
    assert 50 < memory["peak_mb"] < 2000 and 0 < memory["kept"] <= memory["documents"]
    (register,) = found["register"]
    together = register["judged"][-1]
    assert together["step"] == "all" and together["dropped"] > 50 and together["precision"] > 0.8
    assert {row["form"] for row in register["lost"]} >= {"article", "haiku", "code"}
    assert "recall_alone" in printed and "peak MB" in printed


def test_too_little_text_for_a_size_is_told(tmp_path):
    (tmp_path / "one.txt").write_text("一つだけの文章です。", encoding="utf-8")
    with pytest.raises(StudyError, match="too little text to make 1 MB of"):
        main(["cleaning", str(tmp_path / "one.txt"), "--part", "memory", "--size", "1"])
