// The order desk of a small web shop. Each action but `status` and `receipt` holds a weakness that is common in real functions, left in
// on purpose. Do not copy this code.
using System;
using System.Diagnostics;
using System.IO;
using System.Net.Http;
using System.Text.Json;

public class OrderDesk
{
    static readonly string Task = Environment.GetEnvironmentVariable("LAMBDA_TASK_ROOT");
    static readonly HttpClient Http = new HttpClient();

    public Stream Handler(Stream input)
    {
        JsonElement @event = JsonDocument.Parse(input).RootElement;
        Func<string, string> of = name => @event.GetProperty(name).GetString();
        return new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(Answer(of("action"), of)));
    }

    static object Answer(string action, Func<string, string> of)
    {
        switch (action)
        {
            case "receipt": return Receipt(of("order"));
            case "search": return Search(of("text"));
            case "label": return Label(of("order"));
            case "document": return Document(of("name"));
            case "notify": return Notify(of("order"), of("callback"));
            default: return Status(of("order"));
        }
    }

    /// What a customer asks for: where an order is.
    static object Status(string order)
    {
        return new { order, delivery = Find(order).GetProperty("delivery").GetString() };
    }

    /// The receipt of an order, through a temporary file, as libraries that make PDFs do it.
    static object Receipt(string order)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, Find(order).GetRawText());
            return new { receipt = File.ReadAllText(file) };
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// Orders that mention a text. Weakness: the text becomes part of a shell command (CWE-78).
    static object Search(string text)
    {
        using (Process grep = Shell("grep -i '" + text + "' " + Task + "/orders.json"))
            return new { lines = grep.StandardOutput.ReadToEnd().Split('\n') };
    }

    /// Hands an address label to the printer. Weakness: the same, with a status for an answer (CWE-78).
    static object Label(string order)
    {
        using (Process echo = Shell("echo 'label for " + order + "' > /dev/null"))
        {
            echo.WaitForExit();
            return new { printed = echo.ExitCode == 0, exit = echo.ExitCode };
        }
    }

    /// A document of the shop. Weakness: the name may lead out of the folder (CWE-22).
    static object Document(string name)
    {
        return new { text = File.ReadAllText(Path.Combine(Task, "documents", name)) };
    }

    /// Tells the carrier about an order. Weakness: the caller names the host that is told (CWE-918).
    static object Notify(string order, string callback)
    {
        HttpResponseMessage answer = Http.PostAsync(callback, new StringContent(Find(order).GetRawText())).GetAwaiter().GetResult();
        return new { told = callback, answer = answer.Content.ReadAsStringAsync().GetAwaiter().GetResult() };
    }

    static Process Shell(string command)
    {
        ProcessStartInfo start = new ProcessStartInfo("/bin/sh") { RedirectStandardOutput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(command);
        return Process.Start(start);
    }

    static JsonElement Find(string order)
    {
        return JsonDocument.Parse(File.ReadAllText(Path.Combine(Task, "orders.json"))).RootElement.GetProperty(order);
    }
}
