package app;

/** Starts the service. On SIGTERM the requests that are open are answered first. */
public final class Main {
    private static final int SECONDS_TO_STOP = 5;

    private Main() {}

    public static void main(String[] args) throws Exception {
        String port = System.getenv().getOrDefault("PORT", "8080");
        var server = Service.start(Integer.parseInt(port));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(SECONDS_TO_STOP)));
    }
}
