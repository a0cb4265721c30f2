#include "media/bridge.h"

#include <errno.h>
#include <stdlib.h>

#include "media/path.h"

struct leg {
	struct bridge_leg_conf conf;
	struct path *path; /* from this leg to the other */
	uint64_t packets_in, packets_out, undecodable; /* of earlier paths */
	usec_t heard; /* the last packet, or the first tick */
	bool modes;   /* its far end may ask for a mode */
};

struct bridge {
	struct leg legs[2];
	usec_t now; /* of the last tick */
};

static enum bridge_side other(enum bridge_side side)
{
	return side == BRIDGE_A ? BRIDGE_B : BRIDGE_A;
}

static int paths_new(struct path *paths[2], const struct bridge_leg_conf *a,
		     const struct bridge_leg_conf *b)
{
	int err = path_new(&paths[BRIDGE_A], a, b);

	if (err)
		return err;
	err = path_new(&paths[BRIDGE_B], b, a);
	if (err)
		path_free(&paths[BRIDGE_A]);
	return err;
}

static void leg_set(struct leg *l, const struct bridge_leg_conf *conf)
{
	l->conf = *conf;
	l->modes = media_codec_has_modes(conf->codec);
}

int bridge_new(struct bridge **bp, const struct bridge_leg_conf *a,
	       const struct bridge_leg_conf *b)
{
	struct path *paths[2] = {NULL, NULL};
	struct bridge *br;
	int err = paths_new(paths, a, b);

	if (err)
		return err;
	br = calloc(1, sizeof(*br));
	if (!br) {
		path_free(&paths[0]);
		path_free(&paths[1]);
		return -ENOMEM;
	}
	leg_set(&br->legs[BRIDGE_A], a);
	leg_set(&br->legs[BRIDGE_B], b);
	br->legs[BRIDGE_A].path = paths[BRIDGE_A];
	br->legs[BRIDGE_B].path = paths[BRIDGE_B];
	*bp = br;
	return 0;
}

void bridge_free(struct bridge **bp)
{
	struct bridge *b = *bp;

	*bp = NULL;
	if (!b)
		return;
	path_free(&b->legs[0].path);
	path_free(&b->legs[1].path);
	free(b);
}

static void leg_exchange(struct bridge *b, enum bridge_side side,
			 struct path *path)
{
	struct leg *from = &b->legs[side], *to = &b->legs[other(side)];
	struct path_stats s;

	path_stats(from->path, &s);
	from->undecodable += s.undecodable;
	to->packets_out += s.packets_out;
	path_free(&from->path);
	from->path = path;
}

static bool conf_equal(const struct bridge_leg_conf *a,
		       const struct bridge_leg_conf *b)
{
	return a->codec == b->codec && a->ptime_ms == b->ptime_ms &&
	       a->send == b->send && a->arg == b->arg &&
	       a->bitrate == b->bitrate && a->modes == b->modes &&
	       a->transcode == b->transcode && a->tone == b->tone;
}

int bridge_set_leg(struct bridge *b, enum bridge_side side,
		   const struct bridge_leg_conf *conf)
{
	struct path *paths[2] = {NULL, NULL};
	const struct bridge_leg_conf *a = &b->legs[BRIDGE_A].conf;
	const struct bridge_leg_conf *c = &b->legs[BRIDGE_B].conf;
	int err;

	if (conf_equal(&b->legs[side].conf, conf))
		return 0;
	err = side == BRIDGE_A ? paths_new(paths, conf, c)
			       : paths_new(paths, a, conf);
	if (err)
		return err;
	leg_exchange(b, BRIDGE_A, paths[BRIDGE_A]);
	leg_exchange(b, BRIDGE_B, paths[BRIDGE_B]);
	leg_set(&b->legs[side], conf);
	return 0;
}

void bridge_set_loss(struct bridge *b, enum bridge_side side, int percent)
{
	path_set_loss(b->legs[other(side)].path, percent);
}

void bridge_input(struct bridge *b, enum bridge_side from,
		  const struct media_packet *p)
{
	struct leg *l = &b->legs[from];

	l->packets_in++;
	l->heard = p->arrival;
	path_input(l->path, p);
}

void bridge_tick(struct bridge *b, usec_t now)
{
	for (size_t i = 0; i < 2; i++) {
		if (!b->legs[i].heard)
			b->legs[i].heard = now;
		path_tick(b->legs[i].path, now);
	}
	for (size_t i = 0; i < 2; i++)
		if (b->legs[i].modes)
			path_set_mode(b->legs[1 - i].path,
				      path_wanted_mode(b->legs[i].path));
	b->now = now;
}

int bridge_play_digits(struct bridge *b, enum bridge_side to,
		       const char *digits)
{
	return path_play_digits(b->legs[other(to)].path, digits);
}

bool bridge_is_passthrough(const struct bridge *b)
{
	return path_is_passthrough(b->legs[0].path);
}

void bridge_stats(const struct bridge *b, enum bridge_side side,
		  struct bridge_leg_stats *s)
{
	const struct leg *l = &b->legs[side];
	struct path_stats from, to;

	path_stats(l->path, &from);
	path_stats(b->legs[other(side)].path, &to);
	s->jitter = from.jitter;
	s->packets_in = l->packets_in;
	s->packets_out = l->packets_out + to.packets_out;
	s->undecodable = l->undecodable + from.undecodable;
	s->silence_ms = b->now > l->heard
				? (uint32_t)((b->now - l->heard) / USEC_MS)
				: 0;
}

uint32_t bridge_rate_hz(const struct media_codec *a,
			const struct media_codec *b)
{
	return path_rate_hz(a, b);
}
