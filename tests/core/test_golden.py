"""An upgrade decides old conversations as they were decided."""

import json

from .golden import FILE, made


def test_what_was_decided_stays_decided() -> None:
    kept, now = json.loads(FILE.read_text()), made()
    assert kept.keys() == now.keys()
    for name, conversations in now.items():
        for turns, told in conversations.items():
            assert told == kept[name][turns], f"{name}: {turns}"
    said = str(now)
    for word in ("redirect", "warn", "end", "support", "confirm_user_end", "granted", "denied"):
        assert word in said
