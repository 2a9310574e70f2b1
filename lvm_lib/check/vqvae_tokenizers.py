"""Self-checks of the chapter "Tokenizers: many one-hots, and a prior over them"."""

from __future__ import annotations

import math

import numpy as np

from ._judge import Odd, Verdict, call, came, detached, equal, judge, read, tell, unanswered

__all__ = ["tok_rate", "tok_perplexity", "tok_class_summed_out", "tok_mask", "tok_draw", "tok_better_bound"]


def tok_rate(nats, bits_per_pixel) -> bool | None:
    """Exercise 1: a 256 x 256 image as 32 x 32 tokens, K = 8192, uniform prior: nats, and bits per pixel."""
    places, codes, pixels = 32 * 32, 8192, 256 * 256
    truth = places * math.log(codes)
    bits = truth / math.log(2) / pixels
    of_nats = {
        "the rate of one token: there are 32 x 32 of them": math.log(codes),
        "M K, without a logarithm": places * codes,
        "K log M: it is M log K": codes * math.log(places),
        "32 log K: the grid has 32 x 32 places": 32 * math.log(codes),
        "a rate per pixel: the tokens alone are sent": pixels * math.log(codes),
    }
    of_bits = {
        "nats per pixel: a bit is log 2 nats": truth / pixels,
        "bits per token: divide by the number of pixels": truth / math.log(2) / places,
        "bits for the whole image: divide by the number of pixels": truth / math.log(2),
        "bits divided by 3 colours as well: a pixel is asked": bits / 3,
    }
    return tell(
        "49 places or 1024, the price of a grid is M log K as long as nothing is known about it.",
        judge(nats, truth, "rate", of_nats, tolerance=0.5),
        judge(bits_per_pixel, bits, "number of bits per pixel", of_bits, unit="bits", tolerance=0.002),
    )


def tok_perplexity(function) -> bool | None:
    """Exercise 2: a function of tokens (any shape, whole numbers) that returns their perplexity."""
    rng = np.random.default_rng(0)
    cases = (np.array([[0, 1, 2, 3]]), rng.choice(9, (40, 7), p=rng.dirichlet(np.ones(9))), np.full(12, 5))
    for tokens in cases:
        counts = np.bincount(tokens.ravel())
        share = counts[counts > 0] / counts.sum()
        entropy = float(-(share * np.log(share)).sum())
        slips = {
            "the entropy itself: take its exponential": entropy,
            "2 to the entropy in nats: either bits and 2, or nats and e": 2**entropy,
            "the number of codes that occur: weigh them by their shares": float(len(share)),
            "exp of minus the entropy: mind the sign": math.exp(-entropy),
            "one over the sum of squared shares: another measure of the same kind": 1 / (share**2).sum(),
            "the average over rows: count over all tokens": _row_by_row(tokens),
        }
        try:
            answer = call(function, tokens.copy())
        except Odd as odd:
            return tell("", Verdict("perplexity", False, str(odd)))
        what = "perplexity" if unanswered(answer) else f"perplexity (of tokens of shape {tokens.shape})"
        verdict = judge(answer, math.exp(entropy), what, slips, unit="", tolerance=1e-4)
        if not verdict.right:
            return tell("", verdict)
    return tell("codes that do not occur add nothing, and evenly used codes count in full.", verdict)


def _row_by_row(tokens):
    rows = np.atleast_2d(tokens)
    share = [np.unique(row, return_counts=True)[1] / row.size for row in rows]
    return float(np.mean([np.exp(-(s * np.log(s)).sum()) for s in share]))


