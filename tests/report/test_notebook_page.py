"""A notebook's HTML page: offline, described, whole."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from studylib import StudyError
from studylib.report import notebook_html

# A 1 x 1 PNG.
PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    )
).decode()


@pytest.fixture
def page(tmp_path: Path) -> BeautifulSoup:
    shown = {"image/png": PIXEL}
    outputs = [
        new_output("display_data", data=shown, metadata={"image/png": {"alt": 'a "valley" & more'}}),
        new_output("display_data", data=shown),
        new_output("display_data", data={"text/html": "<script src='https://example.org/x.js'></script><b>kept</b>"}),
        new_output("stream", text="<script>alert(1)</script>"),
    ]
    cells = [
        new_markdown_cell("# 深さと幅\n\n$x^2$\n\n<img src='https://example.org/x.png' alt='remote'>"),
        new_code_cell("plot()", outputs=outputs),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "n.ipynb")
    html = notebook_html(tmp_path / "n.ipynb", tmp_path / "out" / "n.html", "Depth & width")
    return BeautifulSoup(html.read_text(encoding="utf-8"), "html.parser")


def test_no_element_fetches_anything(page):
    for element in page.find_all(["script", "img", "link", "iframe", "source"]):
        assert element.get("src", element.get("href", "data:")).startswith("data:"), element
    assert not re.search(r"(import|url)\s*\(?\s*['\"]?https?:", str(page))
    assert "default-src 'none'" in page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    assert "image not embedded: remote" in page.get_text()


def test_every_image_has_a_text(page):
    assert [image["alt"] for image in page.find_all("img")] == ['a "valley" & more', "Figure under “深さと幅”"]


def test_title_language_and_content(page):
    assert page.title.string == "Depth & width"
    assert page.html["lang"] == "en"
    assert "plot" in page.get_text()
    assert "<script>alert(1)</script>" in page.get_text()
    assert page.find("b", string="kept")


def test_bad_notebooks_are_named(tmp_path):
    with pytest.raises(StudyError, match="no such notebook"):
        notebook_html(tmp_path / "none.ipynb", tmp_path / "x.html", "t")
    (tmp_path / "bad.ipynb").write_text("{ not json")
    with pytest.raises(StudyError, match=r"bad\.ipynb"):
        notebook_html(tmp_path / "bad.ipynb", tmp_path / "x.html", "t")
    assert not (tmp_path / "x.html").exists()
