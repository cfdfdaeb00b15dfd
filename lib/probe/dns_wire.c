/* SPDX-License-Identifier: Apache-2.0 */
#include "dns_wire.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "../base/parse.h"

enum { HEADER = 12, NAME_MAX_BYTES = 255, LABEL_MAX = 63, TYPE_OPT = 41, CLASS_IN = 1, FLAG_RD = 0x01 };

/* How the data of a record reads: 'n' a name, '2' and '4' numbers, 's' all strings, '4a' and '6a' addresses as 'a' and
 * 'A', 'c' the flags and 't' the tag and value of a CAA. */
static const struct {
	const char *name;
	int type;
	const char *data;
} types[] = {
	{ "A", 1, "a" },
	{ "NS", 2, "n" },
	{ "CNAME", 5, "n" },
	{ "SOA", 6, "nn44444" },
	{ "PTR", 12, "n" },
	{ "MX", 15, "2n" },
	{ "TXT", 16, "s" },
	{ "AAAA", 28, "A" },
	{ "SRV", 33, "222n" },
	{ "CAA", 257, "ct" },
};

static const char *const rcodes[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN",
	"YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE" };

int dns_type_from_name(const char *name)
{
	struct mrp_err ignored = MRP_ERR_INIT;
	int64_t number;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (strcasecmp(types[i].name, name) == 0)
			return types[i].type;
	}
	if (strncasecmp(name, "TYPE", 4) == 0 && isdigit((unsigned char)name[4]) &&
		parse_int(&number, name + 4, 1, 65535, &ignored) == 0)
		return (int)number;
	mrp_err_clear(&ignored);
	return -1;
}

const char *dns_type_name(char out[16], int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (types[i].type == type)
			return types[i].name;
	}
	snprintf(out, 16, "TYPE%d", type);
	return out;
}

const char *dns_rcode_name(char out[16], int rcode)
{
	if (rcode >= 0 && (size_t)rcode < ARRAY_SIZE(rcodes))
		return rcodes[rcode];
	snprintf(out, 16, "RCODE%d", rcode);
	return out;
}

/* --- the question ------------------------------------------------------------------------------------------------- */

static uint8_t *put16(uint8_t *p, int n)
{
	*p++ = (uint8_t)(n >> 8);
	*p++ = (uint8_t)n;
	return p;
}

/* The name as labels; NULL when it is none. */
static uint8_t *put_name(uint8_t *p, const char *name)
{
	const uint8_t *start = p;

	if (streq(name, "."))
		name = "";
	while (*name) {
		size_t len = strcspn(name, ".");

		if (!len || len > LABEL_MAX || (size_t)(p - start) + len + 2 > NAME_MAX_BYTES)
			return NULL;
		*p++ = (uint8_t)len;
		memcpy(p, name, len);
		p += len;
		name += len + (name[len] == '.');
	}
	*p++ = 0;
	return p;
}

int dns_make_query(uint8_t out[DNS_QUERY_MAX], uint16_t id, const char *name, int type, struct mrp_err *err)
{
	uint8_t *p = put16(out, id);

	*p++ = FLAG_RD;
	*p++ = 0;
	p = put16(p, 1); /* questions */
	p = put16(p, 0);
	p = put16(p, 0);
	p = put16(p, 1); /* additional records: EDNS */
	p = put_name(p, name);
	if (!p)
		return mrp_err_set(err, MRP_EINVALID, "'%s' is no name of DNS", name);
	p = put16(p, type);
	p = put16(p, CLASS_IN);
	*p++ = 0;
	p = put16(p, TYPE_OPT);
	p = put16(p, DNS_UDP_SIZE);
	memset(p, 0, 6); /* extended code, version, flags, no options */
	return (int)(p + 6 - out);
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

struct reader {
	const uint8_t *message;
	size_t len, at;
	bool bad;
};

static uint32_t get(struct reader *r, size_t bytes)
{
	uint32_t n = 0;

	if (r->bad || bytes > r->len - r->at) {
		r->bad = true;
		return 0;
	}
	while (bytes--)
		n = n << 8 | r->message[r->at++];
	return n;
}

static void add_label(struct strbuf *out, const uint8_t *label, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (label[i] == '.' || label[i] == '\\')
			strbuf_addf(out, "\\%c", label[i]);
		else if (label[i] <= ' ' || label[i] >= 0x7f)
			strbuf_addf(out, "\\%03u", label[i]);
		else
			strbuf_addch(out, (char)label[i]);
	}
	strbuf_addch(out, '.');
}

