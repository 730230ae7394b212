"""The one loader: files in; definitions, the project and everything found wrong out (law 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from engine.core.model import Definition
from engine.core.project import Project
from engine.spec.calls import Calls
from engine.spec.compile import compile_workflow
from engine.spec.document import read
from engine.spec.findings import Finding, ordered
from engine.spec.models import WorkflowKeys
from engine.spec.nodes import Document
from engine.spec.policy_models import PoliciesKeys
from engine.spec.project import read_project
from engine.spec.shape import read_shape

PROJECT_FILE = "project.yaml"
_SUFFIXES = (".yaml", ".yml")
_TEST_SUFFIXES = (".test.yaml", ".test.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowFile:
    """A workflow file whose keys are right, for rules that look at what its author wrote."""

    document: Document
    keys: WorkflowKeys
    definition: Definition | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a set of files gives.

    `workflows` has those without errors, by path; `texts` every file that was looked at; `documents` those that are YAML.
    `project` is an empty one where there is no project.yaml; `project_ok` is false where it has errors.
    """

    findings: tuple[Finding, ...] = ()
    project: Project = field(default_factory=Project)
    project_ok: bool = True
    project_document: Document | None = None
    policies: PoliciesKeys = field(default_factory=PoliciesKeys)
    workflows: Mapping[str, Definition] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, Document] = field(default_factory=dict)
    files: tuple[WorkflowFile, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep the commit from being loaded."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


def load(files: Mapping[str, bytes]) -> Loaded:
    """Read project.yaml and all workflows (`*.yaml`, `*.yml`, not `*.test.yaml`) of `files`: paths in the repository to bytes.

    Never raises, whatever the bytes: what is wrong is a finding.
    """
    findings: list[Finding] = []
    documents: dict[str, Document] = {}
    texts = {}
    for path in sorted(path for path in files if is_loaded(path)):
        texts[path] = files[path].decode("utf-8", "replace")
        document = read(path, files[path])
        if isinstance(document, Document):
            documents[path] = document
        else:
            findings += document
    project_paths = sorted((path for path in texts if is_project(path)), key=lambda path: (path.count("/"), path))
    project, policies = _project(project_paths, documents, findings)
    shapes = _shapes([document for path, document in documents.items() if not is_project(path)], findings)
    calls = _calls(shapes, complete=len(shapes) == sum(not is_project(path) for path in texts))
    workflows = [_workflow(document, keys, project, calls, findings) for document, keys in shapes]
    workflows = _unique(workflows, findings)
    return Loaded(
        findings=ordered(findings),
        project=project or Project(),
        project_ok=project is not None,
        project_document=documents.get(project_paths[0]) if project_paths else None,
        policies=policies,
        workflows={file.document.source.path: file.definition for file in workflows if file.definition is not None},
        texts=texts,
        documents=documents,
        files=tuple(workflows),
    )


def load_one(path: str, text: bytes) -> tuple[Definition | None, tuple[Finding, ...]]:
    """One workflow file by itself: what other files would declare counts as known. None where the file has errors."""
    document = read(path, text)
    if not isinstance(document, Document):
        return None, ordered(document)
    keys = read_shape(document, WorkflowKeys)
    if not isinstance(keys, WorkflowKeys):
        return None, ordered(keys)
    definition, notebook = compile_workflow(document, keys, None, Calls(complete=False))
    return definition, ordered(notebook.findings)


def is_project(path: str) -> bool:
    """Whether this file holds what workflows share."""
    return PurePosixPath(path).name == PROJECT_FILE


def is_loaded(path: str) -> bool:
    """Whether this file is project.yaml or a workflow."""
    return path.endswith(_SUFFIXES) and not path.endswith(_TEST_SUFFIXES)


def _project(
    paths: list[str], documents: Mapping[str, Document], findings: list[Finding]
) -> tuple[Project | None, PoliciesKeys]:
    """The project of the first project.yaml, the one nearest the root, and its policies; None where it has errors."""
    for path in paths[1:]:
        if path in documents:
            message = f'there is a second project.yaml; the one that counts is "{paths[0]}"'
            findings.append(documents[path].finding((), "second-project", message))
    if not paths:
        return Project(), PoliciesKeys()
    if paths[0] not in documents:
        return None, PoliciesKeys()
    project, policies, notebook = read_project(documents[paths[0]])
    findings += notebook.findings
    return project, policies


def _shapes(documents: list[Document], findings: list[Finding]) -> list[tuple[Document, WorkflowKeys]]:
    """The files whose keys are right."""
    shapes = []
    for document in documents:
        keys = read_shape(document, WorkflowKeys)
        if isinstance(keys, WorkflowKeys):
            shapes.append((document, keys))
        else:
            findings += keys
    return shapes


def _calls(shapes: list[tuple[Document, WorkflowKeys]], *, complete: bool) -> Calls:
    """What the files know of each other; a name belongs to the first file that has it."""
    return Calls(workflows={keys.name: keys for _, keys in reversed(shapes)}, complete=complete)


def _workflow(
    document: Document, keys: WorkflowKeys, project: Project | None, calls: Calls, findings: list[Finding]
) -> WorkflowFile:
    definition, notebook = compile_workflow(document, keys, project, calls)
    findings += notebook.findings
    return WorkflowFile(document=document, keys=keys, definition=definition)


def _unique(files: list[WorkflowFile], findings: list[Finding]) -> list[WorkflowFile]:
    """A name belongs to the first file that has it; the others have no definition."""
    owners: dict[str, str] = {}
    unique = []
    for file in files:
        owner = owners.setdefault(file.keys.name, file.document.source.path)
        if owner == file.document.source.path:
            unique.append(file)
            continue
        message = f'the name "{file.keys.name}" is taken by "{owner}"'
        findings.append(file.document.finding(("name",), "duplicate-name", message))
        unique.append(replace(file, definition=None))
    return unique
