"""The collector's thresholds are the process's own: whoever changes them puts them back."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest

from alerting_pipeline.store.rare_collections import rare_collections


def test_collections_are_rarer_inside_and_as_before_outside() -> None:
    before = gc.get_threshold()
    with rare_collections():
        assert gc.get_threshold()[0] > before[0]
        assert gc.get_threshold()[1:] == before[1:]
        assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_what_somebody_else_set_aside_stays_there() -> None:
    gc.freeze()
    try:
        with rare_collections():
            assert gc.get_freeze_count() > 0
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_circles_made_inside_are_collected_at_last() -> None:
    class Node:
        pass

    with rare_collections():
        node: Any = Node()
        node.itself = node
        seen = weakref.ref(node)
        del node
    gc.collect()
    assert seen() is None


def test_an_error_puts_them_back() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="broken"), rare_collections():
        raise ValueError("broken")
    assert gc.get_threshold() == before


def test_two_threads_that_overlap_leave_what_the_first_one_found() -> None:
    before, first_is_in, second_is_in = gc.get_threshold(), threading.Event(), threading.Event()

    def first() -> None:
        with rare_collections():
            first_is_in.set()
            assert second_is_in.wait(10)

    thread = threading.Thread(target=first)
    thread.start()
    assert first_is_in.wait(10)
    with rare_collections():
        second_is_in.set()
        thread.join(10)
        assert gc.get_threshold()[0] > before[0]
    assert gc.get_threshold() == before
