"""The beginning of the text: of what was prepared, else of what can be read at once, and never past the gate."""

from __future__ import annotations

import json
import shutil

from studylib.data import prepare
from studylib.data.excerpts import excerpts
from studylib.spec import DataSpec, SourceSpec, TokenizerSpec

REVISION = "0" * 40


def data_of(*sources: SourceSpec) -> DataSpec:
    return DataSpec(sources=sources, tokenizer=TokenizerSpec(vocab_size=400, sample_bytes=40_000))


def miniworld(name: str = "ja", weight: float = 1.0) -> SourceSpec:
    return SourceSpec(name=name, weight=weight, options={"register": "ja", "bytes": 40_000})


def test_before_and_after_the_text_is_prepared_it_begins_alike(tmp_path):
    data = data_of(miniworld(weight=3), miniworld("again").replace(options={"register": "en", "bytes": 40_000}))
    before = excerpts(data, tmp_path)
    assert [(one.label, one.share) for one in before] == [("ja", 0.75), ("again", 0.25)]
    assert all(len(one.texts) == 2 and not one.note and one.tokens is None for one in before)
    assert not list(tmp_path.iterdir()), "a look prepares nothing"
    prepared = prepare(data, tmp_path)
    after = excerpts(data, tmp_path)
    own = prepared.manifest["sources"]["ja"]["train"]
    assert (after[0].documents, after[0].bytes, after[0].tokens) == (own["documents"], own["bytes"], own["tokens"])
    # What goes to validation is not among the training documents, so the second may be another.
    assert before[0].texts[0] in after[0].texts
    shutil.rmtree(tmp_path / "text")  # shards do not need it
    assert excerpts(data, tmp_path)[0].texts == before[0].texts


def test_text_on_a_server_is_not_asked_for_and_bad_text_is_said(tmp_path):
    hub = SourceSpec(kind="hub", name="mc4", options={"dataset": "nobody/nothing", "revision": REVISION})
    gone = SourceSpec(kind="files", name="gone", options={"path": str(tmp_path / "none.jsonl")})
    found = {one.label: one for one in excerpts(data_of(hub, gone, miniworld()), tmp_path / "data")}
    assert found["mc4"].texts == () and "server" in found["mc4"].note
    assert found["gone"].texts == () and "does not exist" in found["gone"].note
    assert found["ja"].texts


def test_what_the_gate_drops_is_not_shown(tmp_path):
    """A row numbered like JGLUE's is dropped, one that is a record of it refuses the source."""
    texts = [f"第{number}の文書。これは普通の文章で、どこにも載っていない。" for number in range(4)]
    rows = [
        {"id": "jnli-0", "text": "これは見せない文です。"},
        *({"id": f"r{n}", "text": one} for n, one in enumerate(texts)),
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    (found,) = excerpts(data_of(SourceSpec(kind="files", name="rows", options={"path": str(file)})), tmp_path / "data")
    assert found.texts == tuple(texts[:2])
    named = SourceSpec(kind="files", name="JGLUE", options={"path": str(file)})
    (refused,) = excerpts(data_of(named), tmp_path / "data")
    assert refused.texts == () and "JGLUE" in refused.note
