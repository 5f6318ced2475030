/* The load generator: thousands of WebSocket clients in one thread, and the posters among them.
 *
 *   load --target 127.0.0.1:8001 [--target ...] --path /ws/chat/ --dialect holdfast --sockets 500 [...]
 *
 * It reads verbs on standard input, one a line, and answers each with one line of JSON:
 *
 *   connect FROM TO INFLIGHT SECONDS   open sockets FROM..TO-1, at most INFLIGHT at a time; "ready" is where the server has said all it owes
 *   subscribe FRAME                    what sockets that connect from now on send after the greeting (replaces --subscribes)
 *   run SECONDS GRACE                  post and count for SECONDS; then wait up to GRACE seconds for what is under way
 *   pull STREAM AFTER                  socket 0 pulls pages from AFTER until it is level
 *   close                              cut all sockets
 *
 * One clock: a poster writes CLOCK_MONOTONIC into the text as ~NANOSECONDS.POSTER~, and whoever receives that text subtracts. So an event is
 * counted wherever it stands in a frame: alone, in a JSON array, in a page, in a Socket.IO packet. The masks of client frames are zero, which
 * RFC 6455 allows and which costs nothing. Its own CPU time stands in every answer, so that one sees whether it was the bottleneck.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_TARGETS = 16, MAX_LINES = 65536, READ_BYTES = 256 * 1024, EVENTS = 512, BUCKETS = 64 * 64, MAX_FRAME = 64 * 1024 };
enum state { FREE, CONNECTING, UPGRADING, GREETING, SUBSCRIBING, READY, LOST };
enum dialect { HOLDFAST, PLAIN, SOCKETIO, HTTP_POST };

typedef struct {
    int fd, index;
    enum state state;
    enum dialect dialect;
    int poster;          /* 1 + its number among the posters, or 0 */
    int64_t started;     /* of the handshake */
    int64_t posted;      /* of the post that is not acknowledged yet, or 0 */
    char *held;          /* the beginning of a frame whose end has not come */
    size_t held_bytes, held_room;
    uint64_t received;   /* events in this run */
} client;

typedef struct { uint64_t counts[BUCKETS], total; int64_t max; } histogram;

static struct sockaddr_in targets[MAX_TARGETS], post_target;
static int target_count, client_count, poster_count, closed_loop, echo_is_ack, epoll, readers;
static int pull_from_zero;
static const char *path = "/", *post_path, *template = "";
static enum dialect dialect = PLAIN;
static char *headers[MAX_LINES], *subscribes[MAX_LINES];
static int header_count, subscribe_count;
static double rate;      /* posts a second of all posters; 0: as fast as acknowledgements come */
static client *clients;
static char buffer[READ_BYTES];

/* what is measured */
static histogram delivery, acknowledgement, handshake;
static uint64_t deliveries, bytes_in, frames_in, acks, refusals, posts, closes, replayed, pages_not_level;
static int ready, failed, posting;
static int64_t pulled_to, pulled_head;
static uint64_t serial;
static uint32_t run_id;

static int64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000LL + t.tv_nsec; }
static void die(const char *what) { perror(what); exit(2); }

/* -- histograms: 64 steps for each doubling, so an error of at most 1.6 % -------------------------------------------------------------- */

static void note(histogram *h, int64_t ns) {
    if (ns < 64) ns = 64;
    int power = 63 - __builtin_clzll((uint64_t)ns);
    int index = (power - 6) * 64 + (int)((ns >> (power - 6)) & 63);
    h->counts[index]++;
    h->total++;
    if (ns > h->max) h->max = ns;
}

static double quantile(const histogram *h, double q) {
    uint64_t wanted = (uint64_t)(q * (double)h->total), seen = 0;
    for (int i = 0; i < BUCKETS; i++) {
        seen += h->counts[i];
        if (h->counts[i] && seen >= wanted) return (double)((64LL + (i & 63)) << (i >> 6)) / 1e6;
    }
    return 0;
}

static void print_histogram(const char *name, const histogram *h) {
    printf("\"%s\":{\"count\":%llu,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"max\":%.3f},", name, (unsigned long long)h->total, quantile(h, .5),
           quantile(h, .9), quantile(h, .99), (double)h->max / 1e6);
}

static double cpu_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* -- writing --------------------------------------------------------------------------------------------------------------------------- */

