"""What a learner's function may do to a check: print, exit, sleep, loop, change its input. One line, and no harm."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import sys
import threading
import time
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from answers_kmeans_to_vqvae import layer
from test_answers import CHAPTERS, first_right

from lvm_lib import check
from lvm_lib.check import _call, _limits, _read

FUNCTION_CHECKS = sorted(set(check.__all__) - set(check.tables()) - {"Verdict", "judge", "tell", "tables"})
OF_FUNCTIONS = [
    name for name in FUNCTION_CHECKS if name not in ("elbo_hard_posterior", "em_trap", "kl_pixel_table", "kmeans_beat")
]
OF_FUNCTIONS.remove("tok_better_bound")


def kl(mean, std):
    return 0.5 * (mean**2 + std**2 - 1 - 2 * np.log(std)).sum(axis=1)


@pytest.fixture
def short(monkeypatch):
    """The limits, so short that a test can wait for them."""
    monkeypatch.setattr(_limits, "CPU_SECONDS", 0.5)
    monkeypatch.setattr(_limits, "WALL_SECONDS", 1.0)
    monkeypatch.setattr(_limits, "TICK", 0.05)


def loops(*arguments):
    while True:
        pass


def sleeps(*arguments):
    time.sleep(1e4)


def takes_every_error(*arguments):
    while True:
        try:  # noqa: SIM105  # what a learner may write
            time.sleep(1e4)
        except:  # noqa: E722  # what a learner may write
            pass


def recurses(*arguments):
    return recurses(*arguments)


@pytest.mark.parametrize("name", OF_FUNCTIONS)
@pytest.mark.parametrize("function", [loops, sleeps, takes_every_error])
def test_what_does_not_end_is_stopped_and_told(said, short, name, function):
    text = said(getattr(check, name)(function), False)
    assert "was stopped" in text and (" s of processor time" in text or "took more than 1 s" in text)
    assert sys.gettrace() is None or "coverage" in repr(sys.gettrace()) or "pydevd" in repr(sys.gettrace())


def test_the_limits_are_those_that_the_text_states():
    assert (_limits.CPU_SECONDS, _limits.WALL_SECONDS) == (10, 30)


def test_many_calls_share_one_limit(said, short):
    def slow(logits, temperature, u):
        time.sleep(0.3)
        weights = np.exp(logits / temperature - (logits / temperature).max())
        return int((np.cumsum(weights) / weights.sum() <= u).sum())

    assert "was stopped" in said(check.tok_draw(slow), False)


def test_answers_that_never_end_being_looked_at_are_stopped(said, short):
    class Endless(list):
        def __iter__(self):
            while True:
                yield 1.0

    class Slow:
        def __float__(self):
            time.sleep(1e4)

        __array__ = __repr__ = __float__

    assert "but got" in said(check.elbo_gap(Endless([1])), False)
    assert "but got" in said(check.elbo_gap(Slow()), False)


def test_where_no_limit_can_be_kept_the_verdict_says_so(capsys):
    thread = threading.Thread(target=lambda: check.elbo_kl_to_prior(kl))
    thread.start()
    thread.join()
    assert capsys.readouterr().out.strip().endswith("on every row. (No limit of time can be kept here.)")


def test_a_timer_of_others_is_left_as_it_was(said):
    rang = []
    old = signal.signal(signal.SIGALRM, lambda *arguments: rang.append(1))
    signal.setitimer(signal.ITIMER_REAL, 50.0)
    try:
        said(check.elbo_kl_to_prior(kl), True)
        assert 40 < signal.getitimer(signal.ITIMER_REAL)[0] <= 50 and not rang
        assert signal.getsignal(signal.SIGALRM) is not old and signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def printing(mean, std):
    print("hello\nworld", flush=True)
    print("oh no", file=sys.stderr)
    warnings.warn("careful", stacklevel=1)
    return kl(mean, std)


def test_prints_are_kept_out_and_it_is_said(capsys):
    assert check.elbo_kl_to_prior(printing) is True
    shown = capsys.readouterr()
    assert shown.out.count("\n") == 1 and shown.err == ""
    assert shown.out.endswith("(What your function printed is not shown here.)\n")
    assert check.elbo_kl_to_prior(kl) is True and "printed" not in capsys.readouterr().out


async def coroutine(*arguments):
    return 1


class Leaves(BaseException):
    pass


def leave(*arguments):
    raise Leaves("for ever")


@pytest.mark.parametrize("name", OF_FUNCTIONS)
@pytest.mark.parametrize(
    "function, words",
    [
        (lambda *a: sys.exit(3), "SystemExit: 3"),
        (lambda *a: os._exit(3), "SystemExit: 3"),
        (lambda *a: quit(), "SystemExit"),
        (lambda *a: input(), "EOFError"),
        (leave, "Leaves: for ever"),
        (lambda *a: (_ for _ in ()).throw(GeneratorExit), "GeneratorExit"),
        (lambda *a: (_ for _ in ()).throw(asyncio.CancelledError), "CancelledError"),
        (recurses, "RecursionError"),
        (coroutine, "write def, not async def"),
        (lambda: 1, "TypeError"),
        (lambda *a: (i for i in range(3)), "but got"),
        (lambda *a: map(float, "123"), "but got"),
        (lambda *a: "1,5 and more", "but got"),
        (lambda *a: torch.zeros(3, 3, dtype=torch.int64), ""),
        (lambda *a: torch.zeros(3, dtype=torch.float16).requires_grad_(), ""),
        (lambda *a: torch.zeros(3, dtype=torch.bfloat16), ""),
        (lambda *a: np.array(["a"]), ""),
    ],
)
def test_whatever_a_function_does_is_one_line(said, name, function, words):
    text = said(getattr(check, name)(function), False)
    assert words in text and "could not be judged" not in text and len(text) < 700


def waits(*arguments):
    threading.Event().wait()


def waits_inside(*arguments):
    lock = threading.Lock()
    lock.acquire()
    try:
        lock.acquire()
    finally:
        raise ValueError("whatever")


@pytest.mark.parametrize("function", [waits, waits_inside])
def test_what_waits_for_ever_is_told_as_such(said, short, function):
    """A lock says something else of its own when it is interrupted."""
    assert "your function took more than 1 s and was stopped" in said(check.elbo_kl_to_prior(function), False)


def first_right_functions():
    return [(name, function) for chapter in CHAPTERS for name, function in first_right(chapter).items()]


@pytest.mark.parametrize(
    "name, function", first_right_functions(), ids=lambda value: value if str(value) == value else ""
)
def test_what_a_notebook_has_set_changes_no_verdict(said, name, function):
    old = np.seterr(all="raise")
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("error")
            said(getattr(check, name)(function), True)
    finally:
        np.seterr(**old)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, lambda: np.errstate(all="raise")])
def test_a_layer_is_judged_with_gradients_whatever_is_set(said, context):
    with context():
        said(check.kmeans_layer(layer), True)


@pytest.mark.parametrize(
    "name, answers",
    [("elbo_hard_posterior", (0.5, 1.5)), ("kl_right_hill", (1.67, 0.53)), ("em_trap", ((-10.1, -9.9, 5.0),))],
)
def test_numbers_are_judged_whatever_numpy_is_set_to(said, name, answers):
    with np.errstate(all="raise"):
        said(getattr(check, name)(*answers), True)
        assert np.geterr()["over"] == "raise"


class Shell:
    """A notebook's shell, as far as `exit` goes."""

    def ask_exit(self):
        raise AssertionError


