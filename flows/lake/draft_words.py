"""Words of English, French, German and Spanish headers and file names, by our tables and columns; all in small letters
without accents."""

from __future__ import annotations

TABLE_WORDS: dict[str, tuple[str, ...]] = {
    "raw_items": ("item", "line", "ligne", "detail", "position", "posten", "linea", "articulo_pedido"),
    "raw_orders": (
        *("order", "commande", "bestellung", "auftrag", "pedido", "vente", "sale", "venta", "ticket"),
        *("transaction", "receipt", "beleg", "recibo"),
    ),
    "raw_customers": ("customer", "client", "kunde", "cliente", "acheteur", "member"),
    "raw_products": ("product", "produit", "produkt", "artikel", "producto", "article", "catalog"),
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
    "raw_refunds": ("refund", "remboursement", "erstattung", "reembolso", "return", "retour"),
    "raw_stock_counts": ("stock", "inventory", "inventaire", "bestand", "inventar", "inventario"),
}
_ID = ("id", "no", "n°", "nr", "num", "numero", "number", "nummer", "code", "ref", "reference")
_WHEN = ("date", "datum", "fecha", "time", "zeit", "hora", "heure", "created", "timestamp")
_NAME = ("name", "nom", "nombre", "libelle", "designation", "bezeichnung", "enseigne", "title")
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
        "order_total": ("total", "ttc", "brutto", "gross", "gesamt", "summe", "importe"),
        "subtotal": ("subtotal", "ht", "netto", "net", "montant", "amount", "betrag", "base"),
        "id": (*_ORDER, *_ID),
    },
    "raw_items": {"order_id": _ORDER, "sku": (*_PRODUCT, "reference"), "id": (*TABLE_WORDS["raw_items"], *_ID)},
    "raw_products": {
        "type": ("type", "category", "famille", "categorie", "kategorie", "categoria", "family", "gruppe"),
        "price": _PRICE,
        "description": ("description", "descriptif", "beschreibung", "descripcion"),
        "name": _NAME,
        "sku": (*_PRODUCT, *_ID),
    },
    "raw_stores": {
        "opened_at": ("open", "ouvert", "eroff", "apertura", *_WHEN),
        "tax_rate": (*_TAX, "rate", "taux", "satz", "tasa"),
        "time_zone": ("time_zone", "timezone", "tz", "zeitzone", "fuseau", "zona_horaria", "huso_horario"),
        "name": _NAME,
        "id": (*_STORE, *_ID),
    },
    "raw_supplies": {
        "cost": ("cost", "cout", "kosten", "coste", "costo", *_PRICE),
        "perishable": ("perish", "perissable", "verderblich", "perecedero"),
        "name": _NAME,
        "id": (*_SUPPLY, *_ID),
        "sku": (*_PRODUCT, "reference"),
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
        "unit_count": ("count", "quant", "menge", "cantidad", "qty", "unit"),
    },
}
QUANTITY_WORDS = ("qty", "quant", "menge", "cantidad")
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
