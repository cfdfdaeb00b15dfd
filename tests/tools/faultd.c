/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that misbehaves on purpose, for tests of clients: a plain HTTP proxy in front of a real API (or of nothing),
 * with rules that spoil chosen requests.
 *
 *	faultd --port-file FILE [--port PORT] [--upstream PORT] [--log FILE] [--save FOLDER]
 *		[--without HEADER] [--clock SECONDS] [RULE]...
 *
 * It listens on a free port of 127.0.0.1 (or on --port), writes it to the port file, and ends with its standard input,
 * by a signal, or after ten minutes. With --clock its own answers have a Date that is so far ahead of ours. The log
 *gets a line a request: "PATCH /v1/probers/dns pass", with the action that was taken. The folder gets the requests
 *themselves: 1.head and 1.body, 2.head and so on.
 *
 * A RULE is one argument: METHOD PATH [body TEXT] [skip N] [times N] ACTION...
 * METHOD may be *, PATH is a glob, `body` wants TEXT in the request body, `skip` lets the first N matches pass, `times`
 * spoils only N of them. The first rule that fits decides. Actions:
 *
 *	pass                     proxy it
 *	status CODE [SECONDS]    answer with problem+json, with Retry-After: SECONDS
 *	html                     200 with a page
 *	json TEXT                200 with TEXT as application/json
 *	file CODE TYPE PATH      answer with a file's bytes
 *	part BYTES PATH          200 with the first bytes of a file, as application/json, then end the connection
 *	truncate BYTES           proxy it, but end the connection after BYTES of the answer's body
 *	close                    end the connection before anything is forwarded
 *	drop                     forward it, throw the answer away, end the connection
 *	twice                    forward it two times, pass on the second answer
 *	reset                    as close, with a TCP reset
 *	garbage                  answer something that is not HTTP
 *	redirect URL             302
 *	delay MS                 wait, then proxy it
 *	hang                     never answer
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fnmatch.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "../../lib/base/file.h"
#include "../../lib/base/parse.h"

enum { REQUEST_MAX = 64 << 20, FILE_MAX = 256 << 20, LIFETIME_S = 600, WORDS_MAX = 12 };

struct rule {
	char *words[WORDS_MAX + 1]; /* NULL-terminated; owned */
	const char *body;
	int64_t skip, times; /* times: -1 for ever */
	int action;          /* where it begins in words */
};

VEC_DEFINE(rule_vec, struct rule)

static struct {
	struct rule_vec rules;
	pthread_mutex_t lock; /* of the rules' counters and the log */
	int upstream;         /* port; 0: none */
	const char *clock;    /* seconds that it is ahead; NULL: it does not say */
	const char *without;  /* a header that is not passed on; NULL: none */
	FILE *log;
	const char *save;
	int saved;
} server = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* One request as it came. */
struct request {
	struct strbuf head, body; /* head: up to and with the empty line */
	char method[16], path[4096];
	bool close;
};

NORETURN static void usage(const char *why)
{
	fprintf(stderr,
		"faultd: %s\nusage: faultd --port-file FILE [--port PORT] [--upstream PORT] [--log FILE] [--save "
		"FOLDER] "
		"[--without HEADER] [RULE]...\n",
		why);
	exit(64);
}

static int64_t number(const char *text)
{
	struct mrp_err err = MRP_ERR_INIT;
	int64_t n;

	if (!text || parse_int(&n, text, 0, INT32_MAX, &err) < 0)
		usage("a number is missing");
	return n;
}

static void add_rule(const char *text)
{
	static const struct {
		const char *name;
		int min_words, max_words;
	} actions[] = { { "pass", 0, 0 }, { "status", 1, 2 }, { "html", 0, 0 }, { "json", 1, 1 }, { "file", 3, 3 },
		{ "part", 2, 2 }, { "truncate", 1, 1 }, { "close", 0, 0 }, { "drop", 0, 0 }, { "twice", 0, 0 },
		{ "reset", 0, 0 }, { "garbage", 0, 0 }, { "redirect", 1, 1 }, { "delay", 1, 1 }, { "hang", 0, 0 } };
	struct rule rule = { .times = -1 };
	int n = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		/* the text after "json" may hold spaces */
		if (n && streq(rule.words[n - 1], "json"))
			len = strlen(text);
		if (len && n == WORDS_MAX)
			usage("a rule has too many words");
		if (len)
			rule.words[n++] = xstrndup(text, len);
		text += len + (text[len] == ' ');
	}
	int i = 2;
	for (; i + 1 < n; i += 2) {
		if (streq(rule.words[i], "body"))
			rule.body = rule.words[i + 1];
		else if (streq(rule.words[i], "skip"))
			rule.skip = number(rule.words[i + 1]);
		else if (streq(rule.words[i], "times"))
			rule.times = number(rule.words[i + 1]);
		else
			break;
	}
	rule.action = i;
	for (size_t a = 0; i < n && a < ARRAY_SIZE(actions); a++) {
		if (!streq(actions[a].name, rule.words[i]))
			continue;
		if (n - i - 1 < actions[a].min_words || n - i - 1 > actions[a].max_words)
			usage("an action has too few or too many words; 'times' and 'skip' go before it");
		rule_vec_push(&server.rules, rule);
		return;
	}
	usage("a rule has no action");
}

