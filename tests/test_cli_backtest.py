"""``study backtest`` as a shell user meets it."""

from __future__ import annotations

import json
import math

import polars as pl
import pytest

from studylib.analysis.track_record import read_track_record, shipped_record
from studylib.cli import main
from studylib.ladders.read import FOLDER

SIZES = (2e7, 4e7, 8e7, 1.6e8, 3.2e8)


def runs(ladder="mine"):
    """A law with two corpora, the second a percent behind."""
    rows = [
        {"ladder": ladder, "variant": corpus, "params": size, "tokens": size * ratio,
         "loss": (1.7 + 400 * size**-0.34 + 1500 * (size * ratio) ** -0.34) * math.exp(place / 100 + 0.0005 * ((-1) ** n))}
        for n, size in enumerate(SIZES)
        for ratio in (10, 20, 40)
        for place, corpus in enumerate(("a", "b"))
    ]  # fmt: skip
    return pl.DataFrame(rows)


@pytest.fixture
def table(tmp_path):
    runs().write_csv(tmp_path / "mine.csv")
    return tmp_path / "mine.csv"


def study(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["backtest", *map(str, arguments)])
    return ended.value.code, *capsys.readouterr()


def test_a_table_of_ones_own_is_tested_printed_and_recorded(table, tmp_path, capsys):
    code, out, err = study(capsys, table, "--record", tmp_path / "record.json")
    assert code == 0 and err == ""
    record = read_track_record(tmp_path / "record.json")
    (held,) = record.hold_outs
    assert 0 < held.inside <= held.hold_outs and held.median_error_percent < 2
    assert f"mine\t{held.hold_outs}\t{held.inside}\t" in out
    (choice,) = record.choices
    assert choice.ladder == "mine" and choice.series == 3 and all(pair.held == pair.pairs for pair in record.pairs)
    (order,) = record.corpora
    assert order.best == ("a",) * len(SIZES) and f"{order.held}/{order.pairs}" in out
    assert record.sources[0].title == "mine.csv" and str(tmp_path) not in (tmp_path / "record.json").read_text()
    assert all(one.low_percent < one.high_percent for one in record.forecasts)


def test_reruns_say_how_noisy_one_run_is(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "studylib.analysis.backtests.backtest", lambda rows, by: pl.DataFrame()
    )  # no forecasts: takes a second
    first = runs().with_columns(pl.lit(False).alias("rerun"))
    again = first.with_columns(pl.lit(True).alias("rerun"), pl.col("loss") * math.exp(0.001))
    pl.concat([first, again]).write_csv(tmp_path / "mine.csv")
    _, out, _ = study(capsys, tmp_path / "mine.csv")
    assert "forecasts: no ladder has runs" in out
    assert f"mine: 30 reruns, noise of one run {0.1 * 1.4826 / math.sqrt(2):.3f} % of the loss" in out


def test_json_is_the_record_and_all_of_it_is_printed(table, capsys, monkeypatch):
    known = shipped_record()
    monkeypatch.setattr("studylib.analysis.backtests.make_record", lambda tested, **_: known)
    code, out, _ = study(capsys, table, "--json")
    assert code == 0 and json.loads(out) == known.model_dump(mode="json")
    _, out, _ = study(capsys, table)
    for one in (*known.sources, *known.hold_outs, *known.by_reach, *known.choices):
        assert one.ladder in out
    assert all(f"\n{one.aspect}\t{one.sizes}\t" in out for one in known.shapes)
    assert all(f"\n{one.metric}\t" in out for one in known.corpora)


def test_bad_input_is_one_line_and_status_two(table, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(FOLDER, raising=False)
    (tmp_path / "bad.csv").write_text("params,tokens,loss\n1e6,1e7,-3\n")
    runs().write_csv(tmp_path / "again.csv")
    for arguments, said in (
        ((), "no public ladder here"),
        (("gemstones",), "study backtest gemstones --fetch gets it"),
        (("gemston",), "did you mean gemstones"),
        (("olmo", "--fetch"), "git clone"),
        ((tmp_path / "bad.csv",), "column 'loss', row 1: -3"),
        ((tmp_path / "gone.csv",), "there is no such file"),
        ((table, tmp_path / "again.csv"), "is also that of"),
        ((table, "--record", tmp_path), "is a folder, not a file"),
    ):
        code, out, err = study(capsys, *arguments)
        assert code == 2 and out == "" and err.count("\n") == 1 and said in err, arguments
