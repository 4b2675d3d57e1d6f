# Every public way in Ruby's standard library to start a program, resolve a name, connect, listen, open and change files.
#
# An event names one act and gives it a target; the act does it and returns what proves that it was done: the text that the
# program printed, the address, the server's `pong`, the port, the file's content. `{"act": "list"}` gives them all.

require "csv"
require "drb/drb"
require "fiddle"
require "fileutils"
require "find"
require "io/nonblock"
require "io/wait"
require "json"
require "logger"
require "net/http"
require "open-uri"
require "open3"
require "openssl"
require "ostruct"
require "pathname"
require "pstore"
require "pty"
require "resolv"
require "socket"
require "tempfile"
require "tmpdir"
require "yaml"
require "zlib"

# What an act fails with if nothing else is said.
REFUSAL = {
  "process" => "Errno::EACCES", "resolve" => "SocketError: Non-recoverable failure in name resolution", "connect" => "Errno::EACCES",
  "listen" => "Errno::EACCES", "read" => "Errno::EACCES", "write" => "Errno::EACCES"
}.freeze
ACTS = {}

# The standard library tells a failure by a value, or not at all.
class Refused < StandardError; end

def act(section, name, refusal: REFUSAL[section] || "", audits: 1, &perform)
  ACTS[name] = [section, refusal, audits, perform]
end

def handler(event:, context:)
  return ACTS.map { |name, told| [name, *told.first(3)] } if event["act"] == "list"

  begin
    { answer: ACTS.fetch(event["act"]).last.call(OpenStruct.new(event["target"])) }
  rescue Refused => refused
    { refused: refused.message }
  rescue SystemCallError => failed
    { refused: failed.class.name }
  rescue SocketError => failed
    { refused: "SocketError: #{failed.message.split(": ").last.delete_suffix(")")}" }
  rescue Exception => failed
    { refused: failed.class.name }
  end
end

# Audits of an act that is more than one attempt, and why it is.
def why(prevent, alert, reason)
  { prevent: prevent, alert: alert, why: reason }
end

def must(done, how)
  done or raise Refused, how
end

# Programs.

# Runs the block with standard output in a file, and gives what was written there.
def printed
  Tempfile.create("out") do |file|
    kept = $stdout.dup
    $stdout.reopen(file)
    begin
      yield
    ensure
      $stdout.reopen(kept)
    end
    File.read(file.path).strip
  end
end

# Forks, and has the child turn into the program.
def in_child
  printed do
    pid = fork do
      yield
      exit!(99)
    rescue Errno::EACCES
      exit!(13)
    end
    status = Process.wait2(pid).last.exitstatus
    raise Errno::EACCES if status == 13

    must(status == 0, "exit status #{status}")
  end
end

