package shop;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;

/** The order desk of a small web shop. `search` holds a weakness that is common in real functions, left in on purpose. */
public class OrderDesk implements RequestHandler<Map<String, String>, Map<String, Object>> {
    @Override
    public Map<String, Object> handleRequest(Map<String, String> event, Context context) {
        try {
            return "search".equals(event.get("action")) ? search(event.get("text")) : status(event.get("order"));
        } catch (IOException failed) {
            throw new RuntimeException(failed);
        }
    }

    /** What a customer asks for: where an order is. */
    private static Map<String, Object> status(String order) throws IOException {
        Properties orders = new Properties();
        try (InputStream file = OrderDesk.class.getResourceAsStream("/orders.properties")) {
            orders.load(file);
        }
        return Map.of("order", order, "delivery", orders.getProperty(order));
    }

    /** Orders that mention a text. Weakness: the text becomes part of a shell command (CWE-78). */
    private static Map<String, Object> search(String text) throws IOException {
        String command = "grep -i '" + text + "' " + System.getenv("LAMBDA_TASK_ROOT") + "/orders.properties";
        Process grep = new ProcessBuilder("/bin/sh", "-c", command).start();
        List<String> lines = new String(grep.getInputStream().readAllBytes()).lines().collect(Collectors.toList());
        return Map.of("lines", lines);
    }
}