/* Called with the lock held. */
static void save(const struct request *request)
{
	const struct {
		const char *name;
		const struct strbuf *data;
	} parts[] = { { "head", &request->head }, { "body", &request->body } };
	struct mrp_err err = MRP_ERR_INIT;

	server.saved++;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		cleanup(freep) char *path = xasprintf("%s/%d.%s", server.save, server.saved, parts[i].name);

		if (replace_file(path, parts[i].data->buf, parts[i].data->len, 0644, &err) < 0) {
			fprintf(stderr, "faultd: %s\n", err.msg);
			exit(1);
		}
	}
}

/* The action for this request; counted. */
static char *const *choose(const struct request *request)
{
	static char pass[] = "pass";
	static char *const nothing[] = { pass, NULL };
	char *const *action = nothing;

	pthread_mutex_lock(&server.lock);
	for (size_t i = 0; i < server.rules.n; i++) {
		struct rule *rule = &server.rules.v[i];
		const char *method = rule->words[0];

		if ((!streq(method, "*") && !streq(method, request->method)) ||
			fnmatch(rule->words[1], request->path, 0) != 0 ||
			(rule->body && !strstr(request->body.buf, rule->body)))
			continue;
		if (rule->skip > 0) {
			rule->skip--;
			continue;
		}
		if (rule->times == 0)
			continue;
		rule->times -= rule->times > 0;
		action = rule->words + rule->action; /* no rule is added any more: they stay where they are */
		break;
	}
	if (server.save)
		save(request);
	if (server.log) {
		fprintf(server.log, "%s %s %s\n", request->method, request->path, action[0]);
		fflush(server.log);
	}
	pthread_mutex_unlock(&server.lock);
	return action;
}

/* False when the other side is gone. */
static bool send_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool receive(int fd, struct strbuf *into)
{
	char block[16384];
	ssize_t n;

	do
		n = recv(fd, block, sizeof(block), 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0 || into->len + (size_t)n > REQUEST_MAX)
		return false;
	strbuf_add(into, block, (size_t)n);
	return true;
}

/* The value of a header line, up to its end; NULL when there is none. */
static const char *header(const struct strbuf *head, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = strstr(head->buf, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, len) == 0 && line[2 + len] == ':')
			return line + 2 + len + 1 + strspn(line + 2 + len + 1, " ");
	}
	return NULL;
}

/* Read one request; `input` keeps what came too early. */
static bool read_request(int fd, struct strbuf *input, struct request *request)
{
	const char *end;

	while (!(end = strstr(input->buf, "\r\n\r\n"))) {
		if (!receive(fd, input))
			return false;
	}
	size_t head_len = (size_t)(end - input->buf) + 4;
	strbuf_reset(&request->head);
	strbuf_add(&request->head, input->buf, head_len);
	if (sscanf(request->head.buf, "%15s %4095s", request->method, request->path) != 2)
		return false;
	const char *length = header(&request->head, "Content-Length"),
		   *connection = header(&request->head, "Connection");
	size_t body_len = length ? strtoul(length, NULL, 10) : 0;
	request->close = connection && strncasecmp(connection, "close", 5) == 0;
	while (input->len < head_len + body_len) {
		if (!receive(fd, input))
			return false;
	}
	strbuf_reset(&request->body);
	strbuf_add(&request->body, input->buf + head_len, body_len);
	size_t rest = input->len - head_len - body_len;
	memmove(input->buf, input->buf + head_len + body_len, rest);
	strbuf_setlen(input, rest);
	return true;
}

/* Is the line one of this header? */
static bool is_header(const char *line, const char *name)
{
	size_t len = name ? strlen(name) : 0;

	return len && strncasecmp(line, name, len) == 0 && line[len] == ':';
}

