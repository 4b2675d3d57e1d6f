# The order desk of a small web shop. `search` holds a weakness that is common in real functions, left in on purpose.

require "json"

ORDERS = File.join(__dir__, "orders.json")

# What a customer asks for: where an order is.
def status(event)
  orders = JSON.parse(File.read(ORDERS))
  { order: event["order"], delivery: orders.fetch(event["order"])["delivery"] }
end

# Orders that mention a text. Weakness: the text becomes part of a shell command (CWE-78).
def search(event)
  { lines: `grep -i '#{event["text"]}' #{ORDERS}`.lines(chomp: true) }
end

ACTIONS = { "status" => method(:status), "search" => method(:search) }.freeze

def handler(event:, context:)
  ACTIONS.fetch(event["action"]).call(event)
end
