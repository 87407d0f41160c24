"""What a per cent of electrode loading does to a cell: lithium comes from the cathode.

More cathode brings more lithium, so capacity rises by more than the loading; more anode only loses more lithium to its
surface in formation. Run: python examples/loading_tolerance.py
"""

import packsim as ps

for name in ("Chen2020", "Prada2013"):
    nominal = ps.Cell(name).balance.capacity_ah
    for trait in ("cathode_loading_ratio", "anode_loading_ratio", "coated_area_ratio"):
        changed = ps.Cell(name, traits={trait: 1.01}).balance.capacity_ah
        print(f"{name:10} {trait:22} +1 %  ->  capacity {100 * (changed / nominal - 1):+.2f} %")
