# Children in every form, files, names, sockets.
# needs: ruby
require "open3"; require "socket"; require "tempfile"; require "fileutils"
$stdout.sync = true
def attempt; p yield; rescue SystemCallError, SocketError, IOError => e; puts "#{e.class}: #{e.message}"; end
attempt { `echo $0` }; attempt { `nowhere` }; attempt { [system("exit 3"), $?.exitstatus, system("nowhere")] }; attempt { Open3.capture3("cat; echo err >&2; exit 4", stdin_data: "in") .first(2) }
attempt { pid = fork { exec("sh", "-c", "kill -9 $$") }; Process.wait2(pid)[1].termsig }; attempt { IO.popen(%w[sort -r], "r+") { |io| io.puts "a", "b"; io.close_write; io.read } }
attempt { Process.wait2(spawn({ "X" => "1" }, "echo $X; pwd | wc -l", unsetenv_others: true, out: "spawned", chdir: "/"))[1].exitstatus }; attempt { File.read("spawned") }
attempt { pid = fork { Process.daemon(true, true) rescue 0; File.write("daemon", "d"); exit! }; Process.wait(pid); sleep 0.01 until File.size?("daemon"); File.read("daemon") }
attempt { File.write("f", "text", perm: 0600) }; attempt { File.open("f", File::WRONLY | File::CREAT | File::EXCL) }; attempt { File.open("nothing") }; attempt { File.open("f/x") }; attempt { File.read(".") }
attempt { Dir.mkdir("d"); File.symlink("../f", "d/l"); File.rename("d/l", "d/m"); [Dir.children("d"), File.read("d/m"), File.realpath("d/m").end_with?("/f"), File.stat("f").mode.to_s(8)] }
attempt { Tempfile.create { |t| t.write("x"); t.flush; File.size(t.path) } }; attempt { FileUtils.cp_r("d", "e"); FileUtils.rm_rf("d"); Dir["**/*"].sort }; attempt { File.truncate("f", 1); File.utime(0, 0, "f"); File.mtime("f").to_i }
attempt { Addrinfo.getaddrinfo("localhost", 80, :INET, :STREAM).map(&:ip_address) }; attempt { Socket.getaddrinfo("no-such-name.invalid", 80) }; attempt { TCPSocket.new("127.0.0.1", 1) }
attempt { s = TCPServer.new("127.0.0.1", 0); t = Thread.new { c = s.accept; c.write("tcp"); c.close }; r = TCPSocket.new("localhost", s.addr[1]).read; t.join; r }
attempt { s = UNIXServer.new("socket"); c = UNIXSocket.new("socket"); a = s.accept; c.send_io($stdout); a.recv_io.puts("a descriptor that was passed on"); a.close; c.read }
attempt { u = UDPSocket.new; u.bind("127.0.0.1", 0); u.send("udp", 0, "127.0.0.1", u.addr[1]); u.recvfrom(9).first }
