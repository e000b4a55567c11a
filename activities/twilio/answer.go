package twilio

import (
	"bytes"
	"encoding/xml"
)

// Reply is TwiML that answers an inbound message with a text, or with nothing.
func Reply(text string) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>`)
	if text == "" {
		b.WriteString("<Response/>")
		return b.Bytes()
	}
	b.WriteString("<Response><Message>")
	_ = xml.EscapeText(&b, []byte(text)) // a buffer takes everything
	b.WriteString("</Message></Response>")
	return b.Bytes()
}

// Answer is what a company answers to a keyword, in the language of a refusal, else in English. The name and the address, for
// who needs help, may be "".
func Answer(in *Inbound, company, address string) string {
	if company != "" {
		company += ": "
	}
	switch in.Keyword {
	case KeywordStop:
		return company + confirmation(in.Refusal)
	case KeywordStart:
		return company + "You will get our texts again. Reply STOP to end them, HELP for help."
	case KeywordHelp:
		if address != "" {
			return company + "For help write to " + address + ". Reply STOP to get no more texts."
		}
		return company + "Reply STOP to get no more texts."
	}
	return ""
}

// confirmation says that no more texts will come. It markets nothing (47 CFR 64.1200(a)(12)), and has only letters of the
// alphabet of phones, so that it is one message.
func confirmation(language string) string {
	switch language {
	case "de":
		return "Sie erhalten keine SMS mehr von uns. Mit START erlauben Sie sie wieder."
	case "fr":
		return "Vous ne recevrez plus de SMS de notre part. Répondez START pour en recevoir à nouveau."
	case "es":
		return "Ya no le enviaremos SMS. Responda START para volver a recibirlos."
	case "nl":
		return "U ontvangt geen sms meer van ons. Antwoord START om ze weer te ontvangen."
	}
	return "You will get no more texts from us. Reply START to get them again."
}
