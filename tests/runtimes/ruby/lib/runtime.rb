# Stands in for AWS's Ruby runtime client (`aws_lambda_ric`), which is plain Net::HTTP, too: the Runtime API's loop and no more.
# docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

require "json"
require "net/http"

$stdout.sync = true
$LOAD_PATH.unshift(ENV.fetch("LAMBDA_TASK_ROOT"))

file, method_name = ENV.fetch("_HANDLER").split(".", 2)
require file

host, port = ENV.fetch("AWS_LAMBDA_RUNTIME_API").split(":")
api = "/2018-06-01/runtime/invocation"
# The next event may be a long time coming.
Net::HTTP.start(host, port.to_i, read_timeout: 1_000_000) do |http|
  loop do
    invocation = http.get("#{api}/next")
    id = invocation["Lambda-Runtime-Aws-Request-Id"]
    begin
      answer = send(method_name, event: JSON.parse(invocation.body), context: id)
      http.post("#{api}/#{id}/response", JSON.generate(answer))
    rescue StandardError => error
      told = { errorType: error.class.name, errorMessage: error.message, stackTrace: error.backtrace }
      http.post("#{api}/#{id}/error", JSON.generate(told))
    end
  end
end
