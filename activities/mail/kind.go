package mail

import (
	"encoding/json"
	"mime"
	"net/textproto"
	"regexp"
	"strings"
)

// ParseEnvelope reads an envelope as Inbound Parse writes it. An odd one is empty: the header has to do.
func ParseEnvelope(text string) Envelope {
	var e Envelope
	if json.Unmarshal([]byte(text), &e) != nil {
		return Envelope{}
	}
	return e
}

// kindOf tells who wrote a mail, by its header, its subject and the reports in it.
func kindOf(header textproto.MIMEHeader, subject string, files []File, envelope Envelope) (Kind, *Bounce) {
	mediaType, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err == nil && mediaType == "multipart/report" {
		if strings.EqualFold(params["report-type"], "disposition-notification") { // a read receipt (RFC 8098)
			return KindNotice, nil
		}
		if status := statusOf(files); status != "" {
			return bounceOf(status, files)
		}
		return KindAutomatic, nil
	}
	if byMachine(header) || vacation(subject) || envelope.From != nil && strings.Trim(*envelope.From, "<> ") == "" {
		return KindAutomatic, nil
	}
	return KindPerson, nil
}

// byMachine tells whether a header says that no person wrote the mail. RFC 3834 (5) has Auto-Submitted; the others are older habits.
func byMachine(header textproto.MIMEHeader) bool {
	if by, _, _ := strings.Cut(header.Get("Auto-Submitted"), ";"); by != "" && !strings.EqualFold(strings.TrimSpace(by), "no") {
		return true
	}
	for _, name := range []string{"X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "List-Id", "X-Loop"} {
		switch strings.ToLower(strings.TrimSpace(header.Get(name))) {
		case "", "no", "none":
		default:
			return true
		}
	}
	switch strings.ToLower(strings.TrimSpace(header.Get("Precedence"))) {
	case "bulk", "junk", "list", "auto_reply":
		return true
	}
	return false
}

// vacation tells whether a subject is one that programs write while their owner is away. It has to begin so, as people write
// about holidays too.
func vacation(subject string) bool {
	return awaySubject.MatchString(strings.TrimLeft(strings.TrimSpace(subject), "[(*"))
}

var awaySubject = regexp.MustCompile(`(?i)^(?:` + strings.Join([]string{
	`auto(?:mat(?:ic|ed))?[ -]?(?:reply|response|antwort|svar)\b`, `out[ -]of[ -](?:the )?office\b`, `ooo\s*[:\])-]`, `(?:i am|i'm) (?:currently )?(?:away|out of)\b`,
	`(?:on|annual|vacation|holiday) (?:leave|vacation|holiday|reply|response|notice)\s*(?:$|[:\])-]|until|re:)`, `away from (?:my|the) (?:desk|office|mail)`,
	`automatische (?:antwort|e?-?mail-antwort|r[üu]ckantwort)\b`, `abwesen(?:heit|d)`, `(?:ich bin )?(?:im|in) urlaub\b`, `urlaubs(?:notiz|nachricht|abwesenheit)`, `(?:nicht im|au(?:ß|ss)er) (?:b[üu]ro|haus)`,
	`r[ée]ponse automatique`, `absen(?:ce|t|te)(?:\s*(?:$|[:\])-])| du | de | temporaire)`, `message d.absence`, `en cong[ée]s?\b`,
	`respuesta autom[áa]tica`, `fuera de (?:la )?oficina`, `ausen(?:cia|te)(?:\s*(?:$|[:\])-])| de | temporal)`, `(?:estoy )?de vacaciones`,
	`automati(?:sch antwoord|sche (?:beantwoording|reactie))`, `afwezig(?:heid)?`, `niet (?:aanwezig|op kantoor)`, `(?:ik ben )?(?:met|op) vakantie`,
}, `|`) + `)`)
