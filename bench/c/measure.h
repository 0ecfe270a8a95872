// Shared by the two load generators: a clock, random numbers, and a report as one line of JSON.
#ifndef KILOGRAM_MEASURE_H
#define KILOGRAM_MEASURE_H

#include <math.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static uint64_t random_state = 1;

static inline double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

// xorshift64 (Marsaglia, 2003).
static inline uint64_t draw(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  return random_state ^= random_state << 17;
}

static inline struct timespec until_us(double at_us) {
  double left = fmax(0, at_us - now_us());
  return (struct timespec){(time_t)(left / 1e6), (long)(fmod(left, 1e6) * 1e3)};
}

static inline double own_cpu_us(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static inline int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

typedef struct {
  long count, ok, not_found, retransmissions, fenced;
  double elapsed_us, cpu_us;
  float *latencies_us;
} Report;

static inline void print_report(Report r) {
  const double shares[] = {0.5, 0.9, 0.99, 0.999};
  const char *names[] = {"p50Us", "p90Us", "p99Us", "p999Us"};
  qsort(r.latencies_us, (size_t)r.count, sizeof *r.latencies_us, by_value);
  printf("{\"operations\":%ld,\"perSecond\":%.0f", r.count, (double)r.count / r.elapsed_us * 1e6);
  for (int i = 0; i < 4; i++) printf(",\"%s\":%.1f", names[i], r.latencies_us[(long)((double)(r.count - 1) * shares[i])]);
  printf(",\"maxUs\":%.1f,\"ok\":%ld,\"notFound\":%ld,\"other\":%ld,\"retransmissions\":%ld,\"fenced\":%ld,\"ownCpuShare\":%.2f}\n",
         r.latencies_us[r.count - 1], r.ok, r.not_found, r.count - r.ok - r.not_found, r.retransmissions, r.fenced, r.cpu_us / r.elapsed_us);
}

#endif
