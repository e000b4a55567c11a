package twilio

import (
	"net/http"
	"time"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/crm"
)

// answerClass is what one of Twilio's codes means where it says more than the status of the answer does.
type answerClass struct {
	class   crm.SendClass
	account bool          // the whole account is turned away
	pause   time.Duration // of the account; 0: what the answer asks for
}

// answerClasses are the codes of https://www.twilio.com/docs/api/errors that CreateMessage answers with. What is not here is
// classified by its status (provider.Answer).
func answerClasses() map[int]answerClass {
	refused := answerClass{class: crm.SendRefused}
	limit := answerClass{class: crm.SendRetry, account: true}
	setup := answerClass{class: crm.SendRetry, account: true, pause: provider.AccountPause} // somebody has to put the account right
	return map[int]answerClass{
		21610: {class: crm.SendSuppress}, // the recipient replied STOP to this sender

		21211: refused, // the recipient's number is not valid
		21214: refused, // it cannot be reached
		21217: refused, // it is not written as a number
		21265: refused, // it is a short code
		21408: refused, // the account may not send to that country
		21612: refused, // this sender cannot reach that number
		21614: refused, // it is not a mobile number
		21635: refused, // it is a landline
		21602: refused, // there is no text
		21617: refused, // the text is longer than 1,600 characters

		14107: limit,                                                     // messages a second
		20429: limit,                                                     // requests a second
		21611: {class: crm.SendRetry, account: true, pause: time.Minute}, // the sender's queue is full
		63038: {class: crm.SendRetry, account: true, pause: time.Hour},   // the account's messages of today
		20003: setup,                                                     // wrong token
		20005: setup,                                                     // the account is not active
		21603: setup,                                                     // no sender
		21606: setup,                                                     // the sender is not a number of this account
		21659: setup,                                                     // the sender is not a number of Twilio's
		21660: setup,                                                     // the sender belongs to another account
	}
}

// classify overrules what the status of an answer says, where Twilio's code says more.
func classify(failure *crm.SendError, code int, header http.Header, now time.Time) {
	c, ok := answerClasses()[code]
	if !ok {
		return
	}
	failure.Class, failure.Account, failure.RetryAfter = c.class, c.account, c.pause
	if c.class == crm.SendRetry && c.pause == 0 {
		failure.RetryAfter = provider.RetryAfter(header, now)
	}
}

// undelivered is what the code of a status callback says about a text that did not arrive.
type undelivered struct {
	event  string
	hard   bool                  // of a bounce: the number cannot get texts at all
	kind   string                // text_kind of the event, or ""
	optOut crm.SuppressionReason // why the number must not be written to any more, or ""
}

// undeliveredBy reads a code of https://www.twilio.com/docs/api/errors in a status callback.
func undeliveredBy(code string) undelivered {
	switch code {
	case "30003": // unreachable handset: switched off, or without coverage; the number may be fine tomorrow
		return undelivered{event: "message.bounced"}
	case "30005", "30006": // unknown handset; landline or a carrier that takes no texts
		return undelivered{event: "message.bounced", hard: true, optOut: crm.SuppressedBounce}
	case "30004": // the recipient or their carrier blocks texts
		return undelivered{event: "message.failed", kind: "blocked"}
	case "30007": // filtered by Twilio or the carrier: it is about the text, not the number
		return undelivered{event: "message.failed", kind: "filtered"}
	case "21610": // the recipient replied STOP
		return undelivered{event: "message.failed", optOut: crm.SuppressedStop}
	}
	return undelivered{event: "message.failed"}
}