act("process", "backticks") { |t| `#{t.program} #{t.token}`.strip }
act("process", "backticks, by a shell") { |t| `echo #{t.token};`.strip }
act("process", "%x") { |t| %x(#{t.program} #{t.token}).strip }
act("process", "system", refusal: "nil") { |t| printed { must(system(t.program, t.token), "nil") } }
act("process", "system, by a shell", refusal: "nil") { |t| printed { must(system("echo #{t.token};"), "nil") } }
act("process", "system(exception: true)") { |t| printed { system(t.program, t.token, exception: true) } }
act("process", "spawn") { |t| printed { Process.wait(spawn(t.program, t.token)) } }
act("process", "spawn by name") { |t| printed { Process.wait(spawn("echo", t.token)) } }
act("process", "Process.spawn(unsetenv_others)") { |t| printed { Process.wait(Process.spawn({}, t.program, t.token, unsetenv_others: true)) } }
act("process", "IO.popen") { |t| IO.popen([t.program, t.token], &:read).strip }
act("process", "IO.popen, by a shell") { |t| IO.popen("echo #{t.token};", &:read).strip }
act("process", "open('|…')") { |t| open("|#{t.program} #{t.token}", &:read).strip }
act("process", "IO.read('|…')") { |t| IO.read("|#{t.program} #{t.token}").strip }
act("process", "IO.readlines('|…')") { |t| IO.readlines("|#{t.program} #{t.token}").join.strip }
act("process", "Open3.capture2") { |t| Open3.capture2(t.program, t.token).first.strip }
act("process", "Open3.capture2e") { |t| Open3.capture2e(t.program, t.token).first.strip }
act("process", "Open3.capture3") { |t| Open3.capture3(t.program, t.token).first.strip }
act("process", "Open3.popen2") { |t| Open3.popen2(t.program, t.token) { |_, out, _| out.read.strip } }
act("process", "Open3.popen3") { |t| Open3.popen3(t.program, t.token) { |_, out, _, _| out.read.strip } }
act("process", "Open3.pipeline_r") { |t| Open3.pipeline_r([t.program, t.token]) { |out, _| out.read.strip } }
act("process", "spawn(chdir:)") { |t| printed { Process.wait(spawn(t.program, t.token, chdir: "/")) } }
act("process", "spawn([program, argv0])") { |t| printed { Process.wait(spawn([t.program, "other"], t.token)) } }
act("process", "spawn(pgroup:)") { |t| printed { Process.wait(spawn(t.program, t.token, pgroup: true)) } }
act("process", "Process.detach(spawn)") { |t| printed { Process.detach(spawn(t.program, t.token)).value } }
act("process", "IO.popen(environment)") { |t| IO.popen([{ "A" => "b" }, t.program, t.token], &:read).strip }
act("process", "Open3.capture3, by a shell") { |t| Open3.capture3("echo #{t.token};").first.strip }
act("process", "Open3.popen2e") { |t| Open3.popen2e(t.program, t.token) { |_, out, _| out.read.strip } }
act("process", "Open3.pipeline") { |t| printed { Open3.pipeline([t.program, t.token]) } }
act("process", "Open3.pipeline_rw") { |t| Open3.pipeline_rw([t.program, t.token]) { |_, out, _| out.read.strip } }
act("process", "Open3.pipeline_w") { |t| printed { Open3.pipeline_w([t.program, t.token]) { |_, threads| threads.each(&:join) } } }
act("process", "Open3.pipeline_start") { |t| printed { Open3.pipeline_start([t.program, t.token]) { |threads| threads.each(&:join) } } }
act("process", "IO.foreach('|…')") { |t| IO.foreach("|#{t.program} #{t.token}").to_a.join.strip }
act("process", "IO.binread('|…')") { |t| IO.binread("|#{t.program} #{t.token}").strip }
act("process", "PTY.getpty") { |t| PTY.getpty(t.program, t.token).first.gets.strip }
act("process", "PTY.spawn") do |t|
  out, = PTY.spawn(t.program, t.token)
  out.gets.strip
end
act("process", "fork + exec") { |t| in_child { exec(t.program, t.token) } }
act("process", "fork + exec, by a shell") { |t| in_child { exec("echo #{t.token};") } }
act("process", "fork + exec with an environment") { |t| in_child { exec({ "A" => "b" }, t.program, t.token, unsetenv_others: true) } }
act("process", "fork + Process.exec") { |t| in_child { Process.exec(t.program, t.token) } }
act("process", "Fiddle: popen", refusal: "null") do |t|
  stream = function("popen", [Fiddle::TYPE_VOIDP] * 2, Fiddle::TYPE_VOIDP).call("echo #{t.token}", "r")
  must(!stream.null?, "null")
  room = Fiddle::Pointer.malloc(100, Fiddle::RUBY_FREE)
  function("fgets", [Fiddle::TYPE_VOIDP, Fiddle::TYPE_INT, Fiddle::TYPE_VOIDP], Fiddle::TYPE_VOIDP).call(room, 100, stream)
  function("pclose", [Fiddle::TYPE_VOIDP]).call(stream)
  room.to_s.strip
end
act("process", "Fiddle: system", refusal: "status 127") do |t|
  printed do
    status = function("system", [Fiddle::TYPE_VOIDP]).call("echo #{t.token}")
    must(status == 0, "status #{status >> 8}")
  end
end
act("process", "fork + Fiddle: execv") { |t| in_child { c_must(function("execv", [Fiddle::TYPE_VOIDP] * 2).call(t.program, words(t))) } }
act("process", "fork + syscall(59, …)") { |t| in_child { syscall(59, t.program, bytes(words(t)), bytes("\0" * 8)) } }

# A C function, found in libc.so.6 by name.
def function(name, arguments, result = Fiddle::TYPE_INT)
  Fiddle::Function.new(Fiddle.dlopen("libc.so.6")[name], arguments, result)
end

def c_must(result)
  raise SystemCallError.new("", Fiddle.last_error) if result.negative?

  result
end

# Where bytes lie: `syscall` takes no string with a NUL in it.
def bytes(data)
  @bytes = [*@bytes, Fiddle::Pointer[data.dup]].last(4)
  @bytes.last.to_i
end

# A C array of the program's words.
def words(t)
  @kept = [t.program, t.token].map { |word| Fiddle::Pointer[word + "\0"] }
  [*@kept.map(&:to_i), 0].pack("J*")
end

# Names. `t.host` resolves to `t.allowed`, an address that may be connected to.

act("resolve", "Addrinfo.getaddrinfo") { |t| Addrinfo.getaddrinfo(t.host, 80, :INET)[0].ip_address }
act("resolve", "Addrinfo.tcp") { |t| Addrinfo.tcp(t.host, 80).ip_address }
act("resolve", "Socket.getaddrinfo") { |t| Socket.getaddrinfo(t.host, 80, :INET)[0][3] }
act("resolve", "Socket.gethostbyname", audits: why(1, 2, "asks twice: for an address, and then for the host")) { |t| Socket.gethostbyname(t.host)[3].unpack("C4").join(".") }
act("resolve", "Socket.sockaddr_in") { |t| Socket.unpack_sockaddr_in(Socket.sockaddr_in(80, t.host))[1] }
act("resolve", "IPSocket.getaddress") { |t| IPSocket.getaddress(t.host) }
act("resolve", "TCPSocket.gethostbyname", audits: why(1, 2, "asks twice: for an address, and then for the host")) { |t| TCPSocket.gethostbyname(t.host)[3] }
act("resolve", "TCPSocket.new(name)") { |t| TCPSocket.new(t.host, t.tcp).remote_address.ip_address }
act("resolve", "Socket.tcp(name)") { |t| Socket.tcp(t.host, t.tcp).remote_address.ip_address }
act("resolve", "UDPSocket#connect(name)") { |t| UDPSocket.new.tap { |client| client.connect(t.host, t.udp) }.remote_address.ip_address }
act("resolve", "UDPSocket#send(name)") do |t|
  client = UDPSocket.new
  client.send("ping", 0, t.host, t.udp)
  client.recvfrom(10)[1][3]
end
act("resolve", "Net::HTTP.get(name)") { |t| Net::HTTP.get(t.host, "/", t.tcp) == "pong" && t.allowed }
act("resolve", "URI.open(name)") { |t| URI.open("http://#{t.host}:#{t.tcp}/").read == "pong" && t.allowed }
act("resolve", "Resolv.getaddress", refusal: "Errno::EACCES") { |t| Resolv.getaddress(t.host) }
act("resolve", "Resolv::DNS#getaddress", refusal: "Errno::EACCES") { |t| Resolv::DNS.new.getaddress(t.host).to_s }
act("resolve", "Resolv::DNS#getresource(TXT)", refusal: "Errno::EACCES") do |t|
  Resolv::DNS.new.getresource(t.host, Resolv::DNS::Resource::IN::TXT) && t.allowed
end
act("resolve", "Addrinfo.udp") { |t| Addrinfo.udp(t.host, t.udp).ip_address }
act("resolve", "Addrinfo.ip") { |t| Addrinfo.ip(t.host).ip_address }
act("resolve", "Addrinfo.foreach") { |t| Addrinfo.foreach(t.host, 80, :INET).first.ip_address }
act("resolve", "Net::HTTP.start(name)") { |t| Net::HTTP.start(t.host, t.tcp) { |http| http.get("/").body } == "pong" && t.allowed }
act("resolve", "OpenSSL::SSL::SSLSocket.open(name)") { |t| OpenSSL::SSL::SSLSocket.open(t.host, t.tls).tap(&:connect).io.remote_address.ip_address }
act("resolve", "Resolv.each_address", refusal: "Errno::EACCES") { |t| Resolv.each_address(t.host) { |address| break address } }
act("resolve", "Resolv::DNS#each_resource(MX)", refusal: "Errno::EACCES") do |t|
  Resolv::DNS.new.each_resource(t.host, Resolv::DNS::Resource::IN::MX) { |_| break t.allowed }
end
act("resolve", "DRb::DRbTCPSocket.open(name)") do |t|
  DRb::DRbTCPSocket.open("druby://#{t.host}:#{t.tcp}", DRb::DRbServer.make_config).close || t.allowed
end
# The name of an address.
act("resolve", "Addrinfo#getnameinfo") { |t| Addrinfo.tcp(t.address, 80).getnameinfo(Socket::NI_NAMEREQD)[0] == t.named && t.allowed }
act("resolve", "Socket.getnameinfo") { |t| Socket.getnameinfo(Socket.sockaddr_in(80, t.address), Socket::NI_NAMEREQD)[0] == t.named && t.allowed }
act("resolve", "Socket.gethostbyaddr", refusal: "SocketError: host not found") { |t| Socket.gethostbyaddr(t.address.split(".").map(&:to_i).pack("C4"))[0] == t.named && t.allowed }
act("resolve", "Resolv.getname", refusal: "Errno::EACCES") { |t| Resolv.getname(t.address) == t.named && t.allowed }
act("resolve", "Resolv::DNS#getname", refusal: "Errno::EACCES") { |t| Resolv::DNS.new.getname(t.address).to_s == t.named && t.allowed }
act("resolve", "Fiddle: getaddrinfo", refusal: "status -4") do |t|
  found = Fiddle::Pointer.malloc(8, Fiddle::RUBY_FREE)
  status = function("getaddrinfo", [Fiddle::TYPE_VOIDP] * 4).call(t.host, nil, nil, found)
  must(status == 0, "status #{status}")
  found.ptr[24, 8].unpack1("J").then { |address| Fiddle::Pointer.new(address)[4, 4] }.unpack("C4").join(".")
end

# Connections, to `t.address`; the server answers "pong" to whatever is sent.

def ping(client)
  client.write("ping\n")
  client.readpartial(10).strip
ensure
  client.close
end

def pong(client)
  must(client.wait_readable(5), "no answer")
  client.recv(10)
ensure
  client.close
end

# As C has them; Ruby's are not.
def blocking
  Socket.new(:INET, :STREAM).tap { |client| client.nonblock = false }
end

act("connect", "TCPSocket.new") { |t| ping(TCPSocket.new(t.address, t.tcp)) }
act("connect", "Socket.tcp") { |t| ping(Socket.tcp(t.address, t.tcp)) }
act("connect", "Socket#connect") { |t| ping(Socket.new(:INET, :STREAM).tap { |client| client.connect(Socket.sockaddr_in(t.tcp, t.address)) }) }
act("connect", "Socket#connect to an IPv4 address mapped into IPv6") do |t|
  ping(Socket.new(:INET6, :STREAM).tap { |client| client.connect(Socket.sockaddr_in(t.tcp, "::ffff:#{t.address}")) })
end
act("connect", "Socket#connect_nonblock") do |t|
  client = Socket.new(:INET, :STREAM)
  begin
    client.connect_nonblock(Socket.sockaddr_in(t.tcp, t.address))
  rescue IO::WaitWritable
    client.wait_writable
  end
  ping(client)
end
act("connect", "Addrinfo#connect") { |t| ping(Addrinfo.tcp(t.address, t.tcp).connect) }
act("connect", "TCPSocket.open") { |t| ping(TCPSocket.open(t.address, t.tcp)) }
act("connect", "Socket.tcp(connect_timeout:)") { |t| ping(Socket.tcp(t.address, t.tcp, connect_timeout: 5)) }
act("connect", "Addrinfo#connect_to") { |t| ping(Addrinfo.tcp("127.0.0.1", 0).connect_to(t.address, t.tcp)) }
act("connect", "Net::HTTP.post") { |t| Net::HTTP.post(URI("http://#{t.address}:#{t.tcp}/"), "ping").body }
act("connect", "Net::HTTP.start") { |t| Net::HTTP.start(t.address, t.tcp) { |http| http.get("/").body } }
act("connect", "Net::HTTP.get") { |t| Net::HTTP.get(t.address, "/", t.tcp) }
act("connect", "Net::HTTP over TLS") do |t|
  Net::HTTP.start(t.address, t.tls, use_ssl: true, verify_mode: OpenSSL::SSL::VERIFY_NONE) { |http| http.get("/").body }
end
act("connect", "URI.open") { |t| URI.open("http://#{t.address}:#{t.tcp}/").read }
act("connect", "OpenSSL::SSL::SSLSocket.open") do |t|
  ping(OpenSSL::SSL::SSLSocket.open(t.address, t.tls).tap { |client| client.sync_close = true; client.connect })
end
act("connect", "DRb::DRbTCPSocket.open") do |t|
  # The server does not speak Ruby's protocol: that the connection was made is all.
  DRb::DRbTCPSocket.open("druby://#{t.address}:#{t.tcp}", DRb::DRbServer.make_config).close
  "pong"
end
act("connect", "UDPSocket#connect + send") { |t| pong(UDPSocket.new.tap { |client| client.connect(t.address, t.udp); client.send("ping", 0) }) }
act("connect", "UDPSocket#send") { |t| pong(UDPSocket.new.tap { |client| client.send("ping", 0, t.address, t.udp) }) }
act("connect", "BasicSocket#send(to)") { |t| pong(Socket.new(:INET, :DGRAM).tap { |client| client.send("ping", 0, Socket.sockaddr_in(t.udp, t.address)) }) }
act("connect", "BasicSocket#sendmsg") { |t| pong(Socket.new(:INET, :DGRAM).tap { |client| client.sendmsg("ping", 0, Socket.sockaddr_in(t.udp, t.address)) }) }
act("connect", "BasicSocket#sendmsg_nonblock") { |t| pong(Socket.new(:INET, :DGRAM).tap { |client| client.sendmsg_nonblock("ping", 0, Socket.sockaddr_in(t.udp, t.address)) }) }
act("connect", "Fiddle: connect") do |t|
  client = blocking
  c_must(function("connect", [Fiddle::TYPE_INT, Fiddle::TYPE_VOIDP, Fiddle::TYPE_INT]).call(client.fileno, Socket.sockaddr_in(t.tcp, t.address), 16))
  ping(client)
end
act("connect", "syscall(42, …)") do |t|
  client = blocking
  syscall(42, client.fileno, bytes(Socket.sockaddr_in(t.tcp, t.address)), 16)
  ping(client)
end

# Listening, on `t.listen`.

def port_of(server)
  server.local_address.ip_port
ensure
  server.close
end

# A server that goes on for ever, given time to fail.
def looping(&server)
  thread = Thread.new(&server)
  thread.report_on_exception = false
  thread.join(0.2)
  thread.kill
end

act("listen", "TCPServer.new") { |t| port_of(TCPServer.new("0.0.0.0", t.listen)) }
act("listen", "TCPServer.new on a port that the kernel chose") { |t| port_of(TCPServer.new("0.0.0.0", 0)) && t.listen }
act("listen", "Socket#bind + listen") do |t|
  server = Socket.new(:INET, :STREAM)
  server.setsockopt(:SOCKET, :REUSEADDR, true)
  server.bind(Addrinfo.tcp("0.0.0.0", t.listen))
  server.listen(1)
  port_of(server)
end
act("listen", "TCPServer.open") { |t| port_of(TCPServer.open("0.0.0.0", t.listen)) }
act("listen", "Addrinfo#bind") { |t| port_of(Addrinfo.udp("0.0.0.0", t.listen).bind) }
act("listen", "OpenSSL::SSL::SSLServer.new") { |t| port_of(OpenSSL::SSL::SSLServer.new(TCPServer.new("0.0.0.0", t.listen), OpenSSL::SSL::SSLContext.new).to_io) }
act("listen", "Addrinfo#listen") { |t| port_of(Addrinfo.tcp("0.0.0.0", t.listen).listen) }
act("listen", "Socket.tcp_server_sockets") { |t| port_of(Socket.tcp_server_sockets("127.0.0.1", t.listen).first) }
act("listen", "UDPSocket#bind") { |t| port_of(UDPSocket.new.tap { |server| server.bind("0.0.0.0", t.listen) }) }
act("listen", "Socket.udp_server_sockets") { |t| port_of(Socket.udp_server_sockets("127.0.0.1", t.listen).first) }
act("listen", "Socket.tcp_server_loop") { |t| looping { Socket.tcp_server_loop("127.0.0.1", t.listen) { |client| client.close } } && t.listen }
act("listen", "Socket.udp_server_loop") { |t| looping { Socket.udp_server_loop("127.0.0.1", t.listen) { |_message, _source| nil } } && t.listen }
act("listen", "DRb.start_service") do |t|
  DRb::DRbTCPSocket.open_server("druby://127.0.0.1:#{t.listen}", DRb::DRbServer.make_config).close
  t.listen
end

# Reading `t.file`, and the folder that it is in.

TWICE = "opens what it loads twice, first to see whether it can"
act("read", "File.read") { |t| File.read(t.file) }
act("read", "File.open") { |t| File.open(t.file, &:read) }
act("read", "File.new") { |t| File.new(t.file).read }
act("read", "open") { |t| open(t.file, &:read) }
act("read", "IO.read") { |t| IO.read(t.file) }
act("read", "IO.binread") { |t| IO.binread(t.file) }
act("read", "IO.readlines") { |t| IO.readlines(t.file).join }
act("read", "IO.foreach") { |t| IO.foreach(t.file).to_a.join }
act("read", "IO.sysopen") { |t| IO.new(IO.sysopen(t.file)).read }
act("read", "IO.copy_stream(source)") { |t| IO.copy_stream(t.file, t.free_new) && File.read(t.free_new) }
act("read", "FileUtils.cp(source)") { |t| FileUtils.cp(t.file, t.free_new) || File.read(t.free_new) }
act("read", "Pathname#read") { |t| Pathname.new(t.file).read }
act("read", "URI.open of a path") { |t| URI.open(t.file).read }
act("read", "YAML.load_file") { |t| YAML.load_file(t.file) }
act("read", "load", refusal: "LoadError", audits: why(2, 2, TWICE)) { |t| load("#{t.script}.rb") && $ran && t.content }
act("read", "require", refusal: "LoadError", audits: why(1, 2, TWICE)) { |t| ($LOADED_FEATURES.delete("#{t.script}.rb"); require("#{t.script}.rb")) && t.content }
act("read", "require_relative", refusal: "LoadError", audits: why(1, 2, TWICE)) do |t|
  $LOADED_FEATURES.delete("#{t.script}.rb")
  from = Pathname.new(t.script).relative_path_from(__dir__)
  require_relative(from) && t.content
end
act("read", "autoload", refusal: "LoadError", audits: why(1, 2, TWICE)) do |t|
  $LOADED_FEATURES.delete("#{t.script}.rb")
  # The file defines nothing: that it was loaded is all.
  $ran = false
  Object.send(:remove_const, :Loaded) if Object.autoload?(:Loaded)
  Object.autoload(:Loaded, "#{t.script}.rb")
  begin
    Loaded
  rescue NameError
    $ran && t.content
  end
end
act("read", "RubyVM::InstructionSequence.compile_file", audits: why(1, 2, TWICE)) { |t| RubyVM::InstructionSequence.compile_file("#{t.script}.rb") && t.content }
act("read", "File.foreach") { |t| File.foreach(t.file).to_a.join }
act("read", "File.readlines") { |t| File.readlines(t.file).join }
act("read", "File.readlink") { |t| File.readlink(t.link) == t.free && t.content }
act("read", "IO.read(offset)") { |t| IO.read(t.file, 100, 0) }
act("read", "File.open(File::RDWR)") { |t| File.open(t.file, File::RDWR, &:read) }
act("read", "FileUtils.cp_r(source)", audits: why(1, 2, "reads the folder, and the file in it")) { |t| FileUtils.cp_r(t.full, t.free_new) || File.read("#{t.free_new}/inner") }
act("read", "FileUtils.compare_file") { |t| FileUtils.compare_file(t.file, t.free_same) && t.content }
act("read", "FileUtils.copy_file(source)") { |t| FileUtils.copy_file(t.file, t.free_new) || File.read(t.free_new) }
act("read", "JSON.load_file") { |t| JSON.load_file("#{t.packed}.json") }
act("read", "CSV.read") { |t| CSV.read("#{t.packed}.csv")[0][0] }
act("read", "Zlib::GzipReader.open") { |t| Zlib::GzipReader.open("#{t.packed}.gz", &:read) }
act("read", "Pathname#open") { |t| Pathname.new(t.file).open(&:read) }
act("read", "Fiddle.dlopen", refusal: "Fiddle::DLError") do |t|
  Fiddle.dlopen(t.file)
rescue Fiddle::DLError => failed
  # What is no library is read all the same, to find that out.
  raise if failed.message.include?("refused-by-a-runtime-rule")

  t.content
end
act("read", "Dir.foreach") { |t| Dir.foreach(t.folder).include?("file") && t.content }
act("read", "Dir.open") { |t| Dir.open(t.folder) { |folder| folder.include?("file") } && t.content }
act("read", "Dir[]", refusal: "empty list") { |t| must(Dir["#{t.folder}/*"].any?, "empty list") && t.content }
act("read", "Dir.empty?") { |t| Dir.empty?(t.sub) && t.content }
act("read", "Find.find", refusal: "empty list") { |t| must(Find.find(t.full).to_a.size > 1, "empty list") && t.content }
act("read", "Pathname#entries") { |t| Pathname.new(t.folder).entries.any? && t.content }
act("read", "Pathname#each_line") { |t| Pathname.new(t.file).each_line.to_a.join }
act("read", "Pathname#readlink") { |t| Pathname.new(t.link).readlink.to_s == t.free && t.content }
act("read", "ARGF.read") { |t| ARGV.replace([t.file]) && ARGF.read }
act("read", "Dir.entries") { |t| Dir.entries(t.folder).include?("file") && t.content }
act("read", "Dir.children") { |t| Dir.children(t.folder).include?("file") && t.content }
act("read", "Dir.each_child") { |t| Dir.each_child(t.folder).include?("file") && t.content }
act("read", "Dir.new") { |t| Dir.new(t.folder).read && t.content }
act("read", "Dir.glob", refusal: "empty list") { |t| must(Dir.glob("#{t.folder}/*").any?, "empty list") && t.content }
act("read", "Pathname#children") { |t| Pathname.new(t.folder).children.any? && t.content }
act("read", "Fiddle: open") { |t| IO.new(c_must(function("open", [Fiddle::TYPE_VOIDP, Fiddle::TYPE_INT]).call(t.file, 0))).read }
act("read", "Fiddle: fopen", refusal: "null") do |t|
  must(!function("fopen", [Fiddle::TYPE_VOIDP] * 2, Fiddle::TYPE_VOIDP).call(t.file, "r").null?, "null") && t.content
end
act("read", "syscall(257, …)") { |t| IO.new(syscall(257, -100, t.file, 0, 0)).read }

# Changing what is in `t.folder`. What was done is looked up from outside.

act("write", "File.write") { |t| File.write(t.kept, "x") }
act("write", "IO.binwrite") { |t| IO.binwrite(t.new, "x") }
act("write", "File.open('w')") { |t| File.open(t.new, "w") { |file| file.write("x") } }
act("write", "File.open('a')") { |t| File.open(t.kept, "a") { |file| file.write("x") } }
act("write", "File.open('r+')") { |t| File.open(t.kept, "r+") { |file| file.write("x") } }
act("write", "IO.copy_stream(target)") { |t| IO.copy_stream(t.free, t.new) }
act("write", "FileUtils.cp(target)") { |t| FileUtils.cp(t.free, t.new) }
act("write", "IO.write") { |t| IO.write(t.new, "x") }
act("write", "File.new('w')") { |t| File.new(t.new, "w").close }
act("write", "File.open(File::CREAT)") { |t| File.open(t.new, File::CREAT | File::WRONLY) { |file| file.write("x") } }
act("write", "IO.sysopen('w')") { |t| IO.for_fd(IO.sysopen(t.new, "w")).close }
act("write", "IO#reopen") { |t| File.open(t.free) { |file| file.reopen(t.new, "w") } && nil }
act("write", "FileUtils.copy_file(target)") { |t| FileUtils.copy_file(t.free, t.new) }
act("write", "FileUtils.cp_r(target)") { |t| FileUtils.cp_r(t.free, t.new) }
act("write", "FileUtils.install", audits: why(1, 2, "makes the file, and then sets its mode")) { |t| FileUtils.install(t.free, t.new, mode: 0o600) }
act("write", "FileUtils.ln") { |t| FileUtils.ln(t.free, t.new) }
act("write", "FileUtils.ln_s") { |t| FileUtils.ln_s(t.free, t.new) }
act("write", "FileUtils.mkdir") { |t| FileUtils.mkdir(t.new) }
act("write", "FileUtils.rmdir") { |t| FileUtils.rmdir(t.sub) }
act("write", "FileUtils.rm_rf", refusal: "still there", audits: why(2, 3, "one for each thing that it does: the list, the file and the folder")) { |t| FileUtils.rm_rf(t.full); must(!File.exist?(t.full), "still there") }
act("write", "FileUtils.chmod") { |t| FileUtils.chmod(0o600, t.kept) }
act("write", "FileUtils.chown") { |t| FileUtils.chown(Process.uid, Process.gid, t.kept) }
act("write", "Logger.new") { |t| Logger.new(t.new).close }
act("write", "Zlib::GzipWriter.open") { |t| Zlib::GzipWriter.open(t.new) { |file| file.write("x") } }
act("write", "CSV.open('w')") { |t| CSV.open(t.new, "w") { |file| file << ["x"] } }
act("write", "FileUtils.mv") { |t| FileUtils.mv(t.kept, t.free_new) }
act("write", "FileUtils.touch") { |t| FileUtils.touch(t.new) }
act("write", "FileUtils.mkdir_p") { |t| FileUtils.mkdir_p(t.new) }
act("write", "FileUtils.rm") { |t| FileUtils.rm(t.kept) }
act("write", "File.rename") { |t| File.rename(t.kept, t.free_new) }
act("write", "File.delete") { |t| File.delete(t.kept) }
act("write", "File.symlink") { |t| File.symlink(t.free, t.new) }
act("write", "File.link") { |t| File.link(t.free, t.new) }
act("write", "File.truncate") { |t| File.truncate(t.kept, 1) }
act("write", "File.chmod") { |t| File.chmod(0o600, t.kept) }
act("write", "File.utime") { |t| File.utime(1, 1, t.kept) }
act("write", "File.unlink") { |t| File.unlink(t.kept) }
act("write", "File.chown") { |t| File.chown(Process.uid, Process.gid, t.kept) }
act("write", "File.lchown") { |t| File.lchown(Process.uid, Process.gid, t.kept) }
act("write", "File.lutime") { |t| File.lutime(1, 1, t.kept) }
act("write", "Dir.unlink") { |t| Dir.unlink(t.sub) }
act("write", "Dir.delete") { |t| Dir.delete(t.sub) }
act("write", "File.mkfifo") { |t| File.mkfifo(t.new) }
act("write", "Dir.mkdir") { |t| Dir.mkdir(t.new) }
act("write", "Dir.rmdir") { |t| Dir.rmdir(t.sub) }
act("write", "Dir.mktmpdir") { |t| Dir.mktmpdir("a", t.folder) }
act("write", "Tempfile.create") { |t| Tempfile.create("a", t.folder).close }
act("write", "Tempfile.new") { |t| ObjectSpace.undefine_finalizer(Tempfile.new("a", t.folder)) }
{
  "binwrite" => ->(path, t) { path.(t.new).binwrite("x") },
  "open('w')" => ->(path, t) { path.(t.new).open("w", &:close) },
  "mkdir" => ->(path, t) { path.(t.new).mkdir },
  "mkpath" => ->(path, t) { path.(t.new).mkpath },
  "rename" => ->(path, t) { path.(t.kept).rename(t.free_new) },
  "unlink" => ->(path, t) { path.(t.kept).unlink },
  "rmdir" => ->(path, t) { path.(t.sub).rmdir },
  "make_link" => ->(path, t) { path.(t.new).make_link(t.free) },
  "make_symlink" => ->(path, t) { path.(t.new).make_symlink(t.free) },
  "truncate" => ->(path, t) { path.(t.kept).truncate(1) },
  "chmod" => ->(path, t) { path.(t.kept).chmod(0o600) },
  "utime" => ->(path, t) { path.(t.kept).utime(1, 1) }
}.each { |name, change| act("write", "Pathname##{name}", audits: name == "unlink" ? why(1, 2, "tries to remove a folder, and then a file") : 1) { |t| change.(Pathname.method(:new), t) && nil } }
act("write", "syscall(87, …)") { |t| syscall(87, t.kept) }
act("write", "Fiddle: open(O_CREAT)") { |t| IO.for_fd(c_must(function("open", [Fiddle::TYPE_VOIDP, Fiddle::TYPE_INT, Fiddle::TYPE_INT]).call(t.new, 0x41, 0o644)), "w").close }
act("write", "Pathname#write") { |t| Pathname.new(t.new).write("x") }
act("write", "UNIXServer.new") { |t| UNIXServer.new(t.new).close }
act("write", "Socket.unix_server_socket") { |t| Socket.unix_server_socket(t.new).close }
act("write", "PStore") { |t| PStore.new(t.new).transaction { |store| store[:a] = 1 } }
act("write", "Fiddle: unlink") { |t| c_must(function("unlink", [Fiddle::TYPE_VOIDP]).call(t.kept)) }

# What nobody should refuse, and nobody should report.

act("honest", "fork without exec") { |_| Process.wait2(fork { exit!(7) }).last.exitstatus }
act("honest", "threads") { |_| Thread.new { 6 * 7 }.value }
act("honest", "a connection to loopback") { |t| ping(TCPSocket.new("127.0.0.1", t.tcp)) }
act("honest", "Addrinfo.getaddrinfo('localhost')") { |_| Addrinfo.getaddrinfo("localhost", 80)[0].ip_address }
act("honest", "Addrinfo.tcp of an address") { |t| Addrinfo.tcp(t.address, 80).ip_address }
act("honest", "UNIXSocket.pair") { |_| UNIXSocket.pair.each(&:close).size }
act("honest", "reading and writing elsewhere") { |t| File.write(t.free, File.read(t.free)) }
act("honest", "File.stat") { |t| File.stat(t.file).size }
