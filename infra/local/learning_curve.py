"""Measures how much users have to type, round after round: with the flywheel, and with a model that is never trained again.

    learning_curve.py [--output FILE.svg]

Users of the small world ask some hundred questions a round, and in every other round they begin to use one more of its library's functions. They
accept the answers that they want, and edit the others. All events go through the front door of a local cloud. When enough edits have gathered, an
adapter is trained on all edits so far, the gate measures it, and it becomes live or not. Only the loop changes the model.

The edit burden is the mean share of an answer that its user has to type anew: 1 - similarity, as Flywheel defines it. It is measured on
new questions, with the answers that the users of the round really got.

Exits with 0 only if at the end users type less than half of what they would type without the flywheel.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import demo
from chart import Line, draw
from cloud import LocalCloud
from display import heading, table
from lake import Lake
from progress import Problem, run_main, say, step
from settings import LOCAL
from stack import Stack, raise_stack
from stage import build_all, staged_with_policy
from training import BASE, RECIPE, Worker, put_base
from workflow import invoke, run_to_end

FUNCTIONS = 5
ROUNDS = [functions for functions in range(1, FUNCTIONS + 1) for _ in range(2)]
"""The number of functions in use in each round. In the first of two rounds one is new to the model; by the second it may have learnt it."""
QUESTIONS, LIKES = 300, 150
"""A round's questions, about the library and about other subjects. Liked answers to the latter must not be forgotten."""
THRESHOLD = 100
POLICY = f"{demo.POLICY}\n[gate]\nmin_held_out = 20\nmin_replay = 10\n"
"""The shipped policy with another sample, and with fewer held-out rows before the gate decides without an operator. A round has at most
some hundred edits, and a tenth of them is held out."""


@dataclass(frozen=True)
class Round:
    """A round's edit burden, and its outcome."""

    functions: int
    flywheel: float
    untrained: float
    edits: int
    ruling: str


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make learning-curve", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--output", type=Path, default=LOCAL / "learning-curve.svg", help="where to draw it; default .local/learning-curve.svg")
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    _, programs = build_all()
    parameters = demo.PARAMETERS | {"Threshold": str(THRESHOLD), "TrainingBackEnd": "worker"}
    rounds: list[Round] = []
    with LocalCloud("demo", enforce_iam=True) as cloud:
        stack = raise_stack(cloud, staged_with_policy(POLICY, "demo"), parameters)
        put_base(stack)
        with Worker(stack, programs["flywheel-worker"]) as worker:
            for number, functions in enumerate(ROUNDS):
                heading(f"Round {number + 1} of {len(ROUNDS)}: users of {functions} functions")
                rounds.append(turn(stack, programs["flywheel-trainer"], worker, number, functions))
    show(rounds)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(picture(rounds), encoding="utf-8")
    print(f"\n  drawn in {arguments.output}")
    last = rounds[-1]
    if last.flywheel >= last.untrained / 2:
        raise Problem(f"in the end users type {last.flywheel:.3f} of an answer, and {last.untrained:.3f} without the flywheel")
    return 0


