"""What the gate knows of a benchmark's text, and that no disguise gets it through. All rows here are invented."""

from __future__ import annotations

import json
import random
import zipfile
from itertools import combinations, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from studylib.bench._gate_attacks import ROW_ATTACKS, SENTENCE_ATTACKS, rows_of, sentences_of
from studylib.cli import main
from studylib.data import prepare
from studylib.data.document import Document
from studylib.data.guard import REASONS, Guard
from studylib.data.guard.fields import record_fields
from studylib.data.guard.fingerprints import Fingerprints
from studylib.data.guard.fold import fold
from studylib.data.guard.known import SHIPPED, known_digests
from studylib.data.guard.matching import Matcher
from studylib.data.guard.records import row_id_task, table_of
from studylib.data.source.files import FilesSource
from studylib.errors import StudyError
from studylib.files import read_json
from studylib.spec import DataSpec

PLACES = [
    "霧浜",
    "月見坂",
    "青砥島",
    "鳴瀬谷",
    "白樺台",
    "金糸峠",
    "椿山",
    "小夜川",
    "藤ヶ崎",
    "雁木町",
    "御影原",
    "桐生野",
]
PEOPLE = ["柊", "葉月", "瀬川", "湯澤", "桐原", "御崎", "小鳥遊", "神楽"]
THINGS = ["灯台", "風車", "味噌蔵", "製紙場", "陶房", "天文台", "水門", "鐘楼", "石橋", "船着き場", "温室", "茶室"]
DEEDS = [
    "の屋根を直しています",
    "の前で雨宿りをしています",
    "を絵に描いています",
    "の鍵を探しています",
    "へ荷物を運んでいます",
]


@pytest.fixture(scope="module")
def records():
    """Rows in the layout of JCommonsenseQA, JNLI and JSQuAD."""
    rng = random.Random(7)

    def sentence():
        adverb = rng.choice(["朝早くから", "夕立のあとで", "一人きりで", "笑いながら", "片手だけで"])
        return f"{rng.choice(PLACES)}の{rng.choice(PEOPLE)}が、{adverb}{rng.choice(THINGS)}{rng.choice(DEEDS)}。"

    choices = [
        {"q_id": place, "question": question, "label": rng.randrange(5)}
        | {f"choice{at}": one for at, one in enumerate(rng.sample([*THINGS, *PLACES], 5))}
        for place, question in enumerate(
            [f"{where}で{what}の隣にあるのは？" for where in PLACES for what in THINGS]
            + ["夏は？", "昼に？", "赤い？", "何色？"] * 6
        )
    ]
    pairs = [
        {"sentence_pair_id": str(place), "sentence1": sentence(), "sentence2": sentence(), "label": "neutral"}
        for place in range(150)
    ]
    squad = {
        "data": [
            {
                "title": where,
                "paragraphs": [
                    {
                        "context": f"{where} [SEP] " + "".join(sentence() for _ in range(8)),
                        "qas": [
                            {"question": f"{where}の{what}を建てたのは誰の祖父か。", "answers": [{"text": "石工"}]}
                            for what in THINGS[:4]
                        ],
                    }
                ],
            }
            for where in PLACES
        ]
    }
    return {"choices": choices, "pairs": pairs, "squad": [squad]}


@pytest.fixture(scope="module")
def held_out(records, tmp_path_factory):
    """The fingerprint file of these rows, made by the command."""
    folder = tmp_path_factory.mktemp("held_out")
    files = []
    for name, own in records.items():
        files.append(folder / f"{name}.json")
        files[-1].write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in own), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["fingerprint", *map(str, files), "--out", str(folder / "held_out.npz")])
    assert ended.value.code == 0
    return folder / "held_out.npz"


def let_through(held_out, folder, name, content, options):
    (folder / name).write_text(content, encoding="utf-8")
    guard = Guard([str(held_out)])
    source = FilesSource("text", {"path": str(folder / name), **options})
    try:
        return [document.text for document in guard.admit(list(source.documents()))]
    except StudyError as error:
        assert "JGLUE must never be training data" in str(error)
        return []


# --- attacks


@pytest.mark.parametrize("kind", ["choices", "pairs", "squad"])
@pytest.mark.parametrize("attack", ROW_ATTACKS)
def test_no_whole_row_gets_through(records, held_out, tmp_path, attack, kind):
    rows = rows_of(records[kind])
    assert let_through(held_out, tmp_path, *ROW_ATTACKS[attack](rows)) == []


