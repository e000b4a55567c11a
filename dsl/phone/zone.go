package phone

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Zones returns the time zones (IANA names) in which whoever has the number may be, as far as the number tells: one, or all
// that are possible, or none.
//
// Where the area code of a mobile number is a place, as in North America and Brazil, it counts. Elsewhere a mobile number
// tells the country alone, and of a country with several times all of them are possible.
func (n Number) Zones() []string {
	if n.parsed == nil {
		return nil
	}
	if zones := countryTimes(n.country()); zones != nil && n.placeless() {
		return zones
	}
	zones, err := phonenumbers.GetTimezonesForNumber(n.parsed)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(zones), func(zone string) bool { return !strings.Contains(zone, "/") || strings.HasPrefix(zone, "Etc/") })
}

// country returns where the number is from, by ISO 3166-1: by its first digits, else the largest country with its code.
func (n Number) country() string {
	if country := phonenumbers.GetRegionCodeForNumber(n.parsed); country != "" {
		return country
	}
	return phonenumbers.GetRegionCodeForCountryCode(int(n.parsed.GetCountryCode()))
}

// placeless tells whether the digits after the country code name no place.
func (n Number) placeless() bool {
	return phonenumbers.GetNumberType(n.parsed) != phonenumbers.FIXED_LINE
}

// countryTimes returns a zone for each of the times that are kept in a country whose mobile numbers have no area code, or
// nil for any other (tz database, zone1970.tab). Overseas territories with a code of their own are not there.
func countryTimes(country string) []string {
	return map[string][]string{
		"AU": {"Australia/Perth", "Australia/Eucla", "Australia/Darwin", "Australia/Brisbane", "Australia/Adelaide", "Australia/Sydney", "Australia/Lord_Howe"},
		"CD": {"Africa/Kinshasa", "Africa/Lubumbashi"},
		"CL": {"America/Santiago", "America/Punta_Arenas", "America/Coyhaique", "Pacific/Easter"},
		"EC": {"America/Guayaquil", "Pacific/Galapagos"},
		"ES": {"Europe/Madrid", "Atlantic/Canary"},
		"FM": {"Pacific/Chuuk", "Pacific/Pohnpei"},
		"GL": {"America/Nuuk", "America/Scoresbysund", "America/Danmarkshavn", "America/Thule"},
		"ID": {"Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"},
		"KI": {"Pacific/Tarawa", "Pacific/Kanton", "Pacific/Kiritimati"},
		"MN": {"Asia/Ulaanbaatar", "Asia/Hovd"},
		"NZ": {"Pacific/Auckland", "Pacific/Chatham"},
		"PF": {"Pacific/Tahiti", "Pacific/Marquesas", "Pacific/Gambier"},
		"PG": {"Pacific/Port_Moresby", "Pacific/Bougainville"},
		"PT": {"Europe/Lisbon", "Atlantic/Azores"},
		"RU": {
			"Europe/Kaliningrad", "Europe/Moscow", "Europe/Samara", "Asia/Yekaterinburg", "Asia/Omsk", "Asia/Novosibirsk",
			"Asia/Irkutsk", "Asia/Yakutsk", "Asia/Vladivostok", "Asia/Magadan", "Asia/Kamchatka",
		},
	}[country]
}
