"""An executed notebook as one HTML page that asks nothing of any other host."""

from __future__ import annotations

from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from traitlets.config import Config

from studylib.errors import StudyError
from studylib.files import write_text

# Everything nbconvert's template would fetch from a CDN.
_REMOTE = (
    "mathjax_url",
    "require_js_url",
    "jquery_url",
    "jupyter_widgets_base_url",
    "mermaid_js_url",
    "widget_renderer_url",
)
# nbconvert puts this in when an image has no text of its own.
_NO_TEXT = "No description has been provided for this image"
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def notebook_html(ipynb: Path, html: Path, title: str) -> Path:
    """Convert ``ipynb`` to ``html``: images embedded, no external request, a text on every image.

    An image without alt text takes the nearest heading above it; cells show it through
    ``display(..., metadata={"image/png": {"alt": ...}})`` or ``studylib.report.show``. The page's policy forbids
    every request, so even a link in an output cannot load anything.

    Raises
    ------
    StudyError
        The notebook is missing or is not valid.
    """
    try:
        notebook = nbformat.read(ipynb, as_version=4)
    except FileNotFoundError:
        raise StudyError(f"{ipynb}: there is no such notebook") from None
    except (ValueError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise StudyError(f"{ipynb}: is not a Jupyter notebook ({str(error).splitlines()[0]})") from None
    config = Config()
    config.HTMLExporter.embed_images = True
    config.HTMLExporter.exclude_anchor_links = True
    for name in _REMOTE:
        setattr(config.HTMLExporter, name, "")
    body, _ = HTMLExporter(config=config, template_name="lab").from_notebook_node(notebook)
    page = BeautifulSoup(body, "html.parser")
    _settle(page, title, _given_texts(notebook))
    write_text(Path(html), str(page))
    return Path(html)


def _given_texts(notebook: nbformat.NotebookNode) -> dict[str, list[str]]:
    """Alt texts in the outputs' metadata, by the image's data, in order (the same image may be shown twice)."""
    texts: dict[str, list[str]] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            for kind, data in output.get("data", {}).items():
                if kind.startswith("image/") and isinstance(data, str):
                    alt = output.get("metadata", {}).get(kind, {}).get("alt", "")
                    texts.setdefault("".join(data.split()), []).append(alt)
    return texts


def _settle(page: BeautifulSoup, title: str, texts: dict[str, list[str]]) -> None:
    """Language, title, policy and image texts; and out with what points outside."""
    page.html["lang"] = "en"
    page.title.string = title
    head = page.head
    policy = page.new_tag("meta", attrs={"http-equiv": "Content-Security-Policy", "content": _POLICY})
    icon = page.new_tag("link", attrs={"rel": "icon", "href": "data:,"})
    charset = head.find("meta", charset=True)
    if charset is not None:  # the policy must come before anything it governs
        charset.insert_after(policy)
    else:
        head.insert(0, policy)
    head.append(icon)
    for image in page.find_all("img"):
        source = "".join(image.get("src", "").split())
        if not source.startswith("data:"):
            image.replace_with(page.new_string(f"[image not embedded: {image.get('alt') or source}]"))
            continue
        waiting = texts.get(source.partition("base64,")[2])
        given = waiting.pop(0) if waiting else ""  # this version of nbconvert does not pass the metadata on
        if given:
            image["alt"] = given
        elif not image.get("alt", "").strip() or image["alt"] == _NO_TEXT:
            heading = image.find_previous(["h1", "h2", "h3", "h4"])
            image["alt"] = (
                f"Figure under “{heading.get_text(strip=True).rstrip('¶')}”" if heading else f"Figure of {title}"
            )
    for element in page.find_all(["script", "link", "iframe"]):
        source = element.get("src", element.get("href"))
        if source is None:
            # A loader whose address was blanked still names modules to fetch: it has nothing left to do.
            if element.name == "script" and any(
                word in element.get_text() for word in ("mathjax", "mermaid", "require")
            ):
                element.decompose()
        elif not source.startswith("data:"):
            element.decompose()