@pytest.mark.parametrize("attack", SENTENCE_ATTACKS)
def test_sentences_in_disguise(records, held_out, tmp_path, attack):
    sentences = sentences_of([row for own in records.values() for row in rows_of(own)])
    content = "".join(SENTENCE_ATTACKS[attack](one) + "\n" for one in sentences)
    assert len(sentences) > 300
    through = let_through(held_out, tmp_path, "lines.txt", content, {"document": "line"})
    assert len(through) <= 0.01 * len(sentences), through[:5]


def test_a_row_is_known_by_three_choices_where_the_others_leave_nothing():
    row = {
        "question": "適当なものは？",
        "choice0": "灯台守",
        "choice1": "正解",
        "choice2": "製紙場",
        "choice3": "CD",
        "choice4": "味噌蔵の鍵",
    }
    known = Matcher(Fingerprints.of(record_fields(row)))
    shuffled = "適当なものは？ 選択肢：0.CD,1.味噌蔵の鍵,2.正解,3.灯台守,4.製紙場"
    assert known.kinds([shuffled, "0.味噌蔵の鍵,1.灯台守,2.船着き場"]) == ["row", None]


def test_a_short_question_with_two_choices_is_known_with_them_and_not_by_them(tmp_path):
    choices = ["許してもよいこと", "してはならないこと"]
    file = tmp_path / "asked.jsonl"
    file.write_text(json.dumps({"question": "港で歌う", "choices": choices, "answer_index": 0}, ensure_ascii=False))
    guard = Guard((str(file),))
    same, other = (
        Document(f"{question}\n\n選択肢:\n1. {choices[0]}\n2. {choices[1]}\n{choices[0]}", origin="mine")
        for question in ("港で歌う", "隣の猫を黙って叩く")
    )
    assert guard.admit([same, other]) == [other]
    assert guard.record()["dropped"]["known_row"] == 1


def test_a_parquet_row_is_judged_by_its_other_columns_too(records, held_out, tmp_path):
    rows = [row for row in rows_of(records["choices"]) if len(row.texts[0]) < 8]
    table = [{"text": "問題です。", "a": row.texts[0], "b": list(row.choices), "c": {"d": row.answer}} for row in rows]
    pq.write_table(pa.Table.from_pylist(table), tmp_path / "rows.parquet")
    source = FilesSource("text", {"path": str(tmp_path / "rows.parquet")})
    guard = Guard([str(held_out)])
    assert guard.admit(list(source.documents())) == []
    assert guard.record()["dropped"]["known_row"] == len(rows)


def test_where_text_is_bytes_the_bytes_beside_it_are_judged_too(records, held_out, tmp_path):
    rows = [row for row in rows_of(records["choices"]) if len(row.texts[0]) < 8]
    table = [
        {
            "text": "問題です。".encode("cp932"),
            "asked": {"question": row.texts[0].encode("cp932"), "list": [one.encode("cp932") for one in row.choices]},
            "image": b"\xff\xd8\xff\x00",
        }
        for row in rows
    ]
    pq.write_table(pa.Table.from_pylist(table), tmp_path / "rows.parquet")
    guard = Guard([str(held_out)])
    assert (
        guard.admit(
            list(FilesSource("text", {"path": str(tmp_path / "rows.parquet"), "encoding": "cp932"}).documents())
        )
        == []
    )
    assert guard.record()["dropped"]["known_row"] == len(rows)


def test_the_header_of_a_table_condemns_its_rows_and_nothing_after_them():
    guard = Guard()
    lines = [
        "まえがき",
        "sentence_pair_id,sentence1,sentence2,label",
        "0,赤い,青い,neutral",
        '1,"丸い","四角い",neutral',
        "あとがき",
    ]
    documents = [Document(line, piece_of="a.txt") for line in lines]
    others = [Document("0,甘い,辛い,neutral", piece_of="b.txt")]
    # The table goes on in the next batch; another file's rows are not its rows.
    kept = guard.admit(documents[:3]) + guard.admit([*others, *documents[3:]])
    assert [document.text for document in kept] == ["まえがき", "0,甘い,辛い,neutral", "あとがき"]
    assert guard.record()["dropped"]["benchmark_table"] == 3


