# The order desk of a small web shop. Each action but `status` and `receipt` holds a weakness that is common in real functions, left in
# on purpose. Do not copy this code.

require "json"
require "net/http"
require "tempfile"

ORDERS = File.join(__dir__, "orders.json")
DOCUMENTS = File.join(__dir__, "documents")

# What a customer asks for: where an order is.
def status(event)
  { order: event["order"], delivery: find(event)["delivery"] }
end

# The receipt of an order, through a temporary file, as libraries that make PDFs do it.
def receipt(event)
  Tempfile.create("receipt") do |file|
    file.write(find(event).to_json)
    file.rewind
    { receipt: file.read }
  end
end

# Orders that mention a text. Weakness: the text becomes part of a shell command (CWE-78).
def search(event)
  { lines: `grep -i '#{event["text"]}' #{ORDERS}`.lines(chomp: true) }
end

# Hands an address label to the printer. Weakness: the same, with a status for an answer (CWE-78).
def label(event)
  system("echo 'label for #{event["order"]}' > /dev/null", exception: true)
  { printed: true }
end

# A document of the shop. Weakness: the name may lead out of the folder (CWE-22).
def document(event)
  { text: File.read(File.expand_path(event["name"], DOCUMENTS)) }
end

# Tells the carrier about an order. Weakness: the caller names the host that is told (CWE-918).
def notify(event)
  { told: event["callback"], answer: Net::HTTP.post(URI(event["callback"]), find(event).to_json).body }
end

def find(event)
  JSON.parse(File.read(ORDERS)).fetch(event["order"])
end

ACTIONS = %w[status receipt search label document notify].to_h { |name| [name, method(name)] }.freeze

def handler(event:, context:)
  ACTIONS.fetch(event["action"]).call(event)
end
