"""Turns examples into batches: augmentation, token ids, masks, buckets of like length."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from tokenizers import Tokenizer

from adjourn.core.messages import Role
from adjourn.detectors.local_heads import HAZARDS, HEADS
from adjourn.detectors.local_input import Window, windows
from adjourn.evals.detection.examples import Example

TOKENS_PER_BATCH = 3072
CONTEXT_SHARE = 0.3
"""Share of single messages that get a context which has nothing to do with them."""
REPLY_SHARE = 0.08
"""Share of single messages that are shown as said by the assistant: harm in replies counts too."""
DISGUISE_SHARE = 0.04
TYPO_SHARE = 0.06
_LEET = str.maketrans("aeiost", "43105t")
_GLYPHS = str.maketrans("aeopcyxd", "аеорсухԁщ"[:8])


class Ids:
    """The tokenizer, as ``adjourn.detectors.local_input`` wants it."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def __call__(self, text: str) -> list[int]:
        """Return ids without special tokens."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids


def targets(example: Example) -> tuple[list[float], list[float]]:
    """Return targets and weights per head; weight 0 masks.

    The hazard heads are conditional on harm, so they learn from harmful messages only.
    """
    labels = example.labels
    asks = labels.get("harm", 1.0) >= 0.3
    weight = {head: example.weight if head in labels else 0.0 for head in HEADS}
    if not asks:
        weight.update(dict.fromkeys(map(str, HAZARDS), 0.0))
    return [labels.get(head, 0.0) for head in HEADS], [weight[head] for head in HEADS]


def augmented(example: Example, pairs: Sequence[tuple[str, str]], rng: random.Random) -> Example:
    """Return the example, now and then with a foreign context, a disguise or a typo."""
    changed = example
    draw = rng.random()
    if not example.before and example.role is Role.USER and draw < CONTEXT_SHARE and pairs:
        asked, replied = rng.choice(pairs)
        unsure = {"insists", "confirms", "declines", "harm"}
        keep = {h: t for h, t in example.labels.items() if h not in unsure or t == 0.0}
        if example.labels.get("harm", 0.0) >= 0.5:
            keep["harm"] = example.labels["harm"]
            keep.pop("insists", None)
        before = ((Role.USER, asked), (Role.ASSISTANT, replied))
        changed = replace(changed, before=before, labels=keep)
    if changed is example and not example.before and rng.random() < REPLY_SHARE:
        kept = {*map(str, HAZARDS), "harm"}
        labels = {head: target for head, target in example.labels.items() if head in kept}
        changed = replace(changed, role=Role.ASSISTANT, labels=labels)
    draw = rng.random()
    if example.role is Role.USER and example.lang in ("en", "es", "fr", "de", "pt", "it"):
        if draw < DISGUISE_SHARE:
            changed = replace(changed, newest=disguised(changed.newest, rng))
        elif draw < DISGUISE_SHARE + TYPO_SHARE:
            changed = replace(changed, newest=mistyped(changed.newest, rng))
    return changed


def disguised(text: str, rng: random.Random) -> str:
    """Return the text in leetspeak, look-alike letters or spaced out."""
    way = rng.randrange(3)
    if way == 0:
        return "".join(c.translate(_LEET) if rng.random() < 0.5 else c for c in text)
    if way == 1:
        return "".join(c.translate(_GLYPHS) if rng.random() < 0.3 else c for c in text)
    words = text.split()
    return " ".join("".join(w) if rng.random() < 0.7 else " ".join(w) for w in words)


def mistyped(text: str, rng: random.Random) -> str:
    """Return the text with one to three letters dropped, doubled or swapped."""
    letters = list(text[:400])
    for _ in range(rng.randint(1, 3)):
        if len(letters) < 4:
            break
        at = rng.randrange(len(letters) - 1)
        way = rng.randrange(3)
        if way == 0:
            del letters[at]
        elif way == 1:
            letters.insert(at, letters[at])
        else:
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters) + text[400:]


def one_window(example: Example, ids: Ids, rng: random.Random) -> Window | None:
    """Return one window of the example: the first, or for long messages often another."""
    found = windows(example.conversation(), ids)
    if not found:
        return None
    return found[0] if len(found) == 1 or rng.random() < 0.6 else rng.choice(found[1:])


def batches(
    examples: Sequence[Example],
    pairs: Sequence[tuple[str, str]],
    ids: Ids,
    rng: random.Random,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield (ids, kinds) int64 (B, T) and (targets, weights) float32 (B, H) in random order."""
    rows = []
    for example in examples:
        shown = augmented(example, pairs, rng)
        window = one_window(shown, ids, rng)
        if window is not None:
            rows.append((len(window.ids) + rng.random() * 6, window, targets(shown)))
    rows.sort(key=lambda row: row[0])
    groups: list[list[int]] = [[]]
    longest = 0
    for i, (_, window, _) in enumerate(rows):
        longest = max(longest, len(window.ids))
        if longest * (len(groups[-1]) + 1) > TOKENS_PER_BATCH:
            groups.append([])
            longest = len(window.ids)
        groups[-1].append(i)
    rng.shuffle(groups)
    for group in groups:
        picked = [rows[i] for i in group]
        width = max(len(window.ids) for _, window, _ in picked)
        shape = (len(picked), width)
        token_ids, kinds = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for i, (_, window, _) in enumerate(picked):
            token_ids[i, : len(window.ids)] = window.ids
            kinds[i, : len(window.kinds)] = window.kinds
        aims = np.array([row[2][0] for row in picked], np.float32)
        weights = np.array([row[2][1] for row in picked], np.float32)
        yield token_ids, kinds, aims, weights
