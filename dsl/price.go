package dsl

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Price is an amount of money: what one part of a text message costs. The zero Price is unknown.
type Price struct {
	Micros   int64  // millionths of the currency's unit
	Currency string // ISO 4217
}

const pricePattern = `^(0|[1-9][0-9]{0,3})(\.[0-9]{1,6})? [A-Z]{3}$`

var priceForm = regexp.MustCompile(pricePattern)

// Of is the price of n parts.
func (p Price) Of(n int) Price { return Price{Micros: p.Micros * int64(n), Currency: p.Currency} }

// String writes the price with at least two decimals: 0.08 GBP; "" when it is unknown.
func (p Price) String() string {
	if p.Currency == "" {
		return ""
	}
	whole, parts := p.Micros/1e6, strings.TrimRight(fmt.Sprintf("%06d", p.Micros%1e6), "0")
	for len(parts) < 2 {
		parts += "0"
	}
	return fmt.Sprintf("%d.%s %s", whole, parts, p.Currency)
}

// price reads what one part of a text message costs.
func (r *docReader) price(n *yaml.Node, place string) Price {
	t, ok := r.text(n, place)
	if !ok {
		return Price{}
	}
	if !priceForm.MatchString(t) {
		r.add(n, codeValue, fmt.Sprintf("%q is not a price.", clip(t)), "Write it with its currency, as 0.04 GBP.")
		return Price{}
	}
	amount, currency, _ := strings.Cut(t, " ")
	whole, part, _ := strings.Cut(amount, ".")
	micros, err := strconv.ParseInt(whole+(part + "000000")[:6], 10, 64)
	if err != nil { // the pattern lets ten digits through at most
		r.add(n, codeValue, fmt.Sprintf("%q is not a price.", clip(t)), "Write it with its currency, as 0.04 GBP.")
	}
	return Price{Micros: micros, Currency: currency}
}
