/* What the files of the Worker share. Control loop only. */
#ifndef WORKER_INTERNAL_H
#define WORKER_INTERNAL_H

#include "base/network.h"
#include "call/call.h"
#include "route/trunk.h"
#include "sip/registration.h"
#include "sip/session.h"
#include "sip/tls.h"
#include "worker/capture.h"
#include "worker/media_call.h"
#include "worker/worker.h"

/* A trunk as the Manager announced it. */
struct worker_trunk {
	struct le le;
	struct worker *worker;
	struct trunk set; /* its settings */
	char storage[32];
	json_t *told; /* as last announced: what is the same is not read */
	/* Of the settings, as they are used. */
	struct network trusted[TRUNK_TRUSTED_MAX]; /* none: all */
	size_t trusted_n;
	struct sa address;                     /* IP */
	char field_name[64], field_value[128]; /* IP; name "": none */
	/* Gateway to PBX. */
	struct sip_registration *registration;
	struct sip_registration_status status;
	char line[33]; /* in our Contact: calls to it are from that PBX */
	const struct media_codec *codecs[MEDIA_CODECS_MAX]; /* by preference */
	size_t codecs_n;
	struct list pings;      /* trunk_ping.c */
	bool unreachable;       /* as told to the Manager */
	bool here;              /* this Worker serves it */
	enum cause_row refusal; /* of REGISTER; CAUSE_ROWS: none */
	char refusal_text[64];  /* of rows without a reason */
	bool keep;              /* seen in the table just received */
};

#define WORKER_THREADS_MAX 32
/* Calls of one media thread before the next is used. With many more, a tick
 * may outlast its 10 ms when all of them encode at once. */
#define WORKER_THREAD_FULL 32

/* A leg of a call that was replaced, or was to be; see transfer.c. */
#define WORKER_TRANSFERS_MAX 8
struct worker_transfer {
	struct wall at;
	const char *kind; /* "blind", "attended", "replaces" */
	char to[128];     /* the target, or who replaced */
	char sip_call_id[128];
	int code; /* 0: under way */
	char reason[129];
};

/* A call and all that hangs on it. */
struct worker_call {
	struct le le;
	struct worker *worker;
	struct call *call;
	struct media_call *media; /* NULL before it is needed, after close */
	bool to_telegram;         /* direction */
	char id[33];
	char trunk[64];
	char session[64], storage[32];
	char from[128], to[128]; /* as dialled; masked in logs */
	char from_name[128];     /* what the PBX says of its caller, or "" */
	char diverted_from[128]; /* who sent the call on, or "" */
	bool anonymous;          /* the PBX's caller wants not to be shown */
	char telegram_user[24];  /* id of the far user */
	char telegram_id[24], access_hash[24]; /* of the phone call */
	char version[16];
	char emoji[64]; /* the four that both apps show, UTF-8 */
	char codec[24];
	const char *srtp; /* static: "sdes", "dtls"; NULL: plain */
	char sip_call_id[128];
	char dialog[2048]; /* kept dialog as JSON, "" before it exists */
	unsigned digits;
	char digits_masked[64];
	bool media_open; /* media_call not yet reported closed */
	size_t thread;   /* of the Worker's, that carries it */
	bool call_over;  /* the state machine has ended */
	struct media_call_report report;
	struct call_leg *telegram_leg;
	struct worker_capture capture;
	struct worker_transfer transfers[WORKER_TRANSFERS_MAX];
	size_t transfers_n;       /* more happened than are kept */
	struct call_leg *sip_leg; /* that has answered, or was answered */
	struct dtmf_presses presses;
	/* copied when the state machine ends, for the record */
	struct call_times times;
	struct call_cause cause;
	char ended_by[16];
	json_t *tried; /* the trunks that were rung; NULL: none */
};

struct worker {
	struct worker_conf conf;
	char id[32], realm[64], public_address[64], telegram_bind[64];
	struct bus *bus;
	struct bus_sub *subs[16];
	size_t subs_n;
	struct sip_tls *tls; /* NULL: none */
	struct sip_stack *sip;
	struct rtp_ports *ports;
	struct mailbox *mailbox;
	struct media_thread *threads[WORKER_THREADS_MAX];
	size_t threads_n;
	struct list trunks; /* struct worker_trunk */
	struct list calls;  /* struct worker_call */
	struct worker_captures *captures;
	struct list unsent; /* struct unsent: records of ended calls */
	usec_t trunks_at;   /* when the Manager was last heard; 0: never */
	struct tmr trim;    /* runs when no call is left */
	bool trimmed_once;  /* since the last call */
	usec_t started_at;
	bool heard; /* of a Manager, once */
	bool stopping;
	void (*stopped)(void *arg);
	void *stopped_arg;
};

/* trunks.c */
struct worker_trunk *worker_trunk_by_login(struct worker *w, const char *login);
struct worker_trunk *worker_trunk_by_name(const struct worker *w,
					  const char *name);
