package sandbox

import (
	"strings"
	"unicode/utf16"
)

// The GSM 7-bit default alphabet and its extension table, whose characters take two septets. Source: 3GPP TS 23.038, 6.2.1.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§" +
		"¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "\f^{}\\[~]|€"
)

// Units that fit into one SMS, and into each part of a longer one, whose parts carry a header. Source: 3GPP TS 23.040, 9.2.3.24.
const (
	gsmSingle, gsmPart   = 160, 153
	ucs2Single, ucs2Part = 70, 67
)

// countSegments returns how many SMS a body needs: in GSM-7 when every character allows it, else in UCS-2.
func countSegments(body string) int {
	widths, gsm := gsmWidths(body)
	single, part := gsmSingle, gsmPart
	if !gsm {
		widths = widths[:0]
		for _, r := range body {
			widths = append(widths, utf16.RuneLen(r)) // never -1: ranging over a string yields valid runes
		}
		single, part = ucs2Single, ucs2Part
	}
	total := 0
	for _, width := range widths {
		total += width
	}
	if total <= single {
		return 1
	}
	segments, used := 1, 0
	for _, width := range widths {
		if used+width > part { // a character is never split over two parts
			segments++
			used = 0
		}
		used += width
	}
	return segments
}

func gsmWidths(body string) (widths []int, ok bool) {
	for _, r := range body {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			widths = append(widths, 1)
		case strings.ContainsRune(gsmExtended, r):
			widths = append(widths, 2)
		default:
			return nil, false
		}
	}
	return widths, true
}
