class Wait {
    public static void main(String[] arguments) throws InterruptedException {
        Thread.sleep(20_000);
    }
}
