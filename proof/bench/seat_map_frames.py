"""Measure how smoothly the seat map pans and zooms: frames a second in a real browser, on the page of a real show.

    python -m proof.bench.seat_map_frames http://localhost:8000 SHOW [SHOW ...]

It needs a running system, `make setup` and a Chromium. Each show is measured as on a laptop (1280 x 800, one device
pixel a pixel) and as on a phone (390 x 844, three device pixels, the CPU four times as slow). The figures are those
of this machine: without a graphics card, Chromium paints on the CPU.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from proof.kit.chromium import chromium

SECONDS = 5.0
#: Counts frames by the times at which the browser calls back.
COUNT = """() => {
  window.frameTimes = [];
  const tick = (now) => { window.frameTimes.push(now); window.frameTimer = requestAnimationFrame(tick); };
  window.frameTimer = requestAnimationFrame(tick);
}"""
COUNTED = "() => { cancelAnimationFrame(window.frameTimer); return window.frameTimes; }"


@dataclass(frozen=True)
class Device:
    """What a visitor has. Attributes: slowdown: how many times slower the CPU is made."""

    name: str
    width: int
    height: int
    pixels: int
    slowdown: int


DEVICES = (Device("laptop", 1_280, 800, 1, 1), Device("phone", 390, 844, 3, 4))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line of JSON for each show, device and movement."""
    parser = argparse.ArgumentParser(description="Measure the seat map's frames a second.")
    parser.add_argument("url", help="Where the system is, such as http://localhost:8000.")
    parser.add_argument("show", type=int, nargs="+")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="How long each movement lasts.")
    options = parser.parse_args(arguments)
    with chromium() as browser:
        for show in options.show:
            for device in DEVICES:
                address = f"{options.url.rstrip('/')}/shows/{show}"
                for result in measure(browser, address, device, options.seconds):
                    print(json.dumps({"show": show, "device": device.name, **result}), flush=True)


def measure(browser: Any, address: str, device: Device, seconds: float) -> list[dict[str, Any]]:
    """Return the figures of panning and of zooming, on a page of its own."""
    context = browser.new_context(
        viewport={"width": device.width, "height": device.height}, device_scale_factor=device.pixels
    )
    try:
        page = context.new_page()
        page.goto(address)
        canvas = page.locator("canvas").first
        canvas.wait_for()
        canvas.scroll_into_view_if_needed()
        page.wait_for_load_state("networkidle")
        cdp = context.new_cdp_session(page)
        cdp.send("Emulation.setCPUThrottlingRate", {"rate": device.slowdown})
        box = canvas.bounding_box()
        assert box is not None
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        return [
            {"movement": "zoom", **frames(page, lambda: _zoom(cdp, middle, seconds))},
            {"movement": "pan", **frames(page, lambda: _pan(cdp, middle, min(box["width"], box["height"]), seconds))},
        ]
    finally:
        context.close()


def frames(page: Any, move: Callable[[], None]) -> dict[str, float]:
    """Return frames a second, and the median, 95th percentile and maximum of the time between two, in ms."""
    page.evaluate(COUNT)
    move()
    times: list[float] = page.evaluate(COUNTED)
    return figures(times)


def figures(times: Sequence[float]) -> dict[str, float]:
    """Return the figures of frames that began at these times, in ms. Raises: ValueError for fewer than two."""
    if len(times) < 2:
        raise ValueError("The browser has drawn fewer than two frames.")
    gaps = sorted(later - earlier for earlier, later in itertools.pairwise(times))
    return {
        "frames_per_s": round(1_000 * len(gaps) / (times[-1] - times[0]), 1),
        "p50_ms": round(gaps[len(gaps) // 2], 1),
        "p95_ms": round(gaps[min(len(gaps) - 1, math.ceil(0.95 * len(gaps)) - 1)], 1),
        "max_ms": round(gaps[-1], 1),
    }


def _zoom(cdp: Any, middle: tuple[float, float], seconds: float) -> None:
    """Zoom in and out by Ctrl and the wheel, and in at the end."""
    ends = time.monotonic() + seconds
    step = 0
    while time.monotonic() < ends:
        _send(cdp, "mouseWheel", middle, deltaX=0, deltaY=30 if step % 80 >= 40 else -30, modifiers=2)
        step += 1
        time.sleep(0.012)
    for _ in range(12):
        _send(cdp, "mouseWheel", middle, deltaX=0, deltaY=-60, modifiers=2)


def _pan(cdp: Any, middle: tuple[float, float], room: float, seconds: float) -> None:
    """Drag in circles, again and again."""
    radius = room * 0.4
    x, y = middle
    _send(cdp, "mousePressed", middle, button="left", buttons=1, clickCount=1)
    ends = time.monotonic() + seconds
    angle = 0.0
    while time.monotonic() < ends:
        angle += 0.12
        place = (x + radius * math.sin(angle), y + radius * (1 - math.cos(angle)) / 2)
        _send(cdp, "mouseMoved", place, button="left", buttons=1)
        time.sleep(0.012)
    _send(cdp, "mouseReleased", place, button="left", buttons=0, clickCount=1)


def _send(cdp: Any, kind: str, at: tuple[float, float], **more: Any) -> None:
    cdp.send("Input.dispatchMouseEvent", {"type": kind, "x": at[0], "y": at[1], **more})


if __name__ == "__main__":
    main()
