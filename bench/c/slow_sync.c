// Simulates a slow or stalling disk for a program that is started with this library preloaded:
// SLOW_SYNC_MS delays every sync; with STALL_MS and STALL_EVERY_MS, a sync in the first STALL_MS of
// each STALL_EVERY_MS waits until those have passed.
// build: cc -O2 -shared -fPIC slow_sync.c -o slow_sync.so -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static long setting(const char *name) {
  const char *text = getenv(name);
  return text == NULL ? 0 : atol(text);
}

static void sleep_ms(long ms) {
  struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0) {}
}

static void wait_as_the_disk_does(void) {
  long stall_ms = setting("STALL_MS"), every_ms = setting("STALL_EVERY_MS");
  sleep_ms(setting("SLOW_SYNC_MS"));
  if (every_ms <= 0) return;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  long into_ms = (now.tv_sec * 1000 + now.tv_nsec / 1000000) % every_ms;
  if (into_ms < stall_ms) sleep_ms(stall_ms - into_ms);
}

int fsync(int file) {
  static int (*real)(int);
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "fsync");
  wait_as_the_disk_does();
  return real(file);
}

int fdatasync(int file) {
  static int (*real)(int);
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
  wait_as_the_disk_does();
  return real(file);
}
