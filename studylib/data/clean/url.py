"""Where a page is from, and pages that are mostly links."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from studylib.data.clean import Arrays, Batch, Cleaner, Judged, Purpose
from studylib.data.document import Document
from studylib.errors import invalid
from studylib.frozen import Fraction, Frozen

__all__ = ["Url"]

_ADDRESS = re.compile(r"(?:https?|ftp)://[!-~]+|\bwww\.[!-~]+")
_BETWEEN = re.compile(r"[^a-z0-9]+")
_WORDS = (
    "adult",
    "bet",
    "bets",
    "betting",
    "casino",
    "eroge",
    "ero",
    "hentai",
    "pachinko",
    "pachislot",
    "poker",
    "porn",
)
_MORE_WORDS = ("porno", "sex", "sexy", "slot", "slots", "viagra", "xxx")


class Url(Cleaner):
    """Drops pages of listed hosts and addresses with listed words, and texts that are mostly addresses.

    A page's address is the field ``url`` of its row or labels, or its origin where that is an address. A listed host stands for all
    below it (``example.jp`` for ``shop.example.jp``). Words are whole parts of an address: ``sex`` is not in ``essex.example``.
    """

    class Options(Frozen):
        hosts: str = Field(
            default="", description="file of hosts or addresses, one a line, # before remarks; none: no list"
        )
        words: tuple[str, ...] = Field(
            default=_WORDS + _MORE_WORDS, description="parts of an address, in small letters"
        )
        field: str = Field(default="url", description="of the row, where the address stands")
        max_links: Fraction = Field(default=0.5, description="characters in addresses among all (this study)")

    options: Options
    purpose: ClassVar[Purpose] = "filter"
    reference: ClassVar[str] = "RefinedWeb (arXiv 2306.01116) appendix G.1; words: this study"

    def check(self) -> None:
        _ = self._listed

    @cached_property
    def _listed(self) -> frozenset[str]:
        if not self.options.hosts:
            return frozenset()
        listed = (line.partition("#")[0].strip().lower() for line in lines_of(self.options.hosts, "cleaning.hosts"))
        return frozenset(_bare(one) for one in listed if one)

    def judge(self, batch: Batch, conclusion: Arrays | None = None) -> Judged:
        return Judged([self._reason(document) for document in batch.documents])

    def _reason(self, document: Document) -> str:
        address = self._address(document).lower()
        if address:
            try:
                host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
            except ValueError:  # brackets that are no address of the net
                return "no address"
            above = host.split(".")
            if self._listed and (
                _bare(address) in self._listed or any(".".join(above[i:]) in self._listed for i in range(len(above)))
            ):
                return "host"
            if not self._words.isdisjoint(_BETWEEN.split(address)):
                return "word in the address"
        text = document.text
        if "://" not in text and "www." not in text:
            return ""
        linked = sum(len(one) for one in _ADDRESS.findall(text))
        return "mostly links" if linked > self.options.max_links * len("".join(text.split())) else ""

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(self.options.words)

    def _address(self, document: Document) -> str:
        for known in (document.record, document.labels):
            value = known.get(self.options.field)
            if isinstance(value, str) and value:
                return value.strip()
        return document.origin if document.origin.startswith(("http://", "https://")) else ""


def _bare(address: str) -> str:
    """An address without scheme and last slash."""
    return address.partition("://")[2].rstrip("/") if "://" in address else address.rstrip("/")


def lines_of(path: str, field: str) -> list[str]:
    """The lines of a list that is a file.

    Raises
    ------
    StudyError
        It does not exist or is no UTF-8 text.
    """
    try:
        return Path(path).read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise invalid(field, path, f"is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise invalid(field, path, f"cannot be read: {error.strerror}") from None
