/** Stands in for AWS's Log4jHotPatch: an agent of the JVM that is loaded before the runtime client. */
public class Agent {
    public static void premain(String arguments) {}
}
