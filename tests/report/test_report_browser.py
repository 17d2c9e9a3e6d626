"""The page in a real browser, headless and without a network: no complaints, no requests, nothing cut off.

The screenshots stay in the test's temporary folder, for people to look at.
"""

import json
import subprocess
from pathlib import Path

import pytest
from matplotlib import image as matplotlib_image

from kser.report.page import write_report
from tests.browser import browser_command, needs_browser
from tests.experiment.made_up_study import write_study

LIGHT, DARK = 1, 0

pytestmark = needs_browser


def browse(folder: Path, page: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = browser_command(folder, "--enable-logging=stderr", *arguments, page.as_uri())
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    results = write_study(
        folder, models=("small", "a model with a long name, fine-tuned"), logs=True, audio=True
    )
    write_report(results, folder / "report.html", with_audio=True)
    return folder / "report.html"


@pytest.mark.parametrize(("scheme", "name"), [(LIGHT, "light"), (DARK, "dark")])
def test_it_opens_without_complaint_and_without_a_request(page, tmp_path, scheme, name):
    picture, log = tmp_path / f"{name}.png", tmp_path / "net.json"
    ended = browse(
        tmp_path,
        page,
        f"--screenshot={picture}",
        "--window-size=1200,3000",
        f"--blink-settings=preferredColorScheme={scheme}",
        f"--log-net-log={log}",
    )
    assert "CONSOLE" not in ended.stderr
    assert not requests_in(log)
    pixels = matplotlib_image.imread(picture)[..., :3]
    assert pixels.shape[:2] == (3000, 1200)
    assert (pixels[0, 0].mean() > 0.95) == (scheme == LIGHT)
    assert pixels.std() > 0.05  # something is drawn


def test_a_request_would_be_seen(tmp_path):
    page, log = tmp_path / "page.html", tmp_path / "net.json"
    page.write_text('<img src="https://example.org/picture.png">')
    browse(tmp_path, page, f"--log-net-log={log}", "--dump-dom")
    assert requests_in(log) == {"https://example.org/picture.png"}


def requests_in(log: Path) -> set[str]:
    """What a page asked of the network, which leaves out what the browser asks for itself."""
    parameters = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    return {
        request["url"]
        for request in parameters
        if "url" in request and request.get("initiator", "not an origin") != "not an origin"
    }


def test_a_narrow_page_does_not_scroll_sideways(page, tmp_path):
    measuring = tmp_path / "measuring.html"
    measuring.write_text(
        f"""<iframe id="page" src="{page.as_uri()}" style="width: 360px; height: 800px"></iframe>
        <script>page.onload = () => {{
          const root = page.contentDocument.documentElement;
          const cut = [...root.querySelectorAll("main *")]
            .filter(e => !e.closest(".scroll, svg, details"))
            .filter(e => e.getBoundingClientRect().right > root.clientWidth + 1)
            .map(e => e.tagName);
          document.title = JSON.stringify({{overflow: root.scrollWidth - root.clientWidth, cut: cut}});
        }};</script>"""
    )
    ended = browse(
        tmp_path, measuring, "--allow-file-access-from-files", "--dump-dom", "--window-size=1400,900"
    )
    answer = (
        ended.stdout.partition("<title>")[2]
        .partition("</title>")[0]
        .replace("&lt;", "<")
        .replace("&gt;", ">")
    )
    assert json.loads(answer) == {"overflow": 0, "cut": []}
