"""What is not run, and what is known to be different, each with its reason. Both lists are meant to be short."""

# Patterns of `python -m test --ignore`.
NOT_RUN = {
    "*VSOCK*": "they talk to the hypervisor, which no namespace separates, and wait for ever where it does not answer",
}

# By module and test: why it cannot be the same.
EXPECTED: dict[str, dict[str, str]] = {}
