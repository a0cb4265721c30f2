/* The table of method.h. */
#include "telegram/method.h"

#include <stddef.h>
#include <string.h>

#define SESSION TG_FEATURE_SESSION
#define SETTINGS TG_FEATURE_SETTINGS
#define CALLS TG_FEATURE_CALLS
#define KEYPAD TG_FEATURE_KEYPAD
#define MESSAGES TG_FEATURE_MESSAGES
#define BOT TG_FEATURE_BOT
/* Whoever writes or reads texts. */
#define TEXTS (KEYPAD | MESSAGES | BOT)

static const struct method methods[] = {
	/* Connection, updates. */
	{TL_help_getConfig, SESSION, METHOD_READ, FLOOD_NONE},
	{TL_help_getAppConfig, SESSION, METHOD_READ, FLOOD_NONE},
	{TL_help_getNearestDc, SESSION, METHOD_READ, FLOOD_NONE},
	{TL_updates_getState, SESSION, METHOD_READ, FLOOD_NONE},
	{TL_updates_getDifference, SESSION, METHOD_READ, FLOOD_NONE},
	{TL_auth_exportAuthorization, SESSION, METHOD_SAME, FLOOD_NONE},
	{TL_auth_importAuthorization, SESSION, METHOD_SAME, FLOOD_NONE},

	/* Log-in. A new code replaces the one before; a wrong password counts,
	 * and its proof is good once. */
	{TL_auth_sendCode, SESSION, METHOD_SAME, FLOOD_NONE},
	{TL_auth_resendCode, SESSION, METHOD_ONCE, FLOOD_NONE},
	{TL_auth_cancelCode, SESSION, METHOD_SAME, FLOOD_NONE},
	{TL_auth_signIn, SESSION, METHOD_SAME, FLOOD_NONE},
	{TL_auth_importBotAuthorization, SESSION, METHOD_SAME, FLOOD_NONE},
	{TL_auth_exportLoginToken, SESSION, METHOD_READ, FLOOD_NONE},
	{TL_auth_importLoginToken, SESSION, METHOD_SAME, FLOOD_NONE},
	{TL_account_getPassword, SESSION, METHOD_READ, FLOOD_NONE},
	{TL_auth_checkPassword, SESSION, METHOD_ONCE, FLOOD_NONE},
	{TL_auth_requestPasswordRecovery, SESSION, METHOD_ONCE, FLOOD_NONE},
	{TL_auth_checkRecoveryPassword, SESSION, METHOD_READ, FLOOD_NONE},
	{TL_auth_recoverPassword, SESSION, METHOD_ONCE, FLOOD_NONE},
	{TL_auth_logOut, SESSION, METHOD_SAME, FLOOD_NONE},
	{TL_account_getAuthorizations, SESSION, METHOD_READ, FLOOD_NONE},
	{TL_account_resetAuthorization, SESSION, METHOD_SAME, FLOOD_NONE},

	/* Peers. */
	{TL_users_getUsers, SESSION, METHOD_READ, FLOOD_NONE},
	{TL_users_getFullUser, SESSION, METHOD_READ, FLOOD_NONE},
	{TL_contacts_getContacts, SESSION, METHOD_READ, FLOOD_NONE},
	{TL_contacts_resolveUsername, SESSION, METHOD_READ, FLOOD_NAMES},
	{TL_contacts_resolvePhone, SESSION, METHOD_READ, FLOOD_PHONES},
	{TL_contacts_importContacts, SESSION, METHOD_SAME, FLOOD_PHONES},
	{TL_contacts_addContact, SESSION, METHOD_SAME, FLOOD_NONE},
	{TL_contacts_deleteContacts, SESSION, METHOD_SAME, FLOOD_NONE},

	/* Settings of the account: each names the state it wants. */
	{TL_account_getPrivacy, SETTINGS, METHOD_READ, FLOOD_NONE},
	{TL_account_setPrivacy, SETTINGS, METHOD_SAME, FLOOD_NONE},
	{TL_account_changeAuthorizationSettings, SETTINGS, METHOD_SAME,
	 FLOOD_NONE},
	{TL_account_setAuthorizationTTL, SETTINGS, METHOD_SAME, FLOOD_NONE},
	{TL_account_updateStatus, SETTINGS, METHOD_SAME, FLOOD_NONE},

	/* Calls. requestCall has a random_id; the others name one state of
	 * one call; a signalling packet twice is the framing's business. */
	{TL_messages_getDhConfig, CALLS, METHOD_READ, FLOOD_NONE},
	{TL_phone_getCallConfig, CALLS, METHOD_READ, FLOOD_NONE},
	{TL_phone_requestCall, CALLS, METHOD_SAME, FLOOD_CALLS},
	{TL_phone_receivedCall, CALLS, METHOD_SAME, FLOOD_NONE},
	{TL_phone_acceptCall, CALLS, METHOD_SAME, FLOOD_NONE},
	{TL_phone_confirmCall, CALLS, METHOD_SAME, FLOOD_NONE},
	{TL_phone_discardCall, CALLS, METHOD_SAME, FLOOD_NONE},
	{TL_phone_sendSignalingData, CALLS, METHOD_SAME, FLOOD_NONE},
	{TL_phone_setCallRating, CALLS, METHOD_SAME, FLOOD_NONE},
	{TL_phone_saveCallDebug, CALLS, METHOD_SAME, FLOOD_NONE},

	/* Texts: random_id, or the state a message shall have. */
	{TL_messages_sendMessage, TEXTS, METHOD_SAME, FLOOD_MESSAGES},
	{TL_messages_sendMedia, TEXTS, METHOD_SAME, FLOOD_MESSAGES},
	{TL_messages_uploadMedia, TEXTS, METHOD_SAME, FLOOD_NONE},
	{TL_messages_editMessage, TEXTS, METHOD_SAME, FLOOD_NONE},
	{TL_messages_deleteMessages, TEXTS, METHOD_SAME, FLOOD_NONE},
	{TL_messages_readHistory, TEXTS, METHOD_SAME, FLOOD_NONE},
	{TL_messages_setTyping, TEXTS, METHOD_SAME, FLOOD_NONE},
	{TL_messages_getMessages, TEXTS, METHOD_READ, FLOOD_NONE},
	{TL_messages_getHistory, TEXTS, METHOD_READ, FLOOD_NONE},
	{TL_upload_saveFilePart, TEXTS, METHOD_SAME, FLOOD_NONE},
	{TL_upload_saveBigFilePart, TEXTS, METHOD_SAME, FLOOD_NONE},
	{TL_upload_getFile, TEXTS, METHOD_READ, FLOOD_NONE},

	/* The keypad: a user account sends what its bot offers. To press a
	 * button is to do something. */
	{TL_messages_getInlineBotResults, KEYPAD | MESSAGES, METHOD_READ,
	 FLOOD_NONE},
	{TL_messages_sendInlineBotResult, KEYPAD | MESSAGES, METHOD_SAME,
	 FLOOD_MESSAGES},
	{TL_messages_getBotCallbackAnswer, KEYPAD | MESSAGES, METHOD_ONCE,
	 FLOOD_NONE},

	/* Bots. */
	{TL_messages_setBotCallbackAnswer, BOT, METHOD_SAME, FLOOD_NONE},
	{TL_messages_setInlineBotResults, BOT, METHOD_SAME, FLOOD_NONE},
	{TL_messages_editInlineBotMessage, BOT, METHOD_SAME, FLOOD_NONE},
	{TL_bots_setBotCommands, BOT, METHOD_SAME, FLOOD_NONE},
};

const struct method *method_find(enum tl_ctor_no no)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (methods[i].no == no)
			return &methods[i];
	return NULL;
}

unsigned tg_feature_of(const char *name)
{
	static const struct {
		const char *name;
		unsigned feature;
	} list[] = {
		{"calls", CALLS},
		{"keypad", KEYPAD},
		{"messages", MESSAGES},
		{"bot", BOT},
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		if (strcmp(list[i].name, name) == 0)
			return list[i].feature;
	return 0;
}
