"""Runs iyzico's official client, unchanged, in a process of its own: a line of JSON in, a line of JSON out.

A process of its own because the client blocks, shares one header dictionary, and leaves its connections open.
"""

import json
import sys

import iyzipay


def main() -> None:
    options = json.loads(sys.stdin.readline())
    for line in sys.stdin:
        call = json.loads(line)
        operation = getattr(getattr(iyzipay, call["resource"])(), call["method"])
        response = operation(*call["arguments"], options)
        answer = {"status": response.status, "text": response.read().decode("utf-8")}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


main()
