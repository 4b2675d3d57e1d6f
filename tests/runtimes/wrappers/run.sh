#!/bin/bash
# What a function behind a web adapter has for its handler.
exec node server.mjs