/* The head without its Connection line, and with another one when `connection` is given. */
static void copy_head(struct strbuf *out, const struct strbuf *head, const char *connection)
{
	for (const char *line = head->buf; *line;) {
		const char *end = strstr(line, "\r\n");
		size_t len = end ? (size_t)(end - line) + 2 : strlen(line);

		if (len == 2 && connection)
			strbuf_addf(out, "Connection: %s\r\n", connection);
		if (!is_header(line, "Connection") && !is_header(line, server.without))
			strbuf_add(out, line, len);
		line += len;
	}
}

static int connect_upstream(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)server.upstream),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Ask the real server; a connection for each request keeps this simple. */
static bool forward(const struct request *request, struct strbuf *answer)
{
	cleanup(strbuf_release) struct strbuf head = STRBUF_INIT;
	cleanup(fd_closep) int fd = server.upstream ? connect_upstream() : -1;

	if (fd < 0)
		return false;
	copy_head(&head, &request->head, "close");
	if (!send_all(fd, head.buf, head.len) || !send_all(fd, request->body.buf, request->body.len))
		return false;
	while (receive(fd, answer))
		;
	return answer->len > 0;
}

/* "Date: ...", with its end; "" when it does not say. */
static void add_date(struct strbuf *out)
{
	char text[64];
	time_t now = time(NULL) + (server.clock ? (time_t)atoll(server.clock) : 0);
	struct tm tm;

	if (server.clock && strftime(text, sizeof(text), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&now, &tm)))
		strbuf_addstr(out, text);
}

static bool answer_simply(int fd, int status, const char *extra, const char *type, const char *body)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT;

	strbuf_addf(&out, "HTTP/1.1 %d Whatever\r\nContent-Type: %s\r\nContent-Length: %zu\r\n", status, type,
		strlen(body));
	add_date(&out);
	strbuf_addf(&out, "%s\r\n%s", extra, body);
	return send_all(fd, out.buf, out.len);
}

static bool proxy(int fd, const struct request *request, int64_t truncate_at)
{
	cleanup(strbuf_release) struct strbuf answer = STRBUF_INIT, head = STRBUF_INIT, out = STRBUF_INIT;

	if (!forward(request, &answer))
		return answer_simply(fd, 502, "", "text/plain", "no upstream\n");
	const char *end = strstr(answer.buf, "\r\n\r\n");
	size_t head_len = end ? (size_t)(end - answer.buf) + 4 : answer.len, body_len = answer.len - head_len;
	strbuf_add(&head, answer.buf, head_len);
	copy_head(&out, &head, NULL);
	if (truncate_at >= 0 && (size_t)truncate_at < body_len)
		body_len = (size_t)truncate_at;
	strbuf_add(&out, answer.buf + head_len, body_len);
	return send_all(fd, out.buf, out.len) && truncate_at < 0;
}

static void pause_ms(int64_t ms)
{
	struct timespec wait = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&wait, &wait) < 0 && errno == EINTR)
		;
}