static void lose(client *c) {
    if (c->state == FREE || c->state == LOST) return;
    if (c->state == READY) { ready--; closes++; } else failed++;
    close(c->fd);
    c->state = LOST;
    c->held_bytes = 0;
    c->posted = 0;
}

static void put(client *c, const char *data, size_t bytes) {
    while (bytes) {
        ssize_t n = send(c->fd, data, bytes, MSG_NOSIGNAL);
        if (n > 0) { data += n; bytes -= (size_t)n; continue; }
        if (n < 0 && errno == EAGAIN) { usleep(200); continue; } /* clients send little: a full buffer is rare and short */
        lose(c);
        return;
    }
}

static void put_text(client *c, const char *text, size_t bytes, int opcode) {
    static char frame[MAX_FRAME + 16];
    size_t at = 0;
    if (bytes > MAX_FRAME) { fprintf(stderr, "frame too large\n"); exit(2); }
    frame[at++] = (char)(0x80 | opcode);
    if (bytes < 126) frame[at++] = (char)(0x80 | bytes);
    else { frame[at++] = (char)(0x80 | 126); frame[at++] = (char)(bytes >> 8); frame[at++] = (char)bytes; }
    memset(frame + at, 0, 4);
    at += 4;
    memcpy(frame + at, text, bytes);
    put(c, frame, at + bytes);
}

/* @T the marker, @N a serial number, @U a UUID, @I the number of the poster */
static size_t fill(char *out, const char *from, int poster) {
    char *to = out;
    serial++;
    for (; *from; from++) {
        if (*from != '@') { *to++ = *from; continue; }
        switch (*++from) {
            case 'T': to += sprintf(to, "~%019lld.%d~", (long long)now_ns(), poster); break;
            case 'N': to += sprintf(to, "%llu", (unsigned long long)serial); break;
            case 'I': to += sprintf(to, "%d", poster); break;
            case 'U': to += sprintf(to, "%08x-0000-4000-8000-%012llx", run_id, (unsigned long long)serial); break;
            default: *to++ = *from;
        }
    }
    return (size_t)(to - out);
}

