"""JGLUE must not reach a shard, under any name or shape. All records here are made up in JGLUE's layout."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studylib.data import PreparedData, prepare
from studylib.data.document import Document
from studylib.data.guard import Guard
from studylib.data.guard.names import benchmark_in
from studylib.data.guard.records import record_task, text_task
from studylib.errors import StudyError
from studylib.files import read_json, write_json
from studylib.spec import DataSpec

TEXT = "山あいの小さな町では、冬になると窯に火が入り、朝まで煙が絶えることはなかったという。"
MCQ = {
    "q_id": 1,
    "question": "赤い果物は？",
    "choice0": "林檎",
    "choice1": "茄子",
    "choice2": "葱",
    "choice3": "米",
    "choice4": "塩",
    "label": 0,
}
PAIR = {
    "sentence_pair_id": "0",
    "yjcaptions_id": "1-2-3",
    "sentence1": "犬がいる。",
    "sentence2": "猫がいる。",
    "label": "neutral",
}
SQUAD = {
    "title": "窯",
    "context": "窯 [SEP] 窯は焼き物を焼く。",
    "qas": [{"id": "a1p0q0", "question": "何を焼く？", "answers": []}],
}


def spec(path, **more) -> DataSpec:
    options = {"path": str(path)} | more.pop("options", {})
    tokenizer = {"vocab_size": 400, "kind": "bpe"}
    sources = [{"kind": "files", "name": "text", "options": options}]
    return DataSpec(sources=sources, tokenizer=tokenizer, validation_fraction=0.3, **more)


def write_lines(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records), encoding="utf-8")
    return path


def plain(count=60):
    return [{"text": f"{TEXT}その{number}年目の春、町には{number * 7}軒の窯元があった。"} for number in range(count)]


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("shunk031/JGLUE", "JGLUE"),
        ("/data/j-glue/train.jsonl", "JGLUE"),
        ("ＪＧＬＵＥ", "JGLUE"),
        ("j%67lue", "JGLUE"),
        ("JG\u200bLUE", "JGLUE"),
        ("JCommonsenseQA", "JCommonsenseQA"),
        ("j_common_sense_qa.parquet", "JCommonsenseQA"),
        ("jnli-v1.3", "JNLI"),
        ("JSTS", "JSTS"),
        ("my/JSQuAD/x", "JSQuAD"),
        ("marc-ja", "MARC-ja"),
        ("MARC_ja", "MARC-ja"),
        ("marcja.txt", "MARC-ja"),
        ("jcola", "JCoLA"),
        ("llm-jp/jaster", "jaster"),
        ("tuning/Jaster-v1/rows.jsonl", "jaster"),
        ("datasets/llm-jp-eval/1.4", "llm-jp-eval"),
        ("collection/jcommonsenseqa/data/000000.json", "JCommonsenseQA"),
        ("wikipedia/20231101.ja", None),
        ("jaquad", None),
        ("mc4-ja", None),
        ("src/js/tsconfig", None),
        ("march-january", None),
        ("glue", None),
        ("ninjasters", None),
    ],
)
def test_names(name, task):
    assert benchmark_in(name) == task


@pytest.mark.parametrize("folder", ["jglue", "corpora/JNLI", "x/jcommonsenseqa-v1.3"])
def test_a_forbidden_path_is_refused_before_it_is_opened(tmp_path, folder):
    path = tmp_path / folder / "train.jsonl"  # does not exist: the name alone decides
    with pytest.raises(StudyError, match="must never be training data"):
        prepare(spec(path), tmp_path / "data")


def test_a_forbidden_label_or_option_is_refused(tmp_path):
    file = write_lines(tmp_path / "a.jsonl", plain())
    with pytest.raises(StudyError, match="JSTS"):
        prepare(spec(file, options={"text_column": "jsts_text"}), tmp_path / "data")


def test_a_link_to_a_forbidden_file_is_refused(tmp_path):
    target = write_lines(tmp_path / "JSQuAD" / "train.jsonl", plain())
    link = tmp_path / "harmless.jsonl"
    link.symlink_to(target)
    with pytest.raises(StudyError, match="JSQuAD"):
        prepare(spec(link), tmp_path / "data")


def test_forbidden_files_of_a_folder_are_left_out_and_counted(tmp_path):
    write_lines(tmp_path / "corpus" / "good.jsonl", plain())
    write_lines(tmp_path / "corpus" / "jcommonsenseqa" / "0.jsonl", plain(5))
    (tmp_path / "corpus" / "alias.jsonl").symlink_to(tmp_path / "corpus" / "jcommonsenseqa" / "0.jsonl")
    prepared = prepare(spec(tmp_path / "corpus"), tmp_path / "data")
    made = prepared.manifest["sources"]["text"]
    assert made["notes"]["files_left_out_as_benchmark"] == 2
    assert made["train"]["documents"] + made["validation"]["documents"] == 60


@pytest.mark.parametrize(
    ("record", "task"),
    [
        (MCQ, "JCommonsenseQA"),
        (PAIR, "JNLI or JSTS"),
        (SQUAD, "JSQuAD"),
        ({"data": [{"paragraphs": [SQUAD]}]}, "JSQuAD"),
        ({"id": "a12p3q4", "context": "x", "text": "y"}, "JSQuAD"),
        ({"row": MCQ}, "JCommonsenseQA"),
        ({"Q_ID": 1} | MCQ, "JCommonsenseQA"),
        ({"sentence": "s", "label": 1, "review_id": "R1"}, "MARC-ja"),
        ({"text": "a", "id": "tr-000-00-000"}, None),
        ({"question": "q", "choices": ["a"], "answer_index": 1}, None),
        ({}, None),
    ],
)
def test_record_shapes(record, task):
    assert record_task(record) == task


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz"])
@pytest.mark.parametrize("record", [MCQ, PAIR, SQUAD])
def test_a_renamed_file_of_records_is_refused(tmp_path, record, suffix):
    content = "".join(json.dumps(one | {"text": TEXT}, ensure_ascii=False) + "\n" for one in [record] * 3).encode()
    file = tmp_path / f"harmless{suffix}"
    file.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    with pytest.raises(StudyError, match="must never be training data"):
        prepare(spec(file), tmp_path / "data")


@pytest.mark.parametrize("nested", [False, True])
def test_a_renamed_parquet_of_records_is_refused(tmp_path, nested):
    rows = [{"text": TEXT, "inner": [MCQ]} if nested else {"text": TEXT} | MCQ] * 3
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "harmless.parquet")
    with pytest.raises(StudyError, match="JCommonsenseQA"):
        prepare(spec(tmp_path / "harmless.parquet"), tmp_path / "data")


def test_a_parquet_with_jsquad_identifiers_is_refused(tmp_path):
    rows = [{"id": f"a1p0q{number}", "context": TEXT, "question": "?"} for number in range(3)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "qa.parquet")
    with pytest.raises(StudyError, match="JSQuAD"):
        prepare(spec(tmp_path / "qa.parquet", options={"text_column": "context"}), tmp_path / "data")


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(MCQ, ensure_ascii=False),
        str(MCQ),
        json.dumps([PAIR, PAIR], ensure_ascii=False),
        json.dumps(SQUAD, ensure_ascii=False),
        "q_id,question,choice0,choice1,choice2,choice3,choice4,label\n1,x,a,b,c,d,e,0\n",
        "前置き。" + json.dumps(PAIR),
        SQUAD["context"],
        "id\tquestion\na1p0q0\t何？\n",
    ],
)
def test_records_inside_texts_are_dropped(text):
    guard = Guard()
    assert text_task(text) is not None
    assert guard.admit([Document(text), Document(TEXT)]) == [Document(TEXT)]
    assert guard.record()["dropped"]["benchmark_record"] == 1


def test_speaking_about_jglue_is_not_jglue():
    assert text_task("JGLUEは日本語の評価用データで、JNLIやJSTSを含む。学習には使わない。") is None


@pytest.mark.parametrize(
    "disguise",
    [
        lambda text: f"まえがき。{text}あとがき。",
        lambda text: "\n".join(text),
        lambda text: " ".join(text),
        lambda text: text.translate({ord(digit): chr(ord(digit) + 0xFEE0) for digit in "0123456789"}),
        lambda text: text.replace("、", "、\u200b"),
    ],
)
def test_text_of_evaluation_files_is_dropped_in_disguise(tmp_path, disguise):
    secret = "北の港に着いた1873年の夜、灯台の明かりは3度またたいて、それきり消えてしまった。"
    evaluation = write_lines(tmp_path / "held_out.jsonl", [{"question": secret, "answer": "灯台"}])
    guard = Guard([str(evaluation)])
    documents = [Document(disguise(secret)), Document(TEXT), Document("")]
    assert guard.admit(documents) == documents[1:]
    assert guard.record()["dropped"]["known_sentence"] == 1


def test_short_evaluation_sentences_count_where_all_of_them_stands_between_marks(tmp_path):
    evaluation = write_lines(tmp_path / "held_out.jsonl", [{"question": "田んぼが広がる風景を何という？"}])
    guard = Guard([str(evaluation)])
    whole, other = (
        "問題:田んぼが広がる風景を 何という？(答えよ)",
        "昔は田んぼが広がる風景を誰も何とも呼ばなかったという。",
    )
    assert guard.admit([Document(whole), Document(other)]) == [Document(other)]


def test_a_missing_or_empty_evaluation_file_is_an_error(tmp_path):
    file = write_lines(tmp_path / "a.jsonl", plain())
    with pytest.raises(StudyError, match=r"evaluation_only.*not a file"):
        prepare(spec(file, evaluation_only=("nowhere.json",)), tmp_path / "data")
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(StudyError, match="no text to keep out"):
        prepare(spec(file, evaluation_only=(str(tmp_path / "empty.txt"),)), tmp_path / "data")


def test_all_text_dropped_is_an_error_that_says_so(tmp_path):
    file = write_lines(tmp_path / "a.jsonl", plain())
    (tmp_path / "e.txt").write_text(TEXT, encoding="utf-8")
    with pytest.raises(StudyError, match=r"60 documents were dropped as evaluation data \(known_sentence 60\)"):
        prepare(spec(file, evaluation_only=(str(tmp_path / "e.txt"),)), tmp_path / "data")


@pytest.mark.parametrize("damage", ["no record", "edited record", "no seal"])
def test_prepared_data_without_the_guards_record_are_refused(tmp_path, damage):
    prepared = prepare(spec(write_lines(tmp_path / "a.jsonl", plain())), tmp_path / "data")
    manifest = read_json(prepared.folder / "manifest.json")
    if damage == "no record":
        del manifest["guard"]
    elif damage == "edited record":
        manifest["guard"]["text"]["dropped"]["known_sentence"] += 1
    else:
        del manifest["seal"]
    write_json(prepared.folder / "manifest.json", manifest)
    with pytest.raises(StudyError, match=r"guard|seal"):
        PreparedData(prepared.folder)
