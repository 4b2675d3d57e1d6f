#!/bin/sh
# Stands in for the entry point of AWS's images: without a Runtime API the emulator brings one.
if [ -z "${AWS_LAMBDA_RUNTIME_API}" ]; then
  exec /usr/local/bin/aws-lambda-rie /var/runtime/bootstrap "$@"
else
  exec /var/runtime/bootstrap "$@"
fi
