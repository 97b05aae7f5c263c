"""Where each country stands on a map of tiles: all of one size, neighbours near each other, no borders."""

from typing import Final

_ROWS: Final = """
.  .  .  .  .  .  .  .  .  NO SE FI .  .  .  .  RU .  .  .  .  .  .
.  CA .  .  .  .  .  .  .  DK .  EE .  .  .  .  .  .  .  .  .  .  .
.  .  .  .  .  .  .  .  .  .  .  LV .  .  .  .  .  .  .  .  .  .  .
.  US .  .  .  IE GB .  NL DE PL LT BY .  .  .  .  .  .  .  .  .  .
.  .  .  .  .  .  .  BE LU CZ SK UA MD .  .  .  .  .  .  .  KR JP .
.  .  .  .  .  .  FR CH LI AT HU RO .  .  GE .  .  .  CN .  .  .  .
.  .  .  .  PT ES AD MC IT SI HR RS BG .  AM AZ .  .  .  .  TW .  .
.  .  .  .  .  .  .  .  SM .  BA ME XK MK TR .  .  .  .  .  .  .  .
.  .  .  .  .  .  .  .  MT .  .  AL GR .  CY .  PK IN BD .  VN .  .
.  .  .  .  .  MA .  .  .  .  .  .  EG .  SA AE .  .  .  KH .  .  .
.  .  .  BR .  .  .  NG .  .  .  .  KE .  .  .  .  .  .  ID .  .  .
.  .  CL AR .  .  .  .  .  .  .  ZA .  .  .  .  .  .  .  .  .  AU NZ
"""
PLACES: Final = {
    country: (row, column)
    for row, line in enumerate(_ROWS.strip().splitlines(), start=1)
    for column, country in enumerate(line.split(), start=1)
    if country != "."
}
"""Row and column by ISO 3166 code; a country without a place is listed below the map."""
