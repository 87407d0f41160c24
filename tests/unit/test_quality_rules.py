"""Nelson's tests: each against a plain twin, and on short sequences made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import quality_naive as naive

from packsim.quality import rules

UP = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
BY_HAND = {
    1: ([0.0, 3.1, -3.0, -3.1], [1, 3]),
    2: ([0.1] * 9 + [0.2, 0.0, -0.1] + [-0.1] * 8, [8, 9, 19]),
    3: ([*UP, 0.7, 0.7, *reversed(UP)], [5, 6, 12, 13]),
    4: ([0.0, 1.0] * 7 + [0.0, 0.0] + [1.0, 0.0] * 7, [13, 14, 28, 29]),
    5: ([2.1, 0.0, 2.1, -2.1, 0.0, 0.0, -2.1, 0.0, 0.0, -2.1, 2.5, -2.5], [2, 11]),
    6: ([1.1, 1.1, 0.0, 1.1, 1.1, 1.1, 0.9, -1.1], [4, 5]),
    7: ([0.9, -0.9] * 7 + [1.0, 0.5, 1.01], [14, 15]),
    8: ([1.1, -1.1] * 4 + [1.5, 1.0], [7, 8]),
}


@pytest.mark.parametrize("rule", rules.ALL)
def test_by_hand(rule: int) -> None:
    z, expected = BY_HAND[rule]
    assert rules.nelson(z, (rule,))[rule].tolist() == expected
    assert naive.nelson(z, rule) == expected


@pytest.mark.parametrize("rule", rules.ALL)
def test_every_rule_is_its_plain_twin(rule: int) -> None:
    draw = np.random.default_rng(rule)
    found = 0
    for scale in (0.5, 1.0, 2.0):
        for make in (draw.standard_normal, lambda n: draw.integers(-2, 3, n), lambda n: np.cumsum(draw.normal(size=n))):
            for n in (1, 2, 5, 13, 400):
                z = scale * np.asarray(make(n), float)
                if n == 400:  # the rare patterns, too
                    z[100:116] = scale * np.resize([0.1, -0.1], 16)
                    z[200:209] = 1.5 * np.resize([1.0, -1.0], 9)
                expected = naive.nelson(z, rule)
                assert rules.nelson(z, (rule,))[rule].tolist() == expected
                found += len(expected)
    assert found > 10


def test_both_sides_count_alike() -> None:
    z = np.random.default_rng(9).standard_normal(5000) * 1.3
    one, other = rules.nelson(z), rules.nelson(-z)
    assert all(np.array_equal(one[rule], other[rule]) for rule in rules.ALL)


def test_nothing_in_nothing_and_errors() -> None:
    assert all(not found.size for found in rules.nelson([]).values())
    with pytest.raises(ValueError, match="numbered 1 to 8"):
        rules.nelson([0.0], (0,))
    with pytest.raises(ValueError, match="finite"):
        rules.nelson([0.0, np.nan])