static void reset_connection(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static bool answer_status(int fd, char *const *words)
{
	cleanup(strbuf_release) struct strbuf extra = STRBUF_INIT, body = STRBUF_INIT;
	int status = (int)number(words[1]);

	if (words[2])
		strbuf_addf(&extra, "Retry-After: %s\r\n", words[2]);
	strbuf_addf(&body, "{\"type\":\"about:blank\",\"title\":\"A fault made by a test\",\"status\":%d}\n", status);
	return answer_simply(fd, status, extra.buf, "application/problem+json", body.buf);
}

static bool answer_redirect(int fd, const char *url)
{
	cleanup(strbuf_release) struct strbuf extra = STRBUF_INIT;

	strbuf_addf(&extra, "Location: %s\r\n", url);
	return answer_simply(fd, 302, extra.buf, "text/html", "<a>elsewhere</a>\n");
}

/* `bytes` of it, or all when they are less than 0. */
static bool answer_file(int fd, const char *status, const char *type, const char *path, int64_t bytes)
{
	cleanup(strbuf_release) struct strbuf out = STRBUF_INIT, body = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;

	if (read_file(&body, path, FILE_MAX, &err) < 0) {
		fprintf(stderr, "faultd: %s\n", err.msg);
		exit(1);
	}
	strbuf_addf(
		&out, "HTTP/1.1 %s Whatever\r\nContent-Type: %s\r\nContent-Length: %zu\r\n", status, type, body.len);
	add_date(&out);
	strbuf_addstr(&out, "\r\n");
	strbuf_add(&out, body.buf, bytes < 0 ? body.len : MIN(body.len, (size_t)bytes));
	return send_all(fd, out.buf, out.len) && bytes < 0;
}

/* Returns whether the connection goes on. */
static bool act(int fd, const struct request *request, char *const *words)
{
	const char *action = words[0];

	if (streq(action, "status"))
		return answer_status(fd, words);
	if (streq(action, "html"))
		return answer_simply(fd, 200, "", "text/html; charset=utf-8", "<!DOCTYPE html><title>A page</title>\n");
	if (streq(action, "json"))
		return answer_simply(fd, 200, "", "application/json", words[1] ? words[1] : "");
	if (streq(action, "file"))
		return answer_file(fd, words[1], words[2], words[3], -1);
	if (streq(action, "part"))
		return answer_file(fd, "200", "application/json", words[2], number(words[1]));
	if (streq(action, "truncate"))
		return proxy(fd, request, number(words[1]));
	if (streq(action, "garbage"))
		return send_all(fd, "220 mail.example.net ready\r\n", 28) && false;
	if (streq(action, "redirect"))
		return answer_redirect(fd, words[1] ? words[1] : "/");
	if (streq(action, "close"))
		return false;
	if (streq(action, "drop")) {
		cleanup(strbuf_release) struct strbuf ignored = STRBUF_INIT;

		forward(request, &ignored);
		return false;
	}
	if (streq(action, "twice")) {
		cleanup(strbuf_release) struct strbuf ignored = STRBUF_INIT;

		forward(request, &ignored);
	}
	if (streq(action, "reset")) {
		reset_connection(fd);
		return false;
	}
	if (streq(action, "hang"))
		pause_ms((int64_t)LIFETIME_S * 1000);
	if (streq(action, "delay"))
		pause_ms(number(words[1]));
	return proxy(fd, request, -1);
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg, one = 1;
	cleanup(strbuf_release) struct strbuf input = STRBUF_INIT;
	struct request request = { .head = STRBUF_INIT, .body = STRBUF_INIT };

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while (read_request(fd, &input, &request)) {
		if (!act(fd, &request, choose(&request)) || request.close)
			break;
	}
	close(fd);
	strbuf_release(&request.head);
	strbuf_release(&request.body);
	return NULL;
}

static void *wait_for_end_of_input(void *arg)
{
	char c;

	(void)arg;
	while (read(STDIN_FILENO, &c, 1) > 0 || errno == EINTR)
		errno = 0;
	_exit(0);
}

/* Port 0 is any that is free. */
static int listen_on(int wanted, const char *port_file)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)wanted)
	};
	socklen_t len = sizeof(address);
	cleanup(strbuf_release) struct strbuf port = STRBUF_INIT;
	struct mrp_err err = MRP_ERR_INIT;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 256) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) < 0) {
		perror("faultd");
		exit(1);
	}
	strbuf_addf(&port, "%d\n", ntohs(address.sin_port));
	if (replace_file(port_file, port.buf, port.len, 0644, &err) < 0) {
		fprintf(stderr, "faultd: %s\n", err.msg);
		exit(1);
	}
	return fd;
}

static void start_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, arg) != 0) {
		fputs("faultd: cannot start a thread\n", stderr);
		exit(1);
	}
	pthread_detach(thread);
}

int main(int argc, char **argv)
{
	const char *port_file = NULL;
	int port = 0;

	for (int i = 1; i < argc; i++) {
		const char *value = argv[i + 1];

		if (!skip_prefix(argv[i], "--", NULL)) {
			add_rule(argv[i]);
			continue;
		}
		if (!value)
			usage("an argument is missing");
		if (streq(argv[i], "--port-file"))
			port_file = value;
		else if (streq(argv[i], "--port"))
			port = (int)number(value);
		else if (streq(argv[i], "--upstream"))
			server.upstream = (int)number(value);
		else if (streq(argv[i], "--without"))
			server.without = value;
		else if (streq(argv[i], "--clock"))
			server.clock = value;
		else if (streq(argv[i], "--log"))
			server.log = fopen(value, "ae");
		else if (streq(argv[i], "--save"))
			server.save = value;
		else
			usage("unknown option");
		i++;
	}
	if (!port_file)
		usage("--port-file is missing");
	alarm(LIFETIME_S);
	signal(SIGPIPE, SIG_IGN);
	int fd = listen_on(port, port_file);
	start_thread(wait_for_end_of_input, NULL);
	for (;;) {
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (client >= 0)
			start_thread(serve, (void *)(intptr_t)client);
	}
}
