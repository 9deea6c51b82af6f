"""A second verifier, written from docs/ledger.md alone. It imports nothing of adjourn's.

    python tests/ledger/second_verifier.py EXPORT.jsonl CHECKPOINT VERIFIER_KEY

Prints "agrees" and exits 0 if the first entries of the export have the root that was signed.
"""

import base64
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def tree_head(leaves: list[bytes]) -> bytes:
    """Pair neighbours level by level; one left over at the end of a level moves up as it is."""
    if not leaves:
        return hashlib.sha256().digest()
    level = leaves
    while len(level) > 1:
        pairs = [
            hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest()
            for i in range(0, len(level) - 1, 2)
        ]
        level = pairs + level[len(level) - len(level) % 2 :]
    return level[0]


def signed_by(note: str, verifier: str) -> bool:
    name, number, key = verifier.split("+", 2)
    public = base64.b64decode(key)
    number_of_key = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
    if public[0] != 1 or number_of_key.hex() != number:
        return False
    text, _, signatures = note.partition("\n\n")
    for line in signatures.split("\n"):
        if line.startswith(f"\u2014 {name} "):
            blob = base64.b64decode(line.split(" ")[2])
            try:
                Ed25519PublicKey.from_public_bytes(public[1:]).verify(
                    blob[4:], (text + "\n").encode()
                )
            except InvalidSignature:
                continue
            return blob[:4] == number_of_key
    return False


def complaints(export: str, note: str, verifier: str) -> list[str]:
    found = []
    leaves = []
    for place, line in enumerate(export.splitlines()):
        row = json.loads(line)
        leaf = hashlib.sha256(b"\x00" + row["body"].encode()).digest()
        if row["position"] != place:
            found.append(f"entry {place} is missing")
        if leaf.hex() != row["leaf_hash"]:
            found.append(f"entry {place} was changed")
        leaves.append(leaf)
    if not signed_by(note, verifier):
        found.append("the signature is wrong")
    _, size, root = note.split("\n")[:3]
    if len(leaves) < int(size):
        found.append("entries were dropped")
    elif tree_head(leaves[: int(size)]) != base64.b64decode(root):
        found.append("the root is not the one that was signed")
    return found


if __name__ == "__main__":
    texts = []
    for path in sys.argv[1:3]:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            texts.append(file.read())
    wrong = complaints(texts[0], texts[1], sys.argv[3])
    print("\n".join(wrong) or "agrees")  # noqa: T201
    sys.exit(bool(wrong))
