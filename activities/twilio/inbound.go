package twilio

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rapport-crm/rapport/activities/provider"
)

// Keyword is what a text message means to the carriers, whatever else it says.
type Keyword string

// The keywords. Carriers and Twilio act on them by themselves; Rapport has to agree with them.
const (
	KeywordStop  Keyword = "stop"  // no more texts
	KeywordStart Keyword = "start" // texts again
	KeywordHelp  Keyword = "help"
)

// Inbound is a text message that a candidate sent.
type Inbound struct {
	MessageSID string
	From       string // E.164
	To         string // E.164
	Text       string
	Media      []string // the media types of pictures and files that came along
	Keyword    Keyword  // "" for an ordinary message
	Agreement  bool     // the keyword is START only for who had stopped; else it is an answer: YES
	Answered   bool     // Twilio answers the keyword by itself
	Refusal    string   // the language of a refusal in the candidate's own words, which is KeywordStop; "" for the words of carriers
}

// maxMedia is how many files a message has at most.
const maxMedia = 10

// ParseInbound reads the form body of an inbound message.
func ParseInbound(body []byte) (*Inbound, error) {
	form, err := parseForm(body)
	if err != nil {
		return nil, err
	}
	in := &Inbound{MessageSID: form.Get("MessageSid"), From: form.Get("From"), To: form.Get("To"), Text: form.Get("Body")}
	if in.MessageSID == "" || in.From == "" {
		return nil, errors.New("read inbound message: MessageSid or From is missing")
	}
	for i := range maxMedia {
		if mediaType := form.Get("MediaContentType" + strconv.Itoa(i)); mediaType != "" {
			in.Media = append(in.Media, mediaType)
		}
	}
	in.Keyword, in.Agreement = keyword(in.Text)
	in.Answered = known(in.Text)
	switch form.Get("OptOutType") { // Advanced Opt-Out: Twilio has decided, in any language, and answers with the words set there
	case "STOP":
		in.Keyword, in.Agreement, in.Answered = KeywordStop, false, true
	case "START":
		in.Keyword, in.Agreement, in.Answered = KeywordStart, false, true
	case "HELP":
		in.Keyword, in.Agreement, in.Answered = KeywordHelp, false, true
	}
	if in.Keyword == "" {
		if in.Refusal = provider.Refusal(in.Text); in.Refusal != "" {
			in.Keyword = KeywordStop
		}
	}
	return in, nil
}

// known tells whether Twilio acts on a text, and answers it, without any setting: one of its words alone, in any case
// (https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out). HELP is not counted: the answer to it names nobody.
func known(text string) bool {
	return slices.Contains([]string{
		"STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT", "START", "UNSTOP", "YES",
	}, strings.ToUpper(strings.TrimSpace(text)))
}

// keyword reads the words that end or resume texts when they are the whole message, however they are written: Twilio's own
// and those that 47 CFR 64.1200(a)(10) names.
func keyword(text string) (word Keyword, agreement bool) {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToUpper(r)
		}
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
	switch letters {
	case "STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT":
		return KeywordStop, false
	case "START", "UNSTOP":
		return KeywordStart, false
	case "YES":
		return KeywordStart, true
	case "HELP", "INFO":
		return KeywordHelp, false
	}
	return "", false
}
