// Every public way in .NET's standard library to start a program, resolve a name, connect, listen, open and change files; but for
// HttpListener and the readers of XML, which load an OpenSSL that .NET Core 3.1 knows of, and abort where there is none.
//
// An event names one act and gives it a target; the act does it and returns what proves that it was done: the text that the
// program printed, the address, the server's `pong`, the port, the file's content. `{"act": "list"}` gives them all.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.IO.Compression;
using System.IO.MemoryMappedFiles;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using System.Xml;
using System.Xml.Linq;

public class Target
{
    readonly JsonElement all;
    public Target(JsonElement all) { this.all = all; }
    public string this[string name] { get { return all.GetProperty(name).GetString(); } }
    public int Port(string name) { return all.GetProperty(name).GetInt32(); }
    public IPAddress Address { get { return IPAddress.Parse(this["address"]); } }
    public IPEndPoint To(string port) { return new IPEndPoint(Address, Port(port)); }
    public string Url(string host) { return "http://" + this[host] + ":" + Port("tcp") + "/"; }
}

/// The standard library tells a failure by a value.
public class Refused : Exception { public Refused(string how) : base(how) { } }

public class App
{
    class Act { public string Section, Refusal, Audits; public Func<Target, object> Perform; }

    static readonly Dictionary<string, Act> Acts = new Dictionary<string, Act>();

    static void Add(string section, string name, string refusal, Func<Target, object> perform, string audits = "1")
    {
        Acts.Add(name, new Act { Section = section, Refusal = refusal, Audits = audits, Perform = perform });
    }

    /// Audits of an act that is more than one attempt, and why it is.
    static string Why(int prevent, int alert, string reason) { return "{\"prevent\":" + prevent + ",\"alert\":" + alert + ",\"why\":" + Text(reason) + "}"; }

    static App()
    {
        Programs();
        Names();
        Connections();
        Listeners();
        Reads();
        Writes();
        Honest();
    }

    public Stream Handler(Stream input)
    {
        return new MemoryStream(Encoding.UTF8.GetBytes(Answer(JsonDocument.Parse(input).RootElement)));
    }

    static string Answer(JsonElement @event)
    {
        string name = @event.GetProperty("act").GetString();
        if (name == "list")
            return "[" + string.Join(",", Acts.Select(each => "[" + Text(each.Key) + "," + Text(each.Value.Section) + "," + Text(each.Value.Refusal) + "," + each.Value.Audits + "]")) + "]";
        try
        {
            object found = Acts[name].Perform(new Target(@event.GetProperty("target")));
            return "{\"answer\":" + (found is int || found is long ? found.ToString() : Text((found ?? "done").ToString())) + "}";
        }
        catch (Exception failed) { return "{\"refused\":" + Text(Told(failed)) + "}"; }
    }

    static string Text(string text) { return "\"" + JsonEncodedText.Encode(text) + "\""; }

    /// The type of an exception, and its number if it has one.
    static string Told(Exception failed)
    {
        if (failed is Refused) return failed.Message;
        if (failed is AggregateException) return Told(failed.InnerException);
        SocketException socket = failed as SocketException;
        if (socket != null) return "SocketException " + socket.SocketErrorCode;
        System.ComponentModel.Win32Exception native = failed as System.ComponentModel.Win32Exception;
        if (native != null) return failed.GetType().Name + " " + native.NativeErrorCode;
        bool isOuter = failed is HttpRequestException || failed is WebException;
        return failed.GetType().Name + (isOuter && failed.InnerException != null ? ": " + Told(failed.InnerException) : "");
    }

    static void Done(bool worked, string how) { if (!worked) throw new Refused(how); }

    // Programs.

    static string Output(Process process)
    {
        string text = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        return text;
    }

