/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of DNS: any bytes as the answer to a question whose number and name they may well have. */
#include "../../lib/base/text.h"
#include "../../lib/probe/dns_wire.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup(mrp_err_clear) struct mrp_err err = MRP_ERR_INIT;
	cleanup(dns_answer_release) struct dns_answer answer = DNS_ANSWER_INIT;
	static const int types[] = { 1, 2, 5, 6, 12, 15, 16, 28, 33, 257, 65 };
	uint8_t query[DNS_QUERY_MAX];
	uint16_t id = size < 2 ? 0 : (uint16_t)(data[0] << 8 | data[1]);
	int type = types[size % ARRAY_SIZE(types)];
	/* the type stands behind the name "a.test" when the message begins as most of the corpus does */
	if (size >= 22)
		type = data[20] << 8 | data[21];
	int n = dns_make_query(query, id, "a.test", type, &err);

	MUST(n > 0);
	enum dns_match match = dns_read_answer(&answer, data, size, query, (size_t)n);
	for (size_t i = 0; i < answer.records.n; i++) {
		MUST(utf8_valid(answer.records.v[i], strlen(answer.records.v[i])));
		MUST(dns_record_equal(type, answer.records.v[i], answer.records.v[i]));
	}
	MUST(match != DNS_OTHER || !answer.records.n);
	return 0;
}
