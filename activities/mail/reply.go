package mail

import (
	"regexp"
	"slices"
	"strings"
)

// Reply returns what is new in a mail's text: without the mail that it quotes and without the signature. It knows what mail
// programs write above a quotation in English, German, French, Spanish and Dutch. It is "" when nothing is new. What it does
// not know stays: rather too much than too little.
func Reply(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u00a0", " ", "\u202f", " ", "\u200b", "").Replace(text)
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	lines = withoutSignature(withoutQuotes(lines))
	return strings.TrimSpace(manyBlanks.ReplaceAllString(strings.Join(lines, "\n"), "\n\n"))
}

// withoutQuotes takes quoted lines out, and what programs write above them. Where the quoted mail is not marked, as Outlook and
// phones do it, all that follows goes.
func withoutQuotes(lines []string) []string {
	var kept []string
	for i := 0; i < len(lines); i++ {
		if strings.HasPrefix(strings.TrimLeft(lines[i], " "), ">") {
			continue
		}
		if n := attribution(lines[i:]); n > 0 {
			if !quotedNext(lines[i+n:]) {
				return kept
			}
			i += n - 1
			continue
		}
		if separator.MatchString(lines[i]) || headerBlock(lines[i:]) {
			return withoutRule(kept)
		}
		kept = append(kept, lines[i])
	}
	return kept
}

// attribution tells how many lines, from the first, are one like "On Fri, 6 Nov 2026 at 10:00, North wrote:", which programs
// break where it gets long.
func attribution(lines []string) int {
	joined := ""
	for n := 0; n < len(lines) && n < 4; n++ {
		line := strings.TrimSpace(lines[n])
		if line == "" && n > 0 || len(joined) > 500 || strings.HasPrefix(line, ">") {
			return 0
		}
		joined = strings.TrimSpace(joined + " " + line)
		if n == 0 && !wroteBegin.MatchString(joined) {
			return 0
		}
		if wrote.MatchString(joined) {
			return n + 1
		}
	}
	return 0
}

// quotedNext tells whether the next line with something on it is marked as quoted.
func quotedNext(lines []string) bool {
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			return strings.HasPrefix(line, ">")
		}
	}
	return false
}

// headerBlock tells whether the lines begin as the header that Outlook puts above the mail it quotes: From, and soon two more.
func headerBlock(lines []string) bool {
	if !blockBegin.MatchString(lines[0]) {
		return false
	}
	fields := 0
	for _, line := range lines[1:min(len(lines), 9)] {
		if blockField.MatchString(line) {
			fields++
		}
	}
	return fields >= 2
}

// withoutRule takes the line off that Outlook draws above its header.
func withoutRule(lines []string) []string {
	for i, line := range slices.Backward(lines) {
		switch line = strings.TrimSpace(line); {
		case line == "":
		case strings.Trim(line, "_-") == "" && len(line) >= 5:
			return lines[:i]
		default:
			return lines
		}
	}
	return lines
}

// withoutSignature cuts from the line that begins a signature (RFC 3676, 4.3), and from what phones write below.
func withoutSignature(lines []string) []string {
	for i, line := range lines {
		if line == "--" || line == "—" || device.MatchString(strings.TrimSpace(line)) && last(lines[i+1:]) {
			return lines[:i]
		}
	}
	return lines
}

// last tells whether hardly anything follows: "Sent from my new flat in Leeds" may begin a letter.
func last(lines []string) bool {
	n := 0
	for _, line := range lines {
		if strings.TrimSpace(line) != "" && !device.MatchString(strings.TrimSpace(line)) {
			n++
		}
	}
	return n <= 1
}

// What mail programs write. An attribution has a number in it, the date's: people write "On Monday she wrote:" too.
var (
	manyBlanks = regexp.MustCompile(`\n{3,}`)
	wroteBegin = regexp.MustCompile(`(?i)^-*\s*(?:on|am|le|el|op|\d|il|em|(?:mo|di|mi|do|fr|sa|so|lun|mar|mer|mi[ée]|jeu|jue|ven|vie|sam|s[áa]b|dim|dom|ma|wo|vr|za|zo|mon|tue|wed|thu|fri|sat|sun)\b|.{1,80}(?:schrieb|wrote|schreef|escribi[óo]|[ée]crit)\b)`)
	wrote      = regexp.MustCompile(`(?i)^-*\s*(?:` + strings.Join([]string{
		`on\b.*\d.*\bwrote:?`, `.{1,80}\bwrote on\b.*\d.*:`,
		`(?:am\b.*\d.*|.{1,80}\b)schrieb(?:en)?\b(?:.*\d)?.*:`, `am\b.*\d.*\bhat\b.*\bgeschrieben:`,
		`le\b.*\d.*\ba [ée]crit ?:`,
		`el\b.*\d.*\bescribi[óo] ?:`,
		`op\b.*\d.*\b(?:schreef|geschreven)\b.*:`, `.{1,80}\bschreef op\b.*\d.*:`,
		`\d{4}-\d\d-\d\d\b.*<\S+@\S+>:`, `.*\d{4}.*\d\d:\d\d.*<\S+@\S+>( (?:wrote|schrieb|a [ée]crit|escribi[óo]|schreef))? ?:`,
	}, `|`) + `)\s*-*$`)
	separator = regexp.MustCompile(`(?i)^[ >]*[-_]{2,}\s*(?:original message|forwarded message|urspr[üu]ngliche nachricht|original-?nachricht|weitergeleitete nachricht|message d.origine|message original|message transf[ée]r[ée]|mensaje original|mensaje reenviado|oorspronkelijk(?:e)? bericht|doorgestuurd bericht)\s*[-_]{2,}`)

	blockBegin = regexp.MustCompile(`(?i)^\s*\**(?:from|von|de|van)\s?:\**\s*\S`)
	blockField = regexp.MustCompile(`(?i)^\s*\**(?:sent|date|to|subject|cc|gesendet|datum|an|betreff|envoy[ée]|[àa]|objet|enviado(?: el)?|fecha|para|asunto|verzonden|aan|onderwerp)\s?:\**`)

	device = regexp.MustCompile(`(?i)^(?:` + strings.Join([]string{
		`sent (?:from|via|with) (?:my |an? )?(?:i(?:phone|pad|pod)|android|samsung|galaxy|huawei|pixel|blackberry|mobile|phone|tablet|outlook|mail for|yahoo|proton|gmail|windows|aol|blue mail)\b.*`,
		`get outlook for .*`,
		`(?:diese (?:e-?mail|nachricht) wurde )?von (?:meinem|unterwegs|mein)\b.*\bge(?:sendet|schickt)\.?`, `gesendet (?:von|mit|aus)\b.*`, `von unterwegs gesendet\.?`, `holen sie sich outlook .*`,
		`envoy[ée] (?:de|depuis|[àa] partir d)\b.*`, `t[ée]l[ée]charge(?:r|z) outlook .*`, `obtenez outlook .*`,
		`enviado (?:desde|con|a trav[ée]s)\b.*`, `obt[ée]n(?:er|ga)? outlook .*`,
		`(?:verzonden|verstuurd|gestuurd) (?:vanaf|vanuit|met|via|van)\b.*`, `outlook voor .* (?:downloaden|ophalen)`, `download outlook voor .*`,
	}, `|`) + `)$`)
)
