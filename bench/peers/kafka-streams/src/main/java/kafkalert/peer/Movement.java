package kafkalert.peer;

import java.math.BigDecimal;
import nl.rabobank.beb.payments.AccountEntry;

/**
 * An entry as the rules see it, in minor units.
 *
 * @param balance after the entry; null where it is unknown, and so is {@code before}
 */
record Movement(BigDecimal amount, boolean credit, BigDecimal balance, BigDecimal before) {

    private static final String CREDIT = "CRDT";
    private static final String DEBIT = "DBIT";

    /** Whether the entry says which way the money went; one that does not raises nothing. */
    static boolean directed(AccountEntry entry) {
        String indicator = entry.getBookingCreditDebitIndicator();
        return indicator.equals(CREDIT) || indicator.equals(DEBIT);
    }

    static Movement of(AccountEntry entry, boolean balanceKnown) {
        BigDecimal amount = BigDecimal.valueOf(entry.getBookingAmountNumeric());
        boolean credit = entry.getBookingCreditDebitIndicator().equals(CREDIT);
        if (!balanceKnown) {
            return new Movement(amount, credit, null, null);
        }
        BigDecimal balance = BigDecimal.valueOf(entry.getBalanceAfterBookingNumeric());
        return new Movement(amount, credit, balance, credit ? balance.subtract(amount) : balance.add(amount));
    }
}
