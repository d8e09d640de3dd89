"""Texts by 128 bits of BLAKE2b each, which stand for the texts where these are compared.

That two different ones of a billion texts agree in 128 bits has a probability of 10⁻²¹, so it is neglected;
to write two such texts on purpose takes about 2⁶⁴ tries.
"""

from hashlib import blake2b
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from grice_core.data.texts import TEXT

HashArray = npt.NDArray[np.uint64]
"""(N, 2): the two halves of each text's 128 bits."""
_NUM_BYTES = 16


def text_hashes(texts: pa.Array | pa.ChunkedArray) -> HashArray:
    """(N, 2) hashes of texts, of which none is null."""
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    digests = b"".join(map(_digests, chunks))
    return np.frombuffer(digests, np.uint64).reshape(-1, 2)


def _digests(texts: pa.Array) -> bytes:
    _, places, content = texts.cast(TEXT).buffers()
    if content is None or not len(texts):  # all are empty
        return blake2b(digest_size=_NUM_BYTES).digest() * len(texts)
    bounds = np.frombuffer(places, np.int64, len(texts) + 1, texts.offset * 8).tolist()
    written = memoryview(content)
    return b"".join(
        [
            blake2b(written[start:end], digest_size=_NUM_BYTES).digest()
            for start, end in pairwise(bounds)
        ]
    )
