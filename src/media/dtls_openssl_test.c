/* The DTLS engine against OpenSSL's own programs, in both roles, over loopback
 * sockets; both ends' exported keys are compared. */
#include "media/dtls.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "tests/check.h"

#define WITHIN (8 * USEC_S)

static char directory[] = "/tmp/gramline-dtls-XXXXXX";
static int fd, input[2];
static struct sockaddr_in peer;
static bool has_peer;

static char *path_of(char dst[128], const char *name)
{
	snprintf(dst, 128, "%s/%s", directory, name);
	return dst;
}

static int certificate_make(uint8_t fingerprint[DTLS_FINGERPRINT_BYTES])
{
	char command[512], path[128];
	unsigned n = 0;
	FILE *f;
	X509 *x;

	snprintf(command, sizeof(command),
		 "openssl req -x509 -newkey ec -pkeyopt "
		 "ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=peer "
		 "-keyout %s/key.pem -out %s/cert.pem 2>/dev/null",
		 directory, directory);
	if (system(command) != 0)
		return -EIO;
	f = fopen(path_of(path, "cert.pem"), "r");
	x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	if (f)
		fclose(f);
	if (!x)
		return -EIO;
	X509_digest(x, EVP_sha256(), fingerprint, &n);
	X509_free(x);
	return 0;
}

static int socket_make(struct sockaddr_in *addr)
{
	socklen_t n = sizeof(*addr);
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	*addr = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	bind(s, (struct sockaddr *)addr, sizeof(*addr));
	getsockname(s, (struct sockaddr *)addr, &n);
	return s;
}

/* Starts `openssl s_server|s_client` with its output in a file. */
static pid_t program_start(const char *role, const char *option, int port)
{
	char cert[128], key[128], out[128], where[32];
	pid_t pid;

	snprintf(where, sizeof(where), "127.0.0.1:%d", port);
	path_of(cert, "cert.pem");
	path_of(key, "key.pem");
	path_of(out, "output");
	/* The programs end with their input: it stays open. */
	if (pipe(input) < 0)
		return -1;
	pid = fork();
	if (pid != 0)
		return pid;
	dup2(input[0], 0);
	if (!freopen(out, "w", stdout) || dup2(1, 2) < 0)
		_exit(1);
	if (strcmp(role, "s_server") == 0)
		execlp("openssl", "openssl", role, "-dtls1_2", option, where,
		       "-cert", cert, "-key", key, "-use_srtp",
		       "SRTP_AES128_CM_SHA1_80", "-keymatexport",
		       "EXTRACTOR-dtls_srtp", "-keymatexportlen", "60",
		       "-Verify", "1", (char *)NULL);
	else
		execlp("openssl", "openssl", role, "-dtls1_2", option, where,
		       "-cert", cert, "-key", key, "-use_srtp",
		       "SRTP_AES128_CM_SHA1_80", "-keymatexport",
		       "EXTRACTOR-dtls_srtp", "-keymatexportlen", "60",
		       (char *)NULL);
	_exit(127);
}

/* The exported bytes as the program printed them; false: not there yet. */
static bool exported_read(char hex[121])
{
	char path[128], line[512];
	FILE *f = fopen(path_of(path, "output"), "r");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		char *at = strstr(line, "Keying material: ");

		if (at && strlen(at) >= 17 + 120) {
			memcpy(hex, at + 17, 120);
			hex[120] = '\0';
			found = true;
		}
	}
	if (f)
		fclose(f);
	return found;
}

static void on_send(struct bytes d, void *arg)
{
	if (has_peer)
		sendto(fd, d.p, d.n, 0, (struct sockaddr *)&peer, sizeof(peer));
}

/* Until the handshake is over and the other side has printed its keys. */
static bool run(struct media_dtls *d, char hex[121])
{
	usec_t end = clock_now() + WITHIN, again = 0;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t data[2000];

	while (clock_now() < end) {
		socklen_t len = sizeof(peer);

		if (media_dtls_is_established(d) && exported_read(hex))
			return true;
		/* The program may not listen yet: a client says hello again
		 * when its time has come. */
		if (poll(&p, 1, 20) > 0) {
			ssize_t n = recvfrom(fd, data, sizeof(data), 0,
					     (struct sockaddr *)&peer, &len);

			has_peer = true;
			if (n > 0)
				media_dtls_input(d, bytes_of(data, (size_t)n),
						 clock_now());
		}
		again = media_dtls_deadline(d);
		if (again <= clock_now())
			media_dtls_timeout(d, clock_now());
	}
	return false;
}

/* client key, server key, client salt, server salt */
static bool keys_agree(struct media_dtls *d, bool client, const char *hex)
{
	struct dtls_srtp_keys keys;
	const uint8_t *c, *s;
	uint8_t raw[60];

	if (media_dtls_srtp_keys(&keys, d) < 0 || keys.n != 30 ||
	    hex_decode(raw, 60, hex, 120) < 0)
		return false;
	c = client ? keys.tx : keys.rx;
	s = client ? keys.rx : keys.tx;
	return memcmp(raw, c, 16) == 0 && memcmp(raw + 16, s, 16) == 0 &&
	       memcmp(raw + 32, c + 16, 14) == 0 &&
	       memcmp(raw + 46, s + 16, 14) == 0;
}

static void peer_meet(bool client)
{
	struct media_dtls_conf conf = {
		.client = client,
		.handlers = {.send = on_send},
	};
	struct media_dtls *d = NULL;
	struct sockaddr_in own, other;
	char hex[121];
	bool met, agree;
	pid_t pid;
	int spare;

	if (certificate_make(conf.fingerprint) < 0) {
		check_skip("the openssl program cannot make a certificate");
		return;
	}
	fd = socket_make(&own);
	spare = socket_make(&other);
	close(spare);
	peer = other;
	has_peer = client;
	CHECK_INT(media_dtls_new(&d, &conf), 0);
	pid = client ? program_start("s_server", "-accept",
				     ntohs(other.sin_port))
		     : program_start("s_client", "-connect",
				     ntohs(own.sin_port));
	media_dtls_start(d, clock_now());
	met = run(d, hex);
	agree = met && keys_agree(d, client, hex);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	media_dtls_free(&d);
	close(fd);
	close(input[0]);
	close(input[1]);
	CHECK(met);
	CHECK(agree);
}

static void test_dtls_client_agrees_with_openssl_server(void)
{
	peer_meet(true);
}

static void test_dtls_server_agrees_with_openssl_client(void)
{
	peer_meet(false);
}

int main(void)
{
	static const char *const files[] = {"key.pem", "cert.pem", "output"};
	char path[128];

	if (!mkdtemp(directory))
		return 1;
	RUN(test_dtls_client_agrees_with_openssl_server);
	RUN(test_dtls_server_agrees_with_openssl_client);
	for (int i = 0; i < 3; i++)
		unlink(path_of(path, files[i]));
	rmdir(directory);
	return check_done();
}