bool worker_has_manager(const struct worker *w);
/* Switched on, and served here. */
bool worker_trunk_runs(const struct worker_trunk *t);
bool worker_trunk_trusts(const struct worker_trunk *t, const struct sa *source);

/* trunk_table.c: worker.W.trunks. Its table takes the place of the present
 * one: what has changed acts at once, calls under way keep what they began
 * with. */
void worker_trunks_read(struct worker *w, json_t *list);

/* trunks.c */
/* Handlers of the SIP stack. */
void worker_trunk_admit(bool registering, struct sip_verdict *v, void *arg);
bool worker_trunk_peer(const struct sip_origin *o, char name[64], void *arg);
void worker_trunk_credentials(const char *user, const struct sa *source,
			      struct sip_credentials *creds, void *arg);
/* To a Manager that came back: who is registered, here and at PBXs. */
void worker_trunks_tell(struct worker *w);
void worker_trunk_calling(const char *user, struct sip_verdict *v, void *arg);
void worker_trunk_registering(const struct sip_binding *b, bool removal,
			      struct sip_verdict *v, void *arg);
/* Whose INVITE it is: user by digest, else NULL and a peer's name. NULL: it is
 * gone. */
struct worker_trunk *worker_trunk_of(struct worker *w, const char *user,
				     const char *peer);
void worker_trunk_unregistered(const struct sip_binding *b, void *arg);

bool worker_trunk_known(const struct sa *source, void *arg);

/* bans.c: handlers of the SIP stack and of the bus */
void worker_banned(const struct sip_ban *ban, void *arg);
void worker_on_ban_add(const struct bus_message *m, void *arg);
void worker_on_ban_lift(const struct bus_message *m, void *arg);
void worker_ban_take(struct worker *w, json_t *body);
json_t *worker_show_bans(const struct worker *w);
json_t *worker_show_refused(const struct worker *w);

/* trunk_registration.c */
/* Starts the registration that this trunk needs, or another one when its
 * settings are not those of `before` (NULL: it is new) or it ran or not. */
void worker_trunk_register(struct worker_trunk *t, const struct trunk *before,
			   bool ran);
/* Tells the Manager how it stands, if that is known. */
void worker_trunk_registration_tell(const struct worker_trunk *t);

/* trunk_ping.c */
/* Tells the Manager that it is unreachable, if it is. */
void worker_trunk_ping_tell(struct worker_trunk *t);
/* Starts anew what its settings ask for. */
void worker_trunk_ping(struct worker_trunk *t);
/* One more contact to look after, or one fewer. */
void worker_trunk_ping_binding(struct worker_trunk *t,
			       const struct sip_binding *b);
void worker_trunk_ping_forget(struct worker_trunk *t, const char *contact);
/* Something came from there. contact "": the PBX itself. */
void worker_trunk_seen(struct worker_trunk *t, const char *contact);
/* False: its keep-alive is not answered. contact "": the PBX itself. */
bool worker_trunk_is_there(const struct worker *w, const char *trunk,
			   const char *contact);

/* worker.c */
/* Takes the body. */
void worker_publish(struct worker *w, const char *subject, json_t *body);

/* unsent.c: records, until a Manager has taken them */
void worker_record_send(struct worker *w, const char *call, json_t *record);
void worker_records_again(struct worker *w);
void worker_records_drop(struct worker *w);

/* calls.c */
struct worker_call *worker_call_new(struct worker *w, bool to_telegram,
				    const char *id);
/* Opens the RTP port towards `peer`. -EADDRINUSE when none is free. */
int worker_call_open_media(struct worker_call *wc, const struct sa *peer);
/* Counts a digit pressed on the SIP side, if its trunk takes it that way and it
 * has not come in another. */
void worker_call_digit(struct worker_call *wc, enum dtmf_method method,
		       char digit);
void worker_on_digits(const struct bus_message *m, void *arg);
/* Starts the state machine on its calling leg. */
int worker_call_begin(struct worker_call *wc, struct call_leg *calling);
/* Tells the Manager what is needed to close the call after a crash. */
void worker_call_keep(struct worker_call *wc);
/* More calls than max_calls are up: the newest is refused. */
bool worker_is_full(const struct worker *w);
struct worker_call *worker_call_find(struct worker *w, const char *id);
void worker_call_end(struct worker_call *wc, enum cause_row row);
/* Without a record: it never was one, or the Worker goes. */
void worker_call_discard(struct worker_call *wc);
/* Tells who waits for the last call of a stopping Worker. */
void worker_stop_when_empty(struct worker *w);

/* explain.c: worker.W.explain */
void worker_on_explain(const struct bus_message *m, void *arg);

/* to_telegram.c: handler of the SIP stack */
void worker_on_invite(struct sip_session *s, const char *user, void *arg);

/* to_sip.c: worker.W.call.offer, worker.W.call.event */
void worker_on_offer(const struct bus_message *m, void *arg);
void worker_on_call_event(const struct bus_message *m, void *arg);

