package dsl

import (
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/phone"
	"github.com/rapport-crm/rapport/dsl/wallclock"
)

// ZoneOf returns a candidate's time zone: their own, else that of their region or country if it has only one, else the
// workspace's, else UTC. Either argument may be nil. It is never nil.
func ZoneOf(c *crm.Candidate, ws *Workspace) *time.Location {
	if loc := profileZone(c); loc != nil {
		return loc
	}
	if loc := ws.zone(); loc != nil {
		return loc
	}
	return time.UTC
}

// KnownZone returns a candidate's time zone as far as they are known: their own, or that of their region or country if it has
// only one. It is nil when that is anybody's guess.
func KnownZone(c *crm.Candidate) *time.Location { return profileZone(c) }

// profileZone is what a candidate's own fields say of their zone, or nil.
func profileZone(c *crm.Candidate) *time.Location {
	if c == nil {
		return nil
	}
	if loc, err := wallclock.Zone(c.TimeZone); err == nil {
		return loc
	}
	country := strings.ToUpper(c.Country)
	if loc, err := wallclock.Zone(lookup(regionZones, country+"/"+strings.ToUpper(c.Region))); err == nil {
		return loc
	}
	if loc, err := wallclock.Zone(lookup(countryZones, country)); err == nil {
		return loc
	}
	return nil
}

// zone is the zone of the workspace's calendar, or nil.
func (ws *Workspace) zone() *time.Location {
	if ws == nil || ws.Calendar == nil {
		return nil
	}
	loc, err := wallclock.Zone(ws.Calendar.Zone)
	if err != nil {
		return nil
	}
	return loc
}

// phoneZones are the zones in which a candidate's phone may ring: that of their profile, else where their number is from. If
// the number leaves more than one time open, the workspace's is one of them; if it tells none, the only one.
func phoneZones(c *crm.Candidate, ws *Workspace, now time.Time) []*time.Location {
	if loc := profileZone(c); loc != nil {
		return []*time.Location{loc}
	}
	number, _ := phone.Parse(c.Phone, c.Country) // one that is none tells no zones
	var possible []*time.Location
	for _, name := range number.Zones() {
		if loc, err := wallclock.Zone(name); err == nil {
			possible = append(possible, loc)
		}
	}
	switch {
	case len(possible) == 0:
		return []*time.Location{ZoneOf(nil, ws)}
	case ws.zone() != nil && slices.ContainsFunc(possible, func(loc *time.Location) bool { return offsetOf(now, loc) != offsetOf(now, possible[0]) }):
		possible = append(possible, ws.zone())
	}
	return possible
}

// offsetOf is by how many seconds clocks in a zone are ahead of UTC.
func offsetOf(t time.Time, loc *time.Location) int {
	_, offset := t.In(loc).Zone()
	return offset
}

// lookup returns the second word of the line that begins with key.
func lookup(table, key string) string {
	for line := range strings.SplitSeq(table, "\n") {
		if k, zone, ok := strings.Cut(line, " "); ok && k == key {
			return zone
		}
	}
	return ""
}

// regionZones has the states and provinces that keep one time, by ISO 3166-2 code, of countries with more than one zone. Those
// that are divided (Texas, Arizona, Ontario, New South Wales) are not there.
const regionZones = `AU/ACT Australia/Sydney
AU/NT Australia/Darwin
AU/QLD Australia/Brisbane
AU/SA Australia/Adelaide
AU/TAS Australia/Hobart
AU/VIC Australia/Melbourne
BR/AC America/Rio_Branco
BR/AL America/Maceio
BR/AP America/Belem
BR/BA America/Bahia
BR/CE America/Fortaleza
BR/DF America/Sao_Paulo
BR/ES America/Sao_Paulo
BR/GO America/Sao_Paulo
BR/MA America/Fortaleza
BR/MG America/Sao_Paulo
BR/MS America/Campo_Grande
BR/MT America/Cuiaba
BR/PB America/Fortaleza
BR/PI America/Fortaleza
BR/PR America/Sao_Paulo
BR/RJ America/Sao_Paulo
BR/RN America/Fortaleza
BR/RO America/Porto_Velho
BR/RR America/Boa_Vista
BR/RS America/Sao_Paulo
BR/SC America/Sao_Paulo
BR/SE America/Maceio
BR/SP America/Sao_Paulo
BR/TO America/Araguaina
CA/AB America/Edmonton
CA/MB America/Winnipeg
CA/NB America/Moncton
CA/NS America/Halifax
CA/PE America/Halifax
US/AL America/Chicago
US/AR America/Chicago
US/CA America/Los_Angeles
US/CO America/Denver
US/CT America/New_York
US/DC America/New_York
US/DE America/New_York
US/GA America/New_York
US/HI Pacific/Honolulu
US/IA America/Chicago
US/IL America/Chicago
US/LA America/Chicago
US/MA America/New_York
US/MD America/New_York
US/ME America/New_York
US/MN America/Chicago
US/MO America/Chicago
US/MS America/Chicago
US/MT America/Denver
US/NC America/New_York
US/NH America/New_York
US/NJ America/New_York
US/NM America/Denver
US/NY America/New_York
US/OH America/New_York
US/OK America/Chicago
US/PA America/New_York
US/RI America/New_York
US/SC America/New_York
US/UT America/Denver
US/VA America/New_York
US/VT America/New_York
US/WA America/Los_Angeles
US/WI America/Chicago
US/WV America/New_York
US/WY America/Denver`

