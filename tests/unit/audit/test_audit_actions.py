"""The words of the audit log."""

from shared.audit.actions import MEANINGS, Action


def test_every_action_is_explained_and_named_by_what_it_was_done_to():
    assert set(MEANINGS) == set(Action)
    assert all(len(action.value.split(".")) == 2 for action in Action)
