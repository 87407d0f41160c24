"""Packs of a scenario with everything: what a run, its verdicts and its report say of joints, heat, BMS, duty and faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scenarios import SMALL, small

import packsim as ps
from packsim.scenario.errors import ScenarioError
from packsim.scenario.model import Scenario
from packsim.study.compare import compare
from packsim.study.matching import compare_matchings

CONFIGS = Path(__file__).parents[2] / "configs"
BLIND = {"sensor_error_mv": 1000.0}  # the small scenario's sensors are off by 120 mV
COOLANT = {"flow_w_per_k": 10.0, "contact_w_per_k": 0.4}


def still(**pack):
    """Nominal cells in sound packs of two strings; `pack` changes them."""
    data = {key: value for key, value in SMALL.items() if key not in ("line", "pack", "verdict")}
    data["line"] = {"supplier_lot_cells": 24, "roll_cells": 8}
    data["inspection"] = {"storage": {"soc_pct": 60.0}}
    data["pack"] = {"series": 4, "parallel": 2, "topology": {"layout": "2p(2s(2s1p))"}} | pack
    return Scenario.model_validate(data)


def test_ideal_joints_give_what_the_plain_loop_gives(report):
    plain = ps.run(small(packs=8))
    whole = ps.run(small(packs=8, pack__topology={}, verdict__faults=BLIND))
    assert plain.plans.fleet.plain is not None
    assert whole.plans.fleet.plain is None
    for name, bound, unit in (
        ("usable_capacity_pct", 1e-4, "%"),
        ("usable_energy_pct", 1e-4, "%"),
        ("under_charge_pct", 1e-3, "%"),
        ("lowest_group_v", 1e-5, "V"),
    ):
        off = float(np.abs(plain.packs[name] - whole.packs[name]).max())
        report(f"packs of 12s1p in the full loop against the plain one: {name}", off, bound, unit)
    above = whole.packs["highest_group_v"] - plain.packs["highest_group_v"]
    assert (above > -1e-6).all()
    assert (above < 0.02).all()
    for name in ("verdict", "weakest_group", "weakest_limits", "root", "weakest_cell_slot"):
        assert (plain.packs[name] == whole.packs[name]).all(), name
    both = compare(small(packs=8), small(packs=8, pack__topology={}))
    assert "over_discharge_rate_pct" in both.summary()
    assert "reversal_rate_pct" not in both.summary()


def test_a_pack_of_nominal_cells_is_at_100_per_cent(report):
    joints = {"tab_mohm": {"nominal": 0.5}, "module_connector_mohm": {"nominal": 1.0}}
    heat = {"coolant": COOLANT}
    result = ps.run(still(topology={"layout": "2p(2s(2s1p))", "joints": joints}, heat=heat), packs=2)
    off = float(np.abs(result.packs["usable_capacity_pct"] - 100.0).max())
    report("nominal cells, joints and coolant: usable capacity against a nominal pack", off, 1e-9, "%")
    assert (result.packs["verdict"] == "good").all()
    assert len(result.sightings) == 0
    assert result.packs["hottest_cell_degc"].between(25.5, 45.0).all()


FAULTS = (
    {"kind": "open_weld", "pack": 1, "place": 5, "time_s": 0.0},
    {"kind": "high_joint", "pack": 2, "place": 3, "time_s": 500.0, "resistance_mohm": 20.0},
    {"kind": "soft_short", "pack": 3, "place": 6, "time_s": 2000.0, "resistance_mohm": 20_000.0},
    {"kind": "stuck_sensor", "pack": 4, "place": 2, "time_s": 100.0},
    {"kind": "dead_sensor", "pack": 5, "place": 7, "time_s": 3000.0},
    {"kind": "coolant_loss", "pack": 6, "time_s": 1000.0},
)
VERDICT = {
    "open_weld": "open_joint",
    "high_joint": "high_joint",
    "soft_short": "internal_short",
    "stuck_sensor": "wrong_sensor",
    "dead_sensor": "wrong_sensor",
    "coolant_loss": "cooling_lost",
}


def test_every_injected_fault_is_found_by_the_verdict(report):
    # groups of two cells, so that an open weld leaves a way for the current
    pack = {
        "parallel": 4,
        "topology": {"layout": "2p(2s(2s2p))"},
        "heat": {"coolant": COOLANT},
        "charge": {"c_rate": 1.0},
        "faults": list(FAULTS),
    }
    result = ps.run(still(**pack), packs=8)
    found = result.sightings
    report("injected faults found, of 6", len(found), 6, "", "==")
    late = []
    for fault in FAULTS:
        row = found[found["pack"] == fault["pack"]].iloc[0]
        assert row["verdict"] == VERDICT[fault["kind"]]
        assert result.packs["verdict"][fault["pack"]] == VERDICT[fault["kind"]]
        if row["at"] != "pack":
            assert row["place"] == fault["place"]
        late.append(row["time_s"] - fault["time_s"])
    report("found at once (open weld, joint, short, dead sensor): late by", max(late[:3] + late[4:5]), 1e-6, "s")
    report("stuck sensor: found once the truth is 50 mV away, after", late[3], 600.0, "s")
    warm = found[found["pack"] == 6].iloc[0]["value"]
    # temperatures move every 60 s: the limit of 2 K is passed by what one move brings
    report("coolant lost: found when cells are above the inlet by", warm, 3.0, "K")
    report("... at least", warm, 2.0, "K", ">=")
    sound = [pack for pack in range(8) if pack not in {fault["pack"] for fault in FAULTS}]
    assert (result.packs["verdict"][sound] == "good").all()
    at_cell = found[found["at"] == "cell"]
    cells = result.cells_of(3)
    row = at_cell[at_cell["pack"] == 3].iloc[0]
    own = cells[cells["position"] == row["place"]].iloc[0]
    assert (own["slot"], own["candidate"], own["lot"]) == (row["cell_slot"], row["cell_candidate"], row["cell_lot"])
    assert row["group"] == 3


def test_ten_thousand_packs_without_a_fault_show_none(report):
    scenario = small(
        line__defects={},
        pack={
            "series": 2,
            "parallel": 1,
            "topology": {"joints": {"tab_mohm": {"nominal": 0.2, "spread_pct": 10.0}}},
            "bms": {"sampling_s": 10.0, "sensor_noise_mv": 1.0, "sensor_offset_sd_mv": 2.0},
            "discharge": {"c_rate": 1.0},
            "charge": {"rest_s": 60.0},
        },
        packs_per_block=500,
    )
    result = ps.run(scenario, packs=10_000)
    report("faults seen in 10,000 packs without one", len(result.sightings), 0, "", "==")
    assert result.summary()["alarmed_pack_rate_pct"]["value"] == 0.0


def test_weld_voids_of_the_line_are_found_with_their_step(report):
    voids = {"weld_void": {"rate_ppm": 50_000, "resistance_mohm": 8.0, "spread_factor": 1.2}}
    scenario = small(
        line__defects=voids, pack__topology={}, inspection__dcir={"upper_pct": 1000.0}, verdict__faults=BLIND
    )
    result = ps.run(scenario, packs=24)
    shipped = result.cells[result.cells["pack"] >= 0]
    built = shipped[shipped["defect"] == "weld_void"]
    found = result.sightings
    assert len(built) > 5
    report("weld voids that shipped and were seen in a pack", len(found) / len(built), 1.0, "", "==")
    assert (found["made_at"] == "welding").all()
    assert (found["seen"] == "joint of high resistance").all()
    key = ["pack", "position"]
    assert set(map(tuple, built[key].to_numpy())) == set(map(tuple, found[["pack", "place"]].to_numpy()))


def test_any_protocol_and_over_temperature():
    hot = still(
        protocol={"steps": ["Charge at C/2 until any group 4.1 V", "Discharge at 2C for 2 hours"]},
        heat={"ambient_w_per_k": 0.0, "neighbour_w_per_k": 0.0},
        bms={"over_temperature_degc": 35.0},
    )
    result = ps.run(hot, packs=2)
    assert (result.packs["verdict"] == "over_temperature").all()
    assert set(result.sightings["seen"]) == {"BMS: over-temperature"}
    assert result.packs["hottest_cell_degc"].between(34.9, 35.5).all()
    blind = ps.run(hot.updated({"pack.bms": {"monitoring": "pack_only"}}), packs=2)
    assert (blind.packs["usable_capacity_ah"] > result.packs["usable_capacity_ah"]).all()


def test_a_drive_cycle_from_a_file_and_what_cannot_be_read(tmp_path):
    (tmp_path / "cycle.csv").write_text("time_s,power_w\n0,20\n60,-5\n120,20\n180,0\n", encoding="utf-8")
    text = (CONFIGS / "module-24v.yaml").read_text(encoding="utf-8")
    text = text.replace(
        "  series: 7\n", "  series: 7\n  protocol: {steps: [{profile: cycle.csv, of: cell, repeat: 200}]}\n"
    )
    file = tmp_path / "plant.yaml"
    file.write_text(text, encoding="utf-8")
    result = ps.run(ps.load(file), packs=4)
    assert result.plans.fleet.kinds == ("pack_only",)
    assert result.packs["usable_capacity_pct"].between(80.0, 105.0).all()
    assert (result.packs["lowest_group_v"] < 2.6).all()
    (tmp_path / "cycle.csv").unlink()
    with pytest.raises(ScenarioError, match=r"plant.yaml:\d+: pack.protocol.steps.0.profile: .*cycle.csv"):
        ps.load(file)


@pytest.mark.parametrize(
    ("pack", "line"),
    [
        ({"topology": {"layout": "4s3p"}}, "topology.layout: .*series 4 and 8 cells"),
        ({"topology": {"layout": "2p(4s, 5s)"}}, "topology.layout: "),
        ({"faults": [{"kind": "dead_sensor", "place": 8}]}, "faults.0.place: given 8; allowed: 0 to 3 for dead_sensor"),
        ({"faults": [{"kind": "open_weld", "place": 8}]}, "faults.0.place: given 8; allowed: 0 to 7 for open_weld"),
        ({"faults": [{"kind": "coolant_loss"}]}, "faults.0.kind: .*beside pack.heat.coolant"),
        ({"protocol": {"steps": ["Discharge at 1C"]}}, "protocol.steps.0"),
        ({"bms": {"sensor_noise_mv": 1.0}}, "bms.sensor_noise_mv: .*sampling_s above 0"),
    ],
)
def test_bad_packs_are_refused_in_one_line(pack, line):
    with pytest.raises(ScenarioError, match="pack." + line):
        small(packs=2).updated({"pack": {"series": 4, "parallel": 2} | pack})


def test_a_protocol_without_discharge_is_refused():
    with pytest.raises(ValueError, match="gives no charge in its protocol; allowed: a protocol that discharges it"):
        ps.run(still(protocol={"steps": ["Rest for 1 hour"]}), packs=1)


def test_the_same_bits_alone_and_in_company(report):
    scenario = small(
        pack__topology={}, pack__heat={"coolant": COOLANT}, pack__bms={"sampling_s": 5.0, "sensor_noise_mv": 2.0}
    )
    result = ps.run(scenario, packs=12)
    again = ps.run(scenario, packs=12)
    few = ps.run(scenario, packs=8)
    numbers = [name for name in result.packs if result.packs[name].dtype.kind in "fi"]
    differ = sum(not np.array_equal(result.packs[n], again.packs[n], equal_nan=True) for n in numbers)
    differ += sum(not np.array_equal(result.packs[n][:8], few.packs[n], equal_nan=True) for n in numbers)
    report("columns that differ in a bit, run again and with fewer packs", differ, 0, "", "==")
    fleet, trace, end = result.trace(5)
    assert fleet.usable_ah[0, 0] == result.packs["usable_capacity_ah"][5]
    assert trace.group_v.shape[0] == 12
    assert end is not None
    assert end.places["group"].tolist() == list(range(12))


def test_ways_of_matching_in_packs_with_joints():
    scenario = small(pack={"series": 3, "parallel": 4, "topology": {"joints": {"tab_mohm": {"nominal": 0.3}}}})
    table = compare_matchings(scenario, [{"matching": "in_order"}, {"matching": "sorted"}], packs=12)
    spread = table["value"].unstack()["group_capacity_cv_pct"]
    assert spread["in_order"] > 0.0
    assert np.isfinite(table["value"]).all()


def test_the_shipped_scenario_and_its_report(tmp_path):
    result = ps.run(ps.load(CONFIGS / "cooled-strings.yaml"), packs=16)
    found = set(zip(result.sightings["pack"], result.sightings["verdict"], strict=True))
    assert found >= {(3, "internal_short"), (7, "wrong_sensor"), (12, "cooling_lost")}
    others = result.sightings[~result.sightings["pack"].isin([3, 7]) & (result.sightings["verdict"] != "cooling_lost")]
    assert (others["verdict"] == "high_joint").all()  # welds with a void, made on the line
    assert (others["cell_defect"] == "weld_void").all()
    page = result.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "What was seen in the packs" in page
    assert "coolant takes no heat" in page
    assert "hottest" in page
    assert "Over-discharged packs if every group" not in page
