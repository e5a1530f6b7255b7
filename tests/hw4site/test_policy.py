import pytest

from hw4site import policy, pyodide


def test_every_page_talks_to_the_site_and_to_python_alone(tmp_path):
    """No other host, in the head, before anything is loaded; written once."""
    page = tmp_path / "deep" / "page.html"
    page.parent.mkdir()
    page.write_text('<head><meta charset="utf-8"><script src="x.js">', encoding="utf-8")
    policy.write(tmp_path, {"https://python.example"})
    text = page.read_text(encoding="utf-8")
    assert "connect-src 'self' https://python.example;" in text
    assert text.index("Content-Security-Policy") < text.index("<script")
    policy.write(tmp_path, {"https://python.example"})
    assert page.read_text(encoding="utf-8") == text


def test_a_page_without_a_place_for_it_is_refused(tmp_path):
    """A page without a policy would look like one that has it."""
    (tmp_path / "page.html").write_text("<head>", encoding="utf-8")
    with pytest.raises(ValueError, match="has no `<meta charset"):
        policy.write(tmp_path, set())


def test_python_comes_from_its_public_distribution_or_from_where_the_site_says():
    """Nothing else is allowed."""
    assert pyodide.origins() == {"https://cdn.jsdelivr.net"}
    assert pyodide.origins("https://mine.example/python/") == {"https://mine.example"}
    assert pyodide.origins("python/") == set()
