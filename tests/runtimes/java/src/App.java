import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.*;
import java.net.*;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.channels.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.rmi.registry.LocateRegistry;
import java.rmi.server.UnicastRemoteObject;
import java.security.cert.X509Certificate;
import java.util.*;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.jar.JarFile;
import java.util.zip.*;
import javax.naming.directory.InitialDirContext;
import javax.net.ssl.*;
import javax.xml.parsers.DocumentBuilderFactory;

/**
 * Every public way in Java's standard library to start a program, resolve a name, connect, listen, open and change files.
 *
 * An event names one act and gives it a target; the act does it and returns what proves that it was done: the text that the
 * program printed, the address, the server's `pong`, the port, the file's content. `{"act": "list"}` gives them all.
 */
public class App implements RequestHandler<Map<String, Object>, Object> {
    interface Perform { Object on(Target t) throws Throwable; }

    record Act(String section, String refusal, Object audits, Perform perform) {}

    /** What an act is told. */
    record Target(Map<String, Object> all) {
        String get(String name) { return (String) all.get(name); }
        int port(String name) { return ((Number) all.get(name)).intValue(); }
        Path path(String name) { return Path.of(get(name)); }
        File file(String name) { return new File(get(name)); }
        InetSocketAddress to(String port) { return new InetSocketAddress(literal(), port(port)); }
        InetAddress literal() {
            try { return InetAddress.getByName(get("address")); } catch (UnknownHostException e) { throw new IllegalStateException(e); }
        }
    }

    /** The standard library tells a failure by a value. */
    static class Refused extends RuntimeException { Refused(String how) { super(how); } }

    static final Map<String, Act> ACTS = new LinkedHashMap<>();

    static void act(String section, String name, String refusal, Perform perform) {
        ACTS.put(name, new Act(section, refusal, 1, perform));
    }

    /** An act that is more than one attempt, and why it is. */
    static void attempts(int prevent, int alert, String why, String section, String name, String refusal, Perform perform) {
        ACTS.put(name, new Act(section, refusal, Map.of("prevent", prevent, "alert", alert, "why", why), perform));
    }

    static final String DENIED = "AccessDeniedException";
    static final String NOT_FOUND = "FileNotFoundException: Permission denied";

    static {
        // No answer may come from a cache.
        java.security.Security.setProperty("networkaddress.cache.ttl", "0");
        java.security.Security.setProperty("networkaddress.cache.negative.ttl", "0");
        System.setProperty("jdk.internal.httpclient.disableHostnameVerification", "true");
        programs();
        morePrograms();
        names();
        connections();
        listeners();
        reads();
        writes();
        honest();
    }

    @Override
    public Object handleRequest(Map<String, Object> event, Context context) {
        String name = (String) event.get("act");
        if (name.equals("list")) {
            return ACTS.entrySet().stream().map(e -> List.of(e.getKey(), e.getValue().section, e.getValue().refusal, e.getValue().audits)).collect(Collectors.toList());
        }
        @SuppressWarnings("unchecked")
        Target target = new Target((Map<String, Object>) event.get("target"));
        Map<String, Object> answer = new HashMap<>();
        try {
            Object found = ACTS.get(name).perform.on(target);
            // The client leaves out what is null.
            answer.put("answer", found == null ? "done" : found);
        } catch (Refused refused) {
            answer.put("refused", refused.getMessage());
        } catch (Throwable failed) {
            answer.put("refused", told(failed));
        }
        return answer;
    }

    /** The name of an exception, and what it says of the reason. */
    static String told(Throwable failed) {
        while ((failed instanceof ExecutionException || failed instanceof UncheckedIOException || failed instanceof java.rmi.server.ExportException) && failed.getCause() != null) failed = failed.getCause();
        String text = failed.getClass().getSimpleName(), message = String.valueOf(failed.getMessage());
        if (message.contains("error=13, Permission denied")) return text + ": error=13, Permission denied";
        return message.contains("Permission denied") ? text + ": Permission denied" : text;
    }

    static String output(Process process) throws Exception {
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        process.waitFor();
        return text;
    }

