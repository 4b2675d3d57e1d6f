"""The order desk of a small web shop: tells customers about their orders.

Each action but `status` and `receipt` holds a weakness that is common in real functions, left in on purpose so that
`make demo` can attack it. Do not copy this code.
"""

import json
import os
import subprocess
import tempfile
import urllib.request

TASK = os.environ.get("LAMBDA_TASK_ROOT", os.path.dirname(os.path.abspath(__file__)))


def handler(event, context):
    """The function's entry: `event["action"]` names what the caller wants."""
    return ACTIONS[event.get("action", "status")](event)


def status(event):
    """What a customer asks for: the order, its total and where it is."""
    order = find_order(event["order"])
    total = sum(item["count"] * item["cents"] for item in order["items"])
    return {
        "order": event["order"],
        "customer": order["customer"],
        "total": f"{total / 100:.2f} EUR",
        "delivery": order["delivery"],
    }


def receipt(event):
    """The receipt of an order, through a temporary file, as libraries that make PDFs do it."""
    with tempfile.NamedTemporaryFile("w+", prefix="receipt-", suffix=".txt") as file:
        json.dump(status(event), file)
        file.seek(0)
        return {"receipt": file.read()}


def search(event):
    """Orders that mention a text. Weakness: the text becomes part of a shell command (CWE-78)."""
    command = f"grep -i '{event['text']}' {TASK}/orders.json"
    found = subprocess.run(command, shell=True, capture_output=True, text=True)
    return {"lines": found.stdout.splitlines()}


def label(event):
    """Hands an address label to the printer. Weakness: the same, through `os.system` (CWE-78)."""
    status_code = os.system(f"echo 'label for {event['order']}' > /dev/null")
    return {"printed": status_code == 0, "exit": os.waitstatus_to_exitcode(status_code)}


def document(event):
    """A document of the shop. Weakness: the name may lead out of the folder (CWE-22)."""
    with open(os.path.join(TASK, "documents", event["name"]), encoding="utf-8") as file:
        return {"text": file.read()}


def notify(event):
    """Tells the carrier about an order. Weakness: the caller names the host that is told (CWE-918)."""
    body = json.dumps(find_order(event["order"])).encode()
    with urllib.request.urlopen(event["callback"], data=body, timeout=5) as answer:
        return {"told": event["callback"], "answer": answer.read().decode()}


def find_order(number):
    """One order out of the shop's file; an unknown number is the caller's mistake."""
    with open(os.path.join(TASK, "orders.json"), encoding="utf-8") as file:
        return json.load(file)[number]


ACTIONS = {action.__name__: action for action in (status, receipt, search, label, document, notify)}
