// Stands in for Amazon.Lambda.RuntimeSupport, whose loop is on HttpClient, too: the Runtime API and no more.
// docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
using System;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Threading;

public static class Runtime
{
    // mcs takes no asynchronous Main, so each answer is waited for.
    public static void Main(string[] arguments)
    {
        Func<Stream, Stream> handler = Find(arguments[0]);
        string api = "http://" + Environment.GetEnvironmentVariable("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/";
        // The next event may be a long time coming.
        HttpClient http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        while (true)
        {
            HttpResponseMessage invocation = http.GetAsync(api + "next").GetAwaiter().GetResult();
            string id = invocation.Headers.GetValues("Lambda-Runtime-Aws-Request-Id").First();
            string path = "/response";
            HttpContent answer;
            try
            {
                answer = new StreamContent(handler(invocation.Content.ReadAsStreamAsync().GetAwaiter().GetResult()));
            }
            catch (Exception failed)
            {
                path = "/error";
                string told = JsonEncodedText.Encode(failed.Message).ToString();
                answer = new StringContent("{\"errorType\": \"" + failed.GetType().Name + "\", \"errorMessage\": \"" + told + "\"}", Encoding.UTF8);
            }
            answer.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            http.PostAsync(api + id + path, answer).GetAwaiter().GetResult();
        }
    }

    /// `Assembly::Type::Method`, of the form that needs no serializer: a stream in, a stream out.
    static Func<Stream, Stream> Find(string name)
    {
        string[] parts = name.Split(new[] { "::" }, StringSplitOptions.None);
        Type type = Assembly.LoadFrom(Path.Combine(Environment.GetEnvironmentVariable("LAMBDA_TASK_ROOT"), parts[0] + ".dll")).GetType(parts[1], true);
        return (Func<Stream, Stream>)Delegate.CreateDelegate(typeof(Func<Stream, Stream>), Activator.CreateInstance(type), parts[2]);
    }
}
