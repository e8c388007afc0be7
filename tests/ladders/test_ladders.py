"""Ladders: tables of runs in one form, whatever file they come in, and one line for what is wrong with one."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from dataclasses import replace

import polars as pl
import pytest

from studylib.errors import StudyError
from studylib.ladders import COLUMNS, LadderFile, fetch_ladder, read_ladder
from studylib.ladders.read import FOLDER
from studylib.ladders.tables import read_table
from studylib.registry import LADDERS

ROWS = pl.DataFrame(
    {"params": [1e6, 2e6], "tokens": [2e7, 4e7], "loss": [4.5, 4.1], "rerun": ["yes", ""], "colour": ["red", "blue"]}
)


def written(frame, file):
    {".csv": frame.write_csv, ".jsonl": frame.write_ndjson, ".parquet": frame.write_parquet}[file.suffix](file)
    return file


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_table_of_ones_own_is_read_from_any_format(tmp_path, suffix):
    found = read_ladder(written(ROWS, tmp_path / f"mine{suffix}"))
    assert dict(found.schema) == {
        name: kind() if isinstance(kind, type) else kind for name, (kind, _) in COLUMNS.items()
    }
    first, second = found.to_dicts()
    assert (first["ladder"], first["metric"], first["run"], first["variant"]) == ("mine", "loss", "run 1", "")
    assert (first["params"], first["loss"], first["flops"]) == (1e6, 4.5, None)
    assert first["rerun"] and not second["rerun"]


@pytest.mark.parametrize(
    "change, said",
    [
        (pl.col("loss").alias("los"), "column 'loss'"),
        (pl.lit(None).alias("loss"), "column 'loss', row 1: None is not a number"),
        (pl.Series("loss", ["4.5", "n/a"]), "column 'loss', row 2: 'n/a' is not a number"),
        (pl.Series("loss", [4.5, -4.1]), "column 'loss', row 2: -4.1 is not above 0"),
        (pl.Series("loss", [4.5, float("nan")]), "column 'loss', row 2: nan is not above 0"),
        (pl.Series("tokens", [0.0, 1.0]), "column 'tokens', row 1: 0.0 is not above 0"),
        (pl.Series("params", [float("inf"), 1.0]), "column 'params', row 1: inf is not above 0"),
        (pl.Series("width", ["wide", ""]), "column 'width', row 1: 'wide' is not a number"),
        (pl.Series("rerun", ["perhaps", ""]), "column 'rerun', row 1: 'perhaps' is not a truth value"),
    ],
)
def test_what_is_wrong_with_a_table_is_one_line_with_its_place(tmp_path, change, said):
    frame = ROWS.with_columns(change)
    file = written(frame.drop("loss") if "los" in frame.columns else frame, tmp_path / "mine.parquet")
    with pytest.raises(StudyError) as error:
        read_ladder(file)
    assert said in str(error.value) and str(file) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("mine.txt", b"params", "suffix"), ("mine.csv", b"", "cannot be read as a table"), ("gone.csv", None, "there is no such file"),
        ("mine.parquet", b"PAR1 and not more", "cannot be read as a table"), ("mine.jsonl", b'{"params": 1,', "cannot be read as a table"),
        ("mine.csv", b"params,tokens,loss\n", "too few"),
    ],
)  # fmt: skip
def test_damaged_files_are_one_line(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(StudyError, match=said) as error:
        read_ladder(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_name_that_is_none_lists_the_known():
    with pytest.raises(StudyError, match=r"choose from chinchilla, gadre, gemstones, olmo.*did you mean gemstones"):
        read_ladder("gemstone")


# --- public ladders


SETS = ("openlm/shard.tar", "c4_val/shard.tar", "x/paloma_c4_en/00000001.tar", "x/paloma_dolma_100_programing_languages/00000001.tar",
        "x/paloma_falcon-refinedweb/00000001.tar", "x/paloma_ptb/00000001.tar", "x/paloma_redpajama/00000001.tar",
        "x/de-en/val_de-en_100.tar")  # fmt: skip


def test_gadre_is_the_same_from_the_table_and_from_upstreams_files(tmp_path):
    rows = []
    (tmp_path / "up" / "exp_data" / "models").mkdir(parents=True)
    for name, params in (("rpj", 1000), ("c4_original", 2000)):
        results = [{"loss": 3 + place / 10, "val_data": [f"eval/{one}"]} for place, one in enumerate(SETS)]
        sizes = {"params": params, "params_no_embed": params // 2, "tokens": 20 * params}
        model = {"name": f"{name}-1", "dataset_name": name, "hyperparameters": sizes, "results": results}
        (tmp_path / "up" / "exp_data" / "models" / f"{name}.json").write_text(json.dumps(model))
        for place, one in enumerate(SETS):
            short = one.split("/")[-1] if "x/" in one else one.split("/")[0]
            rows.append((f"{name}-1", name, params, params // 2, 20 * params, short, 3 + place / 10))
    tidy = pl.DataFrame(rows, schema=["name", "train_set", "N", "N_no_embed", "D", "val_data", "loss"], orient="row")
    (tmp_path / "tidy").mkdir()
    written(tidy, tmp_path / "tidy" / "tidy.csv")
    table, upstream = (LADDERS["gadre"].read(tmp_path / one).sort("run", "metric") for one in ("tidy", "up"))
    assert table.equals(upstream)
    assert set(table["variant"]) == {"RedPajama", "C4"} and table["metric"].n_unique() == 8
    written(tidy[:-2], tmp_path / "tidy" / "tidy.csv")
    with pytest.raises(StudyError, match="a model has not 5 rows"):
        LADDERS["gadre"].read(tmp_path / "tidy")
    (tmp_path / "up" / "exp_data" / "models" / "rpj.json").write_text('{"name": "rpj"}')
    with pytest.raises(StudyError, match=r"rpj\.json: is no description of a model"):
        LADDERS["gadre"].read(tmp_path / "up")


def test_olmo_is_the_same_from_the_table_and_from_upstreams_files(tmp_path):
    runs = tmp_path / "up" / "src" / "scripts" / "paper" / "data" / "ladder-runs"
    runs.mkdir(parents=True)
    loss = "eval/c4_en-validation/CrossEntropyLoss"
    columns = {"throughput/total_tokens": [1e9, 2e9], "throughput/total_training_Gflops": [5.0, 9.0], loss: [5.0, 4.0],
               "eval/v3-small-c4_en-validation/CrossEntropyLoss": [9.0, 9.0]}  # fmt: skip
    written(pl.DataFrame(columns), runs / "190M-1xC-rerun.csv")
    written(pl.DataFrame(columns), runs / "77M-1xC.csv")  # a size that is not known
    written(pl.DataFrame({loss: [2.5, 2.4]}), runs / "peteish13_eval_final.csv")
    upstream = LADDERS["olmo"].read(tmp_path / "up")
    assert upstream.select("run", "params", "tokens", "loss", "flops", "rerun").rows() == [
        ("190M-1xC-rerun", 190354176.0, 2e9, 4.0, 9e9, True), ("peteish13_eval_final", 13202396160.0, 5e12, 2.4, None, False),
    ]  # fmt: skip
    tidy = pl.DataFrame(
        [("190M-1xC-rerun", "190M", 190354176, "1xC", True, 2e9, 9.0, 4.0), ("7B", "7B", 7, "target", False, None, None, 2.0),
         ("peteish13_eval_final", "13B", 13202396160, "target", False, 5e12, None, 2.4)],
        schema=["run", "size", "N", "multiplier", "rerun", "D", "gflops", "c4_en"], orient="row",
    )  # fmt: skip
    written(tidy, tmp_path / "tidy.csv")
    assert LADDERS["olmo"].read(tmp_path).equals(upstream)


def gemstones(folder):
    folder.mkdir(parents=True)
    row = {"run_name": "a", "params_active_precise": 48_377_600, "width": 256, "depth": 23, "tokens": 10**10, "step": 1,
           "num_nodes": 8, "seconds_per_step": 0.5, "final_loss": 3.3}  # fmt: skip
    for one in LADDERS["gemstones"].files:
        written(pl.DataFrame([row]), folder / one.name)
    return folder


def test_gemstones_say_what_they_count_and_seconds_of_one_node(tmp_path):
    found = LADDERS["gemstones"].read(gemstones(tmp_path / "gemstones"))
    first = found.row(0, named=True)
    assert len(found) == 3 and found["metric"].n_unique() == 3
    assert first["variant"] == "23 x 256" and first["seconds_per_step"] == 4.0
    assert first["non_embedding_params"] == 48_377_600 - 2 * 50_304 * 256


def test_a_public_ladder_is_refused_if_its_content_is_not_what_is_pinned(tmp_path, monkeypatch):
    gemstones(tmp_path / "gemstones")
    monkeypatch.setenv(FOLDER, str(tmp_path))
    with pytest.raises(StudyError, match=r"cool_end\.jsonl: the content has SHA-256"):
        read_ladder("gemstones")
    with pytest.raises(StudyError, match=r"'gadre' is not in .*git checkout a003c4913793ac2ae7ef87b28ecb562955d026d5"):
        read_ladder("gadre", folder=tmp_path)


def test_every_public_ladder_says_where_it_is_from():
    for name, one in LADDERS.items():
        assert one.name == name and one.repository.startswith("https://") and len(one.commit) == 40 and one.licence
        assert all(len(file.sha256) == 64 for file in one.files)
        assert all(file.url is None or one.commit in file.url for file in one.files)


# --- fetching


CONTENT = b"C,N,D,loss\n6e15,1e6,1e9,4.0\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def server():
    """On the loopback; counts what was asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path == "/gone":
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT) + 9 * (self.path == "/short")))
            self.end_headers()
            self.wfile.write(CONTENT)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("no_proxy", "127.0.0.1")
            yield f"http://127.0.0.1:{found.server_port}", asked
        found.shutdown()


