"""pre-commit itself runs the hooks of this repository over an author's."""

import subprocess

import pytest

from tests.ci.checkout import BAD, CASES, GOOD, PACKAGES, copied, environment
from tests.repository import Repository

CONFIG = """\
repos:
  - repo: {url}
    rev: {rev}
    hooks: [{{id: headrace-fmt}}, {{id: headrace-lint}}, {{id: headrace-test}}]
"""


class Author:
    """A repository whose commits pre-commit looks at."""

    def __init__(self, folder, hooks, home):
        self.repository = Repository(folder)
        (folder / ".pre-commit-config.yaml").write_text(
            CONFIG.format(url=f"file://{hooks.at}", rev=hooks.git("rev-parse", "HEAD"))
        )
        self.environment = environment(home, PYTHONPATH=PACKAGES, PRE_COMMIT_HOME=str(home / "cache"))

    def commit(self, **files):
        for name, text in files.items():
            (self.repository.at / "workflows" / f"{name}.yaml").write_text(text)
        self.repository.git("add", "--all")
        done = subprocess.run(
            ["pre-commit", "run"],
            cwd=self.repository.at,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def hooks(tmp_path_factory):
    repository = Repository(tmp_path_factory.mktemp("hooks") / "headrace")
    copied(repository.at)
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message=Headrace")
    return repository


def test_commits_are_looked_at(hooks, tmp_path):
    author = Author(tmp_path / "flows", hooks, tmp_path)
    status, said = author.commit(ship=BAD)
    assert status == 1, said
    assert "[unknown-need]" in said
    assert said.count("Failed") == 2, "a file that is wrong has no tests that could pass"
    status, said = author.commit(ship=GOOD)
    assert (status, "no tests here" in said) == (1, True), said
    status, said = author.commit(**{"ship.test": CASES})
    assert status == 0, said
    assert said.count("Passed") == 3
    author.repository.git("commit", "--quiet", "--message=Ship")
    status, said = author.commit(ship=GOOD.replace("name: ship", "name:    ship"))
    assert (status, "files were modified by this hook" in said) == (1, True), said
    assert (author.repository.at / "workflows" / "ship.yaml").read_text() == GOOD
    author.repository.git("reset", "--hard", "--quiet")
    (author.repository.at / "README.md").write_text("Flows\n")
    status, said = author.commit()
    assert (status, said.count("no files to check")) == (0, 3), "other files are none of its business"
