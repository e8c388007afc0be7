"""``study clean`` as a shell user meets it."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
from html.parser import HTMLParser

import psutil
import pyarrow.parquet as pq
import pytest

from studylib.cli import main
from studylib.files import file_lock

TEXTS = [
    "短い",
    "静かな村で祭りが開かれ、多くの人が集まって夜まで踊った。" * 2,
    "静かな村で祭りが開かれ、多くの人が集まって夜まで踊った。" * 2,
    "お問い合わせは 090-1234-5678 までお願いします。受付は平日の十時から十七時です。",
    "<script>alert('x')</script> という文字列を含む文章も、そのまま一つの文章として扱います。",
]
STEPS = ("--step", "length:min_characters=5", "--step", "exact", "--step", "personal", "--workers", "1")


@pytest.fixture
def clean(capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["clean", *map(str, arguments)])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return call


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"text": one}, ensure_ascii=False) + "\n" for one in TEXTS), encoding="utf-8")
    return path


def kept(out):
    return [text for shard in sorted(out.glob("*.parquet")) for text in pq.read_table(shard)["text"].to_pylist()]


def test_shards_record_and_page_and_a_second_run_does_nothing(tmp_path, file, clean):
    out = tmp_path / "out"
    code, said, err = clean(file, "--out", out, *STEPS)
    assert code == 0, err
    assert said.splitlines()[-1] == str(out / "index.html") and "5 documents" in said and "3 documents" in said
    texts = kept(out)
    assert texts[0] == TEXTS[1] and texts[1].startswith("お問い合わせは 〘電話番号〙 まで") and texts[2] == TEXTS[4]
    table = pq.read_table(sorted(out.glob("*.parquet"))[0])
    assert table.column_names == ["text", "origin", "from"]
    assert table["from"][0].as_py() == str(file) and table["origin"][0].as_py().endswith("line 2")
    record = json.loads((out / "record.json").read_text())
    assert [one["dropped"]["documents"] for one in record["steps"]] == [1, 1, 0]
    before = {one.name: one.stat().st_mtime_ns for one in out.glob("*.parquet")}
    assert clean(file, "--out", out, *STEPS)[0] == 0
    assert {one.name: one.stat().st_mtime_ns for one in out.glob("*.parquet")} == before
    assert not (out / ".work").exists()


def test_the_page_is_whole_escaped_and_in_both_languages(tmp_path, file, clean):
    out = tmp_path / "out"
    steps = ("--step", "length:min_characters=30,max_characters=50", "--step", "personal", "--workers", "1")
    assert clean(file, "--out", out, *steps)[0] == 0
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "alert(&#39;x&#39;)" in page and "alert('x')" not in page, "an example of what was dropped"
    assert "090-1234" not in page and "〘電話番号〙" in page

    class Page(HTMLParser):
        links, images = (), ()

        def handle_starttag(self, tag, attributes):
            found = dict(attributes)
            self.links += tuple(found[name] for name in ("src", "href") if name in found)
            if tag == "img" or found.get("role") == "img":
                self.images += (found.get("alt") or found.get("aria-label"),)

    parsed = Page()
    parsed.feed(page)
    assert all(one.startswith(("#", "data:")) for one in parsed.links), "nothing is loaded from elsewhere"
    assert parsed.images and all(len(one) > 20 for one in parsed.images)
    languages = {name: len(re.findall(f'class="t" lang="{name}"', page)) for name in ("en", "ja")}
    assert languages["en"] == languages["ja"] > 20
    assert "too short" in page and "too long" in page


def test_the_default_steps_are_good_for_web_text(tmp_path, file, clean):
    code, _, err = clean(file, "--out", tmp_path / "out", "--workers", "1", "--no-alone")
    assert code == 0, err
    assert kept(tmp_path / "out")[0] == TEXTS[1]
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert all(one["alone"] is None for one in record["steps"]) and len(record["steps"]) > 10


def test_a_file_says_the_same_and_the_command_line_wins(tmp_path, file, clean):
    config = tmp_path / "steps.yaml"
    config.write_text("steps: [{cleaner: length, min_characters: 5}, exact]\nworkers: 1\nalone: false\n")
    assert clean(file, "--out", tmp_path / "a", "--config", config)[0] == 0
    assert len(kept(tmp_path / "a")) == 3
    assert clean(file, "--out", tmp_path / "b", "--config", config, "--step", "length:min_characters=3")[0] == 0
    assert len(kept(tmp_path / "b")) == 4


def test_several_files_and_lines_of_plain_text(tmp_path, file, clean):
    plain = tmp_path / "notes.txt"
    plain.write_text("一行目の文章です。\n短い\n三行目の文章です。\n", encoding="utf-8")
    out = tmp_path / "out"
    code, _, err = clean(
        file, plain, "--out", out, "--document", "line", "--step", "length:min_characters=5", "--workers", "2"
    )
    assert code == 0, err
    assert len(kept(out)) == 6
    labels = json.loads((out / "record.json").read_text())["by_label"]
    assert labels[f"from:{plain}"] == {"given": 3, "dropped": 1, "alone": None}
    assert str(plain) in (out / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--step", "lenght"], "--step lenght: cleaner: 'lenght' is not a known cleaner; choose from"),
        (["--step", "length:min_characters=-1"], "min_characters: -1 is not valid"),
        (["--step", "length:min_characters"], "--step length: 'min_characters' is not of the form key=value"),
        (["--step", "length:min_charcters=3"], "did you mean min_characters?"),
        (["--step", "url:hosts=gone.txt"], "files: url: cleaning.hosts: 'gone.txt' cannot be read"),
        (["--config", "gone.yaml"], "gone.yaml: there is no such"),
        (["--workers", "0"], "study clean: workers: 0 is not valid"),
        (["--executor", "slrum"], "study clean: executor: 'slrum' is not valid"),
        (["--executor", "slurm"], "executor option time: None is missing"),
        (["--executor-option", "partition"], "--executor-option: 'partition' is not of the form key=value"),
        (["--document", "row"], "study clean: document: 'row' is not valid"),
        (["--text-column", "body"], "text_column: 'body'"),
        (
            ["--step", "length:min_characters=500"],
            "has no text left after its cleaning: step length dropped all 5 documents",
        ),
    ],
)
def test_bad_input_is_one_line_and_status_2(tmp_path, file, clean, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    code, out, err = clean(file, "--out", "out", *([] if "--workers" in arguments else ["--workers", "1"]), *arguments)
    line = err.splitlines()[-1]
    assert code == 2 and says in line and out == ""
    assert "has no text left" in says or err.count("\n") == 1


def test_files_that_are_missing_or_of_the_benchmark(tmp_path, file, clean):
    code, _, err = clean(tmp_path / "gone.jsonl", "--out", tmp_path / "out")
    assert code == 2 and "does not exist" in err and err.count("\n") == 1
    bench = tmp_path / "jnli-v1.3.jsonl"
    bench.write_bytes(file.read_bytes())
    code, _, err = clean(bench, "--out", tmp_path / "out")
    assert code == 2 and "JGLUE" in err
    row = {"sentence_pair_id": "0", "yjcaptions_id": "1", "sentence1": "a", "sentence2": "b", "text": TEXTS[1]}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))
    code, _, err = clean(tmp_path / "rows.jsonl", "--out", tmp_path / "out", "--workers", "1")
    assert code == 2 and "JGLUE must never be training data" in err and "Traceback" not in err


def test_a_folder_that_holds_something_else_is_let_be(tmp_path, file, clean):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    for out, says in (
        (tmp_path / "full", "is not empty"),
        (tmp_path, "is a folder that text is read from"),
        (file, "is a file"),
    ):
        code, _, err = clean(file, "--out", out, *STEPS)
        assert code == 2 and says in err
    out = tmp_path / "out"
    assert clean(file, "--out", out, *STEPS)[0] == 0
    code, _, err = clean(file, "--out", out, "--step", "exact")
    assert code == 2 and "cleaned with other steps or from other files" in err
    with file_lock(out / ".lock"):
        code, _, err = clean(file, "--out", out, *STEPS)
    assert code == 2 and "is in use by another" in err


def test_help_shows_examples(clean):
    code, said, _ = clean("--help")
    assert code == 0 and "study clean web.parquet --out cleaned" in " ".join(said.split())


@pytest.mark.slow
def test_killed_with_its_workers_it_leaves_no_process_and_goes_on(tmp_path, clean, alive, wait_until):
    files = []
    for number in range(4):
        files.append(tmp_path / f"{number}.jsonl")
        lines = [{"text": f"{number}の{row}番目の文章です。" + "静かな村の話。" * (row % 7)} for row in range(600)]
        files[-1].write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines), encoding="utf-8")
    out, done = tmp_path / "out", tmp_path / "out" / ".work" / "tasks" / "raw" / "completions"
    command = [
        sys.executable,
        "-m",
        "studylib.cli",
        "clean",
        *map(str, files),
        "--out",
        str(out),
        "--step",
        "repetition",
    ]
    command += ["--step", "exact", "--workers", "2"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        finished = wait_until(lambda: done.is_dir() and sorted(done.iterdir()))
        children = [one.pid for one in psutil.Process(process.pid).children(recursive=True)]
        process.kill()
    assert children
    wait_until(lambda: not any(map(alive, children)))
    marks = {one.name: one.stat().st_mtime_ns for one in finished}
    raw = {
        one.name: one.stat().st_mtime_ns
        for one in (out / ".work" / "raw").glob("*.parquet")
        if f"{one.name[:5]}" in marks
    }
    assert raw and not (out / "record.json").exists()
    again = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    seen = {}
    while again.poll() is None:
        time.sleep(0.01)
        for one in (out / ".work" / "raw").glob("*.parquet"):
            with contextlib.suppress(OSError):
                seen.setdefault(one.name, one.stat().st_mtime_ns)
    assert again.returncode == 0
    assert {name: seen[name] for name in raw} == raw, "what was finished was not done again"
    assert clean(*files, "--out", tmp_path / "whole", "--step", "length", "--step", "exact", "--workers", "1")[0] == 0
    shards = {one.name: one.read_bytes() for one in (tmp_path / "whole").glob("*.parquet")}
    assert shards and {one.name: one.read_bytes() for one in out.glob("*.parquet")} == shards
