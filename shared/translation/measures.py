"""Letters that stand beside numbers: currencies and units, in lower case, without vowel signs."""

from __future__ import annotations

import re
from typing import Final

CURRENCIES: Final = frozenset(
    re.findall(
        r"\S+",
        """
        aed ars aud bgn brl cad chf clp cny cop czk dkk egp eur gbp hkd huf idr ils inr isk jpy kes krw kwd
        kzt mad mxn myr ngn nok nzd pen php pkr pln ron rub sar sek sgd thb try twd uah usd vnd zar
        a c ft hk kr kč lei nt r rs s us zł đ р руб грн тг ден дин лв
        ر.س د.إ ج.م د.ك ريال درهم دينار جنيه ש״ח שח र रपय บาท 円 元 圆 圓 원
        """,
    )
)
UNITS: Final = frozenset(
    re.findall(
        r"\S+",
        """
        mm cm dm m km mm² cm² m² km² m2 m3 mg g kg t ml cl dl l ms s sec min h hr hrs am pm a.m p.m
        hz khz mhz ghz w kw kwh mw v mv kv ma mah ah va pa kpa hpa bar psi n nm j kj kcal cal
        kb mb gb tb kib mib gib bit mbps gbps kbps km/h m/s mph rpm °c °f c f k db dpi ppi px
        ft lb lbs oz mi yd pt pcs x х мм см м км мг г кг т мл л ч мин сек вт квт в шт
        كم كجم كغ جم سم مم مل ق ק״ג קג מ״ל סמ ก กก กรม ซม มล
        """,
    )
)
