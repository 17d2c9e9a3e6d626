"""Connections whose clients keep the server waiting do not stay."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class BoundedConnection(H11Protocol):
    """A connection that is closed where its client sends no request in time, or does not take the answer.

    uvicorn itself bounds only the silence between an answer and the first byte of what follows, and answers
    503 where there are many connections, idle ones included. Here the whole head of a request must come in
    time, from the start of the connection on and however slowly it trickles in; the rest of an upload that
    was refused early has as long. The application bounds uploads.

    Attributes:
        patience_s: seconds that a client has for the head of a request, or to take what waits to be sent.
        most_idle: connections without a request; of more, the one that is idle longest is closed.
        newly_s: seconds for which one is not: of many that come at once, all may still send their requests.
        idle_since: on the loop's clock; `None` while a request is being answered.
    """

    patience_s = 30.0
    most_idle = 512
    newly_s = 1.0

    idle_since: float | None = None
    _has_to_take = False
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._begin_to_idle()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_answering:
            self.idle_since = None
            if not self._has_to_take:
                self._stop_timer()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._is_answering:  # the next request may have been there already
            self._begin_to_idle()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._has_to_take = True
        self._start_timer()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._has_to_take = False
        if self._is_answering:
            self._stop_timer()

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _make_room(self) -> None:
        idle = [
            (each.idle_since, each.transport)
            for each in self.connections
            if isinstance(each, BoundedConnection) and each.idle_since is not None
        ]
        since, longest = min(idle, key=lambda each: each[0])
        if len(idle) > self.most_idle and self.loop.time() - since >= self.newly_s:
            longest.abort()

    def _begin_to_idle(self) -> None:
        self.idle_since = self.loop.time()
        self._start_timer()

    def _start_timer(self) -> None:
        self._stop_timer()
        # What a client does not take would keep a connection that is only closed.
        self._timer = self.loop.call_later(self.patience_s, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