/* record.c */
/* Keeps what became of each trunk that was rung, while its leg is there. */
void worker_record_tried(struct worker_call *wc);
json_t *worker_record(const struct worker_call *wc);
json_t *worker_show_calls(const struct worker *w);
json_t *worker_show_status(const struct worker *w);

/* sip_leg.c */
struct sip_leg;
/* The calling leg of an INVITE. */
int sip_leg_new_incoming(struct call_leg **lp, struct worker_call *wc,
			 struct sip_session *session,
			 const struct worker_trunk *trunk);
/* What the trunk demands of every call; false: rejected, for the peer cannot
 * do it. */
bool sip_leg_agree(struct sip_session *session,
		   const struct worker_trunk *trunk);
bool sip_leg_takes_digits(const struct call_leg *leg, enum dtmf_method method);
/* See sip_digits_press(). */
const char *sip_leg_press(struct call_leg *leg, const char *digits, int *err);
/* False for an INVITE whose offer has nothing in common with the trunk: the
 * call is to be ended with CAUSE_NOT_ACCEPTABLE. */
bool sip_leg_has_codec(const struct call_leg *leg);
/* Opens the RTP port of an INVITE's leg: -EADDRINUSE when none is free. */
int sip_leg_open_media(struct call_leg *leg);
/* Writes the leg's trunk, numbers and SIP Call-ID into its call. */
void sip_leg_name(const struct call_leg *leg);
const char *sip_leg_trunk(const struct call_leg *leg);
struct sip_leg_target {
	const struct worker_trunk *trunk;
	const char *from_user, *from_name;
	const char *number;  /* called at the PBX; "": the trunk's own */
	const char *contact; /* of one binding; NULL: the newest */
	json_t *caller;      /* USER: the X-TG-* headers */
};
int sip_leg_new_outgoing(struct call_leg **lp, struct worker_call *wc,
			 const struct sip_leg_target *target);

/* The leg that a REFER on `from` asks for, at the same PBX. */
int sip_leg_new_transfer(struct call_leg **lp, const struct call_leg *from,
			 const struct sip_refer *r);
/* NOTIFY about it, on the leg that asked. */
void sip_leg_transfer_told(struct call_leg *leg, int code, const char *reason);
/* Answers an INVITE that replaces another leg, and turns the media to it.
 * -ENOTCONN: that failed. */
int sip_leg_take_over(struct call_leg *leg);
const char *sip_leg_call_id(const struct call_leg *leg);
struct worker_call *sip_leg_call(const struct call_leg *leg);

/* transfer.c */
/* A REFER on a leg: 0, or the status that refuses it. */
int worker_transfer_refer(struct worker_call *wc, struct call_leg *leg,
			  const struct sip_refer *r);
/* An INVITE with Replaces of a trunk: `replaced` is its leg, NULL when it has
 * none any more. */
void worker_transfer_replaces(struct sip_session *s,
			      const struct worker_trunk *trunk,
			      struct call_leg *replaced);
/* Handler of the call. */
void worker_on_replacing(struct call *c, enum call_replacing event,
			 struct call_leg *old, struct call_leg *by, void *arg);
json_t *worker_transfers_json(const struct worker_call *wc);

/* sip_place.c */
#define SIP_PLACE_BINDINGS 8
/* Where a call goes, and how the PBX knows us. Texts live as long as this. */
struct sip_place {
	struct sa peer; /* chooses our address */
	char uri[640], route[160], host[128];
};
/* Fills what conf says of it. contact: of a binding; "": any. -ENOTCONN: nobody
 * is there. */
int sip_place_find(struct sip_place *p, struct sip_invite_conf *conf,
		   const struct worker *w, const struct worker_trunk *t,
		   const char *contact);
/* The PBX of a trunk that does not register with us; number "": the PBX
 * itself. */
void sip_place_pbx(struct sip_place *p, struct sip_invite_conf *conf,
		   const struct worker_trunk *t, const char *number);
/* True when a binding is reached by p->route alone. */
bool sip_place_route(struct sip_place *p, const struct sip_binding *b);
/* Bindings that answer, newest first. */
size_t sip_place_bindings(const struct worker *w, const struct worker_trunk *t,
			  const struct sip_binding *list[SIP_PLACE_BINDINGS]);

/* telegram_leg.c */
int telegram_leg_new_outgoing(struct call_leg **lp, struct worker_call *wc,
			      const char *peer_kind, const char *peer_value);
int telegram_leg_new_incoming(struct call_leg **lp, struct worker_call *wc);
/* worker.W.call.event, for the leg of this call. */
void telegram_leg_event(struct call_leg *leg, json_t *event);
/* Media events of the call. */
void telegram_leg_media(struct call_leg *leg, enum tgcall_state state);
void telegram_leg_signal(struct call_leg *leg, struct bytes blob);

#endif
