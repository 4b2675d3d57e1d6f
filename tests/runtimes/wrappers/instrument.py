"""What the wrapper `instrument` runs before the runtime."""

import os
import sys

os.environ["TRACED_TOO"] = "yes"
os.execl(sys.argv[1], *sys.argv[1:])
