/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

void wire_transfer_reset(struct wire_transfer *transfer)
{
	char **const strings[] = { &transfer->detail, &transfer->etag, &transfer->content_type, &transfer->retry_after,
		&transfer->location };

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		freep(strings[i]);
	strbuf_release(&transfer->answer);
	strbuf_release(&transfer->head);
	transfer->status = 0;
	transfer->expected = 0;
	transfer->sent_none = false;
	transfer->bytes_sent = transfer->bytes_received = 0;
}
