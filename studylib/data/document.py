"""One text and what is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from studylib.errors import invalid

if TYPE_CHECKING:
    from studylib.data.chat.conversation import Conversation, Preference


@dataclass(slots=True)
class Document:
    """A text with its labels.

    Attributes
    ----------
    text
        Any Unicode text; control characters are fine, lone surrogates are not (they have no UTF-8 form).
    labels
        What a generator knows about its text (register, fact ids, later noise kinds and spans); empty for real text.
    origin
        Where the text is from, as an error message names it ("reviews.parquet row 17").
    record
        The row the text was a field of. The guard looks at its keys and values; of long values that are not text only
        the key is needed.
    piece_of
        The file of which the text is one line or block; the guard tells by it that the rows of a table belong together.
    conversation
        What the text is, where it is a conversation or a pair of answers.
    together
        Documents of a source in which this is equal, and not empty, are on one side of the split.
    """

    text: str
    labels: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)
    piece_of: str = ""
    conversation: Conversation | Preference | None = None
    together: str = ""

    def utf8(self) -> bytes:
        """The text as UTF-8.

        Raises
        ------
        StudyError
            The text holds a lone surrogate.
        """
        try:
            return self.text.encode()
        except UnicodeEncodeError as error:
            raise invalid(
                "text",
                self.text[max(0, error.start - 10) : error.start + 10],
                f"holds a lone surrogate at character {error.start}, which is not valid Unicode",
                file=self.origin,
            ) from None
