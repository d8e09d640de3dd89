"""A small server on loopback that speaks chat completions, with the faults that real ones have."""

import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from grice_core.maxims import MAXIMS, Maxim
from tests.detector.lessons import WORD_OF

Body = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
"""Status, headers, content."""


@dataclass
class JudgeServer:
    """Finds a maxim violated where the response holds its word (`lessons.WORD_OF`)."""

    answer: Callable[[Body], Answer] = field(default_factory=lambda: with_logprobs)
    asked: list[Body] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    """What each request was authorised by."""
    paths: list[str] = field(default_factory=list)
    address: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, path: str, key: str | None, body: Body) -> None:
        """Remember a request."""
        with self._lock:
            self.asked.append(body)
            self.keys.append(key)
            self.paths.append(path)


@contextmanager
def judge_server() -> Iterator[JudgeServer]:
    """The server, until the block ends."""
    judge = JudgeServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            judge.note(self.path, self.headers.get("Authorization"), body)
            status, headers, content = judge.answer(body)
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(content))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:  # the client did not wait
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    judge.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield judge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def asked_maxim(body: Body) -> Maxim:
    """The maxim that a question is about."""
    text = body["messages"][-1]["content"]
    return next(maxim for maxim in MAXIMS if f"Rule: {maxim.capitalize()}." in text)


def is_violated(body: Body) -> bool:
    """The truth."""
    said = body["messages"][-1]["content"].split("Reply to judge:")[1]
    return WORD_OF[asked_maxim(body)] in said.split()


def reply(content: str | None, **more: Any) -> Answer:
    """A reply with this content; `message` and `choice` add fields of their own."""
    message = {"role": "assistant", "content": content} | more.get("message", {})
    choice = {"index": 0, "message": message, "finish_reason": "stop"} | more.get("choice", {})
    usage = {"prompt_tokens": 200, "completion_tokens": 14}
    return 200, {}, json.dumps({"choices": [choice], "usage": usage}).encode()


def with_logprobs(body: Body) -> Answer:
    """90 to 10 for the truth, in the tokens; the confidence that is stated is another one."""
    words = {True: "true", False: "false"}
    truth = is_violated(body)
    tokens = ['{"', "violated", '":', f" {words[truth]}", ', "confidence": 0.6}']
    content = [{"token": token, "logprob": 0.0, "top_logprobs": []} for token in tokens]
    content[3] |= {
        "logprob": math.log(0.9),
        "top_logprobs": [
            {"token": f" {words[truth]}", "logprob": math.log(0.9)},
            {"token": f" {words[not truth]}", "logprob": math.log(0.1)},
        ],
    }
    return reply("".join(tokens), choice={"logprobs": {"content": content}})


def without_logprobs(body: Body) -> Answer:
    """States 0.8 for the truth."""
    return reply(json.dumps({"violated": is_violated(body), "confidence": 0.8}))


def slow(seconds: float) -> Callable[[Body], Answer]:
    """Answers too late."""

    def answer(body: Body) -> Answer:
        time.sleep(seconds)
        return with_logprobs(body)

    return answer


def first(faults: list[Answer], then: Callable[[Body], Answer]) -> Callable[[Body], Answer]:
    """These answers first, one each; then the others."""
    left, lock = list(faults), threading.Lock()

    def answer(body: Body) -> Answer:
        with lock:
            fault = left.pop(0) if left else None
        return then(body) if fault is None else fault

    return answer
