"""An edit is a state: of the saves of one output the last text is in the dataset, before a freeze and after one."""

from __future__ import annotations

import json

import making
from cloud import LocalCloud
from edits import post_all
from lake import Lake
from settings import REPOSITORY
from stack import raise_stack
from workflow import invoke, queue_depth, wait_until



def sample(name: str) -> dict:
    return json.loads(json.loads((REPOSITORY / "events" / f"ingest.{name}.json").read_text())["body"])


SAVES, WITHDRAWAL = sample("post-autosaves")["events"], sample("post-withdrawal")


def test_of_the_saves_of_one_output_the_last_text_counts(template):
    """The sample's last save is posted first, and one save comes after the freeze of the others. At the end consent is withdrawn."""
    *earlier, last = SAVES
    later = last | {"final_user_edit": last["final_user_edit"] + " Our colleague calls you before.", "occurred_at": "2026-11-24T10:00:00Z"}
    back = last | {"final_user_edit": last["original_llm_output"], "occurred_at": "2026-11-24T11:00:00Z"}
    with LocalCloud("test-revisions", enforce_iam=True) as cloud:
        stack = raise_stack(cloud, template, {"Threshold": "1", "BatchWindowSeconds": "1", "Schedule": "rate(365 days)"})
        lake = Lake(stack)

        def curated(events: list[dict], lines: int) -> None:
            post_all(stack, [json.dumps(event) for event in events])
            wait_until("curation", lambda: queue_depth(stack, "EditsQueueUrl") == 0 and len(lake.lines()) == lines, 120, cloud.log_file)

        def freeze(crossing: int) -> tuple[int, int]:
            report = invoke(stack, "Freeze", {"crossing": crossing, "threshold": 1})
            return report["rows"], report["revised"]

        curated([last, *earlier, making.gold()], 4)
        assert freeze(1) == (2, 0)
        curated([later], 5)
        assert freeze(2) == (1, 1), "the later text takes the row's place"
        curated([*earlier, making.gold()], 8)
        assert freeze(3) == (1, 0), "an earlier one that is sent again does not"
        curated([back, making.gold()], 10)
        assert freeze(4) == (1, 1), "the model's text put back is no pair, and the row leaves"
        again, once_more = (later | {"occurred_at": f"2026-11-24T{hour}:00:00Z"} for hour in (12, 13))
        curated([again, making.gold()], 12)
        assert freeze(5) == (2, 0)
        curated([WITHDRAWAL, making.gold()], 14)
        assert freeze(6) == (1, 1), "its user takes the consent back"
        curated([once_more, making.gold()], 16)
        assert freeze(7) == (1, 0), "for good"
