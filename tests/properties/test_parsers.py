"""Hypothesis on what reads other people's bytes and text: our own error or a valid result, never anything else."""

import json
import math
from contextlib import suppress
from dataclasses import fields

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pneumoscope.core import ConfigError, UnreadableError
from pneumoscope.doctor import valid_until
from pneumoscope.intake import read_radiograph
from pneumoscope.phantom import studies_folder
from pneumoscope.reading.remote import Item
from pneumoscope.service import ServiceConfig, parse_config

QUICK = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
FILM = (studies_folder() / "1-chest-pa.dcm").read_bytes()
HEADER = 4000
MAGICS = (b"", b"\0" * 128 + b"DICM", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


def read(content: bytes) -> None:
    """Read bytes; only the error for unreadable input may come."""
    try:
        radiograph = read_radiograph(content)
    except UnreadableError:
        return
    assert radiograph.pixels is None or bool((abs(radiograph.pixels) < math.inf).all())


@QUICK
@given(st.sampled_from(MAGICS), st.binary(max_size=600))
def test_any_bytes_behind_any_magic_number_are_read_or_refused(magic: bytes, rest: bytes) -> None:
    read(magic + rest)


@QUICK
@given(st.integers(132, HEADER), st.binary(min_size=1, max_size=8))
def test_a_study_with_bytes_changed_in_its_header_is_read_or_refused(place: int, other: bytes) -> None:
    read(FILM[:place] + other + FILM[place + len(other) :])


@QUICK
@given(st.integers(0, len(FILM) - 1))
def test_a_study_cut_off_anywhere_is_read_or_refused(length: int) -> None:
    read(FILM[:length])


VALUES = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=20)
SECTIONS = st.sampled_from([one.name for one in fields(ServiceConfig)] + ["other"])
KEYS = st.sampled_from(["port", "host", "path", "database", "ae_title", "claim", "columns", "model", "name", "x"])


@QUICK
@given(
    st.dictionaries(
        SECTIONS, VALUES | st.dictionaries(KEYS, VALUES | st.lists(VALUES, max_size=2), max_size=3), max_size=3
    )
)
def test_any_configuration_is_taken_or_refused_with_a_reason(table: dict[str, object]) -> None:
    try:
        parse_config(table)
    except ConfigError:
        return


TEXTS = st.text(max_size=20)


@QUICK
@given(TEXTS, TEXTS, st.none() | st.tuples(TEXTS, TEXTS, TEXTS), st.none() | st.tuples(TEXTS, TEXTS, TEXTS))
def test_an_item_of_a_frozen_list_comes_back_as_it_was(path, address, instance, problem) -> None:
    item = Item(path=path, address=address, instance=instance, problem=problem)
    assert Item.of_json(json.loads(json.dumps(item.to_json()))) == item


@QUICK
@given(st.text(max_size=200), st.binary(max_size=80))
def test_any_text_is_a_certificate_or_none(text: str, body: bytes) -> None:
    import base64

    block = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(body).decode()}\n-----END CERTIFICATE-----"
    for pem in (text, block):
        with suppress(ValueError):
            assert valid_until(pem).tzinfo is not None