static void post(client *c) {
    static char text[MAX_FRAME], request[MAX_FRAME + 512];
    size_t bytes = fill(text, template, c->poster);
    c->posted = now_ns();
    posts++;
    if (c->dialect == HTTP_POST) {
        int n = sprintf(request, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n", post_path, bytes);
        memcpy(request + n, text, bytes);
        put(c, request, (size_t)n + bytes);
    } else put_text(c, text, bytes, 1);
}

/* -- reading --------------------------------------------------------------------------------------------------------------------------- */

static void become_ready(client *c) {
    c->state = READY;
    ready++;
    note(&handshake, now_ns() - c->started);
}

static void acknowledged(client *c) {
    if (!c->posted) return;
    acks++;
    note(&acknowledgement, now_ns() - c->posted);
    c->posted = 0;
    if (posting && closed_loop) post(c);
}

/* Count the marked texts of a frame. */
static void count_events(client *c, const char *at, size_t bytes) {
    const char *end = at + bytes;
    int64_t moment = 0;
    int own = 0;
    while ((at = memchr(at, '~', (size_t)(end - at))) && end - at >= 23) {
        int64_t sent = 0;
        const char *p = at + 1;
        for (; p < end && *p >= '0' && *p <= '9'; p++) sent = sent * 10 + (*p - '0');
        if (p - at != 20 || *p != '.') { at++; continue; }
        int poster = atoi(p + 1);
        if (!moment) moment = now_ns();
        note(&delivery, moment - sent);
        deliveries++;
        c->received++;
        if (poster == c->poster) own = 1;
        at = memchr(p, '~', (size_t)(end - p));
        if (!at) break;
        at++;
    }
    if (own && echo_is_ack) acknowledged(c);
}

static const char *find(const char *in, size_t bytes, const char *what) { return memmem(in, bytes, what, strlen(what)); }

/* The answer to a subscribe or pull: is every page of it level? */
static int level(const char *text, size_t bytes) {
    const char *at = text, *end = text + bytes;
    int all = 1;
    while ((at = find(at, (size_t)(end - at), "\"to\":"))) {
        char *after;
        pulled_to = strtoll(at + 5, &after, 10);
        if (strncmp(after, ",\"head\":", 8) == 0) { pulled_head = strtoll(after + 8, &after, 10); if (pulled_to != pulled_head) all = 0; }
        at = after;
    }
    return all;
}

static void count_replayed(const char *text, size_t bytes) {
    const char *at = text, *end = text + bytes;
    while ((at = find(at, (size_t)(end - at), "{\"seq\":"))) { replayed++; at += 7; }
}

static void replies(client *c, const char *text, size_t bytes) {
    const char *at = text, *end = text + bytes;
    if (c->state == SUBSCRIBING) {
        if (!find(text, bytes, "\"ok\":true")) { fprintf(stderr, "subscribe refused: %.*s\n", (int)(bytes < 300 ? bytes : 300), text); lose(c); return; }
        if (!level(text, bytes)) pages_not_level++;
        count_replayed(text, bytes);
        become_ready(c);
        return;
    }
    if (pull_from_zero) { level(text, bytes); count_replayed(text, bytes); acks++; return; }
    while ((at = find(at, (size_t)(end - at), "{\"type\":\"reply\",\"id\":"))) {
        at += 21;
        const char *ok = find(at, (size_t)(end - at) < 40 ? (size_t)(end - at) : 40, "\"ok\":true");
        if (!ok) { if (refusals++ == 0) fprintf(stderr, "refused: %.*s\n", (int)(end - at < 200 ? end - at : 200), at); }
        acknowledged(c);
    }
}

static void holdfast_text(client *c, const char *text, size_t bytes) {
    static const char hello[] = "{\"type\":\"hello\"", reply[] = "{\"type\":\"reply\"", replies_[] = "[{\"type\":\"reply\"";
    if (c->state == GREETING) {
        if (bytes < sizeof hello || memcmp(text, hello, sizeof hello - 1)) {
            fprintf(stderr, "no hello: %.*s\n", (int)(bytes < 300 ? bytes : 300), text);
            lose(c);
        } else if (subscribe_count && c->index < readers) {
            c->state = SUBSCRIBING;
            const char *frame = subscribes[c->index % subscribe_count];
            put_text(c, frame, strlen(frame), 1);
        } else become_ready(c);
    } else if (!strncmp(text, reply, sizeof reply - 1) || !strncmp(text, replies_, sizeof replies_ - 1)) replies(c, text, bytes);
    else count_events(c, text, bytes);
}

static void socketio_text(client *c, const char *text, size_t bytes) {
    if (bytes && text[0] == '0') put_text(c, "40", 2, 1);
    else if (bytes && text[0] == '2') put_text(c, "3", 1, 1);
    else if (bytes > 1 && text[0] == '4' && text[1] == '0') { if (c->state == GREETING) become_ready(c); }
    else count_events(c, text, bytes);
}

static void frame(client *c, int opcode, const char *payload, size_t bytes) {
    if (opcode == 8) { lose(c); return; }
    if (opcode == 9) { put_text(c, payload, bytes, 10); return; }
    if (opcode == 10) return;
    frames_in++;
    if (c->dialect == HOLDFAST) holdfast_text(c, payload, bytes);
    else if (c->dialect == SOCKETIO) socketio_text(c, payload, bytes);
    else count_events(c, payload, bytes);
}

static size_t upgrade(client *c, const char *data, size_t bytes) {
    const char *end = find(data, bytes, "\r\n\r\n");
    if (!end) return 0;
    if (strncmp(data, "HTTP/1.1 101", 12)) {
        fprintf(stderr, "no upgrade: %.*s\n", (int)(end - data < 300 ? end - data : 300), data);
        lose(c);
        return bytes;
    }
    c->state = GREETING;
    if (c->dialect == PLAIN) become_ready(c);
    return (size_t)(end - data) + 4;
}

static size_t http_answer(client *c, const char *data, size_t bytes) {
    const char *end = find(data, bytes, "\r\n\r\n"), *length = find(data, bytes, "Content-Length: ");
    if (!end) return 0;
    size_t body = length && length < end ? (size_t)atol(length + 16) : 0, whole = (size_t)(end - data) + 4 + body;
    if (bytes < whole) return 0;
    acknowledged(c);
    return whole;
}

/* Take one thing off the front; 0: it is not whole yet. */
static size_t take(client *c, const char *data, size_t bytes) {
    if (c->dialect == HTTP_POST) return http_answer(c, data, bytes);
    if (c->state == UPGRADING) return upgrade(c, data, bytes);
    if (bytes < 2) return 0;
    const uint8_t *b = (const uint8_t *)data;
    size_t length = b[1] & 127, head = 2;
    if (length == 126) { if (bytes < 4) return 0; length = (size_t)b[2] << 8 | b[3]; head = 4; }
    else if (length == 127) { if (bytes < 10) return 0; length = 0; for (int i = 2; i < 10; i++) length = length << 8 | b[i]; head = 10; }
    if (bytes < head + length) return 0;
    frame(c, b[0] & 15, data + head, length);
    return head + length;
}

static void hold(client *c, const char *data, size_t bytes) {
    if (c->held_bytes + bytes > c->held_room) {
        c->held_room = (c->held_bytes + bytes) * 2;
        c->held = realloc(c->held, c->held_room);
        if (!c->held) die("realloc");
    }
    memmove(c->held + c->held_bytes, data, bytes);
    c->held_bytes += bytes;
}

static void readable(client *c) {
    ssize_t n = recv(c->fd, buffer, READ_BYTES, 0);
    if (n <= 0) { if (n == 0 || (errno != EAGAIN && errno != EINTR)) lose(c); return; }
    if (c->index < readers) bytes_in += (uint64_t)n; /* what posters apart are answered is no delivery */
    const char *data = buffer;
    size_t bytes = (size_t)n, used;
    int was_held = c->held_bytes > 0;
    if (was_held) { hold(c, buffer, bytes); data = c->held; bytes = c->held_bytes; }
    while (bytes && c->state != LOST && (used = take(c, data, bytes))) { data += used; bytes -= used; }
    if (c->state == LOST) return;
    if (was_held) { memmove(c->held, data, bytes); c->held_bytes = bytes; }
    else if (bytes) hold(c, data, bytes);
    if (!c->held_bytes && c->held_room > 4096) { free(c->held); c->held = NULL; c->held_room = 0; }
}

/* -- connecting ------------------------------------------------------------------------------------------------------------------------ */

/* Posters share the first server; the others are dealt out. */
static struct sockaddr_in *target_of(const client *c) { return &targets[c->poster ? 0 : c->index % target_count]; }

static void begin(client *c) {
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket");
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr_in *to = c->dialect == HTTP_POST ? &post_target : target_of(c);
    c->state = CONNECTING;
    c->held_bytes = 0;
    c->posted = 0;
    c->started = now_ns();
    if (connect(c->fd, (struct sockaddr *)to, sizeof *to) < 0 && errno != EINPROGRESS) { lose(c); return; }
    struct epoll_event e = {.events = EPOLLOUT, .data.ptr = c};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e) < 0) die("epoll_ctl");
}

