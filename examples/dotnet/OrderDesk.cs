// The order desk of a small web shop. `search` holds a weakness that is common in real functions, left in on purpose.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Text.Json;

public class OrderDesk
{
    static readonly string Orders = Path.Combine(Environment.GetEnvironmentVariable("LAMBDA_TASK_ROOT"), "orders.json");

    public Stream Handler(Stream input)
    {
        JsonElement @event = JsonDocument.Parse(input).RootElement;
        object answer = @event.GetProperty("action").GetString() == "search"
            ? Search(@event.GetProperty("text").GetString())
            : Status(@event.GetProperty("order").GetString());
        return new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(answer));
    }

    /// What a customer asks for: where an order is.
    static object Status(string order)
    {
        JsonElement orders = JsonDocument.Parse(File.ReadAllText(Orders)).RootElement;
        return new { order, delivery = orders.GetProperty(order).GetProperty("delivery").GetString() };
    }

    /// Orders that mention a text. Weakness: the text becomes part of a shell command (CWE-78).
    static object Search(string text)
    {
        ProcessStartInfo grep = new ProcessStartInfo("/bin/sh", "-c \"grep -i '" + text + "' " + Orders + "\"") { RedirectStandardOutput = true };
        return new { lines = Process.Start(grep).StandardOutput.ReadToEnd().Split('\n') };
    }
}
