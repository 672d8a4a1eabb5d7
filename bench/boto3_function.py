"""A Python function as one would write it: its clients, then its first request for an event.

    boto3_function.py <service>...
"""

import http.client
import os
import sys

import boto3

CLIENTS = [boto3.client(service) for service in sys.argv[1:]]


def main() -> None:
    runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    runtime.request("GET", "/2018-06-01/runtime/invocation/next")
    runtime.getresponse()


if __name__ == "__main__":
    main()
