"""JSON as the store writes it: compact, sorted where it is hashed, never NaN."""

import hashlib
from typing import Any

import orjson

from grice_core.store.tables.base import JsonObject


def dump_json(value: Any) -> str:
    """Compact JSON; NaN and infinities become null, NumPy numbers plain ones."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def load_json(text: str | bytes) -> Any:
    """What `dump_json` wrote."""
    return orjson.loads(text)


def canonical_json(value: JsonObject) -> bytes:
    """The same bytes for the same content, whatever the order of its keys."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest_of(value: JsonObject) -> str:
    """SHA-256 of the canonical JSON, as 64 hex digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
