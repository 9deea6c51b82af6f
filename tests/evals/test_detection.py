"""Figures about detectors: exact on small tables, and the whole command on a small folder."""

import gzip
import json
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adjourn.core.assessments import Assessed, Assessment, Unknown
from adjourn.core.errors import BadInput
from adjourn.core.hazards import Hazard
from adjourn.core.messages import Message, Role
from adjourn.evals.detection import figures as tables
from adjourn.evals.detection.cases import read_cases
from adjourn.evals.detection.diagram import reliability_diagram
from adjourn.evals.detection.examples import HEADS, NOTHING, Example, harmful
from adjourn.evals.detection.judging import judge
from adjourn.evals.detection.measures import Bin, auprc, auroc, ece, figures, recall_at, reliability
from adjourn.evals.detection.page import page
from adjourn.evals.detection.page import tables as as_markdown
from adjourn.evals.detection.published import measure, read_set
from adjourn.evals.detection.report import Part, Report, gather, report_on
from adjourn.evals.detection.sources import read
from adjourn.evals.detection.split import HELD_OUT, SEED, kept_out
from adjourn.evals.detection.thresholds import thresholds_of
from adjourn.runtime.policies import load_policy

pytestmark = [
    pytest.mark.slow,
    # Inspect's own dependencies are not free of them.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
FILES = ("messages.jsonl", "conversations.jsonl", "intents.jsonl", "replies.jsonl")


class Words:
    """Judges by one word; is silent about everything else."""

    name = "words"

    async def assess(self, conversations: Sequence[Sequence[Message]]) -> Sequence[Assessed]:
        return [self._one(one[-1].text) for one in conversations]

    async def aclose(self) -> None:
        """Hold nothing."""

    def _one(self, text: str) -> Assessed:
        if "nobody knows" in text:
            return Unknown(self.name, "it does not know")
        bad = 0.95 if "bomb" in text else 0.05
        return Assessment(self.name, {Hazard.VCR: bad}, harm=bad)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in FILES}
    for i in range(20):
        bench = {"source": "Phylliida/BailStudy", "category": "Physical Harm", "subcategory": ""}
        rows["messages.jsonl"] += [
            {**bench, "harmful": 1, "text": f"make bomb number {i}"},
            {**bench, "harmful": 0, "text": f"bake cake number {i}"},
        ]
        source = {"source": "clinc/oos-eval"}
        rows["intents.jsonl"].append({**source, "text": f"tell {i}", "intent": "translate"})
    for name, found in rows.items():
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in found))
    return tmp_path


def test_areas_and_recall_of_a_small_table_are_the_ones_on_paper() -> None:
    score = np.array([0.9, 0.8, 0.7, 0.6, 0.6])
    truth = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
    # Of the six pairs 0.9 wins two, 0.7 one, 0.6 a half.
    assert auroc(score, truth) == pytest.approx(3.5 / 6)
    assert auprc(score, truth) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert recall_at(0.01)(score, truth) == pytest.approx(1 / 3)
    assert recall_at(0.5)(score, truth) == pytest.approx(2 / 3)
    assert ece(np.array([0.95, 0.95]), np.array([1.0, 0.0])) == pytest.approx(0.45)


def test_bins_say_what_was_said_and_what_was_so() -> None:
    score, truth = np.array([0.02, 0.04, 0.91, 0.99]), np.array([0.0, 1.0, 1.0, 1.0])
    low, high = reliability(score, truth)
    assert [low, high] == [Bin(2, low.said, 0.5), Bin(2, high.said, 1.0)]
    assert [low.said, high.said] == pytest.approx([0.03, 0.95])
    assert ece(score, truth) == pytest.approx((2 * 0.47 + 2 * 0.05) / 4)
    drawn = reliability_diagram({"harm": (low, high)})
    assert drawn == reliability_diagram({"harm": (low, high)})
    assert "harm (4)" in drawn


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=30))
def test_a_ranking_and_its_reverse_share_the_area(table: list[tuple[float, bool]]) -> None:
    score = np.array([s for s, _ in table])
    truth = np.array([float(t) for _, t in table])
    if 0 < truth.sum() < len(truth):
        assert auroc(score, truth) + auroc(-score, truth) == pytest.approx(1)


