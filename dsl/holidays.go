package dsl

import (
	"maps"
	"slices"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/ar"
	"github.com/rickar/cal/v2/at"
	"github.com/rickar/cal/v2/au"
	"github.com/rickar/cal/v2/be"
	"github.com/rickar/cal/v2/bg"
	"github.com/rickar/cal/v2/br"
	"github.com/rickar/cal/v2/ca"
	"github.com/rickar/cal/v2/ch"
	"github.com/rickar/cal/v2/cy"
	"github.com/rickar/cal/v2/cz"
	"github.com/rickar/cal/v2/de"
	"github.com/rickar/cal/v2/dk"
	"github.com/rickar/cal/v2/ee"
	"github.com/rickar/cal/v2/es"
	"github.com/rickar/cal/v2/fi"
	"github.com/rickar/cal/v2/fr"
	"github.com/rickar/cal/v2/gb"
	"github.com/rickar/cal/v2/gr"
	"github.com/rickar/cal/v2/hr"
	"github.com/rickar/cal/v2/hu"
	"github.com/rickar/cal/v2/ie"
	"github.com/rickar/cal/v2/is"
	"github.com/rickar/cal/v2/it"
	"github.com/rickar/cal/v2/jp"
	"github.com/rickar/cal/v2/ke"
	"github.com/rickar/cal/v2/lt"
	"github.com/rickar/cal/v2/lu"
	"github.com/rickar/cal/v2/lv"
	"github.com/rickar/cal/v2/mt"
	"github.com/rickar/cal/v2/mx"
	"github.com/rickar/cal/v2/nl"
	"github.com/rickar/cal/v2/no"
	"github.com/rickar/cal/v2/nz"
	"github.com/rickar/cal/v2/pl"
	"github.com/rickar/cal/v2/pt"
	"github.com/rickar/cal/v2/ro"
	"github.com/rickar/cal/v2/rs"
	"github.com/rickar/cal/v2/se"
	"github.com/rickar/cal/v2/si"
	"github.com/rickar/cal/v2/sk"
	"github.com/rickar/cal/v2/us"
	"github.com/rickar/cal/v2/za"
)

// isHoliday tells whether a date, given as its midnight in UTC, is a public holiday of the region, on its own day or the one
// it is moved to.
func isHoliday(region string, date time.Time) bool {
	for _, h := range holidayTable[region] {
		// New Year's Day may be kept on the last day of December.
		for year := date.Year(); year <= date.Year()+1; year++ {
			actual, observed := h.Calc(year)
			if sameDate(actual, date) || sameDate(observed, date) {
				return true
			}
		}
	}
	return false
}

func sameDate(a, b time.Time) bool {
	ay, am, ad := a.Date()
	by, bm, bd := b.Date()
	return ay == by && am == bm && ad == bd
}

// holidayRegions are the words of a calendar's holidays.
func holidayRegions() []string {
	return append(slices.Sorted(maps.Keys(holidayTable)), "none")
}

// holidayTable has the public holidays of a region by its ISO 3166 code in lower case.
//
//nolint:gochecknoglobals // a constant table: built once, never written to
var holidayTable = map[string][]*cal.Holiday{
	"gb-eng": gb.Holidays,
	"gb-wls": gb.Holidays,
	"gb-sct": scottishHolidays(),
	"gb-nir": slices.Concat(gb.Holidays, []*cal.Holiday{dayOf("St Patrick's Day", time.March, 17), dayOf("Battle of the Boyne", time.July, 12)}),
	"ar":     ar.Holidays,
	"at":     at.Holidays,
	"be":     be.Holidays,
	"bg":     bg.Holidays,
	"br":     br.Holidays,
	"ca":     ca.Holidays,
	"ch":     ch.Holidays,
	"cy":     cy.Holidays,
	"cz":     cz.Holidays,
	"dk":     dk.Holidays,
	"ee":     ee.Holidays,
	"es":     es.Holidays,
	"fi":     fi.Holidays,
	"fr":     fr.Holidays,
	"gr":     gr.Holidays,
	"hr":     hr.Holidays,
	"hu":     hu.Holidays,
	"ie":     ie.Holidays,
	"is":     is.Holidays,
	"it":     it.Holidays,
	"jp":     jp.Holidays,
	"ke":     ke.Holidays,
	"lt":     lt.Holidays,
	"lu":     lu.Holidays,
	"lv":     lv.Holidays,
	"mt":     mt.Holidays,
	"mx":     mx.Holidays,
	"nl":     nl.Holidays,
	"no":     no.Holidays,
	"nz":     nz.Holidays,
	"pl":     pl.Holidays,
	"pt":     pt.Holidays,
	"ro":     ro.Holidays,
	"rs":     rs.Holidays,
	"se":     se.Holidays,
	"si":     si.Holidays,
	"sk":     sk.Holidays,
	"us":     us.Holidays,
	"za":     za.Holidays,
	"de":     de.Holidays,
	"de-bw":  de.HolidaysBW,
	"de-by":  de.HolidaysBY,
	"de-be":  de.HolidaysBE,
	"de-bb":  de.HolidaysBB,
	"de-hb":  de.HolidaysHB,
	"de-hh":  de.HolidaysHH,
	"de-he":  de.HolidaysHE,
	"de-mv":  de.HolidaysMV,
	"de-ni":  de.HolidaysNI,
	"de-nw":  de.HolidaysNW,
	"de-rp":  de.HolidaysRP,
	"de-sl":  de.HolidaysSL,
	"de-sn":  de.HolidaysSN,
	"de-st":  de.HolidaysST,
	"de-sh":  de.HolidaysSH,
	"de-th":  de.HolidaysTH,
	"au-act": au.HolidaysACT,
	"au-nsw": au.HolidaysNSW,
	"au-nt":  au.HolidaysNT,
	"au-qld": au.HolidaysQLD,
	"au-sa":  au.HolidaysSA,
	"au-tas": au.HolidaysTAS,
	"au-vic": au.HolidaysVIC,
	"au-wa":  au.HolidaysWA,
}

// scottishHolidays are the bank holidays of the Banking and Financial Dealings Act 1971, schedule 1, Scotland.
func scottishHolidays() []*cal.Holiday {
	second := dayOf("2nd January", time.January, 2)
	second.Observed = []cal.AltDay{{Day: time.Saturday, Offset: 2}, {Day: time.Sunday, Offset: 1}, {Day: time.Monday, Offset: 1}}
	return []*cal.Holiday{
		gb.NewYear, second, gb.GoodFriday, gb.EarlyMay, gb.VEDay, gb.CoronationDay, gb.SpringHoliday, gb.SpringHoliday2022,
		gb.PlatinumJubilee, gb.SummerHolidayScotland, dayOf("St Andrew's Day", time.November, 30), gb.ChristmasDay, gb.BoxingDay,
	}
}

// dayOf is a holiday on a fixed date that moves to Monday from a weekend.
func dayOf(name string, month time.Month, day int) *cal.Holiday {
	return &cal.Holiday{
		Name: name, Type: cal.ObservanceBank, Month: month, Day: day, Func: cal.CalcDayOfMonth,
		Observed: []cal.AltDay{{Day: time.Saturday, Offset: 2}, {Day: time.Sunday, Offset: 1}},
	}
}
