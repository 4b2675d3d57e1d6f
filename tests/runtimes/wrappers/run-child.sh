#!/bin/bash
# The same, with the server as a child of the shell.
node server.mjs
