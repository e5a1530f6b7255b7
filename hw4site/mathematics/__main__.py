"""Write the font of the formulas: `python -m hw4site.mathematics FILE`."""

import sys
from pathlib import Path

from hw4site.mathematics.font import write

write(Path(sys.argv[1]))
