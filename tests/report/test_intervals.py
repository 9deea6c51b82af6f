"""Intervals and tests of shares are those of ``scipy.stats``."""

import pytest

from adjourn.report.intervals import CONFIDENCE, clopper_pearson, sign_test


def test_intervals_are_those_of_tables() -> None:
    """Clopper & Pearson (1934), as Newcombe (Statistics in Medicine 17, 1998) reprints them."""
    assert clopper_pearson(81, 263) == pytest.approx((0.2527, 0.3676), abs=5e-5)
    assert clopper_pearson(15, 148) == pytest.approx((0.0578, 0.1617), abs=5e-5)
    assert clopper_pearson(0, 20) == pytest.approx((0.0, 0.1684), abs=5e-5)
    assert clopper_pearson(1, 29) == pytest.approx((0.0009, 0.1776), abs=5e-5)


def test_all_or_nothing_has_one_end() -> None:
    assert clopper_pearson(7, 7)[1] == 1.0
    assert clopper_pearson(0, 7)[0] == 0.0


@pytest.mark.parametrize(("one", "other", "p"), [(1, 5, 0.21875), (0, 5, 0.0625), (3, 3, 1.0)])
def test_equal_frequency_is_tested_exactly(one: int, other: int, p: float) -> None:
    assert sign_test(one, other) == pytest.approx(p) == sign_test(other, one)


@pytest.mark.slow
def test_scipy_stats_says_the_same() -> None:
    from scipy.stats import binomtest

    for of in (*range(1, 40), 1000, 123_456):
        for count in {*range(min(of, 40) + 1), of // 2, of}:
            test = binomtest(count, of)
            interval = test.proportion_ci(CONFIDENCE, method="exact")
            assert clopper_pearson(count, of) == pytest.approx(tuple(interval), rel=1e-7)
            assert sign_test(count, of - count) == pytest.approx(float(test.pvalue), rel=1e-7)
