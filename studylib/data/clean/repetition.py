"""Lines, paragraphs and runs of characters that come back inside a document."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Purpose
from studylib.frozen import Above0, Fraction, Frozen, Positive

__all__ = ["Repetition"]


class Repetition(Cleaner):
    """Drops documents that say the same again and again: Gopher's measures, with characters for words.

    A line or paragraph is a copy if the document has had it before; empty ones do not count, nor do documents of few lines.
    """

    class Options(Frozen):
        max_copied_lines: Fraction = Field(default=0.328, description="of the lines; FineWeb-2 jpn_Jpan (Gopher: 0.30)")
        max_copied_line_characters: Fraction = Field(default=0.2, description="characters in copied lines; Gopher")
        max_copied_paragraphs: Fraction = Field(default=0.3, description="of the paragraphs; Gopher")
        max_copied_paragraph_characters: Fraction = Field(default=0.2, description="characters in them; Gopher")
        min_lines: Positive = Field(default=6, description="with fewer lines, lines and paragraphs are not counted")
        max_copied_sentences: Fraction = Field(
            default=0.5,
            description="of the sentences, as of lines; dialogues repeat 0.35 of theirs, documentation 0.5 (this study)",
        )
        max_one_character: Fraction = Field(
            default=0.08, description="one kanji or katakana among all characters: padding with a word (this study)"
        )
        max_kanji_run: Above0 = Field(
            default=3.4,
            description="kanji in a row, on average; with more a text is of titles, which share their characters",
        )
        max_one_word: Fraction = Field(
            default=0.065,
            description="two kanji or katakana among all bigrams; Gopher: 0.2 of the characters, so 0.1 of them",
        )
        top_ngram: Positive = Field(default=4, le=10, description="characters of the n-grams that come most often")
        max_top_ngram: Fraction = Field(
            default=0.16,
            description="the most frequent n-gram among all n-grams; Gopher's for 4, as llm-jp-corpus v4 counts it",
        )
        copied_ngram: Positive = Field(default=10, le=64, description="characters of the n-grams that come back")
        max_copied_ngrams: Fraction = Field(
            default=0.65,
            description="n-grams that occur twice or more, among all; llm-jp-corpus v4: 0.10 for news to 0.65",
        )
        min_characters: Positive = Field(default=100, description="in shorter texts n-grams are not counted")

    options: Options
    purpose: ClassVar[Purpose] = "filter"
    reference: ClassVar[str] = "Gopher (arXiv 2112.11446) table A1; FineWeb-2 jpn_Jpan; llm-jp-corpus v4 for characters"

    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        import numpy as np

        from studylib.data.clean._characters import Kind
        from studylib.data.clean._repeated import Ngrams, copied_lines, copied_paragraphs, copied_sentences

        options = self.options
        lines = copied_lines(batch)
        paragraphs = copied_paragraphs(batch, lines.share > 0)  # where no line is a copy, no paragraph is
        ngrams = Ngrams(batch.characters)
        titles = batch.characters.mean_run(Kind.KANJI) > options.max_kanji_run
        lined = batch.characters.lines.per_text >= options.min_lines
        # What repeats half of its sentences repeats a good part of its n-grams.
        again = ngrams.maybe_copied(options.copied_ngram) > options.max_copied_sentences / 3
        sentences = copied_sentences(batch, again)
        long = batch.characters.lengths >= options.min_characters
        rules = {
            "copied lines": lined & (lines.share > options.max_copied_lines),
            "characters in copied lines": lined & (lines.characters > options.max_copied_line_characters),
            "copied paragraphs": lined & (paragraphs.share > options.max_copied_paragraphs),
            "characters in copied paragraphs": lined
            & (paragraphs.characters > options.max_copied_paragraph_characters),
            "copied sentences": long & (sentences.share > options.max_copied_sentences),
            "one character": long & ~titles & ngrams.word_above(1, options.max_one_character),
            "one word": long & ngrams.word_above(2, options.max_one_word),
            "one n-gram": long & ngrams.one_above(options.top_ngram, options.max_top_ngram),
            "copied n-grams": long & ngrams.copied_above(options.copied_ngram, options.max_copied_ngrams),
        }
        return Judged(np.select(list(rules.values()), list(rules), default="").tolist())
