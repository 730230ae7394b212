"""Speaks the Language Server Protocol: what editors send goes to the part that answers it."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from engine.lsp import cursor
from engine.lsp.checks import Checked, Checker, check
from engine.lsp.completion import complete
from engine.lsp.diagnostics import actions
from engine.lsp.hover import hover
from engine.lsp.navigation import Navigation
from engine.lsp.positions import Positions
from engine.lsp.symbols import symbols
from engine.lsp.views import View
from engine.lsp.workspace import Workspace, path_of
from engine.spec.load import load
from engine.spec.nodes import Text
from engine.version import installed

_WATCHED = "**/*.{yaml,yml}"


class Server(LanguageServer):
    """One editor's connection: its files and what is told about them."""

    def __init__(self) -> None:
        super().__init__("headrace", installed() or "0", text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.files = Workspace()
        self.checker = Checker(self.files, self.text_document_publish_diagnostics)

    @property
    def encoding(self) -> str:
        """How both sides count the characters of a line."""
        return types.PositionEncodingKind(self.server_capabilities.position_encoding or "utf-16").value

    def began(self, params: types.InitializeParams) -> None:
        """The editor says which folders it shows."""
        folders = [folder.uri for folder in params.workspace_folders or ()]
        paths = [path_of(uri) for uri in folders or ([params.root_uri] if params.root_uri else [])]
        self.files.roots = tuple(path for path in paths if path is not None)

    def ready(self) -> None:
        """The editor takes messages: ask it to tell of files that others change, and look at all of them."""
        self.checker.encoding = self.encoding
        watching = self.client_capabilities.workspace and self.client_capabilities.workspace.did_change_watched_files
        if watching and watching.dynamic_registration:
            options = types.DidChangeWatchedFilesRegistrationOptions(
                watchers=[types.FileSystemWatcher(glob_pattern=_WATCHED)]
            )
            method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
            self.client_register_capability(
                types.RegistrationParams([types.Registration(id=method, method=method, register_options=options)])
            )
        self.checker.soon()

    def opened(self, uri: str, text: str, version: int | None) -> None:
        """A file is in the editor, with this text."""
        if (path := path_of(uri)) is not None:
            self.files.open(path, uri, text, version)
            self.checker.soon()

    def closed(self, uri: str) -> None:
        """A file counts as it lies on disk."""
        if (path := path_of(uri)) is not None:
            self.files.buffers.pop(path, None)
            self.checker.soon()

    def view(self, path: Path) -> View | None:
        """What can be read of a file; None where nothing can."""
        text, shown = self.files.legible(path), self.files.text(path)
        return None if text is None or shown is None else View(str(path), text, shown, self.encoding)


def create() -> Server:
    """The server with all that it answers."""
    server = Server()
    _follow(server)
    _answer(server)
    _navigate(server)
    return server


def _follow(server: Server) -> None:
    """What editors tell."""

    @server.feature(types.INITIALIZE)
    def _(ls: Server, params: types.InitializeParams) -> None:
        ls.began(params)

    @server.feature(types.INITIALIZED)
    def _(ls: Server, _params: types.InitializedParams) -> None:
        ls.ready()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def _(ls: Server, params: types.DidOpenTextDocumentParams) -> None:
        ls.opened(params.text_document.uri, params.text_document.text, params.text_document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def _(ls: Server, params: types.DidChangeTextDocumentParams) -> None:
        if params.content_changes:
            ls.opened(params.text_document.uri, params.content_changes[-1].text, params.text_document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def _(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
        ls.closed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def _(ls: Server, _params: types.DidSaveTextDocumentParams) -> None:
        ls.checker.soon()

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def _(ls: Server, _params: types.DidChangeWatchedFilesParams) -> None:
        ls.checker.soon()

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def _(ls: Server, params: types.DidChangeWorkspaceFoldersParams) -> None:
        gone = {path_of(folder.uri) for folder in params.event.removed}
        new = [path for folder in params.event.added if (path := path_of(folder.uri)) is not None]
        ls.files.roots = (*(root for root in ls.files.roots if root not in gone), *new)
        ls.checker.soon()


def _answer(server: Server) -> None:
    """What editors ask."""

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
    )
    def _(ls: Server, params: types.CodeActionParams) -> list[types.CodeAction]:
        path = path_of(params.text_document.uri)
        if path is None or path not in ls.files.buffers:
            return []
        checked = check(ls.files, ls.files.project_of(path)).get(path, Checked(text=""))
        positions = Positions(Text(str(path), checked.text), ls.encoding)
        return list(actions(checked.findings, positions, params.text_document.uri, params.range))

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[".", " "]))
    def _(ls: Server, params: types.CompletionParams) -> list[types.CompletionItem]:
        path = path_of(params.text_document.uri)
        text = None if path is None else ls.files.text(path)
        if path is None or text is None:
            return []
        folder = ls.files.project_of(path)
        positions = Positions(Text(str(path), text), ls.encoding)
        found = cursor.find(path.relative_to(folder).as_posix(), text, positions.offset(params.position))
        return [] if found is None else complete(found, load(ls.files.files(folder)), positions.range(found.word))

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def _(ls: Server, params: types.HoverParams) -> types.Hover | None:
        path = path_of(params.text_document.uri)
        view = None if path is None else ls.view(path)
        offset = None if view is None else view.offset(params.position)
        if path is None or view is None or offset is None:
            return None
        folder = ls.files.project_of(path)
        name = path.relative_to(folder).as_posix()
        said = hover(name, view.text, offset, load(ls.files.files(folder, legible=True)))
        return None if said is None else types.Hover(types.MarkupContent(types.MarkupKind.Markdown, said))


def _navigate(server: Server) -> None:
    """Where names lead."""

    def around(ls: Server, params: types.DefinitionParams | types.ReferenceParams | types.RenameParams) -> Navigation:
        return Navigation(ls.files, ls.encoding, params.text_document.uri, params.position)

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def _(ls: Server, params: types.DefinitionParams) -> list[types.Location]:
        return around(ls, params).definitions()

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def _(ls: Server, params: types.ReferenceParams) -> list[types.Location]:
        return around(ls, params).references(declaration=params.context.include_declaration)

    @server.feature(types.TEXT_DOCUMENT_RENAME)
    def _(ls: Server, params: types.RenameParams) -> types.WorkspaceEdit | None:
        return around(ls, params).renamed(params.new_name)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def _(ls: Server, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        path = path_of(params.text_document.uri)
        view = None if path is None else ls.view(path)
        return [] if path is None or view is None else symbols(path.name, view)