/* Pointers go backwards only, so that there is an end. */
static void get_name(struct reader *r, struct strbuf *out)
{
	size_t at = r->at, end = 0, total = 0, start = out->len;

	for (;;) {
		if (r->bad || at >= r->len)
			break;
		size_t len = r->message[at];
		if (len >= 0xc0 && at + 1 < r->len) {
			size_t target = (len & 0x3f) << 8 | r->message[at + 1];

			end = end ? end : at + 2;
			if (target >= at)
				break;
			at = target;
			continue;
		}
		total += len + 1;
		if (len > LABEL_MAX || at + 1 + len > r->len || total > NAME_MAX_BYTES)
			break;
		at += 1 + len;
		if (!len) {
			r->at = end ? end : at;
			if (out->len == start)
				strbuf_addch(out, '.');
			return;
		}
		add_label(out, r->message + at - len, len);
	}
	r->bad = true;
}

static void get_address(struct reader *r, struct strbuf *out, int family, size_t bytes)
{
	char text[INET6_ADDRSTRLEN];

	if (r->bad || bytes > r->len - r->at) {
		r->bad = true;
		return;
	}
	strbuf_addstr(out, inet_ntop(family, r->message + r->at, text, sizeof(text)));
	r->at += bytes;
}

static void add_quoted(struct strbuf *out, const uint8_t *text, size_t len)
{
	strbuf_addch(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			strbuf_addf(out, "\\%c", text[i]);
		else if (text[i] < ' ' || text[i] >= 0x7f)
			strbuf_addf(out, "\\%03u", text[i]);
		else
			strbuf_addch(out, (char)text[i]);
	}
	strbuf_addch(out, '"');
}

/* `len` bytes as text; several strings of a TXT record are one (RFC 7208, 3.3, and everybody since). */
static void get_text(struct reader *r, struct strbuf *out, size_t end, bool with_lengths)
{
	cleanup(strbuf_release) struct strbuf text = STRBUF_INIT;

	while (!r->bad && r->at < end) {
		size_t len = with_lengths ? get(r, 1) : end - r->at;

		if (len > end - r->at) {
			r->bad = true;
			return;
		}
		strbuf_add(&text, r->message + r->at, len);
		r->at += len;
	}
	add_quoted(out, (const uint8_t *)text.buf, text.len);
}

static void get_tag(struct reader *r, struct strbuf *out, size_t end)
{
	size_t len = get(r, 1);

	if (r->bad || r->at > end || len > end - r->at) {
		r->bad = true;
		return;
	}
	for (; len; len--, r->at++)
		strbuf_addch(out, isalnum(r->message[r->at]) ? (char)r->message[r->at] : '?');
	strbuf_addch(out, ' ');
	get_text(r, out, end, false);
}

static void get_part(struct reader *r, struct strbuf *out, char what, size_t end)
{
	switch (what) {
	case 'a':
		get_address(r, out, AF_INET, 4);
		break;
	case 'A':
		get_address(r, out, AF_INET6, 16);
		break;
	case 'n':
		get_name(r, out);
		break;
	case 's':
		get_text(r, out, end, true);
		break;
	case 't':
		get_tag(r, out, end);
		break;
	default:
		strbuf_addf(out, "%u", get(r, what == 'c' ? 1 : (size_t)(what - '0')));
	}
}

/* Of a type that is not known here: RFC 3597. */
static void get_unknown(struct reader *r, struct strbuf *out, size_t end)
{
	strbuf_addf(out, "\\# %zu", end - r->at);
	for (size_t i = 0; r->at < end; i++)
		strbuf_addf(out, "%s%02x", i ? "" : " ", get(r, 1));
}

