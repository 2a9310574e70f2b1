"""Self-checks of the chapter "Priors over tokens"."""

from __future__ import annotations

import copy
import math

import numpy as np

from ._judge import (
    Exercise,
    Follows,
    Number,
    Odd,
    Verdict,
    ask,
    ask_function,
    call,
    came,
    detached,
    equal,
    guarded,
    judge,
    read,
    safely,
    tell,
    unanswered,
)

__all__ = [
    "tok_better_bound",
    "tok_bounds",
    "tok_class_summed_out",
    "tok_draw",
    "tok_mask",
    "tok_waste",
]


# ---------------------------------------------------------------- exercise 1


@guarded
def tok_bounds(uniform: object, learned: object, perplexity: object) -> bool | None:
    """Exercise 1: log p(x | z) = -58 nats, 49 tokens of 128 codes, 1.1 nats each under a prior: bounds, perplexity."""
    return ask(_bounds(), uniform, learned, perplexity)


def _bounds():
    log_px_z, places, codes, each = -58.0, 49, 128, 1.1
    rate = places * math.log(codes)
    of_uniform = {
        "log p(x | z) plus the rate: log p(z) is minus the rate": log_px_z + rate,
        "minus the rate alone: log p(x | z) counts too": -rate,
        "log p(x | z) alone: tokens cost something": log_px_z,
        "log p(x | z) less log K once: there are 49 tokens": log_px_z - math.log(codes),
        "log p(x | z) less K log M: it is M log K": log_px_z - codes * math.log(places),
        "a bound with the rate in bits: nats are asked": log_px_z - rate / math.log(2),
        "the bound of the learned prior (are the two swapped?)": log_px_z - places * each,
    }
    of_learned = {
        "log p(x | z) plus the rate: log p(z) is minus the rate": log_px_z + places * each,
        "log p(x | z) less 1.1: there are 49 tokens": log_px_z - each,
        "minus the rate alone: log p(x | z) counts too": -places * each,
        "log p(x | z) less 49 times the perplexity: its logarithm is the rate": log_px_z - places * math.exp(each),
        "the bound of the uniform prior (are the two swapped?)": log_px_z - rate,
    }
    of_perplexity = {
        "the cross-entropy of a token: take its exponential": each,
        "2 to the cross-entropy: it is in nats": 2**each,
        "the perplexity of the whole grid: that of a token is asked": math.exp(places * each),
        "the perplexity of the uniform prior, K": float(codes),
        "the exponential of minus the cross-entropy: mind the sign": math.exp(-each),
    }
    return Exercise(
        "the decoder is the same; what a prior knows of the tokens is won in full.",
        Number("bound of the uniform prior", log_px_z - rate, of_uniform),
        Number("bound of the learned prior", log_px_z - places * each, of_learned),
        Number("perplexity", math.exp(each), of_perplexity, unit=""),
    )


# ---------------------------------------------------------------- exercise 2


@guarded
def tok_waste(nats: object, evidence: object) -> bool | None:
    """Exercise 2: ten places have four equivalent codes each, the bound is -122 nats: the waste, and log p(x)."""
    return ask(_waste(), nats, evidence)


def _waste():
    places, alike, bound = 10, 4, -122.0
    truth = places * math.log(alike)
    of_nats = {
        "the waste of one place: there are ten": math.log(alike),
        "the logarithm of 40: choices at ten places multiply": math.log(places * alike),
        "the waste in bits: nats are asked": truth / math.log(2),
        "ten times log 3: the chosen code is one of the four": places * math.log(alike - 1),
    }
    of_evidence = {
        "the bound less the waste: log p(x) lies above its bound": bound - truth,
        "the bound itself": bound,
    }
    return Exercise(
        "the posterior gives each of 4 to the power of 10 grids the same share, and a one-point q names one of them.",
        Number("waste", truth, of_nats),
        Number("log p(x)", bound + truth, of_evidence, symbol=True, follows=Follows(0, 1.0, bound)),
    )


# ---------------------------------------------------------------- exercise 3