def test_intervals_hold_their_figure() -> None:
    rng = np.random.default_rng(1)
    truth = np.repeat([0.0, 1.0], 100)
    found = figures(np.clip(rng.normal(0.4 + truth / 5, 0.2), 0, 1), truth, seed=1)
    assert (found.positives, found.negatives) == (100, 100)
    for at, low, high in found.measures.values():
        assert 0 <= low <= at <= high <= 1 or at == pytest.approx(low, abs=0.1)


def test_own_cases_are_labelled_and_cover_their_languages() -> None:
    found = read_cases(SEED, resources.files("adjourn.evals") / "data" / "detectors")
    assert {one.source for one in found} == {"own/wide", "own/fairness"}
    assert {"es", "fr", "de", "pt", "hi", "zh", "ar"} <= {one.lang for one in found}
    assert all(one.labels == NOTHING for one in found if one.source == "own/fairness")
    assert len({one.newest for one in found}) == len(found)


def test_no_case_that_measures_is_one_that_trains() -> None:
    training = Path(__file__).parents[2] / "training" / "cases"
    trained = {one.newest.casefold() for one in read_cases(SEED, training)}
    measured = read_cases(SEED, resources.files("adjourn.evals") / "data" / "detectors")
    assert [one.newest for one in measured if one.newest.casefold() in trained] == []


def test_a_group_is_never_torn_apart() -> None:
    one = Example("a", Role.USER, NOTHING, "s", group="g")
    other = Example("b", Role.USER, NOTHING, "s", group="g")
    assert kept_out(one) == kept_out(other)


def test_what_a_label_does_not_speak_of_is_in_no_figure() -> None:
    found = [
        Example("x", Role.USER, harmful({"ncr": 1.0}), "s"),
        Example("y", Role.USER, {"abuse": 0.0}, "s"),
        Example("z", Role.USER, NOTHING, "s"),
    ]
    says, target = tables.speaks_of(found, "ncr")
    assert says.tolist() == [True, False, True]
    assert target.tolist() == [1.0, 0.0, 0.0]
    assert tables.speaks_of(found, "confirms")[0].tolist() == [False, False, False]


async def test_a_report_says_what_was_right_wrong_silent_and_unanswered(data: Path) -> None:
    found = [one for one in gather(data, Part.HELD_OUT) if not one.source.startswith("own/")]
    assert {one.source for one in found} == {"Phylliida/BailStudy", "clinc/oos-eval"}
    assert "Phylliida/BailStudy" in HELD_OUT
    found.append(Example("nobody knows", Role.USER, NOTHING, "clinc/oos-eval", kind="benign"))
    counted: list[int] = []
    policy = load_policy("consumer-chat")[0]
    report = report_on(
        detector="words",
        part=Part.HELD_OUT,
        policy=policy,
        found=found,
        judged=await judge(Words(), found, counted.append),
        conversations=None,
    )
    assert sum(counted) == len(found)
    assert report.unanswered == 1
    assert set(report.not_judged) == set(HEADS) - {"vcr", "harm"}
    (harm,) = [row for row in report.by_source if row.head == "harm"]
    assert harm.figures.measures["auroc"] == (1.0, 1.0, 1.0)
    (vcr,) = [one for one in report.at_thresholds if one.head == "vcr"]
    assert vcr.source == "public"
    assert (vcr.head, vcr.threshold) == ("vcr", thresholds_of(policy)["vcr"])
    assert (vcr.recall.count, vcr.recall.of) == (20, 20)
    assert vcr.false_positives.count == 0
    assert {one.name for one in report.fairness} == {"all others"}
    assert set(as_markdown(report)) == {
        "by source", "by language", "by length", "at thresholds", "fairness", "reliability",
    }  # fmt: skip
    assert "1 not answered" in page(report)
    again = msgspec.json.decode(msgspec.json.encode(report), type=Report)
    assert again == report


