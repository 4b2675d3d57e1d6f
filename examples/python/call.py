"""Calls the function on your own machine, once for each line of JSON in a file: `python3 call.py events/honest.jsonl [TIMES]`.

Writes to standard output what Lambda writes to a function's log: where each invocation begins and ends, and between that
what the function printed. The answers go to standard error.
"""

import json
import sys
import time
import uuid

import app


def call(event):
    """One invocation; a failure is an answer, as in Lambda."""
    request = uuid.uuid4()
    print(f"START RequestId: {request} Version: $LATEST", flush=True)
    try:
        answer = json.dumps(app.handler(event, None))
    except Exception as failure:
        answer = f"{type(failure).__name__}: {failure}"
    print(f"END RequestId: {request}", flush=True)
    return answer


def main(file, times="1"):
    with open(file, encoding="utf-8") as lines:
        events = [json.loads(line) for line in lines]
    for number in range(int(times) * len(events)):
        if number:
            # Audits that refuse nothing are written beside the function: customers who come all at once would overtake them in the log.
            time.sleep(0.1)
        print(call(events[number % len(events)]), file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
