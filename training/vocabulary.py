"""Gives the tokenizer signs it lacks: its vocabulary was made for English.

The vocabulary has 994 entries that no text produces. The first four mark roles; the others are
given to the characters that training texts of other languages need most, so that a Chinese or
Thai message is not a row of unknowns. The size of the network stays the same.
"""

import json
from collections import Counter
from collections.abc import Iterable

from tokenizers import Tokenizer

RESERVED = 4
LEAST = 3
"""Occurrences below which a sign is not worth an entry."""


def extended(tokenizer: Tokenizer, texts: Iterable[str]) -> Tokenizer:
    """Return a tokenizer whose unused entries are the signs that ``texts`` lack most."""
    document = json.loads(tokenizer.to_str())
    vocabulary: dict[str, int] = document["model"]["vocab"]
    free = [f"[unused{i}]" for i in range(RESERVED, 994) if f"[unused{i}]" in vocabulary]
    lacking = Counter(_missing(tokenizer, texts, vocabulary))
    wanted = sorted(
        (one for one in lacking.items() if one[1] >= LEAST), key=lambda o: (-o[1], o[0])
    )
    for old, (new, _) in zip(free, wanted, strict=False):
        vocabulary[new] = vocabulary.pop(old)
    document["truncation"] = document["padding"] = None
    return Tokenizer.from_str(json.dumps(document, ensure_ascii=False))


def _missing(
    tokenizer: Tokenizer, texts: Iterable[str], vocabulary: dict[str, int]
) -> Iterable[str]:
    for text in texts:
        normal = tokenizer.normalizer.normalize_str(text)
        for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal):
            for at, sign in enumerate(word):
                piece = f"##{sign}" if at else sign
                if piece not in vocabulary:
                    yield piece
