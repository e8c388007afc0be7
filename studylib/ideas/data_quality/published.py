"""Published findings about cleaned web text held against idea 5."""

from __future__ import annotations

import math

from studylib.analysis import score
from studylib.findings import RepeatedText
from studylib.ideas.data_quality.schema import HARD
from studylib.result import Anchor, Text
from studylib.spec import SourceSpec
from studylib.spec.record_cleaned import CleanedRecord

# Of 776 pages of mC4 that were called Japanese already: what llm-jp-corpus' filters dropped of them.
_LLM_JP = {"language": 0.076, "compression": 0.20, "words": 0.048}
_NAMES = {
    "language": Text(en="for their language", ja="言語判定"),
    "compression": Text(en="for their compression", ja="圧縮率"),
    "words": Text(en="for adult words", ja="成人向け語"),
}
_CRAWL = Text(
    en="web pages that nobody filtered before, named so by crawl, would measure it; other text has other shares",
    ja="未選別のクロール(crawl で指定)があれば測定可能(ほかのテキストでは割合が異なる)",
)
_MC4 = ("allenai/c4", "allenai/mc4", "mc4")
_PAGES = Text(
    en="pages of mC4 would measure it; other text has other shares",
    ja="mC4 のページがあれば測定可能(ほかのテキストでは割合が異なる)",
)
_COPIES = ("copy:edited", "copy:truncated", "copy:reordered")


def anchors(
    record: CleanedRecord,
    repeated: RepeatedText | None,
    raw: SourceSpec,
    deduplication: tuple[float, float] | None = None,
    *,
    crawl: bool = False,
) -> tuple[Anchor, ...]:
    """Published findings held against this study.

    Parameters
    ----------
    raw
        The text as it came, of which the shares dropped are known.
    deduplication
        As of `tables.deduplication_with_size`.
    crawl
        Whether raw is a crawl before any filter; of other text the share dropped says nothing about one.
    """
    share = 1 - record.kept.documents / record.raw.documents if crawl else None
    return (
        score(
            Text(
                en="Cleaning drops nearly 90 % of a crawl's documents", ja="クロールした文書の 9 割近くは除去される"
            ),
            "RefinedWeb, arXiv 2306.01116",
            _around(share, record.raw.documents),
            (0.85, 0.95),
            unit=Text(en="share of the documents dropped", ja="除いた文書の割合"),
            needs=_CRAWL,
        ),
        *(_llm_jp(name, record, raw.options.get("dataset") in _MC4) for name in _LLM_JP),
        score(
            Text(
                en="MinHash of 14 bands of 8 finds 92 % and more of the pairs that share 80 % of their 5-grams",
                ja="14 バンド × 8 の MinHash は 5-gram の 80 % が共通する対の 92 % 以上を見つける",
            ),
            "FineWeb, arXiv 2406.17557",
            _copies_found(record),
            (0.92, 1.0),
            unit=Text(en="share of the edited copies dropped", ja="編集された写しのうち除いた割合"),
        ),
        score(
            Text(
                en="A hard-filtered text read up to ten times beats ten times as much text read once",
                ja="厳しく選別した文章を 10 回まで読む学習は、10 倍の元文章を 1 回読む学習に勝る",
            ),
            "arXiv 2503.07879",
            _hard(repeated),
            (-math.inf, 0.0),
            unit=Text(en="bits per byte above the raw text read once", ja="元の文章を 1 回読んだ場合との差(bits/byte)"),
        ),
        score(
            Text(
                en="Repeated text harms large models far more than small ones, so a small model understates deduplication",
                ja="重複の害は大きいモデルほど大きく、小さいモデルでは重複除去の効果が過小に出る",
            ),
            "arXiv 2603.06603",
            deduplication,
            (0.0, math.inf),
            unit=Text(
                en="% of the loss that deduplication saves, at the largest size above the smallest",
                ja="% 重複除去の効果の差(最大規模と最小規模)",
            ),
            needs=Text(en="smaller models beside this one would measure it", ja="より小さいモデルでも比べれば測定可能"),
        ),
    )  # fmt: skip


def _llm_jp(name: str, record: CleanedRecord, same_pages: bool) -> Anchor:
    step = next((step for step in record.steps if step.cleaner == name), None)
    dropped = step.alone.documents / record.raw.documents if same_pages and step is not None and step.alone else None
    theirs = _LLM_JP[name]
    return score(
        Text(
            en=f"Of mC4 pages in Japanese, filters drop {100 * theirs:g} % {_NAMES[name].en}",
            ja=f"mC4 の日本語ページのうち{_NAMES[name].ja}で除かれるのは {100 * theirs:g} %",
        ),
        "llm-jp-corpus",
        _around(dropped, record.raw.documents),
        _around(theirs, 776),
        unit=Text(en="share of the documents, as the only step", ja="単独で除いた文書の割合"),
        needs=_PAGES,
    )


def _around(share: float | None, documents: int) -> tuple[float, float] | None:
    """95 % of a share that was counted on so many documents (Wilson)."""
    if share is None:
        return None
    z = 1.96
    middle = (share + z * z / (2 * documents)) / (1 + z * z / documents)
    half = z / (1 + z * z / documents) * math.sqrt(share * (1 - share) / documents + (z / (2 * documents)) ** 2)
    return max(0.0, middle - half), min(1.0, middle + half)


def _copies_found(record: CleanedRecord) -> tuple[float, float] | None:
    counts = [
        step.by_label[label]
        for step in record.steps
        if step.cleaner == "minhash"
        for label in _COPIES
        if label in step.by_label
    ]
    given = sum(record.by_label[label].given for label in _COPIES if label in record.by_label)
    found = sum(one.dropped if one.alone is None else one.alone for one in counts)
    return _around(min(1.0, found / given), given) if given and counts else None


def _hard(repeated: RepeatedText | None) -> tuple[float, float] | None:
    runs = [] if repeated is None else [one for one in repeated.runs if one.text == HARD and one.epochs > 1]
    return (runs[0].difference[0], runs[0].difference[2]) if runs else None
