"""The store as a queue sees it: opened with a session of its own, which shows that the queue lives."""

from __future__ import annotations

from .scheduling.keeper import StoreKeeper

__all__ = ["QueueStore"]


class QueueStore:
    """A store for the time that a queue lives.

    Args:
        location: its path or URL.
        queue: the queue's name; what another queue has left isn't taken over.

    Raises:
        BrainsmithError: if the store can't be used; see `Store`.
    """

    def __init__(self, location: str, queue: str = "") -> None:
        from .store.database import Store  # the database is needed here only
        from .store.sessions import open_session, reconcile

        self._store = Store(location)
        reconcile(self._store)
        with self._store.writing() as connection:
            self._session = open_session(connection, "")
        #: Keeps the queue's jobs.
        self.keeper = StoreKeeper(self._store, self._session, queue)

    def close(self) -> None:
        """Let go of the jobs that still wait: a queue that starts later goes on with them."""
        from .store.sessions import close_session

        self.keeper.flush()
        with self._store.writing() as connection:
            close_session(connection, self._session)
        self._store.close()
