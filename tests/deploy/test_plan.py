"""What lies between wanted and observed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.deploy.graph import works
from obskit.deploy.plan import Change, differences, plan, plan_destroy
from obskit.deploy.resource import COMMIT_TAG, Fields, Observed, Ref, Resource, Unknown
from obskit.errors import UsageError
from tests.support.cloud import Cloud, kinds_of

KINDS = kinds_of(Cloud())
GROUND = Resource(kind="ground", name="main", fields={"Size": 3, "Fixed": "a"})
HOUSE = Resource(kind="house", name="red", fields={"Ground": Ref("ground.main"), "Doors": {"front": 1}})
SIGN = Resource(kind="sign", name="post", fields={"House": Ref("house.red")})
WANTED = (SIGN, HOUSE, GROUND)


def seen(resource: Resource, number: int = 1, **fields: object) -> Observed:
    """Return the resource as it would be observed, with other fields where given."""
    there = {"ground.main": "ground-id-1", "house.red": "house-id-1"}
    plain = {k: there[v.address] if isinstance(v, Ref) else v for k, v in resource.fields.items()}
    return Observed(
        kind=resource.kind,
        name=resource.name,
        fields={**plain, **fields},  # type: ignore[dict-item]
        attributes={"id": f"{resource.kind}-id-{number}"},
        tags=dict(resource.tags),
        keeps_data="data" in resource.name,
    )


ALL = (seen(GROUND), seen(HOUSE), seen(SIGN))


def actions(*observed: Observed, wanted: tuple[Resource, ...] = WANTED) -> list[tuple[str, str]]:
    """Return what a plan does to what."""
    return [(step.action, step.address) for step in plan(wanted, observed, KINDS).steps]


def test_nothing_there_means_creating_in_the_order_of_needs() -> None:
    """What is referred to comes first, whatever the order in which it is wanted."""
    assert actions() == [("create", "ground.main"), ("create", "house.red"), ("create", "sign.post")]


def test_what_is_as_wanted_is_left_alone() -> None:
    """References resolved to ids that AWS has are no difference."""
    found = plan(WANTED, ALL, KINDS)

    assert (found.steps, found.unchanged) == ((), ("ground.main", "house.red", "sign.post"))


def test_a_changed_field_is_named_by_its_path() -> None:
    """Nested fields are paths, with what is and what shall be."""
    found = plan(WANTED, (ALL[0], seen(HOUSE, Doors={"front": 2, "back": 1}), ALL[2]), KINDS)

    assert [(s.action, s.changes) for s in found.steps] == [
        ("change", (Change("Doors.back", 1, None), Change("Doors.front", 2, 1)))
    ]


def test_what_stands_beside_the_old_one_is_created_first_and_its_users_are_turned() -> None:
    """A house may stand beside the old one, so the sign stays."""
    found = plan(WANTED, (ALL[0], seen(HOUSE, Fixed="b"), ALL[2]), KINDS)
    order = [(w.what, w.step.address) for w in works(found, KINDS)]

    assert [(s.action, s.address) for s in found.steps] == [("replace", "house.red"), ("change", "sign.post")]
    assert order == [("make", "house.red"), ("make", "sign.post"), ("delete", "house.red")]


def test_what_has_to_go_first_takes_along_all_that_refer_to_it() -> None:
    """No ground can go from below a house, so the house goes, and its sign before it."""
    found = plan(WANTED, (seen(GROUND, Fixed="b"), *ALL[1:]), KINDS)

    assert [(s.action, s.address) for s in found.steps] == [
        ("replace", "ground.main"),
        ("replace", "house.red"),
        ("replace", "sign.post"),
    ]
    assert found.steps[1].changes == (Change("Ground", "ground-id-1", Unknown("${ground.main.id}")),)


def test_works_of_a_replacement_wait_for_each_other_as_aws_demands() -> None:
    """All that stood on the old ground goes before it; all new ones come after the new ground."""
    found = plan(WANTED, (seen(GROUND, Fixed="b"), *ALL[1:]), KINDS)
    order = [(w.what, w.step.address) for w in works(found, KINDS)]

    assert order.index(("delete", "ground.main")) < order.index(("make", "ground.main"))
    assert order.index(("make", "ground.main")) < order.index(("make", "house.red"))
    assert order.index(("delete", "house.red")) < order.index(("delete", "ground.main"))


def test_what_is_wanted_no_more_is_deleted_users_first() -> None:
    """Deletion goes against the order of needs."""
    assert actions(*ALL, wanted=()) == [("delete", "sign.post"), ("delete", "house.red"), ("delete", "ground.main")]


def test_of_two_with_one_address_the_nearer_one_stays() -> None:
    """An interrupted run may have made one twice."""
    found = plan((GROUND,), (seen(GROUND, number=1, Size=9), seen(GROUND, number=2)), KINDS)

    assert [(s.action, s.observed and s.observed.attributes["id"]) for s in found.steps] == [("delete", "ground-id-1")]


def test_data_stays_with_all_that_it_stands_on() -> None:
    """Destroying keeps what holds data and what that needs, and says why."""
    data = replace(HOUSE, name="data")
    found = plan_destroy((ALL[0], seen(data), ALL[2]), KINDS)

    assert [s.address for s in found.steps] == ["sign.post"]
    assert [(k.observed.address, k.reason) for k in found.kept] == [
        ("house.data", "it holds data"),
        ("ground.main", "house.data needs it"),
    ]


def test_data_stands_on_nothing_that_its_kind_does_not_need() -> None:
    """Names and zones are in many fields: what only shares a text with data goes."""
    data = seen(replace(HOUSE, name="data"))
    named = replace(data, fields={**data.fields, "Name": "house-id-2", "Sign": "sign-id-1"})
    found = plan_destroy((ALL[0], named, seen(HOUSE, number=2), ALL[2]), KINDS)

    assert [s.address for s in found.steps] == ["sign.post", f"house.{HOUSE.name}"]


def test_data_goes_when_told() -> None:
    """Then the steps say that data is lost."""
    found = plan_destroy((seen(replace(HOUSE, name="data")),), KINDS, delete_data=True)

    assert [(s.address, s.loses_data) for s in found.steps] == [("house.data", True)]


def test_what_others_own_is_used_but_not_compared() -> None:
    """The image belongs to CI once it is there; a change of something else keeps it."""
    mine = replace(
        HOUSE, fields={**HOUSE.fields, "Doors": {"front": 1, "colour": "red"}}, left_to_others=("Doors.colour",)
    )
    there = seen(HOUSE, Doors={"front": 2, "colour": "blue"})
    found = plan((GROUND, mine), (ALL[0], there), KINDS)

    assert [c.path for s in found.steps for c in s.changes] == ["Doors.front"]
    assert found.steps[0].wanted is not None
    assert found.steps[0].wanted.fields["Doors"] == {"front": 1, "colour": "blue"}


def test_tags_are_compared_but_for_the_commit_and_those_of_others() -> None:
    """A lost owner is a difference; a cost tool's tag and another commit are none."""
    mine = replace(GROUND, tags={"owner": "platform", COMMIT_TAG: "2"})
    there = replace(seen(GROUND), tags={"cost-centre": "7", COMMIT_TAG: "1"})
    found = plan((mine,), (there,), KINDS)

    assert [s.changes for s in found.steps] == [(Change("tags.owner", None, "platform"),)]


