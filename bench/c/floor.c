// floor: the cheapest honest server for the same work, as a reference for what the machine allows.
// One thread; recvmmsg and sendmmsg in batches of 64. Opens every datagram of the version-1 wire,
// seals a reply with the request's nonce and the epoch under a counting nonce, and sends it back.
// No store and no fence: their share of the cost is left out on purpose.
//
//     cc -O2 floor.c -o floor -lcrypto && KG_KEY=… ./floor PORT
#define _GNU_SOURCE
#include "wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { BATCH = 64, VALUE = 100, RECEIVE_BUFFER = 4 << 20 };

static int listen_on(int port) {
  int s = socket(AF_INET, SOCK_DGRAM, 0), size = RECEIVE_BUFFER;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (bind(s, (void *)&address, sizeof address) != 0) die("bind");
  return s;
}

int main(int argc, char **argv) {
  if (argc != 2) { fprintf(stderr, "usage: KG_KEY=… floor PORT\n"); return 2; }
  static uint8_t in[BATCH][DATAGRAM + 1], out[BATCH][DATAGRAM], frame[FRAME];
  static struct sockaddr_in from[BATCH];
  struct mmsghdr received[BATCH], replies[BATCH];
  struct iovec in_parts[BATCH], out_parts[BATCH];
  uint8_t master_key[MASTER_KEY], epoch[EPOCH] = {0}, stream[8];
  read_master_key(master_key);
  Cipher *requests = make_cipher(master_key, "kilogram/1 request", 0);
  Cipher *sealing = make_cipher(master_key, "kilogram/1 reply", 1);
  RAND_bytes(stream, sizeof stream);
  RAND_bytes(epoch, BOOT_ID);
  int s = listen_on(atoi(argv[1]));
  for (uint32_t sequence = 0;;) {
    for (int i = 0; i < BATCH; i++) {
      in_parts[i] = (struct iovec){in[i], sizeof in[i]};
      received[i].msg_hdr = (struct msghdr){.msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &in_parts[i], .msg_iovlen = 1};
    }
    int count = recvmmsg(s, received, BATCH, MSG_WAITFORONE, NULL), answered = 0;
    for (int i = 0; i < count; i++) {
      if (received[i].msg_len != DATAGRAM) continue;
      bool is_mutation = (in[i][0] & 1) != 0;
      if (!open_datagram(requests, in[i], frame, is_mutation ? epoch : NULL)) continue;
      uint8_t *reply = out[answered];
      write_head(frame, OK, 0, META, VALUE);
      memcpy(frame + META_AT, in[i], NONCE);
      memcpy(frame + META_EPOCH_AT, epoch, EPOCH);
      memcpy(reply, stream, sizeof stream);
      write_u32(reply + sizeof stream, sequence++);
      seal(sealing, reply, frame, NULL);
      out_parts[answered] = (struct iovec){reply, DATAGRAM};
      replies[answered].msg_hdr = (struct msghdr){.msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &out_parts[answered], .msg_iovlen = 1};
      answered++;
    }
    if (answered > 0) sendmmsg(s, replies, (unsigned)answered, 0);
  }
}
