package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxTextLength is the highest number of characters of a text's body.
const (
	maxTextLength = 1600
	maxMediaFiles = 10
	maxValidity   = 36_000
)

// Twilio's error codes that the sandbox answers with. Source: https://www.twilio.com/docs/api/errors
const (
	codeAuthenticate       = 20003
	codeNotFound           = 20404
	codeTooManyRequests    = 20429
	codeInternal           = 20500
	codeInvalidTo          = 21211
	codeInvalidFrom        = 21212
	codeSameNumbers        = 21266
	codeBodyRequired       = 21602
	codeFromRequired       = 21603
	codeToRequired         = 21604
	codeInvalidCallback    = 21609
	codeOptedOut           = 21610
	codeBodyTooLong        = 21617
	codeInvalidMedia       = 21620
	codeTooManyMedia       = 21623
	codeInvalidValidity    = 21624
	codeUnknownContent     = 21655
	codeForeignFrom        = 21659
	codeNoService          = 21701
	codeServiceForSchedule = 35118
	codeUnreachable        = 30003
	codeUnknownDestination = 30005
)

var hostFormat = regexp.MustCompile(`^[A-Za-z0-9.\-:\[\]]+$`) // Twilio: a valid host name without underscores

// twilioError is Twilio's error answer.
type twilioError struct {
	Code     int    `json:"code"`
	Message  string `json:"message"`
	MoreInfo string `json:"more_info"`
	Status   int    `json:"status"`
}

func newTwilioError(status, code int, message string, args ...any) *twilioError {
	return &twilioError{
		Code: code, Message: fmt.Sprintf(message, args...), Status: status,
		MoreInfo: "https://www.twilio.com/docs/errors/" + strconv.Itoa(code),
	}
}

func invalid(code int, message string, args ...any) *twilioError {
	return newTwilioError(http.StatusBadRequest, code, message, args...)
}

// textParameters are the parameters of Twilio's Create Message. Twilio ignores any other; the sandbox does too, and shows
// them on the phone's page, because a misspelt one is easy to miss.
func textParameters() []string {
	return []string{
		"AddressRetention", "ApplicationSid", "Attempt", "Body", "ContentRetention", "ContentSid", "ContentVariables",
		"FallbackFrom", "ForceDelivery", "From", "MaxPrice", "MediaUrl", "MessagingServiceSid", "PersistentAction",
		"ProvideFeedback", "RiskCheck", "ScheduleType", "SendAsMms", "SendAt", "ShortenUrls", "SmartEncoded",
		"StatusCallback", "To", "TrafficType", "ValidityPeriod",
	}
}

// checkText returns what Twilio would refuse the request with, or nil.
func (s *Sandbox) checkText(ctx context.Context, form url.Values) (*twilioError, error) {
	if refused := checkPresence(form); refused != nil {
		return refused, nil
	}
	if refused := s.checkNumbers(form.Get("From"), form.Get("To")); refused != nil {
		return refused, nil
	}
	if refused := checkTextContent(form); refused != nil {
		return refused, nil
	}
	reason, err := s.suppression(ctx, Twilio, form.Get("From"), form.Get("To"))
	if err != nil {
		return nil, err
	}
	if reason != "" {
		return invalid(codeOptedOut, "Attempt to send to unsubscribed recipient"), nil
	}
	return nil, nil //nolint:nilnil // neither refused nor failed
}

// checkPresence refuses missing parameters, and references to things that the sandbox's account does not have.
func checkPresence(form url.Values) *twilioError {
	service := form.Get("MessagingServiceSid")
	switch {
	case form.Get("To") == "":
		return invalid(codeToRequired, "A 'To' phone number is required.")
	case form.Get("From") == "" && service == "":
		return invalid(codeFromRequired, "A 'From' phone number is required.")
	case form.Get("ContentSid") != "":
		return invalid(codeUnknownContent, "The ContentSid is Invalid: the sandbox has no content templates")
	case form.Get("Body") == "" && len(form["MediaUrl"]) == 0:
		return invalid(codeBodyRequired, "Message body is required.")
	case service != "":
		return invalid(codeNoService, "The Messaging Service does not exist: the sandbox has none, send from a number")
	case form.Get("SendAt") != "" || form.Get("ScheduleType") != "":
		return invalid(codeServiceForSchedule, "MessagingServiceSid is required to schedule a message")
	}
	return nil
}

func (s *Sandbox) checkNumbers(from, to string) *twilioError {
	switch {
	case !e164Format.MatchString(to):
		return invalid(codeInvalidTo, "Invalid 'To' Phone Number: %s", masked(to))
	case !e164Format.MatchString(from):
		return invalid(codeInvalidFrom, "Invalid From Number (caller ID): %s", from)
	case from == to:
		return invalid(codeSameNumbers, "'To' and 'From' number cannot be the same: %s", masked(to))
	case !slices.Contains(s.config.SMSNumbers, from):
		return invalid(codeForeignFrom, "'From' %s is not a Twilio phone number of this account", from)
	}
	return nil
}

func checkTextContent(form url.Values) *twilioError {
	if utf8.RuneCountInString(form.Get("Body")) > maxTextLength {
		return invalid(codeBodyTooLong, "The concatenated message body exceeds the 1600 character limit")
	}
	if callback := form.Get("StatusCallback"); callback != "" && !isCallback(callback) {
		return invalid(codeInvalidCallback, "The 'StatusCallback' URL %s is not a valid URL.", callback)
	}
	if len(form["MediaUrl"]) > maxMediaFiles {
		return invalid(codeTooManyMedia, "Number of media files exceeds allowed limit")
	}
	for _, media := range form["MediaUrl"] {
		if !isWebURL(media) {
			return invalid(codeInvalidMedia, "Invalid media URL(s)")
		}
	}
	if period := form.Get("ValidityPeriod"); period != "" {
		if n, err := strconv.Atoi(period); err != nil || n < 1 || n > maxValidity {
			return invalid(codeInvalidValidity, "Validity Period %s is out of range, 1 to %d seconds", period, maxValidity)
		}
	}
	return nil
}

func isCallback(s string) bool {
	u, err := url.Parse(s)
	return err == nil && isWebURL(s) && hostFormat.MatchString(u.Host)
}

// masked hides the end of a number, as Twilio does in error messages.
func masked(number string) string {
	if len(number) <= 4 {
		return number
	}
	return number[:len(number)-4] + "XXXX"
}
