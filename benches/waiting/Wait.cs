class Wait
{
    static void Main()
    {
        System.Threading.Thread.Sleep(20000);
    }
}