def tok_class_summed_out(function) -> bool | None:
    """Exercise 3: a function of log p(z | c), (n, C), that returns log p(z) for equally likely classes, (n,)."""
    rng = np.random.default_rng(1)
    for n, classes, shift in ((4, 10, -95.0), (3, 2, -1.0), (2, 10, -2000.0)):
        given = shift + 6 * rng.normal(size=(n, classes))
        top = given.max(axis=1)
        total = top + np.log(np.exp(given - top[:, None]).sum(axis=1))
        truth = total - math.log(classes)
        slips = {
            "log of the sum, without the prior of the class: subtract log C": total,
            "the mean of the logs: average probabilities, then take the log": given.mean(axis=1),
            "the largest term alone": top,
            "the largest term less log C: the other classes count too": top - math.log(classes),
            "log of the sum plus log C: the class has probability 1 / C": total + math.log(classes),
            "log of the sum less log n: classes are the second axis": total - math.log(n),
            "a sum over the rows: classes are the second axis": _over_rows(given),
        }
        try:
            answer = call(function, given.copy())
        except Odd as odd:
            return tell("", Verdict("log p(z)", False, str(odd)))
        if _underflown(answer):
            return tell(
                "",
                Verdict(
                    "log p(z)",
                    False,
                    f"at log p(z | c) near {shift:g} your log p(z) is not finite: "
                    "exp underflows there, so take out the largest term first",
                ),
            )
        what = "log p(z)" if unanswered(answer) else f"log p(z) (log p(z | c) of shape {given.shape})"
        verdict = judge(answer, truth, what, slips, tolerance=1e-4)
        if not verdict.right:
            return tell("", verdict)
    return tell("your function also stands log probabilities whose exponential is zero.", verdict)


def _over_rows(given):
    top = given.max(axis=0)
    return top + np.log(np.exp(given - top).sum(axis=0))


def _underflown(answer):
    try:
        array = np.asarray(detached(answer), dtype=float)
        return array.size > 0 and not np.isfinite(array).all()
    except Exception:  # whatever came, it is judged elsewhere
        return False


