"""The report in a real browser: no error, no request, sorting and both languages work."""

from __future__ import annotations

import re
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH (Debian: apt-get install chromium)"),
]


# What the browser asks for on its own account, whatever page is shown (clock, updates, sign-in).
_OWN = re.compile(
    r"(^\w+ (http://)?)((clients\d?|accounts|www|mtalk|android\.clients)\.google\.com"
    r"|(update|optimizationguide-pa|safebrowsing|content-autofill)\.googleapis\.com|[\w.]*\.gvt1\.com)[:/]"
)


class _Recorder(socketserver.BaseRequestHandler):
    """A proxy that answers nothing and notes who was asked for."""

    def handle(self) -> None:
        self.server.asked.append(self.request.recv(2000).split(b"\r\n")[0].decode(errors="replace"))  # type: ignore[attr-defined]


@pytest.fixture
def proxy() -> Iterator[socketserver.ThreadingTCPServer]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Recorder) as server:
        server.asked = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def browse(
    address: str, profile: Path, proxy: socketserver.ThreadingTCPServer
) -> tuple[BeautifulSoup, list[str], list[str]]:
    """The page after its scripts ran, what the console said, and the addresses asked for."""
    before = len(proxy.asked)  # type: ignore[attr-defined]
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-default-apps",
        "--disable-dev-shm-usage", "--disable-domain-reliability", "--no-pings", "--enable-logging=stderr",
        f"--proxy-server=127.0.0.1:{proxy.server_address[1]}", "--proxy-bypass-list=<-loopback>",
        f"--user-data-dir={profile}", "--virtual-time-budget=4000", "--dump-dom", address,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    asked = [line for line in proxy.asked[before:] if not _OWN.search(line)]  # type: ignore[attr-defined]
    return BeautifulSoup(done.stdout, "html.parser"), console, asked


@pytest.mark.parametrize("name", ["index.html", "depth_width/index.html", "depth_width/trials.html"])
def test_no_error_and_no_request(study, tmp_path, proxy, name):
    page, console, asked = browse((study / name).as_uri(), tmp_path, proxy)
    assert "js" in page.html["class"]
    assert console == [], "figures that the page's policy blocks would be named, too"
    assert asked == []


def test_the_recipe_fits_a_phone_and_is_read_aloud_in_the_language_chosen(study_with_recipe, tmp_path, proxy):
    script = """
      document.getElementById('language').click();
      document.title = [390, 1280].map(width => {
        document.body.style.width = width + 'px';
        return document.querySelector('main').scrollWidth;
      }).join(' ');
    """
    copy = driven(study_with_recipe, script)
    page, console, asked = browse(copy.as_uri(), tmp_path, proxy)
    copy.unlink()
    assert console == [] and asked == []
    drawing = page.find("svg", class_="model")
    assert drawing["aria-label"] == drawing["data-label-ja"] != drawing["data-label-en"]
    phone, desktop = (int(width) for width in page.title.string.split())
    assert phone <= 390 and desktop <= 1280


def test_the_recorder_would_notice(tmp_path, proxy):
    (tmp_path / "bad.html").write_text("<img src='http://example.invalid/x.png'><script>console.error('seen')</script>")
    _, console, asked = browse((tmp_path / "bad.html").as_uri(), tmp_path / "profile", proxy)
    assert any("seen" in line for line in console)
    assert any("example.invalid" in line for line in asked)


def driven(study: Path, script: str) -> Path:
    """A copy of the index, beside it, that drives itself (so without the policy) and reports in the title."""
    source = (study / "index.html").read_text(encoding="utf-8")
    source = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", source)
    assert "Content-Security-Policy" not in source
    source = source.replace('loading="lazy"', "")  # so that the load event waits for the figures
    copy = study / "driven.html"
    copy.write_text(
        source.replace("</body>", f"<script>addEventListener('load', () => {{ {script} }})</script></body>")
    )
    return copy


def test_images_load_and_sorting_works(study, tmp_path, proxy):
    script = """
      const table = [...document.querySelectorAll('table.sortable')].find(one => one.tHead.textContent.includes('Loss, bits/byte'));
      const button = table.querySelectorAll('button.sort')[3];
      button.click(); button.click();
      document.title = 'widths ' + [...document.images].map(i => i.naturalWidth).join(' ');
    """
    copy = driven(study, script)
    page, console, _ = browse(copy.as_uri(), tmp_path, proxy)
    copy.unlink()
    assert console == []
    widths = [int(width) for width in page.title.string.split()[1:]]
    assert len(widths) == 6
    assert min(widths) >= 1000
    table = next(one for one in page.select("table.sortable") if "Loss, bits/byte" in one.thead.get_text())
    values = [float(row("td")[2]["data-value"]) for row in table.tbody("tr")]
    assert values == sorted(values, reverse=True)
    assert [head["aria-sort"] for head in table.select("th[aria-sort]")] == ["descending"]
    assert "Sorted by Loss, bits/byte, descending" in page.find(id="live").get_text()


def test_the_switches_of_language_and_theme(study, tmp_path, proxy):
    script = """
      document.getElementById('language').click();
      const paper = () => getComputedStyle(document.body).backgroundColor, button = document.getElementById('theme');
      button.click(); const first = paper(); button.click(); document.title = first + '|' + paper();
    """
    copy = driven(study, script)
    page, console, _ = browse(copy.as_uri(), tmp_path, proxy)
    copy.unlink()
    assert console == []
    assert page.html["lang"] == "ja"
    assert all(image["alt"] == image["data-alt-ja"] for image in page("img")), "what is read aloud"
    assert page.find(id="language")["aria-label"] == "このページを英語で表示"
    assert set(page.title.string.split("|")) == {"rgb(20, 23, 27)", "rgb(255, 255, 255)"}
