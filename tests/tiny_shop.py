"""A shop so small that every figure can be checked by hand; `AS_OF` cuts off its last order."""

from __future__ import annotations

from datetime import date
from pathlib import Path

AS_OF = date(2025, 6, 30)

FILES = {
    "raw_customers.csv": """id,name
c1,Ada
c2,Bo
c3,Cy
c4,Di never ordered
c5,"Eve, the ""best"" one"
""",
    "raw_stores.csv": """id,name,opened_at,tax_rate
s1,North,2022-01-01T00:00:00,0.05
s2,South,2022-01-01T00:00:00,0.1
s3,Never opened,2030-01-01T00:00:00,0.2
""",
    "raw_products.csv": """sku,name,type,price,description
p1,Soup,jaffle,1000,warm
p2,Tea,beverage,250,
p3,Cake,jaffle,250000,"large, very"
""",
    "raw_supplies.csv": """id,name,cost,perishable,sku
u1,bowl,10,False,p1
u2,carrots,40,True,p1
u1,bowl,10,False,p2
u3,leaves,5,True,p2
u1,bowl,10,False,p3
""",
    # o1 the last moment of the last year, o2 its first, o3 the moment before it, o4 without items, o6 after as_of
    "raw_orders.csv": """id,customer,ordered_at,store_id,subtotal,tax_paid,order_total
o1,c1,2025-06-30T23:59:59,s1,2000,100,2100
o2,c1,2024-07-01T00:00:00,s1,250,12,262
o3,c2,2024-06-30T23:59:59,s2,1250,125,1375
o4,c2,2025-01-01T08:00:00,s2,0,0,0
o5,c3,2023-01-01T08:00:00,s1,250,13,263
o6,c1,2025-07-01T00:00:00,s2,1000,100,1100
o7,c5,2025-02-02T08:00:00,s2,250000,25000,275000
""",
    "raw_items.csv": """id,order_id,sku
i1,o1,p1
i2,o1,p1
i3,o2,p2
i4,o3,p1
i5,o3,p2
i6,o5,p2
i7,o6,p1
i8,o7,p3
""",
}


def write_shop(folder: Path, **changes: str) -> Path:
    """Write the six files into `folder`; `raw_orders="…"` replaces the text of raw_orders.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (folder / name).write_text(changes.get(name.removesuffix(".csv"), text), encoding="utf-8")
    return folder
