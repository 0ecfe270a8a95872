// load_resp: the same load as load.c on a server that speaks RESP, over TLS or plain, one request at
// a time on each connection. Open loop, with a rate: a request is due every 1/rate seconds, and its
// latency counts from then, even while all connections are busy.
//
//     cc -O2 load_resp.c -o load_resp -lssl -lcrypto -lm
//     ./load_resp PORT tls|plain COUNT CONNECTIONS READ_PERCENT KEYS VALUE_BYTES [RATE] [fill]
//
// With «fill», it sets every key once, in order, and COUNT is KEYS. Prints one line of JSON.
#define _GNU_SOURCE
#include "measure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 64, MAX_VALUE = 863, MESSAGE = 2048 };

typedef struct {
  int s;
  SSL *tls;
  bool is_busy, is_read;
  double due_us;
  int length;
  char in[MESSAGE];
} Connection;

static Connection connections[MAX_CONNECTIONS];
static int value_bytes;
static long found, missing;

static void fail(const char *what) { fprintf(stderr, "load_resp: %s\n", what); exit(1); }

static void open_connection(Connection *c, int port, SSL_CTX *tls) {
  int yes = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  c->s = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(c->s, (void *)&address, sizeof address) != 0) fail("can't connect");
  setsockopt(c->s, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (tls != NULL) {
    c->tls = SSL_new(tls);
    SSL_set_fd(c->tls, c->s);
    if (SSL_connect(c->tls) != 1) fail("no TLS");
  }
  fcntl(c->s, F_SETFL, O_NONBLOCK);
}

// A request is much smaller than the empty socket buffer, so one write takes all of it.
static void send_request(Connection *c, uint64_t key) {
  char out[MESSAGE], value[MAX_VALUE];
  memset(value, 'v', sizeof value);
  int n = c->is_read
    ? snprintf(out, sizeof out, "*2\r\n$3\r\nGET\r\n$16\r\nkey:%012llu\r\n", (unsigned long long)key)
    : snprintf(out, sizeof out, "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012llu\r\n$%d\r\n%.*s\r\n", (unsigned long long)key, value_bytes, value_bytes, value);
  int written = c->tls != NULL ? SSL_write(c->tls, out, n) : (int)write(c->s, out, (size_t)n);
  if (written != n) fail("can't write");
  c->length = 0;
  c->is_busy = true;
}

// Whether the reply is complete: «+OK», «$-1», or «$» with a length and that many bytes.
static bool is_complete(const Connection *c) {
  const char *end = memmem(c->in, (size_t)c->length, "\r\n", 2);
  if (end == NULL) return false;
  if (c->in[0] == '-') fail("the server refuses");
  if (c->in[0] != '$') return true;
  long bytes = atol(c->in + 1);
  return bytes < 0 || c->length >= end - c->in + 2 + bytes + 2;
}

static bool receive_reply(Connection *c) {
  for (;;) {
    char *to = c->in + c->length;
    size_t room = sizeof c->in - (size_t)c->length;
    int n = c->tls != NULL ? SSL_read(c->tls, to, (int)room) : (int)read(c->s, to, room);
    if (n > 0) {
      c->length += n;
      if (is_complete(c)) return true;
      continue;
    }
    bool is_early = c->tls != NULL ? SSL_get_error(c->tls, n) == SSL_ERROR_WANT_READ : n < 0 && errno == EAGAIN;
    if (!is_early) fail("the connection broke");
    return false;
  }
}

int main(int argc, char **argv) {
  bool is_fill = argc > 8 && strcmp(argv[argc - 1], "fill") == 0;
  if (argc < 8 || argc > 10) {
    fprintf(stderr, "usage: load_resp PORT tls|plain COUNT CONNECTIONS READ_PERCENT KEYS VALUE_BYTES [RATE] [fill]\n");
    return 2;
  }
  long count = atol(argv[3]), key_count = atol(argv[6]);
  int width = atoi(argv[4]), read_percent = atoi(argv[5]);
  value_bytes = atoi(argv[7]);
  double rate = argc > 8 ? atof(argv[8]) : 0;
  if (count < 1 || width < 1 || width > MAX_CONNECTIONS || key_count < 1 || value_bytes > MAX_VALUE) {
    fprintf(stderr, "load_resp: at least 1 request and key, 1 to 64 connections, values of at most 863 bytes\n");
    return 2;
  }
  prctl(PR_SET_TIMERSLACK, 1);
  RAND_bytes((uint8_t *)&random_state, sizeof random_state);
  random_state |= 1;
  SSL_CTX *tls = strcmp(argv[2], "tls") == 0 ? SSL_CTX_new(TLS_client_method()) : NULL;
  int poll_fd = epoll_create1(0);
  for (int i = 0; i < width; i++) {
    open_connection(&connections[i], atoi(argv[1]), tls);
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = &connections[i]};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, connections[i].s, &wanted);
  }
  float *latencies_us = malloc(sizeof(float) * (size_t)count);
  double started = now_us(), cpu_before = own_cpu_us();
  long begun = 0, ended = 0;
  while (ended < count) {
    double now = now_us(), due = INFINITY;
    for (int i = 0; i < width && begun < count; i++) {
      Connection *c = &connections[i];
      if (c->is_busy) continue;
      due = rate > 0 ? started + (double)begun * 1e6 / rate : now;
      if (due > now) break;
      c->is_read = !is_fill && draw() % 100 < (uint64_t)read_percent;
      c->due_us = due;
      send_request(c, is_fill ? (uint64_t)begun : draw() % (uint64_t)key_count);
      begun++;
      due = INFINITY;
    }
    struct epoll_event events[MAX_CONNECTIONS];
    struct timespec left = until_us(fmin(due, now_us() + 1e6));
    int ready = epoll_pwait2(poll_fd, events, MAX_CONNECTIONS, &left, NULL);
    for (int i = 0; i < ready; i++) {
      Connection *c = events[i].data.ptr;
      if (!c->is_busy || !receive_reply(c)) continue;
      c->is_busy = false;
      latencies_us[ended++] = (float)(now_us() - c->due_us);
      if (c->is_read && c->in[1] == '-') missing++;
      else found++;
    }
  }
  print_report((Report){.count = count, .ok = found, .not_found = missing, .elapsed_us = now_us() - started,
                        .cpu_us = own_cpu_us() - cpu_before, .latencies_us = latencies_us});
  return 0;
}
