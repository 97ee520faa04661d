"""Draw docs/images/overview.png: gallery, the node's study page and the submission, from synthetic studies only.

make pictures        needs Chromium (on Debian: apt-get install chromium)
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from pneumoscope.phantom import studies_folder

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "images" / "overview.png"
HEIGHT = 760
GAP = 24
START_TIMEOUT_S = 60


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("expected chromium on PATH, found none: apt-get install chromium")
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        folder = Path(scratch)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1180, "height": 1000}, device_scale_factor=1)
        shots = [gallery(page, folder), study(page, folder)]
        browser.close()
        combine([*shots, ROOT / "docs" / "submission" / "first-page.png"])
    print(f"written: {TARGET} ({TARGET.stat().st_size // 1000} kB)")


def gallery(page: Page, folder: Path) -> Path:
    """Read a copy of the synthetic studies, so that the page shows no path of this machine."""
    shutil.copytree(studies_folder(), folder / "studies")
    command = [sys.executable, "-m", "pneumoscope", "read", "studies", "-o", "results"]
    subprocess.run(
        command, check=False, capture_output=True, cwd=folder
    )  # 3: one of the studies is unreadable by design
    page.goto((folder / "results" / "index.html").as_uri())
    page.wait_for_load_state("networkidle")
    page.screenshot(path=folder / "gallery.png")
    return folder / "gallery.png"


def study(page: Page, folder: Path) -> Path:
    """Take the first study of the demo node that has a result."""
    command = [sys.executable, "-m", "pneumoscope", "serve", "--demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as node:
        try:
            assert node.stdout is not None
            address = next(found[1] for line in node.stdout if (found := re.search(r"^page\s+(\S+)", line)))
            wait_for_results(page, address)
            page.screenshot(path=folder / "study.png")
        finally:
            node.terminate()
    return folder / "study.png"


def wait_for_results(page: Page, address: str) -> None:
    """Open the first study on the worklist that was found suspicious."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        link = page.locator("a.open", has_text=re.compile(r"suspicious", re.IGNORECASE)).first
        if link.count():
            link.click()
            page.wait_for_load_state("networkidle")
            time.sleep(1.5)  # the viewer draws the image after the page is idle
            return
        time.sleep(1)
    sys.exit(f"expected a study with a result at {address} within {START_TIMEOUT_S} s, found none")


def combine(shots: list[Path]) -> None:
    """Place the pictures side by side at one height, in 128 colours."""
    pictures = [Image.open(shot).convert("RGB") for shot in shots]
    scaled = [
        one.resize((round(one.width * HEIGHT / one.height), HEIGHT), Image.Resampling.LANCZOS) for one in pictures
    ]
    width = sum(one.width for one in scaled) + GAP * (len(scaled) + 1)
    sheet = Image.new("RGB", (width, HEIGHT + 2 * GAP), "#d7dde3")
    left = GAP
    for one in scaled:
        sheet.paste(one, (left, GAP))
        left += one.width + GAP
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(128).save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
