package kafkalert.peer;

/** The topics that come in and the one between the hops; the tables' stores bear their topics' names. */
final class Topics {
    static final String ENTRIES = "accountentry";
    static final String AUTHORISATIONS = "accounttocustomerids";
    static final String SETTINGS = "customeralertsettings";
    static final String ENTRIES_BY_CUSTOMER = "customeraccountentry";

    private Topics() {}
}
