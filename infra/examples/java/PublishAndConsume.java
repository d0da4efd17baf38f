import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A shop that pays through the hub: publishes one CreatePayment and waits for its result. To copy from.
 *
 * <p>It needs Java 17 and Kafka's own client (kafka-clients with slf4j-api) and nothing of the hub: the contract is
 * topics, keys, headers and JSON.
 *
 * <pre>
 * java -Dfile.encoding=UTF-8 -cp CLASS_PATH PublishAndConsume.java \
 *   BOOTSTRAP PREFIX INTEGRATION CARD_TOKEN CUSTOMER_KEY
 * </pre>
 *
 * <p>The last line of its output is one JSON object. Exit codes: 0 accepted, 1 another end, 2 no result in time.
 */
public final class PublishAndConsume {
  private static final String SOURCE = "/examples/java-shop";
  private static final String GROUP = "java-shop.results";
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /**
   * Events that were handled. A service keeps these in its database, written in the transaction that acts on the event;
   * in memory they are forgotten by a restart.
   */
  private static final Set<String> HANDLED = new HashSet<>();

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 5) {
      System.err.println("arguments: BOOTSTRAP PREFIX INTEGRATION CARD_TOKEN CUSTOMER_KEY");
      System.exit(64);
    }
    String bootstrap = arguments[0];
    String prefix = arguments[1];
    // A service writes the id down before it publishes, so that it can publish the same command again.
    UUID command = uuid7();
    UUID payment = uuid7();
    publish(bootstrap, prefix, command, payment, createPayment(payment, arguments[2], arguments[3], arguments[4]));
    System.out.println("published " + command);
    String type = consume(bootstrap, prefix, command);
    if (type == null) {
      System.err.println("no result within " + PATIENCE.toSeconds() + " s");
      System.exit(2);
    }
    System.out.printf("{\"command_id\":\"%s\",\"payment_id\":\"%s\",\"type\":\"%s\"}%n", command, payment, type);
    System.exit(type.equals("payments.created.v1") ? 0 : 1);
  }

  /**
   * Appends the command. The key is the payment, so that its commands stay in order. No partitioner is set: the default
   * one of the Java client, murmur2 of the key, is the contract's.
   */
  private static void publish(String bootstrap, String prefix, UUID command, UUID payment, String body)
      throws Exception {
    Map<String, Object> settings =
        Map.of("bootstrap.servers", bootstrap, "acks", "all", "enable.idempotence", true);
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      var record = new ProducerRecord<>(prefix + ".payments.commands", payment.toString(), body);
      Map<String, String> envelope =
          Map.of(
              "ce_specversion", "1.0",
              "ce_id", command.toString(),
              "ce_type", "payments.create.v1",
              "ce_source", SOURCE,
              "ce_subject", payment.toString(),
              "ce_time", Instant.now().toString(),
              "content-type", "application/json");
      envelope.forEach((name, text) -> record.headers().add(name, text.getBytes(StandardCharsets.UTF_8)));
      producer.send(record).get();
    }
  }

  /** Reads events until one tells how the command ended; offsets are committed after the events were handled. */
  private static String consume(String bootstrap, String prefix, UUID command) throws Exception {
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers", bootstrap,
            "group.id", GROUP,
            "enable.auto.commit", false,
            "auto.offset.reset", "earliest");
    // A command has one result, whose id follows from the command's; any other event about it is a further fact.
    String result = uuid5(command, "result").toString();
    Instant end = Instant.now().plus(PATIENCE);
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(prefix + ".payments.events"));
      while (Instant.now().isBefore(end)) {
        String found = null;
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(500))) {
          String type = handle(record, command, result);
          found = type == null ? found : type;
        }
        consumer.commitSync();
        if (found != null) {
          return found;
        }
      }
      return null;
    }
  }

  /** Takes one event, once. Returns its type when it tells how the command ended, else null. */
  private static String handle(ConsumerRecord<String, String> record, UUID command, String result) {
    String id = text(record.headers(), "ce_id");
    if (!HANDLED.add(text(record.headers(), "ce_source") + " " + id)) {
      return null; // A further copy, after a crash or because the command was published again.
    }
    String type = text(record.headers(), "ce_type");
    if (id.equals(result)) {
      System.out.println(record.value());
      return type;
    }
    // The hub could not take the record as a command. A service reads command_id with its JSON library.
    boolean rejected = type.equals("payments.command_rejected.v1") && record.value().contains(command.toString());
    return rejected ? type : null;
  }

  private static String text(Headers headers, String name) {
    Header header = headers.lastHeader(name);
    return header == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
  }

  /** The command's body. Money is counted in minor units: 24990 TRY is 249.90 lira. No card number is in it, ever. */
  private static String createPayment(UUID payment, String integration, String cardToken, String customerKey) {
    String address =
        """
        {"contact_name":"Işıl Çağrı","line":"Bağdat Cad. 42/7","city":"İstanbul","country":"Turkey"}""";
    String price = "{\"minor\":24990,\"currency\":\"TRY\"}";
    return """
        {
          "payment_id": %1$s, "integration_id": %2$s, "order_id": "order-java-1",
          "method": {"kind": "stored_card", "card_token": %3$s, "customer_key": %4$s},
          "price": %5$s, "paid_price": %5$s,
          "buyer": {"buyer_id": "buyer-7", "name": "Işıl", "surname": "Çağrı", "email": "isil@example.com",
                    "identity_number": "74300864791", "address": %6$s},
          "billing_address": %6$s, "shipping_address": %6$s,
          "basket": [{"line_id": "1", "name": "Kupa", "category": "Mutfak", "goods": "physical", "price": %5$s}]
        }"""
        .formatted(
            quoted(payment.toString()), quoted(integration), quoted(cardToken), quoted(customerKey), price, address);
  }

  /** A JSON string of printable ASCII, which ids and tokens are. */
  private static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  /** A UUID that begins with the time in milliseconds (RFC 9562, version 7). */
  private static UUID uuid7() {
    var random = new SecureRandom();
    long high = (System.currentTimeMillis() << 16) | 0x7000L | random.nextInt(0x1000);
    long low = (random.nextLong() & 0x3FFFFFFFFFFFFFFFL) | 0x8000000000000000L;
    return new UUID(high, low);
  }

  /** A UUID made from a namespace and a name (RFC 9562, version 5). */
  private static UUID uuid5(UUID namespace, String name) throws GeneralSecurityException {
    MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
    ByteBuffer space = ByteBuffer.allocate(16);
    space.putLong(namespace.getMostSignificantBits()).putLong(namespace.getLeastSignificantBits());
    sha1.update(space.array());
    ByteBuffer digest = ByteBuffer.wrap(sha1.digest(name.getBytes(StandardCharsets.UTF_8)));
    long high = (digest.getLong() & 0xFFFFFFFFFFFF0FFFL) | 0x5000L;
    long low = (digest.getLong() & 0x3FFFFFFFFFFFFFFFL) | 0x8000000000000000L;
    return new UUID(high, low);
  }

  private PublishAndConsume() {}
}
