"""How much one input may ask of us; each limit is far above any chest radiograph and far below a machine's memory."""

MIB = 1024 * 1024

MAX_PIXELS = 50_000_000
"""Rows x Columns of one frame. The finest detectors (100 micrometre, 43 x 43 cm) give 18.5 million."""

MAX_FILE_BYTES = 512 * MIB
"""One file, or one zip member once inflated."""

MAX_HEADER_BYTES = 16 * MIB
"""A data set without its pixel data; also what a deflated data set may add to its pixels."""

MAX_INFLATED_BYTES = 2 * MAX_PIXELS + MAX_HEADER_BYTES
"""A deflated data set (PS3.5 A.5) once inflated: one 16-bit frame and its header."""

MAX_READS = 200_000
"""Read calls that parsing one data set may take, one to three an element: bounds time and memory of element bombs."""

MAX_DEPTH = 64
"""Sequences inside sequences; the deepest of the standard's templates has about a dozen."""

MAX_ELEMENTS = 500_000
"""Elements and items that are stepped over to see whether a data set is whole."""

MAX_TAIL_BYTES = 4096
"""Bytes after a frame's last sample or a codestream's end marker that are padding and not a reason to refuse.

PS3.5 Section 8.1.1 has a reader ignore what follows the last pixel; the widest padding seen is 1,024 bytes.
"""

MAX_ELEMENT_BYTES = 256 * 1024
"""A header element that is kept; a 65,536-entry lookup table has half of it."""

MAX_PRIVATE_BYTES = 4 * 1024
"""A private header element that is kept; larger ones are vendors' raw data."""

MAX_DIRECTORY_BYTES = 16 * MIB
"""A zip's central directory, about 200,000 members."""

MAX_INFLATION = 200
"""Inflated bytes for each compressed byte, of a zip or of one member over `INFLATION_FREE_BYTES`.

Radiographs deflate to between a third and a half; deflate's own maximum is 1,032.
"""

INFLATION_FREE_BYTES = MIB
"""What may be inflated at any ratio: no harm can come from so little."""

FEWEST_LEVELS = 16
LARGEST_FLAT_SHARE = 0.9
LARGEST_WHITE_SHARE = 0.5
"""An image that shows something: of 256 grey levels it uses so many, and no more of its pixels are in one, or white.

Source: measured on 4,532 NIH, RSNA and Kermany radiographs: at least 115 levels used, at most 47 % of the pixels in one
of them (black collimation), at most 2.4 % white.
"""
