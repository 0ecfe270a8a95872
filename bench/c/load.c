// load: a load generator for the version-1 wire, written from docs/WIRE.md alone: a second client.
// Closed loop: as many requests outstanding as asked for. Open loop, with a rate: a request is due
// every 1/rate seconds, and its latency counts from then, whether or not it could be sent.
// A request without an answer is sent again (section 6); a mutation answered FENCED is sealed anew
// (section 5). A server that restarts, or is silent for 5 s, ends the run: nothing is abandoned.
// Left out is the rule for eight repeated requests in a row.
//
//     cc -O2 load.c -o load -lcrypto -lm
//     KG_KEY=… ./load PORT COUNT OUTSTANDING READ_PERCENT KEYS VALUE_BYTES [RATE] [fill|each]
//
// With «fill», it sets every key once, in order, and COUNT is KEYS. With «each», it is as many clients as
// there are requests outstanding, each with a socket and streams of its own. Prints one line of JSON.
#define _GNU_SOURCE
#include "measure.h"
#include "wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum { MAX_OUTSTANDING = 64, WINDOW = 1024, SEQUENCES = 65536, RECEIVE_BUFFER = 4 << 20 };
static const double SILENCE_US = 5e6, FIRST_WAIT_US = 20e3, MIN_WAIT_US = 2e3, LONG_WAIT_US = 100e3, MAX_WAIT_US = 1e6;

typedef struct Slot Slot;

// Streams are indexed by kind: queries, mutations.
typedef struct {
  int socket;
  uint8_t stream[2][8];
  uint32_t next_sequence[2];
  Slot **by_sequence[2];
} Client;

struct Slot {
  uint8_t datagram[DATAGRAM];
  bool is_busy, is_mutation;
  Client *client;
  int copies;
  uint64_t key;
  double due_us, begun_us, sent_us, again_us, wait_us;
};

static Slot slots[MAX_OUTSTANDING + 1]; // the last one is for PING
static Slot *const ping_slot = &slots[MAX_OUTSTANDING];
static Client clients[MAX_OUTSTANDING];
static int client_count = 1, sequences_each, waited; // where replies are waited for: a socket, or an epoll of all
static uint8_t epoch[EPOCH], frame[FRAME];
static bool knows_epoch;
static Cipher *sealing, *replies;
static Slot *batch[MAX_OUTSTANDING + 1];
static unsigned batched;
// Queries and mutations have estimates of their own (section 6), and a margin: a mutation may wait for a disk.
static double smoothed_us[2] = {-1, -1}, deviation_us[2];
static const double MIN_MARGIN[2] = {0.5, 1.5};
static long copies_again, fenced, statuses[256];
static uint32_t value_bytes, key_count;

static void flush_each(void) {
  for (unsigned i = 0; i < batched; i++) send(batch[i]->client->socket, batch[i]->datagram, DATAGRAM, 0);
  batched = 0;
}

