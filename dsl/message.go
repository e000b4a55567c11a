package dsl

import (
	"fmt"
	"regexp"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

var (
	localePattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$`)
	liquidPattern = regexp.MustCompile(`(?s)\{\{.*?\}\}|\{%.*?%\}`)
)

// message reads a message document. The channel of a translation without one is filled in when all are read.
func (r *docReader) message() *Template {
	m := r.mapping(r.src.root, placeMessage)
	if m == nil {
		return nil
	}
	t := &Template{Name: r.name(m.get("message")), Hash: hash(r.src.root)}
	if n := m.get("locale"); n != nil {
		t.Locale = r.localeOf(n)
	}
	if n := m.get("channel"); n != nil {
		t.Channel = crm.Channel(r.choice(n, placeMessage, "channel"))
	} else if m.get("locale") == nil {
		r.add(m.keys["message"], codeMissingKey, `A message needs the key "channel".`, "Write `channel: email` or `channel: sms`.")
	} else if t.Locale != "" {
		t.Channel = r.channelOf(t.Name)
	}
	if r.hasBody(m) && t.Channel != "" {
		r.messageParts(t, m, &templateScope{anyData: true})
	}
	return t
}

// hasBody tells whether the message says something, in one way.
func (r *docReader) hasBody(m *mapping) bool {
	if m.get("mjml") == nil {
		return r.require(m, placeMessage, "body")
	}
	if m.get("body") != nil {
		r.add(m.keys["mjml"], codeConflict, "A message has one body.", "Keep `body` or `mjml`.")
		return false
	}
	return true
}

// channelOf returns the channel of the message that a translation is of.
func (r *docReader) channelOf(name string) crm.Channel {
	if ch := r.channels[name]; ch != "" {
		return ch
	}
	r.add(r.src.root, codeTranslation, fmt.Sprintf("This is a translation of %q, which has no version without a locale.", name), "Write that version too; it is what other languages get.")
	return ""
}

// localeOf reads a locale: a language tag of BCP 47, without its rarer parts.
func (r *docReader) localeOf(n *yaml.Node) string {
	t, ok := r.text(n, "locale")
	if ok && !localePattern.MatchString(t) {
		r.add(n, codeLocale, fmt.Sprintf("%q is not a locale.", clip(t)), "Write a language such as cy, or a language and country such as pt-BR.")
		return ""
	}
	return t
}

// messageParts reads what a message says.
func (r *docReader) messageParts(t *Template, m *mapping, sc *templateScope) {
	body, subject, preview := m.get("body"), m.get("subject"), m.get("preview")
	if t.Channel == crm.SMS {
		for _, key := range []string{"subject", "preview", "mjml"} {
			if m.get(key) != nil {
				r.add(m.keys[key], codeSubject, fmt.Sprintf("A text message has no %s.", key), "Take it out.")
			}
		}
		if body != nil {
			t.Body = r.textOf(body, r.engines.plain, sc)
			r.smsLength(body, t.Body)
		}
		t.data, t.needs, t.shows = sc.used, sc.needs, sc.attributes
		return
	}
	if subject == nil {
		r.add(m.node, codeSubject, "An email needs a subject.", "")
	} else {
		t.Subject = r.textOf(subject, r.engines.plain, sc)
	}
	if preview != nil {
		t.Preview = r.textOf(preview, r.engines.plain, sc)
	}
	if source := m.get("mjml"); source != nil {
		t.Body = r.mjmlBody(source, sc)
	} else {
		t.markdown, t.Body = r.engines.converter, r.textOf(body, r.engines.markdown, sc)
		if t.Body != nil {
			r.bodyMarkdown(body, t.Body.Source)
		}
	}
	t.data, t.needs, t.shows = sc.used, sc.needs, sc.attributes
}
