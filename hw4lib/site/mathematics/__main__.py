"""Write the font of the formulas: `python -m hw4lib.site.mathematics FILE`."""

import sys
from pathlib import Path

from hw4lib.site.mathematics.font import write

write(Path(sys.argv[1]))
