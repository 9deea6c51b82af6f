"""Where an appeal stands."""

from adjourn.core.appeals import Appeal, AppealReason, AppealState
from adjourn.core.tree import NodeId
from adjourn.gateway.statements import REASONS


def test_it_is_over_once_it_is_decided() -> None:
    decided = [state for state in AppealState if state.is_decided]
    assert decided == [AppealState.UPHELD, AppealState.REVERSED]
    assert Appeal(NodeId("0" * 64), 1).state is AppealState.FILED


def test_every_reason_has_words_for_the_user() -> None:
    assert set(REASONS) == set(AppealReason)