def test_a_line_about_columns_is_no_header():
    assert table_of("The columns are sentence1, sentence2 and label.") is None
    assert table_of("q_id\tquestion\tchoice0\tchoice1\tchoice2\tchoice3\tchoice4\tlabel").columns == 8


@pytest.mark.parametrize("value", ["jnli-0", "JCommonsenseQA-12", "jsts_train_4", "llm-jp/jsquad-7", "marc-ja-3"])
def test_identifiers_of_derived_sets_drop_their_row(value):
    guard = Guard()
    rows = [Document("ほかのどこにもない文。", record={"ID": value}), Document("ほかの文。", record={"ID": "jsut-0"})]
    assert guard.admit(rows) == rows[1:]
    assert guard.record()["dropped"]["benchmark_id"] == 1


@pytest.mark.parametrize("value", ["jnli", "jsut-12", "projects-2", "JSTQE-4", "2020-jsts"])
def test_other_identifiers_do_not(value):
    assert row_id_task({"id": value}) is None


# --- text that is not the benchmark's


def test_other_text_passes(held_out):
    rng = random.Random(3)
    texts = [
        f"{rng.choice(PLACES)}では{year}年に{rng.choice(THINGS)}が建て替えられ、費用は町の予算の{year % 7 + 1}割に及んだ。"
        f"{rng.choice(PEOPLE)}は隣の{rng.choice(PLACES)}で暮らし、{rng.choice(THINGS)}を守ってきた。"
        for year in range(1000, 1400)
    ]
    guard = Guard([str(held_out)])
    assert len(guard.admit([Document(text) for text in texts])) == 400


def test_a_long_text_may_hold_a_short_phrase_by_chance_but_no_sentence():
    known = Matcher(
        Fingerprints.of(
            record_fields({"question": "昼に飲む物は何？", "sentence": "柊が石橋の前で雨宿りをしています。"})
        )
    )
    story = "その年の冬は長く、川は三度凍り、春の祭りは取りやめになったという。" * 20
    by_chance = f"{story}「昼に飲む物は何？」と尋ねた。{story}"
    assert known.kinds(["昼に飲む物は何？", by_chance, f"{story}柊が石橋の前で雨宿りをしています。{story}"]) == [
        "sentence",
        None,
        "sentence",
    ]


def test_a_short_sentence_is_known_whichever_two_of_its_characters_are_cut():
    sentence = "昼に飲む物は何"
    known = Matcher(Fingerprints.of(record_fields({"question": f"{sentence}？"})))
    left = ["".join(one for place, one in enumerate(sentence) if place not in cut) for cut in combinations(range(7), 2)]
    left += [sentence[:place] + sentence[place + 1 :] for place in range(7)]
    assert len(set(left)) == 28
    assert known.kinds([f"{one}？" for one in left]) == ["sentence"] * 28
    story = "その年の冬は長く、川は三度凍ったという。"
    quoted = Matcher(Fingerprints.of(record_fields({"question": "「霧浜」と「椿山」の違いは？"})))
    assert quoted.kinds(["「霧浜」と「椿」の違いは？", "霧浜」と「椿山」の違い", "「霧浜」と「椿山」"]) == [
        "sentence",
        "sentence",
        None,
    ]
    three_cut, other, by_chance = "昼飲は何？", "朝に飲む物は何？", f"{story}「{left[3]}」と尋ねた。{story}"
    assert known.kinds([three_cut, other, by_chance]) == [None, None, None]


def test_a_short_sentence_inside_another_counts_where_it_is_a_third_of_the_text():
    known = Matcher(Fingerprints.of(record_fields({"question": "昼に飲む物は何？"})))
    story = "その年の冬は長く、川は三度凍ったという。"
    assert known.kinds(["それは昼に飲む物は何という話だった。", f"{story}それは昼に飲む物は何という話だった。"]) == [
        "sentence",
        None,
    ]


