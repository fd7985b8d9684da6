"""A real Chromium that is driven as a person does it: pages opened, texts awaited, fields filled, buttons pressed.

It speaks the DevTools protocol (chromedevtools.github.io/devtools-protocol) over a WebSocket to a headless Chromium.
Clicks and keys are real events at the place where the element stands, so what is hidden or covered cannot be pressed.
"""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import httpx
from websockets.sync.client import ClientConnection, connect

Theme = Literal["light", "dark"]
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.1
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--remote-debugging-port=0",  # a free one, which the profile's DevToolsActivePort names
)
FIND = """
(text => {
  const seen = e => e.checkVisibility({visibilityProperty: true}) && e.getBoundingClientRect().width > 0;
  const bears = e => (e.innerText || "").trim() === text && ![...e.children].some(bears);
  return [...document.body.querySelectorAll("*")].find(e => seen(e) && bears(e));
})
"""
PLACE = """
(() => {{
  const element = {element};
  element?.scrollIntoView({{block: "center", behavior: "instant"}});
  const box = element?.getBoundingClientRect();
  return box?.width ? [box.x + box.width / 2, box.y + box.height / 2] : null;
}})()
"""


class Page:
    """One page of the browser; `complaints` is what it said of errors on its console, or did not catch."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self._ask(f"{domain}.enable")

    def look(self, theme: Theme, width: int, height: int = 1000) -> None:
        """Show the page to somebody whose system has that theme, in a window of that size."""
        self._ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def open(self, url: str) -> None:
        """Go there; what is awaited next says when it has come."""
        self._ask("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, as JSON has it."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression: str, within: float = PATIENCE_SECONDS) -> Any:
        """The value of the expression as soon as it is true; fails with what the page shows where it never is."""
        end = time.monotonic() + within
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < end, f"never came: {expression}\n{self.text()}\n{self.complaints}"
            time.sleep(PAUSE_SECONDS)
        return value

    def wait_for_text(self, *texts: str, within: float = PATIENCE_SECONDS) -> None:
        """Return as soon as the page shows all of these, somewhere."""
        self.wait_for(f"{json.dumps(texts)}.every(text => document.body?.innerText.includes(text))", within)

    def text(self) -> str:
        """All that the page shows as text."""
        return str(self.evaluate("document.body?.innerText ?? ''"))

    def click(self, text: str, within: float = PATIENCE_SECONDS) -> None:
        """Press what bears this text, once it is there."""
        self.press(f"{FIND}({json.dumps(text)})", within)

    def press(self, element: str, within: float = PATIENCE_SECONDS) -> None:
        """Wait until this JavaScript finds an element that stands still, then press its middle with the mouse."""
        place = PLACE.format(element=element)
        before, now = None, self.wait_for(place, within)
        while before != now:
            time.sleep(PAUSE_SECONDS)
            before, now = now, self.wait_for(place, within)
        for kind in ("mousePressed", "mouseReleased"):
            self._ask("Input.dispatchMouseEvent", type=kind, x=now[0], y=now[1], button="left", clickCount=1)

    def fill(self, element: str, text: str) -> None:
        """Write into the field that this JavaScript finds, in place of what stood there."""
        self.press(element)
        self.evaluate(f"{element}.select()")
        self._ask("Input.insertText", text=text)

    def remember(self, key: str, value: str) -> None:
        """Let every page that is opened from now on find this in its local storage."""
        source = f"localStorage.setItem({json.dumps(key)}, {json.dumps(value)})"
        self._ask("Page.addScriptToEvaluateOnNewDocument", source=source)

    def screenshot(self, path: Path) -> None:
        """Write what the window shows as PNG."""
        shot = self._ask("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its answer; what the page complains of meanwhile is kept."""
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while (said := json.loads(self._connection.recv(timeout=PATIENCE_SECONDS))).get("id") != self._number:
            self._heed(said)
        assert "error" not in said, (method, said["error"])
        return dict(said["result"])

    def _heed(self, event: dict[str, Any]) -> None:
        told = event.get("params", {})
        if event["method"] == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"]))
        elif event["method"] == "Runtime.consoleAPICalled" and told["type"] in {"error", "assert"}:
            self.complaints.append(json.dumps(told["args"]))
        elif event["method"] == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")


@contextmanager
def drive(chromium: str, profile: Path) -> Iterator[Page]:
    """An empty page of a Chromium of our own, which ends with the block."""
    with (profile.parent / f"{profile.name}.log").open("wb") as log:
        browser = subprocess.Popen([chromium, *OPTIONS, f"--user-data-dir={profile}"], stdout=log, stderr=log)
    try:
        port = _wait_for_port(profile / "DevToolsActivePort", browser)
        page = httpx.put(f"http://127.0.0.1:{port}/json/new", trust_env=False, timeout=PATIENCE_SECONDS).json()
        with connect(page["webSocketDebuggerUrl"], max_size=None, proxy=None) as connection:
            yield Page(connection)
    finally:
        browser.terminate()
        browser.wait(timeout=PATIENCE_SECONDS)


def _wait_for_port(written: Path, browser: subprocess.Popen[bytes]) -> int:
    end = time.monotonic() + PATIENCE_SECONDS
    while not (written.exists() and written.read_text(encoding="utf-8").count("\n")):
        assert browser.poll() is None, f"Chromium ended with {browser.returncode}"
        assert time.monotonic() < end, "Chromium opened no port for its DevTools"
        time.sleep(PAUSE_SECONDS)
    return int(written.read_text(encoding="utf-8").splitlines()[0])
