"""Archives of public sources that may be fetched, with their terms and their publisher's checksums.

NIH's twelve archives only. RSNA's challenge asks for registration, and Kermany's set lies behind a form: whoever wants
them fetches them by hand, from the links in their importers.

Source of the MD5 sums: NIH Clinical Center, FAQ_CHESTXRAY.pdf, question 7 (in the download folder).
"""

import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from pneumoscope.core import InputError
from pneumoscope.datasets.download import RemoteFile

NIH_TERMS = (
    "NIH ChestX-ray14: use is unrestricted; give the link to https://nihcc.app.box.com/v/ChestXray-NIHCC, acknowledge "
    "the NIH Clinical Center, and cite Wang et al., CVPR 2017."
)
_NIH = "https://nihcc.box.com/shared/static"
_NIH_ARCHIVES = (
    ("vfk49d74nhbxq3nqjg0900w5nvkorp5c", 2_008_470_987, "fe8ed0a6961412fddcbb3603c11b3698"),
    ("i28rlmbvmfjbl8p2n3ril0pptcmcu9d1", 3_952_623_504, "ab07a2d7cbe6f65ddd97b4ed7bde10bf"),
    ("f1t00wrtdk94satdfb9olcolqx20z2jp", 3_929_234_850, "2301d03bde4c246388bad3876965d574"),
    ("0aowwzs5lhjrceb3qp67ahp0rd1l1etg", 3_838_903_983, "9f1b7f5aae01b13f4bc8e2c44a4b8ef6"),
    ("v5e3goj22zr6h8tzualxfsqlqaygfbsn", 3_935_496_531, "1861f3cd0ef7734df8104f2b0309023b"),
    ("asi7ikud9jwnkrnkj99jnpfkjdes7l6l", 3_986_301_172, "456b53a8b351afd92a35bc41444c58c8"),
    ("jn1b4mw4n6lnh74ovmcjb8y48h8xj07n", 4_016_328_426, "1075121ea20a137b87f290d6a4a5965e"),
    ("tvpxmn7qyrgl0w8wfh9kqfjskv6nmm1j", 4_018_347_353, "b61f34cec3aa69f295fbb593cbd9d443"),
    ("upyy3ml7qdumlgk2rfcvlb9k6gvqq2pj", 4_111_327_929, "442a3caa61ae9b64e61c561294d1e183"),
    ("l6nilvfa9cg3s28tqv1qc1olm3gnz54p", 4_181_556_296, "09ec81c4c31e32858ad8cf965c494b74"),
    ("hhq8fkdgvcari67vfhs7ppg2w6ni4jze", 4_187_084_020, "499aefc67207a5a97692424cf5dbeed5"),
    ("ioqwiy20ihqwyr8pf4c24eazhh281pbu", 2_914_187_733, "dc9fda1757c2de0032b63347a7d2895c"),
)


def nih_archives(*, mirror: str | None = None) -> tuple[RemoteFile, ...]:
    """Return the twelve image archives, `images_001.tar.gz` to `images_012.tar.gz`; from a mirror under these names."""
    names = [f"images_{number:03}.tar.gz" for number in range(1, len(_NIH_ARCHIVES) + 1)]
    return tuple(
        RemoteFile(
            url=f"{_NIH}/{link}.gz" if mirror is None else f"{mirror.rstrip('/')}/{name}",
            name=name,
            md5=md5,
            size_bytes=size,
        )
        for name, (link, size, md5) in zip(names, _NIH_ARCHIVES, strict=True)
    )


def unpack(archive: Path) -> Path:
    """Return the folder beside the archive and named as it is, with what was in it; kept as it is where it exists.

    Members that would land outside of it are refused (PEP 706, filter "data").

    Raises:
        InputError: The archive is damaged, or holds what no archive of images should.
    """
    folder = archive.with_name(archive.name.removesuffix(".tar.gz"))
    if folder.is_dir():
        return folder
    with TemporaryDirectory(dir=archive.parent, prefix=f".{folder.name}.") as scratch:
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(scratch, filter="data")
        except (tarfile.TarError, EOFError, OSError) as error:
            raise InputError(f"{archive}: expected an archive of images, found {error}") from None
        inside = Path(scratch) / "whole"
        inside.mkdir()
        for entry in [entry for entry in Path(scratch).iterdir() if entry != inside]:
            entry.rename(inside / entry.name)
        inside.rename(folder)
    return folder
