"""`pneumoscope token`: makes what the page lets in, and ends it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pneumoscope.cli.main import app
from pneumoscope.service import Accounts, Role, open_store


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "node.toml"
    path.write_text(f'[store]\npath = "{tmp_path / "spool"}"\n')
    return path


def run(config: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["token", *words, "--config", str(config)])
    return done.exit_code, done.output.strip()


def test_a_token_is_printed_once_and_opens_what_its_role_says(config: Path, tmp_path: Path) -> None:
    code, token = run(config, "router", "--role", "machine")
    assert code == 0
    store = open_store(f"sqlite:///{tmp_path / 'spool' / 'queue.db'}")
    user = Accounts(store).by_token(token)
    store.close()
    assert user is not None
    assert (user.name, user.role) == ("router", Role.MACHINE)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Dr. A"], "expected one that is not taken"),
        (["x" * 65], "expected 1 to 64 printable characters"),
        (["Dr. B", "--revoke"], "expected the name of one"),
    ],
)
def test_a_name_that_cannot_be_used_is_wrong_use(config: Path, words: list[str], said: str) -> None:
    run(config, "Dr. A")
    code, output = run(config, *words)
    assert code == 2
    assert said in output


def test_a_revoked_token_opens_nothing_and_its_name_stays_taken(config: Path, tmp_path: Path) -> None:
    _, token = run(config, "Dr. A")
    assert run(config, "Dr. A", "--revoke") == (0, "Dr. A: ended")
    store = open_store(f"sqlite:///{tmp_path / 'spool' / 'queue.db'}")
    assert Accounts(store).by_token(token) is None
    store.close()
    assert run(config, "Dr. A")[0] == 2
