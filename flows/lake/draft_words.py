"""Words of English, French, German and Spanish headers and file names, by our tables and columns; all in small letters
without accents."""

from __future__ import annotations

TABLE_WORDS: dict[str, tuple[str, ...]] = {
    "raw_items": (
        "item",
        "line",
        "ligne",
        "detail",
        "position",
        "posten",
        "zeile",
        "linea",
        "renglon",
        "articulo_pedido",
    ),
    "raw_orders": (
        *("order", "commande", "bestellung", "auftrag", "pedido", "vente", "sale", "venta", "ticket"),
        *("transaction", "receipt", "beleg", "recibo"),
    ),
    "raw_customers": ("customer", "client", "kunde", "cliente", "acheteur", "member"),
    "raw_products": ("product", "produit", "produkt", "artikel", "producto", "article", "articulo", "catalog"),
    "raw_stores": (
        "store",
        "shop",
        "boutique",
        "magasin",
        "filiale",
        "filial",
        "laden",
        "tienda",
        "sucursal",
        "branch",
        "location",
        "standort",
    ),
    "raw_supplies": ("suppl", "fourniture", "ingredient", "zutat", "suministro", "insumo", "recette", "recipe"),
    "raw_refunds": (
        *("refund", "remboursement", "erstattung", "reembolso", "return", "retour", "devolucion"),
        *("ruckgabe", "gutschrift"),
    ),
    "raw_stock_counts": ("stock", "inventory", "inventaire", "bestand", "inventar", "inventario"),
}
_REFERENCE = ("reference", "referencia", "referenz")
_ID = ("id", "no", "nr", "nro", "num", "numero", "number", "nummer", "code", "codigo", "ref", *_REFERENCE)
_WHEN = ("date", "datum", "fecha", "time", "zeit", "hora", "heure", "created", "timestamp")
_NAME = (
    "name",
    "nom",
    "nombre",
    "libelle",
    "designation",
    "bezeichnung",
    "denominacion",
    "enseigne",
    "title",
    "titre",
    "titel",
)
_CUSTOMER, _STORE = TABLE_WORDS["raw_customers"], TABLE_WORDS["raw_stores"]
_PRODUCT, _SUPPLY, _ORDER = (
    ("sku", *TABLE_WORDS["raw_products"]),
    TABLE_WORDS["raw_supplies"],
    TABLE_WORDS["raw_orders"],
)
_PRICE = ("price", "prix", "preis", "precio")
_TAX = ("tax", "taxes", "tva", "mwst", "ust", "steuer", "iva", "impuesto", "vat")
COLUMN_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "raw_customers": {"id": (*_CUSTOMER, *_ID), "name": _NAME},
    "raw_orders": {
        "customer": _CUSTOMER,
        "store_id": _STORE,
        "ordered_at": _WHEN,
        "tax_paid": _TAX,
        "order_total": ("total", "ttc", "brutto", "bruto", "gross", "gesamt", "summe", "importe"),
        "subtotal": (
            *("subtotal", "sous_total", "zwischensumme", "ht", "netto", "neto", "net", "montant", "amount"),
            *("betrag", "base"),
        ),
        "id": (*_ORDER, *_ID),
    },
    "raw_items": {"order_id": _ORDER, "sku": (*_PRODUCT, *_REFERENCE), "id": (*TABLE_WORDS["raw_items"], *_ID)},
    "raw_products": {
        "type": (
            *("type", "typ", "tipo", "category", "categorie", "kategorie", "categoria", "gruppe", "rubrique"),
            *("family", "famille", "familia"),
        ),
        "price": _PRICE,
        "description": ("description", "descriptif", "beschreibung", "descripcion"),
        "name": _NAME,
        "sku": (*_PRODUCT, *_ID),
    },
    "raw_stores": {
        "opened_at": ("open", "ouvert", "eroff", "apertura", *_WHEN),
        "tax_rate": (*_TAX, "rate", "taux", "satz", "tasa", "tipo"),
        "time_zone": ("time_zone", "timezone", "tz", "zeitzone", "fuseau", "zona_horaria", "huso_horario"),
        "name": _NAME,
        "id": (*_STORE, *_ID),
    },
    "raw_supplies": {
        "cost": ("cost", "cout", "kosten", "coste", "costo", *_PRICE),
        "perishable": ("perish", "perissable", "verderblich", "perecedero"),
        "name": _NAME,
        "sku": (*_PRODUCT, *_REFERENCE),  # before the id, which a reference alone may be too
        "id": (*_SUPPLY, *_ID),
    },
    "raw_refunds": {
        "order_id": _ORDER,
        "item_id": TABLE_WORDS["raw_items"],
        "refunded_at": _WHEN,
        "tax_amount": _TAX,
        "amount": ("amount", "montant", "betrag", "importe"),
        "reason": ("reason", "motif", "grund", "motivo"),
        "id": (*TABLE_WORDS["raw_refunds"], *_ID),
    },
    "raw_stock_counts": {
        "store_id": _STORE,
        "supply_id": _SUPPLY,
        "counted_at": _WHEN,
        "unit_count": ("count", "quant", "menge", "cantidad", "qty", "unit", "unidad", "anzahl", "stuck"),
    },
}
QUANTITY_WORDS = ("qty", "quant", "menge", "cantidad", "anzahl", "stuck", "unidades")
CENT_WORDS = ("cents", "centimes", "centimos", "cent")
# How columns of an item begin where the other columns are of its order
LINE_WORDS = (
    *("item", "line", "lineitem", "sku", "product", "produit", "produkt", "artikel", "article", "articulo", "producto"),
    *("ligne", "position", "linea", *QUANTITY_WORDS),
)
YES_AND_NO = (
    *(("oui", "non"), ("ja", "nein"), ("si", "no"), ("sí", "no"), ("yes", "no"), ("y", "n"), ("1", "0")),
    *(("true", "false"), ("vrai", "faux"), ("wahr", "falsch"), ("verdadero", "falso"), ("t", "f"), ("j", "n")),
)