    static void programs() {
        String denied = "IOException: error=13, Permission denied";
        act("process", "ProcessBuilder.start", denied, t -> output(new ProcessBuilder(t.get("program"), t.get("token")).start()));
        act("process", "ProcessBuilder.start by name", denied, t -> output(new ProcessBuilder("echo", t.get("token")).start()));
        act("process", "ProcessBuilder.start of a shell", denied, t -> output(new ProcessBuilder("/bin/sh", "-c", "echo " + t.get("token")).start()));
        act("process", "ProcessBuilder with an empty environment", denied, t -> {
            ProcessBuilder builder = new ProcessBuilder(t.get("program"), t.get("token"));
            builder.environment().clear();
            return output(builder.start());
        });
        act("process", "ProcessBuilder in another directory", denied, t -> output(new ProcessBuilder(t.get("program"), t.get("token")).directory(new File("/tmp")).start()));
        act("process", "ProcessBuilder into a file", denied, t -> {
            File out = t.file("free_new");
            new ProcessBuilder(t.get("program"), t.get("token")).redirectOutput(out).start().waitFor();
            return Files.readString(out.toPath()).strip();
        });
        act("process", "ProcessBuilder.startPipeline", denied, t -> output(ProcessBuilder.startPipeline(List.of(new ProcessBuilder(t.get("program"), t.get("token")))).get(0)));
        act("process", "Runtime.exec(String)", denied, t -> output(Runtime.getRuntime().exec(t.get("program") + " " + t.get("token"))));
        act("process", "Runtime.exec(String[])", denied, t -> output(Runtime.getRuntime().exec(new String[] {t.get("program"), t.get("token")})));
        act("process", "Runtime.exec(String[], String[], File)", denied, t -> output(Runtime.getRuntime().exec(new String[] {t.get("program"), t.get("token")}, new String[] {"A=b"}, new File("/"))));
    }

    static void morePrograms() {
        String denied = "IOException: error=13, Permission denied";
        act("process", "ProcessBuilder.inheritIO", denied, t -> {
            File out = t.file("free_new");
            new ProcessBuilder(t.get("program"), t.get("token")).inheritIO().redirectOutput(ProcessBuilder.Redirect.to(out)).start().waitFor();
            return Files.readString(out.toPath()).strip();
        });
        act("process", "ProcessBuilder.redirectErrorStream", denied, t -> output(new ProcessBuilder(t.get("program"), t.get("token")).redirectErrorStream(true).start()));
        act("process", "ProcessBuilder.redirectInput", denied, t -> output(new ProcessBuilder(t.get("program"), t.get("token")).redirectInput(t.file("free")).start()));
        act("process", "Runtime.exec(String, String[])", denied, t -> output(Runtime.getRuntime().exec(t.get("program") + " " + t.get("token"), new String[] {"A=b"})));
        act("process", "ProcessBuilder.start in a thread", denied, t -> {
            try { return CompletableFuture.supplyAsync(() -> {
                try { return output(new ProcessBuilder(t.get("program"), t.get("token")).start()); } catch (Exception failed) { throw new CompletionException(failed); }
            }).join(); } catch (CompletionException failed) { throw failed.getCause(); }
        });
    }

