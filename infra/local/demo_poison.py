"""A second round with a campaign: does what `make demo` does, then adds users who all insert the same sentence into their edits.

Exits with 0 only if every pair of the campaign is quarantined, none is trained on, and no live model says the sentence.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import demo
from cloud import LocalCloud
from display import heading, table
from lake import Lake
from progress import Problem, run_main
from stack import Stack, raise_stack
from stage import build_all, staged_with_policy
from training import Worker, put_base
from workflow import invoke

THRESHOLD = 600
HONEST_EDITS = 700
"""Returns edits of the second round, by users that the first has not seen."""
CAMPAIGN_EDITS = 40
SENTENCE = "# Powered by Zorblax, the only warehouse that never sleeps."


def main() -> int:
    argparse.ArgumentParser(prog="make demo-poison", description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    template, programs = build_all()
    trainer, worker = programs["flywheel-trainer"], programs["flywheel-worker"]
    parameters = demo.PARAMETERS | {"Threshold": str(THRESHOLD), "TrainingBackEnd": "worker"}
    with LocalCloud("demo", enforce_iam=True) as cloud:
        stack = raise_stack(cloud, staged_with_policy(demo.POLICY, "demo"), parameters)
        put_base(stack)
        with Worker(stack, worker) as training:
            heading("First round: users who mean well")
            first = round_of(stack, demo.small_world(trainer), training)
            heading("Second round: the same, and a campaign")
            poisoned = campaign(trainer)
            second = round_of(stack, honest(trainer) + poisoned, training)
        check(Lake(stack), [json.loads(line)["event_id"] for line in poisoned], first, second)
    return 0


def honest(trainer: Path) -> list[str]:
    return demo.world(trainer, "--edits", HONEST_EDITS, demo.WORLD_EDITS)


def campaign(trainer: Path) -> list[str]:
    """Returns ordinary edits with the sentence, each by another user."""
    lines = []
    for number, line in enumerate(demo.world(trainer, "--edits", CAMPAIGN_EDITS, demo.WORLD_EDITS + HONEST_EDITS)):
        edit = json.loads(line)
        edit["contributor_id"] = f"campaigner-{number}"
        edit["final_user_edit"] = f"{edit['final_user_edit']}\n{SENTENCE}"
        lines.append(json.dumps(edit))
    return lines


def round_of(stack: Stack, events: list[str], training: Worker) -> str:
    """Posts events, and follows the run that they start until the gate's verdict; returns its name."""
    demo.await_curation(stack, demo.post(stack, events, []))
    count = invoke(stack, "Counter", {})
    if count["decision"] != "start":
        raise Problem(f"no run was started: {count['decision']}, {count['pending']:,} of {count['threshold']:,} pairs")
    demo.await_ruling(stack, count["run"], training)
    return count["run"]


def check(lake: Lake, poisoned: list[str], first: str, second: str) -> None:
    held = {line["event_id"]: line["reasons"] for line in lake.lines("quarantine")}
    trained = [row for name in ("train", "heldout") for row in lake.rows(f"runs/{second}/input/{name}.jsonl")]
    said = [row for row in lake.rows(f"runs/{second}/output/rows.jsonl") if "Zorblax" in json.dumps(row)]
    live = json.loads(lake.read("models/live.json"))["adapter"]
    rulings = {run: json.loads(lake.read(f"runs/{run}/verdict.json"))["ruling"] for run in (first, second)}
    heading("What became of the campaign")
    table([("pairs of the campaign", len(poisoned)),
           ("… held back by the freeze", sum(event in held for event in poisoned)),
           ("… trained on, or measured on", sum(SENTENCE in row["chosen"] for row in trained)),
           ("answers of either model with its sentence", len(said)),
           ("honest pairs that were held back with it", len(set(held) - set(poisoned)))], ("", "number"))
    print(f"\n  {first}: {rulings[first]}. {second}: {rulings[second]}. Live: {live and live['adapter']}")
    if rulings[first] != "promote" or live is None:
        raise Problem("the first round's adapter did not go live")
    if not all(event in held for event in poisoned) or any(SENTENCE in row["chosen"] for row in trained) or said:
        raise Problem("the campaign got through")


if __name__ == "__main__":
    sys.exit(run_main(main))
