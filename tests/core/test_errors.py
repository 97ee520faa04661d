import pytest

from pneumoscope.core import (
    ArtifactError,
    ConfigError,
    InputError,
    PneumoscopeError,
    RemoteError,
    UnreadableError,
    exit_code,
)


@pytest.mark.req("REQ-UI-01")
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnreadableError("pixel data", expected="a", found="b", path="x.dcm"), 3),
        (InputError("scores"), 3),
        (ConfigError("unknown key"), 2),
        (ArtifactError("damaged"), 1),
        (RemoteError("no answer"), 1),
        (ValueError("a bug"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_error_has_its_exit_code(error: BaseException, code: int) -> None:
    assert exit_code(error) == code


def test_an_unreadable_image_says_what_was_expected_what_came_and_where() -> None:
    error = UnreadableError("pixel data", expected="2048 bytes", found="17 bytes", path="study.zip!/a.dcm")
    assert str(error) == "study.zip!/a.dcm: pixel data: expected 2048 bytes, found 17 bytes"
    assert isinstance(error, PneumoscopeError)