static void flush(void) {
  if (client_count > 1) { flush_each(); return; }
  struct mmsghdr messages[MAX_OUTSTANDING + 1];
  struct iovec parts[MAX_OUTSTANDING + 1];
  memset(messages, 0, sizeof messages);
  for (unsigned i = 0; i < batched; i++) {
    parts[i] = (struct iovec){batch[i]->datagram, DATAGRAM};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (unsigned sent = 0; sent < batched;) {
    int n = sendmmsg(clients->socket, messages + sent, batched - sent, 0);
    if (n <= 0) break; // as lost on the way
    sent += (unsigned)n;
  }
  batched = 0;
}

static void post(Slot *slot) {
  slot->copies++;
  batch[batched++] = slot;
}

static double first_wait_us(int kind) {
  if (smoothed_us[kind] < 0) return FIRST_WAIT_US;
  double margin_us = fmax(MIN_MARGIN[kind] * smoothed_us[kind], 4 * deviation_us[kind]);
  return fmin(MAX_WAIT_US, fmax(MIN_WAIT_US, smoothed_us[kind] + margin_us));
}

// Up to where the waits between copies double.
static double long_wait_us(int kind) {
  return kind == 1 && smoothed_us[1] < 0 ? MAX_WAIT_US : LONG_WAIT_US;
}

static int outstanding_of(int kind) {
  int count = 0;
  for (int i = 0; i < MAX_OUTSTANDING; i++) count += slots[i].is_busy && slots[i].is_mutation == kind;
  return count;
}

static void seal_and_post(Slot *slot, uint8_t operation, uint32_t toggles, uint32_t key_length, uint32_t length) {
  Client *client = slot->client;
  uint32_t sequence = client->next_sequence[slot->is_mutation]++;
  memcpy(slot->datagram, client->stream[slot->is_mutation], 8);
  write_u32(slot->datagram + 8, sequence);
  write_head(frame, operation, toggles, key_length, length);
  seal(sealing, slot->datagram, frame, slot->is_mutation ? epoch : NULL);
  client->by_sequence[slot->is_mutation][sequence % (uint32_t)sequences_each] = slot;
  slot->copies = 0;
  slot->sent_us = now_us();
  if (slot->begun_us == 0) slot->begun_us = slot->sent_us;
  slot->wait_us = first_wait_us(slot->is_mutation);
  slot->again_us = slot->sent_us + slot->wait_us;
  post(slot);
}

static void send_request(Slot *slot) {
  memset(frame, 0, FRAME);
  int key_length = snprintf((char *)frame + KEY_AT, 32, "key:%012llu", (unsigned long long)slot->key);
  uint32_t length = slot->is_mutation ? value_bytes : 0;
  memset(frame + VALUE_AT, 'v', length);
  seal_and_post(slot, slot->is_mutation ? SET : GET, slot->is_mutation ? OVERWRITE : 0, (uint32_t)key_length, length);
}

static void send_ping(void) {
  memset(frame, 0, FRAME);
  ping_slot->is_busy = true;
  ping_slot->due_us = now_us();
  seal_and_post(ping_slot, PING, 0, 0, 0);
}

// Section 5, rule 5: no mutation starts a window or more above the oldest that waits.
static bool may_mutate(const Client *client) {
  if (!knows_epoch) return false;
  for (int i = 0; i < MAX_OUTSTANDING; i++) {
    if (!slots[i].is_busy || !slots[i].is_mutation || slots[i].client != client) continue;
    if (client->next_sequence[1] - read_u32(slots[i].datagram + 8) >= WINDOW) return false;
  }
  return true;
}

static void learn_epoch(void) {
  const uint8_t *told = frame + META_EPOCH_AT;
  if (knows_epoch && memcmp(told, epoch, BOOT_ID) != 0) { fprintf(stderr, "load: the server restarted\n"); exit(1); }
  // Of the generation's 64 bits the lower 32: a run sees a few.
  bool is_newer = !knows_epoch || read_u32(told + BOOT_ID) > read_u32(epoch + BOOT_ID);
  if (is_newer) memcpy(epoch, told, EPOCH);
  knows_epoch = true;
}

static void sample(int kind, double elapsed_us) {
  double *smoothed = &smoothed_us[kind], *deviation = &deviation_us[kind];
  if (*smoothed < 0) { *smoothed = elapsed_us; *deviation = elapsed_us / 2; return; }
  double samples_a_trip = fmax(1, outstanding_of(kind) / 2.0); // RFC 7323, appendix G
  *deviation += (fabs(elapsed_us - *smoothed) - *deviation) / 4 / samples_a_trip;
  *smoothed += (elapsed_us - *smoothed) / 8 / samples_a_trip;
}

// Returns the slot whose request a datagram answers and ends, or NULL.
static Slot *accept_reply(const Client *client, uint8_t *datagram, int length) {
  if (length != DATAGRAM || !open_datagram(replies, datagram, frame, NULL)) return NULL;
  if (key_length_of(frame) != META || value_length_of(frame) > MAX_VALUE) return NULL;
  const uint8_t *nonce = frame + META_AT;
  Slot *slot = client->by_sequence[nonce[0] & 1][read_u32(nonce + 8) % (uint32_t)sequences_each];
  if (slot == NULL || !slot->is_busy || memcmp(slot->datagram, nonce, NONCE) != 0) return NULL;
  learn_epoch();
  if (slot->copies == 1) sample(slot->is_mutation, now_us() - slot->sent_us);
  if (slot->is_mutation && frame[CODE_AT] == FENCED) {
    fenced++;
    send_request(slot);
    return NULL;
  }
  slot->is_busy = false;
  if (slot == ping_slot) return NULL;
  statuses[frame[CODE_AT]]++;
  return slot;
}

static void repeat_unanswered(double now) {
  bool is_mutation_late = false;
  for (int i = 0; i <= MAX_OUTSTANDING; i++) {
    Slot *slot = &slots[i];
    if (!slot->is_busy || slot->again_us > now) continue;
    if (now - slot->due_us > SILENCE_US && now - slot->sent_us > SILENCE_US) { fprintf(stderr, "load: no answer for 5 s\n"); exit(1); }
    double longest_us = long_wait_us(slot->is_mutation);
    if (slot->wait_us < longest_us) slot->wait_us = fmin(slot->wait_us * 2, longest_us);
    slot->again_us = now + slot->wait_us;
    copies_again++;
    is_mutation_late |= slot->is_mutation;
    post(slot);
  }
  if (is_mutation_late && !ping_slot->is_busy) send_ping();
}

static double next_event_us(double due) {
  for (int i = 0; i <= MAX_OUTSTANDING; i++)
    if (slots[i].is_busy && slots[i].again_us < due) due = slots[i].again_us;
  return due;
}

static void wait_until(double at_us) {
  struct timespec left = until_us(at_us);
  struct pollfd p = {waited, POLLIN, 0};
  ppoll(&p, 1, &left, NULL);
}

static int connect_to(int port) {
  int s = socket(AF_INET, SOCK_DGRAM, 0), size = RECEIVE_BUFFER;
  setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  if (connect(s, (void *)&address, sizeof address) != 0) die("connect");
  return s;
}

static void make_ciphers(void) {
  uint8_t master_key[MASTER_KEY];
  read_master_key(master_key);
  sealing = make_cipher(master_key, "kilogram/1 request", 1);
  replies = make_cipher(master_key, "kilogram/1 reply", 0);
  RAND_bytes((uint8_t *)&random_state, sizeof random_state);
  random_state |= 1;
}

static void begin_client(Client *client, int port) {
  client->socket = connect_to(port);
  RAND_bytes(&client->stream[0][0], sizeof client->stream);
  RAND_bytes((uint8_t *)client->next_sequence, sizeof client->next_sequence);
  for (int kind = 0; kind < 2; kind++) {
    client->stream[kind][0] = (uint8_t)((client->stream[kind][0] & ~1) | kind);
    client->next_sequence[kind] >>= 1; // below 2^31; a run is shorter than what is left
    client->by_sequence[kind] = calloc((size_t)sequences_each, sizeof(Slot *));
  }
}

static void begin_clients(int port) {
  sequences_each = SEQUENCES / client_count;
  waited = client_count > 1 ? epoll_create1(0) : -1;
  for (int i = 0; i < client_count; i++) {
    begin_client(&clients[i], port);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};
    if (client_count > 1) epoll_ctl(waited, EPOLL_CTL_ADD, clients[i].socket, &event);
  }
  if (client_count == 1) waited = clients->socket;
  for (int i = 0; i <= MAX_OUTSTANDING; i++) slots[i].client = &clients[i % client_count];
}

