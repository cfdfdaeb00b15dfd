/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of DNS (RFC 1035, EDNS of RFC 6891): one question out, records as text back. Pure functions. */
#ifndef MRP_PROBE_DNS_WIRE_H
#define MRP_PROBE_DNS_WIRE_H

#include "../base/err.h"

enum {
	DNS_NAME_TEXT = 1025, /* 255 bytes, each perhaps as \DDD */
	DNS_QUERY_MAX = 512,
	DNS_UDP_SIZE = 1232, /* that answers by UDP may have: no fragments anywhere */
	DNS_MESSAGE_MAX = 65535,
};

enum { DNS_NOERROR = 0, DNS_SERVFAIL = 2, DNS_NXDOMAIN = 3 };

/* The number of a record type: "A", "aaaa", "TYPE65"; -1 when there is none of that name. */
int dns_type_from_name(const char *name);
/* "A", or "TYPE65" when it has no name here. */
const char *dns_type_name(char out[16], int type);
/* "NXDOMAIN", or "RCODE11". */
const char *dns_rcode_name(char out[16], int rcode);

/* A question with recursion wanted. The number of bytes, or -1 with MRP_EINVALID: `name` is no name. */
int dns_make_query(uint8_t out[DNS_QUERY_MAX], uint16_t id, const char *name, int type, struct mrp_err *err);

enum dns_match {
	DNS_ANSWER,  /* of this question */
	DNS_OTHER,   /* not an answer to this question: another number, another name */
	DNS_GARBAGE, /* of this question by its number, but no message of DNS */
};

struct dns_answer {
	int rcode;
	bool truncated, authoritative;
	struct strvec records; /* of the type that was asked for, as zone files spell them */
};

#define DNS_ANSWER_INIT                \
	{                              \
		.records = STRVEC_INIT \
	}

enum dns_match dns_read_answer(
	struct dns_answer *out, const uint8_t *message, size_t len, const uint8_t *query, size_t query_len);
void dns_answer_release(struct dns_answer *answer);

/* Whether the record is what somebody wrote: names with or without the last dot and in any case, addresses in any
 * spelling, text with or without quotes. */
bool dns_record_equal(int type, const char *record, const char *written);

#endif
