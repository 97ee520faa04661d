"""The page in a real browser: accessible, offline, operated by keyboard and by mouse."""

import shutil
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pneumoscope.service.store import people
from pneumoscope.service.web import Role

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright not found: it is in the dev group")
expect = sync_api.expect
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium not found: apt-get install chromium"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
PAGES = (
    "/",
    "/images/1",
    "/images/2",
    "/upload",
    "/monitoring",
    "/deliveries",
    "/settings",
    "/audit",
    "/login",
    "/images/99",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A tab that may ask nothing of other machines and must not complain."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    tab = context.new_page()
    tab.set_default_timeout(20_000)
    said: list[str] = []
    asked: list[str] = []
    tab.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.said, tab.asked = said, asked
    yield tab
    context.close()


def shown(page: Any) -> np.ndarray:
    """The viewer's canvas as it is drawn, RGBA."""
    address = page.evaluate("document.getElementById('viewer').toDataURL('image/png')")
    with Image.open(BytesIO(b64decode(address.partition(",")[2]))) as picture:
        return np.asarray(picture.convert("RGBA"))


def open_study(page: Any, address: str, image: Any) -> None:
    page.goto(f"{address}/images/{image.id}")
    page.wait_for_selector("#viewer[aria-busy=false]")
    expect(page.locator("#said")).to_contain_text("Zoom")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_serious_on_any_page(site: Any, serve: Any, page: Any, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    site.image(heat=True)
    site.invented(status="refused")
    site.invented(probability=0.31, uncertain=True)
    site.invented(probability=0.1)
    address = serve(site)
    page.context.add_cookies([{"name": "theme", "value": theme, "url": address}])
    for path in PAGES:
        page.goto(address + path)
        assert page.locator("html").get_attribute("data-theme") == theme
        found = [one for one in Axe().run(page).response["violations"] if one["impact"] in ("serious", "critical")]
        assert not found, (path, [(one["id"], one["nodes"][0]["html"]) for one in found])
        assert page.get_by_text("Research use only").first.is_visible(), path


def test_no_page_asks_anything_of_another_machine_or_complains(site: Any, serve: Any, page: Any) -> None:
    site.image(heat=True)
    site.invented(status="refused")
    address = serve(site)
    for path in PAGES[:-1]:
        page.goto(address + path, wait_until="networkidle")
    assert page.said == []
    assert len(page.asked) > 20
    assert {url for url in page.asked if not url.startswith(address + "/")} == set()


def test_the_image_is_drawn_with_the_grey_values_that_were_read(site: Any, serve: Any, page: Any) -> None:
    image = site.image()
    open_study(page, serve(site), image)
    page.keyboard.press("1")  # one to one
    expect(page.locator("#said")).to_contain_text("Zoom 100 %")
    from pneumoscope.service.web.viewer_image import viewer_image

    read = viewer_image(site.spool.path(image.file))
    grey = np.frombuffer(read.grey, dtype="<u2").reshape(read.rows, read.columns) / 65535
    canvas = shown(page)
    top, left = ((whole - part) // 2 for whole, part in zip(canvas.shape, grey.shape, strict=False))
    rows, columns = slice(200, 280), slice(200, 280)
    middle = canvas[top + 200 : top + 280, left + 200 : left + 280]
    assert np.abs(middle[..., 0] - 255 * grey[rows, columns]).max() <= 1
    assert (middle[..., 0] == middle[..., 2]).all()


def test_dragging_changes_the_window_and_keys_invert_and_reset_it(site: Any, serve: Any, page: Any) -> None:
    open_study(page, serve(site), site.image())
    before = shown(page)
    page.mouse.move(400, 300)
    page.mouse.down()
    page.mouse.move(300, 380)
    page.mouse.up()
    expect(page.locator("#said")).not_to_contain_text("Width 100")
    page.wait_for_timeout(300)  # drawn at the next frame
    assert (shown(page) != before).any()
    page.keyboard.press("i")
    expect(page.locator("#invert")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("r")
    expect(page.locator("#said")).to_contain_text("Level 50 · Width 100")
    page.wait_for_timeout(300)
    assert (shown(page) == before).all()


def test_the_heat_map_is_off_until_asked_for_and_then_audited(site: Any, serve: Any, page: Any) -> None:
    open_study(page, serve(site), site.image(heat=True))
    grey = shown(page)
    assert (grey[..., 0] == grey[..., 2]).mean() > 0.99
    assert "heat" not in {entry.action for entry in people.audit_entries(site.store, limit=20)}
    page.keyboard.press("h")
    expect(page.locator("#heat-said")).to_have_text("70 %")
    page.wait_for_timeout(300)
    coloured = shown(page).astype(int)
    assert (np.abs(coloured[..., 0] - coloured[..., 2]) > 20).mean() > 0.01
    assert "heat" in {entry.action for entry in people.audit_entries(site.store, limit=20)}


def test_the_worklist_is_walked_and_opened_by_keyboard(site: Any, serve: Any, page: Any) -> None:
    for probability in (0.9, 0.5, 0.1):
        site.invented(probability=probability)
    page.goto(serve(site))
    page.locator("a.open").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/images/2")


def test_the_worklist_refreshes_itself_and_keeps_the_reader_s_place(site: Any, serve: Any, page: Any) -> None:
    site.invented(probability=0.5)
    page.goto(serve(site))
    page.locator("a.open").first.focus()
    site.invented(probability=0.9)
    expect(page.locator("a.open")).to_have_count(2, timeout=20_000)
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/images/1"


def test_a_dropped_file_is_uploaded_and_its_fate_told(site: Any, serve: Any, page: Any, tmp_path: Any) -> None:
    from pneumoscope.phantom import studies_folder

    (tmp_path / "notes.txt").write_text("not an image")
    page.goto(serve(site) + "/upload")
    page.set_input_files("#files", [studies_folder() / "5-hand.dcm", tmp_path / "notes.txt"])
    page.wait_for_selector("#sent tr.failed")
    rows = page.locator("#sent tr").all_inner_texts()
    assert "expected a DICOM, PNG or JPEG file" in rows[0]
    assert "Accepted: open" in rows[1]


def test_a_person_signs_in_agrees_and_signs_out(guarded: Any, serve: Any, page: Any) -> None:
    image = guarded.invented()
    address = serve(guarded)
    page.goto(f"{address}/images/{image.id}")
    page.fill("#token", guarded.token(Role.VIEWER, "Dr. A"))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/images/{image.id}")
    page.get_by_label("Disagree").check()
    page.fill("#comment", "skin fold")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("text=Disagreed, Dr. A")
    assert [one.comment for one in people.feedback_on(guarded.store, image.uid)] == ["skin fold"]
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
    page.goto(f"{address}/")
    assert "/login" in page.url