def tok_mask(function) -> bool | None:
    """Exercise 4: a function of (kernel, centre) that gives a PixelCNN layer's mask, (kernel, kernel) of 0, 1."""
    for kernel, centre in ((3, False), (5, True), (7, False), (1, True)):
        order = np.arange(kernel**2).reshape(kernel, kernel)
        middle = order[kernel // 2, kernel // 2]
        truth = (order <= middle if centre else order < middle).astype(float)
        slips = {
            "a mask with the centre the wrong way round": (order < middle if centre else order <= middle),
            "the mask upside down: what is read before stands *above*": truth[::-1],
            "the mask left for right: what is read before stands to the *left*": truth[:, ::-1],
            "the transposed mask: we read rows, not columns": truth.T,
            "the mask of the future: 1 is what may be seen": 1 - truth,
            "a mask of the rows above alone: the same row, to the left, may be seen too": (
                order // kernel < kernel // 2
            ),
            "a mask of the left half: whole rows above may be seen": _lower_left(kernel, centre),
        }
        try:
            answer = call(function, kernel, centre)
        except Odd as odd:
            return tell("", Verdict("mask", False, str(odd)))
        what = "mask" if unanswered(answer) else f"mask (kernel {kernel}, centre {centre})"
        if unanswered(answer):
            return tell("", Verdict(what, None))
        try:
            given = _booleans(answer)
        except Odd as odd:
            return tell(
                "", Verdict(what, False, f"your {what} should be a {kernel} x {kernel} array of 0 and 1, but got {odd}")
            )
        verdict = _same_mask(given, truth, what, slips)
        if not verdict.right:
            return tell("", verdict)
    return tell("rows above, and the same row to the left; the centre only behind the first layer.", verdict)


def _lower_left(kernel, centre):
    row, column = np.indices((kernel, kernel))
    left = (column < kernel // 2) & (row <= kernel // 2)
    left[kernel // 2, kernel // 2] = centre
    return left


def _booleans(answer):
    """An array of 0 and 1 as floats; booleans will do."""
    array = np.asarray(detached(answer)) if not isinstance(answer, (str, bytes)) else None
    return array.astype(float) if array is not None and array.dtype == bool and array.size else read(answer)


def _same_mask(given, truth, what, slips):
    if equal(given, truth, 1e-9):
        return Verdict(what, True)
    for name, value in slips.items():
        if equal(given, np.asarray(value, dtype=float), 1e-9):
            return Verdict(what, False, f"your {what} looks like {name}")
    if given.shape != truth.shape:
        return Verdict(what, False, f"your {what} should have shape {truth.shape}, but got shape {given.shape}")
    wrong = np.argwhere(given != truth)[0]
    return Verdict(
        what,
        False,
        f"your {what} is wrong in {int((given != truth).sum())} entries, the first in row "
        f"{wrong[0]}, column {wrong[1]} (both from 0)",
    )


def tok_draw(function) -> bool | None:
    """Exercise 5: a function of logits (K,), a temperature and u in (0, 1) that returns a code by inverse CDF."""
    rng = np.random.default_rng(2)
    for codes, temperature in ((4, 1.0), (6, 0.5), (5, 2.0), (3, 1.0)):
        logits = rng.normal(size=codes) * 2 + (800.0 if codes == 3 else 0.0)
        at = {"right": logits / temperature, "T": logits, "times": logits * temperature}
        edges = {
            name: np.cumsum(np.exp(score - score.max()) / np.exp(score - score.max()).sum())
            for name, score in at.items()
        }
        for u in (np.concatenate([[0, *edges["right"][:-1]], edges["right"]]).reshape(2, -1).mean(0)).tolist():
            truth = int((edges["right"] <= u).sum())
            slips = {}
            if temperature != 1:
                slips = {
                    "a code drawn without the temperature": int((edges["T"] <= u).sum()),
                    "a code drawn with logits *times* T: divide": int((edges["times"] <= u).sum()),
                }
            slips |= {
                "the code after the right one: codes count from 0": truth + 1,
                "the most probable code: u decides": int(np.argmax(logits)),
                "a code counted from the last one down": int(
                    codes - 1 - (np.cumsum(np.diff([0, *edges["right"]])[::-1]) <= u).sum()
                ),
            }
            try:
                answer = call(function, logits.copy(), temperature, u)
            except Odd as odd:
                return tell("", Verdict("code", False, str(odd)))
            what = "code" if unanswered(answer) else f"code (K = {codes}, T = {temperature:g}, u = {u:.3f})"
            verdict = _judge_code(answer, truth, what, slips)
            if not verdict.right:
                return tell("", verdict)
    return tell("each code gets its share of the unit interval, at every temperature.", verdict)


def _judge_code(answer, truth, what, slips):
    if unanswered(answer):
        return Verdict(what, None)
    try:
        given = read(answer)
    except Odd as odd:
        return Verdict(what, False, f"your {what} should be one whole number, but got {odd}")
    if given.size != 1:
        return Verdict(what, False, f"your {what} should be one whole number, but got shape {given.shape}")
    if float(given.item()) == truth:
        return Verdict(what, True)
    for name, value in slips.items():
        if value != truth and float(given.item()) == value:
            return Verdict(what, False, f"your {what} looks like {name}")
    return Verdict(what, False, f"your {what} should be another one than {given.item():g}")


BAR = 3.0  # nats by which an open exercise must improve


def tok_better_bound(bound, model, prior) -> bool | None:
    """Exercise 6 (open): a tokenizer and a prior whose bound on the stored test digits beats `bound` by 3 nats."""
    verdicts = [judge(bound, 0.0, "bound") if unanswered(bound) else Verdict("bound", True)]
    for what, part, method in (("model", model, "elbo_terms"), ("prior", prior, "log_prob")):
        if unanswered(part):
            verdicts.append(Verdict(what, None))
        elif not hasattr(part, method):
            verdicts.append(Verdict(what, False, f"your {what} should have a method {method}, but got {came(part)}"))
    if not all(verdict.right for verdict in verdicts):
        return tell("", *(verdict for verdict in verdicts if not verdict.right))
    try:
        start = read(bound)
        found = call(_test_bound, model, prior)
    except Odd as odd:
        return tell("", Verdict("model", False, f"the test bound could not be computed: {odd}"))
    if start.size != 1:
        return tell("", Verdict("bound", False, f"your bound should be one finite number, but got shape {start.shape}"))
    gain = found - float(start.item())
    if gain < BAR:
        return tell(
            "",
            Verdict(
                "bound",
                False,
                f"your bound is {found:.1f} nats, {abs(gain):.1f} "
                f"{'above' if gain > 0 else 'below'} the one to beat, and {BAR:g} more are asked",
            ),
        )
    return tell(f"your bound is {found:.1f} nats, {gain:.1f} better.", Verdict("bound", True))


def _test_bound(model, prior):
    """The average bound on the stored binarisation of the test digits, classes summed out, in nats."""
    import torch

    from .. import data

    x = torch.tensor(data.binarised("digits").reshape(1000, -1).astype(np.float32))
    with torch.no_grad():
        return float(model.elbo_terms(x, prior).elbo.mean())
