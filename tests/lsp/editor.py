"""An editor without a screen: it starts `headrace lsp` and speaks LSP to it over stdin and stdout."""

from __future__ import annotations

import itertools
import json
import os
import queue
import tempfile
import threading
from pathlib import Path

from tests.warm import headrace

PATIENCE = 30
"""Seconds after which an answer that did not come fails the test."""


class Editor:
    """One connection; `ask` waits for the answer, `tell` for nothing, `wait` for what the server says of a file."""

    def __init__(self, root: Path, **capabilities):
        self.root = root
        with tempfile.TemporaryDirectory() as pipes:
            stdin, stdout = Path(pipes, "in"), Path(pipes, "out")
            os.mkfifo(stdin)
            os.mkfifo(stdout)
            self._server = headrace(root, "lsp", variables=os.environ, stdin=stdin, stdout=stdout)
            self._stdin, self._stdout = stdin.open("wb"), stdout.open("rb")
        self._ids = itertools.count(1)
        self._said: queue.Queue = queue.Queue()
        self._answers: dict[int, dict] = {}
        self._diagnostics: dict[str, list] = {}
        self._versions = itertools.count(1)
        self.requests: list[dict] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        folders = [{"uri": root.as_uri(), "name": root.name}]
        params = {
            "processId": None,
            "rootUri": root.as_uri(),
            "capabilities": capabilities,
            "workspaceFolders": folders,
        }
        self.server = self.ask("initialize", params)
        self.tell("initialized", {})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """As editors do it; gives the exit status."""
        if self._server.exitcode is None:
            self.ask("shutdown", None)
            self.tell("exit", None)
        self._server.join(PATIENCE)
        self._reader.join(PATIENCE)
        self._stdin.close()
        self._stdout.close()
        return self._server.exitcode

    def uri(self, name):
        return (self.root / name).as_uri()

    def open(self, name, text=None):
        text = (self.root / name).read_text() if text is None else text
        item = {"uri": self.uri(name), "languageId": "yaml", "version": next(self._versions), "text": text}
        self.tell("textDocument/didOpen", {"textDocument": item})

    def change(self, name, text):
        document = {"uri": self.uri(name), "version": next(self._versions)}
        self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def shut(self, name):
        self.tell("textDocument/didClose", {"textDocument": {"uri": self.uri(name)}})

    def tell(self, method, params):
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method, params):
        """The result; AssertionError where the server answers with an error, or not at all."""
        number = next(self._ids)
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        while number not in self._answers:
            self._take()
        answer = self._answers.pop(number)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def at(self, method, name, line, character, **more):
        """Ask something about a place, both numbers as the protocol counts."""
        place = {"line": line, "character": character}
        return self.ask(f"textDocument/{method}", {"textDocument": {"uri": self.uri(name)}, "position": place, **more})

    def wait(self, name, fits):
        """The diagnostics of a file, as soon as they fit."""
        while not (self.uri(name) in self._diagnostics and fits(self._diagnostics[self.uri(name)])):
            self._take()
        return self._diagnostics[self.uri(name)]

    def rules(self, name, *expected):
        """Wait until exactly these rules find something in the file."""
        return self.wait(name, lambda found: sorted(each["code"] for each in found) == sorted(expected))

    def _send(self, message):
        data = json.dumps(message).encode()
        self._stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
        self._stdin.flush()

    def _take(self):
        message = self._said.get(timeout=PATIENCE)
        if message is None:
            raise AssertionError("the server has gone")
        if "method" in message and "id" in message:
            self.requests.append(message)
            self._send({"jsonrpc": "2.0", "id": message["id"], "result": None})
        elif message.get("method") == "textDocument/publishDiagnostics":
            self._diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "id" in message:
            self._answers[message["id"]] = message
        else:
            assert message["method"] != "window/showMessage", message["params"]

    def _read(self):
        stream = self._stdout
        while line := stream.readline():
            length = int(line.partition(b":")[2])
            while stream.readline().strip():
                pass
            self._said.put(json.loads(stream.read(length)))
        self._said.put(None)
