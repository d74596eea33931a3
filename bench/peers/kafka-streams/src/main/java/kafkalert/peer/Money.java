package kafkalert.peer;

import java.math.BigDecimal;
import java.util.Currency;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Amounts: thresholds as customers write them, and minor units in major ones. */
final class Money {
    private static final int USUAL_PLACES = 2;

    // As kafkalert's bound: a longer number is no money.
    private static final Pattern NUMBER = Pattern.compile("[+-]?(?:[0-9]{1,40}(?:\\.[0-9]{0,40})?|\\.[0-9]{1,40})");

    // ISO 4217, as the JDK knows it, codes withdrawn long ago included; a negative number there says that the code is
    // no money (gold, testing).
    private static final Map<String, Integer> PLACES = Currency.getAvailableCurrencies().stream()
            .filter(currency -> currency.getDefaultFractionDigits() >= 0)
            .collect(Collectors.toMap(
                    Currency::getCurrencyCode, Currency::getDefaultFractionDigits, (a, b) -> a, HashMap::new));

    private Money() {}

    /** The number that a setting's amount says, without needless zeros; null where it says none. */
    static BigDecimal threshold(String text) {
        if (!NUMBER.matcher(text).matches()) {
            return null;
        }
        BigDecimal number = new BigDecimal(text).stripTrailingZeros();
        return number.scale() < 0 ? number.setScale(0) : number;
    }

    /** An amount of minor units in major units: 100000 is 1000.00 in EUR and 100000 in JPY. */
    static String major(BigDecimal minor, String currency) {
        return minor.movePointLeft(PLACES.getOrDefault(currency, USUAL_PLACES)).toPlainString();
    }
}