// countryZones has the countries that have only one zone, by ISO 3166-1 code (tz database, zone.tab). Those whose zones show
// the same time, such as Germany's and Cyprus's, count as one.
const countryZones = `AD Europe/Andorra
AE Asia/Dubai
AF Asia/Kabul
AL Europe/Tirane
AM Asia/Yerevan
AO Africa/Luanda
AT Europe/Vienna
AZ Asia/Baku
BA Europe/Sarajevo
BB America/Barbados
BD Asia/Dhaka
BE Europe/Brussels
BF Africa/Ouagadougou
BG Europe/Sofia
BH Asia/Bahrain
BI Africa/Bujumbura
BJ Africa/Porto-Novo
BN Asia/Brunei
BO America/La_Paz
BS America/Nassau
BT Asia/Thimphu
BW Africa/Gaborone
BY Europe/Minsk
BZ America/Belize
CF Africa/Bangui
CG Africa/Brazzaville
CH Europe/Zurich
CI Africa/Abidjan
CM Africa/Douala
CO America/Bogota
CR America/Costa_Rica
CU America/Havana
CV Atlantic/Cape_Verde
CY Asia/Nicosia
CZ Europe/Prague
DE Europe/Berlin
DJ Africa/Djibouti
DK Europe/Copenhagen
DO America/Santo_Domingo
DZ Africa/Algiers
EE Europe/Tallinn
EG Africa/Cairo
ER Africa/Asmara
ET Africa/Addis_Ababa
FI Europe/Helsinki
FJ Pacific/Fiji
FR Europe/Paris
GA Africa/Libreville
GB Europe/London
GE Asia/Tbilisi
GH Africa/Accra
GM Africa/Banjul
GN Africa/Conakry
GR Europe/Athens
GT America/Guatemala
GY America/Guyana
HK Asia/Hong_Kong
HN America/Tegucigalpa
HR Europe/Zagreb
HT America/Port-au-Prince
HU Europe/Budapest
IE Europe/Dublin
IL Asia/Jerusalem
IN Asia/Kolkata
IQ Asia/Baghdad
IR Asia/Tehran
IS Atlantic/Reykjavik
IT Europe/Rome
JM America/Jamaica
JO Asia/Amman
JP Asia/Tokyo
KE Africa/Nairobi
KG Asia/Bishkek
KH Asia/Phnom_Penh
KR Asia/Seoul
KW Asia/Kuwait
LA Asia/Vientiane
LB Asia/Beirut
LI Europe/Vaduz
LK Asia/Colombo
LR Africa/Monrovia
LS Africa/Maseru
LT Europe/Vilnius
LU Europe/Luxembourg
LV Europe/Riga
LY Africa/Tripoli
MA Africa/Casablanca
MC Europe/Monaco
MD Europe/Chisinau
ME Europe/Podgorica
MG Indian/Antananarivo
MK Europe/Skopje
ML Africa/Bamako
MM Asia/Yangon
MO Asia/Macau
MR Africa/Nouakchott
MT Europe/Malta
MU Indian/Mauritius
MV Indian/Maldives
MW Africa/Blantyre
MZ Africa/Maputo
NA Africa/Windhoek
NE Africa/Niamey
NG Africa/Lagos
NI America/Managua
NL Europe/Amsterdam
NO Europe/Oslo
NP Asia/Kathmandu
OM Asia/Muscat
PA America/Panama
PE America/Lima
PH Asia/Manila
PK Asia/Karachi
PL Europe/Warsaw
PR America/Puerto_Rico
PY America/Asuncion
QA Asia/Qatar
RO Europe/Bucharest
RS Europe/Belgrade
RW Africa/Kigali
SA Asia/Riyadh
SC Indian/Mahe
SD Africa/Khartoum
SE Europe/Stockholm
SG Asia/Singapore
SI Europe/Ljubljana
SK Europe/Bratislava
SL Africa/Freetown
SM Europe/San_Marino
SN Africa/Dakar
SO Africa/Mogadishu
SR America/Paramaribo
SV America/El_Salvador
SY Asia/Damascus
SZ Africa/Mbabane
TD Africa/Ndjamena
TG Africa/Lome
TH Asia/Bangkok
TJ Asia/Dushanbe
TM Asia/Ashgabat
TN Africa/Tunis
TR Europe/Istanbul
TT America/Port_of_Spain
TW Asia/Taipei
TZ Africa/Dar_es_Salaam
UA Europe/Kyiv
UG Africa/Kampala
UY America/Montevideo
VE America/Caracas
VN Asia/Ho_Chi_Minh
YE Asia/Aden
ZA Africa/Johannesburg
ZM Africa/Lusaka
ZW Africa/Harare`
