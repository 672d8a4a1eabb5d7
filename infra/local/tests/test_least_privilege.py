"""Each function's role allows the function's own calls (all other tests show it), and none of the calls here."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from intruder import Intruder, is_denied

# The other tests cover "start run" and "write gold" by allowed roles: here they would change those tests' counts.
ALLOWED = {
    "Ingest": {"send"},
    "Curate": {"write gold", "write quarantine"},
    "Counter": {"list gold", "read pointer", "read breaker", "move breaker", "start run"},
    "Freeze": {"list gold", "read gold", "list review", "read dropped", "read quarantine", "read pointer", "move pointer",
               "read breaker", "move breaker", "write quarantine", "write table", "read table"},
    "Prepare": {"list replay", "read replay", "read table", "read input", "write input", "read output", "read base", "read live"},
    "Promote": {"read input", "read output", "read review", "write verdict", "read live", "move live"},
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


@pytest.mark.parametrize(("function", "key"), [
    ("Curate", "dpo_gold_v1/route=dropped/dt=2026-11-22/hour=10/once.jsonl"),
    ("Freeze", "datasets/dpo_gold_v1/_delta_log/once.json"),
    ("Prepare", "runs/written-once/input/once.jsonl"),
    ("Promote", "runs/written-once/verdict.json"),
])
def test_the_bucket_refuses_a_write_that_could_replace_an_object(stack, function, key):
    s3, bucket = Intruder.as_function(stack, function).client("s3"), stack.outputs["LakeBucket"]
    assert is_denied(lambda: s3.put_object(Bucket=bucket, Key=key, Body=b"{}"))
    assert is_denied(lambda: s3.put_object(Bucket=bucket, Key=key, Body=b"{}", IfMatch='"0"')), "only an erasure replaces, and no function erases"
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=b"{}", IfNoneMatch="*")
        with pytest.raises(ClientError, match="PreconditionFailed"):
            s3.put_object(Bucket=bucket, Key=key, Body=b"{}", IfNoneMatch="*")
    finally:
        stack.client("s3").delete_object(Bucket=bucket, Key=key)


@pytest.mark.parametrize("function", ALLOWED)
def test_no_function_may_read_the_key_of_the_pseudonyms(stack, function):
    secrets = Intruder.as_function(stack, function).client("secretsmanager")
    assert is_denied(lambda: secrets.get_secret_value(SecretId=stack.outputs["ContributorSecretArn"]))


def test_the_generated_key_of_the_pseudonyms_is_in_the_functions_that_make_them(stack):
    lambda_client, key = stack.client("lambda"), stack.contributor_key()
    environments = {function: lambda_client.get_function_configuration(FunctionName=stack.outputs[f"{function}FunctionName"])["Environment"]["Variables"]
                    for function in ALLOWED}
    assert len(key) == 64
    assert [function for function, variables in environments.items() if key in variables.values()] == ["Ingest", "Curate"]
    assert environments["Ingest"]["FLYWHEEL_CONTRIBUTOR_KEY"] == key
