"""Each function's role allows the function's own calls (all other tests show it), and none of the calls here."""

from __future__ import annotations

import pytest

from intruder import Intruder, is_denied

# The other tests cover "start run" and "write gold" by allowed roles: here they would change those tests' counts.
ALLOWED = {
    "Ingest": {"send"},
    "Curate": {"write gold", "write quarantine"},
    "Counter": {"list gold", "read pointer", "read breaker", "move breaker", "start run"},
    "Freeze": {"list gold", "read gold", "list review", "read dropped", "read quarantine", "read pointer", "move pointer",
               "read breaker", "move breaker", "write quarantine", "write table", "read table"},
    "Prepare": {"list replay", "read replay", "read table", "read input", "write input", "read base", "read live"},
    "Promote": {"read input", "read output", "write verdict", "read live", "move live"},
}


@pytest.mark.parametrize("function", ALLOWED)
def test_a_function_may_do_its_own_work_and_nothing_else(stack, function):
    intruder = Intruder.as_function(stack, function)
    assert intruder.denied(ALLOWED[function]) == set(intruder.attempts()) - ALLOWED[function]


def test_who_may_is_not_denied(stack):
    """Without this the test above would prove nothing."""
    assert not is_denied(Intruder.as_function(stack, "Counter").attempts()["list gold"])
    assert not is_denied(Intruder.as_function(stack, "Freeze").attempts()["read pointer"])
    assert not is_denied(Intruder.as_function(stack, "Freeze").attempts()["move pointer"])
