"""Runs functions as AWS Lambda does, on this machine: the emulator, the layer under /opt, a network without a way out."""
