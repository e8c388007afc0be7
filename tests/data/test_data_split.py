"""The split: near copies never have one member in training and another in validation, within a source and across sources."""

from __future__ import annotations

import json
import random
from itertools import islice, pairwise

import numpy as np
import pytest

from studylib.data import Tokenizer, prepare
from studylib.data.digest import Allowance
from studylib.data.fold import Folded
from studylib.data.miniworld import documents
from studylib.data.near import NearTo
from studylib.data.split import NEAR, Split
from studylib.data.texts import guarded_text, look_at_sources
from studylib.errors import StudyError
from studylib.spec import DataSpec

SMALL = {"vocab_size": 450, "kind": "bpe", "sample_bytes": 100_000}


def articles(count: int, first: int = 0) -> list[str]:
    stream = (one.text for one in documents("ja", start=first))
    return list(islice((one for one in stream if len(one) > 200), count))


def edited(text: str, draw: random.Random, edits: int) -> str:
    for _ in range(edits):
        place = draw.randrange(len(text))
        text = text[:place] + draw.choice("あいうえお山川") + text[place + draw.randrange(2) :]
    return text


def sources(folder, draw=None, **texts) -> list[dict]:
    """A source of a file each, by label; what begins with aux_ is auxiliary."""
    made = []
    for label, some in texts.items():
        file = folder / f"{label}.jsonl"
        if draw is not None:
            draw.shuffle(some)
        file.write_text("".join(json.dumps({"text": one}) + "\n" for one in some))
        options = {"path": str(file)}
        made.append({"kind": "files", "name": label, "options": options, "auxiliary": label.startswith("aux_")})
    return made


def spec_of(made: list[dict], fraction: float = 0.2) -> DataSpec:
    return DataSpec(sources=made, tokenizer=SMALL, validation_fraction=fraction)


def sides_of(folder, texts: list[str], fraction: float = 0.2, draw=None) -> dict[str, list[str]]:
    """A text as `guarded_text` splits it."""
    folder.mkdir(exist_ok=True)
    spec = spec_of(sources(folder, draw, mine=list(texts)), fraction)
    text = guarded_text(spec.texts["mine"], folder / "data")
    return {side: list(text.documents(side)) for side in ("train", "validation")}


def shards_of(prepared) -> dict[str, dict[str, list[str]]]:
    tokenizer, found = Tokenizer.load(prepared.tokenizer_file), {}
    for label, both in prepared.sources.items():
        for side in ("train", "validation"):
            shard = getattr(both, side)
            edges = shard.document_starts
            texts = [tokenizer.decode(shard.tokens[a : b - 1]) for a, b in pairwise(edges)]
            found.setdefault(label, {})[side] = texts
    return found


def straddling(train: list[str], validation: list[str]) -> int:
    return int(NearTo([NEAR.signatures(Folded(validation))], NEAR)(NEAR.signatures(Folded(train))).sum())


@pytest.mark.parametrize("seed", range(4))
def test_no_near_copy_straddles_whatever_the_order(tmp_path, seed):
    draw = random.Random(seed)
    base = articles(60, first=100 * seed)
    copies = [edited(one, draw, draw.randrange(1, 12)) for one in base for _ in range(draw.randrange(3))]
    texts = [*base, *copies, *draw.sample(base, 20), *(one.translate({0x3002: 0xFF61}) for one in base[:10])]
    sides = sides_of(tmp_path / "a", texts)
    assert sorted(sides["train"] + sides["validation"]) == sorted(texts)
    assert min(map(len, sides.values())) > 5
    assert straddling(sides["train"], sides["validation"]) == 0
    again = sides_of(tmp_path / "b", texts, draw=draw)
    assert {side: sorted(some) for side, some in again.items()} == {side: sorted(some) for side, some in sides.items()}


def test_equal_texts_are_on_one_side_also_where_they_are_too_short_for_signatures(tmp_path):
    draw, short = random.Random(1), [f"{one}番。" for one in range(100, 180)]
    sides = sides_of(tmp_path, [*short, *short, *draw.sample(short, 30)])
    assert set(sides["train"]).isdisjoint(sides["validation"])
    assert {*sides["train"], *sides["validation"]} == set(short) and len(set(sides["validation"])) > 5


def test_without_copies_the_sides_have_their_shares(tmp_path):
    texts = articles(1500)
    with open(tmp_path / "signatures", "w+b") as stream:
        split = Split(stream, 0.1)
        split.add(texts, [one.encode() for one in texts])
        share = split.in_validation().mean()
    assert share == pytest.approx(0.1, abs=0.03)


def test_clusters_are_in_validation_as_often_as_single_texts(tmp_path):
    """Choosing the member whose hash decides by that very hash would put large clusters there too often, or too seldom."""
    random_text = np.random.default_rng(0).integers(0x4E00, 0x9000, (900, 60))
    texts = ["".join(map(chr, one)) + end for one in random_text for end in ("", "甲", "乙", "丙", "丁")]
    with open(tmp_path / "signatures", "w+b") as stream:
        split = Split(stream, 0.2)
        split.add(texts, [one.encode() for one in texts])
        side = split.in_validation().reshape(-1, 5)
    assert (side == side[:, :1]).all()
    assert side.mean() == pytest.approx(0.2, abs=0.05)


