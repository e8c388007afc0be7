"""Writes the ``parameters`` cell of every notebook anew from its schema and ``params/quick/``."""

from __future__ import annotations

import json

from studylib.registry import IDEAS

for name in IDEAS:
    idea = IDEAS[name]
    path = idea.notebook_path()
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", ()):
            cell["source"] = idea.parameters_cell().splitlines(keepends=True)
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(path)