static uint8_t in[MAX_OUTSTANDING][DATAGRAM + 1];
static int in_length[MAX_OUTSTANDING];
static Client *in_client[MAX_OUTSTANDING];

// Takes the replies that are there, and returns how many.
static int receive_each(void) {
  struct epoll_event ready[MAX_OUTSTANDING];
  int count = epoll_wait(waited, ready, MAX_OUTSTANDING, 0);
  for (int i = 0; i < count; i++) {
    in_client[i] = ready[i].data.ptr;
    in_length[i] = (int)recv(in_client[i]->socket, in[i], sizeof in[i], MSG_DONTWAIT);
  }
  return count;
}

static int receive(void) {
  if (client_count > 1) return receive_each();
  static struct mmsghdr messages[MAX_OUTSTANDING];
  static struct iovec parts[MAX_OUTSTANDING];
  for (int i = 0; i < MAX_OUTSTANDING; i++) {
    parts[i] = (struct iovec){in[i], sizeof in[i]};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  int count = recvmmsg(clients->socket, messages, MAX_OUTSTANDING, MSG_DONTWAIT, NULL);
  for (int i = 0; i < count; i++) {
    in_client[i] = clients;
    in_length[i] = (int)messages[i].msg_len;
  }
  return count;
}

int main(int argc, char **argv) {
  bool is_fill = argc > 7 && strcmp(argv[argc - 1], "fill") == 0;
  bool is_each = argc > 7 && strcmp(argv[argc - 1], "each") == 0;
  if (argc < 7 || argc > 9) {
    fprintf(stderr, "usage: KG_KEY=… load PORT COUNT OUTSTANDING READ_PERCENT KEYS VALUE_BYTES [RATE] [fill|each]\n");
    return 2;
  }
  long count = atol(argv[2]);
  int outstanding = atoi(argv[3]), read_percent = atoi(argv[4]);
  key_count = (uint32_t)atol(argv[5]);
  value_bytes = (uint32_t)atoi(argv[6]);
  double rate = argc > 7 ? atof(argv[7]) : 0;
  if (count < 1 || outstanding < 1 || outstanding > MAX_OUTSTANDING || key_count < 1 || value_bytes > MAX_VALUE) {
    fprintf(stderr, "load: at least 1 request and key, 1 to 64 outstanding, values of at most 863 bytes\n");
    return 2;
  }
  prctl(PR_SET_TIMERSLACK, 1);
  if (is_each) client_count = outstanding;
  make_ciphers();
  begin_clients(atoi(argv[1]));
  float *latencies_us = malloc(sizeof(float) * (size_t)count);
  send_ping();
  double started = 0, cpu_before = own_cpu_us();
  long begun = 0, ended = 0;
  while (ended < count) {
    double now = now_us();
    if (started == 0 && knows_epoch) started = now;
    double due = INFINITY;
    for (int i = 0; i < outstanding && started > 0 && begun < count; i++) {
      Slot *slot = &slots[i];
      if (slot->is_busy) continue;
      due = rate > 0 ? started + (double)begun * 1e6 / rate : now;
      if (due > now) break;
      slot->is_mutation = is_fill || draw() % 100 >= (uint64_t)read_percent;
      if (slot->is_mutation && !may_mutate(slot->client)) break;
      slot->key = is_fill ? (uint64_t)begun : draw() % key_count;
      slot->is_busy = true;
      slot->due_us = due;
      slot->begun_us = 0;
      begun++;
      send_request(slot);
    }
    if (batched > 0) flush();
    int got = receive();
    for (int i = 0; i < got; i++) {
      Slot *slot = accept_reply(in_client[i], in[i], in_length[i]);
      if (slot != NULL) latencies_us[ended++] = (float)(now_us() - (rate > 0 ? slot->due_us : slot->begun_us));
    }
    if (got > 0) continue;
    now = now_us();
    repeat_unanswered(now);
    if (batched > 0) flush();
    if (ended < count) wait_until(next_event_us(due > now ? due : INFINITY));
  }
  print_report((Report){.count = count, .ok = statuses[OK], .not_found = statuses[NOT_FOUND], .retransmissions = copies_again,
                        .fenced = fenced, .elapsed_us = now_us() - started, .cpu_us = own_cpu_us() - cpu_before, .latencies_us = latencies_us});
  return 0;
}
