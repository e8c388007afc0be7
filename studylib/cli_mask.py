"""``study mask``: rows of conversations or pairs as a model will see them, and which of their tokens are learnt."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from studylib.errors import invalid

if TYPE_CHECKING:
    from rich.text import Text

    from studylib.data.chat.seen import Piece, SeenRow
    from studylib.data.chat.template import ChatTemplate
    from studylib.data.document import Document
    from studylib.data.guard import Guard
    from studylib.data.source import Source
    from studylib.data.tokenizer import Tokenizer

_SAMPLE = 4_000_000  # bytes of text that a tokenizer is trained on
_LEARNT, _CONTROL = "⟦⟧", "⟨⟩"  # around what is learnt, and around what is no text


def mask(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines or parquet; a folder or pattern too.")],
    template: Annotated[
        str, typer.Option(help="Chat template: what stands around messages.", metavar="NAME")
    ] = "headings",
    seq_len: Annotated[int, typer.Option(min=1, help="Tokens that are read in a row.", metavar="N")] = 256,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Rows are pairs of answers, of which one is preferred.")
    ] = False,
    dialogue: Annotated[
        str, typer.Option(help="Successive rows with this field in common are one conversation.", metavar="FIELD")
    ] = "",
    turns: Annotated[
        int | None, typer.Option(min=1, help="Rows of a dialogue in a conversation at most.", metavar="N")
    ] = None,
    tokenizer: Annotated[
        Path | None,
        typer.Option(help="tokenizer.model, or a folder with one. Default: trained on the file.", metavar="PATH"),
    ] = None,
    rows: Annotated[int, typer.Option(min=0, help="Rows that are shown; all are counted.", metavar="N")] = 10,
    encoding: Annotated[str | None, typer.Option(help="Of JSON lines that are not UTF-8, such as cp932.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show rows as a model will see them, with what is learnt marked, and count what is cut, left out or has no answer.

    What is learnt is coloured and underlined on a terminal, and elsewhere stands in ⟦ ⟧; marks and control tokens stand in ⟨ ⟩.

    Examples:

    - `study mask chats.jsonl --template chatml --seq-len 512`
    - `study mask preferences.parquet --pairs --rows 3`
    - `study mask chats.jsonl --tokenizer reports/quick/data/0123456789abcdef --json`
    """
    from studylib.data.chat.encode import ConversationEncoder
    from studylib.data.chat.seen import pieces_of, seen_rows
    from studylib.data.guard import Guard

    layout = _template(template)
    options = {"path": str(file), "pairs": pairs, "encoding": encoding, "dialogue": dialogue, "turns": turns}
    known = _trained(options, layout) if tokenizer is None else _given(tokenizer, layout)
    encoder, guard, source = ConversationEncoder(known, layout), Guard(), _source(options)
    counts, shown = Counter[str](), []
    for number, row in enumerate(seen_rows(_admitted(source, guard), encoder, seq_len)):
        counts.update(_counted(row))
        if number < rows:
            shown.append((row, pieces_of(row, known)))
    dropped = sum(guard.record()["dropped"].values())
    found = {name: counts[name] for name in _COUNTS} | source.notes() | {"dropped_as_evaluation_data": dropped}
    if as_json:
        described = {"template": template, "seq_len": seq_len, "vocab_size": known.vocab_size, "counts": found}
        made = [_as_json(row, pieces) for row, pieces in shown]
        typer.echo(json.dumps(described | {"rows": made}))  # in ASCII: text may hold what a terminal obeys
        return
    _print(shown, found)


_COUNTS = ("rows", "tokens", "learnt", "cut", "left_out")


def _counted(row: SeenRow) -> dict[str, int]:
    if row.state == "left out":
        return {"rows": 1, "left_out": 1}
    return {"rows": 1, "tokens": len(row.tokens), "learnt": int(row.learnt.sum()), "cut": row.state == "cut"}


def _template(name: str) -> ChatTemplate:
    from studylib.registry import CHAT_TEMPLATES

    if name not in CHAT_TEMPLATES:
        raise invalid("--template", name, "is no chat template", choices=CHAT_TEMPLATES)
    return CHAT_TEMPLATES[name]()