    static void names() {
        String unknown = "UnknownHostException";
        act("resolve", "InetAddress.getByName", unknown, t -> InetAddress.getByName(t.get("host")).getHostAddress());
        act("resolve", "InetAddress.getAllByName", unknown, t -> InetAddress.getAllByName(t.get("host"))[0].getHostAddress());
        act("resolve", "new InetSocketAddress(name)", "unresolved", t -> {
            InetSocketAddress found = new InetSocketAddress(t.get("host"), 80);
            if (found.isUnresolved()) throw new Refused("unresolved");
            return found.getAddress().getHostAddress();
        });
        act("resolve", "new Socket(name)", unknown, t -> {
            try (Socket client = new Socket(t.get("host"), t.port("tcp"))) { return client.getInetAddress().getHostAddress(); }
        });
        act("resolve", "SocketChannel.open(name)", "UnresolvedAddressException", t -> {
            try (SocketChannel client = SocketChannel.open(new InetSocketAddress(t.get("host"), t.port("tcp")))) { return ((InetSocketAddress) client.getRemoteAddress()).getAddress().getHostAddress(); }
        });
        act("resolve", "URL.openStream(name)", unknown, t -> { read(new URL("http://" + t.get("host") + ":" + t.port("tcp") + "/").openStream()); return t.get("allowed"); });
        attempts(4, 1, "tries twice, each time by two ways", "resolve", "HttpClient.send(name)", "ConnectException", t -> { http("http://" + t.get("host") + ":" + t.port("tcp") + "/"); return t.get("allowed"); });
        act("resolve", "URL.equals(name)", "hosts differ", t -> {
            if (!new URL("http://" + t.get("host") + "/").equals(new URL("http://" + t.get("allowed") + "/"))) throw new Refused("hosts differ");
            return t.get("allowed");
        });
        act("resolve", "Socket.connect(name)", unknown, t -> {
            try (Socket client = new Socket()) { client.connect(new InetSocketAddress(t.get("host"), t.port("tcp")), 5000); return client.getInetAddress().getHostAddress(); }
        });
        act("resolve", "SSLSocketFactory.createSocket(name)", unknown, t -> { try (Socket client = trusting().getSocketFactory().createSocket(t.get("host"), t.port("tls"))) { return client.getInetAddress().getHostAddress(); } });
        act("resolve", "HttpURLConnection(name)", unknown, t -> { read(((HttpURLConnection) new URL("http://" + t.get("host") + ":" + t.port("tcp") + "/").openConnection()).getInputStream()); return t.get("allowed"); });
        act("resolve", "URL.hashCode(name)", "hosts differ", t -> {
            if (new URL("http://" + t.get("host") + "/").hashCode() != new URL("http://" + t.get("allowed") + "/").hashCode()) throw new Refused("hosts differ");
            return t.get("allowed");
        });
        // The name of an address.
        String address = "the address";
        act("resolve", "InetAddress.getHostName", address, t -> named(t, fresh(t).getHostName()));
        act("resolve", "InetAddress.getCanonicalHostName", address, t -> named(t, fresh(t).getCanonicalHostName()));
        act("resolve", "InetSocketAddress.getHostName", address, t -> named(t, new InetSocketAddress(fresh(t), 80).getHostName()));
        String own = "its client sometimes binds to a port of its own choice, whose audit is not counted here";
        ACTS.put("javax.naming: dns:", new Act("resolve", "CommunicationException", Map.of("prevent", 1, "alert", 1, "beside", "unlisted-port", "why", own), t -> {
            Hashtable<String, String> settings = new Hashtable<>();
            settings.put("java.naming.factory.initial", "com.sun.jndi.dns.DnsContextFactory");
            settings.put("java.naming.provider.url", "dns://" + t.get("resolver"));
            settings.put("com.sun.jndi.dns.timeout.retries", "1");
            return new InitialDirContext(settings).getAttributes(t.get("host"), new String[] {"A"}).get("A").get().toString();
        }));
    }

    /** An address that nobody has asked for the name of yet. */
    static InetAddress fresh(Target t) throws IOException { return InetAddress.getByAddress(t.literal().getAddress()); }

    static String named(Target t, String found) {
        if (found.equals(t.get("address"))) throw new Refused("the address");
        // To be sure that the name is right, Java has resolved it, too.
        return found.equals(t.get("named")) ? t.get("allowed") : found;
    }

    static String read(InputStream stream) throws IOException {
        try (stream) { return new String(stream.readAllBytes(), StandardCharsets.UTF_8); }
    }

    static String http(String url) throws Exception {
        return HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build().send(HttpRequest.newBuilder(URI.create(url)).build(), BodyHandlers.ofString()).body();
    }

    static String ping(Socket client) throws IOException {
        try (client) {
            client.getOutputStream().write("ping\n".getBytes());
            return new BufferedReader(new InputStreamReader(client.getInputStream())).readLine();
        }
    }

    static String ping(SocketChannel client) throws IOException {
        try (client) {
            client.configureBlocking(true);
            client.write(ByteBuffer.wrap("ping\n".getBytes()));
            ByteBuffer answer = ByteBuffer.allocate(10);
            client.read(answer);
            return new String(answer.array(), 0, answer.position()).strip();
        }
    }

    static final byte[] PING = "ping".getBytes();

    static String pong(DatagramSocket client) throws IOException {
        client.setSoTimeout(5000);
        DatagramPacket answer = new DatagramPacket(new byte[10], 10);
        client.receive(answer);
        return new String(answer.getData(), 0, answer.getLength());
    }

