from __future__ import annotations

import signal
import threading

import pytest

from brainsmith_core.processes.signals import stop_on_signals

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_reported_and_the_second_ends_at_once(number: signal.Signals) -> None:
    names: list[str] = []
    with stop_on_signals(names.append):
        signal.raise_signal(number)
        assert names == [number.name]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert names == [number.name] * 2


INT, TERM = SIGNALS


@pytest.mark.parametrize("numbers", [(INT, INT, INT), (INT, TERM, INT), (TERM, INT), (TERM, TERM)])
def test_where_ctrl_c_drains_first_a_signal_after_the_stop_ends_at_once(numbers: list[signal.Signals]) -> None:
    names: list[str] = []
    with stop_on_signals(names.append, drains=True):
        for number in numbers[:-1]:
            signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(numbers[-1])
    assert names == [number.name for number in numbers]


def test_the_handlers_from_before_are_put_back_whatever_happens() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(ZeroDivisionError), stop_on_signals(print):
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    names: list[str] = []
    try:
        with stop_on_signals(names.append):
            signal.raise_signal(signal.SIGINT)
        assert names == []
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_of_the_main_thread_no_handler_is_touched() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def work() -> None:
        with stop_on_signals(print):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
