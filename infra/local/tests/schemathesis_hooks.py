"""Settings that schemathesis's configuration cannot express: the instants that Flywheel takes, and the cases to send."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime, timedelta, timezone

import schemathesis
from hypothesis import strategies
from schemathesis.generation import GenerationMode
from schemathesis.generation.meta import TestPhase

ONE_IN = {GenerationMode.POSITIVE: 40, GenerationMode.NEGATIVE: 8}
"""The coverage phase makes thousands of cases, and most are alike. One in this many is sent."""

offsets = strategies.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = strategies.datetimes(datetime(2, 1, 1), datetime(9998, 12, 30), timezones=strategies.just(UTC) | offsets)
schemathesis.openapi.format("date-time", instants.map(datetime.isoformat))


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """Chooses by a hash of the case, so that every run sends the same ones."""
    if case.meta is None or case.meta.phase.name != TestPhase.COVERAGE:
        return True
    content = json.dumps([case.method, case.media_type, case.body], sort_keys=True, default=repr)
    return zlib.crc32(content.encode(errors="replace")) % ONE_IN[case.meta.generation.mode] == 0
