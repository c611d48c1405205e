"""What the source alone shows of `loss-input-mismatch`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.loss_feeds import LossFeeds
from mldoctor.findings import Evidence, Finding, Remedy
from mldoctor.registry import reading

LOGARITHMS = ("nll_loss", "kl_div")


@reading("loss-input-mismatch")
def loss_input_mismatch(loss_feeds: LossFeeds) -> Iterator[Finding]:
    """A loss of log-probabilities is given probabilities, or raw scores.

    The input of NLLLoss or KLDivLoss is followed to the layer or function that makes it.
    """
    for feed in loss_feeds.by_maker():
        if feed.loss not in LOGARITHMS or feed.end not in ("softmax", "sigmoid", "linear"):
            continue
        given = "raw scores" if feed.end == "linear" else "probabilities"
        yield Finding(
            f"{feed.loss} is given {given} where it wants log-probabilities",
            evidence=(
                Evidence("last operation on the input of the loss", feed.end, "log_softmax"),
            ),
            location=feed.location,
            also=feed.made,
            subject="loss",
            remedy=Remedy("end the model with log_softmax, or use cross_entropy on raw scores"),
        )
