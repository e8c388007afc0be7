"""Streaming from a hub: the real client against a small server on loopback that speaks the hub's protocol."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

REVISION = "0123456789abcdef0123456789abcdef01234567"
LINES = [{"text": f"文書の{number}番目。", "url": "x"} for number in range(500)]
CONTENT = gzip.compress("".join(json.dumps(one) + "\n" for one in LINES).encode())
FILES = {"README.md": b"---\nlicense: cc0-1.0\n---\n", "data/train.jsonl.gz": CONTENT}


class Hub(BaseHTTPRequestHandler):
    """The parts of the hub's interface that a streaming client uses."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        self.server.seen.append(self.path)

    def _send(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _json(self, value, status=200, **headers):
        self._send(status, json.dumps(value).encode(), Content_Type="application/json", **headers)

    def do_HEAD(self):
        self.do_GET()

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        wanted = self.rfile.read(length).decode()
        self._json([self._entry(name) for name in FILES if name.replace("/", "%2F") in wanted or f'"{name}"' in wanted])

    @staticmethod
    def _entry(name):
        return {"type": "file", "path": name, "size": len(FILES[name]), "oid": name.encode().hex()[:40].ljust(40, "0")}

    def do_GET(self):
        path = self.path.split("?")[0]
        home, resolve = "/api/datasets/some/texts", f"/datasets/some/texts/resolve/{REVISION}/"
        if path in (home, f"{home}/revision/{REVISION}"):
            siblings = [{"rfilename": name} for name in FILES]
            self._json(
                {
                    "id": "some/texts",
                    "sha": REVISION,
                    "siblings": siblings,
                    "private": False,
                    "tags": [],
                    "downloads": 0,
                }
            )
        elif path.startswith(f"{home}/tree/{REVISION}"):
            below = path.removeprefix(f"{home}/tree/{REVISION}").strip("/")
            found = [self._entry(name) for name in FILES if name.startswith(below) or not below]
            folders = sorted({name.rsplit("/", 1)[0] for name in FILES if "/" in name})
            entries = (
                [] if below else [{"type": "directory", "path": one, "oid": "0" * 40, "size": 0} for one in folders]
            )
            self._json([*found, *entries])
        elif path.startswith(resolve) and path.removeprefix(resolve) in FILES:
            self._file(FILES[path.removeprefix(resolve)])
        else:
            code = "RevisionNotFound" if "/api/datasets/some/texts/" in path else "RepoNotFound"
            code = "EntryNotFound" if "/resolve/" in path else code
            self._json({"error": code}, 404, X_Error_Code=code, X_Error_Message=code)

    def _file(self, content):
        headers = {
            "ETag": '"abc"',
            "X_Repo_Commit": REVISION,
            "Accept_Ranges": "bytes",
            "X_Linked_Size": str(len(content)),
        }
        asked = self.headers.get("Range")
        if asked:
            start, _, end = asked.removeprefix("bytes=").partition("-")
            stop = min(int(end) + 1 if end else len(content), len(content))
            part = content[int(start) : stop]
            self._send(206, part, Content_Range=f"bytes {start}-{stop - 1}/{len(content)}", **headers)
        else:
            self._send(200, content, **headers)


@pytest.fixture
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()


# Several readings a process: importing the hub's client takes longer than reading.
SCRIPT = """
import json, sys
from studylib.errors import StudyError
from studylib.registry import SOURCES

def read(options):
    try:
        source = SOURCES["hub"]("label", options)
        source.check()
        return [document.text for document in source.documents()]
    except StudyError as error:
        return f"error: {error}"

print(json.dumps([read(options) for options in json.loads(sys.argv[1])]))
"""


def read(hub, folder, *readings):
    base = {"dataset": "some/texts", "revision": REVISION}
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment |= {"HF_ENDPOINT": f"http://127.0.0.1:{hub.server_address[1]}", "HF_HOME": str(folder)}
    environment |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-c", SCRIPT, json.dumps([base | options for options in readings])]
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.strip().splitlines()[-1])


def test_rows_are_streamed_at_the_pinned_revision_up_to_a_size(hub, tmp_path):
    whole, capped, folder = read(hub, tmp_path, {}, {"max_bytes": 100}, {"data_dir": "data"})
    assert whole == folder == [one["text"] for one in LINES]
    assert capped == whole[: len(capped)] and 3 <= len(capped) <= 6
    assert all(REVISION in path for path in hub.seen if "/resolve/" in path)
    assert any("train.jsonl.gz" in path for path in hub.seen)


def test_what_is_not_there_is_named(hub, tmp_path):
    column, gone, revision, folder = read(
        hub,
        tmp_path,
        {"text_column": "body"},
        {"dataset": "some/thing"},
        {"revision": "f" * 40},
        {"data_dir": "data/python"},
    )
    assert "text_column: 'body' is not a column; choose from" in column
    assert gone.startswith("error: data.sources label: dataset: 'some/thing' cannot be loaded")
    assert "cannot be loaded" in revision and "cannot be loaded" in folder