static void connected(client *c) {
    static char request[16384];
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &e);
    if (c->dialect == HTTP_POST) { become_ready(c); return; }
    c->state = UPGRADING;
    int n = snprintf(request, 8192,
                     "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
                     path, ntohs(target_of(c)->sin_port));
    if (header_count) { /* a tab parts the headers of one line */
        for (const char *h = headers[c->index % header_count]; *h && n < 16000; h++)
            n += *h == '\t' ? sprintf(request + n, "\r\n") : sprintf(request + n, "%c", *h);
        n += sprintf(request + n, "\r\n");
    }
    n += sprintf(request + n, "\r\n");
    put(c, request, (size_t)n);
}

/* -- the loop -------------------------------------------------------------------------------------------------------------------------- */

static void turn(int milliseconds) {
    struct epoll_event found[EVENTS];
    int n = epoll_wait(epoll, found, EVENTS, milliseconds);
    for (int i = 0; i < n; i++) {
        client *c = found[i].data.ptr;
        if (c->state == CONNECTING) {
            int error = 0;
            socklen_t size = sizeof error;
            getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
            if (error) lose(c); else connected(c);
        } else if (c->state != LOST && c->state != FREE) readable(c);
    }
}

static void reset(void) {
    memset(&delivery, 0, sizeof delivery);
    memset(&acknowledgement, 0, sizeof acknowledgement);
    memset(&handshake, 0, sizeof handshake);
    deliveries = bytes_in = frames_in = acks = refusals = posts = closes = replayed = pages_not_level = 0;
    failed = 0;
    for (int i = 0; i < client_count; i++) clients[i].received = 0;
}