def ladder(url, sha256=DIGEST):
    return replace(LADDERS["chinchilla"], files=(LadderFile("df.csv", url, sha256),))


def test_a_file_is_fetched_once_and_held_against_its_digest(tmp_path, server):
    url, asked = server
    for _ in range(2):
        place = fetch_ladder(ladder(f"{url}/df.csv"), tmp_path)
    assert asked == ["/df.csv"] and (place / "df.csv").read_bytes() == CONTENT
    assert LADDERS["chinchilla"].read(place)["params"].to_list() == [1e6]
    (place / "df.csv").write_bytes(CONTENT[:9])  # damaged since: fetched again
    assert (fetch_ladder(ladder(f"{url}/df.csv"), tmp_path) / "df.csv").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "path, digest, said",
    [
        ("/df.csv", "0" * 64, "nothing was taken"),
        ("/short", None, "broke off|fetched"),
        ("/gone", None, "cannot be fetched: Not Found"),
    ],
)
def test_a_bad_download_is_one_line_and_leaves_nothing(tmp_path, server, path, digest, said):
    bad = ladder(server[0] + path, *([digest] if digest else []))
    with pytest.raises(StudyError, match=said) as error:
        fetch_ladder(bad, tmp_path)
    assert path in str(error.value) and "\n" not in str(error.value)
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]


def test_no_server_and_no_pinned_file_are_one_line(tmp_path):
    with pytest.raises(StudyError, match="cannot be fetched"):
        fetch_ladder(ladder("http://127.0.0.1:9/df.csv"), tmp_path)
    with pytest.raises(StudyError, match=r"git clone https://github.com/allenai/OLMo-ladder"):
        fetch_ladder(LADDERS["olmo"], tmp_path)


def test_other_separators_are_read(tmp_path):
    (tmp_path / "a.tsv").write_text("params\ttokens\n1\t2\n")
    assert read_table(tmp_path / "a.tsv").rows() == [(1, 2)]
