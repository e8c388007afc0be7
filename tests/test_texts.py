"""One file of texts for all ideas: what it replaces, what it must name, and the scale cpu without a network."""

from __future__ import annotations

import pytest
import yaml

from studylib.batch.jobs import choose_jobs
from studylib.cli import main
from studylib.data import prepare
from studylib.errors import StudyError
from studylib.params import Texts, load_params, names_in, read_with
from studylib.project import params_file, project_root
from studylib.registry import IDEAS, SOURCES
from studylib.spec import DataSpec

HUB = {
    "dataset": "wikimedia/wikipedia",
    "config": "20231101.ja",
    "revision": "b04c8d1ceb2f5cd4588862100d08de323dccfbaa",
}
CONTENT = {
    "seeds": 2,
    "data": {
        "sources": [
            {"name": "ja", "kind": "hub", "weight": 0.7, "options": HUB},
            {"name": "code", "weight": 0.3, "options": {"register": "code"}},
        ],
        "tokenizer": {"kind": "bpe", "vocab_size": 512},
    },
    "raw": {"options": {"register": "web"}},
    "kinds": {"talk": {"options": {"register": "instruct"}}},
    "cleaning": ["length", {"cleaner": "quality", "good": {"kind": "hub", "options": HUB}}],
    "told": {"kind": "joined", "options": {"sources": [{"name": "inner", "options": {"path": "a.txt"}}]}},
}
FILE = {"kind": "files", "options": {"path": "own.jsonl"}}


@pytest.fixture
def texts(tmp_path):
    def write(content):
        path = tmp_path / "texts.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return Texts(path)

    return write


def test_sources_are_replaced_by_their_names_wherever_they_stand(texts):
    assert list(names_in(CONTENT)) == ["ja", "code", "raw", "talk", "good", "told", "inner"]
    cleaned = FILE | {"cleaning": ["exact"]}
    found = texts({"ja": cleaned, "good": FILE, "talk": FILE, "inner": FILE, "en": FILE}).put_into(CONTENT, "idea")
    ja, code = found["data"]["sources"]
    assert ja == {"name": "ja", "weight": 0.7} | cleaned, "the weight is the parameter file's"
    assert code == CONTENT["data"]["sources"][1] and found["raw"] == CONTENT["raw"], "what is not named stays"
    assert found["kinds"]["talk"] == FILE and found["cleaning"] == ["length", {"cleaner": "quality", "good": FILE}]
    assert found["told"]["options"]["sources"] == [{"name": "inner"} | FILE]
    assert found["data"]["tokenizer"] == CONTENT["data"]["tokenizer"] and found["seeds"] == 2
    whole = texts({"ja": FILE, "good": FILE, "told": {"kind": "miniworld"}}).put_into(CONTENT, "idea")
    assert whole["told"] == {"kind": "miniworld", "options": {}}, "options of another kind do not stay"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"ja": "own.txt"}, "ja: 'own.txt' must be a source"),
        ({"ja": {"options": {"path": "own.txt"}}}, "ja.kind: None is missing; choose from"),
        ({"ja": FILE | {"weight": 2}}, "ja.weight: 2 is the parameter file's to say; leave it out"),
        ({"ja": {"kind": "file"}}, "kind: 'file' is not"),
        ({"ja": FILE | {"optoins": {}}}, "key 'optoins' in the top level: {} is not known"),
        ("ja: [", "is not valid YAML"),
    ],
)
def test_an_entry_that_is_no_source_is_one_line(texts, content, says):
    with pytest.raises(StudyError) as caught:
        texts(content)
    assert says in str(caught.value) and "texts.yaml" in str(caught.value) and "\n" not in str(caught.value)


def test_what_would_be_asked_of_a_server_must_be_named_and_no_name_may_be_idle(texts):
    own = texts({"ja": FILE})
    with pytest.raises(
        StudyError, match=r"text: 'good' is not in the file, but idea asks a server for it \(cleaning.1.good"
    ):
        own.put_into(CONTENT, "idea")
    own.check_names({"ja", "en"})
    with pytest.raises(StudyError, match=r"text: 'ja' is read by no idea at this scale; choose from en, jap"):
        own.check_names({"en", "jap"})


@pytest.fixture
def local(tmp_path, corpus):
    """A file of texts for the scale cpu, all of them one small file."""
    own = {"kind": "files", "options": {"path": str(corpus)}}
    path = tmp_path / "local.yaml"
    path.write_text(yaml.safe_dump(dict.fromkeys(("ja", "en", "scarce", "raw", "scarce web", "good"), own)))
    return path


