"""The local cloud from the command line. `make up` and `make down` call this; see --help."""

from __future__ import annotations

import argparse
import sys

import policy_check
import processes
from cloud import LocalCloud, recorded_clouds
from progress import Problem, run_main, say
from settings import ENV_FILE, REPOSITORY

UP = "up"
UP_PORT = 4566


def up(arguments: argparse.Namespace) -> int:
    """Builds, starts the cloud unless it runs, deploys, writes `.local/env`. A second call redeploys onto the running cloud."""
    import sam_local  # these need the installed tools; down and status do not
    from stack import Keys, raise_stack
    from stage import build_and_stage

    policy_check.warn(dict(arguments.parameters))
    template = build_and_stage()
    cloud = LocalCloud.running(UP)
    if cloud and arguments.port not in (None, cloud.port):
        raise Problem(f"the local cloud already runs, on port {cloud.port}", "make down, then this again")
    started_here = cloud is None
    if cloud is None:
        cloud = LocalCloud(UP, port=arguments.port or UP_PORT, for_containers=True).start(leashed=False)
    try:
        stack = raise_stack(cloud, template, dict(arguments.parameters), Keys.kept_in(cloud.folder / "keys.json"))
    except BaseException:
        if started_here:
            cloud.stop()
        raise
    sam_local.prepare(stack)
    env_file = stack.write_env_file().relative_to(REPOSITORY)
    say(f"\nThe front door is {stack.api_url}, the lake {stack.lake}.\nTo use it from this shell:  . {env_file}\nTo stop it:  make down")
    return 0


def down(arguments: argparse.Namespace) -> int:
    """Stops clouds: the one that `up` left running, the named ones, or all of this checkout's."""
    names = recorded_clouds() if arguments.all else arguments.names or [UP]
    for name in names:
        cloud = LocalCloud.running(name)
        if cloud is None:
            say(f"{name}: not running")
            continue
        cloud.stop()
        say(f"{name}: stopped")
    if UP in names:
        ENV_FILE.unlink(missing_ok=True)  # it would send a shell to a port that is free or another process's
    return 0


def status(arguments: argparse.Namespace) -> int:
    """Lists this checkout's clouds. The exit status is 0 if any runs."""
    running = [cloud for name in recorded_clouds() if (cloud := LocalCloud.running(name))]
    for cloud in running:
        answers = "answers" if cloud.is_healthy() else "does not answer"
        functions = len(processes.members(cloud.pid)) - 1
        iam = "enforced" if cloud.enforce_iam else "not enforced"
        print(f"{cloud.name}: {cloud.endpoint} {answers} · process group {cloud.pid} (+{functions}) · IAM {iam} · log {cloud.log_file}")
    if not running:
        print("no local cloud is running")
    return 0 if running else 1


def parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text}: write Name=value, with the names of infra/template.yaml")
    return name, value


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cli.py", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("up", help="local cloud with the stack deployed, left running", description=up.__doc__)
    command.add_argument("--port", type=int, help=f"default {UP_PORT}")
    command.add_argument("parameters", nargs="*", type=parameter, metavar="Name=value",
                         help='parameters of the template, e.g. Threshold=50 "Schedule=rate(1 minute)"')
    command.set_defaults(run=up)

    command = commands.add_parser("down", help="stop it", description=down.__doc__)
    command.add_argument("names", nargs="*", metavar="NAME", help=f"default: {UP}")
    command.add_argument("--all", action="store_true", help="every cloud of this checkout")
    command.set_defaults(run=down)

    command = commands.add_parser("status", help="list running clouds", description=status.__doc__)
    command.set_defaults(run=status)
    return parser.parse_args()


def main() -> int:
    arguments = parse()
    return arguments.run(arguments)


if __name__ == "__main__":
    sys.exit(run_main(main))
