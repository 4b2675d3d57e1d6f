"""Stands in for /var/runtime/bootstrap.py of AWS's Python image: AWS's runtime client, with the handler of `_HANDLER`."""

import os
import sys

from awslambdaric.__main__ import main

# AWS's own client puts the function's folder first, too.
sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
if __name__ == "__main__":
    main([sys.argv[0], os.environ["_HANDLER"]])