def turn(stack: Stack, trainer: Path, worker: Worker, number: int, functions: int) -> Round:
    """Runs one round: questions, answers, users' edits, and a training if enough have gathered."""
    # Each function's questions come in one order, from which a round takes its share.
    before = sum(QUESTIONS // used for used in ROUNDS[:number])
    asked = demo.world(trainer, "--edits", QUESTIONS, before * functions, "--tasks", str(functions))
    questions = [json.loads(line) for line in asked]
    wanted = [question["final_user_edit"] for question in questions]
    with step(f"answering {len(questions):,} questions with the live model, and with the base") as outcome:
        answers = answered(trainer, questions, live_adapter(stack))
        flywheel, untrained = burden(answers, wanted), burden(answered(trainer, questions, None), wanted)
        outcome(f"burden {flywheel:.3f}, and {untrained:.3f} without the flywheel")
    events = [sent(question, answer) for question, answer in zip(questions, answers)]
    likes = demo.world(trainer, "--likes", LIKES, LIKES * number)
    demo.await_curation(stack, demo.post(stack, events + likes, []))
    edits = sum(answer != text for answer, text in zip(answers, wanted))
    return Round(functions, flywheel, untrained, edits, learn(stack, worker))


def sent(question: dict, answer: str) -> str:
    """Returns the event of a user's client: the answer was accepted, or edited."""
    event = question | {"original_llm_output": answer}
    if answer == event["final_user_edit"]:
        del event["final_user_edit"]
        event["kind"] = "accept"
    return json.dumps(event)


def learn(stack: Stack, worker: Worker) -> str:
    """Counts, and follows the run if one starts; returns its outcome."""
    count = invoke(stack, "Counter", {})
    if count["decision"] != "start":
        say(f"  {count['pending']:,} of {count['threshold']:,} pairs: nothing to train yet")
        return "–"
    verdict = demo.await_ruling(stack, count["run"], worker)
    for reason in verdict["reasons"]:
        say(f"  {reason}")
    if verdict["ruling"] == "review":
        raise Problem("the gate leaves an adapter to a person, and here there is none", "see why above")
    run_to_end(stack, count["run"])
    return verdict["ruling"]


def live_adapter(stack: Stack) -> Path | None:
    """Returns the live adapter's folder, or None if the bare base is live."""
    lake = Lake(stack)
    if not lake.has("models/live.json"):
        return None
    live = json.loads(lake.read("models/live.json"))["adapter"]
    folder = stack.cloud.folder / "live"
    folder.mkdir(exist_ok=True)
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        (folder / name).write_bytes(lake.read(live["prefix"] + name))
    return folder


def answered(trainer: Path, questions: list[dict], adapter: Path | None) -> list[str]:
    """Returns the base's answer to each question, with an adapter or without."""
    with_adapter = ["--adapter", str(adapter)] if adapter else []
    tokens = str(RECIPE["generation"]["max_new_tokens"])
    command = [str(trainer), "generate", "--base", str(BASE), *with_adapter, "--max-new-tokens", tokens, "--"]
    prompts = [question["prompt"] for question in questions]
    written = subprocess.run(command + prompts, check=True, capture_output=True, text=True).stdout
    return [json.loads(line)["output"] for line in written.split("\n") if line]


def burden(answers: list[str], wanted: list[str]) -> float:
    """Returns the mean share of an answer that its user has to type anew."""
    return mean(distance(answer, text) / max(len(answer), len(text)) for answer, text in zip(answers, wanted, strict=True))


def distance(left: str, right: str) -> int:
    """Levenshtein distance, by the textbook's algorithm: these texts are short."""
    above = list(range(len(right) + 1))
    for row, character in enumerate(left, 1):
        before, above[0] = above[0], row
        for column, other in enumerate(right, 1):
            before, above[column] = above[column], min(above[column] + 1, above[column - 1] + 1, before + (character != other))
    return above[-1]


def show(rounds: list[Round]) -> None:
    heading(f"Edit burden on {QUESTIONS:,} new questions a round")
    table([(str(number), f"{round.functions} of {FUNCTIONS}", f"{round.untrained:.3f}", f"{round.flywheel:.3f}", round.edits, round.ruling)
           for number, round in enumerate(rounds, 1)], ("round", "functions in use", "never trained again", "flywheel", "edits", "gate"))


def picture(rounds: list[Round]) -> str:
    marked = [index for index, round in enumerate(rounds) if index == 0 or round.functions > rounds[index - 1].functions]
    return draw(
        title="What users still have to type", subtitle=f"mean share of an answer, on {QUESTIONS:,} new questions a round; ▲ users begin to use one more function of the library",
        across="round", up="edit burden", marked=marked,
        lines=[Line("never trained again", "#b3541e", [round.untrained for round in rounds]),
               Line("with the flywheel", "#1e6fb3", [round.flywheel for round in rounds])])


if __name__ == "__main__":
    sys.exit(run_main(main))