static void answer(double seconds, double cpu) {
    uint64_t least = UINT64_MAX, most = 0;
    for (int i = 0; i < client_count; i++) {
        if (clients[i].dialect == HTTP_POST || clients[i].state != READY || i >= readers) continue;
        if (clients[i].received < least) least = clients[i].received;
        if (clients[i].received > most) most = clients[i].received;
    }
    printf("{\"seconds\":%.4f,\"cpu\":%.4f,\"ready\":%d,\"failed\":%d,\"closes\":%llu,", seconds, cpu, ready, failed, (unsigned long long)closes);
    print_histogram("handshake", &handshake);
    print_histogram("delivery", &delivery);
    print_histogram("acknowledgement", &acknowledgement);
    printf("\"posts\":%llu,\"acks\":%llu,\"refusals\":%llu,\"deliveries\":%llu,\"least\":%llu,\"most\":%llu,\"bytes\":%llu,\"frames\":%llu,"
           "\"replayed\":%llu,\"not_level\":%llu}\n",
           (unsigned long long)posts, (unsigned long long)acks, (unsigned long long)refusals, (unsigned long long)deliveries,
           (unsigned long long)(least == UINT64_MAX ? 0 : least), (unsigned long long)most, (unsigned long long)bytes_in,
           (unsigned long long)frames_in, (unsigned long long)replayed, (unsigned long long)pages_not_level);
    fflush(stdout);
}

static void do_connect(int from, int to, int inflight, double seconds) {
    reset();
    int64_t start = now_ns(), limit = start + (int64_t)(seconds * 1e9);
    double cpu = cpu_seconds();
    int next = from, goal = ready + (to - from), before = ready;
    while (ready + failed < goal && now_ns() < limit) {
        while (next < to && (next - from) - (ready - before) - failed < inflight) begin(&clients[next++]);
        turn(10);
    }
    answer((double)(now_ns() - start) / 1e9, cpu_seconds() - cpu);
}

static void do_run(double seconds, double grace) {
    reset();
    int64_t start = now_ns(), end = start + (int64_t)(seconds * 1e9), due = start, step = rate > 0 ? (int64_t)(1e9 / rate) : 0;
    double cpu = cpu_seconds();
    int turn_of = 0;
    posting = 1;
    if (closed_loop)
        for (int i = 0; i < client_count; i++)
            if (clients[i].poster && clients[i].state == READY) post(&clients[i]);
    while (now_ns() < end) {
        if (step)
            for (; due <= now_ns() && due < end; due += step) {
                client *c = &clients[client_count - poster_count + turn_of++ % poster_count];
                if (c->state == READY) post(c);
            }
        int64_t wait = (step && due < end ? due : end) - now_ns();
        turn(wait > 1000000 ? (int)(wait / 1000000) : 0);
    }
    posting = 0;
    int64_t stopped = now_ns(), limit = stopped + (int64_t)(grace * 1e9), quiet = stopped;
    uint64_t seen = deliveries + acks;
    while (now_ns() < limit && now_ns() - quiet < 300000000LL) { /* until nothing has come for 0.3 s */
        turn(20);
        if (deliveries + acks != seen) { seen = deliveries + acks; quiet = now_ns(); }
    }
    int64_t last = quiet > stopped ? quiet : stopped;
    answer((double)(last - start) / 1e9, cpu_seconds() - cpu);
}

static void do_pull(const char *stream, long long after) {
    char text[256];
    reset();
    int64_t start = now_ns();
    double cpu = cpu_seconds();
    pull_from_zero = 1;
    pulled_to = after;
    pulled_head = INT64_MAX;
    while (pulled_to < pulled_head && clients[0].state == READY) {
        uint64_t before = acks;
        int n = snprintf(text, sizeof text, "{\"id\":1,\"command\":\"pull\",\"stream\":\"%s\",\"after\":%lld}", stream, (long long)pulled_to);
        put_text(&clients[0], text, (size_t)n, 1);
        while (acks == before && clients[0].state == READY) turn(100);
    }
    pull_from_zero = 0;
    answer((double)(now_ns() - start) / 1e9, cpu_seconds() - cpu);
}

static void do_close(void) {
    for (int i = 0; i < client_count; i++) {
        lose(&clients[i]);
        clients[i].state = FREE;
    }
    reset();
    answer(0, 0);
}

