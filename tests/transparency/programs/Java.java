// Compiled and run as one file: processes, files, names, sockets, threads.
// needs: java
import java.io.*; import java.net.*; import java.nio.channels.*; import java.nio.file.*; import java.nio.file.attribute.*; import java.util.*; import java.util.concurrent.*;
public class Java {
    interface Work { Object run() throws Exception; }
    static void say(Object o) { System.out.println(o); }
    static void attempt(Work w) { try { say(w.run()); } catch (Throwable e) { say(e); } }
    static String run(String... c) throws Exception {
        Process p = new ProcessBuilder(c).redirectErrorStream(true).start(); p.getOutputStream().close();
        return new String(p.getInputStream().readAllBytes()) + p.waitFor();
    }
    public static void main(String[] a) throws Exception {
        attempt(() -> run("sh", "-c", "echo $0 $#; exit 3", "x", "y")); attempt(() -> run("nowhere")); attempt(() -> Runtime.getRuntime().exec("sh -c exit").waitFor());
        attempt(() -> { var p = new ProcessBuilder("cat").redirectInput(new File("/proc/self/comm")).start(); return new String(p.getInputStream().readAllBytes()); });
        var pool = Executors.newFixedThreadPool(8); var all = new ArrayList<Future<String>>();
        for (int i = 0; i < 32; i++) { int n = i; all.add(pool.submit(() -> run("sh", "-c", "exit " + n))); }
        for (var f : all) System.out.print(f.get() + " "); pool.shutdown(); say("");
        Path p = Files.writeString(Path.of("f"), "text"); attempt(() -> Files.readString(p)); attempt(() -> Files.createFile(p)); attempt(() -> Files.readString(Path.of("nothing")));
        attempt(() -> Files.readString(Path.of("."))); attempt(() -> Files.createDirectory(Path.of("f/x"))); attempt(() -> new FileInputStream("nothing")); attempt(() -> new FileOutputStream("."));
        attempt(() -> PosixFilePermissions.toString(Files.getPosixFilePermissions(Files.createTempFile(Path.of("."), "t", ".x")))); attempt(() -> Files.createSymbolicLink(Path.of("l"), p)); attempt(() -> Files.readString(Path.of("l")));
        attempt(() -> Files.move(Path.of("l"), Path.of("m"))); attempt(() -> { Files.delete(p); return Files.exists(Path.of("m")); });
        try (var r = new RandomAccessFile("r", "rw"); var l = r.getChannel().lock()) { r.setLength(10000); var m = r.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 4096); m.put(1, (byte) 7); r.seek(1); say(r.read() + " " + l.isValid()); }
        attempt(() -> InetAddress.getByName("localhost").isLoopbackAddress()); attempt(() -> InetAddress.getByName("no-such-name.invalid"));
        try (var s = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            var t = new Thread(() -> attempt(() -> { try (var c = s.accept()) { c.getOutputStream().write("over tcp".getBytes()); } return "accepted"; })); t.start();
            String got; try (var c = new Socket("localhost", s.getLocalPort())) { got = new String(c.getInputStream().readAllBytes()); } t.join(); say(got);
            attempt(() -> { try { new ServerSocket(s.getLocalPort(), 5, InetAddress.getLoopbackAddress()); } catch (BindException e) { return "in use"; } return "free"; });
        }
        attempt(() -> { try (var c = new Socket("127.0.0.1", 1)) { return c; } }); attempt(() -> { try (var c = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) { c.bind(UnixDomainSocketAddress.of("socket")); return Files.exists(Path.of("socket")); } });
    }
}
