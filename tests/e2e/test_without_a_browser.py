"""Where no browser is found, the browser tests say so; in CI they fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def browser_tests(tmp_path):
    """Collect and run one browser test in a process of its own; the exit code and its words."""

    def run(**environment: str) -> tuple[int, str]:
        one = "test_two_visitors_see_each_their_own_tokens"
        options = ["-n0", "-p", "no:cacheprovider", "-rs", f"--basetemp={tmp_path / 'inner'}"]
        result = subprocess.run(
            [sys.executable, "-m", "pytest", *options, f"{HERE / 'test_visits.py'}::{one}"],
            env={**os.environ, "CI": "false", **environment},
            cwd=HERE.parents[1],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return result.returncode, result.stdout

    return run


def test_without_a_browser_the_test_is_skipped_and_says_what_to_install(browser_tests):
    code, words = browser_tests(GPTVIZ_CHROMIUM="no-such-browser")
    assert code == 0, words
    assert "1 skipped" in words
    assert "there is no browser at no-such-browser; install Chromium" in words


@pytest.mark.thorough
def test_in_ci_a_missing_browser_is_a_failure(browser_tests):
    code, words = browser_tests(GPTVIZ_CHROMIUM="no-such-browser", CI="true")
    assert code == 1, words
    assert "there is no browser at no-such-browser; install Chromium" in words


@pytest.mark.thorough
def test_without_playwright_the_test_is_skipped_and_says_how_to_get_it(browser_tests, tmp_path):
    missing = "raise ModuleNotFoundError('No module named playwright', name='playwright')"
    (tmp_path / "playwright.py").write_text(missing)
    code, words = browser_tests(PYTHONPATH=f"{tmp_path}{os.pathsep}{HERE.parents[1]}")
    assert code == 0, words
    assert "the package playwright is missing; get it with: pip install -e '.[test]'" in words
