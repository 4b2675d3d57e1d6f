// The floor: a preload that does nothing.
__attribute__((constructor)) static void start(void) {}
