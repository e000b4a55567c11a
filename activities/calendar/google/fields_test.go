package google_test

import (
	"encoding/json"
	"strings"
)

// masked leaves what the fields parameter asks for: "a,b(c,d),e/f" ("Performance tips", Partial response). Without one, all is
// left; with one that cannot be read, ok is false.
func masked(body any, fields string) (left any, ok bool) {
	data, err := json.Marshal(body)
	if err != nil || json.Unmarshal(data, &left) != nil {
		return nil, false
	}
	if fields == "" {
		return left, true
	}
	mask, rest := parseMask(fields)
	return mask.apply(left), rest == ""
}

// mask is the names that are asked for, each with those inside; nil is everything inside.
type mask map[string]mask

func parseMask(text string) (m mask, rest string) {
	m = mask{}
	for text != "" && text[0] != ')' {
		end := strings.IndexAny(text, ",()/")
		if end < 0 {
			end = len(text)
		}
		name := text[:end]
		text = text[end:]
		var inside mask
		switch {
		case strings.HasPrefix(text, "("):
			inside, text = parseMask(text[1:])
			text = strings.TrimPrefix(text, ")")
		case strings.HasPrefix(text, "/"):
			end := strings.IndexAny(text, ",)")
			if end < 0 {
				end = len(text)
			}
			inside, text = mask{text[1:end]: nil}, text[end:]
		}
		m[name] = inside
		text = strings.TrimPrefix(text, ",")
	}
	return m, text
}

func (m mask) apply(value any) any {
	if m == nil {
		return value
	}
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = m.apply(v[i])
		}
	case map[string]any:
		for name := range v {
			inside, asked := m[name]
			if !asked {
				delete(v, name)
				continue
			}
			v[name] = inside.apply(v[name])
		}
	}
	return value
}