@guarded
def tok_class_summed_out(function: object) -> bool | None:
    """Exercise 3: a function of log p(z | c), (n, C), that returns log p(z) for equally likely classes, (n,)."""
    rng = np.random.default_rng(1)
    cases = [shift + 6 * rng.normal(size=(n, c)) for n, c, shift in ((4, 10, -95.0), (3, 2, -1.0), (2, 10, -2000.0))]
    cases += [
        np.array([[-10.0, -12.0], [-2000.0, -2001.0]]),
        3 * rng.normal(size=(3, 3)) + [[-5.0], [-900.0], [-2000.0]],
    ]
    cases.append(np.array([[-40.0]]))
    cases += [np.array([[-2000.0, -10.0], [-10.0, -2000.0]])]  # far apart within a row, the largest at any place
    cases += [np.array([[-1999.0, -12.0, -2000.0], [-11.0, -1500.0, -1999.0], [-2000.0, -1800.0, -90.0]])]
    right = "your function also stands log probabilities whose exponential is zero, in each row by itself."
    return ask_function(function, right, [((case,), _class_summed_out(case)) for case in cases])


def _class_summed_out(given):
    n, classes = given.shape
    top = given.max(axis=1)
    total = top + np.log(np.exp(given - top[:, None]).sum(axis=1))
    over_rows = given.max(axis=0) + np.log(np.exp(given - given.max(axis=0)).sum(axis=0))
    slips = {
        "log of the sum, without the prior of the class: subtract log C": total,
        "the mean of the logs: average probabilities, then take the log": given.mean(axis=1),
        "the largest term alone": top,
        "the largest term less log C: the other classes count too": top - math.log(classes),
        "log of the sum plus log C: the class has probability 1 / C": total + math.log(classes),
        "log of the sum less log n: classes are the second axis": total - math.log(n),
        "a sum over the rows: classes are the second axis": over_rows,
        "an average over the rows: classes are the second axis": over_rows - math.log(n),
        "the right value less its largest term: put that back after the logarithm": total - math.log(classes) - top,
        "the right numbers in a column of shape (n, 1), where shape (n,) is asked": (total - math.log(classes))[
            :, None
        ],
        "one number for all rows together: keep one per row": (total - math.log(classes)).sum(),
    }
    if n == classes == 1:
        slips = {}
    at = f"log p(z | c) of shape {given.shape}, largest of each row from {top.min():.4g} to {top.max():.4g}"
    lost = "exp underflows there, so take out the largest term of each row first"
    return Number("log p(z)", total - math.log(classes), slips, decimals=None, symbol=True, at=at, lost=lost)


# ---------------------------------------------------------------- exercise 4


@guarded
def tok_mask(function: object) -> bool | None:
    """Exercise 4: a function of (kernel, centre) that gives a PixelCNN layer's mask, (kernel, kernel) of 0, 1."""
    for kernel, centre in ((3, False), (5, True), (7, False), (1, True), (1, False)):
        name = f"mask (kernel {kernel}, centre {centre})"
        try:
            answer = call(function, kernel, centre)
            if unanswered(answer):
                return tell("", Verdict("mask", None))
            fault = _fault_of_mask(_booleans(answer, kernel), kernel, centre)
        except Odd as odd:
            return tell("", Verdict("mask", False, f"{odd} (kernel {kernel}, centre {centre})"))
        if fault:
            return tell("", Verdict("mask", False, f"your {name} {fault}"))
    return tell(
        "rows above, and the same row to the left; the centre only behind the first layer.", Verdict("mask", True)
    )


def _booleans(answer, kernel):
    """An array of 0 and 1 as floats; booleans will do."""

    def of_booleans():
        array = np.asarray(detached(answer))
        return array.astype(float) if array.dtype == bool and array.size else None

    found = None if isinstance(answer, (str, bytes)) else safely(of_booleans)
    try:
        return read(answer) if found is None else found
    except Odd as odd:
        raise Odd(f"your mask should be a {kernel} x {kernel} array of 0 and 1, but got {odd}") from None


