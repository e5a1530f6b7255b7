import sys

from markdown_exec._internal.formatters import python as markdown_exec_python

from hw4lib.site import hooks


def test_a_rebuild_starts_afresh(monkeypatch):
    """Neither an imported module nor a session of the last build is seen again."""
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    sys.modules["hw4lib.stale"] = sys
    sys.modules["hw4library"] = sys
    markdown_exec_python._sessions_globals["page"]["x"] = 1
    markdown_exec_python._sessions_counter["page"] = 3
    markdown_exec_python._code_blocks["block"] = ["x = 1"]

    hooks.on_pre_build(config=None)

    left = [name for name in sys.modules if name.split(".")[0] == "hw4lib"]
    assert all(name.startswith("hw4lib.site.mathematics") for name in left)
    assert "hw4library" in sys.modules
    assert not markdown_exec_python._sessions_globals
    assert not markdown_exec_python._sessions_counter
    assert not markdown_exec_python._code_blocks