/* -- arguments ------------------------------------------------------------------------------------------------------------------------- */

static int lines_of(const char *file, char **into) {
    FILE *f = fopen(file, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int count = 0;
    if (!f) die(file);
    while ((n = getline(&line, &room, f)) > 0 && count < MAX_LINES) {
        if (line[n - 1] == '\n') line[n - 1] = 0;
        into[count++] = strdup(line);
    }
    fclose(f);
    return count;
}

static struct sockaddr_in address(const char *text) {
    struct sockaddr_in a = {.sin_family = AF_INET};
    char host[64];
    int port;
    if (sscanf(text, "%63[^:]:%d", host, &port) != 2 || inet_pton(AF_INET, host, &a.sin_addr) != 1) { fprintf(stderr, "bad address %s\n", text); exit(2); }
    a.sin_port = htons((uint16_t)port);
    return a;
}

int main(int argc, char **argv) {
    int sockets = 0, apart = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *key = argv[i], *value = argv[i + 1];
        if (!strcmp(key, "--target")) targets[target_count++] = address(value);
        else if (!strcmp(key, "--post-target")) post_target = address(value);
        else if (!strcmp(key, "--path")) path = value;
        else if (!strcmp(key, "--post-path")) post_path = value;
        else if (!strcmp(key, "--dialect")) dialect = !strcmp(value, "holdfast") ? HOLDFAST : !strcmp(value, "socketio") ? SOCKETIO : PLAIN;
        else if (!strcmp(key, "--sockets")) sockets = atoi(value);
        else if (!strcmp(key, "--posters")) poster_count = atoi(value);   /* the last of the sockets, or, with --apart 1, beside them */
        else if (!strcmp(key, "--apart")) apart = atoi(value);            /* posters that read nothing of the room */
        else if (!strcmp(key, "--rate")) rate = atof(value);
        else if (!strcmp(key, "--closed-loop")) closed_loop = atoi(value);
        else if (!strcmp(key, "--echo-is-ack")) echo_is_ack = atoi(value);
        else if (!strcmp(key, "--template")) template = value;
        else if (!strcmp(key, "--headers")) header_count = lines_of(value, headers);
        else if (!strcmp(key, "--subscribes")) subscribe_count = lines_of(value, subscribes);
        else { fprintf(stderr, "unknown option %s\n", key); return 2; }
    }
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    run_id = (uint32_t)(now_ns() / 1000) ^ (uint32_t)getpid() << 16;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    client_count = sockets + (apart ? poster_count : 0);
    readers = sockets;
    clients = calloc((size_t)client_count, sizeof *clients);
    for (int i = 0; i < client_count; i++) {
        clients[i].index = i;
        clients[i].dialect = post_path && i >= sockets ? HTTP_POST : dialect;
        if (i >= client_count - poster_count) clients[i].poster = 1 + i - (client_count - poster_count);
    }
    /* Verbs come while nothing else is under way, so they are read with patience: sockets are served between two looks at the line. */
    fcntl(0, F_SETFL, O_NONBLOCK);
    static char input[65536];
    size_t have = 0;
    for (;;) {
        ssize_t n = read(0, input + have, sizeof input - 1 - have);
        if (n == 0) return 0;
        if (n > 0) have += (size_t)n;
        input[have] = 0;
        char *end = memchr(input, '\n', have);
        if (!end) { turn(20); continue; }
        *end = 0;
        int from, to, inflight;
        double seconds, grace;
        char stream[128];
        long long after;
        if (sscanf(input, "connect %d %d %d %lf", &from, &to, &inflight, &seconds) == 4) do_connect(from, to, inflight, seconds);
        else if (sscanf(input, "run %lf %lf", &seconds, &grace) == 2) do_run(seconds, grace);
        else if (sscanf(input, "pull %127s %lld", stream, &after) == 2) do_pull(stream, after);
        else if (sscanf(input, "rate %lf", &rate) == 1) answer(0, 0);
        else if (!strncmp(input, "subscribe ", 10)) { subscribes[0] = strdup(input + 10); subscribe_count = 1; answer(0, 0); }
        else if (!strcmp(input, "close")) do_close();
        else { fprintf(stderr, "unknown verb: %s\n", input); return 2; }
        size_t used = (size_t)(end - input) + 1;
        memmove(input, input + used, have - used);
        have -= used;
    }
}
