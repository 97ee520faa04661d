"""A peer that decodes on demand: each line on stdin has it decode PATH once, by pydicom with PLUGIN.

python benchmarks/peer_decode.py PATH PLUGIN
"""

import sys

from pydicom.pixels import pixel_array


def main(path: str, plugin: str) -> None:
    for _ in sys.stdin:
        print(pixel_array(path, decoding_plugin=plugin).shape, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3])