def _source(options: dict[str, Any]) -> Source:
    from studylib.data.texts import opened
    from studylib.spec import SourceSpec

    source = opened(SourceSpec(kind="chat", name="FILE", options=options))
    source.check()
    return source


def _admitted(source: Source, guard: Guard) -> Iterator[Document]:
    from studylib.data.text import batches

    return chain.from_iterable(map(guard.admit, batches(source.documents())))


def _trained(options: dict[str, Any], template: ChatTemplate) -> Tokenizer:
    """A tokenizer of the file's own text behind the gate, as a study would train one: of its beginning."""
    from studylib.data.guard import Guard
    from studylib.data.tokenizer import train_tokenizer
    from studylib.spec import TokenizerSpec

    def sample() -> Iterator[str]:
        left = _SAMPLE
        for document in _admitted(_source(options), Guard()):
            if left <= 0:
                return
            left -= len(document.utf8())
            yield document.text

    return train_tokenizer(TokenizerSpec(known_pieces=template.pieces), sample(), at_most=True)


def _given(path: Path, template: ChatTemplate) -> Tokenizer:
    from studylib.data.tokenizer import Tokenizer

    known = Tokenizer.load(path / "tokenizer.model" if path.is_dir() else path)
    if missing := [piece for piece in template.pieces if piece not in known.known_pieces.values()]:
        raise invalid("--tokenizer", str(path), f"does not know {', '.join(missing)}, which --template needs")
    return known


def _as_json(row: SeenRow, pieces: list[Piece]) -> dict[str, Any]:
    answers, current = [], ""
    for piece in pieces:
        if not piece.learnt:
            continue
        if piece.control:
            answers.append(current)
            current = ""
        else:
            current += piece.text
    return {
        "origin": row.origin, "side": row.side, "state": row.state, "tokens": row.tokens.tolist(),
        "learnt": row.learnt.astype(int).tolist(), "pieces": [piece.text for piece in pieces],
        "learnt_answers": answers, "learnt_without_end": current,
    }  # fmt: skip


def harmless(text: str, *, quotes: str = "") -> str:
    """``text`` on one line: what no reader can see and what a terminal obeys is written as escapes, and so are ``quotes``."""
    return "".join(
        one if (one.isprintable() or one == "\u3000") and one != "\\" and one not in quotes else _escaped(one)
        for one in text
    )


def _escaped(character: str) -> str:
    written = character.encode("unicode_escape").decode()
    return written if written != character else f"\\x{ord(character):02x}"


def _said(piece: Piece) -> str:
    text = harmless(piece.text, quotes=_LEARNT + _CONTROL)
    return f"{_CONTROL[0]}{text}{_CONTROL[1]}" if piece.control else text


def in_brackets(pieces: list[Piece]) -> str:
    """The row as one line; what is learnt stands in brackets."""
    parts = []
    for learnt, group in groupby(pieces, key=lambda piece: piece.learnt):
        text = "".join(map(_said, group))
        parts.append(f"{_LEARNT[0]}{text}{_LEARNT[1]}" if learnt else text)
    return "".join(parts)


def in_colour(pieces: list[Piece]) -> Text:
    """The row as one line for a terminal: what is learnt is green and underlined, and two tokens beside each other differ."""
    from rich.text import Text

    text = Text()
    for number, piece in enumerate(pieces):
        shade = ("bold ", "")[number % 2] + (
            "underline green" if piece.learnt else "magenta" if piece.control else "default"
        )
        text.append(_said(piece), style=shade)
    return text


def _print(shown: list[tuple[SeenRow, list[Piece]]], counts: dict[str, int]) -> None:
    from studylib.cli_tables import print_table

    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for row, pieces in shown:
        said = ", ".join(one for one in (row.side, "" if row.state == "whole" else row.state) if one)
        typer.echo(
            f"# {harmless(row.origin)}{said and f' ({said})'}: {len(row.tokens)} tokens, {row.learnt.sum()} learnt"
        )
        if coloured:
            from rich.console import Console

            Console(highlight=False).print(in_colour(pieces), soft_wrap=True)
        else:
            typer.echo(in_brackets(pieces))
        typer.echo("")
    print_table(
        ("count", "of"), [(f"{count:,}", name.replace("_", " ")) for name, count in counts.items()], right=("count",)
    )
