# needs: bash sqlite3 openssl curl ssh-keygen find xargs python3
# Tools that a function calls, each with files, pipes or a connection of its own.
set -eu
exec 2>&1

sqlite3 shop.db 'PRAGMA journal_mode = WAL; CREATE TABLE orders(id INTEGER PRIMARY KEY, what TEXT); INSERT INTO orders(what) VALUES ("tea"), ("cake"); SELECT * FROM orders;'
sqlite3 shop.db '.backup copy.db' 'ATTACH "copy.db" AS other; SELECT count(*) FROM other.orders;'
sqlite3 -readonly shop.db 'DELETE FROM orders;' || echo "sqlite3 $?"
sqlite3 /nonexistent/x.db 'SELECT 1;' || echo "sqlite3 $?"

openssl genrsa -out key.pem 2048 2>/dev/null
openssl req -x509 -key key.pem -subj /CN=localhost -days 2 -out cert.pem
openssl x509 -in cert.pem -noout -subject -issuer
printf secret | openssl enc -aes-256-cbc -pbkdf2 -pass pass:word -out secret.enc
openssl enc -d -aes-256-cbc -pbkdf2 -pass pass:word -in secret.enc; echo
openssl dgst -sha256 "$0" | sed 's/.*= //'

ssh-keygen -q -t ed25519 -N '' -C test -f id && ssh-keygen -l -f id.pub | sed 's/SHA256:[^ ]*/SUM/' && stat -c '%a %n' id id.pub
ssh-keygen -y -f cert.pem || echo "ssh-keygen $?"

mkdir -p tree/a/b && touch tree/{1,2} tree/a/{3,4} tree/a/b/5
find tree -type f -print0 | sort -z | xargs -0 -n 2 -P 1 echo
find tree -name '[12]' -exec sh -c 'echo "$1 $(basename "$1")"' sh {} \; | sort
find tree -type f -delete && find tree | sort

python3 - <<'SERVER' &
import http.server, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/" else 404); self.end_headers(); self.wfile.write(b"hello\n")
    def log_message(self, *words): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
open("port.new", "w").write(str(server.server_port)); import os; os.rename("port.new", "port")
server.serve_forever()
SERVER
server=$!
while [ ! -e port ]; do sleep 0.05; done
port=$(cat port)
curl -sS "http://127.0.0.1:$port/" -o page -w '%{http_code} %{size_download}\n' && cat page
curl -sS -f "http://localhost:$port/none" | cat; echo "${PIPESTATUS[0]}"
curl -sS "http://127.0.0.1:1/" 2>/dev/null || echo "curl $?"
curl -sS "file://$PWD/page"
kill $server; wait $server || echo "server $?"
ls | grep -v port
