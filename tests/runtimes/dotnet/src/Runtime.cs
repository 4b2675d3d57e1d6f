// Stands in for Amazon.Lambda.RuntimeSupport, whose loop is on HttpClient, too: the Runtime API and no more.
// docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
using System;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Text.Json;
using System.Threading;

public static class Runtime
{
    // mcs takes no asynchronous Main, so each answer is waited for.
    public static void Main()
    {
        string api = "http://" + Environment.GetEnvironmentVariable("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/";
        // The next event may be a long time coming.
        HttpClient http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        while (true)
        {
            HttpResponseMessage invocation = http.GetAsync(api + "next").GetAwaiter().GetResult();
            string id = invocation.Headers.GetValues("Lambda-Runtime-Aws-Request-Id").First();
            string path = "/response";
            string answer;
            try
            {
                JsonElement answered = JsonDocument.Parse(invocation.Content.ReadAsStringAsync().GetAwaiter().GetResult()).RootElement;
                answer = App.Handler(answered);
            }
            catch (Exception failed)
            {
                path = "/error";
                answer = "{\"errorType\": \"" + failed.GetType().Name + "\", \"errorMessage\": \"" + JsonEncodedText.Encode(failed.Message) + "\"}";
            }
            http.PostAsync(api + id + path, new StringContent(answer, Encoding.UTF8, "application/json")).GetAwaiter().GetResult();
        }
    }
}
