package kafkalert.peer;

import java.math.BigDecimal;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import nl.rabobank.beb.distribution.ChannelType;
import nl.rabobank.beb.distribution.CustomerAccountAlertSetting;
import nl.rabobank.beb.distribution.CustomerAccountAlertSettings;
import nl.rabobank.beb.distribution.CustomerAlertAddress;
import nl.rabobank.beb.distribution.CustomerAlertSettings;
import nl.rabobank.beb.distribution.CustomerId;
import nl.rabobank.beb.distribution.EmailAddress;
import nl.rabobank.beb.distribution.OutboundMessage;
import nl.rabobank.beb.distribution.PhoneNumber;
import nl.rabobank.beb.payments.AccountEntry;
import org.apache.avro.specific.SpecificRecord;

/** From an entry and one customer's settings to the alerts that the customer gets. */
final class AlertGenerator {
    private final byte[] idKey;

    AlertGenerator(byte[] idKey) {
        this.idKey = idKey;
    }

    /** Gives {@code out} each alert that the entry raises, settings and addresses in the customer's order. */
    void generate(
            String entryId,
            AccountEntry entry,
            boolean balanceKnown,
            CustomerAlertSettings customer,
            long nowMs,
            Consumer<Alert> out) {
        Movement movement = null;
        for (CustomerAccountAlertSettings account : customer.getAccountAlertSettings()) {
            if (!account.getAccount().getId().equals(entry.getAccountId())
                    || !account.getCurrency().getSymbol().equals(entry.getAccountCurrency())) {
                continue;
            }
            if (movement == null) {
                movement = Movement.of(entry, balanceKnown);
            }
            for (CustomerAccountAlertSetting setting : account.getSettings()) {
                // No amount, no such rule, no number: this setting says nothing, the others go on.
                Rule rule = setting.getAmount() == null ? null : Rule.named(setting.getAlertType());
                BigDecimal threshold = rule == null ? null : Money.threshold(setting.getAmount().getValue());
                if (threshold != null && rule.raised(movement, threshold)) {
                    OutboundMessage message =
                            message(entry, customer.getCustomerId(), rule, movement, threshold, nowMs);
                    address(entryId, customer, setting.getChannels(), rule, threshold, message, out);
                }
            }
        }
    }

    private void address(
            String entryId,
            CustomerAlertSettings customer,
            List<ChannelType> channels,
            Rule rule,
            BigDecimal threshold,
            OutboundMessage message,
            Consumer<Alert> out) {
        String customerId = customer.getCustomerId().getId();
        for (CustomerAlertAddress holder : customer.getAddresses()) {
            SpecificRecord address = (SpecificRecord) holder.getAddress();
            Channel channel;
            String text;
            if (address instanceof EmailAddress email && channels.contains(ChannelType.EMAIL)) {
                channel = Channel.EMAIL;
                text = email.getEmailAddress();
            } else if (address instanceof PhoneNumber phone && channels.contains(ChannelType.SMS)) {
                channel = Channel.SMS;
                text = phone.getPhoneNumber();
            } else if (address instanceof CustomerId devices && channels.contains(ChannelType.PUSH)) {
                channel = Channel.PUSH;
                text = devices.getId();
            } else {
                continue;
            }
            String id =
                    Ids.alert(idKey, entryId, customerId, rule.name(), threshold.toPlainString(), channel, text);
            out.accept(new Alert(id, channel, address, message));
        }
    }

    private static OutboundMessage message(
            AccountEntry entry, CustomerId customer, Rule rule, Movement movement, BigDecimal threshold, long nowMs) {
        String currency = entry.getAccountCurrency();
        Map<String, String> params = new HashMap<>();
        params.put("alert_settings_account_number", entry.getAccountId());
        params.put("alert_settings_account_account", currency);
        params.put("alert_settings_amount", Money.major(threshold, currency));
        params.put("alert_settings_amount_currency", currency);
        if (movement.balance() != null) {
            params.put("balance_amount", Money.major(movement.balance(), currency));
            params.put("balance_amount_currency", currency);
        }
        if (rule.showsAmount) {
            params.put("alert_amount_amount", Money.major(movement.amount(), currency));
            params.put("alert_amount_amount_currency", currency);
        }
        return new OutboundMessage(nowMs, customer, rule.name(), params);
    }
}
