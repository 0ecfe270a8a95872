// The parts of wire version 1 that the floor and the load generator use: sizes, keys, sealing.
// Written from docs/WIRE.md alone. Needs OpenSSL's libcrypto.
#ifndef KILOGRAM_WIRE_H
#define KILOGRAM_WIRE_H

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Section 1: nonce ‖ sealed frame ‖ tag. Section 4: the frame's fields, and the reply's meta.
enum {
  DATAGRAM = 1024, NONCE = 12, FRAME = 996, TAG = 16, TAG_AT = NONCE + FRAME, MASTER_KEY = 32,
  CODE_AT = 0, FLAGS_AT = 1, KEY_AT = 5, META_AT = KEY_AT, VALUE_AT = 133, MAX_VALUE = 863,
  EPOCH = 16, BOOT_ID = 8, META_EPOCH_AT = META_AT + NONCE, META = NONCE + EPOCH + 8,
  KEY_LENGTH_SHIFT = 14, VALUE_LENGTH_SHIFT = 22,
};
enum { SET = 0, GET = 1, PING = 6 };
enum { OK = 0, NOT_FOUND = 1, FENCED = 4 };
enum { OVERWRITE = 1 };

static inline void die(const char *what) { perror(what); exit(1); }

static inline uint32_t read_u32(const uint8_t *from) {
  return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static inline void write_u32(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; i++) to[i] = (uint8_t)(value >> 8 * i);
}

// A direction's cipher, keyed once; each datagram brings its nonce.
typedef EVP_CIPHER_CTX Cipher;

// The traffic key of section 2: HKDF-SHA-256 (RFC 5869), no salt, one block.
static inline Cipher *make_cipher(const uint8_t *master_key, const char *info, int is_for_sealing) {
  uint8_t no_salt[32] = {0}, prk[32], key[32], block[64];
  HMAC(EVP_sha256(), no_salt, sizeof no_salt, master_key, MASTER_KEY, prk, NULL);
  size_t length = strlen(info);
  memcpy(block, info, length);
  block[length] = 1;
  HMAC(EVP_sha256(), prk, sizeof prk, block, length + 1, key, NULL);
  Cipher *cipher = EVP_CIPHER_CTX_new();
  EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, NULL, is_for_sealing);
  return cipher;
}

// Seals a frame into a datagram that begins with its nonce. Additional data: an epoch, or NULL.
static inline void seal(Cipher *cipher, uint8_t *datagram, const uint8_t *frame, const uint8_t *epoch) {
  int n;
  EVP_EncryptInit_ex(cipher, NULL, NULL, NULL, datagram);
  if (epoch != NULL) EVP_EncryptUpdate(cipher, NULL, &n, epoch, EPOCH);
  EVP_EncryptUpdate(cipher, datagram + NONCE, &n, frame, FRAME);
  EVP_EncryptFinal_ex(cipher, datagram + TAG_AT, &n);
  EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG, datagram + TAG_AT);
}

// Opens a datagram into a frame; false if it does not authenticate.
static inline bool open_datagram(Cipher *cipher, uint8_t *datagram, uint8_t *frame, const uint8_t *epoch) {
  int n;
  uint8_t rest[TAG];
  EVP_DecryptInit_ex(cipher, NULL, NULL, NULL, datagram);
  if (epoch != NULL) EVP_DecryptUpdate(cipher, NULL, &n, epoch, EPOCH);
  EVP_DecryptUpdate(cipher, frame, &n, datagram + NONCE, FRAME);
  EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG, datagram + TAG_AT);
  return EVP_DecryptFinal_ex(cipher, rest, &n) > 0;
}

static inline void write_head(uint8_t *frame, uint8_t code, uint32_t toggles, uint32_t key_length, uint32_t value_length) {
  frame[CODE_AT] = code;
  write_u32(frame + FLAGS_AT, toggles | key_length << KEY_LENGTH_SHIFT | value_length << VALUE_LENGTH_SHIFT);
}

static inline uint32_t key_length_of(const uint8_t *frame) { return read_u32(frame + FLAGS_AT) >> KEY_LENGTH_SHIFT & 0xff; }
static inline uint32_t value_length_of(const uint8_t *frame) { return read_u32(frame + FLAGS_AT) >> VALUE_LENGTH_SHIFT; }

// The master key from the environment variable KG_KEY: 44 characters of base64.
static inline void read_master_key(uint8_t *key) {
  uint8_t bytes[MASTER_KEY + 1];
  const char *text = getenv("KG_KEY");
  if (text == NULL || strlen(text) != 44 || EVP_DecodeBlock(bytes, (const uint8_t *)text, 44) != 33) {
    fprintf(stderr, "KG_KEY must hold the master key as 44 characters of base64\n");
    exit(2);
  }
  memcpy(key, bytes, MASTER_KEY);
}

#endif
