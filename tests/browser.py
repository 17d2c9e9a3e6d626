"""A headless Chromium without a network: pages opened once, or driven step by step."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, _NAMES)), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason=f"no browser: {', '.join(_NAMES)}")
PATIENCE_S = 60
_KEY_CODES = {"Tab": 9, "Enter": 13}


def browser_command(folder: Path, *arguments: str) -> list[str]:
    """The command that starts a browser with its profile in a folder; it reaches this machine only."""
    return [
        *(str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *(
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--user-data-dir={folder / 'profile'}",
        ),
        *arguments,
    ]


class Tab:
    """A page in a browser that is driven over the DevTools protocol, through pipes: no library, no port.

    Attributes:
        complaints: what the page wrote to its console as a warning or an error, and exceptions.
        requests: method and URL of everything that it asked for.
    """

    def __init__(self, to_browser: int, from_browser: int):
        self.complaints: list[str] = []
        self.requests: list[tuple[str, str]] = []
        self._to, self._from = to_browser, from_browser
        self._received = b""
        self._sent = 0
        self._loaded = False
        self._session: str | None = None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give a command and wait for what it gives."""
        self._sent += 1
        number = self._sent
        command = {"id": number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._to, json.dumps(command).encode() + b"\0")
        while True:
            message = self._next_message()
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]

    def open(self, url: str) -> None:
        """Go to a page, and wait until it is loaded."""
        self._loaded = False
        self.send("Page.navigate", url=url)
        while not self._loaded:
            self._next_message()

    def value(self, expression: str) -> Any:
        """What a JavaScript expression, or what it promises, is."""
        ended = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in ended, ended["exceptionDetails"]["exception"].get("description")
        return ended["result"].get("value")

    def wait_until(self, expression: str, seconds: float = PATIENCE_S) -> None:
        """Wait until an expression holds."""
        until = time.monotonic() + seconds
        while not self.value(expression):
            assert time.monotonic() < until, f"waited {seconds} s for {expression}: {self.complaints[-3:]}"
            time.sleep(0.05)

    def click(self, selector: str) -> None:
        """Click as a user does, which lets the page play and record."""
        self.value(
            f"document.querySelector({selector!r}).scrollIntoView({{block: 'center', behavior: 'instant'}})"
        )
        box = self.value(f"document.querySelector({selector!r}).getBoundingClientRect().toJSON()")
        middle = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **middle)

    def press(self, key: str) -> None:
        """Press a key that writes nothing, such as Tab."""
        for kind in ("rawKeyDown", "keyUp"):
            codes = {"key": key, "code": key, "windowsVirtualKeyCode": _KEY_CODES[key]}
            self.send("Input.dispatchKeyEvent", type=kind, **codes)

    def choose_file(self, selector: str, path: Path) -> None:
        """Choose a file in a field."""
        found = self.send("Runtime.evaluate", expression=f"document.querySelector({selector!r})")["result"]
        self.send("DOM.setFileInputFiles", files=[str(path)], objectId=found["objectId"])

    def resize(self, width: int, height: int, *, scheme: str = "light", scale: float = 1) -> None:
        """Give the window a size, in CSS pixels, and the user a preference for light or dark."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500}
        self.send("Emulation.setDeviceMetricsOverride", **metrics)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", features=features)

    def screenshot(self, path: Path) -> None:
        """Write the whole page as a picture."""
        picture = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(picture["data"]))

    def _next_message(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            chunk = os.read(self._from, 1 << 16)
            assert chunk, "the browser ended"
            self._received += chunk
        message, _, self._received = self._received.partition(b"\0")
        decoded = json.loads(message)
        self._note(decoded.get("method", ""), decoded.get("params", {}))
        return decoded

    def _note(self, event: str, said: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loaded = True
        elif event == "Network.requestWillBeSent":
            self.requests.append((said["request"]["method"], said["request"]["url"]))
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(str(said["exceptionDetails"]))
        elif event == "Log.entryAdded" and said["entry"]["level"] in ("warning", "error"):
            self.complaints.append(said["entry"]["text"])
        elif event == "Runtime.consoleAPICalled" and said["type"] in ("warning", "error", "assert"):
            self.complaints.append(str(said["args"]))


@contextmanager
def open_tab(folder: Path, *arguments: str) -> Iterator[Tab]:
    """A browser with one empty page, with further arguments of its command; it ends with the block."""
    (commands, to_browser), (from_browser, answers) = os.pipe(), os.pipe()
    # The browser reads commands from 3 and answers on 4, which must not be those of the pipes themselves.
    theirs = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (commands, answers)]
    launch = ["bash", "-c", f'exec 3<&{theirs[0]} 4>&{theirs[1]}; exec "$@"', "bash"]
    process = subprocess.Popen(
        [*launch, *browser_command(folder, "--remote-debugging-pipe", *arguments)],
        pass_fds=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for end in (commands, answers, *theirs):
        os.close(end)
    try:
        yield Tab(to_browser, from_browser)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        os.close(to_browser)
        os.close(from_browser)
