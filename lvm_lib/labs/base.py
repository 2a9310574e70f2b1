"""What every lab is: controls, Train, Stop, a bar of progress, and room for what was trained."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import ipywidgets

from .._checks import describe, real_number

__all__ = ["Lab"]

SPOKEN = 0.1  # s, the least time between two messages to the front end: Colab's arrive late


class Lab(ipywidgets.VBox):
    """A panel that trains with the reader's settings, can be stopped, and shows the result.

    controls: {name: ipywidget with a `value` and a `description`}, in the order of the panel.
    train: called as train(settings, progress, stopped) in a thread of its own. settings: {name: value}.
        progress(fraction, words=""): tell how far it is, from 0 to 1. stopped(): whether Stop was pressed; a training
        that hears it returns what it has. Returns the result; None where there is nothing to show.
    show: called as show(result), in that thread, when training has ended or was stopped. Returns what is to be shown,
        a live figure, any widget, or anything that Jupyter displays; None to show nothing (say because it handed the
        result to a figure that stands already).

        def train(settings, progress, stopped):
            model = mlp_vae(2, seed=0)
            fit(model, x, epochs=settings["epochs"], seed=0,
                callback=lambda model, record: progress(record.epoch / settings["epochs"]) or stopped())
            return model

        Lab({"epochs": ipywidgets.IntSlider(10, 1, 40, description="epochs")}, train, MyFigure)

    From Python: `settings`, `running`, `result`, `shown`, `error` (the exception that ended the last training, or
    None), `start()`, `stop()`, `wait()`. Raises TypeError or ValueError where an argument does not fit.
    """

    def __init__(
        self, controls: dict, train: Callable[..., object], show: Callable[..., object], *, name: str = "training"
    ):
        if not isinstance(controls, dict) or not controls:
            raise TypeError(f"controls must be a dict of widgets by name, got {describe(controls)}")
        for key, control in controls.items():
            if not isinstance(control, ipywidgets.Widget) or not control.has_trait("value"):
                raise TypeError(f"controls[{key!r}] must be a widget with a value, got {describe(control)}")
        for key, act in (("train", train), ("show", show)):
            if not callable(act):
                raise TypeError(f"{key} must be a function, got {describe(act)}")
        self._train, self._show, self._name = train, show, str(name)
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        # when the front end last heard; how far, and in what words
        self._told, self._reached, self._last = 0.0, 0.0, ""
        self.result: object = None
        self.shown: object = None
        self.error: BaseException | None = None
        self.controls = dict(controls)
        self.train_button = ipywidgets.Button(description="Train", button_style="primary")
        self.stop_button = ipywidgets.Button(description="Stop", disabled=True)
        self.bar = ipywidgets.FloatProgress(0.0, min=0.0, max=1.0, layout={"width": "160px"})
        self.status = ipywidgets.Label("Not trained yet.")
        self.place = ipywidgets.VBox()
        self.train_button.on_click(lambda _: self.start())
        self.stop_button.on_click(lambda _: self.stop())
        row = ipywidgets.HBox(
            [self.train_button, self.stop_button, self.bar, self.status],
            layout={"flex_flow": "row wrap", "align_items": "center"},
        )
        super().__init__([*self.controls.values(), row, self.place])

    def __repr__(self) -> str:
        return f"<lab: {self._name}; it needs a running kernel>"

    @property
    def settings(self) -> dict:
        """What the controls say now, {name: value}."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def running(self) -> bool:
        """Whether a training is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> Lab:
        """Begin to train, as the button does; nothing happens while a training runs. Returns self."""
        if not self.running:
            self._stop.clear()
            self.error, self._told, self._reached, self._last = None, 0.0, 0.0, ""
            self._look(running=True, words="Training.", fraction=0.0, style="")
            self._thread = threading.Thread(target=self._run, args=(self.settings,), name=self._name, daemon=True)
            self._thread.start()
        return self

    def stop(self) -> Lab:
        """Ask the training to stop, as the button does; it does so where it next asks. Returns self."""
        if self.running:
            self._stop.set()
            self.stop_button.disabled = True
        return self

    def wait(self, seconds: float | None = None) -> Lab:
        """Wait until the training has ended and its result is shown, at most `seconds`. Returns self.

        Raises TimeoutError where it has not, and whatever exception ended the training.
        """
        seconds = None if seconds is None else real_number("seconds", seconds)
        if self._thread is not None:
            self._thread.join(seconds)
        if self.running:
            raise TimeoutError(f"the {self._name} had not ended after {seconds:g} s")
        if self.error is not None:
            raise self.error
        return self

    # ------------------------------------------------ in the thread

    def _run(self, settings):
        start = time.perf_counter()
        try:
            self.result = self._train(settings, self._progress, self._stop.is_set)
            if self.result is not None:
                self._place(self._show(self.result))
        except BaseException as error:  # whatever it is, the panel says it and can be used again
            self.error = error
            self._look(running=False, words=f"{type(error).__name__}: {error}", fraction=self._reached, style="danger")
            return
        stopped = self._stop.is_set()
        words = f"{'Stopped' if stopped else 'Done'} after {time.perf_counter() - start:.1f} s. {self._last}".strip()
        self._look(
            running=False, words=words, fraction=self._reached if stopped else 1.0, style="" if stopped else "success"
        )

    def _progress(self, fraction, words=""):
        """Move the bar, at most every 0.1 s; what came between is told at the end."""
        self._reached, self._last = min(max(float(fraction), 0.0), 1.0), str(words)
        now = time.perf_counter()
        if now - self._told >= SPOKEN:
            self._told = now
            self.bar.value, self.status.value = self._reached, self._last or "Training."

    def _place(self, shown):
        self.shown = shown
        if shown is None:
            self.place.children = ()
        elif isinstance(shown, ipywidgets.Widget):
            self.place.children = (shown,)
        else:
            output = ipywidgets.Output()
            output.append_display_data(shown)
            self.place.children = (output,)

    def _look(self, *, running, words, fraction, style):
        """Buttons, bar and words of a panel that trains, or does not."""
        for control in self.controls.values():
            if control.has_trait("disabled"):
                control.disabled = running
        self.train_button.disabled, self.stop_button.disabled = running, not running
        self.bar.bar_style, self.bar.value = style, fraction
        self.status.value = words
