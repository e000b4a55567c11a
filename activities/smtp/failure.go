package smtp

import (
	"errors"
	"io"
	"net"
	"net/textproto"
	"strconv"

	gomail "github.com/wneessen/go-mail"

	"github.com/rapport-crm/rapport/activities/provider"
	"github.com/rapport-crm/rapport/crm"
)

// dialError says that there was no connection on which a mail could have been begun: no answer, no encryption, no signing in.
type dialError struct{ err error }

func (e dialError) Error() string { return "connect: " + e.err.Error() }
func (e dialError) Unwrap() error { return e.err }

// classify says what an error means for the message. A server takes a mail over with its answer to the final dot (RFC 5321,
// 4.2.5 and 6.1); whatever broke before that dot was not taken, and without an answer to it nobody knows.
func classify(err error) *crm.SendError {
	failure := &crm.SendError{Class: crm.SendRetry, Code: "connection", Err: errors.New(provider.Redact(err.Error()))}
	if dial, ok := errors.AsType[dialError](err); ok {
		return classifyDial(failure, dial.err)
	}
	failed, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		failure.Class = crm.SendUnknown
		return failure
	}
	code := failed.ErrorCode()
	if code == 0 {
		if failed.Reason == gomail.ErrSMTPDataClose {
			failure.Class, failure.Code = crm.SendUnknown, "no_answer"
		}
		return failure
	}
	failure.Code = "smtp_" + strconv.Itoa(code)
	if status := failed.EnhancedStatusCode(); status != "" {
		failure.Code += "_" + status
	}
	switch {
	case code < 500:
		failure.Account = code == 421 // the server closes the channel, whatever the mail
	case failed.Reason == gomail.ErrSMTPMailFrom && code != 552:
		// Our sender or account is refused, not the message. Somebody has to put that right, and then the message goes.
		failure.Account, failure.RetryAfter = true, provider.AccountPause
	case failed.Reason == gomail.ErrSMTPRcptTo && noMailbox(failed.EnhancedStatusCode()):
		failure.Class = crm.SendSuppress
	default:
		failure.Class = crm.SendRefused
	}
	return failure
}

// noMailbox tells whether a status says that the address will never take mail: no such mailbox or domain, a bad address, a
// mailbox that has moved, a domain without mail (RFC 3463, 3.2; RFC 7505, 4.2). That is a hard bounce, only told at once. A bare
// 550 is not: servers say it of policies and spam as well, and writing off a good address is worse than trying it again.
func noMailbox(status string) bool {
	switch status {
	case "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10":
		return true
	}
	return false
}

// classifyDial tells whether to try again soon, as after an outage, or later, when somebody has changed the settings.
func classifyDial(failure *crm.SendError, err error) *crm.SendError {
	answer, answered := errors.AsType[*textproto.Error](err)
	network, broken := errors.AsType[net.Error](err)
	if errors.Is(err, io.EOF) { // hung up on us
		return failure
	}
	switch {
	case answered && answer.Code < 500:
		failure.Code, failure.Account = "smtp_"+strconv.Itoa(answer.Code), true
	case answered:
		failure.Code, failure.Account, failure.RetryAfter = "smtp_"+strconv.Itoa(answer.Code), true, provider.AccountPause
	case broken && network.Timeout():
		failure.Code = "timeout"
	case !broken: // no STARTTLS, a certificate that is not the server's, no way of signing in
		failure.Code, failure.Account, failure.RetryAfter = "settings", true, provider.AccountPause
	}
	return failure
}
