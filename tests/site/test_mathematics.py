"""Formulas are typeset faithfully, or the build stops."""

import pytest

from hw4lib.site.mathematics import render


@pytest.mark.parametrize("tex", [r"\foo", r"\boxed{x}", r"a \\[1ex] b", "x_", "{"])
def test_what_cannot_be_typeset_is_refused(tex):
    with pytest.raises(ValueError, match="formula `"):
        render(tex, display=True)
