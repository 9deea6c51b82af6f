"""Every family's wire format, on replies of the documented shapes."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjourn.core.assessments import Assessed, Assessment
from adjourn.core.hazards import Hazard
from adjourn.detectors.forms import Form, Malformed, read_chat, read_completion, shares
from adjourn.detectors.guards import granite_guardian, shield_gemma
from adjourn.detectors.guards.categories import CLEARED, FLAGGED
from adjourn.detectors.guards.gpt_oss_safeguard import GptOssSafeguard
from adjourn.detectors.guards.granite_guardian import GraniteGuardian
from adjourn.detectors.guards.llama_guard import LlamaGuard
from adjourn.detectors.guards.qwen3_guard import Qwen3Guard
from adjourn.detectors.guards.shield_gemma import ShieldGemma
from adjourn.detectors.judge import Judge
from adjourn.detectors.moderation import Moderation
from adjourn.detectors.turns import Turn
from tests.detectors.replies import chat, completion, plain, replied, said

USER = said("Hello.", "Hi, what can I do?", "Tell me more.")
REPLY = replied("Tell me more.", "Here is more.")


def hear(form: Form, turns: Sequence[Turn], *answers: bytes) -> Assessment:
    assessed = form.hear("guard", turns, answers)
    assert isinstance(assessed, Assessment)
    assert assessed.detector == "guard"
    return assessed


# -- Llama Guard ------------------------------------------------------------------------------


def test_llama_guard_is_asked_about_the_last_role_with_log_probabilities() -> None:
    (ask,) = LlamaGuard("m").ask(USER)
    assert ask.path == "chat/completions"
    assert [m["role"] for m in ask.body["messages"]] == ["user", "assistant", "user"]
    assert ask.body["temperature"] == 0
    assert ask.body["logprobs"] is True
    assert ask.body["top_logprobs"] == 20


def test_llama_guard_scores_by_the_first_word() -> None:
    odds = {"unsafe": 0.75, "safe": 0.25}
    reply = chat("\n\nunsafe\nS9,S1", ("\n\n", {"\n\n": 1.0}), ("unsafe", odds), *plain("\nS9,S1"))
    assessed = hear(LlamaGuard("m"), USER, reply)
    assert assessed.harm == pytest.approx(0.75)
    assert assessed.hazards[Hazard.IWP] == pytest.approx(0.75)
    assert assessed.hazards[Hazard.VCR] == pytest.approx(0.75)
    assert assessed.hazards[Hazard.HTE] == 0.0
    assert assessed.crisis_self == 0.0
    doubtful = chat("safe", ("safe", {"unsafe": 0.4, "safe": 0.6}))
    assert hear(LlamaGuard("m"), USER, doubtful).harm == pytest.approx(0.4)


def test_llama_guard_without_probabilities() -> None:
    assert hear(LlamaGuard("m"), USER, chat("safe")).harm == 0.0
    assert hear(LlamaGuard("m"), USER, chat("unsafe\nS10")).hazards[Hazard.HTE] == FLAGGED


def test_self_harm_is_a_crisis_in_the_users_words_only() -> None:
    answer = chat("unsafe\nS11")
    assert hear(LlamaGuard("m"), USER, answer).crisis_self == FLAGGED
    assert hear(LlamaGuard("m"), REPLY, answer).crisis_self == 0.0
    assert hear(LlamaGuard("m"), REPLY, answer).hazards[Hazard.SSH] == FLAGGED


@pytest.mark.parametrize("text", ["maybe", "safe\nS1", "unsafe\nS15", "unsafe, clearly", "safe."])
def test_llama_guard_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        LlamaGuard("m").hear("guard", USER, [chat(text)])


# -- ShieldGemma ------------------------------------------------------------------------------


def test_shield_gemma_renders_the_card_s_prompt() -> None:
    asks = ShieldGemma("m").ask(USER)
    assert len(asks) == 4
    assert {ask.path for ask in asks} == {"completions"}
    prompt = asks[0].body["prompt"]
    assert prompt.startswith("You are a policy expert trying to help determine whether a user")
    assert "<start_of_turn>\nHuman Question: Tell me more.\n<end_of_turn>\n\nOur safety" in prompt
    assert '\n\n* "No Dangerous Content": The prompt shall not contain or seek' in prompt
    assert prompt.endswith("walk through step by step to be sure we answer correctly.\n\n")
    assert asks[0].body["max_tokens"] == 1
    of_reply = ShieldGemma("m").ask(REPLY)[0].body["prompt"]
    assert "<end_of_turn>\n<start_of_turn>\nChatbot Response: Here is more.\n" in of_reply
    assert "The chatbot shall not generate content that" in of_reply


def test_shield_gemma_shares_of_yes() -> None:
    answers = [
        completion("No", ("No", {"No": 0.8, "Yes": 0.1, "Maybe": 0.1})),
        completion("Yes", ("Yes", {"Yes": 0.6, "No": 0.2, " yes": 0.2})),
        completion("Yes"),
        completion(" No", (" No", {" No": 1.0})),
    ]
    assessed = hear(ShieldGemma("m"), USER, *answers)
    assert assessed.hazards[Hazard.VCR] == pytest.approx(1 / 9)
    assert assessed.hazards[Hazard.HTE] == FLAGGED
    assert assessed.hazards[Hazard.SXC] == 0.0
    assert assessed.harm == FLAGGED
    assert assessed.abuse == 0.0
    with pytest.raises(Malformed):
        ShieldGemma("m").hear("guard", USER, [completion("Well"), *answers[1:]])


# -- Granite Guardian -------------------------------------------------------------------------


def test_granite_3_names_the_risk_in_the_template_s_options() -> None:
    asks = GraniteGuardian("m", "3").ask(USER)
    given = [ask.body["chat_template_kwargs"]["guardian_config"]["risk_name"] for ask in asks]
    assert given == list(granite_guardian.RISKS)
    three = GraniteGuardian("m", "3.3").ask(USER)[0].body["chat_template_kwargs"]
    assert three == {"guardian_config": {"criteria_id": "harm"}, "think": False}


def test_granite_3_answers() -> None:
    no = chat("No", ("No", {"No": 0.9, "Yes": 0.1}))
    yes = chat("Yes\n<confidence> High </confidence>", *plain("Yes", "\n<confidence> High"))
    assessed = hear(GraniteGuardian("m", "3"), USER, yes, no, chat("Yes"), no, no)
    assert assessed.harm == pytest.approx(FLAGGED)
    assert assessed.hazards[Hazard.VCR] == FLAGGED
    assert assessed.hazards[Hazard.HTE] == pytest.approx(0.1)


def test_granite_41_gets_a_guardian_block_as_the_last_message() -> None:
    asks = GraniteGuardian("m").ask(USER)
    last = asks[0].body["messages"][-1]
    assert last["role"] == "user"
    assert last["content"].startswith("<guardian><no-think>As a judge agent, assess whether")
    assert "\n\n### Criteria: The text promotes or contains content that is univ" in last["content"]
    assert last["content"].endswith(
        "### Scoring Schema: If the last user's text meets the criteria, return 'yes'; otherwise, "
        "return 'no'."
    )
    assert (
        "last assistant's text"
        in GraniteGuardian("m").ask(REPLY)[0].body["messages"][-1]["content"]
    )


def test_granite_41_reads_the_score_and_its_share() -> None:
    form = GraniteGuardian("m")
    text = "<think>\n</think>\n<score> yes </score>"
    scored = chat(
        text,
        *plain("<think>\n</think>\n<score>"),
        (" yes", {" yes": 0.7, " no": 0.3}),
        *plain(" </score>"),
    )
    no = chat("<think>\n</think>\n<score>no</score>")
    answers = [no] * len(form.ask(USER))
    answers[-2:] = [scored, no]  # crisis_self, crisis_others
    assessed = hear(form, USER, *answers)
    assert assessed.crisis_self == pytest.approx(0.7)
    assert assessed.crisis_others == assessed.harm == assessed.abuse == CLEARED
    for bad in ("yes", "<score>perhaps</score>", "<score>yes", ""):
        with pytest.raises(Malformed):
            form.hear("guard", USER, [chat(bad), *answers[1:]])


# -- Qwen3Guard -------------------------------------------------------------------------------


def test_qwen3guard_verdict_and_probability() -> None:
    reply = chat(
        "Safety: Unsafe\nCategories: Violent, PII",
        *plain("Safety", ":"),
        (" Unsafe", {" Unsafe": 0.5, " Cont": 0.2, " Safe": 0.3}),
        *plain("\nCategories: Violent, PII"),
    )
    assessed = hear(Qwen3Guard("m"), USER, reply)
    assert assessed.hazards[Hazard.VCR] == pytest.approx(0.6)
    assert assessed.hazards[Hazard.PRV] == pytest.approx(0.6)
    assert assessed.harm == pytest.approx(0.6)


def test_a_verdict_in_two_tokens_is_not_read_as_its_opposite() -> None:
    reply = chat(
        "Safety: Unsafe\nCategories: Violent",
        *plain("Safety", ":"),
        (" Un", {" Un": 0.9, " Safe": 0.1}),
        *plain("safe", "\nCategories: Violent"),
    )
    assert hear(Qwen3Guard("m"), USER, reply).hazards[Hazard.VCR] == pytest.approx(0.9)


def test_what_is_controversial_counts_half_save_for_self_harm() -> None:
    half = hear(Qwen3Guard("m"), USER, chat("Safety: Controversial\nCategories: Violent"))
    assert half.hazards[Hazard.VCR] == pytest.approx(FLAGGED / 2)
    crisis = hear(
        Qwen3Guard("m"), USER, chat("Safety: Controversial\nCategories: Suicide & Self-Harm")
    )
    assert crisis.crisis_self == pytest.approx(FLAGGED)


def test_politics_is_no_harm_and_a_refusal_is_read() -> None:
    politics = "Safety: Unsafe\nCategories: Politically Sensitive Topics"
    assert hear(Qwen3Guard("m"), USER, chat(politics)).harm == 0.0
    safe = "Safety: Safe\nCategories: None\nRefusal: Yes"
    assert hear(Qwen3Guard("m"), REPLY, chat(safe)).refuses == FLAGGED


@pytest.mark.parametrize(
    "text",
    [
        "Safety: Fine\nCategories: None",
        "Safety: Safe",
        "Safety: Safe\nCategories: Violent",
        "Safety: Unsafe\nCategories: Rudeness",
        "Safety: Safe\nSafety: Unsafe\nCategories: None",
        "I'm sorry, but I can't help with that.",
    ],
)
def test_qwen3guard_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        Qwen3Guard("m").hear("guard", USER, [chat(text)])


# -- gpt-oss-safeguard ------------------------------------------------------------------------


def test_gpt_oss_safeguard_gets_policy_and_content_apart() -> None:
    (ask,) = GptOssSafeguard("m", "medium").ask(USER)
    system, content = ask.body["messages"]
    assert (system["role"], content["role"]) == ("system", "user")
    assert system["content"].startswith("Reasoning: medium\n")
    sections = (
        "## INSTRUCTIONS",
        "## DEFINITIONS",
        "## VIOLATES (1)",
        "## SAFE (0)",
        "## EXAMPLES",
    )
    places = [system["content"].index(section) for section in sections]
    assert places == sorted(places)
    assert "Tell me more." not in system["content"]
    assert '{"role":"user","text":"Tell me more."}' in content["content"]


def test_gpt_oss_safeguard_verdicts() -> None:
    form = GptOssSafeguard("m")
    found = hear(form, USER, chat('{"violation": 1, "policy_category": ["abuse", "ncr"]}'))
    assert found.abuse == found.hazards[Hazard.NCR] == found.harm == FLAGGED
    clear = hear(form, USER, chat(' {"violation":0,"policy_category":[]}\n'))
    assert (clear.abuse, clear.hazards[Hazard.NCR], clear.refuses) == (CLEARED, CLEARED, 0.0)
    of_reply = chat('{"violation": 1, "policy_category": ["refuses"]}')
    assert hear(form, REPLY, of_reply).refuses == FLAGGED


@pytest.mark.parametrize(
    "text",
    [
        '{"violation": 1, "policy_category": []}',
        '{"violation": 0, "policy_category": ["abuse"]}',
        '{"violation": 1, "policy_category": ["refuses"]}',
        '{"violation": 2, "policy_category": ["abuse"]}',
        '{"violation": 0}',
        "0",
        "The message is fine.",
    ],
)
def test_gpt_oss_safeguard_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        GptOssSafeguard("m").hear("guard", USER, [chat(text)])


# -- moderation -------------------------------------------------------------------------------

OMNI = {
    "sexual": 1e-5, "sexual/minors": 1e-6, "harassment": 0.4, "harassment/threatening": 0.3,
    "hate": 0.02, "hate/threatening": 0.05, "illicit": 0.11, "illicit/violent": 0.12,
    "self-harm/intent": 0.5, "self-harm/instructions": 0.01, "self-harm": 0.6,
    "violence": 0.7, "violence/graphic": 0.2,
}  # fmt: skip


def moderated(scores: object) -> bytes:
    result = {"flagged": True, "categories": {}, "category_scores": scores}
    document = {"id": "modr-1", "model": "omni-moderation-latest", "results": [result]}
    return json.dumps(document).encode()


def test_moderation_judges_the_newest_message_by_itself() -> None:
    (ask,) = Moderation("omni-moderation-latest").ask(USER)
    assert ask.path == "moderations"
    assert ask.body == {"model": "omni-moderation-latest", "input": "Tell me more."}
    assessed = hear(Moderation("m"), USER, moderated(OMNI))
    assert assessed.hazards[Hazard.HTE] == 0.05
    assert assessed.hazards[Hazard.NCR] == 0.11
    assert assessed.hazards[Hazard.VCR] == 0.12
    assert (assessed.crisis_self, assessed.crisis_others) == (0.6, 0.3)
    assert (assessed.harm, assessed.abuse) == (0.7, 0.0)
    assert hear(Moderation("m"), REPLY, moderated(OMNI)).crisis_self == 0.0


def test_older_versions_lack_categories() -> None:
    old = {key: p for key, p in OMNI.items() if not key.startswith("illicit")} | {"illicit": None}
    assert hear(Moderation("m"), USER, moderated(old)).hazards[Hazard.NCR] == 0.0


@pytest.mark.parametrize("scores", [{}, {**OMNI, "hate": 1.5}, {**OMNI, "hate": "high"}, None])
def test_moderation_malformed(scores: object) -> None:
    with pytest.raises(Malformed):
        Moderation("m").hear("guard", USER, [moderated(scores)])
    with pytest.raises(Malformed):
        Moderation("m").hear("guard", USER, [b'{"results": []}'])


# -- all of them ------------------------------------------------------------------------------

FORMS: Sequence[Form] = (
    LlamaGuard("m"),
    ShieldGemma("m"),
    *(GraniteGuardian("m", version) for version in granite_guardian.VERSIONS),
    Qwen3Guard("m"),
    GptOssSafeguard("m"),
    Judge("m"),
    Moderation("m"),
)

WORDS = st.sampled_from(
    ["safe", "unsafe", "Yes", "No", "yes", "S1", "S11", "\n", " ", ",", "Safety: Unsafe", "{", "}",
     "Categories: None", "<score>", "</score>", '"violation": 1', "Safety: Safe", "\x00", "\ud7ff"]
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=lambda form: type(form).__name__)
@settings(max_examples=40)
@given(text=st.lists(WORDS, max_size=8).map("".join) | st.text(max_size=40), by_user=st.booleans())
def test_any_answer_is_an_assessment_or_malformed(form: Form, text: str, by_user: bool) -> None:
    turns = USER if by_user else REPLY
    for reply in (chat(text), completion(text), text.encode("utf-8", "replace"), chat(None)):
        try:
            assessed: Assessed = form.hear("guard", turns, [reply] * len(form.ask(turns)))
        except Malformed:
            continue
        assert assessed.detector == "guard"


@given(
    st.dictionaries(st.sampled_from([" Yes", "No", "no", "yes", "x", "Y", ""]), st.floats(0.001, 1))
)
def test_shares_add_up(odds: dict[str, float]) -> None:
    spread = shares(read_chat(chat("yes", ("yes", odds))), ("yes", "no"))
    assert spread is None or sum(spread.values()) == pytest.approx(1.0)


def test_shares_need_the_text_that_the_tokens_spell() -> None:
    assert shares(read_chat(chat("yes", *plain("no"))), ("yes", "no")) is None
    assert shares(read_chat(chat("yes")), ("yes", "no")) is None


def test_completions_of_llama_cpp_have_log_probabilities_as_chat_has_them() -> None:
    reply = json.loads(chat(" Yes", (" Yes", {" Yes": 0.8, " No": 0.2})))
    choice = {"text": " Yes", "index": 0, "logprobs": reply["choices"][0]["logprobs"]}
    answer = read_completion(json.dumps({"choices": [choice]}).encode())
    spread = shares(answer, ("yes", "no"))
    assert spread is not None
    assert spread["yes"] == pytest.approx(0.8)


def test_every_principle_is_whole() -> None:
    for principle in shield_gemma.PRINCIPLES:
        assert principle.of_prompt().endswith((".", ").", "permitted.", "manner."))
        assert "  " not in principle.of_reply()
