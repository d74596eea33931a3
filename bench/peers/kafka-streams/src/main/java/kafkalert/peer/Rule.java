package kafkalert.peer;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The four kinds of alert. */
enum Rule {
    ALERT_BALANCE_ABOVE_THRESHOLD(false) {
        @Override
        boolean raised(Movement movement, BigDecimal threshold) {
            return movement.balance() != null
                    && movement.balance().compareTo(threshold) > 0
                    && movement.before().compareTo(threshold) <= 0;
        }
    },
    ALERT_BALANCE_BELOW_THRESHOLD(false) {
        @Override
        boolean raised(Movement movement, BigDecimal threshold) {
            return movement.balance() != null
                    && movement.balance().compareTo(threshold) < 0
                    && movement.before().compareTo(threshold) >= 0;
        }
    },
    ALERT_DEBITED_ABOVE_THRESHOLD(true) {
        @Override
        boolean raised(Movement movement, BigDecimal threshold) {
            return !movement.credit() && movement.amount().compareTo(threshold) > 0;
        }
    },
    ALERT_CREDITED_ABOVE_THRESHOLD(true) {
        @Override
        boolean raised(Movement movement, BigDecimal threshold) {
            return movement.credit() && movement.amount().compareTo(threshold) > 0;
        }
    };

    private static final Map<String, Rule> BY_NAME =
            Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(Rule::name, Function.identity()));

    /** Whether the message tells the booked amount. */
    final boolean showsAmount;

    Rule(boolean showsAmount) {
        this.showsAmount = showsAmount;
    }

    abstract boolean raised(Movement movement, BigDecimal threshold);

    /** The rule of an alert type, or null. */
    static Rule named(String alertType) {
        return BY_NAME.get(alertType);
    }
}