    static ProcessStartInfo Info(string program, string arguments)
    {
        return new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, UseShellExecute = false };
    }

    [DllImport("libc", SetLastError = true)] static extern int system(string command);
    [DllImport("libc", SetLastError = true)] static extern int posix_spawn(out int pid, string path, IntPtr actions, IntPtr attributes, string[] arguments, string[] environment);
    [DllImport("libc")] static extern int waitpid(int pid, out int status, int options);
    [DllImport("libc", SetLastError = true)] static extern IntPtr popen(string command, string mode);
    [DllImport("libc")] static extern int pclose(IntPtr stream);
    [DllImport("libc", SetLastError = true)] static extern int connect(int socket, byte[] address, int length);
    [DllImport("libc", SetLastError = true)] static extern int open(string path, int flags, int mode);
    [DllImport("libc", SetLastError = true)] static extern long syscall(long number, long a, string b, long c, long d);
    [DllImport("libc", SetLastError = true, EntryPoint = "syscall")] static extern long syscall_connect(long number, long socket, byte[] address, long length);
    [DllImport("libc", SetLastError = true)] static extern int unlink(string path);
    [DllImport("libc")] static extern int getaddrinfo(string node, string service, IntPtr hints, out IntPtr result);

    static long Must(long result) { if (result < 0) throw new System.ComponentModel.Win32Exception(Marshal.GetLastWin32Error()); return result; }

    static void Programs()
    {
        const string denied = "Win32Exception 13";
        Add("process", "Process.Start(ProcessStartInfo)", denied, t => Output(Process.Start(Info(t["program"], t["token"]))));
        Add("process", "Process.Start(ProcessStartInfo) by name", denied, t => Output(Process.Start(Info("echo", t["token"]))));
        Add("process", "Process.Start of a shell", denied, t => Output(Process.Start(Info("/bin/sh", "-c \"echo " + t["token"] + "\""))));
        Add("process", "Process.Start with an empty environment", denied, t => { ProcessStartInfo info = Info(t["program"], t["token"]); info.Environment.Clear(); return Output(Process.Start(info)); });
        Add("process", "Process.Start in another directory", denied, t => { ProcessStartInfo info = Info(t["program"], t["token"]); info.WorkingDirectory = "/tmp"; return Output(Process.Start(info)); });
        Add("process", "new Process().Start", denied, t => { Process process = new Process { StartInfo = Info(t["program"], t["token"]) }; process.Start(); return Output(process); });
        // Its output goes to the function's log; that the program ended well is the proof.
        Add("process", "Process.Start(string, string)", denied, t => { Process process = Process.Start(t["program"], t["token"]); process.WaitForExit(); return process.ExitCode == 0 ? t["token"] : null; });
        Add("process", "Process.Start(UseShellExecute)", denied, t => { Process process = Process.Start(new ProcessStartInfo(t["program"], t["token"]) { UseShellExecute = true }); process.WaitForExit(); return process.ExitCode == 0 ? t["token"] : null; });
        Add("process", "Process.Start with its input redirected", denied, t => { ProcessStartInfo info = Info(t["program"], t["token"]); info.RedirectStandardInput = info.RedirectStandardError = true; return Output(Process.Start(info)); });
        Add("process", "Process.Start(ArgumentList)", denied, t => { ProcessStartInfo info = Info(t["program"], ""); info.ArgumentList.Add(t["token"]); return Output(Process.Start(info)); });
        Add("process", "P/Invoke: system", "status 127", t => { int status = system("echo " + t["token"] + " > " + t["free_new"]); Done(status == 0, "status " + (status >> 8)); return File.ReadAllText(t["free_new"]).Trim(); });
        Add("process", "P/Invoke: popen", "null", t => { IntPtr stream = popen("echo " + t["token"] + " > " + t["free_new"], "r"); Done(stream != IntPtr.Zero, "null"); pclose(stream); return File.ReadAllText(t["free_new"]).Trim(); });
        Add("process", "P/Invoke: posix_spawn", "error 13", t =>
        {
            int error = posix_spawn(out int pid, t["program"], IntPtr.Zero, IntPtr.Zero, new[] { t["program"], t["token"], null }, new[] { "A=b", null });
            Done(error == 0, "error " + error);
            waitpid(pid, out int status, 0);
            return status == 0 ? t["token"] : null;
        });
    }

    // Names. `host` resolves to `allowed`, an address that may be connected to.

    static void Names()
    {
        const string unknown = "SocketException NoRecovery";
        Add("resolve", "Dns.GetHostEntry", unknown, t => Dns.GetHostEntry(t["host"]).AddressList[0]);
        Add("resolve", "Dns.GetHostEntryAsync", unknown, t => Dns.GetHostEntryAsync(t["host"]).GetAwaiter().GetResult().AddressList[0]);
        Add("resolve", "Dns.GetHostAddresses", unknown, t => Dns.GetHostAddresses(t["host"])[0]);
        Add("resolve", "Dns.GetHostAddressesAsync", unknown, t => Dns.GetHostAddressesAsync(t["host"]).GetAwaiter().GetResult()[0]);
#pragma warning disable 618
        Add("resolve", "Dns.GetHostByName", unknown, t => Dns.GetHostByName(t["host"]).AddressList[0]);
        Add("resolve", "Dns.Resolve", unknown, t => Dns.Resolve(t["host"]).AddressList[0]);
#pragma warning restore 618
        Add("resolve", "Dns.BeginGetHostAddresses", unknown, t => Dns.EndGetHostAddresses(Dns.BeginGetHostAddresses(t["host"], null, null))[0]);
        Add("resolve", "Socket.Connect(name)", unknown, t => { using (Socket client = Tcp()) { client.Connect(t["host"], t.Port("tcp")); return ((IPEndPoint)client.RemoteEndPoint).Address; } });
        Add("resolve", "Socket.ConnectAsync(name)", unknown, t => { using (Socket client = Tcp()) { client.ConnectAsync(t["host"], t.Port("tcp")).GetAwaiter().GetResult(); return ((IPEndPoint)client.RemoteEndPoint).Address; } });
        Add("resolve", "new TcpClient(name)", unknown, t => { using (TcpClient client = new TcpClient(t["host"], t.Port("tcp"))) return ((IPEndPoint)client.Client.RemoteEndPoint).Address.MapToIPv4(); });
        Add("resolve", "UdpClient.Send(name)", unknown, t => { using (UdpClient client = new UdpClient(AddressFamily.InterNetwork)) { client.Send(Ping, 4, t["host"], t.Port("udp")); return From(client).Address; } });
        Add("resolve", "HttpClient.GetStringAsync(name)", "HttpRequestException: " + unknown, t => new HttpClient().GetStringAsync(t.Url("host")).GetAwaiter().GetResult() == "pong" ? t["allowed"] : null);
        Add("resolve", "WebClient.DownloadString(name)", "WebException: HttpRequestException: " + unknown, t => new WebClient().DownloadString(t.Url("host")) == "pong" ? t["allowed"] : null);
        Add("resolve", "HttpWebRequest(name)", "WebException: HttpRequestException: " + unknown, t => new StreamReader(WebRequest.Create(t.Url("host")).GetResponse().GetResponseStream()).ReadToEnd() == "pong" ? t["allowed"] : null);
        Add("resolve", "Dns.BeginGetHostEntry", unknown, t => Dns.EndGetHostEntry(Dns.BeginGetHostEntry(t["host"], null, null)).AddressList[0]);
        Add("resolve", "Socket.BeginConnect(name)", unknown, t => { using (Socket client = Tcp()) { client.EndConnect(client.BeginConnect(t["host"], t.Port("tcp"), null, null)); return ((IPEndPoint)client.RemoteEndPoint).Address; } });
        Add("resolve", "Socket.ConnectAsync(DnsEndPoint)", unknown, t => { using (Socket client = Tcp()) { client.ConnectAsync(new DnsEndPoint(t["host"], t.Port("tcp"))).GetAwaiter().GetResult(); return ((IPEndPoint)client.RemoteEndPoint).Address; } });
        Add("resolve", "TcpClient.ConnectAsync(name)", unknown, t => { using (TcpClient client = new TcpClient(AddressFamily.InterNetwork)) { client.ConnectAsync(t["host"], t.Port("tcp")).GetAwaiter().GetResult(); return ((IPEndPoint)client.Client.RemoteEndPoint).Address; } });
        Add("resolve", "UdpClient.Connect(name)", unknown, t => { using (UdpClient client = new UdpClient(AddressFamily.InterNetwork)) { client.Connect(t["host"], t.Port("udp")); return ((IPEndPoint)client.Client.RemoteEndPoint).Address; } });
        Add("resolve", "HttpClient.PostAsync(name)", "HttpRequestException: " + unknown, t => new HttpClient().PostAsync(t.Url("host"), new StringContent("x")).GetAwaiter().GetResult().IsSuccessStatusCode ? t["allowed"] : null);
        // The name of an address.
        Add("resolve", "Dns.GetHostEntry(address)", unknown, t => Dns.GetHostEntry(t.Address).HostName == t["named"] ? t["allowed"] : null);
#pragma warning disable 618
        Add("resolve", "Dns.GetHostByAddress", unknown, t => Dns.GetHostByAddress(t.Address).HostName == t["named"] ? t["allowed"] : null);
#pragma warning restore 618
        Add("resolve", "P/Invoke: getaddrinfo", "status -4", t =>
        {
            int status = getaddrinfo(t["host"], null, IntPtr.Zero, out IntPtr found);
            Done(status == 0, "status " + status);
            byte[] address = new byte[4];
            Marshal.Copy(Marshal.ReadIntPtr(found, 24) + 4, address, 0, 4);
            return new IPAddress(address);
        });
    }

    // Connections, to `address`; the server answers "pong" to whatever is sent.

    static readonly byte[] Ping = Encoding.ASCII.GetBytes("ping");

    static Socket Tcp() { return new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp); }
    static Socket Udp() { return new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 5000 }; }

    static string Pong(Socket client)
    {
        using (client)
        {
            if (client.SocketType == SocketType.Stream) client.Send(Ping);
            byte[] answer = new byte[10];
            return Encoding.ASCII.GetString(answer, 0, client.Receive(answer)).Trim();
        }
    }

    static IPEndPoint From(UdpClient client)
    {
        IPEndPoint from = null;
        client.Client.ReceiveTimeout = 5000;
        client.Receive(ref from);
        return from;
    }

    static byte[] Internet(IPEndPoint to)
    {
        byte[] address = new byte[16];
        address[0] = 2;
        address[2] = (byte)(to.Port >> 8);
        address[3] = (byte)to.Port;
        to.Address.GetAddressBytes().CopyTo(address, 4);
        return address;
    }

    static void Connections()
    {
        const string denied = "SocketException AccessDenied";
        Add("connect", "Socket.Connect", denied, t => { Socket client = Tcp(); client.Connect(t.To("tcp")); return Pong(client); });
        Add("connect", "Socket.Connect to an IPv4 address mapped into IPv6", denied, t => { Socket client = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true }; client.Connect(new IPEndPoint(t.Address.MapToIPv6(), t.Port("tcp"))); return Pong(client); });
        Add("connect", "Socket.ConnectAsync", denied, t => { Socket client = Tcp(); client.ConnectAsync(t.To("tcp")).GetAwaiter().GetResult(); return Pong(client); });
        Add("connect", "Socket.BeginConnect", denied, t => { Socket client = Tcp(); client.EndConnect(client.BeginConnect(t.To("tcp"), null, null)); return Pong(client); });
        Add("connect", "TcpClient.Connect", denied, t => { TcpClient client = new TcpClient(); client.Connect(t.To("tcp")); return Pong(client.Client); });
        Add("connect", "TcpClient.ConnectAsync", denied, t => { TcpClient client = new TcpClient(AddressFamily.InterNetwork); client.ConnectAsync(t.Address, t.Port("tcp")).GetAwaiter().GetResult(); return Pong(client.Client); });
        Add("connect", "Socket.ConnectAsync(SocketAsyncEventArgs)", denied, t =>
        {
            Socket client = Tcp();
            SocketAsyncEventArgs told = new SocketAsyncEventArgs { RemoteEndPoint = t.To("tcp") };
            using (ManualResetEvent done = new ManualResetEvent(false))
            {
                told.Completed += (sender, its) => done.Set();
                if (client.ConnectAsync(told)) done.WaitOne(5000);
            }
            if (told.SocketError != SocketError.Success) throw new SocketException((int)told.SocketError);
            return Pong(client);
        });
        Add("connect", "new TcpClient(address)", denied, t => Pong(new TcpClient(t["address"], t.Port("tcp")).Client));
        Add("connect", "TcpClient.BeginConnect", denied, t => { TcpClient client = new TcpClient(AddressFamily.InterNetwork); client.EndConnect(client.BeginConnect(t.Address, t.Port("tcp"), null, null)); return Pong(client.Client); });
        Add("connect", "HttpClient.PostAsync", "HttpRequestException: " + denied, t => new HttpClient().PostAsync(t.Url("address"), new StringContent("x")).GetAwaiter().GetResult().Content.ReadAsStringAsync().GetAwaiter().GetResult());
        Add("connect", "WebClient.UploadString", "WebException: HttpRequestException: " + denied, t => new WebClient().UploadString(t.Url("address"), "x"));
        Add("connect", "Socket.BeginSendTo", denied, t => { Socket client = Udp(); client.EndSendTo(client.BeginSendTo(Ping, 0, 4, SocketFlags.None, t.To("udp"), null, null)); return Pong(client); });
        Add("connect", "HttpClient.GetStringAsync", "HttpRequestException: " + denied, t => new HttpClient().GetStringAsync(t.Url("address")).GetAwaiter().GetResult());
        Add("connect", "WebClient.DownloadString", "WebException: HttpRequestException: " + denied, t => new WebClient().DownloadString(t.Url("address")));
        Add("connect", "HttpWebRequest", "WebException: HttpRequestException: " + denied, t => new StreamReader(WebRequest.Create(t.Url("address")).GetResponse().GetResponseStream()).ReadToEnd());
        Add("connect", "UdpClient.Connect + Send", denied, t => { using (UdpClient client = new UdpClient()) { client.Connect(t.To("udp")); client.Send(Ping, 4); return Pong(client.Client); } });
        Add("connect", "UdpClient.Send", denied, t => { using (UdpClient client = new UdpClient()) { client.Send(Ping, 4, t.To("udp")); return Pong(client.Client); } });
        Add("connect", "UdpClient.SendAsync", denied, t => { using (UdpClient client = new UdpClient()) { client.SendAsync(Ping, 4, t.To("udp")).GetAwaiter().GetResult(); return Pong(client.Client); } });
        Add("connect", "Socket.SendTo", denied, t => { Socket client = Udp(); client.SendTo(Ping, t.To("udp")); return Pong(client); });
        Add("connect", "Socket.SendToAsync", denied, t =>
        {
            Socket client = Udp();
            client.SendToAsync(new ArraySegment<byte>(Ping), SocketFlags.None, t.To("udp")).GetAwaiter().GetResult();
            return Pong(client);
        });
        Add("connect", "P/Invoke: connect", denied, t => { Socket client = Tcp(); Raw(connect((int)client.Handle, Internet(t.To("tcp")), 16)); return PongRaw(client); });
        Add("connect", "P/Invoke: syscall(42, …)", denied, t => { Socket client = Tcp(); Raw(syscall_connect(42, (int)client.Handle, Internet(t.To("tcp")), 16)); return PongRaw(client); });
    }

    [DllImport("libc", SetLastError = true)] static extern long write(int file, byte[] data, long length);
    [DllImport("libc", SetLastError = true)] static extern long read(int file, byte[] data, long length);

    static void Raw(long result) { if (result < 0 && Marshal.GetLastWin32Error() == 13) throw new SocketException((int)SocketError.AccessDenied); Must(result); }

    /// .NET does not know that the socket is connected.
    static string PongRaw(Socket client)
    {
        using (client)
        {
            byte[] answer = new byte[10];
            Must(write((int)client.Handle, Ping, 4));
            return Encoding.ASCII.GetString(answer, 0, (int)Must(read((int)client.Handle, answer, 10))).Trim();
        }
    }

    // Listening, on `listen`.

    static void Listeners()
    {
        const string denied = "SocketException AccessDenied";
        Add("listen", "Socket.Bind + Listen", denied, t => { using (Socket server = Tcp()) { server.Bind(new IPEndPoint(IPAddress.Any, t.Port("listen"))); server.Listen(1); return ((IPEndPoint)server.LocalEndPoint).Port; } });
        Add("listen", "Socket.Listen on a port that the kernel chose", denied, t => { using (Socket server = Tcp()) { server.Bind(new IPEndPoint(IPAddress.Any, 0)); server.Listen(1); return t.Port("listen"); } });
        Add("listen", "TcpListener.Start", denied, t => { TcpListener server = new TcpListener(IPAddress.Any, t.Port("listen")); server.Start(); int port = ((IPEndPoint)server.LocalEndpoint).Port; server.Stop(); return port; });
        Add("listen", "TcpListener.Create", denied, t => { TcpListener server = TcpListener.Create(t.Port("listen")); server.Start(); int port = ((IPEndPoint)server.LocalEndpoint).Port; server.Stop(); return port; });
        Add("listen", "new UdpClient(port)", denied, t => { using (UdpClient server = new UdpClient(t.Port("listen"))) return ((IPEndPoint)server.Client.LocalEndPoint).Port; });
        Add("listen", "TcpListener.Start(backlog)", denied, t => { TcpListener server = new TcpListener(new IPEndPoint(IPAddress.Loopback, t.Port("listen"))); server.Start(1); int port = ((IPEndPoint)server.LocalEndpoint).Port; server.Stop(); return port; });
        Add("listen", "new UdpClient(IPEndPoint)", denied, t => { using (UdpClient server = new UdpClient(new IPEndPoint(IPAddress.Any, t.Port("listen")))) return ((IPEndPoint)server.Client.LocalEndPoint).Port; });
        Add("listen", "new TcpClient(IPEndPoint)", denied, t => { using (TcpClient client = new TcpClient(new IPEndPoint(IPAddress.Any, t.Port("listen")))) return ((IPEndPoint)client.Client.LocalEndPoint).Port; });
        Add("listen", "Socket.Bind, UDP", denied, t => { using (Socket server = Udp()) { server.Bind(new IPEndPoint(IPAddress.Any, t.Port("listen"))); return ((IPEndPoint)server.LocalEndPoint).Port; } });
    }

    // Reading `file`, and the folder that it is in.

    static string Slurp(Stream stream) { using (StreamReader reader = new StreamReader(stream)) return reader.ReadToEnd(); }

    static void Reads()
    {
        const string denied = "UnauthorizedAccessException";
        Add("read", "File.ReadAllText", denied, t => File.ReadAllText(t["file"]));
        Add("read", "File.ReadAllTextAsync", denied, t => File.ReadAllTextAsync(t["file"]).GetAwaiter().GetResult());
        Add("read", "File.ReadAllBytes", denied, t => Encoding.UTF8.GetString(File.ReadAllBytes(t["file"])));
        Add("read", "File.ReadAllLines", denied, t => File.ReadAllLines(t["file"])[0]);
        Add("read", "File.ReadLines", denied, t => File.ReadLines(t["file"]).First());
        Add("read", "File.Open", denied, t => Slurp(File.Open(t["file"], FileMode.Open, FileAccess.Read)));
        Add("read", "File.OpenRead", denied, t => Slurp(File.OpenRead(t["file"])));
        Add("read", "File.OpenText", denied, t => File.OpenText(t["file"]).ReadToEnd());
        Add("read", "File.Copy(source)", denied, t => { File.Copy(t["file"], t["free_new"]); return File.ReadAllText(t["free_new"]); });
        Add("read", "FileInfo.OpenRead", denied, t => Slurp(new FileInfo(t["file"]).OpenRead()));
        Add("read", "new FileStream", denied, t => Slurp(new FileStream(t["file"], FileMode.Open, FileAccess.Read)));
        Add("read", "new StreamReader", denied, t => new StreamReader(t["file"]).ReadToEnd());
        Add("read", "MemoryMappedFile.CreateFromFile", denied, t => { using (MemoryMappedFile map = MemoryMappedFile.CreateFromFile(t["file"], FileMode.Open)) using (Stream stream = map.CreateViewStream()) return Slurp(stream).TrimEnd('\0'); });
        Add("read", "WebClient.DownloadString(file:)", "WebException: WebException: " + denied, t => new WebClient().DownloadString("file://" + t["file"]));
        Add("read", "Directory.GetFiles", denied, t => Directory.GetFiles(t["folder"]).Any() ? t["content"] : null);
        Add("read", "Directory.GetDirectories", denied, t => Directory.GetDirectories(t["folder"]).Any() ? t["content"] : null);
        Add("read", "Directory.EnumerateFileSystemEntries", denied, t => Directory.EnumerateFileSystemEntries(t["folder"]).Any() ? t["content"] : null);
        Add("read", "DirectoryInfo.GetFiles", denied, t => new DirectoryInfo(t["folder"]).GetFiles().Any() ? t["content"] : null);
        Add("read", "File.ReadAllBytesAsync", denied, t => Encoding.UTF8.GetString(File.ReadAllBytesAsync(t["file"]).GetAwaiter().GetResult()));
        Add("read", "File.ReadAllLinesAsync", denied, t => File.ReadAllLinesAsync(t["file"]).GetAwaiter().GetResult()[0]);
        Add("read", "FileInfo.Open", denied, t => Slurp(new FileInfo(t["file"]).Open(FileMode.Open, FileAccess.Read)));
        Add("read", "FileInfo.OpenText", denied, t => new FileInfo(t["file"]).OpenText().ReadToEnd());
        Add("read", "FileInfo.CopyTo(source)", denied, t => { new FileInfo(t["file"]).CopyTo(t["free_new"]); return File.ReadAllText(t["free_new"]); });
        Add("read", "new FileStream(useAsync)", denied, t => Slurp(new FileStream(t["file"], FileMode.Open, FileAccess.Read, FileShare.Read, 4096, true)));
        Add("read", "ZipFile.OpenRead", denied, t => { using (ZipArchive zip = ZipFile.OpenRead(t["packed"] + ".zip")) return Slurp(zip.GetEntry("file").Open()); });
        Add("read", "ZipFile.ExtractToDirectory(source)", denied, t => { ZipFile.ExtractToDirectory(t["packed"] + ".zip", t["free_new"]); return File.ReadAllText(t["free_new"] + "/file"); });
        Add("read", "new GZipStream", denied, t => Slurp(new GZipStream(File.OpenRead(t["packed"] + ".gz"), CompressionMode.Decompress)));
        // What is no library is read all the same, to find that out.
        Add("read", "NativeLibrary.Load", "DllNotFoundException: refused-by-a-runtime-rule", t => { try { NativeLibrary.Load(t["file"]); } catch (DllNotFoundException failed) { Done(!failed.Message.Contains("refused-by-a-runtime-rule"), "DllNotFoundException: refused-by-a-runtime-rule"); } return t["content"]; });
        Add("read", "Directory.EnumerateFiles", denied, t => Directory.EnumerateFiles(t["folder"]).Any() ? t["content"] : null);
        Add("read", "Directory.EnumerateDirectories", denied, t => Directory.EnumerateDirectories(t["folder"]).Any() ? t["content"] : null);
        Add("read", "Directory.GetFileSystemEntries", denied, t => Directory.GetFileSystemEntries(t["folder"]).Any() ? t["content"] : null);
        Add("read", "DirectoryInfo.GetDirectories", denied, t => new DirectoryInfo(t["folder"]).GetDirectories().Any() ? t["content"] : null);
        Add("read", "DirectoryInfo.EnumerateFiles", denied, t => new DirectoryInfo(t["folder"]).EnumerateFiles().Any() ? t["content"] : null);
        Add("read", "DirectoryInfo.GetFileSystemInfos", denied, t => new DirectoryInfo(t["folder"]).GetFileSystemInfos().Any() ? t["content"] : null);
        Add("read", "P/Invoke: open", "Win32Exception 13", t => { Must(open(t["file"], 0, 0)); return t["content"]; });
        Add("read", "P/Invoke: syscall(257, …)", "Win32Exception 13", t => { Must(syscall(257, -100, t["file"], 0, 0)); return t["content"]; });
    }

    // Changing what is in `folder`. What was done is looked up from outside.

    static object Nothing(Action perform) { perform(); return null; }

    static void Writes()
    {
        const string denied = "UnauthorizedAccessException";
        Add("write", "File.WriteAllText", denied, t => Nothing(() => File.WriteAllText(t["kept"], "x")));
        Add("write", "File.WriteAllTextAsync", denied, t => Nothing(() => File.WriteAllTextAsync(t["new"], "x").GetAwaiter().GetResult()));
        Add("write", "File.WriteAllBytes", denied, t => Nothing(() => File.WriteAllBytes(t["new"], Ping)));
        Add("write", "File.WriteAllLines", denied, t => Nothing(() => File.WriteAllLines(t["new"], new[] { "x" })));
        Add("write", "File.AppendAllText", denied, t => Nothing(() => File.AppendAllText(t["kept"], "x")));
        Add("write", "File.AppendText", denied, t => Nothing(() => File.AppendText(t["new"]).Close()));
        Add("write", "File.Create", denied, t => Nothing(() => File.Create(t["new"]).Close()));
        Add("write", "File.CreateText", denied, t => Nothing(() => File.CreateText(t["new"]).Close()));
        Add("write", "File.OpenWrite", denied, t => Nothing(() => File.OpenWrite(t["new"]).Close()));
        string copy = Why(1, 3, "writes the file, and then sets its mode and its times");
        Add("write", "File.Copy(target)", denied, t => Nothing(() => File.Copy(t["free"], t["new"])), copy);
        string move = Why(2, 2, "moves a file by a link and a removal, and copies it where it may not link");
        Add("write", "File.Move", denied, t => Nothing(() => File.Move(t["kept"], t["free_new"])), move);
        Add("write", "File.Replace", denied, t => Nothing(() => File.Replace(t["free"], t["kept"], null)));
        Add("write", "File.Delete", denied, t => Nothing(() => File.Delete(t["kept"])));
        Add("write", "File.SetAttributes", denied, t => Nothing(() => File.SetAttributes(t["kept"], FileAttributes.ReadOnly)));
        Add("write", "File.SetLastWriteTime", denied, t => Nothing(() => File.SetLastWriteTime(t["kept"], new DateTime(2001, 1, 1))));
        Add("write", "FileInfo.Create", denied, t => Nothing(() => new FileInfo(t["new"]).Create().Close()));
        Add("write", "FileInfo.Delete", denied, t => Nothing(() => new FileInfo(t["kept"]).Delete()));
        Add("write", "FileInfo.MoveTo", denied, t => Nothing(() => new FileInfo(t["kept"]).MoveTo(t["free_new"])), move);
        Add("write", "new FileStream(Create)", denied, t => Nothing(() => new FileStream(t["new"], FileMode.Create).Close()));
        Add("write", "new FileStream(Truncate)", denied, t => Nothing(() => new FileStream(t["kept"], FileMode.Truncate).Close()));
        Add("write", "new StreamWriter", denied, t => Nothing(() => new StreamWriter(t["new"]).Close()));
        Add("write", "MemoryMappedFile.CreateFromFile(Create)", denied, t => Nothing(() => MemoryMappedFile.CreateFromFile(t["new"], FileMode.Create, null, 10).Dispose()));
        Add("write", "File.WriteAllBytesAsync", denied, t => Nothing(() => File.WriteAllBytesAsync(t["new"], Ping).GetAwaiter().GetResult()));
        Add("write", "File.WriteAllLinesAsync", denied, t => Nothing(() => File.WriteAllLinesAsync(t["new"], new[] { "x" }).GetAwaiter().GetResult()));
        Add("write", "File.AppendAllLines", denied, t => Nothing(() => File.AppendAllLines(t["kept"], new[] { "x" })));
        Add("write", "File.AppendAllTextAsync", denied, t => Nothing(() => File.AppendAllTextAsync(t["kept"], "x").GetAwaiter().GetResult()));
        Add("write", "File.AppendAllLinesAsync", denied, t => Nothing(() => File.AppendAllLinesAsync(t["kept"], new[] { "x" }).GetAwaiter().GetResult()));
        Add("write", "File.SetLastAccessTime", denied, t => Nothing(() => File.SetLastAccessTime(t["kept"], new DateTime(2001, 1, 1))));
        Add("write", "File.SetCreationTime", denied, t => Nothing(() => File.SetCreationTime(t["kept"], new DateTime(2001, 1, 1))));
        Add("write", "FileInfo.CreateText", denied, t => Nothing(() => new FileInfo(t["new"]).CreateText().Close()));
        Add("write", "FileInfo.AppendText", denied, t => Nothing(() => new FileInfo(t["new"]).AppendText().Close()));
        Add("write", "FileInfo.OpenWrite", denied, t => Nothing(() => new FileInfo(t["new"]).OpenWrite().Close()));
        Add("write", "FileInfo.CopyTo(target)", denied, t => Nothing(() => new FileInfo(t["free"]).CopyTo(t["new"])), copy);
        Add("write", "FileInfo.Replace", denied, t => Nothing(() => new FileInfo(t["free"]).Replace(t["kept"], null)));
        Add("write", "FileInfo.IsReadOnly", denied, t => Nothing(() => new FileInfo(t["kept"]).IsReadOnly = true));
        Add("write", "FileInfo.LastWriteTime", denied, t => Nothing(() => new FileInfo(t["kept"]).LastWriteTime = new DateTime(2001, 1, 1)));
        Add("write", "new StreamWriter(append)", denied, t => Nothing(() => { using (StreamWriter file = new StreamWriter(t["kept"], true)) file.Write("x"); }));
        Add("write", "new FileStream(DeleteOnClose)", denied, t => Nothing(() => new FileStream(t["kept"], FileMode.Open, FileAccess.Read, FileShare.None, 4096, FileOptions.DeleteOnClose).Close()), Why(1, 2, "opens the file, and then removes it"));
        Add("write", "ZipFile.CreateFromDirectory", denied, t => Nothing(() => ZipFile.CreateFromDirectory(t["free_folder"], t["new"])));
        Add("write", "ZipFile.Open(Create)", denied, t => Nothing(() => ZipFile.Open(t["new"], ZipArchiveMode.Create).Dispose()));
        Add("write", "XDocument.Save", denied, t => Nothing(() => new XDocument(new XElement("a")).Save(t["new"])));
        Add("write", "XmlWriter.Create", denied, t => Nothing(() => XmlWriter.Create(t["new"]).Close()));
        Add("write", "DirectoryInfo.Create", denied, t => Nothing(() => new DirectoryInfo(t["new"]).Create()));
        Add("write", "DirectoryInfo.Delete", "IOException", t => Nothing(() => new DirectoryInfo(t["sub"]).Delete()));
        Add("write", "DirectoryInfo.MoveTo", "IOException", t => Nothing(() => new DirectoryInfo(t["sub"]).MoveTo(t["free_new"])));
        Add("write", "Directory.SetLastWriteTime", denied, t => Nothing(() => Directory.SetLastWriteTime(t["sub"], new DateTime(2001, 1, 1))));
        Add("write", "Directory.Delete(recursive)", "IOException", t => Nothing(() => Directory.Delete(t["full"], true)), Why(2, 3, "lists the folder, and removes its file and itself"));
        Add("write", "Directory.CreateDirectory", denied, t => Directory.CreateDirectory(t["new"]));
        Add("write", "Directory.Delete", "IOException", t => Nothing(() => Directory.Delete(t["sub"])));
        Add("write", "Directory.Move", "IOException", t => Nothing(() => Directory.Move(t["sub"], t["free_new"])));
        Add("write", "DirectoryInfo.CreateSubdirectory", denied, t => new DirectoryInfo(t["folder"]).CreateSubdirectory("new"));
        Add("write", "Socket.Bind to a Unix path", "SocketException AccessDenied", t => { using (Socket server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)) { server.Bind(new UnixDomainSocketEndPoint(t["new"])); return null; } });
        Add("write", "P/Invoke: open(O_CREAT)", "Win32Exception 13", t => Must(open(t["new"], 0x41, 0x1a4)));
        Add("write", "P/Invoke: unlink", "Win32Exception 13", t => Must(unlink(t["kept"])));
    }

    // What nobody should refuse, and nobody should report.

    static void Honest()
    {
        Add("honest", "Task.Run", "", t => Task.Run(() => 42).Result);
        Add("honest", "a connection to loopback", "", t => { Socket client = Tcp(); client.Connect(IPAddress.Loopback, t.Port("tcp")); return Pong(client); });
        Add("honest", "Dns.GetHostAddresses(\"localhost\")", "", t => Dns.GetHostAddresses("localhost")[0]);
        Add("honest", "Dns.GetHostAddresses of an address", "", t => Dns.GetHostAddresses(t["address"])[0]);
        Add("honest", "reading and writing elsewhere", "", t => Nothing(() => File.WriteAllText(t["free"], File.ReadAllText(t["free"]))));
        Add("honest", "File.Exists", "", t => File.Exists(t["file"]).ToString());
    }
}
