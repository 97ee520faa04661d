import subprocess
import sys
from pathlib import Path

import pytest

from pneumoscope.core import ConfigError
from pneumoscope.results.storage import Ledger, stem


def test_a_stem_is_the_same_for_the_same_path_and_differs_for_equal_names():
    first, second = stem("a/image.dcm"), stem("b.zip!/image.dcm")
    assert first == stem("a/image.dcm")
    assert first != second
    assert first.startswith("image-")
    assert second.startswith("image-")


@pytest.mark.parametrize(
    "path",
    ["../../etc/passwd", "a\\b\\..", "a/con:?*|<>\"'.dcm", "x" * 5000, "", "a/ü\n\0\udcff.dcm", "-rf", ".hidden"],
)
def test_a_stem_is_a_short_safe_file_name(path):
    name = stem(path)
    assert len(name) <= 49
    assert all(c.isascii() and (c.isalnum() or c in "-_") for c in name)
    assert name[0] not in "-."


def test_a_full_disk_is_one_clear_config_error(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    (tmp_path / "results.jsonl").symlink_to("/dev/full")
    ledger = Ledger(tmp_path / "results.jsonl")
    with pytest.raises(ConfigError, match=r"results\.jsonl: the disk is full") as caught:
        ledger.append("x\n")
    assert "\n" not in str(caught.value)
    ledger.close()


def test_a_ledger_drops_the_record_that_was_torn_by_a_full_disk(tmp_path):
    path = tmp_path / "results.jsonl"
    program = (
        "import resource, signal\n"
        "from pathlib import Path\n"
        "from pneumoscope.core import ConfigError\n"
        "from pneumoscope.results.storage import Ledger\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        f"ledger = Ledger(Path({str(path)!r}))\n"
        "try:\n"
        "    for _ in range(9): ledger.append('x' * 29 + chr(10))\n"
        "except ConfigError: print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"
    assert path.read_text() == ("x" * 29 + "\n") * 3
