"""What the source alone shows of `double-softmax`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.loss_feeds import LossFeeds
from mldoctor.findings import Evidence, Finding, Remedy
from mldoctor.registry import reading

OWN = ("cross_entropy", "binary_cross_entropy_with_logits")


@reading("double-softmax")
def double_softmax(loss_feeds: LossFeeds) -> Iterator[Finding]:
    """Scores that end with a softmax or sigmoid are given to a loss that applies its own.

    The input of the loss is followed to the layer or function that makes it, through functions,
    models and variables that have one meaning only.
    """
    for feed in loss_feeds.by_maker():
        if feed.loss not in OWN or feed.end not in ("softmax", "sigmoid"):
            continue
        yield Finding(
            f"{feed.loss} is given the output of a {feed.end}",
            evidence=(
                Evidence("last operation on the input of the loss", feed.end, "none: raw scores"),
            ),
            location=feed.location,
            also=feed.made,
            subject="loss",
            remedy=Remedy(f"give {feed.loss} the scores as they are, without the {feed.end}"),
        )
