"""Places after the point, against the JDK's table of ISO 4217."""

import subprocess
from pathlib import Path

import pytest

from bench import jvm
from kafkalert.model.money import _PLACES, places

SOURCE = """
class Currencies {
    public static void main(String[] none) {
        for (java.util.Currency one : java.util.Currency.getAvailableCurrencies()) {
            System.out.println(one.getCurrencyCode() + " " + one.getDefaultFractionDigits());
        }
    }
}
"""
NEWER = {"UYW"}
"""Codes that a JDK 17 does not know yet."""


@pytest.mark.java
@pytest.mark.skipif(jvm.missing() is not None, reason=str(jvm.missing()))
def test_places_are_those_of_java(tmp_path: Path) -> None:
    """For every code that Java knows, withdrawn ones too; for what is no money there (-1), as gold is, 2."""
    source = tmp_path / "Currencies.java"
    source.write_text(SOURCE, encoding="utf-8")
    told = subprocess.run(["java", source], capture_output=True, text=True, timeout=60, check=True).stdout
    java = {code: int(digits) for code, digits in map(str.split, told.splitlines())}
    assert len(java) > 200
    assert {code: places(code) for code in java} == {code: 2 if it < 0 else it for code, it in java.items()}
    assert _PLACES.keys() - java.keys() <= NEWER


@pytest.mark.parametrize(("code", "digits"), [("EUR", 2), ("ITL", 0), ("XAU", 2), ("ZZZ", 2), ("eur", 2), ("", 2)])
def test_codes_without_a_place_of_their_own_have_two(code: str, digits: int) -> None:
    """Codes that nobody knows are written as most currencies are; withdrawn ones as they were."""
    assert places(code) == digits
