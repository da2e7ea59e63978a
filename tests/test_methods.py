"""Names of methods and what they stand for."""

import pytest

from benchmark import composition, methods, plugins
from benchmark.errors import UsageError
from benchmark.methods import ASPECTS, STANDARD, VARIANTS, method, with_controls
from benchmark.resets import finetune, fresh, rewind
from benchmark.selection import cut_alike


def test_a_criterion_alone_is_the_standard():
    found = method("magnitude")
    assert {aspect: getattr(found, aspect) for aspect in STANDARD} == STANDARD
    assert (found.kind, found.criterion, found.needs) == ("sweep", "magnitude", None)


@pytest.mark.parametrize(
    ("name", "aspects"),
    [
        ("random-local", {"scope": "local"}),
        ("random-unscaled", {"scale": "unscaled"}),
        ("random-oneshot-finetune", {"schedule": "oneshot", "reset": "finetune"}),
        (
            "random-local-maxscaled-units25-fresh",
            {"scope": "local", "scale": "maxscaled", "schedule": "units25", "reset": "fresh"},
        ),
        ("random-rewind0", {"reset": "rewind0"}),
        ("random-local-hybrid", {"scope": "local", "reset": "hybrid"}),
    ],
)
def test_each_variant_changes_one_aspect(name, aspects):
    found = method(name)
    assert {aspect: getattr(found, aspect) for aspect in STANDARD} == STANDARD | aspects
    assert found.criterion == "random"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *[("random", "sweep"), ("random-finetune", "sweep"), ("random-rewind50", "sweep"), ("random-fresh", "sweep")],
        *[("random-masked", "masked"), ("random-hybrid", "masked"), ("masking", "masked")],
        *[("random-reinit", "control"), ("narrow+", "control"), ("dense+", "control")],
    ],
)
def test_kinds(name, kind):
    assert method(name).kind == kind


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("random-finetune-fresh", "asks for two kinds of reset: name one"),
        ("random-local-local", "asks for two kinds of scope"),
        ("random-oneshot-hybrid", "asks for two kinds of schedule"),
        ("random-finetune-local", "is written 'random-local-finetune', so that a method has one name"),
        ("random-finetun", "no criterion or control 'random-finetun': did you mean 'random-finetune'"),
        ("random-units", "no criterion or control"),
        ("random-units300", "no criterion or control"),
        ("random-units0", "no criterion or control"),
        ("random-rewind08", "no criterion or control"),
        ("random-", "no criterion or control"),
        ("narrow-local", "no criterion or control"),
    ],
)
def test_what_is_no_name_is_told_in_one_line(name, message):
    with pytest.raises(UsageError, match=message) as caught:
        method(name)
    assert "\n" not in str(caught.value)
    assert not methods.exists(name)


def test_the_widths_of_a_variant_are_those_of_the_same_variant():
    assert method("random-local-reinit").needs == "random-local"
    assert method("random-reinit").needs == "random"


def test_every_variant_is_named_once_and_about_an_aspect_that_methods_have():
    assert set(ASPECTS) == set(VARIANTS)
    assert {aspect for aspects in ASPECTS.values() for aspect in aspects} == set(STANDARD)
    names = methods.names()
    assert len(names) == len(set(names))
    assert all(methods.exists(name) for name in names)


def test_every_method_is_made_of_functions():
    for name in methods.names():
        found = method(name)
        if found.criterion and found.kind == "sweep":
            selection = composition._selection(found)
            assert selection.criterion.name == found.criterion
    assert composition._selection(method("random-local")).cut is cut_alike
    resets = {name: composition.RESETS.get(str(method(name).reset), rewind) for name in methods.names()}
    assert resets["random-finetune"] is finetune
    assert resets["random-fresh"] is fresh
    assert resets["random"] is resets["random-rewind50"] is rewind


def test_controls_of_a_variant_are_its_own():
    names = [m.name for m in with_controls(["magnitude-local"])]
    assert names == [
        "magnitude-local",
        "random",
        "narrow",
        "narrow-again",
        "narrow+",
        "dense+",
        "magnitude-local-reinit",
    ]
    # Widths of a net that was not rewound are no ticket's.
    assert "magnitude-finetune-reinit" not in [m.name for m in with_controls(["magnitude-finetune"])]


def test_the_guide_names_every_criterion_and_variant():
    guide = (plugins.ROOT / "docs" / "criteria.md").read_text()
    assert all(f"| `{name}` |" in guide for name in plugins.criteria())
    shown = [methods.EXAMPLES.get(variant, (variant,))[-1] for variant in VARIANTS]
    assert all(f"| `-{name}`" in guide for name in shown)


def test_the_papers_criteria_and_the_field_s_are_there():
    expected = "magnitude magnitude_l2 gradient gradient_min activation normalization information information_input"
    assert {*expected.split(), "taylor", "lamp", "fpgm", "random"} <= set(plugins.criteria())