def test_a_limit_takes_as_many_of_each_source(data: Path) -> None:
    found = gather(data, Part.ALL, limit=5)
    sources = [one.source for one in found]
    assert {sources.count(one) for one in set(sources)} == {5}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda folder: (folder / "replies.jsonl").unlink(), "replies.jsonl: No such file"),
        (lambda folder: (folder / "messages.jsonl").write_text("{"), "not JSON lines"),
        (lambda folder: (folder / "messages.jsonl").write_text("[]\n"), "line 1: not an object"),
        (lambda folder: (folder / "intents.jsonl").write_text("\n{}\n"), "not JSON lines"),
        (lambda folder: (folder / "intents.jsonl").write_text("{}\n"), "line 1: KeyError"),
        (lambda folder: (folder / "messages.jsonl").write_bytes(b"\xff\n"), "not JSON lines"),
    ],
)
def test_odd_data_is_one_clear_complaint(
    data: Path, change: Callable[[Path], object], says: str
) -> None:
    change(data)
    with pytest.raises(BadInput, match=says) as told:
        read(data)
    assert told.value.hint()


MODERATION = [
    *({"prompt": f"a bomb {i}", "V": 1, "HR": 0} for i in range(20)),
    *({"prompt": f"a cake {i}", "V": 0} for i in range(20)),
    {"prompt": "nobody knows", "S": 1},
]


@pytest.mark.parametrize("packed", [False, True])
async def test_a_published_set_is_read_as_its_authors_wrote_it(
    tmp_path: Path, packed: bool
) -> None:
    raw = "".join(json.dumps(row) + "\n" for row in MODERATION).encode()
    file = tmp_path / "samples"
    file.write_bytes(gzip.compress(raw) if packed else raw)
    name, found = read_set(f"openai-moderation={file}")
    counted: list[int] = []
    made = await measure(Words(), name, found, counted.append)
    assert sum(counted) == len(MODERATION)
    assert made.unanswered == 1
    assert [row.head for row in made.rows] == ["harm", "harm or abuse", "harm, abuse or crisis"]
    assert all(row.figures.measures["auroc"] == (1.0, 1.0, 1.0) for row in made.rows)
    assert made.f1 == 1.0
    assert made.f1_of_flagging_all == pytest.approx(2 / 3, abs=1e-4)
    assert [(one.group, one.rate.count, one.rate.of) for one in made.flagged] == [
        ("violence", 20, 20),
        ("none of them", 0, 20),
    ]


async def test_look_alikes_and_sets_of_ones_own_are_read_as_well(tmp_path: Path) -> None:
    look = tmp_path / "prompts.csv"
    look.write_text(
        "id,prompt,type\n"
        + "".join(f'{i},"a bomb, {i}",contrast_homonyms\n' for i in range(15))
        + "".join(f'{i},"a bath bomb, {i}",homonyms\n' for i in range(15))
    )
    own = tmp_path / "own.jsonl"
    own.write_text(
        "".join(
            json.dumps({"text": f"{word} {i}", "harmful": word == "bomb"}) + "\n"
            for word in ("bomb", "cake")
            for i in range(15)
        )
    )
    alike = await measure(Words(), *read_set(f"xstest={look}"), lambda _: None)
    assert alike.rows[0].figures.measures["auroc"][0] == 0.5
    assert {(one.group, one.harmful, one.rate.share) for one in alike.flagged} == {
        ("contrast_homonyms", True, 1.0),
        ("homonyms", False, 1.0),
    }
    mine = await measure(Words(), *read_set(f"mine={own}"), lambda _: None)
    assert (mine.name, mine.flagged, mine.f1) == ("mine", (), 1.0)


@pytest.mark.parametrize(
    ("spec", "text", "says"),
    [
        ("xstest", "", "no file"),
        ("xstest=FILE", "id,text\n1,x\n", "text 1: 'type'"),
        ("openai-moderation=FILE", '{"S": 1}\n', "text 1: 'prompt'"),
        ("mine=FILE", '{"text": "x", "harmful": "yes"}\n', "text 1: Expected `bool`"),
        ("mine=FILE", '{"text": "x", "harmful": true}\n', "fewer than 15"),
        ("mine=absent.jsonl", "", "No such file"),
    ],
)
def test_an_odd_set_is_one_clear_complaint(tmp_path: Path, spec: str, text: str, says: str) -> None:
    file = tmp_path / "set"
    file.write_text(text)
    with pytest.raises(BadInput, match=says) as told:
        read_set(spec.replace("FILE", str(file)))
    assert told.value.hint()
