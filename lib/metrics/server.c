/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include "../base/listen.h"
#include "../base/module.h"

struct metrics_server {
	const struct page_server_ops *ops;
	struct page_server *pages;
	struct listener listener;
};

struct metrics_server *metrics_server_start(
	char **url, struct metrics *metrics, const char *listen, struct mrp_err *err)
{
	struct metrics_server *server = xcalloc(1, sizeof(*server));

	server->listener.fd = -1;
	server->ops = module_table("pages", "mhd_page_server_ops", err);
	if (!server->ops || listener_open(&server->listener, listen, LISTEN_ANYWHERE, err) < 0 ||
		!(server->pages = server->ops->start(metrics, server->listener.fd, err))) {
		metrics_server_stop(server);
		return NULL;
	}
	*url = xstrdup(server->listener.url);
	return server;
}

void metrics_server_stop(struct metrics_server *server)
{
	if (!server)
		return;
	if (server->pages)
		server->ops->stop(server->pages);
	listener_close(&server->listener);
	free(server);
}