def test_the_whole_scale_cpu_runs_on_local_files(local, tmp_path):
    jobs = choose_jobs(scale="cpu", texts=local, out=tmp_path)
    assert [job.idea.number for job in jobs] == list(range(1, 10))
    kinds = {source.kind for job in jobs for spec in job.specs for source in spec.data.sources}
    assert kinds <= {"files", "miniworld", "generated"} and not any(SOURCES[kind].remote for kind in kinds)
    alone = {job.idea.name: job.params.data.hash for job in jobs if len(job.params.data.sources) == 1}
    assert len(alone) >= 5 and len(set(alone.values())) == 1, "one text, one tokenizer, one set of shards"
    trials = {job.idea.name: {spec.hash for spec in job.specs} for job in jobs}
    assert len(trials["architecture"] & trials["efficiency"] & trials["decision"]) == 8, (
        "baselines: 2 sizes, 2 seeds, 2 lengths"
    )


def test_the_texts_that_come_with_the_project_name_all_that_the_scale_cpu_asks_servers_for():
    own, known = Texts(project_root() / "params" / "local-texts.yaml"), set()
    for name in IDEAS:
        content = read_with(params_file("cpu", name), params_file("quick", name))
        own.put_into(content, name)
        known.update(names_in(content))
    own.check_names(known)


def test_text_given_by_name_is_the_text_written_by_hand(local, corpus, tmp_path):
    """The hash of the data, so that of every trial too."""
    options = {"path": str(corpus)}
    by_hand = DataSpec(
        sources=[{"name": "ja", "kind": "files", "options": options}],
        tokenizer={"vocab_size": 512, "sample_bytes": 100000},
    )
    small = ["data.tokenizer.vocab_size=512", "data.tokenizer.sample_bytes=100000"]
    (job,) = choose_jobs(["efficiency"], scale="cpu", texts=local, out=tmp_path, overrides=small)
    assert job.params.data == by_hand and {spec.data.hash for spec in job.specs} == {by_hand.hash}
    own = tmp_path / "own.yaml"
    own.write_text(params_file("cpu", "efficiency").read_text())
    (by_file,) = choose_jobs(["efficiency"], params=own, texts=local, out=tmp_path, overrides=small)
    assert by_file.params == job.params, "the names are those of the file's scale"
    manifest = prepare(job.params.data, tmp_path / "data").manifest
    assert manifest["sources"]["ja"]["inputs"].keys() == {str(corpus)}


def test_a_text_that_is_missing_is_one_line_and_exit_status_2(tmp_path, capsys):
    path = tmp_path / "texts.yaml"
    path.write_text(yaml.safe_dump({"ja": FILE}))
    for name, says in (
        ("data_order", "text: 'scarce' is not in the file"),
        ("tokenizer", "text: 'en' is not in the file"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["plan", name, "--scale", "cpu", "--texts", str(path)])
        said = capsys.readouterr()
        assert ended.value.code == 2 and says in said.err and said.err.count("\n") == 1
    path.write_text(yaml.safe_dump({"jaa": FILE}))
    with pytest.raises(SystemExit) as ended:
        main(["plan", "efficiency", "--scale", "cpu", "--texts", str(path)])
    assert ended.value.code == 2 and "did you mean ja?" in capsys.readouterr().err


def test_the_scale_cpu_reads_pinned_text_at_20_tokens_a_parameter():
    """Of idea 7 the width that all but transfer is studied at; of idea 5 the smaller model, as the larger reads the same text."""
    real = {name: params for name in IDEAS if names_a_server(params := load_params(params_file("cpu", name)))}
    assert len(real) >= 8
    for name, params in real.items():
        assert (params.seq_len, params.global_batch_size, params.data.tokenizer.vocab_size) == (256, 16, 4096), name
        if hasattr(params, "tokens_per_param"):
            assert params.tokens_per_param == 20, name
        else:
            params = params.at_every_size[0] if name == "data_quality" else params
            first = next(spec for spec in IDEAS[name].trials(params) if not spec.start_from)
            if hasattr(params, "of_own_size"):
                first = next(spec for spec in params.of_own_size(IDEAS[name].trials(params)) if not spec.start_from)
            width = getattr(params, "hidden_size", first.model.hidden_size)
            tokens = getattr(params, "pretrain_tokens", getattr(params, "train_tokens", 0))
            assert tokens == pytest.approx(20 * 12 * first.model.num_layers * width**2, rel=0.01), name


def names_a_server(params):
    return any(source.kind == "hub" and len(source.options["revision"]) == 40 for source in params.data.sources)
