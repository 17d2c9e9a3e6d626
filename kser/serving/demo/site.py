"""The page as static files for any host, with the exported model and what computes it in the browser."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kser.files import replacing, write_json
from kser.serving.demo.page_facts import own_threshold, page_facts
from kser.serving.demo.page_files import FACTS_FILE, MODEL_FILE, copy_page, copy_runtime
from kser.serving.export.exporting import export_model

Say = Callable[[str], None]


def write_site(model: Path, folder: Path, say: Say = lambda line: None) -> dict[str, Any]:
    """Write the page, the runtime and a trained model, whole or not at all; a site that is there is replaced.

    Args:
        model: folder of the model, or name of a published one with a trained head.
        folder: see `checked_site`.
        say: is told what is being done.

    Returns:
        What the page knows of the model, see `page_facts`.

    Raises:
        UserError: the model cannot be exported, or the folder cannot be written.
    """
    with replacing(folder) as draft:
        copy_page(draft)
        copy_runtime(draft)
        with tempfile.TemporaryDirectory(prefix="kser_demo_") as workspace:
            # Beside the model the export writes its facts, by the name that those of the page have here.
            exported = export_model(model, Path(workspace) / MODEL_FILE, "onnx", say).path
            known = json.loads(exported.with_suffix(".json").read_text(encoding="utf-8"))
            shutil.move(exported, draft / MODEL_FILE)
        facts = page_facts(known, "browser", threshold=own_threshold(known))
        write_json(draft / FACTS_FILE, facts)
    return facts
