"""The text of the recipe's run: its sources by pinned revision, their shares, and how often each is read."""

from __future__ import annotations

from typing import Any, NamedTuple

from studylib.spec import CleanerSpec, SourceSpec, StageSpec

_C4 = "1588ec454efa1a09f29cd18ddd04fe05fc8653a2"
_WIKIPEDIA = "b04c8d1ceb2f5cd4588862100d08de323dccfbaa"
_STACK = "17cad72c886a2858e08d4c349a00d6466f54df63"
_LANGUAGES = ("python", "javascript", "java", "typescript", "go", "rust")  # equal parts of the code

WEB, ANNEALING = 0.9, 0.1  # shares of the run in its two stages
_MOST_PASSES = 4  # over Wikipedia: more costs (arXiv 2305.16264)
_WIKIPEDIA_SHARE = 0.025  # of the run, where there is enough of it
_LEFT = 0.8  # of the Japanese web, at least, behind the cleaning: 136B of 159B tokens in llm-jp-corpus
_BYTES = 1.1  # of what a share needs: shards end unevenly


class Corpus(NamedTuple):
    """One source: how many tokens there are of it (llm-jp/llm-jp-corpus; for English and code what is certain to be there), bytes a token.

    Bytes follow from characters a token of llm-jp-tokenizer v3 (2.02, 3.95 and 2.75 in Japanese, English and code), three bytes a
    Japanese character.
    """

    share: float
    tokens: float
    token_bytes: float


def corpora(tokens: float) -> dict[str, Corpus]:
    """By label, with shares of the whole run; half is Japanese."""
    wiki = min(_WIKIPEDIA_SHARE, _MOST_PASSES * 2e9 / tokens)
    return {
        "ja": Corpus(0.5 - wiki, 136e9, 6.1),
        "ja-wiki": Corpus(wiki, 2e9, 6.1),
        "en": Corpus(0.4, 156e9, 4.0),  # C4 (arXiv 2104.08758)
        "code": Corpus(0.1, 100e9, 2.8),
    }


def passes(tokens: float) -> dict[str, float]:
    """How often each source is read in a run of so many tokens."""
    return {name: tokens * one.share / one.tokens for name, one in corpora(tokens).items()}


def annealing(tokens: float) -> tuple[StageSpec, ...]:
    """Two stages: four tenths of the run's Wikipedia come while the rate falls."""
    parts = corpora(tokens)
    wiki = parts["ja-wiki"].share

    def stage(name: str, fraction: float, of_wikipedia: float) -> StageSpec:
        own = round(wiki * of_wikipedia / fraction, 4)
        mixture = {"ja": round(0.5 - own, 4), "ja-wiki": own, "en": 0.4, "code": 0.1}
        return StageSpec(name=name, fraction=fraction, mixture=mixture)

    return stage("web", WEB, 0.6), stage("annealing", ANNEALING, 0.4)


def sources(tokens: float, cleaning: tuple[CleanerSpec, ...] = ()) -> tuple[SourceSpec, ...]:
    """What is read, from the hub; ``cleaning`` is of the Japanese web."""
    parts = corpora(tokens)

    def hub(label: str, **options: Any) -> dict[str, Any]:
        needed = tokens * parts[label].share * parts[label].token_bytes * _BYTES
        return {"max_bytes": round(needed, -9) or 1_000_000_000} | options

    web = hub("ja", dataset="allenai/c4", config="ja", revision=_C4)
    web["max_bytes"] = round(web["max_bytes"] / _LEFT)
    stack = hub("code", dataset="bigcode/the-stack-dedup", revision=_STACK, text_column="content")
    own = stack | {"max_bytes": stack["max_bytes"] // len(_LANGUAGES)}
    inner = [{"name": one, "kind": "hub", "options": own | {"data_dir": f"data/{one}"}} for one in _LANGUAGES]
    weights = {name: round(one.share, 4) for name, one in parts.items()}
    return (
        SourceSpec(name="ja", kind="hub", weight=weights["ja"], options=web, cleaning=cleaning),
        SourceSpec(
            name="ja-wiki", kind="hub", weight=weights["ja-wiki"],
            options=hub("ja-wiki", dataset="wikimedia/wikipedia", config="20231101.ja", revision=_WIKIPEDIA),
        ),
        SourceSpec(
            name="en", kind="hub", weight=weights["en"], options=hub("en", dataset="allenai/c4", config="en", revision=_C4)
        ),
        SourceSpec(name="code", kind="joined", weight=weights["code"], options={"sources": inner}),
    )  # fmt: skip


CONVERSATIONS = (
    SourceSpec(name="dolly", kind="chat", weight=0.5, options={"path": "conversations/databricks-dolly-15k-ja.jsonl"}),
    SourceSpec(
        name="oasst", kind="chat", weight=0.5, options={"path": "conversations/oasst1-89k-ja.jsonl", "paths": "all"}
    ),
)
PAIRS = (SourceSpec(name="pairs", kind="chat", options={"path": "conversations/preferences.jsonl", "pairs": True}),)
CONVERSATION_TOKENS = 25e6  # about, of both; they share rows
CONVERSATION_ROWS = 60_000  # about, where each has a row of its own: 400 tokens each
PAIR_ROWS = 50_000  # of 25 thousand pairs


def told(sources: tuple[SourceSpec, ...]) -> tuple[str, ...]:
    """For a line: ``ja 48 %: allenai/c4 ja``."""
    total = sum(one.weight for one in sources)
    return tuple(
        f"{one.label} {100 * one.weight / total:.3g} %" + (f": {where}" if (where := _where(one.options)) else "")
        for one in sources
    )


def _where(options: dict[str, Any]) -> str:
    inner = options.get("sources")
    if inner:
        return f"{_where(inner[0]['options'])}, {len(inner)} languages"
    return " ".join(str(options[key]) for key in ("dataset", "config", "path") if key in options)
