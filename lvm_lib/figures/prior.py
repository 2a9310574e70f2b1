"""Live figure 11: an image drawn from a prior over tokens, one token after another, with the probabilities it had."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
import traitlets
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from .. import plots
from .._checks import describe
from ..plots.palette import CLASSES, colour
from ..shipped import shipped_tokens
from ..token_priors import TokenPrior
from ..vqvae import VQVAE
from .base import FigureError, LiveFigure
from .drawing import CENTRE
from .state import found, number, one_of, text, whole
from .token_nets import packed, rebuilt

__all__ = ["PriorFigure"]

SEEDS = 1000
STRONGEST = 0.85  # of a paper's tint, as in js/figures/prior/grid.js: the code on it is read well
OCHRE = CLASSES[3]  # a cost, as in figure.css


class PriorFigure(LiveFigure):
    """A grid of tokens that a prior draws, the image that it decodes to, and the conditional of the next token.

    tokenizer: a VQVAE with a convolutional decoder.  priors: {name: prior over its tokens}, between which the reader
        chooses; each knows the same classes, or none. Without either: small ones of digits that come with the library.

    Traits (set from Python, or by the reader): prior (its name), label (the class that is asked), temperature, seed,
    step (how many tokens are drawn so far, 0 to M), prefix (tokens that stand already, as text: "3,17,..." or "").
    Read back, in nats: nll, minus the log probability of the tokens drawn so far, under the distribution that draws
    them: the named prior at this class and temperature, given the prefix where there is one.
    Raises TypeError or ValueError where priors or names cannot be right.
    """

    name = "prior"
    heights = (930, 580)
    carried = ("nets", "weights", "names")

    nets = traitlets.Dict(help="tokenizer and priors: their layers").tag(sync=True)
    weights = traitlets.Bytes(help="their rounded weights").tag(sync=True)
    names: traitlets.List[str] = traitlets.List(help="names of the classes").tag(sync=True)

    prior = one_of("", lambda figure: [prior["name"] for prior in figure.nets["priors"]], link="p", help="which prior")
    label = whole(3, 0, lambda figure: len(figure.names) - 1, link="c", help="the class that is asked")
    temperature = number(1.0, 0.2, 2.0, link="t", home=1, step=0.1, leap=0.5, help="of every conditional")
    seed = whole(1, 0, SEEDS - 1, link="s", help="which chance")
    step = whole(0, 0, lambda figure: figure.places, link="n", home=0, leap=7, help="tokens drawn so far")
    prefix = text("", read=lambda figure, value: figure._standing(value), link="l", help="tokens that stand already")
    nll = found("- log probability of the tokens drawn, nats")

    def __init__(
        self,
        tokenizer: VQVAE | None = None,
        priors: dict[str, TokenPrior] | None = None,
        *,
        names: Sequence[str] = tuple("0123456789"),
        **traits: object,
    ):
        self._known_traits(traits, "tokenizer", "priors", "names")
        given: dict = {key: traits.pop(key) for key in ("nets", "weights") if key in traits}
        if not given:
            if tokenizer is None and priors is None:
                nets, weights = shipped_tokens()
            else:
                nets, weights = packed(tokenizer, _checked(priors, names))  # type: ignore[arg-type]  # None is refused
            given = {"nets": nets, "weights": weights}
        places = given["nets"]["grid"] ** 2
        start = {"prior": given["nets"]["priors"][-1]["name"], "step": places, "label": min(3, len(names) - 1)}
        super().__init__(**{**given, "names": list(names), **start, **traits})

    # ---- what it shows

    @property
    def drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """All M tokens, and the log conditional of each at this temperature: (M,), (M,)."""
        tokens, table = self._sample()
        return tokens, np.take_along_axis(table, tokens[:, None], axis=1)[:, 0]

    def numbers(self) -> dict:
        """All numbers of the current state, by torch in float64.

        The Python twin of `numbers` in js/figures/prior.js.
        """
        tokens, logs = self.drawn
        table, locked, step = self._sample()[1], len(read_tokens(self.prefix)), self.step
        image = self._image(tokens)
        found = {
            "nll": -logs[locked:step].sum() if step > locked else 0.0,
            "temperature": self.temperature,
            "of_prefix": -logs[:locked].sum() if locked else 0.0,
            "brightness": image.mean(),
            "centre": image[CENTRE],
        }
        if step < len(tokens):
            following = np.exp(table[step])
            found["entropy"] = -(following * table[step]).sum()
            found["largest"] = following.max()
        return {
            "prior": self.prior,
            "label": self.label,
            "seed": self.seed,
            "step": step,
            "prefix": self.prefix,
            "tokens": ",".join(map(str, tokens[:step].tolist())),
            "uniform": float(step * math.log(self.nets["size"])),
            "next": int(tokens[step]) if step < len(tokens) else -1,
            **{key: float(value) for key, value in found.items()},
        }

    @classmethod
    def broken(cls, numbers: dict) -> list[str]:
        """What must hold in every state."""
        n = numbers
        tokens = [int(token) for token in n["tokens"].split(",") if token]
        locked = [int(token) for token in n["prefix"].split(",") if token]
        rules = {
            "a mass has no negative code length": n["nll"] >= 0 and n["of_prefix"] >= 0,
            "as many tokens as steps": len(tokens) == n["step"],
            "what is locked stays": tokens[: len(locked)] == locked and n["step"] >= len(locked),
            "under the uniform prior every token costs log K": n["prior"] != "uniform"
            or abs(n["nll"] + n["of_prefix"] - n["uniform"]) < 1e-6,
            "a conditional is a distribution": "largest" not in n or (0 < n["largest"] <= 1 and n["entropy"] >= 0),
        }
        return [rule for rule, holds in rules.items() if not holds]

    def _sample(self):
        """Tokens (M,) and the table of log conditionals (M, K), of the state without its step."""
        return _sampled(
            json.dumps(self.nets), self.weights, self.prior, self.label, self.temperature, self.seed, self.prefix
        )

    def _image(self, tokens) -> np.ndarray:
        """What the tokens drawn so far decode to; places not yet drawn hold the code of an empty patch."""
        shown = tokens.copy()
        shown[self.step :] = empty_code(json.dumps(self.nets), self.weights)
        with torch.no_grad():
            return _nets(json.dumps(self.nets), self.weights)[0](torch.tensor(shown)[None])[0].numpy()

    # ---- traits

    @property
    def places(self) -> int:
        """M, the number of tokens of an image."""
        return self.nets["grid"] ** 2

    @traitlets.validate("step")
    def _behind_the_prefix(self, proposal):
        locked = len(read_tokens(self.prefix))
        if proposal["value"] < locked:
            raise FigureError(f"step must be a whole number from {locked} to {self.places}, got {proposal['value']}")
        return proposal["value"]

    def _standing(self, prefix):
        """`prefix`, if its tokens are some of the first; raises FigureError otherwise."""
        tokens = read_tokens(prefix)
        if len(tokens) > self.places or any(token >= self.nets["size"] for token in tokens):
            raise FigureError(
                f"prefix must hold at most {self.places} tokens below {self.nets['size']}, got {prefix[:60]!r}"
            )
        return prefix

    def _settle(self):
        """Bring what is read back in line with the state; a step lies behind the prefix."""
        locked = len(read_tokens(self.prefix))
        if self.step < locked:
            self.step = locked
        super()._settle()

    # ---- static

    @property
    def alt(self) -> str:
        """A sentence with the numbers of the current state."""
        n = self.numbers()
        return (
            f"{self.step} of {self.nets['grid'] ** 2} tokens drawn from the {self.prior} prior for class "
            f"{self.names[self.label]} at temperature {self.temperature:.2f}, and the image they decode to. They cost "
            f"{n['nll']:.1f} nats; under the uniform prior {n['uniform']:.1f}."
        )

    def picture(self) -> Figure:
        """Tokens, image, and the cost of each token: the live figure's picture of the state."""
        tokens, logs = self.drawn
        grid = self.nets["grid"]
        figure = Figure(figsize=(7.2, 3.3), layout="constrained")
        left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1, 1.5])
        cost = np.where(np.arange(len(tokens)) < self.step, -logs, np.nan).reshape(grid, grid)
        shades = LinearSegmentedColormap.from_list("cost", [colour("panel"), OCHRE])
        left.imshow(cost, cmap=shades, alpha=STRONGEST, vmin=0, vmax=math.log(self.nets["size"]))
        for place in range(self.step):
            left.text(
                place % grid,
                place // grid,
                str(tokens[place]),
                ha="center",
                va="center",
                fontsize=6,
                color=colour("ink"),
            )
        left.set(xticks=[], yticks=[], title="tokens, tinted by cost", facecolor=colour("panel"))
        left.spines[:].set_color(colour("line"))
        side = 4 * grid
        plots.images(middle, self._image(tokens).reshape(1, side, side), columns=1, high=1.0)
        middle.set(title="their image")
        right.bar(np.arange(self.step), -logs[: self.step], color=colour("prior"))
        right.axhline(math.log(self.nets["size"]), color=colour("evidence"), lw=1, ls="--")
        right.set(xlabel="token", ylabel="nats", xlim=(-0.5, len(tokens) - 0.5), title="what each token costs")
        right.spines[["top", "right"]].set_visible(False)
        figure.suptitle(f"{self.prior}, class {self.names[self.label]}: {self.numbers()['nll']:.1f} nats", fontsize=11)
        return figure