def test_a_template_that_would_fill_validation_is_trained_on(tmp_path):
    line = articles(1)[0]
    template = [f"{line}発行部数は{number}部。" for number in range(300)]
    sides = sides_of(tmp_path, [*template, *articles(150, first=500)])
    assert set(template) <= set(sides["train"])
    # The other 150 give more for it: three tenths, not two.
    assert len(sides["validation"]) == pytest.approx(0.3 * 150, abs=15)


def test_few_texts_copied_very_often_are_split_all_the_same(tmp_path):
    base = articles(20)
    sides = sides_of(tmp_path, base * 30, fraction=0.1)
    assert set(sides["train"]).isdisjoint(sides["validation"]) and 0 < len(set(sides["validation"])) < 8


def test_copies_alone_are_explained(tmp_path):
    with pytest.raises(
        StudyError,
        match=r"has 40 documents, but only 1 different ones; near copies go to one side, here all to the (train|validation) side",
    ):
        sides_of(tmp_path, articles(1) * 40)
    with pytest.raises(StudyError, match=r"has 40 documents, but only 1 different ones"):
        look_at_sources(spec_of(sources(tmp_path, mine=articles(1) * 40)), Allowance(1 << 20))
    assert look_at_sources(spec_of(sources(tmp_path, mine=articles(40))), Allowance(1 << 20)) == []


def test_a_text_of_one_template_is_split_and_it_is_said(tmp_path):
    line, said = articles(1)[0], []
    spec = spec_of(sources(tmp_path, mine=[f"{line}発行部数は{number}部。" for number in range(100)]))
    assert look_at_sources(spec, Allowance(1 << 20)) == []
    text = guarded_text(spec.texts["mine"], tmp_path / "data", progress=said.append)
    count = text.num_documents("validation")
    assert 5 < count < 40
    assert f"mine is one template throughout: {count} validation documents have near copies in training" in said[-1]
    assert text.num_straddling == count
    other = spec_of(sources(tmp_path, other=articles(100)))
    assert guarded_text(other.texts["other"], tmp_path / "data", progress=said.append).num_straddling == 0


def test_what_fails_before_the_sides_are_known_leaves_nothing(tmp_path, monkeypatch):
    def fails(self):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Split, "in_validation", fails)
        with pytest.raises(KeyboardInterrupt):
            sides_of(tmp_path, articles(60))
    assert not list((tmp_path / "data" / "text").glob("[!.]*")) and not list(tmp_path.rglob(".*work-*"))
    assert len(sides_of(tmp_path, articles(60))["validation"]) > 3


def test_no_source_trains_on_near_copies_of_what_another_is_validated_on(tmp_path):
    draw = random.Random(7)
    base = articles(120)
    # The same text in other words, in another cut, and beside copies that may turn its side.
    other = [edited(one, draw, 6) for one in base for _ in range(2)] + articles(60, first=900)
    made = [edited(one, draw, 3) + "終わり。" for one in base] + articles(60, first=1800)
    given = sources(tmp_path, one=base, other=other, aux_made=made)
    prepared = prepare(spec_of(given), tmp_path / "data")
    shards = shards_of(prepared)
    for label, own in shards.items():
        for watched in ("one", "other"):
            assert straddling(own["train"], shards[watched]["validation"]) == 0, (label, watched)
    described = prepared.manifest["sources"]
    for label, own in shards.items():
        left_out, read = described[label]["left_out"], described[label]["read"]["train"]
        assert left_out["documents"] == read["documents"] - len(own["train"]) > 0
        assert left_out["bytes"] == read["bytes"] - sum(len(one.encode()) for one in own["train"]) > 0
    # Nobody is validated on auxiliary text, so nothing is left out for it.
    assert straddling(shards["one"]["train"], shards["aux_made"]["validation"]) > 0
    turned = prepare(spec_of(given[::-1]), tmp_path / "turned")
    assert shards_of(turned) == shards
    assert {label: one["left_out"] for label, one in turned.manifest["sources"].items()} == {
        label: one["left_out"] for label, one in described.items()
    }


def test_sources_that_share_text_have_it_on_the_same_side(tmp_path):
    base = articles(150)
    prepared = prepare(spec_of(sources(tmp_path, one=base, other=base[::-1])), tmp_path / "data")
    assert [one["left_out"]["documents"] for one in prepared.manifest["sources"].values()] == [0, 0]


def test_a_source_of_nothing_but_anothers_validation_is_refused(tmp_path):
    draw, base = random.Random(0), articles(200)
    watched = sides_of(tmp_path, base)["validation"]
    copies = [edited(one, draw, 2) for one in watched]
    given = sources(tmp_path, mine=base, copies=copies)
    with pytest.raises(StudyError, match=r"'copies' has \d+ training documents, and all are near copies of validation"):
        prepare(spec_of(given), tmp_path / "data")