@pytest.mark.parametrize("own", [False, True])
def test_calls_within_calls_leave_the_exit_of_a_shell_as_it_was(monkeypatch, own):
    shell = Shell()
    if own:
        shell.ask_exit = before = lambda: None
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))

    def exits():
        _limits.safely(lambda: shell.ask_exit())
        with pytest.raises(SystemExit):
            shell.ask_exit()
        return 3

    assert _limits.contained(lambda: _limits.safely(exits)) == 3
    assert vars(shell) == ({"ask_exit": before} if own else {})


def test_what_is_odd_within_a_call_is_told_as_it_is(said):
    def odd():
        raise _read.Odd("your prior looks ahead")

    with pytest.raises(_read.Odd, match=r"^your prior looks ahead$"):
        _call.call(odd)


def test_floats_come_as_tensors_where_nothing_else_will_do():
    seen = []

    def function(array, number, count, rng):
        seen.append([type(each) for each in (array, number, count)])
        return torch.log(number) + array.sum(dim=0)

    found = _call.call(function, np.ones(3), 1.0, 4, np.random.default_rng(0))
    assert float(found) == 3
    assert seen == [[np.ndarray, float, int], [torch.Tensor, float, int], [torch.Tensor, torch.Tensor, int]]


@pytest.mark.parametrize("name", OF_FUNCTIONS)
def test_ctrl_c_goes_through(name):
    def stopped(*arguments):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        getattr(check, name)(stopped)


def test_an_answer_with_a_hostile_exit_is_refused(said):
    class Exits:
        def __float__(self):
            raise SystemExit(1)

        __array__ = __len__ = __repr__ = __str__ = __float__

    assert "but got" in said(check.elbo_gap(Exits()), False)
    assert "but got" in said(check.elbo_gap([Exits()]), False)


def test_a_function_that_changes_its_input_is_judged_by_what_it_returns(said):
    def spoils(mean, std):
        found = kl(mean, std)
        mean[:], std[:] = 0, 1
        return found

    said(check.elbo_kl_to_prior(spoils), True)


def test_a_learner_in_torch_is_called_with_tensors(said):
    def elbo(x, logits, mean, log_std):
        nll = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
        return -nll - 0.5 * (torch.exp(2 * log_std) + mean**2 - 1 - 2 * log_std).sum(1)

    said(check.vae_elbo(elbo), True)
    said(check.elbo_kl_to_prior(lambda m, s: (m.square() + s.square() - 1 - 2 * s.log()).sum(1) / 2), True)
    said(check.lvm_log_marginal(lambda v: v.logsumexp(0) - math.log(len(v))), True)
    said(check.vae_score_gradients(lambda v, e, s: v.sub((v.sum() - v) / (len(v) - 1)).mul(e).div(s).clone()), True)
    text = said(check.elbo_kl_to_prior(lambda m, s: m.nothing()), False)
    assert "'numpy.ndarray' object has no attribute 'nothing'" in text and "with torch tensors AttributeError" in text
