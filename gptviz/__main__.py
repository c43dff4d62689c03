"""`python -m gptviz`: the same as the `gptviz` command."""

import sys

from gptviz.cli import main

sys.exit(main())
