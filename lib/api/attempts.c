/* SPDX-License-Identifier: Apache-2.0 */
#include "attempts.h"

#include <arpa/inet.h>
#include <sys/random.h>

#include "../base/hash.h"

enum { SETS = 512, WAYS = 8, KEY_BYTES = 16 };

#define PERIOD_US ((int64_t)ATTEMPTS_PERIOD_MS * 1000)

struct attempt {
	uint8_t key[KEY_BYTES];
	int64_t full_at_us; /* when its bucket is full again; in the past: it is as good as not there */
};

struct attempts {
	struct attempt table[SETS][WAYS];
	uint8_t secret[SHA256_BYTES]; /* so that nobody can choose addresses that share a set */
};

struct attempts *attempts_new(void)
{
	struct attempts *attempts = xcalloc(1, sizeof(*attempts));

	if (getrandom(attempts->secret, sizeof(attempts->secret), GRND_NONBLOCK) < 0)
		memcpy(attempts->secret, &attempts, sizeof(attempts)); /* so early in the boot an address has to do */
	return attempts;
}

void attempts_free(struct attempts *attempts)
{
	free(attempts);
}

static void make_key(uint8_t key[KEY_BYTES], size_t *set, const struct attempts *attempts, const char *address)
{
	_Alignas(struct in6_addr) uint8_t network[16];
	uint8_t hash[SHA256_BYTES];
	const void *data = address;
	size_t len = strlen(address);

	if (inet_pton(AF_INET6, address, network) == 1) {
		data = network;
		len = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)network) ? 16 : 8;
	}
	hmac_sha256_of(hash, attempts->secret, sizeof(attempts->secret), data, len);
	memcpy(key, hash, KEY_BYTES);
	*set = (size_t)(hash[KEY_BYTES] << 8 | hash[KEY_BYTES + 1]) % SETS;
}

int attempts_fail(struct attempts *attempts, const char *address, int64_t now_us)
{
	uint8_t key[KEY_BYTES];
	size_t set;

	make_key(key, &set, attempts, address);
	struct attempt *row = attempts->table[set], *found = &row[0];
	for (int i = 0; i < WAYS; i++) {
		if (memcmp(row[i].key, key, KEY_BYTES) == 0) {
			found = &row[i];
			break;
		}
		if (row[i].full_at_us < found->full_at_us)
			found = &row[i];
	}
	if (memcmp(found->key, key, KEY_BYTES) != 0) {
		memcpy(found->key, key, KEY_BYTES);
		found->full_at_us = now_us;
	}
	if (found->full_at_us < now_us)
		found->full_at_us = now_us;
	int64_t over_us = found->full_at_us + PERIOD_US - now_us - ATTEMPTS_BURST * PERIOD_US;
	if (over_us > 0)
		return (int)((over_us + 999999) / 1000000);
	found->full_at_us += PERIOD_US;
	return 0;
}
