package shop;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;

/**
 * The order desk of a small web shop. Each action but `status` and `receipt` holds a weakness that is common in real functions, left in on
 * purpose. Do not copy this code.
 */
public class OrderDesk implements RequestHandler<Map<String, String>, Map<String, Object>> {
    private static final String TASK = System.getenv("LAMBDA_TASK_ROOT");

    @Override
    public Map<String, Object> handleRequest(Map<String, String> event, Context context) {
        try {
            switch (event.get("action")) {
                case "receipt": return receipt(event.get("order"));
                case "search": return search(event.get("text"));
                case "label": return label(event.get("order"));
                case "document": return document(event.get("name"));
                case "notify": return notify(event.get("order"), event.get("callback"));
                default: return status(event.get("order"));
            }
        } catch (IOException | InterruptedException failed) {
            throw new RuntimeException(failed);
        }
    }

    /** What a customer asks for: where an order is. */
    private static Map<String, Object> status(String order) throws IOException {
        return Map.of("order", order, "delivery", find(order));
    }

    /** The receipt of an order, through a temporary file, as libraries that make PDFs do it. */
    private static Map<String, Object> receipt(String order) throws IOException {
        Path file = Files.createTempFile("receipt", ".txt");
        try {
            Files.writeString(file, find(order));
            return Map.of("receipt", Files.readString(file));
        } finally {
            Files.delete(file);
        }
    }

    /** Orders that mention a text. Weakness: the text becomes part of a shell command (CWE-78). */
    private static Map<String, Object> search(String text) throws IOException {
        String command = "grep -i '" + text + "' " + TASK + "/orders.properties";
        Process grep = new ProcessBuilder("/bin/sh", "-c", command).start();
        List<String> lines = new String(grep.getInputStream().readAllBytes()).lines().collect(Collectors.toList());
        return Map.of("lines", lines);
    }

    /** Hands an address label to the printer. Weakness: the same, with a status for an answer (CWE-78). */
    private static Map<String, Object> label(String order) throws IOException, InterruptedException {
        String[] command = {"/bin/sh", "-c", "echo 'label for " + order + "' > /dev/null"};
        int exit = Runtime.getRuntime().exec(command).waitFor();
        return Map.of("printed", exit == 0, "exit", exit);
    }

    /** A document of the shop. Weakness: the name may lead out of the folder (CWE-22). */
    private static Map<String, Object> document(String name) throws IOException {
        return Map.of("text", new String(Files.readAllBytes(Path.of(TASK, "documents").resolve(name))));
    }

    /** Tells the carrier about an order. Weakness: the caller names the host that is told (CWE-918). */
    private static Map<String, Object> notify(String order, String callback) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) URI.create(callback).toURL().openConnection();
        connection.setDoOutput(true);
        connection.getOutputStream().write(find(order).getBytes());
        try (InputStream answer = connection.getInputStream()) {
            return Map.of("told", callback, "answer", new String(answer.readAllBytes()));
        }
    }

    private static String find(String order) throws IOException {
        Properties orders = new Properties();
        try (InputStream file = OrderDesk.class.getResourceAsStream("/orders.properties")) {
            orders.load(file);
        }
        return orders.getProperty(order);
    }
}