def test_half_of_a_passage_is_the_passage_and_a_sentence_of_it_is_not(records):
    passage = records["squad"][0]["data"][0]["paragraphs"][0]["context"]
    known = Matcher(Fingerprints.of(record_fields({"context": passage})))
    body = passage.split("[SEP]")[1].strip()
    half = body[: len(body) * 6 // 10]
    story = "その年の冬は長く、川は三度凍った。" * 100
    assert known.kinds([body, story + half + story, body.split("。")[0], story]) == ["passage", "passage", None, None]


def test_finds_are_in_the_right_text_of_a_batch():
    secret = "".join(chr(0x4E00 + 7 * number) for number in range(40))
    known = Matcher(Fingerprints.of(record_fields({"sentence": secret})))
    texts = ["あ" * number for number in range(50)]
    texts[17] = "い" * 100 + secret
    texts[18], texts[19] = secret[:20], secret[20:]  # only together they would be it
    assert [place for place, kind in enumerate(known.kinds(texts)) if kind] == [17]
    short = Matcher(Fingerprints.of(record_fields({"sentence": "昼に飲む物は何？"})))
    assert short.kinds(["昼に飲", "物は何", "昼に飲物は何"]) == [None, None, "sentence"]


def test_what_is_kept_of_a_text():
    folded = fold(["ﾃﾞｰﾀ、ﾊﾞｽ!", "データ，　バス！", "で\u200bた ばす", "ABC 123", "㍿ Ａ"])
    ends = [0, *folded.ends.tolist()]
    kept = ["".join(map(chr, folded.points[first:last])) for first, last in pairwise(ends)]
    assert kept == ["てたはす", "てたはす", "てたはす", "", "株式会社"]


# --- fingerprint files


def test_fingerprints_outlive_saving_and_joining(held_out, tmp_path, records):
    first = Fingerprints.load(held_out)
    other = Fingerprints.of(record_fields({"sentence": "まったく別の一文がここに書かれています。"}))
    short = Fingerprints.of(record_fields({"question": "昼に飲む物は何？"}))
    joined = Fingerprints.joined([first, other, short])
    joined.save(tmp_path / "joined.npz")
    again = Matcher(Fingerprints.load(tmp_path / "joined.npz"))
    texts = [records["pairs"][0]["sentence1"], "まったく別の一文がここに書かれています。", "何の関わりもない文です。"]
    assert again.kinds(texts) == Matcher(joined).kinds(texts) == ["sentence", "sentence", None]
    assert again.kinds(["昼に飲物は何？"]) == ["sentence"]
    assert len(joined) == len(first) + 2


def test_a_damaged_or_foreign_fingerprint_file_is_an_error_that_names_it(tmp_path):
    for content in (b"", b"PK\x03\x04 not a zip", b"text"):
        (tmp_path / "bad.npz").write_bytes(content)
        with pytest.raises(StudyError, match=r"bad\.npz.*cannot be read"):
            Guard([str(tmp_path / "bad.npz")])
    np.savez(tmp_path / "bad.npz", other=np.zeros(3))
    with pytest.raises(StudyError, match=r"bad\.npz.*cannot be read"):
        Guard([str(tmp_path / "bad.npz")])


def test_the_command_refuses_what_it_cannot_use(tmp_path, capsys):
    (tmp_path / "latin.txt").write_text("only Latin letters\n", encoding="utf-8")
    for arguments, why in (
        ([str(tmp_path / "nowhere.json")], "is not a file"),
        ([str(tmp_path / "latin.txt"), "--out", str(tmp_path / "x.npz")], "hold no Japanese text"),
        ([str(tmp_path / "latin.txt"), "--out", str(tmp_path / "x.bin")], "must end in .npz"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["fingerprint", *arguments])
        assert ended.value.code == 2 and why in capsys.readouterr().err


def test_splits_of_one_name_in_two_folders_are_both_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDYLIB_ROOT", str(tmp_path))
    sentences = {"first": "一つ目の分割だけにある文です。", "second": "二つ目の分割だけにある文です。"}
    files = [tmp_path / name / "train-v1.3.json" for name in sentences]
    for file, sentence in zip(files, sentences.values(), strict=True):
        file.parent.mkdir()
        file.write_text(json.dumps({"sentence": sentence}), encoding="utf-8")
        with pytest.raises(SystemExit):
            main(["fingerprint", str(file)])
    assert len(list((tmp_path / "fingerprints").iterdir())) == 2
    assert Guard().admit([Document(one) for one in sentences.values()]) == []
    with pytest.raises(SystemExit):
        main(["fingerprint", *map(str, files), "--out", str(tmp_path / "both.npz")])
    assert set(Fingerprints.load(tmp_path / "both.npz").files) == {"first/train-v1.3.json", "second/train-v1.3.json"}


def spec(path) -> DataSpec:
    source = {"kind": "files", "name": "text", "options": {"path": str(path)}}
    return DataSpec(sources=[source], tokenizer={"vocab_size": 380, "kind": "bpe"}, validation_fraction=0.3)


def test_a_file_in_the_projects_folder_holds_for_every_study_and_makes_data_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDYLIB_ROOT", str(tmp_path))
    secret = "北の港に着いた夜、灯台の明かりは三度またたいて、それきり消えてしまった。"
    plain = [
        f"山あいの小さな町では、{year}年の冬にも窯に火が入り、朝まで煙が絶えなかったという。{PLACES[year % 12]}の{THINGS[year % 11]}。"
        for year in range(60)
    ]
    texts = [*plain, secret]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": one}) + "\n" for one in texts), encoding="utf-8")
    (tmp_path / "unrelated.txt").write_text("誰も書かなかった一文がここにあります。\n", encoding="utf-8")
    (tmp_path / "secret.txt").write_text(secret + "\n", encoding="utf-8")
    before = prepare(spec(tmp_path / "a.jsonl"), tmp_path / "data")
    assert not any(before.manifest["guard"]["text"]["dropped"].values())

    with pytest.raises(SystemExit):
        main(["fingerprint", str(tmp_path / "unrelated.txt")])
    said = []
    after = prepare(spec(tmp_path / "a.jsonl"), tmp_path / "data", progress=said.append)
    assert any("other fingerprints" in line for line in said)
    assert after.manifest["guard"]["text"]["known"] == known_digests()
    assert any(name.endswith("unrelated.txt.npz") for name in known_digests())

    with pytest.raises(SystemExit):
        main(["fingerprint", str(tmp_path / "secret.txt")])
    # Trials that were trained on the sentence would stay beside those that are not.
    with pytest.raises(StudyError, match=r"no longer the same \(1 documents were dropped .*known_sentence 1"):
        prepare(spec(tmp_path / "a.jsonl"), tmp_path / "data")
    made = prepare(spec(tmp_path / "a.jsonl"), tmp_path / "elsewhere")
    assert made.manifest["guard"]["text"]["dropped"]["known_sentence"] == 1
    result = read_json(made.folder / "manifest.json")["sources"]["text"]
    assert result["train"]["documents"] + result["validation"]["documents"] == 60


# --- the fingerprints that the package brings along


def test_the_shipped_fingerprints_hold_without_anybodys_help():
    digests = known_digests()
    assert {"fingerprints/jglue.npz", "fingerprints/jaster_instructions.npz"} <= digests.keys()
    assert Guard().record() == {"version": 4, "known": digests, "admitted": 0, "dropped": dict.fromkeys(REASONS, 0)}


def test_the_shipped_fingerprints_are_small_whole_and_without_text():
    assert sum(file.stat().st_size for file in SHIPPED.iterdir()) < 5_000_000
    known = Fingerprints.load(SHIPPED / "jglue.npz")
    splits = {name.split("-v1.3")[0] + " " + name.split("_")[1].split("-")[0] for name in known.files}
    assert splits == {
        *(f"{task} {split}" for task in ("jcommonsenseqa", "jsts") for split in ("train", "test", "valid")),
        *(f"{task} {split}" for task in ("jnli", "jsquad") for split in ("test", "valid")),
    }
    assert len(known.cuts) > 700_000 and (np.diff(known.cuts.astype(np.int64)) > 0).all()
    assert len(known.rows) > 11_000 and len(known.needs) > 60_000
    assert (np.diff(known.gram_keys.astype(np.int64)) >= 0).all() and known.gram_entries.max() < len(known.sizes)
    assert (known.gram_offsets + 4 <= known.sizes[known.gram_entries]).all() and known.sizes.max() <= 48
    assert set(np.unique(known.groups)) == set(range(len(known.needs)))
    for file in SHIPPED.iterdir():
        with zipfile.ZipFile(file) as archive:
            assert all(name.endswith(".npy") for name in archive.namelist())
        with np.load(file, allow_pickle=False) as arrays:
            for name in arrays.files:
                assert arrays[name].dtype.kind == "u", name
            assert arrays["about"].tobytes().isascii()


def test_instructions_of_sets_derived_from_jglue_are_known():
    known = Fingerprints.load(SHIPPED / "jaster_instructions.npz")
    assert len(known) >= 10 and set(known.kinds.tolist()) == {3}