static void get_data(struct reader *r, struct strbuf *out, int type, size_t end)
{
	const char *data = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (types[i].type == type)
			data = types[i].data;
	}
	if (!data)
		get_unknown(r, out, end);
	for (; data && *data && !r->bad; data++) {
		get_part(r, out, *data, end);
		if (data[1])
			strbuf_addch(out, ' ');
	}
	if (r->at != end)
		r->bad = true;
}

static void get_record(struct reader *r, struct dns_answer *out, int wanted)
{
	cleanup(strbuf_release) struct strbuf name = STRBUF_INIT, data = STRBUF_INIT;

	get_name(r, &name);
	int type = (int)get(r, 2), class = (int)get(r, 2);
	get(r, 4); /* time to live */
	size_t len = get(r, 2);
	if (r->bad || len > r->len - r->at) {
		r->bad = true;
		return;
	}
	size_t end = r->at + len;
	if (type == wanted && class == CLASS_IN)
		get_data(r, &data, type, end);
	r->at = end;
	if (type == wanted && class == CLASS_IN && !r->bad)
		strvec_push(&out->records, data.buf);
}

/* The question as it was asked; names in any case. */
static bool same_question(struct reader *r, const uint8_t *query, size_t query_len)
{
	struct reader asked = { query, query_len, HEADER, false };
	cleanup(strbuf_release) struct strbuf want = STRBUF_INIT, name = STRBUF_INIT;

	get_name(&asked, &want);
	get_name(r, &name);
	return !r->bad && strcasecmp(want.buf, name.buf) == 0 && get(r, 4) == get(&asked, 4) && !r->bad;
}

enum dns_match dns_read_answer(
	struct dns_answer *out, const uint8_t *message, size_t len, const uint8_t *query, size_t query_len)
{
	struct reader r = { message, len, 0, false };

	if (len < 2 || memcmp(message, query, 2) != 0)
		return DNS_OTHER;
	get(&r, 2);
	unsigned flags = get(&r, 2), questions = get(&r, 2), answers = get(&r, 2);
	get(&r, 4);
	if (r.bad)
		return DNS_GARBAGE;
	if (!(flags & 0x8000)) /* a question */
		return DNS_OTHER;
	out->rcode = (int)(flags & 15);
	out->truncated = flags & 0x0200;
	out->authoritative = flags & 0x0400;
	if (!questions && out->rcode != DNS_NOERROR) /* some errors come without: there was nothing to repeat */
		return DNS_ANSWER;
	if (questions != 1)
		return DNS_GARBAGE;
	if (!same_question(&r, query, query_len))
		return r.bad ? DNS_GARBAGE : DNS_OTHER;
	int wanted = message[r.at - 4] << 8 | message[r.at - 3];
	for (unsigned i = 0; i < answers && !r.bad && !out->truncated; i++)
		get_record(&r, out, wanted);
	return r.bad ? DNS_GARBAGE : DNS_ANSWER;
}

void dns_answer_release(struct dns_answer *answer)
{
	strvec_clear(&answer->records);
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

static bool same_address(int family, const char *a, const char *b)
{
	uint8_t one[16] = { 0 }, other[16] = { 0 };

	return inet_pton(family, a, one) == 1 && inet_pton(family, b, other) == 1 &&
		memcmp(one, other, sizeof(one)) == 0;
}

/* Text as it stands between the quotes, which a person may leave out. */
static bool same_text(const char *record, const char *written)
{
	size_t len = strlen(record), want = strlen(written);

	if (streq(record, written))
		return true;
	return len == want + 2 && memcmp(record + 1, written, want) == 0;
}

bool dns_record_equal(int type, const char *record, const char *written)
{
	size_t len = strlen(record), want = strlen(written);

	if (type == 1 || type == 28)
		return same_address(type == 1 ? AF_INET : AF_INET6, record, written);
	if (type == 16)
		return same_text(record, written);
	if (len == want + 1 && record[len - 1] == '.')
		len--;
	return len == want && strncasecmp(record, written, len) == 0;
}
