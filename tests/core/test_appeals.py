"""Where an appeal stands."""

from adjourn.core.appeals import Appeal, AppealState
from adjourn.core.tree import NodeId


def test_it_is_over_once_it_is_decided() -> None:
    decided = [state for state in AppealState if state.is_decided]
    assert decided == [AppealState.UPHELD, AppealState.REVERSED]
    assert Appeal(NodeId("0" * 64), 1).state is AppealState.FILED