def read_tokens(text: str) -> list[int]:
    """Tokens from text, "3,17"; raises FigureError if it is none."""
    parts = text.split(",") if text else []
    if not all(part.isascii() and part.isdigit() and len(part) < 7 for part in parts):
        raise FigureError(f"prefix must be whole numbers with commas between them, got {text[:60]!r}")
    return [int(part) for part in parts]


def _checked(priors, names) -> dict[str, TokenPrior]:
    """Priors by name, each for the classes that have names."""
    if not isinstance(priors, dict) or not priors:
        raise TypeError(f"priors must be a dict of priors by name, got {describe(priors)}")
    for name, prior in priors.items():
        if getattr(prior, "classes", None) not in (0, len(names)):
            raise ValueError(f"{name} must know no class or {len(names)}, as names has, got {describe(prior)}")
    return priors


@lru_cache(maxsize=4)
def _nets(nets: str, weights: bytes):
    return rebuilt(json.loads(nets), weights)


@lru_cache(maxsize=64)
def _sampled(nets, weights, name, label, temperature, seed, prefix):
    """The library's own sample, and the table of conditionals along it."""
    prior = _nets(nets, weights)[1][name]
    label = label if prior.classes else None
    drawn = prior.sample(1, seed, temperature=temperature, prefix=read_tokens(prefix), label=label)
    with torch.no_grad():
        table = prior.conditionals(torch.tensor(drawn.tokens), label, temperature=temperature)[0].numpy()
    return drawn.tokens[0], table


@lru_cache(maxsize=4)
def empty_code(nets: str, weights: bytes) -> int:
    """The code that, all over the grid, decodes to the darkest middle patch: what stands for "not yet drawn".

    Raises TypeError or ValueError where nets or weights cannot be right.
    """
    decoder, size, grid = _nets(nets, weights)[0], json.loads(nets)["size"], json.loads(nets)["grid"]
    with torch.no_grad():
        images = decoder(torch.arange(size)[:, None].expand(-1, grid**2))
    return int(images.mean(1).abs().argmin())