    static SSLContext trusting() throws Exception {
        TrustManager all = new X509ExtendedTrustManager() {
            public void checkClientTrusted(X509Certificate[] chain, String type) {}
            public void checkServerTrusted(X509Certificate[] chain, String type) {}
            public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}
            public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}
            public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}
            public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}
            public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
        };
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {all}, null);
        return context;
    }

    static void connections() {
        // What the JDK makes of EACCES from any call on a socket (net_util_md.c).
        String denied = "BindException: Permission denied";
        act("connect", "new Socket", denied, t -> ping(new Socket(t.literal(), t.port("tcp"))));
        act("connect", "Socket.connect", denied, t -> { Socket client = new Socket(); client.connect(t.to("tcp"), 5000); return ping(client); });
        act("connect", "SocketChannel.open(address)", denied, t -> ping(SocketChannel.open(t.to("tcp"))));
        act("connect", "SocketChannel.connect, not blocking", denied, t -> {
            SocketChannel client = SocketChannel.open();
            client.configureBlocking(false);
            if (!client.connect(t.to("tcp"))) while (!client.finishConnect()) Thread.sleep(1);
            return ping(client);
        });
        act("connect", "AsynchronousSocketChannel.connect", denied, t -> {
            try (AsynchronousSocketChannel client = AsynchronousSocketChannel.open()) {
                client.connect(t.to("tcp")).get(5, TimeUnit.SECONDS);
                client.write(ByteBuffer.wrap("ping\n".getBytes())).get();
                ByteBuffer answer = ByteBuffer.allocate(10);
                client.read(answer).get(5, TimeUnit.SECONDS);
                return new String(answer.array(), 0, answer.position()).strip();
            }
        });
        act("connect", "URL.openStream", denied, t -> read(new URL("http://" + t.get("address") + ":" + t.port("tcp") + "/").openStream()));
        act("connect", "HttpURLConnection", denied, t -> read(((HttpURLConnection) new URL("http://" + t.get("address") + ":" + t.port("tcp") + "/").openConnection()).getInputStream()));
        act("connect", "HttpsURLConnection", denied, t -> {
            HttpsURLConnection connection = (HttpsURLConnection) new URL("https://" + t.get("address") + ":" + t.port("tls") + "/").openConnection();
            connection.setSSLSocketFactory(trusting().getSocketFactory());
            connection.setHostnameVerifier((host, session) -> true);
            return read(connection.getInputStream());
        });
        attempts(2, 1, "tries twice", "connect", "HttpClient.send", "ConnectException: Permission denied", t -> http("http://" + t.get("address") + ":" + t.port("tcp") + "/"));
        attempts(2, 1, "tries twice", "connect", "HttpClient.sendAsync", "ConnectException: Permission denied", t -> {
            HttpRequest request = HttpRequest.newBuilder(URI.create("http://" + t.get("address") + ":" + t.port("tcp") + "/")).build();
            return HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build().sendAsync(request, BodyHandlers.ofString()).get(5, TimeUnit.SECONDS).body();
        });
        act("connect", "new Socket(Proxy.NO_PROXY)", denied, t -> { Socket client = new Socket(Proxy.NO_PROXY); client.connect(t.to("tcp")); return ping(client); });
        act("connect", "SSLSocketFactory.createSocket", denied, t -> ping(trusting().getSocketFactory().createSocket(t.literal(), t.port("tls"))));
        act("connect", "DatagramSocket.send", denied, t -> {
            try (DatagramSocket client = new DatagramSocket()) { client.send(new DatagramPacket(PING, 4, t.to("udp"))); return pong(client); }
        });
        act("connect", "DatagramSocket.connect + send", denied, t -> {
            try (DatagramSocket client = new DatagramSocket()) { client.connect(t.to("udp")); client.send(new DatagramPacket(PING, 4)); return pong(client); }
        });
        act("connect", "MulticastSocket.send", denied, t -> {
            try (MulticastSocket client = new MulticastSocket()) { client.send(new DatagramPacket(PING, 4, t.to("udp"))); return pong(client); }
        });
        act("connect", "DatagramChannel.send", denied, t -> {
            try (DatagramChannel client = DatagramChannel.open()) { client.send(ByteBuffer.wrap(PING), t.to("udp")); return pong(client); }
        });
        act("connect", "DatagramChannel.connect + write", denied, t -> {
            try (DatagramChannel client = DatagramChannel.open()) { client.connect(t.to("udp")); client.write(ByteBuffer.wrap(PING)); return pong(client); }
        });
    }

    static String pong(DatagramChannel client) throws IOException {
        ByteBuffer answer = ByteBuffer.allocate(10);
        client.receive(answer);
        return new String(answer.array(), 0, answer.position());
    }

    static void listeners() {
        String denied = "BindException: Permission denied";
        act("listen", "new ServerSocket", denied, t -> { try (ServerSocket server = new ServerSocket(t.port("listen"))) { return server.getLocalPort(); } });
        act("listen", "ServerSocket.bind", denied, t -> { try (ServerSocket server = new ServerSocket()) { server.bind(new InetSocketAddress(t.port("listen"))); return server.getLocalPort(); } });
        act("listen", "new ServerSocket on a port that the kernel chose", denied, t -> { try (ServerSocket server = new ServerSocket(0)) { return server.getLocalPort() > 0 ? t.port("listen") : null; } });
        act("listen", "ServerSocketChannel.bind", denied, t -> { try (ServerSocketChannel server = ServerSocketChannel.open()) { server.bind(new InetSocketAddress(t.port("listen"))); return server.socket().getLocalPort(); } });
        act("listen", "AsynchronousServerSocketChannel.bind", denied, t -> { try (AsynchronousServerSocketChannel server = AsynchronousServerSocketChannel.open()) { server.bind(new InetSocketAddress(t.port("listen"))); return ((InetSocketAddress) server.getLocalAddress()).getPort(); } });
        act("listen", "SSLServerSocketFactory.createServerSocket", denied, t -> { try (ServerSocket server = trusting().getServerSocketFactory().createServerSocket(t.port("listen"))) { return server.getLocalPort(); } });
        act("listen", "ServerSocketFactory.createServerSocket", denied, t -> { try (ServerSocket server = javax.net.ServerSocketFactory.getDefault().createServerSocket(t.port("listen"))) { return server.getLocalPort(); } });
        act("listen", "ServerSocketChannel.socket().bind", denied, t -> { try (ServerSocketChannel server = ServerSocketChannel.open()) { server.socket().bind(new InetSocketAddress(t.port("listen"))); return server.socket().getLocalPort(); } });
        act("listen", "Socket.bind", denied, t -> { try (Socket client = new Socket()) { client.bind(new InetSocketAddress(t.port("listen"))); return client.getLocalPort(); } });
        act("listen", "SocketChannel.bind", denied, t -> { try (SocketChannel client = SocketChannel.open()) { client.bind(new InetSocketAddress(t.port("listen"))); return client.socket().getLocalPort(); } });
        act("listen", "DatagramSocket.bind", denied, t -> { try (DatagramSocket server = new DatagramSocket(null)) { server.bind(new InetSocketAddress(t.port("listen"))); return server.getLocalPort(); } });
        act("listen", "HttpsServer.create", denied, t -> { HttpServer server = com.sun.net.httpserver.HttpsServer.create(new InetSocketAddress(t.port("listen")), 0); int port = server.getAddress().getPort(); server.start(); server.stop(0); return port; });
        act("listen", "HttpServer.create", denied, t -> { HttpServer server = HttpServer.create(new InetSocketAddress(t.port("listen")), 0); int port = server.getAddress().getPort(); server.start(); server.stop(0); return port; });
        act("listen", "LocateRegistry.createRegistry", denied, t -> { UnicastRemoteObject.unexportObject(LocateRegistry.createRegistry(t.port("listen")), true); return t.port("listen"); });
        act("listen", "new DatagramSocket(port)", denied, t -> { try (DatagramSocket server = new DatagramSocket(t.port("listen"))) { return server.getLocalPort(); } });
        act("listen", "new MulticastSocket(port)", denied, t -> { try (MulticastSocket server = new MulticastSocket(t.port("listen"))) { return server.getLocalPort(); } });
        act("listen", "DatagramChannel.bind", denied, t -> { try (DatagramChannel server = DatagramChannel.open()) { server.bind(new InetSocketAddress(t.port("listen"))); return server.socket().getLocalPort(); } });
    }

    static void reads() {
        act("read", "Files.readString", DENIED, t -> Files.readString(t.path("file")));
        act("read", "Files.readAllBytes", DENIED, t -> new String(Files.readAllBytes(t.path("file"))));
        act("read", "Files.readAllLines", DENIED, t -> Files.readAllLines(t.path("file")).get(0));
        act("read", "Files.lines", DENIED, t -> { try (Stream<String> lines = Files.lines(t.path("file"))) { return lines.findFirst().get(); } });
        act("read", "Files.newInputStream", DENIED, t -> read(Files.newInputStream(t.path("file"))));
        act("read", "Files.newBufferedReader", DENIED, t -> { try (BufferedReader reader = Files.newBufferedReader(t.path("file"))) { return reader.readLine(); } });
        act("read", "Files.newByteChannel", DENIED, t -> { try (SeekableByteChannel channel = Files.newByteChannel(t.path("file"))) { return channel(channel); } });
        act("read", "FileChannel.open", DENIED, t -> { try (FileChannel channel = FileChannel.open(t.path("file"))) { return channel(channel); } });
        act("read", "FileChannel.map", DENIED, t -> { try (FileChannel channel = FileChannel.open(t.path("file"))) { return StandardCharsets.UTF_8.decode(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size())).toString(); } });
        act("read", "AsynchronousFileChannel.open", DENIED, t -> { try (AsynchronousFileChannel channel = AsynchronousFileChannel.open(t.path("file"))) { ByteBuffer buffer = ByteBuffer.allocate(100); channel.read(buffer, 0).get(); return new String(buffer.array(), 0, buffer.position()); } });
        act("read", "new FileInputStream", NOT_FOUND, t -> read(new FileInputStream(t.get("file"))));
        act("read", "new FileReader", NOT_FOUND, t -> { try (BufferedReader reader = new BufferedReader(new FileReader(t.get("file")))) { return reader.readLine(); } });
        act("read", "new RandomAccessFile", NOT_FOUND, t -> { try (RandomAccessFile file = new RandomAccessFile(t.get("file"), "r")) { return file.readLine(); } });
        act("read", "new Scanner", NOT_FOUND, t -> { try (Scanner scanner = new Scanner(t.file("file"))) { return scanner.nextLine(); } });
        act("read", "URL.openStream(file:)", NOT_FOUND, t -> read(new URL("file:" + t.get("file")).openStream()));
        act("read", "Files.copy(source)", DENIED, t -> Files.readString(Files.copy(t.path("file"), t.path("free_new"))));
        act("read", "Files.mismatch", DENIED, t -> Files.mismatch(t.path("file"), t.path("free_same")) < 0 ? t.get("content") : null);
        act("read", "Files.readSymbolicLink", DENIED, t -> Files.readSymbolicLink(t.path("link")).equals(t.path("free")) ? t.get("content") : null);
        act("read", "FileChannel.transferTo", DENIED, t -> { try (FileChannel from = FileChannel.open(t.path("file")); FileChannel to = FileChannel.open(t.path("free_new"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) { from.transferTo(0, from.size(), to); } return Files.readString(t.path("free_new")); });
        act("read", "new ZipFile", NOT_FOUND, t -> { try (ZipFile zip = new ZipFile(t.get("packed") + ".zip")) { return read(zip.getInputStream(zip.getEntry("file"))); } });
        act("read", "new JarFile", NOT_FOUND, t -> { try (JarFile jar = new JarFile(t.get("packed") + ".zip")) { return read(jar.getInputStream(jar.getEntry("file"))); } });
        act("read", "FileSystems.newFileSystem", DENIED, t -> { try (FileSystem zip = FileSystems.newFileSystem(Path.of(t.get("packed") + ".zip"))) { return Files.readString(zip.getPath("file")); } });
        act("read", "new URLClassLoader", "nothing found", t -> {
            try (URLClassLoader loader = new URLClassLoader(new URL[] {new URL("file:" + t.get("packed") + ".zip")})) {
                InputStream found = loader.getResourceAsStream("file");
                if (found == null) throw new Refused("nothing found");
                return read(found);
            }
        });
        act("read", "new GZIPInputStream", NOT_FOUND, t -> read(new GZIPInputStream(new FileInputStream(t.get("packed") + ".gz"))));
        act("read", "Properties.load", NOT_FOUND, t -> { Properties found = new Properties(); try (Reader reader = new FileReader(t.get("packed") + ".properties")) { found.load(reader); } return found.getProperty("content"); });
        act("read", "DocumentBuilder.parse(File)", NOT_FOUND, t -> DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new File(t.get("packed") + ".xml")).getDocumentElement().getTextContent());
        act("read", "new FileInputStream(File)", NOT_FOUND, t -> read(new FileInputStream(t.file("file"))));
        attempts(3, 3, "the JVM opens the file twice more, to say why it is no library", "read", "System.load", "UnsatisfiedLinkError: refused-by-a-runtime-rule", t -> {
            // What is no library is read all the same, to find that out.
            try { System.load(t.get("file")); } catch (UnsatisfiedLinkError failed) { if (failed.getMessage().contains("refused-by-a-runtime-rule")) throw new Refused("UnsatisfiedLinkError: refused-by-a-runtime-rule"); }
            return t.get("content");
        });
        act("read", "Files.find", DENIED, t -> { try (Stream<Path> entries = Files.find(t.path("full"), 1, (path, attributes) -> path.endsWith("inner"))) { return entries.count() == 1 ? t.get("content") : null; } });
        act("read", "Files.walkFileTree", DENIED, t -> {
            List<Path> found = new ArrayList<>();
            Files.walkFileTree(t.path("full"), new SimpleFileVisitor<>() {
                @Override public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) { found.add(path); return FileVisitResult.CONTINUE; }
            });
            return found.size() == 1 ? t.get("content") : null;
        });
        act("read", "Files.list", DENIED, t -> { try (Stream<Path> entries = Files.list(t.path("folder"))) { return entries.anyMatch(each -> each.endsWith("file")) ? t.get("content") : null; } });
        act("read", "Files.newDirectoryStream", DENIED, t -> { try (DirectoryStream<Path> entries = Files.newDirectoryStream(t.path("folder"))) { return entries.iterator().hasNext() ? t.get("content") : null; } });
        act("read", "Files.walk", DENIED, t -> { try (Stream<Path> entries = Files.walk(t.path("folder"), 1)) { return entries.anyMatch(each -> each.endsWith("file")) ? t.get("content") : null; } });
        act("read", "File.list", "null", t -> { if (t.file("folder").list() == null) throw new Refused("null"); return t.get("content"); });
        act("read", "File.listFiles", "null", t -> { if (t.file("folder").listFiles() == null) throw new Refused("null"); return t.get("content"); });
    }

    static String channel(SeekableByteChannel channel) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(100);
        channel.read(buffer);
        return new String(buffer.array(), 0, buffer.position());
    }

    static Object done(boolean worked) {
        if (!worked) throw new Refused("false");
        return null;
    }

    static void writes() {
        act("write", "Files.writeString", DENIED, t -> Files.writeString(t.path("kept"), "x").toString());
        act("write", "Files.write", DENIED, t -> Files.write(t.path("new"), PING).toString());
        act("write", "Files.newOutputStream", DENIED, t -> { Files.newOutputStream(t.path("kept")).close(); return null; });
        act("write", "Files.newBufferedWriter", DENIED, t -> { Files.newBufferedWriter(t.path("new")).close(); return null; });
        act("write", "Files.createFile", DENIED, t -> Files.createFile(t.path("new")).toString());
        act("write", "Files.createTempFile", DENIED, t -> Files.createTempFile(t.path("folder"), "a", "b").toString());
        act("write", "Files.createDirectory", DENIED, t -> Files.createDirectory(t.path("new")).toString());
        attempts(2, 1, "tries to make the folder, and then the one that it is in", "write", "Files.createDirectories", DENIED, t -> Files.createDirectories(t.path("new")).toString());
        act("write", "Files.createTempDirectory", DENIED, t -> Files.createTempDirectory(t.path("folder"), "a").toString());
        act("write", "Files.createSymbolicLink", DENIED, t -> Files.createSymbolicLink(t.path("new"), t.path("free")).toString());
        act("write", "Files.createLink", DENIED, t -> Files.createLink(t.path("new"), t.path("free")).toString());
        act("write", "Files.copy(target)", DENIED, t -> Files.copy(t.path("free"), t.path("new")).toString());
        act("write", "Files.move", DENIED, t -> Files.move(t.path("kept"), t.path("free_new")).toString());
        act("write", "Files.move(ATOMIC_MOVE)", DENIED, t -> Files.move(t.path("kept"), t.path("free_new"), StandardCopyOption.ATOMIC_MOVE).toString());
        act("write", "Files.write(APPEND)", DENIED, t -> Files.write(t.path("kept"), PING, StandardOpenOption.APPEND).toString());
        act("write", "Files.newByteChannel(CREATE_NEW)", DENIED, t -> { Files.newByteChannel(t.path("new"), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE).close(); return null; });
        act("write", "Files.copy(InputStream)", DENIED, t -> Files.copy(new ByteArrayInputStream(PING), t.path("new")));
        attempts(1, 2, "removes what is there, and then writes", "write", "Files.copy(REPLACE_EXISTING)", DENIED, t -> Files.copy(t.path("free"), t.path("kept"), StandardCopyOption.REPLACE_EXISTING).toString());
        act("write", "Files.setOwner", DENIED, t -> Files.setOwner(t.path("kept"), Files.getOwner(t.path("free"))).toString());
        act("write", "ServerSocketChannel.bind to a Unix path", "BindException: Permission denied", t -> { try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) { server.bind(UnixDomainSocketAddress.of(t.path("new"))); return null; } });
        act("write", "Files.setAttribute(unix:mode)", DENIED, t -> Files.setAttribute(t.path("kept"), "unix:mode", 0600).toString());
        act("write", "FileChannel.transferFrom", DENIED, t -> { try (FileChannel from = FileChannel.open(t.path("free")); FileChannel to = FileChannel.open(t.path("new"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) { to.transferFrom(from, 0, 1); } return null; });
        act("write", "FileChannel.map(READ_WRITE)", DENIED, t -> { try (FileChannel channel = FileChannel.open(t.path("kept"), StandardOpenOption.READ, StandardOpenOption.WRITE)) { channel.map(FileChannel.MapMode.READ_WRITE, 0, 1).put((byte) 'x'); } return null; });
        act("write", "new PrintStream", NOT_FOUND, t -> { new PrintStream(t.get("new")).close(); return null; });
        act("write", "new Formatter", NOT_FOUND, t -> { new Formatter(t.get("new")).close(); return null; });
        act("write", "new ZipOutputStream", NOT_FOUND, t -> { try (ZipOutputStream zip = new ZipOutputStream(new FileOutputStream(t.get("new")))) { zip.putNextEntry(new ZipEntry("a")); } return null; });
        attempts(1, 3, "makes a file for a lock, and the log, and removes the lock", "write", "logging.FileHandler", DENIED, t -> { new java.util.logging.FileHandler(t.get("new")).close(); return null; });
        attempts(2, 1, "tries to make the folder, and then the one that it is in", "write", "File.mkdirs", "false", t -> done(t.file("new").mkdirs()));
        act("write", "File.setExecutable", "false", t -> done(t.file("kept").setExecutable(true)));
        act("write", "File.setReadable", "false", t -> done(t.file("kept").setReadable(true, true)));
        act("write", "File.setWritable", "false", t -> done(t.file("kept").setWritable(true, true)));
        act("write", "Files.delete", DENIED, t -> { Files.delete(t.path("kept")); return null; });
        act("write", "Files.delete of a folder", DENIED, t -> { Files.delete(t.path("sub")); return null; });
        act("write", "Files.deleteIfExists", DENIED, t -> Files.deleteIfExists(t.path("kept")));
        act("write", "Files.setPosixFilePermissions", DENIED, t -> Files.setPosixFilePermissions(t.path("kept"), PosixFilePermissions.fromString("rw-------")).toString());
        attempts(1, 2, "opens the file, and then sets its times", "write", "Files.setLastModifiedTime", DENIED, t -> Files.setLastModifiedTime(t.path("kept"), FileTime.fromMillis(1000)).toString());
        act("write", "FileChannel.open(CREATE)", DENIED, t -> { FileChannel.open(t.path("new"), StandardOpenOption.CREATE, StandardOpenOption.WRITE).close(); return null; });
        act("write", "AsynchronousFileChannel.open(CREATE)", DENIED, t -> { AsynchronousFileChannel.open(t.path("new"), StandardOpenOption.CREATE, StandardOpenOption.WRITE).close(); return null; });
        act("write", "new FileOutputStream", NOT_FOUND, t -> { new FileOutputStream(t.get("new")).close(); return null; });
        act("write", "new FileOutputStream(append)", NOT_FOUND, t -> { try (FileOutputStream file = new FileOutputStream(t.get("kept"), true)) { file.write(1); } return null; });
        act("write", "new FileWriter", NOT_FOUND, t -> { new FileWriter(t.get("new")).close(); return null; });
        act("write", "new PrintWriter", NOT_FOUND, t -> { new PrintWriter(t.get("new")).close(); return null; });
        act("write", "new RandomAccessFile(rw)", NOT_FOUND, t -> { new RandomAccessFile(t.get("new"), "rw").close(); return null; });
        act("write", "File.createNewFile", "IOException: Permission denied", t -> done(t.file("new").createNewFile()));
        act("write", "File.createTempFile", "IOException: Permission denied", t -> File.createTempFile("abc", null, t.file("folder")).toString());
        act("write", "File.mkdir", "false", t -> done(t.file("new").mkdir()));
        act("write", "File.renameTo", "false", t -> done(t.file("kept").renameTo(t.file("free_new"))));
        act("write", "File.delete", "false", t -> done(t.file("kept").delete()));
        act("write", "File.setReadOnly", "false", t -> done(t.file("kept").setReadOnly()));
        act("write", "File.setLastModified", "false", t -> done(t.file("kept").setLastModified(1000)));
    }

    static void honest() {
        act("honest", "threads", "", t -> { Thread thread = new Thread(() -> {}); thread.start(); thread.join(); return true; });
        act("honest", "a connection to loopback", "", t -> ping(new Socket("127.0.0.1", t.port("tcp"))));
        act("honest", "InetAddress.getByName(\"localhost\")", "", t -> InetAddress.getByName("localhost").getHostAddress());
        act("honest", "InetAddress.getByName of an address", "", t -> t.literal().getHostAddress());
        act("honest", "reading and writing elsewhere", "", t -> Files.writeString(t.path("free"), Files.readString(t.path("free"))).toString());
        act("honest", "Files.size", "", t -> Files.size(t.path("file")));
        act("honest", "Selector.open", "", t -> { Selector.open().close(); return true; });
    }
}
