"""Many inputs: decoding in threads ahead of the model, results in input order, memory bounded."""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from pneumoscope.intake import ImageSource
from pneumoscope.reading.reader import Candidate, Reader, Settled
from pneumoscope.results import Reading

# Images a pass of the model. A CPU gains a fifth from four, and pays for it with 35 MB of activations.
BATCH = 1
# Inputs decoded or waiting at any time. A 10-megapixel image is 40 MB as float32.
AHEAD = 4
DECODERS = 2


def read_all(sources: Iterable[ImageSource], reader: Reader) -> Iterator[Reading]:
    """Yield each input's reading, in input order, as they are done.

    While the model runs on one batch, the next inputs are decoded, checked and prepared.
    """
    waiting: deque[Future[Candidate | Settled]] = deque()
    with ThreadPoolExecutor(DECODERS, thread_name_prefix="decode") as pool:
        try:
            remaining = iter(sources)
            while True:
                for source in itertools.islice(remaining, AHEAD - len(waiting)):
                    waiting.append(pool.submit(reader.open, source))
                if not waiting:
                    return
                batch = [waiting.popleft().result() for _ in range(min(BATCH, len(waiting)))]
                yield from reader.read(batch)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