def test_a_circle_is_refused() -> None:
    """Two that need each other could never be created."""
    one = Resource(kind="ground", name="one", fields={"Other": Ref("ground.two")})
    two = Resource(kind="ground", name="two", fields={"Other": Ref("ground.one")})

    with pytest.raises(UsageError, match=r"circle: ground\.one, ground\.two"):
        plan((one, two), (), KINDS)


def test_a_need_that_nobody_wants_is_refused() -> None:
    """Rather than failing half-way through an apply."""
    with pytest.raises(UsageError, match=r"house\.red needs ground\.main"):
        plan((HOUSE,), (), KINDS)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "b"]),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=8,
)
FIELDS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@given(FIELDS, FIELDS)
def test_differences_tell_exactly_where(wanted: Fields, observed: Fields) -> None:
    """Putting every difference's wanted value in its place leaves none."""
    mended: dict[str, object] = dict(observed)
    for change in differences(wanted, observed):
        *parents, leaf = change.path.split(".")
        inner = mended
        for parent in parents:
            copied = dict(inner[parent])  # type: ignore[call-overload]
            inner[parent] = copied
            inner = copied
        inner[leaf] = change.after

    assert differences(wanted, mended) == ()  # type: ignore[arg-type]


@given(FIELDS)
def test_nothing_differs_from_itself(fields: Fields) -> None:
    """Whatever the fields hold."""
    assert differences(fields, fields) == ()
