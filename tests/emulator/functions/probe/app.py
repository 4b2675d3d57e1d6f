"""A function that runs the Python it is sent, so that each test shows in itself what the function does."""


def handler(event, context):
    """Runs `event["python"]`; what that leaves in `answer` is the answer, an exception is the function's error."""
    names = {"event": event, "context": context}
    exec(event["python"], names)
    return names.get("answer")
