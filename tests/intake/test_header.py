"""Malformed attributes."""

from pydicom import Dataset

from pneumoscope.intake.header import integer, numbers, text


def header(**attributes: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def test_several_values_are_no_single_number() -> None:
    assert integer(header(Rows=[5, 6]), "Rows", absent=3) is None
    assert integer(header(), "Rows", absent=3) == 3


def test_several_values_are_joined_as_in_the_file() -> None:
    dataset = header(ImageType=["DERIVED", "PRIMARY"], WindowCenter=["1.5", "2"])
    assert text(dataset, "ImageType") == "DERIVED\\PRIMARY"
    assert numbers(dataset, "WindowCenter") == (1.5, 2)
