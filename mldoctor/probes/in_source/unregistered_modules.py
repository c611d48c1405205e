"""What the source alone shows of `unregistered-modules`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.plain_lists import PlainLists
from mldoctor.facts.in_source.throwaway_layers import ThrowawayLayers
from mldoctor.findings import Evidence, Finding, Remedy
from mldoctor.registry import reading


@reading("unregistered-modules")
def unregistered_modules(
    plain_lists: PlainLists, throwaway_layers: ThrowawayLayers
) -> Iterator[Finding]:
    """Layers in a plain list or dictionary that is only called, or built anew in each forward."""
    for row in plain_lists.rows:
        cure = "ModuleList" if row.holder == "list" else "ModuleDict"
        yield Finding(
            f"the layers in {row.model}.{row.name} are no part of the model"[:79],
            evidence=(
                Evidence("what holds the layers", f"a plain {row.holder}", f"nn.{cure}"),
                Evidence("layers", row.layer),
            ),
            location=row.location,
            subject=f"{row.model}.{row.name}",
            remedy=Remedy(f"keep the layers in an nn.{cure}"),
        )
    for layer in throwaway_layers.rows:
        if layer.kind != "layer":
            continue
        yield Finding(
            f"{layer.model}.forward uses a layer with new random weights"[:79],
            evidence=(
                Evidence("layer that is built at every call", layer.code, "built in __init__"),
            ),
            location=layer.location,
            subject=layer.model,
            remedy=Remedy("build the layer in __init__ and keep it as an attribute"),
        )
