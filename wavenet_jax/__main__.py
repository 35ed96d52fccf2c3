"""`python -m wavenet_jax` is `wavenet-jax`."""

import sys

from wavenet_jax.cli import main

sys.exit(main())
