"""The arithmetic agrees with published figures and with the definitions."""

import pytest

from adjourn.evals import statistics as st

pytestmark = pytest.mark.slow


def test_no_event_in_2995_is_below_one_in_a_thousand_and_in_2994_is_not() -> None:
    at, before = st.upper_bound(0, 2995), st.upper_bound(0, 2994)
    assert at is not None
    assert before is not None
    assert at < 0.001 < before
    assert st.upper_bound(0, 0) is None
    assert st.upper_bound(4, 4) == 1.0


def test_intervals_are_those_of_the_textbooks() -> None:
    # Brown, Cai and DasGupta, Statistical Science 16 (2001): 0 of 300 and 5 of 1,000.
    rate = st.wilson(5, 1000)
    assert rate.low == pytest.approx(0.00214, abs=5e-6)
    assert rate.high == pytest.approx(0.01165, abs=5e-6)
    assert st.exact(0, 300).high == pytest.approx(0.01222, abs=5e-6)
    assert st.wilson(0, 0) == st.NOTHING


def test_clusters_widen_the_interval_when_templates_behave_alike() -> None:
    alike = {f"t{n}": [n % 5 == 0] * 20 for n in range(50)}
    mixed = {f"t{n}": [m % 5 == 0 for m in range(20)] for n in range(50)}
    assert st.clustered(alike).rate.share == st.clustered(mixed).rate.share == 0.2
    assert st.clustered(alike).design_effect == pytest.approx(20, rel=0.05)
    assert st.clustered(mixed).design_effect == pytest.approx(0, abs=0.01)


def test_without_events_both_bounds_are_given() -> None:
    none = st.clustered({f"t{n}": [False] * 26 for n in range(125)})
    assert none.upper == pytest.approx(1 - 0.05 ** (1 / 3250))
    assert none.upper_by_cluster == pytest.approx(1 - 0.05 ** (1 / 125))
    assert (none.with_event, none.design_effect) == (0, 1.0)


def test_survival_is_the_product_of_the_shares_that_went_on() -> None:
    curve = st.survival([2, 3, 3, 4, 5], [True, True, False, True, False])
    by_turn = dict(zip(curve.turns, curve.share, strict=True))
    assert by_turn[2] == pytest.approx(4 / 5)
    assert by_turn[3] == pytest.approx(4 / 5 * 3 / 4)
    assert by_turn[4] == pytest.approx(4 / 5 * 3 / 4 * 1 / 2)
    assert curve.median == 4
    assert st.survival([3, 3], [False, False]).median is None
    assert st.survival([], []).of == 0


def test_mcnemar_is_a_sign_test_on_the_pairs_that_differ() -> None:
    assert st.mcnemar([True] * 6 + [False], [False] * 6 + [False]) == pytest.approx(2 * 0.5**6)


def test_many_comparisons_are_corrected_for() -> None:
    assert st.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert st.holm([]) == []


def test_agreement_is_one_for_the_same_and_undefined_without_variety() -> None:
    assert st.agreement([[0, 1, 2, 3], [0, 1, 2, 3]]) == pytest.approx(1)
    assert st.agreement([[1, 1, 1], [1, 1, 1]]) is None
    assert st.agreement([[1, None], [None, 2]]) is None
    worse = st.agreement([[0, 1, 2, 3, 0], [1, 1, 2, 2, 0]])
    assert worse is not None
    assert worse < 1
