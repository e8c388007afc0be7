"""Conversations or pairs of answers of the Hugging Face hub, by name and pinned revision, in any known shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import Field

from studylib.data.document import Document
from studylib.data.source._messages import MessageOptions, MessageSource
from studylib.data.source.hub import HubSource
from studylib.frozen import Positive

__all__ = ["ChatHubSource"]


class ChatHubSource(MessageSource, HubSource):
    """Rows of a hub data set as conversations: dolly-15k-ja, or the trees of oasst1-ja."""

    class Options(MessageOptions):
        dataset: str = Field(description='such as "kunishou/databricks-dolly-15k-ja"; a local folder works too')
        revision: str = Field(description="the commit of the data set, 40 hexadecimal digits: a branch would move")
        config: str | None = None
        data_dir: str | None = None
        split: str = "train"
        max_bytes: Positive = Field(default=100_000_000, description="stop after so many bytes of UTF-8")
        streaming: bool = Field(
            default=True, description="read only what is used; False downloads the whole split first"
        )

    _options: Options

    def _check_columns(self, columns: Sequence[str]) -> None:
        """Rows say themselves what they are."""

    def documents(self) -> Iterator[Document]:
        rows = (
            Document("", origin=f"{self._options.dataset} row {number}", record=row)
            for number, row in enumerate(self._rows())
        )
        left = self._options.max_bytes
        for document in self._messages(rows):
            yield document
            left -= len(document.utf8())
            if left <= 0:
                break
