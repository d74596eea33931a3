package kafkalert.peer;

/** A way to reach a customer, and the topic of its messages. */
enum Channel {
    EMAIL("outboundemailmessage"),
    SMS("outboundsmsmessage"),
    PUSH("outboundcustomerpushmessage");

    final String topic;

    Channel(String topic) {
        this.topic = topic;
    }
}
