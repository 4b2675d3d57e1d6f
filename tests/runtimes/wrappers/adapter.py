#!/usr/bin/python3 -I
"""The shape of Lambda Web Adapter's extension: it speaks to the Runtime API in the web server's place."""

import json
import os
import threading
import time
import urllib.request

API = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"]


def call(url, body=None, headers=None):
    with urllib.request.urlopen(urllib.request.Request(url, body, headers or {})) as answer:
        return answer.headers, answer.read()


registered, _ = call(
    f"{API}/2020-01-01/extension/register",
    json.dumps({"events": []}).encode(),
    {"Lambda-Extension-Name": os.path.basename(__file__)},
)
# The platform takes an extension for ready once it asks for its next event; there is none.
identifier = {"Lambda-Extension-Identifier": registered["Lambda-Extension-Identifier"]}
threading.Thread(target=call, args=(f"{API}/2020-01-01/extension/event/next", None, identifier), daemon=True).start()
while True:
    try:
        call("http://127.0.0.1:8080/")
        break
    except OSError:
        time.sleep(0.02)
while True:
    headers, event = call(f"{API}/2018-06-01/runtime/invocation/next")
    _, answer = call("http://127.0.0.1:8080/", event)
    call(f"{API}/2018-06-01/runtime/invocation/{headers['Lambda-Runtime-Aws-Request-Id']}/response", answer)