def _fault_of_mask(given, kernel, centre):
    """What is wrong with a mask (kernel, kernel), or ""."""
    order = np.arange(kernel**2).reshape(kernel, kernel)
    middle = order[kernel // 2, kernel // 2]
    truth = (order <= middle if centre else order < middle).astype(float)
    if equal(given, truth, 1e-9):
        return ""
    slips = {
        "a mask with the centre the wrong way round": (order < middle if centre else order <= middle),
        "the mask upside down: what is read before stands *above*": truth[::-1],
        "the mask left for right: what is read before stands to the *left*": truth[:, ::-1],
        "the transposed mask: we read rows, not columns": truth.T,
        "the mask of the future: 1 is what may be seen": 1 - truth,
        "a mask of the rows above alone: the same row, to the left, may be seen too": order // kernel < kernel // 2,
        "a mask of the left half: whole rows above may be seen": _upper_left(kernel, centre),
    }
    for name, value in slips.items():
        if equal(given, np.asarray(value, dtype=float), 1e-9):
            return f"looks like {name}"
    if given.shape != truth.shape:
        return f"should have shape {truth.shape}, but got shape {given.shape}"
    if not np.isin(given, (0, 1)).all():
        return f"should hold 0 and 1 alone, but got {given[~np.isin(given, (0, 1))][0]:g}"
    wrong = np.argwhere(given != truth)
    entries = "1 entry, that" if len(wrong) == 1 else f"{len(wrong)} entries, the first"
    return f"is wrong in {entries} in row {wrong[0][0]}, column {wrong[0][1]} (both from 0)"


def _upper_left(kernel, centre):
    row, column = np.indices((kernel, kernel))
    left = (column < kernel // 2) & (row <= kernel // 2)
    left[kernel // 2, kernel // 2] = centre
    return left


# ---------------------------------------------------------------- exercise 5


@guarded
def tok_draw(function: object) -> bool | None:
    """Exercise 5: a function of logits (K,), a temperature and u in (0, 1) that returns a code by inverse CDF."""
    rng = np.random.default_rng(2)
    cases = [((x := np.log([0.4, 0.1, 0.2, 0.3]), 1.0, 0.55), _code(x, 1.0, 0.55))]  # here no two slips agree
    for codes, temperature, shift in ((4, 1.0, 0.0), (6, 0.5, 0.0), (5, 2.0, 0.0), (3, 1.0, 800.0), (3, 1.0, -2000.0)):
        logits = rng.normal(size=codes) * 2 + shift
        edges = _running(logits / temperature)
        for u in ((np.concatenate([[0.0], edges[:-1]]) + edges) / 2).tolist():
            cases.append(((logits, temperature, u), _code(logits, temperature, u)))
    cases += [(((x := np.array([-1000.0, 3.0, 900.0])), 0.5, u), _code(x, 0.5, u)) for u in (0.01, 0.99)]
    for place in range(5):  # the two largest at any place, far above the mean and the median
        x = np.full(5, -1000.0)
        x[place], x[(place + 2) % 5] = 900.0, 899.0
        cases += [((x, t, u), _code(x, t, u)) for t, u in ((0.5, 0.95), (1.0, 0.1))]
    return ask_function(function, "each code gets its share of the unit interval, at every temperature.", cases)


def _running(scores):
    """Running sums of softmax(scores)."""
    weights = np.exp(scores - scores.max())
    return np.cumsum(weights) / weights.sum()


def _code(logits, temperature, u):
    def drawn(scores):
        return int((_running(scores) <= u).sum())

    codes = len(logits)
    slips = {}
    if temperature != 1:
        slips = {
            "a code drawn without the temperature": drawn(logits),
            "a code drawn with logits *times* T: divide": drawn(logits * temperature),
        }
    truth = drawn(logits / temperature)
    if abs(logits).max() > 500:
        slips[
            "the first code whatever u is: exp overflows or underflows there, so subtract the largest logit first"
        ] = 0
    slips |= {
        "the code after the right one: codes count from 0": truth + 1,
        "the most probable code: u decides": int(np.argmax(logits)),
        "a code counted from the last one down": codes - 1 - int((_running(logits[::-1] / temperature) <= u).sum()),
    }
    at = f"K = {codes}, T = {temperature:g}, u = {u:.3f}, logits from {logits.min():.3g} to {logits.max():.3g}"
    return Number("code", truth, {name: v for name, v in slips.items() if v != truth}, unit="", exact=True, at=at)


# ---------------------------------------------------------------- exercise 6

BAR = 3.0  # nats by which an open exercise must improve
CHAPTER = (-140.0, -105.0)  # where the chapter's own best bound lies, nats
BESIDE = 10.0  # nats by which no model that was fitted to training digits is better on test digits
KNOWN = -60.0  # nats that no model of digits comes near which it has not seen: it knows them one by one
FLIPPED = 0.1  # of the pixels of a digit
CHANCE = 784 * (FLIPPED * math.log(FLIPPED) + (1 - FLIPPED) * math.log(1 - FLIPPED)) + 10  # minus the entropy of these
# flips, which no model's average of log p(x) is above, whatever the digits are; and ten standard errors of 400 of them


@guarded
def tok_better_bound(bound: object, model: object, prior: object) -> bool | None:
    """Exercise 6 (open): a tokenizer and a prior whose bound on the stored test digits beats `bound` by 3 nats.

    The bound is computed here: log p(x | z) from the logits of model.px_z(tokens), log p(z) from prior.conditionals,
    which must be conditionals: rows that sum to one, and no look at a later token. It is computed on training digits,
    too: a model that knows the test digits stands far better on them; and on digits with pixels flipped by chance,
    where only a decoder that keeps the images comes below the entropy of the flips.
    """
    verdicts = [judge(bound, Number("bound", 0.0)) if unanswered(bound) else Verdict("bound", True)]
    for what, part, methods in (("model", model, ("tokens", "px_z")), ("prior", prior, ("conditionals",))):
        lacking = [name for name in methods if not safely(lambda part=part, name=name: callable(getattr(part, name)))]
        if unanswered(part):
            verdicts.append(Verdict(what, None))
        elif lacking:
            verdicts.append(
                Verdict(what, False, f"your {what} should have a method {lacking[0]}, but got {came(part)}")
            )
    if not all(verdict.right for verdict in verdicts):
        return tell("", *(verdict for verdict in verdicts if not verdict.right))
    try:
        start = read(bound)
        if start.size != 1 or not CHAPTER[0] < start.item() < CHAPTER[1]:
            raise Odd(f"shape {start.shape}" if start.size != 1 else f"{start.item():.4g}")
    except Odd as odd:
        fault = f"your bound to beat should be that of the best VQ-VAE above, near -122 nats, but got {odd}"
        return tell("", Verdict("bound", False, fault))
    try:
        found, trained, flipped = call(lambda: _bounds_of(model, prior), patience=10)
    except Odd as odd:
        fault = str(odd).replace("your function", "what you gave", 1)
        return tell("", Verdict("model", False, fault))
    gain = found - float(start.item())
    if gain < BAR:
        beside = f"{abs(gain):.1f} {'above' if gain > 0 else 'below'} the one to beat, and {BAR:g} more are asked"
        return tell("", Verdict("bound", False, f"your bound is {found:.1f} nats, {beside}"))
    if flipped > CHANCE:
        fault = (
            f"your bound is {found:.1f} nats, but {flipped:.1f} on digits with one pixel in ten flipped by chance, "
            f"where no model comes above {CHANCE:.0f}: your decoder knows the images, and not their tokens alone"
        )
        return tell("", Verdict("bound", False, fault))
    if found - trained > BESIDE or found > KNOWN:
        fault = f"your bound is {found:.1f} nats on test digits and {trained:.1f} on as many training digits"
        return tell("", Verdict("bound", False, f"{fault}: that is a model which knows these test digits one by one"))
    return tell(f"your bound is {found:.1f} nats, {gain:.1f} better.", Verdict("bound", True))


def _bounds_of(model, prior):
    """The averages of log p(x | z) + log p(z), in nats: on a thousand test digits, on as many of training, on flipped.

    All are in the stored binarisation. Flipped are 400 of the test digits, each pixel with probability 0.1. They come
    mixed, in an order that nobody can foresee, and are decoded in another one, by a model that was copied before it saw
    them where a copy can do it: so that a decoder has nothing but the tokens.
    """
    import torch

    from .. import data

    for net in (model, prior):
        if isinstance(net, torch.nn.Module):
            net.eval()
    chance = torch.Generator()
    chance.seed()
    test, train = (torch.tensor(data.binarised("digits", part)[:1000].reshape(1000, -1)) for part in ("test", "train"))
    flips = torch.rand((400, 784), generator=chance) < FLIPPED
    x = torch.cat([test, train, torch.where(flips, 1 - test[:400], test[:400])]).double()
    kinds = [slice(0, 1000), slice(1000, 2000), slice(2000, 2400)]
    copied = safely(lambda: copy.deepcopy(model), model)
    with torch.no_grad():
        tokens = _in_parts(lambda part: _tokens(model, part, torch), x, chance, torch)
        logits = _in_parts(lambda part: _decoded(copied, model, part), tokens, chance, torch)
        log_px_z = (x * logits - torch.nn.functional.softplus(logits)).sum(1)
        log_pz = torch.cat([_log_pz(prior, tokens[kind], chance, torch) for kind in kinds])
        return [float((log_px_z + log_pz)[kind].mean()) for kind in kinds]


def _in_parts(function, rows, chance, torch):
    """function(rows), in three parts and in an order of chance."""
    order = torch.randperm(len(rows), generator=chance)
    found = torch.cat([function(rows[part]) for part in order.chunk(3)])
    return found[order.argsort()]


def _tokens(model, x, torch):
    tokens = torch.as_tensor(model.tokens(x.float()))
    if tokens.ndim != 2 or len(tokens) != len(x):
        raise Odd(
            f"your model's tokens should have shape (n, M), for these images ({len(x)}, M), but got {came(tokens)}"
        )
    return tokens.clone()


def _decoded(copied, model, tokens):
    """The logits of p(x | z), (n, 784), by the copy; by the model itself where it needs what it set in `tokens`."""
    px_z = safely(lambda: copied.px_z(tokens.clone()))
    return _logits(model.px_z(tokens.clone()) if px_z is None else px_z, len(tokens))


def _logits(px_z, n):
    """The logits of a Bernoulli p(x | z), (n, 784): any real numbers are those of a distribution."""
    base = getattr(px_z, "base_dist", px_z)
    logits = getattr(base, "logits", None)
    if logits is None or logits.shape != (n, 784):
        raise Odd(f"your model's px_z should be Bernoulli with logits of shape ({n}, 784), but got {came(logits)}")
    if not bool(logits.isfinite().all()):
        raise Odd("your model's px_z has logits that are not finite")
    return logits.double()


def _log_pz(prior, tokens, chance, torch):
    """log p(z) of tokens (n, M) by the conditionals of a prior, classes summed out, (n,)."""
    classes = int(getattr(prior, "classes", 0) or 0)
    each = []
    for label in range(classes) if classes else [None]:
        table = _conditionals(prior, tokens, label)
        each.append(table.gather(2, tokens[:, :, None])[..., 0].sum(1))
        if label in (None, 0, classes - 1):
            _no_future(prior, tokens, label, table, chance, torch)
    return torch.stack(each).logsumexp(0) - math.log(len(each))


def _conditionals(prior, tokens, label):
    table = prior.conditionals(tokens.clone(), label).double().clone()
    if table.ndim != 3 or table.shape[:2] != tokens.shape or table.shape[2] <= int(tokens.max()):
        raise Odd(f"your prior's conditionals should have shape (n, M, K) for these tokens, but got {came(table)}")
    sums = table.logsumexp(2).exp()
    if not bool(((sums - 1).abs() < 1e-3).all()):
        raise Odd(
            f"your prior is no distribution: its conditionals sum to values from {float(sums.min()):.4g} to "
            f"{float(sums.max()):.4g}, and each must be 1"
        )
    return table


def _no_future(prior, tokens, label, table, chance, torch):
    """Raises Odd where a conditional changes with its own token, a later one, or with the rows beside it."""
    n, places = 4, tokens.shape[1]
    rows = torch.randperm(len(tokens), generator=chance)[:n].repeat_interleave(places)
    first = torch.arange(places).repeat(n)  # of each row, the first place that is changed
    other = tokens[torch.randint(len(tokens), (len(rows),), generator=chance)].flip(1)
    later = torch.arange(places)[None] >= first[:, None]
    seen = _conditionals(prior, torch.where(later, other, tokens[rows]), label)
    known = torch.arange(places)[None] <= first[:, None]
    if not bool(((seen - table[rows]).abs()[known] < 1e-3).all()):
        raise Odd("your prior looks ahead: a conditional changes with its own token or a later one")


NUMBERS = {"tok_bounds": _bounds, "tok_waste": _waste}
